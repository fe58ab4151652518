"""A run's data dictionary knows every column of its tables. A new column needs a row in maps/columns.csv."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from maps.columns import describe

if TYPE_CHECKING:
    from pathlib import Path


def test_no_column_of_a_runs_tables_is_missing(packaged_run: Path) -> None:
    unknown = {}
    for file in sorted((packaged_run / "out" / "tables").glob("*.csv")):
        names = [n for n in pd.read_csv(file, nrows=0).columns if describe(n) is None]
        if names:
            unknown[file.stem] = names
    assert unknown == {}
    table = pd.read_csv(packaged_run / "out" / "tables" / "columns.csv")
    assert set(table["table"]) == {f.stem for f in (packaged_run / "out" / "tables").glob("*.csv")} - {"columns"}
    assert table["meaning"].notna().all()
