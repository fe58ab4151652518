"""The site: guide pages, executed notebooks and a reference of every public name.

``sphinx-build -W docs docs/_build/html``.
"""

from __future__ import annotations

import os
import re
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
sys.path[:0] = [str(ROOT), str(HERE)]
# The kernels of the notebooks start in folders of their own and must find the same tree, and ``borderlink`` as the
# wheel ships it.
FACE = HERE / "_build" / "face"
FACE.mkdir(parents=True, exist_ok=True)
shutil.copy(ROOT / "gis" / "face.py", FACE / "borderlink.py")
os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [str(ROOT), str(FACE), os.environ.get("PYTHONPATH")]))
os.environ.setdefault("PYTHONWARNINGS", "ignore")

import site_pages  # noqa: E402  (beside this file)

import gis  # noqa: E402

if TYPE_CHECKING:
    from sphinx.application import Sphinx

project = "borderlink"
author = "borderlink contributors"
copyright = "borderlink contributors; roads and railways © OpenStreetMap contributors (ODbL)"
version = release = gis.__version__

extensions = ["myst_nb", "sphinx.ext.autodoc", "sphinx.ext.autosummary", "sphinx.ext.napoleon", "sphinx.ext.viewcode"]
exclude_patterns = ["_build", "images", "studies", "**/.ipynb_checkpoints"]
templates_path: list[str] = []
default_role = "py:obj"  # a name in single backticks is a link where it is known
language = "en"

myst_enable_extensions = ["colon_fence", "attrs_block"]
myst_heading_anchors = 3
nb_execution_mode = "cache"
nb_execution_cache_path = str(HERE / "_build" / "notebooks")
nb_execution_timeout = 300
nb_execution_raise_on_error = True
nb_merge_streams = True
suppress_warnings = ["ref.python"]  # one word that several classes have for an attribute: no link is meant

autosummary_generate = False
autodoc_member_order = "bysource"
autodoc_typehints = "description"
autodoc_typehints_description_target = "documented"
napoleon_google_docstring = False
napoleon_numpy_docstring = True
napoleon_use_ivar = True

html_theme = "furo"
html_title = f"borderlink {release}"
html_static_path = ["site.css"]
html_css_files = ["site.css"]
html_copy_source = False
html_show_sourcelink = False
html_theme_options = {"navigation_with_keys": True}


def setup(app: Sphinx) -> None:
    """Write the pages made from the code, and turn links to files that stand on the site under another name."""
    site_pages.write(HERE / "_site")
    app.connect("include-read", _included)
    app.connect("source-read", _read)
    app.connect("autodoc-process-docstring", _flowing_returns, priority=100)  # before napoleon
    app.connect("autodoc-process-docstring", _plain_types, priority=900)


def _included(app: Sphinx, relative_path: Path, parent: str, content: list[str]) -> None:  # noqa: ARG001
    content[0] = _turned(content[0], (HERE / relative_path).parent, HERE / "_site")


def _read(app: Sphinx, page: str, content: list[str]) -> None:  # noqa: ARG001
    if not page.startswith("_site"):
        folder = (HERE / page).parent
        content[0] = _turned(content[0], folder, folder)


def _turned(text: str, folder: Path, page: Path) -> str:
    """Return a text from one folder with links that lead to the same files from another."""
    stubs = {ROOT / source: HERE / "_site" / f"{name}.md" for name, source in site_pages.INCLUDED.items()}

    def turned(match: re.Match[str]) -> str:
        target = (folder / match[1]).resolve()
        return f"]({os.path.relpath(stubs.get(target, target), page)})" if target.exists() else match[0]

    return re.sub(r"\]\(([^)#:]+)\)", turned, text)


def _plain_types(app: Sphinx, what: str, name: str, found: object, options: object, lines: list[str]) -> None:  # noqa: ARG001
    """Keep ``np.object_`` in the type of an attribute from being read as a link."""
    lines[:] = [re.sub(r"object_(?=\W)", r"object\\_", x) if x.startswith(":vartype") else x for x in lines]


def _flowing_returns(app: Sphinx, what: str, name: str, found: object, options: object, lines: list[str]) -> None:  # noqa: ARG001
    """Keep sentences under Returns one text: they come without a type, and each line would be taken for one."""
    kind = getattr(found, "__annotations__", {}).get("return")
    for head in [i for i, line in enumerate(lines[:-1]) if line == "Returns" and lines[i + 1].startswith("---")]:
        rest = lines[head + 2 :]
        end = next((k for k, line in enumerate(rest[:-1]) if rest[k + 1].startswith("---")), len(rest))
        if kind and not any(line.startswith(" ") for line in rest[:end]):
            typed = str(kind).replace("object_", r"object\_")
            lines[head + 2 : head + 2 + end] = [typed, *(f"    {line}" if line else "" for line in rest[:end])]
