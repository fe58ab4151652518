"""The GeoPackage and the project: what is in the files, and what real QGIS makes of them."""

import importlib.util
import json
import shutil
import sqlite3
import subprocess
import sys
import zipfile
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree as ET

import numpy as np
import pyogrio
import pyproj
import pytest
import shapely
from affine import Affine

from maps.contents import Contents
from maps.qgis.project import write_geopackage, write_project
from maps.rasters import travel_time_style, write_raster
from maps.styles.layers import run_styles
from tests.maps import frames as synthetic

STYLES = run_styles()
BY_KEY = {style.key: style for style in STYLES}
ALBERS = pyproj.CRS.from_wkt(pyproj.CRS.from_user_input(synthetic.CRS).to_wkt())
EXTENT = (-1_400_000.0, -600_000.0, 1_500_000.0, 700_000.0)
OPEN_PROJECT = Path(__file__).parents[1] / "clients" / "open_project.py"
BOUNDS = [0.0, 30.0, 60.0, 120.0, 240.0, 480.0]


@pytest.fixture(scope="module")
def frames():
    tables = synthetic.tables()
    # The bounds of the classes themselves: a class takes its lower bound in and leaves its upper one out.
    tables["cells"] = tables["cells"].iloc[:40].copy()
    tables["cells"].loc[tables["cells"].index[6], "growth_flag"] = None
    tables["cells"]["time_to_checkpoint_min"] = [*BOUNDS, 29.9, np.nan, *[100.0] * 32]
    return tables


@pytest.fixture(scope="module")
def folder(frames, tmp_path_factory):
    """Return a folder as a run leaves it: GeoPackage, raster with sidecar and project."""
    folder = tmp_path_factory.mktemp("run")
    write_geopackage(folder / "border.gpkg", of(frames))
    raster = travel_time_style()
    values = np.linspace(0, 600, 60 * 40).reshape(40, 60)
    values[0] = np.nan
    write_raster(
        folder / raster.file,
        values,
        transform=Affine(0.5, 0, 50, 0, -0.15, 55),
        crs=pyproj.CRS(4326),
        description="Minutes",
        units="min",
        style=raster,
    )
    project(folder / "border.qgz", rasters=[raster])
    return folder


def of(frames, styles=STYLES):
    return Contents(title="Россия – Қазақстан", layers=frames, styles=styles, crs=ALBERS)


def project(path, styles=STYLES, frames=None, **options):
    write_project(path, of(frames or {}, styles), **{"extent": EXTENT} | options)


def query(path, sql, *values):
    connection = sqlite3.connect(path)
    try:
        return connection.execute(sql, values).fetchall()
    finally:
        connection.close()


def document(path):
    with zipfile.ZipFile(path) as archive:
        (name,) = archive.namelist()
        assert name == f"{path.stem}.qgs"
        return ET.fromstring(archive.read(name))


