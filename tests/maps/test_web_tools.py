"""What a reader does with the web map, in real Chromium.

Search, address, download, measure, swipe, print, keyboard, phone.
"""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import pandas as pd
import pytest
from pyproj import Geod

from maps.styles.layers import scenario_styles
from maps.web.map import TILES_HOST, write_map
from tests.maps import frames as synthetic
from tests.maps import scenario_frames
from tests.maps.pages import contents, layers, on, opened, rows, switch, until

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.browser
BUTTON = "[...document.querySelectorAll('.tools > button')].find(b => b.textContent.trim() === arguments[0])"


def press(driver: Any, label: str) -> Any:
    """Press a tool as a reader does."""
    button = driver.execute_script(f"return {BUTTON}", label)
    button.click()
    return button


def at_width(driver: Any, width: int, height: int) -> None:
    """Give the page a size."""
    size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 500}
    driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)


@pytest.fixture(scope="module")
def towns(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a page with a town that is written in many ways."""
    homes = synthetic.settlements()
    homes.loc[homes.index[:2], "name"] = ["Yuzhnoural’sk", "Öskemen"]
    others = pd.Series(["Южноуральск|Yuzhnouralsk", "Усть-Каменогорск|Өскемен", *[""] * (len(homes) - 2)], homes.index)
    path = tmp_path_factory.mktemp("towns") / "map.html"
    write_map(path, contents(layers(settlements=homes), names={"settlements": others}))
    return path


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("yuzhnouralsk", "Yuzhnoural’sk"),
        ("Yuzhnoural'sk", "Yuzhnoural’sk"),
        ("южноур", "Yuzhnoural’sk"),
        ("oskemen", "Öskemen"),
        ("ӨСКЕМЕН", "Öskemen"),
    ],
)
def test_a_place_is_found_by_any_of_its_names(chromium: Any, towns: Path, text: str, name: str) -> None:
    opened(chromium, towns)
    field = chromium.find_element("css selector", "#search-input")
    field.send_keys(text)
    until(chromium, "return !document.getElementById('search-results').hidden")
    field.send_keys("\n")
    assert until(chromium, "const p=document.querySelector('.popup-title'); return p && p.textContent") == name


def test_a_point_is_gone_to_and_nothing_found_is_said(chromium: Any, towns: Path) -> None:
    opened(chromium, towns)
    field = chromium.find_element("css selector", "#search-input")
    field.send_keys("61.4, 54.2\n")
    found = until(chromium, "const p=document.querySelector('.popup-title'); return p && p.textContent")
    assert "54.2" in found and "61.4" in found
    centre = chromium.execute_script("const c=map_borderlink.getCenter(); return [c.lng, c.lat]")
    assert centre == pytest.approx([61.4, 54.2], abs=0.3)  # the pop-up may move it a little
    field.clear()
    field.send_keys("Nowhere at all")
    status = "return document.getElementById('search-status').textContent"
    assert until(chromium, status) == "Nothing found for “Nowhere at all”."
    assert chromium.execute_script("return document.getElementById('search-status').getAttribute('role')") == "status"


def test_an_address_keeps_view_chapter_and_layers(chromium: Any, path: Path) -> None:
    opened(chromium, path)
    switch(chromium, "segments")
    until(chromium, "return layerOf('segments').on")
    chromium.execute_script("map_borderlink.setView([53.5, 64.25], 8, {animate: false})")
    chosen = on(chromium)
    address = until(
        chromium,
        "return location.hash.includes('53.5000/64.2500') && location.hash.includes('segments') && location.href",
    )
    chromium.get("about:blank")
    chromium.get(address)
    chromium.execute_async_script("map_borderlink.borderlink.ready.then(arguments[0])")
    view = chromium.execute_script(
        "const c=map_borderlink.getCenter(); return [map_borderlink.getZoom(), c.lat, c.lng]"
    )
    assert view == pytest.approx([8, 53.5, 64.25], abs=1e-3)
    assert on(chromium) == chosen
    press(chromium, "Share")
    assert until(chromium, "const s=document.getElementById('said'); return !s.hidden && s.textContent").startswith(
        "The address"
    )


def test_the_shown_layer_is_downloaded(chromium: Any, path: Path, tmp_path: Path) -> None:
    opened(chromium, path)
    chromium.execute_cdp_cmd("Browser.setDownloadBehavior", {"behavior": "allow", "downloadPath": str(tmp_path)})
    files = []
    for number, name in enumerate(("cells_time.geojson", "cells_time.csv")):
        chromium.find_element("css selector", ".menu > summary").click()
        # The menu is filled anew when it has opened: its buttons are asked for and pressed in one step of the page.
        until(chromium, "return document.querySelector('.menu').open && document.querySelector('.menu > div button')")
        texts = chromium.execute_script(
            "const own = [...document.querySelectorAll('.menu > div button')], texts = own.map(b => b.innerText);"
            "own[arguments[0]].click(); return texts",
            number,
        )
        assert texts == [f"Cells: time to the nearest open checkpoint as {form}" for form in ("GeoJSON", "CSV")]
        file, end = tmp_path / name, time.monotonic() + 10
        while not file.is_file() and time.monotonic() < end:
            time.sleep(0.1)
        files.append(file)
    cells = synthetic.cells()
    features = gpd.read_file(files[0])
    assert len(features) == len(cells) and features.total_bounds == pytest.approx(cells.total_bounds, abs=1e-4)
    table = pd.read_csv(files[1])
    assert len(table) == len(cells) and {"lon", "lat", "time_to_checkpoint_min"} <= set(table)
    assert table["time_to_checkpoint_min"].isna().sum() == cells["time_to_checkpoint_min"].isna().sum()


def test_a_way_is_measured_on_the_ellipsoid(chromium: Any, path: Path) -> None:
    opened(chromium, path)
    press(chromium, "Measure")
    for lat, lon in ((50.0, 60.0), (54.0, 66.0)):
        chromium.execute_script(
            "map_borderlink.fire('click', {latlng: L.latLng(arguments[0], arguments[1])})", lat, lon
        )
    km = float(until(chromium, "return document.getElementById('said').textContent").split()[0].replace(",", ""))
    true = Geod(ellps="WGS84").inv(60, 50, 66, 54)[2] / 1000
    assert km == pytest.approx(true, abs=0.6)  # written in whole kilometres
    chromium.find_element("css selector", "body").send_keys("\ue00c")  # Escape
    assert chromium.execute_script("return document.getElementById('said').hidden")


def test_before_and_after_stand_on_either_side_of_a_line(chromium: Any, tmp_path: Path) -> None:
    tables = scenario_frames.tables()
    write_map(tmp_path / "m.html", contents([(s, tables[s.layer]) for s in scenario_styles()], title="A scenario"))
    opened(chromium, tmp_path / "m.html")
    button = press(chromium, "Before | After")
    until(chromium, "return document.querySelector('input.swipe')")
    assert button.get_attribute("aria-pressed") == "true"
    edge = (
        "return ['before', 'after'].map(p => "
        "getComputedStyle(map_borderlink.getPane(p)).clipPath.match(/-?[\\d.]+/g).map(Number)).map(v => [v[0], v[2]])"
    )
    (start, middle), (also, end) = chromium.execute_script(edge)
    assert middle == also == pytest.approx((start + end) / 2, abs=2)
    chromium.execute_script(
        "const i=document.querySelector('input.swipe'); i.value = 80; i.dispatchEvent(new Event('input'))"
    )
    (start, moved), (_same, end) = chromium.execute_script(edge)
    assert moved == pytest.approx(start + 0.8 * (end - start), abs=2)
    drawn = chromium.execute_script(
        "return ['before', 'after'].map(p => map_borderlink.getPane(p).querySelectorAll('canvas').length)"
    )
    assert min(drawn) > 0
    button.click()
    until(chromium, "return !document.querySelector('input.swipe')")
    assert "cells_change" in until(
        chromium, "const o=layers.filter(l => l.on).map(l => l.style.key); return o.includes('cells_change') && o"
    )


def test_the_online_map_is_off_and_named_before_it_loads(chromium: Any, path: Path) -> None:
    opened(chromium, path)
    asked = "return performance.getEntriesByType('resource').map(e => e.name).filter(n => n.startsWith('http'))"
    assert chromium.execute_script(asked) == []
    press(chromium, "Online map")
    text = chromium.execute_script("return document.getElementById('said').textContent")
    assert TILES_HOST in text and "your address" in text
    chromium.execute_script("[...document.querySelectorAll('#said button')].find(b => b.textContent === 'no').click()")
    assert chromium.execute_script("return [document.getElementById('said').hidden, tiles.on]") == [True, False]
    assert chromium.execute_script("return document.querySelectorAll('.leaflet-tile').length") == 0
    press(chromium, "Online map")
    chromium.execute_script("[...document.querySelectorAll('#said button')].find(b => b.textContent === 'yes').click()")
    sources = until(
        chromium, "const t=[...document.querySelectorAll('.leaflet-tile')].map(i => i.src); return t.length && t"
    )
    assert all(source.startswith(f"https://{TILES_HOST}/") for source in sources)
    assert "CARTO" in chromium.execute_script(
        "return document.querySelector('.leaflet-control-attribution').textContent"
    )
    press(chromium, "Online map")
    assert chromium.execute_script("return document.querySelectorAll('.leaflet-tile').length") == 0


def test_the_whole_screen_and_paper(chromium: Any, path: Path) -> None:
    opened(chromium, path)
    press(chromium, "Full screen")
    assert until(chromium, "return !!document.fullscreenElement")
    press(chromium, "Full screen")
    assert until(chromium, "return !document.fullscreenElement")
    chromium.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print"})
    try:
        shown = "return arguments[0].map(s => getComputedStyle(document.querySelector(s)).display !== 'none')"
        assert chromium.execute_script(shown, [".tools", ".search", ".chapters"]) == [False] * 3
        assert chromium.execute_script(shown, [".legend", ".folium-map", "h1", ".legend section.on"]) == [True] * 4
        assert chromium.execute_script(shown, [".legend section:not(.on):not(.names)"]) == [False]
    finally:
        chromium.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": ""})


def test_the_keyboard_reaches_every_feature_by_the_table(chromium: Any, path: Path) -> None:
    opened(chromium, path)
    chromium.execute_script(f"({BUTTON}).focus()", "Table")
    chromium.switch_to.active_element.send_keys("\n")
    until(chromium, "return !document.getElementById('drawer').hidden")
    title = "return document.querySelector('#drawer-title').textContent"
    whole = chromium.execute_script(title)
    assert whole == f"Cells: time to the nearest open checkpoint: {len(synthetic.cells())} in view"
    chromium.execute_script("document.querySelector('.drawer tbody button').focus()")
    chromium.switch_to.active_element.send_keys("\n")
    assert until(chromium, "return document.querySelector('.leaflet-popup .popup-title')")
    assert rows(chromium) or chromium.execute_script("return document.querySelectorAll('.card dd').length")
    assert chromium.execute_script("return document.activeElement.classList.contains('card')")
    assert chromium.execute_script("return document.querySelectorAll('.drawer tr.at').length") == 1
    assert chromium.execute_script("return ring.getLayers().length") == 1
    # In step with the map: what leaves the window leaves the table.
    chromium.execute_script("closeCard(); map_borderlink.setView([51.5, 52], 9, {animate: false})")
    assert until(chromium, f"const t=(() => {{{title}}})(); return t !== arguments[0] && t", whole)
    chromium.execute_script("map_borderlink.setView([0, 0], 9, {animate: false})")
    assert until(chromium, f"const t=(() => {{{title}}})(); return t.endsWith(': 0 in view') && t")


def test_every_control_has_a_name_and_a_language(chromium: Any, path: Path) -> None:
    opened(chromium, path)
    chromium.execute_script("toggleDrawer(true)")
    bare = chromium.execute_script(
        "return [...document.querySelectorAll('button, input, summary, a[href]')].filter(n => "
        "!(n.getAttribute('aria-label') || n.textContent.trim() || n.labels?.length || n.title)).map(n => "
        "n.outerHTML)"
    )
    assert bare == []
    assert chromium.execute_script(
        "return [document.documentElement.lang, document.title !== '', document.querySelectorAll('h1').length]"
    ) == ["en", True, 1]


def test_on_a_phone_nothing_lies_under_anything(chromium: Any, path: Path) -> None:
    at_width(chromium, 390, 844)
    try:
        opened(chromium, path)
        assert chromium.execute_script("return document.documentElement.scrollWidth") <= 390
        under = (
            "return arguments[0].filter(s => { const n=document.querySelector(s), r=n.getBoundingClientRect();"
            "const hit=document.elementFromPoint(r.left + Math.min(r.width / 2, 20), r.top + r.height / 2); "
            "return !(hit && (n === hit || n.contains(hit))); })"
        )
        parts = [".handle", ".tools button", ".leaflet-control-attribution", ".leaflet-control-scale-line"]
        assert chromium.execute_script(under, parts) == []
        chromium.execute_script(
            "const l=layerOf('checkpoints'), i=l.group.getLayers()[0]; openCard(l, i, i.getLatLng())"
        )
        assert chromium.execute_script(under, ["#card > button", "#card .popup-title"]) == []
        chromium.find_element("css selector", "#card > button").click()
        assert chromium.execute_script(
            "return document.getElementById('card').hidden && !document.querySelector('.leaflet-popup')"
        )
        # The table is a sheet below the map, which stays in view.
        chromium.execute_script("toggleDrawer(true)")
        boxes = chromium.execute_script(
            "return ['.map-box', '.drawer', '.side'].map(s => "
            "document.querySelector(s).getBoundingClientRect()).map(r => [r.top, r.bottom])"
        )
        (top, low), (first, last), (side, _end) = boxes
        assert (
            top == 0 and low - top > 100 and first == pytest.approx(low, abs=1) and last == pytest.approx(side, abs=1)
        )
        assert chromium.execute_script(under, [".drawer header button"]) == []
    finally:
        chromium.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})


def test_a_layer_of_ones_own_is_on_the_map_that_is_saved_again(chromium: Any, tmp_path: Path) -> None:
    import folium

    drawn = write_map(tmp_path / "m.html", contents(layers()))
    folium.CircleMarker((52.3, 60.9), radius=9, tooltip="a planned post").add_to(drawn)
    drawn.save(str(tmp_path / "mine.html"))
    opened(chromium, tmp_path / "mine.html")
    script = (
        "let n=0; map_borderlink.eachLayer(l => { if (l.getTooltip?.() && "
        "String(l.getTooltip().getContent()).includes('a planned post')) n++; }); return n"
    )
    assert chromium.execute_script(script) == 1
    assert json.loads(json.dumps(on(chromium)))  # the page's own layers are there too
