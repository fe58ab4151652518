"""The command ``borderlink export``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from gis.commands.options import say


def export(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Folder of a run, a scenario, sites or a comparison.")],
    to: Annotated[
        str, typer.Option("--to", help="geoparquet, flatgeobuf, geojson, pmtiles, shapefile, xlsx, or postgresql://….")
    ],
    out: Annotated[
        Path | None, typer.Option(help="Folder for the files; nothing for DIR-format.", show_default=False)
    ] = None,
    schema: Annotated[str, typer.Option(help="Schema of the database.")] = "borderlink",
) -> None:
    """Hand results on in another format, every file with its source and licence."""
    from gis.queries.export import export as write
    from layers.folders import settle

    settle(folder)
    if out is not None:
        settle(out)
    written, where = write(folder, to, out=out, schema=schema)
    say(
        f"{len(written)} {'tables' if '://' in to else 'files'}: "
        f"{', '.join(written[:8])}{' …' if len(written) > 8 else ''}"
    )
    say(f"Look at: {where}")
