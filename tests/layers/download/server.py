"""A small HTTP server on this machine that answers as it is told: well, badly, or not at all."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from hashlib import md5
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from random import Random
from typing import Any


def pbf(seed: int = 1, size: int = 300_000) -> bytes:
    """Return bytes that begin as an OSM PBF does."""
    return b"\x00\x00\x00\x0d\x0a\x09OSMHeader" + Random(seed).randbytes(size - 15)


@dataclass(frozen=True)
class Answer:
    """How one request is answered."""

    body: bytes = b""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    etag: str | None = '"one"'
    modified: str | None = None
    ranges: bool = True
    heeds_if_range: bool = True
    shows_version: bool = True
    shift: int = 0
    """Bytes by which a partial answer begins too early."""
    most: int | None = None
    """Bytes that a partial answer has at most."""
    cut_at: int | None = None
    """Bytes of the body after which the connection is closed."""
    hang_at: int | None = None
    """Bytes of the body after which nothing more comes; -1: not even the headers."""
    framing: str = "length"
    """How the end of the body is told: by length, chunked, or only by the end of the connection."""


class Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.answers: dict[str, list[Answer]] = {}
        self.requests: list[tuple[str, dict[str, str]]] = []
        self.released = threading.Event()
        self.guard = threading.Lock()

    def url(self, path: str = "") -> str:
        return f"http://127.0.0.1:{self.server_port}{path}"

    def put(self, path: str, *answers: Answer | bytes) -> str:
        """Answer requests for a path with these, one after another; the last one stays. Return the URL."""
        self.answers[path] = [Answer(a) if isinstance(a, bytes) else a for a in answers]
        return self.url(path)

    def put_md5(self, path: str, *bodies: bytes) -> None:
        """Put the md5 of these contents beside a path, one after another."""
        name = path.rpartition("/")[2]
        self.put(f"{path}.md5", *(Answer(f"{md5(body).hexdigest()}  {name}\n".encode()) for body in bodies))

    def next(self, path: str, headers: dict[str, str]) -> Answer:
        with self.guard:
            self.requests.append((path, headers))
            answers = self.answers.get(path)
            if not answers:
                return Answer(b"nothing here", 404)
            return answers.pop(0) if len(answers) > 1 else answers[0]

    def asked(self, path: str) -> list[dict[str, str]]:
        """Return the headers of the requests for a path so far."""
        return [headers for p, headers in self.requests if p == path]

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that gave up is part of the tests."""


class Handler(BaseHTTPRequestHandler):
    server: Server
    protocol_version = "HTTP/1.1"
    timeout = 20

    def log_message(self, format: str, *args: Any) -> None:
        pass

    def do_GET(self) -> None:
        asked = dict(self.headers.items())
        answer = self.server.next(self.path, asked)
        self.close_connection = True
        if answer.hang_at == -1:
            self.server.released.wait(20)
            return
        status, body, headers = self.partial(answer, asked)
        self.send_response(status)
        self.send_header("Connection", "close")
        for name, value in (headers | answer.headers).items():
            self.send_header(name, value)
        if answer.framing != "none":
            framing = ("Transfer-Encoding", "chunked") if answer.framing == "chunked" else ("Content-Length", len(body))
            self.send_header(framing[0], str(framing[1]))
        self.end_headers()
        self.send(body, answer)

    def partial(self, answer: Answer, asked: dict[str, str]) -> tuple[int, bytes, dict[str, str]]:
        """Return status, body and headers, with Range and the conditions of the request heeded or not."""
        version = {"ETag": answer.etag, "Last-Modified": answer.modified}
        headers = {k: v for k, v in version.items() if v is not None}
        if answer.status != 200:
            return answer.status, answer.body, {}
        if asked.get("If-None-Match", "") == answer.etag or (
            answer.modified and asked.get("If-Modified-Since") == answer.modified
        ):
            return 304, b"", headers
        same = not answer.heeds_if_range or asked.get("If-Range") in (answer.etag, answer.modified)
        if "Range" not in asked or not answer.ranges or not same:
            return 200, answer.body, headers
        start, size = int(asked["Range"].removeprefix("bytes=").removesuffix("-")), len(answer.body)
        if start >= size:
            return 416, b"", {"Content-Range": f"bytes */{size}"}
        start -= answer.shift
        end = size if answer.most is None else min(start + answer.most, size)
        shown = headers if answer.shows_version else {}
        return 206, answer.body[start:end], shown | {"Content-Range": f"bytes {start}-{end - 1}/{size}"}

    def send(self, body: bytes, answer: Answer) -> None:
        end = next((n for n in (answer.cut_at, answer.hang_at) if n is not None), len(body))
        if answer.framing == "chunked":
            self.wfile.write(b"%x\r\n%s\r\n" % (len(body[:end]), body[:end]))
            if answer.cut_at is None:
                self.wfile.write(b"0\r\n\r\n")
        else:
            self.wfile.write(body[:end])
        self.wfile.flush()
        if answer.hang_at is not None:
            self.server.released.wait(20)


@contextmanager
def serving() -> Iterator[Server]:
    """Run a server in a thread, and end it with everything that hangs on it."""
    with Server() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        try:
            yield server
        finally:
            server.released.set()
            server.shutdown()
            thread.join(10)
