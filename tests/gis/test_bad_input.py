"""What a user can get wrong ends in one message, exit code 2, and nothing half-written."""

from __future__ import annotations

import os
from dataclasses import replace
from typing import TYPE_CHECKING

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import rasterio
import shapely
from affine import Affine

from gis import load_study
from gis.inputs import prepare
from tests.borders import random_land
from tests.gis.conftest import call

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

LAND = random_land(3)


def fails(folder: Path, *arguments: str | Path) -> str:
    """Run into an error and return its one message; see that nothing was left behind."""
    before = sorted(p.name for p in folder.iterdir())
    done = call(*arguments, cwd=folder)
    assert done.returncode == 2, done.stderr
    assert "Traceback" not in done.stderr
    assert sorted(p.name for p in folder.iterdir()) == before
    return next(line for line in done.stderr.splitlines() if line.startswith("borderlink:"))


def rewrite(folder: Path, name: str, frame: gpd.GeoDataFrame) -> None:
    """Replace a layer's file."""
    (folder / f"{name}.gpkg").unlink()
    frame.to_file(folder / f"{name}.gpkg", layer=name)


def test_a_country_that_is_not_there(tmp_path: Path, study_of: Callable[..., Path]) -> None:
    file = study_of(LAND)
    file.write_text(file.read_text().replace(f'"{LAND.countries[1]}"', '"XX"', 1))
    message = fails(tmp_path, "run", file)
    assert "XX" in message
    assert LAND.countries[1] in message


def test_two_sides_without_a_common_border(tmp_path: Path, study_of: Callable[..., Path]) -> None:
    file = study_of(LAND)
    apart = LAND.regions.copy()
    apart.loc[1, "geometry"] = shapely.transform(
        apart.geometry[1], lambda xy: xy + (10 if xy[:, 1].mean() < 60 else -10)
    )
    rewrite(tmp_path, "regions", apart)
    assert "share no border" in fails(tmp_path, "run", file)


def test_a_layer_without_a_crs(tmp_path: Path, study_of: Callable[..., Path]) -> None:
    file = study_of(LAND)
    bare = gpd.GeoDataFrame(LAND.roads.drop(columns="geometry"), geometry=LAND.roads.geometry.to_numpy())
    with pytest.warns(UserWarning, match="crs"):
        rewrite(tmp_path, "roads", bare)
    message = fails(tmp_path, "run", file)
    assert "roads" in message
    assert "CRS" in message


@pytest.mark.parametrize("layer", ["roads", "settlements", "checkpoints"])
def test_swapped_longitude_and_latitude(tmp_path: Path, study_of: Callable[..., Path], layer: str) -> None:
    file = study_of(LAND)
    frame = getattr(LAND, layer).copy()
    frame["geometry"] = shapely.transform(frame.geometry.to_numpy(), lambda xy: xy[:, ::-1])
    rewrite(tmp_path, layer, frame)
    message = fails(tmp_path, "run", file)
    assert layer in message
    assert "swapped" in message


def test_a_checkpoint_far_from_the_border_is_left_out_by_name(tmp_path: Path, study_of: Callable[..., Path]) -> None:
    """A table of all posts of a country holds those of its other borders too."""
    file = study_of(LAND)
    frame = LAND.checkpoints.copy()
    across = LAND.regions.geometry[0].centroid.x - LAND.regions.geometry[1].centroid.x
    step = (1.5 if abs(across) > 0.5 else 0.0, 0.0 if abs(across) > 0.5 else 1.5)
    frame.loc[0, "geometry"] = shapely.transform(frame.geometry[0], lambda xy: xy + step)
    rewrite(tmp_path, "checkpoints", frame)
    prepared = prepare(load_study(file))
    assert frame["checkpoint_id"][0] not in set(prepared.layers["checkpoints"]["checkpoint_id"])
    assert any("far from the border" in w and frame["checkpoint_id"][0] in w for w in prepared.warnings)


