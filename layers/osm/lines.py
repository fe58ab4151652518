"""Roads, ferries and railways among tagged ways, as the columns of their layers: what the tags mean, no geometry."""

from __future__ import annotations

from functools import cache, partial
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from layers.osm.access import ACCESS_KEYS, CLOSED, LIMITED, access_table, access_to
from layers.osm.classes import (
    FERRY,
    NO_ROADS,
    RAIL_KINDS,
    ROAD_KINDS,
    SIDE_TRACKS,
    WINTER_KINDS,
    WINTER_ROAD,
    one_of,
)
from layers.osm.conditional import DAY_SLOTS, SHAPE, SUMMER_DAYS, WINTER_DAYS, clauses_of
from layers.osm.limits import VEHICLES
from layers.osm.sizes import SIZE_KEYS
from layers.osm.tags import (
    BACKWARD,
    BOTH,
    FORWARD,
    ONEWAY,
    SEASONS,
    current_of,
    has_limit,
    is_yes,
    oneway_of,
    parse_duration,
    parse_gauge,
    parse_maxspeed,
    parsed,
    season_of,
    unread_oneways,
)

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Collection, Mapping

    from numpy.typing import NDArray

TEXTS = {
    "road": ("surface", "smoothness", "seasonal", "name", "ref"),
    "rail": ("usage", "service", "electrified", "voltage", "frequency", "name", "ref"),
}
YES_NO = {"road": ("ice_road", "winter_road", "toll", "bridge", "tunnel"), "rail": ("bridge", "tunnel")}
GONE_FLAGS = ("disused", "abandoned", "construction", "proposed", "impassable", "demolished", "razed")
"""Keys whose ``yes`` says that a way is out of use. ``construction=minor`` is work beside the traffic."""
GONE_STATES = {
    "operational_status": ("closed", "out_of_order", "abandoned", "disused", "inoperative"),
    "status": ("closed", "abandoned", "disused"),
}
_ACCESS = tuple(dict.fromkeys(k for vehicle in VEHICLES for k in ACCESS_KEYS[vehicle]))
CONDITIONAL = tuple(f"{k}:conditional" for k in (*_ACCESS, "oneway", "maxspeed", "maxspeed:hgv"))
DIRECTED = tuple(f"{k}:{way}" for k in _ACCESS if k != "access" for way in ("forward", "backward"))
ONEWAYS = tuple(f"oneway:{k}" for k in _ACCESS if k != "access")
LIMITS = ("maxspeed", "maxspeed:forward", "maxspeed:backward")
ZONES = ("maxspeed:type", "source:maxspeed", "zone:maxspeed", "zone:traffic")
ROAD_KEYS = (
    "highway",
    "route",
    "junction",
    "area",
    "military",
    "oneway",
    *ONEWAYS,
    *LIMITS,
    *ZONES,
    "maxspeed:hgv",
    *_ACCESS,
    *DIRECTED,
    *CONDITIONAL,
    *SIZE_KEYS,
    *GONE_FLAGS,
    *GONE_STATES,
    "duration",
)
KEYS = tuple(
    dict.fromkeys([*ROAD_KEYS, *TEXTS["road"], *YES_NO["road"], "railway", *TEXTS["rail"], "gauge", *YES_NO["rail"]])
)
SOURCES = ("tagged", "implicit", "default")
CLOSED_NOW = "roads_closed_at_the_hour_of_departure"
UNREAD, NO_THROUGH = "unread: ", "no through: "
"""What the keys of counts begin with that hold the text of a value or condition which no rule reads, and the access of
roads that carry no through traffic."""


