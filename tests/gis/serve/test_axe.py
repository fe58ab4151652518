"""What axe-core finds wrong with the page for people who use other means than eyes and a mouse.

See `tests.axe` for where it comes from.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.axe import REASON, axe_core
from tests.gis.serve.test_browser import opened, press, settled, until

if TYPE_CHECKING:
    from gis.serve.run import Running

pytestmark = pytest.mark.browser
AXE = axe_core()
CHOOSE = "const t = document.getElementById('tool'); t.value = '{}'; t.dispatchEvent(new Event('change'));"
OTHERS = {
    "drawing": CHOOSE.format("line"),
    "multiples": CHOOSE.format("post") + "document.querySelector('#tab-kept button.main').click()",
    "dialog": "document.getElementById('multiples').close(); borderlink.map.handlers.click(L.latLng(50.3, 60))",
}
"""What is not a tab, and how it comes up."""
RULES = "['wcag2a', 'wcag2aa', 'wcag21aa', 'best-practice']"


@pytest.mark.skipif(AXE is None, reason=REASON)
@pytest.mark.parametrize("width", [1400, 390])
def test_axe_finds_nothing(chromium: Any, running: Running, width: int) -> None:
    assert AXE is not None
    chromium.execute_cdp_cmd(
        "Emulation.setDeviceMetricsOverride",
        {"width": width, "height": 844, "deviceScaleFactor": 1, "mobile": width < 500},
    )
    try:
        opened(chromium, running)
        press(chromium, "#tab-posts li[data-id=south] input[type=checkbox]")
        settled(chromium)
        # The page's policy lets no script in: the driver's own way goes round it.
        chromium.execute_cdp_cmd("Runtime.evaluate", {"expression": AXE.read_text(encoding="utf-8")})
        chromium.execute_script("document.querySelector('#tab-kept button[type=submit]').click()")
        for tab in ("posts", "new", "gains", "losses", "loads", "regions", "ways", "kept", *OTHERS):
            chromium.execute_script(OTHERS.get(tab, f"document.getElementById('to-{tab}').click()"))
            if tab == "multiples":
                until(chromium, "return document.getElementById('multiples').dataset.state === 'done'")
            found = chromium.execute_async_script(
                f"const done = arguments[0]; axe.run(document, {{runOnly: {RULES}}}).then(done)"
            )
            assert [(v["impact"], v["id"], v["nodes"][0]["html"]) for v in found["violations"]] == [], tab
    finally:
        chromium.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