class TestGeoPackage:
    def test_tables_come_back_as_they_were(self, folder, frames):
        for name, frame in frames.items():
            back = pyogrio.read_dataframe(folder / "border.gpkg", layer=name)
            assert back.crs.to_epsg() == 4326
            assert list(back.columns.drop("geometry")) == list(frame.columns.drop("geometry"))
            assert len(back) == len(frame)
            assert back.geometry.geom_equals_exact(frame.geometry.reset_index(drop=True), 1e-12).all()
        minutes = pyogrio.read_dataframe(folder / "border.gpkg", layer="cells")["time_to_checkpoint_min"]
        np.testing.assert_array_equal(minutes, frames["cells"]["time_to_checkpoint_min"])

    def test_file_is_sound(self, folder):
        path = folder / "border.gpkg"
        assert query(path, "PRAGMA integrity_check") == [("ok",)]
        assert query(path, "PRAGMA foreign_key_check") == []
        assert query(path, "PRAGMA user_version") == [(10300,)]
        indexed = query(path, "SELECT table_name FROM gpkg_extensions WHERE extension_name = 'gpkg_rtree_index'")
        assert {table for (table,) in indexed} == {style.layer for style in STYLES}

    @pytest.mark.skipif(not importlib.util.find_spec("osgeo_utils"), reason="no validator: pip install gdal-utils")
    @pytest.mark.parametrize("broken", [False, True])
    def test_validator_accepts_it(self, folder, tmp_path, broken):
        path = shutil.copy(folder / "border.gpkg", tmp_path / "copy.gpkg")
        if broken:
            connection = sqlite3.connect(path)
            connection.execute("DROP TABLE gpkg_metadata_reference")
            connection.commit()
            connection.close()
        spec = importlib.util.find_spec("osgeo_utils.samples.validate_gpkg")
        done = subprocess.run([sys.executable, spec.origin, "-k", path], capture_output=True, text=True)
        assert (done.returncode != 0) is broken, done.stdout + done.stderr

    def test_names_for_people(self, folder):
        rows = query(
            folder / "border.gpkg",
            "SELECT table_name, identifier, description FROM gpkg_contents WHERE data_type = 'features'",
        )
        assert all(identifier != table and description for table, identifier, description in rows)
        assert ("cells", BY_KEY["cells"].title, BY_KEY["cells"].description) in rows
        named = query(
            folder / "border.gpkg", "SELECT column_name, name FROM gpkg_data_columns WHERE table_name = 'cells'"
        )
        assert dict(BY_KEY["cells"].fields).items() <= dict(named).items()

    def test_first_style_is_the_default_and_licence_is_inside(self, folder):
        styles = query(
            folder / "border.gpkg",
            "SELECT f_table_name, f_table_schema, f_geometry_column, useAsDefault, "
            "styleName, styleQML FROM layer_styles",
        )
        assert sorted(row[0] for row in styles) == sorted({style.layer for style in STYLES})
        assert all(row[1:4] == ("", "geom", 1) for row in styles)
        (cells,) = (row for row in styles if row[0] == "cells")
        assert cells[4] == "cells"
        assert ET.fromstring(cells[5]).find("renderer-v2").get("attr") == "coalesce(\"growth_flag\", 'no data')"
        texts = query(
            folder / "border.gpkg",
            "SELECT metadata FROM gpkg_metadata m JOIN gpkg_metadata_reference r "
            "ON r.md_file_id = m.id WHERE table_name = 'settlements'",
        )
        metadata = ET.fromstring(texts[0][0])
        assert metadata.findtext("license") == "CC-BY-4.0"
        assert metadata.findtext("rights") == "© GeoNames, CC BY 4.0"

    def test_same_bytes(self, folder, frames, tmp_path):
        write_geopackage(tmp_path / "again.gpkg", of(dict(reversed(frames.items()))))
        assert (tmp_path / "again.gpkg").read_bytes() == (folder / "border.gpkg").read_bytes()
        assert query(tmp_path / "again.gpkg", "SELECT DISTINCT last_change FROM gpkg_contents") == [
            ("2000-01-01T00:00:00.000Z",)
        ]

    def test_top_of_the_map_is_written_last(self, folder):
        names = [name for name, _ in pyogrio.list_layers(folder / "border.gpkg")]
        assert (names[0], names[8]) == ("regions", "checkpoints")

    def test_replaces_the_file(self, frames, tmp_path):
        path = tmp_path / "border.gpkg"
        write_geopackage(path, of(frames))
        write_geopackage(path, of({"cells": frames["cells"]}))
        assert query(path, "SELECT table_name FROM gpkg_contents WHERE data_type = 'features'") == [("cells",)]

    def test_a_failure_leaves_the_old_file(self, frames, tmp_path):
        path = tmp_path / "border.gpkg"
        write_geopackage(path, of({"cells": frames["cells"]}))
        before = path.read_bytes()
        bad = frames["roads"].assign(time_min=1j)
        with pytest.raises(Exception, match="complex"):
            write_geopackage(path, of({"cells": frames["cells"], "roads": bad}))
        assert path.read_bytes() == before
        assert list(tmp_path.iterdir()) == [path]

    def test_table_without_rows_keeps_its_columns(self, frames, tmp_path):
        path = tmp_path / "border.gpkg"
        write_geopackage(path, of({"roads": frames["roads"].iloc[:0], "cells": frames["cells"]}))
        columns = {row[1]: row[2] for row in query(path, "PRAGMA table_info(roads)")}
        assert set(columns) == {"fid", "geom"} | set(frames["roads"].columns) - {"geometry"}
        assert (columns["geom"], columns["length_m"]) == ("LINESTRING", "REAL")
        assert query(path, "SELECT count(*) FROM roads") == [(0,)]

    def test_named_index_becomes_a_column(self, frames, tmp_path):
        write_geopackage(tmp_path / "x.gpkg", of({"cells": frames["cells"].set_index("cell")}))
        back = pyogrio.read_dataframe(tmp_path / "x.gpkg", layer="cells")
        assert list(back["cell"]) == list(frames["cells"]["cell"])

    def test_multi_geometries_make_a_multi_table(self, frames, tmp_path):
        line, segments = frames["border_line"], frames["segments"]
        mixed = line.set_geometry(
            [line.geometry.iloc[0], shapely.MultiLineString(list(segments.geometry.iloc[[0, 5]]))]
        )
        write_geopackage(tmp_path / "x.gpkg", of({"border_line": mixed.set_crs(4326), "segments": segments}))
        kinds = dict(query(tmp_path / "x.gpkg", "SELECT table_name, geometry_type_name FROM gpkg_geometry_columns"))
        assert kinds == {"border_line": "MULTILINESTRING", "segments": "LINESTRING"}

    def test_says_all_that_is_wrong(self, frames, tmp_path):
        bad = {"cells": frames["cells"].to_crs(ALBERS), "moon": frames["roads"], "roads": frames["roads"].assign(FID=1)}
        with pytest.raises(ValueError, match="'moon' has no style") as raised:
            write_geopackage(tmp_path / "x.gpkg", of(bad))
        assert "'cells' must be in EPSG:4326" in str(raised.value)
        assert "['fid'] are reserved" in str(raised.value)
        assert not list(tmp_path.iterdir())


