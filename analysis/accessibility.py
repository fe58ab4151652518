"""Accessibility: minutes to the nearest checkpoint, potentials in three networks, border loss by detour and by delay.

Trees grow backwards from the targets (settlements, posts), never from the many cells: one tree serves every origin.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from layers.errors import NetworkError
from network.build import FIELDS, NETWORKS, Network
from network.routing import Points, Router, at_points

if TYPE_CHECKING:
    from numpy.typing import NDArray

HALF_LIFE_MIN = 120.0
"""Decay of the potential: people two hours away count half. ESPON and Rosik et al. use 20 min for short and 120 min for long trips."""


@dataclass(frozen=True)
class Targets:
    """Settlements that draw trips: network node, side and people of each."""

    node: NDArray[np.int64]
    side: NDArray[np.object_]
    people: NDArray[np.float64]

    @classmethod
    def of(cls, network: Network, router: Router) -> Targets:
        """Return the settlements with a known population that the router reaches."""
        table = network.settlements
        use = (table["population"] > 0).to_numpy() & (router.positions(table["node"].to_numpy()) >= 0)
        return cls(
            table["node"].to_numpy(np.int64)[use],
            table["side"].to_numpy(dtype=object)[use],
            table["population"].to_numpy(float)[use],
        )


def decay(minutes: NDArray[np.float64], half_life_min: float = HALF_LIFE_MIN) -> NDArray[np.float64]:
    """Return e^(−βt) with β = ln 2 / half-life; 0 for infinity.

    Examples
    --------
    >>> decay(np.array([0.0, 120.0, np.inf])).tolist()
    [1.0, 0.5, 0.0]
    """
    if not half_life_min > 0:
        raise NetworkError(f"a half-life of {half_life_min:g} min: allowed is more than 0")
    return np.exp2(-np.asarray(minutes, float) / half_life_min)


def travel_times(
    router: Router, points: Points, targets: Targets, *, domestic_wait: bool = False
) -> dict[str, NDArray[np.float64]]:
    """Return minutes from points to settlements on each of the three networks, shape (points, settlements).

    Infinity where there is no way.

    Parameters
    ----------
    domestic_wait
        Charge waits to a trip between two places of one side that passes through the neighbour. The rule is no: a
        wait belongs to trips that end on the other side (trains pass in transit without control).
    """
    table = {name: router.point_table(points, targets.node, FIELDS[name]) for name in NETWORKS}
    if not domestic_wait:
        home = points.side[:, None] == targets.side[None]
        table["actual"] = np.where(home, table["open"], table["actual"])
    return table


def potentials(
    router: Router,
    points: Points,
    targets: Targets,
    *,
    half_life_min: float = HALF_LIFE_MIN,
    domestic_wait: bool = False,
) -> pd.DataFrame:
    """Return each point's potential at home and across the border, and what the border costs it.

    The potential is Hansen's A = Σ P·e^(−βt) in person-equivalents, over settlements of the own country
    (``potential_domestic_<network>``) and of the other (``potential_cross_<network>``).

    Returns
    -------
    Per point, NaN where it joins nothing: the six potentials; ``border_loss`` = 1 − A(actual)/A(borderless) across
    the border, which is the sum of ``loss_detour`` = 1 − A(open)/A(borderless) and ``loss_delay`` = (A(open) −
    A(actual))/A(borderless); ``lost_potential`` = A(borderless) − A(actual) in person-equivalents; ``cross_ratio`` =
    A(actual) across the border over the potential at home.
    """
    table: dict[str, NDArray[np.float64]] = {}
    home = points.side[:, None] == targets.side[None]
    for name, minutes in travel_times(router, points, targets, domestic_wait=domestic_wait).items():
        pull = decay(minutes, half_life_min) * targets.people
        for what, mask in (("domestic", home), ("cross", ~home)):
            table[f"potential_{what}_{name}"] = np.where(points.joined, (pull * mask).sum(axis=1), np.nan)
    frame = pd.DataFrame(table)
    free, allowed, real = (frame[f"potential_cross_{n}"].where(frame[f"potential_cross_{n}"] > 0) for n in NETWORKS)
    allowed, real = allowed.where(free.isna(), allowed.fillna(0.0)), real.where(free.isna(), real.fillna(0.0))
    frame["border_loss"] = 1 - real / free
    frame["loss_detour"] = 1 - allowed / free
    frame["loss_delay"] = (allowed - real) / free
    frame["lost_potential"] = frame["potential_cross_borderless"] - frame["potential_cross_actual"]
    home_potential = frame["potential_domestic_actual"]
    frame["cross_ratio"] = frame["potential_cross_actual"] / home_potential.where(home_potential > 0)
    return frame


def posts(network: Network, router: Router, *, only_open: bool = True) -> pd.DataFrame:
    """Return the posts of checkpoints that the router reaches: ``checkpoint_id``, ``side``, ``node``, one row per post."""
    gates = network.links[(network.links["kind"] == "gate")]
    if only_open:
        gates = gates[gates["passable"].astype(bool)]
    table = gates[["checkpoint_id", "u"]].rename(columns={"u": "node"}).drop_duplicates()
    table["side"] = network.nodes["side"].to_numpy(dtype=object)[table["node"].to_numpy()]
    table = table[router.positions(table["node"].to_numpy()) >= 0]
    return table.sort_values(["checkpoint_id", "side", "node"]).reset_index(drop=True)


def nearest_checkpoint(network: Network, router: Router) -> tuple[NDArray[np.float64], NDArray[np.object_]]:
    """Return for each position of the router the minutes to the nearest open checkpoint's post on its own side, and which.

    No wait is in it: the trip ends before the control. Infinity and an empty id where there is none.
    """
    table = posts(network, router)
    minutes = np.full(len(router.nodes), np.inf)
    which = np.full(len(router.nodes), "", dtype=object)
    for side in ("a", "b"):
        own = table[table["side"] == side]
        cost, source = router.nearest(own["node"].to_numpy(), FIELDS["open"])
        here = router.side == side
        minutes[here] = cost[here]
        which[here] = np.append(own["checkpoint_id"].to_numpy(dtype=object), "")[source][here]
    return minutes, which


def time_to_checkpoint(network: Network, router: Router, points: Points) -> pd.DataFrame:
    """Return per point ``time_to_checkpoint_min`` and ``nearest_checkpoint``; NaN and empty where none is reached."""
    minutes, which = nearest_checkpoint(network, router)
    cost = at_points(points, minutes[None])[:, 0]
    u, v = np.maximum(points.u, 0), np.maximum(points.v, 0)
    by_u = minutes[u] + points.to_u <= minutes[v] + points.to_v
    reached = np.isfinite(cost)
    return pd.DataFrame(
        {
            "time_to_checkpoint_min": np.where(reached, cost, np.nan),
            "nearest_checkpoint": np.where(reached, np.where(by_u, which[u], which[v]), ""),
        }
    )


def settlement_times(network: Network, router: Router) -> pd.DataFrame:
    """Return the same for the settlements of the network, in their order."""
    minutes, which = nearest_checkpoint(network, router)
    at = router.positions(network.settlements["node"].to_numpy())
    cost = np.where(at >= 0, minutes[np.maximum(at, 0)], np.inf)
    reached = np.isfinite(cost)
    return pd.DataFrame(
        {
            "time_to_checkpoint_min": np.where(reached, cost, np.nan),
            "nearest_checkpoint": np.where(reached, which[np.maximum(at, 0)], ""),
        }
    )


def touches_frame(
    network: Network, router: Router, points: Points, frame_nodes: NDArray[np.bool_]
) -> NDArray[np.bool_]:
    """Return which points' way to the nearest checkpoint runs by the frame of the loaded network, and may so be too long.

    Parameters
    ----------
    frame_nodes
        Per network node: it lies at the edge of the belt that was loaded.
    """
    minutes, _ = nearest_checkpoint(network, router)
    whole = at_points(points, minutes[None])[:, 0]
    table = posts(network, router)
    inner = np.full(len(router.nodes), np.inf)
    links = network.links
    cut = frame_nodes[links["u"].to_numpy()] | frame_nodes[links["v"].to_numpy()]
    from dataclasses import replace

    from network.routing import compile_router

    rest = compile_router(replace(network, links=links[~cut].reset_index(drop=True)), router.mode)
    for side in ("a", "b"):
        cost, _ = rest.nearest(table.loc[table["side"] == side, "node"].to_numpy(), FIELDS["open"])
        at = router.positions(rest.nodes)
        here = rest.side == side
        inner[at[here]] = cost[here]
    within = at_points(points, inner[None])[:, 0]
    return np.asarray(np.isfinite(whole) & ~np.isclose(whole, within), bool)
