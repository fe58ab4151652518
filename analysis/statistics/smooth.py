"""What stands out even beside surfaces that are as smooth as the data: the null that decides the words.

Potential accessibility is smooth by construction, and a free shuffle finds a hot spot in any smooth surface. Here the
surface is drawn again from a spatial autoregression y = (I − ρW)⁻¹e with the data's own Moran's I, and the highest of
all its units is what a unit has to pass. Sensitivities: the same surfaces with the data's own values by rank, and Moran
spectral randomisation (Wagner and Dray 2015). Mapping by rank throws the height of a hot stretch away, so that neither
is evidence of absence by itself.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pandas as pd
from scipy.sparse import csr_array, eye_array
from scipy.sparse.csgraph import connected_components
from scipy.stats import norm, rankdata, skew

from analysis.statistics.association import known_part, untested
from analysis.statistics.belts import Belt
from analysis.statistics.own_side import without_self
from layers.keeping import kept_as, key_of

if TYPE_CHECKING:
    from libpysal.graph import Graph
    from numpy.typing import NDArray

Kind = Literal["gaussian", "ranked", "spectral"]
DRAWS = 9999
RHO = np.r_[np.arange(0.0, 0.9, 0.05), np.arange(0.9, 0.995, 0.01)]
"""Where the Moran's I that an autoregression makes is measured; between them it is interpolated."""
STEP = 0.01
FITTED = 400
"""Surfaces that measure it."""
MAD = 1.4826
"""Times the median absolute deviation: the standard deviation of Gaussian numbers, whatever a few of them are."""
SKEWED = 0.5
DENSE = 1000
"""Of more units weights stay sparse and the regression two thin tables: the same numbers but for their last digits."""
RUN = 4
"""Units in a row that an autoregression along the border needs."""


@dataclass(frozen=True)
class Null:
    """The surfaces of one ρ.

    Mean and standard deviation of each unit's S_i, and the highest standardised S_i of each surface.

    ``spread`` is the standard deviation of a surface, in the scale of the S_i.
    """

    mean: NDArray[np.float64]
    std: NDArray[np.float64]
    highest: NDArray[np.float64]
    spread: float = np.nan


@dataclass(frozen=True)
class Residual:
    """What takes a regression on some columns, shape (n, k), away: `found`, shape (k, n), finds its coefficients."""

    columns: NDArray[np.float64]
    found: NDArray[np.float64]

    def __matmul__(self, values: NDArray[np.floating[Any]]) -> NDArray[np.float64]:
        return np.asarray(values - self.columns @ (self.found @ values), float)


