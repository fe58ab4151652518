"""The comparisons: the same input for both, equal answers first, then seconds."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd

from analysis.closures.checkpoints import close_each
from analysis.reach.accessibility import Targets, potentials, time_to_checkpoint
from analysis.statistics.hotspots import cell_statistics
from analysis.trips.choice import choose_checkpoints
from analysis.trips.demand import model_demand
from analysis.units import border_segments
from benchmarks import analyst
from benchmarks.machine import median_of
from gis import build, find_hot_spots, load_study, measure, prepare
from gis.measures import Measures
from gis.study import Study
from maps.contents import Contents
from maps.styles.layers import run_styles
from maps.web.map import write_map
from network.build import FIELDS, Network
from network.graph import to_graph
from network.routing import Points, Router, arcs_table, compile_router

RTOL, ATOL = 1e-9, 1e-12
TESTED = {"ratio": "cross_ratio", "lost": "lost_potential", "loss": "border_loss"}


@dataclass(frozen=True)
class Row:
    """A line of the table: CPU seconds (or `unit`) of ours and of the baseline, and how the baseline got there."""

    what: str
    ours: float
    theirs: float
    note: str = ""
    unit: str = "s"
    more_is_better: bool = False

    @property
    def ratio(self) -> float:
        """How many times better ours is."""
        return self.ours / self.theirs if self.more_is_better else self.theirs / self.ours


@dataclass(frozen=True)
class Case:
    """The packaged study, built and measured."""

    study: Study
    network: Network
    measures: Measures
    graph: analyst.Graph

    @classmethod
    def packaged(cls) -> Case:
        """Return the packaged Russia–Kazakhstan border."""
        study = load_study()
        prepared = prepare(study)
        network = build(prepared)
        measures = find_hot_spots(prepared, measure(prepared, network))
        return cls(study, network, measures, to_graph(network))

    def points(self, router: Router) -> Points:
        """Return the origins: centres of cells, both ends of segments, settlements.

        A settlement is a node, no point on a link.
        """
        cells = self.measures.cells
        segments = border_segments(self.measures.border_line, length_km=self.study.analysis.segment_km)
        xy = segments[["lon", "lat"]].to_numpy(float)
        lonlat = np.concatenate([cells[["lon", "lat"]].to_numpy(float), xy, xy])
        ends = [np.full(len(segments), s, dtype=object) for s in ("a", "b")]
        side = np.concatenate([cells["side"].to_numpy(dtype=object), *ends])
        ground = router.attach(lonlat, side, limit_km=self.network.limits.point_km)
        at = router.positions(self.network.settlements["node"].to_numpy())
        return Points.of([ground, Points.at_nodes(at, self.network.settlements["side"].to_numpy(dtype=object))])


def cost_queries(case: Case, *, origins: int | None, checkpoints: int | None, repeats: int) -> list[Row]:
    """Compare all cost queries: potentials and nearest checkpoints of all origins, and every single closure.

    Parameters
    ----------
    origins, checkpoints
        How many the baseline computes, spread evenly; None for all. Its time for the rest is extrapolated by the number
        of trees.
    """
    trees = analyst.Trees()
    near = _access_row(case, origins, repeats, trees)
    shut, careful = _closure_row(case, origins, checkpoints, repeats)
    whole = Row("all cost queries together", near.ours + shut.ours, near.theirs + shut.theirs, _said([near, shut]))
    router = compile_router(case.network, "road")
    targets = len(Targets.of(case.network, router).node)
    turned = 3 * targets * trees.each("road") + careful
    note = (
        "estimated from the trees' mean seconds: networkx on the reversed graph, a tree per settlement and per place "
        "of the smaller side"
    )
    return [near, shut, whole, Row("the same, against a careful analyst", whole.ours, turned, note)]


def _said(rows: Sequence[Row]) -> str:
    return "partly estimated, see above" if any("estimated" in r.note for r in rows) else "all computed"


def _access_row(case: Case, sample: int | None, repeats: int, trees: analyst.Trees) -> Row:
    """Compare potentials in three networks and minutes to the nearest checkpoint."""
    network, half_life = case.network, case.study.analysis.half_life_min
    points = case.points(compile_router(network, "road"))

    def ours() -> pd.DataFrame:
        router = compile_router(network, "road")
        pull = potentials(router, points, Targets.of(network, router), half_life_min=half_life)
        return pull.join(time_to_checkpoint(network, router, points))

    seconds, answer = median_of(repeats, ours)
    router = compile_router(network, "road")
    graph = analyst.mode_graph(case.graph, "road")
    ends = [np.where(at >= 0, router.nodes[np.maximum(at, 0)], -1).tolist() for at in (points.u, points.v)]
    homes = len(network.settlements)
    ground = len(points) - homes
    first = int(points.starts[ground])
    names = analyst.add_centroids(
        graph, points.point[:first], ends[0][:first], ends[1][:first], points.to_u[:first], points.to_v[:first]
    ) + [n if n >= 0 else None for n in ends[0][first:]]
    inhabited = network.settlements[network.settlements["population"] > 0]
    places = analyst.Places(
        inhabited["node"].tolist(), inhabited["side"].to_numpy(dtype=object), inhabited["population"].to_numpy(float)
    )
    chosen = _spread(len(points), sample)
    start = time.process_time()
    theirs = analyst.access(
        graph, [names[i] for i in chosen], points.side[chosen], places, half_life_min=half_life, trees=trees
    )
    taken = time.process_time() - start
    for column in theirs:
        mine = answer[column].to_numpy(float)[chosen]
        np.testing.assert_allclose(mine, theirs[column].to_numpy(float), RTOL, ATOL, err_msg=str(column))
    note = f"{len(chosen):,} of {len(points):,} origins, {trees.count['road']:,} trees"
    if len(chosen) < len(points):
        taken, note = taken * len(points) / len(chosen), f"estimated from {note}"
    return Row(f"potentials in three networks and nearest checkpoint of {len(points):,} origins", seconds, taken, note)


def _closure_row(case: Case, sample: int | None, checkpoints: int | None, repeats: int) -> tuple[Row, float]:
    """Compare the closure of every checkpoint; return also the baseline's seconds with trees from the smaller side."""
    network, settings = case.network, case.study.analysis

    def ours() -> tuple[Any, Any, pd.DataFrame]:
        demand = model_demand(network, half_life_min=settings.half_life_min)
        choice = choose_checkpoints(demand, theta=settings.theta_per_min)
        return demand, choice, close_each(demand, choice)

    seconds, (demand, choice, closed) = median_of(repeats, ours)
    people = network.settlements["population"].to_numpy(float)
    node = network.settlements["node"].to_numpy()
    chosen = _spread(len(demand.a), sample)
    a, b = node[demand.a[chosen]].tolist(), node[demand.b].tolist()
    start = time.process_time()
    graphs = {m.mode: analyst.mode_graph(case.graph, m.mode) for m in demand.modes}
    spent = {m: analyst.Trees() for m in graphs}
    before = {m: analyst.all_pairs(g, a, b, mode=m, trees=spent[m]) for m, g in graphs.items()}
    trips = analyst.gravity(
        people[demand.a[chosen]], people[demand.b], np.minimum(*before.values()), settings.half_life_min
    )
    setup = time.process_time() - start
    if sample is None:
        np.testing.assert_allclose(trips, demand.trips, RTOL, ATOL)
    mode_of = network.checkpoints.set_index("checkpoint_id")["mode"]
    ids = closed["checkpoint_id"].tolist()
    taken = 0.0
    for mode, graph in graphs.items():
        mine = [c for c in ids if mode_of[c] == mode]
        some = [mine[i] for i in _spread(len(mine), None if checkpoints is None else (checkpoints + 1) // 2)]
        start = time.process_time()
        times = next(m for m in demand.modes if m.mode == mode)
        late = 0.0
        for checkpoint in some:
            after = analyst.pairs_without(graph, checkpoint, a, b, mode=mode, trees=spent[mode])
            worth = analyst.criticality(choice.by_mode(mode)[chosen], before[mode], after)
            checked = time.process_time()
            table = times.overlay.table(times.to_posts, times.from_posts, [checkpoint])[chosen]
            np.testing.assert_allclose(table, after, RTOL, ATOL, err_msg=checkpoint)
            if sample is None:
                row = closed.set_index("checkpoint_id").loc[checkpoint]
                np.testing.assert_allclose([row["criticality_min"], row["unserved_share"]], worth, RTOL, ATOL)
            late += time.process_time() - checked
        taken += (time.process_time() - start - late) * len(mine) / len(some)
    whole = (setup + taken) * len(demand.a) / len(chosen)
    done = sum(t.count[m] for m, t in spent.items())
    note = f"{done:,} trees"
    if sample is not None or checkpoints is not None:
        note = f"estimated from {note}"
    smaller = min(len(demand.a), len(demand.b))
    careful = sum(t.each(m) * smaller * (1 + sum(mode_of[c] == m for c in ids)) for m, t in spent.items())
    what = f"closing each of {len(ids)} checkpoints, {len(demand.a)} × {len(demand.b)} places"
    return Row(what, seconds, whole, note), careful


def _spread(n: int, sample: int | None) -> np.ndarray[Any, np.dtype[np.int64]]:
    """Return positions spread evenly over n."""
    return np.arange(n) if sample is None or sample >= n else np.linspace(0, n - 1, sample).astype(np.int64)


def statistics_rows(case: Case, repeats: int) -> list[Row]:
    """Compare the statistics of the cells with esda used directly.

    A matter of being no slower, for esda does the work.
    """
    settings = case.study.analysis
    cells = case.measures.cells
    options = {"permutations": settings.permutations, "seed": settings.seed}
    seconds, (local, table, _) = median_of(repeats, lambda: cell_statistics(cells, TESTED, **options))
    taken, (their_table, their_local) = median_of(
        repeats, lambda: analyst.statistics(cells, list(TESTED.values()), **options)
    )
    for column in ("value", "p_two_sided"):
        np.testing.assert_allclose(table[column].to_numpy(float), their_table[column], RTOL, ATOL, err_msg=column)
    for short, column in TESTED.items():
        for name in ("moran_i", "moran_q", "g_z", "g_q"):
            mine, other = local[f"{short}_{name}"].to_numpy(float), their_local[column, name].to_numpy(float)
            np.testing.assert_allclose(mine, other, RTOL, ATOL, err_msg=f"{column} {name}")
    what = f"Moran's I, local Moran, G*, FDR: {len(TESTED)} variables, {settings.permutations:,} permutations"
    return [Row(what, seconds, taken, "all computed; p and q equal too")]


def map_rows(case: Case, repeats: int) -> list[Row]:
    """Compare the web map: seconds to write, and megabytes."""
    drawn = [(s, getattr(case.measures, s.layer)) for s in run_styles()]
    drawn = [(s, f.drop(columns=["names"], errors="ignore")) for s, f in drawn if len(f)]
    tables: dict[str, gpd.GeoDataFrame] = {}
    for style, frame in drawn:
        tables.setdefault(style.layer, frame)
    shared = [(s, tables[s.layer]) for s, _ in drawn]
    layers = []
    for style, frame in reversed(shared):
        shown = [c for c in dict.fromkeys([style.column, *style.fields, style.name_column]) if c in frame.columns]
        colour = style.column if style.kind != "single" else None
        layers.append((style.title, colour, frame[[*shown, "geometry"]]))
    contents = Contents(title="Map", layers=tables, styles=[s for s, _ in shared], sides=case.study.sides)
    with tempfile.TemporaryDirectory() as name:
        one, other = Path(name) / "ours.html", Path(name) / "theirs.html"
        seconds, _ = median_of(repeats, lambda: write_map(one, contents))
        taken, _ = median_of(repeats, lambda: analyst.web_map(other, layers))
        sizes = [f.stat().st_size / 1e6 for f in (one, other)]
    rows = sum(len(f) for _, f in shared)
    note = "explore's page fetches its scripts and tiles from the net; ours holds everything and no tiles"
    return [
        Row(f"web map, {len(shared)} layers, {rows:,} features drawn: seconds", seconds, taken, "all computed"),
        Row("web map: size", sizes[0], sizes[1], note, "MB"),
    ]


def tree_rows(case: Case, repeats: int, networkx_roots: int) -> list[Row]:
    """Compare one-to-all trees per second on the actual network by road."""
    router, weight = compile_router(case.network, "road"), FIELDS["actual"]
    positions = _spread(len(router.nodes), 256)
    roots = router.nodes[positions]
    seconds, trees = median_of(repeats, lambda: router.trees(roots, weight))
    rate = len(roots) / seconds
    graph = analyst.mode_graph(case.graph, "road")
    few = router.nodes[_spread(len(router.nodes), networkx_roots)].tolist()
    theirs = analyst.trees_per_second(graph, few, weight)
    what, unit = f"one-to-all trees by road, {len(router.nodes):,} nodes", "1/s"
    rows = [Row(f"{what}: networkx", rate, theirs, f"{len(few)} trees", unit, True)]
    arcs = arcs_table(router, weight)
    table = {
        "u": router.positions(arcs["u"].to_numpy()),
        "v": router.positions(arcs["v"].to_numpy()),
        "cost": arcs["cost"],
    }
    found = analyst.igraph_distances(table, len(router.nodes))
    if found is None:
        return [*rows, Row(f"{what}: igraph", rate, float("nan"), "igraph is not installed", unit, True)]
    release, distances = found
    taken, answer = median_of(repeats, lambda: distances(positions.tolist()))
    np.testing.assert_allclose(trees, answer, RTOL, ATOL)
    return [*rows, Row(f"{what}: igraph {release}", rate, len(roots) / taken, f"{len(roots)} trees", unit, True)]
