"""New checkpoints of a click: their rows, what joins them to the network, and a line on each edit."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import shapely

from gis.queries.edit_checks import target_of
from gis.queries.edits import Close, Wait, closed_by
from gis.queries.new_posts import Open, joined_note, new_row
from layers.sides import SIDES
from network.edits import name_of_new
from network.spots import refuse_spot

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    import pandas as pd

    from gis.queries.edit_checks import Named
    from gis.queries.edits import Edit
    from network.build import Network
    from network.openings import Opening


def joins(network: Network, opening: Opening) -> dict[str, object]:
    """Return what joins a new checkpoint: a crossing of the data and whose it is, or kilometres of assumed roads."""
    if not opening.crossings:
        return {f"road_{s}_km": opening.connector_km[s] for s in SIDES}
    return {"match_km": opening.match_km, "of": _holders(network.checkpoints, opening.crossings)}


def joined_words(network: Network, opening: Opening) -> str:
    """Return what joins a new checkpoint to the network, in words."""
    if not opening.crossings:
        a, b = opening.connector_km["a"], opening.connector_km["b"]
        return f"by assumed roads of {a:.0f} km on side a and {b:.0f} km on side b, which the data lack"
    others = _holders(network.checkpoints, opening.crossings)
    words = f"at a crossing of the network {opening.match_km:.1f} km away"
    if others:
        words += f", that of {' and '.join(others)}: what changes is the wait there, no road is new"
    return words


def opened_places(network: Network) -> tuple[dict[str, object], ...]:
    """Return the new checkpoints of a network that was built with them."""
    table = network.checkpoints[network.checkpoints["checkpoint_id"].str.startswith("new-")]
    out: list[dict[str, object]] = []
    for row in table.itertuples():  # a handful
        place: dict[str, object] = {
            "checkpoint_id": row.checkpoint_id,
            "lon": row.geometry.x,
            "lat": row.geometry.y,
            "mode": row.mode,
            "joined": joined_note(network, str(row.checkpoint_id)).partition("joined ")[2],
        }
        if row.joined_by == "crossing":
            others = network.checkpoints[network.checkpoints["checkpoint_id"] != row.checkpoint_id]
            place |= {"match_km": float(row.match_km), "of": _holders(others, row.crossings)}
        else:
            place |= {"road_a_km": float(row.connector_a_km), "road_b_km": float(row.connector_b_km)}
        out.append(place)
    return tuple(out)


def notes_on(
    network: Network, edits: Sequence[Edit], found: Sequence[Opening], words: Mapping[str, str], named: Named
) -> list[str]:
    """Return a line on each edit."""
    opened, new = {o.checkpoint_id: o for o in found}, 0
    names = network.checkpoints.set_index("checkpoint_id")["name"]
    notes = []
    for edit in edits:
        if isinstance(edit, Open):
            new += 1
            key = f"new-{new}"
            o = opened.get(key)
            words_of_new = f"{o.mode}, wait {o.wait_min:g} min, joined {words[key]}" if o else ""
            notes.append(f"opened {o.name}, {words_of_new}" if o else f"{key}: opened and closed again")
        elif isinstance(edit, Wait):
            key = target_of(edit.checkpoint, network.checkpoints, named)
            to = "" if edit.direction == "both" else f" from side {edit.direction}"
            notes.append(f"wait at {names.get(key, key)} {edit.wait_min:g} min{to}")
        elif isinstance(edit, Close):
            notes += [f"closed {names[k]}" for k in closed_by(network, edit, named) if k in names.index]
    return notes


def _holders(checkpoints: pd.DataFrame, crossings: Iterable[str]) -> list[str]:
    """Return the names of the checkpoints that have some crossings."""
    taken = checkpoints["crossings"].map(lambda ids: bool(set(ids) & set(crossings)))
    return [str(name) for name in checkpoints.loc[taken, "name"]]


def row_of(network: Network, kept: dict[Any, Any], edit: Open, number: int) -> gpd.GeoDataFrame:
    """Return the row of a new checkpoint, kept by its place: a slider moves its wait alone, and a drag its place.

    Parameters
    ----------
    kept
        Rows by what was asked.

    Raises
    ------
    PlaceError
        The place is far from the border line or in the water, or no crossing has the id.
    """
    truck = network.base.vehicle == "truck" and edit.wait_truck_min is not None
    given = edit.wait_truck_min if truck else edit.wait_min
    key = ("row", number, without_waits(edit), given is None)
    row = kept.get(key)
    if row is None:
        row = kept[key] = _checked_row(network, kept, edit, number, given is None)
    return row if given is None else row.assign(wait_min=float(given), control_wait_min=float(given))


def _checked_row(network: Network, kept: dict[Any, Any], edit: Open, number: int, assumed: bool) -> gpd.GeoDataFrame:
    """Return the row of a new checkpoint: but for place and name the same everywhere, and checked once."""
    if edit.crossing:
        return new_row(network, edit, number)
    key = ("row anywhere", number, replace(without_waits(edit), lon=0.0, lat=0.0, name=""), assumed)
    pattern = kept.get(key)
    if pattern is None:
        pattern = kept[key] = new_row(network, edit, number)
    refuse_spot(network, edit.lon, edit.lat)
    spot = gpd.GeoSeries([shapely.Point(edit.lon, edit.lat)], index=pattern.index, crs=pattern.crs)
    return pattern.assign(name=edit.name or name_of_new(number, edit.lon, edit.lat), geometry=spot)


def without_waits(edit: Open) -> Open:
    """Return a new checkpoint without its waits."""
    return replace(edit, wait_min=None, wait_truck_min=None, wait_back_min=None)
