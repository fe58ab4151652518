"""The page in real Chromium: clicks become edits, edits a file, and the command line prints the page's numbers."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd
import pytest

from tests.gis.conftest import call
from tests.gis.serve.conftest import new_browser

if TYPE_CHECKING:
    from gis.serve.run import Running

pytestmark = pytest.mark.browser
SECONDS = 60


def until(driver: Any, script: str, seconds: float = SECONDS) -> Any:
    """Wait for a script to return something true."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        found = driver.execute_script(script)
        if found:
            return found
        time.sleep(0.05)
    raise AssertionError(
        f"never true: {script}; {driver.execute_script('return document.body.innerText.slice(0, 600)')}"
    )


def settled(driver: Any) -> None:
    """Wait for the answer of the last edit."""
    time.sleep(0.05)
    until(driver, "return document.body.dataset.state === 'done'")


def opened(driver: Any, running: Running, fragment: str = "") -> Any:
    """Open the page afresh, without edits of an earlier test."""
    driver.get(running.address.partition("?")[0] + "assets/format.js")
    driver.execute_script("localStorage.clear()")
    driver.get_log("browser")
    driver.get(running.address + fragment)
    settled(driver)
    return driver


def edits(driver: Any) -> list[dict[str, Any]]:
    return list(driver.execute_script("return borderlink.state.edits"))


def click_map(driver: Any, lon: float, lat: float) -> None:
    """Click the map at a place, as a mouse does."""
    from selenium.webdriver.common.action_chains import ActionChains

    x, y = driver.execute_script(
        "const p = borderlink.map.leaflet.latLngToContainerPoint([arguments[1], arguments[0]]);"
        "const b = document.getElementById('map').getBoundingClientRect(); return [b.x + p.x - b.width/2 - b.x, "
        "p.y - b.height/2]",
        lon,
        lat,
    )
    ActionChains(driver).move_to_element_with_offset(driver.find_element("id", "map"), int(x), int(y)).click().perform()


def press(driver: Any, selector: str) -> None:
    driver.execute_script(
        "arguments[0].scrollIntoView({block: 'center'})", driver.find_element("css selector", selector)
    )
    driver.find_element("css selector", selector).click()


def fill(driver: Any, selector: str, value: str) -> None:
    field = driver.find_element("css selector", selector)
    driver.execute_script(
        "arguments[0].value = arguments[1]; arguments[0].dispatchEvent(new Event('input')); "
        "arguments[0].dispatchEvent(new Event('change'))",
        field,
        value,
    )


def propose(driver: Any, lon: float, lat: float, wait: str) -> None:
    """Click the map near the border and accept the dialog with a wait."""
    click_map(driver, lon, lat)
    until(driver, "return document.getElementById('dialog').open")
    fill(driver, "#dialog input[name=wait]", wait)
    press(driver, "#dialog button[type=submit]")
    settled(driver)


def test_the_token_leaves_the_address_and_the_console_stays_quiet(chromium: Any, running: Running) -> None:
    opened(chromium, running)
    assert "token" not in chromium.current_url and running.door.token not in chromium.execute_script(
        "return document.cookie"
    )
    assert chromium.title.endswith("what if")
    assert [line["message"] for line in chromium.get_log("browser") if line["level"] == "SEVERE"] == []


