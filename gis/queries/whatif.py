"""What edits change, as the interactive page, its static copy and notebooks ask for it: a pure function, kept by content."""

from __future__ import annotations

import hashlib
import json
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from threading import Lock
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from analysis.connectivity.regions import population_access
from analysis.planning.scenarios import REGION_COLUMNS, before_and_after, totals
from analysis.planning.whatif import Answer, Standing, answer, stand
from analysis.reach.decays import exponential
from analysis.units import h3_cells, nearest_settlement, people_from_raster, people_in_cells
from gis.measures import CITY_PEOPLE
from gis.queries.edits import Close, Edit, Open, Wait, apply_edits
from layers.checkpoints import find_checkpoint, usable_wait_min
from layers.errors import LayerError, PlaceError
from layers.regions import touching
from layers.settlements import parse_lonlat
from network.changes import change
from network.edits import new_checkpoint
from network.openings import Ground, Opening, find_opening, ground_of
from network.routing import compile_router

if TYPE_CHECKING:
    from gis.inputs import Prepared
    from network.build import Network

KEPT = 64
"""Answers that are kept, the last used ones."""
CHANGED_MIN = 0.05
"""A settlement gains or loses where its minutes change by more: less would be printed as zero."""


@dataclass
class Base:
    """A border as it stands, and the answers that were given on it; build it with `stand_by`.

    Attributes
    ----------
    before
        Its own state.
    regions
        Regions that touch the border: ``region``, ``name``, ``side``.
    regions_before
        Their figures.
    """

    prepared: Prepared
    network: Network
    standing: Standing
    ground: Ground
    before: Answer
    regions: pd.DataFrame
    regions_before: pd.DataFrame
    kept: OrderedDict[str, Change] = field(default_factory=OrderedDict, repr=False)
    lock: Lock = field(default_factory=Lock, repr=False)

    @property
    def key(self) -> str:
        """Content hash of the study and its checkpoints: what saved edits belong to."""
        table = self.network.checkpoints[["checkpoint_id", "mode", "open", "wait_min"]].to_csv(index=False)
        text = json.dumps(self.prepared.study.model_dump(mode="json"), sort_keys=True) + table
        return hashlib.sha256(text.encode()).hexdigest()[:12]


@dataclass(frozen=True)
class Change:
    """What edits change.

    Attributes
    ----------
    after
        The state after them.
    notes
        A line on each edit.
    rebuilt
        Whether the network was built again, because an edit changes more than checkpoints.
    places
        New checkpoints: ``checkpoint_id``, ``lon``, ``lat``, ``mode``, ``joined`` in words.
    totals, regions, settlements, checkpoints
        Before and after; settlements are those whose minutes change, the most people-minutes first.
    """

    after: Answer
    notes: tuple[str, ...]
    rebuilt: bool
    places: tuple[dict[str, object], ...]
    totals: pd.DataFrame = field(repr=False)
    regions: pd.DataFrame = field(repr=False)
    settlements: pd.DataFrame = field(repr=False)
    checkpoints: pd.DataFrame = field(repr=False)


def stand_by(prepared: Prepared, network: Network) -> Base:
    """Return a border ready for edits: its cells, trees and own state."""
    standing = _standing(prepared, network)
    before = answer(standing, standing.trees, _table(network))
    own = prepared.layers["regions"]
    own = own[touching(own, prepared.border)].sort_values(["side", "region"], ignore_index=True)
    regions = own[["region", "name", "side"]]
    return Base(prepared, network, standing, ground_of(network), before, regions, _regions(regions, before))


def _standing(prepared: Prepared, network: Network) -> Standing:
    """Return a network with the cells of the study, as `gis.measures.measure_network` has them."""
    settings = prepared.study.analysis
    cells = h3_cells(
        network.base.regions,
        prepared.border,
        network.crs,
        resolution=settings.h3_resolution,
        depth_km=settings.depth_km,
    )
    raster = prepared.population
    cells["population"] = (
        people_from_raster(cells, network.base.regions, raster.people)
        if raster
        else people_in_cells(cells, network.settlements, settings.h3_resolution)
    )
    cells["near"] = nearest_settlement(cells, network.settlements)
    return stand(
        network,
        compile_router(network, settings.mode),
        cells,
        city_people=CITY_PEOPLE,
        fades=settings.decay_function() or exponential(settings.half_life_min),
        half_life_min=settings.half_life_min,
        theta=settings.theta_per_min,
    )


def edits_key(edits: Sequence[Edit]) -> str:
    """Return the content hash of a list of edits, in their order."""
    rows = [[type(e).__name__.lower(), asdict(e)] for e in edits]
    return hashlib.sha256(json.dumps(rows, sort_keys=True).encode()).hexdigest()[:16]


def whatif(base: Base, edits: Sequence[Edit]) -> Change:
    """Return what edits change on a border that stands: equal to `gis.compare` to rounding.

    Closures, waits and new checkpoints take a fraction of a second; other edits build the network again. Answers are kept by the content of
    the edits.

    Raises
    ------
    PlaceError
        A name that no checkpoint has, a place that no checkpoint can have, a value out of range.
    """
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
    if all(type(e) in (Open, Close, Wait) and _plain(e) for e in edits):
        return _quick(base, edits)
    edited, notes = apply_edits(base.network, edits)
    standing = _standing(base.prepared, edited)
    return _compared(base, answer(standing, standing.trees, _table(edited)), notes, (), rebuilt=True)


