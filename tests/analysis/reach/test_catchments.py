"""Floating catchments and rational access.

By hand, by plain matrices, by PySAL's `access` itself, over random borders.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray

from analysis.reach.accessibility import travel_times
from analysis.reach.catchments import WHOLE, floating_catchments, rational_access
from analysis.reach.decays import Decay, cumulative, gaussian, zones
from analysis.reach.places import checkpoint_places, targets_of
from layers.errors import NetworkError
from network.build import NETWORKS
from tests.analysis.helpers import case

SEEDS = range(6)
STEPS = {60: 1.0, 120: 0.68, 240: 0.22}
LIMIT = 240.0
Times = dict[str, NDArray[np.float64]]


@dataclass(frozen=True)
class Market:
    """Cells of a random border as demand, posts of checkpoints as supply, and the minutes between them."""

    times: Times
    people: NDArray[np.float64]
    supply: NDArray[np.float64]


def market(seed: int) -> Market:
    """Return one; some cells are empty, some posts have no capacity."""
    one, rng = case(seed), np.random.default_rng(seed)
    posts = checkpoint_places(one.network, one.router)
    times = travel_times(one.router, one.points, targets_of(posts))
    people = rng.integers(1, 5000, len(one.points)) * (rng.random(len(one.points)) < 0.8)
    supply = rng.integers(1, 50, len(posts)) * (rng.random(len(posts)) < 0.8)
    return Market(times, people.astype(float), supply.astype(float))


def plain(weight: NDArray[np.float64], m: Market) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return load and access by loops, as Luo & Wang write them."""
    n, k = weight.shape
    load = np.array([sum(weight[i, j] * m.people[i] for i in range(n)) for j in range(k)])
    rate = [m.supply[j] / load[j] if load[j] > 0 else 0.0 for j in range(k)]
    return load, np.array([sum(weight[i, j] * rate[j] for j in range(k)) for i in range(n)])


@pytest.mark.parametrize("decay", [None, gaussian(80.0), zones(STEPS)])
@pytest.mark.parametrize("seed", SEEDS)
def test_catchments_are_those_of_plain_loops(seed: int, decay: Decay | None) -> None:
    m = market(seed)
    found = floating_catchments(m.times, m.people, m.supply, limit_min=LIMIT, decay=decay, what="booths")
    reached = np.isfinite(m.times["borderless"]).any(axis=1)
    for name in NETWORKS:
        minutes = m.times[name]
        weight = np.where(minutes <= LIMIT, 1.0 if decay is None else decay(minutes), 0.0)
        load, access = plain(weight, m)
        told = found.demand[f"booths_per_1000_people_{name}"].to_numpy()
        assert told[reached] == pytest.approx(1000 * access[reached], rel=1e-9, abs=1e-12)
        assert np.isnan(told[~reached]).all()
        assert found.supply[f"catchment_people_{name}"].to_numpy() == pytest.approx(load)
        rate = found.supply[f"booths_per_1000_people_{name}"]
        assert (rate.isna() == (load == 0)).all()
        assert rate[load > 0].to_numpy() == pytest.approx(1000 * m.supply[load > 0] / load[load > 0])
        assert (access > 0).any()


@pytest.mark.parametrize("decay", [None, gaussian(80.0), zones(STEPS)])
@pytest.mark.parametrize("seed", SEEDS)
def test_supply_is_kept(seed: int, decay: Decay | None) -> None:
    m = market(seed)
    found = floating_catchments(m.times, m.people, m.supply, limit_min=100.0, decay=decay)
    for name in NETWORKS:
        taken = (m.people * found.demand[f"supply_per_1000_people_{name}"].fillna(0)).sum() / 1000
        in_reach = found.supply[f"catchment_people_{name}"].to_numpy() > 0
        assert taken == pytest.approx(m.supply[in_reach].sum(), rel=1e-9)
        assert m.supply[in_reach].sum() > 0


@pytest.mark.parametrize("seed", SEEDS)
def test_changes_add_up(seed: int) -> None:
    m = market(seed)
    for table, what in (
        (floating_catchments(m.times, m.people, m.supply, limit_min=100.0).demand, "supply_per_1000_people"),
        (rational_access(m.times, m.people, m.supply, rounds=20), "raam"),
    ):
        if what == "raam":
            free, real = table["raam_borderless_min"], table["raam_actual_min"]
            total, detour, delay = (table[f"raam_{c}_min"] for c in ("border", "detour", "delay"))
            change = real - free
        else:
            free, real = table[f"{what}_borderless"], table[f"{what}_actual"]
            total, detour, delay = (table[f"{what}_{c}"] for c in ("lost", "lost_detour", "lost_delay"))
            change = free - real
        known = total.notna()
        assert known.any()
        assert (total[known] == (detour + delay)[known]).all()
        assert total[known].to_numpy() == pytest.approx(change[known].to_numpy(), abs=1e-9)


