"""OpenStreetMap extracts in PBF; each name is imported when it is first wanted, for osmium takes a while."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
