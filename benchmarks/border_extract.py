"""An extract of OpenStreetMap over the packaged border: roads, railways, places and posts with tags as real ones have.

The grid of `benchmarks.country`, each link a way of five points; names, references, limits and surfaces on as many as
real roads have them; the packaged settlements and generated villages as ``place``, the packaged railways, a pair of
``barrier=border_control`` for each road checkpoint on the nearest road over the line, and forbidden turns.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from benchmarks.country import grid, settlements
from layers.regions import border_line
from layers.sources.snapshot import read_snapshot

BENDS = 3
"""Points of a road between its ends."""
LIMITS = ("60", "90", "70", "RU:rural", "KZ:rural", "RU:urban")
SURFACES = ("asphalt", "asphalt", "asphalt", "unpaved", "gravel")
STREETS = ("Ленина", "Мира", "Абая", "Гагарина", "Степная", "Целинная", "Школьная", "Набережная")
TURNS = 1000
POST_M = 300.0
"""Distance of a post from the line."""
RAILS, PLACES, POSTS, WAYS = 10**9, 2 * 10**9, 3 * 10**9, 10**9
"""Where ids of nodes of railways, of places and of posts, and of railways as ways, begin."""

STUDY = """sides = ["RU", "KZ"]
[layers]
regions = "snapshot"
roads = "osm"
railways = "osm"
settlements = "osm"
checkpoints = "osm"
[osm]
pbf = ["border.osm.pbf"]
[connectors]
settlement_km = 10
"""


def write_extract(folder: Path, junctions: int, places: int = 0, seed: int = 0) -> Path:
    """Write ``border.osm.pbf`` and a study that reads all its layers from it; return the extract.

    Parameters
    ----------
    places
        Settlements in all; the packaged ones where there are more.
    """
    import osmium

    rng = np.random.default_rng(seed)
    folder.mkdir(parents=True, exist_ok=True)
    roads = grid(junctions, seed)
    nodes, refs, posts = _roads(roads, rng)
    tracks, rails = _railways()
    path = folder / "border.osm.pbf"
    header = osmium.io.Header()
    header.set("generator", "borderlink benchmarks")
    header.set("sorting", "Type_then_ID")
    box = shapely.box(*roads.total_bounds).bounds
    header.add_box(osmium.osm.Box(*box))
    kind = osmium.osm.mutable
    with osmium.SimpleWriter(str(path), header=header, overwrite=True) as writer:
        for i, place in enumerate(nodes.tolist(), 1):
            writer.add_node(kind.Node(id=i, version=1, location=tuple(place)))
        for i, place in enumerate(tracks.tolist()):
            writer.add_node(kind.Node(id=RAILS + i, version=1, location=tuple(place)))
        for i, (place, tags) in enumerate(_places(places)):
            writer.add_node(kind.Node(id=PLACES + i, version=1, location=place, tags=tags))
        for i, place, tags in posts:
            writer.add_node(kind.Node(id=i, version=1, location=place, tags=tags))
        for i, (row, tags) in enumerate(zip(refs, _road_tags(roads, rng), strict=True), 1):
            writer.add_way(kind.Way(id=i, version=1, nodes=row, tags=tags))
        for i, row in enumerate(rails):
            tags = {"railway": "rail", "usage": "main", "gauge": "1520"}
            writer.add_way(kind.Way(id=WAYS + i, version=1, nodes=row, tags=tags))
        for i, members in enumerate(_turns(refs, rng), 1):
            tags = {"type": "restriction", "restriction": "no_left_turn"}
            writer.add_relation(kind.Relation(id=i, version=1, members=members, tags=tags))
    (folder / "study.toml").write_text(STUDY, encoding="utf-8")
    return path


def _roads(
    roads: gpd.GeoDataFrame, rng: np.random.Generator
) -> tuple[np.ndarray, list[list[int]], list[tuple[int, tuple[float, float], dict[str, str]]]]:
    """Return the nodes of the roads, the references of each, and the posts on those over the line."""
    ends = shapely.get_coordinates(roads.geometry).reshape(-1, 2, 2)
    junctions, at = np.unique(ends.reshape(-1, 2), axis=0, return_inverse=True)
    at = at.reshape(-1, 2)
    share = (np.arange(1, BENDS + 1) / (BENDS + 1))[None, :, None]
    bends = ends[:, :1] * (1 - share) + ends[:, 1:] * share
    bends += rng.normal(0, 2e-4, bends.shape)
    nodes = np.vstack([junctions, bends.reshape(-1, 2)]).round(7)
    inner = len(junctions) + 1 + np.arange(len(roads) * BENDS).reshape(-1, BENDS)
    refs: list[list[int]] = np.column_stack([at[:, 0] + 1, inner, at[:, 1] + 1]).tolist()
    return nodes, refs, list(_posts(roads, refs))


def _posts(roads: gpd.GeoDataFrame, refs: list[list[int]]) -> Iterator[tuple[int, tuple[float, float], dict[str, str]]]:
    """Yield two posts for each road checkpoint, put into the references of the nearest free road over the line."""
    border = border_line(read_snapshot("regions"), ("RU", "KZ"))
    line = shapely.line_merge(shapely.union_all(border.geometry.to_numpy()))
    over = np.flatnonzero(shapely.intersects(roads.geometry.to_numpy(), line))
    known = read_snapshot("checkpoints")
    known = known[known["mode"] == "road"]
    taken: set[int] = set()
    number = POSTS
    for row in known.itertuples():  # dozens
        away = shapely.distance(roads.geometry.to_numpy()[over], row.geometry)
        road = next(int(over[i]) for i in np.argsort(away, kind="stable") if int(over[i]) not in taken)
        taken.add(road)
        shape = roads.geometry.iloc[road]
        crossing = shapely.get_parts(shapely.intersection(shape, line))[0]
        middle, step = shape.project(crossing), POST_M / 80_000
        names = [part.strip() for part in row.name_ru.split(" – ")]
        for side, (name, shift) in enumerate(zip((names[0], names[-1]), (-step, step), strict=True)):
            place = shape.interpolate(min(max(middle + shift, 1e-4), shape.length - 1e-4))
            tags = {"barrier": "border_control", "name": name, "opening_hours": "24/7"}
            if side and row.name_kk:
                tags["name:kk"] = row.name_kk
            spots = np.linspace(0, shape.length, BENDS + 2)
            refs[road].insert(int(np.searchsorted(spots, shape.project(place))) + side, number)
            yield number, (round(place.x, 7), round(place.y, 7)), tags
            number += 1


def _railways() -> tuple[np.ndarray, list[list[int]]]:
    """Return the nodes of the packaged railways in the belt and the references of each."""
    rails = read_snapshot("railways").geometry
    points, of = shapely.get_coordinates(rails, return_index=True)
    nodes, at = np.unique(points.round(7), axis=0, return_inverse=True)
    begins = np.flatnonzero(np.diff(of, prepend=-1))[1:]
    return nodes, [(RAILS + part).tolist() for part in np.split(at.reshape(-1), begins)]


def _places(count: int) -> Iterator[tuple[tuple[float, float], dict[str, str]]]:
    """Yield places with the tags that they bear."""
    found = settlements(count)
    sizes = pd.cut(
        found["population"], [-1, 1000, 10_000, 100_000, np.inf], labels=["hamlet", "village", "town", "city"]
    )
    for row, size in zip(found.itertuples(), sizes, strict=True):
        tags = {"place": str(size), "name": row.name, "population": str(row.population)}
        if row.names:
            tags["alt_name"] = str(row.names).replace("|", ";")[:255]
        yield (row.geometry.x, row.geometry.y), tags


def _road_tags(roads: gpd.GeoDataFrame, rng: np.random.Generator) -> Iterator[dict[str, str]]:
    """Yield the tags of each road: a third has a limit, half a surface, main ones a reference, small ones a name."""
    draws = rng.integers(0, 1 << 30, (len(roads), 5)).tolist()
    for kind, (limit, surface, name, lanes, oneway) in zip(roads["kind"], draws, strict=True):
        tags: dict[str, Any] = {"highway": kind}
        if limit % 3 == 0:
            tags["maxspeed"] = LIMITS[limit // 3 % len(LIMITS)]
        if surface % 2 == 0:
            tags["surface"] = SURFACES[surface // 2 % len(SURFACES)]
        if kind in ("trunk", "primary"):
            tags["ref"] = f"{'М' if kind == 'trunk' else 'Р'}-{name % 300}"
            tags["lanes"] = str(2 + lanes % 3)
        elif name % 3 == 0:
            tags["name"] = f"улица {STREETS[name // 3 % len(STREETS)]}"
        if oneway % 200 == 0:
            tags["oneway"] = "yes"
        if kind == "trunk" and oneway % 97 == 0:
            tags["toll"] = "yes"
        yield tags


def _turns(refs: list[list[int]], rng: np.random.Generator) -> Iterator[list[tuple[str, int, str]]]:
    """Yield the members of forbidden turns: from a road over its last junction into the next road that begins there."""
    begins: dict[int, int] = {}
    for way, row in enumerate(refs, 1):
        begins.setdefault(row[0], way)
    for way in rng.permutation(len(refs))[:TURNS].tolist():
        over = refs[way][-1]
        if over in begins and begins[over] != way + 1:
            yield [("w", way + 1, "from"), ("n", over, "via"), ("w", begins[over], "to")]
