"""Efficiency: against networkx where weights are 1, against its Dijkstra where they are not, and by hand."""

from __future__ import annotations

import networkx as nx
import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray
from scipy.sparse import coo_array, csr_array
from scipy.sparse.csgraph import dijkstra

from analysis.connectivity.efficiency import (
    _beside_other_arcs,
    efficiency_of_regions,
    global_efficiency,
    graph_efficiency,
    ideal_minutes,
    local_efficiency,
    pairs_efficiency,
    place_efficiency,
)
from analysis.connectivity.pairs import place_pairs
from layers.crs import GEOD
from layers.errors import NetworkError
from network.build import FIELDS, NETWORKS
from network.routing import compile_router
from tests.analysis.helpers import case, cheapest, walk
from tests.borders import network_of, random_land, shuffled

SEEDS = range(8)
NAN = float("nan")


def drawn(seed: int, *, directed: bool = False) -> nx.Graph[int]:
    """Return a random graph with isolates and pieces, weights from 1 to 9."""
    rng = np.random.default_rng(seed)
    graph = nx.gnp_random_graph(25, (0.06, 0.15, 0.3)[seed % 3], seed=seed, directed=directed)
    for _, _, data in graph.edges(data=True):
        data["weight"] = float(rng.integers(1, 10))
    return graph


def matrix(graph: nx.Graph[int], *, weight: str | None = "weight") -> csr_array:
    return csr_array(nx.to_scipy_sparse_array(graph, nodelist=range(len(graph)), weight=weight, dtype=float))


@pytest.mark.parametrize("seed", SEEDS)
def test_with_weights_of_one_both_are_those_of_networkx(seed: int) -> None:
    graph = drawn(seed)
    ones = matrix(graph, weight=None)
    assert global_efficiency(dijkstra(ones)) == pytest.approx(nx.global_efficiency(graph), rel=1e-12)
    assert local_efficiency(ones).mean() == pytest.approx(nx.local_efficiency(graph), rel=1e-12, abs=1e-15)


def by_hand(graph: nx.Graph[int], nodes: list[int]) -> float:
    """Mean of 1/d over ordered pairs within the graph that the nodes induce."""
    part = graph.subgraph(nodes)
    if len(nodes) < 2:
        return 0.0
    inverse = 0.0
    for i in nodes:
        found = nx.single_source_dijkstra_path_length(part, i, weight="weight")
        inverse += sum(1 / d for j, d in found.items() if j != i)
    return inverse / (len(nodes) * (len(nodes) - 1))


@pytest.mark.parametrize("directed", [False, True])
@pytest.mark.parametrize("seed", SEEDS)
def test_with_weights_both_are_those_of_networkx_dijkstra(seed: int, directed: bool) -> None:
    graph = drawn(seed, directed=directed)
    m = matrix(graph)
    assert global_efficiency(dijkstra(m)) == pytest.approx(by_hand(graph, list(graph)), rel=1e-12)
    around = [sorted(set(nx.all_neighbors(graph, i)) - {i}) for i in graph]
    np.testing.assert_allclose(local_efficiency(m), [by_hand(graph, k) for k in around], rtol=1e-12)


def test_nothing_is_lost_by_a_pair_without_a_way_and_two_places_at_one_spot_are_no_pair() -> None:
    t = np.array([[0.0, 2.0, NAN], [2.0, 0.0, np.inf], [4.0, NAN, 0.0]])
    assert global_efficiency(t) == pytest.approx((0.5 + 0.5 + 0.25) / 6)
    t[0, 1] = 0.0
    assert global_efficiency(t) == pytest.approx((0.5 + 0.25) / 5)
    assert np.isnan(global_efficiency(np.zeros((1, 1))))


def test_local_efficiency_scaled_to_straight_roads() -> None:
    """A straight triangle at the reference speed is 1; without the third side, or in twice the time, it is less."""
    lonlat = np.array([[60.0, 50.0], [60.5, 50.0], [60.0, 50.4]])
    ideal = ideal_minutes(lonlat, lonlat)
    m = csr_array(coo_array(ideal))
    assert local_efficiency(m, lonlat=lonlat).tolist() == pytest.approx([1, 1, 1])
    assert local_efficiency(csr_array(2 * ideal), lonlat=lonlat).tolist() == pytest.approx([0.5] * 3)
    ideal[1, 2] = ideal[2, 1] = 0.0
    assert local_efficiency(csr_array(ideal), lonlat=lonlat).tolist() == [0, 0, 0]
    with pytest.raises(NetworkError, match="more than 0"):
        ideal_minutes(lonlat, lonlat, reference_kph=0)


