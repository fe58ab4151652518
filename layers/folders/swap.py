"""New files put into the places of old ones, all or none: what a kill leaves half done the next command ends.

A journal names the new files and their hashes before the first of them moves. While it stands, whoever comes next goes
on where the dead run was: every step is a rename or a removal, may be repeated, and writes nothing. After an error (no
right, no room) the steps are taken back: the old files have a second name, or a copy, beside the new ones.
"""

from __future__ import annotations

import os
import shutil
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from layers.errors import OutputError
from layers.folders.boundary import FULL
from layers.folders.ours import (
    DATABASES,
    MANIFEST,
    Written,
    is_inside,
    list_files,
    read_list,
    settle_database,
    sha256_of,
    write_list,
)

JOURNAL, BACK = ".borderlink-journal.json", ".borderlink-journal-back.json"
"""Under the first name the new files go to their places, under the second the old ones come back."""
STAGE = ".borderlink-new-"
FRESH, FORMER = "new", "old"


@dataclass(frozen=True)
class Plan:
    """A swap: where the new files stand, what they and the old ones are, and which is put in place last."""

    stage: str
    mark: str
    fresh: Written
    former: Written
    saved: tuple[str, ...]
    """Old files that have a second name or a copy."""
    kept: dict[str, str]
    """Names under which files of the user's are kept that stand in the way."""

    @property
    def order(self) -> list[str]:
        """Names in the order in which they are put in place: the manifest and the mark last."""
        return [*sorted(n for n in self.fresh.files if n != self.mark), MANIFEST, self.mark]

    def to_json(self) -> dict[str, Any]:
        """Return the journal."""
        return {
            "stage": self.stage,
            "mark": self.mark,
            "fresh": self.fresh.to_json(),
            "former": self.former.to_json(),
            "saved": list(self.saved),
            "kept": self.kept,
        }


def put_in_place(stage: Path, out: Path, mark: str, former: Written) -> None:
    """Put the files under ``stage/new`` into their places in `out`, the mark last; on an error all is as before.

    Raises
    ------
    OutputError
        A file or folder stands where it can't be; a database is open in another program.
    OSError
        The folder can't be written.
    """
    fresh = list_files(stage / FRESH)
    _check_places(out, fresh)
    for name in {*fresh.files, *former.files}:
        if name.lower().endswith(DATABASES):
            settle_database(out / name)
    write_list(stage / FRESH / MANIFEST, fresh.to_json())
    for name in (*fresh.files, MANIFEST):
        _to_disk(stage / FRESH / name)
    saved = [
        n for n in {*former.files, *fresh.files} if former.is_as_written(out / n, n) or _is_same(out / n, n, fresh)
    ]
    if (out / MANIFEST).is_file():
        saved.append(MANIFEST)
    for name in saved:
        _save(out / name, stage / FORMER / name)
    strange = [n for n in fresh.files if (out / n).exists() and n not in saved]
    kept = {name: _free(out / name).relative_to(out).as_posix() for name in strange}
    plan = Plan(stage.name, mark, fresh, former, tuple(sorted(saved)), kept)
    _go_on(out, plan, begin=True)


def recover(out: Path) -> None:
    """End what a dead run left half done, and sweep what it left behind; the caller holds the folder.

    Raises
    ------
    OutputError
        The journal is damaged.
    OSError
        The folder can't be written.
    """
    if (out / BACK).exists():
        _take_back(out, _read(out, BACK))
    elif (out / JOURNAL).exists():
        _go_on(out, _read(out, JOURNAL))
    sweep(out)


def needs_recovery(out: Path) -> bool:
    """Return whether a dead run left a folder half done."""
    return (out / BACK).exists() or (out / JOURNAL).exists()


def sweep(out: Path) -> None:
    """Remove what dead runs left: folders of new files that never came to their places, half-written lists."""
    for path in out.glob(f"{STAGE}*"):
        shutil.rmtree(path, ignore_errors=True)
    for name in (JOURNAL, MANIFEST):
        with suppress(FileNotFoundError):
            (out / f"{name}.part").unlink()


def _read(out: Path, name: str) -> Plan:
    """Return the plan of a journal."""
    content = read_list(out / name)
    try:
        fresh, former = Written.from_json(content["fresh"]), Written.from_json(content["former"])
        stage, mark = str(content["stage"]), str(content["mark"])
        saved, kept = tuple(map(str, content["saved"])), {str(k): str(v) for k, v in content["kept"].items()}
    except (KeyError, TypeError, AttributeError):
        fresh = None
    if fresh is None or former is None or not stage.startswith(STAGE) or "/" in stage or mark not in fresh.files:
        raise OutputError(
            f"{out / name} is damaged: look at the results beside it, then delete it, or name another folder"
        )
    if not all(map(is_inside, (*saved, *kept, *kept.values()))):
        raise OutputError(f"{out / name} names places outside its folder: delete it, or name another folder")
    return Plan(stage, mark, fresh, former, saved, kept)


