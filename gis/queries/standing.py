"""What stands before any edit: the state that a list of edits is compared with."""

from __future__ import annotations

import hashlib
import json
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from threading import Lock
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from analysis.connectivity.regions import population_access
from analysis.planning.whatif import Answer, Standing, answer, stand
from analysis.reach.decays import exponential
from gis.measures import CITY_PEOPLE, populated_cells
from layers.regions import touching
from network.openings import Joinable, joinable_of
from network.routing import compile_router

if TYPE_CHECKING:
    import geopandas as gpd

    from gis.inputs import Prepared
    from network.build import Network


MOST_PLACES = 1_000
"""Places of a side up to which every answer is exact at once."""


@dataclass
class Base:
    """A border as it stands, and the answers that were given on it; build it with `stand_by`.

    Attributes
    ----------
    before
        Its own state.
    regions
        Regions that touch the border: ``region``, ``name``, ``side``.
    regions_before
        Their figures.
    rough
        The same border over a sample of its places, with its own state; None where it has few enough for an answer
        within a second.
    """

    prepared: Prepared
    network: Network
    standing: Standing
    joinable: Joinable
    before: Answer
    regions: pd.DataFrame
    regions_before: pd.DataFrame
    rough: Base | None = None
    kept: OrderedDict[str, Change] = field(default_factory=OrderedDict, repr=False)
    places: dict[Any, Any] = field(default_factory=dict, repr=False)
    lock: Lock = field(default_factory=Lock, repr=False)

    @property
    def key(self) -> str:
        """Content hash of the study and its checkpoints: what saved edits belong to."""
        table = self.network.checkpoints[["checkpoint_id", "mode", "open", "wait_min"]].to_csv(index=False)
        text = json.dumps(self.prepared.study.model_dump(mode="json"), sort_keys=True) + table
        return hashlib.sha256(text.encode()).hexdigest()[:12]


@dataclass(frozen=True)
class Change:
    """What edits change.

    Attributes
    ----------
    after
        The state after them.
    notes
        A line on each edit.
    rebuilt
        Whether the network was built again, because an edit changes more than checkpoints.
    places
        New checkpoints: ``checkpoint_id``, ``lon``, ``lat``, ``mode``, ``joined`` in words.
    totals, regions, settlements, checkpoints
        Before and after; settlements are those whose minutes change, the most people-minutes first.
    exact
        False where potentials and shares are estimates over a sample of the places.
    """

    after: Answer
    notes: tuple[str, ...]
    rebuilt: bool
    places: tuple[dict[str, Any], ...]
    totals: pd.DataFrame = field(repr=False)
    regions: pd.DataFrame = field(repr=False)
    settlements: pd.DataFrame = field(repr=False)
    checkpoints: pd.DataFrame = field(repr=False)
    exact: bool = True


def stand_by(prepared: Prepared, network: Network, *, most: int = MOST_PLACES) -> Base:
    """Return a border ready for edits: its cells, trees and own state.

    Parameters
    ----------
    most
        Places of a side beyond which a first answer is sampled.
    """
    standing = standing_of(prepared, network)
    before = answer(standing, standing.trees, table_of(network))
    own = prepared.layers["regions"]
    own = own[touching(own, prepared.border)].sort_values(["side", "region"], ignore_index=True)
    regions = own[["region", "name", "side"]]
    base = Base(prepared, network, standing, joinable_of(network), before, regions, regions_of(regions, before))
    table = network.settlements
    if table.loc[table["population"] > 0, "side"].value_counts().max() > most:
        sampled = replace(standing, sampled=most)
        state = answer(sampled, sampled.trees, table_of(network))
        base.rough = replace(
            base, standing=sampled, before=state, regions_before=regions_of(regions, state), kept=OrderedDict()
        )
    return base


def standing_of(prepared: Prepared, network: Network) -> Standing:
    """Return a network with the cells of the study, as `gis.measures.measure_network` has them."""
    cells = populated_cells(network, prepared.border, prepared.study.analysis, prepared.population)
    return standing_on(prepared, network, cells)


def standing_on(prepared: Prepared, network: Network, cells: gpd.GeoDataFrame) -> Standing:
    """Return a network with some of the cells of `gis.measures.populated_cells`."""
    settings = prepared.study.analysis
    return stand(
        network,
        compile_router(network, settings.mode),
        cells,
        city_people=CITY_PEOPLE,
        fades=settings.decay_function() or exponential(settings.half_life_min),
        half_life_min=settings.half_life_min,
        theta=settings.theta_per_min,
    )


def table_of(network: Network, fresh: Sequence[pd.DataFrame] = ()) -> pd.DataFrame:
    """Return the checkpoints, new ones among them, as an answer needs them."""
    columns = ["checkpoint_id", "name", "mode", "open", "wait_min"]
    return pd.concat([pd.DataFrame(t[columns]) for t in (network.checkpoints, *fresh)], ignore_index=True)


def regions_of(regions: pd.DataFrame, state: Answer) -> pd.DataFrame:
    """Return the figures of the regions that touch the border."""
    # The networks that no closure changes are not asked for.
    columns = ["region", "population", "time_to_checkpoint_min", "potential_cross_borderless", "potential_cross_actual"]
    homes = state.settlements[columns].assign(potential_cross_open=np.nan, potential_domestic_actual=np.nan)
    return regions.join(population_access(homes, regions["region"]))
