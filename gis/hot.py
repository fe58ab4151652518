"""What the two flags of a run were made of, kept for the lists and the findings."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import pandas as pd
    from libpysal.graph import Graph
    from numpy.typing import NDArray

    from analysis.statistics.effects import Basis
    from analysis.statistics.excess import HomeNorm


@dataclass(frozen=True)
class Hot:
    """What the flags were made of.

    The ground, the cells' potentials, trips to the next city, the norm of home roads, the weights.

    ``towns`` are the rows of the homes that are settlements, in the layer of settlements, in their order; ``smooth``
    tells by effect what the smooth surfaces were (`analysis.statistics.smooth.smooth_test`); ``undetoured`` is the
    share of cells without any detour.
    """

    basis: Basis
    towns: NDArray[np.int64]
    units: pd.DataFrame
    trips: pd.DataFrame
    norm: HomeNorm
    graph: Graph
    smooth: dict[str, dict[str, Any]] = field(default_factory=dict)
    undetoured: float = np.nan
