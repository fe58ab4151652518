"""Settlements, posts and stations out of tagged objects: a few thousand, so that each is read by itself."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from layers.crs import WGS84
from layers.hours import daily_hours
from layers.osm.barriers import POST_VEHICLES, post_vehicles
from layers.osm.people import capital_of, is_nobody, parse_population
from layers.osm.tags import tags_of
from layers.stretches import sphere_km

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Iterable, Mapping

    from layers.sources.pbf.objects import Tagged

PLACES = ("city", "town", "village", "hamlet")
NAMES = ("int_name", "alt_name", "old_name", "official_name", "short_name", "loc_name", "nat_name")
CONTROL = "border_control"
CUSTOMS = "customs"
GONE = ("disused", "abandoned")
OPEN_TAGS = (("barrier", CONTROL), ("government", CONTROL), ("government", CUSTOMS), ("amenity", CUSTOMS))
STATIONS = ("station", "halt", "border")
WANTED: dict[bytes, tuple[bytes, ...]] = {
    b"place": tuple(p.encode() for p in PLACES),
    b"railway": tuple(s.encode() for s in STATIONS),
    **{
        f"{prefix}{key}".encode(): tuple(v.encode() for k, v in OPEN_TAGS if k == key)
        for prefix in ("", *(f"{g}:" for g in GONE))
        for key in ("barrier", "government", "amenity")
    },
}
"""Tags that make a node or way one of these; every key with all the values that are asked for."""
POST_COLUMNS = (
    "osm_id",
    "object",
    "what",
    "mode",
    "open",
    "vehicles",
    "name",
    "name_ru",
    "name_kk",
    "names",
    "operator",
    "opening_hours",
    "hours",
)
STATION_COLUMNS = ("osm_id", "object", "kind", "name", "names")
SETTLEMENT_COLUMNS = (
    "settlement_id",
    "name",
    "names",
    "country",
    "population",
    "population_date",
    "kind",
    "capital",
)


def settlements_of(
    objects: Iterable[Tagged], counts: Counter[str], centres: Mapping[int, int] | None = None
) -> gpd.GeoDataFrame:
    """Return the named places among the objects.

    ``country`` is empty, ``population`` 0 where unknown, ``capital`` by `capital_of`.

    Parameters
    ----------
    centres
        Levels of the units whose boundary relations name a node as their centre, by its id: they count where its tags
        say nothing.
    """
    rows = []
    for thing in _places_once(objects):
        tags = thing.tags
        if "military" in tags:
            counts["settlements_military"] += 1
            continue
        name = _name_of(tags)
        if not name:
            counts["settlements_without_name"] += 1
            continue
        people, dated = parse_population(tags.get("population", ""))
        if "population" in tags and not people and not is_nobody(tags["population"]):
            counts["populations_unreadable"] += 1
        rows.append(
            {
                "settlement_id": _number_of(thing),
                "name": name,
                "names": names_of(tags, name),
                "country": "",
                "population": people,
                "population_date": tags.get("population:date") or dated,
                "kind": tags["place"],
                "capital": capital_of(tags) or _level((centres or {}).get(thing.osm_id)),
                "lon": thing.lon,
                "lat": thing.lat,
            }
        )
    return _frame(rows, SETTLEMENT_COLUMNS, "settlement_id")


AREA_KM = 10.0
"""A settlement that is mapped as an area is the node of its name that lies this near, if there is one."""


def _places_once(objects: Iterable[Tagged]) -> list[Tagged]:
    """Return the places, those that are mapped as areas alone among them."""
    places = [thing for thing in objects if thing.tags.get("place") in PLACES and thing.lon == thing.lon]
    nodes = [thing for thing in places if thing.kind == "node"]
    areas = [thing for thing in places if thing.kind != "node"]
    if not areas:
        return nodes
    by_name: dict[str, list[tuple[float, float]]] = {}
    for thing in nodes:
        by_name.setdefault(_name_of(thing.tags).casefold(), []).append((thing.lon, thing.lat))
    for thing in areas:  # mapped without a node: few
        known = by_name.setdefault(_name_of(thing.tags).casefold(), [])
        here = sphere_km(np.array([(thing.lon, thing.lat)]))
        if not known or np.linalg.norm(sphere_km(np.array(known)) - here, axis=1).min() > AREA_KM:
            known.append((thing.lon, thing.lat))
            nodes.append(thing)
    return nodes


def _number_of(thing: Tagged) -> int:
    """Return a number of a settlement: a node's id; ids of areas are of another kind, and stand below 0."""
    return {"node": thing.osm_id, "way": -2 * thing.osm_id}.get(thing.kind, -2 * thing.osm_id - 1)


