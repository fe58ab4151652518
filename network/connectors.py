"""Centroid connectors: settlements, checkpoints and analysis points joined to the network, capped and never over the border."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import shapely

from layers.crs import WGS84, geodesic_m, lines_between, project
from network.border import Border, gate_links, largest_component
from network.topology import TOLD, Tables, along, located, split_links

if TYPE_CHECKING:
    import geopandas as gpd
    from numpy.typing import NDArray

CONNECTOR_KPH = 50.0
DETOUR = 1.3
"""A connector stands for roads that the data lack: 50 km/h over 1.3 times the straight line, both assumptions."""
CANDIDATES = 400
NO_GROUND = ("connector", "transfer", "gate", "change", "ferry")
"""Kinds of links that nothing can join between their ends."""
STATION_OFF_KM = 1.0
"""A station that is mapped further from every track is no station of this railway."""


@dataclass(frozen=True)
class ConnectorLimits:
    """How far a connector may reach, in km of straight line, and what a change between road and rail costs."""

    settlement_km: float = 100.0
    checkpoint_km: float = 400.0
    point_km: float = 100.0
    station_km: float = 10.0
    boarding_min: float = 15.0


def snap(
    tables: Tables,
    lonlat: NDArray[np.float64],
    side: NDArray[np.object_],
    usable: NDArray[np.bool_],
    border: Border,
    limit_km: float,
) -> pd.DataFrame:
    """Return where each point joins the nearest usable link of its own side.

    Parameters
    ----------
    lonlat, side
        The points, shape (n, 2), and the side each may join; an empty side joins nothing.
    usable
        Per link; links over the border are left out by themselves.
    border
        A straight connector that runs through the neighbour for longer than the line is uncertain is refused, and the
        next nearest link is tried. A point on the wrong side of a generalised line may cross it once, from where it
        stands.
    limit_km
        Straight distance at the most.

    Returns
    -------
    One row per point: ``link`` (row in links, −1 for none), ``fraction``, ``straight_m`` (geodesic, NaN for none).
    """
    n = len(lonlat)
    node_side = tables.nodes["side"].to_numpy(dtype=object)
    u_side = node_side[tables.links["u"].to_numpy()]
    domestic = u_side == node_side[tables.links["v"].to_numpy()]
    ground = ~tables.links["kind"].isin(NO_GROUND).to_numpy()
    points = np.asarray(project(shapely.points(lonlat), WGS84, tables.crs), dtype=object)
    link, fraction = np.full(n, -1), np.zeros(n)
    for s in ("a", "b"):
        rows = np.flatnonzero(usable & domestic & ground & (u_side == s))
        mine = np.flatnonzero(side == s)
        if len(rows) and len(mine):
            lines = tables.projected(rows)
            near = _nearest(points[mine], lines, border, s, limit_km)
            found, line = mine[near >= 0], near[near >= 0]
            link[found] = rows[line]
            fraction[found] = shapely.line_locate_point(lines[line], points[found], normalized=True)
    straight = np.full(n, np.nan)
    hit = link >= 0
    if hit.any():
        xy = along(tables.links["geometry"].to_numpy(dtype=object)[link[hit]], fraction[hit])
        straight[hit] = geodesic_m(*lonlat[hit].T, *xy.T)
    return pd.DataFrame({"link": link, "fraction": fraction, "straight_m": straight})


def _nearest(
    points: NDArray[np.object_],
    lines: NDArray[np.object_],
    border: Border,
    side: str,
    limit_km: float,
) -> NDArray[np.int64]:
    """Return the position of the nearest line (or station) for points of one side; −1 where none is near enough."""
    tree = shapely.STRtree(lines)
    point, line = tree.query_nearest(points, max_distance=limit_km * 1000, all_matches=False)
    bridge = shapely.shortest_line(points[point], lines[line])
    # From the wrong side the way out is free: there and back to the line, and the line's own uncertainty.
    abroad = shapely.distance(points, border.sides[side])
    allowed = border.tolerance_km * 1000 + 2 * abroad
    bad = np.flatnonzero(border.abroad_m(bridge, side) > allowed[point])
    keep = np.ones(len(point), bool)
    for k in bad:  # connectors that would cut through the neighbour: a handful along the line
        near = tree.query(points[point[k]], predicate="dwithin", distance=limit_km * 1000)
        near = near[np.argsort(shapely.distance(points[point[k]], lines[near]), kind="stable")][:CANDIDATES]
        bridges = shapely.shortest_line(points[point[k]], lines[near])
        fine = near[border.abroad_m(bridges, side) <= allowed[point[k]]]
        keep[k] = len(fine) > 0
        line[k] = fine[0] if len(fine) else line[k]
    out = np.full(len(points), -1)
    out[point[keep]] = line[keep]
    return out


def snap_to_stations(
    tables: Tables,
    lonlat: NDArray[np.float64],
    side: NDArray[np.object_],
    stations: gpd.GeoDataFrame,
    usable: NDArray[np.bool_],
    border: Border,
    limit_km: float,
) -> pd.DataFrame:
    """Return where each point joins the railway: at the nearest station of its own side.

    Parameters
    ----------
    stations
        Points; each stands at the nearest usable link within `STATION_OFF_KM`, and on that link's side.
    tables, lonlat, side, usable, border, limit_km
        As in `snap`; the distance is that to the station.

    Returns
    -------
    As `snap`.
    """
    place = shapely.get_coordinates(stations.geometry.to_numpy())
    spots = [
        snap(tables, place, np.full(len(place), s, dtype=object), usable, border, STATION_OFF_KM) for s in ("a", "b")
    ]
    away = np.column_stack([spot["straight_m"].fillna(np.inf) for spot in spots])
    here, there = (project(shapely.points(xy), WGS84, tables.crs) for xy in (lonlat, place))
    here, there = np.asarray(here, dtype=object), np.asarray(there, dtype=object)
    link, fraction = np.full(len(lonlat), -1), np.zeros(len(lonlat))
    for k, s in enumerate(("a", "b")):
        known = np.flatnonzero(np.isfinite(away[:, k]) & (away.argmin(axis=1) == k))
        mine = np.flatnonzero(side == s)
        if len(known) and len(mine):
            near = _nearest(here[mine], there[known], border, s, limit_km)
            found, station = mine[near >= 0], known[near[near >= 0]]
            link[found] = spots[k]["link"].to_numpy()[station]
            fraction[found] = spots[k]["fraction"].to_numpy()[station]
    straight = np.full(len(lonlat), np.nan)
    hit = link >= 0
    if hit.any():
        xy = along(tables.links["geometry"].to_numpy(dtype=object)[link[hit]], fraction[hit])
        straight[hit] = geodesic_m(*lonlat[hit].T, *xy.T)
    return pd.DataFrame({"link": link, "fraction": fraction, "straight_m": straight})


def connector_times(straight_m: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the assumed length in metres and minutes of connectors by their straight length."""
    length = straight_m * DETOUR
    return length, length / 1000 / CONNECTOR_KPH * 60


