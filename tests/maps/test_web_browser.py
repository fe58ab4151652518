"""The web map: what real Chromium makes of it with the network cut."""

import time
from dataclasses import replace

import pytest

from maps.styles.layers import StyleClass, run_styles
from maps.web import assets
from maps.web.map import write_map
from tests.maps import frames as synthetic
from tests.maps.pages import contents, layers, legend, opened, pixels, rows, search, switch, until

STYLES = {style.key: style for style in run_styles()}

pytestmark = pytest.mark.browser


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


def test_search_switches_a_hidden_layer_on(browser):
    assert "settlements" not in legend(browser)
    assert search(browser, "place 58") == "Place 58"
    assert "settlements" in legend(browser)
    assert rows(browser)["People"] == "no data"
    assert browser.execute_script("return document.querySelector(\"input[data-key='settlements']\").checked")


@pytest.mark.parametrize("name", [synthetic.HOSTILE, synthetic.QUOTES])
def test_markup_in_a_name_stays_text(browser, name):
    assert search(browser, name) == name
    assert browser.execute_script("return document.getElementById('harm')") is None
    assert synthetic.HOSTILE in browser.execute_script("return document.title")


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


def test_thousands_of_lines_open_fast_and_small(chromium, tmp_path):
    many = layers(
        roads=synthetic.roads(8000), railways=synthetic.edges(12_000, 2), settlements=synthetic.settlements(2500)
    )
    file = tmp_path / "many.html"
    write_map(file, contents([(replace(s, visible=s.visible or s.key == "railways"), f) for s, f in many]))
    assert file.stat().st_size < 6e6
    start = time.monotonic()
    opened(chromium, file)
    assert time.monotonic() - start < 10  # about 1 s on two cores; the bound leaves room for a busy machine
    assert (
        chromium.execute_script("let n=0; map_borderlink.eachLayer(l => n += l instanceof L.Path); return n") > 20_000
    )


def test_a_class_that_holds_nothing_known(chromium, tmp_path):
    style = replace(STYLES["cells_time"], visible=True, classes=(StyleClass("up to 30", "#fee391", lower=0, upper=30),))
    write_map(tmp_path / "m.html", contents([(style, synthetic.cells())]))
    opened(chromium, tmp_path / "m.html")
    text = chromium.execute_script("return document.querySelector('.legend').textContent")
    assert "No data" in text
    assert "Outside the classes" in text
    assert chromium.execute_script("return document.getElementById('search-form').hidden")
