"""Where trains change gauge or current."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from typing import Any

import networkx as nx
import numpy as np
import pandas as pd
import pytest

from layers.regions import border_line, clip_to_belt, study_crs, with_sides
from layers.schema import empty_layer
from network.base import Base, build_base
from network.build import build_network
from network.graph import to_graph
from network.rail import CURRENT_CHANGE_MIN, GAUGE_CHANGE_MIN, split_changes
from network.speeds import RAIL_KPH
from tests.borders import DEPTH_KM, PLAIN, checkpoints_of, edges_of, ground_of, random_land, regions_of, settlements_of

LINE = [(0.0, -150.0), (0.0, 150.0)]


def base_of(
    places: list[tuple[float, float]],
    ends: list[tuple[int, int]],
    *,
    base: dict[str, Any] | None = None,
    **columns: Any,
) -> Base:
    """Return the base of a railway that lies west of the border line."""
    railways = edges_of(PLAIN, places, ends, "railways", kind="main", **columns)
    regions = regions_of(PLAIN, LINE, ("RU", "KZ"))
    border = border_line(regions, ("RU", "KZ"))
    clipped = clip_to_belt(with_sides(regions, ("RU", "KZ")), border, DEPTH_KM)
    return build_base(empty_layer("roads"), railways, clipped, border, study_crs(border), **(base or {}))


def minutes(base: Base, u: str, v: str) -> float:
    """Return the shortest time between two nodes of the source, by networkx; of several at one place the nearest."""
    graph: nx.Graph[int] = nx.Graph()
    links = base.tables.links.sort_values("time_min", ascending=False)
    graph.add_weighted_edges_from(links[["u", "v", "time_min"]].itertuples(index=False, name=None))
    ref = base.tables.nodes["ref"]
    (a, b) = (int(ref.index[ref == r][0]) for r in (u, v))
    return float(nx.dijkstra_path_length(graph, a, b))


CHAIN = ([(-100.0, 10.0 * i) for i in range(4)], [(0, 1), (1, 2), (2, 3)])


@pytest.mark.parametrize(
    ("columns", "change", "cost"),
    [
        ({"gauge": ["1520", "1520", "1435"]}, "gauge", GAUGE_CHANGE_MIN),
        ({"current": ["3 kV DC", "3 kV DC", "25 kV 50 Hz"]}, "current", CURRENT_CHANGE_MIN),
        ({"current": ["none", "none", "25 kV 50 Hz"]}, "current", CURRENT_CHANGE_MIN),
        (
            {"gauge": ["1520", "1520", "1435"], "current": ["none", "none", "25 kV 50 Hz"]},
            "gauge|current",
            GAUGE_CHANGE_MIN,
        ),
        # Nothing known on one side, the same trains, a track for both, several currents: no change.
        ({"gauge": ["1520", "1520", ""]}, "", 0),
        ({"gauge": ["1520", "1524", "1520.0"]}, "", 0),
        ({"gauge": ["1520", "1520", "1520;1435"]}, "", 0),
        ({"current": ["none", "none", ""]}, "", 0),
        ({}, "", 0),
    ],
)
def test_a_change_costs_a_passing_train_once(columns: dict[str, Any], change: str, cost: float) -> None:
    base = base_of(*CHAIN, **columns)
    links, nodes = base.tables.links, base.tables.nodes
    km = links["length_m"].sum() / 1000
    assert minutes(base, "0", "3") == pytest.approx(km / RAIL_KPH["main"] * 60 + cost)
    assert nodes.loc[nodes["ref"] == "2", "change"].unique().tolist() == [change]
    assert (nodes.loc[nodes["ref"] != "2", "change"] == "").all()
    assert (links["kind"] == "change").sum() == bool(change)
    assert base.report.get("rail_changes", 0) == bool(change)


def test_the_study_says_what_a_change_costs() -> None:
    base = base_of(*CHAIN, gauge=["1520", "1520", "1435"], base={"gauge_change_min": 7.0})
    assert base.tables.links.query("kind == 'change'")["time_min"].tolist() == [7.0]


def test_only_trains_that_change_pay() -> None:
    # A star: two tracks of 1520, two of 1435, one that tells nothing and so goes with the commonest.
    places = [(-100.0, 0.0), (-120.0, 0.0), (-110.0, 20.0), (-80.0, 0.0), (-90.0, 20.0), (-100.0, -30.0)]
    ends = [(0, i) for i in range(1, 6)]
    base = base_of(places, ends, gauge=["1520", "1520", "1435", "1435", ""])
    free = base_of(places, ends)
    for pair, cost in {
        ("1", "2"): 0,
        ("3", "4"): 0,
        ("1", "3"): 120,
        ("2", "4"): 120,
        ("5", "3"): 0,
        ("5", "1"): 120,
    }.items():
        assert minutes(base, *pair) - minutes(free, *pair) == pytest.approx(cost, abs=1e-9)


def turning(u: np.ndarray, v: np.ndarray, time: np.ndarray, kinds: list[tuple[str, str]], a: int, b: int) -> float:  # type: ignore[type-arg]
    """Return the shortest time by a graph of directed links: each pair that meets costs what it differs in."""
    graph: nx.DiGraph[Any] = nx.DiGraph()
    arcs = [(i, x, y) for i, (x, y) in enumerate(zip(u, v, strict=True))]
    arcs += [(i, y, x) for i, x, y in arcs]
    for i, x, y in arcs:
        if x == a:
            graph.add_edge("start", (i, y), weight=time[i])
        if y == b:
            graph.add_edge((i, y), "end", weight=0.0)
        for j, p, q in arcs:
            if p == y:
                (g, c), (h, d) = kinds[i], kinds[j]
                cost = max(GAUGE_CHANGE_MIN * (g != h), CURRENT_CHANGE_MIN * (c != d))
                graph.add_edge((i, y), (j, q), weight=time[j] + cost)
    return float(nx.dijkstra_path_length(graph, "start", "end"))


@pytest.mark.parametrize("contract", [False, True])
@pytest.mark.parametrize("seed", range(6))
def test_times_are_those_of_a_search_over_links(seed: int, contract: bool) -> None:
    rng = np.random.default_rng(seed)
    core = [(float(s), float(t)) for s, t in zip(rng.uniform(-140, -20, 9), rng.uniform(-100, 100, 9), strict=True)]
    # Two ends of one track each, so that a trip begins and ends on a known kind.
    places = [(-150.0, -120.0), *core, (-150.0, 120.0)]
    pairs = {(i, i + 1) for i in range(10)} | {
        tuple(sorted(p)) for p in rng.integers(1, 10, (8, 2)).tolist() if p[0] != p[1]
    }
    ends = sorted((int(a), int(b)) for a, b in pairs)
    kinds = [
        (str(g), str(c))
        for g, c in zip(
            rng.choice(["1520", "1435"], len(ends)),
            rng.choice(["none", "3 kV DC", "25 kV 50 Hz"], len(ends)),
            strict=True,
        )
    ]
    columns = {"gauge": [g for g, _ in kinds], "current": [c for _, c in kinds]}
    base = base_of(places, ends, base={"contract": contract}, **columns)
    drawn = edges_of(PLAIN, places, ends, "railways")
    time = drawn["length_m"].to_numpy() / 1000 / RAIL_KPH["main"] * 60
    u, v = (np.array(e) for e in zip(*ends, strict=True))
    assert minutes(base, "0", "10") == pytest.approx(turning(u, v, time, kinds, 0, 10), rel=1e-4)
    assert (base.tables.links["kind"] == "change").any()


def test_contraction_keeps_changes_and_the_kinds_of_track() -> None:
    places = [(-100.0, 10.0 * i) for i in range(7)]
    ends = list(pairwise(range(7)))
    gauge = ["1520", "1520", "1435", "1435", "", ""]
    base = base_of(places, ends, base={"contract": True}, gauge=gauge)
    links = base.tables.links
    assert sorted(zip(links["kind"], links["gauge"], strict=True)) == [
        ("change", ""),
        ("main", ""),
        ("main", "1435"),
        ("main", "1520"),
    ]
    assert minutes(base, "0", "6") == pytest.approx(minutes(base_of(places, ends), "0", "6") + GAUGE_CHANGE_MIN)


def test_the_order_of_the_tracks_changes_nothing() -> None:
    places = [(-100.0, 0.0), (-120.0, 0.0), (-110.0, 20.0), (-80.0, 0.0), (-90.0, 20.0)]
    ends = np.array([(0, 1), (0, 2), (0, 3), (0, 4)])
    gauge = np.array(["1520", "1435", "", "1435"])
    found = []
    for order in ([0, 1, 2, 3], [3, 2, 1, 0], [2, 0, 3, 1]):
        base = base_of(places, [tuple(e) for e in ends[order].tolist()], gauge=gauge[order].tolist())
        found.append([minutes(base, str(i), str(j)) for i in range(1, 5) for j in range(i + 1, 5)])
    assert found[0] == pytest.approx(found[1])
    assert found[0] == pytest.approx(found[2])


def test_a_network_without_what_is_known_of_its_tracks_is_left_as_it_is() -> None:
    tables = ground_of(random_land(3)).base.tables
    assert (tables.nodes["change"] == "").all()
    again = split_changes(tables)
    assert again.links is tables.links
    pd.testing.assert_frame_equal(again.nodes, tables.nodes)


def test_the_graph_tells_changes_gauge_and_current() -> None:
    base = base_of(*CHAIN, gauge=["1520", "1520", "1435"], current="none")
    towns = settlements_of(PLAIN, [(-101.0, 2.0), (-101.0, 28.0)], ["RU", "RU"])
    posts = checkpoints_of(PLAIN, [(0.0, 0.0)]).assign(wait_min=10.0)
    graph = to_graph(build_network(base, posts, towns))
    assert sorted(d["change"] for _, d in graph.nodes(data=True) if "change" in d) == ["gauge", "gauge"]
    told = {(d.get("gauge"), d.get("current")) for *_, d in graph.edges(data=True) if d["kind"] == "main"}
    assert told == {("1520", "none"), ("1435", "none")}
    joint = next(d for *_, d in graph.edges(data=True) if d["kind"] == "change")
    assert (joint["length"], joint["travel_time"], joint["actual_min"]) == (0, GAUGE_CHANGE_MIN * 60, GAUGE_CHANGE_MIN)


def test_nothing_joins_a_change() -> None:
    base = base_of(*CHAIN, gauge=["1520", "1520", "1435"])
    at_change = PLAIN.lonlat(-100.0, 20.0)[0]
    towns = settlements_of(PLAIN, [(-100.0, 20.0), (-100.5, 5.0)], ["RU", "RU"])
    assert np.allclose(towns.geometry[0].coords[0], at_change)
    network = build_network(replace(base), checkpoints_of(PLAIN, [(0.0, 0.0)]).assign(wait_min=10.0), towns)
    change = network.links[network.links["kind"] == "change"]
    assert len(change) == 1
    assert change["time_min"].tolist() == [GAUGE_CHANGE_MIN]
    assert network.settlements["station_km"].notna().all()
