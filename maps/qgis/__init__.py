"""What QGIS opens: project, styles, GeoPackage."""
