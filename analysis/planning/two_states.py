"""Two states of a border under a draw: what is read of each, and what lies between them.

Pairs whose minutes are the same in both (`analysis.planning.ways_drawn`) are looked at once.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from analysis.planning.benefit import Benefit, Curve, user_benefit
from analysis.planning.effects import changed, nearest_post
from analysis.planning.ways_drawn import Both, Ways, minutes_of, ways_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from analysis.planning.across import Across
    from analysis.planning.draws import Draw


@dataclass(frozen=True)
class Seen:
    """What is read of one state under a draw: of `analysis.planning.effects.Standing` what figures are read from."""

    people: Both
    city: Both
    post: Both
    potential: Both


@dataclass(frozen=True)
class Change:
    """What lies between two states under a draw.

    Attributes
    ----------
    before, after
        Either state.
    rows, columns
        Pairs of places whose minutes differ, by their rows in side a and side b.
    benefit
        Of these pairs, one value for each; of all others there is none. Trips of before sum to 1 over all pairs.
    trips
        Trips of before over all pairs: 1, or 0 where no way leads across.
    """

    before: Seen
    after: Seen
    rows: NDArray[np.int64]
    columns: NDArray[np.int64]
    benefit: Benefit
    trips: float
    _pull: Both
    _scale: float

    @property
    def figures(self) -> dict[str, float]:
        """Figures and gains, by the names in `analysis.planning.effects.MEASURES` and `GAINS`."""
        return changed(self.before, self.after, self.benefit, trips=self.trips)

    @property
    def half_by_place(self) -> NDArray[np.float64]:
        """Half of the benefit of its pairs at each place, side a first."""
        ends = zip((self.rows, self.columns), self.before.people, strict=True)
        return np.concatenate([np.bincount(at, self.benefit.whole, len(people)) for at, people in ends]) / 2

    def trips_of(self, i: NDArray[np.int64], j: NDArray[np.int64]) -> Both:
        """Return the trips of some pairs before and after."""
        weight = self.before.people[0][i] * self.before.people[1][j] * self._scale
        return weight * self._pull[0][i, j], weight * self._pull[1][i, j]


@dataclass(frozen=True)
class TwoStates:
    """Two states of a border, laid out for draws; build it with `TwoStates.of`.

    Attributes
    ----------
    towns
        Which settlements of either side are cities, from `analysis.planning.effects.cities`.
    post
        Minutes to the nearest post of either side in both states, as they are.
    """

    before: Across
    curve: Curve
    towns: tuple[NDArray[np.bool_], NDArray[np.bool_]]
    post: tuple[Both, Both]
    modes: tuple[tuple[Ways, ...], ...]

    @classmethod
    def of(
        cls, before: Across, after: Across, curve: Curve, towns: tuple[NDArray[np.bool_], NDArray[np.bool_]]
    ) -> TwoStates:
        """Return two states of the same places."""
        names = dict.fromkeys(m.mode for state in (before, after) for m in state.modes)
        modes = tuple(ways_of(before.by(name), after.by(name)) for name in names)
        return cls(before, curve, towns, (nearest_post(before), nearest_post(after)), modes)

    def under(self, draw: Draw) -> Change:
        """Return what lies between the states under a draw; nothing is grown."""
        curve = draw.curve(self.curve)
        people = draw.people_of(self.before)
        old, new = self._minutes(draw)
        pull = [curve.fades(old)] * 2
        potential = [(pull[0] @ people[1], people[0] @ pull[0])] * 2
        city = [self._to_city(old)] * 2
        rows, columns = np.nonzero(old != new) if new is not old else (np.empty(0, np.int64),) * 2
        if len(rows):
            city[1], pull[1] = self._to_city(new), pull[0].copy()
            pull[1][rows, columns] = curve.fades(new[rows, columns])
            gained = pull[1][rows, columns] - pull[0][rows, columns]
            potential[1] = (
                potential[0][0] + np.bincount(rows, gained * people[1][columns], len(people[0])),
                potential[0][1] + np.bincount(columns, gained * people[0][rows], len(people[1])),
            )
        post = [(a * draw.slow[0], b * draw.slow[1]) for a, b in self.post]
        before, after = (Seen(people, city[k], post[k], potential[k]) for k in (0, 1))
        total = float(people[0] @ potential[0][0])
        scale = 1 / total if total > 0 else 1.0
        weight = people[0][rows] * people[1][columns] * scale
        benefit = user_benefit(weight, old[rows, columns], new[rows, columns], curve)
        return Change(before, after, rows, columns, benefit, float(total > 0), (pull[0], pull[1]), scale)

    def _minutes(self, draw: Draw) -> Both:
        """Return the minutes of all pairs in both states by the faster mode; one table where they are equal."""
        found = [minutes_of(ways, draw) for ways in self.modes]
        same = all(old is new for old, new in found)
        old, new = (_least([f[k] for f in found], self.before) for k in (0, 0 if same else 1))
        return old, old if same else new

    def _to_city(self, minutes: NDArray[np.float64]) -> Both:
        """Return the minutes of places of either side to the nearest city across."""
        a, b = minutes[:, self.towns[1]], minutes[self.towns[0]]
        return a.min(axis=1, initial=np.inf), b.min(axis=0, initial=np.inf)


def _least(tables: Sequence[NDArray[np.float64]], across: Across) -> NDArray[np.float64]:
    """Return the least of the tables of all modes."""
    if not tables:
        return np.full((len(across.a), len(across.b)), np.inf)
    out = tables[0]
    for table in tables[1:]:
        out = np.minimum(out, table)
    return out
