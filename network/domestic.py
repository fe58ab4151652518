"""Trips home through the neighbour: which waits they are charged, and the cost field that says so.

Who leaves a country by one post and comes back by another is controlled at both. By road one waits there; a train in
transit that does not stop is passed without. Through a post and back by it is no crossing.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from scipy.sparse import csr_array
from scipy.sparse.csgraph import dijkstra

from network.arcs import arc_keys, found_in
from network.build import DOMESTIC, FIELDS
from network.costs import only, settled, whole
from network.kinds import GATE

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from network.build import Network

BACK_MIN = 120.0
"""A way through a post and back by it that takes longer beyond the line is no detour of the road, but a trip abroad."""

Costs = dict[str, csr_array]
Rows = dict[str, "NDArray[np.int64]"]


def with_domestic(
    network: Network, nodes: NDArray[np.int64], position: NDArray[np.int64], costs: Costs, rows: Rows
) -> tuple[NDArray[np.int64], ...]:
    """Add the cost field of domestic trips to a router's fields; return the ways through a post and back by it.

    The field is one of the others, the same object, where it costs the same. A way through a post and back is an arc of
    its own between two ends of one crossing on one side: it costs its ground alone. Its entry in `rows` is the number
    of links plus its place in what is returned.

    Parameters
    ----------
    nodes, position
        Network nodes of the router's positions, and the other way round.
    costs, rows
        Compiled fields, and the link of each entry; changed in place.

    Returns
    -------
    Rows of the links of each way back, gates included.
    """
    minutes = whole(network.links[DOMESTIC].to_numpy(float)[rows[FIELDS["actual"]]])
    graph, used = costs[FIELDS["actual"]], rows[FIELDS["actual"]]
    if not np.array_equal(minutes, graph.data):
        graph = csr_array((minutes, graph.indices, graph.indptr), shape=graph.shape)
        if same_costs(graph, costs[FIELDS["open"]]):
            graph, used = costs[FIELDS["open"]], rows[FIELDS["open"]]
    tail, head, cost, back = _ways_back(network, nodes, position, costs[FIELDS["open"]], rows[FIELDS["open"]])
    if len(back):
        graph, used = _with_arcs(graph, used, tail, head, cost, len(network.links))
    costs[DOMESTIC], rows[DOMESTIC] = graph, used
    return back


def arcs_at_home(graph: csr_array, side: NDArray[np.object_]) -> NDArray[np.bool_]:
    """Return which arcs of a compiled field do not lead from one side, by position, to the other."""
    code = pd.factorize(side)[0].astype(np.int8)
    return np.asarray(np.repeat(code, np.diff(graph.indptr)) == code[graph.indices], bool)


def at_home(graph: csr_array, side: NDArray[np.object_]) -> csr_array:
    """Return a compiled field without what leads from one side, by position, to the other."""
    return only(graph, arcs_at_home(graph, side))


def same_costs(one: csr_array, two: csr_array) -> bool:
    """Return whether two compiled fields cost the same on every arc."""
    return one is two or (
        one.nnz == two.nnz
        and np.array_equal(one.indptr, two.indptr)
        and np.array_equal(one.indices, two.indices)
        and np.array_equal(one.data, two.data)
    )


def waits_at_home_min(network: Network, rows: NDArray[np.int64]) -> float:
    """Return the minutes of wait on the way of a domestic trip.

    At both posts, unless it turns back by a road as `with_domestic` has it.

    Parameters
    ----------
    rows
        Links of the way in order.
    """
    links = network.links.iloc[rows]
    gates = links[(links["kind"] == GATE).to_numpy()]
    wait = gates["wait_min"].to_numpy(float) * gates["mode"].isin(network.domestic_wait).to_numpy()
    crossing = gates["crossing_id"].to_numpy(dtype=object)
    if len(crossing) % 2:
        # A way that ends abroad is no domestic trip; all its posts count.
        return float(wait.sum())
    since = links["time_min"].to_numpy(float).cumsum()[(links["kind"] == GATE).to_numpy()]
    on_connectors = gates["crossing_id"].str.startswith("connector-").to_numpy(bool)
    turned = (crossing[::2] == crossing[1::2]) & ~on_connectors[::2] & (since[1::2] - since[::2] <= BACK_MIN)
    return float(wait.reshape(-1, 2).sum(axis=1)[~turned].sum())


def _ways_back(
    network: Network,
    nodes: NDArray[np.int64],
    position: NDArray[np.int64],
    open_costs: csr_array,
    open_rows: NDArray[np.int64],
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64], tuple[NDArray[np.int64], ...]]:
    """Return the arcs between ends of one crossing that are shorter beyond the line than at home, with their links."""
    links, side = network.links, network.nodes["side"].to_numpy(dtype=object)
    charged = links["passable"].to_numpy(bool) & (links[DOMESTIC] > links["open_min"]).to_numpy()
    gates = links.loc[charged & (links["kind"] == GATE).to_numpy(), ["u", "v", "crossing_id"]]
    gates = gates[position[gates["u"].to_numpy(np.int64)] >= 0]
    # A turn at a post on connectors follows no road.
    gates = gates[~gates["crossing_id"].str.startswith("connector-")]
    # Parallel gates of several checkpoints at one place are one way through.
    gates = gates.assign(row=gates.index, side=side[gates["u"].to_numpy(np.int64)]).drop_duplicates(["u", "v"])
    gates = gates[gates.duplicated(["crossing_id", "side"], keep=False)]
    nothing = np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0), ()
    if gates.empty:
        return nothing
    there = gates.rename(columns={"u": "out", "v": "over", "row": "row_out"})
    back = links.loc[gates.index, ["u", "v"]].assign(crossing_id=gates["crossing_id"], row_back=gates["row"])
    back = back.rename(columns={"u": "beyond", "v": "home"}).assign(side=side[back["v"].to_numpy(np.int64)])
    pairs = there.merge(back, on=["crossing_id", "side"])
    pairs = pairs[pairs["out"] != pairs["home"]].reset_index(drop=True)
    ground, before, start = _ground(open_costs, side[nodes], position, pairs[["out", "over"]])
    at = {c: position[pairs[c].to_numpy(np.int64)] for c in ("out", "over", "beyond", "home")}
    beyond = ground[start[at["over"]], at["beyond"]]
    at_home = ground[start[at["out"]], at["home"]]
    kept = np.flatnonzero(np.isfinite(beyond) & (beyond < at_home - 1e-9))
    if not len(kept):
        return nothing
    ways = tuple(
        np.concatenate(
            [
                [pairs["row_out"].iloc[k]],
                _links_on(before[start[at["over"][k]]], at["over"][k], at["beyond"][k], open_costs, open_rows),
                [pairs["row_back"].iloc[k]],
            ]
        ).astype(np.int64)
        for k in kept  # a handful: crossings with several ends that are better joined beyond the line
    )
    return at["out"][kept], at["home"][kept], beyond[kept], ways


def _ground(
    graph: csr_array, side: NDArray[np.object_], position: NDArray[np.int64], ends: pd.DataFrame
) -> tuple[NDArray[np.float64], NDArray[np.int64], NDArray[np.int64]]:
    """Return minutes and predecessors from some ends over links that do not cross, and each position's row in them."""
    ground = at_home(graph, side)
    roots = np.unique(position[ends.to_numpy(np.int64)])
    cost, before = dijkstra(ground, indices=roots, limit=BACK_MIN, return_predecessors=True)
    start = np.full(graph.shape[0], -1)
    start[roots] = np.arange(len(roots))
    return settled(cost), before, start


