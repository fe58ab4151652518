"""What a new road checkpoint near a place would bring, tried as `scenario` and the page try one."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import shapely

from layers.crs import WGS84, project
from layers.errors import PlaceError
from network.changes import change, grow_trees
from network.edits import new_checkpoint
from network.openings import find_opening, joinable_of, opening_at_crossing, roads_near
from network.points import Points
from network.routing import compile_router

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from network.build import Network
    from network.changes import Trees
    from network.openings import Joinable, Opening

GAIN_MIN = 5.0
"""A settlement gains where its minutes to the nearest city across fall by more than this."""
NO_ROAD = "the data have no road there: it can't be assessed"
SHARED = "at a crossing that has a checkpoint already: its wait is what changes"


def try_openings(
    network: Network, places: pd.DataFrame, *, city_people: float, wait_min: float | None = None
) -> pd.DataFrame:
    """Return what a road checkpoint at the point of the border line nearest to each place would change, one at a time.

    Roads at home do not change with a checkpoint: trees are grown once (`network.changes`), and the answer is that of a
    network built with it.

    Parameters
    ----------
    places
        With ``place``, ``lon`` and ``lat``.
    city_people
        Cities across are settlements of at least so many people.
    wait_min
        Minutes of wait at the new checkpoint; the assumed wait of its kind where None.

    Returns
    -------
    ``place``, ``lon`` and ``lat`` of the checkpoint, ``wait_min``, ``joined_by`` (crossing, connector; empty where it
    joins nothing), ``connector_a_km``, ``connector_b_km``, ``people_gaining`` (inhabitants of settlements whose minutes
    to the nearest city across fall by more than `GAIN_MIN`), ``gain_min`` (their mean), ``place_before_min`` and
    ``place_after_min`` (of the settlement nearest to the place), ``note``. Where the data have no road, nothing can be
    assessed: NaN, which is not "no change".
    """
    spots = np.asarray(
        project(shapely.points(places[["lon", "lat"]].to_numpy(float)), WGS84, network.crs), dtype=object
    )
    on_line = shapely.get_point(shapely.shortest_line(network.base.border.line, spots), 0)
    lonlat = shapely.get_coordinates(project(on_line, network.crs, WGS84))
    near = roads_near(network, lonlat)
    tries = _Tries(network, city_people, wait_min, [tuple(at) for at in lonlat[near].tolist()])
    rows = [
        {"place": str(place), "lon": lon, "lat": lat, **tries.result((lon, lat), spot if some else None)}
        for place, lon, lat, spot, some in zip(places["place"], *lonlat.T.tolist(), spots, near, strict=True)
    ]  # a handful, and sums over posts at each
    return pd.DataFrame(rows)


@dataclass(frozen=True)
class _Tries:
    """A network, where checkpoints are tried on it, and what all tries share, made when the first needs it."""

    network: Network
    city_people: float
    wait_min: float | None
    spots: list[tuple[float, float]]

    @cached_property
    def standing(self) -> dict[tuple[float, float], Opening | None]:
        """Checkpoints at a crossing of the data, None for those that are left to connectors.

        One that can join nothing is not among them.
        """
        out = {}
        for spot in self.spots:  # a handful
            with suppress(PlaceError):
                row = new_checkpoint(self.network, *spot, wait_min=self.wait_min)
                out[spot] = opening_at_crossing(self.network, row)
        return out

    @cached_property
    def joinable(self) -> Joinable:
        """What checkpoints on connectors join."""
        return joinable_of(self.network)

    @cached_property
    def trees(self) -> Trees:
        """Minutes at home between settlements and the ends of the crossings by road that are open or tried."""
        network, router = self.network, compile_router(self.network, "road")
        node = network.settlements["node"].to_numpy(np.int64)
        side = network.settlements["side"].to_numpy(dtype=object)
        tried = {crossing for found in self.standing.values() if found for crossing in found.crossings}
        points = Points.at_nodes(router.positions(node), side)
        return grow_trees(network, "road", router, points, node, crossings=tried)

    @cached_property
    def before(self) -> NDArray[np.float64]:
        """Minutes from each settlement to the nearest city across as the border stands."""
        return self.to_city(self.trees)

    def to_city(self, trees: Trees) -> NDArray[np.float64]:
        """Return minutes from each settlement to the nearest city of the other side, waits included.

        Infinity where there is no way.
        """
        table = self.network.settlements
        side = table["side"].to_numpy(dtype=object)
        city = (table["population"].to_numpy(float) >= self.city_people) & (table["node"].to_numpy(np.int64) >= 0)
        out = np.full(len(table), np.inf)
        for own, other in (("a", "b"), ("b", "a")):
            out[side == own] = trees.to_nearest(np.flatnonzero(city & (side == other)))[side == own]
        return out

    def opening(self, lonlat: tuple[float, float]) -> Opening:
        """Return where a new checkpoint joins; PlaceError where it joins nothing."""
        row = new_checkpoint(self.network, *lonlat, wait_min=self.wait_min)
        return self.standing[lonlat] or find_opening(self.joinable, row, self.trees.overlay.home)

    def result(self, lonlat: tuple[float, float], spot: shapely.Point | None) -> dict[str, Any]:
        """Return what a checkpoint would change, seen from a place in the projection; None where no roads are near."""
        nothing: dict[str, Any] = {
            "wait_min": np.nan,
            "joined_by": "",
            "connector_a_km": np.nan,
            "connector_b_km": np.nan,
            "people_gaining": np.nan,
            "gain_min": np.nan,
            "place_before_min": np.nan,
            "place_after_min": np.nan,
            "note": NO_ROAD,
        }
        if spot is None or lonlat not in self.standing:
            return nothing
        try:
            opening = self.opening(lonlat)
        except PlaceError:
            return nothing
        after = self.to_city(change(self.trees, openings=[opening]))
        people = self.network.settlements["population"].to_numpy(float)
        both = np.isfinite(self.before) & np.isfinite(after)
        gain = np.zeros(len(after))
        gain[both] = self.before[both] - after[both]
        gains = gain > GAIN_MIN
        weight = people[gains].sum()
        xy = shapely.get_coordinates(project(self.network.settlements.geometry.to_numpy(), WGS84, self.network.crs))
        near = int(np.linalg.norm(xy - shapely.get_coordinates(spot), axis=1).argmin())
        held = self.network.checkpoints["crossings"].explode()
        return {
            "wait_min": opening.wait_min,
            "joined_by": "crossing" if opening.crossings else "connector",
            "connector_a_km": opening.connector_km.get("a", np.nan),
            "connector_b_km": opening.connector_km.get("b", np.nan),
            "people_gaining": float(weight),
            "gain_min": float((gain[gains] * people[gains]).sum() / weight) if weight > 0 else np.nan,
            "place_before_min": _known(self.before[near]),
            "place_after_min": _known(after[near]),
            "note": SHARED if held.isin(opening.crossings).any() else "",
        }


def _known(minutes: float) -> float:
    """Return minutes, NaN where there is no way."""
    return float(minutes) if np.isfinite(minutes) else np.nan
