"""One file of ours among a user's own: replaced only where we wrote it and nobody changed it since."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from layers.errors import OutputError
from layers.folders.boundary import writing
from layers.folders.lock import held
from layers.folders.ours import DATABASES, Written, list_files, read_list, settle_database, write_list
from layers.folders.swap import STAGE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

SINGLE = ".borderlink-single-files.json"
"""What was written into a folder file by file, beside other things: path and sha256 of each, old and new."""
WAIT_S = 20.0


def write_file(path: Path, write: Callable[[Path], object], *, inputs: Iterable[Path | str] = ()) -> None:
    """Write one file: whole or not at all, and over nothing that is not ours.

    Parameters
    ----------
    write
        Given a path of the same name in a folder of its own; writes the file there.
    inputs
        Files that were read for it, which it must not replace.

    Raises
    ------
    OutputError
        There is no such folder, no right or no room; or a file is there that we did not write, that was changed since,
        or that is an input.
    """
    with writing(path, "the answer"):
        path = Path(path).absolute()
        if not path.parent.is_dir():
            raise OutputError(f"{path} can't be written: there is no folder {path.parent}")
        if any(_same(path, Path(one)) for one in inputs):
            raise OutputError(f"{path} is an input of the study: name another file")
        _check(path)
        with held(path.parent, wait_s=WAIT_S):
            stage = Path(tempfile.mkdtemp(prefix=STAGE, dir=path.parent))
            try:
                write(stage / path.name)
                _check(path)
                _replace(stage, path)
            finally:
                shutil.rmtree(stage, ignore_errors=True)


def check_file(path: Path, *, inputs: Iterable[Path | str] = ()) -> None:
    """Refuse a file that `write_file` would refuse, before anything is computed.

    Raises
    ------
    OutputError
        See `write_file`.
    """
    with writing(path, "the answer"):
        path = Path(path).absolute()
        if not path.parent.is_dir():
            raise OutputError(f"{path} can't be written: there is no folder {path.parent}")
        if any(_same(path, Path(one)) for one in inputs):
            raise OutputError(f"{path} is an input of the study: name another file")
        _check(path)


def check_new(path: Path) -> None:
    """Refuse a file that is there, whoever wrote it, and one that has no folder.

    Raises
    ------
    OutputError
        See `write_new`.
    """
    with writing(path, "the answer"):
        if not path.absolute().parent.is_dir():
            raise OutputError(f"{path} can't be written: there is no folder {path.absolute().parent}")
        if path.exists() or path.is_symlink():
            raise OutputError(f"{path} is there already: name another file, or move it")


def write_new(path: Path, text: str) -> None:
    """Write a text that its user goes on with: over nothing at all, for it may have been filled in.

    Raises
    ------
    OutputError
        A file is there, or there is no folder, no right or no room.
    """
    check_new(path)
    with writing(path, "the answer"):
        try:
            with path.open("x", encoding="utf-8", newline="\n") as file:
                file.write(text)
        except FileExistsError:
            raise OutputError(f"{path} is there already: name another file, or move it") from None


def _check(path: Path) -> None:
    """Refuse to replace what is not ours as we wrote it."""
    if path.is_dir():
        raise OutputError(f"{path} can't be written: it is a folder; allowed is a file")
    if path.name.lower().endswith(DATABASES):
        settle_database(path)
    if path.exists() and not any(known.is_as_written(path, path.name) for known in _known(path.parent)):
        raise OutputError(f"{path} was not written by borderlink, or was changed since: name another file, or move it")


def _known(folder: Path) -> tuple[Written, ...]:
    """Return what was written into a folder: as it is now, and as it was before a run that died."""
    content = read_list(folder / SINGLE)
    found = [Written.from_json(content.get(key)) for key in ("now", "before")] if isinstance(content, dict) else []
    return tuple(one for one in found if one is not None)


def _replace(stage: Path, path: Path) -> None:
    """Put the file in its place; the list knows the old one and the new one until that is done."""
    known = _known(path.parent)
    now = known[0] if known else Written()
    new = list_files(stage)
    both = Written({**now.files, path.name: new.files[path.name]}, {**now.tables, **new.tables})
    write_list(path.parent / SINGLE, {"now": both.to_json(), "before": now.to_json()})
    (stage / path.name).replace(path)


def _same(one: Path, other: Path) -> bool:
    try:
        return one.samefile(other)
    except OSError:
        return False
