"""The best sets against every set there is; the proof proves."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest

from analysis.planning.sites.choose import Master, choose_sites, front, prove
from analysis.planning.sites.sets import Choice, Gains, Limits
from layers.errors import NetworkError


def instance(seed: int, *, clients: int = 60, sites: int = 9) -> tuple[Gains, np.ndarray, np.ndarray]:
    """Return random gains, most of them 0, their table, and km."""
    rng = np.random.default_rng(seed)
    table = rng.gamma(1.0, 10.0, (clients, sites)) * (rng.random((clients, sites)) < 0.4)
    table *= rng.gamma(0.5, 1.0, (clients, 1))
    return Gains.of(table, rng.integers(0, 7, clients)), table, rng.uniform(0, 40, sites) * (rng.random(sites) < 0.8)


def every_set(table: np.ndarray, km: np.ndarray, limits: Limits) -> float:
    """Return the best value over all sets."""
    best = 0.0
    for n in range(1, limits.count + 1):
        for chosen in combinations(range(table.shape[1]), n):
            if set(limits.must) <= set(chosen) and km[list(chosen)].sum() <= limits.budget_km:
                best = max(best, float(table[:, chosen].max(axis=1).sum()))
    return best


@pytest.mark.parametrize("seed", range(12))
def test_the_proven_set_is_the_best_of_all(seed: int) -> None:
    gains, table, km = instance(seed)
    for limits in (Limits(1), Limits(3), Limits(4, km, 45.0), Limits(3, km, np.inf, (0, 5))):
        found = prove(gains, limits)
        best = every_set(table, km if limits.km is not None else np.zeros(len(km)), limits)
        assert found.value == pytest.approx(best, rel=1e-9)
        assert found.bound == pytest.approx(best, rel=3e-6)
        assert found.proven
        assert set(limits.must) <= set(found.sites)
        assert len(found.sites) <= limits.count
        quick = choose_sites(gains, limits)
        assert quick.value <= best * (1 + 1e-9)
        assert quick.value >= best * 0.63


@pytest.mark.parametrize("seed", range(6))
def test_the_front_is_every_set_that_no_other_beats(seed: int) -> None:
    gains, table, km = instance(seed, sites=7)
    km = km + 1.0  # no set is free
    points = {}
    for n in range(4):
        for chosen in combinations(range(7), n):
            points[chosen] = (
                float(km[list(chosen)].sum()),
                float(table[:, chosen].max(axis=1).sum()) if chosen else 0.0,
            )
    expected = sorted(
        {p for p in points.values() if not any(q[0] <= p[0] and q[1] >= p[1] and q != p for q in points.values())},
        reverse=True,
    )
    found = front(gains, km, count=3, most=200)
    assert [(pytest.approx(float(km[list(c.sites)].sum())), pytest.approx(c.value)) for c in found] == expected
    assert all(c.proven for c in found)


def test_the_bound_holds_at_any_point() -> None:
    """A cut is no less than the value of any set, and equal at its own."""
    gains, table, _ = instance(3)
    master = Master.of(gains)
    rng = np.random.default_rng(0)
    for _ in range(20):
        at = rng.random(9) * (rng.random(9) < 0.5)
        coefficients, constant, _ = master.cut(at)
        for chosen in combinations(range(9), 2):
            y = np.zeros(9)
            y[list(chosen)] = 1
            by_origin = np.bincount(gains.origin, table[:, chosen].max(axis=1), master.groups)
            assert (constant + coefficients @ y >= by_origin - 1e-9).all()
            if set(np.flatnonzero(at == 1)) == set(chosen):
                assert constant + coefficients @ y == pytest.approx(by_origin)


def test_cuts_serve_other_limits() -> None:
    gains, table, km = instance(5)
    master = Master.of(gains)
    for budget in (100.0, 60.0, 30.0):
        limits = Limits(4, km, budget)
        assert prove(gains, limits, master=master).value == pytest.approx(every_set(table, km, limits))
    with pytest.raises(NetworkError, match="cuts of other gains"):
        prove(instance(6)[0], Limits(2), master=master)


def test_what_can_not_be_kept_is_refused() -> None:
    gains, _, km = instance(1)
    for limits, message in (
        (Limits(0), "allowed is 1 or more"),
        (Limits(1, must=(1, 2)), "1 sites of which 2 are given"),
        (Limits(3, km + 10, 5.0, (1,)), "need more than 5 km"),
    ):
        with pytest.raises(NetworkError, match=message):
            choose_sites(gains, limits)
    with pytest.raises(NetworkError, match="negative or unknown"):
        Gains.of(np.array([[np.nan]]))
    empty = prove(Gains.of(np.zeros((3, 2))), Limits(2))
    assert (empty.value, empty.bound, empty.proven) == (0.0, 0.0, True)
    assert not Choice((1,), 10.0).proven
