"""The web map: what is in the page, and what real Chromium makes of it with the network cut."""

import base64
import gzip
import json
import re
import shutil
import time
from dataclasses import replace

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely

from maps import assets
from maps.styles import StyleClass, run_styles
from maps.web import with_sides, write_map
from tests.maps import frames as synthetic

STYLES = {style.key: style for style in run_styles()}
SIDES = ("Russia", "Kazakhstan")
URL = r"""https?://[^\s"'<>)]+"""
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
DRIVER = shutil.which("chromedriver")


def layers(**replaced):
    tables = synthetic.tables() | replaced
    return [(style, tables[style.layer]) for style in run_styles()]


def packed(page):
    """Return config and tables as the page will unpack them."""
    config = json.loads(re.search(r'id="map-config">(.*?)</script>', page, re.S).group(1))
    texts = re.findall(r'id="map-table-\d+">(.*?)</script>', page, re.S)
    return config, [json.loads(gzip.decompress(base64.b64decode(text))) for text in texts]


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    path = tmp_path_factory.mktemp("map") / "map.html"
    write_map(
        path,
        layers(),
        title=f"Border {synthetic.HOSTILE}",
        subtitle=synthetic.QUOTES,
        sides=SIDES,
        notes=["<i>note</i>"],
    )
    return path


@pytest.fixture(scope="module")
def page(path):
    return path.read_text(encoding="utf-8")


# --- the page --------------------------------------------------------------------------------------------------------


def test_same_input_same_bytes(path, tmp_path):
    again = tmp_path / "again.html"
    write_map(
        again,
        layers(),
        title=f"Border {synthetic.HOSTILE}",
        subtitle=synthetic.QUOTES,
        sides=SIDES,
        notes=["<i>note</i>"],
    )
    assert again.read_bytes() == path.read_bytes()


def test_no_clock_and_no_chance_in_the_bytes(page):
    tables = re.findall(r'id="map-table-\d+">(.*?)</script>', page, re.S)
    assert {base64.b64decode(text)[4:8] for text in tables} == {bytes(4)}
    assert set(re.findall(r"\bmap_\w+", page)) == {"map_borderlink"}


def test_a_region_can_not_close_the_script_it_is_named_in(tmp_path):
    regions = synthetic.regions()
    regions.loc[0, "name"] = synthetic.HOSTILE
    write_map(tmp_path / "m.html", [(STYLES["regions"], regions)], title="t")
    text = (tmp_path / "m.html").read_text(encoding="utf-8")
    assert "<b id=" not in text
    assert synthetic.HOSTILE in [name for name, *_ in packed(text)[0]["names"]]


def test_page_asks_for_nothing(page):
    assert not re.search(r"""<(?:script|img|iframe|source)[^>]*\ssrc=|<link\b|@import|url\(\s*['"]?(?!data:|#)""", page)
    # What is left are names: the SVG namespace, and what Leaflet's own files mention in comments and its unused prefix.
    mentioned = {url for name in ("leaflet.js", "leaflet.css") for url in re.findall(URL, assets.text(name))}
    assert set(re.findall(URL, page)) - mentioned == {"http://www.w3.org/2000/svg"} - mentioned
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
    assert [style["key"] for style in config["styles"]] == [style.key for style in run_styles()]


def test_only_fields_of_the_styles_and_five_decimals(tmp_path):
    roads = synthetic.edges(5).assign(osmid=7)
    write_map(tmp_path / "m.html", [(STYLES["roads"], roads)], title="t")
    _, [table] = packed((tmp_path / "m.html").read_text(encoding="utf-8"))
    assert set(table["features"][0]["properties"]) == {*STYLES["roads"].fields, "class of roads"}
    numbers = np.array([f["geometry"]["coordinates"] for f in table["features"]])
    assert np.array_equal(numbers, np.round(numbers, 5))
    assert np.abs(numbers - shapely.get_coordinates(roads.geometry).reshape(5, 2, 2)).max() <= 0.5000001e-5


