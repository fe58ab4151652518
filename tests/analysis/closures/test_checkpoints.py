"""Closures of checkpoints, alone and in pairs, and of links, against a network closed and routed from scratch."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray

from analysis.closures import links as criticality_edges
from analysis.closures.checkpoints import (
    COLUMNS,
    IMPACT,
    PAIR_COLUMNS,
    close_each,
    close_pairs,
    fallbacks,
    pair_fallbacks,
)
from analysis.closures.links import close_links
from analysis.trips.betweenness import carry, link_betweenness
from analysis.trips.choice import Choice, choose_checkpoints
from analysis.trips.demand import Demand, model_demand
from layers.errors import NetworkError
from network.build import Network, with_costs
from network.edits import set_open, set_wait
from network.routing import Mode, compile_router
from tests.analysis.helpers import PLAIN, drawn_land, drive_min, network_of, shares_by_orders
from tests.analysis.trips.test_demand import ring
from tests.borders import edges_of, random_network

SEEDS = range(6)
THETA = 0.02


def closures(network: Network) -> tuple[Demand, Choice, pd.DataFrame]:
    demand = model_demand(network)
    choice = choose_checkpoints(demand, theta=THETA)
    return demand, choice, close_each(demand, choice)


def ratio(part: float, whole: float) -> float:
    return part / whole if whole else float("nan")


def table_of(network: Network, demand: Demand, mode: str) -> NDArray[np.float64]:
    """Return the times of all pairs by a router of the whole network."""
    node = network.settlements["node"].to_numpy()
    return compile_router(network, mode).table(node[demand.a], node[demand.b], "actual_min")  # type: ignore[arg-type]


def told_by_loops(
    network: Network,
    demand: Demand,
    of_mode_trips: NDArray[np.float64],
    before: NDArray[np.float64],
    after: NDArray[np.float64],
    users: NDArray[np.float64],
) -> list[float]:
    """Return the figures of a closure pair by pair, in the order of IMPACT."""
    cost = trips = lost = of_mode = using = users_cost = 0.0
    towns: dict[int, list[float]] = {}
    for i, j in np.ndindex(before.shape):
        if np.isinf(before[i, j]):
            continue
        rows = [towns.setdefault(int(r), [0.0, 0.0, 0.0]) for r in (demand.a[i], demand.b[j])]
        t = of_mode_trips[i, j]
        of_mode += t
        if np.isinf(after[i, j]):
            lost += t
            continue
        extra = after[i, j] - before[i, j]
        cost, trips = cost + t * extra, trips + t
        using, users_cost = using + users[i, j], users_cost + users[i, j] * extra
        for row in rows:
            row[0] += t * extra
            row[1] += t
            row[2] += 1
    people = network.settlements["population"].to_numpy(float)
    rise = {r: round(c / t, 6) for r, (c, t, n) in towns.items() if n}
    return [
        ratio(cost, trips),
        ratio(lost, of_mode),
        ratio(users_cost, using),
        sum(people[r] for r, x in rise.items() if x > 30),
        sum(people[r] for r, x in rise.items() if x > 60),
        sum(people[r] for r, (_, _, n) in towns.items() if not n),
    ]


def figures(row: Any) -> list[float]:
    return [getattr(row, c) for c in IMPACT]


@pytest.mark.parametrize("seed", SEEDS)
def test_a_closure_costs_what_routing_anew_says(seed: int) -> None:
    network = random_network(seed)
    demand, choice, found = closures(network)
    assert found.columns.tolist() == COLUMNS
    told = 0
    for k, (mode, row) in enumerate(zip(choice.mode, found.itertuples(), strict=True)):
        before = table_of(network, demand, mode)
        after = table_of(set_open(network, [row.checkpoint_id], False), demand, mode)
        expected = told_by_loops(network, demand, choice.by_mode(mode), before, after, choice.through(k))
        assert figures(row) == pytest.approx(expected, rel=1e-6, abs=1e-9, nan_ok=True)
        assert row.share == pytest.approx(choice.through(k).sum())
        told += expected[0] > 0
    assert told


def gains_of(choice: Choice, closed: list[str]) -> dict[str, float]:
    """Return what the other checkpoints of the mode gain where some are not to be had: the choice made anew without them."""
    mode = choice.mode[choice.ids.index(closed[0])]
    names = [choice.ids[k] for k in choice.checkpoint]
    rows = [r for r, k in enumerate(choice.checkpoint) if choice.mode[k] == mode]
    keep = [r for r in rows if names[r] not in closed]
    after = shares_by_orders(choice.minutes[keep], choice.crossing[keep].tolist(), THETA) * choice.by_mode(mode)
    out = {names[r]: -float(choice.through(choice.checkpoint[r]).sum()) for r in keep}
    for r, trips in zip(keep, after, strict=True):
        out[names[r]] += float(trips.sum())
    return out


@pytest.mark.parametrize("seed", SEEDS)
def test_the_fallback_is_who_gains_most_in_a_choice_without_the_closed_one(seed: int) -> None:
    _, choice, found = closures(random_network(seed))
    for k, row in enumerate(found.itertuples()):
        gained = gains_of(choice, [row.checkpoint_id])
        best = max(gained, key=lambda n: gained[n], default="")
        if not gained or gained[best] <= 1e-15:
            assert row.fallback == ""
            assert np.isnan(row.fallback_share)
            continue
        assert gained[row.fallback] == pytest.approx(gained[best], rel=1e-6)
        assert row.fallback_share == pytest.approx(gained[best] / choice.through(k).sum(), rel=1e-6)


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
    """A closure is felt by the trips of its own mode, and they alone look for another checkpoint."""
    nodes = [(-60.0, 0.0), (60.0, 0.0)]
    rails = edges_of(PLAIN, nodes, [(0, 1)], "railways")
    land = drawn_land(
        nodes, [(0, 1)], [(0.0, 0.0), (0.0, 0.0)], nodes, waits=[30.0, 40.0], railways=rails, modes=["road", "rail"]
    )
    _, choice, found = closures(network_of(land))
    assert choice.mode == ["road", "rail"]
    assert found["unserved_share"].tolist() == pytest.approx([1, 1])
    assert found["fallback"].tolist() == ["", ""]
    assert found["fallback_share"].isna().all()
    assert fallbacks(choice)[["fallback", "share"]].to_numpy().tolist() == [["", 1.0], ["", 1.0]]
    assert found["share"].sum() == pytest.approx(1)


@pytest.mark.parametrize("seed", SEEDS)
def test_pairs_cost_what_routing_anew_says(seed: int) -> None:
    network = random_network(seed)
    demand, choice, single = closures(network)
    found = close_pairs(demand, choice, top=4)
    assert found.columns.tolist() == PAIR_COLUMNS
    roads = [i for i, m in zip(choice.ids, choice.mode, strict=True) if m == "road"]
    top = choice.share[roads].sort_values(ascending=False, kind="stable").index[:4]
    assert len(found) == len(top) * (len(top) - 1) // 2
    before = table_of(network, demand, "road")
    unserved = single.set_index("checkpoint_id")["unserved_share"]
    for row in found.itertuples():
        k, m = choice.ids.index(row.closed_1), choice.ids.index(row.closed_2)
        assert {row.closed_1, row.closed_2} <= set(top)
        after = table_of(set_open(network, [row.closed_1, row.closed_2], False), demand, "road")
        users = choice.through(k) + choice.through(m)
        expected = told_by_loops(network, demand, choice.by_mode("road"), before, after, users)
        assert figures(row) == pytest.approx(expected, rel=1e-6, abs=1e-9, nan_ok=True)
        assert row.share == pytest.approx(users.sum())
        # The synergy on the trips that are left, written out.
        alone = [table_of(set_open(network, [i], False), demand, "road") for i in (row.closed_1, row.closed_2)]
        left = np.isfinite(after)
        trips = choice.by_mode("road")[left]
        extra = (after[left] - before[left]) - sum(x[left] - before[left] for x in alone)
        assert row.synergy_min == pytest.approx(
            ratio((trips * extra).sum(), trips.sum()), rel=1e-6, abs=1e-9, nan_ok=True
        )
        both = row.unserved_share - unserved[row.closed_1] - unserved[row.closed_2]
        assert row.synergy_unserved_share == pytest.approx(both, abs=1e-12)


def test_two_that_stand_in_for_each_other_are_worse_together() -> None:
    """The ring with a third way round far off: closing both near ones costs what neither does."""
    nodes = [(-50.0, 0.0), (50.0, 0.0), (-50.0, 2.0), (50.0, 2.0), (-50.0, 120.0), (50.0, 120.0)]
    ends = [(0, 1), (0, 2), (2, 3), (3, 1), (2, 4), (4, 5), (5, 3)]
    land = drawn_land(
        nodes, ends, [(0.0, 0.0), (0.0, 2.0), (0.0, 120.0)], [nodes[0], nodes[1]], waits=[10.0, 10.0, 10.0]
    )
    demand, choice, single = closures(network_of(land))
    found = close_pairs(demand, choice)
    row = found.iloc[0]
    assert {row["closed_1"], row["closed_2"]} == {"c0", "c1"}
    near, second = drive_min(nodes[0], nodes[1]), drive_min(nodes[0], nodes[2], nodes[3], nodes[1])
    far = drive_min(nodes[0], nodes[2], nodes[4], nodes[5], nodes[3], nodes[1])
    alone = dict(zip(single["checkpoint_id"], single["criticality_min"], strict=True))
    assert alone == pytest.approx({"c0": second - near, "c1": 0, "c2": 0}, abs=1e-6)
    assert row["criticality_min"] == pytest.approx(far - near, rel=1e-6)
    assert row["synergy_min"] == pytest.approx(far - second, rel=1e-6)
    assert row["people_over_60min"] == 2000
    assert row["people_cut_off"] == 0


def test_the_last_two_leave_all_unserved_together() -> None:
    network = one_road(2, [30.0, 30.0])
    demand, choice, _ = closures(network)
    row = close_pairs(demand, choice).iloc[0]
    assert row["unserved_share"] == pytest.approx(1)
    assert row["synergy_unserved_share"] == pytest.approx(1)
    assert np.isnan(row["criticality_min"])
    assert np.isnan(row["synergy_min"])
    assert row["people_cut_off"] == network.settlements["population"].sum()
    assert row["people_over_30min"] == 0


@pytest.mark.parametrize("seed", SEEDS)
def test_all_fallbacks_are_the_choice_without_the_closed_one(seed: int) -> None:
    _, choice, found = closures(random_network(seed))
    table = fallbacks(choice, least_share=0)
    assert table.columns.tolist() == ["closed", "fallback", "share"]
    seen = 0
    for k, closed in enumerate(choice.ids):
        own = table[table["closed"] == closed].set_index("fallback")["share"]
        assert own.is_monotonic_decreasing
        whole = choice.through(k).sum()
        if not whole > 0:
            assert own.empty
            continue
        assert own.sum() == pytest.approx(1)
        gained = gains_of(choice, [closed])
        for name, more in gained.items():
            assert own.get(name, 0.0) == pytest.approx(more / whole, rel=1e-6, abs=1e-9)
        assert set(own.index) <= {*gained, ""}
        assert own.get("", 0.0) == pytest.approx(1 - sum(gained.values()) / whole, abs=1e-9)
        top = found.set_index("checkpoint_id").loc[closed]
        if top["fallback"]:
            seen += 1
            assert own[top["fallback"]] == pytest.approx(top["fallback_share"])
    assert seen > 1
    least = fallbacks(choice, least_share=0.2)
    assert (least["share"] >= 0.2).all()
    assert len(least) == (table["share"] >= 0.2).sum()


@pytest.mark.parametrize("seed", SEEDS)
def test_who_takes_over_from_two_is_the_choice_without_both(seed: int) -> None:
    demand, choice, _ = closures(random_network(seed))
    pairs = close_pairs(demand, choice, top=5)
    table = pair_fallbacks(choice, pairs, least_share=0)
    assert table.columns.tolist() == ["closed_1", "closed_2", "fallback", "share"]
    for row in pairs.itertuples():
        closed = [row.closed_1, row.closed_2]
        own = table[(table["closed_1"] == closed[0]) & (table["closed_2"] == closed[1])].set_index("fallback")["share"]
        whole = sum(choice.through(choice.ids.index(i)).sum() for i in closed)
        if not whole > 0:
            assert own.empty
            continue
        gained = gains_of(choice, closed)
        assert own.is_monotonic_decreasing
        for name, more in gained.items():
            assert own.get(name, 0.0) == pytest.approx(more / whole, rel=1e-6, abs=1e-9)
        assert own.get("", 0.0) == pytest.approx(1 - sum(gained.values()) / whole, abs=1e-9)
    assert (pair_fallbacks(choice, pairs)["share"] >= 0.001).all()


def test_a_closure_over_both_modes_is_refused() -> None:
    choice = choose_checkpoints(model_demand(random_network(1)))
    assert set(choice.mode) == {"road", "rail"}
    for closed in ([0, len(choice.ids) - 1], []):
        with pytest.raises(NetworkError, match="allowed is one mode each"):
            choice.taken_over([closed])


def test_pairs_of_one_or_of_no_mode_are_refused() -> None:
    demand, choice, _ = closures(ring())
    with pytest.raises(NetworkError, match="allowed is 2 or more"):
        close_pairs(demand, choice, top=1)
    with pytest.raises(NetworkError, match="no trips by 'rail': allowed are road"):
        close_pairs(demand, choice, mode="rail")


MODES: tuple[Mode, ...] = ("road", "rail")


def without(network: Network, link: int) -> Network:
    """Return the network with one link closed, both directions."""
    links = network.links.copy()
    links.iloc[link, links.columns.get_loc("passable")] = False
    return replace(network, links=with_costs(links))


def flows_of(network: Network, demand: Demand, choice: Choice, mode: Mode = "road") -> pd.DataFrame:
    """Return what each link carries of the trips by a mode."""
    node = network.settlements["node"].to_numpy()
    trips = choice.by_mode(mode)
    return link_betweenness(carry(compile_router(network, mode), node[demand.a], node[demand.b], trips))


def closed_links(network: Network, **options: Any) -> gpd.GeoDataFrame:
    """Return the links closed one by one, with the choice of θ = 0.02."""
    demand = model_demand(network)
    choice = choose_checkpoints(demand, theta=THETA)
    return close_links(network, demand, choice, flows_of(network, demand, choice), **options)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("seed", SEEDS)
def test_a_lost_link_costs_what_routing_anew_says(seed: int, mode: Mode) -> None:
    network = random_network(seed)
    demand = model_demand(network)
    if mode not in [m.mode for m in demand.modes]:
        return
    choice = choose_checkpoints(demand, theta=THETA)
    trips = choice.by_mode(mode)
    before = table_of(network, demand, mode)
    flow = flows_of(network, demand, choice, mode)
    found = close_links(network, demand, choice, flow, mode=mode, top=1000, one_per_section=False)
    assert found.columns.tolist() == criticality_edges.COLUMNS
    at_home = ~network.links["crossing"].to_numpy(bool)[flow["link"]]
    closed = flow[~flow["kind"].isin(["connector", "gate", "transfer"]) & at_home]
    assert sorted(found["link"]) == sorted(closed["link"])
    for row in found.itertuples():
        after = table_of(without(network, row.link), demand, mode)
        # Whoever gets slower used the link; in a network without ties nobody else did.
        users = np.where(after > before, trips, 0.0)
        users[np.isinf(after)] = 0.0
        expected = told_by_loops(network, demand, trips, before, after, users)
        assert figures(row) == pytest.approx(expected, rel=1e-6, abs=1e-8, nan_ok=True)
        used = trips[np.isfinite(before) & ~np.isclose(after, before, rtol=1e-12, atol=0)]
        assert row.flow_share >= used.sum() / trips[np.isfinite(before)].sum() - 1e-9


def test_lost_links_over_many_batches_are_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    network = random_network(2)
    whole = closed_links(network, top=30, one_per_section=False)
    monkeypatch.setattr(criticality_edges, "BITS", 4)
    pd.testing.assert_frame_equal(whole, closed_links(network, top=30, one_per_section=False))


def test_a_lost_link_of_the_ring_by_hand() -> None:
    """One town a side, the north way faster by far: its loss sends all round the south, a spur's loss nobody."""
    network = set_wait(ring(), "c0", 0.0)
    # North 60 + 100 + 60 km and no wait against south 30 + 100 + 30 km and an hour.
    places = [(-50.0, 0.0), (-50.0, 60.0), (50.0, 60.0), (50.0, 0.0)]
    north, south = drive_min(*places), drive_min((-50.0, 0.0), (-50.0, -30.0), (50.0, -30.0), (50.0, 0.0)) + 60
    assert north < south
    found = closed_links(network)
    assert (found["flow_share"] == 1).all()
    assert found["criticality_min"].to_numpy() == pytest.approx(south - north, rel=1e-5)
    assert found["extra_users_min"].to_numpy() == pytest.approx(south - north, rel=1e-5)
    assert (found["unserved_share"] == 0).all()
    assert (found["people_over_30min"] == (2000 if south - north > 30 else 0)).all()
    assert found["section"].is_unique
    every = closed_links(network, one_per_section=False)
    assert every.groupby("section")["length_m"].sum().le(found.set_index("section")["section_length_m"] + 1e-6).all()


