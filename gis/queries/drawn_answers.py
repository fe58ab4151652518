"""A scenario under all draws at once: figures, settlements, loads and queues, over the same trees."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

import numpy as np
import pandas as pd

from analysis.planning.draws import CENTRE, Draw
from analysis.planning.loads_drawn import Loads, most_travelled, queues_of, ranges
from analysis.planning.places_drawn import PlacesDrawn

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from analysis.planning.across import Across
    from analysis.planning.benefit import Benefit
    from analysis.planning.draws import Spread
    from analysis.planning.two_states import TwoStates
    from gis.study import Study
    from network.build import Network


class Answering(Protocol):
    """What draws need of the answers on a base: `gis.queries.answers.Answers` has it."""

    study: Study
    network: Network
    spread: Spread
    trees: Across

    def two_states(self, trees: Across) -> TwoStates:
        """Return the base and a scenario with these trees, laid out for draws."""

    def draws(self, after: Network) -> Sequence[Draw]:
        """Return the draws of a scenario."""


@dataclass
class Drawn:
    """What the draws leave; build it with `Drawn.of`.

    Attributes
    ----------
    figures
        Of each draw by name.
    loads, queues
        A table of each draw, and of the border as it is over the same pairs (``centre``).
    """

    places: PlacesDrawn
    figures: list[dict[str, float]] = field(default_factory=list)
    loads: list[pd.DataFrame] = field(default_factory=list)
    queues: list[pd.DataFrame] = field(default_factory=list)
    centre: dict[str, pd.DataFrame] = field(default_factory=dict)

    @classmethod
    def of(cls, answers: Answering, after: Network, trees: Across, benefit: Benefit, *, loads: bool) -> Drawn:
        """Return the draws of a scenario; loads and queues only where they are asked for."""
        towns, rows = answers.network.settlements, np.concatenate([answers.trees.a, answers.trees.b])
        columns = [towns[c].to_numpy(dtype=object)[rows] for c in ("settlement_id", "region")]
        side = np.repeat(np.array(["a", "b"], dtype=object), [len(answers.trees.a), len(answers.trees.b)])
        out = cls(PlacesDrawn(columns[0], side, columns[1]))
        if not answers.spread.draws:
            return out
        pairs, theta = most_travelled(benefit), answers.study.analysis.theta_per_min
        states, queue = answers.two_states(trees), _Queue.of(answers, after)
        chosen = Loads.of(answers.trees, trees, pairs, theta=theta)
        for draw in (CENTRE, *answers.draws(after)):  # hundreds, no tree is grown
            change = states.under(draw)
            found: dict[str, pd.DataFrame] = {}
            if loads:
                trips = change.trips_of(pairs.i, pairs.j)
                found["loads"] = chosen.under(draw, trips)
                if queue is not None:
                    found["queues"] = queue.under(draw, chosen, trips, change.figures["induced"])
            if draw is CENTRE:
                out.centre = found
                continue
            out.figures.append(change.figures)
            out.places.add(change)
            for name, table in found.items():
                getattr(out, name).append(table)
        return out

    def with_loads(self, table: pd.DataFrame) -> pd.DataFrame:
        """Return the loads of all pairs with the ranges of the draws."""
        return self._with("loads", table)

    def with_queues(self, table: pd.DataFrame) -> pd.DataFrame:
        """Return the queues of all pairs with the ranges of the draws."""
        return self._with("queues", table)

    def _with(self, name: str, table: pd.DataFrame) -> pd.DataFrame:
        if name not in self.centre or table.empty:
            return table
        centre = self.centre[name]
        whole = table.set_index("checkpoint_id").reindex(columns=centre.columns)
        found = ranges(getattr(self, name), centre, whole)
        return table.join(found, on="checkpoint_id")


@dataclass(frozen=True)
class _Queue:
    """What queues hang on, before and after: waits and capacities by checkpoint."""

    answers: Answering
    waits: tuple[Mapping[str, float], Mapping[str, float]]
    capacity: tuple[Mapping[str, float], Mapping[str, float]]

    @classmethod
    def of(cls, answers: Answering, after: Network) -> _Queue | None:
        """Return them, None where vehicles a day or capacities are not known."""
        tables = [n.checkpoints[n.checkpoints["open"].astype(bool)] for n in (answers.network, after)]
        capacity = [t.set_index("checkpoint_id")["capacity_per_day"].astype(float).dropna().to_dict() for t in tables]
        if not answers.study.trips.per_day or not all(capacity):
            return None
        waits = [t.set_index("checkpoint_id")["wait_min"].astype(float).to_dict() for t in tables]
        return cls(answers, (waits[0], waits[1]), (capacity[0], capacity[1]))

    def under(
        self, draw: Draw, chosen: Loads, trips: tuple[NDArray[np.float64], NDArray[np.float64]], induced: float
    ) -> pd.DataFrame:
        """Return flows, load factors and waits of both states under a draw, as the table of queues has them.

        Parameters
        ----------
        trips
            Of the pairs, before and after.
        induced
            Share of all trips of before that are made more.
        """
        study = self.answers.study
        per_day = float(study.trips.per_day or 0.0)
        parts = []
        for k, alternatives in enumerate((chosen.before, chosen.after)):
            total = per_day * (1 + induced * k)
            waits = {c: w * draw.waits.get(c, 1.0) for c, w in self.waits[k].items()}
            room = {c: n * draw.capacity.get(c, 1.0) for c, n in self.capacity[k].items()}
            found = queues_of(
                alternatives,
                draw,
                trips[k],
                waits,
                room,
                per_day=total,
                theta=study.analysis.theta_per_min,
                peak_min=study.trips.peak_min,
            )
            parts.append(found.add_suffix(("_before", "_after")[k]))
        both = parts[0].join(parts[1], how="outer")
        return both.assign(wait_min_change=both["wait_min_after"] - both["wait_min_before"])
