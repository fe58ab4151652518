"""The three levels as one index.

Indicators weighed within a level, levels put together, with what is not assessed told.

The levels are those of Roy (2022): transport communication, computed here; joint projects and social services, from the
user's own table. Nothing of his typology or values is claimed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
import pandas as pd

from analysis.levels.indicators import (
    WINSOR,
    IndicatorSet,
    Normalisation,
    check_option,
    ends_of,
    indicator_weights,
    informative,
    normalise,
    winsorised,
)
from layers.errors import LayerError
from layers.indicators import LEVELS

if TYPE_CHECKING:
    from numpy.typing import NDArray

Aggregation = Literal["geometric", "arithmetic"]
AGGREGATIONS: tuple[Aggregation, ...] = ("geometric", "arithmetic")
LEAST_KNOWN = 0.5
"""Share of a level's weight that must be known of a region, or the level is not assessed there. An assumption."""
FLOOR = 0.01
"""Least score of a level in the geometric mean, on a scale of 0 to 1: one zero would make everything zero. An
assumption."""
ASSESSED, IN_PART, NOT_ASSESSED = "assessed", "in part", "not assessed"


@dataclass(frozen=True)
class LevelIndex:
    """The index of regions.

    ``regions``: ``region``; per level ``<level>_score`` (0 to 1), ``<level>_known_share`` of its weight and
    ``<level>_status`` (assessed, in part, not assessed); ``index``, ``rank`` (1 is best), ``levels_assessed``.
    ``indicators``: ``indicator``, ``level``, ``direction``, ``unit``, ``regions_known``, ``low``, ``high`` (what counts
    as 0 and 1 under min–max), ``weight`` within its level, 0 for what was dropped. ``explained``: share of the first
    component by level, with PCA weights. ``notes``.
    """

    regions: pd.DataFrame
    indicators: pd.DataFrame
    explained: dict[str, float]
    notes: list[str]