def test_the_only_road_cuts_off_its_town() -> None:
    nodes = [(-60.0, 0.0), (-20.0, 0.0), (60.0, 0.0), (-20.0, 50.0)]
    towns = [nodes[0], nodes[3], nodes[2]]
    land = drawn_land(nodes, [(0, 1), (1, 2), (1, 3)], [(0.0, 0.0)], towns, waits=[30.0], population=[7000, 500, 9000])
    network = network_of(land)
    found = closed_links(network)
    lost = {
        tuple(sorted(p)): row
        for p, row in zip(zip(found["u"], found["v"], strict=True), found.itertuples(), strict=True)
    }
    assert sorted(row.people_cut_off for row in lost.values())[:2] == [500, 7000]
    whole = [row for row in lost.values() if row.people_cut_off == 16_500]
    assert whole
    assert all(row.unserved_share == pytest.approx(1) and np.isnan(row.criticality_min) for row in whole)
    assert found["unserved_share"].round(9).is_monotonic_decreasing


def test_a_demand_of_another_network_and_no_links_are_refused() -> None:
    network = random_network(0)
    demand = model_demand(network)
    choice = choose_checkpoints(demand, theta=THETA)
    flow = flows_of(network, demand, choice)
    with pytest.raises(NetworkError, match="modelled on another network"):
        close_links(random_network(1), demand, choice, flow)
    with pytest.raises(NetworkError, match="allowed is 1 or more"):
        close_links(network, demand, choice, flow, top=0)


