"""The face of borderlink: load a study, run it, or take each stage by itself.

>>> import gis
>>> study = gis.load_study()
>>> study.sides
('RU', 'KZ')
"""

from __future__ import annotations

import importlib.util
from pathlib import Path

_HOUSE = Path(__file__).resolve().parent.parent


def _refuse_namesakes() -> None:
    """Raise where a file of the user's own hides one of our packages: their names are generic."""
    for name in ("layers", "network", "analysis", "maps"):
        found = importlib.util.find_spec(name)
        origin = Path(found.origin).resolve() if found and found.origin else None
        if origin is None or origin.parent.parent != _HOUSE:
            raise ImportError(
                f"borderlink needs its own package {name!r}, but Python finds {origin or 'nothing'} first: "
                f"rename {origin.name if origin else 'what hides it'}, or run from another folder"
            )


_refuse_namesakes()

from gis.chapters import Chapters, further_measures  # noqa: E402  (after the check, or the wrong modules would be imported)
from gis.inputs import Prepared, prepare  # noqa: E402
from gis.measures import Measures  # noqa: E402
from gis.pipeline import run, run_scenario  # noqa: E402
from gis.stages import build, find_hot_spots, measure  # noqa: E402
from gis.study import Study, load_study  # noqa: E402
from network.store import load_network, load_routers, save_network  # noqa: E402

__version__ = "0.1.0"
__all__ = [
    "Chapters",
    "Measures",
    "Prepared",
    "Study",
    "build",
    "find_hot_spots",
    "find_isochrones",
    "further_measures",
    "load_network",
    "load_routers",
    "load_study",
    "measure",
    "prepare",
    "run",
    "run_scenario",
    "save_network",
]
