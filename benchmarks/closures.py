"""Closures of pairs of checkpoints and of links.

``python -m benchmarks.closures [--pairs 15] [--links 50] [--sample 8] [--repeats 3]``.

borderlink's `close_pairs` and `close_links` on the packaged study by road, against routing the network anew with scipy
for each closure: what is closed left out, the graph compiled to CSR once more, Dijkstra, and the same figures off the
whole table. Two baselines: a tree per origin, as one would write it; and a careful one with a tree per place of the
smaller side, on the reversed graph. Times and figures of every closure that a baseline computes must equal ours first.
Ends with code 1 where the ratio to the first is below 10.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.sparse import csr_matrix
from scipy.sparse.csgraph import dijkstra

from analysis.closures.checkpoints import IMPACT, close_pairs
from analysis.closures.links import close_links
from analysis.trips.betweenness import carry, link_betweenness
from analysis.trips.choice import choose_checkpoints
from analysis.trips.demand import Demand, model_demand
from benchmarks import machine
from benchmarks.machine import median_of
from gis import build, load_study, prepare
from network.build import Network
from network.routing import compile_router

AIM = 10.0
RTOL, ATOL = 1e-9, 1e-9
Floats = NDArray[np.float64]


@dataclass
class Baseline:
    """Routing anew by scipy, and the CPU seconds it took by the way it grows its trees."""

    network: Network
    demand: Demand
    trips: Floats
    seconds: dict[str, float] = field(default_factory=lambda: {"origins": 0.0, "smaller": 0.0})
    closures: int = 0

    def times(self, shut: NDArray[np.bool_], way: str) -> Floats:
        """Return the minutes of all pairs by road with some links closed."""
        links = self.network.links
        use = (links["mode"] == "road").to_numpy() & np.isfinite(links["actual_min"].to_numpy(float)) & ~shut
        u, v = (links[c].to_numpy(np.int64)[use] for c in ("u", "v"))
        minutes = links["actual_min"].to_numpy(float)[use]
        both = ~links["oneway"].to_numpy(bool)[use]
        tail, head = np.r_[u, v[both]], np.r_[v, u[both]]
        cost = np.r_[minutes, minutes[both]]
        order = np.lexsort((cost, head, tail))
        tail, head, cost = tail[order], head[order], cost[order]
        first = np.r_[True, (np.diff(tail) != 0) | (np.diff(head) != 0)]
        n = len(self.network.nodes)
        graph = csr_matrix((cost[first], (tail[first], head[first])), shape=(n, n))
        node = self.network.settlements["node"].to_numpy(np.int64)
        a, b = node[self.demand.a], node[self.demand.b]
        if way == "origins":
            return np.asarray(dijkstra(graph, indices=a)[:, b])
        if len(a) < len(b):
            return np.asarray(dijkstra(graph, indices=a)[:, b])
        return np.asarray(dijkstra(graph.T.tocsr(), indices=b)[:, a].T)

    def closure(self, before: Floats, shut: NDArray[np.bool_], users: Floats | None) -> tuple[Floats, list[float]]:
        """Return times and figures of one closure, and take the time of both ways."""
        self.closures += 1
        for way in ("origins", "smaller"):
            start = time.process_time()
            after = self.times(shut, way)
            told = self._figures(before, after, users)
            self.seconds[way] += time.process_time() - start
        return after, told

    def _figures(self, before: Floats, after: Floats, users: Floats | None) -> list[float]:
        demand = self.demand
        served, still = np.isfinite(before), np.isfinite(after)
        extra = np.where(still, after - np.where(served, before, 0.0), 0.0)
        trips = np.where(still, self.trips, 0.0)
        # Of a link those count who get slower without it.
        using = np.where(still, users, 0.0) if users is not None else np.where(extra > 1e-9, trips, 0.0)
        out = [_ratio((trips * extra).sum(), trips.sum())]
        out += [_ratio(self.trips[served & ~still].sum(), self.trips[served].sum())]
        # Nobody slower and nobody lost: an equally fast way stands beside the link, and its users lose nothing.
        idle = users is None and not using.any() and not (served & ~still).any()
        out += [0.0 if idle else _ratio((using * extra).sum(), using.sum())]
        people = np.zeros(3)
        for axis, inhabitants in ((1, demand.people_a), (0, demand.people_b)):
            weight = trips.sum(axis=axis)
            rise = np.round((trips * extra).sum(axis=axis) / np.where(weight > 0, weight, np.inf), 6)
            cut = served.any(axis=axis) & ~still.any(axis=axis)
            people += [inhabitants[m].sum() for m in (rise > 30, rise > 60, cut)]
        return [*out, *people.tolist()]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the comparison and print the figures; return 1 where a target is missed."""
    options = _parser().parse_args(arguments)
    machine.two_cores()
    loads = {"closures": machine.load()}
    network = build(prepare(load_study()))
    demand = model_demand(network)
    choice = choose_checkpoints(demand)
    links, node = network.links, network.settlements["node"].to_numpy()
    by_road = choice.by_mode("road")
    flows = link_betweenness(carry(compile_router(network), node[demand.a], node[demand.b], by_road))

    def pair(row: pd.Series) -> tuple[NDArray[np.bool_], Floats | None]:
        ids = [row["closed_1"], row["closed_2"]]
        users = sum((choice.through(choice.ids.index(i)) for i in ids), np.zeros_like(by_road))
        return links["checkpoint_id"].isin(ids).to_numpy(), users

    def link(row: pd.Series) -> tuple[NDArray[np.bool_], Floats | None]:
        return np.arange(len(links)) == row["link"], None

    print(
        "| what, CPU seconds | borderlink | each anew, a tree per origin | ratio | each anew, trees of the "
        "smaller side | ratio |"
    )
    print("|---|---|---|---|---|---|")
    places = f"{len(demand.a)} × {len(demand.b)} places"
    worst = min(
        _compare(
            f"pairs of the top {options.pairs} checkpoints, {places}",
            lambda: close_pairs(demand, choice, top=options.pairs),
            pair,
            Baseline(network, demand, by_road),
            options,
        ),
        _compare(
            f"top {options.links} links one by one, {places}",
            lambda: pd.DataFrame(
                close_links(network, demand, choice, flows, top=options.links).drop(columns="geometry")
            ),
            link,
            Baseline(network, demand, by_road),
            options,
        ),
    )
    print(
        f"\n- Closures at least {AIM:g}× faster than each anew: {'met' if worst >= AIM else 'MISSED'}, {worst:.3g}×\n"
    )
    print("\n".join(f"{line}." for line in machine.describe(loads)))
    return int(worst < AIM)


