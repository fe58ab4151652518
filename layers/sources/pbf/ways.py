"""Roads and railways out of ways: split at shared nodes, measured, their tags read. Whole columns, no loop over ways."""

from __future__ import annotations

from typing import TYPE_CHECKING

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from layers.crs import WGS84, geodesic_m
from layers.osm.tags import (
    BACKWARD,
    BOTH,
    LIMITED,
    SEASONS,
    access_of,
    current_of,
    is_yes,
    oneway_of,
    parse_duration,
    parse_maxspeed,
    parsed,
    season_of,
)
from layers.sources.pbf.blocks import ranges
from layers.sources.pbf.objects import E7

if TYPE_CHECKING:
    from collections import Counter

    from numpy.typing import NDArray

    from layers.sources.pbf.network import Collected
    from layers.sources.pbf.objects import Nodes

ROAD_KINDS = (
    "motorway", "motorway_link", "trunk", "trunk_link", "primary", "primary_link", "secondary", "secondary_link",
    "tertiary", "tertiary_link", "unclassified", "residential", "living_street", "service", "track", "road",
)  # fmt: skip
RAIL_KINDS = ("rail", "narrow_gauge")
FERRY = "ferry"
SIDE_TRACKS = ("yard", "siding", "spur")
"""Tracks of these services lead to a place and never through it; a crossover joins two tracks of a line."""
TEXTS = {
    "road": ("surface", "smoothness", "seasonal", "name", "ref"),
    "rail": ("usage", "service", "gauge", "electrified", "voltage", "frequency", "name", "ref"),
}
YES_NO = {"road": ("ice_road", "winter_road", "toll", "bridge", "tunnel"), "rail": ("bridge", "tunnel")}
ROAD_KEYS = (
    "highway", "route", "junction", "area", "military", "oneway", "maxspeed", "maxspeed:forward", "maxspeed:backward",
    "maxspeed:type", "source:maxspeed", "maxspeed:hgv", "access", "vehicle", "motor_vehicle", "motorcar", "hgv",
    "duration",
)  # fmt: skip
KEYS = tuple(dict.fromkeys([*ROAD_KEYS, *TEXTS["road"], *YES_NO["road"], "railway", *TEXTS["rail"], *YES_NO["rail"]]))
LIMITS = ("maxspeed", "maxspeed:forward", "maxspeed:backward")
ZONES = ("maxspeed:type", "source:maxspeed")
SOURCES = ("tagged", "implicit", "default")
SHORT_M, POLAR = 2000.0, 75.0
"""Metres and degrees of latitude up to which the middle-latitude formula is the geodesic to 1e-7 of its length."""
PIECES_AT_ONCE = 50_000
SEMI_MAJOR_M, ECCENTRICITY2 = 6378137.0, 0.0066943799901413165


def way_table(collected: Collected) -> pd.DataFrame:
    """Return one row per way, its wanted tags as categories; their codes are used up."""
    ways, words = collected.ways, collected.words
    missing = np.full(len(ways.ids), -1, np.int32)
    columns = {k.decode(): words.column(k, ways.codes.pop(k, missing)) for k in words.keys}
    return pd.DataFrame({"osm_id": ways.ids, **columns})


def roads_of(tags: pd.DataFrame, counts: Counter[str]) -> pd.DataFrame:
    """Return the roads and ferries among the ways, with the columns of the layer, in the order of the ways.

    Parameters
    ----------
    tags
        From `way_table`; the index is the position of the way.
    counts
        Takes the number of ways that were left out, by reason.
    """
    road = tags["highway"].isin(ROAD_KINDS).to_numpy()
    ferry = ~road & (tags["route"] == FERRY).to_numpy()
    kept = tags[road | ferry]
    kept = _without(kept, kept["area"] == "yes", "roads_area", counts)
    kept = _without(kept, kept["military"].notna(), "roads_military", counts)
    # A ferry for foot passengers is a ferry with motor vehicles forbidden.
    car, truck = (access_of(kept, vehicle) for vehicle in ("car", "truck"))
    closed = {name: ~says.isin(("yes", *LIMITED)).to_numpy() for name, says in (("car", car), ("truck", truck))}
    shut = closed["car"] & closed["truck"]
    for reason, number in car[shut].value_counts().sort_index().items():
        counts[f"roads_access_{reason}"] += int(number)
    rows = ~shut
    kept, car = kept[rows], car[rows]
    kind = kept["highway"].astype(object).where(road[kept.index], FERRY)
    out = pd.DataFrame(
        {
            "osm_id": kept["osm_id"],
            "kind": pd.Categorical(kind, categories=[*ROAD_KINDS, FERRY]),
            "direction": oneway_of(kept["oneway"], kept["highway"], kept["junction"]),
            **_speeds(kept, counts),
            "access": car.cat.remove_unused_categories(),
            "car": ~closed["car"][rows],
            "truck": ~closed["truck"][rows],
            **_further(kept, "road"),
        },
        index=kept.index,
    )
    out["maxspeed_hgv_kph"] = parsed(kept["maxspeed:hgv"], lambda t: parse_maxspeed(t)[0], np.nan).astype(np.float32)
    out["season"] = _seasons(out)
    out["duration_min"] = parsed(kept["duration"], parse_duration, np.nan).astype(np.float32)
    return out


