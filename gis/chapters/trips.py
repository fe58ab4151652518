"""The chapter on trips: where they run, flows between regions, load and queues, counts, what closures cost."""

from __future__ import annotations

from typing import TYPE_CHECKING

import geopandas as gpd
import numpy as np
import pandas as pd

from analysis.closures.checkpoints import close_pairs, fallbacks, pair_fallbacks
from analysis.closures.links import close_links, links_towards_frame
from analysis.trips.betweenness import Carried, carry, checkpoint_betweenness, link_betweenness
from analysis.trips.counts import fit_counts
from analysis.trips.fit import MIN_COUNTS, compare_counts
from analysis.trips.gravity import region_flows
from analysis.trips.load import Load, equilibrium
from analysis.units import nearest_settlement
from gis.chapters.chapter import Chapter, rows_like
from gis.measures import frame_nodes
from layers.checkpoints import find_checkpoint
from layers.crs import WGS84
from layers.errors import LayerError
from network.kinds import GATE, LINE
from network.routing import compile_router

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from analysis.trips.choice import Choice
    from analysis.trips.demand import Demand
    from gis.measures import Measures
    from gis.study import Study
    from layers.counts import Counts
    from network.build import Network

EDGE_SHARE = 0.9
"""What lies further from the border line than this share of the network's depth is by its edge. An assumption."""


def trips_chapter(study: Study, network: Network, measures: Measures, counts: Counts | None = None) -> Chapter:
    """Return the chapter's tables, the layers of flows and of closed links, and columns of the checkpoints."""
    demand, choice = measures.demand, measures.choice
    if demand is None or choice is None:
        return Chapter(notes=["no trips across the border could be modelled: no flows, no closures"])
    total = study.trips.per_day or None
    by_road = choice.by_mode("road")
    carried = {m.mode: _carried(network, demand, choice, m.mode) for m in demand.modes}
    flows = {mode: link_betweenness(flow) for mode, flow in carried.items()}
    tables = {
        "region_flows": _region_flows(network, demand, by_road, total),
        "fallbacks": fallbacks(choice),
    }
    tables["closures_pairs"] = pairs = _pairs(study, demand, choice)
    if len(pairs):
        tables["fallbacks_pairs"] = pair_fallbacks(choice, pairs)
    layers = {"flows": _flow_lines(network, flows)}
    closed, notes = _links(study, network, demand, choice, flows)
    layers |= {"closures_links": closed} if len(closed) else {}
    ids = measures.checkpoints["checkpoint_id"]
    columns = [_shortest_shares(carried, ids)]
    flow = choice.share
    if total is not None and by_road.sum() > 0:
        load = _load(study, network, choice, total)
        tables["load"], tables["load_rounds"] = load.checkpoints, load.rounds
        notes += load.notes
        columns.append(_load_columns(load, ids))
        flow = load.checkpoints.set_index("checkpoint_id")["flow_per_day"]
    elif total is not None:
        notes.append("no modelled trip goes by road: the load of road checkpoints is not computed")
    fit, more = _fit(flow, _known(network, "observed_per_day"))
    tables |= fit
    notes += more
    if counts is not None:
        found, more = _fitted(study, network, demand, counts)
        tables |= found
        notes += more
    return Chapter(tables, layers, {"checkpoints": pd.concat(columns, axis=1)}, notes)


def _region_flows(network: Network, demand: Demand, by_road: NDArray[np.float64], total: float | None) -> pd.DataFrame:
    """Return the trips between regions; what runs a day are vehicles, so it counts the trips that go by road alone."""
    out = region_flows(network, demand)
    if total is None or not by_road.sum() > 0:
        return out
    road = region_flows(network, demand.with_trips(by_road), total_per_day=total)
    keys = ["region_a", "region_b"]
    found = out[keys].merge(road[[*keys, "flow_per_day"]], on=keys, how="left")["flow_per_day"]
    return out.assign(flow_per_day=found.fillna(0.0).to_numpy())


def _carried(network: Network, demand: Demand, choice: Choice, mode: str) -> Carried:
    """Return what each part of a mode carries of the trips that choose the mode."""
    node = network.settlements["node"].to_numpy(np.int64)
    router = compile_router(network, mode)
    return carry(router, node[demand.a], node[demand.b], choice.by_mode(mode))


def _flow_lines(network: Network, flows: dict[str, pd.DataFrame]) -> gpd.GeoDataFrame:
    """Return the links that carry trips as lines; gates, which have no length, are left out."""
    parts = []
    for table in flows.values():
        ground = table[~table["kind"].isin([GATE, LINE])]
        links = network.links.iloc[ground["link"].to_numpy(np.int64)]
        more = {c: links[c].to_numpy() for c in ("length_m", "time_min", "osm_ids") if c in links}
        named = ground.drop(columns=["trips"]).rename(columns={"share": "flow_share"})
        parts.append(gpd.GeoDataFrame(named.assign(**more), geometry=links["geometry"].to_numpy(), crs=WGS84))
    return pd.concat(parts, ignore_index=True)


