"""Gaps of the data: dead ends beside links that are far by the network, bridged where data are generalised."""

from __future__ import annotations

from typing import TYPE_CHECKING

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from scipy.sparse import coo_array, csr_array
from scipy.sparse.csgraph import dijkstra

from layers.crs import WGS84, geodesic_m, lines_between, points_at
from network.bridges import BRIDGED, GAP_M, bridge_roads
from network.topology import Tables, along

if TYPE_CHECKING:
    from numpy.typing import NDArray

SEEN_M = 10_000.0
"""Wider gaps up to this are told."""
FAR_M, FAR_TIMES = 50_000.0, 10.0
"""A link is across a gap if the network's way to it is longer than both: 50 km, and ten times the gap."""
END_M = 100.0
"""A place on a link this near to its end is the end: sources round to 0.001°, and of two roads side by side each ends
beside the other."""
MOST_ENDS = 5000
"""With more dead ends than this (a large extract of OpenStreetMap) gaps are not sought."""
CHUNK = 2_000_000
"""Metres of trees held at once, 16 MB: more would be asked of the system anew for each chunk."""

WIDE, WET, JILTED, NEAR, UNFIT = (
    "wider than 3 km",
    "over water",
    "the other end is nearer to something else",
    "near by the network once a narrower gap is bridged",
    "not of a kind that is bridged here",
)
"""Why a candidate was not bridged; the last of railways whose ends do not face each other, of detailed data, and where
bridging is off."""
GAP_TYPES = {
    "node": "int64",
    "link": "int64",
    "fraction": "float64",
    "gap_m": "float64",
    "network_m": "float64",
    "to_node": "int64",
    "to_end": "bool",
    "mutual": "bool",
    "wet": "bool",
}
COLUMNS = ("mode", "side", "lon", "lat", "leads_to", "to_lon", "to_lat", "gap_km", "way_round_km", "bridged", "reason")


def no_gaps() -> gpd.GeoDataFrame:
    """Return a table of gaps without a row."""
    return gpd.GeoDataFrame({c: pd.Series(dtype=object) for c in COLUMNS}, geometry=gpd.GeoSeries([], crs=WGS84))


def dead_ends(tables: Tables, mode: str) -> NDArray[np.bool_]:
    """Return which nodes are the end of one road alone: parallel links to one neighbour count once."""
    links = tables.links
    u, v = links.loc[links["mode"] == mode, ["u", "v"]].to_numpy(np.int64).T
    n = len(tables.nodes)
    start, end = np.divmod(np.unique(np.concatenate([u * n + v, v * n + u])), n)
    return np.asarray(np.bincount(start[start != end], minlength=n) == 1, bool)