def _links_on(
    before: NDArray[np.int64], begin: int, end: int, graph: csr_array, rows: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Return the links of a way in a tree."""
    hops = [int(end)]
    while hops[-1] != begin:
        hops.append(int(before[hops[-1]]))
    hops.reverse()
    found = []
    for a, b in pairwise(hops):
        found.append(graph.indptr[a] + np.searchsorted(graph.indices[graph.indptr[a] : graph.indptr[a + 1]], b))
    return rows[np.asarray(found, np.int64)]


def _with_arcs(
    graph: csr_array,
    rows: NDArray[np.int64],
    tail: NDArray[np.int64],
    head: NDArray[np.int64],
    cost: NDArray[np.float64],
    links: int,
) -> tuple[csr_array, NDArray[np.int64]]:
    """Return a compiled field with further arcs, the cheapest where there is one already."""
    n, key, new = graph.shape[0], arc_keys(graph), tail * graph.shape[0] + head
    row = links + np.arange(len(new))
    order = np.lexsort((row, cost, new))
    order = order[np.diff(new[order], prepend=-1) != 0]
    new, cost, row = new[order], cost[order], row[order]
    at, known = found_in(key, new)
    data, used = graph.data.copy(), rows.copy()
    cheaper = np.flatnonzero(known)[cost[known] < data[at[known]]]
    data[at[cheaper]], used[at[cheaper]] = cost[cheaper], row[cheaper]
    more, where = ~known, at[~known]
    begins, ends = np.divmod(new[more], n)
    indptr = (graph.indptr + np.searchsorted(begins, np.arange(n + 1))).astype(np.int32)
    indices = np.insert(graph.indices, where, ends).astype(np.int32)
    out = csr_array((np.insert(data, where, cost[more]), indices, indptr), shape=graph.shape)
    return out, np.insert(used, where, row[more])
