"""A real Overpass server, where one is named in BORDERLINK_OVERPASS_URL; the areas are small."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import shapely

from layers.sources.download.cache import Cache
from layers.sources.overpass.server import Asking, fetch_network, fetch_regions
from layers.sources.pbf.read import read_header, read_network, read_regions
from layers.sources.pbf.regions import country_area_km2
from tests.layers.overpass.test_layers import same_edges_as_osmnx

URL = os.environ.get("BORDERLINK_OVERPASS_URL", "")
pytestmark = pytest.mark.skipif(not URL, reason="BORDERLINK_OVERPASS_URL names no Overpass server")
LIECHTENSTEIN = shapely.box(9.47, 47.04, 9.64, 47.28)


@pytest.fixture(scope="module")
def asking(tmp_path_factory: pytest.TempPathFactory) -> Asking:
    return Asking(Cache(tmp_path_factory.mktemp("overpass") / "cache"), URL)


def test_the_country_has_its_known_area(asking: Asking) -> None:
    (entry,) = fetch_regions(["LI"], asking)
    regions, report = read_regions(entry.path, countries=("LI", "AT"))
    assert country_area_km2(regions, "LI") == pytest.approx(160.5, rel=0.01)
    assert report["countries_missing"] == ["AT"]
    assert read_header(entry.path)["timestamp"] > "2020"


def test_roads_railway_places_and_posts(asking: Asking) -> None:
    entries = fetch_network(LIECHTENSTEIN, asking)
    got = read_network([e.path for e in entries], LIECHTENSTEIN)
    assert len(got.roads) > 1000
    assert got.railways["length_m"].sum() > 9000
    assert "Vaduz" in set(got.settlements["name"])
    assert read_header(entries[0].path)["sorted"]
    again = fetch_network(LIECHTENSTEIN, Asking(asking.cache, URL, offline=True))
    assert again == entries


def test_the_same_edges_as_osmnx(asking: Asking, tmp_path: Path) -> None:
    area = shapely.box(9.50, 47.12, 9.54, 47.16)
    (entry,) = fetch_network(area, asking, layers=["roads"])
    same_edges_as_osmnx(URL, area, read_network(entry.path), tmp_path)


def test_main_roads_with_what_they_tie(asking: Asking) -> None:
    area = shapely.box(9.50, 47.04, 9.60, 47.16)
    (entry,) = fetch_network(area, asking, road_kinds=["motorway", "trunk", "primary", "secondary"])
    assert len(read_network(entry.path, area, road_kinds=["primary", "secondary"]).roads) > 20
