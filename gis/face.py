"""The face of borderlink under its own name: ``import borderlink`` is ``import gis``.

The build ships this file as the module ``borderlink``.

>>> import borderlink  # doctest: +SKIP
>>> borderlink.load_study().sides  # doctest: +SKIP
('RU', 'KZ')
"""

from __future__ import annotations

from layers.house import refuse_namesakes

refuse_namesakes()

from gis import *  # noqa: E402, F403  (after the check, or a foreign package would answer)
from gis import __all__ as __all__  # noqa: E402
from gis import __version__ as __version__  # noqa: E402
