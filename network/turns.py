"""Turns that are forbidden: such a junction becomes one node per road, joined by the turns that are allowed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import shapely

from network.kinds import TURN
from network.rail import LOOP
from network.topology import TOLD, Tables
from network.turns_over import copies_for_turns

if TYPE_CHECKING:
    from numpy.typing import NDArray


def split_turns(tables: Tables, turns: pd.DataFrame | None) -> tuple[Tables, dict[str, int]]:
    """Return tables with each junction of a forbidden turn split by road and direction, and counts.

    Parameters
    ----------
    tables
        After contraction: links with ``osm_ids`` in their order from u to v; nodes with ``ref``, the node's id in
        OpenStreetMap.
    turns
        ``via`` (node), ``from_way``, ``to_way`` and ``only`` (this turn alone is allowed); with ``over`` (ways
        joined by a bar, empty for none) it is one over these, from ``via`` to ``via_to``; None for none.

    Returns
    -------
    The tables: two-way roads at such a junction are two one-way links each (``twin`` k and −k), roads end at nodes of
    their own, which links of ``kind`` turn join without length or time where one may turn from the one into the other.
    And ``turns_forbidden`` (pairs of roads), ``turns_not_clear``: restrictions whose ways do not end at their node.

    Notes
    -----
    Any graph of the links finds the same ways, for what is forbidden is simply absent. Nobody turns round at such a
    junction, nor at the next one on a two-way road, unless it is a dead end or a place stands there. Contraction comes
    before, for else one could turn round where a road only changes its name.
    """
    if turns is None or turns.empty:
        return tables, {}
    over = (turns["over"] != "").to_numpy(bool) if "over" in turns else np.zeros(len(turns), bool)
    forbidden, unclear = _forbidden(_ends(tables, turns[~over]), turns[~over])
    copies, further, lost = copies_for_turns(tables, turns[over], forbidden)
    forbidden = pd.concat([forbidden, further], ignore_index=True).drop_duplicates(ignore_index=True)
    report = {"turns_forbidden": len(forbidden), "turns_not_clear": unclear + lost}
    if forbidden.empty:
        return tables, report
    tables = Tables(tables.nodes, pd.concat([tables.links, copies], ignore_index=True), tables.crs)
    held = _held(tables, forbidden[["via"]].drop_duplicates())
    tables, source = _one_way(tables, held)
    ends_at = _ends(tables, held).sort_values(["via", "row", "end"], ignore_index=True)
    ends_at["road"] = source[ends_at["row"].to_numpy()]
    nodes, links = tables.nodes, tables.links
    # The first road at a junction keeps its node, so that numbers known before stay.
    fresh = ends_at["via"].duplicated().to_numpy()
    ends_at["at"] = np.where(fresh, len(nodes) + np.cumsum(fresh) - 1, ends_at["node"])
    for end in ("u", "v"):
        own = ends_at[ends_at["end"] == end]
        links.loc[own["row"].to_numpy(), end] = own["at"].to_numpy()
    twins = nodes.iloc[ends_at.loc[fresh, "node"].to_numpy()]
    nodes = pd.concat([nodes, twins], ignore_index=True)
    joints = _links(_allowed(ends_at, forbidden), nodes, links)
    return Tables(nodes, pd.concat([links, joints], ignore_index=True), tables.crs), report


def _held(tables: Tables, turns: pd.DataFrame) -> pd.DataFrame:
    """Return where nobody turns round (``via``): at the restricted nodes, and at the next ones on two-way roads.

    Who turned round there would come back to where he may turn. At a dead end, and where no other road leads out, one
    may.
    """
    links, ref = tables.links, tables.nodes["ref"].to_numpy(dtype=object)
    at = np.unique(_ends(tables, turns)["node"].to_numpy())
    road = (links["mode"] == "road").to_numpy() & ~links["oneway"].to_numpy(bool)
    u, v = (links[end].to_numpy(np.int64) for end in ("u", "v"))
    near = np.setdiff1d(np.r_[v[road & np.isin(u, at)], u[road & np.isin(v, at)]], at)
    known = near[[str(text).lstrip("-").isdecimal() for text in ref[near]]]  # a few for each restriction
    further = pd.DataFrame({"via": ref[known].astype(str).astype(np.int64)})
    ends = _ends(tables, further)
    ways_out = ends[ends["goes"]].groupby("via")["row"].nunique()
    further = further[further["via"].map(ways_out).fillna(0) > 1]
    return pd.concat([turns[["via"]], further], ignore_index=True).drop_duplicates(ignore_index=True)


def _one_way(tables: Tables, turns: pd.DataFrame) -> tuple[Tables, NDArray[np.int64]]:
    """Return tables with two-way roads at restricted nodes as two one-way links, and each link's former row."""
    links = tables.links
    at = np.unique(_ends(tables, turns)["row"].to_numpy())
    both = at[~links["oneway"].to_numpy(bool)[at]]
    links = links.copy()
    twin = links["twin"].to_numpy(np.int64).copy()
    twin[both] = 1 + np.arange(len(both))
    oneway = links["oneway"].to_numpy(bool).copy()
    oneway[both] = True
    links["twin"], links["oneway"] = twin, oneway
    back = links.iloc[both].copy()
    back["twin"] = -back["twin"]
    back["u"], back["v"] = links["v"].to_numpy()[both], links["u"].to_numpy()[both]
    back["geometry"] = shapely.reverse(back["geometry"].to_numpy(dtype=object))
    back["osm_ids"] = ["|".join(reversed(ids.split("|"))) for ids in back["osm_ids"]]  # roads at restricted junctions
    source = np.concatenate([np.arange(len(links)), both])
    return Tables(tables.nodes, pd.concat([links, back], ignore_index=True), tables.crs), source


