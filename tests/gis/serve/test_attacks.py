"""What other pages, other machines and other programs may try on a real server, and what they get."""

from __future__ import annotations

import contextlib
import http.client
import json
import socket
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest

from gis.serve.guard import LARGEST_BODY, MOST_AT_ONCE
from gis.serve.run import LOOPBACK, door_at, open_server
from layers.errors import OutputError

if TYPE_CHECKING:
    from gis.queries.standing import Base
    from gis.serve.run import Running


def ask(
    running: Running, method: str, path: str, body: bytes | None = None, **headers: str | None
) -> tuple[int, dict[str, str], bytes]:
    """Send one request with the right headers, but for those that are given (None leaves one out)."""
    host = running.door.hosts[0]
    usual: dict[str, str | None] = {
        "Host": host,
        "Origin": f"http://{host}",
        "Content-Type": "application/json",
        "Cookie": f"{running.door.cookie}={running.door.token}",
    }
    given = {**usual, **{k.replace("_", "-"): v for k, v in headers.items()}}
    connection = http.client.HTTPConnection("127.0.0.1", running.door.port, timeout=60)
    connection.putrequest(method, path, skip_host=True, skip_accept_encoding=True)
    for key, value in given.items():
        if value is not None:
            connection.putheader(key, value)
    if body is not None:
        connection.putheader("Content-Length", str(len(body)))
    connection.endheaders(body)
    answer = connection.getresponse()
    out = answer.status, {k.lower(): v for k, v in answer.getheaders()}, answer.read()
    connection.close()
    return out


def question(base: Base, edits: list[dict[str, Any]] | None = None, **more: Any) -> bytes:
    return json.dumps({"study": base.key, "edits": edits or [], **more}).encode()


def test_the_page_itself_is_answered(running: Running, base: Base) -> None:
    status, headers, body = ask(running, "POST", "/api/whatif", question(base))
    assert status == 200 and json.loads(body)["exact"] is True
    assert ask(running, "GET", "/api/study")[0] == 200
    assert headers["content-security-policy"].startswith("default-src 'self'")
    assert "frame-ancestors 'none'" in headers["content-security-policy"]
    assert headers["cache-control"] == "no-store" and "server" not in headers


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "evil.example:{port}",
        "127.0.0.1",
        "127.0.0.1.evil.example:{port}",
        "localhost:1",
        "",
        "127.0.0.1:{port} evil",
        "[::1]:{port}",
    ],
)
def test_another_name_of_the_server_is_refused(running: Running, base: Base, host: str) -> None:
    named = host.format(port=running.door.port)
    for method, path in (("GET", "/"), ("GET", "/api/study"), ("POST", "/api/whatif")):
        assert ask(running, method, path, question(base) if method == "POST" else None, Host=named)[0] == 400


@pytest.mark.parametrize(
    "origin",
    [
        None,
        "null",
        "http://evil.example",
        "https://127.0.0.1:{port}",
        "http://127.0.0.1",
        "http://127.0.0.1:{port}.evil.example",
    ],
)
def test_a_question_of_another_page_is_refused(running: Running, base: Base, origin: str | None) -> None:
    named = origin.format(port=running.door.port) if origin else None
    assert ask(running, "POST", "/api/whatif", question(base), Origin=named)[0] == 403


@pytest.mark.parametrize(
    "kind", [None, "text/plain", "application/x-www-form-urlencoded", "multipart/form-data", "application/jsonx"]
)
def test_what_a_form_can_send_is_refused(running: Running, base: Base, kind: str | None) -> None:
    assert ask(running, "POST", "/api/whatif", question(base), Content_Type=kind)[0] == 415


@pytest.mark.parametrize(
    "cookie",
    [
        None,
        "",
        "borderlink=x",
        "borderlink-1={token}",
        "borderlink-{port}=",
        "borderlink-{port}=wrong",
        "borderlink-{port}={token}x",
    ],
)
def test_no_answer_without_the_token_of_this_run(running: Running, base: Base, cookie: str | None) -> None:
    named = cookie.format(port=running.door.port, token=running.door.token) if cookie is not None else None
    for method, path in (
        ("GET", "/api/study"),
        ("POST", "/api/whatif"),
        ("POST", "/api/layers.gpkg"),
        ("GET", "/api/nothing"),
    ):
        assert ask(running, method, path, question(base) if method == "POST" else None, Cookie=named)[0] == 401


