"""The ways by road of the pairs of places with most trips across, whose speeds and costs stand for all.

An edit that makes no link cheaper leaves a way that it does not touch the shortest: only the others are sought again.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from layers.keeping import kept_as
from network.build import FIELDS
from network.routing import compile_router

if TYPE_CHECKING:
    from collections.abc import Collection

    from numpy.typing import NDArray

    from analysis.planning.effects import Standing
    from network.build import Network

PAIRS = 30
"""Pairs of places with most trips whose ways are measured for speeds and costs."""
_FIELD = FIELDS["actual"]
_Pair = tuple[int, int]


@dataclass(frozen=True)
class BusiestWays:
    """Ways of some pairs, by their rows in side a and side b.

    Attributes
    ----------
    rows
        Rows of the links of each way, those with most trips first; None where the roads have no way.
    weight
        Trips of each pair, in a unit of their own.
    """

    network: Network
    rows: dict[_Pair, NDArray[np.int64] | None]
    weight: dict[_Pair, float]

    def still_in(self, network: Network) -> dict[_Pair, NDArray[np.int64] | None]:
        """Return the ways that are the shortest on another network too, as far as that is sure without a search."""
        old, new = (n.links[_FIELD].to_numpy(float) for n in (self.network, network))
        if network.ground is not self.network.ground or (new < old).any():
            return {}
        return {pair: way for pair, way in self.rows.items() if way is None or np.array_equal(old[way], new[way])}


def busiest_ways(network: Network, state: Standing, *, like: BusiestWays | None = None) -> BusiestWays:
    """Return the ways by road of the pairs with most trips in a state.

    Parameters
    ----------
    like
        Those of another state, which are taken where they are the shortest still.
    """
    trips = state.across.people_a[:, None] * state.across.people_b[None] * np.exp2(-state.minutes / 120.0)
    order = np.argsort(-trips, axis=None, kind="stable")[:PAIRS]
    order = order[trips.ravel()[order] > 0]
    i, j = (part.tolist() for part in np.unravel_index(order, trips.shape))
    pairs: list[_Pair] = list(zip(i, j, strict=True))
    known = {} if like is None else like.still_in(network)
    node = network.settlements["node"].to_numpy(np.int64)
    a, b = node[state.across.a], node[state.across.b]
    ends = {(i, j): (int(a[i]), int(b[j]), float(state.minutes[i, j])) for i, j in pairs if (i, j) not in known}
    if like is None:
        costs = network.links[_FIELD].to_numpy(float)
        found = kept_as(
            "busiest", [network.ground, costs, list(ends.values())], lambda: _sought(network, ends.values())
        )
    else:
        found = _sought(network, ends.values())
    known |= dict(zip(ends, found, strict=True))
    return BusiestWays(network, {pair: known[pair] for pair in pairs}, {(i, j): float(trips[i, j]) for i, j in pairs})


def _sought(network: Network, ends: Collection[tuple[int, int, float]]) -> list[NDArray[np.int64] | None]:
    """Return the shortest ways between nodes, None where there is none, of which about so many minutes are known."""
    if not ends:
        return []
    router = compile_router(network, "road")
    out: list[NDArray[np.int64] | None] = []
    for origin, target, minutes in ends:  # thirty ways
        # Minutes are the mean of there and back by the faster mode: by road it may take longer, which is rare.
        way = router.path(origin, target, _FIELD, limit=2 * minutes) or router.path(origin, target, _FIELD)
        out.append(None if way is None else way.links)
    return out
