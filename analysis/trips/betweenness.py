"""Betweenness with demand: which links, nodes and checkpoints carry the trips between given places."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from analysis.trips.over_gates import betweenness_across
from layers.errors import NetworkError
from network.build import FIELDS, NETWORKS
from network.routing import arcs_table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from network.routing import Router


@dataclass(frozen=True)
class Carried:
    """What each part of a network carries of the trips between places; `carry` makes it.

    Attributes
    ----------
    arcs
        Per entry of the router's matrix: trips over it, in its direction.
    through
        Per position of the router: trips that pass it and neither begin nor end there.
    served, asked
        Trips that found a way, and all that were asked for.
    """

    router: Router
    network: str
    arcs: NDArray[np.float64]
    through: NDArray[np.float64]
    served: float
    wanted: float


def carry(
    router: Router,
    origins: NDArray[np.int64] | Sequence[int],
    targets: NDArray[np.int64] | Sequence[int],
    trips: NDArray[np.float64] | None = None,
    *,
    network: str = "actual",
) -> Carried:
    """Send trips between network nodes over all their shortest paths.

    C(e) = Σ_s Σ_t F_st · σ_st(e) / σ_st, where σ_st is the number of shortest paths and σ_st(e) of those over e
    (Freeman 1977; Brandes 2001, 2008). Its unit is that of the trips.

    Parameters
    ----------
    origins, targets
        k and m network nodes; a node may be named twice.
    trips
        Shape (k, m), zero or more; 1 for every pair without it.
    network
        ``borderless``, ``open`` or ``actual``.

    Raises
    ------
    NetworkError
        An unknown network, or trips of another shape, negative or not finite.

    Examples
    --------
    >>> demand = model_demand(network)  # doctest: +SKIP
    >>> node = network.settlements["node"].to_numpy()  # doctest: +SKIP
    >>> flow = carry(router, node[demand.a], node[demand.b], demand.trips)  # doctest: +SKIP
    >>> checkpoint_betweenness(flow)  # doctest: +SKIP
    """
    if network not in NETWORKS:
        raise NetworkError(f"network {network!r} is unknown: allowed are {', '.join(NETWORKS)}")
    a, b = router.positions(origins), router.positions(targets)
    demand = np.ones((len(a), len(b))) if trips is None else np.asarray(trips, float)
    if demand.shape != (len(a), len(b)):
        raise NetworkError(
            f"trips of shape {demand.shape} for {len(a)} origins and {len(b)} targets: allowed is ({len(a)}, {len(b)})"
        )
    known = demand[np.ix_(a >= 0, b >= 0)]
    if not ((known >= 0) & np.isfinite(known)).all():
        raise NetworkError("a number of trips is negative or not finite: allowed is 0 or more")
    arcs, through, served = betweenness_across(router, network, a[a >= 0], b[b >= 0], known)
    return Carried(router, network, arcs, through, served, float(demand.sum()))


def link_betweenness(flow: Carried) -> pd.DataFrame:
    """Return the links that carry trips, the most first.

    Returns
    -------
    ``link`` (row of the network's links), ``u``, ``v``, ``mode``, ``kind``, ``checkpoint_id``, ``trips`` (both
    directions, the unit of the trips given), ``share`` of the trips that found a way. Of parallel links the cheapest
    carries all, as the router has it.
    """
    arcs = arcs_table(flow.router, FIELDS[flow.network]).assign(trips=flow.arcs)
    total = arcs.groupby("link")["trips"].sum()
    total = total[total > 0]
    links = flow.router.network.links.iloc[total.index.to_numpy(np.int64)]
    out = links[["u", "v", "mode", "kind", "checkpoint_id"]].reset_index(drop=True)
    out.insert(0, "link", total.index.to_numpy(np.int64))
    out["trips"] = total.to_numpy(float)
    out["share"] = out["trips"] / flow.served
    return out.sort_values(["trips", "link"], ascending=[False, True], ignore_index=True)


def node_betweenness(flow: Carried) -> pd.DataFrame:
    """Return the nodes that trips pass: ``node``, ``side``, ``trips`` (ends not counted), ``share``; the most first."""
    at = np.flatnonzero(flow.through > 0)
    out = pd.DataFrame({"node": flow.router.nodes[at], "side": flow.router.side[at], "trips": flow.through[at]})
    out["share"] = out["trips"] / flow.served
    return out.sort_values(["trips", "node"], ascending=[False, True], ignore_index=True)


def checkpoint_betweenness(flow: Carried) -> pd.DataFrame:
    """Return what passes each checkpoint of the router's mode by shortest paths.

    Returns
    -------
    ``checkpoint_id``, ``mode``, ``trips`` (both directions), ``share`` of the trips that found a way; 0 for a
    checkpoint with a gate that no shortest path takes. Shares sum to 1 on trips across the border where each passes one
    checkpoint.
    """
    links = flow.router.network.links
    gates = links[(links["checkpoint_id"] != "") & ((links["mode"] == flow.router.mode) | (flow.router.mode == "any"))]
    out = gates[["checkpoint_id", "mode"]].drop_duplicates("checkpoint_id").sort_values("checkpoint_id")
    passed = link_betweenness(flow).groupby("checkpoint_id")["trips"].sum()
    out["trips"] = out["checkpoint_id"].map(passed).fillna(0.0).astype(float)
    out["share"] = out["trips"] / flow.served if flow.served > 0 else np.nan
    return out.sort_values(["trips", "checkpoint_id"], ascending=[False, True], ignore_index=True)
