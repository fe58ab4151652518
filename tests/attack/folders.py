"""A folder of results with everything that can be in it, before and after a swap; and processes that die on the way."""

from __future__ import annotations

import os
import signal
import sqlite3
import sys
import traceback
from contextlib import closing, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from layers.folders import MANIFEST, fresh_folder, settle

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType

OLD = {
    "run.json": "1",
    "map.html": "old",
    "tables/a.csv": "old",
    "tables/gone.csv": "old",
    "deep/er/x": "old",
    "same": "s",
}
NEW = {"run.json": "2", "map.html": "new", "tables/a.csv": "new", "tables/b.csv": "new", "deep/y": "new", "same": "s"}
EDITED = {"map.html": "edited by the user"}
"""A file of ours that the user changed."""
THEIRS = {"notes.txt": "mine", "tables/own.csv": "mine", "tables/b.csv": "in the way"}
FALLIBLE = (
    "open",
    "write",
    "mkdir",
    "rename",
    "replace",
    "link",
    "unlink",
    "remove",
    "rmdir",
    "fsync",
    "flush",
    "truncate",
)
"""Calls that a disk or a right makes fail."""
CALLED = ("posix", "_io", "io", "fcntl", "sqlite3")
"""Modules in C whose calls reach the system."""


def write(out: Path, files: dict[str, str], gpkg: str) -> None:
    """Leave a run of some files and a small database."""
    with fresh_folder(out, "run.json") as folder:
        for name, text in files.items():
            place = folder / name
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_text(text)
        database(folder / "border.gpkg", gpkg)


def database(path: Path, text: str) -> None:
    """Write a database of one table and one time stamp."""
    with closing(sqlite3.connect(path)) as base, base:
        base.execute("CREATE TABLE gpkg_contents (table_name TEXT, last_change TEXT)")
        base.execute("INSERT INTO gpkg_contents VALUES (?, 'then')", (text,))


def touch(path: Path) -> None:
    """Change a database as a viewer does."""
    with closing(sqlite3.connect(path)) as base, base:
        base.execute("UPDATE gpkg_contents SET last_change = 'now'")
        base.execute("CREATE TABLE rtree_x (id INTEGER)")


def before(out: Path) -> None:
    """Make a folder of an earlier run in which a user has worked and a viewer has looked."""
    write(out, OLD, "old")
    for name, text in {**EDITED, **THEIRS}.items():
        (out / name).write_text(text)
    touch(out / "border.gpkg")


def content(out: Path) -> dict[str, str]:
    """Return the files of a folder by name, a database by its table; the manifest is looked at by itself."""
    found = {}
    for path in sorted(p for p in out.rglob("*") if p.is_file()):
        name = path.relative_to(out).as_posix()
        if name == MANIFEST:
            continue
        if name.startswith("border.gpkg"):
            with closing(sqlite3.connect(path)) as base:
                found[name] = str(base.execute("SELECT table_name FROM gpkg_contents").fetchone()[0])
        else:
            found[name] = path.read_text()
    return found


def all_old() -> dict[str, str]:
    """Return what a folder holds where the swap did not take place."""
    return {**OLD, **EDITED, **THEIRS, "border.gpkg": "old"}


def all_new() -> dict[str, str]:
    """Return what a folder holds where it did: what the user wrote is there in both."""
    kept = {"map.html.yours": EDITED["map.html"], "tables/b.csv.yours": THEIRS["tables/b.csv"]}
    theirs = {n: t for n, t in THEIRS.items() if n not in NEW}
    return {**NEW, **theirs, **kept, "border.gpkg": "new"}


def in_child(
    work: Callable[[], object], at: int, act: Callable[[], object], only: tuple[str, ...] = ()
) -> tuple[int, int]:
    """Do something in a process of its own and act before its `at`-th call of the system; return status and calls made.

    The calls are counted as the interpreter makes them, so that a process can be stopped between any two.
    """
    read, told = os.pipe()
    child = os.fork()
    if child == 0:
        code = 3
        with suppress(BaseException):
            os.close(read)
            counter = Counter(at, act, only)
            sys.setprofile(counter)
            try:
                work()
                code = 0
            except KeyboardInterrupt:
                code = 130
            except OSError as error:
                code = 2 if type(error).__name__ == "OutputError" else 4
                if code == 4:
                    traceback.print_exc()
            finally:
                sys.setprofile(None)
                os.write(told, str(counter.count).encode())
        os._exit(code)
    os.close(told)
    with os.fdopen(read, "rb") as file:
        count = int(file.read() or b"0")
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), count


class Counter:
    """A profile function: counts calls that reach the system and acts before one of them."""

    def __init__(self, at: int, act: Callable[[], object], only: tuple[str, ...] = ()) -> None:
        self.at, self.act, self.count, self.only = at, act, 0, only

    def __call__(self, frame: FrameType, event: str, thing: Any) -> None:
        """Take one event of the interpreter."""
        if event != "c_call":
            return
        owner = getattr(thing, "__self__", None)
        if (getattr(thing, "__module__", None) or type(owner).__module__) not in CALLED:
            return
        self.count += 1
        if self.count == self.at and (not self.only or thing.__name__ in self.only):
            self.act()


def die() -> None:
    """End this process as the system does when memory or power ends."""
    os.kill(os.getpid(), signal.SIGKILL)


def state_after(out: Path) -> str:
    """Let the next command settle the folder and return ``old`` or ``new``, or what is wrong with it."""
    settle(out)
    with suppress(ZeroDivisionError), fresh_folder(out, "run.json"):
        raise ZeroDivisionError  # a next command that fails for reasons of its own
    hidden = sorted(p.name for p in out.rglob(".borderlink*") if p.name != MANIFEST)
    if hidden:
        return f"left behind: {hidden}"
    found = content(out)
    for name, wanted in (("old", all_old()), ("new", all_new())):
        if found == wanted:
            return name
    return f"neither old nor new: {found}"
