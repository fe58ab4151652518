"""The overlay of the gates: the same times as a full search, whatever is closed."""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations

import numpy as np
import pytest

from network.build import FIELDS
from network.costs import min_plus, shortest_minutes
from network.edits import set_open
from network.modes import MODES
from network.overlay import build_overlay
from network.routing import compile_router
from tests.borders import joined_nodes, random_network

SEEDS = range(8)


@pytest.mark.parametrize("field", ["actual", "open", "borderless"])
@pytest.mark.parametrize("seed", SEEDS)
def test_all_pairs_with_checkpoints_closed(seed: int, field: str) -> None:
    network = random_network(seed)
    rng = np.random.default_rng(seed)
    side = network.nodes["side"].to_numpy()
    ids = network.checkpoints["checkpoint_id"].to_numpy()
    for mode in MODES:
        router = compile_router(network, mode)
        a, b = (router.nodes[side[router.nodes] == s] for s in ("a", "b"))
        # In the borderless network nothing closes: its crossings need no checkpoint.
        closures = (
            [()]
            if field == "borderless"
            else [(), tuple(ids), *(tuple(rng.choice(ids, 2, replace=False)) for _ in range(3))]
        )
        overlay = build_overlay(network, mode, field=field)
        for origins, targets in ((a, b), (b, a)):
            there, back = overlay.to_posts(origins), overlay.from_posts(targets)
            for closed in closures:
                full = compile_router(set_open(network, closed, False), mode).table(origins, targets, FIELDS[field])
                quick = overlay.table(there, back, closed)
                assert (np.isinf(quick) == np.isinf(full)).all()
                assert quick[np.isfinite(full)] == pytest.approx(full[np.isfinite(full)], rel=1e-9, abs=1e-8)


@pytest.mark.parametrize("seed", range(12))
def test_thousands_of_posts_are_joined_over_the_roads(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    network = random_network(seed)
    for mode in MODES:
        overlay = build_overlay(network, mode)
        for closed in ((), tuple(network.checkpoints["checkpoint_id"].iloc[:2])):
            plain = overlay.across(closed)
            with monkeypatch.context() as context:
                context.setattr("network.overlay.MANY", 0)
                np.testing.assert_allclose(overlay.across(closed), plain, rtol=1e-12, atol=1e-9)


@pytest.mark.parametrize("seed", range(12))
def test_of_thousands_of_posts_few_are_at_a_gate_that_can_be_passed(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    network = random_network(seed)
    rng = np.random.default_rng(seed)
    side = network.nodes["side"].to_numpy()
    for mode in MODES:
        overlay = build_overlay(network, mode, field="borderless")
        if len(overlay.posts) < 6:
            continue
        # Some pairs of posts keep their gates: all others can't be passed.
        kept = rng.permutation(overlay.gates[["tail", "head"]].to_numpy())[:2]
        shut = ~overlay.gates[["tail", "head"]].isin(kept.ravel()).all(axis=1)
        overlay = replace(overlay, gates=overlay.gates.assign(cost=overlay.gates["cost"].mask(shut, np.inf)))
        nodes = compile_router(network, mode).nodes
        ends = overlay.to_posts(nodes[side[nodes] == "a"]), overlay.from_posts(nodes[side[nodes] == "b"])
        some = rng.permutation(len(overlay.posts))[:3]
        plain = overlay.across(), overlay.table(*ends), overlay.across(rows=some), overlay.across(columns=some)
        for many in (0, len(overlay.posts) - 1):
            monkeypatch.setattr("network.overlay.MANY", many)
            found = overlay.across(), overlay.table(*ends), overlay.across(rows=some), overlay.across(columns=some)
            for one, other in zip(found, plain, strict=True):
                np.testing.assert_allclose(one, other, rtol=1e-12, atol=1e-9)
        monkeypatch.undo()


def test_closing_never_shortens_by_overlay() -> None:
    network = random_network(6)
    nodes = joined_nodes(network)
    side = network.settlements["side"].to_numpy()
    overlay = build_overlay(network, "road")
    there, back = overlay.to_posts(nodes[side == "a"]), overlay.from_posts(nodes[side == "b"])
    base = overlay.table(there, back)
    for pair in combinations(network.checkpoints["checkpoint_id"], 2):
        one, two = overlay.table(there, back, pair[:1]), overlay.table(there, back, pair)
        assert (one >= base - 1e-9).all()
        assert (two >= one - 1e-9).all()


def test_the_posts_are_the_ends_of_passable_crossings() -> None:
    network = random_network(6)
    overlay = build_overlay(network, "road")
    over = network.links.query("crossing and passable and mode == 'road'")
    assert overlay.posts.tolist() == sorted(set(over["u"]) | set(over["v"]))
    side = network.nodes["side"].to_numpy()
    gates = overlay.gates
    assert (side[overlay.posts[gates["tail"]]] != side[overlay.posts[gates["head"]]]).all()


def test_the_least_sum_over_the_middle() -> None:
    rng = np.random.default_rng(0)
    a, b = rng.random((4, 5)), rng.random((5, 3))
    a[rng.random(a.shape) < 0.3] = np.inf
    expected = [[min(a[i, k] + b[k, j] for k in range(5)) for j in range(3)] for i in range(4)]
    assert min_plus(a, b).tolist() == expected
    assert np.isinf(min_plus(a[:, :0], b[:0])).all()


@pytest.mark.parametrize("most", [1e3, 1e6, 1e9])
@pytest.mark.parametrize("seed", SEEDS)
def test_shortest_minutes_are_sums_of_thousandths(seed: int, most: float) -> None:
    rng = np.random.default_rng(seed)
    a, b = (rng.integers(0, most, shape) / 1000 for shape in ((7, 5), (5, 6)))
    a[rng.random(a.shape) < 0.4] = np.inf
    b[rng.random(b.shape) < 0.4] = np.inf
    found = shortest_minutes(a, b)
    for i in range(7):
        for j in range(6):
            best = min((a[i, k] + b[k, j] for k in range(5)), default=np.inf)
            assert found[i, j] == (round(best * 1000) / 1000 if np.isfinite(best) else np.inf)
    assert np.isinf(shortest_minutes(a[:, :0], b[:0])).all()
