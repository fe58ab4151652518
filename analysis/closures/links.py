"""Which links carry the trips across the border, and what the loss of each costs.

The ways of all trips run over one tree per post: from every place to it on side a, from it to every place on side b. A
closed link changes only what lies behind it in those trees, and only that is grown anew.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import geopandas as gpd
import numpy as np
import pandas as pd
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components

from analysis.closures.bridges import bridges
from analysis.closures.checkpoints import IMPACT, Change, Ways, fastest_ways, impact, rerouted
from analysis.closures.losses import losses_of
from analysis.closures.trees import BITS
from layers.crs import WGS84
from layers.errors import NetworkError
from network.build import FIELDS, Network
from network.kinds import CONNECTOR, JOINTS, TRANSFER

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from analysis.closures.losses import Entries, Loss
    from analysis.trips.choice import Choice
    from analysis.trips.demand import Demand

TOP = 50
"""Links closed one by one, those with the largest flows first."""
NOT_CLOSED = (*JOINTS, CONNECTOR, TRANSFER)
"""Kinds that no closure of a link hits: a connector stands in for streets, a gate is a checkpoint (`close_each`)."""
ABOUT = ["link", "u", "v", "mode", "kind", "length_m", "time_min"]
COLUMNS = [*ABOUT, "section", "section_length_m", "flow_share", *IMPACT, "geometry"]


def close_links(
    network: Network,
    demand: Demand,
    choice: Choice,
    flows: pd.DataFrame,
    *,
    mode: str = "road",
    top: int = TOP,
    one_per_section: bool = True,
    skip: Sequence[int] | NDArray[np.int64] = (),
) -> gpd.GeoDataFrame:
    """Return what the loss of each of the most used links costs, both directions closed.

    Parameters
    ----------
    flows
        Share of the mode's trips over each link, from `analysis.trips.betweenness.link_betweenness`: ``link``,
        ``share``.
    top
        How many links are closed, the heaviest first. Connectors and gates are no candidates.
    one_per_section
        Take of every section (links in series, between two junctions) only the heaviest link: closing another of them
        turns much the same trips back.
    skip
        Links whose sections are no candidates: those of `links_towards_frame`.

    Returns
    -------
    Lines with ``link`` (row of ``network.links``), ``u``, ``v``, ``mode``, ``kind``, ``length_m``, ``time_min``,
    ``section`` (its number), ``section_length_m``, ``flow_share``, and the columns of
    `analysis.closures.checkpoints.close_each` for the closed link: ``criticality_min`` = Σ T·(c⁻ᵉ − c) / Σ T (Jenelius,
    Petersen & Mattsson 2006), ``unserved_share``, ``extra_users_min`` over the trips that ran over it,
    ``people_over_30min``, ``people_over_60min``, ``people_cut_off``. Links that leave trips unserved come first, then
    the most critical.

    Raises
    ------
    NetworkError
        The mode carries no trips, the demand was modelled on another network, or `top` is below 1.

    Notes
    -----
    Equal to routing the network without the link anew, but for rounding.
    """
    if top < 1:
        raise NetworkError(f"the top {top} links: allowed is 1 or more")
    ways = fastest_ways(demand, choice, mode)
    flow, section = np.zeros(len(network.links)), _sections(network, mode)
    flow[flows["link"].to_numpy(np.int64)] = flows["share"].to_numpy(float)
    flow[np.isin(section, section[np.asarray(skip, np.int64)])] = 0.0
    rows = np.flatnonzero((flow > 0) & (section >= 0))
    rows = rows[np.argsort(-flow[rows], kind="stable")]
    if one_per_section:
        rows = rows[np.sort(np.unique(section[rows], return_index=True)[1])]
    rows = rows[:top]
    figures = []
    for change in _closures(ways, losses_of(network, demand, ways, rows)):
        users = np.zeros_like(ways.trips)
        users[change.i, change.j] = ways.trips[change.i, change.j]
        figures.append(impact(demand, ways, change, users))
    known = section >= 0
    metres = np.bincount(section[known], network.links["length_m"].to_numpy(float)[known], 1)
    impacts = pd.DataFrame(figures, columns=IMPACT)
    columns = {"section": section[rows], "section_length_m": metres[section[rows]], "flow_share": flow[rows]}
    table = _lines(network, rows, **columns, **{c: impacts[c].to_numpy(float) for c in IMPACT})
    # An unserved share is a ratio of sums; rounded for the order alone.
    order = np.lexsort((-table["criticality_min"].to_numpy(), -table["unserved_share"].to_numpy().round(9)))
    return table.iloc[order].reset_index(drop=True)[COLUMNS]


def links_towards_frame(
    network: Network, flows: pd.DataFrame, frame: NDArray[np.bool_], *, mode: str = "road", top: int = TOP
) -> NDArray[np.int64]:
    """Return the links, heavy enough to be closed, whose loss cuts off only what lies by the frame of the network.

    The roads beyond that edge are not in the data, so that who lives there seems to hang on the last link that is: a
    fact of the data and not of the roads. Such a link parts the network at home in two; most people of the part without
    a post of an open crossing live by the frame.

    Parameters
    ----------
    flows, top
        As in `close_links`, which takes the first `top` sections that are left.
    frame
        Per network node: it lies by the edge of the belt that was loaded.

    Returns
    -------
    Rows of the network's links, one per section, the heaviest first.
    """
    links, section = network.links, _sections(network, mode)
    use = (links["mode"] == mode).to_numpy()
    crossing = links["crossing"].to_numpy(bool)
    gates = links[use & crossing & np.isfinite(links[FIELDS["actual"]].to_numpy(float))]
    towns, has_post = network.settlements, np.zeros(len(network.nodes), bool)
    node, people = towns["node"].to_numpy(np.int64), towns["population"].to_numpy(float)
    by_frame = people * np.asarray(frame, bool)[node]
    has_post[gates[["u", "v"]].to_numpy(np.int64).ravel()] = True
    home = np.flatnonzero(use & ~crossing)
    u, v = (links[c].to_numpy(np.int64) for c in ("u", "v"))
    heaviest = flows.assign(section=section[flows["link"].to_numpy(np.int64)])
    heaviest = heaviest[(heaviest["section"] >= 0) & (heaviest["share"] > 0)]
    heaviest = heaviest[heaviest["link"].isin(home)]  # what leads over the line is no section
    heaviest = heaviest.sort_values("share", ascending=False, kind="stable").drop_duplicates("section")
    out: list[int] = []
    rows, parting = heaviest["link"].to_numpy(np.int64), np.empty(0, bool)
    for n, row in enumerate(rows.tolist()):  # closures: dozens
        if n - len(out) >= top:
            break
        if n == len(parting):
            parting = np.append(parting, bridges(u[home], v[home], np.searchsorted(home, rows[n : n + BITS])))
        if not parting[n]:
            continue
        rest = home[home != row]
        graph = csr_array((np.ones(len(rest), np.int8), (u[rest], v[rest])), shape=(len(has_post),) * 2)
        part = connected_components(graph, directed=False)[1]
        if part[u[row]] == part[v[row]]:
            continue
        lost = [p for p in (part[u[row]], part[v[row]]) if not has_post[part == p].any()]
        if len(lost) == 1 and 2 * by_frame[part[node] == lost[0]].sum() > people[part[node] == lost[0]].sum():
            out.append(row)
    return np.array(out, np.int64)


def _lines(network: Network, rows: NDArray[np.int64], **columns: NDArray[np.generic]) -> gpd.GeoDataFrame:
    """Return links as lines with further columns."""
    links = network.links.iloc[rows]
    frame = gpd.GeoDataFrame({"link": rows, **{c: links[c].to_numpy() for c in ABOUT[1:]}, **columns})
    return frame.set_geometry(links["geometry"].to_numpy(), crs=WGS84)


def _sections(network: Network, mode: str) -> NDArray[np.int64]:
    """Return the number of the section of each link: links in series between junctions; −1 for what is not closed."""
    links = network.links
    use = (
        (links["mode"] == mode).to_numpy()
        & ~links["kind"].isin(NOT_CLOSED).to_numpy()
        & ~links["crossing"].to_numpy(bool)
    )
    rows = np.flatnonzero(use)
    out = np.full(len(links), -1)
    ends = links[["u", "v"]].to_numpy(np.int64)[rows]
    node, link = ends.ravel(), np.repeat(np.arange(len(rows)), 2)
    order = np.argsort(node, kind="stable")
    node, link = node[order], link[order]
    passing = np.bincount(node, minlength=1)[node] == 2
    first, second = link[passing][::2], link[passing][1::2]
    joined = csr_array((np.ones(len(first)), (first, second)), shape=(len(rows), len(rows)))
    out[rows] = connected_components(joined, directed=False)[1]
    return out


def _closures(ways: Ways, losses: list[Loss]) -> Iterator[Change]:
    """Yield what the pairs have to do without each of some links."""
    gates, between = ways.gates(), ways.times.overlay.between
    for loss in losses:
        middle = ways.between(gates, _put(between, loss.between)) if len(loss.between[0]) else ways.middle
        yield rerouted(ways, middle, to=_put(ways.to, loss.to), back=_put(ways.back, loss.back))


def _put(table: NDArray[np.float64], entries: Entries) -> NDArray[np.float64]:
    """Return a table with other entries; itself where there are none."""
    rows, columns, minutes = entries
    if not len(rows):
        return table
    out = table.copy()
    out[rows, columns] = minutes
    return out
