"""Candidates for new checkpoints.

Roads over the line without a post, road ends that face each other, points of the user's, places along the line.

Each with its approach on both sides: how many kilometres of road are missing, and the minutes from and to every
settlement of the side.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from scipy.spatial import cKDTree

from analysis.units import nearest_settlement
from layers.crs import WGS84, project
from layers.errors import PlaceError
from layers.sides import SIDES
from network.build import FIELDS
from network.costs import CHUNK
from network.gaps import dead_ends
from network.joining import DETOUR
from network.kinds import LINE
from network.overlay import build_overlay
from network.points import Points, at_points
from network.routing import compile_router
from network.spots import offshore_m, refuse_spot

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from network.build import Network
    from network.routing import Router

FACING_KM = 30.0
"""Ends of roads on either side within so far of each other, and of the line, face each other. An assumption."""
EVERY_KM = 20.0
KINDS = ("crossing", "ends", "sample", "point")
SAME_KM = 1.0
"""Candidates this near to each other are one; the first kind of `KINDS` stays, a user's point always."""


@dataclass(frozen=True)
class Candidates:
    """Candidates and their approaches.

    Attributes
    ----------
    table
        ``candidate`` (s001, …), ``kind``, ``lon``, ``lat``, ``place`` (nearest settlement of either side),
        ``crossing_id``, ``missing_a_km``, ``missing_b_km``, ``missing_km``: length of road that the data lack, 1.3
        times the straight line.
    a, b
        Minutes between each settlement of a side and each candidate, the mean of there and back; shape (settlements,
        candidates).
    approaches
        Straight lines from each candidate to the roads of side a and side b, in the network's projection; empty where
        no road is missing. Shape (candidates, 2).
    points
        By side, the candidates as points of the network at home (`network.overlay.Overlay.home`).
    """

    table: pd.DataFrame
    a: NDArray[np.float64]
    b: NDArray[np.float64]
    approaches: NDArray[np.object_]
    points: Mapping[str, Points]

    def __len__(self) -> int:
        return len(self.table)

    def __getitem__(self, rows: NDArray[np.int64]) -> Candidates:
        """Return some of the candidates."""
        return Candidates(
            self.table.iloc[rows].reset_index(drop=True),
            self.a[:, rows],
            self.b[:, rows],
            self.approaches[rows],
            {side: points.take(rows) for side, points in self.points.items()},
        )

    def slowed(self, slow: tuple[float, float]) -> Candidates:
        """Return the candidates with the minutes of either side times a factor each."""
        return replace(self, a=self.a * slow[0], b=self.b * slow[1])


