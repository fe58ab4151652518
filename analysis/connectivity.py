"""Connectivity of regions: densities, checkpoints on the border, Kansky's indices on the simplified graph."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import shapely
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from scipy.spatial import cKDTree

from layers.crs import WGS84, areas_km2, line_lengths_m, points_at, project
from layers.regions import belt, region_of
from network.simplify import contract
from network.topology import along

if TYPE_CHECKING:
    import geopandas as gpd
    from numpy.typing import NDArray

    from network.build import Network

PARALLEL_M = 250.0
"""What is this near runs beside: the two carriageways of a road, the tracks of a line, the fans of a yard."""
PIECE_M = 500.0


def single_lines(network: Network, mode: str) -> pd.DataFrame:
    """Return the links of a mode as a graph of places, for indices that count edges: columns of links, merged ends.

    Nodes within 250 m are one place; of several links between two places the shortest stays, and links within a place
    go.
    """
    ground = ground_links(network, mode)
    used = np.unique(ground[["u", "v"]])
    xy = network.nodes[["px", "py"]].to_numpy(float)[used]
    pairs = cKDTree(xy).query_pairs(PARALLEL_M, output_type="ndarray")
    graph = coo_array((np.ones(len(pairs), np.int8), (pairs[:, 0], pairs[:, 1])), shape=(len(used), len(used)))
    _, label = connected_components(graph, directed=False)
    ends = np.sort(label[np.searchsorted(used, ground[["u", "v"]].to_numpy())], axis=1)
    table = ground.assign(u=ends[:, 0], v=ends[:, 1])
    table = table[table["u"] != table["v"]].sort_values(["u", "v", "length_m"], kind="stable")
    return table.drop_duplicates(["u", "v"]).reset_index(drop=True)


def ground_links(network: Network, mode: str) -> pd.DataFrame:
    """Return the links of a mode that lie on the ground: no connectors, no gates."""
    links = network.links
    return links[(links["mode"] == mode) & ~links["kind"].isin(["connector", "gate"])].reset_index(drop=True)


def counted_once(lines: NDArray[np.object_]) -> NDArray[np.float64]:
    """Return for each line the share of it that counts, so that k parallel tracks count as one: 1/k along them.

    A piece of 500 m has a parallel in each other line that runs beside its middle, within 250 m and 20°, and does not merely end
    there. It matters not where the tracks are cut into links.

    Parameters
    ----------
    lines
        In a projection that is true to distances within the belt.
    """
    pieces = shapely.segmentize(lines, PIECE_M)
    xy, owner = shapely.get_coordinates(pieces, return_index=True)
    inside = np.flatnonzero(owner[1:] == owner[:-1])
    step = xy[inside + 1] - xy[inside]
    length = np.hypot(step[:, 0], step[:, 1])
    middle, own = points_at((xy[inside] + xy[inside + 1]) / 2), owner[inside]
    piece, other = shapely.STRtree(lines).query(middle, predicate="dwithin", distance=PARALLEL_M)
    beside = own[piece] != other
    piece, other = piece[beside], other[beside]
    at = shapely.line_locate_point(lines[other], middle[piece])
    whole = shapely.length(lines[other])
    # Beside an end the nearest point is the end itself: that line goes on elsewhere.
    runs_on = (at > 1.0) & (at < whole - 1.0)
    piece, other, at = piece[runs_on], other[runs_on], at[runs_on]
    a, b = (
        shapely.get_coordinates(shapely.line_interpolate_point(lines[other], np.clip(at + d, 0, whole[runs_on])))
        for d in (-1.0, 1.0)
    )
    turn = np.abs(((b - a) * step[piece]).sum(axis=1))
    parallel = turn > np.cos(np.radians(20)) * np.hypot(*(b - a).T) * length[piece]
    k = 1 + np.bincount(piece[parallel], minlength=len(middle))
    counts = np.bincount(own, length / k, minlength=len(lines))
    total = np.bincount(own, length, minlength=len(lines))
    return np.asarray(np.divide(counts, total, out=np.ones(len(lines)), where=total > 0), float)


def lengths_in(lines: pd.DataFrame, regions: gpd.GeoDataFrame) -> NDArray[np.float64]:
    """Return the kilometres of links in each region: each link's own length, shared out by the part of its line inside."""
    geometry = lines["geometry"].to_numpy(dtype=object)
    polygons = regions.geometry.to_numpy()
    line, where = shapely.STRtree(geometry).query(polygons, predicate="intersects")[::-1]
    inside = np.ones(len(line))
    partly = ~shapely.covers(polygons[where], geometry[line])
    whole = line_lengths_m(geometry[line[partly]])
    part = line_lengths_m(shapely.intersection(geometry[line[partly]], polygons[where[partly]]))
    inside[partly] = part / np.maximum(whole, 1e-9)
    km = lines["length_m"].to_numpy()[line] * inside / 1000
    return np.asarray(np.bincount(where, km, minlength=len(regions)), float)


