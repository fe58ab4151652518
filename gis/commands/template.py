"""The command ``borderlink template``: tables to fill in."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from gis.commands.options import CacheOption, OfflineOption, StudyArgument, say
from gis.commands.progress import download_lines


def indicators(
    study: StudyArgument = None,
    out: Annotated[Path, typer.Option(help="CSV to write.")] = Path("indicators.csv"),
    offline: OfflineOption = False,
    cache: CacheOption = None,
) -> None:
    """Write an empty table of indicators with the regions that the study has."""
    from gis import load_study
    from gis.inputs import Fetching
    from gis.queries.templates import indicator_table
    from gis.tables import csv_text
    from layers.folders.single import check_new, write_new

    check_new(out)
    table = indicator_table(load_study(study), fetching=Fetching(cache, offline, download_lines()))
    write_new(out, csv_text(table))
    say(f"{table['region'].nunique()} regions × {table['indicator'].nunique()} suggested indicators, all values empty")
    say(f'Look at: {out}, then in the study: [index] indicators = "{out.name}"')
