"""The ground within minutes of a place, as `borderlink isochrone`, a run and a notebook ask for it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path as FilePath
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from analysis.reach.accessibility import posts
from analysis.reach.isochrones import isochrones
from gis.clock import Clock
from gis.inputs import Fetching, Prepared
from gis.kept import take_or_build
from gis.queries.route import check_options, join_named
from gis.study import Study, load_study
from layers.checkpoints import find_checkpoint
from layers.errors import PlaceError
from layers.io import LAYERS, NONE, OSM, OVERPASS, SNAPSHOT
from layers.settlements import find_place, refuse_unknown
from layers.sources.postgis import is_database
from network.build import NETWORKS, Network
from network.modes import MODES
from network.routing import Router, compile_router

if TYPE_CHECKING:
    import geopandas as gpd

DIRECTIONS = ("from", "to")


def find_isochrones(
    study: Study | str | FilePath | None,
    places: Sequence[str],
    *,
    minutes: Sequence[float] | None = None,
    networks: Sequence[str] = ("actual",),
    mode: str = "road",
    direction: str = "from",
    fetching: Fetching | None = None,
) -> gpd.GeoDataFrame:
    """Return the ground within minutes of places as polygons.

    Parameters
    ----------
    study
        A study, a path to its TOML, or nothing for the packaged one.
    places
        Settlements by any of their names, ``lon,lat``, or checkpoints by id or name.
    minutes
        Limits; the study's where None.
    networks, mode, direction
        See `network.build.NETWORKS`, `network.routing.MODES` and `DIRECTIONS`.

    Returns
    -------
    See `analysis.reach.isochrones.isochrones`; ``within`` is the limit as text, by which maps draw it.

    Raises
    ------
    PlaceError
        A place is unknown, ambiguous, off the two sides, or joins no network; or an option is unknown.
    """
    found, _ = solve_isochrones(
        study, places, minutes=minutes, networks=networks, mode=mode, direction=direction, fetching=fetching
    )
    return found


def solve_isochrones(
    study: Study | str | FilePath | None,
    places: Sequence[str],
    *,
    minutes: Sequence[float] | None = None,
    networks: Sequence[str] = ("actual",),
    mode: str = "road",
    direction: str = "from",
    fetching: Fetching | None = None,
    listen: Callable[[str], None] | None = None,
) -> tuple[gpd.GeoDataFrame, Prepared]:
    """Return the same with the layers that they were drawn on; see `find_isochrones`. `listen` hears the stages."""
    check_options(mode=(mode, MODES), direction=(direction, DIRECTIONS))
    for name in networks:
        check_options(network=(name, NETWORKS))
    loaded = study if isinstance(study, Study) else load_study(study)
    clock = Clock(listen)
    prepared, network = take_or_build(
        loaded, fetching=fetching, clock=clock, look=lambda found: _refuse_unknown(found, places)
    )
    with clock.stage("answer"):
        found = draw_isochrones(
            network, prepared, places, minutes=minutes, networks=networks, mode=mode, direction=direction
        )
    return found, prepared


def _refuse_unknown(prepared: Prepared, places: Sequence[str]) -> None:
    """Refuse a name that neither a settlement nor a checkpoint has, before a network is built."""
    for text in places:  # a handful
        try:
            refuse_unknown(prepared.layers["settlements"], [text])
        except PlaceError as unknown:
            try:
                find_checkpoint(prepared.layers["checkpoints"], text)
            except PlaceError:
                raise unknown from None


def draw_isochrones(
    network: Network,
    prepared: Prepared,
    places: Sequence[str],
    *,
    minutes: Sequence[float] | None = None,
    networks: Sequence[str] = ("actual",),
    mode: str = "road",
    direction: str = "from",
) -> gpd.GeoDataFrame:
    """Return the same on a network that is built; see `find_isochrones`."""
    study = prepared.study
    doors = [_doors(network, prepared, text, mode) for text in dict.fromkeys(places)]
    parts = [
        isochrones(
            router,
            table,
            minutes=study.isochrones.minutes if minutes is None else minutes,
            networks=networks,
            direction=direction,
        )
        for router, table in doors
    ]
    found: gpd.GeoDataFrame = pd.concat(parts, ignore_index=True)
    # The farthest first: who draws them in order sees the nearer on top.
    found = found[~found.geometry.is_empty].sort_values("minutes", ascending=False, kind="stable", ignore_index=True)
    return found.assign(within=[f"{m:g}" for m in found["minutes"]])


def _doors(network: Network, prepared: Prepared, text: str, mode: str) -> tuple[Router, pd.DataFrame]:
    """Return a router with the place in its network, and the place's nodes: one, or the posts of a checkpoint."""
    try:
        place = find_place(network.settlements, text)
    except PlaceError as unknown:
        return _posts(network, text, mode, unknown)
    joined, nodes, sides = join_named(network, prepared, [place])
    router = compile_router(joined, mode)
    return router, pd.DataFrame({"place": [place.label], "side": sides, "node": np.asarray(nodes, np.int64)})


def _posts(network: Network, text: str, mode: str, unknown: PlaceError) -> tuple[Router, pd.DataFrame]:
    """Return the posts of an open checkpoint of that name, or say that neither place nor checkpoint is called so."""
    try:
        own = find_checkpoint(network.checkpoints, text)
    except PlaceError:
        raise unknown from None
    router = compile_router(network, mode)
    come, leave = (posts(network, router, leaving=leaving) for leaving in (False, True))
    doors = pd.concat([come, leave]).drop_duplicates().rename(columns={"checkpoint_id": "place"})
    doors = doors[doors["place"] == own].reset_index(drop=True)
    if doors.empty:
        raise PlaceError(f"checkpoint {own!r} is closed or joins no network by {mode}: allowed is an open one")
    name = network.checkpoints.set_index("checkpoint_id")["name"][own]
    return router, doors.assign(place=str(name))


def input_files(study: Study) -> list[FilePath]:
    """Return the files that a study names, whether they are there or not: no answer may replace them."""
    layers = [p for p in (study.source(n).path for n in (*LAYERS, "water")) if p not in (SNAPSHOT, NONE, OSM, OVERPASS)]
    own = [part.path for part in study.reach.layers.values()]
    named = [*layers, *own, *study.osm.pbf, study.population.raster, study.border_zone.path, study.index.indicators]
    named += [study.terrain.elevation]
    return [FilePath(n) for n in named if n and not is_database(n)]