def roads_of(
    tags: pd.DataFrame,
    counts: Counter[str],
    *,
    kinds: Collection[str] = ROAD_KINDS,
    vehicle: str = "car",
    besides: Collection[int] = (),
    ferries: Collection[int] = (),
    at: tuple[int, int] | None = None,
) -> pd.DataFrame:
    """Return the roads and ferries among the ways, with the columns of the layer, in the order of the ways.

    Parameters
    ----------
    tags
        Columns `KEYS` and ``osm_id``; the index is the position of the way.
    counts
        Takes the number of ways that were left out, by reason.
    kinds
        Classes of road that are kept; winter roads and ice roads are kept in any.
    vehicle
        Whose seasons and share of the day ``season`` and ``open_share`` tell.
    besides, ferries
        Ids of ways of other classes that are kept, and of ways that are ferries by a relation.
    at
        Day of the week (0 for Monday) and half hour at which conditions are asked; None for what holds by day.
    """
    frozen = np.logical_or.reduce([parsed(tags[k], is_yes, False).astype(bool) for k in WINTER_KINDS])
    frozen &= (tags["highway"].notna() & ~tags["highway"].isin(NO_ROADS)).to_numpy()
    frozen |= tags["highway"].isin(WINTER_KINDS).to_numpy()
    queried = tags["highway"].isin(list(kinds)).to_numpy()
    tied = tags["highway"].isin(ROAD_KINDS).to_numpy() & tags["osm_id"].isin(list(besides)).to_numpy()
    road = frozen | queried | tied
    ferry = ~road & ((tags["route"] == FERRY).to_numpy() | tags["osm_id"].isin(list(ferries)).to_numpy())
    kept = tags[road | ferry]
    kept = _without(kept, parsed(kept["area"], is_yes, False).astype(bool), "roads_area", counts)
    kept = _without(kept, kept["military"].notna(), "roads_military", counts)
    kept = _without(kept, kept["service"] == "emergency_access", "roads_emergency_access", counts)
    kept = _in_use(kept, "roads", counts)
    # A ferry for foot passengers is a ferry with motor vehicles forbidden.
    may = {name: access_table(kept, name, at) for name in VEHICLES}
    for text, number in may[vehicle].attrs["unread"].items():
        counts[UNREAD + text] += number
    if at is not None:
        usual = access_table(kept, vehicle)["level"].to_numpy()
        counts[CLOSED_NOW] += int(((may[vehicle]["level"].to_numpy() == CLOSED) & (usual != CLOSED)).sum())
    closed = np.logical_and.reduce([(table["level"] == CLOSED).to_numpy() for table in may.values()])
    for reason, number in may[vehicle]["word"][closed].value_counts().sort_index().items():
        counts[f"roads_access_{reason}"] += int(number)
    kept = kept[~closed]
    may = {name: table[~closed] for name, table in may.items()}
    kind = kept["highway"].astype(object).where(kept["highway"].isin(ROAD_KINDS), WINTER_ROAD)
    kind = kind.where(road[kept.index], FERRY)
    own = may[vehicle]
    direction = _directions(kept, vehicle, counts, at)
    for word, number in own["word"][own["level"] == LIMITED].value_counts().sort_index().items():
        counts[f"{NO_THROUGH}{word}"] += int(number)
    out = pd.DataFrame(
        {
            "osm_id": kept["osm_id"],
            "kind": pd.Categorical(kind, categories=[*ROAD_KINDS, WINTER_ROAD, FERRY]),
            "direction": direction,
            **_speeds(kept, direction, counts),
            "access": own["word"].cat.remove_unused_categories(),
            **{name: (table["level"] != CLOSED).to_numpy() for name, table in may.items()},
            "no_through": _no_through(may),
            "open_share": own["share"].to_numpy(),
            **_further(kept, "road"),
        },
        index=kept.index,
    )
    out["winter_road"] |= (kept["highway"] == WINTER_ROAD).to_numpy()
    out["ice_road"] |= (kept["highway"] == WINTER_KINDS[1]).to_numpy()
    counts["roads_open_by_hours"] += int((out["open_share"] < 1).sum())
    out["season"] = _seasons(out, own["season"])
    out["duration_min"] = parsed(kept["duration"], parse_duration, np.nan).astype(np.float32)
    counts["durations_unreadable"] += int((kept["duration"].notna().to_numpy() & out["duration_min"].isna()).sum())
    return out


