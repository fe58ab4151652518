"""What a checkpoint is worth: the cost of closing it alone or with another, who is cut off, and what takes over.

Trips go from settlement to settlement by one mode: those that the choice gives it (`analysis.trips.choice`). Trees are
shared by all closures: only the small graph of posts changes, and only the pairs whose way led through what is closed
are routed anew.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from scipy.sparse import csr_array
from scipy.sparse.csgraph import dijkstra

from analysis.trips.choice import CHUNK
from layers.errors import NetworkError
from network.costs import min_plus

if TYPE_CHECKING:
    from collections.abc import Collection

    from numpy.typing import NDArray

    from analysis.trips.choice import Choice
    from analysis.trips.demand import Demand, ModeTimes

IMPACT = [
    "criticality_min",
    "unserved_share",
    "extra_users_min",
    "people_over_30min",
    "people_over_60min",
    "people_cut_off",
]
"""What every closure is told by; see `close_each`."""
COLUMNS = ["checkpoint_id", "share", *IMPACT, "fallback", "fallback_share"]
PAIR_COLUMNS = ["closed_1", "closed_2", "mode", "share", *IMPACT, "synergy_min", "synergy_unserved_share"]
TOP = 15
"""Checkpoints whose pairs are closed together, those with the largest shares first."""
LEAST_SHARE = 0.001
"""Fallbacks that take less of a closed checkpoint's trips are left out of the table."""
DENSE = 3
"""Whole tables are quicker than single pairs where at least one pair in so many is wanted."""


def close_each(demand: Demand, choice: Choice) -> pd.DataFrame:
    """Return what each single closure does to the trips of the checkpoint's own mode, as many as the choice gives it.

    Returns
    -------
    Per checkpoint of the choice: ``share`` of all modelled demand; ``criticality_min`` = Σ T·(c⁻ᵏ − c) / Σ T over the
    trips that still find a way by that mode (Jenelius, Petersen & Mattsson 2006); ``unserved_share``, the part of the
    mode's trips that find none; ``extra_users_min``, the mean extra minutes of those who used it; ``fallback`` and
    ``fallback_share``, the checkpoint of the same mode that takes most of its trips and how much of them.

    And people, of both sides: a settlement's mean time across, by the mode, weighted by its trips, rises by Δ = Σⱼ
    T·(c⁻ᵏ − c) / Σⱼ T over the places it still reaches. ``people_over_30min`` and ``people_over_60min`` are the
    inhabitants of settlements with Δ above 30 and 60 minutes; ``people_cut_off`` of those that reached the other side
    by the mode before and no place there any more (they are in neither of the two).
    """
    share, taken = choice.share, choice.handed_over
    ways = {m.mode: fastest_ways(demand, choice, m.mode) for m in demand.modes}
    rows = []
    for k, (checkpoint, mode) in enumerate(zip(choice.ids, choice.mode, strict=True)):
        way = ways[mode]
        rows.append(
            {
                "checkpoint_id": checkpoint,
                "share": share.iloc[k],
                **impact(demand, way, rerouted(way, way.closed([checkpoint])), choice.through(k)),
                **_fallback(choice.ids, taken[k]),
            }
        )
    return pd.DataFrame(rows, columns=COLUMNS)


