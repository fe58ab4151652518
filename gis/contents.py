"""What a run or a scenario gives to the maps: layers, drawings, tables, sentences and sources in one `Contents`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import geopandas as gpd
import numpy as np
import pandas as pd
import pyproj

from gis.assumptions import assumptions
from gis.headline import caution, headline, key_numbers, scenario_numbers
from gis.measures import TABLES
from layers.keeping import is_keeping, kept_as, key_of
from layers.lists import Table, with_joined_lists
from layers.water import sea_line
from maps.contents import Contents, Keep, Made
from maps.i18n import _, country, language, localised, ngettext, number, speaking
from maps.phrases import phrase, phrased, spoken
from maps.placenames import Renamed, names_in
from maps.styles.edges import EDGES
from maps.styles.layers import LayerStyle, run_styles, scenario_styles
from maps.styles.rights import credited
from maps.styles.sites import SITES
from maps.styles.thematic import chapter_styles
from maps.styles.water import with_water
from network.tool_edges import tool_edges

if TYPE_CHECKING:
    from gis.chapters.chapter import Chapters
    from gis.inputs import Prepared
    from gis.measures import Measures
    from gis.states import State
    from gis.study import Study
    from network.build import Network


def contents_of(
    prepared: Prepared,
    network: Network,
    measures: Measures,
    chapters: Chapters,
    *,
    findings: Sequence[str],
    warnings: Sequence[str],
) -> Contents:
    """Return what is written of a run for people, in the language that is spoken (`maps.i18n.speaking`)."""
    named = names_of(prepared)
    under = {"water": prepared.water, "sea_line": sea_line(prepared.study.source("regions"))}
    drawn = {name: frame for name, frame in under.items() if frame is not None}
    frames = {**_for_people(named, frames_of(measures, chapters)), **drawn}
    tables = _for_people(named, {"statistics": measures.statistics, **chapters.tables})
    sides = sides_of(prepared)
    return Contents(
        title=_("{study}: growth points and bottlenecks of the border").format(study=study_name(prepared.study)),
        subtitle=_subtitle(prepared),
        layers=frames,
        styles=[spoken(style, sides) for style in credited(_styles(prepared, frames), pd.DataFrame(prepared.sources))],
        tables=tables,
        sides=sides,
        crs=prepared.crs,
        findings=[named.text(line) for line in findings],
        warnings=warnings,
        notes=[named.text(line) for line in _map_notes(measures)],
        assumptions=phrased(assumptions(prepared.study, network), ("what", "value", "unit", "source")),
        sources=_sources(prepared),
        facts=_facts(prepared, network, measures),
        headline=named.text(headline(chapters.tables)),
        numbers=[(value, named.text(what)) for value, what in key_numbers(measures, chapters.tables)],
        caution=caution(measures, chapters.tables),
        names={n: getattr(measures, n)["names"] for n in ("settlements", "checkpoints")},
        regions=_regions(prepared),
        places=named.names,
        lang=language(),
        known=_known(network, frames) if is_keeping() else {},
    )


def _known(network: Network, frames: Mapping[str, gpd.GeoDataFrame]) -> dict[str, Keep]:
    """Return who keeps what is made of roads and railways: they are of the ground, which no wait moves."""
    lines = {name: frames[name] for name in ("roads", "railways") if name in frames}
    return {
        name: _Kept(key_of(name, network.ground, list(frame.columns)))
        for name, frame in lines.items()
        if not {*PLACES} & {*frame.columns}
    }


@dataclass(frozen=True)
class _Kept:
    """Keeps what is made of a layer under the digest of what the layer is made of."""

    made_of: str

    def __call__(self, hangs_on: Sequence[object], make: Callable[[], Made], /) -> Made:
        """Return what `make` does, as it is kept where it is."""
        return kept_as("gis.contents", [self.made_of, *hangs_on], make)


def with_edges(contents: Contents, prepared: Prepared, network: Network) -> Contents:
    """Return the same with the links that network tools take, which no map draws."""
    found = [(style, tool_edges(network, mode)) for style, mode in zip(EDGES, ("road", "rail"), strict=True)]
    named = names_of(prepared)
    more = {style.layer: named.frame(frame, PLACES) for style, frame in found if len(frame)}
    drawn = [spoken(style, contents.sides) for style, _frame in found if style.layer in more]
    return replace(contents, layers={**contents.layers, **more}, styles=[*contents.styles, *drawn])


PLACES = (
    "name",
    "place",
    "near",
    "next_city",
    "leading_city",
    "city_a",
    "city_b",
    "city_cross_actual",
    "origin_name",
    "destination_name",
    "fallback",
    "checkpoint",
    "nearest_checkpoint",
)
"""Columns that hold names of places."""


def names_of(prepared: Prepared) -> Renamed:
    """Return names of settlements, checkpoints and regions in the current language, where the data have them."""
    lang = language()
    if lang == "en":
        return Renamed({})
    homes, points = prepared.layers["settlements"], prepared.layers["checkpoints"]
    at_home = (homes["country"] == "KZ").tolist() if lang == "kk" else ()
    names = names_in(
        lang, homes["name"].tolist(), homes["names"].tolist(), homes["population"].tolist(), at_home=at_home
    )
    for name, russian, kazakh in zip(points["name"], points["name_ru"], points["name_kk"], strict=True):
        own = f"{str(russian).split(' – ')[0]} – {kazakh}" if lang == "kk" and kazakh and russian else russian
        if isinstance(own, str) and own:
            names[name] = own
    regions = prepared.layers["regions"]["name"]
    return Renamed(names | {name: _(name) for name in regions if _(name) != name})


def _regions(prepared: Prepared) -> dict[str, str]:
    """Return the names of all regions of the data by code."""
    regions = prepared.layers["regions"]
    return {code: _(name) for code, name in zip(regions["region"], regions["name"], strict=True)}


def study_name(study: Study) -> str:
    """Return the name of a study; one that is called by its two countries is called so in every language.

    A study without a title is called by their codes in English alone.
    """
    with speaking("en"):
        plain = ["–".join(map(country, study.sides))]
    if language() != "en":
        plain.append("–".join(study.sides))
    return "–".join(map(country, study.sides)) if study.name in plain else study.name


def sides_of(prepared: Prepared) -> tuple[str, str]:
    """Return the sides as people call them: countries by name, other sides as the study does."""
    a, b = prepared.study.sides
    return country(a), country(b)


def scenario_contents(
    prepared: Prepared, before: State, after: Measures, tables: dict[str, pd.DataFrame], edits: Sequence[str]
) -> Contents:
    """Return what is written of a scenario for people, in the language that is spoken."""
    sides, named = sides_of(prepared), names_of(prepared)
    layers = _for_people(named, _scenario_frames(before, after, tables["cells"]))
    changes = named.text("; ".join(map(phrase, edits))) or _("nothing is changed")
    return Contents(
        title=_("{study}: a scenario").format(study=study_name(prepared.study)),
        subtitle=_("{study}: a scenario").format(study=study_name(prepared.study)),
        layers=layers,
        styles=[spoken(style, sides) for style in credited(scenario_styles(), pd.DataFrame(prepared.sources))],
        tables={n: named.frame(t, PLACES) for n, t in tables.items()},
        sides=sides,
        crs=prepared.crs,
        notes=[_("Waits and speeds are assumptions unless a source says otherwise")],
        warnings=prepared.warnings,
        sources=_sources(prepared),
        headline=changes,
        numbers=scenario_numbers(tables),
        names={"checkpoints_after": after.checkpoints["names"]},
        regions=_regions(prepared),
        places=named.names,
        lang=language(),
        known=_known(after.access.router.network, layers) if after.access is not None and is_keeping() else {},
    )


def sites_contents(prepared: Prepared, tables: dict[str, pd.DataFrame], findings: Sequence[str]) -> Contents:
    """Return what is written of a search for sites for people."""
    sides, posts, named = sides_of(prepared), prepared.layers["checkpoints"], names_of(prepared)
    table = named.frame(tables["candidates"], PLACES)
    chosen = np.where(table["chosen_at"] > 0, "chosen", "candidate")
    spots = gpd.points_from_xy(table["lon"], table["lat"], crs="EPSG:4326")
    is_open = posts["open"].astype(bool)
    known = {style.key: style for style in run_styles()}
    marked = posts.drop(columns=["names"], errors="ignore").assign(
        **{"class": (posts["mode"] + " open").where(is_open, "closed")}
    )
    sentences = [named.text(phrase(line)) for line in findings]
    layers = {
        # What is chosen is drawn over what stands beside it.
        "sites": gpd.GeoDataFrame(table.assign(**{"class": chosen}), geometry=spots).iloc[
            np.argsort(chosen == "chosen", kind="stable")
        ],
        "checkpoints": marked,
        "border_line": prepared.border,
        "regions": prepared.regions,
    }
    styles = [SITES, known["checkpoints"], known["border_line"], known["regions"]]
    return Contents(
        title=phrase(f"{study_name(prepared.study)}: sites for new checkpoints"),
        subtitle=next(iter(sentences), ""),
        layers={n: named.frame(frame, PLACES) for n, frame in layers.items()},
        styles=[spoken(_within(s, layers[s.layer]), sides) for s in credited(styles, pd.DataFrame(prepared.sources))],
        sides=sides,
        crs=prepared.crs,
        findings=sentences,
        sources=_sources(prepared),
        places=named.names,
        lang=language(),
    )


def _within(style: LayerStyle, frame: gpd.GeoDataFrame) -> LayerStyle:
    """Return a drawing with the fields that its table has."""
    return replace(style, fields={column: label for column, label in style.fields.items() if column in frame})


def _styles(prepared: Prepared, frames: dict[str, gpd.GeoDataFrame]) -> tuple[LayerStyle, ...]:
    """Return the drawings of the layers that there are."""
    found = chapter_styles(
        frames,
        lost_potential=frames["cells"]["lost_potential"].to_numpy(float),
        minutes=prepared.study.isochrones.minutes,
        types=_types_of(frames["regions"]),
        places=[(word, part.rights) for word, part in prepared.study.reach.layers.items()],
        columns={name: list(frame.columns) for name, frame in frames.items()},
    )
    return with_water(found, frames)


def _types_of(regions: gpd.GeoDataFrame) -> list[str]:
    """Return the types that regions have, in their order; none where there was no typology."""
    return sorted(regions["type"].dropna().unique()) if "type" in regions else []


def frames_of(measures: Measures, chapters: Chapters) -> dict[str, gpd.GeoDataFrame]:
    """Return the layers of a run, those of the GeoPackage, by name."""
    frames = {**{n: getattr(measures, n) for n in TABLES}, **chapters.layers}
    frames["settlements"] = frames["settlements"].drop(columns=["names"])
    frames["checkpoints"] = frames["checkpoints"].drop(columns=["names"])
    return frames


def _for_people(named: Renamed, tables: Mapping[str, Table]) -> dict[str, Table]:
    """Return tables with names of places in the current language, and lists as texts."""
    return {n: named.frame(with_joined_lists(t), PLACES) for n, t in tables.items()}


def _sources(prepared: Prepared) -> pd.DataFrame:
    """Return the table of sources."""
    columns = ["layer", "source", "version", "date", "licence", "rights", "rows", "note"]
    return phrased(pd.DataFrame(prepared.sources).reindex(columns=columns), tuple(columns))


def _subtitle(prepared: Prepared) -> str:
    """Return one line on border and data."""
    n = len(prepared.layers["checkpoints"])
    text = ngettext(
        "{name} · {km} km of border in the data · {n} checkpoint",
        "{name} · {km} km of border in the data · {n} checkpoints",
        n,
    )
    return text.format(name=study_name(prepared.study), km=number(prepared.border["length_km"].sum()), n=number(n))


def _map_notes(measures: Measures) -> list[str]:
    """Return what a reader of the map must know."""
    return [
        _("Waits and speeds are assumptions unless a source says otherwise: see report.html"),
        *map(phrase, measures.notes[:3]),
    ]


def _projection(crs: pyproj.CRS) -> str:
    """Return a projection as people write it: its method and the parameters that shape it."""
    operation = crs.coordinate_operation
    if operation is None:
        return crs.name
    shaping = [p for p in operation.params if "parallel" in p.name.lower() or "longitude" in p.name.lower()]
    return ", ".join(map(phrase, [operation.method_name, *(f"{p.name.lower()} {p.value:g}°" for p in shaping)]))


def _facts(prepared: Prepared, network: Network, measures: Measures) -> dict[str, str]:
    """Return the facts of a run for the report."""
    settings = prepared.study.analysis
    report = network.report
    cells = f"{len(measures.cells)} (H3 {settings.h3_resolution})"
    segments = f"{len(measures.segments)} ({settings.segment_km:g} km)"
    alpha = localised(f"{settings.alpha:g}")
    return {
        _("Border line in the data"): _("{n} km").format(n=number(prepared.border["length_km"].sum(), 1)),
        _("Projection"): _projection(prepared.crs),
        _("Network"): _("{n} nodes; links: {list}").format(
            n=number(report["nodes"]), list=", ".join(f"{_(k)} {number(v)}" for k, v in report["links"].items())
        ),
        _("Components"): number(report["components"]),
        _("Gaps of the data"): ", ".join(f"{_(m)} {report[f'{m}_gaps_bridged']}" for m in ("road", "rail")),
        _("Checkpoints"): ", ".join(f"{_(k)} {v}" for k, v in report["checkpoints_by"].items()),
        _("Cells, segments"): f"{cells}, {segments}",
        _("Permutations, seed, alpha"): f"{number(settings.permutations)}, {settings.seed}, {alpha}",
    }


def _scenario_frames(before: State, after: Measures, cells: pd.DataFrame) -> dict[str, gpd.GeoDataFrame]:
    """Return the layers of the scenario map."""
    shapes = after.cells[["cell", *(c for c in ("near",) if c not in cells), "geometry"]]
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
