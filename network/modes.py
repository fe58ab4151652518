"""The modes of transport that the network knows."""

from __future__ import annotations

from typing import Literal

from layers.errors import NetworkError
from network.points import Points as Points
from network.points import at_accesses as at_accesses
from network.points import at_points as at_points

Mode = Literal["road", "rail", "any"]


MODES: tuple[Mode, ...] = ("road", "rail", "any")


def mode_named(text: str) -> Mode:
    """Return the mode of that name.

    Raises
    ------
    NetworkError
        There is none; the message says which there are.

    Examples
    --------
    >>> mode_named("rail")
    'rail'
    """
    for mode in MODES:
        if text == mode:
            return mode
    raise NetworkError(f"mode {text!r} is unknown: allowed are {', '.join(MODES)}")
