"""The face of borderlink: load a study, run it, or take each stage by itself.

>>> import gis
>>> study = gis.load_study()
>>> study.sides
('RU', 'KZ')
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from layers.house import refuse_namesakes

DISTRIBUTION = "borderlink"

refuse_namesakes()

if TYPE_CHECKING:
    from gis.chapters.chapter import Chapters
    from gis.chapters.further import further_measures
    from gis.inputs import Prepared, prepare
    from gis.measures import Measures
    from gis.pipeline import run, run_scenario, solve
    from gis.queries.isochrone import find_isochrones
    from gis.queries.kinds import Capacity, Close, Electrify, Hours, Road, Speeds, Stop, Upgrade, Wait
    from gis.queries.new_posts import Open
    from gis.queries.plans import read_plan
    from gis.results import BorderNetwork, Comparison, Result, compare
    from gis.stages import build, find_hot_spots, measure
    from gis.study import Study, load_study
    from network.store import load_network, load_routers, save_network

__version__ = "0.1.0"
__all__ = [
    "BorderNetwork",
    "Capacity",
    "Chapters",
    "Close",
    "Comparison",
    "Electrify",
    "Hours",
    "Measures",
    "Open",
    "Prepared",
    "Result",
    "Road",
    "Speeds",
    "Stop",
    "Study",
    "Upgrade",
    "Wait",
    "build",
    "compare",
    "find_hot_spots",
    "find_isochrones",
    "further_measures",
    "load_network",
    "load_routers",
    "load_study",
    "measure",
    "prepare",
    "read_plan",
    "run",
    "run_scenario",
    "save_network",
    "solve",
]

_ROOMS = {
    "gis.chapters.chapter": ("Chapters",),
    "gis.chapters.further": ("further_measures",),
    "gis.inputs": ("Prepared", "prepare"),
    "gis.measures": ("Measures",),
    "gis.pipeline": ("run", "run_scenario", "solve"),
    "gis.queries.kinds": ("Capacity", "Close", "Electrify", "Hours", "Road", "Speeds", "Stop", "Upgrade", "Wait"),
    "gis.queries.isochrone": ("find_isochrones",),
    "gis.queries.new_posts": ("Open",),
    "gis.queries.plans": ("read_plan",),
    "gis.results": ("BorderNetwork", "Comparison", "Result", "compare"),
    "gis.stages": ("build", "find_hot_spots", "measure"),
    "gis.study": ("Study", "load_study"),
    "network.store": ("load_network", "load_routers", "save_network"),
}
"""Where each name lives: imported when it is first used, so that ``borderlink --help`` loads neither pandas nor
scipy."""


def __getattr__(name: str) -> Any:
    """Return a name of the face, imported now."""
    for module, names in _ROOMS.items():
        if name in names:
            globals()[name] = getattr(import_module(module), name)
            return globals()[name]
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    """Return the names of the face, imported or not."""
    return sorted({*globals(), *__all__})
