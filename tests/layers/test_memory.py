"""Memory that was freed goes back to the system."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from layers.memory import give_back


@pytest.mark.skipif(sys.platform != "linux", reason="what a process holds is read from /proc")
def test_what_was_freed_goes_back() -> None:
    """Small blocks, each second one freed at first: nothing lies in one piece at the end of the heap."""

    def held_mb() -> float:
        return int(Path("/proc/self/statm").read_text().split()[1]) * 4096 / 1e6

    blocks = [bytearray(60_000) for _ in range(2000)]
    full = held_mb()
    keep = blocks[::100]
    del blocks
    give_back()
    assert full - held_mb() > 80
    assert len(keep) == 20


def test_it_may_be_called_anywhere() -> None:
    give_back()
    give_back()
