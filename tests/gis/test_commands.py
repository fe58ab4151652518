"""Small comforts of the command line.

Version, help, a study to begin with, tables to fill in, answers as files, what was replaced.
"""

from __future__ import annotations

from importlib.metadata import version
from typing import TYPE_CHECKING

import geopandas as gpd
import pandas as pd
import pytest
import shapely

from gis.queries.templates import countries, country, indicator_table, study_text
from gis.study import load_study
from layers.errors import StudyError
from layers.names import suggestion
from tests.gis.conftest import call
from tests.gis.grid import write_grid

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_grid(tmp_path_factory.mktemp("grid"))


def test_version(tmp_path: Path) -> None:
    assert call("--version", cwd=tmp_path).stdout.strip() == f"borderlink {version('borderlink')}"


@pytest.mark.parametrize("command", ["run", "route", "isochrone", "scenario", "check", "cache"])
def test_help_has_no_type_of_switches(tmp_path: Path, command: str) -> None:
    done = call(command, "--help", cwd=tmp_path)
    assert done.returncode == 0
    assert "<bool>" not in done.stdout
    assert "BOOLEAN" not in done.stdout


@pytest.mark.parametrize(
    ("command", "words"), [("scenario", "[[edits]]"), ("sweep", "[[borders]]"), ("route", "[money]")]
)
def test_help_keeps_the_names_of_a_study_s_tables(tmp_path: Path, command: str, words: str) -> None:
    assert words in call(command, "--help", cwd=tmp_path).stdout


