"""The graph as GraphML, written as OSMnx writes it: every value is text, and `osmnx.load_graphml` reads it back.

OSMnx copies the graph and networkx builds a tree of elements in memory. A network is written column by column from its
tables, without a graph: the same bytes as those of its `to_graph`.
"""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING, Any
from xml.sax.saxutils import escape, quoteattr

import numpy as np
import pandas as pd
import shapely

from layers.cells import legible
from network.build import ABOUT, EDGE_COLUMNS, TOLD_COLUMNS
from network.graph import graph_edges, graph_nodes

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path
    from typing import TextIO

    import networkx as nx
    from numpy.typing import NDArray

    from network.build import Network

HEAD = (
    '<?xml version="1.0" encoding="utf-8"?>\n<graphml xmlns="http://graphml.graphdrawing.org/xmlns" '
    'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:schemaLocation="http://graphml.graphdrawing.org/xmlns '
    'http://graphml.graphdrawing.org/xmlns/1.0/graphml.xsd">\n'
)


def write_graphml(graph: nx.MultiDiGraph[int], path: Path) -> None:
    """Write a directed multigraph; what XML can't hold is U+FFFD in values.

    Parameters
    ----------
    graph
        From `network.graph.to_graph`, or any other of OSMnx.
    """
    keys: dict[tuple[str, str], str] = {}
    for what, found in (
        ("graph", [graph.graph]),
        ("node", (d for _, d in graph.nodes(data=True))),
        ("edge", (d for _, _, d in graph.edges(data=True))),
    ):
        for name in dict.fromkeys(name for data in found for name in data):
            keys[what, str(name)] = f"d{len(keys)}"
    with path.open("w", encoding="utf-8", newline="\n") as file:
        _write(file, graph.graph, keys, _lines(graph, keys))


def write_network(network: Network, path: Path) -> None:
    """Write the graph of a network: what `write_graphml` writes of its `to_graph`."""
    nodes, edges = graph_nodes(network), _in_order(graph_edges(network))
    places = {str(c): (nodes[c], nodes[c].ne("") if c == "change" else None) for c in nodes.columns}
    names = {"graph": list(ABOUT), "node": _names(places), "edge": _names(columns := _edge_columns(edges))}
    keys: dict[tuple[str, str], str] = {}
    for what, found in names.items():
        for name in found:
            keys[what, name] = f"d{len(keys)}"
    heads = [f'<node id="{n}">' for n in nodes.index.tolist()]
    ends = zip(edges["u"].tolist(), edges["v"].tolist(), edges["key"].tolist(), strict=True)
    arcs = [f'<edge source="{u}" target="{v}" id="{k}">' for u, v, k in ends]
    with path.open("w", encoding="utf-8", newline="\n") as file:
        nodes_and_edges = chain(_elements("node", heads, places, keys), _elements("edge", arcs, columns, keys))
        _write(file, ABOUT, keys, nodes_and_edges)


def _write(file: TextIO, about: Mapping[str, Any], keys: Mapping[tuple[str, str], str], lines: Iterable[str]) -> None:
    """Write the head, the keys, the graph's own values, its lines and the end."""
    file.write(HEAD)
    for (what, name), key in keys.items():
        file.write(f'<key id="{key}" for="{what}" attr.name={quoteattr(name)} attr.type="string"/>\n')
    file.write('<graph edgedefault="directed">')
    file.writelines(_values("graph", about, keys))
    file.write("\n")
    file.writelines(lines)
    file.write("</graph>\n</graphml>\n")


def _in_order(edges: pd.DataFrame) -> pd.DataFrame:
    """Return edges as networkx goes through them, with its ``key``.

    By tail, then by the head that came first, then as they came.
    """
    at = pd.Series(np.arange(len(edges)), index=edges.index)
    pair = [edges["u"].to_numpy(), edges["v"].to_numpy()]
    first = at.groupby(pair).transform("min").to_numpy()
    order = np.lexsort((at.to_numpy(), first, pair[0]))
    out = edges.assign(key=at.groupby(pair).cumcount().to_numpy()).iloc[order]
    return out.reset_index(drop=True)


Columns = dict[str, tuple[pd.Series, "pd.Series | None"]]
"""Values of an attribute, and which elements have it; None where all do."""


def _edge_columns(edges: pd.DataFrame) -> Columns:
    """Return the attributes of edges in the order of `to_graph`."""
    rail = edges["mode"] == "rail"
    out: Columns = {c: (edges[c], None) for c in ("osmid", "oneway", "reversed", *EDGE_COLUMNS)}
    out["speed_kph"] = (edges["speed_kph"], edges["speed_kph"].notna())
    out |= {c: (edges[c], edges[c].astype(object).astype(bool)) for c in TOLD_COLUMNS}
    out["geometry"] = (edges["geometry"], edges["geometry"].notna())
    out["length"] = (edges["length_m"], None)
    out["travel_time"] = (edges["time_min"] * 60, None)
    return out | {"railway": (edges["kind"], rail), "highway": (edges["kind"], ~rail)}


def _names(columns: Columns) -> list[str]:
    """Return the names of attributes as they first occur."""
    first = {
        n: 0 if has is None else int(has.to_numpy().argmax())
        for n, (_, has) in columns.items()
        if has is None or has.any()
    }
    return sorted(first, key=first.__getitem__)


def _elements(what: str, heads: list[str], columns: Columns, keys: Mapping[tuple[str, str], str]) -> Iterator[str]:
    """Yield elements, a line each."""
    texts = [heads]
    for name, (values, has) in columns.items():
        if (what, name) in keys:
            text = np.asarray(_texts(values), dtype=object)
            text = f'<data key="{keys[what, name]}">' + text + "</data>"
            texts.append((text if has is None else np.where(has, text, "")).tolist())
    texts.append([f"</{what}>\n"] * len(heads))
    yield from map("".join, zip(*texts, strict=True))


def _texts(values: pd.Series) -> NDArray[np.object_]:
    """Return values as `_text` and XML have them."""
    if values.name == "geometry":
        drawn = shapely.to_wkt(values.to_numpy(dtype=object), rounding_precision=-1)
        return np.asarray([str(text).upper() for text in drawn], dtype=object)
    if values.dtype.kind in "fiu" or values.name == "osmid":
        return np.asarray([str(v) for v in values.tolist()], dtype=object)
    code, seen = pd.factorize(values, use_na_sentinel=False)
    return np.asarray([escape(_text(v)) for v in seen.tolist()], dtype=object)[code]


def _lines(graph: nx.MultiDiGraph[int], keys: Mapping[tuple[str, str], str]) -> Iterator[str]:
    """Yield nodes and edges, a line each."""
    for node, data in graph.nodes(data=True):
        yield f"<node id={quoteattr(str(node))}>{''.join(_values('node', data, keys))}</node>\n"
    for u, v, key, data in graph.edges(keys=True, data=True):
        inner = "".join(_values("edge", data, keys))
        yield f"<edge source={quoteattr(str(u))} target={quoteattr(str(v))} id={quoteattr(str(key))}>{inner}</edge>\n"


def _values(what: str, data: Mapping[Any, Any], keys: Mapping[tuple[str, str], str]) -> Iterable[str]:
    """Return the values of one element."""
    return [f'<data key="{keys[what, str(name)]}">{escape(_text(value))}</data>' for name, value in data.items()]


def _text(value: Any) -> str:
    """Return a value as text that XML can hold.

    Geometries in capitals, which GEOS writes by the locale (LiNESTRiNG).
    """
    return str(value).upper() if isinstance(value, shapely.Geometry) else legible(str(value))
