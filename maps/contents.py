"""What is written of a run or a scenario for people: all that maps, projects and reports are made of."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol, TypeVar

import geopandas as gpd
import pandas as pd
import pyproj

from maps.styles.layers import LayerStyle

Drawn = tuple[LayerStyle, gpd.GeoDataFrame]
Made = TypeVar("Made")
_IDS = {
    "checkpoints": ("fallback",),
    "cells": ("nearest_checkpoint",),
    "settlements": ("nearest_checkpoint",),
}
_TABLE_IDS = ("checkpoint_id", "best_checkpoint", "second_checkpoint", "closed_1", "closed_2")


class Keep(Protocol):
    """Keeps what is made of a layer, for the next page or file of the same rows."""

    def __call__(self, hangs_on: Sequence[object], make: Callable[[], Made], /) -> Made:
        """Return what `make` does, as it is kept where it is.

        Parameters
        ----------
        hangs_on
            What it hangs on beside the rows and columns of the layer: what is made, styles, words, language.
        make
            Makes it of nothing else; numbers, texts, arrays or tables.
        """


@dataclass(frozen=True, kw_only=True)
class Contents:
    """Tables, their drawings and the words around them; every ``write_*`` of maps takes it.

    Attributes
    ----------
    title, subtitle
        Heading of whatever is written.
    layers
        Tables with places by name, as the GeoPackage holds them.
    styles
        Drawings of the layers, top of the map first; a table may be drawn more than once.
    tables
        Further tables by name.
    sides
        Names of the two sides.
    crs
        Projected CRS of the study, for projects and figures.
    findings, warnings, notes
        Sentences: what was found, most important first; what a reader must know before using the numbers, in English,
        for whoever writes them says them by `maps.phrases`; what stands on the map.
    assumptions, sources
        A row per value that nobody measured, and per layer with its licence.
    facts
        Facts of the run, such as the size of the network and the seed.
    headline, numbers, caution
        The finding as one sentence, at most three numbers with what each is, and how far to trust them.
    names
        Other names of a layer's rows in any script, joined by a bar, by the layer's index: they are searched.
    regions
        Names of regions by code, of those too that have no layer.
    places
        Names of places in the language by their main name; warnings are written with them.
    lang
        Language code of what is written.
    known
        By its name, who keeps what is made of a layer, where its rows are of the ground that many runs share.
    """

    title: str
    layers: Mapping[str, gpd.GeoDataFrame]
    styles: Sequence[LayerStyle]
    subtitle: str = ""
    tables: Mapping[str, pd.DataFrame] = field(default_factory=dict, repr=False)
    sides: tuple[str, str] = ("a", "b")
    crs: pyproj.CRS | None = None
    findings: Sequence[str] = ()
    warnings: Sequence[str] = ()
    notes: Sequence[str] = ()
    assumptions: pd.DataFrame = field(default_factory=pd.DataFrame, repr=False)
    sources: pd.DataFrame = field(default_factory=pd.DataFrame, repr=False)
    facts: Mapping[str, str] = field(default_factory=dict, repr=False)
    headline: str = ""
    numbers: Sequence[tuple[str, str]] = ()
    caution: str = ""
    names: Mapping[str, pd.Series] = field(default_factory=dict, repr=False)
    regions: Mapping[str, str] = field(default_factory=dict, repr=False)
    places: Mapping[str, str] = field(default_factory=dict, repr=False)
    lang: str = "en"
    known: Mapping[str, Keep] = field(default_factory=dict, repr=False)

    @property
    def drawn(self) -> list[Drawn]:
        """The drawings with their tables, top of the map first."""
        return [(style, self.layers[style.layer]) for style in self.styles if style.layer in self.layers]

    @property
    def filled(self) -> Contents:
        """The same without the drawings of tables that have no rows."""
        return replace(self, styles=[style for style, frame in self.drawn if len(frame)])

    def keep(self, layer: str, hangs_on: Sequence[object], make: Callable[[], Made]) -> Made:
        """Return what is made of a layer: kept where somebody keeps it (`known`), else made now."""
        keep = self.known.get(layer)
        return make() if keep is None else keep(hangs_on, make)

    @property
    def region_names(self) -> dict[str, str]:
        """Names of regions by code."""
        names: dict[str, str] = {}
        for layer, column in (("settlements", "region_name"), ("regions", "name")):
            if {"region", column} <= set(self.layers.get(layer, pd.DataFrame()).columns):
                names |= dict(zip(self.layers[layer]["region"], self.layers[layer][column], strict=True))
        return names | dict(self.regions)

    @property
    def readable(self) -> Contents:
        """The same as people read it: checkpoints and regions by name instead of id and code."""
        regions = self.region_names
        layers = _regions_named(dict(self.layers), regions)
        points = layers.get("checkpoints", layers.get("checkpoints_after"))
        if points is None or not {"checkpoint_id", "name"} <= set(points.columns):
            return replace(self, layers=layers, findings=_worded(self.findings, regions))
        names = dict(zip(points["checkpoint_id"], points["name"], strict=True))
        for layer, columns in _IDS.items():
            for column in columns:
                if layer in layers and column in layers[layer]:
                    layers[layer] = layers[layer].assign(**{column: _named(layers[layer][column], names)})
        if "checkpoints" in layers.get("crossings", ()):
            layers["crossings"] = layers["crossings"].assign(
                checkpoints=_joined(layers["crossings"]["checkpoints"], names)
            )
        findings = _worded(self.findings, regions)
        warnings = _worded(self.warnings, {**regions, **names})
        headline, subtitle = _worded([self.headline, self.subtitle], names)
        return replace(
            self,
            layers=layers,
            findings=findings,
            warnings=warnings,
            notes=_worded(self.notes, {**regions, **names}),
            headline=headline,
            subtitle=subtitle,
            tables={key: _readable_table(t, names) for key, t in self.tables.items()},
        )


def _worded(lines: Sequence[str], names: Mapping[str, str]) -> list[str]:
    """Return sentences with names in place of the ids and codes that stand in them."""
    return [
        re.sub(r"\b[A-Za-z]+(?:-\w+)+", lambda found: names.get(found.group(), found.group()), line) for line in lines
    ]


def _regions_named(layers: dict[str, gpd.GeoDataFrame], known: Mapping[str, str]) -> dict[str, gpd.GeoDataFrame]:
    """Return the layers with names of regions in place of codes; the layer of regions keeps its codes."""
    out = {}
    for layer, frame in layers.items():
        columns = [c for c in ("region", "region_a", "region_b") if c in frame and layer != "regions"]
        out[layer] = frame.assign(**{c: frame[c].map(lambda v: known.get(v, v)) for c in columns}) if columns else frame
    return out


def _named(ids: pd.Series, names: Mapping[str, str]) -> pd.Series:
    """Return names of checkpoints in place of ids, nothing for none."""
    return ids.map(names).astype(object).fillna("").astype(str)


def _joined(ids: pd.Series, names: Mapping[str, str]) -> list[str]:
    """Return names of checkpoints in place of ids joined by a bar."""
    return [", ".join(names.get(i, i) for i in part) for part in ids.fillna("").astype(str).str.split("|")]


def _readable_table(table: pd.DataFrame, names: Mapping[str, str]) -> pd.DataFrame:
    """Return a table with names of checkpoints in place of ids; ``checkpoint_id`` becomes ``checkpoint``."""
    named = {c: [names.get(i, i) for i in table[c]] for c in _TABLE_IDS if c in table}
    return table.assign(**{c.removesuffix("_id"): values for c, values in named.items()})
