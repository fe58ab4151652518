"""The graph as tables: what GraphML holds, in files that open at any size."""

from __future__ import annotations

from pathlib import Path

import geopandas as gpd
import pytest

from network import graph_files
from network.build import FIELDS
from network.graph import to_graph
from network.graph_files import write_graph
from tests.borders import random_network


@pytest.mark.parametrize("form", ["parquet", "gpkg"])
def test_tables_hold_the_edges_of_the_graph(form: str, tmp_path: Path) -> None:
    network = random_network(2)
    write_graph(network, tmp_path, form)  # type: ignore[arg-type]
    if form == "parquet":
        nodes, edges = (gpd.read_parquet(tmp_path / f"graph_{n}.parquet") for n in ("nodes", "edges"))
    else:
        nodes, edges = (gpd.read_file(tmp_path / "graph.gpkg", layer=n) for n in ("nodes", "edges"))
    graph = to_graph(network)
    assert sorted(nodes["node"]) == sorted(graph.nodes)
    assert sorted(zip(edges["u"], edges["v"], strict=True)) == sorted((u, v) for u, v, _ in graph.edges)
    theirs = sorted(d["actual_min"] for *_, d in graph.edges(data=True))
    assert sorted(edges[FIELDS["actual"]]) == pytest.approx(theirs)
    assert edges.crs == "EPSG:4326"


def test_the_form_follows_the_size(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    network = random_network(2)
    write_graph(network, tmp_path)
    assert [p.name for p in tmp_path.iterdir()] == ["graph.graphml"]
    monkeypatch.setattr(graph_files, "MOST_LINKS", 10)
    (tmp_path / "large").mkdir()
    write_graph(network, tmp_path / "large")
    assert sorted(p.name for p in (tmp_path / "large").iterdir()) == ["graph_edges.parquet", "graph_nodes.parquet"]
