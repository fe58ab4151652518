"""What a run and a scenario leave: one folder, written beside and moved into place at the end."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from gis.assumptions import assumptions
from gis.manifest import describe_run, describe_scenario
from gis.measures import TABLES
from gis.tables import slim, tables_of, write_tables
from layers.crs import WGS84, project
from layers.secrets import all_masked
from maps.qgis.project import write_geopackage, write_project
from maps.rasters import travel_time_style, write_raster
from maps.report.chapters import further_chapters
from maps.report.page import write_report
from maps.styles.layers import LayerStyle, scenario_styles
from maps.styles.thematic import chapter_styles
from maps.web.map import write_map
from network.build import Network, to_graph
from network.graphml import write_graphml

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gis.chapters.chapter import Chapters
    from gis.clock import Clock
    from gis.inputs import Prepared
    from gis.measures import Measures


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
    study, warnings = prepared.study, all_masked(warnings)
    frames = frames_of(measures, chapters)
    styles = _styles(prepared, frames)
    readable = _readable(frames)
    assumed = assumptions(study, network)
    title = f"{study.name}: growth points and bottlenecks of the border"
    with clock.stage("tables"):
        write_tables(folder / "tables", tables_of(measures, chapters, day_min=study.reach.day_min))
    with clock.stage("raster"):
        raster = travel_time_style()
        write_raster(
            folder / raster.file, measures.surface.minutes, transform=measures.surface.transform, crs=prepared.crs,
            description="Minutes to the nearest open checkpoint", units="min", style=raster,
        )  # fmt: skip
    with clock.stage("QGIS"):
        write_geopackage(folder / "border.gpkg", slim(frames, styles), styles)
        write_project(
            folder / "border.qgz", "border.gpkg", styles, title=title, crs=prepared.crs, extent=_extent(prepared, measures),
            rasters=[raster], rasters_crs=prepared.crs, empty=[k for k, f in frames.items() if f.empty],
        )  # fmt: skip
    with clock.stage("web map"):
        drawn = [(s, readable[s.layer]) for s in styles if len(frames[s.layer])]
        write_map(
            folder / "map.html",
            drawn,
            title=title,
            subtitle=_subtitle(prepared),
            sides=study.sides,
            notes=_map_notes(measures),
        )
    with clock.stage("graph"):
        write_graphml(to_graph(network), folder / "graph.graphml")
    with clock.stage("report"):
        facts = _facts(prepared, network, measures)
        write_report(
            folder / "report.html", title=title, subtitle=_subtitle(prepared), findings=findings, frames=readable,
            statistics=measures.statistics, assumptions=assumed, sources=_sources(prepared), warnings=warnings, facts=facts,
            crs=prepared.crs, sides=study.sides,
            lists={n: chapters.tables[n] for n in ("growth", "bottlenecks") if n in chapters.tables},
            chapters=further_chapters(_readable_tables(chapters, frames), readable, readable, crs=prepared.crs, sides=study.sides),
        )  # fmt: skip
    return describe_run(folder, prepared, network, measures, findings, warnings, clock)


def _styles(prepared: Prepared, frames: dict[str, gpd.GeoDataFrame]) -> tuple[LayerStyle, ...]:
    """Return the drawings of the layers that there are."""
    return chapter_styles(
        frames,
        lost_potential=frames["cells"]["lost_potential"].to_numpy(float),
        minutes=prepared.study.isochrones.minutes,
        types=_types_of(frames["regions"]),
        places=[(word, part.rights) for word, part in prepared.study.reach.layers.items()],
        columns={name: list(frame.columns) for name, frame in frames.items()},
    )


def _types_of(regions: gpd.GeoDataFrame) -> list[str]:
    """Return the types that regions have, in their order; none where there was no typology."""
    return sorted(regions["type"].dropna().unique()) if "type" in regions else []


def frames_of(measures: Measures, chapters: Chapters) -> dict[str, gpd.GeoDataFrame]:
    """Return the layers of a run, those of the GeoPackage, by name."""
    frames = {**{n: getattr(measures, n) for n in TABLES}, **chapters.layers}
    frames["settlements"] = frames["settlements"].drop(columns=["names"])
    frames["checkpoints"] = frames["checkpoints"].drop(columns=["names"])
    return frames


def _readable(frames: dict[str, gpd.GeoDataFrame]) -> dict[str, gpd.GeoDataFrame]:
    """Return the layers as people read them in the map and the report: checkpoints by name instead of id."""
    names = frames["checkpoints"].set_index("checkpoint_id")["name"]
    out = dict(frames)
    for layer, column in (
        ("checkpoints", "fallback"),
        ("cells", "nearest_checkpoint"),
        ("settlements", "nearest_checkpoint"),
    ):
        out[layer] = out[layer].assign(**{column: out[layer][column].map(names).astype(object).fillna("").astype(str)})
    ids = out["crossings"]["checkpoints"].str.split("|")
    out["crossings"] = out["crossings"].assign(checkpoints=[", ".join(names.get(i, i) for i in part) for part in ids])
    return out


NAMES_OF = ("checkpoint_id", "best_checkpoint", "second_checkpoint", "closed_1", "closed_2")
"""Columns of the chapters' tables that hold ids of checkpoints."""


