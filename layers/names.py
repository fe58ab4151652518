"""Names that people type: the nearest spellings of those that are allowed."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from difflib import get_close_matches

CUTOFF = 0.6
"""Likeness, 0 to 1, above which a name is suggested."""


def suggestion(
    given: str,
    allowed: Iterable[str],
    *,
    most: int = 3,
    cutoff: float = CUTOFF,
    form: Callable[[str], str] = str.casefold,
    quoted: bool = False,
) -> str:
    """Return a hint with the nearest spellings, or nothing where none is near.

    Of spellings alike in form the first is shown.

    Parameters
    ----------
    form
        What two spellings are compared by; capitals do not count unless it says so.
    quoted
        As keys and words of a file stand, in quotes.

    Examples
    --------
    >>> suggestion("raod", ["road", "rail", "any"])
    ' (did you mean road?)'
    >>> suggestion("per_dy", ["per_day"], quoted=True)
    " (did you mean 'per_day'?)"
    >>> suggestion("xyz", ["road"])
    ''
    """
    forms = {form(name): name for name in reversed(list(allowed))}
    close = [forms[c] for c in get_close_matches(form(given), list(forms), n=most, cutoff=cutoff)]
    return f" (did you mean {', '.join(map(repr, close) if quoted else close)}?)" if close else ""
