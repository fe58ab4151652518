"""Checkpoints out of border controls as OpenStreetMap maps them: clustered to posts, posts paired, facts joined."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components, dijkstra
from scipy.spatial import cKDTree

from layers.crs import WGS84
from layers.osm.barriers import common_vehicles, lanes_vehicles
from layers.regions import region_of
from layers.schema import validate
from layers.settlements import normalise

if TYPE_CHECKING:
    from numpy.typing import NDArray

CLUSTER_KM = 2.0
"""Booths, lanes and offices of one post lie this near to each other."""
PAIR_KM = 30.0
"""The posts of two countries on one road are no further apart."""
DEPTH_KM = 30.0
"""A control further inside is an airport's or an inland customs office."""
FACT_KM = 50.0
UNNAMED_KM = 10.0
STATION_KM = 50.0
AT_LINE_KM = 5.0
DETOUR = 2.0
SNAP_KM = 1.0
EARTH_KM = 6371.0
SIDES = ("a", "b")
OSM = "OpenStreetMap"
FROM_FACTS = (
    "checkpoint_id",
    "name",
    "name_ru",
    "name_kk",
    "regime",
    "control_wait_min",
    "wait_assumed",
    "wait_p90_min",
    "wait_truck_min",
    "capacity_per_day",
    "observed_per_day",
    "wait_source",
    "vehicles",
    "partners",
)