def _readable_tables(chapters: Chapters, frames: dict[str, gpd.GeoDataFrame]) -> dict[str, pd.DataFrame]:
    """Return the chapters' tables as people read them: checkpoints by name instead of id."""
    names = frames["checkpoints"].set_index("checkpoint_id")["name"]
    out = {}
    for key, table in chapters.tables.items():
        named = {c: [names.get(i, i) for i in table[c]] for c in NAMES_OF if c in table}
        out[key] = table.assign(**{c.removesuffix("_id"): values for c, values in named.items()})
    return out


def _sources(prepared: Prepared) -> pd.DataFrame:
    """Return the table of sources."""
    columns = ["layer", "source", "version", "date", "licence", "rights", "rows", "note"]
    return pd.DataFrame(prepared.sources).reindex(columns=columns)


def _extent(prepared: Prepared, measures: Measures) -> tuple[float, float, float, float]:
    """Return the first view: the cells of the belt, in the study's projection."""
    cells = project(measures.cells.geometry.to_numpy(), WGS84, prepared.crs)
    west, south, east, north = (float(v) for v in shapely.total_bounds(cells))
    return west, south, east, north


def _subtitle(prepared: Prepared) -> str:
    """Return one line on border and data."""
    km = prepared.border["length_km"].sum()
    n = len(prepared.layers["checkpoints"])
    return f"{km:,.0f} km of border in the data, {n} checkpoints; {prepared.study.sides[0]} is side a, {prepared.study.sides[1]} side b"


def _map_notes(measures: Measures) -> list[str]:
    """Return what a reader of the map must know."""
    return ["Waits and speeds are assumptions unless a source says otherwise: see report.html", *measures.notes[:3]]


def _facts(prepared: Prepared, network: Network, measures: Measures) -> dict[str, str]:
    """Return the facts of a run for the report."""
    settings = prepared.study.analysis
    links = network.report["links"]
    return {
        "Border line in the data": f"{prepared.border['length_km'].sum():,.1f} km (geodesic)",
        "Projection": f"{prepared.crs.coordinate_operation.method_name if prepared.crs.coordinate_operation else ''}: {prepared.crs.to_wkt('WKT2_2019')[:40]}…",
        "Network": f"{network.report['nodes']:,} nodes; links: " + ", ".join(f"{k} {v:,}" for k, v in links.items()),
        "Components": f"{network.report['components']} in all; largest by road {network.report['road_components'][:3]}, by rail {network.report['rail_components'][:3]} nodes",
        "Gaps bridged": ", ".join(f"{m} {network.report[f'{m}_gaps_bridged']}" for m in ("road", "rail")),
        "Checkpoints joined": ", ".join(f"{k} {v}" for k, v in network.report["checkpoints_by"].items()),
        "Cells, segments": f"{len(measures.cells)} of H3 resolution {settings.h3_resolution}, {len(measures.segments)} of {settings.segment_km:g} km",
        "Permutations, seed, alpha": f"{settings.permutations:,}, {settings.seed}, {settings.alpha:g} (Benjamini–Hochberg)",
    }


def write_scenario(
    folder: Path,
    prepared: Prepared,
    states: tuple[Measures, Measures],
    tables: dict[str, pd.DataFrame],
    edits: Sequence[str],
    clock: Clock,
) -> dict[str, Any]:
    """Write the tables and the map of a scenario and return the content of ``scenario.json``."""
    before, after = states
    with clock.stage("tables"):
        write_tables(folder / "tables", tables)
    with clock.stage("web map"):
        frames = _scenario_frames(before, after, tables["cells"])
        drawn = [(s, frames[s.layer]) for s in scenario_styles() if len(frames[s.layer])]
        write_map(
            folder / "map.html", drawn, title=f"{prepared.study.name}: a scenario", subtitle="; ".join(edits) or "nothing is changed",
            sides=prepared.study.sides, notes=["Waits and speeds are assumptions unless a source says otherwise"],
        )  # fmt: skip
    return describe_scenario(folder, prepared, tables, list(edits), clock)


def _scenario_frames(before: Measures, after: Measures, cells: pd.DataFrame) -> dict[str, gpd.GeoDataFrame]:
    """Return the layers of the scenario map."""
    shapes = after.cells[["cell", "geometry"]]
    names = {
        "time_to_checkpoint_min": "time_to_checkpoint",
        "potential_cross_actual": "potential_cross",
        "border_loss": "border_loss",
    }
    renames = {}
    for state in ("before", "after"):
        for column, short in names.items():
            unit = "_min" if column.endswith("_min") else ""
            renames[f"{column}_{state}"] = f"{short}_{state}{unit}"
    change = shapes.merge(cells.rename(columns=renames), on="cell")
    marked = after.checkpoints.copy()
    marked["class"] = np.where(marked["source"] == "scenario", "new", marked["class"])
    return {
        "cells_before": before.cells,
        "cells_after": after.cells,
        "cells_change": gpd.GeoDataFrame(change, geometry="geometry", crs=after.cells.crs),
        "checkpoints_before": before.checkpoints.drop(columns=["names"]),
        "checkpoints_after": marked.drop(columns=["names"]),
        "roads": after.roads,
        "border_line": after.border_line,
        "regions": after.regions,
    }