def _plain(edit: Edit) -> bool:
    """Return whether an edit says nothing but what this file answers by itself."""
    known = {Open: {"lon", "lat", "mode", "wait_min"}, Close: {"checkpoint"}, Wait: {"checkpoint", "wait_min"}}[
        type(edit)
    ]
    blank = {f: d.default for f, d in type(edit).__dataclass_fields__.items()}
    return all(getattr(edit, f) == blank[f] for f in blank if f not in known)


def _quick(base: Base, edits: Sequence[Edit]) -> Change:
    """Return what closures, waits and new checkpoints change."""
    network = base.network
    opens = [e for e in edits if isinstance(e, Open)]
    rows = {
        f"new-{i}": new_checkpoint(network, e.lon, e.lat, mode=e.mode, wait_min=e.wait_min, number=i)
        for i, e in enumerate(opens, 1)
    }
    names = {k: str(r["name"].iloc[0]) for k, r in rows.items()}

    def named(text: str) -> str:
        for (key, name), place in zip(names.items(), opens, strict=True):
            if text in (key, name) or parse_lonlat(text) == (place.lon, place.lat):
                return key
        return find_checkpoint(network.checkpoints, text)

    closed = [named(e.checkpoint) for e in edits if isinstance(e, Close)]
    waits = {named(e.checkpoint): float(e.wait_min) for e in edits if isinstance(e, Wait)}
    for wait in (e for e in edits if isinstance(e, Wait)):
        _refuse_wait(wait)
    any_home = base.standing.trees[base.standing.mode].overlay.home
    found = [find_opening(base.ground, r, any_home) for k, r in rows.items() if k not in closed]
    trees = {
        mode: change(
            t,
            closed=closed,
            waits={k: (w, w) for k, w in waits.items()},
            openings=[o for o in found if mode in (o.mode, "any")],
        )
        for mode, t in base.standing.trees.items()
    }
    fresh = [r for k, r in rows.items() if k not in closed]
    table = _table(network, fresh)
    table.loc[table["checkpoint_id"].isin(closed), "open"] = False
    new_waits = table["checkpoint_id"].map(waits)
    table["wait_min"] = new_waits.where(new_waits.notna(), table["wait_min"])
    notes = _notes(base, edits, found, named)
    opened = {o.checkpoint_id: o for o in found}
    places = tuple(
        {"checkpoint_id": k, "lon": o.lon, "lat": o.lat, "mode": o.mode, "joined": joined_words(base, opened[k]) if k in opened else "closed again"}
        for k, o in zip(rows, opens, strict=True)
    )  # fmt: skip
    # Without a border a new road alone changes anything.
    free = None if any(not o.crossings for o in found) else base.before.free
    return _compared(base, answer(base.standing, trees, table, free=free), notes, places, rebuilt=False)


def _refuse_wait(edit: Wait) -> None:
    """Refuse a wait that is negative, endless or no number."""
    try:
        usable_wait_min(edit.wait_min, f"a wait at {edit.checkpoint!r}")
    except LayerError as error:
        raise PlaceError(str(error)) from None


def _table(network: Network, fresh: Sequence[pd.DataFrame] = ()) -> pd.DataFrame:
    """Return the checkpoints, new ones among them, as an answer needs them."""
    columns = ["checkpoint_id", "name", "mode", "open", "wait_min"]
    return pd.concat([pd.DataFrame(t[columns]) for t in (network.checkpoints, *fresh)], ignore_index=True)


def joined_words(base: Base, opening: Opening) -> str:
    """Return what joins a new checkpoint to the network, in words."""
    if not opening.crossings:
        a, b = opening.connector_km["a"], opening.connector_km["b"]
        return f"by assumed roads of {a:.0f} km on side a and {b:.0f} km on side b, which the data lack"
    held = base.network.checkpoints
    taken = held["crossings"].str.split("|").map(lambda ids: bool(set(ids) & set(opening.crossings)))
    words = f"at a crossing of the network {opening.match_km:.1f} km away"
    if taken.any():
        words += f", that of {' and '.join(held.loc[taken, 'name'])}: what changes is the wait there, no road is new"
    return words


def _notes(base: Base, edits: Sequence[Edit], found: Sequence[Opening], named: Callable[[str], str]) -> list[str]:
    """Return a line on each edit."""
    opened, new = {o.checkpoint_id: o for o in found}, 0
    names = base.network.checkpoints.set_index("checkpoint_id")["name"]
    notes = []
    for edit in edits:
        if isinstance(edit, Open):
            new += 1
            o = opened.get(f"new-{new}")
            notes.append(
                f"opened {o.name}, {o.mode}, wait {o.wait_min:g} min, joined {joined_words(base, o)}"
                if o
                else f"new-{new}: opened and closed again"
            )
            continue
        if not isinstance(edit, Close | Wait):
            continue
        key = named(edit.checkpoint)
        if isinstance(edit, Wait):
            notes.append(f"wait at {names.get(key, key)} {edit.wait_min:g} min")
        elif key in names.index:
            notes.append(f"closed {names[key]}")
    return notes


def _compared(
    base: Base, after: Answer, notes: Sequence[str], places: tuple[dict[str, object], ...], *, rebuilt: bool
) -> Change:
    """Return the tables of two states side by side."""
    before = base.before
    regions = base.regions_before, _regions(base.regions, after)
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
    )


def _regions(regions: pd.DataFrame, state: Answer) -> pd.DataFrame:
    """Return the figures of the regions that touch the border."""
    # The networks that no closure changes are not asked for.
    homes = state.settlements.assign(potential_cross_open=np.nan, potential_domestic_actual=np.nan)
    return regions.join(population_access(homes, regions["region"]))


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
