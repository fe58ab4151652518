"""Memory that was freed goes back to the system."""

from __future__ import annotations

import mmap
import sys
from pathlib import Path

import numpy as np
import pytest

from layers import memory
from layers.memory import give_back, laid_down


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


@pytest.mark.parametrize("least", [0, 1000, 10**9])
def test_a_table_that_is_laid_down_holds_what_it_held(least: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "LARGE", max(least, 1))
    table = np.random.default_rng(3).normal(size=(70, 40)).astype(np.float32)
    found = laid_down(table)
    assert (found is table) == (least > table.nbytes or not hasattr(mmap, "MADV_DONTNEED"))
    for _ in range(2):
        assert found.dtype == table.dtype
        assert np.array_equal(found, table)
        give_back()
    assert np.array_equal(laid_down(table.T), table.T)


def test_without_room_a_table_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(**_: object) -> None:
        raise OSError("no space left on device")

    monkeypatch.setattr(memory, "LARGE", 1)
    monkeypatch.setattr(memory, "TemporaryFile", full)
    table = np.arange(9)
    assert laid_down(table) is table


@pytest.mark.skipif(sys.platform != "linux", reason="what a process holds is read from /proc")
def test_what_was_read_of_a_table_that_is_laid_down_goes_back() -> None:
    """The process holds it while it is read, and no more."""

    def held_mb() -> float:
        return int(Path("/proc/self/statm").read_text().split()[1]) * 4096 / 1e6

    table = np.ones(30_000_000, np.float32)
    found = laid_down(table)
    del table
    give_back()
    before = held_mb()
    assert found.sum() == 30_000_000
    full = held_mb()
    give_back()
    assert full - before > 80
    assert held_mb() - before < 40


def test_it_may_be_called_anywhere() -> None:
    give_back()
    give_back()
