"""The ranked lists: places, the size of their effect, how far it moves over the settings, what it hangs on."""

from __future__ import annotations

from typing import TYPE_CHECKING

import geopandas as gpd
import numpy as np
import pandas as pd

from analysis.statistics.growth import largest_share
from analysis.statistics.homes import cell_pull, named
from analysis.statistics.ranges import over_settings
from analysis.statistics.words import KIND, NO_DATA
from layers.crs import WGS84, points_at

if TYPE_CHECKING:
    from analysis.statistics.effects import Basis

LIST_PEOPLE = 10_000
"""Fewer people in a cell make no entry of the list of growth."""
HOME_SD = 1.64
"""Standard deviations of home roads that a bottleneck takes more than: 5 of 100 home trips do."""

FINDING = (
    "place",
    "finding",
    "class",
    "rank",
    "rank_low",
    "rank_high",
    "steady",
    "population",
    "side",
    "region",
    "growth",
    "growth_low",
    "growth_high",
    "leading_city",
    "leading_city_share",
    "excess_min",
    "excess_low_min",
    "excess_high_min",
    "next_city",
    "next_city_min",
    "home_roads_min",
    "checkpoint",
    "assumed_wait_share",
    "leading_share",
    "flag",
    "advice",
    "cell",
)
"""Columns of `finding_places`."""
_PLACE = ["place", "side", "region", "cell", "lon", "lat", "population"]
_RANKS = ["rank", "rank_low", "rank_high", "leading_share", "settings", "steady"]


def growth_list(
    basis: Basis, residuals: pd.DataFrame, flag: pd.Series, *, list_people: float = LIST_PEOPLE
) -> pd.DataFrame:
    """Return the places of growth, the largest effect first: cells of at least `list_people` whose effect is above 1.

    Parameters
    ----------
    residuals
        From `analysis.statistics.effects.growth_over_settings`.
    flag
        By cell, from `analysis.statistics.flags`.

    Returns
    -------
    ``place``, ``side``, ``region``, ``cell``, ``lon``, ``lat``, ``population``; ``growth`` (times what its side, home
    potential and distance to the line give), ``growth_low``, ``growth_high``, ``growth_least``, ``growth_most`` and the
    ranks of `over_settings`, among all populated cells; ``leading_city`` and ``leading_city_share`` (of its potential
    across); ``wait_share`` (of that potential without waits, what waiting takes); ``flag``.
    """
    moved = over_settings(residuals)
    for column in ("effect", "low", "high", "least", "most"):
        moved[column] = np.exp(moved[column])
    table = _places(basis).join(moved)
    actual = cell_pull(basis.homes, basis.targets, basis.actual, basis.decay)
    free = cell_pull(basis.homes, basis.targets, basis.open, basis.decay)
    city, share = largest_share(actual, basis.names, basis.targets.people)
    kept, whole = actual @ basis.targets.people, free @ basis.targets.people
    table["leading_city"], table["leading_city_share"] = city, share
    table["wait_share"] = 1 - np.divide(kept, whole, out=np.full(len(kept), np.nan), where=whole > 0)
    table["flag"] = flag.reindex(table.index).fillna(NO_DATA)
    use = (table["population"] >= list_people) & (table["effect"] > 1)
    columns = [*_PLACE, *_effect("growth"), *_RANKS, "leading_city", "leading_city_share", "wait_share", "flag"]
    return _ordered(table.rename(columns=_effect_names("growth", ""))[use], "growth", columns)