def score_levels(
    score: NDArray[np.float64],
    weights: NDArray[np.float64],
    membership: NDArray[np.float64],
    *,
    least_known: float = LEAST_KNOWN,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the weighted mean of each level and the share of its weight that is known, both of shape (…, n, levels).

    A mean over what is known is as good as filling gaps with the region's own mean: hence the share. Where it is less
    than `least_known` the score is NaN.

    Parameters
    ----------
    score
        (…, n, m), NaN for not known.
    weights
        (…, m).
    membership
        (m, levels), 1 where an indicator belongs to a level.
    """
    known = np.isfinite(score)
    each = weights[..., :, None] * membership
    have = known.astype(float) @ each
    total = np.where(known, score, 0.0) @ each
    whole = each.sum(axis=-2)[..., None, :]
    share = np.divide(have, whole, out=np.zeros_like(have), where=whole > 0)
    # Weights that sum to a half by rounding are a half.
    enough = (have > 0) & (share >= least_known - 1e-9)
    return np.asarray(np.divide(total, have, out=np.full(have.shape, np.nan), where=enough), float), share


def aggregate(
    levels: NDArray[np.float64],
    weights: NDArray[np.float64],
    pooling: Aggregation = "geometric",
    *,
    floor: float = FLOOR,
) -> NDArray[np.float64]:
    """Return the mean of the levels that are assessed, shape (…, n).

    Geometric exp(Σ w ln s/Σ w) or arithmetic Σ w s/Σ w.

    The geometric mean lets one level make up for another only in part. Scores below `floor` count as `floor` in it.

    Parameters
    ----------
    levels
        (…, n, levels), NaN for not assessed.
    weights
        (…, levels).

    Examples
    --------
    >>> scores, alike = np.array([[0.2, 0.8], [0.5, np.nan]]), np.array([0.5, 0.5])
    >>> aggregate(scores, alike).round(3).tolist(), aggregate(scores, alike, "arithmetic").tolist()
    ([0.4, 0.5], [0.5, 0.5])
    """
    check_option(pooling, AGGREGATIONS, "aggregation")
    known = np.isfinite(levels)
    weight = np.where(known, weights[..., None, :], 0.0)
    filled = np.where(known, levels, 1.0)
    part = np.log(np.maximum(filled, floor)) if pooling == "geometric" else filled
    whole = weight.sum(axis=-1)
    mean = np.divide((weight * part).sum(axis=-1), whole, out=np.full(whole.shape, np.nan), where=whole > 0)
    return np.asarray(np.exp(mean) if pooling == "geometric" else mean, float)


def ranks(index: NDArray[np.float64], comparable: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Return ranks along the last axis, 1 the largest, ties at their mean; NaN where a region is not to be compared.

    Values alike to 12 digits are a tie: the last ones hang on the machine.

    Examples
    --------
    >>> ranks(np.array([0.3, 0.9, 0.9, 0.1]), np.array([True, True, True, False])).tolist()
    [3.0, 1.5, 1.5, nan]
    """
    x = np.where(comparable, np.round(index, 12), -np.inf)
    above = (x[..., None, :] > x[..., :, None]).sum(axis=-1)
    alike = (x[..., None, :] == x[..., :, None]).sum(axis=-1)
    return np.asarray(np.where(comparable, above + (alike + 1) / 2, np.nan), float)


def membership_of(about: pd.DataFrame) -> tuple[list[str], NDArray[np.float64]]:
    """Return the levels that have indicators, in their order, and which indicator belongs to which, (m, levels)."""
    levels = [level for level in LEVELS if (about["level"] == level).any()]
    return levels, np.array([[float(a == b) for b in levels] for a in about["level"]]).reshape(len(about), len(levels))


def level_weights_of(levels: Sequence[str], given: Mapping[str, float] | None) -> NDArray[np.float64]:
    """Return weights of levels that sum to 1: equal ones, or those that are given for each.

    Raises
    ------
    LayerError
        Weights that are missing, negative or all 0.
    """
    weight = np.array([1.0 if given is None else given.get(level, np.nan) for level in levels], float)
    if not (np.isfinite(weight) & (weight >= 0)).all() or not weight.sum() > 0:
        raise LayerError(f"weights of levels: allowed are numbers of 0 or more, not all 0, for {', '.join(levels)}")
    return np.asarray(weight / weight.sum(), float)


def level_index(
    chosen: IndicatorSet,
    *,
    normalisation: Normalisation = "minmax",
    weights: str | Mapping[str, float] = "equal",
    aggregation: Aggregation = "geometric",
    level_weights: Mapping[str, float] | None = None,
    winsor: float = WINSOR,
    least_known: float = LEAST_KNOWN,
    floor: float = FLOOR,
) -> LevelIndex:
    """Return the score of each region on each level and the index over the levels that are assessed.

    Arithmetic mean within a level, `aggregation` across levels. A level without data is not assessed; so is, in one
    region, a level of whose weight less than `least_known` is known there. Such a region has an index over its own
    levels, labelled, and no rank: indices over different levels do not compare.

    References: OECD and JRC (2008), Handbook on Constructing Composite Indicators; Saisana, Saltelli and Tarantola
    (2005).

    Raises
    ------
    LayerError
        An unknown option, weights that do not fit, or no indicator that tells regions apart.

    Examples
    --------
    >>> from analysis.levels.indicators import collect_indicators
    >>> table = pd.DataFrame({"region": ["A", "B", "C"], "border_loss": [0.2, 0.4, 0.6]})
    >>> table["checkpoints_per_100km"] = [1.0, 0.0, 0.5]
    >>> found = level_index(collect_indicators(table), winsor=0.0).regions
    >>> found[["transport_score", "index", "rank"]].round(3).values.tolist()
    [[1.0, 1.0, 1.0], [0.25, 0.25, 2.5], [0.25, 0.25, 2.5]]
    >>> found["social_services_status"].tolist(), found["levels_assessed"].tolist()
    (['not assessed', 'not assessed', 'not assessed'], ['transport', 'transport', 'transport'])
    """
    used = informative(chosen, winsor=winsor)
    if used.about.empty:
        raise LayerError("no indicator differs between the regions: " + "; ".join(used.notes))
    score = normalise(used.values, used.about, normalisation=normalisation, winsor=winsor)
    weight, explained, more_notes = indicator_weights(score, used.about, weights)
    levels, member = membership_of(used.about)
    x, w = score.to_numpy(float), weight.to_numpy(float)
    scores, share = score_levels(x, w, member, least_known=least_known)
    index = aggregate(scores, level_weights_of(levels, level_weights), aggregation, floor=floor)
    comparable = compared(scores)
    table = _region_table(score.index, levels, scores, share)
    table["index"] = index
    table["rank"] = ranks(index, comparable)
    table["levels_assessed"] = _labels(levels, scores)
    notes = used.notes + more_notes + _index_notes(table, levels, comparable)
    return LevelIndex(table, _indicator_table(chosen, weight, winsor), explained, notes)


def compared(scores: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Return which regions are assessed on every level that is assessed anywhere, shape (…, n)."""
    known = np.isfinite(scores)
    wanted = known.any(axis=-2, keepdims=True)
    return np.asarray((known | ~wanted).all(axis=-1) & wanted.any(axis=-1), bool)


def _region_table(
    regions: pd.Index[str], levels: list[str], scores: NDArray[np.float64], share: NDArray[np.float64]
) -> pd.DataFrame:
    """Return score, known share and status of every level, also of those without data."""
    out = pd.DataFrame({"region": regions.to_numpy()})
    for level in LEVELS:
        name = level.replace(" ", "_")
        at = levels.index(level) if level in levels else None
        out[f"{name}_score"] = np.nan if at is None else scores[:, at]
        out[f"{name}_known_share"] = 0.0 if at is None else share[:, at]
        known, whole = out[f"{name}_score"].notna(), out[f"{name}_known_share"] > 1 - 1e-9
        out[f"{name}_status"] = np.select([known & whole, known], [ASSESSED, IN_PART], NOT_ASSESSED)
    return out


def _labels(levels: list[str], scores: NDArray[np.float64]) -> list[str]:
    """Return the names of the levels that each region's index is made of."""
    return [", ".join(level for level, s in zip(levels, row, strict=True) if np.isfinite(s)) for row in scores]


def _index_notes(table: pd.DataFrame, levels: list[str], comparable: NDArray[np.bool_]) -> list[str]:
    """Return notes on levels and regions that are not assessed."""
    notes = []
    scored = [level for level in levels if table[f"{level.replace(' ', '_')}_score"].notna().any()]
    missing = [level for level in LEVELS if level not in scored]
    if missing:
        notes.append(
            f"{' and '.join(missing)}: not assessed; the index is of {' and '.join(scored) or 'nothing'} alone"
        )
    lost = table.loc[~comparable, "region"]
    if len(lost):
        notes.append(f"not ranked, for a level is not assessed there: {', '.join(lost)}")
    return notes


def _indicator_table(chosen: IndicatorSet, weight: pd.Series, winsor: float) -> pd.DataFrame:
    """Return a row per indicator, with what counted as 0 and 1 and its weight."""
    low, high = ends_of(winsorised(chosen.values, winsor), chosen.about)
    out = chosen.about[["level", "direction", "unit"]].assign(
        regions_known=chosen.values.notna().sum(),
        low=low,
        high=high,
        weight=weight.reindex(chosen.about.index).fillna(0.0),
    )
    return out.rename_axis("indicator").reset_index()
