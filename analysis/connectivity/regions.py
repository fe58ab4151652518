"""Connectivity of regions, of pairs of facing regions and of pieces of the border.

Densities, checkpoints, crossings.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import shapely
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from scipy.spatial import cKDTree

from analysis.connectivity.kansky import PARALLEL_M, drawn_links, kansky_by_region, single_lines
from layers.crs import WGS84, areas_km2, geodesic_m, line_lengths_m, points_at, project
from layers.keeping import kept_as
from layers.regions import belt
from layers.rules import MODES
from layers.sides import SIDES

if TYPE_CHECKING:
    import geopandas as gpd
    from numpy.typing import NDArray

    from network.build import Network

PIECE_M = 500.0
AT_ONCE = 20_000
"""Lines whose pieces are held at once."""


def counted_once(lines: NDArray[np.object_]) -> NDArray[np.float64]:
    """Return for each line the share of it that counts, so that k parallel tracks count as one: 1/k along them.

    A piece of 500 m has a parallel in each other line that runs beside its middle, within 250 m and 20°, and does not
    merely end there. It matters not where the tracks are cut into links.

    Parameters
    ----------
    lines
        In a projection that is true to distances within the belt.
    """
    tree = shapely.STRtree(lines)
    parts = [_counted(tree, lines, slice(start, start + AT_ONCE)) for start in range(0, len(lines), AT_ONCE)]
    return np.concatenate([np.empty(0), *parts])


def _counted(tree: shapely.STRtree, lines: NDArray[np.object_], some: slice) -> NDArray[np.float64]:
    """Return the same of a run of the lines, beside all of them."""
    count, first = len(lines[some]), some.start
    pieces = shapely.segmentize(lines[some], PIECE_M)
    xy, owner = shapely.get_coordinates(pieces, return_index=True)
    inside = np.flatnonzero(owner[1:] == owner[:-1])
    step = xy[inside + 1] - xy[inside]
    length = np.hypot(step[:, 0], step[:, 1])
    middle, own = points_at((xy[inside] + xy[inside + 1]) / 2), owner[inside]
    piece, other = tree.query(middle, predicate="dwithin", distance=PARALLEL_M)
    beside = own[piece] + first != other
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
    counts = np.bincount(own, length / k, minlength=count)
    total = np.bincount(own, length, minlength=count)
    return np.asarray(np.divide(counts, total, out=np.ones(count), where=total > 0), float)


def lengths_in(lines: pd.DataFrame, regions: gpd.GeoDataFrame) -> NDArray[np.float64]:
    """Return the kilometres of links in each region.

    Each link's own length, shared out by the part of its line inside.
    """
    geometry = lines["geometry"].to_numpy(dtype=object)
    polygons = regions.geometry.to_numpy()
    shapely.prepare(polygons)
    line, where = shapely.STRtree(geometry).query(polygons, predicate="intersects")[::-1]
    inside = np.ones(len(line))
    partly = ~shapely.covers(polygons[where], geometry[line])
    whole = line_lengths_m(geometry[line[partly]])
    part = line_lengths_m(shapely.intersection(geometry[line[partly]], polygons[where[partly]]))
    inside[partly] = part / np.maximum(whole, 1e-9)
    km = lines["length_m"].to_numpy()[line] * inside / 1000
    return np.asarray(np.bincount(where, km, minlength=len(regions)), float)


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
    ``checkpoints_per_100km`` (open ones), and Kansky's indices and degrees of the road network
    (`analysis.connectivity.kansky`).
    """
    zone = project(shapely.segmentize(belt(border, depth_km, network.crs), 20_000), network.crs, WGS84)
    inside = regions.set_geometry(shapely.intersection(regions.geometry.to_numpy(), zone))
    out = pd.DataFrame({"area_km2": areas_km2(regions.geometry.to_numpy(), network.crs)})
    out["belt_area_km2"] = areas_km2(inside.geometry.to_numpy(), network.crs)
    sides = pd.concat([border.rename(columns={f"region_{s}": "region"})[["region", "length_km"]] for s in SIDES])
    out["border_km"] = regions["region"].map(sides.groupby("region")["length_km"].sum()).fillna(0.0).to_numpy()
    # What the ground alone says; its digest is known, that of the lines would have to be sought.
    shapes = inside[["geometry"]]
    for mode in ("road", "rail"):
        out[f"{mode}_km"] = kept_as(
            "kilometres", [network.ground, mode, shapes], partial(_kilometres, network, mode, shapes)
        )
        out[f"{mode}_density_km_per_1000km2"] = (
            1000 * out[f"{mode}_km"] / out["belt_area_km2"].where(out["belt_area_km2"] > 0)
        )
    points = network.checkpoints
    for name, mask in (("checkpoints", np.ones(len(points), bool)), ("checkpoints_open", points["open"].astype(bool))):
        at = pd.concat([points.loc[mask, "region_a"], points.loc[mask, "region_b"]]).value_counts()
        out[name] = regions["region"].map(at).fillna(0).astype(int).to_numpy()
    out["checkpoints_per_100km"] = 100 * out["checkpoints_open"] / out["border_km"].where(out["border_km"] > 0)
    indices = kept_as(
        "kansky", [network.ground, shapes], lambda: kansky_by_region(single_lines(network, "road"), shapes)
    )
    return pd.concat([out, indices], axis=1)


