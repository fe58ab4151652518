"""A scenario's map and project: which state is which, and that only one covers the map."""

import pyproj
import pytest

from maps.contents import Contents
from maps.qgis.project import write_geopackage, write_project
from maps.styles.layers import CHECKPOINT_CLASSES, run_styles, scenario_styles
from maps.web.map import write_map
from tests.maps import frames as synthetic
from tests.maps import scenario_frames
from tests.maps.pages import SIDES, contents, legend, opened, packed, rows, search, switch, until
from tests.maps.test_qgis import qgis_opens, qgis_tree

STYLES = scenario_styles()
BY_KEY = {style.key: style for style in STYLES}
RUN = {style.key: style for style in run_styles()}
CELLS = ["cells_change", "cells_time_before", "cells_time_after", "cells_loss_before", "cells_loss_after"]


@pytest.fixture(scope="module")
def tables():
    return scenario_frames.tables()


@pytest.fixture(scope="module")
def path(tables, tmp_path_factory):
    """Return a scenario's map; it stands in for the run's map in the fixtures of the browser."""
    path = tmp_path_factory.mktemp("scenario") / "scenario.html"
    layers = [(style, tables[style.layer]) for style in STYLES]
    write_map(path, contents(layers, title="Scenario: a new checkpoint", subtitle="Russia and Kazakhstan", sides=SIDES))
    return path


def test_titles_say_which_state():
    for style in STYLES:
        state = style.layer.rpartition("_")[2]
        if state in ("before", "after", "change"):
            assert style.title.startswith(f"{state.capitalize()}: ")
        else:
            assert style == RUN[style.key]
    assert [s.key for s in STYLES if s.visible] == [
        "checkpoints_after",
        "border_line",
        "roads",
        "cells_change",
        "regions",
    ]
    assert len({style.key for style in STYLES}) == len({style.title for style in STYLES}) == len(STYLES)


def test_states_are_drawn_as_in_a_run():
    for key in CELLS[1:]:
        style, run = BY_KEY[key], RUN[key.rpartition("_")[0]]
        assert (style.classes, style.column) == (run.classes, run.column)
        assert not {"growth_flag", "bottleneck_flag", "excess_min"} & set(style.fields)
        assert style.description.endswith(f"{key.rpartition('_')[2]} the scenario")
    new, *others = BY_KEY["checkpoints_after"].classes
    assert tuple(others) == BY_KEY["checkpoints_before"].classes == CHECKPOINT_CLASSES
    assert (new.label, new.value) == ("New checkpoint", "new")
    assert new.size > max(each.size for each in others)
    assert new.color not in {each.color for style in STYLES for each in style.classes if each != new}


def test_page(path):
    config, payloads = packed(path.read_text(encoding="utf-8"))
    styles = {style["key"]: style for style in config["styles"]}
    assert [key for key, style in styles.items() if style["choice"]] == CELLS
    assert [view["key"] for view in config["views"]] == ["change", "states", "data"]
    assert config["views"][0]["on"] == ["cells_change", "checkpoints_after"]
    assert ["cells_time_before", "cells_time_after"] in config["swipe"]
    assert styles["checkpoints_after"]["counts"]["0"] == 1
    assert all(style["counts"].get("-2", 0) == 0 for style in styles.values())
    assert styles["cells_change"]["counts"]["-1"] == 2
    assert len(payloads) == len({style.layer for style in STYLES})
    kinds = {column: kind for column, _, kind in styles["cells_change"]["fields"]}
    assert kinds["time_to_checkpoint_before_min"] == kinds["time_to_checkpoint_after_min"] == "minutes"
    assert kinds["border_loss_before"] == kinds["border_loss_after"] == "share"
    assert kinds["potential_cross_before"] == kinds["potential_cross_after"] == "model"
    assert kinds["potential_change_pct"] == "number"


@pytest.mark.browser
def test_only_one_state_of_the_cells_is_on(browser):
    assert sorted(legend(browser)) == sorted(style.key for style in STYLES if style.visible)
    for key in [*CELLS[1:], CELLS[0]]:
        switch(browser, key)
        until(browser, "return !!document.querySelector(`.legend section.on[data-key='${arguments[0]}']`)", key)
        assert [each for each in legend(browser) if each in CELLS] == [key]
        title = browser.execute_script(
            "return document.querySelector(`.legend section[data-key='${arguments[0]}'] label`).textContent", key
        )
        assert title == BY_KEY[key].title
        checked = browser.execute_script(
            "return [...document.querySelectorAll('.legend input:checked')].map(i => i.dataset.key)"
        )
        assert [each for each in checked if each in CELLS] == [key]


@pytest.mark.browser
def test_new_checkpoint_is_found_and_large(browser):
    assert search(browser, "karakoga") == scenario_frames.NEW
    assert rows(browser)["Region in Russia"] == "Orenburg"
    radius = browser.execute_script(
        "const l=map_borderlink.borderlink.layers.find(l => l.style.key === 'checkpoints_after').group.getLayers();"
        "return l.map(p => p.getRadius())"
    )
    assert radius[-1] > 1.2 * sorted(radius[:-1])[len(radius) // 2]  # the others are as large as their share


@pytest.mark.browser
def test_connectors_are_thinner_than_roads_on_the_map_and_in_the_legend(browser):
    weights = browser.execute_script(
        "const l=map_borderlink.borderlink.layers.find(l => l.style.key === 'roads').group.getLayers();"
        "map_borderlink.setView(map_borderlink.getCenter(), 9, {animate: false});"
        "return [0, 4].map(c => l.find(p => p.feature.properties['class of roads'] === c).options.weight)"
    )
    shown = browser.execute_script(
        "return [...document.querySelectorAll(\".legend section[data-key='roads'] line\")].map(l => "
        "+l.getAttribute('stroke-width'))"
    )
    assert weights[0] == pytest.approx(2.5 * weights[1])
    assert shown[0] > 1.8 * shown[-1] >= 1.8


@pytest.mark.browser
def test_both_states_of_the_checkpoints_are_named(chromium, path):
    opened(chromium, path)
    switch(chromium, "checkpoints_before")
    until(chromium, "return !!document.querySelector(\".legend section.on[data-key='checkpoints_before']\")")
    titles = chromium.execute_script("return [...document.querySelectorAll('.legend label')].map(p => p.textContent)")
    assert titles[:2] == ["After: checkpoints", "Before: checkpoints"]


@pytest.mark.qgis
def test_in_qgis(tables, tmp_path):
    crs = pyproj.CRS.from_wkt(pyproj.CRS.from_user_input(synthetic.CRS).to_wkt())
    both = Contents(title="Scenario", layers=tables, styles=STYLES, crs=crs)
    write_geopackage(tmp_path / "scenario.gpkg", both)
    write_project(tmp_path / "scenario.qgz", both, gpkg_name="scenario.gpkg")
    layers = {layer["name"]: layer for layer in qgis_opens(tmp_path / "scenario.qgz")["layers"]}
    assert {name for name, layer in layers.items() if layer["visible"]} == {s.title for s in STYLES if s.visible}
    assert dict(layers["After: checkpoints"]["drawn"])["New checkpoint"] == 1
    assert dict(layers[BY_KEY["cells_change"].title]["drawn"])[None] == 2
    belt = next(group for group in qgis_tree(tmp_path / "scenario.qgz")["groups"] if group["exclusive"])
    assert belt["layers"] == [BY_KEY[key].title for key in CELLS]
    assert belt["visible"] == [BY_KEY["cells_change"].title]