@dataclass
class Surfaces:
    """Smooth surfaces on one set of units: build it with `surfaces_on`. What was drawn for a ρ is kept.

    ``weights`` W row-standardised and ``raw`` with 1 on the diagonal, shape (n, n), dense for up to `DENSE` units;
    ``residual`` takes a surface's mean, or its regression, away, shape (n, n).
    """

    weights: NDArray[np.float64] | csr_array
    raw: NDArray[np.float64] | csr_array
    residual: NDArray[np.float64] | Residual
    draws: int
    seed: int
    kept: dict[float, Null] = field(default_factory=dict, repr=False)
    curve: dict[int, float] = field(default_factory=dict, repr=False)

    def moran(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return Moran's I of surfaces, shape (n, …), as they come: residuals."""
        joined = int((self.weights.sum(axis=1) > 0).sum())
        square = (values * values).sum(axis=0)
        return np.asarray(len(values) / joined * (values * (self.weights @ values)).sum(axis=0) / square, float)

    def rho(self, values: NDArray[np.float64]) -> float:
        """Return the ρ whose surfaces have the values' Moran's I on average; 0 where it is no more than chance."""
        seen, every = float(self.moran(values)), range(len(RHO))
        if self.weights.shape[0] <= DENSE:
            curve: list[float] = kept_as("smooth.curve", self._content, lambda: [self._made(k) for k in every])
            found = np.interp(seen, np.maximum.accumulate(curve), RHO)
        else:
            # Of so many units the same innovations make a curve that rises: its two points around the value are sought.
            k = bisect_right(every, seen, key=self._made)
            ends = [max(k - 1, 0), min(k, every[-1])]
            found = np.interp(seen, [self._made(end) for end in ends], RHO[ends])
        return round(round(float(found) / STEP) * STEP, 6)

    def _made(self, k: int) -> float:
        """Return the mean Moran's I of surfaces of the k-th ρ."""
        if k not in self.curve:
            e = np.random.default_rng(self.seed).normal(size=(self.weights.shape[0], FITTED))
            made = self.residual @ self._autoregressed(float(RHO[k]), e)
            self.curve[k] = float(self.moran(made).mean())
        return self.curve[k]

    def null(self, rho: float) -> Null:
        """Return what surfaces of a ρ do, robustly scaled each by itself as the data are."""
        if rho not in self.kept:
            self.kept[rho] = kept_as("smooth.null", [self._content, rho], lambda: self._null(rho))
        return self.kept[rho]

    def _null(self, rho: float) -> Null:
        """Return the same, drawn now."""
        drawn = self.drawn(rho)
        scale = self.scale(drawn, rho)
        spread = float(np.median(drawn.std(axis=0) / scale))
        return replace(standardised((self.raw @ drawn) / scale), spread=spread)

    @cached_property
    def _content(self) -> str:
        """What names all that surfaces are made of: those along a border are the same whatever the waits are."""
        parts = [self.weights, self.raw, self.residual]
        return key_of(*([p.columns, p.found] if isinstance(p, Residual) else p for p in parts), self.draws, self.seed)

    def drawn(self, rho: float) -> NDArray[np.float64]:
        """Return surfaces of a ρ, shape (n, draws), regressed as the data are."""
        e = np.random.default_rng(self.seed + 1).normal(size=(self.weights.shape[0], self.draws))
        return np.asarray(self.residual @ self._autoregressed(rho, e), float)

    def scale(self, values: NDArray[np.float64], rho: float) -> NDArray[np.float64]:
        """Return the scale of the innovations (I − ρW)y of surfaces, 1.4826 times their median absolute deviation."""
        e = values - rho * (self.weights @ values) if self._belt else self._operator(rho) @ values
        return np.asarray(MAD * np.median(np.abs(e - np.median(e, axis=0)), axis=0), float)

    def _autoregressed(self, rho: float, e: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return (I − ρW)⁻¹e."""
        return np.asarray(self._belt.solve(rho, e) if self._belt else np.linalg.solve(self._operator(rho), e), float)

    @cached_property
    def _belt(self) -> Belt | None:
        """The weights as a belt, where they are sparse."""
        return Belt(self.weights) if isinstance(self.weights, csr_array) else None

    def _operator(self, rho: float) -> NDArray[np.float64]:
        """Return I − ρW."""
        weights = dense(self.weights)
        return np.asarray(np.eye(len(weights)) - rho * weights, float)


def dense(table: NDArray[np.float64] | csr_array) -> NDArray[np.float64]:
    """Return a table that may be sparse as an array."""
    return np.asarray(table.toarray() if isinstance(table, csr_array) else table, float)


def surfaces_on(
    graph: Graph,
    *,
    design: NDArray[np.float64] | None = None,
    people: NDArray[np.float64] | None = None,
    draws: int = DRAWS,
    seed: int = 0,
) -> Surfaces:
    """Return the smooth surfaces on the units of a graph.

    Parameters
    ----------
    graph
        Weights as they are; row-standardised in the autoregression, as they are in S_i = x_i + Σ w_ij x_j.
    design
        Regressors of the variable, shape (n, k), in the order of the graph: where the data are residuals, the surfaces
        are made residuals by the same regression. The mean is taken away where it is None.
    people
        Weights of that regression.
    """
    sparse = without_self(graph)
    n = sparse.shape[0]
    x = np.ones((n, 1)) if design is None else np.asarray(design, float)
    v = np.ones(n) if people is None else np.asarray(people, float)
    pinv = np.linalg.pinv(x * np.sqrt(v)[:, None])
    if n > DENSE:
        total = np.repeat(sparse.sum(axis=1), np.diff(sparse.indptr))
        weights = csr_array((sparse.data / total, sparse.indices, sparse.indptr), shape=sparse.shape)
        return Surfaces(weights, csr_array(sparse + eye_array(n)), Residual(x, pinv * np.sqrt(v)), draws, seed)
    rows = sparse.toarray()
    total = rows.sum(axis=1, keepdims=True)
    standard = np.divide(rows, total, out=np.zeros_like(rows), where=total > 0)
    return Surfaces(standard, rows + np.eye(n), np.eye(n) - x @ pinv * np.sqrt(v), draws, seed)


def smooth_test(
    values: pd.Series,
    graph: Graph,
    *,
    kind: Kind = "gaussian",
    design: pd.DataFrame | None = None,
    people: pd.Series | None = None,
    draws: int = DRAWS,
    seed: int = 0,
    surfaces: Surfaces | None = None,
) -> pd.DataFrame:
    """Return how each unit's S_i = x_i + Σ w_ij x_j stands beside surfaces as smooth as the data.

    Parameters
    ----------
    values
        A logarithm or a residual, nearly symmetric: what is skewed is tested by its logarithm (`by_log`). NaN is left
        out, and so are units without neighbours.
    kind
        ``gaussian``: the autoregression, ρ by matching Moran's I, scaled by 1.4826·MAD of the innovations. ``ranked``:
        the same with ρ of the normal scores, values mapped by rank. ``spectral``: Moran spectral randomisation,
        eigenvectors in pairs.
    design, people
        See `surfaces_on`, by unit.
    surfaces
        From `surfaces_on` for the same units, so that nothing is drawn twice; built here where it is None.

    Returns
    -------
    On the index of the values: ``smooth_z``, S_i standardised by its mean and standard deviation over the surfaces;
    ``p_max`` = (1 + surfaces whose highest unit is at least as high) / (draws + 1), one-sided. NaN where untested.
    ``attrs``: ``rho``, ``moran``, ``units``, ``least`` (the smallest p_max), ``seen_sd`` (`seen_sd`; gaussian alone).
    """
    x, part = joined_part(values, graph)
    out = pd.DataFrame({"smooth_z": np.nan, "p_max": np.nan}, index=values.index)
    out.attrs = {"rho": np.nan, "moran": np.nan, "units": len(x), "least": np.nan, "seen_sd": np.nan}
    if untested(x):
        return out
    ids = part.unique_ids
    if surfaces is None:
        fit = None if design is None else design.reindex(ids).to_numpy(float)
        weight = None if people is None else people.reindex(ids).to_numpy(float)
        surfaces = surfaces_on(part, design=fit, people=weight, draws=draws, seed=seed)
    x = surfaces.residual @ x
    score = norm.ppf((rankdata(x) - 0.5) / len(x)) if kind == "ranked" else x
    rho = surfaces.rho(score)
    if kind == "gaussian":
        null = surfaces.null(rho)
        s = surfaces.raw @ x / float(surfaces.scale(x, rho))
    else:
        made = _by_rank(surfaces.drawn(rho), x) if kind == "ranked" else _spectral(surfaces, x)
        null = standardised(surfaces.raw @ made)
        s = surfaces.raw @ x
    z = (s - null.mean) / null.std
    out.loc[ids, "smooth_z"], out.loc[ids, "p_max"] = z, p_of_highest(z, null.highest)
    out.attrs |= {"rho": rho, "moran": float(surfaces.moran(x)), "least": float(out["p_max"].min())}
    if kind == "gaussian":
        out.attrs["seen_sd"] = seen_sd(surfaces, rho)
    return out


def by_log(values: pd.Series) -> bool:
    """Return whether a variable is to be tested by its logarithm.

    Positive, skewed by more than 0.5, and less so as a logarithm.

    Examples
    --------
    >>> by_log(pd.Series(np.exp(np.linspace(-2, 2, 30)))), by_log(pd.Series(np.linspace(-2, 2, 30)))
    (True, False)
    """
    x = values.to_numpy(float)
    x = x[np.isfinite(x)]
    if len(x) < 3 or x.min() <= 0 or np.ptp(x) == 0:
        return False
    return bool(abs(skew(x)) > SKEWED and abs(skew(np.log(x))) < abs(skew(x)))


def joined_part(values: pd.Series, graph: Graph) -> tuple[NDArray[np.float64], Graph]:
    """Return the known values that have a neighbour with a known value, and the graph among them, in one order."""
    x, part = known_part(values, graph)
    while len(x):
        alone = np.diff(without_self(part).indptr) == 0
        if not alone.any():
            break
        part = part.subgraph(part.unique_ids[~alone])
        x = x[~alone]
    return x, part


def in_runs(values: pd.Series, graph: Graph, *, least: int = RUN) -> pd.Series:
    """Return the values with NaN outside unbroken runs of at least `least` measured units.

    Shorter ones are described, not tested.
    """
    x, part = known_part(values, graph)
    if not len(x):
        return values
    _, run = connected_components(without_self(part), directed=False)
    long = np.bincount(run)[run] >= least
    out: pd.Series = values.where(values.index.isin(part.unique_ids[long]))
    return out


def seen_sd(surfaces: Surfaces, rho: float, *, cells: int = 8, alpha: float = 0.05) -> float:
    """Return how far, in sd of the surface, a stretch must be raised to be found in half of the surfaces.

    The middle of a stretch of `cells` units that is raised by h has S raised by h times the weights within the stretch;
    it is found in half of the cases where that carries it to the level that 5 % of surfaces pass. The median over the
    units. That the raised stretch itself makes the fitted surface smoother and wider is not in it: the true value is
    somewhat higher.
    """
    null = surfaces.null(rho)
    level = float(np.quantile(null.highest, 1 - alpha))
    held = np.sort(dense(surfaces.raw), axis=1)[:, -cells:].sum(axis=1)
    return float(np.median(level * null.std / (held * null.spread)))


def standardised(sums: NDArray[np.float64]) -> Null:
    """Return what surfaces do, from the S_i of each, shape (n, draws)."""
    mean, std = sums.mean(axis=1), sums.std(axis=1)
    return Null(mean, std, ((sums - mean[:, None]) / std[:, None]).max(axis=0))


def p_of_highest(z: NDArray[np.float64], highest: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the share of surfaces whose highest unit is at least as high, the data counted as one of them."""
    above = len(highest) - np.searchsorted(np.sort(highest), z, "left")
    return np.asarray((1 + above) / (len(highest) + 1), float)


def _by_rank(drawn: NDArray[np.float64], values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the values themselves in the order of drawn surfaces."""
    order = np.argsort(drawn, axis=0, kind="stable")
    out = np.empty_like(drawn)
    np.put_along_axis(out, order, np.sort(values)[:, None], axis=0)
    return out


def _spectral(surfaces: Surfaces, values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return Moran spectral randomisations of values, shape (n, draws).

    The values' share in each pair of neighbouring eigenvectors of the centred weights is kept and turned by a random
    angle.
    """
    n = len(values)
    centre = np.eye(n) - 1 / n
    both = dense(surfaces.weights + surfaces.weights.T) / 2
    size, vectors = np.linalg.eigh(centre @ both @ centre)
    # The constant vector has the eigenvalue 0 and no share in centred values.
    constant = int(np.argmax(np.abs(vectors.sum(axis=0))))
    keep = np.delete(np.argsort(size)[::-1], np.flatnonzero(np.argsort(size)[::-1] == constant))
    share = vectors[:, keep].T @ (values - values.mean())
    rng = np.random.default_rng(surfaces.seed + 2)
    m = len(keep) // 2 * 2
    angle = rng.uniform(0, 2 * np.pi, (m // 2, surfaces.draws))
    radius = np.hypot(share[:m:2], share[1:m:2])[:, None]
    turned = np.empty((len(keep), surfaces.draws))
    turned[:m:2], turned[1:m:2] = radius * np.cos(angle), radius * np.sin(angle)
    turned[m:] = share[m:, None] * rng.choice([-1.0, 1.0], (len(keep) - m, surfaces.draws))
    return np.asarray(values.mean() + vectors[:, keep] @ turned, float)
