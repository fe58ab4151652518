"""A run and a scenario from the study to the folder of results."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from gis.clock import Clock
from gis.inputs import Fetching, prepare
from gis.queries.edits import apply_edits
from gis.stages import build, find_hot_spots, measure
from gis.study import Study, load_study
from layers.folders import fresh_folder


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
