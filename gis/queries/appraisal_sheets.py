"""Sheets of what only a user can count, for the indicators of banks and agencies: one row for each thing to fill in."""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING

import pandas as pd

if TYPE_CHECKING:
    import geopandas as gpd

VEHICLES = ("car", "truck")
DIRECTIONS = ("a to b", "b to a")
STAGES = (
    ("arrival to the lodging of the declaration", "operator"),
    ("lodging to acceptance", "customs"),
    ("documentary check", "customs"),
    ("physical inspection", "customs"),
    ("inspection by other agencies", "other agency"),
    ("payment of duties", "operator"),
    ("release", "customs"),
    ("release to leaving the post", "operator"),
)
"""Stages of a time release study and who acts, after the WCO's guide; a study names its own agencies."""
ACTIVITIES = (
    "waiting in the queue",
    "border guard",
    "customs",
    "immigration and visa",
    "health and quarantine",
    "plants and animals",
    "transport inspection",
    "weight and standards",
    "loading and unloading",
    "escort",
    "other",
)
"""What a driver's log tells apart, after CPMM."""
AREAS = ("customs procedures", "coordination of agencies", "support facilities", "transport rules")
"""Areas of the index of cross-border trade and transport facilitation."""


def appraisal_sheets(checkpoints: gpd.GeoDataFrame) -> dict[str, pd.DataFrame]:
    """Return the sheets for the open checkpoints of a border, all that is to be counted empty.

    Returns
    -------
    ``tfi1_tfi2``
        Hours, official and unofficial fees by post, direction, vehicle and activity: TFI1 is the sum of the hours of a
        crossing, TFI2 that of the fees, each in a mean over crossings (CPMM).
    ``tfi3``
        Kilometres, tonnes and costs of sections of a corridor: costs per 500 km and 20 t (CPMM).
    ``trs``
        Hours by post, direction and stage over a sample of declarations (WCO, Guide to Measure the Time Required for
        the Release of Goods, 2018).
    ``cbttfi``
        Scores from 0 to 1 by post and area (ADB, 2025).
    """
    posts = checkpoints[checkpoints["open"].astype(bool)].sort_values("checkpoint_id")
    road = posts[posts["mode"] == "road"]
    return {
        "tfi1_tfi2": _rows(
            road,
            ("direction", DIRECTIONS),
            ("vehicle", VEHICLES),
            ("activity", ACTIVITIES),
            fill=("hours", "official_fee", "unofficial_fee", "currency", "crossings_counted", "date", "source"),
        ),
        "tfi3": pd.DataFrame(
            columns=["corridor", "section", "km", "tonnes", "vehicle_cost", "fees", "currency", "date", "source"]
        ),
        "trs": _rows(
            posts,
            ("direction", DIRECTIONS),
            ("stage", tuple(s for s, _ in STAGES)),
            fill=("mean_hours", "median_hours", "declarations_counted", "date", "source"),
            also={"stage": ("agency", dict(STAGES))},
        ),
        "cbttfi": _rows(posts, ("area", AREAS), fill=("score_0_to_1", "questions_answered", "date", "source")),
    }


def _rows(
    posts: gpd.GeoDataFrame,
    *parts: tuple[str, tuple[str, ...]],
    fill: tuple[str, ...],
    also: dict[str, tuple[str, dict[str, str]]] | None = None,
) -> pd.DataFrame:
    """Return a row for every post and combination, with empty columns to fill in."""
    names = [name for name, _ in parts]
    every = pd.DataFrame(list(product(*(values for _, values in parts))), columns=names)
    table = pd.DataFrame(posts[["checkpoint_id", "name", "mode"]]).merge(every, how="cross")
    for name, (column, words) in (also or {}).items():
        table[column] = table[name].map(words)
    return table.assign(**dict.fromkeys(fill, ""))
