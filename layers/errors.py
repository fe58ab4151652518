"""The errors a user can cause. Each is a built-in too, so that callers may catch either."""

from __future__ import annotations

from layers.secrets import masked

SHOWN = 300
"""Letters of a path that a message has; the middle of a longer one is left out."""


def short(text: object) -> str:
    """Return a path or value of the user's as a message has it, the middle of a long one left out.

    Examples
    --------
    >>> short("x" * 1000)[148:153]
    'xx … '
    """
    whole = str(text)
    return whole if len(whole) <= SHOWN else f"{whole[: SHOWN // 2]} … {whole[-SHOWN // 2 :]}"


class BorderlinkError(Exception):
    """Something the user gave can't be used; the message says what was given, what is allowed and where.

    Passwords and keys of addresses are hidden here, whoever wrote the message.
    """

    def __init__(self, *parts: object) -> None:
        super().__init__(*(masked(p) if isinstance(p, str) else p for p in parts))


class StudyError(BorderlinkError, ValueError):
    """The study names something that does not exist or has a value out of range."""


class LayerError(BorderlinkError, ValueError):
    """A layer's file, columns, coordinates or values can't be used."""


class CRSError(BorderlinkError, ValueError):
    """A coordinate reference system is missing or unfit for measuring."""


class NetworkError(BorderlinkError, ValueError):
    """The layers make no usable network."""


class PlaceError(BorderlinkError, LookupError):
    """A place, checkpoint or coordinate that the user named is unknown, ambiguous or out of reach."""


class OutputError(BorderlinkError, OSError):
    """The output folder can't be written."""