def test_projected_tables_come_back_to_lonlat(tmp_path):
    write_map(tmp_path / "m.html", [(STYLES["checkpoints"], synthetic.checkpoints().to_crs(synthetic.CRS))], title="t")
    _, [table] = packed((tmp_path / "m.html").read_text(encoding="utf-8"))
    first = synthetic.checkpoints().geometry.iloc[0]
    assert table["features"][0]["geometry"]["coordinates"] == pytest.approx([first.x, first.y], abs=1e-5)


def classes_of(tmp_path, style, values):
    frame = gpd.GeoDataFrame(
        {style.column: values}, geometry=[shapely.Point(i, 0).buffer(0.1) for i in range(len(values))], crs=4326
    )
    write_map(tmp_path / "m.html", [(style, frame)], title="t")
    config, [table] = packed((tmp_path / "m.html").read_text(encoding="utf-8"))
    return [f["properties"][f"class of {style.key}"] for f in table["features"]], config["styles"][0]["counts"]


def test_graduated_classes_take_their_lower_bound(tmp_path):
    found, counts = classes_of(tmp_path, STYLES["cells_time"], [0.0, 29.99, 30.0, 479.9, 480.0, np.inf, np.nan, -1.0])
    assert found == [0, 0, 1, 4, 5, 5, -1, -2]
    assert counts == {"-2": 1, "-1": 1, "0": 2, "1": 1, "4": 1, "5": 2}


def test_categorized_classes(tmp_path):
    found, _ = classes_of(tmp_path, STYLES["cells"], ["growth point", "neither", None, "no data", "something else"])
    assert found == [0, 3, 4, 4, -2]


def test_areas_of_one_group_are_a_choice_of_which_one_is_on(tmp_path):
    both = [(replace(style, visible=True), frame) for style, frame in layers()]
    write_map(tmp_path / "m.html", both, title="t")
    config, _ = packed((tmp_path / "m.html").read_text(encoding="utf-8"))
    on = {style["key"]: style["visible"] for style in config["styles"] if style["choice"]}
    assert on == {"cells": True, "cells_time": False, "cells_loss": False}


def test_attribution_holds_all_rights_once(page):
    text = packed(page)[0]["attribution"]
    assert text.startswith("© OpenStreetMap contributors (ODbL-1.0) | ")
    for style in run_styles():
        assert text.count(style.rights.replace("'", "&#x27;")) == 1


def test_rows_without_a_place_are_left_out(tmp_path):
    points = synthetic.checkpoints()
    points.loc[points.index[:2], "geometry"] = [None, shapely.Point()]
    write_map(tmp_path / "m.html", [(STYLES["checkpoints"], points)], title="t")
    config, [table] = packed((tmp_path / "m.html").read_text(encoding="utf-8"))
    assert len(table["features"]) == config["styles"][0]["rows"] == len(points) - 2


def test_all_problems_at_once(tmp_path):
    cells = synthetic.cells()
    wrong = [
        (STYLES["cells"], cells.drop(columns="label")),
        (STYLES["cells"], cells.set_crs(None, allow_override=True)),
        (STYLES["roads"], cells),
    ]
    with pytest.raises(ValueError, match="can't be drawn") as caught:
        write_map(tmp_path / "m.html", wrong, title="t")
    text = str(caught.value)
    for words in (
        "'cells' is given 2 times",
        "column 'label' is missing",
        "no CRS",
        "geometry Polygon given, LineString or MultiLineString allowed",
    ):
        assert words in text
    assert not (tmp_path / "m.html").exists()


@pytest.mark.parametrize(
    "harm",
    ['<script src="https://example.org/x.js"></script>', '<link rel="stylesheet" href="//example.org/x.css">', "<style>a{background:url(http://example.org/a.png)}</style>",
     "<style>@import 'x.css'</style>", '<img src="marker.png">', '<p style="background:url(https://example.org/a.png)">'],
)  # fmt: skip
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
        write_map(tmp_path / "m.html", [(STYLES["roads"], synthetic.edges(3))], title="t")
    assert not (tmp_path / "m.html").exists()


