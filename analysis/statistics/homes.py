"""Where the people of a cell live: cells are valued by their settlements, weighted by people, not by their centres.

A cell's centre may lie in the steppe, or beyond a river; potentials at it were off by more than a quarter, up to twice,
in a few cells of the reference border.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from layers.sides import same_side
from network.costs import blocks

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from analysis.reach.accessibility import Targets
    from analysis.reach.decays import Decay

LEAST_KNOWN = 0.8
"""Share of a cell's people whose value must be known for the cell to have one."""


@dataclass(frozen=True)
class Homes:
    """Settlements of the populated cells, and the centres of populated cells without any.

    ``cell`` is the row of each home's cell among `n` cells; ``people`` weighs it; ``lonlat`` has shape (homes, 2);
    ``line_km`` is its distance to the border line; ``name`` is empty for a centre.
    """

    n: int
    cell: NDArray[np.int64]
    people: NDArray[np.float64]
    side: NDArray[np.object_]
    lonlat: NDArray[np.float64]
    line_km: NDArray[np.float64]
    name: NDArray[np.object_]

    def mean(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the mean of each cell by people; NaN where it is known for fewer than 80 % of them."""
        known = np.isfinite(values)
        have = np.bincount(self.cell[known], self.people[known], minlength=self.n)
        total = np.bincount(self.cell, self.people, minlength=self.n)
        sums = np.bincount(self.cell[known], (self.people * values)[known], minlength=self.n)
        out = np.full(self.n, np.nan)
        use = (have > 0) & (have >= LEAST_KNOWN * total)
        out[use] = sums[use] / have[use]
        return out

    def largest(self) -> NDArray[np.int64]:
        """Return the row of each cell's largest home, −1 for none; of equals the first."""
        out = np.full(self.n, -1)
        # The last to write is the largest; of equals the first, written last.
        order = np.lexsort((-np.arange(len(self.people)), self.people))
        out[self.cell[order]] = order
        return out


def cell_units(
    cells: pd.DataFrame, homes: Homes, targets: Targets, minutes: NDArray[np.float64], fades: Decay
) -> pd.DataFrame:
    """Return what growth is made of, by cell.

    ``side``, ``region``, ``population``, ``line_km`` and both actual potentials.

    Parameters
    ----------
    cells
        With ``cell``, ``side``, ``region``, ``population``.
    minutes
        On the actual network, shape (homes, targets).
    fades
        The decay of the potentials.
    """
    home = same_side(homes.side, targets.side)
    joined = np.isfinite(minutes).any(axis=1)
    sums = np.empty((2, len(homes.cell)))
    for rows in blocks(*home.shape):
        pull = fades(minutes[rows]) * targets.people
        for k, mask in enumerate((home[rows], ~home[rows])):
            sums[k, rows] = (pull * mask).sum(axis=1)
    frame = pd.DataFrame(cells[["side", "region", "population"]]).set_axis(cells["cell"].to_numpy(), axis=0)
    frame["line_km"] = homes.mean(homes.line_km)
    for what, total in zip(("domestic", "cross"), sums, strict=True):
        value = np.where(joined, total, np.nan)
        frame[f"potential_{what}_actual"] = homes.mean(value)
    return frame


def cell_pull(homes: Homes, targets: Targets, minutes: NDArray[np.float64], fades: Decay) -> NDArray[np.float64]:
    """Return f(t) from cells to the places across the border, 0 for those at home, shape (cells, targets)."""
    across = ~same_side(homes.side, targets.side)
    total = np.bincount(homes.cell, homes.people, minlength=homes.n)
    out = np.zeros((homes.n, across.shape[1]))
    for rows in blocks(*across.shape):
        pull = np.where(across[rows], fades(minutes[rows]), 0.0)
        np.add.at(out, homes.cell[rows], pull * homes.people[rows, None])
    return np.asarray(out / np.where(total > 0, total, 1.0)[:, None], float)


def named(cells: pd.DataFrame, homes: Homes) -> NDArray[np.object_]:
    """Return a name for each cell.

    The largest settlement in it, else "near" the settlement that ``near`` names, else nothing.
    """
    at = homes.largest()
    own = np.where(at >= 0, homes.name[np.maximum(at, 0)], "") if len(homes.name) else np.full(homes.n, "", object)
    near = cells["near"].to_numpy(dtype=object)
    around = np.array([f"near {n}" if n else "" for n in near], dtype=object)
    return np.where(own != "", own, around)
