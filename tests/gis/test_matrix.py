"""``borderlink matrix``: all pairs as a table, equal to what ``route`` says of each."""

from __future__ import annotations

import io
import json
from pathlib import Path

import geopandas as gpd
import pandas as pd
import pytest
import shapely

from tests.borders import ROUNDED
from tests.gis.conftest import call
from tests.gis.grid import write_grid


def test_pairs_of_names_are_what_route_says(tmp_path: Path) -> None:
    study = write_grid(tmp_path)
    done = call(
        "matrix",
        "Town 59.7 49.7; 59.2,49.9",
        "Town 60.3 49.7;Town 59.1 50.3",
        "--study",
        study.name,
        "--km",
        "--out",
        "-",
        cwd=tmp_path,
    )
    assert done.returncode == 0, done.stderr
    table = pd.read_csv(io.StringIO(done.stdout))
    assert table.columns.tolist() == ["origin", "destination", "minutes", "wait_min", "checkpoints", "km"]
    assert table["origin"].tolist() == ["Town 59.7 49.7, A"] * 2 + ["59.2,49.9"] * 2
    assert table["checkpoints"].fillna("").tolist() == ["south", "", "south", ""]
    assert table["wait_min"].tolist() == [30, 0, 30, 0]
    # The crossing at 49.7 is 43.3 km long, at 75 km/h.
    assert table["km"].iloc[0] == pytest.approx(43.3, abs=0.1)
    assert table["minutes"].iloc[0] == pytest.approx(43.3 / 75 * 60 + 30, abs=0.2)
    for row in table.itertuples():
        found = json.loads(
            call("route", row.origin, row.destination, "--study", study.name, "--json", cwd=tmp_path).stdout
        )
        # A way says its links' own minutes, a table the sum of their rounded costs: the grid has 38 roads, 24 towns,
        # two posts.
        assert found["total_min"] == pytest.approx(row.minutes, abs=100 * ROUNDED)
        assert found["length_m"] / 1000 == pytest.approx(row.km, rel=1e-6)


def test_a_file_against_all_settlements_as_parquet(tmp_path: Path) -> None:
    study = write_grid(tmp_path)
    (tmp_path / "places.csv").write_text("Name;lon;lat\nHospital;59,4;49,7\nSchool;60,6;50,1\n", encoding="utf-8")
    done = call("matrix", "places.csv", "settlements", "--study", study.name, "--out", "m.parquet", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    table = pd.read_parquet(tmp_path / "m.parquet")
    assert len(table) == 2 * 24
    assert set(table["origin"]) == {"Hospital", "School"}
    assert table.set_index(["origin", "destination"]).loc[("Hospital", "Town 59.4 49.7"), "minutes"] == pytest.approx(
        0, abs=0.1
    )
    assert "48 pairs" in done.stdout


def test_what_cannot_be_asked(tmp_path: Path) -> None:
    study = write_grid(tmp_path)
    gpd.GeoDataFrame({"label": ["x"]}, geometry=[shapely.Point(59.4, 49.7)], crs=4326).to_file(tmp_path / "p.gpkg")
    for arguments, said in (
        (("p.gpkg", "settlements"), "no column 'name'"),
        ((" ; ", "settlements"), "no place"),
        (("Nowhere", "settlements"), "Nowhere"),
        (
            ("settlements", "settlements", "--out", "m.xlsx"),
            "allowed are files *.csv and *.parquet, and - for the terminal",
        ),
    ):
        done = call("matrix", *arguments, "--study", study.name, cwd=tmp_path)
        assert done.returncode == 2
        assert said in done.stderr
        assert not done.stdout
    done = call("matrix", "p.gpkg", "60.6,50.1", "--study", study.name, "--name", "Label", "--out", "-", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[1].startswith("x,")
