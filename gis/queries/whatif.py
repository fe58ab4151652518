"""What edits change, as the interactive page, its static copy and notebooks ask for it.

A pure function, kept by content.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, fields, replace
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from analysis.planning.scenarios import REGION_COLUMNS, before_and_after, totals
from analysis.planning.whatif import Answer, answer
from gis.queries.edit_checks import Named, check_edits, target_of
from gis.queries.edits import Close, Edit, Rules, Wait, apply_edits, closed_by
from gis.queries.joined import joined_words, joins, notes_on, opened_places, row_of, without_waits
from gis.queries.new_posts import Open
from gis.queries.standing import Base, Change, regions_of, standing_of, table_of
from layers.errors import PlaceError
from network.changes import change
from network.openings import Opening, find_opening

if TYPE_CHECKING:
    import geopandas as gpd


KEPT = 64
"""Answers that are kept, the last used ones."""
CHANGED_MIN = 0.05
"""A settlement gains or loses where its minutes change by more: less would be printed as zero."""


def edits_key(edits: Sequence[Edit]) -> str:
    """Return the content hash of a list of edits, in their order."""
    rows = [[type(e).__name__.lower(), asdict(e)] for e in edits]
    return hashlib.sha256(json.dumps(rows, sort_keys=True).encode()).hexdigest()[:16]


def whatif(base: Base, edits: Sequence[Edit], *, rough: bool = False) -> Change:
    """Return what edits change on a border that stands: equal to `gis.compare` to rounding.

    Closures, waits and new checkpoints take a fraction of a second; other edits build the network again. Answers are
    kept by the content of the edits.

    Parameters
    ----------
    rough
        Over a sample of the places, where the border has many and the edits need no network built again; else exact.

    Raises
    ------
    PlaceError
        A name that no checkpoint has, a place that no checkpoint can have, a value out of range.
    """
    if rough and base.rough is not None and all(_plain(e) for e in edits):
        base = base.rough
    key = edits_key(edits)
    with base.lock:
        if key in base.kept:
            base.kept.move_to_end(key)
            return base.kept[key]
    found = _changed(base, edits)
    with base.lock:
        base.kept[key] = found
        while len(base.kept) > KEPT:
            base.kept.popitem(last=False)
    return found


def _changed(base: Base, edits: Sequence[Edit]) -> Change:
    """Return what edits change, computed."""
    if all(_plain(e) for e in edits):
        return _quick(base, edits)
    study = base.prepared.study
    rules = Rules(study.speeds, study.network.winter, study.analysis.closed_hours)
    edited, notes = apply_edits(base.network, edits, rules=rules)
    standing = standing_of(base.prepared, edited)
    return _compared(
        base, answer(standing, standing.trees, table_of(edited)), notes, opened_places(edited), rebuilt=True
    )


SAID: Mapping[type, set[str]] = {
    Open: {
        "lon",
        "lat",
        "mode",
        "wait_min",
        "wait_truck_min",
        "wait_back_min",
        "crossing",
        "capacity_per_day",
        "regime",
        "name",
    },
    Close: {"checkpoint", "region"},
    Wait: {"checkpoint", "wait_min", "direction", "vehicle"},
}
"""What edits may say and be answered without building the network again."""


def _plain(edit: Edit) -> bool:
    """Return whether an edit says nothing but what this file answers by itself."""
    known = SAID.get(type(edit))
    return known is not None and all(getattr(edit, f.name) == f.default for f in fields(edit) if f.name not in known)


def _quick(base: Base, edits: Sequence[Edit]) -> Change:
    """Return what closures, waits and new checkpoints change."""
    network = base.network
    check_edits(edits, network.checkpoints, network.base.regions, ())
    opens = [e for e in edits if isinstance(e, Open)]
    rows = {f"new-{i}": row_of(network, base.places, e, i) for i, e in enumerate(opens, 1)}
    spots = {k: (float(r.geometry.iloc[0].x), float(r.geometry.iloc[0].y)) for k, r in rows.items()}
    named = [(k, str(r["name"].iloc[0]), spots[k]) for k, r in rows.items()]
    closed = [t for e in edits if isinstance(e, Close) for t in closed_by(network, e, named)]
    table = table_of(network, list(rows.values()))
    table.loc[table["checkpoint_id"].isin(closed), "open"] = False
    if edits and not table["open"].astype(bool).any():
        raise PlaceError("every checkpoint is closed: allowed is a scenario that leaves one open")
    waits = _waits(base, edits, named)
    trees, joined = {}, {}
    for mode, t in base.standing.trees.items():  # road, rail, or both together
        # Where a checkpoint joins is told in the positions of each mode's own router.
        of_mode = [
            _opening(base, e, k, rows[k], mode)
            for k, e in zip(rows, opens, strict=True)
            if k not in closed and mode in (e.mode, "any")
        ]
        joined.update({o.checkpoint_id: o for o in of_mode})
        trees[mode] = change(t, closed=closed, waits=waits, openings=of_mode)
    lost = [k for k, e in zip(rows, opens, strict=True) if k not in closed and k not in joined]
    if lost:
        raise PlaceError(f"{lost[0]}: no crossing of its mode is in the network: allowed is another mode")
    found = [joined[k] for k in rows if k in joined]
    table = table[~table["checkpoint_id"].isin([k for k in rows if k in closed])].reset_index(drop=True)
    gates = {*network.links["checkpoint_id"], *rows}
    means = table["checkpoint_id"].map({k: _mean(w, table, k, gated=k in gates) for k, w in waits.items()})
    table["wait_min"] = means.where(means.notna(), table["wait_min"]).astype(float)
    words = {o.checkpoint_id: joined_words(network, o) for o in found}
    joined_at = {o.checkpoint_id: joins(network, o) for o in found}
    places = tuple(
        {
            "checkpoint_id": k,
            "lon": spots[k][0],
            "lat": spots[k][1],
            "mode": o.mode,
            "joined": words.get(k, "closed again"),
            **joined_at.get(k, {}),
        }
        for k, o in zip(rows, opens, strict=True)
    )
    # Without a border a new road alone changes anything.
    free = None if any(not o.crossings for o in found) else base.before.free
    notes = notes_on(network, edits, found, words, named)
    return _compared(base, answer(base.standing, trees, table, free=free), notes, places, rebuilt=False)


def _opening(base: Base, edit: Open, key: str, row: gpd.GeoDataFrame, mode: str) -> Opening:
    """Return where a new checkpoint joins, found once for each place."""
    kept = ("joins", key, without_waits(edit), mode)
    found = base.places.get(kept)
    if found is None:
        if len(base.places) > 8 * KEPT:
            base.places.clear()  # another thread may hold what it took: nothing is asked of the dict twice
        found = base.places[kept] = find_opening(base.joinable, row, base.standing.trees[mode].overlay.home)
    return replace(found, wait_min=float(row["wait_min"].iloc[0]))


def _waits(base: Base, edits: Sequence[Edit], named: Named) -> dict[str, tuple[float, float]]:
    """Return the minutes from side a to side b and back at each checkpoint that has edits of them.

    NaN where they stay.
    """
    network, opened = base.network, 0
    waits: dict[str, tuple[float, float]] = {}
    for edit in edits:
        if isinstance(edit, Open):
            opened += 1
            if edit.wait_back_min is not None:
                waits[f"new-{opened}"] = (np.nan, edit.wait_back_min)
    for edit in edits:
        if isinstance(edit, Wait) and edit.vehicle in ("", network.base.vehicle):
            key = target_of(edit.checkpoint, network.checkpoints, named)
            there, back = waits.get(key, (np.nan, np.nan))
            waits[key] = (
                there if edit.direction == "b to a" else edit.wait_min,
                back if edit.direction == "a to b" else edit.wait_min,
            )
    return waits


def _mean(wait: tuple[float, float], table: pd.DataFrame, key: str, *, gated: bool) -> float:
    """Return the mean of both directions, as the table of checkpoints has it.

    A checkpoint without a gate has but one wait.
    """
    if not gated:
        return next(w for w in reversed(wait) if not np.isnan(w))
    standing = table.loc[table["checkpoint_id"] == key, "wait_min"]
    stays = float(standing.iloc[0]) if len(standing) else np.nan
    return float(np.mean([stays if np.isnan(w) else w for w in wait]))


def _compared(
    base: Base, after: Answer, notes: Sequence[str], places: tuple[dict[str, object], ...], *, rebuilt: bool
) -> Change:
    """Return the tables of two states side by side."""
    before = base.before
    regions = base.regions_before, regions_of(base.regions, after)
    checkpoints = before_and_after(
        before.checkpoints,
        after.checkpoints,
        "checkpoint_id",
        ("share", "share_of_mode", "wait_min"),
        keep=("name", "mode"),
    )
    return Change(
        after,
        tuple(notes),
        rebuilt,
        places,
        totals(before.settlements, after.settlements),
        before_and_after(*regions, "region", REGION_COLUMNS, keep=("name", "side")),
        _gains(before.settlements, after.settlements),
        checkpoints,
        exact=not base.standing.sampled,
    )


def _gains(before: pd.DataFrame, after: pd.DataFrame) -> pd.DataFrame:
    """Return the settlements whose minutes to a city across or to a post change, the most people-minutes first."""
    both = before_and_after(
        before,
        after,
        "settlement_id",
        ("time_to_city_min", "time_to_checkpoint_min"),
        keep=("name", "side", "region_name", "population"),
    )
    moved = np.zeros(len(both), bool)
    for what in ("time_to_city_min", "time_to_checkpoint_min"):
        lost = both[f"{what}_before"].isna() != both[f"{what}_after"].isna()
        moved |= (both[f"{what}_change"].abs() > CHANGED_MIN).to_numpy() | lost.to_numpy()
    weight = (both["time_to_city_min_change"].fillna(0.0) * both["population"]).abs()
    order = np.lexsort((both["name"], -both["population"].to_numpy(float), -weight.to_numpy(float)))
    out: pd.DataFrame = both.iloc[order][moved[order]].reset_index(drop=True)
    return out
