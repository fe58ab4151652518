"""Results in a PostGIS database: tables with licences and labels as comments, and drawings where QGIS looks for them.

One transaction: all tables are replaced or none. A table of that name that is none of ours is left alone, and the
export refused.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from layers.errors import OutputError
from layers.secrets import masked
from layers.sources.postgis import connection_settings, database_url, quoted
from maps.export.layer import ExportLayer, described

if TYPE_CHECKING:
    import pandas as pd

MARK = "Made by borderlink"
"""What the comment of a table of ours begins with."""
GEOMETRY = "geom"
STYLES = "layer_styles"
LARGEST_NAME = 63
_STYLES_SQL = """
CREATE TABLE IF NOT EXISTS public.layer_styles (id serial PRIMARY KEY, f_table_catalog varchar, f_table_schema varchar,
  f_table_name varchar, f_geometry_column varchar, stylename text, styleqml xml, stylesld xml, useasdefault boolean,
  description text, owner varchar(63) DEFAULT CURRENT_USER, ui xml, update_time timestamp DEFAULT CURRENT_TIMESTAMP)
"""
"""As QGIS itself makes it."""
_STYLE_ROW = """
INSERT INTO public.layer_styles (f_table_catalog, f_table_schema, f_table_name, f_geometry_column, stylename, styleqml,
  stylesld, useasdefault, description)
VALUES (current_database(), :schema, :name, :geometry, :title, XMLPARSE(DOCUMENT :qml), NULL, true, :note)
"""
_MINE = (
    "f_table_catalog = current_database() AND f_table_schema = :schema AND f_table_name = :name AND description LIKE "
    ":mark"
)


def write_postgis(
    address: str, layers: Sequence[ExportLayer], tables: dict[str, pd.DataFrame], *, schema: str = "borderlink"
) -> list[str]:
    """Write layers and tables into a schema and return the names of what stands there now.

    Parameters
    ----------
    address
        ``postgresql://user:password@host:port/database``.
    tables
        Without geometry, by name; one of a layer's name is left out.
    schema
        Made where it is missing. Tables of an earlier export that are written no more go; others stay.

    Raises
    ------
    OutputError
        The database can't be reached, has no PostGIS, or a table of that name is none of ours: nothing is changed then.
    """
    import sqlalchemy

    url = database_url(address)
    engine = sqlalchemy.create_engine(url, poolclass=sqlalchemy.pool.NullPool, connect_args=connection_settings(url))
    own = {layer.name for layer in layers}
    plain = {name: table for name, table in tables.items() if name not in own}
    try:
        with engine.begin() as connection:
            _check(connection, schema, [*own, *plain])
            _drop(connection, schema)
            for layer in layers:
                _write_layer(connection, schema, layer)
            for name, table in plain.items():
                table.to_sql(name, connection, schema=schema, index=False, if_exists="fail")
                _comment(connection, schema, name, MARK, {})
            _write_styles(connection, schema, layers)
    except (sqlalchemy.exc.SQLAlchemyError, UnicodeError) as error:
        reason = masked(" ".join(str(getattr(error, "orig", None) or error).split()))[:500]
        raise OutputError(f"{masked(address)} can't be written: {reason}; nothing is changed") from None
    finally:
        engine.dispose()
    return sorted([*own, *plain])


def _check(connection: Any, schema: str, names: Sequence[str]) -> None:
    """Make the schema; refuse a database without PostGIS, and names that other tables have."""
    if not _rows(connection, "SELECT 1 FROM pg_extension WHERE extname = 'postgis'"):
        raise OutputError("the database has no PostGIS: allowed is one where CREATE EXTENSION postgis was run")
    if not _rows(connection, "SELECT 1 FROM pg_namespace WHERE nspname = :schema", schema=schema):
        connection.exec_driver_sql(f"CREATE SCHEMA {quoted(schema)}")
    marked = _marked(connection, schema)
    there = {row[0] for row in _rows(connection, _RELATIONS, schema=schema)}
    strange = sorted((there - marked) & set(names))
    if strange:
        raise OutputError(
            f"schema {schema} holds tables that borderlink did not write: {', '.join(strange)}; nothing is "
            "changed: name another with --schema"
        )


_RELATIONS = (
    "SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = :schema AND "
    "c.relkind IN ('r', 'v', 'm', 'p', 'f')"
)


def _marked(connection: Any, schema: str) -> set[str]:
    """Return the tables of a schema whose comment says that they are ours."""
    sql = f"{_RELATIONS} AND c.relkind = 'r' AND obj_description(c.oid, 'pg_class') LIKE :mark"
    return {row[0] for row in _rows(connection, sql, schema=schema, mark=f"{MARK}%")}


def _drop(connection: Any, schema: str) -> None:
    """Remove the tables of an earlier export.

    Who made a view of one is told by the database, and nothing is changed.
    """
    for name in sorted(_marked(connection, schema)):
        connection.exec_driver_sql(f"DROP TABLE {quoted(schema)}.{quoted(name)}")


def _write_layer(connection: Any, schema: str, layer: ExportLayer) -> None:
    frame = layer.frame.rename_geometry(GEOMETRY) if layer.frame.geometry.name != GEOMETRY else layer.frame
    frame = frame.reset_index(drop=True)
    # QGIS needs one column that tells rows apart.
    frame.insert(0, "fid", range(1, len(frame) + 1))
    frame.to_postgis(layer.name, connection, schema=schema, index=False, if_exists="fail")
    connection.exec_driver_sql(f'ALTER TABLE {quoted(schema)}.{quoted(layer.name)} ADD PRIMARY KEY ("fid")')
    labels = {c: described(layer, c) for c in frame.columns if c not in ("fid", GEOMETRY)}
    _comment(connection, schema, layer.name, f"{MARK}. {layer.title}: {layer.note}", labels)


def _comment(connection: Any, schema: str, name: str, text: str, columns: dict[str, str]) -> None:
    """Say what a table and its columns are; the comment marks it as ours."""
    target = f"{quoted(schema)}.{quoted(name)}"
    connection.exec_driver_sql(f"COMMENT ON TABLE {target} IS {_literal(text)}")
    for column, meaning in columns.items():
        if meaning:
            connection.exec_driver_sql(f"COMMENT ON COLUMN {target}.{quoted(column)} IS {_literal(meaning)}")


def _write_styles(connection: Any, schema: str, layers: Sequence[ExportLayer]) -> None:
    """Replace our rows of ``layer_styles``; those of other people stay."""
    import sqlalchemy

    connection.exec_driver_sql(_STYLES_SQL)
    for layer in layers:
        values = {"schema": schema, "name": layer.name, "mark": f"{MARK}%"}
        connection.execute(sqlalchemy.text(f"DELETE FROM public.{STYLES} WHERE {_MINE}"), values)
        if layer.style:
            row = {
                "schema": schema,
                "name": layer.name,
                "geometry": GEOMETRY,
                "title": layer.title[:30],
                "qml": layer.style,
                "note": MARK,
            }
            connection.execute(sqlalchemy.text(_STYLE_ROW), row)


def _rows(connection: Any, sql: str, **values: object) -> list[Any]:
    import sqlalchemy

    return list(connection.execute(sqlalchemy.text(sql), values))


def _literal(text: str) -> str:
    """Return a text as SQL takes it where no parameter may stand; the driver's own sign is doubled."""
    return "'" + text.replace("'", "''").replace("%", "%%") + "'"
