"""Classes of ways as mappers write them: in any case, with blanks, in lists; which are read, and which nobody knows."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from functools import cache

from layers.osm.tags import ONEWAY

ROAD_KINDS = (
    "motorway",
    "motorway_link",
    "trunk",
    "trunk_link",
    "primary",
    "primary_link",
    "secondary",
    "secondary_link",
    "tertiary",
    "tertiary_link",
    "unclassified",
    "residential",
    "living_street",
    "service",
    "track",
    "road",
)
WINTER_ROAD = "winter_road"
WINTER_KINDS = (WINTER_ROAD, "ice_road")
"""Values of ``highway``, and keys that are ``yes``, of roads over frozen ground; they are kept whatever their class."""
NO_ROADS = ("proposed", "planned", "construction", "disused", "abandoned", "razed", "demolished", "no", "steps")
RAIL_KINDS = ("rail", "narrow_gauge")
FERRY = "ferry"
SIDE_TRACKS = ("yard", "siding", "spur")
"""Tracks of these services lead to a place and never through it; a crossover joins two tracks of a line."""

GONE = ("proposed", "planned", "construction", "disused", "abandoned", "razed", "demolished", "dismantled", "removed")
OTHER: Mapping[str, frozenset[str]] = {
    "highway": frozenset(
        {
            "bridleway",
            "bus_guideway",
            "bus_stop",
            "busway",
            "corridor",
            "crossing",
            "cycleway",
            "elevator",
            "emergency_access_point",
            "emergency_bay",
            "escape",
            "footway",
            "gallop",
            "give_way",
            "historic",
            "hitchhiking",
            "ladder",
            "milestone",
            "mini_roundabout",
            "motorway_junction",
            "no",
            "none",
            "passing_place",
            "path",
            "pedestrian",
            "platform",
            "raceway",
            "rest_area",
            "services",
            "sidewalk",
            "speed_camera",
            "steps",
            "stop",
            "street_lamp",
            "toll_gantry",
            "traffic_island",
            "traffic_mirror",
            "traffic_signals",
            "trailhead",
            "turning_circle",
            "turning_loop",
            "via_ferrata",
            "virtual",
        }
    ),
    "railway": frozenset(
        {
            "border",
            "buffer_stop",
            "coaling_facility",
            "container_terminal",
            "crossing",
            "depot",
            "engine_shed",
            "facility",
            "fuel",
            "funicular",
            "halt",
            "historic",
            "hump_yard",
            "junction",
            "level_crossing",
            "light_rail",
            "loading_rack",
            "loading_ramp",
            "miniature",
            "monorail",
            "museum",
            "no",
            "platform",
            "platform_edge",
            "preserved",
            "razed",
            "roundhouse",
            "service_station",
            "signal_box",
            "site",
            "station",
            "stop",
            "subway",
            "subway_entrance",
            "technical_station",
            "tram",
            "tram_crossing",
            "tram_stop",
            "traverser",
            "turntable",
            "ventilation_shaft",
            "wash",
            "workshop",
            "yard",
        }
    ),
    "route": frozenset(),
    "usage": frozenset({"main", "branch", "industrial", "military", "tourism", "freight", "test", "scientific"}),
    "service": frozenset({"alley", "driveway", "parking_aisle", "drive-through", "bus", "siding_track"}),
    "junction": frozenset({"jughandle", "circular", "yes", "spui", "diverging_diamond", "intersection", "filter"}),
}
"""Values that are known and are no lines of this study."""
READ: Mapping[str, frozenset[str]] = {
    "highway": frozenset((*ROAD_KINDS, *WINTER_KINDS, *GONE)),
    "railway": frozenset((*RAIL_KINDS, *GONE)),
    "route": frozenset({FERRY}),
    "usage": frozenset({"main", "branch", "industrial", "military", "tourism"}),
    "service": frozenset((*SIDE_TRACKS, "crossover", "emergency_access")),
    "junction": frozenset({"roundabout", "circular"}),
    "oneway": frozenset(ONEWAY),
}
"""Values that decide something, a line's end of use among them: of a list the first of these counts, else the first
that is known."""
FIRST_COUNTS = ("surface", "smoothness")
"""Keys of an open vocabulary: of a list the first part counts."""
UNKNOWN = ""
READ_AS = "read as: "
"""What the keys of counts begin with that hold a value which was read as another word."""


@cache
def class_of(key: str, text: str) -> str:
    """Return the class that a value names, `UNKNOWN` where no part of it is one.

    The rule: a value that is a class counts as it is. Else blanks, capital letters and signs between parts are no part
    of the meaning, and of several classes the first counts that decides something (`READ`), else the first that is
    known.

    Examples
    --------
    >>> [class_of("highway", t) for t in ("primary;secondary", " Trunk ", "footway;service", "primary link", "hghway")]
    ['primary', 'trunk', 'service', 'primary_link', '']
    >>> [class_of("railway", t) for t in ("rail;abandoned", "abandoned;rail", "tram;rail")]
    ['rail', 'abandoned', 'rail']
    >>> class_of("surface", "Asphalt;gravel")
    'asphalt'
    """
    read, known = READ.get(key, frozenset()), OTHER.get(key, frozenset())
    if text in read or text in known:
        return text
    parts = parts_of_tag(text)
    if key in FIRST_COUNTS:
        return parts[0] if parts else UNKNOWN
    for among in (read, known):
        for part in parts:
            if part in among:
                return part
    return UNKNOWN


@cache
def parts_of_tag(text: str) -> tuple[str, ...]:
    """Return the parts of a value in small letters, without blanks around them and with ``_`` for those inside.

    Examples
    --------
    >>> parts_of_tag(" Primary ; secondary link|")
    ('primary', 'secondary_link')
    """
    each = (re.sub(r"\s+", "_", part.strip()) for part in re.split(r"[;,|/]", text.casefold()))
    return tuple(part for part in each if part)


@cache
def one_of(key: str, text: str, allowed: tuple[str, ...]) -> str:
    """Return which of some values of a key is meant by a text, `UNKNOWN` for none of them.

    Classes of lines are read by `class_of`; of other keys the first part counts that is one of the allowed.

    Examples
    --------
    >>> one_of("barrier", "lift_gate;border_control", ("border_control",)), one_of("place", "Village", ("village",))
    ('border_control', 'village')
    >>> one_of("highway", "primary;secondary", ("secondary",))
    ''
    """
    if text in allowed:
        return text
    if key in READ:
        word = class_of(key, text)
        return word if word in allowed else UNKNOWN
    return next((part for part in parts_of_tag(text) if part in allowed), UNKNOWN)


def is_unknown(key: str, text: str) -> bool:
    """Return whether a value of ``highway`` or ``railway`` says a class that nobody knows."""
    return key in ("highway", "railway") and class_of(key, text) == UNKNOWN and bool(parts_of_tag(text))


def plain_tags(tags: dict[str, str], allowed: Mapping[str, Collection[str]]) -> tuple[dict[str, str], tuple[str, ...]]:
    """Return the tags of an object with the allowed value in the place of a list or another spelling.

    And what was read as what, a text each.

    Examples
    --------
    >>> plain_tags({"place": "Town;village", "name": "A"}, {"place": ("town", "village")})
    ({'place': 'town', 'name': 'A'}, ('place=Town;village as town',))
    """
    out, notes = tags, []
    for key in tags.keys() & allowed.keys():
        word = one_of(key, tags[key], tuple(allowed[key]))
        if word and word != tags[key]:
            notes.append(as_read(key, tags[key], word))
            out = {**out, key: word}
    return out, tuple(sorted(notes))


def as_read(key: str, text: str, word: str) -> str:
    """Return what a value was read as, in words."""
    return f"{key}={text} as {word}"
