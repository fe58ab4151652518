"""Results in other formats.

From the GeoPackage of a run to GeoParquet, FlatGeobuf, PostGIS, shapefiles, GeoJSON, XLSX, PMTiles.
"""
