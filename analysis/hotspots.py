"""Spatial statistics with PySAL: Moran's I, local Moran and G*, two-sided, with a false discovery rate, seeded."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from scipy.stats import false_discovery_control

from analysis.units import h3_weights
from layers.errors import NetworkError

if TYPE_CHECKING:
    from libpysal.graph import Graph
    from numpy.typing import NDArray

PERMUTATIONS = 9999
ALPHA = 0.05
MIN_UNITS = 20
"""Fewer units are described, not tested: the power of Moran's I is under a third at 12 units (docs/decisions.md)."""


LEAST = 3
"""Draws that esda's two-sided p counts for a value beyond all of them."""


def reach_warning(permutations: int, n: int, alpha: float = ALPHA) -> str:
    """Return a warning where the permutations can't reach the FDR cut, else an empty string.

    The smallest two-sided pseudo-p is 3/(permutations + 1), for esda counts the value, its twin in the other tail and
    the extreme draw; Benjamini–Hochberg asks α/n of the first unit.
    """
    if permutations + 1 >= LEAST * n / alpha:
        return ""
    return (
        f"{permutations:,} permutations can't make a single one of {n} units significant under FDR at {alpha:g}: "
        f"only ties could; use {int(np.ceil(LEAST * n / alpha)):,} or more"
    )


def contiguity(cells: pd.Series) -> Graph:
    """Return the H3 contiguity of cells as a binary libpysal graph; islands stay, without neighbours."""
    from libpysal.graph import Graph

    neighbours = h3_weights(cells)
    # libpysal writes an island as a pair of itself with weight 0.
    pairs = [(c, n, int(bool(ns))) for c, ns in neighbours.items() for n in (ns or [c])]
    focal, other, weight = (np.array(column) for column in zip(*pairs, strict=True))
    return Graph.from_arrays(focal, other, weight)


def global_moran(
    values: NDArray[np.float64], graph: Graph, name: str, *, permutations: int, seed: int
) -> dict[str, object]:
    """Return Moran's I of a variable as one row of the table of statistics, p two-sided by permutation."""
    from esda import Moran
    from esda.significance import calculate_significance

    np.random.seed(seed)  # noqa: NPY002  (esda draws from numpy's legacy generator)
    moran = Moran(values, graph.transform("r"), permutations=permutations)
    p = float(calculate_significance(float(moran.I), moran.sim, alternative="two-sided"))
    return {
        "variable": name,
        "statistic": "Moran's I",
        "value": float(moran.I),
        "expected": float(moran.EI),
        "z": float((moran.I - moran.sim.mean()) / moran.sim.std()),
        "p_two_sided": p,
        "n": len(values),
        "permutations": permutations,
        "note": "H3 contiguity, row-standardised",
    }


def local_statistics(values: NDArray[np.float64], graph: Graph, *, permutations: int, seed: int) -> pd.DataFrame:
    """Return local Moran and G* of a variable.

    Returns
    -------
    Per unit ``moran_i``, ``moran_quadrant`` (HH, LH, LL, HL), ``moran_p``, ``moran_q``; ``g_z`` (standardised over
    the permutations), ``g_p``, ``g_q``. ``p`` is two-sided by conditional permutation, ``q`` Benjamini–Hochberg over
    the units with neighbours; units without neighbours have NaN.
    """
    from esda import G_Local, Moran_Local
    from esda.significance import calculate_significance

    rows = graph.transform("r")
    alone = graph.cardinalities.reindex(graph.unique_ids).to_numpy() == 0
    out = pd.DataFrame(index=range(len(values)))
    with warnings.catch_warnings():
        # Islands divide by zero inside esda; they are masked below.
        warnings.simplefilter("ignore")
        local = Moran_Local(values, rows, permutations=permutations, seed=seed, keep_simulations=True, n_jobs=1)
        p_moran = calculate_significance(local.Is, local.rlisas, alternative="two-sided")
        star = G_Local(
            values,
            graph,
            transform="B",
            star=True,
            permutations=permutations,
            seed=seed,
            keep_simulations=True,
            n_jobs=1,
        )
        p_star = calculate_significance(star.Gs, star.rGs, alternative="two-sided")
        z = (star.Gs - star.rGs.mean(axis=1)) / star.rGs.std(axis=1)
    out["moran_i"] = np.where(alone, np.nan, local.Is)
    out["moran_quadrant"] = np.where(alone, "", np.array(["", "HH", "LH", "LL", "HL"])[local.q])
    for name, p in (("moran", p_moran), ("g", p_star)):
        p = np.where(alone, np.nan, np.asarray(p, float))
        q = np.full(len(p), np.nan)
        q[~alone] = false_discovery_control(np.minimum(p[~alone], 1.0))
        out[f"{name}_p"], out[f"{name}_q"] = p, q
    out["g_z"] = np.where(alone, np.nan, z)
    return out


def cell_statistics(
    cells: pd.DataFrame,
    variables: dict[str, str],
    *,
    permutations: int = PERMUTATIONS,
    seed: int = 0,
    alpha: float = ALPHA,
) -> tuple[pd.DataFrame, pd.DataFrame, list[str]]:
    """Return the statistics of several variables over H3 cells.

    Raw potentials are refused: they are smooth by construction, and Moran's I of them is always significant.

    Parameters
    ----------
    cells
        With ``cell`` and the variables; cells with NaN in a variable are left out of its test.
    variables
        From a short name to the column tested.

    Returns
    -------
    Local statistics in the order of `cells`, prefixed ``<name>_``, NaN where untested; the global table; warnings.

    Raises
    ------
    NetworkError
        A raw potential is among the variables.
    """
    raw = [c for c in variables.values() if c.startswith("potential_")]
    if raw:
        raise NetworkError(
            f"{', '.join(raw)} can't be tested: a raw potential is smooth by construction; allowed are losses and ratios"
        )
    table, notes, local = [], [], pd.DataFrame(index=cells.index)
    for name, column in variables.items():
        known = np.isfinite(cells[column].to_numpy(float))
        values = cells[column].to_numpy(float)[known]
        if known.sum() < MIN_UNITS or np.ptp(values) == 0:
            why = f"{column} was described, not tested: {known.sum()} units" + (
                " without any difference" if known.any() and np.ptp(values) == 0 else ""
            )
            notes.append(why)
            continue
        graph = contiguity(cells.loc[known, "cell"])
        # The graph orders its units by name; so do the values.
        order = pd.Index(cells.loc[known, "cell"]).get_indexer(graph.unique_ids)
        table.append(global_moran(values[order], graph, column, permutations=permutations, seed=seed))
        stats = local_statistics(values[order], graph, permutations=permutations, seed=seed)
        stats.index = cells.index[known][order]
        local = local.join(stats.add_prefix(f"{name}_"))
        if warning := reach_warning(permutations, int(known.sum()), alpha):
            notes.append(f"{column}: {warning}")
    columns = ["variable", "statistic", "value", "expected", "z", "p_two_sided", "n", "permutations", "note"]
    return local, pd.DataFrame(table, columns=columns), notes
