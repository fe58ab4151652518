"""Which gates are one crossing, and how its posts share the trips that choose it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.sparse.csgraph import connected_components

from network.border import CLUSTER_KM

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from network.overlay import Overlay


def number_crossings(overlay: Overlay) -> NDArray[np.int64]:
    """Return the crossing of each gate of an overlay, numbered from 0 in the order of the crossings' ids.

    Gates of one crossing of the data are one; so are gates within `network.border.CLUSTER_KM` of each other (less where
    the line is known better), for posts that stand on connectors have a crossing each, whatever the place.
    """
    gates = overlay.gates
    if gates.empty:
        return np.empty(0, np.int64)
    ids, of_id = np.unique(gates["crossing_id"].to_numpy(dtype=str), return_inverse=True)
    network = overlay.home.network
    xy = network.nodes[["px", "py"]].to_numpy(float)[overlay.posts]
    spot = (xy[gates["tail"].to_numpy()] + xy[gates["head"].to_numpy()]) / 2
    limit_m = min(CLUSTER_KM, network.base.border.tolerance_km) * 1000
    near = np.linalg.norm(spot[:, None] - spot[None], axis=2) <= limit_m  # gates: hundreds at the most
    one = near | (of_id[:, None] == of_id)
    label = connected_components(one, directed=False)[1]
    first = np.full(label.max() + 1, len(ids))
    np.minimum.at(first, label, of_id)
    return np.asarray(np.unique(first[label], return_inverse=True)[1], np.int64)


def share_weights(odds: NDArray[np.float64], crossing: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return the weights of posts in a choice whose alternatives are the crossings.

    A crossing weighs as much as its best post, so that a second post beside the first makes it no more attractive. The
    weight that posts have in common is shared equally among them: with e₁ ≥ e₂ ≥ … ≥ eₙ the k-th has Σ_{j≥k} (eⱼ −
    eⱼ₊₁)/j (the Shapley value of the airport game, Littlechild & Owen 1973). So weights change smoothly with the waits,
    equal posts have equal ones, and no post has less once another closes.

    Parameters
    ----------
    odds
        e^(−θ·minutes), a row per post.
    crossing
        Of each row.

    Examples
    --------
    Two posts of one crossing, and one elsewhere:

    >>> share_weights(np.array([1.0, 0.5, 0.8]), np.array([0, 0, 1])).tolist()
    [0.75, 0.25, 0.8]
    """
    out = np.array(odds, float)
    for rows in shared_rows(crossing):  # crossings with several posts: a few
        e = out[rows]
        order = np.argsort(-e, axis=0, kind="stable")
        falling = np.take_along_axis(e, order, axis=0)
        step = falling - np.concatenate([falling[1:], np.zeros_like(falling[:1])])
        part = step / np.arange(1, len(rows) + 1).reshape(-1, *[1] * (e.ndim - 1))
        shared = np.empty_like(e)
        np.put_along_axis(shared, order, np.cumsum(part[::-1], axis=0)[::-1], axis=0)
        out[rows] = shared
    return out


def shared_rows(crossing: NDArray[np.int64]) -> list[NDArray[np.int64]]:
    """Return the rows of each crossing that has several."""
    number, count = np.unique(crossing, return_counts=True)
    return [np.flatnonzero(crossing == n) for n in number[count > 1]]
