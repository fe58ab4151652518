"""Contraction of degree-2 nodes: what is kept, against OSMnx and by hand."""

from __future__ import annotations

import networkx as nx
import numpy as np
import osmnx as ox
import pandas as pd
import pytest
import shapely

from layers.checkpoints import with_waits
from layers.crs import line_lengths_m
from network.base import build_base
from network.build import build_network
from network.graph import to_graph
from network.simplify import simplify
from network.topology import Tables, components
from tests.borders import ground_of, network_of, random_land


def tables_of(
    xy: list[tuple[float, float]],
    ends: list[tuple[int, int]],
    *,
    oneway: list[bool] | None = None,
    mode: list[str] | None = None,
) -> Tables:
    """Return tables of straight links between places."""
    nodes = pd.DataFrame(xy, columns=["x", "y"], dtype=float).assign(px=0.0, py=0.0, side="a", kind="road", ref="")
    lines = [shapely.LineString([xy[a], xy[b]]) for a, b in ends]
    links = pd.DataFrame(ends, columns=["u", "v"]).assign(
        mode=mode or "road", kind="trunk", oneway=oneway or False, bridged=False, geometry=lines
    )
    links["length_m"] = line_lengths_m(np.array(lines, dtype=object))
    links["time_min"] = links["length_m"] / 1000
    links["speed_kph"] = 60.0
    return Tables(nodes, links, None)  # type: ignore[arg-type]


def keep(tables: Tables, *nodes: int) -> np.ndarray:
    """Return a mask of nodes to keep."""
    return np.isin(np.arange(len(tables.nodes)), nodes)


LINE = [(0.0, 0.0), (1.0, 0.0), (2.0, 0.5), (3.0, 0.0)]


def test_a_chain_is_one_link_with_everything_of_its_parts() -> None:
    tables = tables_of(LINE, [(1, 0), (1, 2), (3, 2)])
    out, members = simplify(tables, keep(tables))
    assert len(out.links) == 1
    row = out.links.iloc[0]
    assert {row["u"], row["v"]} == {0, 3}
    assert row["length_m"] == pytest.approx(tables.links["length_m"].sum())
    assert row["time_min"] == pytest.approx(tables.links["time_min"].sum())
    path = LINE if row["u"] == 0 else LINE[::-1]
    assert shapely.get_coordinates(row["geometry"]).tolist() == [list(p) for p in path]
    assert sorted(members["part"]) == [0, 1, 2]


def test_kept_nodes_modes_and_one_ways_stop_a_chain() -> None:
    tables = tables_of(LINE, [(0, 1), (1, 2), (2, 3)])
    assert len(simplify(tables, keep(tables, 1))[0].links) == 2
    two = tables_of(LINE, [(0, 1), (1, 2), (2, 3)], mode=["road", "rail", "rail"])
    assert sorted(simplify(two, keep(two))[0].links["mode"]) == ["rail", "road"]
    meeting = tables_of(LINE, [(0, 1), (1, 2), (3, 2)], oneway=[True, True, True])
    assert len(simplify(meeting, keep(meeting))[0].links) == 2
    mixed = tables_of(LINE, [(0, 1), (1, 2), (2, 3)], oneway=[True, False, True])
    assert len(simplify(mixed, keep(mixed))[0].links) == 3


def test_a_chain_of_one_ways_keeps_its_direction() -> None:
    tables = tables_of(LINE, [(3, 2), (2, 1), (1, 0)], oneway=[True] * 3)
    row = simplify(tables, keep(tables))[0].links.iloc[0]
    assert (row["u"], row["v"], row["oneway"]) == (3, 0, True)
    assert shapely.get_coordinates(row["geometry"])[0].tolist() == [3.0, 0.0]


def test_ids_of_ways_are_kept_along_the_chain_each_once() -> None:
    line = [(float(i), 0.0) for i in range(6)]
    tables = tables_of(line, [(5, 4), (3, 4), (2, 3), (2, 1), (1, 0)])
    links = tables.links.assign(osm_ids=["7000000001", "12", "", "12|5", "7000000001"])
    row = simplify(Tables(tables.nodes, links, tables.crs), keep(tables))[0].links.iloc[0]
    assert (row["u"], row["v"], row["osm_ids"]) == (0, 5, "7000000001|12|5")
    stopped = simplify(Tables(tables.nodes, links, tables.crs), keep(tables, 2, 3))[0].links
    assert stopped.set_index("u")["osm_ids"].to_dict() == {0: "7000000001|12|5", 2: "", 3: "12|7000000001"}
    blank = simplify(Tables(tables.nodes, links.assign(osm_ids=""), tables.crs), keep(tables))[0].links
    assert blank["osm_ids"].tolist() == [""]


def test_a_flag_of_one_part_is_the_chains() -> None:
    tables = tables_of(LINE, [(0, 1), (1, 2), (2, 3)])
    links = tables.links.assign(toll=[False, True, False])
    assert simplify(Tables(tables.nodes, links, tables.crs), keep(tables))[0].links["toll"].tolist() == [True]


def test_rings_stay_rings() -> None:
    square = [(0.0, 0.0), (1.0, 0.0), (1.0, 1.0), (0.0, 1.0), (2.0, 2.0)]
    alone = tables_of(square, [(0, 1), (1, 2), (3, 2), (3, 0)])
    row = simplify(alone, keep(alone))[0].links.iloc[0]
    assert row["u"] == row["v"]
    assert shapely.is_closed(row["geometry"])
    assert row["length_m"] == pytest.approx(alone.links["length_m"].sum())
    hung = tables_of(square, [(0, 1), (1, 2), (3, 2), (3, 0), (2, 4)])
    out = simplify(hung, keep(hung))[0].links
    assert sorted(out["u"] == out["v"]) == [False, True]
    pair = tables_of(LINE, [(0, 1), (1, 0)])
    assert len(simplify(pair, keep(pair))[0].links) == 1


