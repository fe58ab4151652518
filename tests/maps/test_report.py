"""The report and its figures: what is said, what is escaped, that nothing is asked for and the bytes stay the same."""

import re
import shutil
import warnings
from html.parser import HTMLParser
from xml.etree import ElementTree as ET

import numpy as np
import pandas as pd
import pyproj
import pytest

from maps.contents import Contents
from maps.report import figures
from maps.report.page import write_report
from maps.styles.classes import NO
from maps.styles.layers import BOTTLENECK_CLASSES, CHECKPOINT_CLASSES, GROWTH_CLASSES
from tests.maps import frames as synthetic

CRS = pyproj.CRS.from_user_input(synthetic.CRS)
SVG = "{http://www.w3.org/2000/svg}"
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
DRIVER = shutil.which("chromedriver")


def run_tables():
    return {
        "growth": synthetic.growth_list(),
        "bottlenecks": synthetic.bottleneck_list(),
        "statistics": synthetic.statistics(),
    }


def write(path, **changed):
    given = {
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
    write_report(path, Contents(**given))
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


def test_sections_stand_in_order_and_the_contents_lead_to_them(page):
    assert page.headings == [
        "Findings", "Overview map", "Growth points", "Bottlenecks", "Checkpoints", "Along the border", "Regions", "Connectivity",
        "Within reach", "Trips", "Closures", "Places and how sure they are", "Levels and types", "Spatial statistics", "Assumptions",
        "Sources and licences", "Warnings", "How to read this", "The run",
    ]  # fmt: skip
    assert len(page.links) >= len(page.headings)
    assert {link.removeprefix("#") for link in page.links} <= set(page.ids)
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
    shown = page.table("Checkpoints, largest share of demand first")["Checkpoint"].tolist()
    assert synthetic.HOSTILE in shown
    assert synthetic.QUOTES in shown


def test_places_of_growth_are_ranked_with_their_ranges(text, page):
    shown, given = page.table("Places of growth, largest effect first"), synthetic.growth_list()
    assert shown["Place"].tolist() == given["place"].head(25).tolist()
    assert shown["Rank"].tolist() == [str(n) for n in range(1, 26)]
    assert shown["5–95 % of settings"].iloc[0] == "1.5 to 6.0"
    assert shown["5–95 % of ranks"].iloc[0] == "1 to 4"
    assert set(shown["Region"]) <= set(synthetic.regions()["name"])
    assert "The first 25 of 40" in text


def test_bottlenecks_are_ranked_with_their_wait(text, page):
    shown, given = page.table("Bottlenecks, most people times excess minutes first"), synthetic.bottleneck_list()
    assert shown["Place"].tolist() == given["place"].head(25).tolist()
    assert shown["Excess (min)"].iloc[0] == "140"
    assert shown["5–95 % of settings"].iloc[0] == "120 to 160"
    assert set(shown["of the excess, wait (min)"]) == {"60"}
    assert "The first 25 of 30" in text


def test_missing_numbers_are_a_dash_with_a_note(text, page):
    shown = page.table("Checkpoints, largest share of demand first").set_index("Checkpoint")
    assert shown.loc[synthetic.QUOTES, "Extra time per trip when closed (min)"] == "–"
    assert shown.loc["Closed & shut", "Wait, median (min)"] == "–"
    assert shown.loc["Mashtakovo", "Wait, median (min)"] == "60 *"
    assert "– no value or out of reach." in text
    assert "* The wait is an assumption" in text
    assert (
        page.table("Regions on the border").set_index("Region").loc["Kurgan", "To the nearest checkpoint (min)"] == "–"
    )


def test_numbers_stand_right(page):
    caption = "Spatial statistics"
    assert page.classes[caption, "th"] == [None, None, "num", "num", "num", "num", "num", "num", None]
    assert page.classes[caption, "td"][:9] == page.classes[caption, "th"]
    assert page.table(caption)["Permutations"].tolist() == ["9,999", "9,999", "199"]
    assert page.table(caption)["Expected"].iloc[0] == "−0.00120"


def test_regions_of_side_a_come_first(page):
    shown = page.table("Regions on the border")
    assert shown["Side"].tolist() == ["Russia"] * 6 + ["Kazakhstan"] * 6


def test_values_of_assumptions_are_exact(tmp_path):
    given = pd.DataFrame({"what": ["a", "b"], "value": [1234.5678, 0.05], "unit": ["m", ""], "source": ["x", "y"]})
    assert Page(write(tmp_path / "r.html", assumptions=given)).table("Assumptions")["Value"].tolist() == [
        "1,234.5678",
        "0.05",
    ]
    mixed = given.assign(value=pd.Series(["gravity", "2"], dtype=object))
    assert Page(write(tmp_path / "r.html", assumptions=mixed)).table("Assumptions")["Value"].tolist() == [
        "gravity",
        "2",
    ]


def test_a_run_without_places_says_so(tmp_path):
    lists = {"growth": synthetic.growth_list().head(0), "bottlenecks": synthetic.bottleneck_list().head(0)}
    text = write(tmp_path / "r.html", tables=lists)
    assert "No place has people enough" in text
    assert "No place takes longer than home roads do" in text


def test_a_run_with_little_is_still_a_report(tmp_path):
    empty = {name: pd.DataFrame(columns=["note"]) for name in ("assumptions", "sources")}
    text = write(tmp_path / "r.html", layers={}, tables={}, findings=[], warnings=[], facts={}, subtitle="", **empty)
    assert "<svg" not in text
    for words in (
        "no tables to draw the map",
        "no table of checkpoints",
        "no table of segments",
        "no table of regions",
        "tested nothing",
        "names no sources",
    ):
        assert words in text


# --- figures ---------------------------------------------------------------------------------------------------------


def drawn(name, **changed):
    tables = synthetic.tables() | changed
    calls = {
        "border-profile": lambda: figures.border_profile(
            tables["segments"], checkpoints=tables["checkpoints"], sides=("Russia", "Kazakhstan")
        ),
        "checkpoint-bars": lambda: figures.checkpoint_bars(tables["checkpoints"], top=15),
        "region-bars": lambda: figures.region_bars(tables["regions"]),
        "growth-map": lambda: figures.flag_map(
            "growth", tables["cells"], tables["border_line"], tables["checkpoints"], tables["regions"], crs=CRS
        ),
    }
    return calls[name]()


def words(svg):
    return [(node.text or "").strip() for node in ET.fromstring(svg).iter(f"{SVG}text")]


NAMES = ["border-profile", "checkpoint-bars", "region-bars", "growth-map"]


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

    expected = drawn("region-bars")
    with mpl.rc_context({"svg.fonttype": "path", "font.size": 20, "axes.facecolor": "red"}):
        assert drawn("region-bars") == expected
        assert mpl.rcParams["font.size"] == 20


def test_profile_names_pairs_and_counts_gaps():
    svg = drawn("border-profile")
    assert [w for w in words(svg) if "/" in w] == [f"RU-{i:02d} / KZ-{i + 6:02d}" for i in range(6)]
    assert "3 segments lack a value on a side." in svg
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
    assert "no segment reaches a checkpoint" in figures.border_profile(segments)


def test_checkpoint_bars_take_the_largest():
    svg = drawn("checkpoint-bars")
    largest = synthetic.checkpoints().sort_values("share", ascending=False).head(15)
    assert set(largest["name"]) <= set(words(svg))
    smallest = synthetic.checkpoints().sort_values("share")["name"].iloc[0]
    assert smallest not in words(svg)
    assert words(svg).count("no data") == int(largest["criticality_min"].isna().sum())


@pytest.mark.parametrize(("flag", "classes"), [("growth", GROWTH_CLASSES), ("bottleneck", BOTTLENECK_CLASSES)])
def test_map_draws_each_flag_in_its_colour(flag, classes):
    cells = synthetic.cells()
    frames = [synthetic.tables()[name] for name in ("border_line", "checkpoints", "regions")]
    svg = figures.flag_map(flag, cells, *frames, crs=CRS)
    for each in classes:
        assert f"fill: {each.color}" in svg
        assert f"{each.label}: {int((cells[f'{flag}_flag'] == each.value).sum())}" in svg
    assert {c.label for c in CHECKPOINT_CLASSES} <= set(words(svg))
    assert {"Kurgan", "Aktobe"} <= set(words(svg))
    without = figures.flag_map(flag, cells.assign(**{f"{flag}_flag": NO}), *frames, crs=CRS)
    assert classes[0].color not in without


def test_region_bars_say_where_there_is_no_value():
    regions = synthetic.regions()
    regions.loc[0, ["loss_detour", "loss_delay"]] = np.nan
    assert words(figures.region_bars(regions)).count("no data") == 1
    assert "no data" not in words(drawn("region-bars"))


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
            assert len(sizes) == 5
            assert min(sizes) > 100
        assert chromium.execute_script("return document.getElementById('harm')") is None
        assert [entry for entry in chromium.get_log("browser") if entry["level"] == "SEVERE"] == []
    finally:
        chromium.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
