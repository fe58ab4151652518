"""Draws of a structural null: the indicators of every unit with some crossings open and their waits.

Trees at home are grown once (`network.overlay`); a draw only combines them over the few posts that it opens.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from analysis.reach.decays import is_exponential
from layers.sides import SIDES
from network.costs import BLOCK, TABLE, by_middles, min_plus, passed_before
from network.overlay import MANY, over_posts

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from analysis.reach.decays import Decay
    from analysis.statistics.null_ground import Ground
    from analysis.statistics.null_ranks import Null
    from network.overlay import Overlay
    from network.routing import Points


TIE_MIN = 1e-10
"""Sums of the same minutes in another order differ by less."""


@dataclass(frozen=True)
class Placements:
    """What all draws share; build it with `analysis.statistics.nulls.build_placements`.

    Attributes
    ----------
    ground
        What no wait moves: the crossings and the ways at home to their posts.
    slots
        One row per crossing: ``crossing_id``, ``mode``, ``wait_min`` (the least of its open checkpoints, NaN where none
        is).
    free
        Potential across the border with every crossing passable and no wait.
    domestic_wait
        Modes whose waits a trip home through the neighbour is charged.
    overlay
        Makes the posts of all crossings with the roads between them: what walks over very many of them are sought on.
    """

    ground: Ground
    slots: pd.DataFrame
    free: NDArray[np.float64]
    fades: Decay
    domestic_wait: tuple[str, ...]
    overlay: Callable[[], Overlay]

    @property
    def points(self) -> Points:
        """The units as they join the network."""
        return self.ground.points

    def slot_of(self, crossings: pd.Series) -> NDArray[np.int64]:
        """Return the rows of the slots of some crossings."""
        return np.asarray(pd.Index(self.slots["crossing_id"]).get_indexer(pd.Index(crossings)), np.int64)

    @cached_property
    def slot_of_gate(self) -> NDArray[np.int64]:
        """The row of the slots of each gate."""
        return self.slot_of(self.ground.gates["crossing_id"])

    @cached_property
    def slot_of_back(self) -> NDArray[np.int64]:
        """The row of the slots of each way back."""
        return self.slot_of(self.ground.back["crossing_id"])

    @cached_property
    def at_home_alone(self) -> NDArray[np.float64]:
        """The potential at home of each point by ways that do not leave the country."""
        out, targets = np.zeros(len(self.points)), self.ground.targets
        for s in SIDES:
            rows, columns = np.flatnonzero(self.points.side == s), np.flatnonzero(targets.side == s)
            out[rows] = self.fades(self.ground.home[np.ix_(rows, columns)]) @ targets.people[columns]
        return out

    @cached_property
    def multiplies(self) -> bool:
        """Whether potentials are sums of products of how much is left of a trip at each post and of the way from there.

        Of many pairs no exponential is taken a pair: a third of the time; the last digits differ.
        """
        return is_exponential(self.fades) and self.ground.home.size > TABLE

    @cached_property
    def pulls_at_home(self) -> dict[str, NDArray[np.float64]]:
        """By side what is left of a trip from its points to its targets by ways that do not leave the country."""
        sides = {s: (self.points.side == s, self.ground.targets.side == s) for s in SIDES}
        return {s: self.fades(self.ground.home[np.ix_(rows, columns)]) for s, (rows, columns) in sides.items()}

    @cached_property
    def waits_at_home(self) -> NDArray[np.bool_]:
        """Whether a trip home through the neighbour waits at each slot."""
        return np.asarray(self.slots["mode"].isin(self.domestic_wait), bool)


def redraw(slots: pd.DataFrame, rng: np.random.Generator, null: Null = "places") -> pd.DataFrame:
    """Return the crossings that a draw opens, with their waits: as many of each mode as are open."""
    drawn = []
    for _, group in slots.groupby("mode", sort=True):  # road and rail
        waits = group["wait_min"].dropna().to_numpy()
        places = group if null == "places" else group.dropna(subset=["wait_min"])
        where = rng.permutation(len(places))[: len(waits)]
        drawn.append(places.iloc[where].assign(wait_min=waits))
    return pd.concat(drawn, ignore_index=True)


def indicators(placements: Placements, taken: pd.DataFrame) -> pd.DataFrame:
    """Return the indicators of every unit with the crossings in `taken` open: ``crossing_id``, ``wait_min``.

    The same numbers as `analysis.reach.accessibility` gives for a network whose open checkpoints stand there; infinity
    where no checkpoint is reached.
    """
    draw, ground, targets = _Draw.of(placements, taken), placements.ground, placements.ground.targets
    active, side = draw.active, ground.side[draw.active]
    n = len(ground.points)
    minutes, domestic, cross = np.full(n, np.inf), np.zeros(n), np.zeros(n)
    for domestic_part in (True, False):
        between = draw.between_posts(domestic=domestic_part)
        for s in SIDES:
            rows, own = np.flatnonzero(ground.points.side == s), side == s
            to_posts = ground.to_posts[np.ix_(rows, active[own])]
            if own.any() and len(rows):
                minutes[rows] = to_posts.min(axis=1)
            columns = np.flatnonzero((targets.side == s) == domestic_part)
            people = targets.people[columns]
            arrive = own if domestic_part else ~own
            middle = between[np.ix_(own, arrive)]
            if domestic_part:
                # A way home through the neighbour counts only where it is the shorter one.
                middle[middle >= draw.at_home[np.ix_(own, own)]] = np.inf
            at = _arriving(to_posts, middle, draw.at_home[np.ix_(arrive, arrive)])
            if domestic_part:
                at[at >= to_posts] = np.inf
                domestic[rows] = placements.at_home_alone[rows]
                some = np.isfinite(at).any(axis=1)
                at, rows = at[some], rows[some]
            onward = ground.from_posts(active[arrive], columns)
            if placements.multiplies:
                home = placements.pulls_at_home[s] if domestic_part else None
                own_rows = np.flatnonzero(some) if domestic_part else None
                sums = _pulled(at, onward, people, placements.fades, home, own_rows)
            else:
                time = _leading_on(at, onward)
                if domestic_part:
                    time = np.minimum(time, ground.home[np.ix_(rows, columns)])
                sums = placements.fades(time) @ people
            (domestic if domestic_part else cross)[rows] = sums
    known = np.where(placements.free > 0, placements.free, np.nan)
    return pd.DataFrame(
        {
            "time_to_checkpoint_min": minutes,
            "border_loss": 1 - cross / known,
            "lost_potential": placements.free - cross,
            "cross_ratio": cross / np.where(domestic > 0, domestic, np.nan),
        }
    )


@dataclass(frozen=True)
class _Draw:
    """The gates that are open in a draw.

    Attributes
    ----------
    active
        Posts at their ends, positions in the overlay; ``at_home`` minutes between them.
    slot, tail, head, wait
        Of each gate its crossing (a row of the slots), its ends (positions in `active`) and minutes.
    """

    placements: Placements
    active: NDArray[np.int64]
    at_home: NDArray[np.float64]
    slot: NDArray[np.int64]
    tail: NDArray[np.int64]
    head: NDArray[np.int64]
    wait: NDArray[np.float64]

    @classmethod
    def of(cls, placements: Placements, taken: pd.DataFrame) -> _Draw:
        """Return the gates of the crossings in `taken`."""
        wait = np.full(len(placements.slots), np.nan)
        wait[placements.slot_of(taken["crossing_id"])] = taken["wait_min"].to_numpy(float)
        slot = placements.slot_of_gate
        there = np.flatnonzero(~np.isnan(wait[slot]))
        gates = placements.ground.gates[["tail", "head"]].to_numpy(np.int64)[there]
        active, ends = np.unique(gates, return_inverse=True)
        tail, head = ends.reshape(-1, 2).T
        at_home = placements.ground.between(active)
        return cls(placements, active, at_home, slot[there], tail, head, wait[slot[there]])

    def between_posts(self, *, domestic: bool) -> NDArray[np.float64]:
        """Return the shortest minutes between the posts; domestic trips are charged waits as `network.domestic` has it.

        Who goes back by the crossing that he came by has not crossed.
        """
        p, tail, head, cost = self.placements, self.tail, self.head, self.wait
        if domestic:
            cost = np.where(p.waits_at_home[self.slot], cost, 0.0)
            waited = np.zeros(len(p.slots), bool)
            waited[self.slot[cost > 0]] = True
            back = p.ground.back[waited[p.slot_of_back]]
            tail, head = (
                np.r_[own, np.searchsorted(self.active, back[end].to_numpy(np.int64))]
                for own, end in ((tail, "tail"), (head, "head"))
            )
            cost = np.r_[cost, back["cost"].to_numpy(float)]
        if len(self.active) <= MANY:
            return over_posts(self.at_home, (tail, head, cost), np.arange(len(self.active)))
        gates = pd.DataFrame({"tail": tail, "head": head, "cost": cost, "checkpoint_id": "", "crossing_id": ""})
        whole = p.overlay()
        return replace(whole, posts=whole.posts[self.active], between=self.at_home, gates=gates).across()


def _arriving(
    to_posts: NDArray[np.float64], middle: NDArray[np.float64], home: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return the shortest minutes to posts beyond, infinity where another post is on the way to one.

    Who passes another post first and comes to this one at home, goes on from that other as well.
    """
    near = np.isfinite(middle).any(axis=1)
    at = min_plus(to_posts[:, near], middle[near])
    at[passed_before(at, home, slack=TIE_MIN)] = np.inf
    return at


