"""Results in other formats: as their own readers and validators read them, and never over what is not ours."""

from __future__ import annotations

import gzip
import json
import shutil
import sqlite3
import struct
import subprocess
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import numpy as np
import openpyxl
import pandas as pd
import pyarrow.parquet as pq
import pyogrio
import pytest
import shapely

from gis.queries.export import FORMATS, export
from layers.errors import OutputError
from maps.export.files import FILES
from maps.export.layer import ExportLayer, read_layers
from maps.export.shapefile import LETTERS, SHORT, renamed, short_names, write_shapefile
from tests.gis.conftest import ROOT, call
from tests.layers.postgis.conftest import db, server  # noqa: F401  (fixtures)

if TYPE_CHECKING:
    from pathlib import Path

    from tests.layers.postgis.conftest import Database

OWN = "as the file's owner says"
"""All layers of the small border are files of the user's own."""
ENDINGS = {"geoparquet": ".parquet", "flatgeobuf": ".fgb", "geojson": ".geojson", "shapefile": ".shp"}


@pytest.fixture(scope="module")
def exported(small_run: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("export")
    for to in (*ENDINGS, "xlsx"):
        export(small_run, to, out=home / to)
    return home


def in_qgis(*sources: str) -> list[dict[str, Any]]:
    """Return how QGIS reads and draws layers."""
    script = ROOT / "tests" / "clients" / "load_layers.py"
    done = subprocess.run(
        ["/usr/bin/python3", script, *sources], capture_output=True, text=True, check=False, timeout=180
    )
    if done.returncode == 77:
        pytest.skip("no PyQGIS (Debian: python3-qgis qgis-providers)")
    return list(json.loads(done.stdout))


@pytest.mark.parametrize("to", ENDINGS)
def test_every_layer_comes_back(small_run: Path, exported: Path, to: str) -> None:
    for layer in read_layers(small_run / "border.gpkg"):
        path = exported / to / f"{layer.name}{ENDINGS[to]}"
        back = gpd.read_parquet(path) if to == "geoparquet" else gpd.read_file(path)
        assert len(back) == len(layer.frame)
        assert back.crs is not None
        assert back.crs.to_epsg() == 4326
        assert (exported / to / f"{layer.name}.qml").is_file()
        if to == "flatgeobuf":  # a spatial index orders the rows by place
            continue
        wanted, found = (shapely.centroid(f.geometry.to_numpy()) for f in (layer.frame, back))
        np.testing.assert_allclose(shapely.get_coordinates(found), shapely.get_coordinates(wanted), atol=1e-6)


def test_every_file_says_whose_it_is(exported: Path) -> None:
    words = dict(pq.read_schema(exported / "geoparquet" / "cells.parquet").metadata)
    assert words[b"license"].decode() == OWN
    assert "the study's own file roads.gpkg" in words[b"rights"].decode()
    info = pyogrio.read_info(exported / "flatgeobuf" / "cells.fgb")
    assert OWN in str(info["layer_metadata"])
    content = json.loads((exported / "geojson" / "cells.geojson").read_text(encoding="utf-8"))
    assert (content["license"], content["source"]) == (OWN, "borderlink")
    assert list(content)[-1] == "features"
    assert OWN in (exported / "shapefile" / "cells.shp.xml").read_text(encoding="utf-8")
    for to in (*ENDINGS, "xlsx"):
        text = (exported / to / "LICENCES.md").read_text(encoding="utf-8")
        assert OWN in text
        assert "## Sources" in text


@pytest.mark.skipif(not shutil.which("geoparquet-validator"), reason="pip install geoparquet-validator")
def test_the_validator_of_geoparquet_passes_them(exported: Path) -> None:
    for path in sorted((exported / "geoparquet").glob("*.parquet")):
        done = subprocess.run(
            ["geoparquet-validator", "check", "--class", "all", path], capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout
        boxes = json.loads(pq.read_schema(path).metadata[b"geo"])["columns"]["geometry"]["covering"]
        assert set(boxes["bbox"]) == {"xmin", "ymin", "xmax", "ymax"}


def test_names_of_a_shapefile_are_stated(small_run: Path, exported: Path) -> None:
    fields = pd.read_csv(exported / "shapefile" / "fields.csv")
    for layer in read_layers(small_run / "border.gpkg"):
        own = fields[fields["table"] == layer.name]
        columns = [c for c in layer.frame if c != "geometry"]
        assert own["column"].tolist() == columns
        assert own["field"].str.len().max() <= LETTERS
        assert own["field"].str.lower().is_unique
        assert (
            pyogrio.read_info(exported / "shapefile" / f"{layer.name}.shp")["fields"].tolist() == own["field"].tolist()
        )
    assert (exported / "shapefile" / "cells.cpg").read_text().strip() == "UTF-8"


def test_short_names_by_hand() -> None:
    assert short_names(["name", "wait_min", "growth_flag"]) == {
        "name": "name",
        "wait_min": "wait_min",
        "growth_flag": "gr_flag",
    }
    many = [f"potential_cross_actual_{i}_and_more" for i in range(12)]
    short = list(short_names(many).values())
    assert len(set(short)) == 12
    assert max(map(len, short)) <= LETTERS
    assert all(len(v) < len(k) for k, v in SHORT.items() if len(k) > 5)


@pytest.mark.parametrize("to", ["geoparquet", "flatgeobuf", "geojson", "shapefile", "pmtiles"])
def test_what_tables_of_users_may_hold(tmp_path: Path, to: str) -> None:
    frame = gpd.GeoDataFrame(
        {"имя_колонки_очень_длинное": ["Қазақ", None, 'a"b'], "имя_колонки_очень_другое": [1.0, np.nan, np.inf]},
        geometry=[shapely.Point(60, 50), None, shapely.Point()],
        crs=4326,
    )
    for name, rows in (("given", frame), ("empty", frame.iloc[:0])):
        layer = ExportLayer(name, "Title", "What", "ODbL-1.0", "©", "", {}, rows)
        (write_shapefile if to == "shapefile" else FILES[to])(tmp_path, layer)
    if to == "pmtiles":
        assert [p.name for p in tmp_path.iterdir()] == ["given.pmtiles"]
        return
    file = next(tmp_path.glob(f"given{ENDINGS.get(to, '.shp')}"))
    back = gpd.read_parquet(file) if to == "geoparquet" else pyogrio.read_dataframe(file)
    assert len(back) == 3 and sorted(back.iloc[:, 0].dropna()) == ['a"b', "Қазақ"]
    if to == "geojson":
        json.loads(file.read_text(encoding="utf-8"), parse_constant=lambda word: pytest.fail(word))
    if to == "shapefile":
        assert all(len(c.encode()) <= 10 for c in back.columns.drop("geometry")) and len(set(back.columns)) == 3


def test_a_style_follows_its_columns() -> None:
    style = (
        '<qgis><renderer-v2 attr="coalesce(&quot;growth_flag&quot;, \'no\')"/><alias field="growth_flag" '
        'name="Growth"/></qgis>'
    )
    text = renamed(style, {"growth_flag": "gr_flag"})
    assert "growth_flag" not in text
    assert 'name="Growth"' in text


@pytest.mark.qgis
def test_qgis_draws_them_with_their_styles(small_run: Path, exported: Path) -> None:
    names = [layer.name for layer in read_layers(small_run / "border.gpkg")]
    files = [str(exported / to / f"{n}{ENDINGS[to]}") for to in ("flatgeobuf", "geojson", "shapefile") for n in names]
    by_name: dict[str, list[list[str]]] = {}
    for facts in in_qgis(*files):
        assert facts["valid"], facts
        assert facts["missing"] == []
        by_name.setdefault(facts["source"].rpartition("/")[2].partition(".")[0], []).append(facts["legend"])
    assert all(legend == legends[0] for legends in by_name.values() for legend in legends)
    assert "Not above chance" in by_name["cells"][0]


def test_a_workbook_has_a_sheet_per_table(small_run: Path, exported: Path) -> None:
    book = openpyxl.load_workbook(exported / "xlsx" / "border.xlsx", read_only=True)
    tables = {p.stem[:31] for p in (small_run / "tables").glob("*.csv") if p.stat().st_size > 1}
    assert set(book.sheetnames) == tables | {"About"}
    assert not [c.value for row in book["checkpoints"].iter_rows() for c in row if c.data_type == "f"]


def test_what_is_not_ours_is_left_alone(small_run: Path, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "mine.txt").write_text("mine", encoding="utf-8")
    with pytest.raises(OutputError, match="holds other things"):
        export(small_run, "geojson", out=tmp_path / "out")
    export(small_run, "geojson", out=tmp_path / "twice")
    (tmp_path / "twice" / "cells.geojson").write_text("mine", encoding="utf-8")
    export(small_run, "geojson", out=tmp_path / "twice")
    assert (tmp_path / "twice" / "cells.geojson.yours").read_text(encoding="utf-8") == "mine"


def test_messages(small_run: Path, tmp_path: Path) -> None:
    assert "did you mean geoparquet" in call("export", small_run, "--to", "geoparqet", cwd=tmp_path).stderr
    assert "holds no results" in call("export", tmp_path, "--to", "geojson", cwd=tmp_path).stderr
    assert "pmtiles" in FORMATS


@pytest.mark.slow
def test_vector_tiles(small_run: Path, tmp_path: Path) -> None:
    export(small_run, "pmtiles", out=tmp_path / "tiles")
    for layer in read_layers(small_run / "border.gpkg"):
        path = tmp_path / "tiles" / f"{layer.name}.pmtiles"
        assert path.read_bytes()[:7] == b"PMTiles"
        assert len(pyogrio.read_dataframe(path)) > 0
    content = (tmp_path / "tiles" / "cells.pmtiles").read_bytes()
    start, size = struct.unpack_from("<QQ", content, 24)
    assert OWN in json.loads(gzip.decompress(content[start : start + size]))["description"]


class TestPostgis:
    @pytest.fixture
    def base(self, db: Database, request: pytest.FixtureRequest) -> Database:  # noqa: F811
        return db.create(f"e{abs(hash(request.node.name)) % 10**8}")

    def rows(self, base: Database, sql: str) -> list[Any]:
        with base.engine.connect() as connection:
            return list(connection.exec_driver_sql(sql.replace("%", "%%")))

    def test_layers_tables_comments(self, small_run: Path, base: Database) -> None:
        written, where = export(small_run, base.url)
        assert "s3cr" not in where
        layers = {layer.name: layer for layer in read_layers(small_run / "border.gpkg")}
        assert set(layers) <= set(written)
        back = gpd.read_postgis("SELECT * FROM borderlink.cells ORDER BY fid", base.engine, geom_col="geom")
        assert len(back) == len(layers["cells"].frame)
        assert back.crs.to_epsg() == 4326
        np.testing.assert_allclose(back["population"], layers["cells"].frame["population"])
        comment = self.rows(base, "SELECT obj_description('borderlink.cells'::regclass)")[0][0]
        assert OWN in comment
        assert self.rows(
            base, "SELECT count(*) FROM pg_indexes WHERE schemaname = 'borderlink' AND indexdef LIKE '%gist%'"
        )[0][0] >= len(layers)
        assert self.rows(base, "SELECT count(*) FROM borderlink.statistics")[0][0] > 0

    def test_again_replaces_ours_and_leaves_others(self, small_run: Path, base: Database) -> None:
        export(small_run, base.url)
        base.do(
            "CREATE TABLE borderlink.notes (a int)",
            "INSERT INTO borderlink.notes VALUES (7)",
            "INSERT INTO public.layer_styles (f_table_schema, f_table_name, stylename) VALUES ('borderlink', "
            "'cells', 'my own')",
            "CREATE TABLE borderlink.old_layer (a int)",
            "COMMENT ON TABLE borderlink.old_layer IS 'Made by borderlink'",
        )
        export(small_run, base.url)
        assert self.rows(base, "SELECT a FROM borderlink.notes") == [(7,)]
        assert self.rows(base, "SELECT to_regclass('borderlink.old_layer')") == [(None,)]
        assert self.rows(base, "SELECT count(*) FROM public.layer_styles WHERE f_table_name = 'cells'") == [(2,)]

    def test_a_strange_table_refuses_all(self, small_run: Path, base: Database) -> None:
        base.do("CREATE SCHEMA borderlink", "CREATE TABLE borderlink.cells (mine int)")
        with pytest.raises(OutputError, match="did not write: cells"):
            export(small_run, base.url)
        assert self.rows(base, "SELECT count(*) FROM pg_tables WHERE schemaname = 'borderlink'") == [(1,)]

    def test_an_error_on_the_way_changes_nothing(self, small_run: Path, base: Database) -> None:
        export(small_run, base.url)
        base.do(
            "CREATE VIEW public.mine AS SELECT cell FROM borderlink.cells", "DELETE FROM borderlink.cells WHERE fid > 5"
        )
        with pytest.raises(OutputError, match="nothing is changed"):
            export(small_run, base.url)
        assert self.rows(base, "SELECT count(*) FROM borderlink.cells") == [(5,)]

    @pytest.mark.qgis
    def test_qgis_finds_the_styles(self, small_run: Path, base: Database) -> None:
        export(small_run, base.url)
        user, password = base.engine.url.username, base.engine.url.password
        sources = [
            f"postgres\tdbname='{base.name}' host=127.0.0.1 port={base.port} user='{user}' password='{password}' "
            "key='fid' "
            f'estimatedmetadata=true srid=4326 table="borderlink"."{name}" (geom)'
            for name in ("cells", "checkpoints")
        ]
        cells, checkpoints = in_qgis(*sources)
        assert cells["valid"], cells
        assert "Not above chance" in cells["legend"]
        assert (cells["crs"], cells["missing"]) == ("EPSG:4326", [])
        assert checkpoints["renderer"] == "categorizedSymbol"


def test_the_geopackage_is_only_read(small_run: Path) -> None:
    before = (small_run / "border.gpkg").read_bytes()
    read_layers(small_run / "border.gpkg")
    assert (small_run / "border.gpkg").read_bytes() == before
    with sqlite3.connect(small_run / "border.gpkg") as base:
        assert base.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
