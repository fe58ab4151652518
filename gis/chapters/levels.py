"""The chapter on levels and types.

The index of regions, its ranks with intervals, quadrants, and regions that hang together.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from analysis.connectivity.regions import population_access
from analysis.levels.contiguity import open_contiguity, plain_contiguity
from analysis.levels.groups import regionalise
from analysis.levels.index import LevelIndex, level_index
from analysis.levels.indicators import TRANSPORT, IndicatorSet, collect_indicators, informative
from analysis.levels.quadrants import Axes, quadrant_types
from analysis.levels.ranking import Choices, Ranking, rank_regions, rank_sensitivity
from analysis.reach.accessibility import potentials, travel_times
from gis.chapters.chapter import Chapter, rows_like
from layers.errors import LayerError
from layers.hours import ClosedHours
from layers.indicators import read_indicators
from layers.sides import SIDES
from network.edits import charge_closed_hours, scale_waits
from network.routing import Points, compile_router

if TYPE_CHECKING:
    from gis.inputs import Prepared
    from gis.measures import Access, Measures
    from gis.study import Study
    from network.build import Network

WAIT_FACTORS = {"waits halved": 0.5, "waits doubled": 2.0}
"""Low and high of the waits that nobody measured: assumptions."""
OTHER_HOURS: dict[ClosedHours, str] = {"even": "arrivals at any hour", "planned": "closed hours planned around"}
"""What those who travel do about closed hours, other than the study says."""
DECAY_FACTORS = {"half-life halved": 0.5, "half-life doubled": 2.0}
LEAST = 4
"""Fewer regions are not ranked: a rank among three says nothing."""


def levels_chapter(prepared: Prepared, network: Network, measures: Measures) -> Chapter:
    """Return the chapter's tables, and columns of the regions."""
    study, regions = prepared.study, _with_load(measures)
    if len(regions) < LEAST:
        return Chapter(notes=[f"{len(regions)} regions touch the border: too few for an index and for types"])
    own, notes = None, []
    if study.index.indicators:
        found = read_indicators(Path(study.index.indicators), regions["region"])
        own, notes = found.table, found.notes
    there = {c: about for c, about in TRANSPORT.items() if c in regions}
    part = study.index
    chosen = collect_indicators(regions, own, transport=there, goalposts=part.goalposts)
    if informative(chosen).about.empty:
        return Chapter(
            notes=[*notes, *informative(chosen).notes, "no index of regions: no indicator differs between them"]
        )
    index = level_index(
        chosen,
        normalisation=part.normalisation,
        weights=part.weights,
        aggregation=part.aggregation,
        level_weights=part.level_weights,
        least_known=part.least_known,
    )
    kinds = study.types
    cuts = kinds.cuts.get("potential"), kinds.cuts.get("permeability")
    axes = Axes(kinds.potential, kinds.permeability, kinds.directions, cuts)
    versions = _versions(study, network, measures, regions)
    choices = Choices(versions=versions, level_weights=part.level_weights, least_known=part.least_known)
    draws, seed = study.index.draws, study.analysis.seed
    ranking = rank_regions(chosen, choices, axes=axes, names=study.types.names, draws=draws, seed=seed)
    types = quadrant_types(regions, axes, names=study.types.names)
    groups, more = _groups(prepared, network, chosen, regions)
    tables = {
        "index": index.regions,
        "indicators": index.indicators,
        "ranks": ranking.table.merge(regions[["region", "name", "side"]], on="region"),
        "rank_sensitivity": rank_sensitivity(chosen, choices, seed=seed, ranking=ranking),
        "types": types.merge(regions[["region", "name", "side"]], on="region"),
        "type_shares": ranking.types,
        **groups,
    }
    all_notes = dict.fromkeys([*notes, *index.notes, *ranking.notes, *more])
    return Chapter(tables, columns={"regions": _columns(regions, index, ranking, types)}, notes=list(all_notes))


def _with_load(measures: Measures) -> pd.DataFrame:
    """Return the regions with the load of their checkpoints, weighted by flow, where it is known."""
    table = measures.checkpoints
    if "load_factor" not in table:
        return pd.DataFrame(measures.regions)
    known = table.dropna(subset=["load_factor", "flow_per_day"])
    both = pd.concat([known.assign(region=known[f"region_{s}"]) for s in SIDES])
    sums = (
        both.assign(load=both["load_factor"] * both["flow_per_day"]).groupby("region")[["load", "flow_per_day"]].sum()
    )
    load = measures.regions["region"].map(sums["load"] / sums["flow_per_day"])
    return pd.DataFrame(measures.regions).assign(load_factor=load.astype(float))


