"""The indicators of agencies, by hand."""

from __future__ import annotations

import numpy as np
import pytest

from analysis.planning.across import across
from analysis.planning.appraisal import TEMPLATES, appraisal_table
from analysis.planning.benefit import Curve
from analysis.planning.effects import benefit_between, cities, load_table, standing
from network.edits import set_wait
from tests.analysis.helpers import drawn_land
from tests.borders import network_of

LAND = drawn_land([(-85, 0), (85, 0)], [(0, 1)], [(0, 0)], [(-85, 0), (85, 0)], waits=[120.0], kind="trunk")
CURVE = Curve.of(120.0)


def test_hours_and_speeds_by_hand() -> None:
    """170 km at 85 km/h are 2 h; a wait of 2 h halves the speed, one of 1 h leaves two thirds."""
    network = network_of(LAND)
    states = []
    for n in (network, set_wait(network, "c0", 60.0)):
        trees = across(n)
        states.append((n, standing(trees, CURVE, cities(trees, 1))))
    benefit = benefit_between(states[0][1], states[1][1], CURVE)
    table = appraisal_table(states[0], states[1], load_table(states[0][1], states[1][1], benefit)).set_index(
        "indicator"
    )
    hours = table.loc["TFI1 time to clear a post by road", ["before", "after"]].tolist()
    assert hours == pytest.approx([2.0, 1.0])
    swod, swd = (
        table.loc[f"TFI4 speed {w}", ["before", "after"]].tolist() for w in ("without delay (SWOD)", "with delay (SWD)")
    )
    assert swod == pytest.approx([85.0, 85.0], rel=0.02)
    assert swd == pytest.approx([42.5, 56.67], rel=0.02)
    border = table.loc["share of the border in the trip time", ["before", "after"]].tolist()
    assert border == pytest.approx([0.5, 1 / 3], rel=0.02)
    blank = table.loc[[t[0] for t in TEMPLATES]]
    assert blank[["before", "after"]].isna().all(axis=None)
    assert (blank["needs"] != "").all()
    assert np.isnan(table.loc["TFI1, 90th percentile", "after"])
    assert (table["formula"] != "").all()
    assert (table["source"] != "").all()
