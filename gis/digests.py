"""Digests of what results hang on: files with all that lies beside them, our own code, the environment."""

from __future__ import annotations

import json
import os
from glob import escape
from hashlib import file_digest, sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

SOURCE = ("layers", "network", "gis")
"""Packages that a network is made by."""
SIDECARS = {".shp", ".tab", ".mif"}
"""Formats whose layer is several files of one name."""
JOURNALS = ("-wal", "-journal")
"""Endings of what an SQLite database has beside itself: changes that are not in its file yet."""
TOLD = ("GDAL_", "OGR_", "CPL_", "SHAPE_", "SQLITE_", "PROJ_")
"""Heads of the variables of the environment by which GDAL and PROJ read files otherwise."""


def digests_beside(path: Path) -> list[str]:
    """Return names and digests of a layer's files: several of one name, or a whole folder, in some formats.

    Of what can't be read that it can't: whoever reads it next says why.
    """
    try:
        return [f"{p.name} {digest_of_file(p)}" for p in _files_of(path) if p.is_file()]
    except OSError as error:
        return [f"{path.name}: {type(error).__name__}"]


def _files_of(path: Path) -> list[Path]:
    """Return the files that a layer is read from, in order."""
    if path.is_dir():
        files: Iterator[Path] | list[Path] = path.rglob("*")
    elif path.suffix.lower() in SIDECARS:
        files = path.parent.glob(f"{escape(path.stem)}.*")
    else:
        beside = (path.with_name(path.name + ending) for ending in JOURNALS)
        files = [path, *(p for p in beside if p.is_file() and p.stat().st_size)]
    return sorted(files)


def digests_of_raster(path: Path) -> list[str]:
    """Return names and digests of all that a raster is read from: what lies beside it, and what a virtual one names."""
    import rasterio  # who names no raster need not wait for it
    from rasterio.errors import RasterioError

    try:
        with rasterio.open(path) as raster:
            files = {path, *map(Path, raster.files)}
    except (RasterioError, OSError):  # whoever reads it next says why
        files = {path}
    return [digest for file in sorted(files) for digest in digests_beside(file)]


def digest_of_file(path: Path) -> str:
    """Return the sha256 of a file."""
    with path.open("rb") as file:
        return file_digest(file, "sha256").hexdigest()


def digest_of_record(about: dict[str, Any]) -> str:
    """Return a digest of what an entry's record says beside it."""
    known = {name: value for name, value in about.items() if name != "sha256"}
    return sha256(json.dumps(known, sort_keys=True).encode()).hexdigest()


def told_by_environment() -> dict[str, str]:
    """Return the variables by which files are read otherwise."""
    return {name: value for name, value in sorted(os.environ.items()) if name.startswith(TOLD)}


def source_digest(packages: Sequence[str] = SOURCE) -> str:
    """Return a digest of our own code and packaged data in some packages."""
    root, whole = Path(__file__).resolve().parent.parent, sha256()
    for package in packages:
        for path in sorted((root / package).rglob("*")):
            if path.is_file() and "__pycache__" not in path.parts:
                whole.update(str(path.relative_to(root)).encode())
                whole.update(path.read_bytes())
    return whole.hexdigest()
