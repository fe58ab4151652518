"""The transport graph as networkx and OSMnx hold it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import shapely

from network.build import ABOUT, EDGE_COLUMNS, TOLD_COLUMNS, Network

if TYPE_CHECKING:
    import networkx as nx
    from numpy.typing import NDArray


def rows_as_dicts(table: pd.DataFrame) -> list[dict[str, Any]]:
    """Return rows as dicts, which is how networkx holds them."""
    return [{str(k): v for k, v in row.items()} for row in table.to_dict("records")]


def osm_ids_of(links: pd.DataFrame) -> NDArray[np.object_]:
    """Return what OSMnx calls ``osmid``: ids out of ``osm_ids``, and numbers that are no way's where there are none."""
    known = (links["osm_ids"] != "").to_numpy(bool)
    rows = np.arange(len(links))
    out = np.where(known.any(), -1 - rows, rows).astype(object)
    ids = [[int(i) for i in text.split("|")] for text in links.loc[known, "osm_ids"]]  # networkx holds Python's numbers
    out[known] = pd.Series([i[0] if len(i) == 1 else i for i in ids], dtype=object).to_numpy()
    return out


def street_counts(links: pd.DataFrame, n_nodes: int) -> NDArray[np.int64]:
    """Return how many streets end at each node, as OSMnx counts them.

    Links that are not drawn are one between two nodes, whatever their directions.
    """
    ends = np.sort(links[["u", "v"]].to_numpy(), axis=1)
    drawn = links["geometry"].notna().to_numpy()
    streets = np.vstack([ends[drawn], np.unique(ends[~drawn], axis=0)])
    return np.bincount(streets.ravel(), minlength=n_nodes)


def directed(links: pd.DataFrame) -> pd.DataFrame:
    """Return links, then those that may be driven both ways turned round; with ``reversed`` and the index of both."""
    back = links[~links["oneway"]]
    flipped = back.assign(u=back["v"], v=back["u"], geometry=shapely.reverse(back["geometry"].to_numpy(dtype=object)))
    return pd.concat([links.assign(reversed=False), flipped.assign(reversed=True)])


def graph_edges(network: Network) -> pd.DataFrame:
    """Return the directed edges of a network's graph, with ``osmid``; see `directed`."""
    links = network.links.reset_index(drop=True)
    both = directed(links)
    both["osmid"] = osm_ids_of(links)[both.index.to_numpy()]
    return both


def graph_nodes(network: Network) -> pd.DataFrame:
    """Return the nodes of a network's graph, those at which a link ends, with ``street_count``."""
    used = np.flatnonzero(np.bincount(network.links[["u", "v"]].to_numpy(np.int64).ravel()))
    nodes = network.nodes.loc[used, ["x", "y", "side", "kind", "ref", "change"]]
    nodes["street_count"] = street_counts(network.links, len(network.nodes))[used]
    return nodes


def to_graph(network: Network) -> nx.MultiDiGraph[int]:
    """Return the network as one `networkx.MultiDiGraph` that OSMnx accepts.

    Nodes have ``x``, ``y``, ``side``, ``kind``, ``ref``, ``street_count`` (OSMnx's statistics need it); edges the
    columns of the links, and OSMnx's ``osmid``, ``length`` (m), ``travel_time`` (s), ``oneway``, ``reversed``,
    ``highway`` or ``railway``, ``geometry``. Cost fields are ``borderless_min``, ``open_min``, ``actual_min`` and
    ``domestic_min``; a link that can't be passed has infinity there. Where a speed is unknown (gates) the attribute is
    absent, as are ``surface``, ``smoothness``, ``toll``, ``gauge`` and ``current`` of edges, and ``change`` of nodes
    (where trains change gauge or current), where they say nothing. ``osmid`` is the way's id, or the list of several,
    as OSMnx has it; in a network without any, the row of the link; else −1 − row for a link that is no way.
    """
    import networkx as nx  # a tenth of a second that the command line need not wait for

    both, nodes = graph_edges(network), graph_nodes(network)
    graph: nx.MultiDiGraph[int] = nx.MultiDiGraph(**ABOUT)
    places = [{k: v for k, v in place.items() if k != "change" or v} for place in rows_as_dicts(nodes)]
    graph.add_nodes_from(zip(nodes.index.tolist(), places, strict=True))
    records = rows_as_dicts(both[["osmid", "oneway", "reversed", *EDGE_COLUMNS, *TOLD_COLUMNS, "geometry"]])
    for record in records:  # networkx holds one dict per edge
        record["length"] = record["length_m"]
        record["travel_time"] = record["time_min"] * 60
        if record["speed_kph"] != record["speed_kph"]:
            del record["speed_kph"]
        if record["geometry"] is None:
            del record["geometry"]
        for name in TOLD_COLUMNS:
            if not record[name]:
                del record[name]
        record["railway" if record["mode"] == "rail" else "highway"] = record["kind"]
    graph.add_edges_from(zip(both["u"].tolist(), both["v"].tolist(), records, strict=True))
    return graph
