"""Other waits on a network that is built: what a table of checkpoints charges, without a rebuild."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from network.build import with_costs
from network.kinds import GATE

if TYPE_CHECKING:
    from collections.abc import Collection

    import geopandas as gpd

    from network.build import Network

WAIT_COLUMNS = (
    "control_wait_min",
    "wait_p90_min",
    "wait_assumed",
    "wait_source",
    "hours_known",
    "hours_open_share",
    "hours_even_min",
    "hours_wait_min",
    "wait_min",
    "wait_truck_min",
)
"""What `layers.checkpoints.with_waits` says of a checkpoint."""


def with_waits_of(network: Network, checkpoints: gpd.GeoDataFrame, domestic_wait: Collection[str]) -> Network:
    """Return the network as if it had been built with the waits of a layer: nothing but the gates' minutes changes.

    Parameters
    ----------
    checkpoints
        The layer that the network was built from, with other waits (`layers.checkpoints.with_waits`).
    domestic_wait
        See `network.build.build_network`.
    """
    stated = checkpoints.set_index("checkpoint_id")
    table = network.checkpoints.copy()
    for column in (c for c in WAIT_COLUMNS if c in stated and c in table):
        table[column] = stated[column].reindex(table["checkpoint_id"]).to_numpy()
    links = network.links
    gates = (links["kind"] == GATE).to_numpy()
    waits = links["wait_min"].to_numpy(float).copy()
    waits[gates] = stated["wait_min"].reindex(links["checkpoint_id"].to_numpy()[gates]).to_numpy(float)
    links = with_costs(links.assign(wait_min=waits), domestic_wait)
    return replace(network, links=links, checkpoints=table, domestic_wait=tuple(domestic_wait))
