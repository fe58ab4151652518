"""Drawings of the further chapters: which there are, that they differ, that their classes leave no value out."""

from __future__ import annotations

from dataclasses import fields
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest

from maps.styles.classes import LayerStyle
from maps.styles.layers import run_styles
from maps.styles.thematic import (
    FLOW_CLASSES,
    LOAD_CLASSES,
    REACH_CLASSES,
    TYPE_COLORS,
    chapter_styles,
    isochrone_style,
    type_colors,
)
from maps.web.sentences import sentences
from tests.maps import frames as synthetic

EVERYTHING = ("flows", "closures_links", "gaps", "isochrones", "outliers")
COLUMNS = {
    "cells": ["people_within_240min_cross_actual"],
    "regions": ["index", "type"],
    "checkpoints": ["load_factor"],
}
FURTHER = {
    "flows",
    "closures_links",
    "gaps",
    "isochrones",
    "outliers",
    "cells_reach",
    "regions_index",
    "regions_type",
    "checkpoints_load",
    "hospital",
}


def everything(types: tuple[str, ...] = ("gate", "path")) -> tuple[LayerStyle, ...]:
    """Return the drawings of a run that has all layers."""
    return chapter_styles(
        EVERYTHING,
        lost_potential=np.arange(1.0, 100.0).tolist(),
        types=types,
        minutes=(60, 120),
        places=[("hospital", "Somebody's"), ("old_school", "")],
        columns=COLUMNS,
    )


def test_a_run_without_further_layers_is_drawn_as_ever() -> None:
    assert chapter_styles(()) == run_styles()
    lost = [1.0, 50.0, 900.0]
    assert chapter_styles((), lost_potential=lost, columns={"cells": ["x"]}) == run_styles(lost)


def test_each_layer_adds_its_drawing_and_no_other() -> None:
    base = {s.key for s in run_styles()}
    for layer in EVERYTHING:
        assert {s.key for s in chapter_styles([layer], minutes=[60])} == base | {layer}
    for layer, column, key in (
        ("cells", "people_within_240min_cross_actual", "cells_reach"),
        ("regions", "index", "regions_index"),
        ("checkpoints", "load_factor", "checkpoints_load"),
    ):
        assert {s.key for s in chapter_styles((), columns={layer: [column]})} == base | {key}
    assert {s.key for s in chapter_styles((), types=["x"])} == base | {"regions_type"}
    assert {s.key for s in chapter_styles((), places=[("hospital", "")])} == base | {"hospital"}


def test_keys_and_titles_differ() -> None:
    styles = everything()
    assert len({s.key for s in styles}) == len(styles)
    assert len({s.title for s in styles}) == len(styles)
    assert {s.key for s in styles} >= FURTHER


def test_the_former_drawings_stay_in_their_order_and_as_they_were() -> None:
    styles = everything()
    lost = np.arange(1.0, 100.0).tolist()
    assert tuple(s for s in styles if s.key in {b.key for b in run_styles(lost)}) == run_styles(lost)
    # Nothing of the further drawings hides the first view.
    assert not any(s.visible for s in styles if s.key in FURTHER)


def test_points_lie_over_lines_and_lines_over_areas() -> None:
    at = {s.key: i for i, s in enumerate(everything())}
    assert at["hospital"] < at["border_line"]
    assert at["flows"] < at["border_line"] < at["roads"]
    assert at["isochrones"] < at["cells"]
    assert at["outliers"] < at["cells"]
    assert at["regions_type"] < at["regions"]


@pytest.mark.parametrize("key", sorted(s.key for s in everything() if s.kind == "graduated"))
def test_classes_meet_and_leave_no_gap(key: str) -> None:
    style = next(s for s in everything() if s.key == key)
    for low, high in pairwise(style.classes):
        assert low.upper == high.lower, (key, low.label)
    assert len({c.label for c in style.classes}) == len(style.classes)
    assert len({(c.color, c.size) for c in style.classes}) == len(style.classes)


