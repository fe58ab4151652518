"""The border as it is, as scenarios compare it: a run leaves it beside its network, and no scenario measures it anew.

What it hangs on beside the kept network (its folder) and the code (the keeper's salt) are the posts with their waits
and settings that no network hangs on.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

from layers.keeping import kept_as

if TYPE_CHECKING:
    from collections.abc import Callable

    import geopandas as gpd

    from gis.inputs import Prepared
    from gis.measures import Measures
    from gis.rasters import Across, Values


@dataclass(frozen=True)
class State:
    """What a scenario reads of one state of a border: see `gis.measures.Measures`."""

    cells: gpd.GeoDataFrame
    settlements: gpd.GeoDataFrame
    regions: gpd.GeoDataFrame
    checkpoints: gpd.GeoDataFrame

    @classmethod
    def of(cls, measures: Measures) -> State:
        """Return the tables of a state that was measured, before chapters add to them."""
        return cls(measures.cells, measures.settlements, measures.regions, measures.checkpoints)


def state_as_is(prepared: Prepared, measures: Callable[[], Measures]) -> State:
    """Return the tables of a study's border without any edit, kept where they are; else they are measured.

    Parameters
    ----------
    measures
        Measures the border; called at most once.
    """
    found: State = _kept("gis.states.State", prepared, lambda: State.of(measures()))
    return found


def rasters_as_is(prepared: Prepared, across: Callable[[], Across]) -> Values:
    """Return the values under the rasters of the same border; see `state_as_is`.

    Parameters
    ----------
    across
        Spreads them (`gis.rasters.across_surfaces`); called at most once.
    """

    def drawn() -> Values:
        city, potential = across()
        return city.minutes, None if potential is None else potential.minutes

    found: Values = _kept("gis.states.rasters", prepared, drawn)
    return found


def _kept(name: str, prepared: Prepared, make: Callable[[], Any]) -> Any:
    """Return what `make` does, kept under all that a measured border hangs on beside its network."""
    study = prepared.study
    known = [prepared.layers["checkpoints"], study.analysis.model_dump(mode="json"), study.reach.city_people]
    made = cache(make)
    try:
        return kept_as(name, known, made, least_s=0.0)
    except TypeError:  # a table of the user's own that holds what no parcel does
        return made()
