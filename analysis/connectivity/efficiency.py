"""Efficiency of a network, global and local, and that of trips from each place.

After Latora and Marchiori; for trips, Gutiérrez and the JRC.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from layers.crs import geodesic_m
from layers.errors import NetworkError
from layers.keeping import kept, kept_as
from network.arcs import and_back, arc_keys, found_in
from network.build import FIELDS, NETWORKS

if TYPE_CHECKING:
    from collections.abc import Sequence

    import geopandas as gpd
    from numpy.typing import NDArray
    from scipy.sparse import csr_array

    from network.routing import Router

REFERENCE_KPH = 100.0
"""Speed of the ideal straight road: the fastest class of `network.speeds.ROAD_KPH`, so that no trip beats it. An
assumption; it cancels in every ratio of two efficiencies."""
MIN_KM = 10.0
"""Pairs nearer than this have no say in `place_efficiency`: their ways are connectors for the most part. An
assumption."""
CHUNK = 256


def global_efficiency(minutes: NDArray[np.float64]) -> float:
    """Return E = Σ_{i≠j} (1/t_ij) / (N(N − 1)), 1/min (Latora and Marchiori 2001).

    A pair without a way adds 0, so no pair is lost. Pairs without distance (two places at one node) are left out of the
    sum and of the number.

    Parameters
    ----------
    minutes
        Shape (N, N); NaN or infinity where there is no way. Any cost does: 1 per link gives networkx's
        `global_efficiency`, which knows no weights.

    Returns
    -------
    NaN where no pair is left.

    Examples
    --------
    Three places in a row, 10 min apart:

    >>> t = np.array([[0.0, 10, 20], [10, 0, 10], [20, 10, 0]])
    >>> round(global_efficiency(t), 6)
    0.083333
    """
    apart = ~np.eye(len(minutes), dtype=bool) & ~(minutes == 0)
    if not apart.any():
        return float("nan")
    return float(_inverse(minutes[apart]).mean())


def _inverse(minutes: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return 1/t, 0 where there is no way."""
    there = np.isfinite(minutes) & (minutes > 0)
    return np.divide(1.0, minutes, out=np.zeros(np.shape(minutes)), where=there)