def _kilometres(network: Network, mode: str, regions: gpd.GeoDataFrame) -> NDArray[np.float64]:
    """Return the kilometres of links in each region, parallel ones once."""
    lines = drawn_links(network, mode)[["geometry", "length_m"]]
    if lines.empty:
        return np.zeros(len(regions))
    once = counted_once(project(lines["geometry"].to_numpy(dtype=object), WGS84, network.crs))
    return lengths_in(lines.assign(length_m=lines["length_m"] * once), regions)


def supply_of_people(
    connectivity: pd.DataFrame,
    regions: pd.Series,
    settlements: pd.DataFrame,
    *,
    modes: tuple[str, ...] = ("road", "rail"),
) -> pd.DataFrame:
    """Return how much network there is for the people and places of each region, in the order of `regions`.

    Engel's coefficient is L/√(S·P), Goltz's L/√(S·N): both fall between density per area and per person (see Volkova
    and Svistelnik for their use on Altai). Engel's number hangs on the units: here L in km, S in 100 km², P in 10,000
    people. Goltz's has none: L in km, S in km², N settlements.

    Parameters
    ----------
    connectivity
        From `region_connectivity`: the lengths and the part of each area within the belt.
    regions
        Codes, in the same order.
    settlements
        Those of the network (``region``, ``population``): people and places of the belt, not of the whole region.

    Returns
    -------
    ``settlements``, ``settlements_population``, and per mode ``<mode>_km_per_10000people``,
    ``<mode>_engel_km_per_sqrt_100km2_10000people`` and ``<mode>_goltz``; NaN where nobody lives or no settlement is.

    Examples
    --------
    200 km of road, 10,000 km², 40,000 people in 4 places: 50 km for 10,000 people, 200/√(100·4) = 10, 200/√(10,000·4) =
    1.

    >>> table = pd.DataFrame({"belt_area_km2": [1e4], "road_km": [200.0]})
    >>> towns = pd.DataFrame({"region": ["R"] * 4, "population": [10_000] * 4})
    >>> supply_of_people(table, pd.Series(["R"]), towns, modes=("road",)).iloc[0].tolist()
    [4.0, 40000.0, 50.0, 10.0, 1.0]
    """
    by = settlements.groupby("region")["population"]
    places = regions.map(by.size()).fillna(0).astype(int).to_numpy()
    people = regions.map(by.sum()).fillna(0).astype(np.int64).to_numpy()
    out = pd.DataFrame({"settlements": places, "settlements_population": people})
    area = connectivity["belt_area_km2"].to_numpy(float)
    with np.errstate(divide="ignore", invalid="ignore"):
        for mode in modes:
            km = connectivity[f"{mode}_km"].to_numpy(float)
            out[f"{mode}_km_per_10000people"] = km / (people / 1e4)
            out[f"{mode}_engel_km_per_sqrt_100km2_10000people"] = km / np.sqrt(area / 100 * people / 1e4)
            out[f"{mode}_goltz"] = km / np.sqrt(area * places)
    return out.replace([np.inf, -np.inf], np.nan)


