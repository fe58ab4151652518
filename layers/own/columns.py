"""Columns of a user's own layers in the words of the schema.

Numbers, flags, classes, one-way, whatever world they come from.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import shapely

from layers.errors import LayerError
from layers.osm.classes import ROAD_KINDS, WINTER_KINDS
from layers.osm.tags import parse_maxspeed
from layers.own.names import named
from layers.own.oneway import ALLOWED, BACKWARD, BOTH, NEITHER, UNKNOWN, directions
from layers.own.shapes import SHOWN, listed_rows
from layers.rules import RULES
from layers.schema import ALIASES, DEFAULTS, FLAGS, TAGGED
from layers.words import YES_NO, is_blank, numbers, parts_of

if TYPE_CHECKING:
    import geopandas as gpd

SENTINELS = (-1.0, -9.0, -99.0, -999.0, -9999.0, -99999.0)
"""Numbers that tables write where nobody knows; each is counted in a note."""
ZERO_IS_UNKNOWN = ("maxspeed_kph", "maxspeed_hgv_kph", "driven_kph", "capacity_per_day", "duration_min", "length_m")
HIGH_IS_UNKNOWN = (998.0, 999.0, 9999.0)
"""Speeds that navigation data write for none or unknown."""
SPEEDS = ("maxspeed_kph", "maxspeed_hgv_kph", "driven_kph")
COUNTS = ("population", "capacity_per_day", "observed_per_day", "partners")
"""Columns in which ``1,200`` is 1200."""
WHOLE = ("settlement_id", "osm_id", "population", "partners", "u", "v")
FOLDED = ("mode", "regime", "season", "kind")
"""Columns whose words are compared in small letters."""
OPEN: Mapping[str, bool] = {
    **dict.fromkeys(("open", "opened", "открыт", "открыта", "действует", "ашық"), True),
    **dict.fromkeys(("closed", "закрыт", "закрыта", "не действует", "жабық"), False),
}
"""What a table of posts may say of one in place of yes and no."""
NOT_DRIVEN = frozenset(
    {
        "footway",
        "path",
        "steps",
        "cycleway",
        "pedestrian",
        "bridleway",
        "corridor",
        "elevator",
        "platform",
        "via_ferrata",
        "sidewalk",
        "crossing",
        "construction",
        "proposed",
        "planned",
        "abandoned",
        "disused",
        "razed",
        "demolished",
        "dismantled",
        "raceway",
        "bus_guideway",
        "busway",
        "rest_area",
    }
)
"""Classes of lines that no car drives: left out of an own layer of roads, and counted."""
NO_TRAINS = frozenset(
    {
        "tram",
        "subway",
        "light_rail",
        "monorail",
        "funicular",
        "miniature",
        "miniature_railway",
        "preserved",
        "construction",
        "proposed",
        "abandoned",
        "disused",
        "razed",
        "dismantled",
        "platform",
        "station",
        "halt",
    }
)
"""The same for railways."""
LEFT_OUT = {"roads": NOT_DRIVEN, "railways": NO_TRAINS}


class _Sorting:
    """Notes and problems of one layer as they are found."""

    def __init__(self, layer: str, where: str) -> None:
        self.layer, self.where = layer, where
        self.notes: list[str] = []
        self.problems: list[str] = []

    def note(self, text: str) -> None:
        self.notes.append(f"{self.layer} ({self.where}): {text}")

    def refuse(self, column: str, wrong: pd.Series, allowed: str) -> None:
        """Keep what is wrong with a column, the first values with their rows."""
        shown = ", ".join(f"{v!r} ({wrong.index.name} {i})" for i, v in wrong.head(SHOWN).items())
        more = f" and {len(wrong) - SHOWN:,} more" if len(wrong) > SHOWN else ""
        self.problems.append(f"column {column!r} holds {shown}{more}: allowed {allowed}")


def understood(
    frame: gpd.GeoDataFrame, layer: str, where: str, *, values: Mapping[str, Mapping[str, str]] | None = None
) -> tuple[gpd.GeoDataFrame, list[str]]:
    """Return a layer with its columns in the words of the schema, and notes on what was understood how.

    Parameters
    ----------
    frame
        From `layers.own.shapes.placed`: rows are numbered.
    values
        By column of the schema, from the file's words to ours.

    Raises
    ------
    LayerError
        A value that can't be read, or a map of values for a column that there is not; one message has all of them with
        their rows.
    """
    sorting = _Sorting(layer, where)
    frame, calls = named(frame, layer, where)
    for text in calls:
        sorting.note(text)
    values = {ALIASES.get(layer, {}).get(c, c): words for c, words in (values or {}).items()}
    for column in [c for c in RULES[layer] if c in frame]:
        frame[column] = _mapped(frame[column], values.get(column, {}), sorting)
    absent = [c for c in values if c not in frame]
    if absent:
        sorting.problems.append(
            f"values are given for the column {', '.join(map(repr, absent))}, which it does not have: allowed "
            "are columns of the layer"
        )
    frame = _classes(frame, layer, sorting)
    if "oneway" in frame:
        frame = _turned(frame, sorting)
    for column, rule in RULES[layer].items():
        if column not in frame or column == "oneway":
            continue
        if column in FLAGS[layer]:
            frame[column] = _flags(frame[column], column, sorting)
        elif rule.kind in ("number", "whole"):
            frame[column] = _numbers(frame[column], column, sorting)
        else:
            frame[column] = _texts(frame[column], column)
    if sorting.problems:
        raise LayerError(f"layer {layer} ({where}): {'; '.join(sorting.problems)}")
    if layer == "settlements":
        frame = _once(frame, sorting)
    return frame, sorting.notes


def _once(frame: gpd.GeoDataFrame, sorting: _Sorting) -> gpd.GeoDataFrame:
    """Return settlements without those that stand there already: the same name at the same place, to a metre."""
    if "name" not in frame:
        return frame
    place = shapely.get_coordinates(frame.geometry.to_numpy()).round(5)
    again = pd.DataFrame(place, index=frame.index).assign(name=frame["name"]).duplicated()
    if not again.any():
        return frame
    sorting.note(
        f"{again.sum():,} rows are a settlement that stands there already ({listed_rows(frame.index[again])}): left out"
    )
    return frame[~again].copy()


def _mapped(values: pd.Series, words: Mapping[str, str], sorting: _Sorting) -> pd.Series:
    """Return a column with the study's map of values applied, whatever the case; words that nothing says are told."""
    if not words:
        return values
    folded = {theirs.strip().casefold(): ours for theirs, ours in words.items()}
    stated_words = values.map(lambda v: str(v).strip().casefold(), na_action="ignore")
    idle = [theirs for theirs in words if theirs.strip().casefold() not in set(stated_words)]
    if idle:
        sorting.note(f"no row says {', '.join(map(repr, idle))} in {values.name}, for which the study has a value")
    return values.astype(object).where(~stated_words.isin(list(folded)), stated_words.map(folded))


