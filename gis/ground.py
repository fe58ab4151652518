"""The ground of a study: its layers read from wherever they come, cut to the belt of the border."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import numpy as np
import shapely

from gis.sources import Extracts, locate_extracts
from layers.checkpoints import with_waits
from layers.crs import WGS84, project
from layers.errors import LayerError
from layers.io import LAYERS, OSM, describe_file, read_layer
from layers.population import PopulationRaster, open_population
from layers.regions import belt, border_line, clip_to_belt, study_crs, with_sides

if TYPE_CHECKING:
    from pyproj import CRS

    from gis.study import Study
    from layers.sources.download import Listener

FAR_KM = {"road": 60.0, "rail": 100.0, "river": 100.0}
"""A checkpoint further from the border line than this is an error of the table."""

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
    detailed: bool = False
    """The roads are whole ways of OpenStreetMap, whose chains of degree-2 nodes are contracted."""


@dataclass(frozen=True)
class Fetching:
    """How a study's downloads are made: folder of the cache (the user's where None), without network, and who listens."""

    cache: Path | None = None
    offline: bool = False
    listen: Listener | None = None


def prepare(study: Study, *, fetching: Fetching | None = None) -> Prepared:
    """Return the layers of a study, validated, cut to the belt of its border.

    Raises
    ------
    LayerError, CRSError
        A layer can't be used, the two sides share no border, a checkpoint is far from it, nothing lies in the belt; an
        extract is missing or can't be fetched.
    """
    how = fetching or Fetching()
    mapped = [n for n in LAYERS if study.source(n).path == OSM]
    files = locate_extracts(study, cache_folder=how.cache, offline=how.offline, listen=how.listen) if mapped else []
    extracts = Extracts(study, files)
    layers, sources = {}, []
    for name in LAYERS:
        if name not in mapped:
            layers[name], about = read_layer(name, study.source(name))
            sources.append(about)
    if "regions" in mapped:
        layers["regions"] = extracts.regions()
    border = border_line(layers["regions"], study.sides)
    crs = study_crs(border)
    regions = with_sides(layers["regions"], study.sides)
    clipped = clip_to_belt(regions, border, EDGE * study.network.depth_km)
    zones = {edge: _zone(border, edge * study.network.depth_km, crs) for edge in (1.0, EDGE)}
    if set(mapped) - {"regions"}:
        layers.update(extracts.network(border, clipped, zones[1.0], mapped))
    for name in ("roads", "railways", "settlements"):
        layers[name] = _within(layers[name], name, zones[1.0 if name == "settlements" else EDGE])
    layers["checkpoints"] = with_waits(_near_border(layers["checkpoints"], border, crs), study.waits)
    fetched = dict.fromkeys(f.note for f in files if f.note)
    warnings = [*_ground_warnings(layers), *fetched, *extracts.notes]
    layers["regions"] = regions
    population, people = _population(study)
    return Prepared(
        study,
        layers,
        clipped,
        border,
        crs,
        [*sources, *extracts.about, *people],
        warnings,
        population,
        detailed="roads" in mapped,
    )


def _population(study: Study) -> tuple[PopulationRaster | None, list[dict[str, Any]]]:
    """Return the study's raster of people, if it names one, and its row for the table of sources."""
    part = study.population
    if not part.raster:
        return None, []
    path = Path(part.raster)
    raster = open_population(path, kind=part.kind)
    return raster, [
        describe_file("population", path, 0, rights=part.rights, note=f"{part.kind} raster: people of the cells")
    ]


def _zone(border: gpd.GeoDataFrame, depth_km: float, crs: CRS) -> shapely.Geometry:
    """Return the belt of the border in longitude and latitude."""
    zone = project(shapely.segmentize(belt(border, depth_km, crs), 20_000), crs, WGS84)
    return shapely.make_valid(zone)


def _within(frame: gpd.GeoDataFrame, name: str, zone: shapely.Geometry) -> gpd.GeoDataFrame:
    """Return the features that touch the belt; say so where none does."""
    if frame.empty:
        return frame
    shapely.prepare(zone)
    hit = shapely.intersects(frame.geometry.to_numpy(), zone)
    if not hit.any():
        turned = shapely.transform(frame.geometry.to_numpy(), lambda xy: xy[:, ::-1])
        swapped = "; longitude and latitude look swapped" if shapely.intersects(turned, zone).any() else ""
        raise LayerError(
            f"layer {name} has nothing within the network's depth of the border (its bounds are "
            f"{', '.join(f'{v:.2f}' for v in frame.total_bounds)}){swapped}: allowed is a layer that covers the belt"
        )
    return frame[hit].reset_index(drop=True)


def _near_border(checkpoints: gpd.GeoDataFrame, border: gpd.GeoDataFrame, crs: CRS) -> gpd.GeoDataFrame:
    """Return the checkpoints, or say which of them stand too far from the border line."""
    line = project(shapely.union_all(border.geometry.to_numpy()), WGS84, crs)
    points = checkpoints.geometry.to_numpy()
    km = np.asarray(shapely.distance(project(points, WGS84, crs), line), float) / 1000
    far = ~(km <= checkpoints["mode"].map(FAR_KM).to_numpy(float))
    if not far.any():
        return checkpoints
    turned = shapely.transform(points[far], lambda xy: xy[:, ::-1])
    sane = shapely.get_y(turned)
    swapped = (abs(sane) <= 90).all() and (shapely.distance(project(turned, WGS84, crs), line) < 100_000).any()
    listed = ", ".join(f"{i} ({k:,.0f} km)" for i, k in zip(checkpoints["checkpoint_id"][far], km[far], strict=True))
    raise LayerError(
        f"checkpoints far from the border line: {listed}{'; longitude and latitude look swapped' if swapped else ''}. "
        f"Allowed is {', '.join(f'{m} {k:g} km' for m, k in FAR_KM.items())}"
    )


def _ground_warnings(layers: dict[str, gpd.GeoDataFrame]) -> list[str]:
    """Return what a reader must know of the layers."""
    out = []
    unknown = int((layers["settlements"]["population"] == 0).sum())
    if unknown:
        out.append(
            f"{unknown} of {len(layers['settlements'])} settlements have no known population: they keep their access and count as nobody"
        )
    assumed = int(layers["checkpoints"]["wait_assumed"].sum())
    if assumed:
        out.append(
            f"the waits of {assumed} of {len(layers['checkpoints'])} checkpoints are assumptions: nobody measured them"
        )
    hours = layers["checkpoints"].loc[
        layers["checkpoints"]["open"] & ~layers["checkpoints"]["hours_known"], "checkpoint_id"
    ]
    if len(hours):
        out.append(f"open at unknown hours, taken as always: {', '.join(hours)}")
    return out
