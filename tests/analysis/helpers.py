"""What the tests of the analysis share.

Small borders drawn by hand, random borders with cells, shortest paths by networkx.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import permutations
from typing import TYPE_CHECKING, Any

import h3
import networkx as nx
import numpy as np
import shapely
from numpy.typing import NDArray

from analysis.reach.accessibility import Targets
from analysis.units import h3_cells
from layers.crs import GEOD
from layers.regions import border_line
from network.build import Network
from network.graph import to_graph
from network.modes import MODES, Mode
from network.routing import Points, Router, compile_router
from tests.borders import (
    PLAIN,
    Land,
    checkpoints_of,
    edges_of,
    network_of,
    random_land,
    random_network,
    regions_of,
    settlements_of,
)

if TYPE_CHECKING:
    import geopandas as gpd

Places = Sequence[tuple[float, float]]
Ends = Sequence[tuple[int, int]]
LINE = [(0.0, -150.0), (0.0, 150.0)]
TRUNK_KPH = 85.0
"""The class that a road without a kind takes, as method.md and docs/decisions.md have it."""


def drawn_land(
    nodes: Places,
    ends: Ends,
    posts: Places,
    towns: Places,
    *,
    waits: Sequence[float] | None = None,
    population: Sequence[int] | None = None,
    railways: gpd.GeoDataFrame | None = None,
    line: Places = LINE,
    is_open: Sequence[bool] | None = None,
    modes: Sequence[str] | None = None,
    **columns: Any,
) -> Land:
    """Return a border drawn in the plain frame: side a where s < 0; towns on the other hand belong to b."""
    roads = edges_of(PLAIN, nodes, ends, **columns)
    n = len(posts)
    return Land(
        regions=regions_of(PLAIN, line, ("RU", "KZ")),
        roads=roads,
        railways=roads.iloc[:0] if railways is None else railways,
        checkpoints=checkpoints_of(
            PLAIN,
            posts,
            mode=list(modes or ["road"] * n),
            wait_min=list(waits or [0.0] * n),
            open=list(is_open or [True] * n),
        ),
        settlements=settlements_of(
            PLAIN,
            towns,
            ["RU" if s < 0 else "KZ" for s, _ in towns],
            population=list(population or [1000] * len(towns)),
        ),
        countries=("RU", "KZ"),
    )


def drive_min(*places: tuple[float, float], kph: float = TRUNK_KPH) -> float:
    """Return minutes over straight links from place to place (s, t), geodesics straight from pyproj."""
    xy = PLAIN.lonlat(*np.asarray(places, float).T)
    return float(GEOD.inv(*xy[:-1].T, *xy[1:].T)[2].sum()) / 1000 / kph * 60


@dataclass(frozen=True)
class Case:
    """A random border with its line, a router, cells joined to it, and the settlements that draw trips."""

    network: Network
    border: gpd.GeoDataFrame
    router: Router
    cells: gpd.GeoDataFrame
    points: Points
    targets: Targets


@cache
def case(seed: int, mode: Mode = "road") -> Case:
    """Return a random border; each is built once in a session."""
    land, network = random_land(seed), random_network(seed)
    border = border_line(land.regions, land.countries)
    router = compile_router(network, mode)
    cells = h3_cells(network.base.regions, border, network.crs, resolution=4, depth_km=80.0)
    points = router.attach(
        cells[["lon", "lat"]].to_numpy(float), cells["side"].to_numpy(dtype=object), limit_km=network.limits.point_km
    )
    return Case(network, border, router, cells, points, Targets.of(network, router))


def cheapest(network: Network, mode: str, field: str) -> nx.DiGraph[Hashable]:
    """Return the cheapest passable edge of each pair of nodes in the multigraph, by mode.

    From an added place none leads on.
    """
    out: nx.DiGraph[Hashable] = nx.DiGraph()
    whole = to_graph(network)
    for u, v, data in whole.edges(data=True):
        cost = float(data[field])
        leads_on = whole.nodes[u]["kind"] != "place"
        if leads_on and (mode == "any" or data["mode"] == mode) and np.isfinite(cost):
            old = out.get_edge_data(u, v, {"cost": np.inf})["cost"]
            out.add_edge(u, v, cost=min(old, cost))
    return out


def domestic_graph(network: Network, mode: str) -> nx.DiGraph[Hashable]:
    """Return a graph whose nodes remember by which gate the way left home: waits are known on the way back alone.

    Nodes are those of the network at home, and pairs of node and gate's row beyond the line. From an added place none
    leads on.
    """
    out: nx.DiGraph[Hashable] = nx.DiGraph()

    def edge(u: Hashable, v: Hashable, cost: float) -> None:
        out.add_edge(u, v, cost=min(cost, out.get_edge_data(u, v, {"cost": np.inf})["cost"]))

    links = network.links[network.links["passable"] & (network.links["mode"].eq(mode) | (mode == "any"))]
    gates = links[links["kind"] == "gate"]
    leads_on = (network.nodes["kind"] != "place").to_numpy()
    charged = dict(
        zip(gates.index, (gates["wait_min"] * gates["mode"].isin(network.domestic_wait)).round(3), strict=True)
    )
    for link in links[~links["crossing"]].itertuples():
        for u, v in [(link.u, link.v), *([] if link.oneway else [(link.v, link.u)])]:
            if not leads_on[u]:
                continue
            edge(u, v, link.open_min)
            for row in gates.index:
                edge((u, row), (v, row), link.open_min)
    for gate in gates.itertuples():
        edge(gate.u, (gate.v, gate.Index), 0.0)
        for first in gates.itertuples():
            # A turn at a post on assumed connectors follows no road: it is two crossings, and both wait.
            same = first.crossing_id == gate.crossing_id and not str(gate.crossing_id).startswith("connector-")
            edge((gate.u, first.Index), gate.v, 0.0 if same else charged[first.Index] + charged[gate.Index])
    return out


def with_points(graph: nx.DiGraph[Hashable], router: Router, points: Points) -> list[tuple[str, int]]:
    """Attach points to a graph as nodes of their own, in place, and return their names."""
    names = [("point", i) for i in range(len(points))]
    graph.add_nodes_from(names)
    for k, i in enumerate(points.point):  # accesses: each an edge to both ends of its link
        name = names[i]
        if points.u[k] >= 0:
            for end, cost in ((points.u[k], points.to_u[k]), (points.v[k], points.to_v[k])):
                if np.isfinite(cost):
                    node, new = int(router.nodes[end]), float(cost)
                    old = graph.get_edge_data(name, node, {"cost": np.inf})["cost"]
                    graph.add_edge(name, node, cost=min(old, new))
    return names


def walk(graph: nx.DiGraph[Hashable], origins: Sequence[Any], targets: Sequence[Any]) -> NDArray[np.float64]:
    """Return minutes of all pairs by networkx, infinity where there is no way."""
    out = np.full((len(origins), len(targets)), np.inf)
    for i, origin in enumerate(origins):
        if origin in graph:
            found = nx.single_source_dijkstra_path_length(graph, origin, weight="cost")
            out[i] = [found.get(t, np.inf) for t in targets]
    return out


def shares_by_orders(minutes: NDArray[np.float64], crossing: Sequence[int], theta: float) -> NDArray[np.float64]:
    """Return the choice of a post and crossing over the first axis.

    Posts come in every order, each adds to its crossing's best.
    """
    best = minutes.min(axis=0, initial=np.inf)
    odds = np.where(np.isfinite(minutes), np.exp(-theta * (minutes - np.where(np.isfinite(best), best, 0))), 0)
    weight = np.zeros_like(odds)
    for one in set(crossing):
        orders = list(permutations(k for k, c in enumerate(crossing) if c == one))
        for order in orders:
            top = np.zeros(odds.shape[1:])
            for k in order:
                weight[k] += (np.maximum(top, odds[k]) - top) / len(orders)
                top = np.maximum(top, odds[k])
    total = weight.sum(axis=0)
    return np.asarray(weight / np.where(total > 0, total, 1.0), float)


def at_settlements(network: Network, router: Router) -> Points:
    """Return the settlements as points of the router, each at its own node."""
    at = router.positions(network.settlements["node"].to_numpy())
    return Points.at_nodes(at, network.settlements["side"].to_numpy(dtype=object))


def disk(rings: int, *, lon: float = 60.0, lat: float = 50.0, resolution: int = 4) -> list[str]:
    """Return the H3 cells of a full disk, sorted."""
    return sorted(h3.grid_disk(h3.latlng_to_cell(lat, lon, resolution), rings))


def geodesic_to_line_m(lon: float, lat: float, line: shapely.Geometry, *, step: float = 0.002) -> float:
    """Return the geodesic distance to a line, sampled every `step` degrees of it.

    Within a few metres at 50 km and more.
    """
    xy = shapely.get_coordinates(shapely.segmentize(line, step))
    return float(GEOD.inv(np.full(len(xy), lon), np.full(len(xy), lat), xy[:, 0], xy[:, 1])[2].min())


__all__ = [
    "LINE",
    "MODES",
    "PLAIN",
    "Case",
    "at_settlements",
    "case",
    "cheapest",
    "disk",
    "drawn_land",
    "drive_min",
    "geodesic_to_line_m",
    "network_of",
    "shares_by_orders",
    "walk",
    "with_points",
]


def two_sided(values: NDArray[np.float64], draws: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return twice the smaller share of draws as far out, the value itself counted, at most 1.

    A unit a row of draws.
    """
    value = np.asarray(values, float)[:, None]
    above, below = ((draws >= value).sum(axis=1), (draws <= value).sum(axis=1))
    return np.asarray(np.minimum(1.0, 2 * (1 + np.minimum(above, below)) / (draws.shape[1] + 1)), float)
