"""One-way roads as different worlds write them: OpenStreetMap, Geofabrik's shapefiles, navigation data."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from layers.words import YES_NO, is_blank, parts_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

FORWARD, BACKWARD, BOTH, NEITHER, UNKNOWN = 1, -1, 0, 2, 9
_OSM: Mapping[str, int] = {
    **{word: FORWARD if yes else BOTH for word, yes in YES_NO.items() if word not in ("t", "f")},
    "-1": BACKWARD,
    "-1.0": BACKWARD,
    "−1": BACKWARD,
    "reverse": BACKWARD,
    **dict.fromkeys(("forward", "along"), FORWARD),
    **dict.fromkeys(("backward", "against"), BACKWARD),
    **dict.fromkeys(("both", "both ways", "both directions", "two-way", "two way", "twoway"), BOTH),
    "reversible": BOTH,
    "alternating": BOTH,
}
_GEOFABRIK: Mapping[str, int] = {"b": BOTH, "f": FORWARD, "t": BACKWARD}
_FROM_TO: Mapping[str, int] = {
    "ft": FORWARD,
    "tf": BACKWARD,
    "b": BOTH,
    "n": NEITHER,
    "bi": BOTH,
    "both": BOTH,
    "f": FORWARD,
    "t": BACKWARD,
}
_TRUE_FALSE: Mapping[str, int] = {"t": FORWARD, "f": BOTH}
ALLOWED = "yes, no, 1, 0, -1; B, F, T; FT, TF, B, N"


def directions(values: pd.Series) -> NDArray[np.int8]:
    """Return the direction of each link.

    `FORWARD` (as drawn), `BACKWARD`, `BOTH`, `NEITHER` (open to nobody), or `UNKNOWN`.

    ``T`` and ``F`` mean true and false in one world, and against and along the drawing in another. Beside a ``B`` they
    are the latter, as Geofabrik has them; beside a word of neither world they are unknown. Blank is both.

    Examples
    --------
    >>> directions(pd.Series(["B", "F", "T"])).tolist(), directions(pd.Series(["yes", "no", "-1"])).tolist()
    ([0, 1, -1], [1, 0, -1])
    >>> directions(pd.Series(["FT", "TF", "", "N"])).tolist(), directions(pd.Series(["T", "F"])).tolist()
    ([1, -1, 0, 2], [9, 9])
    """
    if values.dtype == bool:
        return np.where(values, FORWARD, BOTH).astype(np.int8)
    words = values.map(lambda v: _folded(v), na_action="ignore").astype(object)
    words = words.mask(is_blank(values), "")
    distinct = set(words)
    if distinct & {"ft", "tf"}:
        world: Mapping[str, int] = {**_OSM, **_FROM_TO}
    elif "b" in distinct:
        world = {**_OSM, **_GEOFABRIK}
    elif distinct & {"true", "false"}:
        world = {**_OSM, **_TRUE_FALSE}
    else:
        world = _OSM
    return np.asarray([BOTH if word == "" else world.get(word, UNKNOWN) for word in words], np.int8)


def _folded(value: object) -> str:
    """Return one value in small letters; of a list what all say, else the list itself."""
    parts = {part.casefold() for part in parts_of(value)}
    # A simplified link of ways of which some are one-way can be driven one way only, as a whole.
    if parts <= {"true", "false"} and len(parts) == 2:
        return "true"
    return parts.pop() if len(parts) == 1 else str(value).strip().casefold()
