"""Ways as pieces between shared nodes, measured: whole columns, no loop over ways."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from layers.crs import WGS84, geodesic_m
from layers.osm.access import CLOSED, LIMITED
from layers.osm.barriers import barrier_access
from layers.osm.classes import is_unknown
from layers.osm.limits import VEHICLES
from layers.osm.lines import UNREAD
from layers.osm.tags import BACKWARD, BOTH, SEASONS, parsed
from layers.sources.pbf.blocks import ranges
from layers.sources.pbf.objects import E7

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Iterable, Mapping

    from numpy.typing import NDArray

    from layers.sources.pbf.network import Collected
    from layers.sources.pbf.objects import Nodes, Tagged

SHORT_M, POLAR = 2000.0, 75.0
"""Metres and degrees of latitude up to which the middle-latitude formula is the geodesic to 1e-7 of its length."""
PIECES_AT_ONCE = 50_000
CUT_IDS = 1 << 60
"""Numbers of nodes that OpenStreetMap has not: the ends of pieces at a closed node begin here."""
SEMI_MAJOR_M, ECCENTRICITY2 = 6378137.0, 0.0066943799901413165


def way_table(collected: Collected) -> pd.DataFrame:
    """Return one row per way, its wanted tags as categories; their codes are used up."""
    ways, words = collected.ways, collected.words
    missing = np.full(len(ways.ids), -1, np.int32)
    columns = {k.decode(): words.column(k, ways.codes.pop(k, missing)) for k in words.keys}
    return pd.DataFrame({"osm_id": ways.ids, **columns})


def with_durations(table: pd.DataFrame, durations: Mapping[int, str]) -> pd.DataFrame:
    """Return the ways with the durations that relations tell of those that have none."""
    stated = table["osm_id"].map({way: text for way, text in durations.items() if text})
    return (
        table.assign(duration=pd.Categorical(table["duration"].astype(object).fillna(stated)))
        if stated.notna().any()
        else table
    )


def km_of_unknown(
    table: pd.DataFrame, sizes: NDArray[np.int64], place: NDArray[np.int32], nodes: Nodes
) -> dict[str, float]:
    """Return the kilometres of ways whose class nobody knows, by tag; areas are left out.

    Parameters
    ----------
    table
        From `way_table`.
    sizes, place
        See `split_ways`.
    """
    out: dict[str, float] = {}
    stop = np.cumsum(sizes)
    for key in ("highway", "railway"):
        for row in np.flatnonzero(parsed(table[key], partial(is_unknown, key), False).astype(bool)):  # slips: few
            at = place[stop[row] - sizes[row] : stop[row]]
            at = at[at >= 0]
            if len(at) < 2 or (len(at) > 3 and at[0] == at[-1]):
                continue
            lon, lat = nodes.lon[at] / E7, nodes.lat[at] / E7
            km = float(short_geodesic_m(lon[:-1], lat[:-1], lon[1:], lat[1:]).sum()) / 1000
            tag = f"{key}={table[key].iloc[row]}"
            out[tag] = out.get(tag, 0.0) + km
    return dict(sorted(out.items()))


def barriers_of(
    tagged: Iterable[Tagged], nodes: Nodes, vehicle: str, counts: Counter[str], moment: tuple[int, int] | None = None
) -> pd.DataFrame:
    """Return the nodes that close a road to a vehicle, let it in but not through, or do so in a season.

    Returns
    -------
    ``place`` (position in `nodes`), ``word`` (what closes it), ``level`` of the vehicle, ``season`` and ``limited``
    (for whom the node carries no through traffic: 1 for the first of `VEHICLES`, 2 for the second, added up).
    """
    rows = []
    for node in tagged:  # barriers that may close something: a few for a hundred kilometres of road
        at = int(nodes.find(np.array([node.osm_id]))[0])
        passage = barrier_access(node.tags, vehicle, moment)
        limited = sum((barrier_access(node.tags, v, moment).level == LIMITED) << k for k, v in enumerate(VEHICLES))
        if at >= 0 and (passage.level == CLOSED or limited or passage.season):
            rows.append((at, passage.word, passage.level, passage.season, limited))
        if at >= 0:
            counts.update(f"{UNREAD}{text}" for text in passage.unread)
    return pd.DataFrame(rows, columns=["place", "word", "level", "season", "limited"])


def split_ways(
    table: pd.DataFrame,
    sizes: NDArray[np.int64],
    place: NDArray[np.int32],
    nodes: Nodes,
    counts: Counter[str],
    barriers: pd.DataFrame | None = None,
) -> gpd.GeoDataFrame:
    """Return the ways of `table` as pieces between shared nodes.

    ``u``, ``v``, ``length_m``, ``oneway`` and its columns.

    A node that two of these ways share, or one way passes twice, parts them; a crossing without one (a bridge) does
    not. A way is broken where a node is missing, never joined over the gap. A way that is one-way against its drawing
    is turned. ``duration_min`` (ferries) is shared out by length.

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
    barriers
        From `barriers_of`: a node that is closed parts all that meet there, each piece ends at a node of its own
        (numbers from `CUT_IDS`). Where a node is closed to through traffic or in a season, the shortest piece beside it
        is.
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
    if barriers is not None:
        shared[barriers["place"].to_numpy(np.int64)] = True
    cut = shared[place] | begins | ends
    first = np.flatnonzero(cut & ~ends)
    last = np.flatnonzero(cut & ~begins)
    owner = owner[first]
    pieces = table.iloc[owner].reset_index(drop=True)
    # The lines take most of the memory: what they do not need goes before they are drawn.
    del table, stop, known, begins, keep, ends, alone, shared, cut
    lines, length = _drawn(place, first, last, nodes)
    ends_at = np.column_stack([place[first], place[last]])
    uv = nodes.ids[ends_at]
    if barriers is not None and len(barriers):
        _close(uv, ends_at, pieces, length, barriers, counts)
    pieces.insert(0, "u", uv[:, 0])
    pieces.insert(1, "v", uv[:, 1])
    pieces.insert(2, "length_m", length)
    pieces.insert(4, "oneway", pieces.pop("direction").to_numpy() != BOTH)
    if "duration_min" in pieces:
        whole = np.bincount(owner, length, minlength=len(rows))[owner]
        pieces["duration_min"] *= np.divide(length, whole, out=np.ones(len(length)), where=whole > 0).astype(np.float32)
    return gpd.GeoDataFrame(pieces, geometry=lines, crs=WGS84, copy=False)


