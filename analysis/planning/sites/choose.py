"""The best set of sites: greedy with exchange, and the proven optimum by Benders cuts on scipy's HiGHS.

A client (a pair of places, or a place) takes the best chosen site, so that a set is worth Σ over clients of the largest
gain in it: a p-median. Cuts per origin after Durán-Mateluna, Alès & Elloumi (2023, European Journal of Operational
Research); the cut of a client at y is g_r + Σ_{j<r} (g_j − g_r)·y_j, with its sites by falling gain and r the first at
which Σ y reaches 1. Greedy is within 63 % of the optimum at the worst (Nemhauser, Wolsey & Fisher 1978), and the
exchange nearly always closes what is left; the gap says so.
"""

from __future__ import annotations

import time
from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import Bounds, LinearConstraint, linprog, milp
from scipy.sparse import csr_array, hstack, vstack

from analysis.planning.sites.sets import TOLERANCE, Choice, Gains, Limits
from layers.errors import NetworkError

MOST_ROUNDS = 200
STEP_KM = 0.01
"""Budgets of a front fall below the last set's km by so much: more than a solver's tolerance, less than anybody
measures."""


def choose_sites(gains: Gains, limits: Limits) -> Choice:
    """Return the set that greedy with exchange finds.

    Raises
    ------
    NetworkError
        The sites that must be in it are too many or beyond the budget.
    """
    _check(gains, limits)
    return _exchanged(gains, limits, _greedy(gains, limits))


def _check(gains: Gains, limits: Limits) -> None:
    """Refuse limits that nothing can keep."""
    if limits.count < 1 or len(limits.must) > limits.count or any(not 0 <= m < gains.sites for m in limits.must):
        raise NetworkError(
            f"{limits.count} sites of which {len(limits.must)} are given: allowed is 1 or more, the given ones "
            "among them"
        )
    if limits.left_km(limits.must) < -1e-9:
        raise NetworkError(
            f"the given sites need more than {limits.budget_km:g} km of road: allowed is a budget that holds them"
        )


def _greedy(gains: Gains, limits: Limits) -> list[int]:
    """Return the sites that add most, one after the other."""
    chosen = list(limits.must)
    best = gains.best(chosen)
    while len(chosen) < limits.count:
        added = np.where(limits.fitting(chosen, gains.sites), gains.added(best), -1.0)
        k = int(added.argmax())
        if added[k] <= 0:
            break
        chosen.append(k)
        best = np.maximum(best, gains.best([k]))
    return chosen


def _exchanged(gains: Gains, limits: Limits, chosen: list[int]) -> Choice:
    """Return a set in which no exchange of one site for another helps."""
    value = gains.value(chosen)
    for _ in range(MOST_ROUNDS):
        moves = []
        for out in [k for k in chosen if k not in limits.must]:  # a handful: a pass over the entries each
            rest = [k for k in chosen if k != out]
            best = gains.best(rest)
            added = np.where(limits.fitting(rest, gains.sites), gains.added(best), -1.0)
            moves.append((float(best.sum() + added.max()), rest, int(added.argmax())))
        top = max(moves, key=lambda m: m[0], default=(value, chosen, -1))
        if not top[0] > value * (1 + 1e-12):
            break
        value, chosen = top[0], [*top[1], top[2]]
    grown = _greedy(gains, Limits(limits.count, limits.km, limits.budget_km, tuple(chosen)))
    return Choice(tuple(sorted(grown)), gains.value(grown))


