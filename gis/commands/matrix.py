"""The command ``borderlink matrix``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from gis.commands.options import CacheOption, FreshOption, OfflineOption, StudyOption, say
from gis.commands.progress import download_lines


def matrix(
    places: Annotated[
        list[str], typer.Argument(metavar="PLACE…", help="Settlements by any of their names, or lon,lat.")
    ],
    to: Annotated[
        list[str] | None,
        typer.Option(
            "--to", metavar="PLACE", help="Where to; once for each; nothing for the same places.", show_default=False
        ),
    ] = None,
    study: StudyOption = None,
    mode: Annotated[str, typer.Option(help="road, rail or any.")] = "road",
    network: Annotated[str, typer.Option(help="actual, open or borderless.")] = "actual",
    out: Annotated[Path, typer.Option(help="CSV to write.")] = Path("matrix.csv"),
    offline: OfflineOption = False,
    cache: CacheOption = None,
    fresh: FreshOption = False,
) -> None:
    """Find the ways between all pairs of places: minutes, waits, kilometres, checkpoints."""
    from gis.inputs import Fetching
    from gis.queries.isochrone import input_files
    from gis.queries.matrix import solve_matrix
    from gis.study import load_study
    from gis.tables import write_csv
    from layers.folders.single import check_file, write_file

    loaded = load_study(study)
    inputs = [*input_files(loaded), *([study] if study else [])]
    check_file(out, inputs=inputs)
    fetching = Fetching(cache, offline, download_lines(), keep=True, fresh=fresh)
    table = solve_matrix(loaded, places, to or places, mode=mode, field=network, fetching=fetching)
    write_file(out, lambda draft: write_csv(table, draft), inputs=inputs)
    say(f"{len(table)} pairs, {int(table['minutes'].isna().sum())} of them without a way")
    say(f"Look at: {out}")
