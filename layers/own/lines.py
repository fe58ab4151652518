"""A network that was drawn, not noded: where lines touch without meeting, and the mending of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from layers.crs import WGS84, line_lengths_m, project
from layers.schema import validate
from layers.spots import different_spots

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from pyproj import CRS

NEAR_M = 10.0
"""A dead end this near to another line was probably meant to meet it."""
MOST_M = 1000.0
"""The largest tolerance of mending: beyond it roads of one place would fall together."""
TOUCH_M = 0.5
INSIDE, NEAR, TWICE, SHARED = (
    "an end on the inside of another line",
    f"a dead end within {NEAR_M:g} m of another line",
    "a street drawn twice",
    "a vertex that lines share inside",
)
SHORT, LONG = 0.5, 2.0
"""Stated lengths below or above these shares of the drawn ones, in the median, are in another unit."""


@dataclass(frozen=True)
class _Ends:
    """Nodes of lines, by their ends: where they are, how many links each has, and the nodes of each line."""

    xy: NDArray[np.float64]
    points: NDArray[np.object_]
    degree: NDArray[np.int64]
    u: NDArray[np.int64]
    v: NDArray[np.int64]


def check_lines(frame: gpd.GeoDataFrame, crs: CRS) -> pd.DataFrame:
    """Return the places where lines touch, nearly touch or repeat each other without meeting in a node.

    Parameters
    ----------
    frame
        Validated layer of lines: nodes by ``u`` and ``v``.
    crs
        Projection in which metres are measured.

    Returns
    -------
    ``what``, ``lon``, ``lat``, ``distance_m``, the worst first. Lines that cross without a common vertex are not among
    them: they may be bridges.
    """
    ends = _ends_of(frame, crs, by_number=True)
    lines = project(frame.geometry.to_numpy(), WGS84, crs)
    node, line, away = _beside(ends, lines, NEAR_M)
    inside = (away <= TOUCH_M) & (_to_ends_m(ends.points[node], lines[line]) > TOUCH_M)
    dead = (ends.degree[node] == 1) & ~inside
    parts = []
    for what, rows in ((INSIDE, inside), (NEAR, dead)):
        found = pd.DataFrame({"node": node[rows], "distance_m": away[rows]}).sort_values("distance_m")
        found = found.drop_duplicates("node")
        at = ends.xy[found["node"].to_numpy()]
        parts.append(pd.DataFrame({"what": what, "lon": at[:, 0], "lat": at[:, 1], "distance_m": found["distance_m"]}))
    again = pd.Series(drawn_alike(frame.geometry.to_numpy())[0]).duplicated().to_numpy()
    middle = shapely.get_coordinates(
        shapely.line_interpolate_point(frame.geometry.to_numpy()[again], 0.5, normalized=True)
    )
    parts.append(pd.DataFrame({"what": TWICE, "lon": middle[:, 0], "lat": middle[:, 1], "distance_m": 0.0}))
    spots = _inner_vertices(frame.geometry.to_numpy()[~again])
    parts.append(pd.DataFrame({"what": SHARED, "lon": spots[:, 0], "lat": spots[:, 1], "distance_m": 0.0}))
    return pd.concat([p for p in parts if len(p)] or parts, ignore_index=True)


def lines_in_words(found: pd.DataFrame, layer: str, *, mended: bool = False) -> list[str]:
    """Return a sentence on what `check_lines` found, with the first places of each kind."""
    if found.empty:
        return []
    notes = []
    for what, rows in found.groupby("what", sort=False):
        places = ", ".join(f"{r.lon:.4f},{r.lat:.4f}" for r in rows.head(3).itertuples())  # three
        notes.append(f"{len(rows):,} × {what} (such as {places})")
    after = "mended" if mended else f"they do not meet there; [layers.{layer}] mend = true joins them"
    return [f"{layer} drawn, not noded: {'; '.join(notes)}: {after}"]


def lengths_in_words(frame: gpd.GeoDataFrame, layer: str) -> list[str]:
    """Return a sentence on stated lengths that are in another unit than metres."""
    drawn = line_lengths_m(frame.geometry.to_numpy())
    ratio = float(np.median((frame["length_m"] / drawn)[drawn > 0])) if (drawn > 0).any() else 1.0
    if SHORT <= ratio <= LONG:
        return []
    does = "the lines as drawn count" if ratio < SHORT else "taken as they are stated"
    return [
        f"{layer}: length_m is {ratio:.3g} times the lines as drawn, in the median: it looks like another unit "
        f"than metres; {does}"
    ]


def mend_lines(
    frame: gpd.GeoDataFrame, layer: str, crs: CRS, *, tolerance_m: float = NEAR_M
) -> tuple[gpd.GeoDataFrame, list[str]]:
    """Return a network whose lines meet where they touch, and what was done.

    A street stands once, two one-way drawings of it in opposite directions as one two-way street; dead ends within the
    tolerance of another end move onto it; lines have a node where another line ends on them or within the tolerance of
    them, and at vertices that lines share. Lengths are shared out by the drawing.

    Parameters
    ----------
    frame
        Validated layer of lines.
    crs
        Projection in which metres are measured.
    tolerance_m
        How far an end may be from where it is meant to be.
    """
    done = [f"{layer} mended: {len(frame):,} lines"]
    frame = _once(frame, done)
    frame = _with_ends_met(frame, crs, tolerance_m, done)
    frame = _with_vertices_at_ends(frame, crs, tolerance_m, done)
    frame = _split_at_shared(frame)
    done.append(f"{len(frame):,} links after")
    return validate(frame.drop(columns=["u", "v"]), layer, "mended"), ["; ".join(done)]


def drawn_alike(lines: NDArray[np.object_]) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Return a number equal for lines drawn in the same place, and the direction in which each is drawn."""
    there = shapely.transform(lines, lambda xy: xy.round(7))
    ahead, back = (np.asarray(shapely.to_wkb(shape), dtype=object) for shape in (there, shapely.reverse(there)))
    forward = np.asarray(ahead <= back, bool)
    same, _ = pd.factorize(pd.Series(np.where(forward, ahead, back)))
    return np.asarray(same, np.int64), forward


