"""Published distances between named towns along roads and railways of both countries.

What generalised lengths are judged by.
"""

from __future__ import annotations

from pathlib import Path

import pandas as pd

PUBLISHED = Path(__file__).resolve().parent / "data" / "published_distances.csv"


def published_distances() -> pd.DataFrame:
    """Return distances that others published.

    Returns
    -------
    ``mode``, ``road``, ``origin``, ``destination`` (with ``_lon``, ``_lat``), ``km``, ``read_as`` (which kilometres of
    a list were subtracted), ``source``, ``url``, ``retrieved`` (a date), ``note``.
    """
    return pd.read_csv(PUBLISHED, keep_default_na=False)
