"""Tables of a large graph for many roots at once, over its pieces (`network.dissection`): numpy alone.

Each piece has two small tables, of the ways within it: between its own nodes, and between these and its rim. A way
from a root climbs from piece to piece to the cuts above it; from the topmost cut down, every piece knows the costs at
its rim, and those at its own nodes are sums with its small tables (Delling, Goldberg, Nowatzyk and Werneck 2013, PHAST;
Dibbelt, Strasser and Wagner 2016, Customizable contraction hierarchies). All roots take each step together, so that it
is one addition of long rows.

Costs are whole numbers: what is found equals scipy's.
"""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import blake2b
from threading import Lock
from typing import TYPE_CHECKING

import numpy as np
from scipy.sparse.csgraph import connected_components, dijkstra

from network.dissection import Pieces, dissect

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from scipy.sparse import csr_array

NO_WAY = 2**31 - 1
"""Costs from which on there is no way: sums of two are held by 32 bits."""
AT_ONCE = 2048
"""Roots that take a step together: rows that stay in the processor's cache."""
ISLAND = 64
"""A part of a graph with no more nodes is searched by trees."""
MUCH = 4_000_000
"""Costs of a table from which on it is made so: each question walks over all pieces, whatever it asks for."""
MOST_PIECES, MOST_SWEEPS = 8, 2
_PIECES: dict[bytes, Pieces] = {}
_SWEEPS: dict[bytes, list[tuple[NDArray[np.int64], Sweep | None]]] = {}
_LOCK = Lock()

Table = tuple["NDArray[np.uint32]", "NDArray[np.uint32]", "NDArray[np.uint32]"]


@dataclass(frozen=True)
class Sweep:
    """Costs on the pieces of a graph; build it with `Sweep.of`.

    ``tables`` has of each piece the costs between its own nodes, from them to its rim, and back, over ways that do not
    leave the piece.
    """

    pieces: Pieces
    tables: list[Table]

    @classmethod
    def of(cls, pieces: Pieces, costs: csr_array) -> Sweep:
        """Return whole costs on pieces, from the smallest up; each passes on what it adds between nodes of its rim."""
        n = len(pieces.of_node)
        tail, head = np.repeat(np.arange(n), np.diff(costs.indptr)), costs.indices.astype(np.int64)
        piece = np.maximum(pieces.of_node[tail], pieces.of_node[head])
        order = np.argsort(piece, kind="stable")
        piece, cost = piece[order], costs.data[order].astype(np.uint32)
        row, column = (pieces.local(piece, end[order]) for end in (tail, head))
        begin = np.searchsorted(piece, np.arange(len(pieces.own) + 1))
        tables: list[Table] = []
        rims: dict[int, NDArray[np.uint32]] = {}
        for i in reversed(range(len(pieces.own))):
            own = int(pieces.own[i])
            m = own + len(pieces.rims[i])
            table = np.full((m, m), NO_WAY, np.uint32)
            some = slice(begin[i], begin[i + 1])
            table[row[some], column[some]] = cost[some]
            np.fill_diagonal(table[:own, :own], 0)
            for part in pieces.parts[i]:
                rim = np.ix_(pieces.on_part[part], pieces.on_part[part])
                table[rim] = np.minimum(table[rim], rims.pop(part))
            sums = np.empty_like(table)
            for k in range(own):  # Floyd and Warshall
                np.minimum(table, np.add(table[:, k, None], table[k], out=sums), out=table)
            rims[i] = table[own:, own:].copy()
            to_rim, back = table[:own, own:].copy(), table[own:, :own]
            back = to_rim.T if np.array_equal(to_rim.T, back) else back.copy()
            tables.append((table[:own, :own].copy(), to_rim, back))
        return cls(pieces, tables[::-1])

    def table(self, roots: NDArray[np.int64], columns: NDArray[np.int64], *, reverse: bool) -> NDArray[np.uint32]:
        """Return the costs at columns of the ways from roots, or with `reverse` to them: shape (columns, roots)."""
        p = self.pieces
        tables = [(a.T, c.T, b.T) for a, b, c in self.tables] if reverse else self.tables
        of_root, of_column = p.of_node[roots], p.of_node[columns]
        order = np.lexsort((of_root, p.first[of_root]))  # roots of a piece and of all below it are together
        out = np.empty((len(columns), len(roots)), np.uint32)
        by_piece = np.argsort(of_column, kind="stable")
        begin = np.searchsorted(of_column[by_piece], np.arange(len(p.own) + 1))
        there = np.sort(p.first[of_column])
        wanted = np.searchsorted(there, p.past) > np.searchsorted(there, p.first)
        climbed, span = self._climb(tables, roots[order])
        row = np.full((p.height, len(roots)), NO_WAY, np.uint32)
        down = np.argsort(p.first, kind="stable")
        for i in down[wanted[down]]:
            these = by_piece[begin[i] : begin[i + 1]]
            at, where = np.arange(p.own[i]), p.place[columns[these]] - p.above[i]
            if not p.parts[i]:  # of a smallest piece the columns alone
                at, where = np.unique(where, return_inverse=True)
            least = row[p.above[i] : p.above[i] + len(at)]
            least[:] = NO_WAY
            if i in climbed:
                least[:, span[i]] = climbed[i][at]
            _sums(row[p.rims[i]], tables[i][2][:, at], least)
            out[np.ix_(these, order)] = least[where]
        return out

    def _climb(
        self, tables: list[Table], roots: NDArray[np.int64]
    ) -> tuple[dict[int, NDArray[np.uint32]], dict[int, slice]]:
        """Return for each piece with roots their costs at its own nodes by ways within it, and which roots these are.

        Roots come sorted by their pieces.
        """
        p = self.pieces
        of_root = p.of_node[roots]
        begin = np.searchsorted(p.first[of_root], p.first)
        end = np.searchsorted(p.first[of_root], p.past)
        climbed: dict[int, NDArray[np.uint32]] = {}
        rims: dict[int, NDArray[np.uint32]] = {}
        span: dict[int, slice] = {}
        for i in reversed(range(len(p.own))):
            # A cut above begins where its first half does.
            a = int(begin[i] + (of_root[begin[i] : end[i]] < i).sum())
            if a >= end[i]:
                continue
            own, span[i] = int(p.own[i]), slice(a, int(end[i]))
            least = np.full((own + len(p.rims[i]), span[i].stop - a), NO_WAY, np.uint32)
            for part in p.parts[i]:
                if part in rims:
                    least[p.on_part[part], span[part].start - a : span[part].stop - a] = rims.pop(part)
            here = np.flatnonzero(of_root[span[i]] == i)
            least[p.place[roots[a + here]] - p.above[i], here] = 0
            inner = least[:own].copy()
            _sums(least[:own], tables[i][0], inner)
            _sums(inner, tables[i][1], least[own:])
            climbed[i], rims[i] = inner, least[own:]
        return climbed, span


