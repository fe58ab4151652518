"""The transport graph: build, speeds, border gates, connectors, and the routing engine compiled from it."""

import lazy_loader

from layers.house import refuse_namesakes

DISTRIBUTION = "borderlink"

refuse_namesakes("layers", "network")

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
