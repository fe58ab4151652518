"""Where the servers are that a study asks unless it names others: known without what asks them."""

from __future__ import annotations

GEOFABRIK_URL = "https://download.geofabrik.de"
OVERPASS_URL = "https://overpass-api.de/api"
LARGEST_KM2 = 20_000.0
"""Public servers are for small areas: beyond, an extract is the better and the kinder way than Overpass."""
