"""Where a permit is needed: marks by hand, and the columns of a run with a border zone."""

from __future__ import annotations

from typing import TYPE_CHECKING

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely

from gis.chapters.permits import NEEDED, PARTLY, border_zone, marks, permits_chapter, with_permits
from gis.settings import BorderZone
from layers.errors import LayerError

if TYPE_CHECKING:
    from pathlib import Path

    import gis

ZONE = shapely.box(0, 0, 10, 10)


def test_marks_by_hand() -> None:
    shapes = np.array(
        [
            shapely.box(2, 2, 3, 3),
            shapely.box(9, 0, 11, 1),
            shapely.box(9, 0, 12, 1),
            shapely.box(20, 0, 21, 1),
            shapely.Point(10, 10),
        ],
        dtype=object,
    )
    assert marks(shapes, ZONE) == [NEEDED, NEEDED, PARTLY, "", NEEDED]


def test_tables_and_layers_are_marked_by_their_places() -> None:
    table = pd.DataFrame({"lon": [5.0, 50.0], "lat": [5.0, 5.0]})
    assert with_permits(table, ZONE)["permit"].tolist() == [NEEDED, ""]
    layer = gpd.GeoDataFrame({"a": [1]}, geometry=[shapely.Point(1, 1)], crs=4326)
    assert with_permits(layer, ZONE)["permit"].tolist() == [NEEDED]
    assert "permit" not in with_permits(table, None)
    assert "permit" not in with_permits(pd.DataFrame({"a": [1]}), ZONE)


def test_cells_of_a_run(small: gis.Result, tmp_path: Path) -> None:
    cells = small.measures.cells
    zone = shapely.buffer(cells.geometry.iloc[0].centroid, 0.01)
    gpd.GeoDataFrame(geometry=[zone, shapely.Point(0, 0)], crs=4326).iloc[:1].to_file(tmp_path / "zone.gpkg")
    study = small.study.model_copy(update={"border_zone": BorderZone(path=str(tmp_path / "zone.gpkg"))})
    chapter = permits_chapter(small.measures, border_zone(study))
    found = chapter.columns["cells"]["permit"]
    assert found.iloc[0] == PARTLY
    assert (found.iloc[1:] == "").all()
    assert chapter.notes[0].startswith(f"1 of {len(cells)} cells")
    assert border_zone(small.study) is None
    assert permits_chapter(small.measures, None).columns == {}


def test_a_zone_without_areas_is_refused(small: gis.Result, tmp_path: Path) -> None:
    gpd.GeoDataFrame(geometry=[shapely.Point(0, 0)], crs=4326).to_file(tmp_path / "zone.gpkg")
    study = small.study.model_copy(update={"border_zone": BorderZone(path=str(tmp_path / "zone.gpkg"))})
    with pytest.raises(LayerError, match="holds no polygons"):
        border_zone(study)
