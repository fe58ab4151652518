"""Trees that are kept: the same bits as scipy's, and other waits over trees at home as exact as rounding."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.sparse.csgraph import dijkstra

from network import bank
from network.build import DOMESTIC, FIELDS
from network.edits import scale_waits, set_open, set_wait
from network.routing import Router, compile_router
from tests.borders import random_network

SEEDS = range(12)


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
            whole = dijkstra(router.costs[field])
            assert (bank.costs_at(graph, roots, columns) == whole[np.ix_(roots, columns)]).all()
            back = dijkstra(router.costs[field].T.tocsr())
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
