"""The border in the network: sides of nodes, crossings, checkpoints matched to them, gates."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import shapely
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from layers.crs import WGS84, points_at, project
from layers.regions import side_of
from layers.sides import SIDES
from network.abroad import Border
from network.topology import Tables, components

if TYPE_CHECKING:
    from collections.abc import Sequence

    import geopandas as gpd
    from numpy.typing import NDArray
    from pyproj import CRS

ROAD_MATCH_KM, RAIL_MATCH_KM = 15.0, 100.0
"""How far a checkpoint may stand from its crossing. Rail posts are stations, up to 45 km inside and further along the
line."""
CLUSTER_KM = 1.0
COAST_KM = 10.0


def with_sides_of_nodes(tables: Tables, regions: gpd.GeoDataFrame, border: Border) -> tuple[Tables, dict[str, int]]:
    """Return the tables with each node's side, without links that leave both countries, and a count of what was done.

    A road that weaves over the line within a few kilometres crosses it once: a connected piece on one side, all of it
    within the border's tolerance of the line and no longer than that, is counted to the side it hangs on. A straight
    line that cuts a corner of the neighbour is no crossing, because only the ends of a link decide.

    Parameters
    ----------
    regions
        With ``side``, clipped to the belt.
    border
        In the projection of the tables.
    """
    xy = tables.nodes[["x", "y"]].to_numpy(float)
    side = side_of(xy, regions, COAST_KM)
    links = tables.links
    u, v = links["u"].to_numpy(), links["v"].to_numpy()
    inside = (side[u] != "") & (side[v] != "")
    links = links[inside].reset_index(drop=True)
    side, flipped = _unweave(tables, links, side, border.line, border.tolerance_km)
    report = {"links_outside_both_sides": int((~inside).sum()), "nodes_unwoven": int(flipped)}
    return Tables(tables.nodes.assign(side=side), links, tables.crs), report


def _unweave(
    tables: Tables, links: pd.DataFrame, side: NDArray[np.object_], border: shapely.Geometry, weave_km: float
) -> tuple[NDArray[np.object_], int]:
    """Turn small pieces of network just over the line to the other side until none is left."""
    side = side.copy()
    p = points_at(tables.nodes[["px", "py"]].to_numpy(float))
    u, v, length = (links[c].to_numpy() for c in ("u", "v", "length_m"))
    flipped = 0
    depth = np.full(len(side), np.inf)
    touched = np.unique(np.concatenate([u, v]))
    shapely.prepare(border)
    close = touched[shapely.dwithin(border, p[touched], weave_km * 1000)]
    depth[close] = shapely.distance(p[close], border)
    for _ in range(10):  # one turn can free the next; ten are far more than any road weaves
        crossing = side[u] != side[v]
        if not crossing.any():
            break
        n, label = connected_components(
            coo_array(
                (np.ones((~crossing).sum(), np.int8), (u[~crossing], v[~crossing])), shape=(len(side), len(side))
            ),
            directed=False,
        )
        km = np.bincount(label[u[~crossing]], length[~crossing] / 1000, minlength=n)
        deepest = pd.Series(depth).groupby(label).max().to_numpy()
        at_line = np.zeros(n, bool)
        at_line[label[u[crossing]]] = at_line[label[v[crossing]]] = True
        small = at_line & np.isfinite(deepest) & (km <= weave_km)
        # Where two small pieces face each other, the one that reaches less far beyond the line gives way.
        facing = small[label[u[crossing]]] & small[label[v[crossing]]]
        cu, cv = label[u[crossing]][facing], label[v[crossing]][facing]
        small[np.where((deepest[cu] > deepest[cv]) | ((deepest[cu] == deepest[cv]) & (cu < cv)), cu, cv)] = False
        turn = small[label] & (side != "")
        if not turn.any():
            break
        side[turn] = np.where(side[turn] == "a", "b", "a")
        flipped += int(turn.sum())
    return side, flipped


def find_crossings(tables: Tables, border: Border) -> tuple[Tables, pd.DataFrame]:
    """Return the tables with ``crossing_id`` on every link over the line, and one row per crossing.

    Parallel tracks, links that share a node at the line and points within a kilometre are one crossing. The rows have
    ``crossing_id``, ``mode``, ``px``, ``py`` (projected) and the number of ``links``.
    """
    links, nodes = tables.links, tables.nodes
    side = nodes["side"].to_numpy(dtype=object)
    u, v = links["u"].to_numpy(), links["v"].to_numpy()
    rows = np.flatnonzero(side[u] != side[v])
    crossing_id = np.full(len(links), "", dtype=object)
    if not len(rows):
        empty = pd.DataFrame({"crossing_id": [], "mode": [], "px": [], "py": [], "links": []})
        return Tables(nodes, links.assign(crossing_id=crossing_id), tables.crs), empty
    lines = tables.projected(rows)
    home = nodes[["px", "py"]].to_numpy(float)[np.where(side[u[rows]] == "a", u[rows], v[rows])]
    spot = _line_points(lines, np.asarray(shapely.points(home), dtype=object), border.line)
    label = _cluster(links.iloc[rows], spot, border.tolerance_km)
    frame = pd.DataFrame({"label": label, "mode": links["mode"].to_numpy()[rows], "px": spot[:, 0], "py": spot[:, 1]})
    # Which link of a crossing stands for it must not hang on their order.
    frame = frame.sort_values(["px", "py"], kind="stable")
    table = frame.groupby("label").agg(
        mode=("mode", "first"), px=("px", "first"), py=("py", "first"), links=("mode", "size")
    )
    lonlat = shapely.get_coordinates(project(shapely.points(table["px"], table["py"]), tables.crs, WGS84))
    # Numbered from west to east, so that the same border gives the same ids whatever the order of its links.
    order = np.lexsort((lonlat[:, 1], lonlat[:, 0]))
    table = table.iloc[order]
    count = table.groupby("mode").cumcount() + 1
    table["crossing_id"] = table["mode"] + "-x" + count.astype(str).str.zfill(3)
    crossing_id[rows] = table["crossing_id"].reindex(label).to_numpy()
    return Tables(nodes, links.assign(crossing_id=crossing_id), tables.crs), table.reset_index(drop=True)


def _line_points(
    lines: NDArray[np.object_], home: NDArray[np.object_], border: shapely.Geometry
) -> NDArray[np.float64]:
    """Return where each link meets the border line.

    The hit nearest to its end at home, else the point nearest to the line.
    """
    hit = shapely.intersection(lines, border)
    nearest = shapely.get_point(shapely.shortest_line(lines, border), 0)
    first = shapely.get_point(shapely.shortest_line(hit, home), 0)
    spot = np.where(shapely.is_empty(hit), nearest, first)
    return shapely.get_coordinates(spot)


def _cluster(links: pd.DataFrame, spot: NDArray[np.float64], tolerance_km: float) -> NDArray[np.int64]:
    """Return the crossing that each crossing link belongs to."""
    n = len(links)
    d = np.linalg.norm(spot[:, None] - spot[None], axis=2) / 1000  # crossing links: hundreds at the most
    u, v, mode = links["u"].to_numpy(), links["v"].to_numpy(), links["mode"].to_numpy()
    share = (u[:, None] == u) | (v[:, None] == v) | (u[:, None] == v) | (v[:, None] == u)
    one = (mode[:, None] == mode) & ((d <= min(CLUSTER_KM, tolerance_km)) | (share & (d <= tolerance_km)))
    _, label = connected_components(coo_array(one.reshape(n, n)), directed=False)
    return np.asarray(label, np.int64)


def match_checkpoints(
    tables: Tables,
    checkpoints: gpd.GeoDataFrame,
    *,
    road_km: float = ROAD_MATCH_KM,
    rail_km: float = RAIL_MATCH_KM,
) -> pd.DataFrame:
    """Return pairs of checkpoint and crossing: ``checkpoint_id``, ``crossing_id``, ``match_km``, by mode and distance.

    A checkpoint takes the nearest crossing of its mode within the limit; one with several partner posts (``partners``)
    takes as many, for each partner is a line of its own. The choice of one checkpoint does not depend on the others:
    several may share a crossing. Distance is from the post to the nearest point of the crossing's links. Where
    carriageways run apart, what is nearest leads one way only: by road the post then takes the nearest crossing that
    leads the other way alone, too.
    """
    out = []
    points = project(checkpoints.geometry.to_numpy(), WGS84, tables.crs)
    rows = np.flatnonzero(tables.links["crossing_id"].to_numpy() != "")
    lines = tables.projected(rows)
    ids = tables.links["crossing_id"].to_numpy()[rows]
    modes = tables.links["mode"].to_numpy()[rows]
    ways = directions(tables, rows).groupby(ids).any() if len(rows) else pd.DataFrame()
    for mode, limit in (("road", road_km), ("rail", rail_km)):
        of_mode = np.flatnonzero(checkpoints["mode"].to_numpy() == mode)
        theirs = np.flatnonzero(modes == mode)
        if not len(of_mode) or not len(theirs):
            continue
        km = shapely.distance(points[of_mode][:, None], lines[theirs][None]) / 1000
        table = pd.DataFrame(km.T).groupby(ids[theirs]).min()
        for column, row in enumerate(of_mode):  # checkpoints: dozens
            near = table[column].sort_values(kind="stable").head(int(checkpoints["partners"].iloc[row]))
            near = near[near <= limit]
            if mode == "road" and len(near):
                near = pd.concat([near, _other_way(table[column], near, ways, limit)])
            out.append(
                pd.DataFrame(
                    {
                        "checkpoint_id": checkpoints["checkpoint_id"].iloc[row],
                        "crossing_id": near.index,
                        "match_km": near.to_numpy(),
                    }
                )
            )
    columns = ["checkpoint_id", "crossing_id", "match_km"]
    found = [o for o in out if len(o)]
    return pd.concat(found, ignore_index=True)[columns] if found else pd.DataFrame(columns=columns)


def directions(tables: Tables, rows: NDArray[np.int64]) -> pd.DataFrame:
    """Return which ways some links over the line lead: ``ab`` from side a to side b, and ``ba``."""
    links = tables.links.iloc[rows]
    from_a = tables.nodes["side"].to_numpy(dtype=object)[links["u"].to_numpy()] == "a"
    both = ~links["oneway"].to_numpy(bool)
    return pd.DataFrame({"ab": both | from_a, "ba": both | ~from_a})


def _other_way(km: pd.Series, near: pd.Series, ways: pd.DataFrame, limit: float) -> pd.Series:
    """Return the nearest crossing of the direction that a post's crossings lack, one that leads this way alone.

    None where they lack none.
    """
    have = ways.loc[near.index].any()
    lacking = [d for d in ("ab", "ba") if not have[d]]
    if len(lacking) != 1:
        return near.iloc[:0]
    only = ways[lacking[0]] & ~ways["ba" if lacking[0] == "ab" else "ab"]
    other = km[only[only].index.intersection(km.index)].sort_values(kind="stable").head(1)
    return other[other <= limit]


def apart(tables: Tables, mode: str) -> set[str]:
    """Return the crossings of a mode whose ends are not both on the largest network of their side.

    Pieces of their own.
    """
    links = tables.links[(tables.links["mode"] == mode).to_numpy()]
    n = len(tables.nodes)
    side = tables.nodes["side"].to_numpy(dtype=object)
    u, v = (links[c].to_numpy(np.int64) for c in ("u", "v"))
    over = side[u] != side[v]
    if not over.any():
        return set()
    main = np.zeros(n, bool)
    for s in SIDES:
        home = links[(side[u] == s) & (side[v] == s)]
        if len(home):
            # By kilometres: a piece of many short links is no network of a side.
            label = components(home, n)
            km = np.bincount(
                label[home["u"].to_numpy(np.int64)], home["length_m"].to_numpy(float), minlength=label.max() + 1
            )
            main |= (label == np.argmax(km)) & (side == s)
    good = pd.Series(main[u[over]] & main[v[over]]).groupby(links["crossing_id"].to_numpy()[over]).any()
    return set(good.index[~good])


def on_shut_roads(
    closed_lines: Sequence[shapely.Geometry],
    crs: CRS,
    checkpoints: gpd.GeoDataFrame,
    pairs: pd.DataFrame,
    road_km: float,
) -> NDArray[np.bool_]:
    """Return which checkpoints by road stand on a road over the line that is shut, and on no other.

    Parameters
    ----------
    shut
        Lines in the projection `crs`.
    pairs
        From `match_checkpoints`: a crossing that is not `CLUSTER_KM` further away than the shut road is the same place.
    """
    out = np.zeros(len(checkpoints), bool)
    if not len(closed_lines):
        return out
    points = project(checkpoints.geometry.to_numpy(), WGS84, crs)
    km = np.asarray(shapely.distance(points, shapely.union_all(list(closed_lines))), float) / 1000
    nearest = pairs.groupby("checkpoint_id")["match_km"].min()
    open_km = checkpoints["checkpoint_id"].map(nearest).astype(float).fillna(np.inf).to_numpy(float)
    by_road = (checkpoints["mode"] == "road").to_numpy(bool)
    return np.asarray(by_road & (km <= road_km) & (km + CLUSTER_KM < open_km), bool)


def main_components(tables: Tables, mode: str) -> NDArray[np.bool_]:
    """Return which links of a mode hang together, crossings included, with the largest network of a side.

    A side whose network no crossing joins to the other's keeps its own; an island that reaches neither is no use to
    anybody.
    """
    own = (tables.links["mode"] == mode).to_numpy()
    links = tables.links[own]
    n = len(tables.nodes)
    label = components(links, n)
    side = tables.nodes["side"].to_numpy(dtype=object)
    u, v = side[links["u"].to_numpy()], side[links["v"].to_numpy()]
    main = set()
    for s in SIDES:
        at_home = links[(u == s) & (v == s)]
        if len(at_home):
            ends = at_home["u"].to_numpy()
            main.add(int(label[ends[components(at_home, n)[ends] == 0][0]]))
    out = own.copy()
    out[own] = np.isin(label[links["u"].to_numpy()], list(main))
    return np.asarray(out, bool)
