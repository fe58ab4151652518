"""The ground of a network before its checkpoints.

Links with speeds and sides, crossings found, trains' changes placed.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import numpy as np
import shapely

from layers.crs import WGS84, project
from layers.errors import NetworkError
from network.abroad import WEAVE_KM, Border
from network.banks import courses
from network.border import find_crossings, with_sides_of_nodes
from network.bridges import bridge_rail
from network.gaps import close_gaps, dead_ends, joined_layers, no_gaps, rail_bridges
from network.kinds import CHANGE
from network.lengths import CORRECTIONS, lengthened, scatter, with_length_factors
from network.rail import CURRENT_CHANGE_MIN, GAUGE_CHANGE_MIN, kinds_meet, split_changes
from network.simplify import simplify
from network.speeds import with_speeds
from network.topology import FOR_SPEEDS, Tables, assemble
from network.turns import split_turns
from network.vehicles import usable_roads

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    import pandas as pd
    from pyproj import CRS

STOPS = ("station", "halt")
"""Kinds of stations where people board; a place where a railway crosses a border is none."""


@dataclass(frozen=True)
class Base:
    """The ground of a network before its checkpoints.

    Attributes
    ----------
    tables, crossings, border
        Links with speeds and sides, the crossings found, the border line.
    regions
        With ``side``, clipped to the belt.
    report
        Counts of what was done and left out.
    vehicle
        Whose roads and speeds these are, ``car`` or ``truck``.
    stations
        Where settlements board trains; None where the source names none.
    shut
        Roads over the border line that are not for this vehicle and season, as lines in the projection: a checkpoint on
        one of them is on no network.
    gaps
        Gaps of the data as lines, bridged or not (`network.gaps`).
    """

    tables: Tables
    crossings: pd.DataFrame
    regions: gpd.GeoDataFrame
    border: Border
    report: dict[str, Any]
    vehicle: str = "car"
    stations: gpd.GeoDataFrame | None = None
    closed_lines: tuple[shapely.Geometry, ...] = ()
    gaps: gpd.GeoDataFrame = field(default_factory=no_gaps)


def build_base(
    roads: gpd.GeoDataFrame,
    railways: gpd.GeoDataFrame,
    regions: gpd.GeoDataFrame,
    border: gpd.GeoDataFrame,
    crs: CRS,
    *,
    speeds: Mapping[str, float] | None = None,
    contract: bool = False,
    tolerance_km: float = WEAVE_KM,
    vehicle: str = "car",
    winter: bool = False,
    gauge_change_min: float = GAUGE_CHANGE_MIN,
    current_change_min: float = CURRENT_CHANGE_MIN,
    stations: gpd.GeoDataFrame | None = None,
    generalised: Collection[str] = (),
    bridge_gaps: bool = True,
    length_factor: bool = True,
    water: shapely.Geometry | None = None,
    turns: pd.DataFrame | None = None,
) -> Base:
    """Return the ground of a network.

    Parameters
    ----------
    roads, railways
        Validated layers; either may be empty.
    regions
        With ``side``, clipped to the belt (`layers.regions.clip_to_belt`).
    border
        From `layers.regions.border_line`.
    crs
        Equal-area projection of the study.
    speeds
        km/h by class, before the defaults.
    contract
        Merge chains of degree-2 nodes (`network.simplify`): for detailed data, which is full of them.
    tolerance_km
        How far off the border line may be: roads that weave within it cross once, connectors may cut so far.
    vehicle, winter
        Who drives, and when: which roads there are (`network.vehicles`) and how fast they are (`network.speeds`).
    gauge_change_min, current_change_min
        What a train loses where gauge or current changes (`network.rail`).
    stations
        Points where settlements board trains; with ``kind``, only stations and halts count. None, or without any, where
        the source names none.
    generalised
        Modes, ``road`` or ``rail``, whose layer is generalised: gaps of its roads are bridged, straightened links
        lengthened. Elsewhere an end is an end, and a length the source's own.
    bridge_gaps
        Whether gaps are bridged at all (`network.gaps`), those of railways included.
    length_factor
        Whether straightened links of generalised modes take a factor (`network.lengths`).
    water
        Water in the projection `crs`, over which no gap of a road is bridged; None where none is known.
    turns
        Restrictions of turns at nodes of OpenStreetMap (`network.turns`); None where none are known.

    Raises
    ------
    NetworkError
        Nothing is left on the two sides, or a vehicle or speed is not allowed.
    """
    edge = Border.of(regions, border, crs, tolerance_km, water)
    roads, out, left_out = usable_roads(roads, vehicle=vehicle, winter=winter)
    lines = np.asarray(project(out.geometry.to_numpy(), WGS84, crs), dtype=object)
    closed_lines = tuple(lines[shapely.intersects(lines, edge.line)])
    tables = assemble({"road": roads, "rail": railways}, crs)
    # Told now, for whole links; put into lengths once gaps are found, so that a study without factors has the same
    # bridges.
    tables = Tables(tables.nodes, with_length_factors(tables.links, generalised if length_factor else ()), crs)
    edge = replace(edge, courses=courses(tables, generalised, water))
    ends = {mode: dead_ends(tables, mode) for mode in ("road", "rail")}
    tables = bridge_rail(tables) if bridge_gaps else tables
    tables, report = with_sides_of_nodes(tables, regions, edge)
    if tables.links.empty:
        raise NetworkError("the network is empty: no road and no railway lies on the two sides of the border")
    gaps = []
    if "road" in generalised:
        tables, layer = close_gaps(tables, "road", ends=ends.pop("road"), bridge=bridge_gaps, water=water)
        gaps.append(layer)
    tables = Tables(tables.nodes, lengthened(tables.links), crs)
    links = with_speeds(_with_countries(tables, regions), overrides=speeds, vehicle=vehicle, winter=winter)
    tables = Tables(tables.nodes, links.drop(columns=[c for c in FOR_SPEEDS if c != "speed_source"]), crs)
    tables = split_changes(tables, gauge_min=gauge_change_min, current_min=current_change_min)
    tables, crossings = find_crossings(tables, edge)
    links = tables.links.assign(wait_min=0.0, checkpoint_id="", passable=(tables.links["crossing_id"] == "").to_numpy())
    if contract:
        report["links_before_contraction"] = len(links)
        links = simplify(Tables(tables.nodes, links, crs), _kept(tables, turns))[0].links
    changes = int((tables.links["kind"] == CHANGE).sum())
    report |= left_out | ({"rail_changes": changes} if changes else {})
    tables, forbidden = split_turns(Tables(tables.nodes, links, crs), turns)
    report |= forbidden
    # After contraction, for there may be very many dead ends in detailed data.
    gaps += [close_gaps(tables, mode, ends=ends[mode], bridge=False)[1] for mode in ends]
    bridges = joined_layers([*gaps, rail_bridges(tables)])
    report |= {f"{m}_gaps_bridged": int((bridges["bridged"] & (bridges["mode"] == m)).sum()) for m in ("road", "rail")}
    report |= _told_of_lengths(tables.links, generalised, length_factor)
    return Base(tables, crossings, regions, edge, report, vehicle, stops_of(stations), closed_lines, bridges)


def _told_of_lengths(links: pd.DataFrame, generalised: Collection[str], corrected: bool) -> dict[str, Any]:
    """Return what a reader must know of generalised lengths.

    Factors, how far off they are, how many links are lengthened.
    """
    out: dict[str, Any] = {}
    for mode in sorted(generalised):
        known = CORRECTIONS[mode]
        own = links[links["mode"] == mode]
        out[f"{mode}_lengths"] = {
            "factor": known.factor if corrected else 1.0,
            "scatter": scatter(mode, corrected=corrected),
            "published_ways": known.ways,
            "lengthened_links": int((own["length_factor"] > 1).sum()),
            "added_km": round(float((own["length_m"] * (1 - 1 / own["length_factor"])).sum() / 1000), 1),
        }
    return out


def stops_of(stations: gpd.GeoDataFrame | None) -> gpd.GeoDataFrame | None:
    """Return the stations where people board, None where there is not one: then the source names none."""
    if stations is None:
        return None
    stops = stations[stations["kind"].isin(STOPS)] if "kind" in stations else stations
    return stops.reset_index(drop=True) if len(stops) else None


def _with_countries(tables: Tables, regions: gpd.GeoDataFrame) -> pd.DataFrame:
    """Return the links with their country: the source's, else that of the side of their first node."""
    of_side = regions.drop_duplicates("side").set_index("side")["country"]
    links = tables.links
    side = tables.nodes["side"].iloc[links["u"].to_numpy()]
    return links.assign(country=np.where(links["country"] != "", links["country"], side.map(of_side)))


def _kept(tables: Tables, turns: pd.DataFrame | None) -> np.ndarray[Any, np.dtype[np.bool_]]:
    """Return the nodes that contraction must leave.

    Ends of crossings and of bridged gaps, changes of trains, borders of kinds of track and of through traffic.
    """
    links = tables.links
    # A chain with a bridged gap in it would be an assumption as a whole, which no place joins.
    fixed = (links["crossing_id"] != "") | (links["kind"] == CHANGE) | links["bridged"].astype(bool)
    out = kinds_meet(tables)
    if turns is not None:
        for column in ("via", "via_to"):
            if column in turns:
                out |= tables.nodes["ref"].isin(turns[column].astype(str)).to_numpy()
    out[links.loc[fixed, ["u", "v"]].to_numpy(np.int64).ravel()] = True
    # Where roads without through traffic begin.
    passing = links["through"].to_numpy(bool)
    meets = np.zeros((2, len(out)), bool)
    for k, rows in enumerate((passing, ~passing)):
        meets[k, links.loc[rows, ["u", "v"]].to_numpy(np.int64).ravel()] = True
    out |= meets.all(axis=0)
    return out
