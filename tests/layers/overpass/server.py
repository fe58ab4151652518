"""An Overpass server on this machine: it answers the forms of queries that we send out of a world, or badly as told."""

from __future__ import annotations

import gzip
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs
from xml.sax.saxutils import quoteattr

import shapely

from tests.layers.overpass.world import World

FORM = re.compile(r"\[out:xml\]\[timeout:\d+\];\n\(\n(?P<found>.*)\n\);\n\(\._;>;\);\nout body;\n", re.S)
STATEMENT = re.compile(r'(?P<kind>node|way|relation)(?P<tests>(?:\["[^\]]*"\])+)(?:\(poly:"(?P<poly>[-0-9. ]+)"\))?;')
TEST = re.compile(r'\["(?P<key>[^"]+)"(?P<how>=|~)"(?P<value>[^"]*)"\]')


@dataclass(frozen=True)
class Bad:
    """One answer as it should not be."""

    status: int = 200
    body: bytes | None = None
    headers: dict[str, str] = field(default_factory=dict)
    remark: str = ""
    cut: int | None = None
    """Bytes that are left away at the end of the right answer, which is then sent as if it were whole."""
    broken: bool = False
    """The connection is closed in the middle."""
    hang: bool = False


class Overpass(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, world: World) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.world = world
        self.trouble: list[Bad] = []
        """How the next queries are answered; after that, rightly."""
        self.status_page = "Connected as: 1\nRate limit: 2\n2 slots available now.\n"
        self.queries: list[str] = []
        self.agents: list[str] = []
        self.sent: list[bytes] = []
        self.asked_status = 0
        self.released = threading.Event()
        self.guard = threading.Lock()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/api"

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that gave up is part of the tests."""

    def answer(self, query: str) -> bytes:
        """Return the right answer to a query."""
        form = FORM.fullmatch(query)
        if form is None:
            raise ValueError("parse error")
        found: dict[str, set[int]] = {"node": set(), "way": set(), "relation": set()}
        for line in form["found"].splitlines():
            statement = STATEMENT.fullmatch(line.strip())
            if statement is None:
                raise ValueError(f"parse error: {line}")
            found[statement["kind"]] |= self.matching(statement)
        return self.printed(found).encode()

    def matching(self, statement: re.Match[str]) -> set[int]:
        """Return the ids of the objects that a statement finds."""
        world, kind = self.world, statement["kind"]
        tests = [(t["key"], t["how"], t["value"]) for t in TEST.finditer(statement["tests"])]
        area = None
        if statement["poly"]:
            numbers = [float(n) for n in statement["poly"].split()]
            area = shapely.Polygon(list(zip(numbers[1::2], numbers[::2], strict=True)))

        def fits(tags: dict[str, str]) -> bool:
            return all(
                key in tags and (tags[key] == value if how == "=" else re.search(value, tags[key]) is not None)
                for key, how, value in tests
            )

        def inside(refs: list[int]) -> bool:
            places = [world.nodes[r][:2] for r in refs if r in world.nodes]
            shape = shapely.LineString(places) if len(places) > 1 else shapely.MultiPoint(places)
            return area is None or bool(shapely.intersects(area, shape))

        if kind == "node":
            return {i for i, (_, _, tags) in world.nodes.items() if tags and fits(tags) and inside([i])}
        if kind == "way":
            return {i for i, (refs, tags) in world.ways.items() if fits(tags) and inside(refs)}
        return {i for i, (_, tags) in world.relations.items() if fits(tags)}

    def printed(self, found: dict[str, set[int]]) -> str:
        """Return what was found, with the ways of relations and the nodes of ways, as Overpass prints it."""
        world = self.world
        relations = sorted(found["relation"])
        members = {(t, ref) for i in relations for t, ref, _ in world.relations[i][0]}
        ways = sorted({i for i in found["way"] | {r for t, r in members if t == "w"} if i in world.ways})
        refs = {ref for i in ways for ref in world.ways[i][0]} | {r for t, r in members if t == "n"}
        lines = [
            '<?xml version="1.0" encoding="UTF-8"?>\n<osm version="0.6" generator="Overpass API 0.7.62 test">',
            "<note>The data included in this document is from www.openstreetmap.org.</note>",
            f'<meta osm_base="{world.timestamp}"/>\n',
        ]
        for i in sorted(i for i in found["node"] | refs if i in world.nodes):
            lon, lat, tags = world.nodes[i]
            lines.append(f'  <node id="{i}" lat="{lat:.7f}" lon="{lon:.7f}">{_tags(tags)}</node>')
        for i in ways:
            nodes, tags = world.ways[i]
            lines.append(f'  <way id="{i}">{"".join(f"""<nd ref="{r}"/>""" for r in nodes)}{_tags(tags)}</way>')
        full = {"n": "node", "w": "way", "r": "relation"}
        for i in relations:
            inner = "".join(
                f'<member type="{full[t]}" ref="{r}" role={quoteattr(role)}/>' for t, r, role in world.relations[i][0]
            )
            lines.append(f'  <relation id="{i}">{inner}{_tags(world.relations[i][1])}</relation>')
        return "\n".join([*lines, "\n</osm>\n"])


def _tags(tags: dict[str, str]) -> str:
    return "".join(f"<tag k={quoteattr(k)} v={quoteattr(v)}/>" for k, v in tags.items())


class Handler(BaseHTTPRequestHandler):
    server: Overpass
    protocol_version = "HTTP/1.1"
    timeout = 20

    def log_message(self, format: str, *args: Any) -> None:
        pass

    def do_GET(self) -> None:
        self.server.asked_status += 1
        self.send(200 if self.path == "/api/status" else 404, self.server.status_page.encode(), {})

    def do_POST(self) -> None:
        sent = self.rfile.read(int(self.headers["Content-Length"]))
        server = self.server
        with server.guard:
            query = parse_qs(sent.decode())["data"][0]
            server.queries.append(query)
            server.agents.append(self.headers["User-Agent"])
            bad = server.trouble.pop(0) if server.trouble else Bad()
        if bad.hang:
            self.close_connection = True
            server.released.wait(20)
            return
        try:
            body = server.answer(query)
        except ValueError as error:
            page = f"<html><body><p><strong>Error</strong>: line 1: {error}</p></body></html>"
            self.send(400, page.encode(), {})
            return
        if bad.remark:
            body = body.replace(b"\n</osm>", f"<remark> {bad.remark} </remark>\n</osm>".encode())
        body = body[: len(body) - bad.cut] if bad.cut else body
        server.sent.append(body)
        self.send(bad.status, body if bad.body is None else bad.body, bad.headers, broken=bad.broken)

    def send(self, status: int, body: bytes, headers: dict[str, str], *, broken: bool = False) -> None:
        """Send an answer, packed where the client can unpack it, as real servers do."""
        self.close_connection = True
        self.send_response(status)
        packed = "gzip" in self.headers.get("Accept-Encoding", "")
        body = gzip.compress(body) if packed else body
        for name, value in ({"Content-Encoding": "gzip"} if packed else {}).items():
            self.send_header(name, value)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(body[: len(body) // 2] if broken else body)


@contextmanager
def serving(world: World) -> Iterator[Overpass]:
    """Run a server in a thread, and end it with everything that hangs on it."""
    with Overpass(world) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        try:
            yield server
        finally:
            server.released.set()
            server.shutdown()
            thread.join(10)
