"""The command ``borderlink``."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer

from gis.boundary import guarded
from gis.commands import check
from layers.folders import settle
from layers.house import refuse_namesakes
from layers.secrets import masked

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="A land border as a transport model: growth points, bottlenecks, and what a new checkpoint would change.",
)


@app.callback(
    help="A land border as a transport model: growth points, bottlenecks, and what a new checkpoint would change."
)
def _options(debug: Annotated[bool, typer.Option("--debug", help="Show the cause of a message too.")] = False) -> None:
    """Take the options of all commands; `main` looks for them before."""


StudyArgument = Annotated[
    Path | None,
    typer.Argument(help="Study (TOML); nothing for the packaged Russia–Kazakhstan border.", show_default=False),
]

CacheOption = Annotated[
    Path | None, typer.Option("--cache", help="Folder of the cache; nothing for the user's.", show_default=False)
]
OfflineOption = Annotated[bool, typer.Option("--offline", help="Never touch the network; say what is missing.")]
cache_app = typer.Typer(no_args_is_help=True, help="The cache of downloaded extracts.")
app.add_typer(cache_app, name="cache")
app.command()(check)


@app.command()
def run(
    study: StudyArgument = None,
    out: Annotated[Path, typer.Option(help="Folder for the results.")] = Path("out"),
    permutations: Annotated[
        int | None, typer.Option(help="Permutations of the tests; the study says 9,999.", show_default=False)
    ] = None,
    seed: Annotated[int | None, typer.Option(help="Seed of the tests.", show_default=False)] = None,
    offline: OfflineOption = False,
    cache: CacheOption = None,
) -> None:
    """Build the network of a border, measure it, find growth points and bottlenecks, write map, layers and report."""
    from gis import load_study
    from gis import run as run_study
    from gis.inputs import Fetching

    settle(out)
    changes = {k: v for k, v in (("permutations", permutations), ("seed", seed)) if v is not None}
    loaded = load_study(study)
    loaded = loaded.with_analysis(**changes) if changes else loaded
    start = time.perf_counter()
    with _progress(10) as listen:
        fetching = Fetching(cache, offline, _download_lines())
        result = run_study(loaded, out=out, listen=listen, fetching=fetching)
    for line in result["findings"]:
        _say(f"• {line}")
    if result["warnings"]:
        _say(f"{len(result['warnings'])} warnings: see report.html and run.json")
    _say(f"Done in {time.perf_counter() - start:.0f} s. Look at:")
    for name, what in (
        ("map.html", "map, in a browser"),
        ("border.qgz", "project, in QGIS"),
        ("report.html", "findings, tables, assumptions, sources"),
        ("tables/", "CSV"),
    ):
        _say(f"  {out / name}  ({what})" if not name.endswith("/") else f"  {out / 'tables'}/  ({what})")


@app.command()
def route(
    origin: Annotated[str, typer.Argument(metavar="A", help="A settlement by any of its names, or lon,lat.")],
    destination: Annotated[str, typer.Argument(metavar="B", help="The same.")],
    study: Annotated[
        Path | None, typer.Option(help="Study (TOML); nothing for the packaged one.", show_default=False)
    ] = None,
    mode: Annotated[str, typer.Option(help="road, rail or any.")] = "road",
    network: Annotated[str, typer.Option(help="actual, open or borderless.")] = "actual",
    by: Annotated[str, typer.Option(help="time or length.")] = "time",
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object instead of lines.")] = False,
    offline: OfflineOption = False,
    cache: CacheOption = None,
) -> None:
    """Find the way between two places, with the checkpoints it passes and the wait at them."""
    from gis.inputs import Fetching
    from gis.queries.route import find_route

    fetching = Fetching(cache, offline, _download_lines())
    found = find_route(study, origin, destination, mode=mode, network=network, by=by, fetching=fetching)
    if as_json:
        typer.echo(json.dumps(found, ensure_ascii=False))
        return
    _say(f"{found['origin']} → {found['destination']}, by {mode}, {network} network")
    about = "about " if found["length_scatter"] else ""
    _say(f"  {about}{found['length_m'] / 1000:,.1f} km ({found['straight_m'] / 1000:,.1f} km straight)")
    _say(
        f"  {found['time_min']:,.0f} min moving + {found['wait_min']:,.0f} min wait = {_hours(found['time_min'] + found['wait_min'])}"
    )
    _say(f"  checkpoints: {', '.join(found['checkpoint_names']) or 'none'}")
    for note in found["notes"]:
        _say(f"  note: {note}")


@app.command()
def isochrone(
    places: Annotated[
        list[str], typer.Argument(metavar="PLACE…", help="Settlements, lon,lat, or checkpoints by id or name.")
    ],
    study: Annotated[
        Path | None, typer.Option(help="Study (TOML); nothing for the packaged one.", show_default=False)
    ] = None,
    minutes: Annotated[
        str, typer.Option(help="Limits, between commas; nothing for the study's.", show_default=False)
    ] = "",
    network: Annotated[str, typer.Option(help="actual, open, borderless, or all.")] = "actual",
    mode: Annotated[str, typer.Option(help="road, rail or any.")] = "road",
    to: Annotated[bool, typer.Option("--to", help="The ground from which the place is reached.")] = False,
    out: Annotated[Path, typer.Option(help="GeoPackage to write.")] = Path("isochrones.gpkg"),
    offline: OfflineOption = False,
    cache: CacheOption = None,
) -> None:
    """Draw the ground within minutes of places, across the border too, as polygons for QGIS."""
    from gis.inputs import Fetching
    from gis.queries.isochrone import find_isochrones, input_files, write_isochrones
    from gis.study import load_study
    from layers.folders.single import check_file

    loaded = load_study(study)
    inputs = [*input_files(loaded), *([study] if study else [])]
    check_file(out, inputs=inputs)
    fetching = Fetching(cache, offline, _download_lines())
    networks = ("borderless", "open", "actual") if network == "all" else (network,)
    found = find_isochrones(
        loaded, places, minutes=_numbers(minutes, "--minutes"), networks=networks, mode=mode,
        direction="to" if to else "from", fetching=fetching,
    )  # fmt: skip
    write_isochrones(out, found, inputs=inputs)
    for row in found.itertuples():  # a line of the answer each
        _say(
            f"{row.place}, {row.network}, {row.minutes:g} min: {row.area_km2:,.0f} km², {row.people_a:,.0f} people on side a, "
            f"{row.people_b:,.0f} on side b"
        )
    _say(f"Look at: {out}")


@app.command()
def scenario(
    study: StudyArgument = None,
    open_: Annotated[
        list[str] | None,
        typer.Option(
            "--open",
            metavar="LON,LAT",
            help="Open a new checkpoint here; may be given several times.",
            show_default=False,
        ),
    ] = None,
    mode: Annotated[
        list[str] | None,
        typer.Option(
            help="Mode of the new checkpoint, road or rail; once for all or once for each.", show_default=False
        ),
    ] = None,
    wait: Annotated[
        list[float] | None, typer.Option(help="Its wait in minutes; once for all or once for each.", show_default=False)
    ] = None,
    close: Annotated[
        list[str] | None,
        typer.Option(
            "--close",
            metavar="NAME",
            help="Close a checkpoint by name or id; may be given several times.",
            show_default=False,
        ),
    ] = None,
    out: Annotated[Path, typer.Option(help="Folder for the results.")] = Path("out-scenario"),
    offline: OfflineOption = False,
    cache: CacheOption = None,
) -> None:
    """Compare the border before and after opening or closing checkpoints."""
    from gis import Close, Open, load_study, run_scenario
    from gis.inputs import Fetching
    from gis.queries.edits import Edit
    from gis.terminal import print_scenario

    settle(out)
    edits: list[Edit] = [
        *(Open(*place) for place in _opens(open_ or [], mode or [], wait or [])),
        *map(Close, close or []),
    ]
    if not edits:
        raise typer.BadParameter("nothing to change: give --open LON,LAT or --close NAME")
    with _progress(7) as listen:
        fetching = Fetching(cache, offline, _download_lines())
        result = run_scenario(load_study(study), edits, out=out, listen=listen, fetching=fetching)
    print_scenario(out, result)
    _say(f"Look at: {out / 'map.html'}  {out / 'tables'}/")


@app.command()
def fetch(
    study: Annotated[Path, typer.Argument(help="Study (TOML) that names extracts or Overpass.")],
    cache: CacheOption = None,
    refresh: Annotated[bool, typer.Option(help="Ask the server for newer versions.")] = False,
) -> None:
    """Bring the OpenStreetMap data of a study into the cache, checked, so that it runs without a network."""
    from gis import load_study
    from gis.inputs import Fetching, fetch_sources

    with _download_bar() as listen:
        files = fetch_sources(load_study(study), fetching=Fetching(cache, listen=listen, refresh=refresh))
    if not files:
        _say("the study names neither extracts nor Overpass: nothing to fetch")
    for file in files:
        _say(f"{file.url or 'local'}  {file.path}  {file.path.stat().st_size / 1e6:,.1f} MB")


@cache_app.command("list")
def cache_list(cache: CacheOption = None) -> None:
    """List what is in the cache: address, size, date, whether its md5 was checked."""
    from layers.sources.download.cache import Cache

    entries = Cache(cache).entries()
    for e in sorted(entries, key=lambda e: e.url):
        checked = "md5 checked" if e.md5_checked else "md5 not checked"
        _say(f"{e.url}  {e.size / 1e6:,.1f} MB  {e.fetched:%Y-%m-%d %H:%M}  {checked}  sha256 {e.sha256[:12]}…")
    _say(f"{len(entries)} files, {sum(e.size for e in entries) / 1e6:,.1f} MB")


@cache_app.command("clear")
def cache_clear(
    cache: CacheOption = None,
    older_than: Annotated[
        float | None, typer.Option(help="Only what was fetched more than so many days ago.", show_default=False)
    ] = None,
) -> None:
    """Empty the cache."""
    from layers.sources.download.cache import Cache

    _say(f"{Cache(cache).clear(older_than_days=older_than) / 1e6:,.1f} MB freed")


@contextmanager
def _download_bar() -> Iterator[Callable[[str, int, int | None], None]]:
    """Give a listener of downloads: a bar for each on a terminal, lines otherwise."""
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn, TransferSpeedColumn

    console = Console(stderr=True)
    if not console.is_terminal:
        yield _download_lines()
        return
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console) as bar:
        tasks: dict[str, Any] = {}

        def listen(name: str, done: int, total: int | None) -> None:
            if name not in tasks:
                tasks[name] = bar.add_task(name, total=total)
            bar.update(tasks[name], completed=done, total=total)

        yield listen


def _download_lines() -> Callable[[str, int, int | None], None]:
    """Return a listener of downloads: a line for each tenth, on a terminal rewritten in place."""
    told: dict[str, int] = {}

    def listen(name: str, done: int, total: int | None) -> None:
        tenth = 10 * done // total if total else done // 50_000_000
        if told.get(name) == tenth:
            return
        told[name] = tenth
        of = f" of {total / 1e6:,.0f} MB" if total else ""
        typer.echo(f"{name}: {done / 1e6:,.0f} MB{of}", err=True, nl=not sys.stderr.isatty())
        if sys.stderr.isatty():
            typer.echo("\r", err=True, nl=False)

    return listen


def _opens(places: list[str], modes: list[str], waits: list[float]) -> list[tuple[float, float, str, float | None]]:
    """Return the new checkpoints of the command line."""
    from layers.checkpoints import usable_wait_min
    from layers.settlements import parse_lonlat

    for minutes in waits:
        usable_wait_min(minutes, "--wait")

    out = []
    for i, text in enumerate(places):
        pair = parse_lonlat(text, "--open")
        if pair is None:
            raise typer.BadParameter(f"--open {text!r}: allowed is LON,LAT, e.g. --open 62.5,53.3")
        out.append((*pair, _nth(modes, i, len(places), "--mode", "road"), _nth(waits, i, len(places), "--wait", None)))
    if (modes or waits) and not places:
        raise typer.BadParameter("--mode and --wait belong to --open: give --open LON,LAT too")
    return out


def _numbers(text: str, option: str) -> list[float] | None:
    """Return numbers between commas, None for an empty text."""
    if not text:
        return None
    try:
        return [float(part) for part in text.split(",")]
    except ValueError:
        raise typer.BadParameter(f"{option} {text!r}: allowed are numbers between commas, e.g. 60,120") from None


def _nth(values: list[Any], i: int, n: int, option: str, default: Any) -> Any:
    """Return the i-th of n values, the only one, or the default."""
    if not values:
        return default
    if len(values) not in (1, n):
        raise typer.BadParameter(
            f"{option} is given {len(values)} times for {n} new checkpoints: allowed is once, or once for each"
        )
    return values[0] if len(values) == 1 else values[i]


@contextmanager
def _progress(total: int) -> Iterator[Callable[[str], None]]:
    """Give a listener of stages: a bar on a terminal, plain lines otherwise."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    console = Console(stderr=True)
    if not console.is_terminal:
        yield lambda name: typer.echo(f"{name} …", err=True)
        return
    columns = (TextColumn("{task.description:<18}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task("start", total=total)
        done = -1

        def listen(name: str) -> None:
            nonlocal done
            done += 1
            bar.update(task, description=name, completed=done, total=max(total, done + 1))

        yield listen


def _hours(minutes: float) -> str:
    """Return minutes as hours and minutes."""
    hours, rest = divmod(round(minutes), 60)
    return f"{hours} h {rest:02d} min"


def _say(line: str) -> None:
    """Print a line of the answer."""
    typer.echo(masked(line))


def main() -> None:
    """Run the command; see `gis.boundary.guarded`."""
    guarded(_command, debug="--debug" in sys.argv[1:2])


def _command() -> None:
    """Run it in our own house."""
    refuse_namesakes()
    app()


if __name__ == "__main__":
    main()
