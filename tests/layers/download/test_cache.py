"""The cache: nothing broken is trusted, nothing foreign is touched."""

from __future__ import annotations

import json
import os
import time
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from layers.errors import LayerError, OutputError
from layers.sources.download.cache import VARIABLE, Cache, Entry
from layers.sources.download.names import file_name, public_url

URL = "https://example.org/data/land.osm.pbf"


def store(cache: Cache, tmp_path: Path, body: bytes = b"land", url: str = URL, **about: Any) -> Entry:
    file = tmp_path / "incoming"
    file.write_bytes(body)
    return cache.add(file, url, **about)


def rewrite(cache: Cache, **changes: Any) -> None:
    """Change the one row of the index by hand."""
    path = cache.folder / "index.json"
    index = json.loads(path.read_text())
    (row,) = index["entries"].values()
    row.update(changes)
    path.write_text(json.dumps(index))


def age(cache: Cache, url: str, days: float) -> None:
    """Let a row of the index have been fetched long ago."""
    path = cache.folder / "index.json"
    index = json.loads(path.read_text())
    index["entries"][url]["fetched"] = (datetime.now(UTC) - timedelta(days=days)).isoformat()
    path.write_text(json.dumps(index))


def test_a_file_is_stored_under_its_content(cache: Cache, tmp_path: Path) -> None:
    before = datetime.now(UTC)
    entry = store(cache, tmp_path, etag='"e"', last_modified="then", md5_checked=True)
    digest = sha256(b"land").hexdigest()
    assert entry.path == cache.folder / "sha256" / digest[:2] / digest / "land.osm.pbf"
    assert entry.path.read_bytes() == b"land"
    assert not (tmp_path / "incoming").exists()
    assert (entry.url, entry.sha256, entry.size) == (URL, digest, 4)
    assert (entry.etag, entry.last_modified, entry.md5_checked) == ('"e"', "then", True)
    assert before <= entry.fetched <= datetime.now(UTC)
    assert Cache(cache.folder).get(URL, verify=True) == entry
    assert Cache(cache.folder).entries() == [entry]
    assert cache.notes == cache.check() == []


def test_an_empty_cache_makes_no_folder(cache: Cache) -> None:
    assert (cache.get(URL), cache.entries(), cache.check(), cache.clear()) == (None, [], [], 0)
    assert not cache.folder.exists()


@pytest.mark.parametrize("body", [b"lan", b"", b"landed"])
def test_a_file_of_another_size_is_missing(cache: Cache, tmp_path: Path, body: bytes) -> None:
    entry = store(cache, tmp_path)
    entry.path.write_bytes(body)
    assert cache.get(URL) is None
    assert len(cache.notes) == 1
    assert URL in cache.notes[0]
    assert not entry.path.exists()
    assert Cache(cache.folder).entries() == []


def test_a_check_tells_again_what_is_still_broken(cache: Cache, tmp_path: Path) -> None:
    store(cache, tmp_path)
    (cache.folder / "index.json").write_text("{")
    assert len(cache.check()) == len(cache.check()) == len(cache.notes) == 1


def test_a_file_that_is_gone_is_missing(cache: Cache, tmp_path: Path) -> None:
    store(cache, tmp_path).path.unlink()
    assert cache.entries() == []
    assert "is gone" in cache.notes[0]


def test_a_change_of_the_same_size_is_found_on_demand(cache: Cache, tmp_path: Path) -> None:
    entry = store(cache, tmp_path)
    other = store(cache, tmp_path, b"sea", "https://example.org/sea")
    entry.path.write_bytes(b"lanD")
    assert cache.get(URL) == entry
    problems = cache.check()
    assert len(problems) == 1
    assert URL in problems[0]
    assert cache.get(URL) is None
    assert cache.entries() == [other]
    assert store(cache, tmp_path) == cache.get(URL, verify=True)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        "null",
        '{"version": 1}',
        '{"version": 99, "entries": {}}',
        '{"version": 1, "entries": []}',
        "[" * 100_000,
        "\x00\x01",
    ],
)
def test_a_broken_index_is_an_empty_cache_that_works(cache: Cache, tmp_path: Path, text: str) -> None:
    store(cache, tmp_path)
    (cache.folder / "index.json").write_text(text)
    assert cache.get(URL) is None
    assert len(cache.notes) == 1
    assert "index.json" in cache.notes[0]
    entry = store(cache, tmp_path)
    assert Cache(cache.folder).get(URL, verify=True) == entry


@pytest.mark.parametrize(
    "changes",
    [
        {"sha256": "../../../../etc"},
        {"sha256": "abc"},
        {"sha256": None},
        {"size": "4"},
        {"size": True},
        {"size": None},
        {"fetched": "yesterday"},
        {"fetched": 5},
        {"fetched": "2024-01-01T00:00:00"},
        {"md5_checked": "no"},
        {"etag": 7},
    ],
)
def test_a_row_that_makes_no_sense_is_missing(cache: Cache, tmp_path: Path, changes: dict[str, Any]) -> None:
    store(cache, tmp_path)
    rewrite(cache, **changes)
    assert cache.get(URL) is None
    assert cache.entries() == []
    assert len(cache.notes) == 1
    assert URL in cache.notes[0]


def test_a_row_without_a_field_leaves_the_others(cache: Cache, tmp_path: Path) -> None:
    store(cache, tmp_path)
    path = cache.folder / "index.json"
    index = json.loads(path.read_text())
    del index["entries"][URL]["size"]
    index["entries"]["https://example.org/odd"] = "nothing"
    path.write_text(json.dumps(index))
    other = store(cache, tmp_path, b"sea", "https://example.org/sea")
    assert cache.entries() == [other]


