"""Conditional tags (``no @ (Nov-Apr)``, ``yes @ (06:00-22:00)``).

When each value holds, for a vehicle, over one mean year.

Syntax: https://wiki.openstreetmap.org/wiki/Conditional_restrictions
"""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

SHAPE = (365, 7, 48)
"""Days of a year, days of a week, half hours: a condition is true or false at each."""
MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
WEEKDAYS = ("mo", "tu", "we", "th", "fr", "sa", "su")
MONTH_DAYS = (31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
_BEGINS = np.concatenate([[0], np.cumsum(MONTH_DAYS)])
_MONTH = np.repeat(np.arange(12), MONTH_DAYS)
WINTER_DAYS, SUMMER_DAYS = np.isin(_MONTH, (11, 0, 1)), np.isin(_MONTH, (5, 6, 7))
"""December to February stand for winter, June to August for summer: an assumption."""
DAY_SLOTS = slice(12, 44)
"""Half hours from 6 to 22: who travels by day (an assumption)."""

SIZES: Mapping[str, Mapping[str, float]] = {
    "car": {"weight": 2.0, "length": 5.0, "height": 2.0, "width": 2.0, "axles": 2, "axleload": 1.0, "wheels": 4},
    "truck": {"weight": 40.0, "length": 16.5, "height": 4.0, "width": 2.55, "axles": 5, "axleload": 11.5, "wheels": 18},
}
"""Tonnes and metres of the vehicles that conditions are asked for: assumptions; the truck is the European articulated
one."""
SAME = {"weightrating": "weight", "maxweightrating": "weight", "gvw": "weight", "maxweight": "weight"}
IS_VEHICLE: Mapping[str, frozenset[str]] = {
    "car": frozenset({"motorcar", "car", "motor_vehicle", "vehicle"}),
    "truck": frozenset({"hgv", "truck", "goods", "hgv_articulated", "motor_vehicle", "vehicle"}),
}
FOR_SOME = frozenset({"destination", "delivery", "customers", "permit", "private", "residents", "employees"})
"""Conditions that hold for those who have business there."""
NEVER = frozenset(
    {
        "wet",
        "snow",
        "ice",
        "fog",
        "rain",
        "roadworks",
        "hazmat",
        "trailer",
        "caravan",
        "emergency",
        "psv",
        "bus",
        "taxi",
        "agricultural",
        "forestry",
        "foot",
        "bicycle",
        "motorcycle",
        "moped",
        "horse",
        "hov",
        "ph",
        "sh",
        "coach",
        "tourist_bus",
        "military",
        "disabled",
        "motorhome",
        "ski",
    }
)
"""Conditions of weather, of works and of others: they do not hold for the vehicle on a plain day."""

_CLAUSE = re.compile(r"^(.*?)\s*@\s*\(?(.*?)\)?$", re.S)
_SIZE = re.compile(r"^([a-z]+)\s*(<=|>=|<|>|=)\s*(\d+(?:\.\d+)?)\s*(?:t|m|st|tons?)?$")
_M = "|".join(MONTHS)
_D = "|".join(WEEKDAYS)
_DATE = re.compile(rf"(?:({_M})[a-z]*\.?\s*(\d{{1,2}})?)\s*(?:[-–]\s*(?:({_M})[a-z]*\.?)?\s*(\d{{1,2}})?)?(?!\d|:\d)")
_DAYS = re.compile(rf"({_D})[a-z]?\b\s*(?:[-–]\s*({_D})[a-z]?\b)?")
_TIME = re.compile(
    r"(\d{1,2}|sunrise|sunset|dawn|dusk)(?::(\d{2}))?\s*[-–]\s*(\d{1,2}|sunrise|sunset|dawn|dusk)(?::(\d{2}))?\+?"
)
_DAY_FIRST = re.compile(rf"\b(\d{{1,2}})\.?\s+({_M})")
_HOLIDAYS = re.compile(r"(ph|sh)\b")
_SUN = {"sunrise": 12, "dawn": 12, "sunset": 40, "dusk": 40}
"""Half hours at which the sun rises and sets: 6 and 20 o'clock, an assumption."""


class UnreadConditionError(Exception):
    """A condition that is in none of the forms that are read."""


@cache
def clauses_of(text: str, vehicle: str) -> tuple[tuple[tuple[str, NDArray[np.bool_], bool], ...], tuple[str, ...]]:
    """Return the clauses of a conditional tag, and those that can't be read.

    Returns
    -------
    Of each clause the value (in small letters), when it holds (shape `SHAPE`), and whether only for those who have
    business there (``yes @ destination``). Later clauses stand before earlier ones.

    Examples
    --------
    >>> clauses, unread = clauses_of("no @ (Nov-Apr); yes @ (full moon)", "car")
    >>> [(value, round(float(when.mean()), 2)) for value, when, _ in clauses], unread
    ([('no', 0.5)], ('yes @ (full moon)',))
    """
    read, unread = [], []
    for part in _parts(text):
        match = _CLAUSE.match(part)
        try:
            if not match:
                read.append((part.casefold(), np.ones(SHAPE, bool), False))
                continue
            when, some = _holds(match[2].casefold(), vehicle)
        except UnreadConditionError:
            unread.append(part)
            continue
        read.append((match[1].strip().casefold(), when, some))
    return tuple(read), tuple(unread)


def _parts(text: str) -> list[str]:
    """Return the clauses of a tag: parted by semicolons that stand outside brackets."""
    out, depth, begin = [], 0, 0
    for at, letter in enumerate(text):  # a tag has at most 255 letters
        depth += (letter == "(") - (letter == ")")
        if letter == ";" and depth <= 0:
            out.append(text[begin:at])
            begin = at + 1
    return [part.strip() for part in [*out, text[begin:]] if part.strip()]


def _holds(text: str, vehicle: str) -> tuple[NDArray[np.bool_], bool]:
    """Return when conditions joined by AND hold, and whether only for some."""
    when, some = np.ones(SHAPE, bool), False
    for one in re.split(r"\s+and\s+|\s*&\s*", text.strip()):
        word = one.strip()
        size = _SIZE.match(word)
        if word in FOR_SOME:
            some = True
        elif word in NEVER:
            when[:] = False
        elif any(word in words for words in IS_VEHICLE.values()):
            when &= word in IS_VEHICLE.get(vehicle, frozenset())
        elif size:
            when &= _fits(size, vehicle)
        else:
            when &= open_at(word)
    return when, some


def _fits(size: re.Match[str], vehicle: str) -> bool:
    """Return whether a vehicle's size is as a condition says."""
    own_size = SIZES.get(vehicle, {}).get(SAME.get(size[1], size[1].removeprefix("max")))
    if own_size is None:
        raise UnreadConditionError(size[0])
    limit = float(size[3])
    return {
        "<": own_size < limit,
        "<=": own_size <= limit,
        ">": own_size > limit,
        ">=": own_size >= limit,
        "=": own_size == limit,
    }[size[2]]


@cache
def open_at(text: str) -> NDArray[np.bool_]:
    """Return when a text of months, dates, weekdays and hours holds, shape `SHAPE`; the half hour is the grain.

    Raises
    ------
    UnreadConditionError
        Anything else stands in it: a year, a week of the year, a holiday.

    Examples
    --------
    >>> float(open_at("22:00-06:00").mean()), int(open_at("oct 15-apr 15")[:, 0, 0].sum())
    (0.3333333333333333, 183)
    """
    out = np.zeros(SHAPE, bool)
    for rule in text.casefold().split(";"):
        if rule.strip():
            out |= _rule(rule.strip())
    return out


def _rule(text: str) -> NDArray[np.bool_]:
    """Return when one rule holds: days of the year, and of the week, and hours, as far as each is named."""
    if text in ("24/7", "always"):
        return np.ones(SHAPE, bool)
    if text in ("winter", "summer"):
        days = WINTER_DAYS if text == "winter" else SUMMER_DAYS
        return np.broadcast_to(days[:, None, None], SHAPE).copy()
    masks: list[NDArray[np.bool_] | None] = [None, None, None]
    rest = _DAY_FIRST.sub(r"\2 \1", text) if _DAY_FIRST.match(text) else text
    while rest:
        for at, pattern, mask in ((2, _TIME, _hours), (0, _DATE, _dates), (1, _DAYS, _weekdays), (1, _HOLIDAYS, _none)):
            match = pattern.match(rest)
            if match:
                found, before = mask(match), masks[at]
                masks[at] = found if before is None else before | found
                rest = rest[match.end() :].lstrip(" ,:")
                break
        else:
            raise UnreadConditionError(text)
    days, week, hours = (np.ones(n, bool) if m is None else m for n, m in zip(SHAPE, masks, strict=True))
    return np.asarray(days[:, None, None] & week[None, :, None] & hours[None, None, :])


def _span(begin: int, end: int, size: int) -> NDArray[np.bool_]:
    """Return the places from `begin` to before `end`, over the end of the year, week or day where that comes first."""
    place = np.arange(size)
    return (place >= begin) & (place < end) if begin < end else (place >= begin) | (place < end)


def _dates(match: re.Match[str]) -> NDArray[np.bool_]:
    """Return the days of months or dates."""
    first = MONTHS.index(match[1])
    last = MONTHS.index(match[3]) if match[3] else first
    if match[3] is None and match[4] is not None and match[2] is None:
        raise UnreadConditionError(match[0])
    for month, day in ((first, match[2]), (last, match[4])):
        if day and not 1 <= int(day) <= 31:
            raise UnreadConditionError(f"{MONTHS[month]} {day}")
    begin = _BEGINS[first] + (min(int(match[2]), MONTH_DAYS[first]) - 1 if match[2] else 0)
    alone = match[2] if match[3] is None and match[4] is None else match[4]
    end = _BEGINS[last] + (min(int(alone), MONTH_DAYS[last]) if alone else MONTH_DAYS[last])
    return _span(int(begin), int(end), SHAPE[0])


def _weekdays(match: re.Match[str]) -> NDArray[np.bool_]:
    """Return the days of the week."""
    first = WEEKDAYS.index(match[1])
    last = WEEKDAYS.index(match[2]) if match[2] else first
    return _span(first, last + 1, SHAPE[1])


def _none(_: re.Match[str]) -> NDArray[np.bool_]:
    """Return the days of a plain week that are holidays."""
    return np.zeros(SHAPE[1], bool)


def _hours(match: re.Match[str]) -> NDArray[np.bool_]:
    """Return the half hours of a span."""
    slots = []
    for hour, minute in ((match[1], match[2]), (match[3], match[4])):
        if hour in _SUN:
            slots.append(_SUN[hour])
            continue
        if minute is None or int(hour) > 48 or int(minute) > 59:
            raise UnreadConditionError(match[0])
        slots.append(round(2 * (int(hour) + int(minute) / 60)))
    begin, end = slots[0] % 48, slots[1] % 48
    return np.ones(SHAPE[2], bool) if begin == end else _span(begin, end, SHAPE[2])
