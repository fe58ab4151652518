"""All measures of one network, table by table."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from analysis.closures.checkpoints import COLUMNS, close_each
from analysis.connectivity.regions import population_access, region_connectivity
from analysis.land import on_land
from analysis.reach.accessibility import (
    Targets,
    nearest_checkpoint,
    posts,
    potentials,
    settlement_times,
    time_to_checkpoint,
    touches_frame,
    travel_times,
)
from analysis.reach.surfaces import Surface, checkpoint_surface, territory_within
from analysis.trips.choice import Choice, choose_checkpoints
from analysis.trips.demand import Demand, model_demand
from analysis.units import border_segments, h3_cells, nearest_settlement, people_from_raster, people_in_cells
from gis.reach_notes import reach_notes
from layers.crs import points_at
from layers.errors import NetworkError
from layers.keeping import kept, kept_as
from layers.memory import laid_down
from layers.progress import piece
from layers.regions import touching
from layers.sides import SIDES
from network.build import FIELDS, NETWORKS, Network
from network.connectors import nearest_way_km
from network.kinds import CONNECTOR, JOINTS
from network.modes import Mode
from network.routing import Points, Router, compile_router

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from analysis.reach.accessibility import Nearest
    from gis.hot import Hot
    from gis.settings import Analysis
    from layers.population import PopulationRaster

CITY_PEOPLE = 50_000
TABLES = (
    "regions",
    "border_line",
    "checkpoints",
    "crossings",
    "roads",
    "railways",
    "settlements",
    "cells",
    "segments",
)
"""The tables of `Measures` that are layers: what the GeoPackage holds."""


@dataclass(frozen=True)
class Access:
    """Minutes from places to settlements, kept for whatever else is asked of them.

    ``points`` are the cells, then both ends of the segments, which stand at ``lonlat``, then the settlements; ``parts``
    tells the rows of each.
    """

    router: Router
    points: Points
    targets: Targets
    times: dict[str, NDArray[np.float64]]
    parts: dict[str, slice]
    lonlat: NDArray[np.float64]


@dataclass(frozen=True)
class Measures:
    """The result tables of a network, in longitude and latitude.

    ``cells``, ``segments``, ``regions``, ``checkpoints``, ``settlements``, ``crossings``, ``border_line``, ``roads``,
    ``railways``; ``surface`` in the study's projection; ``statistics`` and the labels of cells once hot spots were
    sought; ``notes`` a reader must know. ``access``, ``demand``, ``choice`` and ``hot`` are what the tables were made
    of; ``demand`` and ``choice`` are there until the chapter on trips is made.
    """

    cells: gpd.GeoDataFrame
    segments: gpd.GeoDataFrame
    regions: gpd.GeoDataFrame
    checkpoints: gpd.GeoDataFrame
    settlements: gpd.GeoDataFrame
    crossings: gpd.GeoDataFrame
    border_line: gpd.GeoDataFrame
    roads: gpd.GeoDataFrame
    railways: gpd.GeoDataFrame
    surface: Surface
    statistics: pd.DataFrame = field(default_factory=pd.DataFrame)
    notes: list[str] = field(default_factory=list)
    access: Access | None = None
    demand: Demand | None = None
    choice: Choice | None = None
    hot: Hot | None = None


def populated_cells(
    network: Network, border: gpd.GeoDataFrame, settings: Analysis, population: PopulationRaster | None = None
) -> gpd.GeoDataFrame:
    """Return the cells of the border's belt on land, with their people and nearest places; see `measure_network`."""
    regions, size = network.base.regions[["region", "side", "geometry"]], settings.h3_resolution
    cells = kept(h3_cells, regions, border[["geometry"]], network.crs, resolution=size, depth_km=settings.depth_km)
    cells["population"] = (
        people_from_raster(cells, network.base.regions, population.people)
        if population
        else people_in_cells(cells, network.settlements, settings.h3_resolution)
    )
    cells = on_land(cells, network.base.border, network.crs, homes=network.settlements)
    cells["near"] = nearest_settlement(cells, network.settlements)
    return cells


