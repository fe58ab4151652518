"""Unexpected clicks: what can not be built comes back as it was filled in, and a bad link leaves a working page."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.gis.serve.test_browser import click_map, edits, fill, opened, press, settled, until
from tests.gis.serve.test_drawing import draw

if TYPE_CHECKING:
    from gis.serve.run import Running

pytestmark = pytest.mark.browser


def test_a_road_that_can_not_be_built_is_mended_in_its_dialog(chromium: Any, running: Running) -> None:
    opened(chromium, running)
    draw(chromium, "line", [(59.4, 49.7), (59.85, 50.05)])
    fill(chromium, "#dialog textarea", "59.4, 49.7\n59.9, 51.5")
    press(chromium, "#dialog button[type=submit]")
    until(
        chromium, "return document.querySelector('#dialog').open && !document.querySelector('#dialog .problem').hidden"
    )
    settled(chromium)
    assert "allowed is" in chromium.find_element("css selector", "#dialog .problem").text
    # Nothing of it is left behind: no edit, and no step to come back to by Redo.
    assert edits(chromium) == [] and not chromium.execute_script("return borderlink.state.canRedo")
    assert "59.9, 51.5" in chromium.execute_script("return document.querySelector('#dialog textarea').value")
    fill(chromium, "#dialog textarea", "59.4, 49.7\n59.4, 49.9")
    press(chromium, "#dialog button[type=submit]")
    settled(chromium)
    assert [e["edit"] for e in edits(chromium)] == ["road"]
    assert not chromium.execute_script("return document.getElementById('dialog').open")


def test_the_ends_of_a_drawn_road_stand_on_the_roads_that_were_clicked(chromium: Any, running: Running) -> None:
    opened(chromium, running)
    # Ten pixels beside a road: some kilometres, farther than an end may stand from it.
    step = chromium.execute_script(
        "const m = borderlink.map.leaflet, at = m.latLngToContainerPoint([49.75, 59.4]);"
        "return m.containerPointToLatLng([at.x + 10, at.y]).lng - 59.4"
    )
    draw(chromium, "line", [(59.4 + step, 49.75), (59.65, 49.8), (59.55, 49.9 - step / 2)])
    ends = [
        [float(v) for v in line.split(",")]
        for line in chromium.execute_script("return document.querySelector('#dialog textarea').value").split("\n")
    ]
    roads = chromium.execute_script("return borderlink.study.roads")
    assert len(ends) == 3
    for lon, lat in (ends[0], ends[2]):
        assert off_lines(roads, lon, lat) < 2e-4
    assert ends[1] == pytest.approx([59.65, 49.8], abs=0.01)


def off_lines(lines: list[Any], lon: float, lat: float) -> float:
    """Return the degrees between a place and the nearest of lines of [lat, lon]."""
    import shapely

    return float(
        shapely.MultiLineString([[(x, y) for y, x in line] for line in lines]).distance(shapely.Point(lon, lat))
    )


def test_a_post_where_none_can_be_is_moved_in_its_dialog(chromium: Any, running: Running) -> None:
    opened(chromium, running)
    click_map(chromium, 60.0, 50.31)
    until(chromium, "return document.getElementById('dialog').open")
    fill(chromium, "#dialog input[name=lat]", "52.9")
    press(chromium, "#dialog button[type=submit]")
    until(
        chromium, "return document.querySelector('#dialog').open && !document.querySelector('#dialog .problem').hidden"
    )
    fill(chromium, "#dialog input[name=lat]", "50.31")
    press(chromium, "#dialog button[type=submit]")
    settled(chromium)
    assert [e["lat"] for e in edits(chromium)] == [50.31]
    assert "km from" in chromium.find_element("id", "edits").text


def test_a_link_whose_edits_can_not_be_leaves_the_border_as_it_stands(chromium: Any, running: Running) -> None:
    opened(chromium, running)
    fragment = chromium.execute_async_script(
        "const done = arguments[0]; import('/assets/state.js').then(({linkOf}) => "
        "linkOf({study: borderlink.state.study, edits: [{edit: 'close', checkpoint: 'nowhere'}]}, '7/50/60')"
        ".then(done))"
    )
    opened(chromium, running, fragment)
    until(chromium, "return document.getElementById('headline').textContent === 'The border as it stands'")
    assert "nowhere" in chromium.find_element("id", "problem").text and edits(chromium) == []


def test_the_page_scrolls_in_its_panel_alone(chromium: Any, running: Running) -> None:
    opened(chromium, running)
    for tab in ("posts", "losses", "loads", "regions"):
        press(chromium, f"#to-{tab}")
        heights = "return [document.documentElement.scrollHeight, window.innerHeight]"
        tall, room = chromium.execute_script(heights)
        assert tall <= room, tab


def test_a_wait_that_is_emptied_stays_and_one_below_zero_is_zero(chromium: Any, running: Running) -> None:
    opened(chromium, running)
    south = "#tab-posts li[data-id=south] input[type=number]"
    fill(chromium, south, "")
    assert edits(chromium) == [] and chromium.find_element("css selector", south).get_attribute("value") == "30"
    click_map(chromium, 60.0, 50.31)
    until(chromium, "return document.getElementById('dialog').open")
    press(chromium, "#dialog button[type=submit]")
    settled(chromium)
    for typed, wait in (("12", 12), ("", 12), ("-3", 0)):
        fill(chromium, "#edits input", typed)
        settled(chromium)
        assert edits(chromium)[0]["wait_min"] == wait
        assert chromium.find_element("css selector", "#edits input").get_attribute("value") == str(wait)


def test_open_then_close_all_then_undo_everything_and_reload(chromium: Any, running: Running) -> None:
    opened(chromium, running)
    click_map(chromium, 60.0, 50.31)
    until(chromium, "return document.getElementById('dialog').open")
    press(chromium, "#dialog button[type=submit]")
    settled(chromium)
    for post in ("south", "north"):
        press(chromium, f"#tab-posts li[data-id={post}] input[type=checkbox]")
        settled(chromium)
    # The new one alone is left: all trips take it.
    assert [e["edit"] for e in edits(chromium)] == ["open", "close", "close"]
    shares = chromium.execute_script(
        "return borderlink.map.change.checkpoints.map(c => [c.checkpoint_id, c.share_after])"
    )
    assert dict(shares)["new-1"] == pytest.approx(1.0)
    for _ in range(3):
        press(chromium, "#undo")
        settled(chromium)
    assert edits(chromium) == [] and chromium.find_element("id", "headline").text == "The border as it stands"
    chromium.refresh()
    settled(chromium)
    assert edits(chromium) == []
    assert not chromium.find_element("id", "undo").is_enabled()
