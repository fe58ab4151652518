"""An Overpass server on this machine: it answers the forms of queries that we send out of a world, or badly as told."""

from __future__ import annotations

import gzip
import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs

import shapely

from tests.layers.overpass.world import World

HEAD = re.compile(r"\[out:json\]\[timeout:\d+\];")
STATEMENT = re.compile(
    r"(?P<kind>node|way|relation)(?P<tests>(?:\[[^\]]*\])*)(?:\(poly:['\"](?P<poly>[-0-9. ]+)['\"]\))?(?P<bn>\(bn\))?"
)
TEST = re.compile(r"""\[(?P<q>['"])(?P<key>.+?)(?P=q)(?:(?P<how>=|!?~)(?P<r>['"])(?P<value>.*?)(?P=r))?\]""")
Found = dict[str, set[int]]


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
    trickle: bool = False
    """The body comes byte by byte."""


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
        """Return the right answer to a query.

        What stands in a bracket is united, ``>`` adds what the last found is made of.
        """
        head = HEAD.match(query)
        if head is None:
            raise ValueError("parse error: settings")
        rest, found = self.statements(query[head.end() :], {"node": set(), "way": set(), "relation": set()})
        if rest:
            raise ValueError(f"parse error: {rest[:40]}")
        return self.printed(found).encode()

    def statements(self, text: str, last: Found) -> tuple[str, Found]:
        """Read statements up to a closing bracket or the end, and return what is left and what they find together."""
        union: Found = {"node": set(), "way": set(), "relation": set()}
        while text and not text.startswith(")"):
            if text.startswith("out;"):
                return text.removeprefix("out;"), last
            if text.startswith("._;"):
                text = text.removeprefix("._;")
            elif text.startswith(">;"):
                text, last = text.removeprefix(">;"), self.made_of(last)
            elif text.startswith("("):
                text, last = self.statements(text[1:], last)
                if not text.startswith(");"):
                    raise ValueError("parse error: bracket")
                text = text.removeprefix(");")
            else:
                statement = STATEMENT.match(text)
                if statement is None or text[statement.end() : statement.end() + 1] != ";":
                    raise ValueError(f"parse error: {text[:40]}")
                nodes = last["node"]
                last = {"node": set(), "way": set(), "relation": set()}
                last[statement["kind"]] = self.matching(statement, nodes)
                text = text[statement.end() + 1 :]
            for kind, ids in last.items():
                union[kind] |= ids
        return text, union

    def made_of(self, found: Found) -> Found:
        """Return the ways of relations and the nodes of these and of ways."""
        world = self.world
        members = {(t, ref) for i in found["relation"] for t, ref, _ in world.relations[i][0]}
        ways = {r for t, r in members if t == "w" and r in world.ways}
        nodes = {ref for i in found["way"] | ways for ref in world.ways[i][0]} | {r for t, r in members if t == "n"}
        return {"node": {i for i in nodes if i in world.nodes}, "way": ways, "relation": set()}

    def matching(self, statement: re.Match[str], nodes: set[int]) -> set[int]:
        """Return the ids of the objects that a statement finds; ``nodes`` are those that ``bn`` means."""
        world, kind = self.world, statement["kind"]
        tests = [(t["key"], t["how"], t["value"]) for t in TEST.finditer(statement["tests"])]
        if "".join(t[0] for t in TEST.finditer(statement["tests"])) != statement["tests"]:
            raise ValueError(f"parse error: {statement['tests']}")
        area = None
        if statement["poly"]:
            numbers = [float(n) for n in statement["poly"].split()]
            area = shapely.Polygon(list(zip(numbers[1::2], numbers[::2], strict=True)))

        def fits(tags: dict[str, str]) -> bool:
            return all(
                (key in tags)
                if how is None
                else (tags.get(key) == value)
                if how == "="
                else (key in tags and re.search(value, tags[key]) is not None) == (how == "~")
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

        def whole(i: int) -> bool:
            members = world.relations[i][0]
            refs = [r for t, r, _ in members if t == "n"]
            ways = [world.ways[r][0] for t, r, _ in members if t == "w" and r in world.ways]
            return area is None or any(inside([r]) for r in refs) or any(inside(way) for way in ways)

        fitting = {i for i, (_, tags) in world.relations.items() if fits(tags)}
        if statement["bn"]:
            return {i for i in fitting if any(t == "n" and r in nodes for t, r, _ in world.relations[i][0])}
        return {i for i in fitting if whole(i)}

    def printed(self, found: Found) -> str:
        """Return what was found as Overpass prints it."""
        world = self.world
        full = {"n": "node", "w": "way", "r": "relation"}
        elements: list[dict[str, Any]] = []
        for i in sorted(found["node"]):
            lon, lat, tags = world.nodes[i]
            elements.append({"type": "node", "id": i, "lat": lat, "lon": lon, **_tags(tags)})
        for i in sorted(found["way"]):
            nodes, tags = world.ways[i]
            elements.append({"type": "way", "id": i, "nodes": nodes, **_tags(tags)})
        for i in sorted(found["relation"]):
            members, tags = world.relations[i]
            told = [{"type": full[t], "ref": r, "role": role} for t, r, role in members]
            elements.append({"type": "relation", "id": i, "members": told, **_tags(tags)})
        rows = ",\n".join(json.dumps(e, ensure_ascii=False) for e in elements)
        return (
            '{\n  "version": 0.6,\n  "generator": "Overpass API 0.7.62 test",\n  "osm3s": {\n'
            f'    "timestamp_osm_base": "{world.timestamp}",\n'
            '    "copyright": "The data included in this document is from www.openstreetmap.org."\n  },\n'
            f'  "elements": [\n{rows}\n  ]\n}}\n'
        )


def _tags(tags: dict[str, str]) -> dict[str, dict[str, str]]:
    return {"tags": tags} if tags else {}


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
            told = json.dumps(bad.remark, ensure_ascii=False).encode()
            body = body[: body.rindex(b"]") + 1] + b',\n"remark": ' + told + b"\n}\n"
        body = body[: len(body) - bad.cut] if bad.cut else body
        if bad.trickle:
            self.trickle(body)
            return
        server.sent.append(body)
        self.send(bad.status, body if bad.body is None else bad.body, bad.headers, broken=bad.broken)

    def trickle(self, body: bytes) -> None:
        """Send a body byte by byte, until nobody listens."""
        self.close_connection = True
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        for k in range(len(body)):
            self.wfile.write(body[k : k + 1])
            if self.server.released.wait(0.05):
                return

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
