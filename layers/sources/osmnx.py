"""Graphs of OSMnx as layers of roads or railways: in memory, as GraphML, or as the GeoPackage that OSMnx saves."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import shapely

from layers.crs import WGS84, line_lengths_m
from layers.errors import LayerError
from layers.own.columns import understood
from layers.own.lines import drawn_alike
from layers.own.shapes import placed
from layers.schema import validate
from layers.words import is_blank, numbers, parts_of

if TYPE_CHECKING:
    from pathlib import Path

    import geopandas as gpd
    import networkx as nx
    from numpy.typing import NDArray

PROLOGUE = 65_536
"""Bytes before the root of an XML file that are looked at."""
ENDS = ("u", "v", "key")
TEXTS = ("surface", "smoothness", "toll", "gauge")
"""Tags of edges that may be lists: the first counts."""
SPHERE = 0.006
"""OSMnx measures on a sphere, by which a length may be off by half a per cent: within this share the geodesic of the
drawing stands for it."""


def read_graph(
    graph: nx.MultiDiGraph[Any] | nx.MultiGraph[Any], *, layer: str = "roads"
) -> tuple[gpd.GeoDataFrame, list[str]]:
    """Return a graph of OSMnx as a validated layer, each street once, and notes on what was understood how.

    Parameters
    ----------
    graph
        Directed or not, simplified or not, in any CRS. In a directed graph a street can be driven both ways where it
        has an edge each way, whatever ``oneway`` says; in an undirected one ``oneway`` decides, and the geometry is the
        direction.
    layer
        ``roads`` or ``railways``.

    Returns
    -------
    The layer: nodes from the geometry, ``driven_kph`` from ``speed_kph``, or from ``travel_time`` and ``length``; and
    notes.

    Raises
    ------
    LayerError
        It is no graph of OSMnx, has no edge, or holds values that can't be read.

    Examples
    --------
    >>> import osmnx as ox
    >>> roads, notes = read_graph(ox.load_graphml("drive.graphml"))  # doctest: +SKIP
    """
    frame, notes = streets(_edges(graph, "a graph"), directed=graph.is_directed())
    there, placing = placed(frame, layer, "a graph")
    known, words = understood(there, layer, "a graph")
    return validate(known, layer, "a graph"), [*notes, *placing, *words]


def read_graphml(path: Path) -> tuple[gpd.GeoDataFrame, list[str]]:
    """Return the streets of a GraphML file of OSMnx, with the columns that it has, and notes; see `streets`.

    Raises
    ------
    LayerError
        The file is no GraphML of OSMnx.
    """
    from osmnx import load_graphml  # a second and a half of imports, matplotlib's among them

    with path.open("rb") as file:
        if b"<!DOCTYPE" in file.read(PROLOGUE):
            # No GraphML has one; entities of one can fill the memory or name other files, and not every release of
            # expat stops them.
            raise LayerError(
                f"{path} can't be read as a graph of OSMnx: it declares a document type; allowed is a file of "
                "osmnx.save_graphml"
            )
    try:
        # A saved graph may hold True, False or a list, where OSMnx expects a flag.
        graph = load_graphml(path, edge_dtypes={"oneway": str, "reversed": str, "osmid": str})
    except Exception as error:  # a parser's errors, and those of a graph that lacks what OSMnx expects
        raise LayerError(
            f"{path} can't be read as a graph of OSMnx ({type(error).__name__}: {error}): allowed is a file of "
            "osmnx.save_graphml"
        ) from error
    return streets(_edges(graph, str(path)), directed=graph.is_directed())


def _edges(graph: nx.MultiDiGraph[Any] | nx.MultiGraph[Any], where: str) -> gpd.GeoDataFrame:
    """Return the edges of a graph with ``u``, ``v``, ``key``, each drawn from u to v where the graph is directed."""
    from osmnx.convert import graph_to_gdfs

    if not graph.is_multigraph():
        import networkx

        graph = (networkx.MultiDiGraph if graph.is_directed() else networkx.MultiGraph)(graph)
    try:
        nodes, edges = graph_to_gdfs(graph)
    except Exception as error:  # whatever OSMnx meets in a graph that is not its own
        raise LayerError(f"{where} can't be read as a graph of OSMnx ({type(error).__name__}: {error})") from error
    edges = edges.reset_index()
    if not graph.is_directed():
        return edges
    at = shapely.points(nodes["x"].to_numpy(float), nodes["y"].to_numpy(float))
    of_u = pd.Series(at, index=nodes.index).reindex(edges["u"]).to_numpy(dtype=object)
    lines = edges.geometry.to_numpy()
    first, last = (shapely.distance(shapely.get_point(lines, i), of_u) for i in (0, -1))
    turned = np.where(first > last, shapely.reverse(lines), lines)
    return edges.set_geometry(turned, crs=edges.crs)


def is_streets(frame: pd.DataFrame) -> bool:
    """Return whether a table looks like the edges that OSMnx saves."""
    return set(ENDS) <= set(frame.columns) and bool({"highway", "railway", "osmid"} & set(frame.columns))


def streets(edges: gpd.GeoDataFrame, *, directed: bool | None = None) -> tuple[gpd.GeoDataFrame, list[str]]:
    """Return OSMnx's edges as streets, each once, with the layer's columns beside their own, and notes.

    Parameters
    ----------
    edges
        With ``u``, ``v``, ``key``; drawn from u to v where directed.
    directed
        Whether each direction has an edge of its own; None to look for edges drawn there and back.

    Returns
    -------
    The frame without ``u``, ``v`` and ``key``: nodes are where the lines end.
    """
    frame = edges.drop(columns=list(ENDS)).reset_index(drop=True)
    same, forward = drawn_alike(frame.geometry.to_numpy())
    both = pd.Series(forward).groupby(same).transform("nunique").to_numpy() == 2
    directed = bool(both.any()) if directed is None else directed
    flag = _flag(frame)
    oneway = ~both if directed else flag
    kept = ~pd.Series(same).duplicated().to_numpy()
    notes = []
    odd = directed & kept & ~both & ~flag & ("oneway" in frame)
    if odd.any():
        notes.append(
            f"{odd.sum():,} edges of the graph lead one way only, though they are not marked oneway: taken as "
            "the graph has them"
        )
    if (~kept).any():
        notes.append(f"{len(frame):,} edges are {kept.sum():,} streets: each counts once")
    frame = frame.assign(oneway=oneway)[kept].reset_index(drop=True)
    return _with_columns(frame), notes


def _flag(frame: gpd.GeoDataFrame) -> NDArray[np.bool_]:
    """Return which edges are marked as one-way: of a list, one way is enough."""
    if "oneway" not in frame:
        return np.zeros(len(frame), bool)
    spoken = [{part.casefold() for part in parts_of(value)} for value in frame["oneway"]]
    return np.array([bool(parts & {"true", "yes", "1", "-1"}) for parts in spoken])


def _with_columns(frame: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Return streets with the columns of the schema made of OSMnx's."""
    drawn = line_lengths_m(frame.geometry.to_crs(WGS84).to_numpy())
    out: dict[str, Any] = {}
    kind = next((c for c in ("highway", "railway") if c in frame and not is_blank(frame[c]).all()), None)
    if kind:
        out["kind"] = frame[kind]
    if "osmid" in frame:
        out["osm_id"] = frame["osmid"]
    if "maxspeed" in frame:
        out["maxspeed_kph"] = frame["maxspeed"]
    length = _number(frame, "length")
    length = length.where((length / drawn - 1).abs() > SPHERE, drawn)
    out["length_m"] = length
    driven = _number(frame, "speed_kph")
    out["driven_kph"] = driven.fillna(length / _number(frame, "travel_time").where(lambda s: s > 0) * 3.6)
    for column in TEXTS:
        if column in frame:
            out[column] = frame[column].map(lambda value: parts_of(value)[0], na_action="ignore")
    return frame.assign(**out)


def _number(frame: gpd.GeoDataFrame, column: str) -> pd.Series:
    """Return a column as numbers, NaN where there is none."""
    return numbers(frame[column]) if column in frame else pd.Series(np.nan, index=frame.index)
