"""The gravity model's forms: how many trips run between places, given what each sends out, draws, and the way between.

Wilson, A. G. (1971): A family of spatial interaction models, and associated developments. Environment and Planning A
3, 1–32. Arrays have a row per place of side a and a column per place of side b; minutes are infinite where there is no
way.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
import pandas as pd
from scipy.optimize import brentq
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components

from analysis.reach.accessibility import HALF_LIFE_MIN, decay
from layers.errors import NetworkError

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from analysis.trips.demand import Demand
    from network.build import Network

Form = Literal["unconstrained", "production", "attraction", "doubly"]
FORMS: tuple[Form, ...] = ("unconstrained", "production", "attraction", "doubly")
Decay = Literal["exponential", "power"]
DECAYS: tuple[Decay, ...] = ("exponential", "power")
POWER = 2.0
"""Exponent of the power decay, as in Newton's law. An assumption."""
NEAREST_MIN = 1.0
"""Shorter ways count as this long under a power decay, which has no value at 0 minutes."""
TOLERANCE = 1e-9
MAX_ROUNDS = 1000
HALF_LIVES_MIN = (0.5, 1e5)
POWERS = (1e-3, 50.0)
"""Where calibration looks for the parameter of either decay."""


def deterrence(
    minutes: NDArray[np.float64],
    *,
    kind: Decay = "exponential",
    half_life_min: float = HALF_LIFE_MIN,
    power: float = POWER,
) -> NDArray[np.float64]:
    """Return how much a way still counts, f(c): exponential e^(−βc) with β = ln 2 / half-life, or power c^(−n).

    Wilson (1971): the exponential form suits short and middle distances, the power form long ones. 0 for infinity. The
    power form takes ways under a minute for a minute.

    Examples
    --------
    >>> deterrence(np.array([60.0, 120.0, np.inf])).round(3).tolist()
    [0.707, 0.5, 0.0]
    >>> deterrence(np.array([0.0, 10.0, np.inf]), kind="power", power=2).tolist()
    [1.0, 0.01, 0.0]
    """
    if kind not in DECAYS:
        raise NetworkError(f"a decay {kind!r}: allowed are {', '.join(DECAYS)}")
    if kind == "exponential":
        return decay(minutes, half_life_min)
    if not power > 0:
        raise NetworkError(f"a power of {power:g}: allowed is more than 0")
    return np.asarray(np.maximum(np.asarray(minutes, float), NEAREST_MIN) ** -power, float)


@dataclass(frozen=True)
class Trips:
    """Modelled trips, and how well they meet what was asked for.

    ``trips`` (a, b), in the unit of the margins or of `total`; ``wanted_a``, ``wanted_b`` what places should send and
    draw (NaN for a side without a constraint; of a doubly constrained model after scaling side b to a); ``unserved_a``,
    ``unserved_b`` what of it has no way: places without a reachable one on the other side. ``rounds`` of IPF;
    ``margin_error`` the largest relative error of a margin that has a way; ``converged`` whether it is within the
    tolerance.
    """

    trips: NDArray[np.float64]
    wanted_a: NDArray[np.float64]
    wanted_b: NDArray[np.float64]
    unserved_a: NDArray[np.float64]
    unserved_b: NDArray[np.float64]
    rounds: int
    margin_error: float
    converged: bool

    def margins(self) -> pd.DataFrame:
        """Return one row per place.

        ``side``, ``row`` (of its side), ``wanted_trips``, ``modelled_trips``, ``unserved_trips``.
        """
        sides = (
            ("a", self.wanted_a, self.trips.sum(axis=1), self.unserved_a),
            ("b", self.wanted_b, self.trips.sum(axis=0), self.unserved_b),
        )
        tables = [
            pd.DataFrame(
                {
                    "side": side,
                    "row": np.arange(len(wanted)),
                    "wanted_trips": wanted,
                    "modelled_trips": modelled,
                    "unserved_trips": unserved,
                }
            )
            for side, wanted, modelled, unserved in sides
        ]
        return pd.concat(tables, ignore_index=True)


