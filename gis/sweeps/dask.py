"""A sweep on the workers of a Dask scheduler (extra ``dask``).

Each loads the borders as it starts, also one that takes the place of a lost one.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from gis.sweeps.borders import Border, hold
from layers.errors import StudyError

try:
    from distributed import Client, WorkerPlugin
except ImportError as error:  # pragma: no cover
    raise ImportError('--scheduler needs dask.distributed: pip install "borderlink[dask]"') from error

if TYPE_CHECKING:
    from concurrent.futures import Executor

TIMEOUT_S = 15.0
RETRIES = 3
"""How often a part is tried again when its worker is lost."""


class HoldBorders(WorkerPlugin):
    """Loads borders into a worker when it starts, under the hash of their content."""

    def __init__(self, borders: Sequence[Border]) -> None:
        self.borders = tuple(borders)
        self.name = f"borderlink-{sha256(' '.join(b.key for b in borders).encode()).hexdigest()[:12]}"

    def setup(self, worker: Any) -> None:
        """Load them."""
        del worker
        hold(self.borders)


@contextmanager
def scheduled(address: str, borders: Sequence[Border]) -> Iterator[Executor]:
    """Give the standard executor of a scheduler whose workers hold some borders.

    Certificates of ``tls://`` are those of Dask's own settings (``distributed.comm.tls``, or the variables
    ``DASK_DISTRIBUTED__COMM__TLS__…``).

    Raises
    ------
    StudyError
        The scheduler can't be reached, has no worker, or a worker can't load a border.
    """
    try:
        client: Any = Client(address, timeout=TIMEOUT_S, set_as_default=False)  # type: ignore[no-untyped-call]
    except (OSError, TimeoutError, ValueError, TypeError) as error:
        raise StudyError(f"--scheduler {address!r} can't be reached: {error}") from None
    with client:
        if not client.scheduler_info(n_workers=-1)["workers"]:
            raise StudyError(f"--scheduler {address!r} has no worker: start some with dask worker {address}")
        plugin = HoldBorders(borders)
        client.register_plugin(plugin)
        try:
            yield client.get_executor(pure=False, retries=RETRIES)
        finally:
            client.unregister_worker_plugin(plugin.name)
