"""Where the parts of a sweep are computed.

In this process, in processes of this machine, or by a scheduler of Dask, all as `concurrent.futures.Executor`.
"""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Iterator, Sequence
from concurrent.futures import Executor, Future, ProcessPoolExecutor
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from gis.sweeps.borders import hold
from layers.errors import StudyError

if TYPE_CHECKING:
    from collections.abc import Callable

    from gis.sweeps.borders import Border

LOOPBACK = ("127.0.0.1", "localhost", "::1")
MOST_WORKERS = 256


class Here(Executor):
    """An executor that computes at once in this process."""

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """Compute and return what is done."""
        future: Future[Any] = Future()
        try:
            future.set_result(fn(*args, **kwargs))
        except Exception as error:  # it is the caller's, as with any other executor
            future.set_exception(error)
        return future


def check_where(workers: int, scheduler: str) -> None:
    """Refuse a number of workers or a scheduler that can't be used, before anything is built.

    Raises
    ------
    StudyError
        With the reason.
    """
    if not 1 <= workers <= MOST_WORKERS:
        raise StudyError(f"--workers {workers}: allowed is 1 to {MOST_WORKERS}")
    if not scheduler:
        return
    try:
        parts = urlsplit(scheduler)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        host, port = "", None
    if not host or port is None or parts.scheme not in ("tls", "tcp") or parts.username or parts.path.strip("/"):
        raise StudyError(
            f"--scheduler {scheduler!r}: allowed is tls://HOST:PORT, or tcp://127.0.0.1:PORT on this machine"
        )
    if parts.scheme == "tcp" and host not in LOOPBACK:
        raise StudyError(
            f"--scheduler {scheduler!r}: Dask has no authentication, and without TLS whoever reaches a scheduler "
            "can run anything on its "
            "workers: allowed is tls://HOST:PORT with certificates, or tcp:// on this machine (127.0.0.1)"
        )
    if workers != 1:
        raise StudyError("--workers and --scheduler: allowed is one of the two, for a scheduler has workers of its own")


@contextmanager
def executor(borders: Sequence[Border], *, workers: int = 1, scheduler: str = "") -> Iterator[Executor]:
    """Give an executor whose workers hold some borders.

    Parameters
    ----------
    workers
        Processes of this machine; 1 is this one.
    scheduler
        Address of a scheduler of Dask; its workers see the cache that the borders' folders are in.

    Raises
    ------
    StudyError
        See `check_where`; or the scheduler can't be reached.
    """
    check_where(workers, scheduler)
    if scheduler:
        from gis.sweeps.dask import scheduled

        with scheduled(scheduler, borders) as found:
            yield found
    elif workers == 1:
        hold(borders)
        yield Here()
    else:
        for library in ("OPENBLAS", "MKL"):
            os.environ.setdefault(f"{library}_NUM_THREADS", "1")
        pool = ProcessPoolExecutor(
            workers, mp_context=multiprocessing.get_context("spawn"), initializer=hold, initargs=(tuple(borders),)
        )
        try:
            yield pool
        finally:
            pool.shutdown(wait=True, cancel_futures=True)
