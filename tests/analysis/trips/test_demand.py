"""Modelled demand and the choice of checkpoint: by hand, and against the router's own paths."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from analysis.trips.choice import choose_checkpoints, logit
from analysis.trips.demand import model_demand
from layers.errors import NetworkError
from network.build import Network
from network.edits import set_open, set_wait
from network.modes import Mode
from network.routing import compile_router
from tests.analysis.helpers import PLAIN, drawn_land, drive_min, network_of
from tests.borders import ROUNDED, edges_of, random_network

SEEDS = range(6)
THETA = 0.03


@pytest.mark.parametrize("seed", SEEDS)
def test_demand_is_a_share_of_the_whole(seed: int) -> None:
    network = random_network(seed)
    demand = model_demand(network)
    assert demand.trips.sum() == pytest.approx(1, abs=1e-12)
    assert (demand.trips >= 0).all()
    towns = network.settlements
    for side, rows in (("a", demand.a), ("b", demand.b)):
        assert rows.tolist() == np.flatnonzero((towns["side"] == side) & (towns["population"] > 0)).tolist()


TOWNS = [(-120.0, 0.0), (-40.0, 0.0), (30.0, 0.0), (90.0, 0.0)]


def two_by_two() -> Network:
    """Return two towns on each side of one road with a wait of three quarters of an hour."""
    return network_of(
        drawn_land(
            TOWNS,
            [(0, 1), (1, 2), (2, 3)],
            [(0.0, 0.0)],
            TOWNS,
            waits=[45.0],
            population=[100_000, 20_000, 50_000, 300_000],
        )
    )


def test_gravity_of_two_by_two_by_hand() -> None:
    network = two_by_two()
    demand = model_demand(network, half_life_min=60)
    pull = np.array(
        [
            [p * q * 0.5 ** ((drive_min(*TOWNS[i : j + 1]) + 45) / 60) for j, q in ((2, 50_000), (3, 300_000))]
            for i, p in ((0, 100_000), (1, 20_000))
        ]
    )
    # By half a thousandth of a minute for each link of a way, and as much in the sum.
    off = 2 * float(np.log(2)) / 60 * ROUNDED * len(network.links)
    assert demand.trips == pytest.approx(pull / pull.sum(), rel=off)
    choice = choose_checkpoints(demand)
    assert choice.ids == ["c0"]
    assert choice.share.tolist() == pytest.approx([1.0])


def test_only_the_largest_places_are_taken_where_there_are_too_many() -> None:
    demand = model_demand(two_by_two(), max_places=1)
    assert (demand.a.tolist(), demand.b.tolist()) == ([0], [3])
    assert demand.trips.tolist() == [[1.0]]


def test_shares_of_a_logit_by_hand() -> None:
    minutes = np.array([[[10.0, np.inf, np.inf]], [[30.0, 5.0, np.inf]], [[np.inf, 5.0, np.inf]]])
    found = logit(minutes, 0.05)
    odds = np.exp(-0.05 * 20)
    assert found[:, 0, 0].tolist() == pytest.approx([1 / (1 + odds), odds / (1 + odds), 0])
    assert found[:, 0, 1].tolist() == pytest.approx([0, 0.5, 0.5])
    assert found[:, 0, 2].tolist() == [0, 0, 0]
    assert logit(np.array([[1e6], [1e6 + np.log(2) / 0.05]]), 0.05)[:, 0] == pytest.approx([2 / 3, 1 / 3])


def ring() -> Network:
    """Return one town on each side and two ways round, each with a checkpoint."""
    nodes = [(-50.0, 0.0), (-50.0, 60.0), (50.0, 60.0), (50.0, 0.0), (50.0, -30.0), (-50.0, -30.0)]
    ends = [(0, 1), (1, 2), (2, 3), (3, 4), (4, 5), (5, 0)]
    land = drawn_land(nodes, ends, [(0.0, 60.0), (0.0, -30.0)], [nodes[0], nodes[3]], waits=[20.0, 60.0])
    return network_of(land)


def test_two_ways_round_share_the_demand_by_hand() -> None:
    network = ring()
    demand = model_demand(network)
    choice = choose_checkpoints(demand, theta=THETA)
    north = drive_min((-50.0, 0.0), (-50.0, 60.0), (50.0, 60.0), (50.0, 0.0)) + 20
    south = drive_min((-50.0, 0.0), (-50.0, -30.0), (50.0, -30.0), (50.0, 0.0)) + 60
    weight = np.exp(-THETA * np.array([north, south]))
    assert choice.ids == ["c0", "c1"]
    assert choice.mode == ["road", "road"]
    off = ROUNDED * len(network.links)
    assert choice.minutes[:, 0, 0].tolist() == pytest.approx([north, south], abs=off)
    assert choice.share.tolist() == pytest.approx((weight / weight.sum()).tolist(), rel=2 * THETA * off)


@pytest.mark.parametrize("seed", SEEDS)
def test_shares_add_up_to_the_demand_of_every_pair(seed: int) -> None:
    demand = model_demand(random_network(seed))
    choice = choose_checkpoints(demand)
    assert choice.trips.sum(axis=0) == pytest.approx(demand.trips, abs=1e-15, rel=1e-9)
    assert choice.share.sum() == pytest.approx(1)
    assert len(set(choice.ids)) == len(choice.ids)


@pytest.mark.parametrize("seed", SEEDS)
def test_a_narrow_spread_sends_everybody_through_the_fastest(seed: int) -> None:
    network = random_network(seed)
    demand = model_demand(network)
    choice = choose_checkpoints(demand, theta=1e4)
    nodes = network.settlements["node"].to_numpy()
    modes: tuple[Mode, ...] = ("road", "rail")
    routers = [compile_router(network, m) for m in modes]
    seen = 0
    for i, a in enumerate(demand.a):
        for j, b in enumerate(demand.b):
            ways = [w for r in routers if (w := r.path(int(nodes[a]), int(nodes[b]), "actual_min")) is not None]
            if not ways:
                assert demand.trips[i, j] == 0
                continue
            best = min(ways, key=lambda w: w.time_min + w.wait_min)
            if len(best.checkpoints) > 1:
                continue  # over the line and back: no way through one checkpoint alone
            seen += 1
            fastest = best.time_min + best.wait_min
            k = choice.ids.index(best.checkpoints[0])
            assert choice.minutes[k, i, j] == pytest.approx(fastest, abs=2 * ROUNDED * len(best.links))
            # Two posts of one crossing with one wait are equally fast, and share alike.
            alike = np.isclose(choice.minutes[:, i, j], choice.minutes[k, i, j], rtol=1e-9)
            assert choice.trips[alike, i, j].sum() == pytest.approx(demand.trips[i, j], rel=1e-6)
            assert choice.trips[k, i, j] == pytest.approx(demand.trips[i, j] / alike.sum(), rel=1e-3)
    assert seen > 5


def test_a_longer_wait_drives_trips_away() -> None:
    network = ring()
    before = choose_checkpoints(model_demand(network)).share
    after = choose_checkpoints(model_demand(set_wait(network, "c0", 90.0))).share
    assert after["c0"] < before["c0"]


def test_nobody_connected_is_an_error() -> None:
    network = two_by_two()
    with pytest.raises(NetworkError, match="no trip across the border is possible"):
        model_demand(set_open(network, ["c0"], False))
    towns = network.settlements.assign(population=[0, 0, 5, 5])
    with pytest.raises(NetworkError, match="no two inhabited settlements"):
        model_demand(replace(network, settlements=towns))


def test_a_spread_that_is_not_positive_is_refused() -> None:
    demand = model_demand(two_by_two())
    for theta in (0.0, -1.0, float("nan")):
        with pytest.raises(NetworkError, match="allowed is more than 0"):
            choose_checkpoints(demand, theta=theta)


def test_a_railway_without_a_gate_leaves_the_roads_alone() -> None:
    """The data may hold of a mode nothing but one piece over the line, closed."""
    rails = edges_of(PLAIN, [(-30.0, 40.0), (30.0, 40.0)], [(0, 1)], "railways")
    land = drawn_land(TOWNS, [(0, 1), (1, 2), (2, 3)], [(0.0, 0.0)], TOWNS, waits=[45.0], railways=rails)
    demand = model_demand(network_of(land))
    assert choose_checkpoints(demand).share.tolist() == pytest.approx([1.0])
