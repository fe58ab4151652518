"""What is ours in a folder: a manifest with hashes, and whether a file still is as it was written.

A GeoPackage counts as changed when its tables or styles differ, not its bytes: whoever looks at one touches it.
"""

from __future__ import annotations

import hashlib
import json
import marshal
import os
import sqlite3
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

from layers.errors import OutputError

MANIFEST = ".borderlink-files.json"
"""What was written into a folder: path and sha256 of each file."""
DATABASES = (".gpkg",)
BESIDE = ("-wal", "-shm", "-journal")
"""What SQLite keeps beside a database that somebody has open, or had open when a program died."""
LARGEST_LIST = 16_000_000
"""Bytes of a manifest or journal; a run's own has a few thousand."""
STAMPS = {"gpkg_contents": "last_change", "layer_styles": "update_time", "gpkg_metadata_reference": "timestamp"}
"""Columns that change when nothing else does."""
ROWS = 1000
"""Rows of a database that are hashed at once."""
PLAIN = 2
"""Version of Python's plain bytes of numbers, texts and lists in which the same values are always the same bytes."""
COUNTERS = ("gpkg_ogr_contents", "sqlite_sequence", "sqlite_stat1", "sqlite_stat4")


@dataclass(frozen=True)
class Written:
    """Files by path within a folder: sha256 of their bytes, and of their tables where they are databases."""

    files: dict[str, str] = field(default_factory=dict)
    tables: dict[str, str] = field(default_factory=dict)

    def is_as_written(self, place: Path, name: str) -> bool:
        """Return whether the file at a place is the one that is listed under a name."""
        if name not in self.files or not place.is_file():
            return False
        if sha256_of(place) == self.files[name]:
            return True
        return name in self.tables and tables_digest(place) == self.tables[name]

    def to_json(self) -> dict[str, Any]:
        """Return what a JSON file holds of it."""
        return {"files": self.files, "tables": self.tables}

    @classmethod
    def from_json(cls, content: Any) -> Written | None:
        """Return what `to_json` gave, None where it is something else or names a place outside its folder."""
        try:
            files = {str(k): str(v) for k, v in content["files"].items()}
            tables = {str(k): str(v) for k, v in content.get("tables", {}).items()}
        except (KeyError, TypeError, AttributeError):
            return None
        return cls(files, tables) if all(map(is_inside, files)) else None


def is_inside(name: str) -> bool:
    """Return whether a path counted from a folder stays in it."""
    return bool(name) and "\0" not in name and not Path(name).is_absolute() and ".." not in Path(name).parts


def list_files(folder: Path) -> Written:
    """Return paths and hashes of all files under a folder."""
    names = sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file())
    digests = {name: tables_digest(folder / name) for name in names if name.lower().endswith(DATABASES)}
    return Written({n: sha256_of(folder / n) for n in names}, {n: d for n, d in digests.items() if d})


def read_manifest(out: Path, mark: str) -> Written | None:
    """Return what an earlier run left in a folder, None where the folder is none of its kind."""
    found = Written.from_json(read_list(out / MANIFEST))
    return found if found is not None and mark in found.files else None


def read_list(path: Path) -> Any:
    """Return the content of a small JSON file, None where it is missing, too large or no JSON."""
    try:
        if path.stat().st_size > LARGEST_LIST:
            return None
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return None


def write_list(path: Path, content: dict[str, Any]) -> None:
    """Write a small JSON file, whole and on the disk before it has its name."""
    part = path.with_name(f"{path.name}.part")
    with part.open("w", encoding="utf-8") as file:
        json.dump({"format": 1, **content}, file, ensure_ascii=True, indent=1, sort_keys=True)
        file.write("\n")
        file.flush()
        os.fsync(file.fileno())
    part.replace(path)


def sha256_of(path: Path) -> str:
    """Return the hash of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def tables_digest(path: Path) -> str | None:
    """Return a hash of a database's tables and styles, None where it can't be read as one.

    What viewers change by looking is left out: time stamps, counters, spatial indices, the mode of journalling.
    """
    out = hashlib.sha256()
    try:
        # `immutable`: nothing is made beside the file, and it is read where the folder is read-only.
        with closing(sqlite3.connect(f"file:{quote(str(path))}?mode=ro&immutable=1", uri=True)) as base:
            named = base.execute("SELECT name, sql FROM sqlite_master WHERE type = 'table' ORDER BY name").fetchall()
            for name, sql in named:
                if name.startswith("rtree_") or name in COUNTERS:
                    continue
                out.update(f"{name}\n{sql}\n".encode())
                columns = [row[1] for row in base.execute("SELECT * FROM pragma_table_info(?)", (name,))]
                wanted = ", ".join(_quoted(c) for c in columns if c != STAMPS.get(name))
                rows = base.execute(f"SELECT {wanted} FROM {_quoted(name)} ORDER BY 1")
                while some := rows.fetchmany(ROWS):
                    # As text a geometry would be four times as long.
                    out.update(marshal.dumps(some, PLAIN))
    except (sqlite3.Error, ValueError):
        return None
    return out.hexdigest()


def settle_database(path: Path) -> None:
    """Bring what stands beside a database (``-wal``, ``-journal``) into it, so that it may be replaced or moved alone.

    Raises
    ------
    OutputError
        Another program has it open.
    """
    if not path.is_file() or not any(path.with_name(path.name + end).exists() for end in BESIDE):
        return
    try:
        with closing(
            sqlite3.connect(f"file:{quote(str(path))}?mode=rw", uri=True, timeout=0, isolation_level=None)
        ) as base:
            base.execute("PRAGMA journal_mode = DELETE").fetchall()
            base.execute("SELECT count(*) FROM sqlite_master").fetchall()
    except sqlite3.OperationalError as error:
        if "locked" in str(error) or "busy" in str(error):
            raise OutputError(
                f"{path} is open in another program: close it there, or name another folder for the results"
            ) from None
        raise OutputError(f"{path} can't be opened ({error}): move it away, or name another folder") from None
    except sqlite3.DatabaseError:
        return  # no database any more: kept as the user's own


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
