"""Nodes and links: assembled from layers, split where something joins them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import shapely
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from layers.crs import GEOD, WGS84, geodesic_m, line_lengths_m, project
from layers.errors import NetworkError

if TYPE_CHECKING:
    import geopandas as gpd
    from numpy.typing import NDArray
    from pyproj import CRS

TOLD: Mapping[str, object] = {
    "surface": "",
    "smoothness": "",
    "toll": False,
    "gauge": "",
    "current": "",
    "osm_ids": "",
    "length_factor": 1.0,
    "through": True,
    "twin": 0,
    "open_share": 1.0,
}
"""What a source may tell of a link and stays with it, or what was made of it, and what stands where nothing is told."""
FOR_SPEEDS: Mapping[str, Any] = {
    "country": "",
    "speed_source": "",
    "maxspeed_hgv_kph": np.nan,
    "driven_kph": np.nan,
    "maxspeed_winter_kph": np.nan,
    "duration_min": np.nan,
}
"""The same for what speeds alone are made of (`network.speeds`)."""

SNAP_M = 1.0
"""A place this near to the end of a link stands at that end."""


@dataclass(frozen=True)
class Tables:
    """A network as two tables.

    `nodes`: ``x``, ``y`` (longitude, latitude), ``px``, ``py`` (projected, m), ``side``, ``kind``, ``ref``; the index
    counts from 0. `links`: physical pieces from ``u`` to ``v`` with ``mode``, ``kind``, ``oneway``, ``length_m`` and
    more; ``geometry`` in longitude and latitude. `crs` is the equal-area projection of ``px`` and ``py``.
    """

    nodes: pd.DataFrame
    links: pd.DataFrame
    crs: CRS

    def projected(self, rows: NDArray[np.int64] | None = None) -> NDArray[np.object_]:
        """Return the links' geometry in the projection, all or some rows."""
        lines = self.links["geometry"].to_numpy(dtype=object)
        return np.asarray(project(lines if rows is None else lines[rows], WGS84, self.crs), dtype=object)


def assemble(layers: Mapping[str, gpd.GeoDataFrame], crs: CRS) -> Tables:
    """Return nodes and links of the layers ``road`` and ``rail``, by mode.

    Lengths are the source's own, but never shorter than the line as it is drawn: a source that measured on a
    sphere or rounded its nodes (the snapshot: up to 1.1 %) would else have roads straighter than straight.

    Raises
    ------
    NetworkError
        There is no link at all.
    """
    nodes, links = [], []
    offset = 0
    for mode, layer in layers.items():
        if layer.empty:
            continue
        ids, compact = np.unique(layer[["u", "v"]].to_numpy(), return_inverse=True)
        ends = compact.reshape(-1, 2)
        lines = layer.geometry.to_numpy()
        xy = np.empty((len(ids), 2))
        for i, position in ((1, -1), (0, 0)):
            xy[ends[:, i]] = shapely.get_coordinates(shapely.get_point(lines, position))
        nodes.append(pd.DataFrame({"x": xy[:, 0], "y": xy[:, 1], "kind": mode, "ref": ids.astype(str)}))
        links.append(
            pd.DataFrame(
                {
                    "u": ends[:, 0] + offset,
                    "v": ends[:, 1] + offset,
                    "mode": mode,
                    "kind": layer["kind"].to_numpy(),
                    "oneway": layer["oneway"].to_numpy(bool),
                    "length_m": np.maximum(layer["length_m"].to_numpy(float), line_lengths_m(lines)),
                    "maxspeed_kph": layer["maxspeed_kph"].to_numpy(float),
                    **{c: _told(layer, c, blank) for c, blank in {**TOLD, **FOR_SPEEDS}.items()},
                    "osm_ids": _id_texts(layer["osm_id"]) if "osm_id" in layer else "",
                    "bridged": False,
                    "geometry": lines,
                }
            )
        )
        offset += len(ids)
    if not links:
        raise NetworkError("the network is empty: no road and no railway lies in the belt of the border")
    table = pd.concat(links, ignore_index=True)
    table = table[table["u"] != table["v"]].reset_index(drop=True)
    return Tables(located(pd.concat(nodes, ignore_index=True), crs), table, crs)


