"""What axe-core finds wrong with the map of a run; see `tests.axe` for where it comes from."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.axe import REASON, axe_core, bring, screen, violations
from tests.maps.pages import opened, until

pytestmark = pytest.mark.browser
AXE = axe_core()
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
    with screen(chromium, width):
        opened(chromium, path)
        bring(chromium, AXE)
        views = chromium.execute_script("return config.views.map(view => view.key)")
        states = STATES | {f"chapter {key}": f"openView('{key}')" for key in views}
        assert len(views) > 3
        for state, script in states.items():
            chromium.execute_script(script)
            # A card that still fades has no contrast.
            until(chromium, "return document.getAnimations().length === 0")
            assert violations(chromium) == [], state
