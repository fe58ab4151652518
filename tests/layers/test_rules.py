"""What is taken without pandera is what pandera would make of it, and what it would refuse is never taken."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from pandera.errors import SchemaErrors

from layers.rules import RULES, Rule, fitting
from layers.schema import schemas

ODD: list[Any] = ["", " ", "a b", "XY", "xy", "car|truck", "x" * 301, None, np.nan, -1, 0, 0.0, 1, 5.5, 401, 1e9, True]


def good(rule: Rule, rng: np.random.Generator, n: int) -> Any:
    if rule.kind == "flag":
        return rng.random(n) < 0.5
    if rule.kind == "whole":
        return np.arange(1, n + 1)
    if rule.kind == "number":
        values = rng.uniform(0.5, 1.0, n) if rule.most == 1 else rng.uniform(1.0, 300.0, n)
        return np.where(rng.random(n) < 0.3, np.nan, values) if rule.nullable else values
    if rule.among:
        return rng.choice(rule.among, n)
    if rule.pattern and "car" in rule.pattern:
        return rng.choice(["", "car", "truck", "car|truck"], n)
    return [f"word-{i}" for i in range(n)] if rule.unique or rule.longest else rng.choice(["RU", "KZ"], n)


def table(layer: str, seed: int, n: int = 6) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame({name: good(rule, rng, n) for name, rule in RULES[layer].items()})
    return frame.assign(further=1)


@pytest.mark.parametrize("layer", RULES)
@pytest.mark.parametrize("seed", range(6))
def test_what_fits_is_what_the_schema_makes(layer: str, seed: int) -> None:
    frame = table(layer, seed)
    if seed % 2:  # as words and whole numbers come from files
        frame = frame.astype({c: object for c in frame if frame[c].dtype == "str"})
        frame = frame.assign(**({"length_m": 7} if "length_m" in frame else {}))
    if seed % 3 == 2:  # as a file keeps them that spares bytes
        small = {"int64": "int32", "float64": "float32"}
        frame = frame.astype({c: small[str(frame[c].dtype)] for c in frame if str(frame[c].dtype) in small})
    taken = fitting(frame, layer)
    assert taken is not None
    expected = schemas()[layer].validate(frame, lazy=True)[list(RULES[layer])]
    pd.testing.assert_frame_equal(taken, expected)


@pytest.mark.parametrize("layer", RULES)
@pytest.mark.parametrize("seed", range(60))
def test_what_the_schema_refuses_or_changes_is_not_taken(layer: str, seed: int) -> None:
    rng = np.random.default_rng(seed)
    frame = table(layer, seed)
    column = str(rng.choice(list(RULES[layer])))
    values = frame[column].astype(object)
    values[int(rng.integers(len(values)))] = ODD[int(rng.integers(len(ODD)))]
    frame[column] = values.infer_objects() if rng.random() < 0.7 else values
    taken = fitting(frame, layer)
    try:
        expected = schemas()[layer].validate(frame, lazy=True)[list(RULES[layer])]
    except SchemaErrors:
        assert taken is None
    else:
        if taken is not None:
            pd.testing.assert_frame_equal(taken, expected)


def test_a_missing_column_and_a_value_there_twice_are_left_to_the_schema() -> None:
    frame = table("settlements", 0)
    assert fitting(frame.drop(columns="country"), "settlements") is None
    assert fitting(frame.assign(settlement_id=1), "settlements") is None
    assert fitting(frame.assign(name=""), "settlements") is None