def _columns(regions: pd.DataFrame, index: LevelIndex, ranking: Ranking, types: pd.DataFrame) -> pd.DataFrame:
    """Return what the layer of regions holds of this chapter."""
    keys = regions["region"]
    scores = [c for c in index.regions if str(c).endswith(("_score", "_status"))]
    one = index.regions[["region", "index", "rank", "levels_assessed", *scores]]
    two = ranking.table[["region", "rank_median", "rank_p5", "rank_p95", "type_share"]]
    return pd.concat([rows_like(t, keys, "region") for t in (one, two, types[["region", "quadrant", "type"]])], axis=1)


def _versions(study: Study, network: Network, measures: Measures, regions: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """Return the computed indicators as other waits and another decay make them; the first version is the run's own."""
    wanted = dict.fromkeys([*TRANSPORT, study.types.potential, study.types.permeability])
    base = regions[["region", *(c for c in wanted if c in regions)]]
    access = measures.access
    if access is None or study.analysis.decay is not None:
        return {"as it is": base}
    rows = access.parts["settlements"]
    homes = access.points[rows]
    times = {name: minutes[rows] for name, minutes in access.times.items()}
    half = study.analysis.half_life_min
    out = {"as it is": base}
    for name, factor in DECAY_FACTORS.items():
        out[name] = _again(base, measures, access, homes, times, half * factor)
    variants = {name: scale_waits(network, factor) for name, factor in WAIT_FACTORS.items()}
    if (network.checkpoints["hours_even_min"] > 0).any():
        other: ClosedHours = "planned" if study.analysis.closed_hours == "even" else "even"
        variants[OTHER_HOURS[other]] = charge_closed_hours(network, other)
    for name, variant in variants.items():
        moved = times | {"actual": _actual(study, variant, access, homes)}
        out[name] = _again(base, measures, access, homes, moved, half, stay=("borderless", "open"))
        del moved
    return out


def _actual(study: Study, network: Network, access: Access, homes: Points) -> np.ndarray:
    """Return the minutes between settlements on a network with other waits."""
    router = compile_router(network, study.analysis.mode).sharing
    return travel_times(router, homes, access.targets, networks=["actual"])["actual"]


def _again(
    base: pd.DataFrame,
    measures: Measures,
    access: Access,
    homes: Points,
    times: dict[str, np.ndarray],
    half_life_min: float,
    *,
    stay: tuple[str, ...] = (),
) -> pd.DataFrame:
    """Return the indicators of access anew; those that a version does not touch stay.

    Potentials on networks that `stay` are those of the run.
    """
    known = measures.settlements.loc[:, [c for c in measures.settlements if str(c).endswith(stay)]] if stay else None
    pull = potentials(access.router, homes, access.targets, half_life_min=half_life_min, times=times, known=known)
    people = measures.settlements[["region", "population", "time_to_checkpoint_min"]]
    table = population_access(pd.concat([people.reset_index(drop=True), pull], axis=1), base["region"])
    moved = ("border_loss", "potential_cross_borderless", "potential_cross_actual")
    return base.assign(**{c: table[c].to_numpy() for c in moved if c in base})


def _groups(
    prepared: Prepared, network: Network, chosen: IndicatorSet, regions: pd.DataFrame
) -> tuple[dict[str, pd.DataFrame], list[str]]:
    """Return regions that are alike and hang together, over open checkpoints alone and by plain contiguity."""
    study = prepared.study
    if not study.types.methods:
        return {}, []
    shapes = prepared.layers["regions"]
    shapes = shapes[shapes["region"].isin(regions["region"])].reset_index(drop=True)
    through, notes = open_contiguity(shapes, network.checkpoints)
    graphs = {"open checkpoints": through, "plain": plain_contiguity(shapes, prepared.border)}
    try:
        found = regionalise(
            chosen.values,
            graphs,
            methods=study.types.methods,
            k=study.types.groups,
            names=study.types.group_names,
            seed=study.analysis.seed,
        )
    except LayerError as error:
        return {}, [f"no groups of regions: {error}"]
    labels = found.labels.merge(regions[["region", "side"]].assign(title=regions["name"]), on="region", how="left")
    tables = {"groups": labels, "group_choices": found.choices, "group_agreement": found.agreement}
    return tables, [*notes, *found.notes]
