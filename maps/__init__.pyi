from .columns import describe, dictionary, kind_of
from .contents import Contents
from .qgis.geopackage import write_geopackage
from .qgis.project import write_project
from .rasters import RasterStyle, travel_time_style, write_raster
from .report.page import write_report
from .styles.classes import LayerStyle
from .styles.layers import run_styles, scenario_styles
from .styles.thematic import chapter_styles
from .web.map import write_map

DISTRIBUTION: str

__all__ = [
    "DISTRIBUTION",
    "Contents",
    "LayerStyle",
    "RasterStyle",
    "chapter_styles",
    "describe",
    "dictionary",
    "kind_of",
    "run_styles",
    "scenario_styles",
    "travel_time_style",
    "write_geopackage",
    "write_map",
    "write_project",
    "write_raster",
    "write_report",
]