def kansky(u: NDArray[np.int64], v: NDArray[np.int64], length_km: NDArray[np.float64]) -> dict[str, float]:
    """Return Kansky's (1963) indices of an undirected graph, simplified first: chains of degree-2 nodes are one edge.

    Returns
    -------
    ``kansky_e``, ``kansky_v``, ``kansky_p`` (components); ``kansky_mu`` = e − v + p; for planar graphs
    ``kansky_alpha`` = μ/(2v − 5) and ``kansky_gamma`` = e/(3(v − 2)), NaN below three nodes; ``kansky_beta`` = e/v;
    ``kansky_eta_km`` = L/e (km per edge); ``kansky_theta_km`` = L/v (km per node).

    Examples
    --------
    A square with one diagonal: e = 5, v = 4, but two of its corners have degree 2 and go; 3 parallel edges of 2 nodes
    are left.

    >>> out = kansky(np.array([0, 1, 2, 3, 0]), np.array([1, 2, 3, 0, 2]), np.ones(5))
    >>> out["kansky_e"], out["kansky_v"], out["kansky_mu"]
    (3.0, 2.0, 2.0)
    """
    names = ["e", "v", "p", "mu", "alpha", "beta", "gamma", "eta_km", "theta_km"]
    if not len(u):
        return {f"kansky_{n}": (0.0 if n in ("e", "v", "p", "mu") else float("nan")) for n in names}
    _, ends = np.unique(np.concatenate([u, v]), return_inverse=True)
    a, b = np.split(ends.ravel(), 2)
    edges = contract(a, b, length_km, np.zeros(ends.max() + 1, bool))
    nodes, again = np.unique(edges[["u", "v"]].to_numpy(), return_inverse=True)
    i, j = again.reshape(-1, 2).T
    e, n, total = len(edges), len(nodes), float(length_km.sum())
    p, _ = connected_components(coo_array((np.ones(e, np.int8), (i, j)), shape=(n, n)), directed=False)
    mu = e - n + p
    enough = n >= 3
    values = [
        e,
        n,
        p,
        mu,
        mu / (2 * n - 5) if enough else np.nan,
        e / n,
        e / (3 * (n - 2)) if enough else np.nan,
        total / e,
        total / n,
    ]
    return {f"kansky_{name}": float(value) for name, value in zip(names, values, strict=True)}


def region_connectivity(
    network: Network, regions: gpd.GeoDataFrame, border: gpd.GeoDataFrame, *, depth_km: float
) -> pd.DataFrame:
    """Return connectivity per region, in the order of `regions`.

    Parameters
    ----------
    regions
        Regions on the border, whole polygons with ``region`` and ``side``.
    depth_km
        Depth of the loaded network: densities count only the part of a region within it.

    Returns
    -------
    ``area_km2`` (whole), ``belt_area_km2``, ``border_km``, ``road_km``, ``rail_km`` (parallel lines once),
    ``road_density_km_per_1000km2``, ``rail_density_km_per_1000km2``, ``checkpoints``, ``checkpoints_open``,
    ``checkpoints_per_100km`` (open ones), and Kansky's indices of the road network (`kansky`).
    """
    zone = project(shapely.segmentize(belt(border, depth_km, network.crs), 20_000), network.crs, WGS84)
    inside = regions.set_geometry(shapely.intersection(regions.geometry.to_numpy(), zone))
    out = pd.DataFrame({"area_km2": areas_km2(regions.geometry.to_numpy(), network.crs)})
    out["belt_area_km2"] = areas_km2(inside.geometry.to_numpy(), network.crs)
    sides = pd.concat([border.rename(columns={f"region_{s}": "region"})[["region", "length_km"]] for s in ("a", "b")])
    out["border_km"] = regions["region"].map(sides.groupby("region")["length_km"].sum()).fillna(0.0).to_numpy()
    for mode in ("road", "rail"):
        table = ground_links(network, mode)
        if len(table):
            once = counted_once(project(table["geometry"].to_numpy(dtype=object), WGS84, network.crs))
            out[f"{mode}_km"] = lengths_in(table.assign(length_m=table["length_m"] * once), inside)
        else:
            out[f"{mode}_km"] = 0.0
        out[f"{mode}_density_km_per_1000km2"] = (
            1000 * out[f"{mode}_km"] / out["belt_area_km2"].where(out["belt_area_km2"] > 0)
        )
    points = network.checkpoints
    for name, mask in (("checkpoints", np.ones(len(points), bool)), ("checkpoints_open", points["open"].astype(bool))):
        at = pd.concat([points.loc[mask, "region_a"], points.loc[mask, "region_b"]]).value_counts()
        out[name] = regions["region"].map(at).fillna(0).astype(int).to_numpy()
    out["checkpoints_per_100km"] = 100 * out["checkpoints_open"] / out["border_km"].where(out["border_km"] > 0)
    return pd.concat([out, _kansky_by_region(single_lines(network, "road"), inside)], axis=1)


