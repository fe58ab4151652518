"""Downloads: cache, checked fetches, Geofabrik's index."""
