"""Languages: what a command leaves in Russian or Kazakh holds no English word of ours."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd
import pytest

from tests.gis.conftest import call
from tests.maps.pages import packed

if TYPE_CHECKING:
    from collections.abc import Iterator

    import gis

CYRILLIC = re.compile("[А-Яа-яӘәҒғҚқҢңӨөҰұҮүҺһІі]")
TERMS = {
    "CSV",
    "GeoJSON",
    "GeoPackage",
    "OpenStreetMap",
    "GeoNames",
    "Natural",
    "Earth",
    "ODbL",
    "PyPI",
    "Escape",
    "JavaScript",
    "FDR",
    "Moran",
    "Rosik",
    "ISO",
    "html",
    "csv",
    "tables",
    "gaps",
    "network",
    "checks",
    "bridge",
    "false",
    "report",
    "permit",
    "lon",
    "lat",
    "CARTO",
    "basemaps",
    "cartocdn",
    "com",
    "gpkg",
    "map",
    "GEH",
    "kind",
    "QGIS",
    "values",
    "layers",
}
"""Names of formats, sources, files and settings: the same in every language."""


def english(text: str, names: set[str]) -> set[str]:
    """Return the Latin words of a text that are neither terms nor in a name of the data."""
    plain = re.sub(r"\{\w+\}", " ", text)
    for name in sorted(names, key=len, reverse=True):
        plain = plain.replace(name, " ")
    return set(re.findall(r"(?<![\w&./-])[A-Za-z]{3,}(?![\w/.-]*\.\w)", plain)) - TERMS


def shown(page: str) -> Iterator[str]:
    """Yield the texts of a page without scripts, styles and the metadata of pictures."""
    bare = re.sub(
        r"<style.*?</style>|<script.*?</script>|<metadata>.*?</metadata>|<!--.*?-->|<\?.*?\?>|<!DOCTYPE[^>]*>",
        " ",
        page,
        flags=re.S | re.I,
    )
    yield from (part for part in re.split(r"<[^>]*>", bare) if part.strip())
    if "map-config" in page:
        config, _tables = packed(page)
        yield from config["words"].values()
        for each in config["views"]:
            yield from (each["title"], each["sentence"])
        for style in config["styles"]:
            yield from (style["title"], style["description"], *(c["label"] for c in style["classes"]))
            yield from (label for _column, label, _kind in style["fields"])


def names_of(result: gis.Result) -> set[str]:
    """Return the names and ids of the data."""
    out: set[str] = {
        result.study.name,
        "qgis",
        "study",
        "lane",
        *result.study.sides,
    }  # a class of the data that we do not know
    for layer, columns in (
        ("settlements", ("name",)),
        ("checkpoints", ("name", "checkpoint_id")),
        ("regions", ("name", "region")),
        ("crossings", ("crossing_id",)),
    ):
        frame = result.layers[layer]
        out |= {str(v) for c in columns for v in frame[c]}
    return {n for n in out if n}


def assert_no_english(folder: Path, names: set[str]) -> None:
    """Look into all pages and the manifest of a folder."""
    left = {}
    for page in folder.glob("*.html"):
        for text in shown(page.read_text(encoding="utf-8")):
            if words := english(text, names):
                left[page.name, text.strip()[:90]] = words
    for manifest in folder.glob("*.json"):
        held = json.loads(manifest.read_text(encoding="utf-8"))
        for text in (
            (*held.get("findings", ()), *held.get("warnings", ()), *held.get("edits", ()), *held.get("summary", ()))
            if isinstance(held, dict)
            else ()
        ):
            if words := english(text, names):
                left[manifest.name, text[:90]] = words
    assert not left, "\n".join(f"{where}: {words}" for where, words in left.items())


@pytest.mark.parametrize("lang", ["ru", "kk"])
def test_no_english_word_of_ours_stands_in_a_run(small: gis.Result, tmp_path: Path, lang: str) -> None:
    said = small.write(tmp_path / "out", lang=lang)
    assert not [line for line in (*said["findings"], *said["warnings"]) if not CYRILLIC.search(line)]
    assert_no_english(tmp_path / "out", names_of(small))


def test_answers_and_checks_speak_the_language_too(small: gis.Result, small_run: Path, tmp_path: Path) -> None:
    study = Path(small.study.source("roads").path).with_name("study.toml")
    home = str(small.layers["settlements"]["name"].iloc[0])
    done = call("isochrone", home, "--study", study, "--minutes", "60", "--lang", "ru", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    call("check", study, "--out", tmp_path / "check", "--lang", "kk", cwd=tmp_path)
    about = pd.read_csv(tmp_path / "check" / "check.csv")
    assert all(CYRILLIC.search(word) for word in about["about"])
    done = call("compare", small_run, small_run, "--out", tmp_path / "both", "--lang", "ru", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    page = (tmp_path / "isochrones.html").read_text(encoding="utf-8")
    assert '<html lang="ru">' in page
    for folder in (tmp_path, tmp_path / "both"):
        assert_no_english(folder, names_of(small) | {small_run.name, "tables", "html"})
