"""The command ``borderlink sites``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from gis.commands.options import CacheOption, FreshOption, LangOption, OfflineOption, StudyArgument, say
from gis.commands.progress import download_lines, progress
from layers.folders import settle


def sites(
    study: StudyArgument = None,
    count: Annotated[int, typer.Option(help="New checkpoints at the most; the best set is told for each number.")] = 5,
    objective: Annotated[str, typer.Option(help="time, people, potential or equity.")] = "time",
    candidates: Annotated[
        str,
        typer.Option(
            help="crossing (roads over the line without a post), ends (of roads that face each other), sample, "
            "between commas; or none."
        ),
    ] = "crossing,ends,sample",
    point: Annotated[
        list[str] | None,
        typer.Option(
            "--point",
            metavar="LON,LAT",
            help="A candidate of your own; may be given several times.",
            show_default=False,
        ),
    ] = None,
    must: Annotated[
        list[str] | None,
        typer.Option("--must", metavar="LON,LAT", help="A site that is built anyway.", show_default=False),
    ] = None,
    every_km: Annotated[float, typer.Option(help="Distance of sampled candidates along the line.")] = 20.0,
    budget_km: Annotated[
        float | None,
        typer.Option(help="Kilometres of missing road at the most, all sites together.", show_default=False),
    ] = None,
    wait: Annotated[
        float | None,
        typer.Option(help="Minutes of wait at a new checkpoint; the assumed wait where not given.", show_default=False),
    ] = None,
    within: Annotated[float, typer.Option(help="Minutes of the objective people.")] = 120.0,
    draws: Annotated[int, typer.Option(help="Draws of waits, speeds, half-life and people; 0 for none.")] = 200,
    seconds: Annotated[float, typer.Option(help="For the proof of one set.")] = 120.0,
    regret: Annotated[
        bool, typer.Option("--regret", help="The set of least worst regret over the draws is sought and opened.")
    ] = False,
    out: Annotated[Path, typer.Option(help="Folder for the results.")] = Path("out-sites"),
    lang: LangOption = "en",
    offline: OfflineOption = False,
    cache: CacheOption = None,
    fresh: FreshOption = False,
) -> None:
    """Say where the next checkpoints belong: the best set for each number, proven where it can be, with its spread."""
    from analysis.planning.draws import Spread
    from gis.inputs import Fetching
    from gis.pipeline import run_sites
    from gis.queries.siting import Question
    from gis.study import load_study

    settle(out)
    loaded = load_study(study)
    kinds = tuple(k.strip() for k in candidates.split(",") if k.strip() and k.strip() != "none")
    question = Question(
        count=count,
        objective=objective,
        kinds=kinds,
        points=_points(point or [], "--point"),
        must=_points(must or [], "--must"),
        every_km=every_km,
        budget_km=float("inf") if budget_km is None else budget_km,
        wait_min=wait,
        within_min=within,
        seconds=seconds,
        regret=regret,
        spread=Spread(draws=draws, seed=loaded.analysis.seed),
    )
    fetching = Fetching(cache, offline, download_lines(), keep=True, fresh=fresh)
    with progress("sites") as listen:
        found = run_sites(loaded, question, out=out, lang=lang, listen=listen, fetching=fetching)
    if found["reused"]:
        say(found["reused"])
    for line in found["findings"]:
        say(f"• {line}")
    say(
        f"Look at: {out / 'sites.qgz'}  {out / 'tables'}/  (borderlink scenario --edits {out / 'edits.toml'} "
        "computes the best set in all tables)"
    )


def _points(texts: list[str], option: str) -> tuple[tuple[float, float], ...]:
    """Return places of the command line."""
    from layers.settlements import parse_lonlat

    pairs = [(text, parse_lonlat(text, option)) for text in texts]
    for text, pair in pairs:
        if pair is None:
            raise typer.BadParameter(f"{option} {text!r}: allowed is LON,LAT, e.g. {option} 61.2,53.0")
    return tuple(pair for _, pair in pairs if pair is not None)
