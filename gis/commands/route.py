"""The command ``borderlink route``."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from gis.commands.options import CacheOption, FreshOption, OfflineOption, StudyOption, say
from gis.commands.progress import download_lines


def route(
    origin: Annotated[str, typer.Argument(metavar="A", help="A settlement by any of its names, or lon,lat.")],
    destination: Annotated[str, typer.Argument(metavar="B", help="The same.")],
    study: StudyOption = None,
    mode: Annotated[str, typer.Option(help="road, rail or any.")] = "road",
    network: Annotated[str, typer.Option(help="actual, open or borderless.")] = "actual",
    by: Annotated[str, typer.Option(help="time or length.")] = "time",
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object instead of lines.")] = False,
    offline: OfflineOption = False,
    cache: CacheOption = None,
    fresh: FreshOption = False,
) -> None:
    """Find the way between two places, with the checkpoints it passes and the wait at them."""
    from gis.inputs import Fetching
    from gis.queries.route import find_route

    fetching = Fetching(cache, offline, download_lines(), keep=True, fresh=fresh)
    found = find_route(study, origin, destination, mode=mode, network=network, by=by, fetching=fetching)
    if as_json:
        typer.echo(json.dumps(found, ensure_ascii=False))
        return
    say(f"{found['origin']} → {found['destination']}, by {mode}, {network} network")
    about = "about " if found["length_scatter"] else ""
    say(f"  {about}{found['length_m'] / 1000:,.1f} km ({found['straight_m'] / 1000:,.1f} km straight)")
    say(
        f"  {found['time_min']:,.0f} min moving + {found['wait_min']:,.0f} min wait = {hours(found['time_min'] + found['wait_min'])}"
    )
    say(f"  checkpoints: {', '.join(found['checkpoint_names']) or 'none'}")
    for note in found["notes"]:
        say(f"  note: {note}")


def hours(minutes: float) -> str:
    """Return minutes as hours and minutes."""
    hours, rest = divmod(round(minutes), 60)
    return f"{hours} h {rest:02d} min"
