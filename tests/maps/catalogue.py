"""All strings that the outputs say, and the catalogues that hold them.

``python -m tests.maps.catalogue`` brings these up to date.
"""

from __future__ import annotations

import ast
import re
from datetime import UTC, datetime
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.pofile import read_po, write_po

from gis.queries.side_by_side import CELLS, POSTS
from gis.queries.side_by_side import REGIONS as REGIONS_COMPARED
from gis.serve.words import strings
from maps.columns import columns, describe
from maps.phrases import phrases
from maps.qgis.forms import FIRST, REST, TABS
from maps.qgis.layout import ATLAS, SHEET
from maps.qgis.themes import THEMES
from maps.rasters import MINUTE_CHANGE_CLASSES
from maps.report import certainty, charts, comparison, planning
from maps.styles.comparison import comparison_styles
from maps.styles.edges import EDGES
from maps.styles.layers import run_styles, scenario_styles
from maps.styles.queries import PASSED, WAY
from maps.styles.sites import SITES
from maps.styles.thematic import FLOW_CLASSES, LOAD_CLASSES, REACH_CLASSES, chapter_styles, isochrone_style
from maps.styles.water import SEA_LINE, WATER
from maps.web.finding import FINDING

ROOT = Path(__file__).resolve().parents[2]
LOCALE = ROOT / "maps" / "locale"
VALUES = (
    "road",
    "rail",
    "river",
    "open",
    "closed",
    "multilateral",
    "bilateral",
    "crossing",
    "connector",
    "nothing",
    "not modelled",
    "trunk",
    "motorway",
    "primary",
    "secondary",
    "tertiary",
    "main",
    "branch",
    "growth point",
    "bottleneck",
    "steady growth point",
    "steady bottleneck",
    "stands out",
    "high",
    "uncertain",
    "no",
    "not testable",
    "no data",
    "neither",
    "all",
    "borderless",
    "actual",
    "high potential, high permeability",
    "high potential, low permeability",
    "low potential, high permeability",
    "low potential, low permeability",
    "within",
    "across",
    "at home",
    "side a",
    "side b",
    "transfer",
    "ferry",
    "Potential",
    "gain",
    "loss",
)
"""Values of columns that are words of ours (`maps.web.packing.WORDED`), and parts of labels."""


REGIONS = tuple(
    (
        "Akmola Region; Aktobe Region; Almaty; Almaty Region; Altai Krai; Altai Republic; Astana; Astrakhan "
        "Oblast; Atyrau Region; "
        "Bashkortostan; Chechnya; Chelyabinsk Oblast; Chuvashia; Dagestan; East Kazakhstan Region; Kalmykia; "
        "Karaganda Region; Kemerovo "
        "Oblast; Khakassia; Kirov Oblast; Kostanay Region; Kostroma Oblast; Krasnoyarsk Krai; Kurgan Oblast; "
        "Kyzylorda Region; Mangystau "
        "Region; Mari El; Mordovia; Nizhny Novgorod Oblast; North Kazakhstan Region; Novosibirsk Oblast; Omsk "
        "Oblast; Orenburg Oblast; "
        "Pavlodar Region; Penza Oblast; Perm Krai; Rostov Oblast; Samara Oblast; Saratov Oblast; Stavropol Krai; "
        "Sverdlovsk Oblast; "
        "Tatarstan; Tomsk Oblast; Turkistan Region; Tuva; Tyumen Oblast; Udmurtia; Ulyanovsk Oblast; Volgograd "
        "Oblast; West Kazakhstan "
        "Region; Zhambyl Region "
    )
    .strip()
    .split("; ")
)
"""Regions of the packaged border and around it, as Natural Earth names them."""


def marked() -> tuple[set[str], set[tuple[str, str]]]:
    """Return the strings in calls of ``_``, and the pairs in calls of ``ngettext``."""
    single: set[str] = set()
    plural: set[tuple[str, str]] = set()
    for folder in ("maps", "gis"):
        for file in sorted((ROOT / folder).rglob("*.py")):
            for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
                if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Name)):
                    continue
                texts = [a.value for a in node.args if isinstance(a, ast.Constant) and isinstance(a.value, str)]
                if node.func.id == "_" and texts:
                    single.add(texts[0])
                elif node.func.id == "ngettext" and len(texts) > 1:
                    plural.add((texts[0], texts[1]))
    return single, plural


