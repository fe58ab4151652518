"""Opening hours as OpenStreetMap writes them.

How much of the week a place is open, and how long who comes at any time waits.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any, Literal

from opening_hours import OpeningHours, ParserError  # type: ignore[attr-defined]  # missing in its stubs

ClosedHours = Literal["planned", "even"]
CLOSED_HOURS: tuple[ClosedHours, ...] = ("planned", "even")
"""What travellers do about closed hours: plan, and wait for none; or arrive evenly spread over the week."""

NAN = float("nan")
_DAY = re.compile(r"^\d{2}:\d{2}-\d{2}:\d{2}$")
_YEAR = (datetime(2025, 1, 6), datetime(2026, 1, 5))
"""52 whole weeks: the mean week of a year with its seasons."""
SEASON_H = 168.0
"""What stays closed for longer is out of season: nobody stands at the gate for it."""


@dataclass(frozen=True)
class Hours:
    """What a text on opening hours says.

    The share of the week that is open, and the mean wait of evenly spread arrivals.
    """

    open_share: float
    wait_min: float

    @property
    def known(self) -> bool:
        """Whether the text could be read."""
        return self.open_share == self.open_share

    @property
    def open_per_day_h(self) -> float:
        """Mean hours a day that are open."""
        return 24 * self.open_share

    @property
    def closed_per_day_h(self) -> float:
        """Mean hours a day that are closed."""
        return 24 * (1 - self.open_share)


UNKNOWN = Hours(NAN, NAN)


@cache
def read_hours(text: str) -> Hours:
    """Return what an ``opening_hours`` text says, read by opening-hours-py over 52 weeks without public holidays.

    Arrivals spread evenly wait Σ g²/(2·Σ t) over the closed spells g: h²/48 hours for h hours closed every day. Spells
    of more than a week are seasons, which count in the share alone. A text that can't be read, that leaves the hours
    open to doubt, or that never opens is unknown (NaN).

    Examples
    --------
    >>> read_hours("24/7"), read_hours("09:00-21:00")
    (Hours(open_share=1.0, wait_min=0.0), Hours(open_share=0.5, wait_min=180.0))
    >>> round(read_hours("Mo-Fr 08:00-18:00").open_share, 3), read_hours("by day").known
    (0.298, False)
    """
    plain = daily_hours(text)
    if plain == "24/7":
        return Hours(1.0, 0.0)
    rules = _rules(library_text(plain))
    if rules is None:
        return UNKNOWN
    begin, end = _YEAR
    spells: list[float] = []
    is_open: list[bool] = []
    for start, stop, state, _ in rules.intervals(begin, end):  # a few hundred spans of one text, cached
        word = str(state).casefold().rpartition(".")[2]
        if word == "unknown":
            return UNKNOWN
        hours = (min(stop or end, end) - max(start, begin)).total_seconds() / 3600
        if is_open and is_open[-1] == (word == "open"):
            spells[-1] += hours
        else:
            spells.append(hours)
            is_open.append(word == "open")
    if not any(is_open):
        return UNKNOWN
    if len(spells) > 1 and is_open[0] == is_open[-1]:
        # The year is a ring: a night over its ends is one night.
        spells[0] += spells.pop()
        is_open.pop()
    closed = [h for h, o in zip(spells, is_open, strict=True) if not o]
    in_season = [h for h in closed if h <= SEASON_H]
    total, season = sum(spells), sum(h for h in closed if h > SEASON_H)
    wait_h = sum(h * h for h in in_season) / (2 * (total - season))
    return Hours(round(1 - sum(closed) / total, 9), round(60 * wait_h, 6))


_DAY_WORD = "(?:mo|tu|we|th|fr|sa|su|ph|sh)"
_ALWAYS = re.compile(r"^(24 ?(hours|h|/24)|h24|nonstop|non-stop|always|круглосуточно|тәулік бойы)$", re.IGNORECASE)
_DAILY = re.compile(r"^(mo-su|daily|every day|everyday|ежедневно|күн сайын)\s+", re.IGNORECASE)
_LONG_DAY = re.compile(r"\b(mon|tue|wed|thu|fri|sat|sun)[a-z]*\b", re.IGNORECASE)


def library_text(text: str) -> str:
    """Return a text on opening hours as the library reads it rightly.

    A comma and a blank between names of days are those of one list, not of a further rule (``Mo-Su, PH 10:00-22:00``).
    What stands behind ``||`` or in quotes without hours is by appointment, and holds for nobody who comes without one.

    Examples
    --------
    >>> library_text("Mo-Su, PH 10:00-22:00"), library_text('Mo-Fr 08:00-18:00 || "by appointment"')
    ('Mo-Su,PH 10:00-22:00', 'Mo-Fr 08:00-18:00')
    """
    plain = _LONG_DAY.sub(lambda day: day[1][:2].capitalize(), text.replace("–", "-").strip().rstrip(";").strip())
    plain = re.sub(rf"\b({_DAY_WORD})\s*,\s+(?={_DAY_WORD}\b)", r"\1,", plain, flags=re.IGNORECASE)
    first, *others = [part.strip() for part in plain.split("||")]
    plain = ", ".join([first, *(part for part in others if re.search(r"\d", re.sub(r'"[^"]*"', "", part)))])
    rules = [part.strip() for part in re.split(r';(?=(?:[^"]*"[^"]*")*[^"]*$)', plain)]
    return "; ".join(map(_without_comment, rules))


def _without_comment(rule: str) -> str:
    """Return a rule whose hours are a comment alone as one that is closed."""
    plain = re.sub(r'"[^"]*"', "", rule)
    return re.sub(r'"[^"]*"', "off", rule) if plain != rule and not re.search(r"\d|open|off|closed", plain) else rule


def _rules(text: str) -> Any:
    """Return the library's reading of a text, None where it can't read it."""
    try:
        return OpeningHours(text)
    except ParserError:
        return None


def daily_hours(text: str) -> str:
    """Return an ``opening_hours`` text as the layer of checkpoints has it.

    ``24/7``, ``HH:MM-HH:MM`` or the text itself.

    ``Mo-Su 08:00-20:00`` and ``08:00-20:00`` are one thing; what differs between the days stays as it was written.

    Examples
    --------
    >>> daily_hours("Mo-Su 08:00-20:00"), daily_hours("Mo-Su 00:00-24:00")
    ('08:00-20:00', '24/7')
    """
    bare = _DAILY.sub("", re.sub(r"\s*([-–,;])\s*", r"\1", text.strip().rstrip(";")))
    bare = bare.replace("–", "-")
    if bare in ("24/7", "00:00-24:00", "00:00-23:59", "00:00-00:00") or _ALWAYS.match(bare):
        return "24/7"
    padded = re.sub(r"(?<!\d)(\d):", r"0\1:", bare)
    return padded if _DAY.match(padded) else text.strip()
