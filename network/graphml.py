"""The graph as GraphML, written as OSMnx writes it: every value is text, and `osmnx.load_graphml` reads it back.

OSMnx copies the graph and networkx builds a tree of elements in memory: with it the graph took 4.2 s of a run on the packaged border, and takes
1.7 s now, most of them for making the graph.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from xml.sax.saxutils import escape, quoteattr

import shapely

from layers.cells import legible

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

    import networkx as nx

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
        From `network.build.to_graph`, or any other of OSMnx.
    """
    keys: dict[tuple[str, str], str] = {}
    for what, found in (
        ("graph", [graph.graph]), ("node", (d for _, d in graph.nodes(data=True))), ("edge", (d for _, _, d in graph.edges(data=True))),
    ):  # fmt: skip
        for name in dict.fromkeys(name for data in found for name in data):
            keys[what, str(name)] = f"d{len(keys)}"
    with path.open("w", encoding="utf-8", newline="\n") as file:
        file.write(HEAD)
        for (what, name), key in keys.items():
            file.write(f'<key id="{key}" for="{what}" attr.name={quoteattr(name)} attr.type="string"/>\n')
        file.write('<graph edgedefault="directed">')
        file.writelines(_values("graph", graph.graph, keys))
        file.write("\n")
        file.writelines(_lines(graph, keys))
        file.write("</graph>\n</graphml>\n")


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
    """Return a value as text that XML can hold; geometries in capitals, which GEOS writes by the locale (LiNESTRiNG)."""
    return str(value).upper() if isinstance(value, shapely.Geometry) else legible(str(value))
