"""Scenarios on the cells of a border's belt at a resolution of their own, a block of cells in each part."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import pandas as pd

from analysis.planning.whatif import answer
from gis.measures import populated_cells
from gis.queries.standing import standing_on, table_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    import geopandas as gpd

    from gis.inputs import Prepared
    from gis.sweeps.borders import Held, Scenario
    from network.build import Network

MOST_CELLS = 2_000
"""Cells of a part: some seconds of joining them to the roads and of sums over the places across."""
MEASURES = ("time_to_checkpoint_min", "time_to_city_min", "potential_cross_actual")
KEYS = ("border", "cell", "side")


@dataclass(frozen=True)
class Block:
    """Cells of a resolution of H3, from ``first`` to ``last`` (exclusive) in the order of the belt."""

    resolution: int
    first: int
    last: int


def belt_cells(prepared: Prepared, network: Network, resolution: int) -> tuple[Prepared, gpd.GeoDataFrame]:
    """Return a study's ground at another resolution of H3, and the cells of its belt.

    Raises
    ------
    StudyError
        A resolution that no study may have.
    """
    own = replace(prepared, study=prepared.study.with_analysis(h3_resolution=resolution))
    return own, populated_cells(network, own.border, own.study.analysis, own.population)


def cell_blocks(count: int, resolution: int) -> list[Block]:
    """Return the blocks of so many cells.

    Examples
    --------
    >>> [(b.first, b.last) for b in cell_blocks(4500, 6)]
    [(0, 2000), (2000, 4000), (4000, 4500)]
    """
    return [Block(resolution, n, min(n + MOST_CELLS, count)) for n in range(0, count, MOST_CELLS)]


def block_rows(held: Held, scenario: Scenario, block: Block) -> pd.DataFrame:
    """Return cells after a scenario: ``cell``, ``side``, ``region``, ``population`` and `MEASURES`."""
    with held.lock:
        found = held.cells.get(block.resolution)
        if found is None:
            found = held.cells[block.resolution] = belt_cells(held.prepared, held.network, block.resolution)
    prepared, cells = found
    state = standing_on(prepared, scenario.network, cells.iloc[block.first : block.last].reset_index(drop=True))
    own = answer(state, state.trees, table_of(scenario.network)).cells
    return own[["cell", "side", "region", "population", *MEASURES]]


def before_and_after_cells(parts: Iterable[pd.DataFrame], before: str) -> pd.DataFrame:
    """Return cells by scenario with their measures before, after and the change.

    Parameters
    ----------
    parts
        Of `block_rows` with ``border``, ``variant`` and ``scenario``.
    before
        The variant that all others are set beside.
    """
    rows = pd.concat(list(parts), ignore_index=True)
    own = rows["variant"] == before
    both = rows[~own].merge(
        rows.loc[own, [*KEYS, *MEASURES]], on=list(KEYS), suffixes=("_after", "_before"), validate="m:1"
    )
    for name in MEASURES:
        both[f"{name}_change"] = both[f"{name}_after"] - both[f"{name}_before"]
    order = [f"{n}_{s}" for n in MEASURES for s in ("before", "after", "change")]
    return both[["border", "variant", "scenario", "cell", "side", "region", "population", *order]]
