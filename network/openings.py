"""Where a new checkpoint joins a built network, found without building it again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import shapely

from layers.checkpoints import open_to
from layers.crs import WGS84, geodesic_m, project
from layers.errors import NetworkError, PlaceError
from layers.sides import SIDES, Side
from network.border import main_components, match_checkpoints, on_shut_roads
from network.build import FIELDS, Network, before_posts
from network.connectors import CONNECTOR_KPH, connect_checkpoints
from network.costs import whole
from network.joining import DETOUR, join
from network.points import Points, at_points
from network.topology import SNAP_M, Tables, along

if TYPE_CHECKING:
    import geopandas as gpd
    from numpy.typing import NDArray

    from network.routing import Router


@dataclass(frozen=True)
class Joinable:
    """What new checkpoints on connectors join.

    The network before its posts on connectors, and which links its pieces became.

    Attributes
    ----------
    tables, usable
        Before the posts; links that a road checkpoint may join.
    whole, begin_m
        Per link of the network: the link of `tables` that it is a piece of (−1 for none), and the metres before it on
        that.
    boxes
        Bounds of the links of `tables` in the projection.
    """

    network: Network
    tables: Tables
    usable: NDArray[np.bool_]
    whole: NDArray[np.int64]
    begin_m: NDArray[np.float64]
    boxes: NDArray[np.float64]


def joinable_of(network: Network) -> Joinable:
    """Return the ground of a network that was built from layers: its build once more up to the posts on connectors.

    Raises
    ------
    NetworkError
        The network has been added to since it was built.
    """
    base, table = network.base, network.checkpoints
    before = before_posts(
        base, table, network.settlements, network.limits, road_km=network.road_km, rail_km=network.rail_km
    )
    tables = before.tables
    marked = Tables(tables.nodes, tables.links.assign(whole=np.arange(len(tables.links))), tables.crs)
    final, _ = connect_checkpoints(marked, table[before.alone], base.border, network.limits)
    ends = ["u", "v"]
    if (
        len(final.links) != len(network.links)
        or not (final.links[ends].to_numpy() == network.links[ends].to_numpy()).all()
    ):
        raise NetworkError("a network that was added to since it was built: allowed is one from its layers")
    whole = final.links["whole"].fillna(-1).to_numpy(np.int64)
    length = final.links["length_m"].to_numpy(float)
    # Pieces of a link stand in its order.
    order = np.argsort(whole, kind="stable")
    total = np.cumsum(length[order])
    first = np.searchsorted(whole[order], whole[order])
    begin = np.empty(len(order))
    begin[order] = total - length[order] - (total - length[order])[first]
    begin = np.where(whole >= 0, begin, 0.0)
    boxes = np.asarray(shapely.bounds(tables.projected()), float)
    return Joinable(network, tables, main_components(tables, "road"), whole, begin, boxes)


@dataclass(frozen=True)
class Opening:
    """A new checkpoint, open, and where it joins the network.

    Attributes
    ----------
    wait_min
        The same in both directions.
    crossings
        Of the data, that it stands at; empty for one on connectors.
    access
        By side, the point that its connectors begin at.
    px, py
        Place in the network's projection.
    connector_km
        By side, the straight distance to the nearest road; empty for one at a crossing.
    """

    checkpoint_id: str
    mode: str
    name: str
    wait_min: float
    crossings: tuple[str, ...]
    match_km: float
    access: dict[Side, Points]
    px: float
    py: float
    connector_km: dict[Side, float]

    def trees(self, home: Router, side: Side) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return minutes at home to the checkpoint from all positions of a router, and from it to them."""
        p = self.access[side]
        ends = home.nodes[np.concatenate([p.u, p.v])]
        walk = _along(p)[1]
        # A connector and the piece of the link that it joins are two links of a network that is built with them.
        back, out = (whole(walk) + whole(np.stack(pair) - walk) for pair in ((p.from_u, p.from_v), (p.to_u, p.to_v)))
        into = home.trees(ends, FIELDS["open"], reverse=True) + back.ravel()[:, None]
        away = home.trees(ends, FIELDS["open"]) + out.ravel()[:, None]
        return into.min(axis=0), away.min(axis=0)

    def beside(self, points: Points, side: Side) -> NDArray[np.float64]:
        """Return minutes from points to the checkpoint along a link that both join, else infinity."""
        out = np.full(len(points), np.inf)
        point, _, minutes = along_shared(points, self.access[side])
        np.minimum.at(out, point, minutes)
        return out

    def way_to(self, other: Opening, home: Router, side: Side) -> float:
        """Return minutes at home from this new checkpoint to another one."""
        _, away = self.trees(home, side)
        along_network = at_points(other.access[side].backwards(), away[None])[0, 0]
        return float(min(along_network, other.beside(self.access[side], side)[0]))


