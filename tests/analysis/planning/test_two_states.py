"""Two states under draws against the same states found each by itself, on random borders with random edits."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pytest

from analysis.planning.across import across
from analysis.planning.benefit import Curve
from analysis.planning.draws import CENTRE, Draw, Spread, make_draws
from analysis.planning.effects import benefit_between, changed, cities, standing
from analysis.planning.loads_drawn import Loads, Pairs
from analysis.planning.places_drawn import PlacesDrawn
from analysis.planning.two_states import TwoStates
from analysis.reach.decays import power
from network.edits import scale_waits, set_open, set_wait
from tests.borders import random_network

if TYPE_CHECKING:
    from network.build import Network

SEEDS = range(12)
PEOPLE = 20_000


def edited(network: Network, rng: np.random.Generator) -> Network:
    """Return a network after one to three random edits of its checkpoints that leave one open."""
    for _ in range(rng.integers(1, 4)):
        ids = network.checkpoints.loc[network.checkpoints["joined_by"] != "nothing", "checkpoint_id"].to_numpy(object)
        some = str(rng.choice(ids))
        kind = rng.integers(4)
        if kind == 0:
            closed = set_open(network, [some], False)
            network = closed if closed.links["passable"].any() and closed.checkpoints["open"].any() else network
        elif kind == 1:
            network = set_open(network, [some], True)
        elif kind == 2:
            direction = str(rng.choice(["both", "a to b", "b to a"]))
            network = set_wait(network, some, float(rng.integers(0, 400)), direction=direction)
        else:
            network = scale_waits(network, float(rng.choice([0.0, 0.5, 2.0])))
    return network


def drawn(network: Network, rows: list[int], seed: int) -> list[Draw]:
    return [CENTRE, *make_draws(network.checkpoints, rows, Spread(draws=3, seed=seed))]


@pytest.mark.parametrize("seed", SEEDS)
def test_what_lies_between_is_what_lies_between_states_found_each_by_itself(seed: int) -> None:
    rng = np.random.default_rng(seed)
    network = random_network(seed)
    after = edited(network, rng)
    old_trees, new_trees = across(network), across(after)
    towns = cities(old_trees, PEOPLE)
    curve = Curve.of(120.0) if seed % 3 else Curve.of(decay=power(2.0, 10.0))
    states = TwoStates.of(old_trees, new_trees, curve, towns)
    places = PlacesDrawn(*(np.empty(0, object),) * 3)
    for draw in drawn(after, [*old_trees.a, *old_trees.b], seed):
        own = draw.curve(curve)
        old, new = (standing(draw.of(trees), own, towns) for trees in (old_trees, new_trees))
        benefit = benefit_between(old, new, own)
        found = states.under(draw)
        expected = changed(old, new, benefit)
        assert found.figures == pytest.approx(expected, rel=1e-9, abs=1e-9 * old.people[0].sum(), nan_ok=True)
        for side in (0, 1):
            for state, one in ((old, found.before), (new, found.after)):
                np.testing.assert_allclose(one.city[side], state.city[side], rtol=1e-9)
                np.testing.assert_allclose(one.post[side], state.post[side], rtol=1e-9)
                np.testing.assert_allclose(one.potential[side], state.potential[side], rtol=1e-9)
        half = np.concatenate([benefit.whole.sum(axis=1), benefit.whole.sum(axis=0)]) / 2
        np.testing.assert_allclose(found.half_by_place, half, rtol=1e-9, atol=1e-10)
        i, j = (a.ravel() for a in np.indices(old.minutes.shape))
        for ours, theirs in zip(found.trips_of(i, j), (benefit.before, benefit.after), strict=True):
            np.testing.assert_allclose(ours, theirs.ravel(), rtol=1e-9)
        # Pairs that differ by more than rounding are found, each once.
        moved = np.abs(np.nan_to_num(new.minutes, posinf=1e9) - np.nan_to_num(old.minutes, posinf=1e9)) > 1e-6
        where = np.zeros(moved.shape, int)
        np.add.at(where, (found.rows, found.columns), 1)
        assert where.max(initial=0) <= 1
        assert (where[moved] == 1).all()
        places.add(found)
    assert len(places.share) == 4


def test_an_edit_that_changes_nothing_differs_nowhere() -> None:
    network = random_network(3)
    trees = across(network)
    states = TwoStates.of(trees, across(scale_waits(network, 1.0)), Curve.of(120.0), cities(trees, PEOPLE))
    for draw in drawn(network, [*trees.a, *trees.b], 5):
        found = states.under(draw)
        assert not len(found.rows)
        assert set(found.figures.values()) <= {0.0}


@pytest.mark.parametrize("seed", range(6))
def test_pairs_whose_way_leads_over_no_edited_gate_are_equal_to_the_bit(seed: int) -> None:
    """A closure, by brute force: whom it costs nothing within rounding has no difference at all."""
    network = random_network(seed)
    one = network.checkpoints.query("open and joined_by != 'nothing'")["checkpoint_id"].iloc[0]
    trees, fewer = across(network), across(set_open(network, [one], False))
    states = TwoStates.of(trees, fewer, Curve.of(120.0), cities(trees, PEOPLE))
    for draw in drawn(network, [*trees.a, *trees.b], seed):
        without = draw.of(fewer).minutes
        through = draw.of(trees).minutes
        found = states.under(draw)
        lost = np.zeros(without.shape, bool)
        lost[found.rows, found.columns] = True
        assert not lost[without <= through * (1 - 1e-9)].any()
        assert lost[(without > through * (1 + 1e-9)) & np.isfinite(through)].all()


@pytest.mark.parametrize("seed", range(4))
def test_loads_under_a_draw_are_those_of_trees_as_the_draw_has_them(seed: int) -> None:
    rng = np.random.default_rng(seed)
    network = random_network(seed)
    after = edited(network, rng)
    old, new = across(network), across(after)
    pairs = Pairs(*(a.ravel() for a in np.indices((len(old.a), len(old.b)))))
    trips = rng.random((2, len(pairs.i)))
    loads = Loads.of(old, new, pairs)
    for draw in drawn(after, [*old.a, *old.b], seed):
        again = Loads.of(draw.of(old), draw.of(new), pairs).under(CENTRE, (trips[0], trips[1]))
        found = loads.under(draw, (trips[0], trips[1]))
        pd.testing.assert_frame_equal(found, again, rtol=1e-9, atol=1e-12)
        np.testing.assert_array_equal(loads.minutes(draw)[1], loads.after.minutes(draw))
        for state, trees in ((loads.before, old), (loads.after, new)):
            table, minutes = draw.of(trees).through()
            pd.testing.assert_frame_equal(state.table, table)
            np.testing.assert_allclose(state.minutes(draw), minutes.reshape(len(minutes), -1), rtol=1e-12)


def test_of_a_closure_ways_through_other_posts_are_those_of_the_state_before() -> None:
    network = random_network(0)
    ids = network.checkpoints.query("open and joined_by != 'nothing'")["checkpoint_id"].tolist()
    old, pairs = across(network), Pairs(np.array([0, 1]), np.array([1, 0]))
    closed, slower = (across(n) for n in (set_open(network, ids[:1], False), set_wait(network, ids[0], 500.0)))
    fewer = Loads.of(old, closed, pairs)._same
    assert fewer is not None
    before = Loads.of(old, old, pairs).before.table["checkpoint_id"]
    assert before.iloc[fewer].tolist() == [i for i in before if i != ids[0]]
    assert Loads.of(old, slower, pairs)._same is None


@pytest.mark.parametrize("seed", range(4))
def test_ways_that_cost_the_same_back_are_looked_at_once(seed: int) -> None:
    network = random_network(seed)
    links = network.links.assign(oneway=network.links["oneway"] & network.links["crossing"])
    network = replace(network, links=links)
    one = network.checkpoints.query("open and joined_by != 'nothing'")["checkpoint_id"].iloc[0]
    trees = across(network)
    after = {
        "closed": set_open(network, [one], False),
        "one way": set_wait(network, one, 500.0, direction="a to b"),
    }
    for name, edited_network in after.items():
        new = across(edited_network)
        states = TwoStates.of(trees, new, Curve.of(120.0), cities(trees, PEOPLE))
        same = [ways.same_back for mode in states.modes for ways in mode]
        # Some of these borders have gates that are passed in one direction alone.
        assert any(same) if name == "closed" else not all(same)
        for draw in drawn(network, [*trees.a, *trees.b], seed):
            found = states.under(draw)
            for k, state in enumerate((trees, new)):
                expected = standing(draw.of(state), draw.curve(Curve.of(120.0)), cities(trees, PEOPLE))
                seen = (found.before, found.after)[k]
                np.testing.assert_allclose(seen.city[0], expected.city[0], rtol=1e-9)
                np.testing.assert_allclose(seen.potential[1], expected.potential[1], rtol=1e-9)
