"""Calibrate the lengths of the packaged roads and railways on published distances: `python docs/calibrate_lengths.py`.

Prints the ways, the factors and their errors; the factors stand in `network.lengths.CORRECTIONS`.
"""

from __future__ import annotations

import sys

from gis import load_study
from gis.inputs import prepare
from layers.distances import published_distances
from network.base import build_base
from network.calibration import calibrate

COLUMNS = [
    "road",
    "origin",
    "destination",
    "km",
    "network_km",
    "straightened_km",
    "direct_km",
    "ratio",
    "used",
    "why_not",
]


def main() -> None:
    """Print the calibration of both modes."""
    prepared = prepare(load_study())
    base = build_base(
        prepared.layers["roads"],
        prepared.layers["railways"],
        prepared.regions,
        prepared.border,
        prepared.crs,
        generalised=("road", "rail"),
        length_factor=False,
    )
    for mode in ("road", "rail"):
        found = calibrate(base.tables, published_distances(), mode)
        sys.stdout.write(f"{found.ways[COLUMNS].round(3).to_string(index=False)}\n{found}\n\n")


if __name__ == "__main__":
    main()