def distribute(
    origins: NDArray[np.float64],
    destinations: NDArray[np.float64],
    factor: NDArray[np.float64],
    *,
    form: Form = "unconstrained",
    total: float | None = None,
    tolerance: float = TOLERANCE,
    max_rounds: int = MAX_ROUNDS,
) -> Trips:
    """Return the trips between places by one of Wilson's forms.

    - unconstrained: T = κ·O·D·f, κ so that they sum to `total` (1 unless given);
    - production-constrained: T = O·D·f / Σⱼ D·f, so that each place of side a sends O;
    - attraction-constrained: T = O·D·f / Σᵢ O·f, so that each place of side b draws D;
    - doubly constrained: T = A·B·O·D·f with A = 1/Σⱼ B·D·f and B = 1/Σᵢ A·O·f, found by iterative proportional
      fitting (Furness; Deming & Stephan 1940).

    Parameters
    ----------
    origins, destinations
        What places of side a send and those of side b draw, ≥ 0: trips where the form constrains that side, else any
        weight (people).
    factor
        From `deterrence`, shape (a, b); 0 where there is no way.
    total
        All trips: constrained margins are scaled to it. None leaves them as they are.

    Notes
    -----
    A place that should send or draw trips and has no partner in reach is left out and reported as unserved. In the
    doubly constrained form destinations are scaled to the origins they are connected with (piece by piece where the
    ways fall into pieces), for a side can't draw what the other does not send. Margins that still can't be met leave
    ``converged`` false after `max_rounds` rounds.

    Examples
    --------
    >>> found = distribute(np.array([60.0, 40.0]), np.array([50.0, 50.0]), np.ones((2, 2)), form="doubly")
    >>> found.trips.tolist(), found.converged
    ([[30.0, 30.0], [20.0, 20.0]], True)
    """
    o, d, f = _checked(origins, destinations, factor, form, total)
    send, draw = form in ("production", "doubly"), form in ("attraction", "doubly")
    if total is not None:
        if send:
            o = o * (total / o.sum())
        elif draw:
            d = d * (total / d.sum())
    has_a, has_b = f @ d > 0, o @ f > 0
    lone_a, lone_b = np.where(has_a, 0.0, o), np.where(has_b, 0.0, d)
    o, d = o - lone_a, d - lone_b
    rounds, error = 0, 0.0
    if form == "doubly":
        d = _balanced(o, d, f)
        trips, rounds, error = _fitted(o, d, f, tolerance, max_rounds)
    else:
        trips = o[:, None] * d[None] * f
        if send:
            trips = trips / np.where(has_a, f @ d, 1.0)[:, None]
        elif draw:
            trips = trips / np.where(has_b, o @ f, 1.0)[None]
        elif trips.sum() > 0:
            trips = trips * ((1.0 if total is None else total) / trips.sum())
    nothing_a, nothing_b = np.full(len(o), np.nan), np.full(len(d), np.nan)
    return Trips(
        trips,
        o + lone_a if send else nothing_a,
        d + lone_b if draw else nothing_b,
        lone_a if send else nothing_a,
        lone_b if draw else nothing_b,
        rounds,
        error,
        bool(error <= tolerance),
    )


