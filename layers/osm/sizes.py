"""Signed limits of weight and size on ways and nodes: whom they keep out."""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING

from layers.osm.conditional import SIZES

if TYPE_CHECKING:
    from collections.abc import Mapping

NAN = float("nan")
LIMITS_OF_SIZE: Mapping[str, str] = {
    "maxweight": "weight",
    "maxweightrating": "weight",
    "maxaxleload": "axleload",
    "maxheight": "height",
    "maxwidth": "width",
    "maxlength": "length",
}
"""Keys, and which size of `layers.osm.conditional.SIZES` each limits."""
SIZE_KEYS = tuple(
    f"{limit}{suffix}" for limit in LIMITS_OF_SIZE for suffix in ("", ":hgv", ":conditional", ":hgv:conditional")
)
NO_LIMIT = frozenset(
    {
        "none",
        "default",
        "unsigned",
        "no_sign",
        "no_indications",
        "below_default",
        "above_default",
        "no",
        "yes",
        "unknown",
        "unrestricted",
        "physical",
        "legal_limit",
        "unlimited",
    }
)
TONNES_OR_METRES: Mapping[str, float] = {
    **dict.fromkeys(
        ("", "t", "т", "ton", "tons", "tonne", "tonnes", "mt", "m", "м", "metre", "metres", "meter", "meters"), 1.0
    ),
    **dict.fromkeys(("kg", "кг"), 0.001),
    **dict.fromkeys(("st", "short_tons"), 0.90718474),
    "lt": 1.0160469,
    **dict.fromkeys(("lb", "lbs"), 0.00045359237),
    **dict.fromkeys(("cm", "см"), 0.01),
    **dict.fromkeys(("ft", "feet", "'"), 0.3048),
}
_NUMBER = re.compile(r"^(\d+(?:\.\d+)?)\s*([a-zа-я_']*)\.?$")
_FEET = re.compile(r"^(\d+)\s*(?:'|ft|feet)\s*(\d+(?:\.\d+)?)\s*(?:\"|''|in|inches)?$")
_FOR_SOME = re.compile(r"@\s*\(?\s*(destination|delivery|customers|permit|residents)")


@cache
def parse_size(text: str) -> float:
    """Return a limit in tonnes or metres: infinite where the value says that there is none, NaN where it says nothing.

    Of a list the lowest counts.

    Examples
    --------
    >>> parse_size("7.5"), parse_size("3,5 t"), parse_size("3500 kg"), parse_size("none"), parse_size("low")
    (7.5, 3.5, 3.5, inf, nan)
    >>> round(parse_size("12 ft 6 in"), 2), round(parse_size("14 ft"), 2)
    (3.81, 4.27)
    """
    found = [_one_size(part.strip()) for part in re.split(r"[;|]", text.casefold()) if part.strip()]
    known = [size for size in found if size == size]
    return min(known) if known else NAN


def _one_size(text: str) -> float:
    """Return one limit of a list."""
    if re.sub(r"\s+", "_", text) in NO_LIMIT:
        return float("inf")
    feet = _FEET.match(text)
    if feet:
        return 0.3048 * (int(feet[1]) + float(feet[2]) / 12)
    number = _NUMBER.match(re.sub(r"(?<=\d),(?=\d{1,2}(\D|$))", ".", text))
    if not number or number[2] not in TONNES_OR_METRES or float(number[1]) == 0:
        return NAN
    return float(number[1]) * TONNES_OR_METRES[number[2]]


def too_large(tags: Mapping[str, str], vehicle: str) -> tuple[str, bool, tuple[str, ...]]:
    """Return the limit that keeps a vehicle out, empty for none; whether it may go there; and texts that nobody reads.

    A truck obeys ``maxweight:hgv`` before ``maxweight``. Where a condition lifts the limit for who has business there,
    the vehicle may go there, not through.

    Examples
    --------
    >>> too_large({"maxweight": "10"}, "truck")[:2], too_large({"maxweight": "10"}, "car")[:2]
    (('maxweight', False), ('', False))
    >>> too_large({"maxweight": "7.5", "maxweight:conditional": "none @ destination"}, "truck")[:2]
    ('maxweight', True)
    """
    own, unread = SIZES.get(vehicle, {}), []
    for limit, size in LIMITS_OF_SIZE.items():
        for key in (f"{limit}:hgv", limit) if vehicle == "truck" else (limit,):
            text = tags.get(key, "")
            if not text:
                continue
            allowed = parse_size(text)
            if allowed != allowed:
                unread.append(f"{key}={text}")
                continue
            if size in own and own[size] > allowed:
                lifted = any(_FOR_SOME.search(tags.get(f"{k}:conditional", "").casefold()) for k in (key, limit))
                return key, lifted, tuple(unread)
            break
    return "", False, tuple(unread)
