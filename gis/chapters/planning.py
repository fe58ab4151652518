"""The chapter on planning.

Openings near the worst bottlenecks, each tried, and the indicators of banks and agencies.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from analysis.planning.across import across
from analysis.planning.appraisal import appraisal_of
from analysis.planning.benefit import Curve
from analysis.planning.effects import cities, standing
from analysis.planning.openings import try_openings
from gis.chapters.chapter import Chapter
from layers.errors import NetworkError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gis.study import Study
    from network.build import Network


def planning_chapter(
    study: Study, network: Network, tables: Mapping[str, pd.DataFrame], checkpoints: pd.DataFrame
) -> Chapter:
    """Return the table of openings that were tried, and the border in the indicators of banks and agencies.

    Openings near the first places of ``bottlenecks``, as many as the study says. ``checkpoints`` have the ``share`` of
    the trips.
    """
    out = {}
    worst = tables.get("bottlenecks")
    count = study.lists.openings
    road = (network.links["mode"] == "road").any()
    if worst is not None and not worst.empty and count and road:
        out["openings_tried"] = try_openings(network, worst.head(count), city_people=study.lists.city_people)
    if road:
        out["appraisal"] = _appraisal(study, network, checkpoints)
    return Chapter({name: table for name, table in out.items() if len(table)})


def _appraisal(study: Study, network: Network, checkpoints: pd.DataFrame) -> pd.DataFrame:
    """Return the indicators, of what the study's money says too; empty where a side has no people."""
    curve = Curve.of(study.analysis.half_life_min, study.analysis.decay_function())
    try:
        trees = across(network)
    except NetworkError:
        return pd.DataFrame()
    state = standing(trees, curve, cities(trees, study.lists.city_people))
    share = checkpoints[checkpoints["mode"] == "road"].set_index("checkpoint_id")["share"].fillna(0.0)
    return appraisal_of(network, state, share, curve, money=study.money.money())
