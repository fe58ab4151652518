"""Doors that are easily forgotten: every route by its list, headers that come twice, what the server never imports."""

from __future__ import annotations

import ast
import socket
import threading
from typing import TYPE_CHECKING, Any

import pytest

from gis.serve.app import create_app
from gis.serve.desk import Desk
from gis.serve.guard import MOST_AT_ONCE, new_token
from gis.serve.run import open_server
from tests.gis.conftest import ROOT
from tests.gis.serve.test_attacks import ask, question
from tests.gis.serve.test_browser import opened, settled, until

if TYPE_CHECKING:
    from gis.queries.standing import Base
    from gis.serve.run import Running

ROUTES = {
    "/": "GET", "/assets/{name}": "GET", "/api/study": "GET", "/api/whatif": "POST", "/api/spread": "POST",
    "/api/queues": "POST", "/api/route": "POST", "/api/isochrone": "POST", "/api/scenario.toml": "POST",
    "/api/edits": "POST", "/api/page.html": "POST", "/api/layers.gpkg": "POST",
}  # fmt: skip


def test_there_are_these_routes_alone_and_all_answers_need_the_token(running: Running, base: Base) -> None:
    app: Any = create_app(base, running.door).app
    assert {r.path: "".join(r.methods - {"HEAD"}) for r in app.routes} == ROUTES
    for path, method in ROUTES.items():
        body = question(base) if method == "POST" else None
        for cookie in (None, f"{running.door.cookie}={new_token()}"):
            status = ask(running, method, path, body, Cookie=cookie)[0]
            assert status == (401 if path.startswith("/api/") else 404 if "{" in path else 200), path


def test_each_run_has_a_token_of_its_own() -> None:
    tokens = {new_token() for _ in range(100)}
    assert len(tokens) == 100 and min(map(len, tokens)) >= 40


@pytest.mark.parametrize("name", ["Host", "Origin", "Content-Type"])
def test_a_header_that_comes_twice_is_refused(running: Running, base: Base, name: str) -> None:
    host = running.door.hosts[0]
    good = {"Host": host, "Origin": f"http://{host}", "Content-Type": "application/json"}
    more = {"Host": "evil.example", "Origin": "http://evil.example", "Content-Type": "text/plain"}
    body = question(base)
    for order in ((good[name], more[name]), (more[name], good[name])):
        lines = [f"{k}: {v}" for k, v in good.items() if k != name] + [f"{name}: {v}" for v in order]
        lines += [
            f"Cookie: {running.door.cookie}={running.door.token}",
            f"Content-Length: {len(body)}",
            "Connection: close",
        ]
        with socket.create_connection(("127.0.0.1", running.door.port), timeout=20) as wire:
            wire.sendall(("POST /api/whatif HTTP/1.1\r\n" + "\r\n".join(lines) + "\r\n\r\n").encode() + body)
            status = int(wire.recv(64).split()[1])
        assert status in (400, 403, 415), (name, order)


def test_the_server_unpickles_and_evaluates_nothing() -> None:
    for file in sorted((ROOT / "gis" / "serve").glob("*.py")):
        tree = ast.parse(file.read_text(encoding="utf-8"))
        names = {a.name for n in ast.walk(tree) if isinstance(n, ast.Import) for a in n.names}
        names |= {n.module or "" for n in ast.walk(tree) if isinstance(n, ast.ImportFrom)}
        assert not names & {"pickle", "marshal", "shelve", "dill", "joblib", "subprocess", "yaml"}, file
        calls = {n.func.id for n in ast.walk(tree) if isinstance(n, ast.Call) and isinstance(n.func, ast.Name)}
        assert not calls & {"eval", "exec", "compile", "open", "__import__"}, file


def test_the_policy_lets_nothing_of_elsewhere_in(running: Running) -> None:
    policy = dict(
        part.strip().split(" ", 1)
        for part in ask(running, "GET", "/")[1]["content-security-policy"].split(";")
        if " " in part.strip()
    )
    assert (
        policy["default-src"] == "'self'" and policy["frame-ancestors"] == "'none'" and policy["object-src"] == "'none'"
    )
    assert "unsafe" not in " ".join(policy.values()) and "http" not in " ".join(policy.values())


@pytest.mark.browser
def test_the_page_waits_and_asks_again_when_the_server_is_busy(chromium: Any, base: Base) -> None:
    server = open_server(base, port=0)
    desk = Desk()
    server.server.config.app = create_app(base, server.door, desk=desk)
    server.start()
    gate = threading.Event()
    try:
        opened(chromium, server)
        for _ in range(MOST_AT_ONCE):
            assert desk._places.acquire(blocking=False)
        chromium.execute_script("borderlink.state.setOpen('south', false)")
        until(chromium, "return document.body.dataset.state === 'working'")
        assert ask(server, "POST", "/api/whatif", question(base))[0] == 429
        gate.wait(1.5)
        assert chromium.execute_script("return document.body.dataset.state") == "working"
        assert chromium.execute_script("return document.getElementById('problem').hidden")
        for _ in range(MOST_AT_ONCE):
            desk._places.release()
        settled(chromium)
        assert chromium.execute_script("return borderlink.map.change.totals[0].change") > 0
    finally:
        server.stop()


@pytest.mark.browser
def test_the_policy_stops_a_script_that_gets_into_the_page(chromium: Any, running: Running) -> None:
    opened(chromium, running)
    chromium.execute_script(
        "const s = document.createElement('script'); s.textContent = 'window.owned = true'; document.body.append(s);"
        "const i = new Image(); i.onerror = () => { window.refused = true }; i.src = 'http://127.0.0.1:9/x.png';"
    )
    until(chromium, "return window.refused")
    assert chromium.execute_script("return window.owned") is None
    chromium.get_log("browser")
