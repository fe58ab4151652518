"""Indicators of regions: collected, oriented, brought to one scale from 0 to 1, and weighed.

After the handbook of OECD and JRC (2008).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
import pandas as pd

from layers.errors import LayerError
from layers.indicators import LEVELS

if TYPE_CHECKING:
    from numpy.typing import NDArray

Normalisation = Literal["minmax", "z", "rank"]
NORMALISATIONS: tuple[Normalisation, ...] = ("minmax", "z", "rank")
SCHEMES = ("equal", "entropy", "pca")
TRANSPORT: Mapping[str, tuple[int, str]] = {
    "checkpoints_per_100km": (1, "open checkpoints per 100 km of border"),
    "ne_cross_actual": (-1, "time over that of a straight fast road"),
    "potential_cross_actual": (1, "people within reach across the border"),
    "border_loss": (-1, "share of the potential across the border"),
    "load_factor": (-1, "flow over capacity"),
    "redundancy_median_min": (-1, "min to the second-best checkpoint"),
}
"""Computed columns of the transport level, with their direction and unit: those that the table of regions has are
used."""
WINSOR = 0.025
Z_SPAN = 3.0
ALIKE = 1e-12
"""Values of an indicator this near to each other, as a share of the largest, differ by rounding alone."""


@dataclass(frozen=True)
class IndicatorSet:
    """Indicators of regions: ``values`` by region and indicator as measured; ``about`` a row per indicator.

    ``about`` has ``level``, ``direction`` (1 or −1), ``unit``, and the goalposts ``low`` and ``high`` in that unit, NaN
    where there are none. ``notes`` a reader must know.
    """

    values: pd.DataFrame
    about: pd.DataFrame
    notes: list[str]


def collect_indicators(
    regions: pd.DataFrame,
    table: pd.DataFrame | None = None,
    *,
    transport: Mapping[str, tuple[int, str]] = TRANSPORT,
    goalposts: Mapping[str, tuple[float, float]] | None = None,
) -> IndicatorSet:
    """Return the indicators of all levels side by side, in the order of `regions`.

    Parameters
    ----------
    regions
        ``region`` and computed columns.
    table
        The user's, from `layers.indicators.read_indicators`. Rows of other regions are told and left out.
    transport
        Computed columns of the transport level with direction and unit; one that is not there is told.
    goalposts
        What counts as 0 and as 1 of an indicator, the lower number first, whatever its direction.

    Raises
    ------
    LayerError
        No indicator at all, a name that is there twice, or goalposts that do not fit.
    """
    codes = pd.Index(regions["region"], name="region")
    there = [c for c in transport if c in regions]
    values = regions[there].astype(float).set_axis(codes, axis=0).replace([np.inf, -np.inf], np.nan)
    about = pd.DataFrame(
        [(LEVELS[0], *transport[c]) for c in there],
        columns=["level", "direction", "unit"],
        index=pd.Index(there, name="indicator", dtype=object),
    )
    notes = [f"transport indicator {c} was not computed: left out" for c in transport if c not in regions]
    if table is not None and len(table):
        twice = sorted(set(table["indicator"]) & set(there))
        if twice:
            raise LayerError(
                f"the table of indicators has {', '.join(twice)}, which are computed: allowed are other names"
            )
        own, kinds, more_notes = _from_table(table, codes)
        values, about, notes = values.join(own), pd.concat([about, kinds]), notes + more_notes
    if about.empty:
        raise LayerError(f"no indicator to make an index of: allowed are columns of regions ({', '.join(transport)})")
    return IndicatorSet(values, _with_goalposts(about, goalposts or {}), notes)


def _from_table(table: pd.DataFrame, codes: pd.Index[str]) -> tuple[pd.DataFrame, pd.DataFrame, list[str]]:
    """Return the user's values by region and indicator, what each indicator is, and a note on regions of no use."""
    kinds = table.drop_duplicates("indicator").set_index("indicator")[["level", "direction", "unit"]]
    values = table.pivot(index="region", columns="indicator", values="value").reindex(index=codes, columns=kinds.index)
    other = table[~table["region"].isin(codes)]
    notes = [
        f"{code} has {n} rows in the table of indicators, but is no region of the run: left out"
        for code, n in other.groupby("region", sort=False).size().items()
    ]
    return values.astype(float), kinds, notes


