"""Links as the network tools of desktop GIS take them.

Lines that meet where a way leads on, with speed, direction and minutes.

Such tools join lines by their coordinates alone. Two nodes at one place (the posts of a checkpoint, the legs of a
junction with forbidden turns) would be one to them, and every border open: they are drawn a step apart, and what joins
them is a line of its own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from layers.crs import WGS84, line_lengths_m

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from network.build import Network

STEP_DEG = 2e-5
"""How far apart nodes of one place are drawn: some two metres."""
FASTEST_KPH = 1e6
"""Speed along a line that takes no time."""


def tool_edges(network: Network, mode: str) -> gpd.GeoDataFrame:
    """Return the links of a mode that are passable today, gates with their waits among them.

    Returns
    -------
    Lines in longitude and latitude with ``from_node``, ``to_node``, ``kind``, ``length_m``, ``time_min``, ``wait_min``,
    ``checkpoint`` (empty but at a gate), ``cost_min`` (time and wait), ``travel_direction`` (forward or both) and
    ``drawn_kph``: the length of the drawn line over ``cost_min``, by which a tool finds our minutes.
    """
    links = network.links
    links = links[(links["mode"] == mode) & np.isfinite(links["actual_min"].to_numpy(float))].reset_index(drop=True)
    u, v = (links[c].to_numpy(np.int64) for c in ("u", "v"))
    spots, moved = _apart(network, np.flatnonzero(np.bincount(np.concatenate([u, v]))))
    lines = _joined(links["geometry"].to_numpy(dtype=object), spots[u], spots[v], moved[u], moved[v])
    cost = links["actual_min"].to_numpy(float)
    drawn_m = line_lengths_m(lines)
    speed = np.divide(0.06 * drawn_m, cost, out=np.full(len(cost), FASTEST_KPH), where=cost > 0)
    names = network.checkpoints.set_index("checkpoint_id")["name"]
    table = pd.DataFrame(
        {
            "from_node": u,
            "to_node": v,
            "kind": links["kind"].to_numpy(object),
            "checkpoint": links["checkpoint_id"].map(names).astype(object).fillna("").astype(str),
            "length_m": links["length_m"].to_numpy(float),
            "time_min": links["time_min"].to_numpy(float),
            "wait_min": links["wait_min"].to_numpy(float),
            "cost_min": cost,
            "travel_direction": np.where(links["oneway"].to_numpy(bool), "forward", "both"),
            "drawn_kph": np.minimum(speed, FASTEST_KPH),
        }
    )
    return gpd.GeoDataFrame(table, geometry=lines, crs=WGS84)


def _apart(network: Network, nodes: NDArray[np.int64]) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Return where each node is drawn, and which are not at their place: those that share it with others."""
    spots = network.nodes[["x", "y"]].to_numpy(float).copy()
    used = pd.DataFrame(spots[nodes], columns=["x", "y"])
    place = used.groupby(["x", "y"], sort=False)["x"]
    number, of = place.cumcount().to_numpy(), place.transform("size").to_numpy()
    spots[nodes, 0] += STEP_DEG * (number - (of - 1) / 2)
    moved = np.zeros(len(spots), bool)
    moved[nodes] = of > 1
    return spots, moved


def _joined(
    lines: NDArray[np.object_],
    first: NDArray[np.float64],
    last: NDArray[np.float64],
    first_moved: NDArray[np.bool_],
    last_moved: NDArray[np.bool_],
) -> NDArray[np.object_]:
    """Return the lines with their ends where the nodes are drawn; a link that has none is straight."""
    out = lines.copy()
    bare = shapely.is_missing(lines) | (shapely.length(lines) == 0)
    out[bare] = shapely.linestrings(np.stack([first[bare], last[bare]], axis=1))
    rows = np.flatnonzero(~bare & (first_moved | last_moved))
    if len(rows):
        xy, row = shapely.get_coordinates(out[rows], return_index=True)
        begins = np.flatnonzero(np.r_[True, np.diff(row) != 0])
        ends = np.r_[begins[1:], len(xy)] - 1
        at_first, at_last = first_moved[rows], last_moved[rows]
        xy[begins[at_first]], xy[ends[at_last]] = first[rows][at_first], last[rows][at_last]
        out[rows] = shapely.linestrings(xy, indices=row)
    return out
