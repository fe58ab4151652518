"""An overlay of the gates: exact times across the border with any checkpoints closed, over trees that are grown once.

Links that do not cross stay on one side. So a trip across is a walk at home to a post, a walk over the small graph of
posts, and a walk at home from a post. Closing a checkpoint changes the small graph alone.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from scipy.sparse import csr_array
from scipy.sparse.csgraph import dijkstra

from network import bank
from network.build import FIELDS, Network
from network.compiling import held
from network.costs import min_plus
from network.routing import Router, compile_router

if TYPE_CHECKING:
    from numpy.typing import NDArray


MANY = 500
"""Posts from which on they are joined over the roads: a table of all ways between them has millions."""
CELLS = 1_000_000
"""Minutes that trees over the roads fill at once."""


@dataclass(frozen=True)
class Overlay:
    """Trees from and to every post over links that do not cross; build it with `build_overlay`.

    Attributes
    ----------
    posts
        Network nodes at the ends of crossing links.
    gates
        Directed crossings: ``tail``, ``head`` (positions in posts), ``cost``, ``checkpoint_id``, ``crossing_id``.
    around
        Nodes of which tables are made on a large network, ascending: those of closed checkpoints beside the posts, so
        that one table serves every closure.
    """

    home: Router
    posts: NDArray[np.int64]
    gates: pd.DataFrame
    between: NDArray[np.float64]
    around: NDArray[np.int64] | None = None

    def to_posts(self, nodes: NDArray[np.int64]) -> NDArray[np.float64]:
        """Return minutes at home from nodes to posts, shape (nodes, posts)."""
        # A post where nothing but crossings meet has no link at home: it is there already.
        same = np.asarray(nodes)[:, None] == self.posts[None]
        around, at = self._around()
        return np.where(same, 0.0, self.home.table(nodes, around, FIELDS["open"])[:, at])

    def from_posts(self, nodes: NDArray[np.int64]) -> NDArray[np.float64]:
        """Return minutes at home from posts to nodes, shape (posts, nodes)."""
        same = self.posts[:, None] == np.asarray(nodes)[None]
        around, at = self._around()
        return np.where(same, 0.0, self.home.table(around, nodes, FIELDS["open"])[at])

    def _around(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return the nodes of which tables are made, and where the posts are among them."""
        if self.around is None:
            return self.posts, np.arange(len(self.posts))
        around = np.union1d(self.around, self.posts)
        return around, np.searchsorted(around, self.posts)

    def across(
        self,
        closed: Collection[str] = (),
        *,
        rows: NDArray[np.int64] | None = None,
        columns: NDArray[np.int64] | None = None,
    ) -> NDArray[np.float64]:
        """Return the shortest minutes between posts with all crossings but those of the closed checkpoints.

        Parameters
        ----------
        rows, columns
            Positions in posts, from which and to which; all where None.
        """
        n = len(self.posts)
        rows, columns = (np.arange(n) if some is None else some for some in (rows, columns))
        if not len(rows):
            return np.empty((0, len(columns)))
        use = self.gates[~self.gates["checkpoint_id"].isin(list(closed))]
        gates = tuple(use[c].to_numpy() for c in ("tail", "head", "cost"))
        if n > MANY:
            passed = self._passed(closed)
            some = (rows, columns, passed)
            return self._over_few(gates, *some) if len(passed) <= MANY else self._over_roads(gates, rows, columns)
        return over_posts(self.between, gates, rows)[:, columns]

    def _passed(self, closed: Collection[str] = ()) -> NDArray[np.int64]:
        """Return the posts at the ends of gates that can be passed, positions in order."""
        open_gates = np.isfinite(self.gates["cost"].to_numpy(float)) & ~self.gates["checkpoint_id"].isin(list(closed))
        return np.unique(self.gates.loc[open_gates, ["tail", "head"]].to_numpy(np.int64))

    def _over_few(
        self,
        gates: tuple[NDArray[Any], ...],
        rows: NDArray[np.int64],
        columns: NDArray[np.int64],
        passed: NDArray[np.int64],
    ) -> NDArray[np.float64]:
        """Return the same where few gates can be passed: at home to the first of them, over them, and on at home."""
        tail, head, cost = gates
        can = np.isfinite(cost)
        few = tuple(np.searchsorted(passed, end[can]) for end in (tail, head))
        middle = over_posts(self.between[np.ix_(passed, passed)], (*few, cost[can]), np.arange(len(passed)))
        if np.array_equal(rows, passed) and np.array_equal(columns, passed):
            return middle
        over = min_plus(min_plus(self._at_home(rows, passed), middle), self._at_home(passed, columns))
        return np.minimum(self._at_home(rows, columns), over)

    def _at_home(self, rows: NDArray[np.int64], columns: NDArray[np.int64]) -> NDArray[np.float64]:
        """Return minutes at home between posts; one where nothing but crossings meet is at itself all the same."""
        return np.where(rows[:, None] == columns[None], 0.0, self.between[np.ix_(rows, columns)])

    def _over_roads(
        self, gates: tuple[NDArray[Any], ...], rows: NDArray[np.int64], columns: NDArray[np.int64]
    ) -> NDArray[np.float64]:
        """Return the same over the roads at home, which have fewer arcs than thousands of posts have ways."""
        roads = self.home.costs[FIELDS["open"]].tocoo()
        at, n = self.home.positions(self.posts), len(self.home.nodes)
        # A post where nothing but crossings meet, or a new one, is no position of the roads: its ways are known alone.
        alone = np.flatnonzero(at < 0)
        at[alone] = n + np.arange(len(alone))
        come, leave = self.between[:, alone], self.between[alone]
        ends = [(at[i], at[alone[j]], come[i, j]) for i, j in [np.nonzero(np.isfinite(come))]]
        ends += [(at[alone[i]], at[j], leave[i, j]) for i, j in [np.nonzero(np.isfinite(leave))]]
        ways = tuple(np.concatenate(part) for part in zip((*roads.coords, roads.data), *ends, strict=True))
        tail, head, cost = gates
        arcs = _least(ways, (at[tail], at[head], cost), n + len(alone))
        # A tree for each row, or for each column against the arcs, whichever are fewer.
        turned = len(columns) < len(rows)
        begin, end, arcs = (columns, rows, arcs.T.tocsr()) if turned else (rows, columns, arcs)
        out = np.empty((len(begin), len(end)))
        step = max(1, CELLS // arcs.shape[0])
        for start in range(0, len(begin), step):
            out[start : start + step] = dijkstra(arcs, indices=at[begin[start : start + step]])[:, at[end]]
        return out.T if turned else out

    def table(
        self, to_posts: NDArray[np.float64], from_posts: NDArray[np.float64], closed: Collection[str] = ()
    ) -> NDArray[np.float64]:
        """Return minutes of all pairs of origins and targets on different sides, with checkpoints closed.

        Parameters
        ----------
        to_posts, from_posts
            From `to_posts` and `from_posts`; they serve every closure.
        """
        # Origins reach the posts of their side, targets are reached from those of theirs: the rest is infinity.
        near = np.isfinite(to_posts).any(axis=0)
        far = np.isfinite(from_posts).any(axis=1)
        if len(self.posts) > MANY:
            # A trip to the other side passes a gate; of a dense border's thousands of posts few are at one.
            at_gate = np.isin(np.arange(len(self.posts)), self._passed(closed))
            near, far = near & at_gate, far & at_gate
        middle = self.across(closed, rows=np.flatnonzero(near), columns=np.flatnonzero(far))
        return min_plus(min_plus(to_posts[:, near], middle), from_posts[far])


def build_overlay(network: Network, mode: str, *, field: str = "actual") -> Overlay:
    """Return the overlay of one mode of a network on one of its three networks."""
    links = network.links
    of_mode = (links["mode"] == mode).to_numpy() | (mode == "any")
    over = links["crossing"].to_numpy(bool) & of_mode
    home = held(
        network,
        f"home {mode}",
        lambda: compile_router(replace(network, links=links[~over & of_mode].reset_index(drop=True)), mode),
    )
    crossing = links[over & np.isfinite(links[FIELDS[field]].to_numpy(float))]
    back = crossing[~crossing["oneway"].astype(bool)]
    tail = np.concatenate([crossing["u"], back["v"]]).astype(np.int64)
    head = np.concatenate([crossing["v"], back["u"]]).astype(np.int64)
    posts = np.unique(np.concatenate([tail, head]))
    gates = pd.DataFrame(
        {
            "tail": np.searchsorted(posts, tail),
            "head": np.searchsorted(posts, head),
            "cost": np.concatenate([crossing[FIELDS[field]], back[FIELDS[field]]]),
            "checkpoint_id": np.concatenate([crossing["checkpoint_id"], back["checkpoint_id"]]),
            "crossing_id": np.concatenate([crossing["crossing_id"], back["crossing_id"]]),
        }
    )
    around = np.union1d(posts, links.loc[over & (links["checkpoint_id"] != "").to_numpy(bool), ["u", "v"]])
    wide = around if len(home.nodes) > bank.LARGE and len(around) <= MANY else posts
    at = np.searchsorted(wide, posts)
    between = home.table(wide, wide, FIELDS["open"])[np.ix_(at, at)] if len(posts) else np.empty((0, 0))
    return Overlay(home, posts, gates, between, wide if len(wide) > len(posts) else None)


def over_posts(
    between: NDArray[np.float64], gates: tuple[NDArray[Any], ...], rows: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Return the shortest minutes from some posts to all, by their ways at home and gates (tail, head, cost)."""
    # In a dense matrix scipy takes all below 1e-8 for no edge; a sparse one keeps a gate without a wait.
    tail, head = np.nonzero(np.isfinite(between))
    ways = (tail, head, between[tail, head])
    return np.asarray(dijkstra(_least(ways, gates, len(between)), indices=rows), float)


def _least(ways: tuple[NDArray[Any], ...], gates: tuple[NDArray[Any], ...], n: int) -> csr_array:
    """Return arcs (tail, head, cost) as a matrix, of parallel ones the least; one that can't be passed is no arc."""
    tail, head, cost = (np.concatenate(both) for both in zip(ways, gates, strict=True))
    order = np.lexsort((cost, head, tail))
    order = order[np.isfinite(cost[order])]
    order = order[np.diff(tail[order].astype(np.int64) * n + head[order], prepend=-1) != 0]
    return csr_array((cost[order], (tail[order].astype(np.int32), head[order].astype(np.int32))), shape=(n, n))
