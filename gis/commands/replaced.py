"""What a command says of the results that stood in its folder before."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from layers.folders.ours import read_manifest

KEPT = ".yours"
"""What is added to the name of a user's file that stood in the way."""


@dataclass(frozen=True)
class Earlier:
    """Files of an earlier run in a folder, its time, and files of the user's that had been kept already."""

    out: Path
    files: frozenset[str]
    kept: frozenset[str]
    when: str

    @classmethod
    def of(cls, out: Path, mark: str) -> Earlier:
        """Return what stands in a folder before a command writes there."""
        former = read_manifest(out, mark)
        stamp = (out / mark).stat().st_mtime if former and (out / mark).is_file() else 0.0
        when = f"{datetime.fromtimestamp(stamp):%Y-%m-%d %H:%M}" if stamp else ""
        return cls(out, frozenset(former.files if former else ()), frozenset(_kept(out)), when)

    def lines(self, mark: str) -> list[str]:
        """Return what the command replaced, removed and kept; nothing where the folder was new."""
        now = read_manifest(self.out, mark)
        if not self.files or now is None:
            return []
        same, gone = self.files & set(now.files), self.files - set(now.files)
        words = [
            f"{len(same)} files of the run of {self.when} in {self.out} are replaced"
            + (f", {len(gone)} removed" if gone else "")
        ]
        fresh = sorted(set(_kept(self.out)) - self.kept)
        if fresh:
            words.append(f"changed since and kept: {', '.join(fresh)}")
        return words


def _kept(out: Path) -> list[str]:
    """Return the files of the user's that were kept under another name."""
    if not out.is_dir():
        return []
    return [p.relative_to(out).as_posix() for p in out.rglob("*") if p.is_file() and KEPT in p.name]
