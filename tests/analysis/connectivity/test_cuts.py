"""Disjoint ways and smallest cuts: against networkx's flows, and by hand."""

from __future__ import annotations

from typing import Any

import networkx as nx
import numpy as np
import pandas as pd
import pytest

from analysis.connectivity.cuts import _cuts, city_cuts, region_cuts
from analysis.connectivity.narrows import Streets
from layers.errors import NetworkError
from layers.regions import border_line
from network.build import FIELDS, Network
from tests.analysis.helpers import case, drawn_land, network_of

SEEDS = range(8)
NAN = float("nan")


def joined_rows(network: Network, side: str) -> np.ndarray[Any, np.dtype[np.int64]]:
    table = network.settlements
    return np.flatnonzero((table["side"] == side) & table["snap_km"].notna() & (table["population"] > 0))


def flow_graph(network: Network, on: str, capacity: pd.Series | None = None) -> nx.DiGraph[Any]:
    """Return passable road links as arcs whose capacities add up.

    Without a capacity an arc has no limit, as networkx has it.
    """
    graph: nx.DiGraph[Any] = nx.DiGraph()
    for row, link in network.links.iterrows():
        if link["mode"] != "road" or not np.isfinite(link[FIELDS[on]]) or link["u"] == link["v"]:
            continue
        for u, v in [(link["u"], link["v"]), *([] if link["oneway"] else [(link["v"], link["u"])])]:
            more = 1.0 if capacity is None else capacity[row]
            old = graph.get_edge_data(u, v, {"capacity": 0.0})
            graph.add_edge(u, v)
            if "capacity" in old and np.isfinite(more):
                graph[u][v]["capacity"] = old["capacity"] + more
            else:
                graph[u][v].pop("capacity", None)
    return graph


@pytest.mark.parametrize("on", ["borderless", "open"])
@pytest.mark.parametrize("seed", SEEDS)
def test_disjoint_ways_are_networkx_maximum_flows(seed: int, on: str) -> None:
    """Cities of no extent: each is its own node. Nodes are split in two for ways that share none."""
    network = case(seed).network
    a, b = joined_rows(network, "a")[:3], joined_rows(network, "b")[:3]
    found = city_cuts(network, a, b, on=on, radius_km=0.0)
    links = flow_graph(network, on)
    node = network.settlements["node"].to_numpy()
    ends = {int(n) for n in node[np.union1d(a, b)]}
    nodes: nx.DiGraph[Any] = nx.DiGraph()
    for v in set(links) | ends:
        nodes.add_edge((v, "in"), (v, "out"), **({} if v in ends else {"capacity": 1}))
    for u, v, data in links.edges(data=True):
        nodes.add_edge((u, "out"), (v, "in"), capacity=data["capacity"])
    links.add_nodes_from(ends)
    pairs = [(int(node[i]), int(node[j])) for i in a for j in b]
    assert found["edge_disjoint_paths"].tolist() == [nx.maximum_flow_value(links, s, t) for s, t in pairs]
    expected = [nx.maximum_flow_value(nodes, (s, "in"), (t, "out")) for s, t in pairs]
    assert found["node_disjoint_paths"].tolist() == expected
    assert (found["node_disjoint_paths"] <= found["edge_disjoint_paths"]).all()
    size = found["cut_checkpoints"].map(len) + found["cut_other_links"]
    assert (size <= found["edge_disjoint_paths"]).all(), "parallel links of one pair of nodes add up"


