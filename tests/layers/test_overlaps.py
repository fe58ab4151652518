"""Regions over each other are named; what two surveys of one boundary leave is not."""

from __future__ import annotations

import re

import geopandas as gpd
import pytest
import shapely

from gis import load_study, prepare
from gis.inputs import Fetching
from layers.crs import GEOD, WGS84
from layers.overlaps import overlap_notes
from layers.regions import border_line, clip_to_belt, study_crs, with_sides

SIDES = ("RU", "KZ")
LEFT, RIGHT = shapely.box(58, 50, 60, 51), shapely.box(60, 50, 62, 51)


def notes_of(*rows: tuple[str, str, shapely.Geometry]) -> list[str]:
    table = {
        "region": [n for n, _, _ in rows],
        "name": [n for n, _, _ in rows],
        "country": [c for _, c, _ in rows],
    }
    frame = gpd.GeoDataFrame(table, geometry=[g for _, _, g in rows], crs=WGS84)
    border = border_line(frame, SIDES)
    return overlap_notes(clip_to_belt(with_sides(frame, SIDES), border, 150.0), study_crs(border))


def test_regions_that_touch_or_are_drawn_twice_do_not_overlap() -> None:
    assert notes_of(("West", "RU", LEFT), ("East", "KZ", RIGHT)) == []
    # 2 km further, all along: another survey of the same line.
    assert notes_of(("West", "RU", shapely.box(58, 50, 60.028, 51)), ("East", "KZ", RIGHT)) == []


def test_ground_that_both_sides_claim_is_named_with_its_area_and_whose_it_is() -> None:
    east = shapely.box(59.8, 50, 62, 51)
    (note,) = notes_of(("West", "RU", LEFT), ("East", "KZ", east))
    found = re.search(r"West and East over ([\d,]+) km² \(of both sides\)", note)
    assert found, note
    # A strip of 0.2° by 1°; edges of one degree along a parallel are straight lines in the study's projection.
    km2 = abs(GEOD.geometry_area_perimeter(shapely.segmentize(shapely.box(59.8, 50, 60, 51), 0.001))[0]) / 1e6
    assert float(found[1].replace(",", "")) == pytest.approx(km2, rel=2e-3)
    assert "East and West over" in notes_of(("East", "KZ", east), ("West", "RU", LEFT))[0]


@pytest.mark.parametrize("wide", [0.2, 0.01])  # degrees; the smaller one is 0.7 km wide, and whole within the region
def test_a_town_that_is_a_region_within_another_is_named(wide: float) -> None:
    town = shapely.box(59.5, 50.4, 59.5 + wide, 50.4 + wide)
    (note,) = notes_of(("West", "RU", LEFT), ("Town", "RU", town), ("East", "KZ", RIGHT))
    assert "West and Town over" in note and "both sides" not in note
    around = shapely.difference(LEFT, town)
    assert notes_of(("West", "RU", around), ("Town", "RU", town), ("East", "KZ", RIGHT)) == []


def test_six_of_them_are_five_and_one_more() -> None:
    towns = [(f"Town {k}", "RU", shapely.box(58.5 + k / 5, 50.4, 58.6 + k / 5, 50.4 + k / 50)) for k in range(1, 7)]
    (note,) = notes_of(("West", "RU", LEFT), *towns, ("East", "KZ", RIGHT))
    assert note.index("Town 6") < note.index("Town 2") and "Town 1 " not in note and "and 1 more" in note


def test_the_packaged_regions_do_not_overlap() -> None:
    prepared = prepare(load_study(), fetching=Fetching(offline=True))
    assert overlap_notes(prepared.regions, prepared.crs) == []
