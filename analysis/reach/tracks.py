"""Where the links of a network run over the cells of a grid, and the costs that they bring there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import shapely

from layers.crs import WGS84, project
from network.kinds import NO_GROUND
from network.topology import along

if TYPE_CHECKING:
    from affine import Affine
    from numpy.typing import NDArray

    from layers.sides import Side
    from network.build import Network
    from network.routing import Router

DEGREE_M = 1.1 * 111_700
"""Metres in a projection that a degree has at the most, a tenth more than it has on the ground."""
ASTRAY_M = 1000.0
"""A link is drawn from no further off its node."""


@dataclass(frozen=True)
class Tracks:
    """Points every half cell along links, in the order of their cells.

    ``cell`` are the cells with any and ``first`` the first point of each; ``u`` and ``v`` positions of the link's ends,
    ``from_u`` and ``from_v`` the minutes from there, infinity against a one-way road.
    """

    cell: NDArray[np.int32]
    first: NDArray[np.int32]
    u: NDArray[np.int32]
    v: NDArray[np.int32]
    from_u: NDArray[np.float64]
    from_v: NDArray[np.float64]

    def seeds(self, minutes: NDArray[np.float64], mask: NDArray[np.bool_]) -> NDArray[np.float64]:
        """Return the cells that the links run through, with the smallest minutes on them; infinity elsewhere."""
        out = np.full(mask.shape, np.inf)
        if len(self.cell):
            cost = np.minimum(minutes[self.u] + self.from_u, minutes[self.v] + self.from_v)
            out.ravel()[self.cell] = np.minimum.reduceat(cost, self.first)
        return np.where(mask, out, np.inf)


def tracks_of(network: Network, router: Router, side: Side, mask: NDArray[np.bool_], transform: Affine) -> Tracks:
    """Return where the links of one side run over its cells of a grid.

    Parameters
    ----------
    mask
        The cells of the side.
    transform
        From column and row to the network's projection.
    """
    links = network.links
    of_mode = ((links["mode"] == router.mode) | (router.mode == "any")) & ~links["crossing"]
    row = np.flatnonzero((of_mode & ~links["kind"].isin(NO_GROUND)).to_numpy(bool))
    u, v = (router.positions(links[c].to_numpy(np.int64)[row]) for c in ("u", "v"))
    use = (u >= 0) & (v >= 0)
    use[use] &= router.side[u[use]] == side
    row, u, v = row[use], u[use], v[use]
    lines = links["geometry"].to_numpy(dtype=object)[row]
    begin = network.nodes[["px", "py"]].to_numpy(float)[router.nodes[u]]
    near = _may_touch(begin, shapely.length(lines) * DEGREE_M + ASTRAY_M, mask, transform)
    row, u, v, lines = row[near], u[near], v[near], lines[near]
    metres, minutes, oneway = (links[c].to_numpy()[row] for c in ("length_m", "time_min", "oneway"))
    n = np.maximum(2, np.ceil(metres.astype(float) / (transform.a / 2)).astype(int) + 1)
    of = np.repeat(np.arange(len(row)), n)
    share = (np.arange(len(of)) - np.repeat(np.cumsum(n) - n, n)) / (n[of] - 1)
    xy = along(lines, share, of) if len(of) else np.empty((0, 2))
    xy = shapely.get_coordinates(project(shapely.points(xy), WGS84, network.crs))
    column = np.floor((xy[:, 0] - transform.c) / transform.a).astype(int)
    line = np.floor((xy[:, 1] - transform.f) / transform.e).astype(int)
    inside = np.flatnonzero((line >= 0) & (line < mask.shape[0]) & (column >= 0) & (column < mask.shape[1]))
    inside = inside[mask[line[inside], column[inside]]]
    cell = line[inside] * mask.shape[1] + column[inside]
    order = np.argsort(cell, kind="stable")
    inside = inside[order]
    cell, first = np.unique(cell[order], return_index=True)
    of, share = of[inside], share[inside]
    moving = minutes.astype(float)[of]
    from_u = np.where(oneway.astype(bool)[of], np.inf, share * moving)
    return Tracks(
        cell.astype(np.int32),
        first.astype(np.int32),
        u[of].astype(np.int32),
        v[of].astype(np.int32),
        from_u,
        (1 - share) * moving,
    )


def _may_touch(
    begin: NDArray[np.float64], reach_m: NDArray[np.float64], mask: NDArray[np.bool_], transform: Affine
) -> NDArray[np.bool_]:
    """Return which lines may run over a cell of a grid, by where they begin and how far they lead at the most.

    A few more than do: most of what is loaded lies far from the belt, and where it runs need not be found.
    """
    count = np.pad(np.cumsum(np.cumsum(mask, axis=0, dtype=np.int64), axis=1), ((1, 0), (1, 0)))
    size, reach = transform.a, np.ceil(reach_m / transform.a).astype(np.int64) + 1
    at = ((begin[:, 1] - transform.f) / -size, (begin[:, 0] - transform.c) / size)
    low, high = (
        [np.clip(np.floor(x).astype(np.int64) + end, 0, n) for x, n in zip(at, mask.shape, strict=True)]
        for end in (-reach, reach + 1)
    )
    cells = count[high[0], high[1]] - count[low[0], high[1]] - count[high[0], low[1]] + count[low[0], low[1]]
    return np.asarray(cells > 0, bool)
