"""Where a place joins the network.

At the nearest link of its own side, and at further ones that the network does not lead to.
"""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import blake2b
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import shapely
from scipy.sparse.csgraph import dijkstra

from layers.crs import WGS84, geodesic_m, project
from layers.sides import SIDES, Side
from network.anchors import with_anchors
from network.junctions import once_per_junction
from network.kinds import CONNECTOR, NO_GROUND
from network.shores import goes_round, way_round
from network.topology import Tables, along

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from scipy.sparse import csr_array

    from network.abroad import Border

DETOUR = 1.3
"""A connector is this much longer than the straight line: an assumption."""
PLACES = 64
"""Places whose ways are sought at once: trees over the part of the network around them."""
AT_ONCE = 3
"""Things whose ways are looked at together where the nearest can't be joined; twice as many each time."""
BEYOND = 10
"""So many times as many things are looked at where water lies before the nearest: a city on the other bank has more."""
MANY = 20
"""What fewer points find is not kept: they are new ones, as a rule."""
NEXT_TO = 0.05
"""A way that is too long is so to all that lies this near to its end, as a share of the straight line."""
COLUMNS = ("place", "link", "fraction", "straight_m")


@dataclass(frozen=True)
class ConnectorLimits:
    """How far connectors reach (km of straight line), how many a place has, and what changing mode costs.

    Attributes
    ----------
    settlement_km, checkpoint_km, point_km, station_km
        Longest connector of each kind of place.
    checkpoint_modelled_km
        A checkpoint further from the roads of a side is not modelled: its distances are known, and no way leads through
        it.
    reach_ratio, reach_more_km
        A place may join the links within max(ratio × d, d + more) of it, d the distance to the nearest.
    detour_ratio
        A further link is joined where the network leads to it by more than this many times the way over the place.
    most_links, candidates
        At most so many links are joined, of so many nearest ones.
    boarding_min
        Minutes that boarding a train takes.
    """

    settlement_km: float = 100.0
    checkpoint_km: float = 400.0
    point_km: float = 100.0
    station_km: float = 10.0
    boarding_min: float = 15.0
    checkpoint_modelled_km: float = 400.0
    reach_ratio: float = 1.5
    reach_more_km: float = 5.0
    detour_ratio: float = 3.0
    most_links: int = 8
    candidates: int = 200


def join(
    tables: Tables,
    lonlat: NDArray[np.float64],
    side: NDArray[np.object_],
    usable: NDArray[np.bool_],
    border: Border,
    limit_km: float,
    limits: ConnectorLimits,
) -> pd.DataFrame:
    """Return where each place joins the network.

    A place joins the nearest usable link of its own side, and, nearest first, every other within reach to which the
    network leads, in one direction or the other, only by more than ``detour_ratio`` times the way over the place: from
    each link that is joined already.

    Parameters
    ----------
    lonlat, side
        The places, shape (n, 2), and the side each may join; an empty side joins nothing.
    usable
        Per link; links over the border are left out by themselves.
    border
        A straight connector that runs through the neighbour for longer than the line is uncertain, or over water, is
        refused. A place on the wrong side of a generalised line may cross it once, from where it stands, and one in the
        water may leave it. Where a way round the water is no longer than `DETOUR` times the straight line, the nearest
        link is joined all the same: a connector is that long.
    limit_km
        Straight distance at the most.

    Returns
    -------
    One row per place and link, by place and distance: ``place`` (0 to n − 1), ``link`` (row in links), ``fraction`` of
    the way from u to v, ``straight_m`` (geodesic). A place that joins nothing has no row.

    Notes
    -----
    The network that leads from link to link is the ground of the own side, without connectors and bridged gaps: who
    joined before changes nothing.
    """
    u_side, domestic, drawn, ground = _ground(tables, usable)
    points = np.asarray(project(shapely.points(lonlat), WGS84, tables.crs), dtype=object)
    found = []
    for s in SIDES:
        rows = np.flatnonzero(ground & (u_side == s))
        own_side = np.flatnonzero(side == s)
        if len(rows) and len(own_side):
            lines = tables.projected(rows)
            place, line = near_by(points[own_side], lines, border, s, limit_km, limits)
            share = shapely.line_locate_point(lines[line], points[own_side[place]], normalized=True)
            found.append(pd.DataFrame({"place": own_side[place], "link": rows[line], "fraction": share}))
    if not found:
        return pd.DataFrame({"place": np.zeros(0, int), "link": np.zeros(0, int), "fraction": 0.0, "straight_m": 0.0})
    near = pd.concat(found, ignore_index=True)
    xy = along(tables.links["geometry"].to_numpy(dtype=object)[near["link"]], near["fraction"].to_numpy())
    near["straight_m"] = geodesic_m(*lonlat[near["place"]].T, *xy.T)
    near = near.sort_values(["place", "straight_m", "link"], kind="stable", ignore_index=True)
    near = once_per_junction(tables, near)
    ways = np.flatnonzero(domestic & drawn & (tables.links["kind"] != CONNECTOR).to_numpy())
    while True:  # once, as a rule
        kept = near[far_apart(tables, near, ways, limits)]
        lost = _no_way_to(tables, points, kept, border)
        if not lost.any():
            return kept.reset_index(drop=True)
        near = near.drop(index=kept.index[lost])


