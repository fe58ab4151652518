"""Ways round water: how long a way on land is where the straight one leads over a lake."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import shapely

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from network.abroad import Border

OFF_M = 30.0
"""So far from the shore a way round leads: more than lines of shores are known to be off would cost it its ends."""
ROUNDS = 4
"""A way round one lake may lead over another, and round that over a third: so often."""


def way_round(border: Border, line: shapely.Geometry, times: float) -> shapely.Geometry | None:
    """Return a way on land between the ends of a straight line, None where none was found.

    Parameters
    ----------
    line
        In the projection, from a place to what it may join; the place may stand in the water.
    times
        The way is at most this many times as long as the line.

    Notes
    -----
    A string pulled tight round all lakes that the line crosses, on one side of it or the other; where it leads over
    further lakes, its piece there is pulled round those. What is found is dry but for what a place in the water needs
    to leave it; a shorter way may exist.
    """
    xy = shapely.get_coordinates(line)[[0, -1]]
    key = b"way" + xy.tobytes() + np.float64(times).tobytes()
    if key not in border.answers:
        way = _way(border, xy[0], xy[-1], times * float(shapely.length(line)), ROUNDS)
        border.answers[key] = None if way is None else shapely.LineString(way)
    found: shapely.Geometry | None = border.answers[key]
    return found


def goes_round(border: Border, lines: NDArray[np.object_], times: float) -> NDArray[np.bool_]:
    """Return which lines are at most `times` as long with all lakes that they cross gone round, each by itself.

    Quick, for many lines: round a lake is the shorter part of its hull's outline, whatever lies beside it; where the
    border line is as near as the way is longer, there is none.
    """
    line, lake = border.lakes_under(lines)
    xy = shapely.get_coordinates(lines).reshape(-1, 2, 2)[line]
    left, straight = _cut(border.hulls, lake, xy)
    around = np.minimum(left, shapely.length(border.hulls[lake]) - left) - straight
    more = np.bincount(line, np.maximum(around, 0.0), minlength=len(lines)).astype(float)
    short = more <= (times - 1) * shapely.length(lines)
    # Quick, for the line is prepared; a distance for each is what shapely takes, and its types do not know of.
    short[short] = ~shapely.dwithin(border.line, lines[short], more[short])  # type: ignore[call-overload]
    return np.asarray(short, bool)


def _cut(
    hulls: NDArray[np.object_], hull: NDArray[np.int64], ends: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return how much of the outline of hulls lies left of straight lines, and how much of the lines within them.

    Parameters
    ----------
    hulls
        Convex polygons.
    hull
        Of each line the row of the one that it crosses.
    ends
        Of the lines, shape (n, 2, 2).
    """
    some, which = np.unique(hull, return_inverse=True)
    corners, own = shapely.get_coordinates(hulls[some], return_index=True)
    count, first = np.bincount(own, minlength=len(some)), np.searchsorted(own, np.arange(len(some)))
    pair = np.repeat(np.arange(len(hull)), count[which])
    at = np.arange(len(pair)) + np.repeat(first[which] - np.cumsum(count[which]) + count[which], count[which])
    length = np.maximum(np.hypot(*(ends[:, 1] - ends[:, 0]).T), 1e-9)
    along = (ends[:, 1] - ends[:, 0]) / length[:, None]
    x, y = (corners[at] - ends[pair, 0]).T
    forth, off = (along[pair].T * (x, y)).sum(axis=0), along[pair, 0] * y - along[pair, 1] * x
    edge = np.flatnonzero(np.diff(pair) == 0)  # from a corner to the next of the same ring
    a, b, pair = off[edge], off[edge + 1], pair[edge]
    crossed = (a >= 0) != (b >= 0)
    share = np.where(crossed, np.maximum(a, b) / np.maximum(np.abs(a) + np.abs(b), 1e-300), a >= 0)
    outline = np.bincount(pair, share * np.hypot(np.diff(x)[edge], np.diff(y)[edge]), minlength=len(hull))
    where = forth[edge] + (forth[edge + 1] - forth[edge]) * np.where(crossed, a / np.where(crossed, a - b, 1.0), 0.0)
    enter, leave = np.full(len(hull), np.inf), np.full(len(hull), -np.inf)
    np.minimum.at(enter, pair[crossed], where[crossed])
    np.maximum.at(leave, pair[crossed], where[crossed])
    within = np.maximum(np.minimum(leave, length) - np.maximum(enter, 0.0), 0.0)
    return np.asarray(outline, float), np.asarray(within, float)


