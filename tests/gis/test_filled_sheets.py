"""Sheets of what was counted, filled in as a user fills them in, and the indicators that they give, by hand."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd
import pytest

from gis.queries.appraisal_sheets import STAGES
from gis.queries.filled_sheets import SHEETS, counted_indicators, read_sheets
from layers.errors import LayerError
from tests.gis.conftest import call
from tests.gis.grid import write_grid

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with empty sheets."""
    home = tmp_path_factory.mktemp("sheets")
    done = call("template", "appraisal", write_grid(home), "--out", "sheets", cwd=home)
    assert done.returncode == 0, done.stderr
    return home / "sheets"


def filled(empty: Path, home: Path, name: str, rows: list[dict[str, str]], **others: str) -> Path:
    """Return a folder with one sheet in which some rows are filled in, found by their keys; others are added."""
    home.mkdir(exist_ok=True)
    table = pd.read_csv(empty / f"{name}.csv", dtype=str, keep_default_na=False)
    for row in rows:
        keys = [k for k in SHEETS[name].keys if k in row]
        at = (table[keys] == pd.Series(row)[keys]).all(axis=1)
        if not at.any():
            table = pd.concat([table, pd.DataFrame([row])], ignore_index=True).fillna("")
        for column, value in row.items() if at.any() else ():
            table.loc[at, column] = value
    table.to_csv(home / f"{name}.csv", index=False, **others)  # type: ignore[call-overload]
    return home


def crossing(direction: str, activity: str, hours: str, fee: str = "", count: str = "") -> dict[str, str]:
    return {
        "checkpoint_id": "south",
        "direction": direction,
        "vehicle": "truck",
        "activity": activity,
        "hours": hours,
        "official_fee": fee,
        "currency": "USD" if fee else "",
        "crossings_counted": count,
    }


def test_hours_and_fees_of_a_crossing_are_summed_and_crossings_averaged(empty: Path, tmp_path: Path) -> None:
    rows = [
        crossing("a to b", "waiting in the queue", "2.5", count="30"),
        crossing("a to b", "customs", "1,5", "20", "30"),
        crossing("b to a", "customs", "1", "40", "10"),
    ]
    found = counted_indicators(read_sheets(filled(empty, tmp_path / "s", "tfi1_tfi2", rows))[0])
    hours = found[found["indicator"].str.startswith("TFI1")].set_index("direction")
    assert hours.loc["a to b", "value"] == 4.0
    assert hours.loc["b to a", "value"] == 1.0
    assert hours.loc["", "value"] == pytest.approx((4.0 * 30 + 1.0 * 10) / 40)
    assert hours.loc["", "counted"] == 40
    fees = found[found["indicator"].str.startswith("TFI2")].set_index("direction")
    assert fees.loc["", "value"] == pytest.approx((20 * 30 + 40 * 10) / 40)
    assert set(fees["unit"]) == {"USD"}
    assert found["source"].ne("").all()


def test_a_corridor_costs_so_much_per_500_km_and_20_tonnes(empty: Path, tmp_path: Path) -> None:
    both = {"corridor": "North", "currency": "USD"}
    rows = [
        {**both, "section": "one", "km": "100", "tonnes": "20", "vehicle_cost": "150", "fees": "50"},
        {**both, "section": "two", "km": "300", "tonnes": "10", "vehicle_cost": "200", "fees": ""},
    ]
    (row,) = counted_indicators(read_sheets(filled(empty, tmp_path / "s", "tfi3", rows))[0]).to_dict("records")
    # 200 and, for twice the load, 400 over 400 km.
    assert (row["of"], row["value"], row["unit"]) == ("North", 750.0, "USD per 500 km and 20 t")