def of_access(minutes: NDArray[np.float64], m: Market) -> object:
    """Return the object of `access` for one network: only pairs with a way, only whom they concern."""
    from access import Access

    origin, dest = np.nonzero(np.isfinite(minutes) & (m.people > 0)[:, None] & (m.supply > 0)[None])
    costs = pd.DataFrame({"origin": origin, "dest": dest, "minutes": minutes[origin, dest]})
    demand = pd.DataFrame({"geoid": np.arange(len(m.people)), "people": m.people}).query("people > 0")
    supply = pd.DataFrame({"geoid": np.arange(len(m.supply)), "booths": m.supply}).query("booths > 0")
    return Access(
        demand_df=demand,
        demand_index="geoid",
        demand_value="people",
        supply_df=supply,
        supply_index="geoid",
        supply_value="booths",
        cost_df=costs,
        cost_origin="origin",
        cost_dest="dest",
        cost_name="minutes",
    )


@pytest.mark.filterwarnings("ignore:some tracts may be unaccounted for", "ignore:The inplace keyword:Warning")
@pytest.mark.parametrize("seed", SEEDS)
def test_the_same_as_access_on_the_same_minutes(seed: int) -> None:
    from access import weights

    m = market(seed)
    plain_2sfca = floating_catchments(m.times, m.people, m.supply, limit_min=LIMIT).demand
    stepped = floating_catchments(m.times, m.people, m.supply, limit_min=LIMIT, decay=zones(STEPS)).demand
    for name in NETWORKS:
        theirs = of_access(m.times[name], m)
        two = theirs.two_stage_fca(name="a", cost="minutes", max_cost=LIMIT)["a_booths"]  # type: ignore[attr-defined]
        fn = weights.step_fn(STEPS)
        enhanced = theirs.enhanced_two_stage_fca(name="b", cost="minutes", max_cost=LIMIT, weight_fn=fn)["b_booths"]  # type: ignore[attr-defined]
        for ours, other in ((plain_2sfca, two), (stepped, enhanced)):
            told = ours[f"supply_per_1000_people_{name}"].fillna(0) / 1000
            assert told[other.index].to_numpy() == pytest.approx(other.fillna(0).to_numpy(), rel=1e-9)
            assert (other > 0).any()


@pytest.mark.parametrize("seed", SEEDS)
def test_rational_access_is_that_of_access(seed: int) -> None:
    from access.raam import raam

    m = market(seed)
    found = rational_access(m.times, m.people, m.supply, tau_min=45.0, rounds=30)
    whole = np.rint(m.people * WHOLE)
    for name in NETWORKS:
        table = pd.DataFrame(m.times[name]).replace(np.inf, np.nan).stack().rename("cost").reset_index()
        table = table.dropna().set_axis(["origin", "dest", "cost"], axis=1)
        supplied = table["dest"].map(dict(enumerate(m.supply))) > 0
        theirs = raam(
            pd.DataFrame({"demand": whole}),
            pd.DataFrame({"supply": m.supply}),
            table[supplied & (table["origin"].map(dict(enumerate(whole))) > 0)],
            tau=45.0,
            rho=whole.sum() / m.supply.sum(),
            max_cycles=30,
        )
        told = found[f"raam_{name}_min"]
        assert told[theirs.index].to_numpy() / 45 == pytest.approx(np.asarray(theirs, float), rel=1e-9)
        others = told.index.difference(theirs.index)
        assert told[others].isna().all()


def same(minutes: list[list[float]]) -> Times:
    return dict.fromkeys(NETWORKS, np.array(minutes))


def test_two_steps_by_hand() -> None:
    """Clinic 0 has 100 beds for 1000 + 3000 people, clinic 1 has 60 for 3000: 25 and 20 per thousand."""
    times = {**same([[10, 200], [100, 50]]), "actual": np.array([[10.0, 200.0], [130.0, 50.0]])}
    found = floating_catchments(times, np.array([1000.0, 3000.0]), np.array([100.0, 60.0]), what="beds")
    assert found.demand["beds_per_1000_people_open"].tolist() == pytest.approx([25, 45])
    assert found.demand["beds_per_1000_people_actual"].tolist() == pytest.approx([100, 20])
    # The wait keeps others out of clinic 0: who is near it gains.
    assert found.demand["beds_per_1000_people_lost"].tolist() == pytest.approx([-75, 25])
    assert found.demand["beds_per_1000_people_lost_detour"].tolist() == [0, 0]
    assert found.supply["beds"].tolist() == [100, 60]
    assert found.supply["catchment_people_open"].tolist() == [4000, 3000]
    assert found.supply["catchment_people_actual"].tolist() == [1000, 3000]


