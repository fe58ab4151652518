"""Which roads a vehicle may pass, and in which season: what is shut is absent, not expensive."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from layers.errors import NetworkError
from layers.osm.limits import VEHICLES

if TYPE_CHECKING:
    import geopandas as gpd

IMPASSABLE = "impassable"


def usable_roads(
    roads: gpd.GeoDataFrame, *, vehicle: str = "car", winter: bool = False
) -> tuple[gpd.GeoDataFrame, gpd.GeoDataFrame, dict[str, int]]:
    """Return the roads that a vehicle may and can pass, those that are shut, and how many these are, by reason.

    Parameters
    ----------
    roads
        Layer ``roads``; columns that it lacks forbid nothing.
    vehicle
        ``car`` or ``truck``: roads whose column of that name is false are closed to it.
    winter
        Ice roads and winter roads (``season`` winter) are there in winter alone, those of ``summer`` in all else.

    Returns
    -------
    The two parts of the layer, with ``through`` (whether this vehicle may pass, or only end there); and the counts
    ``roads_closed_to_<vehicle>s``, ``roads_impassable`` (``smoothness``) and ``roads_out_of_season``, those that are
    not 0.

    Notes
    -----
    A road that is open at ``some`` unknown time of the year (``seasonal=yes``) is relied on in no season: an
    assumption.

    Raises
    ------
    NetworkError
        Another vehicle.
    """
    if vehicle not in VEHICLES:
        raise NetworkError(f"vehicle {vehicle!r}: allowed is {' or '.join(VEHICLES)}")
    if "no_through" in roads and (roads["no_through"] != "").any():
        roads = roads.assign(
            through=~roads["no_through"].astype(str).str.split("|").map(lambda names: vehicle in names)
        )
    closed = {}
    if vehicle in roads:
        closed[f"roads_closed_to_{vehicle}s"] = ~roads[vehicle].to_numpy(bool)
    if "smoothness" in roads:
        closed["roads_impassable"] = (roads["smoothness"] == IMPASSABLE).to_numpy(bool)
    if "season" in roads:
        open_now = ("", "winter") if winter else ("", "summer")
        closed["roads_out_of_season"] = ~roads["season"].isin(open_now).to_numpy(bool)
    counts = {reason: int(rows.sum()) for reason, rows in closed.items() if rows.any()}
    if not counts:
        return roads, roads.iloc[:0], {}
    out = np.logical_or.reduce(list(closed.values()))
    return roads[~out].reset_index(drop=True), roads[out].reset_index(drop=True), counts