def test_a_study_to_begin_with_is_the_packaged_one(tmp_path: Path) -> None:
    done = call("init", "Kazakhstan", "ru", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    made = load_study(tmp_path / "kz-ru.toml")
    packaged = load_study(None)
    assert made.sides == ("KZ", "RU")
    assert made.model_dump(exclude={"title", "sides"}) == packaged.model_dump(exclude={"title", "sides"})


def test_another_border_comes_from_openstreetmap(tmp_path: Path) -> None:
    text, name, notes = study_text("LI", "Austria")
    assert name == "li-at.toml"
    (tmp_path / name).write_text(text, encoding="utf-8")
    made = load_study(tmp_path / name)
    assert made.osm.pbf == ("liechtenstein", "austria")
    assert {made.source(n).path for n in ("regions", "roads", "checkpoints")} == {"osm"}
    assert made.source("water").path == "none"
    assert made.connectors.reach_more_km == 0.5
    assert "borderlink fetch li-at.toml" in notes[0]


def test_what_is_there_is_not_written_over(tmp_path: Path, study: Path) -> None:
    (tmp_path / "ru-kz.toml").write_text("mine", encoding="utf-8")
    (tmp_path / "indicators.csv").write_text("mine", encoding="utf-8")
    for arguments in (("init", "RU", "KZ"), ("template", "indicators", study)):
        done = call(*arguments, cwd=tmp_path)
        assert done.returncode == 2
        assert "is there already" in done.stderr
    assert {p.read_text(encoding="utf-8") for p in tmp_path.iterdir()} == {"mine"}


def test_countries_are_found_by_code_and_name() -> None:
    assert country(" cz ").name == "Czechia"
    with pytest.raises(StudyError, match=r"did you mean Kazakhstan"):
        country("Kazakstan")
    with pytest.raises(StudyError, match="named twice"):
        study_text("RU", "Russia")
    codes = [c.code for c in countries()]
    assert len(set(codes)) == len(codes) > 150


def test_the_template_has_the_regions_of_the_study(study: Path) -> None:
    table = indicator_table(load_study(study))
    regions = gpd.read_file(study.parent / "regions.gpkg") if (study.parent / "regions.gpkg").exists() else None
    assert table.groupby("region")["indicator"].nunique().eq(8).all()
    assert (table["value"] == "").all()
    if regions is not None:
        assert set(table["region"]) <= set(regions["region"])


def test_suggestions() -> None:
    assert suggestion("atcual", ["actual", "open", "borderless"]) == " (did you mean actual?)"
    assert suggestion("ACTUAL", ["actual"]) == " (did you mean actual?)"
    assert suggestion("", ["actual"]) == ""


def some_places(study: Path) -> list[str]:
    """Return settlements whose names are their own, one of each side."""
    settlements = gpd.read_file(next(study.parent.glob("settlements.*")))
    alone = settlements[~settlements["name"].duplicated(keep=False)]
    return [str(alone[alone["country"] == c]["name"].iloc[0]) for c in dict.fromkeys(alone["country"])]


def test_a_way_as_a_geopackage(study: Path, tmp_path: Path) -> None:
    a, b = some_places(study)
    done = call("route", a, b, "--study", study, "--out", "way.gpkg", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    way = gpd.read_file(tmp_path / "way.gpkg", layer="way")
    passed = gpd.read_file(tmp_path / "way.gpkg", layer="passed")
    assert way["step"].is_monotonic_increasing
    assert (passed["wait_min"] > 0).all()
    assert (shapely.length(way.geometry.to_numpy()) > 0).all()
    again = call("route", a, b, "--study", study, "--out", "way.gpkg", cwd=tmp_path)
    assert again.returncode == 0, again.stderr
    (tmp_path / "own.gpkg").write_text("mine", encoding="utf-8")
    assert call("route", a, b, "--study", study, "--out", "own.gpkg", cwd=tmp_path).returncode == 2


def test_a_mistyped_place_is_known_before_a_network_is_built(
    study: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def never(*_: object) -> None:
        raise AssertionError("a network is built")

    monkeypatch.setattr("gis.kept.build", never)
    a, b = some_places(study)
    for arguments in (("route", a, b + "x"), ("matrix", a, b + "x"), ("isochrone", b + "x")):
        done = call(*arguments, "--study", study, cwd=tmp_path)
        assert done.returncode == 2
        assert f"did you mean {b}" in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_isochrones_leave_a_map_too(study: Path, tmp_path: Path) -> None:
    a, _ = some_places(study)
    done = call("isochrone", a, "--study", study, "--minutes", "60", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert {p.name for p in tmp_path.iterdir() if not p.name.startswith(".")} == {"isochrones.gpkg", "isochrones.html"}
    assert "within 60 min" in (tmp_path / "isochrones.html").read_text(encoding="utf-8")


def test_a_matrix_as_a_table(study: Path, tmp_path: Path) -> None:
    a, b = some_places(study)
    done = call("matrix", a, "--to", b, "--study", study, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    table = pd.read_csv(tmp_path / "matrix.csv")
    assert len(table) == 1
    assert table["minutes"].notna().all()


def test_a_second_run_says_what_it_replaced(study: Path, tmp_path: Path) -> None:
    first = call("run", study, "--out", "out", cwd=tmp_path)
    assert first.returncode == 0, first.stderr
    assert "replaced" not in first.stdout
    (tmp_path / "out" / "map.html").write_text("mine", encoding="utf-8")
    second = call("run", study, "--out", "out", cwd=tmp_path)
    assert "files of the run of 20" in second.stdout
    assert "changed since and kept: map.html.yours" in second.stdout


def test_a_study_with_other_keys_is_mended(study: Path, tmp_path: Path) -> None:
    text = study.read_text(encoding="utf-8")
    for file in study.parent.glob("*.gpkg"):
        (tmp_path / file.name).write_bytes(file.read_bytes())
    wrong = text.replace("[analysis]", "[analisis]").replace("permutations", "permutation")
    assert wrong != text
    (tmp_path / "study.toml").write_text(wrong, encoding="utf-8")
    assert call("check", "study.toml", cwd=tmp_path).returncode == 2
    done = call("check", "study.toml", "--fix", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "analisis is analysis now" in done.stdout
    assert load_study(tmp_path / "study.toml").analysis == load_study(study).analysis
    assert (tmp_path / "study.toml.before").read_text(encoding="utf-8") == wrong
    again = call("check", "study.toml", "--fix", cwd=tmp_path)
    assert "is analysis now" not in again.stdout


def test_sheets_of_what_is_to_be_counted(tmp_path: Path) -> None:
    study = write_grid(tmp_path)
    done = call("template", "appraisal", study, "--out", "sheets", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    sheets = {p.stem: pd.read_csv(p) for p in (tmp_path / "sheets").glob("*.csv")}
    assert set(sheets) == {"tfi1_tfi2", "tfi3", "trs", "cbttfi"}
    # Two posts, two directions, two vehicles, eleven activities; eight stages; four areas.
    assert [len(sheets[n]) for n in ("tfi1_tfi2", "trs", "cbttfi")] == [2 * 2 * 2 * 11, 2 * 2 * 8, 2 * 4]
    assert sheets["tfi1_tfi2"][["hours", "official_fee"]].isna().all(axis=None)
    assert call("template", "appraisal", study, "--out", "study.toml", cwd=tmp_path).returncode == 2
