"""Names of places in the language that is written, where the data have them.

Chosen by script and by likeness to the main name.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from difflib import SequenceMatcher
from typing import TypeVar
from unicodedata import normalize

import pandas as pd

from maps.i18n import _

_RUSSIAN = "а-яё"
_ALPHABETS = {"ru": re.compile(rf"[{_RUSSIAN}\s.\-]+"), "kk": re.compile(rf"[{_RUSSIAN}әғқңөұүһі\s.\-]+")}
_OLD = re.compile(r"ъ(?!\w)|ськ(?!\w)")  # spelling before 1918, and endings of Ukrainian
_KAZAKH = re.compile("[әғқңөұүһі]")
_LATIN = dict(
    zip(
        "абвгдеёжзийклмнопрстуфхцчшщъыьэюяәғқңөұүһі",
        [
            "a",
            "b",
            "v",
            "g",
            "d",
            "e",
            "e",
            "zh",
            "z",
            "i",
            "y",
            "k",
            "l",
            "m",
            "n",
            "o",
            "p",
            "r",
            "s",
            "t",
            "u",
            "f",
            "kh",
            "ts",
            "ch",
            "sh",
            "shch",
            "",
            "y",
            "",
            "e",
            "yu",
            "ya",
            "a",
            "g",
            "q",
            "ng",
            "o",
            "u",
            "u",
            "h",
            "i",
        ],
        strict=True,
    )
)
T = TypeVar("T", bound=pd.DataFrame)
LIKE = 0.55
"""Likeness below which a name in the script is taken to be of something else."""


def names_in(
    lang: str, names: Sequence[str], others: Sequence[str], people: Sequence[float], *, at_home: Sequence[bool] = ()
) -> dict[str, str]:
    """Return the names of places in a language by their main name; those without one are left out.

    The data do not say of which language another name is: a name in the alphabet that reads most like the main one is
    taken, and in Kazakh, of places in Kazakhstan, one with letters of its own before others: elsewhere such letters are
    those of neighbouring languages.

    Parameters
    ----------
    names, others
        Main name, and all other names joined by a bar, of each place.
    people
        Of two places with one main name the larger decides.
    at_home
        Whether each place lies where the language is at home; nothing for all.

    Examples
    --------
    >>> names_in("ru", ["Zlatoust"], ["Slatoust|Златавуст|Златоуст|Җылаер"], [1.0])
    {'Zlatoust': 'Златоуст'}
    """
    if lang not in _ALPHABETS:
        return {}
    out: dict[str, str] = {}
    order = pd.Series(list(people), dtype=float).fillna(0).sort_values(ascending=False, kind="stable").index
    for i in order:  # some thousand names, each with its own candidates
        name, own_land = str(names[i]), not at_home or bool(at_home[i])
        alphabet = _ALPHABETS[lang if own_land else "ru"]
        candidates = [c for c in str(others[i]).split("|") if alphabet.fullmatch(c.lower()) and not _OLD.search(c)]
        if name in out or not candidates:
            continue
        scored = [
            (_likeness(name, c), bool(lang == "kk" and own_land and _KAZAKH.search(c.lower())), c) for c in candidates
        ]
        known = [(own, like, c) for like, own, c in scored if like >= (LIKE - 0.1 if own else LIKE)]
        if known:
            out[name] = max(known)[2]
    return out


def _likeness(name: str, other: str) -> float:
    """Return how alike a Latin and a Cyrillic name sound, from 0 to 1."""
    latin = "".join(_LATIN.get(c, c) for c in other.lower())
    plain = "".join(c for c in normalize("NFD", name.lower()) if (c.isalpha() and c.isascii()) or c in " -")
    return SequenceMatcher(None, plain, latin).ratio()


class Renamed:
    """Texts and tables with the names of places in another language."""

    def __init__(self, names: Mapping[str, str]) -> None:
        self.names = names
        parts = sorted(names, key=len, reverse=True)
        self._all = re.compile("|".join(rf"(?<![\w’']){re.escape(p)}(?![\w’'])" for p in parts)) if parts else None

    def text(self, line: str) -> str:
        """Return a sentence of a language in another script with the names in it; any Latin name in it is a place's."""
        return self._all.sub(lambda found: self.names[found.group()], line) if self._all else line

    def value(self, value: object) -> object:
        """Return a value of a table: the name of a place, or ``near`` one."""
        if not isinstance(value, str):
            return value
        if value.startswith("near "):
            return _("near {place}").format(place=self.names.get(value[5:], value[5:]))
        return self.names.get(value, value)

    def frame(self, frame: T, columns: Sequence[str]) -> T:
        """Return a table with the names in its columns."""
        present = [c for c in columns if c in frame]
        return frame.assign(**{c: frame[c].map(self.value) for c in present}) if present and self.names else frame