def _in_use(tags: pd.DataFrame, what: str, counts: Counter[str]) -> pd.DataFrame:
    """Return the ways that are in use, and count those that a flag or a status says are not."""
    for key in GONE_FLAGS:
        tags = _without(
            tags,
            parsed(tags[key], lambda t: t.casefold() in ("yes", "true", "1"), False).astype(bool),
            f"{what}_{key}",
            counts,
        )
    for key, states in GONE_STATES.items():
        closed = parsed(tags[key], partial(one_of, key, allowed=states), "") != ""
        tags = _without(tags, closed, f"{what}_{key}_closed", counts)
    return tags


def _no_through(may: dict[str, pd.DataFrame]) -> pd.Categorical:
    """Return for whom each road carries no through traffic, joined by a bar."""
    names = list(may)
    texts = ["|".join(n for k, n in enumerate(names) if code >> k & 1) for code in range(1 << len(names))]
    code = sum((table["level"] == LIMITED).to_numpy().astype(np.int8) << k for k, table in enumerate(may.values()))
    return pd.Categorical.from_codes(np.asarray(code, np.int8), categories=pd.Index(texts, dtype=object))


def _directions(tags: pd.DataFrame, vehicle: str, counts: Counter[str], at: tuple[int, int] | None) -> NDArray[np.int8]:
    """Return the direction of each road: the one of most of the day where it changes by the hour."""
    own = tags["oneway"]
    for key in ACCESS_KEYS[vehicle]:  # from general to particular
        exception = tags.get(f"oneway:{key}")
        if exception is not None and exception.notna().any():
            own = exception.astype(object).where(exception.notna(), own.astype(object))
    direction = oneway_of(own, tags["highway"], tags["junction"])
    counts.update({f"{UNREAD}oneway={text}": n for text, n in unread_oneways(own).items()})
    directed = [k for k in DIRECTED if k in tags and tags[k].notna().any()]
    for row in np.flatnonzero(tags[directed].notna().any(axis=1).to_numpy()):  # a few in a country
        one = {str(k): str(v) for k, v in tags[[*_ACCESS, *directed]].iloc[row].items() if isinstance(v, str)}
        along, against = (access_to(_one_way(one, way), vehicle).level != CLOSED for way in ("forward", "backward"))
        if direction[row] == BOTH and along != against:
            direction[row] = FORWARD if along else BACKWARD
            counts["roads_oneway_by_access"] += 1
    stated = tags["oneway:conditional"]
    _unread_in(stated, vehicle, counts)
    for row in np.flatnonzero(stated.notna().to_numpy()):  # some hundreds in a country
        direction[row], changes = _direction_by_day(str(stated.iloc[row]), vehicle, int(direction[row]), at)
        counts["roads_oneway_by_hours"] += changes
    return direction


def _one_way(tags: Mapping[str, str], way: str) -> dict[str, str]:
    """Return what tags of access say in one direction, ``forward`` or ``backward``."""
    own = {k: v for k, v in tags.items() if ":" not in k}
    return own | {k.removesuffix(f":{way}"): v for k, v in tags.items() if k.endswith(f":{way}")}


def _seasons(roads: pd.DataFrame, by_access: pd.Series) -> pd.Categorical:
    """Return when each road can be driven, by `layers.osm.tags.season_of` and by the conditions of its access."""
    codes = parsed(roads["seasonal"], lambda t: SEASONS.index(season_of(t)), 0)
    frozen = (roads["ice_road"] | roads["winter_road"]).to_numpy()
    codes = np.where(frozen, SEASONS.index("winter"), codes)
    stated = parsed(by_access, SEASONS.index, 0)
    # What one tag opens in winter and another in summer is relied on in neither.
    apart = (codes > 0) & (stated > 0) & (codes != stated)
    codes = np.where(apart, SEASONS.index("some"), np.where(codes > 0, codes, stated))
    return pd.Categorical.from_codes(codes, categories=pd.Index(SEASONS, dtype=object))


