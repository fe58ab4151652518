"""The stages of a run: prepare, build, measure, find hot spots, write. Here alone the study is unpacked."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from analysis.statistics.hotspots import cell_statistics
from analysis.statistics.labels import label_cells
from gis.inputs import Fetching
from gis.inputs import Prepared as Prepared
from gis.inputs import prepare as prepare
from gis.measures import Measures as Measures
from gis.measures import measure_network
from gis.study import Study, load_study
from layers.checkpoints import find_checkpoint
from layers.folders import fresh_folder
from layers.settlements import parse_lonlat
from network.build import Base, Network, build_base, build_network
from network.edits import add_checkpoints, new_checkpoint, set_open


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
        contract=prepared.detailed,
        tolerance_km=study.network.line_tolerance_km,
        vehicle=study.network.vehicle,
        winter=study.network.winter,
        gauge_change_min=study.network.gauge_change_min,
        current_change_min=study.network.current_change_min,
        stations=prepared.stations,
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
        population=prepared.population,
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
    study: Study | str | Path | None = None,
    *,
    out: str | Path = "out",
    listen: Callable[[str], None] | None = None,
    fetching: Fetching | None = None,
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
    fetching
        How downloads are made, where the study names extracts to fetch.

    Raises
    ------
    layers.errors.BorderlinkError
        Anything that a user can cause.
    """
    from gis.chapters import further_measures
    from gis.outputs import write_run

    study = study if isinstance(study, Study) else load_study(study)
    clock = Clock(listen)
    with fresh_folder(Path(out), "run.json") as folder:
        with clock.stage("layers"):
            prepared = prepare(study, fetching=fetching)
        with clock.stage("network"):
            network = build(prepared)
        with clock.stage("measures"):
            measures = measure(prepared, network)
        with clock.stage("hot spots"):
            measures = find_hot_spots(prepared, measures)
        with clock.stage("chapters"):
            measures, chapters = further_measures(prepared, network, measures)
        return write_run(folder, prepared, network, measures, chapters, clock)


def run_scenario(
    study: Study | str | Path | None = None,
    *,
    opens: Sequence[tuple[float, float, str, float | None]] = (),
    closes: Sequence[str] = (),
    out: str | Path = "out-scenario",
    listen: Callable[[str], None] | None = None,
    fetching: Fetching | None = None,
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
    from gis.outputs import write_scenario

    study = study if isinstance(study, Study) else load_study(study)
    clock = Clock(listen)
    with fresh_folder(Path(out), "scenario.json") as folder:
        with clock.stage("layers"):
            prepared = prepare(study, fetching=fetching)
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
