"""Layers from PostGIS: a table of a database, its rows in an order that does not depend on where they lie."""

from __future__ import annotations

import re
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import pyproj
import shapely

from layers.errors import LayerError
from layers.secrets import masked

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

EXTRA = 'pip install "borderlink[postgis]"'
CONNECT_S = 10
"""Seconds until a server that does not answer counts as out of reach."""
STATEMENT_S = 600
"""Seconds after which the server gives up a query; ``?options=-c statement_timeout=…`` in the address changes it."""
MOST_NAMES = 20
_DATABASE = re.compile(r"(postgres(ql)?|postgis)(\+\w+)?://", re.I)


@dataclass(frozen=True)
class _Table:
    """A table (or view) and one of its geometry columns."""

    schema: str
    name: str
    geometry: str

    @property
    def title(self) -> str:
        return f"{self.schema}.{self.name}"

    @property
    def quoted(self) -> str:
        return f"{quoted(self.schema)}.{quoted(self.name)}"


def is_database(path: str) -> bool:
    """Return whether the path of a layer is the address of a database.

    Examples
    --------
    >>> is_database("postgresql://me@host/db"), is_database("postgis://me@host/db"), is_database("roads.gpkg")
    (True, True, False)
    """
    return bool(_DATABASE.match(path))


def read_table(
    address: str, *, layer: str | None = None, columns: Mapping[str, str] | None = None
) -> tuple[gpd.GeoDataFrame, dict[str, Any]]:
    """Return a table of a PostGIS database as it is, its columns renamed, and what is known of it.

    Parameters
    ----------
    address
        ``postgresql://user:password@host/database``; what it leaves out is taken from PostgreSQL's own places
        (``PGPASSWORD``, ``~/.pgpass``, …).
    layer
        ``schema.table`` or ``table``, as the database writes it; needed where several tables have a geometry.
    columns
        From the schema's names to the table's; ``geometry`` chooses one of several geometry columns.

    Returns
    -------
    The frame, its geometry called ``geometry``, rows by primary key, or by content where the table has none; and
    ``source``, ``note``, ``rows`` and ``sha256`` over the content.

    Raises
    ------
    LayerError
        A package is missing; the database can't be reached or has no PostGIS; no such table or column; several geometry
        columns; no CRS; no rows. The password is never told.
    """
    url = database_url(address)
    renames = dict(columns or {})
    chosen = renames.pop("geometry", None)
    with _connected(url, address) as connection:
        home = _home(connection, address)
        table = _found(_tables(connection, home), layer, chosen, connection, address)
        where = f"table {table.title} of {masked(address)}"
        names, key = _columns(connection, table), _primary_key(connection, table)
        absent = [name for name in renames.values() if name not in names]
        if absent:
            raise LayerError(f"{where} has no column {', '.join(map(repr, absent))}: it has {', '.join(names)}")
        crs = _crs(connection, home, table, where)
        geometry = quoted(table.geometry)
        wanted = ", ".join([*map(quoted, names), f"CAST({geometry} AS {home}.geometry) AS {geometry}"])
        order = ", ".join(f'{quoted(n)} COLLATE "C"' if text else quoted(n) for n, text in key)
        order = order or 'CAST(ROW(one.*) AS text) COLLATE "C"'
        sql = _statement(f"SELECT {wanted} FROM {table.quoted} AS one ORDER BY {order}")
        frame = gpd.read_postgis(sql, connection, geom_col=table.geometry, crs=crs)
    # The CRS is the frame's; a number inside each geometry would only make equal ones differ.
    frame = frame.set_geometry(gpd.GeoSeries(shapely.set_srid(frame.geometry.to_numpy(), 0), frame.index, crs=crs))
    about = {
        "source": f"PostGIS table {table.title} of database {url.database or 'of the user'} on {_host(url)}",
        "note": f"rows by {'primary key' if key else 'content'}",
        "rows": len(frame),
        "sha256": content_hash(frame),
    }
    frame = frame.drop(columns=[o for o in renames if o in frame and o not in renames.values()])
    if table.geometry != "geometry":
        frame = frame.drop(columns="geometry", errors="ignore").rename_geometry("geometry")
    return frame.rename(columns={theirs: ours for ours, theirs in renames.items()}), about