class TestProject:
    def test_same_bytes(self, folder, tmp_path):
        project(tmp_path / "border.qgz", rasters=[travel_time_style()])
        assert (tmp_path / "border.qgz").read_bytes() == (folder / "border.qgz").read_bytes()

    def test_paths_are_relative(self, folder):
        sources = [element.text for element in document(folder / "border.qgz").iter("datasource")]
        assert "./border.gpkg|layername=cells" in sources
        assert "./travel_time.tif" in sources
        assert all(source.startswith("./") for source in sources)

    def test_ids_are_stable_unique_and_long(self, folder):
        root = document(folder / "border.qgz")
        ids = [element.text for element in root.iter("id")]
        assert {element.get("id") for element in root.iter("layer-tree-layer")} == set(ids)
        assert len(set(ids)) == len(ids) == len(STYLES) + 1
        assert min(len(text) for text in ids) > 10
        assert "cells_time_" in "".join(ids)

    def test_no_area_rises_over_one_listed_before_it(self, folder):
        tree = document(folder / "border.qgz").find("layer-tree-group")
        names = [element.get("name") for element in tree.iter("layer-tree-layer")]
        areas = [style.title for style in STYLES if style.geometry == "Polygon"]
        assert [name for name in names if name in areas] == areas
        lines = [names.index(style.title) for style in STYLES if style.geometry != "Polygon"]
        assert max(lines) < names.index(areas[0])
        assert names.index(areas[2]) < names.index(travel_time_style().title) < names.index(BY_KEY["regions"].title)

    def test_leaves_out_empty_tables(self, frames, tmp_path):
        project(tmp_path / "x.qgz", frames={n: frames[n].iloc[:0] for n in ("cells", "roads")})
        sources = [element.text for element in document(tmp_path / "x.qgz").iter("datasource")]
        # Cells are drawn by growth, bottleneck, time and loss.
        assert len(sources) == len(STYLES) - (4 + 1)
        assert not any("cells" in source or "roads" in source for source in sources)

    def test_says_all_that_is_wrong(self, tmp_path):
        with pytest.raises(ValueError, match=r"end in \.qgz"):
            write_project(tmp_path / "x.qgs", of({}, STYLES))
        with pytest.raises(ValueError) as raised:
            write_project(
                tmp_path / "x.qgz", of({}, [STYLES[0], STYLES[0]]), gpkg_name="/data/b.gpkg", extent=(1, 0, 0, 1)
            )
        assert all(text in str(raised.value) for text in ("without a folder", "repeated: ['checkpoints']", "extent"))


