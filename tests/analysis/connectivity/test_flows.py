"""Largest flows and the smallest cuts nearest to the source, against networkx on random graphs."""

from __future__ import annotations

from typing import Any

import networkx as nx
import numpy as np
import pytest
from scipy.sparse import coo_array

from analysis.connectivity.apart import Apart, ways_apart
from analysis.connectivity.flows import Flow, compile_flows
from analysis.connectivity.halves import Halves


def random_graph(seed: int) -> tuple[Any, nx.DiGraph[int]]:
    """Return capacities as a matrix and as a graph.

    Both ways, one way, parallel arcs that add up, arcs of capacity 0.
    """
    rng = np.random.default_rng(seed)
    n, m = int(rng.integers(4, 30)), int(rng.integers(4, 120))
    tail, head = rng.integers(n, size=(2, m))
    tail, head = tail[tail != head], head[tail != head]
    most = (1, 5, 1024, 10**6)[seed % 4]
    capacity = rng.integers(0 if seed % 3 else 1, most + 1, len(tail))
    matrix = coo_array((capacity.astype(np.int64), (tail, head)), shape=(n, n)).tocsr()
    graph: nx.DiGraph[int] = nx.DiGraph()
    graph.add_nodes_from(range(n))
    for u, v, c in zip(*matrix.tocoo().coords, matrix.tocoo().data, strict=True):
        graph.add_edge(int(u), int(v), capacity=int(c))
    return matrix, graph


@pytest.mark.parametrize("seed", range(60))
def test_flows_are_those_of_networkx_and_the_cut_is_the_nearest(seed: int) -> None:
    matrix, graph = random_graph(seed)
    flows = compile_flows(matrix)
    rng = np.random.default_rng(seed)
    for _ in range(4):
        source, sink = (int(k) for k in rng.choice(len(graph), 2, replace=False))
        value, flow = nx.maximum_flow(graph, source, sink)
        left: nx.DiGraph[int] = nx.DiGraph()
        left.add_nodes_from(graph)
        for u, v, data in graph.edges(data=True):
            if flow[u][v] < data["capacity"]:
                left.add_edge(u, v)
            if flow[u][v]:
                left.add_edge(v, u)
        side = {source} | nx.descendants(left, source)
        for steps in ((1,), (1023, 1), tuple(4**k for k in range(10, -1, -1))):
            found, seen = flows.send(source, sink, steps=steps)
            assert found == value
            assert set(np.flatnonzero(seen).tolist()) == side
        assert flows.send(source, sink, most=value)[0] == value
        assert flows.send(source, sink, most=value + 1)[0] == value


@pytest.mark.parametrize("seed", range(120))
def test_ways_without_a_common_node_are_those_of_networkx_on_split_nodes(seed: int) -> None:
    rng = np.random.default_rng(seed)
    n, m = int(rng.integers(4, 40)), int(rng.integers(4, 160))
    tail, head = rng.integers(n, size=(2, m))
    tail, head = tail[tail != head], head[tail != head]
    if seed % 2:  # roads both ways
        tail, head = np.concatenate([tail, head]), np.concatenate([head, tail])
    matrix = coo_array((np.ones(len(tail), np.int64), (tail, head)), shape=(n, n)).tocsr()
    limited = rng.random(n) < (1.0, 0.8, 0.4)[seed % 3]
    graph: nx.DiGraph[Any] = nx.DiGraph()
    for v in range(n):
        graph.add_edge((v, 0), (v, 1), **({"capacity": 1} if limited[v] else {}))
    for u, v, c in zip(*matrix.tocoo().coords, matrix.tocoo().data, strict=True):
        graph.add_edge((int(u), 1), (int(v), 0), capacity=int(c))
    scale = (1, 1024)[seed % 5 == 0]
    matrix.data = matrix.data * scale - (scale > 1) * rng.integers(0, 2, matrix.nnz)
    flows = compile_flows(matrix)
    for _ in range(6):
        source, sink = (int(k) for k in rng.choice(n, 2, replace=False))
        value = nx.maximum_flow_value(graph, (source, 1), (sink, 0))
        own = limited.copy()
        own[[source, sink]] = False
        found = ways_apart(flows, source, sink, limited=own, unit=scale)
        assert found == value
        assert ways_apart(flows, source, sink, limited=own, unit=scale, most=value + 1) == value