def test_the_header_lets_a_frame_in_and_a_wrong_one_does_not(running: Running, base: Base) -> None:
    good = {"Cookie": None, "X_Borderlink_Token": running.door.token}
    assert ask(running, "POST", "/api/whatif", question(base), **good)[0] == 200
    assert ask(running, "GET", "/api/study", X_Borderlink_Token="wrong")[0] == 401


def test_a_page_of_another_site_can_not_read_by_get(running: Running) -> None:
    assert ask(running, "GET", "/api/study", Sec_Fetch_Site="cross-site")[0] == 403


def test_the_address_is_replaced_at_once_by_one_without_the_token(running: Running) -> None:
    status, headers, _ = ask(running, "GET", f"/?token={running.door.token}", Cookie=None)
    assert status == 303 and headers["location"] == "/"
    cookie = headers["set-cookie"].lower()
    assert (
        cookie.startswith(f"borderlink-{running.door.port}=") and "httponly" in cookie and "samesite=strict" in cookie
    )
    status, headers, _ = ask(running, "GET", "/?token=wrong", Cookie=None)
    assert status == 303 and "set-cookie" not in headers
    status, _, body = ask(running, "GET", "/", Cookie=None)
    assert status == 200 and running.door.token.encode() not in body


@pytest.mark.parametrize(
    "path",
    [
        "/docs",
        "/redoc",
        "/openapi.json",
        "/assets/../app.py",
        "/assets/%2e%2e/app.py",
        "/assets/..%2f..%2fapp.py",
        "/assets//etc/passwd",
        "/assets/page.html",
        "/assets/",
        "/static/app.js",
        "/api",
        "//etc/passwd",
    ],
)
def test_there_is_nothing_but_the_page(running: Running, path: str) -> None:
    status, _, body = ask(running, "GET", path)
    assert status in (404, 405) and b"root:" not in body and b"FastAPI" not in body


@pytest.mark.parametrize("method", ["PUT", "DELETE", "OPTIONS", "PATCH", "TRACE"])
def test_other_methods_are_refused(running: Running, method: str) -> None:
    status, headers, _ = ask(running, method, "/api/whatif")
    assert status == 405 and "access-control-allow-origin" not in headers


def test_large_bodies_are_refused_stated_or_streamed(running: Running, base: Base) -> None:
    large = question(base, [{"edit": "close", "checkpoint": "x" * LARGEST_BODY}])
    assert ask(running, "POST", "/api/whatif", large)[0] == 413
    host = running.door.hosts[0]
    head = (
        f"POST /api/whatif HTTP/1.1\r\nHost: {host}\r\nOrigin: http://{host}\r\nContent-Type: application/json\r\n"
        f"Cookie: {running.door.cookie}={running.door.token}\r\nTransfer-Encoding: chunked\r\n\r\n"
    )
    with socket.create_connection(("127.0.0.1", running.door.port), timeout=20) as wire:
        wire.sendall(head.encode())
        try:
            for _ in range(100):
                wire.sendall(b"1000\r\n" + b"x" * 0x1000 + b"\r\n")
        except OSError:
            pass  # it hung up, as it may
        with contextlib.suppress(ConnectionResetError):
            assert b" 413 " in wire.recv(200)
    assert ask(running, "GET", "/api/study")[0] == 200


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"", "body"),
        (b"{", "body"),
        (b"[]", "body"),
        (b'"x"', "body"),
        (b"\xff\xfe", "body"),
        (b"[" * 30_000, "body"),
        (b'{"study": 1, "edits": []}', "study"),
        (b'{"study": "%KEY%"}', "edits"),
        (b'{"study": "%KEY%", "edits": {}}', "edits"),
        (b'{"study": "%KEY%", "edits": [1]}', "edits.0"),
        (b'{"study": "%KEY%", "edits": [], "x": 1}', "x"),
        (b'{"study": "%KEY%", "edits": [{"edit": "explode"}]}', "edit 1"),
        (b'{"study": "%KEY%", "edits": [{"edit": "wait", "checkpoint": "south", "wait_min": -5}]}', "wait_min"),
        (b'{"study": "%KEY%", "edits": [{"edit": "wait", "checkpoint": "south", "wait_min": NaN}]}', ""),
        (b'{"study": "%KEY%", "edits": [{"edit": "wait", "checkpoint": "south", "wait_min": 1e999}]}', ""),
        (b'{"study": "%KEY%", "edits": [{"edit": "close", "checkpoint": "sauth"}]}', "South"),
        (
            b'{"study": "%KEY%", "edits": [{"edit": "close", "checkpoint": "south"}, {"edit": "close", '
            b'"checkpoint": "north"}]}',
            "every checkpoint is closed",
        ),
        (b'{"study": "%KEY%", "edits": [{"edit": "open", "lon": 0, "lat": 0}]}', "border line"),
        (b'{"study": "%KEY%", "edits": [{"edit": "road", "layer": "/etc/passwd"}]}', "layer"),
        (b'{"study": "%KEY%", "edits": [{"edit": "close", "checkpoint": ["south"]}]}', ""),
    ],
)
def test_bad_bodies_are_answered_in_one_sentence(running: Running, base: Base, body: bytes, said: str) -> None:
    status, headers, answer = ask(running, "POST", "/api/whatif", body.replace(b"%KEY%", base.key.encode()))
    told = json.loads(answer)["error"] if status != 200 else ""
    assert status == 422 or (said == "" and status == 200), (status, answer)
    assert said in told and "Traceback" not in told and ".py" not in told
    assert headers["content-type"].startswith("application/json")


