"""What goes wrong while files are written, as one message: the disk, the quota, a right, a file that is locked."""

from __future__ import annotations

import errno
import os
import sqlite3
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from layers.errors import BorderlinkError, OutputError, short

if TYPE_CHECKING:
    from collections.abc import Iterator

FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.EROFS)
"""No room, quota, limit of a file's size, a failing disk, a disk that was made read-only."""
PROBE_BYTES = 1 << 20
WRITERS = ("pyogrio", "rasterio", "pyarrow", "sqlite3", "osmium")
"""Packages whose errors, while results are written, are those of the disk."""


@contextmanager
def writing(out: Path, what: str) -> Iterator[None]:
    """Turn the system's refusal to write into one OutputError; the cause stays with it."""
    try:
        yield
    except BorderlinkError:
        raise
    except OSError as error:
        raise OutputError(_message(out, what, error)) from error
    except ValueError as error:
        if "null byte" in str(error):  # a name that no system takes
            raise OutputError(_message(out, what, error)) from error
        raise


@contextmanager
def computing(out: Path, what: str, stage: Path) -> Iterator[None]:
    """Turn failures to write under `stage`, and those alone, into one OutputError.

    The rest of a run's errors stay what they are.
    """
    try:
        yield
    except BorderlinkError:
        raise
    except Exception as error:
        inside = str(stage) in str(getattr(error, "filename", None) or error)
        of_disk = isinstance(error, OSError) and (inside or error.errno in FULL)
        of_library = isinstance(error, sqlite3.Error) or (inside and _is_writers(error))
        if of_disk or of_library:
            raise OutputError(_message(out, what, error)) from error
        # Libraries often say no more than that something failed.
        full = _no_room(stage)
        if full is not None:
            raise OutputError(_message(out, what, full)) from error
        raise


def probe(folder: Path) -> None:
    """Write a megabyte and remove it.

    Raises
    ------
    OSError
        There is no right or no room to.
    """
    number, name = tempfile.mkstemp(prefix="probe-", dir=folder)
    try:
        with os.fdopen(number, "wb") as file:
            file.write(b"\1" * PROBE_BYTES)
            file.flush()
            os.fsync(file.fileno())
    finally:
        Path(name).unlink()


def _no_room(folder: Path) -> OSError | None:
    """Return why nothing can be written any more, None where it can."""
    try:
        probe(folder)
    except OSError as error:
        return error
    return None


def _is_writers(error: Exception) -> bool:
    return type(error).__module__.partition(".")[0] in WRITERS


def _message(out: Path, what: str, error: Exception) -> str:
    """Return what could not be written, why, and what is allowed."""
    reason = getattr(error, "strerror", None) or " ".join(str(error).split())[:300] or type(error).__name__
    code = getattr(error, "errno", None)
    if code in (errno.ENOSPC, errno.EDQUOT):
        cure = "free some space, or name a folder on another disk"
    elif code in (errno.EACCES, errno.EPERM, errno.EBUSY, errno.ETXTBSY):
        cure = "allowed is a folder in a writable place, its files closed in other programs"
    else:
        cure = "allowed is a folder in a writable place"
    return f"{what} can't be written to {short(out)}: {reason}; {cure}"
