"""A seeded part of every attack; the whole of them runs at night (.ci/nightly)."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.attack.inputs import attack_layers, attack_studies
from tests.attack.runs import command, small_study
from tests.attack.servers import attack_downloads

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="processes are forked")


@pytest.fixture
def quick() -> Iterator[Path]:
    """Return a folder in memory, where the system has one."""
    place = Path("/dev/shm")
    with tempfile.TemporaryDirectory(dir=place if place.is_dir() else None) as name:
        yield Path(name)


def test_damaged_layers(quick: Path) -> None:
    found = attack_layers(quick, seed=3, count=48)
    assert found["refused"]
    assert found["read"]


def test_damaged_studies(quick: Path) -> None:
    assert attack_studies(quick, seed=3, count=150)["refused"]


def test_bad_servers(quick: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    assert attack_downloads(quick)["servers"] == 13


def test_no_room_for_the_results(quick: Path) -> None:
    done = command(quick, "run", small_study(quick), room=60_000)
    assert done.returncode == 2, done.stderr
    message = [line for line in done.stderr.splitlines() if line.startswith("borderlink:")]
    assert len(message) == 1
    assert "Traceback" not in done.stderr
    assert not (quick / "out").exists()
