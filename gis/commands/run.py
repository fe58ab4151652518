"""The command ``borderlink run``."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated

import typer

from gis.commands.options import (
    CacheOption,
    CsvOption,
    FreshOption,
    GraphOption,
    LangOption,
    OfflineOption,
    StudyArgument,
    say,
)
from gis.commands.progress import download_lines, progress
from gis.commands.replaced import Earlier
from layers.folders import settle


def run(
    study: StudyArgument = None,
    out: Annotated[Path, typer.Option(help="Folder for the results.")] = Path("out"),
    permutations: Annotated[
        int | None, typer.Option(help="Permutations of the tests; the study says 99,999.", show_default=False)
    ] = None,
    seed: Annotated[int | None, typer.Option(help="Seed of the tests.", show_default=False)] = None,
    csv: CsvOption = None,
    graph: GraphOption = None,
    lang: LangOption = "en",
    offline: OfflineOption = False,
    cache: CacheOption = None,
    fresh: FreshOption = False,
) -> None:
    """Build the network of a border, measure it, find growth points and bottlenecks, write map, layers and report."""
    from gis import load_study
    from gis import run as run_study
    from gis.inputs import Fetching
    from maps.i18n import _, speaking
    from maps.report.pdf import can_write

    settle(out)
    earlier = Earlier.of(out, "run.json")
    changes = {k: v for k, v in (("permutations", permutations), ("seed", seed)) if v is not None}
    loaded = load_study(study).with_csv(csv).with_graph(graph)
    loaded = loaded.with_analysis(**changes) if changes else loaded
    start = time.perf_counter()
    with progress("run") as listen:
        fetching = Fetching(
            cache, offline, download_lines(), keep=True, fresh=fresh, say=lambda line: typer.echo(line, err=True)
        )
        result = run_study(loaded, out=out, lang=lang, listen=listen, fetching=fetching)
    with speaking(lang):
        bare = _("side {country}: {n} settlements, {n2} km of roads: is {what} {place}?").split("{")[0]
    for line in result["warnings"]:
        if line.startswith(bare):  # a side without data: what follows says little
            say(line)
    if result["reused"]:
        say(result["reused"])
    for line in result["findings"]:
        say(f"• {line}")
    if result["warnings"]:
        say(f"{len(result['warnings'])} warnings: see report.html and run.json")
    for line in earlier.lines("run.json"):
        say(line)
    if not can_write():
        say("No report.pdf: it takes pip install 'borderlink[pdf]'")
    say(f"Done in {time.perf_counter() - start:.0f} s. Look at:")
    for name, what in (
        ("map.html", "map, in a browser"),
        ("border.qgz", "project, in QGIS"),
        ("report.html", "findings, tables, assumptions, sources"),
        ("tables/", "CSV"),
    ):
        say(f"  {out / name}  ({what})" if not name.endswith("/") else f"  {out / 'tables'}/  ({what})")
