"""Results in other formats: from the GeoPackage of a run to GeoParquet, FlatGeobuf, PostGIS, shapefiles, GeoJSON, XLSX, PMTiles."""
