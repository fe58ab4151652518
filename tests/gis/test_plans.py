"""Scenario files: what stands in them is what is made; a mistake has its line."""

from __future__ import annotations

from typing import TYPE_CHECKING

import geopandas as gpd
import pytest
import shapely

from gis.queries.edits import KINDS
from gis.queries.kinds import Capacity, Close, Electrify, Hours, Road, Speeds, Stop, Upgrade, Wait, plain
from gis.queries.new_posts import Open
from gis.queries.plans import _toml, edit_in_line, edit_of, parse_plan, read_plan, scenario_id, to_toml
from layers.errors import BorderlinkError
from tests.gis.conftest import call
from tests.gis.grid import write_grid

if TYPE_CHECKING:
    from pathlib import Path

EDITS = (
    Open(62.5, 53.25, wait_min=20.0, at="new road", road_class="primary", name='Post "Two"'),
    Open(crossing="road-x003", wait_min=10.0, wait_truck_min=90.0, wait_back_min=15.0, capacity_per_day=250.0),
    Close("Mashtakovo"),
    Close(region="KZ-27"),
    Wait("Sagarchin", 30.0, "a to b", "truck"),
    Hours("Sagarchin", "09:00-21:00"),
    Capacity("Sagarchin", 400.0),
    Road(((60.0, 50.0), (60.5, 50.25)), road_kph=90.0, oneway=True),
    Upgrade(road_class="motorway", osm_ids=(1, 2)),
    Speeds(0.5, polygon=((60.0, 50.0), (61.0, 50.0), (61.0, 51.0))),
    Speeds(season="winter", region="KZ-27"),
    Electrify("3 kV DC", region="KZ-27"),
    Electrify(osm_ids=(5,)),
    Stop(62.5, 53.25, name="Halt"),
)


def test_what_is_written_is_read() -> None:
    plan = parse_plan(to_toml(EDITS, name="All kinds"))
    assert plan.edits == EDITS[:1] + plan.edits[1:2] + EDITS[2:]
    assert repr(plan.edits[1]) == repr(EDITS[1])
    assert plan.name == "All kinds"
    assert plan.id == scenario_id(EDITS)
    assert [edit_of(dict(item)) for item in ({"edit": "close", "checkpoint": "A"},)] == [Close("A")]


def test_a_line_of_a_command_is_what_a_file_says() -> None:
    """Files, flags and Python are the same values, of every kind there is."""
    assert {type(e) for e in EDITS} == set(KINDS.values())
    for edit in EDITS:
        item = plain(edit)
        kind = item.pop("edit")
        line = f"{kind}: " + ", ".join(f"{k} = {_toml(v)}" for k, v in item.items())
        (read,) = edit_in_line(line)
        assert repr(read) == repr(edit)
    assert edit_in_line('close: checkpoint = ["A", "B"]') == [Close("A"), Close("B")]
    for line, message in (
        ("close: checkpoint", "can't be read"),
        ("shut: a = 1", "edit = 'shut'"),
        ('close: chekpoint = "A"', "did you mean 'checkpoint'"),
        ('wait: checkpoint = "A"', "without wait_min"),
    ):
        with pytest.raises(BorderlinkError, match=message):
            edit_in_line(line)


def test_the_hash_is_of_the_content() -> None:
    one = parse_plan('[[edits]]\nedit = "open"\nlon = 62\nlat = 53\n')
    two = parse_plan('# the same\nname = "x"\n[[edits]]\nlat = 53.0\nlon = 62.0\nmode = "road"\nedit = "open"\n')
    assert one.id == two.id == scenario_id([Open(62, 53)])
    assert one.id != scenario_id([Open(62, 53.5)])
    assert scenario_id([Close("A"), Close("B")]) != scenario_id([Close("B"), Close("A")])


