"""The cache of downloads: files stored under their sha256, and an index from URL to file."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from filelock import FileLock, Timeout
from platformdirs import user_cache_path

from layers.errors import BorderlinkError, LayerError, OutputError
from layers.sources.download.names import delete, file_digests, file_name, files_under, is_older, public_url

if TYPE_CHECKING:
    from collections.abc import Iterator

VERSION = 1
VARIABLE = "BORDERLINK_CACHE"
INDEX = "index.json"
STORE = "sha256"
PARTS = "parts"
LOCKS = "locks"
MARKER = ".borderlink-cache"
"""Tells a cache from any other folder: nothing is written to, or cleared from, a folder of other things."""
LARGEST_INDEX = 64_000_000
INDEX_WAIT_S = 120.0
"""The index is held for moments only: who waits longer has met a dead network disk, not a busy neighbour."""
_PART = re.compile(r"[0-9a-f]{32}\.part")
_SHA256 = re.compile(r"[0-9a-f]{64}")
_FIELDS = ("sha256", "size", "etag", "last_modified", "md5_checked")


@dataclass(frozen=True)
class Entry:
    """A whole file in the cache, and what is known of where it came from."""

    url: str
    path: Path
    sha256: str
    size: int
    etag: str | None
    last_modified: str | None
    md5_checked: bool
    fetched: datetime


class Cache:
    """Files by URL, each stored under the sha256 of its content; safe for several processes at once.

    Nothing in the folder is trusted by its name alone: an index that can't be read, a row that makes no sense or a file
    of another size counts as missing, and `notes` says so.

    Parameters
    ----------
    folder
        Where it is None that of the environment variable `VARIABLE`, or else the user's cache folder of this system. It
        is made when something is first stored.
    """

    def __init__(self, folder: Path | None = None) -> None:
        named = os.environ.get(VARIABLE) if folder is None else folder
        chosen = Path(named) if named else user_cache_path("borderlink", appauthor=False)
        self.folder = chosen.expanduser().absolute()
        self.notes: list[str] = []
        """What was found broken since the cache was opened, for a report."""

    def __repr__(self) -> str:
        return f"Cache({str(self.folder)!r})"

    def note(self, text: str) -> None:
        """Remember something for the report, once."""
        if text not in self.notes:
            self.notes.append(text)

    def get(self, url: str, *, verify: bool = False) -> Entry | None:
        """Return the file of a URL, or None where it is missing or broken.

        Parameters
        ----------
        url
            The address it was fetched from.
        verify
            Read the whole file and compare its sha256; otherwise only its size.
        """
        entry = self._read().get(public_url(url))
        if entry is None:
            return None
        problem = _problem(entry, verify=verify)
        if problem is None:
            return entry
        self.note(f"{entry.url}: its file in the cache {problem}; it counts as missing")
        # A cache that may only be read can still be used: the broken file is left out of account, not out of the
        # folder.
        with suppress(OutputError):
            self._forget(entry, verify=verify)
        return None

    def entries(self) -> list[Entry]:
        """Return what the cache holds, by URL; broken files are left out and noted."""
        found = (self.get(url) for url in sorted(self._read()))
        return [entry for entry in found if entry is not None]

    def check(self) -> list[str]:
        """Read every file, throw away those that are not what they were, and return what was wrong, one line each."""
        before, self.notes = self.notes, []
        for url in sorted(self._read()):
            self.get(url, verify=True)
        found, self.notes = self.notes, before
        for line in found:
            self.note(line)
        return found

    def add(
        self,
        source: Path,
        url: str,
        *,
        etag: str | None = None,
        last_modified: str | None = None,
        md5_checked: bool = False,
        sha256: str | None = None,
    ) -> Entry:
        """Move a whole file into the cache and return its entry.

        Parameters
        ----------
        source
            The file; it is gone from there afterwards.
        url
            Where it came from.
        etag, last_modified
            As the server gave them, to ask later whether the file has changed.
        md5_checked
            Whether the file was compared with a published md5.
        sha256
            Of the file, where the caller has computed it already.

        Raises
        ------
        OutputError
            The folder can't be written.
        """
        url = public_url(url)
        with self.writing():
            digest = sha256 or file_digests(source)[0]
            path = self._place(digest, file_name(url))
            size = source.stat().st_size
        entry = Entry(url, path, digest, size, etag, last_modified, md5_checked, fetched=datetime.now(UTC))
        with self._index_lock():
            path.parent.mkdir(parents=True, exist_ok=True)
            # The file may come from another disk: it appears under its name only when it is whole.
            new = path.with_name(f".{path.name}.new")
            shutil.move(source, new)
            new.replace(path)
            index = self._read()
            index[url] = entry
            self._write(index)
        return entry

    def remove(self, url: str) -> None:
        """Forget a URL and delete its file, where no other URL uses the same file."""
        with self._index_lock():
            index = self._read()
            entry = index.pop(public_url(url), None)
            if entry is not None:
                self._write(index)
                self._delete_unused(index, [entry.path])

    def clear(self, older_than_days: float | None = None) -> int:
        """Delete what the cache holds and return the bytes freed; other files in the folder are left alone.

        Parameters
        ----------
        older_than_days
            Only what was fetched longer ago; everything where it is None. A download under way is never touched.

        Raises
        ------
        LayerError
            The number of days is negative.
        OutputError
            The folder can't be written.
        """
        if older_than_days is not None and not older_than_days >= 0:
            raise LayerError(f"older_than_days is {older_than_days}: allowed is 0 or more")
        if not self.folder.is_dir():
            return 0
        if not self._is_cache():
            raise OutputError(
                f"{self.folder} is no cache of borderlink: nothing is cleared; allowed is a folder that has {MARKER}"
            )
        limit = None if older_than_days is None else datetime.now(UTC) - timedelta(days=older_than_days)
        with self._index_lock():
            index = self._read()
            kept = {url: e for url, e in index.items() if limit is not None and e.fetched >= limit}
            gone = [e.path for url, e in index.items() if url not in kept]
            # Files that no URL names any more: replaced by a newer version, or left by a broken index.
            known = {e.path for e in index.values()}
            strays = [p for p in self._stored() if p not in known and is_older(p, limit)]
            self._write(kept)
            freed = self._delete_unused(kept, [*gone, *strays])
        return freed + self._clear_parts(limit)

    def part(self, url: str) -> Path:
        """Return the path where an unfinished download of a URL is kept."""
        return self.folder / PARTS / f"{_key(url)}.part"

    @contextmanager
    def lock(self, url: str) -> Iterator[None]:
        """Hold a URL, so that only one process at a time downloads it; wait for it without limit."""
        with self._lock(self.folder / LOCKS / f"{_key(url)}.lock", timeout=-1):
            yield

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Turn a failure to write into one clear OutputError."""
        try:
            yield
        except BorderlinkError:
            raise
        except OSError as error:
            raise OutputError(
                f"the cache {self.folder} can't be written: {error}; name another folder (--cache) or free some space"
            ) from error

    def _is_cache(self) -> bool:
        """Return whether the folder is one of ours, by its marker, or by its index where it is older than markers."""
        if (self.folder / MARKER).is_file():
            return True
        names = {p.name for p in self.folder.iterdir()}
        return names <= {STORE, PARTS, LOCKS} or (INDEX in names and self._rows() is not None)

    def _claim(self) -> None:
        """Mark the folder as a cache, or refuse one of other things."""
        if (self.folder / MARKER).is_file():
            return
        if self.folder.is_dir() and not self._is_cache():
            raise OutputError(
                f"{self.folder} holds other things than a cache: allowed is a new or empty folder (--cache)"
            )
        self.folder.mkdir(parents=True, exist_ok=True)
        (self.folder / MARKER).write_text(
            "A cache of borderlink; `borderlink cache clear` empties it.\n", encoding="utf-8"
        )

    def _stored(self) -> list[Path]:
        """Return the files that stand where the store puts them: what others laid beside them is not ours."""
        store = self.folder / STORE
        return [
            p
            for p in files_under(store)
            if len(parts := p.relative_to(store).parts) == 3
            and _SHA256.fullmatch(parts[1])
            and parts[1].startswith(parts[0])
        ]

    @contextmanager
    def _lock(self, path: Path, *, timeout: float) -> Iterator[None]:
        lock = FileLock(path, timeout=timeout)
        with self.writing():
            self._claim()
            path.parent.mkdir(parents=True, exist_ok=True)
            try:
                lock.acquire()
            except Timeout as error:
                raise OutputError(f"the cache {self.folder} is held by another run ({path.name})") from error
        try:
            yield
        finally:
            lock.release()

    @contextmanager
    def _index_lock(self) -> Iterator[None]:
        with self._lock(self.folder / LOCKS / "index.lock", timeout=INDEX_WAIT_S), self.writing():
            yield

    def _place(self, digest: str, name: str) -> Path:
        return self.folder / STORE / digest[:2] / digest / name

    def _rows(self) -> dict[str, Any] | None:
        """Return the rows of the index, none where it is missing.

        None where it is broken or no index of ours, which is noted.
        """
        path = self.folder / INDEX
        try:
            if path.stat().st_size > LARGEST_INDEX:
                raise ValueError(f"it has {path.stat().st_size:,} bytes")
            raw = json.loads(path.read_text(encoding="utf-8"))
        except (FileNotFoundError, NotADirectoryError):
            return {}
        except (OSError, ValueError, RecursionError) as error:
            self.note(f"the index {path} can't be read ({error}); the cache counts as empty")
            return None
        rows = raw.get("entries") if isinstance(raw, dict) and raw.get("version") == VERSION else None
        if not isinstance(rows, dict):
            self.note(f"the index {path} is no index of version {VERSION}; the cache counts as empty")
            return None
        return rows

    def _read(self) -> dict[str, Entry]:
        """Return the rows of the index that make sense; it is replaced as a whole, so reading needs no lock."""
        rows, index = self._rows() or {}, {}
        for url, row in rows.items():
            entry = self._entry(url, row)
            if entry is None:
                self.note(f"{url}: its row in the index {self.folder / INDEX} makes no sense; it counts as missing")
            else:
                index[url] = entry
        return index

    def _entry(self, url: str, row: Any) -> Entry | None:
        """Return a row of the index as an entry, or None where anything in it is not as it was written."""
        try:
            digest, name, fetched = str(row["sha256"]), file_name(url), datetime.fromisoformat(row["fetched"])
            size, checked, marks = row["size"], row["md5_checked"], (row["etag"], row["last_modified"])
        except (KeyError, TypeError, ValueError):
            return None
        sound = (
            _SHA256.fullmatch(digest)
            and type(size) is int
            and type(checked) is bool
            and all(mark is None or isinstance(mark, str) for mark in marks)
            and fetched.tzinfo is not None
        )
        return Entry(url, self._place(digest, name), digest, size, *marks, checked, fetched) if sound else None

    def _write(self, index: dict[str, Entry]) -> None:
        """Replace the index as a whole; the caller holds its lock."""
        rows = {
            url: {name: getattr(e, name) for name in _FIELDS} | {"fetched": e.fetched.isoformat()}
            for url, e in sorted(index.items())
        }
        new = self.folder / f"{INDEX}.new"
        with new.open("w", encoding="utf-8") as file:
            json.dump({"version": VERSION, "entries": rows}, file, indent=1, ensure_ascii=False)
            file.flush()
            os.fsync(file.fileno())
        new.replace(self.folder / INDEX)

    def _forget(self, entry: Entry, *, verify: bool) -> None:
        """Drop a broken entry, unless another process has mended it meanwhile."""
        with self._index_lock():
            index = self._read()
            if index.get(entry.url) == entry and _problem(entry, verify=verify):
                del index[entry.url]
                self._write(index)
                entry.path.unlink(missing_ok=True)

    def _delete_unused(self, index: dict[str, Entry], paths: list[Path]) -> int:
        """Delete files that no entry uses, with the folders left empty, and return their bytes."""
        used = {e.path for e in index.values()}
        freed = 0
        for path in sorted(set(paths) - used):
            freed += delete(path)
            for folder in (path.parent, path.parent.parent):
                with suppress(OSError):
                    folder.rmdir()
        return freed

    def _clear_parts(self, limit: datetime | None) -> int:
        """Delete unfinished downloads that no process holds, and return their bytes."""
        freed = 0
        for part in (p for p in files_under(self.folder / PARTS) if is_older(p, limit)):
            # A download's part, or an answer in a folder of several.
            name = next((n for n in (part.name, part.parent.name) if _PART.fullmatch(n)), None)
            if name is None:
                continue
            lock = self.folder / LOCKS / name.replace(".part", ".lock")
            with suppress(OutputError), self._lock(lock, timeout=0), self.writing():
                freed += delete(part) + delete(part.with_suffix(".json"))
        return freed


def _key(url: str) -> str:
    return hashlib.sha256(public_url(url).encode()).hexdigest()[:32]


def _problem(entry: Entry, *, verify: bool) -> str | None:
    """Return what is wrong with the file of an entry, or None."""
    try:
        if not entry.path.is_file():
            return "is gone"
        if (size := entry.path.stat().st_size) != entry.size:
            return f"has {size:,} bytes instead of {entry.size:,}"
        if verify and file_digests(entry.path)[0] != entry.sha256:
            return "has another sha256 than when it was fetched"
    except OSError as error:
        return f"can't be read ({error})"
    return None
