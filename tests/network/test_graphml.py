"""GraphML as OSMnx writes it: the same graph comes back from both, and hostile texts survive."""

from __future__ import annotations

from pathlib import Path

import networkx as nx
import osmnx as ox
import pytest

from network.graph import to_graph
from network.graphml import write_graphml, write_network
from tests.borders import random_network


@pytest.mark.parametrize("seed", range(3))
def test_the_same_graph_comes_back_as_from_osmnx(seed: int, tmp_path: Path) -> None:
    graph = to_graph(random_network(seed))
    write_graphml(graph, tmp_path / "ours.graphml")
    ox.save_graphml(graph, tmp_path / "theirs.graphml")
    dtypes = dict.fromkeys(("borderless_min", "open_min", "actual_min", "time_min", "wait_min"), float)
    ours, theirs = (ox.load_graphml(tmp_path / f"{n}.graphml", edge_dtypes=dtypes) for n in ("ours", "theirs"))
    assert dict(ours.nodes(data=True)) == dict(theirs.nodes(data=True))
    assert ours.graph == theirs.graph
    assert sorted(ours.edges(keys=True)) == sorted(theirs.edges(keys=True))
    for u, v, k, data in ours.edges(keys=True, data=True):
        other = theirs.edges[u, v, k]
        assert data.keys() == other.keys()
        assert all(data[c] == other[c] or (data[c] != data[c] and other[c] != other[c]) for c in data)


def test_names_that_would_break_xml(tmp_path: Path) -> None:
    graph: nx.MultiDiGraph[int] = nx.MultiDiGraph(crs="epsg:4326", title='a "quoted" <b>&')
    graph.add_node(1, x=1.0, y=2.0, name="<tag> & 'quotes' \"double\" ]]> Ёж \x00\x0b")
    graph.add_node(2, x=1.0, y=3.0)
    graph.add_edge(1, 2, **{"a<b": "x\ty", "osmid": 5})
    write_graphml(graph, tmp_path / "g.graphml")
    loaded = nx.read_graphml(tmp_path / "g.graphml", node_type=int)
    assert loaded.nodes[1]["name"] == "<tag> & 'quotes' \"double\" ]]> Ёж \ufffd\ufffd"  # seen, not left out
    assert loaded.graph["title"] == 'a "quoted" <b>&'
    assert next(iter(loaded.edges(data=True)))[2]["a<b"] == "x\ty"


def test_same_graph_same_bytes(tmp_path: Path) -> None:
    for name in ("one", "two"):
        write_graphml(to_graph(random_network(1)), tmp_path / name)
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()


@pytest.mark.parametrize("seed", range(5))
def test_a_network_is_written_as_its_graph_is(seed: int, tmp_path: Path) -> None:
    network = random_network(seed)
    write_graphml(to_graph(network), tmp_path / "graph")
    write_network(network, tmp_path / "network")
    assert (tmp_path / "network").read_bytes() == (tmp_path / "graph").read_bytes()
