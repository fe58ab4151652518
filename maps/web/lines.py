"""A table of many lines as the page holds it.

By columns, whole numbers from point to point, no finer than a screen shows.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import geopandas as gpd
import numpy as np
import shapely
from numpy.typing import NDArray

MANY_LINES = 1000
"""Rows above which a table of lines is held by columns and drawn as a whole."""
FINEST_M = 5.0
"""What a pixel of the deepest zoom is on the ground: nothing finer is drawn."""
MOST_POINTS = 600_000
"""Points of one table; above it lines are simplified further, so that a page stays below some megabytes."""
_M_PER_DEGREE = 111_320.0
_UNITS = 1e5  # of a degree: a metre


def by_columns(frame: gpd.GeoDataFrame, values: Mapping[str, Sequence[object]]) -> str:
    """Return a table of lines as JSON.

    Parameters
    ----------
    frame
        Lines in longitude and latitude.
    values
        Columns of JSON values; one that holds nothing is left out.

    Returns
    -------
    text
        ``n`` rows; ``columns`` by name, each as ``[values]`` or, of few different ones, ``[values, number of the value
        in each row]``; ``parts`` points of each part of a line, ``rows`` the row of each part where a line has several;
        ``xy`` steps from point to point in 1e-5 degrees, longitude and latitude in turn, the first from zero;
        ``simplified_m`` the tolerance.
    """
    lines, tolerance = thinned(flat(frame.geometry.to_numpy()))
    parts, rows = parts_of(lines)
    points = np.round(shapely.get_coordinates(parts) * _UNITS).astype(np.int64)
    steps = np.diff(points, axis=0, prepend=np.zeros((1, 2), np.int64))
    held = {
        "n": len(frame),
        "simplified_m": tolerance,
        "parts": shapely.get_num_coordinates(parts).tolist(),
        "rows": [] if len(parts) == len(frame) else rows.tolist(),
        "xy": steps.ravel().tolist(),
        "columns": columns_of(values),
    }
    return as_json(held)


def columns_of(values: Mapping[str, Sequence[object]]) -> dict[str, list[object]]:
    """Return the columns that hold anything as `by_columns` has them."""
    return {name: _coded(column) for name, column in values.items() if any(v is not None for v in column)}


def as_json(held: Mapping[str, object]) -> str:
    """Return a table as text."""
    return json.dumps(held, ensure_ascii=False, separators=(",", ":"), allow_nan=False)


def flat(lines: NDArray[np.object_]) -> NDArray[np.object_]:
    """Return lines without heights; those of none that has any as they are."""
    return np.asarray(shapely.force_2d(lines), object) if shapely.has_z(lines).any() else lines


def parts_of(lines: NDArray[np.object_]) -> tuple[NDArray[np.object_], NDArray[np.int64]]:
    """Return the parts of lines, and the row of each; single lines as they are: to copy them takes long."""
    if (shapely.get_type_id(lines) == shapely.GeometryType.LINESTRING).all():
        return lines, np.arange(len(lines))
    parts, rows = shapely.get_parts(lines, return_index=True)
    return parts, rows


def thinned(lines: NDArray[np.object_], most: int = MOST_POINTS) -> tuple[NDArray[np.object_], float]:
    """Return lines within a tolerance, and the tolerance in metres: a pixel, or what keeps their points below a number.

    Parameters
    ----------
    lines
        In degrees. Their ends stay where they are.
    most
        Points of all lines.

    Examples
    --------
    >>> lines, metres = thinned(shapely.linestrings([[(0, 0), (0.5, 1e-6), (1, 0)]]))
    >>> shapely.get_num_coordinates(lines).tolist(), metres
    ([2], 5.0)
    """
    tolerance = FINEST_M
    out = np.array(lines, dtype=object)
    # Of two points nothing can be left out; dense roads are mostly such lines.
    count = shapely.get_num_coordinates(out)
    bent = count > 2
    straight = int(count[~bent].sum())
    curves = out[bent]
    out[bent] = shapely.simplify(curves, tolerance / _M_PER_DEGREE)
    while straight + int(shapely.get_num_coordinates(out[bent]).sum()) > most and tolerance < 2000:
        tolerance *= 2
        out[bent] = shapely.simplify(curves, tolerance / _M_PER_DEGREE)
    return out, tolerance


def along_a_curve(frame: gpd.GeoDataFrame) -> NDArray[np.int64]:
    """Return an order of rows in which neighbours follow each other: steps between lines are short and pack well."""
    curve = frame.geometry.hilbert_distance().to_numpy()
    return np.argsort(curve, kind="stable").astype(np.int64)


def _coded(column: Sequence[object]) -> list[object]:
    """Return a column as its values, or as its different values and their numbers where these are few."""
    kinds = {*map(type, column)} - {type(None)}
    try:
        if len(kinds) < 2:
            known, codes = _numbered(column)
        else:  # one is equal to 1.0 and to true
            typed, codes = _numbered([(type(v), v) for v in column])
            known = [v for _type, v in typed]
    except TypeError:  # charts are lists
        return [list(column)]
    return [known, codes] if 4 * len(known) <= len(column) else [list(column)]


def _numbered(values: Sequence[Any]) -> tuple[list[Any], list[int]]:
    """Return the different values in order, and the number of each."""
    numbers = {value: number for number, value in enumerate(dict.fromkeys(values))}
    return [*numbers], [numbers[value] for value in values]
