"""Ways of lower classes that tie ferries, posts, settlements and stations to the roads.

Kept as far as needed, so that none is an island.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from scipy.sparse import coo_array
from scipy.sparse.csgraph import dijkstra

from layers.osm.access import ACCESS_KEYS, CLOSED, access_table
from layers.osm.barriers import CONTROL
from layers.osm.classes import UNKNOWN, class_of, one_of
from layers.sources.pbf.blocks import ranges
from layers.sources.pbf.objects import E7, Ways

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from numpy.typing import NDArray

    from layers.sources.pbf.objects import Nodes, Tagged
    from layers.sources.pbf.words import Words

TIE_KM = 25.0
"""A way to the roads that is longer is none: an assumption."""
POST_OFF_KM = 1.0
"""A post of another source, a settlement or a station stands on the road that is this near."""
MOST_STEPS = 4_000_000
"""Steps from node to node of ways around settlements that are looked at: half a gigabyte. With more, connectors join
the settlements."""
CELL = 2_500_000
"""A quarter of a degree: ways are looked at in the cells of loose ends and in those around."""


@dataclass(frozen=True)
class Ends:
    """What may hang loose, as positions of nodes.

    Ends of ferries, and posts, which are tied to both sides; and the nodes of the roads.

    `places` are posts of other sources, `homes` settlements and stations, in longitude and latitude, away from the
    roads.
    """

    ferries: NDArray[np.int64]
    posts: NDArray[np.int64]
    places: NDArray[np.float64]
    roads: NDArray[np.int64]
    homes: NDArray[np.float64]

    @property
    def any(self) -> bool:
        """Whether anything hangs loose."""
        return bool(len(self.ferries) or len(self.posts) or len(self.places) or len(self.homes))


def ends_of(
    ways: Ways,
    words: Words,
    lower: Collection[bytes],
    tagged: Iterable[Tagged],
    places: NDArray[np.float64] | None,
    nodes: Nodes,
    ferries: Collection[int] = (),
) -> Ends:
    """Return what does not touch the collected roads.

    Ends of ferries, mapped posts, and posts of another source (`places`).

    Posts stand on a road or beside it. `ferries` are ids of ways that are ferries by a relation.
    """
    from scipy.spatial import cKDTree

    ferry = has_tag(ways, words, b"route", (b"ferry",)) | np.isin(ways.ids, list(ferries))
    drawn = {class_of("highway", text.decode("utf-8", "replace")) for text in words.numbers[b"highway"]}
    queried = {word.encode() for word in drawn if word != UNKNOWN} - set(lower)
    road = has_tag(ways, words, b"highway", queried)
    found = np.unique(nodes.find(ways.refs[np.repeat(road, ways.counts)]))
    roads = found[found >= 0].astype(np.int64)
    stop = np.cumsum(ways.counts)
    last = ways.refs[stop[ferry & (ways.counts > 0)] - 1]
    first = ways.refs[(stop - ways.counts)[ferry & (ways.counts > 0)]]
    things = list(tagged)
    controls = [
        t.osm_id for t in things if t.kind == "node" and CONTROL in (t.tags.get("barrier"), t.tags.get("government"))
    ]
    loose = [
        np.setdiff1d(nodes.find(np.asarray(ids, np.int64)), roads).astype(np.int64)
        for ids in (np.r_[first, last], controls)
    ]
    beside = np.column_stack([nodes.lon[loose[1][loose[1] >= 0]], nodes.lat[loose[1][loose[1] >= 0]]]) / E7
    xy = beside if places is None else np.vstack([beside, places])
    homes = np.array([(t.lon, t.lat) for t in things if t.kind == "node" and _is_home(t.tags)], float).reshape(-1, 2)
    if len(roads):
        tree = cKDTree(_flat(nodes.lon[roads] / E7, nodes.lat[roads] / E7))
        xy, homes = (p[tree.query(_flat(*p.T))[0] > POST_OFF_KM] if len(p) else p for p in (xy, homes))
    ferries, controls_at = (at[at >= 0] for at in loose)
    return Ends(ferries, controls_at, xy, roads, homes)


def _is_home(tags: Mapping[str, str]) -> bool:
    """Return whether people live or board there."""
    return "place" in tags or tags.get("railway") in ("station", "halt")


def has_tag(ways: Ways, words: Words, key: bytes, values: Iterable[bytes]) -> NDArray[np.bool_]:
    """Return which ways have one of some values of a key, in any spelling and in lists."""
    codes = ways.codes.get(key)
    allowed = tuple(value.decode() for value in values)
    numbers = [
        number
        for text, number in words.numbers[key].items()
        if one_of(key.decode(), text.decode("utf-8", "replace"), allowed)
    ]
    return np.zeros(len(ways.ids), bool) if codes is None else np.isin(codes, numbers)


def _flat(lon: NDArray[np.float64], lat: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return places on a sphere in kilometres: chords are distances."""
    lam, phi = np.radians(lon), np.radians(lat)
    return 6371.0 * np.column_stack([np.cos(phi) * np.cos(lam), np.cos(phi) * np.sin(lam), np.sin(phi)])


