"""Layers from files of a user's own."""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path

import geopandas as gpd
import pytest
import shapely

from layers.crs import WGS84
from layers.errors import LayerError
from layers.io import Source, read_layer
from layers.schema import validate
from layers.sources.files import SUFFIXES, read_file
from layers.sources.tables import TABLES


@pytest.fixture
def towns() -> gpd.GeoDataFrame:
    table = {"title": ["Alpha", "Бета"], "cc": ["RU", "KZ"], "people": [1000, 0], "colour": ["red", "blue"]}
    return gpd.GeoDataFrame(table, geometry=[shapely.Point(60.125, 50.25), shapely.Point(61.5, 50.75)], crs=WGS84)


COLUMNS = {"name": "title", "country": "cc", "population": "people"}


def write(frame: gpd.GeoDataFrame, path: Path) -> Path:
    if path.suffix == ".parquet":
        frame.to_parquet(path)
    elif path.suffix in TABLES:
        table = frame.drop(columns="geometry").assign(lon=frame.geometry.x, lat=frame.geometry.y)
        if path.suffix == ".xlsx":
            table.to_excel(path, index=False)
        else:
            table.to_csv(path, index=False, sep="," if path.suffix == ".csv" else "\t")
    else:
        frame.to_file(path, engine="pyogrio", encoding="utf-8" if path.suffix == ".shp" else None)
    return path


@pytest.mark.parametrize("suffix", [s for s in SUFFIXES if s != ".graphml"])
def test_each_format_comes_back(tmp_path: Path, towns: gpd.GeoDataFrame, suffix: str) -> None:
    if suffix == ".json":
        path = write(towns, tmp_path / "towns.geojson").rename(tmp_path / "towns.json")
    else:
        path = write(towns, tmp_path / f"towns{suffix}")
    frame, about = read_layer("settlements", Source(str(path), columns=COLUMNS, rights="mine"))
    expected = validate(towns.rename(columns={v: k for k, v in COLUMNS.items()}), "settlements", "memory")
    # A FlatGeobuf is stored by its own spatial order.
    frame = frame.sort_values("name", ignore_index=True).assign(settlement_id=[0, 1])
    assert shapely.get_coordinates(frame.geometry) == pytest.approx(shapely.get_coordinates(expected.geometry))
    assert frame.drop(columns="geometry").equals(expected.drop(columns="geometry"))
    assert about["sha256"] == sha256(path.read_bytes()).hexdigest()
    assert (about["layer"], about["file"], about["rows"], about["rights"]) == ("settlements", path.name, 2, "mine")


def test_a_projected_file_comes_back_in_degrees(tmp_path: Path, towns: gpd.GeoDataFrame) -> None:
    path = write(towns.to_crs(32641), tmp_path / "towns.gpkg")
    frame, _ = read_layer("settlements", Source(str(path), columns=COLUMNS))
    assert shapely.get_coordinates(frame.geometry) == pytest.approx(shapely.get_coordinates(towns.geometry), abs=1e-7)


def test_a_file_with_several_layers_asks_which(tmp_path: Path, towns: gpd.GeoDataFrame) -> None:
    path = tmp_path / "both.gpkg"
    towns.to_file(path, layer="towns")
    towns.iloc[:1].to_file(path, layer="capitals")
    with pytest.raises(LayerError, match=r"several layers: name one of .*towns"):
        read_file(path)
    assert len(read_file(path, layer="capitals")[0]) == 1
    with pytest.raises(LayerError, match=r"no layer 'villages': it has .*capitals"):
        read_file(path, layer="villages")


def test_a_table_without_geometry_beside_a_layer_is_no_second_layer(tmp_path: Path, towns: gpd.GeoDataFrame) -> None:
    path = write(towns, tmp_path / "towns.gpkg")
    import pyogrio

    pyogrio.write_dataframe(towns.drop(columns="geometry"), path, layer="notes")
    assert len(read_file(path)[0]) == 2


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(LayerError, match=r"no such file: .*gone\.gpkg"):
        read_file(tmp_path / "gone.gpkg")


def test_another_kind_of_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "towns.pdf"
    path.write_bytes(b"x")
    with pytest.raises(LayerError, match=r"allowed are .*\.gpkg.*\.csv"):
        read_file(path)


@pytest.mark.parametrize("suffix", [s for s in SUFFIXES if s not in (".csv", ".tsv")])
def test_a_page_saved_under_a_layers_name_is_refused(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"download{suffix}"
    path.write_text("<!DOCTYPE html><html><body>Log in to download</body></html>", encoding="utf-8")
    with pytest.raises(LayerError, match="can't be read"):
        read_file(path)


def test_an_empty_csv_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "towns.csv"
    path.write_text("", encoding="utf-8")
    with pytest.raises(LayerError, match="can't be read"):
        read_file(path)


def test_a_csv_needs_lon_and_lat(tmp_path: Path) -> None:
    path = tmp_path / "towns.csv"
    path.write_text("name,east,north\nAlpha,60,50\n", encoding="utf-8")
    with pytest.raises(LayerError, match="needs the columns lon and lat: it has name, east, north"):
        read_file(path)
    path.write_text("name,lon,lat\nAlpha,east,50\n", encoding="utf-8")
    with pytest.raises(LayerError, match="column 'lon' holds 'east' in line 2"):
        read_file(path)


def test_a_csv_row_without_coordinates_is_left_out_and_said(tmp_path: Path) -> None:
    path = tmp_path / "towns.csv"
    path.write_text("name,country,lon,lat\nAlpha,RU,60,50\nBeta,RU,,\n", encoding="utf-8")
    frame, about = read_layer("settlements", Source(str(path)))
    assert frame["name"].tolist() == ["Alpha"]
    assert about["notes"] == ["settlements (towns.csv): 1 row of 2 (line 3) without a geometry: left out"]


def test_a_mapped_column_that_is_not_there_is_named(tmp_path: Path, towns: gpd.GeoDataFrame) -> None:
    path = write(towns, tmp_path / "towns.gpkg")
    with pytest.raises(LayerError, match=r"no column 'Name': it has title, cc"):
        read_file(path, columns={"name": "Name"})


def test_a_mapped_column_stands_before_one_of_that_name(tmp_path: Path, towns: gpd.GeoDataFrame) -> None:
    path = write(towns.assign(name=["x", "y"]), tmp_path / "towns.gpkg")
    frame, _ = read_layer("settlements", Source(str(path), columns=COLUMNS))
    assert frame["name"].tolist() == ["Alpha", "Бета"]


def test_a_file_in_a_folder_that_may_not_be_looked_into(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(path: Path) -> bool:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(Path, "is_file", refuse)
    with pytest.raises(LayerError, match=r"roads\.gpkg can't be read: .*Permission denied"):
        read_file(tmp_path / "roads.gpkg")