def test_sides_are_named():
    assert with_sides("Region on side a", SIDES) == "Region in Russia"
    assert with_sides("the same, side b", SIDES) == "the same, Kazakhstan"
    assert with_sides("Side a", ("a", "b")) == "Side a"
    assert with_sides("Side b", ("x", r"\1 & y")) == r"\1 & y"


@pytest.mark.parametrize(
    ("column", "label", "value", "written"),
    [("wait_min", "Wait", 12.34, "12"), ("time_min", "Time (min)", 9.96, "10"), ("time_min", "Time (min)", 4.04, "4.0"), ("share", "Share of demand", 0.123, "12 %"),
     ("share", "Share", 0.0004, "0.0 %"), ("population", "People", 1234567.0, "1,234,567"), ("lost_potential", "Lost (person-equivalents)", 98765.4, "98,800"),
     ("loss_q", "q", 0.0213, "0.021"), ("loss_q", "q", 0.0002, "0.0002"), ("match_km", "Distance", 0.04, "0.0"), ("x", "x", -0.00012, "−0.000120"), ("x", "x", np.nan, "–"),
     ("length_m", "Length (m)", 15320.6, "15,321"), ("x", "x", 9999.0, "10,000")],
)  # fmt: skip
def test_numbers_are_written_for_a_reader(column, label, value, written):
    kind = assets.value_kind(column, label, pd.Series([value]))
    assert assets.format_value(value, kind) == written


# --- real Chromium ---------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def chromium():
    if not CHROMIUM or not DRIVER:
        pytest.skip("Chromium and ChromeDriver are not installed")
    webdriver = pytest.importorskip("selenium.webdriver", reason="selenium is not installed")
    options = webdriver.ChromeOptions()
    options.binary_location = CHROMIUM
    for flag in (
        "--headless=new",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-dev-shm-usage",
        "--window-size=1200,800",
        "--host-resolver-rules=MAP * ~NOTFOUND",
    ):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    driver = webdriver.Chrome(options=options, service=webdriver.ChromeService(DRIVER))
    yield driver
    driver.quit()


def opened(driver, path):
    driver.get_log("browser"), driver.get_log("performance")
    driver.get(path.as_uri())
    driver.set_script_timeout(30)
    driver.execute_async_script("map_borderlink.borderlink.ready.then(arguments[0])")
    return driver


@pytest.fixture
def browser(chromium, path):
    driver = opened(chromium, path)
    yield driver
    severe = [entry["message"] for entry in driver.get_log("browser") if entry["level"] == "SEVERE"]
    sent = [json.loads(entry["message"])["message"] for entry in driver.get_log("performance")]
    asked = [m["params"]["request"]["url"] for m in sent if m["method"] == "Network.requestWillBeSent"]
    assert severe == []
    assert [url for url in asked if not url.startswith(("file:", "data:", "blob:"))] == []


def until(driver, script, *arguments):
    """Wait until a script gives something true, and return it."""
    end = time.monotonic() + 10
    while time.monotonic() < end:
        value = driver.execute_script(script, *arguments)
        if value:
            return value
        time.sleep(0.05)
    raise AssertionError(f"never became true: {script}")


def switch(driver, key):
    driver.execute_script("document.querySelector(`input[data-key='${arguments[0]}']`).click()", key)


def legend(driver):
    return driver.execute_script("return [...document.querySelectorAll('.legend section')].map(s => s.dataset.key)")


def pixels(driver):
    return driver.execute_script(
        "let n=0; for (const c of document.querySelectorAll('.leaflet-pane canvas')) {const d=c.getContext('2d').getImageData(0,0,c.width,c.height).data;"
        "for (let i=3;i<d.length;i+=4) n+=d[i]>0;} return n"
    )