@pytest.mark.parametrize("classes", [FLOW_CLASSES, REACH_CLASSES, LOAD_CLASSES])
def test_amounts_from_0_up_have_one_class_each(classes: tuple[object, ...]) -> None:
    bounds = [c.lower for c in classes]  # type: ignore[attr-defined]
    for value in (0.0, 1e-12, *bounds, 0.999999, 1.0, 3.7, 5e6, 1e12):
        assert sum(c.lower <= value < c.upper for c in classes) == 1, value  # type: ignore[attr-defined]


def test_types_keep_the_names_of_the_study() -> None:
    names = (synthetic.HOSTILE, synthetic.QUOTES, "満", "满洲里 $x^2$")
    style = next(s for s in everything(names) if s.key == "regions_type")
    assert [c.value for c in style.classes] == list(names)
    assert [c.label for c in style.classes] == list(names)
    assert len({c.color for c in style.classes}) == 4
    assert style.column == "type"


def test_more_types_than_colours_are_all_drawn() -> None:
    names = tuple(f"type {i}" for i in range(len(TYPE_COLORS) + 3))
    style = next(s for s in everything(names) if s.key == "regions_type")
    assert [c.value for c in style.classes] == list(names)
    assert len({c.color for c in style.classes[: len(TYPE_COLORS)]}) == len(TYPE_COLORS)
    assert type_colors(names)[names[0]] == type_colors(names)[names[len(TYPE_COLORS)]]


def test_a_name_given_twice_is_one_type() -> None:
    style = next(s for s in everything(("x", "x", "y")) if s.key == "regions_type")
    assert [c.value for c in style.classes] == ["x", "y"]
    assert type_colors(["x", "x", "y"]) == type_colors(["x", "y"])


@pytest.mark.parametrize("n", [0, 1, 3, 6, 9])
def test_every_limit_has_its_class_the_nearest_darkest(n: int) -> None:
    limits = [30.0 * (i + 1) for i in range(n)]
    style = isochrone_style(limits)
    assert [c.value for c in style.classes] == [f"{m:g}" for m in limits]

    def light(color: str) -> int:
        return sum(int(color[i : i + 2], 16) for i in (1, 3, 5))

    shades = [light(c.color) for c in style.classes]
    assert shades == sorted(shades)
    assert len(set(shades)) == min(n, 6)


def test_limits_come_in_any_order() -> None:
    def classes(minutes: tuple[float, ...]) -> list[str | None]:
        found = next(s for s in chapter_styles(["isochrones"], minutes=minutes) if s.key == "isochrones")
        return [c.value for c in found.classes]

    assert classes((240, 60.0, 7.5)) == classes((7.5, 60, 240)) == ["7.5", "60", "240"]


def test_layers_of_ones_own_bear_the_rights_of_their_owner() -> None:
    by_key = {s.key: s for s in everything()}
    assert by_key["hospital"].rights == "Somebody's"
    assert "ODbL" not in by_key["hospital"].licence
    assert by_key["old_school"].rights == "the study's own file"
    assert by_key["old_school"].title == "Old school"
    assert by_key["hospital"].layer == "hospital"
    others = [s for s in everything() if s.layer not in ("hospital", "old_school")]
    assert not any("owner" in s.licence for s in others)


def test_every_drawing_is_described() -> None:
    for style in everything():
        for name in ("title", "description", "group", "licence", "rights"):
            assert getattr(style, name).strip(), (style.key, name)
        if style.kind != "single":
            assert style.column
            assert style.classes
        assert len(set(style.fields.values())) == len(style.fields), style.key
    assert "fields" in {f.name for f in fields(LayerStyle)}


def test_links_with_the_same_trips_share_a_sentence_and_none_gets_that_of_another() -> None:
    flows = pd.DataFrame(
        {"flow_share": [0.2, 0.25, np.nan, 0.2, np.nan], "mode": ["road", "road", "road", "rail", None]}
    )
    found = sentences("flows", flows, ("a", "b"))
    alone = [sentences("flows", flows.iloc[[row]], ("a", "b"))[0] for row in range(len(flows))]
    assert found == alone
    assert found[0].startswith("20") and found[1].startswith("25") and found[2] == found[4] == ""
    assert len({*found}) == 4
    assert (
        sentences("flows", flows[["flow_share"]], ("a", "b")) == sentences("flows", flows[[]], ("a", "b")) == [""] * 5
    )
