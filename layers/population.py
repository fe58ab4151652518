"""People from a raster, summed exactly over polygons: counts per cell, or density in persons per km²."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import geopandas as gpd
import numpy as np
import shapely
from pyproj import CRS

from layers.errors import CRSError, LayerError
from layers.sources.boundary import reading

if TYPE_CHECKING:
    from numpy.typing import NDArray

Kind = Literal["count", "density"]
KINDS: tuple[Kind, ...] = ("count", "density")


@dataclass(frozen=True)
class PopulationRaster:
    """A raster of people (WorldPop, GHS-POP: ``count``; GPW's density: ``density``), checked by `open_population`."""

    path: Path
    kind: Kind
    crs: CRS

    def people(self, polygons: gpd.GeoDataFrame) -> NDArray[np.float64]:
        """Return the people of each polygon.

        Cells count by the part of them inside (exactextract, which reads the raster by windows); cells without data
        count nobody. Density is multiplied by the cell's area: on the sphere for degrees, in the plane for an
        equal-area raster.

        Parameters
        ----------
        polygons
            In any CRS that is stated.
        """
        from exactextract import exact_extract

        # An intersection may leave nothing, or crumbs of lines beside its polygons: neither holds people.
        solid = shapely.buffer(polygons.to_crs(self.crs).geometry.to_numpy(), 0)
        some = np.flatnonzero(~shapely.is_empty(solid))
        people = np.zeros(len(polygons))
        if not len(some):
            return people
        where = gpd.GeoDataFrame(geometry=solid[some], crs=self.crs)
        area = "area_spherical_km2" if self.crs.is_geographic else "area_cartesian"
        operation = "sum" if self.kind == "count" else f"sum(coverage_weight={area})"
        with warnings.catch_warnings():
            # Two spellings of one CRS are no mismatch: the polygons were moved into the raster's.
            warnings.filterwarnings("ignore", message="Spatial reference system")
            table = exact_extract(str(self.path), where, [operation], output="pandas")
        total = np.nan_to_num(np.asarray(table["sum"], float))
        if self.kind == "density" and not self.crs.is_geographic:
            total /= 1e6 / self.crs.axis_info[0].unit_conversion_factor ** 2
        people[some] = total
        return people


def open_population(path: Path, *, kind: str) -> PopulationRaster:
    """Return a raster of people, ready to be summed.

    Parameters
    ----------
    kind
        ``count`` (persons per cell) or ``density`` (persons per km²): no file tells.

    Raises
    ------
    LayerError
        The file is missing or no raster, has negative values that are not its nodata, or the kind is unknown.
    CRSError
        It has no CRS, or holds densities in a projection that is not equal-area.
    """
    import rasterio
    from rasterio.errors import RasterioIOError

    if kind not in KINDS:
        raise LayerError(f"a population raster of kind {kind!r}: allowed are {', '.join(KINDS)}")
    try:
        with reading(f"the population raster {path}"), rasterio.open(path) as raster:
            if raster.crs is None:
                raise CRSError(
                    f"the population raster {path} has no CRS: allowed is any CRS that is stated in the file"
                )
            crs = CRS.from_wkt(raster.crs.to_wkt())
            # A coarse look is enough to find a nodata value that nobody declared.
            shape = tuple(min(s, 512) for s in raster.shape)
            lowest = raster.read(1, out_shape=shape, masked=True).min()
    except RasterioIOError as error:
        raise LayerError(f"the population raster {path} can't be read: {error}") from None
    if lowest is not np.ma.masked and lowest < 0:
        raise LayerError(
            f"the population raster {path} holds {float(lowest):g}: allowed is 0 or more, and a declared nodata"
        )
    if kind == "density" and not crs.is_geographic:
        method = crs.coordinate_operation.method_name if crs.coordinate_operation else ""
        if "Equal Area" not in method and "Mollweide" not in method:
            raise CRSError(f"densities in {crs.name!r}: allowed is longitude and latitude, or an equal-area projection")
    return PopulationRaster(path, "density" if kind == "density" else "count", crs)
