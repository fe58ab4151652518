"""The user's table of indicators: what is read, what waits, and everything that is wrong with it told at once."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from layers.errors import LayerError
from layers.indicators import COLUMNS, LEVELS, TEMPLATE, check_indicators, indicator_template, read_indicators
from tests.borders import Land

RU = [
    "RU-AST",
    "RU-VGG",
    "RU-SAR",
    "RU-SAM",
    "RU-ORE",
    "RU-CHE",
    "RU-KGN",
    "RU-TYU",
    "RU-OMS",
    "RU-NVS",
    "RU-ALT",
    "RU-AL",
]
KZ = ["KZ-23", "KZ-27", "KZ-15", "KZ-39", "KZ-59", "KZ-55", "KZ-10", "KZ-63"]
SIX = ["RU-AST", "RU-VGG", "RU-SAR", "KZ-23", "KZ-27", "KZ-15"]


def row(**changes: Any) -> dict[str, Any]:
    """Return a row that is right."""
    out = {
        "region": "RU-AST",
        "indicator": "beds",
        "value": "81.5",
        "unit": "per 10,000",
        "year": "2022",
        "direction": "more is better",
        "level": "social services",
    }
    return out | changes


def table_of(*rows: dict[str, Any]) -> pd.DataFrame:
    return pd.DataFrame(list(rows))


def test_the_template_holds_the_regions_of_both_sides_and_no_number() -> None:
    table = indicator_template()
    assert table["region"].drop_duplicates().tolist() == RU + KZ
    assert set(COLUMNS) <= set(table.columns)
    assert (table[["value", "year", "source"]] == "").all(axis=None)
    assert set(table["level"]) == {"joint projects", "social services"}
    assert set(table["direction"]) == {"more is better", "less is better"}
    assert (table.groupby("indicator")[["unit", "direction", "level"]].nunique() == 1).all(axis=None)
    assert len(table) == 20 * table["indicator"].nunique()
    names = table.drop_duplicates("region").set_index("region")["name"]
    assert (names["KZ-10"], names["KZ-63"]) == ("Abai Region", "East Kazakhstan Region")


def test_the_template_has_every_region_of_the_packaged_checkpoints_and_the_layers_names(packaged_land: Land) -> None:
    table = indicator_template()
    posts = packaged_land.checkpoints
    assert set(posts["region_a"]) | set(posts["region_b"]) <= set(table["region"])
    names = packaged_land.regions.set_index("region")["name"]
    own = table.drop_duplicates("region").set_index("region")["name"].drop("KZ-10")
    assert own.to_dict() == names[own.index].to_dict()


def test_the_template_as_it_is_reads_as_nothing_known(packaged_land: Land) -> None:
    found = read_indicators(TEMPLATE, packaged_land.regions["region"])
    assert found.table["value"].isna().all()
    assert found.table["region"].nunique() == 19
    assert found.waiting["region"].unique().tolist() == ["KZ-10"]
    assert found.notes == [
        "160 of 160 values of the table of indicators are empty: not known",
        "KZ-10 Abai Region is not in the regions layer: its 8 rows wait",
    ]


def test_nobody_waits_where_the_layer_has_the_region() -> None:
    found = check_indicators(indicator_template(), [*RU, *KZ])
    assert found.waiting.empty
    assert len(found.table) == 160


def test_a_filled_table_comes_back_as_it_is(tmp_path: Path) -> None:
    table = indicator_template()
    rng = np.random.default_rng(5)
    values = rng.normal(100, 30, len(table)).round(3)
    table["value"], table["year"] = values, "2023"
    table.to_csv(tmp_path / "mine.csv", index=False)
    found = read_indicators(tmp_path / "mine.csv", RU + KZ)
    assert found.table["value"].tolist() == values.tolist()
    assert found.table["indicator"].tolist() == table["indicator"].tolist()
    assert found.table["direction"].tolist() == [1 if d == "more is better" else -1 for d in table["direction"]]
    assert (found.table["year"] == 2023).all()
    assert found.notes == []


def test_the_latest_known_year_counts() -> None:
    rows = [
        row(year="2020", value="1"),
        row(year="2022", value="3"),
        row(year="2021", value="2"),
        row(year="2023", value=""),
        row(region="KZ-23", year="2021", value="9"),
        row(region="KZ-27", value="", year=""),
    ]
    found = check_indicators(table_of(*rows), SIX)
    assert found.table["region"].tolist() == ["RU-AST", "KZ-23", "KZ-27"]
    assert found.table["value"].tolist()[:2] == [3.0, 9.0]
    assert found.table["year"].tolist()[:2] == [2022, 2021]
    assert found.table[["value", "year"]].isna().all(axis=1).tolist() == [False, False, True]
    assert found.notes == [
        "1 of 3 values of the table of indicators are empty: not known",
        "2 older values are not used: the latest year of each region and indicator counts",
        "indicator 'beds' mixes years: 2021 (1 region), 2022 (1 region)",
    ]


@pytest.mark.parametrize("seed", range(4))
def test_the_latest_year_of_random_tables(seed: int) -> None:
    rng = np.random.default_rng(seed)
    every = [(r, i, y) for r in SIX for i in ("beds", "trade") for y in range(2018, 2024)]
    picked = [every[k] for k in rng.permutation(len(every))[:40]]
    rows = [
        row(region=r, indicator=i, year=y, value=rng.integers(100) if rng.random() < 0.7 else None)
        for r, i, y in picked
    ]
    found = check_indicators(table_of(*rows), SIX)
    for got in found.table.itertuples():
        mine = {q["year"]: q["value"] for q in rows if (q["region"], q["indicator"]) == (got.region, got.indicator)}
        known = {y: v for y, v in mine.items() if v is not None}
        if known:
            assert (got.year, got.value) == (max(known), known[max(known)])
        else:
            assert np.isnan(got.value)
    assert len(found.table) == len({(q["region"], q["indicator"]) for q in rows})


WRONG = [
    ({"region": "XX-1"}, "unknown regions 'XX-1' (line 3)"),
    ({"region": ""}, "unknown regions '' (line 3)"),
    ({"value": "many"}, "values that are no numbers 'many' (line 3)"),
    ({"value": "n/a"}, "values that are no numbers 'n/a' (line 3)"),
    ({"value": "inf"}, "values that are no numbers 'inf' (line 3)"),
    ({"value": "1,500"}, "values that are no numbers '1,500' (line 3)"),
    ({"year": ""}, "values without a year '' (line 3)"),
    ({"year": "22"}, "years '22' (line 3): allowed are 1900 to 2100"),
    ({"year": "2022.5"}, "years '2022.5' (line 3)"),
    ({"direction": "up"}, "directions 'up' (line 3): allowed are more is better (1) and less is better (-1)"),
    ({"level": "economy"}, f"levels 'economy' (line 3): allowed are {', '.join(LEVELS)}"),
    ({"unit": ""}, "no unit '' (line 3)"),
    ({"indicator": " "}, "indicators without a name '' (line 3)"),
    ({"unit": "per 1,000"}, "indicator 'beds' mixes units: per 10,000, per 1,000"),
    ({"direction": "less is better"}, "indicator 'beds' mixes directions: more is better, less is better"),
    ({"level": "transport"}, "indicator 'beds' mixes levels: social services, transport"),
    ({"region": "RU-AST"}, "more than one row of a region, indicator and year 'RU-AST beds 2022' (line 3)"),
    ({"region": "RU-AST", "year": "2022.0"}, "more than one row of a region, indicator and year"),
]


@pytest.mark.parametrize(("changes", "told"), WRONG, ids=[w[1][:40] for w in WRONG])
def test_what_is_wrong_is_told_with_its_line(changes: dict[str, Any], told: str) -> None:
    with pytest.raises(LayerError) as caught:
        check_indicators(table_of(row(), row(**({"region": "KZ-23"} | changes))), SIX)
    assert told in str(caught.value)


def test_one_message_collects_all_problems() -> None:
    rows = [row(), row(), row(region="XX-1", value="?"), row(region="KZ-23", level="x", unit="%", year="")]
    with pytest.raises(LayerError) as caught:
        check_indicators(table_of(*rows), SIX, where="mine.csv")
    text = str(caught.value)
    assert text.startswith("indicators (mine.csv): ")
    for told in ("'XX-1'", "'?'", "levels 'x'", "mixes units", "without a year", "more than one row"):
        assert told in text


def test_missing_columns_are_told_together() -> None:
    with pytest.raises(LayerError, match="no column unit, direction: it has region, indicator, value, year, level"):
        check_indicators(table_of(row()).drop(columns=["unit", "direction"]), SIX)


@pytest.mark.parametrize(
    ("word", "sign"),
    [("+1", 1), ("1", 1), (1, 1), (1.0, 1), (-1, -1), ("−1", -1), ("More is better", 1), ("less is better ", -1)],
)
def test_directions_as_they_are_written(word: Any, sign: int) -> None:
    assert check_indicators(table_of(row(direction=word)), SIX).table["direction"].tolist() == [sign]


def test_semicolons_decimal_commas_and_a_byte_order_mark(tmp_path: Path) -> None:
    path = tmp_path / "excel.csv"
    head = ";".join(COLUMNS)
    path.write_text(
        f"{head};source\r\nRU-AST;beds;81,5;per 10,000;2022;1;Social services;Rosstat\r\n;;;;;;;\r\n",
        encoding="utf-8-sig",
    )
    found = read_indicators(path, SIX).table
    assert found[["value", "unit", "level", "source"]].values.tolist() == [
        [81.5, "per 10,000", "social services", "Rosstat"]
    ]


BAD_FILES = [
    ("no.pdf", b"", "allowed are .csv"),
    ("no.xlsx", b"", "can't be read"),
    ("gone.csv", None, "no such file"),
    ("binary.csv", b"region\0", "it is no text"),
    ("empty.csv", b"", "can't be read"),
    ("head.csv", ",".join(COLUMNS).encode(), "no row"),
    (
        "wide.csv",
        (",".join(COLUMNS) + "\nRU-AST,beds,1,%,2022,1,transport,more\n").encode(),
        "line 2 has more cells than the header",
    ),
    (
        "ragged.csv",
        (",".join(COLUMNS) + "\nRU-AST,beds,1,%,2022,1,transport\nRU-VGG,beds,1,%,2022,1,transport,a,b\n").encode(),
        "can't be read",
    ),
    ("short.csv", (",".join(COLUMNS) + "\nRU-AST,beds,1\n").encode(), "no unit"),
]


@pytest.mark.parametrize(("name", "content", "told"), BAD_FILES, ids=[b[0] for b in BAD_FILES])
def test_files_that_are_no_table_of_indicators(tmp_path: Path, name: str, content: bytes | None, told: str) -> None:
    path = tmp_path / name
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(LayerError, match=told):
        read_indicators(path, SIX)


def test_a_region_of_another_border_is_known_by_its_layer_alone() -> None:
    assert check_indicators(table_of(row(region="AR-U")), ["AR-U"]).waiting.empty
    with pytest.raises(LayerError, match="unknown regions 'AR-U'"):
        check_indicators(table_of(row(region="AR-U")), SIX)
    found = check_indicators(table_of(row(region="KZ-10", name="Абай")), ["KZ-63"])
    assert found.notes == ["KZ-10 Абай is not in the regions layer: its row waits"]
    assert found.table.empty
    assert found.waiting["value"].tolist() == [81.5]
