"""Texts of others: no formula for a spreadsheet, nothing that a file can't hold, and our reader sees what was meant."""

from __future__ import annotations

import json
from pathlib import Path
from xml.etree import ElementTree as ET

import geopandas as gpd
import networkx as nx
import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from gis.study import load_study
from gis.tables import csv_text, write_csv
from layers.cells import INSTEAD, harmless, legible, without_marks
from layers.errors import StudyError
from layers.sources.files import read_file
from layers.sources.tables import read_table
from network.graphml import write_graphml

FORMULAS = ['=HYPERLINK("http://evil")', "+cmd|' /C calc'!A0", "-2+3", "@SUM(1)", "\t=1", "'=x", "''+y"]
PLAIN = ["-5.2", "+7", "1e-3", "-1,5", "'s-Hertogenbosch", "Орск", "a=b", ""]


def test_cells_are_marked_and_read_back(tmp_path: Path) -> None:
    table = pd.DataFrame({"name": [*FORMULAS, *PLAIN], "n": np.arange(len(FORMULAS + PLAIN)) - 3.5, "=col": "x"})
    write_csv(table, tmp_path / "t.csv")
    raw = pd.read_csv(tmp_path / "t.csv", dtype=str, keep_default_na=False)
    assert raw.columns.tolist() == ["name", "n", "'=col"]
    assert all(cell.startswith("'") for cell in raw["name"][: len(FORMULAS)])
    assert raw["name"][len(FORMULAS) :].tolist() == PLAIN
    assert raw["n"][0] == "-3.5"
    back, _ = read_table(tmp_path / "t.csv")
    assert back.columns.tolist() == ["name", "n", "=col"]
    assert back["name"].tolist() == table["name"].tolist()


@settings(max_examples=200, deadline=None)
@given(st.lists(st.text(alphabet="'=+-@\t5.e xЖ", max_size=6), min_size=1, max_size=5))
def test_marks_come_off_again(texts: list[str]) -> None:
    marked = harmless(pd.DataFrame({"t": pd.Series(texts, dtype=object)}))["t"].tolist()
    assert without_marks(marked) == texts
    for cell in marked:
        if cell[:1] in ("=", "@", "\t"):
            pytest.fail(f"{cell!r} is a formula")


def test_what_no_file_can_hold_is_replaced() -> None:
    odd = "a\x00\x0b\x1f\ufffe\uffff\ud800b\n</script>"
    seen = legible(odd)
    assert seen == f"a{INSTEAD * 6}b\n</script>"
    assert json.loads(json.dumps(seen)) == seen
    assert ET.fromstring(f"<a>{seen.replace('<', '&lt;')}</a>").text == seen


def test_a_layers_texts_are_legible(tmp_path: Path) -> None:
    frame = gpd.GeoDataFrame(
        {"name": ["a\x01b", None], "n": [1, 2]}, geometry=gpd.points_from_xy([1, 2], [3, 4]), crs=4326
    )
    frame.to_file(tmp_path / "a.gpkg")
    found, _ = read_file(tmp_path / "a.gpkg")
    assert found["name"][0] == f"a{INSTEAD}b"
    assert found["n"].tolist() == [1, 2]


def test_graphml_holds_any_name_and_capital_geometries(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    graph: nx.MultiDiGraph[int] = nx.MultiDiGraph(crs="x\ufffey")
    graph.add_edge(1, 2, name="\ud800]]></data>\x02", geometry=shapely.LineString([(0, 0), (1, 1)]))
    # As GEOS writes it where the locale is Turkish.
    monkeypatch.setattr(shapely.LineString, "__str__", lambda _: "LiNESTRiNG (0 0, 1 1)")
    write_graphml(graph, tmp_path / "g.graphml")
    data = [d.text for d in ET.parse(tmp_path / "g.graphml").getroot().iter() if d.tag.endswith("data")]
    assert data == [f"x{INSTEAD}y", f"{INSTEAD}]]></data>{INSTEAD}", "LINESTRING (0 0, 1 1)"]


def test_a_csv_for_excel_says_that_it_is_utf8_and_is_read_back_alike(tmp_path: Path) -> None:
    table = pd.DataFrame({"имя": ["Қостанай", "=1+1"], "population": [1.5, float("nan")]})
    for form, begins in (("plain", "имя".encode()), ("excel", b"\xef\xbb\xbf")):
        file = tmp_path / f"{form}.csv"
        write_csv(table, file, form)
        assert file.read_bytes().startswith(begins)
        pd.testing.assert_frame_equal(read_table(file)[0], read_table(tmp_path / "plain.csv")[0])


def test_a_study_and_the_command_line_choose_the_form_of_csv() -> None:
    study = load_study()
    assert (study.outputs.csv, study.with_csv("excel").outputs.csv, study.with_csv(None)) == ("plain", "excel", study)
    with pytest.raises(StudyError, match=r"the command line: outputs\.csv = 'xls'"):
        study.with_csv("xls")


@given(st.lists(st.floats(), min_size=1))
@settings(max_examples=200, deadline=None)
def test_numbers_of_a_file_are_written_as_pandas_writes_them(values: list[float]) -> None:
    table = pd.DataFrame({"x": values, "n": np.arange(len(values)), "t": "a,b", "flag": True}, index=values)
    table["whole"] = pd.array([None, *range(1, len(values))], dtype="Int64")
    plain = table.to_csv(index=False, float_format="%.9g", lineterminator="\n")
    assert csv_text(table) == plain
