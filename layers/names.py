"""Names that people type: the nearest spellings of those that are allowed."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches

CUTOFF = 0.6
"""Likeness, 0 to 1, above which a name is suggested."""


def suggestion(given: str, allowed: Iterable[str], *, most: int = 3, cutoff: float = CUTOFF) -> str:
    """Return a hint with the nearest spellings, or nothing where none is near; capitals do not count.

    Examples
    --------
    >>> suggestion("raod", ["road", "rail", "any"])
    ' (did you mean road?)'
    >>> suggestion("xyz", ["road"])
    ''
    """
    forms = {name.casefold(): name for name in reversed(list(allowed))}
    close = get_close_matches(given.casefold(), list(forms), n=most, cutoff=cutoff)
    return f" (did you mean {', '.join(forms[c] for c in close)}?)" if close else ""
