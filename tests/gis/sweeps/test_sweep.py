"""The same numbers whoever computes them, after a lost worker and after a restart; what is done is never done again."""

from __future__ import annotations

import json
import os
import signal
import threading
import time
from concurrent.futures.process import BrokenProcessPool
from typing import TYPE_CHECKING

import pandas as pd
import pytest

from gis.inputs import Fetching
from gis.queries.plans import read_plan
from gis.study import load_study
from gis.sweeps import executors
from gis.sweeps.executors import Here, check_where
from gis.sweeps.parts import AS_IS, blocks
from gis.sweeps.sweep import Job, run_sweep
from layers.errors import OutputError, StudyError
from tests.gis.conftest import call
from tests.gis.grid import write_grid

if TYPE_CHECKING:
    from pathlib import Path

ARGUMENTS = (
    "sweep",
    "study.toml",
    "--edits",
    "third.toml",
    "--edits",
    "closed.toml",
    "--candidates",
    "sample",
    "--every-km",
    "10",
    "--wait",
    "10",
    "--draws",
    "12",
    "--cache",
    "cache",
)
PLANS = {
    "third": 'name = "A third post"\n[[edits]]\nedit = "open"\nlon = 60.0\nlat = 49.9\nwait_min = 5\n',
    "closed": 'name = "South closed"\n[[edits]]\nedit = "close"\ncheckpoint = "South"\n',
}


