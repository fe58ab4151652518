"""Layers out of a real PostGIS.

The same as from a file, whatever the order of rows; errors that say what is allowed.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import geopandas as gpd
import pandas as pd
import pytest
import shapely

import gis
from layers.errors import CRSError, LayerError
from layers.io import Source, read_layer
from layers.secrets import masked
from layers.sources.postgis import read_table
from tests.borders import random_land
from tests.gis.conftest import call
from tests.layers.postgis.conftest import PASSWORD, QUOTED, USER, Database

IDS = {"checkpoints": "checkpoint_id", "settlements": "settlement_id", "regions": "region"}


def fails(address: str, **options: object) -> str:
    """Run into an error and return its message, in which no password is."""
    with pytest.raises(LayerError) as error:
        read_table(address, **options)  # type: ignore[arg-type]
    message = str(error.value)
    assert PASSWORD not in message
    assert QUOTED not in message
    assert "\n" not in message
    return message


def same(one: gpd.GeoDataFrame, two: gpd.GeoDataFrame) -> None:
    pd.testing.assert_frame_equal(
        pd.DataFrame(one.drop(columns="geometry")), pd.DataFrame(two.drop(columns="geometry"))
    )
    assert one.crs == two.crs
    # A GeoPackage makes a polygon of one part a collection of one.
    a, b = (shapely.to_wkb(shapely.get_parts(f.geometry.to_numpy())).tolist() for f in (one, two))
    assert a == b


@pytest.mark.parametrize("layer", [*IDS, "roads"])
def test_a_packaged_layer_comes_back_as_from_a_geopackage(db: Database, tmp_path: Path, layer: str) -> None:
    packaged = read_layer(layer)[0]
    if layer == "roads":
        packaged = packaged.head(300).reset_index(names="row")
    packaged.to_file(tmp_path / "layer.gpkg", layer=layer)
    wanted, _ = read_layer(layer, Source(str(tmp_path / "layer.gpkg")))
    key = IDS.get(layer, "row")
    packaged.sample(frac=1, random_state=1).to_postgis(f"{layer}_keyed", db.engine)
    packaged.sample(frac=1, random_state=2).to_postgis(f"{layer}_other", db.engine)
    db.do(f"ALTER TABLE {layer}_keyed ADD PRIMARY KEY ({key})", f"ALTER TABLE {layer}_other ADD PRIMARY KEY ({key})")
    got, about = read_layer(layer, Source(db.url, layer=f"{layer}_keyed", rights="© me"))
    order = wanted.sort_values(key, ignore_index=True) if key in wanted else wanted
    same(order, got)
    other, told = read_layer(layer, Source(db.url, layer=f"public.{layer}_other"))
    same(got, other)
    assert about["sha256"] == told["sha256"]
    assert about["source"] == f"PostGIS table public.{layer}_keyed of database land on 127.0.0.1:{db.port}"
    assert (about["layer"], about["rows"], about["rights"]) == (layer, len(got), "© me")
    assert about["note"] == "rows by primary key"


def test_rows_without_a_key_come_by_content(db: Database) -> None:
    places = read_layer("settlements")[0].head(60)
    seen = []
    for i in range(3):
        places.sample(frac=1, random_state=i).to_postgis("heap", db.engine, if_exists="replace")
        got, about = read_layer("settlements", Source(db.url, layer="heap"))
        seen.append((got, about["sha256"]))
    assert about["note"] == "rows by content"
    assert len({digest for _, digest in seen}) == 1
    same(seen[0][0], seen[1][0])
    same(seen[0][0], seen[2][0])
    same(
        places.sort_values("settlement_id", ignore_index=True),
        seen[0][0].sort_values("settlement_id", ignore_index=True),
    )
    # One value more or less is another content.
    db.do("UPDATE heap SET population = population + 1 WHERE settlement_id = (SELECT max(settlement_id) FROM heap)")
    assert read_layer("settlements", Source(db.url, layer="heap"))[1]["sha256"] != seen[0][1]
    db.do("UPDATE heap SET geometry = ST_Translate(geometry, 1e-9, 0)")
    assert len({read_layer("settlements", Source(db.url, layer="heap"))[1]["sha256"], seen[0][1]}) == 2


def test_names_with_every_sign(db: Database) -> None:
    schema, table, column, geometry = 'Sch."ema', 'my "odd": table%; --\'', "Имя:x %s", 'the "geom"'
    quoted = ['"' + n.replace('"', '""') + '"' for n in (schema, table, column, geometry)]
    db.do(
        f"CREATE SCHEMA {quoted[0]}",
        f"CREATE TABLE {quoted[0]}.{quoted[1]} (mode text, {quoted[2]} text, {quoted[3]} geometry(Point, 4326), "
        f"PRIMARY KEY ({quoted[2]}))",
        f"INSERT INTO {quoted[0]}.{quoted[1]} VALUES ('road', 'б', ST_Point(61, 51, 4326)), ('rail', 'a', "
        "ST_Point(60, 50, 4326))",
    )
    for layer in (f"{schema}.{table}", table):
        got, about = read_layer("checkpoints", Source(db.url, layer=layer, columns={"name": column}))
        assert got["name"].tolist() == ["a", "б"]
        assert got["checkpoint_id"].tolist() == ["checkpoint-001", "checkpoint-002"]
        assert shapely.get_coordinates(got.geometry).tolist() == [[60, 50], [61, 51]]
        assert f"{schema}.{table}" in about["source"]
    db.do(f"DROP SCHEMA {quoted[0]} CASCADE")


def test_a_name_that_is_sql_does_nothing(db: Database) -> None:
    db.do("CREATE TABLE stays AS SELECT 'road' AS mode, 'x' AS name, ST_Point(60, 50, 4326) AS geom")
    for name in ('stays"; DROP TABLE stays; --', "stays; DROP TABLE stays", "public.stays'); DROP TABLE stays; --"):
        assert "has no table" in fails(db.url, layer=name)
        assert "has no column" in fails(db.url, layer="stays", columns={"name": name})
    assert len(read_table(db.url, layer="stays")[0]) == 1


def test_views_geographies_heights_and_other_systems(db: Database) -> None:
    db.do(
        "CREATE TABLE utm AS SELECT 'road' AS mode, 'x' AS name, 12.5::numeric AS wait_min, "
        "ST_Transform(ST_Point(60, 50, 4326), 32641) AS geom",
        "CREATE VIEW seen AS SELECT * FROM utm",
        "CREATE TABLE round AS SELECT 'road' AS mode, 'x' AS name, CAST(ST_Point(60, 50, 4326) AS geography) AS geog",
        "CREATE TABLE high AS SELECT 'road' AS mode, 'x' AS name, 7 AS geometry, ST_SetSRID(ST_MakePoint(60, 50, "
        "9), 4326) AS g",
    )
    for table in ("utm", "seen", "round", "high"):
        got, _ = read_layer("checkpoints", Source(db.url, layer=table))
        assert shapely.get_coordinates(got.geometry)[0].tolist() == pytest.approx([60, 50], abs=1e-9)
        assert set(shapely.get_srid(got.geometry.to_numpy())) == {0}
    assert read_layer("checkpoints", Source(db.url, layer="utm"))[0]["control_wait_min"].tolist() == [12.5]
    assert read_table(db.url, layer="utm")[0].crs.to_epsg() == 32641


def test_a_crs_of_the_users_own(db: Database) -> None:
    text = "+proj=aea +lat_1=49.5 +lat_2=54.5 +lon_0=67 +datum=WGS84 +units=m"
    import pyproj

    wkt = pyproj.CRS.from_proj4(text).to_wkt("WKT1_GDAL")
    db.do(
        "INSERT INTO spatial_ref_sys (srid, auth_name, auth_srid, srtext, proj4text) VALUES (990001, 'own', "
        f"990001, '{wkt}', '{text}')",
        "CREATE TABLE own AS SELECT 'road' AS mode, 'x' AS name, ST_Transform(ST_Point(60, 50, 4326), 990001) AS geom",
        "CREATE TABLE lost AS SELECT 'road' AS mode, 'x' AS name, ST_Point(60, 50, 990002) AS geom",
    )
    got, _ = read_layer("checkpoints", Source(db.url, layer="own"))
    assert shapely.get_coordinates(got.geometry)[0].tolist() == pytest.approx([60, 50], abs=1e-9)
    assert "990002" in fails(db.url, layer="lost")


def test_several_geometry_columns_need_a_choice(db: Database) -> None:
    db.do(
        "CREATE TABLE pair AS SELECT 'road' AS mode, 'x' AS name, ST_Point(60, 50, 4326) AS a, ST_Point(1, 2, "
        "4326) AS b"
    )
    message = fails(db.url, layer="pair")
    assert "a, b" in message
    assert "geometry =" in message
    got, _ = read_layer("checkpoints", Source(db.url, layer="pair", columns={"geometry": "b"}))
    assert shapely.get_coordinates(got.geometry).tolist() == [[1, 2]]
    assert "a, b" in fails(db.url, layer="pair", columns={"geometry": "c"})


def test_a_name_in_two_schemas(db: Database) -> None:
    db.do(
        "CREATE SCHEMA one",
        "CREATE SCHEMA two",
        "CREATE TABLE one.twin AS SELECT 1 AS n, ST_Point(60, 50, 4326) AS geom",
        "CREATE TABLE two.twin AS SELECT 2 AS n, ST_Point(60, 50, 4326) AS geom",
    )
    assert fails(db.url, layer="twin").endswith("is one.twin, two.twin")
    assert read_table(db.url, layer="two.twin")[0]["n"].tolist() == [2]
    # The schema that PostgreSQL itself looks in comes first.
    db.do("CREATE TABLE public.twin AS SELECT 3 AS n, ST_Point(60, 50, 4326) AS geom")
    assert read_table(db.url, layer="twin")[0]["n"].tolist() == [3]
    db.do("DROP TABLE public.twin", "DROP SCHEMA one CASCADE", "DROP SCHEMA two CASCADE")


def test_tables_that_can_not_be_used(db: Database) -> None:
    db.do(
        "CREATE TABLE bare AS SELECT 1 AS n",
        "CREATE TABLE nowhere AS SELECT 'road' AS mode, 'x' AS name, ST_Point(60, 50) AS geom",
        "CREATE TABLE hollow (mode text, name text, geom geometry(Point, 4326))",
        "CREATE TABLE void AS SELECT 'x' AS name, CAST(NULL AS geometry(Point, 4326)) AS geom",
        "CREATE TABLE mixed AS SELECT ST_Point(60, 50, 4326) AS geom UNION ALL SELECT ST_Point(60, 50, 3857)",
        "CREATE TABLE curved AS SELECT ST_GeomFromText('CURVEPOLYGON(CIRCULARSTRING(0 0, 4 0, 4 4, 0 4, 0 0))', "
        "4326) AS geom",
    )
    message = fails(db.url, layer="bare")
    assert "has no table 'bare' with a geometry" in message
    assert "public.hollow" in message
    assert "needs a table's name" in fails(db.url)
    assert "SRID 0" in fails(db.url, layer="nowhere")
    assert "no rows" in fails(db.url, layer="hollow")
    assert "no rows with a geometry" in fails(db.url, layer="void")
    assert "3857, 4326" in fails(db.url, layer="mixed")
    assert "can't be read" in fails(db.url, layer="curved")
    message = fails(db.url, layer="mixed", columns={"name": "nom"})
    assert "'nom'" in message
    with pytest.raises(LayerError, match=r"layer settlements \(PostGIS table public\.stray"):
        db.do("CREATE TABLE stray AS SELECT 'x' AS name, 'Kazakhstan' AS country, ST_Point(60, 50, 4326) AS geom")
        read_layer("settlements", Source(db.url, layer="stray"))


def test_what_the_user_may_not_read_is_not_there(db: Database) -> None:
    db.do(
        "CREATE TABLE secret AS SELECT 1 AS n, ST_Point(60, 50, 4326) AS geom",
        "CREATE ROLE guest LOGIN PASSWORD 'guest'",
    )
    address = f"postgresql://guest:guest@127.0.0.1:{db.port}/{db.name}"
    assert "has no table 'secret'" in fails(address, layer="secret")


def test_databases_out_of_reach(db: Database) -> None:
    assert "no_such" in fails(db.url.replace("/land", "/no_such"), layer="x")
    wrong = fails(db.url.replace(QUOTED, "wr0ng"), layer="x")
    assert "can't be reached" in wrong
    assert "wr0ng" not in wrong
    assert f"{USER}:***@" in wrong
    assert "can't be reached" in fails(db.url.replace(str(db.port), "9"), layer="x")
    assert "no address" in fails(db.url.replace(str(db.port), "port"), layer="x")
    # A password whose signs are not written as %40 … must not come out in pieces.
    message = fails(f"postgresql://{USER}:xq@zj/vk@yw@127.0.0.1/land", layer="x")
    assert "%40" in message
    assert all(part not in message for part in ("xq", "zj", "vk", "yw"))


def test_a_database_without_postgis(server: Database, db: Database) -> None:
    assert "has no PostGIS" in fails(server.url, layer="x")


def test_postgis_in_a_schema_of_its_own_and_plain_bytes(db: Database) -> None:
    other = db.create(
        "elsewhere",
        "ENCODING 'SQL_ASCII' TEMPLATE template0 LC_COLLATE 'C' LC_CTYPE 'C'",
        'CREATE SCHEMA "ext:1"; CREATE EXTENSION postgis SCHEMA "ext:1"',
    )
    other.do(
        "CREATE TABLE towns AS SELECT 'Қостанай' AS name, 'KZ' AS country, \"ext:1\".ST_Point(63.6, 53.2, 4326) AS geom"
    )
    got, _ = read_layer("settlements", Source(other.url))
    assert got["name"].tolist() == ["Қостанай"]


def test_every_way_to_write_the_address(db: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    db.do("CREATE TABLE ways AS SELECT 5 AS n, ST_Point(60, 50, 4326) AS geom")
    monkeypatch.setenv("PGPASSWORD", PASSWORD)
    for address in (
        db.url.replace("postgresql:", "postgres:"),
        db.url.replace("postgresql:", "postgresql+psycopg2:"),
        f"postgresql://{USER}@127.0.0.1:{db.port}/land",
        f"postgresql:///land?host={db.folder}&port={db.port}&user={USER}",
        f"postgresql:///land?host={db.folder}&port={db.port}&user={USER}&password={QUOTED}&connect_timeout=3",
    ):
        frame, about = read_table(address, layer="ways")
        assert frame["n"].tolist() == [5]
        assert QUOTED not in str(about)


def test_a_missing_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("psycopg", "sqlalchemy"):
        with monkeypatch.context() as patch:
            patch.setitem(sys.modules, name, None)
            assert 'pip install "borderlink[postgis]"' in fails("postgresql://me@host/db", layer="x")


@pytest.mark.parametrize(
    ("text", "hidden"),
    [
        ("postgresql://u:p@h/d", "postgresql://u:***@h/d"),
        ("postgres://u:p:q@r@h:5432/d", "postgres://u:***@h:5432/d"),
        ("postgresql+psycopg://u@tenant:p/w q@h/d", "postgresql+psycopg://u@tenant:***@h/d"),
        (
            "postgresql:///d?user=u&password=p%20q&sslpassword=r&x=1",
            "postgresql:///d?user=u&password=***&sslpassword=***&x=1",
        ),
        ("postgresql://h:5432/d", "postgresql://h:5432/d"),
        ("in {'path': 'postgresql://u:p@h/d', 'layer': 3}", "in {'path': 'postgresql://u:***@h/d', 'layer': 3}"),
        ("roads.gpkg", "roads.gpkg"),
    ],
)
def test_passwords_are_hidden(text: str, hidden: str) -> None:
    assert masked(text) == hidden


def test_a_study_runs_on_a_database_and_no_result_tells_the_password(db: Database, tmp_path: Path) -> None:
    land = random_land(3)
    lines = [f'sides = ["{land.countries[0]}", "{land.countries[1]}"]', "[layers]"]
    db.do("CREATE SCHEMA study")
    for name in ("regions", "roads", "railways", "settlements", "checkpoints"):
        frame = getattr(land, name)
        frame.to_file(tmp_path / f"{name}.gpkg", layer=name)
        frame.to_postgis(name, db.engine, schema="study", index=True, index_label="row")
        db.do(f"ALTER TABLE study.{name} ADD PRIMARY KEY (row)")
        lines.append(f'{name} = {{ path = "{db.url}", layer = "study.{name}" }}')
    (tmp_path / "database.toml").write_text("\n".join(lines), encoding="utf-8")
    files = [line.split(" = ")[0] + f' = "{line.split(" = ")[0]}.gpkg"' if "path" in line else line for line in lines]
    (tmp_path / "files.toml").write_text("\n".join(files), encoding="utf-8")
    study = gis.load_study(tmp_path / "database.toml")
    assert study.with_analysis(seed=7).source("roads").path == db.url
    wanted, got = gis.prepare(gis.load_study(tmp_path / "files.toml")), gis.prepare(study)
    for name, frame in wanted.layers.items():
        same(frame, got.layers[name])
    done = call("run", "database.toml", "--permutations", "99", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    told = json.loads((tmp_path / "out" / "run.json").read_text(encoding="utf-8"))
    assert told["study"]["layers"]["roads"]["path"] == masked(db.url)
    roads = next(i for i in told["inputs"] if i["layer"] == "roads")
    assert roads["source"] == f"PostGIS table study.roads of database land on 127.0.0.1:{db.port}"
    assert len(roads["sha256"]) == 64
    texts = [done.stdout, done.stderr, repr(study), str(study), repr(got), repr(study.source("roads"))]
    assert "***" in repr(study)
    secrets = (PASSWORD, QUOTED)
    assert not [t for t in texts if any(s in t for s in secrets)]
    written = [p for p in (tmp_path / "out").rglob("*") if p.is_file()]
    assert len(written) > 8
    assert not [p for p in written if any(s.encode() in p.read_bytes() for s in secrets)]


def test_a_wrong_setting_beside_a_password_does_not_tell_it(tmp_path: Path) -> None:
    secret = "hush1234"
    address = f"postgresql://me:{secret}@localhost:1/db"
    wrong = (
        f'roads = {{ path = "{address}", layers = "x" }}',
        f'roads = {{ path = ["{address}"] }}',
        f'roads = ["{address}"]',
        f'roads = {{ path = "{address}", layer = "x" }}',
    )
    for line in wrong:
        (tmp_path / "study.toml").write_text(f'sides = ["RU", "KZ"]\n[layers]\n{line}\n', encoding="utf-8")
        done = call("run", "study.toml", cwd=tmp_path)
        assert done.returncode == 2
        assert secret not in done.stderr + done.stdout
        assert "borderlink:" in done.stderr
        assert not (tmp_path / "out").exists()


def test_a_layer_without_a_crs_is_a_layer_error(db: Database) -> None:
    with pytest.raises(LayerError):
        read_layer("checkpoints", Source(db.url, layer="nowhere"))
    assert not issubclass(LayerError, CRSError)
