"""Global spatial association of values on units that a libpysal graph joins.

Esda's statistics, two-sided p; and quadrants.

Values are a Series whose index names the units of the graph; NaN is left out (`mask_empty` makes it so). Fewer than 20
units, or units without any difference, are described, not tested: their p is NaN. The local statistics are in
`analysis.statistics.clusters`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from analysis.statistics.permutations import PERMUTATIONS, global_draws, pseudo_p
from analysis.statistics.words import MIN_UNITS
from layers.errors import NetworkError

if TYPE_CHECKING:
    from libpysal.graph import Graph
    from numpy.typing import NDArray
    from scipy.sparse import csr_array

COLUMNS = ["variable", "statistic", "value", "expected", "z", "p_two_sided", "n", "permutations", "note"]

Orders = Callable[["NDArray[np.float64]"], "NDArray[np.float64]"]


def refuse_raw(names: list[str]) -> None:
    """Raise `NetworkError` where a raw potential is to be tested.

    It is smooth by construction, its Moran's I always significant.
    """
    raw = [n for n in names if n.startswith("potential_")]
    if raw:
        raise NetworkError(
            f"{', '.join(raw)} can't be tested: a raw potential is smooth by construction; allowed are losses "
            "and ratios"
        )


def untested(values: NDArray[np.float64]) -> str:
    """Return why values are described, not tested, or an empty string: too few units, or no difference between them."""
    known = values[np.isfinite(values)]
    if len(known) >= MIN_UNITS and np.ptp(known) > 0:
        return ""
    return f"{len(known)} units" + (" without any difference" if len(known) and np.ptp(known) == 0 else "")


def mask_empty(values: pd.Series, population: pd.Series) -> pd.Series:
    """Return the values with NaN where nobody lives.

    For variables that weigh people (lost potential, people within an hour): the zeros of an empty steppe would make one
    giant low-low cluster. Supply (minutes to a checkpoint) keeps its empty cells.

    Examples
    --------
    >>> mask_empty(pd.Series([3.0, 0.0]), pd.Series([10, 0])).tolist()
    [3.0, nan]
    """
    return values.where(population.to_numpy() > 0)


def global_association(
    values: pd.Series, graph: Graph, *, permutations: int = PERMUTATIONS, seed: int = 0, weights: str = ""
) -> pd.DataFrame:
    """Return Moran's I, Geary's C and Getis–Ord's general G of a variable, p two-sided by permutation.

    I = n/S₀ · z'Wz / z'z and C = (n − 1)/2S₀ · Σ w(x_i − x_j)² / z'z with row-standardised W (Cliff and Ord 1981):
    above −1/(n − 1), and below 1, alike lies near alike. G = Σ w x_i x_j / Σ_{i≠j} x_i x_j with binary W (Getis and Ord
    1992): above its expectation high lies near high, below it low near low; it asks for values of 0 and more and is
    left out of others.

    Parameters
    ----------
    weights
        What the graph is, for the notes.

    Returns
    -------
    The columns of `COLUMNS`; islands count as units, without neighbours.

    Raises
    ------
    NetworkError
        A raw potential.
    """
    refuse_raw([str(values.name)])
    x, part = known_part(values, graph)
    z = x - x.mean() if len(x) else x
    rows, binary = part.transform("r").sparse.tocsr(), part.transform("b").sparse.tocsr().astype(float)
    n, name, note = len(x), str(values.name), f"{weights}, row-standardised".lstrip(", ")
    table = [
        morans_i(x, part, name, note=note, permutations=permutations, seed=seed),
        _row(name, "Geary's C", z, _geary(z, rows), 1.0, note, permutations=permutations, seed=seed),
    ]
    if n and x.min() >= 0 and x.max() > 0:
        expected = float(binary.sum()) / (n * (n - 1)) if n > 1 else np.nan
        table.append(
            _row(
                name,
                "general G",
                x,
                _general_g(x, binary),
                expected,
                f"{weights}, binary".lstrip(", "),
                permutations=permutations,
                seed=seed,
            )
        )
    return pd.DataFrame(table, columns=COLUMNS)


def bivariate_moran(
    x: pd.Series, y: pd.Series, graph: Graph, *, permutations: int = PERMUTATIONS, seed: int = 0
) -> pd.DataFrame:
    """Return the bivariate Moran's I of x with the neighbours' y.

    I = z_x'W z_y / (n − 1), W row-standardised (Anselin et al. 2002).

    It is not the correlation of x and y of the same unit: that is in no term.
    """
    refuse_raw([str(x.name), str(y.name)])
    y = y.reindex(x.index)
    both = np.isfinite(x.to_numpy(float)) & np.isfinite(y.to_numpy(float))
    a, part = known_part(x.where(both), graph)
    b, _ = known_part(y.where(both), graph)
    with np.errstate(invalid="ignore", divide="ignore"):
        zx, zy = ((v - v.mean()) / v.std(ddof=1) if len(v) > 1 else v for v in (a, b))
    pull = part.transform("r").sparse.tocsr().T @ zx
    judge = a if untested(a) else b  # whichever can't be tested decides
    row = _row(
        f"{x.name} with neighbours' {y.name}",
        "bivariate Moran's I",
        zy,
        lambda o: o @ pull / (len(zx) - 1),
        0.0,
        "row-standardised",
        permutations=permutations,
        seed=seed,
        judge=judge,
    )
    return pd.DataFrame([row], columns=COLUMNS)


def join_counts(labels: pd.Series, graph: Graph, *, permutations: int = PERMUTATIONS, seed: int = 0) -> pd.DataFrame:
    """Return for each label how often neighbours share it.

    J = ½ Σ w b_i b_j, b 1 for the label, W binary (Cliff and Ord 1981).

    p is two-sided; esda's `Join_Counts` tells the upper tail alone.
    """
    known = labels.dropna()
    part = graph.subgraph(known.index)
    binary = part.transform("b").sparse.tocsr().astype(float)
    pairs, n = float(binary.sum()) / 2, len(known)
    table = []
    for label in sorted(known.unique()):  # labels: a handful
        own = (known == label).to_numpy(float)
        k = own.sum()
        expected = pairs * k * (k - 1) / (n * (n - 1)) if n > 1 else np.nan
        table.append(
            _row(
                str(label),
                "join count",
                own,
                lambda o: _quadratic(o, binary) / 2,
                expected,
                f"{int(k)} units, binary",
                permutations=permutations,
                seed=seed,
            )
        )
    return pd.DataFrame(table, columns=COLUMNS)


def quadrants(x: pd.Series, y: pd.Series, *, cut: str = "median") -> pd.DataFrame:
    """Return where each unit stands by its own two values: HL is "high x and low y here".

    The answer to "much potential and little access at this place", which the bivariate Moran does not give. It is a
    description: no test is in it.

    Parameters
    ----------
    cut
        ``median`` or ``mean`` of each variable; a value at the cut is low.

    Returns
    -------
    ``x``, ``y``, ``quadrant`` (x first; empty where either is unknown).

    Examples
    --------
    >>> quadrants(pd.Series([1.0, 9.0, 2.0]), pd.Series([5.0, 1.0, 2.0]))["quadrant"].tolist()
    ['LH', 'HL', 'LL']
    """
    if cut not in ("median", "mean"):
        raise NetworkError(f"quadrants cut at the {cut!r}: allowed are median and mean")
    known = x.notna() & y.notna()
    high = [np.where(v > getattr(v[known], cut)(), "H", "L") for v in (x, y)]
    return pd.DataFrame({"x": x, "y": y, "quadrant": np.where(known, np.char.add(*high), "")}, index=x.index)


def known_part(values: pd.Series, graph: Graph) -> tuple[NDArray[np.float64], Graph]:
    """Return the known values and the graph among their units, in one order."""
    known = values[np.isfinite(values.to_numpy(float))]
    strange = known.index.difference(graph.unique_ids)
    if len(strange) or known.index.has_duplicates:
        raise NetworkError(
            f"the unit {(known.index[known.index.duplicated()].tolist() or strange.tolist())[0]!r} "
            "is not in the graph, or twice among the values: allowed are the names of its units"
        )
    # The graph's own order, so that the order of the values decides nothing.
    ids = graph.unique_ids[graph.unique_ids.isin(known.index)]
    part = graph if len(ids) == len(graph.unique_ids) else graph.subgraph(ids)
    return known.reindex(ids).to_numpy(float), part


def morans_i(
    values: NDArray[np.float64], graph: Graph, name: str, *, permutations: int, seed: int, note: str
) -> dict[str, object]:
    """Return Moran's I of values in the order of the graph as one row of `COLUMNS`; see `global_association`."""
    z = values - values.mean() if len(values) else values
    rows = graph.transform("r").sparse.tocsr()
    expected = -1 / (len(z) - 1) if len(z) > 1 else np.nan
    return _row(name, "Moran's I", z, _moran(z, rows), expected, note, permutations=permutations, seed=seed)


