"""Ferries whose way to the roads lies in another of several extracts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import numpy as np

from layers.sources.pbf.objects import Nodes, each_once
from layers.sources.pbf.ties import Ends, has_tag, only_ways, ties

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from numpy.typing import NDArray

    from layers.sources.pbf.objects import Ways
    from layers.sources.pbf.words import Words

CELL = 1_000_000
"""A tenth of a degree: extracts touch where nodes of several lie in one cell or beside it."""


class File(Protocol):
    """An extract that was read once and can be read again."""

    cells: NDArray[np.int64]

    def lower_ways(self) -> tuple[Nodes, Ways]:
        """Return the ways of lower classes and their nodes."""


def cells_of(nodes: Nodes) -> NDArray[np.int64]:
    """Return the numbers of the cells in which there are nodes, sorted."""
    return np.unique(_cell(nodes.lon, nodes.lat))


def tie_across(
    nodes: Nodes,
    ways: Ways,
    files: Sequence[File],
    words: Words,
    ferries: Collection[int],
) -> tuple[Nodes, Ways, frozenset[int]]:
    """Return nodes and ways of several files with the lower ways that tie ferries to the roads of another file.

    Parameters
    ----------
    nodes, ways
        Those of all files, each tied within itself.
    files
        Only those are read again whose nodes lie around an end of a ferry that is loose and by which extracts touch.
    ferries
        Ids of ways that are ferries by a relation.

    Returns
    -------
    Nodes, ways, and the ids of the ways that came.
    """
    ferry = has_tag(ways, words, b"route", (b"ferry",)) | np.isin(ways.ids, list(ferries))
    drawn = ways.codes.get(b"highway", np.full(len(ways.ids), -1)) >= 0
    roads = np.unique(ways.refs[np.repeat(~ferry & drawn, ways.counts)])
    loose, seen = _loose_ends(only_ways(ways, ferry), roads, nodes)
    again = _to_read_again(seen, files)
    if not again:
        return nodes, ways, frozenset()
    parts = [file.lower_ways() for file in again]
    every = Nodes.of(
        *(
            np.concatenate([getattr(nodes, name), *(getattr(p[0], name) for p in parts)])
            for name in ("ids", "lon", "lat")
        )
    )
    small = each_once([p[1] for p in parts], words)
    at, roads_at = (found[found >= 0].astype(np.int64) for found in (every.find(loose), every.find(roads)))
    nobody = np.zeros((0, 2))
    chosen = ties(Ends(at, np.zeros(0, np.int64), nobody, roads_at, nobody), small, words, every)
    came = only_ways(small, chosen & ~np.isin(small.ids, ways.ids))
    whole = each_once([ways, came], words)
    return every.only(whole.refs), whole, frozenset(came.ids.tolist())


def _loose_ends(ferries: Ways, roads: NDArray[np.int64], nodes: Nodes) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return ids of the ends of ferries that no road touches, and the place of each, shape (n, 2).

    That of the way's nearest node where the end itself lies in no file.
    """
    loose, seen = [], []
    stop = np.cumsum(ferries.counts)
    for begin, end in zip(stop - ferries.counts, stop, strict=True):  # ferries: some hundreds in a country
        refs = ferries.refs[begin:end]
        at = nodes.find(refs)
        known = at[at >= 0]
        for ref, near in ((refs[0], known[:1]), (refs[-1], known[-1:])) if len(refs) else ():
            if len(near) and not np.isin(ref, roads):
                loose.append(ref)
                seen.append((nodes.lon[near[0]], nodes.lat[near[0]]))
    return np.unique(np.array(loose, np.int64)), np.array(seen, np.int64).reshape(-1, 2)


def _to_read_again(seen: NDArray[np.int64], files: Sequence[File]) -> list[File]:
    """Return the files that touch another one around some places."""
    wanted: set[int] = set()
    around = np.array([(i * CELL, j * CELL) for i in (-1, 0, 1) for j in (-1, 0, 1)])
    for place in seen:  # loose ends: few
        cells = _cell(*(place + around).T)
        there = [k for k, file in enumerate(files) if np.isin(cells, file.cells).any()]
        wanted.update(there if len(there) > 1 else ())
    return [files[k] for k in sorted(wanted)]


def _cell(lon: NDArray[np.int64] | NDArray[np.int32], lat: NDArray[np.int64] | NDArray[np.int32]) -> NDArray[np.int64]:
    return (lon.astype(np.int64) // CELL) * 4096 + lat.astype(np.int64) // CELL
