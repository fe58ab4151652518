"""How questions are worked on.

In a few threads, none longer than allowed, and no more at once than there are threads.
"""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from threading import BoundedSemaphore
from typing import TYPE_CHECKING, TypeVar

from gis.serve.guard import MOST_AT_ONCE

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")
LONGEST_S = 60.0
"""Seconds that a question may take; edits that build the network again take some ten."""


class BusyError(Exception):
    """As many questions as allowed are being answered."""


class SlowError(Exception):
    """A question took longer than allowed."""


class Desk:
    """Answers questions in threads; a thread that outlasts its time keeps its place until it is done."""

    def __init__(self, *, most: int = MOST_AT_ONCE, longest_s: float = LONGEST_S) -> None:
        self.longest_s = longest_s
        self._places = BoundedSemaphore(most)
        self._threads = ThreadPoolExecutor(most, thread_name_prefix="borderlink")

    async def ask(self, question: Callable[[], T]) -> T:
        """Return the answer of a question.

        Raises
        ------
        BusyError, SlowError
            No place is free, or the time is over.
        """
        if not self._places.acquire(blocking=False):
            raise BusyError
        try:
            work = self._threads.submit(question)
        except BaseException:
            self._places.release()
            raise
        work.add_done_callback(lambda _: self._places.release())
        try:
            return await asyncio.wait_for(asyncio.shield(asyncio.wrap_future(work)), self.longest_s)
        except TimeoutError:
            raise SlowError from None

    def close(self) -> None:
        """Take no more questions."""
        self._threads.shutdown(wait=False, cancel_futures=True)
