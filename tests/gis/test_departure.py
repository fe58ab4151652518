"""Trips that begin at an hour.

Opening of posts, conditional roads, observed waits, travellers and money, on the grid and by hand.
"""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from layers.errors import LayerError, PlaceError
from layers.moments import moment_of, until_open_min
from layers.waits import read_waits
from tests.gis.conftest import call
from tests.gis.grid import grid_layers, write_grid

SIDES = ("RU", "KZ")
MINUTES = 43.3 / 75 * 60
"""From 59.7 to 60.3 over the crossing at 49.7, half of it before the post."""


def route(study: Path, *options: str, a: str = "59.7,49.7", b: str = "60.3,49.7") -> dict[str, Any]:
    done = call("route", a, b, "--study", study.name, "--json", *options, cwd=study.parent)
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def grid(tmp_path: Path, *, more: str = "", **columns: Any) -> Path:
    return write_grid(tmp_path, more=more, checkpoints=grid_layers()["checkpoints"].assign(**columns))


def test_who_comes_before_the_post_opens_waits_for_it(tmp_path: Path) -> None:
    """The posts open at 9: who departs at 8 comes to the southern one 17 minutes later."""
    study = grid(tmp_path, hours="09:00-21:00")
    early = route(study, "--at", "Mon 08:00")
    assert early["opening_wait_min"] == pytest.approx(60 - MINUTES / 2, abs=0.3)
    assert early["wait_min"] == pytest.approx(60 - MINUTES / 2 + 30, abs=0.3)
    assert early["total_min"] == pytest.approx(60 + 30 + MINUTES / 2, abs=0.3)
    assert early["departure"] == "2026-07-06T08:00"
    noon = route(study, "--at", "2026-02-03 12:00")
    assert noon["total_min"] == pytest.approx(MINUTES + 30, abs=0.2) == route(study)["total_min"]
    late = route(study, "--at", "Mon 20:50")
    assert late["opening_wait_min"] == pytest.approx(12 * 60 + 10 - MINUTES / 2, abs=0.3)


def test_another_post_that_is_open_is_quicker_than_to_wait(tmp_path: Path) -> None:
    """North is four meridians further, 71 minutes: at 20:50 it is not worth 13 hours."""
    study = grid(tmp_path, hours=["09:00-21:00", "24/7"])
    found = route(study, "--at", "Mon 20:50")
    assert found["checkpoints"] == ["north"]
    assert found["opening_wait_min"] == 0
    assert route(study, "--at", "Mon 08:00")["checkpoints"] == ["south"]


def test_hours_that_cannot_be_read_and_posts_that_never_open(tmp_path: Path) -> None:
    found = route(grid(tmp_path / "a", hours=["by day", "24/7"]), "--at", "Mon 08:00")
    assert found["checkpoints"] == ["south"]
    assert any("can't be read" in n for n in found["notes"])
    found = route(grid(tmp_path / "b", hours=["off", "24/7"]), "--at", "Mon 08:00")
    assert found["checkpoints"] == ["north"]


def test_a_road_that_is_closed_at_the_hour(tmp_path: Path) -> None:
    pytest.importorskip("osmium", reason="pyosmium is not installed")
    from tests.gis.osm_grid import OsmGrid

    ways = OsmGrid()
    ways.retag((59.1, 49.9), (59.4, 49.9), motor_vehicle__conditional="no @ (Mo-Fr 06:00-10:00)")
    study = ways.write(tmp_path)
    for at, km in (("Mon 08:00", 65.9), ("Mon 12:00", 21.5), ("Sun 08:00", 21.5), ("", 21.5)):
        options = ("--at", at) if at else ()
        assert route(study, *options, a="59.1,49.9", b="59.4,49.9")["length_m"] / 1000 == pytest.approx(km, abs=0.3)


def test_trips_home_do_not_pass_the_border(tmp_path: Path) -> None:
    found = route(grid(tmp_path, hours="09:00-21:00"), "--at", "Mon 08:00", a="59.1,49.7", b="59.7,49.7")
    assert (found["checkpoints"], found["wait_min"]) == ([], 0)


WAITS = """post,direction,vehicle,time,minutes,source
south,KZ,car,2025-07-07T08:30,50,diary
south,KZ,car,2025-07-08T08:30,60,diary
south,KZ,car,2025-07-09T09:30,70,diary
south,KZ,car,2025-07-09T23:30,5,diary
south,RU,car,2025-07-09T08:30,20,diary
South,KZ,truck,2025-07-09T08:30,900,haulier
"""


