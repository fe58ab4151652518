"""The command ``borderlink sweep``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from gis.commands.options import CacheOption, OfflineOption, StudyArgument, say
from gis.commands.progress import download_lines, progress
from layers.folders import settle


def sweep(
    study: StudyArgument = None,
    edits: Annotated[
        list[Path] | None,
        typer.Option("--edits", metavar="FILE", help="Scenario (TOML) with [[edits]]; may be given several times."),
    ] = None,
    borders: Annotated[
        Path | None,
        typer.Option(
            "--borders",
            metavar="FILE",
            help="Several borders (TOML): tables [[borders]], each with study and edits.",
            show_default=False,
        ),
    ] = None,
    candidates: Annotated[
        str,
        typer.Option(help="Candidates to try one by one: crossing, ends, sample, between commas.", show_default=False),
    ] = "",
    objective: Annotated[str, typer.Option(help="Of the candidates: time, people, potential or equity.")] = "time",
    every_km: Annotated[float, typer.Option(help="Distance of sampled candidates along the line.")] = 20.0,
    wait: Annotated[float, typer.Option(help="Minutes of wait at a candidate.")] = 60.0,
    within: Annotated[float, typer.Option(help="Minutes of the objective people.")] = 120.0,
    cells: Annotated[
        int | None,
        typer.Option(
            metavar="H3", help="Resolution of the belt's cells, such as 6: each before and after.", show_default=False
        ),
    ] = None,
    draws: Annotated[
        int | None,
        typer.Option(help="Draws of every scenario; what each says itself where not given.", show_default=False),
    ] = None,
    workers: Annotated[int, typer.Option(help="Processes of this machine.")] = 1,
    scheduler: Annotated[
        str,
        typer.Option(
            metavar="ADDRESS",
            help="Scheduler of Dask: tls://HOST:PORT, or tcp://127.0.0.1:PORT; its workers see the same cache.",
            show_default=False,
        ),
    ] = "",
    out: Annotated[Path, typer.Option(help="Folder for the results.")] = Path("out-sweep"),
    offline: OfflineOption = False,
    cache: CacheOption = None,
) -> None:
    """Compute many scenarios and candidates on many draws, on all processors or on those of others.

    What is done is never done again.
    """
    from gis.inputs import Fetching
    from gis.queries.plans import read_plan
    from gis.study import load_study
    from gis.sweeps.executors import check_where
    from gis.sweeps.parts import Sought
    from gis.sweeps.sweep import Job, read_jobs, run_sweep

    check_where(workers, scheduler)
    settle(out)
    if borders and (study or edits):
        raise typer.BadParameter("--borders names studies and scenarios: STUDY and --edits are for one border")
    jobs = read_jobs(borders) if borders else [Job(load_study(study), tuple(read_plan(f) for f in edits or []))]
    kinds = tuple(k.strip() for k in candidates.split(",") if k.strip())
    sought = Sought(kinds, every_km, objective, wait, within) if kinds else None
    with progress("sweep") as listen:
        found = run_sweep(
            jobs,
            sought=sought,
            cells=cells,
            draws=draws,
            workers=workers,
            scheduler=scheduler,
            out=out,
            listen=listen,
            fetching=Fetching(cache, offline, download_lines()),
        )
    say(f"{found['parts']} parts of {', '.join(found['borders'])}; {found['new']} of them computed now")
    more = f"  {out / 'cells.parquet'}" if cells is not None else ""
    say(f"Look at: {out / 'tables'}/  {out / 'draws.parquet'}{more}")
