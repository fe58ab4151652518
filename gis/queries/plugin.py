"""The Processing provider for QGIS put into its folder of plugins, with the command that starts this program."""

from __future__ import annotations

import configparser
import json
import os
import sys
from importlib import resources
from pathlib import Path

from layers.errors import OutputError
from layers.folders.boundary import writing

NAME = "borderlink_processing"
PROFILE = Path("QGIS/QGIS3/profiles/default/python/plugins")
EXECUTABLE = "executable.json"


def plugins_folder() -> Path:
    """Return where QGIS of this system looks for plugins of the default profile."""
    if sys.platform == "win32":
        home = Path(os.environ.get("APPDATA", Path.home() / "AppData/Roaming"))
    elif sys.platform == "darwin":
        home = Path.home() / "Library/Application Support"
    else:
        home = Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local/share")
    return home / PROFILE


def install_plugin(folder: Path) -> list[str]:
    """Write the plugin and return its files; one of an earlier borderlink is replaced.

    Raises
    ------
    OutputError
        Another plugin has that name, or there is no right to write.
    """
    target = folder / NAME
    if target.exists() and not _is_ours(target):
        raise OutputError(f"{target} is another plugin's: move it, or name another folder with --folder")
    source = resources.files("gis").joinpath(f"data/qgis_plugin/{NAME}")
    files = {item.name: item.read_bytes() for item in source.iterdir() if item.name.endswith((".py", ".txt"))}
    files[EXECUTABLE] = json.dumps([sys.executable, "-m", "gis.cli"]).encode()
    with writing(target, "the plugin"):
        target.mkdir(parents=True, exist_ok=True)
        for name, content in files.items():  # half a dozen
            (target / name).write_bytes(content)
    return sorted(files)


def _is_ours(folder: Path) -> bool:
    """Return whether a folder of plugins is one that we wrote."""
    about = configparser.ConfigParser(interpolation=None)
    try:
        about.read(folder / "metadata.txt", encoding="utf-8")
        return about.get("general", "name") == "Borderlink"
    except (configparser.Error, OSError, UnicodeDecodeError):
        return False