def facing_pairs(network: Network, border: gpd.GeoDataFrame) -> pd.DataFrame:
    """Return how well each pair of regions that face each other is joined, from the longest border down.

    A checkpoint belongs to the pair of its two stated regions where they face each other, else to the pair whose border
    is nearest; a crossing to the nearest. So each counts once.

    Parameters
    ----------
    border
        From `layers.regions.border_line`: a row per pair.

    Returns
    -------
    ``region_a``, ``region_b``, ``border_km`` and the counts of `joined_over`, over the border of the pair.

    Examples
    --------
    >>> pairs = facing_pairs(network, border)  # doctest: +SKIP
    >>> pairs.loc[pairs["road_open"] == 0, ["region_a", "region_b", "border_km"]]  # doctest: +SKIP
    """
    stated = pd.MultiIndex.from_frame(border[["region_a", "region_b"]])
    points = network.checkpoints
    facing = stated.get_indexer(pd.MultiIndex.from_frame(points[["region_a", "region_b"]])) if len(points) else None
    out = pd.DataFrame(border[["region_a", "region_b"]].reset_index(drop=True))
    out["border_km"] = border["length_km"].to_numpy(float)
    counts = joined_over(network, border, rows=facing)
    out = out.join(counts)
    return out.sort_values(["border_km", "region_a", "region_b"], ascending=[False, True, True], ignore_index=True)


def segment_connectivity(network: Network, segments: gpd.GeoDataFrame) -> pd.DataFrame:
    """Return how well each piece of the border is joined, in the order of `segments`.

    Parameters
    ----------
    segments
        From `analysis.units.border_segments`.

    Returns
    -------
    ``segment_id``, ``border_km``, the counts of `joined_over`, and ``open_road_checkpoint_km``: the straight way from
    the middle of the piece to the nearest open road checkpoint, NaN where there is none.
    """
    out = pd.DataFrame({"segment_id": segments["segment_id"].to_numpy()})
    out["border_km"] = line_lengths_m(segments.geometry.to_numpy()) / 1000
    out = out.join(joined_over(network, segments))
    points = network.checkpoints
    there = points[(points["mode"] == "road") & points["open"].astype(bool)].geometry
    if there.empty:
        return out.assign(open_road_checkpoint_km=np.nan)
    lon, lat = segments["lon"].to_numpy(float)[:, None], segments["lat"].to_numpy(float)[:, None]
    metres = geodesic_m(lon, lat, there.x.to_numpy()[None], there.y.to_numpy()[None])
    return out.assign(open_road_checkpoint_km=metres.min(axis=1) / 1000)


def joined_over(network: Network, lines: gpd.GeoDataFrame, *, rows: NDArray[np.int64] | None = None) -> pd.DataFrame:
    """Return what joins the two sides over each of several pieces of the border.

    Each thing counts to the nearest piece.

    Parameters
    ----------
    rows
        The piece of each checkpoint where it is known, −1 where the nearest is to be taken.

    Returns
    -------
    ``checkpoints``, ``checkpoints_open``, ``<mode>_open`` and ``<mode>_closed`` of road, rail and river;
    ``checkpoints_per_100km`` (open ones); ``crossings``, ``crossings_open``: places where the network crosses the line,
    by road or rail, those by connectors left out; ``road_links_across``, ``rail_links_across``: links of the simplified
    graph over the line, open or not (ends of one side within 250 m are one place, parallel links one).
    """
    line = project(lines.geometry.to_numpy(), WGS84, network.crs)
    tree = shapely.STRtree(line)
    points = network.checkpoints
    where = tree.nearest(points.to_crs(network.crs).geometry.to_numpy()) if len(points) else np.empty(0, np.int64)
    if rows is not None:
        where = np.where(rows >= 0, rows, where)
    n, is_open = len(lines), points["open"].to_numpy(bool)
    out = pd.DataFrame({"checkpoints": np.bincount(where, minlength=n)})
    out["checkpoints_open"] = np.bincount(where[is_open], minlength=n)
    for mode in MODES:
        of_mode = (points["mode"] == mode).to_numpy(bool)
        out[f"{mode}_open"] = np.bincount(where[of_mode & is_open], minlength=n)
        out[f"{mode}_closed"] = np.bincount(where[of_mode & ~is_open], minlength=n)
    out["checkpoints_per_100km"] = 100 * out["checkpoints_open"] / (line_lengths_m(lines.geometry.to_numpy()) / 1000)
    crossings = network.crossings[~network.crossings["by_connector"].astype(bool)]
    at = tree.nearest(crossings.to_crs(network.crs).geometry.to_numpy()) if len(crossings) else np.empty(0, np.int64)
    out["crossings"] = np.bincount(at, minlength=n)
    out["crossings_open"] = np.bincount(at[(crossings["status"] == "open").to_numpy(bool)], minlength=n)
    piece = pd.Series(at, index=crossings["crossing_id"].to_numpy())
    for mode in ("road", "rail"):
        across = _links_across(network, mode)
        of = across[across.isin(piece.index)].map(piece).to_numpy(np.int64)
        out[f"{mode}_links_across"] = np.bincount(of, minlength=n)
    return out


