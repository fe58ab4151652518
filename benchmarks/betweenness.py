"""Betweenness with demand: ``python -m benchmarks.betweenness [--places N] [--sample N]``.

`analysis.trips.brandes.od_betweenness` on the road network of the packaged study, the largest places of both sides,
against networkx (`edge_betweenness_centrality_subset`, a sample of its sources) and igraph where it is installed.
Values first: minutes are rounded to the millionth, so that ties are exact for all of them; links and nodes against
igraph's, nodes against networkx's. Not networkx's links: where ties pass a node it parts them evenly, not by numbers of
paths. CPU seconds, medians of five. Ends with code 1 where ours is not 40 times quicker than networkx.
"""

from __future__ import annotations

import argparse
import importlib
import sys
import time
from collections.abc import Sequence
from typing import Any

import networkx as nx
import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from analysis.connectivity.pairs import largest_places
from analysis.trips.brandes import od_betweenness
from benchmarks.machine import describe, load, median_of, two_cores
from gis import build, load_study, prepare
from network.build import FIELDS
from network.routing import compile_router

TARGET = 40
UNIT_MIN = 1e-6
RTOL, ATOL = 1e-9, 1e-6
REPEATS = 5


def case(places: int) -> tuple[csr_array, NDArray[np.int64], NDArray[np.int64]]:
    """Return the actual road network in whole millionths of a minute, and both sides' places, each position once."""
    network = build(prepare(load_study()))
    router = compile_router(network)
    rows = largest_places(network.settlements, per_side=places)
    at = router.positions(network.settlements["node"].to_numpy()[rows])
    side = network.settlements["side"].to_numpy()[rows]
    graph = router.costs[FIELDS["actual"]]
    whole = csr_array((np.rint(graph.data / UNIT_MIN), graph.indices, graph.indptr), shape=graph.shape)
    return whole, *(np.unique(at[(side == s) & (at >= 0)]) for s in ("a", "b"))


def by_networkx(graph: csr_array, a: NDArray[np.int64], b: NDArray[np.int64], sample: int) -> tuple[float, int]:
    """Compare the nodes with networkx, and return its seconds for all sources, estimated from a sample."""
    theirs: nx.DiGraph[int] = nx.from_scipy_sparse_array(graph, create_using=nx.DiGraph)
    some = a[np.unique(np.linspace(0, len(a) - 1, sample).astype(int))]
    _, through, _ = od_betweenness(graph, some, b, np.ones((len(some), len(b))))
    found = nx.betweenness_centrality_subset(theirs, some.tolist(), b.tolist(), weight="weight")
    np.testing.assert_allclose(through, [found[i] for i in range(graph.shape[0])], RTOL, ATOL)
    start = time.process_time()
    nx.edge_betweenness_centrality_subset(theirs, some.tolist(), b.tolist(), weight="weight")
    return (time.process_time() - start) * len(a) / len(some), len(some)


def by_igraph(graph: csr_array, a: NDArray[np.int64], b: NDArray[np.int64]) -> float | None:
    """Compare links and nodes with igraph and return its seconds; None where it is not installed."""
    try:
        igraph: Any = importlib.import_module("igraph")
    except ImportError:
        return None
    coo = graph.tocoo()
    theirs = igraph.Graph(n=graph.shape[0], edges=np.column_stack([coo.row, coo.col]).tolist(), directed=True)
    options = {"directed": True, "weights": coo.data.tolist(), "sources": a.tolist(), "targets": b.tolist()}
    seconds, links = median_of(REPEATS, lambda: theirs.edge_betweenness(**options))
    arcs, through, _ = od_betweenness(graph, a, b, np.ones((len(a), len(b))))
    np.testing.assert_allclose(arcs, links, RTOL, ATOL)
    np.testing.assert_allclose(through, theirs.betweenness(**options), RTOL, ATOL)
    return seconds


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the comparison; return 1 where the target is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--places", type=int, default=200, help="largest places of each side")
    parser.add_argument("--sample", type=int, default=20, help="sources that networkx computes")
    chosen = parser.parse_args(arguments)
    two_cores()
    busy = {"betweenness": load()}
    graph, a, b = case(chosen.places)
    slow, sample = by_networkx(graph, a, b, chosen.sample)
    other = by_igraph(graph, a, b)
    one = np.ones((len(a), len(b)))
    seconds, _ = median_of(REPEATS, lambda: od_betweenness(graph, a, b, one))
    print(f"{len(a)} × {len(b)} places, {graph.shape[0]:,} nodes, {graph.nnz:,} arcs; values equal to {RTOL:g}")
    print(f"borderlink   {seconds:8.3f} s, trees from the shorter list")
    print(f"networkx     {slow:8.3f} s, {slow / seconds:.0f} times ours (from {sample} of {len(a)} sources)")
    print(
        "igraph       not installed"
        if other is None
        else f"igraph       {other:8.3f} s, {other / seconds:.2f} times ours"
    )
    for line in describe(busy):
        print(line)
    return 0 if slow / seconds >= TARGET else 1


if __name__ == "__main__":
    sys.exit(main())
