"""The border line of the packaged snapshot, and its regions drawn to it, for `layers.sources.make_snapshot`.

The line is where the time zones of both countries meet in `timezonefinder-data` (PyPI, ODbL), which are OpenStreetMap's
boundaries. Regions keep their edges inland; those on the border are drawn to the line, by noding all edges on one grid,
so that both sides have the same vertices.
"""

from __future__ import annotations

import importlib
import subprocess
import sys
import tarfile
from typing import TYPE_CHECKING

import geopandas as gpd
import numpy as np
import shapely

from layers.crs import WGS84, fit_equal_area, project

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from numpy.typing import NDArray

ZONES_OF = "timezonefinder-data==3.2026.3.post1"
READER = ("timezonefinder==9.0.0", "flatbuffers==25.12.19", "cffi==2.0.0")
"""What unpacks the zones; not a dependency of ours."""
WATERS = "@geo-maps/earth-waterbodies-10m@0.6.0"
CASPIAN = (50.5, 42.0)
"""A place in the Caspian."""
ZONES = {
    "RU": [
        *("Europe/Volgograd", "Europe/Astrakhan", "Europe/Saratov", "Europe/Samara", "Europe/Ulyanovsk"),
        "Europe/Moscow",
        *("Asia/Yekaterinburg", "Asia/Omsk", "Asia/Novosibirsk", "Asia/Barnaul", "Asia/Novokuznetsk", "Asia/Tomsk"),
        "Asia/Krasnoyarsk",
    ],
    "KZ": [f"Asia/{n}" for n in ("Almaty", "Qyzylorda", "Qostanay", "Aqtobe", "Aqtau", "Atyrau", "Oral")],
}  # fmt: skip
REGIONS_OF_ZONES = {
    "RU-AST": "Europe/Astrakhan", "RU-VGG": "Europe/Volgograd", "RU-SAR": "Europe/Saratov", "RU-SAM": "Europe/Samara",
    "RU-OMS": "Asia/Omsk", "RU-NVS": "Asia/Novosibirsk",
    "KZ-23": "Asia/Atyrau", "KZ-27": "Asia/Oral", "KZ-15": "Asia/Aqtobe", "KZ-39": "Asia/Qostanay",
}  # fmt: skip
"""Regions on the border that are a zone of their own there, so that where they meet at the line is known exactly."""
FRAME = (40.0, 40.0, 96.0, 60.0)
"""West, south, east, north of what is read of the zones."""
SIMPLE_M = 100.0
"""How far the simplified line may be from OpenStreetMap's."""
NEAR = 0.2
"""Degrees around the line within which ground that no region of its own side holds is given to the nearest one."""
GRID = 1e-6
"""Degrees of the grid on which edges are noded: a decimetre."""
LEAST_KM2 = 1.0
"""The smallest lake."""
COARSE = 0.004
"""How simple known edges inland become: degrees, as the root of an area."""
STEP = 0.01
"""Degrees between the points of regions' edges to which ground is nearest."""


def read_zones(folder: Path) -> dict[str, shapely.Geometry]:
    """Return the time zones that `ZONES` names, from packages that pip brings into `folder`."""
    command = [
        sys.executable,
        "-m",
        "pip",
        "install",
        "--quiet",
        "--no-deps",
        "--target",
        str(folder),
        ZONES_OF,
        *READER,
    ]
    subprocess.run(command, check=True)
    sys.path.insert(0, str(folder))
    try:
        finder = importlib.import_module("timezonefinder").TimezoneFinder()
    finally:
        sys.path.remove(str(folder))
    names = [name for zones in ZONES.values() for name in zones]
    rings = {name: finder.get_geometry(tz_name=name, coords_as_pairs=True) for name in names}
    return {n: shapely.multipolygons([shapely.Polygon(p[0], p[1:]) for p in r]) for n, r in rings.items()}


def read_waters(folder: Path) -> NDArray[np.object_]:
    """Return the polygons of water of the npm package `WATERS` that lie within `FRAME`."""
    subprocess.run(["npm", "pack", "--silent", WATERS], check=True, cwd=folder, capture_output=True)
    with tarfile.open(next(folder.glob("geo-maps-earth-waterbodies-*.tgz"))) as archive:
        text = archive.extractfile("package/map.geo.json")
        assert text is not None
        parts = shapely.get_parts(shapely.get_parts(shapely.from_geojson(text.read())))
    return np.asarray(parts[shapely.intersects(parts, shapely.box(*FRAME))], dtype=object)


def sea_of(waters: NDArray[np.object_]) -> shapely.Geometry:
    """Return the Caspian."""
    return shapely.union_all(waters[shapely.intersects(waters, shapely.Point(CASPIAN))])


