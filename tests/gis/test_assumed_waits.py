"""Which share of a bottleneck's wait is assumed: that of the posts on the very way."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

import gis
from gis.chapters.places import ranked_places
from gis.queries.route import find_route
from gis.stages import find_hot_spots, measure
from tests.gis.grid import grid_layers, write_grid

if TYPE_CHECKING:
    from pathlib import Path


def test_the_assumed_share_is_that_of_the_posts_on_the_way(tmp_path: Path) -> None:
    posts = grid_layers()["checkpoints"].assign(wait_min=[np.nan, 200.0])
    towns = grid_layers()["settlements"].assign(population=60_000)
    more = "[lists]\nhome_sd = 0\nsmooth_draws = 99\n[waits]\n"
    study = gis.load_study(write_grid(tmp_path, checkpoints=posts, settlements=towns, more=more))
    prepared = gis.prepare(study)
    network = gis.build(prepared)
    assumed = network.checkpoints.set_index("checkpoint_id")["wait_assumed"]
    assert assumed["south"] and not assumed["north"]
    measures = find_hot_spots(prepared, measure(prepared, network))
    rows = ranked_places(prepared, network, measures, measures.hot)["bottlenecks"]
    passed = set()
    for row in rows.itertuples():
        way = find_route(tmp_path / "study.toml", row.place, row.next_city)
        passed |= set(way["checkpoints"])
        share = min(1.0, row.excess_wait_min / row.excess_min)
        want = share if way["checkpoints"] == ["south"] else 0.0
        assert row.assumed_wait_share == pytest.approx(want, abs=1e-5), row.place
    assert "south" in passed and len(rows) >= 4