def test_stages_add_up_and_scores_are_averaged(empty: Path, tmp_path: Path) -> None:
    post = {"checkpoint_id": "south", "direction": "a to b"}
    rows = [{**post, "stage": s, "mean_hours": "0.5", "declarations_counted": "12"} for s, _ in STAGES]
    home = filled(empty, tmp_path / "s", "trs", rows, sep=";")
    scores = zip(("customs procedures", "coordination of agencies"), ("0.4", "0.6"), strict=True)
    filled(empty, home, "cbttfi", [{"checkpoint_id": "north", "area": a, "score_0_to_1": v} for a, v in scores])
    found = counted_indicators(read_sheets(home)[0]).set_index("of")
    assert found.loc["arrival to leaving", "value"] == 4.0
    assert found.loc["arrival to leaving", "counted"] == 12
    assert found.loc["documentary check (customs)", "value"] == 0.5
    assert found.loc["customs procedures", "value"] == 0.4
    assert "all areas" not in found.index  # two of four


def test_what_can_not_be_right_is_said_with_its_file_line_and_column(empty: Path, tmp_path: Path) -> None:
    rows = [
        crossing("a to b", "customs", "-1", count="2.5"),
        crossing("sideways", "customs", "1"),
    ]
    home = filled(empty, tmp_path / "s", "tfi1_tfi2", rows)
    filled(empty, home, "cbttfi", [{"checkpoint_id": "north", "area": "transport rules", "score_0_to_1": "1.4"}])
    with pytest.raises(LayerError) as caught:
        read_sheets(home)
    message = str(caught.value)
    table = pd.read_csv(home / "tfi1_tfi2.csv", dtype=str)
    line = table.index[table["hours"] == "-1"][0] + 2
    assert f"tfi1_tfi2.csv, line {line}, hours = '-1': allowed is a number of 0 to 10,000" in message
    assert f"line {line}, crossings_counted = '2.5': allowed is a whole number" in message
    assert f"line {len(table) + 1}, direction = 'sideways': allowed are a to b, b to a" in message
    assert "cbttfi.csv, line" in message
    assert "score_0_to_1 = '1.4': allowed is a number of 0 to 1" in message


def test_a_sheet_as_a_russian_spreadsheet_saves_it(empty: Path, tmp_path: Path) -> None:
    rows = [{**crossing("a to b", "customs", "1,5", "1 200,50", "1 000"), "currency": "руб"}]
    home = filled(empty, tmp_path / "s", "tfi1_tfi2", rows, sep=";", encoding="cp1251")
    sheets, notes = read_sheets(home)
    assert sheets["tfi1_tfi2"][["hours", "official_fee", "crossings_counted"]].to_numpy().tolist() == [
        [1.5, 1200.5, 1000]
    ]
    assert notes == ["tfi1_tfi2.csv is not in UTF-8: it was read as cp1251, which is a guess"]


def test_other_mistakes_are_one_message(empty: Path, tmp_path: Path) -> None:
    with pytest.raises(LayerError, match="no sheets in"):
        read_sheets(tmp_path)
    with pytest.raises(LayerError, match="are empty"):
        read_sheets(empty)
    rows = [crossing("a to b", "customs", "1", "5"), {**crossing("b to a", "customs", "1", "5"), "currency": "KZT"}]
    sheets, _ = read_sheets(filled(empty, tmp_path / "two", "tfi1_tfi2", rows))
    with pytest.raises(LayerError, match="currency: KZT, USD: allowed is one"):
        counted_indicators(sheets)
    (tmp_path / "bad").mkdir()
    (tmp_path / "bad" / "trs.csv").write_text("a,b\n1,2\n", encoding="utf-8")
    with pytest.raises(LayerError, match=r"trs.csv lacks the columns checkpoint_id"):
        read_sheets(tmp_path / "bad")


def test_the_command_writes_a_table_and_replaces_nothing(empty: Path, tmp_path: Path) -> None:
    filled(empty, tmp_path / "s", "tfi1_tfi2", [crossing("a to b", "customs", "1.5", "5", "10")])
    done = call("appraise", "s", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "TFI1 time to clear a post by road, truck: 1.5 h" in done.stdout
    table = pd.read_csv(tmp_path / "appraisal-counted.csv")
    assert table["value"].tolist() == [1.5, 1.5, 5.0, 5.0]
    assert call("appraise", "s", cwd=tmp_path).returncode == 2
