"""The calibration of generalised lengths.

Ways of the network beside published distances, the factor, its error left out one by one.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import dijkstra

from layers.crs import WGS84, geodesic_m, points_at, project
from network.lengths import straightened
from network.topology import Tables, components

FROM_NETWORK_KM = 10.0
"""A place further from the network's links than this is not on it."""
SAME_ROAD = (0.9, 1.2)
"""Published over network distance: outside it the network's shortest way is another road, or the list is wrong."""


@dataclass(frozen=True)
class Calibration:
    """The factor of straightened links of one mode and what it rests on.

    Attributes
    ----------
    factor
        By least squares of relative errors: published = other + factor · straightened kilometres; not below 1.
    scatter, scatter_raw
        Root mean square of log ratios, published over network: each way left out of its own fit, and with no factor at
        all.
    ways
        The published rows with ``network_km``, ``straightened_km``, ``direct_km``, ``ratio``, ``used`` and ``why_not``.
    """

    mode: str
    factor: float
    scatter: float
    scatter_raw: float
    ways: pd.DataFrame

    def __str__(self) -> str:
        n = int(self.ways["used"].sum())
        return (
            f"{self.mode}: factor {self.factor:.4f} on {n} ways, scatter {self.scatter:.4f}, without "
            f"{self.scatter_raw:.4f}"
        )


def calibrate(tables: Tables, published: pd.DataFrame, mode: str) -> Calibration:
    """Return the calibration of one mode.

    Parameters
    ----------
    tables
        Links with lengths as the source has them (`network.base.build_base` with ``length_factor=False``).
    published
        From `layers.distances.published_distances`.
    """
    ways = _judged(ways_between(tables, published[published["mode"] == mode], mode))
    used = ways[ways["used"]]
    if len(used) < 3:
        return Calibration(mode, 1.0, np.nan, np.nan, ways)
    km, bent, straight = _parts(used)
    every = np.ones(len(used), bool)
    out = np.array(
        [
            np.log(km[k] / (bent[k] + _fit(used, every & (np.arange(len(used)) != k)) * straight[k]))
            for k in range(len(used))
        ]
    )
    return Calibration(
        mode,
        _fit(used, every),
        float(np.sqrt((out**2).mean())),
        float(np.sqrt((np.log(km / (bent + straight)) ** 2).mean())),
        ways,
    )


def ways_between(tables: Tables, published: pd.DataFrame, mode: str) -> pd.DataFrame:
    """Return the published rows with the shortest way by the links of a mode.

    Between its points nearest to both places.

    Adds ``network_km`` (NaN where there is none), ``straightened_km`` of it, ``direct_km`` (geodesic between the
    places) and ``off_km``, the further place's distance from the network. Connectors are no part of it: the places
    stand on the roads.
    """
    links = tables.links[(tables.links["mode"] == mode) & (tables.links["length_m"] > 0)]
    links = links[components(links, len(tables.nodes))[links["u"].to_numpy()] == 0].reset_index(drop=True)
    start, end = (published[[f"{e}_lon", f"{e}_lat"]].to_numpy(float) for e in ("origin", "destination"))
    lines = np.asarray(project(links["geometry"].to_numpy(dtype=object), WGS84, tables.crs), dtype=object)
    tree = shapely.STRtree(lines)
    ends = [
        _spots(tree, lines, np.asarray(project(points_at(xy), WGS84, tables.crs), dtype=object)) for xy in (start, end)
    ]
    graph = _Graph.of(links, len(tables.nodes))
    found = [graph.way(ends[0][0][k], ends[0][1][k], ends[1][0][k], ends[1][1][k]) for k in range(len(published))]
    return published.reset_index(drop=True).assign(
        network_km=[m / 1000 for m, _ in found],
        straightened_km=[m / 1000 for _, m in found],
        direct_km=geodesic_m(*start.T, *end.T) / 1000,
        off_km=np.maximum(ends[0][2], ends[1][2]) / 1000,
    )


