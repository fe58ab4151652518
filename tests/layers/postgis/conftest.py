"""A PostgreSQL server with PostGIS of the tests' own, on a free port, ended with them."""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

pytest.importorskip("sqlalchemy", reason="the extra postgis is not installed")
pytest.importorskip("psycopg", reason="the extra postgis is not installed")
pytest.importorskip("geoalchemy2", reason="the extra postgis is not installed")

import sqlalchemy

USER, PASSWORD = "planner", "s3cr:et@/?#%"
QUOTED = quote(PASSWORD, safe="")


def programs() -> Path | None:
    """Return the folder of initdb: pg_config's, or where Debian keeps it."""
    folders = sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    if (config := shutil.which("pg_config")) is not None:
        told = subprocess.run([config, "--bindir"], capture_output=True, text=True, check=False).stdout.strip()
        folders.insert(0, Path(told))
    if (found := shutil.which("initdb")) is not None:
        folders.insert(0, Path(found).parent)
    return next((f for f in folders if (f / "initdb").exists() and (f / "pg_ctl").exists()), None)


@dataclass(frozen=True)
class Database:
    """One database of the server."""

    port: int
    folder: Path
    name: str

    @property
    def url(self) -> str:
        """Address as a user writes it."""
        return f"postgresql://{USER}:{QUOTED}@127.0.0.1:{self.port}/{self.name}"

    @property
    def engine(self) -> Any:
        url = self.url.replace("postgresql:", "postgresql+psycopg:")
        return sqlalchemy.create_engine(
            url, poolclass=sqlalchemy.pool.NullPool, connect_args={"client_encoding": "utf8"}
        )

    def do(self, *statements: str) -> None:
        """Run SQL as it stands."""
        with self.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            for statement in statements:
                connection.exec_driver_sql(statement.replace("%", "%%"))

    def create(self, name: str, options: str = "", extension: str = "CREATE EXTENSION postgis") -> Database:
        """Return a new database of the same server."""
        self.do(f"CREATE DATABASE {name} {options}")
        made = Database(self.port, self.folder, name)
        if extension:
            made.do(*extension.split("; "))
        return made


@pytest.fixture(scope="session")
def server() -> Iterator[Database]:
    """Return the database that every server has."""
    folder = programs()
    if folder is None:
        pytest.skip("PostgreSQL's initdb and pg_ctl are not on this machine")
    home = Path(tempfile.mkdtemp(prefix="borderlink-pg-"))
    as_user: dict[str, Any] = {"env": {"HOME": str(home), "PATH": os.environ["PATH"], "LC_ALL": "C"}}
    if os.geteuid() == 0:
        # PostgreSQL refuses to run as root.
        known = {entry.pw_name: entry for entry in pwd.getpwall()}
        who = known.get("postgres") or known.get("nobody")
        if who is None:
            pytest.skip("root has no other user here to run PostgreSQL as")
        os.chown(home, who.pw_uid, who.pw_gid)
        as_user |= {"user": who.pw_uid, "group": who.pw_gid, "extra_groups": []}
    (home / "password").write_text(PASSWORD, encoding="utf-8")
    (home / "password").chmod(0o644)

    def call(*command: str | Path) -> subprocess.CompletedProcess[bytes]:
        # A server that stays would hold a pipe open: its output goes to a file.
        with (home / "log").open("ab") as log:
            return subprocess.run(
                [*map(str, command)], stdout=log, stderr=log, cwd=home, timeout=60, check=False, **as_user
            )

    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    data = home / "data"
    options = f"-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories={home} -c fsync=off"
    try:
        made = call(
            folder / "initdb",
            "-D",
            data,
            "-U",
            USER,
            "-A",
            "scram-sha-256",
            "--pwfile",
            home / "password",
            "-E",
            "UTF8",
            "--locale",
            "C",
            "--no-sync",
        )
        started = (
            made.returncode == 0 and call(folder / "pg_ctl", "-D", data, "-w", "-o", options, "start").returncode == 0
        )
        if not started:
            pytest.skip(f"PostgreSQL does not start here: {(home / 'log').read_text(errors='replace')[-300:]}")
        yield Database(port, home, "postgres")
    finally:
        if data.exists():
            call(folder / "pg_ctl", "-D", data, "-m", "immediate", "stop")
        shutil.rmtree(home, ignore_errors=True)


@pytest.fixture(scope="session")
def db(server: Database) -> Database:
    """Return a database with PostGIS."""
    with server.engine.connect() as connection:
        there = connection.exec_driver_sql("SELECT 1 FROM pg_available_extensions WHERE name = 'postgis'").first()
    if there is None:
        pytest.skip("PostgreSQL is here, PostGIS is not")
    return server.create("land")
