"""Small random borders anywhere on earth: what the tests of the network are run on.

Everything is drawn in a frame of its own: `s` runs across the border (side a below the line, side b above), `t` along
it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from scipy.spatial import Delaunay

from layers.checkpoints import with_waits
from layers.crs import GEOD, WGS84, line_lengths_m
from layers.regions import border_line, clip_to_belt, study_crs, with_sides
from layers.schema import validate
from network.build import Base, Network, build_base, build_network

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from numpy.typing import NDArray
    from pyproj import CRS

COUNTRIES = (("RU", "KZ"), ("AR", "CL"), ("CD", "CG"), ("US", "CA"), ("FI", "SE"))
DEPTH_KM = 300.0
KM_PER_DEGREE = 111.2
ROUNDED = 0.0005
"""Half a thousandth: what rounding moves the cost of a link at the most (`network.costs`), so that n links move n times
as much."""
KINDS = ("motorway", "trunk", "primary", "secondary", "tertiary", "lane")
HOURS = ("24/7", "09:00-21:00", "22:00-06:00", "irregular")


@dataclass(frozen=True)
class Land:
    """The five validated layers of one border, and its two countries."""

    regions: gpd.GeoDataFrame
    roads: gpd.GeoDataFrame
    railways: gpd.GeoDataFrame
    checkpoints: gpd.GeoDataFrame
    settlements: gpd.GeoDataFrame
    countries: tuple[str, str]


@dataclass(frozen=True)
class Ground:
    """A border line, its projection, the sided regions, and the base of a network."""

    border: gpd.GeoDataFrame
    crs: CRS
    regions: gpd.GeoDataFrame
    base: Base


@dataclass(frozen=True)
class Frame:
    """The local frame of a border: kilometres across and along it, turned into longitude and latitude."""

    lon: float
    lat: float
    upright: bool = True

    def lonlat(self, s: Any, t: Any) -> NDArray[np.float64]:
        """Return longitude and latitude of places `s` km across and `t` km along the border, shape (n, 2)."""
        s, t = np.broadcast_arrays(np.asarray(s, float), np.asarray(t, float))
        east, north = (s, t) if self.upright else (t, s)
        wide = KM_PER_DEGREE * np.cos(np.radians(self.lat))
        return np.column_stack([self.lon + east.ravel() / wide, self.lat + north.ravel() / KM_PER_DEGREE])


PLAIN = Frame(60.0, 50.0)
"""The frame of the tests that draw their own border: s runs east, t north."""


def straight_m(lonlat: NDArray[np.float64], u: Any, v: Any) -> NDArray[np.float64]:
    """Return the geodesic between places by number, straight from pyproj."""
    return np.asarray(GEOD.inv(*lonlat[u].T, *lonlat[v].T)[2], float)


def regions_of(
    frame: Frame, line: Sequence[tuple[float, float]], countries: tuple[str, str], *, reach_km: float = 300.0
) -> gpd.GeoDataFrame:
    """Return two regions that share a line of (s, t) in the order of t."""
    edge = np.asarray(line, float)
    polygons = []
    for away in (-reach_km, reach_km):
        s = np.r_[edge[:, 0], away, away]
        t = np.r_[edge[:, 1], edge[-1, 1], edge[0, 1]]
        polygons.append(shapely.Polygon(frame.lonlat(s, t)))
    table = {
        "region": [f"{c}-1" for c in countries],
        "name": [f"Region of {c}" for c in countries],
        "country": countries,
    }
    return validate(gpd.GeoDataFrame(table, geometry=polygons, crs=WGS84), "regions", "test")


def edges_of(
    frame: Frame,
    nodes: Sequence[tuple[float, float]] | NDArray[np.float64],
    ends: Iterable[tuple[int, int]],
    layer: str = "roads",
    **columns: Any,
) -> gpd.GeoDataFrame:
    """Return a layer of straight links between places (s, t); lengths are geodesic where none are given."""
    xy = frame.lonlat(*np.asarray(nodes, float).T)
    pairs = np.asarray(list(ends), int)
    table = {"u": pairs[:, 0], "v": pairs[:, 1], "length_m": straight_m(xy, pairs[:, 0], pairs[:, 1]), **columns}
    lines = [shapely.LineString(xy[list(p)]) for p in pairs]
    return validate(gpd.GeoDataFrame(table, geometry=lines, crs=WGS84), layer, "test")


def points_of(
    frame: Frame, places: Sequence[tuple[float, float]], layer: str, columns: Mapping[str, Any]
) -> gpd.GeoDataFrame:
    """Return a validated layer of points (s, t)."""
    xy = frame.lonlat(*np.asarray(places, float).T)
    return validate(gpd.GeoDataFrame(dict(columns), geometry=shapely.points(xy), crs=WGS84), layer, "test")


def checkpoints_of(frame: Frame, places: Sequence[tuple[float, float]], **columns: Any) -> gpd.GeoDataFrame:
    """Return checkpoints at (s, t), by road unless said otherwise."""
    n = len(places)
    table = {"checkpoint_id": [f"c{i}" for i in range(n)], "mode": "road", "name": [f"Post {i}" for i in range(n)]}
    return points_of(frame, places, "checkpoints", {**table, **columns})


def settlements_of(
    frame: Frame, places: Sequence[tuple[float, float]], countries: Sequence[str], **columns: Any
) -> gpd.GeoDataFrame:
    """Return settlements at (s, t)."""
    table = {"settlement_id": range(len(places)), "name": [f"Town {i}" for i in range(len(places))]}
    return points_of(frame, places, "settlements", {**table, "country": list(countries), **columns})


def random_land(seed: int, *, nodes: int = 40) -> Land:
    """Return a random border: about `nodes` nodes of road, a railway over the line, checkpoints and settlements."""
    rng = np.random.default_rng(seed)
    countries = COUNTRIES[rng.integers(len(COUNTRIES))]
    frame = Frame(rng.uniform(-150, 150), rng.uniform(-64, 64), bool(rng.integers(2)))
    along = np.linspace(-180, 180, 13)
    line = np.column_stack([rng.uniform(-15, 15, 13), along])
    regions = regions_of(frame, [(s, t) for s, t in line], countries)
    roads, places = _random_roads(rng, frame, line, nodes)
    railways = _random_railway(rng, frame, line)
    return Land(
        regions=regions,
        roads=roads,
        railways=railways,
        checkpoints=_random_checkpoints(rng, regions, roads, railways),
        settlements=_random_settlements(rng, frame, line, places, countries),
        countries=countries,
    )


def _random_roads(
    rng: np.random.Generator, frame: Frame, line: NDArray[np.float64], nodes: int
) -> tuple[gpd.GeoDataFrame, NDArray[np.float64]]:
    """Return a thinned triangulation of random places, some links bent, some one-way, and the places."""
    places = np.column_stack([rng.uniform(-120, 120, nodes), rng.uniform(-150, 150, nodes)])
    # A place on the line itself would be on either side.
    gap = places[:, 0] - np.interp(places[:, 1], line[:, 1], line[:, 0])
    places[:, 0] += np.where(np.abs(gap) < 6, np.where(gap < 0, -12, 12), 0)
    triangles = Delaunay(places).simplices
    pairs = np.unique(np.sort(np.vstack([triangles[:, [0, 1]], triangles[:, [1, 2]], triangles[:, [0, 2]]])), axis=0)
    pairs = pairs[rng.random(len(pairs)) < 0.6]
    pairs = np.vstack([pairs, pairs[:2, ::-1]])  # two parallel links, drawn the other way round
    ids = rng.permutation(10 * nodes)[:nodes]
    xy = frame.lonlat(*places.T)
    middle = (xy[pairs[:, 0]] + xy[pairs[:, 1]]) / 2 + rng.uniform(-0.05, 0.05, (len(pairs), 2))
    bent = rng.random(len(pairs)) < 0.3
    bent[-2:] = True  # two roads drawn in one place would leave it open which of them is the nearest
    lines = [
        shapely.LineString([xy[u], m, xy[v]] if b else [xy[u], xy[v]])
        for (u, v), m, b in zip(pairs, middle, bent, strict=True)
    ]
    drawn = line_lengths_m(np.array(lines, dtype=object))
    table = {
        "u": ids[pairs[:, 0]],
        "v": ids[pairs[:, 1]],
        "length_m": drawn * np.where(rng.random(len(pairs)) < 0.3, 1.0, rng.uniform(1, 1.3, len(pairs))),
        "kind": rng.choice(KINDS, len(pairs)),
        "oneway": rng.random(len(pairs)) < 0.1,
        "maxspeed_kph": np.where(rng.random(len(pairs)) < 0.2, rng.uniform(40, 110, len(pairs)), np.nan),
    }
    return validate(gpd.GeoDataFrame(table, geometry=lines, crs=WGS84), "roads", "test"), places


def _random_railway(rng: np.random.Generator, frame: Frame, line: NDArray[np.float64]) -> gpd.GeoDataFrame:
    """Return a railway over the line, double-track where it crosses."""
    t = rng.uniform(-120, 120)
    centre = float(np.interp(t, line[:, 1], line[:, 0]))
    s = centre + np.array([-100, -60, -20, 20, 60, 100], float)
    track = [(x, t + rng.uniform(-8, 8)) for x in s]
    second = [(centre - 20, track[2][1] + 0.4), (centre + 20, track[3][1] + 0.4)]
    ends = [(0, 1), (1, 2), (2, 3), (3, 4), (4, 5), (2, 6), (6, 7), (7, 3)]
    return edges_of(frame, [*track, *second], ends, "railways", kind="main")


def _random_checkpoints(
    rng: np.random.Generator, regions: gpd.GeoDataFrame, roads: gpd.GeoDataFrame, railways: gpd.GeoDataFrame
) -> gpd.GeoDataFrame:
    """Return checkpoints near some crossings, two of them at one, and two where no road is."""
    edge = shapely.intersection(*shapely.boundary(regions.geometry.to_numpy()))
    spots = shapely.get_coordinates(shapely.intersection(roads.geometry.to_numpy(), edge))
    spots = spots[rng.permutation(len(spots))[: max(2, len(spots) // 2)]]
    where = [*(spots + rng.uniform(-0.03, 0.03, spots.shape)), spots[0] + 0.01]
    modes = ["road"] * len(where)
    for share in (0.1, 0.93):
        point = shapely.get_coordinates(
            shapely.line_interpolate_point(shapely.line_merge(edge), share, normalized=True)
        )
        where.append(point[0])
        modes.append("road")
    rail = shapely.get_coordinates(shapely.intersection(railways.geometry.to_numpy(), edge))[0]
    where += [rail + 0.2, rail]
    modes += ["rail", "river"]
    n = len(where)
    table = {
        "checkpoint_id": [f"{m}-{i}" for i, m in enumerate(modes)],
        "mode": modes,
        "name": [f"Post {i}" for i in range(n)],
        "regime": rng.choice(["multilateral", "bilateral", "unknown"], n),
        "open": rng.random(n) < 0.8,
        "hours": rng.choice(HOURS, n),
        "wait_min": np.where(rng.random(n) < 0.3, rng.uniform(0, 200, n), np.nan),
    }
    return validate(gpd.GeoDataFrame(table, geometry=shapely.points(np.array(where)), crs=WGS84), "checkpoints", "test")


def _random_settlements(
    rng: np.random.Generator,
    frame: Frame,
    line: NDArray[np.float64],
    places: NDArray[np.float64],
    countries: tuple[str, str],
) -> gpd.GeoDataFrame:
    """Return settlements near the places of the roads, half of them without a known population."""
    near = places[rng.permutation(len(places))[:16]] + rng.uniform(-15, 15, (16, 2))
    across = near[:, 0] > np.interp(near[:, 1], line[:, 1], line[:, 0])
    population = np.where(rng.random(16) < 0.5, rng.integers(100, 500_000, 16), 0)
    return settlements_of(frame, [(s, t) for s, t in near], [countries[int(b)] for b in across], population=population)


def ground_of(land: Land, **options: Any) -> Ground:
    """Return the border line, projection, sided regions and base of a land; options are those of the base."""
    border = border_line(land.regions, land.countries)
    crs = study_crs(border)
    regions = clip_to_belt(with_sides(land.regions, land.countries), border, DEPTH_KM)
    return Ground(border, crs, regions, build_base(land.roads, land.railways, regions, border, crs, **options))


def network_of(land: Land, *, waits: Mapping[str, float] | None = None, **options: Any) -> Network:
    """Return the network of a land, built from its layers."""
    return build_network(ground_of(land).base, with_waits(land.checkpoints, waits), land.settlements, **options)


def shuffled(land: Land, seed: int) -> Land:
    """Return the same land with rows in another order, source ids renumbered and some two-way links turned round."""
    rng = np.random.default_rng(seed)
    edges = {}
    for name in ("roads", "railways"):
        layer = getattr(land, name).copy()
        ids = np.unique(layer[["u", "v"]])
        fresh = pd.Series(rng.permutation(10**6)[: len(ids)], index=ids)
        layer["u"], layer["v"] = layer["u"].map(fresh), layer["v"].map(fresh)
        turn = (rng.random(len(layer)) < 0.5) & ~layer["oneway"].to_numpy()
        layer.loc[turn, ["u", "v"]] = layer.loc[turn, ["v", "u"]].to_numpy()
        layer.loc[turn, "geometry"] = shapely.reverse(layer.geometry.to_numpy()[turn])
        edges[name] = layer.iloc[rng.permutation(len(layer))].reset_index(drop=True)
    points = land.checkpoints.iloc[rng.permutation(len(land.checkpoints))].reset_index(drop=True)
    return replace(land, **edges, checkpoints=points)


@cache
def random_network(seed: int) -> Network:
    """Return the network of a random border; each is built once in a session."""
    return network_of(random_land(seed))


def joined_nodes(network: Network) -> NDArray[np.int64]:
    """Return the nodes of the settlements."""
    return np.asarray(network.settlements["node"], np.int64)
