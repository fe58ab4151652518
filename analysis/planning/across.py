"""Minutes across the border between settlements, there and back.

Trees grown once, waits, speeds and people changed after.

A trip costs the mean of its two directions, so that a wait of one direction counts. The trees run at home; what joins
them is the small graph of posts, which alone changes when a wait does. When all roads of a side become faster by one
factor no way changes, and its trees are multiplied.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from analysis.trips.crossings import number_crossings
from analysis.trips.demand import MAX_PLACES, modes_of
from layers.errors import NetworkError
from layers.sides import SIDES
from network.overlay import Overlay, build_overlay

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from network.build import Network


@dataclass(frozen=True)
class ModeAcross:
    """Trees of one mode, from and to the settlements of both sides and to all posts.

    ``to_a`` and ``from_a`` are those of side a, to and from all posts.

    ``to_a`` and ``to_b`` have a row per settlement, ``from_a`` and ``from_b`` a column.
    """

    mode: str
    overlay: Overlay
    to_a: NDArray[np.float64]
    from_a: NDArray[np.float64]
    to_b: NDArray[np.float64]
    from_b: NDArray[np.float64]

    def slowed(self, slow: tuple[float, float]) -> ModeAcross:
        """Return the trees with the minutes at home of side a and of side b times a factor each."""
        if slow == (1.0, 1.0):
            return self
        side = self.overlay.home.network.nodes["side"].to_numpy(dtype=object)[self.overlay.posts]
        by_post = np.where(side == "a", slow[0], slow[1])
        overlay = replace(self.overlay, between=self.overlay.between * by_post[:, None])
        a, b = slow
        return replace(
            self,
            overlay=overlay,
            to_a=self.to_a * a,
            from_a=self.from_a * a,
            to_b=self.to_b * b,
            from_b=self.from_b * b,
        )

    def waiting(self, times: Mapping[str, float]) -> ModeAcross:
        """Return the trees with the waits at checkpoints times a factor each."""
        gates = self.overlay.gates
        factor = gates["checkpoint_id"].map(dict(times)).fillna(1.0).to_numpy(float)
        return replace(
            self, overlay=replace(self.overlay, gates=gates.assign(cost=gates["cost"].to_numpy(float) * factor))
        )

    def minutes(self) -> NDArray[np.float64]:
        """Return the mean minutes of there and back of every pair, infinity without a way, shape (a, b)."""
        there = self.overlay.table(self.to_a, self.from_b)
        back = self.overlay.table(self.to_b, self.from_a)
        return (there + back.T) / 2

    def through(self) -> tuple[pd.DataFrame, NDArray[np.float64]]:
        """Return the alternatives (``checkpoint_id``, ``crossing``) and the minutes of every pair through each."""
        gates = self.overlay.gates.assign(crossing=number_crossings(self.overlay))
        by = gates[gates["checkpoint_id"] != ""].groupby(["checkpoint_id", "crossing"], sort=True)
        n = (len(self.to_a), len(self.to_b))
        there, back = np.full((by.ngroups, *n), np.inf), np.full((by.ngroups, *n), np.inf)
        # Whose way leads through a gate: of the places those that reach its end at home.
        reach = [np.isfinite(t).any(axis=k) for k, t in enumerate((self.to_a, self.from_b))]
        reach += [np.isfinite(t).any(axis=k) for k, t in enumerate((self.to_b, self.from_a))]
        for k, (_, own) in enumerate(by):  # alternatives: dozens
            for tail, head, cost in zip(own["tail"], own["head"], own["cost"], strict=True):
                if reach[0][tail] and reach[1][head]:
                    np.minimum(there[k], self.to_a[:, tail, None] + cost + self.from_b[None, head], out=there[k])
                if reach[2][tail] and reach[3][head]:
                    np.minimum(back[k], self.from_a[head, :, None] + cost + self.to_b[None, :, tail], out=back[k])
        return by.size().index.to_frame(index=False), (there + back) / 2

    def to_post(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return minutes from the settlements of either side to the nearest open checkpoint's post of their side."""
        tails = np.unique(self.overlay.gates.loc[self.overlay.gates["checkpoint_id"] != "", "tail"].to_numpy(np.int64))
        return self.to_a[:, tails].min(axis=1, initial=np.inf), self.to_b[:, tails].min(axis=1, initial=np.inf)


