"""One or several PBF files read as a stream into the nodes and ways of an area, each object once."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import numpy as np
import shapely

from layers.errors import LayerError
from layers.osm.barriers import CLOSING_KEYS
from layers.osm.classes import READ_AS
from layers.sources.pbf.across import cells_of, tie_across
from layers.sources.pbf.blocks import DENSE, KNOWN_FEATURES, NODES, SORTED, WAYS, fields, read_blobs, read_block
from layers.sources.pbf.objects import (
    E7,
    Area,
    Growing,
    Nodes,
    Tagged,
    Ways,
    closing_tags,
    each_once,
    no_ways,
    read_nodes,
    read_ways,
    tagged_nodes,
    way_places,
)
from layers.sources.pbf.other import as_pbf
from layers.sources.pbf.relations import Relations, located, relations_of
from layers.sources.pbf.ties import ends_of, only_ways, ties
from layers.sources.pbf.words import Words, wanted_pairs

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from layers.sources.pbf.blocks import Block

Wanted = dict[bytes, tuple[bytes, ...]]
LOCATED = "LocationsOnWays"
ACCESS = tuple(key.encode() for key in CLOSING_KEYS)
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
    path = as_pbf(path)
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
    barriers: list[Tagged]
    """Nodes that may close a road; those of other lines are among them."""
    counts: Counter[str] = field(default_factory=Counter)
    tied: frozenset[int] = frozenset()
    """Ids of the ways of lower classes that tie a ferry or a post to the roads."""
    relations: Relations = field(default_factory=Relations)


def collect(
    paths: Sequence[Path],
    area: shapely.Geometry | None,
    keys: Sequence[bytes],
    lines: Wanted,
    points: Wanted,
    *,
    lower: Sequence[bytes] = (),
    posts: NDArray[np.float64] | None = None,
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
    lower
        Classes of ``highway`` whose ways are kept where they tie a ferry or a post to the roads of `lines`.
    posts
        Longitude and latitude of further posts, shape (n, 2).
    """
    if not paths:
        raise LayerError("no PBF is given: allowed are one or several files")
    headers = {path: read_header(path) for path in map(as_pbf, paths)}
    # sorted() is stable: files of one timestamp count in the order in which they were given.
    newest_first = sorted(headers, key=lambda path: headers[path]["timestamp"], reverse=True)
    words = Words(keys)
    within = Area(area) if area is not None else None
    relations = relations_of(newest_first, {p: headers[p]["sorted"] for p in newest_first}, points, words)
    files = [_File(path, headers[path], within, words, lines, points, relations) for path in newest_first]
    for file in files:
        file.lower, file.posts = tuple(lower), posts
    parts, tied = [file.read() for file in files], frozenset[int]()
    if len(parts) == 1:
        nodes, ways, places = parts[0]
    else:
        nodes = Nodes.of(*(np.concatenate([getattr(p[0], name) for p in parts]) for name in ("ids", "lon", "lat")))
        ways = each_once([p[1] for p in parts], words)
        places = [place for p in parts for place in p[2]]
        if lower:
            nodes, ways, tied = tie_across(nodes, ways, files, words, relations.ferries)
    places += located(relations.posts, ways, nodes, words.counts)
    once = {(place.kind, place.osm_id): place for place in reversed(places)}
    ordered = [once[k] for k in sorted(once)]
    words.counts.update(READ_AS + text for place in ordered for text in place.read_as)
    words.counts["objects_in_several_files"] += (
        len(places) - len(once) + sum(len(p[1].ids) for p in parts) - len(ways.ids)
    )
    barriers = {node.osm_id: node for file in reversed(files) for node in file.barriers}
    return Collected(
        nodes,
        ways,
        words,
        ordered,
        [barriers[i] for i in sorted(barriers)],
        words.counts,
        frozenset((*tied, *(i for file in files for i in file.tied))),
        relations,
    )


class _NotInOrderError(Exception):
    """A file that says it is sorted has a node behind a way."""


