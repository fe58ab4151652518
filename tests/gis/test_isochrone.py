"""`borderlink isochrone`: a GeoPackage that QGIS draws at once, and what a user can get wrong."""

from __future__ import annotations

import json
import subprocess
from dataclasses import replace
from typing import TYPE_CHECKING

import geopandas as gpd
import numpy as np
import pytest

from layers.schema import validate
from tests.borders import PLAIN, Land, checkpoints_of, edges_of, regions_of, settlements_of
from tests.gis.conftest import ROOT, call
from tests.gis.test_bad_input import fails
from tests.gis.test_run import QGIS_PYTHON, has_qgis

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

AREA = "+proj=aea +lat_1=49.5 +lat_2=54.5 +lat_0=52 +lon_0=67 +datum=WGS84"


def one_road(*, oneway: bool) -> Land:
    """Return a border with one road over it, 40 km long, at a town on either side."""
    line = [(0.0, t) for t in (-150.0, 0.0, 150.0)]
    nodes = [(-20.0, 0.0), (20.0, 0.0), (-20.0, 60.0), (20.0, 60.0)]
    columns = {"kind": "primary", "maxspeed_kph": np.nan}
    roads = edges_of(PLAIN, nodes, [(0, 1), (0, 2), (1, 3)], oneway=[oneway, False, False], **columns)
    rails = edges_of(PLAIN, [(-60.0, -90.0), (60.0, -90.0)], [(0, 1)], "railways", kind="main")
    return Land(
        regions=regions_of(PLAIN, line, ("RU", "KZ")),
        roads=roads,
        railways=rails,
        checkpoints=checkpoints_of(PLAIN, [(0.0, 0.0)], wait_min=5.0),
        settlements=settlements_of(PLAIN, [(-20.0, 0.0), (20.0, 0.0)], ("RU", "KZ"), population=[1000, 2000]),
        countries=("RU", "KZ"),
    )


def drawn(folder: Path, *arguments: str) -> gpd.GeoDataFrame:
    """Call the command and read what it leaves."""
    done = call("isochrone", *arguments, "--study", "study.toml", cwd=folder)
    assert done.returncode == 0, done.stderr
    return gpd.read_file(folder / "isochrones.gpkg", layer="isochrones")


