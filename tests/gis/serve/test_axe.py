"""What axe-core finds wrong with the page for people who use other means than eyes and a mouse.

See `tests.axe` for where it comes from.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.axe import REASON, axe_core, bring, screen, violations
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


@pytest.mark.skipif(AXE is None, reason=REASON)
@pytest.mark.parametrize("width", [1400, 390])
def test_axe_finds_nothing(chromium: Any, running: Running, width: int) -> None:
    assert AXE is not None
    with screen(chromium, width):
        opened(chromium, running)
        press(chromium, "#tab-posts li[data-id=south] input[type=checkbox]")
        settled(chromium)
        bring(chromium, AXE)
        chromium.execute_script("document.querySelector('#tab-kept button[type=submit]').click()")
        for tab in ("posts", "new", "gains", "losses", "loads", "regions", "ways", "kept", *OTHERS):
            chromium.execute_script(OTHERS.get(tab, f"document.getElementById('to-{tab}').click()"))
            if tab == "multiples":
                until(chromium, "return document.getElementById('multiples').dataset.state === 'done'")
            assert violations(chromium) == [], tab
