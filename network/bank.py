"""Trees that were grown are kept: the same root on the same costs is never searched twice, whoever asks.

Of a tree only the columns that somebody wanted are kept, so that a thousand trees of a country are some tens of
megabytes. Costs that differ from each other at a few gates alone (waits, closures) share their trees: a way is one at
home up to a gate, a walk over the gates, and one at home from the last of them.

Costs are whole thousandths (`network.costs`), so that sums are exact in any order: a hierarchy (`network.hierarchy`,
where it is installed), walks over gates and scipy give the same bits.
"""

from __future__ import annotations

import atexit
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from hashlib import blake2b
from threading import Lock
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.sparse import csr_array
from scipy.sparse.csgraph import dijkstra

from layers.keeping import is_keeping, kept_as
from network import hierarchy, sweeps
from network.arcs import arc_keys, found_in
from network.costs import NONE, THOUSAND, by_middles, min_plus, narrow, passed_before, shortest_walks, wide
from network.shelf import Shelf

if TYPE_CHECKING:
    from numpy.typing import NDArray

CHUNK = 4_000_000
"""Costs of whole trees held at once: some tens of megabytes, and less than a second between two looks at Ctrl-C."""
SMALL = 16_000
"""Of a graph with no more positions than this whole trees are kept."""
MOST_BYTES = 400_000_000
"""All that is kept together; what was not wanted for longest goes first."""
LARGE = 4_000
"""On a graph of more positions a hierarchy answers, and fields share their trees: on a smaller one trees cost little.
On 6,300 the tables of a run take a third of the seconds of trees by field."""
GATES = 160
"""Of more ends of gates than this whole trees are grown: the walks over them would cost more."""

PART = 1_000_000
"""Costs of a very large table that are put together at once."""
Parts = Iterator[tuple[slice, "NDArray[np.float64]"]]


@dataclass
class _Kept:
    """Costs from roots at some columns: `row` of each root in `costs`, −1 for none, on one graph and direction."""

    columns: NDArray[np.int64]
    row: dict[int, int] = field(default_factory=dict)
    costs: list[NDArray[Any]] = field(default_factory=list)

    @property
    def size(self) -> int:
        return sum(costs.nbytes for costs in self.costs)


_KEPT: dict[tuple[bytes, bool, int], _Kept] = {}
_SHELF = Shelf()
atexit.register(_SHELF.forget)  # its files are closed before the interpreter that would complain of them
_LOCK = Lock()


@dataclass(frozen=True)
class Graph:
    """Compiled costs as whole thousandths, with the digest that trees on them are kept under."""

    costs: csr_array
    frame: hierarchy.Frame | None = None
    """Arcs that a hierarchy orders, of this field and others; None where trees answer."""

    @classmethod
    def of(cls, costs: csr_array, frame: hierarchy.Frame | None = None) -> Graph:
        """Return costs as whole thousandths.

        Parameters
        ----------
        frame
            Arcs, these among them, that a hierarchy may order.
        """
        return cls(csr_array((np.rint(costs.data * THOUSAND), costs.indices, costs.indptr), shape=costs.shape), frame)

    @cached_property
    def digest(self) -> bytes:
        """What trees on it are kept under; a field over its roads at home is never asked for it."""
        whole = blake2b(digest_size=16)
        for part in (self.costs.indptr, self.costs.indices, self.costs.data):
            whole.update(np.ascontiguousarray(part).view(np.uint8).data)
        return whole.digest()

    @cached_property
    def symmetric(self) -> bool:
        """Whether every arc has one back that costs the same: a tree to a root is one from it."""
        own, back = self.costs, self.costs.T.tocsr()
        return all(np.array_equal(getattr(own, p), getattr(back, p)) for p in ("indptr", "indices", "data"))

    @property
    def large(self) -> bool:
        """Return whether trees on it cost much."""
        return len(self.costs.indptr) - 1 > LARGE

    def costs_at(
        self, roots: NDArray[np.int64], columns: NDArray[np.int64], *, reverse: bool = False
    ) -> NDArray[np.float64]:
        """Return the costs from roots to columns, or with `reverse` from columns to roots: see `costs_at`."""
        return costs_at(self, roots, columns, reverse=reverse)

    def parts(self, roots: NDArray[np.int64], columns: NDArray[np.int64], *, reverse: bool = False) -> Parts:
        """Give the same some roots at a time."""
        yield from _parts(_whole(self, roots, columns, reverse=reverse))


def costs_at(
    graph: Graph, roots: NDArray[np.int64], columns: NDArray[np.int64], *, reverse: bool = False
) -> NDArray[np.float64]:
    """Return the costs from roots to columns, or with `reverse` from columns to roots: shape (roots, columns).

    Parameters
    ----------
    roots, columns
        Positions; trees grow from the roots.
    """
    return _joined(graph.parts(roots, columns, reverse=reverse), len(roots), len(columns))


def _sums(
    graph: Graph, roots: NDArray[np.int64], columns: NDArray[np.int64], *, reverse: bool = False
) -> NDArray[np.float64]:
    """Return the same in thousandths."""
    return wide(_whole(graph, roots, columns, reverse=reverse))


