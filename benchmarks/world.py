"""Tables on the world's trunk roads.

``python -m benchmarks.world FOLDER/scgraph_data/world_highways.py``, a file of the PyPI package ``scgraph_data`` 2.0.0
(OpenStreetMap, ODbL): 1,000 × 1,000 minutes at 80 km/h in three networks, as they are, with one link in a thousand
closed, and with waits on another one, by the engine that a run takes and by scipy's trees, of which 30 a network are
grown and the rest is counted up. CPU seconds of this process; the rows that both have must be the same.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from scipy.sparse import csr_array
from scipy.sparse.csgraph import dijkstra

from benchmarks.machine import describe, load
from layers.sources.make_snapshot import read_geograph
from network import bank, hierarchy
from network.costs import THOUSAND

PLACES, SAMPLE = 1_000, 30
KPH, SHARE, MOST_WAIT_MIN = 80.0, 0.001, 120


def networks(module: Path, seed: int = 0) -> tuple[list[csr_array], np.ndarray]:
    """Return minutes in the three networks, and where the nodes are."""
    nodes, edges = read_geograph(module)
    rng = np.random.default_rng(seed)
    u, v = edges["u"].to_numpy(), edges["v"].to_numpy()
    minutes = np.rint(edges["length_m"].to_numpy() / 1000 / KPH * 60 * THOUSAND) / THOUSAND
    drawn = rng.random(len(edges))
    waits = np.where((drawn > SHARE) & (drawn < 2 * SHARE), rng.integers(1, MOST_WAIT_MIN, len(edges)), 0)
    out = []
    for use, own in ((drawn >= 0, minutes), (drawn > SHARE, minutes), (drawn > SHARE, minutes + waits)):
        ends = np.concatenate([u[use], v[use]]), np.concatenate([v[use], u[use]])
        out.append(csr_array((np.tile(own[use], 2), ends), shape=(len(nodes), len(nodes))))
    return out, nodes[["lon", "lat"]].to_numpy()


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("module", type=Path)
    given = parser.parse_args(arguments)
    before = load()
    costs, where = networks(given.module)
    frame = hierarchy.Frame(tuple(costs), where)
    at = np.random.default_rng(1).choice(len(where), 2 * PLACES, replace=False)
    roots, columns = at[:PLACES], at[PLACES:]
    start = time.process_time()
    hierarchy.costs_between(bank.Graph.of(costs[0], frame).costs, frame, roots[:100], columns[:1])
    order = time.process_time() - start
    start = time.process_time()
    ours = [bank.costs_at(bank.Graph.of(c, frame), roots, columns) for c in costs]
    tables = time.process_time() - start
    start = time.process_time()
    theirs = [dijkstra(c, indices=roots[:SAMPLE])[:, columns] for c in costs]
    trees = (time.process_time() - start) / SAMPLE * PLACES
    for one, other in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(one[:SAMPLE], other, rtol=1e-9)
    print(f"| nodes, arcs | {len(where):,}, {costs[0].nnz:,} |")
    print(f"| order | {order:.1f} CPU s |\n| tables, order known | {tables:.1f} CPU s |")
    print(f"| scipy's trees, {SAMPLE} of {PLACES} a network grown | {trees:.0f} CPU s |")
    print(f"| ratio, order known; with the order | {trees / tables:.1f}; {trees / (tables + order):.1f} |")
    print("\n".join(describe({"tables": before})))


if __name__ == "__main__":
    main()
