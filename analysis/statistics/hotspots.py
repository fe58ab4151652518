"""Spatial statistics with PySAL: Moran's I, local Moran and G*, two-sided, with a false discovery rate, seeded."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from analysis.statistics.association import COLUMNS, morans_i, refuse_raw, untested
from analysis.statistics.clusters import local_g, local_moran
from analysis.statistics.permutations import ALPHA as ALPHA
from analysis.statistics.permutations import LEAST as LEAST
from analysis.statistics.permutations import PERMUTATIONS as PERMUTATIONS
from analysis.statistics.permutations import reach_warning as reach_warning
from analysis.statistics.weights import contiguity as contiguity

if TYPE_CHECKING:
    from libpysal.graph import Graph
    from numpy.typing import NDArray

WEIGHTS = "H3 contiguity"


def global_moran(
    values: NDArray[np.float64], graph: Graph, name: str, *, permutations: int, seed: int, weights: str = WEIGHTS
) -> dict[str, object]:
    """Return Moran's I of a variable as one row of the table of statistics, p two-sided by permutation."""
    note = f"{weights}, row-standardised"
    return morans_i(values, graph, name, permutations=permutations, seed=seed, note=note)


def local_statistics(values: NDArray[np.float64], graph: Graph, *, permutations: int, seed: int) -> pd.DataFrame:
    """Return local Moran and G* of a variable.

    Returns
    -------
    Per unit ``moran_i``, ``moran_quadrant`` (HH, LH, LL, HL), ``moran_p``, ``moran_q``; ``g_z`` (standardised over
    the permutations), ``g_p``, ``g_q``. ``p`` is two-sided by conditional permutation, ``q`` Benjamini–Hochberg over
    the units with neighbours; units without neighbours have NaN.
    """
    series = pd.Series(values, index=graph.unique_ids)
    moran = local_moran(series, graph, permutations=permutations, seed=seed)
    star = local_g(series, graph, permutations=permutations, seed=seed)
    return moran.join(star[["g_p", "g_q", "g_z"]]).reset_index(drop=True)


def cell_statistics(
    cells: pd.DataFrame,
    variables: dict[str, str],
    *,
    permutations: int = PERMUTATIONS,
    seed: int = 0,
    alpha: float = ALPHA,
    graph: Graph | None = None,
    weights: str = WEIGHTS,
) -> tuple[pd.DataFrame, pd.DataFrame, list[str]]:
    """Return the statistics of several variables over H3 cells.

    Raw potentials are refused: they are smooth by construction, and Moran's I of them is always significant.

    Parameters
    ----------
    cells
        With ``cell`` and the variables; cells with NaN in a variable are left out of its test.
    variables
        From a short name to the column tested.
    graph, weights
        Weights of the cells (`analysis.statistics.weights`) and what they are; the contiguity of the cells tested where
        it is None. G* takes any weights as binary.

    Returns
    -------
    Local statistics in the order of `cells`, prefixed ``<name>_``, NaN where untested; the global table; warnings.

    Raises
    ------
    NetworkError
        A raw potential is among the variables.
    """
    refuse_raw(list(variables.values()))
    table, notes, local = [], [], pd.DataFrame(index=cells.index)
    for name, column in variables.items():
        known = np.isfinite(cells[column].to_numpy(float))
        values = cells[column].to_numpy(float)[known]
        if why := untested(values):
            notes.append(f"{column} was described, not tested: {why}")
            continue
        part = contiguity(cells.loc[known, "cell"]) if graph is None else graph.subgraph(cells.loc[known, "cell"])
        # The graph orders its units by name; so do the values.
        order = pd.Index(cells.loc[known, "cell"]).get_indexer(part.unique_ids)
        draws = {"permutations": permutations, "seed": seed}
        table.append(global_moran(values[order], part, column, weights=weights, **draws))
        stats = local_statistics(values[order], part, **draws)
        stats.index = cells.index[known][order]
        local = local.join(stats.add_prefix(f"{name}_"))
        if warning := reach_warning(permutations, int(known.sum()), alpha):
            notes.append(f"{column}: {warning}")
    return local, pd.DataFrame(table, columns=COLUMNS), notes
