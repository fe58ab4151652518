"""Figures of the further chapters.

Well-formed, repeatable, names kept as text and apart, and nothing to draw is no error.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable
from itertools import combinations
from xml.etree import ElementTree as ET

import geopandas as gpd
import numpy as np
import pandas as pd
import pyproj
import pytest
import shapely
from matplotlib.figure import Figure

from maps.report import charts
from maps.report.charts import _overlap
from maps.report.drawing import _on_grid
from maps.styles.thematic import FLOW_CLASSES, TYPE_COLORS, type_colors
from tests.maps import frames as synthetic

CRS = pyproj.CRS.from_user_input(synthetic.CRS)
SVG = "{http://www.w3.org/2000/svg}"
SIDES = ("Russia", "Kazakhstan")
NETWORKS = ("borderless", "open", "actual")


def flows(n: int = 120) -> gpd.GeoDataFrame:
    """Return lines with shares, one in each class at least."""
    lines = synthetic.edges(n, 5)
    share = np.random.default_rng(3).uniform(0, 0.6, n)
    share[:6] = [0.0, 0.01, 0.05, 0.1, 0.25, 1.0]
    return lines.assign(flow_share=share, mode="road")


def reach() -> pd.DataFrame:
    """Return people within reach, fewer the more border there is."""
    rows = [
        (side, network, limit, 1000.0 * limit * weight)
        for side in "ab"
        for network, weight in zip(NETWORKS, (1.0, 0.9, 0.3), strict=True)
        for limit in (240, 60, 120)
    ]
    return pd.DataFrame(rows, columns=["side", "network", "within_min", "people"])


def ranks(n: int = 12) -> pd.DataFrame:
    """Return regions with ranks; one has no rank, one a hostile name."""
    regions = synthetic.regions().head(n)
    middle = np.arange(1.0, n + 1)
    table = pd.DataFrame({"name": regions["name"], "side": regions["side"], "rank_median": middle})
    table = table.assign(rank_p5=np.maximum(middle - 2, 1), rank_p95=middle + 3)
    table.loc[1, "name"] = synthetic.HOSTILE
    table.loc[2, ["rank_median", "rank_p5", "rank_p95"]] = np.nan
    return table


def types(n: int = 14, seed: int = 1) -> pd.DataFrame:
    """Return regions by two axes; a hostile name, and one without a value."""
    rng = np.random.default_rng(seed)
    table = pd.DataFrame(
        {
            "name": [f"Region of some length {i}" for i in range(n)],
            "type": [f"type {i % 4}" for i in range(n)],
            "x": rng.lognormal(10, 1.5, n),
            "y": rng.uniform(0.1, 0.9, n),
        }
    )
    table.loc[0, "name"] = synthetic.HOSTILE
    table.loc[1, "type"] = synthetic.QUOTES
    table.loc[2, ["x", "type"]] = [np.nan, "not assessed"]
    return table


def quadrants(table: pd.DataFrame) -> str:
    """Draw the types with lines at fixed cuts."""
    return charts.quadrants(table, axes=("potential <people>", "border loss & more"), cuts=(20_000.0, 0.4))


def flow_map(table: gpd.GeoDataFrame) -> str:
    """Draw flows on the made-up border."""
    return charts.flow_map(table, synthetic.border_line(), synthetic.regions(), crs=CRS)


DRAWN: dict[str, Callable[[], str]] = {
    "flow-map": lambda: flow_map(flows()),
    "reach-curves": lambda: charts.reach_curves(reach(), sides=SIDES),
    "rank-intervals": lambda: charts.rank_intervals(ranks(), sides=SIDES),
    "quadrants": lambda: quadrants(types()),
}


def words(svg: str) -> list[str]:
    """Return the texts of a figure."""
    return [(node.text or "").strip() for node in ET.fromstring(svg).iter(f"{SVG}text")]


@pytest.mark.parametrize("name", list(DRAWN))
def test_figures_are_named_well_formed_and_repeatable(name: str) -> None:
    svg = DRAWN[name]()
    root = ET.fromstring(svg)
    assert root.get("role") == "img"
    by_id = {node.get("id"): node for node in root.iter() if node.get("id")}
    assert by_id[root.get("aria-labelledby")].text
    assert by_id[root.get("aria-describedby")].text
    assert all(str(key).startswith(name) for key in by_id)
    assert set(re.findall(r'(?:url\(#|href="#)([^")]+)', svg)) <= set(by_id)
    assert DRAWN[name]() == svg


@pytest.mark.parametrize("name", list(DRAWN))
def test_figures_do_not_lean_on_the_settings_of_the_caller(name: str) -> None:
    import matplotlib as mpl

    expected = DRAWN[name]()
    with mpl.rc_context({"svg.fonttype": "path", "font.size": 20, "axes.facecolor": "red"}):
        assert DRAWN[name]() == expected


def hostile(name: str) -> str:
    """Draw a figure whose names are all markup, or mathematics."""
    bad = [synthetic.HOSTILE, synthetic.QUOTES, "满洲里 $x^2$ ქ"]
    named = synthetic.regions()
    named.loc[:2, "name"] = bad
    line = synthetic.border_line()
    calls: dict[str, Callable[[], str]] = {
        "flow-map": lambda: charts.flow_map(flows(), line, named, crs=CRS),
        "reach-curves": lambda: charts.reach_curves(reach(), sides=(bad[0], bad[2])),
        "rank-intervals": lambda: charts.rank_intervals(ranks().assign(name=named["name"]), sides=(bad[1], bad[2])),
        "quadrants": lambda: charts.quadrants(
            types().assign(name=bad[0], type=[bad[i % 3] for i in range(14)]), axes=(bad[1], bad[2]), cuts=(1.0, 0.5)
        ),
    }
    return calls[name]()


@pytest.mark.parametrize("name", list(DRAWN))
def test_names_stay_text(name: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        svg = hostile(name)
    assert '<b id="harm">' not in svg
    assert not [node for node in ET.fromstring(svg).iter() if node.get("id") == "harm"]
    text = " ".join(words(svg))
    assert "$x^2$" in text
    assert '<b id="' in text


# --- flows -----------------------------------------------------------------------------------------------------------


def test_each_class_of_flows_is_drawn_in_its_colour() -> None:
    svg = flow_map(flows())
    for each in FLOW_CLASSES:
        assert f"stroke: {each.color}" in svg
        assert each.label in words(svg)
    few = flow_map(flows().assign(flow_share=0.02))
    drawn = re.findall(r"stroke: (#[0-9a-f]{6})", few)
    # All links of a class are one path, and its line in the legend another.
    assert (drawn.count(FLOW_CLASSES[1].color), drawn.count(FLOW_CLASSES[0].color)) == (2, 1)
    paths = re.findall(rf'<path d="([^"]*)"[^>]*stroke: {FLOW_CLASSES[1].color}', few)
    assert max(path.count("M") for path in paths) > 100


def test_a_flow_on_a_bound_is_drawn_once() -> None:
    one = flows(8).iloc[[0]]
    bare = flow_map(one.iloc[:0])
    for bound in (0.0, 0.01, 0.05, 0.1, 0.25, 1.0):
        svg = flow_map(one.assign(flow_share=bound))
        assert svg.count("<path") == bare.count("<path") + 1, bound


def test_no_flows_are_said() -> None:
    svg = flow_map(flows().iloc[:0])
    assert "0 links carry modelled trips" in svg
    assert "the heaviest 0\u00a0%" in svg


def test_flows_without_a_border_line_or_with_one_region() -> None:
    line, regions = synthetic.border_line(), synthetic.regions()
    assert "<svg" in charts.flow_map(flows(), line.iloc[:0], regions, crs=CRS)
    assert "<svg" in charts.flow_map(flows(), line, regions.iloc[:1], crs=CRS)
    up = gpd.GeoDataFrame(geometry=[shapely.LineString([(60, 50), (60, 56)])], crs=4326)
    assert "<svg" in charts.flow_map(flows(), up, regions, crs=CRS)


# --- reach -----------------------------------------------------------------------------------------------------------


def test_curves_rise_in_the_order_of_time() -> None:
    root = ET.fromstring(DRAWN["reach-curves"]())
    lines = [node.get("d") for node in root.iter(f"{SVG}path") if (node.get("d") or "").count("L ") == 2]
    drawn = [np.array(re.findall(r"[ML] ([-\d.]+) ([-\d.]+)", str(d)), float) for d in lines]
    curves = [xy for xy in drawn if np.ptp(xy[:, 0]) > 50]
    assert len(curves) == 6
    for xy in curves:
        assert (np.diff(xy[:, 0]) > 0).all()
        assert (np.diff(xy[:, 1]) < 0).all()  # y runs down


@pytest.mark.parametrize("table", [reach().iloc[:0], reach().assign(people=np.nan), reach().assign(people=0.0)])
def test_nobody_within_reach_is_an_empty_figure(table: pd.DataFrame) -> None:
    svg = charts.reach_curves(table, sides=SIDES)
    assert f"from {SIDES[0]}" in words(svg)


def test_one_limit_and_a_side_without_a_value() -> None:
    table = reach()
    one = table[table["within_min"] == 60]
    assert "<svg" in charts.reach_curves(one, sides=SIDES)
    assert "<svg" in charts.reach_curves(table[table["side"] == "a"], sides=SIDES)


# --- ranks -----------------------------------------------------------------------------------------------------------


def test_ranks_stand_in_their_order_and_regions_without_one_last() -> None:
    table = ranks()
    found = [w for w in words(charts.rank_intervals(table, sides=SIDES)) if w in set(table["name"])]
    order = table.sort_values("rank_median")["name"].tolist()
    assert found == [n for n in order if n in found]
    assert found[-1] == table["name"][2]
    assert f"{table['name'][0]} has the best median rank" in charts.rank_intervals(table, sides=SIDES)


@pytest.mark.parametrize("n", [0, 1, 2])
def test_few_ranks(n: int) -> None:
    svg = charts.rank_intervals(ranks().head(n), sides=SIDES)
    assert f"{n} region{'' if n == 1 else 's'}." in svg


def test_no_rank_at_all() -> None:
    empty = ranks().assign(rank_median=np.nan, rank_p5=np.nan, rank_p95=np.nan)
    svg = charts.rank_intervals(empty, sides=SIDES)
    assert "has the best median rank" not in svg
    assert "12 regions." in svg


# --- types -----------------------------------------------------------------------------------------------------------


def boxes(monkeypatch: pytest.MonkeyPatch, table: pd.DataFrame) -> list[tuple[str, tuple[float, float, float, float]]]:
    """Return the names of the finished figure with the room that matplotlib's own font gives them, in pixels."""
    found: list[tuple[str, tuple[float, float, float, float]]] = []
    write = charts.to_svg

    def spy(fig: Figure, *told: str) -> str:
        svg = write(fig, *told)
        fig.draw_without_rendering()
        found.extend((t.get_text(), tuple(t.get_window_extent().extents)) for t in fig.axes[0].texts)
        page = fig.bbox.extents
        assert all(b[0] >= page[0] and b[2] <= page[2] and b[1] >= page[1] and b[3] <= page[3] for _, b in found)
        return svg

    monkeypatch.setattr(charts, "to_svg", spy)
    quadrants(table)
    return found