def two_parts(seed: int) -> tuple[Any, np.ndarray[Any, np.dtype[np.int64]], np.random.Generator]:
    """Return capacities between nodes of two parts with some arcs from one to the other, and the part of each node."""
    rng = np.random.default_rng(seed)
    n = int(rng.integers(8, 40))
    part = np.sort(rng.integers(2, size=n)) - (seed % 7 == 0) * (rng.random(n) < 0.1)
    tail, head = rng.integers(n, size=(2, 6 * n))
    use = (tail != head) & ((part[tail] == part[head]) | (rng.random(6 * n) < 0.15))
    tail, head = tail[use], head[use]
    if seed % 2:
        tail, head = np.concatenate([tail, head]), np.concatenate([head, tail])
    capacity = rng.integers(0 if seed % 3 else 1, (1, 3, 10**5)[seed % 3] + 1, len(tail))
    return coo_array((capacity.astype(np.int64), (tail, head)), shape=(n, n)).tocsr(), part, rng


@pytest.mark.parametrize("seed", range(60))
def test_flows_that_begin_with_ways_to_the_line_are_the_same(seed: int) -> None:
    matrix, part, rng = two_parts(seed)
    flows = compile_flows(matrix)
    by_place = np.empty(len(part), np.int64)
    by_place[flows.place] = part
    halves = Halves(flows, by_place, lambda capacity: Flow.of(flows, capacity), (256, 1) if seed % 4 else (1,))
    ends = rng.choice(len(part), (12, 2))
    for source, sink in ends[ends[:, 0] != ends[:, 1]].tolist():
        value, seen = flows.send(source, sink)
        begin, end = int(flows.place[source]), int(flows.place[sink])
        begun = halves.start(begin, end)
        more, before = halves.whole.go_on(begin, end, (1,))
        assert begun <= value
        assert begun + more == value
        side = before >= 0
        side[begin] = True
        assert side[flows.place].tolist() == seen.tolist()
        # An arc is in some smallest cut where without it less goes by as much as it carries.
        for arc in np.flatnonzero(flows.capacity)[:6]:
            less = matrix.copy().tolil()
            back = np.argsort(flows.place)
            u, v = int(back[flows.tail[arc]]), int(back[flows.head[arc]])
            less[u, v] = 0
            fewer = compile_flows(less.tocsr()).send(source, sink)[0]
            if fewer == value - flows.capacity[arc]:
                assert halves.whole.may_part(np.array([arc]))


@pytest.mark.parametrize("seed", range(60))
def test_ways_apart_that_begin_with_ways_to_the_line_are_as_many(seed: int) -> None:
    matrix, part, rng = two_parts(seed)
    matrix.data = np.minimum(matrix.data, 3)
    flows = compile_flows(matrix)
    by_place = np.empty(len(part), np.int64)
    by_place[flows.place] = part
    limited = rng.random(len(part)) < (1.0, 0.8, 0.4)[seed % 3]
    pairs = rng.choice(len(part), (6, 2), replace=True)
    pairs = pairs[pairs[:, 0] != pairs[:, 1]]
    limited[pairs.ravel()] = False
    apart = Halves(flows, by_place, lambda capacity: Apart.of(flows, limited, capacity=capacity))
    both = Halves(flows, by_place, lambda capacity: Flow.of(flows, capacity), (1,), apart)
    for source, sink in pairs.tolist():
        value = ways_apart(flows, source, sink, limited=limited)
        begin, end = int(flows.place[source]), int(flows.place[sink])
        begun = apart.start(begin, end)
        assert begun + apart.whole.grow(begin, end) == value
        begun = both.start(begin, end)
        assert begun + both.whole.go_on(begin, end, (1,))[0] == flows.send(source, sink)[0]
