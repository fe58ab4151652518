"""The report and its figures: what is said, what is escaped, that nothing is asked for and the bytes stay the same."""

import re
import shutil
import tempfile
import warnings
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree as ET

import geopandas as gpd
import numpy as np
import pandas as pd
import pyproj
import pytest
import shapely

from maps.contents import Contents
from maps.report import figures
from maps.report.cautions import by_chapter
from maps.report.page import write_report
from maps.styles.classes import NO
from maps.styles.layers import BOTTLENECK_CLASSES, CHECKPOINT_CLASSES, GROWTH_CLASSES, run_styles
from maps.styles.water import WATER
from maps.web.finding import FINDING
from tests.maps import frames as synthetic
from tests.maps import scenario_frames

CRS = pyproj.CRS.from_user_input(synthetic.CRS)
RUN = {style.key: style for style in run_styles()}
SVG = "{http://www.w3.org/2000/svg}"
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
DRIVER = shutil.which("chromedriver")


def run_tables():
    return {
        "growth": synthetic.growth_list(),
        "bottlenecks": synthetic.bottleneck_list(),
        "statistics": synthetic.statistics(),
    }


def parts(**changed):
    return {
        "title": f"Report {synthetic.HOSTILE}",
        "subtitle": "Base run",
        "findings": [f"Most is lost at {synthetic.QUOTES}.", "Second finding"],
        "layers": synthetic.tables(),
        "styles": (),
        "tables": run_tables(),
        "assumptions": synthetic.assumptions(),
        "sources": synthetic.sources(),
        "warnings": ["Waits are <assumed>."],
        "facts": {"Seed": "42", "Version": "0.1.0"},
        "crs": CRS,
    } | changed


def write(path, **changed):
    write_report(path, Contents(**parts(**changed)))
    return path.read_text(encoding="utf-8")


class Page(HTMLParser):
    """Tables by caption, headings, ids and links of a page."""

    def __init__(self, text):
        super().__init__()
        self.tables, self.headings, self.ids, self.links, self.classes = {}, [], [], [], {}
        self._at, self._row, self._text = None, None, []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        attributes = dict(attrs)
        self.ids += [attributes["id"]] if "id" in attributes else []
        self.links += [attributes["href"]] if tag == "a" else []
        self._text = [] if tag in ("caption", "th", "td", "h2") else self._text
        if tag == "tr":
            self._row = []
        if tag in ("th", "td"):
            self.classes.setdefault((self._at, tag), []).append(attributes.get("class"))

    def handle_data(self, data):
        self._text.append(data)

    def handle_endtag(self, tag):
        text = "".join(self._text).strip()
        if tag == "caption":
            self._at = text
            self.tables[text] = []
        elif tag in ("th", "td"):
            self._row.append(text)
        elif tag == "tr":
            self.tables[self._at].append(self._row)
        elif tag == "h2":
            self.headings.append(text)

    def table(self, caption):
        head, *rows = self.tables[caption]
        return pd.DataFrame(rows, columns=head, dtype=object)


@pytest.fixture(scope="module")
def text(tmp_path_factory):
    return write(tmp_path_factory.mktemp("report") / "report.html", sides=("Russia", "Kazakhstan"))


@pytest.fixture(scope="module")
def page(text):
    return Page(text)


# --- the report ------------------------------------------------------------------------------------------------------


def test_same_input_same_bytes(text, tmp_path):
    assert write(tmp_path / "again.html", sides=("Russia", "Kazakhstan")) == text


KEYS = ["places", "checkpoints", "sure", "levels", "data"]
"""Chapters that the tables of a plain run fill."""


def test_a_summary_then_chapters_and_the_contents_lead_to_them(page):
    assert page.headings == [
        "What was found",
        "Growth points and bottlenecks",
        "Checkpoints",
        "How sure",
        "Regions",
        "What it rests on",
    ]
    assert [link.removeprefix("#") for link in page.links] == KEYS
    assert set(KEYS) <= set(page.ids)
    assert len(page.ids) == len(set(page.ids))


def test_page_asks_for_nothing(text):
    assert not re.search(r"""\s(?:src|srcset)=|<link\b|<script\b|@import|url\(\s*['"]?(?!data:|#)""", text)
    assert set(re.findall(r"https?://[^\s\"'<>]+", text)) == {
        "http://www.w3.org/2000/svg",
        "http://www.w3.org/1999/xlink",
    }


def test_names_stay_text(text, page):
    assert '<b id="harm">' not in text
    assert "Waits are &lt;assumed&gt;." in text
    assert "Natural Earth &lt;10m&gt;" in text
    points = synthetic.checkpoints().assign(share=1.0)
    hostile = Page(write_over(points))
    shown = hostile.table("Checkpoints, largest share first")["Name"].tolist()
    assert synthetic.QUOTES in shown


def write_over(points):
    path = Path(tempfile.mkdtemp()) / "r.html"
    return write(path, layers=synthetic.tables() | {"checkpoints": points})


