"""Where axe-core is: it is not ours to pack, but the wheel of axe-playwright-python brings it."""

from __future__ import annotations

import os
from importlib.util import find_spec
from pathlib import Path

REASON = "no axe-core: pip install --no-deps axe-playwright-python, or BORDERLINK_AXE names its axe.min.js"


def axe_core() -> Path | None:
    """Return the script of axe-core; None where there is none."""
    if os.environ.get("BORDERLINK_AXE"):
        return Path(os.environ["BORDERLINK_AXE"])
    brought = find_spec("axe_playwright_python")
    folders = brought.submodule_search_locations if brought is not None else None
    return next((path for folder in folders or () if (path := Path(folder) / "axe.min.js").is_file()), None)
