"""Places of a user's own, hospitals or universities.

Points with names and weights, checked before anything is computed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from layers.errors import LayerError
from layers.own.shapes import SHOWN, placed, within
from layers.sources.files import read_file
from layers.words import numbers

if TYPE_CHECKING:
    from pathlib import Path

    import geopandas as gpd
    import shapely


def read_places(
    path: Path,
    word: str,
    *,
    layer: str | None = None,
    name: str | None = None,
    weight: str | None = None,
    area: shapely.Geometry,
) -> tuple[gpd.GeoDataFrame, list[str]]:
    """Return a file's places as points in longitude and latitude, their weights, and notes on what was done.

    Parameters
    ----------
    word
        What the study calls the layer.
    layer
        Table inside a GeoPackage.
    name, weight
        Columns with names and weights.
    area
        Places elsewhere, in longitude and latitude, are left out before their columns are looked at.

    Raises
    ------
    LayerError, CRSError
        The file can't be read, has no such columns, no place in the area, a geometry that is no place, or a weight that
        is negative or unknown: layer, file, row and column are named.
    """
    frame, notes = read_file(path, layer=layer)
    frame, more = placed(frame, word, path.name)
    frame, outside = within(frame, word, area, path.name)
    absent = [c for c in (name, weight) if c is not None and c not in frame]
    if absent:
        has = ", ".join(str(c) for c in frame.columns if c != "geometry")
        raise LayerError(f"layer {word} ({path.name}) has no column {', '.join(map(repr, absent))}: it has {has}")
    if weight is not None:
        value = numbers(frame[weight], thousands=True)
        wrong = frame[weight][~(value >= 0)]
        if len(wrong):
            shown = ", ".join(f"{v!r} ({wrong.index.name} {i})" for i, v in wrong.head(SHOWN).items())
            raise LayerError(
                f"layer {word} ({path.name}): column {weight!r} holds "
                f"{shown}{f' and {len(wrong) - SHOWN} more' if len(wrong) > SHOWN else ''}: "
                "allowed is 0 or more in every row"
            )
        frame = frame.assign(**{weight: value})
    return frame.reset_index(drop=True), [*notes, *more, *outside]
