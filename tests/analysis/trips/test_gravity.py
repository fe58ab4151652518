"""Forms of the gravity model: by hand, against a plain loop and an optimiser, and on random borders."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.optimize import linprog, minimize_scalar

from analysis.reach.accessibility import decay
from analysis.trips.choice import choose_checkpoints
from analysis.trips.demand import model_demand
from analysis.trips.gravity import (
    DECAYS,
    FORMS,
    Decay,
    Form,
    calibrate_decay,
    deterrence,
    distribute,
    mean_minutes,
    region_flows,
)
from layers.errors import NetworkError
from tests.borders import random_network

SEEDS = range(6)
Floats = NDArray[np.float64]


def drawn(seed: int, *, ways: float = 0.8) -> tuple[Floats, Floats, Floats]:
    """Return people of both sides and minutes between them, some pairs without a way."""
    rng = np.random.default_rng(seed)
    a, b = rng.integers(3, 9, 2)
    minutes = np.where(rng.random((a, b)) < ways, rng.uniform(20, 500, (a, b)), np.inf)
    minutes[0, 0] = 60.0
    return rng.uniform(1, 100, a), rng.uniform(1, 100, b), minutes


def test_decays_by_hand() -> None:
    minutes = np.array([30.0, 60.0, np.inf])
    assert deterrence(minutes, half_life_min=30).tolist() == [0.5, 0.25, 0.0]
    assert deterrence(minutes, kind="power", power=1).tolist() == pytest.approx([1 / 30, 1 / 60, 0])
    assert deterrence(np.array([0.2, 1.0]), kind="power", power=3).tolist() == [1, 1]


@pytest.mark.parametrize("seed", SEEDS)
def test_unconstrained_is_what_the_demand_is(seed: int) -> None:
    network = random_network(seed)
    demand = model_demand(network, half_life_min=90)
    found = distribute(demand.people_a, demand.people_b, deterrence(demand.minutes, half_life_min=90))
    assert found.trips == pytest.approx(demand.trips, rel=1e-12)
    assert np.isnan(found.wanted_a).all()
    assert found.converged


def test_production_and_attraction_by_hand() -> None:
    factor = np.array([[1.0, 0.5], [0.25, 0.0]])
    sent = distribute(np.array([30.0, 10.0]), np.array([1.0, 4.0]), factor, form="production")
    assert sent.trips.tolist() == [[10, 20], [10, 0]]
    drawn_ = distribute(np.array([1.0, 4.0]), np.array([30.0, 10.0]), factor, form="attraction")
    assert drawn_.trips.tolist() == [[15, 10], [15, 0]]


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("form", ["production", "attraction"])
def test_a_constrained_side_sends_what_it_should_or_is_unserved(seed: int, form: Form) -> None:
    people_a, people_b, minutes = drawn(seed, ways=0.4)
    minutes[1] = np.inf
    minutes[:, 1] = np.inf
    found = distribute(people_a, people_b, decay(minutes), form=form)
    axis, wanted, lone = (1, people_a, found.unserved_a) if form == "production" else (0, people_b, found.unserved_b)
    assert found.trips.sum(axis=axis) + lone == pytest.approx(wanted, rel=1e-12)
    cut = ~np.isfinite(minutes).any(axis=axis)
    assert lone.tolist() == np.where(cut, wanted, 0).tolist()
    # Along a row the odds are those of weight times factor.
    pull = people_a[:, None] * people_b[None] * decay(minutes)
    share = pull / np.where(cut, 1, pull.sum(axis=axis)).reshape((-1, 1) if axis else (1, -1))
    mine = found.trips / np.where(cut, 1, wanted).reshape((-1, 1) if axis else (1, -1))
    assert mine == pytest.approx(share, rel=1e-10)


def by_entropy(o: Floats, d: Floats, f: Floats) -> Floats:
    """Return doubly constrained trips by a plain Newton iteration on the dual, independent of the fitting."""
    a, b = len(o), len(d)
    x = np.zeros(a + b)
    x[:a] = np.log(o.sum() / f.sum())
    for _ in range(200):
        trips = np.exp(x[:a, None] + x[None, a:]) * f
        gap = np.concatenate([o - trips.sum(axis=1), d - trips.sum(axis=0)])
        if np.abs(gap).max() < 1e-11 * o.sum():
            break
        jacobian = np.block([[np.diag(trips.sum(axis=1)), trips], [trips.T, np.diag(trips.sum(axis=0))]])
        step = np.linalg.lstsq(jacobian, gap, rcond=None)[0]
        x += step * min(1.0, 1.0 / np.abs(step).max())
    return trips


@pytest.mark.parametrize("seed", SEEDS)
def test_doubly_constrained_equals_newton_on_the_dual(seed: int) -> None:
    people_a, people_b, minutes = drawn(seed, ways=2.0)
    people_b = people_b * (people_a.sum() / people_b.sum())
    found = distribute(people_a, people_b, decay(minutes), form="doubly")
    assert found.converged
    assert found.margin_error <= 1e-9
    assert found.trips.sum(axis=1) == pytest.approx(people_a, rel=1e-8)
    assert found.trips.sum(axis=0) == pytest.approx(people_b, rel=1e-8)
    assert found.trips == pytest.approx(by_entropy(people_a, people_b, decay(minutes)), rel=1e-6)


def can_be_met(o: Floats, d: Floats, use: NDArray[np.bool_], *, least: float) -> bool:
    """Return whether any trips meet both margins, with at least so many over every way there is."""
    i, j = np.nonzero(use)
    rows = np.zeros((len(o) + len(d), len(i)))
    rows[i, np.arange(len(i))] = 1
    rows[len(o) + j, np.arange(len(i))] = 1
    answer = linprog(np.zeros(len(i)), A_eq=rows, b_eq=np.concatenate([o, d]), bounds=(least, None))
    return bool(answer.status == 0)


def test_margins_that_can_not_be_met_are_said_and_not_sought_for_ever() -> None:
    met = unmet = 0
    for seed in range(40):
        people_a, people_b, minutes = drawn(seed, ways=0.45)
        found = distribute(people_a, people_b, decay(minutes), form="doubly", max_rounds=3000)
        assert found.rounds <= 3000
        keep_a, keep_b = found.unserved_a == 0, found.unserved_b == 0
        wanted_a, wanted_b = found.wanted_a[keep_a], found.wanted_b[keep_b]
        assert wanted_a.sum() == pytest.approx(wanted_b.sum(), rel=1e-9)
        use = np.isfinite(minutes)[np.ix_(keep_a, keep_b)]
        # Where a way must stay empty the fitting nears the margins without end: neither is asked of it.
        if can_be_met(wanted_a, wanted_b, use, least=1e-3):
            met += 1
            assert found.converged
        elif not can_be_met(wanted_a, wanted_b, use, least=0.0):
            unmet += 1
            assert not found.converged
            assert found.margin_error > 1e-6
        assert (found.trips[~np.isfinite(minutes)] == 0).all()
        assert (found.trips[~keep_a] == 0).all()
    assert met > 3
    assert unmet > 3


def test_a_place_without_a_way_is_unserved_and_the_rest_is_met() -> None:
    factor = np.array([[1.0, 0.5, 0.0], [0.0, 0.0, 0.0], [0.5, 1.0, 0.0]])
    found = distribute(np.array([10.0, 7.0, 20.0]), np.array([15.0, 15.0, 5.0]), factor, form="doubly")
    assert found.converged
    assert found.unserved_a.tolist() == [0, 7, 0]
    assert found.unserved_b.tolist() == [0, 0, 5]
    assert found.trips.sum(axis=1).tolist() == pytest.approx([10, 0, 20])
    assert found.trips.sum(axis=0).tolist() == pytest.approx([15, 15, 0])
    table = found.margins()
    assert table.columns.tolist() == ["side", "row", "wanted_trips", "modelled_trips", "unserved_trips"]
    assert (table["modelled_trips"] + table["unserved_trips"]).tolist() == pytest.approx(table["wanted_trips"].tolist())


def test_pieces_of_the_border_are_balanced_apart() -> None:
    """Two pieces that no way joins: what one draws can't come from the other."""
    factor = np.array([[1.0, 0.0], [0.0, 1.0]])
    found = distribute(np.array([10.0, 30.0]), np.array([20.0, 20.0]), factor, form="doubly")
    assert found.converged
    assert found.trips.tolist() == [[10, 0], [0, 30]]