def test_a_checkpoint_outside_the_belt_is_left_out(tmp_path: Path, study_of: Callable[..., Path]) -> None:
    file = study_of(LAND)
    frame = LAND.checkpoints.copy()
    frame.loc[0, "geometry"] = shapely.Point(0, 0)
    frame.loc[0, "mode"] = "air"
    rewrite(tmp_path, "checkpoints", frame)
    prepared = prepare(load_study(file))
    assert len(prepared.layers["checkpoints"]) == len(frame) - 1
    assert any("1 row of" in w and "outside the network's belt" in w for w in prepared.warnings)


def test_checkpoints_that_all_stand_far_from_the_border(tmp_path: Path, study_of: Callable[..., Path]) -> None:
    file = study_of(LAND)
    frame = LAND.checkpoints.iloc[:1].copy()
    frame["geometry"] = frame.geometry.translate(1.5, 1.5)
    rewrite(tmp_path, "checkpoints", frame)
    message = fails(tmp_path, "run", file)
    assert "far from the border" in message
    assert frame["checkpoint_id"][0] in message


def test_an_empty_network(tmp_path: Path, study_of: Callable[..., Path]) -> None:
    file = study_of(LAND)
    far = LAND.roads.copy()
    far["geometry"] = shapely.transform(far.geometry.to_numpy(), lambda xy: xy * 0.2)
    rewrite(tmp_path, "roads", far)
    assert "roads has nothing" in fails(tmp_path, "run", file)


def test_an_unknown_key_and_a_missing_file(tmp_path: Path, study_of: Callable[..., Path]) -> None:
    file = study_of(LAND, more="[analysis]\nhalf_live_min = 3\n")
    assert "did you mean 'half_life_min'" in fails(tmp_path, "run", file)
    file = study_of(LAND, layers={"roads": "nowhere.gpkg"})
    assert "nowhere.gpkg" in fails(tmp_path, "run", file)


def test_a_missing_column_names_it_and_the_allowed_ones(tmp_path: Path, study_of: Callable[..., Path]) -> None:
    file = study_of(LAND)
    rewrite(tmp_path, "checkpoints", LAND.checkpoints.drop(columns="mode"))
    message = fails(tmp_path, "run", file)
    assert "'mode' is missing" in message


def test_waits_that_fit_nothing(tmp_path: Path, study_of: Callable[..., Path]) -> None:
    file = study_of(LAND, more='[waits]\n"road bilatral" = 3\n')
    assert "road bilatral" in fails(tmp_path, "run", file)


def test_a_folder_of_other_things_is_never_replaced(tmp_path: Path, study_of: Callable[..., Path]) -> None:
    file = study_of(LAND)
    mine = tmp_path / "out"
    mine.mkdir()
    (mine / "thesis.txt").write_text("ten years")
    assert "other things" in fails(tmp_path, "run", file)
    assert (mine / "thesis.txt").read_text() == "ten years"


def test_a_place_that_cannot_be_written(tmp_path: Path, study_of: Callable[..., Path]) -> None:
    file = study_of(LAND)
    # A file where a folder is needed stops root too; a read-only folder would not.
    (tmp_path / "taken").write_text("")
    assert "can't be written" in fails(tmp_path, "run", file, "--out", "taken/out")
    assert "is a file" in fails(tmp_path, "run", file, "--out", "taken")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_read_only_folder(tmp_path: Path, study_of: Callable[..., Path]) -> None:
    file = study_of(LAND)
    shut = tmp_path / "shut"
    shut.mkdir(mode=0o500)
    assert "can't be written" in fails(tmp_path, "run", file, "--out", "shut/out")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["route", "Nirgendwo", "Oral"], "no settlement named 'Nirgendwo'"),
        (["route", "Pavlovka", "Oral"], "ambiguous"),
        (["route", "10,50", "Oral"], "neither side"),
        (["route", "51.2,151.3", "Oral"], "swapped"),
        (["route", "Orenburg", "Oral", "--mode", "boat"], "road, rail, any"),
        (["route", "Orenburg", "Oral", "--network", "ideal"], "borderless, open, actual"),
        (["route", "Orenburg", "Oral", "--by", "beauty"], "time, length"),
        (["scenario", "--close", "Ozinki"], "road-ozinki"),
        (["scenario", "--close", "Checkpoint Charlie"], "names no checkpoint"),
        (["scenario", "--open", "60,58"], "from the border line"),
        (["scenario", "--open", "62.1,54.0", "--wait", "-5"], "from 0 to 10,000"),
        (["scenario", "--open", "62.1,54.0", "--mode", "river"], "road or rail"),
        (["run", "--seed", "-1"], "seed"),
    ],
)
def test_the_command_line_on_the_packaged_border(tmp_path: Path, arguments: list[str], said: str) -> None:
    assert said in fails(tmp_path, *arguments)


