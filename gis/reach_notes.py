"""What is worth saying of how a network and its chapters were reached."""

from __future__ import annotations

import geopandas as gpd

from network.build import Network

MOST_NAMED = 5


def reach_notes(cells: gpd.GeoDataFrame, settlements: gpd.GeoDataFrame, network: Network) -> list[str]:
    """Return counts of what is not reached, and what the data can't show."""
    notes = []
    lost = int(cells["time_to_checkpoint_min"].isna().sum())
    if lost:
        notes.append(
            f"{lost} of {len(cells)} cells reach no checkpoint (further than {network.limits.point_km:g} km from "
            "a road of their side, or cut off): no data"
        )
    apart = cells.loc[cells["connector_km"].isna(), "nearest_road_km"].dropna()
    if len(apart):
        notes.append(
            f"{len(apart)} cells join no road: the nearest of their side is {apart.min():.0f} to {apart.max():.0f} km "
            "away"
        )
    frame = int(cells["by_the_frame"].sum())
    if frame:
        notes.append(
            f"the way of {frame} cells to their checkpoint runs beyond the network's depth, where the data may "
            "be cut off, and may be too long"
        )
    away = settlements["time_to_checkpoint_min"].isna()
    if away.any():
        people = int(settlements.loc[away, "population"].sum())
        notes.append(f"{int(away.sum())} of {len(settlements)} settlements ({people:,} people) reach no checkpoint")
    lone = settlements[settlements["snap_km"].isna() & settlements["nearest_road_km"].notna()]
    if len(lone):
        far = lone.nlargest(MOST_NAMED, "nearest_road_km")
        listed = ", ".join(f"{n} {km:,.1f} km" for n, km in zip(far["name"], far["nearest_road_km"], strict=True))
        notes.append(
            f"{len(lone)} settlements join no road within {network.limits.settlement_km:g} km; the nearest road lies "
            f"from {listed}"
        )
    lost = network.report["crossings_apart"]
    if len(lost):
        posts = ", ".join(network.report["checkpoints_apart"])
        notes.append(
            f"{len(lost)} crossings lie in pieces of network of their own, which do not join the main network of "
            f"both sides: {', '.join(lost[:10])}" + (f"; no way leads to {posts}" if posts else "")
        )
    woven = network.report.get("nodes_unwoven", 0)
    if woven and network.crossings.empty:
        notes.append(
            f"no way crosses the border: {woven} nodes beyond it lie on roads that end within "
            f"{network.base.border.tolerance_km:g} km of it and count as weaving (line_tolerance_km)"
        )
    one_way = network.report["checkpoints_one_way"]
    if one_way:
        notes.append(f"checkpoints that roads pass in one direction alone: {', '.join(one_way)}")
    closed = network.report["crossings_closed"]
    if not closed:
        notes.append(
            "the network holds no crossing without an open checkpoint, so that no border loss by detour can be "
            "seen in it: the whole loss is delay"
        )
    else:
        notes.append(f"{len(closed)} crossings have no open checkpoint and are closed in open and actual")
    alone = network.report["checkpoints_without_network"]
    if alone:
        notes.append(f"on no network of the data, and so without share: {', '.join(alone)}")
    far = network.report["checkpoints_not_modelled"]
    if far:
        notes.append(
            f"{len(far)} checkpoints stand more than {network.limits.checkpoint_modelled_km:g} km from the roads "
            "of the data and are not modelled, "
            f"so without share, rank, fallback and access: {', '.join(far)}"
        )
    return notes
