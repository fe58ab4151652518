"""The routing engine against networkx on the same graph."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import networkx as nx
import numpy as np
import pytest
from pyproj import Geod

from layers.errors import NetworkError
from network.build import FIELDS, Network, with_costs
from network.connectors import CONNECTOR_KPH, DETOUR
from network.graph import to_graph
from network.modes import MODES
from network.routing import Router, arcs_table, at_points, compile_router
from tests.borders import (
    PLAIN,
    ROUNDED,
    Land,
    checkpoints_of,
    edges_of,
    joined_nodes,
    network_of,
    random_network,
    regions_of,
    settlements_of,
)

GEOD = Geod(ellps="WGS84")
SEEDS = range(8)


def weight_of(mode: str, field: str) -> Callable[[int, int, dict[int, dict[str, Any]]], float | None]:
    """Return networkx's weight of parallel edges: the cheapest of the mode's that can be passed, or none."""
    name = field.split(":")

    def weight(_u: int, _v: int, edges: dict[int, dict[str, Any]]) -> float | None:
        costs = [
            round(data["length_m"], 3) if len(name) == 2 else data[field]
            for data in edges.values()
            if (mode == "any" or data["mode"] == mode)
            and np.isfinite(data[FIELDS[name[1]] if len(name) == 2 else field])
        ]
        return min(costs, default=None)

    return weight


def by_networkx(network: Network, mode: str, field: str, nodes: np.ndarray, origins: np.ndarray) -> np.ndarray:
    graph = to_graph(network)
    out = np.full((len(origins), len(nodes)), np.inf)
    for i, origin in enumerate(origins):
        found = nx.single_source_dijkstra_path_length(graph, int(origin), weight=weight_of(mode, field))
        out[i] = [found.get(int(n), np.inf) for n in nodes]
    return out


@pytest.mark.parametrize("field", [*FIELDS.values(), "length_m:open", "length_m:borderless"])
@pytest.mark.parametrize("seed", SEEDS)
def test_costs_are_those_of_networkx(seed: int, field: str) -> None:
    network = random_network(seed)
    rng = np.random.default_rng(seed)
    for mode in MODES:
        router = compile_router(network, mode)
        origins = rng.choice(router.nodes, 5, replace=False)
        expected = by_networkx(network, mode, field, router.nodes, origins)
        for found in (router.trees(origins, field), router.table(origins, router.nodes, field)):
            assert (np.isinf(found) == np.isinf(expected)).all()
            assert found[np.isfinite(found)] == pytest.approx(expected[np.isfinite(expected)], rel=1e-12, abs=1e-9)
        back = router.table(router.nodes, origins, field)  # more origins than targets: grown in reverse
        there = by_networkx(network, mode, field, origins, router.nodes[:20])
        assert (np.isinf(back[:20]) == np.isinf(there)).all()
        assert back[:20][np.isfinite(there)] == pytest.approx(there[np.isfinite(there)], rel=1e-12, abs=1e-9)


@pytest.mark.parametrize("seed", SEEDS)
def test_a_limit_cuts_off_what_is_dearer(seed: int) -> None:
    router = compile_router(random_network(seed), "road")
    full = router.table(router.nodes, router.nodes, "actual_min")
    limit = float(np.median(full[np.isfinite(full)]))
    cut = router.table(router.nodes, router.nodes, "actual_min", limit=limit)
    inside = full <= limit
    assert (np.isfinite(cut) == inside).all()
    assert cut[inside].tolist() == full[inside].tolist()


@pytest.mark.parametrize("seed", SEEDS)
def test_the_nearest_of_several_is_the_least_of_their_costs(seed: int) -> None:
    network = random_network(seed)
    router = compile_router(network, "road")
    targets = np.random.default_rng(seed).choice(router.nodes, 6, replace=False)
    cost, which = router.nearest(targets, "actual_min")
    table = router.table(router.nodes, targets, "actual_min")
    best = table.min(axis=1)
    assert (np.isinf(cost) == np.isinf(best)).all()
    reached = np.isfinite(best)
    assert cost[reached] == pytest.approx(best[reached], rel=1e-12, abs=1e-9)
    assert (which[~reached] == -1).all()
    assert table[reached, which[reached]] == pytest.approx(best[reached], rel=1e-12, abs=1e-9)


def test_the_nearest_passes_over_nodes_the_mode_does_not_touch() -> None:
    network = random_network(1)
    road, rail = compile_router(network, "road"), compile_router(network, "rail")
    strange = np.setdiff1d(rail.nodes, road.nodes)[:1]
    cost, which = road.nearest(strange, "open_min")
    assert np.isinf(cost).all()
    assert (which == -1).all()
    target = road.nodes[3]
    cost, which = road.nearest([*strange, target], "open_min")
    assert cost[road.positions([target])[0]] == 0
    assert set(which[np.isfinite(cost)]) == {1}
    assert np.isinf(road.trees(strange, "open_min")).all()
    assert np.isinf(road.table(strange, road.nodes, "open_min")).all()
    assert road.path(int(strange[0]), int(target), "open_min") is None


@pytest.mark.parametrize("field", FIELDS.values())
@pytest.mark.parametrize("seed", SEEDS)
def test_a_path_is_a_walk_whose_sums_are_its_cost(seed: int, field: str) -> None:
    network = random_network(seed)
    rng = np.random.default_rng(seed)
    links = network.links
    for mode in ("road", "any"):
        router = compile_router(network, mode)
        for origin, target in rng.choice(router.nodes, (12, 2)):
            cost = router.table([origin], [target], field)[0, 0]
            way = router.path(int(origin), int(target), field)
            if np.isinf(cost):
                assert way is None
                continue
            assert way is not None
            assert way.time_min + way.wait_min == pytest.approx(cost, abs=2 * ROUNDED * len(way.links) + 1e-9)
            used = links.iloc[way.links]
            assert used[field].sum() == pytest.approx(cost, rel=1e-12, abs=1e-9)
            assert way.length_m == pytest.approx(used["length_m"].sum())
            near = router.path(int(origin), int(target), field, limit=cost)
            assert near is not None
            assert near.links.tolist() == way.links.tolist()
            assert cost == 0 or router.path(int(origin), int(target), field, limit=cost - 0.01) is None
            gates = used.loc[used["kind"] == "gate", "checkpoint_id"]
            assert way.checkpoints == tuple(gates)
            assert (way.wait_min > 0) <= (field == "actual_min")
            at = origin
            for link in used.itertuples():
                assert at == link.u or (at == link.v and not link.oneway)
                at = link.v if at == link.u else link.u
            assert at == target


def test_a_path_to_itself_is_empty() -> None:
    router = compile_router(random_network(0), "road")
    way = router.path(int(router.nodes[0]), int(router.nodes[0]), "actual_min")
    assert way is not None
    assert (way.length_m, way.time_min, way.wait_min, way.checkpoints, len(way.links)) == (0, 0, 0, (), 0)


def test_unreachable_is_infinity_or_none() -> None:
    network = random_network(0)
    router = compile_router(network, "any")
    table = router.table(router.nodes, router.nodes, "actual_min")
    apart = np.argwhere(np.isinf(table))
    assert len(apart)
    assert table[np.isfinite(table)].max() < 1e5
    origin, target = router.nodes[apart[0]]
    assert router.path(int(origin), int(target), "actual_min") is None


def one_way_land() -> Land:
    """Return a one-way ring of three places inside a, and a road over the line."""
    nodes = [(-90.0, 0.0), (-50.0, 30.0), (-50.0, -30.0), (50.0, 0.0)]
    ends = [(0, 1), (1, 2), (2, 0), (1, 3)]
    return Land(
        regions=regions_of(PLAIN, [(0.0, -150.0), (0.0, 150.0)], ("RU", "KZ")),
        roads=edges_of(PLAIN, nodes, ends, oneway=[True, True, True, False]),
        railways=edges_of(PLAIN, nodes, ends[:1], "railways").iloc[:0],
        checkpoints=checkpoints_of(PLAIN, [(0.0, 15.0)]),
        settlements=settlements_of(PLAIN, nodes, ["RU", "RU", "RU", "KZ"]),
        countries=("RU", "KZ"),
    )


def test_one_way_roads_are_kept_forward_and_in_reverse() -> None:
    network = network_of(one_way_land())
    router = compile_router(network, "road")
    nodes = joined_nodes(network)
    forward = router.trees(nodes, "open_min")[:, router.positions(nodes)]
    reverse = router.trees(nodes, "open_min", reverse=True)[:, router.positions(nodes)]
    assert reverse == pytest.approx(forward.T)
    ring = forward[0, 1] + forward[1, 2] + forward[2, 0]
    assert forward[1, 0] == pytest.approx(ring - forward[0, 1])
    assert forward[2, 1] == pytest.approx(ring - forward[1, 2])
    assert forward[0, 1] < forward[1, 0]


def attached(router: Router, seed: int, n: int = 12) -> tuple[np.ndarray, np.ndarray, Any]:
    rng = np.random.default_rng(seed)
    network = router.network
    xy = network.nodes.loc[rng.choice(joined_nodes(network), n), ["x", "y"]].to_numpy(float) + rng.uniform(
        -0.1, 0.1, (n, 2)
    )
    side = rng.choice(np.array(["a", "b"], dtype=object), n)
    return xy, side, router.attach(xy, side, limit_km=60.0)


@pytest.mark.parametrize("back", [False, True])
@pytest.mark.parametrize("seed", SEEDS)
def test_point_costs_are_the_same_from_either_end(seed: int, back: bool) -> None:
    router = compile_router(random_network(seed), "road")
    _, _, points = attached(router, seed, 2)
    targets = router.nodes[::2]
    assert len(targets) > 2 * len(points.u)
    many = router.point_table(points, targets, "actual_min", back=back)
    few = [router.point_table(points, targets[k : k + 1], "actual_min", back=back) for k in range(len(targets))]
    np.testing.assert_array_equal(many, np.concatenate(few, axis=1))


@pytest.mark.parametrize("seed", SEEDS)
def test_point_costs_are_the_better_way_off_the_link(seed: int) -> None:
    network = random_network(seed)
    router = compile_router(network, "road")
    _, side, points = attached(router, seed)
    targets = joined_nodes(network)[:7]
    found = router.point_table(points, targets, "actual_min")
    tree = router.table(router.nodes, targets, "actual_min")
    for i in range(len(points)):
        accesses = np.flatnonzero(points.point == i)
        assert len(accesses) >= 1
        if not points.joined[i]:
            assert np.isinf(found[i]).all()
            assert np.isnan(points.connector_km[i])
            continue
        ways = [np.full(len(targets), np.inf)]
        for k in accesses:
            assert network.nodes["side"][router.nodes[points.u[k]]] == side[i]
            ways += [points.to_u[k] + tree[points.u[k]], points.to_v[k] + tree[points.v[k]]]
        assert found[i] == pytest.approx(np.min(ways, axis=0), rel=1e-12)
    assert points.joined.any()
    assert len(points) == 12
    assert at_points(points, router.trees(targets, "actual_min", reverse=True)) == pytest.approx(found)


def test_a_point_is_joined_where_a_settlement_at_its_place_is() -> None:
    """By hand: 20 km beside the middle of a straight road."""
    network = network_of(one_way_land())
    router = compile_router(network, "road")
    lonlat = PLAIN.lonlat(np.array([0.5 * (-50 - 90)]), np.array([15.0]))
    points = router.attach(lonlat, np.array(["a"], dtype=object), limit_km=60)
    minutes = points.straight_km * DETOUR / CONNECTOR_KPH * 60
    link = network.links[network.links["kind"] == "trunk"].iloc[0]
    assert points.straight_km[0] < 0.2
    assert np.isinf(points.to_u[0])
    assert points.to_v[0] == pytest.approx(minutes[0] + link["time_min"] / 2, rel=0.01)


def test_points_beyond_the_limit_or_of_no_side_join_nothing() -> None:
    network = random_network(2)
    router = compile_router(network, "road")
    xy, side, near = attached(router, 2)
    reach = float(np.nanmax(near.connector_km))
    closer = router.attach(xy, side, limit_km=reach / 2)
    assert (closer.joined == (near.connector_km <= reach / 2)).mean() > 0.9
    assert not (closer.straight_km > reach / 2 * 1.01).any()
    nowhere = router.attach(xy, np.full(len(xy), "", dtype=object), limit_km=60)
    assert not nowhere.joined.any()
    assert np.isinf(router.point_table(nowhere, joined_nodes(network), "open_min")).all()


def test_the_arcs_are_the_cheapest_of_parallel_links() -> None:
    network = random_network(5)
    router = compile_router(network, "road")
    arcs = arcs_table(router, "actual_min")
    assert not arcs.duplicated(["u", "v"]).any()
    graph, weight = to_graph(network), weight_of("road", "actual_min")
    expected = {(u, v): weight(u, v, graph.get_edge_data(u, v)) for u, v in graph.edges()}
    found = dict(zip(zip(arcs["u"], arcs["v"], strict=True), arcs["cost"], strict=True))
    assert found == {pair: cost for pair, cost in expected.items() if cost is not None}
    assert (network.links["actual_min"].to_numpy()[arcs["link"]] == arcs["cost"]).all()


def test_an_unknown_or_absent_mode_is_refused() -> None:
    network = network_of(one_way_land())
    with pytest.raises(NetworkError, match=r"mode 'air' is unknown: allowed are road, rail, any"):
        compile_router(network, "air")  # type: ignore[arg-type]
    with pytest.raises(NetworkError, match="no links by rail"):
        compile_router(network, "rail")
    assert "by road" in repr(compile_router(network, "road"))


@pytest.mark.parametrize("wait", [-100.0, float("nan")])
def test_negative_and_unknown_costs_are_refused(wait: float) -> None:
    network = random_network(1)
    links = network.links.copy()
    links.loc[links["kind"] == "gate", "wait_min"] = wait
    with pytest.raises(NetworkError, match="negative or unknown"):
        compile_router(replace(network, links=with_costs(links)), "road")


@pytest.mark.parametrize("seed", SEEDS)
def test_the_nearest_by_ways_that_avoid_nodes_is_that_of_the_network_without_them(seed: int) -> None:
    network = random_network(seed)
    rng = np.random.default_rng(seed)
    router = compile_router(network, "road")
    avoiding = rng.random(len(router.nodes)) < 0.2
    some = rng.choice(router.nodes[~avoiding], 3, replace=False)
    found, which = router.nearest(some, "open_min", avoiding=avoiding)
    graph = to_graph(network).reverse(copy=True)
    graph.remove_nodes_from(router.nodes[avoiding].tolist())
    weight = weight_of("road", "open_min")
    minutes = [nx.single_source_dijkstra_path_length(graph, int(node), weight=weight) for node in some]
    by_hand = np.array([min(m.get(int(node), np.inf) for m in minutes) for node in router.nodes])
    np.testing.assert_allclose(found, by_hand, atol=1e-6)
    assert ((which >= 0) == np.isfinite(by_hand)).all()
    assert np.isfinite(found).sum() > 3