def _ends_of(frame: gpd.GeoDataFrame, crs: CRS, *, by_number: bool = False) -> _Ends:
    """Return the nodes of lines: by ``u`` and ``v``, or where lines end."""
    lines = frame.geometry.to_numpy()
    xy = np.concatenate([shapely.get_coordinates(shapely.get_point(lines, i)) for i in (0, -1)])
    if by_number:
        _, first, code = np.unique(frame[["u", "v"]].to_numpy().T.ravel(), return_index=True, return_inverse=True)
    else:
        first, code = different_spots(xy)
    u, v = np.split(code.ravel(), 2)
    points = np.asarray(project(shapely.points(xy[first]), WGS84, crs), dtype=object)
    return _Ends(xy[first], points, np.bincount(code.ravel()), u, v)


def _beside(
    ends: _Ends, lines: NDArray[np.object_], tolerance_m: float
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]:
    """Return pairs of a node and a line that does not end in it but lies within the tolerance, with the distance."""
    node, line = shapely.STRtree(lines).query(ends.points, predicate="dwithin", distance=tolerance_m)
    other = (ends.u[line] != node) & (ends.v[line] != node)
    node, line = node[other], line[other]
    return node, line, np.asarray(shapely.distance(ends.points[node], lines[line]), float)


def _to_ends_m(points: NDArray[np.object_], lines: NDArray[np.object_]) -> NDArray[np.float64]:
    """Return the distance of each point from the nearer end of its line."""
    away = [shapely.distance(points, shapely.get_point(lines, i)) for i in (0, -1)]
    return np.asarray(np.minimum(*away), float)


def _vertices(
    lines: NDArray[np.object_],
) -> tuple[NDArray[np.float64], NDArray[np.int64], NDArray[np.bool_], NDArray[np.bool_]]:
    """Return the vertices of lines, their lines, which are no ends, and which stand in another line.

    Or twice in their own.
    """
    xy, owner = shapely.get_coordinates(lines, return_index=True)
    edge = np.r_[True, owner[1:] != owner[:-1]] | np.r_[owner[1:] != owner[:-1], True]
    _, spot = different_spots(xy)
    several = np.bincount(spot)[spot] > 1
    # A vertex that a line repeats at once is no place where it meets itself.
    repeated = np.r_[False, (spot[1:] == spot[:-1]) & (owner[1:] == owner[:-1])]
    return xy, owner, ~edge, several & ~edge & ~repeated


def _inner_vertices(lines: NDArray[np.object_]) -> NDArray[np.float64]:
    """Return the places of vertices that two lines or more share, and that lie inside each of them."""
    xy, _, inner, shared = _vertices(lines)
    _, spot = different_spots(xy)
    ended = np.zeros(spot.max() + 1 if len(xy) else 0, bool)
    ended[spot[~inner]] = True
    hit = shared & ~ended[spot]
    return np.unique(xy[hit].round(7), axis=0)


def _once(frame: gpd.GeoDataFrame, done: list[str]) -> gpd.GeoDataFrame:
    """Return each street once: two one-way drawings in opposite directions are one two-way street."""
    same, forward = drawn_alike(frame.geometry.to_numpy())
    twice = pd.Series(same).duplicated().to_numpy()
    if not twice.any():
        return frame
    oneway = frame["oneway"].to_numpy(bool)
    ways = pd.DataFrame({"same": same, "ahead": forward | ~oneway, "back": ~forward | ~oneway})
    both = ways.groupby("same")[["ahead", "back"]].transform("any").all(axis=1).to_numpy()
    done.append(f"{twice.sum():,} drawings of streets that stood there already are gone")
    return frame.assign(oneway=oneway & ~both)[~twice].reset_index(drop=True)


