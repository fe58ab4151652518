"""The web map: what is in the page."""

import base64
import gzip
import json
import re
from dataclasses import replace

import folium
import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely

from gis.contents import _Kept
from layers.keeping import Keeper, keeping, results
from maps.columns import kind_of
from maps.i18n import speaking, with_sides
from maps.styles.layers import StyleClass, run_styles
from maps.web import assets
from maps.web.lines import thinned
from maps.web.map import TILES, write_map
from maps.web.packing import pack_tables
from tests.maps import frames as synthetic
from tests.maps.pages import SIDES, contents, layers, packed

STYLES = {style.key: style for style in run_styles()}
URL = r"""https?://[^\s"'<>)]+"""


def test_same_input_same_bytes(path, tmp_path):
    again = tmp_path / "again.html"
    write_map(
        again,
        contents(
            layers(),
            title=f"Border {synthetic.HOSTILE}",
            subtitle=synthetic.QUOTES,
            sides=SIDES,
            notes=["<i>note</i>"],
        ),
    )
    assert again.read_bytes() == path.read_bytes()


def test_no_clock_and_no_chance_in_the_bytes(page):
    tables = re.findall(r'id="map-table-\d+">(.*?)</script>', page, re.S)
    assert {base64.b64decode(text)[4:8] for text in tables} == {bytes(4)}
    assert set(re.findall(r"\bmap_\w+", page)) == {"map_borderlink"}


def test_a_region_can_not_close_the_script_it_is_named_in(tmp_path):
    regions = synthetic.regions()
    regions.loc[0, "name"] = synthetic.HOSTILE
    write_map(tmp_path / "m.html", contents([(STYLES["regions"], regions)]))
    text = (tmp_path / "m.html").read_text(encoding="utf-8")
    assert "<b id=" not in text
    assert synthetic.HOSTILE in [name for name, *_ in packed(text)[0]["names"]]


def test_page_asks_for_nothing(page):
    assert not re.search(r"""<(?:script|img|iframe|source)[^>]*\ssrc=|<link\b|@import|url\(\s*['"]?(?!data:|#)""", page)
    # What is left are names: the SVG namespace, what Leaflet's own files mention in comments and its unused prefix, and
    # the
    # online map that a reader may switch on.
    mentioned = {url for name in ("leaflet.js", "leaflet.css") for url in re.findall(URL, assets.text(name))}
    host = TILES.split("/{z}")[0]
    asked = {
        url
        for url in set(re.findall(URL, page)) - mentioned
        if not url.startswith(("https://basemaps.cartocdn.com", host))
    }
    assert asked == {"http://www.w3.org/2000/svg"} - mentioned
    assert "default-src 'none'" in page


def test_head_of_the_page(page):
    assert '<html lang="en">' in page
    assert "user-scalable" not in page
    assert "<title>Border &lt;/script&gt;&lt;b" in page
    assert "<b id=" not in page
    assert "&lt;i&gt;note&lt;/i&gt;" in page


def test_one_table_is_embedded_once(page):
    config, tables = packed(page)
    places = {style["key"]: style["table"] for style in config["styles"]}
    assert places["cells"] == places["cells_time"] == places["cells_loss"]
    assert len(tables) == len({style.layer for style in run_styles()})
    shown = [style["key"] for style in config["styles"]]
    assert shown == [style.key for style in run_styles() if style.key in shown]
    assert {"cells", "cells_time", "checkpoints", "roads", "regions"} <= set(shown)


def test_only_fields_of_the_styles_and_five_decimals(tmp_path):
    roads = synthetic.roads(5).assign(osmid=7)
    write_map(tmp_path / "m.html", contents([(STYLES["roads"], roads)]))
    _, [table] = packed((tmp_path / "m.html").read_text(encoding="utf-8"))
    told = {c for c in STYLES["roads"].fields if c in roads}
    assert "osmid" not in told and len(told) > 3
    assert set(table["features"][0]["properties"]) == {*told, "class of roads"}
    numbers = np.array([f["geometry"]["coordinates"] for f in table["features"]])
    assert np.array_equal(numbers, np.round(numbers, 5))
    assert np.abs(numbers - shapely.get_coordinates(roads.geometry).reshape(5, 2, 2)).max() <= 0.5000001e-5


def test_projected_tables_come_back_to_lonlat(tmp_path):
    write_map(tmp_path / "m.html", contents([(STYLES["checkpoints"], synthetic.checkpoints().to_crs(synthetic.CRS))]))
    _, [table] = packed((tmp_path / "m.html").read_text(encoding="utf-8"))
    first = synthetic.checkpoints().geometry.iloc[0]
    assert table["features"][0]["geometry"]["coordinates"] == pytest.approx([first.x, first.y], abs=1e-5)