@pytest.mark.parametrize("seed", range(12))
def test_times_between_junctions_survive_on_random_borders(seed: int) -> None:
    base = ground_of(random_land(seed, nodes=60)).base.tables
    stay = np.zeros(len(base.nodes), bool)
    over = base.links[base.links["crossing_id"] != ""]
    stay[over[["u", "v"]].to_numpy().ravel()] = True
    out, members = simplify(base, stay)
    assert out.links["length_m"].sum() == pytest.approx(base.links["length_m"].sum())
    np.testing.assert_allclose(
        line_lengths_m(out.links["geometry"].to_numpy()).sum(), line_lengths_m(base.links["geometry"].to_numpy()).sum()
    )
    assert sorted(members["part"]) == list(range(len(base.links)))
    graphs = []
    for tables in (base, out):
        graph = nx.MultiDiGraph()
        for a, b, one, minutes in tables.links[["u", "v", "oneway", "time_min"]].itertuples(index=False):
            graph.add_edge(a, b, time=minutes)
            if not one:
                graph.add_edge(b, a, time=minutes)
        graphs.append(graph)
    left = sorted(set(graphs[0]) & set(graphs[1]))
    assert len(left) > 10
    for node in left[::7]:
        old = nx.single_source_dijkstra_path_length(graphs[0], node, weight="time")
        new = nx.single_source_dijkstra_path_length(graphs[1], node, weight="time")
        for other in left:
            assert old.get(other, np.inf) == pytest.approx(new.get(other, np.inf))
    degree = pd.concat([out.links["u"], out.links["v"]]).value_counts()
    assert (components(out.links, len(out.nodes)).max() + 1) >= 1
    assert degree.min() >= 1


@pytest.mark.parametrize("seed", range(6))
def test_the_same_edges_as_osmnx(seed: int) -> None:
    base = ground_of(random_land(seed, nodes=60)).base.tables
    links = base.links[(base.links["mode"] == "road") & ~base.links["oneway"]].reset_index(drop=True)
    # OSMnx takes one edge per pair of nodes as a chain's part: parallel links are another matter.
    pairs = pd.DataFrame(np.sort(links[["u", "v"]].to_numpy(), axis=1))
    links = links[~pairs.duplicated(keep=False).to_numpy()].reset_index(drop=True)
    out, _ = simplify(Tables(base.nodes, links, base.crs), np.zeros(len(base.nodes), bool))
    graph = nx.MultiDiGraph(crs="epsg:4326")
    for i, (a, b, metres) in enumerate(links[["u", "v", "length_m"]].itertuples(index=False)):
        graph.add_edge(a, b, osmid=i, length=metres)
        graph.add_edge(b, a, osmid=i, length=metres)
    nx.set_node_attributes(graph, {n: {"x": base.nodes["x"][n], "y": base.nodes["y"][n]} for n in graph})
    theirs = ox.simplification.simplify_graph(graph)
    ours = out.links[out.links["u"] != out.links["v"]]
    mine = sorted(
        (min(a, b), max(a, b), round(m, 3)) for a, b, m in ours[["u", "v", "length_m"]].itertuples(index=False)
    )
    others = sorted((a, b, round(d["length"], 3)) for a, b, d in theirs.edges(data=True) if a < b)
    assert mine == others


@pytest.mark.parametrize("seed", range(4))
def test_osmnx_gets_the_ids_of_the_ways(seed: int) -> None:
    land = random_land(seed, nodes=60)
    ground = ground_of(land)
    roads = land.roads.assign(osm_id=9_000_000_000 + np.arange(len(land.roads)))
    base = build_base(roads, land.railways, ground.regions, ground.border, ground.crs, contract=True)
    network = build_network(base, with_waits(land.checkpoints), land.settlements)
    graph = to_graph(network)
    several = 0
    for u, v, data in graph.edges(data=True):
        ids = data["osmid"] if isinstance(data["osmid"], list) else [data["osmid"]]
        assert all(type(i) is int for i in ids)
        several += len(ids) > 1
        of_osm = data["mode"] == "road" and data["kind"] not in ("connector", "gate", "line")
        assert all(i >= 9_000_000_000 for i in ids) == of_osm
        if not of_osm:
            link = network.links.iloc[-1 - ids[0]]
            assert {u, v} == {link["u"], link["v"]}
    assert several
    # Every road of the base is in some link, and what a link names is what it is drawn of.
    known = {int(i) for text in base.tables.links["osm_ids"] if text for i in text.split("|")}
    plain = build_base(roads, land.railways, ground.regions, ground.border, ground.crs)
    assert known == {int(i) for i in plain.tables.links["osm_ids"] if i}
    lines = dict(zip(roads["osm_id"], roads.geometry, strict=True))
    for text, line in base.tables.links[["osm_ids", "geometry"]].itertuples(index=False):
        if text:
            drawn = sum(lines[int(i)].length for i in text.split("|"))
            assert drawn == pytest.approx(line.length)


def test_a_network_of_no_osm_data_has_no_ids() -> None:
    network = network_of(random_land(0))
    assert (network.links["osm_ids"] == "").all()