def _whole(
    graph: Graph, roots: NDArray[np.int64], columns: NDArray[np.int64], *, reverse: bool = False
) -> NDArray[Any]:
    """Return the same as it is kept, `NONE` for no way; of a large graph as it is from an earlier run, where it is.

    A very large table is laid down for this process alone (`network.shelf`): it would drive out all others.
    """
    reverse = reverse and not graph.symmetric
    if graph.large and graph.frame is not None and len(roots) * len(columns) >= sweeps.MUCH:
        laid = _laid_down(graph, roots, columns, reverse)
        return _banked(graph, roots, columns, reverse) if laid is None else laid
    if not (graph.large and is_keeping()):
        return _banked(graph, roots, columns, reverse)
    known = [graph.digest.hex(), reverse, roots, columns]
    # Of a few roots trees are grown, some of which take no longer than to read them.
    least_s = None if len(roots) < hierarchy.FEW else 0.0
    found: NDArray[Any] = kept_as(
        "network.bank", known, lambda: narrow(_banked(graph, roots, columns, reverse)), least_s=least_s
    )
    return found


def _parts(costs: NDArray[Any]) -> Parts:
    """Give the rows of whole costs in thousandths, some at a time: of a very large table what caches hold."""
    step = max(1, PART // max(costs.shape[1], 1)) if costs.size >= sweeps.MUCH else max(1, len(costs))
    for start in range(0, len(costs), step):
        some = slice(start, start + step)
        yield some, wide(costs[some]) / THOUSAND


def _joined(parts: Parts, rows: int, columns: int) -> NDArray[np.float64]:
    """Return parts as one table."""
    out = np.empty((rows, columns))
    for some, costs in parts:
        if costs.shape == out.shape:
            return costs
        out[some] = costs
    return out


def _laid_down(
    graph: Graph, roots: NDArray[np.int64], columns: NDArray[np.int64], reverse: bool
) -> NDArray[Any] | None:
    """Return a very large table: as it lies on the shelf, either way, or swept and laid down; None where trees must.

    Of a block of places several fields ask for the same ways at home, and networks with other waits ask for them again.
    """
    with _LOCK:
        own, turned = ((graph.digest, back and not graph.symmetric) for back in (reverse, not reverse))
        found = _SHELF.taken(own, roots, columns)
        if found is not None:
            return found
        back = _SHELF.taken(turned, columns, roots)
        if back is not None:
            return back.T
    table = hierarchy.costs_between(graph.costs, graph.frame, roots, columns, reverse=reverse)  # type: ignore[arg-type]
    if table is None:
        return None
    found = narrow(table)
    with _LOCK:
        if found.dtype == np.int32:
            _SHELF.laid(own, roots, columns, found)
    return found


def _banked(graph: Graph, roots: NDArray[np.int64], columns: NDArray[np.int64], reverse: bool) -> NDArray[np.float64]:
    """Return the same by the trees of this process."""
    with _LOCK:
        n = graph.costs.shape[0]
        # Columns of another question stay apart: to search for them too might take several times as long.
        key = graph.digest, reverse, 0
        for other in [k for k in _KEPT if k[:2] == key[:2]]:  # a handful
            key = (*key[:2], max(key[2], other[2] + 1))
        fit = [k for k in _KEPT if k[:2] == key[:2] and np.isin(columns, _KEPT[k].columns).all()]
        turned = None if fit else _turned(graph, roots, columns, reverse)
        if turned is not None:
            return turned
        if fit:
            key = max(fit, key=lambda k: sum(r in _KEPT[k].row for r in roots.tolist()))
            kept = _KEPT.pop(key)
        else:
            kept = _Kept(np.arange(n) if n <= SMALL else np.unique(columns))
        _grow(graph, kept, roots, reverse)
        _KEPT[key] = kept
        at = np.searchsorted(kept.columns, columns)
        out = np.empty((len(roots), len(columns)))
        for i, root in enumerate(roots.tolist()):  # a gather each
            out[i] = kept.costs[kept.row[root]][at]
        out[out == NONE] = np.inf
        _bound()
        return out


def _turned(
    graph: Graph, roots: NDArray[np.int64], columns: NDArray[np.int64], reverse: bool
) -> NDArray[np.float64] | None:
    """Return the same from trees that were grown at the columns against the ways; None where not all are kept."""
    against = not reverse and not graph.symmetric
    for key, kept in _KEPT.items():
        whole = key[:2] == (graph.digest, against) and all(c in kept.row for c in columns.tolist())
        if whole and np.isin(roots, kept.columns).all():
            at = np.searchsorted(kept.columns, roots)
            out = np.empty((len(roots), len(columns)))
            for i, column in enumerate(columns.tolist()):  # a gather each
                out[:, i] = kept.costs[kept.row[column]][at]
            out[out == NONE] = np.inf
            _KEPT[key] = _KEPT.pop(key)
            return out
    return None


def forget() -> None:
    """Forget all trees."""
    with _LOCK:
        _KEPT.clear()
        _SHELF.forget()


def _grow(graph: Graph, kept: _Kept, roots: NDArray[np.int64], reverse: bool) -> None:
    """Grow the trees that are not kept yet."""
    new = np.asarray([r for r in dict.fromkeys(roots.tolist()) if r not in kept.row], np.int64)
    if graph.large and graph.frame is not None:
        trees = hierarchy.costs_between(graph.costs, graph.frame, new, kept.columns, reverse=reverse)
        if trees is not None:
            kept.row |= {root: len(kept.costs) + k for k, root in enumerate(new.tolist())}
            kept.costs.extend(narrow(trees))
            return
    costs = graph.costs.T.tocsr() if reverse and len(new) else graph.costs
    step = int(np.clip(CHUNK // graph.costs.shape[0], 1, 256))
    for start in range(0, len(new), step):
        some = new[start : start + step]
        trees = narrow(dijkstra(costs, indices=some)[:, kept.columns])
        for root, tree in zip(some.tolist(), trees, strict=True):
            kept.row[root] = len(kept.costs)
            kept.costs.append(tree)


def _bound() -> None:
    """Forget the graphs that were not wanted for longest, and one that is too large by itself."""
    total = sum(kept.size for kept in _KEPT.values())
    for key in list(_KEPT):
        if total <= MOST_BYTES:
            break
        total -= _KEPT.pop(key).size


@dataclass(frozen=True)
class Split:
    """A cost field as one at home and the arcs that it has beside.

    `ends` of these, and their costs among the ends, infinite where none. `posts` are the ends and those that a
    scenario may open: of a large graph tables of all of them are made, which serve every closure.
    """

    home: Graph
    ends: NDArray[np.int64]
    arcs: NDArray[np.float64]
    posts: NDArray[np.int64]

    @classmethod
    def of(cls, graph: Graph, home: Graph, posts: NDArray[np.int64]) -> Split | None:
        """Return a field over its home; None where too much differs, or something at home is no way of the field.

        `posts` are positions of the gates' ends, open or closed.
        """
        costs = graph.costs
        n = costs.shape[0]
        own, theirs = (arc_keys(c) for c in (costs, home.costs))
        at, known = found_in(own, theirs)
        if not known.all() or not (costs.data[at] <= home.costs.data).all():
            return None
        more = np.ones(len(own), bool)
        more[at[costs.data[at] == home.costs.data]] = False
        tail, head = own[more] // n, own[more] % n
        ends = np.unique(np.concatenate([tail, head]))
        if len(ends) > GATES:
            return None
        arcs = np.full((len(ends), len(ends)), np.inf)
        arcs[np.searchsorted(ends, tail), np.searchsorted(ends, head)] = costs.data[more]
        many = graph.large and len(posts) <= GATES
        return cls(home, ends, arcs, np.union1d(ends, posts) if many else ends)

    def costs_at(
        self, roots: NDArray[np.int64], columns: NDArray[np.int64], *, reverse: bool = False
    ) -> NDArray[np.float64]:
        """Return what `costs_at` of the whole field does, over trees at home."""
        return _joined(self.parts(roots, columns, reverse=reverse), len(roots), len(columns))

    def parts(self, roots: NDArray[np.int64], columns: NDArray[np.int64], *, reverse: bool = False) -> Parts:
        """Give the same some roots at a time."""
        both, n = np.concatenate([columns, self.posts]), len(columns)
        # A very large table without the posts is there for whoever asks the other way round.
        much = self.home.large and len(roots) * n >= sweeps.MUCH
        home = _whole(self.home, roots, columns if much else both, reverse=reverse)
        if not len(self.ends):
            yield from _parts(home[:, :n])
            return
        at_ends = np.searchsorted(self.posts, self.ends)
        over = _sums(self.home, self.posts, both, reverse=reverse)[at_ends]
        over, between = over[:, :n], over[:, n + at_ends]
        if much:
            to_ends = _sums(self.home, self.posts, roots, reverse=not reverse)[at_ends].T
        else:
            to_ends = wide(home[:, n + at_ends])
        walk = between if not reverse else between.T
        walk = shortest_walks(np.minimum(walk, self.arcs))
        walk = walk.T if reverse else walk
        at = min_plus(to_ends, walk)
        # Who reaches an end as soon at home, or passes another before, finds the rest of the way so too.
        at[(at >= to_ends) | passed_before(at, between)] = np.inf
        # Ends of one side, or of one piece of it, come to the same columns: the others are left alone.
        alike: dict[bytes, list[int]] = {}
        for end, come in enumerate(np.packbits(np.isfinite(over), axis=1)):
            alike.setdefault(come.tobytes(), []).append(end)
        groups = [(np.asarray(own), np.flatnonzero(np.isfinite(over[own[0]]))) for own in alike.values()]
        for some, costs in _parts(home[:, :n]):
            for own, there in groups:  # two sides and their islands
                for rows, middles in by_middles(at[some][:, own]) if len(there) else ():
                    where, ends = np.ix_(rows, there), own[middles]
                    ways = min_plus(at[some][np.ix_(rows, ends)], over[np.ix_(ends, there)])
                    costs[where] = np.minimum(costs[where], ways / THOUSAND)
            yield some, costs
