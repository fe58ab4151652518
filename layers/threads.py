"""Matrices are multiplied by one thread: several add in another order, and another machine has another number of them.

Of some hundred rows threads wait for each other longer than they work, too.
"""

from __future__ import annotations

from functools import wraps
from typing import TYPE_CHECKING, ParamSpec, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

Given = ParamSpec("Given")
Found = TypeVar("Found")


def by_one_thread(make: Callable[Given, Found]) -> Callable[Given, Found]:
    """Return a function in which matrices are multiplied by one thread; outside as many work as did before."""

    @wraps(make)
    def alone(*args: Given.args, **options: Given.kwargs) -> Found:
        import scipy.linalg  # noqa: F401, its library must be there to be limited
        from threadpoolctl import threadpool_limits

        with threadpool_limits(1):
            return make(*args, **options)

    return alone
