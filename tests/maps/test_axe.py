"""What axe-core finds wrong with the map of a run; see `tests.axe` for where it comes from."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.axe import REASON, axe_core
from tests.maps.pages import opened, until

pytestmark = pytest.mark.browser
AXE = axe_core()
RULES = "['wcag2a', 'wcag2aa', 'wcag21aa', 'best-practice']"
STATES = {
    "as it opens": "",
    "a table": "toggleDrawer(true)",
    "a card": "toggleDrawer(false); const l = layerOf('checkpoints'), i = l.group.getLayers()[0];"
    "openCard(l, i, i.getLatLng())",
    "a search": "closeCard(); const s = document.getElementById('search-input'); s.value = 'a';"
    "s.dispatchEvent(new Event('input', {bubbles: true}))",
}


@pytest.mark.skipif(AXE is None, reason=REASON)
@pytest.mark.parametrize("width", [1280, 390])
def test_axe_finds_nothing(chromium: Any, path: Path, width: int) -> None:
    assert AXE is not None
    chromium.execute_cdp_cmd(
        "Emulation.setDeviceMetricsOverride",
        {"width": width, "height": 844, "deviceScaleFactor": 1, "mobile": width < 500},
    )
    try:
        opened(chromium, path)
        chromium.set_script_timeout(120)
        # The page's policy lets no script in: the driver's own way goes round it.
        chromium.execute_cdp_cmd("Runtime.evaluate", {"expression": AXE.read_text(encoding="utf-8")})
        views = chromium.execute_script("return config.views.map(view => view.key)")
        states = STATES | {f"chapter {key}": f"openView('{key}')" for key in views}
        assert len(views) > 3
        for state, script in states.items():
            chromium.execute_script(script)
            # A card that still fades has no contrast.
            until(chromium, "return document.getAnimations().length === 0")
            found = chromium.execute_async_script(
                f"const done = arguments[0]; axe.run(document, {{runOnly: {RULES}}}).then(done)"
            )
            assert [(v["impact"], v["id"], v["nodes"][0]["html"]) for v in found["violations"]] == [], state
    finally:
        chromium.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
