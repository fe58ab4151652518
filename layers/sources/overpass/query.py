"""What is asked of an Overpass server: the same objects that the reader of extracts keeps, in its query language.

Language: https://wiki.openstreetmap.org/wiki/Overpass_API/Overpass_QL. The keys and values are those of
`layers.osm.lines` and `layers.sources.pbf.points`: what is new there is asked for here.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import numpy as np
import shapely
from shapely.geometry.polygon import orient

from layers.crs import GEOD
from layers.errors import LayerError
from layers.osm.lines import FERRY, RAIL_KINDS, ROAD_KINDS
from layers.sources.pbf.points import PLACES, STATIONS, WANTED

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

SERVER_S = 180
"""Seconds that the server may take for a query: Overpass's own default."""
NETWORK = ("roads", "railways", "settlements", "checkpoints")
PIECE_KM2, SPARSE_PIECE_KM2 = 10_000.0, 250_000.0
"""Area of one query: of roads, railways and places; and of posts and stations alone, which are few."""
COARSE_DEG, SPARSE_COARSE_DEG = 0.01, 0.05
"""Degrees by which the outline in a query may stray; it always covers the area, which the reader cuts exactly."""
LEVELS = ("2", "4")


def network_queries(
    area: shapely.Geometry, layers: Collection[str] = NETWORK, *, road_kinds: Iterable[str] | None = None
) -> list[str]:
    """Return the queries that bring the objects of some layers in an area, from west to east.

    Parameters
    ----------
    area
        Polygon in longitude and latitude.
    layers
        Some of `NETWORK`; ``checkpoints`` are the posts and stations that they are made of.
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
    pieces = split_area(area, SPARSE_PIECE_KM2 if sparse else PIECE_KM2)
    coarse = SPARSE_COARSE_DEG if sparse else COARSE_DEG
    return [
        _query(s for ring in _rings(piece, coarse) for s in _network_statements(layers, kinds, ring))
        for piece in pieces
    ]


def regions_query(countries: Sequence[str]) -> str:
    """Return the query that brings the whole boundaries of countries and their regions.

    Examples
    --------
    >>> print(regions_query(["LI"]).splitlines()[2].strip())
    relation["boundary"="administrative"]["admin_level"="2"]["ISO3166-1"~"^(LI)$"];
    """
    wrong = [c for c in countries if not re.fullmatch(r"[A-Z]{2}", c)]
    if wrong or not countries:
        raise LayerError(f"countries are {', '.join(map(repr, wrong)) or 'none'}: allowed are ISO 3166-1 codes")
    codes = "|".join(sorted(countries))
    country, region = LEVELS
    unit = 'relation["boundary"="administrative"]["admin_level"='
    return _query(
        (
            f'{unit}"{country}"]["ISO3166-1"~"^({codes})$"];',
            f'{unit}"{country}"]["ISO3166-1:alpha2"~"^({codes})$"];',
            f'{unit}"{region}"]["ISO3166-2"~"^({codes})-"];',
        )
    )


def _query(statements: Iterable[str]) -> str:
    """Return a query for what the statements find, with the ways of relations and the nodes of ways.

    Everything is printed once, in the order of an extract: nodes, ways, relations, each by id.
    """
    found = "\n".join(f"  {s}" for s in statements)
    return f"[out:xml][timeout:{SERVER_S}];\n(\n{found}\n);\n(._;>;);\nout body;\n"


def _network_statements(layers: Collection[str], kinds: Sequence[str], ring: str) -> list[str]:
    """Return the statements of the layers within a ring."""
    out = []
    if "roads" in layers:
        out += [_statement("way", "highway", kinds, ring), _statement("way", "route", (FERRY,), ring)]
        out += [_statement("relation", "route", (FERRY,), ring), _statement("relation", "type", ("restriction",), ring)]
    if "railways" in layers:
        out.append(_statement("way", "railway", RAIL_KINDS, ring))
    if "settlements" in layers:
        out.append(_statement("node", "place", PLACES, ring))
    # Stations belong to the railways and, as what a checkpoint by rail is called by, to the checkpoints.
    wanted = {k.decode(): tuple(v.decode() for v in values) for k, values in WANTED.items() if k != b"place"}
    if "checkpoints" not in layers:
        wanted = {"railway": STATIONS} if "railways" in layers else {}
    # A post may be a multipolygon; a station is none.
    return out + [
        _statement(kind, key, values, ring)
        for key, values in wanted.items()
        for kind in (("node", "way") if key == "railway" else ("node", "way", "relation"))
    ]


def _statement(kind: str, key: str, values: Sequence[str], ring: str) -> str:
    """Return the statement for objects of a kind with one of some values of a key."""
    test = f'="{values[0]}"' if len(values) == 1 else f'~"^({"|".join(values)})$"'
    return f'{kind}["{key}"{test}](poly:"{ring}");'


def area_km2(area: shapely.Geometry) -> float:
    """Return the geodesic area of a polygon in longitude and latitude."""
    parts = (orient(part) for part in shapely.get_parts(area))  # a belt has a few parts
    return sum(float(GEOD.geometry_area_perimeter(part)[0]) for part in parts) / 1e6


def split_area(area: shapely.Geometry, largest_km2: float) -> list[shapely.Geometry]:
    """Return an area in pieces of at most `largest_km2`, halved across the longer side, from west to east.

    Raises
    ------
    LayerError
        The area is no polygon.
    """
    if not isinstance(area, shapely.Polygon | shapely.MultiPolygon) or area.is_empty:
        raise LayerError(f"the area is {area!r:.60}: allowed is a polygon that is not empty")
    waiting: list[shapely.Geometry] = [area]
    out = []
    while waiting:
        part = waiting.pop()
        if area_km2(part) <= largest_km2:
            out.append(part)
            continue
        west, south, east, north = shapely.bounds(part)
        lon, lat = (west + east) / 2, (south + north) / 2
        wide = (east - west) * np.cos(np.radians(lat)) > north - south
        one = shapely.box(west, south, lon, north) if wide else shapely.box(west, south, east, lat)
        two = shapely.box(lon, south, east, north) if wide else shapely.box(west, lat, east, north)
        halves = (_polygons(shapely.intersection(part, half)) for half in (one, two))
        waiting += [half for half in halves if not shapely.is_empty(half)]
    return sorted(out, key=lambda p: tuple(shapely.bounds(p)))


def _polygons(found: shapely.Geometry) -> shapely.Geometry:
    """Return the polygons of an intersection, without the lines and points where only edges meet."""
    parts = shapely.get_parts(found)
    return shapely.union_all(parts[shapely.get_type_id(parts) == shapely.GeometryType.POLYGON])


def _rings(piece: shapely.Geometry, coarse: float) -> list[str]:
    """Return a piece as Overpass takes it: rings of few corners that cover it, latitude before longitude, no holes."""
    rings = []
    whole_earth = shapely.box(-180, -90, 180, 90)
    for part in shapely.get_parts(piece):  # a piece has a few parts
        wide = shapely.buffer(part, 2 * coarse, quad_segs=2)
        plain = shapely.Polygon(shapely.simplify(wide, coarse).exterior)
        # Simplifying moves an edge by `coarse` at the most; a hull covers in any case.
        cover = plain if shapely.covers(plain, part) else shapely.convex_hull(wide)
        cover = shapely.intersection(cover, whole_earth)
        lonlat = shapely.get_coordinates(shapely.get_exterior_ring(cover))[:-1]
        rings.append(" ".join(f"{lat:.4f} {lon:.4f}" for lon, lat in lonlat))
    return rings
