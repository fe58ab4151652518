"""Small PBF files of nodes, ways and relations, written by pyosmium or, where it refuses, byte by byte."""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

Tags = dict[str, str]
Node = tuple[int, float, float] | tuple[int, float, float, Tags]
Way = tuple[int, list[int], Tags]
Relation = tuple[int, list[tuple[str, int, str]], Tags]


def write_pbf(
    path: Path,
    nodes: Iterable[Node] = (),
    ways: Iterable[Way] = (),
    relations: Iterable[Relation] = (),
    *,
    timestamp: str = "",
    in_order: bool = True,
) -> Path:
    """Write objects; `in_order` False puts the ways before the nodes and says nothing of an order."""
    import osmium

    kind = osmium.osm.mutable
    header = osmium.io.Header()
    header.set("generator", "tests")
    if timestamp:
        header.set("osmosis_replication_timestamp", timestamp)
    if in_order:
        header.set("sorting", "Type_then_ID")
    points = [kind.Node(id=n[0], version=1, location=(n[1], n[2]), tags=n[3] if len(n) > 3 else {}) for n in nodes]
    lines = [kind.Way(id=i, version=1, nodes=refs, tags=tags) for i, refs, tags in ways]
    with osmium.SimpleWriter(str(path), header=header, overwrite=True) as writer:
        if not in_order:
            for line in lines:
                writer.add_way(line)
        for point in points:
            writer.add_node(point)
        if in_order:
            for line in lines:
                writer.add_way(line)
        for i, members, tags in relations:
            writer.add_relation(kind.Relation(id=i, version=1, members=members, tags=tags))
    return path


def number(value: int) -> bytes:
    """Return a protobuf number."""
    out = bytearray()
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    return bytes([*out, value])


def zigzag(value: int) -> int:
    return value << 1 if value >= 0 else (-value << 1) - 1


def part(field: int, content: bytes | int) -> bytes:
    """Return one field of a message."""
    if isinstance(content, int):
        return number(field << 3) + number(content)
    return number(field << 3 | 2) + number(len(content)) + content


def packed(values: Iterable[int], *, signed: bool = False) -> bytes:
    return b"".join(number(zigzag(v) if signed else v) for v in values)


def deltas(values: Sequence[int]) -> list[int]:
    return [b - a for a, b in zip([0, *values[:-1]], values, strict=True)]


def blob(kind: bytes, content: bytes, *, compress: bool = True) -> bytes:
    data = part(2, len(content)) + part(3, zlib.compress(content)) if compress else part(1, content)
    header = part(1, kind) + part(3, len(data))
    return len(header).to_bytes(4, "big") + header + data


def header_blob(features: Sequence[str] = ("OsmSchema-V0.6", "DenseNodes"), optional: Sequence[str] = ()) -> bytes:
    return blob(
        b"OSMHeader", b"".join(part(4, f.encode()) for f in features) + b"".join(part(5, f.encode()) for f in optional)
    )


def block(
    nodes: Sequence[tuple[int, int, int]],
    ways: Sequence[tuple[int, Sequence[int], Mapping[bytes, bytes]]],
    *,
    dense: bool = True,
    granularity: int = 100,
    lat_offset: int = 0,
    compress: bool = True,
) -> bytes:
    """Return one block; coordinates are the raw numbers of the file."""
    strings = [b"", *sorted({t for _, _, tags in ways for kv in tags.items() for t in kv})]
    body = part(1, b"".join(part(1, s) for s in strings))
    if nodes and dense:
        ids, lons, lats = (deltas(c) for c in zip(*nodes, strict=True))
        content = part(1, packed(ids, signed=True)) + part(8, packed(lats, signed=True))
        body += part(2, part(2, content + part(9, packed(lons, signed=True))))
    elif nodes:
        each = [part(1, zigzag(i)) + part(8, zigzag(lat)) + part(9, zigzag(lon)) for i, lon, lat in nodes]
        body += part(2, b"".join(part(1, e) for e in each))
    group = b""
    for i, refs, tags in ways:
        keys = packed(strings.index(k) for k in tags)
        values = packed(strings.index(v) for v in tags.values())
        group += part(
            3, part(1, i) + part(2, keys) + part(3, values) + part(8, packed(deltas(list(refs)), signed=True))
        )
    body += part(2, group) if group else b""
    body += part(17, granularity)
    if lat_offset:
        body += part(19, lat_offset)
    return blob(b"OSMData", body, compress=compress)


def pieces_of(frame: Any) -> list[tuple[int, int, int]]:
    """Return way, u and v of every piece."""
    return [(int(w), int(u), int(v)) for w, u, v in zip(frame["osm_id"], frame["u"], frame["v"], strict=True)]
