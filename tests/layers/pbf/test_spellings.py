"""Classes in lists, in capitals and with blanks, out of small PBF files; every figure by hand."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from layers.crs import GEOD
from layers.osm.classes import class_of, is_unknown
from layers.sources.pbf.read import PbfLayers, read_network
from tests.layers.pbf.files import Node, Tags, Way, pieces_of, write_pbf

pytest.importorskip("osmium", reason="osmium (pyosmium) is not installed")

MAIN = ("motorway", "trunk", "primary", "secondary", "tertiary")
NODES: list[Node] = [(1 + i, 60 + i / 100, 50.0) for i in range(6)]


def read(tmp_path: Path, ways: list[Way], nodes: list[Node] = NODES, **options: Any) -> PbfLayers:
    return read_network(write_pbf(tmp_path / "a.osm.pbf", nodes, ways), **options)


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("primary;secondary", "primary"),
        ("secondary;primary", "secondary"),
        ("primary;unclassified", "primary"),
        ("primary; secondary", "primary"),
        ("Primary", "primary"),
        ("PRIMARY", "primary"),
        (" primary ", "primary"),
        ("primary;", "primary"),
        (";primary", "primary"),
        ("footway;secondary", "secondary"),
        ("hghway;tertiary", "tertiary"),
        ("trunk link", "trunk_link"),
        ("ice_road;track", "winter_road"),
    ],
)
def test_a_class_in_a_list_or_another_spelling_is_a_road(tmp_path: Path, text: str, kind: str) -> None:
    got = read(tmp_path, [(100, [1, 2, 3], {"highway": text})])
    assert got.roads["kind"].tolist() == [kind]
    word = "ice_road" if kind == "winter_road" else kind
    assert got.report["read_as"] == {f"highway={text} as {word}": 1}
    assert got.report["unknown_km"] == {}


def test_a_list_counts_among_the_classes_of_the_study_by_what_it_is_read_as(tmp_path: Path) -> None:
    ways = [(100, [1, 2], {"highway": "unclassified;primary"}), (101, [2, 3], {"highway": "Secondary;service"})]
    got = read(tmp_path, ways, road_kinds=MAIN)
    assert pieces_of(got.roads) == [(101, 2, 3)]


def test_a_list_ties_a_ferry_to_the_roads_as_its_class_does(tmp_path: Path) -> None:
    ways: list[Way] = [
        (100, [1, 2], {"highway": "Primary"}),
        (101, [2, 3], {"highway": "Service;track"}),
        (102, [3, 4], {"route": "ferry"}),
        (103, [4, 5], {"highway": "primary;secondary"}),
    ]
    got = read(tmp_path, ways, road_kinds=MAIN)
    assert [way for way, _, _ in pieces_of(got.roads)] == [100, 101, 102, 103]


@pytest.mark.parametrize(
    ("tags", "kind"),
    [
        ({"railway": "rail;abandoned", "usage": "Main"}, "main"),
        ({"railway": "tram;rail"}, "rail"),
        ({"railway": "Rail", "service": "siding;yard"}, "siding"),
        ({"railway": "rail", "usage": "main;branch"}, "main"),
    ],
)
def test_railways_in_lists(tmp_path: Path, tags: Tags, kind: str) -> None:
    assert read(tmp_path, [(100, [1, 2], tags)]).railways["kind"].tolist() == [kind]


def test_a_list_that_begins_with_the_end_of_use_is_no_line_and_is_named(tmp_path: Path) -> None:
    ways: list[Way] = [
        (100, [1, 2], {"railway": "abandoned;rail"}),
        (101, [2, 3], {"highway": "construction;primary"}),
        (102, [3, 4], {"highway": "primary", "disused": "Yes"}),
        (103, [4, 5], {"railway": "rail", "operational_status": "Closed"}),
    ]
    got = read(tmp_path, ways)
    assert (len(got.roads), len(got.railways)) == (0, 0)
    assert got.report["left_out"] == {"railways_operational_status_closed": 1, "roads_disused": 1}


def test_a_class_that_nobody_knows_is_named_with_its_kilometres(tmp_path: Path) -> None:
    ways: list[Way] = [
        (100, [1, 2, 3], {"highway": "primry"}),
        (101, [3, 4], {"highway": "primry"}),
        (102, [4, 5], {"railway": "line 7"}),
        (103, [1, 2, 3, 4, 1], {"highway": "plaza"}),
        (104, [1, 2], {"highway": "footway"}),
        (105, [1, 2], {"highway": "primary"}),
    ]
    got = read(tmp_path, ways, road_kinds=MAIN)
    assert pieces_of(got.roads) == [(105, 1, 2)]
    each = GEOD.inv(60.0, 50.0, 60.01, 50.0)[2] / 1000
    assert got.report["unknown_km"] == pytest.approx({"highway=primry": 3 * each, "railway=line 7": each}, rel=1e-6)
    assert got.report["left_out"] == {}


@pytest.mark.parametrize(
    ("tags", "direction", "oneway"),
    [
        ({"oneway": "Yes"}, (1, 3), True),
        ({"oneway": "yes "}, (1, 3), True),
        ({"oneway": "-1;yes"}, (3, 1), True),
        ({"junction": "Roundabout"}, (1, 3), True),
        ({"junction": "roundabout;circular"}, (1, 3), True),
        ({"oneway": "no;yes"}, (1, 3), False),
    ],
)
def test_directions_in_lists_and_capitals(tmp_path: Path, tags: Tags, direction: tuple[int, int], oneway: bool) -> None:
    got = read(tmp_path, [(100, [1, 2, 3], {"highway": "primary", **tags})])
    assert pieces_of(got.roads) == [(100, *direction)]
    assert got.roads["oneway"].tolist() == [oneway]
    assert got.report["unread"] == {}


def test_surfaces_in_lists_are_the_first_and_are_named(tmp_path: Path) -> None:
    tags = {"highway": "primary", "surface": "Gravel;asphalt", "smoothness": "Bad"}
    got = read(tmp_path, [(100, [1, 2], tags)])
    assert got.roads[["surface", "smoothness"]].iloc[0].tolist() == ["gravel", "bad"]
    assert got.report["read_as"] == {"smoothness=Bad as bad": 1, "surface=Gravel;asphalt as gravel": 1}


@pytest.mark.parametrize(
    ("tags", "kph"), [({"maxspeed": "60;80"}, 60), ({"maxspeed": "80; 60"}, 60), ({"maxspeed": " 60 "}, 60)]
)
def test_limits_in_lists_are_the_lowest(tmp_path: Path, tags: Tags, kph: float) -> None:
    assert read(tmp_path, [(100, [1, 2], {"highway": "primary", **tags})]).roads["maxspeed_kph"].tolist() == [kph]


def test_places_stations_and_posts_in_lists(tmp_path: Path) -> None:
    nodes: list[Node] = [
        (1, 60.0, 50.0, {"barrier": "lift_gate;border_control", "name": "A"}),
        (2, 60.01, 50.0, {"place": "Town;village", "name": "B"}),
        (3, 60.02, 50.0, {"railway": "Halt", "name": "C"}),
        (4, 60.03, 50.0, {"amenity": "parking;customs", "name": "D"}),
        (5, 60.04, 50.0, {"barrier": "Border_Control", "name": "E"}),
    ]
    got = read(tmp_path, [(100, [1, 2, 3, 4, 5], {"highway": "primary"})], nodes)
    assert got.posts[["name", "what"]].to_numpy().tolist() == [
        ["A", "border_control"],
        ["D", "customs"],
        ["E", "border_control"],
    ]
    assert got.settlements[["name", "kind"]].to_numpy().tolist() == [["B", "town"]]
    assert got.stations[["name", "kind"]].to_numpy().tolist() == [["C", "halt"]]
    assert len(got.report["read_as"]) == 5


def test_an_object_of_two_files_is_counted_once(tmp_path: Path) -> None:
    paths = []
    for name in ("a", "b"):
        nodes: list[Node] = [(1, 60.0, 50.0, {"place": "Town", "name": "B"}), (2, 60.01, 50.0)]
        paths.append(write_pbf(tmp_path / f"{name}.osm.pbf", nodes, [(100, [1, 2], {"highway": "Primary"})]))
    got = read_network(paths, road_kinds=MAIN)
    assert got.report["read_as"] == {"highway=Primary as primary": 1, "place=Town as town": 1}


def test_every_class_is_read_as_itself() -> None:
    words = {"highway": ("primary", "footway", "construction"), "railway": ("rail", "tram", "abandoned")}
    for key, word in ((k, w) for k, each in words.items() for w in each):
        assert class_of(key, word) == word
        assert not is_unknown(key, word)