def _spots(
    tree: shapely.STRtree, lines: NDArray[np.object_], points: NDArray[np.object_]
) -> tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.float64]]:
    """Return the nearest link of points, the share of the way along it, and the distance."""
    link = np.asarray(tree.nearest(points), np.int64)
    share = shapely.line_locate_point(lines[link], points, normalized=True)
    return link, np.asarray(share, float), np.asarray(shapely.distance(lines[link], points), float)


@dataclass(frozen=True)
class _Graph:
    """Links as an undirected graph in which a way knows how much of it is straightened."""

    u: NDArray[np.int64]
    v: NDArray[np.int64]
    metres: NDArray[np.float64]
    straight: NDArray[np.bool_]
    matrix: coo_array
    row: dict[tuple[int, int], int]

    @classmethod
    def of(cls, links: pd.DataFrame, n: int) -> _Graph:
        """Return the graph of links; of parallel ones the shortest counts."""
        u, v = (links[c].to_numpy(np.int64) for c in ("u", "v"))
        metres = links["length_m"].to_numpy(float)
        pair = pd.DataFrame({"a": np.minimum(u, v), "b": np.maximum(u, v), "m": metres})
        least = pair.sort_values("m", kind="stable").drop_duplicates(["a", "b"])
        matrix = coo_array((least["m"], (least["a"], least["b"])), shape=(n, n)).tocsr()
        row = {(int(a), int(b)): int(k) for k, a, b in zip(least.index, least["a"], least["b"], strict=True)}
        return cls(u, v, metres, straightened(links), matrix, row)

    def way(self, link: int, share: float, to: int, to_share: float) -> tuple[float, float]:
        """Return metres from one place on a link to another, and the straightened ones among them."""
        if link == to:
            metres = abs(share - to_share) * self.metres[link]
            return metres, metres * self.straight[link]
        starts = ((self.u[link], share * self.metres[link]), (self.v[link], (1 - share) * self.metres[link]))
        stops = ((self.u[to], to_share * self.metres[to]), (self.v[to], (1 - to_share) * self.metres[to]))
        reach, before = dijkstra(self.matrix, directed=False, indices=[s for s, _ in starts], return_predecessors=True)
        total, i, j = min((starts[i][1] + reach[i, stops[j][0]] + stops[j][1], i, j) for i in (0, 1) for j in (0, 1))
        if not np.isfinite(total):
            return np.nan, np.nan
        straight = starts[i][1] * self.straight[link] + stops[j][1] * self.straight[to]
        at = int(stops[j][0])
        while at != starts[i][0]:
            last = int(before[i, at])
            k = self.row[min(at, last), max(at, last)]
            straight += self.metres[k] * self.straight[k]
            at = last
        return float(total), float(straight)


def _judged(ways: pd.DataFrame) -> pd.DataFrame:
    """Return the ways with the ratio of published to network distance, and whether and why not each is used."""
    ratio = ways["km"] / ways["network_km"]
    wrong = [
        (ways["km"] < ways["direct_km"], "published shorter than the geodesic between the places"),
        (ways["off_km"] > FROM_NETWORK_KM, f"a place is more than {FROM_NETWORK_KM:g} km from the network"),
        (~ratio.between(*SAME_ROAD), "the network's way is another road, or the list is wrong"),
    ]
    why = np.select([w.to_numpy() for w, _ in wrong], [text for _, text in wrong], "")
    return ways.assign(ratio=ratio, used=why == "", why_not=why)


def _parts(ways: pd.DataFrame) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Return published, other and straightened kilometres."""
    straight = ways["straightened_km"].to_numpy(float)
    return ways["km"].to_numpy(float), ways["network_km"].to_numpy(float) - straight, straight


def _fit(ways: pd.DataFrame, rows: NDArray[np.bool_]) -> float:
    """Return the factor of straightened kilometres that fits rows best, relative errors squared; 1 at the least."""
    km, bent, straight = (part[rows] for part in _parts(ways))
    weight = (straight / km) ** 2
    if not weight.sum():
        return 1.0
    return float(max(1.0, ((km - bent) / km * straight / km).sum() / weight.sum()))
