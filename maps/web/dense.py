"""A table of very many lines as the page holds it: each end of a line once, no column in which nearly all differ.

Roads of a country meet at their ends: two of three numbers of such a table would say again where a line begins.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import geopandas as gpd
import numpy as np
import shapely

from maps.web.lines import FINEST_M, MANY_LINES, MOST_POINTS, flat, parts_of, thinned

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

DENSE_LINES = 50_000
"""Rows above which a table of lines is held so."""
MOST_VALUES = 500_000
"""Values of columns in which nearly all differ (lengths, minutes, ids): further such columns are left out."""
DIGITS = 2
"""Significant digits of numbers in such a table."""
UNIT = 5
"""Steps are so many 1e-5 degrees: a pixel of the deepest zoom."""
MOST_STEPS, LEAST_BENDS, MOST_BENDS = 900_000, 50_000, 300_000
"""Lines and points between their ends together, and bounds of the latter: a page stays below 6 MB."""


@dataclass(frozen=True)
class Net:
    """Lines by the nodes at their ends.

    ``order`` of the rows; ``nodes`` steps from node to node along a curve, in `UNIT`; of each part ``first`` (step from
    that of the part before) and ``last`` (step from its own first), the nodes at its ends, ``bends`` points between
    them and its ``row``; ``steps`` from point to point between the ends; ``metres`` the tolerance.
    """

    order: NDArray[np.int64]
    nodes: NDArray[np.int64]
    first: NDArray[np.int64]
    last: NDArray[np.int64]
    bends: NDArray[np.int64]
    rows: NDArray[np.int64]
    steps: NDArray[np.int64]
    metres: float

    def held(self) -> dict[str, object]:
        """Return it as JSON values; parts without a row of their own are one to a row."""
        single = len(self.rows) == len(self.order)
        return {
            "n": len(self.order),
            "simplified_m": self.metres,
            "unit": UNIT,
            "nodes": self.nodes.ravel().tolist(),
            "first": self.first.tolist(),
            "last": self.last.tolist(),
            "bends": self.bends.tolist(),
            "rows": [] if single else self.rows.tolist(),
            "steps": self.steps.ravel().tolist(),
        }


def net_of(lines: NDArray[np.object_]) -> Net:
    """Return lines in degrees by the nodes at their ends, whose directions are not kept.

    Ends that are the same to half of `UNIT` are one node.
    """
    drawn, metres = thinned(flat(lines), most_points(lines))
    parts, rows = parts_of(drawn)
    points, count = _units(parts), shapely.get_num_coordinates(parts).astype(np.int64)
    end = np.cumsum(count)
    ends = np.stack([points[end - count], points[end - 1]], axis=1)
    spots, at = _places(ends.reshape(-1, 2))
    curve = np.argsort(gpd.GeoSeries.from_xy(spots[:, 0], spots[:, 1]).hilbert_distance().to_numpy(), kind="stable")
    place = np.empty(len(spots), np.int64)
    place[curve] = np.arange(len(spots))
    nodes = place[at].reshape(-1, 2)
    turned, nodes = nodes[:, 0] > nodes[:, 1], np.sort(nodes, axis=1)
    begins = np.flatnonzero(np.diff(rows, prepend=-1))  # of each row its first part
    order = np.lexsort((nodes[begins, 1], nodes[begins, 0])).astype(np.int64)
    number = np.empty(len(order), np.int64)
    number[order] = np.arange(len(order))
    by = np.argsort(number[rows], kind="stable")
    nodes, count, end = nodes[by], count[by], end[by]
    first = np.cumsum(count) - count
    along = np.arange(len(points)) - np.repeat(first, count)
    back = np.repeat(turned[by], count)
    points = points[np.where(back, np.repeat(end - 1, count) - along, np.repeat(end - count, count) + along)]
    inner = np.ones(len(points), bool)
    inner[first] = inner[first + count - 1] = False
    return Net(
        order=order,
        nodes=np.diff(spots[curve], axis=0, prepend=0),
        first=np.diff(nodes[:, 0], prepend=0),
        last=nodes[:, 1] - nodes[:, 0],
        bends=count - 2,
        rows=number[rows][by],
        steps=np.diff(points, axis=0, prepend=0)[inner],
        metres=metres,
    )


def most_points(lines: NDArray[np.object_]) -> int:
    """Return how many points of a table of lines are drawn."""
    if len(lines) <= DENSE_LINES:
        return MOST_POINTS
    bends = np.clip(MOST_STEPS - len(lines), LEAST_BENDS, MOST_BENDS)
    return 2 * int(shapely.get_num_geometries(lines).sum()) + int(bends)


def coarser_m(lines: NDArray[np.object_]) -> float:
    """Return to how many metres lines are drawn, 0 where nothing is lost that a screen shows.

    All steps of a dense table are of a pixel of the deepest zoom.
    """
    if len(lines) <= MANY_LINES:
        return 0.0
    most = most_points(lines)
    heavy = int(shapely.get_num_coordinates(lines).sum()) > most
    metres = thinned(lines, most)[1] if heavy else FINEST_M
    return metres if metres > FINEST_M else 0.0


def left_out(frame: gpd.GeoDataFrame, columns: Iterable[str]) -> set[str]:
    """Return the columns of a table of lines that a page does not hold, of those it would show, in order.

    Examples
    --------
    >>> left_out(gpd.GeoDataFrame({"length_m": [1.0, 2.0]}), ["length_m"])
    set()
    """
    n = len(frame)
    if n <= DENSE_LINES:
        return set()
    many = [c for c in dict.fromkeys(columns) if c in frame.columns and 4 * frame[c].nunique() > n]
    return set(many[MOST_VALUES // n :])


def _units(lines: NDArray[np.object_]) -> NDArray[np.int64]:
    """Return the points of lines in whole units."""
    return np.round(shapely.get_coordinates(lines) * 1e5 / UNIT).astype(np.int64)


def _places(points: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the different places among points, west to east and south to north, and which each point is."""
    # Both numbers in one: rows of two are compared as bytes, which takes many times as long.
    low = points.min(axis=0, initial=0)
    high = int((points[:, 1] - low[1]).max(initial=0)) + 1
    keys, at = np.unique((points[:, 0] - low[0]) * high + points[:, 1] - low[1], return_inverse=True)
    return np.stack(np.divmod(keys, high), axis=1) + low, at.reshape(-1)