def content_hash(frame: gpd.GeoDataFrame) -> str:
    """Return the sha256 of a frame's values and geometries, in their order."""
    plain = frame.drop(columns=frame.geometry.name)
    out = sha256(plain.to_csv(index=False, lineterminator="\n").encode())
    parts = shapely.to_wkb(frame.geometry.to_numpy(), byte_order=1, output_dimension=3)
    out.update(b"".join(part or b"" for part in parts))
    return out.hexdigest()


def database_url(address: str) -> Any:
    """Return the address as SQLAlchemy has it, for psycopg 3.

    Raises
    ------
    LayerError
        It is no address of a database, or the extra is not installed.
    """
    try:
        import psycopg  # noqa: F401  (SQLAlchemy imports it when it connects; here the message is ours)
        import sqlalchemy
    except ImportError as error:
        raise LayerError(f"layers from PostGIS need {error.name}, which is not installed: {EXTRA}") from None
    try:
        url = sqlalchemy.make_url(address.strip()).set(drivername="postgresql+psycopg")
    except (sqlalchemy.exc.ArgumentError, ValueError):
        url = None
    # With two of them a part of the password would count as the host, and be told in messages.
    if url is None or address.partition("?")[0].count("@") > 1:
        raise LayerError(
            f"{masked(address)} is no address of a database: allowed is postgresql://host:port/database, before "
            "the host "
            "its user and password, signs of a password as %40 %3A %2F …"
        )
    return url


def connection_settings(url: Any) -> dict[str, Any]:
    """Return how long a server is waited for, but for what the address says itself."""
    settings = {
        "connect_timeout": CONNECT_S,
        "client_encoding": "utf8",
        # A view may compute for ever, and a table be locked.
        "options": f"-c statement_timeout={STATEMENT_S * 1000} -c lock_timeout={STATEMENT_S * 1000}",
    }
    return {name: value for name, value in settings.items() if name not in url.query}


@contextmanager
def _connected(url: Any, address: str) -> Iterator[Any]:
    """Give a connection that only reads, and sees one state of the database; the driver's errors become one message."""
    import sqlalchemy

    engine = sqlalchemy.create_engine(url, poolclass=sqlalchemy.pool.NullPool, connect_args=connection_settings(url))
    try:
        connection = engine.connect()
    except (sqlalchemy.exc.SQLAlchemyError, UnicodeError) as error:
        raise LayerError(f"{masked(address)} can't be reached: {_reason(error)}") from None
    try:
        yield connection.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
    # GEOS has no arcs: a curved geometry is not implemented.
    except (sqlalchemy.exc.SQLAlchemyError, shapely.errors.ShapelyError, NotImplementedError, UnicodeError) as error:
        raise LayerError(f"{masked(address)} can't be read: {_reason(error)}") from None
    finally:
        connection.close()
        engine.dispose()


def _reason(error: Exception) -> str:
    """Return a driver's error on one line, without the statement that SQLAlchemy adds."""
    return masked(" ".join(str(getattr(error, "orig", None) or error).split()))[:500]


def _statement(sql: str) -> Any:
    """Return a statement without parameters; a colon in a name would count as one."""
    import sqlalchemy

    return sqlalchemy.text(sql.replace(":", "\\:"))


def _rows(connection: Any, sql: str, **values: object) -> list[Any]:
    """Return the rows of a statement with parameters."""
    import sqlalchemy

    return list(connection.execute(sqlalchemy.text(sql), values))


def quoted(name: str) -> str:
    """Return a name as SQL takes it, whatever signs it has."""
    return '"' + name.replace('"', '""') + '"'


def _home(connection: Any, address: str) -> str:
    """Return the quoted schema that PostGIS lives in."""
    found = _rows(
        connection,
        "SELECT n.nspname FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace "
        "WHERE e.extname = 'postgis'",
    )
    if not found:
        raise LayerError(f"{masked(address)} has no PostGIS: allowed is a database with CREATE EXTENSION postgis")
    return quoted(found[0][0])


def _tables(connection: Any, home: str) -> list[_Table]:
    """Return the tables and views with a geometry that the user may read, by name."""
    home = home.replace(":", "\\:")
    found = _rows(
        connection,
        f"SELECT f_table_schema, f_table_name, f_geometry_column FROM {home}.geometry_columns UNION "
        f"SELECT f_table_schema, f_table_name, f_geography_column FROM {home}.geography_columns",
    )
    return sorted((_Table(*map(str, row)) for row in found), key=lambda t: (t.schema, t.name, t.geometry))