def _compare(
    what: str,
    ours: Callable[[], pd.DataFrame],
    closed: Callable[[pd.Series], tuple[NDArray[np.bool_], Floats | None]],
    baseline: Baseline,
    options: argparse.Namespace,
) -> float:
    """Print a line of the table; return the ratio to a tree per origin."""
    seconds, table = median_of(options.repeats, ours)
    before = baseline.times(np.zeros(len(baseline.network.links), bool), "smaller")
    some = np.unique(np.linspace(0, len(table) - 1, min(options.sample, len(table))).astype(int))
    for at in some:
        row = table.iloc[at]
        _, told = baseline.closure(before, *closed(row))
        np.testing.assert_allclose(row[IMPACT].to_numpy(float), told, RTOL, ATOL, err_msg=str(row))
    scale = len(table) / baseline.closures
    theirs = {way: s * scale for way, s in baseline.seconds.items()}
    print(
        f"| {what}: {len(table)} closures | {seconds:.3g} s | ≈ {theirs['origins']:.3g} s | ≈ "
        f"{theirs['origins'] / seconds:.3g}× "
        f"| ≈ {theirs['smaller']:.3g} s | ≈ {theirs['smaller'] / seconds:.3g}× |",
        flush=True,
    )
    return theirs["origins"] / seconds


def _ratio(part: float, whole: float) -> float:
    return float(part / whole) if whole > 0 else float("nan")


def _parser() -> argparse.ArgumentParser:
    """Return the options."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.closures", description=__doc__)
    parser.add_argument("--pairs", type=int, default=15, help="checkpoints whose pairs are closed")
    parser.add_argument("--links", type=int, default=50, help="links closed one by one")
    parser.add_argument(
        "--sample", type=int, default=8, help="closures of each kind that the baselines compute; the rest is estimated"
    )
    parser.add_argument("--repeats", type=int, default=3, help="runs of ours, of which the median counts")
    return parser


if __name__ == "__main__":
    sys.exit(main())