def _connector_links(
    tables: Tables, u: NDArray[np.int64], v: NDArray[np.int64], mode: str, extra_min: float = 0.0
) -> pd.DataFrame:
    """Return connector links between nodes of the tables."""
    xy = tables.nodes[["x", "y"]].to_numpy(float)
    length, minutes = connector_times(geodesic_m(*xy[u].T, *xy[v].T))
    return pd.DataFrame(
        {
            "u": u,
            "v": v,
            "mode": mode,
            "kind": "connector",
            "oneway": False,
            "length_m": length,
            "maxspeed_kph": np.nan,
            **TOLD,
            "bridged": False,
            "speed_kph": CONNECTOR_KPH,
            "speed_source": "assumption",
            "time_min": minutes + extra_min,
            "wait_min": 0.0,
            "passable": True,
            "checkpoint_id": "",
            "crossing_id": "",
            "geometry": lines_between(xy[u], xy[v]),
        }
    )


def _add_nodes(
    tables: Tables, lonlat: NDArray[np.float64], side: NDArray[np.object_], kind: str, ref: NDArray[np.object_]
) -> tuple[Tables, NDArray[np.int64]]:
    """Return the tables with further nodes, and their numbers."""
    fresh = pd.DataFrame({"x": lonlat[:, 0], "y": lonlat[:, 1], "side": side, "kind": kind, "ref": ref})
    if "change" in tables.nodes:
        fresh["change"] = ""
    node = len(tables.nodes) + np.arange(len(fresh))
    return Tables(
        pd.concat([tables.nodes, located(fresh, tables.crs)], ignore_index=True), tables.links, tables.crs
    ), node


def _join(
    tables: Tables, spots: pd.DataFrame, node: NDArray[np.int64], mode: str, kind: str, extra_min: float = 0.0
) -> tuple[Tables, NDArray[np.int64]]:
    """Split links where `spots` say and add connectors from `node`; return the anchors too (−1 for none)."""
    hit = np.flatnonzero(spots["link"].to_numpy() >= 0)
    anchor = np.full(len(spots), -1)
    tables, anchor[hit] = split_links(tables, spots["link"].to_numpy()[hit], spots["fraction"].to_numpy()[hit], kind)
    links = _connector_links(tables, node[hit], anchor[hit], mode, extra_min)
    return Tables(tables.nodes, pd.concat([tables.links, links], ignore_index=True), tables.crs), anchor


