"""OpenStreetMap PBF extracts as layers: roads, railways, settlements, posts and stations of an area, and regions.

One or several files, read as a stream: what is kept in memory follows the area, not the files.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import shapely

from layers.errors import LayerError
from layers.osm.classes import FERRY, RAIL_KINDS, READ_AS, ROAD_KINDS, WINTER_KINDS
from layers.osm.lines import KEYS, NO_THROUGH, UNREAD, railways_of, roads_of
from layers.osm.tags import BROAD_GAUGES
from layers.regions import region_of
from layers.sources.pbf.network import Collected, collect, read_header
from layers.sources.pbf.points import WANTED, posts_of, settlements_of, stations_of
from layers.sources.pbf.regions import read_boundaries, read_regions
from layers.sources.pbf.relations import turns_of
from layers.sources.pbf.ways import barriers_of, km_of_unknown, split_ways, way_table, with_durations

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Iterable, Sequence

    import geopandas as gpd
    import pandas as pd

__all__ = ["PbfLayers", "read_boundaries", "read_header", "read_network", "read_regions"]

NAMED = (UNREAD, NO_THROUGH, READ_AS)
REACH_KM = 10.0
"""A place this near to a region counts to it: a generalised coast, a bridge over the border river."""


@dataclass(frozen=True)
class PbfLayers:
    """Layers out of PBF files.

    `roads`, `railways` and `settlements` have the columns of `layers.schema` and more; `posts` and `stations` are what
    checkpoints are made of (`layers.osm.posts`). `turns` are restrictions at nodes
    (`layers.sources.pbf.relations.turns_of`). `report` counts what was read and what was left out, by reason.
    """

    roads: gpd.GeoDataFrame
    railways: gpd.GeoDataFrame
    settlements: gpd.GeoDataFrame
    posts: gpd.GeoDataFrame
    stations: gpd.GeoDataFrame
    turns: pd.DataFrame
    report: dict[str, Any]

    def __repr__(self) -> str:
        return (
            f"PbfLayers({len(self.roads):,} pieces of road, {len(self.railways):,} of railway, "
            f"{len(self.settlements):,} settlements, {len(self.posts):,} posts, {len(self.stations):,} stations)"
        )


def read_network(
    paths: Path | str | Sequence[Path | str],
    area: shapely.Geometry | None = None,
    *,
    regions: gpd.GeoDataFrame | None = None,
    road_kinds: Iterable[str] | None = None,
    vehicle: str = "car",
    posts: gpd.GeoDataFrame | None = None,
    at: tuple[int, int] | None = None,
) -> PbfLayers:
    """Return the layers of an area out of PBF files.

    Parameters
    ----------
    paths
        One or several files. An object that stands in two of them is one; where the two differ, the file with the newer
        timestamp counts.
    area
        Polygon in longitude and latitude; None for everything in the files. A way ends at the last node inside.
    regions
        Layer ``regions``: fills ``country`` of settlements, roads and railways (empty outside all of them, and without
        it).
    road_kinds
        Values of ``highway`` to keep; None for all that a car may use.
    vehicle
        Whom barriers on the way stop, and whose seasons and hours are read: ``car`` or ``truck``.
    posts
        Points of checkpoints from elsewhere. Ways of other classes than `road_kinds` that tie these, mapped posts or
        ferries to the roads are kept.
    at
        Day of the week (0 for Monday) and half hour at which conditional access and directions are asked; None for what
        holds by day.

    Raises
    ------
    LayerError
        A file is missing, empty, damaged or no PBF; the area is no polygon or lies outside longitude and latitude; a
        kind of road is unknown.

    Notes
    -----
    ``u`` and ``v`` are OSM's node ids (at a closed barrier numbers of our own), ``osm_id`` the way's. Pieces stand in
    the order of the ways' ids and along them, so that the order of the files does not matter.
    """
    files = _files(paths)
    kinds = _checked_kinds(road_kinds)
    _check_area(area)
    lines = {
        b"highway": tuple(k.encode() for k in (*kinds, *WINTER_KINDS)),
        **{k.encode(): (b"yes",) for k in WINTER_KINDS},
        b"railway": tuple(k.encode() for k in RAIL_KINDS),
        b"route": (FERRY.encode(),),
    }
    got = collect(
        files,
        area,
        [k.encode() for k in KEYS],
        lines,
        WANTED,
        lower=[k.encode() for k in ROAD_KINDS if k not in kinds],
        posts=None if posts is None else shapely.get_coordinates(posts.geometry.to_numpy()),
    )
    roads, railways, unknown_km = _edges(got, kinds, vehicle, at)
    settlements = settlements_of(got.points, got.counts, got.relations.centres)
    posts, stations = posts_of(got.points, got.counts), stations_of(got.points)
    for frame in (roads, railways, settlements):
        frame["country"] = "" if regions is None else _countries(frame, regions)
    _say_broad(railways)
    turns = turns_of(got.relations.turns, vehicle, got.counts, roads)
    report = {
        "files": [{"file": f.name, **_about(f)} for f in files],
        "nodes": len(got.nodes.ids),
        "ways": len(got.ways.ids),
        "roads": len(roads),
        "railways": len(railways),
        "settlements": len(settlements),
        "posts": len(posts),
        "stations": len(stations),
        "tied": len(got.tied),
        "turns": len(turns),
        "left_out": {k: v for k, v in sorted(got.counts.items()) if v and not k.startswith(NAMED)},
        "unread": _counted(got.counts, UNREAD),
        "no_through": _counted(got.counts, NO_THROUGH),
        "read_as": _counted(got.counts, READ_AS),
        "unknown_km": unknown_km,
    }
    return PbfLayers(roads, railways, settlements, posts, stations, turns, report)


def _counted(counts: Counter[str], prefix: str) -> dict[str, int]:
    """Return the counts whose keys begin with `prefix`, without it."""
    return {k.removeprefix(prefix): v for k, v in sorted(counts.items()) if v and k.startswith(prefix)}


def _files(paths: Path | str | Sequence[Path | str]) -> list[Path]:
    """Return the files, each once."""
    given = [paths] if isinstance(paths, str | Path) else list(paths)
    return list(dict.fromkeys(Path(p) for p in given))


def _about(path: Path) -> dict[str, Any]:
    """Return what the report tells of a file."""
    header = read_header(path)
    return {"timestamp": header["timestamp"], "program": header["program"], "bytes": path.stat().st_size}


def _checked_kinds(kinds: Iterable[str] | None) -> tuple[str, ...]:
    """Return the kinds of road to keep."""
    chosen = ROAD_KINDS if kinds is None else tuple(kinds)
    strange = sorted(set(chosen) - set(ROAD_KINDS))
    if strange:
        raise LayerError(f"roads of kind {', '.join(map(repr, strange))}: allowed are {', '.join(ROAD_KINDS)}")
    return chosen


def _check_area(area: shapely.Geometry | None) -> None:
    """Raise where the area is no polygon on earth."""
    if area is None:
        return
    if not isinstance(area, shapely.Polygon | shapely.MultiPolygon) or area.is_empty:
        raise LayerError(f"the area is {area!r:.60}: allowed is a polygon that is not empty")
    west, south, east, north = shapely.bounds(area)
    if west < -180 or east > 180 or south < -90 or north > 90:
        raise LayerError(
            f"the area reaches from {west:g}, {south:g} to {east:g}, {north:g}: allowed is longitude −180 to 180 and "
            "latitude −90 to 90; project it to EPSG:4326 before"
        )


def _edges(
    got: Collected, kinds: Sequence[str], vehicle: str, at: tuple[int, int] | None
) -> tuple[gpd.GeoDataFrame, gpd.GeoDataFrame, dict[str, float]]:
    """Return the split roads and railways, and the kilometres of classes that nobody knows.

    What is read out of the ways is freed as soon as it is no longer needed.
    """
    place = got.nodes.find(got.ways.refs)
    got.ways.refs = np.zeros(0, np.int64)
    tags = with_durations(way_table(got), got.relations.ferries)
    tables = [
        railways_of(tags, got.counts),
        roads_of(
            tags, got.counts, kinds=kinds, vehicle=vehicle, besides=got.tied, ferries=got.relations.ferries, at=at
        ),
    ]
    unknown_km = km_of_unknown(tags, got.ways.counts, place, got.nodes)
    barriers = barriers_of(got.barriers, got.nodes, vehicle, got.counts, at)
    del tags
    # Nobody but `split_ways` holds a table, so that it can let go of it.
    stop: tuple[pd.DataFrame | None, ...] = (barriers, None)
    roads, railways = (split_ways(tables.pop(), got.ways.counts, place, got.nodes, got.counts, cuts) for cuts in stop)
    return roads, railways, unknown_km


def _say_broad(railways: gpd.GeoDataFrame) -> None:
    """Put the millimetres in the place of ``broad``, which differ by country; unknown where none is known. In place."""
    broad = railways["gauge"].astype(str).str.split(";").map(lambda parts: "broad" in parts)
    if broad.any():
        mm = railways["country"].map(BROAD_GAUGES).fillna("")
        stated = [g.replace("broad", m).strip(";") for g, m in zip(railways["gauge"][broad], mm[broad], strict=True)]
        railways["gauge"] = railways["gauge"].astype(object)
        railways.loc[broad, "gauge"] = stated


def _countries(frame: gpd.GeoDataFrame, regions: gpd.GeoDataFrame) -> np.ndarray[Any, np.dtype[np.object_]]:
    """Return the country of each row, by its first point; empty beyond `REACH_KM` of every region."""
    first = frame.geometry.to_numpy()
    if len(frame) and frame.geom_type.iloc[0] == "LineString":
        first = shapely.get_point(first, 0)
    row = region_of(shapely.get_coordinates(first), regions, REACH_KM)
    return np.append(regions["country"].to_numpy(dtype=object), "")[row]
