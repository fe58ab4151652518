"""The ground of a study: its layers read from wherever they come, cut to the belt of the border."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import shapely

from gis.empty import without_data
from gis.estimate import estimate, refuse_what_cannot_fit
from gis.own import (
    at_this_border,
    drawn_lines,
    further_files,
    ground_warnings,
    is_own,
    near_border,
    wait_warnings,
)
from gis.sources import POSTS_KM, Extracts, LocalExtract, ask_network, ask_regions, locate_extracts
from layers.checkpoints import find_checkpoint, with_waits
from layers.counts import Counts, read_counts
from layers.crs import WGS84, project
from layers.errors import LayerError
from layers.io import LAYERS, NONE, OSM, OVERPASS, SNAPSHOT, describe_file, read_layer
from layers.overlaps import overlap_notes
from layers.population import PopulationRaster, open_population
from layers.regions import belt, border_line, clip_to_belt, study_crs, touching, with_sides
from layers.sources.download.cache import Cache
from layers.stretches import Stretches
from layers.travellers import open_to_traveller
from layers.waits import Observed, read_waits, with_observed
from layers.water import NAME as WATER
from layers.water import read_water

if TYPE_CHECKING:
    from collections.abc import Callable

    import pandas as pd
    from pyproj import CRS

    from gis.study import Study
    from layers.moments import Moment
    from layers.sources.download.transfer import Listener
    from layers.sources.overpass.server import Asking

EDGE = 2.0
"""Roads and railways are taken twice as deep as the settlements, where the source has them: a network cut off where
its last settlements stand would fall apart along the cut."""


@dataclass(frozen=True)
class Prepared:
    """The ground of a study: layers cut to the belt, the border, its projection, and what is known of the sources."""

    study: Study
    layers: dict[str, gpd.GeoDataFrame]
    regions: gpd.GeoDataFrame
    border: gpd.GeoDataFrame
    crs: CRS
    sources: list[dict[str, Any]]
    warnings: list[str] = field(default_factory=list)
    population: PopulationRaster | None = None
    stations: gpd.GeoDataFrame | None = None
    """Where people board trains; None where the source of the railways names none."""
    turns: pd.DataFrame | None = None
    """Restrictions of turns at nodes of the roads; None where the source has none."""
    detailed: bool = False
    """The roads are whole ways of OpenStreetMap, whose chains of degree-2 nodes are contracted."""
    places: dict[str, gpd.GeoDataFrame] = field(default_factory=dict)
    """The study's own places by the word that it has for them."""
    water: gpd.GeoDataFrame | None = None
    """Lakes and seas that no straight way leads over; None where the study names none."""
    observed: Observed | None = None
    """Waits that were observed, by hour and season."""
    counts: Counts | None = None
    """What was counted at checkpoints, None where the study names no counts."""

    @property
    def generalised(self) -> tuple[str, ...]:
        """Modes whose layer is the packaged snapshot: straightened lines with gaps."""
        return tuple(m for m, n in (("road", "roads"), ("rail", "railways")) if self.study.source(n).path == SNAPSHOT)


@dataclass(frozen=True)
class Fetching:
    """How a study's downloads are made: folder of the cache (the user's where None), without network, and who listens.

    With `refresh` the servers are asked whether they have something newer than the cache. With `keep` the network that
    is built stays in the cache for the next question (`gis.kept`); with `fresh` none is taken from there.
    """

    cache: Path | None = None
    offline: bool = False
    listen: Listener | None = None
    refresh: bool = False
    keep: bool = False
    fresh: bool = False
    say: Callable[[str], None] | None = None
    """Hears what extracts are expected to take before they are read."""

    def asking(self, study: Study) -> Asking:
        """Return how the study's Overpass server is asked."""
        from layers.sources.overpass.server import Asking  # and `requests`: nobody waits for them who asks no server

        url = study.osm.overpass_url
        return Asking(Cache(self.cache), url, offline=self.offline, refresh=self.refresh, listen=self.listen)


@dataclass(frozen=True)
class Unwaited:
    """What a study's sources say before any wait is charged; `charged` makes `Prepared` of it.

    ``before`` and ``after`` are warnings that stand before and after those on waits.
    """

    prepared: Prepared
    before: list[str]
    after: list[str]


def prepare(study: Study, *, fetching: Fetching | None = None, at: Moment | None = None) -> Prepared:
    """Return the layers of a study, validated, cut to the belt of its border, with the waits of its checkpoints.

    Parameters
    ----------
    at
        When a trip begins: conditional access of OpenStreetMap's roads is that of this hour; None for what holds by
        day.

    Raises
    ------
    LayerError, CRSError
        A layer can't be used, the two sides share no border, a checkpoint is far from it, nothing lies in the belt; an
        extract is missing or can't be fetched.
    """
    return charged(read_unwaited(study, fetching=fetching, at=at), study)


