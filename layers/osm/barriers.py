"""Nodes that close a way: barriers with what they imply, and access tags on nodes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from layers.osm.access import ACCESS_KEYS, CLOSED, LIMITED, OPEN, OPEN_WORDS, Access, access_to
from layers.osm.sizes import SIZE_KEYS
from layers.osm.tags import is_yes

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

CLOSE_ALL = ("block", "jersey_barrier", "debris", "log", "rock", "tank_trap")
CLOSE_MOTOR_VEHICLES = (
    "bollard",
    "cycle_barrier",
    "motorcycle_barrier",
    "kissing_gate",
    "stile",
    "turnstile",
    "full-height_turnstile",
    "planter",
    "bus_trap",
    "horse_stile",
)
"""Values of ``barrier`` that close without an access tag. A gate, lift gate, swing gate, cattle grid, toll booth, chain
or any other closes nothing by itself; nor does a wall or fence, for a road that shares a node with one passes through
it."""
CLOSING = (*CLOSE_ALL, *CLOSE_MOTOR_VEHICLES)
CONTROL = "border_control"
NODE_KEYS = tuple(
    f"{key}{suffix}"
    for key in dict.fromkeys(k for v in ("car", "truck") for k in ACCESS_KEYS[v])
    for suffix in ("", ":conditional")
)
CLOSING_KEYS = (*NODE_KEYS, "locked", *SIZE_KEYS)
"""Keys that may close a road at a node, beside ``barrier``."""
PLAIN_WORDS = OPEN_WORDS
"""Values of an access tag that close nothing on a node that is open without it."""


def barrier_access(tags: Mapping[str, str], vehicle: str, at: tuple[int, int] | None = None) -> Access:
    """Return what the tags of a node on a road say to a vehicle.

    A border control closes nothing here: whether it is open decides at its checkpoint.

    Examples
    --------
    >>> [barrier_access({"barrier": b}, "car").level for b in ("gate", "bollard", "block")]
    [2, 0, 0]
    >>> barrier_access({"barrier": "bollard", "motor_vehicle": "yes"}, "car").level
    2
    >>> [barrier_access({"barrier": b}, "car").level for b in ("Block", "block;gate", "block; bollard")]
    [0, 2, 0]
    >>> barrier_access({"barrier": "gate", "locked": "yes"}, "car").level
    0
    """
    kinds = _parts(tags.get("barrier", ""))
    if CONTROL in kinds:
        return Access(OPEN)
    locked = bool(kinds) and is_yes(tags.get("locked", ""))
    closing = locked or closes(tags.get("barrier", ""))
    passage = access_to(tags, vehicle, CLOSED if closing else OPEN, at)
    if passage.level != CLOSED or passage.word != "yes":
        return passage
    return Access(CLOSED, "locked" if locked else ";".join(kinds), unread=passage.unread)


def closes(barrier: str) -> bool:
    """Return whether a value of ``barrier`` closes without an access tag.

    Of a list each part, in any case: through a gate beside a block one passes.

    Examples
    --------
    >>> [closes(b) for b in ("block", "Block", "block;gate", "gate", "jersey_barrier; bollard", "")]
    [True, True, False, False, True, False]
    """
    kinds = _parts(barrier)
    return bool(kinds) and all(kind in CLOSING for kind in kinds)


def _parts(barrier: str) -> list[str]:
    """Return the parts of a list in lower case."""
    return [part for part in (one.strip().casefold() for one in barrier.split(";")) if part]


POST_VEHICLES = ("car", "truck", "bus")
OTHERS = ("bicycle", "foot")


def post_vehicles(tags: Mapping[str, str]) -> tuple[str, ...]:
    """Return for whom a border control is open.

    All of `POST_VEHICLES`, some, or those without an engine where only they pass.

    ``private`` is closed; ``permit``, ``customers`` and the like are not, for nobody crosses a border without business
    there.

    Examples
    --------
    >>> tags = ({}, {"hgv": "no"}, {"access": "no", "foot": "yes"}, {"access": "no"})
    >>> tuple(map(post_vehicles, tags))
    (('car', 'truck', 'bus'), ('car', 'bus'), ('foot',), ())
    """
    passing = [v for v in (*POST_VEHICLES, *OTHERS) if _passes(access_to(tags, v))]
    motors = tuple(v for v in passing if v in POST_VEHICLES)
    return motors or tuple(v for v in passing if v in OTHERS)


def _passes(passage: Access) -> bool:
    """Return whether a vehicle passes a border control."""
    return passage.level == OPEN or (passage.level == LIMITED and passage.word != "private")


def lanes_vehicles(texts: Iterable[str]) -> str:
    """Return who passes one of several controls, joined by a bar: a lane for lorries beside one for cars is for both.

    Examples
    --------
    >>> lanes_vehicles(["truck", "car|bus"]), lanes_vehicles(["car", "foot"])
    ('', 'car|foot')
    """
    each = list(texts)
    if not each or "" in each:
        return ""
    return _joined({v for text in each for v in text.split("|")})


def common_vehicles(texts: Iterable[str]) -> tuple[str, bool]:
    """Return who passes all of several posts, empty for all; and whether anybody does.

    Examples
    --------
    >>> common_vehicles(["", "car|bus"]), common_vehicles(["car", "foot"])
    (('car|bus', True), ('', False))
    """
    everybody = {*POST_VEHICLES, *OTHERS}
    both = set.intersection(*(set(text.split("|")) if text else everybody for text in texts))
    return _joined(both), bool(both)


def _joined(passing: set[str]) -> str:
    """Return vehicles joined by a bar, an empty text for all with an engine."""
    return "" if passing >= set(POST_VEHICLES) else "|".join(v for v in (*POST_VEHICLES, *OTHERS) if v in passing)
