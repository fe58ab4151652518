"""Downloads from a server with every bad habit: each ends in a whole file or in a clear message."""

from __future__ import annotations

import json
import socket
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

import pytest

from layers.errors import LayerError, OutputError
from layers.sources.download.cache import Cache
from tests.layers.download.conftest import BODY, OTHER, PATH, Fetch, nothing_is_left, whole
from tests.layers.download.server import Answer, Server, pbf

MIB = 1 << 20


def test_a_file_comes_whole_and_is_asked_for_once(server: Server, cache: Cache, bring: Fetch) -> None:
    url = server.put(PATH, BODY)
    server.put_md5(PATH, BODY)
    entry = bring(url, checksum_url="md5", user_agent="a test")
    assert whole(entry)
    assert entry.md5_checked
    assert entry.path.name == "land-latest.osm.pbf"
    assert cache.get(url) == entry == bring(url)
    assert [h["User-Agent"] for h in server.asked(PATH)] == ["a test"]
    assert (bring.waits, cache.notes) == ([], [])


@pytest.mark.parametrize(
    ("etag", "modified", "mark"),
    [
        ('"one"', None, '"one"'),
        (None, "Mon, 01 Jan 2024 00:00:00 GMT", "Mon, 01 Jan 2024 00:00:00 GMT"),
        ('W/"weak"', "Mon, 01 Jan 2024 00:00:00 GMT", "Mon, 01 Jan 2024 00:00:00 GMT"),
    ],
)
def test_a_cut_download_goes_on_where_it_ended(
    server: Server, bring: Fetch, etag: str | None, modified: str | None, mark: str
) -> None:
    url = server.put(
        PATH, Answer(BODY, etag=etag, modified=modified, cut_at=200_000), Answer(BODY, etag=etag, modified=modified)
    )
    assert whole(bring(url))
    second = server.asked(PATH)[1]
    start = int(second["Range"].removeprefix("bytes=").removesuffix("-"))
    assert 100_000 < start <= 200_000
    assert second["If-Range"] == mark
    assert bring.waits == [1.0]


def test_a_server_without_versions_is_asked_from_the_start(server: Server, bring: Fetch) -> None:
    url = server.put(PATH, Answer(BODY, etag=None, cut_at=200_000), Answer(OTHER, etag=None))
    assert whole(bring(url), OTHER)
    assert "Range" not in server.asked(PATH)[1]


def test_a_server_that_ignores_ranges_starts_again(server: Server, bring: Fetch) -> None:
    url = server.put(PATH, Answer(BODY, cut_at=200_000), Answer(BODY, ranges=False))
    assert whole(bring(url))


@pytest.mark.parametrize("heeds", [True, False])
@pytest.mark.parametrize("size", [300_000, 100_000, 400_000])
def test_a_file_that_changed_meanwhile_is_never_patched(server: Server, bring: Fetch, heeds: bool, size: int) -> None:
    # A server that heeds If-Range sends the new file; another sends the new one's end (206), or has none (416).
    new = pbf(2, size)
    url = server.put(PATH, Answer(BODY, cut_at=200_000), Answer(new, etag='"two"', heeds_if_range=heeds))
    assert whole(bring(url), new)


@pytest.mark.parametrize(
    "second",
    [Answer(BODY, shift=4096), Answer(pbf(2, 400_000), heeds_if_range=False, shows_version=False)],
    ids=["from another place", "of another length"],
)
def test_a_part_is_gone_on_with_only_where_it_ended(server: Server, bring: Fetch, second: Answer) -> None:
    url = server.put(PATH, Answer(BODY, cut_at=200_000), second)
    assert whole(bring(url), second.body)


def test_a_server_that_sends_a_piece_at_a_time(server: Server, bring: Fetch) -> None:
    url = server.put(PATH, Answer(BODY, cut_at=200_000), Answer(BODY, most=60_000))
    assert whole(bring(url, attempts=9))


