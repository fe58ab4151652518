"""Keeping a built network: ``python -m benchmarks.store FILE [--graphml]``.

`save_network` and `load_network` against pickle of the networkx graph that `to_graph` makes of the same network; with
``--graphml`` OSMnx's GraphML of a tenth of its edges too. FILE is a PBF of ``python -m benchmarks.make_pbf``: its
streets become a network of about a million directed edges, with a border drawn through the middle, twenty checkpoints
and five hundred settlements. What was loaded is compared with what was saved before times are. CPU seconds, medians,
taken in turn. Ends with code 1 where the target is missed.
"""

from __future__ import annotations

import argparse
import gc
import pickle
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import geopandas as gpd
import networkx as nx
import numpy as np
import osmnx as ox
import pandas as pd
import shapely

from benchmarks.machine import describe, load, two_cores
from layers.checkpoints import with_waits
from layers.crs import WGS84
from layers.regions import border_line, study_crs, with_sides
from layers.schema import empty_layer, validate
from layers.sources.pbf.read import read_network
from network.build import Network, build_base, build_network
from network.graph import to_graph
from network.routing import Router, compile_router
from network.store import load_network, load_routers, save_network

AIM = 10.0
SIDES = ("RU", "KZ")


@dataclass
class Kept:
    """One way of keeping a network: how it is saved and loaded, seconds of every run, and its size on disk."""

    what: str
    path: Path
    save: Callable[[], object]
    load: Callable[[], object]
    saving: list[float]
    loading: list[float]
    share: float = 1.0

    def run(self) -> None:
        """Save and load once."""
        for action, seconds in ((self.save, self.saving), (self.load, self.loading)):
            gc.collect()
            start = time.process_time()
            action()
            seconds.append((time.process_time() - start) / self.share)

    @property
    def seconds(self) -> tuple[float, float]:
        """Return median seconds of saving and loading."""
        return statistics.median(self.saving), statistics.median(self.loading)

    @property
    def megabytes(self) -> float:
        """Return the size on disk."""
        files = [self.path] if self.path.is_file() else list(self.path.iterdir())
        return sum(f.stat().st_size for f in files) / self.share / 1e6


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, compare, print a table and the verdict."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.store", description=__doc__)
    parser.add_argument("file", type=Path, help="PBF file of benchmarks.make_pbf")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--graphml", action="store_true", help="GraphML of a tenth of the edges too: a minute")
    options = parser.parse_args(arguments)
    two_cores()
    network = network_of(options.file)
    router = compile_router(network)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        save_network(network, folder / "tables", routers=[router])
        same = is_same(network, router, load_routers(folder / "tables")["road"])
        graph = to_graph(network)
        print(
            f"- {network!r}: {graph.number_of_edges():,} directed edges; loaded as it was saved: "
            f"{'yes' if same else 'NO'}"
        )
        loads = {"store": load()}
        ways = ways_of_keeping(network, router, graph, folder)
        for _ in range(options.repeats):
            for way in ways:
                way.run()
        if options.graphml:
            ways.append(graphml_of_a_tenth(graph, folder))
            ways[-1].run()
        print("| what | save s | load s | both s | MB |\n|---|---|---|---|---|")
        for way in ways:
            saving, loading = way.seconds
            print(f"| {way.what} | {saving:.2f} | {loading:.2f} | {saving + loading:.2f} | {way.megabytes:.0f} |")
    ours, compiled, theirs = (sum(way.seconds) for way in ways[:3])
    print(
        f"- pickle over ours: {theirs / ours:.1f}× (at least {AIM:g}×); with compiling at saving "
        f"{theirs / compiled:.1f}×"
    )
    print("\n".join(describe(loads)))
    return int(not same or theirs / ours < AIM)