def find_gaps(
    tables: Tables, mode: str, *, ends: NDArray[np.bool_] | None = None, water: shapely.Geometry | None = None
) -> pd.DataFrame:
    """Return the gaps of one mode: for each dead end the nearest link of its own side that the network leaves far away.

    Parameters
    ----------
    tables
        With the sides of the nodes.
    ends
        Which nodes are dead ends; where it is None those of the tables (`dead_ends`). Links that were cut off, at a
        third country's border, make no dead end.
    water
        In the projection of the tables: a gap over it is a river without a bridge, which looks the same.

    Returns
    -------
    By gap, one of two dead ends that chose each other: ``node``, ``link`` (row), ``fraction``, ``to_node`` (−1 for the
    middle of a link), ``gap_m`` (straight, in the projection, up to `SEEN_M`), ``network_m`` (NaN where there is no
    way), ``to_end`` and ``mutual`` (the other is a dead end, and chose this one), ``wet``.

    Notes
    -----
    A link is far if its nearest point is more than 50 km and more than ten times the gap away by the network,
    directions left aside.
    """
    tip = dead_ends(tables, mode)
    if ends is not None:
        tip[: len(ends)] &= ends[: len(tip)]
    ends = tip
    node = np.flatnonzero(ends)
    rows = np.flatnonzero((tables.links["mode"] == mode).to_numpy())
    if not 0 < len(node) <= MOST_ENDS:
        return pd.DataFrame({c: pd.Series(dtype=t) for c, t in GAP_TYPES.items()})
    u, v, length = (tables.links[c].to_numpy()[rows] for c in ("u", "v", "length_m"))
    side = tables.nodes["side"].to_numpy(dtype=object)
    lines = tables.projected(rows)
    place = points_at(tables.nodes[["px", "py"]].to_numpy(float)[node])
    i, k = shapely.STRtree(lines).query(place, predicate="dwithin", distance=SEEN_M)
    own = (side[u[k]] == side[node[i]]) & (side[v[k]] == side[node[i]])
    i, k = i[own], k[own]
    share = _to_ends(shapely.line_locate_point(lines[k], place[i], normalized=True), length[k])
    spot = np.asarray(shapely.line_interpolate_point(lines[k], share, normalized=True), dtype=object)
    gap = shapely.distance(place[i], spot).round(3)
    graph = _graph(u, v, length, len(tables.nodes))
    ends_of = np.stack([u[k], v[k]], axis=1)
    parts = np.stack([share, 1 - share], axis=1) * length[k][:, None]
    far = np.flatnonzero(_is_far(_ways(graph, node[i], ends_of, parts, limit=max(FAR_M, FAR_TIMES * SEEN_M)), gap))
    # Where several links end at the nearest place any of them says the same.
    x, y = shapely.get_coordinates(spot[far]).round(3).T
    order = far[np.lexsort((rows[k[far]], y, x, gap[far], i[far]))]
    first = order[np.r_[True, np.diff(i[order]) != 0]] if len(order) else order
    chosen = pd.DataFrame(
        {"node": node[i[first]], "link": rows[k[first]], "fraction": share[first], "gap_m": gap[first]}
    )
    away = _ways(graph, node[i[first]], ends_of[first], parts[first])
    chosen["network_m"] = np.where(np.isfinite(away), away, np.nan)
    chosen = _with_ends(tables, chosen, ends)
    if water is not None:
        chosen["wet"] = shapely.intersects(_bars(tables, chosen), water)
    return chosen


