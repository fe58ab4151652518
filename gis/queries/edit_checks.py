"""What is wrong with a list of edits before anything is built: unknown names, contradictions, numbers out of range."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import shapely

from layers.checkpoints import LONGEST_WAIT_MIN, find_checkpoint
from layers.crs import geodesic_m
from layers.errors import BorderlinkError, PlaceError
from layers.hours import read_hours
from layers.names import suggestion
from layers.rules import REGIMES
from layers.settlements import parse_lonlat
from network.edits import DIRECTIONS
from network.speeds import KNOWN_KPH

if TYPE_CHECKING:
    import geopandas as gpd

SAME_M = 100.0
"""Two new checkpoints of one mode this near to each other are one."""
MOST_EDITS = 500
PLACES = ("", "crossing", "new road")
Named = Sequence[tuple[str, str, tuple[float, float]]]
"""New checkpoints: id, name, place."""


def check_edits(
    edits: Sequence[Any], checkpoints: gpd.GeoDataFrame, regions: gpd.GeoDataFrame, where: Sequence[str]
) -> None:
    """Refuse edits that can't be made, all problems in one message.

    Parameters
    ----------
    edits
        `gis.queries.edits.Edit`.
    checkpoints, regions
        The layers; no network is needed.
    where
        What the message calls each edit.

    Raises
    ------
    PlaceError
        With every problem.
    """
    if len(edits) > MOST_EDITS:
        raise PlaceError(f"{len(edits)} edits: allowed are {MOST_EDITS}")
    problems: list[str] = []
    named = _new_names(edits)
    taken: dict[tuple[str, str], int] = {}
    for n, edit in enumerate(edits):
        prefix = f"{where[n]}: " if n < len(where) and where[n] else ""
        problems += [prefix + text for text in _ranges(edit)]
        problems += [prefix + text for text in _overlap(edits, n, where)]
        try:
            if getattr(edit, "region", ""):
                region_named(regions, edit.region)
            keys = _touched(edit, checkpoints, named)
        except BorderlinkError as error:
            problems.append(f"{prefix}{error}")
            continue
        for key in keys:
            clash = taken.get(key)
            if clash is not None:
                other = f" (see {where[clash]})" if where and where[clash] else ""
                problems.append(f"{prefix}{_clash(edits[clash], edit, key[0])}{other}")
            taken.setdefault(key, n)
    if problems:
        raise PlaceError("; ".join(dict.fromkeys(problems)))


def target_of(text: str, checkpoints: gpd.GeoDataFrame, named: Named) -> str:
    """Return the id that a text names: a new checkpoint's by id, name or coordinates, else one of the layer's.

    Raises
    ------
    PlaceError
        Unknown or ambiguous; the nearest names are suggested.
    """
    pair = parse_lonlat(text)
    for key, name, place in named:
        if text in (key, name) or pair == place:
            return key
    return find_checkpoint(checkpoints, text)


def region_named(regions: gpd.GeoDataFrame, text: str) -> shapely.Geometry:
    """Return the polygon of a region by its code or name.

    Raises
    ------
    PlaceError
        No region is called so; the nearest is suggested.
    """
    rows = (regions["region"] == text) | (regions["name"] == text)
    if not rows.any():
        every = [*regions["region"], *regions["name"]]
        hint = suggestion(text, every, most=1, quoted=True)
        raise PlaceError(
            f"no region is called {text!r}{hint}: allowed are {', '.join(sorted(regions['region'].unique()))}"
        )
    return shapely.union_all(regions.geometry[rows].to_numpy())


def _kind(edit: Any) -> str:
    """Return the kind of an edit."""
    return type(edit).__name__


def _new_names(edits: Sequence[Any]) -> list[tuple[str, str, tuple[float, float]]]:
    """Return id, name and place of the new checkpoints."""
    opens = [e for e in edits if _kind(e) == "Open"]
    return [
        (f"new-{i}", e.name or f"New checkpoint {i} ({e.lon:g},{e.lat:g})", (e.lon, e.lat))
        for i, e in enumerate(opens, 1)
    ]


def _touched(edit: Any, checkpoints: gpd.GeoDataFrame, named: Named) -> list[tuple[str, str]]:
    """Return what an edit decides: pairs of checkpoint and matter, each of which one edit alone may decide."""
    kind = _kind(edit)
    if kind == "Close" and bool(edit.checkpoint) == bool(edit.region):
        raise PlaceError("a closure: allowed is a checkpoint or a region, one of the two")
    if kind not in ("Close", "Wait", "Hours", "Capacity") or (kind == "Close" and edit.region):
        return []
    target = target_of(edit.checkpoint, checkpoints, named)
    if kind == "Close":
        new = target.startswith("new-")
        row = checkpoints.loc[checkpoints["checkpoint_id"] == target, "open"]
        if not new and not bool(row.iloc[0]):
            raise PlaceError(f"{target} is closed already: allowed is an open checkpoint")
        return [(target, w) for w in ("closed", "wait a to b", "wait b to a", "hours", "capacity")]
    if kind == "Wait":
        if edit.vehicle == "truck":
            return [(target, f"wait of trucks {d}") for d in _directions(edit.direction)]
        return [(target, f"wait {d}") for d in _directions(edit.direction)]
    return [(target, "hours" if kind == "Hours" else "capacity")]


def _directions(direction: str) -> tuple[str, ...]:
    """Return the directions that a wait is of."""
    return ("a to b", "b to a") if direction == "both" else (direction,)


def _clash(first: Any, second: Any, target: str) -> str:
    """Return what two edits say of one checkpoint, in words."""
    one, two = _kind(first).lower(), _kind(second).lower()
    if one == two:
        return f"{target} has two edits {one!r}: allowed is one"
    return f"{target} has an edit {one!r} and an edit {two!r}, which contradict each other: allowed is one of them"


def _overlap(edits: Sequence[Any], n: int, where: Sequence[str]) -> list[str]:
    """Return what is wrong with a new checkpoint beside those before it."""
    edit = edits[n]
    if _kind(edit) != "Open":
        return []
    out = []
    for m, other in enumerate(edits[:n]):
        if _kind(other) == "Open" and other.mode == edit.mode:
            same = bool(edit.crossing) and edit.crossing == other.crossing
            if same or float(geodesic_m(edit.lon, edit.lat, other.lon, other.lat)) <= SAME_M:
                seen = f" ({where[m]})" if where and where[m] else ""
                out.append(
                    f"a second new checkpoint by {edit.mode} at one place{seen}: allowed is one within {SAME_M:g} m"
                )
    return out


def _ranges(edit: Any) -> list[str]:
    """Return the values of an edit that are out of range."""
    out = []
    for name in ("wait_min", "wait_truck_min", "wait_back_min"):
        value = getattr(edit, name, None)
        if value is not None and (isinstance(value, bool) or not 0 <= value <= LONGEST_WAIT_MIN):
            out.append(f"{name} = {value!r}: allowed are minutes from 0 to {LONGEST_WAIT_MIN:,.0f}")
    capacity = getattr(edit, "capacity_per_day", None)
    if capacity is not None and not 0 < capacity <= 1e6:
        out.append(f"capacity_per_day = {capacity!r}: allowed is more than 0, to 1,000,000")
    if getattr(edit, "mode", "road") not in ("road", "rail"):
        out.append(f"mode = {edit.mode!r}: allowed is road or rail")
    if hasattr(edit, "hours") and not read_hours(edit.hours).known:
        out.append(f"hours = {edit.hours!r}: allowed is such as 24/7 or 09:00-21:00")
    if hasattr(edit, "direction") and edit.direction not in DIRECTIONS:
        out.append(f"direction = {edit.direction!r}: allowed are {', '.join(DIRECTIONS)}")
    if getattr(edit, "vehicle", "") not in ("", "car", "truck"):
        out.append(f"vehicle = {edit.vehicle!r}: allowed is car or truck")
    kind = getattr(edit, "road_class", "")
    if kind and kind.removesuffix("_link") not in KNOWN_KPH:
        out.append(f"road_class = {kind!r}: allowed are {', '.join(sorted(KNOWN_KPH))}")
    kph = getattr(edit, "road_kph", None)
    if kph is not None and not 1 <= kph <= 150:
        out.append(f"road_kph = {kph!r}: allowed is 1 to 150")
    if _kind(edit) == "Stop" and not (-180 <= edit.lon <= 180 and -90 <= edit.lat <= 90):
        out.append(f"lon, lat = {edit.lon:g}, {edit.lat:g}: allowed is longitude −180 to 180 and latitude −90 to 90")
    if _kind(edit) == "Electrify":
        if not edit.current.strip():
            out.append("current: allowed is such as 25 kV 50 Hz, 3 kV DC or none")
        if bool(edit.osm_ids) + bool(edit.polygon) + bool(edit.region) != 1:
            out.append("electrify: allowed are osm_ids, a polygon or a region, one of the three")
    return out + (_open_ranges(edit) if _kind(edit) == "Open" else _way_ranges(edit))


def _open_ranges(edit: Any) -> list[str]:
    """Return what is wrong with where and what a new checkpoint is."""
    out = []
    if edit.at not in PLACES:
        out.append(f'at = {edit.at!r}: allowed is "crossing" or "new road", or nothing')
    if edit.regime not in REGIMES:
        out.append(f"regime = {edit.regime!r}: allowed are {', '.join(REGIMES)}")
    placed = edit.lon == edit.lon and edit.lat == edit.lat
    if bool(edit.crossing) == placed:
        out.append("a new checkpoint: allowed is lon and lat, or the id of a crossing, one of the two")
    if placed and not (-180 <= edit.lon <= 180 and -90 <= edit.lat <= 90):
        swapped = "; the two look swapped" if abs(edit.lat) <= 180 and abs(edit.lon) <= 90 else ""
        out.append(
            f"lon, lat = {edit.lon:g}, {edit.lat:g}: allowed is longitude −180 to 180 and latitude −90 to 90{swapped}"
        )
    if edit.crossing and edit.at == "new road":
        out.append("a new checkpoint at a crossing and on a new road: allowed is one of the two")
    return out


def _way_ranges(edit: Any) -> list[str]:
    """Return what is wrong with an edit of roads."""
    out = []
    polygon = getattr(edit, "polygon", ())
    for name in ("points", "polygon"):
        if not all(math.isfinite(v) for pair in getattr(edit, name, ()) for v in pair):
            return [f"{name}: allowed are longitudes and latitudes that are numbers"]
    if polygon and (len(polygon) < 3 or not shapely.Polygon(polygon).is_valid):
        out.append("polygon: allowed are three corners or more that make a ring which does not cross itself")
    if polygon and edit.region:
        out.append("a polygon and a region: allowed is one of the two")
    if _kind(edit) == "Speeds":
        if edit.season not in ("", "winter"):
            out.append(f"season = {edit.season!r}: allowed is winter")
        elif (edit.season == "winter") == (edit.factor == edit.factor):
            out.append('speeds: allowed is a factor or season = "winter", one of the two')
        elif not edit.season and not 0.05 <= edit.factor <= 20:
            out.append(f"factor = {edit.factor!r}: allowed is 0.05 to 20")
    return out