@pytest.fixture
def short_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Cut sweeps into parts of two draws."""
    monkeypatch.setattr("gis.sweeps.sweep.blocks", two_draws)


def two_draws(draws: int, pairs: int, candidates: int = 0) -> list[tuple[int, int]]:
    del pairs, candidates
    return [(n, min(n + 2, draws)) for n in range(AS_IS, draws, 2)]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_grid(tmp_path)
    for name, text in PLANS.items():
        (tmp_path / f"{name}.toml").write_text(text, encoding="utf-8")
    return tmp_path


def tables(out: Path) -> dict[str, bytes]:
    return {p.name: p.read_bytes() for p in sorted((out / "tables").iterdir())}


def test_blocks_leave_out_no_draw() -> None:
    for draws, pairs, candidates in ((200, 100_000, 0), (0, 10, 0), (7, 10**9, 500), (1000, 300, 20)):
        found = blocks(draws, pairs, candidates)
        assert [n for first, last in found for n in range(first, last)] == list(range(AS_IS, max(draws, 0)))


def test_a_sweep_is_the_scenarios_and_more(folder: Path) -> None:
    done = call(*ARGUMENTS, "--out", "one", cwd=folder)
    assert done.returncode == 0, done.stderr
    table = pd.read_csv(folder / "one" / "tables" / "sweep.csv")
    assert table["variant"].unique().tolist() == ["A third post", "South closed"]
    assert table["border"].nunique() == 1
    for name in PLANS:
        plan = folder / f"{name}.toml"
        plan.write_text(f"{PLANS[name]}[uncertainty]\ndraws = 12\n", encoding="utf-8")
        alone = call("scenario", "study.toml", "--edits", plan, "--out", name, cwd=folder)
        assert alone.returncode == 0, alone.stderr
        effects = pd.read_csv(folder / name / "tables" / "effects.csv").set_index("key")
        own = table[table["variant"] == read_plan(plan).name].set_index("key")
        columns = ["change", "low", "median", "high"]
        pd.testing.assert_frame_equal(own.loc[effects.index, columns], effects[columns])
    tried = pd.read_csv(folder / "one" / "tables" / "sweep_candidates.csv")
    assert tried["variant"].unique().tolist() == ["as it is", "A third post", "South closed"]
    assert (tried.groupby("variant")["best_share"].sum() - 1).abs().max() < 1e-9
    assert (tried["low"] <= tried["high"]).all()
    sites = call(
        "sites",
        "study.toml",
        "--count",
        "1",
        "--candidates",
        "sample",
        "--every-km",
        "10",
        "--wait",
        "10",
        "--draws",
        "12",
        "--out",
        "s",
        cwd=folder,
    )
    assert sites.returncode == 0, sites.stderr
    alone = pd.read_csv(folder / "s" / "tables" / "candidates.csv").set_index("candidate")["alone"]
    own = tried[tried["variant"] == "as it is"].set_index("candidate")["alone"]
    pd.testing.assert_series_equal(own.reindex(alone.index), alone)


@pytest.mark.usefixtures("short_parts")
def test_two_processes_a_restart_and_a_killed_one_leave_the_same_bytes(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert call(*ARGUMENTS, "--out", "one", cwd=folder).returncode == 0
    expected, draws = tables(folder / "one"), (folder / "one" / "draws.parquet").read_bytes()
    parts = sorted((folder / "cache").rglob("parts/*.parquet"))
    assert len(parts) == json.loads((folder / "one" / "sweep.json").read_text())["parts"] > 20
    # Begun again: half of the parts are gone, one is damaged; what is left is not touched.
    for path in parts[::2]:
        path.unlink()
    parts[1].write_bytes(parts[1].read_bytes()[:100])
    kept = {p: p.stat().st_mtime_ns for p in parts[3::2]}
    again = call(*ARGUMENTS, "--workers", "2", "--out", "two", cwd=folder)
    assert again.returncode == 0, again.stderr
    assert f"{len(parts[::2]) + 1} of them computed now" in again.stdout
    assert {p: p.stat().st_mtime_ns for p in kept} == kept
    assert tables(folder / "two") == expected
    assert (folder / "two" / "draws.parquet").read_bytes() == draws
    # A process is killed in the middle.
    for path in parts:
        path.unlink()
    made: list[executors.ProcessPoolExecutor] = []

    class Watched(executors.ProcessPoolExecutor):
        def __init__(self, *args: object, **options: object) -> None:
            super().__init__(*args, **options)  # type: ignore[arg-type]
            made.append(self)

    monkeypatch.setattr(executors, "ProcessPoolExecutor", Watched)
    killer = threading.Thread(target=kill_one, args=(folder, made))
    killer.start()
    lost = call(*ARGUMENTS, "--workers", "2", "--out", "three", cwd=folder)
    killer.join()
    assert lost.returncode == 0, lost.stderr
    assert len(made) == 2
    assert tables(folder / "three") == expected


def kill_one(folder: Path, made: list[executors.ProcessPoolExecutor]) -> None:
    """Kill a process of a pool once some parts are there."""
    end = time.monotonic() + 60
    while time.monotonic() < end and len(list((folder / "cache").rglob("parts/*.parquet"))) < 3:
        time.sleep(0.005)
    os.kill(next(iter(made[0]._processes)), signal.SIGKILL)


def test_several_borders_at_once(folder: Path) -> None:
    write_grid(folder / "other", more='[waits]\n"road multilateral" = 90\n')
    text = (folder / "other" / "study.toml").read_text(encoding="utf-8")
    (folder / "other" / "study.toml").write_text(f'title = "Another border"\n{text}', encoding="utf-8")
    (folder / "borders.toml").write_text(
        '[[borders]]\nstudy = "study.toml"\nedits = ["third.toml"]\n[[borders]]\nstudy = '
        '"other/study.toml"\nedits = ["third.toml", "closed.toml"]\n',
        encoding="utf-8",
    )
    done = call("sweep", "--borders", "borders.toml", "--draws", "4", "--out", "both", cwd=folder)
    assert done.returncode == 0, done.stderr
    table = pd.read_csv(folder / "both" / "tables" / "sweep.csv")
    assert table.groupby("border")["variant"].nunique().to_dict() == {"Another border": 2, "RU–KZ": 1}


def test_what_can_not_be_swept_is_refused_before_anything_is_built(folder: Path) -> None:
    (folder / "clash.toml").write_text(PLANS["third"], encoding="utf-8")
    (folder / "unknown.toml").write_text('[[edits]]\nedit = "close"\ncheckpoint = "Sout"\n', encoding="utf-8")
    (folder / "borders.toml").write_text("[[borders]]\nstudies = 3\n", encoding="utf-8")
    third = ("--edits", "third.toml")
    for arguments, message in (
        ((), "a sweep without scenarios"),
        ((*third, "--edits", "clash.toml"), "two scenarios are called 'A third post'"),
        (("--edits", "unknown.toml"), "unknown.toml, line 1: 'Sout' names no checkpoint (did you mean south"),
        ((*third, "--workers", "0"), "--workers 0: allowed is 1 to 256"),
        ((*third, "--scheduler", "tcp://10.0.0.5:8786"), "Dask has no authentication"),
        ((*third, "--scheduler", "tcp://127.0.0.1.example.org:8786"), "Dask has no authentication"),
        ((*third, "--scheduler", "http://127.0.0.1:8786"), "allowed is tls://HOST:PORT"),
        ((*third, "--scheduler", "tcp://127.0.0.1:x"), "allowed is tls://HOST:PORT"),
        ((*third, "--candidates", "best"), "candidates of best"),
        ((*third, "--candidates", "sample", "--objective", "x"), "objective = 'x'"),
        ((*third, "--draws", "-1"), "draws = -1"),
        (("--edits", "none.toml"), "no such scenario"),
    ):
        done = call("sweep", "study.toml", *arguments, "--cache", "cache", "--out", "bad", cwd=folder)
        assert done.returncode == 2, (arguments, done.stdout, done.stderr)
        assert message in done.stderr
        assert not (folder / "bad").exists()
        assert not list((folder / "cache").rglob("kept.json"))
    done = call("sweep", "--borders", "borders.toml", "--out", "bad", cwd=folder)
    assert (done.returncode, "border 1: allowed are study" in done.stderr) == (2, True)
    check_where(1, "tls://planning.example.org:8786")
    check_where(1, "tcp://[::1]:8786")


def test_a_place_that_only_the_network_knows_stops_a_sweep_with_its_line(folder: Path) -> None:
    (folder / "far.toml").write_text('[[edits]]\nedit = "open"\nlon = 10\nlat = 50\n', encoding="utf-8")
    done = call("sweep", "study.toml", "--edits", "far.toml", "--workers", "2", "--out", "bad", cwd=folder)
    assert done.returncode == 2, done.stderr
    assert "far.toml, line 1: a new checkpoint at 10,50 would stand" in done.stderr
    assert not (folder / "bad").exists()


def test_workers_that_always_end_are_given_up(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Broken(Here):
        def submit(self, *_: object, **__: object) -> object:  # type: ignore[override]
            raise BrokenProcessPool

    monkeypatch.setattr(executors, "Here", Broken)
    job = Job(load_study(folder / "study.toml"), (read_plan(folder / "third.toml"),))
    with pytest.raises(OutputError, match="workers ended by themselves 3 times"):
        run_sweep([job], draws=2, out=folder / "bad", fetching=Fetching(folder / "cache"))
    assert not (folder / "bad").exists()
    with pytest.raises(StudyError, match="two borders are called"):
        run_sweep([job, job], out=folder / "bad", fetching=Fetching(folder / "cache"))
