"""Bombs, trickles and traps.

Bodies that unpack to more than allowed, take for ever, or lead to unprotected addresses.
"""

from __future__ import annotations

import gzip
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from layers.errors import LayerError, OutputError
from layers.sources.download.cache import INDEX, MARKER, STORE, Cache
from layers.sources.download.names import public_url
from layers.sources.download.trouble import Limit, StrictSession
from tests.layers.download.conftest import BODY, PATH, Fetch
from tests.layers.download.server import Answer, Server


def test_a_bomb_is_unpacked_to_its_limit_and_no_further(bring: Fetch, server: Server, cache: Cache) -> None:
    bomb = gzip.compress(bytes(50_000_000))
    url = server.put(PATH, Answer(bomb, headers={"Content-Encoding": "gzip"}))
    with pytest.raises(LayerError, match="more than 1,000,000 bytes"):
        bring(url, largest=1_000_000)
    assert cache.part(url).stat().st_size <= 1_000_000
    with pytest.raises(LayerError, match="more than 1,000 bytes"):
        bring(server.put("/x", BODY), largest=1_000)
    assert not cache.entries()


def test_a_trickle_ends(bring: Fetch, server: Server) -> None:
    url = server.put(PATH, Answer(BODY))
    with pytest.raises(LayerError, match="takes longer than 0 s"):
        bring(url, longest_s=0)


def test_a_limit_counts_time_and_bytes() -> None:
    def slow() -> Iterator[bytes]:
        for _ in range(100):
            time.sleep(0.02)
            yield b"x"

    began = time.monotonic()
    with pytest.raises(LayerError, match="longer"):
        list(Limit(1e9, 0.1).kept(slow(), "https://example.org/"))
    assert time.monotonic() - began < 1
    assert b"".join(Limit(3, 9).kept([b"a", b"bc"], "u")) == b"abc"


@pytest.mark.parametrize("target", ["http://example.org/a", "ftp://example.org/a", "//example.org/a", "/other"])
def test_https_never_falls_to_http(target: str) -> None:
    answer = requests.Response()
    answer.status_code, answer.url, answer.headers["Location"] = 302, "https://me:secret@safe.org/x?key=k", target
    with StrictSession() as session:
        if target.startswith(("http:", "ftp:")):
            with pytest.raises(LayerError, match="not protected") as error:
                session.get_redirect_target(answer)
            assert "secret" not in str(error.value)
            assert "key=k" not in str(error.value)
        else:
            assert session.get_redirect_target(answer) == target


def test_the_index_names_no_secrets(bring: Fetch, server: Server, cache: Cache) -> None:
    one, two = (server.put(f"/a.bin?key=top-secret-{n}", BODY) for n in (1, 2))
    bring(one.replace("://", "://user:pass-word@"))
    bring(two)
    text = (cache.folder / INDEX).read_text()
    assert len(cache.entries()) == 2
    assert all(word not in text for word in ("secret", "user", "pass-word"))
    assert public_url(one) in text


def test_only_a_cache_is_cleared_or_written_to(tmp_path: Path, bring: Fetch, server: Server, cache: Cache) -> None:
    thesis = tmp_path / "documents"
    (thesis / STORE).mkdir(parents=True)
    (thesis / STORE / "chapter.txt").write_text("ten years")
    (thesis / INDEX).write_text('{"mine": 1}')
    with pytest.raises(OutputError, match="no cache"):
        Cache(thesis).clear()
    (tmp_path / "a").write_bytes(b"x")
    with pytest.raises(OutputError, match="other things"):
        Cache(thesis).add(tmp_path / "a", "https://example.org/a")
    assert (thesis / INDEX).read_text() == '{"mine": 1}'
    url = server.put(PATH, BODY)
    entry = bring(url)
    (cache.folder / STORE / "notes.txt").write_text("mine")
    (cache.folder / "own.txt").write_text("mine")
    (entry.path.parent / "..").joinpath("beside.txt").write_text("mine")
    assert cache.clear() == len(BODY)
    assert not entry.path.exists()
    assert (cache.folder / MARKER).is_file()
    assert len([p for p in cache.folder.rglob("*.txt") if p.read_text() == "mine"]) == 3
