"""Closures of checkpoints, alone and in pairs, and of links, against a network closed and routed from scratch."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray

from analysis.closures.checkpoints import (
    COLUMNS,
    IMPACT,
    PAIR_COLUMNS,
    close_each,
    close_pairs,
    fallbacks,
    pair_fallbacks,
)
from analysis.trips.choice import Choice, choose_checkpoints
from analysis.trips.demand import Demand, model_demand
from layers.errors import NetworkError
from network.build import Network
from network.edits import set_open
from network.routing import compile_router
from tests.analysis.helpers import PLAIN, drawn_land, drive_min, network_of, shares_by_orders
from tests.analysis.trips.test_demand import ring
from tests.borders import ROUNDED, edges_of, random_network

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
    """Return what the other checkpoints of the mode gain where some are not to be had.

    The choice made anew without them.
    """
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
    # A difference of two ways, of no more links together than there are.
    off = ROUNDED * len(network_of(land).links)
    assert alone == pytest.approx({"c0": second - near, "c1": 0, "c2": 0}, abs=off)
    assert row["criticality_min"] == pytest.approx(far - near, abs=off)
    assert row["synergy_min"] == pytest.approx(far - second, abs=off)
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