@pytest.fixture(scope="module")
def petropavl(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """Return the isochrones of a city and a checkpoint of the packaged border, and what the command said."""
    folder = tmp_path_factory.mktemp("isochrone")
    done = call(
        "isochrone",
        "Petropavl",
        "road-petukhovo",
        "--minutes",
        "240,60,120",
        "--network",
        "all",
        "--out",
        "iso.gpkg",
        cwd=folder,
    )
    assert done.returncode == 0, done.stderr
    assert sorted(p.name for p in folder.glob("[!.]*")) == ["iso.gpkg", "iso.html"]
    return folder / "iso.gpkg", done.stdout


def test_polygons_are_nested_and_the_nearer_come_later(petropavl: tuple[Path, str]) -> None:
    file, _ = petropavl
    found = gpd.read_file(file, layer="isochrones")
    assert len(found) == 2 * 3 * 3
    assert found["minutes"].tolist() == sorted(found["minutes"], reverse=True)
    assert found.geometry.is_valid.all()
    flat = found.to_crs(AREA)
    for _, rows in flat.groupby(["place", "network"]):
        assert rows["minutes"].tolist() == [240, 120, 60]
        for wide, near in zip(rows.geometry, rows.geometry[1:], strict=False):
            assert near.difference(wide).area < 1e-4 * near.area
        assert rows["people"].is_monotonic_decreasing
    for _, rows in flat.groupby(["place", "minutes"]):
        free, opened, actual = (rows.set_index("network").geometry[n] for n in ("borderless", "open", "actual"))
        assert opened.difference(free).area < 1e-4 * opened.area
        assert actual.difference(opened).area < 1e-4 * actual.area
    # Waits hold back who comes over the border, not who sets out from the posts themselves.
    wide = found[found["minutes"] == 240].set_index(["place", "network"])
    own = next(p for p in found["place"].unique() if p.startswith("Petropavl"))
    gate = next(p for p in found["place"].unique() if p.startswith("Petukhovo"))
    assert wide.loc[(own, "actual"), "area_a_km2"] < 0.95 * wide.loc[(own, "open"), "area_a_km2"]
    assert wide.loc[(gate, "actual"), "people_a"] > 0
    assert wide.loc[(gate, "actual"), "people_b"] > 0
    # The measured areas are those of the polygons.
    np.testing.assert_allclose(flat.area / 1e6, found["area_km2"], rtol=0.01)


def test_the_command_tells_each_polygon_and_where_to_look(petropavl: tuple[Path, str]) -> None:
    file, said = petropavl
    found = gpd.read_file(file, layer="isochrones")
    lines = [line for line in said.splitlines() if " km², " in line]
    assert len(lines) == len(found)
    for line, row in zip(lines, found.itertuples(), strict=True):
        assert line.startswith(f"{row.place}, {row.network}, {row.minutes:g} min: {row.area_km2:,.0f} km²")
    assert "Look at: iso.gpkg" in said


@pytest.mark.qgis
@pytest.mark.skipif(not has_qgis(), reason="PyQGIS (Debian's python3-qgis) is not installed")
def test_qgis_draws_it_with_its_style(petropavl: tuple[Path, str]) -> None:
    file, _ = petropavl
    script = ROOT / "tests" / "clients" / "open_project.py"
    done = subprocess.run([QGIS_PYTHON, script, file], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    layer = next(found for found in json.loads(done.stdout)["layers"] if found["name"] == "isochrones")
    assert layer["renderer"] == "categorizedSymbol"
    counts = {label: n for label, n in layer["drawn"] if n}
    assert counts == {"within 60 min": 6, "within 120 min": 6, "within 240 min": 6}
    assert layer["aliases"]["minutes"] == "Within (min)"


def test_to_a_place_is_not_from_it_where_a_road_is_one_way(tmp_path: Path, study_of: Callable[..., Path]) -> None:
    study_of(one_road(oneway=True))
    from_a, to_a = drawn(tmp_path, "Town 0", "--minutes", "90"), drawn(tmp_path, "Town 0", "--minutes", "90", "--to")
    assert from_a["area_b_km2"].item() > 100
    assert from_a["people_b"].item() == 2000
    assert to_a["area_b_km2"].item() == 0
    assert to_a["people_b"].item() == 0
    from_b, to_b = drawn(tmp_path, "Town 1", "--minutes", "90"), drawn(tmp_path, "Town 1", "--minutes", "90", "--to")
    assert from_b["people_a"].item() == 0
    assert to_b["people_a"].item() == 1000
    assert set(to_b["direction"]) == {"to"}


def test_to_a_place_is_from_it_where_no_road_is_one_way(tmp_path: Path, study_of: Callable[..., Path]) -> None:
    study_of(one_road(oneway=False))
    there, back = drawn(tmp_path, "Town 0", "--minutes", "60"), drawn(tmp_path, "Town 0", "--minutes", "60", "--to")
    assert there["area_km2"].item() == pytest.approx(back["area_km2"].item(), rel=1e-6)
    assert there["people_b"].item() == back["people_b"].item() == 2000


def test_the_wait_keeps_the_other_side_out_until_it_is_over(tmp_path: Path, study_of: Callable[..., Path]) -> None:
    land = one_road(oneway=False)
    study_of(
        replace(land, checkpoints=validate(land.checkpoints.assign(control_wait_min=300.0), "checkpoints", "test"))
    )
    found = drawn(tmp_path, "Town 0", "--minutes", "200,400", "--network", "all").set_index(["network", "minutes"])
    assert found["people_b"].to_dict() == {
        ("borderless", 400): 2000,
        ("open", 400): 2000,
        ("actual", 400): 2000,
        ("borderless", 200): 2000,
        ("open", 200): 2000,
        ("actual", 200): 0,
    }


def test_a_place_that_is_named_twice_is_drawn_once(tmp_path: Path, study_of: Callable[..., Path]) -> None:
    study_of(one_road(oneway=False))
    assert len(drawn(tmp_path, "Town 0", "Town 1", "Town 0", "--minutes", "30")) == 2


def test_limits_are_the_studys_where_none_are_given(tmp_path: Path, study_of: Callable[..., Path]) -> None:
    study_of(one_road(oneway=False), more="[isochrones]\nminutes = [45, 15]\n")
    assert drawn(tmp_path, "Post 0")["minutes"].tolist() == [45, 15]


def test_more_limits_than_colours(tmp_path: Path, study_of: Callable[..., Path]) -> None:
    study_of(one_road(oneway=False))
    limits = [str(10 * i) for i in range(1, 10)]
    assert drawn(tmp_path, "Town 0", "--minutes", ",".join(limits))["within"].tolist() == limits[::-1]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["Nirgendwo"], ["no settlement named 'Nirgendwo'", "lon,lat"]),
        (["Town 0", "Nirgendwo"], ["'Nirgendwo'"]),
        (["10,50"], ["10,50", "RU or KZ"]),
        (["Town 0", "--network", "ideal"], ["'ideal'", "borderless, open, actual"]),
        (["Town 0", "--mode", "boat"], ["'boat'", "road, rail, any"]),
        (["Town 0", "--minutes", "-5"], ["-5", "more than 0"]),
        (["Town 0", "--minutes", "0"], ["0", "more than 0"]),
        (["Town 0", "--minutes", "60,nan"], ["nan", "more than 0"]),
        (["Town 0", "--out", "iso.shp"], ["iso.shp", "*.gpkg"]),
        (["Town 0", "--out", "iso"], ["iso", "*.gpkg"]),
        (["Town 0", "--out", "nowhere/iso.gpkg"], ["nowhere/iso.gpkg", "no folder"]),
        (["Town 0", "--out", "regions.gpkg/iso.gpkg"], ["no folder"]),
    ],
)
def test_what_a_user_can_get_wrong(
    tmp_path: Path, study_of: Callable[..., Path], arguments: list[str], said: list[str]
) -> None:
    study_of(one_road(oneway=False))
    message = fails(tmp_path, "isochrone", *arguments, "--study", "study.toml")
    assert all(part in message for part in said), message


def test_a_closed_checkpoint_is_no_place(tmp_path: Path, study_of: Callable[..., Path]) -> None:
    land = one_road(oneway=False)
    study_of(replace(land, checkpoints=land.checkpoints.assign(open=False)))
    assert "closed" in fails(tmp_path, "isochrone", "c0", "--study", "study.toml")


@pytest.mark.parametrize("text", ["60,x", ",", "1 h"])
def test_minutes_that_are_no_numbers(tmp_path: Path, text: str) -> None:
    done = call("isochrone", "Oral", "--minutes", text, cwd=tmp_path)
    assert done.returncode == 2
    assert "allowed are numbers between commas" in " ".join(done.stderr.replace("│", " ").split())
    assert not list(tmp_path.iterdir())


def test_a_file_that_is_in_the_way_stays(tmp_path: Path, study_of: Callable[..., Path]) -> None:
    study_of(one_road(oneway=False))
    (tmp_path / "taken.gpkg").mkdir()
    assert "can't be written" in fails(tmp_path, "isochrone", "Town 0", "--out", "taken.gpkg", "--study", "study.toml")
