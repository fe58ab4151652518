"""The graph of a network in a file: GraphML for networkx, GeoParquet or GeoPackage for tables of nodes and edges."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import geopandas as gpd

from layers.crs import WGS84
from network.build import EDGE_COLUMNS, TOLD_COLUMNS
from network.graph import directed, graph_nodes
from network.graphml import write_network

if TYPE_CHECKING:
    from pathlib import Path

    from network.build import Network

MOST_LINKS = 50_000
"""Of a network with more links GraphML has hundreds of megabytes, which networkx needs minutes and gigabytes to
read."""
Form = Literal["auto", "graphml", "parquet", "gpkg"]


def write_graph(network: Network, folder: Path, form: Form = "auto") -> None:
    """Write the graph of a network into a folder.

    Parameters
    ----------
    form
        ``graphml``: ``graph.graphml``, as OSMnx writes it. ``parquet``: ``graph_nodes.parquet`` and
        ``graph_edges.parquet``. ``gpkg``: ``graph.gpkg`` with the layers ``nodes`` and ``edges``. ``auto``: GraphML up
        to `MOST_LINKS` links, else GeoParquet.

    Notes
    -----
    Tables have an edge for each direction, from ``u`` to ``v``, which are ``node`` of the nodes; ids of ways as text.
    """
    if form == "auto":
        form = "graphml" if len(network.links) <= MOST_LINKS else "parquet"
    if form == "graphml":
        write_network(network, folder / "graph.graphml")
        return
    nodes, edges = _tables(network)
    if form == "parquet":
        for name, table in (("nodes", nodes), ("edges", edges)):
            table.to_parquet(folder / f"graph_{name}.parquet", compression="zstd", schema_version="1.1.0")
        return
    for name, table in (("nodes", nodes), ("edges", edges)):
        table.to_file(folder / "graph.gpkg", layer=name, driver="GPKG", engine="pyogrio")


def _tables(network: Network) -> tuple[gpd.GeoDataFrame, gpd.GeoDataFrame]:
    """Return nodes and directed edges with their geometries."""
    columns = ["u", "v", "oneway", "reversed", *EDGE_COLUMNS, *TOLD_COLUMNS, "osm_ids"]
    own = [c for c in columns if c != "reversed"]
    nodes, edges = graph_nodes(network), directed(network.links[[*own, "geometry"]])
    points = gpd.points_from_xy(nodes["x"], nodes["y"], crs=WGS84)
    return (
        gpd.GeoDataFrame(nodes.rename_axis("node").reset_index(), geometry=points),
        gpd.GeoDataFrame(
            edges[columns].reset_index(drop=True).assign(toll=edges["toll"].astype(str).to_numpy()),
            geometry=edges["geometry"].to_numpy(),
            crs=WGS84,
        ),
    )
