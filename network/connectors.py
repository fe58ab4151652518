"""Centroid connectors: settlements, checkpoints and points joined to the network, never over the border."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import shapely

from layers.crs import WGS84, geodesic_m, lines_between, project
from layers.sides import SIDES
from network.abroad import Border
from network.border import main_components
from network.gates import gate_links
from network.joining import COLUMNS, DETOUR, ConnectorLimits, far_apart, join, near_by, nearest_km
from network.kinds import CONNECTOR, TRANSFER
from network.shores import way_round
from network.topology import TOLD, Tables, along, located, split_links

if TYPE_CHECKING:
    import geopandas as gpd
    from numpy.typing import NDArray
    from pyproj import CRS

CONNECTOR_KPH = 50.0
"""A connector stands for roads that the data lack: 50 km/h over `network.joining.DETOUR` times the straight line, both
assumptions."""
PLACE = "place"
"""Kind of the nodes of places at which ways begin and end, but lead through none."""
STATION_OFF_KM = 1.0
"""A station that is mapped further from every track is no station of this railway."""


def join_stations(
    tables: Tables,
    lonlat: NDArray[np.float64],
    side: NDArray[np.object_],
    stations: gpd.GeoDataFrame,
    usable: NDArray[np.bool_],
    border: Border,
    limits: ConnectorLimits,
) -> pd.DataFrame:
    """Return where each place joins the railway.

    At the stations of its own side, each with all links that the station joins.

    Parameters
    ----------
    stations
        Points; each stands at the nearest usable link within `STATION_OFF_KM`, and on that link's side.
    tables, lonlat, side, usable, border, limits
        As in `network.joining.join`; the distance is that to the station.

    Returns
    -------
    As `network.joining.join`.
    """
    spot = shapely.get_coordinates(stations.geometry.to_numpy())
    every = [
        join(tables, spot, np.full(len(spot), s, dtype=object), usable, border, STATION_OFF_KM, limits) for s in SIDES
    ]
    away = np.full((len(spot), 2), np.inf)
    for k, joined in enumerate(every):
        nearest = joined.drop_duplicates("place")
        away[nearest["place"], k] = nearest["straight_m"]
    start, target = (project(shapely.points(xy), WGS84, tables.crs) for xy in (lonlat, spot))
    start, target = np.asarray(start, dtype=object), np.asarray(target, dtype=object)
    ground = (tables.links["crossing_id"] == "") & (tables.links["kind"] != CONNECTOR)
    ways = np.flatnonzero(usable & ground.to_numpy())
    found = []
    for k, s in enumerate(SIDES):
        known = np.flatnonzero(np.isfinite(away[:, k]) & (away.argmin(axis=1) == k))
        own_side = np.flatnonzero(side == s)
        if len(known) and len(own_side):
            place, station = near_by(start[own_side], target[known], border, s, limits.station_km, limits)
            pairs = pd.DataFrame({"town": own_side[place], "place": known[station]})
            first = every[k].drop_duplicates("place")
            chosen = pairs.merge(first, on="place").rename(columns={"place": "station", "town": "place"})
            chosen["straight_m"] = geodesic_m(*lonlat[chosen["place"]].T, *spot[chosen["station"]].T)
            chosen = chosen.sort_values(["place", "straight_m", "station"], kind="stable", ignore_index=True)
            chosen = chosen[far_apart(tables, chosen, ways, limits)][["place", "station"]]
            found.append(chosen.merge(every[k].rename(columns={"place": "station"}), on="station"))
    near = (
        pd.concat(found, ignore_index=True)
        if found
        else pd.DataFrame(columns=["place", "link", "fraction"], dtype=float)
    )
    near = near.astype({"place": np.int64, "link": np.int64})
    xy = along(tables.links["geometry"].to_numpy(dtype=object)[near["link"]], near["fraction"].to_numpy())
    near["straight_m"] = geodesic_m(*lonlat[near["place"]].T, *xy.T)
    return near.sort_values(["place", "straight_m", "link"], kind="stable", ignore_index=True)[list(COLUMNS)]


def connector_times(straight_m: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the assumed length in metres and minutes of connectors by their straight length."""
    length = straight_m * DETOUR
    return length, length / 1000 / CONNECTOR_KPH * 60


