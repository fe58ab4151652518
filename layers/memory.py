"""Memory that was freed goes back to the system, and large tables that are read now and then lie on disk."""

from __future__ import annotations

import ctypes
import mmap
from contextlib import suppress
from functools import lru_cache
from tempfile import TemporaryFile
from typing import TYPE_CHECKING, Any
from weakref import WeakSet

import numpy as np

from layers.keeping import scratch_folder

if TYPE_CHECKING:
    from numpy.typing import NDArray

LARGE = 100_000_000
"""Bytes of a table from which on it is laid down."""
_MAPPED: WeakSet[mmap.mmap] = WeakSet()


def laid_down(table: NDArray[Any]) -> NDArray[Any]:
    """Return a table as it lies in a file without a name, from which what is read comes and goes: read it alone.

    A small one stays as it is, and so does any where there is no room or the system can't let go of what was read. The
    file ends with the last array on it.
    """
    if table.nbytes < LARGE or not hasattr(mmap, "MADV_DONTNEED"):
        return table
    with suppress(OSError), TemporaryFile(dir=scratch_folder()) as file:
        for rows in np.array_split(table, -(-table.nbytes // LARGE)):
            file.write(np.ascontiguousarray(rows).data)
        file.flush()
        pages = mmap.mmap(file.fileno(), table.nbytes, access=mmap.ACCESS_READ)
        _MAPPED.add(pages)
        return np.frombuffer(pages, table.dtype).reshape(table.shape)
    return table


def give_back() -> None:
    """Return to the system what is free: the C library of Linux keeps it where something in use lies behind it.

    And what was read of tables that are laid down. Between stages, each of which holds large tables for a while, this
    takes some milliseconds. Elsewhere it does nothing.
    """
    for pages in list(_MAPPED):
        pages.madvise(mmap.MADV_DONTNEED)
    trim = getattr(_library(), "malloc_trim", None)
    if trim is not None:
        trim(0)


@lru_cache(maxsize=1)
def _library() -> Any:
    """Return the C library of this process, None where it is not to be had."""
    try:
        return ctypes.CDLL(None)
    except (OSError, TypeError):  # Windows
        return None