def _classes(frame: gpd.GeoDataFrame, layer: str, sorting: _Sorting) -> gpd.GeoDataFrame:
    """Return the frame with words folded and the first of lists; classes that nothing drives on are left out."""
    for column in FOLDED:
        if column not in frame or column not in RULES[layer]:
            continue
        blank = is_blank(frame[column])
        # A few words stand in hundreds of thousands of rows: each is read once.
        words = pd.api.types.infer_dtype(frame[column], skipna=True) == "string"
        rows, each = pd.factorize(frame[column]) if words else (np.arange(len(frame)), frame[column])
        parts = pd.Series(each, dtype=object).map(parts_of, na_action="ignore")
        several = parts.map(lambda p: isinstance(p, list) and len(set(p)) > 1).astype(bool)
        read = _road_class if column == "kind" and layer == "roads" else _folded
        first = parts.map(lambda p, read=read: read(p) if isinstance(p, list) and p else "", na_action="ignore")
        # The last stands for rows without a word.
        many = np.append(several.to_numpy(bool), [False])[rows]
        text = np.asarray([*first.to_numpy(dtype=object), None], dtype=object)[rows]
        frame[column] = pd.Series(text, frame.index).astype(object).mask(blank, None)
        if many.any():
            known = " that is known" if column == "kind" and layer == "roads" else ""
            sorting.note(f"{many.sum():,} rows list several values of {column}: the first{known} counts")
        if column == "kind" and blank.any():
            sorting.note(f"{blank.sum():,} rows have no kind: {DEFAULTS[layer]['kind']} is assumed")
    if layer in LEFT_OUT and "kind" in frame:
        idle = frame["kind"].isin(LEFT_OUT[layer])
        if idle.any():
            counts = ", ".join(f"{n:,} {kind}" for kind, n in frame.loc[idle, "kind"].value_counts().items())
            sorting.note(f"left out, for nothing of the study runs on them: {counts}")
            frame = frame[~idle].copy()
            if frame.empty:
                sorting.problems.append("no row is left: allowed is a layer with classes that are driven on")
    return frame


