"""Tables over the pieces of a graph: scipy's own, whatever the graph; every cut parts what it says."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.sparse import csr_array
from scipy.sparse.csgraph import dijkstra
from scipy.spatial import Delaunay

from network import bank, compiling, costs, hierarchy, sweeps
from network.build import DOMESTIC, FIELDS
from network.dissection import dissect
from network.routing import compile_router
from tests.borders import random_network


def drawn(seed: int, n: int = 300) -> tuple[csr_array, np.ndarray]:
    """Return a planar graph with a third of its links one-way, some without a cost, a few far ones, and islands."""
    rng = np.random.default_rng(seed)
    where = rng.random((n, 2))
    corners = Delaunay(where).simplices
    arcs = np.concatenate([corners[:, [0, 1]], corners[:, [1, 2]], rng.integers(0, n, (seed % 4, 2))])
    arcs = np.concatenate([arcs, arcs[rng.random(len(arcs)) < 2 / 3][:, ::-1]])
    # Nothing leads over a line: two large parts; and some nodes have no links.
    apart = (where[:, 0] < 0.4) if seed % 2 else np.zeros(n, bool)
    lone = rng.random(n) < 0.03
    some = (apart[arcs[:, 0]] == apart[arcs[:, 1]]) & ~lone[arcs].any(axis=1) & (arcs[:, 0] != arcs[:, 1])
    arcs = np.unique(arcs[some], axis=0)
    cost = rng.integers(0, 9, len(arcs)) * float(rng.choice([1, 10_000_000]))
    return csr_array((cost, (arcs[:, 0], arcs[:, 1])), shape=(n, n)), where


@pytest.fixture(autouse=True)
def nothing_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    sweeps.forget()
    bank.forget()
    monkeypatch.setattr(sweeps, "ISLAND", 8)


@pytest.mark.parametrize("leaf", [3, 20, 1000])
@pytest.mark.parametrize("seed", range(12))
def test_a_cut_parts_what_lies_on_its_two_sides(seed: int, leaf: int) -> None:
    costs, where = drawn(seed)
    tail, head = costs.tocoo().coords
    p = dissect(tail.astype(np.int64), head.astype(np.int64), where, leaf=leaf)
    pieces = range(len(p.own))
    below = [{j for j in pieces if j >= i and p.first[i] <= p.first[j] < p.past[i]} for i in pieces]
    for i in pieces:
        nodes = np.isin(p.of_node, list(below[i]))
        assert p.own[i] == (p.of_node == i).sum()
        assert len(p.parts[i]) or p.own[i] <= leaf
        # A link from the piece ends in it or at its rim.
        out = np.concatenate([head[nodes[tail]], tail[nodes[head]]])
        beyond = np.unique(out[~nodes[out]])
        assert np.array_equal(np.sort(p.place[beyond]), p.rims[i])
        assert (p.place[beyond] < p.above[i]).all()
        for part in p.parts[i]:
            assert below[part] < below[i]
            row = np.r_[p.above[i] + np.arange(p.own[i]), p.rims[i]]
            assert np.array_equal(row[p.on_part[part]], p.rims[part])
    inner = p.of_node[tail]
    local = p.local(np.maximum(inner, p.of_node[head]), tail.astype(np.int64))
    for i, at, node in zip(np.maximum(inner, p.of_node[head]), local, tail, strict=True):
        assert np.r_[p.above[i] + np.arange(p.own[i]), p.rims[i]][at] == p.place[node]


@pytest.mark.parametrize("at_once", [7, 2048])
@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("seed", range(16))
def test_a_table_is_scipys(seed: int, reverse: bool, at_once: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of any roots and columns, in any order, some of them twice, below any limit: every bit."""
    monkeypatch.setattr(sweeps, "AT_ONCE", at_once)
    costs, where = drawn(seed)
    rng = np.random.default_rng(seed)
    expected = dijkstra(costs)
    expected = expected.T if reverse else expected
    for size in ((1, 40), (60, 5), (300, 300)):
        roots, columns = rng.integers(0, 300, size[0]), rng.integers(0, 300, size[1])
        found = sweeps.costs_between(costs, where, roots, columns, reverse=reverse)
        assert np.array_equal(found, expected[np.ix_(roots, columns)])
        limit = float(np.median(found[np.isfinite(found)])) if np.isfinite(found).any() else 5.0
        near = sweeps.costs_between(costs, where, roots, columns, reverse=reverse, limit=limit)
        assert np.array_equal(near, np.where(found <= limit, found, np.inf))