def make_water(waters: NDArray[np.object_], line: shapely.Geometry, depth_m: float) -> gpd.GeoDataFrame:
    """Return lakes and the sea of a square kilometre and more within `depth_m` of a line, simplified to `SIMPLE_M`."""
    west, south, east, north = shapely.bounds(waters).T
    large = (north - south) * (east - west) * 111**2 * np.cos(np.radians(south)) >= LEAST_KM2
    west, south, east, north = shapely.bounds(line)
    frame = shapely.box(west - 6, south - 4, east + 6, north + 4)
    shapes = shapely.make_valid(shapely.clip_by_rect(waters[large], *shapely.bounds(frame)))
    crs = fit_equal_area(line)
    shapes = np.asarray(project(shapes[~shapely.is_empty(shapes)], WGS84, crs), dtype=object)
    axis = shapely.simplify(project(line, WGS84, crs), 1000)
    shapely.prepare(axis)
    shapes = shapes[shapely.dwithin(axis, shapes, depth_m)]
    whole = shapely.get_parts(shapely.union_all(shapely.simplify(shapes, SIMPLE_M)))
    whole = whole[shapely.area(whole) >= LEAST_KM2 * 1e6]
    frame = gpd.GeoDataFrame({"area_km2": np.round(shapely.area(whole) / 1e6, 2)}, geometry=whole, crs=crs)
    frame.geometry = shapely.set_precision(frame.to_crs(WGS84).geometry.to_numpy(), 1e-5)
    frame = frame.set_crs(WGS84, allow_override=True)
    return frame.sort_values("area_km2", ascending=False, kind="stable", ignore_index=True)


def countries_of_zones(zones: Mapping[str, shapely.Geometry]) -> dict[str, shapely.Geometry]:
    """Return the polygon of each country within `FRAME`, from polygons by name of time zone."""
    return {
        country: shapely.union_all([shapely.clip_by_rect(zones[name], *FRAME) for name in names])
        for country, names in ZONES.items()
    }


def shared_line(a: shapely.Geometry, b: shapely.Geometry) -> shapely.LineString:
    """Return the longest line of segments that the outlines of two polygons have in common, vertex by vertex."""
    both = np.vstack([_segments(a), _segments(b)])
    unique, times = np.unique(both, axis=0, return_counts=True)
    lines = shapely.linestrings((unique[times == 2] * 1e-7).reshape(-1, 2, 2))
    parts = shapely.get_parts(shapely.line_merge(shapely.multilinestrings(lines)))
    longest: shapely.LineString = parts[np.argmax(shapely.get_num_coordinates(parts))]
    return longest


def _segments(polygon: shapely.Geometry) -> NDArray[np.int64]:
    """Return each segment of an outline once, its ends in order, in units of 1e-7 degrees: shape (n, 4)."""
    rings = shapely.get_rings(shapely.get_parts(polygon))
    whole, ring = shapely.get_coordinates(rings, return_index=True)
    ends = np.hstack([np.round(whole[:-1] * 1e7), np.round(whole[1:] * 1e7)]).astype(np.int64)[ring[:-1] == ring[1:]]
    turned = (ends[:, 0] > ends[:, 2]) | ((ends[:, 0] == ends[:, 2]) & (ends[:, 1] > ends[:, 3]))
    ends[turned] = ends[turned][:, [2, 3, 0, 1]]
    return np.unique(ends, axis=0)


def simplified(line: shapely.LineString, tolerance_m: float = SIMPLE_M) -> shapely.LineString:
    """Return a line that is nowhere further than `tolerance_m` from it, measured in the projection fitted to it."""
    crs = fit_equal_area(line)
    new: shapely.LineString = project(shapely.simplify(project(line, WGS84, crs), tolerance_m), crs, WGS84)
    return new


def with_line(country: shapely.Geometry, line: shapely.LineString, new: shapely.LineString) -> shapely.Geometry:
    """Return a country whose outline runs along `new` where it ran along `line`, a part of it vertex by vertex."""
    parts = shapely.get_parts(country)
    on = int(np.argmax(shapely.length(shapely.intersection(shapely.boundary(parts), line))))
    main = parts[on]
    ring = np.round(shapely.get_coordinates(shapely.get_exterior_ring(main))[:-1], 7)
    ends = np.round(shapely.get_coordinates(line)[[0, -1]], 7)
    first, last = (int(np.flatnonzero((ring == end).all(axis=1))[0]) for end in ends)
    ring = np.roll(ring, -first, axis=0)
    last = (last - first) % len(ring)
    forwards = last + 1 == len(shapely.get_coordinates(line))
    xy = shapely.get_coordinates(new)
    rest = ring[last + 1 :] if forwards else ring[1:last][::-1]
    polygon = shapely.Polygon(np.vstack([xy, rest]), [r.coords for r in main.interiors])
    return shapely.union_all([polygon, *np.delete(parts, on)])


