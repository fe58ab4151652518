"""The command ``borderlink scenario``."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import typer

from gis.commands.options import CacheOption, CsvOption, FreshOption, LangOption, OfflineOption, StudyArgument, say
from gis.commands.progress import download_lines, progress
from gis.commands.replaced import Earlier
from layers.folders import settle


def scenario(
    study: StudyArgument = None,
    open_: Annotated[
        list[str] | None,
        typer.Option(
            "--open",
            metavar="LON,LAT",
            help="Open a new checkpoint here; may be given several times.",
            show_default=False,
        ),
    ] = None,
    mode: Annotated[
        list[str] | None,
        typer.Option(
            help="Mode of the new checkpoint, road or rail; once for all or once for each.", show_default=False
        ),
    ] = None,
    wait: Annotated[
        list[float] | None, typer.Option(help="Its wait in minutes; once for all or once for each.", show_default=False)
    ] = None,
    close: Annotated[
        list[str] | None,
        typer.Option(
            "--close",
            metavar="NAME",
            help="Close a checkpoint by name or id; may be given several times.",
            show_default=False,
        ),
    ] = None,
    edits: Annotated[
        list[Path] | None,
        typer.Option(
            "--edits",
            metavar="FILE",
            help="Scenario (TOML) with [[edits]]; further ones are compared with the first in a table.",
            show_default=False,
        ),
    ] = None,
    edit: Annotated[
        list[str] | None,
        typer.Option(
            "--edit",
            metavar="KIND: KEY = VALUE, …",
            help="Any edit as a file has it, such as 'wait: checkpoint = \"Mashtakovo\", wait_min = 30'; may be "
            "given several times.",
            show_default=False,
        ),
    ] = None,
    vehicles: Annotated[
        bool, typer.Option("--vehicles", help="Trucks beside cars too, in a table: builds a second network.")
    ] = False,
    flags: Annotated[
        bool, typer.Option("--flags", help="Growth points and bottlenecks before and after too; takes minutes.")
    ] = False,
    out: Annotated[Path, typer.Option(help="Folder for the results.")] = Path("out-scenario"),
    lang: LangOption = "en",
    csv: CsvOption = None,
    offline: OfflineOption = False,
    cache: CacheOption = None,
    fresh: FreshOption = False,
) -> None:
    """Compare the border before and after edits: checkpoints opened, closed, re-timed, roads built and upgraded."""
    from gis import Close, Open, load_study, run_scenario
    from gis.inputs import Fetching
    from gis.queries.edits import Edit
    from gis.queries.plans import Plan, edit_in_line, read_plan
    from gis.terminal import print_scenario

    settle(out)
    earlier = Earlier.of(out, "scenario.json")
    given: list[Edit] = [
        *(Open(*place) for place in _opens(open_ or [], mode or [], wait or [])),
        *map(Close, close or []),
        *(e for line in edit or [] for e in edit_in_line(line)),
    ]
    read, *others = [read_plan(file) for file in edits or []] or [Plan(())]
    plan = replace(read, edits=(*read.edits, *given), where=(*read.where, *("the command line" for _ in given)))
    if not plan.edits:
        raise typer.BadParameter("nothing to change: give --open LON,LAT, --close NAME, --edit KIND: … or --edits FILE")
    with progress("scenario") as listen:
        fetching = Fetching(cache, offline, download_lines(), keep=True, fresh=fresh)
        result = run_scenario(
            load_study(study).with_csv(csv),
            plan,
            others=others,
            vehicles=vehicles,
            flags=flags,
            lang=lang,
            out=out,
            listen=listen,
            fetching=fetching,
        )
    if result["reused"]:
        say(result["reused"])
    print_scenario(out, result)
    for line in earlier.lines("scenario.json"):
        say(line)
    say(f"Look at: {out / 'map.html'}  {out / 'scenario.qgz'}  {out / 'tables'}/")


def _opens(places: list[str], modes: list[str], waits: list[float]) -> list[tuple[float, float, str, float | None]]:
    """Return the new checkpoints of the command line."""
    from layers.checkpoints import usable_wait_min
    from layers.settlements import parse_lonlat

    for minutes in waits:
        usable_wait_min(minutes, "--wait")

    out = []
    for i, text in enumerate(places):
        pair = parse_lonlat(text, "--open")
        if pair is None:
            raise typer.BadParameter(f"--open {text!r}: allowed is LON,LAT, e.g. --open 61.2,53.0")
        out.append((*pair, _nth(modes, i, len(places), "--mode", "road"), _nth(waits, i, len(places), "--wait", None)))
    if (modes or waits) and not places:
        raise typer.BadParameter("--mode and --wait belong to --open: give --open LON,LAT too")
    return out


def _nth(values: list[Any], i: int, n: int, option: str, default: Any) -> Any:
    """Return the i-th of n values, the only one, or the default."""
    if not values:
        return default
    if len(values) not in (1, n):
        raise typer.BadParameter(
            f"{option} is given {len(values)} times for {n} new checkpoints: allowed is once, or once for each"
        )
    return values[0] if len(values) == 1 else values[i]
