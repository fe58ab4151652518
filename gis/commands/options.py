"""Options that several commands take, and how a line is printed."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from layers.secrets import masked

LANGUAGES = ("en", "ru", "kk")  # those of `maps.i18n`, which takes pandas to import


def _known(lang: str) -> str:
    """Refuse a language without a catalogue."""
    if lang not in LANGUAGES:
        raise typer.BadParameter(f"{lang!r} is not known; allowed are {', '.join(LANGUAGES)}")
    return lang


StudyArgument = Annotated[
    Path | None,
    typer.Argument(help="Study (TOML); nothing for the packaged Russia–Kazakhstan border.", show_default=False),
]
StudyOption = Annotated[
    Path | None, typer.Option("--study", help="Study (TOML); nothing for the packaged one.", show_default=False)
]
CacheOption = Annotated[
    Path | None, typer.Option("--cache", help="Folder of the cache; nothing for the user's.", show_default=False)
]
GraphOption = Annotated[
    str | None,
    typer.Option(
        "--graph",
        help="Form of the graph: graphml, parquet or gpkg; by itself GraphML up to 50,000 links.",
        show_default=False,
    ),
]
FreshOption = Annotated[
    bool, typer.Option("--fresh", help="Build the network anew, though one of the same ground is in the cache.")
]
CsvOption = Annotated[
    str | None,
    typer.Option(
        "--csv", metavar="plain|excel", help="Form of CSV; excel: with the mark that Excel needs.", show_default=False
    ),
]
LangOption = Annotated[
    str,
    typer.Option(
        "--lang",
        metavar="|".join(LANGUAGES),
        help="Language of what is written: map, report, project, tables of notes; of the terminal only findings.",
        callback=_known,
    ),
]
OfflineOption = Annotated[bool, typer.Option("--offline", help="Never touch the network; say what is missing.")]


def numbers(text: str, option: str) -> list[float] | None:
    """Return numbers between commas, None for an empty text."""
    if not text:
        return None
    try:
        return [float(part) for part in text.split(",")]
    except ValueError:
        raise typer.BadParameter(f"{option} {text!r}: allowed are numbers between commas, e.g. 60,120") from None


def say(line: str) -> None:
    """Print a line of the answer."""
    typer.echo(masked(line))
