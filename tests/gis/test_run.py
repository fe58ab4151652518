"""A run of the packaged border: what it leaves, with real clients."""

from __future__ import annotations

import json
import shutil
import sqlite3
import subprocess
from typing import TYPE_CHECKING

import geopandas as gpd
import networkx as nx
import numpy as np
import osmnx as ox
import pandas as pd
import pytest
import rasterio

import gis
from layers.checkpoints import with_waits
from layers.folders import MANIFEST, fresh_folder
from layers.io import Source, read_layer
from tests.gis.conftest import ROOT, call

if TYPE_CHECKING:
    from pathlib import Path

LAYERS = {
    "regions",
    "border_line",
    "sea_line",
    "water",
    "checkpoints",
    "crossings",
    "roads",
    "railways",
    "settlements",
    "cells",
    "segments",
}
QGIS_PYTHON = "/usr/bin/python3"


@pytest.fixture(scope="session")
def out(packaged_run: Path) -> Path:
    """Return the results of the packaged border."""
    return packaged_run / "out"


def has_qgis() -> bool:
    """Return whether PyQGIS can be imported by the system's Python."""
    if not shutil.which(QGIS_PYTHON):
        return False
    return subprocess.run([QGIS_PYTHON, "-c", "import qgis.core"], capture_output=True, check=False).returncode == 0


FURTHER = {"flows", "closures_links", "gaps", "places", "edges_road", "edges_rail"}
"""Layers of the chapters that the packaged study has; isolated gaps only where there are any."""
MAYBE = {"outliers"}


def test_the_folder_holds_what_the_readme_says(out: Path) -> None:
    names = {p.name for p in out.iterdir()}
    assert {
        "map.html",
        "border.gpkg",
        "border.qgz",
        "graph.graphml",
        "travel_time.tif",
        "report.html",
        "report.pdf",
        "tables",
        "run.json",
    } <= names
    assert {"checkpoints.csv", "regions.csv", "cells.csv", "segments.csv", "crossings.csv"} <= {
        p.name for p in (out / "tables").iterdir()
    }
    chapters = {
        "region_pairs",
        "border_effect",
        "distance_bands",
        "efficiency",
        "alternatives",
        "redundancy",
        "city_cuts",
        "reach",
        "region_flows",
        "fallbacks",
        "closures_pairs",
        "closures_links",
        "flows",
        "network_checks",
        "association",
        "stability",
        "outliers",
        "growth",
        "bottlenecks",
        "growth_definitions",
    }
    assert {f"{name}.csv" for name in chapters} <= {p.name for p in (out / "tables").iterdir()}
    layers = gpd.list_layers(out / "border.gpkg")
    assert set(layers.loc[layers["geometry_type"].notna(), "name"]) - MAYBE == LAYERS | FURTHER


def test_the_last_lines_say_what_was_found_and_where_to_look(packaged_run: Path) -> None:
    text = (packaged_run / "stdout.txt").read_text(encoding="utf-8")
    assert "out/map.html" in text.split("Look at:")[1]
    assert "Growth by size" in text and "Bottlenecks by people" in text


def test_checkpoints_table(out: Path) -> None:
    table = pd.read_csv(out / "tables" / "checkpoints.csv")
    columns = "checkpoint_id name mode region_a region_b status wait_min share criticality_min unserved_share fallback"
    assert set(columns.split()) <= set(table.columns)
    assert len(table) == 51
    assert table["share"].sum() == pytest.approx(1.0, abs=1e-6)
    assert (table.loc[table["status"] == "closed", "share"] == 0).all()
    assert (table["criticality_min"].dropna() >= 0).all()
    assert table["unserved_share"].dropna().between(0, 1).all()
    assert set(table["fallback"].dropna()) <= set(table["checkpoint_id"])
    # Who travels plans around the registry's part-day posts; arrivals at any hour would wait 12²/48 hours.
    part_day = table[table["hours"] == "09:00-21:00"]
    assert (part_day["hours_wait_min"] == 0).all()
    assert (part_day["hours_even_min"] == 180).all()
    assert (part_day["hours_open_share"] == 0.5).all()
    assert table["wait_assumed"].all()


def test_the_checkpoints_of_a_run_given_back_as_a_layer_wait_the_same(out: Path) -> None:
    file = out / "tables" / "checkpoints.csv"
    table = pd.read_csv(file)
    again = with_waits(read_layer("checkpoints", Source(str(file)))[0])
    np.testing.assert_allclose(again["wait_min"], table["wait_min"])
    assert again["wait_assumed"].tolist() == table["wait_assumed"].tolist()


def test_losses_fall_apart_into_detour_and_delay(out: Path) -> None:
    for name in ("cells", "segments", "regions"):
        table = pd.read_csv(out / "tables" / f"{name}.csv").dropna(subset=["border_loss"])
        assert len(table) > 10
        np.testing.assert_allclose(table["border_loss"], table["loss_detour"] + table["loss_delay"], atol=1e-7)
        assert (table["potential_cross_actual"] <= table["potential_cross_open"] * (1 + 1e-9)).all()
        assert (table["potential_cross_open"] <= table["potential_cross_borderless"] * (1 + 1e-9)).all()