@pytest.mark.parametrize(
    "arguments",
    [
        ["scenario"],
        ["scenario", "--open", "here"],
        ["scenario", "--close", "Orsk", "--wait", "3"],
        ["run", "--permutations", "x"],
        ["fly"],
    ],
)
def test_usage_errors_exit_with_2(tmp_path: Path, arguments: list[str]) -> None:
    done = call(*arguments, cwd=tmp_path)
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    assert not list(tmp_path.iterdir())


def test_a_border_without_a_railway_runs(tmp_path: Path, study_of: Callable[..., Path]) -> None:
    file = study_of(LAND, layers={"railways": "none"}, more="[analysis]\nh3_resolution = 5\npermutations = 99\n")
    done = call("run", file, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    table = pd.read_csv(tmp_path / "out" / "tables" / "checkpoints.csv")
    assert (table.loc[table["mode"] == "rail", "joined_by"] == "nothing").all()


def test_a_border_without_any_network_is_refused(tmp_path: Path, study_of: Callable[..., Path]) -> None:
    file = study_of(LAND, layers={"railways": "none", "roads": "none"})
    assert "network is empty" in fails(tmp_path, "run", file)


@pytest.mark.slow
def test_a_small_border_elsewhere_runs(tmp_path: Path, study_of: Callable[..., Path]) -> None:
    land = replace(LAND, settlements=LAND.settlements.assign(population=LAND.settlements["population"] + 1000))
    file = study_of(land, more="[analysis]\nh3_resolution = 5\npermutations = 99\n")
    done = call("run", file, "--out", "results", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "results" / "run.json").is_file()


@pytest.mark.slow
def test_people_of_cells_from_a_raster(tmp_path: Path, study_of: Callable[..., Path]) -> None:
    west, south, east, north = LAND.regions.total_bounds
    size = 0.1
    shape = (int((north - south) / size) + 2, int((east - west) / size) + 2)
    how = {"driver": "GTiff", "height": shape[0], "width": shape[1], "count": 1, "dtype": "float32", "nodata": -1}
    with rasterio.open(
        tmp_path / "people.tif", "w", crs=4326, transform=Affine(size, 0, west, 0, -size, north), **how
    ) as file:
        file.write(np.full(shape, 7.0, "float32"), 1)
    more = '[population]\nraster = "people.tif"\n[analysis]\nh3_resolution = 5\npermutations = 99\n'
    done = call("run", study_of(LAND, more=more), cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    cells = pd.read_csv(tmp_path / "out" / "tables" / "cells.csv")
    # Cells inside their side hold about their own area's worth of people: none is empty, none has a town's.
    assert cells["population"].min() >= 0
    assert (cells["population"] > 0).mean() > 0.9
    assert cells["population"].max() < 20 * cells["population"].median()
    assert "people.tif" in (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    file = study_of(LAND, more=more.replace("people.tif", "none.tif"))
    assert "none.tif" in fails(tmp_path, "run", file)


@pytest.mark.parametrize("value", ["-1", "inf", "nan", "true", "10_001"])
def test_waits_out_of_range(tmp_path: Path, study_of: Callable[..., Path], value: str) -> None:
    file = study_of(LAND)
    file.write_text(file.read_text() + f"\n[waits]\nroad = {value}\n")
    message = fails(tmp_path, "run", file)
    assert "waits" in message
    assert "allowed are minutes from 0 to 10,000" in message


def test_a_new_checkpoint_with_a_negative_wait(tmp_path: Path, study_of: Callable[..., Path]) -> None:
    message = fails(tmp_path, "scenario", study_of(LAND), "--open", "60,50", "--wait", "-5")
    assert "--wait = -5" in message
