"""The stages between a study's layers and its results: build the network, measure it, find hot spots."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gis.hot_spots import hot_spots
from gis.measures import Measures, measure_network
from network.build import Base, Network, build_base, build_network

if TYPE_CHECKING:
    from gis.inputs import Prepared


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
        generalised=prepared.generalised,
        bridge_gaps=study.network.bridge_gaps,
        length_factor=study.network.length_factor,
    )
    return build_network(
        base,
        prepared.layers["checkpoints"],
        prepared.layers["settlements"],
        limits=study.connectors.limits(),
        road_km=study.network.road_match_km,
        rail_km=study.network.rail_match_km,
        domestic_wait=study.analysis.domestic_wait,
    )


def measure(prepared: Prepared, network: Network) -> Measures:
    """Return every table of measures of a network; see `gis.measures.Measures`."""
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
    return hot_spots(prepared, measures)