def railways_of(tags: pd.DataFrame, counts: Counter[str]) -> pd.DataFrame:
    """Return the railways among the ways, with the columns of the layer; see `roads_of`.

    ``kind`` is the usage (main, branch, industrial, tourism) or the service (yard, siding, spur, crossover), ``rail``
    where neither is told; ``gauge`` in mm; ``current`` one label for ``electrified``, ``voltage`` and ``frequency``.
    """
    kept = tags[tags["railway"].isin(RAIL_KINDS)]
    kept = _without(kept, kept["military"].notna() | (kept["usage"] == "military"), "railways_military", counts)
    kept = _in_use(kept, "railways", counts)
    usage, service = (kept[c].astype(object) for c in ("usage", "service"))
    kind = service.where(service.isin((*SIDE_TRACKS, "crossover")), usage).fillna("rail")
    gauge = parsed(kept["gauge"], parse_gauge, "")
    counts["gauges_unreadable"] += int((kept["gauge"].notna().to_numpy() & (gauge == "")).sum())
    return pd.DataFrame(
        {
            "osm_id": kept["osm_id"],
            "kind": pd.Categorical(kind),
            "direction": np.zeros(len(kept), np.int8),
            **_speeds(kept, np.zeros(len(kept), np.int8), counts),
            "through": ~service.isin(SIDE_TRACKS),
            **_further(kept, "rail"),
            "gauge": pd.Categorical(gauge),
            "current": _currents(kept),
        },
        index=kept.index,
    )


def _currents(tags: pd.DataFrame) -> pd.Categorical:
    """Return each railway's current, see `layers.osm.tags.current_of`."""
    kind, volt, hertz = (tags[c].astype(object).fillna("") for c in ("electrified", "voltage", "frequency"))
    joined = kind + "|" + volt + "|" + hertz
    return pd.Categorical(parsed(joined, lambda text: current_of(*text.split("|", 2)), ""))


def _without(tags: pd.DataFrame, out: pd.Series | NDArray[np.bool_], reason: str, counts: Counter[str]) -> pd.DataFrame:
    """Return the rows that are not `out`, and count those that are."""
    counts[reason] += int(out.sum())
    return tags.loc[~out] if out.any() else tags


def _further(tags: pd.DataFrame, mode: str) -> dict[str, object]:
    """Return the tags that are handed on as they are, and the flags."""
    texts = {c: tags[c].cat.remove_unused_categories() for c in TEXTS[mode]}
    return {**texts, **{c: parsed(tags[c], is_yes, False).astype(bool) for c in YES_NO[mode]}}


def _posted(tags: pd.DataFrame, keys: Collection[str]) -> tuple[NDArray[np.float32], NDArray[np.int8]]:
    """Return the limit of the first of some keys that says one, and where it comes from."""
    kph = np.full(len(tags), np.nan, np.float32)
    source = np.full(len(tags), SOURCES.index("default"), np.int8)
    for key in keys:
        value = parsed(tags[key], lambda t: parse_maxspeed(t)[0], np.nan).astype(np.float32)
        first = np.isnan(kph) & np.isfinite(value)
        kph[first] = value[first]
        source[first] = parsed(tags[key], lambda t: SOURCES.index(parse_maxspeed(t)[1]), 0)[first]
    return kph, source


def _by_direction(
    tags: pd.DataFrame, direction: NDArray[np.int8], counts: Counter[str]
) -> tuple[NDArray[np.float32], NDArray[np.int8]]:
    """Return the limit in the direction of a one-way road, and where it comes from.

    Of a two-way road the lower one, counted where they differ, for a link has one speed.
    """
    along, against = (_posted(tags, (LIMITS[way], LIMITS[0])) for way in (1, 2))
    apart = np.isfinite(along[0]) & np.isfinite(against[0]) & (along[0] != against[0]) & (direction == BOTH)
    counts["limits_that_differ_by_direction"] += int(apart.sum())
    lower = np.isnan(along[0]) | (against[0] < along[0])
    back = np.where(direction == BOTH, lower, direction == BACKWARD)
    kph, source = np.where(back, against[0], along[0]), np.where(back, against[1], along[1])
    zone, of_zone = _posted(tags, ZONES)
    none = np.isnan(kph)
    return np.where(none, zone, kph), np.where(none, of_zone, source)