def test_costs_up_to_the_largest_that_a_way_may_have_are_added_exactly() -> None:
    """Four links of a row cost as much as 32 bits hold as a sum; longer ways are none."""
    n, cost = 40, (sweeps.NO_WAY - 1) // 4
    ends = np.arange(n - 1)
    graph = csr_array((np.full(2 * n - 2, float(cost)), (np.r_[ends, ends + 1], np.r_[ends + 1, ends])), shape=(n, n))
    where = np.column_stack([np.arange(n), np.zeros(n)])
    every = np.arange(n)
    steps = np.abs(every[:, None] - every)
    found = sweeps.costs_between(graph, where, every, every)
    assert np.array_equal(found, np.where(steps <= 4, steps * float(cost), np.inf))


def test_nodes_without_links_and_lists_without_nodes() -> None:
    none = csr_array((5, 5))
    where = np.zeros((5, 2))
    some = np.array([1, 3])
    assert np.array_equal(sweeps.costs_between(none, where, some, some), [[0.0, np.inf], [np.inf, 0.0]])
    assert sweeps.costs_between(none, where, some[:0], some).shape == (0, 2)
    assert sweeps.costs_between(none, where, some, some[:0]).shape == (2, 0)


def test_what_was_asked_last_is_kept_and_no_more() -> None:
    every = np.arange(300)
    for seed in range(12):
        costs, where = drawn(seed)
        for _ in range(2):
            sweeps.costs_between(costs, where, every, every)
        assert len(sweeps._SWEEPS) <= sweeps.MOST_SWEEPS
        assert len(sweeps._PIECES) <= sweeps.MOST_PIECES


@pytest.mark.parametrize("package", [True, False])
@pytest.mark.parametrize("seed", range(20))
def test_very_large_tables_are_those_of_trees(seed: int, package: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """By any field, to nodes and to points, with or without RoutingKit: every bit."""
    network = random_network(seed)
    plain = compile_router(network, "road")
    rng = np.random.default_rng(seed)
    n = len(plain.nodes)
    nodes, ends = (plain.nodes[rng.choice(n, max(2, int(share * n)), replace=False)] for share in (0.4, 0.5))
    lonlat = network.nodes[["x", "y"]].to_numpy(float)[nodes]
    side = network.nodes["side"].to_numpy(dtype=object)[nodes]
    fields = (*FIELDS.values(), DOMESTIC, "length_m:open")
    points = plain.attach(lonlat, side, limit_km=20.0)
    expected = {f: (plain.table(nodes, ends, f), plain.point_table(points, ends, f)) for f in fields}
    for module, name, value in (
        (bank, "LARGE", 10),
        (costs, "TOGETHER", 3),
        (hierarchy, "FEW", 1),
        (sweeps, "MUCH", 0),
        (hierarchy, "SWEPT", 0),
    ):
        monkeypatch.setattr(module, name, value)
    if not package:
        monkeypatch.setattr(hierarchy, "_package", lambda: None)
    bank.forget()
    monkeypatch.setattr(compiling, "_HELD", {})
    large = compile_router(network, "road")
    found = large.point_tables(points, ends, fields)
    home = points.side[:, None] == plain.side[plain.positions(ends)]
    for one in (plain, large):
        mixed = one.point_tables(points, ends, fields[:3], own=DOMESTIC)
        assert list(mixed) == list(fields[:3])
        assert np.array_equal(mixed[fields[2]], np.where(home, expected[DOMESTIC][1], expected[fields[2]][1]))
    limit = float(np.median(expected[fields[0]][0]))
    if np.isfinite(limit):
        whole = expected[fields[0]][0]
        near = large.table(nodes, ends, fields[0], limit=limit)
        assert np.array_equal(near, np.where(whole <= limit, whole, np.inf))
    for field in fields:
        assert np.array_equal(large.table(nodes, ends, field), expected[field][0])
        assert np.array_equal(found[field], expected[field][1])