def charged(unwaited: Unwaited, study: Study) -> Prepared:
    """Return the ground with the waits of a study.

    Raises
    ------
    LayerError
        See `layers.checkpoints.with_waits`.
    """
    layers, sources, notes = unwaited.prepared.layers.copy(), list(unwaited.prepared.sources), []
    observed, posts = None, layers["checkpoints"]
    if study.observed_waits:
        path = Path(study.observed_waits)
        observed = read_waits(path, posts, study.sides, vehicle=study.network.vehicle)
        posts, notes = with_observed(posts, observed, vehicle=study.network.vehicle), observed.notes
        sources.append(describe_file("waits", path, int(observed.posts["observations"].sum())))
    layers["checkpoints"] = with_waits(
        posts, study.waits, vehicle=study.network.vehicle, closed_hours=study.analysis.closed_hours
    )
    counts = read_counts(Path(study.counts.path), layers["checkpoints"]) if study.counts.path else None
    for name in study.counts.hold_out:
        find_checkpoint(layers["checkpoints"], name)  # an unknown one is told before anything is computed
    notes = [*notes, *(counts.notes if counts else ())]
    warnings = [*unwaited.before, *notes, *wait_warnings(layers["checkpoints"]), *unwaited.after]
    return replace(
        unwaited.prepared,
        study=study,
        layers=layers,
        warnings=warnings,
        sources=sources,
        observed=observed,
        counts=counts,
    )


def read_unwaited(study: Study, *, fetching: Fetching | None = None, at: Moment | None = None) -> Unwaited:
    """Return what the sources of a study say, without waits; see `prepare`."""
    fetch = fetching or Fetching()
    mapped, queried = ([n for n in LAYERS if study.source(n).path == kind] for kind in (OSM, OVERPASS))
    start = outline(study, fetch)
    clock = None if at is None else (at.weekday, at.slot)
    layers, sources = {"regions": start.layer}, list(start.about)
    extracts = [replace(e, at=clock) for e in start.extracts]
    border, crs = start.border, start.crs
    regions = with_sides(start.layer, study.sides)
    clipped = clip_to_belt(regions, border, EDGE * study.network.depth_km)
    zones = {edge: belt_of(border, edge * study.network.depth_km, crs) for edge in (1.0, EDGE)}
    for name in LAYERS:
        if name not in ("regions", *mapped, *queried):
            area = zones[EDGE if name in ("roads", "railways") else 1.0]
            layers[name], about = read_layer(name, study.source(name), area=area)
            sources.append(about)
    others = start.layer[~start.layer["country"].isin(study.sides)]
    stretches = None
    if is_own(study, "checkpoints") or {*mapped, *queried} - {"regions"}:
        stretches = Stretches.of(regions, border, zones[EDGE], others if len(others) else None)
    further = further_files(study, regions[touching(regions, border)], zones[EDGE])
    water, wet = _water(study, zones[1.0], crs, extracts[0])
    population, people = open_people(study)
    understood = [note for row in (*sources, *wet) for note in row.pop("notes", [])]
    if study.source("regions").path != SNAPSHOT:  # of those it is known that none overlap
        understood += overlap_notes(clipped, crs)

    def take(
        extract: Extracts, area: shapely.Geometry, names: list[str], roads: gpd.GeoDataFrame | None = None
    ) -> None:
        """Take layers out of extracts, beside the posts and places that others gave."""
        posts, towns = layers.get("checkpoints"), layers.get("settlements")
        layers.update(
            extract.network(border, clipped, area, names, roads=roads, posts=posts, stretches=stretches, towns=towns)
        )

    if set(mapped) - {"regions"}:
        expected = estimate([f.path for e in start.extracts for f in e.files], zones[EDGE])
        if fetch.say:
            fetch.say(expected.line())
        refuse_what_cannot_fit(expected, study.osm.most_memory_gb, Cache(fetch.cache).folder)
        take(extracts[0], zones[1.0], mapped)
    if set(queried) - {"regions"}:
        area = _asked_area(study, start)
        answers = ask_network(study, area, set(queried) - {"regions"}, fetch.asking(study))
        extracts.append(Extracts(study, answers, at=clock))
        take(extracts[-1], area, queried, layers["roads"] if "roads" in mapped else None)
    for name in ("roads", "railways", "settlements"):
        layers[name] = _within(layers[name], name, zones[1.0 if name == "settlements" else EDGE])
    drawn = drawn_lines(study, layers, crs)
    near, apart = near_border(layers["checkpoints"], border, crs)
    if is_own(study, "checkpoints") and stretches is not None:
        near, elsewhere = at_this_border(near, regions, stretches)
        apart += elsewhere
    if {"roads", "checkpoints"} <= {*mapped, *queried}:
        near = near.assign(crossing_only=True)
    layers["checkpoints"], barred = open_to_traveller(near, study.network.traveller)
    fetched = dict.fromkeys(f.note for e in extracts for f in e.files if f.note)
    empty = without_data(study, layers, zones[1.0])
    before = [*empty, *understood, *drawn, *further.notes, *apart, *barred, *ground_warnings(layers)]
    after = [*fetched, *(note for e in extracts for note in e.notes)]
    layers["regions"] = regions
    prepared = Prepared(
        study,
        layers,
        clipped,
        border,
        crs,
        [*sources, *(row for e in extracts for row in e.about), *people, *wet, *further.about],
        [],
        population,
        stations=next((s for e in extracts for s in e.stations), None),
        turns=next((t for e in extracts for t in e.turns), None),
        detailed="roads" in (*mapped, *queried),
        places=further.places,
        water=water,
    )
    return Unwaited(prepared, before, after)