def _told(layer: pd.DataFrame, column: str, blank: object) -> object:
    """Return what a layer tells of its links in a column, or what stands where it tells nothing."""
    if column not in layer:
        return blank
    values = layer[column]
    return values.astype(str).to_numpy(dtype=object) if isinstance(blank, str) else values.to_numpy(type(blank))


def _id_texts(ids: pd.Series) -> NDArray[np.object_]:
    """Return OSM's way ids as texts, empty where they are unknown (0): a link merged of several ways has several."""
    return ids.astype(str).where(ids != 0, "").to_numpy(dtype=object)


def located(nodes: pd.DataFrame, crs: CRS) -> pd.DataFrame:
    """Return the nodes with their projected coordinates."""
    points = project(shapely.points(nodes["x"], nodes["y"]), WGS84, crs)
    return nodes.assign(px=shapely.get_x(points), py=shapely.get_y(points))


def components(links: pd.DataFrame, n_nodes: int) -> NDArray[np.int64]:
    """Return each node's component, the largest numbered 0; direction is ignored."""
    graph = coo_array((np.ones(len(links), np.int8), (links["u"], links["v"])), shape=(n_nodes, n_nodes))
    _, label = connected_components(graph, directed=False)
    order = np.argsort(-np.bincount(label), kind="stable")
    rank = np.empty_like(order)
    rank[order] = np.arange(len(order))
    return np.asarray(rank[label], np.int64)


def split_links(
    tables: Tables, rows: NDArray[np.int64], fractions: NDArray[np.float64], kind: str, *, snap_m: float = SNAP_M
) -> tuple[Tables, NDArray[np.int64]]:
    """Split links where something stands beside them and return the new tables with the node of each place.

    Parameters
    ----------
    rows, fractions
        Position in ``links`` and share of the way from u to v, one per place; places at one spot share a node.
    kind
        ``kind`` of the new nodes.
    snap_m
        A place this near to an end takes that end's node.

    Notes
    -----
    Kilometres and minutes are shared out in proportion; the new node lies on the geodesic between the vertices.
    """
    links, nodes = tables.links, tables.nodes
    length = links["length_m"].to_numpy()[rows]
    at = fractions * length
    u, v = links["u"].to_numpy()[rows], links["v"].to_numpy()[rows]
    node = np.where(at <= snap_m, u, np.where(at >= length - snap_m, v, -1))
    inner = np.flatnonzero(node < 0)
    if not len(inner):
        return tables, node
    spots = pd.DataFrame({"row": rows[inner], "at": at[inner].round(6)})
    unique = spots.drop_duplicates().sort_values(["row", "at"]).reset_index(drop=True)
    unique["node"] = len(nodes) + np.arange(len(unique))
    node[inner] = spots.merge(unique, on=["row", "at"], how="left")["node"].to_numpy()
    row = unique["row"].to_numpy()
    share = np.clip(unique["at"].to_numpy() / links["length_m"].to_numpy()[row], 0, 1)
    xy = along(links["geometry"].to_numpy(dtype=object)[row], share)
    fresh = pd.DataFrame({"x": xy[:, 0], "y": xy[:, 1], "kind": kind, "ref": ""})
    if "side" in nodes:
        fresh["side"] = nodes["side"].to_numpy()[links["u"].to_numpy()[row]]
    if "change" in nodes:
        fresh["change"] = ""
    pieces = _pieces(links, unique, share, xy)
    kept = links.drop(index=links.index[np.unique(row)])
    return (
        Tables(
            pd.concat([nodes, located(fresh, tables.crs)], ignore_index=True),
            pd.concat([kept, pieces], ignore_index=True),
            tables.crs,
        ),
        node,
    )


