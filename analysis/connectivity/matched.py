"""Pairs across the border beside pairs at home, matched by distance: by band, and as one number with its interval."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from scipy.stats import t as student

from analysis.connectivity.pairs import BANDS_KM, distance_bands
from layers.errors import NetworkError
from network.build import NETWORKS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

CONFIDENCE = 0.95
REACHES_KM: tuple[float, ...] = (500.0, np.inf)
"""Pairs up to which distance a regression takes: the near ones, which most trips are between, and all."""
COLUMNS = [
    "network",
    "to_km",
    "places",
    "pairs_cross",
    "pairs_domestic",
    "delta",
    "delta_se",
    "slower",
    "slower_low",
    "slower_high",
]


def matched_bands(pairs: pd.DataFrame, *, edges_km: Sequence[float] = BANDS_KM) -> pd.DataFrame:
    """Return how much slower trips across the border are than domestic ones as long, band by band.

    Parameters
    ----------
    pairs
        From `analysis.connectivity.pairs.place_pairs`.
    edges_km
        As in `analysis.connectivity.pairs.distance_bands`.

    Returns
    -------
    ``from_km``, ``to_km``, ``pairs_cross``, ``pairs_domestic``; and per network ``pairs_<network>``, the pairs across
    that have a way, and ``slower_<network>``, the geometric mean over them of (minutes per km) / (median minutes per km
    of domestic pairs in the band); NaN where the band lacks either kind. Bands without any pair are left out.
    """
    bands = distance_bands(pairs, edges_km=edges_km)
    home = bands[bands["kind"] == "domestic"].reset_index(drop=True)
    edges = np.asarray(edges_km, float)
    cross = pairs[(pairs["kind"] == "cross") & (pairs["geodesic_km"] > 0)]
    km = cross["geodesic_km"].to_numpy(float)
    band = np.searchsorted(edges, km, side="right") - 1
    known = (band >= 0) & (band < len(home))
    out = home[["from_km", "to_km"]].assign(
        pairs_cross=np.bincount(band[known], minlength=len(home)), pairs_domestic=home["pairs"].to_numpy(np.int64)
    )
    for n in NETWORKS:
        at_home = 60 / home[f"speed_{n}_kph"].to_numpy(float)
        ratio = cross[f"time_{n}_min"].to_numpy(float) / km / np.where(known, at_home[np.where(known, band, 0)], np.nan)
        use = np.isfinite(ratio) & (ratio > 0)
        count = np.bincount(band[use], minlength=len(home))
        total = np.bincount(band[use], np.log(ratio[use]), minlength=len(home))
        out[f"pairs_{n}"] = count
        out[f"slower_{n}"] = np.where(count > 0, np.exp(total / np.maximum(count, 1)), np.nan)
    return out[(out["pairs_cross"] > 0) | (out["pairs_domestic"] > 0)].reset_index(drop=True)


def border_regression(
    pairs: pd.DataFrame, *, reaches_km: Sequence[float] = REACHES_KM, knots_km: Sequence[float] = BANDS_KM[1:-1]
) -> pd.DataFrame:
    """Return how much slower trips across the border are, places and distance alike: one number with its interval.

    log t_ij = u_i + u_j + f(log d_ij) + δ·across_ij + e_ij over pairs of places, each once, with an effect of each
    place and f linear between knots: a gravity-like form (Anderson & van Wincoop 2003 for the place effects), on times.
    Pairs that share a place have errors in common, so the standard error of δ is robust to any correlation between them
    (`dyadic_variance`); its interval takes Student's t with as many degrees of freedom as there are places but one.

    Parameters
    ----------
    pairs
        From `analysis.connectivity.pairs.place_pairs`.
    reaches_km
        Take pairs up to these straight distances, a regression each.
    knots_km
        Of f; those outside the pairs' distances are left out.

    Returns
    -------
    Per reach and network, and for ``actual/borderless`` (what is left of one when the other is taken away, pair by
    pair): ``network``, ``to_km`` (NaN for all), ``places``, ``pairs_cross``, ``pairs_domestic``, ``delta``,
    ``delta_se``, and ``slower`` = e^δ with its 95 % interval ``slower_low``, ``slower_high``. NaN where the pairs do
    not tell the border from the places. Pairs without a way are left out.

    Notes
    -----
    The places are the largest of their regions and not drawn at random: the interval tells how far the pairs agree.
    """
    rows = []
    for reach in reaches_km:
        near = pairs[(pairs["geodesic_km"] > 0) & (pairs["geodesic_km"] <= reach)]
        logs = {n: np.log(near[f"time_{n}_min"].where(near[f"time_{n}_min"] > 0)) for n in NETWORKS}
        logs["actual/borderless"] = logs["actual"] - logs["borderless"]
        for name, log in logs.items():
            use = log.notna()
            row = _regression(near[use], log[use].to_numpy(float), knots_km)
            rows.append({"network": name, "to_km": reach if np.isfinite(reach) else np.nan, **row})
    return pd.DataFrame(rows, columns=COLUMNS)


def _regression(pairs: pd.DataFrame, log: NDArray[np.float64], knots_km: Sequence[float]) -> dict[str, float]:
    """Return the estimate from the pairs that have a time."""
    number = pd.factorize(pd.concat([pairs["origin"], pairs["destination"]]), sort=True)[0]
    i, j = np.split(number, 2)
    places = int(number.max(initial=-1)) + 1
    across = np.asarray(pairs["kind"] == "cross", float)
    delta, error = cross_effect(log, across, i, j, distance_terms(pairs["geodesic_km"].to_numpy(float), knots_km))
    half = float(student.ppf((1 + CONFIDENCE) / 2, places - 1)) * error if places > 1 else np.nan
    return {
        "places": places,
        "pairs_cross": int(across.sum()),
        "pairs_domestic": int((1 - across).sum()),
        "delta": delta,
        "delta_se": error,
        "slower": float(np.exp(delta)),
        "slower_low": float(np.exp(delta - half)),
        "slower_high": float(np.exp(delta + half)),
    }


def distance_terms(km: NDArray[np.float64], knots_km: Sequence[float]) -> NDArray[np.float64]:
    """Return the columns of a function of distance that is linear in log d between knots: shape (pairs, 1 + knots)."""
    log = np.log(km)
    inside = [np.log(k) for k in knots_km if len(km) and km.min() < k < km.max()]
    return np.column_stack([log, *(np.maximum(log - k, 0.0) for k in inside)])


def cross_effect(
    y: NDArray[np.float64],
    across: NDArray[np.float64],
    i: NDArray[np.int64],
    j: NDArray[np.int64],
    terms: NDArray[np.float64],
) -> tuple[float, float]:
    """Return δ of y = u_i + u_j + terms·γ + δ·across + e by least squares, and its dyad-robust standard error.

    Parameters
    ----------
    i, j
        The places of each pair, numbered from 0; a pair occurs once.
    terms
        Further columns, shape (pairs, any number).

    Returns
    -------
    NaN twice where `across` is a sum of the others (pairs of one kind, too few places), and for the error alone where
    the estimated variance is not positive.
    """
    n = int(max(i.max(initial=-1), j.max(initial=-1))) + 1
    if not len(y):
        return float("nan"), float("nan")
    controls = np.zeros((len(y), n + terms.shape[1]))
    rows = np.arange(len(y))
    controls[rows, i] = controls[rows, j] = 1.0
    controls[:, n:] = terms - terms.mean(axis=0)
    # Frisch and Waugh: what is left of both once the controls are taken out gives the same δ.
    wanted = np.column_stack([y, across])
    rest = wanted - controls @ np.linalg.lstsq(controls, wanted, rcond=None)[0]
    z = rest[:, 1]
    if not z @ z > 1e-9 * (across @ across):
        return float("nan"), float("nan")
    delta = float(z @ rest[:, 0] / (z @ z))
    variance = dyadic_variance(z * (rest[:, 0] - delta * z), i, j) / float(z @ z) ** 2
    return delta, float(np.sqrt(variance)) if variance > 0 else float("nan")


def dyadic_variance(scores: NDArray[np.float64], i: NDArray[np.int64], j: NDArray[np.int64]) -> float:
    """Return Σ s_d·s_d′ over all pairs of dyads that share a member, each with itself too.

    The middle of the sandwich of Aronow, Samii & Assenova (2015), Cluster-robust variance estimation for dyadic data,
    Political Analysis 23, 564–577: sums by place, squared, count every dyad with itself twice, so once is taken away.

    Raises
    ------
    NetworkError
        A dyad of a place with itself.
    """
    if (i == j).any():
        raise NetworkError("a pair of a place with itself: allowed are pairs of two places")
    of_place = np.bincount(i, scores, int(max(i.max(initial=0), j.max(initial=0))) + 1)
    of_place = of_place + np.bincount(j, scores, len(of_place))
    return float((of_place**2).sum() - (scores**2).sum())
