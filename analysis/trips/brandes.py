"""Brandes' accumulation with demand on a weighted graph: trips over all shortest paths, whole columns at a time.

After Brandes (2001; 2008 for subsets of sources and targets). Most nodes of a road network can't turn a trip: dead ends
go and chains become one arc first, so that trees grow over junctions alone.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.sparse import csr_array
from scipy.sparse.csgraph import dijkstra

from layers.errors import NetworkError
from layers.keeping import kept_as, key_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

TIE = 2e-10
"""Two ways are equally short where they differ by no more than this share of the way: igraph's rule (1e-10 of the sum
of both). Sums of one set of numbers in another order differ by 1e-13."""
CHUNK_NODES = 1 << 22
FEW = 8


def od_betweenness(
    graph: csr_array,
    sources: NDArray[np.int64],
    targets: NDArray[np.int64],
    trips: NDArray[np.float64],
    *,
    again: bool = False,
) -> tuple[NDArray[np.float64], NDArray[np.float64], float]:
    """Return trips per entry of a weighted directed graph, trips through each node, and trips that found a way.

    Trips are split over all shortest paths. Two ways are equally short where they differ by less than 2e-10 of the way
    (`TIE`); a link without cost is walked only where it reaches a node sooner than any other way does.

    Parameters
    ----------
    graph
        n × n, weights zero or more, at most one entry for a pair; stored zeros are links without cost.
    sources, targets
        Nodes, k and m of them.
    trips
        Shape (k, m). A trip from a node to itself uses nothing.
    again
        Other trips will be sent over this graph between these places: junctions and trees are kept for them.

    Raises
    ------
    NetworkError
        A weight or a trip is negative or not finite, or more paths tie than a double can count (1e308).

    Notes
    -----
    networkx's `edge_betweenness_centrality_subset` (3.6) is equal where paths do not tie; where they do it parts what
    passes a node evenly among the links before it and not by their numbers of paths. Its node version and igraph do as
    here.

    Examples
    --------
    Two ways of equal length around a square: each carries half.

    >>> square = csr_array(([1.0, 1.0, 1.0, 1.0], ([0, 0, 1, 2], [1, 2, 3, 3])), shape=(4, 4))
    >>> arcs, through, served = od_betweenness(square, np.array([0]), np.array([3]), np.array([[10.0]]))
    >>> arcs.tolist(), through.tolist(), served
    ([5.0, 5.0, 5.0, 5.0], [0.0, 5.0, 5.0, 0.0], 10.0)
    """
    if not ((graph.data >= 0) & np.isfinite(graph.data)).all() or not ((trips >= 0) & np.isfinite(trips)).all():
        raise NetworkError("a weight or a number of trips is negative or not finite: allowed is 0 or more")
    n = graph.shape[0]
    turn = len(np.unique(targets)) < len(np.unique(sources))
    if turn:  # trees grow from the shorter list, against the arcs
        sources, targets, trips = targets, sources, trips.T
    roots, places, demand = _demand(sources, targets, trips)
    ends = np.unique(np.concatenate([roots, places]))
    content = key_of(graph, ends, turn) if again else ""
    small: _Small = kept_as("brandes.small", content, lambda: _reduce(graph, ends)) if again else _reduce(graph, ends)
    if turn:
        small = replace(small, tail=small.head, head=small.tail)
    flow = np.zeros(len(small.tail))
    ended = np.zeros(n)
    served = 0.0
    step = max(1, CHUNK_NODES // max(len(small.nodes), 1))
    for start in range(0, len(roots), step):  # as many trees as fit into memory
        some = slice(start, start + step)
        wanted = np.zeros((len(roots[some]), len(small.nodes)))
        wanted[:, np.searchsorted(small.nodes, places)] = demand[some]
        carried, kept = _accumulate(small, np.searchsorted(small.nodes, roots[some]), wanted, content)
        flow += carried
        ended[small.nodes] += kept.sum(axis=0)
        served += float(kept.sum())
    arcs = np.asarray(np.bincount(small.part, flow[small.whole], minlength=graph.nnz), float)
    into = np.repeat(np.arange(n), np.diff(graph.indptr)) if turn else graph.indices
    through = np.asarray(np.bincount(into, arcs, minlength=n) - ended, float)
    # What ends is taken from what arrives: a rest of rounding is no trip.
    return arcs, np.where(through > 1e-12 * max(served, 1e-300), through, 0.0), served


def _demand(
    sources: NDArray[np.int64], targets: NDArray[np.int64], trips: NDArray[np.float64]
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]:
    """Return the distinct sources, the distinct targets, and the trips between them; none to the source itself."""
    roots, row = np.unique(np.asarray(sources, np.int64), return_inverse=True)
    places, column = np.unique(np.asarray(targets, np.int64), return_inverse=True)
    demand = np.zeros((len(roots), len(places)))
    np.add.at(demand, (row.ravel()[:, None], column.ravel()[None]), trips)
    demand[roots[:, None] == places] = 0.0
    some = demand.any(axis=0)
    return roots, places[some], demand[:, some]


@dataclass(frozen=True)
class _Small:
    """A graph without dead ends and chains: arcs between kept nodes (`tail`, `head` are positions in `nodes`).

    Entry `part[i]` of the whole graph is a piece of the arc `whole[i]`.
    """

    nodes: NDArray[np.int64]
    tail: NDArray[np.int64]
    head: NDArray[np.int64]
    weight: NDArray[np.float64]
    whole: NDArray[np.signedinteger[Any]]
    part: NDArray[np.signedinteger[Any]]


def _reduce(graph: csr_array, terminals: NDArray[np.int64]) -> _Small:
    """Return the graph cut down to what can turn a trip between terminals; times between them stay the same.

    A node with one neighbour is a dead end; one with two is inside a chain, whichever directions are open.
    """
    n = graph.shape[0]
    tail, head = np.repeat(np.arange(n), np.diff(graph.indptr)), graph.indices.astype(np.int64)
    entry = np.flatnonzero(tail != head)
    # Both directions of every joined pair, the missing one at infinite cost; `back` is the opposite of each.
    key = np.concatenate([tail[entry] * n + head[entry], head[entry] * n + tail[entry]])
    key, first = np.unique(key, return_index=True)
    part = np.where(first < len(entry), np.append(entry, -1)[np.minimum(first, len(entry))], -1)
    tail, head = np.divmod(key, n)
    weight = np.where(part >= 0, np.append(graph.data, np.inf)[part], np.inf)
    kept = np.zeros(n, bool)
    kept[terminals] = True
    live = _without_dead_ends(n, tail, head, kept)
    use = live[tail] & live[head]
    tail, head, weight, part = tail[use], head[use], weight[use], part[use]
    back = np.lexsort((tail, head))
    degree = np.bincount(tail, minlength=n)
    inner = (degree == 2) & ~kept
    ends = np.bincount(tail, np.arange(len(tail)), minlength=n).astype(np.int64)  # of two half-arcs, their sum
    begin = np.flatnonzero(~inner[tail])
    cost, at, chain = weight[begin].copy(), begin.copy(), np.arange(len(begin))
    whole, members = [chain], [begin]
    going = np.flatnonzero(inner[head[at]])
    while len(going):  # one step along all chains at once: as often as the longest chain has links
        at[going] = ends[head[at[going]]] - back[at[going]]
        cost[going] += weight[at[going]]
        whole.append(chain[going])
        members.append(at[going])
        going = going[inner[head[at[going]]]]
    useful = np.isfinite(cost) & (tail[begin] != head[at])
    number = np.cumsum(useful) - 1
    whole_of, member = np.concatenate(whole), np.concatenate(members)
    listed = useful[whole_of]
    nodes = np.unique(np.concatenate([terminals, tail[begin][useful], head[at][useful]]))
    return _Small(
        nodes,
        np.searchsorted(nodes, tail[begin][useful]),
        np.searchsorted(nodes, head[at][useful]),
        cost[useful],
        number[whole_of[listed]].astype(graph.indptr.dtype),
        part[member[listed]].astype(graph.indptr.dtype),
    )


def _without_dead_ends(
    n: int, tail: NDArray[np.int64], head: NDArray[np.int64], kept: NDArray[np.bool_]
) -> NDArray[np.bool_]:
    """Return which nodes are left when nodes with one neighbour are taken off, again and again; `kept` ones stay."""
    live = np.ones(n, bool)
    degree = np.bincount(tail, minlength=n)
    around = np.bincount(tail, head, minlength=n).astype(np.int64)  # the sum of neighbours is the last one's number
    loose = np.flatnonzero((degree <= 1) & ~kept)
    while len(loose):  # as often as the longest dead end has links
        live[loose] = False
        loose = loose[degree[loose] == 1]
        near = around[loose]
        np.subtract.at(degree, near, 1)
        np.subtract.at(around, near, loose)
        degree[loose] = 0
        loose = np.unique(near[(degree[near] <= 1) & ~kept[near] & live[near]])
    return live


def _times(small: _Small, roots: NDArray[np.int64], weight: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the times from roots to all nodes of the small graph; of parallel arcs the shortest counts."""
    order = np.lexsort((weight, small.head, small.tail))
    tail, head = small.tail[order], small.head[order]
    order = order[np.r_[True, (np.diff(tail) != 0) | (np.diff(head) != 0)]] if len(order) else order
    n = len(small.nodes)
    indptr = np.searchsorted(small.tail[order], np.arange(n + 1)).astype(np.int32)
    graph = csr_array((weight[order], small.head[order].astype(np.int32), indptr), shape=(n, n))
    return np.asarray(dijkstra(graph, indices=roots), float)