def test_waits_that_people_measured(tmp_path: Path) -> None:
    (tmp_path / "waits.csv").write_text(WAITS, encoding="utf-8")
    posts = read_waits(tmp_path / "waits.csv", _layer(), SIDES, today=datetime(2026, 1, 1))
    assert posts.posts[["checkpoint_id", "observations", "median_min"]].to_numpy().tolist() == [["south", 5, 50]]
    # Of 5, 20, 50, 60, 70 the 90th percentile lies six tenths of the way from 60 to 70.
    assert posts.posts["p90_min"].iloc[0] == pytest.approx(66)
    assert posts.notes == []
    assert posts.wait_min("south", "ab", datetime(2026, 7, 6, 8)) == 60
    # One observation at night, all the others by day: with fewer than three the direction decides.
    assert posts.wait_min("south", "ab", datetime(2026, 7, 6, 2)) == 55
    assert posts.wait_min("south", "ba", datetime(2026, 7, 6, 8)) == 50
    assert posts.wait_min("north", "ab", datetime(2026, 7, 6, 8)) != posts.wait_min(
        "north", "ab", datetime(2026, 7, 6, 8)
    )
    old = read_waits(tmp_path / "waits.csv", _layer(), SIDES, today=datetime(2028, 1, 1))
    assert "more than 2 years ago: south (latest 2025-07-09)" in old.notes[0]
    truck = read_waits(tmp_path / "waits.csv", _layer(), SIDES, vehicle="truck", today=datetime(2026, 1, 1))
    assert truck.posts["median_min"].tolist() == [900]


def _layer() -> Any:
    from layers.schema import validate

    return validate(grid_layers()["checkpoints"], "checkpoints", "test")


def test_a_study_takes_the_waits_that_were_measured(tmp_path: Path) -> None:
    study = grid(tmp_path, more="")
    (tmp_path / "waits.csv").write_text(WAITS, encoding="utf-8")
    text = study.read_text(encoding="utf-8")
    study.write_text(f'observed_waits = "waits.csv"\n{text}', encoding="utf-8")
    assert route(study)["wait_min"] == 50
    assert route(study, "--at", "Mon 08:00")["wait_min"] == 60
    assert route(study, "--at", "Mon 08:00", a="60.3,49.7", b="59.7,49.7")["wait_min"] == 50


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("post,minutes\nsouth,3\n", "no column time"),
        ("post,time,minutes\nsouth,yesterday,3\n", "'yesterday' (line 2)"),
        ("post,time,minutes\nsouth,2025-01-01T10:00,-3\n", "'-3' (line 2)"),
        ("post,direction,time,minutes\nsouth,up,2025-01-01T10:00,3\n", "'up' (line 2)"),
    ],
)
def test_waits_that_cannot_be_used(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "w.csv").write_text(text, encoding="utf-8")
    with pytest.raises(LayerError) as error:
        read_waits(tmp_path / "w.csv", _layer(), SIDES)
    assert said in str(error.value)


@pytest.mark.parametrize(
    ("traveller", "posts"), [("citizen", ["south"]), ("third_country", ["north"]), ("goods", ["north"])]
)
def test_who_may_cross(tmp_path: Path, traveller: str, posts: list[str]) -> None:
    study = grid(tmp_path, regime=["simplified", "multilateral"])
    text = study.read_text(encoding="utf-8")
    study.write_text(text.replace("[network]", f'[network]\ntraveller = "{traveller}"'), encoding="utf-8")
    assert route(study)["checkpoints"] == posts


def test_money_beside_minutes(tmp_path: Path) -> None:
    """South costs a fee of 50; north is 89 km and 71 minutes longer, which are worth 8.9 + 11.9.

    The cheapest way goes there.
    """
    more = "[money]\nvalue_of_time_per_h = 10\nper_km = 0.1\nfees = { south = 50 }\n"
    study = grid(tmp_path, more=more)
    quick, cheap = route(study), route(study, "--by", "cost")
    assert (quick["checkpoints"], cheap["checkpoints"]) == (["south"], ["north"])
    assert quick["money"] == pytest.approx(50 + 4.33, abs=0.02)
    assert cheap["money"] == pytest.approx(0.1 * (43.1 + 4 * 22.2), abs=0.05)
    plain = grid(tmp_path / "plain")
    assert route(plain)["money"] is None
    assert (
        "needs the study's [money]"
        in call("route", "59.7,49.7", "60.3,49.7", "--study", plain.name, "--by", "cost", cwd=plain.parent).stderr
    )


@pytest.mark.parametrize("text", ["Mon", "08:00", "Mon 25:00", "tomorrow", "Xyz 08:00"])
def test_a_moment_that_is_none(text: str) -> None:
    with pytest.raises(PlaceError, match="allowed is a weekday or a date"):
        moment_of(text)


def test_hours_and_holidays() -> None:
    assert until_open_min("Mo-Fr 08:00-18:00", datetime(2026, 7, 4, 12), SIDES) == (20 + 24) * 60
    # 1 January is a holiday in both countries.
    assert until_open_min("08:00-18:00; PH off", datetime(2026, 5, 9, 12), ("RU",)) > 0
    assert until_open_min("off", datetime(2026, 5, 9, 12), SIDES) == float("inf")
    assert moment_of("Sunday 7:05").at - moment_of("Mon 0:00").at == timedelta(days=6, hours=7, minutes=5)