def bottleneck_list(
    basis: Basis,
    trips: pd.DataFrame,
    minutes: pd.DataFrame,
    flag: pd.Series,
    checkpoint: pd.Series,
    *,
    assumed_share: pd.Series,
    home_sd: float = HOME_SD,
) -> pd.DataFrame:
    """Return the bottlenecks, the most people times excess minutes first.

    At least `home_sd` beyond home roads, a range above 0.

    Parameters
    ----------
    trips
        From `analysis.statistics.effects.trips_to_city`.
    minutes
        From `analysis.statistics.effects.excess_over_settings`.
    checkpoint
        By cell, the name of the nearest open checkpoint.
    assumed_share
        By cell, the share of the wait on the way to its next city that is an assumption, 0 to 1.

    Returns
    -------
    The columns of place as in `growth_list`; ``next_city``, ``next_city_km``, ``next_city_min``, ``home_roads_min``;
    ``excess_min``, ``excess_low_min``, ``excess_high_min``, ``excess_least_min``, ``excess_most_min`` and the ranks of
    `over_settings`, by people × excess; ``excess_ground_min``, ``excess_wait_min``, ``assumed_wait_share`` (of the
    excess); ``excess_sd``, ``person_minutes``, ``checkpoint``, ``flag``.
    """
    place = _places(basis)
    people = place["population"].to_numpy(float)
    moved = over_settings(minutes, minutes.mul(people, axis=0))
    table = place.join(moved).join(trips.drop(columns=["excess_min"]))
    table["person_minutes"] = people * table["effect"]
    wait = (table["excess_wait_min"] / table["effect"].where(table["effect"] > 0)).clip(upper=1.0)
    table["assumed_wait_share"] = wait * assumed_share.reindex(table.index)
    table["checkpoint"] = checkpoint.reindex(table.index).fillna("")
    table["flag"] = flag.reindex(table.index).fillna(NO_DATA)
    use = (table["population"] > 0) & (table["excess_sd"] >= home_sd) & (table["low"] > 0)
    columns = [
        *_PLACE,
        "next_city",
        "next_city_km",
        "next_city_min",
        "home_roads_min",
        *_effect("excess", "_min"),
        *_RANKS,
        "excess_ground_min",
        "excess_wait_min",
        "assumed_wait_share",
        "excess_sd",
        "person_minutes",
        "checkpoint",
        "flag",
    ]
    return _ordered(table.rename(columns=_effect_names("excess", "_min"))[use], "person_minutes", columns)


def one_advice(growth: pd.DataFrame, bottlenecks: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return both lists with ``advice``.

    A cell in both is named as what it is more, by its rank in either; of equals as a bottleneck.

    The other list keeps the row and says so.
    """
    ranks = growth.set_index("cell")["rank"]
    theirs = bottlenecks.set_index("cell")["rank"]
    both = ranks.index.intersection(theirs.index)
    as_growth = set(both[ranks[both].to_numpy() < theirs[both].to_numpy()])
    one = np.where(growth["cell"].isin(both) & ~growth["cell"].isin(as_growth), KIND["bottleneck"], KIND["growth"])
    other = np.where(bottlenecks["cell"].isin(as_growth), KIND["growth"], KIND["bottleneck"])
    return growth.assign(advice=one), bottlenecks.assign(advice=other)


def finding_places(growth: pd.DataFrame, bottlenecks: pd.DataFrame) -> gpd.GeoDataFrame:
    """Return both lists as points, one row per entry, for maps: a place in both stands there twice.

    Returns
    -------
    ``place``, ``finding`` (growth point or bottleneck), ``class`` (the same with "steady" before it where the rank is),
    the columns of place, effects with their ranges (NaN in rows of the other list), ranks, cities, ``checkpoint``,
    ``flag``, ``advice``.
    """
    parts = [(growth, KIND["growth"]), (bottlenecks, KIND["bottleneck"])]
    rows = pd.concat([table.assign(finding=kind) for table, kind in parts if len(table)] or [growth], ignore_index=True)
    if rows.empty:
        return gpd.GeoDataFrame(rows.reindex(columns=list(FINDING)), geometry=[], crs=WGS84)
    rows["class"] = np.where(rows["steady"].astype(bool), "steady ", "") + rows["finding"].astype(object)
    points = points_at(rows[["lon", "lat"]].to_numpy(float))
    return gpd.GeoDataFrame(rows.reindex(columns=list(FINDING)), geometry=points, crs=WGS84)


def _effect_names(what: str, unit: str = "") -> dict[str, str]:
    """Return what the columns of an effect and its range are called."""
    ranges = {c: f"{what}_{c}{unit}" for c in ("low", "high", "least", "most")}
    return {"effect": f"{what}{unit}", **ranges}


def _effect(what: str, unit: str = "") -> list[str]:
    """Return the names of an effect and its range."""
    return list(_effect_names(what, unit).values())


def _places(basis: Basis) -> pd.DataFrame:
    """Return the cells with their names, by cell."""
    cells = basis.cells
    table = pd.DataFrame(cells[["side", "region", "cell", "lon", "lat", "population"]]).assign(
        place=named(cells, basis.homes)
    )
    return table.set_axis(cells["cell"].to_numpy(), axis=0)


def _ordered(table: pd.DataFrame, by: str, columns: list[str]) -> pd.DataFrame:
    """Return the columns of the rows from the largest down."""
    return table.sort_values([by, "cell"], ascending=[False, True], kind="stable")[columns].reset_index(drop=True)
