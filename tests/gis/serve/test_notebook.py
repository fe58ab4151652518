"""A notebook shows the live page in a frame, or the still one and why."""

from __future__ import annotations

import http.server
import sys
import threading
import types
from pathlib import Path
from typing import Any

import pytest

import gis
from gis.serve.notebook import ELSEWHERE, LOCAL, local_origins
from gis.serve.run import door_at
from layers.errors import PlaceError
from tests.gis.serve.test_browser import until


@pytest.mark.browser
def test_a_frame_of_the_live_page_answers(chromium: Any, result: gis.Result, tmp_path: Path) -> None:
    page = result.whatif(gis.Close("South"))
    (tmp_path / "notebook.html").write_text(f"<!doctype html><title>n</title>{page._repr_html_()}", encoding="utf-8")

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def __init__(self, *args: Any) -> None:
            super().__init__(*args, directory=str(tmp_path))

        def log_message(self, *_: Any) -> None:
            pass

    notebook = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Quiet)
    threading.Thread(target=notebook.serve_forever, daemon=True).start()
    try:
        # Another name is another site, as a notebook's is: no cookie of ours reaches the frame.
        chromium.get(f"http://localhost:{notebook.server_port}/notebook.html")
        chromium.switch_to.frame(0)
        until(chromium, "return document.body && document.body.dataset.state === 'done'")
        assert "South closes" in chromium.find_element("id", "edits").text
        assert page.running is not None and page.running.door.token not in chromium.execute_script(
            "return location.href"
        )
    finally:
        chromium.switch_to.default_content()
        notebook.shutdown()
        notebook.server_close()
        page.stop()


def test_a_remote_notebook_gets_the_still_page_and_why(result: gis.Result, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(ELSEWHERE[0], "/user/x")
    page = result.whatif(gis.Close("South"))
    assert page.running is None and ELSEWHERE[0] in page.note and page.address == ""
    assert "srcdoc=" in page._repr_html_() and "another machine" in repr(page)
    page.stop()


def test_the_notebooks_that_run_here_may_frame_the_page_and_no_other_port(monkeypatch: pytest.MonkeyPatch) -> None:
    serverapp = types.ModuleType("jupyter_server.serverapp")
    monkeypatch.setitem(sys.modules, "jupyter_server", types.ModuleType("jupyter_server"))
    monkeypatch.setitem(sys.modules, "jupyter_server.serverapp", serverapp)
    monkeypatch.setattr(serverapp, "list_running_servers", lambda: [{"port": 8888}], raising=False)
    policy = door_at("127.0.0.1", 80, None, frame=local_origins()).headers()["content-security-policy"]
    assert policy.endswith("frame-ancestors http://localhost:8888 http://127.0.0.1:8888")
    monkeypatch.setattr(serverapp, "list_running_servers", lambda: [], raising=False)
    assert local_origins() == LOCAL


def test_edits_that_can_not_be_start_no_server(result: gis.Result) -> None:
    threads = threading.active_count()
    with pytest.raises(PlaceError, match="Atlantis"):
        result.whatif(gis.Close("Atlantis"), live=True)
    assert threading.active_count() == threads