def _checked(
    origins: NDArray[np.float64],
    destinations: NDArray[np.float64],
    factor: NDArray[np.float64],
    form: str,
    total: float | None,
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Return the three as arrays, or say what is wrong with them."""
    o, d, f = (np.asarray(x, float) for x in (origins, destinations, factor))
    if form not in FORMS:
        raise NetworkError(f"a gravity model {form!r}: allowed are {', '.join(FORMS)}")
    if f.shape != (len(o), len(d)):
        raise NetworkError(f"factors of shape {f.shape} for {len(o)} origins and {len(d)} destinations")
    for name, values in (("origins", o), ("destinations", d), ("factors", f)):
        if not (np.isfinite(values) & (values >= 0)).all():
            raise NetworkError(f"{name} that are negative or unknown: allowed is 0 or more")
    if total is not None and not (np.isfinite(total) and total > 0):
        raise NetworkError(f"a total of {total:g} trips: allowed is more than 0")
    if not o @ f @ d > 0:
        raise NetworkError("no trip is possible: no origin has a destination in reach")
    return o, d, f


def _balanced(o: NDArray[np.float64], d: NDArray[np.float64], f: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the destinations scaled to the origins of the piece that they hang together with."""
    use = (f > 0) & (o > 0)[:, None] & (d > 0)[None]
    i, j = np.nonzero(use)
    joined = csr_array((np.ones(len(i)), (i, j + len(o))), shape=(len(o) + len(d),) * 2)
    piece = connected_components(joined, directed=False)[1]
    a, b = piece[: len(o)], piece[len(o) :]
    sent, drawn = (np.bincount(p, w, len(piece)).astype(float) for p, w in ((a, o), (b, d)))
    scale: NDArray[np.float64] = _quotient(sent, drawn)[b]
    return np.asarray(d * scale, float)


def _fitted(
    o: NDArray[np.float64], d: NDArray[np.float64], f: NDArray[np.float64], tolerance: float, max_rounds: int
) -> tuple[NDArray[np.float64], int, float]:
    """Return trips fitted to both margins in turn, the rounds it took, and the largest relative error of a margin."""
    row, column = np.ones(len(o)), np.ones(len(d))
    error = np.inf
    rounds = 0
    while rounds < max_rounds and not error <= tolerance:  # each round needs the one before
        rounds += 1
        with np.errstate(over="ignore", invalid="ignore"):
            next_row = _quotient(o, f @ column)
            next_column = _quotient(d, next_row @ f)
            sent = next_row * (f @ next_column)
        if not (np.isfinite(sent).all() and np.isfinite(next_column).all()):
            break  # factors too far apart for any margins: the last round that has numbers stands
        row, column = next_row, next_column
        error = float(np.abs(_quotient(sent, o)[o > 0] - 1).max(initial=0.0))
    trips = row[:, None] * f * column[None]
    short = np.abs(_quotient(trips.sum(axis=0), d)[d > 0] - 1).max(initial=0.0)
    return trips, rounds, max(error, float(short))


def _quotient(part: NDArray[np.float64], whole: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return a quotient, 0 where there is nothing to divide by."""
    return np.divide(part, whole, out=np.zeros_like(part), where=whole > 0)


def mean_minutes(trips: NDArray[np.float64], minutes: NDArray[np.float64]) -> float:
    """Return the mean minutes of trips: Σ T·c / Σ T.

    Examples
    --------
    >>> mean_minutes(np.array([[1.0, 3.0, 0.0]]), np.array([[60.0, 100.0, np.inf]]))
    90.0
    """
    used = trips > 0
    return float((trips[used] * minutes[used]).sum() / trips[used].sum())


def calibrate_decay(
    origins: NDArray[np.float64],
    destinations: NDArray[np.float64],
    minutes: NDArray[np.float64],
    observed_min: float,
    *,
    form: Form = "unconstrained",
    kind: Decay = "exponential",
) -> float:
    """Return the decay parameter whose trips take as long in the mean as those observed.

    Hyman (1969), The calibration of trip distribution models (Environment and Planning 1, 105–112): the mean time of
    the trips falls as the decay gets stronger, so there is one root of c̄(parameter) − c̄ observed (for the doubly
    constrained exponential form: Evans 1971). Found by Brent's method on the logarithm of the parameter.

    Returns
    -------
    The half-life in minutes (exponential) or the exponent (power), for `deterrence`.

    Raises
    ------
    NetworkError
        No decay in the searched range gives the observed mean; the message says how far the means go.

    Examples
    --------
    >>> minutes = np.array([[60.0, 180.0]])
    >>> half_life = calibrate_decay(np.ones(1), np.ones(2), minutes, 100.0)  # trips 2 : 1, so 120 minutes halve them
    >>> round(half_life, 6)
    120.0
    """
    if kind not in DECAYS:
        raise NetworkError(f"a decay {kind!r}: allowed are {', '.join(DECAYS)}")
    possible = np.isfinite(minutes) & (np.asarray(origins) > 0)[:, None] & (np.asarray(destinations) > 0)[None]
    if not possible.any():
        raise NetworkError("no trip is possible: no origin has a destination in reach")
    # Balancing factors swallow what is common to a row or a column: without it a short half-life would leave no trip.
    axis = {"unconstrained": None, "attraction": 0}.get(form, 1)
    common = np.where(possible, minutes, np.inf).min(axis=axis, keepdims=True)
    shifted = minutes - np.where(np.isfinite(common) & (kind == "exponential"), common, 0.0)

    def mean_at(logarithm: float) -> float:
        value = float(np.exp(logarithm))
        factor = deterrence(shifted, kind=kind, half_life_min=value, power=value)
        found = distribute(origins, destinations, factor, form=form, tolerance=1e-7)
        return mean_minutes(found.trips, minutes) if found.converged else float("nan")

    start, ends = (HALF_LIFE_MIN, HALF_LIVES_MIN) if kind == "exponential" else (POWER, POWERS)
    limits = float(np.log(ends[0])), float(np.log(ends[1]))
    near, far = _bracket(mean_at, observed_min, float(np.log(start)), limits, longer_up=kind == "exponential")
    if near == far:
        return float(np.exp(near))
    return float(np.exp(brentq(lambda x: mean_at(x) - observed_min, near, far, xtol=1e-10)))


def _bracket(
    mean_at: Callable[[float], float],
    observed: float,
    start: float,
    ends: tuple[float, float],
    *,
    longer_up: bool,
) -> tuple[float, float]:
    """Return two parameters (logarithms) with the observed mean between theirs, doubling or halving from a start."""
    current, mean = start, mean_at(start)
    step = np.log(2) if (observed > mean) == longer_up else -np.log(2)
    while mean != observed:  # each step needs the one before; the range holds some twenty
        further = current + step
        reached = mean_at(further) if ends[0] <= further <= ends[1] else float("nan")
        if np.isnan(reached):
            most = "more" if observed > mean else "less"
            raise NetworkError(
                f"an observed mean of {observed:g} min: no decay makes the modelled trips take {most} than about "
                f"{mean:.1f} min"
            )
        if (reached - observed) * (mean - observed) <= 0:
            return current, further
        current, mean = further, reached
    return current, current


def region_flows(network: Network, demand: Demand, *, total_per_day: float | None = None) -> pd.DataFrame:
    """Return the modelled trips between regions of the two sides.

    Parameters
    ----------
    total_per_day
        Observed crossings a day, which the shares are scaled to: 15,100 vehicles a day for Russia–Kazakhstan (5.5
        million in 2023, seanews.ru). None leaves the shares alone.

    Returns
    -------
    ``region_a``, ``region_b``, ``trips_share`` (they sum to 1), ``flow_per_day`` (NaN without a total),
    ``mean_time_min`` of the trips by the faster mode; the largest first. A settlement without a region is under "".
    """
    if total_per_day is not None and not total_per_day > 0:
        raise NetworkError(f"a total of {total_per_day:g} crossings a day: allowed is more than 0")
    codes = network.settlements["region"].to_numpy(dtype=object)
    minutes = demand.minutes
    i, j = np.nonzero(demand.trips > 0)
    trips = demand.trips[i, j]
    table = pd.DataFrame(
        {
            "region_a": codes[demand.a][i],
            "region_b": codes[demand.b][j],
            "trips_share": trips,
            "weighted": trips * minutes[i, j],
        }
    )
    out = table.groupby(["region_a", "region_b"], as_index=False, sort=True).sum()
    out["flow_per_day"] = out["trips_share"] * (np.nan if total_per_day is None else total_per_day)
    out["mean_time_min"] = out.pop("weighted") / out["trips_share"]
    return out.sort_values("trips_share", ascending=False, kind="stable", ignore_index=True)
