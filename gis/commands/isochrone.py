"""The command ``borderlink isochrone``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from gis.commands.options import CacheOption, FreshOption, LangOption, OfflineOption, StudyOption, numbers, say
from gis.commands.progress import answering, download_lines


def isochrone(
    places: Annotated[
        list[str], typer.Argument(metavar="PLACE…", help="Settlements, lon,lat, or checkpoints by id or name.")
    ],
    study: StudyOption = None,
    minutes: Annotated[
        str, typer.Option(help="Limits, between commas; nothing for the study's.", show_default=False)
    ] = "",
    network: Annotated[str, typer.Option(help="actual, open, borderless, or all.")] = "actual",
    mode: Annotated[str, typer.Option(help="road, rail or any.")] = "road",
    to: Annotated[bool, typer.Option("--to", help="The ground from which the place is reached.")] = False,
    out: Annotated[
        Path,
        typer.Option(help="GeoPackage to write, with a QGIS project in it; a map of the same name lies beside it."),
    ] = Path("isochrones.gpkg"),
    lang: LangOption = "en",
    offline: OfflineOption = False,
    cache: CacheOption = None,
    fresh: FreshOption = False,
) -> None:
    """Draw the ground within minutes of places, across the border too, as polygons for QGIS and a map."""
    from gis.inputs import Fetching
    from gis.queries.drawn import write_isochrone_map, write_isochrones
    from gis.queries.isochrone import input_files, solve_isochrones
    from gis.study import load_study
    from layers.folders.single import check_file
    from maps.i18n import speaking

    loaded = load_study(study)
    inputs = [*input_files(loaded), *([study] if study else [])]
    page = out.with_suffix(".html")
    for file in (out, page):
        check_file(file, inputs=inputs)
    fetching = Fetching(cache, offline, download_lines(), keep=True, fresh=fresh)
    networks = ("borderless", "open", "actual") if network == "all" else (network,)
    limits = numbers(minutes, "--minutes")
    with answering("isochrone") as listen:
        found, prepared = solve_isochrones(
            loaded,
            places,
            minutes=limits,
            networks=networks,
            mode=mode,
            direction="to" if to else "from",
            fetching=fetching,
            listen=listen,
        )
    with speaking(lang):
        write_isochrones(out, found, prepared, inputs=inputs)
        write_isochrone_map(page, found, prepared, inputs=inputs)
    for row in found.itertuples():  # a line of the answer each
        say(
            f"{row.place}, {row.network}, {row.minutes:g} min: {row.area_km2:,.0f} km², {row.people_a:,.0f} "
            f"people in {loaded.sides[0]}, "
            f"{row.people_b:,.0f} in {loaded.sides[1]}"
        )
    say(f"Look at: {out}  {page}")
