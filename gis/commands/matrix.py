"""The command ``borderlink matrix``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from gis.commands.options import CacheOption, FreshOption, OfflineOption, StudyOption, say
from gis.commands.progress import answering, download_lines


def matrix(
    places: Annotated[
        list[str],
        typer.Argument(
            metavar="ORIGINS TARGETS",
            help="Each a list: names or lon,lat between semicolons, a file of places, or `settlements`. With one "
            "list, or three and more, all pairs of them.",
        ),
    ],
    to: Annotated[
        list[str] | None,
        typer.Option(
            "--to",
            metavar="PLACE",
            help="Where to, once for each; what stands before is where from.",
            show_default=False,
        ),
    ] = None,
    study: StudyOption = None,
    mode: Annotated[str, typer.Option(help="road, rail or any.")] = "road",
    network: Annotated[str, typer.Option(help="actual, open or borderless.")] = "actual",
    km: Annotated[bool, typer.Option("--km", help="Kilometres along the quickest way too.")] = False,
    name: Annotated[str, typer.Option(help="Column with names, of files of places.")] = "name",
    out: Annotated[Path, typer.Option(help="CSV or Parquet to write; - for the terminal.")] = Path("matrix.csv"),
    offline: OfflineOption = False,
    cache: CacheOption = None,
    fresh: FreshOption = False,
) -> None:
    """Find the quickest ways between all places of two lists.

    Minutes, the wait among them, and the checkpoints passed.
    """
    from gis.inputs import Fetching
    from gis.queries.isochrone import input_files
    from gis.queries.places import find_matrix
    from gis.study import load_study
    from gis.tables import csv_text, write_one
    from layers.errors import OutputError
    from layers.folders.single import check_file, write_file

    loaded = load_study(study)
    inputs: list[Path | str] = [*input_files(loaded), *([study] if study else [])]
    inputs += [p for p in (*places, *(to or [])) if Path(p).is_file()]
    if str(out) != "-":
        if out.suffix.casefold() not in (".csv", ".parquet"):
            raise OutputError(f"--out {out}: allowed are files *.csv and *.parquet, and - for the terminal")
        check_file(out, inputs=inputs)
    origins, targets = (places, to) if to else ([places[0]], [places[1]]) if len(places) == 2 else (places, places)
    fetching = Fetching(cache, offline, download_lines(), keep=True, fresh=fresh)
    with answering("matrix") as listen:
        table = find_matrix(
            loaded, origins, targets, mode=mode, network=network, km=km, name=name, fetching=fetching, listen=listen
        )
    if str(out) == "-":
        typer.echo(csv_text(table), nl=False)
        return
    write_file(out, lambda draft: write_one(table, draft), inputs=inputs)
    say(f"{len(table):,} pairs, {int(table['minutes'].isna().sum()):,} of them without a way")
    say(f"Look at: {out}")
