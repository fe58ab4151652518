"""Geometries that end the libraries below are refused before; libraries' errors are one message with their cause."""

from __future__ import annotations

import struct
from pathlib import Path

import geopandas as gpd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import shapely

from layers.errors import CRSError, LayerError
from layers.io import Source, read_layer
from layers.sources.boundary import DEEPEST, check_wkb, check_wkt, reading
from layers.sources.files import read_file

HEAD = struct.pack("<BII", 1, 7, 1)
POINT = struct.pack("<BIdd", 1, 1, 60.0, 50.0)


@pytest.mark.parametrize(
    "raw",
    [
        HEAD * 20_000 + POINT,
        struct.pack(">BII", 0, 7, 1) * 20_000 + POINT,
        struct.pack("<BII", 1, 5, 1) * 20_000 + POINT,
        struct.pack("<BII", 1, 7, 2) + POINT + HEAD * 20_000 + POINT,
        struct.pack("<BII", 1, 1007, 1) * 17 + POINT,
    ],
)
def test_nested_collections_are_refused_before_geos_sees_them(tmp_path: Path, raw: bytes) -> None:
    gpd.GeoDataFrame({"a": [1]}, geometry=[shapely.Point(1, 2)], crs=4326).to_parquet(tmp_path / "a.parquet")
    table = pq.read_table(tmp_path / "a.parquet")
    pq.write_table(
        table.set_column(1, table.schema.field("geometry"), pa.array([raw], pa.binary())), tmp_path / "a.parquet"
    )
    with pytest.raises(LayerError, match="row 1 is nested deeper"):
        read_file(tmp_path / "a.parquet")


def test_nested_words_are_refused(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("wkt;x\n" + "GeometryCollection(" * 5000 + "POINT(1 2)" + ")" * 5000 + ";1\n")
    with pytest.raises(LayerError, match="nested deeper"):
        read_file(tmp_path / "a.csv")


def test_maps_geometries_pass() -> None:
    square = shapely.box(0, 0, 1, 1)
    whole = [
        shapely.Point(1, 2),
        shapely.MultiPolygon([shapely.box(i, 0, i + 0.5, 1) for i in range(5000)]),
        shapely.GeometryCollection([shapely.MultiPolygon([square]), shapely.GeometryCollection([square])]),
        shapely.MultiLineString([[(i, 0), (i, 1)] for i in range(3000)]),
    ]
    check_wkb([None, *(shapely.to_wkb(g) for g in whole), *(shapely.to_wkb(g, include_srid=True) for g in whole)], "x")
    check_wkt([None, *(g.wkt for g in whole)], "x")
    assert DEEPEST >= 3


@pytest.mark.parametrize(
    "error",
    [
        ValueError("two\nlines"),
        KeyError("k"),
        shapely.errors.GEOSException("Topology"),
        pa.ArrowInvalid("bad"),
        RecursionError(),
    ],
)
def test_a_librarys_error_is_one_message(error: Exception) -> None:
    with pytest.raises(LayerError, match=r"a\.gpkg can't be read") as caught, reading("a.gpkg"):
        raise error
    assert caught.value.__cause__ is error
    assert "\n" not in str(caught.value)


def test_a_table_without_geometry(tmp_path: Path) -> None:
    import pyogrio

    pyogrio.write_dataframe(gpd.pd.DataFrame({"a": [1]}), tmp_path / "a.gpkg")
    with pytest.raises(LayerError, match="geometry"):
        read_layer("roads", Source(str(tmp_path / "a.gpkg")))


@pytest.mark.parametrize(
    ("far", "error", "said"),
    [
        # Coordinates as small as degrees are taken for degrees under a wrong CRS: that is said, before anything is
        # projected.
        (1, CRSError, "layer roads has coordinates like degrees, .* in yard"),
        (1000, LayerError, r"layer roads \(a\.parquet\)"),
    ],
)
def test_a_crs_that_is_no_place(tmp_path: Path, far: float, error: type[Exception], said: str) -> None:
    local = 'ENGCRS["yard",EDATUM["yard"],CS[Cartesian,2],AXIS["x",east],AXIS["y",north],LENGTHUNIT["metre",1]]'
    frame = gpd.GeoDataFrame({"kind": ["trunk"]}, geometry=[shapely.LineString([(0, 0), (far, far)])], crs=local)
    frame.to_parquet(tmp_path / "a.parquet")
    with pytest.raises(error, match=said):
        read_layer("roads", Source(str(tmp_path / "a.parquet")))
