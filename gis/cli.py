"""The command ``borderlink``: its list of commands; each has a file in `gis.commands`."""

from __future__ import annotations

import gc
import os
import sys
from typing import Annotated, NoReturn

import typer

from gis.boundary import guarded, leave
from gis.commands.appraise import appraise
from gis.commands.check import check
from gis.commands.compare import compare
from gis.commands.data import cache_clear, cache_list, fetch
from gis.commands.export import export
from gis.commands.init import init
from gis.commands.isochrone import isochrone
from gis.commands.matrix import matrix
from gis.commands.plain import PlainCommand, PlainGroup
from gis.commands.plugin import qgis_plugin
from gis.commands.progress import JsonLines
from gis.commands.route import route
from gis.commands.run import run
from gis.commands.scenario import scenario
from gis.commands.serve import serve
from gis.commands.sites import sites
from gis.commands.sweep import sweep
from gis.commands.template import appraisal, indicators
from layers.house import refuse_namesakes

ABOUT = "A land border as a transport model: growth points, bottlenecks, and what a new checkpoint would change."
app = typer.Typer(
    cls=PlainGroup, add_completion=False, no_args_is_help=True, pretty_exceptions_enable=False, help=ABOUT
)


def _version(wanted: bool) -> None:
    """Show the version and end."""
    if wanted:
        from importlib.metadata import version

        typer.echo(f"borderlink {version('borderlink')}")
        raise typer.Exit


@app.callback(help=ABOUT)
def _options(
    debug: Annotated[bool, typer.Option("--debug", help="Show the cause of a message too.")] = False,
    json_progress: Annotated[
        bool, typer.Option("--json-progress", help="Tell the stages as JSON lines on the error stream.")
    ] = False,
    version: Annotated[
        bool, typer.Option("--version", help="Show the version and end.", is_eager=True, callback=_version)
    ] = False,
) -> None:
    """Take the options of all commands; `main` looks for ``--debug`` before."""
    del debug, version
    JsonLines.wanted = json_progress


for command in (
    init,
    check,
    run,
    route,
    isochrone,
    matrix,
    scenario,
    sites,
    sweep,
    appraise,
    compare,
    export,
    serve,
    qgis_plugin,
    fetch,
):
    app.command(cls=PlainCommand)(command)

cache_app = typer.Typer(cls=PlainGroup, no_args_is_help=True, help="The cache of downloaded extracts.")
cache_app.command("list", cls=PlainCommand)(cache_list)
cache_app.command("clear", cls=PlainCommand)(cache_clear)
app.add_typer(cache_app, name="cache")
template_app = typer.Typer(cls=PlainGroup, no_args_is_help=True, help="Tables to fill in.")
template_app.command("indicators", cls=PlainCommand)(indicators)
template_app.command("appraisal", cls=PlainCommand)(appraisal)
app.add_typer(template_app, name="template")


def main() -> None:
    """Run the command; see `gis.boundary.guarded`."""
    guarded(_command, debug="--debug" in sys.argv[1:2])


OBJECTS, ROUNDS = 20_000, 10
"""Objects after which Python looks for circles of objects that nothing else holds, and looks until it looks among older
ones too. Its own 700 make thousands of looks through the modules of all libraries, a fifteenth of a run."""


def entry() -> NoReturn:
    """Run the command as a process of its own; see `gis.boundary.leave`."""
    gc.set_threshold(OBJECTS, ROUNDS, ROUNDS)
    leave(main)


def _command() -> None:
    """Run it in our own house."""
    refuse_namesakes()
    for library in ("OPENBLAS", "MKL"):
        # `layers.threads` has matrices multiplied by one: others need not even be started.
        os.environ.setdefault(f"{library}_NUM_THREADS", "1")
    app()


if __name__ == "__main__":
    entry()