def _with_ends_met(frame: gpd.GeoDataFrame, crs: CRS, tolerance_m: float, done: list[str]) -> gpd.GeoDataFrame:
    """Return lines whose dead ends stand on the nearest end within the tolerance."""
    from scipy.spatial import cKDTree

    ends = _ends_of(frame, crs)
    pairs = cKDTree(shapely.get_coordinates(ends.points)).query_pairs(tolerance_m, output_type="ndarray")
    pairs = pairs[(ends.degree[pairs] == 1).any(axis=1)]
    if not len(pairs):
        return frame
    n = len(ends.xy)
    _, group = connected_components(
        coo_array((np.ones(len(pairs), np.int8), (*pairs.T,)), shape=(n, n)), directed=False
    )
    order = np.lexsort((np.arange(n), -ends.degree))
    first = pd.Series(order).groupby(group[order]).first()  # the node of most links stands for its group
    target = first.reindex(group).to_numpy()
    xy, owner = shapely.get_coordinates(frame.geometry.to_numpy(), return_index=True)
    begin = np.flatnonzero(np.r_[True, owner[1:] != owner[:-1]])
    stop = np.r_[begin[1:], len(xy)] - 1
    xy[begin], xy[stop] = ends.xy[target[ends.u]], ends.xy[target[ends.v]]
    out = frame.set_geometry(gpd.GeoSeries(shapely.linestrings(xy, indices=owner), index=frame.index, crs=frame.crs))
    gone = shapely.length(out.geometry.to_numpy()) == 0
    done.append(f"{(target != np.arange(n)).sum():,} ends moved by up to {tolerance_m:g} m onto another")
    return out[~gone].reset_index(drop=True)


def _with_vertices_at_ends(frame: gpd.GeoDataFrame, crs: CRS, tolerance_m: float, done: list[str]) -> gpd.GeoDataFrame:
    """Return lines with a vertex where another line ends on them, or a dead end lies within the tolerance."""
    ends = _ends_of(frame, crs)
    shapes = frame.geometry.to_numpy().copy()
    lines = np.asarray(project(shapes, WGS84, crs), dtype=object)
    node, line, away = _beside(ends, lines, tolerance_m)
    kept = (away <= TOUCH_M) | (ends.degree[node] == 1)
    table = pd.DataFrame({"node": node[kept], "line": line[kept], "away": away[kept]})
    table = table.sort_values(["away", "line"]).drop_duplicates("node")
    if table.empty:
        return frame
    at = shapely.line_locate_point(lines[table["line"].to_numpy()], ends.points[table["node"].to_numpy()])
    table = table.assign(at=at).sort_values(["line", "at"])
    for row, part in table.groupby(
        "line", sort=True
    ):  # lines on which others end: shapely can't insert into many at once
        row = part["line"].iloc[0]
        xy, drawn = shapely.get_coordinates(shapes[row]), shapely.get_coordinates(lines[row])
        reach = np.r_[0.0, np.cumsum(np.hypot(*np.diff(drawn, axis=0).T))]
        where = np.clip(np.searchsorted(reach, part["at"].to_numpy(), side="right"), 1, len(xy) - 1)
        spot = ends.xy[part["node"].to_numpy()]
        # A vertex that stands there already is the node itself.
        near = np.abs(reach[None, :] - part["at"].to_numpy()[:, None]).argmin(axis=1)
        there = np.abs(reach[near] - part["at"].to_numpy()) <= TOUCH_M
        there &= (near > 0) & (near < len(xy) - 1)
        xy[near[there]] = spot[there]
        shapes[row] = shapely.linestrings(np.insert(xy, where[~there], spot[~there], axis=0))
    done.append(f"{len(table):,} ends joined to lines that they touch")
    return frame.set_geometry(gpd.GeoSeries(shapes, index=frame.index, crs=frame.crs))


def _split_at_shared(frame: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Return lines cut at the vertices that they share with others.

    Kilometres and minutes are shared out by the drawing.
    """
    lines = frame.geometry.to_numpy()
    xy, owner, _, cut = _vertices(lines)
    if not cut.any():
        return frame
    # A cut vertex stands twice: as the end of one piece and the beginning of the next.
    times = np.where(cut, 2, 1)
    piece = np.repeat(owner, times)
    begins = np.zeros(len(piece), bool)
    begins[np.cumsum(times)[cut] - 1] = True
    number = np.cumsum(begins | np.r_[False, piece[1:] != piece[:-1]])
    shapes = shapely.linestrings(np.repeat(xy, times, axis=0), indices=number)
    source = piece[np.r_[True, number[1:] != number[:-1]]]
    out = frame.iloc[source].reset_index(drop=True)
    drawn = line_lengths_m(shapes)
    share = drawn / np.maximum(pd.Series(drawn).groupby(source).transform("sum").to_numpy(), 1e-9)
    shares = {c: out[c].to_numpy(float) * share for c in ("length_m", "duration_min") if c in out}
    out = out.assign(**shares).set_geometry(gpd.GeoSeries(shapes, crs=frame.crs))
    return out[drawn > 0].reset_index(drop=True)
