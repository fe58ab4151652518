"""Closures of single checkpoints against a network closed and routed from scratch."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from analysis.criticality import COLUMNS, close_each
from analysis.flows import Choice, Demand, choose_checkpoints, model_demand
from network.build import Network
from network.edits import set_open
from network.routing import compile_router
from tests.analysis.helpers import PLAIN, drawn_land, network_of
from tests.borders import edges_of, random_network

SEEDS = range(6)
THETA = 0.02


def closures(network: Network) -> tuple[Demand, Choice, pd.DataFrame]:
    demand = model_demand(network)
    choice = choose_checkpoints(demand, theta=THETA)
    return demand, choice, close_each(demand, choice)


def ratio(part: float, whole: float) -> float:
    return part / whole if whole else float("nan")


@pytest.mark.parametrize("seed", SEEDS)
def test_a_closure_costs_what_routing_anew_says(seed: int) -> None:
    network = random_network(seed)
    demand, choice, found = closures(network)
    assert found.columns.tolist() == COLUMNS
    nodes = network.settlements["node"].to_numpy()
    told = 0
    for mode, row in zip(choice.mode, found.itertuples(), strict=True):
        a, b = nodes[demand.a], nodes[demand.b]
        before = compile_router(network, mode).table(a, b, "actual_min")  # type: ignore[arg-type]
        closed = set_open(network, [row.checkpoint_id], False)
        after = compile_router(closed, mode).table(a, b, "actual_min")  # type: ignore[arg-type]
        cost = trips = lost = of_mode = users = users_cost = 0.0
        k = choice.ids.index(row.checkpoint_id)
        for i, j in np.ndindex(before.shape):
            if np.isinf(before[i, j]):
                continue
            of_mode += demand.trips[i, j]
            if np.isinf(after[i, j]):
                lost += demand.trips[i, j]
                continue
            extra = after[i, j] - before[i, j]
            cost, trips = cost + demand.trips[i, j] * extra, trips + demand.trips[i, j]
            users, users_cost = users + choice.trips[k, i, j], users_cost + choice.trips[k, i, j] * extra
        expected = [ratio(cost, trips), ratio(lost, of_mode), ratio(users_cost, users)]
        numbers = [row.criticality_min, row.unserved_share, row.extra_users_min]
        assert numbers == pytest.approx(expected, rel=1e-6, abs=1e-9, nan_ok=True)
        assert row.share == pytest.approx(choice.trips[k].sum())
        told += bool(trips) and cost > 0
    assert told


@pytest.mark.parametrize("seed", SEEDS)
def test_the_fallback_is_who_gains_most_in_a_choice_without_the_closed_one(seed: int) -> None:
    demand, choice, found = closures(random_network(seed))
    for k, row in enumerate(found.itertuples()):
        gained = dict.fromkeys((i for i in choice.ids if i != row.checkpoint_id), 0.0)
        for i, j in np.ndindex(demand.trips.shape):
            odds = {
                name: np.exp(-THETA * choice.minutes[n, i, j])
                for n, name in enumerate(choice.ids)
                if name != row.checkpoint_id
            }
            total = sum(odds.values())
            for n, name in enumerate(choice.ids):
                if name != row.checkpoint_id and total > 0:
                    gained[name] += demand.trips[i, j] * odds[name] / total - choice.trips[n, i, j]
        best = max(gained, key=lambda n: gained[n], default="")
        if not gained or gained[best] <= 1e-15:
            assert row.fallback == ""
            assert np.isnan(row.fallback_share)
            continue
        assert gained[row.fallback] == pytest.approx(gained[best], rel=1e-6)
        assert row.fallback_share == pytest.approx(gained[best] / choice.trips[k].sum(), rel=1e-6)


def one_road(posts: int, waits: list[float]) -> Network:
    """Return one road over the line with checkpoints beside one another at it."""
    nodes = [(-60.0, 0.0), (60.0, 0.0)]
    return network_of(drawn_land(nodes, [(0, 1)], [(0.0, 0.1 * i) for i in range(posts)], nodes, waits=waits))


def test_a_single_checkpoint_takes_everybody_with_it() -> None:
    _, _, found = closures(one_road(1, [30.0]))
    row = found.iloc[0]
    assert row["share"] == pytest.approx(1)
    assert row["unserved_share"] == pytest.approx(1)
    assert np.isnan(row["criticality_min"])
    assert np.isnan(row["extra_users_min"])
    assert row["fallback"] == ""
    assert np.isnan(row["fallback_share"])


def test_parallel_gates_of_one_crossing_stand_in_for_each_other() -> None:
    network = one_road(2, [30.0, 30.0])
    assert network.checkpoints["crossings"].nunique() == 1
    _, _, found = closures(network)
    assert found["share"].tolist() == pytest.approx([0.5, 0.5])
    assert found["criticality_min"].tolist() == pytest.approx([0, 0], abs=1e-12)
    assert found["unserved_share"].tolist() == [0, 0]
    assert found["fallback"].tolist() == ["c1", "c0"]
    assert found["fallback_share"].tolist() == pytest.approx([1, 1])


def test_the_faster_of_two_gates_is_missed_by_the_difference_of_waits() -> None:
    _, _, found = closures(one_road(2, [30.0, 75.0]))
    assert found["criticality_min"].tolist() == pytest.approx([45, 0])
    assert found["extra_users_min"].tolist() == pytest.approx([45, 0])


def test_a_closed_railway_is_no_answer_to_a_closed_road() -> None:
    """A closure is felt by the trips of its own mode; the fallback may be of the other."""
    nodes = [(-60.0, 0.0), (60.0, 0.0)]
    rails = edges_of(PLAIN, nodes, [(0, 1)], "railways")
    land = drawn_land(
        nodes, [(0, 1)], [(0.0, 0.0), (0.0, 0.0)], nodes, waits=[30.0, 40.0], railways=rails, modes=["road", "rail"]
    )
    _, choice, found = closures(network_of(land))
    assert choice.mode == ["road", "rail"]
    assert found["unserved_share"].tolist() == pytest.approx([1, 1])
    assert found["fallback"].tolist() == ["c1", "c0"]
    assert found["fallback_share"].tolist() == pytest.approx([1, 1])
    assert found["share"].sum() == pytest.approx(1)
