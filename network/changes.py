"""What closed, re-timed and new checkpoints make of the times between places, over trees that are grown once.

Roads at home do not change with the checkpoints, so that trees from and to the ends of every crossing serve all
closures and waits. A new checkpoint at a crossing of the data takes its ends; one on connectors adds ends of its own,
and a few trees.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from layers.sides import SIDES
from network.build import FIELDS, Network
from network.costs import min_plus
from network.overlay import Overlay, build_overlay
from network.points import Points, at_points

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from numpy.typing import NDArray

    from network.openings import Opening
    from network.routing import Router
from network.modes import Mode


@dataclass(frozen=True)
class Trees:
    """Minutes at home between places and the ends of all crossings of one mode; build it with `grow_trees`.

    Attributes
    ----------
    overlay
        Its gates are those of every crossing with ``free`` (cost without a border) and ``actual`` (with its wait);
        infinity where it can't be passed. ``cost`` is ``actual``.
    points, ends
        Places where trips begin, and the network nodes of those where they end.
    to_posts, from_posts
        Shape (points, posts) and (posts, ends).
    opened
        New checkpoints on connectors, each with the first of its four posts.
    """

    overlay: Overlay
    points: Points
    ends: NDArray[np.int64]
    to_posts: NDArray[np.float64]
    from_posts: NDArray[np.float64]
    opened: tuple[tuple[Opening, int], ...] = ()

    def table(self, rows: NDArray[np.int64], columns: NDArray[np.int64], *, free: bool = False) -> NDArray[np.float64]:
        """Return minutes from some points to some ends, waits included, or without a border with `free`.

        Points are of one side, ends of the other: what lies on the same side is sought by ways over a post.
        """
        overlay = self.overlay
        if free:
            overlay = _without_border(overlay)
        return overlay.table(self.to_posts[rows], self.from_posts[:, columns])

    def by_openings(self, rows: NDArray[np.int64], columns: NDArray[np.int64]) -> NDArray[np.float64]:
        """Return minutes without a border from some points to some ends by way of a new checkpoint on connectors.

        The least of them and of those before the checkpoints is `table` with `free`: one tree to and from each of its
        ends, and not one for each crossing.
        """
        first = np.array([at for _, at in self.opened], np.int64)
        # In at an end of one side, out at one of the other.
        into, out_of = np.concatenate([first, first + 2]), np.concatenate([first + 3, first + 1])
        overlay = _without_border(self.overlay)
        there = min_plus(self.to_posts[rows], overlay.across(columns=into))
        return min_plus(there, min_plus(overlay.across(rows=out_of), self.from_posts[:, columns]))

    def to_nearest(self, some: NDArray[np.int64]) -> NDArray[np.float64]:
        """Return minutes from each point to the nearest of some `ends` (positions) on the other side, with waits."""
        if not len(some):
            return np.full(len(self.to_posts), np.inf)
        gates = self.overlay.gates
        # Every way across leads over a crossing that can be passed; on a dense border most can't.
        ends = np.unique(gates.loc[np.isfinite(gates["cost"]), ["tail", "head"]].to_numpy(np.int64))
        beyond = self.overlay.across(rows=ends, columns=ends) + self.from_posts[np.ix_(ends, some)].min(axis=1)
        ways = self.to_posts[:, ends] + beyond.min(axis=1, initial=np.inf)
        return np.asarray(ways.min(axis=1, initial=np.inf), float)

    def to_checkpoint(self) -> NDArray[np.float64]:
        """Return minutes from each point to the nearest open checkpoint's post on its side, without its wait."""
        gates = self.overlay.gates
        held = (gates["checkpoint_id"] != "") & np.isfinite(gates["actual"])
        posts = np.unique(gates.loc[held, "tail"].to_numpy(np.int64))
        return np.asarray(self.to_posts[:, posts].min(axis=1, initial=np.inf), float)


def grow_trees(
    network: Network,
    mode: Mode,
    router: Router,
    points: Points,
    ends: NDArray[np.int64],
    *,
    crossings: Collection[str] | None = None,
) -> Trees:
    """Return the trees of one mode of a network.

    Parameters
    ----------
    router
        The one whose positions the points have.
    crossings
        Of those that can't be passed, the ones at which a checkpoint may be opened later; None for all. Dense roads
        have thousands, whose trees would be most of the work.
    """
    if crossings is not None:
        links = network.links
        passable = np.isfinite(links[FIELDS["actual"]].to_numpy(float)) | links["crossing_id"].isin(list(crossings))
        used = passable | ~links["crossing"].to_numpy(bool)
        network = replace(network, links=links[used].reset_index(drop=True))
    overlay = build_overlay(network, mode, field="borderless")
    home = overlay.home
    moved = np.append(home.positions(router.nodes), -1)
    points = replace(points, u=moved[points.u], v=moved[points.v])
    gates = overlay.gates
    links = network.links[network.links["crossing"].to_numpy(bool)]
    waits = links[["checkpoint_id", "crossing_id", FIELDS["actual"]]].assign(
        side=network.nodes["side"].to_numpy(dtype=object)[links["u"].to_numpy(np.int64)]
    )
    by_gate = waits.groupby(["checkpoint_id", "crossing_id", "side"])[FIELDS["actual"]].min()
    sides = network.nodes["side"].to_numpy(dtype=object)[overlay.posts][gates["tail"].to_numpy(np.int64)]
    keys = pd.MultiIndex.from_arrays([gates["checkpoint_id"], gates["crossing_id"], sides])
    # A link without a checkpoint runs both ways under the side of its first node.
    actual = np.where(gates["checkpoint_id"] == "", np.inf, by_gate.reindex(keys).fillna(np.inf).to_numpy(float))
    gates = gates.assign(free=gates["cost"], actual=actual, cost=actual)
    overlay = replace(overlay, gates=gates)
    to_posts = home.point_table(points, overlay.posts, FIELDS["open"])
    return Trees(overlay, points, ends, to_posts, overlay.from_posts(ends))


