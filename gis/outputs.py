"""What a run and a scenario leave: one folder, written beside and moved into place at the end."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import geopandas as gpd

from gis.chapters.permits import border_zone, with_permits
from gis.contents import contents_of, names_of, scenario_contents, sites_contents, study_name, with_edges
from gis.manifest import describe_run, describe_scenario, describe_sites
from gis.planned_words import answer_in_words
from gis.queries.plans import scenario_id, to_toml
from gis.rasters import across_surfaces, run_rasters, scenario_rasters, write_rasters
from gis.states import rasters_as_is
from gis.tables import slim, tables_of, write_tables
from layers.crs import WGS84
from layers.keeping import is_keeping
from layers.secrets import all_masked
from maps.i18n import language, with_sides
from maps.phrases import phrase
from maps.qgis.project import write_qgis
from maps.report.page import write_report
from maps.report.pdf import pdf_beside
from maps.report.planning import write_planning
from maps.web.map import write_map
from network.build import Network
from network.graph_files import write_graph

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pandas as pd

    from gis.chapters.chapter import Chapters
    from gis.clock import Clock
    from gis.inputs import Prepared
    from gis.measures import Measures
    from gis.queries.plans import Plan
    from gis.queries.siting import Answer
    from gis.rasters import Values
    from gis.states import State
    from maps.contents import Contents
    from maps.rasters import RasterStyle


ASSUMED = (
    "Waits and speeds are assumptions unless a source says otherwise; low and high are 5 and 95 % of the draws "
    "over them.",
    "Trips are modelled, not counted: shares, until the study has vehicles a day. Half of a pair's benefit goes "
    "to either end: who travels is not modelled.",
)
"""What a reader of a scenario must know."""


def write_run(
    folder: Path,
    prepared: Prepared,
    network: Network,
    measures: Measures,
    chapters: Chapters,
    clock: Clock,
    *,
    findings: list[str],
    warnings: list[str],
) -> dict[str, Any]:
    """Write everything that a run leaves and return the content of ``run.json``."""
    warnings = all_masked(warnings)
    contents = contents_of(prepared, network, measures, chapters, findings=findings, warnings=warnings)
    with clock.stage("tables"):
        tables = tables_of(measures, chapters, day_min=prepared.study.reach.day_min)
        write_tables(folder / "tables", tables, prepared.study.outputs.csv)
    with clock.stage("rasters"):
        across = across_surfaces(prepared, measures)
        rasters = write_rasters(folder, run_rasters(measures, across), prepared)
        if is_keeping():
            rasters_as_is(prepared, lambda: across)  # the next scenario takes them
    with clock.stage("QGIS"):
        _write_qgis(folder, "border", with_edges(contents, prepared, network), rasters)
    with clock.stage("web map"):
        write_map(folder / "map.html", contents.filled)
    with clock.stage("graph"):
        write_graph(network, folder, prepared.study.outputs.graph)
    with clock.stage("report"):
        page = folder / "report.html"
        write_report(page, contents, pdf=pdf_beside(page))
    # Ids of posts are for machines: they stay in English, where tables hold the same.
    known = warnings if language() == "en" else contents.readable.warnings
    notes = [names_of(prepared).text(phrase(line)) for line in known]
    return describe_run(folder, prepared, network, measures, list(contents.findings), notes, clock)


def _write_qgis(folder: Path, name: str, contents: Contents, rasters: Sequence[RasterStyle]) -> None:
    """Write a GeoPackage and the project that draws it and the rasters."""
    write_qgis(folder, name, replace(contents, layers=slim(contents.layers, contents.styles)), rasters)


def write_scenario(
    folder: Path,
    prepared: Prepared,
    states: tuple[State, Measures],
    under: Values,
    tables: dict[str, pd.DataFrame],
    edits: Sequence[str],
    clock: Clock,
    *,
    plan: Plan,
) -> dict[str, Any]:
    """Write the tables, the map and the edits of a scenario and return the content of ``scenario.json``.

    Parameters
    ----------
    under
        Of the state before, from `gis.states.rasters_as_is`.
    """
    before, after = states
    with clock.stage("tables"):
        write_tables(folder / "tables", tables, prepared.study.outputs.csv)
        (folder / "edits.toml").write_text(to_toml(plan.edits, name=plan.name, more=plan.more), encoding="utf-8")
    contents, words = scenario_contents(prepared, before, after, tables, edits), answer_in_words(tables, edits)
    with clock.stage("rasters"):
        across = across_surfaces(prepared, after)
        rasters = write_rasters(folder, scenario_rasters(under, across), prepared)
    with clock.stage("QGIS"):
        _write_qgis(folder, "scenario", contents, rasters)
    with clock.stage("web map"):
        write_map(folder / "map.html", contents.filled)
    with clock.stage("report"):
        named = names_of(prepared)
        report = replace(contents, findings=[with_sides(named.text(phrase(line)), contents.sides) for line in words])
        page = folder / "report.html"
        write_report(page, report, pdf=pdf_beside(page))
    with clock.stage("answer"):
        title = f"{study_name(prepared.study)}: {plan.name or 'a scenario'}"
        answer = _answer(contents, prepared, tables, title=title, scenario=plan.id, findings=words)
        page = folder / "answer.html"
        write_planning(page, answer, pdf=pdf_beside(page))
    return describe_scenario(folder, prepared, tables, list(edits), clock, plan)


def _answer(
    contents: Contents,
    prepared: Prepared,
    tables: Mapping[str, pd.DataFrame],
    *,
    title: str,
    scenario: str,
    findings: Sequence[str],
) -> Contents:
    """Return what is written of a scenario's or a search's answer; `write_planning` translates its sentences."""
    return replace(
        contents,
        title=title,
        subtitle=f"scenario {scenario}",
        tables=tables,
        findings=findings,
        warnings=[*ASSUMED, *prepared.warnings],
        facts={},
        headline="",
        numbers=(),
        caution="",
    ).readable


def write_sites(folder: Path, prepared: Prepared, found: Answer, clock: Clock) -> dict[str, Any]:
    """Write the tables of a search for sites, the candidates as points, the scenario that opens the best set.

    Return the content of ``sites.json``.
    """
    zone = border_zone(prepared.study)
    tables = {n: with_permits(t, zone) if n in ("candidates", "sites") else t for n, t in found.tables.items()}
    contents = sites_contents(prepared, tables, list(found.notes))
    with clock.stage("tables"):
        write_tables(folder / "tables", tables)
        (folder / "edits.toml").write_text(to_toml(found.edits, name="The best set of sites"), encoding="utf-8")
        table = tables["candidates"]
        spots = gpd.GeoDataFrame(table, geometry=gpd.points_from_xy(table["lon"], table["lat"]), crs=WGS84)
        (folder / "sites.geojson").write_text(spots.to_json(drop_id=True), encoding="utf-8")
    with clock.stage("QGIS"):
        _write_qgis(folder, "sites", contents, [])
    with clock.stage("web map"):
        write_map(folder / "map.html", contents.filled)
    with clock.stage("report"):
        title, scenario = f"{study_name(prepared.study)}: where next", scenario_id(found.edits)
        answer = _answer(contents, prepared, found.tables, title=title, scenario=scenario, findings=found.notes)
        page = folder / "report.html"
        write_planning(page, answer, pdf=pdf_beside(page))
    return describe_sites(folder, prepared, list(contents.findings), scenario_id(found.edits), clock)
