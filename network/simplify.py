"""Contraction of degree-2 nodes with everything kept: geometry, length, time, and which links a chain was made of."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import shapely
from scipy.sparse import coo_array, csr_array
from scipy.sparse.csgraph import connected_components, dijkstra

from network.topology import Tables

if TYPE_CHECKING:
    from numpy.typing import NDArray

SUMMED = ("length_m", "time_min")
ANY = ("bridged", "toll")
SEPARATOR = "|"
"""Between the ids of the OSM ways that one link was made of."""


def simplify(tables: Tables, keep: NDArray[np.bool_]) -> tuple[Tables, pd.DataFrame]:
    """Return the tables with chains of degree-2 nodes merged to one link each, and what each was made of.

    Parameters
    ----------
    keep
        Per node: stays a node whatever its degree (posts, stations, ends of crossings).

    Returns
    -------
    The tables: lengths and minutes summed, geometry joined, ``speed_kph`` the chain's mean, flags true where one part's
    is, ``osm_ids`` those of all parts in their order from u to v, each once, other columns from the longest part. Nodes
    keep their numbers; those inside a chain are left without links. And the members: ``link`` (row in the new table),
    ``position`` along it, ``part`` (row in the old one), ``reversed``.

    Notes
    -----
    A node stays where modes differ, where a one-way meets a two-way or its opposite, and one node of each ring. Whole
    columns throughout: the order along a chain is a breadth-first distance, the direction of each part an alternating
    sum.
    """
    links = tables.links
    u, v = links["u"].to_numpy(np.int64), links["v"].to_numpy(np.int64)
    through = _inner_nodes(links, u, v, keep)
    chain, position, entry = _chains(u, v, through)
    order = np.lexsort((position, chain))
    first = np.r_[True, np.diff(chain[order]) != 0]
    last = np.r_[first[1:], True]
    backward = entry != u
    # A chain of one-way parts is drawn in their direction: flip where its first part would run against it.
    oneway = links["oneway"].to_numpy(bool)
    against = np.zeros(chain.max() + 1 if len(chain) else 0, bool)
    against[chain[order[first]]] = oneway[order[first]] & backward[order[first]]
    flip = against[chain]
    order = np.lexsort((np.where(flip, -position, position), chain))
    first = np.r_[True, np.diff(chain[order]) != 0]
    last = np.r_[first[1:], True]
    backward ^= flip
    merged = _merged(links, chain, order, first, last, backward, u, v)
    members = pd.DataFrame(
        {
            "link": chain[order],
            "position": np.arange(len(order)) - np.flatnonzero(first)[np.cumsum(first) - 1],
            "part": order,
            "reversed": backward[order],
        }
    )
    return Tables(tables.nodes, merged, tables.crs), members


def contract(
    u: NDArray[np.int64], v: NDArray[np.int64], length: NDArray[np.float64], keep: NDArray[np.bool_]
) -> pd.DataFrame:
    """Return the undirected links left when chains of degree-2 nodes are merged: topology and lengths alone.

    Parameters
    ----------
    u, v, length
        Undirected links; parallel links stay parallel.
    keep
        Per node: never contracted.

    Returns
    -------
    ``u``, ``v``, ``length`` and ``ring`` (no node of it is a junction or to keep: one loop). ``attrs["chain_of"]``
    gives the row of every link of the input.
    """
    n = len(keep)
    through = (np.bincount(u, minlength=n) + np.bincount(v, minlength=n) == 2) & ~keep
    alone = through[u] & (u == v)
    through[u[alone]] = False
    chain, position, entry = _chains(u, v, through)
    order = np.lexsort((position, chain))
    first = np.r_[True, np.diff(chain[order]) != 0] if len(order) else np.array([], bool)
    head, tail = order[first], order[np.r_[first[1:], True]] if len(order) else order
    end = u[tail] + v[tail] - entry[tail]
    stops = np.bincount(chain, ~through[u] | ~through[v], minlength=len(head)) > 0
    out = pd.DataFrame(
        {
            "u": np.minimum(entry[head], end),
            "v": np.maximum(entry[head], end),
            "length": np.bincount(chain, length, minlength=len(head)),
            "ring": ~stops | (np.bincount(chain, alone, minlength=len(head)) > 0),
        }
    )
    out.attrs["chain_of"] = chain
    return out


def _inner_nodes(
    links: pd.DataFrame, u: NDArray[np.int64], v: NDArray[np.int64], keep: NDArray[np.bool_]
) -> NDArray[np.bool_]:
    """Return which nodes lie inside a chain."""
    n = len(keep)
    degree = np.bincount(u, minlength=n) + np.bincount(v, minlength=n)
    inner = (degree == 2) & ~keep
    inner[u[u == v]] = False
    mode = links["mode"].astype("category").cat.codes.to_numpy(np.int64) if len(links) else np.array([], np.int64)
    total = np.bincount(u, mode, minlength=n) + np.bincount(v, mode, minlength=n)
    square = np.bincount(u, mode**2, minlength=n) + np.bincount(v, mode**2, minlength=n)
    inner &= total**2 == 2 * square  # two numbers are equal where the square of their sum is twice the sum of squares
    oneway = links["oneway"].to_numpy(bool)
    starts = np.bincount(u[oneway], minlength=n)
    ends = np.bincount(v[oneway], minlength=n)
    steady = ((starts == 0) & (ends == 0)) | ((starts == 1) & (ends == 1))
    return np.asarray(inner & steady, bool)


def _chains(
    u: NDArray[np.int64], v: NDArray[np.int64], through: NDArray[np.bool_]
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Return each link's chain, its position in it, and the node where a walk along the chain enters it."""
    m = len(u)
    if not m:
        empty = np.array([], np.int64)
        return empty, empty, empty
    _, chain = connected_components(_line_graph(u, v, through), directed=False)
    # A ring has no end to begin at: one of its nodes, that of its first link, is made one.
    stopped = ~through[u] | ~through[v]
    rings = np.setdiff1d(chain, chain[stopped])
    _, representative = np.unique(chain, return_index=True)
    through = through.copy()
    through[u[representative[rings]]] = False
    line = _line_graph(u, v, through)
    _, chain = connected_components(line, directed=False)
    stop = np.where(~through[u], u, np.where(~through[v], v, -1))
    ends = pd.DataFrame({"chain": chain, "stop": stop, "link": np.arange(m)})[stop >= 0]
    head = ends.sort_values(["chain", "stop", "link"]).drop_duplicates("chain")
    begin, start = head["link"].to_numpy(), head["stop"].to_numpy()
    position = dijkstra(line, directed=False, indices=begin, unweighted=True, min_only=True).astype(np.int64)
    order = np.lexsort((position, chain))
    first = np.r_[True, np.diff(chain[order]) != 0]
    # entry[k + 1] = (u + v)[k] − entry[k]: an alternating sum, by one cumulative sum over all chains.
    sign = 1 - 2 * (position[order] % 2)
    total = np.cumsum(sign * (u + v)[order])
    before = total - sign * (u + v)[order]
    base = before[first][np.cumsum(first) - 1]
    origin = np.empty(chain.max() + 1, np.int64)
    origin[head["chain"].to_numpy()] = start
    entry = np.empty(m, np.int64)
    entry[order] = sign * (origin[chain[order]] - (before - base))
    return chain.astype(np.int64), position, entry


