"""QGIS styles as XML, without QGIS: classes, symbols, names and where missing values go."""

import math
from dataclasses import replace
from xml.etree import ElementTree as ET

import pytest

from maps.qgis import qml
from maps.styles.layers import StyleClass, run_styles

STYLES = run_styles()
BY_KEY = {style.key: style for style in STYLES}


def test_missing_values_go_where_the_style_says():
    def attribute(style, number, **bounds):
        classes = list(style.classes)
        classes = [replace(item, missing=False) for item in classes]
        if number is not None:
            classes[number] = replace(classes[number], missing=True, **bounds)
        return qml.renderer(replace(style, classes=tuple(classes))).get("attr")

    assert attribute(BY_KEY["settlements"], None) == "population"
    assert attribute(BY_KEY["settlements"], 1) == 'coalesce("population", 10000.0)'
    assert attribute(BY_KEY["cells_time"], 0, lower=-math.inf) == f'coalesce("time_to_checkpoint_min", {qml.below(30)})'
    assert attribute(BY_KEY["cells"], 4, value="don't know") == "coalesce(\"growth_flag\", 'don''t know')"


@pytest.mark.parametrize("style", STYLES, ids=lambda style: style.key)
def test_every_class_has_a_symbol_of_its_colour(style):
    root = ET.fromstring(qml.document(style))
    symbols = {symbol.get("name"): symbol for symbol in root.iter("symbol")}
    for number, item in enumerate(style.classes):
        options = {option.get("name"): option.get("value") for option in symbols[str(number)].iter("Option")}
        assert qml.rgba(item.color) in (options.get("color"), options.get("line_color"))
    assert {alias.get("field"): alias.get("name") for alias in root.iter("alias")} == dict(style.fields)


def test_refuses_a_style_that_cannot_be_drawn():
    with pytest.raises(ValueError, match="names no column"):
        qml.renderer(replace(BY_KEY["cells"], column=None))
    with pytest.raises(ValueError, match="needs lower and upper"):
        qml.renderer(replace(BY_KEY["cells_time"], classes=(StyleClass("x", "#000000"),)))


def test_markup_in_names_survives():
    style = replace(BY_KEY["regions"], fields={"name": 'a < b & "c"'})
    assert ET.fromstring(qml.document(style)).find("aliases/alias").get("name") == 'a < b & "c"'
