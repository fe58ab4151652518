"""Whoever answers, minutes are the same to the last bit.

Scipy's trees, the hierarchy, walks over gates, networkx on the exported graph.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from typing import Any

import networkx as nx
import numpy as np
import pytest

from network import bank, costs, hierarchy
from network.build import DOMESTIC, FIELDS, Network
from network.costs import settled
from network.edits import scale_waits, set_open, set_wait
from network.routing import Router, arcs_table, compile_router
from tests.borders import random_network
from tests.network.test_routing import by_networkx

SEEDS = range(300)


def changed(network: Network, seed: int) -> list[Network]:
    """Return a network, and with other waits, of all posts and of one, and without some of its posts."""
    rng = np.random.default_rng(seed)
    ids = network.checkpoints.loc[network.checkpoints["open"].astype(bool), "checkpoint_id"].tolist()
    out = [network, scale_waits(network, float(rng.uniform(0, 3)))]
    out += [set_wait(out[-1], i, float(rng.uniform(0, 300))) for i in ids[:1]]
    closed = [i for i in ids if rng.random() < 0.4]
    return [*out, *([set_open(out[-1], closed, False)] if closed else [])]


def sample(router: Router, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return some nodes, and some others, more of them."""
    rng = np.random.default_rng(seed)
    return rng.choice(router.nodes, 6, replace=False), rng.choice(router.nodes, 9, replace=False)


