"""The transport graph: from layers to one network with three cost fields, as tables and as a networkx graph."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from layers.checkpoints import open_to
from layers.crs import WGS84, project
from layers.lists import lists_of
from layers.regions import region_of
from layers.sides import SIDES
from network.base import Base as Base
from network.base import build_base as build_base
from network.base import stops_of
from network.border import COAST_KM, RAIL_MATCH_KM, ROAD_MATCH_KM, apart, directions, match_checkpoints, on_shut_roads
from network.connectors import connect_checkpoints, connect_settlements
from network.costs import DOMESTIC_WAIT as DOMESTIC_WAIT
from network.costs import with_costs as with_costs
from network.gates import open_gates
from network.joining import ConnectorLimits
from network.kinds import CONNECTOR
from network.topology import Tables, components

if TYPE_CHECKING:
    from collections.abc import Collection

    from numpy.typing import NDArray
    from pyproj import CRS

NETWORKS = ("borderless", "open", "actual")
FIELDS = {name: f"{name}_min" for name in NETWORKS}
"""The three cost fields: every crossing passable without a wait; open checkpoints only, no wait; open checkpoints with
their waits. A link that can't be passed costs infinity: it is absent, not expensive."""
DOMESTIC = "domestic_min"
"""The cost field of trips that end on their own side: `actual`, with waits of those modes alone that charge transit."""


@dataclass(frozen=True)
class Network:
    """One transport network with three cost fields.

    Attributes
    ----------
    nodes, links, crs
        See `network.topology.Tables`; links carry ``borderless_min``, ``open_min`` and ``actual_min``.
    crossings
        Points with ``crossing_id``, ``mode``, ``status`` (open or closed), ``checkpoints``, ``links``.
    checkpoints
        The table with waits, ``joined_by`` (crossing, connector, not modelled, island or nothing), ``crossings`` and
        the distance to each (``crossings_km``), ``match_km`` (the largest of them).
    settlements
        The layer with ``node``, ``snap_km``, ``station_km``, ``side``, ``region``.
    base, limits, road_km, rail_km
        What it was built on and with; `network.edits` builds on it again.
    domestic_wait
        Modes whose waits are charged to trips home through the neighbour.
    """

    nodes: pd.DataFrame
    links: pd.DataFrame
    crs: CRS
    crossings: gpd.GeoDataFrame
    checkpoints: gpd.GeoDataFrame
    settlements: gpd.GeoDataFrame
    base: Base
    limits: ConnectorLimits
    report: dict[str, Any] = field(default_factory=dict)
    road_km: float = ROAD_MATCH_KM
    rail_km: float = RAIL_MATCH_KM
    domestic_wait: tuple[str, ...] = DOMESTIC_WAIT

    def __repr__(self) -> str:
        modes = ", ".join(f"{n:,} {m}" for m, n in self.links["mode"].value_counts().items())
        return (
            f"<Network of {len(self.nodes):,} nodes, {len(self.links):,} links ({modes}), "
            f"{self.report['components']} components, {len(self.crossings)} crossings, {len(self.checkpoints)} "
            "checkpoints>"
        )

    @property
    def tables(self) -> Tables:
        """The two tables alone."""
        return Tables(self.nodes, self.links, self.crs)

    @cached_property
    def ground(self) -> Tables:
        """The two tables without waits, closures and costs: what no scenario of these moves."""
        moved = [c for c in ("wait_min", "passable", *FIELDS.values(), DOMESTIC) if c in self.links]
        return Tables(self.nodes, self.links.drop(columns=moved), self.crs)


