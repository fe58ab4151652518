"""The chapter on the ground.

Gaps of the data, bridged or not, what hangs on them, and what looks wrong in the network.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import geopandas as gpd
import numpy as np
import pandas as pd

from analysis.connectivity.checks import check_notes, network_checks
from analysis.reach.accessibility import settlement_times, time_to_checkpoint
from analysis.units import nearest_settlement
from gis.chapters.chapter import Chapter
from layers.keeping import kept_as
from network.bridges import GAP_M
from network.build import FIELDS
from network.gaps import SEEN_M
from network.routing import compile_router

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from gis.measures import Access, Measures
    from network.build import Network

NAMES = {"road": "roads", "rail": "railways"}
WITHOUT = "time_without_bridges_min"
CHANGED_MIN = 1.0
"""A place hangs on a bridge if its time to the nearest checkpoint differs by more than this without."""


def ground_chapter(network: Network, measures: Measures) -> Chapter:
    """Return the gaps as layer and table, the times if no gap were bridged, and what looks wrong."""
    gaps = named_gaps(network)
    layers = {"gaps": gaps} if len(gaps) else {}
    tables = {} if len(gaps) else {"gaps": pd.DataFrame(gaps.drop(columns="geometry"))}
    columns = times_without_bridges(network, measures)
    notes = _hanging(measures, columns)
    if measures.access is not None:
        tables["network_checks"] = network_checks(network, measures.access.router, measures.cells, measures.settlements)
        notes += check_notes(tables["network_checks"])
    return Chapter(tables, layers, columns, notes)


def named_gaps(network: Network) -> gpd.GeoDataFrame:
    """Return the gaps with the settlement near which each lies (``near``)."""
    gaps = network.base.gaps
    if gaps.empty:
        return gaps.assign(near="")
    near = nearest_settlement(gaps, network.settlements)
    columns = [*(c for c in gaps.columns if c != "geometry"), "near", "geometry"]
    return gaps.assign(near=near)[columns]


def bridge_notes(network: Network) -> list[str]:
    """Return how many gaps are bridged, for the first lines of the warnings; nothing where none is."""
    gaps = network.base.gaps
    if not gaps["bridged"].astype(bool).any():
        return []
    bridged = gaps[gaps["bridged"].astype(bool)]
    words = [f"{n} of {NAMES[str(m)]}" for m, n in bridged["mode"].value_counts().sort_index().items()]
    return [
        f"gaps of the data up to {GAP_M / 1000:g} km are bridged by assumed links: {', '.join(words)} "
        f"({bridged['gap_km'].sum():,.1f} km); {len(gaps) - len(bridged)} gaps up to {SEEN_M / 1000:g} km are left: "
        "see tables/gaps.csv; `bridge_gaps = false` bridges none"
    ]


def times_without_bridges(network: Network, measures: Measures) -> dict[str, pd.DataFrame]:
    """Return minutes to the nearest checkpoint of cells and settlements if no gap were bridged.

    Nothing where none is.
    """
    access, links = measures.access, network.links
    bridged = links["bridged"].to_numpy(bool)
    if access is None or not bridged.any():
        return {}
    cells, towns = access.parts["cells"], network.settlements["node"]
    known = [network.ground, links["passable"], access.router.mode, access.points, cells.start, cells.stop, towns]
    found: dict[str, pd.DataFrame] = kept_as(
        "times_without_bridges", known, lambda: _without_bridges(network, access, bridged)
    )
    return found


def _without_bridges(network: Network, access: Access, bridged: NDArray[np.bool_]) -> dict[str, pd.DataFrame]:
    """Return the same, made now: no wait is part of it."""
    links = network.links
    costs = {c: np.where(bridged, np.inf, links[c]) for c in (*FIELDS.values(), "domestic_min") if c in links}
    bare = replace(network, links=links.assign(**costs))
    router = compile_router(bare, access.router.mode)
    cells = time_to_checkpoint(bare, router, access.points)["time_to_checkpoint_min"].iloc[access.parts["cells"]]
    towns = settlement_times(bare, router)["time_to_checkpoint_min"]
    return {
        "cells": pd.DataFrame({WITHOUT: cells.to_numpy()}),
        "settlements": pd.DataFrame({WITHOUT: towns.to_numpy()}),
    }


def _hanging(measures: Measures, columns: dict[str, pd.DataFrame]) -> list[str]:
    """Return what of the times to checkpoints would change without the bridges."""
    if not columns:
        return []
    words = []
    worst = ""
    for name in ("cells", "settlements"):
        table = getattr(measures, name)
        before, after = table["time_to_checkpoint_min"].to_numpy(float), columns[name][WITHOUT].to_numpy(float)
        lost = np.isfinite(before) & np.isnan(after)
        longer = after - before > CHANGED_MIN
        people = int(table.loc[lost | longer, "population"].sum())
        words.append(f"{int(longer.sum())} {name} would be further, {int(lost.sum())} reach none ({people:,} people)")
        if name == "settlements" and longer.any():
            k = int(np.argmax(np.where(longer, after - before, -np.inf)))
            worst = f"; most {table['name'].iloc[k]}, {before[k]:,.0f} → {after[k]:,.0f} min"
    return [f"without the bridged gaps, of the times to the nearest checkpoint: {'; '.join(words)}{worst}"]
