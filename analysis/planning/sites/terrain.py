"""How steep and how wet the missing roads of candidates are, where a raster of heights or a layer of water is given."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import shapely

from layers.crs import WGS84, project

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray
    from pyproj import CRS

STEP_M = 250.0
"""Distance of the places along a missing road at which its height is read."""


def terrain_columns(
    approaches: NDArray[np.object_],
    crs: CRS,
    *,
    heights: Callable[[NDArray[np.float64]], NDArray[np.float64]] | None = None,
    wet_m: Callable[[NDArray[np.object_]], NDArray[np.float64]] | None = None,
) -> pd.DataFrame:
    """Return what the straight ways of candidates to the roads of either side lead over.

    Parameters
    ----------
    approaches
        Lines of either side in the projection `crs`, shape (candidates, 2); empty ones where no road is missing.
    heights
        Metres at longitudes and latitudes, NaN where they are not known.
    wet_m
        How many metres of each line lie over water (`network.abroad.Border.wet_m`).

    Returns
    -------
    ``climb_m`` (sum of all ascents in either direction, the larger of the two), ``slope_pct`` (steepest `STEP_M`), both
    of the two approaches together and NaN where a height on the way is not known, 0 where no road is missing;
    ``water_km`` (straight km over water).
    """
    out = pd.DataFrame(index=range(len(approaches)))
    flat = np.asarray(approaches, dtype=object).ravel()
    if heights is not None:
        spots, owner, step = _spots(flat)
        height = heights(shapely.get_coordinates(project(spots, crs, WGS84)))
        same = owner[1:] == owner[:-1]
        rise = np.diff(height)[same]
        line = owner[1:][same]
        up = np.bincount(line, np.maximum(rise, 0.0), len(flat))
        down = np.bincount(line, np.maximum(-rise, 0.0), len(flat))
        steep = np.zeros(len(flat))
        np.maximum.at(steep, line, 100 * np.abs(np.nan_to_num(rise)) / step[line])
        unknown = np.bincount(line, np.isnan(rise), len(flat)) > 0
        ups, downs, slopes = (np.where(unknown, np.nan, v).reshape(-1, 2) for v in (up, down, steep))
        out["climb_m"] = np.maximum(ups.sum(axis=1), downs.sum(axis=1))
        out["slope_pct"] = slopes.max(axis=1)
    if wet_m is not None:
        out["water_km"] = wet_m(flat).reshape(-1, 2).sum(axis=1) / 1000
    return out


def _spots(lines: NDArray[np.object_]) -> tuple[NDArray[np.object_], NDArray[np.int64], NDArray[np.float64]]:
    """Return places along lines, the line of each, and the distance between those of each line.

    Both ends are among them.
    """
    length = shapely.length(lines)
    parts = np.where(length > 0, np.maximum(np.ceil(length / STEP_M), 1), 0).astype(int)
    owner = np.repeat(np.arange(len(lines)), np.where(parts > 0, parts + 1, 0))
    number = np.arange(len(owner)) - np.searchsorted(owner, owner)
    step = length / np.maximum(parts, 1)
    return shapely.line_interpolate_point(lines[owner], number * step[owner]), owner, step