def local_efficiency(
    graph: csr_array,
    *,
    lonlat: NDArray[np.float64] | None = None,
    reference_kph: float = REFERENCE_KPH,
    nodes: NDArray[np.bool_] | None = None,
) -> NDArray[np.float64]:
    """Return for each node the efficiency among its neighbours once it is gone, in 1/unit of the weights.

    E(G_i) = Σ_{j≠k} (1/d_jk) / (k_i(k_i − 1)) over the k_i neighbours of i, with d_jk the shortest way that uses
    neighbours of i alone (Latora and Marchiori 2001: the subgraph that the neighbours induce). The network's local
    efficiency is the mean over nodes. A neighbour is joined in either direction.

    Parameters
    ----------
    graph
        n × n weights, zero or more, of a directed graph.
    lonlat
        Where the nodes are, shape (n, 2). With it the value is E(G_i) over that of straight roads between the same
        neighbours at `reference_kph`, 0 to 1 for weights in minutes: Latora and Marchiori's own scaling. Without,
        metres-long links rule the mean.
    nodes
        Of which nodes the value is wanted, 0 for the others; of all where None.

    Returns
    -------
    0 for nodes with fewer than two neighbours, as networkx's `local_efficiency` has it, which knows no weights.

    Examples
    --------
    Three places, 10 min from each other: without one the two others still have their link.

    >>> from scipy.sparse import csr_array
    >>> local_efficiency(csr_array(10.0 * (1 - np.eye(3)))).round(6).tolist()
    [0.1, 0.1, 0.1]
    """
    n = graph.shape[0]
    key, value = arc_keys(graph), graph.data.astype(float)
    if (np.diff(key) <= 0).any():  # in no order, or an arc twice
        key, at = np.unique(key, return_index=True)
        value = value[at]
    both = and_back(key, n)
    both = both[both // n != both % n]
    first = np.searchsorted(both // n, np.arange(n + 1))
    degree = np.diff(first) if nodes is None else np.where(nodes, np.diff(first), 0)
    out = np.zeros(n)
    for k in np.unique(
        degree[degree >= 2]
    ):  # nodes of one degree at once: a road junction has seldom more than six arms
        for some in np.array_split(np.flatnonzero(degree == k), int((degree == k).sum() * k * k // 10**7) + 1):
            around = both[first[some][:, None] + np.arange(k)] % n
            pair = around[:, :, None] * n + around[:, None, :]
            spot, known = found_in(key, pair)
            time = np.full(pair.shape, np.inf)
            time[known] = value[spot[known]]
            time[:, np.arange(k), np.arange(k)] = 0.0
            for middle in range(k):  # Floyd and Warshall on all the small tables
                np.minimum(time, time[:, :, middle, None] + time[:, None, middle], out=time)
            real = _inverse(time)
            if lonlat is None:
                out[some] = real.sum(axis=(1, 2)) / (k * (k - 1))
                continue
            x, y = lonlat[around, 0], lonlat[around, 1]
            metres = geodesic_m(x[:, :, None], y[:, :, None], x[:, None], y[:, None])
            ideal = _inverse(metres / 1000 / reference_kph * 60)
            best = ideal.sum(axis=(1, 2))
            out[some] = np.where(ideal > 0, real, 0.0).sum(axis=(1, 2)) / np.where(best > 0, best, 1.0)
    return out


def graph_efficiency(
    router: Router, *, networks: Sequence[str] = NETWORKS, roots: int | None = None, seed: int = 0
) -> pd.DataFrame:
    """Return the efficiency of the whole network of a mode, all its nodes to all, on each of the three networks.

    Parameters
    ----------
    roots
        Grow trees from so many nodes only, drawn at random without replacement; the sums over roots stand for all.
        None: all nodes, exact, a tree each.
    seed
        Of the draw, which depends on where the nodes lie and not on their order.

    Returns
    -------
    ``network``, ``nodes``, ``roots``, ``global_efficiency_per_min`` (`global_efficiency`), ``ideal_efficiency_per_min``
    (the same nodes by straight roads at 100 km/h), ``relative_efficiency`` = global over ideal (0 to 1),
    ``local_relative_efficiency``, the mean of `local_efficiency` scaled to straight roads. Nodes of one spot (the posts
    of a gate) are no pair. What is sampled has its standard error beside it (``_se``), that of a ratio of means over
    roots (Cochran 1977, 2.11 and 6.4): 0 where all nodes are roots, NaN of a single one.
    """
    n = len(router.nodes)
    lonlat = router.network.nodes[["x", "y"]].to_numpy(float)[router.nodes]
    at = _drawn(lonlat, router.side, roots, seed)
    ideal, pairs, apart = kept(_straight_sums, lonlat, at)
    kinds = router.network.nodes["kind"].to_numpy(dtype=object)[router.nodes]
    real = {
        name: kept_as(
            "graph_efficiency", [router.costs[FIELDS[name]], kinds, at, apart], partial(_sums, router, at, name, apart)
        )
        for name in networks
    }
    out = pd.DataFrame({"network": list(networks), "nodes": n, "roots": len(at)})
    for column, parts in (
        ("global_efficiency_per_min", [(real[name], pairs) for name in networks]),
        ("ideal_efficiency_per_min", [(ideal, pairs)] * len(networks)),
        ("relative_efficiency", [(real[name], ideal) for name in networks]),
    ):
        found = [_ratio_of_means(part, whole, n) for part, whole in parts]
        stem = column.removesuffix("_per_min")
        out[column] = [ratio for ratio, _ in found]
        out[f"{stem}_se{column[len(stem) :]}"] = [error for _, error in found]
    local: list[NDArray[np.float64]] = []
    for name in networks:
        graph = router.costs[FIELDS[name]]
        if not local:
            first, values = graph, kept(local_efficiency, graph, lonlat=lonlat)
        else:
            # The networks differ at the border alone: elsewhere a node's neighbours are the same.
            near = _beside_other_arcs(first, graph)
            values = np.where(near, local_efficiency(graph, lonlat=lonlat, nodes=near), local[0])
        local.append(values)
    return out.assign(local_relative_efficiency=[float(values.mean()) for values in local])


def _straight_sums(
    lonlat: NDArray[np.float64], at: NDArray[np.int64]
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.uint8]]:
    """Return for each root the sum over all nodes by straight roads, how many lie apart from it, and which, as bits."""
    ideal, pairs, apart = np.zeros(len(at)), np.zeros(len(at)), []
    for start in range(0, len(at), CHUNK):  # rows held at once
        some = slice(start, start + CHUNK)
        straight = _inverse(ideal_minutes(lonlat[at[some]], lonlat))
        ideal[some], pairs[some] = straight.sum(axis=1), (straight > 0).sum(axis=1)
        apart.append(np.packbits(straight > 0, axis=1))
    return ideal, pairs, np.concatenate(apart)


def _sums(router: Router, at: NDArray[np.int64], name: str, apart: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Return for each root the sum over all nodes that lie apart from it on one network."""
    out = np.zeros(len(at))
    for start in range(0, len(at), CHUNK):  # trees held at once
        some = slice(start, start + CHUNK)
        minutes = router.trees(router.nodes[at[some]], FIELDS[name])
        there = np.unpackbits(apart[some], axis=1, count=minutes.shape[1]).astype(bool)
        out[some] = np.where(there, _inverse(minutes), 0.0).sum(axis=1)
    return out


def _beside_other_arcs(one: csr_array, two: csr_array) -> NDArray[np.bool_]:
    """Return which nodes lie at an arc that one of two graphs has alone, or at another cost, or beside such a node."""
    ends = np.zeros(one.shape[0], bool)
    keys = [arc_keys(graph) for graph in (one, two)]
    for own, other, own_cost, other_cost in ((*keys, one.data, two.data), (*keys[::-1], two.data, one.data)):
        at, same = found_in(other, own)
        same[same] = other_cost[at[same]] == own_cost[same]
        ends[own[~same] // one.shape[0]] = ends[own[~same] % one.shape[0]] = True
    out = ends.copy()
    for graph in (one, two):
        arcs = graph.tocoo()
        out[arcs.col[ends[arcs.row]]] = out[arcs.row[ends[arcs.col]]] = True
    return out


def _drawn(lonlat: NDArray[np.float64], side: NDArray[np.object_], roots: int | None, seed: int) -> NDArray[np.int64]:
    """Return the nodes that are roots, sorted: all, or so many drawn from them in the order of their places."""
    n = len(lonlat)
    if roots is None or roots >= n:
        return np.arange(n)
    placed = np.lexsort((side.astype(str), lonlat[:, 1], lonlat[:, 0]))
    return np.sort(placed[np.random.default_rng(seed).choice(n, roots, replace=False)])


def _ratio_of_means(part: NDArray[np.float64], whole: NDArray[np.float64], n: int) -> tuple[float, float]:
    """Return Σ part / Σ whole over a sample of n units without replacement, and its standard error by linearisation."""
    m, mean = len(part), float(whole.mean()) if len(whole) else 0.0
    if not mean > 0:
        return float("nan"), float("nan")
    ratio = float(part.sum() / whole.sum())
    if m == n:
        return ratio, 0.0
    if m < 2:
        return ratio, float("nan")
    residual = part - ratio * whole
    return ratio, float(np.sqrt((1 - m / n) / m * (residual**2).sum() / (m - 1)) / mean)


def ideal_minutes(
    origins: NDArray[np.float64], targets: NDArray[np.float64], *, reference_kph: float = REFERENCE_KPH
) -> NDArray[np.float64]:
    """Return t* = geodesic / reference speed in minutes between longitudes and latitudes, shape (origins, targets).

    Raises
    ------
    NetworkError
        The speed is not positive.
    """
    if not reference_kph > 0:
        raise NetworkError(f"a reference speed of {reference_kph:g} km/h: allowed is more than 0")
    a, b = np.asarray(origins, float), np.asarray(targets, float)
    return geodesic_m(a[:, None, 0], a[:, None, 1], b[None, :, 0], b[None, :, 1]) / 1000 / reference_kph * 60


def pairs_efficiency(pairs: pd.DataFrame, *, reference_kph: float = REFERENCE_KPH) -> pd.DataFrame:
    """Return the global efficiency among places: of each region's domestic pairs and of its pairs across the border.

    Parameters
    ----------
    pairs
        From `analysis.connectivity.pairs.place_pairs`.

    Returns
    -------
    ``region`` (``all`` for the whole), ``kind`` (``domestic``, ``cross``), ``pairs``, and per network
    ``efficiency_<network>_per_min`` = mean of 1/t (0 for a pair without a way) and ``relative_<network>`` = it over
    that of straight roads at the reference speed (0 to 1).
    """
    if not reference_kph > 0:
        raise NetworkError(f"a reference speed of {reference_kph:g} km/h: allowed is more than 0")
    table = pairs[pairs["geodesic_km"] > 0]
    values = pd.DataFrame({"ideal": reference_kph / 60 / table["geodesic_km"]})
    for n in NETWORKS:
        values[n] = _inverse(table[f"time_{n}_min"].to_numpy(float))
    values["kind"] = np.where(table["kind"] == "cross", "cross", "domestic")
    ends = [values.assign(region=table[f"{end}_region"]) for end in ("origin", "destination")]
    once = ends[1][(table["origin_region"] != table["destination_region"]).to_numpy(bool)]
    by = pd.concat([values.assign(region="all"), ends[0], once]).groupby(["region", "kind"], sort=True)
    mean = by[["ideal", *NETWORKS]].mean()
    out = by.size().rename("pairs").to_frame()
    for n in NETWORKS:
        out[f"efficiency_{n}_per_min"] = mean[n]
        out[f"relative_{n}"] = mean[n] / mean["ideal"]
    return out.reset_index()


def place_efficiency(
    settlements: gpd.GeoDataFrame,
    router: Router,
    origins: NDArray[np.int64] | Sequence[int],
    targets: NDArray[np.int64] | Sequence[int],
    *,
    reference_kph: float = REFERENCE_KPH,
    min_km: float = MIN_KM,
) -> pd.DataFrame:
    """Return the network efficiency of places, at home and across the border, on the three networks.

    NE_i = Σ_j (t_ij / t*_ij)·P_j / Σ_j P_j with t* = geodesic / reference speed (Gutiérrez, Monzón and Piñero 1998;
    Christodoulou and Christidis 2019): how many times longer than by a straight fast road a trip takes, 1 or more, the
    smaller the better. Unlike a potential it does not punish a place for being far away.

    Parameters
    ----------
    origins, targets
        Rows of the network's settlements; targets weigh by their people.
    min_km
        Targets nearer than this are left out.

    Returns
    -------
    ``settlement_id``, ``name``, ``side``, ``region``, ``population``; per network ``ne_domestic_<network>``,
    ``ne_cross_<network>`` and ``ne_ratio_<network>`` = cross over domestic (above 1: the network serves trips abroad
    worse); ``reached_domestic_share``, ``reached_cross_share`` of the targets' people. The three networks share one set
    of targets, those reached in all: so borderless ≤ open ≤ actual. No wait is charged at home. NaN where no target is
    reached.
    """
    table = settlements.reset_index(drop=True)
    start, end = table.iloc[np.asarray(origins, np.int64)], table.iloc[np.asarray(targets, np.int64)]
    out = pd.DataFrame(start[["settlement_id", "name", "side", "region", "population"]].reset_index(drop=True))
    spots = [np.column_stack([t.geometry.x.to_numpy(), t.geometry.y.to_numpy()]) for t in (start, end)]
    ideal = ideal_minutes(*spots, reference_kph=reference_kph)
    people = end["population"].to_numpy(float)
    from_node, to_node = start["node"].to_numpy(np.int64), end["node"].to_numpy(np.int64)
    times = {n: router.table(from_node, to_node, FIELDS[n]) for n in NETWORKS}
    home = start["side"].to_numpy(dtype=object)[:, None] == end["side"].to_numpy(dtype=object)[None]
    times["actual"] = np.where(home, times["open"], times["actual"])
    far = ideal * reference_kph / 60 >= max(min_km, 1e-9)
    reached = far & np.isfinite(times["actual"])
    for what, mask in (("domestic", home), ("cross", ~home)):
        use = mask & reached
        weight = (use * people).sum(axis=1)
        for n in NETWORKS:
            ratio = np.divide(times[n], ideal, out=np.zeros(ideal.shape), where=use)
            out[f"ne_{what}_{n}"] = _share((ratio * people).sum(axis=1), weight)
        out[f"reached_{what}_share"] = _share(weight, ((mask & far) * people).sum(axis=1))
    for n in NETWORKS:
        out[f"ne_ratio_{n}"] = out[f"ne_cross_{n}"] / out[f"ne_domestic_{n}"]
    return out


def _share(part: NDArray[np.float64], whole: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return part over whole, NaN where the whole is nothing."""
    return np.asarray(np.divide(part, whole, out=np.full(len(part), np.nan), where=whole > 0), float)


def efficiency_of_regions(places: pd.DataFrame) -> pd.DataFrame:
    """Return `place_efficiency` by region, means weighted by people.

    ``region``, ``places`` and the same ``ne_`` columns.

    Ratios are those of the means. A place without a value on one of the columns has no say in that column.
    """
    columns = [c for c in places if str(c).startswith("ne_") and "ratio" not in str(c)]
    weight = places["population"].astype(float)
    out = places.groupby("region", sort=True).size().rename("places").to_frame()
    for column in columns:
        known = weight.where(places[column].notna(), 0.0)
        total = known.groupby(places["region"]).sum()
        out[column] = (places[column] * weight).fillna(0.0).groupby(places["region"]).sum() / total.where(total > 0)
    for n in NETWORKS:
        out[f"ne_ratio_{n}"] = out[f"ne_cross_{n}"] / out[f"ne_domestic_{n}"]
    return out.reset_index()