def test_more_than_fifty_edits_and_another_study_are_refused(running: Running, base: Base) -> None:
    edits = [{"edit": "wait", "checkpoint": "south", "wait_min": 1.0}] * 51
    assert ask(running, "POST", "/api/whatif", question(base, edits))[0] == 422
    other = json.dumps({"study": "0" * 12, "edits": []}).encode()
    assert ask(running, "POST", "/api/whatif", other)[0] == 409


def test_a_file_of_edits_names_no_file(running: Running) -> None:
    for text in ('[[edits]]\nedit = "road"\nlayer = "/etc/passwd"\n', "x" * 63_000, "[[edits]]", "\x00"):
        status, _, body = ask(running, "POST", "/api/edits", json.dumps({"toml": text}).encode())
        assert status == 422 and b"root:" not in body


def test_a_crowd_is_told_to_ask_again_and_slow_questions_end(base: Base) -> None:
    from gis.serve.app import create_app
    from gis.serve.desk import Desk

    server = open_server(base, port=0)
    slow = Desk(longest_s=0.5)
    server.server.config.app = create_app(base, server.door, desk=slow)
    server.start()
    gate = threading.Event()
    blocked = [slow._threads.submit(gate.wait, 20) for _ in range(MOST_AT_ONCE)]
    codes: list[int] = []
    threads = [
        threading.Thread(target=lambda: codes.append(ask(server, "POST", "/api/whatif", question(base))[0]))
        for _ in range(MOST_AT_ONCE + 3)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(codes) == [429] * 3 + [503] * MOST_AT_ONCE
    gate.set()
    for work in blocked:
        work.result()
    for _ in range(100):
        time.sleep(0.05)
        if (status := ask(server, "POST", "/api/whatif", question(base))[0]) == 200:
            break
    assert status == 200
    server.stop()


def test_the_server_stays_on_this_machine_unless_a_token_is_given(base: Base) -> None:
    for host in ("0.0.0.0", "192.0.2.1", "example.org"):
        with pytest.raises(OutputError, match="--token"):
            open_server(base, host=host, port=0)
    for token in ("short", "with some spaces in it", "ключ-из-многих-букв"):
        with pytest.raises(OutputError, match="token"):
            door_at("0.0.0.0", 80, token)
    assert door_at("0.0.0.0", 80, "x" * 16).hosts == ("0.0.0.0:80",)
    for host in LOOPBACK[:2]:
        assert set(door_at(host, 80, None).hosts) == {"127.0.0.1:80", "localhost:80"}


def test_a_port_that_is_taken_is_named(base: Base, running: Running) -> None:
    with pytest.raises(OutputError, match=str(running.door.port)):
        open_server(base, port=running.door.port)


def test_a_websocket_is_not_opened(running: Running) -> None:
    status, _, _ = ask(
        running,
        "GET",
        "/api/study",
        Upgrade="websocket",
        Connection="Upgrade",
        Sec_WebSocket_Key="x" * 22 + "==",
        Sec_WebSocket_Version="13",
    )
    assert status in (200, 400, 403, 426)


def test_a_notebooks_frame_is_named_and_no_other(base: Base) -> None:
    headers = door_at("127.0.0.1", 80, None, frame="http://localhost:8888").headers()
    assert "frame-ancestors http://localhost:8888" in headers["content-security-policy"]
    assert "x-frame-options" not in headers