def _no_way_to(tables: Tables, points: NDArray[np.object_], kept: pd.DataFrame, border: Border) -> NDArray[np.bool_]:
    """Return which further links lie behind lakes that can't be gone round together (`network.shores.goes_round`)."""
    lost = kept["place"].duplicated().to_numpy(copy=True)
    further = kept[lost]
    place = points[further["place"].to_numpy(np.int64)]
    lines = tables.projected(further["link"].to_numpy(np.int64))
    ends = shapely.line_interpolate_point(lines, further["fraction"].to_numpy(float), normalized=True)
    bridge = np.asarray(shapely.shortest_line(place, ends), dtype=object)
    wet = border.over_water(place, bridge)
    wet[wet] = [way_round(border, line, DETOUR) is None for line in bridge[wet]]
    lost[lost] = wet
    return lost


def _ground(tables: Tables, usable: NDArray[np.bool_]) -> tuple[NDArray[Any], ...]:
    """Return the side of each link's beginning, and which links lie at home, are drawn, and are ground to join."""
    node_side = tables.nodes["side"].to_numpy(dtype=object)
    u_side = node_side[tables.links["u"].to_numpy()]
    domestic = usable & (u_side == node_side[tables.links["v"].to_numpy()])
    # A bridged gap is an assumption: no place hangs on it, and none does without a link because of it.
    drawn = ~tables.links["bridged"].to_numpy(bool)
    return u_side, domestic, drawn, domestic & drawn & ~tables.links["kind"].isin(NO_GROUND).to_numpy()


def nearest_km(
    tables: Tables, lonlat: NDArray[np.float64], side: NDArray[np.object_], usable: NDArray[np.bool_]
) -> NDArray[np.float64]:
    """Return how far places are from the nearest link of their own side, straight and however far, in kilometres.

    NaN where their side has no link. Parameters are those of `join`, which joins what is near enough.
    """
    out = np.full(len(lonlat), np.nan)
    u_side, _, _, ground = _ground(tables, usable)
    points = np.asarray(project(shapely.points(lonlat), WGS84, tables.crs), dtype=object)
    for s in SIDES:
        rows, own_side = np.flatnonzero(ground & (u_side == s)), np.flatnonzero(side == s)
        if len(rows) and len(own_side):
            lines = tables.projected(rows)
            line = shapely.STRtree(lines).nearest(points[own_side])
            share = shapely.line_locate_point(lines[line], points[own_side], normalized=True)
            xy = along(tables.links["geometry"].to_numpy(dtype=object)[rows[line]], share)
            out[own_side] = geodesic_m(*lonlat[own_side].T, *xy.T) / 1000
    return out


