"""The stages between a study's layers and its results: build the network, measure it, find hot spots."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import shapely

from layers.crs import WGS84, project
from network.build import Base, Network, build_base, build_network

if TYPE_CHECKING:
    from gis.inputs import Prepared
    from gis.measures import Measures
    from network.joining import ConnectorLimits

DETAILED_MORE_KM = 0.5
"""Beyond its nearest road a place may join others so far in detailed data: an assumption. More would lead round closed
gates."""


def build(prepared: Prepared) -> Network:
    """Return the network of prepared layers.

    Raises
    ------
    NetworkError
        The layers make no network.
    """
    study = prepared.study
    base: Base = build_base(
        prepared.layers["roads"],
        prepared.layers["railways"],
        prepared.regions,
        prepared.border,
        prepared.crs,
        speeds=study.speeds,
        contract=prepared.detailed,
        tolerance_km=study.network.line_tolerance_km,
        vehicle=study.network.vehicle,
        winter=study.network.winter,
        gauge_change_min=study.network.gauge_change_min,
        current_change_min=study.network.current_change_min,
        stations=prepared.stations,
        turns=prepared.turns,
        water=water_of(prepared),
        generalised=prepared.generalised,
        bridge_gaps=study.network.bridge_gaps,
        length_factor=study.network.length_factor,
    )
    return build_network(
        base,
        prepared.layers["checkpoints"],
        prepared.layers["settlements"],
        limits=limits_of(prepared),
        road_km=study.network.road_match_km,
        rail_km=study.network.rail_match_km,
        domestic_wait=study.analysis.domestic_wait,
    )


def water_of(prepared: Prepared) -> shapely.Geometry | None:
    """Return the study's water in its projection, None where it names none."""
    if prepared.water is None:
        return None
    parts = project(prepared.water.geometry.to_numpy(), WGS84, prepared.crs)
    water: shapely.Geometry = shapely.multipolygons(list(parts))
    return water


def limits_of(prepared: Prepared) -> ConnectorLimits:
    """Return how far connectors reach.

    In whole roads of OpenStreetMap an end is an end: a place joins what is as near as its nearest road, or half a
    kilometre more.

    A study that says something of it has its way.
    """
    part = prepared.study.connectors
    if prepared.detailed and "reach_more_km" not in part.model_fields_set:
        return replace(part.limits(), reach_more_km=DETAILED_MORE_KM)
    return part.limits()


def measure(prepared: Prepared, network: Network) -> Measures:
    """Return every table of measures of a network; see `gis.measures.Measures`."""
    from gis.measures import measure_network  # who only asks for a way need not wait for scipy.stats

    study = prepared.study
    return measure_network(
        network,
        prepared.layers["regions"],
        prepared.border,
        network_depth_km=study.network.depth_km,
        settings=study.analysis,
        population=prepared.population,
    )


def find_hot_spots(prepared: Prepared, measures: Measures) -> Measures:
    """Return the measures with growth points and bottlenecks: see `gis.hot_spots.hot_spots`."""
    from gis.hot_spots import hot_spots

    return hot_spots(prepared, measures)
