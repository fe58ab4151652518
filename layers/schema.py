"""One schema per layer: whatever the source, one floor up the columns are these and are valid."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from layers.cells import legible_columns
from layers.crs import WGS84
from layers.errors import CRSError, LayerError
from layers.rules import RULES, fitting
from layers.spots import different_spots
from layers.words import YES_NO

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandera.pandas as pa
    from pandera.errors import SchemaErrors

LAYERS = ("regions", "settlements", "checkpoints", "roads", "railways")


@cache
def schemas() -> Mapping[str, pa.DataFrameSchema]:
    """Return the schema of each layer.

    Made when first wanted: where a table fits as it is, nobody waits for pandera.
    """
    import pandera.pandas as pa

    return {
        layer: pa.DataFrameSchema({name: rule.column() for name, rule in rules.items()})
        for layer, rules in RULES.items()
    }


GEOMETRY = {
    "regions": ("Polygon", "MultiPolygon"),
    "settlements": ("Point",),
    "checkpoints": ("Point",),
    "roads": ("LineString",),
    "railways": ("LineString",),
}

FLAGS = {
    "regions": (),
    "settlements": (),
    "checkpoints": ("open", "wait_assumed"),
    "roads": ("oneway", "toll", "car", "truck"),
    "railways": ("oneway",),
}
ALIASES: Mapping[str, Mapping[str, str]] = {"checkpoints": {"wait_min": "control_wait_min"}}
"""Other names of columns by layer, which count only where the column itself is missing: in the results of a run
``wait_min`` is the control and the wait for the opening together."""
TAGGED = ("toll",)
"""Flags whose tag has further values that all say yes (``toll=hgv``)."""

DEFAULTS: Mapping[str, Mapping[str, object]] = {
    "regions": {},
    "settlements": {"names": "", "population": 0, "population_date": "", "capital": ""},
    "checkpoints": {
        "name_ru": "",
        "name_kk": "",
        "names": "",
        "partners": 1,
        "region_a": "",
        "region_b": "",
        "regime": "unknown",
        "open": True,
        "hours": "24/7",
        "control_wait_min": np.nan,
        "wait_assumed": False,
        "wait_p90_min": np.nan,
        "wait_truck_min": np.nan,
        "capacity_per_day": np.nan,
        "observed_per_day": np.nan,
        "wait_source": "",
        "vehicles": "",
        "source": "",
        "as_of": "",
    },
    "roads": {
        "kind": "trunk",
        "oneway": False,
        "maxspeed_kph": np.nan,
        "driven_kph": np.nan,
        "osm_id": 0,
        "country": "",
        "speed_source": "",
        "maxspeed_hgv_kph": np.nan,
        "maxspeed_winter_kph": np.nan,
        "surface": "",
        "smoothness": "",
        "season": "",
        "toll": False,
        "car": True,
        "truck": True,
        "no_through": "",
        "duration_min": np.nan,
        "open_share": 1.0,
    },
    "railways": {
        "kind": "main",
        "oneway": False,
        "maxspeed_kph": np.nan,
        "driven_kph": np.nan,
        "osm_id": 0,
        "gauge": "",
        "current": "",
    },
}


def validate(frame: gpd.GeoDataFrame, layer: str, where: str) -> gpd.GeoDataFrame:
    """Return the frame as the layer's schema has it, in longitude and latitude, optional columns filled.

    Parameters
    ----------
    frame
        Any frame with a CRS; further columns are dropped.
    layer
        One of `LAYERS`.
    where
        File or source named in the message.

    Raises
    ------
    CRSError
        The layer has no CRS.
    LayerError
        Anything else that does not fit; one message collects all problems.
    """
    frame = legible_columns(_located(frame, layer, where))
    rows = frame.index if frame.index.name else pd.RangeIndex(1, len(frame) + 1, name="row")
    frame = frame.reset_index(drop=True)
    frame = frame.rename(columns={a: c for a, c in ALIASES.get(layer, {}).items() if c not in frame})
    for column, default in DEFAULTS[layer].items():
        if column not in frame:
            frame[column] = default
        elif default == default and frame[column].isna().any():
            frame[column] = frame[column].astype(object).where(frame[column].notna(), default).infer_objects()
    for column in FLAGS[layer]:
        frame[column] = _flags(frame[column], layer, column, where)
    if layer in ("roads", "railways"):
        frame = _with_ends(frame)
    if layer == "settlements" and "settlement_id" not in frame:
        frame["settlement_id"] = np.arange(len(frame))
    if layer == "checkpoints" and "checkpoint_id" not in frame:
        frame["checkpoint_id"] = [f"checkpoint-{i:03d}" for i in range(1, len(frame) + 1)]
    table = pd.DataFrame(frame.drop(columns="geometry"))
    checked = fitting(table, layer)
    if checked is None:
        checked = _by_schema(table, layer, where, rows)
    return gpd.GeoDataFrame(checked, geometry=frame.geometry.to_numpy(), crs=WGS84)


def _by_schema(table: pd.DataFrame, layer: str, where: str, rows: pd.Index) -> pd.DataFrame:
    """Return a table as pandera brings it to the layer's schema, or raise with all that does not fit."""
    from pandera.errors import SchemaErrors

    schema = schemas()[layer]
    try:
        checked: pd.DataFrame = schema.validate(table, lazy=True)
    except SchemaErrors as error:
        raise LayerError(_problems(error, layer, where, rows)) from None
    return checked[list(schema.columns)]


