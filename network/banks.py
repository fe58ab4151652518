"""On which bank of a water a straightened road runs: that of its ends, wherever its drawn line lies."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import shapely

if TYPE_CHECKING:
    from collections.abc import Collection

    from numpy.typing import NDArray

    from network.topology import Tables

LEAST_M = 100.0
"""Less than this off its line a road is drawn as it runs: nodes of generalised data are rounded so far."""
END_M = 200.0
"""The end of a road this near to dry ground stands on it."""
ARC = np.linspace(0.0, 2 * np.pi, 32, endpoint=False)


def courses(tables: Tables, modes: Collection[str], water: shapely.Geometry | None) -> shapely.Geometry | None:
    """Return where straightened links may run, of those that may run by or over water.

    A link that is drawn straight from u to v, and is longer than that, runs within an ellipse: v and u are its foci, no
    place of it has a way over it that is longer than the link.

    Parameters
    ----------
    tables
        With ``length_factor``, not yet in ``length_m``.
    modes
        Those whose lines are generalised.
    water
        In the projection.

    Returns
    -------
    A line of three places for each link: u, as far off as the link may be at its middle, v. None where there is no such
    link, or no water.
    """
    links = tables.links
    rows = np.flatnonzero(links["mode"].isin(set(modes)).to_numpy())
    if water is None or not len(rows):
        return None
    at = tables.nodes[["px", "py"]].to_numpy(float)
    u, v = (at[links[c].to_numpy(np.int64)[rows]] for c in ("u", "v"))
    length = (links["length_m"] * links["length_factor"]).to_numpy(float)[rows]
    straight = np.hypot(*(v - u).T)
    off = np.sqrt(np.maximum(length**2 - straight**2, 0.0)) / 2
    some = np.flatnonzero((off > LEAST_M) & (straight > 0))
    u, v, off, straight = u[some], v[some], off[some], straight[some]
    lakes = shapely.STRtree(shapely.get_parts(water))
    near = np.unique(lakes.query(shapely.linestrings(np.stack([u, v], axis=1)), "dwithin", off)[0])
    if not len(near):
        return None
    across = np.stack([-(v - u)[:, 1], (v - u)[:, 0]], axis=1) / straight[:, None]
    middle = (u + v) / 2 + across * off[:, None]
    lines: shapely.Geometry = shapely.multilinestrings(shapely.linestrings(np.stack([u, middle, v], axis=1)[near]))
    return lines


class Banks:
    """The courses of straightened links beside water, and which places lie on the bank that one runs on."""

    def __init__(self, lines: shapely.Geometry | None, lakes: shapely.STRtree) -> None:
        self.corners = shapely.get_coordinates([] if lines is None else lines).reshape(-1, 3, 2)
        self.lakes = lakes
        self._known: dict[bytes, bool] = {}

    @cached_property
    def _drawn(self) -> shapely.STRtree:
        return shapely.STRtree(np.asarray(shapely.linestrings(self.corners[:, [0, 2]]), dtype=object))

    def joins(self, bridge: shapely.Geometry, times: float) -> bool:
        """Return whether a place is on a bank that a road runs on, though water lies before the drawn line of it.

        Parameters
        ----------
        bridge
            The straight line from the place to the nearest place of the drawn road.
        times
            A way from the place to there is at most this many times as long.

        Notes
        -----
        The ground within such ways and within the course of the road falls into parts between the waters: the place
        must lie in that of an end of the road. Where the ends are on either bank, the road has a bridge, and both do.
        """
        if not len(self.corners):
            return False
        ends = shapely.get_coordinates(bridge)[[0, -1]]
        # Geodesics between far ends lie some metres off the straight line of the projection.
        key = ends.tobytes()
        if key not in self._known:
            found = self._drawn.query(shapely.points(ends[1]), "dwithin", END_M)
            # One, or the few of a junction.
            self._known[key] = any(self._joins(ends, times, self.corners[k]) for k in found)
        return self._known[key]

    def _joins(self, ends: NDArray[np.float64], times: float, corners: NDArray[np.float64]) -> bool:
        """Return `joins` for one road."""
        span = float(np.hypot(*(ends[1] - ends[0])))
        off = float(np.hypot(*(corners[1] - (corners[0] + corners[2]) / 2)))
        room = shapely.union(
            _ellipse(ends[0], ends[1], span / 2 * float(np.sqrt(times**2 - 1))), _ellipse(corners[0], corners[2], off)
        )
        lakes = shapely.clip_by_rect(self.lakes.geometries[self.lakes.query(room)], *shapely.bounds(room))
        water = shapely.get_parts(shapely.get_parts(shapely.make_valid(lakes)))
        parts = shapely.get_parts(shapely.difference(room, shapely.multipolygons(water[shapely.area(water) > 0])))
        if not len(parts):
            return False
        own = parts[np.argmin(shapely.distance(parts, shapely.Point(ends[0])))]
        return bool((shapely.distance(own, shapely.points(corners[[0, 2]])) <= END_M).any())


def _ellipse(u: NDArray[np.float64], v: NDArray[np.float64], half_width: float) -> shapely.Geometry:
    """Return an ellipse with two foci, the foci in it."""
    middle, half = (u + v) / 2, float(np.hypot(*(v - u))) / 2
    along = (v - u) / max(2 * half, 1e-9)
    long = float(np.hypot(half, half_width)) + 1.0
    ring = np.stack([np.cos(ARC) * long, np.sin(ARC) * (half_width + 1.0)], axis=1)
    return shapely.Polygon(middle + ring[:, :1] * along + ring[:, 1:] * np.array([-along[1], along[0]]))
