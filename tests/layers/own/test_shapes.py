"""Geometries as people have them: what is taken, what is left out and counted, what is refused with its row."""

from __future__ import annotations

from typing import Any

import geopandas as gpd
import numpy as np
import pytest
import shapely
from shapely import GeometryCollection, LineString, MultiPoint, Point, box

from layers.crs import WGS84
from layers.errors import CRSError, LayerError
from layers.own.shapes import placed, within

HERE = Point(60, 50)


def layer_of(*shapes: Any, crs: Any = WGS84) -> gpd.GeoDataFrame:
    return gpd.GeoDataFrame({"n": range(len(shapes))}, geometry=list(shapes), crs=crs)


@pytest.mark.parametrize("layer", ["settlements", "checkpoints", "hospital"])
def test_points_multipoints_of_one_and_polygons_are_points(layer: str) -> None:
    ring = box(59, 49, 61, 51).difference(box(59.5, 49.5, 60.5, 50.5))
    frame, notes = placed(
        layer_of(HERE, MultiPoint([HERE]), Point(60, 50, 100), ring, GeometryCollection([HERE])), layer, "f"
    )
    assert set(frame.geom_type) == {"Point"}
    assert frame.geometry.iloc[[0, 1, 2, 4]].tolist() == [HERE] * 4
    assert ring.contains(frame.geometry.iloc[3])  # the centroid would lie in the hole
    assert notes == [f"{layer} (f): 1 polygons taken as points on their surface"]


def test_several_points_in_one_row_are_refused_by_row() -> None:
    with pytest.raises(LayerError, match=r"settlements holds MultiPoint \(towns.gpkg, row 2\)"):
        placed(layer_of(HERE, MultiPoint([HERE, Point(1, 1)])), "settlements", "towns.gpkg")


def test_rows_without_a_place_are_left_out_and_counted() -> None:
    frame, notes = placed(layer_of(HERE, None, Point(), HERE), "settlements", "f")
    assert frame.index.tolist() == [1, 4]
    assert notes == ["settlements (f): 2 rows of 4 (row 2, 3) without a geometry: left out"]


def test_collections_give_the_parts_that_a_layer_needs() -> None:
    line = LineString([(60, 50), (61, 50)])
    frame, _ = placed(layer_of(GeometryCollection([line]), line), "roads", "f")
    assert shapely.get_parts(frame.geometry.to_numpy()).tolist() == [line, line]
    square = box(60, 50, 61, 51)
    frame, _ = placed(layer_of(GeometryCollection([square, line])), "regions", "f")
    assert frame.geometry.iloc[0].equals(square)
    with pytest.raises(LayerError, match=r"roads holds Polygon \(f, row 2\): allowed are lines"):
        placed(layer_of(line, square), "roads", "f")


def test_heights_are_dropped() -> None:
    frame, _ = placed(layer_of(LineString([(60, 50, 1), (61, 50, 2)])), "roads", "f")
    assert not frame.has_z.any()


@pytest.mark.parametrize(
    ("far", "crs"), [(LineString([(1e12, 1e12), (1e12, 2e12)]), 32641), (LineString([(200, 0), (300, 0)]), WGS84)]
)
def test_a_row_that_lies_nowhere_refuses_no_layer(far: LineString, crs: Any) -> None:
    line = gpd.GeoSeries([LineString([(60, 50), (61, 50)])], crs=WGS84).to_crs(crs)[0]
    frame, notes = placed(layer_of(line, far, crs=crs), "roads", "f")
    assert len(frame) == 1
    assert "1 row of 2 (row 2) with coordinates that lie nowhere on earth" in notes[0]
    with pytest.raises(LayerError, match="coordinates out of range"):
        placed(layer_of(far, crs=crs), "roads", "f")


def test_no_crs_and_no_rows() -> None:
    with pytest.raises(CRSError):
        placed(gpd.GeoDataFrame(geometry=[HERE]), "roads", "f")
    with pytest.raises(LayerError, match="is empty"):
        placed(layer_of(), "roads", "f")


def test_checkpoints_outside_the_belt_are_named_and_a_swap_is_guessed() -> None:
    belt = box(59, 49, 61, 51)
    frame, _ = placed(layer_of(HERE, Point(0, 0), Point(50, 60)), "checkpoints", "f")
    inside, notes = within(frame, "checkpoints", belt, "f")
    assert inside.index.tolist() == [1]
    assert "2 rows of 3 (row 2, 3) outside the network's belt" in notes[0]
    assert "1 of them would lie in it" in notes[0]
    assert within(frame, "settlements", belt, "f")[1] == []
    with pytest.raises(LayerError, match=r"nothing within .*swapped"):
        within(frame.iloc[2:], "roads", belt, "f")


def test_numbers_without_end_are_no_place() -> None:
    frame, _ = placed(layer_of(HERE, Point(np.inf, 50)), "settlements", "f")
    assert len(frame) == 1


def test_degrees_under_a_crs_of_metres_are_refused() -> None:
    with pytest.raises(CRSError, match=r"coordinates like degrees, x 60 to 60, y 50 to 50, in .*Mercator"):
        placed(layer_of(HERE, crs=3857), "settlements", "f")
