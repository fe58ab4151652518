"""What relations say of ferries, posts, centres and turns, out of small PBF files; every figure by hand."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import shapely

from layers.osm.turns import restriction_of
from layers.sources.pbf.read import PbfLayers, read_network
from tests.layers.pbf.files import Node, Relation, Way, write_pbf

pytest.importorskip("osmium", reason="osmium (pyosmium) is not installed")

ROAD = {"highway": "primary"}


def line(count: int) -> list[Node]:
    """Return nodes 0.01° apart from west to east."""
    return [(1 + i, 60 + i / 100, 50.0) for i in range(count)]


def read(tmp_path: Path, nodes: list[Node], ways: list[Way], relations: list[Relation], **options: Any) -> PbfLayers:
    in_order = options.pop("in_order", True)
    return read_network(write_pbf(tmp_path / "a.osm.pbf", nodes, ways, relations, in_order=in_order), **options)


@pytest.mark.parametrize("in_order", [True, False])
def test_a_ferry_that_only_a_relation_names(tmp_path: Path, in_order: bool) -> None:
    ways: list[Way] = [(100, [1, 2], ROAD), (101, [2, 3], {}), (102, [3, 4], ROAD), (103, [3, 4], {"power": "line"})]
    ferry: Relation = (7, [("w", 101, "")], {"type": "route", "route": "ferry", "duration": "00:20"})
    roads = read(tmp_path, line(4), ways, [ferry], in_order=in_order).roads.set_index("osm_id")
    assert roads["kind"].astype(str).to_dict() == {100: "primary", 101: "ferry", 102: "primary"}
    assert roads.loc[101, "duration_min"] == 20


def test_a_ferry_relation_for_people_on_foot_is_none_for_cars(tmp_path: Path) -> None:
    ways: list[Way] = [(100, [1, 2], ROAD), (101, [2, 3], {})]
    ferry: Relation = (7, [("w", 101, "")], {"type": "route", "route": "ferry", "motor_vehicle": "no", "foot": "yes"})
    assert read(tmp_path, line(3), ways, [ferry]).roads["osm_id"].tolist() == [100]


def test_a_ferry_of_a_relation_is_tied_to_the_roads(tmp_path: Path) -> None:
    ways: list[Way] = [
        (100, [1, 2], ROAD),
        (101, [2, 3], {"highway": "service"}),
        (102, [3, 4], {}),
        (103, [4, 5], {"highway": "track"}),
        (104, [5, 6], ROAD),
    ]
    ferry: Relation = (7, [("w", 102, "")], {"type": "route", "route": "ferry"})
    got = read(tmp_path, line(6), ways, [ferry], road_kinds=["primary"])
    assert got.roads["osm_id"].tolist() == [100, 101, 102, 103, 104]


def test_a_post_as_a_multipolygon_stands_in_its_middle(tmp_path: Path) -> None:
    # Two ways close the outer ring, 60.00–60.02 by 50.00–50.01; a third is a yard inside.
    nodes: list[Node] = [
        (1, 60.0, 50.0),
        (2, 60.02, 50.0),
        (3, 60.02, 50.01),
        (4, 60.0, 50.01),
        (5, 60.001, 50.001),
        (6, 60.002, 50.001),
        (7, 60.002, 50.002),
    ]
    ways: list[Way] = [(100, [1, 2, 3], {}), (101, [3, 4, 1], {}), (102, [5, 6, 7, 5], {})]
    members = [("w", 100, "outer"), ("w", 101, "outer"), ("w", 102, "inner")]
    tags = {"type": "multipolygon", "barrier": "border_control", "name": "Works", "opening_hours": "08:00-20:00"}
    got = read(tmp_path, nodes, ways, [(9, members, tags)])
    assert got.posts[["osm_id", "object", "name", "opening_hours"]].to_numpy().tolist() == [
        [9, "relation", "Works", "08:00-20:00"]
    ]
    assert shapely.get_coordinates(got.posts.geometry.to_numpy())[0] == pytest.approx([60.01, 50.005], abs=1e-6)
    assert got.roads.empty


def test_a_town_is_the_centre_that_boundaries_name(tmp_path: Path) -> None:
    towns: list[Node] = [(i, 60.0 + i / 10, 50.0, {"place": "town", "name": f"T{i}"}) for i in (1, 2, 3)]
    units: list[Relation] = [
        (
            10,
            [("w", 5, "outer"), ("n", 1, "admin_centre")],
            {"type": "boundary", "boundary": "administrative", "admin_level": "6"},
        ),
        (11, [("n", 1, "admin_centre")], {"type": "boundary", "boundary": "administrative", "admin_level": "4"}),
        (12, [("n", 2, "admin_centre")], {"type": "boundary", "boundary": "administrative", "admin_level": "2"}),
        (13, [("n", 3, "label")], {"type": "boundary", "boundary": "administrative", "admin_level": "4"}),
    ]
    got = read(tmp_path, towns, [], units)
    assert dict(zip(got.settlements["name"], got.settlements["capital"], strict=True)) == {
        "T1": "4",
        "T2": "yes",
        "T3": "",
    }


def test_restrictions_are_rows_of_node_and_ways(tmp_path: Path) -> None:
    ways: list[Way] = [(100, [1, 2], ROAD), (101, [2, 3], ROAD), (102, [3, 4], ROAD)]
    node, way = (
        [("w", 100, "from"), ("n", 2, "via"), ("w", 101, "to")],
        [("w", 100, "from"), ("w", 101, "via"), ("w", 102, "to")],
    )
    given: list[Relation] = [
        (1, node, {"type": "restriction", "restriction": "no_straight_on"}),
        (2, node, {"type": "restriction", "restriction": "only_left_turn", "except": "psv;motorcar"}),
        (3, node, {"type": "restriction", "restriction:hgv": "only_right_turn"}),
        (4, way, {"type": "restriction", "restriction": "no_left_turn"}),
        (5, node[:2], {"type": "restriction", "restriction": "no_left_turn"}),
        (6, node, {"type": "restriction", "restriction": "no_flying"}),
        (7, node, {"type": "restriction", "restriction": "no_left_turn", "hour_on": "07:00", "hour_off": "09:00"}),
        (8, node, {"type": "restriction", "restriction:conditional": "no_left_turn @ (07:00-09:00)"}),
        (9, node, {"type": "restriction", "restriction:hgv:conditional": "no_left_turn @ (07:00-09:00)"}),
    ]
    car = read(tmp_path, line(4), ways, given)
    assert car.turns[["via", "from_way", "to_way", "only", "relation", "over"]].to_numpy().tolist() == [
        [2, 100, 101, False, 1, ""],
        [2, 100, 102, False, 4, "101"],
    ]
    assert {k: v for k, v in car.report["left_out"].items() if k.startswith("turns")} == {
        "turns_at_some_hours": 2,
        "turns_without_members": 1,
    }
    assert car.report["unread"] == {"restriction=no_flying": 1}
    truck = read(tmp_path, line(4), ways, given, vehicle="truck")
    assert truck.report["left_out"]["turns_at_some_hours"] == 3
    assert truck.turns[["only", "relation"]].to_numpy().tolist() == [[False, 1], [True, 2], [True, 3], [False, 4]]


@pytest.mark.parametrize(
    ("tags", "what"),
    [
        ({"restriction:conditional": "no_left_turn @ (00:00-24:00)"}, "no"),
        ({"restriction:conditional": "no_left_turn @ (07:00-09:00)"}, ""),
        ({"restriction": "no_u_turn", "restriction:conditional": "none @ (07:00-09:00)"}, "no"),
        ({"type": "restriction:hgv", "restriction": "no_left_turn"}, ""),
        ({"type": "restriction:motorcar", "restriction": "only_straight_on"}, "only"),
        ({"restriction:motorcar": "only_left_turn", "restriction": "no_left_turn"}, "only"),
    ],
)
def test_what_a_restriction_says_to_a_car(tags: dict[str, str], what: str) -> None:
    assert restriction_of(tags, "car")[0] == what
