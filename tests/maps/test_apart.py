"""Tables of very many lines: what the GeoPackage holds of them, what the file beside it, and how many bytes."""

import re
import sqlite3
import zipfile
from dataclasses import replace

import geopandas as gpd
import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pyogrio
import pytest
import shapely

from gis.contents import _Kept
from layers.keeping import Keeper, keeping, results
from maps import apart
from maps.contents import Contents
from maps.export.files import write_geoparquet
from maps.export.layer import read_layers, with_whole
from maps.qgis.project import as_layer, write_qgis
from maps.styles.edges import ROAD_EDGES
from maps.styles.layers import run_styles
from maps.web.map import write_map
from tests.maps import frames as synthetic

STYLES = {style.key: style for style in run_styles()}
ROADS = STYLES["roads"]


def dense(side, seed=0):
    """Return the roads of a jittered grid of so many junctions along a side, with the columns of a run."""
    rng = np.random.default_rng(seed)
    x, y = (a.astype(float) for a in np.meshgrid(np.arange(side), np.arange(side)))
    xy = np.stack(
        [55 + 0.03 * (x + rng.uniform(-0.3, 0.3, x.shape)), 50 + 0.02 * (y + rng.uniform(-0.3, 0.3, x.shape))], -1
    )
    number = np.arange(side * side).reshape(side, side)
    tail = np.concatenate([number[:, :-1].ravel(), number[:-1].ravel()])
    head = np.concatenate([number[:, 1:].ravel(), number[1:].ravel()])
    points = xy.reshape(-1, 2)
    row = np.concatenate([np.repeat(np.arange(side), side - 1), np.tile(np.arange(side), side - 1)])
    kind = np.select([row % 8 == 0, row % 4 == 0], ["trunk", "primary"], "tertiary")
    length = rng.uniform(500, 9000, len(tail))
    return gpd.GeoDataFrame(
        {
            "u": tail,
            "v": head,
            "kind": kind,
            "length_m": length,
            "speed_kph": np.select([kind == "trunk", kind == "primary"], [85.0, 75.0], 50.0),
            "time_min": 0.06 * length / 50,
            "speed_source": "default",
            "bridged": False,
            "class": pd.Series(kind).map({"trunk": "major", "primary": "primary"}).fillna("minor"),
            "side": np.where(tail % 2, "a", "b"),
        },
        geometry=shapely.linestrings(np.stack([points[tail], points[head]], axis=1)),
        crs=4326,
    )


def contents_of(**tables):
    styles = [*(s for s in run_styles() if s.layer in tables), *([ROAD_EDGES] if "edges_road" in tables else [])]
    return Contents(title="Dense", layers=tables, styles=styles)


def edges(frame):
    return frame[["kind", "length_m", "geometry"]].assign(
        checkpoint="", cost_min=1.0, wait_min=0.0, travel_direction="both", drawn_kph=50.0
    )


def test_which_tables_are_whole_in_a_file_of_their_own():
    n = apart.MOST_LINES
    assert apart.file_of(ROADS, n) == "" and apart.file_of(ROADS, n + 1) == "roads.parquet"
    assert apart.file_of(ROAD_EDGES, n + 1) == "edges_road.parquet"
    # Nothing of these can be spared: all is drawn from afar.
    assert {apart.file_of(STYLES[key], n + 1) for key in ("railways", "segments", "settlements")} == {""}


def test_small_roads_of_a_square_are_one_row_by_hand():
    lines = [[(x, 50.1), (x + 0.1, 50.1)] for x in (55.0, 55.1, 55.3, 55.6)]
    frame = gpd.GeoDataFrame(
        {
            "u": [1, 2, 3, 4],
            "kind": ["trunk", "tertiary", "tertiary", "tertiary"],
            "length_m": [1.0, 2.0, 3.0, 4.0],
            "bridged": [True, False, False, False],
            "class": ["major", "minor", "minor", "minor"],
            "side": "a",
        },
        geometry=shapely.linestrings(lines),
        crs=4326,
    )
    found = apart.together(frame, ROADS)
    # Squares of half a degree: 55.0 holds the first three, 55.5 the last.
    assert found["links"].tolist() == [1, 2, 1]
    assert found["class"].tolist() == ["major", "minor", "minor"] and found["kind"].tolist()[1:] == ["tertiary"] * 2
    assert found["u"].tolist()[0] == 1 and found["u"].isna().tolist() == [False, True, True]
    assert found["length_m"].isna().tolist() == [False, True, True]
    assert found.geometry.iloc[1].equals(shapely.MultiLineString(lines[1:3]))
    assert found.crs == frame.crs


@pytest.mark.parametrize("seed", range(5))
def test_no_road_is_lost_when_small_ones_are_one_row(seed):
    frame = dense(12, seed)
    shapes = frame.geometry.to_numpy().copy()
    shapes[7] = shapely.multilinestrings([shapes[7], shapes[8]])
    frame = frame.set_geometry(gpd.GeoSeries(shapes, crs=4326))
    found = apart.together(frame, ROADS)
    assert found["links"].sum() == len(frame)
    for name, rows in frame.groupby("class"):
        own = found[found["class"] == name]
        assert own["links"].sum() == len(rows)
        parts = [shapely.get_parts(f.geometry.to_numpy()) for f in (rows, own)]
        one, other = [sorted(shapely.to_wkb(p, hex=True)) for p in parts]
        assert one == other


