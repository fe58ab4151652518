"""The ranked places, and what they hold under other settings.

The four definitions of growth, segments, isolated gaps, other grids and weights.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import numpy as np
import pandas as pd

from analysis.reach.accessibility import by_network
from analysis.reach.decays import exponential
from analysis.statistics.effects import excess_over_settings, growth_over_settings, trips_to_city
from analysis.statistics.excess import straight_km
from analysis.statistics.gaps import isolated_gaps
from analysis.statistics.growth import DEFINITIONS, growth_residual, log_ratio, passes, segment_growth
from analysis.statistics.homes import cell_units, named
from analysis.statistics.lists import bottleneck_list, growth_list, one_advice
from analysis.statistics.own_side import own_side_test
from analysis.statistics.sensitivity import NEITHER, Weights, alternatives, stability
from analysis.statistics.smooth import in_runs
from analysis.statistics.weights import contiguity, nearest_neighbours, segment_chain
from analysis.statistics.words import HIGH, NO_DATA, STANDS_OUT
from gis.hot_spots import by_time, homes_of, tested
from layers.sides import SIDES
from network.edits import charge_closed_hours, scale_waits
from network.lengths import reported_scatter
from network.routing import compile_router

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from libpysal.graph import Graph
    from numpy.typing import NDArray

    from analysis.statistics.effects import Basis
    from gis.hot import Hot
    from gis.inputs import Prepared
    from gis.measures import Measures
    from gis.study import Study
    from network.build import Network
    from network.routing import Points

WAIT_FACTORS = {"waits halved": 0.5, "waits doubled": 2.0}
DECAY_FACTORS = {"half-life halved": 0.5, "half-life doubled": 2.0}
NUDGE = 0.01
GROWTH = "growth point"
LIGHT = ("contiguity", "6 nearest neighbours", "network time without wait")
"""Alternatives that need no new cells: quick enough for every run."""


def ranked_places(prepared: Prepared, network: Network, measures: Measures, hot: Hot) -> dict[str, pd.DataFrame]:
    """Return ``growth`` and ``bottlenecks``, the ranked lists with their ranges over the settings."""
    study = prepared.study
    points = _home_points(study, network, hot)
    basis = with_settings(study, network, hot, points)
    cells = measures.cells.set_index("cell", drop=False)
    growth = growth_list(
        basis, growth_over_settings(basis), cells["growth_flag"], list_people=study.lists.growth_people
    )
    names = network.checkpoints.set_index("checkpoint_id")["name"]
    narrow = bottleneck_list(
        basis,
        hot.trips,
        excess_over_settings(basis, city_people=study.lists.city_people),
        cells["bottleneck_flag"],
        cells["nearest_checkpoint"].map(names).fillna(""),
        assumed_share=_assumed_share(study, network, hot, points),
        home_sd=study.lists.home_sd,
    )
    growth, narrow = one_advice(growth, narrow)
    return {"growth": growth, "bottlenecks": narrow}


def with_settings(study: Study, network: Network, hot: Hot, points: Points) -> Basis:
    """Return the ground with the waits halved and doubled, and the half-life too where the decay is one."""
    basis = hot.basis
    waits = dict(basis.waits)
    for name, factor in WAIT_FACTORS.items():
        waits[name] = _actual(study, scale_waits(network, factor), hot, points)
    if study.analysis.closed_hours != "even" and (network.checkpoints["hours_even_min"].fillna(0) > 0).any():
        waits["arrivals spread evenly over the day"] = _actual(study, charge_closed_hours(network, "even"), hot, points)
    fades = dict(basis.fades)
    if study.analysis.decay is None:
        fades |= {n: exponential(f * study.analysis.half_life_min) for n, f in DECAY_FACTORS.items()}
    return replace(
        basis, waits=waits, fades=fades, length_scatter=reported_scatter(network.report, study.analysis.mode)
    )


def _assumed_share(study: Study, network: Network, hot: Hot, points: Points) -> pd.Series:
    """Return by cell which share of the wait on the way to its next city is assumed: that of the very posts on the way.

    Where some waits are measured, waits are made a hundredth longer, the assumed ones and all: the quickest way stays
    the same but for near ties, and what it gains over a hundredth is its wait. Less is lost in whole thousandths.
    """
    table = network.checkpoints
    assumed = table.loc[table["open"].astype(bool), "wait_assumed"].astype(bool)
    cells = hot.trips.index
    if assumed.all() or not assumed.any():
        return pd.Series(float(assumed.all()), index=cells)
    city = study.lists.city_people
    part, whole = (
        trips_to_city(
            hot.basis,
            _actual(study, scale_waits(network, 1 + NUDGE, assumed_only=only), hot, points),
            city_people=city,
        )[0]["next_city_min"]
        - hot.trips["next_city_min"]
        for only in (True, False)
    )
    return (part / whole.where(whole > 0)).clip(0.0, 1.0).fillna(0.0)


def _home_points(study: Study, network: Network, hot: Hot) -> Points:
    """Return the homes joined to the network, which no wait moves."""
    homes = hot.basis.homes
    router = compile_router(network, study.analysis.mode)
    return router.attach(homes.lonlat, homes.side, limit_km=network.limits.point_km)


def _actual(study: Study, network: Network, hot: Hot, points: Points) -> NDArray[np.float64]:
    """Return the minutes from homes to settlements on a network with other waits.

    Trees at home are shared by all of them.
    """
    basis, homes = hot.basis, hot.basis.homes
    router = compile_router(network, study.analysis.mode).sharing
    towns = np.flatnonzero(homes.name != "")
    nodes = network.settlements["node"].to_numpy()[hot.towns]

    def grown(fields: Sequence[str]) -> dict[str, NDArray[np.float64]]:
        found = router.point_tables(points, basis.targets.node, fields)
        for field, minutes in found.items():
            # Settlements stand at their own nodes, centres beside a link.
            minutes[towns] = router.table(nodes, basis.targets.node, field)
        return found

    return by_network(router, homes.side, basis.targets.side, grown, networks=["actual"])["actual"]


def segment_tests(study: Study, measures: Measures, hot: Hot) -> pd.DataFrame:
    """Return growth of the border segments, both sides in one number, with both tests.

    Tests run along unbroken runs of measured segments.

    Returns
    -------
    In the order of the segments: ``growth`` (a ratio), ``growth_z``, ``growth_q``, ``growth_p_max``, ``growth_flag``.
    """
    access, segments = measures.access, measures.segments
    if access is None or segments.empty:
        return pd.DataFrame(index=segments.index)
    ends = []
    for part in SIDES:
        minutes = access.times["actual"][access.parts[part]]
        pull = hot.basis.decay(minutes) * access.targets.people
        home = access.targets.side == part
        joined = np.isfinite(minutes).any(axis=1)
        sums = {"domestic": pull[:, home].sum(axis=1), "cross": pull[:, ~home].sum(axis=1)}
        ends.append(
            pd.DataFrame(
                {f"potential_{k}_actual": np.where(joined, v, np.nan) for k, v in sums.items()}, segments["segment_id"]
            )
        )
    value = segment_growth(*ends)
    chain = segment_chain(segments)
    level = value - value.mean()
    # One value for both sides: one family.
    found, _ = tested(study, in_runs(level, chain), chain, pd.Series("a", index=value.index))
    out = pd.DataFrame({"growth": np.exp(value)}).join(found.add_prefix("growth_"))
    return out.reset_index(drop=True)


def growth_definitions(study: Study, measures: Measures, hot: Hot, segments: pd.DataFrame) -> pd.DataFrame:
    """Return which of the four definitions of growth each populated cell passes by the local test, and how many.

    Returns
    -------
    ``place``, ``side``, ``region``, ``cell``, ``population``, a column per definition, ``passes``; most passes first.
    """
    cells, units = measures.cells, hot.units
    populated = units[(units["population"] > 0) & units["potential_cross_actual"].notna()]
    residual = growth_residual(units)
    options = _options(study)
    touching = contiguity(pd.Series(residual.dropna().index))
    by_cell = cells.set_index("cell")
    hot_segments = (
        segments["growth_flag"].isin([STANDS_OUT, HIGH]) if "growth_flag" in segments else pd.Series(dtype=bool)
    )
    near = _nearest_segment(by_cell.loc[populated.index], measures.segments)
    found = {
        DEFINITIONS[0]: own_side_test(residual, hot.graph, units["side"], **options)["hot"],
        DEFINITIONS[1]: own_side_test(residual, touching, units["side"], **options)["hot"],
        DEFINITIONS[2]: own_side_test(log_ratio(units), hot.graph, units["side"], **options)["hot"],
        DEFINITIONS[3]: pd.Series(hot_segments.to_numpy()[near] if len(hot_segments) else False, index=populated.index),
    }
    table = passes({name: each.reindex(populated.index) for name, each in found.items()})
    head = by_cell.loc[populated.index, ["place", "side", "region", "population"]].reset_index()
    out: pd.DataFrame = head.join(table.reset_index(drop=True)).sort_values(
        ["passes", "population", "cell"], ascending=[False, False, True], ignore_index=True
    )
    return out


def _options(study: Study) -> dict[str, Any]:
    """Return the draws, the seed and the level of the local test."""
    settings = study.analysis
    return {"permutations": settings.permutations, "seed": settings.seed, "alpha": settings.alpha}


def _nearest_segment(cells: pd.DataFrame, segments: gpd.GeoDataFrame) -> NDArray[np.int64]:
    """Return the row of the segment whose middle is nearest to each cell."""
    if cells.empty or segments.empty:
        return np.zeros(len(cells), np.int64)
    km = straight_km(cells[["lon", "lat"]].to_numpy(float), segments[["lon", "lat"]].to_numpy(float))
    return np.asarray(km.argmin(axis=1), np.int64)


def gap_table(study: Study, measures: Measures, hot: Hot) -> gpd.GeoDataFrame:
    """Return the isolated gaps: see `analysis.statistics.gaps.isolated_gaps`."""
    cells = measures.cells
    own = cells.assign(place=named(cells, hot.basis.homes), log_ratio=log_ratio(hot.units).to_numpy())
    found = isolated_gaps(
        own,
        gap_min=study.lists.gap_min,
        permutations=study.analysis.permutations,
        seed=study.analysis.seed,
        alpha=study.analysis.alpha,
    )
    shapes = cells.set_index("cell").geometry.reindex(found["cell"])
    return gpd.GeoDataFrame(found, geometry=shapes.to_numpy(), crs=cells.crs)


def label_stability(
    prepared: Prepared, network: Network, measures: Measures, hot: Hot
) -> tuple[pd.DataFrame, pd.Series | None]:
    """Return how many growth points of the local test stay under other neighbours, cells and grids, and the share."""
    study, access = prepared.study, measures.access
    if access is None or study.stability.alternatives == "none":
        return pd.DataFrame(), None
    known = access

    def label(cells: gpd.GeoDataFrame, weights: Weights | None) -> pd.Series:
        own = cells is measures.cells
        homes, rows = homes_of(cells, network, known, study.analysis.h3_resolution if own else None)
        cells = cells if own else cells.assign(population=np.bincount(homes.cell, homes.people, minlength=len(cells)))
        units = cell_units(cells, homes, known.targets, known.times["actual"][rows], hot.basis.decay)
        residual = growth_residual(units)
        graph = _weights(weights, cells, residual, hot if own else None, lambda n: by_time(known, cells, homes, n))
        options = _options(study)
        found = own_side_test(residual, graph, units["side"], **options)
        return pd.Series(np.where(residual.isna(), NO_DATA, np.where(found["hot"], GROWTH, NEITHER)), index=cells.index)

    every = alternatives(
        known.router,
        measures.cells,
        network.base.regions,
        prepared.border,
        label,
        resolution=study.analysis.h3_resolution,
        depth_km=study.analysis.depth_km,
    )
    chosen = every if study.stability.alternatives == "all" else {n: every[n] for n in LIGHT}
    base = label(measures.cells, None).set_axis(measures.cells["cell"].to_numpy())
    return stability(base, chosen)


def _weights(
    weights: Weights | None,
    cells: gpd.GeoDataFrame,
    residual: pd.Series,
    hot: Hot | None,
    timed: Callable[[str], Graph],
) -> Graph:
    """Return the weights by name; time with waits where there is none."""
    known = residual.dropna().index
    if weights == "contiguity":
        return contiguity(pd.Series(known))
    if weights == "nearest":
        return nearest_neighbours(cells[cells["cell"].isin(known)])
    if weights is None and hot is not None:
        return hot.graph
    return timed("open" if weights == "open" else "actual")