def find_candidates(
    network: Network,
    *,
    kinds: Sequence[str] = ("crossing", "ends", "sample"),
    points: Sequence[tuple[float, float]] = (),
    every_km: float = EVERY_KM,
    rows: tuple[NDArray[np.int64], NDArray[np.int64]],
) -> Candidates:
    """Return candidates for checkpoints by road.

    Parameters
    ----------
    kinds
        Of `KINDS`; those of the user come from `points` (longitude, latitude).
    every_km
        Distance along the line between sampled places.
    rows
        Rows of the settlements of side a and side b whose minutes are wanted.

    Notes
    -----
    A place further than ``checkpoint_modelled_km`` from the roads of either side is none, and so is one out in the
    water (`network.spots.offshore_m`), as it is for `scenario`.

    Raises
    ------
    PlaceError
        A kind is unknown, a user's point has no road within reach or stands in the water, or there is no candidate at
        all.
    """
    unknown = [k for k in kinds if k not in KINDS]
    if unknown or not every_km > 0:
        raise PlaceError(
            f"candidates of {', '.join(map(repr, unknown)) or f'every {every_km:g} km'}: allowed are "
            f"{', '.join(KINDS)}, every 1 km or more"
        )
    parts = [_crossings(network)] if "crossing" in kinds else []
    parts += [_facing(network)] if "ends" in kinds else []
    parts += [_sampled(network, every_km)] if "sample" in kinds else []
    parts = [pd.DataFrame(points, columns=["lon", "lat"]).assign(kind="point"), *parts]
    table = pd.concat([p for p in parts if len(p)] or parts[:1], ignore_index=True)
    table = table.assign(crossing_id=table["crossing_id"].fillna("") if "crossing_id" in table else "")
    table = _ashore(network, _apart(network, table))
    router = build_overlay(network, "road").home
    limit = network.limits.checkpoint_modelled_km
    table = table[
        (table["kind"] == "point") | (table["crossing_id"] != "") | _near_roads(network, table, limit)
    ].reset_index(drop=True)
    a, b, km, lines, ends = _approaches(network, router, table, rows)
    fits = np.isfinite(km).all(axis=1) & (km.max(axis=1, initial=0.0) <= limit)
    lost = np.flatnonzero(~fits & (table["kind"] == "point").to_numpy())
    if len(lost):
        bad = table.iloc[lost[0]]
        raise PlaceError(
            f"a candidate at {bad['lon']:g},{bad['lat']:g} stands further than {limit:g} km from the roads of a "
            "side: it can't be assessed"
        )
    table = table.assign(
        missing_a_km=km[:, 0] * DETOUR, missing_b_km=km[:, 1] * DETOUR, missing_km=km.sum(axis=1) * DETOUR
    )
    found = Candidates(table, a, b, lines, ends)[np.flatnonzero(fits)]
    if not len(found):
        raise PlaceError(
            f"no place along the line has roads of both sides within {limit:g} km: allowed is data with roads, "
            "or points of your own"
        )
    return replace(found, table=_named(network, found.table))


def _crossings(network: Network) -> pd.DataFrame:
    """Return the roads over the line that have no checkpoint."""
    own = network.crossings[(network.crossings["mode"] == "road") & (network.crossings["checkpoints"].map(len) == 0)]
    return pd.DataFrame(
        {"lon": own.geometry.x, "lat": own.geometry.y, "kind": "crossing", "crossing_id": own["crossing_id"]}
    )


def _facing(network: Network) -> pd.DataFrame:
    """Return the middles between ends of roads that face each other over the line, each end with the nearest one."""
    tables = network.base.tables
    ends = np.flatnonzero(dead_ends(tables, "road"))
    xy = tables.nodes[["px", "py"]].to_numpy(float)[ends]
    near = np.asarray(shapely.dwithin(shapely.points(xy), network.base.border.line, FACING_KM * 1000), bool)
    side = tables.nodes["side"].to_numpy(dtype=object)[ends]
    one, two = (xy[near & (side == s)] for s in SIDES)
    if not len(one) or not len(two):
        return pd.DataFrame(columns=["lon", "lat", "kind"])
    away, which = cKDTree(two).query(one, distance_upper_bound=FACING_KM * 1000)
    hit = np.isfinite(away)
    middle = shapely.linestrings(np.stack([one[hit], two[which[hit]]], axis=1))
    at = shapely.get_point(shapely.shortest_line(network.base.border.line, middle), 0)
    return _lonlat(network, np.asarray(at, dtype=object), "ends")


def _sampled(network: Network, every_km: float) -> pd.DataFrame:
    """Return places along the line at a distance."""
    parts = shapely.get_parts(shapely.line_merge(network.base.border.line))
    spots = [
        shapely.line_interpolate_point(p, np.arange(every_km * 500, max(p.length, every_km * 501), every_km * 1000))
        for p in parts
    ]
    return _lonlat(network, np.concatenate(spots), "sample")


def _lonlat(network: Network, points: NDArray[np.object_], kind: str) -> pd.DataFrame:
    """Return projected points as rows."""
    xy = shapely.get_coordinates(project(points, network.crs, WGS84))
    return pd.DataFrame({"lon": xy[:, 0], "lat": xy[:, 1], "kind": kind})


