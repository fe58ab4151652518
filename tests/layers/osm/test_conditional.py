"""When a condition holds, over one mean year."""

from __future__ import annotations

import pytest

from layers.osm.conditional import UnreadConditionError, clauses_of, open_at


@pytest.mark.parametrize(
    ("text", "days"),
    [
        ("nov-apr", 30 + 31 + 31 + 28 + 31 + 30),
        ("May", 31),
        ("Oct 15-Apr 15", 17 + 30 + 31 + 31 + 28 + 31 + 15),
        ("Dec 24", 1),
        ("Dec 24-26", 3),
        ("Jun-Aug", 92),
        ("October-March", 182),
        ("Jan-Feb,Nov-Dec", 31 + 28 + 30 + 31),
        ("winter", 90),
        ("summer", 92),
    ],
)
def test_days_of_the_year(text: str, days: int) -> None:
    assert open_at(text)[:, 0, 0].sum() == days


@pytest.mark.parametrize(
    ("text", "hours"),
    [
        ("22:00-06:00", 8),
        ("06:00-22:00", 16),
        ("00:00-24:00", 24),
        ("24/7", 24),
        ("07:00-09:00,16:00-18:30", 4.5),
        ("sunrise-sunset", 14),
        ("7:00-9:00", 2),
    ],
)
def test_hours_of_the_day(text: str, hours: float) -> None:
    assert open_at(text)[0, 0].sum() / 2 == hours


def test_days_of_the_week_months_and_hours_together() -> None:
    assert open_at("Mo-Fr 08:00-20:00").mean() == pytest.approx(5 * 12 / 168)
    assert open_at("Sa,Su").mean() == pytest.approx(2 / 7)
    assert open_at("Sa-Mo").mean() == pytest.approx(3 / 7)
    assert open_at("Jul-Aug Mo-Fr 08:00-20:00").mean() == pytest.approx(62 / 365 * 5 * 12 / 168)
    assert open_at("Mo-Fr 16:00-18:00; Sa 10:00-12:00").mean() == pytest.approx((10 + 2) / 168)


@pytest.mark.parametrize(
    "text", ["full moon", "2024 Mar-2024 Apr", "week 10-20", "Mo-Fr until late", "25", "Feb 45", "49:00-50:00"]
)
def test_what_is_no_time_is_not_guessed(text: str) -> None:
    with pytest.raises(UnreadConditionError):
        open_at(text)


def test_clauses_are_parted_outside_brackets() -> None:
    clauses, unread = clauses_of("no @ (Mo-Fr 07:00-09:00; Sa 10:00-12:00); destination @ 22:00-06:00", "car")
    assert [(value, round(float(when.mean()) * 168, 3)) for value, when, _ in clauses] == [
        ("no", 12.0),
        ("destination", 56.0),
    ]
    assert unread == ()


@pytest.mark.parametrize(
    ("text", "car", "truck"),
    [
        ("no @ (weight>7.5)", False, True),
        ("no @ (weight<3.5)", True, False),
        ("no @ hgv", False, True),
        ("no @ (maxweight>=40)", False, True),
        ("no @ (length>10 AND 22:00-06:00)", False, True),
        ("no @ wet", False, False),
    ],
)
def test_conditions_of_vehicles(text: str, car: bool, truck: bool) -> None:
    assert [bool(clauses_of(text, v)[0][0][1].any()) for v in ("car", "truck")] == [car, truck]
