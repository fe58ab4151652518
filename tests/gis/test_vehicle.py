"""A study of trucks, of winter, and of what trains lose."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

import gis
from gis.assumptions import assumptions
from gis.chapters.reach import reach_chapter
from layers.errors import StudyError
from network.speeds import ROAD_KPH, TRUCK_KPH, TRUCK_SHARE, WINTER_SHARE

if TYPE_CHECKING:
    from pathlib import Path


def study_of(tmp_path: Path, network: str) -> gis.Study:
    file = tmp_path / "s.toml"
    file.write_text(f'sides = ["RU", "KZ"]\n[network]\n{network}\n', encoding="utf-8")
    return gis.load_study(file)


def test_a_study_is_of_cars_in_summer_unless_it_says_otherwise(tmp_path: Path) -> None:
    plain = study_of(tmp_path, "").network
    assert (plain.vehicle, plain.winter, plain.gauge_change_min, plain.current_change_min) == ("car", False, 120, 45)
    told = study_of(
        tmp_path, 'vehicle = "truck"\nwinter = true\ngauge_change_min = 240\ncurrent_change_min = 30'
    ).network
    assert (told.vehicle, told.winter, told.gauge_change_min, told.current_change_min) == ("truck", True, 240, 30)


@pytest.mark.parametrize("text", ['vehicle = "bus"', "winter = 3", "gauge_change_min = -1"])
def test_what_a_study_may_not_say_of_them(tmp_path: Path, text: str) -> None:
    with pytest.raises(StudyError, match=f"network.{text.split()[0]}"):
        study_of(tmp_path, text)


def test_a_truck_study_is_slower_on_roads_waits_longer_and_says_so(tmp_path: Path) -> None:
    study = study_of(tmp_path, 'vehicle = "truck"\nwinter = true')
    network = gis.build(gis.prepare(study))
    links = network.links
    trunk = links[(links["kind"] == "trunk") & (links["speed_source"] == "default")]
    assert len(trunk) > 1000
    expected = TRUCK_SHARE * min(TRUCK_KPH, ROAD_KPH["trunk"]) * WINTER_SHARE
    assert trunk["speed_kph"].to_numpy() == pytest.approx(expected)
    posts = network.checkpoints
    assert set(posts.loc[posts["mode"] == "road", "control_wait_min"]) == {240}
    assert set(posts.loc[posts["mode"] == "rail", "control_wait_min"]) == {75}
    told = assumptions(study, network).set_index("what")["value"]
    assert told["wait at a checkpoint, road multilateral (90th percentile 1440)"] == "240"
    assert any("truck" in what for what in told.index)
    assert any("winter" in what for what in told.index)
    assert not any("gauge" in what or "ferry" in what for what in told.index)


def test_trucks_take_no_train(tmp_path: Path) -> None:
    study = study_of(tmp_path, 'vehicle = "truck"')
    prepared = gis.prepare(study)
    network = gis.build(prepared)
    measures = gis.measure(prepared, network)
    assert measures.demand is not None
    assert [m.mode for m in measures.demand.modes] == ["road"]
    points = measures.checkpoints.set_index("checkpoint_id")
    road = points[points["mode"] == "road"]
    assert road["share"].sum() == pytest.approx(1)
    assert points.loc[points["mode"] == "rail", "share"].fillna(0).eq(0).all()
    named = road.loc[road["fallback"] != "", "fallback"]
    assert len(named) > 10
    assert (points.loc[named, "mode"] == "road").all()
    assert any("freight by rail is not modelled" in note for note in measures.notes)
    told = assumptions(study, network).set_index("what")["value"]
    assert told["trips of trucks by rail"] == "0"
    assert not any("road and rail together" in what for what in told.index)
    reach = reach_chapter(prepared, network, measures)
    assert not any("road_and_rail" in str(c) for c in reach.columns["settlements"])