def measure_network(
    network: Network,
    regions: gpd.GeoDataFrame,
    border: gpd.GeoDataFrame,
    *,
    network_depth_km: float,
    settings: Analysis,
    population: PopulationRaster | None = None,
) -> Measures:
    """Return the measures of a network.

    Parameters
    ----------
    regions
        Whole polygons with ``side``.
    settings
        Widths, decay and mode, as the study has them.
    population
        Raster of people for the cells; from the settlements where it is None.
    """
    router = compile_router(network, settings.mode)
    cells = populated_cells(network, border, settings, population)
    segments = border_segments(border, length_km=settings.segment_km)
    with piece(0.0, 0.2):
        near = nearest_checkpoint(network, router)
        size = {"depth_km": settings.depth_km, "cell_km": settings.raster_km}
        surface = checkpoint_surface(network, router, border, **size, nearest=near)
    with piece(0.2, 0.6):
        tables, access = _access(network, router, cells, segments, settings, network_depth_km, near)
    cells = cells.join(tables["cells"])
    settlements = network.settlements.join(tables["settlements"])
    own = regions[touching(regions, border)].sort_values(["side", "region"], ignore_index=True)
    with piece(0.6, 0.8):
        demand, choice, notes = _demand(network, settings)
        checkpoints = _checkpoint_table(network, demand, choice)
    notes += reach_notes(cells, settlements, network)
    return Measures(
        cells=cells,
        segments=_segment_table(segments, tables),
        regions=_region_table(network, own, border, settlements, surface, network_depth_km),
        checkpoints=checkpoints,
        settlements=settlements,
        crossings=network.crossings,
        border_line=border,
        roads=_edges(network, "road"),
        railways=_edges(network, "rail"),
        surface=surface,
        notes=notes,
        access=access,
        demand=demand,
        choice=choice,
    )


def _access(
    network: Network,
    router: Router,
    cells: gpd.GeoDataFrame,
    segments: gpd.GeoDataFrame,
    settings: Analysis,
    depth_km: float,
    nearest: Nearest,
) -> tuple[dict[str, pd.DataFrame], Access]:
    """Return potentials and times of cells, both ends of segments, and settlements, and the minutes behind them."""
    xy = segments[["lon", "lat"]].to_numpy(float)
    n, m = len(cells), len(segments)
    lonlat = np.concatenate([cells[["lon", "lat"]].to_numpy(float), xy, xy])
    side = np.concatenate(
        [cells["side"].to_numpy(dtype=object), np.full(m, "a", dtype=object), np.full(m, "b", dtype=object)]
    )
    points, ground = join_points(network, router, lonlat, side)
    targets = Targets.of(network, router)
    minutes = travel_times(router, points, targets)
    pull = potentials(
        router, points, targets, half_life_min=settings.half_life_min, decay=settings.decay_function(), times=minutes
    )
    for name in NETWORKS:  # one at a time: each is a file then
        minutes[name] = laid_down(minutes[name])
    times = time_to_checkpoint(network, router, ground, nearest=nearest)
    table = pd.concat([pull.iloc[: n + 2 * m], times], axis=1)
    table["connector_km"] = ground.connector_km
    table["nearest_road_km"] = ground.connector_km
    if not ground.joined.all():
        apart = np.flatnonzero(~ground.joined)
        table.loc[apart, "nearest_road_km"] = nearest_way_km(network.tables, router.mode, lonlat[apart], side[apart])
    edge = kept_as("frame", [network.ground, network.base.border, depth_km], lambda: frame_nodes(network, depth_km))
    table["by_the_frame"] = touches_frame(network, router, ground, edge, nearest=nearest)
    near = settlement_times(network, router, nearest=nearest)
    homes = pd.concat([pull.iloc[n + 2 * m :].reset_index(drop=True), near], axis=1)
    parts = {"cells": slice(0, n), "a": slice(n, n + m), "b": slice(n + m, n + 2 * m)}
    split = {name: table.iloc[rows].reset_index(drop=True) for name, rows in parts.items()}
    rows = {**parts, "settlements": slice(n + 2 * m, len(points))}
    return {**split, "settlements": homes}, Access(router, points, targets, minutes, rows, lonlat)