def _name_of(tags: Mapping[str, str]) -> str:
    """Return the name of an object; where it has none but in some language, the one of English, else the first."""
    own = tags.get("name") or tags.get("name:en") or tags.get("int_name")
    return own or next((v for k, v in sorted(tags.items()) if re.fullmatch(r"name:[a-z]{2,3}", k) and v), "")


def _level(level: int | None) -> str:
    """Return the level of a unit as ``capital`` has it, empty for none."""
    return "" if level is None else "yes" if level == 2 else str(level)


def names_of(tags: dict[str, str], name: str) -> str:
    """Return all other names of an object, in every language, joined by ``|`` in the order of the alphabet."""
    values = [v for key in ("name:", "alt_name:", "old_name:") for v in tags_of(tags, key).values()]
    values += [tags[k] for k in NAMES if k in tags]
    each = {part.strip() for value in values for part in value.replace("|", ";").split(";")}
    return "|".join(sorted(each - {"", name}))


def posts_of(objects: Iterable[Tagged], counts: Counter[str]) -> gpd.GeoDataFrame:
    """Return the border controls and customs among the objects, disused ones as not ``open``.

    ``what`` is ``border_control`` or ``customs``; ``mode`` is ``rail`` where the object is a railway's, else ``road``;
    ``vehicles`` are those that a border control lets pass, joined by a bar: empty for all, and for nobody, which is not
    ``open``. Objects with any ``military`` tag are left out.
    """
    rows = []
    for thing in objects:
        tags = thing.tags
        what, is_open = _control(tags)
        if not what:
            continue
        if "military" in tags:
            counts["posts_military"] += 1
            continue
        text = tags.get("opening_hours", "")
        passing = post_vehicles(tags) if what == CONTROL and "railway" not in tags else POST_VEHICLES
        rows.append(
            {
                "osm_id": thing.osm_id,
                "object": thing.kind,
                "what": what,
                "mode": "rail" if "railway" in tags else "road",
                "open": is_open and bool(passing),
                "vehicles": "" if passing == POST_VEHICLES else "|".join(passing),
                **_names(tags),
                "operator": tags.get("operator", ""),
                "opening_hours": text,
                "hours": daily_hours(text) if text else "",
                "lon": thing.lon,
                "lat": thing.lat,
            }
        )
    return _frame(rows, POST_COLUMNS, "osm_id")


def _control(tags: dict[str, str]) -> tuple[str, bool]:
    """Return what a post is and whether it works; an empty text where the object is no post."""
    for prefix, is_open in (("", True), *((f"{gone}:", False) for gone in GONE)):
        for value in (CONTROL, CUSTOMS):
            if any(tags.get(prefix + key) == value for key, v in OPEN_TAGS if v == value):
                # Older mapping: the tag as it was, and beside it that the thing is disused.
                return value, is_open and not any(tags.get(gone) == "yes" for gone in GONE)
    return "", False


def _names(tags: dict[str, str]) -> dict[str, str]:
    """Return the name of an object, in Russian and Kazakh, and all others."""
    name = _name_of(tags)
    return {
        "name": name,
        "name_ru": tags.get("name:ru", ""),
        "name_kk": tags.get("name:kk", ""),
        "names": names_of(tags, name),
    }


def stations_of(objects: Iterable[Tagged]) -> gpd.GeoDataFrame:
    """Return stations, halts and the places where a railway crosses a border, ``kind`` telling which."""
    rows: list[dict[str, Any]] = []
    for thing in objects:
        tags = thing.tags
        if tags.get("railway") in STATIONS and "military" not in tags:
            names = _names(tags)
            rows.append(
                {
                    "osm_id": thing.osm_id,
                    "object": thing.kind,
                    "kind": tags["railway"],
                    "name": names["name"],
                    "names": names["names"],
                    "lon": thing.lon,
                    "lat": thing.lat,
                }
            )
    return _frame(rows, STATION_COLUMNS, "osm_id")


def _frame(rows: list[dict[str, Any]], columns: tuple[str, ...], order: str) -> gpd.GeoDataFrame:
    """Return rows as points, by id."""
    table = pd.DataFrame(rows, columns=[*columns, "lon", "lat"]).sort_values(order, ignore_index=True)
    points = shapely.points(table.pop("lon").to_numpy(float), table.pop("lat").to_numpy(float))
    return gpd.GeoDataFrame(table, geometry=points, crs=WGS84)