def _line_graph(u: NDArray[np.int64], v: NDArray[np.int64], through: NDArray[np.bool_]) -> csr_array:
    """Return the graph whose vertices are the links: two are joined where they share an inner node."""
    ends, link = np.concatenate([u, v]), np.concatenate([np.arange(len(u))] * 2)
    at = np.flatnonzero(through[ends])
    pairs = link[at[np.argsort(ends[at], kind="stable")]].reshape(-1, 2).astype(np.int32)
    return coo_array((np.ones(len(pairs), np.int8), (pairs[:, 0], pairs[:, 1])), shape=(len(u), len(u))).tocsr()


def _merged(
    links: pd.DataFrame,
    chain: NDArray[np.int64],
    order: NDArray[np.int64],
    first: NDArray[np.bool_],
    last: NDArray[np.bool_],
    backward: NDArray[np.bool_],
    u: NDArray[np.int64],
    v: NDArray[np.int64],
) -> pd.DataFrame:
    """Return one row per chain."""
    n = int(first.sum())
    length = links["length_m"].to_numpy(float)
    # Other columns follow the longest part; of equals the earlier row.
    longest = np.lexsort((np.arange(len(links)), -length, chain))
    lead = longest[np.r_[True, np.diff(chain[longest]) != 0]] if n else longest
    out = links.iloc[lead].reset_index(drop=True)
    head, tail = order[first], order[last]
    columns: dict[str, NDArray[np.generic]] = {
        "u": np.where(backward[head], v[head], u[head]),
        "v": np.where(backward[tail], u[tail], v[tail]),
        "geometry": _joined_lines(links["geometry"].to_numpy(dtype=object), chain, order, backward, n),
    }
    for column in SUMMED:
        if column in links:
            columns[column] = np.bincount(chain, links[column].to_numpy(float), minlength=n)
    for column in ANY:
        if column in links:
            columns[column] = np.bincount(chain, links[column].to_numpy(bool), minlength=n) > 0
    if "open_share" in links:
        # A way is open while all of its parts are: at the most the least of their shares.
        columns["open_share"] = np.minimum.reduceat(links["open_share"].to_numpy(float)[order], np.flatnonzero(first))
    if "osm_ids" in links:
        columns["osm_ids"] = _joined_ids(links["osm_ids"].to_numpy(dtype=object), chain[order], order, n)
    if "time_min" in columns and "speed_kph" in links:
        minutes = np.asarray(columns["time_min"], float)
        km = np.asarray(columns["length_m"], float) / 1000
        mean = np.divide(60 * km, minutes, out=np.full(n, np.nan), where=minutes > 0)
        single = np.bincount(chain, minlength=n) == 1
        columns["speed_kph"] = np.where(single, out["speed_kph"].to_numpy(float), mean)
    return out.assign(**columns)


