"""Autoregressions of many units in a belt: solved block by block along it.

Units along a border have neighbours near them alone. In the order of Cuthill and McKee (1969) the weights are a narrow
band, so that I − ρW falls into blocks on and beside its diagonal (Golub and Van Loan 2013, section 4.5.1).
Row-standardised weights and ρ below 1 make it diagonally dominant: the blocks need no other order.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from scipy.sparse import csr_array, eye_array
from scipy.sparse.csgraph import reverse_cuthill_mckee

if TYPE_CHECKING:
    from numpy.typing import NDArray

LEAST = 64
"""Units of a block at the least."""


class Belt:
    """Row-standardised weights, shape (n, n), in the order of their band; `solve` is all that it is for."""

    def __init__(self, weights: csr_array) -> None:
        self.weights = weights

    @cached_property
    def _order(self) -> NDArray[np.int64]:
        both = csr_array(abs(self.weights) + abs(self.weights).T)
        return np.asarray(reverse_cuthill_mckee(both, symmetric_mode=True), np.int64)

    @cached_property
    def _band(self) -> csr_array:
        """The weights in that order."""
        return csr_array(self.weights[self._order][:, self._order])

    @cached_property
    def blocks(self) -> list[slice]:
        """Runs of units in that order, each with neighbours in the next ones alone.

        One of all where their band is wide: blocks cost as much as six tables of a band by the units, the whole as two
        of the units.
        """
        n = self._band.shape[0]
        entries = self._band.tocoo()
        width = max(int(abs(entries.row - entries.col).max(initial=0)), LEAST)
        width = width if 3 * width < n else max(n, 1)
        return [slice(start, min(start + width, n)) for start in range(0, n, width)]

    def solve(self, rho: float, right: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return y of (I − ρW)y = right, shape (n, k).

        Examples
        --------
        >>> chain = csr_array(np.array([[0, 1, 0], [0.5, 0, 0.5], [0, 1, 0]]))
        >>> Belt(chain).solve(0.5, np.array([[0.0], [0.75], [0.0]])).round(6).ravel().tolist()
        [0.5, 1.0, 0.5]
        """
        matrix = csr_array(eye_array(self._band.shape[0]) - rho * self._band)
        out, over = np.empty_like(right), []
        own, before = None, None
        for k, some in enumerate(self.blocks):
            rows = matrix[some]
            middle, rest = rows[:, some].toarray(), right[self._order[some]]
            if before is not None:
                back = rows[:, before].toarray()
                middle -= back @ over[-1]
                rest -= back @ own
            ahead = rows[:, self.blocks[k + 1]].toarray() if k + 1 < len(self.blocks) else np.empty((len(middle), 0))
            found = np.linalg.solve(middle, np.concatenate([ahead, rest], axis=1))
            over.append(found[:, : ahead.shape[1]])
            own, before = found[:, ahead.shape[1] :], some
            out[self._order[some]] = own
        for k in range(len(self.blocks) - 2, -1, -1):
            rows, after = self._order[self.blocks[k]], self._order[self.blocks[k + 1]]
            out[rows] -= over[k] @ out[after]
        return out
