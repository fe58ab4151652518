"""Ways of all pairs beside the single way of each."""

from __future__ import annotations

import numpy as np
import pytest

from layers.progress import heard_by
from network.build import FIELDS
from network.edits import add_places
from network.routing import compile_router
from network.ways import ways_between
from tests.borders import ROUNDED, joined_nodes, random_network


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("name", ["borderless", "open", "actual"])
@pytest.mark.parametrize("shape", [(4, 9), (9, 4)])
def test_each_pair_is_the_single_way(seed: int, name: str, shape: tuple[int, int]) -> None:
    """From the shorter list or to it, over places that were added and lead through none, from a place to itself."""
    network, field = random_network(seed), FIELDS[name]
    towns = joined_nodes(network)
    spot = network.nodes.iloc[towns[:3]]
    network, fresh = add_places(network, [(x + 0.01, y) for x, y in spot[["x", "y"]].to_numpy()], spot["side"].tolist())
    router = compile_router(network, "any")
    rng = np.random.default_rng(seed)
    origins, targets = (np.concatenate([rng.choice(towns, n - 2), list(fresh)[:2]]) for n in shape)
    found = ways_between(router, origins, targets, field)
    cost = router.table(origins, targets, field)
    for i, origin in enumerate(origins.tolist()):
        for j, target in enumerate(targets.tolist()):
            single = router.path(origin, target, field)
            if single is None:
                assert np.isnan([found.minutes[i, j], found.wait_min[i, j], found.length_m[i, j]]).all()
                assert found.checkpoints[i, j] == ""
                continue
            assert found.minutes[i, j] == cost[i, j]
            assert found.minutes[i, j] == pytest.approx(single.time_min + single.wait_min, abs=300 * ROUNDED)
            assert found.wait_min[i, j] == pytest.approx(single.wait_min, abs=1e-9)
            assert found.length_m[i, j] == pytest.approx(single.length_m, rel=1e-9, abs=1e-6)
            assert found.checkpoints[i, j] == "|".join(single.checkpoints)


def test_nobody_goes_through_a_place_that_was_added() -> None:
    """Its connectors to two roads are no road between them."""
    network = random_network(0)
    towns = joined_nodes(network)
    before = ways_between(compile_router(network), towns, towns, FIELDS["open"])
    spot = network.nodes.iloc[towns]
    added, _ = add_places(network, [(x + 0.01, y) for x, y in spot[["x", "y"]].to_numpy()], spot["side"].tolist())
    after = ways_between(compile_router(added), towns, towns, FIELDS["open"])
    known = np.isfinite(before.minutes)
    # Links that are split at the new places' anchors are rounded to the thousandth once more.
    assert np.abs(after.minutes - before.minutes)[known].max() < 100 * ROUNDED
    assert (np.isfinite(after.minutes) == known).all()


def test_it_says_how_far_it_is() -> None:
    network, heard = random_network(1), list[float]()
    towns = joined_nodes(network)
    with heard_by(heard.append):
        ways_between(compile_router(network), towns, towns[:3], FIELDS["open"])
    assert heard == sorted(heard)
    assert heard[-1] == 1.0
