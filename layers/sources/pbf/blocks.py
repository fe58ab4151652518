"""OpenStreetMap's PBF file format, decoded block by block into numpy columns.

The objects of a block are read side by side: all their first fields, all their second fields and so on, so that
Python loops over blocks (8,000 objects) and over the bytes that part messages, never over nodes, references or tags.
Format: https://wiki.openstreetmap.org/wiki/PBF_Format
"""

from __future__ import annotations

import zlib
from bisect import bisect_left
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from layers.errors import LayerError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

LARGEST_HEADER, LARGEST_BLOB = 64 * 1024, 32 * 1024 * 1024
KNOWN_FEATURES = frozenset({"OsmSchema-V0.6", "DenseNodes", "LocationsOnWays"})
SORTED = "Sort.Type_then_ID"
NODES, DENSE, WAYS, RELATIONS = 1, 2, 3, 4
_VARINT, _BYTES = 0, 2


def read_blobs(path: Path, begin: int = 0) -> Iterator[tuple[str, bytes]]:
    """Yield kind (``OSMHeader`` or ``OSMData``) and unpacked content of every block of a file, or from a byte on.

    Raises
    ------
    LayerError
        The file is missing, empty, no PBF or cut off.
    """
    for at, kind, data in _blobs(path, begin):
        yield kind, _unpacked(path, at, data)


def block_starts(path: Path) -> list[int]:
    """Return the byte at which each block begins, the header's first, and where the last one ends; nothing is unpacked.

    Raises
    ------
    LayerError
        The file is no PBF or its last block is cut off.
    """
    return [*(at for at, _, _ in _blobs(path)), path.stat().st_size]


def first_with(path: Path, starts: Sequence[int], kind: int) -> int:
    """Return the first block of a sorted file that holds a group of `kind` or of a later one: a dozen are unpacked."""

    def reaches(number: int) -> bool:
        for what, data in read_blobs(path, starts[number]):
            kinds = [group for group, _, _ in read_block(data, texts=False).groups] if what == "OSMData" else []
            if kinds:
                return max(kinds) >= kind
        return True

    try:
        return bisect_left(range(len(starts) - 1), True, lo=1, key=reaches)
    except (IndexError, ValueError) as error:
        raise error if isinstance(error, LayerError) else _broken(path, 0, f"a block can't be read ({error})") from None


def _blobs(path: Path, begin: int = 0) -> Iterator[tuple[int, str, bytes]]:
    """Yield place, kind and packed content of every block of a file, or from a byte on."""
    if not path.is_file():
        raise LayerError(f"no such file: {path}")
    with path.open("rb") as file:
        first = not begin
        file.seek(begin)
        while True:
            at = file.tell()
            size = file.read(4)
            if not size and not first:
                return
            length = int.from_bytes(size, "big")
            if first:
                _check_start(path, size + file.peek(64)[:64], length)
            if len(size) < 4 or not 0 < length <= LARGEST_HEADER:
                raise _broken(path, at, "a block's header is cut off or no such header")
            head = file.read(length)
            try:
                header = {f: (a, b) for f, _, a, b in fields(head, 0, length)}
                kind = head[slice(*header[1])].decode("ascii")
                datasize = header[3][0]
            except (IndexError, KeyError, UnicodeDecodeError):
                raise _broken(path, at, "a block's header is cut off or no such header") from None
            if first and kind != "OSMHeader":
                raise LayerError(f"{path} is no OpenStreetMap PBF: it begins with {kind!r}, allowed is OSMHeader")
            data = file.read(datasize) if 0 <= datasize <= LARGEST_BLOB else b""
            if len(data) < datasize:
                raise _broken(path, at, f"a block of {datasize:,} bytes has {len(data):,}")
            yield at, kind, data
            first = False


def _check_start(path: Path, start: bytes, length: int) -> None:
    """Raise where the first bytes are not those of a PBF."""
    if not start:
        raise LayerError(f"{path} is empty (0 bytes): allowed is an OpenStreetMap PBF; download it again")
    text = start.lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if text.startswith((b"<!doctype", b"<html", b"<head")):
        raise LayerError(
            f"{path} is a web page (HTML) saved as PBF: allowed is an OpenStreetMap PBF; download it again"
        )
    if text.startswith((b"<?xml", b"<osm")):
        raise LayerError(f"{path} is OpenStreetMap XML: allowed is PBF under this name; call the file *.osm")
    if length > LARGEST_HEADER or b"OSMHeader" not in start:
        raise LayerError(f"{path} is no OpenStreetMap PBF: its first bytes are {start[:12]!r}")


