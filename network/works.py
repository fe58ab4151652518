"""Works on the ground of a built network: roads and railways built, upgraded, or driven at another speed.

The ground is changed and the checkpoints and settlements are joined to it again, so that the result equals a network
whose layers held the change from the start.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import shapely

from layers.crs import WGS84, line_lengths_m, project
from layers.errors import PlaceError
from network.border import find_crossings, main_components
from network.build import Base, Network, build_network
from network.kinds import CHANGE
from network.speeds import KNOWN_KPH, with_speeds
from network.topology import FOR_SPEEDS, SNAP_M, TOLD, Tables, split_links

if TYPE_CHECKING:
    import geopandas as gpd
    from numpy.typing import NDArray

JOIN_KM = 5.0
"""An end of a new road joins the nearest road of the data within so far; further it hangs in the air. An assumption."""
KPH = (1.0, 150.0)
"""Speeds that a new or upgraded road may have."""


@dataclass(frozen=True)
class SpeedRules:
    """What a study says of speeds, for roads that its layers do not hold: km/h by class, and whether it is winter."""

    speeds: Mapping[str, float] | None = None
    winter: bool = False


def built_again(network: Network, base: Base, checkpoints: gpd.GeoDataFrame | None = None) -> Network:
    """Return the network on another ground, or with another table of checkpoints; all else stays.

    Places that were joined by `network.edits.add_places` are not on the ground and are lost: add them after.
    """
    joined = ["node", "snap_km", "nearest_road_km", "station_km", "side", "region", "region_name"]
    layer = network.settlements.drop(columns=joined)
    return build_network(
        base,
        network.checkpoints if checkpoints is None else checkpoints,
        layer,
        limits=network.limits,
        road_km=network.road_km,
        rail_km=network.rail_km,
        domestic_wait=network.domestic_wait,
    )


def build_way(
    base: Base,
    lonlat: Sequence[tuple[float, float]],
    *,
    mode: str = "road",
    kind: str = "primary",
    kph: float | None = None,
    oneway: bool = False,
    speed_rules: SpeedRules | None = None,
) -> tuple[Base, dict[str, float]]:
    """Return the ground with one more road or railway along some points; its two ends join what is there.

    Only the ends join: what it passes in between it passes over. A way over the border line is a crossing, closed until
    a checkpoint stands at it.

    Parameters
    ----------
    lonlat
        Two points or more, in degrees.
    kind
        Class of road, or usage of rail: says the speed where `kph` is None.

    Returns
    -------
    The ground, and ``length_km``, ``kph``, ``join_a_km``, ``join_b_km`` (gap between either end as drawn and the
    network, part of the length).

    Raises
    ------
    PlaceError
        An end is too far from the network, the points are too few or beyond the two countries, the class or speed is
        not allowed.
    """
    _check_way(lonlat, mode, kind, kph)
    tables = base.tables
    xy = np.asarray(lonlat, float)
    _check_ground(base, xy)
    usable = main_components(tables, mode)
    rows = np.flatnonzero(usable & (tables.links["crossing_id"] == "").to_numpy())
    if not len(rows):
        raise PlaceError(f"a new way by {mode}: the network has none that it could join")
    lines = tables.projected(rows)
    ends = np.asarray(project(shapely.points(xy[[0, -1]]), WGS84, base.tables.crs), dtype=object)
    near = shapely.STRtree(lines).nearest(ends)
    gap_km = shapely.distance(ends, lines[near]) / 1000
    if (gap_km > JOIN_KM).any():
        k = int(np.argmax(gap_km))
        raise PlaceError(
            f"a new {mode} ends at {xy[0 if k == 0 else -1][0]:g},{xy[0 if k == 0 else -1][1]:g}, "
            f"{gap_km[k]:,.1f} km from every {mode} "
            f"of the data: allowed is {JOIN_KM:g} km"
        )
    fraction = shapely.line_locate_point(lines[near], ends, normalized=True)
    tables, node = split_links(tables, rows[near], np.asarray(fraction, float), "junction")
    if node[0] == node[1]:
        raise PlaceError(f"a new {mode} begins and ends at one place: allowed are two")
    joint = tables.nodes[["x", "y"]].to_numpy(float)[node]
    path = _without_repeats(
        np.vstack([joint[:1], xy if len(xy) > 2 or gap_km.max() * 1000 > SNAP_M else xy[:0], joint[1:]])
    )
    line = shapely.LineString(path)
    country = dict(zip(base.regions["side"], base.regions["country"], strict=True))[tables.nodes["side"].iloc[node[0]]]
    link = _new_link(tables, node, line, mode, kind, kph, oneway, base.vehicle, country, speed_rules or SpeedRules())
    _check_sides(base, tables, node, line)
    links = pd.concat([tables.links, link], ignore_index=True)
    made, crossings = find_crossings(Tables(tables.nodes, links, tables.crs), base.border)
    over = (made.links["crossing_id"] != "").to_numpy()
    made = Tables(made.nodes, made.links.assign(passable=~over), tables.crs)
    attributes = {
        "length_km": float(link["length_m"].iloc[0]) / 1000,
        "kph": float(link["speed_kph"].iloc[0]),
        "join_a_km": float(gap_km[0]),
        "join_b_km": float(gap_km[1]),
    }
    return replace(base, tables=made, crossings=crossings), attributes


def scale_speeds(base: Base, factor: float, *, mode: str = "road", area: shapely.Geometry | None = None) -> Base:
    """Return the ground with speeds times a factor, on the part of each link that lies in an area.

    Parameters
    ----------
    area
        Polygon in degrees; everywhere where None.

    Raises
    ------
    PlaceError
        A factor that is not between 0.05 and 20, or an area without a link of the mode.
    """
    if not 0.05 <= factor <= 20:
        raise PlaceError(f"speeds times {factor:g}: allowed is 0.05 to 20")
    part = part_within(base, mode, area)
    return _with_minutes(base, part, base.tables.links["time_min"].to_numpy(float) / factor)


def upgrade_ways(
    base: Base,
    *,
    kph: float | None = None,
    kind: str = "",
    mode: str = "road",
    osm_ids: Sequence[int] = (),
    area: shapely.Geometry | None = None,
    speed_rules: SpeedRules | None = None,
) -> Base:
    """Return the ground with some roads or railways at another speed, or of another class with its speed.

    Parameters
    ----------
    kph, kind
        One of the two: the speed, or the class that says it.
    osm_ids, area
        One of the two: ways of OpenStreetMap, or a polygon in degrees (the part of each link in it).

    Raises
    ------
    PlaceError
        Neither or both are given, a speed or class that is not allowed, or nothing in the data is meant.
    """
    if (kph is None) == (not kind) or bool(osm_ids) == (area is not None):
        raise PlaceError("an upgrade: allowed is a speed or a class, for some ways of OpenStreetMap or for an area")
    _check_way([(0, 0), (1, 1)], mode, kind or "primary", kph)
    links = base.tables.links
    part = ways_named(links, osm_ids, mode) if osm_ids else part_within(base, mode, area)
    if kph is not None:
        minutes = links["length_m"].to_numpy(float) / 1000 / kph * 60
    else:
        blank = links.assign(**FOR_SPEEDS).assign(kind=kind, maxspeed_kph=np.nan, surface="", smoothness="")
        allowed = speed_rules or SpeedRules()
        minutes = with_speeds(blank, overrides=allowed.speeds, vehicle=base.vehicle, winter=allowed.winter)[
            "time_min"
        ].to_numpy(float)
    return _with_minutes(base, part, minutes)


def ways_named(links: pd.DataFrame, osm_ids: Sequence[int], mode: str) -> NDArray[np.float64]:
    """Return 1 for each link of a mode that is of one of some ways of OpenStreetMap, else 0.

    Raises
    ------
    PlaceError
        A way is not in the data.
    """
    wanted = {str(i) for i in osm_ids}
    known = links["osm_ids"].str.split("|").map(wanted.intersection)
    gone = wanted - set().union(*known)
    if gone:
        raise PlaceError(
            f"no way of the data has the OpenStreetMap id {', '.join(sorted(gone))}: allowed are ids of loaded ways"
        )
    return np.where(known.map(bool).astype(bool) & (links["mode"] == mode), 1.0, 0.0)


def _with_minutes(base: Base, part: NDArray[np.float64], minutes: NDArray[np.float64]) -> Base:
    """Return the ground with other minutes on a part of each link."""
    links = base.tables.links
    old = links["time_min"].to_numpy(float)
    hit = part > 0
    new = np.where(hit, (1 - part) * old + part * minutes, old)
    moves = hit & (new > 0)
    kph = links["speed_kph"].to_numpy(float).copy()
    kph[moves] = links["length_m"].to_numpy(float)[moves] / 1000 / new[moves] * 60
    source = links["speed_source"].astype(object).where(~hit, "the scenario")
    changed = links.assign(time_min=new, speed_kph=kph, speed_source=source)
    return replace(base, tables=Tables(base.tables.nodes, changed, base.tables.crs))


def part_within(base: Base, mode: str, area: shapely.Geometry | None) -> NDArray[np.float64]:
    """Return the share of each link of a mode that lies in an area in degrees (everywhere where None).

    0 for the other modes.

    Raises
    ------
    PlaceError
        No link of the mode lies there.
    """
    links = base.tables.links
    part = np.where((links["mode"] == mode) & (links["kind"] != CHANGE), 1.0, 0.0)
    if area is not None:
        rows = np.flatnonzero(part)
        lines, zone = base.tables.projected(rows), project(area, WGS84, base.tables.crs)
        shapely.prepare(zone)
        inside = np.zeros(len(rows))
        hit = shapely.intersects(zone, lines)
        whole = shapely.length(lines[hit])
        inside[hit] = np.divide(
            shapely.length(shapely.intersection(lines[hit], zone)), whole, out=np.zeros(len(whole)), where=whole > 0
        )
        part[rows] = np.clip(inside, 0.0, 1.0)
    if not part.any():
        raise PlaceError(f"no {mode} of the data lies there: allowed is an area with one")
    return part


def _new_link(
    tables: Tables,
    node: NDArray[np.int64],
    line: shapely.LineString,
    mode: str,
    kind: str,
    kph: float | None,
    oneway: bool,
    vehicle: str,
    country: str,
    speed_rules: SpeedRules,
) -> pd.DataFrame:
    """Return the row of a new link with its speed."""
    row = pd.DataFrame(
        {
            "u": node[:1],
            "v": node[1:],
            "mode": mode,
            "kind": kind,
            "oneway": oneway,
            "length_m": line_lengths_m(np.array([line], dtype=object)),
            "maxspeed_kph": np.nan,
            **TOLD,
            **FOR_SPEEDS,
            "country": country,
            "bridged": False,
            "geometry": [line],
            "wait_min": 0.0,
            "checkpoint_id": "",
            "crossing_id": "",
            "passable": True,
        }
    )
    row = with_speeds(row, overrides=speed_rules.speeds, vehicle=vehicle, winter=speed_rules.winter)
    if kph is not None:
        row = row.assign(speed_kph=float(kph), time_min=row["length_m"] / 1000 / kph * 60)
    return row.assign(speed_source="the scenario").reindex(columns=tables.links.columns)


def _without_repeats(xy: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the points without those that repeat the one before."""
    return np.asarray(xy[np.r_[True, (np.abs(np.diff(xy, axis=0)) > 1e-12).any(axis=1)]])