def _leading_on(at: NDArray[np.float64], from_posts: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the shortest minutes to targets from the posts where ways arrive, shape (rows, targets)."""
    out = np.full((len(at), from_posts.shape[1]), np.inf)
    for rows, come in by_middles(at):
        out[rows] = min_plus(at[np.ix_(rows, come)], from_posts[come])
    return out


def _pulled(
    at: NDArray[np.float64],
    onward: NDArray[np.float64],
    people: NDArray[np.float64],
    fades: Decay,
    home: NDArray[np.float64] | None,
    own: NDArray[np.int64] | None,
) -> NDArray[np.float64]:
    """Return the potentials of rows by a decay that multiplies, over the best of the posts where their ways arrive.

    Parameters
    ----------
    at, onward
        Minutes from rows to posts, infinity where another one is better, and from posts to targets.
    home, own
        What is left of trips that do not leave the country, and which of its rows these are; None across the border.
    """
    out, left, there = np.zeros(len(at)), fades(at), fades(onward)
    step = max(1, BLOCK // max(there.shape[1], 1))
    for rows, come in by_middles(at):
        ways = there[come]
        for start in range(0, len(rows), step):  # what a processor's cache holds
            some = rows[start : start + step]
            near = left[np.ix_(some, come)]
            best = near[:, 0, None] * ways[0]
            product = np.empty_like(best)
            for k in range(1, len(come)):
                np.multiply(near[:, k, None], ways[k], out=product)
                np.maximum(best, product, out=best)
            if home is not None and own is not None:
                np.maximum(best, home[own[some]], out=best)
            out[some] = best @ people
    return out
