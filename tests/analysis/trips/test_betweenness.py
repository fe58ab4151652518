"""Betweenness with demand: against networkx, and against counting every shortest path, on graphs full of exact ties."""

from __future__ import annotations

from collections.abc import Hashable
from itertools import pairwise
from pathlib import Path
from typing import Any

import networkx as nx
import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.sparse import coo_array, csr_array

from analysis.trips import brandes
from analysis.trips.betweenness import (
    carry,
    checkpoint_betweenness,
    link_betweenness,
    node_betweenness,
)
from analysis.trips.brandes import od_betweenness
from analysis.trips.over_gates import betweenness_across
from layers.errors import NetworkError
from layers.keeping import Keeper, keeping, results
from network.build import FIELDS, NETWORKS
from network.overlay import build_overlay
from network.routing import compile_router
from tests.analysis.helpers import case, cheapest, drawn_land, network_of
from tests.borders import random_network

SEEDS = range(12)


def grid(rng: np.random.Generator, side: int, *, highest: int, holes: float = 0.2) -> nx.DiGraph[int]:
    """Return a grid with integer lengths, some links one-way or gone, dead ends and chains hung on."""
    whole: nx.Graph[Any] = nx.convert_node_labels_to_integers(nx.grid_2d_graph(side, side))
    n = side * side
    whole.add_edges_from([(0, n), (n, n + 1), (n + 1, side + 1), (2, n + 2), (n + 2, n + 3), (n + 4, n + 5)])
    out: nx.DiGraph[int] = nx.DiGraph()
    out.add_nodes_from(range(n + 6))
    for u, v in whole.edges:
        lengths = rng.integers(1, highest + 1, 2)
        if rng.random() < 0.7:
            lengths[1] = lengths[0]
        for (i, j), length in zip([(u, v), (v, u)], lengths, strict=True):
            if rng.random() > holes / 2:
                out.add_edge(i, j, weight=float(length))
    return out


def matrix(graph: nx.DiGraph[int]) -> csr_array:
    """Return the weights as CSR, sorted by row and column."""
    u, v, w = zip(*sorted(graph.edges(data="weight")), strict=True)
    return csr_array(coo_array((w, (u, v)), shape=(len(graph), len(graph))))


def at_edges(graph: csr_array, values: dict[tuple[int, int], float]) -> list[float]:
    coo = graph.tocoo()
    return [values.get(pair, 0.0) for pair in zip(coo.row.tolist(), coo.col.tolist(), strict=True)]


def every_path(
    graph: nx.DiGraph[int], a: NDArray[np.int64], b: NDArray[np.int64], trips: NDArray[np.float64]
) -> tuple[dict[tuple[int, int], float], NDArray[np.float64], float]:
    """Walk all shortest paths of all pairs, one by one."""
    arcs: dict[tuple[int, int], float] = {}
    through, served = np.zeros(len(graph)), 0.0
    for i, s in enumerate(a.tolist()):
        for j, t in enumerate(b.tolist()):
            if s == t or not nx.has_path(graph, s, t):
                continue
            paths = list(nx.all_shortest_paths(graph, s, t, weight="weight"))
            served += trips[i, j]
            for path in paths:
                through[path[1:-1]] += trips[i, j] / len(paths)
                for pair in pairwise(path):
                    arcs[pair] = arcs.get(pair, 0.0) + trips[i, j] / len(paths)
    return arcs, through, served


@pytest.mark.parametrize("seed", SEEDS)
def test_trips_split_over_every_shortest_path(seed: int) -> None:
    """Integers from 1 to 2 on a grid: thousands of exact ties. Some pairs are cut off, some are one place."""
    rng = np.random.default_rng(seed)
    graph = grid(rng, 6, highest=1 + seed % 2)
    a, b = rng.integers(0, len(graph), 9), rng.integers(0, len(graph), (5, 14)[seed % 2])
    trips = rng.uniform(0, 3, (len(a), len(b))) * (rng.random((len(a), len(b))) < 0.7)
    m = matrix(graph)
    arcs, through, served = od_betweenness(m, a, b, trips)
    edges, nodes, all_served = every_path(graph, a, b, trips)
    np.testing.assert_allclose(arcs, at_edges(m, edges), rtol=1e-11, atol=1e-12)
    np.testing.assert_allclose(through, nodes, rtol=1e-11, atol=1e-11)
    assert served == pytest.approx(all_served, rel=1e-12)


