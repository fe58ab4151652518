"""What a checkpoint or a link is worth: the cost of closing it."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