def close_pairs(demand: Demand, choice: Choice, *, mode: str = "road", top: int = TOP) -> pd.DataFrame:
    """Return what closing two checkpoints together does, for all pairs of the most used ones of a mode.

    Returns
    -------
    Per pair ``closed_1``, ``closed_2``, ``mode``, ``share`` of both together, the columns of `close_each` for the
    joint closure, and what it costs beyond the two closures apart: ``synergy_min`` = Σ T·[(c⁻ᵏˡ − c) − (c⁻ᵏ − c) −
    (c⁻ˡ − c)] / Σ T over the trips that find a way with both closed, and ``synergy_unserved_share`` = the joint
    unserved share less those of either. Both are large where one is the other's fallback; pairs where they are come
    first, for what a joint closure costs apart from them is in `close_each` already.

    Raises
    ------
    NetworkError
        The mode carries no modelled trip, or `top` is below 2.
    """
    if top < 2:
        raise NetworkError(f"pairs of the top {top} checkpoints: allowed is 2 or more")
    way = fastest_ways(demand, choice, mode)
    share = choice.share.to_numpy()
    largest = [k for k in np.argsort(-share, kind="stable") if choice.mode[k] == mode][:top]
    alone = {k: rerouted(way, way.closed([choice.ids[k]])) for k in largest}
    users = {k: choice.through(k) for k in largest}
    singles = {k: impact(demand, way, alone[k], users[k]) for k in largest}
    extra = {k: _extra_table(way, alone[k]) for k in largest}
    rows = []
    for k, m in combinations(largest, 2):
        both = rerouted(way, way.closed([choice.ids[k], choice.ids[m]]))
        figures = impact(demand, way, both, users[k] + users[m])
        parts = _mean_of(way, both, extra[k]) + _mean_of(way, both, extra[m])
        rows.append(
            {
                "closed_1": choice.ids[k],
                "closed_2": choice.ids[m],
                "mode": mode,
                "share": share[k] + share[m],
                **figures,
                "synergy_min": figures["criticality_min"] - parts,
                "synergy_unserved_share": figures["unserved_share"]
                - singles[k]["unserved_share"]
                - singles[m]["unserved_share"],
            }
        )
    table = pd.DataFrame(rows, columns=PAIR_COLUMNS)
    # A difference of sums is never quite 0; rounded for the order alone.
    keys = [-table[c].to_numpy(float).round(9) for c in ("synergy_min", "synergy_unserved_share")]
    return table.iloc[np.lexsort(keys)].reset_index(drop=True)


def fallbacks(choice: Choice, *, least_share: float = LEAST_SHARE) -> pd.DataFrame:
    """Return all checkpoints that take over the trips of each closed one.

    The trips keep their mode. In a logit the other crossings keep their odds among themselves: the trips of a pair
    spread over them in proportion to what each had.

    Returns
    -------
    ``closed``, ``fallback``, ``share``: the part of the closed one's trips that the fallback takes, largest first.
    A fallback "" is the part that finds no other checkpoint of the mode. With `least_share` 0 the shares of a closed
    one sum to 1.
    """
    rows = []
    for k, closed in enumerate(choice.ids):
        rows += [(closed, *part) for part in _parts(choice.ids, choice.handed_over[k], {k}, least_share)]
    return pd.DataFrame(rows, columns=["closed", "fallback", "share"])


def pair_fallbacks(choice: Choice, pairs: pd.DataFrame, *, least_share: float = LEAST_SHARE) -> pd.DataFrame:
    """Return all checkpoints that take over the trips of two that close together.

    Parameters
    ----------
    pairs
        With ``closed_1`` and ``closed_2`` of one mode each: those of `close_pairs`.

    Returns
    -------
    ``closed_1``, ``closed_2`` in the order of `pairs`, ``fallback`` and ``share`` as in `fallbacks`.
    """
    place = {name: k for k, name in enumerate(choice.ids)}
    closed = [(place[a], place[b]) for a, b in zip(pairs["closed_1"], pairs["closed_2"], strict=True)]
    rows = []
    for ks, taken in zip(closed, choice.taken_over(closed), strict=True):
        names = [choice.ids[k] for k in ks]
        rows += [(*names, *part) for part in _parts(choice.ids, taken, set(ks), least_share)]
    return pd.DataFrame(rows, columns=["closed_1", "closed_2", "fallback", "share"])


def _parts(ids: list[str], taken: NDArray[np.float64], closed: set[int], least_share: float) -> list[tuple[str, float]]:
    """Return who takes how much of what closes, largest first, and "" for what finds nobody; none without trips."""
    if not np.isfinite(taken).all():
        return []
    names = ["", *(name for k, name in enumerate(ids) if k not in closed)]
    parts = np.array([max(1.0 - taken.sum(), 0.0), *np.delete(taken, sorted(closed))])
    order = np.argsort(-parts, kind="stable")
    return [(names[m], float(parts[m])) for m in order if parts[m] > 0 and parts[m] >= least_share]


def _fallback(ids: list[str], taken: NDArray[np.float64]) -> dict[str, object]:
    """Return the checkpoint that takes most, and how much."""
    if not np.nanmax(taken, initial=0.0) > 0:
        return {"fallback": "", "fallback_share": np.nan}
    best = int(np.nanargmax(taken))
    return {"fallback": ids[best], "fallback_share": float(taken[best])}