def _check_way(lonlat: Sequence[tuple[float, float]], mode: str, kind: str, kph: float | None) -> None:
    """Refuse what no new way can be."""
    if mode not in ("road", "rail"):
        raise PlaceError(f"a way by {mode!r}: allowed is road or rail")
    if len(lonlat) < 2:
        raise PlaceError(f"a new {mode} of {len(lonlat)} points: allowed are two or more")
    if kph is not None and not KPH[0] <= kph <= KPH[1]:
        raise PlaceError(f"a new {mode} at {kph:g} km/h: allowed is {KPH[0]:g} to {KPH[1]:g}")
    if kph is None and kind.removesuffix("_link") not in KNOWN_KPH:
        raise PlaceError(f"a class {kind!r}: allowed are {', '.join(sorted(KNOWN_KPH))}, or a speed in km/h")


def _check_ground(base: Base, xy: NDArray[np.float64]) -> None:
    """Refuse points that lie in neither country: beyond the belt, in a third country or at sea."""
    p = np.asarray(project(shapely.points(xy), WGS84, base.tables.crs), dtype=object)
    away = np.minimum(*(shapely.distance(p, polygon) for polygon in base.border.sides.values())) / 1000
    if (away > max(base.border.tolerance_km, 0.1)).any():
        k = int(np.argmax(away))
        raise PlaceError(
            f"a new way passes {xy[k][0]:g},{xy[k][1]:g}, {away[k]:,.0f} km outside the two countries or in the "
            "sea: allowed is their land"
        )


def _check_sides(base: Base, tables: Tables, node: NDArray[np.int64], line: shapely.LineString) -> None:
    """Refuse a way between two places of one side that runs through the other."""
    side = tables.nodes["side"].to_numpy(dtype=object)[node]
    if side[0] == side[1]:
        drawn = np.asarray([project(line, WGS84, tables.crs)], dtype=object)
        km = float(base.border.abroad_m(drawn, side[0])[0]) / 1000
        if km > base.border.tolerance_km:
            raise PlaceError(
                f"a new way between two places of side {side[0]} runs {km:,.0f} km on the other side: allowed is "
                "a way at home, or one that ends across"
            )
