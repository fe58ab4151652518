"""Where a permit is needed: cells, places and tried sites within the border zone that the study names.

The zone itself is in no result: it only marks what lies in it.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from gis.chapters.chapter import Chapter
from layers.crs import WGS84, points_at
from layers.errors import LayerError
from layers.sources.files import read_file

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from gis.measures import Measures
    from gis.study import Study

NEEDED, PARTLY = "permit needed", "permit needed in parts"
COLUMN = "permit"
MOST = 0.5
"""Share of a cell's ground within the zone from which the whole cell is said to need a permit: an assumption."""


def border_zone(study: Study) -> shapely.Geometry | None:
    """Return the border zone in longitude and latitude, None where the study names none.

    Raises
    ------
    LayerError
        The file can't be read, or holds no polygons.
    """
    part = study.border_zone
    if not part.path:
        return None
    frame, _ = read_file(Path(part.path), layer=part.layer)
    areas = frame.to_crs(WGS84)
    areas = areas[shapely.get_dimensions(areas.geometry.to_numpy()) == 2]
    if areas.empty:
        raise LayerError(
            f"border_zone {part.path} holds no polygons: allowed is a layer of the areas where a permit is needed"
        )
    zone = shapely.union_all(shapely.make_valid(areas.geometry.to_numpy()))
    shapely.prepare(zone)
    return zone


def marks(shapes: NDArray[np.object_], zone: shapely.Geometry) -> list[str]:
    """Return what is said of each shape: of points whether they lie within, of areas also whether in parts.

    Examples
    --------
    >>> zone = shapely.box(0, 0, 10, 10)
    >>> things = [shapely.Point(5, 5), shapely.Point(50, 5), shapely.box(9, 0, 11, 4), shapely.box(9, 0, 19, 4)]
    >>> marks(np.array(things), zone)
    ['permit needed', '', 'permit needed', 'permit needed in parts']
    """
    hit = shapely.intersects(zone, shapes)
    share = np.where(hit, 1.0, 0.0)
    areas = hit & (shapely.get_dimensions(shapes) == 2)
    within = shapely.area(shapely.intersection(zone, shapes[areas]))
    # In degrees: a share of one small cell, whose distortion is that of its part.
    share[areas] = within / shapely.area(shapes[areas])
    return [NEEDED if s >= MOST else PARTLY if s > 0 else "" for s in share]


def permits_chapter(measures: Measures, zone: shapely.Geometry | None) -> Chapter:
    """Return the mark of every cell, where there is a zone."""
    if zone is None:
        return Chapter()
    cells = measures.cells
    found = marks(cells.geometry.to_numpy(), zone)
    n = sum(bool(text) for text in found)
    note = (
        f"{n} of {len(cells)} cells lie in the border zone, wholly or in parts: who goes there needs a permit "
        "(column permit)"
    )
    return Chapter(columns={"cells": pd.DataFrame({COLUMN: found})}, notes=[note])


def with_permits(frame: pd.DataFrame, zone: shapely.Geometry | None) -> pd.DataFrame:
    """Return a table with the mark of its places.

    Those of its geometry, or its ``lon`` and ``lat``; as it is without either.
    """
    if zone is None or frame.empty or COLUMN in frame:
        return frame
    if isinstance(frame, gpd.GeoDataFrame):
        marked: pd.DataFrame = frame.assign(**{COLUMN: marks(frame.geometry.to_numpy(), zone)})
        return marked
    if not {"lon", "lat"} <= set(frame.columns):
        return frame
    return frame.assign(**{COLUMN: marks(points_at(frame[["lon", "lat"]].to_numpy(float)), zone)})
