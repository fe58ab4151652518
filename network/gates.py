"""Where roads and railways pass the border: split at the line, and joined by the gates of checkpoints."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import shapely

from network.kinds import GATE, LINE
from network.topology import TOLD, Tables, split_links

if TYPE_CHECKING:
    import geopandas as gpd
    from numpy.typing import NDArray


def post_positions(links: pd.DataFrame, position: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the positions of both ends of all gates, open or closed, ascending: no scenario of closures moves them."""
    at = np.unique(position[links.loc[(links["checkpoint_id"] != "").to_numpy(bool), ["u", "v"]].to_numpy(np.int64)])
    return np.asarray(at[at >= 0], np.int64)


def open_gates(
    tables: Tables, crossings: pd.DataFrame, pairs: pd.DataFrame, checkpoints: gpd.GeoDataFrame
) -> tuple[Tables, pd.DataFrame]:
    """Split every road and railway over the border at the line, and join the two ends by the gates of its checkpoints.

    With a checkpoint or without, at the same place: so that what lies up to the line is the ground of its side whatever
    the list of checkpoints says. Several checkpoints of one crossing are parallel gates. Where there is none, a link of
    the kind `LINE` joins the ends: passable without a border alone.

    Returns
    -------
    The tables with posts (``kind`` post) and gates; and the crossings with ``px``, ``py`` of their split.
    """
    ids = tables.links["crossing_id"].to_numpy()
    rows = np.flatnonzero(ids != "")
    if not len(rows):
        return tables, crossings
    at_line = crossings.set_index("crossing_id").loc[ids[rows], ["px", "py"]].to_numpy(float)
    fraction = shapely.line_locate_point(tables.projected(rows), shapely.points(at_line), normalized=True)
    # The two posts stay apart from the link's own nodes, which keep their side.
    fraction = np.clip(fraction, 0.01, 0.99)
    keys = ids[rows].copy()
    modes = tables.links["mode"].to_numpy()[rows]
    u_side = tables.nodes["side"].to_numpy()[tables.links["u"].to_numpy()[rows]]
    tables, node = split_links(tables, rows, fraction, "post", snap_m=0.0)
    tables = _double_posts(tables, node, u_side)
    twin = len(tables.nodes) - len(node) + np.arange(len(node))
    post_a, post_b = np.where(u_side == "a", node, twin), np.where(u_side == "a", twin, node)
    gates = []
    if len(pairs):
        held = pairs.sort_values(["crossing_id", "checkpoint_id"], kind="stable")
        here = pd.Series(keys).groupby(keys).indices
        ends = [here.get(crossing, np.zeros(0, np.int64)) for crossing in held["crossing_id"]]
        both = [2 * len(at) for at in ends]
        gates.append(
            gate_links(
                np.concatenate([post[at] for at in ends for post in (post_a, post_b)]),
                np.concatenate([post[at] for at in ends for post in (post_b, post_a)]),
                np.repeat(held["checkpoint_id"].to_numpy(dtype=object), both),
                np.repeat(held["crossing_id"].to_numpy(dtype=object), both),
                checkpoints,
            )
        )
    alone = ~np.isin(keys, pairs["crossing_id"])
    if alone.any():
        gates.append(_line_links(post_a[alone], post_b[alone], modes[alone], keys[alone]))
    located = crossings.set_index("crossing_id")
    first = pd.Series(node, index=keys).groupby(level=0).first()
    located.loc[first.index, ["px", "py"]] = tables.nodes.loc[first, ["px", "py"]].to_numpy()
    links = pd.concat([tables.links, *gates], ignore_index=True)
    links["crossing_id"] = links["crossing_id"].fillna("")
    # The halves of a split crossing lie on one side each; only what joins them crosses.
    side = tables.nodes["side"].to_numpy()
    over = side[links["u"].to_numpy()] != side[links["v"].to_numpy()]
    links["crossing_id"] = links["crossing_id"].where(over, "")
    links["passable"] = links["passable"].astype(bool) | ~over
    return Tables(tables.nodes, links, tables.crs), located.reset_index()


def _double_posts(tables: Tables, node: NDArray[np.int64], u_side: NDArray[np.object_]) -> Tables:
    """Make each new node a pair of posts, one per side.

    The piece on u's side ends at the first, the other at its twin.
    """
    nodes, links = tables.nodes.copy(), tables.links.copy()
    twins = nodes.loc[node].copy()
    other = np.where(u_side == "a", "b", "a")
    nodes.loc[node, "side"] = u_side
    twins["side"] = other
    twin = pd.Series(len(nodes) + np.arange(len(node)), index=node)
    # split_links put the node as v of the first piece and as u of the second: the second begins at the twin.
    behind = links["u"].isin(node)
    links.loc[behind, "u"] = links.loc[behind, "u"].map(twin).to_numpy()
    return replace(tables, nodes=pd.concat([nodes, twins], ignore_index=True), links=links)


def gate_links(
    u: NDArray[np.int64],
    v: NDArray[np.int64],
    checkpoint: NDArray[np.object_],
    crossing: NDArray[np.object_],
    checkpoints: gpd.GeoDataFrame,
) -> pd.DataFrame:
    """Return directed gates between posts on either side: no length, no moving time.

    Parameters
    ----------
    u, v
        Posts that each gate leads from and to.
    checkpoint, crossing
        Whose gate each is, and of which crossing.
    checkpoints
        With ``mode``, ``wait_min`` and ``open`` of all of them.
    """
    known = checkpoints.drop_duplicates("checkpoint_id")
    row = pd.Index(known["checkpoint_id"]).get_indexer(checkpoint)
    return _over_the_line(
        u,
        v,
        mode=known["mode"].to_numpy(dtype=object)[row],
        kind=GATE,
        oneway=True,
        wait_min=known["wait_min"].to_numpy(float)[row],
        passable=known["open"].to_numpy(bool)[row],
        checkpoint_id=checkpoint,
        crossing_id=crossing,
    )


def _line_links(
    post_a: NDArray[np.int64], post_b: NDArray[np.int64], modes: NDArray[np.object_], crossings: NDArray[np.object_]
) -> pd.DataFrame:
    """Return what joins the ends of crossings without a checkpoint: passable without a border alone."""
    return _over_the_line(
        post_a,
        post_b,
        mode=modes,
        kind=LINE,
        oneway=False,
        wait_min=0.0,
        passable=False,
        checkpoint_id="",
        crossing_id=crossings,
    )


def _over_the_line(u: NDArray[np.int64], v: NDArray[np.int64], **what: object) -> pd.DataFrame:
    """Return links without length or moving time between two ends at the line."""
    return pd.DataFrame(
        {
            "u": u,
            "v": v,
            "length_m": 0.0,
            "maxspeed_kph": np.nan,
            **TOLD,
            "bridged": False,
            "speed_kph": np.nan,
            "speed_source": "",
            "time_min": 0.0,
            "geometry": np.full(len(u), None, dtype=object),
            **what,
        }
    )
