"""What is asked of an Overpass server.

The same objects that the reader of extracts keeps, as OSMnx's functions take it.

The keys and values are those of `layers.osm.lines` and `layers.sources.pbf.points`: what is new there is asked for
here. What OSMnx has no words for is in Overpass's own: https://wiki.openstreetmap.org/wiki/Overpass_API/Overpass_QL.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, cast

import numpy as np
import shapely
from shapely.geometry.polygon import orient

from layers.crs import GEOD
from layers.errors import LayerError
from layers.osm.classes import FERRY, RAIL_KINDS, ROAD_KINDS, WINTER_KINDS
from layers.osm.turns import VEHICLE_KEYS
from layers.sources.pbf.points import PLACES, STATIONS, WANTED

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from numpy.typing import NDArray

SERVER_S = 180
"""Seconds that the server may take for a query: Overpass's own default."""
NETWORK = ("roads", "railways", "settlements", "checkpoints")
QUERY_KM2, SPARSE_QUERY_KM2 = 10_000.0, 250_000.0
"""Area of one query: of roads, railways and places; and of posts and stations alone, which are few."""
COARSE_DEG, SPARSE_COARSE_DEG = 0.01, 0.05
"""Degrees by which the outline in a query may stray; it always covers the area, which the reader cuts exactly."""
LONGEST_EDGE_DEG = 1.0
LARGEST_HULL = 1.5
"""OSMnx divides the convex hull of a large area: one whose hull is larger by this factor is asked for in several
parts."""
LEVELS = ("2", "4")
RESTRICTIONS = ("restriction", *dict.fromkeys(f"restriction:{v}" for keys in VEHICLE_KEYS.values() for v in keys))
HEAD = f"[out:json][timeout:{SERVER_S}]"


@dataclass(frozen=True)
class Question:
    """What is asked for, and where.

    Each of `parts` for the ways that `ways` and all objects that `tags` name, and queries of our own.

    `ways` are filters of `osmnx.graph_from_polygon`, `tags` those of `osmnx.features_from_polygon`; `query_km2` is the
    area of one query.
    """

    parts: tuple[shapely.Polygon, ...] = ()
    ways: tuple[str, ...] = ()
    tags: Mapping[str, list[str]] = field(default_factory=dict)
    own: tuple[str, ...] = ()
    query_km2: float = QUERY_KM2

    @property
    def text(self) -> str:
        """All of it as one text: two questions with one text have one answer."""
        areas = (shapely.to_wkt(part, rounding_precision=4) for part in self.parts)
        tags = (f"{key}={'|'.join(values)}" for key, values in self.tags.items())
        return "\n".join([*areas, *self.ways, *tags, *self.own, f"{self.query_km2:g}"])


def network_question(
    area: shapely.Geometry, layers: Collection[str] = NETWORK, *, road_kinds: Iterable[str] | None = None
) -> Question:
    """Return what brings the objects of some layers in an area.

    Parameters
    ----------
    area
        Polygon in longitude and latitude.
    layers
        Some of `NETWORK`; ``checkpoints`` are the posts and stations that they are made of. With roads come the places,
        posts and stations that ways of lower classes may tie to them.
    road_kinds
        Values of ``highway``; None for all that a car may use.

    Raises
    ------
    LayerError
        A layer or a kind of road is unknown, or the area is no polygon.
    """
    kinds = ROAD_KINDS if road_kinds is None else tuple(road_kinds)
    for what, given, allowed in (("layers", layers, NETWORK), ("kinds of road", kinds, ROAD_KINDS)):
        strange = sorted(set(given) - set(allowed))
        if strange or not given:
            raise LayerError(f"{what} {', '.join(map(repr, strange)) or 'are none'}: allowed are {', '.join(allowed)}")
    sparse = set(layers) == {"checkpoints"}
    parts = covering(area, SPARSE_COARSE_DEG if sparse else COARSE_DEG)
    return Question(
        parts,
        (way_filter((*kinds, *WINTER_KINDS)),) if "roads" in layers else (),
        _tags(layers),
        tuple(centres_query(ring_of(part)) for part in parts) if "settlements" in layers else (),
        SPARSE_QUERY_KM2 if sparse else QUERY_KM2,
    )


