"""Effects of a scenario against brute force on random borders, and by hand."""

from __future__ import annotations

from dataclasses import replace

import networkx as nx
import numpy as np
import pandas as pd
import pytest

from analysis.planning.across import Across, across
from analysis.planning.benefit import Curve, user_benefit
from analysis.planning.draws import CENTRE, Spread, make_draws, spread_of, tornado
from analysis.planning.effects import (
    Standing,
    benefit_between,
    cities,
    effects_table,
    figures,
    group_table,
    load_table,
    place_table,
    standing,
    worthless_wait,
)
from analysis.planning.loads_drawn import Loads, Pairs, most_travelled, ranges
from analysis.planning.money import Values, money_table, net_present_value, present_value, return_rate
from analysis.reach.decays import cumulative
from analysis.trips.choice import choose_checkpoints
from analysis.trips.demand import model_demand
from layers.errors import NetworkError, StudyError
from network.edits import scale_waits, set_open, set_wait
from tests.analysis.helpers import cheapest, drawn_land, drive_min
from tests.borders import ROUNDED, network_of, random_network

CURVE = Curve.of(120.0)
SEEDS = range(5)


def stand(trees: Across, people: float) -> Standing:
    """Return a state whose cities have so many people."""
    return standing(trees, CURVE, cities(trees, people))


@pytest.mark.parametrize("seed", SEEDS)
def test_minutes_are_the_mean_of_there_and_back(seed: int) -> None:
    network = random_network(seed)
    found = across(network)
    node = network.settlements["node"].to_numpy()
    a, b = node[found.a], node[found.b]
    expected = np.full((len(a), len(b)), np.inf)
    for mode in ("road", "rail"):
        graph = cheapest(network, mode, "actual_min")
        ways = np.full((2, len(a), len(b)), np.inf)
        for k, (ones, others) in enumerate(((a, b), (b, a))):
            for i, start in enumerate(ones):
                if start in graph:
                    reach = nx.single_source_dijkstra_path_length(graph, int(start), weight="cost")
                    row = [reach.get(int(t), np.inf) for t in others]
                    if k == 0:
                        ways[0, i] = row
                    else:
                        ways[1, :, i] = row
        expected = np.minimum(expected, ways.mean(axis=0))
    np.testing.assert_allclose(found.minutes, expected, rtol=1e-9)


@pytest.mark.parametrize("seed", SEEDS)
def test_waits_and_speeds_of_trees_are_those_of_a_network_built_so(seed: int) -> None:
    network = random_network(seed)
    trees = across(network)
    ids = network.checkpoints["checkpoint_id"]
    np.testing.assert_allclose(
        trees.changed(waits=dict.fromkeys(ids, 1.7)).minutes,
        across(scale_waits(network, 1.7)).minutes,
        rtol=1e-9,
        atol=ROUNDED * len(ids),  # the waits of a network are rounded, those of a draw are not
    )
    one = network.checkpoints.query("open and joined_by != 'nothing'").iloc[0]
    doubled = set_wait(network, one["checkpoint_id"], 2 * one["wait_min"])
    np.testing.assert_allclose(
        trees.changed(waits={one["checkpoint_id"]: 2.0}).minutes, across(doubled).minutes, rtol=1e-9, atol=2 * ROUNDED
    )
    side = network.nodes["side"].to_numpy()[network.links["u"]]
    slow = np.where(side == "a", 1.2, 0.9)
    gates = network.links["crossing"].to_numpy(bool)
    links = network.links.copy()
    for field in ("time_min", "borderless_min", "open_min", "actual_min", "domestic_min"):
        links[field] = np.where(gates, links[field], links[field] * slow)
    np.testing.assert_allclose(
        trees.changed(slow=(1.2, 0.9)).minutes,
        across(replace(network, links=links)).minutes,
        rtol=1e-9,
        atol=ROUNDED * len(network.nodes),  # the scaled cost of each link of a way is rounded anew
    )


@pytest.mark.parametrize("seed", SEEDS)
def test_shares_before_are_those_of_the_model_of_trips(seed: int) -> None:
    network = random_network(seed)
    if network.base.tables.links["oneway"].any():
        links = network.links.assign(oneway=network.links["oneway"] & network.links["crossing"])
        network = replace(network, links=links)
    state = stand(across(network), 1)
    gained = benefit_between(state, state, CURVE)
    loads = load_table(state, state, gained).set_index("checkpoint_id")
    share = choose_checkpoints(model_demand(network)).share
    pd.testing.assert_series_equal(
        loads["before"].sort_index(), share.sort_index(), check_names=False, rtol=1e-6, atol=1e-9
    )
    assert loads[["diverted", "induced"]].abs().to_numpy().max() < 1e-12