def drawn_to_line(
    regions: gpd.GeoDataFrame,
    countries: Mapping[str, shapely.Geometry],
    exact: shapely.LineString,
    line: shapely.LineString,
    sea: shapely.Geometry,
    known: Mapping[str, shapely.Geometry],
) -> gpd.GeoDataFrame:
    """Return regions whose edges on the border are the line.

    Parameters
    ----------
    regions
        Layer ``regions`` of both countries, generalised.
    countries
        By code, polygons that share `line` (`with_line`).
    exact, line
        The border line, in longitude and latitude, and simplified.
    sea
        Water that belongs to no region.
    known
        By ``region``, polygons that hold near the line.

    Returns
    -------
    The regions, on a common grid of nodes; rows as they were.
    """
    zone = shapely.buffer(line, NEAR, quad_segs=2)
    out = regions.copy()
    on_line = [r for r, p in known.items() if shapely.length(shapely.intersection(shapely.boundary(p), exact)) > 0]
    for own, ground in countries.items():
        rows = np.flatnonzero((out["country"] == own).to_numpy())
        shapes = shapely.difference(out.geometry.to_numpy()[rows], shapely.difference(zone, ground))
        land = shapely.difference(shapely.intersection(ground, zone), sea)
        names = out["region"].iloc[rows]
        near = np.array([known.get(r, shapely.Polygon()) for r in names], dtype=object)
        near = shapely.intersection(shapely.coverage_simplify(near, COARSE), land)
        others = shapely.difference(shapes, shapely.union_all(near))
        cut = np.where(shapely.is_empty(near), others, shapely.difference(others, zone))
        shapes = _polygons(shapely.union(cut, near))
        free = shapely.difference(land, shapely.union_all(shapes))
        # A region that only comes near the line, or has one point of it, has no part in it.
        taken = shapely.is_empty(near) | np.isin(names, on_line)
        shapes[taken] = _given(shapes[taken], free)
        out.loc[out.index[rows], "geometry"] = shapes
    return _on_grid(out, line)


def _given(shapes: NDArray[np.object_], free: shapely.Geometry) -> NDArray[np.object_]:
    """Return regions with the free ground that is nearest to each."""
    edges = shapely.intersection(shapely.boundary(shapes), shapely.buffer(free, STEP))
    xy, owner = shapely.get_coordinates(shapely.segmentize(edges, STEP), return_index=True)
    # Points that two regions share would lie on the edge between both: each keeps its own beside it.
    xy, kept = np.unique(np.round(xy, 7), axis=0, return_index=True)
    owner = owner[kept]
    cells = np.asarray(shapely.get_parts(shapely.voronoi_polygons(shapely.multipoints(xy), extend_to=free)))
    at, cell = shapely.STRtree(cells).query(shapely.points(xy), predicate="intersects")
    belongs = np.zeros(len(cells), dtype=int)
    belongs[cell] = owner[at]
    out = shapes.copy()
    for i in np.unique(belongs):  # a dozen regions of a side
        ground = shapely.intersection(shapely.union_all(cells[belongs == i]), free)
        out[i] = shapely.union(shapes[i], ground)
    return _polygons(out)


def _polygons(shapes: NDArray[np.object_]) -> NDArray[np.object_]:
    """Return geometries without what is no area."""
    parts, owner = shapely.get_parts(shapes, return_index=True)
    flat = shapely.get_dimensions(parts) < 2
    touched = np.unique(owner[flat])
    out = shapes.copy()
    for i in touched:  # the few that an overlay left with a line
        out[i] = shapely.union_all(parts[(owner == i) & ~flat])
    return out


def _on_grid(regions: gpd.GeoDataFrame, line: shapely.LineString) -> gpd.GeoDataFrame:
    """Return regions made of faces between all edges, noded on one grid: neighbours share vertices."""
    shapes = regions.geometry.to_numpy()
    edges = shapely.union_all([*shapely.boundary(shapes), line], grid_size=GRID)
    faces = np.asarray(shapely.get_parts(shapely.polygonize(shapely.get_parts(edges))))
    inside = shapely.point_on_surface(faces)
    face, row = shapely.STRtree(shapes).query(inside, predicate="intersects")[:, :]
    owner = np.full(len(faces), -1)
    owner[face] = row
    new = [shapely.union_all(faces[owner == i]) for i in range(len(shapes))]  # some fifty regions
    return regions.set_geometry(gpd.GeoSeries(new, index=regions.index, crs=WGS84))
