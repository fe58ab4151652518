"""Commands of the command line that answer before a run."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def check(
    study: Annotated[
        Path | None,
        typer.Argument(help="Study (TOML); nothing for the packaged Russia–Kazakhstan border.", show_default=False),
    ] = None,
    deep: Annotated[bool, typer.Option("--deep", help="Read extracts too, not only their headers.")] = False,
    out: Annotated[
        Path | None, typer.Option(help="Folder for check.csv and check.geojson; nothing for none.", show_default=False)
    ] = None,
    offline: Annotated[bool, typer.Option("--offline", help="Never touch the network; say what is missing.")] = False,
    cache: Annotated[
        Path | None, typer.Option("--cache", help="Folder of the cache; nothing for the user's.", show_default=False)
    ] = None,
) -> None:
    """Say what is in a study's layers, what would be mended, what is assumed and left out; ends with 2 where a run would be refused."""
    from gis import load_study
    from gis.inputs import Fetching
    from gis.queries.check import check_study, write_check
    from gis.terminal import print_check

    found = check_study(load_study(study), deep=deep, fetching=Fetching(cache, offline))
    print_check(found.rows)
    if out is not None:
        write_check(out, found)
        typer.echo(f"Look at: {out / 'check.csv'}" + (f"  {out / 'check.geojson'}" if found.places else ""))
    if found.refused:
        raise typer.Exit(2)
