"""The command itself, killed, told to end, and without room: the folder of results is all old or all new."""

from __future__ import annotations

import hashlib
import json
import os
import random
import resource
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

from layers.folders import MANIFEST
from tests.borders import random_land

ROOT = Path(__file__).resolve().parents[2]
MORE = (
    "[analysis]\nh3_resolution = 5\npermutations = 99\n[stability]\nalternatives = 'none'\nnull_draws = "
    "0\n[index]\ndraws = 100\n"
)


def attack_runs(folder: Path, *, seed: int = 1, count: int = 20) -> dict[str, object]:
    """Return how many runs of a small border were stopped and how, each leaving whole results of one run.

    Raises
    ------
    AssertionError
        Results of two runs are mixed, something was left behind, or a full disk was not one message.
    """
    draw = random.Random(seed)
    study = small_study(folder)
    began = time.monotonic()
    done = command(folder, "run", study)
    seconds = time.monotonic() - began
    assert done.returncode == 0, done.stderr
    tally: Counter[str] = Counter()
    for number in range(count):
        way = ("kill", "terminate", "interrupt", "no room")[number % 4]
        code, said = _stopped(folder, study, way, draw.uniform(0.3, 1.05) * seconds, draw)
        if way == "no room":
            assert code in (0, 2), said
            assert code == 0 or ("can't be" in said and "Traceback" not in said), said
        assert whole(folder / "out"), f"{way}, number {number} of seed {seed}: results are not whole"
        tally[f"{way}: exit code {code}"] += 1
    done = command(folder, "run", study)
    assert done.returncode == 0, done.stderr
    left = [p.name for p in (folder / "out").iterdir() if p.name.startswith(".") and p.name != MANIFEST]
    assert not left, f"left behind: {left}"
    return {"runs": count, **dict(sorted(tally.items()))}


def small_study(folder: Path) -> Path:
    """Write a small border as files and return the study that names them."""
    land = random_land(3)
    lines = [f'sides = ["{land.countries[0]}", "{land.countries[1]}"]', "[layers]"]
    for name in ("regions", "roads", "railways", "settlements", "checkpoints"):
        getattr(land, name).to_file(folder / f"{name}.gpkg", layer=name)
        lines.append(f'{name} = "{name}.gpkg"')
    (folder / "study.toml").write_text("\n".join(lines) + "\n" + MORE, encoding="utf-8")
    return folder / "study.toml"


def command(folder: Path, *arguments: str | Path, room: int | None = None) -> subprocess.CompletedProcess[str]:
    """Call the command, with files of at most `room` bytes."""

    def limit() -> None:
        if room is not None:
            resource.setrlimit(resource.RLIMIT_FSIZE, (room, room))

    return subprocess.run(
        _call(*arguments),
        cwd=folder,
        env=_env(),
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
        preexec_fn=limit,
    )


def whole(out: Path) -> bool:
    """Return whether the files are those of one run once the next command has settled the folder."""
    code = f"from pathlib import Path\nfrom layers.folders import settle\nsettle(Path({str(out)!r}))"
    subprocess.run([sys.executable, "-c", code], env=_env(), check=True, timeout=60)
    files = json.loads((out / MANIFEST).read_text())["files"]
    return all(hashlib.sha256((out / name).read_bytes()).hexdigest() == digest for name, digest in files.items())


def _stopped(folder: Path, study: Path, way: str, after: float, draw: random.Random) -> tuple[int, str]:
    """Run and stop it; return exit code and what was said."""
    if way == "no room":
        done = command(folder, "run", study, room=draw.choice((2_000, 60_000, 200_000, 500_000, 1_200_000)))
        return done.returncode, done.stderr
    running = subprocess.Popen(
        _call("run", study), cwd=folder, env=_env(), stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True
    )
    try:
        _, said = running.communicate(timeout=after)
    except subprocess.TimeoutExpired:
        running.send_signal({"kill": signal.SIGKILL, "terminate": signal.SIGTERM, "interrupt": signal.SIGINT}[way])
        _, said = running.communicate(timeout=120)
    return running.returncode, said


def _call(*arguments: str | Path) -> list[str]:
    return [sys.executable, "-c", "from gis.cli import main; main()", *map(str, arguments)]


def _env() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(ROOT)}
