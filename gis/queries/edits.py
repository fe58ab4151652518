"""Edits of a scenario: checkpoints opened, closed and re-timed on a built network.

The command line, studies and notebooks use the same small values.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import geopandas as gpd
import pandas as pd

from layers.checkpoints import find_checkpoint
from layers.crs import WGS84
from layers.settlements import parse_lonlat
from network.build import Network
from network.edits import add_checkpoints, new_checkpoint, set_open, set_wait


@dataclass(frozen=True)
class Open:
    """A new checkpoint at a place in degrees, with its wait in minutes (the assumed one of its mode where None)."""

    lon: float
    lat: float
    mode: str = "road"
    wait_min: float | None = None


@dataclass(frozen=True)
class Close:
    """A checkpoint closed, by name or id; ``new-1`` or the coordinates name a new one."""

    checkpoint: str


@dataclass(frozen=True)
class Wait:
    """Another wait in minutes at a checkpoint, by name or id, in both directions."""

    checkpoint: str
    wait_min: float


Edit = Open | Close | Wait


def apply_edits(network: Network, edits: Sequence[Edit]) -> tuple[Network, list[str]]:
    """Return the network with the edits made, and a line on each.

    A new checkpoint that is closed again is never built: opening and closing the same thing changes nothing. All new
    checkpoints are one rebuild.

    Raises
    ------
    PlaceError
        A name that no checkpoint has, a place that no checkpoint can have, a wait out of range.
    """
    opens = [e for e in edits if isinstance(e, Open)]
    fresh = {
        f"new-{i}": new_checkpoint(network, e.lon, e.lat, mode=e.mode, wait_min=e.wait_min, number=i)
        for i, e in enumerate(opens, 1)
    }
    names = {key: str(row["name"].iloc[0]) for key, row in fresh.items()}
    closed, undone, notes = [], set(), []
    for edit in edits:
        if not isinstance(edit, Close):
            continue
        new = _new_id(edit.checkpoint, opens, names)
        if new:
            undone.add(new)
            notes.append(f"{names[new]}: opened and closed again")
        else:
            closed.append(find_checkpoint(network.checkpoints, edit.checkpoint))
            notes.append(f"closed {closed[-1]}")
    built = [row for key, row in fresh.items() if key not in undone]
    if built:
        network = add_checkpoints(network, gpd.GeoDataFrame(pd.concat(built, ignore_index=True), crs=WGS84))
        notes += [_joined_note(network, key) for key in fresh if key not in undone]
    for edit in edits:
        if isinstance(edit, Wait):
            name = _new_id(edit.checkpoint, opens, names) or find_checkpoint(network.checkpoints, edit.checkpoint)
            network = set_wait(network, name, edit.wait_min)
            notes.append(f"wait at {name} {edit.wait_min:g} min")
    return (set_open(network, closed, False) if closed else network), notes


def _joined_note(network: Network, checkpoint_id: str) -> str:
    """Return one line on a new checkpoint: its mode, its wait, and what joins it to the network, assumed roads by their length."""
    row = network.checkpoints.set_index("checkpoint_id").loc[checkpoint_id]
    if row["joined_by"] == "crossing":
        held = network.checkpoints[network.checkpoints["checkpoint_id"] != checkpoint_id]
        taken = set(str(row["crossings"]).split("|"))
        others = [n for n, ids in zip(held["name"], held["crossings"], strict=True) if taken & set(str(ids).split("|"))]
        joined = f"at a crossing of the network {row['match_km']:.1f} km away"
        if others:
            joined += f", that of {' and '.join(others)}: what changes is the wait there, no road is new"
    else:
        joined = f"by assumed roads of {row['connector_a_km']:.0f} km on side a and {row['connector_b_km']:.0f} km on side b, which the data lack"
    return f"opened {row['name']}, {row['mode']}, wait {row['wait_min']:g} min, joined {joined}"


def _new_id(text: str, opens: Sequence[Open], names: dict[str, str]) -> str | None:
    """Return the id of a new checkpoint that `text` names by id, name or its coordinates."""
    pair = parse_lonlat(text)
    for (key, name), place in zip(names.items(), opens, strict=True):
        if text in (key, name) or pair == (place.lon, place.lat):
            return key
    return None
