"""`borderlink route` on the packaged border."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import pytest

import gis
from gis.queries.route import find_route
from layers.crs import GEOD
from tests.gis.conftest import call
from tests.gis.grid import grid_layers, write_grid

if TYPE_CHECKING:
    from pathlib import Path


def ask(folder: Path, *arguments: str) -> dict[str, Any]:
    """Return the JSON answer of a route."""
    done = call("route", *arguments, "--json", cwd=folder)
    assert done.returncode == 0, done.stderr
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


def test_json_has_the_stated_keys_and_one_wait(tmp_path: Path) -> None:
    told = ask(tmp_path, "Orenburg", "Aktobe")
    assert {"length_m", "time_min", "wait_min", "checkpoints", "straight_m"} <= set(told)
    assert told["checkpoints"] == ["road-sagarchin"]
    assert told["wait_min"] == 60.0
    assert told["length_m"] >= told["straight_m"]


def test_any_name_in_any_script(tmp_path: Path) -> None:
    one = ask(tmp_path, "Оренбург", "Ақтөбе")
    assert one == ask(tmp_path, "Orenburg", "Aktobe")
    assert ask(tmp_path, "Uralsk", "Orenburg")["origin"].startswith("Oral")


def test_networks_differ_by_the_wait_alone_where_the_way_is_the_same(tmp_path: Path) -> None:
    told = {n: ask(tmp_path, "Orenburg", "Aktobe", "--network", n) for n in ("borderless", "open", "actual")}
    assert told["borderless"]["wait_min"] == told["open"]["wait_min"] == 0
    assert (
        told["borderless"]["time_min"]
        <= told["open"]["time_min"]
        <= told["actual"]["time_min"] + told["actual"]["wait_min"]
    )


def test_coordinates_and_length(tmp_path: Path) -> None:
    told = ask(tmp_path, "55.1,51.77", "57.2,50.28", "--by", "length")
    quick = ask(tmp_path, "55.1,51.77", "57.2,50.28")
    assert told["length_m"] <= quick["length_m"]
    assert told["straight_m"] == pytest.approx(GEOD.inv(55.1, 51.77, 57.2, 50.28)[2])


def test_a_train_home_pays_no_wait_unless_the_study_says_so(tmp_path: Path) -> None:
    told = ask(tmp_path, "Kurgan", "Omsk", "--mode", "rail")
    assert told["wait_min"] == 0
    assert any("home trip" in n for n in told["notes"])
    assert any("train in transit does not stop" in n for n in told["notes"])
    charged = gis.load_study().with_analysis(domestic_wait=True)
    paid = find_route(charged, "Kurgan", "Omsk", mode="rail")
    assert paid["wait_min"] == 75.0 * len(paid["checkpoints"])
    assert any("by rail it waits at both posts" in n for n in paid["notes"])


def test_plain_answer(tmp_path: Path) -> None:
    done = call("route", "Orenburg", "Aktobe", cwd=tmp_path)
    assert "min moving + 60 min wait" in done.stdout
    assert "Sagarchin – Zhaisan" in done.stdout


def test_waits_come_with_their_tail_where_it_is_known(tmp_path: Path) -> None:
    posts = grid_layers()["checkpoints"].assign(wait_min=[30.0, 45.0], wait_p90_min=[95.0, float("nan")])
    study = str(write_grid(tmp_path / "grid", checkpoints=posts))
    waits = {
        row["name"]: row
        for place in ("49.7", "50.1")
        for row in ask(tmp_path, f"59.7,{place}", f"60.3,{place}", "--study", study)["waits"]
    }
    assert waits == {
        name: {"name": name, "wait_min": wait, "wait_p90_min": most, "assumed": False}
        for name, wait, most in zip(posts["name"], (30.0, 45.0), (95.0, None), strict=True)
    }
    done = call("route", "59.7,49.7", "60.3,49.7", "--study", study, "--out", "way.gpkg", cwd=tmp_path)
    assert "South (median 30 min, 90 % within 95)" in done.stdout
    passed = gpd.read_file(tmp_path / "way.gpkg", layer="passed")
    assert passed[["wait_min", "wait_p90_min"]].to_numpy().tolist() == [[30.0, 95.0]]
    assert ask(tmp_path, "59.7,49.7", "60.3,49.7", "--study", study, "--network", "open")["waits"] == []


def test_a_bridged_gap_is_named_and_can_be_left_out(tmp_path: Path) -> None:
    told = ask(tmp_path, "Makinsk", "Burabay")
    (note,) = [n for n in told["notes"] if "bridged" in n]
    # The road to the lake ends 3 km beside the one that leads to Makinsk.
    assert "2.8 km at 70.23,52.91" in note
    assert "assumed" in note and "`bridge_gaps = false`" in note
    study = tmp_path / "study.toml"
    study.write_text('sides = ["RU", "KZ"]\n[network]\nbridge_gaps = false\n')
    bare = ask(tmp_path, "Makinsk", "Burabay", "--study", "study.toml")
    assert bare["total_min"] > told["total_min"]
    assert not any("bridged" in n for n in bare["notes"])


def test_a_town_joins_the_roads_that_end_in_it(tmp_path: Path) -> None:
    """Rudnyy and Kostanay lie 44 km apart.

    By name, by coordinates, and 3 km beside, whether gaps are bridged or not.
    """
    study = tmp_path / "study.toml"
    study.write_text('sides = ["RU", "KZ"]\n[network]\nbridge_gaps = false\n')
    assert ask(tmp_path, "Rudnyy", "Kostanay", "--study", "study.toml")["length_m"] < 60_000
    for end in ("Kostanay", "63.6246,53.2144", "63.6246,53.2414", "63.6695,53.2144"):
        assert ask(tmp_path, "Rudnyy", end)["length_m"] < 70_000, end
    assert ask(tmp_path, "Chelyabinsk", "63.62,53.21", "--network", "open")["length_m"] < 320_000
