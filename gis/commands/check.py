"""The command ``borderlink check``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from gis.commands.options import CacheOption, LangOption, OfflineOption, StudyArgument


def check(
    study: StudyArgument = None,
    deep: Annotated[bool, typer.Option("--deep", help="Read extracts too, not only their headers.")] = False,
    out: Annotated[
        Path | None, typer.Option(help="Folder for check.csv and check.geojson; nothing for none.", show_default=False)
    ] = None,
    fix: Annotated[
        bool, typer.Option("--fix", help="Mend keys that have another name now; the study as it was stays beside it.")
    ] = False,
    lang: LangOption = "en",
    offline: OfflineOption = False,
    cache: CacheOption = None,
) -> None:
    """Say what is in a study's layers, what would be mended, what is assumed and left out.

    Ends with 2 where a run would be refused.
    """
    from gis import load_study
    from gis.inputs import Fetching
    from gis.queries.check import check_study, write_check
    from gis.terminal import print_check

    if fix and study is not None:
        from gis.queries.mend import KEPT, mend_study

        for line in mend_study(study):
            typer.echo(f"{study}, {line}; {study.name}{KEPT} is the study as it was")
    found = check_study(load_study(study), deep=deep, fetching=Fetching(cache, offline))
    print_check(found.rows)
    if out is not None:
        from maps.i18n import speaking

        with speaking(lang):
            write_check(out, found)
        typer.echo(f"Look at: {out / 'check.csv'}" + (f"  {out / 'check.geojson'}" if found.places else ""))
    if found.refused:
        raise typer.Exit(2)
