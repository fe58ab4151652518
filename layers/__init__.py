"""The ground: sources become validated layers with one schema; CRS, geodesy, regions and checkpoints."""

DISTRIBUTION = "borderlink"
