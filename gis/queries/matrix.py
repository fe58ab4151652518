"""All pairs between two lists of places: minutes, waits, kilometres and the checkpoints on the way."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from gis.queries.route import check_options, join_named
from layers.settlements import Place, find_place
from network.build import DOMESTIC, FIELDS, NETWORKS, Network
from network.costs import blocks
from network.modes import MODES
from network.routing import Router, compile_router
from network.ways import Ways, ways_between

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from gis.inputs import Prepared


def minutes_between(
    network: Network,
    prepared: Prepared,
    origins: Sequence[str | Place],
    targets: Sequence[str | Place],
    *,
    mode: str = "road",
    field: str = "actual",
) -> pd.DataFrame:
    """Return the quickest way of every pair of places.

    Parameters
    ----------
    origins, targets
        Settlements by any of their names, ``lon,lat``, or places that are found already.
    mode, field
        See `network.routing.MODES` and `network.build.NETWORKS`.

    Returns
    -------
    A row per pair: ``origin``, ``destination``, ``minutes`` (wait included), ``wait_min``, ``length_m``,
    ``checkpoints`` (ids in order, between ``|``). NaN and empty where there is no way.

    Raises
    ------
    PlaceError
        A place is unknown, ambiguous or off the two sides; or an option is unknown.
    """
    check_options(mode=(mode, MODES), network=(field, NETWORKS))
    lists = [
        [t if isinstance(t, Place) else find_place(network.settlements, t) for t in one] for one in (origins, targets)
    ]
    places = list(dict.fromkeys([*lists[0], *lists[1]]))
    joined, nodes, sides = join_named(network, prepared, places)
    router = compile_router(joined, mode)
    side = dict(zip(places, sides, strict=True))
    node = dict(zip(places, nodes, strict=True))
    origin, target = (np.array([node[place] for place in one], np.int64) for one in lists)
    ways = ways_between(router, origin, target, FIELDS[field])
    if field == "actual":
        one, other = (np.array([side[place] for place in places], dtype=object) for places in lists)
        _charge_trips_home(router, origin, target, ways, one[:, None] == other)
    labels = [[place.label for place in one] for one in lists]
    return pd.DataFrame(
        {
            "origin": np.repeat(np.array(labels[0], dtype=object), len(labels[1])),
            "destination": np.tile(np.array(labels[1], dtype=object), len(labels[0])),
            "minutes": ways.minutes.ravel(),
            "wait_min": ways.wait_min.ravel(),
            "length_m": ways.length_m.ravel(),
            "checkpoints": ways.checkpoints.ravel(),
        }
    )


def _charge_trips_home(
    router: Router,
    origins: NDArray[np.int64],
    targets: NDArray[np.int64],
    ways: Ways,
    home: NDArray[np.bool_],
) -> None:
    """Put ways between places of one side as trips home are charged, see `network.domestic`, in their place."""
    for rows in blocks(*home.shape):
        cost = router.table(origins[rows], targets, DOMESTIC)
        differ = home[rows] & np.isfinite(cost) & ~np.isclose(cost, ways.minutes[rows], rtol=1e-9, atol=1e-9)
        for i, j in np.argwhere(differ).tolist():  # ways home through the neighbour: few
            k, path = rows.start + i, router.path(int(origins[rows][i]), int(targets[j]), DOMESTIC)
            if path is not None:
                ways.minutes[k, j], ways.wait_min[k, j] = cost[i, j], path.wait_min
                ways.length_m[k, j], ways.checkpoints[k, j] = path.length_m, "|".join(path.checkpoints)
