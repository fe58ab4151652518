"""The face of borderlink: load a study, run it, or take each stage by itself.

>>> import gis
>>> study = gis.load_study()
>>> study.sides
('RU', 'KZ')
"""

from __future__ import annotations

from layers.house import refuse_namesakes

DISTRIBUTION = "borderlink"

refuse_namesakes()

from gis.chapters import further_measures  # noqa: E402  (after the check, or the wrong modules would be imported)
from gis.chapters.chapter import Chapters  # noqa: E402
from gis.inputs import Prepared, prepare  # noqa: E402
from gis.measures import Measures  # noqa: E402
from gis.pipeline import run, run_scenario, solve  # noqa: E402
from gis.queries.edits import Close, Open, Wait  # noqa: E402
from gis.queries.isochrone import find_isochrones  # noqa: E402
from gis.results import BorderNetwork, Comparison, Result, compare  # noqa: E402
from gis.stages import build, find_hot_spots, measure  # noqa: E402
from gis.study import Study, load_study  # noqa: E402
from network.store import load_network, load_routers, save_network  # noqa: E402

__version__ = "0.1.0"
__all__ = [
    "BorderNetwork",
    "Chapters",
    "Close",
    "Comparison",
    "Measures",
    "Open",
    "Prepared",
    "Result",
    "Study",
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
    "run",
    "run_scenario",
    "save_network",
    "solve",
]
