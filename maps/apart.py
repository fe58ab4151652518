"""Tables of very many lines: whole in a file of their own, in the GeoPackage what a map draws of them.

A GeoPackage of half a million roads, each twice, has 200 MB, most of it columns and index of roads that are seen from
near alone. Main roads stay rows of their own; the small ones of a square are one row, so that every road is drawn.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from maps.i18n import _
from maps.styles.edges import EDGES

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from maps.contents import Contents
    from maps.styles.classes import LayerStyle

    Bundled = Callable[[gpd.GeoDataFrame, LayerStyle], gpd.GeoDataFrame]

MOST_LINES = 100_000
"""Rows above which a table of lines is whole in a file alone."""
SQUARE_DEG = 0.5
"""Side of the squares whose small roads are one row."""
WORLD = 559_082_264
"""Denominator of the scale at which a screen shows the world in 256 pixels, zoom 0 of web maps: half a million roads
would cover what else a project shows of the whole border."""
LINKS = "links"
"""Column that counts the links of a row."""
_SAME = ("kind", "side")
"""Columns that the links of a row share, beside that of the drawing."""


def file_of(style: LayerStyle, rows: int) -> str:
    """Return the file that holds a table whole, nothing where the GeoPackage does.

    What can be spared are rows that a drawing shows from near alone, and tables for network tools, which no map shows.

    Examples
    --------
    >>> from maps.styles.layers import run_styles
    >>> roads = next(s for s in run_styles() if s.key == "roads")
    >>> file_of(roads, 7_000), file_of(roads, 700_000)
    ('', 'roads.parquet')
    """
    spare = bool(_near(style)) or style.layer in {each.layer for each in EDGES}
    many = style.geometry == "Line" and rows > MOST_LINES
    return f"{style.layer}.parquet" if many and spare else ""


def apart(contents: Contents, bundled: Bundled | None = None) -> tuple[Contents, list[LayerStyle]]:
    """Return the contents as a GeoPackage holds them, and the drawings whose tables are whole in a file of their own.

    Drawings of tables that it does not hold are left out, the others name the file.

    Parameters
    ----------
    bundled
        Gives the rows of such a table as the GeoPackage holds them, `together` where None.
    """
    bundled = bundled or together
    layers, styles = dict(contents.layers), []
    files: dict[str, LayerStyle] = {}
    for style in contents.styles:  # some dozens
        frame = contents.layers.get(style.layer)
        name = "" if frame is None else file_of(style, len(frame))
        if frame is None or not name:
            styles.append(style)
            continue
        files.setdefault(style.layer, style)
        if not _near(style):
            layers.pop(style.layer, None)
            continue
        more = _("small ones of a square are one row, {file} holds them all with their columns").format(file=name)
        classes = tuple(replace(c, widest_scale=WORLD / 2**c.min_zoom if c.min_zoom else None) for c in style.classes)
        text, fields = f"{style.description}; {more}", {**style.fields, LINKS: _("Links")}
        styles.append(replace(style, classes=classes, description=text, fields=fields))
        layers[style.layer] = bundled(frame, styles[-1])
    return replace(contents, layers=layers, styles=styles), list(files.values())


def together(frame: gpd.GeoDataFrame, style: LayerStyle) -> gpd.GeoDataFrame:
    """Return the lines with those of each square as one row, where the drawing shows them from near alone.

    Parameters
    ----------
    frame
        Lines in longitude and latitude.

    Returns
    -------
    The other rows as they are with ``links`` 1, then a row for each square, class, kind and side with the number of its
    ``links``; what differs among them is unknown.
    """
    near = frame[style.column].astype("string").isin(_near(style)).to_numpy(bool)
    small, main = frame[near], frame[~near].assign(**{LINKS: 1})
    middle = shapely.bounds(small.geometry.to_numpy()).reshape(-1, 2, 2).mean(axis=1)
    squares = pd.DataFrame(np.floor(middle / SQUARE_DEG), columns=["_x", "_y"], index=small.index)
    shared = [c for c in (str(style.column), *_SAME) if c in frame]
    keys = pd.concat([squares, small[shared]], axis=1)
    by = keys.groupby(list(keys.columns), sort=True, dropna=False, observed=True)
    number = by.ngroup().to_numpy()
    parts, row = shapely.get_parts(small.geometry.to_numpy(), return_index=True)
    order = np.argsort(number[row], kind="stable")
    bundles = by.size().rename(LINKS).reset_index()[[*shared, LINKS]]
    bundles = gpd.GeoDataFrame(
        bundles,
        geometry=shapely.multilinestrings(parts[order], indices=number[row][order]),
        crs=frame.crs,
    )
    return _stacked(main, bundles)


def _stacked(main: gpd.GeoDataFrame, bundles: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Return two tables as one; whole numbers and flags stay such where they are unknown."""
    nullable = {"i": "Int64", "b": "boolean"}
    kinds = {c: nullable[main[c].dtype.kind] for c in main if main[c].dtype.kind in nullable}
    rest = bundles.reindex(columns=main.columns)
    both = pd.concat([main.astype(kinds), rest.astype({c: k for c, k in kinds.items() if c in rest})])
    return gpd.GeoDataFrame(both.reset_index(drop=True), geometry=main.geometry.name, crs=main.crs)


def _near(style: LayerStyle) -> Sequence[str]:
    """Return the values of the classes that are drawn from near alone."""
    return [str(each.value) for each in style.classes if each.min_zoom and each.value is not None]
