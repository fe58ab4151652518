"""Floating catchments: supply per person over travel times across the border, through PySAL's `access`.

Supply is anything with a capacity: beds of hospitals, seats, vehicles a day through checkpoints. Demand is people of
settlements or cells. Everything works on tables of minutes (`analysis.reach.accessibility.travel_times` from demand to
supply).

Unlike a potential, supply per person may rise where a border is closed: who is kept out no longer shares it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pandas as pd

from analysis.reach.accessibility import added_minutes, lost_access
from analysis.reach.decays import Decay, cumulative
from layers.errors import NetworkError
from network.build import NETWORKS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

CATCHMENT_MIN = 120.0
TAU_MIN = 60.0
"""RAAM: minutes of travel that people take to avoid a service loaded at twice the mean. The default of Saxon & Snow,
not calibrated."""
WHOLE = 1000
"""RAAM moves whole units of demand: each person counts so many, or small places would never move at all."""


class Catchments(NamedTuple):
    """Supply per person of every place of demand, and the load of every place of supply."""

    demand: pd.DataFrame
    supply: pd.DataFrame


def floating_catchments(
    times: Mapping[str, NDArray[np.float64]],
    people: NDArray[np.float64],
    supply: NDArray[np.float64],
    *,
    limit_min: float = CATCHMENT_MIN,
    decay: Decay | None = None,
    what: str = "supply",
) -> Catchments:
    """Return two-step floating catchments (2SFCA, Luo & Wang 2003; with a decay E2SFCA, Luo & Qi 2009) on each network.

    R_j = S_j / Σ_i w_ij·P_i is the supply per person who reaches service j, A_i = Σ_j w_ij·R_j what a person at i
    finds; w_ij = 1 up to `limit_min`, or f(t_ij) of a decay, cut there. Supply is kept: Σ_i P_i·A_i = Σ_j S_j over
    services that anybody reaches.

    Parameters
    ----------
    times
        Minutes from demand to supply, shape (demand, supply) per network; infinity where there is no way.
    people, supply
        People of each row and supply of each column; 0 or more.
    limit_min
        Edge of the catchment.
    decay
        Of `analysis.reach.decays`, e.g. ``gaussian(60)`` or ``zones({30: 1, 60: 0.68, 120: 0.22})``.
    what
        Word for the columns, e.g. beds.

    Returns
    -------
    ``demand``: ``<what>_per_1000_people_<network>`` with the changes of `analysis.reach.accessibility.lost_access`, in
    units of supply per 1,000 people; 0 where no service is in the catchment, NaN for a row that has no way to any on
    the borderless network. ``supply``: per service ``<what>``, ``catchment_people_<network>`` (weighted people who
    reach it) and ``<what>_per_1000_people_<network>`` (NaN where nobody does: its supply is in no result).

    Raises
    ------
    NetworkError
        Arrays that do not fit, numbers below 0, or a limit that is not positive and finite.

    Examples
    --------
    >>> near = np.array([[30.0], [100.0]])
    >>> times = {"borderless": near, "open": near, "actual": np.array([[30.0], [160.0]])}
    >>> found = floating_catchments(times, np.array([1000.0, 3000.0]), np.array([40.0]), what="beds")
    >>> found.demand["beds_per_1000_people_open"].tolist(), found.demand["beds_per_1000_people_actual"].tolist()
    ([10.0, 10.0], [40.0, 0.0])
    """
    _check(times, people, supply)
    edge = cumulative(limit_min)
    values, rows = {}, {what: np.asarray(supply, float)}
    for name in NETWORKS:
        minutes = np.asarray(times[name], float)
        weight = edge(minutes) * (1.0 if decay is None else decay(minutes))
        load, access = _two_steps(weight, people, supply)
        values[name] = np.where(np.isfinite(times["borderless"]).any(axis=1), 1000 * access, np.nan)
        rows[f"catchment_people_{name}"] = load
        with np.errstate(divide="ignore", invalid="ignore"):
            rows[f"{what}_per_1000_people_{name}"] = np.where(load > 0, 1000 * supply / load, np.nan)
    return Catchments(lost_access(values, f"{what}_per_1000_people"), pd.DataFrame(rows))


def _two_steps(
    weight: NDArray[np.float64], people: NDArray[np.float64], supply: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the weighted people of each service and the supply per person of each row, by `access`."""
    from access import fca

    # access joins frames by id: a pair without weight, or a service that nobody reaches, must not be in them, or it
    # divides by nothing; and it asks a weight function pair by pair, so that weights take the place of costs.
    weight = weight * (people @ weight > 0)
    origin, dest = np.nonzero(weight)
    load, access = np.zeros(weight.shape[1]), np.zeros(weight.shape[0])
    if not len(origin):
        return load, access
    pairs = pd.DataFrame({"origin": origin, "dest": dest, "cost": weight[origin, dest]})
    demand = pd.DataFrame({"demand": np.asarray(people, float)}, index=pd.RangeIndex(len(people), name="geoid"))
    services = pd.DataFrame({"supply": np.asarray(supply, float)}, index=pd.RangeIndex(len(supply), name="geoid"))
    reach = fca.weighted_catchment(
        demand, pairs, cost_source="origin", cost_dest="dest", loc_index="geoid", loc_value="demand", weight_fn=_same
    )
    found = fca.two_stage_fca(demand, services, pairs, weight_fn=_same)
    load[reach.index.to_numpy(np.int64)] = reach.to_numpy(float)
    access[found.index.to_numpy(np.int64)] = found.to_numpy(float)
    return load, access


