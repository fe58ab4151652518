"""Very large tables of whole costs lie in a file without a name while a process runs, row by row: not in its memory.

Whoever asks for some of their rows and columns again, the other way round or not, reads them: a search takes a hundred
times as long.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from tempfile import TemporaryFile
from typing import IO, TYPE_CHECKING, Any

import numpy as np

from layers.keeping import scratch_folder

if TYPE_CHECKING:
    from numpy.typing import NDArray

MOST_BYTES = 3_000_000_000
"""All that is laid down together; what was not wanted for longest goes first."""


@dataclass
class _Rows:
    """Rows of costs at some columns: `row` of each root in a file of as many numbers a row as there are columns."""

    columns: NDArray[np.int64]
    file: IO[bytes]
    row: dict[int, int] = field(default_factory=dict)

    @property
    def size(self) -> int:
        return 4 * len(self.row) * len(self.columns)

    def known(self, roots: NDArray[np.int64], columns: NDArray[np.int64]) -> bool:
        """Return whether all costs from roots to columns are there."""
        return all(r in self.row for r in roots.tolist()) and bool(np.isin(columns, self.columns).all())

    def read(self, roots: NDArray[np.int64], columns: NDArray[np.int64]) -> NDArray[np.int32]:
        """Return the costs from roots to columns."""
        width = len(self.columns)
        whole = columns is self.columns or np.array_equal(columns, self.columns)
        at = slice(None) if whole else np.searchsorted(self.columns, columns)
        out, line = np.empty((len(roots), len(columns)), np.int32), np.empty(width, np.int32)
        for i, root in enumerate(roots.tolist()):  # a read each: thousands of numbers
            self.file.seek(4 * width * self.row[root])
            self.file.readinto(line)  # type: ignore[attr-defined]  # a file without a name is a file
            out[i] = line[at]
        return out

    def add(self, roots: NDArray[np.int64], costs: NDArray[np.int32]) -> None:
        """Lay rows down behind the others."""
        self.file.seek(4 * len(self.row) * len(self.columns))
        for root, line in zip(roots.tolist(), costs, strict=True):
            if root not in self.row:
                self.file.write(np.ascontiguousarray(line).data)
                self.row[root] = len(self.row)
        self.file.flush()


@dataclass
class Shelf:
    """Tables by what names their costs; the last that was wanted is the last in order."""

    tables: dict[tuple[Any, ...], _Rows] = field(default_factory=dict)

    def taken(
        self, key: tuple[Any, ...], roots: NDArray[np.int64], columns: NDArray[np.int64]
    ) -> NDArray[np.int32] | None:
        """Return the costs from roots to columns of a table that holds them, None where none does."""
        for name in [k for k in self.tables if k[:-1] == key]:  # a handful
            if self.tables[name].known(roots, columns):
                self.tables[name] = self.tables.pop(name)
                return self.tables[name].read(roots, columns)
        return None

    def laid(
        self, key: tuple[Any, ...], roots: NDArray[np.int64], columns: NDArray[np.int64], costs: NDArray[np.int32]
    ) -> None:
        """Lay rows down beside those with the same columns; where there is no room for them nothing stays."""
        order = np.argsort(columns, kind="stable")
        columns = columns[order]
        name = (*key, columns.tobytes())
        try:
            if name not in self.tables:
                self.tables[name] = _Rows(columns, TemporaryFile(dir=scratch_folder()))  # noqa: SIM115, it stays open
            self.tables[name].add(roots, costs[:, order])
        except OSError:
            self.forget()
        while sum(rows.size for rows in self.tables.values()) > MOST_BYTES:
            self.tables.pop(next(iter(self.tables))).file.close()

    def forget(self) -> None:
        """Forget all tables."""
        for rows in self.tables.values():
            rows.file.close()
        self.tables.clear()
