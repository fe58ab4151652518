"""Water out of PBF files: lakes, reservoirs and broad rivers as polygons, by osmium's assembler."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import geopandas as gpd
import numpy as np
import shapely

from layers.crs import WGS84, areas_km2, fit_equal_area
from layers.sources.pbf.other import as_pbf

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

LEAST_KM2 = 0.1
"""Smaller water is no obstacle."""
WATER = (("natural", "water"), ("waterway", "riverbank"), ("landuse", "reservoir"))
DRY = (("water", "wastewater"), ("water", "fishpond"), ("intermittent", "yes"), ("seasonal", "yes"), ("tunnel", "yes"))
"""What of it is no open water, or not all year."""


def read_water_areas(paths: Sequence[Path], area: shapely.Geometry) -> gpd.GeoDataFrame:
    """Return the water of PBF files that touches an area, in longitude and latitude, a polygon a row.

    Parameters
    ----------
    paths
        PBF files; a lake that stands in several counts once, one whose shore is cut off in all of them is left out.
    area
        In longitude and latitude.

    Notes
    -----
    Ways and multipolygons of ``natural=water``, ``waterway=riverbank`` and ``landuse=reservoir`` of `LEAST_KM2` and
    more. The sea is no area in OpenStreetMap: its shore is a line (``natural=coastline``).
    """
    import osmium

    found: dict[int, Any] = {}
    factory = osmium.geom.WKBFactory()
    for path in paths:
        things: Iterator[Any] = iter(
            osmium.FileProcessor(str(as_pbf(path)))
            .with_areas(osmium.filter.TagFilter(*WATER))
            .with_filter(osmium.filter.EntityFilter(osmium.osm.AREA))
            .with_filter(osmium.filter.TagFilter(*WATER))
        )
        for thing in things:  # of water alone
            if thing.id in found or any(thing.tags.get(key) == value for key, value in DRY):
                continue
            try:
                found[thing.id] = factory.create_multipolygon(thing)
            except RuntimeError:  # osmium found no rings
                continue
    whole = shapely.make_valid(shapely.from_wkb([found[i] for i in sorted(found)]))
    parts = np.asarray(shapely.get_parts(shapely.get_parts(whole)), dtype=object)
    parts = parts[shapely.get_type_id(parts) == shapely.GeometryType.POLYGON]
    shapely.prepare(area)
    parts = parts[shapely.intersects(area, parts)]
    if len(parts):
        crs = fit_equal_area(shapely.box(*shapely.total_bounds(parts)).exterior)
        parts = parts[areas_km2(parts, crs) >= LEAST_KM2]
    return gpd.GeoDataFrame(geometry=parts, crs=WGS84)
