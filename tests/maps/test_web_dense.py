"""Pages of very many lines: ends once, few digits, what is left out, and what the page makes of it."""

import json

import numpy as np
import pytest
import shapely

from maps.web import dense
from maps.web.dense import DENSE_LINES, left_out, net_of
from maps.web.lines import columns_of
from maps.web.map import write_map
from tests.maps.pages import contents, layers, opened, packed
from tests.maps.test_apart import ROADS
from tests.maps.test_apart import dense as grid

HALF_DEG = 0.5 * dense.UNIT / 1e5
"""Half a step: what rounding may move a place by, along either axis."""


def unfolded(held):
    """Return the parts of lines as the page reads them, and the row of each."""
    spots = np.array(held["nodes"]).reshape(-1, 2).cumsum(axis=0)
    first = np.cumsum(held["first"])
    last = first + held["last"]
    steps = np.array(held["steps"]).reshape(-1, 2)
    ends = np.cumsum(held["bends"])
    parts = []
    for a, b, end, count in zip(first, last, ends, held["bends"], strict=True):
        bends = spots[a] + steps[end - count : end].cumsum(axis=0)
        parts.append(shapely.LineString(np.vstack([spots[a : a + 1], bends, spots[b : b + 1]]) * held["unit"] / 1e5))
    return np.array(parts), np.array(held["rows"] or range(held["n"]))


@pytest.mark.parametrize("seed", range(20))
def test_lines_come_back_from_their_nodes(seed):
    rng = np.random.default_rng(seed)
    spots = rng.uniform((50, 48), (52, 49), (40, 2))
    lines = []
    for _ in range(120):
        a, b = spots[rng.choice(40, 2, replace=False)]
        share = np.linspace(0, 1, rng.integers(2, 7))[:, None]
        bends = a * (1 - share) + b * share
        bends[1:-1] += rng.normal(0, 0.01, bends[1:-1].shape)
        lines.append(shapely.LineString(bends))
    lines[3] = shapely.MultiLineString([lines[3], lines[50]])
    lines = np.array(lines, dtype=object)
    net = net_of(lines)
    parts, rows = unfolded(net.held())
    assert net.metres == 5 and sorted(net.order) == list(range(120))
    assert (np.diff(rows) >= 0).all()  # parts of a row stand together
    for row, line in enumerate(lines[net.order]):
        own = shapely.multilinestrings([parts[rows == row]])[0]
        assert len(own.geoms) == shapely.get_num_geometries(line)
        assert shapely.hausdorff_distance(own, line) < 5 / 111_320 + 2 * HALF_DEG
    # Lines that met still do: as many places as there were.
    ends = np.unique(shapely.get_coordinates(shapely.get_point(parts, [[0], [-1]]).ravel()), axis=0)
    assert len(ends) == len(
        np.unique(shapely.get_coordinates(shapely.get_point(shapely.get_parts(lines), [[0], [-1]]).ravel()), axis=0)
    )


def test_lines_are_drawn_coarser_before_a_page_grows_too_large(monkeypatch):
    t = np.linspace(0, 1, 300)
    waves = shapely.linestrings([np.column_stack([50 + t, 50 + k / 100 + 0.002 * np.sin(300 * t)]) for k in range(20)])
    whole = net_of(waves)
    monkeypatch.setattr(dense, "DENSE_LINES", 10)
    monkeypatch.setattr(dense, "MOST_STEPS", 620)
    monkeypatch.setattr(dense, "LEAST_BENDS", 100)
    few = net_of(waves)
    assert few.bends.sum() <= 600 < whole.bends.sum() and few.metres > whole.metres == 5


def test_columns_in_which_nearly_all_differ_are_left_out_beyond_what_a_page_holds(monkeypatch):
    frame = grid(30).assign(osm_ids=lambda t: t["u"].astype(str), toll=False)
    n = len(frame)
    shown = ["length_m", "speed_kph", "time_min", "toll", "osm_ids"]
    assert left_out(frame, shown) == set()
    monkeypatch.setattr(dense, "DENSE_LINES", 100)
    for room, gone in ((0, {"length_m", "time_min", "osm_ids"}), (1, {"time_min", "osm_ids"}), (3, set())):
        monkeypatch.setattr(dense, "MOST_VALUES", room * n)
        assert left_out(frame, shown) == gone


@pytest.fixture(scope="module")
def many():
    """More lines than are held one by one, some of them bent."""
    frame = grid(162)
    assert len(frame) > DENSE_LINES
    ends = shapely.get_coordinates(frame.geometry).reshape(-1, 2, 2)
    middle = ends.mean(axis=1) + 0.004
    bent = np.arange(len(frame)) % 50 == 0
    shapes = frame.geometry.to_numpy().copy()
    shapes[bent] = shapely.linestrings(np.stack([ends[bent, 0], middle[bent], ends[bent, 1]], axis=1))
    return frame.set_geometry(shapes, crs=4326)


def test_a_dense_page_holds_few_digits_and_says_so(tmp_path, many):
    write_map(tmp_path / "m.html", contents([(ROADS, many)]))
    page = (tmp_path / "m.html").read_text(encoding="utf-8")
    config, (held,) = packed(page)
    assert "Roads: lines are drawn to within 5 m, numbers have 2 digits; the GeoPackage holds them whole" in page
    values = held["columns"]["length_m"]
    texts = {f"{float(v):.2g}" for v in (values[0] if len(values) == 2 else values)}
    assert texts == {f"{v:.2g}" for v in many["length_m"]}
    (style,) = config["styles"]
    shown = {name for name, _label, _kind in style["fields"]}
    assert shown & {*held["columns"]} == shown and held["n"] == style["rows"] == len(many)


@pytest.mark.browser
def test_the_page_reads_what_was_held(chromium, tmp_path, many):
    write_map(tmp_path / "m.html", contents(layers(roads=many)))
    opened(chromium, tmp_path / "m.html")
    found = chromium.execute_script(
        "const t = layerOf('roads').group.lines.table; return [t.n, JSON.stringify(t.features.filter((f, i) => "
        "i % 97 === 0).map(f => f.geometry.coordinates))]"
    )
    page = (tmp_path / "m.html").read_text(encoding="utf-8")
    config, tables = packed(page)
    held = tables[next(s["table"] for s in config["styles"] if s["key"] == "roads")]
    parts, _rows = unfolded(held)
    assert found[0] == len(many)
    for one, other in zip(json.loads(found[1]), parts[::97], strict=True):
        np.testing.assert_allclose(one, shapely.get_coordinates(other), atol=1e-9)


def test_columns_of_few_values_are_numbers_of_them_in_the_order_of_rows():
    column = ["b", None, "a", "b"] * 10
    assert columns_of({"kind": column}) == {"kind": [["b", None, "a"], [0, 1, 2, 0] * 10]}
    # Equal to Python, not in JSON.
    mixed = columns_of({"n": [1, True, 1.0, 1] * 10})["n"]
    assert [[type(v) for v in mixed[0]], mixed[1]] == [[int, bool, float], [0, 1, 2, 0] * 10]
    assert columns_of({"bars": [[["x", 1]], None]}) == {"bars": [[[["x", 1]], None]]}
    assert columns_of({"none": [None] * 3}) == {}


@pytest.mark.parametrize("seed", range(5))
def test_places_are_the_different_points_in_order(seed):
    rng = np.random.default_rng(seed)
    points = rng.integers(-5, 6, (200, 2)) * rng.integers(1, 10_000_000)
    spots, at = dense._places(points)
    assert [*map(tuple, spots.tolist())] == sorted({*map(tuple, points.tolist())})
    assert np.array_equal(spots[at], points)
