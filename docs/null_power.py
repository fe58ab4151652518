"""What the tests of growth and bottlenecks find and what they raise falsely, on surfaces that are known.

`python docs/null_power.py`.

Draws smooth surfaces on H3 cells, raises a stretch of 4 to 12 cells in them by 0, 2, 3 and 5 standard deviations, and
counts in how many the stretch is found at 0.05 (with nothing raised: in how many anything is). Prints a table in
Markdown.
"""

from __future__ import annotations

import argparse
import sys

import h3
import numpy as np
import pandas as pd

from analysis.statistics.own_side import own_side_test
from analysis.statistics.smooth import Kind, by_log, smooth_test, surfaces_on
from analysis.statistics.weights import contiguity

ALPHA = 0.05
RAISED = (0.0, 2.0, 3.0, 5.0)
KINDS: dict[str, Kind] = {
    "smooth surfaces, highest cell": "gaussian",
    "the same, values by rank": "ranked",
    "Moran spectral randomisation": "spectral",
}
FREE = "free draws within the side"


def found_shares(
    *, surfaces: int = 100, draws: int = 999, rho: float = 0.8, rings: int = 7, seed: int = 1
) -> pd.DataFrame:
    """Return the share of surfaces in which something is found, by test (rows) and by what was planted (columns).

    Parameters
    ----------
    surfaces
        Of each column.
    draws
        Of every null.
    rho
        Of the surfaces that are drawn; the tests fit their own.
    rings
        Of H3 cells around one: 7 make 169.
    """
    cells = sorted(h3.grid_disk(h3.latlng_to_cell(50.0, 60.0, 4), rings))
    graph = contiguity(pd.Series(cells))
    ids = list(graph.unique_ids)
    side, rows = pd.Series("a", index=ids), graph.transform("r").sparse.toarray()
    null = surfaces_on(graph, draws=draws, seed=seed)
    rng = np.random.default_rng(seed)
    counts: dict[str, dict[str, float]] = {name: {} for name in (FREE, *KINDS)}
    columns = [(f"{sd:g} sd raised" if sd else "nothing raised", sd, False) for sd in RAISED]
    columns.append(("nothing raised, skewed", 0.0, True))
    for column, sd, skewed in columns:
        hits = dict.fromkeys(counts, 0)
        for _ in range(surfaces):
            values, stretch = _surface(rng, ids, rows, rho, sd, skewed)
            asked = stretch if sd else ids
            for name, kind in KINDS.items():
                p = smooth_test(values, graph, kind=kind, surfaces=null)["p_max"]
                hits[name] += bool((p[asked] <= ALPHA).any())
            free = own_side_test(values, graph, side, permutations=max(draws, 9_999), seed=seed)
            hits[FREE] += bool(free.loc[asked, "hot"].any())
        for name in counts:
            counts[name][column] = hits[name] / surfaces
    return pd.DataFrame(counts).T


def _surface(
    rng: np.random.Generator, ids: list[str], rows: np.ndarray, rho: float, sd: float, skewed: bool
) -> tuple[pd.Series, list[str]]:
    """Return a smooth surface with a raised stretch, and the stretch."""
    y = np.linalg.solve(np.eye(len(ids)) - rho * rows, rng.normal(size=len(ids)))
    values = pd.Series((y - y.mean()) / y.std(), index=ids)
    heart = ids[int(rng.integers(len(ids)))]
    stretch = sorted(ids, key=lambda c: (h3.grid_distance(heart, c), c))[: int(rng.integers(4, 13))]
    values[stretch] += sd
    values = np.exp(values) if skewed else values
    return (np.log(values) if by_log(values) else values), stretch


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--surfaces", type=int, default=100)
    parser.add_argument("--draws", type=int, default=999)
    given = parser.parse_args()
    table = found_shares(surfaces=given.surfaces, draws=given.draws)
    sys.stdout.write("| test | " + " | ".join(table.columns) + " |\n")
    sys.stdout.write("|---" * (1 + len(table.columns)) + "|\n")
    for name, row in table.iterrows():
        sys.stdout.write(f"| {name} | " + " | ".join(f"{v:.2f}" for v in row) + " |\n")


if __name__ == "__main__":
    main()
