"""Trees that are kept: the same bits as scipy's, and other waits over trees at home as exact as rounding."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy.sparse import csr_array
from scipy.sparse.csgraph import dijkstra

from layers.keeping import Keeper, keeping
from network import bank, compiling, hierarchy
from network.build import DOMESTIC, FIELDS
from network.costs import settled
from network.edits import scale_waits, set_open, set_wait
from network.overlay import build_overlay
from network.routing import Router, compile_router
from tests.borders import random_network

SEEDS = range(12)


@pytest.fixture(autouse=True)
def no_router_of_other_tests(monkeypatch: pytest.MonkeyPatch) -> None:
    """A router that somebody else holds was made while other graphs were large."""
    monkeypatch.setattr(compiling, "_HELD", {})


def some(router: Router, seed: int, share: float = 0.3) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    n = len(router.nodes)
    return rng.choice(n, max(2, int(share * n)), replace=False), rng.choice(n, max(2, int(share * n)), replace=False)


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("small", [True, False])
def test_what_is_kept_is_what_scipy_grows(seed: int, small: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """Again and again, with roots and columns that overlap, both ways: every bit."""
    if not small:
        monkeypatch.setattr(bank, "SMALL", 0)
    bank.forget()
    router = compile_router(random_network(seed), "road")
    for turn in range(4):
        roots, columns = some(router, 10 * seed + turn)
        for field in (FIELDS["open"], FIELDS["actual"], DOMESTIC):
            graph = bank.Graph.of(router.costs[field])
            whole = settled(dijkstra(router.costs[field]))
            assert (bank.costs_at(graph, roots, columns) == whole[np.ix_(roots, columns)]).all()
            back = settled(dijkstra(router.costs[field].T.tocsr()))
            assert (bank.costs_at(graph, roots, columns, reverse=True) == back[np.ix_(roots, columns)]).all()


@pytest.mark.parametrize("seed", SEEDS)
def test_other_waits_and_closures_share_the_trees_at_home(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    network = random_network(seed)
    ids = network.checkpoints.loc[network.checkpoints["open"].astype(bool), "checkpoint_id"].tolist()
    rng = np.random.default_rng(seed)
    grown: list[int] = []
    search = bank.dijkstra
    monkeypatch.setattr(
        bank, "dijkstra", lambda costs, indices: grown.append(len(indices)) or search(costs, indices=indices)
    )
    bank.forget()
    changed = [network, scale_waits(network, 0.5), scale_waits(network, 2.0)]
    changed += [set_wait(network, i, float(rng.integers(0, 300))) for i in ids[:2]]
    changed += [set_open(network, [i], False) for i in ids[:1]]
    for turn, one in enumerate(changed):
        plain = compile_router(one, "road")
        shared = replace(plain, shares=True)
        nodes = plain.nodes[some(plain, seed)[0]]
        ends = plain.nodes[some(plain, seed)[1]]
        before = sum(grown)
        for field in (FIELDS["actual"], DOMESTIC):
            mine = shared.table(nodes, ends, field)
            trees = plain.trees(nodes, field)[:, plain.positions(ends)]
            np.testing.assert_allclose(mine, trees, rtol=1e-12, atol=1e-9)
            assert (np.isinf(mine) == np.isinf(trees)).all()
        if turn in (1, 2):
            assert sum(grown) == before, "a wait needs no new tree"


def test_the_bank_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    bank.forget()
    monkeypatch.setattr(bank, "MOST_BYTES", 100_000)
    for seed in range(6):
        router = compile_router(random_network(seed), "road")
        router.table(router.nodes, router.nodes, FIELDS["open"])
        assert sum(kept.size for kept in bank._KEPT.values()) <= 100_000


@pytest.mark.parametrize("seed", SEEDS)
def test_closures_and_waits_take_the_tables_that_are_kept(
    seed: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of a large network: another process asks again, with a checkpoint closed or another wait, and grows no tree."""
    monkeypatch.setattr(bank, "LARGE", 10)
    monkeypatch.setattr(hierarchy, "FEW", 1)
    network = random_network(seed)
    open_ids = network.checkpoints.loc[network.checkpoints["open"].astype(bool), "checkpoint_id"].tolist()
    states = [network, scale_waits(network, 0.37), *(set_open(network, [i], False) for i in open_ids[:2])]
    a, b = some(compile_router(network, "road"), seed)
    for k, state in enumerate(states):
        bank.forget()
        keeper = Keeper(tmp_path / "kept", "salt")
        with keeping(keeper):
            router = compile_router(state, "road")
            found = router.table(router.nodes[a], router.nodes[b], FIELDS["actual"])
            overlay = build_overlay(state, "road")
            ways = overlay.to_posts(router.nodes[a]), overlay.from_posts(router.nodes[b])
        assert not (k and keeper.made), keeper.made
        bank.forget()
        assert np.array_equal(found, router.table(router.nodes[a], router.nodes[b], FIELDS["actual"]))
        alone = build_overlay(state, "road")
        assert np.array_equal(alone.between, overlay.between)
        assert np.array_equal(alone.to_posts(router.nodes[a]), ways[0])
        assert np.array_equal(alone.from_posts(router.nodes[b]), ways[1])


