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


def appraisal(
    study: StudyArgument = None,
    out: Annotated[Path, typer.Option(help="Folder to write the sheets into.")] = Path("appraisal-sheets"),
    offline: OfflineOption = False,
    cache: CacheOption = None,
) -> None:
    """Write empty sheets of what banks and agencies ask to be counted: hours, fees, stages and scores by post."""
    from gis import load_study, prepare
    from gis.inputs import Fetching
    from gis.queries.appraisal_sheets import appraisal_sheets
    from gis.tables import write_tables
    from layers.folders import fresh_folder

    with fresh_folder(out, "cbttfi.csv", what="sheets") as folder:
        prepared = prepare(load_study(study), fetching=Fetching(cache, offline, download_lines()))
        sheets = appraisal_sheets(prepared.layers["checkpoints"])
        write_tables(folder, sheets)
    rows = ", ".join(f"{name}.csv ({len(table)} rows)" for name, table in sheets.items())
    say(f"{rows}: hours, fees and scores are empty")
    say(f"Look at: {out}/, and when it is filled in: borderlink appraise {out}")
