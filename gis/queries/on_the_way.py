"""What lies on a way: links and their length by mode, bridged gaps, places passed in transit."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import geopandas as gpd
import numpy as np
import shapely

from layers.crs import WGS84, lines_between
from network.build import Network
from network.kinds import GATE

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray


@dataclass(frozen=True)
class PostWait:
    """The waits at a checkpoint of a way: minutes, the 90th percentile None where it is not known."""

    name: str
    wait_min: float
    wait_p90_min: float | None
    assumed: bool

    def __str__(self) -> str:
        """Return it as a reader sees it.

        Examples
        --------
        >>> str(PostWait("Sagarchin – Zhaisan", 60.0, 180.0, True))
        'Sagarchin – Zhaisan (median 60 min, 90 % within 180, assumed)'
        """
        most = "" if self.wait_p90_min is None else f", 90 % within {self.wait_p90_min:,.0f}"
        return f"{self.name} (median {self.wait_min:,.0f} min{most}{', assumed' if self.assumed else ''})"


def waits_on(network: Network, rows: NDArray[np.int64]) -> list[PostWait]:
    """Return the waits at the checkpoints of a way, in order, each in the direction in which it is passed."""
    posts = network.checkpoints.set_index("checkpoint_id")
    links = network.links.iloc[rows]
    passed = links[(links["checkpoint_id"] != "").to_numpy()]
    own = posts.loc[passed["checkpoint_id"]]
    p90 = own["wait_p90_min"].to_numpy(float)
    return [
        PostWait(str(name), float(wait), None if np.isnan(most) else float(most), bool(assumed))
        for name, wait, most, assumed in zip(own["name"], passed["wait_min"], p90, own["wait_assumed"], strict=True)
    ]


def way_links(network: Network, rows: NDArray[np.int64], names: pd.Series) -> gpd.GeoDataFrame:
    """Return the links of a way.

    Returns
    -------
    In order: ``step`` from 1, ``kind``, ``mode``, ``length_m``, ``speed_kph``, ``time_min``, ``wait_min``,
    ``checkpoint`` (name, empty for none), ``wait_p90_min`` (NaN where it is not known), ``bridged``; a line each, of
    no length for a gate at one place.
    """
    links = network.links.iloc[rows]
    table = links[["kind", "mode", "length_m", "speed_kph", "time_min", "wait_min", "bridged"]].reset_index(drop=True)
    own = links["checkpoint_id"].to_numpy(dtype=object)
    table.insert(0, "step", np.arange(1, len(table) + 1))
    table["checkpoint"] = [str(names.get(c, c)) if c else "" for c in own]
    most = network.checkpoints.set_index("checkpoint_id")["wait_p90_min"].astype(float)
    table["wait_p90_min"] = most.reindex(own).to_numpy(float)
    lines = links["geometry"].to_numpy(dtype=object)
    ends = network.nodes[["x", "y"]].to_numpy(float)
    straight = lines_between(*(ends[links[end].to_numpy(np.int64)] for end in ("u", "v")))
    return gpd.GeoDataFrame(table, geometry=np.where(shapely.is_missing(lines), straight, lines), crs=WGS84)


def bridges_on(network: Network, rows: NDArray[np.int64]) -> list[str]:
    """Return the note on bridged gaps that a way runs over, with their places."""
    links = network.links.iloc[rows]
    links = links[links["bridged"].to_numpy(bool)]
    if links.empty:
        return []
    xy = network.nodes[["x", "y"]].to_numpy(float)[links["u"].to_numpy(np.int64)]
    where = ", ".join(f"{m / 1000:.1f} km at {x:.2f},{y:.2f}" for m, (x, y) in zip(links["length_m"], xy, strict=True))
    return [f"the way runs over bridged gaps of the data, assumed links that `bridge_gaps = false` leaves out: {where}"]


def in_transit(network: Network, rows: NDArray[np.int64]) -> str:
    """Return what a trip home through the neighbour is charged."""
    gates = network.links.iloc[rows]
    modes = [m for m in ("road", "rail") if m in set(gates.loc[gates["kind"] == GATE, "mode"])]
    waits = [f"by {m} it waits at both posts" for m in modes if m in network.domestic_wait]
    free = [
        f"by {m} no wait is charged" + (", for a train in transit does not stop" if m == "rail" else "")
        for m in modes
        if m not in network.domestic_wait
    ]
    return f"a home trip through the neighbour: {'; '.join(waits + free)} (analysis.domestic_wait)"


def hours_on(network: Network, rows: NDArray[np.int64]) -> list[str]:
    """Return the notes on roads and posts of a way that are open for a part of the time only."""
    links = network.links.iloc[rows]
    notes = []
    if "open_share" in links and (part := (links["open_share"] < 1).to_numpy(bool)).any():
        some = links[part]
        ids = ", ".join(dict.fromkeys(i for i in some["osm_ids"].str.split("|").explode() if i))
        ways = f" (ways {ids[:80]} of OpenStreetMap)" if ids else ""
        notes.append(
            f"{some['length_m'].sum() / 1000:,.1f} km of it are open {100 * some['open_share'].min():.0f} % of the "
            f"time by the conditions of their access{ways}: --at asks for an hour"
        )
    posts = network.checkpoints.set_index("checkpoint_id")
    for post in dict.fromkeys(c for c in links["checkpoint_id"] if c and "hours_open_share" in posts):
        share = float(posts.at[post, "hours_open_share"])
        if share < 1:
            notes.append(
                f"{posts.at[post, 'name']} is open {100 * share:.0f} % of the week ({posts.at[post, 'hours']})"
            )
    return notes


def lengths_on(network: Network, rows: NDArray[np.int64], off: float) -> list[str]:
    """Return the note on generalised lengths of a way."""
    if not off:
        return []
    links = network.links.iloc[rows]
    longer = (links["length_factor"] > 1).to_numpy(bool)
    km = links["length_m"].to_numpy(float)[longer].sum() / 1000
    note = f"lengths are those of generalised lines, off by some {100 * off:.0f} %"
    if longer.any():
        factor = links["length_factor"].to_numpy(float)[longer].max()
        note += (
            f"; {km:,.0f} km of it are straightened links, lengthened by {100 * (factor - 1):.1f} % (`length_factor "
            "= false` leaves them)"
        )
    return [note]
