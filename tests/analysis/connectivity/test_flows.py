"""Largest flows and the smallest cuts nearest to the source, against networkx on random graphs."""

from __future__ import annotations

from typing import Any

import networkx as nx
import numpy as np
import pytest
from scipy.sparse import coo_array

from analysis.connectivity.apart import ways_apart
from analysis.connectivity.flows import compile_flows


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
