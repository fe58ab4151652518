"""Nodes and ways out of the blocks of a PBF: only those of the area, only the tags that a layer is made of."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import shapely

from layers.osm.barriers import CLOSING_KEYS, PLAIN_WORDS, closes
from layers.osm.classes import plain_tags
from layers.sources.pbf.blocks import DENSE, Block, packed, ranges, running, side_by_side, varints, zigzag
from layers.sources.pbf.words import texts_of, wanted_pairs

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from layers.sources.pbf.words import Wanted, Words

E7 = 10_000_000
GRID = 256
GROWN_FROM = 100_000
FIND_AT_ONCE = 1_000_000


class Area:
    """A polygon that asks most nodes only for their cell: inside, outside, or to be looked at."""

    def __init__(self, polygon: shapely.Geometry) -> None:
        self.polygon = polygon
        shapely.prepare(polygon)
        west, south, east, north = shapely.bounds(polygon)
        self.corner = (west, south)
        self.bounds = (int(west * E7) - 1, int(south * E7) - 1, int(east * E7) + 1, int(north * E7) + 1)
        self.step = (max((east - west) / GRID, 1e-9), max((north - south) / GRID, 1e-9))
        x = west + self.step[0] * np.arange(GRID)
        y = south + self.step[1] * np.arange(GRID)
        left, low = (c.ravel() for c in np.meshgrid(x, y))
        # Rounding may put a point on a cell's edge into its neighbour: cells are asked a little larger than they are.
        dx, dy = self.step[0] * 1e-6, self.step[1] * 1e-6
        cells = shapely.box(left - dx, low - dy, left + self.step[0] + dx, low + self.step[1] + dy)
        self.state = np.where(
            shapely.contains_properly(polygon, cells), 1, np.where(shapely.intersects(polygon, cells), 2, 0)
        )

    def holds(self, lon: NDArray[np.int64], lat: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Return which points (1e-7 degrees) lie in the polygon or on its edge."""
        west, south, east, north = self.bounds
        out = (lon >= west) & (lon <= east) & (lat >= south) & (lat <= north)
        rows = np.flatnonzero(out)
        if not len(rows):
            return out
        x, y = lon[rows] / E7, lat[rows] / E7
        column = np.clip((x - self.corner[0]) / self.step[0], 0, GRID - 1).astype(np.int64)
        row = np.clip((y - self.corner[1]) / self.step[1], 0, GRID - 1).astype(np.int64)
        state = self.state[row * GRID + column]
        out[rows] = state > 0
        look = np.flatnonzero(state == 2)
        out[rows[look]] = shapely.intersects_xy(self.polygon, x[look], y[look])
        return np.asarray(out, bool)


