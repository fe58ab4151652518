"""The packages have generic names.

What hides or overwrites one of them is named, and the command works beside files of the user's.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from layers.house import FLOORS, refuse_namesakes
from tests.gis.conftest import ROOT


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with our packages as an installation has them."""
    site = tmp_path_factory.mktemp("site")
    for name in FLOORS:
        shutil.copytree(ROOT / name, site / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "gis" / "face.py", site / "borderlink.py")
    return site


def python(code: str, *, path: Path, cwd: Path) -> subprocess.CompletedProcess[str]:
    """Run a line of Python that finds our packages in a folder."""
    return subprocess.run(
        [sys.executable, "-c", code],
        cwd=cwd,
        env={"PYTHONPATH": str(path), "PATH": ""},
        capture_output=True,
        text=True,
        check=False,
    )


def test_our_own_packages_pass() -> None:
    refuse_namesakes()


def test_the_distribution_has_a_module_of_its_own_name(installed: Path, tmp_path: Path) -> None:
    done = python(
        "import borderlink; print(borderlink.load_study().sides, borderlink.run)", path=installed, cwd=tmp_path
    )
    assert done.returncode == 0, done.stderr
    assert "('RU', 'KZ') <function run" in done.stdout


@pytest.mark.parametrize("name", FLOORS)
@pytest.mark.parametrize("entry", ["import gis", "from gis.cli import main; main()", "import borderlink"])
def test_another_distribution_laid_over_ours_is_named(installed: Path, tmp_path: Path, name: str, entry: str) -> None:
    if (name, entry) == ("gis", "import gis"):
        return  # a foreign `gis` answers itself: nothing of ours runs
    site = shutil.copytree(installed, tmp_path / "site")
    (site / name / "__init__.py").write_text("def draw(): ...\n")
    about = site / f"{name}-9.9.dist-info"
    about.mkdir()
    (about / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 9.9\n")
    (about / "RECORD").write_text(f"{name}/__init__.py,,\n")
    done = python(entry, path=site, cwd=tmp_path)
    assert done.returncode != 0
    assert f"the distribution {name} 9.9" in done.stderr
    assert "uninstall that" in done.stderr


def test_the_command_works_beside_namesakes_and_the_face_names_them(tmp_path: Path) -> None:
    (tmp_path / "network.py").write_text("raise SystemExit('the wrong module')")
    beside = subprocess.run(
        [sys.executable, "-c", "import gis"],
        cwd=tmp_path,
        env={"PYTHONPATH": f"{tmp_path}:{ROOT}", "PATH": ""},
        capture_output=True,
        text=True,
        check=False,
    )
    assert beside.returncode == 1
    assert "rename network.py" in beside.stderr
    # A console script has its own folder, not the user's, at the head of the path.
    script = tmp_path / "bin" / "borderlink"
    script.parent.mkdir()
    script.write_text("from gis.cli import main\nmain()\n")
    done = subprocess.run(
        [sys.executable, script, "--help"],
        cwd=tmp_path,
        env={"PYTHONPATH": str(ROOT), "PATH": ""},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "scenario" in done.stdout