@pytest.mark.parametrize("seed", SEEDS)
def test_nodes_are_those_of_networkx_with_ties(seed: int) -> None:
    rng = np.random.default_rng(100 + seed)
    graph = grid(rng, 12, highest=1 + seed % 4)
    a, b = (rng.choice(len(graph), k, replace=False) for k in (20, 30))
    _, through, _ = od_betweenness(matrix(graph), a, b, np.ones((20, 30)))
    theirs = nx.betweenness_centrality_subset(graph, a.tolist(), b.tolist(), weight="weight")
    np.testing.assert_allclose(through, [theirs[i] for i in range(len(graph))], rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("seed", SEEDS)
def test_links_are_those_of_networkx_with_ties_from_everywhere_to_everywhere(seed: int) -> None:
    graph = grid(np.random.default_rng(200 + seed), 8, highest=1 + seed % 3)
    every = np.arange(len(graph))
    m = matrix(graph)
    arcs, _, _ = od_betweenness(m, every, every, np.ones((len(graph), len(graph))))
    theirs = nx.edge_betweenness_centrality(graph, normalized=False, weight="weight")
    np.testing.assert_allclose(arcs, at_edges(m, theirs), rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("seed", SEEDS)
def test_links_of_a_subset_are_those_of_networkx_without_ties(seed: int) -> None:
    """With ties networkx parts what passes a node evenly among the links before it: every_path stands there instead."""
    rng = np.random.default_rng(300 + seed)
    graph = grid(rng, 10, highest=9)
    for _, _, data in graph.edges(data=True):
        data["weight"] = rng.uniform(1, 2)
    a, b = (rng.choice(len(graph), k, replace=False) for k in (15, 25))
    m = matrix(graph)
    arcs, _, _ = od_betweenness(m, a, b, np.ones((15, 25)))
    theirs = nx.edge_betweenness_centrality_subset(graph, a.tolist(), b.tolist(), weight="weight")
    np.testing.assert_allclose(arcs, at_edges(m, theirs), rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("seed", SEEDS)
def test_links_without_cost_keep_the_split(seed: int) -> None:
    """Two grids joined by one-way gates.

    A gate that costs nothing and one that costs 2⁻²⁰ take the same paths, for each trip takes one.
    """
    rng = np.random.default_rng(400 + seed)
    home, away = grid(rng, 5, highest=2, holes=0.0), grid(rng, 5, highest=2, holes=0.0)
    n = len(home)
    free = nx.compose(home, nx.relabel_nodes(away, {i: i + n for i in away}))
    gates = [(int(u), n + int(v)) for u, v in zip(rng.integers(0, 25, 5), rng.integers(0, 25, 5), strict=True)]
    free.add_edges_from(gates, weight=0.0)
    dear = free.copy()
    dear.add_edges_from(gates, weight=2.0**-20)
    a, b = rng.choice(25, 8, replace=False), n + rng.choice(25, 8, replace=False)
    m = matrix(free)
    arcs, through, _ = od_betweenness(m, a, b, np.ones((8, 8)))
    edges, nodes, _ = every_path(dear, a, b, np.ones((8, 8)))
    np.testing.assert_allclose(arcs, at_edges(m, edges), rtol=1e-10, atol=1e-10)
    np.testing.assert_allclose(through, nodes, rtol=1e-10, atol=1e-10)


def test_links_without_cost_both_ways_are_no_circle() -> None:
    """0 –1– 1 =0= 2 –1– 3, and a spur at either post so that no chain hides them."""
    graph: nx.DiGraph[int] = nx.DiGraph()
    for u, v, w in [(0, 1, 1.0), (1, 2, 0.0), (2, 3, 1.0), (1, 4, 1.0), (2, 5, 1.0), (4, 5, 7.0)]:
        graph.add_edge(u, v, weight=w)
        graph.add_edge(v, u, weight=w)
    m = matrix(graph)
    arcs, through, _ = od_betweenness(m, np.array([0, 3]), np.array([3, 0, 5]), np.array([[2.0, 0, 1.0], [0, 5.0, 0]]))
    expected = {(0, 1): 3.0, (1, 2): 3.0, (2, 3): 2.0, (2, 5): 1.0, (3, 2): 5.0, (2, 1): 5.0, (1, 0): 5.0}
    assert arcs.tolist() == pytest.approx(at_edges(m, expected))
    assert through.tolist() == pytest.approx([0, 8, 8, 0, 0, 0])


def test_ways_that_differ_by_rounding_tie_and_ways_that_differ_more_do_not() -> None:
    for excess, share in ((1e-13, 0.5), (1e-8, 1.0)):
        m = csr_array(([0.1, 0.2, 0.3 * (1 + excess)], ([0, 1, 0], [1, 2, 2])), shape=(3, 3))
        arcs, _, _ = od_betweenness(m, np.array([0]), np.array([2]), np.ones((1, 1)))
        assert arcs.tolist() == pytest.approx([share, 1 - share, share])


def test_paths_beyond_counting_are_refused_and_those_within_are_exact() -> None:
    """A chain of diamonds has 2^k shortest paths; each half of each carries a half."""
    for k, fine in ((900, True), (1100, False)):
        start = 3 * np.arange(k)
        u = np.concatenate([start, start, start + 1, start + 2])
        v = np.concatenate([start + 1, start + 2, start + 3, start + 3])
        m = csr_array(coo_array((np.ones(4 * k), (u, v)), shape=(3 * k + 1, 3 * k + 1)))
        ends = np.array([0]), np.array([3 * k]), np.ones((1, 1))
        if fine:
            assert od_betweenness(m, *ends)[0].tolist() == pytest.approx([0.5] * (4 * k))
        else:
            with pytest.raises(NetworkError, match="1e308"):
                od_betweenness(m, *ends)


def test_nothing_asked_nothing_carried() -> None:
    m = csr_array(([1.0], ([0], [1])), shape=(3, 3))
    none = np.array([], np.int64)
    for a, b in ((none, none), (np.array([2]), np.array([0])), (np.array([1]), np.array([1]))):
        arcs, through, served = od_betweenness(m, a, b, np.ones((len(a), len(b))))
        assert (arcs.tolist(), through.tolist(), served) == ([0.0], [0.0, 0.0, 0.0], 0.0)


def test_negative_trips_and_weights_are_refused() -> None:
    at = np.array([0]), np.array([1])
    with pytest.raises(NetworkError, match="negative"):
        od_betweenness(csr_array(([-1.0], ([0], [1])), shape=(2, 2)), *at, np.ones((1, 1)))
    with pytest.raises(NetworkError, match="negative"):
        od_betweenness(csr_array(([1.0], ([0], [1])), shape=(2, 2)), *at, np.full((1, 1), np.nan))


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize("seed", range(6))
def test_nodes_of_a_random_border_are_those_of_networkx(seed: int, name: str) -> None:
    made = case(seed)
    table = made.network.settlements
    ends = {}
    for side in ("a", "b"):
        node = table.loc[table["side"] == side, "node"].to_numpy(np.int64)
        ends[side] = np.unique(node[made.router.positions(node) >= 0])
    flow = carry(made.router, ends["a"], ends["b"], network=name)
    graph: nx.DiGraph[Hashable] = cheapest(made.network, "road", FIELDS[name])
    graph.add_nodes_from(int(i) for i in made.router.nodes)
    zero = [(u, v) for u, v, cost in graph.edges(data="cost") if cost == 0]
    graph.add_edges_from(zero, cost=1e-7)  # networkx refuses to count where links cost nothing
    theirs = nx.betweenness_centrality_subset(graph, ends["a"].tolist(), ends["b"].tolist(), weight="cost")
    np.testing.assert_allclose(flow.through, [theirs[int(i)] for i in made.router.nodes], rtol=1e-9, atol=1e-9)
    told = node_betweenness(flow)
    assert told["trips"].sum() == pytest.approx(sum(theirs.values()))
    assert told["trips"].is_monotonic_decreasing


def two_gates(wait: float) -> Any:
    """Return a border with a straight road and one 40 km to the north, two towns each side at the ends of both."""
    nodes = [(-100.0, 0.0), (100.0, 0.0), (-100.0, 40.0), (100.0, 40.0)]
    land = drawn_land(
        nodes,
        [(0, 1), (2, 3), (0, 2), (1, 3)],
        [(0.0, 0.0), (0.0, 40.0)],
        [(-100.0, 0.0), (-100.0, 40.0), (100.0, 0.0), (100.0, 40.0)],
        waits=[10.0, wait],
    )
    return network_of(land)


def test_checkpoints_share_the_trips_by_hand() -> None:
    """Straight over where the waits are alike; all by the first where the second keeps them an hour and a half more."""
    for wait, shares in ((10.0, [0.6, 0.4]), (100.0, [1.0, 0.0])):
        network = two_gates(wait)
        router = compile_router(network)
        node = network.settlements["node"].to_numpy(np.int64)
        trips = np.array([[6.0, 0.0], [0.0, 4.0]])
        flow = carry(router, node[:2], node[2:], trips)
        table = checkpoint_betweenness(flow)
        assert table["checkpoint_id"].tolist() == ["c0", "c1"]
        assert table["share"].tolist() == pytest.approx(shares)
        assert table["trips"].sum() == pytest.approx(10)
        links = link_betweenness(flow)
        gates = links[links["kind"] == "gate"]
        assert gates["trips"].sum() == pytest.approx(10)
        assert (flow.served, flow.wanted) == (10, 10)
        back = checkpoint_betweenness(carry(router, node[2:], node[:2], trips.T))
        assert back["share"].tolist() == pytest.approx(shares)


def test_a_network_that_is_unknown_and_trips_of_another_shape_are_refused() -> None:
    network = two_gates(10.0)
    router = compile_router(network)
    with pytest.raises(NetworkError, match="borderless, open, actual"):
        carry(router, [0], [1], network="closed")
    with pytest.raises(NetworkError, match=r"allowed is \(1, 2\)"):
        carry(router, [0], [1, 2], np.ones((2, 1)))


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize("seed", range(8))
def test_over_gates_trips_run_as_over_the_whole_graph(seed: int, name: str) -> None:
    network, rng = random_network(seed), np.random.default_rng(seed)
    for mode in ("road", "any"):
        router = compile_router(network, mode)
        ends = [rng.choice(np.flatnonzero(router.side == s), 400) for s in "ab"]
        trips = rng.random((400, 400)) * (rng.random((400, 400)) < 0.3)
        posts = build_overlay(network, mode, field=name).posts
        # Without a border every road over the line is a gate: of some small borders there are too many to be worth it.
        assert name == "borderless" or 2 * len(posts) < min(len(np.unique(e)) for e in ends)
        found = betweenness_across(router, name, *ends, trips)
        whole = od_betweenness(router.costs[FIELDS[name]], *ends, trips)
        for one, other in zip(found, whole, strict=True):
            np.testing.assert_allclose(one, other, rtol=1e-9, atol=1e-9)
        assert found[2] > 0


@pytest.mark.parametrize("seed", range(4))
def test_other_trips_run_over_trees_that_are_kept(seed: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same bits, from the longer list and from the shorter, and no tree is grown again."""
    monkeypatch.setattr(results, "LEAST_S", 0.0)
    rng, graph = np.random.default_rng(seed), compile_router(random_network(seed), "road").costs[FIELDS["open"]]
    for k, m in ((9, 20), (20, 9)):
        ends = rng.integers(0, graph.shape[0], k), rng.integers(0, graph.shape[0], m)
        first, other = rng.random((2, k, m)) + 0.1
        with keeping(Keeper(tmp_path / "results", "")):
            found = [od_betweenness(graph, *ends, first, again=True)]
            with monkeypatch.context() as context:
                context.setattr(brandes, "dijkstra", None)
                found.append(od_betweenness(graph, *ends, other, again=True))
        for trips, (arcs, through, served) in zip((first, other), found, strict=True):
            expected = od_betweenness(graph, *ends, trips)
            assert (arcs == expected[0]).all()
            assert (through == expected[1]).all()
            assert served == expected[2]