class Growing:
    """A column that grows in place: no second copy of it is ever held, as joining a list of its pieces would."""

    def __init__(self, dtype: type[np.generic]) -> None:
        self.values = np.empty(GROWN_FROM, dtype)
        self.size = 0

    def add(self, values: NDArray[Any]) -> None:
        """Put values behind those that are there."""
        need = self.size + len(values)
        if need > len(self.values):
            # What is not yet written takes no memory.
            self.values.resize(max(need, len(self.values) * 5 // 4), refcheck=False)
        self.values[self.size : need] = values
        self.size = need

    def take(self) -> NDArray[Any]:
        """Return the column, which is empty after."""
        values, size = self.values, self.size
        self.values, self.size = np.empty(0, values.dtype), 0
        values.resize(size, refcheck=False)
        return values


@dataclass
class Nodes:
    """Nodes in the order of their ids, coordinates in 1e-7 degrees."""

    ids: NDArray[np.int64]
    lon: NDArray[np.int32]
    lat: NDArray[np.int32]

    @classmethod
    def of(cls, ids: NDArray[np.int64], lon: NDArray[np.int32], lat: NDArray[np.int32]) -> Nodes:
        """Return nodes sorted by id; of several with one id the first."""
        if len(ids) > 1 and not np.all(ids[1:] > ids[:-1]):
            ids, first = np.unique(ids, return_index=True)
            lon, lat = lon[first], lat[first]
        return cls(ids, lon, lat)

    def find(self, refs: NDArray[np.int64]) -> NDArray[np.int32]:
        """Return each id's position, −1 where it is unknown."""
        out = np.full(len(refs), -1, np.int32)
        if not len(self.ids):
            return out
        for begin in range(0, len(refs), FIND_AT_ONCE):  # bounds the memory of 64-bit positions
            some = refs[begin : begin + FIND_AT_ONCE]
            at = np.searchsorted(self.ids, some)
            at[at == len(self.ids)] = 0
            out[begin : begin + FIND_AT_ONCE] = np.where(self.ids[at] == some, at, -1)
        return out

    def only(self, refs: NDArray[np.int64]) -> Nodes:
        """Return the nodes that `refs` name."""
        at = self.find(refs)
        used = np.zeros(len(self.ids), bool)
        used[at[at >= 0]] = True
        return Nodes(self.ids[used], self.lon[used], self.lat[used])


@dataclass
class Tagged:
    """One object with all its tags: a node or relation with its place, or a way with its references."""

    osm_id: int
    tags: dict[str, str]
    lon: float = float("nan")
    lat: float = float("nan")
    refs: NDArray[np.int64] | None = None
    kind: str = "node"
    read_as: tuple[str, ...] = ()
    """What was read of a list or another spelling, see `layers.osm.classes.plain_tags`."""


@dataclass
class Ways:
    """Ways with flat references: `counts` of them each, and codes of the wanted keys (−1: no such tag)."""

    ids: NDArray[np.int64]
    refs: NDArray[np.int64]
    counts: NDArray[np.int64]
    codes: dict[bytes, NDArray[np.int32]]


def _placed(osm_id: int, tags: dict[str, str], wanted: Wanted, **where: Any) -> Tagged:
    """Return an object with the wanted values of its tags in the place of lists and other spellings."""
    named = {k.decode(): tuple(v.decode() for v in values) for k, values in wanted.items()}
    plain, read_as = plain_tags(tags, named)
    return Tagged(osm_id, plain, read_as=read_as, **where)


def read_nodes(
    block: Block, kind: int, at: NDArray[np.int64], end: NDArray[np.int64], *, with_tags: bool
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64], tuple[NDArray[np.int64], ...]]:
    """Return ids, longitudes and latitudes (1e-7 degrees) of a group of nodes, and its tags (owner, key, value)."""
    raw = block.raw
    none = np.zeros(0, np.int64)
    tags: tuple[NDArray[np.int64], ...] = (none, none, none)
    if kind == DENSE:
        parts = side_by_side(raw, at, end, (1, 8, 9, 10))
        columns = []
        for number in (1, 8, 9):
            value, count = packed(raw, *parts[number])
            columns.append(running(zigzag(value), count))
        if with_tags:
            tags = _dense_tags(varints(raw[parts[10][0][0] : parts[10][1][0]])) if len(at) == 1 else tags
    else:
        parts = side_by_side(raw, at, end, (1, 2, 3, 8, 9))
        columns = [zigzag(parts[number][0]) for number in (1, 8, 9)]
        if with_tags:
            keys, count = packed(raw, *parts[2])
            values, _ = packed(raw, *parts[3])
            tags = (np.repeat(np.arange(len(at)), count), keys, values)
    if len({len(c) for c in columns}) > 1:
        raise IndexError("nodes without a place")
    lon, lat = block.degrees_e7(columns[2], columns[1])
    return columns[0], lon, lat, tags


def _dense_tags(flat: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Return owner, key and value of dense nodes' tags: pairs, with a 0 behind each node's."""
    is_end = flat == 0
    owner = np.cumsum(is_end)[~is_end]
    pairs = flat[~is_end]
    if len(pairs) % 2:
        raise IndexError("a key without a value")
    return owner[::2], pairs[::2], pairs[1::2]


def tagged_nodes(
    block: Block,
    tags: tuple[NDArray[np.int64], ...],
    wanted: NDArray[np.bool_],
    places: tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]],
    keep: NDArray[np.bool_],
    words: Words,
    points: Wanted | None = None,
) -> list[Tagged]:
    """Return the nodes that are kept and have a `wanted` tag: few, so that a loop over them costs nothing.

    Parameters
    ----------
    wanted, keep
        Per tag, and per node.
    places
        Ids, longitudes and latitudes of the nodes.
    points
        Values that are put in the place of lists and other spellings.
    """
    owner, key, value = tags
    ids, lon, lat = places
    chosen = np.unique(owner[wanted])
    chosen = chosen[keep[chosen]]
    begin, stop = np.searchsorted(owner, chosen), np.searchsorted(owner, chosen, side="right")
    return [
        _placed(
            int(ids[i]), texts_of(block, key[a:b], value[a:b], words), points or {}, lon=lon[i] / E7, lat=lat[i] / E7
        )
        for i, a, b in zip(chosen, begin, stop, strict=True)
    ]


def closing_tags(block: Block, index: Mapping[bytes, int], tags: tuple[NDArray[np.int64], ...]) -> NDArray[np.bool_]:
    """Return which tags of nodes may close a road.

    Barriers that close by themselves, and access that is not plainly open.
    """
    _, key, value = tags
    barrier = key == index.get(b"barrier", -1)
    # Of the values of a block few are different ones.
    closing = [v for v in np.unique(value[barrier]).tolist() if closes(block.text(v).decode("utf-8", "replace"))]
    keys = [index[k.encode()] for k in CLOSING_KEYS if k.encode() in index]
    plain = [index[w.encode()] for w in PLAIN_WORDS if w.encode() in index]
    locked = key == index.get(b"locked", -1)
    return np.asarray(
        (barrier & np.isin(value, closing)) | (np.isin(key, keys) & ~np.isin(value, plain)) | locked, bool
    )


def way_places(block: Block, at: NDArray[np.int64], end: NDArray[np.int64]) -> tuple[NDArray[np.int64], ...]:
    """Return ids, longitudes and latitudes (1e-7 degrees) of references of ways that hold their nodes' locations."""
    parts = side_by_side(block.raw, at, end, (8, 9, 10))
    columns = []
    for number in (8, 9, 10):
        value, count = packed(block.raw, *parts[number])
        columns.append(running(zigzag(value), count))
    if len(columns[1]) != len(columns[0]) or len(columns[2]) != len(columns[0]):
        raise IndexError("ways without the locations that the header promises")
    return columns[0], *block.degrees_e7(columns[2], columns[1])


def read_ways(
    block: Block,
    at: NDArray[np.int64],
    end: NDArray[np.int64],
    index: Mapping[bytes, int],
    lines: Wanted,
    points: Wanted,
    words: Words,
    ids: NDArray[np.int64] | None = None,
    *,
    strange: bool = False,
) -> tuple[Ways, list[Tagged]]:
    """Return a group's ways that carry a tag of `lines` or have one of `ids`, and those that carry one of `points`.

    `strange`: with ways of classes that nobody knows.
    """
    parts = side_by_side(block.raw, at, end, (1, 2, 3, 8))
    key, count = packed(block.raw, *parts[2])
    value, others = packed(block.raw, *parts[3])
    if not np.array_equal(count, others):
        raise IndexError("a key without a value")
    owner = np.repeat(np.arange(len(at)), count)
    pair = key * len(block.strings) + value
    chosen = np.unique(owner[np.isin(pair, wanted_pairs(block, index, lines, key, value, strange=strange))])
    if ids is not None and len(ids):
        chosen = np.union1d(chosen, np.flatnonzero(np.isin(parts[1][0], ids)))
    refs, lengths = packed(block.raw, parts[8][0][chosen], parts[8][1][chosen])
    ways = Ways(
        parts[1][0][chosen],
        running(zigzag(refs), lengths),
        lengths,
        _codes(block, owner, key, value, chosen, index, words),
    )
    out = []
    for i in np.unique(owner[np.isin(pair, wanted_pairs(block, index, points, key, value))]):  # posts and stations: few
        rows = owner == i
        row = slice(i, i + 1)
        refs, lengths = packed(block.raw, parts[8][0][row], parts[8][1][row])
        place = running(zigzag(refs), lengths)
        tags = texts_of(block, key[rows], value[rows], words)
        out.append(_placed(int(parts[1][0][i]), tags, points, refs=place, kind="way"))
    return ways, out


def _codes(
    block: Block,
    owner: NDArray[np.int64],
    key: NDArray[np.int64],
    value: NDArray[np.int64],
    chosen: NDArray[np.int64],
    index: Mapping[bytes, int],
    words: Words,
) -> dict[bytes, NDArray[np.int32]]:
    """Return the codes of the wanted keys of the chosen ways."""
    # A way that is asked for by its id may have no tag at all.
    row = np.full(int(max(owner.max(initial=0), chosen.max(initial=0))) + 1, -1)
    row[chosen] = np.arange(len(chosen))
    of_key = np.full(len(block.strings), -1, np.int16)
    for number, name in enumerate(words.keys):
        if name in index:
            of_key[index[name]] = number
    which = of_key[key]
    rows = np.flatnonzero((which >= 0) & (row[owner] >= 0))
    rows = rows[np.argsort(which[rows], kind="stable")]
    which = which[rows]
    out = {}
    for number in np.unique(which):
        name = words.keys[number]
        found = rows[np.searchsorted(which, number) : np.searchsorted(which, number, side="right")]
        distinct, back = np.unique(value[found], return_inverse=True)
        codes = np.array([words.number(name, block.text(int(v))) for v in distinct], np.int32)
        column = np.full(len(chosen), -1, np.int32)
        column[row[owner[found]]] = codes[back]
        out[name] = column
    return out


def each_once(parts: Sequence[Ways], words: Words) -> Ways:
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


def no_ways() -> Ways:
    """Return no way."""
    none = np.zeros(0, np.int64)
    return Ways(none, none, none, {})