@dataclass
class Master:
    """The cuts of a problem, which serve every limit on it: build it with `Master.of`.

    Attributes
    ----------
    rows, bounds
        Cuts θ_o − Σ c·y ≤ constant.
    """

    gains: Gains
    client: NDArray[np.int64]
    site: NDArray[np.int64]
    gain: NDArray[np.float64]
    start: NDArray[np.int64]
    groups: int
    rows: list[csr_array] = field(default_factory=list)
    bounds: list[NDArray[np.float64]] = field(default_factory=list)

    @classmethod
    def of(cls, gains: Gains) -> Master:
        """Return the problem without any cut: entries by client and falling gain."""
        order = np.lexsort((gains.site, -gains.gain, gains.client))
        client = gains.client[order]
        start = np.flatnonzero(np.r_[True, client[1:] != client[:-1]]) if len(client) else np.empty(0, np.int64)
        _, group = np.unique(gains.origin, return_inverse=True)
        return cls(
            Gains(gains.client, gains.site, gains.gain, np.asarray(group, np.int64), gains.sites),
            client,
            gains.site[order],
            gains.gain[order],
            start,
            int(group.max()) + 1 if len(group) else 0,
        )

    @property
    def cuts(self) -> int:
        """How many cuts there are."""
        return sum(r.shape[0] for r in self.rows)

    def cut(self, y: NDArray[np.float64]) -> tuple[csr_array, NDArray[np.float64], NDArray[np.float64]]:
        """Return the cuts at a point.

        Coefficients by origin and site, constants, and what they say of each origin there.
        """
        n = len(self.client)
        if not n:
            return csr_array((self.groups, self.gains.sites)), np.zeros(self.groups), np.zeros(self.groups)
        weight = y[self.site]
        total = np.cumsum(weight)
        number = np.cumsum(np.isin(np.arange(n), self.start)) - 1
        base = np.r_[0.0, total][self.start][number]
        reached = total - base >= 1 - 1e-9
        # The first of a client at which the sum reaches 1; where none does the client's last gain is 0.
        first = np.full(len(self.start), n)
        np.minimum.at(first, number[reached], np.flatnonzero(reached))
        last = np.where(first < n, self.gain[np.minimum(first, n - 1)], 0.0)
        before = np.arange(n) < first[number]
        origin = self.gains.origin[self.client]
        # In double precision a difference of equal gains may be a hair below 0.
        slope = np.maximum(self.gain - last[number], 0.0)[before]
        flat = np.bincount(origin[before] * self.gains.sites + self.site[before], slope, self.groups * self.gains.sites)
        coefficients = flat.reshape(self.groups, self.gains.sites)
        constant = np.bincount(origin[self.start], last, self.groups)
        return csr_array(coefficients), np.asarray(constant, float), constant + coefficients @ y

    def add(self, y: NDArray[np.float64], theta: NDArray[np.float64] | None = None, least: float = 0.0) -> int:
        """Add the cuts at a point that θ passes, all where it is not given; return how many."""
        coefficients, constant, note = self.cut(y)
        keep = np.flatnonzero(theta > note + least) if theta is not None else np.arange(self.groups)
        if len(keep):
            unit = csr_array((np.ones(len(keep)), (np.arange(len(keep)), keep)), shape=(len(keep), self.groups))
            self.rows.append(csr_array(hstack([-coefficients[keep], unit])))
            self.bounds.append(constant[keep])
        return len(keep)


def prove(gains: Gains, limits: Limits, *, master: Master | None = None, seconds: float = 300.0) -> Choice:
    """Return the best set and a bound on every other: gap 0 where it is proven.

    Parameters
    ----------
    master
        Cuts of the same gains, from a problem with other limits.
    seconds
        After which the best set so far and its bound are returned.
    """
    start = time.perf_counter()
    best = choose_sites(gains, limits)
    if not len(gains.gain) or not (limits.fitting(limits.must, gains.sites).any() or limits.must):
        return Choice(best.sites, 0.0, 0.0)
    master = master or Master.of(gains)
    scale = 1.0 / max(float(gains.best(range(gains.sites)).sum()), 1e-300)
    # Below this a difference is rounding, even where the best allowed set brings nothing.
    nothing = 1e-9 / scale
    if master.gains.gain is not gains.gain and not np.array_equal(master.gains.gain, gains.gain):
        raise NetworkError("cuts of other gains: allowed are those of the same problem")
    master.add(_indicator(best.sites, gains.sites))
    low, high, bound = _bounds_of(gains.sites, limits)
    # The relaxation first: its cuts make the integer problem small, and its reduced costs rule sites out.
    for _ in range(MOST_ROUNDS):
        found = _relaxed(master, limits, low, high, scale)
        y, theta = found.x[: gains.sites], found.x[gains.sites :] / scale
        bound = min(bound, -found.fun / scale)
        dear = found.lower.marginals[: gains.sites] / scale
        high = np.where((bound - dear < best.value * (1 - TOLERANCE)) & (y < 1e-9) & (low < 1), 0.0, high)
        if bound <= best.value * (1 + TOLERANCE) + nothing or time.perf_counter() - start > seconds:
            break
        if not master.add(y, theta, least=TOLERANCE * best.value / max(master.groups, 1) / 10):
            break
    while bound > best.value * (1 + TOLERANCE) + nothing and time.perf_counter() - start < seconds:
        left = max(seconds - (time.perf_counter() - start), 1.0)
        result = _whole(master, limits, low, high, scale, left)
        if result.x is None:
            break
        bound = min(bound, (-result.mip_dual_bound if result.mip_dual_bound is not None else -result.fun) / scale)
        chosen = tuple(int(k) for k in np.flatnonzero(result.x[: gains.sites] > 0.5))
        value = gains.value(chosen)
        if value > best.value:
            best = Choice(chosen, value)
        if bound <= best.value * (1 + TOLERANCE) + nothing:
            break
        if not master.add(_indicator(chosen, gains.sites), result.x[gains.sites :] / scale, least=1e-12 * best.value):
            break
    bound = best.value if bound <= best.value + nothing else bound
    return Choice(best.sites, best.value, bound, master.cuts, time.perf_counter() - start)


