"""The quickest ways of all pairs of two lists: minutes, waits, metres and the checkpoints that they pass."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.sparse.csgraph import dijkstra

from layers.progress import tell
from network.arcs import arc_keys
from network.build import FIELDS
from network.costs import at_once, settled
from network.routing import arcs_table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from network.routing import Router


@dataclass(frozen=True)
class Ways:
    """The quickest ways of all pairs, each table of shape (origins, targets); NaN and empty where there is none.

    Minutes with the wait, the wait among them, metres, and the ids of checkpoints in order, between ``|``.
    """

    minutes: NDArray[np.float64]
    wait_min: NDArray[np.float64]
    length_m: NDArray[np.float64]
    checkpoints: NDArray[np.object_]

    @classmethod
    def blank(cls, rows: int, columns: int) -> Ways:
        """Return tables without any way."""
        minutes, wait, metres = (np.full((rows, columns), np.nan) for _ in range(3))
        return cls(minutes, wait, metres, np.full((rows, columns), "", dtype=object))

    @property
    def turned(self) -> Ways:
        """Return the same tables with targets as rows."""
        return Ways(self.minutes.T, self.wait_min.T, self.length_m.T, self.checkpoints.T)


@dataclass(frozen=True)
class _Arcs:
    """What the links of a field's arcs add to a way, by ascending number of the arc."""

    n: int
    keys: NDArray[np.int64]
    metres: NDArray[np.float64]
    wait: NDArray[np.float64]
    gate: NDArray[np.object_]

    @classmethod
    def of(cls, router: Router, field: str) -> _Arcs:
        row = arcs_table(router, field)["link"].to_numpy(np.int64)
        links = router.network.links
        wait = links["wait_min"].to_numpy(float)[row]
        return cls(
            n=len(router.nodes),
            keys=arc_keys(router.costs[field]),
            metres=links["length_m"].to_numpy(float)[row],
            wait=wait if field == FIELDS["actual"] else np.zeros(len(row)),
            gate=links["checkpoint_id"].to_numpy(dtype=object)[row],
        )


def ways_between(
    router: Router, origins: NDArray[np.int64] | Sequence[int], targets: NDArray[np.int64] | Sequence[int], field: str
) -> Ways:
    """Return the quickest way of every pair of network nodes.

    Parameters
    ----------
    origins, targets
        Network nodes; a tree of the whole network grows from each of the shorter list, or to it.
    field
        One of `network.costs.FIELDS`, whose arcs are links.
    """
    reverse = len(targets) < len(origins)
    roots, ends = (router.positions(nodes) for nodes in ((targets, origins) if reverse else (origins, targets)))
    out = Ways.blank(len(roots), len(ends))
    known, there = np.flatnonzero(roots >= 0), np.flatnonzero(ends >= 0)
    if len(known) and len(there):
        arcs = _Arcs.of(router, field)
        graph, starts = router.rooted(roots[known], field, reverse=reverse)
        # A place that is a root has a twin behind the last position, from which its ways lead on.
        place = np.arange(graph.shape[0])
        place[starts] = roots[known]
        step = at_once(graph.shape[0])
        for begin in range(0, len(known), step):
            some = slice(begin, begin + step)
            cost, before = dijkstra(graph, indices=starts[some], return_predecessors=True)
            for row, root, start, minutes, tree in zip(
                known[some], roots[known[some]], starts[some], cost, before, strict=True
            ):
                minutes[root] = 0.0
                hit = there[np.isfinite(minutes[ends[there]])]
                at = np.where(ends[hit] == root, start, ends[hit])
                found = _along(arcs, place, tree, int(start), at, reverse=reverse)
                out.minutes[row, hit] = settled(minutes[ends[hit]])
                out.wait_min[row, hit], out.length_m[row, hit], out.checkpoints[row, hit] = found
            tell(begin + len(cost), len(known))
    return out.turned if reverse else out


def _along(
    arcs: _Arcs,
    place: NDArray[np.int64],
    tree: NDArray[np.int32],
    start: int,
    ends: NDArray[np.int64],
    *,
    reverse: bool,
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.object_]]:
    """Return waits, metres and checkpoints of the ways between the start of a tree and others.

    `place` is the position that each node of the tree stands for.
    """
    inner = _passed(tree, start, ends)
    number = np.empty(len(tree), np.int64)
    number[start], number[inner] = 0, np.arange(1, len(inner) + 1)
    parent = np.concatenate([[0], number[tree[inner]]])
    near, far = place[tree[inner]], place[inner]
    tail, head = (far, near) if reverse else (near, far)
    at = np.searchsorted(arcs.keys, tail * arcs.n + head)
    metres, wait = (np.concatenate([[0.0], values[at]]) for values in (arcs.metres, arcs.wait))
    gate = np.concatenate([np.array([""], dtype=object), arcs.gate[at]])
    last = np.where(gate != "", np.arange(len(parent)), -1)
    jump = parent
    while jump.any():
        # Twice as far up the tree in each round, so that a way of a thousand links takes ten.
        metres, wait = metres + metres[jump], wait + wait[jump]
        last = np.where(last >= 0, last, last[jump])
        jump = jump[jump]
    above = last[parent]
    names: dict[int, str] = {-1: ""}
    for k in np.unique(last[number[ends]]).tolist():  # the posts at which ways come in: dozens
        _name(k, gate, above, names, reverse=reverse)
    own = number[ends]
    passed = np.array([names[k] for k in last[own].tolist()], dtype=object)
    return wait[own], metres[own], passed


def _passed(tree: NDArray[np.int32], start: int, ends: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return all nodes of a tree on the ways between its start, left out, and others, these among them."""
    seen = np.zeros(len(tree), bool)
    seen[start] = True
    runs, now = [], np.unique(ends)
    now = now[~seen[now]]
    while len(now):
        seen[now] = True
        runs.append(now)
        now = np.unique(tree[now])
        now = now[~seen[now]]
    return np.concatenate(runs).astype(np.int64) if runs else np.empty(0, np.int64)


def _name(
    at: int, gate: NDArray[np.object_], above: NDArray[np.int64], names: dict[int, str], *, reverse: bool
) -> None:
    """Add to `names` the checkpoints from the start of a tree to a gate, or with `reverse` from it to the start."""
    chain = []
    while at not in names:
        chain.append(at)
        at = int(above[at])
    for k in reversed(chain):
        parts = [str(gate[k]), names[int(above[k])]] if reverse else [names[int(above[k])], str(gate[k])]
        names[k] = "|".join(p for p in parts if p)
