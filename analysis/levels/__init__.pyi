from .contiguity import open_contiguity, plain_contiguity
from .groups import regionalise
from .index import LevelIndex, level_index
from .indicators import IndicatorSet, collect_indicators, informative
from .quadrants import Axes, quadrant_types, type_names
from .ranking import Choices, Ranking, rank_regions, rank_sensitivity

__all__ = [
    "Axes",
    "Choices",
    "IndicatorSet",
    "LevelIndex",
    "Ranking",
    "collect_indicators",
    "informative",
    "level_index",
    "open_contiguity",
    "plain_contiguity",
    "quadrant_types",
    "rank_regions",
    "rank_sensitivity",
    "regionalise",
    "type_names",
]
