"""How far a command is: shares of stages by hand, lines and bars, and Ctrl-C in a real process."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from itertools import pairwise
from pathlib import Path

import pytest

from gis.clock import Clock
from gis.commands import progress as told
from gis.commands.progress import EXPECTED, Lines, Progress, progress
from layers.progress import heard_by, piece, shares, tell
from tests.gis.conftest import ROOT, call
from tests.gis.grid import grid_layers, write_grid


class Seconds:
    """A clock that the test moves."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def test_what_is_left_by_hand() -> None:
    """Two stages of one and three parts: the first took 10 s, so that the second takes 30."""
    clock = Seconds()
    state = Progress({"build": 1, "measure": 3}, clock)
    state("build")
    assert (state.of_stage(), state.of_all(), state.left_s()) == (0, 0, None)
    clock.now = 10.0
    assert state.line() == "build for 10 s"
    state("measure")
    assert state.of_all() == 0.25
    assert state.left_s() == 30.0
    clock.now = 25.0
    assert state.of_stage() == 0.5, "at the pace of the stage before"
    assert state.of_all() == 0.25 + 0.75 * 0.5
    state.share(0.8)
    assert state.of_stage() == 0.8, "what the stage itself tells counts"
    assert state.left_s() == pytest.approx(25 * 0.15 / 0.85)
    state.share(0.3)
    assert state.of_stage() == 0.8, "nothing goes back"
    clock.now = 10_000.0
    assert state.of_stage() == told.STALE, "what takes longer is not said to be done"
    assert state.line() == "measure 95 %, 96 % of all, about 6 min left"


def test_a_stage_that_nobody_expects_costs_no_number() -> None:
    state = Progress(EXPECTED["run"], Seconds())
    state("kept network")
    assert (state.of_stage(), state.of_all(), state.left_s()) == (0, 0, None)
    state("measures")
    assert state.of_all() == 0.09, "a network that was kept was not built: its part is behind us"