def test_places_are_ranked_with_their_ranges_and_ten_of_them(text, page):
    shown, given = page.table("Places of growth, largest effect first"), synthetic.growth_list()
    assert shown["Place"].tolist() == given["place"].head(10).tolist()
    assert shown["Rank"].tolist() == [str(n) for n in range(1, 11)]
    assert f"The first 10 of {len(given)}" in text
    slow = page.table("Bottlenecks, most people times excess minutes first")
    assert slow["Place"].tolist() == synthetic.bottleneck_list()["place"].head(10).tolist()


def test_what_is_the_same_in_all_rows_is_said_once_and_not_repeated(text, page):
    flat = synthetic.checkpoints().assign(mode="road", hours="24/7")
    again = Page(write_over(flat))
    shown = again.table("Checkpoints, largest share first")
    assert "Mode" not in shown and "Hours" not in shown
    assert len(shown) == 10


def test_no_code_and_no_id_where_there_is_a_name(text):
    body = re.sub(r"<svg.*?</svg>|<style.*?</style>", "", text, flags=re.S)
    assert not re.search(r"\bRU-\d|\bKZ-\d|PROJCRS|[0-9a-f]{15}", body)
    said = write(Path(tempfile.mkdtemp()) / "r.html", warnings=["without share: cp-3"], findings=["km 5 from RU-01"])
    assert synthetic.checkpoints()["name"].iloc[3] in said or "cp-3" not in set(
        synthetic.checkpoints()["checkpoint_id"]
    )
    assert "km 5 from Orenburg" in said


def test_warnings_stand_in_the_chapter_that_they_touch():
    found = by_chapter(
        [
            "the waits of 2 of 2 checkpoints are assumptions",
            "gaps are bridged",
            "growth: 5 of 9 units are not tested",
            "gaps are bridged",
        ]
    )
    assert {key: len(lines) for key, lines in found.items()} == {"checkpoints": 1, "data": 1, "sure": 1}


def test_assumptions_and_sources_are_whole(page):
    assert len(page.table("Assumptions")) == len(synthetic.assumptions())
    assert len(page.table("Sources and licences")) == len(synthetic.sources())


def test_a_run_with_little_is_still_a_report(tmp_path):
    empty = {name: pd.DataFrame(columns=["note"]) for name in ("assumptions", "sources")}
    text = write(tmp_path / "r.html", layers={}, tables={}, findings=[], warnings=[], facts={}, subtitle="", **empty)
    assert "<svg" not in text
    assert Page(text).headings == ["What was found", "What it rests on"]


def test_a_scenario_has_a_report(tmp_path):
    cells = scenario_frames.tables()["cells_change"]
    most = pd.DataFrame(
        {
            "place": ["A", "B", "C"],
            "near": ["x", "y", "z"],
            "region": "RU-01",
            "population": [3, 2, 1],
            "effect": ["gain", "gain", "loss"],
            "potential_change_pct": [5.0, 4.0, -3.0],
        }
    )
    text = write(
        tmp_path / "s.html",
        layers=scenario_frames.tables(),
        tables={"cells": cells, "most_changed": most},
        sides=("RU", "KZ"),
    )
    page = Page(text)
    assert page.headings == ["What was found", "What changes", "What it rests on"]
    assert page.table("Places that change most")["Place"].tolist() == ["A", "B", "C"]
    assert "change-map-title" in page.ids


# --- figures ---------------------------------------------------------------------------------------------------------


def drawn(name, **changed):
    tables = synthetic.tables() | changed
    calls = {
        "border-profile": lambda: figures.border_profile(
            tables["segments"], checkpoints=tables["checkpoints"], sides=("Russia", "Kazakhstan")
        ),
        "checkpoint-bars": lambda: figures.checkpoint_bars(tables["checkpoints"], top=15),
        "finding-map": lambda: figures.area_map(
            "finding-map", "Growth points", tables["cells"], RUN["cells"], tables, crs=CRS
        ),
    }
    return calls[name]()


def words(svg):
    return [(node.text or "").strip() for node in ET.fromstring(svg).iter(f"{SVG}text")]


NAMES = ["border-profile", "checkpoint-bars", "finding-map"]


@pytest.mark.parametrize("name", NAMES)
def test_figures_are_named_and_repeatable(name):
    svg = drawn(name)
    root = ET.fromstring(svg)
    assert root.get("role") == "img"
    by_id = {node.get("id"): node for node in root.iter() if node.get("id")}
    assert by_id[root.get("aria-labelledby")].text
    assert by_id[root.get("aria-describedby")].text
    assert all(key.startswith(name) for key in by_id)
    used = set(re.findall(r'(?:url\(#|href="#)([^")]+)', svg))
    assert used <= set(by_id)
    assert drawn(name) == svg


def test_figures_do_not_lean_on_the_settings_of_the_caller():
    import matplotlib as mpl

    expected = drawn("checkpoint-bars")
    with mpl.rc_context({"svg.fonttype": "path", "font.size": 20, "axes.facecolor": "red"}):
        assert drawn("checkpoint-bars") == expected
        assert mpl.rcParams["font.size"] == 20


