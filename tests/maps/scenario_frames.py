"""Synthetic tables of a scenario: a new checkpoint at 66° east, a closed one at 52°."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from tests.maps import frames

NEW = "New: Karakoga"
_CELL_COLUMNS = [
    "cell",
    "region",
    "population",
    "time_to_checkpoint_min",
    "potential_cross_actual",
    "border_loss",
    "geometry",
]


def _states() -> tuple[gpd.GeoDataFrame, gpd.GeoDataFrame]:
    """The cells before, and after: less time and loss near the new checkpoint, more near the closed one."""
    before = frames.cells()[_CELL_COLUMNS]
    after = before.copy()
    x = shapely.get_x(shapely.centroid(before.geometry.to_numpy()))
    gain, harm = np.exp(-(((x - 66) / 1.5) ** 2)), np.exp(-(((x - 52) / 1.5) ** 2))
    after["time_to_checkpoint_min"] *= 1 - 0.6 * gain + 0.8 * harm
    after["potential_cross_actual"] *= 1 + 0.5 * gain - 0.3 * harm
    after["border_loss"] = np.clip(before["border_loss"] * (1 - 0.5 * gain + 0.6 * harm), 0, 1)
    return before, after


def _change(before: gpd.GeoDataFrame, after: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """The cells with both states side by side; two of them had no potential before."""
    old, new = before["potential_cross_actual"].copy(), after["potential_cross_actual"]
    old.iloc[:2] = 0.0
    return gpd.GeoDataFrame(
        {
            "cell": before["cell"],
            "region": before["region"],
            "population": before["population"],
            "time_to_checkpoint_before_min": before["time_to_checkpoint_min"],
            "time_to_checkpoint_after_min": after["time_to_checkpoint_min"],
            "potential_cross_before": old,
            "potential_cross_after": new,
            "potential_change_pct": 100 * (new - old) / old.where(old > 0),
            "border_loss_before": before["border_loss"],
            "border_loss_after": after["border_loss"],
        },
        geometry=before.geometry,
        crs=4326,
    )


def _checkpoints_after() -> gpd.GeoDataFrame:
    """The checkpoints with one more, and one of the old ones closed."""
    after = frames.checkpoints()
    after.loc[1, ["status", "class"]] = "closed"
    new = after.iloc[[3]].assign(name=NEW, checkpoint_id="new-1", **{"class": "new"})
    new = new.set_geometry(gpd.GeoSeries([shapely.Point(66.0, 54.8)], index=new.index, crs=4326))
    return gpd.GeoDataFrame(pd.concat([after, new], ignore_index=True), crs=4326)


def tables() -> dict[str, gpd.GeoDataFrame]:
    """Return every table of a scenario by the name of its layer."""
    before, after = _states()
    return {
        "cells_before": before,
        "cells_after": after,
        "cells_change": _change(before, after),
        "checkpoints_before": frames.checkpoints(),
        "checkpoints_after": _checkpoints_after(),
        "border_line": frames.border_line(),
        "roads": frames.roads(),
        "regions": frames.regions(),
    }
