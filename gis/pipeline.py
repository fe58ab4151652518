"""The stages of a run: prepare, build, measure, find hot spots, write. Here alone the study is unpacked."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import numpy as np
import shapely

from analysis.hotspots import cell_statistics
from analysis.typology import label_cells
from gis.measures import Measures as Measures
from gis.measures import measure_network
from gis.study import Study, load_study
from layers.checkpoints import find_checkpoint, with_waits
from layers.crs import WGS84, project
from layers.errors import LayerError
from layers.io import LAYERS, read_layer
from layers.regions import belt, border_line, clip_to_belt, study_crs, with_sides
from layers.settlements import parse_lonlat
from network.build import Base, Network, build_base, build_network
from network.edits import add_checkpoints, new_checkpoint, set_open

if TYPE_CHECKING:
    from pyproj import CRS

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


@dataclass
class Clock:
    """Tells each stage to whoever listens and keeps its seconds."""

    listen: Callable[[str], None] | None = None
    seconds: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Time one stage."""
        if self.listen:
            self.listen(name)
        start = time.perf_counter()
        yield
        self.seconds[name] = round(time.perf_counter() - start, 3)


def prepare(study: Study) -> Prepared:
    """Return the layers of a study, validated, cut to the belt of its border.

    Raises
    ------
    LayerError, CRSError
        A layer can't be used, the two sides share no border, a checkpoint is far from it, nothing lies in the belt.
    """
    layers, sources = {}, []
    for name in LAYERS:
        layers[name], about = read_layer(name, study.source(name))
        sources.append(about)
    border = border_line(layers["regions"], study.sides)
    crs = study_crs(border)
    regions = with_sides(layers["regions"], study.sides)
    for name, depth in (("roads", EDGE), ("railways", EDGE), ("settlements", 1.0)):
        zone = project(shapely.segmentize(belt(border, depth * study.network.depth_km, crs), 20_000), crs, WGS84)
        layers[name] = _within(layers[name], name, zone)
    layers["checkpoints"] = with_waits(_near_border(layers["checkpoints"], border, crs), study.waits)
    warnings = _ground_warnings(layers)
    clipped = clip_to_belt(regions, border, EDGE * study.network.depth_km)
    layers["regions"] = regions
    return Prepared(study, layers, clipped, border, crs, sources, warnings)


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
    )
    return build_network(
        base,
        prepared.layers["checkpoints"],
        prepared.layers["settlements"],
        limits=study.connectors.limits(),
        road_km=study.network.road_match_km,
        rail_km=study.network.rail_match_km,
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
    )


def find_hot_spots(prepared: Prepared, measures: Measures) -> Measures:
    """Return the measures with growth points and bottlenecks: local statistics and labels on the cells, a table of statistics."""
    settings = prepared.study.analysis
    variables = {"ratio": "cross_ratio", "lost": "lost_potential", "loss": "border_loss"}
    local, table, notes = cell_statistics(
        measures.cells, variables, permutations=settings.permutations, seed=settings.seed, alpha=settings.alpha
    )
    cells = measures.cells.join(local)
    cells = cells.join(label_cells(cells, alpha=settings.alpha))
    return replace(measures, cells=cells, statistics=table, notes=[*measures.notes, *notes])


def run(
    study: Study | str | Path | None = None, *, out: str | Path = "out", listen: Callable[[str], None] | None = None
) -> dict[str, Any]:
    """Run a study and leave its folder; return what ``run.json`` holds.

    Parameters
    ----------
    study
        From `load_study`, a path to its TOML, or nothing for the packaged Russia–Kazakhstan border.
    out
        Folder for the results; written beside and moved into place at the end.
    listen
        Called with the name of each stage as it begins.

    Raises
    ------
    layers.errors.BorderlinkError
        Anything that a user can cause.
    """
    from gis.outputs import results_folder, write_run

    study = study if isinstance(study, Study) else load_study(study)
    clock = Clock(listen)
    with results_folder(Path(out), "run.json") as folder:
        with clock.stage("layers"):
            prepared = prepare(study)
        with clock.stage("network"):
            network = build(prepared)
        with clock.stage("measures"):
            measures = measure(prepared, network)
        with clock.stage("hot spots"):
            measures = find_hot_spots(prepared, measures)
        return write_run(folder, prepared, network, measures, clock)


