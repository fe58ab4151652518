"""Water out of extracts: which tags, rings with islands, what is too small or cut off, a lake in two files."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import shapely

pytest.importorskip("osmium", reason="pyosmium is not installed")

from layers.sources.pbf.water import read_water_areas
from tests.layers.pbf.files import Node, Relation, Way, write_pbf

if TYPE_CHECKING:
    from pathlib import Path

WHOLE = shapely.box(-180, -90, 180, 90)


def ring(first: int, west: float, south: float, size: float) -> tuple[list[Node], list[int]]:
    """Return the nodes of a square and the closed way through them."""
    corners = [(west, south), (west + size, south), (west + size, south + size), (west, south + size)]
    return [(first + k, x, y) for k, (x, y) in enumerate(corners)], [first, first + 1, first + 2, first + 3, first]


def file_of(path: Path, squares: list[tuple[float, float, dict[str, str]]], *more: Relation) -> Path:
    nodes: list[Node] = []
    ways: list[Way] = []
    for k, (west, size, tags) in enumerate(squares):
        points, refs = ring(10 * k + 1, west, 50.0, size)
        nodes += points
        ways.append((k + 1, refs, tags))
    return write_pbf(path, nodes, ways, more)


def test_lakes_reservoirs_and_banks_are_water_and_a_pond_a_dry_lake_and_a_wood_are_none(tmp_path: Path) -> None:
    # A hundredth of a degree is 0.8 km² there, a thousandth 0.008.
    squares = [
        (60.0, 0.01, {"natural": "water", "water": "lake"}),
        (60.1, 0.01, {"landuse": "reservoir"}),
        (60.2, 0.01, {"waterway": "riverbank"}),
        (60.3, 0.001, {"natural": "water"}),
        (60.4, 0.01, {"natural": "water", "intermittent": "yes"}),
        (60.5, 0.01, {"natural": "wood"}),
        (60.6, 0.01, {"natural": "water", "water": "wastewater"}),
    ]
    found = read_water_areas([file_of(tmp_path / "a.osm.pbf", squares)], WHOLE)
    assert sorted(round(g.bounds[0], 3) for g in found.geometry) == [60.0, 60.1, 60.2]
    near = read_water_areas([tmp_path / "a.osm.pbf"], shapely.box(60.09, 50, 60.11, 50.1))
    assert [round(g.bounds[0], 3) for g in near.geometry] == [60.1]
    nothing = read_water_areas([tmp_path / "a.osm.pbf"], shapely.box(0, 0, 1, 1))
    assert len(nothing) == 0
    assert nothing.crs is not None


def test_an_island_is_land_and_a_lake_that_is_cut_off_is_left_out(tmp_path: Path) -> None:
    shore, island = ring(1, 60.0, 50.0, 0.1), ring(11, 60.04, 50.04, 0.02)
    lake: Relation = (
        7,
        [("w", 1, "outer"), ("w", 2, "inner")],
        {"type": "multipolygon", "natural": "water"},
    )
    cut: Relation = (8, [("w", 1, "outer"), ("w", 99, "outer")], {"type": "multipolygon", "natural": "water"})
    path = write_pbf(tmp_path / "a.osm.pbf", [*shore[0], *island[0]], [(1, shore[1], {}), (2, island[1], {})], [lake])
    (found,) = read_water_areas([path], WHOLE).geometry
    assert found.area == pytest.approx(0.1**2 - 0.02**2)
    assert not found.contains(shapely.Point(60.05, 50.05))
    missing = write_pbf(tmp_path / "b.osm.pbf", shore[0], [(1, shore[1], {})], [cut])
    assert len(read_water_areas([missing], WHOLE)) == 0


def test_a_lake_in_two_extracts_stands_once(tmp_path: Path) -> None:
    lake = [(60.0, 0.01, {"natural": "water"})]
    one, two = (file_of(tmp_path / f"{n}.osm.pbf", lake) for n in "ab")
    whole, cut = read_water_areas([one, two], WHOLE), read_water_areas([one], WHOLE)
    assert len(whole) == len(cut) == 1
