"""Scenarios on finer cells than the study's own, in blocks, equal to a network that is built and measured at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pytest

from analysis.planning.whatif import answer
from gis.inputs import prepare
from gis.queries.edits import apply_edits
from gis.queries.new_posts import Open
from gis.queries.standing import standing_of, table_of
from gis.stages import build
from gis.study import load_study
from gis.sweeps.cells import MEASURES
from tests.gis.conftest import call
from tests.gis.grid import write_grid

if TYPE_CHECKING:
    from pathlib import Path

EDITS = 'name = "A third post"\n[[edits]]\nedit = "open"\nlon = 60.0\nlat = 49.9\nwait_min = 5\n'


def test_every_cell_is_that_of_the_whole_belt(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gis.sweeps.cells.MOST_CELLS", 150)
    write_grid(tmp_path)
    (tmp_path / "third.toml").write_text(EDITS, encoding="utf-8")
    arguments = ("sweep", "study.toml", "--edits", "third.toml", "--cells", "6", "--draws", "0", "--cache", "cache")
    done = call(*arguments, "--out", "s", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    found = pd.read_parquet(tmp_path / "s" / "cells.parquet").set_index(["cell", "side"])
    prepared = prepare(load_study(tmp_path / "study.toml").with_analysis(h3_resolution=6))
    network = build(prepared)
    after, _ = apply_edits(network, [Open(60.0, 49.9, wait_min=5.0)])
    for name, state in (("before", network), ("after", after)):
        standing = standing_of(prepared, state)
        own = answer(standing, standing.trees, table_of(state)).cells.set_index(["cell", "side"]).loc[found.index]
        assert len(own) == len(standing.cells) > 300
        for measure in MEASURES:
            np.testing.assert_allclose(found[f"{measure}_{name}"], own[measure], rtol=1e-9, err_msg=measure)
    assert (found["time_to_checkpoint_min_change"].fillna(0.0) <= 0.002).all()
    assert (found["potential_cross_actual_change"] > 0).sum() > 50
    assert set(found["variant"]) == {"A third post"}
    # Parts that are done are taken as they are.
    again = call(*arguments, "--out", "again", cwd=tmp_path)
    assert "0 of them computed now" in again.stdout
    pd.testing.assert_frame_equal(
        pd.read_parquet(tmp_path / "again" / "cells.parquet"), pd.read_parquet(tmp_path / "s" / "cells.parquet")
    )


def test_a_resolution_that_no_study_has_is_refused(tmp_path: Path) -> None:
    write_grid(tmp_path)
    (tmp_path / "third.toml").write_text(EDITS, encoding="utf-8")
    done = call("sweep", "study.toml", "--edits", "third.toml", "--cells", "11", "--out", "s", cwd=tmp_path)
    assert done.returncode == 2
    assert "h3_resolution" in done.stderr
    assert not (tmp_path / "s").exists()