@pytest.mark.parametrize("form", FORMS)
def test_a_total_scales_the_trips_and_what_is_unserved_of_it(form: Form) -> None:
    people_a, people_b, minutes = drawn(3, ways=2.0)
    found = distribute(people_a, people_b, decay(minutes), form=form, total=15_100)
    assert found.trips.sum() == pytest.approx(15_100)
    minutes[0] = np.inf
    lost = distribute(people_a, people_b, decay(minutes), form=form, total=15_100)
    gone = 15_100 * people_a[0] / people_a.sum() if form in ("production", "doubly") else 0
    assert lost.trips.sum() == pytest.approx(15_100 - gone)


@pytest.mark.parametrize("kind", DECAYS)
@pytest.mark.parametrize("form", FORMS)
def test_calibration_finds_the_decay_that_made_the_mean(kind: Decay, form: Form) -> None:
    for seed in SEEDS:
        people_a, people_b, minutes = drawn(seed, ways=2.0)
        value = {"exponential": 75.0, "power": 1.3}[kind]
        factor = deterrence(minutes, kind=kind, half_life_min=value, power=value)
        observed = mean_minutes(distribute(people_a, people_b, factor, form=form).trips, minutes)
        assert calibrate_decay(people_a, people_b, minutes, observed, form=form, kind=kind) == pytest.approx(
            value, rel=1e-4
        )


