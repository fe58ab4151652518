"""Disjoint ways between places and the smallest cuts between them.

How many links, nodes, vehicles a day, and at which checkpoints.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from scipy.spatial import cKDTree

from analysis.connectivity.narrows import Narrows, Streets
from analysis.connectivity.pairs import largest_places
from layers.errors import NetworkError
from layers.keeping import kept
from layers.sides import SIDES
from network.build import FIELDS, NETWORKS
from network.modes import MODES

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import geopandas as gpd
    from numpy.typing import NDArray

    from network.build import Network
    from network.modes import Mode

CITY_KM = 10.0
"""Roads that end this near a city's centre lead to the city: an assumption. A settlement hangs on one connector, whose
cut says nothing."""


def city_cuts(
    network: Network,
    origins: Sequence[int] | NDArray[np.int64],
    destinations: Sequence[int] | NDArray[np.int64],
    *,
    mode: Mode = "road",
    on: str = "open",
    radius_km: float = CITY_KM,
    capacity_per_day: pd.Series | None = None,
    checkpoint_capacity_per_day: Mapping[str, float] | None = None,
) -> pd.DataFrame:
    """Return how many ways without a common link or node join each pair of cities, and where they are narrowest.

    By Menger, and Ford and Fulkerson (1956), the number of disjoint ways is the smallest number of links (nodes) whose
    loss parts the two; the vehicles a day that fit through are the smallest sum of capacities that does.

    Parameters
    ----------
    origins, destinations
        Rows of the network's settlements; every pair of them is asked for. A city is all nodes of its side within
        `radius_km`.
    on
        ``borderless``, ``open`` or ``actual``.
    capacity_per_day
        Vehicles a day and direction by row of the network's links; NaN where unknown.
    checkpoint_capacity_per_day
        Vehicles a day and direction by checkpoint, shared evenly by its gates in that direction.

    Returns
    -------
    ``origin``, ``destination`` (settlement_id), ``origin_name``, ``destination_name``, ``origin_region``,
    ``destination_region``; ``edge_disjoint_paths``, ``node_disjoint_paths``; the smallest cut of links:
    ``cut_checkpoints`` (ids) and ``cut_other_links``; ``capacity_vehicles_per_day`` with
    ``capacity_cut_checkpoints`` and ``capacity_known``: ``yes``, ``upper bound`` (links without a capacity count as
    unlimited, and might be narrower) or ``no`` (then NaN: some way has no known capacity at all).

    Notes
    -----
    Of several smallest cuts the one with the most checkpoints is told, and of these the one nearest to the origin.
    Between whole countries the cut is the open checkpoints themselves and says nothing: ask for pairs. Carriageways
    that the data draw apart are two links.

    Examples
    --------
    >>> cities = largest_places(network.settlements, per_region=1)  # doctest: +SKIP
    >>> side = network.settlements["side"].to_numpy()[cities]  # doctest: +SKIP
    >>> city_cuts(network, cities[side == "a"], cities[side == "b"])  # doctest: +SKIP
    """
    table = network.settlements.reset_index(drop=True)
    a, b = np.asarray(origins, np.int64), np.asarray(destinations, np.int64)
    rows = np.unique(np.concatenate([a, b]))
    groups = dict(zip(rows.tolist(), _cities(network, rows, radius_km), strict=True))
    i, j = np.repeat(np.arange(len(a)), len(b)), np.tile(np.arange(len(b)), len(a))
    out = pd.DataFrame()
    for name, column in (("", "settlement_id"), ("_name", "name"), ("_region", "region")):
        values = table[column].to_numpy()
        out[f"origin{name}"], out[f"destination{name}"] = values[a[i]], values[b[j]]
    streets = _streets(network, mode, on, [groups[r] for r in rows.tolist()])
    pairs = list(zip(np.searchsorted(rows, a)[i].tolist(), np.searchsorted(rows, b)[j].tolist(), strict=True))
    capacity = _capacities(network, streets, capacity_per_day, checkpoint_capacity_per_day)
    return pd.concat([out, kept(_cuts, streets, pairs, capacity)], axis=1)


def region_cuts(
    network: Network,
    border: gpd.GeoDataFrame,
    *,
    per_region: int = 3,
    mode: Mode = "road",
    on: str = "open",
    radius_km: float = CITY_KM,
    capacity_per_day: pd.Series | None = None,
    checkpoint_capacity_per_day: Mapping[str, float] | None = None,
) -> pd.DataFrame:
    """Return the same for each pair of regions that face each other: between their largest cities taken together.

    Parameters
    ----------
    border
        From `layers.regions.border_line`.
    per_region
        So many cities stand for a region.

    Returns
    -------
    ``region_a``, ``region_b``, ``cities_a``, ``cities_b`` (numbers) and the columns of `city_cuts`; in the order of the
    border.
    """
    rows = largest_places(network.settlements, per_region=per_region)
    home = network.settlements["region"].to_numpy(dtype=object)[rows]
    cities = _cities(network, rows, radius_km)
    regions = sorted(set(border["region_a"]) | set(border["region_b"]))
    none = np.empty(0, np.int64)
    own = [[c for c, h in zip(cities, home, strict=True) if h == r] for r in regions]
    streets = _streets(network, mode, on, [np.concatenate([none, *c]) for c in own])
    out = pd.DataFrame(border[["region_a", "region_b"]].reset_index(drop=True))
    number = {r: k for k, r in enumerate(regions)}
    for s in SIDES:
        out[f"cities_{s}"] = [len(own[number[r]]) for r in out[f"region_{s}"]]
    pairs = [(number[a], number[b]) for a, b in zip(out["region_a"], out["region_b"], strict=True)]
    capacity = _capacities(network, streets, capacity_per_day, checkpoint_capacity_per_day)
    return pd.concat([out, kept(_cuts, streets, pairs, capacity)], axis=1)


def _cities(network: Network, rows: NDArray[np.int64], radius_km: float) -> list[NDArray[np.int64]]:
    """Return the nodes of each city.

    Those of its side within the radius that lie nearer to no other of them, and its own.
    """
    if not radius_km >= 0:
        raise NetworkError(f"cities of {radius_km:g} km: allowed is 0 or more")
    table = network.settlements.iloc[rows]
    node, side = table["node"].to_numpy(np.int64), table["side"].to_numpy(dtype=object)
    xy = network.nodes[["px", "py"]].to_numpy(float)
    where = network.nodes["side"].to_numpy(dtype=object)
    out = [np.array([k]) for k in node]
    for s in SIDES:
        own_side = np.flatnonzero(side == s)
        there = np.flatnonzero(where == s)
        if not len(own_side) or not len(there):
            continue
        away, which = cKDTree(xy[node[own_side]]).query(xy[there], distance_upper_bound=max(radius_km, 1e-9) * 1000)
        near = np.isfinite(away)
        for k, c in enumerate(own_side):  # cities: dozens
            out[c] = np.union1d(there[near & (which == k)], node[c])
            out[c] = np.setdiff1d(out[c], np.delete(node, c)[np.delete(node, c) != node[c]])
    return out


def _streets(network: Network, mode: Mode, on: str, groups: Sequence[NDArray[np.int64]]) -> Streets:
    """Return the passable arcs of a mode and the groups of nodes that the ways begin and end at."""
    if on not in NETWORKS:
        raise NetworkError(f"network {on!r} is unknown: allowed are {', '.join(NETWORKS)}")
    if mode not in MODES:
        raise NetworkError(f"mode {mode!r} is unknown: allowed are {', '.join(MODES)}")
    links = network.links
    usable = ((links["mode"] == mode) | (mode == "any")).to_numpy(bool) & np.isfinite(links[FIELDS[on]].to_numpy(float))
    rows = np.flatnonzero(usable & (links["u"] != links["v"]).to_numpy(bool))
    u, v = (links[c].to_numpy(np.int64)[rows] for c in ("u", "v"))
    both = ~links["oneway"].to_numpy(bool)[rows]
    link = np.concatenate([rows, rows[both]])
    checkpoint = links["checkpoint_id"].to_numpy(dtype=object)[link]
    tail, head = np.concatenate([u, v[both]]), np.concatenate([v, u[both]])
    part = pd.Index(SIDES).get_indexer(pd.Index(network.nodes["side"]))
    return Streets(tail, head, link, checkpoint, tuple(groups), np.asarray(part, np.int64))


def _capacities(
    network: Network, streets: Streets, links: pd.Series | None, checkpoints: Mapping[str, float] | None
) -> NDArray[np.float64] | None:
    """Return vehicles a day of each arc, NaN where unknown; None where nothing was given."""
    if links is None and checkpoints is None:
        return None
    out = np.full(len(streets.tail), np.nan)
    if links is not None:
        out = links.reindex(network.links.index).to_numpy(float)[streets.link]
    if checkpoints is not None:
        unknown = sorted(set(checkpoints) - set(network.checkpoints["checkpoint_id"]))
        if unknown:
            raise NetworkError(f"capacities of {', '.join(unknown)}: no such checkpoint")
        side = network.nodes["side"].to_numpy(dtype=object)
        key = pd.Series(streets.checkpoint) + " " + side[streets.tail]
        given = pd.Series(streets.checkpoint).map(dict(checkpoints)).astype(float) / key.map(key.value_counts())
        out = given.where(given.notna(), pd.Series(out)).to_numpy(float)
    if (out < 0).any():
        raise NetworkError("a capacity is negative: allowed is 0 or more, and NaN for unknown")
    return out


def _cuts(streets: Streets, pairs: Sequence[tuple[int, int]], capacity: NDArray[np.float64] | None) -> pd.DataFrame:
    """Return disjoint ways and smallest cuts of pairs of groups."""
    by_link, by_vehicle = Narrows.of(streets), None if capacity is None else Narrows.of(streets, capacity)
    rows = []
    for a, b in pairs:  # a flow each, on a graph that is compiled once
        links, ids, others = by_link.smallest_cut(a, b)
        row: dict[str, object] = {
            "edge_disjoint_paths": links,
            # Ways without a common node have no common link either: of one way, or none, there is nothing to search.
            "node_disjoint_paths": links if links <= 1 else float(by_link.ways_apart(a, b, most=int(links))),
            "cut_checkpoints": tuple(ids),
            "cut_other_links": others,
        }
        if by_vehicle is not None and capacity is not None:
            vehicles, narrow, _ = by_vehicle.smallest_cut(a, b)
            known = "no" if np.isnan(vehicles) else "yes" if not np.isnan(capacity).any() else "upper bound"
            row |= {
                "capacity_vehicles_per_day": vehicles,
                "capacity_cut_checkpoints": tuple(narrow),
                "capacity_known": known,
            }
        rows.append(row)
    return pd.DataFrame(rows)
