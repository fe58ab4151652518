"""What came is looked at: md5, web pages in place of data, files of unknown length."""

from __future__ import annotations

from hashlib import md5

import pytest

from layers.errors import LayerError
from layers.sources.download.cache import Cache
from tests.layers.download.conftest import BODY, OTHER, PATH, Fetch, nothing_is_left, whole
from tests.layers.download.server import Answer, Server


def test_a_patched_file_is_found_out_by_its_md5(server: Server, bring: Fetch) -> None:
    # The worst server: same length, no If-Range, and the partial answer does not say which version it is of.
    sly = Answer(OTHER, etag='"two"', heeds_if_range=False, shows_version=False)
    url = server.put(PATH, Answer(BODY, cut_at=200_000), sly)
    server.put_md5(PATH, OTHER)
    assert whole(bring(url, checksum_url="md5"), OTHER)


def test_a_wrong_checksum_gets_a_second_chance(server: Server, cache: Cache, bring: Fetch) -> None:
    url = server.put(PATH, Answer(OTHER), Answer(BODY))
    server.put_md5(PATH, BODY)
    entry = bring(url, checksum_url="md5")
    assert whole(entry)
    assert entry.md5_checked
    # The md5 too is read again: the server may have been replacing both.
    late = server.put("/late.osm.pbf", BODY)
    server.put_md5("/late.osm.pbf", OTHER, BODY)
    assert whole(bring(late, checksum_url=f"{late}.md5"))


def test_a_checksum_that_stays_wrong_ends_in_a_message(server: Server, cache: Cache, bring: Fetch) -> None:
    url = server.put(PATH, BODY)
    server.put_md5(PATH, OTHER)
    with pytest.raises(LayerError) as caught:
        bring(url, checksum_url="md5")
    for part in (url, f"{url}.md5", md5(BODY).hexdigest(), md5(OTHER).hexdigest()):
        assert part in str(caught.value)
    assert len(server.asked(PATH)) == 2
    assert nothing_is_left(cache, url)


def test_a_missing_md5_file_is_noted(server: Server, cache: Cache, bring: Fetch) -> None:
    url = server.put(PATH, BODY)
    entry = bring(url, checksum_url="md5")
    assert whole(entry)
    assert not entry.md5_checked
    assert len(cache.notes) == 1
    assert f"{url}.md5" in cache.notes[0]


def test_an_md5_file_of_several_or_of_none(server: Server, cache: Cache, bring: Fetch) -> None:
    url = server.put(PATH, BODY)
    lines = f"{md5(OTHER).hexdigest()}  other.osm.pbf\n{md5(BODY).hexdigest().upper()} *land-latest.osm.pbf\n"
    server.put(f"{PATH}.md5", lines.encode())
    assert bring(url, checksum_url="md5").md5_checked
    page = server.put("/page.osm.pbf", BODY)
    server.put("/page.osm.pbf.md5", b"<html>Not found</html>")
    with pytest.raises(LayerError, match=r"page\.osm\.pbf\.md5 holds no md5"):
        bring(page, checksum_url="md5")
    assert cache.get(page) is None


def test_a_file_that_came_whole_is_not_fetched_again_for_its_md5(server: Server, cache: Cache, bring: Fetch) -> None:
    url = server.put(PATH, BODY)
    server.put(f"{PATH}.md5", Answer(status=503))
    with pytest.raises(LayerError, match=r"md5.*503"):
        bring(url, checksum_url="md5")
    assert cache.get(url) is None
    server.put_md5(PATH, BODY)
    assert bring(url, checksum_url="md5").md5_checked
    assert server.asked(PATH)[-1]["Range"] == f"bytes={len(BODY) - 1}-"


@pytest.mark.parametrize(
    ("body", "kind", "words"),
    [
        (b"<!DOCTYPE html><title>Log in</title>", "text/html", "web page"),
        (b"\xef\xbb\xbf\n <HTML><body>Sorry</body></html>", "application/octet-stream", "web page"),
        (b'{"error": "quota"}', "application/json", "does not begin as an OSM PBF"),
        (b"", "application/octet-stream", "empty"),
    ],
)
def test_something_else_in_place_of_a_pbf(
    server: Server, cache: Cache, bring: Fetch, body: bytes, kind: str, words: str
) -> None:
    url = server.put(PATH, Answer(body, headers={"Content-Type": kind}))
    with pytest.raises(LayerError, match=words) as caught:
        bring(url)
    assert url in str(caught.value)
    assert nothing_is_left(cache, url)


def test_other_files_need_not_be_pbf(server: Server, bring: Fetch) -> None:
    table = b"geonameid,name\n1,Uralsk\n"
    assert whole(bring(server.put("/towns.csv", table)), table)
    with pytest.raises(LayerError, match="web page"):
        bring(server.put("/towns2.csv", b"<html></html>"))


def test_a_file_of_unknown_length_needs_an_md5(server: Server, cache: Cache, bring: Fetch) -> None:
    url = server.put(PATH, Answer(BODY, framing="none"))
    with pytest.raises(LayerError, match="neither length nor md5"):
        bring(url)
    assert nothing_is_left(cache, url)
    server.put_md5(PATH, BODY)
    assert bring(url, checksum_url="md5").md5_checked


def test_a_chunked_file_is_whole_or_asked_for_again(server: Server, bring: Fetch) -> None:
    url = server.put(PATH, Answer(BODY, framing="chunked", cut_at=200_000), Answer(BODY, framing="chunked"))
    assert whole(bring(url))
    assert bring.waits == [1.0]
