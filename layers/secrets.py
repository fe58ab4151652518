"""Passwords and keys: what of an address may stand in a message, a result or a report."""

from __future__ import annotations

import re
from typing import Any

_DATABASE_PASSWORD = re.compile(
    r"((?:postgres(?:ql)?|postgis|mysql|mariadb|mssql|oracle)(?:\+\w+)?://[^:/\s]{0,200}):.*@", re.I | re.S
)
# A path of Python's makes one slash of two.
_USER = re.compile(r"((?:https?|ftp|s3|ssh):/{1,2})[^\s'\"<>/?#]{1,500}@", re.I)
_QUERY = re.compile(r"((?:https?|ftp|s3):/{1,2}[^\s'\"<>?]{1,2000}\?)[^\s'\"<>]+", re.I)
_OPTION = re.compile(
    r"(\w{0,20}(?:password|passwd|passphrase|secret|token|api_?key)|\b(?:pass|pwd|sig|signature|auth|authorization))"
    r"(\s{0,9}=\s{0,9})(?!\*{3})('[^']*'|\"[^\"]*\"|[^&\s'\";,]+)",
    re.I,
)


def masked(text: str) -> str:
    """Return a text without the secrets of the addresses in it; rather too much is hidden than too little.

    Passwords of databases (``postgresql://``, ``PG:``), users and queries of web addresses, and values called password,
    token, key or the like.

    Examples
    --------
    >>> masked("postgresql://me:secret@host/db")
    'postgresql://me:***@host/db'
    >>> masked("postgis://me:secret@host/db")
    'postgis://me:***@host/db'
    >>> masked("https://me:secret@example.org/a.pbf?key=abc")
    'https://***@example.org/a.pbf?***'
    >>> masked("PG:host=db user=me password='a b'")
    'PG:host=db user=me password=***'
    """
    out = _DATABASE_PASSWORD.sub(r"\1:***@", text)
    out = _QUERY.sub(r"\1***", _USER.sub(r"\1***@", out))
    return _OPTION.sub(r"\1\2***", out)


def all_masked(value: Any) -> Any:
    """Return what a JSON file will hold with every text masked."""
    if isinstance(value, str):
        return masked(value)
    if isinstance(value, dict):
        return {all_masked(k): all_masked(v) for k, v in value.items()}
    return [all_masked(v) for v in value] if isinstance(value, list | tuple) else value
