"""All pairs between two lists of places: minutes, waits, kilometres and the checkpoints on the way."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from scipy.sparse.csgraph import dijkstra

from gis.queries.route import check_options, join_named
from layers.settlements import Place, find_place
from network.build import DOMESTIC, FIELDS, NETWORKS, Network
from network.modes import MODES
from network.routing import Router, arcs_table, compile_router

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from gis.inputs import Prepared


def minutes_between(
    network: Network,
    prepared: Prepared,
    origins: Sequence[str | Place],
    targets: Sequence[str | Place],
    *,
    mode: str = "road",
    field: str = "actual",
) -> pd.DataFrame:
    """Return the quickest way of every pair of places.

    Parameters
    ----------
    origins, targets
        Settlements by any of their names, ``lon,lat``, or places that are found already.
    mode, field
        See `network.routing.MODES` and `network.build.NETWORKS`.

    Returns
    -------
    A row per pair: ``origin``, ``destination``, ``minutes`` (wait included), ``wait_min``, ``length_m``,
    ``checkpoints`` (ids in order, between ``|``). NaN and empty where there is no way.

    Raises
    ------
    PlaceError
        A place is unknown, ambiguous or off the two sides; or an option is unknown.
    """
    check_options(mode=(mode, MODES), network=(field, NETWORKS))
    lists = [
        [t if isinstance(t, Place) else find_place(network.settlements, t) for t in one] for one in (origins, targets)
    ]
    places = list(dict.fromkeys([*lists[0], *lists[1]]))
    joined, nodes, sides = join_named(network, prepared, places)
    router = compile_router(joined, mode)
    at = {place: int(p) for place, p in zip(places, router.positions(nodes), strict=True)}
    side = dict(zip(places, sides, strict=True))
    ends = np.array([at[t] for t in lists[1]], np.int64)
    there = np.array([side[t] for t in lists[1]], dtype=object)
    rows = []
    for place in lists[0]:  # a tree each
        table = _from_one(router, at[place], ends, FIELDS[field])
        home = there == side[place]
        if field == "actual" and home.any():
            table = _at_home(router, at[place], ends, table, home)
        rows.append(table.assign(origin=place.label, destination=[t.label for t in lists[1]]))
    columns = ["origin", "destination", "minutes", "wait_min", "length_m", "checkpoints"]
    return pd.concat(rows, ignore_index=True)[columns] if rows else pd.DataFrame(columns=columns)


def _from_one(router: Router, start: int, ends: NDArray[np.int64], field: str) -> pd.DataFrame:
    """Return the ways from one position to others: values of the arcs summed up along the tree."""
    n = len(router.nodes)
    if start < 0:
        return _blank(len(ends))
    cost, before = dijkstra(router.costs[field], indices=start, return_predecessors=True)
    parent = np.where(before >= 0, before, np.arange(n))
    arcs = arcs_table(router, field)
    ends_of = [router.positions(arcs[c].to_numpy(np.int64)) for c in ("u", "v")]
    rows = pd.Series(arcs["link"].to_numpy(), index=pd.MultiIndex.from_arrays(ends_of))
    inner = np.flatnonzero(before >= 0)
    link = np.full(n, -1)
    link[inner] = rows.reindex(pd.MultiIndex.from_arrays([parent[inner], inner])).to_numpy()
    links = router.network.links
    has = link >= 0
    metres, wait = np.zeros(n), np.zeros(n)
    metres[has] = links["length_m"].to_numpy(float)[link[has]]
    if field == FIELDS["actual"]:
        wait[has] = links["wait_min"].to_numpy(float)[link[has]]
    gate = np.full(n, "", dtype=object)
    gate[has] = links["checkpoint_id"].to_numpy(dtype=object)[link[has]]
    last = np.where(gate != "", np.arange(n), -1)
    jump = parent.copy()
    while (jump != jump[jump]).any():
        # Twice as far up the tree in each round, so that a way of a thousand links takes ten.
        metres, wait = metres + metres[jump], wait + wait[jump]
        last = np.where(last >= 0, last, last[jump])
        jump = jump[jump]
    reached = (ends >= 0) & np.isfinite(cost[np.maximum(ends, 0)])
    at = np.maximum(ends, 0)
    passed = [_gates(int(e), last, gate, parent) if r else "" for e, r in zip(at, reached, strict=True)]
    return pd.DataFrame(
        {
            "minutes": np.where(reached, cost[at], np.nan),
            "wait_min": np.where(reached, wait[at], np.nan),
            "length_m": np.where(reached, metres[at], np.nan),
            "checkpoints": passed,
        }
    )


def _gates(end: int, last: NDArray[np.int64], gate: NDArray[np.object_], parent: NDArray[np.int64]) -> str:
    """Return the checkpoints on the way to a position, in order."""
    out, at = [], int(last[end])
    while at >= 0:
        out.append(str(gate[at]))
        at = int(last[parent[at]])
    return "|".join(reversed(out))


def _at_home(
    router: Router, start: int, ends: NDArray[np.int64], table: pd.DataFrame, home: NDArray[np.bool_]
) -> pd.DataFrame:
    """Return the ways with those between places of one side as trips home are charged, see `network.domestic`."""
    if start < 0:
        return table
    tree = router.trees([int(router.nodes[start])], DOMESTIC)[0]
    cost = np.where(ends >= 0, tree[np.maximum(ends, 0)], np.inf)
    differ = home & np.isfinite(cost) & ~np.isclose(cost, table["minutes"].to_numpy(float), rtol=1e-9, atol=1e-9)
    out = {name: table[name].tolist() for name in ("minutes", "wait_min", "length_m", "checkpoints")}
    for row in np.flatnonzero(differ).tolist():  # ways home through the neighbour: few
        path = router.path(int(router.nodes[start]), int(router.nodes[ends[row]]), DOMESTIC)
        if path is not None:
            row_values = (float(cost[row]), path.wait_min, path.length_m, "|".join(path.checkpoints))
            for name, value in zip(out, row_values, strict=True):
                out[name][row] = value
    return table.assign(**out)


def _blank(rows: int) -> pd.DataFrame:
    """Return rows without a way."""
    return pd.DataFrame({"minutes": np.full(rows, np.nan), "wait_min": np.nan, "length_m": np.nan, "checkpoints": ""})
