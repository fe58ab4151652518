"""One answer as a page of its own: everything inlined, classic scripts, no server and no token."""

from __future__ import annotations

import json
import re
from typing import Any

from gis.serve.words import filled, source, words_module
from maps.i18n import _, language
from maps.web.assets import text as vendored

MODULES = ("say.js", "format.js", "tables.js", "map.js", "edits.js", "still.js")
"""In the order in which each needs the ones before it."""


def still_page(study: dict[str, Any], change: dict[str, Any], edits: list[dict[str, Any]]) -> str:
    """Return an HTML document with the map before, after and the change, and the tables of one list of edits.

    It is in the language that is spoken.

    Parameters
    ----------
    study, change
        From `gis.serve.payload`.
    edits
        As JSON has them.
    """
    parts = {
        "LANG": language(),
        "TITLE": _html(_("{study}: what if").format(study=study["title"])),
        # Its pictures are of controls that the page has not.
        "CSS": re.sub(r"url\(images/[^)]*\)", "none", vendored("leaflet.css")) + source("page.css"),
        "DATA": _inlined({"study": study, "change": change, "edits": edits}),
        "LEAFLET": vendored("leaflet.js").replace("</script", "<\\/script"),
        "SCRIPT": "(function () {\n" + "\n".join(map(_classic, (words_module(), *map(source, MODULES)))) + "\n})();",
    }
    return filled(source("still.html"), parts)


def _classic(module: str) -> str:
    """Return a module as part of one classic script: its imports are beside it, its exports are seen."""
    without = re.sub(r"^import [^;]*;\n", "", module, flags=re.MULTILINE)
    return re.sub(r"^export ", "", without, flags=re.MULTILINE)


def _inlined(data: dict[str, Any]) -> str:
    """Return data as JSON that no tag can end."""
    text = json.dumps(data, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return text.replace("<", "\\u003c").replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")


def _html(text: str) -> str:
    """Return a text with what HTML would read as tags written out."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace('"', "&quot;")