def test_a_connection_that_is_cut_each_time_ends_in_a_message_and_can_go_on_later(
    server: Server, cache: Cache, bring: Fetch
) -> None:
    url = server.put(PATH, Answer(BODY, cut_at=0))
    with pytest.raises(LayerError, match=r"land-latest.*connection.*attempts: 5"):
        bring(url, attempts=5)
    assert bring.waits == [1.0, 2.0, 4.0, 8.0]
    assert cache.get(url) is None
    server.put(PATH, Answer(BODY, cut_at=200_000))
    with pytest.raises(LayerError, match="connection"):
        bring(url, attempts=1)
    assert cache.get(url) is None
    server.put(PATH, Answer(BODY))
    assert whole(bring(url))
    assert "Range" in server.asked(PATH)[-1]


def test_cuts_do_not_end_a_download_that_gets_on(server: Server, bring: Fetch) -> None:
    big = pbf(3, 6 * MIB)
    url = server.put(PATH, Answer(big, cut_at=MIB + MIB // 2))
    with pytest.raises(LayerError, match="attempts: 1"):
        bring(url, attempts=1)
    assert whole(bring(url, attempts=2), big)
    # Where each attempt begins anew and ends at the same place, nothing gets on.
    lame = server.put("/lame.osm.pbf", Answer(big, cut_at=MIB + MIB // 2, ranges=False))
    with pytest.raises(LayerError, match="attempts: 3"):
        bring(lame)
    assert len(server.asked("/lame.osm.pbf")) <= 4


def test_an_interrupted_download_leaves_nothing_good_and_goes_on(server: Server, cache: Cache, bring: Fetch) -> None:
    url = server.put(PATH, BODY)

    def stop(name: str, done: int, total: int | None) -> None:
        if done > 100_000:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        bring(url, listen=stop)
    assert cache.get(url) is None
    assert whole(bring(url))
    assert int(server.asked(PATH)[1]["Range"].removeprefix("bytes=").removesuffix("-")) > 100_000


@pytest.mark.parametrize("note", ["", "{", "[]", '{"total": "many", "etag": 5}', '{"total": -3, "etag": "\\"one\\""}'])
def test_a_part_whose_note_is_broken_is_not_gone_on_with(server: Server, cache: Cache, bring: Fetch, note: str) -> None:
    url = server.put(PATH, BODY)
    part = cache.part(url)
    part.parent.mkdir(parents=True)
    part.write_bytes(OTHER[:1000])
    part.with_suffix(".json").write_text(note)
    assert whole(bring(url))
    assert "Range" not in server.asked(PATH)[0]


def test_a_part_that_is_too_long_leaves_nothing_behind(server: Server, cache: Cache, bring: Fetch) -> None:
    url = server.put(PATH, Answer(BODY, cut_at=200_000), Answer(BODY))
    with pytest.raises(LayerError, match="connection"):
        bring(url, attempts=1)
    cache.part(url).write_bytes(BODY + b"and more")
    assert whole(bring(url))


@pytest.mark.parametrize("status", [400, 401, 403, 404, 410, 416, 451])
def test_a_refusal_is_told_at_once(server: Server, cache: Cache, bring: Fetch, status: int) -> None:
    url = server.put(PATH, Answer(b"no", status))
    with pytest.raises(LayerError) as caught:
        bring(url)
    assert url in str(caught.value)
    assert str(status) in str(caught.value)
    assert (len(server.requests), bring.waits) == (1, [])
    assert nothing_is_left(cache, url)


@pytest.mark.parametrize("status", [206, 204, 304])
def test_an_answer_to_another_question_is_refused(server: Server, cache: Cache, bring: Fetch, status: int) -> None:
    url = server.put(PATH, Answer(b"", status))
    with pytest.raises(LayerError, match=str(status)):
        bring(url)
    assert nothing_is_left(cache, url)


def test_too_many_requests_are_followed_by_the_wait_that_is_asked_for(server: Server, bring: Fetch) -> None:
    url = server.put(PATH, Answer(status=429, headers={"Retry-After": "7"}), Answer(BODY))
    assert whole(bring(url))
    assert bring.waits == [7.0]


def test_the_wait_may_be_a_date(server: Server, bring: Fetch) -> None:
    until = format_datetime(datetime.now(UTC) + timedelta(seconds=90), usegmt=True)
    url = server.put(PATH, Answer(status=503, headers={"Retry-After": until}), Answer(BODY))
    assert whole(bring(url))
    assert len(bring.waits) == 1
    assert 60 < bring.waits[0] <= 90


@pytest.mark.parametrize("after", ["", "soon", "-5", "0", "Mon, 01 Jan 2001 00:00:00 GMT"])
def test_a_wait_that_tells_nothing_leaves_the_usual_one(server: Server, bring: Fetch, after: str) -> None:
    url = server.put(PATH, Answer(status=429, headers={"Retry-After": after}), Answer(BODY))
    assert whole(bring(url))
    assert bring.waits == [1.0]


def test_a_server_that_asks_to_come_back_tomorrow_is_not_waited_for(server: Server, bring: Fetch) -> None:
    url = server.put(PATH, Answer(status=429, headers={"Retry-After": "86400"}), Answer(BODY))
    with pytest.raises(LayerError, match=r"429.*to wait over 600 s"):
        bring(url)
    assert bring.waits == []


@pytest.mark.parametrize("status", [500, 502, 503, 504])
def test_a_busy_server_is_asked_again(server: Server, cache: Cache, bring: Fetch, status: int) -> None:
    url = server.put(PATH, Answer(status=status), Answer(status=status), Answer(BODY))
    assert whole(bring(url))
    assert bring.waits == [1.0, 2.0]
    down = server.put("/down.osm.pbf", Answer(b"<html>busy</html>", status))
    with pytest.raises(LayerError, match=rf"down\.osm\.pbf.*{status}.*attempts: 3"):
        bring(down)
    assert cache.get(down) is None


@pytest.mark.parametrize("at", [-1, 0, 150_000])
def test_a_server_that_hangs_is_asked_again(server: Server, cache: Cache, bring: Fetch, at: int) -> None:
    url = server.put(PATH, Answer(BODY, hang_at=at), Answer(BODY))
    assert whole(bring(url, timeout=0.3))
    dead = server.put("/dead.osm.pbf", Answer(BODY, hang_at=at))
    with pytest.raises(LayerError, match=r"dead\.osm\.pbf.*no answer within 0\.3 s.*attempts: 2"):
        bring(dead, timeout=0.3, attempts=2)
    assert cache.get(dead) is None


def test_nobody_there(cache: Cache, bring: Fetch) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{taken.getsockname()[1]}/a.osm.pbf"
        with pytest.raises(LayerError, match=r"a\.osm\.pbf can't be fetched: the connection failed \(.*refused"):
            bring(url)
    assert bring.waits == [1.0, 2.0]


def test_a_circle_of_redirects_is_told_at_once(server: Server, bring: Fetch) -> None:
    url = server.put(PATH, Answer(status=302, headers={"Location": PATH}))
    with pytest.raises(LayerError, match="redirects"):
        bring(url)
    assert bring.waits == []


def test_a_redirect_to_a_mirror_is_followed(server: Server, cache: Cache, bring: Fetch) -> None:
    server.put("/mirror/land-240101.osm.pbf", Answer(BODY, cut_at=200_000), Answer(BODY))
    url = server.put(PATH, Answer(status=302, headers={"Location": "/mirror/land-240101.osm.pbf"}))
    entry = bring(url)
    assert whole(entry)
    assert entry.path.name == "land-latest.osm.pbf"
    assert "Range" in server.asked("/mirror/land-240101.osm.pbf")[1]


def test_progress_is_told(server: Server, bring: Fetch) -> None:
    told: list[tuple[str, int, int | None]] = []
    url = server.put(PATH, Answer(BODY, cut_at=200_000), Answer(BODY))
    bring(url, listen=lambda *what: told.append(what))
    assert {(name, total) for name, _, total in told} == {("land-latest.osm.pbf", len(BODY))}
    done = [n for _, n, _ in told]
    assert (done[0], done[-1]) == (0, len(BODY))
    assert done == sorted(done)


def test_offline_names_what_is_missing_and_asks_nobody(server: Server, cache: Cache, bring: Fetch) -> None:
    url = server.put(PATH, BODY)
    with pytest.raises(LayerError) as caught:
        bring(url, offline=True)
    assert url in str(caught.value)
    assert str(cache.folder) in str(caught.value)
    assert server.requests == []
    assert not cache.folder.exists()
    entry = bring(url)
    assert bring(url, offline=True) == bring(url, offline=True, refresh=True) == entry
    assert len(server.requests) == 1
    entry.path.write_bytes(BODY[:-1])
    with pytest.raises(LayerError, match="offline"):
        bring(url, offline=True)


@pytest.mark.parametrize(("etag", "modified"), [('"one"', None), (None, "Mon, 01 Jan 2024 00:00:00 GMT")])
def test_refresh_brings_only_what_has_changed(
    server: Server, cache: Cache, bring: Fetch, etag: str | None, modified: str | None
) -> None:
    url = server.put(PATH, Answer(BODY, etag=etag, modified=modified))
    first = bring(url)
    told: list[int] = []
    assert bring(url, refresh=True, listen=lambda name, done, total: told.append(done)) == first
    assert (len(server.requests), told) == (2, [])
    server.put(PATH, Answer(OTHER, etag='"two"', modified="Tue, 02 Jan 2024 00:00:00 GMT"))
    assert bring(url) == first
    second = bring(url, refresh=True)
    assert whole(second, OTHER)
    assert cache.get(url) == second


def test_a_refresh_that_fails_keeps_what_was_there(server: Server, cache: Cache, bring: Fetch) -> None:
    url = server.put(PATH, BODY)
    first = bring(url)
    server.put(PATH, Answer(OTHER, etag='"two"', cut_at=1000))
    with pytest.raises(LayerError, match="connection"):
        bring(url, refresh=True)
    assert cache.get(url, verify=True) == first
    assert whole(first)


def test_a_broken_file_is_fetched_again(server: Server, cache: Cache, bring: Fetch) -> None:
    url = server.put(PATH, BODY)
    bring(url).path.write_bytes(BODY[:5000])
    assert whole(bring(url))
    assert len(server.requests) == 2


@pytest.mark.parametrize("url", ["", "land.osm.pbf", "ftp://x.org/a", "file:///etc/hosts", "http://", "http://[::1/a"])
def test_what_is_no_address(bring: Fetch, url: str) -> None:
    with pytest.raises(LayerError, match="allowed are http"):
        bring(url)


@pytest.mark.parametrize("options", [{"timeout": 0}, {"timeout": -1}, {"attempts": 0}])
def test_options_out_of_range(bring: Fetch, options: dict[str, float]) -> None:
    with pytest.raises(LayerError, match="allowed are"):
        bring("http://127.0.0.1:1/a", **options)


def test_a_password_is_used_and_not_written_down(server: Server, cache: Cache, bring: Fetch) -> None:
    server.put(PATH, BODY)
    url = server.url(PATH).replace("http://", "http://me:sesame@")
    assert bring(url).url == server.url(PATH)
    assert server.requests[0][1]["Authorization"].startswith("Basic ")
    assert "sesame" not in json.dumps([p.read_text() for p in cache.folder.rglob("*.json")])
    with pytest.raises(LayerError, match="404") as caught:
        bring(url.replace("land", "lost"))
    assert "sesame" not in str(caught.value)


def test_a_folder_that_can_not_be_written(server: Server, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    bring = Fetch(Cache(tmp_path / "file" / "cache"))
    with pytest.raises(OutputError, match="can't be written"):
        bring(server.put(PATH, BODY))
