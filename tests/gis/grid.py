"""A border that a reader can check by hand.

Longitude 60 between two countries, 24 towns on a grid of primary roads, two posts.

Meridians at 59.1, 59.4, 59.7, 60.3, 60.6 and 60.9, parallels at 49.7, 49.9, 50.1 and 50.3; posts where 49.7 and 50.1
cross the line.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import shapely

from layers.crs import WGS84

if TYPE_CHECKING:
    from pathlib import Path

LONS = (59.1, 59.4, 59.7, 60.3, 60.6, 60.9)
LATS = (49.7, 49.9, 50.1, 50.3)
STUDY = """sides = ["RU", "KZ"]
[layers]
{layers}
[network]
depth_km = 90
line_tolerance_km = 0.5
road_match_km = 5
[connectors]
settlement_km = 10
checkpoint_km = 20
point_km = 60
[analysis]
depth_km = 60
h3_resolution = 5
segment_km = 20
permutations = 99
[stability]
alternatives = "none"
null_draws = 0
[index]
draws = 100
{more}
"""


def grid_lines() -> list[Any]:
    """Return the roads of the grid, one between each two neighbouring towns."""
    along = [shapely.LineString([(x, y), (z, y)]) for y in LATS for x, z in pairwise(LONS)]
    across = [shapely.LineString([(x, y), (x, z)]) for x in LONS for y, z in pairwise(LATS)]
    return along + across


def grid_roads(lines: list[Any] | None = None, **columns: Any) -> gpd.GeoDataFrame:
    """Return a layer of roads, those of the grid where none are given."""
    lines = grid_lines() if lines is None else lines
    frame = gpd.GeoDataFrame(geometry=lines, crs=WGS84)
    return frame.assign(**{"kind": "primary", **columns})


def grid_layers() -> dict[str, gpd.GeoDataFrame]:
    """Return the five layers but railways."""
    boxes = [shapely.box(x, y, x + 1, y + 0.5) for x in (59, 60) for y in (49.5, 50)]
    codes = {"region": ["RU-1", "RU-2", "KZ-1", "KZ-2"], "name": list("ABCD"), "country": ["RU", "RU", "KZ", "KZ"]}
    towns = [(x, y) for x in LONS for y in LATS]
    table = {
        "name": [f"Town {x} {y}" for x, y in towns],
        "country": ["RU" if x < 60 else "KZ" for x, _ in towns],
        "population": [1000 * (i + 1) for i in range(len(towns))],
    }
    posts = {"checkpoint_id": ["south", "north"], "name": ["South", "North"], "mode": "road", "wait_min": 30.0}
    return {
        "regions": gpd.GeoDataFrame(codes, geometry=boxes, crs=WGS84),
        "roads": grid_roads(),
        "settlements": gpd.GeoDataFrame(table, geometry=shapely.points(towns), crs=WGS84),
        "checkpoints": gpd.GeoDataFrame(posts, geometry=shapely.points([(60, 49.7), (60, 50.1)]), crs=WGS84),
    }


def write_grid(folder: Path, *, more: str = "", sources: dict[str, str] | None = None, **frames: Any) -> Path:
    """Write the grid's layers as files and a study that names them.

    Parameters
    ----------
    more
        Further TOML.
    sources
        TOML values that stand for layers, for those that the caller wrote itself.
    frames
        Layers that replace the grid's.
    """
    folder.mkdir(parents=True, exist_ok=True)
    named = {"railways": '"none"', **(sources or {})}
    for name, frame in {**grid_layers(), **frames}.items():
        if name not in named:
            frame.to_file(folder / f"{name}.gpkg", driver="GPKG")
            named[name] = f'"{name}.gpkg"'
    study = folder / "study.toml"
    lines = "\n".join(f"{name} = {value}" for name, value in named.items())
    study.write_text(STUDY.format(layers=lines, more=more), encoding="utf-8")
    return study
