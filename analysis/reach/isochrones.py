"""Isochrones: the ground within minutes of a place, across the border, as polygons on the three networks.

Times stand at nodes and along every link; from there they spread over open ground at the speed of connectors, each side
by itself, so that nothing leaks over the border but through the network. Polygons are level lines of that surface.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from affine import Affine
from rasterio.features import rasterize
from scipy.ndimage import distance_transform_edt

from analysis.reach.contours import areal, level_polygons, spread
from analysis.reach.surfaces import MAX_CELLS, PER_METRE
from layers.crs import WGS84, project, require_equal_area
from layers.errors import LayerError, NetworkError, PlaceError
from layers.sides import SIDES, Side
from network.build import DOMESTIC, FIELDS, NETWORKS
from network.connectors import nearest_way_km
from network.kinds import CONNECTOR, NO_GROUND

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray
    from pyproj import CRS

    from network.routing import Router

MINUTES = (60.0, 120.0, 180.0, 240.0)
CELL_KM = 1.0
OFF_ROAD_KM = 15.0
"""How far from the nearest road, settlement or post the ground still counts: an assumption."""


@dataclass(frozen=True)
class Terrain:
    """Where links and nodes lie on a grid in the network's projection.

    Per sample of a link: ``row`` and ``column`` of its cell, ``link``, ``share`` of the way from u to v, and whether it
    lies ahead of the border as seen from u (``by_u``) and from v; ``masks`` the cells of each side; ``land`` their
    polygons.
    """

    transform: Affine
    masks: dict[Side, NDArray[np.bool_]]
    land: dict[Side, shapely.Geometry]
    link: NDArray[np.int64]
    share: NDArray[np.float64]
    by_u: NDArray[np.bool_]
    by_v: NDArray[np.bool_]
    cell: NDArray[np.int64]
    nodes: NDArray[np.int64]
    node_cell: NDArray[np.int64]


def isochrones(
    router: Router,
    places: pd.DataFrame,
    *,
    minutes: Sequence[float] = MINUTES,
    networks: Sequence[str] = NETWORKS,
    direction: str = "from",
    cell_km: float = CELL_KM,
    off_road_km: float = OFF_ROAD_KM,
    per_metre: float = PER_METRE,
) -> gpd.GeoDataFrame:
    """Return the ground within minutes of places as polygons, on each network.

    ``{x : min over links and nodes y of t(place, y) + |x − y|·w ≤ T}``, with w minutes per metre over open ground; on
    the own side with the waits of transit that are charged, as in `analysis.reach.accessibility.travel_times`. Exact to
    about one cell. A smaller T lies within a larger, ``actual`` within ``open`` within ``borderless``.

    Parameters
    ----------
    router
        Of one mode and vehicle: a lorry's network is another.
    places
        ``place``, ``side``, ``node`` (`analysis.reach.places`: cities, checkpoints, any layer). Rows of one name are
        one place with several doors, as the two posts of a checkpoint.
    minutes, networks, direction
        Limits T; networks; from the place or to it.
    cell_km
        Width of a cell; level lines run between cells.
    off_road_km
        Ground further than this from any reached road, settlement or post is left out.
    per_metre
        Minutes per metre over open ground, connectors' by default.

    Returns
    -------
    Per place, network and limit, sorted so: ``place``, ``direction``, ``network``, ``minutes``, ``people_a``,
    ``people_b``, ``people`` (settlements whose own time by the network is within T), ``area_a_km2``, ``area_b_km2``,
    ``area_km2`` (equal-area), and the (multi)polygon in longitude and latitude, empty where nothing is reached.

    Raises
    ------
    PlaceError
        A place that does not join the router's network.
    NetworkError
        Limits, networks, direction, widths or speeds out of range.
    LayerError
        The grid is too fine to be held.

    Notes
    -----
    Mountains are open ground here, and so is water where none is known. What is reached over ground does not drive on
    along another road.
    """
    limits = _check(minutes, networks, direction, cell_km, off_road_km, per_metre)
    require_equal_area(router.network.crs)
    parts = []
    for name, doors in places.groupby("place", sort=False):  # places: a handful, a surface each
        lost = router.positions(doors["node"].to_numpy(np.int64)) < 0
        if lost.all():
            spot = router.network.nodes.iloc[doors["node"].to_numpy(np.int64)]
            xy, side = spot[["x", "y"]].to_numpy(float), spot["side"].to_numpy(dtype=object)
            away = nearest_way_km(router.network.tables, router.mode, xy, side).min()
            way = "road" if router.mode == "any" else router.mode
            raise PlaceError(
                f"{name!r} does not join the network by {router.mode}: allowed are places that do; the nearest {way} "
                f"of its side is {away:,.1f} km away"
            )
        times = {n: node_minutes(router, doors, n, direction=direction) for n in NETWORKS}
        terrain = _terrain(router, times["borderless"], max(limits), cell_km * 1000, off_road_km * 1000, per_metre)
        for network in networks:
            surface = {
                side: spread(
                    _seeds(router, terrain, side, times[network], FIELDS[network], direction),
                    terrain.masks[side],
                    cell_km * 1000,
                    per_metre,
                    off_road_km * 1000,
                    max(limits),
                )
                for side in SIDES
            }
            table = _polygons(surface, terrain, limits, cell_km * 1000 * per_metre, router.network.crs)
            people = _people(router, times[network], limits)
            parts.append(table.assign(place=name, direction=direction, network=network, **people))
    columns = ["place", "direction", "network", "minutes", "people_a", "people_b", "people"]
    columns += ["area_a_km2", "area_b_km2", "area_km2", "geometry"]
    if not parts:
        return gpd.GeoDataFrame({c: [] for c in columns}, geometry="geometry", crs=WGS84)
    return gpd.GeoDataFrame(pd.concat(parts, ignore_index=True)[columns], geometry="geometry", crs=WGS84)


def node_minutes(
    router: Router,
    doors: pd.DataFrame,
    network: str,
    *,
    direction: str = "from",
) -> NDArray[np.float64]:
    """Return the minutes between the nearest door of a place and each position of the router.

    Infinity where there is no way.
    """
    nodes, sides = doors["node"].to_numpy(np.int64), doors["side"].to_numpy(dtype=object)
    table = router.trees(nodes, FIELDS[network], reverse=direction == "to")
    if network == "actual" and not router.twin(DOMESTIC, [FIELDS["actual"]]):
        at_home = router.trees(nodes, DOMESTIC, reverse=direction == "to")
        table = np.where(sides[:, None] == router.side[None], at_home, table)
    return np.asarray(table.min(axis=0), float)


def _check(
    minutes: Sequence[float],
    networks: Sequence[str],
    direction: str,
    cell_km: float,
    off_road_km: float,
    per_metre: float,
) -> list[float]:
    """Return the limits in order, or say all that is wrong."""
    wrong = []
    limits = sorted({float(m) for m in minutes})
    if not limits or not all(0 < m < np.inf for m in limits):
        wrong.append(f"minutes {list(minutes)}: allowed are numbers of more than 0")
    if not set(networks) <= set(NETWORKS):
        wrong.append(f"networks {list(networks)}: allowed are {', '.join(NETWORKS)}")
    if direction not in ("from", "to"):
        wrong.append(f"direction {direction!r}: allowed are from, to")
    for what, value in (("cell_km", cell_km), ("off_road_km", off_road_km), ("per_metre", per_metre)):
        if not 0 < value < np.inf:
            wrong.append(f"{what} {value:g}: allowed is more than 0 and finite")
    if wrong:
        raise NetworkError("; ".join(wrong))
    return limits


def _terrain(
    router: Router, times: NDArray[np.float64], latest: float, size: float, off_road_m: float, per_metre: float
) -> Terrain:
    """Return the grid around what is reached in `latest` minutes without a border, and the samples on it."""
    network = router.network
    links = network.links
    u, v = (router.positions(links[c].to_numpy(np.int64)) for c in ("u", "v"))
    near = np.minimum(times[np.maximum(u, 0)], times[np.maximum(v, 0)]) <= latest
    # Connectors stand for roads that the data lack; without them far settlements would be islands. A train or a ferry
    # is
    # left at its ends alone.
    drawn = (links["mode"] == "road").to_numpy() & ~links["kind"].isin(set(NO_GROUND) - {CONNECTOR}).to_numpy()
    rows = np.flatnonzero(near & drawn & (u >= 0) & (v >= 0))
    lines = network.tables.projected(rows)
    stop = np.isin(router.nodes, links.loc[links["mode"] == "road", ["u", "v"]].to_numpy())
    stop |= (network.nodes["kind"] == "settlement").to_numpy()[router.nodes] | (times == 0)
    nodes = np.flatnonzero((times <= latest) & stop)
    at = network.nodes[["px", "py"]].to_numpy(float)[router.nodes[nodes]]
    frame = np.vstack([at, shapely.bounds(lines).reshape(-1, 2)])  # never empty: the place itself is in it
    pad = min(off_road_m, latest / per_metre) + 3 * size
    (west, south), (east, north) = frame.min(axis=0) - pad, frame.max(axis=0) + pad
    if (north - south) * (east - west) / size**2 > MAX_CELLS:
        raise LayerError(f"cells of {size / 1000:g} km: allowed are at most {MAX_CELLS:,} in the isochrone's frame")
    shape = (int(np.ceil((north - south) / size)), int(np.ceil((east - west) / size)))
    transform = Affine(size, 0, west, 0, -size, north)
    box = shapely.box(west, south, east, north)
    edge = network.base.border
    land = {s: edge.dry(shapely.intersection(polygon, box)) for s, polygon in edge.sides.items()}
    masks = {s: _cells_of(polygon, shape, transform) for s, polygon in land.items()}
    masks["b"] &= ~masks["a"]
    n = np.maximum(2, np.ceil(2 * shapely.length(lines) / size).astype(int) + 1)
    row = np.repeat(np.arange(len(lines)), n)
    share = (np.arange(len(row)) - np.repeat(np.cumsum(n) - n, n)) / np.maximum(n[row] - 1, 1)
    xy = shapely.get_coordinates(shapely.line_interpolate_point(lines[row], share, normalized=True))
    by_u, by_v = _before_the_border(router, rows[row], row, xy)
    return Terrain(
        transform,
        masks,
        land,
        rows[row],
        share,
        by_u,
        by_v,
        _cell(xy, transform, shape),
        nodes,
        _cell(at, transform, shape),
    )


def _cells_of(polygon: shapely.Geometry, shape: tuple[int, int], transform: Affine) -> NDArray[np.bool_]:
    """Return the cells whose middle lies in a polygon."""
    if not float(shapely.area(polygon)):
        return np.zeros(shape, bool)
    return np.asarray(rasterize([(polygon, 1)], out_shape=shape, transform=transform, dtype="uint8"), bool)


def _cell(xy: NDArray[np.float64], transform: Affine, shape: tuple[int, int]) -> NDArray[np.int64]:
    """Return the number of the cell that each place lies in."""
    column = np.floor((xy[:, 0] - transform.c) / transform.a).astype(np.int64)
    return np.floor((xy[:, 1] - transform.f) / transform.e).astype(np.int64) * shape[1] + column


def _before_the_border(
    router: Router, link: NDArray[np.int64], row: NDArray[np.int64], xy: NDArray[np.float64]
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Return which samples of a link over the line lie on u's side of it, and which on v's; both for all other links.

    A road that ends at a closed border is driven to the line and no further.
    """
    network = router.network
    side = network.nodes["side"].to_numpy(dtype=object)
    ends = [side[network.links[c].to_numpy(np.int64)[link]] for c in ("u", "v")]
    over = np.flatnonzero(ends[0] != ends[1])
    by_u, by_v = np.ones(len(row), bool), np.ones(len(row), bool)
    in_a = shapely.contains_xy(network.base.border.sides["a"], *xy[over].T)
    here = np.where(in_a, "a", "b")
    for out, end, backward in ((by_u, ends[0], False), (by_v, ends[1], True)):
        left = pd.Series(here != end[over])
        order = left[::-1] if backward else left
        gone = order.groupby(row[over][::-1] if backward else row[over]).cummax().sort_index()
        out[over] = ~gone.to_numpy(bool)
    return by_u, by_v