def _joined_ids(
    texts: NDArray[np.object_], chain: NDArray[np.int64], order: NDArray[np.int64], n: int
) -> NDArray[np.object_]:
    """Return the ids of each chain's parts along it, each once, as one text; `chain` is in the `order` of the parts."""
    words = pc.split_pattern(pa.array(texts[order], pa.string(), from_pandas=True), SEPARATOR)
    owner = chain[pc.list_parent_indices(words).to_numpy()]
    word = pc.dictionary_encode(words.flatten())
    code = word.indices.to_numpy().astype(np.int64)
    known = (np.asarray(pc.utf8_length(word.dictionary)) > 0)[code]
    use = np.flatnonzero(known & ~pd.Series(owner * len(word.dictionary) + code).duplicated().to_numpy())
    stop = np.cumsum(np.bincount(owner[use], minlength=n))
    lists = pa.ListArray.from_arrays(np.r_[0, stop].astype(np.int32), word.dictionary.take(pa.array(code[use])))
    return np.asarray(pc.binary_join(lists, SEPARATOR).to_numpy(zero_copy_only=False), dtype=object)


def _joined_lines(
    lines: NDArray[np.object_], chain: NDArray[np.int64], order: NDArray[np.int64], backward: NDArray[np.bool_], n: int
) -> NDArray[np.object_]:
    """Return the geometry of each chain: its parts' vertices one after the other, joints once."""
    if not n:
        return np.array([], dtype=object)
    xy, owner = shapely.get_coordinates(lines, return_index=True)
    count = np.bincount(owner, minlength=len(lines))
    start = np.cumsum(count) - count
    size = count[order]
    part = np.repeat(np.arange(len(order)), size)
    step = np.arange(len(part)) - np.repeat(np.cumsum(size) - size, size)
    turned = backward[order][part]
    row = start[order][part] + np.where(turned, size[part] - 1 - step, step)
    # The first vertex of a part that follows another is the last one of that.
    joint = (step == 0) & (np.r_[True, np.diff(chain[order]) != 0][part] == 0)
    return np.asarray(shapely.linestrings(xy[row[~joint]], indices=chain[order][part[~joint]]), dtype=object)