def _folded(words: list[str]) -> str:
    """Return the first of a list, in small letters."""
    return words[0].casefold()


def _road_class(words: list[str]) -> str:
    """Return the first of a list that is a class of OpenStreetMap's but for its form; else the first word.

    Examples
    --------
    >>> [_road_class([w]) for w in ("primary link", "highway=trunk", "secondary, tertiary", "farm road")]
    ['primary_link', 'trunk', 'secondary', 'farm road']
    >>> _road_class(["farm road", "Tertiary", "primary"])
    'tertiary'
    """
    known = {*ROAD_KINDS, *WINTER_KINDS, *NOT_DRIVEN}
    for word in map(str.casefold, words):
        bare = re.split(r"[,/]", re.sub(r"^highway\s*[=:]\s*", "", word))[0]
        plain = word if word in known else re.sub(r"[\s-]+", "_", bare.strip())
        if plain in known:
            return plain
    return _folded(words)


def _turned(frame: gpd.GeoDataFrame, sorting: _Sorting) -> gpd.GeoDataFrame:
    """Return links with a true or false ``oneway``.

    Those against the drawing are turned round, those closed both ways left out.
    """
    way = directions(frame["oneway"])
    if (way == UNKNOWN).any():
        wrong = frame["oneway"][way == UNKNOWN]
        hint = ""
        if set(wrong.astype(str).str.strip().str.upper()) <= {"T", "F"}:
            hint = (
                "; T and F alone may mean true and false or against and along the drawing: say which by values = { "
                'oneway = { T = "yes", F = "no" } }'
            )
        sorting.refuse("oneway", wrong, f"are {ALLOWED}{hint}")
    back = way == BACKWARD
    if back.any():
        lines = frame.geometry.to_numpy().copy()
        lines[back] = shapely.reverse(lines[back])
        frame = frame.set_geometry(lines, crs=frame.crs)
        if "u" in frame and "v" in frame:
            frame.loc[back, ["u", "v"]] = frame.loc[back, ["v", "u"]].to_numpy()
        sorting.note(f"{back.sum():,} rows are one-way against their drawing: turned round")
    frame["oneway"] = way != BOTH
    closed = way == NEITHER
    if closed.any():
        sorting.note(f"{closed.sum():,} rows are closed in both directions: left out")
    return frame[~closed].copy()