@pytest.mark.parametrize("seed", SEEDS)
def test_a_closure_never_gains_and_its_benefit_is_minus_that_of_opening(seed: int) -> None:
    network = random_network(seed)
    one = network.checkpoints.query("open and mode == 'road' and joined_by != 'nothing'")["checkpoint_id"].iloc[0]
    old, new = (stand(across(n), 1000) for n in (network, set_open(network, [one], False)))
    loss, gain = benefit_between(old, new, CURVE), benefit_between(new, old, CURVE)
    assert loss.whole.max() <= 1e-12
    # Both are in trips of the state before, which sum to 1 each.
    scale = loss.before.sum() / loss.after.sum() if loss.after.sum() else np.nan
    np.testing.assert_allclose(gain.whole.sum(), -loss.whole.sum() * scale, rtol=1e-9)
    table = effects_table(old, new, loss).set_index("key")
    assert (table.loc[["city_60", "city_120", "city_240", "post_60", "potential"], "change"] <= 1e-9).all()
    places = place_table(network, old, new, loss)
    assert set(places["effect"]) <= {"loss", "none"}
    assert places["benefit_share"].sum() == pytest.approx(-1.0) or loss.whole.sum() == 0
    sides = group_table(places, ["side"])
    assert sides["people_losing"].sum() == places.loc[places["effect"] == "loss", "population"].sum()
    loads = load_table(old, new, loss).set_index("checkpoint_id")
    assert loads["diverted"].sum() <= 1e-9
    assert loads["induced"].sum() <= 1e-9
    assert loads.loc[one, "after"] == 0
    assert loads["after"].sum() == pytest.approx(loss.after.sum() / loss.before.sum(), rel=0.2)


def test_the_area_under_the_curve_by_hand() -> None:
    """With e^(−βc) the area is T/β, whatever the weights; the rule of a half is above it, for the curve sags."""
    beta = np.log(2) / 120
    before, after = np.array([[240.0, np.inf, 60.0]]), np.array([[120.0, 60.0, np.inf]])
    found = user_benefit(np.array([[8.0, 2.0, 2.0]]), before, after, CURVE)
    assert found.before.tolist() == [[2.0, 0.0, pytest.approx(2 * 2**-0.5)]]
    assert found.path[0, 0] == pytest.approx((4 - 2) / beta)
    assert found.half[0, 0] == pytest.approx(0.5 * (2 + 4) * 120)
    assert found.new[0].tolist() == pytest.approx([0.0, 2 * 2**-0.5 / beta, -2 * 2**-0.5 / beta])
    assert found.half[0, 1] == found.half[0, 2] == 0
    summed = Curve.of(decay=CURVE.fades)
    np.testing.assert_allclose(
        summed.beyond(np.array([0.0, 33.0, 500.0, np.inf])),
        CURVE.beyond(np.array([0.0, 33.0, 500.0, np.inf])),
        rtol=1e-5,
        atol=1e-9,
    )
    steps = Curve.of(decay=cumulative(60.0))
    assert steps.beyond(np.array([0.0, 20.0, 60.0, 90.0])) == pytest.approx([60, 40, 0, 0], abs=0.2)
    with pytest.raises(NetworkError, match="allowed are two of"):
        user_benefit(np.ones((1, 3)), before, after[:, :2], CURVE)


LAND = drawn_land(
    [(-60, -100), (-60, 100), (60, -100), (60, 100)],
    [(0, 1), (2, 3), (0, 2), (1, 3)],
    [(0, -100), (0, 100)],
    [(-60, -50), (60, -50)],
    waits=[30.0, 30.0],
    population=[1000, 1000],
)


def test_the_wait_above_which_a_post_is_worth_nothing() -> None:
    network = network_of(LAND)
    closed = stand(across(set_open(network, ["c0"], False)), 1)
    least = worthless_wait(closed, across(network), "c0")
    longer = (
        drive_min((-60, -50), (-60, 100), (60, 100), (60, -50))
        + 30
        - drive_min((-60, -50), (-60, -100), (60, -100), (60, -50))
    )
    assert least == pytest.approx(longer, rel=1e-3)
    for wait, gains in ((least - 0.5, True), (least + 0.5, False)):
        state = stand(across(set_wait(network, "c0", wait)), 1)
        assert (benefit_between(closed, state, CURVE).whole.sum() > 1e-9) == gains