def _speeds(tags: pd.DataFrame, direction: NDArray[np.int8], counts: Counter[str]) -> dict[str, object]:
    """Return the posted limit, that of winter and of trucks where they differ, and where it comes from.

    A limit that can't be read is counted, with its text, and is none.
    """
    kph, source = _by_direction(tags, direction, counts)
    counts["limits_without_a_number"] += int((tags["maxspeed"].notna().to_numpy() & np.isnan(kph)).sum())
    for key in LIMITS:
        for text, number in tags[key].dropna().astype(str).value_counts().items():
            if not has_limit(str(text)):
                counts[f"{UNREAD}{key}={text}"] += int(number)
    hgv = parsed(tags["maxspeed:hgv"], lambda t: parse_maxspeed(t)[0], np.nan).astype(np.float32)
    stated = tags["maxspeed:conditional"]
    _unread_in(stated, "car", counts)
    cold = parsed(stated, lambda text: _limits_by_season(text, "car")[0], np.nan).astype(np.float32)
    warm = parsed(stated, lambda text: _limits_by_season(text, "car")[1], np.nan).astype(np.float32)
    truck = parsed(stated, lambda text: _limits_by_season(text, "truck")[1], np.nan).astype(np.float32)
    hgv = np.fmin(hgv, np.where(truck == warm, np.nan, truck))
    winter = np.where(np.isfinite(cold), cold, kph)
    tagged = np.isfinite(warm)
    kph[tagged] = warm[tagged]
    source[tagged] = SOURCES.index("tagged")
    winter = np.where((winter == kph) | np.isnan(winter), np.nan, winter).astype(np.float32)
    stated = tags["maxspeed:hgv:conditional"]
    _unread_in(stated, "truck", counts)
    truck = parsed(stated, lambda t: _limits_by_season(t, "truck")[1], np.nan).astype(np.float32)
    hgv = np.where(np.isfinite(truck), truck, hgv)
    return {
        "maxspeed_kph": kph,
        "maxspeed_hgv_kph": hgv,
        "maxspeed_winter_kph": winter,
        "speed_source": pd.Categorical.from_codes(source, categories=pd.Index(SOURCES, dtype=object)),
    }


def _unread_in(column: pd.Series, vehicle: str, counts: Counter[str]) -> None:
    """Count the clauses of a conditional tag that no rule reads, with their text."""
    for text, number in column.dropna().astype(str).value_counts().items():
        for one in clauses_of(str(text), vehicle)[1]:
            counts[f"{UNREAD}{column.name}={one}"] += int(number)


@cache
def _limits_by_season(text: str, vehicle: str) -> tuple[float, float]:
    """Return the limits of winter and of summer that hold for most of the day, else NaN.

    NaN where that is the one without condition.
    """
    grid = np.full(SHAPE, np.nan, np.float32)
    for value, when, some in clauses_of(text, vehicle)[0]:
        kph = parse_maxspeed(value)[0]
        if kph == kph and not some:
            grid[when] = kph
    out = []
    for days in (WINTER_DAYS, SUMMER_DAYS):
        values, number = np.unique(grid[days][:, :, DAY_SLOTS], return_counts=True, equal_nan=True)
        out.append(float(values[np.argmax(number)]))
    return out[0], out[1]


@cache
def _direction_by_day(text: str, vehicle: str, otherwise: int, at: tuple[int, int] | None) -> tuple[int, bool]:
    """Return the direction of most of the day, and whether it changes."""
    grid = np.full(SHAPE, otherwise, np.int8)
    for value, when, some in clauses_of(text, vehicle)[0]:
        if not some:
            grid[when] = ONEWAY.get(value, otherwise)
    week, hours = (slice(None), DAY_SLOTS) if at is None else (slice(at[0], at[0] + 1), slice(at[1], at[1] + 1))
    values, number = np.unique(grid[:, week, hours], return_counts=True)
    return int(values[np.argmax(number)]), bool(grid.min() != grid.max())
