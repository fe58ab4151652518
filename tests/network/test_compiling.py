"""Routers are compiled once while somebody holds them, and take what is the same from networks on one ground."""

from __future__ import annotations

import gc
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from network import compiling
from network.build import DOMESTIC, FIELDS
from network.costs import cheapest_arcs
from network.edits import scale_waits, set_open
from network.overlay import build_overlay
from network.routing import compile_router
from tests.borders import random_network

if TYPE_CHECKING:
    from network.build import Network
    from network.routing import Router


def changed(network: Network, rng: np.random.Generator) -> list[Network]:
    """Return a network with other waits, and with a checkpoint that is closed or opened."""
    posts = network.checkpoints
    one = posts.iloc[[int(rng.integers(len(posts)))]]
    return [
        scale_waits(network, float(rng.uniform(0, 3))),
        scale_waits(network, 2.0, assumed_only=True),
        set_open(network, one["checkpoint_id"].tolist(), not bool(one["open"].iloc[0])),
    ]


def alone(network: Network, mode: str) -> Router:
    """Return a router that takes nothing from another."""
    kept = dict(compiling._HELD)
    compiling._HELD.clear()
    try:
        return compile_router(network, mode)
    finally:
        compiling._HELD.clear()
        compiling._HELD.update(kept)


@pytest.mark.parametrize("mode", ["road", "rail", "any"])
@pytest.mark.parametrize("seed", range(6))
def test_what_is_taken_from_another_network_is_what_would_be_made(seed: int, mode: str) -> None:
    network, rng = random_network(seed), np.random.default_rng(seed)
    if mode != "any" and not (network.links["mode"] == mode).any():
        return
    first = compile_router(network, mode)
    ends = np.unique(rng.choice(first.nodes, 20))
    for field in FIELDS.values():
        first.table(ends, ends, field)
    for other in changed(network, rng):
        found, bare = compile_router(other, mode), alone(other, mode)
        assert found.network is other and found._made.arcs is first._made.arcs
        assert list(found.costs) == list(bare.costs)
        for field, costs in bare.costs.items():
            for part in ("data", "indices", "indptr"):
                np.testing.assert_array_equal(getattr(found.costs[field], part), getattr(costs, part))
            np.testing.assert_array_equal(found._rows[field], bare._rows[field])
            for router in (found, found.sharing):
                np.testing.assert_array_equal(router.table(ends, ends, field), bare.table(ends, ends, field))
        assert len(found._back) == len(bare._back)
        for field in (*FIELDS.values(), DOMESTIC):
            only = compile_router(other, mode, only=field).costs[field]
            np.testing.assert_array_equal(only.data, bare.costs[field].data)


def test_a_router_is_compiled_once_while_it_is_held() -> None:
    network = replace(random_network(1))
    router = compile_router(network, "road")
    assert compile_router(network) is router
    assert build_overlay(network, "road", field="open").home is not build_overlay(network, "rail").home
    overlay = build_overlay(network, "road")
    assert build_overlay(network, "road", field="borderless").home is overlay.home
    other = replace(network, links=network.links.assign(length_m=network.links["length_m"] + 1))
    assert compile_router(other)._made.arcs is not router._made.arcs
    key = id(network)
    assert key in compiling._HELD
    del network, router, overlay, other
    gc.collect()
    assert key not in compiling._HELD


@pytest.mark.parametrize("seed", range(10))
def test_of_parallel_arcs_the_cheapest_of_the_lowest_row(seed: int) -> None:
    rng = np.random.default_rng(seed)
    n, m = 6, 60
    tail, head, link = np.sort(rng.integers(0, n, m)), rng.integers(0, n, m), np.arange(m)
    order = np.lexsort((link, head, tail))
    tail, head, link = tail[order], head[order], link[order]
    weight = rng.integers(0, 3, m).astype(float)
    weight[rng.random(m) < 0.3] = np.inf
    best: dict[tuple[int, int], tuple[float, int]] = {}
    for u, v, w, row in zip(tail.tolist(), head.tolist(), weight.tolist(), link.tolist(), strict=True):
        if np.isfinite(w):
            best[u, v] = min(best.get((u, v), (np.inf, 0)), (w, row))
    graph, rows = cheapest_arcs(tail, head, weight, link, n)
    found = graph.tocoo()
    assert [*zip(found.row.tolist(), found.col.tolist(), strict=True)] == sorted(best)
    assert [*zip(graph.data.tolist(), rows.tolist(), strict=True)] == [best[arc] for arc in sorted(best)]