def qgis_tree(path):
    """Return how QGIS reads groups and widths of lines."""
    python = Path("/usr/bin/python3")
    script = Path(__file__).with_name("look_at_tree.py")
    done = subprocess.run([str(python), str(script), str(path)], capture_output=True, text=True, timeout=120)
    if done.returncode == 77:
        pytest.skip("no PyQGIS (Debian: python3-qgis qgis-providers)")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def qgis_opens(path, *, ok=True):
    """Open a file in QGIS and return what it says; skip where there is no QGIS."""
    python = Path("/usr/bin/python3")
    if not python.exists():
        pytest.skip("no system Python, so no PyQGIS (Debian: python3-qgis qgis-providers)")
    done = subprocess.run([str(python), str(OPEN_PROJECT), str(path)], capture_output=True, text=True, timeout=120)
    facts = json.loads(done.stdout or '{"problems": ["no output"]}')
    if done.returncode == 77:
        pytest.skip(f"{facts['problems'][0]} (Debian: python3-qgis qgis-providers)")
    assert (done.returncode == 0) is ok, f"{facts['problems']}\n{done.stderr}"
    return facts


@pytest.fixture(scope="module")
def opened(folder):
    return qgis_opens(folder / "border.qgz")


@pytest.fixture(scope="module")
def layers(opened):
    return {layer["name"]: layer for layer in opened["layers"]}