@pytest.mark.parametrize("seed", range(60))
def test_the_hierarchy_and_scipy_give_the_same_bits(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """On a large graph, by any field and both ways, after other waits and closures.

    And both are scipy's answer to the thousandth of each arc.
    """
    pytest.importorskip("pyroutingkit")
    monkeypatch.setattr(bank, "LARGE", 10)
    monkeypatch.setattr(bank, "SMALL", 0)
    monkeypatch.setattr(hierarchy, "FEW", 1)
    network = random_network(seed)
    rng = np.random.default_rng(seed)
    ids = network.checkpoints.loc[network.checkpoints["open"].astype(bool), "checkpoint_id"].tolist()
    changed = [network, scale_waits(network, 0.37)]
    changed += [set_wait(network, i, float(rng.integers(0, 300))) for i in ids[:1]]
    changed += [set_open(network, [i], False) for i in ids[-1:]]
    package = hierarchy._package()
    for one in changed:
        router = compile_router(one, "road")
        a, b = some(router, seed)
        nodes, ends = router.nodes[a], router.nodes[b]
        for field in (*FIELDS.values(), DOMESTIC, "length_m:actual"):
            answers = []
            for engine in (package, None):
                monkeypatch.setattr(hierarchy, "_package", lambda engine=engine: engine)
                bank.forget()
                fresh = compile_router(one, "road")
                answers += [fresh.table(nodes, ends, field), fresh.table(nodes[: len(a) // 2], ends, field)]
            assert (answers[0] == answers[2]).all()
            assert (answers[1] == answers[3]).all()
            trees = router.trees(nodes, field)[:, router.positions(ends)]
            assert (np.isinf(answers[0]) == np.isinf(trees)).all()
            # Half a thousandth for each arc at the most.
            np.testing.assert_allclose(answers[0], trees, rtol=0, atol=0.0005 * len(router.nodes))


def test_costs_that_32_bits_do_not_hold_are_left_to_trees(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("pyroutingkit")
    monkeypatch.setattr(hierarchy, "FEW", 1)
    ring = csr_array((np.full(3, 2.0**30), np.array([1, 2, 0]), np.arange(4)), shape=(3, 3))
    where, at = np.array([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0]]), np.arange(3)
    frame = hierarchy.Frame((ring,), where)
    assert hierarchy.costs_between(ring, frame, at, at) is None
    light = csr_array((np.full(3, 7.0), ring.indices, ring.indptr), shape=(3, 3))
    assert hierarchy.costs_between(light, frame, at, at).tolist() == [[0, 7, 14], [14, 0, 7], [7, 14, 0]]  # type: ignore[union-attr]
    assert hierarchy.costs_between(light, frame, at, at, reverse=True).tolist() == [[0, 14, 7], [7, 0, 14], [14, 7, 0]]  # type: ignore[union-attr]


def test_columns_of_another_question_are_not_searched_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bank, "SMALL", 0)
    bank.forget()
    router = compile_router(random_network(2), "road")
    graph = bank.Graph.of(router.costs[FIELDS["open"]])
    roots, first, second = np.arange(5), np.array([1, 4, 7]), np.array([2, 4, 9])
    trees = bank.dijkstra(router.costs[FIELDS["open"]], indices=roots)
    for columns in (first, second, first[1:], second[:2]):
        np.testing.assert_allclose(bank.costs_at(graph, roots, columns), trees[:, columns])
    assert [k.columns.tolist() for k in bank._KEPT.values()] == [first.tolist(), second.tolist()]
    assert all(len(k.costs) == len(roots) for k in bank._KEPT.values())


@pytest.mark.parametrize("seed", SEEDS)
def test_a_table_that_was_grown_the_other_way_round_is_not_grown_again(
    seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also of a graph whose ways back cost otherwise: its trees at the columns run against the ways."""
    monkeypatch.setattr(bank, "SMALL", 0)
    router = compile_router(random_network(seed), "road")
    rng = np.random.default_rng(seed)
    roots, columns = some(router, seed)
    for more in (0, 5):
        bank.forget()
        costs = router.costs[FIELDS["open"]].copy()
        costs.data = costs.data + rng.integers(0, more + 1, costs.nnz)
        graph = bank.Graph.of(costs)
        whole = settled(dijkstra(costs))
        bank.costs_at(graph, columns, roots, reverse=True)
        with monkeypatch.context() as patch:
            patch.setattr(bank, "_grow", lambda *_: pytest.fail("grown again"))
            found = bank.costs_at(graph, roots[1:], columns[::-1])
        assert found.flags.c_contiguous
        assert (found == whole[np.ix_(roots[1:], columns[::-1])]).all()
        assert (bank.costs_at(graph, roots, np.arange(len(whole))) == whole[roots]).all()
