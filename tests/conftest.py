"""Fixtures that several folders of tests share."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
import shapely

from layers.checkpoints import with_waits
from layers.crs import WGS84, project
from layers.io import read_layer
from layers.regions import belt
from layers.sources.download.cache import VARIABLE
from network.build import Network, build_network
from tests.borders import Land, ground_of

collect_ignore_glob = ["clients/*", "maps/look_at_tree.py"]
"""Scripts for the Python of other programs."""


QUICK_SEEDS = 2
"""Random borders of each test that are not slow."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark slow whatever needs a run of the packaged border, and all but the first random borders of a test."""
    for item in items:
        seed = getattr(getattr(item, "callspec", None), "params", {}).get("seed")
        if "packaged_run" in getattr(item, "fixturenames", ()) or (isinstance(seed, int) and seed >= QUICK_SEEDS):
            item.add_marker(pytest.mark.slow)


@pytest.fixture(scope="session", autouse=True)
def own_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Keep what commands leave in a cache out of the user's own."""
    former = os.environ.get(VARIABLE)
    os.environ[VARIABLE] = str(tmp_path_factory.mktemp("cache"))
    yield
    os.environ.pop(VARIABLE)
    if former is not None:
        os.environ[VARIABLE] = former


@pytest.fixture(scope="session")
def packaged_land() -> Land:
    """Return the packaged snapshot of Russia–Kazakhstan."""
    names = ("regions", "roads", "railways", "checkpoints", "settlements")
    return Land(**{name: read_layer(name)[0] for name in names}, countries=("RU", "KZ"))


@pytest.fixture(scope="session")
def packaged(packaged_land: Land) -> Network:
    """Return the network of the packaged snapshot, settlements within the belt."""
    ground = ground_of(packaged_land, generalised=("road", "rail"), tolerance_km=1.0)
    towns = packaged_land.settlements
    zone = belt(ground.border, 300.0, ground.crs)
    shapely.prepare(zone)
    near = shapely.contains(zone, project(towns.geometry.to_numpy(), WGS84, ground.crs))
    return build_network(ground.base, with_waits(packaged_land.checkpoints), towns[near].reset_index(drop=True))
