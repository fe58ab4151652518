"""The command ``borderlink serve``."""

from __future__ import annotations

import webbrowser
from pathlib import Path
from typing import Annotated

import typer

from gis.commands.options import CacheOption, FreshOption, LangOption, OfflineOption, StudyArgument, say
from gis.commands.progress import download_lines, progress


def serve(
    study: StudyArgument = None,
    scenario: Annotated[
        Path | None,
        typer.Option(help="Scenario file (TOML) that the page begins with; it may name layers.", show_default=False),
    ] = None,
    port: Annotated[int, typer.Option(help="Port; 0 for any free one.", min=0, max=65535)] = 8765,
    host: Annotated[str, typer.Option(help="Address; beyond this machine it needs --token.")] = "127.0.0.1",
    token: Annotated[
        str | None, typer.Option(help="What lets one in; random where not given.", show_default=False)
    ] = None,
    lang: LangOption = "en",
    browser: Annotated[bool, typer.Option(help="Open the page in the browser.")] = True,
    offline: OfflineOption = False,
    cache: CacheOption = None,
    fresh: FreshOption = False,
) -> None:
    """Open a page on this machine that answers a click: new posts, waits and closures on the map, within a second."""
    from gis import load_study
    from gis.inputs import Fetching
    from gis.queries.plans import read_plan
    from gis.serve.run import serve_study

    start = read_plan(scenario).edits if scenario else ()
    with progress("serve") as listen:
        fetching = Fetching(cache, offline, download_lines(), keep=True, fresh=fresh)
        running = serve_study(
            load_study(study),
            host=host,
            port=port,
            token=token,
            start=start,
            lang=lang,
            fetching=fetching,
            listen=listen,
        )
    # The one line that must show a token: `say` would hide it.
    typer.echo(f"Open {running.address}")
    say("The address holds the token of this run: who has it can use the page. Ctrl-C ends.")
    if browser:
        webbrowser.open(running.address)
    running.serve()
