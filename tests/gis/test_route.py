"""`borderlink route` on the packaged border."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

import gis
from gis.queries.route import find_route
from layers.crs import GEOD
from tests.gis.conftest import call

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


def test_a_bridged_gap_is_named_and_can_be_left_out(tmp_path: Path) -> None:
    told = ask(tmp_path, "Rudnyy", "Kostanay")
    (note,) = [n for n in told["notes"] if "bridged" in n]
    # The road to Rudnyy ends 2 km beside the one that leads on to Kostanay.
    assert "2.1 km at 63.59,53.17" in note
    assert "assumed" in note and "`bridge_gaps = false`" in note
    assert told["length_m"] < 100_000
    study = tmp_path / "study.toml"
    study.write_text('sides = ["RU", "KZ"]\n[network]\nbridge_gaps = false\n')
    bare = ask(tmp_path, "Rudnyy", "Kostanay", "--study", "study.toml")
    # Without it the way leads through Kostanay's own connectors: a town joins the roads that end in it.
    assert bare["length_m"] < 60_000
    assert not any("bridged" in n for n in bare["notes"])
