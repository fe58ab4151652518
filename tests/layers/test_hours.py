"""Opening hours: what a text says, held against a clock that steps through the year."""

from __future__ import annotations

import numpy as np
import pytest

from layers.hours import daily_hours, read_hours


@pytest.mark.parametrize(
    ("hours", "closed"),
    [
        ("24/7", 0),
        ("09:00-21:00", 12),
        ("8:30-17:00", 15.5),
        ("22:00-06:00", 16),
        ("06:00 – 22:00", 8),
        ("00:00-24:00", 0),
    ],
)
def test_hours_of_a_day_that_a_checkpoint_is_closed(hours: str, closed: float) -> None:
    assert read_hours(hours).closed_per_day_h == pytest.approx(closed)
    assert read_hours(hours).open_per_day_h == pytest.approx(24 - closed)
    # Arrivals spread evenly: who comes x hours before the opening waits x, all others nothing. The mean by hand:
    arrivals = (np.arange(240_000) + 0.5) / 10_000
    mean = np.maximum(closed - arrivals, 0).mean() * 60
    assert read_hours(hours).wait_min == pytest.approx(mean, rel=1e-6)
    assert read_hours(hours).wait_min == pytest.approx(closed**2 / 48 * 60)


def test_hours_that_differ_between_the_days_are_those_of_the_week() -> None:
    # Five spells of ten hours open; four nights of 14 hours, and one of 62 from Friday evening to Monday morning.
    found = read_hours("Mo-Fr 08:00-18:00")
    assert found.open_share == pytest.approx(50 / 168)
    assert found.wait_min == pytest.approx(60 * (4 * 14**2 + 62**2) / (2 * 168))
    assert read_hours("Mo-Fr 08:00 – 18:00") == found
    # A break at noon: nights of 15 hours and breaks of one.
    assert read_hours("08:00-12:00,13:00-17:00").wait_min == pytest.approx(60 * (15**2 + 1) / 48)


def test_a_season_counts_in_the_share_and_not_in_the_wait() -> None:
    # 153 of 364 days from May to September, open at all hours then.
    found = read_hours("May-Sep 00:00-24:00")
    assert found.open_share == pytest.approx(153 / 364)
    assert found.wait_min == 0


@pytest.mark.parametrize("hours", ["irregular", "", "by day", "unknown", "off", "2019 08:00-12:00"])
def test_what_says_no_hours_or_never_opens_is_unknown(hours: str) -> None:
    found = read_hours(hours)
    assert not found.known
    assert np.isnan(found.open_share)
    assert np.isnan(found.wait_min)


def test_hours_of_every_day_are_written_as_the_layer_has_them() -> None:
    assert daily_hours("Mo-Su 8:00 - 20:00") == "08:00-20:00"
    assert daily_hours("00:00-24:00") == daily_hours(" 24/7 ") == "24/7"
    assert daily_hours("Mo-Fr 08:00-20:00") == "Mo-Fr 08:00-20:00"
