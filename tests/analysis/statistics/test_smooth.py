"""The null of smooth surfaces.

Found what is planted, silent on what is merely smooth, and its parts against formulas.
"""

from __future__ import annotations

from functools import cache

import h3
import numpy as np
import pandas as pd
import pytest
from libpysal.graph import Graph
from numpy.typing import NDArray

from analysis.statistics import smooth as smooth_module
from analysis.statistics.smooth import Kind, Surfaces, by_log, in_runs, p_of_highest, smooth_test, surfaces_on
from analysis.statistics.weights import contiguity
from tests.analysis.helpers import disk

CELLS = sorted(disk(5))  # 91 cells
ALARMS, FOUND = 16, 80


@cache
def graph() -> Graph:
    return contiguity(pd.Series(CELLS))


@cache
def rows() -> NDArray[np.float64]:
    return np.asarray(graph().transform("r").sparse.toarray(), float)


@cache
def surfaces() -> Surfaces:
    return surfaces_on(graph(), draws=499, seed=0)


def smooth(rng: np.random.Generator, rho: float = 0.8) -> pd.Series:
    """Return a standardised surface of an autoregression."""
    y = np.linalg.solve(np.eye(len(CELLS)) - rho * rows(), rng.normal(size=len(CELLS)))
    return pd.Series((y - y.mean()) / y.std(), index=graph().unique_ids)


def stretch(rng: np.random.Generator) -> list[str]:
    """Return 4 to 12 cells around one."""
    heart = CELLS[int(rng.integers(len(CELLS)))]
    near = sorted(CELLS, key=lambda c: (h3.grid_distance(heart, c), c))
    return near[: int(rng.integers(4, 13))]


def test_a_stretch_of_five_standard_deviations_is_found() -> None:
    rng = np.random.default_rng(11)
    found = 0
    for _ in range(100):
        values, raised = smooth(rng), stretch(rng)
        values[raised] += 5.0
        found += bool((smooth_test(values, graph(), surfaces=surfaces()).loc[raised, "p_max"] <= 0.05).any())
    assert found >= FOUND


def test_smooth_surfaces_seldom_hold_anything() -> None:
    """200 surfaces, every other one skewed and tested by its logarithm.

    At 0.05 more than 16 alarms have a probability of 0.02.
    """
    rng = np.random.default_rng(12)
    alarms = 0
    for k in range(200):
        values = smooth(rng, rho=(0.6, 0.8, 0.9)[k % 3])
        values = np.exp(values) if k % 2 else values
        values = np.log(values) if by_log(values) else values
        alarms += bool(smooth_test(values, graph(), surfaces=surfaces()).attrs["least"] <= 0.05)
    assert alarms <= ALARMS


@pytest.mark.parametrize("rho", [0.0, 0.5, 0.9])
def test_rho_makes_surfaces_as_alike_as_the_data(rho: float) -> None:
    rng = np.random.default_rng(3)
    fitted = [surfaces().rho(smooth(rng, rho).to_numpy()) for _ in range(60)]
    assert np.median(fitted) == pytest.approx(rho, abs=0.08)


def test_the_null_is_that_of_surfaces_drawn_by_hand() -> None:
    """Mean, standard deviation and highest unit over the surfaces.

    Each is scaled by the median deviation of its innovations.
    """
    one = surfaces_on(graph(), draws=50, seed=4)
    null = one.null(0.7)
    drawn = one.drawn(0.7)
    assert drawn.mean(axis=0) == pytest.approx(np.zeros(50), abs=1e-12)
    weight = rows()
    sums = []
    for y in drawn.T:
        e = y - 0.7 * weight @ y
        scale = 1.4826 * np.median(np.abs(e - np.median(e)))
        sums.append([(y[i] + y[weight[i] > 0].sum()) / scale for i in range(len(y))])
    table = np.array(sums).T
    assert null.mean == pytest.approx(table.mean(axis=1))
    assert null.std == pytest.approx(table.std(axis=1))
    z = (table - table.mean(axis=1, keepdims=True)) / table.std(axis=1, keepdims=True)
    assert null.highest == pytest.approx(z.max(axis=0))


def test_the_scale_and_the_level_of_the_data_are_no_matter() -> None:
    values = smooth(np.random.default_rng(8))
    one, other = (smooth_test(v, graph(), draws=199, seed=2) for v in (values, values * 7 + 100))
    assert other.to_numpy() == pytest.approx(one.to_numpy())


@pytest.mark.parametrize("kind", ["gaussian", "ranked", "spectral"])
def test_the_same_seed_gives_the_same_bytes(kind: str) -> None:
    values = smooth(np.random.default_rng(8))
    runs = [smooth_test(values, graph(), kind=kind, draws=199, seed=s) for s in (1, 1, 2)]  # type: ignore[arg-type]
    pd.testing.assert_frame_equal(runs[0], runs[1])
    assert not runs[0].equals(runs[2])
    assert runs[0]["p_max"].between(1 / 200, 1).all()
    assert runs[0]["smooth_z"].corr(runs[2]["smooth_z"]) > 0.98