def classes_of(tmp_path, style, values):
    frame = gpd.GeoDataFrame(
        {style.column: values}, geometry=[shapely.Point(i, 0).buffer(0.1) for i in range(len(values))], crs=4326
    )
    write_map(tmp_path / "m.html", contents([(style, frame)]))
    config, [table] = packed((tmp_path / "m.html").read_text(encoding="utf-8"))
    return [f["properties"][f"class of {style.key}"] for f in table["features"]], config["styles"][0]["counts"]


def test_graduated_classes_take_their_lower_bound(tmp_path):
    found, counts = classes_of(tmp_path, STYLES["cells_time"], [0.0, 29.99, 30.0, 479.9, 480.0, np.inf, np.nan, -1.0])
    assert found == [0, 0, 1, 4, 5, 5, -1, -2]
    assert counts == {"-2": 1, "-1": 1, "0": 2, "1": 1, "4": 1, "5": 2}


def test_categorized_classes(tmp_path):
    found, _ = classes_of(tmp_path, STYLES["cells"], ["stands out", "no", None, "no data", "something else"])
    assert found == [0, 3, 5, 5, -2]


def test_missing_values_go_where_the_style_says_and_not_by_words(tmp_path):
    unknown = StyleClass("Unknown", "#111111", value="no data", lower=0, upper=30)
    for key, value in (("cells", "no data"), ("cells_time", 0.0)):
        silent = replace(STYLES[key], classes=(STYLES[key].classes[0], unknown))
        assert classes_of(tmp_path, silent, [None, value])[0][0] == -1
        spoken = replace(silent, classes=(silent.classes[0], replace(unknown, missing=True)))
        assert classes_of(tmp_path, spoken, [None, value])[0] == [1, 1]
    with pytest.raises(ValueError, match="one class at most"):
        replace(spoken, classes=(replace(unknown, missing=True),) * 2)


def test_first_view_is_not_of_the_ground(tmp_path):
    small = synthetic.cells().iloc[:3]
    subject = [(STYLES["cells"], small), (STYLES["roads"], synthetic.roads()), (STYLES["regions"], synthetic.regions())]
    write_map(tmp_path / "m.html", contents(subject))
    bounds = packed((tmp_path / "m.html").read_text(encoding="utf-8"))[0]["bounds"]
    west, south, east, north = small.total_bounds
    assert bounds == [[south, west], [north, east]]


def test_areas_of_one_group_are_a_choice_of_which_one_is_on(page):
    config, _ = packed(page)
    choice = {style["key"] for style in config["styles"] if style["choice"]}
    assert choice == {"cells", "cells_bottleneck", "cells_time", "cells_loss"}
    assert all(len(choice & set(view["on"])) <= 1 for view in config["views"])


def test_every_layer_stands_in_a_chapter_and_no_layer_is_offered_that_says_one_thing(page, tmp_path):
    config, _ = packed(page)
    keys = {style["key"] for style in config["styles"]}
    assert set().union(*(view["layers"] for view in config["views"])) == keys
    assert all(set(view["on"]) <= set(view["layers"]) for view in config["views"])
    flat = synthetic.cells().assign(border_loss=0.3)
    write_map(tmp_path / "m.html", contents(layers(cells=flat)))
    left = {style["key"] for style in packed((tmp_path / "m.html").read_text(encoding="utf-8"))[0]["styles"]}
    assert keys - left == {"cells_loss"}


def test_the_map_comes_back_for_layers_of_ones_own(tmp_path):
    drawn = write_map(tmp_path / "m.html", contents(layers(), title="Mine"))
    folium.CircleMarker((52.0, 60.0), radius=9, tooltip="own").add_to(drawn)
    drawn.save(tmp_path / "own.html")
    text = (tmp_path / "own.html").read_text(encoding="utf-8")
    assert "L.circleMarker" in text.replace((tmp_path / "m.html").read_text(encoding="utf-8"), "")
    assert "<title>Mine</title>" in text
    assets.refuse_remote(text)


def test_features_say_what_they_mean_with_the_sides_by_name(tmp_path):
    write_map(tmp_path / "m.html", contents(layers(), sides=("RU", "KZ")))
    config, tables = packed((tmp_path / "m.html").read_text(encoding="utf-8"))
    styles = {style["key"]: style for style in config["styles"]}
    first = tables[styles["checkpoints"]["table"]]["features"][0]["properties"]
    assert first["said"].startswith("Carries ") and "modelled trips across the border" in first["said"]
    assert ["Wait, assumed", 60, 1] in first["bars"]
    assert [c["label"] for c in styles["regions"]["classes"]] == ["Russia", "Kazakhstan"]
    assert not re.search(r"\bside [ab]\b", json.dumps([config, tables]), re.IGNORECASE)
    assert not {"cell", "segment_id"} & {column for style in config["styles"] for column, *_ in style["fields"]}