def frame_nodes(network: Network, depth_km: float) -> NDArray[np.bool_]:
    """Return which nodes lie further from the border line than a depth, where the data may be cut off."""
    line, spots = network.base.border.line, points_at(network.nodes[["px", "py"]].to_numpy(float))
    shapely.prepare(line)
    return np.asarray(~shapely.dwithin(line, spots, depth_km * 1000), bool)


def join_points(
    network: Network, router: Router, lonlat: NDArray[np.float64], side: NDArray[np.object_]
) -> tuple[Points, Points]:
    """Return places joined to the network's links, followed by its settlements at their own nodes.

    And the places alone.
    """
    ground = router.attach(lonlat, side, limit_km=network.limits.point_km)
    at = router.positions(network.settlements["node"].to_numpy())
    people = Points.at_nodes(at, network.settlements["side"].to_numpy(dtype=object))
    return Points.of([ground, people]), ground


def _segment_table(segments: gpd.GeoDataFrame, tables: dict[str, pd.DataFrame]) -> gpd.GeoDataFrame:
    """Return the segments with the times of both sides and the potentials of both taken together."""
    a, b = tables["a"], tables["b"]
    out = segments.copy()
    out["time_to_checkpoint_a_min"], out["time_to_checkpoint_b_min"] = (
        a["time_to_checkpoint_min"],
        b["time_to_checkpoint_min"],
    )
    # The slower side tells whether a stretch is served; a side that reaches nothing leaves it unknown.
    out["time_to_checkpoint_min"] = np.maximum(a["time_to_checkpoint_min"], b["time_to_checkpoint_min"])
    for column in [c for c in a if str(c).startswith("potential_")]:
        out[column] = a[column].fillna(0.0) + b[column].fillna(0.0)
    free = out["potential_cross_borderless"].where(out["potential_cross_borderless"] > 0)
    out["border_loss"] = 1 - out["potential_cross_actual"] / free
    out["loss_detour"] = 1 - out["potential_cross_open"] / free
    out["loss_delay"] = (out["potential_cross_open"] - out["potential_cross_actual"]) / free
    return out


def _region_table(
    network: Network,
    regions: gpd.GeoDataFrame,
    border: gpd.GeoDataFrame,
    settlements: gpd.GeoDataFrame,
    surface: Surface,
    depth_km: float,
) -> gpd.GeoDataFrame:
    """Return connectivity, access and territory of the regions on the border."""
    connectivity = region_connectivity(network, regions, border, depth_km=depth_km)
    access = population_access(settlements, regions["region"])
    out = regions.join(connectivity).join(access)
    projected = regions.to_crs(network.crs)
    for limit in (60, 120):
        out[f"territory_within_{limit}min"] = territory_within(surface, projected, limit)
    return out


def _demand(network: Network, settings: Analysis) -> tuple[Demand | None, Choice | None, list[str]]:
    """Return the modelled trips and their choice of checkpoint, or a note on why there are none."""
    trains = network.base.vehicle == "truck" and bool((network.links["mode"] == "rail").any())
    notes = ["the trips of trucks go by road alone: freight by rail is not modelled"] if trains else []
    try:
        demand = model_demand(network, half_life_min=settings.half_life_min)
        choice = choose_checkpoints(demand, theta=settings.theta_per_min)
        return demand, replace(choice, trips=laid_down(choice.trips)), notes
    except NetworkError as error:
        return None, None, [*notes, f"no demand could be modelled: {error}"]


def _checkpoint_table(network: Network, demand: Demand | None, choice: Choice | None) -> gpd.GeoDataFrame:
    """Return the checkpoints with cities, share of demand, what their closure costs, and fallback."""
    # How a post may join the roads is no answer of a run.
    frame = network.checkpoints.drop(columns="crossing_only", errors="ignore").copy()
    closed = (
        close_each(demand, choice) if demand is not None and choice is not None else pd.DataFrame(columns=COLUMNS)
    ).set_index("checkpoint_id")
    ids = frame["checkpoint_id"]
    for column in closed:
        frame[column] = ids.map(closed[column])
    numbers = [c for c in closed if c != "fallback"]
    frame[numbers] = frame[numbers].astype(float)
    frame["fallback"] = frame["fallback"].astype(object).fillna("").astype(str)
    # A closed checkpoint carries nobody; one that joins no network is unknown.
    frame.loc[~frame["open"].astype(bool), "share"] = 0.0
    frame["share_of_mode"] = frame["share"] / frame.groupby("mode")["share"].transform("sum").replace(0.0, np.nan)
    cities = _nearest_cities(network)
    return frame.merge(cities, on="checkpoint_id", how="left")


