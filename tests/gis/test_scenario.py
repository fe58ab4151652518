"""Scenarios on small borders equal a rebuild; on the packaged one they answer on the terminal."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest

import gis
from gis.queries.edits import Close, apply_edits
from gis.queries.new_posts import Open
from layers.checkpoints import with_waits
from layers.crs import WGS84
from network.build import FIELDS, build_network
from network.edits import new_checkpoint
from network.routing import compile_router
from tests.borders import ground_of, network_of, random_land
from tests.gis.conftest import call

if TYPE_CHECKING:
    from pathlib import Path

    from network.build import Network


def times(network: Network, field: str) -> np.ndarray:
    """Return minutes between all settlements of a network."""
    node = network.settlements["node"].to_numpy()
    return compile_router(network, "road").table(node, node, FIELDS[field])


@pytest.mark.parametrize("seed", range(6))
def test_opening_equals_a_rebuild_with_it_in_the_input(seed: int) -> None:
    land = random_land(seed)
    network = network_of(land)
    spot = land.checkpoints.geometry.iloc[-3]  # a road checkpoint away from every crossing: a place at the line
    lon, lat = spot.x + 0.02, spot.y
    after, _ = apply_edits(network, [Open(lon, lat, "road", 12.0)])
    row = new_checkpoint(network, lon, lat, mode="road", wait_min=12.0)
    layer = [c for c in land.checkpoints.columns if c in row.columns]
    table = gpd.GeoDataFrame(pd.concat([land.checkpoints[layer], row[layer]], ignore_index=True), crs=WGS84)
    rebuilt = build_network(ground_of(land).base, with_waits(table), land.settlements)
    for field in FIELDS:
        np.testing.assert_allclose(times(after, field), times(rebuilt, field), rtol=1e-9)


@pytest.mark.parametrize("seed", range(6))
def test_closing_equals_a_rebuild_with_it_closed(seed: int) -> None:
    land = random_land(seed)
    network = network_of(land)
    name = land.checkpoints.loc[land.checkpoints["open"] & (land.checkpoints["mode"] == "road"), "checkpoint_id"].iloc[
        0
    ]
    after, _ = apply_edits(network, [Close(name)])
    shut = land.checkpoints.assign(open=land.checkpoints["open"] & (land.checkpoints["checkpoint_id"] != name))
    rebuilt = build_network(ground_of(land).base, with_waits(shut), land.settlements)
    for field in FIELDS:
        np.testing.assert_allclose(times(after, field), times(rebuilt, field), rtol=1e-12)


def test_opening_and_closing_the_same_thing_changes_nothing() -> None:
    network = network_of(random_land(1))
    point = network.checkpoints.geometry.iloc[0]
    for name in ("new-1", f"{point.x},{point.y}"):
        same, edits = apply_edits(network, [Open(point.x, point.y), Close(name)])
        assert same is network
        assert edits == [f"New checkpoint 1 ({point.x:g},{point.y:g}): opened and closed again"]


@pytest.mark.slow
def test_closing_on_the_packaged_border(tmp_path: Path) -> None:
    done = call("scenario", "--close", "Sagarchin", "--out", "sc", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "Aktobe Region" in done.stdout
    assert "sc/map.html" in done.stdout
    tables = {p.stem: pd.read_csv(p) for p in (tmp_path / "sc" / "tables").iterdir()}
    assert set(tables) == {
        "totals",
        "regions",
        "checkpoints",
        "cells",
        "most_changed",
        "effects",
        "tornado",
        "gains_places",
        "gains_regions",
        "gains_sides",
        "loads_change",
        "appraisal",
    }
    # A closure helps nobody, in no draw.
    effects = tables["effects"].set_index("key")
    assert (effects.loc[["saved", "potential", "city_240"], ["change", "low", "high"]] <= 1e-9).all(axis=None)
    assert set(tables["gains_places"]["effect"]) == {"loss"}
    shares = tables["checkpoints"].set_index("checkpoint_id")
    assert shares.loc["road-sagarchin", "share_after"] == 0
    assert shares["share_after"].sum() == pytest.approx(1.0, abs=1e-6)
    cells = tables["cells"]
    assert (
        cells["potential_cross_actual_change"].dropna() <= 1e-6 * cells["potential_cross_actual_before"].dropna()
    ).all()
    assert (cells["time_to_checkpoint_min_change"].dropna() >= -1e-6).all()
    assert set(tables["most_changed"]["effect"]) == {"loss"}
    told = json.loads((tmp_path / "sc" / "scenario.json").read_text(encoding="utf-8"))
    assert told["edits"] == ["closed road-sagarchin"]
    assert "Before" in (tmp_path / "sc" / "map.html").read_text(encoding="utf-8")


@pytest.mark.slow
def test_a_new_checkpoint_beside_a_crossing_shares_it(tmp_path: Path) -> None:
    result = gis.run_scenario(edits=[gis.Open(62.13, 54.0, wait_min=10.0)], out=tmp_path / "sc")
    assert "at a crossing of the network" in result["edits"][0]
    table = pd.read_csv(tmp_path / "sc" / "tables" / "checkpoints.csv").set_index("checkpoint_id")
    assert np.isnan(table.loc["new-1", "share_before"])
    # The same place with a shorter wait draws more than its neighbour at the crossing.
    assert table.loc["new-1", "share_after"] > table.loc["road-bugristoe", "share_after"] > 0
    totals = pd.read_csv(tmp_path / "sc" / "tables" / "totals.csv").set_index("measure")
    assert totals.loc["border loss", "change"] < 0
