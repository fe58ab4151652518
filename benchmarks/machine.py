"""The machine that figures belong to, and a run of the whole command from a cold start."""

from __future__ import annotations

import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TypeVar

ROOT = Path(__file__).resolve().parent.parent
BUSY = 1.5
T = TypeVar("T")


def two_cores() -> None:
    """Keep this process and its children on two cores, where the system can."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:2])


def load() -> float:
    """Return the load of the last minute; 0 where the system does not tell."""
    return os.getloadavg()[0] if hasattr(os, "getloadavg") else 0.0


def median_of(repeats: int, work: Callable[[], T]) -> tuple[float, T]:
    """Return the median CPU seconds of some runs, and the answer of the last."""
    seconds = []
    for _ in range(repeats):
        start = time.process_time()
        answer = work()
        seconds.append(time.process_time() - start)
    return statistics.median(seconds), answer


def describe(loads: Mapping[str, float]) -> list[str]:
    """Return lines on the machine, the versions, and the load before each part."""
    names = ("numpy", "scipy", "networkx", "esda", "libpysal", "geopandas", "folium", "igraph", "numba")
    found = ", ".join(f"{n} {v}" for n in names if (v := _version(n)))
    missing = [n for n in names if not _version(n)]
    gib = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30 if hasattr(os, "sysconf") else float("nan")
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return [
        f"{time.strftime('%Y-%m-%d')}, {platform.system()}, {_cpu()}, {cores} cores used, {gib:.0f} GiB",
        f"Python {platform.python_version()}, {found}" + (f"; not installed: {', '.join(missing)}" if missing else ""),
        "Load of the last minute before each part: "
        + ", ".join(f"{part} {value:.2f}" for part, value in loads.items()),
    ]


def _version(name: str) -> str:
    """Return the version of a distribution, empty where it is missing."""
    try:
        return version(name)
    except PackageNotFoundError:
        return ""


def _cpu() -> str:
    """Return the processor's name."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.is_file() else []
    named = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return named[0] if named else platform.processor() or platform.machine()


@dataclass(frozen=True)
class Usage:
    """What a process took: wall and CPU seconds, peak resident memory in GB."""

    wall_s: float
    cpu_s: float
    peak_gb: float


def whole_run(python: str | None, repeats: int) -> tuple[Usage, Usage]:
    """Return what ``borderlink run`` of the packaged study takes, cold and warm, medians.

    Cold: a fresh interpreter, no compiled bytecode of any module (the standard library and the dependencies included),
    no font cache. Warm: the same again. The system's file cache is as it is.

    Parameters
    ----------
    python
        Interpreter with the package installed; None for this one on this tree.
    """
    cold, warm = [], []
    for _ in range(repeats):
        with tempfile.TemporaryDirectory() as name:
            cold.append(_run_once(python, Path(name)))
            warm.append(_run_once(python, Path(name)))
    return _median(cold), _median(warm)


def _run_once(python: str | None, folder: Path) -> Usage:
    """Run the command with every cache in a folder."""
    env = {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "PYTHONDONTWRITEBYTECODE")}
    env |= {"MPLCONFIGDIR": str(folder / "mpl"), "XDG_CACHE_HOME": str(folder / "cache")}
    if python is None:
        env["PYTHONPATH"] = str(ROOT)
    shutil.rmtree(folder / "out", ignore_errors=True)
    command = [python or sys.executable, "-X", f"pycache_prefix={folder / 'bytecode'}", "-m", "gis.cli", "run"]
    with (folder / "log").open("w+") as log:
        start = time.perf_counter()
        process = subprocess.Popen([*command, "--out", "out"], cwd=folder, env=env, stdout=log, stderr=log)
        _, status, usage = os.wait4(process.pid, 0)
        wall = time.perf_counter() - start
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            log.seek(0)
            raise RuntimeError(f"borderlink run ended with {process.returncode}:\n{log.read()[-2000:]}")
    scale = 1 if sys.platform == "darwin" else 1024
    return Usage(wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * scale / 1e9)


def _median(runs: list[Usage]) -> Usage:
    """Return the medians; of memory the largest."""
    return Usage(
        statistics.median(r.wall_s for r in runs),
        statistics.median(r.cpu_s for r in runs),
        max(r.peak_gb for r in runs),
    )
