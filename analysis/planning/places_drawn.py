"""Who gains and who loses under the draws: by settlement, region and side."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from analysis.planning.loads_drawn import quantile

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from analysis.planning.two_states import Change

PLACE = ("city_min_change", "potential_change", "benefit_share")
GROUP = ("potential_change_pct", "benefit_share")


@dataclass
class PlacesDrawn:
    """What is kept of each draw: minutes, potentials and benefits of all settlements, those of side a first.

    ``ids``, ``side``, ``region`` of each.
    """

    ids: NDArray[np.object_]
    side: NDArray[np.object_]
    region: NDArray[np.object_]
    minutes: list[NDArray[np.float64]] = field(default_factory=list)
    before: list[NDArray[np.float64]] = field(default_factory=list)
    change: list[NDArray[np.float64]] = field(default_factory=list)
    share: list[NDArray[np.float64]] = field(default_factory=list)
    people: list[NDArray[np.float64]] = field(default_factory=list)

    def add(self, change: Change) -> None:
        """Keep one draw."""
        old, new = change.before, change.after
        city = [np.concatenate(s.city) for s in (old, new)]
        known = np.isfinite(city[0]) & np.isfinite(city[1])
        self.minutes.append(np.where(known, np.where(known, city[1], 0) - np.where(known, city[0], 0), np.nan))
        potential = [np.concatenate(s.potential) for s in (old, new)]
        self.before.append(potential[0])
        self.change.append(potential[1] - potential[0])
        size, half = float(np.abs(change.benefit.whole).sum()), change.half_by_place
        self.share.append(half / size if size > 0 else np.zeros(len(half)))
        self.people.append(np.concatenate(old.people))

    def with_ranges(self, places: pd.DataFrame) -> pd.DataFrame:
        """Return the table of settlements with ``<column>_low`` and ``<column>_high`` of the draws."""
        if not self.change:
            return places
        rows = pd.Index(self.ids).get_indexer(pd.Index(places["settlement_id"]))
        out = places.copy()
        for name, values in zip(PLACE, (self.minutes, self.change, self.share), strict=True):
            for end, q in (("low", 5), ("high", 95)):
                out[f"{name}_{end}"] = quantile(np.stack(values), q)[rows]
        return out

    def grouped(self, table: pd.DataFrame, by: Sequence[str]) -> pd.DataFrame:
        """Return a table of sides, or of sides and regions, with the same ranges."""
        if not self.change:
            return table
        keys = pd.DataFrame({"side": self.side, "region": self.region})[list(by)]
        code = pd.MultiIndex.from_frame(table[list(by)]).get_indexer(pd.MultiIndex.from_frame(keys))
        n, inside = len(table), code >= 0
        rows = {name: np.full((len(self.change), n), np.nan) for name in GROUP}
        for d in range(len(self.change)):  # draws: hundreds
            weight = self.people[d][inside]
            old, more, share = (
                np.bincount(code[inside], v, n)
                for v in (self.before[d][inside] * weight, self.change[d][inside] * weight, self.share[d][inside])
            )
            rows["potential_change_pct"][d] = np.divide(100 * more, old, out=np.full(n, np.nan), where=old > 0)
            rows["benefit_share"][d] = share
        out = table.copy()
        for name in GROUP:
            for end, q in (("low", 5), ("high", 95)):
                out[f"{name}_{end}"] = quantile(rows[name], q)
        return out