def _broken(path: Path, at: int, what: str) -> LayerError:
    """Return the error of a file that ends or breaks in the middle."""
    return LayerError(f"{path} is truncated or damaged at byte {at:,}: {what}; download it again")


def _unpacked(path: Path, at: int, data: bytes) -> bytes:
    """Return the content of a blob."""
    try:
        parts = {f: (a, b) for f, _, a, b in fields(data, 0, len(data))}
        if 1 in parts:
            return data[slice(*parts[1])]
        if 3 in parts:
            # To the limit and no further: a few bytes can unpack to gigabytes.
            unpacker = zlib.decompressobj()
            out = unpacker.decompress(data[slice(*parts[3])], LARGEST_BLOB)
            if not unpacker.eof:
                raise _broken(path, at, f"a block is cut off, or unpacks to more than {LARGEST_BLOB:,} bytes")
            return out
        for number, name in ((6, "lz4_raw"), (7, "zstd")):
            if number in parts:
                size = parts[2][0]
                if not 0 < size <= LARGEST_BLOB:
                    raise _broken(path, at, f"a block of {size:,} bytes unpacked: allowed are {LARGEST_BLOB:,}")
                return bytes(pa.Codec(name).decompress(data[slice(*parts[number])], size, asbytes=True))
    except (IndexError, KeyError, zlib.error, OSError, pa.ArrowException):
        raise _broken(path, at, "a block can't be unpacked") from None
    raise LayerError(f"{path} is packed with lzma or bzip2: allowed are zlib, lz4 and zstd (osmium cat packs it anew)")


def fields(buf: bytes, at: int, end: int) -> Iterator[tuple[int, int, int, int]]:
    """Yield field number, wire type, and value and 0, or start and end, of each field of one message."""
    while at < end:
        tag = buf[at]
        at += 1
        if tag > 127:
            tag, at = _varint(buf, at - 1)
        value = buf[at]
        at += 1
        if value > 127:
            value, at = _varint(buf, at - 1)
        if tag & 7 == _BYTES:
            if at + value > end:
                raise IndexError("a field reaches beyond its message")
            yield tag >> 3, _BYTES, at, at + value
            at += value
        elif tag & 7 == _VARINT:
            yield tag >> 3, _VARINT, value, 0
        else:
            raise IndexError("a field of a kind that OpenStreetMap does not use")


def _varint(buf: bytes, at: int) -> tuple[int, int]:
    """Return a number and the position behind it."""
    value = shift = 0
    while True:
        byte = buf[at]
        value |= (byte & 127) << shift
        at += 1
        if byte < 128:
            return value, at
        shift += 7
        if shift > 63:
            raise IndexError("a number of more than ten bytes")


def varints(raw: NDArray[np.uint8]) -> NDArray[np.int64]:
    """Return the numbers of a packed field."""
    last = np.flatnonzero(raw < 128)
    if len(last) == len(raw):
        return raw.astype(np.int64)
    if not len(last) or last[-1] != len(raw) - 1:
        raise IndexError("a packed field ends within a number")
    start = np.empty_like(last)
    start[0] = 0
    start[1:] = last[:-1] + 1
    width = last - start
    if int(width.max()) > 9:
        raise IndexError("a number of more than ten bytes")
    value = (raw[start] & 127).astype(np.int64)
    longer = np.flatnonzero(width)
    place = 1
    while len(longer):
        value[longer] |= (raw[start[longer] + place] & 127).astype(np.int64) << np.int64(7 * place)
        place += 1
        longer = longer[width[longer] >= place]
    return value


