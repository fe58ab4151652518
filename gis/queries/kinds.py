"""The kinds of edits of a scenario, as small values, and what a study says that they must know.

The command line, scenario files, the page and notebooks use the same ones.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Any

from gis.queries.new_posts import Open
from network.rail import CURRENT_CHANGE_MIN, GAUGE_CHANGE_MIN

if TYPE_CHECKING:
    from layers.hours import ClosedHours

NAN = float("nan")
Points = tuple[tuple[float, float], ...]


@dataclass(frozen=True)
class Close:
    """A checkpoint closed, by name or id, or all of a region's, by its code or name.

    ``new-1`` or the coordinates name a new one.
    """

    checkpoint: str = ""
    region: str = ""


@dataclass(frozen=True)
class Wait:
    """Another wait in minutes at a checkpoint, by name or id.

    ``direction`` both, ``a to b`` or ``b to a``; for one vehicle where it is named.
    """

    checkpoint: str
    wait_min: float
    direction: str = "both"
    vehicle: str = ""


@dataclass(frozen=True)
class Hours:
    """Other opening hours of a checkpoint, such as ``09:00-21:00``; the wait at the control stays."""

    checkpoint: str
    hours: str


@dataclass(frozen=True)
class Capacity:
    """Another capacity of a checkpoint, vehicles a day of both directions: loads and queues follow it."""

    checkpoint: str
    capacity_per_day: float


@dataclass(frozen=True)
class Road:
    """A road or railway built along points in degrees.

    Its ends join the network, and over the line it is a crossing without a post.
    """

    points: Points
    mode: str = "road"
    road_class: str = ""
    road_kph: float | None = None
    oneway: bool = False


@dataclass(frozen=True)
class Upgrade:
    """Roads or railways at another speed, or of another class.

    Ways of OpenStreetMap by id, or what lies in a polygon or region.
    """

    road_kph: float | None = None
    road_class: str = ""
    mode: str = "road"
    osm_ids: tuple[int, ...] = ()
    polygon: Points = ()
    region: str = ""


@dataclass(frozen=True)
class Speeds:
    """All speeds of a mode times a factor, in a polygon, a region or everywhere.

    ``season`` winter says the factor of the study's winter.
    """

    factor: float = NAN
    mode: str = "road"
    polygon: Points = ()
    region: str = ""
    season: str = ""


@dataclass(frozen=True)
class Electrify:
    """Railways under another current, such as ``25 kV 50 Hz`` or ``none``.

    Ways of OpenStreetMap by id, or what lies in a polygon or region for the most part.
    """

    current: str = "25 kV 50 Hz"
    osm_ids: tuple[int, ...] = ()
    polygon: Points = ()
    region: str = ""


@dataclass(frozen=True)
class Stop:
    """A new stop on a railway at a place in degrees, where settlements board."""

    lon: float
    lat: float
    name: str = ""


Edit = Open | Close | Wait | Hours | Capacity | Road | Upgrade | Speeds | Electrify | Stop
KINDS: Mapping[str, type[Edit]] = {
    "open": Open,
    "close": Close,
    "wait": Wait,
    "hours": Hours,
    "capacity": Capacity,
    "road": Road,
    "upgrade": Upgrade,
    "speeds": Speeds,
    "electrify": Electrify,
    "stop": Stop,
}
"""Kinds of edits by the word that a scenario file has for them."""


@dataclass(frozen=True)
class Rules:
    """What a study says that an edit must know.

    Km/h by class, winter, whether closed hours are waited for, what trains lose where gauge or current change.
    """

    speeds: Mapping[str, float] = field(default_factory=dict)
    winter: bool = False
    closed_hours: ClosedHours = "planned"
    gauge_min: float = GAUGE_CHANGE_MIN
    current_min: float = CURRENT_CHANGE_MIN


def plain(edit: Edit) -> dict[str, Any]:
    """Return an edit as a scenario file or JSON has it: ``edit``, its kind, and what differs from the defaults.

    Examples
    --------
    >>> plain(Open(62.5, 53.3, wait_min=20))
    {'edit': 'open', 'lon': 62.5, 'lat': 53.3, 'wait_min': 20}
    """
    kind = next(word for word, cls in KINDS.items() if type(edit) is cls)
    values = {f.name: (getattr(edit, f.name), f.default) for f in fields(edit)}
    kept = {name: value for name, (value, blank) in values.items() if value != blank and value == value}
    return {
        "edit": kind,
        **{
            n: [list(p) if isinstance(p, tuple) else p for p in v] if isinstance(v, tuple) else v
            for n, v in kept.items()
        },
    }
