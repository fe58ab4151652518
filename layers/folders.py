"""Folders of results: written beside and put in place file by file at the end, so that nobody finds half of one.

A folder belongs to its user. A manifest in it lists what was written there, with hashes; nothing else is ever replaced
or deleted.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from layers.errors import OutputError

if TYPE_CHECKING:
    from collections.abc import Iterator

MANIFEST = ".borderlink-files.json"
"""What was written into a folder: path and sha256 of each file."""
NEW = ".borderlink-new-"


@contextmanager
def fresh_folder(out: Path, mark: str, *, what: str = "results") -> Iterator[Path]:
    """Give a fresh folder to write into; on success its files take their places in `out`, on any error `out` stays as it was.

    Parameters
    ----------
    mark
        File that tells folders of this kind apart; it is put in place last.
    what
        What the folder holds, for messages.

    Notes
    -----
    Files of an earlier run that are written no more go, if they are as that run left them. A file of ours that was changed since
    is kept as ``name.yours``. Files that the manifest does not list are never touched; where one stands in the way of a
    result it is kept as ``name.yours`` too.

    Raises
    ------
    OutputError
        `out` can't be written or holds something else.
    """
    out = Path(out).absolute()
    made = not out.exists()
    try:
        if out.exists() and not out.is_dir():
            raise OutputError(f"{out} is a file: allowed is a folder for the {what}, new or of an earlier run")
        former = _written(out, mark)
        if former is None and not made and any(out.iterdir()):
            raise OutputError(
                f"{out} holds other things than {what} ({MANIFEST} names no {mark}): allowed is a new or empty folder, or "
                "one of an earlier run"
            )
        out.mkdir(parents=True, exist_ok=True)
        # Inside, so that both are on one file system whatever `out` is: a mount point, a link, a share.
        folder = Path(tempfile.mkdtemp(prefix=NEW, dir=out))
    except OSError as error:
        if isinstance(error, OutputError):
            raise
        raise OutputError(
            f"{what} can't be written to {out}: {error.strerror or error}; allowed is a folder in a writable place"
        ) from None
    try:
        yield folder
        _put_in_place(folder, out, mark, former or {})
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        if made and not any(out.iterdir()):
            out.rmdir()
        raise
    shutil.rmtree(folder, ignore_errors=True)


def _written(out: Path, mark: str) -> dict[str, str] | None:
    """Return path and hash of the files that an earlier run left, None where the folder is none of this kind."""
    try:
        content = json.loads((out / MANIFEST).read_text(encoding="utf-8"))
        files = {str(k): str(v) for k, v in content["files"].items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None
    # A manifest may name no place outside its folder.
    inside = all(not Path(f).is_absolute() and ".." not in Path(f).parts for f in files)
    return files if inside and mark in files else None


def _put_in_place(folder: Path, out: Path, mark: str, former: dict[str, str]) -> None:
    """Put the new files into their places, the mark last; take away unchanged ones that are written no more."""
    fresh = sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file())
    files = {name: _sha256(folder / name) for name in fresh}
    blocked = {out / parent for name in fresh for parent in Path(name).parents if (out / parent).exists()}
    for place in sorted(p for p in blocked if not p.is_dir()):
        raise OutputError(f"{place} is a file where a folder of results goes: move it, or name another folder")
    for name in sorted({*former, *files}):
        place = out / name
        if place.exists() and (not place.is_file() or _sha256(place) not in (former.get(name), files.get(name))):
            _keep(place, of_run=name in files)
    for name in sorted(files, key=lambda n: (n == mark, n)):
        (out / name).parent.mkdir(parents=True, exist_ok=True)
        if name == mark:
            _write_manifest(out, files)
        (folder / name).replace(out / name)
    for name in former.keys() - files.keys():
        place = out / name
        if place.is_file() and _sha256(place) == former[name]:
            place.unlink()
            for parent in place.relative_to(out).parents:
                if parent.parts and not any((out / parent).iterdir()):
                    (out / parent).rmdir()


def _keep(place: Path, *, of_run: bool) -> None:
    """Keep what the user changed: beside its own name where a new file takes that."""
    if not of_run:
        return
    kept = place.with_name(f"{place.name}.yours")
    count = 1
    while kept.exists():
        count += 1
        kept = place.with_name(f"{place.name}.yours-{count}")
    place.rename(kept)


def _write_manifest(out: Path, files: dict[str, str]) -> None:
    """Write the list of what is ours."""
    text = json.dumps({"format": 1, "files": files}, ensure_ascii=False, indent=1, sort_keys=True)
    part = out / f"{MANIFEST}.part"
    part.write_text(text + "\n", encoding="utf-8")
    part.replace(out / MANIFEST)


def _sha256(path: Path) -> str:
    """Return the hash of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
