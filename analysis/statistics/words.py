"""Words of the flags and of the ranked lists, for whoever names what the tests have found without testing anything."""

from __future__ import annotations

KIND = {"growth": "growth point", "bottleneck": "bottleneck"}
STANDS_OUT, HIGH, UNCERTAIN, NO, NOT_TESTABLE, NO_DATA = (
    "stands out",
    "high",
    "uncertain",
    "no",
    "not testable",
    "no data",
)
MIN_UNITS = 20
"""Fewer units are described, not tested: the power of Moran's I is under a third at 12 units (docs/decisions.md)."""
