"""Heights of the ground from a raster, read where they are wanted."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import rasterio
import shapely
from pyproj import CRS
from rasterio.errors import RasterioIOError

from layers.crs import WGS84, points_at, project
from layers.errors import CRSError, LayerError
from layers.sources.boundary import reading

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True)
class Elevation:
    """A raster of heights in metres, checked by `open_elevation`."""

    path: Path
    crs: CRS

    def heights(self, lonlat: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the height in metres at each longitude and latitude, between the middles of the four cells around it.

        Steps of whole cells would be slopes that the ground does not have. NaN outside the raster and in a cell without
        data; a neighbour without data is left out.
        """
        if not len(lonlat):
            return np.empty(0)
        xy = shapely.get_coordinates(project(points_at(lonlat), WGS84, self.crs))
        out = np.full(len(xy), np.nan)
        with reading(f"the elevation raster {self.path}"), rasterio.open(self.path) as raster:
            to_cell = ~raster.transform
            column = to_cell.a * xy[:, 0] + to_cell.b * xy[:, 1] + to_cell.c
            row = to_cell.d * xy[:, 0] + to_cell.e * xy[:, 1] + to_cell.f
            inside = np.flatnonzero((row >= 0) & (column >= 0) & (row < raster.height) & (column < raster.width))
            # By rows of the raster, so that its windows are read once and in order.
            for start in range(0, raster.height, BAND):
                within = inside[(row[inside] >= start) & (row[inside] < start + BAND)]
                if len(within):
                    top, left = max(start - 1, 0), max(int(column[within].min()) - 1, 0)
                    bottom = min(start + BAND + 1, raster.height)
                    right = min(int(column[within].max()) + 2, raster.width)
                    window = rasterio.windows.Window(left, top, right - left, bottom - top)
                    band = raster.read(1, window=window, masked=True).astype(float).filled(np.nan)
                    out[within] = _between(band, row[within] - top, column[within] - left)
        return out


def _between(band: NDArray[np.float64], row: NDArray[np.float64], column: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the values between the middles of cells, at rows and columns counted from the corner of the band."""
    own = band[row.astype(int), column.astype(int)]
    high, wide = band.shape
    weighted, weights = np.zeros(len(row)), np.zeros(len(row))
    for i in (0, 1):
        for j in (0, 1):
            r, c = np.floor(row - 0.5).astype(int) + i, np.floor(column - 0.5).astype(int) + j
            weight = (1 - np.abs(row - 0.5 - r)) * (1 - np.abs(column - 0.5 - c))
            value = band[np.clip(r, 0, high - 1), np.clip(c, 0, wide - 1)]
            known = ~np.isnan(value)
            weighted[known] += (weight * value)[known]
            weights[known] += weight[known]
    # Where the cell itself is known, a quarter of the weight is at the least.
    return np.where(np.isnan(own), np.nan, weighted / np.where(np.isnan(own), 1.0, weights))


BAND = 512
"""Rows of a raster that are read at once."""


def open_elevation(path: Path) -> Elevation:
    """Return a raster of heights, ready to be read.

    Raises
    ------
    LayerError
        The file is missing or no raster.
    CRSError
        It has no CRS.
    """
    try:
        with reading(f"the elevation raster {path}"), rasterio.open(path) as raster:
            if raster.crs is None:
                raise CRSError(f"the elevation raster {path} has no CRS: allowed is any CRS that is stated in the file")
            return Elevation(path, CRS.from_wkt(raster.crs.to_wkt()))
    except RasterioIOError as error:
        raise LayerError(f"the elevation raster {path} can't be read: {error}") from None