def ties_question(area: shapely.Geometry, places: NDArray[np.float64], km: float, kinds: Collection[str]) -> Question:
    """Return what brings the ways of lower classes around places.

    Parameters
    ----------
    area
        In longitude and latitude; nothing is asked for outside.
    places
        Longitude and latitude, shape (n, 2).
    km
        How far around each place.
    kinds
        Values of ``highway``.
    """
    wide = np.degrees(1.02 * km / 6371.0)  # a circle that is drawn by corners is smaller
    flat = np.cos(np.radians(np.clip(places[:, 1], -85, 85)))
    # Circles on earth are ellipses in degrees.
    discs = [
        shapely.transform(shapely.Point(0, 0).buffer(1.0), lambda xy, w=w, at=at: at + xy * (w, wide))  # type: ignore[misc]
        for w, at in zip(wide / flat, places, strict=True)
    ]
    # Neighbours become one polygon, so that villages along a road are one query.
    joined = shapely.buffer(shapely.buffer(shapely.union_all(discs), wide, quad_segs=4), -wide, quad_segs=4)
    inside = shapely.get_parts(shapely.intersection(shapely.union(joined, shapely.union_all(discs)), area))
    polygons = inside[shapely.get_type_id(inside) == shapely.GeometryType.POLYGON]
    parts = covering(shapely.union_all(polygons), COARSE_DEG / 4) if len(polygons) else ()
    return Question(parts, (way_filter(kinds),))


def way_filter(kinds: Collection[str]) -> str:
    """Return the filter of ways of some classes, in lists too.

    Examples
    --------
    >>> way_filter(["primary", "secondary"])
    '["highway"~"(^|;) *(primary|secondary) *(;|$)"]'
    """
    return f'["highway"~"(^|;) *({"|".join(kinds)}) *(;|$)"]'


def _tags(layers: Collection[str]) -> dict[str, list[str]]:
    """Return the tags of objects other than classes of roads."""
    points = {k.decode(): [v.decode() for v in values] for k, values in WANTED.items()}
    out: dict[str, list[str]] = {}
    if "roads" in layers:
        out = {"route": [FERRY], "type": list(RESTRICTIONS), **{k: ["yes"] for k in WINTER_KINDS}, **points}
    if "settlements" in layers:
        out["place"] = list(PLACES)
    if "checkpoints" in layers:
        out |= {k: v for k, v in points.items() if k != "place"}
    if "railways" in layers:
        # Stations belong to the railways and, as what a checkpoint by rail is called by, to the checkpoints.
        out["railway"] = [*RAIL_KINDS, *STATIONS]
    return out


def centres_query(ring: str) -> str:
    """Return the query for the boundaries that have a place as their centre, without what they are made of.

    OSMnx asks for whole relations with all their ways alone: those of a country's boundary would come with each of its
    towns.
    """
    return (
        f'{HEAD};node["place"~"^({"|".join(PLACES)})$"](poly:"{ring}");relation["boundary"="administrative"](bn);out;'
    )