def only_ways(ways: Ways, rows: NDArray[np.bool_]) -> Ways:
    """Return some of the ways."""
    refs = ways.refs[np.repeat(rows, ways.counts)]
    return Ways(ways.ids[rows], refs, ways.counts[rows], {k: c[rows] for k, c in ways.codes.items()})


def ties(ends: Ends, lower: Ways, words: Words, nodes: Nodes) -> NDArray[np.bool_]:
    """Return which ways of lower classes tie the loose ends to the roads, by the shortest ways of at most `TIE_KM`.

    A ferry needs one way from each end, a settlement or station one. A post needs one from every road that leads to it,
    so that both sides are tied.
    """
    out = np.zeros(len(lower.ids), bool)
    if not len(lower.ids) or not len(ends.roads):
        return out
    u, v, way = steps_of(lower, words, nodes)
    near = _around(u, np.r_[ends.ferries, ends.posts], ends.places, nodes)
    if near.any():
        net = Net(u[near], v[near], way[near], nodes, ends.roads)
        out[net.on_ways(np.flatnonzero(np.isin(net.ids, ends.ferries)))] = True
        on_net = ends.posts[np.isin(ends.posts, net.ids)].tolist()
        for post in sorted({*on_net, *net.nearest(ends.places)}):  # posts that no kept road touches: few
            out[net.through(post)] = True
    near = _around(u, np.zeros(0, np.int64), ends.homes, nodes)
    if near.sum() > MOST_STEPS:
        words.counts["settlements_not_tied"] += len(ends.homes)
    elif near.any():
        net = Net(u[near], v[near], way[near], nodes, ends.roads)
        out[net.on_ways(np.flatnonzero(np.isin(net.ids, net.nearest(ends.homes))))] = True
    return out


def steps_of(lower: Ways, words: Words, nodes: Nodes) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Return the steps from node to node of ways for a car or truck, as positions of nodes, and each one's way."""
    usable = np.flatnonzero(_passable(lower, words))
    start = (np.cumsum(lower.counts) - lower.counts)[usable]
    at = nodes.find(lower.refs).astype(np.int64)
    tail = ranges(start, start + np.maximum(lower.counts[usable] - 1, 0))
    way = np.repeat(usable, np.maximum(lower.counts[usable] - 1, 0))
    known = (at[tail] >= 0) & (at[tail + 1] >= 0)
    return at[tail][known], at[tail + 1][known], way[known]


def _passable(lower: Ways, words: Words) -> NDArray[np.bool_]:
    """Return which ways a car or truck may use at all."""
    missing = np.full(len(lower.ids), -1, np.int32)
    keys = dict.fromkeys(k for vehicle in ("car", "truck") for k in ACCESS_KEYS[vehicle])
    tags = pd.DataFrame({k: words.column(k.encode(), lower.codes.get(k.encode(), missing)) for k in keys})
    return np.asarray(
        np.logical_or.reduce([access_table(tags, v)["level"].to_numpy() != CLOSED for v in ("car", "truck")]), bool
    )