def _row(
    name: str,
    statistic: str,
    shuffled: NDArray[np.float64],
    of: Orders,
    expected: float,
    note: str,
    *,
    permutations: int,
    seed: int,
    judge: NDArray[np.float64] | None = None,
) -> dict[str, object]:
    """Return one global test as a row.

    `judge` are the values that must differ, where they are others than those shuffled.
    """
    why = untested(shuffled if judge is None else judge)
    value = float(of(shuffled[None])[0]) if len(shuffled) else np.nan
    z = p = np.nan
    if why:
        note = f"{note}; described, not tested: {why}"
    else:
        draws = global_draws(shuffled, of, permutations=permutations, seed=seed)
        p = pseudo_p(value, draws)
        z = float((value - draws.mean()) / draws.std()) if draws.std() > 0 else np.nan
    return {
        "variable": name,
        "statistic": statistic,
        "value": value,
        "expected": float(expected),
        "z": z,
        "p_two_sided": p,
        "n": len(shuffled),
        "permutations": 0 if why else permutations,
        "note": note,
    }


def _quadratic(orders: NDArray[np.float64], weights: csr_array) -> NDArray[np.float64]:
    """Return x'Wx of each order, summed as numpy sums one order by itself."""
    lag = np.ascontiguousarray((weights @ orders.T).T)
    return np.asarray((orders * lag).sum(axis=1), float)


def _moran(z: NDArray[np.float64], rows: csr_array) -> Orders:
    """Return Moran's I of orders of centred values."""
    scale, square = len(z) / rows.sum() if rows.sum() > 0 else np.nan, (z * z).sum()
    return lambda orders: scale * _quadratic(orders, rows) / (square or np.nan)


def _geary(z: NDArray[np.float64], rows: csr_array) -> Orders:
    """Return Geary's C of orders of centred values: Σ w(x_i − x_j)² = Σ (w_i. + w_.i) x_i² − 2 x'Wx."""
    both = np.asarray(rows.sum(axis=1)).ravel() + np.asarray(rows.sum(axis=0)).ravel()
    scale = (len(z) - 1) / (2 * rows.sum() * (z * z).sum() or np.nan)
    return lambda orders: scale * ((orders * orders) @ both - 2 * _quadratic(orders, rows))


def _general_g(x: NDArray[np.float64], binary: csr_array) -> Orders:
    """Return the general G of orders of values."""
    pairs = x.sum() ** 2 - (x * x).sum() or np.nan
    return lambda orders: _quadratic(orders, binary) / pairs