def test_a_way_that_crosses_three_times_is_followed_leg_by_leg() -> None:
    """From a to b, back to a and to b again: between the gates it runs at home on either side."""
    nodes = [(-60.0, 0.0), (20.0, 0.0), (20.0, 50.0), (-20.0, 50.0), (-20.0, 100.0), (60.0, 100.0)]
    ends = [(0, 1), (1, 2), (2, 3), (3, 4), (4, 5)]
    detour = [(20.0, 0.0), (40.0, 25.0), (20.0, 50.0)]
    land = drawn_land(
        [*nodes, detour[1]], [*ends, (1, 6), (6, 2)], [(0.0, 0.0), (0.0, 50.0), (0.0, 100.0)], [nodes[0], nodes[5]]
    )
    network = network_of(land)
    demand = model_demand(network)
    router = compile_router(network, "road")
    way = router.path(*(int(n) for n in network.settlements["node"]), "actual_min")  # type: ignore[misc]
    assert way is not None
    assert way.checkpoints == ("c0", "c1", "c2")
    home = [r for r in way.links if not network.links["crossing"].iloc[r]]
    choice = choose_checkpoints(demand, theta=THETA)
    # No checkpoint leads across by itself, so that none is chosen; the trips are made all the same.
    assert choice.share.sum() == 0
    assert choice.by_mode("road").tolist() == demand.trips.tolist()
    flow = flows_of(network, demand, choice)
    assert sorted(flow["link"]) == sorted(way.links)
    assert flow["share"].to_numpy() == pytest.approx(1)
    found = close_links(network, demand, choice, flow, one_per_section=False).set_index("link")
    on_b = [
        r
        for r in home
        if abs(network.links["length_m"].iloc[r] - 50_000) < 2000 and found["people_cut_off"].get(r) == 0
    ]
    assert len(on_b) == 1
    longer = drive_min(*detour) - drive_min(detour[0], detour[2])
    assert found.loc[on_b[0], "criticality_min"] == pytest.approx(longer, rel=1e-6)
    assert (found.drop(index=on_b)["unserved_share"] == 1).all()


@pytest.mark.parametrize("against", [False, True])
def test_a_parallel_road_stands_in_in_its_own_direction(against: bool) -> None:
    """A second, slower one-way road between the same junctions helps only those who go its way."""
    nodes = [(-60.0, 0.0), (-30.0, 0.0), (60.0, 0.0)]
    ends = [(0, 1), (1, 2), (1, 0) if against else (0, 1)]
    land = drawn_land(
        nodes, ends, [(0.0, 0.0)], [(-60.0, 0.0), (60.0, 0.0)],
        oneway=[False, False, True], length_m=[30_500.0, 90_500.0, 45_000.0],
    )  # fmt: skip
    network = network_of(land)
    found = closed_links(network, one_per_section=False)
    row = found[np.isclose(found["length_m"], 30_500, rtol=1e-3)].iloc[0]
    assert row["unserved_share"] == (1 if against else 0)
    if not against:
        assert row["criticality_min"] == pytest.approx((45_000 - row["length_m"]) / 1000 / 85 * 60, rel=1e-6)