def regions_question(countries: Sequence[str]) -> Question:
    """Return what brings the whole boundaries of countries and their regions.

    OSMnx asks for what lies in a polygon, by one tag of each object: these lie wherever they lie, and have two.

    Examples
    --------
    >>> regions_question(["LI"]).own[0].split(";")[1]
    '(relation["boundary"="administrative"]["admin_level"="2"]["ISO3166-1"~"^(LI)$"]'
    """
    wrong = [c for c in countries if not re.fullmatch(r"[A-Z]{2}", c)]
    if wrong or not countries:
        raise LayerError(f"countries are {', '.join(map(repr, wrong)) or 'none'}: allowed are ISO 3166-1 codes")
    codes = "|".join(sorted(countries))
    country, region = LEVELS
    unit = 'relation["boundary"="administrative"]["admin_level"='
    found = (
        f'{unit}"{country}"]["ISO3166-1"~"^({codes})$"];',
        f'{unit}"{country}"]["ISO3166-1:alpha2"~"^({codes})$"];',
        f'{unit}"{region}"]["ISO3166-2"~"^({codes})-"];',
    )
    return Question(own=(f"{HEAD};({''.join(found)});(._;>;);out;",))


def area_km2(area: shapely.Geometry) -> float:
    """Return the geodesic area of a polygon in longitude and latitude."""
    parts = (orient(part) for part in shapely.get_parts(area))  # a belt has a few parts
    return sum(float(GEOD.geometry_area_perimeter(part)[0]) for part in parts) / 1e6


def compact_parts(area: shapely.Geometry, smallest_km2: float = QUERY_KM2) -> list[shapely.Geometry]:
    """Return an area in polygons that fill most of their hull, halved across the longer side, from west to east.

    Parameters
    ----------
    area
        In longitude and latitude.
    smallest_km2
        Polygons up to this size are left as they are, for they are one query.

    Raises
    ------
    LayerError
        The area is no polygon.
    """
    if not isinstance(area, shapely.Polygon | shapely.MultiPolygon) or area.is_empty:
        raise LayerError(f"the area is {area!r:.60}: allowed is a polygon that is not empty")
    waiting: list[shapely.Geometry] = list(shapely.get_parts(area))
    out: list[shapely.Geometry] = []
    while waiting:
        part = waiting.pop()
        size, hull = area_km2(part), area_km2(shapely.convex_hull(part))
        if hull <= max(LARGEST_HULL * size, smallest_km2):
            out.append(part)
            continue
        west, south, east, north = shapely.bounds(part)
        lon, lat = (west + east) / 2, (south + north) / 2
        wide = (east - west) * np.cos(np.radians(lat)) > north - south
        one = shapely.box(west, south, lon, north) if wide else shapely.box(west, south, east, lat)
        two = shapely.box(lon, south, east, north) if wide else shapely.box(west, lat, east, north)
        # Without the lines and points where only edges meet.
        halves = np.concatenate([shapely.get_parts(shapely.intersection(part, half)) for half in (one, two)])
        waiting += list(halves[shapely.get_type_id(halves) == shapely.GeometryType.POLYGON])
    return sorted(out, key=lambda p: tuple(shapely.bounds(p)))


def covering(area: shapely.Geometry, coarse: float) -> tuple[shapely.Polygon, ...]:
    """Return polygons of few corners, without holes, that cover an area."""
    out: list[shapely.Polygon] = []
    whole_earth = shapely.box(-180, -90, 180, 90)
    for part in compact_parts(area):  # an area has a few parts
        wide = shapely.buffer(part, 2 * coarse, quad_segs=2)
        plain = shapely.Polygon(shapely.simplify(wide, coarse).exterior)
        # Simplifying moves an edge by `coarse` at the most; a hull covers in any case.
        cover = plain if shapely.is_valid(plain) and shapely.covers(plain, part) else shapely.convex_hull(wide)
        # OSMnx draws straight lines in a projection: long ones would leave the area.
        inside = shapely.segmentize(shapely.intersection(cover, whole_earth), LONGEST_EDGE_DEG)
        out.append(cast("shapely.Polygon", inside))
    return tuple(out)


def ring_of(part: shapely.Geometry) -> str:
    """Return the outline of a polygon as Overpass takes it: latitude before longitude."""
    lonlat = shapely.get_coordinates(shapely.get_exterior_ring(part))[:-1]
    return " ".join(f"{lat:.4f} {lon:.4f}" for lon, lat in lonlat)
