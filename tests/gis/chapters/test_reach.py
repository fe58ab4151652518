"""The chapter on reach: tables of all pairs are made for some settlements at once, and say the same."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from gis.chapters import reach
from gis.chapters.reach import reach_chapter

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pytest

    from gis.inputs import Prepared
    from gis.measures import Measures
    from network.build import Network


def test_road_and_rail_together_of_some_settlements_at_once(
    ground: tuple[Prepared, Network, Measures], monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = reach_chapter(*ground).columns["settlements"].filter(like="road_and_rail")
    assert whole["potential_cross_actual_road_and_rail"].gt(0).any()

    def sevens(rows: int, _columns: int) -> Iterator[slice]:
        return (slice(i, min(i + 7, rows)) for i in range(0, rows, 7))

    monkeypatch.setattr(reach, "blocks", sevens)
    parts = reach_chapter(*ground).columns["settlements"].filter(like="road_and_rail")
    pd.testing.assert_frame_equal(parts, whole, rtol=1e-12)
