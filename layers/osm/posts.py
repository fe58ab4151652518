"""Checkpoints out of border controls as OpenStreetMap maps them: clustered to posts, posts paired, facts joined."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from layers.crs import WGS84
from layers.osm.barriers import common_vehicles, lanes_vehicles
from layers.osm.facts import OSM, joined_names, with_facts
from layers.osm.naming import name_posts
from layers.osm.owners import of_this_border
from layers.osm.pairs import along_lines
from layers.regions import region_of
from layers.schema import validate
from layers.sides import SIDES
from layers.stretches import sphere_km

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from layers.stretches import Stretches

CLUSTER_KM = 2.0
"""Booths, lanes and offices of one post lie this near to each other."""
PAIR_KM = 30.0
"""The posts of two countries on one road are no further apart."""
DEPTH_KM = 30.0
"""A control further inside is an airport's or an inland customs office."""
STATION_KM = 50.0
AT_LINE_KM = 5.0
DETOUR = 2.0


def checkpoints_from_posts(
    posts: gpd.GeoDataFrame,
    border: gpd.GeoDataFrame,
    regions: gpd.GeoDataFrame,
    facts: gpd.GeoDataFrame | None = None,
    *,
    stations: gpd.GeoDataFrame | None = None,
    roads: gpd.GeoDataFrame | None = None,
    railways: gpd.GeoDataFrame | None = None,
    settlements: gpd.GeoDataFrame | None = None,
    stretches: Stretches | None = None,
    cluster_km: float = CLUSTER_KM,
    pair_km: float = PAIR_KM,
    depth_km: float = DEPTH_KM,
    as_of: str = "",
) -> tuple[gpd.GeoDataFrame, dict[str, Any]]:
    """Return the layer ``checkpoints`` out of posts of both sides, and a report.

    Parameters
    ----------
    posts, stations
        From `layers.sources.pbf.read.read_network`; a ``railway=border`` of `stations` is a checkpoint by rail.
    border
        From `layers.regions.border_line`.
    regions
        With ``side``, see `layers.regions.with_sides`.
    facts
        Layer ``checkpoints`` of what is known otherwise. A fact belongs to a checkpoint of its mode that bears one of
        its names, lies within 50 km and in its regions; all three, for namesakes are common. An OSM checkpoint without
        any name takes the nearest fact of its mode and regions within 10 km. Facts that find none stay checkpoints.
    roads
        Layer ``roads``: posts are then paired along it, else by the straight distance.
    railways, settlements
        Tracks, along which a post by rail belongs to the border that they cross; places that posts without a name are
        called after.
    stretches
        Of the outlines of both countries: posts at other borders of theirs are left out.
    cluster_km, pair_km, depth_km
        How far apart controls of one post, and posts of one checkpoint, may lie, and how far from the border line.
    as_of
        Date of the OSM data.

    Returns
    -------
    The validated layer; and a report: what was left out and why, pairs, posts without a partner, how facts were joined.
    """
    report: dict[str, Any] = dict.fromkeys(("posts_outside", "posts_inland", "customs_alone"), 0)
    line = sphere_km(shapely.get_coordinates(shapely.segmentize(shapely.union_all(border.geometry.to_numpy()), 0.01)))
    near = _near_line(posts, regions, line, depth_km, report)
    if stretches is not None:
        near, stations = of_this_border(near, stations, stretches, railways, report)
    clusters = _clusters(near, cluster_km, report)
    rows = _paired(clusters, roads, pair_km, report)
    if stations is not None:
        rows += _rail(stations, regions, line, cluster_km)
    rows = [{**row, "as_of": as_of} for row in name_posts(rows, roads, settlements)]
    report["rail"] = sum(row["mode"] == "rail" for row in rows)
    joined = with_facts(rows, facts, report)
    table = pd.DataFrame(joined).drop(columns=["lon", "lat", "named"]) if joined else pd.DataFrame()
    if table.empty:
        # A border without a mapped post is a finding, and the caller's to judge.
        empty = gpd.GeoDataFrame({"mode": [], "name": []}, geometry=[], crs=WGS84)
        return empty, {**report, "checkpoints": 0}
    points = shapely.points([r["lon"] for r in joined], [r["lat"] for r in joined])
    frame = gpd.GeoDataFrame(table, geometry=points, crs=WGS84).sort_values("checkpoint_id", ignore_index=True)
    return validate(frame, "checkpoints", OSM), {**report, "checkpoints": len(frame)}


