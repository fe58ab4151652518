"""What a user can get wrong in the further chapters' sections ends in one message, exit code 2, no file."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import geopandas as gpd
import numpy as np
import pytest
import shapely

from layers.indicators import COLUMNS, indicator_template
from tests.borders import Land, random_land
from tests.gis.conftest import call
from tests.gis.test_bad_input import fails

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

QUICK = (
    "[analysis]\nh3_resolution = 4\nraster_km = 50\npermutations = 99\n[trips]\nlinks_closed = 0\nclosed_together = 2\n"
    '[stability]\nalternatives = "none"\nnull_draws = 0\n'
)
LAND = random_land(3)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('[analysis]\ndecay = { name = "cubic" }', ["analysis.decay.name", "'cubic'", "'gaussian'", "'zones'"]),
        ('[analysis]\ndecay = { name = "gaussian" }', ["analysis.decay", "with nothing", "allowed are sigma_min"]),
        ('[analysis]\ndecay = { name = "gaussian", exponent = 2 }', ["with exponent", "allowed are sigma_min"]),
        (
            '[analysis]\ndecay = { name = "gaussian", sigma_min = 90, limit_min = 3 }',
            ["limit_min", "allowed are sigma_min"],
        ),
        ('[analysis]\ndecay = { name = "gaussian", sigma_min = -1 }', ["-1 min", "more than 0"]),
        ('[analysis]\ndecay = { name = "gaussian", sigma_min = nan }', ["sigma_min", "nan", "finite number"]),
        ('[analysis]\ndecay = { name = "power", exponent = 1 }', ["with exponent", "exponent, from_min"]),
        ('[analysis]\ndecay = { name = "cumulative", limit_min = 0 }', ["0 min", "more than 0"]),
        ('[analysis]\ndecay = { name = "zones", weights = { 30 = 1, 60 = 2 } }', ["zones", "does not rise"]),
        ('[analysis]\ndecay = "gaussian"', ["analysis.decay", "'gaussian'"]),
        ("[analysis]\ndecay = { sigma_min = 9 }", ["analysis.decay.name is missing"]),
        ('[analysis]\ndecay = { name = "gaussian", sigma = 9 }', ["unknown key 'analysis.decay.sigma'"]),
        ("[reach]\nwithin_min = [0, 60]", ["reach.within_min", "0 min", "10,000"]),
        ("[reach]\nwithin_min = [60, 20000]", ["reach.within_min", "20000 min", "10,000"]),
        ("[reach]\nwithin_min = []", ["reach.within_min", "no limit", "10,000"]),
        ("[reach]\nwithin_min = [nan]", ["reach.within_min", "nan", "finite number"]),
        ("[reach]\nday_min = 2000", ["reach.day_min", "2000", "1440"]),
        ("[isochrones]\nminutes = [-5]", ["isochrones.minutes", "-5 min", "10,000"]),
        ('[reach.layers]\npeople = "x.gpkg"', ["reach.layers", "'people'", "hospital"]),
        ('[reach.layers]\ncity = "x.gpkg"', ["'city'", "hospital"]),
        ('[reach.layers]\ncells = "x.gpkg"', ["'cells'", "hospital"]),
        ('[reach.layers]\ngpkg_contents = "x.gpkg"', ["'gpkg_contents'", "hospital"]),
        ('[reach.layers]\nHospital = "x.gpkg"', ["'Hospital'", "small letters"]),
        ('[reach.layers]\n"a b" = "x.gpkg"', ["'a b'", "small letters"]),
        ('[reach.layers]\nbeds = "x.gpkg"\nbeds_supply = "y.gpkg"', ["'beds_supply'", "hospital"]),
        ('[reach.layers.hospital]\nweight = "beds"', ["reach.layers.hospital.path is missing"]),
        ("[reach.layers]\nhospital = 3", ["reach.layers.hospital", "3"]),
        ("[reach]\nwithin = [3]", ["'reach.within'", "did you mean 'within_min'"]),
        ('[reach.layers.hospital]\npath = "x"\nwight = "b"', ["'reach.layers.hospital.wight'"]),
        ('[isochrones]\nplace = ["x"]', ["'isochrones.place'", "did you mean 'places'"]),
        ("[trips]\nper_dy = 4", ["'trips.per_dy'", "did you mean 'per_day'"]),
        ("[trips]\nper_day = -4", ["trips.per_day", "-4", "greater than or equal to 0"]),
        ("[trips]\nclosed_together = 1", ["trips.closed_together", "1", "greater than or equal to 2"]),
        ("[index]\ndraw = 4", ["'index.draw'", "did you mean 'draws'"]),
        ("[index]\ndraws = 4", ["index.draws", "4", "100"]),
        ('[index]\nweights = "best"', ["index.weights", "'best'", "'entropy'"]),
        ('[index]\naggregation = "mean"', ["index.aggregation", "'mean'", "'geometric'"]),
        ("[stability]\nnull_draw = 4", ["'stability.null_draw'", "did you mean 'null_draws'"]),
        ('[stability]\nalternatives = "some"', ["stability.alternatives", "'some'", "'weights'"]),
        ('[types]\nname = "x"', ["'types.name'", "did you mean 'names'"]),
        ('[types.names]\nhigh = "x"', ["types.names", "'high'", "'high-high'"]),
        ('[types.names]\nhigh-high = "x"\nlow-low = "x"', ["types", "four that differ"]),
        ('[types.names]\nhigh-high = "not assessed"', ["types", "four that differ"]),
        ("[types]\ndirections = [1, 0]", ["types.directions", "0", "1 or -1"]),
        ('[types]\nmethods = ["kmeans"]', ["types.methods", "'kmeans'", "'skater'"]),
        ("[types]\ngroups = 1", ["types.groups", "1", "2"]),
        ('[types.group_names]\none = "x"', ["types.group_names", "'one'", "integer"]),
    ],
)
def test_a_bad_setting_is_one_message(tmp_path: Path, text: str, said: list[str]) -> None:
    (tmp_path / "study.toml").write_text(f'sides = ["RU", "KZ"]\n{text}\n', encoding="utf-8")
    message = fails(tmp_path, "run", "study.toml")
    assert "study.toml: " in message
    assert all(part in message for part in said), message


def test_problems_of_several_sections_come_at_once(tmp_path: Path) -> None:
    (tmp_path / "study.toml").write_text(
        'sides = ["RU", "KZ"]\n[analysis]\ndecay = { name = "cubic" }\n[reach]\nwithin_min = '
        "[]\n[trips]\nper_day = -1\n"
    )
    message = fails(tmp_path, "run", "study.toml")
    assert all(part in message for part in ("analysis.decay", "reach.within_min", "trips.per_day"))


def own_layer(folder: Path, **changed: object) -> gpd.GeoDataFrame:
    """Write and return a layer of hospitals at the settlements of the small border."""
    spots = LAND.settlements.geometry.to_numpy()
    frame = gpd.GeoDataFrame({"title": "x", "beds": 5.0, **changed}, index=range(len(spots)), geometry=spots, crs=4326)
    frame.to_file(folder / "hospitals.gpkg")
    return frame


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        ('"nowhere.gpkg"', ["nowhere.gpkg"]),
        ('{ path = "hospitals.gpkg", weight = "seats" }', ["seats", "beds"]),
        ('{ path = "hospitals.gpkg", name = "nom" }', ["nom", "title"]),
        ('{ path = "hospitals.gpkg", layer = "wards" }', ["wards"]),
        ('"study.toml"', ["study.toml"]),
    ],
)
def test_a_layer_of_ones_own_that_is_not_there(
    tmp_path: Path, study_of: Callable[..., Path], entry: str, said: list[str]
) -> None:
    own_layer(tmp_path)
    file = study_of(LAND, more=f"{QUICK}[reach.layers]\nhospital = {entry}\n")
    message = fails(tmp_path, "run", file)
    assert all(part in message for part in said), message


def test_a_weight_below_nothing(tmp_path: Path, study_of: Callable[..., Path]) -> None:
    own_layer(tmp_path, beds=-1.0)
    entry = '[reach.layers]\nhospital = { path = "hospitals.gpkg", weight = "beds" }\n'
    message = fails(tmp_path, "run", study_of(LAND, more=QUICK + entry))
    assert "beds" in message
    assert "0 or more" in message


def test_an_isochrone_of_an_unknown_place(tmp_path: Path, study_of: Callable[..., Path]) -> None:
    file = study_of(LAND, more=f'{QUICK}[isochrones]\nplaces = ["Nirgendwo"]\n')
    assert "'Nirgendwo'" in fails(tmp_path, "run", file)


def of_six_regions() -> Land:
    """Return the small border with three regions on either side, called as the packaged ones are."""
    west, south, east, north = LAND.regions.total_bounds
    line = shapely.intersection(*LAND.regions.geometry.to_numpy()).bounds
    tall = line[3] - line[1] > line[2] - line[0]
    edges = np.linspace(south, north, 4) if tall else np.linspace(west, east, 4)
    codes = {LAND.countries[0]: ("RU-CHE", "RU-KGN", "RU-TYU"), LAND.countries[1]: ("KZ-39", "KZ-59", "KZ-15")}
    rows = []
    for row in LAND.regions.itertuples():
        for n, code in enumerate(codes[row.country]):
            low, high = edges[n : n + 2]
            box = shapely.box(west, low, east, high) if tall else shapely.box(low, south, high, north)
            part = shapely.intersection(row.geometry, box)
            rows.append(
                {"region": code, "name": f"Part {n} of {row.country}", "country": row.country, "geometry": part}
            )
    return replace(LAND, regions=gpd.GeoDataFrame(rows, geometry="geometry", crs=4326))


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"region": "RU-XYZ"}, ["'RU-XYZ' (line 2)", "codes of the regions layer"]),
        ({"value": "many", "year": "2020"}, ["'many' (line 2)", "leave the cell empty"]),
        ({"value": "3"}, ["values without a year"]),
        ({"level": "leisure"}, ["'leisure'", "joint projects"]),
        ({"direction": "up"}, ["'up'", "more is better"]),
        (None, ["no column", "region, indicator, value"]),
        ("missing", ["none.csv"]),
        ("ending", [".csv"]),
    ],
)
def test_indicators_that_do_not_fit(
    tmp_path: Path, study_of: Callable[..., Path], changed: dict[str, str] | str | None, said: list[str]
) -> None:
    filled = indicator_template()[list(COLUMNS)]
    if isinstance(changed, dict):
        filled.loc[0, list(changed)] = list(changed.values())
    (filled if changed is not None else filled.drop(columns="unit")).to_csv(tmp_path / "own.csv", index=False)
    name = {"missing": "none.csv", "ending": "study.toml"}.get(str(changed), "own.csv")
    file = study_of(of_six_regions(), more=f'{QUICK}[index]\nindicators = "{name}"\n')
    message = fails(tmp_path, "run", file)
    assert all(part in message for part in said), message


def test_an_axis_that_is_no_column(tmp_path: Path, study_of: Callable[..., Path]) -> None:
    file = study_of(of_six_regions(), more=f'{QUICK}[types]\npotential = "beauty"\n')
    message = fails(tmp_path, "run", file)
    assert "beauty" in message
    assert "border_loss" in message


def test_the_same_study_without_the_mistake_runs(tmp_path: Path, study_of: Callable[..., Path]) -> None:
    own_layer(tmp_path)
    indicator_template().to_csv(tmp_path / "own.csv", index=False)
    more = (
        f'{QUICK}[reach.layers]\nhospital = {{ path = "hospitals.gpkg", name = "title", weight = "beds" }}\n'
        '[index]\nindicators = "own.csv"\n[isochrones]\nplaces = ["Town 1"]\n'
    )
    done = call("run", study_of(of_six_regions(), more=more), cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "out" / "tables" / "hospital_supply.csv").is_file()
