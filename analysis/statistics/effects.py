"""The two effects of every populated cell, and the same under every setting that nobody measured."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property, partial
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from analysis.statistics.excess import HomeNorm, excess, home_norm, nearest_by_crow, straight_km
from analysis.statistics.growth import growth_residual
from analysis.statistics.homes import Homes, cell_units
from layers.sides import same_side

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from analysis.reach.accessibility import Targets
    from analysis.reach.decays import Decay

CITY_PEOPLE = 50_000
OTHER_CITIES = (0.4, 2.0)
"""Times the size of a city in the settings: 20,000 and 100,000 beside 50,000."""


@dataclass(frozen=True)
class Basis:
    """What the effects are made of.

    ``waits`` holds the actual minutes from homes to targets by setting of the waits, the run's own first; ``open`` the
    minutes without any wait; ``fades`` the decays by setting, the run's own first; ``names`` and ``lonlat`` are the
    targets'; ``length_scatter`` is the share by which the kilometres of generalised data are off
    (`network.lengths.scatter`), 0 where they are OpenStreetMap's own.
    """

    cells: pd.DataFrame
    homes: Homes
    targets: Targets
    names: NDArray[np.object_]
    lonlat: NDArray[np.float64]
    waits: Mapping[str, NDArray[np.float64]]
    open: NDArray[np.float64]
    fades: Mapping[str, Decay]
    length_scatter: float = 0.0

    @property
    def actual(self) -> NDArray[np.float64]:
        """Minutes with the run's own waits."""
        return next(iter(self.waits.values()))

    @property
    def decay(self) -> Decay:
        """The run's own decay."""
        return next(iter(self.fades.values()))

    @cached_property
    def _straight(self) -> dict[float, NDArray[np.float64]]:
        """By size of a city; filled by `km_to_cities`."""
        return {}

    def km_to_cities(self, city_people: float) -> NDArray[np.float64]:
        """Return straight kilometres from homes to targets of so many people, the same whatever the waits."""
        if city_people not in self._straight:
            large = self.lonlat[self.targets.people >= city_people]
            some = len(large) > 0 and len(self.homes.cell) > 0
            none = np.zeros((len(self.homes.cell), len(large)))
            self._straight[city_people] = straight_km(self.homes.lonlat, large) if some else none
        return self._straight[city_people]


def other_lengths(basis: Basis) -> dict[str, Basis]:
    """Return the ground with the ways across shorter and longer by the scatter of lengths, those at home as they are.

    One error for all ways would leave a comparison of across with home as it is; nobody knows that there is one, so the
    ways across are moved alone: the widest that the scatter can do.
    """
    if not basis.length_scatter > 0:
        return {}
    across = ~same_side(basis.homes.side, basis.targets.side) & np.isfinite(basis.open)
    off = basis.length_scatter * np.where(across, basis.open, 0.0)
    out = {}
    for word, more in (("shorter", -off), ("longer", off)):
        name = f"ways across {basis.length_scatter:.1%} {word}"
        out[name] = replace(basis, waits={"": basis.actual + more}, open=basis.open + more)
    return out


def growth_over_settings(basis: Basis) -> pd.DataFrame:
    """Return the growth residual of each cell, a column per setting, the run's own first.

    Settings: waits by decays by four regressions (by people and with log A^dom and distance; all cells alike; without
    log A^dom; without the distance), and the run's own with each region left out of the fit and with `other_lengths`.
    """
    forms: dict[str, Callable[[pd.DataFrame], pd.Series]] = {
        "": growth_residual,
        "cells alike": partial(growth_residual, weighted=False),
        "no home potential": partial(growth_residual, home=False),
        "no distance": partial(growth_residual, distance=False),
    }
    table: dict[str, pd.Series] = {}
    units = None
    for wait, minutes in basis.waits.items():
        for fade, decay in basis.fades.items():
            units_now = cell_units(basis.cells, basis.homes, basis.targets, minutes, decay)
            units = units_now if units is None else units
            for form, fitted in forms.items():
                name = ", ".join(w for w in (wait, fade, form) if w) or "the run"
                table[name] = fitted(units_now)
    if units is None:
        return pd.DataFrame(index=basis.cells["cell"])
    for region in _regions(basis):
        table[f"without {region}"] = growth_residual(units, fit=(units["region"] != region).to_numpy())
    for name, other in other_lengths(basis).items():
        table[name] = growth_residual(cell_units(other.cells, other.homes, other.targets, other.actual, other.decay))
    return pd.DataFrame(table)


