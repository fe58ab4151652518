"""The chapter on space: association along the whole border, edges and mixed places, chance placement, and how far labels hold."""

from __future__ import annotations

from typing import TYPE_CHECKING

import geopandas as gpd
import pandas as pd

from analysis.statistics.association import bivariate_moran, global_association, join_counts, mask_empty, quadrants
from analysis.statistics.clusters import local_geary, local_moran_bv, losh
from analysis.statistics.hotspots import MIN_UNITS
from analysis.statistics.labels import NO_DATA, isolated_outliers, named_places
from analysis.statistics.nulls import structural_null
from analysis.statistics.sensitivity import alternatives, stability
from analysis.statistics.weights import contiguity, segment_chain
from gis.chapters.chapter import Chapter

if TYPE_CHECKING:
    from collections.abc import Mapping

    from libpysal.graph import Graph

    from gis.inputs import Prepared
    from gis.measures import Measures
    from gis.study import Study
    from network.build import Network

WEIGHTS_ALONE = ("6 nearest neighbours", "network time with wait", "network time without wait")
"""Alternatives that need no new cells: quick enough for every run."""
STEPS = 2
"""Pieces of the border along the line that count as neighbours."""


def statistics_chapter(prepared: Prepared, network: Network, measures: Measures) -> Chapter:
    """Return the chapter's tables, the layer of outliers, and columns of the cells."""
    study, cells = prepared.study, measures.cells
    graph = contiguity(cells["cell"])
    kept = _alternatives(prepared, measures)
    stable, share = stability(_by_cell(cells, "label"), kept) if kept else (pd.DataFrame(), None)
    names = network.checkpoints.set_index("checkpoint_id")["name"].to_dict()
    told = {"checkpoint_names": names, "alternatives": kept or None}
    outliers = isolated_outliers(cells, measures.settlements, alpha=study.analysis.alpha, **told)
    null, notes = _null(study, network, measures)
    tables = {
        "association": _association(study, measures, graph),
        "places": named_places(cells, measures.settlements, **told),
        "outliers": outliers,
        "stability": stable,
        "structural_null": null,
    }
    columns = _columns(study, cells, graph)
    if share is not None:
        columns["stability"] = share.reindex(cells["cell"]).to_numpy()
    shapes = cells.set_index("cell").geometry.reindex(outliers["cell"])
    layer = gpd.GeoDataFrame(outliers, geometry=shapes.to_numpy(), crs=cells.crs)
    layers = {"outliers": layer} if len(outliers) else {}
    return Chapter(
        {n: t for n, t in tables.items() if n != "outliers" or not layers}, layers, {"cells": columns}, notes
    )


def _by_cell(cells: pd.DataFrame, column: str) -> pd.Series:
    """Return a column by cell."""
    return pd.Series(cells[column].to_numpy(), index=cells["cell"].to_numpy(), name=column)


def _alternatives(prepared: Prepared, measures: Measures) -> Mapping[str, pd.Series]:
    """Return the labels of the cells under other choices, as many of them as the study asks for."""
    study, access = prepared.study, measures.access
    if access is None or study.stability.alternatives == "none" or measures.statistics.empty:
        return {}
    settings = study.analysis
    every = alternatives(
        access.router,
        measures.cells,
        access.router.network.base.regions,
        prepared.border,
        resolution=settings.h3_resolution,
        depth_km=settings.depth_km,
        half_life_min=settings.half_life_min,
        decay=settings.decay_function(),
        permutations=settings.permutations,
        seed=settings.seed,
        alpha=settings.alpha,
    )
    chosen = every if study.stability.alternatives == "all" else WEIGHTS_ALONE
    return {name: every[name]() for name in chosen}


def _association(study: Study, measures: Measures, graph: Graph) -> pd.DataFrame:
    """Return the statistics of the whole border: of cells, of labels, and of segments along the line."""
    how = {"permutations": study.analysis.permutations, "seed": study.analysis.seed}
    cells, segments = measures.cells, measures.segments
    people = _by_cell(cells, "population").astype(float)
    parts = [
        global_association(_by_cell(cells, "cross_ratio"), graph, weights="H3 contiguity", **how),
        global_association(
            mask_empty(_by_cell(cells, "lost_potential"), people),
            graph,
            weights="H3 contiguity, cells with people",
            **how,
        ),
        global_association(_by_cell(cells, "border_loss"), graph, weights="H3 contiguity", **how),
        bivariate_moran(people.rename("population"), _by_cell(cells, "time_to_checkpoint_min"), graph, **how),
    ]
    labels = _by_cell(cells, "label")
    parts.append(join_counts(labels.where(labels != NO_DATA), graph, **how))
    along = segments.set_index("segment_id")["time_to_checkpoint_min"]
    if len(along) >= MIN_UNITS:
        chain = segment_chain(segments, steps=STEPS)
        parts.append(global_association(along, chain, weights=f"chain of segments, {STEPS} steps", **how))
    return pd.concat(parts, ignore_index=True)


def _columns(study: Study, cells: pd.DataFrame, graph: Graph) -> pd.DataFrame:
    """Return edges, mixed places, and people beside access, of every cell."""
    how = {"permutations": study.analysis.permutations, "seed": study.analysis.seed}
    ratio = _by_cell(cells, "cross_ratio")
    people, minutes = _by_cell(cells, "population").astype(float), _by_cell(cells, "time_to_checkpoint_min")
    own = quadrants(people, minutes)[["quadrant"]].rename(columns={"quadrant": "people_time_quadrant"})
    if ratio.notna().sum() < MIN_UNITS:
        return own.reset_index(drop=True)
    parts = [
        local_geary(ratio, graph, **how).add_prefix("ratio_"),
        losh(ratio, graph).add_prefix("ratio_"),
        local_moran_bv(people, minutes, graph, **how).add_prefix("people_time_"),
    ]
    return pd.concat([own, *(p.reindex(cells["cell"]) for p in parts)], axis=1).reset_index(drop=True)


def _null(study: Study, network: Network, measures: Measures) -> tuple[pd.DataFrame, list[str]]:
    """Return how access ranks among chance placements of the open checkpoints, and notes."""
    draws = study.stability.null_draws
    if not draws:
        return pd.DataFrame(), []
    # The gates of chance bring connectors of their own: a cell that joins no road of the run would join one of them.
    cells = measures.cells[measures.cells["potential_cross_borderless"].notna()].reset_index(drop=True)
    if cells.empty:
        return pd.DataFrame(), ["no cell joins the network: no chance placement of checkpoints is drawn"]
    table, notes = structural_null(
        network,
        cells,
        mode="rail" if study.analysis.mode == "rail" else "road",
        null=study.stability.null,
        draws=draws,
        seed=study.analysis.seed,
        half_life_min=study.analysis.half_life_min,
        decay=study.analysis.decay_function(),
        alpha=study.analysis.alpha,
    )
    named = cells["cell"].to_numpy(dtype=object)
    if len(table):
        table = table.assign(unit=[u if u == "all" else named[int(u)] for u in table["unit"]])
    return table, notes