def _connector_links(
    tables: Tables, border: Border, u: NDArray[np.int64], v: NDArray[np.int64], mode: str, extra_min: float = 0.0
) -> pd.DataFrame:
    """Return connector links between nodes of the tables."""
    xy = tables.nodes[["x", "y"]].to_numpy(float)
    length, minutes = connector_times(geodesic_m(*xy[u].T, *xy[v].T))
    return pd.DataFrame(
        {
            "u": u,
            "v": v,
            "mode": mode,
            "kind": CONNECTOR,
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
            "geometry": _on_land(lines_between(xy[u], xy[v]), border, tables.crs),
        }
    )


def _on_land(lines: NDArray[np.object_], border: Border, crs: CRS) -> NDArray[np.object_]:
    """Return straight lines of connectors, those over water drawn round it where that is no longer than they are."""
    if not len(border.lakes):
        return lines
    flat = np.asarray(project(lines, WGS84, crs), dtype=object)
    start, end = (np.asarray(shapely.get_point(flat, k), dtype=object) for k in (0, -1))
    for k in np.flatnonzero(border.over_water(start, flat) & border.over_water(end, flat)):  # a few along the shores
        way = way_round(border, flat[k], DETOUR)
        if way is None:  # the place is the other end
            back = way_round(border, shapely.reverse(flat[k]), DETOUR)
            way = None if back is None else shapely.reverse(back)
        if way is not None:
            # Its ends are the links' own, to the last digit.
            xy = shapely.get_coordinates(project(way, crs, WGS84))
            xy[[0, -1]] = shapely.get_coordinates(lines[k])
            lines[k] = shapely.linestrings(xy)
    return lines


def _at_speed(links: pd.DataFrame, kph: NDArray[np.float64]) -> pd.DataFrame:
    """Return connectors at the speeds that a scenario gives its access roads; those without one stay."""
    known = np.isfinite(kph)
    speed = np.where(known, kph, links["speed_kph"].to_numpy(float))
    minutes = np.where(known, links["length_m"].to_numpy(float) / 1000 / speed * 60, links["time_min"].to_numpy(float))
    return links.assign(speed_kph=speed, time_min=minutes)


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
    tables: Tables,
    border: Border,
    near: pd.DataFrame,
    node: NDArray[np.int64],
    mode: str,
    kind: str,
    extra_min: float = 0.0,
) -> tuple[Tables, NDArray[np.int64]]:
    """Split links where `near` says and add connectors from the `node` of each place.

    Return the anchor of each row too.
    """
    tables, anchor = split_links(tables, near["link"].to_numpy(np.int64), near["fraction"].to_numpy(float), kind)
    links = _connector_links(tables, border, node[near["place"].to_numpy(np.int64)], anchor, mode, extra_min)
    links = links.drop_duplicates(["u", "v"])  # two links that meet beside a place have one anchor there
    return Tables(tables.nodes, pd.concat([tables.links, links], ignore_index=True), tables.crs), anchor


def _nearest_km(near: pd.DataFrame, n: int) -> NDArray[np.float64]:
    """Return the straight distance of n places to the nearest link that each joins, NaN for none."""
    out = np.full(n, np.nan)
    first = near.drop_duplicates("place")
    out[first["place"].to_numpy(np.int64)] = first["straight_m"].to_numpy(float) / 1000
    return out


def join_ways(
    tables: Tables,
    mode: str,
    lonlat: NDArray[np.float64],
    side: NDArray[np.object_],
    border: Border,
    limit_km: float,
    limits: ConnectorLimits,
) -> pd.DataFrame:
    """Return the links of a mode that places join, of those that hang together: see `network.joining.join`."""
    usable = main_components(tables, "road" if mode == "any" else mode)
    return join(tables, lonlat, side, usable, border, limit_km, limits)