def test_calibration_equals_a_search_by_least_squares() -> None:
    people_a, people_b, minutes = drawn(4)
    found = calibrate_decay(people_a, people_b, minutes, 150.0)

    def miss(half_life: float) -> float:
        trips = people_a[:, None] * people_b[None] * np.exp(-np.log(2) / half_life * minutes)
        some = np.isfinite(minutes)
        return float(((trips[some] * minutes[some]).sum() / trips[some].sum() - 150) ** 2)

    other = minimize_scalar(miss, bounds=(1, 5000), method="bounded", options={"xatol": 1e-6}).x
    assert found == pytest.approx(other, rel=1e-3)


def test_a_mean_that_no_decay_gives_is_refused() -> None:
    people_a, people_b, minutes = drawn(2)
    reached = minutes[np.isfinite(minutes)]
    with pytest.raises(NetworkError, match="take less than about"):
        calibrate_decay(people_a, people_b, minutes, float(reached.min()) - 1)
    with pytest.raises(NetworkError, match="take more than about"):
        calibrate_decay(people_a, people_b, minutes, float(reached.max()) + 1)


def test_the_demand_takes_other_trips() -> None:
    demand = model_demand(random_network(0))
    found = distribute(demand.people_a, demand.people_b, deterrence(demand.minutes), form="production", total=900)
    other = demand.with_trips(found.trips)
    assert other.trips.sum() == pytest.approx(1)
    assert other.trips == pytest.approx(found.trips / found.trips.sum(), rel=1e-12)
    assert choose_checkpoints(other).trips.sum() == pytest.approx(1)
    sent = other.trips.sum(axis=1)
    assert sent[sent > 0] == pytest.approx(demand.people_a[sent > 0] / demand.people_a[sent > 0].sum(), rel=1e-9)


def test_trips_that_do_not_fit_the_demand_are_refused() -> None:
    demand = model_demand(random_network(1))
    with pytest.raises(NetworkError, match="of shape"):
        demand.with_trips(np.ones((1, 1)))
    with pytest.raises(NetworkError, match="negative or unknown"):
        demand.with_trips(-demand.trips)
    with pytest.raises(NetworkError, match="no trips at all"):
        demand.with_trips(0 * demand.trips)
    shut = np.argwhere(~np.isfinite(demand.minutes))
    for i, j in shut[:1]:
        trips = demand.trips.copy()
        trips[i, j] = 1
        with pytest.raises(NetworkError, match="no way across"):
            demand.with_trips(trips)


@pytest.mark.parametrize("seed", SEEDS)
def test_trips_between_regions_by_a_loop(seed: int) -> None:
    network = random_network(seed)
    demand = model_demand(network)
    table = region_flows(network, demand, total_per_day=1000)
    codes = network.settlements["region"].to_numpy()
    expected: dict[tuple[str, str], list[float]] = {}
    for i, j in np.ndindex(demand.trips.shape):
        if demand.trips[i, j] > 0:
            cell = expected.setdefault((codes[demand.a[i]], codes[demand.b[j]]), [0.0, 0.0])
            cell[0] += demand.trips[i, j]
            cell[1] += demand.trips[i, j] * demand.minutes[i, j]
    assert len(table) == len(expected)
    for row in table.itertuples():
        share, weighted = expected[row.region_a, row.region_b]
        assert row.trips_share == pytest.approx(share)
        assert row.flow_per_day == pytest.approx(1000 * share)
        assert row.mean_time_min == pytest.approx(weighted / share)
    assert table["trips_share"].is_monotonic_decreasing
    assert region_flows(network, demand)["flow_per_day"].isna().all()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"form": "triply"}, "a gravity model 'triply'"),
        ({"total": 0.0}, "allowed is more than 0"),
        ({"origins": np.array([1.0, -1.0])}, "origins that are negative"),
        ({"factor": np.ones((3, 2))}, "factors of shape"),
        ({"factor": np.zeros((2, 2))}, "no trip is possible"),
    ],
)
def test_wrong_margins_are_refused(change: dict[str, object], message: str) -> None:
    given: dict[str, object] = {"origins": np.ones(2), "destinations": np.ones(2), "factor": np.ones((2, 2)), **change}
    with pytest.raises(NetworkError, match=message):
        distribute(**given)  # type: ignore[arg-type]


def test_wrong_decays_are_refused() -> None:
    with pytest.raises(NetworkError, match="a decay 'linear'"):
        deterrence(np.ones(1), kind="linear")  # type: ignore[arg-type]
    with pytest.raises(NetworkError, match="a power of 0"):
        deterrence(np.ones(1), kind="power", power=0)
