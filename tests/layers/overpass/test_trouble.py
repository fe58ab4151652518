"""A server with every bad habit: each ends in the data or in one clear message, and leaves nothing bad in the cache."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import shapely

from layers.errors import LayerError
from layers.sources.download.cache import Entry
from layers.sources.overpass import bounded
from layers.sources.overpass.answer import UnfinishedAnswerError, checked_answer
from layers.sources.overpass.server import Asking, fetch_network, user_agent
from layers.sources.pbf.read import read_network
from tests.layers.overpass.server import Bad
from tests.layers.overpass.world import World, two_countries

if TYPE_CHECKING:
    from tests.layers.overpass.conftest import Patience
    from tests.layers.overpass.server import Overpass

AREA = shapely.box(9.05, 47.0, 9.95, 47.5)
PAGE = b"""<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE html PUBLIC "-//W3C//DTD XHTML 1.0 Strict//EN"><html><head><title>OSM3S Response</title></head><body>
<p><strong style="color:#FF0000">Error</strong>: %s</p></body></html>"""


@pytest.fixture
def server(serve: Callable[[World], Overpass]) -> Overpass:
    return serve(two_countries())


def ask(asking: Asking) -> list[Entry]:
    """Ask for ways, and then for ferries, restrictions and places: two queries of OSMnx."""
    return fetch_network(AREA, asking, layers=["roads"])


def brings_data(entries: list[Entry]) -> bool:
    return len(read_network([e.path for e in entries]).roads) > 50


def fails(patience: Patience, asking: Asking) -> str:
    """Run into an error, see that nothing is left of it, and return its message."""
    with pytest.raises(LayerError) as error:
        ask(asking)
    assert patience.left() == []
    assert patience.cache.entries() == []
    message = str(error.value)
    assert asking.interpreter in message
    assert "\n" not in message
    return message


@pytest.mark.parametrize(
    ("trouble", "waits"),
    [
        ([Bad(429, b"", {"Retry-After": "40"})], [40]),
        ([Bad(429, b"", {"Retry-After": "3"})], [15]),
        ([Bad(504, PAGE % b"too busy")] * 3, [15, 30, 60]),
        ([Bad(502, b"")], [2]),
        ([Bad(body=PAGE % b"runtime error: The server is probably too busy to handle your request.")], [15]),
        (
            [
                Bad(
                    remark="runtime error: open64: 0 Success /osm3s_osm_base "
                    "Dispatcher_Client::request_read_and_idx::timeout."
                )
            ],
            [15],
        ),
        ([Bad(cut=30), Bad(cut=3000)], [2, 4]),
        ([Bad(broken=True)], [2]),
        ([Bad(body=b""), Bad(body=b'<?xml version="1.0" enc')], [2, 4]),
        ([Bad(hang=True)], [2]),
    ],
    ids=[
        "429 with a time",
        "429 with little",
        "504 thrice",
        "502",
        "busy page",
        "busy remark",
        "truncated",
        "cut",
        "empty",
        "hang",
    ],
)
def test_trouble_that_passes_ends_in_the_data(
    server: Overpass, patience: Patience, trouble: list[Bad], waits: list[float]
) -> None:
    server.trouble = list(trouble)
    assert brings_data(ask(patience(server, timeout=0.5)))
    assert patience.waits == waits
    assert len(patience.left()) == 1
    assert len(set(server.queries)) == 2
    assert len(server.queries) == 2 + len(waits)


@pytest.mark.parametrize(
    ("trouble", "words"),
    [
        (Bad(504, PAGE % b"too busy"), ("504", "attempts: 4")),
        (Bad(429, b""), ("429", "attempts: 4")),
        (Bad(cut=30), ("cut off", "attempts: 4")),
        (Bad(broken=True), ("connection", "attempts: 4")),
        (Bad(hang=True), ("no answer within 0.2 s", "attempts: 4")),
        (Bad(body=b""), ("empty answer", "attempts: 4")),
    ],
    ids=["504", "429", "truncated", "cut", "hang", "empty"],
)
def test_trouble_that_stays_ends_in_one_message(
    server: Overpass, patience: Patience, trouble: Bad, words: tuple[str, ...]
) -> None:
    server.trouble = [trouble] * 9
    message = fails(patience, patience(server, timeout=0.2))
    assert all(word in message for word in words)
    assert len(server.queries) == 4
    assert len(patience.waits) == 3
    assert patience.waits == sorted(patience.waits)


@pytest.mark.parametrize(
    ("trouble", "words"),
    [
        (
            Bad(remark='runtime error: Query timed out in "query" at line 3 after 181 seconds.'),
            ("Query timed out", "pbf"),
        ),
        (Bad(remark='runtime error: Query ran out of memory in "recurse".'), ('memory in "recurse"', "smaller area")),
        (
            Bad(body=b"<!DOCTYPE html><html><style>p {}</style><body>Please <b>log in</b></body></html>"),
            ("Please log in", "overpass_url"),
        ),
        (Bad(body=b'{"elements": []}'), ("elements", "overpass_url")),
        (Bad(400, PAGE % b"line 1: parse error: Unknown query clause"), ("400", "Unknown query clause")),
        (Bad(403, b""), ("403",)),
        (Bad(404, b""), ("404",)),
        (
            Bad(301, b"", {"Location": "https://example.org/api/interpreter"}),
            ("301", "https://example.org/api (301)", "overpass_url"),
        ),
        (Bad(429, b"", {"Retry-After": "90000"}), ("429", "600 s")),
    ],
    ids=["timeout", "memory", "page", "json", "400", "403", "404", "301", "429 for a day"],
)
def test_what_will_not_pass_is_said_at_once(
    server: Overpass, patience: Patience, trouble: Bad, words: tuple[str, ...]
) -> None:
    server.trouble = [trouble]
    message = fails(patience, patience(server))
    assert all(word in message for word in words), message
    assert patience.waits == []
    assert len(server.queries) == 1


def test_the_status_page_tells_how_long_to_wait(server: Overpass, patience: Patience) -> None:
    server.status_page = (
        "Connected as: 1\nCurrent time: 2026-01-01T00:00:00Z\nRate limit: 2\n"
        "Slot available after: 2026-01-01T00:02:00Z, in 120 seconds.\n"
        "Slot available after: 2026-01-01T00:00:57Z, in 57 seconds.\nCurrently running queries (pid …):\n"
    )
    server.trouble = [Bad(429, b"")]
    assert brings_data(ask(patience(server)))
    assert patience.waits == [58]
    server.status_page = "Slot available after: 2026-01-02T00:00:00Z, in 86400 seconds.\n"
    server.trouble = [Bad(429, b"")]
    with pytest.raises(LayerError, match="try later"):
        ask(patience(server, refresh=True))
    assert server.asked_status == 2


def test_a_harmless_remark_is_told_and_no_error(server: Overpass, patience: Patience) -> None:
    server.trouble = [Bad(remark="runtime remark: Timeout is 180 and maxsize is 536870912.")]
    assert brings_data(ask(patience(server)))
    assert any("Timeout is 180" in note for note in patience.cache.notes)


def test_tags_that_look_like_a_remark_are_data(serve: Callable[[World], Overpass], patience: Patience) -> None:
    world = two_countries()
    world.ways[2001][1]["name"] = '"}], "remark": "runtime error"}'
    world.ways[2001][1]["remark"] = "runtime error"
    entries = ask(patience(serve(world)))
    assert '"}], "remark": "runtime error"}' in set(read_network(entries[0].path).roads["name"])


def test_answers_come_from_the_cache_and_offline_names_what_is_missing(server: Overpass, patience: Patience) -> None:
    offline = patience(server, offline=True)
    with pytest.raises(LayerError, match=r"offline, and the Overpass answer for roads.*fetch"):
        ask(offline)
    assert server.queries == []
    (entry,) = ask(patience(server))
    assert ask(offline) == ask(patience(server)) == [entry]
    assert len(server.queries) == 2
    # Another query, or another server, is another answer.
    with pytest.raises(LayerError, match="offline"):
        fetch_network(AREA, offline, layers=["railways"])
    with pytest.raises(LayerError, match="offline"):
        ask(replace(offline, url=offline.url + "2"))


def test_the_same_answer_gives_the_same_bytes(server: Overpass, patience: Patience) -> None:
    (one,) = ask(patience(server))
    (two,) = ask(patience(server, refresh=True))
    assert len(server.queries) == 4
    assert one.sha256 == two.sha256
    assert two.fetched > one.fetched


def test_a_refresh_that_fails_leaves_the_old_answer(server: Overpass, patience: Patience) -> None:
    (entry,) = ask(patience(server))
    server.trouble = [Bad(remark="runtime error: Query timed out")]
    with pytest.raises(LayerError, match="timed out"):
        ask(patience(server, refresh=True))
    assert patience.cache.get(entry.url, verify=True) == entry
    assert patience.left() == [entry.path.name]


def test_objects_in_disorder_are_read_all_the_same(server: Overpass, patience: Patience) -> None:
    (entry,) = ask(patience(server))
    wanted = read_network(entry.path).roads
    # As "out skel qt" may print them: in no order, and some twice.
    answer = json.loads(server.sent[0])
    answer["elements"] = [*answer["elements"][::-1], *answer["elements"][:5]]
    body = json.dumps(answer).encode()
    server.trouble = [Bad(body=body)]
    (other,) = ask(patience(server, refresh=True))
    assert read_network(other.path).roads.equals(wanted)


def test_two_that_want_the_same_ask_once(server: Overpass, patience: Patience) -> None:
    got: list[Entry] = []
    threads = [threading.Thread(target=lambda: got.extend(ask(patience(server)))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    assert len(got) == 4
    assert len({e.sha256 for e in got}) == 1
    assert len(server.queries) == 2


def test_the_server_is_told_who_asks_and_the_user_how_far_it_is(server: Overpass, patience: Patience) -> None:
    told: list[tuple[str, int, int | None]] = []
    ask(patience(server, listen=lambda *line: told.append(line)))
    assert server.agents == [user_agent()] * 2
    assert user_agent().startswith("borderlink")
    assert told[-1][1:] == (sum(map(len, server.sent)), None)
    assert told[-1][0].startswith("roads-")


def test_nobody_answers(patience: Patience) -> None:
    message = fails(patience, patience("http://127.0.0.1:9/api"))
    assert "refused" in message


@pytest.mark.parametrize("url", ["ftp://example.org", "overpass-api.de/api", "http://", "http://[bad"])
def test_no_address_to_ask(patience: Patience, url: str) -> None:
    with pytest.raises(LayerError, match="overpass_url"):
        ask(patience(url))


def test_a_password_in_the_address_is_never_told(server: Overpass, patience: Patience, tmp_path: Path) -> None:
    url = server.url.replace("http://", "http://me:secret@")
    server.trouble = [Bad(404, b"")]
    with pytest.raises(LayerError) as error:
        ask(patience(url))
    assert "secret" not in str(error.value)
    ask(patience(url))
    assert "secret" not in (patience.cache.folder / "index.json").read_text()


def test_a_cache_that_can_not_be_written(server: Overpass, patience: Patience) -> None:
    from layers.errors import OutputError

    patience.cache.folder.write_text("in the way")
    with pytest.raises(OutputError, match="can't be written"):
        ask(patience(server))


def test_an_answer_is_looked_at_whatever_it_holds() -> None:
    url = "https://example.org"
    plain = b'{"osm3s": {}, "elements": []}'
    assert checked_answer(plain, url) == (plain, "")
    assert checked_answer(b"\xef\xbb\xbf\n" + plain, url)[1] == ""
    without, remark = checked_answer(plain[:-1] + b', "remark": " one &amp; a half "}', url)
    assert (json.loads(without), remark) == (json.loads(plain), "one & a half")
    for body in (b"", b"  \n", plain[:-1], plain[:9], b'<?xml version="1.0" enc'):
        with pytest.raises(UnfinishedAnswerError):
            checked_answer(body, url)
    deep = b'{"osm3s": {}, "elements": ' + b"[" * 200_000 + b"]" * 200_000 + b"}"
    for body in (b"[]", b'"text"', b"{}", b'{"elements": 1, "osm3s": {}}', b"null", deep):
        with pytest.raises(LayerError, match="overpass_url"):
            checked_answer(body, url)


@pytest.mark.parametrize(
    "element",
    [
        {"type": "area", "id": 1},
        {"type": "node", "id": 1},
        {"type": "node", "id": 1, "lat": 1e300, "lon": 0},
        {"id": 1},
        {"type": "way", "id": "x"},
        {"type": "way", "id": 1, "nodes": ["a"]},
        {"type": "way", "id": 1, "tags": ["a"]},
        7,
        {"type": "relation", "id": 1, "members": [{"type": "stone", "ref": 1}]},
    ],
)
def test_objects_without_sense_are_refused(server: Overpass, patience: Patience, element: object) -> None:
    server.trouble = [Bad(body=json.dumps({"osm3s": {}, "elements": [element]}).encode())]
    assert "makes no sense" in fails(patience, patience(server))


SETTINGS = (
    "cache_folder",
    "cache_only_mode",
    "max_query_area_size",
    "overpass_url",
    "requests_kwargs",
    "requests_timeout",
)


def test_settings_of_osmnx_are_put_back_also_after_an_error(server: Overpass, patience: Patience) -> None:
    import osmnx as ox

    before = {k: v for k, v in vars(ox.settings).items() if k.islower()}
    look_up = socket.getaddrinfo
    ask(patience(server))
    for trouble in (Bad(404, b""), Bad(remark="runtime error: Query timed out"), Bad(broken=True)):
        server.trouble = [trouble] * 4
        with pytest.raises(LayerError):
            ask(patience(server, refresh=True))
        assert {k: v for k, v in vars(ox.settings).items() if k.islower()} == before
        assert socket.getaddrinfo is look_up
    assert set(SETTINGS) < set(before)


def test_two_threads_that_ask_two_servers(serve: Callable[[World], Overpass], patience: Patience) -> None:
    import osmnx as ox

    before = dict(vars(ox.settings))
    one, other = serve(two_countries()), serve(two_countries())
    other.world.ways[2001][1]["name"] = "Other road"
    one.trouble = [Bad(broken=True)]
    got: dict[str, set[str]] = {}

    def look(server: Overpass) -> None:
        got[server.url] = set(read_network([e.path for e in ask(patience(server))]).roads["name"])

    threads = [threading.Thread(target=look, args=(server,)) for server in (one, other)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    assert ("Other road" in got[other.url], "Other road" in got[one.url]) == (True, False)
    assert len(other.queries) == 2
    assert vars(ox.settings) == before


def test_a_server_that_fails_half_way_is_asked_for_the_rest(server: Overpass, patience: Patience) -> None:
    server.trouble = [Bad(), *[Bad(504, b"")] * 4]
    with pytest.raises(LayerError, match="504"):
        ask(patience(server))
    first = server.queries[0]
    assert len(server.queries) == 5
    assert len(patience.left()) == 1
    assert brings_data(ask(patience(server)))
    assert server.queries.count(first) == 1
    assert len(server.queries) == 6
    assert len(patience.left()) == 1
    # What is kept half way is cleared with the cache, and is not kept with a refresh.
    server.trouble = [Bad(), *[Bad(504, b"")] * 4]
    with pytest.raises(LayerError, match="504"):
        ask(patience(server, refresh=True))
    assert len(patience.left()) == 2
    patience.cache.clear()
    assert patience.left() == []


def test_a_kept_answer_that_was_not_written_to_its_end_is_asked_for_again(server: Overpass, patience: Patience) -> None:
    server.trouble = [Bad(), *[Bad(504, b"")] * 4]
    with pytest.raises(LayerError, match="504"):
        ask(patience(server))
    (kept,) = (patience.cache.folder / "parts").rglob("*.json")
    kept.write_bytes(kept.read_bytes()[:100])
    assert brings_data(ask(patience(server)))
    assert server.queries.count(server.queries[0]) == 2


def test_each_answer_has_its_own_attempts(server: Overpass, patience: Patience) -> None:
    server.trouble = [*[Bad(504, b"")] * 3, Bad(), *[Bad(504, b"")] * 3, Bad()]
    assert brings_data(ask(patience(server)))
    assert patience.waits == [15, 30, 60] * 2


def test_a_body_without_end(server: Overpass, patience: Patience, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bounded, "LARGEST_ANSWER", 20_000)
    server.trouble = [Bad(body=b'{"osm3s": {}, "elements": [' + b" " * 50_000_000 + b"]}")]
    assert "more than 20,000 bytes" in fails(patience, patience(server))
    assert len(server.queries) == 1


def test_a_body_that_trickles(server: Overpass, patience: Patience, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bounded, "LONGEST_S", 0.5)
    server.trouble = [Bad(trickle=True)]
    began = time.monotonic()
    assert "takes longer than" in fails(patience, patience(server))
    assert time.monotonic() - began < 5
