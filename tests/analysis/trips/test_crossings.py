"""One alternative per crossing: parallel posts share it, and a second one draws nobody from elsewhere."""

from __future__ import annotations

from dataclasses import replace

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest

from analysis.trips import choice as choice_module
from analysis.trips.choice import Choice, choose_checkpoints, logit
from analysis.trips.crossings import share_weights
from analysis.trips.demand import model_demand
from analysis.trips.load import equilibrium
from network.build import Network
from tests.analysis.helpers import drawn_land, network_of, shares_by_orders
from tests.borders import Land, random_land

SEEDS = range(6)
THETA = 0.03


def choice_of(network: Network) -> Choice:
    return choose_checkpoints(model_demand(network), theta=THETA)


def with_twin(land: Land, row: int) -> Land:
    """Return the land with a checkpoint twice."""
    twin = land.checkpoints.iloc[[row]].assign(checkpoint_id="twin", name="Twin")
    both = pd.concat([land.checkpoints, twin], ignore_index=True)
    return replace(land, checkpoints=gpd.GeoDataFrame(both, crs=land.checkpoints.crs))


def by_crossing(choice: Choice) -> pd.Series:
    """Return the share of each crossing, named by the first of its checkpoints that is no twin."""
    names = np.array(choice.ids, dtype=object)[choice.checkpoint]
    table = pd.DataFrame({"crossing": choice.crossing, "name": names, "share": choice.trips.sum(axis=(1, 2))})
    of = table[table["name"] != "twin"].groupby("crossing")["name"].min()
    return table.groupby("crossing")["share"].sum().rename(of).sort_index()


@pytest.mark.parametrize("seed", SEEDS)
def test_a_checkpoint_twice_leaves_the_shares_of_crossings_alone(seed: int) -> None:
    """At crossings of the data, on connectors and by rail."""
    land = random_land(seed)
    before = network_of(land)
    shares = by_crossing(choice_of(before))
    joined = before.checkpoints.set_index("checkpoint_id")["joined_by"]
    seen = set()
    for row, name in enumerate(land.checkpoints["checkpoint_id"]):
        if not land.checkpoints["open"].iloc[row] or joined[name] == "nothing":
            continue
        seen.add((joined[name], land.checkpoints["mode"].iloc[row]))
        choice = choice_of(network_of(with_twin(land, row)))
        found = by_crossing(choice)
        assert found.index.tolist() == shares.index.tolist()
        assert found.to_numpy() == pytest.approx(shares.to_numpy(), abs=1e-9)
        own = choice.share
        assert own["twin"] == pytest.approx(own[name], abs=1e-12)
    assert seen


def test_every_kind_of_post_was_doubled() -> None:
    kinds = {k for seed in SEEDS for k in network_of(random_land(seed)).checkpoints["joined_by"]}
    assert {"crossing", "connector"} <= kinds


@pytest.mark.parametrize("seed", SEEDS)
def test_posts_share_a_crossing_as_if_they_came_in_every_order(seed: int) -> None:
    choice = choice_of(network_of(with_twin(random_land(seed), 0)))
    demand_trips = choice.trips.sum(axis=0)
    expected = shares_by_orders(choice.minutes, choice.crossing.tolist(), THETA) * demand_trips
    assert choice.trips == pytest.approx(expected, rel=1e-9, abs=1e-15)


def test_weights_by_hand() -> None:
    crossing = np.array([3, 1, 3, 3, 2])
    found = share_weights(np.array([[0.9], [0.4], [0.3], [0.6], [0.0]]), crossing)[:, 0]
    # The 0.3 that all three have in common, then the 0.3 of two, then the 0.3 of the best alone.
    assert found.tolist() == pytest.approx([0.1 + 0.15 + 0.3, 0.4, 0.1, 0.1 + 0.15, 0.0])


def test_no_post_has_less_once_another_closes() -> None:
    rng = np.random.default_rng(5)
    for _ in range(50):
        minutes = rng.uniform(0, 200, (6, 1))
        crossing = rng.integers(0, 3, 6)
        whole = logit(minutes, THETA, crossing)[:, 0]
        for k in range(6):
            keep = np.arange(6) != k
            assert (logit(minutes[keep], THETA, crossing[keep])[:, 0] >= whole[keep] - 1e-15).all()


