"""The ways of the busiest pairs: shortest in every state, whatever was taken from another."""

from __future__ import annotations

import numpy as np
import pytest

from analysis.planning import busiest
from analysis.planning.across import across
from analysis.planning.benefit import Curve
from analysis.planning.busiest import BusiestWays, busiest_ways
from analysis.planning.effects import Standing, cities, standing
from network.build import FIELDS, Network
from network.edits import set_open, set_wait
from network.routing import compile_router
from tests.analysis.planning.test_two_states import edited
from tests.borders import random_network

CURVE = Curve.of(120.0)
FIELD = FIELDS["actual"]


def state_of(network: Network) -> Standing:
    trees = across(network)
    return standing(trees, CURVE, cities(trees, 20_000))


def minutes_of(ways: BusiestWays) -> dict[tuple[int, int], float]:
    cost = ways.network.links[FIELD].to_numpy(float)
    return {pair: np.inf if rows is None else float(cost[rows].sum()) for pair, rows in ways.rows.items()}


@pytest.mark.parametrize("seed", range(8))
def test_ways_taken_from_another_state_are_as_short_as_those_that_are_sought(
    seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    network, rng = random_network(seed), np.random.default_rng(seed)
    before = busiest_ways(network, state_of(network))
    sought: list[int] = []
    real = busiest._sought
    monkeypatch.setattr(busiest, "_sought", lambda n, ends: sought.append(len(ends)) or real(n, ends))
    ids = network.checkpoints.loc[network.checkpoints["open"].astype(bool), "checkpoint_id"].tolist()
    states = [edited(network, rng) for _ in range(3)]
    states += [set_open(network, [one], False) for one in ids[1:3]] + [set_wait(network, ids[0], 500.0)]
    for after in states:
        state = state_of(after)
        if not np.isfinite(state.minutes).any():
            continue
        alone, found = busiest_ways(after, state), busiest_ways(after, state, like=before)
        assert list(found.rows) == list(alone.rows)
        assert found.weight == alone.weight
        router, node = compile_router(after, "road"), after.settlements["node"].to_numpy(np.int64)
        for pair, minutes in minutes_of(found).items():
            ends = node[state.across.a[pair[0]]], node[state.across.b[pair[1]]]
            table = router.table([ends[0]], [ends[1]], FIELD)
            assert minutes == pytest.approx(table[0, 0], abs=1e-6)
        assert minutes_of(alone) == pytest.approx(minutes_of(found), abs=1e-6)
    # Of closures hardly any way is sought again.
    assert sum(sought[1::2]) < sum(sought[::2])
