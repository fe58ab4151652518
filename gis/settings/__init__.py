"""The sections of a study: data, chapters, and what every section refuses.

Data are layers to connectors, chapters analysis to types.
"""

from gis.settings.chapters import (
    Analysis,
    Counts,
    DecayPart,
    Index,
    Isochrones,
    Lists,
    Outputs,
    Places,
    Reach,
    Stability,
    Trips,
    Types,
)
from gis.settings.data import (
    ROAD_KINDS,
    BorderZone,
    Connectors,
    Layers,
    LayerSource,
    MoneyPart,
    NetworkPart,
    Osm,
    Population,
    Terrain,
)
from gis.settings.part import Part

__all__ = [
    "ROAD_KINDS",
    "Analysis",
    "BorderZone",
    "Connectors",
    "Counts",
    "DecayPart",
    "Index",
    "Isochrones",
    "LayerSource",
    "Layers",
    "Lists",
    "MoneyPart",
    "NetworkPart",
    "Osm",
    "Outputs",
    "Part",
    "Places",
    "Population",
    "Reach",
    "Stability",
    "Terrain",
    "Trips",
    "Types",
]
