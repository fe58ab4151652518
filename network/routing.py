"""The routing engine: a network compiled once to CSR; the only file that knows how.

Dijkstra itself is scipy's. Whoever asks gives nodes, points snapped to links, or nothing but two places.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

import numpy as np
import pandas as pd
from scipy.sparse import csr_array
from scipy.sparse.csgraph import dijkstra

from layers.errors import NetworkError
from network.build import DOMESTIC, FIELDS, NETWORKS, Network
from network.connectors import connector_times, snap
from network.domestic import same_costs, waits_at_home_min, with_domestic
from network.topology import Tables

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from network.border import Border

Mode = Literal["road", "rail", "any"]
MODES: tuple[Mode, ...] = ("road", "rail", "any")
CHUNK = 256
"""Trees held at once: memory stays at a few hundred rows of nodes whatever the number of targets."""


@dataclass(frozen=True)
class Path:
    """A shortest path: metres, moving minutes, minutes of wait, checkpoints in order, rows of the links used."""

    length_m: float
    time_min: float
    wait_min: float
    checkpoints: tuple[str, ...]
    links: NDArray[np.int64]


@dataclass(frozen=True)
class Points:
    """Points joined to a network without being in it: the nodes at both ends of their link and the way to each.

    ``u``, ``v`` are positions in the router (−1 where the point joins nothing); ``to_u``, ``to_v`` minutes from the
    point, infinite against a one-way; ``side`` as given; ``straight_km`` the connector.
    """

    u: NDArray[np.int64]
    v: NDArray[np.int64]
    to_u: NDArray[np.float64]
    to_v: NDArray[np.float64]
    side: NDArray[np.object_]
    straight_km: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.u)

    @property
    def joined(self) -> NDArray[np.bool_]:
        """Whether each point reaches the network at all."""
        return np.asarray(self.u >= 0, bool)


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
    _rows: dict[str, NDArray[np.int64]] = field(repr=False, default_factory=dict)
    _back: tuple[NDArray[np.int64], ...] = field(repr=False, default=())

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
            ``length_m:<network>`` for metres on passable links.
        limit
            Costs above it come back as infinity; a small limit makes the search local and fast.

        Returns
        -------
        Array of shape (k, number of positions), in the unit of the field.
        """
        at = self.positions(nodes)
        out = np.full((len(at), len(self.nodes)), np.inf)
        known = np.flatnonzero(at >= 0)
        graph = self.costs[field].T.tocsr() if reverse else self.costs[field]
        if len(known):
            out[known] = dijkstra(graph, indices=at[known], limit=limit)
        return out

    def nearest(
        self, nodes: NDArray[np.int64] | Sequence[int], field: str
    ) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
        """Return for all positions the cost to the nearest of `nodes` and which one it is (−1 for none)."""
        at = self.positions(nodes)
        known = np.flatnonzero(at >= 0)
        if not len(known):
            return np.full(len(self.nodes), np.inf), np.full(len(self.nodes), -1)
        graph = self.costs[field].T.tocsr()
        cost, _, source = dijkstra(graph, indices=at[known], min_only=True, return_predecessors=True)
        # Two nodes may be one position; scipy marks what it does not reach with a negative number.
        first = np.full(len(self.nodes), -1)
        first[at[known][::-1]] = known[::-1]
        return cost, np.where(np.isfinite(cost), first[np.maximum(source, 0)], -1)

    def table(
        self,
        origins: NDArray[np.int64] | Sequence[int],
        targets: NDArray[np.int64] | Sequence[int],
        field: str,
        *,
        limit: float = np.inf,
    ) -> NDArray[np.float64]:
        """Return the costs of all pairs, shape (origins, targets); trees grow from the shorter list."""
        from_targets = len(targets) < len(origins)
        roots, ends = (targets, origins) if from_targets else (origins, targets)
        out = np.full((len(roots), len(ends)), np.inf)
        at = self.positions(ends)
        known = at >= 0
        for start in range(0, len(roots), CHUNK):
            tree = self.trees(roots[start : start + CHUNK], field, reverse=from_targets, limit=limit)
            out[start : start + CHUNK, known] = tree[:, at[known]]
        return out.T if from_targets else out

    def point_table(self, points: Points, targets: NDArray[np.int64], field: str) -> NDArray[np.float64]:
        """Return minutes from points to network nodes, shape (points, targets): one reverse tree per target."""
        out = np.full((len(points), len(targets)), np.inf)
        for start in range(0, len(targets), CHUNK):
            tree = self.trees(targets[start : start + CHUNK], field, reverse=True)
            out[:, start : start + CHUNK] = at_points(points, tree)
        return out

    def path(self, origin: int, target: int, field: str) -> Path | None:
        """Return the cheapest path between two network nodes, or None.

        Ties between equal paths go to scipy's first found; between parallel links to the one of the lower row.
        """
        a, b = self.positions([origin, target])
        if a < 0 or b < 0:
            return None
        cost, before = dijkstra(self.costs[field], indices=int(a), return_predecessors=True)
        if not np.isfinite(cost[b]):
            return None
        hops = [int(b)]
        while hops[-1] != a:
            hops.append(int(before[hops[-1]]))
        hops.reverse()
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
        graph = self.costs[field]
        rows = self._rows[field]
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

    def twin(self, field: str, others: Sequence[str]) -> str | None:
        """Return the first of other fields that costs the same on every arc: its trees need not be grown again."""
        return next((o for o in others if same_costs(self.costs[field], self.costs[o])), None)

    def attach(self, lonlat: NDArray[np.float64], side: NDArray[np.object_], *, limit_km: float) -> Points:
        """Return points joined to the nearest link of the mode's largest component on their own side.

        Parameters
        ----------
        lonlat, side
            Shape (n, 2), and the side that each may join.
        limit_km
            Straight length of a connector at the most.
        """
        tables, border = self.network.tables, self.network.base.border
        return _attach(tables, border, self, lonlat, side, limit_km)


