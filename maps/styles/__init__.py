"""One table of styles for web map, GeoPackage and QGIS."""
