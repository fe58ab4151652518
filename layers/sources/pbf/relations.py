"""Relations of a PBF that say something of roads and posts.

Ferries, restrictions of turns, posts as multipolygons, centres of units.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import shapely

from layers.errors import LayerError
from layers.osm.access import CLOSED, access_to
from layers.osm.classes import plain_tags
from layers.osm.limits import VEHICLES
from layers.osm.lines import UNREAD
from layers.osm.turns import is_restriction, of_some_hours, restriction_of
from layers.sources.pbf.blocks import (
    RELATIONS,
    block_starts,
    first_with,
    packed,
    read_blobs,
    read_block,
    running,
    side_by_side,
    zigzag,
)
from layers.sources.pbf.objects import E7, Tagged
from layers.sources.pbf.words import texts_of, wanted_pairs

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from layers.sources.pbf.blocks import Block
    from layers.sources.pbf.objects import Nodes, Ways
    from layers.sources.pbf.words import Words

KINDS = "nwr"
"""Kinds of members, as the format numbers them: node, way, relation."""
CENTRES = ("admin_centre", "admin_center", "capital")
POLYGONS = ("multipolygon", "site", "building")
INNER = "inner"
Member = tuple[str, int, str]


@dataclass(frozen=True)
class Relation:
    """One relation: its tags, and its members as kind (n, w, r), id and role."""

    osm_id: int
    tags: Mapping[str, str]
    members: tuple[Member, ...]


@dataclass
class Relations:
    """What relations say of ferries, turns, posts and centres.

    Ferries' durations, restrictions of turns, and of what level a node is the centre.
    """

    ferries: dict[int, str] = field(default_factory=dict)
    turns: list[Relation] = field(default_factory=list)
    posts: list[Relation] = field(default_factory=list)
    centres: dict[int, int] = field(default_factory=dict)

    @property
    def ways(self) -> NDArray[np.int64]:
        """Ids of the ways that must be read because of a relation."""
        of_posts = (i for post in self.posts for kind, i, role in post.members if kind == "w" and role != INNER)
        return np.array(sorted({*self.ferries, *of_posts}), np.int64)


def relations_of(
    paths: Sequence[Path], in_order: Mapping[Path, bool], points: Mapping[bytes, Sequence[bytes]], words: Words
) -> Relations:
    """Return what the relations of several files say; of one that stands in several, the first file's counts.

    Parameters
    ----------
    in_order
        Whether each file is sorted: the blocks before its relations are then not unpacked.
    points
        Tags that make a relation a place, see `layers.sources.pbf.points.WANTED`.
    """
    found: dict[int, Relation] = {}
    for path in reversed(paths):
        found.update((r.osm_id, r) for r in _read(path, in_order[path], points, words))
    out = Relations()
    for relation in (found[i] for i in sorted(found)):  # of these kinds some thousands in a country
        tags, members = relation.tags, relation.members
        if tags.get("route") == "ferry" and any(access_to(tags, v).level != CLOSED for v in VEHICLES):
            ways = [i for kind, i, _ in members if kind == "w"]
            # Of several ways nobody knows which share of the time each takes.
            out.ferries.update(dict.fromkeys(ways, tags.get("duration", "") if len(ways) == 1 else ""))
        if is_restriction(tags):
            out.turns.append(relation)
        if tags.get("boundary") == "administrative":
            level = int(tags["admin_level"]) if tags.get("admin_level", "").isdecimal() else 0
            for kind, i, role in members:
                if kind == "n" and role in CENTRES and 2 <= level <= 11:
                    out.centres[i] = min(level, out.centres.get(i, level))
        elif tags.get("type") in POLYGONS and any(tags.get(k.decode(), "").encode() in v for k, v in points.items()):
            out.posts.append(relation)
    return out


def _read(path: Path, in_order: bool, points: Mapping[bytes, Sequence[bytes]], words: Words) -> Iterable[Relation]:
    """Yield the relations of a file that may say something."""
    starts = block_starts(path)
    begin = first_with(path, starts, RELATIONS) if in_order else 1
    if begin >= len(starts) - 1:
        return
    for number, (kind, data) in enumerate(read_blobs(path, starts[begin]), begin):
        if kind != "OSMData":
            continue
        try:
            block = read_block(data)
            for what, at, end in block.groups:
                if what == RELATIONS:
                    yield from _of_group(block, at, end, points, words)
        except (IndexError, ValueError, OverflowError) as error:
            if isinstance(error, LayerError):
                raise
            raise LayerError(f"{path} is damaged: block {number} can't be read ({error}); download it again") from None


def _of_group(
    block: Block, at: NDArray[np.int64], end: NDArray[np.int64], points: Mapping[bytes, Sequence[bytes]], words: Words
) -> Iterable[Relation]:
    """Yield the wanted relations of a group."""
    index, size = block.index(), len(block.strings)
    looked_for = {b"route": (b"ferry",), b"type": (b"restriction",), b"boundary": (b"administrative",), **points}
    keys = [i for text, i in index.items() if text.startswith(b"restriction")]
    if not keys and not any(k in index for k in looked_for):
        return
    parts = side_by_side(block.raw, at, end, (1, 2, 3, 8, 9, 10))
    key, count = packed(block.raw, *parts[2])
    value, _ = packed(block.raw, *parts[3])
    owner = np.repeat(np.arange(len(at)), count)
    if len(key) != len(value):
        raise IndexError("a key without a value")
    wanted = wanted_pairs(block, index, looked_for, key, value)
    named = {k.decode(): tuple(v.decode() for v in values) for k, values in looked_for.items()}
    for i in np.unique(owner[np.isin(key * size + value, wanted) | np.isin(key, keys)]):
        rows = owner == i
        row = slice(i, i + 1)
        roles, members, kinds = (packed(block.raw, parts[f][0][row], parts[f][1][row]) for f in (8, 9, 10))
        ids = running(zigzag(members[0]), members[1])
        if not len(roles[0]) == len(ids) == len(kinds[0]):
            raise IndexError("a member without a role")
        written = [block.text(r).decode("utf-8", "replace") for r in roles[0].tolist()]
        each = tuple((KINDS[k], m, r) for k, m, r in zip(kinds[0].tolist(), ids.tolist(), written, strict=True))
        tags, _ = plain_tags(texts_of(block, key[rows], value[rows], words), named)
        yield Relation(int(parts[1][0][i]), tags, each)


def turns_of(
    relations: Iterable[Relation], vehicle: str, counts: Counter[str], roads: pd.DataFrame | None = None
) -> pd.DataFrame:
    """Return the restrictions of turns that hold for a vehicle.

    ``via`` (node), ``from_way``, ``to_way``, ``only``, one row per pair of ways; ``over``, the ways that lie between
    the two, joined by a bar (empty for none), from node ``via`` to node ``via_to``.

    Parameters
    ----------
    roads
        Pieces of roads (``u``, ``v``, ``osm_id``): where ways meet. Without it nothing is followed over a way.
    counts
        Take those that hold at some hours alone (``turns_at_some_hours``), those over ways that do not meet in one node
        (``turns_over_ways``), those without their members, and texts that no rule reads.
    """
    rows, over = [], []
    for relation in relations:  # some thousands in a country
        what, unread = restriction_of(relation.tags, vehicle)
        counts.update(f"{UNREAD}{text}" for text in unread)
        if not what:
            counts["turns_at_some_hours"] += of_some_hours(relation.tags, vehicle)
            continue
        kinds = {
            role: [(k, i) for k, i, r in relation.members if r.strip().casefold() == role]
            for role in ("from", "via", "to")
        }
        ends = {role: [i for k, i in kinds[role] if k == "w"] for role in ("from", "to")}
        through = [i for k, i in kinds["via"] if k == "w"]
        pairs = [(a, b, what == "only", relation.osm_id) for a in ends["from"] for b in ends["to"]]
        if through and pairs and len(kinds["via"]) == len(through):
            over += [(through, *pair) for pair in pairs]
        elif len(kinds["via"]) != 1 or kinds["via"][0][0] != "n" or not pairs:
            counts["turns_without_members"] += 1
        else:
            via = kinds["via"][0][1]
            rows += [(via, *pair, "", via) for pair in pairs]
    rows += _over_ways(over, roads, counts)
    columns = ["via", "from_way", "to_way", "only", "relation", "over", "via_to"]
    return pd.DataFrame(rows, columns=columns).astype({"only": bool})


def _over_ways(
    over: list[tuple[list[int], int, int, bool, int]], roads: pd.DataFrame | None, counts: Counter[str]
) -> list[tuple[int, int, int, bool, int, str, int]]:
    """Return restrictions over ways with the nodes in which these meet the ways before and behind them."""
    wanted = {i for ways, a, b, _, _ in over for i in (*ways, a, b)}
    nodes: dict[int, set[int]] = {i: set() for i in wanted}
    if roads is not None and wanted:
        near = roads[roads["osm_id"].isin(list(wanted))]
        for way, u, v in zip(near["osm_id"], near["u"], near["v"], strict=True):
            nodes[int(way)] |= {int(u), int(v)}
    out = []
    for ways, a, b, only, relation in over:  # tens in a country
        between = set().union(*(nodes[way] for way in ways))
        begin, end = between & nodes[a], between & nodes[b]
        if len(begin) == len(end) == 1 and begin != end:
            out.append((begin.pop(), a, b, only, relation, "|".join(map(str, ways)), end.pop()))
        else:
            counts["turns_over_ways"] += 1
    return out


def located(posts: Iterable[Relation], ways: Ways, nodes: Nodes, counts: Counter[str]) -> list[Tagged]:
    """Return relations as places.

    The middle of the area within their outer ways, or of their nodes where these close no ring.
    """
    stop = np.cumsum(ways.counts)
    out = []
    for post in posts:  # a handful on a border
        ids = [i for kind, i, role in post.members if kind == "w" and role != INNER]
        lines = []
        for row in np.flatnonzero(np.isin(ways.ids, ids)):
            at = nodes.find(ways.refs[stop[row] - ways.counts[row] : stop[row]])
            lines.append(np.column_stack([nodes.lon[at[at >= 0]], nodes.lat[at[at >= 0]]]) / E7)
        xy = np.concatenate([*lines, np.zeros((0, 2))])
        if not len(xy):
            counts["places_outside"] += 1
            continue
        rings = shapely.get_parts(shapely.polygonize([shapely.LineString(line) for line in lines if len(line) > 1]))
        middle = shapely.union_all(rings).centroid if len(rings) else shapely.Point(*np.unique(xy, axis=0).mean(0))
        out.append(Tagged(post.osm_id, dict(post.tags), middle.x, middle.y, kind="relation"))
    return out