def test_draws_are_the_same_for_a_seed_and_hold_on_to_names() -> None:
    network = random_network(0)
    trees = across(network)
    rows = [*trees.a, *trees.b]
    spread = Spread(draws=20, seed=7)
    one, two = (make_draws(network.checkpoints, rows, spread) for _ in range(2))
    assert one == two
    fewer = make_draws(network.checkpoints.iloc[2:], rows, spread)
    kept = network.checkpoints["checkpoint_id"].iloc[2:]
    assert all(d.waits[k] == e.waits[k] for d, e in zip(one, fewer, strict=True) for k in kept)
    without = make_draws(network.checkpoints, rows, spread, capacities=False)
    assert without == [replace(draw, capacity={}) for draw in one]
    none = make_draws(network.checkpoints, rows, Spread(0, 0, 0, 0, 0, draws=3))
    centre = figures(stand(trees, 1))
    table = spread_of([figures(standing(d.of(trees), d.curve(CURVE), cities(trees, 1))) for d in none]).set_index("key")
    for key, value in centre.items():
        assert table.loc[key, ["low", "median", "high"]].tolist() == pytest.approx([value] * 3)
    wide = spread_of([figures(standing(d.of(trees), d.curve(CURVE), cities(trees, 1))) for d in one]).set_index("key")
    assert (wide["low"] <= wide["median"]).all()
    assert wide.loc["potential", "low"] < centre["potential"] < wide.loc["potential", "high"]
    blown = tornado(
        lambda d: figures(standing(d.of(trees), d.curve(CURVE), cities(trees, 1))),
        network.checkpoints,
        rows,
        spread,
        ["potential", "city_min"],
    )
    assert blown["key"].unique().tolist() == ["city_min", "potential"]
    still = blown[(blown["key"] == "city_min") & (blown["input"] == "half_life")]
    assert still["span"].tolist() == [0.0]
    assert CENTRE.of(trees).minutes == pytest.approx(trees.minutes)
    with pytest.raises(StudyError, match="draws = 20000"):
        Spread(draws=20_000)


def test_money_by_hand() -> None:
    values = Values(10.0, 1000.0, 50.0, 0.1, 2, operating_cost_per_h=5.0, share_a=0.25, currency="USD")
    per_year = 0.2 * 365 * 15
    whole = per_year / 1.1 + per_year / 1.21
    costs = 1000 + 50 / 1.1 + 50 / 1.21
    assert net_present_value(0.2, values) == pytest.approx(whole - costs)
    table = money_table(0.2, values).set_index("measure")["value"]
    assert table["BCR"] == pytest.approx(whole / costs)
    assert table["switching value of benefits"] == pytest.approx(costs / whole)
    assert table["benefits of side a"] == pytest.approx(0.25 * whole)
    assert table["ENPV, side a"] + table["ENPV, side b"] == pytest.approx(table["ENPV"])
    assert net_present_value(0.2, values, rate=return_rate(0.2, values)) == pytest.approx(0, abs=1e-6)
    assert np.isnan(return_rate(-1.0, values))
    with pytest.raises(StudyError, match=r"discount_rate = 9: allowed is 0 to 1; years = 0"):
        Values(1, 1, 1, 9, 0)


@pytest.mark.parametrize("seed", range(3))
def test_loads_over_all_pairs_are_those_of_the_table(seed: int) -> None:
    network = random_network(seed)
    trees = across(network)
    slower = trees.changed(waits=dict.fromkeys(network.checkpoints["checkpoint_id"].iloc[:1], 3.0))
    towns = cities(trees, 20_000)
    before, after = (standing(t, CURVE, towns) for t in (trees, slower))
    benefit = benefit_between(before, after, CURVE)
    every = Pairs(*np.unravel_index(np.arange(benefit.before.size), benefit.before.shape))
    whole = load_table(before, after, benefit).set_index("checkpoint_id")
    trips = benefit.before.ravel(), benefit.after.ravel()
    found = Loads.of(trees, slower, every).under(CENTRE, trips).reindex(whole.index)
    np.testing.assert_allclose(found.to_numpy(float), whole[found.columns].to_numpy(float), atol=1e-12)
    most = most_travelled(benefit)
    kept = benefit.before[most.i, most.j].sum() + benefit.after[most.i, most.j].sum()
    assert kept >= 0.99 * (benefit.before.sum() + benefit.after.sum())
    # All as it is: ranges are the values themselves.
    told = ranges([found, found], found, whole[found.columns] * 1.01)
    np.testing.assert_allclose(told["after_low"], whole["after"] * 1.01)
    np.testing.assert_allclose(told["after_high"], whole["after"] * 1.01)


def test_sides_without_their_shares_are_ranges_from_nothing_to_all() -> None:
    values = Values(10.0, 1000.0, 50.0, 0.1, 2)
    table = money_table(1.0, values, between=(0.5, 2.0)).set_index("measure")
    year = present_value(10 * 365.0, values)
    assert table.loc["ENPV", "low"] == pytest.approx(0.5 * year - 1000 - present_value(50.0, values))
    assert table.loc["benefits of side a", ["value", "low", "high"]].tolist() == pytest.approx([year / 2, 0, 2 * year])
    assert "share_a is not given" in table.loc["benefits of side a", "formula"]
    assert "cost_share_a is not given" in table.loc["ENPV, side b", "formula"]
    known = money_table(1.0, replace(values, share_a=0.25, cost_share_a=1.0)).set_index("measure")
    assert known.loc["ENPV, side b", "value"] == pytest.approx(0.75 * year)
    assert known["low"].isna().all()
    with pytest.raises(StudyError, match="cost_share_a = 2"):
        replace(values, cost_share_a=2.0)
