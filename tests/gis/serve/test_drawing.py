"""Roads and areas drawn on the map, scenarios side by side, what the browser keeps, an answer's second stage."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from gis.queries.plans import parse_plan
from tests.gis.serve.test_answers import told_toml
from tests.gis.serve.test_browser import click_map, edits, fill, opened, press, settled, until

if TYPE_CHECKING:
    import gis
    from gis.queries.standing import Base
    from gis.serve.run import Running

pytestmark = pytest.mark.browser


def draw(driver: Any, tool: str, places: list[tuple[float, float]]) -> None:
    """Choose a tool, click places, and finish."""
    fill(driver, "#tool", tool)
    for n, (lon, lat) in enumerate(places, 1):
        click_map(driver, lon, lat)
        until(driver, f"return document.querySelector('#drawing span').textContent.includes('{n}')")
    press(driver, "#drawing button.main")
    until(driver, "return document.getElementById('dialog').open")


def test_a_drawn_road_over_the_line_is_built_with_a_post(
    chromium: Any, running: Running, base: Base, result: gis.Result
) -> None:
    opened(chromium, running)
    draw(chromium, "line", [(59.7, 49.8), (60.3, 49.82)])
    fill(chromium, "#dialog select[name=class]", "secondary")
    fill(chromium, "#dialog input[name=wait]", "10")
    press(chromium, "#dialog button[type=submit]")
    settled(chromium)
    road, post = edits(chromium)
    assert road["edit"] == "road" and road["road_class"] == "secondary" and len(road["points"]) == 2
    assert post["edit"] == "open" and post["lon"] == pytest.approx(60.0, abs=1e-3) and post["wait_min"] == 10
    assert 49.8 < post["lat"] < 49.82
    assert "built again" in chromium.find_element("id", "status").text
    text = chromium.find_element("id", "edits").text
    assert "New road of 43 km" in text and "crossing of the data" in text
    # What the page shows is what the library says of the same file.
    import gis

    made = parse_plan(told_toml(running, base, [road, post])).edits
    after = gis.compare(result, result.network.edit(*made)).totals.set_index("measure")["after"]
    shown = chromium.execute_script("return borderlink.map.change.totals.map(t => [t.measure, t.after])")
    assert dict(shown) == pytest.approx(after.to_dict(), rel=1e-9)


def test_a_drawn_area_upgrades_its_roads_or_scales_their_speeds(chromium: Any, running: Running) -> None:
    opened(chromium, running)
    corners = [(59.2, 49.6), (59.9, 49.6), (59.9, 50.0), (59.2, 50.0)]
    draw(chromium, "area", corners)
    press(chromium, "#dialog button[type=submit]")
    assert "class, a speed" in chromium.find_element("css selector", "#dialog .problem").text and edits(chromium) == []
    fill(chromium, "#dialog input[name=kph]", "120")
    press(chromium, "#dialog button[type=submit]")
    settled(chromium)
    (edit,) = edits(chromium)
    assert edit["edit"] == "upgrade" and edit["road_kph"] == 120 and len(edit["polygon"]) == 4
    assert chromium.execute_script("return borderlink.map.change.totals[0].change") < 0
    assert chromium.execute_script("return borderlink.map.works.getLayers().length") == 1


def test_drawing_is_taken_back_by_key_and_needs_two_points(chromium: Any, running: Running) -> None:
    from selenium.webdriver.common.action_chains import ActionChains
    from selenium.webdriver.common.keys import Keys

    opened(chromium, running)
    fill(chromium, "#tool", "line")
    click_map(chromium, 59.7, 49.8)
    until(chromium, "return document.querySelector('#drawing span').textContent.startsWith('1 point')")
    assert not chromium.find_element("css selector", "#drawing button.main").is_enabled()
    chromium.execute_script("document.activeElement.blur()")
    ActionChains(chromium).send_keys(Keys.BACKSPACE).perform()
    until(chromium, "return document.querySelector('#drawing span').textContent.startsWith('Click along')")
    fill(chromium, "#tool", "post")
    assert not chromium.find_element("id", "drawing").is_displayed()


def test_a_road_is_built_by_the_form_alone(chromium: Any, running: Running) -> None:
    opened(chromium, running)
    press(chromium, "#to-new")
    form = "#tab-new details:nth-of-type(2)"
    press(chromium, f"{form} summary")
    fill(chromium, f"{form} textarea", "59.7, x")
    press(chromium, f"{form} button[type=submit]")
    until(chromium, "return document.getElementById('problem').textContent.includes('two points')")
    fill(chromium, f"{form} textarea", "59.4, 49.7\n59.4, 49.9")
    press(chromium, f"{form} button[type=submit]")
    settled(chromium)
    (edit,) = edits(chromium)
    assert edit["points"] == [[59.4, 49.7], [59.4, 49.9]]


def test_scenarios_stand_side_by_side_with_their_own_figures(chromium: Any, running: Running) -> None:
    opened(chromium, running)
    for name, wait in (("slow", "200"), ("quick", "1")):
        press(chromium, "#to-posts")
        fill(chromium, "#tab-posts li[data-id=south] input[type=number]", wait)
        settled(chromium)
        press(chromium, "#to-kept")
        fill(chromium, "#tab-kept input[name=scenario]", name)
        press(chromium, "#tab-kept button[type=submit]")
    press(chromium, "#tab-kept button.main")
    until(chromium, "return document.getElementById('multiples').dataset.state === 'done'")
    names = chromium.execute_script(
        "return [...document.querySelectorAll('#multiples figure strong')].map(e => e.textContent)"
    )
    assert names == ["slow", "quick"]
    # Each small map is painted, and they differ.
    pictures = chromium.execute_script(
        "return [...document.querySelectorAll('#multiples canvas')].map(c => c.toDataURL())"
    )
    assert len(set(pictures)) == 2 and min(map(len, pictures)) > 5000
    heads = chromium.execute_script(
        "return [...document.querySelectorAll('#multiples thead th')].map(e => e.textContent)"
    )
    assert heads == ["measure", "as it stands", "slow", "quick"]
    chromium.execute_script("document.getElementById('multiples').close()")
    # They survive a reload, one is taken up again, one removed.
    chromium.refresh()
    settled(chromium)
    press(chromium, "#to-kept")
    press(chromium, "#tab-kept li:first-child button")
    settled(chromium)
    assert edits(chromium)[0]["wait_min"] == 200
    press(chromium, "#tab-kept li:first-child button.icon")
    assert chromium.execute_script("return borderlink.state.kept.map(k => k.name)") == ["quick"]


def test_what_an_older_page_kept_is_read(chromium: Any, running: Running, base: Base) -> None:
    opened(chromium, running)
    old = json.dumps({"schema": 1, "edits": [{"edit": "wait", "checkpoint": "south", "wait_min": 33}]})
    chromium.execute_script("localStorage.setItem(arguments[0], arguments[1])", f"borderlink:{base.key}", old)
    chromium.refresh()
    settled(chromium)
    assert edits(chromium)[0]["wait_min"] == 33
    kept = json.loads(
        chromium.execute_script(f"borderlink.state.save(); return localStorage.getItem('borderlink:{base.key}')")
    )
    assert kept["schema"] == 2 and kept["kept"] == []
    chromium.execute_script(
        "localStorage.setItem(arguments[0], arguments[1])", f"borderlink:{base.key}", '{"schema": 99}'
    )
    chromium.refresh()
    settled(chromium)
    assert edits(chromium) == []


def test_the_spread_shows_what_matters_most_and_queues_what_they_need(chromium: Any, running: Running) -> None:
    opened(chromium, running)
    press(chromium, "#tab-posts li[data-id=south] input[type=checkbox]")
    settled(chromium)
    assert chromium.execute_script("return document.getElementById('queues').dataset.state") == "pending"
    until(chromium, "return document.getElementById('queues').dataset.state === 'done'")
    press(chromium, "#to-loads")
    assert "per_day" in chromium.find_element("id", "queues").text
    until(chromium, "return document.getElementById('spread').dataset.state === 'done'")
    press(chromium, "#to-regions")
    assert "What matters most" in chromium.find_element("id", "spread").text
    bars = chromium.execute_script(
        "return [...document.querySelectorAll('.tornado .bar')].map(b => parseFloat(b.style.width))"
    )
    assert bars and 0 < max(bars) <= 100.01


def test_a_sampled_answer_is_marked_and_the_exact_one_follows(chromium: Any, base: Base) -> None:
    from gis.queries.standing import stand_by
    from gis.serve.run import open_server

    server = open_server(stand_by(base.prepared, base.network, most=4), port=0)
    server.start()
    try:
        opened(chromium, server)
        chromium.execute_script(
            "window.seen = []; new MutationObserver(() => seen.push([document.getElementById('status').textContent,"
            " borderlink.map.change.exact])).observe(document.getElementById('status'), {childList: true})"
        )
        press(chromium, "#tab-posts li[data-id=south] input[type=checkbox]")
        settled(chromium)
        until(chromium, "return seen.some(([text]) => text.startsWith('Exact'))")
        marked = chromium.execute_script("return seen.filter(([text]) => text.startsWith('Sampled'))")
        assert marked and "4 places of a side" in marked[0][0] and marked[0][1] is False
        assert chromium.execute_script("return borderlink.map.change.exact") is True
    finally:
        server.stop()