def test_profile_names_pairs_and_counts_gaps():
    svg = drawn("border-profile")
    assert [w for w in words(svg) if "/" in w] == [f"RU-{i:02d} / KZ-{i + 6:02d}" for i in range(6)]
    assert "lack a value on a side: 3." in svg
    assert "Kazakhstan" in words(svg)
    assert "checkpoint" in words(svg)
    assert "checkpoint" not in words(figures.border_profile(synthetic.segments()))


def test_checkpoints_stand_at_their_place_on_the_line():
    segments, points = synthetic.segments(), synthetic.checkpoints()
    got = figures._border_km(segments.to_crs(CRS), points)
    assert len(got) == len(points)
    assert got == pytest.approx(np.linspace(0.03, 0.97, len(points)) * segments["km_to"].max(), abs=6.0)


def test_profile_without_any_value():
    segments = synthetic.segments().assign(time_to_checkpoint_a_min=np.nan, time_to_checkpoint_b_min=np.nan)
    assert "No segment reaches a checkpoint" in figures.border_profile(segments)


def test_checkpoint_bars_take_the_largest():
    svg = drawn("checkpoint-bars")
    largest = synthetic.checkpoints().sort_values("share", ascending=False).head(15)
    assert set(largest["name"]) <= set(words(svg))
    smallest = synthetic.checkpoints().sort_values("share")["name"].iloc[0]
    assert smallest not in words(svg)
    assert words(svg).count("no data") == int(largest["criticality_min"].isna().sum())


@pytest.mark.parametrize(("key", "classes"), [("cells", GROWTH_CLASSES), ("cells_bottleneck", BOTTLENECK_CLASSES)])
def test_map_draws_each_flag_in_its_colour(key, classes):
    cells, tables = synthetic.cells(), synthetic.tables()
    column = RUN[key].column
    svg = figures.area_map("m", "Flags", cells, RUN[key], tables, crs=CRS)
    for each in classes:
        assert f"fill: {each.color}" in svg
        assert f"{each.label} ({int((cells[column] == each.value).sum())})" in svg
    assert {c.label for c in CHECKPOINT_CLASSES} <= set(words(svg))
    assert {"Kurgan", "Aktobe"} <= set(words(svg))
    without = figures.area_map("m", "Flags", cells.assign(**{column: NO}), RUN[key], tables, crs=CRS)
    assert classes[0].color not in without


def test_lakes_that_are_wide_enough_are_drawn_under_the_cells():
    tables = synthetic.tables()
    west, south, east, north = tables["regions"].total_bounds
    pond = shapely.Point((west + east) / 2, (south + north) / 2).buffer(0.002)
    lake = shapely.Point((west + east) / 2, (south + north) / 2).buffer(0.4)
    beyond = shapely.box(west - 30, south, west - 29, north)

    def drawn_with(*shapes):
        frame = gpd.GeoDataFrame(geometry=list(shapes), crs=4326)
        water = frame.assign(area_km2=frame.to_crs(6933).area / 1e6)
        return figures.area_map("m", "Flags", tables["cells"], RUN["cells"], {**tables, "water": water}, crs=CRS)

    color = WATER.classes[0].color
    svg = drawn_with(pond, lake, beyond)
    assert svg.count(f"fill: {color}") == 2  # the lake, and its line of the legend
    assert "Water" in words(svg)
    assert svg.index(f"fill: {color}") < svg.index(f"fill: {GROWTH_CLASSES[0].color}")
    for without in (drawn_with(pond), drawn_with(beyond), drawn("finding-map")):
        assert color not in without
        assert "Water" not in words(without)


def test_what_is_less_sure_is_striped_for_readers_in_grey():
    cells = synthetic.cells()
    found = cells.iloc[:3].assign(finding=["growth point steady", "growth point some", "bottleneck some"])
    svg = figures.area_map("m", "Finding", found, FINDING, synthetic.tables(), crs=CRS)
    assert svg.count("<pattern") == 2


def test_any_script_and_dollar_signs_in_names():
    points = synthetic.checkpoints()
    points.loc[0, "name"] = "满洲里 $x^2$ ქ"
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert any("$x^2$" in word for word in words(figures.checkpoint_bars(points, top=18)))


# --- real Chromium ---------------------------------------------------------------------------------------------------


@pytest.mark.browser
def test_report_opens_without_a_word_in_the_console(chromium, text, tmp_path):
    (tmp_path / "report.html").write_text(text, encoding="utf-8")
    chromium.get_log("browser")  # what other pages said goes
    try:
        for width in (1200, 400):
            size = {"width": width, "height": 800, "deviceScaleFactor": 1, "mobile": False}
            chromium.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
            chromium.get((tmp_path / "report.html").as_uri())
            assert chromium.execute_script("return document.documentElement.scrollWidth") <= width
            sizes = chromium.execute_script(
                "return [...document.querySelectorAll('figure svg')].map(s => s.getBoundingClientRect().height)"
            )
            assert len(sizes) == 2
            assert min(sizes) > 100
        assert chromium.execute_script("return document.getElementById('harm')") is None
        assert [entry for entry in chromium.get_log("browser") if entry["level"] == "SEVERE"] == []
    finally:
        chromium.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
