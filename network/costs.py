"""Costs are whole thousandths of their unit: sums are exact in any order, so that every engine finds the same minutes.

Half a thousandth of a minute per link, 30 milliseconds, is below any speed that is known; half a millimetre is below
any length.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
from scipy.sparse import csr_array

from network.through import closed_to_through

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    import pandas as pd
    from numpy.typing import NDArray

THOUSAND = 1000.0
TABLE = 20_000_000
"""Costs of a table that are held as doubles, 160 MB. A larger one is made in blocks of as many and held in single
precision, which keeps a thousandth of a minute up to 16,777 minutes, eleven days."""
CHUNK, CHUNK_NODES = 256, 8_000_000
"""Trees held at once, and their positions together: 64 MB whatever the number of targets and the size of the
network."""
BLOCK = 50_000
"""Sums of 32 bits at once, half as many of 64: they and what they are compared with stay in the processor's cache."""
TOGETHER = 128
"""Rows that are put together over what lies in the middle at once."""
FAR = 2**30 - 1
"""No way, in whole thousandths of 32 bits: the sum of two is a number still."""
NONE = -1
"""No way, in what is kept in half of the bytes."""
Number = TypeVar("Number", np.float64, np.int32)
DOMESTIC_WAIT = ("road",)
"""Modes whose waits a trip home through the neighbour is charged: a train in transit that does not stop is passed
without."""


