"""Results of a run's stages stay beside its network in the cache: `layers.keeping` finds them by what they hang on."""

from __future__ import annotations

import platform
from contextlib import contextmanager, suppress
from functools import cache
from hashlib import sha256
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING

from gis.digests import source_digest
from gis.kept import LIBRARIES as NETWORK_LIBRARIES
from gis.kept import bound
from layers.keeping import Keeper, keeping
from layers.keeping.parcels import HOUSE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gis.clock import Clock

RESULTS = "results"
"""Their folder in that of the network."""
LIBRARIES = (*NETWORK_LIBRARIES, "h3", "libpysal", "esda", "spopt", "scikit-learn", "pyroutingkit")
"""Packages that numbers of a stage come from."""


@contextmanager
def results_kept(clock: Clock, *, fresh: bool = False) -> Iterator[None]:
    """Keep results of the stages in here where the network is kept, and take those that are there.

    Parameters
    ----------
    clock
        Knows where the network is kept, and says what was taken.
    fresh
        Nothing is taken, all is kept anew.
    """
    if clock.kept_in is not None and clock.keeper is None:
        clock.keeper = Keeper(clock.kept_in / RESULTS, _salt(), fresh)
    try:
        with keeping(clock.keeper):
            yield
    finally:
        if clock.keeper is not None and clock.keeper.own:
            with suppress(OSError):
                bound(clock.keeper.folder.parent)


@cache
def _salt() -> str:
    """Return what all results hang on: our code and packaged data, Python, the machine's kind, the libraries."""
    known = [source_digest(HOUSE), platform.python_version(), platform.machine(), *map(_version, LIBRARIES)]
    return sha256("\n".join(known).encode()).hexdigest()


def _version(name: str) -> str:
    """Return the version of a library, nothing where it is not installed."""
    try:
        return version(name)
    except PackageNotFoundError:
        return ""