def _to_ends(share: NDArray[np.float64], length: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return shares of the way along links, 0 or 1 where the place all but stands at an end."""
    near = np.minimum(share, 1 - share) * length <= END_M
    return np.where(near, np.where(share <= 0.5, 0.0, 1.0), share)


def _graph(u: NDArray[np.int64], v: NDArray[np.int64], length: NDArray[np.float64], n: int) -> csr_array:
    """Return the shortest of parallel links between nodes as a sparse graph."""
    pairs = pd.DataFrame({"u": np.minimum(u, v), "v": np.maximum(u, v), "m": np.maximum(length, 1e-3)})
    least = pairs.groupby(["u", "v"])["m"].min().reset_index()
    return coo_array((least["m"], (least["u"], least["v"])), shape=(n, n)).tocsr()


def _ways(
    graph: csr_array,
    node: NDArray[np.int64],
    ends: NDArray[np.int64],
    parts: NDArray[np.float64],
    *,
    limit: float = np.inf,
) -> NDArray[np.float64]:
    """Return metres by the network from nodes (in order) to places on links.

    By either end, `ends` and `parts` of shape (n, 2).
    """
    out = np.full(len(node), np.inf)
    roots, row = np.unique(node, return_inverse=True)
    both = (graph + graph.T).tocsr()
    step = max(1, CHUNK // max(graph.shape[0], 1))
    for start in range(0, len(roots), step):  # a row as long as the network for each
        reach = dijkstra(both, indices=roots[start : start + step], limit=limit)
        these = np.flatnonzero((row >= start) & (row < start + step))
        out[these] = (reach[row[these, None] - start, ends[these]] + parts[these]).min(axis=1)
    return out


def _is_far(away: NDArray[np.float64], gap: NDArray[np.float64] | float) -> NDArray[np.bool_]:
    """Return whether the way by the network is long enough for a gap of the data."""
    return np.asarray((away > FAR_M) & (away > FAR_TIMES * gap), bool)


def _with_ends(tables: Tables, gaps: pd.DataFrame, ends: NDArray[np.bool_]) -> pd.DataFrame:
    """Return the gaps with the node that each leads to.

    Of two dead ends that chose each other the western one stays.
    """
    link = tables.links.iloc[gaps["link"].to_numpy()]
    at = gaps["fraction"].to_numpy(float)
    to = np.select([at == 0, at == 1], [link["u"].to_numpy(), link["v"].to_numpy()], -1)
    node = gaps["node"].to_numpy()
    gaps = gaps.assign(to_node=to.astype(np.int64), to_end=np.append(ends, False)[to])
    gaps["mutual"] = gaps["to_end"] & (pd.Series(to, index=node).reindex(to).to_numpy() == node)
    gaps["wet"] = False
    x, y = tables.nodes[["px", "py"]].to_numpy(float).T
    east = (x[node] > x[to]) | ((x[node] == x[to]) & (y[node] > y[to]))
    kept: pd.DataFrame = gaps[~(gaps["mutual"] & east)].reset_index(drop=True)
    return kept


def _bars(tables: Tables, gaps: pd.DataFrame) -> NDArray[np.object_]:
    """Return the straight lines over the gaps, in the projection."""
    lines = tables.projected(gaps["link"].to_numpy(np.int64))
    there = shapely.get_coordinates(shapely.line_interpolate_point(lines, gaps["fraction"].to_numpy(), normalized=True))
    return lines_between(tables.nodes[["px", "py"]].to_numpy(float)[gaps["node"].to_numpy()], there)


def close_gaps(
    tables: Tables,
    mode: str,
    *,
    ends: NDArray[np.bool_] | None = None,
    bridge: bool = True,
    water: shapely.Geometry | None = None,
) -> tuple[Tables, gpd.GeoDataFrame]:
    """Return the tables with clear gaps of one mode bridged, and all gaps, bridged or not, as lines.

    Parameters
    ----------
    tables, mode, ends, water
        See `find_gaps`.
    bridge
        False leaves the tables as they are.

    Notes
    -----
    A gap of up to `GAP_M` is bridged by a straight link of the dead end's kind, flagged ``bridged``: an assumption. Two
    dead ends must choose each other; a link is joined in its middle where nothing nearer is far by the network; no
    bridge leads over water. The narrowest come first.
    """
    gaps = find_gaps(tables, mode, ends=ends, water=water)
    words = judge_gaps(tables, mode, gaps, bridge=bridge)
    return bridge_roads(tables, gaps, words, mode), gap_layer(tables, mode, gaps, words)


def judge_gaps(tables: Tables, mode: str, gaps: pd.DataFrame, *, bridge: bool) -> NDArray[np.object_]:
    """Return for each gap `BRIDGED`, or why it is not.

    Parameters
    ----------
    gaps
        From `find_gaps`.
    bridge
        Whether any gap is bridged.

    Notes
    -----
    The narrowest come first; each is asked again whether it is far by the network with the bridges before it, so that
    two ends of one place do not both lead to the same road.
    """
    too_far = gaps["gap_m"].to_numpy(float) > GAP_M
    jilted = (gaps["to_end"] & ~gaps["mutual"]).to_numpy(bool)
    tests = [too_far, gaps["wet"].to_numpy(bool), jilted, np.full(len(gaps), not bridge)]
    words = np.select(tests, [WIDE, WET, JILTED, UNFIT], "").astype(object)
    open_ = np.flatnonzero(words == "")
    if not len(open_):
        return words
    own = tables.links[tables.links["mode"] == mode]
    u, v, m = (own[c].to_numpy() for c in ("u", "v", "length_m"))
    x, y = tables.nodes[["px", "py"]].to_numpy(float)[gaps["node"].to_numpy()].T
    done: list[int] = []
    for k in open_[np.lexsort((y[open_], x[open_], gaps["gap_m"].to_numpy()[open_]))]:
        # Dozens; whether one is a gap depends on those before it.
        gap = gaps.iloc[k]
        link = tables.links.iloc[int(gap["link"])]
        ends, long = link[["u", "v"]].to_numpy(np.int64), float(link["length_m"])
        parts = np.array([gap["fraction"], 1 - gap["fraction"]]) * long
        reach = dijkstra(_graph(u, v, m, len(tables.nodes)), directed=False, indices=int(gap["node"]))
        same = gaps.iloc[[d for d in done if gaps["link"].iloc[d] == gap["link"]]]
        between = (same["fraction"] - gap["fraction"]).abs().to_numpy() * long + same["gap_m"].to_numpy()
        ways = np.append(reach[ends] + parts, reach[same["node"].to_numpy(np.int64)] + between)
        if not _is_far(ways.min(keepdims=True), gap["gap_m"])[0]:
            words[k] = NEAR
            continue
        words[k] = BRIDGED
        done.append(int(k))
        u, v, m = np.append(u, [gap["node"]] * 2), np.append(v, ends), np.append(m, gap["gap_m"] + parts)
    return words


def gap_layer(tables: Tables, mode: str, gaps: pd.DataFrame, words: NDArray[np.object_]) -> gpd.GeoDataFrame:
    """Return the gaps as straight lines in longitude and latitude: both places, ways, what was decided."""
    if gaps.empty:
        return no_gaps()
    tip = tables.nodes[["x", "y"]].to_numpy(float)[gaps["node"].to_numpy()]
    lines = tables.links["geometry"].to_numpy(dtype=object)[gaps["link"].to_numpy()]
    there = along(lines, gaps["fraction"].to_numpy(float))
    table = pd.DataFrame(
        {
            "mode": mode,
            "side": tables.nodes["side"].to_numpy(dtype=object)[gaps["node"].to_numpy()],
            "lon": tip[:, 0],
            "lat": tip[:, 1],
            "leads_to": np.where(
                gaps["to_end"], "dead end", np.where(gaps["to_node"] >= 0, "junction", "middle of a link")
            ),
            "to_lon": there[:, 0],
            "to_lat": there[:, 1],
            "gap_km": geodesic_m(*tip.T, *there.T) / 1000,
            "way_round_km": gaps["network_m"].to_numpy(float) / 1000,
            "bridged": words == BRIDGED,
            "reason": np.where(words == BRIDGED, "", words),
        }
    )
    return gpd.GeoDataFrame(table, geometry=lines_between(tip, there), crs=WGS84)


def joined_layers(layers: list[gpd.GeoDataFrame]) -> gpd.GeoDataFrame:
    """Return layers of gaps as one: bridged ones first, narrow ones first."""
    some = [layer for layer in layers if len(layer)]
    if not some:
        return no_gaps()
    whole = pd.concat(some, ignore_index=True).sort_values(
        ["bridged", "gap_km", "lon", "lat"], ascending=[False, True, True, True], kind="stable", ignore_index=True
    )
    return gpd.GeoDataFrame(whole, geometry="geometry", crs=WGS84)


def rail_bridges(tables: Tables) -> gpd.GeoDataFrame:
    """Return the bridged gaps of the railway as `gap_layer` has them."""
    links = tables.links[(tables.links["bridged"] & (tables.links["mode"] == "rail")).to_numpy(bool)]
    if links.empty:
        return no_gaps()
    xy = tables.nodes[["x", "y"]].to_numpy(float)
    tip, there = (xy[links[end].to_numpy(np.int64)] for end in ("u", "v"))
    table = pd.DataFrame({"mode": "rail", "side": tables.nodes["side"].to_numpy(dtype=object)[links["u"].to_numpy()]})
    table["lon"], table["lat"] = tip.T
    table["leads_to"], table["to_lon"], table["to_lat"] = "dead end", there[:, 0], there[:, 1]
    table["gap_km"], table["way_round_km"] = geodesic_m(*tip.T, *there.T) / 1000, np.nan
    table["bridged"], table["reason"] = True, ""
    return gpd.GeoDataFrame(table, geometry=lines_between(tip, there), crs=WGS84)
