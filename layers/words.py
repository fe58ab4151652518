"""Words and numbers as people write them in tables.

Decimal commas, spaces in thousands, yes and no, lists, signs for "not known".
"""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    from collections.abc import Mapping

BLANK = frozenset({"", "-", "–", "—", "nan", "none", "null", "n/a", "na", "<na>", "nat", "#n/a", "нет данных"})
"""What stands in a column of numbers or flags where nobody knows; in a column of names each is a name."""
YES_NO: Mapping[str, bool] = {
    **dict.fromkeys(("true", "yes", "1", "1.0", "y", "t", "да", "иә", "ja", "oui", "si", "sí"), True),
    **dict.fromkeys(("false", "no", "0", "0.0", "n", "f", "нет", "жоқ", "nein", "non"), False),
}

_SPACES = re.compile(r"[\s\u00a0\u2007\u2009\u202f'’]")
_THOUSANDS = re.compile(r"[+-]?[1-9]\d{0,2}(,\d{3})+")
_DOTTED = re.compile(r"[+-]?[1-9]\d{0,2}(\.\d{3})+")
_DECIMAL = re.compile(r"[+-]?\d*,\d+")
_LIST = re.compile(r"^\s*[\[({].*[\])}]\s*$", re.S)


def is_blank(values: pd.Series) -> pd.Series:
    """Return which cells say nothing: missing, or one of `BLANK`."""
    if values.dtype.kind in "biuf":
        return values.isna()
    texts = values.map(lambda v: str(v).strip().casefold(), na_action="ignore")
    return values.isna() | texts.isin(BLANK)


def numbers(values: pd.Series, *, thousands: bool | None = None) -> pd.Series:
    """Return a column as numbers, NaN for what is blank or none.

    Spaces, thin spaces and apostrophes group digits. Of a comma and a full stop in one number the later is the decimal
    sign. Commas alone are decimal signs, but for several in one number; where each of a column could be read either way
    (``1,200``), `thousands` decides, and without it none is a number. Full stops are decimal signs, but where a column
    counts things and all of them stand before three digits (``12.000``).

    Parameters
    ----------
    values
        Numbers or texts.
    thousands
        True for a column that counts things (people, beds): ``1,200`` is 1200; False for one of degrees: 1.2.

    Examples
    --------
    >>> numbers(pd.Series(["1 200", "1 000,5", "1.234,5", "1,234.5", "−3", "n/a"])).tolist()
    [1200.0, 1000.5, 1234.5, 1234.5, -3.0, nan]
    >>> numbers(pd.Series(["1,200", "12,500"]), thousands=True).tolist()
    [1200.0, 12500.0]
    >>> numbers(pd.Series(["12.000", "1.250.000", "800"]), thousands=True).tolist()
    [12000.0, 1250000.0, 800.0]
    """
    if values.dtype.kind in "biuf":
        return values.astype(float)
    given = ~is_blank(values).to_numpy()
    text = [_SPACES.sub("", str(v)).replace("−", "-") for v in values.to_numpy(dtype=object)[given]]
    commas = [t for t in text if "," in t and "." not in t]
    either = all(_THOUSANDS.fullmatch(t) for t in commas)
    grouped = thousands if either else False
    out = np.full(len(values), np.nan)
    dotted = [t for t in text if "." in t and "," not in t]
    if thousands and dotted and all(_DOTTED.fullmatch(t) for t in dotted):
        text = [t.replace(".", "") if "," not in t else t for t in text]
    plain = pd.Series([_plain(t, grouped) for t in text], dtype=object)
    out[given] = pd.to_numeric(plain, errors="coerce").to_numpy(float)
    return pd.Series(np.where(np.isfinite(out), out, np.nan), index=values.index, name=values.name)


def _plain(text: str, grouped: bool | None) -> str:
    """Return one number as Python writes it."""
    if "," not in text:
        return text
    if "." in text:
        last = max(text.rfind(","), text.rfind("."))
        return re.sub(r"[.,]", "", text[:last]) + "." + text[last + 1 :]
    if text.count(",") > 1 or grouped:
        return text.replace(",", "") if _THOUSANDS.fullmatch(text) else "no number"
    return text.replace(",", ".") if grouped is False and _DECIMAL.fullmatch(text) else "no number"


def parts_of(value: Any) -> list[str]:
    """Return the parts of a value that may be a list: of Python, as Python prints one, or between semicolons or bars.

    Examples
    --------
    >>> parts_of("['primary', 'secondary']"), parts_of("primary;secondary"), parts_of(["60", "90"]), parts_of("trunk")
    (['primary', 'secondary'], ['primary', 'secondary'], ['60', '90'], ['trunk'])
    """
    if isinstance(value, list | tuple | set | np.ndarray):
        return [str(v).strip() for v in value]
    text = str(value).strip()
    if _LIST.match(text):
        try:
            inner = ast.literal_eval(text)
        except (ValueError, SyntaxError, MemoryError, RecursionError):
            inner = [part.strip(" '\"") for part in text[1:-1].split(",")]
        if isinstance(inner, list | tuple | set):
            return [str(v).strip() for v in inner]
    return [part.strip() for part in re.split(r"[;|]", text)]