@pytest.mark.parametrize("seed", SEEDS)
def test_every_engine_finds_the_same_minutes(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """On all fields, after random waits and closures, both ways: every bit."""
    monkeypatch.setattr(hierarchy, "FEW", 1)
    package = hierarchy._package()
    for one in changed(random_network(seed), seed):
        router = compile_router(one, "road")
        nodes, ends = sample(router, seed)
        for field in (*FIELDS.values(), DOMESTIC):
            trees = router.trees(nodes, field)[:, router.positions(ends)]
            answers = {"networkx": settled(_by_networkx(one, router, field, nodes, ends))}
            for name, engine, large, shares in (
                ("scipy", None, 10**9, False),
                ("walks over gates", None, 0, True),
                *((("hierarchy", package, 0, False),) if package else ()),
            ):
                monkeypatch.setattr(hierarchy, "_package", lambda engine=engine: engine)
                monkeypatch.setattr(bank, "LARGE", large)
                monkeypatch.setattr(bank, "SMALL", 0)
                bank.forget()
                fresh = replace(compile_router(one, "road"), shares=shares)
                answers[name] = fresh.table(nodes, ends, field)
                bank.forget()
                answers[f"{name}, the other way"] = _turned(fresh, nodes, ends, field)
            for name, found in answers.items():
                np.testing.assert_array_equal(found, trees, err_msg=f"{name}, {field}")


@pytest.mark.parametrize("seed", range(60))
def test_below_a_limit_every_engine_finds_the_same(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Metres too, whose sums 32 bits do not hold: what is above the limit is no way for any engine."""
    package = hierarchy._package()
    if package is None:
        pytest.skip("RoutingKit is not installed")
    monkeypatch.setattr(hierarchy, "FEW", 1)
    router = compile_router(random_network(seed), "road")
    # 4,000 km are 4 billion thousandths of a metre.
    far = replace(router, costs={**router.costs, "length_m:open": router.costs["length_m:open"] * 20.0})
    nodes, ends = sample(router, seed)
    for one, field in ((router, FIELDS["actual"]), (far, "length_m:open")):
        full = one.trees(nodes, field)[:, one.positions(ends)]
        known = np.sort(full[np.isfinite(full) & (full > 0) & (full < 2_000_000)])
        for limit in (known[:1], known[len(known) // 2 : len(known) // 2 + 1], known[-1:]):
            if not len(limit):
                continue
            expected = np.where(full <= limit[0], full, np.inf)
            for large in (10**9, 0):
                monkeypatch.setattr(bank, "LARGE", large)
                fresh = replace(one)
                np.testing.assert_array_equal(fresh.table(nodes, ends, field, limit=limit[0]), expected)
                twice = np.concatenate([nodes, nodes])
                np.testing.assert_array_equal(fresh.table(twice, ends, field, limit=limit[0])[: len(nodes)], expected)


def _turned(router: Router, nodes: np.ndarray, ends: np.ndarray, field: str) -> np.ndarray:
    """Return the same costs by trees that grow from the ends: there are more of them when nodes come twice."""
    return router.table(np.concatenate([nodes, nodes]), ends, field)[: len(nodes)]


def _by_networkx(network: Network, router: Router, field: str, nodes: np.ndarray, ends: np.ndarray) -> np.ndarray:
    """Return costs by networkx.

    On the exported graph, and for trips home, whose turns at a post are no links, on the arcs.
    """
    if field != DOMESTIC:
        return by_networkx(network, "road", field, ends, nodes)
    graph = nx.from_pandas_edgelist(arcs_table(router, field), "u", "v", "cost", nx.DiGraph)
    out = np.full((len(nodes), len(ends)), np.inf)
    for i, node in enumerate(nodes):
        found = nx.single_source_dijkstra_path_length(graph, int(node), weight="cost") if node in graph else {}
        out[i] = [found.get(int(n), 0.0 if n == node else np.inf) for n in ends]
    return out


def test_ways_that_tie_to_the_thousandth_are_few_and_take_the_same_minutes() -> None:
    """Of such a pair another engine may take the other way, so that kilometres and links differ; minutes do not."""
    pairs = tied = 0
    for seed in range(12):
        network = random_network(seed)
        router = compile_router(network, "road")
        arcs = arcs_table(router, FIELDS["actual"])
        graph = nx.from_pandas_edgelist(arcs, "u", "v", "cost", nx.DiGraph)
        cost = arcs.set_index(["u", "v"])["cost"]
        nodes, ends = sample(router, seed)
        for node in nodes:
            _, ways = nx.single_source_dijkstra(graph, int(node), weight="cost")
            for end in ends:
                mine = router.path(int(node), int(end), FIELDS["actual"])
                if mine is None or node == end:
                    continue
                other = ways[int(end)]
                minutes = sum(cost.loc[step] for step in pairwise(other))
                own = network.links[FIELDS["actual"]].to_numpy(float)[mine.links].sum()
                assert round(minutes, 3) == round(own, 3)
                ends_of = network.links[["u", "v"]].to_numpy()[mine.links]
                pairs += 1
                tied += set(map(frozenset, ends_of.tolist())) != set(map(frozenset, pairwise(other)))
    assert pairs > 300
    # Of ways that differ by some minutes one in some ten thousands differs by less than a thousandth.
    assert tied <= 3, f"{tied} of {pairs} pairs tie"


def test_large_tables_are_made_in_blocks_of_single_precision(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same thousandths; no block has more entries than a table of doubles may have."""
    network = random_network(2)
    router = compile_router(network, "road")
    lonlat = network.nodes[["x", "y"]].to_numpy(float)[router.nodes[:30]] + 0.01
    points = router.attach(lonlat, router.side[:30], limit_km=100.0)
    targets = router.nodes[::2]
    exact = [router.table(router.nodes, targets, FIELDS["actual"]), router.point_table(points, targets, FIELDS["open"])]
    monkeypatch.setattr(costs, "TABLE", 500)
    sizes: list[int] = []
    whole = bank._whole

    def watched(*a: Any, **more: bool) -> np.ndarray:
        found = whole(*a, **more)
        sizes.append(found.size)
        return found

    monkeypatch.setattr(bank, "_whole", watched)
    found = [router.table(router.nodes, targets, FIELDS["actual"]), router.point_table(points, targets, FIELDS["open"])]
    for table, other in zip(found, exact, strict=True):
        assert (table.dtype, other.dtype) == (np.float32, np.float64)
        np.testing.assert_array_equal(table, other.astype(np.float32))
    assert len(sizes) > 10
    assert max(sizes) <= 500
