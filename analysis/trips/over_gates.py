"""Trips across the border over the few gates of a network: trees grow from the posts, not from every place.

A way across is one at home up to a gate, the gate, and one at home from there on. Pairs with several gates to choose
from, as far, or whose way crosses the line more than once, are followed over the whole graph.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from analysis.trips.brandes import TIE, od_betweenness
from network.arcs import arc_keys
from network.build import FIELDS
from network.costs import min_plus, shortest_walks
from network.domestic import arcs_at_home, at_home
from network.overlay import build_overlay

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from network.overlay import Overlay
    from network.routing import Router

AT_ONCE = 1_000_000
"""Pairs whose gates are sought at once."""
Flows = tuple["NDArray[np.float64]", "NDArray[np.float64]", float]


def betweenness_across(
    router: Router, network: str, a: NDArray[np.int64], b: NDArray[np.int64], trips: NDArray[np.float64]
) -> Flows:
    """Return what `analysis.trips.brandes.od_betweenness` does for trips from places on one side to the other.

    Parameters
    ----------
    network
        ``borderless``, ``open`` or ``actual``.
    a, b
        Positions of a router, those of `a` on one side and those of `b` on the other.
    """
    graph = router.costs[FIELDS[network]]
    overlay = build_overlay(router.network, router.mode, field=network)
    n, at = graph.shape[0], router.positions(overlay.posts)
    own_side, other_side = (set(router.side[p].tolist()) for p in (a, b))
    few = 2 * len(at) < min(len(np.unique(a)), len(np.unique(b)))
    if not few or len(own_side) != 1 or len(other_side) != 1 or own_side == other_side or router.added.any():
        return od_betweenness(graph, a, b, trips)
    near, far = (np.flatnonzero(router.side[at] == s.pop()) for s in (own_side, other_side))
    to, back = overlay.to_posts(router.nodes[a])[:, near], overlay.from_posts(router.nodes[b])[far]
    out = _gates(overlay, near, far)
    tail, head = np.nonzero(np.isfinite(out))
    again = _round(overlay, near, far, out)
    carried, ended = np.zeros(len(tail)), np.zeros(len(b))
    leave, enter = np.zeros((len(a), len(near))), np.zeros((len(far), len(b)))
    rest = np.zeros((0, 3))
    step = max(1, AT_ONCE // max(1, len(b)))
    for start in range(0, len(a), step):
        own = trips[start : start + step]
        minutes, gate, alone = _by_one_gate(to[start : start + step], back, out, again)
        i, j = np.nonzero((own > 0) & alone)
        k, many = gate[i, j], own[i, j]
        carried += np.bincount(k, many, minlength=len(tail))
        ended += np.bincount(j, many, minlength=len(b))
        sums = np.bincount(i * len(near) + tail[k], many, minlength=len(own) * len(near))
        leave[start : start + step] = sums.reshape(len(own), len(near))
        enter += np.bincount(head[k] * len(b) + j, many, minlength=enter.size).reshape(enter.shape)
        # Who finds no way is followed nowhere.
        i, j = np.nonzero((own > 0) & ~alone & np.isfinite(minutes))
        rest = np.concatenate([rest, np.stack([i + start, j, own[i, j]], axis=1)])
    home = at_home(graph, router.side)
    arcs = np.zeros(graph.nnz)
    arcs[arcs_at_home(graph, router.side)] = (
        od_betweenness(home, a, at[near], leave, again=True)[0] + od_betweenness(home, at[far], b, enter, again=True)[0]
    )
    arcs[np.searchsorted(arc_keys(graph), at[near][tail] * n + at[far][head])] += carried
    if len(rest):
        (rows, i), (columns, j) = (np.unique(rest[:, c].astype(np.int64), return_inverse=True) for c in (0, 1))
        some = np.zeros((len(rows), len(columns)))
        some[i, j] = rest[:, 2]
        arcs += od_betweenness(graph, a[rows], b[columns], some)[0]
        ended[columns] += some.sum(axis=0)
    served = float(ended.sum())
    through = np.bincount(graph.indices, arcs, minlength=n) - np.bincount(b, ended, minlength=n)
    # What ends is taken from what arrives: a rest of rounding is no trip.
    return arcs, np.where(through > 1e-12 * max(served, 1e-300), through, 0.0), served


def _gates(overlay: Overlay, tails: NDArray[np.int64], heads: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return the minutes of the gates from some posts to others, of parallel ones the least; infinity where none is."""
    size = len(overlay.posts)
    out = np.full((size, size), np.inf)
    tail, head, cost = (overlay.gates[c].to_numpy() for c in ("tail", "head", "cost"))
    np.minimum.at(out, (tail.astype(np.int64), head.astype(np.int64)), cost.astype(float))
    return out[np.ix_(tails, heads)]


def _round(
    overlay: Overlay, near: NDArray[np.int64], far: NDArray[np.int64], out: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return the minutes between far posts of who goes back over the line and comes again, once or more often."""
    there, here = (overlay.between[np.ix_(posts, posts)].copy() for posts in (far, near))
    for home in (there, here):
        np.fill_diagonal(home, 0.0)
    again = min_plus(min_plus(min_plus(there, _gates(overlay, far, near)), here), out)
    return min_plus(again, shortest_walks(again))


def _by_one_gate(
    to: NDArray[np.float64], back: NDArray[np.float64], out: NDArray[np.float64], again: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.int64], NDArray[np.bool_]]:
    """Return the shortest minutes of all pairs, over which gate, and whether no other way is as short."""
    shape = len(to), back.shape[1]
    first, second, gate = np.full(shape, np.inf), np.full(shape, np.inf), np.full(shape, -1)
    for k, (x, y) in enumerate(zip(*np.nonzero(np.isfinite(out)), strict=True)):  # gates: dozens, whole tables at each
        minutes = to[:, x, None] + out[x, y] + back[y]
        sooner = minutes < first
        second = np.where(sooner, first, np.minimum(second, minutes))
        first, gate = np.where(sooner, minutes, first), np.where(sooner, k, gate)
    more = min_plus(min_plus(min_plus(to, out), again), back)
    # Sums of thousandths in another order differ by less than their ties.
    alone = np.isfinite(first) & (np.minimum(second, more) > first * (1 + TIE) + 1e-6)
    return np.minimum(first, more), gate, alone
