"""The boundary of a source: whatever a library raises while a file is read is one message that names the file."""

from __future__ import annotations

import struct
from contextlib import contextmanager
from typing import TYPE_CHECKING

import numpy as np

from layers.errors import BorderlinkError, LayerError, short

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

DEEPEST = 16
"""Collections within collections: deeper ones end GEOS, and with it the program, without a message."""
COLLECTION, MULTI = 7, (4, 5, 6)


@contextmanager
def reading(where: object, *, allowed: str = "") -> Iterator[None]:
    """Turn what libraries raise into one LayerError; the cause stays with it, for ``--debug``.

    GEOS, PROJ, Arrow, GDAL and pandas each have errors of their own, and raise Python's as well: a file can make all of
    them.
    """
    try:
        yield
    except (BorderlinkError, MemoryError):
        raise
    except RecursionError as error:
        raise LayerError(f"{short(where)} can't be read: it is nested too deeply") from error
    except Exception as error:
        reason = " ".join(str(error).split())[:300] or type(error).__name__
        also = f"; {allowed}" if allowed else ""
        raise LayerError(f"{short(where)} can't be read: {reason}{also}") from error


def check_wkb(geometries: Iterable[bytes | None], where: object) -> None:
    """Refuse geometries in binary form that are nested deeper than any map's, before GEOS sees them.

    Raises
    ------
    LayerError
        The row is named.
    """
    for row, raw in enumerate(geometries, start=1):  # only those of several parts are looked into
        if raw is not None and len(raw) >= 9 and _kind(raw, 0) in (COLLECTION, *MULTI) and _depth(raw) > DEEPEST:
            raise LayerError(
                f"{short(where)} can't be read: the geometry of row {row} is nested deeper than {DEEPEST} times"
            )


def check_wkt(geometries: Iterable[str | None], where: object) -> None:
    """Refuse geometries in words that are nested deeper than any map's; see `check_wkb`."""
    for row, text in enumerate(geometries, start=1):  # only collections are looked into
        if text is not None and "collection" in text.lower():
            letters = np.frombuffer(text.encode("utf-32-le", "replace"), np.uint32)
            deep = np.cumsum((letters == ord("(")).astype(int) - (letters == ord(")")).astype(int)).max()
            if deep > DEEPEST:
                raise LayerError(
                    f"{short(where)} can't be read: the geometry of row {row} is nested deeper than {DEEPEST} times"
                )


def _kind(raw: bytes, at: int) -> int:
    """Return the type of the geometry at a byte, whatever its dimensions."""
    code = int(struct.unpack_from("<I" if raw[at] == 1 else ">I", raw, at + 1)[0])
    return (code & 0x0FFFFFFF) % 1000


def _depth(raw: bytes) -> int:
    """Return how often collections hold collections at least, by heads that follow each other.

    Nesting has no other form.

    A head within numbers may be counted too, which only a geometry of thousands of them would make too deep.
    """
    heads = sum(raw.count(struct.pack(mark, sign, code)) for mark, sign in (("<BI", 1), (">BI", 0)) for code in _CODES)
    if heads <= DEEPEST:
        return heads
    deepest = at = 0
    while at + 9 <= len(raw) and raw[at] in (0, 1) and _kind(raw, at) in (COLLECTION, *MULTI):
        at += 9 + (4 if raw[at] == 1 and raw[at + 4] & 0x20 else 0)
        deepest += 1
    # A chain may begin behind other parts: so many heads in one geometry are no map's.
    return deepest if heads < MOST_HEADS else heads


MOST_HEADS = 1000
_CODES = (7, 1007, 2007, 3007, 4, 5, 6)
