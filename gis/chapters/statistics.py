"""The chapter on space: association along the border, mixed places, chance placement, how far labels hold."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from analysis.statistics.association import bivariate_moran, global_association, join_counts, mask_empty, quadrants
from analysis.statistics.clusters import local_geary, local_moran_bv, losh
from analysis.statistics.growth import growth_residual
from analysis.statistics.lists import finding_places
from analysis.statistics.nulls import structural_null
from analysis.statistics.weights import contiguity, segment_chain
from analysis.statistics.words import MIN_UNITS, NO_DATA
from gis.chapters.chapter import Chapter
from gis.chapters.places import gap_table, growth_definitions, label_stability, ranked_places, segment_tests
from gis.hot_spots import WHOLE
from layers.memory import give_back

if TYPE_CHECKING:
    from libpysal.graph import Graph

    from gis.inputs import Prepared
    from gis.measures import Measures
    from gis.study import Study
    from network.build import Network

STEPS = 2
"""Pieces of the border along the line that count as neighbours."""


def statistics_chapter(prepared: Prepared, network: Network, measures: Measures) -> Chapter:
    """Return the chapter's tables, the layer of outliers, and columns of the cells."""
    study, cells, hot = prepared.study, measures.cells, measures.hot
    graph = contiguity(cells["cell"])
    null, notes = _null(study, network, measures)
    give_back()  # between parts that hold large tables for a while
    tables = {"association": _association(study, measures, graph), "structural_null": null}
    columns, layers = {"cells": _columns(study, cells, graph)}, {}
    if hot is not None:
        columns["segments"] = segments = segment_tests(study, measures, hot)
        tables |= ranked_places(prepared, network, measures, hot)
        give_back()
        places = finding_places(tables["growth"], tables["bottlenecks"])
        if len(places):
            layers["places"] = places
        # Too few populated cells for a residual: nothing is held against its neighbours.
        fitted = growth_residual(hot.units).notna().any()
        share = None
        if fitted:
            tables["growth_definitions"] = growth_definitions(study, measures, hot, segments)
            tables["stability"], share = label_stability(prepared, network, measures, hot)
        if share is not None:
            columns["cells"]["stability"] = share.reindex(cells["cell"]).to_numpy()
        gaps = gap_table(study, measures, hot)
        if len(gaps):
            layers["outliers"] = gaps
        else:
            tables["outliers"] = pd.DataFrame(gaps.drop(columns="geometry"))
    return Chapter(tables, layers, columns, notes)


def _by_cell(cells: pd.DataFrame, column: str) -> pd.Series:
    """Return a column by cell."""
    return pd.Series(cells[column].to_numpy(), index=cells["cell"].to_numpy(), name=column)


def _association(study: Study, measures: Measures, graph: Graph) -> pd.DataFrame:
    """Return the statistics of the whole border: of cells, of labels, and of segments along the line."""
    options = {"permutations": min(study.analysis.permutations, WHOLE), "seed": study.analysis.seed}
    cells, segments = measures.cells, measures.segments
    people = _by_cell(cells, "population").astype(float)
    parts = [
        global_association(_by_cell(cells, "cross_ratio"), graph, weights="H3 contiguity", **options),
        global_association(
            mask_empty(_by_cell(cells, "lost_potential"), people),
            graph,
            weights="H3 contiguity, cells with people",
            **options,
        ),
        global_association(_by_cell(cells, "border_loss"), graph, weights="H3 contiguity", **options),
        bivariate_moran(people.rename("population"), _by_cell(cells, "time_to_checkpoint_min"), graph, **options),
    ]
    if "growth_flag" in cells:
        flags = _by_cell(cells, "growth_flag")
        parts.append(join_counts(flags.where(flags != NO_DATA), graph, **options))
    along = segments.set_index("segment_id")["time_to_checkpoint_min"]
    if len(along) >= MIN_UNITS:
        chain = segment_chain(segments, steps=STEPS)
        parts.append(global_association(along, chain, weights=f"chain of segments, {STEPS} steps", **options))
    return pd.concat(parts, ignore_index=True)


def _columns(study: Study, cells: pd.DataFrame, graph: Graph) -> pd.DataFrame:
    """Return edges, mixed places, and people beside access, of every cell."""
    options = {"permutations": study.analysis.permutations, "seed": study.analysis.seed}
    ratio = _by_cell(cells, "cross_ratio")
    people, minutes = _by_cell(cells, "population").astype(float), _by_cell(cells, "time_to_checkpoint_min")
    own = quadrants(people, minutes)[["quadrant"]].rename(columns={"quadrant": "people_time_quadrant"})
    if ratio.notna().sum() < MIN_UNITS:
        return own.reset_index(drop=True)
    parts = [
        local_geary(ratio, graph, **options).add_prefix("ratio_"),
        losh(ratio, graph).add_prefix("ratio_"),
        local_moran_bv(people, minutes, graph, **options).add_prefix("people_time_"),
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
