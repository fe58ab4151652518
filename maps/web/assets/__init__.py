"""What pages are made of: vendored Leaflet, our own templates, and how a number is written for a reader."""

from __future__ import annotations

import math
import re
from functools import lru_cache
from html.parser import HTMLParser
from importlib import resources

import jinja2
import pandas as pd

from maps.columns import Kind
from maps.i18n import _, localised

_REMOTE = re.compile(r"^\s*(?!data:|#|about:)\S", re.IGNORECASE)
_CSS_URL = re.compile(r"(?:url\(\s*['\"]?|@import\s+['\"]?)(?!data:|#)([^'\")\s]+)", re.IGNORECASE)


def text(name: str) -> str:
    """Return one file of this folder."""
    return resources.files(__name__).joinpath(name).read_text(encoding="utf-8")


@lru_cache(maxsize=1)
def environment() -> jinja2.Environment:
    """Return the templates; names from data are escaped, a missing variable is an error."""
    env = jinja2.Environment(
        loader=jinja2.FunctionLoader(text),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    env.filters["value"] = format_value
    return env


def is_missing(value: object) -> bool:
    """Return whether a reader should see that there is no value: null, NaN, infinite or an empty text."""
    if value is None or value is pd.NA or value is pd.NaT or (isinstance(value, str) and not value.strip()):
        return True
    return isinstance(value, float) and not math.isfinite(value)


def format_value(value: object, kind: Kind = "text", missing: str = "–") -> str:
    """Write one value for a reader.

    Parameters
    ----------
    value
        A number, a text, a truth value or nothing.
    kind
        How to write it, see `maps.columns.kind_of`.
    missing
        What stands for no value.

    Returns
    -------
    text
        The value with thousands separators and no more digits than it deserves.

    Examples
    --------
    >>> format_value(1234.5, "minutes"), format_value(0.0312, "share"), format_value(98765.4, "model")
    ('1,234', '3.1 %', '98,800')
    """
    if is_missing(value):
        return missing
    if kind == "bool":
        return _("yes") if value else _("no")
    if kind in ("text", "code") or isinstance(value, (str, bool)):
        return str(value)
    number = float(str(value))
    if not math.isfinite(number):
        return missing
    return localised(_write(number, kind))


def _write(number: float, kind: Kind) -> str:
    """Write a finite number."""
    size = abs(number)
    if kind in ("count", "metres"):
        return f"{number:,.0f}"
    if kind in ("minutes", "km"):
        return f"{number:,.1f}" if size < 9.95 else f"{number:,.0f}"
    if kind == "exact":
        return f"{number:,.10g}"
    if kind == "share":
        return f"{100 * number:,.1f} %" if 0 < size < 0.0995 else f"{100 * number:,.0f} %"
    if kind == "p":
        return f"{number:.3f}" if number >= 0.001 else f"{number:.4f}"
    return _three_digits(number)


def _three_digits(number: float) -> str:
    """Write a number with three significant digits and no exponent."""
    if number == 0:
        return "0"
    decimals = 2 - math.floor(math.log10(abs(number)))
    return f"{round(number, decimals):,.{min(max(decimals, 0), 6)}f}"


class _Requests(HTMLParser):
    """Collects what a browser would ask for when it reads a page."""

    def __init__(self) -> None:
        super().__init__()
        self.remote: list[str] = []
        self._in_style = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Look at the attributes that load something; an ``a`` loads nothing until a reader follows it."""
        loading = {"src", "srcset", "poster", "data", "background"} | ({"href"} if tag in ("link", "image") else set())
        self.remote += [v for k, v in attrs if k in loading and v and _REMOTE.match(v)]
        self.remote += [u for k, v in attrs if k == "style" and v for u in _CSS_URL.findall(v)]
        self._in_style = tag == "style"

    def handle_endtag(self, tag: str) -> None:
        """Leave a style sheet."""
        self._in_style = self._in_style and tag != "style"

    def handle_data(self, data: str) -> None:
        """Look at a style sheet."""
        if self._in_style:
            self.remote += _CSS_URL.findall(data)


def refuse_remote(page: str) -> None:
    """Raise if a browser would ask for anything outside a page.

    Parameters
    ----------
    page
        A whole HTML document.

    Raises
    ------
    ValueError
        With the addresses that would be asked for.
    """
    parser = _Requests()
    parser.feed(page)
    parser.close()
    if parser.remote:
        raise ValueError(f"The page would load from outside: {', '.join(parser.remote)}; everything must be inlined")
