"""What a new road checkpoint near a place would bring, tried by an edit of the network and not guessed from its surroundings."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import shapely

from layers.crs import WGS84, project
from layers.errors import PlaceError
from network.build import FIELDS
from network.edits import add_checkpoints, new_checkpoint
from network.routing import compile_router

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from network.build import Network

GAIN_MIN = 5.0
"""A settlement gains where its minutes to the nearest city across fall by more than this."""


def try_openings(
    network: Network, places: pd.DataFrame, *, city_people: float, wait_min: float | None = None
) -> pd.DataFrame:
    """Return what a road checkpoint at the point of the border line nearest to each place would change, one at a time.

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
    ``place``, ``lon`` and ``lat`` of the checkpoint, ``wait_min``, ``joined_by`` (crossing, connector; empty where it joins nothing),
    ``connector_a_km``, ``connector_b_km``, ``people_gaining`` (inhabitants of settlements whose minutes to the nearest city across fall by
    more than `GAIN_MIN`), ``gain_min`` (their mean), ``place_before_min`` and ``place_after_min`` (of the settlement nearest to the place),
    ``note``. Where the data have no road, nothing can be assessed: NaN, which is not "no change".
    """
    before = _minutes_across(network, city_people)
    spots = places[["place", "lon", "lat"]].itertuples(index=False)
    rows = [
        _try_one(network, str(p), float(x), float(y), before, city_people, wait_min) for p, x, y in spots
    ]  # a rebuild each
    return pd.DataFrame(rows)


def _try_one(
    network: Network,
    place: str,
    lon: float,
    lat: float,
    before: NDArray[np.float64],
    city_people: float,
    wait_min: float | None,
) -> dict[str, Any]:
    """Return the row of one place."""
    spot = project(shapely.Point(lon, lat), WGS84, network.crs)
    line = network.base.border.line
    at = project(shapely.get_point(shapely.shortest_line(line, spot), 0), network.crs, WGS84)
    row: dict[str, Any] = {
        "place": place, "lon": at.x, "lat": at.y, "wait_min": np.nan, "joined_by": "", "connector_a_km": np.nan,
        "connector_b_km": np.nan, "people_gaining": np.nan, "gain_min": np.nan, "place_before_min": np.nan,
        "place_after_min": np.nan, "note": "",
    }  # fmt: skip
    try:
        built = add_checkpoints(network, new_checkpoint(network, at.x, at.y, wait_min=wait_min))
    except PlaceError:
        return {**row, "note": "the data have no road there: it can't be assessed"}
    new = built.checkpoints[built.checkpoints["checkpoint_id"] == "new-1"].iloc[0]
    after = _minutes_across(built, city_people)
    people = network.settlements["population"].to_numpy(float)
    both = np.isfinite(before) & np.isfinite(after)
    gain = np.full(len(before), np.nan)
    gain[both] = before[both] - after[both]
    gains = np.nan_to_num(gain) > GAIN_MIN
    xy = shapely.get_coordinates(project(network.settlements.geometry.to_numpy(), WGS84, network.crs))
    near = int(np.linalg.norm(xy - shapely.get_coordinates(spot), axis=1).argmin())
    weight = people[gains].sum()
    shared = (
        new["joined_by"] == "crossing"
        and built.checkpoints["crossings"].str.split("|").map(lambda ids: new["crossings"] in ids).sum() > 1
    )
    return {
        **row,
        "wait_min": float(new["wait_min"]),
        "joined_by": str(new["joined_by"]),
        "connector_a_km": float(new["connector_a_km"]),
        "connector_b_km": float(new["connector_b_km"]),
        "people_gaining": float(weight),
        "gain_min": float((gain[gains] * people[gains]).sum() / weight) if weight > 0 else np.nan,
        "place_before_min": _known(before[near]),
        "place_after_min": _known(after[near]),
        "note": "at a crossing that has a checkpoint already: its wait is what changes" if shared else "",
    }


def _minutes_across(network: Network, city_people: float) -> NDArray[np.float64]:
    """Return minutes from each settlement to the nearest city of the other side, waits included; infinity where there is no way."""
    table = network.settlements
    router = compile_router(network, "road")
    side = table["side"].to_numpy(dtype=object)
    out = np.full(len(table), np.inf)
    for own, other in (("a", "b"), ("b", "a")):
        rows = np.flatnonzero(side == own)
        cities = np.flatnonzero((side == other) & (table["population"].to_numpy(float) >= city_people))
        if len(rows) and len(cities):
            node = table["node"].to_numpy(np.int64)
            known = rows[node[rows] >= 0]
            cities = cities[node[cities] >= 0]
            if len(known) and len(cities):
                out[known] = router.table(node[known], node[cities], FIELDS["actual"]).min(axis=1)
    return out


def _known(minutes: float) -> float:
    """Return minutes, NaN where there is no way."""
    return float(minutes) if np.isfinite(minutes) else np.nan
