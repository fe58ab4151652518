"""The command: it prints an address that answers, ends by Ctrl-C, and refuses in one message what it can't do."""

from __future__ import annotations

import http.client
import os
import re
import signal
import subprocess
import sys
import urllib.parse
from pathlib import Path

import pandas as pd
import pytest

from gis.inputs import Fetching
from gis.queries.kinds import Close, Speeds
from gis.queries.standing import Base
from gis.queries.whatif import whatif
from gis.serve import run
from gis.study import load_study
from tests.gis.conftest import ROOT, call


def test_it_serves_until_it_is_interrupted(study_file: Path, tmp_path: Path) -> None:
    (tmp_path / "plan.toml").write_text('[[edits]]\nedit = "close"\ncheckpoint = "South"\n', encoding="utf-8")
    command = [
        sys.executable,
        "-c",
        "from gis.cli import main; main()",
        "serve",
        str(study_file),
        "--port",
        "0",
        "--no-browser",
        "--scenario",
        "plan.toml",
    ]
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    with subprocess.Popen(
        command, cwd=tmp_path, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            assert process.stdout is not None
            line = process.stdout.readline()
            found = re.search(r"Open (http://127\.0\.0\.1:(\d+)/\?token=(\S+))", line)
            assert found, line + (process.stderr.read() if process.stderr and process.poll() is not None else "")
            address = urllib.parse.urlsplit(found[1])
            connection = http.client.HTTPConnection("127.0.0.1", int(found[2]), timeout=30)
            connection.request("GET", f"/?{address.query}")
            answer = connection.getresponse()
            cookie = str(answer.getheader("set-cookie")).partition(";")[0]
            answer.read()
            connection.request("GET", "/api/study", headers={"Cookie": cookie})
            answer = connection.getresponse()
            assert answer.status == 200 and b'"start":[{"edit":"close","checkpoint":"South"}]' in answer.read()
            connection.close()
            process.send_signal(signal.SIGINT)
            assert process.wait(20) in (0, 130)
        finally:
            process.kill()


def test_a_second_start_takes_the_network_from_the_cache_and_answers_the_same(study_file: Path, tmp_path: Path) -> None:
    bases: list[Base] = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(run, "open_server", lambda base, **_: bases.append(base))
        stages: list[list[str]] = []
        for fresh in (False, False, True):
            stages.append([])
            run.serve_study(
                load_study(study_file), fetching=Fetching(tmp_path, keep=True, fresh=fresh), listen=stages[-1].append
            )
    assert stages == [["layers", "network", "trees"], ["kept network", "trees"], ["layers", "network", "trees"]]
    # A closure, and a class of road that has the network built again.
    for edits in ([Close("South")], [Close("South"), Speeds(0.5)]):
        first, *others = (whatif(base, edits) for base in bases)
        for other in others:
            pd.testing.assert_frame_equal(other.settlements, first.settlements, check_exact=True)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["nothing.toml"], "nothing.toml"),
        (["STUDY", "--scenario", "nothing.toml"], "no such scenario"),
        (["STUDY", "--scenario", "bad.toml"], "bad.toml, line 2"),
        (["STUDY", "--scenario", "unknown.toml"], "did you mean"),
        (["STUDY", "--host", "0.0.0.0"], "--token"),
        (["STUDY", "--host", "0.0.0.0", "--token", "short"], "16"),
        (["STUDY", "--port", "70000"], "65535"),
    ],
)
def test_what_can_not_be_is_one_message(study_file: Path, tmp_path: Path, arguments: list[str], said: str) -> None:
    (tmp_path / "bad.toml").write_text('[[edits]]\nedit = "clsoe"\ncheckpoint = "South"\n', encoding="utf-8")
    (tmp_path / "unknown.toml").write_text('[[edits]]\nedit = "close"\ncheckpoint = "Suoth"\n', encoding="utf-8")
    named = [str(study_file) if a == "STUDY" else a for a in arguments]
    done = call("serve", *named, "--no-browser", cwd=tmp_path)
    assert done.returncode != 0 and said in done.stderr and "Traceback" not in done.stderr
