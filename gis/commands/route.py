"""The command ``borderlink route``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from gis.commands.options import CacheOption, FreshOption, LangOption, OfflineOption, StudyOption, say
from gis.commands.progress import answering, download_lines


def route(
    origin: Annotated[str, typer.Argument(metavar="A", help="A settlement by any of its names, or lon,lat.")],
    destination: Annotated[str, typer.Argument(metavar="B", help="The same.")],
    study: StudyOption = None,
    mode: Annotated[str, typer.Option(help="road, rail or any.")] = "road",
    network: Annotated[str, typer.Option(help="actual, open or borderless.")] = "actual",
    by: Annotated[str, typer.Option(help="time, length, or cost where the study has [money].")] = "time",
    at: Annotated[
        str, typer.Option(help='Departure, such as "Mon 08:00" or "2026-01-15 08:00".', show_default=False)
    ] = "",
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object instead of lines.")] = False,
    out: Annotated[Path | None, typer.Option(help="GeoPackage to write the way to.", show_default=False)] = None,
    lang: LangOption = "en",
    offline: OfflineOption = False,
    cache: CacheOption = None,
    fresh: FreshOption = False,
) -> None:
    """Find the way between two places, with the checkpoints it passes and the wait at them."""
    from gis.inputs import Fetching
    from gis.queries.route import solve_route
    from gis.study import load_study

    loaded, inputs = load_study(study), []
    if out is not None:
        from gis.queries.drawn import check_ending, write_route
        from gis.queries.isochrone import input_files
        from layers.folders.single import check_file

        inputs = [*input_files(loaded), *([study] if study else [])]
        check_ending(out)
        check_file(out, inputs=inputs)
    fetching = Fetching(cache, offline, download_lines(), keep=True, fresh=fresh)
    options = {"mode": mode, "network": network, "by": by, "at": at}
    with answering("route") as listen:
        way = solve_route(loaded, origin, destination, **options, fetching=fetching, listen=listen)
    found = way.as_dict()
    if out is not None:
        from maps.i18n import speaking

        with speaking(lang):
            write_route(out, way, inputs=inputs)
    if as_json:
        typer.echo(json.dumps(found, ensure_ascii=False))
        return
    say(f"{found['origin']} → {found['destination']}, by {mode}, {network} network")
    about = "about " if found["length_scatter"] else ""
    say(f"  {about}{found['length_m'] / 1000:,.1f} km ({found['straight_m'] / 1000:,.1f} km straight)")
    say(
        f"  {found['time_min']:,.0f} min moving + {found['wait_min']:,.0f} min wait = "
        f"{hours(found['time_min'] + found['wait_min'])}"
    )
    if found["opening_wait_min"]:
        say(f"  of the wait {found['opening_wait_min']:,.0f} min until posts open")
    if found["money"] is not None:
        say(f"  costs {found['money']:,.2f}")
    posts = [str(each) for each in way.waits] or found["checkpoint_names"]
    say(f"  checkpoints: {', '.join(posts) or 'none'}")
    for note in found["notes"]:
        say(f"  note: {note}")
    if out is not None:
        say(f"Look at: {out}")


def hours(minutes: float) -> str:
    """Return minutes as hours and minutes."""
    hours, rest = divmod(round(minutes), 60)
    return f"{hours} h {rest:02d} min"