@pytest.mark.parametrize("seed", range(8))
def test_names_do_not_cover_each_other(monkeypatch: pytest.MonkeyPatch, seed: int) -> None:
    table = types(12, seed)
    found = boxes(monkeypatch, table)
    assert len(found) == 11  # one region has no place
    for (one, here), (two, there) in combinations(found, 2):
        assert not _overlap(here, there), (one, two)


def test_names_at_one_point_still_stand_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    table = types(5).assign(x=1000.0, y=0.5)
    table.loc[4, "x"] = 2000.0
    found = boxes(monkeypatch, table)
    assert len(found) == 5
    assert len({box for _, box in found}) == 5


def test_each_type_has_its_colour_and_its_count() -> None:
    table = types()
    svg = quadrants(table)
    known = table.dropna(subset=["x", "y"])
    for name, color in type_colors(sorted(table["type"].unique())).items():
        assert (f"fill: {color}" in svg) == (name in set(known["type"])), name
    description = next(n for n in ET.fromstring(svg).iter() if str(n.get("id")).endswith("-desc")).text or ""
    for name, count in known["type"].value_counts().items():
        assert f"{name}: {count}" in description


def test_more_types_than_colours() -> None:
    table = types(30).assign(type=[f"kind {i:02d}" for i in range(30)])
    svg = quadrants(table)
    assert len({w for w in words(svg) if w.startswith("kind")}) == 29
    assert len(type_colors([f"kind {i}" for i in range(30)])) == 30 > len(TYPE_COLORS)