@pytest.mark.parametrize("seed", range(4))
def test_the_whole_graph_is_that_of_networkx(seed: int) -> None:
    made = case(seed)
    table = graph_efficiency(made.router).set_index("network")
    node = made.router.nodes
    xy = made.network.nodes[["x", "y"]].to_numpy(float)[node]
    i, j = np.meshgrid(np.arange(len(node)), np.arange(len(node)), indexing="ij")
    away = GEOD.inv(*xy[i.ravel()].T, *xy[j.ravel()].T)[2].reshape(i.shape) / 1000
    apart = away > 0
    for name in NETWORKS:
        graph = cheapest(made.network, "road", FIELDS[name])
        minutes = walk(graph, node.tolist(), node.tolist())
        real = (1 / minutes[apart]).mean()
        row = table.loc[name]
        assert row["global_efficiency_per_min"] == pytest.approx(real, rel=1e-9)
        assert row["relative_efficiency"] == pytest.approx(real / (100 / 60 / away[apart]).mean(), rel=1e-9)
        assert 0 < row["relative_efficiency"] < 1
        assert 0 <= row["local_relative_efficiency"] < 1
    found = table["global_efficiency_per_min"]
    assert found["borderless"] >= found["open"] >= found["actual"]
    some = graph_efficiency(made.router, roots=len(node)).set_index("network")
    pd.testing.assert_frame_equal(some, table)
    assert (table[[c for c in table if "_se" in str(c)]] == 0).all(axis=None)


@pytest.mark.parametrize("seed", range(12))
def test_local_efficiency_of_the_three_networks_is_that_of_each_by_itself(seed: int) -> None:
    router = compile_router(network_of(random_land(seed)), "road")
    lonlat = router.network.nodes[["x", "y"]].to_numpy(float)[router.nodes]
    found = graph_efficiency(router, roots=2)["local_relative_efficiency"]
    plain = [float(local_efficiency(router.costs[FIELDS[name]], lonlat=lonlat).mean()) for name in NETWORKS]
    assert found.tolist() == plain


@pytest.mark.parametrize("seed", range(12))
def test_nodes_away_from_other_arcs_keep_their_local_efficiency(seed: int) -> None:
    rng = np.random.default_rng(seed)
    one, two = (np.where(rng.random((14, 14)) < 0.25, rng.integers(1, 5, (14, 14)) * 1.0, 0.0) for _ in range(2))
    two = np.where(rng.random((14, 14)) < 0.93, one, two)
    for m in (one, two):
        np.fill_diagonal(m, 0.0)
    near = _beside_other_arcs(csr_array(one), csr_array(two))
    before, after = (local_efficiency(csr_array(m)) for m in (one, two))
    np.testing.assert_array_equal(before[~near], after[~near])
    part = local_efficiency(csr_array(two), nodes=near)
    np.testing.assert_array_equal(np.where(near, part, before), after)


@pytest.mark.parametrize("seed", [1, 3])
def test_the_standard_error_is_the_spread_of_repeated_samples(seed: int) -> None:
    router = case(seed).router
    draws, roots = 250, len(router.nodes) // 4
    exact = graph_efficiency(router, networks=["actual"])
    found = pd.concat([graph_efficiency(router, networks=["actual"], roots=roots, seed=k) for k in range(draws)])
    assert (found["roots"] == roots).all()
    for name, error in (
        ("global_efficiency_per_min", "global_efficiency_se_per_min"),
        ("ideal_efficiency_per_min", "ideal_efficiency_se_per_min"),
        ("relative_efficiency", "relative_efficiency_se"),
    ):
        true, spread = exact[name].iloc[0], found[name].std()
        assert (
            abs(found[name].mean() - true) < 4 * spread / np.sqrt(draws) + 0.1 * spread
        )  # a ratio is all but unbiased
        assert np.sqrt((found[error] ** 2).mean()) == pytest.approx(spread, rel=0.15)
        assert (abs(found[name] - true) <= 2 * found[error]).mean() > 0.88


def test_a_single_root_has_no_standard_error_and_a_seed_its_own_roots() -> None:
    router = case(0).router
    one = graph_efficiency(router, networks=["open"], roots=1)
    assert one["roots"].tolist() == [1]
    assert one["relative_efficiency_se"].isna().all()
    first, second = (graph_efficiency(router, networks=["open"], roots=9, seed=k) for k in (4, 5))
    pd.testing.assert_frame_equal(first, graph_efficiency(router, networks=["open"], roots=9, seed=4))
    assert first["relative_efficiency"].iloc[0] != second["relative_efficiency"].iloc[0]


