"""Served, beyond and not known are three things, in every sentence on access."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pandas as pd
import pytest

from gis.access_findings import access_findings, known_of

NAN = float("nan")


def measures(**changes: Any) -> Any:
    segments = pd.DataFrame(
        {
            "km_from": [0.0, 25, 50, 75, 100, 125, 150, 175],
            "km_to": [25.0, 50, 75, 100, 125, 150, 175, 200],
            "region_a": list("AAAABBBB"),
            "region_b": list("CCCCCCDD"),
            # Served; beyond on one side whatever is known of the other; not known.
            "time_to_checkpoint_a_min": [10.0, 240.0, NAN, NAN, 300.0, 250.0, 20.0, 20.0],
            "time_to_checkpoint_b_min": [10.0, 240.0, NAN, 20.0, NAN, 20.0, 20.0, 241.0],
            "open_road_checkpoint_km": [5.0, 50.0, 101.0, 150.0, 101.0, 90.0, 20.0, 120.0],
        }
    )
    regions = pd.DataFrame(
        {
            "region": list("ABCD"),
            "name": ["Near", "Between", "Far", "Silent"],
            "time_to_checkpoint_min": [46.0, 90.0, 200.0, NAN],
            "time_to_checkpoint_known_share": [0.66, 0.2, 1.0, 0.0],
        }
    )
    settlements = pd.DataFrame(
        {"population": [7000, 1000, 2000, 0], "time_to_checkpoint_min": [240.0, 240.1, NAN, NAN]}
    )
    return SimpleNamespace(**{"segments": segments, "regions": regions, "settlements": settlements, **changes})


def test_the_line_falls_into_served_beyond_and_not_known() -> None:
    regions, people, line, crow = access_findings(measures())
    assert line.startswith(
        "38\u00a0% of the border line lies within 4 hours of an open checkpoint from both sides, 38\u00a0% further"
    )
    assert "of 25\u00a0% it is not known" in line
    # Not the 100 km from km 50 on, of which half is unknown.
    assert "longest stretch beyond: 50 km (km 100–150 from the west, from Between and Far)" in line
    assert crow.startswith("100 km of the border line are further than 100 km from an open road checkpoint")
    assert "longest stretch: 75 km (km 50–125 from the west, from Near and Far)" in crow
    assert people.startswith(
        "Of 10,000 people in the belt 70\u00a0% live within 4 hours of an open checkpoint, 1,000 beyond; of "
        "2,000 it is not known"
    )
    assert regions == (
        "People of Near (46 min on average, known for 66% of the people alone) are nearest to an open checkpoint, "
        "those of Far (200 min on average) furthest."
    )


def test_a_line_of_which_nothing_is_known_is_not_far() -> None:
    unknown = measures().segments.assign(time_to_checkpoint_a_min=NAN, time_to_checkpoint_b_min=NAN)
    line = access_findings(measures(segments=unknown))[2]
    assert "0\u00a0% further" in line
    assert "of 100\u00a0% it is not known" in line
    assert "stretch" not in line


def test_stretches_end_where_the_line_does() -> None:
    two = measures().segments.assign(open_road_checkpoint_km=150.0)
    two.loc[4:, ["km_from", "km_to"]] += 40.0
    assert "longest stretch: 100 km (km 0–100" in access_findings(measures(segments=two))[3]


@pytest.mark.parametrize(("share", "said"), [(1.0, False), (0.8, False), (0.79, True)])
def test_a_mean_over_too_few_says_so(share: float, said: bool) -> None:
    assert bool(known_of(share)) == said
