"""The study: what it takes, and what it says to what it does not take."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

import gis
from gis.study import DEFAULT_STUDY, Study
from layers.errors import StudyError


def test_the_packaged_study_states_the_defaults() -> None:
    stated = gis.load_study()
    assert stated.model_copy(update={"title": ""}) == Study(sides=("RU", "KZ"))
    assert gis.load_study(DEFAULT_STUDY) == stated


@pytest.mark.parametrize(
    ("layers", "water"),
    [
        ("", "snapshot"),
        ('settlements = "places.gpkg"', "snapshot"),
        ('roads = "roads.gpkg"', "none"),
        ('regions = "regions.gpkg"', "none"),
        ('water = "none"', "none"),
        ('roads = "roads.gpkg"\nwater = "snapshot"', "snapshot"),
    ],
)
def test_the_packaged_water_goes_with_the_packaged_ground(tmp_path: Path, layers: str, water: str) -> None:
    file = tmp_path / "s.toml"
    file.write_text(f'sides = ["RU", "KZ"]\n[layers]\n{layers}\n')
    assert gis.load_study(file).source("water").path == water


def test_paths_count_from_the_studys_folder(tmp_path: Path) -> None:
    file = tmp_path / "s.toml"
    file.write_text(
        'sides = ["RU", "KZ"]\n[layers]\nroads = "data/r.gpkg"\ncheckpoints = { path = "c.csv", columns = { name '
        '= "titre" } }\n'
    )
    study = gis.load_study(file)
    assert study.source("roads").path == str(tmp_path / "data" / "r.gpkg")
    assert dict(study.source("checkpoints").columns) == {"name": "titre"}
    assert study.source("regions").path == "snapshot"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", ["sides is missing", "ISO 3166-1"]),
        ('sides = ["RU"]', ["sides"]),
        ('sides = ["RU", "RU"]', ["named twice"]),
        ('sides = ["Russia", "KZ"]', ["'Russia'", "ISO 3166-1"]),
        ('sides = ["RU", "KZ"]\ncolour = 1', ["unknown key 'colour'", "allowed are", "waits"]),
        (
            'sides = ["RU", "KZ"]\n[analysis]\npermutation = 9',
            ["'analysis.permutation'", "did you mean 'permutations'"],
        ),
        ('sides = ["RU", "KZ"]\n[analysis]\nalpha = 2', ["analysis.alpha", "2"]),
        ('sides = ["RU", "KZ"]\n[analysis]\nmode = "boat"', ["analysis.mode", "'boat'", "road"]),
        ('sides = ["RU", "KZ"]\n[analysis]\ndepth_km = 400', ["network must reach deeper"]),
        ('sides = ["RU", "KZ"]\n[waits]\nrail = "long"', ["waits.rail", "'long'"]),
        (
            'sides = ["RU", "KZ"]\n[analysis.decay]\nname = "power"\nexponent = 1\nfrom = 3',
            ["'analysis.decay.from'", "from_min"],
        ),
        (
            'sides = ["RU", "KZ"]\n[reach.layers]\nhospital = { path = "h.gpkg", beds = "n" }',
            ["'reach.layers.hospital.beds'", "weight"],
        ),
        ("sides = [", ["no valid TOML"]),
    ],
)
def test_a_bad_study_is_one_message(tmp_path: Path, text: str, said: list[str]) -> None:
    file = tmp_path / "bad.toml"
    file.write_text(text)
    with pytest.raises(StudyError) as caught:
        gis.load_study(file)
    message = str(caught.value)
    assert str(file) in message
    assert all(part in message for part in said), message


def test_all_problems_come_at_once(tmp_path: Path) -> None:
    file = tmp_path / "bad.toml"
    file.write_text("colour = 1\n[analysis]\nalpha = 2\nseed = -1\n")
    with pytest.raises(StudyError) as caught:
        gis.load_study(file)
    assert all(part in str(caught.value) for part in ("sides", "colour", "alpha", "seed"))


def test_a_missing_study_is_said(tmp_path: Path) -> None:
    with pytest.raises(StudyError, match="no such study"):
        gis.load_study(tmp_path / "none.toml")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[network]\ndepth_km = true\n", "true is no number"),
        ("[speeds]\ntrunk = false\n", "false is no number"),
        ("[index]\nweights = { x = true }\n", "true is no number"),
        ("[analysis]\nhalf_life_min = nan\n", "half_life_min"),
        ("[analysis]\nhalf_life_min = -inf\n", "half_life_min"),
        ("[speeds]\ntrunk = 1e300\n", "allowed are numbers"),
        (f"[speeds]\ntrunk = {'9' * 4000}\n", "allowed are numbers"),
        (f"[speeds]\ntrunk = {'9' * 5000}\n", "can't be read"),
        (f"x = {'[' * 5000}{']' * 5000}\n", "nested too deeply"),
        (f"x = {'{a=' * 5000}1{'}' * 5000}\n", "nested too deeply"),
        (f"title = '{'x' * 1_000_000}'\n", "allowed are 1,000,000"),
        (f"[layers]\nroads = {{ path = 3, layer = '{'y' * 5000}' }}\n", "layers.roads.path"),
        ("title = '\x00'\n", "no valid TOML"),
    ],
)
def test_numbers_and_texts_that_no_study_has(tmp_path: Path, text: str, said: str) -> None:
    file = tmp_path / "study.toml"
    file.write_text('sides = ["RU", "KZ"]\n' + text, encoding="utf-8")
    with pytest.raises(StudyError) as error:
        gis.load_study(file)
    assert said in str(error.value)
    assert len(str(error.value)) < 2000


def test_a_mark_of_the_encoding_is_read_over(tmp_path: Path) -> None:
    file = tmp_path / "study.toml"
    file.write_text('sides = ["RU", "KZ"]\n', encoding="utf-8-sig")
    assert gis.load_study(file).sides == ("RU", "KZ")


def test_a_path_of_five_thousand_letters() -> None:
    with pytest.raises(StudyError) as error:
        gis.load_study("x" * 5000)
    assert len(str(error.value)) < 600


OLD = sorted((Path(__file__).parent / "studies").glob("*.toml"))


@pytest.mark.parametrize("file", OLD, ids=lambda f: f.stem)
def test_studies_of_before_still_load(file: Path) -> None:
    """The packaged study of former versions, with every setting that it had then."""
    study = gis.load_study(file)
    assert study.sides == ("RU", "KZ")
    told = tomllib.loads(file.read_text(encoding="utf-8"))
    assert study.analysis.h3_resolution == told["analysis"]["h3_resolution"]
