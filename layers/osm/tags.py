"""What OpenStreetMap's tags say, as values: limits, one-way, access, seasons, currents, people.

Text in, numbers out, no geometry.

Every parser takes one text; `parsed` runs one over a column by its distinct values, for a million ways hold a few
hundred of them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from layers.osm.limits import GENERIC_KPH, LEGAL_KPH

if TYPE_CHECKING:
    from numpy.typing import NDArray

NAN = float("nan")
UNIT_KPH: Mapping[str, float] = {
    **dict.fromkeys(("", "km/h", "kmh", "kph", "km", "км/ч", "км/час"), 1.0),
    "mph": 1.609344,
    "knots": 1.852,
}
WALK_KPH = 5.0
LOWEST_KPH, HIGHEST_KPH = 1.0, 400.0

_NUMBER = re.compile(r"^(\d{1,4}(?:\.\d+)?)\s*(km/h|kmh|kph|km|км/ч|км/час|mph|knots)?$")
_ZONE = re.compile(r"^([a-z]{2})\s*:\s*([a-z_]+)$")
_ZONE_KPH = re.compile(r"^(?:[a-z]{2}\s*:\s*)?(?:zone\s*:?\s*)?(\d{1,3})$")


def parsed(values: pd.Series, parse: Callable[[str], Any], missing: Any) -> NDArray[Any]:
    """Return `parse` of every text, `missing` where there is none; each distinct text is parsed once.

    Examples
    --------
    >>> parsed(pd.Series(["60", None, "60"]), lambda text: int(text), -1).tolist()
    [60, -1, 60]
    """
    if isinstance(values.dtype, pd.CategoricalDtype):
        codes, distinct = values.cat.codes.to_numpy(), list(values.cat.categories)
    else:
        numbers, index = pd.factorize(values)
        codes, distinct = np.asarray(numbers), list(index)
    # The last entry serves code −1, a missing text.
    table = pd.Series([*(parse(str(text)) for text in distinct), missing]).to_numpy()
    return np.asarray(table[codes])


@cache
def parse_maxspeed(text: str, country: str = "") -> tuple[float, str]:
    """Return a limit in km/h and what it comes from: ``tagged``, ``implicit`` (a legal zone) or ``default`` (nothing).

    A list takes the lower limit. ``none`` (no limit), ``signals`` and ``variable`` say no number, so that the class of
    the road decides.

    Parameters
    ----------
    text
        Value of ``maxspeed`` or of a tag that names a zone (``maxspeed:type``).
    country
        ISO 3166-1 code for a zone that names none (``urban``).

    Examples
    --------
    >>> parse_maxspeed("60;80"), parse_maxspeed("KZ:rural"), parse_maxspeed("none")
    ((60.0, 'tagged'), (110.0, 'implicit'), (nan, 'default'))
    """
    found = [_one_limit(part.strip(), country) for part in re.split(r"[;|]|(?<=\d)\s*/\s*(?=\d)", text.casefold())]
    known = [limit for limit in found if limit[0] == limit[0] and LOWEST_KPH <= limit[0] <= HIGHEST_KPH]
    return min(known) if known else (NAN, "default")


def _one_limit(text: str, country: str) -> tuple[float, str]:
    """Return one limit of a list, in small letters."""
    # A comma before one digit is a decimal one; before two it may part two limits.
    number = _NUMBER.match(re.sub(r",(?=\d(\D|$))", ".", text))
    if number:
        return round(float(number[1]) * UNIT_KPH[number[2] or ""], 2), "tagged"
    if text in ("walk", "walking"):
        return WALK_KPH, "tagged"
    zone = _ZONE.match(text)
    place, name = (zone[1].upper(), zone[2]) if zone else (country.upper(), text)
    if name == "walk":
        return WALK_KPH, "implicit"
    legal = LEGAL_KPH.get("GB" if place == "UK" else place, {})
    limit = legal.get(name, GENERIC_KPH.get(name))
    if limit is not None:
        return float(limit), "implicit"
    figure = _ZONE_KPH.match(text)
    return (float(figure[1]), "implicit") if figure else (NAN, "default")


NO_LIMIT = frozenset({"none", "signals", "variable", "signs", "default", "unposted", "unsigned", "implicit", "unknown"})
"""Values of ``maxspeed`` that say no number and leave the class to decide."""


def has_limit(text: str) -> bool:
    """Return whether every part of a limit is read, be it that there is none.

    Examples
    --------
    >>> has_limit("60;80"), has_limit("none"), has_limit("60 by day")
    (True, True, False)
    """
    parts = [part.strip() for part in text.casefold().split(";") if part.strip()]
    return all(part in NO_LIMIT or parse_maxspeed(part)[0] == parse_maxspeed(part)[0] for part in parts)


FORWARD, BACKWARD, BOTH = 1, -1, 0
ONEWAY: Mapping[str, int] = {
    "yes": FORWARD,
    "true": FORWARD,
    "1": FORWARD,
    "-1": BACKWARD,
    "reverse": BACKWARD,
    "no": BOTH,
    "false": BOTH,
    "0": BOTH,
    "reversible": BOTH,
    "alternating": BOTH,
}
ONEWAY_KINDS = ("motorway",)
ONEWAY_JUNCTIONS = ("roundabout", "circular")
_UNSAID = 9


def _direction(text: str) -> int:
    """Return what ``oneway`` says, `_UNSAID` where no rule reads it."""
    return ONEWAY.get(text.strip().casefold().replace("\u2212", "-"), _UNSAID)


def unread_oneways(oneway: pd.Series) -> dict[str, int]:
    """Return the values of ``oneway`` that no rule reads, with their number: such roads are as if without the tag."""
    found = oneway[parsed(oneway, lambda text: _direction(text) == _UNSAID, False).astype(bool)]
    return {str(text): int(number) for text, number in found.astype(str).value_counts().sort_index().items()}


def oneway_of(oneway: pd.Series, kind: pd.Series, junction: pd.Series) -> NDArray[np.int8]:
    """Return 1 (as drawn), −1 (against it) or 0 (both) for each road.

    A tag stands before the defaults: motorways and roundabouts are one-way; links are two-way, as OpenStreetMap's wiki
    has it. ``reversible`` and ``alternating`` lanes can be driven both ways at some hour, so they count as both.
    """
    stated = parsed(oneway, _direction, _UNSAID)
    default = (
        parsed(kind, lambda k: k in ONEWAY_KINDS, False)
        | parsed(junction, lambda j: j.strip().casefold() in ONEWAY_JUNCTIONS, False)
    ).astype(bool)
    return np.asarray(np.where(stated != _UNSAID, stated, np.where(default, FORWARD, BOTH)), np.int8)


_WARM = frozenset({"summer", "spring", "autumn", "dry_season", "dry"})
SEASONS = ("", "winter", "summer", "some")


@cache
def season_of(seasonal: str, ice_or_winter_road: bool = False) -> str:
    """Return when a road can be driven.

    Always (an empty text), in ``winter``, in ``summer`` (not in winter), at ``some`` time.

    An ice road or winter road is one of winter whatever ``seasonal`` says. ``seasonal=yes`` and what is not understood
    tell no time: ``some``.

    Examples
    --------
    >>> season_of("winter"), season_of("spring;summer"), season_of("yes"), season_of("no"), season_of("yes", True)
    ('winter', 'summer', 'some', '', 'winter')
    """
    if ice_or_winter_road:
        return "winter"
    parts = {part.strip() for part in seasonal.casefold().split(";")}
    if parts <= {"no", ""} or parts >= {"winter", "summer"}:
        return ""
    if parts == {"winter"}:
        return "winter"
    return "summer" if parts <= _WARM else "some"


_CLOCK = re.compile(r"^(\d{1,3})(?:[:H]|\s*Ч)([0-5]\d)(?::([0-5]\d))?(?:\s*H)?$")
_PERIOD = re.compile(r"^P(?:(\d+(?:\.\d+)?)D)?(?:T(?:(\d+(?:\.\d+)?)H)?(?:(\d+(?:\.\d+)?)M)?(?:(\d+(?:\.\d+)?)S)?)?$")
_WORDS = re.compile(
    r"^(?:(\d+(?:\.\d+)?)\s*D(?:AYS?)?)?\s*(?:(\d+(?:\.\d+)?)\s*(?:H|HRS?|HOURS?|Ч|ЧАС\w*)\.?)?\s*(?:AND\s+)?"
    r"(?:(\d+(?:\.\d+)?)\s*(?:M|MINS?|MINUTES?|МИН\w*)\.?)?\s*(?:(\d+(?:\.\d+)?)\s*(?:S|SECS?|SECONDS?))?$"
)
_MINUTES_OF = (1440, 60, 1, 1 / 60)
LONGEST_DURATION_MIN = 14 * 1440


@cache
def parse_duration(text: str) -> float:
    """Return the minutes of a ``duration``; NaN where it is none.

    Read are ``HH:MM``, ``HH:MM:SS``, minutes alone, ISO 8601 (``PT1H30M``), words (``1 h 30 min``) and spans and lists
    of these, of which the middle is taken.

    Examples
    --------
    >>> parse_duration("01:30"), parse_duration("45"), parse_duration("PT1.5H"), parse_duration("1 h 30 min")
    (90.0, 45.0, 90.0, 90.0)
    >>> parse_duration("20-30 min"), parse_duration("long")
    (25.0, nan)
    """
    bare = re.sub(r"^[~≈]|^CA\.?\s|^ABOUT\s", "", text.strip().upper().replace(",", ".")).strip()
    if ";" in bare:
        each = [parse_duration(part) for part in bare.split(";") if part.strip()]
        return sum(each) / len(each) if each else NAN
    begin, dash, end = re.sub(r"\s*[-–]\s*", "-", bare).partition("-")
    if dash:
        unit = re.search(r"[^\d.:\s].*$", end)
        plain = begin.replace(".", "").isdecimal()
        return (parse_duration(begin + unit[0] if unit and plain else begin) + parse_duration(end)) / 2
    minutes = _minutes(bare)
    return minutes if 0 < minutes <= LONGEST_DURATION_MIN else NAN


def _minutes(bare: str) -> float:
    """Return the minutes of one duration in capitals, NaN where it is none."""
    bare = re.sub(r"(?<=\d)['′]$", "", bare)
    # 01.30 may be a minute and a third or an hour and a half.
    if re.fullmatch(r"[0-9]{1,4}(\.[0-9]+)?", bare) and not re.fullmatch(r"0[0-9]\.[0-9]{2}", bare):
        return float(bare)
    clock = _CLOCK.match(bare)
    if clock:
        hours, minutes, seconds = (int(part or 0) for part in clock.groups())
        return 60 * hours + minutes + seconds / 60
    spelt = (_PERIOD.match(bare) or _WORDS.match(bare)) if bare else None
    if not spelt or not any(spelt.groups()):
        return NAN
    return sum(float(part or 0) * worth for part, worth in zip(spelt.groups(), _MINUTES_OF, strict=True))


GAUGES: Mapping[str, str] = {
    "standard": "1435",
    "normal": "1435",
    "russian": "1520",
    "iberian": "1668",
    "indian": "1676",
    "irish": "1600",
    "cape": "1067",
    "metre": "1000",
    "meter": "1000",
    "5 ft": "1524",
    "5 ft 3 in": "1600",
    "5 ft 6 in": "1676",
    "3 ft": "914",
    "3 ft 6 in": "1067",
    "2 ft 6 in": "762",
    "4 ft 8.5 in": "1435",
}
BROAD_GAUGES: Mapping[str, str] = {
    **dict.fromkeys(
        (
            "RU",
            "KZ",
            "BY",
            "UA",
            "KG",
            "UZ",
            "TJ",
            "TM",
            "GE",
            "AM",
            "AZ",
            "MD",
            "MN",
            "LT",
            "LV",
            "EE",
            "PL",
            "SK",
            "HU",
            "RO",
            "CN",
            "KP",
            "AF",
            "IR",
        ),
        "1520",
    ),
    "FI": "1524",
    "ES": "1668",
    "PT": "1668",
    **dict.fromkeys(("IN", "PK", "BD", "LK", "AR", "CL", "US"), "1676"),
    **dict.fromkeys(("IE", "BR", "AU"), "1600"),
}
"""What ``gauge=broad`` is by country, mm."""


@cache
def parse_gauge(text: str) -> str:
    """Return track gauges in mm, several joined by ``;``; ``broad`` as it stands, an empty text where none can be read.

    Examples
    --------
    >>> tuple(map(parse_gauge, ("1520 mm", "standard", "1435;1520", "1,520", "narrow")))
    ('1520', '1435', '1435;1520', '1520', '')
    """
    bare = re.sub(r"(?<=\d)[,\s](?=\d{3}(?!\d))", "", text.casefold().replace("\u00a0", " "))
    found = []
    for part in (
        re.sub(r"[\s_]*(gauge|mm|мм)\.?$", "", p.strip())
        for p in re.split(r"[;/|,]", bare.replace("1/2", ".5").replace("½", ".5").replace(" .5", ".5"))
    ):
        metres = re.fullmatch(r"([01]\.\d+)\s*(?:m|м)?", part)
        if whole := re.fullmatch(r"([1-9]\d{2,3})(?:\.0+)?", part):
            found.append(whole[1])
        elif metres:
            found.append(f"{1000 * float(metres[1]):.0f}")
        elif part in GAUGES or part == "broad":
            found.append(GAUGES.get(part, part))
    return ";".join(dict.fromkeys(found))


HIGHEST_DC_VOLT = 3000
"""Railways of up to 3 kV without a ``frequency`` run on direct current: an assumption that holds for all main lines."""


@cache
def current_of(electrified: str, voltage: str, frequency: str) -> str:
    """Return a track's current as one label: ``none``, ``3 kV DC``, ``25 kV 50 Hz``; an empty text where it is unknown.

    Unknown is what is electrified without a voltage, with alternating current of an unknown frequency, or can be
    switched between several currents.

    Examples
    --------
    >>> current_of("contact_line", "3000", "0"), current_of("contact_line", "25000", "50"), current_of("no", "", "")
    ('3 kV DC', '25 kV 50 Hz', 'none')
    >>> current_of("contact_line", "25000;3000", "50;0"), current_of("yes", "", "")
    ('', '')
    """
    stated = electrified.strip().casefold()
    if stated == "no":
        return "none"
    volt, hertz = (_one_number(text) for text in (voltage, frequency))
    if stated == "" or not 0 < volt < 1e6:
        return ""
    if not frequency.strip() and volt <= HIGHEST_DC_VOLT:
        hertz = 0.0
    if not 0 <= hertz < 1000:
        return ""
    hertz = 16.7 if 16 < hertz < 17 else hertz  # 16 2/3, written in many ways
    tension = f"{volt / 1000:g} kV" if volt >= 1000 else f"{volt:g} V"
    return f"{tension} {hertz:g} Hz" if hertz else f"{tension} DC"


def _one_number(text: str) -> float:
    """Return the number of a tag, NaN where it says none or several."""
    try:
        return float(text)
    except ValueError:
        return NAN


def is_yes(text: str) -> bool:
    """Return whether a flag is set: anything but a no (``bridge=viaduct``, ``tunnel=culvert``, ``toll=hgv``)."""
    return text.strip().casefold() not in ("no", "false", "0", "none", "")


def tags_of(value: Mapping[str, str], prefix: str) -> dict[str, str]:
    """Return the tags under a prefix without it: ``name:`` gives language and name."""
    return {k[len(prefix) :]: v for k, v in value.items() if k.startswith(prefix)}
