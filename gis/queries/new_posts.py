"""A new checkpoint: the edit that opens it, its row, and what it is joined to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import geopandas as gpd

from layers.errors import PlaceError
from network.edits import new_checkpoint
from network.speeds import KNOWN_KPH

if TYPE_CHECKING:
    from network.build import Network


NAN = float("nan")


@dataclass(frozen=True)
class Open:
    """A new checkpoint at a place in degrees, or at a crossing of the data by its id.

    ``wait_min`` at the control (the assumed one of its mode where None), ``wait_truck_min`` where the study's vehicle
    is a truck, ``wait_back_min`` from side b to side a where that differs. ``at``: ``crossing`` (of the data, else an
    error), ``new road`` (an access road of its own on both sides, ``road_kph`` or the speed of ``road_class``), or
    nothing: the nearest crossing within reach, else assumed roads.
    """

    lon: float = NAN
    lat: float = NAN
    mode: str = "road"
    wait_min: float | None = None
    wait_truck_min: float | None = None
    wait_back_min: float | None = None
    hours: str = "24/7"
    capacity_per_day: float | None = None
    regime: str = "multilateral"
    at: str = ""
    road_class: str = ""
    road_kph: float | None = None
    crossing: str = ""
    name: str = ""


def new_row(network: Network, edit: Open, number: int) -> gpd.GeoDataFrame:
    """Return the row of a new checkpoint."""
    lon, lat = edit.lon, edit.lat
    if edit.crossing:
        known = network.crossings.set_index("crossing_id")
        if edit.crossing not in known.index:
            raise PlaceError(
                f"no crossing is called {edit.crossing!r}: allowed are "
                f"{', '.join(known.index) or 'none, for the data have none'}"
            )
        spot = known.loc[edit.crossing]
        if spot["mode"] != edit.mode:
            raise PlaceError(
                f"crossing {edit.crossing!r} is one by {spot['mode']}: allowed is a checkpoint by {spot['mode']}"
            )
        lon, lat = float(spot.geometry.x), float(spot.geometry.y)
    wait = edit.wait_truck_min if network.base.vehicle == "truck" and edit.wait_truck_min is not None else edit.wait_min
    kph = edit.road_kph if edit.road_kph is not None else KNOWN_KPH.get(edit.road_class)
    return new_checkpoint(
        network,
        lon,
        lat,
        mode=edit.mode,
        wait_min=wait,
        number=number,
        hours=edit.hours,
        regime=edit.regime,
        capacity_per_day=edit.capacity_per_day,
        own_road=edit.at == "new road",
        road_kph=kph,
        name=edit.name,
    )


def joined_note(network: Network, checkpoint_id: str) -> str:
    """Return one line on a new checkpoint.

    Its mode, its wait, and what joins it to the network, missing roads by their length.
    """
    row = network.checkpoints.set_index("checkpoint_id").loc[checkpoint_id]
    if row["joined_by"] == "crossing":
        held = network.checkpoints[network.checkpoints["checkpoint_id"] != checkpoint_id]
        taken = set(row["crossings"])
        others = [n for n, ids in zip(held["name"], held["crossings"], strict=True) if taken & set(ids)]
        joined = f"at a crossing of the network {row['match_km']:.1f} km away"
        if others:
            joined += f", that of {' and '.join(others)}: what changes is the wait there, no road is new"
            joined += ' (at = "new road" builds one)' if row["mode"] == "road" else ""
    else:
        joined = (
            f"by assumed roads of {row['connector_a_km']:.0f} km on side a and {row['connector_b_km']:.0f} km on "
            "side b, which the data lack"
        )
    return f"opened {row['name']}, {row['mode']}, wait {row['wait_min']:g} min, joined {joined}"
