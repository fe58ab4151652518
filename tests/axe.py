"""What axe-core finds on a page; it is not ours to pack, but the wheel of axe-playwright-python brings it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any

RULES = ("wcag2a", "wcag2aa", "wcag21aa", "best-practice")
REASON = "no axe-core: pip install --no-deps axe-playwright-python, or BORDERLINK_AXE names its axe.min.js"


def axe_core() -> Path | None:
    """Return the script of axe-core; None where there is none."""
    if os.environ.get("BORDERLINK_AXE"):
        return Path(os.environ["BORDERLINK_AXE"])
    brought = find_spec("axe_playwright_python")
    folders = brought.submodule_search_locations if brought is not None else None
    return next((path for folder in folders or () if (path := Path(folder) / "axe.min.js").is_file()), None)


@contextmanager
def screen(chromium: Any, width: int) -> Iterator[None]:
    """Give the browser a screen of a width, below 500 that of a phone."""
    size = {"width": width, "height": 844, "deviceScaleFactor": 1, "mobile": width < 500}
    chromium.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    try:
        yield
    finally:
        chromium.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})


def bring(chromium: Any, core: Path) -> None:
    """Bring axe-core into the page: its policy lets no script in, the driver's own way goes round it."""
    chromium.set_script_timeout(120)
    chromium.execute_cdp_cmd("Runtime.evaluate", {"expression": core.read_text(encoding="utf-8")})


def violations(chromium: Any) -> list[tuple[str, str, str]]:
    """Return what is wrong with the page as it is: how bad, the rule, the first place."""
    found = chromium.execute_async_script(
        "const done = arguments[1]; axe.run(document, {runOnly: arguments[0]}).then(done)", list(RULES)
    )
    return [(v["impact"], v["id"], v["nodes"][0]["html"]) for v in found["violations"]]
