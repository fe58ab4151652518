"""The best checkpoints of each pair of cities, one after the other, and what the second best costs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from scipy.sparse.csgraph import dijkstra

from layers.errors import NetworkError
from network.build import FIELDS
from network.overlay import build_overlay
from network.routing import arcs_table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from network.build import Network
    from network.overlay import Overlay
    from network.routing import Router
from network.modes import Mode

HOME = FIELDS["open"]


def checkpoint_alternatives(
    network: Network,
    origins: Sequence[int] | NDArray[np.int64],
    destinations: Sequence[int] | NDArray[np.int64],
    *,
    k: int = 3,
    mode: Mode = "road",
) -> pd.DataFrame:
    """Return the k best ways of each pair of cities through different checkpoints, the best first.

    A way goes at home to a checkpoint, through it with its wait, and at home on the other side:
    t_k = t(i, post) + δ_k + t(post, j), as `analysis.trips.demand.ModeTimes.through` has it; of several crossings that
    a checkpoint holds the quickest.

    Parameters
    ----------
    origins, destinations
        Rows of the network's settlements on side a and side b (or the other way round); every pair of them is asked
        for.
    k
        Checkpoints per pair at the most.

    Returns
    -------
    ``origin``, ``destination`` (settlement_id), ``origin_name``, ``destination_name``, ``origin_region``,
    ``destination_region``, ``rank`` from 1, ``checkpoint_id``, ``time_min`` (wait included), ``wait_min``,
    ``extra_min`` over the best, ``length_km`` of the way. Pairs in the order given; equal times in the order of ids. A
    pair without a way has no row.

    Raises
    ------
    NetworkError
        k is below 1.

    Examples
    --------
    >>> cities = largest_places(network.settlements, per_region=1)  # doctest: +SKIP
    >>> side = network.settlements["side"].to_numpy()[cities]  # doctest: +SKIP
    >>> checkpoint_alternatives(network, cities[side == "a"], cities[side == "b"])  # doctest: +SKIP
    """
    if k < 1:
        raise NetworkError(f"{k} alternatives: allowed is 1 or more")
    table = network.settlements.reset_index(drop=True)
    a, b = np.asarray(origins, np.int64), np.asarray(destinations, np.int64)
    node = table["node"].to_numpy(np.int64)
    overlay = build_overlay(network, mode)
    gates = _gates(network, overlay)
    there, back = overlay.to_posts(node[a]), overlay.from_posts(node[b])
    ids = sorted(set(gates["checkpoint_id"]))
    best = np.full((len(ids), len(a), len(b)), np.inf)
    gate = np.zeros(best.shape, np.int64)
    for row, (checkpoint, tail, head, cost) in enumerate(
        gates[["checkpoint_id", "tail", "head", "cost"]].itertuples(index=False)
    ):  # gates: dozens; whole tables at each
        at = ids.index(checkpoint)
        minutes = there[:, tail, None] + cost + back[None, head]
        gate[at][minutes < best[at]] = row
        np.minimum(best[at], minutes, out=best[at])
    order = np.argsort(best, axis=0, kind="stable")[:k]
    minutes = np.take_along_axis(best, order, axis=0)
    rank, i, j = np.nonzero(np.isfinite(minutes))
    sort = np.lexsort((rank, j, i))
    rank, i, j = rank[sort], i[sort], j[sort]
    which = order[rank, i, j]
    used = gates.iloc[gate[which, i, j]]
    out = pd.DataFrame()
    for name, column in (("", "settlement_id"), ("_name", "name"), ("_region", "region")):
        values = table[column].to_numpy()
        out[f"origin{name}"], out[f"destination{name}"] = values[a[i]], values[b[j]]
    out["rank"] = rank + 1
    out["checkpoint_id"] = np.array(ids, dtype=object)[which]
    out["time_min"] = minutes[rank, i, j]
    out["wait_min"] = used["wait_min"].to_numpy(float)
    out["extra_min"] = out["time_min"] - minutes.min(axis=0, initial=np.inf)[i, j]
    to_km = _tree_lengths(overlay.home, node[a], overlay.posts) / 1000
    from_km = _tree_lengths(overlay.home, node[b], overlay.posts, reverse=True) / 1000
    tail, head = used["tail"].to_numpy(np.int64), used["head"].to_numpy(np.int64)
    return out.assign(length_km=to_km[i, tail] + used["length_m"].to_numpy(float) / 1000 + from_km[j, head])


def _gates(network: Network, overlay: Overlay) -> pd.DataFrame:
    """Return the overlay's gates that belong to a checkpoint, with the wait and length of their links.

    Of equal ones the cheapest.
    """
    links = network.links[network.links["checkpoint_id"] != ""]
    back = links[~links["oneway"].astype(bool)]
    arcs = pd.concat([links, back.assign(u=back["v"], v=back["u"])])[
        ["u", "v", "checkpoint_id", "actual_min", "wait_min", "length_m"]
    ]
    gates = overlay.gates[overlay.gates["checkpoint_id"] != ""]
    keyed = gates.assign(u=overlay.posts[gates["tail"]], v=overlay.posts[gates["head"]])
    arcs = arcs.rename(columns={"actual_min": "cost"}).drop_duplicates(["u", "v", "checkpoint_id", "cost"])
    found = keyed.merge(arcs, on=["u", "v", "checkpoint_id", "cost"], how="left", validate="m:1")
    return found.sort_values(["checkpoint_id", "cost", "tail", "head"], kind="stable", ignore_index=True)


def _tree_lengths(
    router: Router, roots: NDArray[np.int64], ends: NDArray[np.int64], *, reverse: bool = False
) -> NDArray[np.float64]:
    """Return the metres of the quickest way from roots to ends, or with `reverse` to the roots: shape (roots, ends).

    Of ways equally quick scipy's first found. 0 where a root is an end or there is no way.
    """
    arcs = arcs_table(router, HOME)
    metres = router.network.links["length_m"].to_numpy(float)[arcs["link"].to_numpy()]
    graph, n = router.costs[HOME], len(router.nodes)
    row, column = np.repeat(np.arange(n), np.diff(graph.indptr)), graph.indices.astype(np.int64)
    key = column * n + row if reverse else row * n + column
    order = np.argsort(key)
    key, metres = key[order], metres[order]
    at, to = router.positions(roots), router.positions(ends)
    out = np.zeros((len(at), len(to)))
    i, j = np.nonzero((at >= 0)[:, None] & (to >= 0)[None])
    if not len(i):
        return out
    unique, tree = np.unique(at[at >= 0], return_inverse=True)
    _, before = dijkstra(graph.T.tocsr() if reverse else graph, indices=unique, return_predecessors=True)
    of = np.full(len(at), -1)
    of[at >= 0] = tree.ravel()
    node = to[j]
    while len(i):  # one step towards the roots on all ways at once: as often as the longest has links
        previous = before[of[i], node]
        going = previous >= 0
        i, j, node, previous = i[going], j[going], node[going], previous[going].astype(np.int64)
        out[i, j] += metres[np.searchsorted(key, previous * n + node)]
        node = previous
    return out


def redundancy(alternatives: pd.DataFrame) -> pd.DataFrame:
    """Return for each pair of cities what it costs when its best checkpoint is not to be had.

    Parameters
    ----------
    alternatives
        From `checkpoint_alternatives` with k of 2 or more.

    Returns
    -------
    ``origin``, ``destination``, their names and regions, ``alternatives`` (checkpoints found, k at the most),
    ``best_checkpoint``, ``time_min``, ``second_checkpoint`` (empty where there is none), ``redundancy_min``: extra
    minutes of the second best, NaN where there is none.

    Examples
    --------
    >>> redundancy(checkpoint_alternatives(network, a, b, k=2)).nlargest(10, "redundancy_min")  # doctest: +SKIP
    """
    pair = ["origin", "destination"]
    first = alternatives[alternatives["rank"] == 1].set_index(pair)
    second = alternatives[alternatives["rank"] == 2].set_index(pair)
    out = first[["origin_name", "destination_name", "origin_region", "destination_region"]].copy()
    out["alternatives"] = alternatives.groupby(pair).size()
    out["best_checkpoint"] = first["checkpoint_id"]
    out["time_min"] = first["time_min"]
    out["second_checkpoint"] = second["checkpoint_id"].reindex(out.index).fillna("")
    out["redundancy_min"] = second["extra_min"].reindex(out.index)
    return out.reset_index()


def redundancy_of_regions(pairs: pd.DataFrame) -> pd.DataFrame:
    """Return `redundancy` between each two regions.

    Returns
    -------
    ``region_a``, ``region_b`` (of origin and destination), ``pairs``, ``pairs_without_second``,
    ``redundancy_median_min``, ``redundancy_max_min``, ``best_checkpoint`` (the best of most pairs; of equals the first
    by id) and ``best_checkpoint_share``.
    """
    table = pairs.rename(columns={"origin_region": "region_a", "destination_region": "region_b"})
    by = table.groupby(["region_a", "region_b"], sort=True)
    out = by.size().rename("pairs").to_frame()
    out["pairs_without_second"] = out["pairs"] - by["redundancy_min"].count()
    out["redundancy_median_min"] = by["redundancy_min"].median()
    out["redundancy_max_min"] = by["redundancy_min"].max()
    votes = table.groupby(["region_a", "region_b", "best_checkpoint"], sort=True).size().rename("votes").reset_index()
    most = votes.sort_values("votes", ascending=False, kind="stable").drop_duplicates(["region_a", "region_b"])
    most = most.set_index(["region_a", "region_b"])
    out["best_checkpoint"] = most["best_checkpoint"]
    out["best_checkpoint_share"] = most["votes"] / out["pairs"]
    return out.reset_index()