def test_attribution_holds_all_rights_once(page):
    text = packed(page)[0]["attribution"]
    assert text.startswith("© OpenStreetMap contributors (ODbL-1.0) | ")
    owners = {owner for style in run_styles() for owner in style.rights.split("; ")}
    assert all(text.count(owner.replace("'", "&#x27;")) == 1 for owner in owners)


def test_rows_without_a_place_are_left_out(tmp_path):
    points = synthetic.checkpoints()
    points.loc[points.index[:2], "geometry"] = [None, shapely.Point()]
    write_map(tmp_path / "m.html", contents([(STYLES["checkpoints"], points)]))
    config, [table] = packed((tmp_path / "m.html").read_text(encoding="utf-8"))
    assert len(table["features"]) == config["styles"][0]["rows"] == len(points) - 2


def test_all_problems_at_once(tmp_path):
    cells = synthetic.cells()
    wrong = [
        (STYLES["cells"], cells.drop(columns="growth_flag")),
        (STYLES["cells"], cells.drop(columns="growth_flag")),
        (STYLES["segments"], synthetic.segments().set_crs(None, allow_override=True)),
        (STYLES["roads"], cells),
    ]
    with pytest.raises(ValueError, match="can't be drawn") as caught:
        write_map(tmp_path / "m.html", contents(wrong))
    text = str(caught.value)
    for words in (
        "'cells' is given 2 times",
        "column 'growth_flag' is missing",
        "no CRS",
        "geometry Polygon given, LineString or MultiLineString allowed",
    ):
        assert words in text
    assert not (tmp_path / "m.html").exists()


@pytest.mark.parametrize(
    "harm",
    [
        '<script src="https://example.org/x.js"></script>',
        '<link rel="stylesheet" href="//example.org/x.css">',
        "<style>a{background:url(http://example.org/a.png)}</style>",
        "<style>@import 'x.css'</style>",
        '<img src="marker.png">',
        '<p style="background:url(https://example.org/a.png)">',
    ],
)
def test_remote_parts_are_refused(harm):
    with pytest.raises(ValueError, match="load from outside"):
        assets.refuse_remote(f"<!DOCTYPE html><html><body>{harm}</body></html>")


def test_a_remote_part_of_folium_is_refused(tmp_path, monkeypatch):
    real = assets.text
    monkeypatch.setattr(
        assets,
        "text",
        lambda name: real(name) + ("\na{background:url(https://example.org/a.png)}" if name == "map.css" else ""),
    )
    with pytest.raises(ValueError, match=r"example\.org/a\.png"):
        write_map(tmp_path / "m.html", contents([(STYLES["roads"], synthetic.roads(3))]))
    assert not (tmp_path / "m.html").exists()


def test_sides_are_named():
    assert with_sides("Region on side a", SIDES) == "Region in Russia"
    assert with_sides("the same, side b", SIDES) == "the same, Kazakhstan"
    assert with_sides("Side a", ("a", "b")) == "Side a"
    assert with_sides("Side b", ("x", r"\1 & y")) == r"\1 & y"


@pytest.mark.parametrize(
    ("column", "label", "value", "written"),
    [
        ("wait_min", "Wait", 12.34, "12"),
        ("time_min", "Time (min)", 9.96, "10"),
        ("time_min", "Time (min)", 4.04, "4.0"),
        ("share", "Share of demand", 0.123, "12 %"),
        ("share", "Share", 0.0004, "0.0 %"),
        ("population", "People", 1234567.0, "1,234,567"),
        ("lost_potential", "Lost (person-equivalents)", 98765.4, "98,800"),
        ("loss_moran_q", "q", 0.0213, "0.021"),
        ("loss_moran_q", "q", 0.0002, "0.0002"),
        ("match_km", "Distance", 0.04, "0.0"),
        ("x", "x", -0.00012, "−0.000120"),
        ("x", "x", np.nan, "–"),
        ("length_m", "Length (m)", 15320.6, "15,321"),
        ("x", "x", 9999.0, "10,000"),
    ],
)
def test_numbers_are_written_for_a_reader(column, label, value, written):
    kind = kind_of(pd.Series([value]), column)
    assert assets.format_value(value, kind) == written


def unpacked(held):
    """Return lines and columns of a table held by columns, as the page reads it."""
    points = np.array(held["xy"]).reshape(-1, 2).cumsum(axis=0) / 1e5
    parts = [shapely.linestrings(part) for part in np.split(points, np.cumsum(held["parts"])[:-1])]
    lines = [[] for _ in range(held["n"])]
    for row, part in zip(held["rows"] or range(held["n"]), parts, strict=True):
        lines[row].append(part)
    columns = {n: c[0] if len(c) == 1 else [c[0][i] for i in c[1]] for n, c in held["columns"].items()}
    return [each[0] if len(each) == 1 else shapely.multilinestrings(each) for each in lines], columns