def compile_router(network: Network, mode: Mode = "road") -> Router:
    """Return the router of one mode of a network, with its three cost fields and lengths on each network.

    Raises
    ------
    NetworkError
        An unknown mode, a network without links of it, or a cost that is negative or no number.
    """
    if mode not in MODES:
        raise NetworkError(f"mode {mode!r} is unknown: allowed are {', '.join(MODES)}")
    links = network.links
    rows = np.flatnonzero((links["mode"] == mode).to_numpy() | (mode == "any"))
    if not len(rows):
        raise NetworkError(f"the network has no links by {mode}")
    u, v = (links[c].to_numpy(np.int64)[rows] for c in ("u", "v"))
    nodes = np.unique(np.concatenate([u, v]))
    position = np.full(len(network.nodes), -1)
    position[nodes] = np.arange(len(nodes))
    both = ~links["oneway"].to_numpy(bool)[rows]
    tail = position[np.concatenate([u, v[both]])]
    head = position[np.concatenate([v, u[both]])]
    arc = np.concatenate([rows, rows[both]])
    # Sorted once for all fields: which of parallel arcs is the cheapest is all that differs between them.
    order = np.lexsort((arc, head, tail))
    tail, head, arc = tail[order], head[order], arc[order]
    costs, kept = {}, {}
    for name in NETWORKS:
        minutes = links[FIELDS[name]].to_numpy(float)[arc]
        if not (minutes >= 0).all():
            # Dijkstra's answers would be wrong, or never come.
            raise NetworkError(f"the network has links of negative or unknown {FIELDS[name]}: allowed is 0 or more")
        metres = np.where(np.isfinite(minutes), links["length_m"].to_numpy(float)[arc], np.inf)
        for key, weight in ((FIELDS[name], minutes), (f"length_m:{name}", metres)):
            costs[key], kept[key] = _compile(tail, head, weight, arc, len(nodes))
    back = with_domestic(network, nodes, position, costs, kept)
    side = network.nodes["side"].to_numpy(dtype=object)[nodes]
    return Router(network, mode, nodes, position, side, costs, kept, back)


def _compile(
    tail: NDArray[np.int64], head: NDArray[np.int64], weight: NDArray[np.float64], arc: NDArray[np.int64], n: int
) -> tuple[csr_array, NDArray[np.int64]]:
    """Return the CSR of passable arcs, the cheapest of parallel ones, and the link of each entry.

    Arcs come sorted by tail, head and row.
    """
    begins = np.r_[True, (np.diff(tail) != 0) | (np.diff(head) != 0)]
    group = np.cumsum(begins) - 1
    least = np.minimum.reduceat(weight, np.flatnonzero(begins))[group]
    cheapest = np.flatnonzero((weight == least) & np.isfinite(weight))
    # Of equally cheap ones the lower row.
    use = cheapest[np.r_[True, np.diff(group[cheapest]) != 0]] if len(cheapest) else cheapest
    indptr = np.searchsorted(tail[use], np.arange(n + 1)).astype(np.int32)
    graph = csr_array((weight[use], head[use].astype(np.int32), indptr), shape=(n, n))
    return graph, arc[use]


def at_points(points: Points, tree: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the cost from points over reverse trees of shape (k, positions): shape (points, k)."""
    u, v = np.maximum(points.u, 0), np.maximum(points.v, 0)
    cost = np.minimum(tree[:, u] + points.to_u, tree[:, v] + points.to_v)
    return np.where(points.joined, cost, np.inf).T


def _attach(
    tables: Tables,
    border: Border,
    router: Router,
    lonlat: NDArray[np.float64],
    side: NDArray[np.object_],
    limit_km: float,
) -> Points:
    """Return points joined to the links of a router's mode."""
    from network.border import largest_component

    mode = "road" if router.mode == "any" else router.mode
    spots = snap(tables, lonlat, side, largest_component(tables, mode), border, limit_km)
    hit = spots["link"].to_numpy() >= 0
    link = np.maximum(spots["link"].to_numpy(), 0)
    _, minutes = connector_times(spots["straight_m"].to_numpy())
    along = tables.links["time_min"].to_numpy(float)[link]
    fraction = spots["fraction"].to_numpy()
    oneway = tables.links["oneway"].to_numpy(bool)[link]
    ends = {c: np.where(hit, router.position[tables.links[c].to_numpy(np.int64)[link]], -1) for c in ("u", "v")}
    return Points(
        u=ends["u"],
        v=ends["v"],
        to_u=np.where(oneway, np.inf, minutes + fraction * along),
        to_v=minutes + (1 - fraction) * along,
        side=side,
        straight_km=spots["straight_m"].to_numpy() / 1000,
    )


def arcs_table(router: Router, field: str) -> pd.DataFrame:
    """Return the compiled arcs as a table of network nodes: ``u``, ``v``, ``cost``, ``link``."""
    graph = router.costs[field].tocoo()
    return pd.DataFrame(
        {"u": router.nodes[graph.row], "v": router.nodes[graph.col], "cost": graph.data, "link": router._rows[field]}
    )
