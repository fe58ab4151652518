"""Load, queues and the equilibrium of choice and waits: by hand, by a root search, and on random borders."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy.optimize import brentq, root

from analysis.trips.choice import Choice, choose_checkpoints
from analysis.trips.demand import model_demand
from analysis.trips.load import COLUMNS, equilibrium, queue_wait
from layers.errors import NetworkError
from network.build import Network
from network.edits import set_wait
from tests.analysis.helpers import shares_by_orders
from tests.analysis.trips.test_demand import ring
from tests.borders import random_network

SEEDS = range(6)
THETA = 0.02


def waits_of(network: Network) -> pd.Series:
    return network.checkpoints.set_index("checkpoint_id")["wait_min"]


def choice_of(network: Network) -> Choice:
    return choose_checkpoints(model_demand(network), theta=THETA)


def test_a_wait_by_hand() -> None:
    found = queue_wait(np.array([0.0, 50, 100, 150]), np.full(4, 100.0), np.full(4, 40.0), a=0.5, b=2, peak_min=600)
    assert found.tolist() == pytest.approx([40, 40 * 1.125, 60, 60 + 300 * 0.5])


def test_a_wait_is_continuous_and_never_falls() -> None:
    flow = np.linspace(0, 500, 5001)
    found = queue_wait(flow, np.full(len(flow), 100.0), np.full(len(flow), 30.0))
    assert (np.diff(found) >= 0).all()
    steps = np.diff(found)
    assert steps.max() <= 0.1 * 0.5 * 1440 / 100 + 1e-9


def test_the_queue_is_the_mean_of_a_simulated_day() -> None:
    """Vehicles that come evenly and are served at the capacity: each waits for those before it."""
    capacity, peak = 250.0, 1440.0
    for ratio in (1.2, 2.3, 4.4):
        n = int(capacity * ratio)
        arrive, service = (np.arange(n) + 0.5) * peak / n, peak / capacity
        free = 0.0
        waited = []
        for t in arrive:
            begin = max(t, free)
            waited.append(begin - t)
            free = begin + service
        found = queue_wait(np.array([capacity * ratio]), np.array([capacity]), np.zeros(1), peak_min=peak)[0]
        assert found == pytest.approx(np.mean(waited), rel=0.02)


def test_an_unknown_capacity_leaves_the_wait_alone() -> None:
    assert queue_wait(np.array([1e6]), np.array([np.nan]), np.array([45.0])).tolist() == [45]


@pytest.mark.parametrize("seed", SEEDS)
def test_without_capacities_the_load_is_the_share(seed: int) -> None:
    network = random_network(seed)
    choice = choice_of(network)
    found = equilibrium(choice, waits_of(network), total_per_day=5000)
    road = np.array(choice.mode) == "road"
    share = choice.share.to_numpy()[road]
    table = found.checkpoints
    assert table.columns.tolist() == COLUMNS
    assert table["checkpoint_id"].tolist() == np.array(choice.ids)[road].tolist()
    assert table["flow_per_day"].to_numpy() == pytest.approx(5000 * share / share.sum())
    assert table["flow_free_per_day"].to_numpy() == pytest.approx(table["flow_per_day"].to_numpy())
    assert table["load_factor"].isna().all()
    assert table["wait_min"].tolist() == table["wait_free_min"].tolist()
    assert not table["bottleneck"].any()
    assert found.converged
    assert "no capacity is known" in found.notes[0]


def test_two_ways_round_settle_where_a_root_search_says() -> None:
    network = ring()
    choice = choice_of(network)
    capacity, total = 300.0, 1000.0
    free, way = np.array([20.0, 60.0]), choice.minutes[:, 0, 0]

    def wait(x: float) -> float:
        below = 20 * (1 + 0.15 * min(x / capacity, 1) ** 4)
        return below + 0.5 * 1440 * max(x / capacity - 1, 0)

    def miss(x: float) -> float:
        north, south = way[0] - 20 + wait(x), way[1]
        return total / (1 + np.exp(-THETA * (south - north))) - x

    expected = brentq(miss, 0, total, xtol=1e-9)
    found = equilibrium(
        choice, waits_of(network), total_per_day=total, capacity_per_day={"c0": capacity}, theta=THETA, tolerance=1e-9
    )
    row = found.checkpoints.set_index("checkpoint_id")
    assert found.converged
    assert row.loc["c0", "flow_per_day"] == pytest.approx(expected, rel=1e-6)
    assert row.loc["c1", "flow_per_day"] == pytest.approx(total - expected, rel=1e-6)
    assert row.loc["c0", "wait_min"] == pytest.approx(wait(expected), rel=1e-5)
    assert row.loc["c0", "load_factor"] == pytest.approx(expected / capacity, rel=1e-6)
    assert row.loc["c0", "load_factor"] > 1  # never cut
    assert row.loc["c0", "bottleneck"]
    assert np.isnan(row.loc["c1", "load_factor"])
    assert row["wait_free_min"].tolist() == free.tolist()
    assert any("1 of 2 checkpoints" in n for n in found.notes)
    assert any("more vehicles than capacity at c0" in n for n in found.notes)


@pytest.mark.parametrize("seed", SEEDS)
def test_an_equilibrium_is_what_the_choice_at_its_waits_gives(seed: int) -> None:
    """The waits of the table are put into the network, and the choice is made anew from scratch."""
    network = random_network(seed)
    choice = choice_of(network)
    ids = [i for i, m in zip(choice.ids, choice.mode, strict=True) if m == "road"]
    rng = np.random.default_rng(seed)
    capacity = dict(zip(ids, rng.uniform(100, 2000, len(ids)), strict=True))
    found = equilibrium(
        choice, waits_of(network), total_per_day=3000, capacity_per_day=capacity, theta=THETA, tolerance=1e-6
    )
    assert found.converged
    trips = choice.by_mode("road")
    waiting = network
    for row in found.checkpoints.itertuples():
        waiting = set_wait(waiting, row.checkpoint_id, row.wait_min)
    again = choice_of(waiting)
    rows = again.rows_of("road")
    split = shares_by_orders(again.minutes[rows], again.crossing[rows].tolist(), THETA)
    flow = (split * trips).sum(axis=(1, 2)) * 3000 / trips.sum()
    assert found.checkpoints["flow_per_day"].to_numpy() == pytest.approx(flow, abs=3000 * 1e-5)
    assert found.checkpoints["flow_per_day"].sum() == pytest.approx(3000)


def test_the_gap_is_told_and_falls() -> None:
    network = ring()
    found = equilibrium(
        choice_of(network), waits_of(network), total_per_day=1000, capacity_per_day={"c0": 300, "c1": 200}
    )
    table = found.rounds
    assert table.columns.tolist() == ["round", "step", "relative_gap"]
    assert table["round"].tolist() == list(range(1, len(table) + 1))
    assert table["relative_gap"].iloc[-1] <= 1e-4 < table["relative_gap"].iloc[-2]
    assert table["step"].iloc[0] == 1
    assert table["step"].is_monotonic_decreasing
    # Round 1 by hand: everybody chooses at free waits, then meets the queues.
    choice = choice_of(network)
    first = choice.share.to_numpy() * 1000
    waits = queue_wait(first, np.array([300.0, 200.0]), np.array([20.0, 60.0]))
    way = choice.minutes[:, 0, 0] - [20, 60] + waits
    wanted = 1000 * np.exp(-THETA * (way - way.min())) / np.exp(-THETA * (way - way.min())).sum()
    assert table["relative_gap"].iloc[0] == pytest.approx(np.abs(wanted - first).sum() / 1000)


def test_no_convergence_is_said() -> None:
    network = ring()
    found = equilibrium(
        choice_of(network), waits_of(network), total_per_day=1000, capacity_per_day={"c0": 30, "c1": 20}, max_rounds=2
    )
    assert not found.converged
    assert len(found.rounds) == 2
    assert any("did not settle in 2 rounds" in n for n in found.notes)


def test_a_steep_queue_falls_back_to_the_plain_logit() -> None:
    """Where waits differ by more than an exponential can hold, nobody vanishes."""
    network = ring()
    found = equilibrium(
        choice_of(network),
        waits_of(network),
        total_per_day=1e6,
        capacity_per_day={"c0": 1.0},
        theta=THETA,
        max_rounds=50,
    )
    assert found.checkpoints["flow_per_day"].sum() == pytest.approx(1e6)
    assert np.isfinite(found.checkpoints["wait_min"]).all()


def test_two_equal_ways_settle_at_equal_loads() -> None:
    """An equilibrium of two unknowns by scipy's root of the same equations, written out."""
    network = set_wait(ring(), "c1", 25.0)
    choice = choice_of(network)
    capacity, free = np.array([400.0, 250.0]), np.array([20.0, 25.0])
    way = choice.minutes[:, 0, 0]

    def miss(x: np.ndarray) -> np.ndarray:
        cost = way - free + queue_wait(x, capacity, free)
        odds = np.exp(-THETA * (cost - cost.min()))
        return np.asarray(900 * odds / odds.sum() - x)

    expected = root(miss, [500.0, 400.0], tol=1e-10).x
    found = equilibrium(
        choice,
        waits_of(network),
        total_per_day=900,
        capacity_per_day=dict(zip(["c0", "c1"], capacity, strict=True)),
        tolerance=1e-9,
    )
    assert found.checkpoints["flow_per_day"].to_numpy() == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"total_per_day": 0.0}, "a total of 0"),
        ({"capacity_per_day": {"c0": 0.0}}, "a capacity of 0"),
        ({"capacity_per_day": {"c0": np.inf}}, "a capacity of inf"),
        ({"wait_min": {"c0": 20.0}}, "no wait is known at c1"),
        ({"wait_min": {"c0": 20.0, "c1": -1.0}}, "a wait of -1"),
        ({"mode": "rail"}, "no trips by 'rail'"),
        ({"peak_min": -1.0}, "allowed are 0 or more"),
    ],
)
def test_wrong_input_is_refused(change: dict[str, object], message: str) -> None:
    network = ring()
    given: dict[str, object] = {"wait_min": waits_of(network), "total_per_day": 1000.0, **change}
    with pytest.raises(NetworkError, match=message):
        equilibrium(choice_of(network), given.pop("wait_min"), **given)  # type: ignore[arg-type]
