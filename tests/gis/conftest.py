"""One run of the packaged border for all tests of the face, and a small border whose runs are quick."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import gis
from gis.cli import main
from tests.borders import random_land

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.borders import Land

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Done:
    """What a command left on the terminal."""

    returncode: int
    stdout: str
    stderr: str


def call(*arguments: str | Path, cwd: Path) -> Done:
    """Call the command from a folder of the user's own, in this process."""
    out, err = io.StringIO(), io.StringIO()
    argv, home = sys.argv, Path.cwd()
    sys.argv = ["borderlink", *map(str, arguments)]
    os.chdir(cwd)
    code: int | str | None = 0
    try:
        with redirect_stdout(out), redirect_stderr(err):
            main()
    except SystemExit as stop:
        code = stop.code
    finally:
        sys.argv = argv
        os.chdir(home)
    return Done(int(code or 0), out.getvalue(), err.getvalue())


def shell(*arguments: str | Path, cwd: Path) -> subprocess.CompletedProcess[str]:
    """Call the command in a process of its own."""
    env = {**os.environ, "PYTHONPATH": str(ROOT), "COLUMNS": "160"}
    command = [sys.executable, "-c", "from gis.cli import main; main()", *map(str, arguments)]
    return subprocess.run(command, cwd=cwd, env=env, capture_output=True, text=True, timeout=300, check=False)


@pytest.fixture(scope="session")
def packaged_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of `borderlink run --permutations 999 --fresh` without a study.

    Fresh: another test may have left the same network in the cache, and a run says what it built.
    """
    folder = tmp_path_factory.mktemp("packaged")
    done = shell("run", "--permutations", "999", "--fresh", cwd=folder)
    assert done.returncode == 0, done.stderr
    (folder / "stdout.txt").write_text(done.stdout, encoding="utf-8")
    return folder


@pytest.fixture(scope="session")
def small(tmp_path_factory: pytest.TempPathFactory) -> gis.Result:
    """Return a small border of both modes, solved."""
    folder, land = tmp_path_factory.mktemp("small"), random_land(3)
    lines = [f'sides = ["{land.countries[0]}", "{land.countries[1]}"]', "[layers]"]
    for name in ("regions", "roads", "railways", "settlements", "checkpoints"):
        getattr(land, name).to_file(folder / f"{name}.gpkg", layer=name)
        lines.append(f'{name} = "{name}.gpkg"')
    (folder / "study.toml").write_text(
        "\n".join([*lines, "[analysis]", "permutations = 99", "[reach]", "city_people = 20000"])
    )
    return gis.solve(folder / "study.toml")


@pytest.fixture(scope="session")
def small_run(small: gis.Result, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of its run."""
    out = tmp_path_factory.mktemp("small_run") / "out"
    small.write(out)
    return out


@pytest.fixture
def study_of(tmp_path: Path) -> Callable[..., Path]:
    """Return a writer of studies: a small border's layers as files, and a TOML that names them."""

    def write(land: Land, *, more: str = "", layers: dict[str, str] | None = None) -> Path:
        lines = [f'sides = ["{land.countries[0]}", "{land.countries[1]}"]', "[layers]"]
        for name in ("regions", "roads", "railways", "settlements", "checkpoints"):
            getattr(land, name).to_file(tmp_path / f"{name}.gpkg", layer=name)
            lines.append(f'{name} = "{(layers or {}).get(name, f"{name}.gpkg")}"')
        path = tmp_path / "study.toml"
        path.write_text("\n".join(lines) + "\n" + more, encoding="utf-8")
        return path

    return write
