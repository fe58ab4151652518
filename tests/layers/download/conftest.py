"""A server, an empty cache, and a fetch that does not really wait."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from layers.sources.download.cache import Cache, Entry
from layers.sources.download.transfer import fetch
from tests.layers.download.server import Server, pbf, serving

PATH = "/asia/land-latest.osm.pbf"
BODY, OTHER = pbf(1), pbf(2)


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setenv("no_proxy", "127.0.0.1")


@pytest.fixture
def server() -> Iterator[Server]:
    with serving() as running:
        yield running


@pytest.fixture
def cache(tmp_path: Path) -> Cache:
    return Cache(tmp_path / "cache")


class Fetch:
    """`fetch` into the test's cache; the waits are written down, not waited."""

    def __init__(self, cache: Cache) -> None:
        self.waits: list[float] = []
        self._fetch = partial(fetch, cache=cache, attempts=3, timeout=10, sleep=self.waits.append)

    def __call__(self, url: str, **options: Any) -> Entry:
        return self._fetch(url, **options)


@pytest.fixture
def bring(cache: Cache) -> Fetch:
    return Fetch(cache)


def whole(entry: Entry, body: bytes = BODY) -> bool:
    """Return whether an entry is this content, and says so of itself."""
    return entry.path.read_bytes() == body and entry.sha256 == sha256(body).hexdigest() and entry.size == len(body)


def nothing_is_left(cache: Cache, url: str) -> bool:
    """Return whether neither a good file nor a part of it is in the cache, and no file that no URL names."""
    files = [p for folder in ("sha256", "parts") for p in (cache.folder / folder).rglob("*") if p.is_file()]
    return cache.get(url) is None and cache.entries() == [] and files == []
