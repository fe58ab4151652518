"""How sure a rank is: the index run again over weights, scales, means and versions of computed indicators."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from analysis.levels.index import (
    AGGREGATIONS,
    FLOOR,
    LEAST_KNOWN,
    Aggregation,
    aggregate,
    compared,
    level_weights_of,
    membership_of,
    ranks,
    score_levels,
)
from analysis.levels.indicators import (
    NORMALISATIONS,
    SCHEMES,
    WINSOR,
    IndicatorSet,
    Normalisation,
    check_option,
    indicator_weights,
    informative,
    normalise,
)
from analysis.levels.quadrants import NAMES, NO_TYPE, QUADRANTS, Axes, Names, quadrant_codes, type_names
from layers.errors import LayerError

if TYPE_CHECKING:
    from numpy.typing import NDArray

DIRICHLET = "dirichlet"
DRAWS = 1000
INTERVAL = (0.05, 0.5, 0.95)
FACTORS = ("version", "normalisation", "weights", "aggregation")
CHUNK = 2_000_000
"""Numbers that a piece of the runs holds at once."""


@dataclass(frozen=True)
class Choices:
    """What is varied; a factor with one option is fixed. The defaults vary all but the versions.

    ``versions``: tables of regions (``region`` and computed columns) as other waits or another decay make them, by
    name; a column that a version lacks is as in the indicators given. ``weights``: ``equal``, ``entropy``, ``pca`` and
    ``dirichlet`` (drawn evenly over all weights at a concentration of 1, nearer to equal above it, within each level
    and across levels).
    """

    versions: Mapping[str, pd.DataFrame] = field(default_factory=dict)
    normalisations: Sequence[Normalisation] = NORMALISATIONS
    weights: Sequence[str] = (*SCHEMES, DIRICHLET)
    aggregations: Sequence[Aggregation] = AGGREGATIONS
    concentration: float = 1.0
    level_weights: Mapping[str, float] | None = None
    winsor: float = WINSOR
    least_known: float = LEAST_KNOWN
    floor: float = FLOOR


@dataclass(frozen=True)
class Ranking:
    """Ranks over all runs.

    ``table``: ``region``, ``runs_ranked``, ``rank_p5``, ``rank_median``, ``rank_p95``, ``index_p5``, ``index_median``,
    ``index_p95`` (each a value that occurred), and with axes ``type`` (the most frequent) and ``type_share``.
    ``types``: ``region``, ``type``, ``share_of_runs``, a row for each of the four types; empty without axes. ``runs``:
    what each run drew, a column for each of `FACTORS`. ``ranks``: shape (runs, regions), NaN where a region was not
    ranked. ``notes``. ``shared`` is what all runs share, for `rank_sensitivity`.
    """

    table: pd.DataFrame
    types: pd.DataFrame
    runs: pd.DataFrame
    ranks: NDArray[np.float64]
    notes: list[str]
    shared: _Shared = field(repr=False, compare=False)


@dataclass(frozen=True)
class _Shared:
    """What all runs share.

    Scores (versions, normalisations, n, m), fixed weights (versions, normalisations, schemes, m).
    """

    regions: pd.Index[str]
    names: list[str]
    score: NDArray[np.float64]
    fixed: NDArray[np.float64]
    levels: list[str]
    member: NDArray[np.float64]
    level_weights: NDArray[np.float64]
    frames: list[pd.DataFrame]
    notes: list[str]


def rank_regions(
    chosen: IndicatorSet,
    choices: Choices | None = None,
    *,
    axes: Axes | None = None,
    names: Names = NAMES,
    draws: int = DRAWS,
    seed: int = 0,
) -> Ranking:
    """Return the median rank of each region and its 5–95 % interval over random runs of the index.

    Each run draws one option of every factor in `choices`, all options alike, and computes the index as
    `analysis.levels.index.level_index` does. A wide interval says that the place of a region hangs on the method, a
    narrow one that it does not. Saisana, Saltelli and Tarantola (2005).

    Parameters
    ----------
    axes
        Of the typology: levels (``transport``…), ``index``, or columns of the versions or indicators. No types where it
        is None.
    names
        See `analysis.levels.quadrants.quadrant_types`.

    Raises
    ------
    LayerError
        A factor without an option or with an unknown one, fewer than one draw, or an axis that is not there.
    """
    choices = choices or Choices()
    if draws < 1:
        raise LayerError(f"{draws} draws: allowed is 1 or more")
    shared = _shared_by(chosen, choices)
    options = _options(choices, shared)
    rng = np.random.default_rng(seed)
    picked = np.stack([rng.integers(len(options[f]), size=draws) for f in FACTORS])
    random, across = _random_weights(rng, shared, draws, choices.concentration)
    dirichlet = np.array([w == DIRICHLET for w in choices.weights])[picked[2]]
    across = np.where(dirichlet[:, None], across, shared.level_weights)
    n = len(shared.regions)
    index, place, code = np.empty((draws, n)), np.empty((draws, n)), np.full((draws, n), -1)
    step = max(1, CHUNK // shared.score[0, 0].size)
    for start in range(0, draws, step):  # pieces of the runs: all at once would be large for many regions
        some = slice(start, start + step)
        v, h, s, a = picked[:, some]
        weight = np.where(dirichlet[some, None], random[some], shared.fixed[v, h, s])
        levels, index[some], place[some] = _run(shared, choices, shared.score[v, h], weight, across[some], a)
        if axes is not None:
            x, y = (_axis(c, shared, v, levels, index[some]) for c in (axes.potential, axes.permeability))
            code[some] = quadrant_codes(x, y, directions=axes.directions, cuts=axes.cuts)
    table = _summary(shared.regions, index, place)
    types = pd.DataFrame(columns=["region", "type", "share_of_runs"])
    if axes is not None:
        types, most = _types(shared.regions, code, type_names(axes, names))
        table = table.join(most)
    runs = pd.DataFrame({f: np.array(options[f], dtype=object)[p] for f, p in zip(FACTORS, picked, strict=True)})
    return Ranking(table, types, runs, place, shared.notes, shared)


def rank_sensitivity(
    chosen: IndicatorSet,
    choices: Choices | None = None,
    *,
    weight_draws: int = 64,
    seed: int = 0,
    ranking: Ranking | None = None,
) -> pd.DataFrame:
    """Return the share of the variance of ranks that each choice makes alone: S_f = Var(E[rank | f]) / Var(rank).

    Every option of every factor is combined with every other, Dirichlet weights being `weight_draws` options more, so
    that the shares add up: what is left to 1 is interactions (Saisana, Saltelli and Tarantola 2005).

    Parameters
    ----------
    ranking
        From `rank_regions` of the same indicators and choices, whose scores serve here too.

    Returns
    -------
    ``region``, ``rank_sd``, then ``version``, ``normalisation``, ``weights``, ``aggregation`` and ``interactions``:
    shares, NaN where the rank never moves or is not known. The last row, "all regions", takes all variances together.

    Raises
    ------
    LayerError
        As in `rank_regions`.
    """
    choices = choices or Choices()
    shared = ranking.shared if ranking is not None else _shared_by(chosen, choices)
    options = _options(choices, shared)
    fixed = [k for k, w in enumerate(choices.weights) if w != DIRICHLET]
    draws = weight_draws if DIRICHLET in choices.weights else 0
    random, across = _random_weights(np.random.default_rng(seed), shared, draws, choices.concentration)
    across = np.concatenate([np.broadcast_to(shared.level_weights, (len(fixed), len(shared.levels))), across])
    shape = (len(options["version"]), len(options["normalisation"]), len(fixed) + draws, len(options["aggregation"]))
    place = np.empty((*shape, len(shared.regions)))
    for v, h, a in np.ndindex(shape[0], shape[1], shape[3]):  # combinations of options: a few; weights as one column
        weight = np.concatenate([shared.fixed[v, h, fixed], random])
        x = np.broadcast_to(shared.score[v, h], (shape[2], *shared.score[v, h].shape))
        place[v, h, :, a] = _run(shared, choices, x, weight, across, np.full(shape[2], a))[2]
    total = place.var(axis=(0, 1, 2, 3))
    alone = np.stack([place.mean(axis=tuple({0, 1, 2, 3} - {f})).var(axis=0) for f in range(4)])
    known = np.isfinite(total)
    total, alone = np.append(total, total[known].sum()), np.c_[alone, alone[:, known].sum(axis=1)]
    share = np.divide(alone, total, out=np.full(alone.shape, np.nan), where=total > 1e-12)
    out = pd.DataFrame({"region": [*shared.regions, "all regions"], "rank_sd": np.sqrt(total)})
    out.loc[len(out) - 1, "rank_sd"] = np.sqrt(total[-1] / max(known.sum(), 1))
    for f, name in enumerate(FACTORS):
        out[name] = share[f]
    # A sum of shares may pass 1 by rounding.
    return out.assign(interactions=(1 - share.sum(axis=0)).clip(min=0.0))


def _shared_by(chosen: IndicatorSet, choices: Choices) -> _Shared:
    """Return the scores and fixed weights of every version and normalisation."""
    for what, given, allowed in (
        ("normalisation", choices.normalisations, NORMALISATIONS),
        ("weights", choices.weights, (*SCHEMES, DIRICHLET)),
        ("aggregation", choices.aggregations, AGGREGATIONS),
    ):
        for option in given or [""]:
            check_option(option, allowed, what)
    used = informative(chosen, winsor=choices.winsor)
    if used.about.empty:
        raise LayerError("no indicator differs between the regions: " + "; ".join(used.notes))
    frames = [_version(used.values, t) for t in choices.versions.values()] or [used.values]
    schemes = [w for w in choices.weights if w != DIRICHLET]
    n, m = used.values.shape
    score = np.empty((len(frames), len(choices.normalisations), n, m))
    fixed = np.zeros((*score.shape[:2], len(choices.weights), m))
    notes = list(used.notes)
    for v, h in np.ndindex(*score.shape[:2]):  # versions × scales: a few
        values = frames[v][list(used.values.columns)]
        scored = normalise(values, used.about, normalisation=choices.normalisations[h], winsor=choices.winsor)
        score[v, h] = scored.to_numpy(float)
        for scheme in schemes:
            weight, _, more_notes = indicator_weights(scored, used.about, scheme)
            fixed[v, h, list(choices.weights).index(scheme)] = weight.to_numpy(float)
            notes += [f"{t} (in some runs)" for t in more_notes if f"{t} (in some runs)" not in notes]
    levels, member = membership_of(used.about)
    return _Shared(
        used.values.index,
        list(choices.versions) or ["as given"],
        score,
        fixed,
        levels,
        member,
        level_weights_of(levels, choices.level_weights),
        frames,
        notes,
    )


def _version(values: pd.DataFrame, table: pd.DataFrame) -> pd.DataFrame:
    """Return the indicators with the columns of a version in their place, further columns behind them."""
    if "region" not in table:
        raise LayerError(f"a version without the column region: it has {', '.join(map(str, table.columns))}")
    other = pd.DataFrame(table).set_index("region").select_dtypes("number").reindex(values.index)
    other = other.astype(float).replace([np.inf, -np.inf], np.nan)
    return pd.concat([values.drop(columns=[c for c in values if c in other]), other], axis=1)


def _options(choices: Choices, shared: _Shared) -> dict[str, list[str]]:
    """Return the options of each factor."""
    return dict(
        zip(
            FACTORS,
            (shared.names, list(choices.normalisations), list(choices.weights), list(choices.aggregations)),
            strict=True,
        )
    )


def _random_weights(
    rng: np.random.Generator, shared: _Shared, draws: int, concentration: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return Dirichlet weights of indicators, summing to 1 in each level, and of levels.

    Shapes (draws, m), (draws, levels).
    """
    if not concentration >= 0.1:
        raise LayerError(f"a concentration of {concentration:g}: allowed is 0.1 or more")
    m, k = shared.member.shape
    each = rng.standard_gamma(concentration, size=(draws, m))
    each /= (each @ shared.member) @ shared.member.T
    levels = rng.standard_gamma(concentration, size=(draws, k))
    return each, levels / levels.sum(axis=1, keepdims=True)