@dataclass(frozen=True)
class Ways:
    """The fastest way of every pair by one mode: at home to a post, over the small graph, at home from a post.

    ``near`` and ``far`` are the posts in reach of origins and targets; ``leave`` and ``enter`` which of them a pair
    uses, −1 where it has no way; ``middle`` minutes from near to far; ``to``, ``back`` minutes to and from them,
    ``back`` with a row per target. ``minutes`` (a, b), ``served`` where finite, ``trips`` of served pairs, else 0.
    """

    times: ModeTimes
    near: NDArray[np.int64]
    far: NDArray[np.int64]
    to: NDArray[np.float64]
    middle: NDArray[np.float64]
    back: NDArray[np.float64]
    leave: NDArray[np.int64]
    enter: NDArray[np.int64]
    minutes: NDArray[np.float64]
    served: NDArray[np.bool_]
    trips: NDArray[np.float64]

    def gates(self, closed: Collection[str] = ()) -> NDArray[np.float64]:
        """Return the minutes of the fastest gate between two posts, but for closed checkpoints.

        Shape (posts, posts).
        """
        overlay = self.times.overlay
        out = np.full((len(overlay.posts), len(overlay.posts)), np.inf)
        tail, head, cost = (overlay.gates[c].to_numpy() for c in ("tail", "head", "cost"))
        use = [i not in closed for i in overlay.gates["checkpoint_id"]]
        np.minimum.at(out, (tail[use], head[use]), cost[use])
        return out

    def between(self, gates: NDArray[np.float64], between: NDArray[np.float64] | None = None) -> NDArray[np.float64]:
        """Return minutes from near to far posts over some gates, and over other ways at home where they are given."""
        if not len(self.near):
            return self.middle
        home = self.times.overlay.between if between is None else between
        return np.asarray(dijkstra(small_graph(gates, home), indices=self.near)[:, self.far], float)

    def closed(self, checkpoints: Collection[str]) -> NDArray[np.float64]:
        """Return minutes from near to far posts with checkpoints closed."""
        return self.between(self.gates(checkpoints))


@dataclass(frozen=True)
class Change:
    """Pairs that a closure changes.

    Rows and columns of the table, and their minutes after it (infinite for unserved).
    """

    i: NDArray[np.int64]
    j: NDArray[np.int64]
    minutes: NDArray[np.float64]


def small_graph(gates: NDArray[np.float64], home: NDArray[np.float64]) -> csr_array:
    """Return the small graph of posts, as `network.overlay.Overlay.across` has it; a gate without a wait is kept."""
    cost = np.minimum(gates, home)
    tail, head = np.nonzero(np.isfinite(cost))
    return csr_array((cost[tail, head], (tail.astype(np.int32), head.astype(np.int32))), shape=cost.shape)


def times_of(demand: Demand, mode: str) -> ModeTimes:
    """Return the times of a mode, or say which modes there are."""
    found = {m.mode: m for m in demand.modes}
    if mode not in found:
        raise NetworkError(f"no trips by {mode!r}: allowed are {', '.join(found)}")
    return found[mode]


def fastest_ways(demand: Demand, choice: Choice, mode: str) -> Ways:
    """Return the fastest way of every pair by a mode, with the trips that choose it: what closures compare with."""
    times = times_of(demand, mode)
    near = np.flatnonzero(np.isfinite(times.to_posts).any(axis=0))
    far = np.flatnonzero(np.isfinite(times.from_posts).any(axis=1))
    to = np.ascontiguousarray(times.to_posts[:, near])
    middle = times.overlay.across()[np.ix_(near, far)]
    half, first = _min_plus(to, middle)
    minutes, enter = _min_plus(half, times.from_posts[far])
    leave = np.where(enter >= 0, np.take_along_axis(first, np.maximum(enter, 0), axis=1) if len(far) else -1, -1)
    served = np.isfinite(minutes)
    return Ways(
        times,
        near,
        far,
        to,
        middle,
        np.ascontiguousarray(times.from_posts[far].T),
        leave,
        enter,
        minutes,
        served,
        np.where(served, choice.by_mode(mode), 0.0),
    )


