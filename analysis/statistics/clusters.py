"""Local spatial association: where alike lies by alike, where a unit stands out, where it is mixed.

esda's statistics of values on units that a libpysal graph joins, with conditional permutation, two-sided p and the
false discovery rate. Each function takes a Series whose index names the units and returns a frame on the same index;
NaN is left out (`analysis.statistics.association.mask_empty`), islands get NaN. Fewer than 20 units are described, not
tested: their p is NaN.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from analysis.statistics.association import known_part, refuse_raw, untested
from analysis.statistics.permutations import PERMUTATIONS, Outcome, Tail, adjusted, local_test

if TYPE_CHECKING:
    from libpysal.graph import Graph
    from numpy.typing import NDArray
    from scipy.sparse import csr_array

QUADRANTS = np.array(["", "HH", "LH", "LL", "HL"])
"""Own value, then the neighbours', by esda's numbers."""


def local_moran(values: pd.Series, graph: Graph, *, permutations: int = PERMUTATIONS, seed: int = 0) -> pd.DataFrame:
    """Return the local Moran (Anselin 1995): I_i = (n − 1) z_i Σ w_ij z_j / z'z, W row-standardised.

    Returns
    -------
    ``moran_i``, ``moran_quadrant`` (own value, then the neighbours': HH, LH, LL, HL), ``moran_p``, ``moran_q``. NaN for
    islands.
    """
    from esda import Moran_Local

    def of(x: NDArray[np.float64], part: Graph) -> tuple[pd.DataFrame, Outcome | None]:
        local = Moran_Local(x, part.transform("r"), permutations=0)
        z, scale = local.z, (len(x) - 1) / (local.z * local.z).sum()
        out = pd.DataFrame({"moran_i": local.Is, "moran_quadrant": QUADRANTS[local.q]})
        return out, _conditional(
            x, z, local.w, local.Is, lambda i, drawn, w: z[i] * (drawn @ w) * scale, permutations, seed
        )

    return _local(values, graph, "moran", of)


def local_moran_bv(
    x: pd.Series, y: pd.Series, graph: Graph, *, permutations: int = PERMUTATIONS, seed: int = 0
) -> pd.DataFrame:
    """Return the bivariate local Moran: I_i = (n − 1) z_x,i Σ w_ij z_y,j / z_x'z_x (Anselin et al. 2002).

    The trap: it sets a unit's x against its *neighbours'* y. HL says "high potential here, low access around it". For
    "high potential and low access here" take `analysis.statistics.association.quadrants`, or the local Moran of the gap
    between both.

    Returns
    -------
    ``bv_i``, ``bv_quadrant`` (own x, then the neighbours' y), ``bv_p``, ``bv_q``.
    """
    from esda import Moran_Local_BV

    refuse_raw([str(y.name)])
    other = y.reindex(x.index)

    def of(a: NDArray[np.float64], part: Graph) -> tuple[pd.DataFrame, Outcome | None]:
        b = other.reindex(part.unique_ids).to_numpy(float)
        local = Moran_Local_BV(a, b, part.transform("r"), permutations=0)
        zx, zy, scale = local.zx, local.zy, (len(a) - 1) / (local.zx * local.zx).sum()
        out = pd.DataFrame({"bv_i": local.Is, "bv_quadrant": QUADRANTS[local.q]})
        judge = a if untested(a) else b
        return out, _conditional(
            judge, zy, local.w, local.Is, lambda i, drawn, w: zx[i] * (drawn @ w) * scale, permutations, seed
        )

    return _local(x.where(np.isfinite(other.to_numpy(float))), graph, "bv", of)


def local_geary(values: pd.Series, graph: Graph, *, permutations: int = PERMUTATIONS, seed: int = 0) -> pd.DataFrame:
    """Return the local Geary (Anselin 1995, 2019): c_i = Σ w_ij (z_i − z_j)², W row-standardised.

    Small where a unit is like its neighbours, high or low; large where it differs: an edge.

    Returns
    -------
    ``geary_c``, ``geary_kind`` (alike or unlike: below or above the mean of its draws), ``geary_p``, ``geary_q``.
    """

    def of(x: NDArray[np.float64], part: Graph) -> tuple[pd.DataFrame, Outcome | None]:
        rows = part.transform("r")
        with np.errstate(invalid="ignore", divide="ignore"):
            z = (x - x.mean()) / x.std()
        w = rows.sparse.tocsr()
        c = _by_pair(w, (z[_focal(w)] - z[w.indices]) ** 2)

        def apart(i: int, drawn: NDArray[np.float64], w: NDArray[np.float64]) -> NDArray[np.float64]:
            return np.asarray(np.square(np.subtract(z[i], drawn, out=drawn), out=drawn) @ w, float)

        tested = _conditional(x, z, rows, c, apart, permutations, seed)
        kind = np.where(c < tested.mean, "alike", "unlike") if tested else np.full(len(c), "")
        return pd.DataFrame({"geary_c": c, "geary_kind": kind}), tested

    return _local(values, graph, "geary", of)


def local_g(
    values: pd.Series, graph: Graph, *, star: bool = True, permutations: int = PERMUTATIONS, seed: int = 0
) -> pd.DataFrame:
    """Return Getis and Ord's local G* or G (1992, Ord and Getis 1995).

    The share of the whole in a unit's neighbourhood.

    G*_i = Σ w_ij x_j / Σ x_j with the unit itself in both sums; G_i without it. W is binary. For values of 0 and more.

    Returns
    -------
    ``g``, ``g_z`` (standardised over the draws: hot above 0, cold below), ``g_p``, ``g_q``.
    """
    from esda import G_Local

    def of(x: NDArray[np.float64], part: Graph) -> tuple[pd.DataFrame, Outcome | None]:
        local = G_Local(x, part, transform="B", star=star, permutations=0)
        total, own = x.sum(), float(star)
        tested = _conditional(
            x,
            x,
            local.w,
            local.Gs,
            lambda i, drawn, w: (drawn @ w + own * x[i]) / (total - (1 - own) * x[i]),
            permutations,
            seed,
        )
        z = (local.Gs - tested.mean) / tested.std if tested else np.nan
        return pd.DataFrame({"g": local.Gs, "g_z": z}), tested

    return _local(values, graph, "g", of)


def local_join_counts(
    labels: pd.Series, label: str, graph: Graph, *, permutations: int = PERMUTATIONS, seed: int = 0
) -> pd.DataFrame:
    """Return how many neighbours share a unit's label: J_i = b_i Σ w_ij b_j, W binary (Anselin and Li 2019).

    p is one-sided, "more of its kind around it than chance puts there", over the units that have the label; the others
    have NaN. (esda leaves units without a like neighbour out of the test, which would choose the family by the outcome;
    here p is 1.)

    Returns
    -------
    ``join_count``, ``join_p``, ``join_q``.
    """
    own = (labels == label).astype(float).where(labels.notna())

    def of(b: NDArray[np.float64], part: Graph) -> tuple[pd.DataFrame, Outcome | None]:
        rows = part.transform("b")
        count = b * (rows.sparse @ b)
        tested = _conditional(
            b, b, rows, count, lambda i, drawn, w: b[i] * (drawn @ w), permutations, seed, tail="greater"
        )
        if tested:
            tested.p[b == 0] = np.nan
        return pd.DataFrame({"join_count": count}), tested

    return _local(own, graph, "join", of)


def losh(values: pd.Series, graph: Graph) -> pd.DataFrame:
    """Return Ord and Getis' (2012) local heteroscedasticity.

    H_i = Σ w_ij e_j² / (Σ w_ij · mean e²), e the residual from the local mean.

    Above 1 where a neighbourhood is more mixed than most: a boundary of a hot spot, or a place where one number does
    not do for all. p is upper-tailed by the χ² approximation, as esda has it; no permutations. W is row-standardised;
    islands are left out.

    Returns
    -------
    ``losh_h``, ``losh_p``, ``losh_q``.
    """
    from esda.losh import LOSH

    def of(x: NDArray[np.float64], part: Graph) -> tuple[pd.DataFrame, Outcome | None]:
        joined = np.diff(_without_self(part).indptr) > 0
        h, p = np.full(len(x), np.nan), np.full(len(x), np.nan)
        if joined.any() and np.ptp(x[joined]) > 0:
            rest = part.subgraph(np.asarray(part.unique_ids)[joined]).transform("r")
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # a unit whose weights leave no variance divides by zero: NaN
                fitted = LOSH(rest, inference="chi-square").fit(x[joined])
            h[joined], p[joined] = fitted.Hi, fitted.pval
        return pd.DataFrame({"losh_h": h}), None if untested(x) else Outcome(p, h, h)

    return _local(values, graph, "losh", of)


def _local(
    values: pd.Series,
    graph: Graph,
    name: str,
    of: Callable[[NDArray[np.float64], Graph], tuple[pd.DataFrame, Outcome | None]],
) -> pd.DataFrame:
    """Return a local statistic with p and q on the index of the values, NaN for islands and unknown values."""
    refuse_raw([str(values.name)])
    x, part = known_part(values, graph)
    with warnings.catch_warnings():
        # Islands and fields without any difference divide by zero inside esda; they are masked below.
        warnings.simplefilter("ignore")
        out, tested = of(x, part) if len(x) else (pd.DataFrame(), None)
    alone = np.diff(_without_self(part).indptr) == 0 if len(x) else np.zeros(0, bool)
    p = np.where(alone, np.nan, tested.p if tested else np.nan)
    out[f"{name}_p"], out[f"{name}_q"] = p, adjusted(p)
    for column in out:
        out[column] = out[column].mask(
            alone, "" if out[column].dtype == object or str(out[column].dtype) == "str" else np.nan
        )
    out.index = part.unique_ids
    return out.reindex(values.index)


def _conditional(
    judge: NDArray[np.float64],
    shuffled: NDArray[np.float64],
    graph: Graph,
    observed: NDArray[np.float64],
    statistic: Callable[[int, NDArray[np.float64], NDArray[np.float64]], NDArray[np.float64]],
    permutations: int,
    seed: int,
    tail: Tail = "two-sided",
) -> Outcome | None:
    """Return the conditional test, or nothing where the values can't be tested."""
    if untested(judge):
        return None
    return local_test(shuffled, graph.sparse, observed, statistic, permutations=permutations, seed=seed, tail=tail)


def _without_self(graph: Graph) -> csr_array:
    """Return the weights without the diagonal and without zeros."""
    rows = graph.sparse.tocsr(copy=True)
    rows.setdiag(0)
    rows.eliminate_zeros()
    return rows


def _focal(weights: csr_array) -> NDArray[np.int64]:
    """Return the row of each stored weight."""
    return np.repeat(np.arange(weights.shape[0]), np.diff(weights.indptr))


def _by_pair(weights: csr_array, term: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the weighted sum of a term of each pair by row."""
    return np.asarray(np.bincount(_focal(weights), weights.data * term, minlength=weights.shape[0]), float)