def _around(
    at: NDArray[np.int64], loose: NDArray[np.int64], places: NDArray[np.float64], nodes: Nodes
) -> NDArray[np.bool_]:
    """Return which nodes lie in the cells of loose ends or beside them."""

    def cell(lon: NDArray[np.int64], lat: NDArray[np.int64]) -> NDArray[np.int64]:
        return (lon // CELL) * 4096 + lat // CELL

    lon = np.r_[nodes.lon[loose].astype(np.int64), (places[:, 0] * E7).astype(np.int64)]
    lat = np.r_[nodes.lat[loose].astype(np.int64), (places[:, 1] * E7).astype(np.int64)]
    wanted = np.unique([cell(lon + i * CELL, lat + j * CELL) for i in (-1, 0, 1) for j in (-1, 0, 1)])
    return np.isin(cell(nodes.lon[at].astype(np.int64), nodes.lat[at].astype(np.int64)), wanted)


class Net:
    """The ways of lower classes as a graph of their nodes."""

    def __init__(
        self, u: NDArray[np.int64], v: NDArray[np.int64], way: NDArray[np.int64], nodes: Nodes, roads: NDArray[np.int64]
    ) -> None:
        self.ids, ends = np.unique(np.concatenate([u, v]), return_inverse=True)
        self.u, self.v = ends[: len(u)], ends[len(u) :]
        self.way = way
        self.xyz = _flat(nodes.lon[self.ids] / E7, nodes.lat[self.ids] / E7)
        self.km = np.maximum(np.linalg.norm(self.xyz[self.u] - self.xyz[self.v], axis=1), 1e-9)
        self.roots = np.flatnonzero(np.isin(self.ids, roads))

    def on_ways(self, starts: NDArray[np.int64], without: int = -1) -> NDArray[np.int64]:
        """Return the ways on the shortest paths from some nodes to the roads, around one node where it is named."""
        if not len(self.roots) or not len(starts):
            return np.zeros(0, np.int64)
        _, before, pairs = self._paths(without)
        used: set[tuple[int, int]] = set()
        for node in starts.tolist():  # loose ends are few, and their ways short
            while before[node] >= 0 and (int(before[node]), node) not in used:
                used.add((int(before[node]), node))
                node = int(before[node])
        if not used:
            return np.zeros(0, np.int64)
        found = pairs.set_index(["u", "v"])["way"].loc[sorted(used)]
        return np.unique(found.to_numpy(np.int64))

    def km_to_roads(self, without: int = -1) -> NDArray[np.float64]:
        """Return how far each node is from the roads, infinite beyond `TIE_KM`, around one node where it is named."""
        return self._paths(without)[0] if len(self.roots) else np.full(len(self.ids), np.inf)

    def _paths(self, without: int) -> tuple[NDArray[np.float64], NDArray[np.int64], pd.DataFrame]:
        """Return how far each node is from the roads, the node before it on the way there, and the steps."""
        free = (self.u != without) & (self.v != without)
        n = len(self.ids)
        pairs = pd.DataFrame({"u": self.u[free], "v": self.v[free], "km": self.km[free], "way": self.way[free]})
        pairs = pd.concat([pairs, pairs.rename(columns={"u": "v", "v": "u"})]).sort_values("km", kind="stable")
        pairs = pairs.drop_duplicates(["u", "v"])
        graph = coo_array((pairs["km"], (pairs["u"], pairs["v"])), shape=(n, n)).tocsr()
        roots = self.roots[self.roots != without]
        if not len(roots):
            return np.full(n, np.inf), np.full(n, -1), pairs
        km, before, _ = dijkstra(graph, indices=roots, min_only=True, return_predecessors=True, limit=TIE_KM)
        return km, before, pairs

    def through(self, post: int) -> NDArray[np.int64]:
        """Return the ways that lead through a post and on to the roads, without coming back to it."""
        here = np.flatnonzero(self.ids == post)
        if not len(here):
            return np.zeros(0, np.int64)
        beside = np.r_[self.v[self.u == here[0]], self.u[self.v == here[0]]]
        own = self.way[(self.u == here[0]) | (self.v == here[0])]
        return np.union1d(own, self.on_ways(np.unique(beside), without=int(here[0])))

    def nearest(self, places: NDArray[np.float64]) -> list[int]:
        """Return the node nearest to each place that one lies near to."""
        return sorted(set(self.ids[self.beside(places)[1]].tolist()))

    def beside(self, places: NDArray[np.float64]) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]:
        """Return the rows of places near to a node, the nearest node of each, and how many kilometres away it is."""
        from scipy.spatial import cKDTree

        if not len(places):
            none = np.zeros(0, np.int64)
            return none, none, np.zeros(0)
        km, at = cKDTree(self.xyz).query(_flat(*places.T))
        rows = np.flatnonzero(km <= POST_OFF_KM)
        return rows, at[rows].astype(np.int64), km[rows]
