"""Opportunities: time to the nearest place of any layer, people within hours and within a day's return.

All but the way back works on tables of minutes (`analysis.reach.accessibility.travel_times` to settlements or to
`analysis.reach.places`), so that one run grows its trees once. Every measure stands on the three networks; detour and
delay add up to the border's whole effect.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, get_args

import numpy as np
import pandas as pd

from analysis.reach.accessibility import Targets, added_minutes, by_network, lost_access
from layers.errors import NetworkError
from layers.sides import same_side
from network.build import DOMESTIC, FIELDS, NETWORKS
from network.costs import blocks
from network.routing import Points, Router

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from numpy.typing import NDArray

    Times = Mapping[str, NDArray[np.float64]]

Where = Literal["own", "cross", "any"]
LIMITS_MIN = (60.0, 120.0, 180.0, 240.0)
DAY_MIN = 240.0
"""One way at the most for a return within a day (Törnqvist 1970; Gutiérrez 2001)."""
LOGSUM_PER_MIN = 0.1
"""λ of the logsum: an assumption. Two modes of the same time are worth ln 2 / λ = 7 minutes less than one."""


def nearest_place(
    times: Times, side: NDArray[np.object_], places: pd.DataFrame, what: str, *, where: Where = "any"
) -> pd.DataFrame:
    """Return per point the minutes to the nearest place of a layer on each network, which, and the border's part.

    Parameters
    ----------
    times
        Minutes from points to places, shape (points, places) per network.
    side
        Of the points.
    places
        ``place`` (name) and ``side``, in the order of the columns of `times`.
    what
        Word for the columns, e.g. hospital.
    where
        Places of the own side, across the border, or any.

    Returns
    -------
    The columns of `analysis.reach.accessibility.added_minutes` for ``time_to_<what>_<where>``, and the names
    ``<what>_<where>_<network>``, empty where none is reached. Equal times go to the earlier place of the layer.

    Examples
    --------
    >>> minutes = np.array([[200.0, 45.0]])
    >>> times = {"borderless": minutes, "open": minutes + [[0, 30]], "actual": minutes + [[0, 180]]}
    >>> layer = pd.DataFrame({"place": ["Home", "Abroad"], "side": ["a", "b"]})
    >>> found = nearest_place(times, np.array(["a"], dtype=object), layer, "hospital")
    >>> found[["time_to_hospital_any_borderless_min", "time_to_hospital_any_actual_min"]].iloc[0].tolist()
    [45.0, 200.0]
    >>> found["hospital_any_actual"].tolist()
    ['Home']
    """
    mask = _where(side, places["side"].to_numpy(dtype=object), where)
    names = np.append(places["place"].to_numpy(dtype=object), "")
    best, which = {}, {}
    for name in NETWORKS:
        minutes = np.where(mask, times[name], np.inf)
        # One more column, never reached: a layer may be empty.
        minutes = np.hstack([minutes, np.full((len(side), 1), np.inf)])
        at = minutes.argmin(axis=1)
        best[name] = minutes[np.arange(len(side)), at]
        which[f"{what}_{where}_{name}"] = np.where(np.isfinite(best[name]), names[at], "")
    return pd.concat([added_minutes(best, f"time_to_{what}_{where}"), pd.DataFrame(which)], axis=1)


def within_minutes(
    times: Times,
    side: NDArray[np.object_],
    targets: Targets,
    *,
    limits_min: Sequence[float] = LIMITS_MIN,
    where: Where = "cross",
    what: str = "people",
    joined: NDArray[np.bool_] | None = None,
) -> pd.DataFrame:
    """Return per point the people (or any weight) within several times.

    C_i(T) = Σ_j P_j·1[t_ij ≤ T] (Geurs & van Wee 2004).

    Parameters
    ----------
    times
        Minutes from points to targets, shape (points, targets) per network.
    side
        Of the points.
    limits_min
        T in minutes; what is exactly so far counts.
    where
        Targets of the own side, across the border, or any.
    joined
        Whether each point joins the network (`Points.joined`); where None, whether it reaches anything.

    Returns
    -------
    Per limit the columns of `analysis.reach.accessibility.lost_access` for ``<what>_within_<T>min_<where>``, in the
    unit of the weights. NaN where a point joins nothing.

    Examples
    --------
    >>> minutes = np.array([[30.0, 50.0]])
    >>> times = {"borderless": minutes, "open": minutes, "actual": minutes + [[0, 60]]}
    >>> targets = Targets(np.arange(2), np.array(["a", "b"], dtype=object), np.array([1000.0, 5000.0]))
    >>> found = within_minutes(times, np.array(["a"], dtype=object), targets, limits_min=[60], where="any")
    >>> found["people_within_60min_any_open"].tolist(), found["people_within_60min_any_actual"].tolist()
    ([6000.0], [1000.0])
    """
    wrong = [t for t in limits_min if not 0 < t < np.inf]
    if wrong:
        raise NetworkError(f"a limit of {wrong[0]:g} min: allowed is more than 0 and finite")
    known = _joined(times) if joined is None else joined
    pairs = [(n, limit) for limit in limits_min for n in NETWORKS]
    tests = [lambda rows, n=n, limit=limit: times[n][rows] <= limit for n, limit in pairs]
    counts = dict(zip(pairs, _counts(side, targets, where, known, tests), strict=True))
    parts = [
        lost_access({n: counts[n, limit] for n in NETWORKS}, f"{what}_within_{limit:g}min_{where}")
        for limit in limits_min
    ]
    return pd.concat(parts, axis=1) if parts else pd.DataFrame(index=range(len(side)))


def within_a_day(
    there: Times,
    back: Times,
    side: NDArray[np.object_],
    targets: Targets,
    *,
    one_way_min: float = DAY_MIN,
    where: Where = "cross",
    what: str = "people",
    joined: NDArray[np.bool_] | None = None,
) -> pd.DataFrame:
    """Return per point the people who can be visited and left again within a day: D_i = Σ_j P_j·1[t_ij + t_ji ≤ 2T].

    t_ij holds the wait on the way there, t_ji that on the way back: both count (Törnqvist 1970; Gutiérrez 2001). With
    the same time both ways it is t_ij ≤ T.

    Parameters
    ----------
    there, back
        Minutes from points to targets, and back from the targets (`return_times`); shape (points, targets) each.
    one_way_min
        T, half of the time that a day leaves for travel.

    Returns
    -------
    The columns of `analysis.reach.accessibility.lost_access` for ``<what>_within_a_day_<where>``. NaN where a point
    joins nothing.

    Examples
    --------
    >>> there, back = np.array([[200.0]]), np.array([[290.0]])
    >>> free = {"borderless": there, "open": there, "actual": there}
    >>> slow = {"borderless": there, "open": there, "actual": back}
    >>> targets = Targets(np.arange(1), np.array(["b"], dtype=object), np.array([5000.0]))
    >>> found = within_a_day(free, slow, np.array(["a"], dtype=object), targets)
    >>> found["people_within_a_day_cross_open"].tolist(), found["people_within_a_day_cross_actual"].tolist()
    ([5000.0], [0.0])
    """
    if not 0 < one_way_min < np.inf:
        raise NetworkError(f"a day's way of {one_way_min:g} min: allowed is more than 0 and finite")
    known = _joined(there) if joined is None else joined
    tests = [lambda rows, n=n: there[n][rows] + back[n][rows] <= 2 * one_way_min for n in NETWORKS]
    counts = dict(zip(NETWORKS, _counts(side, targets, where, known, tests), strict=True))
    return lost_access(counts, f"{what}_within_a_day_{where}")


def within_a_day_and_back(
    router: Router,
    points: Points,
    targets: Targets,
    there: Times,
    *,
    one_way_min: float = DAY_MIN,
    where: Where = "cross",
    what: str = "people",
    joined: NDArray[np.bool_] | None = None,
) -> pd.DataFrame:
    """Return `within_a_day` with the ways back of `return_times`, which are held for some targets at once."""
    known = _joined(there) if joined is None else joined
    uneven = _uneven(router, points)
    total: pd.DataFrame | None = None
    for some in blocks(len(targets.node), len(points)):
        part = Targets(targets.node[some], targets.side[some], targets.people[some])
        to = {n: there[n][:, some] for n in NETWORKS}
        back = _returned(router, points, part, to, uneven)
        found = within_a_day(to, back, points.side, part, one_way_min=one_way_min, where=where, what=what, joined=known)
        total = found if total is None else total + found
    if total is None:  # nobody lives anywhere
        return within_a_day(
            there, there, points.side, targets, one_way_min=one_way_min, where=where, what=what, joined=known
        )
    return total


def return_times(router: Router, points: Points, targets: Targets, there: Times) -> dict[str, NDArray[np.float64]]:
    """Return minutes from targets back to points on the three networks, shape (points, targets).

    Where every link and gate takes the same both ways, as without one-way roads, they are those of the way there and no
    tree is grown; else one tree per target.

    Parameters
    ----------
    there
        From `analysis.reach.accessibility.travel_times`.
    """
    return _returned(router, points, targets, there, _uneven(router, points))


def _uneven(router: Router, points: Points) -> list[str]:
    """Return the networks on which ways back may take another time."""
    # Only a point on a one-way road has no way to one of its ends.
    two_way = bool(np.isfinite(points.to_u[points.u >= 0]).all())
    return [n for n in NETWORKS if not (two_way and _both_ways_alike(router, n))]


def _returned(
    router: Router, points: Points, targets: Targets, there: Times, uneven: Sequence[str]
) -> dict[str, NDArray[np.float64]]:
    """Return minutes back, of networks that are not uneven those there."""
    table = {n: np.asarray(there[n]) for n in NETWORKS}
    if uneven:

        def grown(fields: Sequence[str]) -> dict[str, NDArray[np.float64]]:
            return router.point_tables(points, targets.node, fields, back=True)

        table |= by_network(router, points.side, targets.side, grown, networks=uneven)
    return table


def _both_ways_alike(router: Router, network: str) -> bool:
    """Return whether every arc of a network costs the same both ways, to trips abroad and at home."""
    fields = [FIELDS[network], *([DOMESTIC] if network == "actual" else [])]
    return all((router.costs[f] != router.costs[f].T).nnz == 0 for f in fields)


def logsum_times(by_mode: Mapping[str, Times], *, per_min: float = LOGSUM_PER_MIN) -> dict[str, NDArray[np.float64]]:
    """Return the times of several modes together.

    C = max(0, −(1/λ)·ln Σ_m e^{−λ·c_m}) (ESPON; Ben-Akiva & Lerman 1985).

    A second mode is worth something even where it is no faster, so that the logsum lies below the fastest mode, by at
    most ln(modes)/λ: it is a generalised time, not one by the clock, and no time to compare with a limit of minutes
    without that in mind. Near to a place it would be negative: 0 is its floor. λ → ∞ is the fastest mode.

    Parameters
    ----------
    by_mode
        Per mode (road, rail) the times on the three networks, of the same points and targets.
    per_min
        λ; `LOGSUM_PER_MIN` is an assumption.

    Returns
    -------
    Per network minutes of the same shape; infinity where no mode has a way.

    Raises
    ------
    NetworkError
        λ is not positive and finite, there is no mode, or the tables differ in shape.

    Examples
    --------
    >>> table = {n: np.array([[60.0, 60.0, 2.0]]) for n in NETWORKS}
    >>> rail = {n: np.array([[60.0, np.inf, 2.0]]) for n in NETWORKS}
    >>> logsum_times({"road": table, "rail": rail})["open"].round(2).tolist()
    [[53.07, 60.0, 0.0]]
    """
    if not 0 < per_min < np.inf:
        raise NetworkError(f"a λ of {per_min:g} per minute: allowed is more than 0 and finite")
    shapes = {np.shape(times[n]) for times in by_mode.values() for n in NETWORKS}
    if len(shapes) != 1:
        raise NetworkError(f"times of {len(by_mode)} modes with shapes {sorted(shapes)}: allowed is one shape")
    return {n: _logsum(np.stack([times[n] for times in by_mode.values()]), per_min) for n in NETWORKS}


def _logsum(minutes: NDArray[np.float64], per_min: float) -> NDArray[np.float64]:
    """Return the logsum over the first axis, not below 0."""
    best = minutes.min(axis=0)
    base = np.where(np.isfinite(best), best, 0.0)
    total = np.exp(-per_min * (minutes - base)).sum(axis=0)
    with np.errstate(divide="ignore"):
        return np.asarray(np.maximum(base - np.log(total) / per_min, 0.0), float)


def _where(side: NDArray[np.object_], places: NDArray[np.object_], where: Where) -> NDArray[np.bool_]:
    """Return which places count for which points, shape (points, places)."""
    if where not in get_args(Where):
        raise NetworkError(f"places {where!r}: allowed are {', '.join(get_args(Where))}")
    home = same_side(side, places)
    return np.asarray({"own": home, "cross": ~home & (places != "")[None], "any": home | True}[where], bool)


def _joined(times: Times) -> NDArray[np.bool_]:
    """Return which points reach anything where no border is."""
    return np.asarray(np.isfinite(times["borderless"]).any(axis=1), bool)


def _counts(
    side: NDArray[np.object_],
    targets: Targets,
    where: Where,
    known: NDArray[np.bool_],
    tests: Sequence[Callable[[slice], NDArray[np.bool_]]],
) -> list[NDArray[np.float64]]:
    """Return the people that each point counts by each test of some rows, NaN where a point joins nothing."""
    sums = np.zeros((len(tests), len(side)))
    for rows in blocks(len(side), len(targets.side)):
        mask = _where(side[rows], targets.side, where)
        for total, test in zip(sums, tests, strict=True):
            total[rows] = (mask & test(rows)) @ targets.people
    return [np.where(known, total, np.nan) for total in sums]
