"""Counts that a model made are found again; posts that are held out are not seen."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from analysis.trips.choice import choose_checkpoints
from analysis.trips.counts import fit_counts
from analysis.trips.demand import model_demand
from layers.counts import read_counts
from layers.errors import LayerError
from tests.analysis.helpers import drawn_land
from tests.borders import network_of, random_network

if TYPE_CHECKING:
    from pathlib import Path

    from network.build import Network

TOWNS = [(-50, t) for t in (-110, -60, -20, 30, 80, 120)] + [(50, t) for t in (-120, -80, -30, 20, 60, 110)]
LAND = drawn_land(
    [(-50, -130), (-50, 130), (50, -130), (50, 130), *[(s, t) for t in (-100, -50, 0, 50, 100) for s in (-50, 50)]],
    [(0, 4), (4, 6), (6, 8), (8, 10), (10, 12), (12, 1), (2, 5), (5, 7), (7, 9), (9, 11), (11, 13), (13, 3)]
    + [(k, k + 1) for k in (4, 6, 8, 10, 12)],
    [(0, t) for t in (-100, -50, 0, 50, 100)],
    TOWNS,
    waits=[20.0, 90.0, 10.0, 60.0, 35.0],
    population=[9000, 50_000, 1000, 20_000, 5000, 30_000, 8000, 2000, 40_000, 6000, 10_000, 25_000],
)


def made(network: Network, *, theta: float, half_life: float, total: float) -> dict[str, float]:
    """Return counts as the model with these would give them."""
    demand = model_demand(network, half_life_min=half_life)
    return dict((choose_checkpoints(demand, theta=theta).share * total).items())


@pytest.mark.parametrize(("theta", "half_life"), [(0.03, 60.0), (0.08, 180.0)])
def test_what_the_counts_were_made_of_is_found(theta: float, half_life: float) -> None:
    network = network_of(LAND)
    counts = made(network, theta=theta, half_life=half_life, total=5000.0)
    fit = fit_counts(model_demand(network), counts, mode="road", hold_out=["c3"])
    found = fit.summary.set_index("measure")["value"]
    assert found["theta"] == pytest.approx(theta, rel=0.05)
    assert found["half_life"] == half_life
    assert found["total"] == pytest.approx(5000, rel=0.01)
    posts = fit.posts.set_index("checkpoint_id")
    assert posts["held_out"].sum() == 1
    assert posts.loc["c3", "modelled_per_day"] == pytest.approx(counts["c3"], rel=0.05)
    assert posts["geh"].max() < 1
    assert (found["fitted_posts"], found["held_out_posts"]) == (4, 1)
    other = fit_counts(model_demand(network), {**counts, "c3": 9999.0}, mode="road", hold_out=["c3"])
    assert other.summary.set_index("measure")["value"]["theta"] == found["theta"]
    assert other.posts.set_index("checkpoint_id").loc["c3", "geh"] > 5
    assert any("GEH of 5 and more at c3" in n for n in other.notes)


def test_too_little_is_refused() -> None:
    network = network_of(LAND)
    demand = model_demand(network)
    for counts, mode, message in (
        ({"c0": 1.0, "c1": 2.0}, "road", "2 counts by road to fit: allowed are 3"),
        ({"c0": 1.0, "c1": 2.0, "x": 3.0}, "road", "counts at x, where no modelled trip"),
        ({"c0": 1.0}, "rail", "no modelled trip goes by it"),
    ):
        with pytest.raises(LayerError, match=message):
            fit_counts(demand, counts, mode=mode)


def test_files_of_counts(tmp_path: Path) -> None:
    checkpoints = random_network(1).checkpoints
    file = tmp_path / "counts.csv"
    file.write_text(
        "checkpoint,per_day,direction,date\nPost 0,100,a to b,2024-05\nPost 0,140,b to a,2024-05\nroad-1,50,a to "
        "b,\nroad-2,80,,\nroad-2,120,,2025\n",
        encoding="utf-8",
    )
    counts = read_counts(file, checkpoints)
    table = counts.table.set_index("checkpoint_id")
    assert table["observed_per_day"].to_dict() == {"road-0": 240.0, "road-1": 100.0, "road-2": 100.0}
    assert set(table["mode"]) == {"road"}
    assert counts.notes == ("counts of one direction at road-1: the other is taken to be the same",)
    for text, message in (
        ("checkpoint,cars\na,1\n", "lack per_day"),
        (
            "checkpoint,per_day\nNowhere,1\nPost 0,-3\n",
            r"line 2: 'Nowhere' names no checkpoint; line 3: per_day = '-3'",
        ),
        ("checkpoint,per_day,direction\nPost 0,1,out\n", "'out' of 'vehicles'"),
        ("checkpoint,per_day,unit\nPost 0,1,vehicles\nPost 0,2,persons\n", "vehicles and persons at road-0"),
        ("", "can't be read"),
    ):
        file.write_text(text, encoding="utf-8")
        with pytest.raises(LayerError, match=message):
            read_counts(file, checkpoints)
    assert np.isfinite(table["observed_per_day"]).all()
