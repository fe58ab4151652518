"""Quantiles: what classes an amount gets."""

from __future__ import annotations

import numpy as np

from maps.styles.layers import run_styles
from maps.styles.quantiles import quantile_classes


def test_every_known_value_falls_into_one_class() -> None:
    values = np.random.default_rng(1).lognormal(11, 1, 300)
    values[:5] = np.nan
    classes = quantile_classes(values)
    assert 2 <= len(classes) <= 5
    for value in values[5:]:
        assert sum(c.lower <= value < c.upper for c in classes if c.lower is not None and c.upper is not None) == 1
    assert len({c.color for c in classes}) == len(classes)


def test_classes_hold_like_numbers_and_breaks_are_round() -> None:
    values = np.random.default_rng(2).lognormal(11, 1, 500)
    classes = quantile_classes(values)
    inner = [c.upper for c in classes[:-1] if c.upper is not None]
    assert len(inner) == 4
    assert all(float(f"{b:.2g}") == b for b in inner)
    counts = [sum(c.lower <= v < c.upper for v in values) for c in classes]  # type: ignore[operator]
    # A fifth each; rounding to two digits moves a break by 5 % of its value at the most.
    assert min(counts) > 60
    assert max(counts) < 140


def test_few_values_make_few_classes() -> None:
    assert len(quantile_classes([np.nan, 7.0, 7.0])) == 1
    assert len(quantile_classes([1.0, 900.0])) == 2
    assert len(quantile_classes([0.0] * 40 + [3.0, 5.0, 8.0, 13.0])) < 5


def test_the_drawing_comes_with_its_values_only() -> None:
    assert "cells_lost" not in {s.key for s in run_styles()}
    assert "cells_lost" in {s.key for s in run_styles([1.0, 50.0, 900.0])}
