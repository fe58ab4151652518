"""A swap that is stopped leaves all old or all new; one run at a time; databases by their tables; full disks."""

from __future__ import annotations

import errno
import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from layers.errors import OutputError
from layers.folders import MANIFEST, fresh_folder, settle
from layers.folders.lock import LOCK, held
from layers.folders.swap import JOURNAL
from tests.attack.folders import NEW, OLD, all_new, before, content, database, state_after, touch, write
from tests.attack.kills import attack_swap

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def quick() -> Iterator[Path]:
    """Return a folder in memory, where the system has one: thousands of small files are written."""
    place = Path("/dev/shm")
    with tempfile.TemporaryDirectory(dir=place if place.is_dir() else None) as name:
        yield Path(name)


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "fork"), reason="processes are forked")
def test_stopped_at_any_moment(quick: Path) -> None:
    found = attack_swap(quick, seed=7, part=0.03)
    assert found["moments"] > 500
    assert found["kills"] > 20


def test_a_whole_swap(tmp_path: Path) -> None:
    out = tmp_path / "out"
    before(out)
    write(out, NEW, "new")
    assert content(out) == all_new()
    assert state_after(out) == "new"


def test_the_mark_is_replaced_last(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    out = tmp_path / "out"
    before(out)
    moved = []
    replace = Path.replace

    def listen(self: Path, target: Path) -> Path:
        moved.append(Path(target).name)
        return replace(self, target)

    monkeypatch.setattr(Path, "replace", listen)
    write(out, NEW, "new")
    assert moved[-2:] == [MANIFEST, "run.json"]
    assert moved.index(JOURNAL) < moved.index("map.html")


def test_one_run_at_a_time_and_the_second_says_who(tmp_path: Path) -> None:
    out = tmp_path / "out"
    write(out, OLD, "old")
    code = (
        "import sys, pathlib\nfrom layers.folders import fresh_folder\n"
        f"with fresh_folder(pathlib.Path({str(out)!r}), 'run.json'):\n print('in', flush=True)\n sys.stdin.read()\n"
    )
    other = subprocess.Popen(
        [sys.executable, "-c", code], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert other.stdout is not None
    assert other.stdout.readline() == "in\n"
    with pytest.raises(OutputError, match=f"in use by process {other.pid} on .* since 2"):
        write(out, NEW, "new")
    other.kill()
    other.communicate()
    write(out, NEW, "new")
    assert content(out) == {**NEW, "border.gpkg": "new"}


def test_a_lock_is_gone_with_its_holder(tmp_path: Path) -> None:
    with held(tmp_path):
        assert (tmp_path / LOCK).read_text().startswith(f"process {os.getpid()}")
    assert not list(tmp_path.iterdir())
    (tmp_path / LOCK).write_text("process 1 on nowhere")
    with held(tmp_path):
        pass


def test_a_viewer_changes_nothing(tmp_path: Path) -> None:
    out = tmp_path / "out"
    write(out, OLD, "old")
    touch(out / "border.gpkg")
    write(out, NEW, "new")
    assert not list(out.glob("*.yours"))
    with closing(sqlite3.connect(out / "border.gpkg")) as base, base:
        base.execute("CREATE TABLE layer_styles (styleQML TEXT, update_time TEXT)")
    write(out, NEW, "newer")
    assert content(out)["border.gpkg.yours"] == "new"
    assert content(out)["border.gpkg"] == "newer"


def test_a_database_that_is_open_elsewhere(tmp_path: Path) -> None:
    out = tmp_path / "out"
    write(out, OLD, "old")
    with closing(sqlite3.connect(out / "border.gpkg")) as viewer:
        viewer.execute("PRAGMA journal_mode = WAL")
        viewer.execute("INSERT INTO gpkg_contents VALUES ('an edit', '')")
        viewer.commit()
        with pytest.raises(OutputError, match="open in another program"), fresh_folder(out, "run.json"):
            raise AssertionError("said before anything is computed")
    # A viewer that died leaves its last edits beside the database: they are the user's too.
    shutil.copytree(out, tmp_path / "dead")
    write(out, NEW, "new")
    assert not list(out.glob("*-wal"))
    with closing(sqlite3.connect(out / "border.gpkg.yours")) as base:
        assert base.execute("SELECT count(*) FROM gpkg_contents").fetchone() == (2,)


def test_edits_beside_a_database_are_not_lost(tmp_path: Path) -> None:
    out = tmp_path / "out"
    write(out, OLD, "old")
    viewer = sqlite3.connect(out / "border.gpkg")
    viewer.execute("PRAGMA journal_mode = WAL")
    viewer.execute("INSERT INTO gpkg_contents VALUES ('an edit', '')")
    viewer.commit()
    dead = tmp_path / "dead"
    shutil.copytree(out, dead)  # as a crash leaves it: the edit stands in border.gpkg-wal alone
    viewer.close()
    assert (dead / "border.gpkg-wal").stat().st_size
    write(dead, NEW, "new")
    assert content(dead)["border.gpkg"] == "new"
    with closing(sqlite3.connect(dead / "border.gpkg.yours")) as base:
        assert base.execute("SELECT count(*) FROM gpkg_contents").fetchone() == (2,)


def test_a_damaged_journal_is_told(tmp_path: Path) -> None:
    out = tmp_path / "out"
    before(out)
    good = content(out)
    for text in (
        "{",
        "[]",
        '{"stage": "../x"}',
        '{"stage": ".borderlink-new-1", "mark": "a", "fresh": {"files": {"../a": ""}}}',
    ):
        (out / JOURNAL).write_text(text)
        with pytest.raises(OutputError, match="damaged"):
            settle(out)
        (out / JOURNAL).unlink()
        assert content(out) == good


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EROFS])
def test_a_full_disk_is_one_message(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    out = tmp_path / "out"
    write(out, OLD, "old")
    with pytest.raises(OutputError, match="can't be written to"), fresh_folder(out, "run.json"):
        raise OSError(number, os.strerror(number))
    with pytest.raises(OutputError, match="disk is full"), fresh_folder(out, "run.json"):
        raise sqlite3.OperationalError("database or disk is full")

    def full(*_: object) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OutputError, match="can't be written to"), fresh_folder(out, "run.json"):
        raise AssertionError("said before anything is computed")
    monkeypatch.undo()
    assert content(out) == {**OLD, "border.gpkg": "old"}


