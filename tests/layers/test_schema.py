"""What a layer must be, whatever it came from."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pytest
import shapely

from layers.crs import GEOD, WGS84, line_lengths_m
from layers.errors import BorderlinkError, CRSError, LayerError
from layers.schema import DEFAULTS, LAYERS, schemas, validate


def points(n: int = 2, **columns: object) -> gpd.GeoDataFrame:
    return gpd.GeoDataFrame(columns, geometry=shapely.points(60.0 + np.arange(n), 50.0 + np.arange(n)), crs=WGS84)


def lines(*coordinates: object, crs: object = WGS84, **columns: object) -> gpd.GeoDataFrame:
    return gpd.GeoDataFrame(columns, geometry=[shapely.LineString(c) for c in coordinates], crs=crs)


def test_one_message_collects_all_problems() -> None:
    bad = points(name=["Alpha", ""], country=["RU", "kz"], population=[5, -1])
    with pytest.raises(LayerError) as error:
        validate(bad, "settlements", "places.gpkg")
    message = str(error.value)
    for said in ("settlements", "places.gpkg", "'kz'", "-1", "'name'", "'country'", "'population'"):
        assert said in message


def test_a_missing_column_is_named_with_the_columns_of_the_layer() -> None:
    with pytest.raises(LayerError, match=r"column 'country' is missing.*Columns of this layer: .*population, geometry"):
        validate(points(name=["Alpha", "Beta"]), "settlements", "here")


def test_errors_are_value_errors_too() -> None:
    for kind in (LayerError, CRSError):
        assert issubclass(kind, ValueError)
        assert issubclass(kind, BorderlinkError)


@pytest.mark.parametrize("layer", LAYERS)
def test_no_crs_is_refused(layer: str) -> None:
    with pytest.raises(CRSError, match=f"layer {layer} has no CRS"):
        validate(gpd.GeoDataFrame({"name": ["x"]}, geometry=[shapely.Point(1, 2)]), layer, "here")


@pytest.mark.parametrize("layer", LAYERS)
def test_an_empty_layer_is_refused(layer: str) -> None:
    with pytest.raises(LayerError, match=f"layer {layer} is empty"):
        validate(gpd.GeoDataFrame(geometry=[], crs=WGS84), layer, "here")


def test_coordinates_out_of_range_are_refused_and_a_swap_is_guessed() -> None:
    swapped = gpd.GeoDataFrame({"name": ["x"], "country": ["US"]}, geometry=[shapely.Point(45, -120)], crs=WGS84)
    with pytest.raises(LayerError, match=r"out of range.*swapped"):
        validate(swapped, "settlements", "here")
    metres = swapped.set_geometry([shapely.Point(5_000_000, 6_000_000)], crs=WGS84)
    with pytest.raises(LayerError, match="out of range") as error:
        validate(metres, "settlements", "here")
    assert "swapped" not in str(error.value)


@pytest.mark.parametrize("point", [shapely.Point(), shapely.Point(np.nan, np.nan), None], ids=["empty", "nan", "none"])
def test_a_row_without_coordinates_is_refused(point: shapely.Point | None) -> None:
    frame = gpd.GeoDataFrame({"name": ["x", "y"], "country": "RU"}, geometry=[shapely.Point(60, 50), point], crs=WGS84)
    with pytest.raises(LayerError):
        validate(frame, "settlements", "here")


def test_a_wrong_kind_of_geometry_is_refused() -> None:
    with pytest.raises(LayerError, match=r"layer roads holds Point .*allowed is LineString"):
        validate(points(), "roads", "here")


def test_optional_columns_are_filled_and_foreign_ones_dropped() -> None:
    frame = validate(points(name=["A", "B"], mode=["road", "rail"], colour=["red", "blue"]), "checkpoints", "here")
    assert list(frame.columns) == [*schemas()["checkpoints"].columns, "geometry"]
    for column, default in DEFAULTS["checkpoints"].items():
        values = frame[column].tolist()
        assert values == [default] * 2 or np.isnan(values).all()
    assert frame["checkpoint_id"].is_unique


def test_text_that_is_missing_in_a_row_takes_the_default() -> None:
    frame = validate(points(name=["A", "B"], mode="road", hours=[None, "09:00-21:00"]), "checkpoints", "here")
    assert frame["hours"].tolist() == ["24/7", "09:00-21:00"]


@pytest.mark.parametrize(
    ("layer", "column", "given", "default"),
    [
        ("settlements", "population", [None, 5.0], 0),
        ("checkpoints", "open", [None, False], True),
        ("checkpoints", "partners", [np.nan, 2.0], 1),
    ],
)
def test_a_number_or_flag_that_is_missing_in_a_row_takes_the_default(
    layer: str, column: str, given: list[object], default: object
) -> None:
    needed = {"country": "RU"} if layer == "settlements" else {"mode": "road"}
    frame = validate(points(name=["A", "B"], **needed, **{column: given}), layer, "here")
    assert frame[column].tolist() == [default, given[1]]


@pytest.mark.parametrize(("text", "flag"), [("no", False), ("yes", True), ("0", False), ("false", False), ("1", True)])
def test_a_one_way_written_as_osm_writes_it_is_understood_or_refused(text: str, flag: bool) -> None:
    frame = lines([(60, 50), (61, 50)], oneway=[text])
    try:
        read = validate(frame, "roads", "here")
    except LayerError as error:
        assert "oneway" in str(error)
    else:
        assert read["oneway"].tolist() == [flag]


def test_a_missing_one_way_is_two_way() -> None:
    frame = lines([(60, 50), (61, 50)], [(61, 50), (62, 50)], oneway=[None, True])
    assert validate(frame, "roads", "here")["oneway"].tolist() == [False, True]


def test_plain_lines_meet_where_they_share_an_end() -> None:
    a, b, c, d = (60, 50), (61, 50), (61, 51), (62, 51)
    frame = validate(lines([a, b], [c, (61.2, 50.4), b], [c, d]), "roads", "here")
    u, v = frame["u"], frame["v"]
    assert v[0] == v[1]
    assert u[1] == u[2]
    assert len({u[0], v[0], u[1], v[2]}) == 4
    expected = [GEOD.geometry_length(g) for g in frame.geometry]
    assert frame["length_m"].to_numpy() == pytest.approx(expected, rel=1e-12)


def test_multi_part_lines_become_links_of_their_own() -> None:
    parts = shapely.MultiLineString([[(60, 50), (61, 50)], [(61, 50), (61, 52)]])
    frame = validate(gpd.GeoDataFrame(geometry=[parts], crs=WGS84), "roads", "here")
    assert len(frame) == 2
    assert frame["v"][0] == frame["u"][1]
    assert frame["length_m"].sum() == pytest.approx(GEOD.geometry_length(parts), rel=1e-12)


def test_a_multi_part_line_keeps_its_stated_length_once() -> None:
    parts = shapely.MultiLineString([[(60, 50), (61, 50)], [(61, 50), (61, 52)]])
    length = 1.1 * GEOD.geometry_length(parts)
    frame = validate(gpd.GeoDataFrame({"length_m": [length]}, geometry=[parts], crs=WGS84), "roads", "here")
    assert frame["length_m"].sum() == pytest.approx(length, rel=1e-9)


def test_the_parts_of_a_numbered_multi_part_line_hang_together_where_they_touch() -> None:
    parts = shapely.MultiLineString([[(60, 50), (61, 50)], [(61, 50), (61, 52)]])
    frame = validate(gpd.GeoDataFrame({"u": [1], "v": [2]}, geometry=[parts], crs=WGS84), "roads", "here")
    assert frame["v"][0] == frame["u"][1]
    assert frame["u"][0] != frame["v"][1]


def test_any_stated_crs_arrives_in_longitude_and_latitude() -> None:
    degrees = lines([(60, 50), (61, 50.5)])
    frame = validate(degrees.to_crs(32641), "roads", "here")
    assert frame.crs == WGS84
    assert shapely.get_coordinates(frame.geometry) == pytest.approx(shapely.get_coordinates(degrees.geometry), abs=1e-8)
    assert line_lengths_m(frame.geometry.to_numpy()) == pytest.approx(frame["length_m"].to_numpy())


def test_the_geometry_column_may_have_any_name() -> None:
    frame = points(name=["A", "B"], country="RU").rename_geometry("geom")
    assert validate(frame, "settlements", "here").geometry.name == "geometry"


def test_polygons_that_cross_themselves_are_made_valid() -> None:
    bow = shapely.Polygon([(60, 50), (62, 52), (62, 50), (60, 52)])
    frame = gpd.GeoDataFrame({"region": ["A"], "name": ["A"], "country": ["RU"]}, geometry=[bow], crs=WGS84)
    assert shapely.is_valid(validate(frame, "regions", "here").geometry.to_numpy()).all()


def test_numbers_out_of_range_are_refused() -> None:
    with pytest.raises(LayerError, match=r"length_m.*-5"):
        validate(lines([(60, 50), (61, 50)], length_m=[-5.0]), "roads", "here")
    with pytest.raises(LayerError, match="maxspeed_kph"):
        validate(lines([(60, 50), (61, 50)], maxspeed_kph=[0.0]), "roads", "here")
    with pytest.raises(LayerError, match="checkpoint_id"):
        validate(points(checkpoint_id=["same", "same"], name=["A", "B"], mode="road"), "checkpoints", "here")
    with pytest.raises(LayerError, match=r"'mode'.*'air'"):
        validate(points(name=["A", "B"], mode="air"), "checkpoints", "here")


def test_the_given_frame_is_left_alone() -> None:
    frame = points(name=["A", "B"], country="RU")
    before = frame.copy()
    validate(frame, "settlements", "here")
    assert frame.equals(before)
    assert list(frame.columns) == list(before.columns)


@pytest.mark.parametrize("text", ["car", "car|truck", "", "bus|car"])
def test_vehicles_of_a_post_are_a_list_of_known_ones(text: str) -> None:
    frame = points(name=["A", "B"], mode="road", vehicles=[text, None])
    assert validate(frame, "checkpoints", "here")["vehicles"].tolist() == [text, ""]


@pytest.mark.parametrize("text", ["tank", "car,truck", "car|"])
def test_other_vehicles_are_refused(text: str) -> None:
    with pytest.raises(LayerError, match="'vehicles'"):
        validate(points(name=["A", "B"], mode="road", vehicles=[text, ""]), "checkpoints", "here")


def test_what_a_road_tells_is_kept_and_what_it_does_not_tell_forbids_nothing() -> None:
    told = lines([(60, 50), (61, 50)], [(61, 50), (62, 50)], toll=["hgv", None], truck=["no", None], gauge=[1, 2])
    frame = validate(told, "roads", "here")
    assert frame["toll"].tolist() == [True, False]
    assert frame["truck"].tolist() == [False, True]
    assert frame["car"].tolist() == [True, True]
    assert frame["season"].tolist() == ["", ""]
    assert "gauge" not in frame
    with pytest.raises(LayerError, match="'season'"):
        validate(told.assign(season="monsoon"), "roads", "here")