def _seasons(roads: pd.DataFrame) -> pd.Categorical:
    """Return when each road can be driven, see `layers.osm.tags.season_of`."""
    codes = parsed(roads["seasonal"], lambda t: SEASONS.index(season_of(t)), 0)
    frozen = (roads["ice_road"] | roads["winter_road"]).to_numpy()
    codes = np.where(frozen, SEASONS.index("winter"), codes)
    return pd.Categorical.from_codes(codes, categories=pd.Index(SEASONS, dtype=object))


def railways_of(tags: pd.DataFrame, counts: Counter[str]) -> pd.DataFrame:
    """Return the railways among the ways, with the columns of the layer; see `roads_of`.

    ``kind`` is the usage (main, branch, industrial, tourism) or the service (yard, siding, spur, crossover), ``rail``
    where neither is told; ``current`` one label for ``electrified``, ``voltage`` and ``frequency``.
    """
    kept = tags[tags["railway"].isin(RAIL_KINDS)]
    kept = _without(kept, kept["military"].notna() | (kept["usage"] == "military"), "railways_military", counts)
    usage, service = (kept[c].astype(object) for c in ("usage", "service"))
    kind = service.where(service.isin((*SIDE_TRACKS, "crossover")), usage).fillna("rail")
    return pd.DataFrame(
        {
            "osm_id": kept["osm_id"],
            "kind": pd.Categorical(kind),
            "direction": np.zeros(len(kept), np.int8),
            **_speeds(kept, counts),
            "through": ~service.isin(SIDE_TRACKS),
            **_further(kept, "rail"),
            "current": _currents(kept),
        },
        index=kept.index,
    )


def _currents(tags: pd.DataFrame) -> pd.Categorical:
    """Return each railway's current, see `layers.osm.tags.current_of`."""
    kind, volt, hertz = (tags[c].astype(object).fillna("") for c in ("electrified", "voltage", "frequency"))
    joined = kind + "|" + volt + "|" + hertz
    return pd.Categorical(parsed(joined, lambda text: current_of(*text.split("|", 2)), ""))


def _without(tags: pd.DataFrame, out: pd.Series, reason: str, counts: Counter[str]) -> pd.DataFrame:
    """Return the rows that are not `out`, and count those that are."""
    counts[reason] += int(out.sum())
    return tags.loc[~out]


def _further(tags: pd.DataFrame, mode: str) -> dict[str, object]:
    """Return the tags that are handed on as they are, and the flags."""
    texts = {c: tags[c].cat.remove_unused_categories() for c in TEXTS[mode]}
    return {**texts, **{c: parsed(tags[c], is_yes, False).astype(bool) for c in YES_NO[mode]}}


def _speeds(tags: pd.DataFrame, counts: Counter[str]) -> dict[str, object]:
    """Return the posted limit and where it comes from; a limit that can't be read is counted and is none."""
    kph = np.full(len(tags), np.nan, np.float32)
    source = np.full(len(tags), SOURCES.index("default"), np.int8)
    for group in (LIMITS[:1], LIMITS[1:], ZONES):
        still = np.isnan(kph)
        for key in group:
            value = parsed(tags[key], lambda t: parse_maxspeed(t)[0], np.nan).astype(np.float32)
            lower = still & np.isfinite(value) & ~(kph <= value)
            kph[lower] = value[lower]
            source[lower] = parsed(tags[key], lambda t: SOURCES.index(parse_maxspeed(t)[1]), 0)[lower]
    counts["limits_without_a_number"] += int((tags["maxspeed"].notna().to_numpy() & np.isnan(kph)).sum())
    return {
        "maxspeed_kph": kph,
        "speed_source": pd.Categorical.from_codes(source, categories=pd.Index(SOURCES, dtype=object)),
    }