def _kansky_by_region(lines: pd.DataFrame, regions: gpd.GeoDataFrame) -> pd.DataFrame:
    """Return Kansky's indices of the road links whose middle lies in each region."""
    # Not an end: both pieces of a road begin at the posts of its gate, which stand at one place.
    xy = along(lines["geometry"].to_numpy(dtype=object), np.full(len(lines), 0.5)) if len(lines) else np.empty((0, 2))
    home = region_of(xy, regions, 0.0)
    u, v, km = lines["u"].to_numpy(np.int64), lines["v"].to_numpy(np.int64), lines["length_m"].to_numpy(float) / 1000
    return pd.DataFrame([kansky(u[home == r], v[home == r], km[home == r]) for r in range(len(regions))])


def population_access(settlements: pd.DataFrame, regions: pd.Series) -> pd.DataFrame:
    """Return access figures of each region weighted by people, in the order of `regions`.

    Parameters
    ----------
    settlements
        ``region``, ``population``, ``time_to_checkpoint_min`` and the potentials of
        `analysis.accessibility.potentials`.

    Returns
    -------
    ``population`` (all in the belt), ``time_to_checkpoint_min`` (mean over people who reach one),
    ``population_within_60min`` and ``_120min`` (shares of all), ``people_without_checkpoint``, the cross-border
    potentials (means), and ``border_loss`` with its two parts (ratios of sums, so that the parts add up).
    """
    s = settlements.assign(people=settlements["population"].astype(float))
    reach = s["time_to_checkpoint_min"]
    sums = pd.DataFrame(
        {"region": s["region"], "population": s["people"], "reached": s["people"].where(reach.notna(), 0.0)}
    )
    sums["minutes"] = (s["people"] * reach).fillna(0.0)
    for limit in (60, 120):
        sums[f"within_{limit}"] = s["people"].where(reach <= limit, 0.0)
    networks = ("borderless", "open", "actual")
    for n in networks:
        sums[n] = (s["people"] * s[f"potential_cross_{n}"]).fillna(0.0)
    sums["home"] = (s["people"] * s["potential_domestic_actual"]).fillna(0.0)
    t = sums.groupby("region").sum().reindex(regions).fillna(0.0).reset_index(drop=True)
    people, free, reached = (t[c].where(t[c] > 0) for c in ("population", "borderless", "reached"))
    out = pd.DataFrame(
        {"population": t["population"].astype(np.int64), "time_to_checkpoint_min": t["minutes"] / reached}
    )
    for limit in (60, 120):
        out[f"population_within_{limit}min"] = t[f"within_{limit}"] / people
    out["people_without_checkpoint"] = (t["population"] - t["reached"]).astype(np.int64)
    for n in networks:
        out[f"potential_cross_{n}"] = t[n] / people
    out["potential_domestic_actual"] = t["home"] / people
    out["border_loss"] = 1 - t["actual"] / free
    out["loss_detour"] = 1 - t["open"] / free
    out["loss_delay"] = (t["open"] - t["actual"]) / free
    out["cross_ratio"] = t["actual"] / t["home"].where(t["home"] > 0)
    return out
