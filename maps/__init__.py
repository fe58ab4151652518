"""What people look at: web map, QGIS project and GeoPackage, rasters, figures and report, from result tables only."""

import lazy_loader

DISTRIBUTION = "borderlink"

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