def test_nothing_goes_back(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """A sweep builds a network for each border, and tells of a worker that died; a damaged kept network is built."""
    clock, stages = (
        Seconds(),
        ("kept network", "layers", "network", "layers", "network", "parts", "a worker died", "tables"),
    )
    state, heard = Progress(EXPECTED["sweep"], clock), []
    for stage in stages:
        state(stage)
        for done in (0.3, 0.9):
            clock.now += 5.0
            state.share(done)
            heard.append(state.of_all())
    assert heard == sorted(heard)
    assert heard[1] == 0.0 < heard[3] < 0.98 < heard[-1] <= 1.0
    monkeypatch.setattr(told.JsonLines, "wanted", True)
    with progress("sweep") as listen:
        for stage in stages:
            listen(stage)
    lines = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    assert [line["stage"] for line in lines] == list(stages)
    assert [line["number"] for line in lines] == [0, 1, 2, 2, 2, 3, 3, 4]
    assert {line["of"] for line in lines} == {4}


def test_a_command_is_not_said_to_be_done_before_it_is() -> None:
    state = Progress({"build": 95, "report": 5}, Seconds())
    state("report")
    state.share(0.999)
    assert state.line().startswith("report 99 %, 99 % of all")
    state.share(1.0)
    assert state.line().startswith("report 100 %, 100 % of all")


def test_what_waits_before_its_first_stage_says_so() -> None:
    """Another process may be building the same network."""
    clock = Seconds()
    state = Progress(EXPECTED["run"], clock)
    clock.now = 20.0
    assert state.line() == "start for 20 s"


def test_pieces_lie_within_pieces() -> None:
    heard: list[float] = []
    with heard_by(heard.append):
        with piece(0.0, 0.5):
            tell(1, 2)
            with piece(0.5, 1.0):
                tell(1, 2)
        for span in shares([0, 2, 2]):
            with piece(*span):
                pass
    assert heard == [0.25, 0.375, 0.5, 0.5, 0.0, 0.5, 1.0]
    tell(1, 2)
    assert len(heard) == 7, "nobody listens any more"


def test_a_stage_of_a_run_hears_its_work() -> None:
    state = Progress(EXPECTED["run"], Seconds())
    with Clock(state).stage("chapters"):
        tell(2, 5)
        assert state.of_stage() == 0.4
    with Clock(None).stage("chapters"):
        tell(2, 5)


def test_lines_every_ten_seconds(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(told, "LINE_S", 0.05)
    with progress("run") as listen:
        assert isinstance(listen, Lines)
        listen.now, listen.begun = Seconds(), 0.0
        listen("network")
        listen.share(0.5)
        time.sleep(0.3)
    lines = capsys.readouterr().err.splitlines()
    assert lines[0] == "network …"
    assert lines[1].startswith("network 50 %, 6 % of all, about ")
    assert len(lines) > 2


def test_every_command_knows_its_stages(tmp_path: Path) -> None:
    study = write_grid(tmp_path / "study")
    sites = ("--candidates", "crossing", "--draws", "2")
    for command, more in (("run", ()), ("scenario", ("--close", "south")), ("sites", sites)):
        done = call(command, study, *more, "--fresh", "--out", tmp_path / command, cwd=tmp_path)
        assert done.returncode == 0, done.stderr
        stages = [line.removesuffix(" …") for line in done.stderr.splitlines() if line.endswith(" …")]
        assert set(stages) <= set(EXPECTED[command]), command
        at = [list(EXPECTED[command]).index(stage) for stage in stages]
        assert all(a < b for a, b in pairwise(at)), stages


@pytest.mark.parametrize("command", ["route", "isochrone", "matrix"])
def test_questions_tell_their_stages(command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    towns = grid_layers()["settlements"]["name"].tolist()
    places = {"route": towns[:2], "isochrone": towns[:1], "matrix": [*towns[:2], "--out", "-"]}[command]
    study = write_grid(tmp_path / "study")
    options = (*places, "--study", study, "--cache", tmp_path / "cache")
    done = call("--json-progress", command, *options, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    stages = [json.loads(line)["stage"] for line in done.stderr.splitlines()]
    assert stages == list(EXPECTED[command])
    again = call(command, *options, cwd=tmp_path)
    assert (again.returncode, again.stderr, again.stdout) == (0, "", done.stdout), "a kept network answers at once"
    monkeypatch.setattr(told, "LINE_S", 0.02)
    fresh = call(command, *options, "--fresh", cwd=tmp_path)
    assert fresh.stdout == done.stdout
    assert any("% of all" in line for line in fresh.stderr.splitlines())


@pytest.mark.skipif(sys.platform == "win32", reason="no pseudo-terminals")
@pytest.mark.parametrize("seconds", [0.0, 0.6])
def test_a_bar_is_drawn_where_an_answer_takes_its_time(seconds: float, tmp_path: Path) -> None:
    import pty

    script = (
        "import sys, time\nfrom gis.commands import progress as p\np.QUIET_S = 0.2\n"
        f"with p.answering('route') as listen:\n    listen('network')\n    time.sleep({seconds})\n"
        "print('rich' in sys.modules)"
    )
    ours, theirs = pty.openpty()
    env = {**os.environ, "PYTHONPATH": str(ROOT), "TERM": "xterm"}
    done = subprocess.run(
        [sys.executable, "-c", script],
        env=env,
        stderr=theirs,
        stdout=subprocess.PIPE,
        text=True,
        check=True,
        timeout=60,
    )
    os.close(theirs)
    drawn = b""
    with suppress(OSError):  # the other end is closed
        while part := os.read(ours, 4096):
            drawn += part
    os.close(ours)
    assert (b"network" in drawn) == (seconds > 0)
    assert done.stdout.strip() == str(seconds > 0), "what draws it is imported when it is wanted"


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="seconds of another process are read from /proc")
@pytest.mark.parametrize("stage", ["network", "measures", "chapters", "web map"])
def test_ctrl_c_ends_a_run_within_a_second_and_leaves_all_whole(stage: str, tmp_path: Path) -> None:
    """A second of the processor, for the machine may be busy.

    The next run goes on, and leaves what one without an interruption does.
    """
    study, cache = write_grid(tmp_path / "study"), tmp_path / "cache"
    command = [sys.executable, "-m", "gis.cli", "run", str(study), "--cache", str(cache), "--out", "out"]
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    with subprocess.Popen(
        command, cwd=tmp_path, env=env, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as run:
        assert run.stderr is not None
        for line in run.stderr:
            if line.startswith(f"{stage} …"):
                break
        before = _cpu_s(run.pid)
        run.send_signal(signal.SIGINT)
        while _cpu_s(run.pid) >= 0:
            after = _cpu_s(run.pid)
            time.sleep(0.01)
        _, errors = run.communicate()
    assert run.returncode in (130, -signal.SIGINT), errors
    assert after - before < 1.0
    out = tmp_path / "out"
    assert not out.exists() or not list(out.iterdir()), "nothing half-written is left"
    done = call("run", study, "--cache", cache, "--out", out, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert ("taken from the cache" in done.stdout) == (stage != "network"), (
        "what was kept before the interruption serves"
    )


def _cpu_s(pid: int) -> float:
    """Return the seconds that a process has used; −1 where it has ended."""
    try:
        parts = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return -1.0
    return -1.0 if parts[0] == "Z" else (int(parts[11]) + int(parts[12])) / os.sysconf("SC_CLK_TCK")