def _ends(tables: Tables, turns: pd.DataFrame) -> pd.DataFrame:
    """Return the ends of roads at the restricted nodes.

    ``via``, ``node``, ``row``, ``end``, ``way``, and whether one may come in and go out by it.
    """
    links, nodes = tables.links, tables.nodes
    known = (nodes["kind"] == "road") & nodes["ref"].isin(turns["via"].astype(str))
    via = pd.Series(nodes["ref"][known].astype(np.int64), index=nodes.index[known])
    road = (links["mode"] == "road").to_numpy()
    oneway = links["oneway"].to_numpy(bool)
    parts = []
    for end, position in (("u", 0), ("v", -1)):
        rows = np.flatnonzero(road & links[end].isin(via.index).to_numpy())
        node = links[end].to_numpy(np.int64)[rows]
        part = pd.DataFrame({"via": via.loc[node].to_numpy(), "node": node, "row": rows, "end": end})
        ways = [ids.split("|")[position] for ids in links["osm_ids"].to_numpy(dtype=object)[rows]]
        part["way"] = pd.Series(ways, index=part.index, dtype=str)  # of no restricted node none
        part["comes"] = (end == "v") | ~oneway[rows]
        part["goes"] = (end == "u") | ~oneway[rows]
        part["road"] = rows
        parts.append(part)
    return pd.concat(parts, ignore_index=True)


def _forbidden(ends: pd.DataFrame, turns: pd.DataFrame) -> tuple[pd.DataFrame, int]:
    """Return pairs of rows between which a turn is forbidden, and the number of unclear restrictions.

    Columns: ``via``, ``row``, ``row_to``.
    """
    wanted = turns.drop_duplicates(["via", "from_way", "to_way", "only"]).reset_index(drop=True)
    wanted = wanted.assign(
        number=wanted.index, from_way=wanted["from_way"].astype(str), to_way=wanted["to_way"].astype(str)
    )
    wanted = wanted[wanted["via"].isin(ends["via"])]
    first = wanted.merge(
        ends.loc[ends["comes"], ["via", "way", "row"]], left_on=["via", "from_way"], right_on=["via", "way"]
    )
    second = wanted.merge(
        ends.loc[ends["goes"], ["via", "way", "row"]], left_on=["via", "to_way"], right_on=["via", "way"]
    )
    # A way that leads on beyond the node leaves open which of its parts is meant.
    one, other = (t[~t["number"].duplicated(keep=False)].set_index("number")["row"] for t in (first, second))
    clear = wanted[wanted["number"].isin(one.index) & wanted["number"].isin(other.index)]
    described = clear.assign(row=clear["number"].map(one), row_to=clear["number"].map(other))
    plain = described.loc[~described["only"], ["via", "row", "row_to"]]
    alone = described[described["only"]]
    every = (
        alone[["via", "row"]]
        .drop_duplicates()
        .merge(ends.loc[ends["goes"], ["via", "row"]].rename(columns={"row": "row_to"}), on="via")
    )
    own = pd.MultiIndex.from_frame(alone[["via", "row", "row_to"]])
    rest = every[~pd.MultiIndex.from_frame(every[["via", "row", "row_to"]]).isin(own)]
    both = pd.concat([plain, rest], ignore_index=True).drop_duplicates()
    return both[both["row"] != both["row_to"]].reset_index(drop=True), len(wanted) - len(clear)


def _allowed(ends_at: pd.DataFrame, forbidden: pd.DataFrame) -> pd.DataFrame:
    """Return the turns that are allowed: ``u``, ``v``, and the ``row`` and ``row_to`` of the links that they join."""
    pairs = ends_at[ends_at["comes"]].merge(ends_at[ends_at["goes"]], on="via", suffixes=("", "_to"))
    forbidden_pairs = pd.MultiIndex.from_frame(forbidden[["via", "row", "row_to"]])
    fine = ~pd.MultiIndex.from_frame(pairs[["via", "road", "road_to"]]).isin(forbidden_pairs)
    pairs = pairs[fine & (pairs["road"] != pairs["road_to"])]
    return pairs[["at", "at_to", "row", "row_to"]].rename(columns={"at": "u", "at_to": "v"}).reset_index(drop=True)


def _links(allowed: pd.DataFrame, nodes: pd.DataFrame, links: pd.DataFrame) -> pd.DataFrame:
    """Return the turns as links."""
    u = allowed["u"].to_numpy(np.int64)
    xy = nodes[["x", "y"]].to_numpy(float)[u]
    through = links["through"].to_numpy(bool)
    # Between two roads without through traffic a turn carries none either.
    carries = through[allowed["row"].to_numpy(np.int64)] | through[allowed["row_to"].to_numpy(np.int64)]
    return pd.DataFrame(
        {
            "u": u,
            "v": allowed["v"].to_numpy(np.int64),
            "mode": "road",
            "kind": TURN,
            "oneway": True,
            "length_m": 0.0,
            "maxspeed_kph": np.nan,
            **TOLD,
            "through": carries,
            "bridged": False,
            "wait_min": 0.0,
            "passable": True,
            "checkpoint_id": "",
            "crossing_id": "",
            "speed_kph": np.nan,
            "speed_source": "",
            "time_min": 0.0,
            # Many readers refuse a line without length.
            "geometry": shapely.linestrings(np.stack([xy, xy + LOOP, xy], axis=1)),
        }
    )