def test_a_checkpoint_of_two_lines_has_an_alternative_at_each() -> None:
    """A post with two partners serves two roads; another stands at one of them."""
    nodes = [(-60.0, 0.0), (-10.0, 0.0), (60.0, 0.0), (-10.0, 8.0), (60.0, 8.0)]
    ends = [(0, 1), (1, 2), (1, 3), (3, 4), (4, 2)]
    land = drawn_land(nodes, ends, [(0.0, 0.5), (0.0, 8.0)], [nodes[0], nodes[2]])
    land = replace(land, checkpoints=land.checkpoints.assign(partners=[2, 1]))
    choice = choice_of(network_of(land))
    assert [choice.ids[k] for k in choice.checkpoint] == ["c0", "c0", "c1"]
    assert len(set(choice.crossing)) == 2
    assert choice.crossing[2] in choice.crossing[:2]
    assert choice.share.sum() == pytest.approx(1)
    # The direct road is c0's alone; the other is shared by two posts without a wait.
    alone = logit(choice.minutes[:2, :, :], THETA)[:, 0, 0]
    shared = int(np.flatnonzero(choice.crossing[:2] == choice.crossing[2])[0])
    assert choice.share["c1"] == pytest.approx(alone[shared] / 2)


def test_posts_further_apart_than_a_kilometre_are_crossings_of_their_own() -> None:
    nodes = [(-60.0, 0.0), (-20.0, 0.0), (20.0, 0.0), (60.0, 0.0), (-60.0, 90.0), (60.0, 90.0)]
    for gap, crossings in ((0.5, 1), (3.0, 2)):
        # The road ends on both sides, so that both posts stand on connectors; one far away crosses without a
        # checkpoint.
        land = drawn_land(
            nodes,
            [(0, 1), (2, 3), (0, 4), (4, 5), (5, 3)],
            [(0.0, 0.0), (0.0, gap)],
            [nodes[0], nodes[3]],
            waits=[30.0, 30.0],
        )
        choice = choice_of(network_of(land))
        assert len(set(choice.crossing)) == crossings
        if gap < 1:
            assert choice.share.tolist() == pytest.approx([0.5, 0.5], abs=0.01)


def test_queues_settle_at_posts_of_one_crossing() -> None:
    """Two posts of one crossing, one with less capacity.

    The queue drives vehicles to the other, none leaves the crossing.
    """
    nodes = [(-60.0, 0.0), (60.0, 0.0), (-60.0, 40.0), (60.0, 40.0)]
    land = drawn_land(
        nodes, [(0, 1), (0, 2), (2, 3), (3, 1)], [(0.0, 0.0), (0.0, 0.1), (0.0, 40.0)], nodes[:2], waits=[30.0] * 3
    )
    choice = choice_of(network_of(land))
    waits = pd.Series(30.0, index=choice.ids)
    free = equilibrium(choice, waits, total_per_day=1000, theta=THETA)
    assert free.checkpoints["flow_per_day"].to_numpy() == pytest.approx(1000 * choice.share.to_numpy())
    found = equilibrium(
        choice, waits, total_per_day=1000, capacity_per_day={"c0": 50.0, "c1": 1000.0}, theta=THETA, tolerance=1e-6
    )
    assert found.converged
    table = found.checkpoints.set_index("checkpoint_id")
    assert table.loc["c0", "flow_per_day"] < free.checkpoints["flow_per_day"].iloc[0] / 2
    after = choice.minutes[:, 0, 0] + table["wait_min"].to_numpy() - 30
    expected = shares_by_orders(after[:, None], choice.crossing.tolist(), THETA)[:, 0] * 1000
    assert table["flow_per_day"].to_numpy() == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize("seed", range(4))
def test_of_many_places_the_choice_is_made_block_by_block(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """And minutes are found when they are asked for: every bit of shares, trips and what a closure moves."""
    demand = model_demand(network_of(with_twin(random_land(seed), 0)))
    whole = choose_checkpoints(demand)
    monkeypatch.setattr(choice_module, "TABLE", 0)
    monkeypatch.setattr(choice_module, "CHUNK", 2 * whole.trips.shape[2] * len(whole.trips))
    parts = choose_checkpoints(demand)
    assert np.array_equal(parts.trips, whole.trips)
    every = np.arange(len(whole.trips))
    assert np.array_equal(parts.minutes[every], whole.minutes[every])
    assert np.array_equal(parts.minutes[every[::2], slice(1, 3)], whole.minutes[every[::2], 1:3])
    monkeypatch.undo()
    assert np.array_equal(parts.handed_over, whole.handed_over, equal_nan=True)
    assert parts.roundabout.keys() == whole.roundabout.keys()