def _way(
    border: Border, one: NDArray[np.float64], other: NDArray[np.float64], most_m: float, rounds: int
) -> NDArray[np.float64] | None:
    """Return the corners of a way between two places, ends included, None for longer ones than `most_m`."""
    straight = np.stack([one, other])
    if _length(straight) > most_m:
        return None
    if not _wet(border, straight)[0]:
        return straight
    if not rounds:
        return None
    line = shapely.LineString(straight)
    lakes, best = border.lakes_on(line), None
    for half in _halves(one, other, most_m):
        parts = shapely.buffer(shapely.intersection(lakes, half), OFF_M, quad_segs=2)
        path = _outline(shapely.GeometryCollection([line, *parts]).convex_hull, one, other)
        way = _along(border, path, most_m, rounds)
        if way is not None:
            best, most_m = way, _length(way)
    return best


def _along(border: Border, path: NDArray[np.float64], most_m: float, rounds: int) -> NDArray[np.float64] | None:
    """Return a path with its wet pieces led round, None where it gets longer than `most_m`."""
    spare = most_m - _length(path)
    if spare < 0:
        return None
    ways = []
    for a, b, wet in zip(path, path[1:], _wet(border, path), strict=False):  # a handful of corners
        if not wet:
            ways.append(a[None])
            continue
        straight = float(np.hypot(*(b - a)))
        way = _way(border, a, b, straight + spare, rounds - 1)
        if way is None:
            return None
        spare -= _length(way) - straight
        ways.append(way[:-1])
    return np.vstack([*ways, path[-1:]])


def _wet(border: Border, path: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Return which pieces between the corners of a path lead over water."""
    lines = np.asarray(shapely.linestrings(np.stack([path[:-1], path[1:]], axis=1)), dtype=object)
    return border.over_water(np.asarray(shapely.points(path[:-1]), dtype=object), lines)


def _length(path: NDArray[np.float64]) -> float:
    return float(np.hypot(*np.diff(path, axis=0).T).sum())


def _halves(one: NDArray[np.float64], other: NDArray[np.float64], most_m: float) -> NDArray[np.object_]:
    """Return what lies left and right of a line, as far as a way of `most_m` may lead."""
    along = (other - one) / max(float(np.hypot(*(other - one))), 1e-9)
    across = np.array([-along[1], along[0]])
    begin, end = one - along * most_m, other + along * most_m
    corners = [np.stack([begin, end, end + s * across * most_m, begin + s * across * most_m]) for s in (1.0, -1.0)]
    return np.asarray(shapely.polygons(np.stack(corners)), dtype=object)


def _outline(hull: shapely.Geometry, one: NDArray[np.float64], other: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the corners of a way from one place to another by the longer part of the outline between them.

    The other part is the straight line.
    """
    ring = shapely.get_exterior_ring(hull)
    at = np.asarray(shapely.line_locate_point(ring, shapely.points(np.stack([one, other]))), float)
    xy = shapely.get_coordinates(ring)
    where = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(xy, axis=0).T))])
    corners, where = xy[:-1], where[:-1]
    first, last = np.sort(at)
    inner = (where > first) & (where < last)
    between = corners[inner]
    outer = np.concatenate([corners[where >= last], corners[where <= first]])
    if last - first < shapely.length(ring) / 2:
        middle = outer[::-1] if at[1] > at[0] else outer
    else:
        middle = between if at[1] > at[0] else between[::-1]
    on = shapely.get_coordinates(shapely.line_interpolate_point(ring, at))
    path = np.vstack([one, on[:1], middle, on[1:], other])
    return np.asarray(path[np.append(True, np.hypot(*np.diff(path, axis=0).T) > 1e-6)], float)
