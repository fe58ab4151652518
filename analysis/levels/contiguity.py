"""Which regions hang together: by their polygons, or over the border through open checkpoints alone."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import shapely

from analysis.statistics.weights import TOUCH_DEGREES
from layers.rules import MODES

if TYPE_CHECKING:
    import geopandas as gpd
    from libpysal.graph import Graph


def plain_contiguity(regions: gpd.GeoDataFrame, border: pd.DataFrame) -> Graph:
    """Return which regions touch: on a side by their polygons, over the border where they face each other.

    Parameters
    ----------
    regions
        ``region``, ``side`` and polygons.
    border
        ``region_a``, ``region_b`` of facing regions (`layers.regions.border_line`); polygons of two sources may leave a
        gap there.
    """
    return _contiguity(regions, border[["region_a", "region_b"]])


def open_contiguity(
    regions: gpd.GeoDataFrame, checkpoints: pd.DataFrame, *, modes: Sequence[str] = MODES
) -> tuple[Graph, list[str]]:
    """Return which regions hang together if the border is passed at open checkpoints alone, and notes.

    On a side regions that touch are joined; two regions of both sides where an open checkpoint links them, and nowhere
    else.

    Parameters
    ----------
    checkpoints
        ``checkpoint_id``, ``mode``, ``open``, ``region_a``, ``region_b``.
    modes
        Modes that count.
    """
    through = checkpoints[checkpoints["open"].astype(bool) & checkpoints["mode"].isin(modes)]
    known = through["region_a"].isin(regions["region"]) & through["region_b"].isin(regions["region"])
    lost = through.loc[~known, "checkpoint_id"]
    notes = (
        [f"open checkpoints of a region that is not in the run join nothing: {', '.join(lost)}"] if len(lost) else []
    )
    return _contiguity(regions, through.loc[known, ["region_a", "region_b"]]), notes


def _contiguity(regions: gpd.GeoDataFrame, pairs: pd.DataFrame) -> Graph:
    """Return the graph of regions that touch on their side and of some pairs over the border; islands stay."""
    from libpysal.graph import Graph

    codes = regions["region"].to_numpy(dtype=object)
    polygons, side = regions.geometry.to_numpy(), regions["side"].to_numpy(dtype=object)
    i, j = shapely.STRtree(polygons).query(polygons, predicate="dwithin", distance=TOUCH_DEGREES)
    home = (i != j) & (side[i] == side[j])
    at = pd.Index(codes)
    a, b = (at.get_indexer(pairs[c]) for c in ("region_a", "region_b"))
    a, b = a[both := (a >= 0) & (b >= 0)], b[both]
    i, j = np.unique(np.c_[np.r_[i[home], a, b], np.r_[j[home], b, a]], axis=0).T
    alone = np.setdiff1d(np.arange(len(codes)), i)
    # libpysal writes an island as a pair of itself with weight 0.
    focal, other = np.r_[i, alone], np.r_[j, alone]
    order = np.lexsort((other, focal))
    weight = np.r_[np.ones(len(i)), np.zeros(len(alone))]
    return Graph.from_arrays(codes[focal[order]], codes[other[order]], weight[order])
