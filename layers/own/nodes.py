"""Node numbers of a user's own links against the ends of their lines: the direction of a drawing moves no node."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import shapely

from layers.crs import geodesic_m
from layers.spots import DIGITS, different_spots

if TYPE_CHECKING:
    import geopandas as gpd
    from numpy.typing import NDArray

TORN_M = 100.0
"""An end further than this from where its node lies otherwise does not belong to it."""
TRUSTED = 0.05
"""Share of such ends beyond which the numbers are not those of the lines."""


def agreeing(frame: gpd.GeoDataFrame, layer: str, where: str) -> tuple[gpd.GeoDataFrame, list[str]]:
    """Return links whose ``u`` is where their line begins, and notes.

    ``u`` and ``v`` are dropped where these are not the lines' own.

    A node lies where most of its links have an end. A line drawn from v to u has the two exchanged: the drawing says
    which way a one-way road leads.

    Parameters
    ----------
    frame
        Lines in longitude and latitude; ``u`` and ``v`` may be numbers or names.
    """
    if "u" not in frame or "v" not in frame:
        return frame, []
    head = f"{layer} ({where}): "
    if frame[["u", "v"]].isna().any(axis=None):
        return frame.drop(columns=["u", "v"]), [f"{head}u or v is missing in a row: nodes are where lines end"]
    whole = np.isin(shapely.get_type_id(frame.geometry.to_numpy()), (1,))
    if not whole.all():
        return frame, []  # several parts have no two ends; their numbers are not used
    code, _ = pd.factorize(pd.concat([frame["u"], frame["v"]]).astype(str))
    u, v = np.split(code, 2)
    lines = frame.geometry.to_numpy()
    ends = np.concatenate([shapely.get_coordinates(shapely.get_point(lines, i)) for i in (0, -1)])
    known, spot = different_spots(ends)
    spots, (first, last) = ends[known].round(DIGITS), np.split(spot, 2)
    same, turned = _votes(u, v, first, last, len(spots))
    back = turned > same
    u, v = np.where(back, v, u), np.where(back, u, v)
    notes = []
    if back.any():
        one = int((back & frame["oneway"].to_numpy(bool)).sum()) if "oneway" in frame else 0
        more = f", {one:,} of them one-way, whose drawing says which way" if one else ""
        notes.append(f"{head}{back.sum():,} of {len(frame):,} lines are drawn from v to u{more}")
    away = _away_m(np.r_[u, v], np.r_[first, last], spots)
    torn = away > TORN_M
    if torn.mean() > TRUSTED:
        notes.append(
            f"{head}u and v do not fit the ends of the lines ({torn.sum():,} of {len(torn):,} ends lie more than "
            f"{TORN_M:g} m from where their node "
            "lies otherwise): nodes are where lines end"
        )
        return frame.drop(columns=["u", "v"]), notes
    if torn.any():
        lon, lat = ends[int(np.argmax(away))]
        notes.append(
            f"{head}{torn.sum():,} of {len(torn):,} ends lie more than {TORN_M:g} m from where their node lies "
            f"otherwise, the worst at {lon:.4f},{lat:.4f} "
            f"({away.max() / 1000:,.1f} km)"
        )
    names = frame[["u", "v"]].to_numpy(dtype=object)
    named = np.where(back[:, None], names[:, ::-1], names)
    if frame[["u", "v"]].dtypes.map(lambda d: d.kind in "iuf").all():
        return frame.assign(u=named[:, 0].astype("int64"), v=named[:, 1].astype("int64")), notes
    return frame.assign(u=u, v=v), notes


def _votes(
    u: NDArray[np.int64], v: NDArray[np.int64], first: NDArray[np.int64], last: NDArray[np.int64], n: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return how many links of its nodes have an end where a link begins and ends, as numbered and turned round."""
    key = np.concatenate([u * n + first, u * n + last, v * n + first, v * n + last])
    _, inverse, count = np.unique(key, return_inverse=True, return_counts=True)
    of = np.split(count[inverse.ravel()], 4)
    return of[0] + of[3], of[1] + of[2]


def _away_m(node: NDArray[np.int64], spot: NDArray[np.int64], spots: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return how far each end is from the place where most ends of its node are."""
    table = pd.DataFrame({"node": node, "spot": spot})
    count = table.value_counts().rename("n").reset_index().sort_values(["n", "spot"], ascending=[False, True])
    place = count.drop_duplicates("node").set_index("node")["spot"].reindex(node).to_numpy()
    return np.asarray(geodesic_m(*spots[spot].T, *spots[place].T), float)
