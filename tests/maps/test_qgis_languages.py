"""The QGIS project in other languages: no English word in what its user reads, names of fields and keys apart."""

from __future__ import annotations

import io
import re
import sqlite3
import zipfile
from contextlib import closing
from dataclasses import replace
from xml.etree import ElementTree as ET

import numpy as np
import pytest

from maps.contents import Contents
from maps.i18n import LANGUAGES, speaking
from maps.phrases import spoken
from maps.qgis.project import write_qgis
from maps.rasters import change_styles, city_style, potential_style, travel_time_style
from maps.styles.edges import EDGES
from maps.styles.layers import run_styles, scenario_styles
from tests.maps import frames as synthetic

OTHERS = [lang for lang in LANGUAGES if lang != "en"]
NAMES = {
    "ODbL",
    "CC",
    "BY",
    "GeoNames",
    "OpenStreetMap",
    "Natural",
    "Earth",
    "Made",
    "with",
    "contributors",
    "Public",
    "domain",
    "Facts",
    "H3",
    "ISO",
    "LOSH",
}
"""Names of their own, and the rights of others, which stay as they were given."""
FIELDS = {"drawn_kph", "travel_direction", "forward", "backward", "both", "run"}


def written(folder, lang):
    """Return the project of a run in a language, and the GeoPackage beside it."""
    tables = synthetic.tables()
    with speaking(lang):
        styles = list(
            {s.key: s for s in [*run_styles(), *scenario_styles(), *EDGES] if s in EDGES or s.layer in tables}.values()
        )
        frames = {s.layer: tables.get(s.layer, tables["roads"]) for s in styles}
        own = [spoken(replace(s, rights="", licence=""), ("Россия", "Казахстан")) for s in styles]
        rasters = [travel_time_style(), city_style(), potential_style(np.arange(1e6)), *change_styles()]
        contents = Contents(title="Граница", layers=frames, styles=own)
        write_qgis(folder, "border", contents, [replace(r, rights="", licence="") for r in rasters])
    with zipfile.ZipFile(folder / "border.qgz") as archive:
        return ET.fromstring(archive.read("border.qgs"))


def said(root):
    """Yield what a user of the project reads."""
    read = {
        "layer-tree-group": "name",
        "layer-tree-layer": "name",
        "visibility-preset": "name",
        "Layout": "name",
        "alias": "name",
        "category": "label",
        "range": "label",
        "item": "label",
        "attributeEditorContainer": "name",
    }
    for element in root.iter():
        key = read.get(element.tag)
        if key and element.get(key):
            yield element.get(key)
        if element.tag == "Bookmark":
            yield element.get("group")
        if element.tag == "LayoutItem" and element.get("labelText") and "[%" not in element.get("labelText"):
            yield element.get("labelText")
        if element.tag in ("title", "abstract", "layername") and element.text:
            yield element.text


@pytest.mark.parametrize("lang", OTHERS)
def test_no_english_word_stands_in_a_project(lang, tmp_path):
    lines = list(said(written(tmp_path, lang)))
    assert len(lines) > 100
    left = {w for line in lines for w in re.findall(r"[A-Za-z_]{3,}", line)} - NAMES - FIELDS
    assert not left
    with closing(sqlite3.connect(tmp_path / "border.gpkg")) as base:
        labels = [row[0] for row in base.execute("SELECT title FROM gpkg_data_columns")]
        titles = [row[0] for row in base.execute("SELECT identifier FROM gpkg_contents WHERE data_type = 'features'")]
    assert not {w for line in [*labels, *titles] for w in re.findall(r"[A-Za-z_]{3,}", line)} - NAMES


def test_themes_and_groups_are_those_of_the_language_and_agree(tmp_path):
    root = written(tmp_path, "ru")
    themes = [preset.get("name") for preset in root.iter("visibility-preset")]
    assert themes[0] == "Вывод"
    assert {item.get("followPresetName") for item in root.iter("LayoutItem")} - {None} == {"Вывод"}
    groups = {group.get("name") for group in root.iter("layer-tree-group")} - {None}
    assert {node.get("id") for node in root.iter("checked-group-node")} <= groups


def test_the_geopackage_holds_the_project_byte_for_byte(tmp_path):
    written(tmp_path, "en")
    with closing(sqlite3.connect(tmp_path / "border.gpkg")) as base:
        ((name, content),) = base.execute("SELECT name, content FROM qgis_projects").fetchall()
    held = bytes.fromhex(content.decode())
    assert name == "border" and held == (tmp_path / "border.qgz").read_bytes()
    assert zipfile.ZipFile(io.BytesIO(held)).namelist() == ["border.qgs"]