def test_flags_follow_their_numbers(out: Path) -> None:
    cells = pd.read_csv(out / "tables" / "cells.csv")
    for flag, effect, norm in (("growth", "growth", 1.0), ("bottleneck", "excess_min", 0.0)):
        values = cells[f"{flag}_flag"]
        assert set(values) <= {"stands out", "high", "uncertain", "no", "not testable", "no data"}
        assert (cells.loc[values == "stands out", f"{flag}_p_max"] <= 0.05).all()
        assert (cells.loc[values == "high", f"{flag}_q"] <= 0.05).all()
        assert (cells.loc[values.isin(["stands out", "high"]), effect] > norm).all()
        assert cells.loc[values == "not testable", f"{flag}_q"].isna().all()
        assert values.eq("no data").eq(cells[effect].isna()).all()
    # Nobody lives where there is no effect, or nothing is known.
    assert (cells.loc[cells["growth"].notna(), "population"] > 0).all()


def test_excess_is_ground_and_wait(out: Path) -> None:
    cells = pd.read_csv(out / "tables" / "cells.csv").dropna(subset=["excess_min"])
    assert len(cells) > 50
    np.testing.assert_allclose(cells["excess_min"], cells["excess_ground_min"] + cells["excess_wait_min"], atol=1e-5)
    np.testing.assert_allclose(cells["excess_min"], cells["next_city_min"] - cells["home_roads_min"], atol=1e-5)
    assert (cells["excess_wait_min"] >= -1e-6).all()


def test_graph_round_trip(out: Path) -> None:
    dtypes = dict.fromkeys(("borderless_min", "open_min", "actual_min", "length_m", "wait_min"), float)
    graph = ox.load_graphml(out / "graph.graphml", edge_dtypes=dtypes)
    assert isinstance(graph, nx.MultiDiGraph)
    nodes, edges = ox.graph_to_gdfs(graph)
    assert {"road", "rail", "transfer"} == set(edges["mode"])
    assert (edges["borderless_min"] <= edges["open_min"]).all()
    assert (edges["open_min"] <= edges["actual_min"]).all()
    gates = edges[edges["kind"] == "gate"]
    assert (gates["checkpoint_id"] != "").all()
    assert (edges.loc[edges["kind"] != "gate", "wait_min"] == 0).all()
    assert {"a", "b"} == set(nodes["side"])


def test_raster(out: Path) -> None:
    with rasterio.open(out / "travel_time.tif") as raster:
        assert raster.units[0] == "min"
        assert raster.nodata is not None
        assert raster.res == (2000.0, 2000.0)
        values = raster.read(1, masked=True)
    assert values.min() >= 0
    assert values.count() > 100_000


def test_run_json(out: Path) -> None:
    told = json.loads((out / "run.json").read_text(encoding="utf-8"))
    assert told["permutations"] == 999
    assert all(len(i["sha256"]) == 64 for i in told["inputs"])
    assert {"layers", "network", "measures", "hot spots"} <= set(told["seconds"])
    assert told["versions"]["geopandas"] == gpd.__version__
    assert told["network"]["rail_gaps_bridged"] > 0 < told["network"]["road_gaps_bridged"]
    assert told["warnings"][0].startswith("gaps of the data")
    assert any("assumptions" in w for w in told["warnings"])


def test_report_names_assumptions_and_licences(out: Path) -> None:
    text = (out / "report.html").read_text(encoding="utf-8")
    for part in ("ODbL", "CC BY 4.0", "Natural Earth", "assumption", "before June 2022", "knows the hours and plans"):
        assert part in text, part


@pytest.mark.qgis
@pytest.mark.skipif(not has_qgis(), reason="PyQGIS (Debian's python3-qgis) is not installed")
def test_the_project_opens_in_qgis_after_a_move(out: Path, tmp_path: Path) -> None:
    moved = shutil.copytree(out, tmp_path / "moved")
    script = ROOT / "tests" / "clients" / "open_project.py"
    done = subprocess.run([QGIS_PYTHON, script, moved / "border.qgz"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    with sqlite3.connect(out / "border.gpkg") as base:
        styled = {r[0] for r in base.execute("select f_table_name from layer_styles where useAsDefault=1")}
    assert set(styled) - MAYBE == LAYERS | FURTHER


@pytest.mark.slow
def test_same_seed_same_bytes(out: Path, tmp_path: Path) -> None:
    call("run", "--permutations", "999", cwd=tmp_path)
    for file in sorted((out / "tables").iterdir()):
        assert file.read_bytes() == (tmp_path / "out" / "tables" / file.name).read_bytes(), file.name
    assert (out / "map.html").read_bytes() == (tmp_path / "out" / "map.html").read_bytes()


def test_an_interrupted_run_leaves_the_former_results_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    former = tmp_path / "out"
    with fresh_folder(former, "run.json") as folder:
        (folder / "run.json").write_text("{}")

    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("gis.kept.build", stop)
    with pytest.raises(KeyboardInterrupt):
        gis.run(out=former)
    with pytest.raises(KeyboardInterrupt):
        gis.run(out=tmp_path / "new")
    assert [p.name for p in tmp_path.iterdir()] == ["out"]
    assert sorted(p.name for p in former.iterdir()) == [MANIFEST, "run.json"]
    assert (former / "run.json").read_text() == "{}"
