"""Passwords and keys reach no message, repr or result."""

from __future__ import annotations

import time

import pytest

from gis.study import load_study
from layers.errors import BorderlinkError, LayerError, StudyError
from layers.secrets import all_masked, masked

SECRET = "hunter2"
ADDRESSES = [
    f"postgresql://me:{SECRET}@host/db",
    f"postgresql+psycopg://me:a b/{SECRET}@host/db",
    f"PG:host=db user=me password={SECRET} dbname=x",
    f"PG:host=db password = '{SECRET} and more'",
    f"https://me:{SECRET}@example.org/a.pbf",
    f"https://{SECRET}@example.org/a.pbf",
    f"http://example.org/api/interpreter?key={SECRET}",
    f"https://example.org/layer.gpkg?a=1&X-Amz-Signature={SECRET}",
    f"postgresql:///d?user=u&sslpassword={SECRET}&x=1",
    f"token={SECRET}",
]


@pytest.mark.parametrize("address", ADDRESSES)
def test_a_secret_is_hidden_wherever_it_stands(address: str) -> None:
    for text in (address, f"in {{'path': '{address}'}} of", f"{address}: no such file"):
        assert SECRET not in masked(text)
        assert masked(masked(text)) == masked(text)
        assert SECRET not in str(LayerError(text))
        assert SECRET not in repr(BorderlinkError(text))
    assert SECRET not in str(all_masked({"a": [address, (address, 1)], address: None}))


@pytest.mark.parametrize(
    "text",
    [
        "roads.gpkg",
        "https://example.org/a.pbf",
        "postgresql://h:5432/d",
        "a token of thanks",
        "keys: a = 1; width = 2",
        "",
        "see https://download.geofabrik.de/index.json",
    ],
)
def test_what_is_no_secret_stays(text: str) -> None:
    assert masked(text) == text


def test_masking_takes_no_time_on_hostile_texts() -> None:
    start = time.process_time()
    for piece in ("https://", "postgresql://a:", "://@", "password", "w" * 9, "password=", "https://a?b ", "'"):
        masked(piece * (60_000 // len(piece)))
    assert time.process_time() - start < 5


SETTINGS = {
    "layers": 'layers.roads = "{}"',
    "rights": 'layers.roads = {{ path = "a.gpkg", rights = "{}" }}',
    "geofabrik": 'osm.geofabrik_url = "{}"',
    "overpass": 'osm.overpass_url = "{}"',
    "pbf": 'osm.pbf = ["{}"]',
    "population": 'population.raster = "{}"',
    "indicators": 'index.indicators = "{}"',
    "reach": 'reach.layers.hospital = "{}"',
    "title": 'title = "{}"',
}
PRINTED = {"rights", "title"}


@pytest.mark.parametrize("name", SETTINGS)
@pytest.mark.parametrize("address", [a for a in ADDRESSES if a.startswith("http")])
def test_a_study_shows_no_secret(tmp_path, name: str, address: str) -> None:  # type: ignore[no-untyped-def]
    file = tmp_path / "study.toml"
    file.write_text('sides = ["RU", "KZ"]\n' + SETTINGS[name].format(address))
    study = load_study(file)
    # An address needs its password to be used; a text is only printed.
    assert (SECRET in str(study.model_dump())) == (name not in PRINTED)
    assert SECRET not in repr(study) + str(study)
    file.write_text(file.read_text() + '\n"unknown key" = 1')
    with pytest.raises(StudyError) as error:
        load_study(file)
    assert SECRET not in str(error.value)