@pytest.mark.browser
def test_visible_layers_are_drawn(browser):
    assert pixels(browser) > 10_000
    visible = [style.key for style in run_styles() if style.visible]
    assert (
        browser.execute_script("return map_borderlink.borderlink.layers.filter(l => l.on).map(l => l.style.key)")
        == visible
    )
    drawn = browser.execute_script(
        "let n=0; map_borderlink.eachLayer(l => n += l instanceof L.Path && l.feature !== undefined); return n"
    )
    tables = synthetic.tables()
    assert drawn == sum(len(tables[STYLES[key].layer]) for key in visible)


@pytest.mark.browser
def test_legend_follows_the_layers(browser):
    assert legend(browser) == [style.key for style in run_styles() if style.visible]
    switch(browser, "segments")
    until(browser, "return !!document.querySelector(\".legend section[data-key='segments']\")")
    text = browser.execute_script("return document.querySelector(\".legend section[data-key='segments']\").textContent")
    assert all(each.label in text for each in STYLES["segments"].classes)
    switch(browser, "segments")
    switch(browser, "roads")
    until(
        browser,
        "return !document.querySelector(\".legend section[data-key='segments'], .legend section[data-key='roads']\")",
    )
    switch(browser, "cells_time")
    until(browser, "return !!document.querySelector(\".legend section[data-key='cells_time']\")")
    assert "cells" not in legend(browser)
    box = browser.execute_script(
        "const l=document.querySelector('.legend'); return [l.getAttribute('role'), l.getAttribute('aria-label')]"
    )
    assert box == ["region", "Legend"]


@pytest.mark.browser
def test_order_does_not_depend_on_what_was_switched_last(browser):
    for key in ("checkpoints", "regions", "railways", "checkpoints", "regions"):
        switch(browser, key)
    until(
        browser,
        "return map_borderlink.borderlink.layers.filter(l => ['checkpoints','regions','railways'].includes(l.style.key)).every(l => l.on)",
    )
    order = browser.execute_script(
        "const by=new Map(); map_borderlink.borderlink.layers.filter(l => l.on).forEach(l => l.group.eachLayer(p => by.set(L.stamp(p), l.style.key)));"
        "const first=map_borderlink.borderlink.layers.find(l => l.on).group.getLayers()[0]._renderer; const seen=[];"
        "for (let o=first._drawFirst; o; o=o.next) { const k=by.get(L.stamp(o.layer)); if (seen.at(-1)!==k) seen.push(k); } return seen"
    )
    assert order == [style.key for style in reversed(run_styles()) if style.visible or style.key == "railways"]


def search(driver, words):
    field = driver.find_element("css selector", "#search-input")
    field.clear()
    field.send_keys(words)
    until(driver, "return !document.getElementById('search-results').hidden")
    field.send_keys("\n")
    return until(
        driver,
        "const p=document.querySelector('.leaflet-popup-content'); return p && p.querySelector('.popup-title').textContent",
    )


def rows(driver):
    found = driver.execute_script(
        "return [...document.querySelectorAll('.leaflet-popup-content tr')].map(r => [...r.children].map(c => c.textContent))"
    )
    return dict(found)


@pytest.mark.browser
def test_search_opens_the_pop_up_of_a_checkpoint(browser):
    before = browser.execute_script("return map_borderlink.getZoom()")
    assert search(browser, "mashta") == "Mashtakovo"
    assert browser.execute_script("return map_borderlink.getZoom()") > before
    shown, table = rows(browser), synthetic.checkpoints().iloc[0]
    assert shown["Region in Russia"] == "RU-01"
    assert shown["Wait, median (min, assumed where marked)"] == "60"
    assert shown["Wait is an assumption"] == "yes"
    assert shown["Share of modelled cross-border demand"] == assets.format_value(table["share"], "share")
    assert shown["Name in Russian"] == shown["Name in Kazakh"] == "no data"


@pytest.mark.browser
def test_search_switches_a_hidden_layer_on(browser):
    assert "settlements" not in legend(browser)
    assert search(browser, "place 58") == "Place 58"
    assert "settlements" in legend(browser)
    assert rows(browser)["People"] == "no data"
    assert browser.execute_script("return document.querySelector(\"input[data-key='settlements']\").checked")