def fetch_sources(study: Study, *, fetching: Fetching | None = None) -> list[LocalExtract]:
    """Return all extracts of a study as local files, fetching or asking for those that the cache lacks.

    Raises
    ------
    LayerError, OutputError
        An extract is unknown or can't be had; where Overpass is asked, the regions can't be read or share no border.
    """
    fetch = fetching or Fetching()
    queried = {n for n in LAYERS if study.source(n).path == OVERPASS}
    if not queried:
        return _located(study, fetch)
    start = outline(study, fetch)
    files = [f for e in start.extracts for f in e.files]
    if queried - {"regions"}:
        files += ask_network(study, _asked_area(study, start), queried - {"regions"}, fetch.asking(study))
    return files


@dataclass(frozen=True)
class _Outline:
    """What must be known before an area can be asked for: the regions and the border; and the extracts read so far.

    The first of `extracts` are the study's files and names; those that Overpass makes follow.
    """

    layer: gpd.GeoDataFrame
    border: gpd.GeoDataFrame
    crs: CRS
    extracts: list[Extracts]
    about: list[dict[str, Any]]


def outline(study: Study, fetch: Fetching) -> _Outline:
    """Return the regions of a study from wherever they come, and the border."""
    mapped = any(study.source(n).path == OSM for n in (*LAYERS, WATER))
    extracts = [Extracts(study, _located(study, fetch) if mapped else [])]
    source, about = study.source("regions"), []
    if source.path == OVERPASS:
        extracts.append(Extracts(study, ask_regions(study, fetch.asking(study))))
    if source.path in (OSM, OVERPASS):
        layer = extracts[-1].regions()
    else:
        layer, row = read_layer("regions", source, countries=study.sides)
        about.append(row)
    border = border_line(layer, study.sides)
    return _Outline(layer, border, study_crs(border), extracts, about)


def _located(study: Study, fetch: Fetching) -> list[LocalExtract]:
    """Return the extracts that the study names."""
    return locate_extracts(
        study, cache_folder=fetch.cache, offline=fetch.offline, refresh=fetch.refresh, listen=fetch.listen
    )


def _asked_area(study: Study, start: _Outline) -> shapely.Geometry:
    """Return the area that Overpass is asked for: the belt of the network, or only that of checkpoints."""
    queried = {n for n in LAYERS if study.source(n).path == OVERPASS} - {"regions"}
    depth_km = study.network.depth_km
    return belt_of(start.border, min(depth_km, POSTS_KM) if queried == {"checkpoints"} else depth_km, start.crs)


def _water(
    study: Study, area: shapely.Geometry, crs: CRS, extracts: Extracts
) -> tuple[gpd.GeoDataFrame | None, list[dict[str, Any]]]:
    """Return the study's water within an area, None where it names none, and its row for the table of sources.

    Of extracts the rows are theirs.
    """
    source = study.source(WATER)
    if source.path == NONE:
        return None, []
    if source.path == OSM:
        frame, about = extracts.water(area), []
    else:
        frame, row = read_water(source, area)
        about = [row]
    km2 = shapely.area(project(frame.geometry.to_numpy(), WGS84, crs)) / 1e6
    return frame.assign(area_km2=km2), about


def open_people(study: Study) -> tuple[PopulationRaster | None, list[dict[str, Any]]]:
    """Return the study's raster of people, if it names one, and its row for the table of sources."""
    part = study.population
    if not part.raster:
        return None, []
    path = Path(part.raster)
    raster = open_population(path, kind=part.kind)
    return raster, [
        describe_file("population", path, 0, rights=part.rights, note=f"{part.kind} raster: people of the cells")
    ]


def belt_of(border: gpd.GeoDataFrame, depth_km: float, crs: CRS) -> shapely.Geometry:
    """Return the belt of the border in longitude and latitude."""
    zone = project(shapely.segmentize(belt(border, depth_km, crs), 20_000), crs, WGS84)
    return shapely.make_valid(zone)


def _within(frame: gpd.GeoDataFrame, name: str, zone: shapely.Geometry) -> gpd.GeoDataFrame:
    """Return the features that touch the belt; say so where none does."""
    if frame.empty:
        return frame
    shapely.prepare(zone)  # which serves what is asked of the zone, not of the features: it stands first
    hit = shapely.intersects(zone, frame.geometry.to_numpy())
    if not hit.any():
        turned = shapely.transform(frame.geometry.to_numpy(), lambda xy: xy[:, ::-1])
        swapped = "; longitude and latitude look swapped" if shapely.intersects(zone, turned).any() else ""
        raise LayerError(
            f"layer {name} has nothing within the network's depth of the border (its bounds are "
            f"{', '.join(f'{v:.2f}' for v in frame.total_bounds)}){swapped}: allowed is a layer that covers the belt"
        )
    return frame[hit].reset_index(drop=True)