def change(
    trees: Trees,
    *,
    closed: Collection[str] = (),
    waits: Mapping[str, tuple[float, float]] | None = None,
    openings: Sequence[Opening] = (),
) -> Trees:
    """Return the trees with checkpoints closed, re-timed and opened.

    Parameters
    ----------
    closed
        Ids; a closed checkpoint is absent.
    waits
        Minutes by id, from side a to side b and back; those of new checkpoints too; NaN leaves what is.
    openings
        From `network.openings.find_opening`, of the mode of these trees.
    """
    for opening in openings:  # clicks: a handful
        trees = _with_opening(trees, opening)
    gates = trees.overlay.gates.copy()
    from_a = _tail_side(trees) == "a"
    for name, (there, back) in (waits or {}).items():
        own = (gates["checkpoint_id"] == name) & np.isfinite(gates["actual"])
        wanted = np.where(from_a[own], there, back)
        gates.loc[own, "actual"] = np.where(np.isnan(wanted), gates.loc[own, "actual"].to_numpy(float), wanted)
    gates.loc[gates["checkpoint_id"].isin(list(closed)), "actual"] = np.inf
    return replace(trees, overlay=replace(trees.overlay, gates=gates.assign(cost=gates["actual"])))


def _without_border(overlay: Overlay) -> Overlay:
    """Return an overlay whose gates cost what they do without a border."""
    return replace(overlay, gates=overlay.gates.assign(cost=overlay.gates["free"]))


def _tail_side(trees: Trees) -> NDArray[np.object_]:
    """Return the side at which each gate begins."""
    side = trees.overlay.home.network.nodes["side"].to_numpy(dtype=object)
    at: NDArray[np.object_] = side[trees.overlay.posts[trees.overlay.gates["tail"].to_numpy(np.int64)]]
    return at


def _with_opening(trees: Trees, opening: Opening) -> Trees:
    """Return the trees with the gates of one new checkpoint, open and with its wait."""
    gates = trees.overlay.gates
    if opening.crossings:
        of_crossing = gates[gates["crossing_id"].isin(opening.crossings)]
        fresh = of_crossing.drop_duplicates(["tail", "head", "crossing_id"])
        fresh = fresh.assign(checkpoint_id=opening.checkpoint_id, free=0.0, actual=opening.wait_min)
    else:
        n = len(trees.overlay.posts)
        trees = _with_posts(trees, opening)
        # Four ends of its own: where one comes to the gate, and where one leaves it, on either side.
        come_a, leave_a, come_b, leave_b = range(n, n + 4)
        fresh = pd.DataFrame(
            {
                "tail": [come_a, come_b],
                "head": [leave_b, leave_a],
                "cost": 0.0,
                "checkpoint_id": opening.checkpoint_id,
                "crossing_id": f"connector-{opening.checkpoint_id}",
                "free": 0.0,
                "actual": opening.wait_min,
            }
        )
    gates = pd.concat([gates, fresh], ignore_index=True)
    return replace(trees, overlay=replace(trees.overlay, gates=gates))


def _with_posts(trees: Trees, opening: Opening) -> Trees:
    """Return the trees with the four ends of a new checkpoint on connectors."""
    overlay, home = trees.overlay, trees.overlay.home
    network = home.network
    number = len(network.nodes) + np.arange(4)
    fresh = pd.DataFrame({"px": opening.px, "py": opening.py, "side": ["a", "a", "b", "b"], "kind": "post"})
    n = len(overlay.posts)
    between = np.full((n + 4, n + 4), np.inf)
    between[:n, :n] = overlay.between
    np.fill_diagonal(between, 0.0)
    to_posts = np.pad(trees.to_posts, ((0, 0), (0, 4)), constant_values=np.inf)
    from_posts = np.pad(trees.from_posts, ((0, 4), (0, 0)), constant_values=np.inf)
    posts, ends = home.positions(overlay.posts), home.positions(trees.ends)
    for k, side in enumerate(SIDES):
        come, leave = n + 2 * k, n + 2 * k + 1
        into, away = opening.trees(home, side)
        to_posts[:, come] = np.minimum(at_points(trees.points, into[None])[:, 0], opening.beside(trees.points, side))
        from_posts[leave] = np.where(ends >= 0, away[ends], np.inf)
        between[:n, come] = np.where(posts >= 0, into[posts], np.inf)
        between[leave, :n] = np.where(posts >= 0, away[posts], np.inf)
        for earlier, first in trees.opened:  # new checkpoints before this one: a handful
            between[first + 2 * k + 1, come] = earlier.way_to(opening, home, side)
            between[leave, first + 2 * k] = opening.way_to(earlier, home, side)
    nodes = pd.concat([network.nodes, fresh], ignore_index=True)
    grown = replace(home, network=replace(network, nodes=nodes), position=np.append(home.position, np.full(4, -1)))
    return replace(
        trees,
        overlay=replace(overlay, home=grown, posts=np.append(overlay.posts, number), between=between),
        to_posts=to_posts,
        from_posts=from_posts,
        opened=(*trees.opened, (opening, n)),
    )