def checkpoints_from_posts(
    posts: gpd.GeoDataFrame,
    border: gpd.GeoDataFrame,
    regions: gpd.GeoDataFrame,
    facts: gpd.GeoDataFrame | None = None,
    *,
    stations: gpd.GeoDataFrame | None = None,
    roads: gpd.GeoDataFrame | None = None,
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
        Layer ``checkpoints`` of what is known otherwise. A fact belongs to a checkpoint of its mode that bears one of its
        names, lies within 50 km and in its regions; all three, for namesakes are common. An OSM checkpoint without any
        name takes the nearest fact of its mode and regions within 10 km. Facts that find none stay checkpoints.
    roads
        Layer ``roads``: posts are then paired along it, else by the straight distance.
    cluster_km, pair_km, depth_km
        How far apart controls of one post, and posts of one checkpoint, may lie, and how far from the border line.
    as_of
        Date of the OSM data.

    Returns
    -------
    The validated layer; and a report: what was left out and why, pairs, posts without a partner, how facts were joined.
    """
    report: dict[str, Any] = dict.fromkeys(("posts_outside", "posts_inland", "customs_alone"), 0)
    line = _xyz(shapely.get_coordinates(shapely.segmentize(shapely.union_all(border.geometry.to_numpy()), 0.01)))
    clusters = _clusters(_near_line(posts, regions, line, depth_km, report), cluster_km, report)
    rows = _paired(clusters, roads, pair_km, report)
    if stations is not None:
        rows += _rail(stations, regions, line, cluster_km)
    rows = [{**row, "as_of": as_of} for row in rows]
    report["rail"] = sum(row["mode"] == "rail" for row in rows)
    joined = _with_facts(rows, facts, report)
    table = pd.DataFrame(joined).drop(columns=["lon", "lat", "named"]) if joined else pd.DataFrame()
    if table.empty:
        # A border without a mapped post is a finding, and the caller's to judge.
        empty = gpd.GeoDataFrame({"mode": [], "name": []}, geometry=[], crs=WGS84)
        return empty, {**report, "checkpoints": 0}
    points = shapely.points([r["lon"] for r in joined], [r["lat"] for r in joined])
    frame = gpd.GeoDataFrame(table, geometry=points, crs=WGS84).sort_values("checkpoint_id", ignore_index=True)
    return validate(frame, "checkpoints", OSM), {**report, "checkpoints": len(frame)}


def _xyz(lonlat: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return places on a sphere in kilometres: chords are distances, anywhere and over the antimeridian."""
    lon, lat = np.radians(np.asarray(lonlat, float).reshape(-1, 2)).T
    return EARTH_KM * np.column_stack([np.cos(lat) * np.cos(lon), np.cos(lat) * np.sin(lon), np.sin(lat)])


def _near_line(
    posts: gpd.GeoDataFrame,
    regions: gpd.GeoDataFrame,
    line: NDArray[np.float64],
    depth_km: float,
    report: dict[str, Any],
) -> pd.DataFrame:
    """Return the posts of both countries near the border, with ``side``, ``region`` and place."""
    xy = shapely.get_coordinates(posts.geometry.to_numpy())
    row = region_of(xy, regions, 1.0)
    table = pd.DataFrame({"vehicles": "", **posts.drop(columns="geometry")}).assign(lon=xy[:, 0], lat=xy[:, 1])
    for column in ("side", "region"):
        table[column] = np.append(regions[column].to_numpy(dtype=object), "")[row]
    inside = row >= 0
    near = cKDTree(line).query(_xyz(xy))[0] <= depth_km if len(xy) else inside
    report["posts_outside"], report["posts_inland"] = int((~inside).sum()), int((inside & ~near).sum())
    return table[inside & near].sort_values(["object", "osm_id"], ignore_index=True)


def _components(xyz: NDArray[np.float64], km: float) -> NDArray[np.int64]:
    """Return the cluster of each place: chains of places no further apart than `km`."""
    pairs = cKDTree(xyz).query_pairs(km, output_type="ndarray")
    graph = coo_array((np.ones(len(pairs), np.int8), (pairs[:, 0], pairs[:, 1])), shape=(len(xyz), len(xyz)))
    return np.asarray(connected_components(graph, directed=False)[1], np.int64)


def _clusters(posts: pd.DataFrame, km: float, report: dict[str, Any]) -> pd.DataFrame:
    """Return one row per post: controls of one side and mode that lie near each other."""
    out = []
    for (side, mode), group in posts.groupby(["side", "mode"], sort=True):
        label = _components(_xyz(group[["lon", "lat"]].to_numpy()), km)
        for _, mine in group.groupby(label, sort=True):  # posts: dozens
            if not (mine["what"] == "border_control").any():
                report["customs_alone"] += len(mine)
                continue
            control = mine[mine["what"] == "border_control"]
            out.append(
                {
                    "side": side, "mode": mode, "osm_id": int(control["osm_id"].min()), "region": control["region"].iloc[0],
                    "lon": control["lon"].mean(), "lat": control["lat"].mean(), "open": bool(control["open"].any()),
                    "vehicles": lanes_vehicles(control[control["open"]]["vehicles"]),
                    "hours": _first(mine["hours"]), "name": _commonest(mine["name"]), "name_ru": _first(mine["name_ru"]),
                    "name_kk": _first(mine["name_kk"]), "names": _joined(*mine["name"], *mine["names"]),
                }
            )  # fmt: skip
    return pd.DataFrame(out, columns=["side", "mode", "osm_id", "region", "lon", "lat", "open", "vehicles", "hours", "name", "name_ru", "name_kk", "names"])  # fmt: skip


def _first(texts: pd.Series) -> str:
    """Return the first text that says something."""
    return next((t for t in texts if t), "")


def _commonest(texts: pd.Series) -> str:
    """Return the text that occurs most; of equal ones the first in the alphabet."""
    count = Counter(t for t in texts if t)
    return min(count, key=lambda t: (-count[t], t)) if count else ""


def _joined(*texts: str) -> str:
    """Return all names of some lists, each once, in the order of the alphabet."""
    return "|".join(sorted({part for text in texts for part in text.split("|") if part}))


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
    xyz = [_xyz(side[["lon", "lat"]].to_numpy(float)) for side in (a, b)]
    km = np.linalg.norm(xyz[0][:, None] - xyz[1][None], axis=2)
    km[km > pair_km] = np.inf
    if roads is None or not np.isfinite(km).any():
        return np.asarray(km)
    places = np.concatenate([side[["lon", "lat"]].to_numpy(float) for side in (a, b)])
    along = _along_roads(places, roads, DETOUR * pair_km)[: len(a), len(a) :]
    return np.where(np.isfinite(along), along, np.inf)


def _along_roads(places: NDArray[np.float64], roads: gpd.GeoDataFrame, limit_km: float) -> NDArray[np.float64]:
    """Return kilometres along roads between places that stand within `SNAP_KM` of one: anywhere on it, not only at its ends.

    One-way roads lead to posts both ways. Infinite beyond the limit, without a way, or for a place off the roads.
    """
    n = len(places)
    # Near a place degrees are square once longitudes are narrowed.
    narrow = float(np.cos(np.radians(places[:, 1].mean())))
    flat = shapely.transform(roads.geometry.to_numpy(), lambda xy: xy * (narrow, 1.0))
    spot = shapely.points(places * (narrow, 1.0))
    piece = np.asarray(shapely.STRtree(flat).nearest(spot), np.int64)
    share = shapely.line_locate_point(flat[piece], spot, normalized=True)
    here = shapely.get_coordinates(shapely.line_interpolate_point(flat[piece], share, normalized=True)) / (narrow, 1.0)
    off = np.linalg.norm(_xyz(here) - _xyz(places), axis=1) > SNAP_KM
    ids, ends = np.unique(roads[["u", "v"]].to_numpy(), return_inverse=True)
    ends, km = ends.reshape(-1, 2), roads["length_m"].to_numpy(float) / 1000
    number = len(ids) + np.arange(n)
    i, j = np.nonzero(np.triu(piece[:, None] == piece[None], 1))
    own = km[piece]
    tail = np.concatenate([ends[:, 0], number, number, number[i]])
    head = np.concatenate([ends[:, 1], ends[piece, 0], ends[piece, 1], number[j]])
    length = np.concatenate([km, share * own, (1 - share) * own, np.abs(share[i] - share[j]) * own[i]])
    # Parallel pieces would be added up by the matrix: the shortest counts.
    pairs = np.sort(np.column_stack([tail, head]), axis=1)
    table = pd.DataFrame({"u": pairs[:, 0], "v": pairs[:, 1], "km": np.maximum(length, 1e-6)})
    table = table.groupby(["u", "v"])[["km"]].min().reset_index()
    graph = coo_array((table["km"], (table["u"], table["v"])), shape=(len(ids) + n,) * 2).tocsr()
    out: NDArray[np.float64] = dijkstra(graph, directed=False, indices=number, limit=limit_km)[:, len(ids) :]
    out[off] = np.inf
    out[:, off] = np.inf
    return out


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
        "names": _joined(*(p["names"] for p in posts)),
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
    xy = shapely.get_coordinates(stations.geometry.to_numpy())
    xyz = _xyz(xy)
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
    for _, mine in marks.groupby(_components(_xyz(marks[["lon", "lat"]].to_numpy()), cluster_km), sort=True):
        lon, lat, number = float(mine["lon"].mean()), float(mine["lat"].mean()), int(mine["osm_id"].min())
        away = np.linalg.norm(xyz[stops] - _xyz(np.array([[lon, lat]])), axis=1)
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


def _with_facts(
    rows: list[dict[str, Any]], facts: gpd.GeoDataFrame | None, report: dict[str, Any]
) -> list[dict[str, Any]]:
    """Return the checkpoints with what the facts tell of them, and the facts that belong to none."""
    report.update(facts_by_name=0, facts_without_name=0, facts_alone=[], namesakes_refused=[], status_differs=[])
    if facts is None or facts.empty:
        return rows
    place = shapely.get_coordinates(facts.geometry.to_numpy())
    table = pd.DataFrame(facts.drop(columns="geometry")).assign(lon=place[:, 0], lat=place[:, 1])
    known = [{str(k): v for k, v in row.items()} for row in table.to_dict("records")]
    away = np.linalg.norm(_xyz(place)[:, None] - _xyz(np.array([(r["lon"], r["lat"]) for r in rows]))[None], axis=2)
    fit: dict[str, list[tuple[float, int, int]]] = {"by_name": [], "without_name": []}
    for i, fact in enumerate(known):  # dozens by dozens
        for j, row in enumerate(rows):
            if fact["mode"] != row["mode"]:
                continue
            same_name = bool(_names(fact) & _names(row))
            same_regions = _same_regions(fact, row)
            if same_name and not (same_regions and away[i, j] <= FACT_KM):
                report["namesakes_refused"].append(f"{fact['checkpoint_id']}, {row['checkpoint_id']}")
            elif same_name:
                fit["by_name"].append((float(away[i, j]), i, j))
            elif same_regions and not row["named"] and away[i, j] <= UNNAMED_KM:
                fit["without_name"].append((float(away[i, j]), i, j))
    partner: dict[int, int] = {}
    for how, pairs in fit.items():
        for _, i, j in sorted(pairs):
            if i not in partner and j not in partner.values():
                partner[i] = j
                report[f"facts_{how}"] += 1
    out = list(rows)
    for i, fact in enumerate(known):
        if i in partner:
            out[partner[i]] = _merged(rows[partner[i]], fact, report)
        else:
            report["facts_alone"].append(fact["checkpoint_id"])
            out.append({**fact, "named": True})
    return out


def _names(row: dict[str, Any]) -> set[str]:
    """Return all names of a checkpoint or fact, as they are compared."""
    parts = [row["name"], row["name_ru"], row["name_kk"], *row["names"].split("|")]
    return {normalise(p) for text in parts for p in text.split(" – ")} - {""}


def _same_regions(fact: dict[str, Any], row: dict[str, Any]) -> bool:
    """Return whether fact and checkpoint lie in the same regions, as far as both tell."""
    return all(not fact[c] or not row[c] or fact[c] == row[c] for c in ("region_a", "region_b"))


def _merged(row: dict[str, Any], fact: dict[str, Any], report: dict[str, Any]) -> dict[str, Any]:
    """Return a checkpoint where OSM has it, with status, hours and waits of the fact."""
    if bool(fact["open"]) != row["open"]:
        report["status_differs"].append(fact["checkpoint_id"])
    taken = {c: fact[c] for c in FROM_FACTS if fact[c] not in ("", None)}
    return {
        **row,
        **taken,
        "open": bool(fact["open"]),
        "hours": fact["hours"] or row["hours"],
        "names": _joined(row["names"], fact["names"]),
        "source": f"{fact['source']}; place: {OSM}" if fact["source"] else OSM,
        "as_of": fact["as_of"] or row["as_of"],
    }