def _run(
    shared: _Shared,
    choices: Choices,
    score: NDArray[np.float64],
    weights: NDArray[np.float64],
    across: NDArray[np.float64],
    pooling: NDArray[np.int64],
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Return the level scores (runs, n, levels), the index and the ranks (runs, n) of some runs."""
    levels, _ = score_levels(score, weights, shared.member, least_known=choices.least_known)
    index = np.empty(levels.shape[:2])
    for k, name in enumerate(choices.aggregations):
        rows = pooling == k
        index[rows] = aggregate(levels[rows], across[rows], name, floor=choices.floor)
    return levels, index, ranks(index, compared(levels))


def _axis(
    name: str, shared: _Shared, version: NDArray[np.int64], levels: NDArray[np.float64], index: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return an axis of the typology in each run, shape (runs, n)."""
    if name == "index":
        return index
    if name in shared.levels:
        return np.asarray(levels[:, :, shared.levels.index(name)], float)
    if all(name in frame for frame in shared.frames):
        return np.asarray(np.stack([frame[name].to_numpy(float) for frame in shared.frames])[version], float)
    allowed = ", ".join(["index", *shared.levels, *map(str, shared.frames[0].columns)])
    raise LayerError(f"axis {name!r} of the typology is unknown: allowed are {allowed}")


def _summary(regions: pd.Index[str], index: NDArray[np.float64], place: NDArray[np.float64]) -> pd.DataFrame:
    """Return the quantiles of ranks and indices, of those runs that have one."""
    out = pd.DataFrame({"region": regions.to_numpy(), "runs_ranked": np.isfinite(place).sum(axis=0)})
    for name, values in (("rank", place), ("index", index)):
        found = np.full((len(regions), len(INTERVAL)), np.nan)
        for r in range(len(regions)):  # regions: dozens, each with its own runs
            known = values[np.isfinite(values[:, r]), r]
            if len(known):
                found[r] = np.quantile(known, INTERVAL, method="inverted_cdf")
        out[[f"{name}_p5", f"{name}_median", f"{name}_p95"]] = found
    return out


def _types(
    regions: pd.Index[str], code: NDArray[np.int64], called: Mapping[str, str]
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the share of runs in each type by region, and each region's most frequent type."""
    counts = np.stack([(code == q).sum(axis=0) for q in range(len(QUADRANTS))], axis=1)
    whole = counts.sum(axis=1, keepdims=True)
    share = np.divide(counts, whole, out=np.full(counts.shape, np.nan), where=whole > 0)
    names = np.array([called[q] for q in QUADRANTS], dtype=object)
    table = pd.DataFrame(
        {
            "region": np.repeat(regions.to_numpy(), len(names)),
            "type": np.tile(names, len(regions)),
            "share_of_runs": share.ravel(),
        }
    )
    best = np.where(whole[:, 0] > 0, counts.argmax(axis=1), len(names))
    top = pd.DataFrame({"type": np.append(names, NO_TYPE)[best], "type_share": share.max(axis=1)})
    return table, top