def _with_goalposts(about: pd.DataFrame, goalposts: Mapping[str, tuple[float, float]]) -> pd.DataFrame:
    """Return what is known of indicators with goalposts, NaN for none."""
    odd = [n for n, (low, high) in goalposts.items() if n not in about.index or not low < high]
    if odd:
        raise LayerError(
            f"goalposts of {', '.join(odd)}: allowed are a lower and a higher number for {', '.join(about.index)}"
        )
    posts = [goalposts.get(n, (np.nan, np.nan)) for n in about.index]
    return about.assign(low=[float(p[0]) for p in posts], high=[float(p[1]) for p in posts])


def informative(chosen: IndicatorSet, *, winsor: float = WINSOR) -> IndicatorSet:
    """Return the indicators that tell regions apart.

    Without those that are not known or the same everywhere, each told.

    An indicator with goalposts stays while it is known: the same everywhere, it still is near or far from its goal.
    """
    keep, notes, has_goal = [], list(chosen.notes), chosen.about["low"].notna()
    for name in chosen.about.index:  # indicators: a dozen
        known = chosen.values[name].dropna().to_numpy(float)
        if not len(known):
            notes.append(f"indicator {name} is known of no region: dropped")
            continue
        ends = np.quantile(known, [winsor, 1 - winsor])
        flat = np.ptp(ends) <= ALIKE * np.abs(known).max()
        if flat and not has_goal[name]:
            notes.append(f"indicator {name} is the same in all regions that are known: no information, dropped")
        else:
            keep.append(name)
    return IndicatorSet(chosen.values[keep], chosen.about.loc[keep], notes)


def winsorised(values: pd.DataFrame, share: float = WINSOR) -> pd.DataFrame:
    """Return values cut at the quantiles `share` and 1 − `share` of each column, by linear interpolation; NaN stays.

    Examples
    --------
    >>> winsorised(pd.DataFrame({"x": [0.0, 1.0, 2.0, 3.0, 100.0]}), 0.25)["x"].tolist()
    [1.0, 1.0, 2.0, 3.0, 3.0]
    """
    return values.clip(values.quantile(share), values.quantile(1 - share), axis=1)


def normalise(
    values: pd.DataFrame, about: pd.DataFrame, *, normalisation: Normalisation = "minmax", winsor: float = WINSOR
) -> pd.DataFrame:
    """Return indicators on a scale of 0 to 1, more always better; NaN stays NaN.

    ``minmax``: (x − low)/(high − low) between the goalposts, cut at both; without goalposts between the least and the
    largest value after winsorising. ``z``: 0.5 + z/6 cut at ±3 standard deviations, after winsorising: linear, so that
    it can enter a geometric mean. ``rank``: (r − 0.5)/n, ties at their mean; not winsorised. An indicator that is the
    same everywhere and has no goalposts is 0.5 everywhere. Goalposts are never winsorised, so that a score does not
    hang on other regions; z and rank know none.

    Parameters
    ----------
    about
        ``direction``, ``low``, ``high`` by indicator.

    Examples
    --------
    >>> about = pd.DataFrame({"direction": [-1], "low": [np.nan], "high": [np.nan]}, index=["min"])
    >>> normalise(pd.DataFrame({"min": [10.0, 20.0, 50.0]}), about, winsor=0.0)["min"].tolist()
    [1.0, 0.75, 0.0]
    """
    check_option(normalisation, NORMALISATIONS, "normalisation")
    direction = about["direction"].reindex(values.columns)
    if normalisation == "rank":
        score = (values.rank() - 0.5) / values.notna().sum()
        apart = np.broadcast_to((values.max() > values.min()).to_numpy(bool), score.shape)
        score = score.where(apart | values.isna(), 0.5)
    else:
        inner = winsorised(values, winsor)
        if normalisation == "z":
            spread = inner.std(ddof=0)
            score = 0.5 + ((inner - inner.mean()) / spread.where(spread > ALIKE * inner.abs().max())) / (2 * Z_SPAN)
        else:
            low, high = ends_of(inner, about)
            score = (values - low) / (high - low).where(high - low > ALIKE * inner.abs().max())
        score = score.clip(0.0, 1.0).where(score.notna() | values.isna(), 0.5)
    return score.where(np.broadcast_to(direction.to_numpy() > 0, score.shape), 1 - score)


def ends_of(inner: pd.DataFrame, about: pd.DataFrame) -> tuple[pd.Series, pd.Series]:
    """Return what counts as least and largest of each indicator."""
    posts = about.reindex(inner.columns)
    return posts["low"].fillna(inner.min()), posts["high"].fillna(inner.max())


