"""The language of what is written: gettext catalogues, numbers, names of countries.

Whoever writes says once in which language (`speaking`); everything below asks `_` and `ngettext`. A string without a
translation stays English.
"""

from __future__ import annotations

import gettext
import io
import re
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from importlib import resources

LANGUAGES = ("en", "ru", "kk")
_SPOKEN: ContextVar[str] = ContextVar("language", default="en")
_SEPARATORS = {"en": (",", "."), "ru": ("\u00a0", ","), "kk": ("\u00a0", ",")}


@contextmanager
def speaking(lang: str) -> Iterator[None]:
    """Write in a language until the end of the block.

    Raises
    ------
    ValueError
        For a language without a catalogue.
    """
    if lang not in LANGUAGES:
        raise ValueError(f"language {lang!r} is not known; allowed are {', '.join(LANGUAGES)}")
    token = _SPOKEN.set(lang)
    try:
        yield
    finally:
        _SPOKEN.reset(token)


def language() -> str:
    """Return the code of the language that is written now."""
    return _SPOKEN.get()


@cache
def _catalogue(lang: str) -> gettext.NullTranslations:
    """Return the catalogue of a language, read from its text form."""
    if lang == "en":
        return gettext.NullTranslations()
    # Babel takes a tenth of a second to import, which English need not wait for.
    from babel.messages.mofile import write_mo
    from babel.messages.pofile import read_po

    packed = io.BytesIO()
    with resources.files("maps").joinpath("locale", f"{lang}.po").open("rb") as file:
        write_mo(packed, read_po(file, locale=lang))
    packed.seek(0)
    return gettext.GNUTranslations(packed)


def _(text: str) -> str:
    """Return a text in the language that is written now.

    Examples
    --------
    >>> with speaking("ru"):
    ...     _("Checkpoints")
    'Пункты пропуска'
    """
    return _catalogue(language()).gettext(text) if text else text


def ngettext(one: str, many: str, n: float) -> str:
    """Return the form of a text that goes with a count."""
    return _catalogue(language()).ngettext(one, many, int(n))


def catalogue_forms(one: str, many: str) -> list[str]:
    """Return the forms of a text in the language that is written now that go with one, two and five."""
    return [ngettext(one, many, n) for n in (1, 2, 5)]


def number(value: float, digits: int = 0) -> str:
    """Write a number with the separators of the language.

    Examples
    --------
    >>> number(1234.5, 1)
    '1,234.5'
    """
    return localised(f"{value:,.{digits}f}")


def localised(written: str) -> str:
    """Return a number written in English with the separators of the language; a minus is a minus sign."""
    thousands, decimal = _SEPARATORS[language()]
    swapped = "".join({",": thousands, ".": decimal, "-": "−"}.get(c, c) for c in written)
    return swapped if written.strip("-0.,% ") else swapped.lstrip("−")


def percent(share: float, digits: int = 0) -> str:
    """Write a share in per cent."""
    return f"{number(100 * share, digits)}\u00a0%"


@cache
def _territory(code: str, lang: str) -> str:
    """Return the name of a country, or the code where none is known."""
    from babel import Locale

    return str(Locale(lang).territories.get(code, code))


def country(code: str) -> str:
    """Return the name of a country in the language, for a side that is an ISO 3166-1 code; others stay as they are."""
    return _territory(code, language()) if re.fullmatch("[A-Z]{2}", code) else code


def with_sides(label: str, sides: tuple[str, str]) -> str:
    """Return a label with the names of the sides in place of their letters.

    Parameters
    ----------
    label
        A label such as ``Region on side a``, or a translated one that holds ``{a}`` or ``{b}``.
    sides
        Names of the two sides.

    Examples
    --------
    >>> with_sides("Region on side a", ("Russia", "Kazakhstan"))
    'Region in Russia'
    >>> with_sides("On side b 12 people gain.", ("Russia", "Kazakhstan"))
    'In Kazakhstan 12 people gain.'
    """
    if sides == ("a", "b"):
        sides = (_("side a"), _("side b")) if "{" in label else sides
    for letter, name in zip("ab", sides, strict=True):
        label = label.replace(f"{{{letter}}}", name)
        if sides != ("a", "b"):
            plain = name.replace("\\", r"\\")  # a backslash of a name is no escape of a pattern
            label = re.sub(rf"\bon side {letter}\b", f"in {plain}", label)
            label = re.sub(rf"\bOn side {letter}\b", f"In {plain}", label)
            label = re.sub(rf"\b[Ss]ide {letter}\b", plain, label)
    return label
