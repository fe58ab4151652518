"""The command ``borderlink qgis-plugin``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from gis.commands.options import say


def qgis_plugin(
    install: Annotated[bool, typer.Option("--install", help="Put the plugin into QGIS's folder of plugins.")] = False,
    folder: Annotated[
        Path | None, typer.Option(help="That folder; nothing for the default profile's.", show_default=False)
    ] = None,
) -> None:
    """Say where the Processing provider for QGIS goes, or install it: pure PyQGIS that calls this program."""
    from gis.queries.plugin import NAME, install_plugin, plugins_folder

    target = folder or plugins_folder()
    if not install:
        say(f"borderlink qgis-plugin --install writes {target / NAME}")
        return
    written = install_plugin(target)
    say(f"{len(written)} files in {target / NAME}")
    say(
        "In QGIS: Plugins, Manage and Install Plugins, Installed, tick Borderlink; its algorithms are in the "
        "Processing toolbox."
    )
