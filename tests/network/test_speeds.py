"""Speeds, each with its source."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from layers.errors import NetworkError
from network.speeds import OTHER, RAIL_KPH, ROAD_KPH, SURFACES, with_speeds


def links(**columns: object) -> pd.DataFrame:
    return pd.DataFrame({"mode": "road", "length_m": 10_000.0, "maxspeed_kph": np.nan, **columns})


def test_each_speed_says_where_it_comes_from() -> None:
    table = links(kind=["trunk", "trunk", "primary", "camel path"], maxspeed_kph=[50.0, np.nan, np.nan, np.nan])
    out = with_speeds(table, overrides={"primary": 66})
    assert out["speed_source"].tolist() == ["tagged", "default", "study", "fallback"]
    assert out["speed_kph"].tolist() == [45, ROAD_KPH["trunk"], 66, OTHER["road"]]
    assert out["time_min"].to_numpy() == pytest.approx(10 / out["speed_kph"].to_numpy() * 60)


def test_a_posted_limit_never_makes_a_road_faster_than_its_class() -> None:
    out = with_speeds(links(kind=["track", "trunk"], maxspeed_kph=[110.0, 110.0]), overrides={"trunk": 70})
    assert out["speed_kph"].tolist() == [ROAD_KPH["track"], 70]
    assert out["speed_source"].tolist() == ["tagged", "tagged"]


def test_railways_have_a_table_of_their_own() -> None:
    out = with_speeds(links(kind=["main", "branch", "funicular"], mode="rail"))
    assert out["speed_kph"].tolist() == [RAIL_KPH["main"], RAIL_KPH["branch"], OTHER["rail"]]


@pytest.mark.parametrize("speed", [0, -5, 401, float("nan"), float("inf")])
def test_speeds_out_of_range_are_refused(speed: float) -> None:
    with pytest.raises(NetworkError, match=r"out of range: allowed is 1 to 400"):
        with_speeds(links(kind=["trunk"]), overrides={"trunk": speed})


def test_an_unknown_class_is_refused() -> None:
    with pytest.raises(NetworkError, match=r"'highway': allowed classes are motorway"):
        with_speeds(links(kind=["trunk"]), overrides={"highway": 90})


def test_the_table_itself_is_left_alone() -> None:
    table = links(kind=["trunk"])
    with_speeds(table)
    assert "time_min" not in table


def test_a_loose_surface_slows_by_share_and_by_cap() -> None:
    surface = ["asphalt", "gravel", "gravel", "sand", "", "ground;sand"]
    table = links(kind=["trunk", "trunk", "tertiary", "trunk", "trunk", "track"], surface=surface)
    share, cap = SURFACES["gravel"]
    expected = [
        ROAD_KPH["trunk"],
        min(ROAD_KPH["trunk"] * share, cap),
        ROAD_KPH["tertiary"] * share,
        15,
        ROAD_KPH["trunk"],
        10,
    ]
    assert with_speeds(table)["speed_kph"].tolist() == pytest.approx(expected)
    assert ROAD_KPH["tertiary"] * share < cap < ROAD_KPH["trunk"] * share


def test_a_link_road_is_driven_like_its_class() -> None:
    out = with_speeds(links(kind=["motorway_link", "primary_link"]))
    assert out["speed_kph"].tolist() == [ROAD_KPH["motorway"], ROAD_KPH["primary"]]
