"""Where a new checkpoint may stand: near the line, and on land where the water is known."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import shapely

from layers.crs import WGS84, project
from layers.errors import PlaceError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from network.build import Network

FAR_KM = 60.0
"""A new checkpoint further from the border line than this is taken for a mistake."""
WET_M = 500.0
"""So far from the shore a place in the water is one at a bridge still.

A border that follows a river has its line in the middle of it. An assumption.
"""
BRIDGE_M = 1000.0
"""A crossing of the data this near is a road or a railway over the water: a causeway, a bridge."""


def offshore_m(network: Network, lonlat: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return how far out in the network's water places stand, shape (n, 2).

    Returns
    -------
    Metres from the shore; 0 on land, by a crossing of the data, where no water is known, and up to `WET_M`.
    """
    border = network.base.border
    points = np.asarray(project(shapely.points(np.asarray(lonlat, float)), WGS84, network.crs), dtype=object)
    away = border.ashore_m(points)
    out: NDArray[np.float64] = np.where(away > WET_M, away, 0.0)
    some = np.flatnonzero(out)
    if len(some) and len(network.crossings):
        ways = project(network.crossings.geometry.to_numpy(), WGS84, network.crs)
        near = shapely.STRtree(ways).query(points[some], predicate="dwithin", distance=BRIDGE_M)[0]
        out[some[near]] = 0.0
    return out


def refuse_spot(network: Network, lon: float, lat: float) -> None:
    """Raise where no new checkpoint can stand.

    Raises
    ------
    PlaceError
        Too far from the border line, or in the water.
    """
    point = project(shapely.Point(lon, lat), WGS84, network.crs)
    km = float(shapely.distance(point, network.base.border.line)) / 1000
    if not km <= FAR_KM:
        raise PlaceError(
            f"a new checkpoint at {lon:g},{lat:g} would stand {km:,.0f} km from the border line: allowed is "
            f"lon,lat within {FAR_KM:g} km of it"
        )
    out = float(offshore_m(network, np.array([[lon, lat]]))[0]) / 1000
    if out:
        raise PlaceError(
            f"a new checkpoint at {lon:g},{lat:g} would stand in the water, {out:,.2f} km from the shore: allowed is "
            f"a place on land, or in water within {WET_M / 1000:g} km of the shore, or by a road or railway over it"
        )