def network_of(path: Path) -> Network:
    """Return a network of a file's roads with a border through their middle."""
    roads = validate(read_network(path).roads, "roads", str(path))
    west, south, east, north = roads.total_bounds
    middle = (west + east) / 2 + 1e-3
    boxes = [shapely.box(west - 1, south - 1, middle, north + 1), shapely.box(middle, south - 1, east + 1, north + 1)]
    regions = frame("regions", boxes, region=[f"{c}-1" for c in SIDES], name=list(SIDES), country=list(SIDES))
    border = border_line(regions, SIDES)
    regions = with_sides(regions, SIDES)
    base = build_base(roads, empty_layer("railways"), regions, border, study_crs(border), tolerance_km=0.2)
    posts = shapely.points(middle, np.linspace(south + 0.1, north - 0.1, 20))
    checkpoints = frame("checkpoints", posts, name=[f"Post {i}" for i in range(20)], mode="road")
    rng = np.random.default_rng(0)
    x, y = rng.uniform(west, east, 500), rng.uniform(south, north, 500)
    country = np.where(x < middle, *SIDES)
    towns = frame("settlements", shapely.points(x, y), name=[f"Town {i}" for i in range(500)], country=country)
    return build_network(base, with_waits(checkpoints), towns)


def frame(layer: str, geometry: Any, **columns: Any) -> gpd.GeoDataFrame:
    """Return a validated layer."""
    return validate(gpd.GeoDataFrame(columns, geometry=geometry, crs=WGS84), layer, "benchmark")


def is_same(network: Network, router: Router, other: Router) -> bool:
    """Return whether a loaded router and its network are those that were saved."""
    pairs = [(network, other.network), (network.base.tables, other.network.base.tables)]
    for one, two in pairs:
        pd.testing.assert_frame_equal(one.nodes, two.nodes)
        pd.testing.assert_frame_equal(one.links.drop(columns="geometry"), two.links.drop(columns="geometry"))
        lines = [t.links["geometry"].to_numpy() for t in (one, two)]
        if not np.all(shapely.equals_exact(*lines) | (shapely.is_missing(lines[0]) & shapely.is_missing(lines[1]))):
            return False
    ends = network.settlements["node"].to_numpy()
    return all(np.array_equal(router.trees(ends[:3], key), other.trees(ends[:3], key)) for key in router.costs)


def ways_of_keeping(network: Network, router: Router, graph: nx.MultiDiGraph[int], folder: Path) -> list[Kept]:
    """Return the tables with a router that is at hand, with one that is compiled for saving, and pickle."""
    tables, whole, pickled = folder / "tables", folder / "whole", folder / "graph.pickle"

    def dump() -> None:
        with pickled.open("wb") as file:
            pickle.dump(graph, file, protocol=pickle.HIGHEST_PROTOCOL)

    def undump() -> Any:
        with pickled.open("rb") as file:
            return pickle.load(file)

    return [
        Kept(
            "save_network of network and router, load_routers",
            tables,
            lambda: save_network(network, tables, routers=[router]),
            lambda: load_routers(tables),
            [],
            [],
        ),
        Kept(
            "the same, compiled when saved",
            whole,
            lambda: save_network(network, whole, routers=[compile_router(network)]),
            lambda: load_routers(whole),
            [],
            [],
        ),
        Kept("pickle of the networkx graph", pickled, dump, undump, [], []),
        Kept(
            "save_network without routers, load_network",
            folder / "bare",
            lambda: save_network(network, folder / "bare", routers=()),
            lambda: load_network(folder / "bare"),
            [],
            [],
        ),
    ]


def graphml_of_a_tenth(graph: nx.MultiDiGraph[int], folder: Path) -> Kept:
    """Return OSMnx's GraphML of about a tenth of the edges, its times scaled to all."""
    edges = list(graph.edges(keys=True))[: graph.number_of_edges() // 10]
    part = nx.MultiDiGraph(graph.edge_subgraph(edges))
    path = folder / "tenth.graphml"
    share = part.number_of_edges() / graph.number_of_edges()
    return Kept(
        "OSMnx GraphML, estimated from a tenth",
        path,
        lambda: ox.save_graphml(part, path),
        lambda: ox.load_graphml(path),
        [],
        [],
        share,
    )


if __name__ == "__main__":
    sys.exit(main())