def run_scenario(
    study: Study | str | Path | None = None,
    *,
    opens: Sequence[tuple[float, float, str, float | None]] = (),
    closes: Sequence[str] = (),
    out: str | Path = "out-scenario",
    listen: Callable[[str], None] | None = None,
) -> dict[str, Any]:
    """Answer what opening and closing checkpoints changes; leave a folder and return what ``scenario.json`` holds.

    Parameters
    ----------
    opens
        Longitude, latitude, mode and wait in minutes (None for the assumed one) of each new checkpoint.
    closes
        Names or ids; ``new-1`` is the first of `opens`.

    Raises
    ------
    layers.errors.BorderlinkError
        A place, name or study that can't be used; nothing is written.
    """
    from gis.outputs import results_folder, write_scenario

    study = study if isinstance(study, Study) else load_study(study)
    clock = Clock(listen)
    with results_folder(Path(out), "scenario.json") as folder:
        with clock.stage("layers"):
            prepared = prepare(study)
        with clock.stage("network"):
            before = build(prepared)
        with clock.stage("scenario network"):
            after, edits = apply_edits(before, opens, closes)
        with clock.stage("measures before"):
            old = measure(prepared, before)
        with clock.stage("measures after"):
            new = old if after is before else measure(prepared, after)
        return write_scenario(folder, prepared, (old, new), edits, clock)


def apply_edits(
    network: Network, opens: Sequence[tuple[float, float, str, float | None]], closes: Sequence[str]
) -> tuple[Network, list[str]]:
    """Return the network with checkpoints opened and closed, and a line on each edit.

    A new checkpoint that is closed again is never built: opening and closing the same thing changes nothing.
    """
    fresh = {
        f"new-{i}": new_checkpoint(network, lon, lat, mode=mode, wait_min=wait, number=i)
        for i, (lon, lat, mode, wait) in enumerate(opens, 1)
    }
    names = {key: str(row["name"].iloc[0]) for key, row in fresh.items()}
    shut, gone, edits = [], set(), []
    for text in closes:
        new = _new_id(text, opens, names)
        if new:
            gone.add(new)
            edits.append(f"{names[new]}: opened and closed again")
        else:
            shut.append(find_checkpoint(network.checkpoints, text))
            edits.append(f"closed {shut[-1]}")
    for key, row in fresh.items():
        if key not in gone:
            network = add_checkpoints(network, row)
            edits.append(_how_joined(network, key))
    return (set_open(network, shut, False) if shut else network), edits


def _how_joined(network: Network, checkpoint_id: str) -> str:
    """Return one line on a new checkpoint: its mode, its wait, and what joins it to the network."""
    row = network.checkpoints.set_index("checkpoint_id").loc[checkpoint_id]
    how = (
        f"at a crossing of the network {row['match_km']:.1f} km away"
        if row["joined_by"] == "crossing"
        else f"by connectors of {row['connector_a_km']:.0f} km on side a and {row['connector_b_km']:.0f} km on side b"
    )
    return f"opened {row['name']}, {row['mode']}, wait {row['wait_min']:g} min, joined {how}"


def _new_id(text: str, opens: Sequence[tuple[float, float, str, float | None]], names: dict[str, str]) -> str | None:
    """Return the id of a new checkpoint that `text` names by id, name or its coordinates."""
    pair = parse_lonlat(text)
    for (key, name), (lon, lat, _, _) in zip(names.items(), opens, strict=True):
        if text in (key, name) or pair == (lon, lat):
            return key
    return None
