"""Sentences of lower floors in the language that is written: their English is taken apart by a pattern and said anew.

Layers, networks and analyses know no language; their notes are English. `phrase` finds the pattern that a note was made
by, translates it and writes its numbers as the language does. A note without a pattern stays English.
"""

from __future__ import annotations

import re
from dataclasses import replace
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING

import pandas as pd

from maps.i18n import _, language, localised, with_sides

if TYPE_CHECKING:
    from maps.styles.classes import LayerStyle

_NUMBER = r"[+\-−±]?\d[\d,]*(?:\.\d+)?(?:e[+-]?\d+)?%?"
_PLACE = re.compile(r"\{(\w+)\}")
_COUNTED = re.compile(r"n\d*")  # names of places that hold numbers


@cache
def phrases() -> tuple[str, ...]:
    """Return the patterns, a line each in ``phrases.txt``.

    ``{n}``, ``{n2}`` … stand for numbers, other names for words of any kind.
    """
    text = resources.files("maps").joinpath("locale", "phrases.txt").read_text(encoding="utf-8")
    return tuple(line for line in text.splitlines() if line and not line.startswith("#"))


@cache
def _patterns() -> tuple[tuple[str, re.Pattern[str]], ...]:
    """Return the patterns with places, those with most fixed letters first: the closest one counts."""
    placed = sorted((p for p in phrases() if "{" in p), key=lambda p: -len(_PLACE.sub("", p)))
    return tuple((p, re.compile(_expression(p), re.DOTALL)) for p in placed)


def _expression(pattern: str) -> str:
    """Return the regular expression of a pattern."""
    parts = _PLACE.split(pattern)
    out = []
    for i, part in enumerate(parts):
        if i % 2:
            out.append(f"(?P<{part}>{_NUMBER if _COUNTED.fullmatch(part) else '.+?'})")
        else:
            out.append(re.escape(part))
    return "".join(out)


def phrase(text: str) -> str:
    """Return a note in the language that is written now.

    Parameters
    ----------
    text
        A sentence in English, or words of ours, perhaps several between commas or semicolons.

    Examples
    --------
    >>> from maps.i18n import speaking
    >>> with speaking("ru"):
    ...     phrase("the waits of 51 of 60 checkpoints are assumptions: nobody measured them")
    'ожидание в 51 из 60 пунктов пропуска — допущение: его никто не измерял'
    """
    return text if language() == "en" or not text else _said(text, language())


@cache
def _said(text: str, lang: str) -> str:
    """Return a note in a language, which is the one that is spoken: kept, for many rows say the same."""
    del lang
    known = _(text)
    if known != text or text in phrases():
        return known
    for pattern, expression in _patterns():
        found = expression.fullmatch(text)
        if found:
            parts = {name: _part(name, value) for name, value in found.groupdict().items()}
            return _(pattern).format(**parts)
    listed = _listed(text, whole=False)
    if listed:
        return listed
    whole = re.fullmatch(r"([A-Z])(.+)\.", text, re.DOTALL)
    if whole:  # a note that was made a sentence
        plain = whole[1].lower() + whole[2]
        said_so = phrase(plain)
        return text if said_so == plain else f"{said_so[:1].upper()}{said_so[1:]}."
    return localised(text) if re.fullmatch(_NUMBER, text) else text


def _listed(text: str, *, whole: bool) -> str:
    """Return a list of phrases; nothing where none of them is one, or, of a whole list, not all are."""
    for mark, written in (("; ", "; "), (", ", ", "), (" and ", ", ")):
        parts = text.split(mark)
        translated = [phrase(part) for part in parts] if len(parts) > 1 else parts
        changed = [one != other for one, other in zip(translated, parts, strict=True)]
        if all(changed) if whole else any(changed):
            return written.join(translated)
    return ""


def _part(name: str, value: str) -> str:
    """Return what stands at a place of a pattern: a number, a list of phrases, or words."""
    if not _COUNTED.fullmatch(name):
        return _listed(value, whole=True) or phrase(value)
    return f"{localised(value[:-1])}\u00a0%" if value.endswith("%") else localised(value)


def phrased(table: pd.DataFrame, columns: tuple[str, ...]) -> pd.DataFrame:
    """Return a table with the words of its columns in the language that is written now."""
    if language() == "en":
        return table
    present = [c for c in columns if c in table]
    return table.assign(**{c: [phrase(v) if isinstance(v, str) else v for v in table[c]] for c in present})


def spoken(style: LayerStyle, sides: tuple[str, str]) -> LayerStyle:
    """Return a drawing with all its words in the language that is written now, and the sides by name."""

    def say(text: str) -> str:
        return with_sides(phrase(text), sides)

    return replace(
        style,
        title=say(style.title),
        description=say(style.description),
        classes=tuple(replace(each, label=say(each.label)) for each in style.classes),
        fields={column: say(label) for column, label in style.fields.items()},
        licence=phrase(style.licence),
        rights=phrase(style.rights),
    )
