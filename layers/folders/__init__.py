"""Folders of results: written inside the folder itself and put in place file by file at the end, all or none.

A folder belongs to its user. A manifest in it lists what was written there, with hashes; nothing else is ever replaced
or deleted.
"""

from __future__ import annotations

import shutil
import tempfile
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from layers.errors import OutputError
from layers.folders.boundary import computing, probe, writing
from layers.folders.lock import LOCK, held
from layers.folders.ours import DATABASES, MANIFEST, Written, read_manifest, settle_database
from layers.folders.swap import BACK, FORMER, FRESH, JOURNAL, STAGE, needs_recovery, put_in_place, recover

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["MANIFEST", "fresh_folder", "settle"]


@contextmanager
def fresh_folder(out: Path, mark: str, *, what: str = "results") -> Iterator[Path]:
    """Give a fresh folder to write into.

    On success its files take their places in `out`, on any error `out` stays as it was.

    Parameters
    ----------
    mark
        File that tells folders of this kind apart; it is put in place last.
    what
        What the folder holds, for messages.

    Notes
    -----
    A run that is killed, at whatever moment, leaves a journal and its new files; whoever opens the folder next ends
    what was begun, so that all files are old or all are new. One run at a time holds a folder.

    Files of an earlier run that are written no more go, if they are as that run left them. A file of ours that was
    changed since is kept as ``name.yours``. Files that the manifest does not list are never touched; where one stands
    in the way of a result it is kept as ``name.yours`` too, for one of the two must give way.

    Raises
    ------
    OutputError
        `out` can't be written, holds something else, or is held by another run: said before anything is computed. Or
        the disk is full at the end.
    """
    with ExitStack() as end:
        with writing(out, what):
            out = Path(out).absolute()
            if not out.exists():
                end.callback(_remove_if_empty, out)
            elif not out.is_dir():
                raise OutputError(f"{out} is a file: allowed is a folder for the {what}, new or of an earlier run")
            _check_kind(out, mark, what)
            out.mkdir(parents=True, exist_ok=True)
            end.enter_context(held(out))
            recover(out)
            former = _check_kind(out, mark, what)
            for name in former.files:
                if name.lower().endswith(DATABASES):
                    settle_database(out / name)
            # Inside, so that both are on one file system whatever `out` is: a mount point, a link, a share.
            stage = Path(tempfile.mkdtemp(prefix=STAGE, dir=out))
            end.callback(_remove_stage, stage)
            probe(stage)
            for folder in (FRESH, FORMER):
                (stage / folder).mkdir()
        with computing(out, what, stage):
            yield stage / FRESH
        with writing(out, what):
            put_in_place(stage, out, mark, former)


def settle(out: Path) -> None:
    """End what a dead run left half done in a folder, before anybody reads it.

    A folder without a journal is left alone.

    Raises
    ------
    OutputError
        Another run holds the folder, or it can't be written.
    """
    out = Path(out).absolute()
    with writing(out, "results"):
        if out.is_dir() and needs_recovery(out):
            with held(out):
                recover(out)


def _check_kind(out: Path, mark: str, what: str) -> Written:
    """Return what an earlier run left in a folder, or refuse a folder of other things."""
    former = read_manifest(out, mark)
    if former is not None or not out.exists() or needs_recovery(out):
        return former or Written()
    if any(not _is_leftover(p.name) for p in out.iterdir()):
        raise OutputError(
            f"{out} holds other things than {what} ({MANIFEST} names no {mark}): allowed is a new or empty folder, or "
            "one of an earlier run"
        )
    return Written()


def _is_leftover(name: str) -> bool:
    """Return whether a name is one that a run gives for the time that it lasts."""
    return name in (LOCK, JOURNAL, BACK, f"{JOURNAL}.part") or name.startswith(STAGE)


def _remove_stage(stage: Path) -> None:
    """Remove new files that did not come to their places, unless a journal needs them.

    The next command ends what it says.
    """
    if not needs_recovery(stage.parent):
        with suppress(OSError):
            shutil.rmtree(stage, ignore_errors=True)


def _remove_if_empty(out: Path) -> None:
    """Remove a folder that was made for nothing."""
    with suppress(OSError, ValueError):  # a name that no system takes
        out.rmdir()
