"""What the page saves is what the command line reads: the same edits and the same printed numbers, of every kind."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd
import pytest

from gis.queries.edits import plain
from gis.queries.plans import parse_plan
from tests.gis.conftest import call
from tests.gis.serve.conftest import new_browser
from tests.gis.serve.test_browser import edits, fill, opened, press, propose, settled
from tests.gis.serve.test_drawing import draw

if TYPE_CHECKING:
    from gis.serve.run import Running

pytestmark = pytest.mark.browser
FILE = """
[[edits]]
edit = "hours"
checkpoint = "south"
hours = "08:00-20:00"
[[edits]]
edit = "capacity"
checkpoint = "north"
capacity_per_day = 400
[[edits]]
edit = "wait"
checkpoint = "north"
wait_min = 12.5
direction = "a to b"
[[edits]]
edit = "open"
lon = 60.0
lat = 50.2
at = "new road"
road_class = "secondary"
road_kph = 70
wait_min = 15
wait_back_min = 25
wait_truck_min = 90
capacity_per_day = 250
regime = "bilateral"
name = "Middle"
[[edits]]
edit = "upgrade"
polygon = [[59.2, 49.6], [59.9, 49.6], [59.9, 50.0], [59.2, 50.0]]
road_class = "trunk"
[[edits]]
edit = "speeds"
season = "winter"
region = "C"
"""


def totals_shown(driver: Any) -> list[list[str]]:
    """Return the table of the whole border as the page prints it."""
    press(driver, "#to-regions")
    rows: list[list[str]] = driver.execute_script(
        "return [...document.querySelectorAll('#tab-regions table')[0].querySelectorAll('tbody tr')].map(r "
        "=> [...r.children].map(c => c.textContent))"
    )
    return rows


def saved(driver: Any, folder: Path) -> Path:
    """Save the scenario and wait for its file."""
    file = folder / "scenario.toml"
    press(driver, "#save-toml")
    for _ in range(400):
        if file.exists():
            return file
        time.sleep(0.05)
    raise AssertionError("no file was saved")


def printed_by_the_command(study: Path, file: Path, folder: Path) -> list[list[str]]:
    """Return the same table of `borderlink scenario`, as the page would print it."""
    done = call("scenario", study, "--edits", file, "--out", folder / "out", cwd=folder)
    assert done.returncode == 0, done.stderr
    table = pd.read_csv(folder / "out" / "tables" / "totals.csv")

    def text(value: float, unit: str) -> str:
        return f"{100 * value:.1f} %" if unit == "share" else f"{value:.1f}" if unit == "min" else f"{round(value):,}"

    return [
        [row.measure, text(row.before, row.unit), text(row.after, row.unit)] for row in table.itertuples(index=False)
    ]


def test_drawn_roads_areas_and_a_closed_region(running: Running, study_file: Path, tmp_path: Path) -> None:
    driver = new_browser(tmp_path)
    try:
        opened(driver, running)
        draw(driver, "line", [(59.7, 49.9), (60.3, 49.9)])
        fill(driver, "#dialog select[name=class]", "secondary")
        fill(driver, "#dialog input[name=kph]", "55")
        fill(driver, "#dialog input[name=wait]", "10")
        press(driver, "#dialog button[type=submit]")
        settled(driver)
        draw(driver, "area", [(59.2, 49.6), (59.9, 49.6), (59.9, 50.0), (59.2, 50.0)])
        fill(driver, "#dialog input[name=factor]", "0.6")
        press(driver, "#dialog button[type=submit]")
        settled(driver)
        fill(driver, "#tool", "post")
        propose(driver, 60.0, 50.31, "20")
        press(driver, "#to-posts")
        fill(driver, "#tab-posts select", "B")
        settled(driver)
        fill(driver, "#edits li:nth-child(2) input", "7")
        settled(driver)
        assert [e["edit"] for e in edits(driver)] == ["road", "open", "speeds", "open", "close"]
        assert edits(driver)[1]["wait_min"] == 7
        shown, file = totals_shown(driver), saved(driver, tmp_path)
        status = driver.find_element("id", "status").text
    finally:
        driver.quit()
    assert "is saved" in status
    assert [row[:3] for row in shown] == printed_by_the_command(study_file, file, tmp_path)
    assert any(row[3] != "0" for row in shown)


def test_a_file_of_every_kind_is_opened_shown_and_saved_again(
    running: Running, study_file: Path, tmp_path: Path
) -> None:
    (tmp_path / "given.toml").write_text(FILE, encoding="utf-8")
    driver = new_browser(tmp_path)
    try:
        opened(driver, running)
        driver.find_element("id", "file").send_keys(str(tmp_path / "given.toml"))
        for _ in range(200):
            if len(edits(driver)) == 6:
                break
            time.sleep(0.05)
        settled(driver)
        lines = driver.find_element("id", "edits").text
        for words in ("08:00-20:00", "400 vehicles a day", "wait 12.5 min", "A → B", "trunk", "winter", "again"):
            assert words.replace("A → B", "Russia → Kazakhstan") in lines, lines
        shown, file = totals_shown(driver), saved(driver, tmp_path)
    finally:
        driver.quit()
    given, back = parse_plan(FILE).edits, parse_plan(file.read_text(encoding="utf-8")).edits
    assert [plain(e) for e in back] == [plain(e) for e in given]
    assert [row[:3] for row in shown] == printed_by_the_command(study_file, file, tmp_path)
