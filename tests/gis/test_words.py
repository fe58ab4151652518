"""One word for one thing: what two floors must name alike without knowing each other."""

from __future__ import annotations

from analysis.statistics import labels as typology
from maps.styles import classes


def test_labels_of_cells_are_the_same_on_both_floors() -> None:
    for name in ("GROWTH", "DETOUR", "DELAY", "NEITHER", "NO_DATA"):
        assert getattr(typology, name) == getattr(classes, name)
