"""Railways that get another current, and new stops.

What trains lose where currents meet, and where people board, is found anew.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from layers.crs import WGS84, project
from layers.errors import PlaceError
from network.connectors import STATION_OFF_KM
from network.kinds import CHANGE
from network.rail import CURRENT_CHANGE_MIN, GAUGE_CHANGE_MIN, split_changes
from network.topology import Tables
from network.works import part_within, ways_named

if TYPE_CHECKING:
    from collections.abc import Sequence

    from network.build import Base

MOST = 0.5
"""Share of a track within an area from which it gets the current of the area: an assumption, for a track has one."""


def electrify(
    base: Base,
    current: str,
    *,
    osm_ids: Sequence[int] = (),
    area: shapely.Geometry | None = None,
    gauge_min: float = GAUGE_CHANGE_MIN,
    current_min: float = CURRENT_CHANGE_MIN,
) -> Base:
    """Return the ground with some railways under another current; changes of locomotive are where currents meet then.

    Parameters
    ----------
    current
        Such as ``25 kV 50 Hz``, ``3 kV DC``, or ``none``, in the words of the layer.
    osm_ids, area
        One of the two: ways of OpenStreetMap, or a polygon in degrees (tracks that lie in it for the most part).
    gauge_min, current_min
        Minutes that a train loses, as in `network.rail.split_changes`.

    Raises
    ------
    PlaceError
        Neither or both are given, an empty current, or nothing in the data is meant.
    """
    if not current.strip() or bool(osm_ids) == (area is not None):
        raise PlaceError(
            "electrify: allowed is a current such as 25 kV 50 Hz, for some ways of OpenStreetMap or for an area"
        )
    links = base.tables.links
    part = ways_named(links, osm_ids, "rail") if osm_ids else part_within(base, "rail", area)
    hit = (part > MOST) & (links["kind"] != CHANGE).to_numpy()
    if not hit.any():
        raise PlaceError("electrify: no railway lies there for its most part: allowed is an area or ways with one")
    links = links.assign(current=links["current"].astype(object).where(~hit, current.strip()))
    joined = _unsplit(Tables(base.tables.nodes, links, base.tables.crs))
    split = split_changes(joined, gauge_min=gauge_min, current_min=current_min)
    # Joints are made of what a track has before it is cut at the line.
    blank = {"wait_min": 0.0, "checkpoint_id": "", "crossing_id": "", "passable": True}
    fresh = (split.links["kind"] == CHANGE).to_numpy()
    filled = split.links.assign(
        **{c: split.links[c].astype(object).where(~fresh, value).astype(links[c].dtype) for c, value in blank.items()}
    )
    return replace(base, tables=Tables(split.nodes, filled[links.columns], split.crs))


def _unsplit(tables: Tables) -> Tables:
    """Return the tables with the nodes of one place where trains change as one node, without joints."""
    links, n = tables.links, len(tables.nodes)
    joint = (links["kind"] == CHANGE).to_numpy()
    if not joint.any():
        return tables
    u, v = (links.loc[joint, c].to_numpy(np.int64) for c in ("u", "v"))
    label = connected_components(coo_array((np.ones(len(u)), (u, v)), shape=(n, n)), directed=False)[1]
    first = np.full(label.max() + 1, n)
    np.minimum.at(first, label, np.arange(n))
    stays = first[label]
    keep = np.flatnonzero(stays == np.arange(n))
    number = np.full(n, -1)
    number[keep] = np.arange(len(keep))
    rest = links[~joint].reset_index(drop=True)
    ends = {c: number[stays[rest[c].to_numpy(np.int64)]] for c in ("u", "v")}
    return Tables(tables.nodes.iloc[keep].reset_index(drop=True), rest.assign(**ends), tables.crs)


def add_stop(base: Base, lon: float, lat: float, *, name: str = "") -> Base:
    """Return the ground with one more stop at which settlements board trains.

    Raises
    ------
    PlaceError
        The data name no stations, so that settlements board anywhere already; or no railway is within `STATION_OFF_KM`.
    """
    if base.stations is None:
        raise PlaceError(
            "a stop: the data name no stations, and settlements board at the nearest railway already; allowed is a "
            "border whose data have stations"
        )
    rail = (base.tables.links["mode"] == "rail").to_numpy() & (base.tables.links["kind"] != CHANGE).to_numpy()
    lines = base.tables.projected(np.flatnonzero(rail))
    spot = project(shapely.Point(lon, lat), WGS84, base.tables.crs)
    away = float(shapely.distance(lines, spot).min(initial=np.inf)) / 1000
    if away > STATION_OFF_KM:
        raise PlaceError(
            f"a stop at {lon:g},{lat:g} stands {away:,.1f} km from the railways of the data: allowed is "
            f"{STATION_OFF_KM:g} km"
        )
    row = {"name": name, "kind": "halt", "station_id": f"stop at {lon:g},{lat:g}"}
    known = {k: [v] for k, v in row.items() if k in base.stations}
    one = gpd.GeoDataFrame(known, geometry=[shapely.Point(lon, lat)], crs=WGS84).to_crs(base.stations.crs)
    both = pd.concat([base.stations, one], ignore_index=True)
    return replace(base, stations=gpd.GeoDataFrame(both, geometry="geometry", crs=base.stations.crs))
