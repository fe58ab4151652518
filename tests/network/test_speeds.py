"""Speeds, each with its source."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from layers.errors import NetworkError
from layers.osm.limits import LEGAL_KPH, class_kph
from network.speeds import (
    FERRY_BOARDING_MIN,
    FERRY_KPH,
    OTHER_KPH,
    RAIL_KPH,
    ROAD_KPH,
    SMOOTHNESS,
    SURFACES,
    TRUCK_SHARE,
    WINTER_SHARE,
    with_speeds,
)


def links(**columns: object) -> pd.DataFrame:
    return pd.DataFrame({"mode": "road", "length_m": 10_000.0, "maxspeed_kph": np.nan, **columns})


def test_each_speed_says_where_it_comes_from() -> None:
    table = links(kind=["trunk", "trunk", "primary", "camel path"], maxspeed_kph=[50.0, np.nan, np.nan, np.nan])
    out = with_speeds(table, overrides={"primary": 66})
    assert out["speed_source"].tolist() == ["tagged", "default", "study", "fallback"]
    assert out["speed_kph"].tolist() == [45, ROAD_KPH["trunk"], 66, OTHER_KPH["road"]]
    assert out["time_min"].to_numpy() == pytest.approx(10 / out["speed_kph"].to_numpy() * 60)


def test_a_posted_limit_never_makes_a_road_faster_than_its_class() -> None:
    out = with_speeds(links(kind=["track", "trunk"], maxspeed_kph=[110.0, 110.0]), overrides={"trunk": 70})
    assert out["speed_kph"].tolist() == [ROAD_KPH["track"], 70]
    assert out["speed_source"].tolist() == ["tagged", "tagged"]


def test_a_speed_that_the_layer_states_as_driven_stands_before_class_limit_and_ground() -> None:
    table = links(kind="primary", driven_kph=[120.0, 20.0, np.nan], maxspeed_kph=[50.0, np.nan, np.nan], surface="sand")
    out = with_speeds(table, overrides={"primary": 66})
    assert out["speed_kph"].tolist() == [120, 20, 15]
    assert out["speed_source"].tolist() == ["layer", "layer", "study"]
    assert with_speeds(table, winter=True)["speed_kph"].tolist()[:2] == [120 * WINTER_SHARE, 20 * WINTER_SHARE]
    truck = with_speeds(table.assign(surface="", maxspeed_kph=np.nan), vehicle="truck")["speed_kph"]
    assert truck.tolist()[:2] == [TRUCK_SHARE * 70, 20]


def test_railways_have_a_table_of_their_own() -> None:
    out = with_speeds(links(kind=["main", "branch", "funicular"], mode="rail"))
    assert out["speed_kph"].tolist() == [RAIL_KPH["main"], RAIL_KPH["branch"], OTHER_KPH["rail"]]


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


@pytest.mark.parametrize("vehicle", ["car", "truck"])
def test_an_untagged_road_is_never_driven_faster_than_the_law_of_its_country_allows(vehicle: str) -> None:
    rows = [(land, kind) for land in (*LEGAL_KPH, "", "BR") for kind in ROAD_KPH]
    table = links(kind=[k for _, k in rows], country=[c for c, _ in rows])
    out = with_speeds(table, vehicle=vehicle)
    legal = class_kph(table["country"], table["kind"], vehicle)
    assert (out["speed_kph"] <= np.where(np.isnan(legal), np.inf, legal)).all()
    assert (out["speed_source"] == "default").all()


def test_the_law_binds_where_the_class_is_driven_faster() -> None:
    # Walking speed in Germany, 20 km/h in Russia; no class is driven faster than either reference country allows.
    out = with_speeds(links(kind=["living_street", "living_street"], country=["DE", "RU"]))
    assert out["speed_kph"].tolist() == [7, 20]
    for country in ("RU", "KZ"):
        same = with_speeds(links(kind=list(ROAD_KPH), country=country))
        assert same["speed_kph"].tolist() == list(ROAD_KPH.values())


def test_what_the_study_says_and_what_a_sign_says_stand_before_the_law() -> None:
    table = links(kind=["living_street", "living_street"], country="DE", maxspeed_kph=[np.nan, 10.0])
    assert with_speeds(table, overrides={"living_street": 15})["speed_kph"].tolist() == [15, 9]


def test_a_legal_zone_in_the_tags_is_told_as_such() -> None:
    table = links(
        kind=["trunk"] * 4,
        maxspeed_kph=[90.0, 90.0, np.nan, np.nan],
        speed_source=["implicit", "tagged", "implicit", ""],
    )
    out = with_speeds(table)
    assert out["speed_source"].tolist() == ["implicit", "tagged", "default", "default"]
    assert out["speed_kph"].tolist() == [81, 81, 85, 85]


def test_a_truck_is_slower_than_a_car_by_share_cap_and_its_own_limit() -> None:
    kinds = ["trunk", "secondary", "track", "secondary", "trunk", "main"]
    table = links(
        kind=kinds,
        mode=["road"] * 5 + ["rail"],
        maxspeed_kph=[np.nan, np.nan, np.nan, 40.0, 110.0, np.nan],
        maxspeed_hgv_kph=[np.nan, np.nan, np.nan, np.nan, 50.0, np.nan],
    )
    out = with_speeds(table, vehicle="truck")
    # 0.8 × 70, 0.8 × 60, 0.8 × 20; 0.9 of a sign that is lower still, or of one for trucks; a train is a train.
    assert out["speed_kph"].tolist() == pytest.approx([56, 48, 16, 36, 45, RAIL_KPH["main"]])
    assert out["speed_source"].tolist() == ["default"] * 3 + ["tagged"] * 2 + ["default"]
    assert with_speeds(table)["speed_kph"].tolist()[3:5] == pytest.approx([36, 85])


@pytest.mark.parametrize("seed", range(4))
def test_no_truck_overtakes_a_car(seed: int) -> None:
    rng = np.random.default_rng(seed)
    n = 400
    table = links(
        kind=rng.choice([*ROAD_KPH, "trunk_link", "lane"], n),
        country=rng.choice([*LEGAL_KPH, ""], n),
        maxspeed_kph=np.where(rng.random(n) < 0.4, rng.uniform(5, 140, n), np.nan),
        maxspeed_hgv_kph=np.where(rng.random(n) < 0.2, rng.uniform(5, 140, n), np.nan),
        surface=rng.choice([*SURFACES, "asphalt", ""], n),
        smoothness=rng.choice([*SMOOTHNESS, "good", ""], n),
    )
    car, truck = (with_speeds(table, vehicle=v)["speed_kph"] for v in ("car", "truck"))
    assert (truck <= car * (1 + 1e-12)).all()
    assert (truck >= TRUCK_SHARE**2 * 0.1 * car).all()


def test_the_speeds_of_a_study_are_those_of_its_vehicle() -> None:
    out = with_speeds(links(kind=["trunk", "primary"]), overrides={"trunk": 65}, vehicle="truck")
    assert out["speed_kph"].tolist() == [65, 56]


def test_a_rough_road_slows_and_surface_and_smoothness_do_not_add_up() -> None:
    surface, smoothness = ["", "gravel", "gravel", "asphalt"], ["very_bad", "bad", "horrible", "intermediate"]
    out = with_speeds(links(kind=["tertiary"] * 4, surface=surface, smoothness=smoothness))
    assert out["speed_kph"].tolist() == pytest.approx([50 * 0.5, 50 * 0.6, 50 * 0.3, 50])


def test_winter_slows_roads_and_neither_trains_nor_ferries() -> None:
    table = links(kind=["trunk", "main", "ferry"], mode=["road", "rail", "road"], maxspeed_kph=[50.0, np.nan, np.nan])
    out = with_speeds(table, winter=True)["speed_kph"]
    assert out.tolist() == pytest.approx([45 * WINTER_SHARE, RAIL_KPH["main"], FERRY_KPH])


def test_a_ferry_takes_its_own_time_or_an_assumed_one_and_boards_at_each_landing() -> None:
    # Road 0–1, a ferry of two pieces 1–2–3, road 3–4, and a ferry that ends in the water.
    table = links(kind=["trunk", "ferry", "ferry", "trunk", "ferry"], u=[0, 1, 2, 3, 3], v=[1, 2, 3, 4, 9])
    table["duration_min"] = [np.nan, 20.0, np.nan, np.nan, 0.001]
    out = with_speeds(table)
    assert out["speed_kph"].tolist() == pytest.approx([85, 30, FERRY_KPH, 85, FERRY_KPH])
    assert out["speed_source"].tolist() == ["default", "tagged", "default", "default", "default"]
    half = FERRY_BOARDING_MIN / 2
    drive = 10 / 85 * 60
    assert out["time_min"].tolist() == pytest.approx([drive, 20 + half, 40 + half, drive, 40 + half])


def test_another_vehicle_is_refused() -> None:
    with pytest.raises(NetworkError, match="vehicle 'bus': allowed is car or truck"):
        with_speeds(links(kind=["trunk"]), vehicle="bus")