def connect_checkpoints(
    tables: Tables, checkpoints: gpd.GeoDataFrame, border: Border, limit_km: float
) -> tuple[Tables, pd.DataFrame]:
    """Join road checkpoints that stand at no crossing of the data: two posts, a gate, a flagged connector on each side.

    Returns
    -------
    The tables; and per checkpoint ``connector_a_km``, ``connector_b_km`` (straight, NaN where nothing is near enough)
    and ``joined``.
    """
    lonlat = shapely.get_coordinates(checkpoints.geometry.to_numpy())
    n = len(lonlat)
    usable = largest_component(tables, "road")
    spots = {s: snap(tables, lonlat, np.full(n, s, dtype=object), usable, border, limit_km) for s in ("a", "b")}
    both = (spots["a"]["link"] >= 0).to_numpy() & (spots["b"]["link"] >= 0).to_numpy()
    report = pd.DataFrame(
        {
            "checkpoint_id": checkpoints["checkpoint_id"].to_numpy(),
            "connector_a_km": spots["a"]["straight_m"] / 1000,
            "connector_b_km": spots["b"]["straight_m"] / 1000,
            "joined": both,
        }
    )
    if not both.any():
        return tables, report
    # Both sides' links are split at once, because a split renumbers the rows.
    ids = checkpoints["checkpoint_id"].to_numpy(dtype=object)[both]
    side = np.repeat(np.array(["a", "b"], dtype=object), both.sum())
    tables, posts = _add_nodes(tables, np.tile(lonlat[both], (2, 1)), side, "post", np.tile(ids, 2))
    joined = pd.concat([spots["a"][both], spots["b"][both]], ignore_index=True)
    tables, _ = _join(tables, joined, posts, "road", "anchor")
    post_a, post_b = np.split(posts, 2)
    gates = [
        gate_links(post_a[i : i + 1], post_b[i : i + 1], checkpoint, f"connector-{checkpoint}", checkpoints)
        for i, checkpoint in enumerate(ids)
    ]
    return Tables(tables.nodes, pd.concat([tables.links, *gates], ignore_index=True), tables.crs), report


def connect_settlements(
    tables: Tables,
    settlements: gpd.GeoDataFrame,
    border: Border,
    limits: ConnectorLimits,
    *,
    stations: gpd.GeoDataFrame | None = None,
) -> tuple[Tables, pd.DataFrame]:
    """Join settlements to the road network, to the railway near them, and both by a transfer.

    A settlement joins the railway at the nearest of `stations` within ``station_km``. Where no stations are known (None)
    one within ``station_km`` of the railway is taken to have a station there: an assumption, for the snapshot names
    none. Boarding costs ``boarding_min`` on the connector and twice that on a transfer, so that
    neither is a short cut.

    Returns
    -------
    The tables; and per settlement ``node``, ``snap_km`` to the road and ``station_km`` to the railway (NaN where too
    far).
    """
    lonlat = shapely.get_coordinates(settlements.geometry.to_numpy())
    side = settlements["side"].to_numpy(dtype=object)
    ref = settlements["settlement_id"].astype(str).to_numpy(dtype=object)
    tables, node = _add_nodes(tables, lonlat, side, "settlement", ref)
    road = snap(tables, lonlat, side, largest_component(tables, "road"), border, limits.settlement_km)
    tables, road_anchor = _join(tables, road, node, "road", "anchor")
    railway = largest_component(tables, "rail")
    rail = (
        snap(tables, lonlat, side, railway, border, limits.station_km)
        if stations is None
        else snap_to_stations(tables, lonlat, side, stations, railway, border, limits.station_km)
    )
    tables, rail_anchor = _join(tables, rail, node, "rail", "station", limits.boarding_min)
    change = np.flatnonzero((road_anchor >= 0) & (rail_anchor >= 0))
    transfers = _connector_links(tables, rail_anchor[change], road_anchor[change], "transfer", 2 * limits.boarding_min)
    transfers = transfers.assign(kind="transfer").drop_duplicates(["u", "v"])
    report = pd.DataFrame({"node": node, "snap_km": road["straight_m"] / 1000, "station_km": rail["straight_m"] / 1000})
    return Tables(tables.nodes, pd.concat([tables.links, transfers], ignore_index=True), tables.crs), report