def _apart(network: Network, table: pd.DataFrame) -> pd.DataFrame:
    """Return the candidates without those that stand by another, or by a checkpoint's crossing."""
    xy = shapely.get_coordinates(project(shapely.points(table[["lon", "lat"]].to_numpy(float)), WGS84, network.crs))
    held = network.crossings[(network.crossings["mode"] == "road") & (network.crossings["checkpoints"].map(len) > 0)]
    posts = shapely.get_coordinates(project(held.geometry.to_numpy(), WGS84, network.crs))
    order = table["kind"].map({k: n for n, k in enumerate(("point", "crossing", "ends", "sample"))}).to_numpy(int)
    keep = np.zeros(len(table), bool)
    for k in np.lexsort((np.arange(len(table)), order)):  # hundreds: each looks at those that are kept
        others = np.vstack([xy[keep], posts])
        near = len(others) and np.linalg.norm(others - xy[k], axis=1).min() < SAME_KM * 1000
        keep[k] = table["kind"].iloc[k] == "point" or not near
    return table[keep].reset_index(drop=True)


def _ashore(network: Network, table: pd.DataFrame) -> pd.DataFrame:
    """Return the candidates on land; a user's point in the water is refused as a scenario refuses it."""
    lonlat = table[["lon", "lat"]].to_numpy(float)
    wet = offshore_m(network, lonlat) > 0
    for lon, lat in lonlat[wet & (table["kind"] == "point").to_numpy()]:  # the first is refused
        refuse_spot(network, lon, lat)
    return table[~wet].reset_index(drop=True)


def _near_roads(network: Network, table: pd.DataFrame, limit_km: float) -> NDArray[np.bool_]:
    """Return which places have roads of both sides within a straight distance: a first look, before any is joined."""
    # The connectors of settlements too: a post joins them as it joins roads.
    tables = network.tables
    side = tables.nodes["side"].to_numpy(dtype=object)[tables.links["u"].to_numpy()]
    points = np.asarray(
        project(shapely.points(table[["lon", "lat"]].to_numpy(float)), WGS84, network.crs), dtype=object
    )
    out = np.ones(len(table), bool)
    for s in SIDES:
        rows = np.flatnonzero(
            (side == s) & (tables.links["mode"] == "road").to_numpy() & tables.links["geometry"].notna().to_numpy()
        )
        hit = np.zeros(len(table), bool)
        if len(rows):
            tree = shapely.STRtree(tables.projected(rows))
            hit[np.unique(tree.query(points, predicate="dwithin", distance=1010 * limit_km)[0])] = True
        out &= hit
    return out


