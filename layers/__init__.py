"""The ground: sources become validated layers with one schema; CRS, geodesy, regions and checkpoints."""

import lazy_loader

DISTRIBUTION = "borderlink"

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