def _links_across(network: Network, mode: str) -> pd.Series:
    """Return the crossing of each link over the line in the simplified graph of a mode."""
    over = network.links[network.links["crossing"].astype(bool) & (network.links["mode"] == mode)]
    if over.empty:
        return pd.Series([], dtype=object)
    used = np.unique(over[["u", "v"]])
    xy = network.nodes[["px", "py"]].to_numpy(float)[used]
    side = network.nodes["side"].to_numpy(dtype=object)[used]
    pairs = cKDTree(xy).query_pairs(PARALLEL_M, output_type="ndarray")
    pairs = pairs[side[pairs[:, 0]] == side[pairs[:, 1]]]  # the posts of a gate stand at one place
    graph = coo_array((np.ones(len(pairs), np.int8), (pairs[:, 0], pairs[:, 1])), shape=(len(used), len(used)))
    label = connected_components(graph, directed=False)[1]
    ends = np.sort(label[np.searchsorted(used, over[["u", "v"]].to_numpy())], axis=1)
    return over.assign(u=ends[:, 0], v=ends[:, 1]).drop_duplicates(["u", "v"])["crossing_id"]


def population_access(settlements: pd.DataFrame, regions: pd.Series) -> pd.DataFrame:
    """Return access figures of each region weighted by people, in the order of `regions`.

    Parameters
    ----------
    settlements
        ``region``, ``population``, ``time_to_checkpoint_min`` and the potentials of
        `analysis.reach.accessibility.potentials`.

    Returns
    -------
    ``population`` (all in the belt); ``time_to_checkpoint_min``, the mean over the people of whom it is known, and
    ``time_to_checkpoint_known_share``, the share of all that these are; ``population_within_60min`` and
    ``population_beyond_60min``, the same for 120 (shares of all: with those of whom it is not known they make 1);
    ``people_without_checkpoint`` (not known); the potentials, means over people whose place joins the network, and
    ``potential_known_share``; ``border_loss`` with its two parts (ratios of sums, so that the parts add up).
    """
    s = settlements.assign(people=settlements["population"].astype(float))
    reach = s["time_to_checkpoint_min"]
    sums = pd.DataFrame(
        {"region": s["region"], "population": s["people"], "reached": s["people"].where(reach.notna(), 0.0)}
    )
    sums["minutes"] = (s["people"] * reach).fillna(0.0)
    for limit in (60, 120):
        sums[f"within_{limit}"] = s["people"].where(reach <= limit, 0.0)
        sums[f"beyond_{limit}"] = s["people"].where(reach > limit, 0.0)
    networks = ("borderless", "open", "actual")
    for n in networks:
        sums[n] = (s["people"] * s[f"potential_cross_{n}"]).fillna(0.0)
    sums["measured"] = s["people"].where(s["potential_cross_actual"].notna(), 0.0)
    sums["home"] = (s["people"] * s["potential_domestic_actual"]).fillna(0.0)
    t = sums.groupby("region").sum().reindex(regions).fillna(0.0).reset_index(drop=True)
    people, free, reached, measured = (
        t[c].where(t[c] > 0) for c in ("population", "borderless", "reached", "measured")
    )
    out = pd.DataFrame(
        {"population": t["population"].astype(np.int64), "time_to_checkpoint_min": t["minutes"] / reached}
    )
    out["time_to_checkpoint_known_share"] = t["reached"] / people
    for limit in (60, 120):
        for what in ("within", "beyond"):
            out[f"population_{what}_{limit}min"] = t[f"{what}_{limit}"] / people
    out["people_without_checkpoint"] = (t["population"] - t["reached"]).astype(np.int64)
    for n in networks:
        out[f"potential_cross_{n}"] = t[n] / measured
    out["potential_domestic_actual"] = t["home"] / measured
    out["potential_known_share"] = t["measured"] / people
    out["border_loss"] = 1 - t["actual"] / free
    out["loss_detour"] = 1 - t["open"] / free
    out["loss_delay"] = (t["open"] - t["actual"]) / free
    out["cross_ratio"] = t["actual"] / t["home"].where(t["home"] > 0)
    return out
