"""Public reports of wrong ways in neighbouring projects, as small files; every figure by hand.

The tracker and the number of the report stand beside each.
"""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from layers.hours import read_hours
from layers.moments import until_open_min
from layers.osm.access import CLOSED, LIMITED, OPEN, access_to
from layers.osm.people import parse_population
from layers.osm.tags import parse_duration, parse_maxspeed
from layers.sources.pbf.read import PbfLayers, read_network
from network.speeds import with_speeds
from tests.layers.pbf.files import Node, Relation, Tags, Way, pieces_of, write_pbf

pytest.importorskip("osmium", reason="osmium (pyosmium) is not installed")

ROAD = {"highway": "primary"}
NODES: list[Node] = [(1 + i, 60 + i / 100, 50.0) for i in range(6)]


def read(
    tmp_path: Path, ways: list[Way], nodes: list[Node] = NODES, relations: tuple[Relation, ...] = (), **options: Any
) -> PbfLayers:
    return read_network(write_pbf(tmp_path / "a.osm.pbf", nodes, ways, relations), **options)


# OsmAnd 1623 and 18566, pt2matsim 77: limits by direction.
@pytest.mark.parametrize(
    ("tags", "kph", "differ"),
    [
        ({"oneway": "-1", "maxspeed:forward": "50", "maxspeed:backward": "90"}, 90, 0),
        ({"oneway": "yes", "maxspeed:forward": "90", "maxspeed:backward": "50"}, 90, 0),
        ({"maxspeed": "80", "maxspeed:forward": "60"}, 60, 1),
        ({"oneway": "-1", "maxspeed": "80", "maxspeed:forward": "60"}, 80, 0),
        ({"oneway": "yes", "maxspeed": "80", "maxspeed:forward": "60"}, 60, 0),
        ({"maxspeed:forward": "70", "maxspeed:backward": "100"}, 70, 1),
        ({"maxspeed:forward": "70", "maxspeed:backward": "70"}, 70, 0),
        ({"maxspeed:forward": "none", "maxspeed": "80"}, 80, 0),
    ],
)
def test_a_limit_of_the_direction_that_is_driven(tmp_path: Path, tags: Tags, kph: float, differ: int) -> None:
    got = read(tmp_path, [(100, [1, 2], {**ROAD, **tags})])
    assert got.roads["maxspeed_kph"].tolist() == [kph]
    assert got.report["left_out"].get("limits_that_differ_by_direction", 0) == differ


# GraphHopper 381, Valhalla 6137, Organic Maps 3741.
@pytest.mark.parametrize(
    ("text", "kph"),
    [
        ("6.875 mph", 11.06),
        ("180km/h", 180),
        ("100km", 100),
        ("60 км/час", 60),
        ("90/70", 70),
        ("GR:Urban", 50),
        ("DE:zone:20", 20),
        ("10 knots", 18.52),
        ("walk", 5),
    ],
)
def test_limits_as_they_are_written(text: str, kph: float) -> None:
    assert parse_maxspeed(text)[0] == kph


def test_a_limit_that_no_rule_reads_is_named(tmp_path: Path) -> None:
    ways: list[Way] = [(100, [1, 2], {**ROAD, "maxspeed": "RU:trunc"}), (101, [2, 3], {**ROAD, "maxspeed": "none"})]
    assert read(tmp_path, ways).report["unread"] == {"maxspeed=RU:trunc": 1}


# GraphHopper 501, 519, 523; Valhalla 839, 4403.
@pytest.mark.parametrize(
    ("text", "minutes"),
    [
        ("1:30:00", 90),
        ("PT45M", 45),
        ("00:20;00:30", 25),
        ("PT20M;PT30M", 25),
        ("about 20 min", 20),
        ("30'", 30),
        ("01.30", np.nan),
    ],
)
def test_durations_as_they_are_written(text: str, minutes: float) -> None:
    assert parse_duration(text) == pytest.approx(minutes, nan_ok=True)


def test_a_short_ferry_takes_as_long_as_it_says(tmp_path: Path) -> None:
    # 0.001° of longitude at 50° are 72 m: ten minutes are 0.4 km/h, mooring and all.
    nodes: list[Node] = [(1, 60.0, 50.0), (2, 60.001, 50.0)]
    got = read(tmp_path, [(100, [1, 2], {"route": "ferry", "motor_vehicle": "yes", "duration": "00:10"})], nodes)
    links = with_speeds(pd.DataFrame(got.roads).assign(mode="road", wait_min=0.0))
    assert links["time_min"].tolist() == pytest.approx([10.0])


