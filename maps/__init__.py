"""What people look at: web map, QGIS project and GeoPackage, rasters, figures and report, from result tables only."""

DISTRIBUTION = "borderlink"
