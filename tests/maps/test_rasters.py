"""The GeoTIFFs: a true COG, nodata, unit and description inside, and the legend beside it."""

import math
from xml.etree import ElementTree as ET

import numpy as np
import pyproj
import pytest
import rasterio
from affine import Affine

from maps.rasters import NODATA, travel_time_style, write_raster
from tests.maps import frames as synthetic

STYLE = travel_time_style()
ALBERS = pyproj.CRS.from_user_input(synthetic.CRS)
TRANSFORM = Affine(1000.0, 0, -1_000_000, 0, -1000.0, 500_000)


def write(path, values, **options):
    options = {
        "transform": TRANSFORM,
        "crs": ALBERS,
        "description": "Minutes to a checkpoint",
        "units": "min",
    } | options
    write_raster(path, values, **options)
    return path


def values(rows=700, columns=1100):
    field = np.hypot(*np.mgrid[0:rows, 0:columns])
    field[:200, :200] = np.nan
    return field


def test_comes_back_with_all_that_describes_it(tmp_path):
    given = values()
    with rasterio.open(write(tmp_path / "t.tif", given, style=STYLE)) as file:
        assert file.nodata == NODATA
        assert file.dtypes == ("float32",)
        assert file.units == ("min",)
        assert file.descriptions == ("Minutes to a checkpoint",)
        assert file.transform == TRANSFORM
        assert pyproj.CRS(file.crs.to_wkt()).equals(pyproj.CRS(ALBERS.to_wkt("WKT1_GDAL")))
        assert file.compression.name == "deflate"
        assert file.overviews(1)
        band = file.read(1, masked=True)
    np.testing.assert_array_equal(band.mask, np.isnan(given))
    np.testing.assert_array_equal(band.filled(np.nan), given.astype(np.float32))


def test_overviews_do_not_mix_nodata_in(tmp_path):
    with rasterio.open(write(tmp_path / "t.tif", values()), overview_level=0) as file:
        band = file.read(1)
    assert band[band != NODATA].min() >= 0


def test_is_a_strict_cog(tmp_path):
    cogeo = pytest.importorskip("rio_cogeo", reason="rio-cogeo is not installed")
    valid, errors, warnings = cogeo.cog_validate(write(tmp_path / "t.tif", values()), strict=True, quiet=True)
    assert (valid, errors, warnings) == (True, [], [])


def test_same_bytes_and_nothing_else(tmp_path):
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        write(tmp_path / folder / "t.tif", values(), style=STYLE)
    for name in ("t.tif", "t.qml"):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()
    assert sorted(path.name for path in (tmp_path / "a").iterdir()) == ["t.qml", "t.tif"]


def test_sidecar_has_the_classes(tmp_path):
    write(tmp_path / "t.tif", values(20, 30), style=STYLE)
    shader = ET.parse(tmp_path / "t.qml").getroot().find("pipe/rasterrenderer/rastershader/colorrampshader")
    items = shader.findall("item")
    assert shader.get("colorRampType") == "DISCRETE"
    assert [item.get("label") for item in items] == [item.label for item in STYLE.classes]
    assert [item.get("color") for item in items] == [item.color for item in STYLE.classes]
    tops = [float(item.get("value")) for item in items]
    assert tops[:2] == pytest.approx([30, 60])
    # A pixel of just 30 minutes belongs to "30–60 min": the colour below must end before it.
    assert all(top < item.upper for top, item in zip(tops[:-1], STYLE.classes, strict=False))
    assert tops[-1] == math.inf


def test_no_style_no_sidecar(tmp_path):
    write(tmp_path / "t.tif", values(20, 30))
    assert [path.name for path in tmp_path.iterdir()] == ["t.tif"]


def test_no_style_takes_a_stale_sidecar_away(tmp_path):
    write(tmp_path / "t.tif", values(20, 30), style=STYLE)
    write(tmp_path / "t.tif", values(20, 30))
    assert [path.name for path in tmp_path.iterdir()] == ["t.tif"]


def test_a_failure_leaves_the_old_files(tmp_path, monkeypatch):
    write(tmp_path / "t.tif", values(20, 30), style=STYLE)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}

    def broken(source, target, **options):
        target.write_bytes(b"half")
        raise OSError("disk full")

    monkeypatch.setattr("rasterio.shutil.copy", broken)
    with pytest.raises(OSError, match="disk full"):
        write(tmp_path / "t.tif", values(30, 30))
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (np.zeros(4), "2-D array, got shape"),
        (np.zeros((0, 3)), "non-empty"),
        (np.array([[1.0, np.inf]]), "1 values are infinite"),
        (np.array([[NODATA, NODATA]]), "2 values are infinite or -9999"),
    ],
)
def test_refuses(tmp_path, wrong, message):
    with pytest.raises(ValueError, match=message):
        write(tmp_path / "t.tif", wrong)
    assert not list(tmp_path.iterdir())
