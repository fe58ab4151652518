"""The command ``borderlink compare``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from gis.commands.options import LangOption, say


def compare(
    first: Annotated[Path, typer.Argument(metavar="OUT1", help="Folder of a run.")],
    second: Annotated[Path, typer.Argument(metavar="OUT2", help="Folder of another run of the same border.")],
    out: Annotated[Path, typer.Option(help="Folder for the comparison.")] = Path("compare"),
    lang: LangOption = "en",
) -> None:
    """Put two runs side by side: what differs in inputs, findings, checkpoints, places and regions."""
    from gis.queries.side_by_side import compare_runs
    from layers.folders import settle

    settle(out)
    content = compare_runs(first, second, out=out, lang=lang)
    for line in content["summary"]:
        say(f"• {line}")
    say(f"Look at: {out / 'report.html'}  {out / 'map.html'}  {out / 'tables'}/")