def _seeds(
    router: Router, terrain: Terrain, side: Side, times: NDArray[np.float64], field: str, direction: str
) -> NDArray[np.float64]:
    """Return the smallest minutes of links and nodes of one side in each of its cells; infinity elsewhere."""
    links, mask = router.network.links, terrain.masks[side]
    u, v = (router.positions(links[c].to_numpy(np.int64)[terrain.link]) for c in ("u", "v"))
    moving = links["time_min"].to_numpy(float)[terrain.link]
    one_way = links["oneway"].to_numpy(bool)[terrain.link]
    passable = np.isfinite(links[field].to_numpy(float)[terrain.link])
    against_u = one_way & (direction == "to")
    against_v = one_way & (direction == "from")
    by_u = np.where(against_u | ~(passable | terrain.by_u), np.inf, times[u] + terrain.share * moving)
    by_v = np.where(against_v | ~(passable | terrain.by_v), np.inf, times[v] + (1 - terrain.share) * moving)
    over = router.side[u] != router.side[v]
    # Of a link over the line the samples before it are on u's side, those beyond it on v's.
    own_side = np.where(over, np.where(terrain.by_u, router.side[u], router.side[v]), router.side[u]) == side
    stands = router.side[terrain.nodes] == side
    cost = np.concatenate([np.minimum(by_u, by_v)[own_side], times[terrain.nodes][stands]])
    cell = np.concatenate([terrain.cell[own_side], terrain.node_cell[stands]])
    out = np.full(mask.size, np.inf)
    if len(cell) and mask.any():
        # A road along a generalised line runs in cells of the other side: it counts at the nearest of its own. One that
        # cuts a corner of the neighbour leaves no ground there.
        size = terrain.transform.a
        gap, near = distance_transform_edt(~mask, return_indices=True)
        here = gap.ravel()[cell] * size <= router.network.base.border.tolerance_km * 1000 + 2 * size
        np.minimum.at(out, (near[0] * mask.shape[1] + near[1]).ravel()[cell[here]], cost[here])
    return np.where(mask, out.reshape(mask.shape), np.inf)