def _sums(costs: NDArray[np.uint32], table: NDArray[np.uint32], least: NDArray[np.uint32]) -> None:
    """Put into `least`, shape (columns of a table, roots), the least sums of it and costs, shape (rows, roots)."""
    rows, columns = table.shape
    if columns <= rows:
        sums = np.empty_like(costs)
        for j in range(columns):  # dozens, each with long rows
            np.add(costs, table[:, j, None], out=sums)
            if rows:
                np.minimum(least[j], np.minimum.reduce(sums, axis=0), out=least[j])
        return
    sums = np.empty_like(least)
    for k in range(rows):
        np.add(costs[k], table[k, :, None], out=sums)
        np.minimum(least, sums, out=least)


def costs_between(
    costs: csr_array,
    where: NDArray[np.float64],
    roots: NDArray[np.int64],
    columns: NDArray[np.int64],
    *,
    reverse: bool = False,
    limit: float = np.inf,
) -> NDArray[np.float64]:
    """Return the costs from roots to columns, or with `reverse` the other way, infinity above a limit.

    Parameters
    ----------
    costs
        Whole numbers, so large that no way costs `NO_WAY`.
    where
        Where the positions are, shape (n, 2).

    Returns
    -------
    Shape (roots, columns), infinity where there is no way.
    """
    out = np.full((len(roots), len(columns)), np.inf)
    at = np.empty(costs.shape[0], np.int64)
    for nodes, sweep in _swept(costs, where):
        at[:] = -1
        at[nodes] = np.arange(len(nodes))
        rows, there = np.flatnonzero(at[roots] >= 0), np.flatnonzero(at[columns] >= 0)
        if not len(rows) or not len(there):
            continue
        for start in range(0, len(rows), AT_ONCE):
            some = rows[start : start + AT_ONCE]
            if sweep is None:
                inner = costs[nodes][:, nodes]
                grown = dijkstra(inner.T.tocsr() if reverse else inner, indices=at[roots[some]])[:, at[columns[there]]]
                grown[grown > limit] = np.inf
            else:
                found = sweep.table(at[roots[some]], at[columns[there]], reverse=reverse).T
                grown = np.where((found >= NO_WAY) | (found > limit), np.inf, found)
            out[np.ix_(some, there)] = grown
    return out


def _swept(costs: csr_array, where: NDArray[np.float64]) -> list[tuple[NDArray[np.int64], Sweep | None]]:
    """Return the connected parts of a graph, the small ones together, each with its sweep; the last ones are kept."""
    key = _digest(costs.indptr, costs.indices, costs.data, where)
    with _LOCK:
        if key not in _SWEEPS:
            _, label = connected_components(costs, directed=True, connection="weak")
            size = np.bincount(label)
            found: list[tuple[NDArray[np.int64], Sweep | None]] = []
            for part in np.flatnonzero(size > ISLAND):  # two sides and large islands
                nodes = np.flatnonzero(label == part)
                inner = costs[nodes][:, nodes]
                found.append((nodes, Sweep.of(_pieces(inner, where[nodes]), inner)))
            rest = np.flatnonzero(size[label] <= ISLAND)
            if len(rest):
                found.append((rest, None))
            while len(_SWEEPS) >= MOST_SWEEPS:
                _SWEEPS.pop(next(iter(_SWEEPS)))
            _SWEEPS[key] = found
        return _SWEEPS[key]


def _pieces(costs: csr_array, where: NDArray[np.float64]) -> Pieces:
    """Return the pieces of a connected graph, which its costs are no part of; the last ones are kept."""
    key = _digest(costs.indptr, costs.indices, where)
    if key not in _PIECES:
        tail = np.repeat(np.arange(len(where)), np.diff(costs.indptr))
        middle = np.cos(np.radians(where[:, 1].mean()))
        while len(_PIECES) >= MOST_PIECES:
            _PIECES.pop(next(iter(_PIECES)))
        _PIECES[key] = dissect(tail, costs.indices.astype(np.int64), where * [middle, 1.0])
    return _PIECES[key]


def _digest(*arrays: NDArray[np.generic]) -> bytes:
    """Return what names some arrays."""
    whole = blake2b(digest_size=16)
    for array in arrays:
        whole.update(np.ascontiguousarray(array).view(np.uint8).data)
    return whole.digest()


def forget() -> None:
    """Forget all pieces and costs on them."""
    with _LOCK:
        _PIECES.clear()
        _SWEEPS.clear()