def _indicator(chosen: Collection[int], sites: int) -> NDArray[np.float64]:
    """Return a set as zeros and ones."""
    out = np.zeros(sites)
    out[list(chosen)] = 1.0
    return out


def _bounds_of(sites: int, limits: Limits) -> tuple[NDArray[np.float64], NDArray[np.float64], float]:
    """Return the least and largest y, and a bound that says nothing."""
    low, high = np.zeros(sites), np.ones(sites)
    low[list(limits.must)] = 1.0
    return low, high, float("inf")


def _problem(
    master: Master, limits: Limits, scale: float
) -> tuple[NDArray[np.float64], csr_array, NDArray[np.float64]]:
    """Return costs, rows and right sides of the master, θ in shares of the whole."""
    n, g = master.gains.sites, master.groups
    cost = np.r_[np.zeros(n), -np.ones(g)]
    cuts = csr_array(vstack(master.rows))
    # θ is scaled: so are the cuts' coefficients of y and their right sides.
    parts = csr_array(hstack([cuts[:, :n] * scale, cuts[:, n:]]))
    more = [np.r_[np.ones(n), np.zeros(g)]]
    right = [float(limits.count)]
    if limits.km is not None and np.isfinite(limits.budget_km):
        more.append(np.r_[limits.km, np.zeros(g)])
        right.append(limits.budget_km)
    return (
        cost,
        csr_array(vstack([parts, csr_array(np.array(more))])),
        np.r_[np.concatenate(master.bounds) * scale, right],
    )


def _relaxed(master: Master, limits: Limits, low: NDArray[np.float64], high: NDArray[np.float64], scale: float) -> Any:
    """Solve the relaxation."""
    cost, rows, right = _problem(master, limits, scale)
    bounds = np.c_[np.r_[low, np.zeros(master.groups)], np.r_[high, np.full(master.groups, 1.0)]]
    return linprog(cost, A_ub=rows, b_ub=right, bounds=bounds, method="highs")


def _whole(
    master: Master, limits: Limits, low: NDArray[np.float64], high: NDArray[np.float64], scale: float, seconds: float
) -> Any:
    """Solve the problem in whole sites."""
    cost, rows, right = _problem(master, limits, scale)
    n, g = master.gains.sites, master.groups
    return milp(
        cost,
        constraints=LinearConstraint(rows, -np.inf, right),
        integrality=np.r_[np.ones(n), np.zeros(g)],
        bounds=Bounds(np.r_[low, np.zeros(g)], np.r_[high, np.ones(g)]),
        options={"mip_rel_gap": TOLERANCE / 10, "time_limit": seconds},
    )


def front(
    gains: Gains,
    km: NDArray[np.float64],
    *,
    count: int,
    must: tuple[int, ...] = (),
    most: int = 30,
    seconds: float = 300.0,
) -> list[Choice]:
    """Return the sets of which none is worth more for as few km of missing road.

    Exact, by a falling budget on one pool of cuts.

    From the best set of any length down to the one that needs no road, at most `most` of them.
    """
    master, budget = Master.of(gains), float("inf")
    out: list[Choice] = []
    begin = time.perf_counter()
    while len(out) < most:
        found = prove(
            gains,
            Limits(count, km, budget, must),
            master=master,
            seconds=max(seconds - (time.perf_counter() - begin), 1.0),
        )
        # Of sets worth the same the one with the fewest km: without a site that adds nothing.
        lean = tuple(
            k
            for k in found.sites
            if k in must or gains.value([m for m in found.sites if m != k]) < found.value * (1 - 1e-12)
        )
        out.append(Choice(lean, found.value, found.bound, found.cuts, found.seconds))
        used = float(km[list(lean)].sum())
        least = float(km[list(must)].sum()) if must else 0.0
        if used <= least + 1e-9 or not lean:
            break
        budget = used - STEP_KM
    return out
