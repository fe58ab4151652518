"""All pairs between two lists of places: minutes, waits, kilometres and the checkpoints on the way."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path as FilePath
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from scipy.sparse.csgraph import dijkstra

from gis.inputs import Fetching, Prepared
from gis.kept import take_or_build
from gis.queries.route import check_options, join_named
from gis.study import Study, load_study
from layers.settlements import find_place, refuse_unknown
from network.build import FIELDS, NETWORKS, Network
from network.routing import MODES, Router, arcs_table, compile_router

if TYPE_CHECKING:
    from numpy.typing import NDArray


def solve_matrix(
    study: Study | str | FilePath | None,
    origins: Sequence[str],
    targets: Sequence[str],
    *,
    mode: str = "road",
    field: str = "actual",
    fetching: Fetching | None = None,
) -> pd.DataFrame:
    """Return the quickest way of every pair of places of a study; see `minutes_between`."""
    check_options(mode=(mode, MODES), network=(field, NETWORKS))
    # Before a network is built: a mistyped name is known at once.
    prepared, network = take_or_build(
        study if isinstance(study, Study) else load_study(study),
        fetching=fetching,
        look=lambda found: refuse_unknown(found.layers["settlements"], [*origins, *targets]),
    )
    return minutes_between(network, prepared, origins, targets, mode=mode, field=field)


def minutes_between(
    network: Network,
    prepared: Prepared,
    origins: Sequence[str],
    targets: Sequence[str],
    *,
    mode: str = "road",
    field: str = "actual",
) -> pd.DataFrame:
    """Return the quickest way of every pair of places.

    Parameters
    ----------
    origins, targets
        Settlements by any of their names, or ``lon,lat``.
    mode, field
        See `network.routing.MODES` and `network.build.NETWORKS`.

    Returns
    -------
    A row per pair: ``origin``, ``destination``, ``minutes`` (wait included), ``wait_min``, ``length_m``, ``checkpoints`` (ids in
    order, between ``|``). NaN and empty where there is no way.

    Raises
    ------
    PlaceError
        A place is unknown, ambiguous or off the two sides; or an option is unknown.
    """
    check_options(mode=(mode, MODES), network=(field, NETWORKS))
    names = list(dict.fromkeys([*origins, *targets]))
    places = [find_place(network.settlements, text) for text in names]
    joined, nodes, _ = join_named(network, prepared, places)
    router = compile_router(joined, mode)
    node = dict(zip(names, nodes, strict=True))
    label = dict(zip(names, (p.label for p in places), strict=True))
    ends = router.positions([node[t] for t in targets])
    rows = []
    for text in origins:  # a tree each
        table = _from_one(router, int(router.positions([node[text]])[0]), ends, FIELDS[field])
        rows.append(table.assign(origin=label[text], destination=[label[t] for t in targets]))
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


def _blank(rows: int) -> pd.DataFrame:
    """Return rows without a way."""
    return pd.DataFrame({"minutes": np.full(rows, np.nan), "wait_min": np.nan, "length_m": np.nan, "checkpoints": ""})
