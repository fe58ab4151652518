"""What the loss of a link does to the ways at home: between posts, and from places to posts and back.

No wait is part of it, so that each loss is kept by itself: another wait closes the same links, or some others, and only
those are looked at anew.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from analysis.closures.trees import BITS, Forest, behind_links, grow, regrown, spots
from layers.errors import NetworkError
from layers.keeping import kept_each
from network.build import FIELDS, Network
from network.routing import arcs_table

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from analysis.closures.checkpoints import Ways
    from analysis.trips.demand import Demand

Entries = tuple["NDArray[np.int64]", "NDArray[np.int64]", "NDArray[np.float64]"]
"""Rows and columns of a table, and what stands there now."""


@dataclass(frozen=True)
class Loss:
    """What is longer without a link: entries of tables of minutes.

    Attributes
    ----------
    between
        Between posts at home.
    to, back
        From places of side a to near posts, and to places of side b (rows) from far posts (columns), as
        `analysis.closures.checkpoints.Ways` has them.
    """

    between: Entries
    to: Entries
    back: Entries


@dataclass(frozen=True)
class Forests:
    """The trees of both sides, and the links at home they are made of.

    ``u``, ``v`` positions, ``both`` whether both directions are open, ``minutes``, each by row of ``rows``, which are
    rows of the network's links.
    """

    a: Forest
    b: Forest
    rows: NDArray[np.int64]
    u: NDArray[np.int64]
    v: NDArray[np.int64]
    both: NDArray[np.bool_]
    minutes: NDArray[np.float64]


def losses_of(network: Network, demand: Demand, ways: Ways, links: NDArray[np.int64]) -> list[Loss]:
    """Return what the loss of each of some links does to the ways at home.

    Parameters
    ----------
    ways
        From `analysis.closures.checkpoints.fastest_ways`.
    links
        Rows of the network's links.

    Raises
    ------
    NetworkError
        The demand was modelled on another network.
    """
    mode, overlay = ways.times.mode, ways.times.overlay
    home = overlay.home
    rows = np.flatnonzero((network.links["mode"] == mode).to_numpy() & ~network.links["crossing"].to_numpy(bool))
    if len(rows) != len(home.network.links):
        raise NetworkError("the demand was modelled on another network: give the one that `model_demand` had")
    node, own = network.settlements["node"].to_numpy(np.int64), home.network.links
    known = [
        home.costs[FIELDS["open"]],
        own[["u", "v", "oneway", FIELDS["open"]]],
        home.nodes,
        rows,
        overlay.posts,
        network.nodes["side"].to_numpy(dtype=object)[overlay.posts],
        [ways.near, ways.far, node[demand.a], node[demand.b]],
    ]

    def lost(some: Sequence[int]) -> list[Loss]:
        return _losses(_forests(network, demand, ways, rows), ways, np.asarray(some, np.int64))

    return kept_each("analysis.closures.losses", known, links.tolist(), lost)


def _forests(network: Network, demand: Demand, ways: Ways, rows: NDArray[np.int64]) -> Forests:
    """Return the trees of all posts by side over the links at home, which are some rows of the network's."""
    overlay = ways.times.overlay
    home = overlay.home
    posts = home.positions(overlay.posts)
    node = network.settlements["node"].to_numpy(np.int64)
    side = network.nodes["side"].to_numpy(dtype=object)[overlay.posts]
    arcs = arcs_table(home, FIELDS["open"])["link"].to_numpy(np.int64)
    trees = []
    for name, used, places in (("a", ways.near, demand.a), ("b", ways.far, demand.b)):
        usable = (side == name) | np.isin(np.arange(len(posts)), used)
        ends = home.positions(node[places])
        graph = home.costs[FIELDS["open"]]
        trees.append(grow(graph, rows[arcs], np.flatnonzero(usable & (posts >= 0)), posts, ends, name == "a"))
    links = home.network.links
    u, v = (home.positions(links[c].to_numpy(np.int64)) for c in ("u", "v"))
    both = ~links["oneway"].to_numpy(bool)
    return Forests(trees[0], trees[1], rows, u, v, both, links[FIELDS["open"]].to_numpy(float))


def _losses(forests: Forests, ways: Ways, rows: NDArray[np.int64]) -> list[Loss]:
    """Return what the loss of each of some links changes."""
    out = []
    for start in range(0, len(rows), BITS):
        some = rows[start : start + BITS]
        marks = [(forest, behind_links(forest, some)) for forest in (forests.a, forests.b)]
        marked = [(forest, places := np.flatnonzero(mark), mark[places]) for forest, mark in marks]
        for bit, link in enumerate(some):  # links to close: dozens, each with its own part of the trees
            behind = [(f, places[(mark & np.uint64(1 << bit)) > 0]) for f, places, mark in marked]
            out.append(_loss(forests, ways, int(link), behind))
    return out


def _loss(forests: Forests, ways: Ways, link: int, behind: list[tuple[Forest, NDArray[np.int64]]]) -> Loss:
    """Return what the loss of one link changes, of what lies behind it in the trees."""
    posts = np.arange(len(ways.times.overlay.posts))
    between, parts = [], []
    for (forest, places), used in zip(behind, (ways.near, ways.far), strict=True):
        forest.local[places] = np.arange(len(places))
        fresh = regrown(forest, places, link, partial(_parallel, forests, link)) if len(places) else np.empty(0)
        roots = forest.roots
        spot = spots(forest, np.arange(len(roots)), forest.posts)
        x, y = np.broadcast_arrays(posts[None], roots[:, None])
        tail, head = (x, y) if forest.towards else (y, x)
        longer = spot >= 0
        between.append((tail[longer], head[longer], fresh[spot[longer]]))
        row = np.searchsorted(roots, used)
        row = np.where(np.append(roots, -1)[row] == used, row, -1)
        spot = spots(forest, row, forest.ends).T
        place, post = np.nonzero(spot >= 0)
        parts.append((place, post, fresh[spot[place, post]]))
        forest.local[places] = -1
    tail, head, minutes = (np.concatenate(part) for part in zip(*between, strict=True))
    return Loss((tail, head, minutes), *parts)


def _parallel(forests: Forests, link: int, tail: NDArray[np.int64], head: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return the minutes of the best other link between two positions, by direction; infinity where there is none."""
    position = int(np.searchsorted(forests.rows, link))
    u, v = int(forests.u[position]), int(forests.v[position])
    along, against = (forests.u == u) & (forests.v == v), (forests.u == v) & (forests.v == u)
    along[position] = against[position] = False
    there = forests.minutes[along | (against & forests.both)].min(initial=np.inf)
    back = forests.minutes[against | (along & forests.both)].min(initial=np.inf)
    return np.asarray(np.where((tail == u) & (head == v), there, back), float)
