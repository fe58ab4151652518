"""What a scenario tells planners, on a grid of towns that a reader can check by hand."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pytest

from gis.queries.answers import spread_in, values_in
from gis.queries.plans import parse_plan
from gis.study import load_study
from layers.errors import StudyError
from tests.gis.conftest import call
from tests.gis.grid import grid_layers, write_grid

if TYPE_CHECKING:
    from pathlib import Path

MORE = """[trips]
per_day = 1000
[lists]
city_people = 5000
"""
PLAN = """name = "A third post"
[variants]
"only the post" = [1]
[[edits]]
edit = "open"
lon = 60.0
lat = 49.9
wait_min = 5
[[edits]]
edit = "close"
checkpoint = "South"
[uncertainty]
draws = 10
[appraisal]
value_of_time_per_h = 4
build_cost = 1e6
running_cost_per_year = 1e5
discount_rate = 0.09
years = 20
currency = "USD"
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of one scenario with everything asked for."""
    home = tmp_path_factory.mktemp("planned")
    study = write_grid(home, more=MORE)
    (home / "plan.toml").write_text(PLAN, encoding="utf-8")
    (home / "other.toml").write_text('[[edits]]\nedit = "wait"\ncheckpoint = "North"\nwait_min = 0\n', encoding="utf-8")
    done = call(
        "scenario", study, "--edits", "plan.toml", "--edits", "other.toml", "--vehicles", "--out", "sc", cwd=home
    )
    assert done.returncode == 0, done.stderr
    assert "What it changes, with 5–95 % of the draws" in done.stdout
    return home


def table(folder: Path, name: str) -> pd.DataFrame:
    return pd.read_csv(folder / "sc" / "tables" / f"{name}.csv")


def test_every_figure_has_its_spread(folder: Path) -> None:
    effects = table(folder, "effects").set_index("key")
    assert effects[["change", "low", "median", "high"]].notna().all(axis=None)
    assert (effects["low"] <= effects["high"]).all()
    assert effects.loc["hours_per_day", "change"] == pytest.approx(effects.loc["saved", "change"] * 1000 / 60)
    assert effects.loc["saved", "change"] == pytest.approx(
        effects.loc["saved_path", "change"] + effects.loc["saved_new", "change"]
    )
    told = json.loads((folder / "sc" / "scenario.json").read_text(encoding="utf-8"))
    assert len(told["scenario"]) == 12
    assert told["name"] == "A third post"
    assert [row["key"] for row in told["effects"]] == effects.index.tolist()
    assert "closed south" in told["edits"]


def test_loads_are_diverted_and_induced_apart(folder: Path) -> None:
    loads = table(folder, "loads_change").set_index("checkpoint_id")
    assert loads["before_share"].sum() == pytest.approx(1.0)
    assert loads["diverted_share"].sum() == pytest.approx(0.0, abs=1e-6)
    assert loads.loc["south", "after_share"] == 0
    total = loads[["before_per_day", "diverted_per_day", "induced_per_day"]].sum(axis=1)
    np.testing.assert_allclose(total, loads["after_per_day"], atol=1e-5)
    assert loads["before_per_day"].sum() == pytest.approx(1000)


def test_places_have_names_and_money_both_sides(folder: Path) -> None:
    places = table(folder, "gains_places")
    assert places["place"].str.startswith("Town").all()
    assert set(places["side"]) == {"a", "b"}
    money = table(folder, "money").set_index("measure")["value"]
    assert money["ENPV, side a"] + money["ENPV, side b"] == pytest.approx(money["ENPV"])
    worth = table(folder, "worth").iloc[0]
    assert worth["worthless_above_min"] > worth["wait_min"] == 5


def test_variants_stand_beside_each_other_and_trucks_beside_cars(folder: Path) -> None:
    variants = table(folder, "variants")
    assert variants["variant"].unique().tolist() == ["A third post", "only the post", "other"]
    assert variants["scenario"].nunique() == 3
    own = variants[variants["variant"] == "A third post"].set_index("key")["change"]
    effects = table(folder, "effects").set_index("key")["change"].drop("hours_per_day")
    pd.testing.assert_series_equal(own.reindex(effects.index), effects)
    assert table(folder, "vehicles")["vehicle"].unique().tolist() == ["car", "truck"]


def test_the_edits_that_are_left_do_the_same_again(folder: Path) -> None:
    done = call("scenario", "study.toml", "--edits", "sc/edits.toml", "--out", "again", cwd=folder)
    assert done.returncode == 0, done.stderr
    for name in ("totals", "regions", "gains_places"):
        assert (folder / "again" / "tables" / f"{name}.csv").read_bytes() == (
            folder / "sc" / "tables" / f"{name}.csv"
        ).read_bytes()


def test_values_are_checked_all_at_once() -> None:
    head = '[[edits]]\nedit = "close"\ncheckpoint = "A"\n'
    with pytest.raises(
        StudyError, match=r"unknown key 'price'.*years = 1.5: allowed is a whole number.*build_cost is missing"
    ):
        values_in(parse_plan(head + "[appraisal]\nprice = 3\nyears = 1.5\nvalue_of_time_per_h = 1\n"), load_study())
    with pytest.raises(StudyError, match="uncertainty: waits = 9: allowed is 0 to 2"):
        spread_in(parse_plan(head + "[uncertainty]\nwaits = 9\n"), load_study())
    assert values_in(parse_plan(head), load_study()) is None
    names = ("value_of_time_per_h", "build_cost", "running_cost_per_year", "discount_rate", "years")
    money = "[appraisal]\n" + "".join(f"{n} = 1\n" for n in names)
    with pytest.raises(StudyError, match="money needs vehicles a day"):
        values_in(parse_plan(head + money), load_study())


def test_the_report_says_it_in_words_and_draws_what_matters_most(folder: Path) -> None:
    page = (folder / "sc" / "answer.html").read_text(encoding="utf-8")
    for text in (
        "A third post",
        "5–95 %",
        "What matters most",
        "<svg",
        "rule of a half",
        "people gain (most: Town",
        "shortens no trip above",
    ):
        assert text in page
    # Names of XML are no addresses.
    assert "://" not in re.sub(r'xmlns(:\w+)?="[^"]*"', "", page)


def test_queues_follow_the_loads_where_capacities_are_known(folder: Path) -> None:
    posts = grid_layers()["checkpoints"].assign(capacity_per_day=[700.0, 700.0])
    study = write_grid(folder / "full", more=MORE, checkpoints=posts)
    (folder / "shut.toml").write_text(
        '[[edits]]\nedit = "close"\ncheckpoint = "South"\n[uncertainty]\ndraws = 2\n', encoding="utf-8"
    )
    done = call("scenario", study, "--edits", "shut.toml", "--out", "queues", cwd=folder)
    assert done.returncode == 0, done.stderr
    queues = pd.read_csv(folder / "queues" / "tables" / "queues.csv").set_index("checkpoint_id")
    assert queues["flow_per_day_before"].sum() == pytest.approx(1000)
    # Some trips are given up; all that is left comes to one post, beyond what it can pass.
    assert 700 < queues.loc["north", "flow_per_day_after"] < 1000
    assert queues.loc["north", "load_factor_after"] > 1 > queues.loc["north", "load_factor_before"]
    over = queues.loc["north", "load_factor_after"] - 1
    assert queues.loc["north", "wait_min_after"] == pytest.approx(30 * 1.15 + 720 * over)
    assert not (folder / "sc" / "tables" / "queues.csv").exists()
    # Capacities are drawn too: with nothing else uncertain the wait still has a range, and with them certain none.
    still = "[uncertainty]\ndraws = 20\nwaits = 0\nknown_waits = 0\nspeeds = 0\nhalf_life = 0\npeople = 0\n"
    for name, more in (("room", ""), ("sure", "capacity = 0\n")):
        (folder / f"{name}.toml").write_text(
            f'[[edits]]\nedit = "close"\ncheckpoint = "South"\n{still}{more}', encoding="utf-8"
        )
        assert call("scenario", study, "--edits", f"{name}.toml", "--out", name, cwd=folder).returncode == 0
        north = pd.read_csv(folder / name / "tables" / "queues.csv").set_index("checkpoint_id").loc["north"]
        wide = north["wait_min_after_high"] - north["wait_min_after_low"]
        assert wide > 60 if name == "room" else wide == pytest.approx(0, abs=1e-6)
        assert north["wait_min_after_low"] - 1e-6 <= north["wait_min_after"] <= north["wait_min_after_high"] + 1e-6


def test_loads_and_gains_have_their_ranges(folder: Path) -> None:
    loads = table(folder, "loads_change")
    for name in ("before_share", "diverted_share", "induced_share", "after_share", "after_per_day"):
        assert (loads[f"{name}_low"] <= loads[f"{name}_high"]).all()
    assert (loads["after_share_high"] > loads["after_share_low"]).any()
    places = table(folder, "gains_places")
    assert (places["potential_change_low"] <= places["potential_change"] + 1e-9).mean() > 0.5
    assert (places["benefit_share_low"] <= places["benefit_share_high"]).all()
    for name in ("gains_sides", "gains_regions"):
        group = table(folder, name)
        assert (group["potential_change_pct_low"] <= group["potential_change_pct_high"]).all()