def test_project_files_and_export_of_a_dense_border(tmp_path, monkeypatch):
    monkeypatch.setattr(apart, "MOST_LINES", 200)
    frame = dense(15)
    given = contents_of(
        roads=frame, edges_road=edges(frame), regions=synthetic.regions(), checkpoints=synthetic.checkpoints()
    )
    write_qgis(tmp_path, "border", given)
    assert sorted(p.name for p in tmp_path.iterdir()) == [
        "border.gpkg",
        "border.qgz",
        "edges_road.parquet",
        "edges_road.qml",
        "roads.parquet",
        "roads.qml",
    ]
    held = {layer.name: layer for layer in read_layers(tmp_path / "border.gpkg")}
    assert set(held) == {"roads", "regions", "checkpoints"}
    assert "roads.parquet holds them all" in held["roads"].description
    assert held["roads"].frame["links"].sum() == len(frame) > len(held["roads"].frame)
    with zipfile.ZipFile(tmp_path / "border.qgz") as archive:
        project = archive.read("border.qgs").decode()
    assert "edges_road" not in project and "layername=roads" in project
    # Small roads are not drawn over the whole border: from zoom 7 of web maps on, connectors from 8.
    assert sorted(set(re.findall(r"@map_scale (?:&lt;|<)= (\d+)", project)) - {"600000", "2500000"}) == [
        "2183915",
        "4367830",
    ]
    whole = {layer.name: layer for layer in with_whole(list(held.values()), tmp_path)}
    assert set(whole) == {*held, "edges_road"}
    assert len(whole["roads"].frame) == len(whole["edges_road"].frame) == len(frame)
    assert list(whole["roads"].frame.columns) == list(frame.columns)
    for name, style in (("roads", ROADS), ("edges_road", ROAD_EDGES)):
        assert (whole[name].title, whole[name].rights) == (style.title, style.rights) and whole[name].style


def test_bytes_of_a_link(tmp_path):
    """120,000 links: below 120 bytes each in the GeoPackage (twice 230 with rows of their own), 10 in the page."""
    frame = dense(247)
    assert len(frame) > apart.MOST_LINES
    tables = {"roads": frame, "edges_road": edges(frame)}
    write_qgis(tmp_path, "border", contents_of(**tables))
    assert (tmp_path / "border.gpkg").stat().st_size / len(frame) < 120
    with sqlite3.connect(tmp_path / "border.gpkg") as base:
        (index,) = base.execute(
            "SELECT count(*) FROM gpkg_extensions WHERE extension_name = 'gpkg_rtree_index'"
        ).fetchone()
    assert index == 1
    assert pq.read_metadata(tmp_path / "roads.parquet").num_row_groups == 2
    write_map(tmp_path / "map.html", replace(contents_of(roads=frame), title="t"))
    write_map(tmp_path / "none.html", contents_of(roads=frame.head(1)))
    page, shell = ((tmp_path / name).stat().st_size for name in ("map.html", "none.html"))
    assert (page - shell) / len(frame) < 10


def test_what_a_run_kept_of_its_roads_gives_the_same_files(tmp_path, monkeypatch):
    monkeypatch.setattr(apart, "MOST_LINES", 200)
    monkeypatch.setattr(results, "LEAST_S", 0.0)
    frame = dense(15)
    bare = contents_of(
        roads=frame, edges_road=edges(frame), regions=synthetic.regions(), checkpoints=synthetic.checkpoints()
    )
    given = replace(bare, known={"roads": _Kept("these roads")})
    write_qgis(tmp_path, "border", bare)
    whole = read_all(tmp_path)
    for fresh in (False, False, True):
        keeper = Keeper(tmp_path.parent / f"{tmp_path.name} kept", "salt", fresh)
        keeper.folder.parent.mkdir(exist_ok=True)
        with keeping(keeper):
            write_qgis(tmp_path, "border", given)
        assert read_all(tmp_path) == whole
    other = replace(given, styles=[replace(s, title="Ways") if s.layer == "roads" else s for s in given.styles])
    with keeping(Keeper(keeper.folder, "salt")):
        write_qgis(tmp_path, "border", other)
    assert {name for name, data in read_all(tmp_path).items() if data != whole[name]} == {
        "border.gpkg",
        "border.qgz",
        "roads.parquet",
        "roads.qml",
    }


def read_all(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_tables_are_listed_bottom_of_the_map_first_whichever_was_written_first(tmp_path, monkeypatch):
    monkeypatch.setattr(apart, "MOST_LINES", 200)
    given = contents_of(roads=dense(15), regions=synthetic.regions(), checkpoints=synthetic.checkpoints())
    write_qgis(tmp_path, "border", given)
    order = list(reversed(dict.fromkeys(style.layer for style in given.styles)))
    assert order.index("roads") > 0
    assert pyogrio.list_layers(tmp_path / "border.gpkg")[:, 0].tolist()[: len(order)] == order
    with sqlite3.connect(tmp_path / "border.gpkg") as base:
        for table in ("gpkg_contents", "gpkg_geometry_columns"):
            named = [n for (n,) in base.execute(f"SELECT table_name FROM {table} ORDER BY rowid")]
            assert [n for n in named if n in order] == order
        assert base.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        assert (
            base.execute("SELECT count(*) FROM rtree_roads_geom").fetchone()
            == base.execute("SELECT count(*) FROM roads").fetchone()
        )


def test_a_column_whose_values_come_again_has_a_dictionary_and_others_none(tmp_path):
    frame = dense(80).assign(toll=None)
    write_geoparquet(tmp_path, as_layer(ROADS, frame))
    group = pq.read_metadata(tmp_path / "roads.parquet").row_group(0)
    parts = [group.column(k) for k in range(group.num_columns)]
    coded = {part.path_in_schema for part in parts if part.has_dictionary_page}
    assert {"kind", "class", "speed_kph", "side"} <= coded
    assert not coded & {"geometry", "length_m", "time_min", "bbox.xmin"}
    back = gpd.read_parquet(tmp_path / "roads.parquet")
    assert back.drop(columns="toll").equals(frame.drop(columns="toll")) and back["toll"].isna().all()
