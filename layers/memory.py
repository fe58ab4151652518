"""Memory that was freed goes back to the system."""

from __future__ import annotations

import ctypes
from functools import lru_cache
from typing import Any


def give_back() -> None:
    """Return to the system what is free: the C library of Linux keeps it where something in use lies behind it.

    Between stages, each of which holds large tables for a while, this takes some milliseconds. Elsewhere it does
    nothing.
    """
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