@pytest.mark.parametrize("on", ["borderless", "open"])
@pytest.mark.parametrize("seed", SEEDS)
def test_the_cut_is_the_nearest_of_those_with_the_most_checkpoints(seed: int, on: str) -> None:
    """Networkx's flow with gates a little narrower, and what the origin still reaches beside it."""
    network = case(seed).network
    a, b = joined_rows(network, "a")[:4], joined_rows(network, "b")[:4]
    found = city_cuts(network, a, b, on=on, radius_km=0.0)
    gate = (network.links["checkpoint_id"] != "").to_numpy()
    graph = flow_graph(network, on, pd.Series(np.where(gate, 4095.0, 4096.0), index=network.links.index))
    node = network.settlements["node"].to_numpy(np.int64)
    graph.add_nodes_from(int(n) for n in node[np.union1d(a, b)])
    for row, (i, j) in enumerate((int(node[i]), int(node[j])) for i in a for j in b):
        value, flow = nx.maximum_flow(graph, i, j)
        left: nx.DiGraph[int] = nx.DiGraph()
        left.add_nodes_from(graph)
        for u, v, data in graph.edges(data=True):
            if flow[u][v] < data["capacity"]:
                left.add_edge(u, v)
            if flow[u][v] > 0:
                left.add_edge(v, u)
        seen = {i} | nx.descendants(left, i)
        ids: set[str] = set()
        others = 0
        for _, link in network.links[network.links["mode"] == "road"].iterrows():
            if not np.isfinite(link[FIELDS[on]]):
                continue
            for u, v in [(link["u"], link["v"]), *([] if link["oneway"] else [(link["v"], link["u"])])]:
                if u in seen and v not in seen:
                    ids |= {link["checkpoint_id"]} - {""}
                    others += link["checkpoint_id"] == ""
        told = found.iloc[row]
        assert told["edge_disjoint_paths"] == -(-value // 4096)
        assert (told["cut_checkpoints"], told["cut_other_links"]) == (tuple(sorted(ids)), others)


@pytest.mark.parametrize("seed", SEEDS)
def test_vehicles_a_day_are_networkx_maximum_flows(seed: int) -> None:
    network = case(seed).network
    rng = np.random.default_rng(seed)
    links = network.links
    capacity = pd.Series(rng.integers(1, 5000, len(links)).astype(float), index=links.index)
    capacity[rng.random(len(links)) < (0.0, 0.3)[seed % 2]] = NAN
    a, b = joined_rows(network, "a")[:3], joined_rows(network, "b")[:3]
    found = city_cuts(network, a, b, on="borderless", radius_km=0.0, capacity_per_day=capacity)
    graph = flow_graph(network, "borderless", capacity)
    node = network.settlements["node"].to_numpy()
    graph.add_nodes_from(int(n) for n in node[np.union1d(a, b)])
    for row, (i, j) in enumerate((i, j) for i in a for j in b):
        try:
            value = nx.maximum_flow_value(graph, int(node[i]), int(node[j]))
        except nx.NetworkXUnbounded:
            value = NAN
        told = found.iloc[row]
        assert told["capacity_vehicles_per_day"] == pytest.approx(value, nan_ok=True)
        known = "no" if np.isnan(value) else "yes" if seed % 2 == 0 else "upper bound"
        assert told["capacity_known"] == known


def ladder(*, waits: list[float] | None = None) -> Network:
    """Three roads side by side from town to town, a checkpoint on each; they meet in one node at either end."""
    nodes = [(-150.0, 0.0), (150.0, 0.0), *[(s, t) for t in (-60.0, 0.0, 60.0) for s in (-50.0, 50.0)]]
    ends = (
        [(2 + 2 * k, 3 + 2 * k) for k in range(3)]
        + [(0, 2 + 2 * k) for k in range(3)]
        + [(1, 3 + 2 * k) for k in range(3)]
    )
    posts = [(0.0, -60.0), (0.0, 0.0), (0.0, 60.0)]
    return network_of(drawn_land(nodes, ends, posts, [(-150.0, 0.0), (150.0, 0.0)], waits=waits))


def test_three_roads_are_three_ways_and_the_cut_is_at_the_border() -> None:
    row = city_cuts(ladder(), [0], [1]).iloc[0]
    assert (row["edge_disjoint_paths"], row["node_disjoint_paths"]) == (3, 3)
    assert row["cut_checkpoints"] == ("c0", "c1", "c2")
    assert row["cut_other_links"] == 0
    assert (row["origin_name"], row["destination_name"], row["origin_region"]) == ("Town 0", "Town 1", "RU-1")


def test_a_city_without_extent_hangs_on_its_connector() -> None:
    nodes = [(-150.0, 0.0), (0.0, 0.0), (150.0, 0.0), (-140.0, 30.0), (140.0, 30.0)]
    land = drawn_land(
        nodes, [(0, 1), (1, 2), (3, 4), (0, 3), (2, 4)], [(0.0, 0.0), (0.0, 30.0)], [(-150.0, 4.0), (150.0, 4.0)]
    )
    network = network_of(land)
    assert city_cuts(network, [0], [1], radius_km=0.0)["edge_disjoint_paths"].tolist() == [1]
    assert city_cuts(network, [0], [1], radius_km=10.0)["edge_disjoint_paths"].tolist() == [2]


def test_between_whole_countries_the_cut_is_the_open_checkpoints() -> None:
    """So it says nothing; and closing one lowers it by one."""
    for seed in SEEDS:
        network = case(seed).network
        rows = [joined_rows(network, s)[:1] for s in ("a", "b")]
        found = city_cuts(network, *rows, radius_km=10_000.0)
        gates = network.links[(network.links["mode"] == "road") & network.links["crossing"] & network.links["passable"]]
        side = network.nodes["side"].to_numpy()
        assert found["edge_disjoint_paths"].iloc[0] == (side[gates["u"]] == "a").sum()
        assert found["cut_other_links"].iloc[0] == 0
        ids = set(gates.loc[(side[gates["u"]] == "a"), "checkpoint_id"])
        assert set(found["cut_checkpoints"].iloc[0]) == ids
        assert ids <= set(network.checkpoints.loc[network.checkpoints["open"], "checkpoint_id"])


def test_capacities_of_checkpoints_by_hand() -> None:
    network = ladder()
    some = city_cuts(network, [0], [1], checkpoint_capacity_per_day={"c0": 100, "c1": 250}).iloc[0]
    assert np.isnan(some["capacity_vehicles_per_day"])
    assert (some["capacity_known"], some["capacity_cut_checkpoints"]) == ("no", ())
    every = city_cuts(network, [0], [1], checkpoint_capacity_per_day={"c0": 100, "c1": 250, "c2": 0}).iloc[0]
    assert every["capacity_vehicles_per_day"] == 350
    assert every["capacity_known"] == "upper bound"
    assert every["capacity_cut_checkpoints"] == ("c0", "c1", "c2")
    wide = pd.Series(10_000.0, index=network.links.index)
    known = city_cuts(
        network, [0], [1], capacity_per_day=wide, checkpoint_capacity_per_day={"c0": 100, "c1": 250, "c2": 0}
    )
    assert known["capacity_vehicles_per_day"].tolist() == [350]
    assert known["capacity_known"].tolist() == ["yes"]
    narrow = city_cuts(network, [0], [1], capacity_per_day=wide / 100).iloc[0]
    assert narrow["capacity_vehicles_per_day"] == 300


@pytest.mark.parametrize("wide", [100.0, 1e6, 1e9])
def test_of_equal_cuts_the_one_with_the_most_checkpoints_is_told_however_much_passes(wide: float) -> None:
    """Each road is as wide as its gate: the cut might as well be at the city."""
    network = ladder()
    found = city_cuts(network, [0], [1], capacity_per_day=pd.Series(wide, index=network.links.index)).iloc[0]
    assert found["capacity_vehicles_per_day"] == 3 * wide
    assert found["capacity_cut_checkpoints"] == ("c0", "c1", "c2")


@pytest.mark.parametrize("posts", [3, 1100])
def test_of_equal_cuts_the_one_with_the_most_checkpoints_is_told_however_large_the_network(posts: int) -> None:
    """Two roads from city to city with a gate each, and further gates and a million nodes elsewhere."""
    n = 1_100_000
    more = np.arange(10, 10 + 2 * posts)
    streets = Streets(
        tail=np.concatenate([[0, 2, 4, 1, 3, 5], more[::2]]),
        head=np.concatenate([[2, 4, 6, 3, 5, 6], more[1::2]]),
        link=np.arange(6 + posts),
        checkpoint=np.array(["", "p", "", "", "q", "", *(f"x{k}" for k in range(posts))], object),
        groups=(np.array([0, 1]), np.array([6])),
        part=np.where(np.isin(np.arange(n), [0, 2, 1, 3]), 0, 1),
    )
    row = _cuts(streets, [(0, 1)], None).iloc[0]
    assert (row["edge_disjoint_paths"], row["cut_checkpoints"], row["cut_other_links"]) == (2, ("p", "q"), 0)


def test_regions_are_their_largest_cities_together() -> None:
    network = ladder()
    border = border_line(network.base.regions, ("RU", "KZ"))
    found = region_cuts(network, border, per_region=2)
    assert found[["region_a", "region_b", "cities_a", "cities_b"]].iloc[0].tolist() == ["RU-1", "KZ-1", 1, 1]
    alone = city_cuts(network, [0], [1])
    columns = ["edge_disjoint_paths", "node_disjoint_paths", "cut_checkpoints", "cut_other_links"]
    assert found[columns].to_numpy().tolist() == alone[columns].to_numpy().tolist()


def test_what_can_not_be_asked_is_refused() -> None:
    network = ladder()
    for options, message in (
        ({"on": "closed"}, "borderless, open, actual"),
        ({"mode": "air"}, "road, rail, any"),
        ({"radius_km": -1.0}, "0 or more"),
        ({"checkpoint_capacity_per_day": {"c9": 1}}, "no such checkpoint"),
        ({"checkpoint_capacity_per_day": {"c0": -1}}, "negative"),
        ({"checkpoint_capacity_per_day": {"c0": 1e13}}, "thousands"),
    ):
        with pytest.raises(NetworkError, match=message):
            city_cuts(network, [0], [1], **options)  # type: ignore[arg-type]