class _File:
    """One pass (or two, where the file is not sorted) over one file."""

    def __init__(
        self,
        path: Path,
        header: Mapping[str, Any],
        area: Area | None,
        words: Words,
        lines: Wanted,
        points: Wanted,
        relations: Relations,
    ) -> None:
        self.path, self.header, self.area, self.words, self.lines = path, header, area, words, lines
        self.points, self.ferries, self.further = points, relations.ferries, relations.ways
        self.located = LOCATED in header["features"]
        self.lower: tuple[bytes, ...] = ()
        self.posts: NDArray[np.float64] | None = None
        self.strange = True  # classes that nobody knows are read, to be named with their kilometres
        self.tied: list[int] = []
        self.cells: NDArray[np.int64] = np.zeros(0, np.int64)
        self._begin()

    def _begin(self) -> None:
        """Hold nothing yet."""
        self.columns = [Growing(dtype) for dtype in NODE_TYPES]
        self.ways: list[Ways] = []
        self.places: list[Tagged] = []
        self.barriers: list[Tagged] = []
        self.nodes = Nodes.of(np.zeros(0, np.int64), np.zeros(0, np.int32), np.zeros(0, np.int32))

    def read(self) -> tuple[Nodes, Ways, list[Tagged]]:
        """Return the file's nodes, ways and places."""
        try:
            if not self.header["sorted"]:
                raise _NotInOrderError
            before = Counter(self.words.counts)
            self._pass(nodes=True, ways=True)
        except _NotInOrderError:
            if self.header["sorted"]:
                self._begin()
                self.words.counts.clear()
                self.words.counts.update(before)
            self._pass(nodes=True, ways=False)
            self._pass(nodes=False, ways=True)
        self._close_nodes()
        ways = each_once(self.ways or [no_ways()], self.words)
        if self.lower:
            ways = self._with_ties(ways)
        self._locate()
        self.cells = cells_of(self.nodes)
        self.nodes = self.nodes.only(ways.refs)
        return self.nodes, ways, self.places

    def lower_ways(self) -> tuple[Nodes, Ways]:
        """Return the ways of lower classes and their nodes, by reading the file again."""
        before = Counter(self.words.counts)
        self._begin()
        self.lines, self.points, self.further = {b"highway": self.lower}, {}, np.zeros(0, np.int64)
        self.strange = False
        self._pass(nodes=True, ways=False)
        self._pass(nodes=False, ways=True)
        self._close_nodes()
        self.words.counts.clear()
        self.words.counts.update(before)
        ways = each_once(self.ways or [no_ways()], self.words)
        return self.nodes.only(ways.refs), ways

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
                            raise _NotInOrderError
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

    def _with_ties(self, ways: Ways) -> Ways:
        """Return the ways, and those of lower classes that tie ferries and posts to them.

        A second pass over ways, where one is loose.
        """
        ends = ends_of(ways, self.words, self.lower, self.places, self.posts, self.nodes, self.ferries)
        if not ends.any:
            return ways
        kept, self.ways = self.ways, []
        queried, places = (self.lines, self.points, self.further), len(self.places)
        self.lines, self.points, self.further = {b"highway": self.lower}, {}, np.zeros(0, np.int64)
        self.strange = False
        self._pass(nodes=False, ways=True)
        lower = each_once(self.ways or [no_ways()], self.words)
        self.lines, self.points, self.further = queried
        self.ways, self.places = kept, self.places[:places]
        self._close_nodes()
        rows = ties(ends, lower, self.words, self.nodes)
        self.tied = lower.ids[rows].tolist()
        return each_once([ways, only_ways(lower, rows)], self.words)

    def _nodes(self, block: Block, what: int, at: NDArray[np.int64], end: NDArray[np.int64]) -> None:
        """Keep a group's nodes that lie in the area."""
        index = block.index() if len(block.strings) > 1 else {}
        may_close = b"barrier" in index or any(k in index for k in ACCESS)
        with_tags = may_close or any(k in index for k in self.points)
        ids, lon, lat, tags = read_nodes(block, what, at, end, with_tags=with_tags)
        wanted = wanted_pairs(block, index, self.points, tags[1], tags[2])
        keep = (np.abs(lon) <= 180 * E7) & (np.abs(lat) <= 90 * E7)
        self.words.counts["nodes_out_of_range"] += int(len(keep) - keep.sum())
        if self.area is not None:
            keep &= self.area.holds(lon, lat)
        places = (ids, lon, lat)
        if len(wanted):
            hit = np.isin(tags[1] * len(block.strings) + tags[2], wanted)
            self.places += tagged_nodes(block, tags, hit, places, keep, self.words, self.points)
        if may_close:
            hit = closing_tags(block, index, tags)
            self.barriers += tagged_nodes(block, tags, hit, places, keep, self.words)
        all_of_them = bool(keep.all())
        for column, values in zip(self.columns, (ids, lon, lat), strict=True):
            column.add(values if all_of_them else values[keep])

    def _close_nodes(self) -> None:
        """Put the nodes that were read in the order of their ids."""
        if self.columns[0].size:
            taken = [column.take() for column in self.columns]
            if len(self.nodes.ids):
                taken = [
                    np.concatenate([getattr(self.nodes, name), column])
                    for name, column in zip(("ids", "lon", "lat"), taken, strict=True)
                ]
            self.nodes = Nodes.of(*taken)

    def _ways(self, block: Block, at: NDArray[np.int64], end: NDArray[np.int64]) -> None:
        """Keep a group's wanted ways that have a node in the area."""
        index = block.index()
        if not any(k in index for k in (*self.lines, *self.points)) and not len(self.further):
            return
        ways, places = read_ways(
            block, at, end, index, self.lines, self.points, self.words, self.further, strange=self.strange
        )
        self.places += places
        if self.located:
            ways = self._with_places(block, at, end, ways)
        elif self.area is not None and len(ways.ids):
            ways = _touching(ways, self.nodes.find(ways.refs) >= 0)
        self.ways.append(ways)

    def _with_places(self, block: Block, at: NDArray[np.int64], end: NDArray[np.int64], ways: Ways) -> Ways:
        """Keep the nodes that a group's ways bring with them, and return the ways that have one in the area."""
        ids, lon, lat = way_places(block, at, end)
        # A node that the file lacks has a place beyond the earth.
        keep = (np.abs(lon) <= 180 * E7) & (np.abs(lat) <= 90 * E7)
        if self.area is not None:
            keep &= self.area.holds(lon, lat)
        needed = [ways.refs, *(p.refs for p in self.places if p.refs is not None)]
        keep &= np.isin(ids, np.concatenate(needed))
        _, first = np.unique(ids[keep], return_index=True)
        for column, values in zip(self.columns, (ids, lon, lat), strict=True):
            column.add(values[keep][first])
        return _touching(ways, np.isin(ways.refs, ids[keep])) if len(ways.ids) else ways

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


def _touching(ways: Ways, known: NDArray[np.bool_]) -> Ways:
    """Return the ways that have at least one known node."""
    owner = np.repeat(np.arange(len(ways.ids)), ways.counts)
    keep = np.bincount(owner, known, minlength=len(ways.ids)) > 0
    return ways if keep.all() else only_ways(ways, keep)