def split_ways(
    table: pd.DataFrame, sizes: NDArray[np.int64], place: NDArray[np.int32], nodes: Nodes, counts: Counter[str]
) -> gpd.GeoDataFrame:
    """Return the ways of `table` as pieces between shared nodes: ``u``, ``v``, ``length_m``, ``oneway`` and its columns.

    A node that two of these ways share, or one way passes twice, parts them; a crossing without one (a bridge) does not.
    A way is broken where a node is missing, never joined over the gap. A way that is one-way against its drawing is turned.
    ``duration_min`` (ferries) is shared out by length.

    Parameters
    ----------
    table
        From `roads_of` or `railways_of`.
    sizes, place
        How many references each collected way has, and the position in `nodes` of each reference (−1: missing), one way
        behind the other; ``table``'s index is the position of the way.
    nodes
        What was collected.
    counts
        Takes ``ways_cut`` (a node missing or outside the area) and ``ways_without_a_piece``.
    """
    rows = table.index.to_numpy(np.int64)
    count = sizes[rows]
    stop = np.cumsum(sizes)[rows]
    place = place.copy() if len(rows) == len(sizes) else place[ranges(stop - count, stop)]
    _turn(place, count, table["direction"].to_numpy() == BACKWARD)
    owner = np.repeat(np.arange(len(rows), dtype=np.int32), count)
    known = place >= 0
    counts["ways_cut"] += _distinct(owner[~known])
    # A run is a stretch of one way without a gap; a node that stands twice in a row counts once.
    begins = np.r_[True, (owner[1:] != owner[:-1]) | ~known[:-1]][: len(place)]
    keep = known & (begins | np.r_[True, place[1:] != place[:-1]][: len(place)])
    place, owner, begins = place[keep], owner[keep], begins[keep]
    ends = np.r_[begins[1:], True][: len(place)]
    alone = begins & ends
    place, owner, begins, ends = (c[~alone] for c in (place, owner, begins, ends))
    counts["ways_without_a_piece"] += len(rows) - _distinct(owner)
    shared = np.bincount(place, minlength=len(nodes.ids)) > 1
    cut = shared[place] | begins | ends
    first = np.flatnonzero(cut & ~ends)
    last = np.flatnonzero(cut & ~begins)
    owner = owner[first]
    pieces = table.iloc[owner].reset_index(drop=True)
    # The lines take most of the memory: what they do not need goes before they are drawn.
    del table, stop, known, begins, keep, ends, alone, shared, cut
    lines, length = _drawn(place, first, last, nodes)
    pieces.insert(0, "u", nodes.ids[place[first]])
    pieces.insert(1, "v", nodes.ids[place[last]])
    pieces.insert(2, "length_m", length)
    pieces.insert(4, "oneway", pieces.pop("direction").to_numpy() != BOTH)
    if "duration_min" in pieces:
        whole = np.bincount(owner, length, minlength=len(rows))[owner]
        pieces["duration_min"] *= np.divide(length, whole, out=np.ones(len(length)), where=whole > 0).astype(np.float32)
    return gpd.GeoDataFrame(pieces, geometry=lines, crs=WGS84, copy=False)


def _turn(refs: NDArray[np.int32], count: NDArray[np.int64], back: NDArray[np.bool_]) -> None:
    """Turn the references of some ways round, in place."""
    stop = np.cumsum(count)[back]
    start = stop - count[back]
    at = ranges(start, stop)
    refs[at] = refs[np.repeat(start + stop - 1, count[back]) - at]


def _drawn(
    place: NDArray[np.int32], first: NDArray[np.int64], last: NDArray[np.int64], nodes: Nodes
) -> tuple[NDArray[np.object_], NDArray[np.float64]]:
    """Return the lines and geodesic lengths of pieces that run from `first` to `last` of `place`."""
    lines = np.empty(len(first), dtype=object)
    length = np.zeros(len(first))
    for begin in range(0, len(first), PIECES_AT_ONCE):  # bounds the memory of coordinates
        chunk = slice(begin, begin + PIECES_AT_ONCE)
        vertex = place[ranges(first[chunk], last[chunk] + 1)]
        size = last[chunk] - first[chunk] + 1
        xy = np.column_stack([nodes.lon[vertex] / E7, nodes.lat[vertex] / E7])
        step = short_geodesic_m(xy[:-1, 0], xy[:-1, 1], xy[1:, 0], xy[1:, 1])
        end = np.cumsum(size)
        step[end[:-1] - 1] = 0.0  # the step from one line to the next
        length[chunk] = np.add.reduceat(step, end - size)
        shapely.linestrings(xy, indices=np.repeat(np.arange(len(size)), size), out=lines[chunk])
    return lines, length


def _distinct(ordered: NDArray[np.int32]) -> int:
    """Return how many different numbers an ascending column has."""
    return int(np.count_nonzero(np.diff(ordered))) + bool(len(ordered))


def short_geodesic_m(
    lon1: NDArray[np.float64], lat1: NDArray[np.float64], lon2: NDArray[np.float64], lat2: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return geodesic distances: by the middle-latitude formula up to `SHORT_M`, else by PROJ.

    Roads have steps of tens of metres, where the formula is as exact as PROJ and takes a twentieth of its time.
    """
    middle = np.radians((lat1 + lat2) / 2)
    sine2 = np.sin(middle) ** 2
    w2 = 1 - ECCENTRICITY2 * sine2
    normal = SEMI_MAJOR_M / np.sqrt(w2)
    north = np.radians(lat2 - lat1) * normal * (1 - ECCENTRICITY2) / w2
    east = np.radians(lon2 - lon1) * normal * np.sqrt(1 - sine2)
    out = np.hypot(north, east)
    far = np.flatnonzero((out > SHORT_M) | (np.abs(lat1) > POLAR))
    if len(far):
        out[far] = geodesic_m(lon1[far], lat1[far], lon2[far], lat2[far])
    return np.asarray(out, float)
