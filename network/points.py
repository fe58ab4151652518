"""Points joined to a compiled network without being in it, and the cost of trees at them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from network.costs import blocks

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray


@dataclass(frozen=True)
class Points:
    """Points joined to a network without being in it: ways begin and end at them, none leads through.

    A point has one access or several; the least over them counts.

    Attributes
    ----------
    side
        Per point, as given.
    point
        Per access the number of its point, ascending, the nearest access first. A point that joins nothing has one
        access, to nowhere.
    u, v
        Positions in the router of both ends of the access's link, −1 for nowhere.
    to_u, to_v, from_u, from_v
        Minutes from the point to the ends and back, connector included; infinite against a one-way.
    link
        Row of the link in the network, −1 for a point that is a node.
    straight_km
        Straight length of the connector, NaN for nowhere.
    """

    side: NDArray[np.object_]
    point: NDArray[np.int64]
    u: NDArray[np.int64]
    v: NDArray[np.int64]
    to_u: NDArray[np.float64]
    to_v: NDArray[np.float64]
    from_u: NDArray[np.float64]
    from_v: NDArray[np.float64]
    link: NDArray[np.int64]
    straight_km: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.side)

    @classmethod
    def at_nodes(cls, positions: NDArray[np.int64], side: NDArray[np.object_]) -> Points:
        """Return points that are nodes of the router, by their positions (−1 for none)."""
        rows, zero = np.arange(len(positions)), np.zeros(len(positions))
        nowhere = np.full(len(positions), -1)
        return cls(side, rows, positions, positions, zero, zero, zero, zero, nowhere, zero)

    @classmethod
    def of(cls, parts: Sequence[Points]) -> Points:
        """Return points one after the other."""
        shift = np.cumsum([0, *(len(p) for p in parts)])
        moved = [replace(p, point=p.point + k) for p, k in zip(parts, shift[:-1], strict=True)]
        return cls(*(np.concatenate([getattr(p, f) for p in moved]) for f in cls.__dataclass_fields__))

    def __getitem__(self, rows: slice) -> Points:
        """Return a run of the points."""
        start, stop, step = rows.indices(len(self))
        if step != 1:
            raise ValueError(f"every {step}th point: allowed is a run of points")
        of_point = slice(*np.searchsorted(self.point, [start, stop]))
        cut = {f: getattr(self, f)[of_point] for f in self.__dataclass_fields__}
        return Points(**{**cut, "side": self.side[rows], "point": self.point[of_point] - start})

    def take(self, rows: NDArray[np.int64]) -> Points:
        """Return some of the points, in the order given."""
        number = np.bincount(self.point, minlength=len(self))[rows]
        first = np.repeat(self.starts[rows] - np.r_[0, np.cumsum(number)[:-1]], number)
        access = first + np.arange(number.sum())
        cut = {f: getattr(self, f)[access] for f in self.__dataclass_fields__ if f != "side"}
        return Points(**{**cut, "side": self.side[rows], "point": np.repeat(np.arange(len(rows)), number)})

    @property
    def starts(self) -> NDArray[np.int64]:
        """The first access of each point."""
        return np.searchsorted(self.point, np.arange(len(self)))

    @property
    def joined(self) -> NDArray[np.bool_]:
        """Whether each point reaches the network at all."""
        return np.asarray(self.u[self.starts] >= 0, bool)

    @property
    def connector_km(self) -> NDArray[np.float64]:
        """Straight km of each point to the nearest link that it joins, NaN for none."""
        return self.straight_km[self.starts]

    def least(self, cost: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the least over the accesses of each point, along the last axis."""
        if len(self.point) == len(self):  # each has one
            return cost
        out: NDArray[np.float64] = cost[..., self.starts]
        number = np.bincount(self.point, minlength=len(self))
        several = np.flatnonzero(number > 1)  # few: the others are found by themselves
        begin = np.cumsum(number[several]) - number[several]
        out[..., several] = np.minimum.reduceat(cost[..., number[self.point] > 1], begin, axis=-1)
        return out

    def backwards(self) -> Points:
        """Return the points with their ways turned round: what leads to them leads from them."""
        return replace(self, to_u=self.from_u, to_v=self.from_v, from_u=self.to_u, from_v=self.to_v)


def at_points(points: Points, tree: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the cost from points over reverse trees of shape (k, positions): shape (points, k)."""
    return points.least(at_accesses(points, tree)).T


def at_accesses(points: Points, tree: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the cost from points over reverse trees by each of their accesses: shape (k, accesses)."""
    cost: NDArray[np.float64] = tree[:, np.maximum(points.u, 0)] + points.to_u
    # Who stands at a node has one way to it.
    two = np.flatnonzero((points.u != points.v) | (points.to_u != points.to_v))
    cost[:, two] = np.minimum(cost[:, two], tree[:, np.maximum(points.v[two], 0)] + points.to_v[two])
    cost[:, points.u < 0] = np.inf
    return cost


def stretches(
    rows: NDArray[np.int64], width: int, lonlat: NDArray[np.float64], side: NDArray[np.object_]
) -> Iterator[NDArray[np.int64]]:
    """Give rows as the tables that `network.costs.blocks` allows hold them, of so many columns.

    All of them as they are where one does; else side by side, from west to east: ways at home from a stretch of one
    side pass few pieces of a graph (`network.sweeps`).
    """
    some = list(blocks(len(rows), width))
    order = np.lexsort((lonlat[:, 0], side == side[0])) if len(some) > 1 else slice(None)
    rows = rows[order]
    yield from (rows[one] for one in some)


def put(
    tables: dict[str, NDArray[np.float64]],
    name: str,
    columns: NDArray[np.int64] | slice,
    minutes: NDArray[np.float64],
    home: NDArray[np.bool_],
) -> None:
    """Put minutes into columns of a table, in place; without a table of their own, into the last one's at home."""
    last = list(tables)[-1]
    if name not in tables:
        minutes = np.where(home[:, columns], minutes, tables[last][:, columns])
    tables[name if name in tables else last][:, columns] = minutes
