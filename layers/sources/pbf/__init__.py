"""OpenStreetMap extracts in PBF."""