def test_the_roots_do_not_hang_on_the_order_of_rows() -> None:
    land = random_land(2)
    one, other = (compile_router(network_of(x)) for x in (land, shuffled(land, 3)))
    found, again = (graph_efficiency(r, roots=12) for r in (one, other))
    pd.testing.assert_frame_equal(found, again, rtol=1e-9)


def straight_km(a: pd.DataFrame, b: pd.DataFrame) -> NDArray[np.float64]:
    return np.array([[GEOD.inv(p.x, p.y, q.x, q.y)[2] / 1000 for q in b.geometry] for p in a.geometry])


@pytest.mark.parametrize("seed", SEEDS)
def test_place_efficiency_pair_by_pair(seed: int) -> None:
    made = case(seed)
    table = made.network.settlements
    rows = np.flatnonzero((table["population"] > 0) & table["snap_km"].notna())
    found = place_efficiency(table, made.router, rows, rows)
    km = straight_km(table.iloc[rows], table.iloc[rows])
    node = table["node"].to_numpy()[rows].tolist()
    times = {n: walk(cheapest(made.network, "road", FIELDS[n]), node, node) for n in NETWORKS}
    side, people = table["side"].to_numpy()[rows], table["population"].to_numpy(float)[rows]
    for i in range(len(rows)):
        for what, mine in (("domestic", side == side[i]), ("cross", side != side[i])):
            last = times["open"] if what == "domestic" else times["actual"]
            use = [j for j in range(len(rows)) if mine[j] and km[i, j] >= 10 and np.isfinite(last[i, j])]
            for n in NETWORKS:
                t = times["open"] if (what, n) == ("domestic", "actual") else times[n]
                total = people[use].sum()
                value = sum(t[i, j] / (km[i, j] / 100 * 60) * people[j] for j in use) / total if total else NAN
                assert found[f"ne_{what}_{n}"].iloc[i] == pytest.approx(value, rel=1e-9, nan_ok=True)
    for what in ("domestic", "cross"):
        free, allowed, real = (found[f"ne_{what}_{n}"].dropna() for n in NETWORKS)
        assert (free >= 1).all()
        assert (free <= allowed + 1e-12).all()
        assert (allowed <= real + 1e-12).all()


def test_the_reference_speed_cancels_in_ratios() -> None:
    made = case(0)
    rows = np.flatnonzero(made.network.settlements["snap_km"].notna())
    fast, slow = (
        place_efficiency(made.network.settlements, made.router, rows, rows, reference_kph=v) for v in (100, 50)
    )
    np.testing.assert_allclose(fast["ne_cross_open"], 2 * slow["ne_cross_open"], rtol=1e-12)
    np.testing.assert_allclose(fast["ne_ratio_actual"], slow["ne_ratio_actual"], rtol=1e-12)


def test_regions_weigh_their_places_by_people() -> None:
    columns = [f"ne_{w}_{n}" for w in ("domestic", "cross") for n in NETWORKS]
    places = pd.DataFrame(
        {"region": ["R", "R", "S"], "population": [100, 300, 7], **{c: [2.0, 4.0, NAN] for c in columns}}
    )
    places.loc[0, "ne_cross_actual"] = NAN
    found = efficiency_of_regions(places).set_index("region")
    assert found["places"].tolist() == [2, 1]
    assert found.loc["R", "ne_domestic_open"] == pytest.approx(3.5)
    assert found.loc["R", "ne_cross_actual"] == pytest.approx(4)
    assert found.loc["R", "ne_ratio_actual"] == pytest.approx(4 / 3.5)
    assert found.loc["S"].drop("places").isna().all()


@pytest.mark.parametrize("seed", SEEDS)
def test_efficiency_among_places_by_hand(seed: int) -> None:
    made = case(seed)
    rows = np.flatnonzero(made.network.settlements["snap_km"].notna())
    pairs = place_pairs(made.network.settlements, made.router, rows)
    table = pairs_efficiency(pairs).set_index(["region", "kind"])
    cross = pairs[pairs["kind"] == "cross"]
    for n in NETWORKS:
        mean = (1 / cross[f"time_{n}_min"]).fillna(0.0).mean()
        assert table.loc[("all", "cross"), f"efficiency_{n}_per_min"] == pytest.approx(mean)
        ideal = (100 / 60 / cross["geodesic_km"]).mean()
        assert table.loc[("all", "cross"), f"relative_{n}"] == pytest.approx(mean / ideal)
    region = cross["origin_region"].iloc[0]
    assert table.loc[(region, "cross"), "pairs"] == (cross["origin_region"] == region).sum()
    inside = pairs[
        (pairs["kind"] == "domestic_a") & ((pairs["origin_region"] == region) | (pairs["destination_region"] == region))
    ]
    assert table.loc[(region, "domestic"), "pairs"] == len(inside)