def along_shared(points: Points, posts: Points) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]:
    """Return the ways from points to posts along a link that both join: numbers of either, and minutes.

    No tree knows them, for trees lead over the ends of links. Infinity against a one-way road.
    """
    order = np.argsort(posts.link, kind="stable")
    first, last = (np.searchsorted(posts.link[order], points.link, s) for s in ("left", "right"))
    count = np.where(points.link >= 0, last - first, 0)
    p = np.repeat(np.arange(len(points.link)), count)
    k = order[np.repeat(first, count) + np.arange(len(p)) - np.repeat(np.cumsum(count) - count, count)]
    (at, walk), (post_at, post_walk) = _along(points), _along(posts)
    step = post_at[k] - at[p]
    # Against a one-way road nobody comes.
    step = np.where((step < 0) & ~np.isfinite(points.to_u[p]), np.inf, np.abs(step))
    return points.point[p], posts.point[k], walk[p] + step + post_walk[k]


def _along(points: Points) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return for each access the minutes from the link's first node to it, and those of its connector."""
    walk = points.straight_km * DETOUR / CONNECTOR_KPH * 60
    return points.from_u - walk, walk


def find_opening(joinable: Joinable, row: gpd.GeoDataFrame, home: Router) -> Opening:
    """Return where a new checkpoint joins: as `network.edits.add_checkpoints` would join it.

    Parameters
    ----------
    row
        One row from `network.edits.new_checkpoint`.
    home
        Router over the links that do not cross: the positions of what it joins are in it.

    Raises
    ------
    PlaceError
        It finds neither a crossing nor links on both sides, or none that are near enough to be modelled.
    """
    network = joinable.network
    row = open_to(row, network.base.vehicle)
    found = opening_at_crossing(network, row)
    if found:
        return found
    access, km_of = _access(joinable, row, home)
    return Opening(**_known(network, row), crossings=(), match_km=np.nan, access=access, connector_km=km_of)


def opening_at_crossing(network: Network, row: gpd.GeoDataFrame) -> Opening | None:
    """Return where a new checkpoint stands at a crossing of the data, None where it is left to connectors.

    Parameters
    ----------
    row
        See `find_opening`.

    Raises
    ------
    PlaceError
        It finds no crossing and is none that connectors may join.
    """
    base = network.base
    row = open_to(row, base.vehicle)
    pairs = match_checkpoints(base.tables, row, road_km=network.road_km, rail_km=network.rail_km)
    barred = on_shut_roads(base.closed_lines, base.tables.crs, row, pairs, network.road_km)[0]
    if len(pairs) and not barred:
        km = float(pairs["match_km"].max())
        crossings = tuple(pairs["crossing_id"])
        return Opening(**_known(network, row), crossings=crossings, match_km=km, access={}, connector_km={})
    if row["mode"].iloc[0] == "rail" or barred:
        raise PlaceError(
            f"{row['name'].iloc[0]} finds no {row['mode'].iloc[0]} network to join: allowed is a place by a "
            "crossing of the network, or, by road, "
            "within the connectors' reach of both sides"
        )
    return None


