"""A sample of places: people of a side are kept, large places are certain, sums are estimated without bias."""

from __future__ import annotations

import numpy as np
import pytest

from analysis.planning.sample import standing_people


def places(seed: int, n: int = 400) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    return np.round(rng.lognormal(8, 1.5, n)), np.where(rng.random(n) < 0.6, "a", "b").astype(object)


@pytest.mark.parametrize("seed", range(4))
def test_people_of_a_side_are_kept_and_no_more_places_stand_for_them(seed: int) -> None:
    people, side = places(seed)
    out = standing_people(people, side, most=50, seed=seed)
    for own in "ab":
        assert out[side == own].sum() == pytest.approx(people[side == own].sum())
        assert 0 < (out[side == own] > 0).sum() <= 50
    # A place larger than a step is there for sure, for its people to a step.
    step = people[side == "a"].sum() / 50
    large = (side == "a") & (people > step)
    assert large.any() and (np.abs(out[large] - people[large]) <= step).all() and (out[large] > 0).all()


def test_few_places_stand_for_themselves_and_unknown_people_are_none() -> None:
    people, side = np.array([3.0, np.nan, 2.0]), np.array(["a", "a", "b"], dtype=object)
    assert standing_people(people, side, most=2).tolist() == [3.0, 0.0, 2.0]


def test_sums_over_people_are_estimated_without_bias() -> None:
    people, side = places(7)
    value = np.random.default_rng(1).random(len(people))
    truth = (people * value).sum()
    found = np.array([(standing_people(people, side, most=60, seed=s) * value).sum() for s in range(2000)])
    error = found.std() / np.sqrt(len(found))
    assert abs(found.mean() - truth) < 4 * error
    # Chances by people: the scatter of one sample is that of the values alone, not of the people.
    assert found.std() / truth < 0.1
