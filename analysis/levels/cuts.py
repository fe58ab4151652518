"""Cuts of a tree of regions, each number of types out of the one before: SKATER's of spopt, Ward's of sklearn.

spopt copies the tree for each link that it tries to cut and measures every type anew, and Ward's tree is grown again
for each number of types. Here the types that a cut leaves alone keep their squares, and one tree serves all numbers:
the same labels, which the tests compare.
"""

from __future__ import annotations

from heapq import heappush, heappushpop
from typing import TYPE_CHECKING

import numpy as np
from scipy.sparse import csr_array
from scipy.sparse.csgraph import minimum_spanning_tree
from scipy.spatial.distance import cdist

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

TINY = 1e-9
"""Added to all differences, which changes no choice: to scipy a link of length 0 is none, and twins fall apart."""

Type = tuple[int, ...]
"""Members of a type, ascending."""


def skater(x: NDArray[np.float64], near: NDArray[np.bool_], ks: Sequence[int]) -> dict[int, NDArray[np.int64]]:
    """Return SKATER's labels by number of types (Assunção et al. 2006): those of ``spopt.region.Skater``.

    Parameters
    ----------
    x
        Indicators of each region, shape (n, indicators).
    near
        Who is whose neighbour, shape (n, n), symmetric; the parts that nothing joins are types from the start.
    ks
        Numbers of types wanted, none below the number of parts.
    """
    tree = minimum_spanning_tree(csr_array(np.where(near, cdist(x, x, "cityblock") + TINY, 0.0))).tocoo()
    links = list(zip(tree.row.tolist(), tree.col.tolist(), strict=True))
    known: dict[Type, float] = {}

    def cost(members: Type) -> float:
        if members not in known:
            own = x[list(members)]
            known[members] = float(np.sum(cdist(own, own.mean(axis=0).reshape(1, -1), "cityblock") + TINY))
        return known[members]

    types = _types(len(x), links)
    out = {}
    for k in range(len(types), max(ks) + 1):  # cuts: each needs the one before
        if k > len(types):
            link, types = _best_cut(types, links, cost)
            links.remove(link)
        if k in ks:
            out[k] = _labels(types, len(x))
    return out


def _best_cut(
    types: list[Type], links: list[tuple[int, int]], cost: Callable[[Type], float]
) -> tuple[tuple[int, int], list[Type]]:
    """Return the link whose cut leaves the least differences within types, the first of equals, and the types then."""
    beside: dict[int, list[int]] = {}
    for i, j in links:
        beside.setdefault(i, []).append(j)
        beside.setdefault(j, []).append(i)
    of = {i: members for members in types for i in members}
    best: tuple[float, tuple[int, int], list[Type]] | None = None
    for i, j in links:  # of some dozen regions
        here = _reached(i, j, beside)
        there = tuple(m for m in of[i] if m not in here)
        # Types in the order of their first members, as they are summed.
        left = sorted([*(t for t in types if t is not of[i]), tuple(sorted(here)), there])
        score = float(np.sum([cost(t) for t in left]))
        if best is None or score < best[0]:
            best = score, (i, j), left
    assert best is not None  # there are links as long as there are fewer types than regions
    return best[1], best[2]


def _reached(start: int, barred: int, beside: dict[int, list[int]]) -> set[int]:
    """Return the regions of a tree that are reached from one of them without its link to another."""
    seen, todo = {start}, [j for j in beside[start] if j != barred]
    while todo:
        at = todo.pop()
        seen.add(at)
        todo += [j for j in beside[at] if j not in seen]
    return seen


def _types(n: int, links: list[tuple[int, int]]) -> list[Type]:
    """Return the connected parts of a forest, in the order of their first members."""
    label = list(range(n))
    for i, j in links:  # of some dozen regions
        low, high = sorted((label[i], label[j]))
        label = [low if own == high else own for own in label]
    return sorted(tuple(i for i in range(n) if label[i] == own) for own in set(label))


def _labels(types: list[Type], n: int) -> NDArray[np.int64]:
    """Return the number of each region's type."""
    out = np.zeros(n, np.int64)
    for number, members in enumerate(types):
        out[list(members)] = number
    return out


def ward(x: NDArray[np.float64], near: NDArray[np.bool_], most: int) -> list[NDArray[np.int64]]:
    """Return Ward's labels of a connected part in 1, 2… up to `most` types: those of ``spopt.region.WardSpatial``."""
    from sklearn.cluster import AgglomerativeClustering

    out = [np.zeros(len(x), np.int64)]
    if most < 2:
        return out
    children = AgglomerativeClustering(connectivity=csr_array(near.astype(float)), linkage="ward").fit(x).children_
    members: list[list[int]] = [[i] for i in range(len(x))]
    for i, j in children.tolist():
        members.append([*members[i], *members[j]])
    nodes = [1 - len(members)]  # largest first: a heap of their negatives, as sklearn cuts
    for _ in range(2, most + 1):
        one, other = children[-nodes[0] - len(x)].tolist()
        heappush(nodes, -one)
        heappushpop(nodes, -other)
        labels = np.zeros(len(x), np.int64)
        for number, node in enumerate(nodes):
            labels[members[-node]] = number
        out.append(labels)
    return out
