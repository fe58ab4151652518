"""The three levels of cooperation: indicators, index, ranks, types and groups of regions."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
