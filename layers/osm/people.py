"""What OpenStreetMap's tags say of a place: how many live there, and of what it is the capital."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache

from layers.osm.tags import is_yes, tags_of


def capital_of(tags: Mapping[str, str]) -> str:
    """Return of what a place is the capital, as ``capital`` has it.

    ``yes`` (a country), a level 2 to 11, or an empty text.

    Of several levels in ``admin_centre:4=yes`` and the like the highest counts.

    Examples
    --------
    >>> capital_of({"capital": "4"}), capital_of({"capital": "no"}), capital_of({"admin_centre:6": "yes"})
    ('4', '', '6')
    """
    parts = {part.strip() for part in re.split(r"[;,|]", tags.get("capital", "").casefold())}
    if "yes" in parts:
        return "yes"
    if stated := [int(part) for part in parts if part.isdecimal() and 2 <= int(part) <= 11]:
        return str(min(stated))
    levels = [int(k) for k, v in tags_of(tags, "admin_centre:").items() if k.isdecimal() and is_yes(v)]
    return str(min(levels)) if levels else ""


_PEOPLE = re.compile(r"\d{1,3}(?:[\s,.'’]\d{3})+(?!\d)|\d+")
_OF_PEOPLE = (
    r"\s*(чел\.?|человека?|жител[ьяей]+|people|persons?|inhabitants?|inh\.?|hab\.?|habitants|einwohner|адам)\s*$"
)
_YEAR = re.compile(r"\(?\b((?:1[89]|20)\d{2}(?:-\d{2}(?:-\d{2})?)?)\b\)?")
MOST_PEOPLE = 50_000_000


@cache
def parse_population(text: str) -> tuple[int, str]:
    """Return people and the date that stands in brackets behind them; 0 and an empty text where unknown.

    A range takes its lower end.

    Examples
    --------
    >>> parse_population("12 345"), parse_population("~3000"), parse_population("1200 (2021)")
    ((12345, ''), (3000, ''), (1200, '2021'))
    """
    head, bracket, tail = text.replace("\u00a0", " ").replace("\u202f", " ").strip().partition("(")
    head = re.sub(_OF_PEOPLE, "", re.sub(r"\.0{1,2}$", "", head.strip()), flags=re.I)
    number = _PEOPLE.search(head)
    # "1.2 million" or "3 тыс." say no count that could be trusted.
    if not number or head.strip().startswith("-") or re.search(r"[^\W\d_]", head[number.end() :]):
        return 0, ""
    rest = head[number.end() :]
    if re.match(r"[.,]\d", rest):
        return 0, ""
    people = int(re.sub(r"\D", "", number[0]))
    year = _YEAR.search(tail) if bracket else None
    return (people, year[1] if year else "") if people <= MOST_PEOPLE else (0, "")


def is_nobody(text: str) -> bool:
    """Return whether a ``population`` says that nobody lives there, which is known and not unreadable."""
    return bool(re.fullmatch(r"0+(\s*\(.*\))?", text.strip()))