def test_nobody_and_nothing() -> None:
    """An empty place takes nothing away; a service that only it reaches is in no result; who reaches none has none."""
    inf = float("inf")
    times = same([[10, inf, 30], [20, 20, inf], [inf, inf, inf], [500, inf, inf]])
    people = np.array([1000.0, 0.0, 700.0, 50.0])
    found = floating_catchments(times, people, np.array([8.0, 5.0, 0.0]))
    told = found.demand["supply_per_1000_people_open"]
    assert told.tolist() == pytest.approx([8, 8, np.nan, 0], nan_ok=True)
    assert found.supply["catchment_people_open"].tolist() == [1000, 0, 1000]
    assert found.supply["supply_per_1000_people_open"].tolist() == pytest.approx([8, np.nan, 0], nan_ok=True)
    empty = floating_catchments(same([[inf]]), np.array([5.0]), np.array([5.0]))
    assert empty.demand["supply_per_1000_people_open"].isna().all()
    raam = rational_access(times, people, np.array([8.0, 5.0, 0.0]))["raam_open_min"]
    assert raam.isna().tolist() == [False, True, True, False]
    assert rational_access(same([[inf]]), np.array([5.0]), np.array([5.0]))["raam_actual_min"].isna().all()


def test_a_balance_of_crowding_and_travel_by_hand() -> None:
    """1000 people, two equal services 10 and 30 minutes away, τ = 60.

    10 + 60·x/500 = 30 + 60·(1000 − x)/500 at x = 583.3.
    """
    found = rational_access(same([[10, 30]]), np.array([1000.0]), np.array([1.0, 1.0]), rounds=400)
    assert found["raam_open_min"][0] == pytest.approx(10 + 60 * 583.3333 / 500, abs=0.01)
    assert found["raam_border_min"][0] == 0


def test_small_places_move_too() -> None:
    """Whole persons alone, a village of three would never leave the crowded service."""
    times = same([[10, 12], [10, 12]])
    found = rational_access(times, np.array([3.0, 3.0]), np.array([1.0, 1.0]), rounds=400)["raam_open_min"]
    assert found.tolist() == pytest.approx([71, 71], abs=0.05)


@pytest.mark.parametrize("seed", [0, 4])
def test_the_order_of_places_changes_no_catchment(seed: int) -> None:
    m, rng = market(seed), np.random.default_rng(9)
    i, j = rng.permutation(len(m.people)), rng.permutation(len(m.supply))
    before = floating_catchments(m.times, m.people, m.supply, decay=gaussian(60.0))
    turned = {n: t[np.ix_(i, j)] for n, t in m.times.items()}
    after = floating_catchments(turned, m.people[i], m.supply[j], decay=gaussian(60.0))
    pd.testing.assert_frame_equal(after.demand, before.demand.iloc[i].reset_index(drop=True), rtol=1e-9)
    pd.testing.assert_frame_equal(after.supply, before.supply.iloc[j].reset_index(drop=True), rtol=1e-9)


def test_a_step_decay_is_the_plain_catchment() -> None:
    m = market(1)
    plain_one = floating_catchments(m.times, m.people, m.supply, limit_min=90.0)
    step = floating_catchments(m.times, m.people, m.supply, limit_min=500.0, decay=cumulative(90.0))
    pd.testing.assert_frame_equal(plain_one.demand, step.demand)


def test_what_makes_no_sense_is_refused() -> None:
    times, one = same([[10.0]]), np.ones(1)
    with pytest.raises(NetworkError, match=r"shape .* for 2 places and 1 services: allowed is \(2, 1\)"):
        floating_catchments(times, np.ones(2), one)
    with pytest.raises(NetworkError, match="people below 0 or unknown"):
        floating_catchments(times, -one, one)
    with pytest.raises(NetworkError, match="supply below 0 or unknown"):
        rational_access(times, one, one * np.nan)
    with pytest.raises(NetworkError, match="a limit of 0 min"):
        floating_catchments(times, one, one, limit_min=0)
    with pytest.raises(NetworkError, match="allowed are more than 0 and at least 1"):
        rational_access(times, one, one, tau_min=0)
    with pytest.raises(NetworkError, match="allowed are more than 0 and at least 1"):
        rational_access(times, one, one, rounds=0)
