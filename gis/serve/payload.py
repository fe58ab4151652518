"""What the page is told: the border once, and each answer as arrays, numbers in full and unknown ones as null."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import shapely

from analysis.planning.scenarios import totals
from gis.measures import CITY_PEOPLE
from layers.checkpoints import LONGEST_WAIT_MIN
from network.kinds import CONNECTOR, JOINTS, TRANSFER
from network.spots import FAR_KM

if TYPE_CHECKING:
    from collections.abc import Sequence

    import geopandas as gpd
    from numpy.typing import NDArray

    from gis.queries.standing import Base, Change
    from gis.serve.words import Voice

DIGITS = 4
"""Digits of a degree on the map: ten metres."""
SIMPLE_DEG = 0.004
"""Roads are drawn to so many degrees; they are the ground of the page, not what is measured."""
CLASSES = {
    "road": ("motorway", "trunk", "primary", "secondary", "tertiary", "unclassified"),
    "rail": ("main", "branch"),
}
"""Classes that a road or railway of the page may have."""
CELL_COLUMNS = ("time_to_city_min", "time_to_checkpoint_min")


def describe_study(base: Base, voice: Voice) -> dict[str, Any]:
    """Return what the page shows before any edit.

    Title, sides, cells, checkpoints, settlements, lines, and the state as it stands.
    """
    network, cells, rows = base.network, base.standing.cells, voice.rows
    return {
        "study": base.key,
        "title": voice.title(),
        "sides": voice.sides(),
        "city_people": CITY_PEOPLE,
        "most_wait_min": LONGEST_WAIT_MIN,
        "far_km": FAR_KM,
        "mode": base.standing.mode,
        "classes": CLASSES,
        "sample": _sample(base),
        "counted": base.prepared.study.trips.per_day > 0,
        "cells": rows(
            {"id": c, "ring": _ring(g), "side": s, "people": int(p), "near": n}
            for c, g, s, p, n in zip(
                cells["cell"], cells.geometry, cells["side"], cells["population"], cells["near"], strict=True
            )
        ),
        "before": _cell_arrays(base.before.cells),
        "checkpoints": rows(_checkpoints(base)),
        "settlements": rows(_settlements(base)),
        "regions": rows(
            {"name": n, "side": s} for n, s in zip(base.regions["name"], base.regions["side"], strict=True)
        ),
        "border": _lines(base.prepared.border.geometry.to_numpy(), 0.0, digits=6),
        "land": [
            {"side": s, "rings": _rings(g)}
            for g, s in zip(base.prepared.regions.geometry, base.prepared.regions["side"], strict=True)
        ],
        "roads": _lines(_drawn(network.links, "road"), SIMPLE_DEG),
        "railways": _lines(_drawn(network.links, "rail"), SIMPLE_DEG),
        "sources": _sources(base),
        "assumed_waits": int(network.checkpoints["wait_assumed"].astype(bool).sum())
        if "wait_assumed" in network.checkpoints
        else 0,
    }


def describe_change(base: Base, change: Change, voice: Voice) -> dict[str, Any]:
    """Return one answer for the page: arrays per cell, tables of totals, regions, settlements and checkpoints."""
    return {
        "study": base.key,
        "exact": change.exact,
        "rebuilt": change.rebuilt,
        "notes": list(change.notes),
        "places": [_named(dict(p), voice) for p in change.places],
        "after": _cell_arrays(change.after.cells),
        "totals": records(change.totals),
        "regions": voice.rows(records(change.regions)),
        "settlements": voice.rows(records(change.settlements)),
        "checkpoints": voice.rows(records(change.checkpoints)),
    }


def _sample(base: Base) -> dict[str, Any] | None:
    """Return how many places of a side a first answer is made of, and how far off its potential is before any edit.

    None where it is made of all.
    """
    if base.rough is None:
        return None
    exact, rough = (totals(b.before.settlements, b.before.settlements)["before"].iloc[4] for b in (base, base.rough))
    return {"places": base.rough.standing.sampled, "off": abs(float(rough / exact) - 1)}


def _named(place: dict[str, Any], voice: Voice) -> dict[str, Any]:
    """Return a new checkpoint's place, those whose crossing it takes by their names in the language."""
    return place | {"of": [voice.named(n) for n in place["of"]]} if "of" in place else place