def _nearest_cities(network: Network) -> pd.DataFrame:
    """Return the nearest city of each side and the minutes from it to the checkpoint's post, by its own mode."""
    table = network.settlements
    rows = []
    modes: tuple[Mode, ...] = ("road", "rail")
    for mode in modes:
        if not (network.links["mode"] == mode).any():
            continue
        router = compile_router(network, mode)
        stops = posts(network, router, only_open=False)
        stops = stops[
            stops["checkpoint_id"].isin(network.checkpoints.loc[network.checkpoints["mode"] == mode, "checkpoint_id"])
        ]
        for side in SIDES:
            city = table[(table["side"] == side) & (table["population"] >= CITY_PEOPLE)]
            own = stops[stops["side"] == side]
            if city.empty or own.empty:
                continue
            minutes = router.table(city["node"].to_numpy(), own["node"].to_numpy(), FIELDS["open"])
            best = minutes.argmin(axis=0)
            cost = minutes[best, np.arange(len(own))]
            found = np.isfinite(cost)
            rows.append(
                pd.DataFrame(
                    {
                        "checkpoint_id": own["checkpoint_id"].to_numpy()[found],
                        "side": side,
                        "city": city["name"].to_numpy()[best][found],
                        "minutes": cost[found],
                    }
                )
            )
    out = pd.DataFrame(network.checkpoints[["checkpoint_id"]].drop_duplicates())
    every = pd.concat(rows) if rows else pd.DataFrame(columns=["checkpoint_id", "side", "city", "minutes"])
    for side in SIDES:
        nearest = every[every["side"] == side].sort_values("minutes", kind="stable").drop_duplicates("checkpoint_id")
        named = nearest.set_index("checkpoint_id")
        out[f"city_{side}"] = out["checkpoint_id"].map(named["city"]).astype(object).fillna("").astype(str)
        out[f"time_from_city_{side}_min"] = out["checkpoint_id"].map(named["minutes"]).astype(float)
    return out


def _edges(network: Network, mode: str) -> gpd.GeoDataFrame:
    """Return the links of a mode as lines, gates left out, with the side they lie on."""
    links = network.links
    ground = (links["mode"] == mode) & ~links["kind"].isin(JOINTS)
    # A two-way road is two links at a junction with forbidden turns: it is drawn once.
    links = links[ground & (links["twin"] >= 0)]
    side = network.nodes["side"].to_numpy(dtype=object)
    u, v = side[links["u"].to_numpy()], side[links["v"].to_numpy()]
    columns = ["u", "v", "kind", "length_m", "speed_kph", "time_min", "speed_source", "bridged"]
    if (links["length_factor"] != 1).any():
        columns.append("length_factor")
    # What detailed data alone can say: empty columns would only be in the way.
    columns += [
        c for c in ("surface", "toll", "gauge", "current", "osm_ids") if c in links and links[c].astype(bool).any()
    ]
    frame = gpd.GeoDataFrame(
        links[columns].reset_index(drop=True), geometry=links["geometry"].to_numpy(), crs="EPSG:4326"
    )
    frame["class"] = (
        road_class(links["kind"]) if mode == "road" else np.where(links["kind"] == CONNECTOR, "connector", mode)
    )
    frame["side"] = np.where(u == v, u, "crosses")
    return frame


def road_class(kinds: pd.Series) -> NDArray[np.object_]:
    """Return how maps draw roads by their kind: ``major``, ``primary``, ``minor``, ``ferry`` or ``connector``."""
    base = kinds.astype(str).str.removesuffix("_link")
    known = {"motorway": "major", "trunk": "major", "primary": "primary", "ferry": "ferry", "connector": "connector"}
    return base.map(known).fillna("minor").to_numpy(object)
