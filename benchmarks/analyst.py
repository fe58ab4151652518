"""The script that an analyst would write today: networkx Dijkstra per origin, esda, `GeoDataFrame.explore`.

It starts from the same inputs as the package: the graph of `network.graph.to_graph`, points with their way to both ends
of a link, settlements, cells. Nothing of the package's router, statistics or map is used. Where there is a choice it is
the quicker one: distances without paths, one tree per origin and cost field that serves every target, centroids with
edges that lead out only, map layers cut to the columns that the package's map shows.
"""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias

import geopandas as gpd
import networkx as nx
import numpy as np
import pandas as pd
from numpy.typing import NDArray

FIELDS = {"borderless": "borderless_min", "open": "open_min", "actual": "actual_min"}

Floats = NDArray[np.float64]
Graph: TypeAlias = "nx.MultiDiGraph[Any]"


@dataclass
class Trees:
    """Counts Dijkstra trees and their CPU seconds by mode."""

    count: dict[str, int] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def of(self, mode: str, n: int) -> Iterator[None]:
        """Time `n` trees of a mode."""
        start = time.process_time()
        yield
        self.count[mode] = self.count.get(mode, 0) + n
        self.seconds[mode] = self.seconds.get(mode, 0.0) + time.process_time() - start

    def each(self, mode: str) -> float:
        """Return the mean seconds of one tree."""
        return self.seconds[mode] / self.count[mode]


def mode_graph(whole: Graph, mode: str) -> Graph:
    """Return the edges of one mode."""
    kept: list[Any] = [(u, v, k) for u, v, k, edge in whole.edges(keys=True, data=True) if edge["mode"] == mode]
    graph: Graph = whole.edge_subgraph(kept).copy()
    return graph


def add_centroids(
    graph: Graph, point: Sequence[int], u: Sequence[int], v: Sequence[int], to_u: Floats, to_v: Floats
) -> list[Hashable]:
    """Attach points as nodes with an edge to each end of the links they join.

    Return their names, None for one that joins nothing.
    """
    names: dict[int, Hashable] = {}
    for i, a, b, first, second in zip(point, u, v, to_u, to_v, strict=True):
        names[int(i)] = None if a < 0 else ("point", int(i))
        for node, minutes in ((a, first), (b, second)):
            old = graph.get_edge_data(("point", int(i)), node, {0: dict.fromkeys(FIELDS.values(), np.inf)})
            # Two links of a point may end at one node.
            if a >= 0 and minutes < old[0][FIELDS["open"]]:
                graph.add_edge(("point", int(i)), node, key=0, **dict.fromkeys(FIELDS.values(), float(minutes)))
    return list(names.values())


def times_from(graph: Graph, origin: Hashable, targets: Sequence[Hashable], weight: str) -> list[float]:
    """Return minutes from one origin to many targets: one tree."""
    if origin is None or origin not in graph:
        return [np.inf] * len(targets)
    cost = nx.single_source_dijkstra_path_length(graph, origin, weight=weight)
    return [cost.get(t, np.inf) for t in targets]


@dataclass(frozen=True)
class Places:
    """Settlements that draw trips: node, side and people."""

    node: list[int]
    side: NDArray[np.object_]
    people: Floats


def access(
    graph: Graph,
    origins: Sequence[Hashable],
    side: NDArray[np.object_],
    places: Places,
    *,
    half_life_min: float,
    trees: Trees,
) -> pd.DataFrame:
    """Return potentials in three networks, losses, and minutes to the nearest open checkpoint on the origin's own side.

    A trip that ends on its own side is charged no wait. Three trees per origin serve every number.
    """
    side_of = {node: about.get("side") for node, about in graph.nodes(data=True)}
    gates = [
        u for u, _, edge in graph.edges(data=True) if edge.get("kind") == "gate" and np.isfinite(edge[FIELDS["open"]])
    ]
    posts = {s: list({u for u in gates if side_of[u] == s}) for s in ("a", "b")}
    tables = {name: np.full((len(origins), len(places.node)), np.inf) for name in FIELDS}
    nearest = np.full(len(origins), np.nan)
    for i, origin in enumerate(origins):
        for name, weight in FIELDS.items():
            if origin is None or origin not in graph:
                continue
            with trees.of("road", 1):
                cost = nx.single_source_dijkstra_path_length(graph, origin, weight=weight)
            tables[name][i] = [cost.get(t, np.inf) for t in places.node]
            if name == "open":
                best = min((cost.get(p, np.inf) for p in posts[side[i]]), default=np.inf)
                nearest[i] = best if np.isfinite(best) else np.nan
    home = side[:, None] == places.side[None]
    tables["actual"] = np.where(home, tables["open"], tables["actual"])
    joined = np.array([o is not None for o in origins])
    out: dict[str, Floats] = {}
    for name, minutes in tables.items():
        pull = np.exp(-np.log(2) / half_life_min * minutes) * places.people
        out[f"potential_domestic_{name}"] = np.where(joined, (pull * home).sum(axis=1), np.nan)
        out[f"potential_cross_{name}"] = np.where(joined, (pull * ~home).sum(axis=1), np.nan)
    free, real = out["potential_cross_borderless"], out["potential_cross_actual"]
    with np.errstate(divide="ignore", invalid="ignore"):
        out["border_loss"] = np.where(free > 0, 1 - real / free, np.nan)
    out["time_to_checkpoint_min"] = nearest
    return pd.DataFrame(out)


