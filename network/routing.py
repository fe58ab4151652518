"""The routing engine: a network compiled once to CSR; the only file that knows how.

Dijkstra itself is scipy's. Whoever asks gives nodes, points snapped to links, or nothing but two places.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from scipy.sparse import csr_array
from scipy.sparse.csgraph import dijkstra

from layers.keeping import kept
from layers.sides import same_side
from network.bank import Graph, Split
from network.build import DOMESTIC, FIELDS, Network
from network.compiling import Fields, alike, compiled_fields, held
from network.connectors import PLACE, connector_times, join_ways
from network.costs import THOUSAND, at_once, blank, blocks, settled, without
from network.domestic import at_home, same_costs, waits_at_home_min, with_domestic
from network.gates import post_positions
from network.hierarchy import Frame
from network.modes import Mode, mode_named
from network.points import Points as Points
from network.points import at_accesses as at_accesses
from network.points import at_points as at_points
from network.points import put, stretches
from network.searches import costs_within, whole_trees
from network.sweeps import MUCH
from network.topology import SNAP_M

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray


@dataclass(frozen=True)
class Path:
    """A shortest path: metres, moving minutes, minutes of wait, checkpoints in order, rows of the links used."""

    length_m: float
    time_min: float
    wait_min: float
    checkpoints: tuple[str, ...]
    links: NDArray[np.int64]


@dataclass(frozen=True)
class Router:
    """One mode of a network, compiled: build it with `compile_router`.

    Node numbers at its face are those of the network; inside they are positions 0…n−1.
    """

    network: Network
    mode: Mode
    nodes: NDArray[np.int64]
    position: NDArray[np.int64]
    side: NDArray[np.object_]
    costs: dict[str, csr_array]
    shares: bool = False
    """On a small graph too minutes of ``actual`` come from trees at home and walks over the gates, which routers with
    other waits share."""
    _rows: dict[str, NDArray[np.int64]] = field(repr=False, default_factory=dict)
    _back: tuple[NDArray[np.int64], ...] = field(repr=False, default=())
    _made: Fields | None = field(repr=False, default=None)

    def __repr__(self) -> str:
        return f"<Router by {self.mode}: {len(self.nodes):,} nodes, {self.costs['borderless_min'].nnz:,} arcs>"

    def positions(self, nodes: NDArray[np.int64] | Sequence[int]) -> NDArray[np.int64]:
        """Return positions of network nodes; −1 for a node that this mode does not touch."""
        return self.position[np.asarray(nodes, np.int64)]

    def trees(
        self, nodes: NDArray[np.int64] | Sequence[int], field: str, *, reverse: bool = False, limit: float = np.inf
    ) -> NDArray[np.float64]:
        """Return costs from each node to all positions, or with `reverse` to it; infinity where there is no way.

        Parameters
        ----------
        nodes
            k network nodes.
        field
            ``borderless_min``, ``open_min``, ``actual_min``, ``domestic_min`` for trips that end on their own side, or
            ``length_m:<network>`` for metres on passable links; in whole thousandths (`network.costs`).
        limit
            Costs above it come back as infinity; a small limit makes the search local and fast.

        Returns
        -------
        Array of shape (k, number of positions), in the unit of the field.
        """
        at = self.positions(nodes)
        n, known = len(self.nodes), np.flatnonzero(at >= 0)
        out = np.full((len(at), n) if len(known) < len(at) else (0, n), np.inf)
        if not len(known):
            return out
        if len(known) == len(at) and np.isinf(limit) and not self.added.any():
            every = whole_trees(self.costs[field], self._frame, at, reverse=reverse)
            if every is not None:
                return every
        graph, roots = self.rooted(at[known], field, reverse=reverse)
        # Sums of thousandths miss them by their last digits: what is cut off is decided on the thousandths themselves.
        grown = settled(dijkstra(graph, indices=roots, limit=limit + 0.5 / THOUSAND))
        if np.isfinite(limit):
            grown[grown > limit] = np.inf
        grown[np.arange(len(known)), at[known]] = 0.0
        if len(known) == len(at):
            return grown[:, :n]
        out[known] = grown[:, :n]
        return out

    @cached_property
    def added(self) -> NDArray[np.bool_]:
        """Return the positions of places that were added: ways begin and end there but lead no further."""
        return np.asarray(self.network.nodes["kind"].to_numpy(dtype=object)[self.nodes] == PLACE, bool)

    def rooted(
        self, at: NDArray[np.int64], field: str, *, reverse: bool = False
    ) -> tuple[csr_array, NDArray[np.int64]]:
        """Return the graph in which trees grow from positions, and where they begin in it.

        No way leads through an added place: only where it is a root itself its links lead on, from a twin behind the
        last position.
        """
        graph = self.costs[field].T.tocsr() if reverse else self.costs[field]
        if not self.added.any():
            return graph, at
        n = len(self.nodes)
        twins = np.unique(at[self.added[at]])
        own = graph[twins]
        on = ~np.repeat(self.added, np.diff(graph.indptr))
        counts = np.where(self.added, 0, np.diff(graph.indptr))
        indptr = np.concatenate([[0], np.cumsum(np.concatenate([counts, np.diff(own.indptr)]))]).astype(np.int32)
        size = n + len(twins)
        data, indices = (np.concatenate([getattr(graph, p)[on], getattr(own, p)]) for p in ("data", "indices"))
        roots = np.where(self.added[at], n + np.searchsorted(twins, at), at)
        return csr_array((data, indices, indptr), shape=(size, size)), roots

    def nearest(
        self, nodes: NDArray[np.int64] | Sequence[int], field: str, *, avoiding: NDArray[np.bool_] | None = None
    ) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
        """Return for all positions the cost to the nearest of `nodes` and which one it is (−1 for none).

        No way leads over positions that are `avoiding`, and none begins or ends there.
        """
        at = self.positions(nodes)
        known = np.flatnonzero(at >= 0)
        if not len(known):
            return np.full(len(self.nodes), np.inf), np.full(len(self.nodes), -1)
        n = len(self.nodes)
        graph, roots = self.rooted(at[known], field, reverse=True)
        if avoiding is not None:
            graph = without(graph, avoiding)
        cost, _, source = dijkstra(graph, indices=roots, min_only=True, return_predecessors=True)
        # Two nodes may be one position; scipy marks what it does not reach with a negative number.
        first = np.full(graph.shape[0], -1)
        first[roots[::-1]] = known[::-1]
        which = np.where(np.isfinite(cost), first[np.maximum(source, 0)], -1)
        cost[at[known]], which[at[known]] = cost[roots], which[roots]
        return settled(cost[:n]), which[:n]

    def table(
        self,
        origins: NDArray[np.int64] | Sequence[int],
        targets: NDArray[np.int64] | Sequence[int],
        field: str,
        *,
        limit: float = np.inf,
    ) -> NDArray[np.float64]:
        """Return the costs of all pairs, shape (origins, targets), large ones in blocks (`network.costs`).

        Trees grow from the shorter list.
        """
        from_targets = len(targets) < len(origins)
        roots, ends = (targets, origins) if from_targets else (origins, targets)
        out = blank(len(roots), len(ends))
        at, root, step = self.positions(ends), self.positions(roots), at_once(len(self.nodes))
        reached, there = np.flatnonzero(root >= 0), np.flatnonzero(at >= 0)
        if not self.added.any() and np.isinf(limit):
            for rows in (reached[some] for some in blocks(len(reached), len(there))):
                costs = self._bank(field).costs_at(root[rows], at[there], reverse=from_targets)
                out[np.ix_(rows, there)] = costs
            return out.T if from_targets else out
        if not self.added.any():
            some = root[reached], at[there]
            within = costs_within(self.costs[field], self._frame, *some, limit, reverse=from_targets)
            if within is not None:
                out[np.ix_(reached, there)] = within
                return out.T if from_targets else out
        for start in range(0, len(roots), step):
            tree = self.trees(roots[start : start + step], field, reverse=from_targets, limit=limit)
            out[start : start + step, there] = tree[:, at[there]]
        return out.T if from_targets else out

    def _bank(self, field: str) -> Graph | Split:
        """Return who knows the costs of a field between positions; known trees are not grown again."""
        if field not in self._banked:
            graph, split = Graph.of(self.costs[field], self._frame), None
            minutes = field in FIELDS.values() if graph.large else self.shares and field == FIELDS["actual"]
            if minutes or (field == DOMESTIC and (self.shares or graph.large)):
                if "" not in self._banked:  # without what leads over the line a fourth as much to look through
                    home = at_home(self.costs[FIELDS["open"]], self.side)
                    self._banked[""] = Graph.of(home, Frame((home,), self._lonlat, self._frame))
                posts = post_positions(self.network.links, self.position)
                split = Split.of(graph, self._banked[""], posts)  # type: ignore[arg-type]  # without a name a graph
            self._banked[field] = split or graph
        return self._banked[field]

    @cached_property
    def _banked(self) -> dict[str, Graph | Split]:
        """Return the fields as `network.bank` takes them, made when first wanted; without a name the roads at home."""
        return {}

    @cached_property
    def _frame(self) -> Frame:
        """Return the arcs of all fields: one order serves them."""
        return Frame((self.costs[FIELDS["borderless"]], self.costs[DOMESTIC]), self._lonlat)

    @property
    def _lonlat(self) -> NDArray[np.float64]:
        return self.network.nodes[["x", "y"]].to_numpy(float)[self.nodes]

    def point_table(
        self, points: Points, targets: NDArray[np.int64], field: str, *, back: bool = False
    ) -> NDArray[np.float64]:
        """Return minutes from points to network nodes, or with `back` to them: shape (points, targets)."""
        return self.point_tables(points, targets, [field], back=back)[field]

    def point_tables(
        self, points: Points, targets: NDArray[np.int64], fields: Sequence[str], *, back: bool = False, own: str = ""
    ) -> dict[str, NDArray[np.float64]]:
        """Return the same of several fields; between places of one side `own` takes the place of the last of them."""
        points = points.backwards() if back else points
        out = {field: blank(len(points), len(targets)) for field in fields}
        root, every = self.positions(targets), [*fields, *([own] if own else [])]
        home = same_side(points.side, self.side[root])
        if not self.added.any():
            reached, ways = np.flatnonzero(root >= 0), np.setdiff1d(np.concatenate([points.u, points.v]), [-1])
            if len(reached) and len(ways):
                u, v = (np.where(p >= 0, np.searchsorted(ways, p), -1) for p in (points.u, points.v))
                points = replace(points, u=u, v=v)
                few = len(ways) < len(reached) and len(ways) * len(reached) < MUCH
                # What the fields share at home is searched once for a block.
                at, width = root[reached], max(len(ways), len(points.u))
                for some in stretches(reached, width, self._lonlat[at], self.side[at]):
                    roots, ends = (ways, root[some]) if few else (root[some], ways)
                    for field in every:
                        for part, trees in self._bank(field).parts(roots, ends, reverse=back == few):
                            minutes = at_points(points, trees.T if few else trees)
                            put(out, field, some if few else some[part], minutes, home)
            return out
        for part in blocks(len(targets), len(self.nodes)):
            for field in every:
                put(out, field, part, at_points(points, self.trees(targets[part], field, reverse=not back)), home)
        return out

    def path(self, origin: int, target: int, field: str, *, limit: float = np.inf) -> Path | None:
        """Return the cheapest path between two network nodes, or None.

        Ties between equal paths go to scipy's first found; between parallel links to the one of the lower row.

        Parameters
        ----------
        limit
            A cost that the path is known not to exceed: it is sought no further away, and None where it does.
        """
        a, b = self.positions([origin, target])
        if a < 0 or b < 0:
            return None
        graph, roots = self.rooted(np.asarray([a]), field)
        cost, before = dijkstra(graph, indices=int(roots[0]), return_predecessors=True, limit=limit + 0.5 / THOUSAND)
        cost[a] = 0.0
        if not np.isfinite(cost[b]):
            return None
        hops = [int(b)]
        while hops[-1] not in (a, roots[0]):
            hops.append(int(before[hops[-1]]))
        hops = [int(a), *hops[-2::-1]]
        u, v = np.asarray(hops[:-1], np.int64), np.asarray(hops[1:], np.int64)
        rows = self._links_between(u, v, field)
        links = self.network.links
        used = links["checkpoint_id"].to_numpy()[rows]
        wait = float(links["wait_min"].to_numpy()[rows].sum()) if field == FIELDS["actual"] else 0.0
        wait = waits_at_home_min(self.network, rows) if field == DOMESTIC else wait
        return Path(
            length_m=float(links["length_m"].to_numpy()[rows].sum()),
            time_min=float(links["time_min"].to_numpy()[rows].sum()),
            wait_min=wait,
            checkpoints=tuple(str(c) for c in used if c),
            links=rows,
        )

    def _links_between(self, u: NDArray[np.int64], v: NDArray[np.int64], field: str) -> NDArray[np.int64]:
        """Return the row of the cheapest link of each arc."""
        graph, rows = self.costs[field], self._rows[field]
        at = [
            graph.indptr[a] + np.searchsorted(graph.indices[graph.indptr[a] : graph.indptr[a + 1]], b)
            for a, b in zip(u, v, strict=True)
        ]
        found = rows[np.asarray(at, np.int64)]
        n = len(self.network.links)
        if len(found) and found.max() >= n:
            parts = [self._back[row - n] if row >= n else np.array([row]) for row in found]  # a way's links: hundreds
            return np.concatenate(parts)
        return found

    @property
    def sharing(self) -> Router:
        """The same router; on a small graph too it shares trees at home with those of other waits."""
        new = replace(self, shares=True)
        waited = (FIELDS["actual"], DOMESTIC)
        new._banked.update({f: g for f, g in self._banked.items() if f not in waited})
        return new

    def twin(self, field: str, others: Sequence[str]) -> str | None:
        """Return the first of other fields that costs the same on every arc: its trees need not be grown again."""
        return next((o for o in others if same_costs(self.costs[field], self.costs[o])), None)

    def attach(self, lonlat: NDArray[np.float64], side: NDArray[np.object_], *, limit_km: float) -> Points:
        """Return points joined to links of their own side: see `network.joining.join`.

        Parameters
        ----------
        lonlat, side
            Shape (n, 2), and the side that each may join.
        limit_km
            Straight length of a connector at the most.
        """
        network, tables = self.network, self.network.tables
        near = kept(join_ways, network.ground, self.mode, lonlat, side, network.base.border, limit_km, network.limits)
        alone = np.setdiff1d(np.arange(len(side)), near["place"])
        point = np.concatenate([near["place"].to_numpy(np.int64), alone])
        link = np.concatenate([near["link"].to_numpy(np.int64), np.full(len(alone), -1)])
        straight = np.concatenate([near["straight_m"].to_numpy(float), np.full(len(alone), np.nan)])
        fraction = np.concatenate([near["fraction"].to_numpy(float), np.zeros(len(alone))])
        order = np.argsort(point, kind="stable")
        point, link, straight, fraction = (a[order] for a in (point, link, straight, fraction))
        hit, row = link >= 0, np.maximum(link, 0)
        _, walk = connector_times(straight)
        along = tables.links["time_min"].to_numpy(float)[row]
        metres = tables.links["length_m"].to_numpy(float)[row]
        oneway = tables.links["oneway"].to_numpy(bool)[row]
        # Who stands at an end of a one-way road stands at a junction.
        against_u = np.where(oneway & (fraction * metres > SNAP_M), np.inf, 0.0)
        against_v = np.where(oneway & ((1 - fraction) * metres > SNAP_M), np.inf, 0.0)
        u, v = (np.where(hit, self.position[tables.links[c].to_numpy(np.int64)[row]], -1) for c in ("u", "v"))
        return Points(
            side=side,
            point=point,
            u=u,
            v=v,
            to_u=walk + fraction * along + against_u,
            to_v=walk + (1 - fraction) * along,
            from_u=walk + fraction * along,
            from_v=walk + (1 - fraction) * along + against_v,
            link=link,
            straight_km=straight / 1000,
        )


def compile_router(network: Network, mode: str = "road", *, only: str = "") -> Router:
    """Return the router of one mode, with its three cost fields and lengths on each network, or the field `only` alone.

    Raises
    ------
    NetworkError
        An unknown mode, a network without links of it, or a cost that is negative or no number.
    """
    mode, only = mode_named(mode), "" if only == DOMESTIC else only
    return _compiled(network, mode, only) if only else held(network, mode, lambda: _compiled(network, mode))


def _compiled(network: Network, mode: Mode, only: str = "") -> Router:
    """Return a router; with what is the same of one on the same ground, whose waits are others."""
    other: Router | None = None if only else next(alike(network, mode), None)
    made = compiled_fields(network, mode, only=only, like=other._made if other else None)
    arcs, costs, rows = made.arcs, dict(made.costs), dict(made.links)
    back = () if only else with_domestic(network, arcs.nodes, arcs.position, costs, rows)
    side = network.nodes["side"].to_numpy(dtype=object)[arcs.nodes]
    new = Router(network, mode, arcs.nodes, arcs.position, side, costs, _rows=rows, _back=back, _made=made)
    if other is not None and costs[FIELDS["open"]] is other.costs[FIELDS["open"]]:
        new._banked.update({f: g for f, g in other._banked.items() if not f or costs[f] is other.costs[f]})
    return new


def arcs_table(router: Router, field: str) -> pd.DataFrame:
    """Return the compiled arcs as a table of network nodes: ``u``, ``v``, ``cost``, ``link``."""
    graph = router.costs[field].tocoo()
    return pd.DataFrame(
        {"u": router.nodes[graph.row], "v": router.nodes[graph.col], "cost": graph.data, "link": router._rows[field]}
    )
