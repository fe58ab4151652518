"""All chapters of a run, one after the other: what each finds is there for those behind it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from gis.chapters.chapter import Chapter, Chapters
from gis.chapters.connectivity import connectivity_chapter
from gis.chapters.ground import ground_chapter
from gis.chapters.levels import levels_chapter
from gis.chapters.permits import border_zone, permits_chapter, with_permits
from gis.chapters.planning import planning_chapter
from gis.chapters.reach import reach_chapter
from gis.chapters.statistics import statistics_chapter
from gis.chapters.trips import trips_chapter
from layers.memory import give_back
from layers.progress import piece, shares

if TYPE_CHECKING:
    from collections.abc import Callable

    from gis.inputs import Prepared
    from gis.measures import Measures
    from network.build import Network

MARKED = ("growth", "bottlenecks", "openings_tried", "outliers", "places")
"""Tables and layers whose rows say where a permit is needed, where the study names a border zone."""


def further_measures(prepared: Prepared, network: Network, measures: Measures) -> tuple[Measures, Chapters]:
    """Return the measures with the columns and notes of every chapter, and the chapters' own tables and layers.

    Demand and choice are left out of the measures once trips are counted: nothing else is made of them.
    """
    study = prepared.study
    zone = border_zone(study)

    def trips() -> Chapter:
        return trips_chapter(study, network, measures, prepared.counts)

    first: list[tuple[float, Callable[[], Chapter]]] = [
        (5, lambda: ground_chapter(network, measures)),
        (35, lambda: connectivity_chapter(study, network, measures, prepared.border)),
        (12, lambda: reach_chapter(prepared, network, measures)),
        (12, trips),
        (20, lambda: statistics_chapter(prepared, network, measures)),
        (0, lambda: permits_chapter(measures, zone)),
    ]
    *spans, last, end = shares([*(weight for weight, _ in first), 6, 10])
    found = []
    for span, (_, make) in zip(spans, first, strict=True):
        with piece(*span):
            found.append(make())
        if make is trips:
            # The largest tables of all; nobody asks for them any more.
            measures = replace(measures, demand=None, choice=None)
        give_back()
    for chapter in found:
        measures = _joined(measures, chapter)
    # The index weighs what the others computed.
    with piece(*last):
        found.append(levels_chapter(prepared, network, measures))
    measures = _joined(measures, found[-1])
    with piece(*end):
        known = {n: t for chapter in found for n, t in chapter.tables.items()}
        found.append(planning_chapter(study, network, known, measures.checkpoints))
    tables = {name: table for chapter in found for name, table in chapter.tables.items() if len(table.columns)}
    layers = {name: layer for chapter in found for name, layer in chapter.layers.items()}
    # Ranked places, gaps and tried sites are those that somebody may go to.
    tables |= {name: with_permits(tables[name], zone) for name in MARKED if name in tables}
    layers |= {name: with_permits(layers[name], zone) for name in MARKED if name in layers}
    return measures, Chapters(tables, layers)


def _joined(measures: Measures, chapter: Chapter) -> Measures:
    """Return the measures with a chapter's columns and notes; a column that is there already stays as it is."""
    changed = {}
    for name, columns in chapter.columns.items():
        table = getattr(measures, name)
        fresh = columns[[c for c in columns if c not in table]]
        changed[name] = table.reset_index(drop=True).join(fresh.reset_index(drop=True))
    return replace(measures, notes=[*measures.notes, *chapter.notes], **changed)