def _go_on(out: Path, plan: Plan, *, begin: bool = False) -> None:
    """Take the steps that are left; on an error take all of them back."""
    try:
        if begin:
            write_list(out / JOURNAL, plan.to_json())
        for name in plan.order:
            if name == MANIFEST:
                _remove_former(out, plan)
            _install(out, plan, name)
        _to_disk(out)
        (out / JOURNAL).unlink()
    except BaseException:
        if (out / JOURNAL).exists():
            (out / JOURNAL).replace(out / BACK)
            _take_back(out, plan)
        raise


def _install(out: Path, plan: Plan, name: str) -> None:
    """Put one new file in its place, if it has not been there yet."""
    source, place = out / plan.stage / FRESH / name, out / name
    if not source.exists():
        return
    place.parent.mkdir(parents=True, exist_ok=True)
    if name != MANIFEST and place.exists():
        if name.lower().endswith(DATABASES):
            settle_database(place)
        if not plan.former.is_as_written(place, name) and not _is_same(place, name, plan.fresh):
            kept = out / plan.kept[name] if name in plan.kept else _free(place)
            # Taken since the plan was made, or changed again after a kill: another name, never another's file.
            place.rename(_free(place) if kept.exists() else kept)
    source.replace(place)


def _remove_former(out: Path, plan: Plan) -> None:
    """Take away files of the earlier run that are written no more, if they are as it left them."""
    for name in sorted(plan.former.files.keys() - plan.fresh.files.keys()):
        if plan.former.is_as_written(out / name, name):
            (out / name).unlink()
        _remove_empty(out, name)


def _take_back(out: Path, plan: Plan) -> None:
    """Bring the old files back to their places, the mark first."""
    former = out / plan.stage / FORMER
    for name in [*reversed(plan.order), *sorted(plan.former.files.keys() - plan.fresh.files.keys())]:
        place = out / name
        if (former / name).exists():
            place.parent.mkdir(parents=True, exist_ok=True)
            (former / name).replace(place)
        elif name not in plan.saved and _is_new(place, name, plan):
            place.unlink()
        if name in plan.kept and (out / plan.kept[name]).exists() and not place.exists():
            (out / plan.kept[name]).rename(place)
        _remove_empty(out, name)
    _to_disk(out)
    (out / BACK).unlink()


def _is_new(place: Path, name: str, plan: Plan) -> bool:
    """Return whether a file is one that this swap brought."""
    if not place.is_file():
        return False
    return name == MANIFEST or _is_same(place, name, plan.fresh)


def _is_same(place: Path, name: str, written: Written) -> bool:
    """Return whether a file has the very bytes that are listed."""
    return name in written.files and place.is_file() and sha256_of(place) == written.files[name]


def _check_places(out: Path, fresh: Written) -> None:
    """Refuse what stands in the way and can't be kept beside."""
    for name in fresh.files:
        for parent in (out / p for p in Path(name).parents if p.parts):
            if parent.exists() and not parent.is_dir():
                raise OutputError(f"{parent} is a file where a folder of results goes: move it, or name another folder")
            if parent.is_dir() and parent.stat().st_dev != out.stat().st_dev:
                raise OutputError(f"{parent} lies on another file system than {out}: allowed is one for all results")
        if (out / name).is_dir():
            raise OutputError(f"{out / name} is a folder where a file of results goes: move it, or name another folder")


def _save(place: Path, saved: Path) -> None:
    """Give an old file of ours a second name, or a copy where the file system has no links."""
    saved.parent.mkdir(parents=True, exist_ok=True)
    try:
        os.link(place, saved)
    except OSError:
        shutil.copy2(place, saved)
        _to_disk(saved)


def _free(place: Path) -> Path:
    """Return the name under which a file of the user's is kept: ``name.yours``, or ``name.yours-2`` and so on."""
    kept, count = place.with_name(f"{place.name}.yours"), 1
    while kept.exists() or kept.is_symlink():
        count += 1
        kept = place.with_name(f"{place.name}.yours-{count}")
    return kept


def _remove_empty(out: Path, name: str) -> None:
    """Remove the folders that a file left empty."""
    for parent in Path(name).parents:
        if parent.parts and (out / parent).is_dir() and not any((out / parent).iterdir()):
            (out / parent).rmdir()


def _to_disk(path: Path) -> None:
    """See that a file's content, or a folder's names, are on the disk; some file systems can't."""
    try:
        number = os.open(path, os.O_RDONLY)
    except OSError:
        return  # Windows opens no folders
    try:
        os.fsync(number)
    except OSError as error:
        if error.errno in FULL:  # a write that seemed to have succeeded
            raise
    finally:
        os.close(number)
