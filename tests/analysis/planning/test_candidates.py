"""Minutes through a candidate are those of a network in which a post stands there; missing roads have their length."""

from __future__ import annotations

import numpy as np
import pytest

from analysis.planning.across import across
from analysis.planning.benefit import Curve
from analysis.planning.effects import cities, standing
from analysis.planning.sites.candidates import find_candidates
from analysis.planning.sites.gains import OBJECTIVES, gains_of
from layers.errors import PlaceError, StudyError
from network.edits import add_checkpoints, new_checkpoint, set_open
from tests.analysis.helpers import drawn_land
from tests.borders import PLAIN, ROUNDED, network_of, random_network

CURVE = Curve.of(120.0)


@pytest.mark.parametrize("seed", range(5))
def test_a_trip_through_a_candidate_takes_what_it_takes_once_it_is_built(seed: int) -> None:
    network = random_network(seed)
    # Without posts by road the only way by road is through the candidate.
    bare = set_open(network, network.checkpoints["checkpoint_id"], False)
    trees = across(network)
    found = find_candidates(bare, kinds=("crossing", "sample"), every_km=60, rows=(trees.a, trees.b))
    assert set(found.table["kind"]) <= {"crossing", "sample"}
    equal = 0
    for k in range(len(found)):
        row = found.table.iloc[k]
        own = not row["crossing_id"]
        built = add_checkpoints(bare, new_checkpoint(bare, row["lon"], row["lat"], wait_min=10.0, own_road=own))
        road = across(built).by("road")
        assert road is not None
        expected = road.minutes()
        minutes = found.a[:, k, None] + 10.0 + found.b[None, :, k]
        if own and (network.checkpoints["joined_by"] == "connector").any():
            continue  # in a network with posts on connectors a candidate may hang on theirs: full recomputation tells
        # The post and its roads split links, and each piece is rounded: three for one, at two ends.
        np.testing.assert_allclose(minutes, expected, rtol=1e-6, atol=8 * ROUNDED)
        equal += 1
        assert row["missing_km"] == pytest.approx(row["missing_a_km"] + row["missing_b_km"])
        assert (row["missing_km"] == 0) == (not own)
    assert equal or (network.checkpoints["joined_by"] == "connector").any()


LAND = drawn_land(
    [(-60, -100), (-60, 100), (60, -100), (60, 100), (-15, 0), (10, 0), (-60, 0), (60, 0)],
    [(0, 6), (6, 1), (2, 7), (7, 3), (0, 2), (6, 4), (7, 5)],
    [(0, -100)],
    [(-60, 90), (60, 90), (-60, -95), (60, -95)],
    waits=[30.0],
    population=[1000, 60_000, 5000, 5000],
)
"""Two roads along the border, a post in the south, and two roads in the middle whose ends face each other 25 km
apart."""


def test_road_ends_face_each_other() -> None:
    network = network_of(LAND)
    trees = across(network)
    rows = (trees.a, trees.b)
    found = find_candidates(network, kinds=("ends",), rows=rows)
    assert found.table["kind"].tolist() == ["ends"]
    assert found.table["missing_km"].iloc[0] == pytest.approx(25 * 1.3, rel=0.02)
    near = find_candidates(network, kinds=(), points=[tuple(PLAIN.lonlat(0, 0)[0])], rows=rows)
    assert near.table["missing_a_km"].iloc[0] == pytest.approx(15 * 1.3, rel=0.01)
    assert near.table["missing_b_km"].iloc[0] == pytest.approx(10 * 1.3, rel=0.01)
    with pytest.raises(PlaceError, match="it can't be assessed"):
        find_candidates(network, kinds=(), points=[(0.0, 0.0)], rows=rows)
    with pytest.raises(PlaceError, match="'best': allowed are crossing, ends, sample, point"):
        find_candidates(network, kinds=("best",), rows=rows)


def test_gains_are_those_of_the_objective() -> None:
    network = network_of(LAND)
    trees = across(network)
    towns = cities(trees, 50_000)
    state = standing(trees, CURVE, towns)
    found = find_candidates(network, kinds=("sample",), every_km=20, rows=(trees.a, trees.b))
    for objective in OBJECTIVES:
        gains = gains_of(state, found, CURVE, towns, objective=objective, wait_min=5.0, within_min=400.0)
        assert gains.sites == len(found)
        assert (gains.gain >= 0).all()
        for k in (0, len(found) - 1):
            minutes = np.minimum(state.minutes, found.a[:, k, None] + 5 + found.b[None, :, k])
            today = trees.people_a[:, None] * trees.people_b[None] * CURVE.fades(state.minutes)
            if objective == "time":
                expected = float((today * (state.minutes - minutes)).sum() / today.sum())
            elif objective == "potential":
                more = trees.people_a[:, None] * trees.people_b[None] * CURVE.fades(minutes)
                expected = 100 * float(more.sum() / today.sum() - 1)
            elif objective == "people":
                before = np.r_[state.city[0], state.city[1]] <= 400
                after = (
                    np.r_[
                        minutes[:, towns[1]].min(axis=1, initial=np.inf),
                        minutes.T[:, towns[0]].min(axis=1, initial=np.inf),
                    ]
                    <= 400
                )
                people = np.r_[trees.people_a, trees.people_b]
                expected = float(people[after & ~before].sum())
            else:
                continue
            assert gains.value([k]) == pytest.approx(expected, rel=1e-9, abs=1e-9)
    with pytest.raises(StudyError, match="objective 'beauty': allowed are time, people, potential, equity"):
        gains_of(state, found, CURVE, towns, objective="beauty", wait_min=5.0)