def build_network(
    base: Base,
    checkpoints: gpd.GeoDataFrame,
    settlements: gpd.GeoDataFrame,
    *,
    limits: ConnectorLimits | None = None,
    road_km: float = ROAD_MATCH_KM,
    rail_km: float = RAIL_MATCH_KM,
    stations: gpd.GeoDataFrame | None = None,
    domestic_wait: Collection[str] = DOMESTIC_WAIT,
) -> Network:
    """Return the network with its checkpoints as gates and its settlements joined.

    Parameters
    ----------
    base
        From `build_base`.
    checkpoints
        With waits (`layers.checkpoints.with_waits`) of the base's vehicle. Those by road that are not for it are
        closed.
    settlements
        Validated layer, cut to the belt.
    road_km, rail_km
        Farthest distance of a checkpoint from its crossing, by mode.
    stations
        Where settlements board trains; those of the base where it is None.
    domestic_wait
        Modes (road, rail) whose waits a trip home through the neighbour is charged, at both posts.

    Notes
    -----
    The order of the checkpoints changes nothing, and each is matched without regard to the others. One on a road that
    is not for the base's vehicle and season joins nothing: no connector leads round a closed road.
    """
    limits = limits or ConnectorLimits()
    base = base if stations is None else replace(base, stations=stops_of(stations))
    checkpoints = open_to(checkpoints, base.vehicle)
    if "base_open" not in checkpoints:
        # What a scenario opens or closes later leaves the network without a border as it is.
        checkpoints = checkpoints.assign(base_open=checkpoints["open"].to_numpy(bool))
    settlements = _placed(settlements, base.regions)
    before = before_posts(base, checkpoints, settlements, limits, road_km=road_km, rail_km=rail_km)
    pairs, snaps = before.pairs, before.snaps
    tables, connectors = connect_checkpoints(before.tables, checkpoints[before.alone], base.border, limits)
    links = with_costs(tables.links, domestic_wait)
    network = Network(
        nodes=tables.nodes,
        links=links,
        crs=tables.crs,
        crossings=_crossing_points(links, tables, before.crossings),
        checkpoints=_joined(checkpoints, pairs, connectors, base.regions),
        settlements=settlements.assign(**{str(c): snaps[c].to_numpy() for c in snaps}),
        base=base,
        limits=limits,
        report=dict(base.report),
        road_km=road_km,
        rail_km=rail_km,
        domestic_wait=tuple(domestic_wait),
    )
    network.report.update(_report(network))
    doubtful = _doubtful(base.tables, network.checkpoints, pairs)
    network.report.update(doubtful)
    network.checkpoints.loc[network.checkpoints["checkpoint_id"].isin(doubtful["checkpoints_apart"]), "joined_by"] = (
        "island"
    )
    return network


@dataclass(frozen=True)
class BeforePosts:
    """A network with gates and settlements, before its posts on connectors, which split roads.

    Attributes
    ----------
    tables, crossings
        Nodes and links so far; the crossings of the data.
    pairs
        Checkpoints at crossings, see `network.border.match_checkpoints`.
    snaps
        Where each settlement joins.
    alone
        Per checkpoint, whether it is left to connectors.
    """

    tables: Tables
    crossings: pd.DataFrame
    pairs: pd.DataFrame
    snaps: pd.DataFrame
    alone: NDArray[np.bool_]


def before_posts(
    base: Base,
    checkpoints: gpd.GeoDataFrame,
    settlements: gpd.GeoDataFrame,
    limits: ConnectorLimits,
    *,
    road_km: float,
    rail_km: float,
) -> BeforePosts:
    """Return a network up to its posts on connectors; see `build_network`.

    Settlements come before these posts: where one joins must not hang on the list of checkpoints.
    """
    # A planned post may have an access road of its own: it takes no crossing that is there.
    own = checkpoints["own_road"].to_numpy(bool) if "own_road" in checkpoints else np.zeros(len(checkpoints), bool)
    pairs = match_checkpoints(base.tables, checkpoints[~own], road_km=road_km, rail_km=rail_km)
    barred = checkpoints["checkpoint_id"][
        ~own & on_shut_roads(base.closed_lines, base.tables.crs, checkpoints, pairs, road_km)
    ]
    pairs = pairs[~pairs["checkpoint_id"].isin(barred)]
    tables, crossings = open_gates(base.tables, base.crossings, pairs, checkpoints)
    tables, snaps = connect_settlements(tables, settlements, base.border, limits, stations=base.stations)
    joined = checkpoints["checkpoint_id"].isin([*pairs["checkpoint_id"], *barred])
    alone = (checkpoints["mode"] == "road") & ~joined
    return BeforePosts(tables, crossings, pairs, snaps, alone.to_numpy(bool))