def _with_grain(small: _Small, roots: NDArray[np.int64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the weights of the arcs and the times from the roots.

    A grain for links without cost gives them a direction; it is far below what counts as equal. A few trees tell how
    long ways are; where others are more than twice as long it would be lost in their digits.
    """
    weight = small.weight
    if not (weight == 0).any():
        return weight, _times(small, roots, weight)
    longest = _longest(_times(small, roots[:: -(-len(roots) // FEW)], weight))
    while True:
        weight = np.maximum(small.weight, longest * 2.0**-44)
        time = _times(small, roots, weight)
        if _longest(time) <= 2 * longest:
            return weight, time
        longest = _longest(time)


def _longest(time: NDArray[np.float64]) -> float:
    """Return the longest of some times, one at the least."""
    return float(np.max(time, where=np.isfinite(time), initial=1.0))


def _accumulate(
    small: _Small, roots: NDArray[np.int64], wanted: NDArray[np.float64], content: str = ""
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return trips per arc of the small graph, and the trips of each root to each node that found a way.

    `content` names the small graph where its trees are kept.
    """
    weight, time = (
        kept_as("brandes.times", [content, roots], lambda: _with_grain(small, roots))
        if content
        else _with_grain(small, roots)
    )
    kept = np.where(np.isfinite(time), wanted, 0.0)
    u, v, arc, nodes = _used(small, weight, time, kept)
    starts = np.searchsorted(nodes, np.arange(len(roots)) * len(small.nodes) + roots)
    present = np.append(nodes, -1)[starts] == np.arange(len(roots)) * len(small.nodes) + roots
    paths, rounds = _count_paths(u, v, starts[present], len(nodes))
    if not np.isfinite(paths).all():
        raise NetworkError("more than 1e308 shortest paths tie between two places: no double can count them")
    waiting = kept.ravel()[nodes]
    carried = np.zeros(len(u))
    for some in reversed(rounds):  # from the leaves to the roots: each round's heads are done
        tail, head = u[some], v[some]
        carried[some] = flow = paths[tail] / paths[head] * waiting[head]
        np.add.at(waiting, tail, flow)
    return np.asarray(np.bincount(arc, carried, minlength=len(weight)), float), kept


def _used(
    small: _Small, weight: NDArray[np.float64], time: NDArray[np.float64], kept: NDArray[np.float64]
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Return the arcs on shortest paths from the roots to where their trips end, found backwards from the ends.

    One graph holds all trees: node v of tree r is r·n + v.

    Returns
    -------
    Tail and head of each arc in the list of used nodes, the arc of the small graph it is, and that list, sorted.
    """
    n, flat = len(small.nodes), time.ravel()
    into = np.argsort(small.head, kind="stable")
    first = np.searchsorted(small.head[into], np.arange(n + 1))
    number = np.empty(flat.size, np.int64)
    seen = kept.ravel() > 0
    ready = np.flatnonzero(seen)
    tails, heads, arcs = [], [], []
    while len(ready):  # as often as the deepest tree has junctions
        which, owner = _spread(first, ready % n)
        arc, v = into[which], ready[owner]
        u = v - small.head[arc] + small.tail[arc]
        start, end = flat[u], flat[v]
        short = (start + weight[arc] <= end * (1 + TIE)) & (start < end)
        u = u[short]
        tails.append(u)
        heads.append(v[short])
        arcs.append(arc[short])
        new = u[~seen[u]]
        number[new] = np.arange(len(new))
        ready = new[number[new] == np.arange(len(new))]  # each once
        seen[ready] = True
    nodes = np.flatnonzero(seen)
    number[nodes] = np.arange(len(nodes))
    none = np.empty(0, np.int64)
    tail, head = (number[np.concatenate([none, *x])] for x in (tails, heads))
    return tail, head, np.concatenate([none, *arcs]), nodes


def _count_paths(
    u: NDArray[np.int64], v: NDArray[np.int64], starts: NDArray[np.int64], size: int
) -> tuple[NDArray[np.float64], list[NDArray[np.int64]]]:
    """Return the number of paths from the starts to each node of an acyclic graph, and its arcs by rounds.

    An arc comes in the round in which its tail is done: after all arcs into the tail.
    """
    paths = np.zeros(size)
    paths[starts] = 1.0
    left = np.bincount(v, minlength=size)
    out = np.argsort(u, kind="stable")
    first = np.searchsorted(u[out], np.arange(size + 1))
    number = np.empty(size, np.int64)
    rounds = []
    ready = starts
    with np.errstate(over="ignore"):  # the caller refuses infinity
        while len(ready):  # as often as the deepest tree has junctions
            some = out[_spread(first, ready)[0]]
            rounds.append(some)
            head = v[some]
            np.add.at(paths, head, paths[u[some]])
            np.subtract.at(left, head, 1)
            done = head[left[head] == 0]
            number[done] = np.arange(len(done))
            ready = done[number[done] == np.arange(len(done))]
    return paths, rounds


def _spread(first: NDArray[np.int64], rows: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the entries of rows of a compressed table, and which of the rows each belongs to."""
    begin = first[rows]
    count = first[rows + 1] - begin
    owner = np.repeat(np.arange(len(rows)), count)
    return np.arange(len(owner)) + (begin - np.cumsum(count) + count)[owner], owner