def _polygons(
    surface: dict[Side, NDArray[np.float64]], terrain: Terrain, limits: Sequence[float], step: float, crs: CRS
) -> gpd.GeoDataFrame:
    """Return the polygons of each limit, and the area of each side."""
    levels = {
        side: level_polygons(minutes, terrain.masks[side], terrain.transform, terrain.land[side], limits, step)
        for side, minutes in surface.items()
    }
    table = {f"area_{s}_km2": shapely.area(np.array(levels[s], dtype=object)) / 1e6 for s in SIDES}
    both = [shapely.union(a, b) for a, b in zip(levels["a"], levels["b"], strict=True)]
    whole = [areal(shapely.make_valid(g)) for g in project(np.array(both, dtype=object), crs, WGS84)]
    frame = gpd.GeoDataFrame({"minutes": list(limits), **table}, geometry=whole, crs=WGS84)
    frame["area_km2"] = frame["area_a_km2"] + frame["area_b_km2"]
    return frame


def _people(router: Router, times: NDArray[np.float64], limits: Sequence[float]) -> dict[str, NDArray[np.float64]]:
    """Return the people of settlements within each limit, by side."""
    table = router.network.settlements
    at = router.positions(table["node"].to_numpy(np.int64))
    minutes = np.where(at >= 0, times[np.maximum(at, 0)], np.inf)
    people = table["population"].fillna(0).clip(lower=0).to_numpy(float)
    counts = {
        f"people_{s}": np.array([people[(minutes <= m) & (table["side"] == s).to_numpy()].sum() for m in limits])
        for s in SIDES
    }
    return {**counts, "people": counts["people_a"] + counts["people_b"]}