def _placed(settlements: gpd.GeoDataFrame, regions: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Return the settlements of the two countries with side, region and its name.

    A generalised line leaves places near it on the wrong side; the country that the source states decides.
    """
    countries = regions.drop_duplicates("side").set_index("side")["country"]
    side = settlements["country"].map({country: side for side, country in countries.items()})
    frame = settlements[side.notna()].assign(side=side[side.notna()]).reset_index(drop=True)
    xy = shapely.get_coordinates(frame.geometry.to_numpy())
    row = np.full(len(frame), -1)
    for s in SIDES:
        own = regions[regions["side"] == s].reset_index()
        own_side = np.flatnonzero(frame["side"] == s)
        found = region_of(xy[own_side], own, 3 * COAST_KM)
        row[own_side] = np.append(own["index"].to_numpy(), -1)[found]
    codes, names = (np.append(regions[c].to_numpy(dtype=object), "") for c in ("region", "name"))
    return frame.assign(region=codes[row], region_name=names[row])


def _joined(
    checkpoints: gpd.GeoDataFrame, pairs: pd.DataFrame, connectors: pd.DataFrame, regions: gpd.GeoDataFrame
) -> gpd.GeoDataFrame:
    """Return the checkpoints with what joined them to the network, how far it was, and region codes of the layer."""
    frame = checkpoints.reset_index(drop=True).copy()
    rounded = pairs.assign(km=pairs["match_km"].round(1))
    by_pair = rounded.groupby("checkpoint_id").agg(
        match_km=("match_km", "max"), crossings=("crossing_id", tuple), crossings_km=("km", tuple)
    )
    linked = (
        connectors.set_index("checkpoint_id")
        if len(connectors)
        else pd.DataFrame(columns=["joined", "connector_a_km", "connector_b_km"])
    )
    ids = frame["checkpoint_id"]
    by_connector = ids.isin(linked.index[linked["joined"].astype(bool)])
    far = ids.isin(linked.index[linked[["connector_a_km", "connector_b_km"]].notna().all(axis=1)]) & ~by_connector
    kinds = ["crossing", "connector", "not modelled"]
    frame["joined_by"] = np.select([ids.isin(by_pair.index), by_connector, far], kinds, "nothing")
    frame["match_km"] = ids.map(by_pair["match_km"]).astype(float)
    for column in ("crossings", "crossings_km"):
        frame[column] = lists_of(ids, by_pair[column])
    for column in ("connector_a_km", "connector_b_km"):
        frame[column] = ids.map(linked[column]).astype(float)
    xy = shapely.get_coordinates(frame.geometry.to_numpy())
    for side in SIDES:
        # A post stands on either side of a generalised line, a station well inside: nearest region of the side.
        own = regions[regions["side"] == side].reset_index(drop=True)
        nearest = own["region"].to_numpy(dtype=object)[own.sindex.nearest(shapely.points(xy), return_all=False)[1]]
        stated = frame[f"region_{side}"]
        frame[f"region_{side}"] = np.where(stated.isin(own["region"]), stated, nearest)
    return with_status(frame)


def with_status(checkpoints: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Return the checkpoints with ``status`` (open or closed) and ``class`` (the mode where open)."""
    is_open = checkpoints["open"].astype(bool)
    return checkpoints.assign(
        **{
            "status": np.where(is_open, "open", "closed"),
            "class": np.where(is_open, checkpoints["mode"] + " open", "closed"),
        }
    )


def _crossing_points(links: pd.DataFrame, tables: Tables, crossings: pd.DataFrame) -> gpd.GeoDataFrame:
    """Return one point per crossing of the data or by connector, with status and checkpoints."""
    over = links[links["crossing"]]
    held = over[over["checkpoint_id"] != ""]
    who = held.groupby("crossing_id")["checkpoint_id"].agg(set).map(sorted).map(tuple)
    gates = held.drop_duplicates("crossing_id")
    extra = gates[~gates["crossing_id"].isin(crossings["crossing_id"])]
    p = tables.nodes[["px", "py"]].to_numpy(float)[extra["u"].to_numpy()]
    added = pd.DataFrame(
        {"crossing_id": extra["crossing_id"].to_numpy(), "mode": "road", "px": p[:, 0], "py": p[:, 1], "links": 0}
    )
    table = pd.concat([t for t in (crossings, added) if len(t)] or [crossings], ignore_index=True)
    passable = over.groupby("crossing_id")["passable"].any()
    table["status"] = np.where(
        table["crossing_id"].map(passable).astype("boolean").fillna(False).astype(bool), "open", "closed"
    )
    table["checkpoints"] = lists_of(table["crossing_id"], who)
    table["by_connector"] = table["links"] == 0
    points = project(
        shapely.points(table.pop("px").to_numpy(float), table.pop("py").to_numpy(float)), tables.crs, WGS84
    )
    return gpd.GeoDataFrame(table, geometry=points, crs=WGS84)


def _report(network: Network) -> dict[str, Any]:
    """Return the counts that a reader needs to judge the network."""
    links, nodes = network.links, network.nodes
    out: dict[str, Any] = {
        "nodes": len(nodes),
        "links": {str(k): int(v) for k, v in links["mode"].value_counts().items()},
    }
    out["components"] = int(np.unique(components(links, len(nodes))[np.unique(links[["u", "v"]])]).size)
    for mode in ("road", "rail"):
        ground = links[(links["mode"] == mode) & (links["kind"] != CONNECTOR)]
        size = (
            np.bincount(components(ground, len(nodes))[np.unique(ground[["u", "v"]])]) if len(ground) else np.array([])
        )
        out[f"{mode}_components"] = [int(s) for s in size[:10]]
    out["crossings_closed"] = sorted(network.crossings.loc[network.crossings["status"] == "closed", "crossing_id"])
    joined = network.checkpoints["joined_by"]
    out["checkpoints_by"] = {str(k): int(v) for k, v in joined.value_counts().items()}
    out["checkpoints_not_modelled"] = sorted(network.checkpoints.loc[joined == "not modelled", "checkpoint_id"])
    out["checkpoints_without_network"] = sorted(network.checkpoints.loc[joined == "nothing", "checkpoint_id"])
    snap = network.settlements["snap_km"]
    out["settlements"] = len(snap)
    out["settlements_beyond_the_road_connector"] = int(snap.isna().sum())
    out["connector_km_median"] = round(float(snap.median()), 2) if snap.notna().any() else None
    return out


def _doubtful(tables: Tables, checkpoints: gpd.GeoDataFrame, pairs: pd.DataFrame) -> dict[str, Any]:
    """Return crossings in pieces of their own, checkpoints that have no other, and those that lead one way only.

    The last are by road.
    """
    lost = sorted(apart(tables, "road") | apart(tables, "rail"))
    good = pairs.loc[~pairs["crossing_id"].isin(lost), "checkpoint_id"]
    rows = np.flatnonzero((tables.links["crossing_id"] != "").to_numpy())
    one_way: list[str] = []
    if len(rows) and len(pairs):
        ways = directions(tables, rows).groupby(tables.links["crossing_id"].to_numpy()[rows]).any()
        have = pairs.merge(ways, left_on="crossing_id", right_index=True).groupby("checkpoint_id")[["ab", "ba"]].any()
        road = set(checkpoints.loc[checkpoints["mode"] == "road", "checkpoint_id"])
        one_way = sorted(set(have.index[~have.all(axis=1)]) & road)
    return {
        "crossings_apart": lost,
        "checkpoints_apart": sorted(set(pairs["checkpoint_id"]) - set(good)),
        "checkpoints_one_way": one_way,
    }


EDGE_COLUMNS = (
    "mode",
    "kind",
    "length_m",
    "time_min",
    "wait_min",
    "speed_kph",
    "speed_source",
    "crossing",
    "crossing_id",
    "checkpoint_id",
    "bridged",
    "length_factor",
    "borderless_min",
    "open_min",
    "actual_min",
    "domestic_min",
)
ABOUT: dict[str, Any] = {"crs": "epsg:4326", "created_with": "borderlink", "simplified": True}
"""Attributes of the graph itself."""
TOLD_COLUMNS = ("surface", "smoothness", "toll", "gauge", "current")
