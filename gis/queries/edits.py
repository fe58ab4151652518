"""Edits of a scenario: checkpoints opened and closed on a built network."""

from __future__ import annotations

from collections.abc import Sequence

from layers.checkpoints import find_checkpoint
from layers.settlements import parse_lonlat
from network.build import Network
from network.edits import add_checkpoints, new_checkpoint, set_open


def apply_edits(
    network: Network, opens: Sequence[tuple[float, float, str, float | None]], closes: Sequence[str]
) -> tuple[Network, list[str]]:
    """Return the network with checkpoints opened and closed, and a line on each edit.

    A new checkpoint that is closed again is never built: opening and closing the same thing changes nothing.
    """
    fresh = {
        f"new-{i}": new_checkpoint(network, lon, lat, mode=mode, wait_min=wait, number=i)
        for i, (lon, lat, mode, wait) in enumerate(opens, 1)
    }
    names = {key: str(row["name"].iloc[0]) for key, row in fresh.items()}
    shut, gone, edits = [], set(), []
    for text in closes:
        new = _new_id(text, opens, names)
        if new:
            gone.add(new)
            edits.append(f"{names[new]}: opened and closed again")
        else:
            shut.append(find_checkpoint(network.checkpoints, text))
            edits.append(f"closed {shut[-1]}")
    for key, row in fresh.items():
        if key not in gone:
            network = add_checkpoints(network, row)
            edits.append(_how_joined(network, key))
    return (set_open(network, shut, False) if shut else network), edits


def _how_joined(network: Network, checkpoint_id: str) -> str:
    """Return one line on a new checkpoint: its mode, its wait, and what joins it to the network."""
    row = network.checkpoints.set_index("checkpoint_id").loc[checkpoint_id]
    how = (
        f"at a crossing of the network {row['match_km']:.1f} km away"
        if row["joined_by"] == "crossing"
        else f"by connectors of {row['connector_a_km']:.0f} km on side a and {row['connector_b_km']:.0f} km on side b"
    )
    return f"opened {row['name']}, {row['mode']}, wait {row['wait_min']:g} min, joined {how}"


def _new_id(text: str, opens: Sequence[tuple[float, float, str, float | None]], names: dict[str, str]) -> str | None:
    """Return the id of a new checkpoint that `text` names by id, name or its coordinates."""
    pair = parse_lonlat(text)
    for (key, name), (lon, lat, _, _) in zip(names.items(), opens, strict=True):
        if text in (key, name) or pair == (lon, lat):
            return key
    return None