def near_by(
    points: NDArray[np.object_],
    things: NDArray[np.object_],
    border: Border,
    side: Side,
    limit_km: float,
    limits: ConnectorLimits,
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return pairs of points of one side and things within their reach, by point and distance.

    Things are lines or points in the projection. What many points found is kept with the border: settlements join the
    same roads again when a checkpoint is tried.
    """
    if len(points) < MANY:
        return _near_by(points, things, border, side, limit_km, limits)
    known = blake2b(repr((side, limit_km, limits)).encode(), digest_size=16)
    for shapes in (points, things):
        xy, shape = shapely.get_coordinates(shapes, return_index=True)
        known.update(xy.data)
        known.update(np.bincount(shape).data)
    key = known.digest()
    if key not in border.answers:
        border.answers[key] = _near_by(points, things, border, side, limit_km, limits)
    found: tuple[NDArray[np.int64], NDArray[np.int64]] = border.answers[key]
    return found


def _near_by(
    points: NDArray[np.object_],
    things: NDArray[np.object_],
    border: Border,
    side: Side,
    limit_km: float,
    limits: ConnectorLimits,
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the same, sought."""
    tree = shapely.STRtree(things)
    point, thing = tree.query_nearest(points, max_distance=limit_km * 1000, all_matches=False)
    first = np.full(len(points), np.nan)
    first[point] = shapely.distance(points[point], things[thing])
    nearest = np.full(len(points), -1)
    nearest[point] = thing
    bridge = shapely.shortest_line(points[point], things[thing])
    for p in point[border.leads_abroad(points[point], bridge, side) | border.over_water(points[point], bridge)]:
        # The nearest would cut through the neighbour, or over water: a handful along the line and the shores.
        near = tree.query(points[p], predicate="dwithin", distance=limit_km * 1000)
        near = near[np.argsort(shapely.distance(points[p], things[near]), kind="stable")]
        k = _first_by_land(points[p], things[near], border, side, limits.candidates)
        nearest[p] = near[k] if k >= 0 else -1
        first[p] = shapely.distance(points[p], things[near[k]]) if k >= 0 else np.nan
    some = np.flatnonzero(np.isfinite(first))
    reach = np.maximum(limits.reach_ratio * first[some], first[some] + limits.reach_more_km * 1000)
    # A millimetre more: the nearest itself must not be lost to rounding where nothing is added.
    reach = np.minimum(reach, limit_km * 1000) + 1e-3
    place, thing = tree.query(points[some], predicate="dwithin", distance=reach)
    place = some[place]
    away = shapely.distance(points[place], things[thing])
    order = np.lexsort((thing, away, place))
    place, thing, away = place[order], thing[order], away[order]
    keep = away >= first[place] - 1e-6
    place, thing = place[keep], thing[keep]
    keep = np.arange(len(place)) - np.searchsorted(place, place) < limits.candidates
    place, thing = place[keep], thing[keep]
    bridge = shapely.shortest_line(points[place], things[thing])
    free = ~border.leads_abroad(points[place], bridge, side)
    wet = np.flatnonzero(free & (thing != nearest[place]))
    wet = wet[border.over_water(points[place[wet]], bridge[wet])]
    free[wet] = goes_round(border, bridge[wet], DETOUR)
    free |= thing == nearest[place]
    return place[free].astype(np.int64), thing[free].astype(np.int64)


def _first_by_land(
    point: shapely.Geometry, things: NDArray[np.object_], border: Border, side: Side, candidates: int
) -> int:
    """Return the first of things, nearest first, that a point may join, −1 for none.

    The way to it leads over no water, or round what water lies between within the length of a connector; or a
    straightened road is drawn over that water and runs on the point's bank (`network.banks`). Where water alone keeps
    the point from some of the nearest `candidates` and no other does, the first dry one of those behind them.
    """
    refused: list[shapely.Geometry] = []
    start, step = 0, AT_ONCE
    while start < min(len(things), candidates):  # one of the first few, as a rule
        some = things[start : min(start + step, candidates)]
        here = np.full(len(some), point)
        bridge = np.asarray(shapely.shortest_line(here, some), dtype=object)
        wet = border.over_water(here, bridge)
        for k in np.flatnonzero(~border.leads_abroad(here, bridge, side)):
            if not wet[k] or _by_land(border, bridge[k], side, refused):
                return int(start + k)
            refused.append(shapely.get_point(bridge[k], 1))
        start, step = start + step, 2 * step
    behind = things[candidates : candidates * BEYOND] if refused else things[:0]
    here = np.full(len(behind), point)
    bridge = np.asarray(shapely.shortest_line(here, behind), dtype=object)
    dry = np.flatnonzero(~border.over_water(here, bridge))
    dry = dry[~border.leads_abroad(here[dry], bridge[dry], side)]
    return int(candidates + dry[0]) if len(dry) else -1


def _by_land(border: Border, bridge: shapely.Geometry, side: Side, refused: list[shapely.Geometry]) -> bool:
    """Return whether a thing that a straight line over water leads to may be joined all the same.

    No way round is sought to what lies next to a place that was `refused`, by `NEXT_TO` of the line.
    """
    if border.banks.joins(bridge, DETOUR):
        return True
    start, end = (shapely.get_point(bridge, k) for k in (0, 1))
    if refused and shapely.distance(end, refused).min() <= NEXT_TO * shapely.length(bridge):
        return False
    way = way_round(border, bridge, DETOUR)
    return way is not None and not border.leads_abroad(np.array([start]), np.array([way]), side)[0]


def far_apart(
    tables: Tables, near: pd.DataFrame, ways: NDArray[np.int64], limits: ConnectorLimits
) -> NDArray[np.bool_]:
    """Return which candidates each place keeps: the nearest, and those that the kept ones don't lead to.

    Parameters
    ----------
    near
        ``place``, ``link``, ``fraction``, ``straight_m``; of one place together, nearest first.
    ways
        Rows of the links that lead from one to another, the candidates' own among them.
    """
    kept = np.ones(len(near), bool)
    several = np.flatnonzero(near["place"].duplicated(keep=False).to_numpy())
    if not len(several):
        return kept
    some = near.iloc[several].reset_index(drop=True)
    there, back, node, where = with_anchors(tables, some, ways)
    place = pd.factorize(some["place"])[0]
    straight = some["straight_m"].to_numpy(float)
    starts = np.flatnonzero(np.diff(place, prepend=-1))
    reach = limits.detour_ratio * DETOUR * (straight[starts] + np.maximum.reduceat(straight, starts))
    kept[several] = False
    for places in _neighbourhoods(where[node[starts]], reach):
        rows = np.flatnonzero(np.isin(place, places))
        # No way of this length leaves the frame: a link is never shorter than the straight line.
        spot, far = where[node[rows]], 1.1 * reach[places].max()
        inside = ((where >= spot.min(axis=0) - far) & (where <= spot.max(axis=0) + far)).all(axis=1)
        nodes = np.flatnonzero(inside)
        graphs = [graph[nodes][:, nodes] for graph in (there, back) if graph is not None]
        own = np.searchsorted(nodes, node[rows])
        kept[several[rows]] = _in_turn(graphs, own, place[rows], straight[rows], limits)
    return kept


def _neighbourhoods(where: NDArray[np.float64], reach: NDArray[np.float64]) -> list[NDArray[np.int64]]:
    """Return places in groups that lie together and look equally far."""
    scale = np.floor(np.log2(np.maximum(reach, 1.0)))
    tile = np.floor(where / (4 * 2.0 ** scale[:, None]))
    order = np.lexsort((where[:, 1], tile[:, 1], tile[:, 0], scale))
    return [order[k : k + PLACES] for k in range(0, len(order), PLACES)]


def _in_turn(
    graphs: list[csr_array],
    node: NDArray[np.int64],
    place: NDArray[np.int64],
    straight: NDArray[np.float64],
    limits: ConnectorLimits,
) -> NDArray[np.bool_]:
    """Return which candidates are kept, one more per place and round: the nearest that no kept one leads to."""
    kept, open_ = np.zeros(len(node), bool), np.ones(len(node), bool)
    for _ in range(limits.most_links):
        live = np.flatnonzero(open_)
        owners, first = np.unique(place[live], return_index=True)
        root = live[first]
        kept[root], open_[root] = True, False
        rest = np.flatnonzero(open_)
        if not len(rest):
            break
        which = np.searchsorted(owners, place[rest])
        walk = limits.detour_ratio * DETOUR * (straight[root[which]] + straight[rest])
        wanted, row = np.unique(which, return_inverse=True)
        far = np.zeros(len(rest), bool)
        for graph in graphs:
            tree = dijkstra(graph, indices=node[root[wanted]], limit=walk.max())
            far |= tree[row, node[rest]] > walk
        open_[rest] = far
    return kept
