"""Names, digests and files of what is downloaded: safe to store, to compare and to show."""

from __future__ import annotations

import hashlib
import re
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import unquote, urlsplit, urlunsplit

_BLOCK = 1 << 20
_HASHED = re.compile(r"sha256-[0-9a-f]{32}")


def file_digests(path: Path) -> tuple[str, str]:
    """Return sha256 and md5 of a file in hexadecimal, read once and in blocks."""
    # md5 guards against accidents here, not against an attacker; said so, Python allows it on FIPS machines too.
    sha, md5 = hashlib.sha256(), hashlib.md5(usedforsecurity=False)
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            sha.update(block)
            md5.update(block)
    return sha.hexdigest(), md5.hexdigest()


def file_name(url: str) -> str:
    """Return the last part of a URL's path as a file name that is safe on every system.

    Examples
    --------
    >>> file_name("https://download.geofabrik.de/asia/kazakhstan-latest.osm.pbf")
    'kazakhstan-latest.osm.pbf'
    >>> file_name("https://example.org/")
    'file'
    """
    name = re.sub(r"[^A-Za-z0-9._-]+", "_", unquote(urlsplit(url).path.rsplit("/", 1)[-1]))
    return name.lstrip(".")[-120:].lstrip(".") or "file"


def public_url(url: str) -> str:
    """Return a URL without user, password and fragment, its query as a hash.

    What may stand in an index, a message or a report.

    A query often holds a key; two queries still are two files.

    Examples
    --------
    >>> public_url("https://me:secret@example.org/a.pbf")
    'https://example.org/a.pbf'
    >>> public_url("https://example.org/a.pbf?key=secret")
    'https://example.org/a.pbf?sha256-0b60fff1753750c4f6bf79e452dc6721'
    """
    parts = urlsplit(url)
    query = parts.query
    if query and not _HASHED.fullmatch(query):
        query = f"sha256-{hashlib.sha256(query.encode('utf-8', 'surrogatepass')).hexdigest()[:32]}"
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2], query=query, fragment=""))


def files_under(folder: Path) -> list[Path]:
    """Return the files under a folder, by name."""
    return sorted(path for path in folder.rglob("*") if path.is_file()) if folder.is_dir() else []


def is_older(path: Path, limit: datetime | None) -> bool:
    """Return whether a file was last written before a time; any file where there is none."""
    # A part that another process finishes meanwhile is gone from here: nothing to clear.
    with suppress(FileNotFoundError):
        return limit is None or datetime.fromtimestamp(path.stat().st_mtime, UTC) < limit
    return False


def delete(path: Path) -> int:
    """Delete a file, if it is there, and return its bytes."""
    size = path.stat().st_size if path.is_file() else 0
    path.unlink(missing_ok=True)
    return size