def _close(
    uv: NDArray[np.int64],
    ends_at: NDArray[np.int32],
    pieces: pd.DataFrame,
    length: NDArray[np.float64],
    barriers: pd.DataFrame,
    counts: Counter[str],
) -> None:
    """Part the pieces at closed nodes, and mark one beside each node that is closed to some or at times; in place."""
    met = pd.DataFrame(
        {"place": ends_at.ravel(), "piece": np.repeat(np.arange(len(uv)), 2), "length": length.repeat(2)}
    )
    met = met[met["place"].isin(barriers["place"])].sort_values(["place", "length", "piece"], kind="stable")
    met = met[met.duplicated("place", keep=False)].drop_duplicates("place").merge(barriers, on="place")
    for word, number in met.loc[met["level"] == CLOSED, "word"].value_counts().items():
        counts[f"roads_cut_at_{word}"] += int(number)
    closed = np.isin(ends_at, met.loc[met["level"] == CLOSED, "place"])
    uv[closed] = CUT_IDS + np.arange(int(closed.sum()))
    some = met[met["level"] != CLOSED]
    counts["roads_no_through_at_barriers"] += int((some["limited"] > 0).sum())
    for column, passage in (("no_through", some["limited"]), ("season", some["season"].map(list(SEASONS).index))):
        codes = pieces[column].cat.codes.to_numpy().copy()
        before, new = codes[some["piece"]], passage.to_numpy(np.int8)
        # The numbers of both vehicles add up; two seasons that differ leave no time that could be relied on.
        both = (
            before | new
            if column == "no_through"
            else np.where((before > 0) & (new > 0) & (before != new), 3, np.maximum(before, new))
        )
        codes[some["piece"]] = both
        pieces[column] = pd.Categorical.from_codes(codes, categories=pieces[column].cat.categories)


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