def _approaches(
    network: Network, router: Router, table: pd.DataFrame, rows: tuple[NDArray[np.int64], NDArray[np.int64]]
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64], NDArray[np.object_], dict[str, Points]]:
    """Return what leads to the candidates, as `Candidates` has it.

    Minutes of either side's settlements, straight km from its roads and the lines that they are of, both of shape
    (candidates, 2), and the candidates as points.
    """
    node = network.settlements["node"].to_numpy(np.int64)
    lonlat = table[["lon", "lat"]].to_numpy(float)
    limits = network.limits
    # Further than this nothing is joined beside a road within reach.
    reach = max(
        limits.checkpoint_modelled_km * limits.reach_ratio, limits.checkpoint_modelled_km + limits.reach_more_km
    )
    at_home: dict[str, Points] = {}
    minutes, km = [], np.full((len(table), 2), np.nan)
    ways = np.full((len(table), 2), shapely.LineString(), dtype=object)
    spots = np.asarray(project(shapely.points(lonlat), WGS84, network.crs), dtype=object)
    on_line = table["crossing_id"].to_numpy(dtype=object)
    lines = network.links[(network.links["kind"] == LINE).to_numpy()]
    side_of = network.nodes["side"].to_numpy(dtype=object)
    # What hangs together over the line counts as the network that a post may join, though no way at home leads over it.
    whole = compile_router(network, "road")
    for k, side in enumerate(SIDES):
        own = np.full(len(table), side, dtype=object)
        joined = whole.attach(lonlat, own, limit_km=min(reach, limits.checkpoint_km))
        points = _at_home(joined, whole, router)
        posts = [_posts(lines, side_of, str(c), side) if c else np.empty(0, np.int64) for c in on_line]
        at_home[side] = _at_posts(points, [router.positions(p) for p in posts])
        out = np.full((len(rows[k]), len(table)), np.inf)
        for start in range(0, len(rows[k]), CHUNK):
            roots = node[rows[k][start : start + CHUNK]]
            there, back = router.trees(roots, FIELDS["open"]), router.trees(roots, FIELDS["open"], reverse=True)
            mean = (at_points(points.backwards(), there) + at_points(points, back)).T / 2
            for c, own in enumerate(posts):  # crossings of the data: their own ends at the line, without any new road
                if len(own):
                    at = router.positions(own)
                    mean[:, c] = ((there + back) / 2)[:, at[at >= 0]].min(axis=1, initial=np.inf)
            out[start : start + CHUNK] = mean
        minutes.append(out)
        built = np.array([not len(p) for p in posts], bool)
        km[:, k] = np.where(built, points.connector_km, 0.0)
        link = joined.link[joined.starts]
        rows_of = np.flatnonzero(built & (link >= 0))
        roads = network.tables.projected(link[rows_of])
        ways[rows_of, k] = shapely.shortest_line(spots[rows_of], roads)
    return minutes[0], minutes[1], km, ways, at_home


def _at_posts(points: Points, posts: Sequence[NDArray[np.int64]]) -> Points:
    """Return points of which some stand at nodes, by their positions: crossings of the data, that need no road."""
    there = [p[p >= 0] for p in posts]
    count = np.array([len(p) for p in there], np.int64)
    stay = count[points.point] == 0
    nodes = np.concatenate(there) if len(there) else np.empty(0, np.int64)
    point = np.concatenate([points.point[stay], np.repeat(np.arange(len(points)), count)])
    order = np.argsort(point, kind="stable")
    zero = np.zeros(len(nodes))
    ends = {c: np.concatenate([getattr(points, c)[stay], nodes])[order] for c in ("u", "v")}
    costs = {
        c: np.concatenate([getattr(points, c)[stay], zero])[order]
        for c in ("to_u", "to_v", "from_u", "from_v", "straight_km")
    }
    link = np.concatenate([points.link[stay], np.full(len(nodes), -1)])[order]
    return Points(side=points.side, point=point[order], link=link, **ends, **costs)


def _at_home(points: Points, whole: Router, home: Router) -> Points:
    """Return points of a whole network as points of its part at home."""
    ends = {
        c: np.where(getattr(points, c) >= 0, home.positions(whole.nodes[np.maximum(getattr(points, c), 0)]), -1)
        for c in ("u", "v")
    }
    return replace(points, **ends)


def _posts(lines: pd.DataFrame, side: NDArray[np.object_], crossing: str, own: str) -> NDArray[np.int64]:
    """Return the ends at the line of one crossing's roads, on one side."""
    ends = lines.loc[lines["crossing_id"] == crossing, ["u", "v"]].to_numpy(np.int64).ravel()
    return np.asarray(ends[side[ends] == own], np.int64)


def _named(network: Network, table: pd.DataFrame) -> pd.DataFrame:
    """Return the candidates numbered from west to east, with the nearest settlement of either side."""
    order = np.lexsort((table["lat"], table["lon"]))
    names = []
    for side in SIDES:
        spots = gpd.GeoDataFrame(table[["lon", "lat"]].assign(side=side))
        names.append(nearest_settlement(spots, network.settlements))
    place = [" / ".join(p for p in pair if p) for pair in zip(*names, strict=True)]
    out = table.assign(place=place)
    number = np.empty(len(table), int)
    number[order] = np.arange(1, len(table) + 1)
    out.insert(0, "candidate", [f"s{n:03d}" for n in number])
    return out