def test_residuals_are_held_against_residuals() -> None:
    """Surfaces are regressed on the design of the data: what the design explains is in neither."""
    rng = np.random.default_rng(5)
    side = pd.DataFrame({"a": np.arange(91) % 2, "b": 1 - np.arange(91) % 2}, index=graph().unique_ids, dtype=float)
    people = pd.Series(rng.lognormal(size=91), index=graph().unique_ids)
    values = smooth(rng)
    moved = values + 30 * side["a"]
    one, other = (smooth_test(v, graph(), design=side, people=people, draws=99, seed=1) for v in (values, moved))
    assert other.to_numpy() == pytest.approx(one.to_numpy())
    made = surfaces_on(graph(), design=side.to_numpy(), people=people.to_numpy(), draws=5)
    drawn = made.drawn(0.5)
    weighted = side.to_numpy().T @ (people.to_numpy()[:, None] * drawn)
    assert weighted == pytest.approx(np.zeros((2, 5)), abs=1e-9)


def test_islands_and_unknown_units_are_not_tested() -> None:
    values = smooth(np.random.default_rng(1))
    far = disk(0, lon=70.0)[0]
    values = pd.concat([values, pd.Series([50.0], index=[far])])
    values.iloc[3] = np.nan
    found = smooth_test(values, contiguity(pd.Series([*CELLS, far])), draws=99)
    assert found["p_max"].isna().sum() == 2
    assert found.loc[[values.index[3], far]].isna().all(axis=None)
    few = smooth_test(values.iloc[:12], graph(), draws=99)
    assert few.isna().all(axis=None)


def test_short_runs_are_described_alone() -> None:
    """A chain of 12 with gaps at 3 and 8: runs of three, four, three."""
    names = [f"s{i:02d}" for i in range(12)]
    chain = Graph.from_arrays(names[:-1] + names[1:], names[1:] + names[:-1], np.ones(22))
    values = pd.Series(np.arange(12.0), index=names)
    values.iloc[[3, 8]] = np.nan
    assert in_runs(values, chain).dropna().index.tolist() == names[4:8]
    assert in_runs(values, chain, least=3).notna().sum() == 10


def test_p_counts_the_data_among_the_surfaces() -> None:
    assert p_of_highest(np.array([5.0, 2.0, 0.0]), np.array([3.0, 1.0, 2.0])).tolist() == [0.25, 0.75, 1.0]


@pytest.mark.parametrize(
    ("values", "log"),
    [([1, 2, 4, 8, 16, 32], True), ([1, 2, 3, 4, 5], False), ([-1, 0, 50, 3], False), ([0, 1, 99, 2], False)],
)
def test_what_is_skewed_is_tested_by_its_logarithm(values: list[float], log: bool) -> None:
    assert by_log(pd.Series(values, dtype=float)) is log


def test_of_many_units_sparse_weights_give_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    """With a regression by people on two sides, by each kind of null."""
    rng = np.random.default_rng(5)
    values = smooth(rng)
    side = (np.arange(len(values)) % 2).astype(float)
    design = pd.DataFrame({"one": 1.0, "side": side}, index=values.index)
    people = pd.Series(rng.integers(1, 90, len(values)).astype(float), index=values.index)
    kinds: tuple[Kind, ...] = ("gaussian", "ranked", "spectral")
    found = []
    for most in (1000, 0):
        monkeypatch.setattr(smooth_module, "DENSE", most)
        found.append([smooth_test(values, graph(), kind=k, design=design, people=people, draws=199) for k in kinds])
    for one, other in zip(*found, strict=True):
        np.testing.assert_allclose(other["smooth_z"], one["smooth_z"], rtol=1e-9, atol=1e-9)
        assert other["p_max"].equals(one["p_max"])
        assert other.attrs["rho"] == one.attrs["rho"]
        np.testing.assert_allclose(other.attrs["seen_sd"], one.attrs["seen_sd"], rtol=1e-9)


def test_of_many_units_two_points_of_the_curve_are_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    """The rho by the two around a value is that by the whole curve, below and above all of it too."""
    rng = np.random.default_rng(6)
    every = [smooth(rng, rho) for rho in (0.05, 0.3, 0.6, 0.85, 0.93)]
    every += [pd.Series(rng.normal(size=len(CELLS)), graph().unique_ids), every[0] * 0 + np.arange(len(CELLS)) % 2]
    whole = [surfaces_on(graph()).rho(values.to_numpy()) for values in every]
    monkeypatch.setattr(smooth_module, "DENSE", 0)
    made = 0
    for values, rho in zip(every, whole, strict=True):
        few = surfaces_on(graph())
        assert few.rho(values.to_numpy()) == rho
        made = max(made, len(few.curve))
    assert made <= 6
