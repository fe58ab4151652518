"""What hangs loose in an extract that holds some ways of lower classes: where more of them must be asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from layers.osm.classes import FERRY, RAIL_KINDS, ROAD_KINDS, WINTER_KINDS
from layers.osm.lines import KEYS
from layers.sources.pbf.network import collect
from layers.sources.pbf.objects import E7
from layers.sources.pbf.points import WANTED
from layers.sources.pbf.ties import Net, ends_of, has_tag, only_ways, steps_of

if TYPE_CHECKING:
    from collections.abc import Collection
    from pathlib import Path

    import shapely
    from numpy.typing import NDArray

    from layers.sources.pbf.network import Collected
    from layers.sources.pbf.objects import Nodes, Ways
    from layers.sources.pbf.ties import Ends


def loose_places(
    extract: Path,
    area: shapely.Geometry,
    kinds: Collection[str],
    posts: NDArray[np.float64] | None,
    seen_km: float,
) -> NDArray[np.float64]:
    """Return where ferries, posts, settlements and stations hang loose, or by a way that may not be the shortest.

    Parameters
    ----------
    extract
        With the roads of `kinds`, and with all other ways of cars within `seen_km` of what hung loose before.
    area
        In longitude and latitude.
    kinds
        Values of ``highway`` that are kept anyway.
    posts
        Longitude and latitude of checkpoints from elsewhere, shape (n, 2).
    seen_km
        A way to the roads that is longer may have a shorter one beside it that the extract lacks.

    Returns
    -------
    Longitude and latitude, shape (n, 2).
    """
    lower = [k.encode() for k in ROAD_KINDS if k not in kinds]
    others = {
        b"highway": tuple(k.encode() for k in (*kinds, *WINTER_KINDS)),
        **{k.encode(): (b"yes",) for k in WINTER_KINDS},
        b"railway": tuple(k.encode() for k in RAIL_KINDS),
        b"route": (FERRY.encode(),),
    }
    lines = {**others, b"highway": (*others[b"highway"], *lower)}
    got = collect([extract], area, [k.encode() for k in KEYS], lines, WANTED)
    plain = np.logical_or.reduce([has_tag(got.ways, got.words, key, values) for key, values in others.items()])
    plain |= np.isin(got.ways.ids, got.relations.ways)
    roads, small = only_ways(got.ways, plain), only_ways(got.ways, has_tag(got.ways, got.words, b"highway", lower))
    ends = ends_of(roads, got.words, lower, got.points, _all_posts(got, posts), got.nodes, got.relations.ferries)
    return _untied(ends, small, got, seen_km)


def _all_posts(got: Collected, posts: NDArray[np.float64] | None) -> NDArray[np.float64]:
    """Return posts from elsewhere, and the mapped ones that stand on no way of the extract."""
    beside = [
        (t.lon, t.lat)
        for t in got.points
        if t.kind == "node"
        and "place" not in t.tags
        and got.nodes.find(np.array([t.osm_id]))[0] < 0
        and _is_post(t.tags)
    ]
    none = np.zeros((0, 2))
    return np.vstack([none if posts is None else posts, np.array(beside, float).reshape(-1, 2)])


def _is_post(tags: dict[str, str]) -> bool:
    return "border_control" in (tags.get("barrier"), tags.get("government"))


def _untied(ends: Ends, lower: Ways, got: Collected, seen_km: float) -> NDArray[np.float64]:
    """Return the places of the loose ends whose way to the roads is not known to be the shortest."""
    nodes = got.nodes
    if seen_km <= 0 or not len(ends.roads):
        found = [_places(nodes, np.r_[ends.ferries, ends.posts]), ends.places, ends.homes]
        return np.vstack(found) if len(ends.roads) else np.zeros((0, 2))
    u, v, way = steps_of(lower, got.words, nodes)
    if not len(u):
        return np.zeros((0, 2))
    net = Net(u, v, way, nodes, ends.roads)
    ferries = ends.ferries[np.isin(ends.ferries, net.ids)]
    rows, at, off = net.beside(ends.homes)
    start = np.r_[np.searchsorted(net.ids, ferries), at]
    open_ends = np.isin(np.arange(len(start)), _open(net, start, np.r_[np.zeros(len(ferries)), off], seen_km))
    out = [_places(nodes, ferries[open_ends[: len(ferries)]]), ends.homes[rows[open_ends[len(ferries) :]]]]
    rows, at, off = net.beside(ends.places)
    on_net = np.flatnonzero(np.isin(net.ids, ends.posts))
    posts = np.vstack([_places(nodes, net.ids[on_net]), ends.places[rows]])
    off = np.r_[np.zeros(len(on_net)), off]
    # Posts that no kept road touches are few.
    open_posts = [_post_open(net, int(node), far, seen_km) for node, far in zip(np.r_[on_net, at], off, strict=True)]
    out.append(posts[np.array(open_posts, bool)])
    return np.vstack(out)


def _open(net: Net, start: NDArray[np.int64], off: NDArray[np.float64], seen_km: float, without: int = -1) -> list[int]:
    """Return which of some nodes may have a shorter way to the roads than the one that is known, or one at all.

    Parameters
    ----------
    off
        How far each node is from the place around which all ways are known within `seen_km`.
    without
        A node that no way leads through.
    """
    km = net.km_to_roads(without)[start]
    out = set(np.flatnonzero(np.isfinite(km) & (km + off > seen_km)).tolist())
    lost = np.flatnonzero(~np.isfinite(km))
    if len(lost):
        free = (net.u != without) & (net.v != without)
        n = len(net.ids)
        pairs = coo_array((np.ones(int(free.sum()), np.int8), (net.u[free], net.v[free])), shape=(n, n))
        _, label = connected_components(pairs, directed=False)
        for k in lost.tolist():  # what ways of lower classes do not tie either: few
            piece = net.xyz[label == label[start[k]]]
            # A piece that ends within what is known leads nowhere.
            if np.linalg.norm(piece - net.xyz[start[k]], axis=1).max() + off[k] > seen_km:
                out.add(k)
    return sorted(out)


def _post_open(net: Net, post: int, off: float, seen_km: float) -> bool:
    """Return whether any of the ways away from a post, each on its own side, is open in the sense of `_open`."""
    beside_post = (net.u == post) | (net.v == post)
    beside = np.where(net.u[beside_post] == post, net.v[beside_post], net.u[beside_post])
    return bool(_open(net, beside, net.km[beside_post] + off, seen_km, post))


def _places(nodes: Nodes, at: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return longitude and latitude of nodes."""
    return np.column_stack([nodes.lon[at], nodes.lat[at]]) / E7
