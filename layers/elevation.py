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
        """Return the height in metres at each longitude and latitude, of the cell that holds it.

        NaN outside and without data.
        """
        if not len(lonlat):
            return np.empty(0)
        xy = shapely.get_coordinates(project(points_at(lonlat), WGS84, self.crs))
        out = np.full(len(xy), np.nan)
        with reading(f"the elevation raster {self.path}"), rasterio.open(self.path) as raster:
            row, column = rasterio.transform.rowcol(raster.transform, xy[:, 0], xy[:, 1], op=np.floor)
            row, column = np.asarray(row, np.int64), np.asarray(column, np.int64)
            inside = np.flatnonzero((row >= 0) & (column >= 0) & (row < raster.height) & (column < raster.width))
            # By rows of the raster, so that its windows are read once and in order.
            for start in range(0, raster.height, BAND):
                within = inside[(row[inside] >= start) & (row[inside] < start + BAND)]
                if len(within):
                    first, last = int(column[within].min()), int(column[within].max()) + 1
                    window = rasterio.windows.Window(first, start, last - first, min(BAND, raster.height - start))
                    band = raster.read(1, window=window, masked=True).astype(float).filled(np.nan)
                    out[within] = band[row[within] - start, column[within] - first]
        return out


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