def test_lists_tables_and_variants() -> None:
    plan = parse_plan(
        """
[variants]
"without" = [1]
"with" = [1, 2]

[[edits]]
edit = "close"
checkpoint = ["A", "B"]

[[edits]]
edit = "open"
lon = 62.0
lat = 53.0
[edits.wait_min]
car = 20
truck = 90

[appraisal]
currency = "USD"
"""
    )
    assert plan.edits == (Close("A"), Close("B"), Open(62.0, 53.0, wait_min=20.0, wait_truck_min=90.0))
    assert plan.variants == {"without": (0, 1), "with": (0, 1, 2)}
    assert plan.more == {"appraisal": {"currency": "USD"}}
    assert plan.where == ("the scenario, line 6", "the scenario, line 6", "the scenario, line 10")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('[[edits]]\nedit = "close"\ncheckpoint = \n', "line 3 is no valid TOML"),
        ('[[edits]]\nedit = "shut"\n', "line 2: edit = 'shut': allowed are open, close"),
        ('[[edits]]\nedit = "clse"\n', r"line 2: edit = 'clse' \(did you mean 'close'\?\)"),
        (
            '[[edits]]\nedit = "close"\ncheckpont = "A"\n',
            r"line 3: unknown key 'checkpont' \(did you mean 'checkpoint'\?\)",
        ),
        (
            '[[edits]]\nedit = "wait"\ncheckpoint = "A"\nwait_min = "long"\n',
            "line 4: wait_min = 'long': allowed is a number",
        ),
        ('[[edits]]\nedit = "wait"\ncheckpoint = "A"\n', "line 2: an edit 'wait' without wait_min"),
        ('[[edits]]\nedit = "road"\npoints = [[60, 50], [61]]\n', r"line 3: points = .*allowed is pairs \[lon, lat\]"),
        ('name = "x"\n', "has no edits: allowed are tables"),
        ('[[edits]]\nedit = "close"\ncheckpoint = "A"\n[more]\n', "line 4: unknown key 'more'"),
        ('[variants]\na = [2]\n[[edits]]\nedit = "close"\ncheckpoint = "A"\n', "variant 'a' = .*from 1 to 1"),
        ('[[edits]]\nedit = "open"\nlon = 1\nlat = 1\nwait_min = { bus = 3 }\n', "line 5: wait_min = .*car, truck"),
        ('[[edits]]\nedit = "road"\nlayer = "x.gpkg"\n', "line 3: a layer can't be read here"),
    ],
)
def test_a_mistake_has_its_line(text: str, message: str) -> None:
    with pytest.raises(BorderlinkError, match=message):
        parse_plan(text)


def test_layers_travel_as_geometry(tmp_path: Path) -> None:
    lines = [shapely.LineString([(60, 50), (60.5, 50.5)]), shapely.LineString([(61, 50), (61, 51)])]
    gpd.GeoDataFrame(geometry=lines, crs="EPSG:4326").to_file(tmp_path / "roads.gpkg")
    (tmp_path / "plan.toml").write_text(
        '[[edits]]\nedit = "road"\nlayer = "roads.gpkg"\nroad_kph = 80\n', encoding="utf-8"
    )
    plan = read_plan(tmp_path / "plan.toml")
    assert plan.edits == (
        Road(((60.0, 50.0), (60.5, 50.5)), road_kph=80.0),
        Road(((61.0, 50.0), (61.0, 51.0)), road_kph=80.0),
    )
    assert plan.name == "plan"
    (tmp_path / "plan.toml").write_text(
        '[[edits]]\nedit = "speeds"\nfactor = 0.5\nlayer = "roads.gpkg"\n', encoding="utf-8"
    )
    with pytest.raises(BorderlinkError, match=r"plan.toml, line 4: the layer .*allowed are 200 of Polygon"):
        read_plan(tmp_path / "plan.toml")
    with pytest.raises(BorderlinkError, match="no such scenario"):
        read_plan(tmp_path / "none.toml")


CLOSED = '[[edits]]\nedit = "close"\ncheckpoint = "North"\n'


def test_a_wrong_scenario_writes_nothing(tmp_path: Path) -> None:
    study = write_grid(tmp_path)
    plan = tmp_path / "plan.toml"
    for text, message in (
        (
            '[[edits]]\nedit = "close"\ncheckpoint = "Noth"\n',
            "plan.toml, line 1: 'Noth' names no checkpoint (did you mean north",
        ),
        ('[[edits]]\nedit = "close"\ncheckpoint = ["North", "South"]\n', "every checkpoint is closed"),
        ('[[edits]]\nedit = "open"\nlon = 10\nlat = 50\n', "plan.toml, line 1: a new checkpoint at 10,50 would stand"),
        ('[[edits]]\nedit = "close"\n', "plan.toml, line 1: a closure"),
        (
            '[[edits]]\nedit = "speeds"\nfactor = 0.5\npolygon = [[nan, 50], [60, 50], [60, 51]]\n',
            "line 1: polygon: allowed are longitudes and latitudes that are numbers",
        ),
        (f"{CLOSED}[uncertainty]\nseed = -3\n", "plan.toml, line 4: uncertainty: seed = -3: allowed is 0 or more"),
        (f"{CLOSED}[uncertainty]\ndraws = 0.5\n", "plan.toml, line 4: draws = 0.5: allowed is a whole number"),
        (f"{CLOSED}[appraisal]\nyears = 3\n", "plan.toml, line 4: value_of_time_per_h is missing"),
        ('[[edits]]\nedit = "stop"\nlon = 60.0\nlat = 50.0\n', "plan.toml, line 1: a stop: the data name no stations"),
    ):
        plan.write_text(text, encoding="utf-8")
        done = call("scenario", study, "--edits", plan, "--out", "sc", cwd=tmp_path)
        assert done.returncode == 2, done.stderr
        assert message in done.stderr
        assert len([line for line in done.stderr.splitlines() if line.startswith("borderlink:")]) == 1
        assert not (tmp_path / "sc").exists()
