"""Turns that are forbidden over a way: who comes from the one road gets a copy of the way, which leads on elsewhere."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import shapely

if TYPE_CHECKING:
    from network.topology import Tables

PAIRS = ["via", "row", "row_to"]


def copies_for_turns(
    tables: Tables, turns: pd.DataFrame, forbidden: pd.DataFrame
) -> tuple[pd.DataFrame, pd.DataFrame, int]:
    """Return one-way copies of links, and which turns make them the way of those alone who come from a certain road.

    Parameters
    ----------
    tables
        After contraction, the ends of the ways kept as nodes.
    turns
        Restrictions over a way, as `network.turns.split_turns` takes them.
    forbidden
        Pairs of rows of links between which a turn is forbidden: they hold for a copy as for its link.

    Returns
    -------
    The copies, with rows behind those of the tables and a ``twin`` below 0, so that their kilometres count once; pairs
    of rows between which a turn is forbidden; and how many restrictions are not clear: their ways are not one link each
    between the two nodes, or lead over the border.
    """
    links = tables.links
    none = pd.DataFrame({c: np.zeros(0, np.int64) for c in PAIRS})
    if turns.empty:
        return links.iloc[:0], none, 0
    road = (tables.nodes["kind"] == "road").to_numpy()
    refs = tables.nodes["ref"].astype(str).to_numpy(dtype=object)[road]
    node_of = dict(zip(refs.tolist(), np.flatnonzero(road).tolist(), strict=True))
    wanted = {node_of.get(str(ref), -1) for ref in (*turns["via"], *turns["via_to"])}
    near = _near(links, wanted)
    before = set(zip(*(forbidden[c].tolist() for c in PAIRS), strict=True))
    copies: list[pd.Series] = []
    rows: dict[tuple[int, int], int] = {}
    pairs: list[tuple[int, int, int]] = []
    lost = 0
    columns = (turns[c].tolist() for c in ("via", "via_to", "from_way", "over", "to_way", "only"))
    for via, via_to, from_way, over, to_way, only in zip(*columns, strict=True):  # tens in a country
        begin, end = (node_of.get(str(ref), -1) for ref in (via, via_to))
        comes = [r for r in near if near[r].into(begin)]
        leads = [r for r in near if near[r].out_of(end)]
        first = _only_one([r for r in comes if near[r].is_way(begin, from_way)])
        last = _only_one([r for r in leads if near[r].is_way(end, to_way)])
        middle = _only_one([r for r in near if near[r].joins(begin, end, over)])
        crosses = "crossing_id" in links and middle is not None and links["crossing_id"].iat[middle] != ""
        if first is None or last is None or middle is None or crosses:
            lost += 1
            continue
        if (first, middle) not in rows:
            row = rows[first, middle] = len(links) + len(copies)
            copies.append(_copy(links.iloc[middle], near[middle].u != begin, len(rows)))
            pairs += [(via, r, row) for r in comes if r != first or (via, first, middle) in before]
            pairs += [(via, first, middle), (via_to, row, middle)]
            pairs += [(via_to, row, b) for at, a, b in before if (at, a) == (via_to, middle)]
        row = rows[first, middle]
        pairs += [(via_to, row, r) for r in leads if (r != last if only else r == last)]
    made = pd.DataFrame(copies).astype(links.dtypes.to_dict()) if copies else links.iloc[:0]
    return made, pd.DataFrame(pairs, columns=PAIRS).astype(np.int64), lost


@dataclass(frozen=True)
class _Road:
    """A link near a restriction: its ends, whether it leads one way, and its ways of OpenStreetMap in their order."""

    u: int
    v: int
    oneway: bool
    ways: list[str]

    def into(self, node: int) -> bool:
        """Return whether one may come to a node by it."""
        return self.v == node or (self.u == node and not self.oneway)

    def out_of(self, node: int) -> bool:
        """Return whether one may leave a node by it."""
        return self.u == node or (self.v == node and not self.oneway)

    def is_way(self, node: int, way: int) -> bool:
        """Return whether its part at a node is of a way."""
        return str(way) in ([self.ways[0]] * (self.u == node) + [self.ways[-1]] * (self.v == node))

    def joins(self, begin: int, end: int, ways: str) -> bool:
        """Return whether it is made of some ways, joined by a bar, and leads from one node to another."""
        return self.out_of(begin) and {self.u, self.v} == {begin, end} and set(self.ways) <= set(ways.split("|"))


def _near(links: pd.DataFrame, nodes: set[int]) -> dict[int, _Road]:
    """Return the roads at some nodes, by row."""
    u, v = links["u"].to_numpy(np.int64), links["v"].to_numpy(np.int64)
    oneway, ids = links["oneway"].to_numpy(bool), links["osm_ids"].to_numpy(dtype=object)
    wanted = list(nodes)
    rows = np.flatnonzero((links["mode"] == "road").to_numpy() & (np.isin(u, wanted) | np.isin(v, wanted)))
    return {int(r): _Road(int(u[r]), int(v[r]), bool(oneway[r]), str(ids[r]).split("|")) for r in rows}


def _only_one(rows: list[int]) -> int | None:
    """Return the one row, nothing where there are none or several."""
    return rows[0] if len(rows) == 1 else None


def _copy(link: pd.Series, turned: bool, number: int) -> pd.Series:
    """Return a link as a one-way copy of it, against its drawing where `turned`."""
    out = link.copy()
    if turned:
        out["u"], out["v"] = out["v"], out["u"]
        out["geometry"] = shapely.reverse(out["geometry"])
    out["oneway"] = True
    out["twin"] = -COPIES - number
    return out


COPIES = 1 << 40
"""Numbers of copies begin below this one: no two-way road has so high a number."""
