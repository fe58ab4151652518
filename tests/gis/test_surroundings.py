"""Results depend on neither locale, time zone, hash seed, threads nor path, and hold no secret of any setting."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests.gis.conftest import ROOT
from tests.gis.grid import write_grid

MORE = """[lists]
smooth_draws = 99
openings = 1
[reach.layers]
hospital = "hospitals.csv"
"""
SECRET = "Zq7secret"
TIMED = {"run.json", "report.html", "map.html", ".borderlink-files.json"}
"""Files that hold the seconds or the day of their run, or hashes of such files."""


def run(folder: Path, **surroundings: str) -> Path:
    """Run the study of a folder in a process of its own; return its results."""
    env = {**os.environ, "PYTHONPATH": str(ROOT), "XDG_CACHE_HOME": str(folder / "cache"), **surroundings}
    command = [sys.executable, "-c", "from gis.cli import main; main()", "run", "study.toml", "--out", "out"]
    done = subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, timeout=400, check=False)
    assert done.returncode == 0, done.stderr
    (folder / "said.txt").write_text(done.stdout + done.stderr, encoding="utf-8")
    return folder / "out"


def written(folder: Path, more: str = MORE) -> Path:
    """Write the grid's study with a layer of its own."""
    write_grid(folder, more=more)
    (folder / "hospitals.csv").write_text("name,lon,lat\nHospital,59.4,49.9\n", encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def turkish(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Return the settings of a Turkish locale, whose capital of i is not I and whose decimal is a comma."""
    if not shutil.which("localedef") or not Path("/usr/share/i18n/locales/tr_TR").exists():
        pytest.skip("no Turkish locale can be made (Debian's package locales)")
    folder = tmp_path_factory.mktemp("locales")
    made = subprocess.run(["localedef", "-i", "tr_TR", "-f", "UTF-8", str(folder / "tr_TR.UTF-8")], check=False)
    if not (folder / "tr_TR.UTF-8").exists():
        pytest.skip(f"localedef ended with {made.returncode}")
    return {"LOCPATH": str(folder), "LC_ALL": "tr_TR.UTF-8"}


@pytest.mark.slow
def test_bytes_depend_on_nothing_around_them(tmp_path: Path, turkish: dict[str, str]) -> None:
    plain = run(written(tmp_path / "one"), TZ="UTC", PYTHONHASHSEED="0")
    other = run(
        written(tmp_path / "другая папка" / "с пробелом"),
        **turkish,
        TZ="Asia/Almaty",
        PYTHONHASHSEED="7",
        OMP_NUM_THREADS="2",
        OPENBLAS_NUM_THREADS="2",
    )
    names = {p.relative_to(plain).as_posix() for p in plain.rglob("*") if p.is_file()}
    assert names == {p.relative_to(other).as_posix() for p in other.rglob("*") if p.is_file()}
    compared = sorted(n for n in names if n not in TIMED and not n.endswith((".gpkg", ".qgz")))
    assert len(compared) > 30
    assert [n for n in compared if (plain / n).read_bytes() != (other / n).read_bytes()] == []
    one, two = (json.loads((folder / "run.json").read_text(encoding="utf-8")) for folder in (plain, other))
    assert one["findings"] == two["findings"] and one["warnings"] == two["warnings"]


@pytest.mark.slow
def test_no_secret_of_a_setting_is_in_any_result(tmp_path: Path) -> None:
    more = (
        MORE
        + f"""[osm]
geofabrik_url = "https://user:{SECRET}@example.org/index"
overpass_url = "https://user:{SECRET}@example.org/api?key={SECRET}"
"""
    )
    folder = written(tmp_path / "s", more)
    study = folder / "study.toml"
    text = study.read_text(encoding="utf-8")
    rights = f'{{ path = "settlements.gpkg", rights = "from postgresql://me:{SECRET}@db/towns?password={SECRET}" }}'
    text = text.replace('settlements = "settlements.gpkg"', f"settlements = {rights}")
    study.write_text(f'title = "Towns of https://me:{SECRET}@example.org/?token={SECRET}"\n{text}', encoding="utf-8")
    out = run(folder)
    assert SECRET not in (folder / "said.txt").read_text(encoding="utf-8")
    found = [p.relative_to(out).as_posix() for p in out.rglob("*") if p.is_file() and SECRET.encode() in p.read_bytes()]
    for packed in out.rglob("*.qgz"):
        with zipfile.ZipFile(packed) as file:
            found += [f"{packed.name}/{n}" for n in file.namelist() if SECRET.encode() in file.read(n)]
    assert found == []
