"""How the two sides hang together: regions, pairs of places, alternatives, cuts, efficiency."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
