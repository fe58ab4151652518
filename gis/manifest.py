"""``run.json`` and ``scenario.json``: what was run, on what, with which versions, and what came out."""

from __future__ import annotations

import json
import platform
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gis.contents import names_of, sides_of
from gis.measures import TABLES
from gis.planned_words import answer_in_words
from layers.secrets import all_masked
from maps.columns import SCHEMA_VERSION
from maps.i18n import with_sides
from maps.phrases import phrase

if TYPE_CHECKING:
    import pandas as pd

    from gis.clock import Clock
    from gis.inputs import Prepared
    from gis.measures import Measures
    from gis.queries.plans import Plan
    from network.build import Network

PACKAGES = (
    "geopandas",
    "shapely",
    "pyproj",
    "pyogrio",
    "rasterio",
    "osmnx",
    "networkx",
    "numpy",
    "pandas",
    "scipy",
    "libpysal",
    "esda",
    "h3",
    "folium",
    "exactextract",
)


def versions() -> dict[str, str]:
    """Return the versions of Python, borderlink and the packages that numbers depend on."""
    out = {"python": platform.python_version()}
    for name in ("borderlink", *PACKAGES):
        try:
            out[name] = version(name)
        except PackageNotFoundError:
            out[name] = "not installed"
    return out


def _inputs(prepared: Prepared) -> list[dict[str, Any]]:
    """Return source, licence, rows and hash of each layer."""
    keys = ("layer", "source", "version", "date", "licence", "rights", "file", "rows", "sha256", "note")
    return [{k: s.get(k) for k in keys} for s in prepared.sources]


def describe_run(
    folder: Path,
    prepared: Prepared,
    network: Network,
    measures: Measures,
    findings: list[str],
    warnings: list[str],
    clock: Clock,
) -> dict[str, Any]:
    """Write ``run.json`` and return its content."""
    labels = {
        flag: {str(k): int(v) for k, v in measures.cells[f"{flag}_flag"].value_counts().items()}
        for flag in ("growth", "bottleneck")
        if f"{flag}_flag" in measures.cells
    }
    content = {
        "schema_version": SCHEMA_VERSION,
        "study": prepared.study.model_dump(mode="json"),
        "versions": versions(),
        "inputs": _inputs(prepared),
        "seed": prepared.study.analysis.seed,
        "permutations": prepared.study.analysis.permutations,
        "border_km": round(float(prepared.border["length_km"].sum()), 3),
        "counts": {t: len(getattr(measures, t)) for t in TABLES},
        "labels": labels,
        "network": network.report,
        "findings": findings,
        "warnings": warnings,
        "seconds": clock.seconds,
        "reused": clock.reused,
    }
    return _write(folder / "run.json", content)


def describe_scenario(
    folder: Path, prepared: Prepared, tables: dict[str, pd.DataFrame], edits: list[str], clock: Clock, plan: Plan
) -> dict[str, Any]:
    """Write ``scenario.json`` and return its content."""
    named = names_of(prepared)

    def say(line: str) -> str:
        return with_sides(named.text(phrase(line)), sides_of(prepared))

    content = {
        "schema_version": SCHEMA_VERSION,
        "study": prepared.study.model_dump(mode="json"),
        "versions": versions(),
        "inputs": _inputs(prepared),
        "scenario": plan.id,
        "name": plan.name,
        "edits": [say(line) for line in edits],
        "totals": _records(tables["totals"]),
        "effects": _records(tables["effects"]) if "effects" in tables else [],
        "findings": [say(line) for line in answer_in_words(tables, edits)],
        "warnings": [say(line) for line in prepared.warnings],
        "seconds": clock.seconds,
        "reused": clock.reused,
    }
    return _write(folder / "scenario.json", content)


def describe_sites(
    folder: Path, prepared: Prepared, findings: list[str], scenario: str, clock: Clock
) -> dict[str, Any]:
    """Write ``sites.json`` and return its content."""
    content = {
        "schema_version": SCHEMA_VERSION,
        "study": prepared.study.model_dump(mode="json"),
        "versions": versions(),
        "inputs": _inputs(prepared),
        "scenario": scenario,
        "findings": findings,
        "warnings": [names_of(prepared).text(phrase(line)) for line in prepared.warnings],
        "seconds": clock.seconds,
        "reused": clock.reused,
    }
    return _write(folder / "sites.json", content)


def _records(table: pd.DataFrame) -> list[dict[str, Any]]:
    """Return the rows of a table as JSON has them, nothing for unknown."""
    rows = table.astype(object).where(table.notna(), None).to_dict("records")
    return [{str(k): v for k, v in row.items()} for row in rows]


def _write(path: Path, content: dict[str, Any]) -> dict[str, Any]:
    """Write a JSON file that people read too, without anybody's passwords."""
    content = all_masked(content)
    path.write_text(json.dumps(content, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    return content