def test_an_error_of_a_run_stays_what_it_is(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError), fresh_folder(tmp_path / "out", "run.json"):
        Path("nowhere").read_text()
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("name", ["x" * 5000, "a/" * 2500, "nul\0"])
def test_names_that_no_system_takes(tmp_path: Path, name: str) -> None:
    with pytest.raises(OutputError) as error, fresh_folder(tmp_path / name, "run.json"):
        raise AssertionError
    assert len(str(error.value)) < 800


def test_a_folder_where_a_file_goes_is_never_moved(tmp_path: Path) -> None:
    out = tmp_path / "out"
    write(out, OLD, "old")
    (out / "new.csv" / "mine").mkdir(parents=True)
    with pytest.raises(OutputError, match="move it"):
        write(out, {**NEW, "new.csv": "x"}, "new")
    assert content(out) == {**OLD, "border.gpkg": "old"}


def test_a_database_with_nothing_in_it_has_a_digest(tmp_path: Path) -> None:
    from layers.folders.ours import tables_digest

    for name in ("a", "b"):
        database(tmp_path / f"{name}.gpkg", name)
    assert tables_digest(tmp_path / "a.gpkg") != tables_digest(tmp_path / "b.gpkg")
    twin = tmp_path / "twin.gpkg"
    database(twin, "a")
    assert tables_digest(twin) == tables_digest(tmp_path / "a.gpkg")
    (tmp_path / "no.gpkg").write_text("no database")
    assert tables_digest(tmp_path / "no.gpkg") is None
