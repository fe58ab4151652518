"""One run at a time per folder: a lock that dies with its process and says who holds it."""

from __future__ import annotations

import errno
import os
import socket
import sys
import time
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from layers.errors import OutputError

if TYPE_CHECKING:
    from collections.abc import Iterator

LOCK = ".borderlink-lock"
_NO_LOCKS = (errno.ENOSYS, errno.EOPNOTSUPP, errno.ENOLCK, errno.EINVAL)
"""What file systems without locks answer: better to work there than not to."""
_RETRY_S = 0.1


@contextmanager
def held(folder: Path, *, wait_s: float = 0.0) -> Iterator[None]:
    """Hold a folder; the system lets go when the process ends, however it ends.

    Parameters
    ----------
    wait_s
        How long to wait for who holds it.

    Raises
    ------
    OutputError
        Another process holds it; the message says which and since when.
    """
    path = folder / LOCK
    until = time.monotonic() + wait_s
    while (number := _taken(path)) is None:
        if time.monotonic() >= until:
            raise OutputError(f"{folder} is in use by {_holder(path)}: wait for it to end, or name another folder")
        time.sleep(_RETRY_S)
    try:
        with suppress(OSError):  # a full disk: only the name of the holder is missing then
            os.ftruncate(number, 0)
            os.write(number, f"process {os.getpid()} on {socket.gethostname()} since {time.strftime('%F %T')}".encode())
        yield
    finally:
        # While it is held: who opened it meanwhile finds that it is gone from its place, and takes a new one.
        with suppress(OSError):
            path.unlink()
        os.close(number)


def _taken(path: Path) -> int | None:
    """Return the open lock file, or None where another process holds it."""
    while True:
        number = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
        try:
            if not _locked(number):
                os.close(number)
                return None
            if _is_at(number, path):
                return number
        except BaseException:
            os.close(number)
            raise
        os.close(number)


def _is_at(number: int, path: Path) -> bool:
    """Return whether an open file still stands under its name."""
    try:
        return os.path.samestat(os.fstat(number), path.stat())
    except FileNotFoundError:
        return False


def _locked(number: int) -> bool:
    """Lock an open file, or return that another process has."""
    try:
        if sys.platform == "win32":
            import msvcrt

            os.lseek(number, 1 << 20, os.SEEK_SET)  # beyond the text, which others may read
            msvcrt.locking(number, msvcrt.LK_NBLCK, 1)
            os.lseek(number, 0, os.SEEK_SET)
        else:
            import fcntl

            fcntl.flock(number, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno in _NO_LOCKS:
            return True
        if error.errno in (errno.EAGAIN, errno.EACCES, errno.EDEADLK):
            return False
        raise
    return True


def _holder(path: Path) -> str:
    """Return who holds the lock, as its holder wrote it."""
    with suppress(OSError):
        return path.read_text(encoding="utf-8", errors="replace")[:200] or "another run"
    return "another run"