def _flags(values: pd.Series, column: str, sorting: _Sorting) -> pd.Series:
    """Return yes and no as booleans, None where nothing is said."""
    if values.dtype == bool:
        return values
    blank = is_blank(values)
    words = {**YES_NO, **OPEN} if column == "open" else YES_NO
    known = values.map(lambda v: words.get(str(v).strip().casefold()), na_action="ignore").astype(object)
    if column in TAGGED:
        known = known.where(known.notna(), True)
    wrong = values[known.isna() & ~blank]
    if len(wrong):
        sorting.refuse(column, wrong, "are yes and no")
    return known.mask(blank, None)


def _numbers(values: pd.Series, column: str, sorting: _Sorting) -> pd.Series:
    """Return a column of numbers; what stands for unknown is NaN and counted."""
    blank = is_blank(values)
    single = values if values.dtype.kind in "biuf" else values.map(lambda v: _single(v, column), na_action="ignore")
    out = numbers(single, thousands=True if column in COUNTS else None)
    wrong = values[out.isna() & ~blank]
    if column in ("u", "v") and len(wrong):
        return values  # nodes may have names: see `layers.own.nodes`
    if column == "settlement_id" and len(wrong):
        sorting.note(f"settlement_id holds texts ({wrong.iloc[0]!r}): settlements are numbered by row")
        return pd.Series(range(len(values)), index=values.index)
    if column in SPEEDS and len(wrong):
        # Words of OpenStreetMap that tell no number (none, signals) leave the class to decide.
        text = values[wrong.index].map(lambda v: str(v).strip())
        read = text.map(lambda t: parse_maxspeed(t)[0]).astype(float)
        out = out.where(out.notna(), read.reindex(out.index))
        if read.isna().any():
            idle = ", ".join(map(repr, pd.unique(text[read.isna()])[:SHOWN]))
            sorting.note(f"{read.isna().sum():,} values of {column} are no number ({idle}): not known")
        wrong = wrong[:0]
    if len(wrong):
        sorting.refuse(column, wrong, "are numbers, without a comma that can be read two ways")
    unknown = out.isin(SENTINELS)
    if column in ZERO_IS_UNKNOWN:
        unknown |= out == 0
    if column in SPEEDS:
        unknown |= out.isin(HIGH_IS_UNKNOWN)
    if unknown.any():
        listed = ", ".join(f"{v:g}" for v in np.unique(out[unknown])[:SHOWN])
        sorting.note(f"{unknown.sum():,} values of {column} are {listed}: taken as not known")
        out = out.mask(unknown)
    if column in WHOLE and (out % 1 != 0).where(out.notna(), False).any():
        sorting.note(
            f"{(out % 1 != 0).where(out.notna(), False).sum():,} values of {column} are rounded to whole numbers"
        )
        out = out.round()
    exact = column in ("osm_id", "settlement_id") and values.dtype.kind in "iu"
    return values if exact else out


def _single(value: Any, column: str) -> Any:
    """Return one value of a list: the mean of limits as OSMnx takes it, else the first."""
    parts = parts_of(value)
    if len(parts) < 2:
        return parts[0] if parts else None
    if column in SPEEDS:
        known = [limit for limit in (parse_maxspeed(part)[0] for part in parts) if limit == limit]
        return sum(known) / len(known) if known else None
    return parts[0] if _is_list(value) or column == "osm_id" else value


def _is_list(value: Any) -> bool:
    return not isinstance(value, str) or value.strip()[:1] in "[(({"


def _texts(values: pd.Series, column: str) -> pd.Series:
    """Return a column of texts: 7 for 7.0, None where a cell is empty; NA is a text."""
    if values.dtype.kind == "f":
        return values.map(lambda v: str(int(v)) if v.is_integer() else str(v), na_action="ignore").astype(object)
    text = values.map(lambda v: str(v).strip(), na_action="ignore").astype(object)
    text = text.mask(text == "", None)
    if column == "country":
        return text.str.upper()
    if column == "vehicles":
        return text.str.casefold().str.replace(r"\s*[,;|]\s*", "|", regex=True)
    return text
