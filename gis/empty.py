"""A side of the border without data: what a reader must know before anything else."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import shapely

from layers.io import OSM, OVERPASS
from layers.regions import with_sides

if TYPE_CHECKING:
    import geopandas as gpd

    from gis.study import Study

LEAST_SHARE = 0.02
"""A side with a smaller share of both sides' roads, and without a settlement, has no data: an assumption."""


def without_data(study: Study, layers: dict[str, gpd.GeoDataFrame], area: shapely.Geometry) -> list[str]:
    """Return a line on each side of which the layers hold next to nothing, while they hold something of the other.

    Parameters
    ----------
    layers
        With ``regions`` of both sides.
    area
        The belt of the study.
    """
    sided = with_sides(layers["regions"], study.sides)
    roads = layers["roads"]
    spot = shapely.get_point(roads.geometry.to_numpy(), 0) if len(roads) else np.zeros(0, dtype=object)
    towns = layers["settlements"]
    counts = {}
    for country in study.sides:
        own = shapely.union_all(sided.loc[sided["country"] == country].geometry.to_numpy())
        own = shapely.intersection(own, shapely.box(*shapely.bounds(area)))
        shapely.prepare(own)
        km = float(roads["length_m"].to_numpy(float)[shapely.intersects(own, spot)].sum() / 1000)
        counts[country] = (int((towns["country"] == country).sum()), km)
    both = sum(km for _, km in counts.values())
    out = []
    for country, (number, km) in counts.items():
        other = next(c for c in study.sides if c != country)
        if number or km > LEAST_SHARE * both or not (counts[other][0] or counts[other][1]):
            continue
        paths = {study.source(n).path for n in ("roads", "settlements")}
        place = "[osm] pbf" if OSM in paths else "the query to Overpass" if OVERPASS in paths else "the layers"
        what = "its extract missing from" if OSM in paths else "it missing from"
        out.append(f"side {country}: {number} settlements, {km:,.1f} km of roads: is {what} {place}?")
    return out