def test_a_long_ferry_that_crawls_is_a_slip(tmp_path: Path) -> None:
    nodes: list[Node] = [(1, 60.0, 50.0), (2, 60.001, 50.0)]
    got = read(tmp_path, [(100, [1, 2], {"route": "ferry", "motor_vehicle": "yes", "duration": "10:00"})], nodes)
    links = with_speeds(pd.DataFrame(got.roads).assign(mode="road", wait_min=0.0))
    assert links["speed_kph"].tolist() == [15.0]


# GraphHopper's reader takes a locked gate for closed; its issue 2400, OSRM 184, Valhalla 3175.
@pytest.mark.parametrize(
    ("tags", "closed"),
    [
        ({"barrier": "gate", "locked": "yes"}, True),
        ({"barrier": "gate", "locked": "no"}, False),
        ({"barrier": "gate", "locked": "yes", "motor_vehicle": "yes"}, False),
        ({"barrier": "yes", "access": "no"}, True),
        ({"barrier": "height_restrictor", "maxheight": "1.9"}, True),
        ({"barrier": "height_restrictor", "maxheight": "2.5"}, False),
        ({"barrier": "gate", "access": "no", "motorcar": "yes"}, False),
    ],
)
def test_what_a_node_closes(tmp_path: Path, tags: Tags, closed: bool) -> None:
    nodes: list[Node] = [(1, 60.0, 50.0), (2, 60.01, 50.0, tags), (3, 60.02, 50.0)]
    got = read(tmp_path, [(100, [1, 2, 3], ROAD)], nodes)
    assert len(got.roads) == 1 + closed


def test_a_node_that_is_too_low_for_trucks_parts_their_road(tmp_path: Path) -> None:
    nodes: list[Node] = [(1, 60.0, 50.0), (2, 60.01, 50.0, {"barrier": "height_restrictor", "maxheight": "2.5"})]
    nodes.append((3, 60.02, 50.0))
    assert len(read(tmp_path, [(100, [1, 2, 3], ROAD)], nodes, vehicle="truck").roads) == 2


# openrouteservice 75 and 262, Itinero 48, GraphHopper 2788, 3151 and 3378, Valhalla 4683.
@pytest.mark.parametrize(
    ("tags", "car", "truck"),
    [
        ({"maxweight": "10"}, OPEN, CLOSED),
        ({"maxweight": "44"}, OPEN, OPEN),
        ({"maxweight": "3.5 t"}, OPEN, CLOSED),
        ({"maxweight": "3,5"}, OPEN, CLOSED),
        ({"maxweight": "7500 kg"}, OPEN, CLOSED),
        ({"maxweight": "none"}, OPEN, OPEN),
        ({"maxweightrating:hgv": "7.5"}, OPEN, CLOSED),
        ({"maxweightrating:hgv": "7.5", "maxweightrating:hgv:conditional": "none @ destination"}, OPEN, LIMITED),
        ({"maxheight": "3.8"}, OPEN, CLOSED),
        ({"maxheight": "4"}, OPEN, OPEN),
        ({"maxheight": "12'6\""}, OPEN, CLOSED),
        ({"maxheight": "default"}, OPEN, OPEN),
        ({"maxheight": "1.8"}, CLOSED, CLOSED),
        ({"maxwidth": "2.2"}, OPEN, CLOSED),
        ({"maxlength": "12"}, OPEN, CLOSED),
        ({"maxaxleload": "8"}, OPEN, CLOSED),
        ({"maxaxleload": "13"}, OPEN, OPEN),
        ({"maxweight": "10", "maxweight:hgv": "50"}, OPEN, OPEN),
        ({"hgv": "destination"}, OPEN, LIMITED),
        ({"hgv:conditional": "destination @ (maxweight > 5)"}, OPEN, LIMITED),
    ],
)
def test_limits_of_weight_and_size(tags: Tags, car: int, truck: int) -> None:
    assert (access_to(tags, "car").level, access_to(tags, "truck").level) == (car, truck)


def test_a_bridge_that_is_too_weak_is_closed_to_trucks_alone(tmp_path: Path) -> None:
    ways: list[Way] = [(100, [1, 2], {**ROAD, "maxweight": "10"}), (101, [2, 3], {**ROAD, "maxweight": "ten"})]
    got = read(tmp_path, ways)
    assert got.roads[["car", "truck"]].to_numpy().tolist() == [[True, False], [True, True]]
    assert got.report["unread"] == {"maxweight=ten": 1}