@pytest.mark.qgis
class TestInQgis:
    def test_project(self, opened):
        assert opened["title"] == "Россия – Қазақстан"
        assert "+proj=aea" in opened["proj"]
        assert len(opened["layers"]) == len(STYLES) + 1
        assert opened["groups"] == ["Border", "Ground", "Border belt", "Background"]
        assert opened["extent"] == pytest.approx(EXTENT)
        assert opened["colors"] > 10

    @pytest.mark.parametrize("style", STYLES, ids=lambda style: style.key)
    def test_each_style_arrives(self, style, layers, frames):
        layer = layers[style.title]
        assert layer["features"] == len(frames[style.layer])
        assert (layer["group"], layer["visible"]) == (style.group, style.visible)
        assert layer["crs"] == "EPSG:4326"
        assert layer["opacity"] == pytest.approx(style.opacity)
        if style.kind != "single":
            assert layer["legend"] == [item.label for item in style.classes]
        assert layer["aliases"] == {c: name for c, name in style.fields.items() if c in frames[style.layer]}
        assert layer["licences"] == [style.licence]
        assert layer["rights"] == [style.rights]

    def test_areas_of_a_group_are_a_choice_and_connectors_are_thin(self, opened, folder):
        facts = qgis_tree(folder / "border.qgz")
        assert facts["widths"]["Roads"] == {c.label: c.size for c in BY_KEY["roads"].classes}
        groups = {group["name"]: group for group in facts["groups"]}
        assert [name for name, group in groups.items() if group["exclusive"]] == ["Border belt"]
        belt = groups["Border belt"]
        assert belt["layers"] == [
            BY_KEY[k].title for k in ("cells", "cells_bottleneck", "cells_time", "cells_loss")
        ] + [travel_time_style().title]
        assert belt["visible"] == [BY_KEY["cells"].title]
        assert belt["in turn"] == [[name] for name in belt["layers"]]

    def test_a_choice_of_which_none_is_on(self, opened, folder, tmp_path):
        moved = shutil.copytree(folder, tmp_path / "x")
        project(moved / "border.qgz", [replace(s, visible=False) for s in STYLES], rasters=[travel_time_style()])
        belt = next(group for group in qgis_tree(moved / "border.qgz")["groups"] if group["exclusive"])
        assert (belt["on"], belt["visible"]) == (False, [])

    def test_bounds_belong_to_the_class_above(self, layers):
        drawn = dict(layers[BY_KEY["cells_time"].title]["drawn"])
        assert drawn == {
            "0–30 min": 2,
            "30–60 min": 1,
            "60–120 min": 33,
            "120–240 min": 1,
            "240–480 min": 1,
            "480 min and more": 1,
            None: 1,
        }

    def test_cell_without_a_label_is_drawn_as_no_data(self, layers, frames):
        drawn, labels = dict(layers[BY_KEY["cells"].title]["drawn"]), frames["cells"]["growth_flag"]
        # Cells where nobody lives and cells without a flag are one class; what can't be tested is another.
        assert drawn["No people or no data"] == (labels.isna() | (labels == "no data")).sum() == 6
        assert drawn["Not testable: too few neighbours"] == (labels == "not testable").sum() > 0
        assert sum(drawn.values()) == len(labels)
        assert None not in drawn

    def test_settlement_of_unknown_size_is_drawn(self, layers, frames):
        drawn = dict(layers["Settlements"]["drawn"])
        people = frames["settlements"]["population"]
        assert people.isna().any()
        assert drawn["under 10,000 people or unknown"] == (~(people >= 10_000)).sum()
        assert sum(drawn.values()) == len(people)
        assert None not in drawn

    def test_labels(self, layers, frames):
        big = frames["settlements"].query("population >= 100_000")["name"]
        assert 0 < len(big) < len(frames["settlements"])
        assert layers["Settlements"]["labels"] == sorted(big)
        assert layers["Checkpoints"]["labels"] == sorted(frames["checkpoints"]["name"])
        assert layers["Roads"]["labels"] == []

    def test_raster(self, layers):
        layer, style = layers[travel_time_style().title], travel_time_style()
        assert layer["legend"] == [item.label for item in style.classes]
        assert layer["colors"] == [item.color for item in style.classes]
        assert layer["nodata"] == -9999
        assert layer["visible"] is False

    def test_default_styles_of_the_geopackage(self, folder):
        facts = qgis_opens(folder / "border.gpkg")
        layers = {layer["name"]: layer for layer in facts["layers"]}
        assert set(layers) == {style.layer for style in STYLES}
        cells = BY_KEY["cells"]
        assert layers["cells"]["legend"] == [item.label for item in cells.classes]
        assert dict(cells.fields).items() <= layers["cells"]["aliases"].items()
        assert layers["cells"]["opacity"] == pytest.approx(cells.opacity)
        assert layers["settlements"]["licences"] == ["CC-BY-4.0"]
        assert layers["settlements"]["labels"]

    def test_folder_may_move(self, folder, tmp_path):
        here = Path(shutil.copytree(folder, tmp_path / "here"))
        project(here / "border.qgz", rasters=[travel_time_style()])
        moved = here.rename(tmp_path / "a folder elsewhere")
        assert len(qgis_opens(moved / "border.qgz")["layers"]) == len(STYLES) + 1

    def test_rasters_may_have_a_crs_of_their_own(self, tmp_path):
        style = replace(travel_time_style(), visible=True)
        write_raster(
            tmp_path / style.file,
            np.ones((20, 20)),
            transform=Affine(1e4, 0, 0, 0, -1e4, 0),
            crs=ALBERS,
            description="Minutes",
            units="min",
        )
        project(tmp_path / "x.qgz", [], rasters=[style], rasters_crs=ALBERS)
        (layer,) = qgis_opens(tmp_path / "x.qgz")["layers"]
        assert layer["crs"] == "Fitted to the border"

    def test_missing_table_is_found_out(self, folder, tmp_path):
        moved = shutil.copytree(folder, tmp_path / "x")
        project(moved / "border.qgz", [*STYLES, replace(BY_KEY["cells"], key="gone", layer="gone", title="Gone")])
        facts = qgis_opens(moved / "border.qgz", ok=False)
        assert facts["problems"]
        assert all(problem.startswith("Gone: ") for problem in facts["problems"])

    def test_missing_files_are_found_out(self, tmp_path):
        project(tmp_path / "border.qgz", [BY_KEY["cells"]], rasters=[travel_time_style()])
        assert len(qgis_opens(tmp_path / "border.qgz", ok=False)["problems"]) >= 2

    def test_missing_column_is_found_out(self, folder, tmp_path):
        moved = shutil.copytree(folder, tmp_path / "x")
        project(moved / "border.qgz", [replace(BY_KEY["cells"], column="nowhere")])
        assert "nowhere" in qgis_opens(moved / "border.qgz", ok=False)["problems"][0]