def _min_plus(a: NDArray[np.float64], b: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Return the min-plus product of two tables and which middle gave it, the first of equal ones, −1 for none."""
    out = np.full((a.shape[0], b.shape[1]), np.inf)
    which = np.full(out.shape, -1)
    for k in range(a.shape[1]):  # posts: dozens; whole tables at each
        sums = a[:, k, None] + b[None, k]
        better = sums < out
        np.copyto(out, sums, where=better)
        which[better] = k
    return out, which


def rerouted(
    ways: Ways,
    middle: NDArray[np.float64],
    *,
    to: NDArray[np.float64] | None = None,
    back: NDArray[np.float64] | None = None,
) -> Change:
    """Return the pairs whose way got longer in one of its three parts, with the minutes of their best way now.

    A pair keeps its time while its own way keeps its length, for a closure makes no way shorter. The rest is the
    min-plus product over those pairs alone: the same sums as the whole table's.

    Parameters
    ----------
    middle, to, back
        The parts of `ways` after the closure; None for unchanged.
    """
    leave, enter = np.maximum(ways.leave, 0), np.maximum(ways.enter, 0)
    hit = np.zeros(ways.served.shape, bool)
    if middle.size:
        hit |= (middle != ways.middle)[leave, enter]
    if to is not None:
        hit |= np.take_along_axis(to != ways.to, leave, axis=1)
    if back is not None:
        hit |= np.take_along_axis((back != ways.back).T, enter, axis=0)
    hit &= ways.served
    i, j = np.nonzero(hit)
    to, back = ways.to if to is None else to, ways.back if back is None else back
    some_i, some_j = hit.any(axis=1), hit.any(axis=0)
    origins, targets = np.flatnonzero(some_i), np.flatnonzero(some_j)
    half = min_plus(to[origins], middle)
    if DENSE * len(i) > len(origins) * len(targets):
        return Change(i, j, min_plus(half, back[targets].T)[hit[origins][:, targets]])
    row = (np.cumsum(some_i) - 1)[i]
    minutes = np.full(len(i), np.inf)
    step = max(1, CHUNK // max(1, len(ways.far)))
    for start in range(0, len(i), step):
        some = slice(start, start + step)
        minutes[some] = (half[row[some]] + back[j[some]]).min(axis=1)
    return Change(i, j, minutes)


def impact(demand: Demand, ways: Ways, change: Change, users: NDArray[np.float64]) -> dict[str, float]:
    """Return the figures of one closure, by the names in `IMPACT`.

    Parameters
    ----------
    users
        Trips of each pair that used what is closed, shape (a, b): over them goes ``extra_users_min``.
    """
    lost = ~np.isfinite(change.minutes)
    gone = change.i[lost], change.j[lost]
    at = change.i[~lost], change.j[~lost]
    extra = change.minutes[~lost] - ways.minutes[at]
    cost = ways.trips[at] * extra
    still = _without(ways.trips, gone)
    using = _without(np.where(ways.served, users, 0.0), gone)
    people = np.zeros(3)
    for axis, inhabitants in ((0, demand.people_a), (1, demand.people_b)):
        before = ways.served.sum(axis=1 - axis)
        after = before - np.bincount(gone[axis], minlength=len(before))
        weight = still.sum(axis=1 - axis)
        # Waits differ by whole half hours: exactly 30 minutes more is not above 30, whatever the last digit says.
        rise = np.round(np.bincount(at[axis], cost, len(before)) / np.where(weight > 0, weight, np.inf), 6)
        people += [inhabitants[m].sum() for m in (rise > 30, rise > 60, (before > 0) & (after == 0))]
    figures = [
        _ratio(cost.sum(), still.sum()),
        _ratio(ways.trips[gone].sum(), ways.trips.sum()),
        _ratio((using[at] * extra).sum(), using.sum()),
        *people,
    ]
    return dict(zip(IMPACT, map(float, figures), strict=True))


def _without(trips: NDArray[np.float64], gone: tuple[NDArray[np.int64], NDArray[np.int64]]) -> NDArray[np.float64]:
    """Return trips with those of some pairs gone: a sum over what is left, never a difference of sums."""
    left = trips.copy()
    left[gone] = 0.0
    return left


def _extra_table(ways: Ways, change: Change) -> NDArray[np.float64]:
    """Return the extra minutes of every pair, 0 where nothing changes, infinite for unserved."""
    extra = np.zeros(ways.served.shape)
    extra[change.i, change.j] = change.minutes - ways.minutes[change.i, change.j]
    return extra


def _mean_of(ways: Ways, change: Change, extra: NDArray[np.float64]) -> float:
    """Return the mean of some extra minutes over the trips that are still served after a change."""
    lost = ~np.isfinite(change.minutes)
    left = _without(ways.trips, (change.i[lost], change.j[lost]))
    return _ratio(float((left * np.where(left > 0, extra, 0.0)).sum()), float(left.sum()))


def _ratio(part: float, whole: float) -> float:
    """Return a share, NaN where there is nothing to share."""
    return float(part / whole) if whole > 0 else float("nan")
