"""Two axes, four types: where they are cut, and what they are called."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from analysis.levels.quadrants import NAMES, QUADRANTS, Axes, quadrant_codes, quadrant_types
from layers.errors import LayerError

NAN = float("nan")
TABLE = pd.DataFrame(
    {
        "region": list("ABCDE"),
        "potential_cross_borderless": [10.0, 20.0, 30.0, 40.0, NAN],
        "border_loss": [0.1, 0.9, 0.2, 0.8, 0.5],
    }
)


def test_types_by_hand() -> None:
    """Potential is cut at 25; of the losses 0.1, 0.9, 0.2, 0.8, 0.5 the middle one is 0.5."""
    found = quadrant_types(TABLE)
    assert found["quadrant"].tolist() == ["low-high", "low-low", "high-high", "high-low", ""]
    assert found["type"].tolist() == [*(NAMES[q] for q in found["quadrant"][:4]), "not assessed"]
    assert (found["potential_cut"] == 25).all()
    assert (found["permeability_cut"] == 0.5).all()


def test_cuts_directions_and_names_are_the_studys() -> None:
    axes = Axes(directions=(-1, 1), cuts=(10.0, 0.8))
    found = quadrant_types(TABLE, axes, names={"low-high": "sleeping door"})
    # Little potential is now high, up to 10 itself; losses of 0.8 and more are high.
    assert found["quadrant"].tolist() == ["high-low", "low-high", "low-low", "low-high", ""]
    assert found.loc[1, "type"] == "sleeping door"
    assert found.loc[0, "type"] == NAMES["high-low"]


@pytest.mark.parametrize("seed", range(5))
def test_runs_are_typed_each_by_itself(seed: int) -> None:
    rng = np.random.default_rng(seed)
    x, y = rng.integers(0, 9, (2, 30, 11)).astype(float)
    x[rng.random(x.shape) < 0.1] = NAN
    found = quadrant_codes(x, y, cuts=(None, 4.0))
    for run in range(30):
        middle = np.nanmedian(x[run])
        for r in range(11):
            if np.isnan(x[run, r]):
                assert found[run, r] == -1
            else:
                name = f"{'high' if x[run, r] >= middle else 'low'}-{'high' if y[run, r] >= 4 else 'low'}"
                assert QUADRANTS[found[run, r]] == name


def test_nothing_known_is_no_type() -> None:
    assert quadrant_codes(np.full(3, NAN), np.arange(3.0)).tolist() == [-1, -1, -1]


@pytest.mark.parametrize(
    ("axes", "names", "told"),
    [
        (Axes("reach"), {}, "no column reach for the typology: allowed are region"),
        (Axes(), {"HH": "x"}, "a type name for HH: allowed are high-high"),
        (Axes(directions=(1, 2)), {}, "allowed are 1 and -1"),
        (Axes(), {"low-low": NAMES["high-high"]}, "allowed are four that differ"),
        (Axes(), {"low-low": "not assessed"}, "allowed are four that differ"),
    ],
)
def test_what_does_not_fit(axes: Axes, names: dict[str, Any], told: str) -> None:
    with pytest.raises(LayerError, match=told):
        quadrant_types(TABLE, axes, names=names)
