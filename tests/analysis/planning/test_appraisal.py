"""The indicators of agencies, by hand."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from analysis.planning.across import across
from analysis.planning.appraisal import INDICATORS, appraisal_of, appraisal_table
from analysis.planning.benefit import Curve
from analysis.planning.effects import benefit_between, cities, load_table, standing
from network.edits import set_wait
from network.money import Money
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
    table = appraisal_table(states[0], states[1], load_table(states[0][1], states[1][1], benefit), CURVE).set_index(
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
    blank = table.loc[[i.name for i in INDICATORS.values() if i.needs]]
    assert blank[["before", "after"]].isna().all(axis=None)
    assert (blank["needs"] != "").all()
    assert np.isnan(table.loc["TFI1, 90th percentile", "after"])
    assert (table["formula"] != "").all()
    assert (table["source"] != "").all()


def test_variation_money_efficiency_and_short_trips_by_hand() -> None:
    """A 90th percentile of e times the median is σ = 1/1.282.

    A fee of 7 and 0.5 a km; 170 km of road that is straight.
    """
    network = network_of(LAND)
    posts = network.checkpoints.assign(wait_p90_min=120.0 * np.e)
    network = replace(network, checkpoints=posts)
    trees = across(network)
    state = standing(trees, CURVE, cities(trees, 1))
    share = pd.Series({"c0": 1.0})
    money = Money(1.0, per_km=0.5, fees={"c0": 7.0})
    found = appraisal_of(network, state, share, CURVE, money=money).set_index("indicator")["value"]
    sigma = 1 / 1.2815515655446004
    assert found["planning time index at posts"] == pytest.approx(np.exp(1.6448536269514722 * sigma))
    assert found["variation of waits at posts"] == pytest.approx(np.sqrt(np.exp(sigma**2) - 1))
    assert found["TFI1, 90th percentile"] == pytest.approx(2 * np.e)
    assert found["TFI2 cost at a post"] == 7
    assert found["TFI3 cost of a corridor section"] == pytest.approx(250 + 500 * 7 / 170, rel=0.01)
    # Both places stand 85 km from the line, beyond the 75 km.
    near = INDICATORS["efficiency"].name
    assert np.isnan(found[near])
    assert found[INDICATORS["short"].name] == 0
    assert found[INDICATORS["long"].name] == pytest.approx(found["potential across"])
    land = drawn_land([(-60, 0), (60, 0)], [(0, 1)], [(0, 0)], [(-60, 0), (60, 0)], waits=[0.0], kind="trunk")
    close = network_of(land)
    trees = across(close)
    state = standing(trees, CURVE, cities(trees, 1))
    found = appraisal_of(close, state, share, CURVE).set_index("indicator")
    # 120 km at 85 km/h beside 100 km/h.
    assert found.loc[near, "value"] == pytest.approx(100 / 85, rel=0.02)
    assert found.loc[INDICATORS["short"].name, "value"] == pytest.approx(found.loc["potential across", "value"])
    assert found.loc["TFI2 cost at a post", "needs"] == "fees in [money]"