def records(table: pd.DataFrame) -> list[dict[str, Any]]:
    """Return a table row by row, unknown values as null."""
    columns = []
    for name in table:
        column = table[name]
        lost = column.isna().to_numpy()
        values = column.tolist()
        columns.append([None if gone else v for v, gone in zip(values, lost, strict=True)] if lost.any() else values)
    names = [str(name) for name in table]
    return [dict(zip(names, row, strict=True)) for row in zip(*columns, strict=True)]


def _cell_arrays(cells: pd.DataFrame) -> dict[str, list[float | None]]:
    """Return the minutes of each cell, to the thousandth: they are colours."""
    return {c: [None if np.isnan(v) else round(float(v), 3) for v in cells[c].to_numpy(float)] for c in CELL_COLUMNS}


def _sources(base: Base) -> list[str]:
    """Return whose data the border is made of, each once: rights where they are stated, else the source."""
    stated = [str(s.get("rights") or s.get("source") or "") for s in base.prepared.sources]
    return sorted({part for text in stated for part in text.split("; ") if part and not part.startswith("none")})


def _checkpoints(base: Base) -> list[dict[str, Any]]:
    """Return the checkpoints with place, mode, wait, share, and whether any way leads through them."""
    table = base.network.checkpoints
    share = base.before.checkpoints.set_index("checkpoint_id")["share"]
    names = base.prepared.regions.drop_duplicates("region").set_index("region")["name"]
    frame = pd.DataFrame(
        {
            "id": table["checkpoint_id"],
            "name": table["name"],
            "mode": table["mode"],
            "open": table["open"].astype(bool),
            "wait_min": table["wait_min"].astype(float),
            "joined_by": table["joined_by"],
            "assumed": table["wait_assumed"].astype(bool) if "wait_assumed" in table else True,
            "share": table["checkpoint_id"].map(share).astype(float),
            "lon": table.geometry.x.round(5),
            "lat": table.geometry.y.round(5),
            "region_a": table["region_a"].map(names),
            "region_b": table["region_b"].map(names),
        }
    )
    return records(frame)


def _settlements(base: Base) -> list[dict[str, Any]]:
    """Return the settlements that the map shows, the largest first, and their minutes."""
    table, state = base.network.settlements, base.before.settlements
    frame = pd.DataFrame(
        {
            "id": table["settlement_id"],
            "name": table["name"],
            "side": table["side"],
            "people": table["population"],
            "region": table["region_name"],
            "lon": table.geometry.x.round(4),
            "lat": table.geometry.y.round(4),
            "city_min": state["time_to_city_min"].round(3),
            "post_min": state["time_to_checkpoint_min"].round(3),
        }
    )
    return records(frame.sort_values(["people", "name"], ascending=[False, True], kind="stable"))


def _drawn(links: pd.DataFrame, mode: str) -> NDArray[np.object_]:
    """Return the lines of a mode that are roads of the data."""
    of_mode = (links["mode"] == mode) & ~links["kind"].isin([*JOINTS, CONNECTOR, TRANSFER])
    return links.loc[of_mode, "geometry"].to_numpy(dtype=object)


def _lines(
    lines: NDArray[np.object_] | gpd.GeoSeries, tolerance: float, *, digits: int = DIGITS
) -> list[list[list[float]]]:
    """Return lines as lists of [lat, lon], joined end to end and simplified."""
    known = [g for g in lines if g is not None and not g.is_empty]
    merged = (
        shapely.line_merge(shapely.union_all(np.array(known, dtype=object))) if known else shapely.GeometryCollection()
    )
    parts = shapely.get_parts(shapely.simplify(merged, tolerance))
    return [_latlon(shapely.get_coordinates(p), digits) for p in parts if p.geom_type == "LineString"]


def _rings(polygon: shapely.Geometry) -> list[list[list[float]]]:
    """Return the outer rings of a polygon as [lat, lon], simplified."""
    parts = shapely.get_parts(shapely.simplify(polygon, 0.02))
    return [_ring(p) for p in parts if p.geom_type == "Polygon" and not p.is_empty]


def _ring(polygon: shapely.Geometry) -> list[list[float]]:
    """Return the outer ring of a polygon as [lat, lon]."""
    return _latlon(shapely.get_coordinates(shapely.get_exterior_ring(polygon)))


def _latlon(xy: NDArray[np.float64], digits: int = DIGITS) -> list[list[float]]:
    """Return coordinates the way Leaflet has them."""
    out: Sequence[list[float]] = np.round(xy[:, ::-1], digits).tolist()
    return list(out)
