"""Places that stand at a junction with forbidden turns: by which of its roads one comes to them and leaves them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import shapely

from network.kinds import CONNECTOR, TURN
from network.topology import SNAP_M, Tables

if TYPE_CHECKING:
    from numpy.typing import NDArray

ROUND_DEG = 60.0
"""Two roads that lead off within this angle are the two directions of one: who goes from one into the other turns
round."""
LOOK_M = 30.0
"""Where a road leads is seen so far from its end."""


@dataclass(frozen=True)
class _Ends:
    """Ends of one-way links at one junction: rows of candidates, their node, whether one comes by it, road, bearing."""

    row: NDArray[np.int64]
    node: NDArray[np.int64]
    comes: NDArray[np.bool_]
    road: NDArray[np.int64]
    turns: NDArray[np.float64]


def once_per_junction(tables: Tables, near: pd.DataFrame) -> pd.DataFrame:
    """Return where places join links, at a junction with forbidden turns by one road to come and one to leave.

    A place that joined all roads there would be a way round what is forbidden. Of all pairs of a road to come by and
    one to leave by, the place takes that which opens the fewest forbidden turns (to turn round is what one may in a
    place), then that by which it is reached from, and reaches, the most roads; then one road in both directions; then
    the one from or into which most turns are forbidden.

    Parameters
    ----------
    near
        ``place``, ``link``, ``fraction``, ``straight_m``; of one place together, nearest first.
    """
    links = tables.links
    turns = links[(links["kind"] == TURN).to_numpy()]
    if turns.empty or near.empty:
        return near
    n = len(tables.nodes)
    u, v = turns["u"].to_numpy(np.int64), turns["v"].to_numpy(np.int64)
    # Ends of roads at one junction have its number; one out of which no turn is allowed has it too.
    number = pd.factorize(tables.nodes["ref"].to_numpy(dtype=object))[0]
    at_turns = (tables.nodes["kind"] == "road").to_numpy() & np.isin(number, number[np.r_[u, v]])
    junction = np.where(at_turns, number, -1)
    degree = np.bincount(np.r_[u, v], minlength=n)
    row = near["link"].to_numpy(np.int64)
    length = links["length_m"].to_numpy(float)[row]
    at = near["fraction"].to_numpy(float) * length
    first, last = (links[c].to_numpy(np.int64)[row] for c in ("u", "v"))
    node = np.where(at <= SNAP_M, first, np.where(at >= length - SNAP_M, last, -1))
    split = (node >= 0) & (junction[np.maximum(node, 0)] >= 0)
    if not split.any():
        return near
    twin = links["twin"].to_numpy(np.int64)[row]
    road = np.where(twin != 0, -np.abs(twin), row)
    keep = np.ones(len(near), bool)
    order = pd.Series(np.flatnonzero(split))
    groups = order.groupby([near["place"].to_numpy()[split], junction[node[split]]], sort=False)
    allowed = _Turns(tables, u, v, at_turns)
    for _, rows in groups:  # places that stand at such a junction: a few
        k = rows.to_numpy()
        ends = _Ends(k, node[k], node[k] == last[k], road[k], degree[node[k]].astype(float))
        keep[k] = np.isin(k, _best(ends, allowed))
    return near[keep].reset_index(drop=True)


class _Turns:
    """Which turns are allowed, and which are turning round.

    Parameters
    ----------
    u, v
        Ends of the links that are turns.
    at_turns
        Per node: it is an end of a road at a junction with forbidden turns. The roads of others are not looked at.
    """

    def __init__(self, tables: Tables, u: NDArray[np.int64], v: NDArray[np.int64], at_turns: NDArray[np.bool_]) -> None:
        self.tables = tables
        self.out_of = pd.Series(v).groupby(u).agg(set).to_dict()
        self.into = pd.Series(u).groupby(v).agg(set).to_dict()
        links = tables.links
        ends = links[["u", "v"]].to_numpy(np.int64)
        road = np.flatnonzero(at_turns[ends].any(axis=1))
        some = links.iloc[road]
        road = road[((some["mode"] == "road") & ~some["kind"].isin([TURN, CONNECTOR])).to_numpy()]
        ends = ends[road]
        self._link = {"v": dict(zip(ends[:, 1], road, strict=True)), "u": dict(zip(ends[:, 0], road, strict=True))}

    def forbidden(self, came: int, leaves: int) -> bool:
        """Return whether a turn is forbidden that is none of turning round."""
        return leaves not in self.out_of.get(came, ()) and not self._round(came, leaves)

    def _round(self, came: int, leaves: int) -> bool:
        one, other = self._bearing(came, "v"), self._bearing(leaves, "u")
        between = abs((one - other + 180.0) % 360.0 - 180.0)
        return bool(between <= ROUND_DEG)

    def _bearing(self, node: int, end: str) -> float:
        """Return in which direction the road of a node at a split junction leads off."""
        (line,) = self.tables.projected(np.array([self._link[end][node]]))
        look = min(LOOK_M, shapely.length(line))
        spot = shapely.line_interpolate_point(line, look if end == "u" else -look)
        tip = shapely.get_point(line, 0 if end == "u" else -1)
        x, y = (shapely.get_coordinates(spot) - shapely.get_coordinates(tip))[0]
        return float(np.degrees(np.arctan2(y, x)))


def _best(ends: _Ends, turns: _Turns) -> NDArray[np.int64]:
    """Return the rows of the road to come by and of that to leave by; all where there are none of one of them."""
    ins, outs = np.flatnonzero(ends.comes), np.flatnonzero(~ends.comes)
    if not len(ins) or not len(outs):
        return ends.row
    ranked = []
    for i in ins:
        for o in outs:
            came, leaves = int(ends.node[i]), int(ends.node[o])
            comes = {came} | turns.into.get(leaves, set())
            goes = {leaves} | turns.out_of.get(came, set())
            opened = sum(turns.forbidden(a, b) for a in comes for b in goes)
            both = ends.road[i] == ends.road[o]
            rank = (opened, -len(comes) - len(goes), not both, ends.turns[i] + ends.turns[o], min(i, o), max(i, o))
            ranked.append((rank, [ends.row[i], ends.row[o]]))
    return np.array(min(ranked)[1])
