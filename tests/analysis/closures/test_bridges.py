"""Bridges of random graphs, parallel links and loops among them: those that networkx finds."""

import networkx as nx
import numpy as np
import pytest

from analysis.closures import bridges as module
from analysis.closures.bridges import bridges


@pytest.mark.parametrize("seed", range(30))
def test_bridges_are_those_of_networkx(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "BITS", 5)
    rng = np.random.default_rng(seed)
    n = int(rng.integers(2, 40))
    u, v = rng.integers(0, n, (2, int(rng.integers(1, 50))))
    graph = nx.MultiGraph()
    graph.add_nodes_from(range(n))
    graph.add_edges_from(zip(u.tolist(), v.tolist(), range(len(u)), strict=True))
    found = {k for a, b, k in graph.edges(keys=True) if a != b and not _still(graph, a, b, k)}
    some = rng.permutation(len(u))[: int(rng.integers(1, len(u) + 1))]
    assert {int(k) for k in some[bridges(u, v, some)]} == found & {int(k) for k in some}
    assert not len(bridges(u, v, some[:0]))


def _still(graph: nx.MultiGraph, a: int, b: int, key: int) -> bool:
    """Return whether two nodes are joined without a link."""
    rest = graph.copy()
    rest.remove_edge(a, b, key)
    return bool(nx.has_path(rest, a, b))
