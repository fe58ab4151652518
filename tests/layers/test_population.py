"""People from rasters: sums by hand, totals conserved, densities by area, and what is refused."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import geopandas as gpd
import numpy as np
import pytest
import rasterio
import shapely
from affine import Affine
from pyproj import Geod

from analysis.units import h3_cells, people_from_raster
from layers.errors import CRSError, LayerError
from layers.population import open_population
from tests.borders import ground_of, random_land

if TYPE_CHECKING:
    from numpy.typing import NDArray

GPW = Path(__file__).resolve().parents[3] / "shared" / "data" / "population" / "gpw_v4_density_2020_15min.tif"
ALBERS = "+proj=aea +lat_1=49.5 +lat_2=54.5 +lat_0=51 +lon_0=67 +datum=WGS84 +units=m"


def write(
    path: Path,
    values: NDArray[np.float64],
    *,
    west: float,
    north: float,
    size: float,
    crs: object = 4326,
    nodata: float | None = -99.0,
) -> Path:
    """Write a raster of square cells."""
    height, width = values.shape
    how = {"driver": "GTiff", "height": height, "width": width, "count": 1, "dtype": "float64", "nodata": nodata}
    with rasterio.open(path, "w", crs=crs, transform=Affine(size, 0, west, 0, -size, north), **how) as raster:
        raster.write(values, 1)
    return path


def boxes(*bounds: tuple[float, float, float, float], crs: object = 4326) -> gpd.GeoDataFrame:
    return gpd.GeoDataFrame(geometry=[shapely.box(*b) for b in bounds], crs=crs)


def test_counts_by_the_part_of_the_cell_and_nodata_is_nobody(tmp_path: Path) -> None:
    values = np.array([[10.0, 20.0], [40.0, -99.0]])
    raster = open_population(write(tmp_path / "p.tif", values, west=60, north=52, size=1), kind="count")
    where = boxes((60, 51, 61, 52), (60, 51, 61.5, 52), (60, 50, 62, 52), (61, 50, 62, 51), (10, 10, 11, 11))
    assert raster.people(where).tolist() == pytest.approx([10, 20, 70, 0, 0])


def test_a_partition_conserves_the_total(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    values = rng.integers(0, 1000, (40, 60)).astype(float)
    raster = open_population(write(tmp_path / "p.tif", values, west=60, north=52, size=0.1), kind="count")
    cells = shapely.voronoi_polygons(
        shapely.MultiPoint(rng.uniform((60, 48), (66, 52), (80, 2))), extend_to=shapely.box(60, 48, 66, 52)
    )
    parts = shapely.intersection(shapely.get_parts(cells), shapely.box(60, 48, 66, 52))
    people = raster.people(gpd.GeoDataFrame(geometry=parts, crs=4326))
    assert people.sum() == pytest.approx(values.sum(), rel=1e-6)


def test_another_crs_is_moved_into_the_rasters(tmp_path: Path) -> None:
    raster = open_population(
        write(tmp_path / "p.tif", np.full((40, 40), 5.0), west=66, north=52, size=0.05), kind="count"
    )
    here = boxes((66.5, 50.5, 67.5, 51.5))
    dense = here.set_geometry(shapely.segmentize(here.geometry.to_numpy(), 0.01))
    assert raster.people(dense.to_crs(ALBERS))[0] == pytest.approx(raster.people(here)[0], rel=1e-3)


def test_densities_are_multiplied_by_the_cells_area(tmp_path: Path) -> None:
    degrees = open_population(
        write(tmp_path / "d.tif", np.full((4, 4), 3.0), west=60, north=52, size=0.5), kind="density"
    )
    where = boxes((60, 50, 62, 52))
    outline = shapely.segmentize(where.geometry.iloc[0], 0.01)
    km2 = abs(Geod(ellps="WGS84").geometry_area_perimeter(outline)[0]) / 1e6
    # exactextract takes areas on a sphere: within half a per cent of the ellipsoid.
    assert degrees.people(where)[0] == pytest.approx(3 * km2, rel=5e-3)
    plane = open_population(
        write(tmp_path / "e.tif", np.full((4, 4), 3.0), west=0, north=4000, size=1000, crs=ALBERS), kind="density"
    )
    assert plane.people(boxes((500, 0, 2000, 4000), crs=ALBERS))[0] == pytest.approx(3 * 6.0)


def test_what_is_refused(tmp_path: Path) -> None:
    values = np.ones((2, 2))
    with pytest.raises(LayerError, match="count, density"):
        open_population(write(tmp_path / "p.tif", values, west=60, north=52, size=1), kind="people")
    with pytest.raises(LayerError, match="can't be read"):
        open_population(tmp_path / "none.tif", kind="count")
    (tmp_path / "page.tif").write_text("<!DOCTYPE html>")
    with pytest.raises(LayerError, match="can't be read"):
        open_population(tmp_path / "page.tif", kind="count")
    with pytest.raises(LayerError, match="-9999"):
        open_population(
            write(tmp_path / "n.tif", values - 10_000, west=60, north=52, size=1, nodata=None), kind="count"
        )
    with pytest.raises(CRSError, match="no CRS"):
        open_population(write(tmp_path / "c.tif", values, west=60, north=52, size=1, crs=None), kind="count")
    with pytest.raises(CRSError, match="equal-area"):
        open_population(write(tmp_path / "m.tif", values, west=0, north=5000, size=1000, crs=3857), kind="density")


@pytest.mark.parametrize("seed", [0, 2, 5])
def test_cells_of_both_sides_hold_all_the_people(tmp_path: Path, seed: int) -> None:
    ground = ground_of(random_land(seed))
    cells = h3_cells(ground.regions, ground.border, ground.crs, resolution=4, depth_km=100)
    west, south, east, north = cells.total_bounds
    rng = np.random.default_rng(seed)
    size = 0.05
    shape = (int((north - south) / size) + 4, int((east - west) / size) + 4)
    values = rng.integers(0, 500, shape).astype(float)
    file = write(tmp_path / "p.tif", values, west=west - size, north=north + size, size=size)
    raster = open_population(file, kind="count")
    people = people_from_raster(cells, ground.regions, raster.people)
    land = shapely.union_all(ground.regions.geometry.to_numpy())
    whole = shapely.intersection(shapely.union_all(cells.geometry.to_numpy()), land)
    assert people.sum() == pytest.approx(raster.people(gpd.GeoDataFrame(geometry=[whole], crs=4326))[0], abs=len(cells))
    for side in ("a", "b"):
        own = ground.regions.loc[ground.regions["side"] == side].geometry.iloc[0]
        part = shapely.intersection(shapely.union_all(cells.geometry.to_numpy()), own)
        told = people[(cells["side"] == side).to_numpy()].sum()
        assert told == pytest.approx(raster.people(gpd.GeoDataFrame(geometry=[part], crs=4326))[0], abs=len(cells))


@pytest.mark.shared
@pytest.mark.skipif(not GPW.exists(), reason="the shared population raster is not beside the repository")
def test_the_real_density_raster_against_a_plain_sum_over_its_cells(packaged_land: object) -> None:
    regions = packaged_land.regions  # type: ignore[attr-defined]
    mine = regions[regions["region"].isin(["RU-ORE", "KZ-15", "RU-OMS"])].reset_index(drop=True)
    people = open_population(GPW, kind="density").people(mine)
    with rasterio.open(GPW) as raster:
        values, t = raster.read(1, masked=True).filled(0.0), raster.transform
    # The plain way: every cell cut into 15 by 15, a piece counts where its middle lies inside.
    k = 15
    step = abs(t.e) / k
    for polygon, told in zip(mine.geometry, people, strict=True):
        west, south, east, north = polygon.bounds
        x, y = (
            np.arange(west // step * step + step / 2, east, step),
            np.arange(south // step * step + step / 2, north, step),
        )
        lon, lat = (v.ravel() for v in np.meshgrid(x, y))
        inside = shapely.contains_xy(polygon, lon, lat)
        row, column = ((t.f - lat) / abs(t.e)).astype(int), ((lon - t.c) / t.a).astype(int)
        plain = (values[row, column] * small_cell_km2(lat, step))[inside].sum()
        assert told == pytest.approx(plain, rel=0.01)


def small_cell_km2(lat: NDArray[np.float64], step: float) -> NDArray[np.float64]:
    """Return the area of a small cell on the ellipsoid: meridian radius times parallel radius."""
    a, e2 = 6378137.0, 0.00669437999014
    phi = np.radians(lat)
    meridian = a * (1 - e2) / (1 - e2 * np.sin(phi) ** 2) ** 1.5
    parallel = a / np.sqrt(1 - e2 * np.sin(phi) ** 2) * np.cos(phi)
    return np.asarray(meridian * parallel * np.radians(step) ** 2 / 1e6, float)
