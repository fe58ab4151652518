"""The dictionary of columns: every table of a run is in it, and it says one thing once."""

from __future__ import annotations

import re

import pandas as pd
import pytest

from maps.columns import KINDS, SCHEMA_VERSION, columns, describe, dictionary, kind_of
from maps.styles.layers import run_styles, scenario_styles


def test_every_row_is_whole() -> None:
    names = [c.name for c in columns()]
    assert len(names) == len(set(names))
    for c in columns():
        assert c.kind in KINDS, c
        assert c.label and c.meaning, c
        assert c.label == c.label.strip() and c.meaning == c.meaning.strip(), c
        assert set(re.findall(r"\{(\w+)\}", c.label + c.meaning)) <= set(re.findall(r"\{(\w+)\}", c.name)), c


def test_units_in_names_and_rows_agree() -> None:
    endings = {"_min": "min", "_km": "km", "_m": "m", "_km2": "km²", "_kph": "km/h", "_per_min": "1/min"}
    for c in columns():
        ending = next((e for e in sorted(endings, key=len, reverse=True) if c.name.endswith(e)), None)
        if ending and c.kind != "text" and "{x}" not in c.name:
            assert c.unit == endings[ending], c


def test_no_column_that_is_drawn_is_missing() -> None:
    names = {c for style in (*run_styles([1.0, 2.0]), *scenario_styles()) for c in style.fields}
    assert [n for n in sorted(names) if describe(n) is None] == []


@pytest.mark.parametrize(
    ("name", "unit", "kind"),
    [
        ("people_within_90min_cross_open", "people", "count"),
        ("time_to_checkpoint_a_min", "min", "minutes"),
        ("potential_cross_actual", "person-equivalents", "model"),
        ("border_loss_road_and_rail", "", "share"),
        ("time_to_checkpoint_min_change", "min", "minutes"),
        ("rail_closed", "", "count"),
    ],
)
def test_families(name: str, unit: str, kind: str) -> None:
    found = describe(name)
    assert found is not None
    assert (found.unit, found.kind) == (unit, kind)
    assert "{" not in found.label + found.meaning


def test_values_decide_where_the_dictionary_can_not() -> None:
    assert kind_of(pd.Series([True, False], name="open")) == "bool"
    assert kind_of(pd.Series(["a"], name="wait_min")) == "text"
    assert kind_of(pd.Series([1.5], name="anything else")) == "number"
    assert kind_of(pd.Series([1.5], name="share")) == "share"
    unknown = dictionary({"own": ["anything else", "share"]})
    assert unknown["meaning"].tolist()[0] == ""


def test_the_dictionary_says_which_schema_it_is_of() -> None:
    assert set(dictionary({"cells": ["cell", "wait_min"]})["schema_version"]) == {SCHEMA_VERSION}


def test_numbers_take_the_kind_of_the_dictionary_but_those_of_texts_codes_and_yes_or_no() -> None:
    plain = [c for c in columns() if "{" not in c.name]
    assert {"text", "code", "bool"} & {c.kind for c in plain}
    for c in plain:
        expected = "number" if c.kind in ("text", "code", "bool") else c.kind
        assert kind_of(pd.Series([1.5], name="anything else"), c.name) == expected, c.name
        assert kind_of(pd.Series([1.5], name=c.name)) == expected, c.name


def test_yes_and_no_are_seen_with_unknown_ones_among_them_and_without_any_row() -> None:
    assert kind_of(pd.Series([True, None], name="open", dtype=object)) == "bool"
    assert kind_of(pd.Series([], name="open", dtype=bool)) == "bool"
    assert kind_of(pd.Series([True, "a"], name="open", dtype=object)) == "text"
    assert kind_of(pd.Series([None, None], name="wait_min", dtype=object)) == "text"


def test_a_row_of_the_dictionary_is_what_is_known_of_its_column() -> None:
    rows = dictionary({"cells": ["wait_min", "anything else"], "segments": ["wait_min"]})
    assert len(rows) >= 2
    known = describe("wait_min")
    assert known is not None
    for row in rows[rows["column"] == "wait_min"].itertuples():
        assert (row.unit, row.kind, row.label, row.meaning) == (known.unit, known.kind, known.label, known.meaning)
    (other,) = rows[rows["column"] == "anything else"].itertuples()
    assert (other.unit, other.kind, other.label, other.meaning) == ("", "", "", "")
