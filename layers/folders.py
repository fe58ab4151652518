"""Folders of results: written beside and moved into place at the end, so that nobody finds half of one."""

from __future__ import annotations

import os
import shutil
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from layers.errors import OutputError

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def fresh_folder(out: Path, mark: str, *, what: str = "results") -> Iterator[Path]:
    """Give a fresh folder to write into; on success it takes the place of `out`, on any error `out` stays as it was.

    Parameters
    ----------
    mark
        File that tells folders of this kind: a folder that holds other things is never replaced.
    what
        What the folder holds, for messages.

    Raises
    ------
    OutputError
        `out` can't be written or holds something else.
    """
    out = out.absolute()
    try:
        if out.exists() and not out.is_dir():
            raise OutputError(f"{out} is a file: allowed is a folder for the {what}, new or of an earlier run")
        if out.is_dir() and any(out.iterdir()) and not (out / mark).is_file():
            raise OutputError(
                f"{out} holds other things than {what} ({mark} is missing): allowed is a new or empty folder, or one of an earlier run"
            )
        out.parent.mkdir(parents=True, exist_ok=True)
        folder = Path(tempfile.mkdtemp(prefix=f".{out.name}-", dir=out.parent))
    except OSError as error:
        if isinstance(error, OutputError):
            raise
        raise OutputError(
            f"{what} can't be written to {out}: {error.strerror or error}; allowed is a folder in a writable place"
        ) from None
    try:
        yield folder
        folder.chmod(0o755)
        _swap(folder, out)
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise


def _swap(folder: Path, out: Path) -> None:
    """Put the new folder in the place of the old one, which goes only after."""
    if not out.exists():
        folder.rename(out)
        return
    old = out.with_name(f".{out.name}-old-{os.getpid()}")
    out.rename(old)
    try:
        folder.rename(out)
    except OSError:
        old.rename(out)
        raise
    shutil.rmtree(old, ignore_errors=True)
