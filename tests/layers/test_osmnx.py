"""Graphs of OSMnx as roads: each street once, whatever form the graph was kept in."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import geopandas as gpd
import networkx as nx
import osmnx as ox
import pytest
import shapely

from layers.crs import GEOD, WGS84
from layers.errors import LayerError
from layers.io import Source, read_layer
from layers.sources.osmnx import read_graph, read_graphml

A, B, C, D = (60.0, 50.0), (60.1, 50.0), (60.1, 50.1), (60.2, 50.0)
BEND = (60.05, 50.02)
KM = {pair: GEOD.line_length(*zip(*pair, strict=True)) / 1000 for pair in ((A, BEND, B), (B, C), (B, D))}


def graph_of(**changes: Any) -> nx.MultiDiGraph[int]:
    """Return a bent street A–B, a street B–C of two ways, and a one-way B–D, as OSMnx makes them."""
    graph: nx.MultiDiGraph[int] = nx.MultiDiGraph(crs="epsg:4326", simplified=True)
    for node, (x, y) in enumerate((A, B, C, D)):
        graph.add_node(node, x=x, y=y, street_count=2)
    bent = shapely.LineString([A, BEND, B])
    add = graph.add_edge
    first = {
        "osmid": 7,
        "highway": "primary",
        "maxspeed": "90",
        "oneway": False,
        "length": 1000 * KM[A, BEND, B] * 0.998,
    }
    add(0, 1, **first, reversed=False, geometry=bent)
    add(1, 0, **first, reversed=True, geometry=bent.reverse())
    second = {
        "osmid": [8, 9],
        "highway": ["secondary", "tertiary"],
        "maxspeed": ["60", "80"],
        "oneway": False,
        "length": 1000 * KM[B, C],
    }
    add(1, 2, **second, reversed=[False, True])
    add(2, 1, **second, reversed=[True, False])
    add(1, 3, osmid=10, highway="motorway_link", oneway=True, reversed=False, length=1000 * KM[B, D])
    graph.graph |= changes
    return graph


def right(frame: gpd.GeoDataFrame) -> None:
    """See that a layer holds the three streets."""
    frame = frame.sort_values("osm_id", ignore_index=True)
    assert frame["osm_id"].tolist() == [7, 8, 10]
    assert frame["kind"].tolist() == ["primary", "secondary", "motorway_link"]
    assert frame["oneway"].tolist() == [False, False, True]
    assert frame["maxspeed_kph"].tolist() == pytest.approx([90, 70, float("nan")], nan_ok=True)
    assert (frame["length_m"] / 1000).tolist() == pytest.approx(list(KM.values()), rel=1e-6)
    nodes = {}
    for row in frame.itertuples():
        for node, end in ((row.u, row.geometry.coords[0]), (row.v, row.geometry.coords[-1])):
            assert nodes.setdefault(node, end) == pytest.approx(end, abs=1e-7)
    assert len(nodes) == 4
    assert frame.geometry[2].coords[0] == pytest.approx(B, abs=1e-7)


@pytest.mark.parametrize("form", ["directed", "undirected", "projected", "unsimplified"])
def test_a_graph_in_memory(form: str) -> None:
    graph = graph_of()
    if form == "undirected":
        graph = ox.convert.to_undirected(graph)
    elif form == "projected":
        graph = ox.project_graph(graph)
    elif form == "unsimplified":
        graph.graph.pop("simplified")
    frame, _ = read_graph(graph)
    right(frame)


@pytest.mark.parametrize("form", ["graphml", "directed", "undirected", "undirected graphml"])
def test_a_graph_in_a_file(tmp_path: Path, form: str) -> None:
    graph = graph_of()
    path = tmp_path / ("drive.graphml" if "graphml" in form else "drive.gpkg")
    if form == "graphml":
        ox.save_graphml(graph, path)
    elif form == "undirected graphml":
        ox.save_graphml(ox.convert.to_undirected(graph), path)
    else:
        ox.save_graph_geopackage(graph, filepath=path, directed=form == "directed")
    frame, about = read_layer("roads", Source(str(path)))
    right(frame)
    if "undirected" not in form:
        assert "5 edges are 3 streets: each counts once" in about["notes"]


def test_columns_that_a_study_maps_are_the_same_ones(tmp_path: Path) -> None:
    path = tmp_path / "drive.gpkg"
    ox.save_graph_geopackage(graph_of(), filepath=path, directed=True)
    frame, _ = read_layer("roads", Source(str(path), layer="edges", columns={"kind": "highway"}))
    right(frame)


def test_speeds_that_osmnx_adds_are_driven() -> None:
    graph = ox.add_edge_travel_times(ox.add_edge_speeds(graph_of(), hwy_speeds={"motorway_link": 55}))
    frame, _ = read_graph(graph)
    assert frame.set_index("osm_id")["driven_kph"].to_dict() == {7: 90, 8: 70, 10: 55}
    for *_, data in graph.edges(data=True):
        del data["speed_kph"]
    frame, _ = read_graph(graph)
    assert frame.set_index("osm_id")["driven_kph"].tolist() == pytest.approx([90, 70, 55], rel=0.005)


def test_an_edge_without_its_way_back_is_one_way_whatever_it_is_marked() -> None:
    graph = graph_of()
    graph.remove_edge(2, 1)
    frame, notes = read_graph(graph)
    assert frame.set_index("osm_id")["oneway"].to_dict() == {7: False, 8: True, 10: True}
    assert any("1 edges of the graph lead one way only" in n for n in notes)


def test_geometry_drawn_against_its_edge_moves_no_node() -> None:
    graph = graph_of()
    data = graph.edges[1, 3, 0]
    data["geometry"] = shapely.LineString([D, B])
    frame, _ = read_graph(graph)
    right(frame)


def test_what_is_no_graph_of_osmnx_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "other.graphml"
    nx.write_graphml(nx.path_graph(3), path)
    with pytest.raises(LayerError, match=r"other\.graphml can't be read as a graph of OSMnx"):
        read_layer("roads", Source(str(path)))
    path.write_text("<html><body>Log in</body></html>")
    with pytest.raises(LayerError, match="can't be read as a graph of OSMnx"):
        read_layer("roads", Source(str(path)))
    with pytest.raises(LayerError, match="can't be read as a graph of OSMnx"):
        read_graph(nx.MultiDiGraph(crs=WGS84))


def test_a_graph_with_entities_is_refused_before_it_is_parsed(tmp_path: Path) -> None:
    file = tmp_path / "bomb.graphml"
    file.write_text(
        '<?xml version="1.0"?>\n<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]>\n<graphml>&e;</graphml>'
    )
    with pytest.raises(LayerError, match="declares a document type"):
        read_graphml(file)