@pytest.mark.browser
@pytest.mark.parametrize("name", [synthetic.HOSTILE, synthetic.QUOTES])
def test_markup_in_a_name_stays_text(browser, name):
    assert search(browser, name) == name
    assert browser.execute_script("return document.getElementById('harm')") is None
    assert synthetic.HOSTILE in browser.execute_script("return document.title")


@pytest.mark.browser
def test_click_on_the_map_opens_the_topmost_feature(browser):
    point = synthetic.checkpoints().geometry.iloc[7]
    browser.execute_script(
        "map_borderlink.setView([arguments[0], arguments[1]], 9, {animate: false})", point.y, point.x
    )
    spot = browser.execute_script(
        "const r=map_borderlink.getContainer().getBoundingClientRect(), p=map_borderlink.latLngToContainerPoint([arguments[0], arguments[1]]); return [r.x+p.x, r.y+p.y]",
        point.y, point.x,
    )  # fmt: skip
    for kind in ("mousePressed", "mouseReleased"):
        browser.execute_cdp_cmd(
            "Input.dispatchMouseEvent", {"type": kind, "x": spot[0], "y": spot[1], "button": "left", "clickCount": 1}
        )
    assert (
        until(browser, "const p=document.querySelector('.popup-title'); return p && p.textContent")
        == synthetic.checkpoints()["name"].iloc[7]
    )


@pytest.mark.browser
def test_attribution_scale_and_names_are_on_the_map(browser):
    text = browser.execute_script("return document.querySelector('.leaflet-control-attribution').textContent")
    assert "© OpenStreetMap contributors" in text
    assert "Made with Natural Earth" in text
    assert browser.execute_script("return document.querySelectorAll('.leaflet-control-scale').length") == 1
    names = browser.execute_script(
        "return [...document.querySelectorAll('.place-name:not(.away)')].map(n => n.textContent)"
    )
    assert "Kurgan" in names
    switch(browser, "names")
    until(browser, "return document.querySelectorAll('.place-name').length === 0")


@pytest.mark.browser
def test_controls_fold_on_a_narrow_screen(chromium, path):
    chromium.execute_cdp_cmd(
        "Emulation.setDeviceMetricsOverride", {"width": 400, "height": 800, "deviceScaleFactor": 1, "mobile": False}
    )
    try:
        opened(chromium, path)
        assert chromium.execute_script("return [...document.querySelectorAll('.panel details')].map(d => d.open)") == [
            False,
            False,
        ]
        assert chromium.execute_script("return document.documentElement.scrollWidth") <= 400
    finally:
        chromium.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})


@pytest.mark.browser
def test_thousands_of_lines_open_fast_and_small(chromium, tmp_path):
    many = layers(
        roads=synthetic.edges(8000), railways=synthetic.edges(12_000, 2), settlements=synthetic.settlements(2500)
    )
    file = tmp_path / "many.html"
    write_map(file, [(replace(s, visible=s.visible or s.key == "railways"), f) for s, f in many], title="Many")
    assert file.stat().st_size < 6e6
    start = time.monotonic()
    opened(chromium, file)
    assert time.monotonic() - start < 10  # about 1 s on two cores; the bound leaves room for a busy machine
    assert (
        chromium.execute_script("let n=0; map_borderlink.eachLayer(l => n += l instanceof L.Path); return n") > 20_000
    )


@pytest.mark.browser
def test_a_class_that_holds_nothing_known(chromium, tmp_path):
    style = replace(STYLES["cells_time"], visible=True, classes=(StyleClass("up to 30", "#fee391", lower=0, upper=30),))
    write_map(tmp_path / "m.html", [(style, synthetic.cells())], title="t")
    opened(chromium, tmp_path / "m.html")
    text = chromium.execute_script("return document.querySelector('.legend').textContent")
    assert "No data" in text
    assert "Outside the classes" in text
    assert chromium.execute_script("return document.getElementById('search-form').hidden")
