"""The chapters of a run beyond its first measures: ground, connectivity, reach, trips, statistics, levels, planning.

Each name is imported when it is first wanted: who needs one chapter waits for none of the others.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
