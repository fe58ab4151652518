"""Slope and water of missing roads, by hand."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
import rasterio
import shapely
from pyproj import CRS

from analysis.planning.sites.terrain import terrain_columns
from layers.crs import WGS84, project
from layers.elevation import open_elevation
from layers.errors import CRSError, LayerError

if TYPE_CHECKING:
    from pathlib import Path

PLANE = CRS.from_proj4("+proj=aea +lat_1=49.5 +lat_2=50.5 +lat_0=50 +lon_0=60")
LINES = np.array(
    [
        [shapely.LineString([(0, 0), (-10_000, 0)]), shapely.LineString([(0, 0), (5000, 0)])],
        [shapely.LineString(), shapely.LineString()],
        [shapely.LineString([(0, 0), (0, 30_000)]), shapely.LineString()],
    ],
    dtype=object,
)


def slope_of_two_per_cent(lonlat: np.ndarray) -> np.ndarray:
    """Rise to the west by 2 %, to the north not at all; nothing is known beyond 20 km in the north."""
    xy = shapely.get_coordinates(project(shapely.points(lonlat), WGS84, PLANE))
    return np.where(xy[:, 1] > 20_000, np.nan, -0.02 * xy[:, 0])


def test_by_hand() -> None:
    lake = shapely.box(-3000, -500, -1000, 500)

    def wet(lines: np.ndarray) -> np.ndarray:
        return np.asarray(shapely.length(shapely.intersection(lines, lake)))

    found = terrain_columns(LINES, PLANE, heights=slope_of_two_per_cent, wet_m=wet)
    # 200 m up to the west; down 100 m to the east: the other way round 100 up and 200 down.
    np.testing.assert_allclose(found["climb_m"], [200.0, 0.0, np.nan], rtol=1e-3)
    np.testing.assert_allclose(found["slope_pct"], [2.0, 0.0, np.nan], rtol=1e-3)
    np.testing.assert_allclose(found["water_km"], [2.0, 0.0, 0.0], rtol=1e-3)
    assert terrain_columns(LINES, PLANE).columns.tolist() == []
    assert terrain_columns(LINES[:0], PLANE, heights=slope_of_two_per_cent, wet_m=wet).shape == (0, 3)


def test_heights_are_those_of_the_raster(tmp_path: Path) -> None:
    path = tmp_path / "dem.tif"
    values = np.arange(700 * 3, dtype="float32").reshape(700, 3)
    values[5, 1] = -9999
    options = {"driver": "GTiff", "height": 700, "width": 3, "count": 1, "dtype": "float32", "nodata": -9999}
    with rasterio.open(
        path, "w", crs="EPSG:4326", transform=rasterio.Affine(1, 0, 60, 0, -0.01, 57), **options
    ) as file:
        file.write(values, 1)
    raster = open_elevation(path)
    spots = np.array([[60.5, 56.995], [62.5, 50.005], [61.5, 56.945], [59.0, 55.0], [60.5, 49.0], [60.0, 57.0]])
    np.testing.assert_array_equal(raster.heights(spots), [0.0, 2099.0, np.nan, np.nan, np.nan, 0.0])
    assert raster.heights(np.empty((0, 2))).shape == (0,)
    with rasterio.open(
        tmp_path / "bare.tif", "w", transform=rasterio.Affine(1, 0, 60, 0, -0.01, 57), **options
    ) as file:
        file.write(values, 1)
    with pytest.raises(CRSError, match="has no CRS"):
        open_elevation(tmp_path / "bare.tif")
    (tmp_path / "x.tif").write_text("x")
    with pytest.raises(LayerError, match="can't be read"):
        open_elevation(tmp_path / "x.tif")


@pytest.mark.parametrize(("east", "north"), [(0.01, 0.0), (0.0, 0.01), (0.006, -0.008)])
def test_a_plane_has_one_slope_whatever_its_cells_and_wherever_a_line_runs(
    tmp_path: Path, east: float, north: float
) -> None:
    """Cells of 700 m under lines of every direction, edges of cells among them: no step of a cell is a slope."""
    path, cell = tmp_path / "plane.tif", 700.0
    x, y = (np.arange(120) + 0.5) * cell - 42_000, 42_000 - (np.arange(120) + 0.5) * cell
    plane = 1000 + east * x[None, :] + north * y[:, None]
    with rasterio.open(
        path,
        "w",
        driver="GTiff",
        height=120,
        width=120,
        count=1,
        dtype="float64",
        crs=PLANE.to_wkt(),
        transform=rasterio.Affine(cell, 0, -42_000, 0, -cell, 42_000),
    ) as file:
        file.write(plane, 1)
    turns = np.linspace(0, 2 * np.pi, 13)
    ends = 30_000 * np.column_stack([np.cos(turns), np.sin(turns)])
    lines = np.array([[shapely.LineString([(0, 0), end]), shapely.LineString()] for end in ends], dtype=object)
    found = terrain_columns(lines, PLANE, heights=open_elevation(path).heights)
    along = np.abs(ends @ [east, north]) / 30_000
    np.testing.assert_allclose(found["slope_pct"], 100 * along, atol=1e-6)
    np.testing.assert_allclose(found["climb_m"], 30_000 * along, atol=1e-3)