def trips_to_city(
    basis: Basis,
    minutes: NDArray[np.float64],
    *,
    city_people: float = CITY_PEOPLE,
    pooled: bool = False,
    without: str = "",
) -> tuple[pd.DataFrame, HomeNorm]:
    """Return each cell's excess minutes to the nearest city across the border, and the norm.

    Nearest by straight distance, among those that the cell reaches.

    The city is one for all of a cell, by its largest home; minutes, kilometres and the norm are means of its homes by
    people.

    Parameters
    ----------
    minutes
        With waits, shape (homes, targets).
    without
        A region whose homes are left out of the norm.

    Returns
    -------
    By cell: ``next_city``, ``next_city_km``, ``next_city_min``, the further columns of
    `analysis.statistics.excess.excess`.
    """
    homes, targets = basis.homes, basis.targets
    large = targets.people >= city_people
    region = basis.cells["region"].to_numpy(dtype=object)[homes.cell] if len(homes.cell) else np.zeros(0, object)
    km = basis.km_to_cities(city_people)
    at_home = same_side(homes.side, targets.side[large]) & (region != without)[:, None]
    own = np.nonzero(at_home)
    norm = home_norm(minutes[:, large][own], km[own], homes.side[own[0]], pooled=pooled)
    # One city for a cell: the nearest to its largest home.
    first = homes.largest()
    reached = np.isfinite(minutes[:, large]) & ~same_side(homes.side, targets.side[large])
    city = np.full(homes.n, -1)
    with_home = np.flatnonzero(first >= 0)
    city[with_home] = nearest_by_crow(km[first[with_home]], reached[first[with_home]])[0]
    each = city[homes.cell] if len(homes.cell) else np.zeros(0, np.int64)
    rows = np.arange(len(homes.cell))
    none = each < 0
    to = np.maximum(each, 0)
    pick = {
        name: np.where(none, np.nan, table[rows, to]) if large.any() else np.full(len(rows), np.nan)
        for name, table in (("actual", minutes[:, large]), ("open", basis.open[:, large]), ("km", km))
    }
    trip = excess(pick["actual"], pick["open"], pick["km"], homes.side, norm)
    trip = trip.where(trip["minutes"].notna())
    out = pd.DataFrame({c: homes.mean(trip[c].to_numpy(float)) for c in trip}, index=basis.cells["cell"].to_numpy())
    out = out.rename(columns={"minutes": "next_city_min"})
    out.insert(0, "next_city_km", homes.mean(pick["km"]))
    names = basis.names[large]
    out.insert(0, "next_city", np.where(city >= 0, names[np.maximum(city, 0)], "") if large.any() else "")
    return out, norm


def excess_over_settings(basis: Basis, *, city_people: float = CITY_PEOPLE) -> pd.DataFrame:
    """Return the excess minutes of each cell, a column per setting, the run's own first.

    Settings: waits by sizes of a city by the norm of each side or of both together, and the run's own with each region
    left out of the norm and with `other_lengths`.
    """
    table: dict[str, pd.Series] = {}
    for wait, minutes in basis.waits.items():
        for factor in (1.0, *OTHER_CITIES):
            for pooled in (False, True):
                size = "" if factor == 1 else f"cities of {factor * city_people:,.0f}"
                name = ", ".join(w for w in (wait, size, "one norm" if pooled else "") if w) or "the run"
                found, _ = trips_to_city(basis, minutes, city_people=factor * city_people, pooled=pooled)
                table[name] = found["excess_min"]
    for region in _regions(basis):
        found, _ = trips_to_city(basis, basis.actual, city_people=city_people, without=region)
        table[f"without {region}"] = found["excess_min"]
    for name, other in other_lengths(basis).items():
        table[name] = trips_to_city(other, other.actual, city_people=city_people)[0]["excess_min"]
    return pd.DataFrame(table)


def undetoured_share(free: NDArray[np.float64], borderless: NDArray[np.float64]) -> float:
    """Return the share of units whose minutes without waits are those without a border.

    Where it is high, delay is all there is.

    Examples
    --------
    >>> undetoured_share(np.array([60.0, 90.0, np.inf]), np.array([60.0, 60.0, np.inf]))
    0.5
    """
    known = np.isfinite(free) & np.isfinite(borderless)
    return float(np.isclose(free[known], borderless[known], rtol=1e-6, atol=1e-6).mean()) if known.any() else np.nan


def _regions(basis: Basis) -> list[str]:
    """Return the regions in which somebody lives."""
    cells = basis.cells
    return sorted(set(cells.loc[(cells["population"] > 0).to_numpy(), "region"]))
