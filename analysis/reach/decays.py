"""How the pull of a place fades with minutes.

Half-life, power, Gaussian, a step, zones; and the time within one's own place.

A decay is a function of minutes, whole arrays at once, that falls from 1 at no time to 0 where there is no way
(infinity). Any function of that kind may stand in its place.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from inspect import signature
from typing import TYPE_CHECKING

import numpy as np

from layers.errors import NetworkError

if TYPE_CHECKING:
    from numpy.typing import NDArray

Decay = Callable[["NDArray[np.float64]"], "NDArray[np.float64]"]
HALF_LIFE_MIN = 120.0
"""Decay of the potential: people two hours away count half. ESPON and Rosik et al. use 20 min for short and 120 min for
long trips."""
SELF_KPH = 30.0
"""Mean speed within one's own settlement or cell: an assumption."""


def decay(minutes: NDArray[np.float64], half_life_min: float = HALF_LIFE_MIN) -> NDArray[np.float64]:
    """Return e^(−βt) with β = ln 2 / half-life; 0 for infinity.

    Examples
    --------
    >>> decay(np.array([0.0, 120.0, np.inf])).tolist()
    [1.0, 0.5, 0.0]
    """
    return exponential(half_life_min)(minutes)


def exponential(half_life_min: float = HALF_LIFE_MIN) -> Decay:
    """Return f(t) = 2^(−t / half-life), the same as e^(−βt) with β = ln 2 / half-life (Wilson 1971; ESPON TRACC).

    Parameters
    ----------
    half_life_min
        Minutes after which a place counts half.

    Raises
    ------
    NetworkError
        The half-life is not positive and finite.

    Examples
    --------
    >>> exponential(60.0)(np.array([0.0, 60.0, 120.0, np.inf])).tolist()
    [1.0, 0.5, 0.25, 0.0]
    """
    return partial(_halved, _positive("a half-life", half_life_min, " min"))


