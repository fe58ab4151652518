"""The chapter on planning: openings near the worst bottlenecks, each tried on the network first."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from analysis.planning.openings import try_openings
from gis.chapters.chapter import Chapter

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gis.study import Study
    from network.build import Network


def planning_chapter(study: Study, network: Network, tables: Mapping[str, pd.DataFrame]) -> Chapter:
    """Return the table of openings that were tried.

    Near the first places of ``bottlenecks``, as many as the study says.
    """
    worst = tables.get("bottlenecks")
    count = study.lists.openings
    if worst is None or worst.empty or not count or not (network.links["mode"] == "road").any():
        return Chapter()
    tried = try_openings(network, worst.head(count), city_people=study.lists.city_people)
    return Chapter({"openings_tried": tried})
