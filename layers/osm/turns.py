"""Restrictions of turns: which relations are some, for whom they hold, and what they forbid."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import numpy as np

from layers.osm.conditional import DAY_SLOTS, SHAPE, clauses_of

if TYPE_CHECKING:
    from collections.abc import Mapping

VEHICLE_KEYS: Mapping[str, tuple[str, ...]] = {
    "car": ("motorcar", "motor_vehicle", "vehicle"),
    "truck": ("hgv", "goods", "motor_vehicle", "vehicle"),
}
"""What names a vehicle in ``restriction:<vehicle>`` and in ``except``, from the particular to the general."""
_VALUE = re.compile(r"(no|only)_(left_turn|right_turn|straight_on|u_turn|entry|exit|left|right)\b")


def is_restriction(tags: Mapping[str, str]) -> bool:
    """Return whether the tags are those of a relation that restricts turns."""
    return tags.get("type", "").startswith("restriction") or any(k.startswith("restriction") for k in tags)


def of_some_hours(tags: Mapping[str, str], vehicle: str) -> bool:
    """Return whether a restriction of a vehicle has hours, by a condition or by the ``hour_on`` of old mapping.

    Examples
    --------
    >>> old = {"restriction": "no_left_turn", "hour_on": "07:00", "hour_off": "09:00"}
    >>> new = {"restriction:conditional": "no_left_turn @ (07:00-09:00)"}
    >>> of_some_hours(old, "car"), of_some_hours(new, "car"), of_some_hours({"restriction": "none"}, "car")
    (True, True, False)
    """
    own = (f"restriction:{name}:conditional" for name in VEHICLE_KEYS[vehicle])
    return "hour_on" in tags or any(key in tags for key in ("restriction:conditional", *own))


def restriction_of(tags: Mapping[str, str], vehicle: str) -> tuple[str, tuple[str, ...]]:
    """Return what a restriction is to a vehicle, ``no``, ``only`` or an empty text where it says nothing.

    And texts that no rule reads.

    A restriction under a condition holds where it does so for most of the day.

    Examples
    --------
    >>> tags = {"restriction": "no_left_turn", "except": "psv;hgv"}
    >>> restriction_of(tags, "car"), restriction_of(tags, "truck")
    (('no', ()), ('', ()))
    >>> tags = {"restriction:hgv": "only_straight_on"}
    >>> restriction_of(tags, "car")[0], restriction_of(tags, "truck")[0]
    ('', 'only')
    """
    own = VEHICLE_KEYS[vehicle]
    if {part.strip() for part in re.split(r"[;,|]", tags.get("except", "").casefold())} & set(own):
        return "", ()
    if "hour_on" in tags:
        # Mapping of before 2013: some hours of the day, by experience few.
        return "", ()
    # Older mapping names the vehicle in the type.
    _, _, only_for = tags.get("type", "").partition(":")
    unread: list[str] = []
    for key in (*(f"restriction:{name}" for name in own), "restriction"):
        if key == "restriction" and only_for and only_for not in own:
            continue
        text = tags.get(key, "").strip().casefold()
        under = tags.get(f"{key}:conditional", "")
        if under:
            clauses, missed = clauses_of(under, vehicle)
            unread += [f"{key}:conditional={one}" for one in missed]
            held = np.zeros(SHAPE, bool)
            values = []
            for value, when, some in clauses:
                if not some and _VALUE.match(value):
                    held[when] = True
                    values.append(value)
            if values and held[:, :, DAY_SLOTS].mean() >= 0.5:
                text = values[-1]
        if not text:
            continue
        found = _VALUE.match(text)
        if found:
            return found[1], tuple(unread)
        if text not in ("none", "no"):
            unread.append(f"{key}={text}")
    return "", tuple(unread)