def test_clear_frees_everything_of_ours_and_nothing_else(cache: Cache, tmp_path: Path) -> None:
    store(cache, tmp_path, b"x" * 1000)
    store(cache, tmp_path, b"y" * 500, "https://example.org/y")
    part = cache.part("https://example.org/z")
    part.parent.mkdir()
    part.write_bytes(b"z" * 30)
    foreign = cache.folder / "thesis.docx"
    foreign.write_text("mine")
    assert cache.clear() == 1530
    assert foreign.read_text() == "mine"
    assert cache.entries() == []
    assert not part.exists()
    assert [p for p in (cache.folder / "sha256").rglob("*") if p.is_file()] == []
    assert cache.clear() == 0


def test_clear_by_age(cache: Cache, tmp_path: Path) -> None:
    store(cache, tmp_path, b"x" * 1000)
    young = store(cache, tmp_path, b"y" * 500, "https://example.org/y")
    age(cache, URL, 10)
    old, new = cache.part("https://example.org/old"), cache.part("https://example.org/new")
    old.parent.mkdir()
    for part in (old, new):
        part.write_bytes(b"z" * 30)
    long_ago = time.time() - 20 * 86_400
    os.utime(old, (long_ago, long_ago))
    assert cache.clear(older_than_days=11) == 30
    assert cache.clear(older_than_days=9.5) == 1000
    assert cache.entries() == [young]
    assert (old.exists(), new.exists()) == (False, True)
    assert cache.clear(older_than_days=0) == 530


@pytest.mark.parametrize("days", [-1, float("nan")])
def test_clear_by_an_impossible_age(cache: Cache, days: float) -> None:
    with pytest.raises(LayerError, match="allowed is 0 or more"):
        cache.clear(older_than_days=days)


def test_a_file_that_two_urls_share_stays_while_one_needs_it(cache: Cache, tmp_path: Path) -> None:
    mirror = "https://mirror.example.org/land.osm.pbf"
    first, second = store(cache, tmp_path), store(cache, tmp_path, url=mirror)
    assert first.path == second.path
    age(cache, URL, 10)
    assert cache.clear(older_than_days=5) == 0
    assert cache.entries() == [second]
    store(cache, tmp_path)
    cache.remove(URL)
    assert cache.get(mirror, verify=True) == second
    cache.remove(mirror)
    assert not second.path.exists()
    cache.remove(mirror)


def test_what_a_newer_version_replaced_is_cleared(cache: Cache, tmp_path: Path) -> None:
    old = store(cache, tmp_path, b"x" * 100)
    new = store(cache, tmp_path, b"y" * 50)
    # Whoever is reading the old version may finish.
    assert old.path.exists()
    assert cache.entries() == [new]
    assert cache.clear() == 150


def test_a_folder_that_can_not_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    cache = Cache(tmp_path / "file" / "cache")
    assert cache.get(URL) is None
    with pytest.raises(OutputError, match=r"can't be written.*--cache"):
        store(cache, tmp_path)
    assert (tmp_path / "incoming").read_bytes() == b"land"
    with pytest.raises(OutputError, match="can't be written"), cache.lock(URL):
        pytest.fail("a lock that does not exist was held")


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write everywhere")
def test_a_cache_that_may_only_be_read(cache: Cache, tmp_path: Path) -> None:
    entry = store(cache, tmp_path)
    broken = store(cache, tmp_path, b"sea", "https://example.org/sea")
    broken.path.write_bytes(b"s")
    folders = [cache.folder, *(p for p in cache.folder.rglob("*") if p.is_dir())]
    files = [p for p in cache.folder.rglob("*") if p.is_file()]
    for path in files + folders:
        path.chmod(0o555)
    try:
        assert cache.entries() == [entry]
        with pytest.raises(OutputError, match="can't be written"):
            store(cache, tmp_path, b"new", "https://example.org/new")
    finally:
        for path in folders + files:
            path.chmod(0o755)


def test_the_folder_is_the_systems_unless_another_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv(VARIABLE, str(tmp_path / "named"))
    assert Cache().folder == tmp_path / "named"
    monkeypatch.delenv(VARIABLE)
    assert Cache().folder.is_absolute()
    assert "borderlink" in Cache().folder.parts
    assert Cache(Path("~/elsewhere")).folder == tmp_path / "elsewhere"
    monkeypatch.chdir(tmp_path)
    assert Cache(Path("here")).folder == tmp_path / "here"


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("https://x.org/a/b.osm.pbf?key=1#top", "b.osm.pbf"),
        ("https://x.org", "file"),
        ("https://x.org/..", "file"),
        ("https://x.org/%2e%2e%2fetc%2fpasswd", "_etc_passwd"),
        ("https://x.org/.hidden", "hidden"),
        ("https://x.org/Қазақстан карта.pbf", "_.pbf"),
        ("https://x.org/" + "a" * 500 + ".osm.pbf", "a" * 112 + ".osm.pbf"),
    ],
)
def test_names_of_files(url: str, name: str) -> None:
    assert file_name(url) == name


def test_addresses_without_secrets(cache: Cache, tmp_path: Path) -> None:
    plain = public_url("https://u:p@x.org:8080/a?b=c#d")
    assert plain.startswith("https://x.org:8080/a?sha256-")
    assert public_url(plain) == plain != public_url("https://x.org:8080/a?b=d")
    entry = store(cache, tmp_path, url="https://u:p@example.org/data/land.osm.pbf")
    assert cache.get(URL) == cache.get("https://other@example.org/data/land.osm.pbf") == entry