# Conditions of GraphHopper's and OpenTripPlanner's tests and trackers.
@pytest.mark.parametrize(
    ("tags", "level", "season"),
    [
        # Open in winter to who has a permit: no through traffic then.
        ({"motor_vehicle:conditional": "no @ (Nov-Apr); yes @ (permit)"}, OPEN, "summer"),
        ({"motor_vehicle:conditional": "no @ (Nov-Apr); destination @ (Nov-Apr)"}, OPEN, "summer"),
        ({"motor_vehicle:conditional": "no @ (1 Nov-30 Apr)"}, OPEN, "summer"),
        ({"motor_vehicle:conditional": "no @ (Nov 1-Apr 30: 00:00-24:00)"}, OPEN, "summer"),
        ({"access:conditional": "no @ (Su,PH)"}, OPEN, ""),
        ({"access:conditional": "no @ (PH)"}, OPEN, ""),
        ({"access": "no", "access:conditional": "yes @ (Mo-Su,PH 05:00-23:00)"}, OPEN, ""),
        ({"motor_vehicle": "discouraged"}, OPEN, ""),
        ({"hgv": "local", "access": "yes"}, OPEN, ""),
        ({"access": "authorized"}, LIMITED, ""),
    ],
)
def test_conditions_that_were_read_wrongly_or_not(tags: Tags, level: int, season: str) -> None:
    found = access_to(tags, "car")
    assert (found.level, found.season, found.unread) == (level, season, ())


def test_sundays_and_holidays_are_a_seventh_of_a_plain_week() -> None:
    assert access_to({"access:conditional": "no @ (Su,PH)"}, "car").share == pytest.approx(6 / 7, abs=1e-4)
    assert access_to({"access:conditional": "no @ (Sa,Su,PH 12:00-18:00)"}, "car").share == pytest.approx(
        1 - 2 / 7 / 4, abs=1e-4
    )


# OsmAnd 2429: every day, and holidays; what is by appointment opens for nobody who has none.
@pytest.mark.parametrize(
    ("text", "share"),
    [
        ("Mo-Su, PH 10:00-22:00", 0.5),
        ("Mo-Su,PH 10:00-22:00", 0.5),
        ("Mo-Fr, Su 08:00-20:00", 6 / 14),
        ("Mo-Fr 08:00-12:00, Sa 13:00-18:00", 25 / 168),
        ('Mo-Fr 08:00-18:00 || "by appointment"', 50 / 168),
        ('Mo-Fr 08:00-18:00; Sa "by appointment"', 50 / 168),
        ("Mo-Fr 08:00-18:00 || Sa 10:00-12:00", 52 / 168),
        ("Mon-Fri 08:00-18:00", 50 / 168),
        ("08:00-20:00;", 0.5),
        ("24 hours", 1),
        ("круглосуточно", 1),
        ("Ежедневно 09:00-21:00", 0.5),
        ("24/7; PH off", 1),
    ],
)
def test_opening_hours_as_they_are_written(text: str, share: float) -> None:
    assert read_hours(text).open_share == pytest.approx(share)


def test_who_comes_in_the_evening_waits_for_the_morning() -> None:
    monday = datetime(2026, 7, 6, 23)
    assert until_open_min("Mo-Su, PH 10:00-22:00", monday, ()) == 660
    assert until_open_min('Mo-Fr 08:00-18:00 || "by appointment"', monday, ()) == 540


# OSMnx and GeoNames users write people in many ways.
@pytest.mark.parametrize(
    ("text", "people"),
    [("5.000", 5000), ("12.345.000", 12_345_000), ("500.0", 500), ("12 000", 12_000), ("~500", 500), ("0", 0)],
)
def test_people_with_a_full_stop(text: str, people: int) -> None:
    assert parse_population(text)[0] == people


