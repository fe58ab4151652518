"""A moment of departure as people write it, and how long a post stays closed from a moment on."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from typing import Any

from opening_hours import OpeningHours, ParserError  # type: ignore[attr-defined]  # missing in its stubs

from layers.errors import PlaceError
from layers.hours import daily_hours, library_text

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_PLAIN = re.compile(r"^([a-z]{2,9})\.?\s+(\d{1,2}):(\d{2})$")
SUMMER, WINTER = datetime(2026, 7, 6), datetime(2026, 1, 12)
"""Mondays of plain weeks of summer and winter, which stand for a weekday without a date: assumptions."""
LONGEST = timedelta(days=400)


@dataclass(frozen=True)
class Moment:
    """A departure: when, and what the user wrote."""

    at: datetime
    text: str

    @property
    def weekday(self) -> int:
        """Return 0 for Monday to 6 for Sunday."""
        return self.at.weekday()

    @property
    def slot(self) -> int:
        """Return the half hour of the day."""
        return 2 * self.at.hour + self.at.minute // 30


def moment_of(text: str, *, winter: bool = False) -> Moment:
    """Return the moment that a text tells: a weekday and an hour, or a date and an hour.

    Raises
    ------
    PlaceError
        It is in neither form.

    Examples
    --------
    >>> moment_of("Mon 08:00").at, moment_of("2026-02-03 18:30").at
    (datetime.datetime(2026, 7, 6, 8, 0), datetime.datetime(2026, 2, 3, 18, 30))
    """
    plain = _PLAIN.match(text.strip().casefold())
    if plain:
        day = [i for i, name in enumerate(DAYS) if name.startswith(plain[1][:3]) and len(plain[1]) >= 2]
        hour, minute = int(plain[2]), int(plain[3])
        if len(day) == 1 and hour < 24 and minute < 60:
            return Moment((WINTER if winter else SUMMER) + timedelta(days=day[0], hours=hour, minutes=minute), text)
    else:
        try:
            return Moment(datetime.fromisoformat(text.strip()).replace(tzinfo=None), text)
        except ValueError:
            pass
    raise PlaceError(
        f'--at {text!r}: allowed is a weekday or a date and an hour, such as "Mon 08:00" or "2026-01-15 08:00"'
    )


@cache
def _rules(text: str, country: str) -> Any:
    """Return the library's reading of a text with a country's holidays, None where it can't read it."""
    plain = library_text(daily_hours(text))
    for code in (country or None, None):
        try:
            return OpeningHours(plain, country=code)
        except ParserError:
            return None
        except Exception:  # a country whose holidays the library does not know, by an exception of its own
            continue
    return None


def until_open_min(text: str, at: datetime, countries: tuple[str, ...]) -> float:
    """Return the minutes until a post opens that is closed at a moment.

    0 where it is open; NaN where nobody can tell, infinite where it never does.

    Holidays are those of the countries: it is open where its hours are in each.

    Examples
    --------
    >>> eight = datetime(2026, 7, 6, 8)
    >>> until_open_min("09:00-21:00", eight, ("RU", "KZ")), until_open_min("24/7", eight, ())
    (60.0, 0.0)
    """
    if daily_hours(text) == "24/7":
        return 0.0
    rules = [_rules(text, country) for country in countries or ("",)]
    if any(r is None for r in rules):
        return float("nan")
    now = at
    while now < at + LONGEST:
        closed_rules = [r for r in rules if not r.is_open(now)]
        if not closed_rules:
            return (now - at).total_seconds() / 60
        if any(r.is_unknown(now) for r in closed_rules):
            return float("nan")
        changes = [r.next_change(now) for r in closed_rules]
        if any(c is None for c in changes):
            return float("inf")
        now = max(c.replace(tzinfo=None) for c in changes)
    return float("inf")