def _pieces(
    links: pd.DataFrame, spots: pd.DataFrame, share: NDArray[np.float64], xy: NDArray[np.float64]
) -> pd.DataFrame:
    """Return the pieces of the split links, in order along each."""
    row = spots["row"].to_numpy()
    first = np.r_[True, row[1:] != row[:-1]]
    last = np.r_[first[1:], True]
    # Every spot opens the piece before it; the last spot of a link opens the piece behind it too.
    source = np.concatenate([row, row[last]])
    begin = np.concatenate([np.where(first, 0.0, np.r_[0.0, share[:-1]]), share[last]])
    end = np.concatenate([share, np.ones(last.sum())])
    nodes = spots["node"].to_numpy()
    u = np.concatenate([np.where(first, links["u"].to_numpy()[row], np.r_[-1, nodes[:-1]]), nodes[last]])
    v = np.concatenate([nodes, links["v"].to_numpy()[row[last]]])
    begin_xy = np.concatenate([np.where(first[:, None], np.nan, np.vstack([[np.nan, np.nan], xy[:-1]])), xy[last]])
    end_xy = np.concatenate([xy, np.full((last.sum(), 2), np.nan)])
    order = np.lexsort((begin, source))
    pieces = links.iloc[source[order]].reset_index(drop=True)
    part = (end - begin)[order]
    lines = links["geometry"].to_numpy(dtype=object)[source[order]]
    geometry = [
        cut(line, a, b, p, q)
        # shapely has no vectorised substring; only split links come here.
        for line, a, b, p, q in zip(lines, begin[order], end[order], begin_xy[order], end_xy[order], strict=True)
    ]
    shares = {c: pieces[c].to_numpy() * part for c in ("length_m", "time_min") if c in pieces}
    return pieces.assign(u=u[order], v=v[order], geometry=np.array(geometry, dtype=object), **shares)


def cut(
    line: shapely.LineString, begin: float, end: float, p: NDArray[np.float64], q: NDArray[np.float64]
) -> shapely.LineString:
    """Return a line's part between two shares of its length, with given end points where they are not its own."""
    xy = shapely.get_coordinates(line)
    return between(xy, shares(xy), begin, end, p, q)


def between(
    xy: NDArray[np.float64],
    at: NDArray[np.float64],
    begin: float,
    end: float,
    p: NDArray[np.float64],
    q: NDArray[np.float64],
) -> shapely.LineString:
    """Return what `cut` does, of vertices and their `shares`: a line that is cut often is measured once."""
    middle = xy[(at > begin + 1e-12) & (at < end - 1e-12)]
    head = xy[:1] if np.isnan(p[0]) else p[None]
    tail = xy[-1:] if np.isnan(q[0]) else q[None]
    return shapely.LineString(np.vstack([head, middle, tail]))


def shares(xy: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return each vertex's share of the way along a line, by geodesic length."""
    steps = geodesic_m(*xy[:-1].T, *xy[1:].T)
    total = steps.sum()
    shares = np.cumsum(steps) / total if total else np.linspace(0, 1, len(xy))[1:]
    return np.concatenate([[0.0], shares])


def along(
    lines: NDArray[np.object_], share: NDArray[np.float64], which: NDArray[np.int64] | None = None
) -> NDArray[np.float64]:
    """Return longitude and latitude of the point at a share of each line's geodesic length, shape (n, 2).

    Parameters
    ----------
    share
        One for each line, or with `which`, the line of each, any number.
    """
    xy, owner = shapely.get_coordinates(lines, return_index=True)
    inside = owner[1:] == owner[:-1]
    heading, _, metres = GEOD.inv(*xy[:-1].T, *xy[1:].T)
    reach = np.r_[0.0, np.cumsum(np.where(inside, metres, 0.0))]
    start = np.searchsorted(owner, np.arange(len(lines)))
    stop = np.r_[start[1:], len(xy)] - 1
    if which is not None:
        start, stop = start[which], stop[which]
    target = reach[start] + share * (reach[stop] - reach[start])
    vertex = np.clip(np.searchsorted(reach, target, side="right") - 1, start, np.maximum(stop - 1, start))
    lon, lat, _ = GEOD.fwd(xy[vertex, 0], xy[vertex, 1], heading[vertex], target - reach[vertex])
    return np.column_stack([lon, lat])
