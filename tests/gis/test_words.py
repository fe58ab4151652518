"""One word for one thing: what two floors must name alike without knowing each other."""

from __future__ import annotations

from analysis.statistics import flags
from maps.styles import classes


def test_flags_of_cells_are_the_same_on_both_floors() -> None:
    for name in ("STANDS_OUT", "HIGH", "UNCERTAIN", "NO", "NOT_TESTABLE", "NO_DATA"):
        assert getattr(flags, name) == getattr(classes, name)
