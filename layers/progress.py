"""How far a long piece of work is: who does it tells shares, who listens draws them; pieces lie within pieces.

Nobody needs to listen, and then nothing happens. A listener hears shares of the whole between 0 and 1.
"""

from __future__ import annotations

from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence


class _Heard(NamedTuple):
    """Who listens, and where the work that is done now begins and ends in the whole."""

    listen: Callable[[float], None]
    low: float
    high: float


_HEARD: ContextVar[_Heard | None] = ContextVar("heard", default=None)


@contextmanager
def heard_by(listen: Callable[[float], None] | None) -> Iterator[None]:
    """Let somebody hear of the work done here; None for nobody."""
    token = _HEARD.set(None if listen is None else _Heard(listen, 0.0, 1.0))
    try:
        yield
    finally:
        _HEARD.reset(token)


@contextmanager
def piece(low: float, high: float) -> Iterator[None]:
    """Do a piece of the work: what is told in it lies between two shares of the piece around it.

    Examples
    --------
    >>> told = []
    >>> with heard_by(told.append), piece(0.5, 1.0):
    ...     tell(1, 4)
    >>> told
    [0.625, 1.0]
    """
    outer = _HEARD.get()
    if outer is None:
        yield
        return
    span = outer.high - outer.low
    token = _HEARD.set(outer._replace(low=outer.low + low * span, high=outer.low + high * span))
    try:
        yield
        tell(1, 1)
    finally:
        _HEARD.reset(token)


def tell(done: float, of: float) -> None:
    """Tell that so much of the piece is done."""
    now = _HEARD.get()
    if now is not None:
        now.listen(now.low + (now.high - now.low) * (min(done / of, 1.0) if of > 0 else 1.0))


def shares(weights: Sequence[float]) -> list[tuple[float, float]]:
    """Return where pieces of such weights begin and end.

    Examples
    --------
    >>> shares([1, 3])
    [(0.0, 0.25), (0.25, 1.0)]
    """
    total, low, out = sum(weights), 0.0, []
    for weight in weights:
        out.append((low / total, (low + weight) / total))
        low += weight
    return out
