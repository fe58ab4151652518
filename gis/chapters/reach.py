"""The chapter on reach: people and cities across the border, the user's own places, catchments, isochrones."""

from __future__ import annotations

from typing import TYPE_CHECKING

import geopandas as gpd
import numpy as np
import pandas as pd

from analysis.reach.accessibility import potentials, travel_times
from analysis.reach.catchments import floating_catchments, rational_access
from analysis.reach.opportunities import logsum_times, nearest_place, within_a_day_and_back, within_minutes
from analysis.reach.places import cities, join_places, places_report, targets_of
from analysis.trips.demand import modes_of
from gis.chapters.chapter import Chapter
from gis.measures import join_points
from gis.queries.isochrone import draw_isochrones
from layers.memory import give_back
from layers.sides import SIDES
from network.build import NETWORKS
from network.costs import blocks
from network.routing import compile_router

if TYPE_CHECKING:
    from gis.inputs import Prepared
    from gis.measures import Access, Measures
    from gis.settings import Analysis, Places
    from network.build import Network

BLOCKS = 4
"""Tables of both modes together are made of a block so many times smaller than others."""
LAYERS = ("cells", "settlements")
"""Layers that gain the columns of this chapter."""


def reach_chapter(prepared: Prepared, network: Network, measures: Measures) -> Chapter:
    """Return the chapter's tables, the layers of places and isochrones, and columns of cells and settlements."""
    access, study = measures.access, prepared.study
    if access is None:
        return Chapter(notes=["no travel times are known: reach is not computed"])
    parts = [_people(access, study.reach.within_min, study.reach.day_min)]
    parts.append(_cities(network, access, study.reach.city_people))
    tables: dict[str, pd.DataFrame] = {}
    layers: dict[str, gpd.GeoDataFrame] = {}
    notes: list[str] = []
    for word, source in study.reach.layers.items():
        frame = prepared.places[word]
        found = _own_layer(network, measures.settlements, access, word, (source, frame))
        parts.append(found.columns["all"])
        tables |= found.tables
        layers |= found.layers
        notes += found.notes
    table = pd.concat(parts, axis=1)
    give_back()  # of the tables that were read
    both = _road_and_rail(network, access, study.analysis)
    columns = {name: table.iloc[access.parts[name]].reset_index(drop=True) for name in LAYERS}
    columns["settlements"] = pd.concat([columns["settlements"], both], axis=1)
    tables["reach"] = _mean_reach(measures.settlements, columns["settlements"], study.reach.within_min)
    if study.isochrones.places:
        layers["isochrones"] = draw_isochrones(network, prepared, study.isochrones.places)
    return Chapter(tables, layers, columns, notes)


def _people(access: Access, limits: tuple[float, ...], day_min: float) -> pd.DataFrame:
    """Return the people across the border within several times, and within a day and back."""
    side, joined = access.points.side, access.points.joined
    within = within_minutes(access.times, side, access.targets, limits_min=limits, joined=joined)
    day = within_a_day_and_back(
        access.router, access.points, access.targets, access.times, one_way_min=day_min, joined=joined
    )
    return pd.concat([within, day], axis=1)


def _cities(network: Network, access: Access, people: int) -> pd.DataFrame:
    """Return the nearest city across the border and the minutes to it."""
    large = cities(network, people=people)
    large = large[access.router.positions(large["node"].to_numpy()) >= 0].reset_index(drop=True)
    times = travel_times(access.router, access.points, targets_of(large))
    return nearest_place(times, access.points.side, large, "city", where="cross")


def _road_and_rail(network: Network, access: Access, settings: Analysis) -> pd.DataFrame:
    """Return the potentials of the settlements by road and rail together.

    No columns for trucks, or where a mode is missing.
    """
    if "rail" not in modes_of(network) or access.router.mode != "road" or not (network.links["mode"] == "rail").any():
        return pd.DataFrame()
    rows = access.parts["settlements"]
    by_road = {name: minutes[rows] for name, minutes in access.times.items()}
    rail = compile_router(network, "rail")
    none = np.empty((0, 2))
    homes, _ = join_points(network, rail, none, np.empty(0, dtype=object))
    fades = settings.decay_function()
    parts = []
    # Of many settlements the tables of some at once: there are a dozen of each block.
    for some in blocks(len(homes), BLOCKS * len(access.targets.node)):
        by_rail = travel_times(rail, homes[some], access.targets)
        times = logsum_times({"road": {n: table[some] for n, table in by_road.items()}, "rail": by_rail})
        parts.append(
            potentials(
                rail, homes[some], access.targets, half_life_min=settings.half_life_min, decay=fades, times=times
            )
        )
    if not parts:
        return pd.DataFrame()
    pull = pd.concat(parts, ignore_index=True)
    kept = pull[["potential_cross_borderless", "potential_cross_open", "potential_cross_actual", "border_loss"]]
    return kept.add_suffix("_road_and_rail")


def _own_layer(
    network: Network,
    settlements: pd.DataFrame,
    access: Access,
    word: str,
    own: tuple[Places, gpd.GeoDataFrame],
) -> Chapter:
    """Return what a layer of the user's own gives.

    Nearest place at home and anywhere, and catchments where it has weights.
    """
    source, frame = own
    joined, places = join_places(network, frame, name=source.name, weight=source.weight)
    router = compile_router(joined, access.router.mode)
    points, _ = join_points(joined, router, access.lonlat, access.points.side[: len(access.lonlat)])
    reached = places[router.positions(places["node"].to_numpy()) >= 0].reset_index(drop=True)
    times = travel_times(router, points, targets_of(reached))
    parts = [nearest_place(times, points.side, reached, word, where=where) for where in ("own", "any")]
    lost = int((~places["joined"]).sum())
    notes = [f"{lost} of {len(places)} places of {word} join no road and serve nobody"] if lost else []
    tables = {f"{word}_report": places_report(places)}
    if source.weight is not None and len(reached):
        homes = access.parts["settlements"]
        people = settlements["population"].to_numpy(float)
        found = floating_catchments(
            {n: times[n][homes] for n in NETWORKS}, people, reached["weight"].to_numpy(float), what=word
        )
        tables[f"{word}_catchments"] = pd.concat([reached[["place", "side"]], found.supply], axis=1)
        crowded = rational_access({n: times[n][homes] for n in NETWORKS}, people, reached["weight"].to_numpy(float))
        tables[f"{word}_supply"] = pd.concat(
            [settlements[["settlement_id", "name", "side", "region", "population"]], found.demand, crowded], axis=1
        )
    return Chapter(
        tables, {word: places.assign(is_joined=places["joined"].astype(str))}, {"all": pd.concat(parts, axis=1)}, notes
    )


def _mean_reach(settlements: pd.DataFrame, columns: pd.DataFrame, limits: tuple[float, ...]) -> pd.DataFrame:
    """Return the people across the border that an inhabitant of each side reaches in the mean, by network and time."""
    rows = []
    for side in SIDES:
        own_side = (settlements["side"] == side).to_numpy()
        weight = settlements["population"].to_numpy(float)[own_side]
        for limit in limits:
            for network in NETWORKS:
                value = columns[f"people_within_{limit:g}min_cross_{network}"].to_numpy(float)[own_side]
                known = np.isfinite(value) & (weight > 0)
                mean = (value[known] * weight[known]).sum() / weight[known].sum() if known.any() else np.nan
                share = weight[known].sum() / weight.sum() if weight.sum() > 0 else np.nan
                rows.append((side, network, limit, mean, share))
    return pd.DataFrame(rows, columns=["side", "network", "within_min", "people", "people_known_share"])
