"""Waits, hours and names of checkpoints."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pytest

from layers.checkpoints import ASSUMED_WAITS, find_checkpoint, open_to, with_waits
from layers.errors import LayerError, PlaceError
from layers.hours import ClosedHours
from layers.io import Source, read_layer
from tests.borders import PLAIN, checkpoints_of


def posts(**columns: Any) -> gpd.GeoDataFrame:
    n = max(len(v) for v in columns.values() if isinstance(v, list))
    return checkpoints_of(PLAIN, [(0, 10 * i) for i in range(n)], **columns)


def test_who_plans_waits_at_the_control_alone_and_who_does_not_for_the_opening_too() -> None:
    table = posts(wait_min=[30.0, 30.0, 30.0], hours=["24/7", "22:00-06:00", "irregular"])
    planned, even = with_waits(table), with_waits(table, closed_hours="even")
    assert planned["wait_min"].tolist() == [30, 30, 30]
    assert planned["hours_wait_min"].tolist() == [0, 0, 0]
    assert even["control_wait_min"].tolist() == [30, 30, 30]
    assert even["hours_wait_min"].tolist() == [0, 320, 0]
    assert even["wait_min"].tolist() == [30, 350, 30]
    for frame in (planned, even):
        assert frame["hours_known"].tolist() == [True, True, False]
        np.testing.assert_allclose(frame["hours_open_share"], [1, 1 / 3, np.nan])
        np.testing.assert_allclose(frame["hours_even_min"], [0, 320, np.nan])
    with pytest.raises(LayerError, match="allowed are planned, even"):
        with_waits(table, closed_hours="never")  # type: ignore[arg-type]


@pytest.mark.parametrize("vehicle", ["car", "truck"])
@pytest.mark.parametrize("closed_hours", ["planned", "even"])
def test_the_table_of_a_run_given_back_as_a_layer_has_the_same_waits(
    tmp_path: Path, vehicle: str, closed_hours: ClosedHours
) -> None:
    table = posts(
        mode=["road", "road", "rail", "road"],
        wait_min=[np.nan, 45.0, np.nan, 20.0],
        wait_truck_min=[np.nan, 200.0, np.nan, np.nan],
        wait_source=["", "counted", "", ""],
        hours=["09:00-21:00", "Mo-Fr 08:00-18:00", "24/7", "irregular"],
    )
    once = with_waits(table, vehicle=vehicle, closed_hours=closed_hours)
    file = tmp_path / "checkpoints.csv"
    rows = once.drop(columns="geometry").assign(lon=once.geometry.x, lat=once.geometry.y)
    rows.to_csv(file, index=False)
    again = with_waits(read_layer("checkpoints", Source(str(file)))[0], vehicle=vehicle, closed_hours=closed_hours)
    for column in ("control_wait_min", "hours_wait_min", "wait_min", "wait_p90_min", "wait_assumed", "wait_source"):
        assert again[column].fillna(-1).tolist() == once[column].fillna(-1).tolist(), column


def test_a_wait_is_read_once_whatever_its_column_is_called() -> None:
    short = posts(wait_min=[30.0])
    both = posts(control_wait_min=[30.0], wait_min=[210.0])
    assert short["control_wait_min"].tolist() == both["control_wait_min"].tolist() == [30]
    assert "wait_min" not in short.columns
    assert "wait_min" not in both.columns


def test_an_assumption_of_the_table_stays_one_and_gives_way_to_a_setting() -> None:
    table = posts(wait_min=[45.0, 45.0, 45.0], wait_assumed=[True, True, False], regime=["bilateral"] * 3)
    frame = with_waits(table)
    assert frame["control_wait_min"].tolist() == [45, 45, 45]
    assert frame["wait_assumed"].tolist() == [True, True, False]
    assert frame["wait_source"][0].startswith("assumption")
    assert np.isnan(frame["wait_p90_min"][0])
    frame = with_waits(table, {"road bilateral": 50.0})
    assert frame["control_wait_min"].tolist() == [50, 50, 45]


def test_assumed_waits_by_mode_and_regime_are_marked() -> None:
    frame = with_waits(
        posts(mode=["road", "road", "rail", "river"], regime=["multilateral", "bilateral", "multilateral", "unknown"])
    )
    keys = ["road multilateral", "road bilateral", "rail", "river"]
    assert frame["control_wait_min"].tolist() == [ASSUMED_WAITS[k][0] for k in keys]
    assert frame["wait_p90_min"].tolist() == [ASSUMED_WAITS[k][1] for k in keys]
    assert frame["wait_assumed"].all()
    assert frame["wait_source"].tolist() == [f"assumption: {k}" for k in keys]


def test_a_stated_median_is_no_assumption_and_gets_no_invented_percentile() -> None:
    table = posts(wait_min=[45.0, np.nan, 10.0], wait_p90_min=[np.nan, np.nan, 70.0], wait_source=["counted", "", ""])
    frame = with_waits(table, {"c1": 20.0})
    assert frame["control_wait_min"].tolist() == [45, 20, 10]
    assert frame["wait_assumed"].tolist() == [False, False, False]
    assert np.isnan(frame["wait_p90_min"][0])
    assert np.isnan(frame["wait_p90_min"][1])
    assert frame["wait_p90_min"][2] == 70
    assert frame["wait_source"].tolist() == ["counted", "the study's [waits]", "the layer checkpoints"]


def test_a_percentile_of_the_table_does_not_outlive_the_median_it_belongs_to() -> None:
    frame = with_waits(posts(wait_min=[10.0], wait_p90_min=[70.0]), {"c0": 500.0})
    assert frame["control_wait_min"].tolist() == [500]
    assert not frame["wait_p90_min"][0] < frame["control_wait_min"][0]


def test_the_nearest_setting_wins() -> None:
    table = posts(mode=["road"] * 3 + ["rail"], regime=["bilateral", "bilateral", "multilateral", "unknown"])
    frame = with_waits(table, {"road": 11.0, "road bilateral": 22.0, "c0": 33.0})
    assert frame["control_wait_min"].tolist() == [33, 22, 11, ASSUMED_WAITS["rail"][0]]
    assert frame["wait_assumed"].tolist() == [False, False, False, True]


def test_a_setting_that_fits_no_checkpoint_is_refused() -> None:
    with pytest.raises(LayerError, match=r"waits for 'roda' fit no checkpoint.*road multilateral"):
        with_waits(posts(mode=["road"]), {"roda": 10.0})


def test_the_layer_itself_is_left_alone() -> None:
    table = posts(mode=["road"])
    with_waits(table)
    assert table["control_wait_min"].isna().all()


def named() -> gpd.GeoDataFrame:
    return posts(
        checkpoint_id=["road-ozinki", "rail-ozinki", "road-ilek"],
        mode=["road", "rail", "road"],
        name=["Ozinki – Taskala", "Ozinki – Semiglavy Mar", "Ilek – Aksay"],
        name_ru=["Озинки – Таскала", "Озинки – Семиглавый Мар", "Илёк – Аксай"],
        names=["Ozinki|Taskala|Озинки", "Ozinki|Semiglavy Mar|Озинки", "Ilek|Aksay|Илёк"],
        name_kk=["Тасқала", "", "Ақсай"],
    )


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("road-ozinki", "road-ozinki"),
        ("Taskala", "road-ozinki"),
        ("тасқала", "road-ozinki"),
        ("ИЛЕК", "road-ilek"),
        ("semiglavy-mar", "rail-ozinki"),
        ("Ilek – Aksay", "road-ilek"),
        ("Ilek - Aksay", "road-ilek"),
    ],
)
def test_a_checkpoint_is_found_by_its_id_or_any_name(text: str, found: str) -> None:
    assert find_checkpoint(named(), text) == found


def test_an_ambiguous_name_lists_the_ids_to_choose_from() -> None:
    with pytest.raises(PlaceError, match=r"'Ozinki' is ambiguous.*road-ozinki.*rail-ozinki") as error:
        find_checkpoint(named(), "Ozinki")
    assert "road-ilek" not in str(error.value)


@pytest.mark.parametrize("text", ["Nowhere", "", "  "])
def test_an_unknown_name_lists_all(text: str) -> None:
    with pytest.raises(PlaceError, match=r"names no checkpoint.*road-ozinki.*road-ilek"):
        find_checkpoint(named(), text)


def test_trucks_wait_their_own_time_by_road_and_trains_theirs() -> None:
    table = posts(
        mode=["road", "road", "road", "rail"],
        wait_min=[20.0, 20.0, np.nan, 50.0],
        wait_p90_min=[90.0, 90.0, np.nan, 95.0],
        wait_truck_min=[np.nan, 300.0, np.nan, 777.0],
    )
    frame = with_waits(table, vehicle="truck")
    assert frame["control_wait_min"].tolist() == [240, 300, 240, 50]
    assert frame["wait_assumed"].tolist() == [True, False, True, False]
    # The percentile of cars is not one of trucks.
    assert frame["wait_p90_min"].fillna(-1).tolist() == [1440, -1, 1440, 95]
    assert frame["wait_source"][0] == "assumption: road unknown, truck"
    cars = with_waits(table)
    assert cars["control_wait_min"].tolist() == [20, 20, ASSUMED_WAITS["road unknown"][0], 50]


def test_a_setting_of_the_study_holds_for_its_vehicle() -> None:
    frame = with_waits(posts(mode=["road", "road"], wait_truck_min=[np.nan, 100.0]), {"c0": 33.0}, vehicle="truck")
    assert frame["control_wait_min"].tolist() == [33, 100]


def test_a_vehicle_without_waits_is_refused() -> None:
    with pytest.raises(LayerError, match="vehicle 'bus': allowed is car or truck"):
        with_waits(posts(mode=["road"]), vehicle="bus")


def test_a_post_is_closed_to_vehicles_that_it_does_not_name() -> None:
    table = posts(
        mode=["road", "road", "road", "road", "rail"],
        vehicles=["", "car|bus", "truck", "car|truck", "car"],
        open=[True, True, True, False, True],
    )
    assert open_to(table, "truck")["open"].tolist() == [True, False, True, False, True]
    assert open_to(table, "car")["open"].tolist() == [True, True, False, False, True]
    assert open_to(table, "bus")["open"].tolist() == [True, True, False, False, True]
    assert table["open"].tolist() == [True, True, True, False, True]
