"""Where trains change gauge or current: such a node becomes several, joined by links that cost the change."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import shapely

from network.kinds import CHANGE
from network.topology import TOLD, Tables

if TYPE_CHECKING:
    from numpy.typing import NDArray

GAUGE_CHANGE_MIN, CURRENT_CHANGE_MIN = 120.0, 45.0
"""What a passing train loses where the gauge or the current changes: assumptions (a change of locomotive takes 30 to
60 minutes). Where both change, the longer one counts: bogies and locomotive are changed in one stop."""
SAME_GAUGE = {"1524": "1520"}
"""Nominal gauges on which the same trains run."""
PROPERTIES = ("gauge", "current")
LOOP = np.array([0.0, 1e-6])


def split_changes(
    tables: Tables, *, gauge_min: float = GAUGE_CHANGE_MIN, current_min: float = CURRENT_CHANGE_MIN
) -> Tables:
    """Return the tables with every node where gauge or current changes split into one node per kind of track.

    Parameters
    ----------
    tables
        Links with ``gauge`` and ``current``, an empty text where unknown.
    gauge_min, current_min
        Minutes that a train loses.

    Returns
    -------
    The tables; nodes have ``change`` (``gauge``, ``current``, ``gauge|current`` or an empty text); the nodes of one
    place are joined in pairs by links of ``kind`` change without length.

    Notes
    -----
    A change is charged only where both sides are known and differ; diesel trains under wires would not need it, but
    ``none`` beside a current counts as a change too: an assumption. A track that tells several gauges (``1520;1435``)
    or no single current takes every train. Where a change is, a track that tells nothing goes with the commonest kind
    at the node, of equally common ones with the first in the alphabet. Trains that pass without a change pay nothing.
    """
    links, nodes = tables.links, tables.nodes.assign(change="")
    tables = Tables(nodes, links, tables.crs)
    ends = _ends(links)
    different = {p: _differing(ends, p) for p in PROPERTIES}
    at = np.union1d(different["gauge"], different["current"])
    if not len(at):
        return tables
    states_at = ends[ends["node"].isin(at)].copy()
    for name in PROPERTIES:
        states_at[name] = _filled(states_at, name, different[name])
    # One state per kind of track at a node, numbered in the order of the alphabet; the first stays the node itself.
    states = states_at[["node", *PROPERTIES]].drop_duplicates().sort_values(["node", *PROPERTIES], ignore_index=True)
    fresh = states["node"].duplicated().to_numpy()
    states["state"] = np.where(fresh, len(nodes) + np.cumsum(fresh) - 1, states["node"])
    marks = [(states["node"].isin(different[p])).map({True: p, False: ""}) for p in PROPERTIES]
    states["change"] = marks[0].str.cat(marks[1], sep="|").str.strip("|")
    moved = states_at.merge(states, on=["node", *PROPERTIES], how="left")
    links = links.copy()
    for end in ("u", "v"):
        of_end = moved[moved["end"] == end]
        links.loc[links.index[of_end["row"]], end] = of_end["state"].to_numpy()
    twins = nodes.iloc[states.loc[fresh, "node"].to_numpy()]
    nodes = pd.concat([nodes, twins], ignore_index=True)
    nodes.loc[states["state"], "change"] = states["change"].to_numpy()
    joints = _joints(states, nodes, gauge_min, current_min)
    return Tables(nodes, pd.concat([links, joints], ignore_index=True), tables.crs)


def kinds_meet(tables: Tables) -> NDArray[np.bool_]:
    """Return the nodes where railways of another gauge or current meet, known or not.

    No chain of links may run over them.
    """
    rail = tables.links[(tables.links["mode"] == "rail").to_numpy()]
    out = np.zeros(len(tables.nodes), bool)
    for name in PROPERTIES:
        code = pd.factorize(rail[name])[0]
        ends = pd.DataFrame({"node": np.concatenate([rail["u"], rail["v"]]), "code": np.concatenate([code, code])})
        spread = ends.groupby("node")["code"].agg(["min", "max"])
        out[spread.index[spread["min"] != spread["max"]]] = True
    return out


def _ends(links: pd.DataFrame) -> pd.DataFrame:
    """Return both ends of every railway: ``node``, ``row`` of the link, ``end`` and what is known of the track."""
    rows = np.flatnonzero((links["mode"] == "rail").to_numpy())
    rail = links.iloc[rows]
    gauge = rail["gauge"].astype(str).str.strip().str.removesuffix(".0")
    gauge = gauge.where(gauge.str.isdigit(), "").replace(SAME_GAUGE)
    one = {"row": rows, "gauge": gauge.to_numpy(dtype=object), "current": rail["current"].to_numpy(dtype=object)}
    return pd.concat(
        [pd.DataFrame({"node": rail[end].to_numpy(np.int64), "end": end, **one}) for end in ("u", "v")],
        ignore_index=True,
    )


def _differing(ends: pd.DataFrame, name: str) -> NDArray[np.int64]:
    """Return the nodes where two known values of a property meet."""
    known = ends.loc[ends[name] != "", ["node", name]].drop_duplicates()
    return np.unique(known.loc[known["node"].duplicated(), "node"].to_numpy(np.int64))


def _filled(states_at: pd.DataFrame, name: str, nodes: NDArray[np.int64]) -> pd.Series:
    """Return a property with the commonest value of its node where it is unknown.

    Empty at nodes where it does not change.
    """
    known = states_at[states_at[name] != ""]
    count = known.groupby(["node", name]).size().rename("n").reset_index()
    first = count.sort_values(["node", "n", name], ascending=[True, False, True]).drop_duplicates("node")
    commonest = states_at["node"].map(first.set_index("node")[name])
    filled = states_at[name].where(states_at[name] != "", commonest)
    return filled.where(states_at["node"].isin(nodes), "")


def _joints(states: pd.DataFrame, nodes: pd.DataFrame, gauge_min: float, current_min: float) -> pd.DataFrame:
    """Return the links between the states of each node."""
    pairs = states.merge(states, on="node", suffixes=("", "_b"))
    pairs = pairs[pairs["state"] < pairs["state_b"]]
    minutes = np.maximum(
        np.where(pairs["gauge"] != pairs["gauge_b"], gauge_min, 0.0),
        np.where(pairs["current"] != pairs["current_b"], current_min, 0.0),
    )
    u = pairs["state"].to_numpy(np.int64)
    xy = nodes[["x", "y"]].to_numpy(float)[u]
    # Many readers refuse a line without length: this one goes a decimetre out and back to where it began.
    lines = shapely.linestrings(np.stack([xy, xy + LOOP, xy], axis=1))
    return pd.DataFrame(
        {
            "u": u,
            "v": pairs["state_b"].to_numpy(np.int64),
            "mode": "rail",
            "kind": CHANGE,
            "oneway": False,
            "length_m": 0.0,
            "maxspeed_kph": np.nan,
            **TOLD,
            "bridged": False,
            "speed_kph": np.nan,
            "speed_source": "assumption",
            "time_min": minutes,
            "geometry": lines,
        }
    )