def entropy_weights(score: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return Shannon's weights of indicators, shape (m,).

    w_j = (1 − e_j)/Σ(1 − e), e_j = −Σ_i p_ij ln p_ij / ln n, p_ij = x_ij/Σ_i x_ij.

    What spreads most unevenly over regions weighs most. 0·ln 0 = 0, its limit. Only known regions count. An indicator
    that is zero everywhere tells nothing apart and weighs 0; equal weights where none does.

    Parameters
    ----------
    score
        Normalised, shape (n, m), NaN for not known.
    """
    known = np.isfinite(score)
    x = np.where(known, score, 0.0)
    total = x.sum(axis=0)
    p = np.divide(x, total, out=np.zeros_like(x), where=total > 0)
    inner = np.log(p, out=np.zeros_like(p), where=p > 0)
    n = known.sum(axis=0)
    e = np.divide(
        -(p * inner).sum(axis=0), np.log(n, out=np.zeros(len(n)), where=n > 1), out=np.ones(len(n)), where=n > 1
    )
    spread = np.where(total > 0, np.maximum(1 - e, 0.0), 0.0)
    return spread / spread.sum() if spread.sum() > 1e-12 else np.full(len(spread), 1 / len(spread))


def pca_weights(score: NDArray[np.float64]) -> tuple[NDArray[np.float64], float, str]:
    """Return the weights of indicators by their first principal component, the share it explains, and a note.

    The component is that of the correlations over regions that are known in full, turned so that its loadings sum to
    more than 0. Weights are in proportion to the loadings; an indicator that runs against the common direction weighs
    0, for an index must not turn a stated direction round. Equal weights, and a note, where there is no common
    direction: fewer than three such regions, loadings that cancel out, or a second component as strong as the first.
    Nothing is explained then: NaN.

    Parameters
    ----------
    score
        Normalised, shape (n, m), NaN for not known.
    """
    m = score.shape[1]
    equal = np.full(m, 1 / m)
    if m == 1:
        return equal, 1.0, ""
    whole = score[np.isfinite(score).all(axis=1)]
    if len(whole) < 3 or (np.ptp(whole, axis=0) <= 1e-12).any():
        return (
            equal,
            np.nan,
            f"only {len(whole)} regions are known in full, too few or too alike: equal weights instead of PCA",
        )
    strength, vectors = np.linalg.eigh(np.corrcoef(whole, rowvar=False))
    loading = vectors[:, -1] * (1.0 if vectors[:, -1].sum() >= 0 else -1.0)
    if abs(loading.sum()) < 1e-6 or strength[-1] - strength[-2] < 1e-6:
        return equal, np.nan, "the indicators have no common direction: equal weights instead of PCA"
    against = int((loading < -1e-9).sum())
    notes = [f"{against} of {m} indicators run against the first component: weight 0"] if against else []
    if len(whole) <= m:
        notes.append(f"{len(whole)} regions for {m} indicators: the first component is unsteady")
    kept = np.maximum(loading, 0.0)
    return kept / kept.sum(), float(strength[-1] / m), "; ".join(notes)


def indicator_weights(
    score: pd.DataFrame, about: pd.DataFrame, scheme: str | Mapping[str, float] = "equal"
) -> tuple[pd.Series, dict[str, float], list[str]]:
    """Return weights that sum to 1 within each level, the shares that first components explain, and notes.

    Parameters
    ----------
    score
        From `normalise`.
    scheme
        ``equal``, ``entropy``, ``pca``, or numbers of one's own for every indicator.

    Raises
    ------
    LayerError
        Another scheme, or numbers that are missing, negative or all 0 in a level.
    """
    if isinstance(scheme, str):
        check_option(scheme, SCHEMES, "weights")
    out = pd.Series(0.0, index=score.columns)
    explained, notes = {}, []
    for level, names in about.groupby("level", sort=False).groups.items():
        x = score[list(names)].to_numpy(float)
        if isinstance(scheme, str):
            weight = entropy_weights(x) if scheme == "entropy" else np.full(len(names), 1 / len(names))
            if scheme == "pca":
                weight, share, more_notes = pca_weights(x)
                explained[str(level)] = share
                notes += [f"{level}: {more_notes}"] if more_notes else []
        else:
            weight = np.array([scheme.get(n, np.nan) for n in names], float)
            if not (np.isfinite(weight) & (weight >= 0)).all() or not weight.sum() > 0:
                raise LayerError(
                    f"weights of {level}: allowed are numbers of 0 or more, not all 0, for {', '.join(names)}"
                )
            weight = weight / weight.sum()
        out[list(names)] = weight
    return out, explained, notes


def check_option(given: str, allowed: Sequence[str], what: str) -> None:
    """Say which option is not known."""
    if given not in allowed:
        raise LayerError(f"{what} {given!r} is unknown: allowed are {', '.join(allowed)}")
