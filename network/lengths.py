"""Lengths of generalised data.

Straightened links take a factor, calibrated on published distances (`network.calibration`).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from layers.crs import geodesic_m

STRAIGHT = 1.005
"""A link whose length is below this times the geodesic between its ends is drawn straight."""
LONG_M = 5000.0
"""A shorter link may well be straight; a longer one was straightened."""


@dataclass(frozen=True)
class Correction:
    """What is known of the lengths of one mode of generalised data.

    Attributes
    ----------
    factor
        Of straightened links.
    scatter, scatter_raw
        Root mean square of the log ratio of published to network distances with the factor, each left out of its own
        fit, and without any.
    ways
        Published distances behind it.
    """

    factor: float
    scatter: float
    scatter_raw: float
    ways: int


CORRECTIONS: Mapping[str, Correction] = {
    "road": Correction(1.056, 0.0460, 0.0545, 25),
    "rail": Correction(1.0, 0.0270, 0.0270, 13),
}
"""Fitted by `docs/calibrate_lengths.py` on the packaged roads and railways, all of one class (trunk, main), November
2026. Railways need no factor: 1.0002 fits best."""


def straightened(links: pd.DataFrame) -> NDArray[np.bool_]:
    """Return which links are long and drawn straight."""
    lines = links["geometry"].to_numpy(dtype=object)
    a, b = (shapely.get_coordinates(shapely.get_point(lines, i)) for i in (0, -1))
    straight = geodesic_m(*a.T, *b.T)
    return np.asarray((straight > LONG_M) & (links["length_m"].to_numpy(float) < STRAIGHT * straight), bool)


def with_length_factors(links: pd.DataFrame, generalised: Collection[str]) -> pd.DataFrame:
    """Return the links with ``length_factor``: that of the mode for straightened links of generalised modes, else 1.

    Lengths stay as they are until `lengthened`: what is sought by length in between finds the same.
    """
    factor = links["mode"].map({m: CORRECTIONS[m].factor for m in generalised}).fillna(1.0).to_numpy(float)
    return links.assign(length_factor=np.where(straightened(links), factor, 1.0) if len(generalised) else 1.0)


def lengthened(links: pd.DataFrame) -> pd.DataFrame:
    """Return the links with their factors in ``length_m``; ``length_factor`` stays as the flag of an assumed length."""
    return links.assign(length_m=links["length_m"] * links["length_factor"])


def scatter(mode: str, *, corrected: bool) -> float:
    """Return by how much a distance of generalised data is off, as a share: root mean square beside published ones."""
    known = CORRECTIONS[mode]
    return known.scatter if corrected else known.scatter_raw


def reported_scatter(report: Mapping[str, Any], mode: str) -> float:
    """Return by how much distances of a built network are off by a mode, as a share.

    Root mean square beside published ones, 0 where none is known.
    """
    known = [report.get(f"{m}_lengths") for m in ("road", "rail") if mode in (m, "any")]
    return max((float(k["scatter"]) for k in known if k), default=0.0)
