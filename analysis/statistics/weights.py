"""Spatial weights as libpysal graphs: contiguity, chains, nearest neighbours, and time on the network.

Every graph keeps the order of the units given and its islands (libpysal writes one as a pair of itself with weight 0).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import shapely
from scipy.spatial import cKDTree

from analysis.reach.accessibility import HALF_LIFE_MIN, decay
from analysis.units import h3_weights
from layers.crs import geodesic_m
from layers.errors import NetworkError
from network.arcs import found_in
from network.build import DOMESTIC, FIELDS
from network.connectors import connector_times
from network.costs import blocks
from network.routing import at_accesses

if TYPE_CHECKING:
    import geopandas as gpd
    from libpysal.graph import Graph
    from numpy.typing import NDArray

    from network.routing import Points, Router

NEIGHBOURS = 6
"""As many as an H3 cell has."""
LIMIT_MIN = 120.0
TOUCH_DEGREES = 1e-6


def contiguity(cells: pd.Series) -> Graph:
    """Return the H3 contiguity of cells as a binary libpysal graph; islands stay, without neighbours.

    Examples
    --------
    >>> import h3
    >>> disk = pd.Series(h3.grid_disk(h3.latlng_to_cell(50.0, 60.0, 4), 1))
    >>> sorted(contiguity(disk).cardinalities.tolist())
    [3, 3, 3, 3, 3, 3, 6]
    """
    from libpysal.graph import Graph

    neighbours = h3_weights(cells)
    # libpysal writes an island as a pair of itself with weight 0.
    pairs = [(c, n, int(bool(ns))) for c, ns in neighbours.items() for n in (ns or [c])]
    focal, other, weight = (np.array(column) for column in zip(*pairs, strict=True))
    return Graph.from_arrays(focal, other, weight)


def polygon_contiguity(polygons: gpd.GeoDataFrame, ids: str, *, rook: bool = False) -> Graph:
    """Return the contiguity of polygons (districts, regions): queen (a shared point), or rook (a shared line).

    Only outlines that share their vertices touch, as in one administrative layer; layers from two sources do not.

    Parameters
    ----------
    ids
        Column that names the polygons.

    Raises
    ------
    NetworkError
        A name that is there twice.
    """
    from libpysal.graph import Graph

    _unique(polygons[ids])
    return Graph.build_contiguity(polygons.set_index(ids), rook=rook)


def segment_chain(segments: gpd.GeoDataFrame, ids: str = "segment_id", *, steps: int = 1) -> Graph:
    """Return the chain of border segments.

    Pieces up to `steps` along the line are neighbours; parts of a border stay apart.

    Parameters
    ----------
    segments
        Lines in their order along the border (`analysis.units.border_segments`).

    Raises
    ------
    NetworkError
        Fewer than one step, or a name that is there twice.
    """
    if steps < 1:
        raise NetworkError(f"neighbours up to {steps} steps along the border: allowed is 1 or more")
    names = _unique(segments[ids])
    lines = segments.geometry.to_numpy()
    tail, head = shapely.get_point(lines[:-1], -1), shapely.get_point(lines[1:], 0)
    part = np.r_[0, np.cumsum(shapely.distance(tail, head) > TOUCH_DEGREES)] if len(lines) else np.zeros(0)
    at = np.arange(len(names))
    pairs = [(at[k:], at[:-k]) for k in range(1, min(steps, len(at) - 1) + 1)]
    i, j = (
        (np.concatenate([np.zeros(0, np.int64), *side]) for side in zip(*pairs, strict=True))
        if pairs
        else (at[:0],) * 2
    )
    one = part[i] == part[j]
    return _graph(names, np.r_[i[one], j[one]], np.r_[j[one], i[one]], np.ones(2 * int(one.sum())))


def nearest_neighbours(units: pd.DataFrame, ids: str = "cell", *, k: int = NEIGHBOURS) -> Graph:
    """Return each unit's `k` nearest others by geodesic distance; the relation need not be mutual.

    Parameters
    ----------
    units
        With ``lon`` and ``lat``.

    Raises
    ------
    NetworkError
        `k` is less than 1 or no less than the number of units, or a name is there twice.
    """
    names = _unique(units[ids])
    n = len(names)
    if not 1 <= k < n:
        raise NetworkError(f"the {k} nearest neighbours of {n} units: allowed is 1 to {n - 1}")
    lon, lat = units["lon"].to_numpy(float), units["lat"].to_numpy(float)
    x, y = np.radians(lon), np.radians(lat)
    sphere = np.column_stack([np.cos(y) * np.cos(x), np.cos(y) * np.sin(x), np.sin(y)])
    # The sphere is 0.6 % off the ellipsoid: twice as many candidates hold the true neighbours, the geodesic ranks them.
    _, near = cKDTree(sphere).query(sphere, k=min(n, 2 * k + 4))
    away = geodesic_m(lon[:, None], lat[:, None], lon[near], lat[near])
    away[near == np.arange(n)[:, None]] = np.inf
    best = np.take_along_axis(near, np.argsort(away, axis=1, kind="stable")[:, :k], axis=1)
    return _graph(names, np.repeat(np.arange(n), k), best.ravel(), np.ones(n * k))


def network_time(
    router: Router,
    points: Points,
    ids: Sequence[Any],
    *,
    network: str = "actual",
    half_life_min: float = HALF_LIFE_MIN,
    limit_min: float = LIMIT_MIN,
) -> Graph:
    """Return weights by time on the network: w = e^(−βt), β = ln 2 / half-life, for t of at most `limit_min`.

    t is half of the round trip between two units, so that w is symmetric; both ways must exist. Trips within one side
    are never charged a wait. The weights of ``actual`` set against those of ``open`` show what waiting at the border
    does to who is whose neighbour; against ``borderless``, what the closed crossings do.

    Parameters
    ----------
    points
        The units joined to the router (`Router.attach`); those that join nothing become islands.
    ids
        Names of the units.
    network
        ``actual`` (with the wait at the border), ``open`` (without) or ``borderless``.

    Raises
    ------
    NetworkError
        An unknown network, no positive limit, or a name that is there twice.
    """
    names = _unique(pd.Series(ids))
    if network not in FIELDS:
        raise NetworkError(f"network {network!r} is unknown: allowed are {', '.join(FIELDS)}")
    if not limit_min > 0:
        raise NetworkError(f"weights up to {limit_min:g} min: allowed is more than 0")
    n = len(names)
    i, j, minutes = times_between(router, points, FIELDS[network], limit_min=2 * limit_min)
    if network == "actual" and not router.twin(DOMESTIC, [FIELDS["actual"]]):
        at_home = times_between(router, points, DOMESTIC, limit_min=2 * limit_min)
        i, j, minutes = _by_side(points.side, at_home, (i, j, minutes))
    # Row-major order makes the keys ascend, so that the way back is found by bisection.
    there, back = i * n + j, j * n + i
    at, both = found_in(there, back)
    half = (minutes[both] + minutes[at[both]]) / 2
    near = half <= limit_min
    return _graph(names, i[both][near], j[both][near], decay(half[near], half_life_min))


def times_between(
    router: Router, points: Points, field: str, *, limit_min: float = np.inf
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]:
    """Return minutes from point to point over the network, both connectors included, row-major.

    As rows, columns and minutes.

    The least over the accesses of both; two points on one link meet on it. Only pairs of different points within
    `limit_min` are there. Trees grow from the ends of the points' links, a chunk at a time; they stop at the limit.

    Parameters
    ----------
    field
        ``borderless_min``, ``open_min`` or ``actual_min``.
    """
    u, v = np.maximum(points.u, 0), np.maximum(points.v, 0)
    ends = np.unique(np.r_[u, v])
    back = replace(points, u=np.where(points.u >= 0, np.searchsorted(ends, u), -1), v=np.searchsorted(ends, v))
    back = back.backwards()
    found = []
    joined = np.flatnonzero(points.joined)
    for some in blocks(len(joined), 2 * len(ends)):  # a table is held at once, from both ends of the links
        rows = joined[some]
        accesses = np.flatnonzero(np.isin(points.point, rows))
        roots, which = np.unique(np.r_[u[accesses], v[accesses]], return_inverse=True)
        tree = router.table(router.nodes[roots], router.nodes[ends], field, limit=limit_min)
        arrive = points.least(at_accesses(back, tree))
        by_u, by_v = np.split(arrive[which], 2)
        by_access = np.minimum(points.to_u[accesses, None] + by_u, points.to_v[accesses, None] + by_v)
        _on_the_link(points, accesses, by_access)
        minutes = np.minimum.reduceat(by_access, np.searchsorted(points.point[accesses], rows), axis=0)
        minutes[np.arange(len(rows)), rows] = np.inf
        a, b = np.nonzero(np.isfinite(minutes) & (minutes <= limit_min))
        found.append((rows[a], b, minutes[a, b]))
    empty = (np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0))
    i, j, minutes = (np.concatenate(c) for c in zip(empty, *found, strict=True))
    return i.astype(np.int64), j.astype(np.int64), minutes


def _on_the_link(points: Points, accesses: NDArray[np.int64], minutes: NDArray[np.float64]) -> None:
    """Write into minutes, shape (accesses, points), how far points on one link are from each other along it."""
    _, walk = connector_times(points.straight_km * 1000)
    table = pd.DataFrame({"access": np.arange(len(points.link)), "link": points.link})
    table = table[table["link"] >= 0]
    pairs = table[table["access"].isin(accesses)].merge(table, on="link", suffixes=("", "_there"))
    one, two = pairs["access"].to_numpy(np.int64), pairs["access_there"].to_numpy(np.int64)
    # Minutes along the link from its first end to where a point joins it; there is always a way in this direction.
    ahead = (points.from_u[two] - walk[two]) - (points.from_u[one] - walk[one])
    barred = ~np.isfinite(points.to_u[one]) & (ahead < 0)
    cost = walk[one] + walk[two] + np.where(barred, np.inf, np.abs(ahead))
    np.minimum.at(minutes, (np.searchsorted(accesses, one), points.point[two]), cost)


def _by_side(
    side: NDArray[np.object_],
    home: tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]],
    abroad: tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]],
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]:
    """Return the pairs within a side from the first table and those across the border from the second, row-major."""
    own, other = side[home[0]] == side[home[1]], side[abroad[0]] != side[abroad[1]]
    i, j, minutes = (np.r_[a[own], b[other]] for a, b in zip(home, abroad, strict=True))
    order = np.lexsort((j, i))
    return i[order], j[order], minutes[order]


def _unique(names: pd.Series) -> NDArray[np.object_]:
    """Return names of units as an array, or say which is there twice."""
    twice = names[names.duplicated()]
    if len(twice):
        raise NetworkError(f"the unit {twice.iloc[0]!r} is there twice: allowed are names that differ")
    return names.to_numpy(dtype=object)


def _graph(
    names: NDArray[np.object_], i: NDArray[np.int64], j: NDArray[np.int64], weight: NDArray[np.float64]
) -> Graph:
    """Return the graph of pairs of positions; units without a pair stay as islands."""
    from libpysal.graph import Graph

    alone = np.setdiff1d(np.arange(len(names)), i)
    i, j, weight = np.r_[i, alone], np.r_[j, alone], np.r_[weight, np.zeros(len(alone))]
    order = np.lexsort((j, i))
    return Graph.from_arrays(names[i[order]], names[j[order]], weight[order])
