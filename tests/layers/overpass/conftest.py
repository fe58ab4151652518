"""An Overpass server of this machine, and a way to ask it that does not really wait."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from layers.sources.download.cache import Cache
from layers.sources.overpass.server import Asking
from tests.layers.overpass.server import Overpass, serving
from tests.layers.overpass.world import World

pytest.importorskip("osmium", reason="pyosmium is not installed")


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setenv("no_proxy", "127.0.0.1")


@pytest.fixture
def serve() -> Iterator[Callable[[World], Overpass]]:
    """Return a starter of servers, which end with the test."""
    running = []

    def start(world: World) -> Overpass:
        context = serving(world)
        running.append(context)
        return context.__enter__()

    yield start
    for context in running:
        context.__exit__(None, None, None)


@dataclass
class Patience:
    """How the tests ask: the waits are written down, not waited."""

    cache: Cache
    waits: list[float] = field(default_factory=list)

    def __call__(self, server: Overpass | str, **options: Any) -> Asking:
        url = server if isinstance(server, str) else server.url
        return Asking(self.cache, url, sleep=self.waits.append, **{"timeout": 10.0, **options})

    def left(self) -> list[str]:
        """Return the files of the cache that are neither its index nor its locks."""
        folder = self.cache.folder
        return sorted(p.name for d in ("sha256", "parts") for p in (folder / d).rglob("*") if p.is_file())


@pytest.fixture
def patience(tmp_path: Path) -> Patience:
    return Patience(Cache(tmp_path / "cache"))
