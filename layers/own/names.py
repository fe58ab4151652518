"""Columns of a user's own layers called as the schema calls them.

Files write names in capitals, as OpenStreetMap's tags, or cut to ten letters.
"""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches
from typing import TYPE_CHECKING

from layers.rules import RULES
from layers.schema import ALIASES, DEFAULTS

if TYPE_CHECKING:
    import geopandas as gpd

OTHER_NAMES: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "roads": {"kind": ("highway", "fclass"), "maxspeed_kph": ("maxspeed",)},
    "railways": {"kind": ("railway", "fclass"), "maxspeed_kph": ("maxspeed",)},
}
"""By layer and column, what exports of OpenStreetMap call it; an earlier name stands before a later one."""
DBASE = 10
"""Letters to which a shapefile cuts the name of a column."""
ALIKE = 0.9
"""Share of equal letters from which a name that nothing reads looks like a slip of the pen."""


def named(frame: gpd.GeoDataFrame, layer: str, where: str) -> tuple[gpd.GeoDataFrame, list[str]]:
    """Return a layer with the schema's columns called as there, and notes on those that are called otherwise.

    A column that has the schema's name stands before any other; of two that would be the same none is taken.

    Parameters
    ----------
    where
        File named in notes; a shapefile's names are cut.
    """
    by_name: dict[str, list[str]] = {}
    for column in frame.columns:
        by_name.setdefault(str(column).casefold(), []).append(str(column))
    aliases: dict[str, tuple[str, ...]] = {ours: (alias,) for alias, ours in ALIASES.get(layer, {}).items()}
    aliases |= OTHER_NAMES.get(layer, {})
    renames: dict[str, str] = {}
    notes = []
    for ours in RULES[layer]:
        if ours in frame:
            continue
        names = (ours, *aliases.get(ours, ()), *(_cut(ours, layer) if where.casefold().endswith(".shp") else ()))
        found = next((by_name[n.casefold()] for n in names if n.casefold() in by_name), [])
        if len(found) == 1 and found[0] not in renames:
            renames[found[0]] = ours
            if found[0].casefold() not in (ours.casefold(), "wait_min"):
                notes.append(f"column {found[0]!r} is read as {ours}")
    frame = frame.rename(columns=renames).copy()
    if layer in OTHER_NAMES and "kind" not in frame:
        notes.append(f"there is no column kind: {DEFAULTS[layer]['kind']} is assumed for all {len(frame):,} rows")
    return frame, [*notes, *_slips(frame, layer)]


def _cut(ours: str, layer: str) -> tuple[str, ...]:
    """Return the name as a shapefile cuts it, where it is long and no other column of the layer is called so."""
    short = ours[:DBASE]
    alone = [name for name in RULES[layer] if name[:DBASE] == short] == [ours]
    return (short,) if len(ours) > DBASE and alone else ()


def _slips(frame: gpd.GeoDataFrame, layer: str) -> list[str]:
    """Return a note for each column that nothing reads and that is called almost as one which the layer lacks."""
    absent = [name for name in RULES[layer] if name not in frame]
    notes = []
    for column in map(str, frame.columns):
        if column in RULES[layer]:
            continue
        near = get_close_matches(column.casefold(), absent, n=1, cutoff=ALIKE)
        if near:
            notes.append(f"column {column!r} is not read: is {near[0]} meant?")
    return notes