def styled() -> set[str]:
    """Return the words of all drawings: titles, descriptions, classes, fields."""
    layers = ("gaps", "flows", "closures_links", "places", "isochrones", "outliers")
    columns = {"checkpoints": ["load_factor"], "cells": ["people_within_240min_cross_actual"], "regions": ["index"]}
    styles = [
        *run_styles(),
        *scenario_styles(),
        *chapter_styles(layers, types=["a"], minutes=(), columns=columns),
        *EDGES,
        *(SITES, SEA_LINE, WATER, WAY, PASSED, isochrone_style([])),
        FINDING,
        *comparison_styles(),
    ]
    out: set[str] = set()
    for style in styles:
        out |= {style.title, style.description, *style.fields.values(), *(c.label for c in style.classes)}
        out |= {style.group}
    for classes in (FLOW_CLASSES, LOAD_CLASSES, REACH_CLASSES, MINUTE_CHANGE_CLASSES):
        out |= {c.label for c in classes}
    out |= {theme.name for theme in THEMES} | {tab for tab, _pattern in TABS} | {FIRST, REST, SHEET, ATLAS}
    return {text for text in out if text and text != "a"}


def heads() -> set[str]:
    """Return the labels of the columns that the report's tables show."""
    out: set[str] = set()
    for name in ("chapters", "certainty"):
        text = Path(str(certainty.__file__)).with_name(f"{name}.py").read_text(encoding="utf-8")
        for found in re.findall(r'columns\(\s*"([a-z0-9_ ]+)"', text):
            for column in found.split():
                row = describe(column)
                if row is not None:
                    out.add(_family(column) or row.label)
        out |= set(re.findall(r'\b\w+="([A-Z][^"]*)"\)', text))
    out |= {text for caption, shown in planning.TABLES.values() for text in (caption, *(c.head for c in shown))}
    out |= {title for title, _names in planning.CHAPTERS.values()}
    out |= set(charts.INPUTS.values()) | set(comparison._TITLES.values())
    compared = (
        "lost_potential",
        "cross_ratio",
        "border_loss",
        *POSTS,
        *REGIONS_COMPARED,
        *CELLS,
        "layer",
        "source",
        "date",
        "rows",
        "name",
        "mode",
        "place",
        "finding",
        "population",
        "rank",
        "growth",
        "excess_min",
        "status",
        "side",
        "region",
    )
    out |= {row.label for row in map(describe, compared) if row and row.label}
    return {text for text in out if not re.fullmatch(r"\d+ %", text)}


def _family(column: str) -> str:
    """Return the label of the family of a column, with its braces; nothing for a plain one."""
    from maps.columns import _index

    exact, families = _index()
    if column in exact:
        return ""
    return next((row.label for pattern, row in families if pattern.fullmatch(column)), "")


def dictionary() -> set[str]:
    """Return the labels and units of all columns, which QGIS shows in place of their names."""
    return {c.label for c in columns() if c.label} | {c.unit for c in columns() if c.unit}


def messages() -> tuple[set[str], set[tuple[str, str]]]:
    """Return all strings and all pairs of plural forms."""
    single, plural = (one | other for one, other in zip(marked(), strings(), strict=True))
    return single | styled() | heads() | dictionary() | set(VALUES) | set(REGIONS) | set(phrases()), plural


def catalogue(lang: str) -> Catalog:
    """Return the catalogue of a language as it stands."""
    with (LOCALE / f"{lang}.po").open("rb") as file:
        return read_po(file, locale=lang)


def update(lang: str, said: dict[str, str], forms: dict[str, tuple[str, ...]]) -> int:
    """Write a catalogue with all messages, known translations kept, and return how many are missing."""
    path = LOCALE / f"{lang}.po"
    old = catalogue(lang) if path.is_file() else Catalog(locale=lang)
    new = Catalog(
        locale=lang,
        project="borderlink",
        fuzzy=False,
        creation_date=datetime(2026, 1, 1, tzinfo=UTC),
        revision_date=None,
        header_comment=f"# borderlink in {lang}: not reviewed by a native speaker.",
        last_translator="none",
        language_team="none",
    )
    single, plural = messages()
    missing = 0
    for text in sorted(single):
        kept = said.get(text) or (old[text].string if text in old else "")
        missing += not kept
        new.add(text, kept)
    for one, many in sorted(plural):
        kept = forms.get(one) or (old[one].string if one in old else ())
        missing += not all(kept or ("",))
        new.add((one, many), kept or ("",) * new.num_plurals)
    with path.open("wb") as file:
        write_po(file, new, width=0, sort_output=True, omit_header=False)
    return missing


if __name__ == "__main__":
    for lang in ("ru", "kk"):
        print(lang, update(lang, {}, {}), "missing")  # noqa: T201
