"""Some places that stand for all of a side: what answers at once where a border has thousands of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


def standing_people(
    people: NDArray[np.float64], side: NDArray[np.object_], *, most: int, seed: int = 0
) -> NDArray[np.float64]:
    """Return the people whom each place stands for: its own, or those of a sample where a side has more places.

    The sample is systematic with chances by people (Madow 1949): steps of the same number of people through the places
    in their order, from a random start. Each step is one place that stands for so many; a place larger than a step is
    there for sure. Sums over people are estimated without bias, and the people of a side are exact.

    Parameters
    ----------
    people, side
        Of each place; NaN people are none.
    most
        Places of a side that are taken.

    Examples
    --------
    >>> import numpy as np
    >>> standing_people(np.array([5.0, 1, 1, 1, 4]), np.array(["a"] * 4 + ["b"], dtype=object), most=2)
    array([4., 0., 4., 0., 4.])
    """
    known = np.nan_to_num(people, nan=0.0)
    out = known.copy()
    rng = np.random.default_rng(seed)
    for own in ("a", "b"):
        rows = np.flatnonzero((side == own) & (known > 0))
        start = float(rng.random())
        if len(rows) <= most:
            continue
        ends = np.cumsum(known[rows])
        step = ends[-1] / most
        passed = np.clip(np.floor(ends / step - start) + 1, 0, most)
        passed[-1] = most
        out[rows] = np.diff(passed, prepend=0.0) * step
    return out
