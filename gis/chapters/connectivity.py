"""The chapter on connectivity: regions, facing pairs, pairs of cities, efficiency, ways and cuts."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from analysis.connectivity.alternatives import checkpoint_alternatives, redundancy, redundancy_of_regions
from analysis.connectivity.cuts import city_cuts, region_cuts
from analysis.connectivity.efficiency import efficiency_of_regions, graph_efficiency, pairs_efficiency, place_efficiency
from analysis.connectivity.matched import border_regression, matched_bands
from analysis.connectivity.pairs import (
    border_effect,
    border_effect_of_regions,
    distance_bands,
    largest_places,
    matched_border_effect,
    place_pairs,
    region_circuity,
)
from analysis.connectivity.regions import facing_pairs, segment_connectivity, supply_of_people
from gis.chapters.chapter import Chapter, rows_like
from network.routing import compile_router

if TYPE_CHECKING:
    import geopandas as gpd

    from gis.measures import Measures
    from gis.study import Study
    from network.build import Network
    from network.routing import Router

PAIRED_PER_REGION = 5
"""Largest places of each border region whose pairs are compared."""
DRAWING = 200
"""Largest places of each side that draw trips in the efficiency of places."""
ROOTS = 64
"""Trees that stand for all nodes in the efficiency of the whole network."""


def connectivity_chapter(study: Study, network: Network, measures: Measures, border: gpd.GeoDataFrame) -> Chapter:
    """Return the chapter's tables, and columns of regions, segments, checkpoints and settlements."""
    if not (network.links["mode"] == "road").any():
        return Chapter(notes=["the network has no roads: the ways between regions and cities are not measured"])
    router = compile_router(network, "road")
    places = network.settlements
    # Of the regions further inland the data hold a part alone, whose largest place need not be theirs.
    own = measures.regions["region"]
    pairs = place_pairs(places, router, largest_places(places, per_region=PAIRED_PER_REGION, regions=own))
    effects = border_effect(pairs)
    cities = largest_places(places, per_region=study.trips.cities_per_region, regions=own)
    side = places["side"].to_numpy(dtype=object)[cities]
    a, b = cities[side == "a"], cities[side == "b"]
    ways = checkpoint_alternatives(network, a, b)
    second = redundancy(ways)
    tables = {
        "region_pairs": _region_pairs(network, border, effects, second),
        "border_effect": effects,
        "distance_bands": distance_bands(pairs),
        "matched_border_effect": matched_border_effect(pairs),
        "matched_bands": matched_bands(pairs),
        "border_regression": border_regression(pairs),
        "efficiency": pairs_efficiency(pairs),
        "network_efficiency": graph_efficiency(router, roots=ROOTS, seed=study.analysis.seed),
        "alternatives": ways,
        "redundancy": second,
        "city_cuts": city_cuts(network, a, b, checkpoint_capacity_per_day=known_capacities(network)),
    }
    columns = {
        "regions": _region_columns(network, measures, pairs, router, second),
        "segments": segment_connectivity(network, measures.segments).drop(columns=["segment_id"]),
    }
    return Chapter(tables, columns=columns)


def _region_pairs(
    network: Network, border: gpd.GeoDataFrame, effects: pd.DataFrame, second: pd.DataFrame
) -> pd.DataFrame:
    """Return the pairs of regions that face each other.

    What joins them, what the border costs, what holds if one fails.
    """
    keys = ["region_a", "region_b"]
    out: pd.DataFrame = facing_pairs(network, border)
    cuts = region_cuts(network, border, checkpoint_capacity_per_day=known_capacities(network))
    cuts = cuts.drop(columns=["cities_a", "cities_b"])
    spare = redundancy_of_regions(second).drop(columns=["pairs"])
    for table in (border_effect_of_regions(effects), cuts, spare):
        out = out.merge(table, on=keys, how="left", validate="1:1")
    return out


def _region_columns(
    network: Network, measures: Measures, pairs: pd.DataFrame, router: Router, second: pd.DataFrame
) -> pd.DataFrame:
    """Return further columns of the regions: supply of people, circuity, network efficiency, redundancy."""
    regions = measures.regions
    people = supply_of_people(pd.DataFrame(regions), regions["region"], network.settlements)
    circuity = rows_like(region_circuity(pairs), regions["region"], "region")
    places = network.settlements
    inhabited = (places["population"] > 0).to_numpy().nonzero()[0]
    reached = place_efficiency(places, router, inhabited, largest_places(places, per_side=DRAWING))
    fair = rows_like(efficiency_of_regions(reached), regions["region"], "region").drop(columns=["places"])
    ends = pd.concat([second.assign(region=second[f"{end}_region"]) for end in ("origin", "destination")])
    spare = regions["region"].map(ends.groupby("region")["redundancy_min"].median()).rename("redundancy_median_min")
    out: pd.DataFrame = pd.concat([people, circuity, fair, spare.reset_index(drop=True)], axis=1)
    return out


def known_capacities(network: Network) -> dict[str, float] | None:
    """Return vehicles a day and direction by checkpoint, half of what both directions pass.

    None where nothing is known.
    """
    table = network.checkpoints.set_index("checkpoint_id")
    known = table["capacity_per_day"].dropna() if "capacity_per_day" in table else pd.Series(dtype=float)
    return {str(k): float(v) / 2 for k, v in known.items()} or None