def _halved(half_life_min: float, minutes: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.exp2(-np.asarray(minutes, float) / half_life_min)


def is_exponential(fades: Decay) -> bool:
    """Return whether a decay is one of `exponential`: that of two stretches is the product of theirs.

    Examples
    --------
    >>> is_exponential(exponential(60.0)), is_exponential(gaussian(60.0))
    (True, False)
    """
    return isinstance(fades, partial) and fades.func is _halved


def power(exponent: float, from_min: float) -> Decay:
    """Return f(t) = (max(t, t₀) / t₀)^(−α): flat to t₀, then Hansen's power (Hansen 1959).

    Parameters
    ----------
    exponent
        α, without unit; 1 halves the pull when the time doubles, 2 quarters it.
    from_min
        t₀ in minutes: without it the pull of a place at no distance is infinite.

    Raises
    ------
    NetworkError
        Either is not positive and finite.

    Examples
    --------
    >>> power(2.0, 10.0)(np.array([0.0, 10.0, 20.0, 100.0, np.inf])).tolist()
    [1.0, 1.0, 0.25, 0.01, 0.0]
    """
    alpha = _positive("an exponent", exponent)
    start = _positive("a power that begins at", from_min, " min")
    return lambda minutes: np.power(np.maximum(np.asarray(minutes, float), start) / start, -alpha)


def gaussian(sigma_min: float) -> Decay:
    """Return f(t) = e^(−t² / 2σ²): slow at first, then fast (Ingram 1971).

    Parameters
    ----------
    sigma_min
        σ in minutes: there a place counts 0.61, at twice of it 0.14, at three times 0.01.

    Raises
    ------
    NetworkError
        σ is not positive and finite.

    Examples
    --------
    >>> gaussian(60.0)(np.array([0.0, 60.0, 120.0, np.inf])).round(3).tolist()
    [1.0, 0.607, 0.135, 0.0]
    """
    sigma = _positive("a width", sigma_min, " min")
    return lambda minutes: np.exp(-0.5 * np.square(np.asarray(minutes, float) / sigma))


def cumulative(limit_min: float) -> Decay:
    """Return f(t) = 1 where t ≤ T, else 0: the potential is then the number of people within T (Geurs & van Wee 2004).

    Parameters
    ----------
    limit_min
        T in minutes; what is exactly so far counts.

    Raises
    ------
    NetworkError
        T is not positive and finite.

    Examples
    --------
    >>> cumulative(60.0)(np.array([0.0, 60.0, 60.1, np.inf])).tolist()
    [1.0, 1.0, 0.0, 0.0]
    """
    limit = _positive("a limit", limit_min, " min")
    return lambda minutes: (np.asarray(minutes, float) <= limit).astype(float)


def zones(weights: Mapping[float, float]) -> Decay:
    """Return a staircase: each zone's weight up to its limit in minutes, 0 beyond the last (Luo & Qi 2009).

    Parameters
    ----------
    weights
        Limit in minutes → weight between 0 and 1, not rising with time.

    Raises
    ------
    NetworkError
        No zone, a limit that is not positive and finite, a weight out of range or one that rises.

    Examples
    --------
    >>> zones({30: 1.0, 60: 0.68, 120: 0.22})(np.array([0.0, 30.0, 31.0, 120.0, 121.0, np.inf])).tolist()
    [1.0, 1.0, 0.68, 0.22, 0.0, 0.0]
    """
    limits = np.array(sorted(weights), float)
    weight = np.array([float(weights[k]) for k in sorted(weights)])
    fits = len(limits) and (limits > 0).all() and np.isfinite(limits).all()
    if not (fits and ((weight >= 0) & (weight <= 1)).all() and (np.diff(weight) <= 0).all()):
        raise NetworkError(
            f"zones {dict(weights)}: allowed are limits of more than 0 min, each with a weight between 0 and 1 "
            "that does not rise"
        )
    steps = np.append(weight, 0.0)
    return lambda minutes: steps[np.searchsorted(limits, np.asarray(minutes, float), side="left")]


DECAYS: Mapping[str, Callable[..., Decay]] = {
    "exponential": exponential,
    "power": power,
    "gaussian": gaussian,
    "cumulative": cumulative,
    "zones": zones,
}
"""The decays by the name that a study gives them."""


def decay_named(name: str, **parameters: float | Mapping[float, float]) -> Decay:
    """Return a decay by its name and parameters, as a study holds them.

    Raises
    ------
    NetworkError
        The name is unknown, or its parameters are others.

    Examples
    --------
    >>> decay_named("power", exponent=1.0, from_min=10.0)(np.array([40.0])).tolist()
    [0.25]
    """
    if name not in DECAYS:
        raise NetworkError(f"a decay {name!r} is unknown: allowed are {', '.join(DECAYS)}")
    try:
        return DECAYS[name](**parameters)
    except TypeError as error:
        given = ", ".join(parameters) or "nothing"
        raise NetworkError(
            f"a decay {name!r} with {given}: allowed are {', '.join(signature(DECAYS[name]).parameters)}"
        ) from error


def self_time_min(area_km2: NDArray[np.float64], kph: float = SELF_KPH) -> NDArray[np.float64]:
    """Return the mean minutes within a place itself: t_ii = ½·√(A/π)/v.

    Half the radius of a circle of the place's area (Stewart's rule; ESPON). Without it people of one's own place stand
    at no time or, in a cell, at that of their settlement, and a potential depends on how finely places are cut
    (zoning).

    Parameters
    ----------
    area_km2
        Area of each settlement or cell in km²; NaN where unknown stays NaN.
    kph
        Speed within it; `SELF_KPH` is an assumption.

    Raises
    ------
    NetworkError
        An area below 0, or a speed that is not positive and finite.

    Examples
    --------
    >>> self_time_min(np.array([np.pi * 16.0]), 30.0).tolist()
    [4.0]
    """
    speed = _positive("a speed", kph, " km/h")
    area = np.asarray(area_km2, float)
    if (area < 0).any() or np.isinf(area).any():
        raise NetworkError(f"an area of {area[(area < 0) | np.isinf(area)][0]:g} km²: allowed is 0 or more")
    return 0.5 * np.sqrt(area / np.pi) / speed * 60


def _positive(what: str, value: float, unit: str = "") -> float:
    """Return a number, or say that it is not positive and finite."""
    if not 0 < value < np.inf:
        raise NetworkError(f"{what} of {value:g}{unit}: allowed is more than 0 and finite")
    return float(value)
