"""The command ``borderlink init``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from gis.commands.options import say


def init(
    a: Annotated[str, typer.Argument(metavar="A", help="A country: ISO 3166-1 code or English name.")],
    b: Annotated[str, typer.Argument(metavar="B", help="Its neighbour.")],
    out: Annotated[
        Path | None, typer.Option(help="File to write; nothing for e.g. ru-kz.toml.", show_default=False)
    ] = None,
) -> None:
    """Write a commented study for two countries, with every setting as it is by default."""
    from gis.queries.templates import study_text
    from layers.folders.single import write_new

    text, name, notes = study_text(a, b, out.name if out else "")
    path = out or Path(name)
    write_new(path, text)
    for note in notes:
        say(note)
    say(f"Look at: {path}, then: borderlink check {path}")
