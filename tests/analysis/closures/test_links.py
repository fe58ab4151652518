"""Links closed one by one, against a network without them routed from scratch."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import geopandas as gpd
import networkx as nx
import numpy as np
import pandas as pd
import pytest

from analysis.closures import links as criticality_edges
from analysis.closures import losses
from analysis.closures.links import close_links, links_towards_frame
from analysis.trips.betweenness import carry, link_betweenness
from analysis.trips.choice import Choice, choose_checkpoints
from analysis.trips.demand import Demand, model_demand
from layers.errors import NetworkError
from layers.keeping import Keeper, keeping
from network.build import Network, with_costs
from network.edits import set_wait
from network.modes import Mode
from network.routing import compile_router
from tests.analysis.closures.test_checkpoints import SEEDS, THETA, figures, table_of, told_by_loops
from tests.analysis.helpers import drawn_land, drive_min, network_of
from tests.analysis.trips.test_demand import ring
from tests.borders import ROUNDED, random_network

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
    # A difference of two ways, of no more links together than there are.
    assert found["criticality_min"].to_numpy() == pytest.approx(south - north, abs=ROUNDED * len(network.links))
    assert found["extra_users_min"].to_numpy() == pytest.approx(south - north, abs=ROUNDED * len(network.links))
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
    assert found.loc[on_b[0], "criticality_min"] == pytest.approx(longer, abs=3 * ROUNDED)  # two links for one
    assert (found.drop(index=on_b)["unserved_share"] == 1).all()


@pytest.mark.parametrize("against", [False, True])
def test_a_parallel_road_stands_in_in_its_own_direction(against: bool) -> None:
    """A second, slower one-way road between the same junctions helps only those who go its way."""
    nodes = [(-60.0, 0.0), (-30.0, 0.0), (60.0, 0.0)]
    ends = [(0, 1), (1, 2), (1, 0) if against else (0, 1)]
    land = drawn_land(
        nodes,
        ends,
        [(0.0, 0.0)],
        [(-60.0, 0.0), (60.0, 0.0)],
        oneway=[False, False, True],
        length_m=[30_500.0, 90_500.0, 45_000.0],
    )
    network = network_of(land)
    found = closed_links(network, one_per_section=False)
    row = found[np.isclose(found["length_m"], 30_500, rtol=1e-3)].iloc[0]
    assert row["unserved_share"] == (1 if against else 0)
    if not against:
        longer = (45_000 - row["length_m"]) / 1000 / 85 * 60
        assert row["criticality_min"] == pytest.approx(longer, abs=2 * ROUNDED)


def test_a_link_that_only_leads_out_of_the_loaded_network_is_not_closed() -> None:
    """Two dead ends behind the trunk: one town lies by the edge of the data, the other does not."""
    nodes = [(-60.0, 0.0), (60.0, 0.0), (-250.0, 0.0), (-90.0, 80.0), (-290.0, 0.0)]
    towns = [nodes[2], nodes[3], nodes[1]]
    land = drawn_land(
        nodes, [(0, 1), (0, 2), (0, 3), (2, 4)], [(0.0, 0.0)], towns, waits=[30.0], population=[700, 900, 9000]
    )
    network = network_of(land)
    demand = model_demand(network)
    choice = choose_checkpoints(demand, theta=THETA)
    flow = flows_of(network, demand, choice)
    km = -network.nodes["px"].to_numpy(float) / 1000
    every = close_links(network, demand, choice, flow)
    assert sorted(every["people_cut_off"])[:2] == [700, 900]
    skip = links_towards_frame(network, flow, km > 240.0)
    found = close_links(network, demand, choice, flow, skip=skip)
    assert len(skip) == 1
    assert set(every["link"]) - set(found["link"]) == set(skip)
    assert every.set_index("link").loc[skip, "people_cut_off"].tolist() == [700]
    # The trunk leads to the only post: without it the whole side is cut off, which lies by the edge only in part.
    assert not len(links_towards_frame(network, flow, km > 1000.0))
    assert len(links_towards_frame(network, flow, np.ones(len(km), bool))) == len(every)
    # The town's own section comes first where only one is looked for, and is passed over.
    assert len(close_links(network, demand, choice, flow, skip=skip, top=1)) == 1


@pytest.mark.parametrize("seed", SEEDS)
def test_links_towards_the_frame_are_bridges_of_the_network_at_home(seed: int) -> None:
    network = random_network(seed)
    demand = model_demand(network)
    choice = choose_checkpoints(demand, theta=THETA)
    flow = flows_of(network, demand, choice)
    frame = np.random.default_rng(seed).random(len(network.nodes)) < 0.6
    links = network.links[(network.links["mode"] == "road") & ~network.links["crossing"]]
    graph = nx.MultiGraph()
    graph.add_edges_from(zip(links["u"], links["v"], links.index, strict=True))
    gates = network.links[network.links["crossing"] & np.isfinite(network.links["actual_min"])]
    posts = set(gates.loc[gates["mode"] == "road", ["u", "v"]].to_numpy().ravel())
    homes = list(zip(network.settlements["node"], network.settlements["population"], strict=True))
    expected = set()
    for link in close_links(network, demand, choice, flow, top=1000)["link"]:
        u, v = (int(network.links[c].iloc[link]) for c in ("u", "v"))
        graph.remove_edge(u, v, key=link)
        parts = [nx.node_connected_component(graph, n) for n in (u, v)]
        graph.add_edge(u, v, key=link)
        lost = [p for p in parts if not p & posts]
        people = [sum(p for n, p in homes if n in lost[0] and (frame[n] or every)) for every in (0, 1)] if lost else []
        if parts[0] != parts[1] and len(lost) == 1 and people[0] > people[1] / 2:
            expected.add(link)
    assert set(links_towards_frame(network, flow, frame, top=1000)) == expected


def test_another_wait_closes_the_same_links_without_growing_trees(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is kept of each link is the same as what is made now, whatever the wait."""
    network = random_network(1)
    first = str(network.checkpoints.loc[network.checkpoints["open"].astype(bool), "checkpoint_id"].iloc[0])
    other = set_wait(network, first, float(network.checkpoints.set_index("checkpoint_id").loc[first, "wait_min"]) + 1)
    expected = [closed_links(one, top=10) for one in (network, other)]
    assert not expected[0].equals(expected[1])
    with keeping(Keeper(tmp_path / "results", "")):
        kept = [closed_links(network, top=10)]
        with monkeypatch.context() as context:
            context.setattr(losses, "grow", None)
            kept.append(closed_links(other, top=10))
    for one, two in zip(expected, kept, strict=True):
        pd.testing.assert_frame_equal(one, two, check_exact=True)