@dataclass(frozen=True)
class Across:
    """The settlements of both sides with people, and their trees by mode.

    ``a`` and ``b`` are rows of the network's settlements.
    """

    a: NDArray[np.int64]
    b: NDArray[np.int64]
    people_a: NDArray[np.float64]
    people_b: NDArray[np.float64]
    modes: tuple[ModeAcross, ...]

    def changed(self, *, waits: Mapping[str, float] | None = None, slow: tuple[float, float] = (1.0, 1.0)) -> Across:
        """Return the same with waits times factors by checkpoint, and minutes at home times a factor by side.

        No tree is grown.
        """
        modes = tuple(m.slowed(slow).waiting(waits) if waits else m.slowed(slow) for m in self.modes)
        return replace(self, modes=modes)

    @property
    def minutes(self) -> NDArray[np.float64]:
        """Minutes of every pair by its faster mode, mean of there and back; infinity without a way."""
        out = np.full((len(self.a), len(self.b)), np.inf)
        for m in self.modes:
            np.minimum(out, m.minutes(), out=out)
        return out

    def through(self) -> tuple[pd.DataFrame, NDArray[np.float64]]:
        """Return the alternatives of all modes (``checkpoint_id``, ``crossing``, ``mode``) and their minutes."""
        tables, minutes = zip(*(m.through() for m in self.modes), strict=True)
        return in_all_modes([m.mode for m in self.modes], tables), np.concatenate(minutes)

    def by(self, mode: str) -> ModeAcross | None:
        """Return the trees of a mode, None where no open checkpoint has it."""
        return next((m for m in self.modes if m.mode == mode), None)


def in_all_modes(modes: Sequence[str], tables: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """Return the alternatives of all modes in one table with ``mode``, crossings numbered on."""
    parts, shift = [], 0
    for mode, table in zip(modes, tables, strict=True):
        parts.append(table.assign(crossing=table["crossing"] + shift, mode=mode))
        shift += int(table["crossing"].max()) + 1 if len(table) else 0
    return pd.concat(parts, ignore_index=True)


def across(network: Network, *, max_places: int = MAX_PLACES) -> Across:
    """Return the trees of a network's settlements across the border.

    Parameters
    ----------
    max_places
        Settlements with people per side at the most, the largest first.

    Raises
    ------
    NetworkError
        One side has no settlement with people.
    """
    table = network.settlements
    people = table["population"].to_numpy(float)
    rows = {}
    for side in SIDES:
        rows_of_side = np.flatnonzero((table["side"] == side).to_numpy() & (people > 0))
        rows[side] = np.sort(rows_of_side[np.argsort(-people[rows_of_side], kind="stable")][:max_places])
        if not len(rows[side]):
            raise NetworkError(f"side {side} has no settlement with people: allowed are layers with some")
    node = table["node"].to_numpy(np.int64)
    a, b = node[rows["a"]], node[rows["b"]]
    modes = tuple(m for mode in modes_of(network) if (m := _grown(network, mode, a, b)) is not None)
    return Across(rows["a"], rows["b"], people[rows["a"]], people[rows["b"]], modes)


def _grown(network: Network, mode: str, a: NDArray[np.int64], b: NDArray[np.int64]) -> ModeAcross | None:
    """Return the trees of one mode, or None where the network has no open gate of it."""
    links = network.links
    if not ((links["mode"] == mode) & links["crossing"] & links["passable"]).any():
        return None
    overlay = build_overlay(network, mode)
    return ModeAcross(
        mode, overlay, overlay.to_posts(a), overlay.from_posts(a), overlay.to_posts(b), overlay.from_posts(b)
    )