def whole(costs: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return costs rounded to whole thousandths of their unit; infinity stays.

    Examples
    --------
    >>> whole(np.array([0.1234, 7.0006, np.inf])).tolist()
    [0.123, 7.001, inf]
    """
    return np.asarray(np.rint(costs * THOUSAND) / THOUSAND, float)


def settled(sums: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return sums of rounded costs as the thousandths that they are, in place.

    What an engine's order of adding leaves is gone.

    Examples
    --------
    >>> settled(np.array([0.1 + 0.2])).tolist()
    [0.3]
    """
    np.multiply(sums, THOUSAND, out=sums)
    np.rint(sums, out=sums)
    np.divide(sums, THOUSAND, out=sums)
    return sums


def with_costs(links: pd.DataFrame, domestic_wait: Collection[str] = DOMESTIC_WAIT) -> pd.DataFrame:
    """Return the links with the cost fields in minutes, those of `FIELDS` and `DOMESTIC`.

    Infinity where a link can't be passed.

    They are whole thousandths (`network.costs`); ``time_min`` and ``wait_min`` stay as they are.
    """
    moving = np.where(closed_to_through(links), np.inf, whole(links["time_min"].to_numpy(float)))
    wait = whole(links["wait_min"].to_numpy(float))
    closed = ~links["passable"].to_numpy(bool)
    open_min = np.where(closed, np.inf, moving)
    # A post on assumed connectors that is closed in the study is no road of the data.
    absent = (
        closed & ~links["base_open"].fillna(True).to_numpy(bool) if "base_open" in links else np.zeros(len(links), bool)
    )
    return links.assign(
        # Gates, connectors and transfers are no ways of OpenStreetMap.
        osm_ids=links["osm_ids"].fillna("") if "osm_ids" in links else "",
        crossing=links["crossing_id"] != "",
        base_open=links["base_open"].fillna(True).astype(bool) if "base_open" in links else True,
        borderless_min=np.where(absent, np.inf, moving),
        open_min=open_min,
        actual_min=whole(open_min + wait),
        domestic_min=whole(open_min + wait * links["mode"].isin(list(domestic_wait)).to_numpy()),
    )


def cheapest_arcs(
    tail: NDArray[np.signedinteger[Any]],
    head: NDArray[np.signedinteger[Any]],
    weight: NDArray[np.float64],
    arc: NDArray[np.int64],
    n: int,
) -> tuple[csr_array, NDArray[np.int64]]:
    """Return the CSR of passable arcs, the cheapest of parallel ones, and the link of each entry.

    Arcs come sorted by tail, head and row.
    """
    use = np.isfinite(weight)
    again = np.flatnonzero((tail[1:] == tail[:-1]) & (head[1:] == head[:-1])) + 1
    if len(again):
        # Hardly any arc has one beside it.
        some = np.union1d(again - 1, again)
        begins = np.flatnonzero(~np.isin(some, again))
        group = np.repeat(np.arange(len(begins)), np.diff(begins, append=len(some)))
        least = np.minimum.reduceat(weight[some], begins)[group]
        cheapest = np.flatnonzero((weight[some] == least) & use[some])
        use[some] = False
        # Of equally cheap ones the lower row.
        use[some[cheapest[np.diff(group[cheapest], prepend=-1) != 0]]] = True
    tail, head, weight, arc = tail[use], head[use], weight[use], arc[use]
    indptr = np.concatenate([[0], np.cumsum(np.bincount(tail, minlength=n))]).astype(np.int32)
    return csr_array((weight, head.astype(np.int32), indptr), shape=(n, n)), arc


def only(costs: csr_array, arcs: NDArray[np.bool_]) -> csr_array:
    """Return compiled costs with some of their arcs alone, by their place in them."""
    indptr = np.concatenate([[0], np.cumsum(arcs)])[costs.indptr].astype(np.int32)
    return csr_array((costs.data[arcs], costs.indices[arcs], indptr), shape=costs.shape)


def without(costs: csr_array, nodes: NDArray[np.bool_]) -> csr_array:
    """Return compiled costs without the arcs from and to some nodes; nodes behind the last one given stay.

    Examples
    --------
    >>> costs = csr_array(np.array([[0, 1.0, 0], [0, 0, 2.0], [3.0, 0, 0]]))
    >>> without(costs, np.array([True])).toarray().tolist()
    [[0.0, 0.0, 0.0], [0.0, 0.0, 2.0], [0.0, 0.0, 0.0]]
    """
    gone = np.pad(nodes, (0, costs.shape[0] - len(nodes)))
    return only(costs, ~(np.repeat(gone, np.diff(costs.indptr)) | gone[costs.indices]))


def narrow(sums: NDArray[np.float64]) -> NDArray[Any]:
    """Return whole sums in half of the bytes where these hold them.

    Examples
    --------
    >>> narrow(np.array([7.0, np.inf])).tolist(), wide(narrow(np.array([7.0, np.inf]))).tolist()
    ([7, -1], [7.0, inf])
    """
    known = np.isfinite(sums)
    if sums.max(where=known, initial=0.0) >= 2**31:
        return sums
    out = np.full(sums.shape, NONE, np.int32)
    np.copyto(out, sums, where=known, casting="unsafe")
    return out


def wide(sums: NDArray[Any]) -> NDArray[np.float64]:
    """Return sums that are narrow as they were."""
    return np.asarray(np.where(sums == NONE, np.inf, sums), float) if sums.dtype == np.int32 else sums


def shortest_minutes(a: NDArray[np.float64], b: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the min-plus product of two tables of whole thousandths, as the thousandths that its sums are.

    Examples
    --------
    >>> shortest_minutes(np.array([[0.1, np.inf]]), np.array([[0.2, np.inf], [0.0, 1.0]])).tolist()
    [[0.3, inf]]
    """
    most = max(float(t.max(where=np.isfinite(t), initial=0.0)) for t in (a, b)) * THOUSAND
    if most >= FAR / 2:
        return settled(min_plus(a, b))
    # Half as many bytes as doubles have: more than twice as quick.
    whole_a, whole_b = (np.where(np.isfinite(t), np.rint(t * THOUSAND), FAR).astype(np.int32) for t in (a, b))
    sums = min_plus(whole_a, whole_b)
    return np.where(sums < FAR, sums / THOUSAND, np.inf)


def min_plus(a: NDArray[Number], b: NDArray[Number]) -> NDArray[Number]:
    """Return the min-plus product of two tables: shortest sums over the middle, shape (rows of a, columns of b).

    No way is infinity, or `FAR` in whole numbers.
    """
    out = np.full((a.shape[0], b.shape[1]), FAR if a.dtype.kind == "i" else np.inf, a.dtype)
    step = max(1, BLOCK * 4 // max(b.shape[1] * b.itemsize, 1))
    for start in range(0, len(a), step):
        rows = slice(start, start + step)
        least, sums = out[rows], np.empty_like(out[rows])
        for k in range(a.shape[1]):  # posts: dozens; whole blocks at each
            np.add(a[rows, k, None], b[k], out=sums)
            np.minimum(least, sums, out=least)
    return out


def passed_before(at: NDArray[np.float64], home: NDArray[np.float64], *, slack: float = 0.0) -> NDArray[np.bool_]:
    """Return which middles each row reaches by another middle and from there at home, or not at all.

    Whatever lies behind such a middle is reached from that other as soon.

    Parameters
    ----------
    at
        Costs from rows to middles, shape (rows, middles).
    home
        Costs at home between the middles.
    slack
        Sums of the same costs in another order differ by no more.

    Examples
    --------
    >>> passed_before(np.array([[1.0, 3.0, np.inf]]), np.array([[0, 2.0, 9], [2, 0, 9], [9, 9, 0]])).tolist()
    [[False, True, True]]
    """
    return np.asarray(min_plus(at, np.where(home > 0, home, np.inf)) <= at + slack, bool)


def by_middles(at: NDArray[np.float64]) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """Yield runs of rows, and the middles that any of them reaches: rows with the same nearest one reach few others.

    Parameters
    ----------
    at
        Costs from rows to middles, infinity where none is wanted, shape (rows, middles).
    """
    order = np.argsort(at.argmin(axis=1), kind="stable") if at.shape[1] else np.empty(0, np.int64)
    for start in range(0, len(order), TOGETHER):
        rows = order[start : start + TOGETHER]
        middles = np.flatnonzero(np.isfinite(at[rows]).any(axis=0))
        if len(middles):
            yield rows, middles


def shortest_walks(table: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the shortest walks between all of some ends by their direct ways (Floyd and Warshall).

    Examples
    --------
    >>> shortest_walks(np.array([[np.inf, 1.0, 9.0], [np.inf, np.inf, 2.0], [np.inf, np.inf, np.inf]])).tolist()
    [[0.0, 1.0, 3.0], [inf, 0.0, 2.0], [inf, inf, 0.0]]
    """
    out = table.copy()
    np.fill_diagonal(out, 0.0)
    for k in range(len(out)):
        np.minimum(out, out[:, k, None] + out[None, k], out=out)
    return out


def blank(rows: int, columns: int) -> NDArray[np.float64]:
    """Return a table without any way, in single precision where it has more than `TABLE` entries."""
    out: NDArray[np.float64] = np.full((rows, columns), np.inf, np.float64 if rows * columns <= TABLE else np.float32)
    return out


def blocks(rows: int, columns: int) -> Iterator[slice]:
    """Return runs of rows of a table that have no more than `TABLE` entries each, about as many all of them.

    Examples
    --------
    >>> [(b.start, b.stop) for b in blocks(5, TABLE // 2)]
    [(0, 2), (2, 4), (4, 5)]
    """
    number = -(-rows // max(1, TABLE // max(columns, 1)))
    step = max(1, -(-rows // max(number, 1)))
    return (slice(start, min(start + step, rows)) for start in range(0, rows, step))


def at_once(nodes: int) -> int:
    """Return how many trees of so many nodes may be held at once."""
    return int(np.clip(CHUNK_NODES // max(nodes, 1), 1, CHUNK))