def roads_near(network: Network, lonlat: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Return of places, shape (n, 2), whether a checkpoint there might be modelled; False is sure.

    It may where roads of both sides are near.

    It looks at the network as it is, which has all roads that `joinable_of` puts together again, and more: that costs a
    rebuild.
    """
    links = network.links[(network.links["mode"] == "road").to_numpy() & network.links["geometry"].notna().to_numpy()]
    lines = np.asarray(project(links["geometry"].to_numpy(dtype=object), WGS84, network.crs), dtype=object)
    spots = np.asarray(project(shapely.points(lonlat), WGS84, network.crs), dtype=object)
    # Lengths in the projection are off by less than a twentieth.
    reach_m = 1050 * network.limits.checkpoint_modelled_km
    place, link = shapely.STRtree(lines).query(spots, predicate="dwithin", distance=reach_m)
    side = network.nodes["side"].to_numpy(dtype=object)
    ends = links[["u", "v"]].to_numpy(np.int64)[link]
    out = np.ones(len(spots), bool)
    for s in SIDES:
        out &= np.bincount(place, (side[ends] == s).any(axis=1), minlength=len(spots)) > 0
    return out


def _known(network: Network, row: gpd.GeoDataFrame) -> dict[str, Any]:
    """Return what an opening has of its row."""
    spot = project(row.geometry.iloc[0], WGS84, network.crs)
    return {
        "checkpoint_id": str(row["checkpoint_id"].iloc[0]),
        "mode": str(row["mode"].iloc[0]),
        "name": str(row["name"].iloc[0]),
        "wait_min": float(row["wait_min"].iloc[0]),
        "px": float(spot.x),
        "py": float(spot.y),
    }


def _access(joinable: Joinable, row: gpd.GeoDataFrame, home: Router) -> tuple[dict[Side, Points], dict[Side, float]]:
    """Return by side the point at which a new checkpoint's connectors begin, and its km from the nearest road."""
    network = joinable.network
    lonlat = shapely.get_coordinates(row.geometry.to_numpy())
    access, km_of, limit = {}, {}, network.limits.checkpoint_km
    by = _links_near(joinable, lonlat)
    for side in SIDES:
        sides = np.array([side], dtype=object)
        near = join(joinable.tables, lonlat, sides, by, network.base.border, limit, network.limits)
        if near.empty or near["straight_m"].iloc[0] > 1000 * network.limits.checkpoint_modelled_km:
            # For the message alone: how far the roads are.
            near = join(joinable.tables, lonlat, sides, joinable.usable, network.base.border, limit, network.limits)
        if near.empty:
            raise PlaceError(
                f"{row['name'].iloc[0]} finds no road to join on side {side}: allowed is a place within "
                f"{limit:g} km of the roads of both sides"
            )
        km_of[side] = float(near["straight_m"].iloc[0]) / 1000
        access[side] = _points(
            joinable, lonlat[0], near["link"].to_numpy(np.int64), near["fraction"].to_numpy(float), sides, home
        )
    most = network.limits.checkpoint_modelled_km
    if max(km_of.values()) > most:
        raise PlaceError(
            f"{row['name'].iloc[0]} stands {max(km_of.values()):,.0f} km from the roads of the data, where a "
            "checkpoint is not modelled: allowed is "
            f"{most:g} km (checkpoint_modelled_km in [connectors])"
        )
    return access, km_of


def _links_near(joinable: Joinable, lonlat: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Return the usable links that a checkpoint which is near enough to be modelled may join, and some more."""
    limits = joinable.network.limits
    most = limits.checkpoint_modelled_km
    reach_m = 1000 * (1.05 * max(limits.reach_ratio * most, most + limits.reach_more_km) + 5.0)
    spot = project(shapely.Point(*lonlat[0]), WGS84, joinable.network.crs)
    west, south, east, north = joinable.boxes.T
    # A link without a line has no box: it is not near, and nothing can be joined to it.
    inside = (
        (west <= spot.x + reach_m)
        & (east >= spot.x - reach_m)
        & (south <= spot.y + reach_m)
        & (north >= spot.y - reach_m)
    )
    return np.asarray(joinable.usable & inside, bool)


def _points(
    joinable: Joinable,
    lonlat: NDArray[np.float64],
    link: NDArray[np.int64],
    fraction: NDArray[np.float64],
    side: NDArray[np.object_],
    home: Router,
) -> Points:
    """Return a point with an access for each link of the ground that it joins, on the piece this has become."""
    links = joinable.network.links
    length = links["length_m"].to_numpy(float)
    at = fraction * joinable.tables.links["length_m"].to_numpy(float)[link]
    piece = np.array([_piece(joinable, length, k, m) for k, m in zip(link, at, strict=True)], np.int64)
    metres = np.clip(at - joinable.begin_m[piece], 0.0, length[piece])
    # As where links are split: at an end of its link the checkpoint joins that end.
    metres = np.where(metres <= SNAP_M, 0.0, np.where(metres >= length[piece] - SNAP_M, length[piece], metres))
    share = np.divide(metres, length[piece], out=np.zeros(len(piece)), where=length[piece] > 0)
    u, v = (links[c].to_numpy(np.int64)[piece] for c in ("u", "v"))
    straight = _straight_m(joinable, lonlat, link, fraction, piece, share)
    walk = straight / 1000 * DETOUR / CONNECTOR_KPH * 60
    time = links["time_min"].to_numpy(float)[piece]
    oneway = links["oneway"].to_numpy(bool)[piece]
    # Who stands at an end of a one-way road stands at a junction.
    against_u = np.where(oneway & (share > 0), np.inf, 0.0)
    against_v = np.where(oneway & (share < 1), np.inf, 0.0)
    return Points(
        side=side,
        point=np.zeros(len(piece), np.int64),
        u=home.positions(u),
        v=home.positions(v),
        to_u=walk + share * time + against_u,
        to_v=walk + (1 - share) * time,
        from_u=walk + share * time,
        from_v=walk + (1 - share) * time + against_v,
        link=piece,
        straight_km=straight / 1000,
    )


def _piece(joinable: Joinable, length: NDArray[np.float64], link: int, metres: float) -> int:
    """Return the link of the network that holds a place of a link of the ground."""
    pieces = np.flatnonzero(joinable.whole == link)
    ends = joinable.begin_m[pieces] + length[pieces]
    return int(pieces[min(int(np.searchsorted(ends, metres)), len(pieces) - 1)])


def _straight_m(
    joinable: Joinable,
    lonlat: NDArray[np.float64],
    link: NDArray[np.int64],
    fraction: NDArray[np.float64],
    piece: NDArray[np.int64],
    share: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Return metres from a place to where it joins: the ends of links where these are near."""
    spots = along(joinable.tables.links["geometry"].to_numpy(dtype=object)[link], fraction)
    nodes = joinable.network.nodes[["x", "y"]].to_numpy(float)
    links = joinable.network.links
    for end, column in ((0.0, "u"), (1.0, "v")):
        snapped = share == end
        spots[snapped] = nodes[links[column].to_numpy(np.int64)[piece[snapped]]]
    return np.asarray(geodesic_m(*np.broadcast_to(lonlat, spots.shape).T, *spots.T), float)
