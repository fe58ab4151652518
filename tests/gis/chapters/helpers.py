"""The study with everything on, and how its results are read."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from layers.indicators import indicator_template
from tests.maps.pages import packed

if TYPE_CHECKING:
    from tests.borders import Land

NETWORKS = ("borderless", "open", "actual")
LEVELS = ("transport", "joint_projects", "social_services")
REGIONS = ("RU-CHE", "RU-KGN", "RU-TYU", "RU-OMS", "RU-ORE", "RU-SVE", "KZ-39", "KZ-59", "KZ-15", "KZ-11")
WINDOW = shapely.box(58.5, 49.5, 72.5, 57.0)
PER_DAY = 5000.0
CLOSED, NO_CAPACITY = "road-bugristoe", "road-kazanskoe"
COUNTED = {
    "road-mariinsky": 900.0,
    "road-nikolaevka": 150.0,
    "road-petukhovo": 400.0,
    CLOSED: 260.0,
    "rail-troitsk": 12.0,
}
CHAPTERS = {
    "places": "Growth points and bottlenecks",
    "checkpoints": "Checkpoints",
    "reach": "Within reach",
    "trips": "Trips",
    "closures": "Closures",
    "sure": "How sure",
    "levels": "Regions",
    "data": "What it rests on",
}
NAMES = {"high-high": "Tor", "high-low": 'shut <b id="harm">gate</b>', "low-high": "path", "low-low": "edge & rim"}
TOML = """
title = "Everything on"
sides = ["RU", "KZ"]
[layers]
regions = "regions.gpkg"
roads = "roads.gpkg"
railways = "railways.gpkg"
settlements = "settlements.gpkg"
checkpoints = "checkpoints.gpkg"
[connectors]
checkpoint_modelled_km = 400  # posts far from the roads of the data have counts here
[analysis]
permutations = 99
raster_km = 10
decay = { name = "gaussian", sigma_min = 90 }
[lists]
growth_people = 2000
smooth_draws = 199
[reach]
within_min = [240, 60, 120]
[reach.layers]
hospital = { path = "hospitals.gpkg", name = "title", weight = "beds", rights = "Made up for a test" }
[isochrones]
places = ["Kostanay", "65.0,54.5", "road-petukhovo"]
minutes = [120, 60]
[trips]
per_day = 5000
closed_together = 4
links_closed = 5
[index]
indicators = "indicators.csv"
draws = 100
[stability]
alternatives = "weights"
null_draws = 19
[types]
groups = 3
[types.names]
high-high = "Tor"
high-low = 'shut <b id="harm">gate</b>'
low-high = "path"
low-low = "edge & rim"
[types.group_names]
1 = "first of all"
"""


def table(folder: Path, name: str) -> pd.DataFrame:
    """Read a table of a run; codes joined by a bar may look like numbers to nobody."""
    return pd.read_csv(folder / "tables" / f"{name}.csv")


def cut_down(land: Land, folder: Path) -> None:
    """Write the middle of the packaged border with a busy checkpoint closed, capacities, counts, own layers."""
    near = {n: getattr(land, n) for n in ("roads", "railways", "settlements", "checkpoints")}
    near = {n: layer[layer.geometry.intersects(WINDOW)].reset_index(drop=True) for n, layer in near.items()}
    towns = near["settlements"]
    near["settlements"] = towns = towns[towns["population"] >= 5000].reset_index(drop=True)
    points = near["checkpoints"]
    road = (points["mode"] == "road") & (points["checkpoint_id"] != NO_CAPACITY)
    points["open"] &= points["checkpoint_id"] != CLOSED
    points["capacity_per_day"] = np.where(road, 500.0, np.nan)
    points["observed_per_day"] = points["checkpoint_id"].map(COUNTED).astype(float)
    near["regions"] = land.regions[land.regions["region"].isin(REGIONS)].reset_index(drop=True)
    for name, layer in near.items():
        layer.to_file(folder / f"{name}.gpkg", layer=name)
    large = towns.sort_values("population", ascending=False, kind="stable").head(14)
    beds = 50.0 + 20 * np.arange(14)
    own = {"title": [f"Hospital of {name}" for name in large["name"]], "beds": beds}
    gpd.GeoDataFrame(own, geometry=large.geometry.to_numpy(), crs=4326).to_file(folder / "hospitals.gpkg")
    filled = indicator_template()
    known = filled["region"].isin(REGIONS)
    filled.loc[known, "value"] = np.random.default_rng(1).uniform(1, 100, known.sum()).round(2).astype(str)
    filled.loc[known, "year"] = "2022"
    filled.to_csv(folder / "indicators.csv", index=False)
    (folder / "study.toml").write_text(TOML, encoding="utf-8")


def legend(page: str, key: str) -> list[dict[str, str]]:
    """Return the classes of a drawing of the web map."""
    config, _ = packed(page)
    (classes,) = [style["classes"] for style in config["styles"] if style["key"] == key]
    return list(classes)


@cache
def warnings_of(folder: Path) -> list[str]:
    """Return the warnings of a run."""
    told: list[str] = json.loads((folder / "run.json").read_text(encoding="utf-8"))["warnings"]
    return told