@pytest.mark.parametrize(
    "table", [types().iloc[:0], types().assign(x=np.nan), types().iloc[[3]], types().iloc[3:5].assign(x=0.0, y=0.0)]
)
def test_hardly_any_type_is_still_a_figure(table: pd.DataFrame) -> None:
    svg = quadrants(table)
    known = len(table.dropna(subset=["x", "y"]))
    assert sum(w.startswith("Region of") for w in words(svg)) == known


def test_a_wide_range_is_drawn_in_powers() -> None:
    wide, narrow = types().assign(x=np.geomspace(1, 1e6, 14)), types().assign(x=np.linspace(1, 19, 14))
    assert "100,000" in words(quadrants(wide))
    assert "100,000" not in words(quadrants(narrow))
    below = wide.assign(x=wide["x"] - 2)  # no logarithm of what is below nothing
    assert "<svg" in quadrants(below)


def test_many_links_are_one_path_and_the_page_stays_small():
    rng = np.random.default_rng(5)
    start = np.column_stack([rng.uniform(50, 80, 120_000), rng.uniform(48, 56, 120_000)])
    lines = shapely.linestrings(np.stack([start, start + rng.normal(0, 0.02, start.shape)], axis=1))
    links = gpd.GeoDataFrame({"flow_share": rng.uniform(0, 0.3, len(lines))}, geometry=lines, crs=4326)
    svg = str(charts.flow_map(links, synthetic.border_line(), synthetic.regions(), crs=CRS))
    drawn = {each.color for each in FLOW_CLASSES}
    strokes = [path for path in re.findall(r"<path [^>]*>", svg) if any(color in path for color in drawn)]
    assert len(strokes) <= 2 * len(FLOW_CLASSES)  # a path for each class, and its line in the legend
    assert len(svg) < 3e6


def test_pieces_on_the_grid_of_a_picture_are_drawn_once():
    lines = shapely.linestrings([[(0, 0), (10, 0)], [(10, 0), (0, 0)], [(0, 0), (0.001, 0)], [(3, 3), (4, 4)]])
    assert _on_grid(lines, (0.0, 0.0, 20.0, 20.0)).round(6).tolist() == [[[0, 0], [10, 0]], [[3, 3], [4, 4]]]
