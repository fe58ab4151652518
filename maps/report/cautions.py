"""Warnings of a run by what they touch, so that each stands in the chapter where it matters."""

from __future__ import annotations

import re
from collections.abc import Sequence

_TOUCHES = (
    ("levels", r"^(transport|joint projects|social services)\b|\bindex\b"),
    ("sure", r"^(growth|bottleneck)s?:|structural null|not tested|\bq\b|stability"),
    ("closures", r"sections? .*not closed|closed? "),
    ("checkpoints", r"\bwaits?\b|\bcheckpoints? stand|\bhours\b|without share|posts?\b"),
    ("reach", r"\bcells?\b|\bsettlements?\b|minutes lost"),
)


def by_chapter(warnings: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """Return the warnings by key of the chapter; what touches none in particular stands with the data.

    Examples
    --------
    >>> by_chapter(["the waits of 51 of 51 checkpoints are assumptions", "gaps are bridged"])
    {'checkpoints': ('the waits of 51 of 51 checkpoints are assumptions',), 'data': ('gaps are bridged',)}
    """
    out: dict[str, tuple[str, ...]] = {}
    for line in dict.fromkeys(warnings):
        key = next((key for key, words in _TOUCHES if re.search(words, line)), "data")
        out[key] = (*out.get(key, ()), line)
    return out
