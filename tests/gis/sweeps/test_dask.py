"""A real scheduler of Dask with two workers on loopback, one of them killed in the middle; and one behind TLS."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

import pytest

from tests.gis.conftest import ROOT, call, shell
from tests.gis.grid import write_grid
from tests.gis.sweeps.test_sweep import ARGUMENTS, PLANS, tables

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

pytest.importorskip("distributed")
psutil = pytest.importorskip("psutil")
pytestmark = pytest.mark.slow
MANY = tuple("510" if a == "12" else a for a in ARGUMENTS)
"""Draws enough for many parts of a small border."""


@contextmanager
def running(folder: Path, name: str, *command: str, env: Mapping[str, str]) -> Iterator[subprocess.Popen[bytes]]:
    """Give a process whose lines go to a file; it and its children end with it."""
    with (folder / f"{name}.log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, cwd=folder, env=dict(env), start_new_session=True)
    try:
        yield process
    finally:
        for number in (signal.SIGTERM, signal.SIGKILL):
            try:
                os.killpg(process.pid, number)
                process.wait(10)
            except (ProcessLookupError, subprocess.TimeoutExpired):
                pass


def line_of(folder: Path, name: str, pattern: str) -> str:
    """Return what a pattern finds in the lines of a process, once it is there."""
    end = time.monotonic() + 60
    while time.monotonic() < end:
        found = re.search(pattern, (folder / f"{name}.log").read_text(errors="replace"))
        if found:
            return found[1]
        time.sleep(0.1)
    raise AssertionError((folder / f"{name}.log").read_text(errors="replace"))


@contextmanager
def cluster(
    folder: Path, env: Mapping[str, str], *, tls: bool = False
) -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    """Give the address of a scheduler, and the nanny of the first of its two workers."""
    dask = (sys.executable, "-m", "dask")
    secure = ("--tls-ca-file", "cert.pem", "--tls-cert", "cert.pem", "--tls-key", "key.pem") if tls else ()
    with ExitStack() as stack:
        kind = "tls" if tls else "tcp"
        given = ("scheduler", "--host", f"{kind}://127.0.0.1", "--port", "0", "--no-dashboard", *secure)
        stack.enter_context(running(folder, "scheduler", *dask, *given, env=env))
        address = line_of(folder, "scheduler", rf"Scheduler at:\s+({kind}://127\.0\.0\.1:\d+)")
        nannies = []
        for n in (1, 2):
            given = (
                "worker",
                address,
                "--nworkers",
                "1",
                "--nthreads",
                "1",
                "--no-dashboard",
                "--host",
                "127.0.0.1",
                *secure,
            )
            nannies.append(stack.enter_context(running(folder, f"worker{n}", *dask, *given, env=env)))
            line_of(folder, f"worker{n}", r"(Registered to)")
        yield address, nannies[0]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_grid(tmp_path)
    for name, text in PLANS.items():
        (tmp_path / f"{name}.toml").write_text(text, encoding="utf-8")
    return tmp_path


@pytest.fixture
def env() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(ROOT)}


def test_a_worker_of_a_scheduler_is_killed_and_the_numbers_are_the_same(folder: Path, env: dict[str, str]) -> None:
    alone = call(*MANY, "--out", "alone", cwd=folder)
    assert alone.returncode == 0, alone.stderr
    parts = sorted((folder / "cache").rglob("parts/*.parquet"))
    for path in parts:
        path.unlink()
    with cluster(folder, env) as (address, nanny):
        command = (sys.executable, "-m", "gis.cli", *MANY, "--scheduler", address, "--out", "dask")
        with running(folder, "sweep", *command, env=env) as sweep:
            end = time.monotonic() + 120
            while time.monotonic() < end and not any(p.exists() for p in parts):
                time.sleep(0.01)
            assert sum(p.exists() for p in parts) < len(parts) / 2
            (worker,) = [
                p for p in psutil.Process(nanny.pid).children() if "resource_tracker" not in " ".join(p.cmdline())
            ]
            worker.kill()
            assert sweep.wait(300) == 0, (folder / "sweep.log").read_text()
        assert tables(folder / "dask") == tables(folder / "alone")
        assert (folder / "dask" / "draws.parquet").read_bytes() == (folder / "alone" / "draws.parquet").read_bytes()
        # What is there is not computed again, whoever asks.
        again = shell(*MANY, "--scheduler", address, "--out", "again", cwd=folder)
        assert "0 of them computed now" in again.stdout, again.stderr
    assert "was killed by signal 9" in (folder / "worker1.log").read_text()


@pytest.mark.skipif(shutil.which("openssl") is None, reason="makes its certificate with openssl")
def test_a_scheduler_behind_tls(folder: Path, env: dict[str, str]) -> None:
    given = (
        "req",
        "-x509",
        "-newkey",
        "rsa:2048",
        "-nodes",
        "-keyout",
        "key.pem",
        "-out",
        "cert.pem",
        "-days",
        "2",
        "-subj",
        "/CN=localhost",
    )
    subprocess.run(["openssl", *given], cwd=folder, check=True, capture_output=True)
    with cluster(folder, env, tls=True) as (address, _):
        command = (sys.executable, "-m", "gis.cli", *ARGUMENTS, "--scheduler", address)
        bare = subprocess.run(
            [*command, "--out", "bad"], cwd=folder, env=env, capture_output=True, text=True, timeout=120, check=False
        )
        assert bare.returncode == 2, bare.stderr
        assert f"--scheduler '{address}' can't be reached" in bare.stderr
        assert not (folder / "bad").exists()
        tls = {
            f"DASK_DISTRIBUTED__COMM__TLS__{k}": str(folder / v)
            for k, v in (("CA_FILE", "cert.pem"), ("CLIENT__CERT", "cert.pem"), ("CLIENT__KEY", "key.pem"))
        }
        found = subprocess.run(
            [*command, "--out", "good"],
            cwd=folder,
            env={**env, **tls},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert found.returncode == 0, found.stderr
    assert (folder / "good" / "tables" / "sweep.csv").exists()


def test_a_scheduler_that_is_not_there(folder: Path) -> None:
    done = shell(*ARGUMENTS, "--scheduler", "tcp://127.0.0.1:9", "--out", "bad", cwd=folder)
    assert done.returncode == 2, done.stderr
    assert "can't be reached" in done.stderr
    assert not (folder / "bad").exists()