def all_pairs(graph: Graph, a: Sequence[Hashable], b: Sequence[Hashable], *, mode: str, trees: Trees) -> Floats:
    """Return actual minutes of all pairs: a tree per origin."""
    with trees.of(mode, sum(x in graph for x in a)):
        return np.array([times_from(graph, x, b, FIELDS["actual"]) for x in a])


def pairs_without(
    graph: Graph, checkpoint: str, a: Sequence[Hashable], b: Sequence[Hashable], *, mode: str, trees: Trees
) -> Floats:
    """Return the same with the gates of one checkpoint removed, and put them back."""
    gates: list[Any] = [
        (u, v, k, dict(d)) for u, v, k, d in graph.edges(keys=True, data=True) if d["checkpoint_id"] == checkpoint
    ]
    graph.remove_edges_from([(u, v, k) for u, v, k, _ in gates])
    minutes = all_pairs(graph, a, b, mode=mode, trees=trees)
    graph.add_edges_from(gates)
    return minutes


def gravity(people_a: Floats, people_b: Floats, minutes: Floats, half_life_min: float) -> Floats:
    """Return unconstrained gravity trips as shares of the whole."""
    trips = people_a[:, None] * people_b[None] * np.exp(-np.log(2) / half_life_min * minutes)
    shares: Floats = trips / trips.sum()
    return shares


def criticality(trips: Floats, before: Floats, after: Floats) -> tuple[float, float]:
    """Return the mean extra minutes of the trips that still find a way, and the share of trips that find none."""
    served = np.isfinite(before)
    still = served & np.isfinite(after)
    extra = (trips[still] * (after[still] - before[still])).sum() / trips[still].sum()
    return float(extra), float(trips[served & ~still].sum() / trips[served].sum())


def statistics(
    cells: gpd.GeoDataFrame, columns: Sequence[str], *, permutations: int, seed: int
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return Moran's I per column, and local Moran and G* per cell and column, two-sided with Benjamini–Hochberg."""
    from esda import G_Local, Moran, Moran_Local
    from esda.significance import calculate_significance
    from libpysal.graph import Graph as Neighbours
    from scipy.stats import false_discovery_control

    warnings.simplefilter("ignore", RuntimeWarning)  # esda divides by zero where a cell has no neighbours
    table, local = [], {}
    for column in columns:
        known = cells[cells[column].notna()].set_index("cell")
        values = known[column].to_numpy(float)
        # libpysal's build_h3 loses a cell without neighbours, and esda then fails.
        near = Neighbours.build_contiguity(known, rook=True)
        rows = near.transform("r")
        np.random.seed(seed)  # noqa: NPY002  (esda draws from numpy's legacy generator)
        moran = Moran(values, rows, permutations=permutations)
        p = calculate_significance(moran.I, moran.sim, alternative="two-sided")
        table.append({"variable": column, "value": moran.I, "p_two_sided": float(p)})
        lisa = Moran_Local(values, rows, permutations=permutations, seed=seed, n_jobs=1)
        star = G_Local(values, near, transform="B", star=True, permutations=permutations, seed=seed, n_jobs=1)
        alone = rows.cardinalities.reindex(known.index).to_numpy() == 0
        for name, p_local in (
            ("moran", calculate_significance(lisa.Is, lisa.rlisas, alternative="two-sided")),
            ("g", calculate_significance(star.Gs, star.rGs, alternative="two-sided")),
        ):
            q = np.full(len(known), np.nan)
            q[~alone] = false_discovery_control(np.minimum(np.asarray(p_local)[~alone], 1.0))
            local[column, f"{name}_q"] = pd.Series(q, index=known.index)
        local[column, "moran_i"] = pd.Series(np.where(alone, np.nan, lisa.Is), index=known.index)
        local[column, "g_z"] = pd.Series(
            np.where(alone, np.nan, (star.Gs - star.rGs.mean(axis=1)) / star.rGs.std(axis=1)), index=known.index
        )
    return pd.DataFrame(table), pd.DataFrame(local).reindex(cells["cell"])


def web_map(path: Path, layers: Sequence[tuple[str, str | None, gpd.GeoDataFrame]]) -> None:
    """Write a map of layers (title, column that colours it, table) with `GeoDataFrame.explore`."""
    import folium

    page: Any = None
    for title, column, frame in layers:
        page = frame.explore(column=column, m=page, name=title, legend=False)
    folium.LayerControl().add_to(page)
    page.save(path)


def trees_per_second(graph: Graph, roots: Sequence[Hashable], weight: str) -> float:
    """Return networkx trees per second."""
    start = time.process_time()
    for root in roots:
        nx.single_source_dijkstra_path_length(graph, root, weight=weight)
    return len(roots) / (time.process_time() - start)


def igraph_distances(arcs: Mapping[str, Any], n: int) -> tuple[str, Callable[[Sequence[int]], Floats]] | None:
    """Return igraph's version and its one-to-all distances over arcs ``u``, ``v``, ``cost``.

    None where it is not installed.
    """
    try:
        import igraph  # type: ignore[import-not-found, unused-ignore]
    except ImportError:
        return None
    graph = igraph.Graph(n=n, edges=np.column_stack([arcs["u"], arcs["v"]]).tolist(), directed=True)
    weights = np.asarray(arcs["cost"]).tolist()

    def distances(roots: Sequence[int]) -> Floats:
        return np.array(graph.distances(source=list(roots), weights=weights, mode="out"))

    return str(igraph.__version__), distances