def test_clicks_make_a_file_with_which_the_command_line_prints_the_same_numbers(
    running: Running, study_file: Path, tmp_path: Path
) -> None:
    driver = new_browser(tmp_path)
    try:
        opened(driver, running)
        propose(driver, 60.0, 50.31, "10")
        press(driver, "#tab-posts li[data-id=south] input[type=checkbox]")
        settled(driver)
        fill(driver, "#tab-posts li[data-id=north] input[type=number]", "5")
        settled(driver)
        assert [e["edit"] for e in edits(driver)] == ["open", "close", "wait"]
        press(driver, "#to-regions")
        rows = driver.execute_script(
            "return [...document.querySelectorAll('#tab-regions table')[0].querySelectorAll('tbody tr')].map(r "
            "=> [...r.children].map(c => c.textContent))"
        )
        press(driver, "#save-toml")
        file = tmp_path / "scenario.toml"
        for _ in range(200):
            if file.exists():
                break
            time.sleep(0.05)
    finally:
        driver.quit()
    done = call("scenario", study_file, "--edits", file, "--out", tmp_path / "out", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    totals = pd.read_csv(tmp_path / "out" / "tables" / "totals.csv").set_index("measure")
    assert len(rows) == 6
    for name, before, after, _ in rows:
        for text, value in ((before, totals.loc[name, "before"]), (after, totals.loc[name, "after"])):
            unit = totals.loc[name, "unit"]
            printed = (
                f"{100 * value:.1f} %" if unit == "share" else f"{value:.1f}" if unit == "min" else f"{round(value):,}"
            )
            assert text == printed, name


def test_a_post_is_proposed_near_the_border_alone_and_taken_back_by_undo(chromium: Any, running: Running) -> None:
    opened(chromium, running)
    study = chromium.execute_script("return borderlink.study")
    chromium.execute_script("borderlink.study.far_km = 20")
    click_map(chromium, 59.15, 49.8)
    until(chromium, "return document.getElementById('status').textContent.includes('km from the border')")
    assert edits(chromium) == [] and study["far_km"] == 60
    propose(chromium, 60.0, 49.95, "15")
    assert edits(chromium), chromium.find_element("id", "panel").text[:800]
    (edit,) = edits(chromium)
    assert edit["edit"] == "open" and edit["lon"] == pytest.approx(60.0, abs=0.05) and edit["wait_min"] == 15
    assert "joined" in chromium.find_element("id", "edits").text
    press(chromium, "#undo")
    settled(chromium)
    assert edits(chromium) == [] and chromium.find_element("id", "headline").text == "The border as it stands"
    press(chromium, "#redo")
    settled(chromium)
    assert len(edits(chromium)) == 1


def test_what_can_not_be_is_said_and_taken_back(chromium: Any, running: Running) -> None:
    opened(chromium, running)
    press(chromium, "#tab-posts li[data-id=south] input[type=checkbox]")
    settled(chromium)
    press(chromium, "#tab-posts li[data-id=north] input[type=checkbox]")
    until(chromium, "return !document.getElementById('problem').hidden")
    assert "every checkpoint is closed" in chromium.find_element("id", "problem").text
    until(chromium, "return borderlink.state.edits.length === 1")


def test_edits_survive_a_reload_and_travel_in_a_link(chromium: Any, running: Running) -> None:
    opened(chromium, running)
    fill(chromium, "#tab-posts li[data-id=south] input[type=number]", "77")
    settled(chromium)
    chromium.refresh()
    settled(chromium)
    assert edits(chromium) == [{"edit": "wait", "checkpoint": "south", "wait_min": 77}]
    press(chromium, "#share")
    until(chromium, "return location.hash.includes('&e=')")
    link = chromium.current_url
    assert running.door.token not in link
    other = new_browser()
    try:
        other.get(link)
        until(other, "return document.body.dataset.state === 'failed'")
        assert "borderlink serve" in other.find_element("id", "problem").text
        assert "&e=" in other.current_url
        other.get(running.address)
        settled(other)
        assert edits(other) == []
        other.execute_script(f"location.hash = {json.dumps(link.partition('#')[2])}")
        until(other, "return borderlink.state.edits.length === 1")
        settled(other)
        # Two people at once: each has an answer of its own.
        fill(other, "#tab-posts li[data-id=south] input[type=number]", "5")
        settled(other)
        waits = [
            d.execute_script(
                "return borderlink.map.change.checkpoints.find(c => c.checkpoint_id === 'south').wait_min_after"
            )
            for d in (chromium, other)
        ]
        assert waits == [77, 5]
    finally:
        other.quit()


def test_a_broken_link_is_said(chromium: Any, running: Running) -> None:
    opened(chromium, running)
    chromium.execute_script("location.hash = '#v=1&study=x&e=@@@&map=1/2/3'")
    until(chromium, "return document.getElementById('problem').textContent.includes('link')")


def test_ways_and_reach_by_clicks_and_by_form(chromium: Any, running: Running) -> None:
    opened(chromium, running)
    fill(chromium, "#tool", "way")
    click_map(chromium, 59.4, 49.7)
    click_map(chromium, 60.6, 49.7)
    until(chromium, "return document.querySelector('#way-answer h3')?.textContent.includes('km')")
    assert "South" in chromium.find_element("id", "way-answer").text
    fill(chromium, "#tool", "reach")
    click_map(chromium, 59.4, 49.9)
    until(chromium, "return document.querySelectorAll('#way-answer li').length === 3")
    fill(chromium, "#tab-ways input[name=from]", "Town 59.4 49.9")
    fill(chromium, "#tab-ways input[name=to]", "Town 60.6 49.9")
    press(chromium, "#tab-ways button[type=submit]")
    until(chromium, "return document.querySelector('#way-answer h3')?.textContent.includes('km')")


def test_views_show_both_states_and_the_swipe_parts_them(chromium: Any, running: Running) -> None:
    opened(chromium, running)
    fill(chromium, "#tab-posts li[data-id=south] input[type=number]", "200")
    settled(chromium)
    shown = (
        "const s = n => getComputedStyle(document.querySelector(`.leaflet-${n}-pane`)).display !== 'none'; return "
        "[s('before'), s('after')]"
    )
    for view, panes in (
        ("before", [True, False]),
        ("change", [False, True]),
        ("swipe", [True, True]),
        ("after", [False, True]),
    ):
        chromium.execute_script(f"document.querySelector('input[value={view}]').click()")
        assert chromium.execute_script(shown) == panes
    colours = chromium.execute_script(
        "borderlink.map.show({view: 'change'}); return new Set(borderlink.map.cells.after.map(c => "
        "c.options.fillColor)).size"
    )
    assert colours >= 2


def test_tables_say_what_the_map_shows(chromium: Any, running: Running) -> None:
    opened(chromium, running)
    press(chromium, "#tab-posts li[data-id=south] input[type=checkbox]")
    settled(chromium)
    press(chromium, "#to-losses")
    text = chromium.find_element("id", "tab-losses").text
    assert "lose" in text and "Town 59.7 49.7" in text
    press(chromium, "#to-loads")
    assert "South" in chromium.find_element("id", "tab-loads").text


def test_a_region_closes_at_once(chromium: Any, running: Running) -> None:
    opened(chromium, running)
    press(chromium, "#to-posts")
    fill(chromium, "#tab-posts select", "A")
    settled(chromium)
    assert edits(chromium) == [{"edit": "close", "checkpoint": "south"}]


def test_the_spread_follows_marked_as_pending(chromium: Any, running: Running) -> None:
    opened(chromium, running)
    press(chromium, "#tab-posts li[data-id=south] input[type=checkbox]")
    settled(chromium)
    assert chromium.execute_script("return document.getElementById('spread').dataset.state") == "pending"
    until(chromium, "return document.getElementById('spread').dataset.state === 'done'")
    press(chromium, "#to-regions")
    assert "…" in chromium.find_element("id", "spread").text


def test_keys_reach_every_control(chromium: Any, running: Running) -> None:
    from selenium.webdriver.common.keys import Keys

    opened(chromium, running)
    press(chromium, "#to-posts")
    chromium.find_element("id", "to-posts").send_keys(Keys.ARROW_RIGHT)
    assert chromium.execute_script("return document.activeElement.id") == "to-new"
    assert not chromium.find_element("id", "tab-new").get_attribute("hidden")
    chromium.execute_script("document.querySelector('.skip').focus()")
    chromium.switch_to.active_element.send_keys(Keys.ENTER)
    assert chromium.execute_script("return document.activeElement.id") == "panel"
    fill(chromium, "#tab-new input[name=lon]", "60")
    fill(chromium, "#tab-new input[name=lat]", "49.9")
    chromium.find_element("css selector", "#tab-new button[type=submit]").send_keys(Keys.ENTER)
    until(chromium, "return borderlink.state.edits.length === 1")
    settled(chromium)


def test_a_phone_scrolls_in_one_direction_alone(chromium: Any, running: Running) -> None:
    chromium.execute_cdp_cmd(
        "Emulation.setDeviceMetricsOverride", {"width": 390, "height": 844, "deviceScaleFactor": 1, "mobile": True}
    )
    try:
        opened(chromium, running)
        for tab in ("posts", "new", "gains", "losses", "loads", "regions", "ways"):
            chromium.execute_script(f"document.getElementById('to-{tab}').click()")
            assert chromium.execute_script("return document.documentElement.scrollWidth") <= 390, tab
    finally:
        chromium.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})


def test_the_still_page_works_from_a_file_without_a_network(running: Running, tmp_path: Path, base: Any) -> None:
    from tests.gis.serve.test_attacks import ask, question

    body = question(base, [{"edit": "close", "checkpoint": "south"}])
    (tmp_path / "still.html").write_bytes(ask(running, "POST", "/api/page.html", body)[2])
    driver = new_browser()
    try:
        driver.execute_cdp_cmd("Network.enable", {})
        driver.execute_cdp_cmd(
            "Network.emulateNetworkConditions",
            {"offline": True, "latency": 0, "downloadThroughput": 0, "uploadThroughput": 0},
        )
        driver.get((tmp_path / "still.html").as_uri())
        until(driver, "return document.body.dataset.state === 'done'")
        assert "people" in driver.find_element("id", "headline").text
        assert "South" in driver.find_element("id", "edits").text
        assert [line["message"] for line in driver.get_log("browser") if line["level"] == "SEVERE"] == []
    finally:
        driver.quit()