def nearest_way_km(
    tables: Tables, mode: str, lonlat: NDArray[np.float64], side: NDArray[np.object_]
) -> NDArray[np.float64]:
    """Return how far places are from the nearest road (of ``any`` mode too) or railway of their side, however far.

    See `network.joining.nearest_km`.
    """
    return nearest_km(tables, lonlat, side, main_components(tables, "road" if mode == "any" else mode))


def with_nearest_km(
    tables: Tables,
    lonlat: NDArray[np.float64],
    side: NDArray[np.object_],
    usable: NDArray[np.bool_],
    joined_km: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Return the kilometres to the link that each place joins, and of the others to the nearest of their side."""
    out, apart = joined_km.copy(), np.flatnonzero(np.isnan(joined_km))
    if len(apart):
        out[apart] = nearest_km(tables, lonlat[apart], side[apart], usable)
    return out


def connect_checkpoints(
    tables: Tables, checkpoints: gpd.GeoDataFrame, border: Border, limits: ConnectorLimits
) -> tuple[Tables, pd.DataFrame]:
    """Join road checkpoints that stand at no crossing of the data: posts, gates, flagged connectors on each side.

    A way over these connectors passes the gate: a post that joins several links on a side has one node to come to and
    one to leave from.

    Returns
    -------
    The tables; and per checkpoint ``connector_a_km``, ``connector_b_km`` (straight to the nearest link, NaN where
    nothing is near enough) and ``joined``: where both are at most ``checkpoint_modelled_km``, and the post is not
    ``crossing_only``.
    """
    lonlat = shapely.get_coordinates(checkpoints.geometry.to_numpy())
    n = len(lonlat)
    usable = main_components(tables, "road")
    near = {
        s: join(tables, lonlat, np.full(n, s, dtype=object), usable, border, limits.checkpoint_km, limits)
        for s in SIDES
    }
    km = {s: _nearest_km(near[s], n) for s in near}
    both = np.maximum(km["a"], km["b"]) <= limits.checkpoint_modelled_km
    if "crossing_only" in checkpoints:
        # In whole roads a post without a crossing has none: no straight line may invent one.
        both &= ~checkpoints["crossing_only"].eq(True).to_numpy()
    ids = checkpoints["checkpoint_id"].to_numpy(dtype=object)
    report = pd.DataFrame({"checkpoint_id": ids, "connector_a_km": km["a"], "connector_b_km": km["b"], "joined": both})
    if not both.any():
        return tables, report
    # Both sides' links are split at once, because a split renumbers the rows.
    every = pd.concat([near[s].assign(side=s) for s in near], ignore_index=True)
    every = every[both[every["place"].to_numpy(np.int64)]]
    tables, anchor = split_links(tables, every["link"].to_numpy(np.int64), every["fraction"].to_numpy(float), "anchor")
    joins = every[["place", "side"]].assign(anchor=anchor).drop_duplicates()
    posts = joins.groupby(["side", "place"], sort=True).size().rename("links").reset_index()
    again = posts[posts["links"] > 1]
    ends = pd.concat([posts, again], ignore_index=True)
    place = ends["place"].to_numpy(np.int64)
    tables, node = _add_nodes(tables, lonlat[place], ends["side"].to_numpy(dtype=object), "post", ids[place])
    posts["come"] = node[: len(posts)]
    posts["leave"] = posts["come"]
    posts.loc[again.index, "leave"] = node[len(posts) :]
    joins = joins.merge(posts, on=["side", "place"])
    come, leave, end = (joins[c].to_numpy(np.int64) for c in ("come", "leave", "anchor"))
    one = come == leave
    kph = checkpoints["road_kph"].to_numpy(float) if "road_kph" in checkpoints else np.full(n, np.nan)
    kph = kph[joins["place"].to_numpy(np.int64)]
    connectors = [
        _at_speed(_connector_links(tables, border, come[one], end[one], "road"), kph[one]),
        _at_speed(_connector_links(tables, border, end[~one], come[~one], "road").assign(oneway=True), kph[~one]),
        _at_speed(_connector_links(tables, border, leave[~one], end[~one], "road").assign(oneway=True), kph[~one]),
    ]
    by_side = {s: posts[posts["side"] == s].set_index("place") for s in SIDES}
    ps = np.flatnonzero(both)
    ends_of = {c: [by_side[s].loc[ps, c].to_numpy(np.int64) for s in SIDES] for c in ("come", "leave")}
    gates = gate_links(
        np.stack(ends_of["come"], axis=1).ravel(),
        np.stack(ends_of["leave"][::-1], axis=1).ravel(),
        np.repeat(ids[ps], 2),
        np.repeat("connector-" + ids[ps], 2),
        checkpoints,
    )
    gates["base_open"] = (
        np.repeat(checkpoints["base_open"].to_numpy(bool)[ps], 2) if "base_open" in checkpoints else True
    )
    parts = [part for part in (tables.links, *connectors, gates) if len(part)]
    return Tables(tables.nodes, pd.concat(parts, ignore_index=True), tables.crs), report


def connect_settlements(
    tables: Tables,
    settlements: gpd.GeoDataFrame,
    border: Border,
    limits: ConnectorLimits,
    *,
    stations: gpd.GeoDataFrame | None = None,
    through: bool = True,
) -> tuple[Tables, pd.DataFrame]:
    """Join settlements to the road network, to the railway near them, and both by a transfer.

    Their connectors are two-way links that any way may use: a town joins the roads that end in it. A settlement joins
    the railway at the `stations` within ``station_km``. Where no stations are known (None) one within ``station_km`` of
    the railway is taken to have a station there: an assumption, for the snapshot names none. Boarding costs
    ``boarding_min`` on the connector and twice that on a transfer, so that neither is a short cut. With `through` false
    they are places at which ways only begin and end: nobody changes trains for a car there.

    Returns
    -------
    The tables; and per settlement ``node``, ``snap_km`` to the road and ``station_km`` to the railway (NaN where too
    far), and ``nearest_road_km``, however far.
    """
    lonlat = shapely.get_coordinates(settlements.geometry.to_numpy())
    side = settlements["side"].to_numpy(dtype=object)
    ref = settlements["settlement_id"].astype(str).to_numpy(dtype=object)
    tables, node = _add_nodes(tables, lonlat, side, "settlement" if through else PLACE, ref)
    roads = main_components(tables, "road")
    road = join(tables, lonlat, side, roads, border, limits.settlement_km, limits)
    snap_km = _nearest_km(road, len(lonlat))
    nearest = with_nearest_km(tables, lonlat, side, roads, snap_km)
    tables, road_anchor = _join(tables, border, road, node, "road", "anchor")
    railway = main_components(tables, "rail")
    rail = (
        join(tables, lonlat, side, railway, border, limits.station_km, limits)
        if stations is None
        else join_stations(tables, lonlat, side, stations, railway, border, limits)
    )
    tables, rail_anchor = _join(tables, border, rail, node, "rail", "station", limits.boarding_min)
    transfers = _transfers(tables, border, rail.assign(anchor=rail_anchor), road.assign(anchor=road_anchor), limits)
    transfers = transfers if through else transfers.iloc[:0]
    n = len(lonlat)
    report = pd.DataFrame(
        {"node": node, "snap_km": snap_km, "nearest_road_km": nearest, "station_km": _nearest_km(rail, n)}
    )
    return Tables(tables.nodes, pd.concat([tables.links, transfers], ignore_index=True), tables.crs), report


def _transfers(
    tables: Tables, border: Border, rail: pd.DataFrame, road: pd.DataFrame, limits: ConnectorLimits
) -> pd.DataFrame:
    """Return the links between the nearest station and the nearest road of each settlement that has both."""
    both = rail.drop_duplicates("place").merge(road.drop_duplicates("place"), on="place", suffixes=("_rail", "_road"))
    u, v = (both[c].to_numpy(np.int64) for c in ("anchor_rail", "anchor_road"))
    links = _connector_links(tables, border, u, v, "transfer", 2 * limits.boarding_min)
    return links.assign(kind=TRANSFER).drop_duplicates(["u", "v"])