def _shortest_shares(carried: dict[str, Carried], ids: pd.Series) -> pd.DataFrame:
    """Return the share of its mode's trips whose quickest way leads through each checkpoint."""
    table = pd.concat([checkpoint_betweenness(flow) for flow in carried.values()])
    named = table[["checkpoint_id", "share"]].rename(columns={"share": "betweenness_share"})
    return rows_like(named, ids, "checkpoint_id")


def _load(study: Study, network: Network, choice: Choice, total: float) -> Load:
    """Return the loads of the road checkpoints."""
    return equilibrium(
        choice,
        network.checkpoints.set_index("checkpoint_id")["wait_min"],
        total_per_day=total,
        capacity_per_day=_known(network, "capacity_per_day"),
        theta=study.analysis.theta_per_min,
        peak_min=study.trips.peak_min,
    )


def _fit(flow: pd.Series, counts: pd.Series) -> tuple[dict[str, pd.DataFrame], list[str]]:
    """Return how the flows agree with the counts, and notes: a count where the model has no flow is left out."""
    astray = [str(i) for i in counts.index if i not in flow.index]
    counts = counts.drop(index=astray)
    notes = []
    if astray:
        notes.append(f"counts at {', '.join(astray)} are not compared: the model has no flow there")
    if len(counts) < MIN_COUNTS:
        if len(counts):
            notes.append(
                f"{len(counts)} checkpoints have counts: {MIN_COUNTS} or more are needed to tell how the model fits"
            )
        return {}, notes
    try:
        fit = compare_counts(flow, counts)
    except LayerError as error:
        return {}, [*notes, f"the model is not compared with counts: {error}"]
    return {"fit": fit.checkpoints, "fit_summary": fit.summary}, notes


def _fitted(
    study: Study, network: Network, demand: Demand, counts: Counts
) -> tuple[dict[str, pd.DataFrame], list[str]]:
    """Return what the counts say of spread, half-life and total, mode by mode, and notes."""
    held = {find_checkpoint(network.checkpoints, name) for name in study.counts.hold_out}
    fits, notes = [], []
    for mode, own in counts.table.groupby("mode", sort=True):
        observed = dict(zip(own["checkpoint_id"], own["observed_per_day"], strict=True))
        try:
            fits.append(fit_counts(demand, observed, mode=str(mode), hold_out=held))
        except LayerError as error:
            notes.append(f"the model is not fitted to counts by {mode}: {error}")
    notes += [n for f in fits for n in f.notes]
    names = {"counts_posts": "posts", "counts_fit": "summary", "counts_tried": "tried"}
    return {
        n: pd.concat([getattr(f, part) for f in fits], ignore_index=True) for n, part in names.items() if fits
    }, notes


def _load_columns(load: Load, ids: pd.Series) -> pd.DataFrame:
    """Return what the layer of checkpoints holds of the loads."""
    named = load.checkpoints.rename(columns={"wait_min": "wait_loaded_min"})
    kept = ["checkpoint_id", "flow_per_day", "load_factor", "wait_loaded_min"]
    return rows_like(named[kept], ids, "checkpoint_id")


def _known(network: Network, column: str) -> pd.Series:
    """Return the known numbers of a column of the checkpoints, by id."""
    table = network.checkpoints
    if column not in table:
        return pd.Series(dtype=float)
    known: pd.Series = table.set_index("checkpoint_id")[column].astype(float).dropna()
    return known


def _pairs(study: Study, demand: Demand, choice: Choice) -> pd.DataFrame:
    """Return joint closures of both modes."""
    modes = [m.mode for m in demand.modes if choice.mode.count(m.mode) > 1]
    parts = [close_pairs(demand, choice, mode=mode, top=study.trips.closed_together) for mode in modes]
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame()


def _links(
    study: Study, network: Network, demand: Demand, choice: Choice, flows: dict[str, pd.DataFrame]
) -> tuple[gpd.GeoDataFrame, list[str]]:
    """Return what the loss of the most used links of each mode costs, and what was left out."""
    top = study.trips.links_closed
    if not top:
        return gpd.GeoDataFrame(), []
    frame = frame_nodes(network, EDGE_SHARE * study.network.depth_km)
    skip = {mode: links_towards_frame(network, flow, frame, mode=mode, top=top) for mode, flow in flows.items()}
    parts = [
        close_links(network, demand, choice, flow, mode=mode, top=top, skip=skip[mode]) for mode, flow in flows.items()
    ]
    notes = [
        f"{len(rows)} of the most used sections by {mode} are not closed: their loss would cut off only what lies by "
        "the edge of the loaded network, beyond which the data hold no other way"
        for mode, rows in skip.items()
        if len(rows)
    ]
    parts = [p for p in parts if len(p)]
    if not parts:
        return gpd.GeoDataFrame(), notes
    table: gpd.GeoDataFrame = pd.concat(parts, ignore_index=True)
    middle = table.geometry.representative_point()
    side = network.nodes["side"].to_numpy(dtype=object)[table["u"].to_numpy(np.int64)]
    spots = pd.DataFrame({"lon": middle.x, "lat": middle.y, "side": side})
    table.insert(0, "place", nearest_settlement(spots, network.settlements))
    return table, notes