def _near_line(
    posts: gpd.GeoDataFrame,
    regions: gpd.GeoDataFrame,
    line: NDArray[np.float64],
    depth_km: float,
    report: dict[str, Any],
) -> pd.DataFrame:
    """Return the posts of both countries near the border, with ``side``, ``region`` and place."""
    from scipy.spatial import cKDTree

    xy = shapely.get_coordinates(posts.geometry.to_numpy())
    row = region_of(xy, regions, 1.0)
    table = pd.DataFrame({"vehicles": "", **posts.drop(columns="geometry")}).assign(lon=xy[:, 0], lat=xy[:, 1])
    for column in ("side", "region"):
        table[column] = np.append(regions[column].to_numpy(dtype=object), "")[row]
    inside = row >= 0
    near = cKDTree(line).query(sphere_km(xy))[0] <= depth_km if len(xy) else inside
    report["posts_outside"], report["posts_inland"] = int((~inside).sum()), int((inside & ~near).sum())
    return table[inside & near].sort_values(["object", "osm_id"], ignore_index=True)


def _components(xyz: NDArray[np.float64], km: float) -> NDArray[np.int64]:
    """Return the cluster of each place: chains of places no further apart than `km`."""
    from scipy.spatial import cKDTree

    pairs = cKDTree(xyz).query_pairs(km, output_type="ndarray")
    graph = coo_array((np.ones(len(pairs), np.int8), (pairs[:, 0], pairs[:, 1])), shape=(len(xyz), len(xyz)))
    return np.asarray(connected_components(graph, directed=False)[1], np.int64)


def _clusters(posts: pd.DataFrame, km: float, report: dict[str, Any]) -> pd.DataFrame:
    """Return one row per post: controls of one side and mode that lie near each other."""
    out = []
    for (side, mode), group in posts.groupby(["side", "mode"], sort=True):
        label = _components(sphere_km(group[["lon", "lat"]].to_numpy()), km)
        for _, cluster in group.groupby(label, sort=True):  # posts: dozens
            if not (cluster["what"] == "border_control").any():
                report["customs_alone"] += len(cluster)
                continue
            control = cluster[cluster["what"] == "border_control"]
            out.append(
                {
                    "side": side,
                    "mode": mode,
                    "osm_id": int(control["osm_id"].min()),
                    "region": control["region"].iloc[0],
                    "lon": control["lon"].mean(),
                    "lat": control["lat"].mean(),
                    "open": bool(control["open"].any()),
                    "vehicles": lanes_vehicles(control[control["open"]]["vehicles"]),
                    "hours": _first(cluster["hours"]),
                    "name": _commonest(cluster["name"]),
                    "name_ru": _first(cluster["name_ru"]),
                    "name_kk": _first(cluster["name_kk"]),
                    "names": joined_names(*cluster["name"], *cluster["names"]),
                }
            )
    return pd.DataFrame(
        out,
        columns=[
            "side",
            "mode",
            "osm_id",
            "region",
            "lon",
            "lat",
            "open",
            "vehicles",
            "hours",
            "name",
            "name_ru",
            "name_kk",
            "names",
        ],
    )


def _first(texts: pd.Series) -> str:
    """Return the first text that says something."""
    return next((t for t in texts if t), "")


def _commonest(texts: pd.Series) -> str:
    """Return the text that occurs most; of equal ones the first in the alphabet."""
    count = Counter(t for t in texts if t)
    return min(count, key=lambda t: (-count[t], t)) if count else ""


def _paired(
    clusters: pd.DataFrame, roads: gpd.GeoDataFrame | None, pair_km: float, report: dict[str, Any]
) -> list[dict[str, Any]]:
    """Return one checkpoint per pair of posts, the nearest first, and one per post that finds no partner."""
    rows, alone = [], []
    report["pairs"] = 0
    for _, group in clusters.groupby("mode", sort=True):
        a, b = (group[group["side"] == side].reset_index(drop=True) for side in SIDES)
        km = _apart_km(a, b, roads if group["mode"].iloc[0] == "road" else None, pair_km)
        taken: dict[int, int] = {}
        for k in np.argsort(km, axis=None, kind="stable"):  # dozens of posts a side
            i, j = divmod(int(k), max(len(b), 1))
            if not np.isfinite(km[i, j]):
                break
            if i not in taken and j not in taken.values():
                taken[i] = j
        report["pairs"] += len(taken)
        rows += [_checkpoint(a.iloc[i], b.iloc[j]) for i, j in sorted(taken.items())]
        alone += [_checkpoint(a.iloc[i], None) for i in range(len(a)) if i not in taken]
        alone += [_checkpoint(None, b.iloc[j]) for j in range(len(b)) if j not in taken.values()]
    report["without_partner"] = [row["checkpoint_id"] for row in alone]
    return rows + alone


