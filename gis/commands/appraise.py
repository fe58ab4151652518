"""The command ``borderlink appraise``: the indicators of filled sheets."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from gis.commands.options import say


def appraise(
    sheets: Annotated[Path, typer.Argument(metavar="SHEETS", help="Filled folder of borderlink template appraisal.")],
    out: Annotated[Path, typer.Option(help="CSV to write.")] = Path("appraisal-counted.csv"),
) -> None:
    """Work out CPMM's TFI1 to TFI3, stages of release and CBTTFI scores from what was counted at posts."""
    from gis.queries.filled_sheets import counted_indicators, read_sheets
    from gis.tables import csv_text
    from layers.folders.single import check_new, write_new

    check_new(out)
    read, notes = read_sheets(sheets)
    table = counted_indicators(read)
    write_new(out, csv_text(table))
    for row in table[table["checkpoint_id"] == ""].to_dict("records"):
        say(f"{row['indicator']}, {row['of']}: {row['value']:,.4g} {row['unit']}")
    for note in notes:
        say(f"note: {note}")
    posts = table.loc[table["checkpoint_id"] != "", "checkpoint_id"].nunique()
    say(f"{len(table)} indicators, of {posts} posts")
    say(f"Look at: {out}")