def _found(tables: Sequence[_Table], layer: str | None, chosen: str | None, connection: Any, address: str) -> _Table:
    """Return the table and geometry column that are meant, or say which there are."""
    named = [t for t in tables if layer in (None, t.title, t.name)]
    titles = sorted({t.title for t in named})
    if layer is not None and len(titles) > 1:
        # A name that is a whole title comes first, then the schema that PostgreSQL itself would take.
        path = [row[0] for row in _rows(connection, "SELECT unnest(current_schemas(false))")]
        first = next((s for s in path if any(t.schema == s and t.name == layer for t in named)), None)
        named = [t for t in named if t.title == layer] or [t for t in named if t.schema == first] or named
        titles = sorted({t.title for t in named})
    if len(titles) != 1:
        several = layer is not None and len(titles) > 1
        there = titles if several else sorted({t.title for t in tables})
        listed = ", ".join(there[:MOST_NAMES]) + (f" and {len(there) - MOST_NAMES} more" if there[MOST_NAMES:] else "")
        what = f"has no table {layer!r} with a geometry" if layer is not None else "needs a table's name"
        what = f"has several tables called {layer!r}" if several else what
        raise LayerError(
            f"{masked(address)} {what}: allowed as layer = … is {listed or 'none, for it has no such table'}"
        )
    fitting = [t for t in named if chosen in (None, t.geometry)]
    if len(fitting) != 1:
        has = ", ".join(t.geometry for t in named)
        raise LayerError(
            f"table {titles[0]} of {masked(address)} has the geometry columns {has}: allowed is one of them as "
            "columns = { geometry = … }"
        )
    return fitting[0]


def _columns(connection: Any, table: _Table) -> list[str]:
    """Return the table's columns without those that hold geometries."""
    found = _rows(
        connection,
        "SELECT a.attname FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid "
        "WHERE a.attrelid = CAST(:one AS regclass) AND a.attnum > 0 AND NOT a.attisdropped "
        "AND t.typname NOT IN ('geometry', 'geography') ORDER BY a.attnum",
        one=table.quoted,
    )
    return [str(row[0]) for row in found]


def _primary_key(connection: Any, table: _Table) -> list[tuple[str, bool]]:
    """Return the columns of the primary key, and whether each is text, whose order would be the database's own."""
    found = _rows(
        connection,
        "SELECT a.attname, a.attcollation <> 0 FROM pg_index i "
        "CROSS JOIN LATERAL unnest(CAST(i.indkey AS int2[])) WITH ORDINALITY AS k(number, place) "
        "JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.number "
        "WHERE i.indrelid = CAST(:one AS regclass) AND i.indisprimary ORDER BY k.place",
        one=table.quoted,
    )
    return [(str(name), bool(text)) for name, text in found]


def _crs(connection: Any, home: str, table: _Table, where: str) -> pyproj.CRS:
    """Return the one CRS of all geometries."""
    column = quoted(table.geometry)
    found = connection.execute(
        _statement(
            f"SELECT DISTINCT {home}.ST_SRID(CAST({column} AS {home}.geometry)) FROM {table.quoted} WHERE "
            f"{column} IS NOT NULL"
        )
    )
    numbers = sorted(int(row[0]) for row in found)
    if not numbers:
        raise LayerError(f"{where} has no rows with a geometry: allowed is a table that has some")
    if numbers == [0]:
        raise LayerError(f"{where} has no CRS (SRID 0): allowed is any that is stated; UpdateGeometrySRID sets it")
    if len(numbers) > 1:
        raise LayerError(f"{where} has geometries of the SRIDs {', '.join(map(str, numbers))}: allowed is one")
    known = _rows(
        connection,
        f"SELECT auth_name, auth_srid, srtext FROM {home.replace(':', chr(92) + ':')}.spatial_ref_sys "
        "WHERE srid = :one",
        one=numbers[0],
    )
    for authority, number, text in known:
        # A CRS of the user's own has no authority that PROJ knows, only its text.
        for make, given in ((pyproj.CRS.from_authority, (authority, number)), (pyproj.CRS.from_wkt, (text,))):
            try:
                return make(*given)
            except (pyproj.exceptions.CRSError, TypeError):
                continue
    raise LayerError(
        f"{where} has the SRID {numbers[0]}, which spatial_ref_sys does not explain: allowed is one that it does"
    )


def _host(url: Any) -> str:
    """Return the machine of a database, with the port where it is not PostgreSQL's own."""
    host = url.host or url.query.get("host") or "this machine"
    return f"{host}:{url.port}" if url.port not in (None, 5432) else str(host)