def _apart_km(a: pd.DataFrame, b: pd.DataFrame, roads: gpd.GeoDataFrame | None, pair_km: float) -> NDArray[np.float64]:
    """Return kilometres between the posts of both sides, infinite beyond `pair_km` or without a road."""
    xyz = [sphere_km(side[["lon", "lat"]].to_numpy(float)) for side in (a, b)]
    km = np.linalg.norm(xyz[0][:, None] - xyz[1][None], axis=2)
    km[km > pair_km] = np.inf
    if roads is None or not np.isfinite(km).any():
        return np.asarray(km)
    places = np.concatenate([side[["lon", "lat"]].to_numpy(float) for side in (a, b)])
    along = along_lines(places, roads, DETOUR * pair_km)[: len(a), len(a) :]
    return np.where(np.isfinite(along), along, np.inf)


def _checkpoint(a: pd.Series | None, b: pd.Series | None) -> dict[str, Any]:
    """Return the row of a pair of posts, or of the one that is mapped: closed where one of the posts is."""
    posts = [p for p in (a, b) if p is not None]
    mode = str(posts[0]["mode"])
    names = list(dict.fromkeys(str(p["name"]) for p in posts if p["name"]))
    number = min(int(p["osm_id"]) for p in posts)
    return {
        "checkpoint_id": f"{mode}-osm{number}",
        "mode": mode,
        "name": " – ".join(names)[:300] or f"Post {number}",
        "name_ru": " – ".join(dict.fromkeys(p["name_ru"] for p in posts if p["name_ru"])),
        "name_kk": " – ".join(dict.fromkeys(p["name_kk"] for p in posts if p["name_kk"])),
        "names": joined_names(*(p["names"] for p in posts)),
        "region_a": "" if a is None else a["region"],
        "region_b": "" if b is None else b["region"],
        "open": all(bool(p["open"]) for p in posts) and common_vehicles([p["vehicles"] for p in posts])[1],
        "vehicles": common_vehicles([p["vehicles"] for p in posts])[0],
        "hours": next((p["hours"] for p in posts if p["hours"]), "24/7"),
        "source": OSM,
        "lon": float(np.mean([p["lon"] for p in posts])),
        "lat": float(np.mean([p["lat"] for p in posts])),
        "named": bool(names),
    }


def _rail(
    stations: gpd.GeoDataFrame, regions: gpd.GeoDataFrame, line: NDArray[np.float64], cluster_km: float
) -> list[dict[str, Any]]:
    """Return a checkpoint for every railway over the border line, called by the nearest stations of both sides."""
    from scipy.spatial import cKDTree

    xy = shapely.get_coordinates(stations.geometry.to_numpy())
    xyz = sphere_km(xy)
    at_line = (stations["kind"] == "border").to_numpy(bool, copy=True)
    if at_line.any():
        at_line[at_line] = cKDTree(line).query(xyz[at_line])[0] <= AT_LINE_KM
    if not at_line.any():
        return []
    marks = stations[at_line].assign(lon=xy[at_line, 0], lat=xy[at_line, 1])
    stops = ((stations["kind"] != "border") & (stations["name"] != "")).to_numpy()
    row = region_of(xy[stops], regions, 1.0)
    side = np.append(regions["side"].to_numpy(dtype=object), "")[row]
    region = np.append(regions["region"].to_numpy(dtype=object), "")[row]
    named = stations[stops].assign(
        side=side, region=region, name_ru="", name_kk="", hours="", vehicles="", open=True, mode="rail"
    )
    out = []
    for _, cluster in marks.groupby(_components(sphere_km(marks[["lon", "lat"]].to_numpy()), cluster_km), sort=True):
        lon, lat, number = float(cluster["lon"].mean()), float(cluster["lat"].mean()), int(cluster["osm_id"].min())
        away = np.linalg.norm(xyz[stops] - sphere_km(np.array([[lon, lat]])), axis=1)
        ends: list[pd.Series | None] = []
        for one in SIDES:
            near = np.flatnonzero((side == one) & (away <= STATION_KM))
            ends.append(named.assign(lon=lon, lat=lat).iloc[near[np.argmin(away[near])]] if len(near) else None)
        if all(e is None for e in ends):
            blank = {
                "name": "",
                "names": "",
                "name_ru": "",
                "name_kk": "",
                "hours": "",
                "vehicles": "",
                "open": True,
                "mode": "rail",
            }
            ends[0] = pd.Series({**blank, "region": "", "lon": lon, "lat": lat, "osm_id": number})
        out.append({**_checkpoint(*ends), "checkpoint_id": f"rail-osm{number}"})
    return out
