"""Decays of the pull of a place: by hand, against PySAL's `access`, and what is refused."""

from __future__ import annotations

import doctest
from types import ModuleType

import numpy as np
import pytest

import analysis.reach.accessibility
import analysis.reach.catchments
import analysis.reach.decays
import analysis.reach.opportunities
from analysis.reach.decays import (
    DECAYS,
    HALF_LIFE_MIN,
    Decay,
    cumulative,
    decay,
    decay_named,
    exponential,
    gaussian,
    power,
    self_time_min,
    zones,
)
from layers.errors import NetworkError

ALL = [exponential(60.0), power(1.5, 10.0), gaussian(60.0), cumulative(60.0), zones({30: 1.0, 60: 0.68, 120: 0.22})]


@pytest.mark.parametrize(
    "module",
    [analysis.reach.decays, analysis.reach.accessibility, analysis.reach.opportunities, analysis.reach.catchments],
)
def test_the_examples_run(module: ModuleType) -> None:
    failed, tried = doctest.testmod(module)
    assert tried > 3
    assert failed == 0


@pytest.mark.parametrize("fades", ALL)
def test_a_decay_falls_from_one_to_nothing(fades: Decay) -> None:
    minutes = np.linspace(0, 600, 1201)
    weight = fades(minutes)
    assert weight[0] == 1
    assert (np.diff(weight) <= 0).all()
    assert (weight >= 0).all()
    assert weight[-1] < weight[0]
    assert fades(np.array([[np.inf, 5.0]])).shape == (1, 2)
    assert fades(np.array([np.inf]))[0] == 0


def test_by_hand() -> None:
    minutes = np.array([0.0, 30.0, 60.0, 90.0])
    assert exponential(30.0)(minutes).tolist() == [1, 0.5, 0.25, 0.125]
    assert exponential(30.0)(minutes) == pytest.approx(np.exp(-np.log(2) / 30 * minutes))
    assert power(1.0, 30.0)(minutes).tolist() == pytest.approx([1, 1, 0.5, 1 / 3])
    assert gaussian(30.0)(minutes).tolist() == pytest.approx(np.exp([0, -0.5, -2, -4.5]).tolist())
    assert cumulative(60.0)(minutes).tolist() == [1, 1, 1, 0]
    assert zones({60.0: 0.5, 30.0: 1.0})(minutes).tolist() == [1, 1, 0.5, 0]


def test_the_same_as_the_weights_of_access() -> None:
    from access import weights

    minutes = np.random.default_rng(1).uniform(0, 200, 300)
    steps = {20: 1.0, 40: 0.68, 60: 0.22}
    pairs = [
        (gaussian(40.0), weights.gaussian(40.0)),
        (power(1.7, 12.0), weights.gravity(scale=12.0, alpha=-1.7, min_dist=12.0)),
        (zones(steps), weights.step_fn(steps)),
        (cumulative(45.0), weights.step_fn({45.0: 1})),
    ]
    for ours, theirs in pairs:
        assert ours(minutes) == pytest.approx([theirs(t) for t in minutes], rel=1e-12)


def test_the_old_decay_is_the_exponential() -> None:
    minutes = np.array([0.0, 45.0, np.inf])
    assert decay(minutes).tolist() == exponential(HALF_LIFE_MIN)(minutes).tolist()
    assert analysis.reach.accessibility.decay is decay
    assert analysis.reach.accessibility.HALF_LIFE_MIN == HALF_LIFE_MIN == 120


@pytest.mark.parametrize("value", [0.0, -1.0, float("nan"), float("inf")])
def test_what_is_not_positive_is_refused(value: float) -> None:
    for make in (
        lambda: exponential(value),
        lambda: power(value, 10.0),
        lambda: power(1.0, value),
        lambda: gaussian(value),
        lambda: cumulative(value),
        lambda: zones({value: 1.0}),
        lambda: self_time_min(np.ones(1), value),
    ):
        with pytest.raises(NetworkError, match="allowed"):
            make()


@pytest.mark.parametrize("given", [{}, {30: 0.5, 60: 0.6}, {30: 1.5}, {30: -0.1}, {30: float("nan")}])
def test_zones_that_are_none_are_refused(given: dict[float, float]) -> None:
    with pytest.raises(NetworkError, match="that does not rise"):
        zones(given)


def test_a_decay_by_its_name() -> None:
    minutes = np.array([0.0, 20.0, 90.0])
    assert decay_named("gaussian", sigma_min=30.0)(minutes).tolist() == gaussian(30.0)(minutes).tolist()
    assert decay_named("zones", weights={30: 1.0})(minutes).tolist() == [1, 1, 0]
    assert decay_named("exponential")(minutes).tolist() == decay(minutes).tolist()
    with pytest.raises(NetworkError, match="'linear' is unknown: allowed are exponential, power"):
        decay_named("linear")
    with pytest.raises(NetworkError, match="'power' with sigma: allowed are exponent, from_min"):
        decay_named("power", sigma=1.0)
    assert set(DECAYS) == {"exponential", "power", "gaussian", "cumulative", "zones"}


def test_the_time_within_a_place_by_hand() -> None:
    """A circle of 10 km radius at 40 km/h: half the radius takes 7.5 minutes."""
    area = np.array([np.pi * 100, 0.0, np.nan])
    assert self_time_min(area, 40.0).tolist() == pytest.approx([7.5, 0, np.nan], nan_ok=True)
    with pytest.raises(NetworkError, match="allowed is 0 or more"):
        self_time_min(np.array([-1.0]))
    with pytest.raises(NetworkError, match="allowed is 0 or more"):
        self_time_min(np.array([np.inf]))
