"""One or several PBF files read as a stream into the nodes and ways of an area, each object once."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import numpy as np
import shapely

from layers.errors import LayerError
from layers.sources.pbf.blocks import DENSE, KNOWN_FEATURES, NODES, SORTED, WAYS, fields, ranges, read_blobs, read_block
from layers.sources.pbf.objects import (
    E7,
    Area,
    Growing,
    Nodes,
    Tagged,
    Ways,
    Words,
    pairs_in,
    read_nodes,
    read_ways,
    tagged_nodes,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from layers.sources.pbf.blocks import Block

Wanted = dict[bytes, tuple[bytes, ...]]
NODE_TYPES = (np.int64, np.int32, np.int32)
"""Of id, longitude and latitude, in 1e-7 degrees."""


def read_header(path: Path) -> dict[str, Any]:
    """Return what a PBF says of itself: ``timestamp`` (of the OSM data), ``bbox``, ``program``, ``features`` and more.

    Parameters
    ----------
    path
        A PBF file; only its first block is read.

    Returns
    -------
    ``timestamp`` in ISO 8601 (UTC) or an empty text, ``bbox`` (west, south, east, north) or None, ``program``,
    ``source``, ``replication_url``, ``features`` (required and optional), ``sorted``.

    Raises
    ------
    LayerError
        No PBF, a damaged one, or one of a kind that can't be read (a history file).
    """
    blobs = read_blobs(path)
    try:
        _, data = next(blobs)
    finally:
        blobs.close()  # type: ignore[attr-defined]  # a generator: its file must not stay open
    out: dict[str, Any] = {"timestamp": "", "bbox": None, "program": "", "source": "", "replication_url": ""}
    names = {16: "program", 17: "source", 34: "replication_url"}
    required, optional = [], []
    try:
        for number, _, a, b in fields(data, 0, len(data)):
            if number == 1:
                west, east, north, south = (_signed(v) / 1e9 for _, _, v, _ in sorted(fields(data, a, b))[:4])
                out["bbox"] = (west, south, east, north)
            elif number == 4:
                required.append(data[a:b].decode())
            elif number == 5:
                optional.append(data[a:b].decode())
            elif number in names:
                out[names[number]] = data[a:b].decode("utf-8", "replace")
            elif number == 32 and a < 1 << 40:
                out["timestamp"] = datetime.fromtimestamp(a, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    except (IndexError, ValueError):
        raise LayerError(f"{path} is damaged: its header can't be read; download it again") from None
    strange = sorted(set(required) - KNOWN_FEATURES)
    if strange:
        raise LayerError(
            f"{path} needs {', '.join(strange)}: allowed are files with {', '.join(sorted(KNOWN_FEATURES))}"
        )
    out["features"] = tuple(required + optional)
    out["sorted"] = SORTED in optional
    return out


def _signed(value: int) -> int:
    """Return a zigzag number."""
    return (value >> 1) ^ -(value & 1)


@dataclass
class Collected:
    """What was kept of all files: nodes that a kept way uses, ways, objects with all their tags, and counts."""

    nodes: Nodes
    ways: Ways
    words: Words
    points: list[Tagged]
    counts: Counter[str] = field(default_factory=Counter)


def collect(
    paths: Sequence[Path], area: shapely.Geometry | None, keys: Sequence[bytes], lines: Wanted, points: Wanted
) -> Collected:
    """Return the wanted objects of an area out of several files.

    Parameters
    ----------
    paths
        PBF files. Of an object that stands in several, the one in the file with the newest timestamp counts.
    area
        In longitude and latitude; None for all of the files. Nodes outside are not kept, so ways end at its edge.
    keys
        Keys of ways that become columns.
    lines, points
        Tags that make a way a line, or a node or way a place.
    """
    if not paths:
        raise LayerError("no PBF is given: allowed are one or several files")
    headers = {path: read_header(path) for path in paths}
    # sorted() is stable: files of one timestamp count in the order in which they were given.
    newest_first = sorted(headers, key=lambda path: headers[path]["timestamp"], reverse=True)
    words = Words(keys)
    within = Area(area) if area is not None else None
    parts = [_File(path, within, words, lines, points).read(headers[path]["sorted"]) for path in newest_first]
    if len(parts) == 1:
        nodes, ways, places = parts[0]
    else:
        nodes = Nodes.of(*(np.concatenate([getattr(p[0], name) for p in parts]) for name in ("ids", "lon", "lat")))
        ways = _each_once([p[1] for p in parts], words)
        places = [place for p in parts for place in p[2]]
    once = {(place.refs is None, place.osm_id): place for place in reversed(places)}
    ordered = [once[k] for k in sorted(once)]
    words.counts["objects_in_several_files"] += (
        len(places) - len(once) + sum(len(p[1].ids) for p in parts) - len(ways.ids)
    )
    return Collected(nodes, ways, words, ordered, words.counts)


def _each_once(parts: Sequence[Ways], words: Words) -> Ways:
    """Return the ways of several parts, of each id the first."""
    ids = np.concatenate([p.ids for p in parts])
    counts = np.concatenate([p.counts for p in parts])
    refs = np.concatenate([p.refs for p in parts])
    # Of the forty keys that are asked for, most files have a few.
    present = [key for key in words.keys if any(key in p.codes for p in parts)]
    codes = {
        key: np.concatenate([p.codes.get(key, np.full(len(p.ids), -1, np.int32)) for p in parts]) for key in present
    }
    unique, first = np.unique(ids, return_index=True)
    if len(unique) == len(ids) and np.array_equal(unique, ids):
        return Ways(ids, refs, counts, codes)
    stop = np.cumsum(counts)
    taken = refs[ranges((stop - counts)[first], stop[first])]
    return Ways(unique, taken, counts[first], {k: c[first] for k, c in codes.items()})


class _File:
    """One pass (or two, where the file is not sorted) over one file."""

    def __init__(self, path: Path, area: Area | None, words: Words, lines: Wanted, points: Wanted) -> None:
        self.path, self.area, self.words, self.lines, self.points = path, area, words, lines, points
        self.columns = [Growing(dtype) for dtype in NODE_TYPES]
        self.ways: list[Ways] = []
        self.places: list[Tagged] = []
        self.nodes = Nodes.of(np.zeros(0, np.int64), np.zeros(0, np.int32), np.zeros(0, np.int32))

    def read(self, in_order: bool) -> tuple[Nodes, Ways, list[Tagged]]:
        """Return the file's nodes, ways and places."""
        if in_order:
            self._pass(nodes=True, ways=True)
        else:
            self._pass(nodes=True, ways=False)
            self._pass(nodes=False, ways=True)
        self._close_nodes()
        ways = _each_once(self.ways or [_no_ways()], self.words)
        self._locate()
        self.nodes = self.nodes.only(ways.refs)
        return self.nodes, ways, self.places

    def _pass(self, *, nodes: bool, ways: bool) -> None:
        """Go through the file once."""
        seen_ways = False
        for number, (kind, data) in enumerate(read_blobs(self.path)):
            if kind != "OSMData":
                continue
            try:
                block = read_block(data)
                for what, at, end in block.groups:
                    if what in (NODES, DENSE) and nodes:
                        if seen_ways:
                            raise LayerError(f"{self.path} says that it is sorted and is not: osmium sort mends it")
                        self._nodes(block, what, at, end)
                    elif what == WAYS and ways:
                        if not seen_ways:
                            self._close_nodes()
                        seen_ways = True
                        self._ways(block, at, end)
            except (IndexError, ValueError, OverflowError) as error:
                if isinstance(error, LayerError):
                    raise
                raise LayerError(
                    f"{self.path} is damaged: block {number} can't be read ({error}); download it again"
                ) from None

    def _nodes(self, block: Block, what: int, at: NDArray[np.int64], end: NDArray[np.int64]) -> None:
        """Keep a group's nodes that lie in the area."""
        index = block.index() if len(block.strings) > 1 else {}
        wanted = pairs_in(index, self.points, len(block.strings))
        ids, lon, lat, tags = read_nodes(block, what, at, end, with_tags=bool(len(wanted)))
        keep = (np.abs(lon) <= 180 * E7) & (np.abs(lat) <= 90 * E7)
        self.words.counts["nodes_out_of_range"] += int(len(keep) - keep.sum())
        if self.area is not None:
            keep &= self.area.holds(lon, lat)
        if len(wanted):
            self.places += tagged_nodes(block, tags, wanted, ids, lon, lat, keep, self.words)
        all_of_them = bool(keep.all())
        for column, values in zip(self.columns, (ids, lon, lat), strict=True):
            column.add(values if all_of_them else values[keep])

    def _close_nodes(self) -> None:
        """Put the nodes that were read in the order of their ids."""
        if self.columns[0].size:
            self.nodes = Nodes.of(*(column.take() for column in self.columns))

    def _ways(self, block: Block, at: NDArray[np.int64], end: NDArray[np.int64]) -> None:
        """Keep a group's wanted ways that have a node in the area."""
        index = block.index()
        size = len(block.strings)
        lines, points = (pairs_in(index, wanted, size) for wanted in (self.lines, self.points))
        if not len(lines) and not len(points):
            return
        ways, places = read_ways(block, at, end, index, lines, points, self.words)
        self.places += places
        if self.area is not None and len(ways.ids):
            ways = _touching(ways, self.nodes.find(ways.refs) >= 0)
        self.ways.append(ways)

    def _locate(self) -> None:
        """Give the places that are ways the middle of their nodes: the centroid of an area, the mean of a line."""
        located = []
        for place in self.places:  # posts and stations: few
            if place.refs is not None:
                at = self.nodes.find(place.refs)
                xy = np.column_stack([self.nodes.lon[at[at >= 0]], self.nodes.lat[at[at >= 0]]]) / E7
                if not len(xy):
                    self.words.counts["places_outside"] += 1
                    continue
                ring = len(xy) > 3 and at[0] == at[-1] and bool(np.all(at >= 0))
                middle = shapely.Polygon(xy).centroid if ring else shapely.Point(*np.unique(xy, axis=0).mean(0))
                place.lon, place.lat = (middle.x, middle.y)
            located.append(place)
        self.places = located


def _no_ways() -> Ways:
    """Return no way."""
    none = np.zeros(0, np.int64)
    return Ways(none, none, none, {})


def _touching(ways: Ways, known: NDArray[np.bool_]) -> Ways:
    """Return the ways that have at least one known node."""
    owner = np.repeat(np.arange(len(ways.ids)), ways.counts)
    keep = np.bincount(owner, known, minlength=len(ways.ids)) > 0
    if keep.all():
        return ways
    codes: Mapping[bytes, NDArray[np.int32]] = {k: c[keep] for k, c in ways.codes.items()}
    return Ways(ways.ids[keep], ways.refs[keep[owner]], ways.counts[keep], dict(codes))
