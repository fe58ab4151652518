"""Spatial statistics: against direct formulas, against esda, on planted and on empty fields."""

from __future__ import annotations

import warnings

import h3
import numpy as np
import pandas as pd
import pytest
from esda import G_Local, Moran_Local
from libpysal.graph import Graph
from numpy.typing import NDArray

from analysis.statistics.hotspots import (
    ALPHA,
    cell_statistics,
    contiguity,
    global_moran,
    local_statistics,
    reach_warning,
)
from analysis.statistics.own_side import own_side_test
from analysis.statistics.words import MIN_UNITS
from layers.errors import NetworkError
from tests.analysis.helpers import disk, two_sided

CELLS = disk(4)  # 61 cells
SEEDS = range(3)


def field(seed: int, cells: list[str] = CELLS) -> NDArray[np.float64]:
    return np.random.default_rng(seed).normal(size=len(cells))


def touching(cells: list[str]) -> NDArray[np.float64]:
    """Return the binary matrix of neighbours, asked of h3 pair by pair."""
    return np.array([[float(a != b and h3.are_neighbor_cells(a, b)) for b in cells] for a in cells])


def benjamini_hochberg(p: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return adjusted p: the least p·n/rank over all larger ones, at most 1."""
    out = np.empty(len(p))
    for i in range(len(p)):
        out[i] = min(1.0, min(x * len(p) / (p <= x).sum() for x in p if x >= p[i]))
    return out


@pytest.mark.parametrize("seed", SEEDS)
def test_the_graph_is_the_matrix_of_neighbours(seed: int) -> None:
    rng = np.random.default_rng(seed)
    cells = [*rng.permutation(CELLS)[:30], disk(0, lon=70.0)[0]]
    graph = contiguity(pd.Series(cells))
    ids = list(graph.unique_ids)
    dense = graph.sparse.toarray()
    assert sorted(ids) == sorted(cells)
    assert dense.tolist() == touching(ids).tolist()
    assert list(graph.isolates) == [c for c, row in zip(ids, touching(ids), strict=True) if not row.any()]


@pytest.mark.parametrize("seed", SEEDS)
def test_morans_i_is_its_formula(seed: int) -> None:
    values = field(seed)
    graph = contiguity(pd.Series(CELLS))
    order = [CELLS.index(c) for c in graph.unique_ids]
    row = global_moran(values[order], graph, "x", permutations=99, seed=1)
    weight = touching(CELLS)
    weight /= weight.sum(axis=1, keepdims=True)
    z = values - values.mean()
    expected = len(z) / weight.sum() * (z @ weight @ z) / (z @ z)
    assert row["value"] == pytest.approx(expected, rel=1e-12)
    assert row["expected"] == pytest.approx(-1 / (len(z) - 1))
    assert (row["n"], row["permutations"], row["variable"]) == (61, 99, "x")


def test_morans_p_is_the_share_of_orders_as_far_out() -> None:
    """All orders at random, drawn here by another generator: p of both tails, within the noise of 4,000 draws each."""
    rng = np.random.default_rng(8)
    graph = contiguity(pd.Series(CELLS))
    weight = touching(list(graph.unique_ids))
    weight /= weight.sum(axis=1, keepdims=True)
    values = field(4) + 0.22 * (touching(list(graph.unique_ids)) @ field(5))
    row = global_moran(values, graph, "x", permutations=4000, seed=1)
    z = values - values.mean()
    draws = np.array([(d := rng.permutation(z)) @ weight @ d for _ in range(4000)])
    seen = z @ weight @ z
    two = 2 * min((draws >= seen).mean(), (draws <= seen).mean())
    assert 0.005 < two < 0.5
    # Both are estimates of one share: four standard errors of their difference.
    assert row["p_two_sided"] == pytest.approx(two, abs=4 * 2 * np.sqrt(2 * two / 2 / 4000))
    assert row["z"] == pytest.approx((seen - draws.mean()) / draws.std(), abs=0.15)


@pytest.mark.parametrize("seed", SEEDS)
def test_local_statistics_are_their_formulas(seed: int) -> None:
    values = field(seed) + 5  # G* asks for positive values
    graph = contiguity(pd.Series(CELLS))
    found = local_statistics(values, graph, permutations=999, seed=0)
    weight = touching(list(graph.unique_ids))
    z = (values - values.mean()) / values.std(ddof=0)
    lag = weight @ z / weight.sum(axis=1)
    n = len(z)
    assert found["moran_i"].to_numpy() == pytest.approx(z * lag * (n - 1) / n, rel=1e-9)
    quadrant = np.select([(z > 0) & (lag > 0), (z < 0) & (lag > 0), (z < 0) & (lag < 0)], ["HH", "LH", "LL"], "HL")
    assert found["moran_quadrant"].tolist() == quadrant.tolist()
    # The draws leave each unit's own value in place: neighbours drawn without replacement from the other units.
    k = weight.sum(axis=1)
    others = [np.delete(values, i) for i in range(n)]
    mean, var = (np.array([f(o) for o in others]) for f in (np.mean, np.var))
    by_theory = (weight @ values - k * mean) / np.sqrt(k * var * (n - 1 - k) / (n - 2))
    assert np.corrcoef(found["g_z"], by_theory)[0, 1] > 0.98
    assert found["g_z"].to_numpy() == pytest.approx(by_theory, abs=0.6)


@pytest.mark.parametrize("seed", SEEDS)
def test_local_statistics_are_those_of_esda(seed: int) -> None:
    values = field(seed) + 5
    graph = contiguity(pd.Series(CELLS))
    found = local_statistics(values, graph, permutations=199, seed=seed)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        local = Moran_Local(values, graph.transform("r"), permutations=199, seed=seed, keep_simulations=True)
        star = G_Local(values, graph, transform="B", star=True, permutations=199, seed=seed, keep_simulations=True)
    assert found["moran_i"].to_numpy() == pytest.approx(local.Is)
    weight = touching(list(graph.unique_ids)) + np.eye(len(values))
    assert star.Gs == pytest.approx(weight @ values / values.sum())
    for name, stat, draws in (("moran", local.Is, local.rlisas), ("g", star.Gs, star.rGs)):
        p = two_sided(stat, draws)
        assert found[f"{name}_p"].to_numpy() == pytest.approx(p)
        assert found[f"{name}_q"].to_numpy() == pytest.approx(benjamini_hochberg(np.minimum(p, 1.0)), rel=1e-12)


def frame(values: NDArray[np.float64], cells: list[str] = CELLS) -> pd.DataFrame:
    return pd.DataFrame({"cell": cells, "x": values})


def test_the_same_seed_gives_the_same_bytes_and_another_other_draws() -> None:
    table = frame(field(0))
    runs = [cell_statistics(table, {"v": "x"}, permutations=199, seed=s) for s in (3, 3, 4)]
    np.random.random(5)  # noqa: NPY002  (the state of numpy's legacy generator is nobody's business)
    runs.append(cell_statistics(table, {"v": "x"}, permutations=199, seed=3))
    local = [r[0].to_csv() for r in runs]
    whole = [r[1].to_csv() for r in runs]
    assert local[0] == local[1] == local[3]
    assert whole[0] == whole[1] == whole[3]
    for column in ("v_moran_p", "v_g_p"):
        assert not runs[0][0][column].equals(runs[2][0][column])
    assert runs[0][0]["v_moran_i"].equals(runs[2][0]["v_moran_i"])
    assert runs[0][1]["z"][0] != runs[2][1]["z"][0]


def test_numbers_go_to_their_own_cells_whatever_the_order() -> None:
    values = field(1) + 5
    one = cell_statistics(frame(values), {"v": "x"}, permutations=99)[0]
    order = np.random.default_rng(0).permutation(len(CELLS))
    shuffled = frame(values).iloc[order]
    two = cell_statistics(shuffled, {"v": "x"}, permutations=99)[0]
    assert two.index.tolist() == shuffled.index.tolist()
    for column in ("v_moran_i", "v_moran_quadrant"):
        assert two[column].sort_index().tolist() == pytest.approx(one[column].tolist())
    # Each unit's z stands on draws of its own.
    assert np.corrcoef(two["v_g_z"].sort_index(), one["v_g_z"])[0, 1] > 0.95


def test_raw_potentials_are_refused() -> None:
    table = frame(field(0)).rename(columns={"x": "potential_cross_actual"})
    with pytest.raises(NetworkError, match=r"potential_cross_actual can't be tested.*allowed are losses and ratios"):
        cell_statistics(table, {"p": "potential_cross_actual"})


@pytest.mark.parametrize(
    ("values", "said"),
    [
        (np.where(np.arange(61) < MIN_UNITS - 1, field(0), np.nan), "19 units"),
        (np.full(61, np.nan), "0 units"),
        (np.full(61, 0.5), "61 units without any difference"),
    ],
)
def test_few_or_equal_units_are_described_not_tested(values: NDArray[np.float64], said: str) -> None:
    local, table, notes = cell_statistics(frame(values), {"v": "x"}, permutations=99)
    assert local.shape == (61, 0)
    assert table.empty
    assert notes == [f"x was described, not tested: {said}"]


def test_twenty_units_are_tested() -> None:
    values = np.where(np.arange(61) < MIN_UNITS, field(0), np.nan)
    local, table, _ = cell_statistics(frame(values), {"v": "x"}, permutations=99)
    assert table["n"].tolist() == [20]
    known = {c for c, v in zip(CELLS, values, strict=True) if np.isfinite(v)}
    joined = [c in known and bool(known & set(h3.grid_ring(c, 1))) for c in CELLS]
    assert local["v_moran_i"].notna().tolist() == joined


def test_units_without_neighbours_or_values_get_no_number() -> None:
    cells = [*CELLS, *disk(0, lon=70.0), *disk(0, lon=50.0)]
    values = field(0, cells) + 5
    values[7] = np.nan
    local, table, _ = cell_statistics(frame(values, cells), {"v": "x"}, permutations=499)
    columns = ["v_moran_i", "v_moran_p", "v_moran_q", "v_g_p", "v_g_q", "v_g_z"]
    assert local.loc[[7, 61, 62], columns].isna().all(axis=None)
    rest = local.drop(index=[7, 61, 62])
    assert rest[columns].notna().all(axis=None)
    assert table["n"].tolist() == [62]
    for name in ("v_moran", "v_g"):
        q = benjamini_hochberg(rest[f"{name}_p"].to_numpy())
        assert rest[f"{name}_q"].to_numpy() == pytest.approx(q, rel=1e-12)


@pytest.mark.parametrize("n", [20, 61, 166, 300])
def test_the_warning_comes_where_no_single_unit_can_be_significant(n: int) -> None:
    """The least p that a value beyond all draws can have."""
    for permutations in (99, 999, 2999, 5999, 9999, 29_999):
        draws = np.random.default_rng(0).normal(size=(1, permutations))
        least = float(two_sided(np.array([99.0]), draws)[0])
        assert bool(reach_warning(permutations, n)) == (least > ALPHA / n)


def test_the_permutations_that_the_warning_asks_for_are_enough() -> None:
    said = reach_warning(99, 61)
    asked = int(said.rsplit("use ", 1)[1].split(" ")[0].replace(",", ""))
    draws = np.random.default_rng(0).normal(size=(1, asked))
    assert float(two_sided(np.array([99.0]), draws)[0]) <= ALPHA / 61
    assert reach_warning(asked, 61) == ""
    _, _, notes = cell_statistics(frame(field(0)), {"v": "x"}, permutations=99)
    assert notes == [f"x: {said}"]


ENOUGH = 3999
"""Permutations with which one of 61 units can pass FDR at 0.05: 2/4,000 < 0.05/61."""


def labelled(cells: list[str], values: NDArray[np.float64], permutations: int, *, seed: int = 0) -> pd.Series:
    """Return which cells of a field are hot beside free draws, all cells being on one side."""
    field, graph = pd.Series(values, index=cells), contiguity(pd.Series(cells))
    return own_side_test(field, graph, pd.Series("a", index=cells), permutations=permutations, seed=seed)["hot"]


@pytest.mark.parametrize("seed", SEEDS)
def test_a_planted_hot_stretch_is_found(seed: int) -> None:
    """19 hot cells of 127: those all of whose neighbours are hot have the least p there is."""
    cells = disk(6)
    heart = h3.latlng_to_cell(50.0, 60.0, 4)
    inner, hot, near = (set(h3.grid_disk(heart, k)) for k in (1, 2, 3))
    values = field(seed, cells) + np.where([c in hot for c in cells], 5.0, 0.0)
    label = labelled(cells, values, 7999)
    marked = set(label.index[label])
    assert inner <= marked <= near


FIELDS = 20


def test_fields_without_a_pattern_are_seldom_labelled() -> None:
    """Each field has a label with probability α at the most; of 20, more than 3 have one with probability 0.016."""
    false = sum(bool(labelled(CELLS, field(100 + k), ENOUGH, seed=k).any()) for k in range(FIELDS))
    assert false <= 3


def test_a_graph_of_another_order_is_no_matter() -> None:
    """libpysal sorts as it likes; the first of the neighbours' rows must still be the first cell's."""
    graph = contiguity(pd.Series(CELLS[::-1]))
    assert isinstance(graph, Graph)
    for cell, near in graph.adjacency.groupby(level=0):
        assert set(near.index.get_level_values(1)) == {c for c in h3.grid_ring(cell, 1) if c in CELLS}


def test_other_weights_are_heard_and_named() -> None:
    """On a graph where nobody touches but two halves of the cells among themselves."""
    cells = disk(3)
    half = len(cells) // 2
    focal = [c for part in (cells[:half], cells[half:]) for c in part for d in part if d != c]
    other = [d for part in (cells[:half], cells[half:]) for c in part for d in part if d != c]
    graph = Graph.from_arrays(focal, other, np.ones(len(focal)))
    values = np.r_[np.full(half, 9.0), np.zeros(len(cells) - half)] + field(0, cells)
    values[5] = np.nan
    local, table, _ = cell_statistics(
        frame(values, cells), {"v": "x"}, permutations=199, graph=graph, weights="two halves"
    )
    assert table["note"].tolist() == ["two halves, row-standardised"]
    known = np.isfinite(values)
    z = values - np.nanmean(values)
    part = np.arange(len(cells)) < half
    lag = np.array([z[known & (part == part[i]) & (np.arange(len(cells)) != i)].mean() for i in range(len(cells))])
    expected = (z * lag * (known.sum() - 1) / np.nansum(z * z))[known]
    assert local.loc[known, "v_moran_i"].to_numpy() == pytest.approx(expected, rel=1e-9)
    assert local.loc[~known].isna().all(axis=None)
