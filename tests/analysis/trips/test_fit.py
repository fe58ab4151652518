"""Agreement with counts: by hand, against scipy, and a spread that is found again."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy.stats import spearmanr

from analysis.trips.choice import choose_checkpoints
from analysis.trips.demand import model_demand
from analysis.trips.fit import calibrate_theta, compare_counts, geh
from layers.errors import LayerError
from tests.analysis.trips.test_demand import ring
from tests.borders import random_network


def test_geh_is_of_hours() -> None:
    """The textbook's example: 1,000 counted and 1,100 modelled vehicles an hour."""
    assert geh(np.array([24 * 1100.0]), np.array([24 * 1000.0])).tolist() == pytest.approx([np.sqrt(2 * 100**2 / 2100)])
    assert geh(np.array([0.0]), np.array([0.0])).tolist() == [0]
    whole_day = np.sqrt(2 * 100.0**2 / 2100)
    assert geh(np.array([1100.0]), np.array([1000.0]))[0] == pytest.approx(whole_day / np.sqrt(24))


def test_a_fit_by_hand() -> None:
    fit = compare_counts({"a": 2.0, "b": 1.0, "c": 1.0, "d": 5.0}, {"a": 600, "b": 400, "c": 200, "d": np.nan})
    table = fit.checkpoints
    assert table["checkpoint_id"].tolist() == ["a", "b", "c"]
    assert table["modelled_per_day"].tolist() == [600, 300, 300]
    assert table["difference_per_day"].tolist() == [0, -100, 100]
    assert table["geh"].tolist() == pytest.approx(
        [0, *(np.sqrt(2 * 100**2 / (m + c) / 24) for m, c in ((300, 400), (300, 200)))]
    )
    assert fit["counts"] == 3
    assert fit["scale_factor"] == 300
    assert fit["rmse_per_day"] == pytest.approx(np.sqrt(20_000 / 3))
    assert fit["rmse_share"] == pytest.approx(np.sqrt(20_000 / 3) / 400)
    assert fit["geh_under_5_share"] == 1
    assert fit.summary.columns.tolist() == ["measure", "value", "unit"]


def test_without_scaling_the_total_counts_too() -> None:
    flow = {"a": 200.0, "b": 100.0, "c": 100.0}
    counts = {"a": 6000, "b": 4000, "c": 2000}
    fit = compare_counts(flow, counts, scale=False)
    assert fit["scale_factor"] == 1
    assert fit["rmse_per_day"] == pytest.approx(np.sqrt((5800**2 + 3900**2 + 1900**2) / 3))
    assert fit["geh_under_5_share"] == 0


def test_rank_correlation_is_scipys() -> None:
    rng = np.random.default_rng(1)
    for _ in range(20):
        n = rng.integers(3, 12)
        model, counts = rng.integers(1, 6, n).astype(float), rng.integers(1, 6, n).astype(float)
        if np.ptp(model) == 0 or np.ptp(counts) == 0:
            continue
        ids = [f"c{i}" for i in range(n)]
        fit = compare_counts(pd.Series(model, ids), pd.Series(counts, ids))
        assert fit["spearman"] == pytest.approx(spearmanr(model, counts).statistic)
    alike = compare_counts(dict.fromkeys("abc", 1.0), {"a": 1, "b": 2, "c": 3})
    assert np.isnan(alike["spearman"])


@pytest.mark.parametrize(
    ("flow", "counts", "message"),
    [
        ({"a": 1, "b": 1, "c": 1}, {"a": 1, "b": 2, "c": np.nan}, "2 counts of vehicles a day: the fit needs 3"),
        ({"a": 1, "b": 1, "c": 1}, {"a": 1, "b": 2, "c": -1}, "negative"),
        ({"a": 1, "b": 1, "c": 1}, {"a": 1, "b": 2, "x": 3}, "counts at x"),
        ({"a": 0, "b": 0, "c": 0}, {"a": 1, "b": 2, "c": 3}, "nothing to compare"),
        ({"a": 1, "b": np.nan, "c": 1}, {"a": 1, "b": 2, "c": 3}, "nothing to compare"),
    ],
)
def test_wrong_counts_are_refused(flow: dict[str, float], counts: dict[str, float], message: str) -> None:
    with pytest.raises(LayerError, match=message):
        compare_counts(flow, counts)


@pytest.mark.parametrize("seed", range(3))
def test_the_spread_that_made_the_counts_is_found_again(seed: int) -> None:
    demand = model_demand(random_network(seed))
    counts = 10_000 * choose_checkpoints(demand, theta=0.03).share
    counts = counts[counts > 0]
    theta, tried = calibrate_theta(demand, counts)
    assert theta == pytest.approx(0.03, rel=0.01)
    assert tried["theta_per_min"].is_monotonic_increasing
    # The likelihood is that of a multinomial, by hand at one of the spreads tried.
    row = tried.iloc[len(tried) // 2]
    share = choose_checkpoints(demand, theta=row["theta_per_min"]).share.reindex(counts.index)
    by_hand = (counts / counts.sum() * np.log(share / share.sum())).sum()
    assert row["log_likelihood"] == pytest.approx(by_hand)
    assert tried["log_likelihood"].idxmax() == (tried["theta_per_min"] - theta).abs().idxmin()


def test_too_few_counts_calibrate_nothing() -> None:
    with pytest.raises(LayerError, match="the fit needs 3"):
        calibrate_theta(model_demand(ring()), {"c0": 10, "c1": 20})
