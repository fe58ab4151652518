"""What a checkpoint at each candidate brings to the cells of the belt.

Hundreds of candidates on thousands of cells without a rebuild.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from analysis.planning.effects import LEAST_PCT
from network.build import FIELDS
from network.costs import CHUNK
from network.openings import along_shared
from network.points import at_points

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from analysis.planning.sites.candidates import Candidates
    from analysis.planning.whatif import Standing
    from network.points import Points
    from network.routing import Router

SLACK_MIN = 0.01
"""In single precision minutes are this far off at the most.

Pairs that may gain are sought in it, and computed in double.
"""


def cell_columns(standing: Standing, candidates: Candidates, *, wait_min: float) -> pd.DataFrame:
    """Return what each candidate brings to the cells by itself, trips that cross once.

    Parameters
    ----------
    standing
        The border as it is, with its cells.
    wait_min
        At a new checkpoint, both directions.

    Returns
    -------
    ``cells_gain_pct`` (cross-border potential of the cells, summed over people, per cent of before), ``cells_gaining``
    (cells whose own rises by `LEAST_PCT` per cent or more, or from nothing), ``cells_people_gaining`` (people in them).
    """
    trees = standing.trees[standing.mode]
    home = trees.overlay.home
    n, table = len(standing.cells), standing.network.settlements
    people = table["population"].to_numpy(float)
    town_side = table["side"].to_numpy(dtype=object)
    placed = home.positions(table["node"].to_numpy(np.int64)) >= 0
    crowd = standing.cells["population"].to_numpy(float)
    total, gain = 0.0, np.zeros(len(candidates))
    gaining, gaining_people = np.zeros(len(candidates), int), np.zeros(len(candidates))
    for own, other in (("a", "b"), ("b", "a")):
        rows = np.flatnonzero(trees.points.side[:n] == own)
        columns = np.flatnonzero((town_side == other) & (people > 0) & placed)
        if not len(rows) or not len(columns):
            continue
        into = _to_candidates(home, trees.points[:n], rows, candidates.points[own])
        ends = table["node"].to_numpy(np.int64)[columns]
        away = _from_candidates(home, candidates.points[other], ends)
        before = trees.table(rows, columns)
        base = standing.fades(before) @ people[columns]
        total += float(crowd[rows] @ base)
        thin = before.astype(np.float32)
        for k in range(len(candidates)):  # whole tables at each
            i, j = _improved(thin, into[:, k], wait_min + away[k])
            new = into[i, k] + wait_min + away[k, j]
            old = before[i, j]
            better = new < old
            i, j, new, old = i[better], j[better], new[better], old[better]
            more = np.bincount(i, (standing.fades(new) - standing.fades(old)) * people[columns][j], len(rows))
            gain[k] += float(crowd[rows] @ more)
            hit = (100 * more >= LEAST_PCT * base) & (more > 0)
            gaining[k] += int(hit.sum())
            gaining_people[k] += float(crowd[rows][hit].sum())
    return pd.DataFrame(
        {
            "cells_gain_pct": 100 * gain / total if total > 0 else np.nan,
            "cells_gaining": gaining,
            "cells_people_gaining": gaining_people,
        }
    )


def _improved(
    before: NDArray[np.float32], into: NDArray[np.float64], away: NDArray[np.float64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return rows and columns of the pairs that may gain: a few more than do."""
    near, far = np.flatnonzero(np.isfinite(into)), np.flatnonzero(np.isfinite(away))
    if not len(near) or not len(far):
        return np.empty(0, np.int64), np.empty(0, np.int64)
    new = (into[near] - SLACK_MIN).astype(np.float32)[:, None] + away[far].astype(np.float32)[None]
    # Most candidates have a way from and to all: no copy is made then. One flat search is quicker than one by rows.
    rows = before if len(near) == len(before) else before[near]
    old = rows if len(far) == rows.shape[1] else rows[:, far]
    i, j = np.divmod(np.flatnonzero(new < old), len(far))
    return near[i], far[j]


def _to_candidates(home: Router, cells: Points, rows: NDArray[np.int64], points: Points) -> NDArray[np.float64]:
    """Return minutes at home from some cells to candidates, shape (rows, candidates)."""
    out = _ways(home, points.backwards(), lambda tree: at_points(cells, tree)[rows], reverse=True)
    cell, candidate, minutes = along_shared(cells, points)
    row = np.full(len(cells), -1)
    row[rows] = np.arange(len(rows))
    own = row[cell] >= 0
    np.minimum.at(out, (row[cell[own]], candidate[own]), minutes[own])
    return out


def _from_candidates(home: Router, points: Points, ends: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return minutes at home from candidates to nodes, shape (candidates, nodes)."""
    out = np.full((len(points), len(ends)), np.inf)
    for start in range(0, len(ends), CHUNK):
        tree = home.trees(ends[start : start + CHUNK], FIELDS["open"], reverse=True)
        out[:, start : start + CHUNK] = at_points(points, tree)
    return out


def _ways(
    home: Router, points: Points, read: Callable[[NDArray[np.float64]], NDArray[np.float64]], *, reverse: bool
) -> NDArray[np.float64]:
    """Return minutes between what is read from trees and points that trees are grown from, by their accesses."""
    ends = np.concatenate([points.u, points.v])
    cost = np.concatenate([points.to_u, points.to_v])
    point = np.concatenate([points.point, points.point])
    use = (ends >= 0) & np.isfinite(cost)
    ends, cost, point = ends[use], cost[use], point[use]
    roots, number = np.unique(ends, return_inverse=True)
    parts = []
    for start in range(0, len(roots), CHUNK):
        tree = home.trees(home.nodes[roots[start : start + CHUNK]], FIELDS["open"], reverse=reverse)
        parts.append(read(tree))
    by_root = np.concatenate(parts, axis=1) if parts else np.empty((0, 0))
    out = np.full((len(by_root), len(points)), np.inf)
    for e in np.argsort(point, kind="stable"):  # accesses: a few for each candidate
        np.minimum(out[:, point[e]], by_root[:, number[e]] + cost[e], out=out[:, point[e]])
    return out
