"""Tables as people save them: separators, decimal commas, encodings, names of columns, texts that look like nothing."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
import shapely

from layers.errors import LayerError
from layers.io import Source, read_layer
from layers.sources.tables import read_points, read_table

POSTS = (
    "checkpoint_id,name,mode,lon,lat,wait_min\n001,Пост Южный,road,60.5,49.7,30\n002,Пост "
    "Северный,road,60.5,50.125,45.5\n"
)


def written(folder: Path, text: str, encoding: str = "utf-8", name: str = "posts.csv") -> Path:
    path = folder / name
    path.write_bytes(text.encode(encoding))
    return path


def commas(text: str) -> str:
    """Return a table as a spreadsheet of Russia, Germany or Brazil saves it."""
    return text.replace(",", ";").replace(".", ",")


WAYS = {
    "plain": (POSTS, "utf-8"),
    "mark": (POSTS, "utf-8-sig"),
    "semicolon": (POSTS.replace(",", ";"), "utf-8"),
    "decimal comma": (commas(POSTS), "utf-8"),
    "tab": (POSTS.replace(",", "\t"), "utf-8"),
    "bar": (POSTS.replace(",", "|"), "utf-8"),
    "sep": ("sep=;\r\n" + commas(POSTS), "utf-8"),
    "utf-16": (POSTS, "utf-16"),
    "utf-16 without its mark": (POSTS, "utf-16-le"),
    "utf-16 of a large end": (POSTS, "utf-16-be"),
    "cp1251": (commas(POSTS), "cp1251"),
    "capitals": (POSTS.replace("lon,lat", "Lon,LAT").replace("wait_min", "Wait_Min"), "utf-8"),
    "longitude": (POSTS.replace("lon,lat", "Longitude,latitude"), "utf-8"),
    "x": (POSTS.replace("lon,lat", "X,Y"), "utf-8"),
    "spaces": (POSTS.replace(",", ", "), "utf-8"),
    "blank rows": (POSTS.replace("\n", "\n\n") + ",,,,,\n", "utf-8"),
    "trailing": (POSTS.replace("\n", ",\n"), "utf-8"),
}


@pytest.mark.parametrize("way", WAYS)
def test_the_posts_are_the_same_however_they_are_saved(tmp_path: Path, way: str) -> None:
    text, encoding = WAYS[way]
    frame, about = read_layer("checkpoints", Source(str(written(tmp_path, text, encoding))))
    assert frame["checkpoint_id"].tolist() == ["001", "002"]
    assert frame["name"].tolist() == ["Пост Южный", "Пост Северный"]
    assert frame["control_wait_min"].tolist() == [30.0, 45.5]
    assert shapely.get_coordinates(frame.geometry).tolist() == [[60.5, 49.7], [60.5, 50.125]]
    assert about["notes"] == (
        ["posts.csv is not in UTF-8: it was read as cp1251, which is a guess"] if way == "cp1251" else []
    )


def test_a_western_encoding_is_told_from_a_russian_one(tmp_path: Path) -> None:
    frame, notes = read_table(written(tmp_path, "name;country\nKöln Süd;DE\nLiège;BE\n", "cp1252"))
    assert frame["name"].tolist() == ["Köln Süd", "Liège"]
    assert "cp1252" in notes[0]


def test_not_available_is_namibia_and_a_name(tmp_path: Path) -> None:
    text = "name,country,population,lon,lat\nNA,NA,NA,17,-22\nNone,NA,1200,17.5,-22\nnull,ZA,,18,-29\n"
    frame, _ = read_layer("settlements", Source(str(written(tmp_path, text))))
    assert frame["name"].tolist() == ["NA", "None", "null"]
    assert frame["country"].tolist() == ["NA", "NA", "ZA"]
    assert frame["population"].tolist() == [0, 1200, 0]


def test_a_workbook(tmp_path: Path) -> None:
    path = tmp_path / "posts.xlsx"
    table = {
        "checkpoint_id": ["001", "002"],
        "name": ["A", "NA"],
        "mode": "road",
        "Lon": [60, 60.5],
        "lat": [49.7, 50],
        "wait_min": [30, None],
    }
    pd.DataFrame(table).to_excel(path, index=False)
    frame, _ = read_layer("checkpoints", Source(str(path)))
    assert frame["checkpoint_id"].tolist() == ["001", "002"]
    assert frame["name"].tolist() == ["A", "NA"]
    assert frame["control_wait_min"].isna().tolist() == [False, True]
    assert frame.geometry.x.tolist() == [60.0, 60.5]


def test_columns_of_coordinates_may_be_mapped(tmp_path: Path) -> None:
    path = written(tmp_path, POSTS.replace("lon,lat", "x_wgs,y_wgs"))
    frame, _ = read_layer("checkpoints", Source(str(path), columns={"lon": "x_wgs", "lat": "y_wgs"}))
    assert frame.geometry.x.tolist() == [60.5, 60.5]


def test_degrees_stand_before_x_and_y(tmp_path: Path) -> None:
    frame, _ = read_points(written(tmp_path, "x,y,lon,lat\n500000,5500000,60,50\n"))
    assert shapely.get_coordinates(frame.geometry).tolist() == [[60.0, 50.0]]


def test_roads_as_well_known_text(tmp_path: Path) -> None:
    path = written(tmp_path, 'kind;WKT\nprimary;"LINESTRING (60 50, 61 50)"\n')
    frame, _ = read_layer("roads", Source(str(path)))
    assert shapely.get_coordinates(frame.geometry).tolist() == [[60.0, 50.0], [61.0, 50.0]]


def test_well_known_text_of_postgis_names_its_degrees(tmp_path: Path) -> None:
    frame, _ = read_points(written(tmp_path, "name,geom\nA,SRID=4326;POINT (60 50)\n"))
    assert shapely.get_coordinates(frame.geometry).tolist() == [[60.0, 50.0]]
    with pytest.raises(LayerError, match="holds 'SRID=3857"):
        read_points(written(tmp_path, "name,geom\nA,SRID=3857;POINT (6e6 5e6)\n"))


def test_a_quoted_line_break_keeps_the_count_of_lines(tmp_path: Path) -> None:
    text = 'name,mode,lon,lat,open\n"A\nb",road,60,50,yes\nC,road,60,51,perhaps\n'
    with pytest.raises(LayerError, match=r"layer checkpoints \(posts\.csv\): column 'open' holds 'perhaps' \(line 4\)"):
        read_layer("checkpoints", Source(str(written(tmp_path, text))))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("lon,lat,name\n60,50,A,B\n", "line 2 has more cells than the header"),
        ("lon,Lon,lat\n60,60,50\n", "columns lon and Lon"),
        ("lon,lon,lat\n60,60,50\n", "'lon' twice"),
        ("lon,lat\n60,north\n", "column 'lat' holds 'north' in line 2"),
        ("wkt\nPOINT (60\n", "column 'wkt' holds 'POINT .60' in line 2"),
        ("", "it is empty"),
    ],
)
def test_what_is_no_table_is_said_with_its_line(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(LayerError, match=said):
        read_points(written(tmp_path, text))


def test_odd_characters_inside_a_cell_end_no_line(tmp_path: Path) -> None:
    frame, _ = read_table(written(tmp_path, "name,n\nA\x0cB,1\nC\u2028D,2\n"))
    assert frame["n"].tolist() == ["1", "2"]
    assert frame.index.tolist() == [2, 3]