def _same(weight: float) -> float:
    """Return what is given."""
    return weight


def rational_access(
    times: Mapping[str, NDArray[np.float64]],
    people: NDArray[np.float64],
    supply: NDArray[np.float64],
    *,
    tau_min: float = TAU_MIN,
    rounds: int = 150,
) -> pd.DataFrame:
    """Return the minutes of travel and crowding that people spend when all choose well.

    RAAM (Saxon & Snow 2020), by `access`.

    Everybody goes where t_ij + τ·(D_j / (ρ·S_j)) is least, D_j the people who go to j and ρ the mean people per supply,
    the same on all networks; the result is the mean of that sum over the people of i. Low is good.

    Parameters
    ----------
    times, people, supply
        As for `floating_catchments`. Rows without people and services without supply take no part.
    tau_min
        τ, the minutes that a service at its mean load costs by crowding.
    rounds
        Steps of the search; each moves people of every place from its dearest service to its cheapest.

    Returns
    -------
    The columns of `analysis.reach.accessibility.added_minutes` for ``raam``; NaN without people or without a way to any
    service. Detour and delay may be negative where the border keeps others out of a service.

    Raises
    ------
    NetworkError
        Arrays that do not fit, numbers below 0, or τ or rounds not positive.

    Notes
    -----
    The search is a heuristic: compare results of 150 and 300 rounds before differences of a minute are read. It holds
    all pairs at once.

    Examples
    --------
    >>> near = np.array([[10.0], [30.0]])
    >>> times = {"borderless": near, "open": near, "actual": np.array([[10.0], [np.inf]])}
    >>> found = rational_access(times, np.array([100.0, 100.0]), np.array([5.0]))
    >>> found["raam_open_min"].round(6).tolist(), found["raam_actual_min"].round(6).tolist()
    ([70.0, 90.0], [40.0, nan])
    """
    _check(times, people, supply)
    if not (0 < tau_min < np.inf and rounds >= 1):
        raise NetworkError(f"τ of {tau_min:g} min and {rounds} rounds: allowed are more than 0 and at least 1")
    whole = np.rint(np.asarray(people, float) * WHOLE)
    total = float(np.sum(supply))
    rho = whole.sum() / total if total > 0 else np.nan
    minutes = {n: _raam(np.asarray(times[n], float), whole, supply, rho, tau_min, rounds) for n in NETWORKS}
    return added_minutes(minutes, "raam")


def _raam(
    minutes: NDArray[np.float64],
    people: NDArray[np.float64],
    supply: NDArray[np.float64],
    rho: float,
    tau_min: float,
    rounds: int,
) -> NDArray[np.float64]:
    """Return the cost of each row in minutes, infinity where it takes no part, by `access`."""
    from access.raam import raam

    out = np.full(len(people), np.inf)
    # A pair that is not in the frame is masked; who reaches nothing would be sent to the first service.
    use = np.isfinite(minutes) & (people > 0)[:, None] & (supply > 0)[None]
    origin, dest = np.nonzero(use)
    if not len(origin):
        return out
    pairs = pd.DataFrame({"origin": origin, "dest": dest, "cost": minutes[origin, dest]})
    cost = raam(
        pd.DataFrame({"demand": people}),
        pd.DataFrame({"supply": np.asarray(supply, float)}),
        pairs,
        tau=tau_min,
        rho=rho,
        max_cycles=rounds,
    )
    out[cost.index.to_numpy(np.int64)] = tau_min * np.ma.filled(np.ma.asarray(cost.to_numpy(float)), np.inf)
    return out


def _check(times: Mapping[str, NDArray[np.float64]], people: NDArray[np.float64], supply: NDArray[np.float64]) -> None:
    """Raise where the arrays do not fit or hold what no people and no supply can be."""
    shape = (len(people), len(supply))
    shapes = sorted({np.shape(times[n]) for n in NETWORKS})
    if shapes != [shape]:
        raise NetworkError(f"times of shape {shapes} for {shape[0]} places and {shape[1]} services: allowed is {shape}")
    for what, values in (("people", people), ("supply", supply)):
        if not (np.isfinite(values) & (np.asarray(values) >= 0)).all():
            raise NetworkError(f"{what} below 0 or unknown: allowed is 0 or more, everywhere")