# OSRM 4241 and 5988, GraphHopper 1302, 2647, 2680, OpenTripPlanner 2731, OsmAnd 21855.
def test_no_entry_from_several_roads_and_no_exit_into_several(tmp_path: Path) -> None:
    ways: list[Way] = [(100, [1, 2], ROAD), (101, [3, 2], ROAD), (102, [2, 4], ROAD), (103, [2, 5], ROAD)]
    relations: tuple[Relation, ...] = (
        (900, [("w", 100, "from"), ("w", 101, "from"), ("n", 2, "via"), ("w", 102, "to")], {"restriction": "no_entry"}),
        (
            901,
            [("w", 100, "from"), ("n", 2, "via"), ("w", 102, "To"), ("w", 103, "to ")],
            {"type": "restriction", "restriction": "no_exit"},
        ),
        (902, [("w", 100, "from"), ("n", 2, "via"), ("w", 103, "to")], {"restriction:motorcar": "no_entry"}),
    )
    turns = read(tmp_path, ways, relations=relations).turns
    assert turns[["relation", "from_way", "to_way"]].to_numpy().tolist() == [
        [900, 100, 102],
        [900, 101, 102],
        [901, 100, 102],
        [901, 100, 103],
        [902, 100, 103],
    ]


# OSRM 2681, GraphHopper 3155, Valhalla's and R5's restrictions over a way.
def test_a_restriction_over_a_way_names_the_nodes_where_its_ways_meet(tmp_path: Path) -> None:
    ways: list[Way] = [(100, [1, 2], ROAD), (101, [2, 3], ROAD), (102, [3, 4], ROAD), (103, [4, 5], ROAD)]
    over = {"type": "restriction", "restriction": "no_u_turn"}
    relations: tuple[Relation, ...] = (
        (900, [("w", 100, "from"), ("w", 101, "via"), ("w", 102, "to")], over),
        (901, [("w", 100, "from"), ("w", 101, "via"), ("w", 102, "via"), ("w", 103, "to")], over),
        (902, [("w", 100, "from"), ("w", 103, "via"), ("w", 102, "to")], over),
    )
    got = read(tmp_path, ways, relations=relations)
    assert got.turns.to_dict("records") == [
        {"via": 2, "from_way": 100, "to_way": 102, "only": False, "relation": 900, "over": "101", "via_to": 3},
        {"via": 2, "from_way": 100, "to_way": 103, "only": False, "relation": 901, "over": "101|102", "via_to": 4},
    ]
    assert got.report["left_out"] == {"turns_over_ways": 1}


# Places mapped as areas, and with a name in some language alone.
def test_a_settlement_that_is_an_area_alone_is_read_once(tmp_path: Path) -> None:
    nodes: list[Node] = [
        (1, 60.0, 50.0),
        (2, 60.02, 50.0),
        (3, 60.02, 50.02),
        (4, 60.0, 50.02),
        (10, 60.5, 50.5, {"place": "town", "name": "B"}),
        (11, 60.5, 50.5),
        (12, 60.52, 50.5),
        (13, 60.52, 50.52),
        (20, 61.0, 50.0, {"place": "village", "name:kk": "Ауыл"}),
    ]
    ways: list[Way] = [
        (100, [1, 2, 3, 4, 1], {"place": "village", "name": "A", "population": "700"}),
        (101, [11, 12, 13, 11], {"place": "town", "name": "B"}),
    ]
    got = read(tmp_path, ways, nodes).settlements
    assert sorted(zip(got["name"], got["population"], strict=True)) == [("A", 700), ("B", 0), ("Ауыл", 0)]
    middle = got.loc[got["name"] == "A"].geometry.iloc[0]
    assert (middle.x, middle.y) == pytest.approx((60.01, 50.01))
    assert got["settlement_id"].is_unique


# OSRM 666, 866; Valhalla 3231, 447; GraphHopper 436, 1097.
@pytest.mark.parametrize(
    ("tags", "roads"),
    [
        ({"highway": "motorway_link", "oneway": "no"}, [(100, 1, 3, False)]),
        ({"highway": "motorway", "oneway": "no"}, [(100, 1, 3, False)]),
        ({"highway": "primary", "access": "no", "bus": "designated"}, []),
        ({"highway": "primary", "access": "no", "psv": "yes"}, []),
        ({"highway": "primary", "access": "hov"}, []),
        ({"highway": "primary", "access": "no", "motor_vehicle": "designated"}, [(100, 1, 3, False)]),
        ({"highway": "primary", "junction": "roundabout", "oneway": "-1"}, [(100, 3, 1, True)]),
        ({"highway": "busway"}, []),
    ],
)
def test_access_and_direction_in_odd_company(
    tmp_path: Path, tags: Tags, roads: list[tuple[int, int, int, bool]]
) -> None:
    got = read(tmp_path, [(100, [1, 2, 3], tags)])
    assert [(*p, bool(o)) for p, o in zip(pieces_of(got.roads), got.roads["oneway"], strict=True)] == roads