def empty_layer(layer: str) -> gpd.GeoDataFrame:
    """Return a layer without features, with the columns of its schema."""
    columns = {name: pd.Series(dtype=rule.dtype) for name, rule in RULES[layer].items()}
    return gpd.GeoDataFrame(columns, geometry=gpd.GeoSeries([], crs=WGS84), crs=WGS84)


def _flags(values: pd.Series, layer: str, column: str, where: str) -> pd.Series:
    """Return yes and no as they are written in tables, as booleans: "no" must not become true for being a text."""
    if values.dtype == bool:
        return values
    words = values.astype(str).str.strip().str.lower()
    known = words.map(YES_NO)
    if column in TAGGED:
        known = known.where(known.notna(), True)
    if known.isna().any():
        odd = ", ".join(sorted({repr(v) for v in values[known.isna()]})[:3])
        raise LayerError(f"layer {layer} ({where}): column {column!r} holds {odd}: allowed are yes and no")
    return known.astype(bool)


def _located(frame: gpd.GeoDataFrame, layer: str, where: str) -> gpd.GeoDataFrame:
    """Return the frame in longitude and latitude with the right kind of geometry, or say what is wrong with it."""
    if frame.empty:
        raise LayerError(f"layer {layer} is empty ({where})")
    if frame.crs is None:
        raise CRSError(f"layer {layer} has no CRS ({where}): allowed is any CRS that is stated in the file")
    frame = frame.rename_geometry("geometry") if frame.geometry.name != "geometry" else frame
    if layer in ("roads", "railways") and (frame.geom_type == "MultiLineString").any():
        frame = _parted(frame)
    # An empty geometry has no bounds, and neither has a point of a table whose coordinates are missing.
    kind = frame.geom_type.fillna("none").mask(frame.bounds.isna().any(axis=1), "empty geometries")
    kinds = sorted(set(kind) - set(GEOMETRY[layer]))
    if kinds:
        raise LayerError(f"layer {layer} holds {', '.join(kinds)} ({where}): allowed is {', '.join(GEOMETRY[layer])}")
    bounds = frame.geometry.total_bounds
    if frame.crs.is_geographic and (np.abs(bounds[[1, 3]]).max() > 90 or np.abs(bounds[[0, 2]]).max() > 180):
        swapped = np.abs(bounds[[0, 2]]).max() <= 90
        raise LayerError(
            f"layer {layer} has coordinates out of range, x {bounds[0]:g} to {bounds[2]:g}, y {bounds[1]:g} to "
            f"{bounds[3]:g} ({where}): allowed is longitude −180 to 180 as x and latitude −90 to 90 as y"
            + ("; they look swapped" if swapped else "")
        )
    frame = frame.to_crs(WGS84)
    if layer == "regions":
        frame = frame.set_geometry(shapely.make_valid(frame.geometry.to_numpy()))
    return frame


def _parted(frame: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Return multi-part lines as links of their own.

    Each takes its share of the length, and they meet by their ends.
    """
    from layers.crs import line_lengths_m

    rows = frame.index
    parts = frame.reset_index(drop=True).explode(ignore_index=False)
    owner = parts.index
    if len(parts) > len(frame):
        if "length_m" in parts:
            drawn = pd.Series(line_lengths_m(parts.geometry.to_crs(WGS84).to_numpy()), index=owner)
            parts["length_m"] *= drawn / drawn.groupby(level=0).transform("sum").clip(lower=1e-9)
        parts = parts.drop(columns=["u", "v"], errors="ignore")
    return parts.set_axis(rows[owner], axis=0)


def _with_ends(frame: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Add node numbers and lengths where a source of plain lines has none: lines that share an end point meet there."""
    from layers.crs import line_lengths_m

    if "u" not in frame or "v" not in frame:
        lines = frame.geometry.to_numpy()
        ends = np.concatenate([shapely.get_coordinates(shapely.get_point(lines, i)) for i in (0, -1)])
        frame["u"], frame["v"] = np.split(different_spots(ends)[1], 2)
    if "length_m" not in frame:
        frame["length_m"] = line_lengths_m(frame.geometry.to_numpy())
    elif frame["length_m"].isna().any():
        frame["length_m"] = frame["length_m"].fillna(pd.Series(line_lengths_m(frame.geometry.to_numpy()), frame.index))
    return frame


def _problems(error: SchemaErrors, layer: str, where: str, rows: pd.Index) -> str:
    """Return pandera's failure cases as one readable message."""
    cases = error.failure_cases
    lines = []
    missing = False
    for (column, check), group in cases.groupby(["column", "check"], dropna=False, sort=False):
        at = [f" ({rows.name} {rows[int(i)]})" if pd.notna(i) else "" for i in group["index"].head(3)]
        values = [f"{v!r}{place}" for v, place in zip(group["failure_case"].head(3), at, strict=True)]
        if check == "column_in_dataframe":
            missing = True
            lines.append(f"column {group['failure_case'].iloc[0]!r} is missing")
        else:
            more = f" and {len(group) - 3} more" if len(group) > 3 else ""
            lines.append(f"column {column!r} holds {', '.join(values)}{more}: allowed {RULES[layer][column].allowed}")
    names = f". Columns of this layer: {', '.join(RULES[layer])}, geometry" if missing else ""
    return f"layer {layer} ({where}): {'; '.join(lines)}{names}"
