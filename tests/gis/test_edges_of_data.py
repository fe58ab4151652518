"""What is told where the data end: roads that stop at the border, places far from every road.

The grid of `tests.gis.grid`, every figure by hand.
"""

from __future__ import annotations

from pathlib import Path

import pytest

import gis
from tests.gis.conftest import call
from tests.gis.osm_grid import OsmGrid

pytest.importorskip("osmium", reason="osmium (pyosmium) is not installed")


def test_roads_that_end_just_beyond_the_line_are_told(tmp_path: Path) -> None:
    """An extract that is cut at the border: each road leads 0.29 km beyond it, within the tolerance of 0.5 km."""
    grid = OsmGrid(cross=())
    for lat in (49.7, 50.1):
        grid.way([grid.at[59.7, lat], grid.node(60.0, lat), grid.node(60.004, lat)], highway="primary")
    warnings = gis.solve(grid.write(tmp_path)).warnings
    begin = "no way crosses the border: 2 nodes beyond it lie on roads that end within 0.5 km of it"
    assert [w for w in warnings if w.startswith(begin)]


def test_a_place_far_from_every_road_says_how_far(tmp_path: Path) -> None:
    """The southernmost road of the grid lies at 49.7: 0.15° are 16.7 km, further than a connector of 5 km reaches."""
    study = OsmGrid().write(tmp_path)
    text = study.read_text(encoding="utf-8")
    study.write_text(text.replace("settlement_km = 10", "settlement_km = 5"), encoding="utf-8")
    done = call("route", "59.1,49.55", "60.9,49.7", "--study", study.name, cwd=study.parent)
    assert done.returncode != 0
    assert "joins no road network" in done.stderr
    assert "it is 16.7 km away" in done.stderr