def zigzag(value: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return signed numbers from the form in which PBF packs them."""
    unsigned = value.view(np.uint64)
    return (unsigned >> np.uint64(1)).view(np.int64) ^ -(value & 1)


def ranges(start: NDArray[np.int64], stop: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the numbers of all ranges one behind the other.

    Examples
    --------
    >>> ranges(np.array([3, 10]), np.array([5, 13])).tolist()
    [3, 4, 10, 11, 12]
    """
    length = stop - start
    total = int(length.sum())
    first = np.cumsum(length) - length
    return np.asarray(np.arange(total) + np.repeat(start - first, length), np.int64)


def packed(
    raw: NDArray[np.uint8], start: NDArray[np.int64], stop: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the numbers of many packed fields one behind the other, and how many each field has."""
    content = raw[ranges(start, stop)]
    reach = np.concatenate([[0], np.cumsum(content < 128)])
    at = np.cumsum(stop - start)
    count = reach[at] - reach[at - (stop - start)]
    return varints(content), count


def running(delta: NDArray[np.int64], count: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return running sums that begin anew with each group of `count` numbers."""
    total = np.cumsum(delta)
    last = np.cumsum(count)
    base = np.concatenate([[0], total])[last - count]
    return np.asarray(total - np.repeat(base, count), np.int64)


def side_by_side(
    raw: NDArray[np.uint8], at: NDArray[np.int64], end: NDArray[np.int64], wanted: Sequence[int]
) -> dict[int, tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """Return start and end (or the number, and 0) of `wanted` fields of many messages, 0 and 0 where one lacks it."""
    out = {f: (np.zeros(len(at), np.int64), np.zeros(len(at), np.int64)) for f in wanted}
    rows = np.flatnonzero(at < end)
    at = at[rows]
    while len(rows):  # as many rounds as the longest message has fields: five or six
        tag, at = _varint_at(raw, at)
        value, at = _varint_at(raw, at)
        wire = tag & 7
        if np.any((wire != _VARINT) & (wire != _BYTES)):
            raise IndexError("a field of a kind that OpenStreetMap does not use")
        longer = wire == _BYTES
        behind = at + np.where(longer, value, 0)
        if np.any((behind > end[rows]) | (longer & (value < 0))):
            raise IndexError("a field reaches beyond its message")
        number = tag >> 3
        for field, (start, stop) in out.items():
            hit = number == field
            start[rows[hit]] = np.where(longer, at, value)[hit]
            stop[rows[hit]] = np.where(longer, behind, 0)[hit]
        more = behind < end[rows]
        rows, at = rows[more], behind[more]
    return out


def first_numbers(raw: NDArray[np.uint8], at: NDArray[np.int64], end: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return field 1 of many messages, a number that stands first in nearly all files."""
    if np.all(raw[at] == 1 << 3):
        return _varint_at(raw, at + 1)[0]
    return side_by_side(raw, at, end, (1,))[1][0]


def _varint_at(raw: NDArray[np.uint8], at: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the numbers that begin at given places, and the places behind them."""
    byte = raw[at]
    value = (byte & 127).astype(np.int64)
    at = at + 1
    rows = np.flatnonzero(byte > 127)
    shift = 7
    while len(rows):
        byte = raw[at[rows]]
        value[rows] |= (byte & 127).astype(np.int64) << np.int64(shift)
        at[rows] += 1
        rows = rows[byte > 127]
        shift += 7
        if shift > 63 and len(rows):
            raise IndexError("a number of more than ten bytes")
    return value, at


@dataclass(frozen=True)
class Block:
    """One block: its bytes, its texts, its groups (kind and where their messages begin and end), and its grid."""

    buf: bytes
    raw: NDArray[np.uint8]
    strings: tuple[tuple[int, int], ...]
    groups: tuple[tuple[int, NDArray[np.int64], NDArray[np.int64]], ...]
    granularity: int
    offset: tuple[int, int]

    def text(self, index: int) -> bytes:
        """Return one text."""
        start, stop = self.strings[index]
        return self.buf[start:stop]

    def index(self) -> dict[bytes, int]:
        """Return the number of every text; the first of equal ones."""
        buf = self.buf
        return {buf[a:b]: i for i, (a, b) in reversed(list(enumerate(self.strings)))}

    def degrees_e7(self, lon: NDArray[np.int64], lat: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return coordinates in units of 1e-7 degrees."""
        if self.granularity == 100 and self.offset == (0, 0):
            return lon, lat
        east, north = self.offset
        return (east + self.granularity * lon) // 100, (north + self.granularity * lat) // 100


def read_block(buf: bytes, *, texts: bool = True) -> Block:
    """Return the parts of one unpacked ``OSMData`` block; without its texts where nobody reads tags."""
    strings: list[tuple[int, int]] = []
    spans: list[tuple[int, int]] = []
    grid = {17: 100, 19: 0, 20: 0}
    for field, _, a, b in fields(buf, 0, len(buf)):
        if field == 1 and texts:
            strings = [(x, y) for _, _, x, y in fields(buf, a, b)]
        elif field == 2:
            spans.append((a, b))
        elif field in grid:
            # Offsets can be negative: two's complement in 64 bits.
            grid[field] = a - (1 << 64) if a >> 63 else a
    groups = []
    for a, b in spans:
        parts = list(fields(buf, a, b))
        for kind in sorted({p[0] for p in parts if p[1] == _BYTES}):
            at = np.array([(x, y) for f, _, x, y in parts if f == kind], np.int64).reshape(-1, 2)
            groups.append((kind, at[:, 0], at[:, 1]))
    raw = np.frombuffer(buf, np.uint8)
    return Block(buf, raw, tuple(strings), tuple(groups), grid[17], (grid[20], grid[19]))