def test_many_lines_are_held_by_columns_and_lose_nothing_that_is_seen():
    rng = np.random.default_rng(1)
    frame = synthetic.roads(1500)
    shapes = frame.geometry.to_numpy().copy()
    shapes[5] = shapely.multilinestrings([shapes[5], shapes[6]])
    frame = frame.set_geometry(gpd.GeoSeries(shapes, crs=4326)).assign(toll=None, length_m=np.arange(1500.0))
    frame.loc[rng.random(1500) < 0.5, "speed_kph"] = np.nan
    (order,), (text,) = pack_tables([(STYLES["roads"], frame)], ("a", "b"), {})
    held = json.loads(gzip.decompress(base64.b64decode(text)))
    lines, columns = unpacked(held)
    assert order == 0 and held["n"] == 1500 and held["simplified_m"] == 5
    by_length = dict(zip(columns["length_m"], range(1500), strict=True))
    for length, shape, speed in zip(frame["length_m"], shapes, frame["speed_kph"], strict=True):
        at = by_length[float(f"{length:.5g}")]
        assert shapely.hausdorff_distance(lines[at], shape) < 1e-4
        assert columns["speed_kph"][at] == (None if np.isnan(speed) else speed)
    assert "toll" not in columns and "bars" not in columns


def test_lines_with_too_many_points_are_drawn_coarser_and_keep_their_ends():
    t = np.linspace(0, 1, 500)
    waves = shapely.linestrings([np.column_stack([t, 0.002 * np.sin(40 * (t + k))]) for k in range(20)])
    whole, finest = thinned(waves, most=20 * 500)
    few, metres = thinned(waves, most=600)
    assert finest == 5 and metres > 5
    assert shapely.get_num_coordinates(few).sum() <= 600 < shapely.get_num_coordinates(whole).sum()
    assert shapely.hausdorff_distance(few, waves).max() <= metres / 111_320 + 1e-9
    assert (
        shapely.get_coordinates(shapely.get_point(few, -1)) == shapely.get_coordinates(shapely.get_point(waves, -1))
    ).all()


def test_straight_lines_need_no_thinning_and_others_are_thinned_as_without_them() -> None:
    x = np.linspace(0, 1, 500)
    waves = shapely.linestrings([np.column_stack([x, k + 0.01 * np.sin(40 * x)]) for k in range(3)])
    dots = [[(k, 50), (k + 0.5, 50.1)] for k in range(200)]
    lines = np.concatenate([shapely.linestrings(dots), waves, [shapely.MultiLineString(dots[:3])]])
    for most in (300, 500, 5_000):
        found, metres = thinned(lines, most=most)
        plain = shapely.simplify(lines, metres / 111_320)
        assert shapely.equals_exact(found, plain).all()
        assert shapely.get_num_coordinates(found).sum() <= most or metres >= 2000
    assert shapely.equals_exact(found[:200], lines[:200]).all()


def test_a_page_says_that_its_lines_are_coarser(tmp_path):
    t = np.linspace(0, 1, 700)
    shapes = [np.column_stack([50 + t, 50 + k / 200 + 0.002 * np.sin(300 * t)]) for k in range(1200)]
    frame = synthetic.roads(1200).set_geometry(shapely.linestrings(shapes), crs=4326)
    write_map(tmp_path / "m.html", contents([(STYLES["roads"], frame)]))
    page = (tmp_path / "m.html").read_text(encoding="utf-8")
    (metres,) = re.findall(r"Roads: lines are drawn to within (\d+) m; the GeoPackage holds them whole", page)
    assert int(metres) > 5
    assert "drawn to within" not in page_of(tmp_path, layers())


def page_of(folder, drawn):
    write_map(folder / "other.html", contents(drawn))
    return (folder / "other.html").read_text(encoding="utf-8")


def test_a_layer_that_hangs_on_nothing_new_is_packed_once(tmp_path, monkeypatch):
    monkeypatch.setattr(results, "LEAST_S", 0.0)
    frame = synthetic.roads(20)
    bare = pack_tables([(STYLES["roads"], frame)], ("a", "b"), {})
    keeper = Keeper(tmp_path, "salt")
    with keeping(keeper):
        one, two = ({"roads": _Kept(name)} for name in ("one", "two"))
        for known in (one, one, two):
            assert pack_tables([(STYLES["roads"], frame)], ("a", "b"), {}, known) == bare
        assert pack_tables([(STYLES["roads"], frame)], ("a", "c"), {}, one)[0] == [0]
        with speaking("ru"):
            pack_tables([(STYLES["roads"], frame)], ("a", "b"), {}, one)
    assert [len(keeper.taken), len(keeper.made)] == [0, 4]
