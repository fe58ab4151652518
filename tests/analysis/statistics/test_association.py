"""Global and local association: against esda, against the formulas, on planted fields and on empty ones."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from importlib.util import find_spec

import h3
import numpy as np
import pandas as pd
import pytest
from esda import (
    LOSH,
    G,
    G_Local,
    Geary,
    Geary_Local,
    Join_Counts,
    Join_Counts_Local,
    Moran,
    Moran_BV,
    Moran_Local,
    Moran_Local_BV,
)
from libpysal.graph import Graph
from numpy.typing import NDArray

from analysis.statistics.association import (
    bivariate_moran,
    global_association,
    join_counts,
    mask_empty,
    quadrants,
)
from analysis.statistics.clusters import local_g, local_geary, local_join_counts, local_moran, local_moran_bv, losh
from analysis.statistics.permutations import adjusted
from analysis.statistics.weights import contiguity, nearest_neighbours
from layers.errors import NetworkError
from tests.analysis import helpers
from tests.analysis.helpers import disk

CELLS = disk(4)  # 61 cells
FAR = disk(0, lon=70.0)[0]
SEEDS = range(3)
P = 199
plain_esda = pytest.mark.skipif(find_spec("numba") is not None, reason="with numba esda draws from another generator")


def field(seed: int, cells: list[str] = CELLS, name: str = "x") -> pd.Series:
    return pd.Series(np.random.default_rng(seed).normal(size=len(cells)) + 5, index=cells, name=name)


def two_sided(value: float, draws: NDArray[np.float64]) -> float:
    return float(helpers.two_sided(np.array([value]), np.asarray(draws, float)[None])[0])


def dense(graph: Graph) -> NDArray[np.float64]:
    return np.asarray(graph.sparse.toarray(), float)


GRAPHS: dict[str, Callable[[], Graph]] = {
    "contiguity": lambda: contiguity(pd.Series(CELLS)),
    "nearest": lambda: nearest_neighbours(
        pd.DataFrame(
            {
                "cell": CELLS,
                "lon": [h3.cell_to_latlng(c)[1] for c in CELLS],
                "lat": [h3.cell_to_latlng(c)[0] for c in CELLS],
            }
        ),
        k=5,
    ),
}


@pytest.mark.parametrize("kind", GRAPHS)
@pytest.mark.parametrize("seed", SEEDS)
def test_global_statistics_are_those_of_esda(seed: int, kind: str) -> None:
    graph = GRAPHS[kind]()
    x = field(seed)
    values = x.reindex(graph.unique_ids).to_numpy()
    found = global_association(x, graph, permutations=P, seed=seed, weights=kind)
    assert found["statistic"].tolist() == ["Moran's I", "Geary's C", "general G"]
    for row, (build, name, expected) in zip(
        found.itertuples(), ((Moran, "I", "EI"), (Geary, "C", "EC"), (G, "G", "EG")), strict=True
    ):
        np.random.seed(seed)  # noqa: NPY002  (what esda draws from)
        esda = build(values, graph, permutations=P)
        assert row.value == pytest.approx(getattr(esda, name), rel=1e-12)
        assert row.expected == pytest.approx(getattr(esda, expected), rel=1e-12)
        assert row.p_two_sided == two_sided(getattr(esda, name), esda.sim)
        assert row.z == pytest.approx((getattr(esda, name) - esda.sim.mean()) / esda.sim.std(), rel=1e-9)
        assert (row.variable, row.n, row.permutations) == ("x", 61, P)
        assert row.note.startswith(kind)


def test_a_label_that_keeps_together_is_seen_though_its_counts_have_ties() -> None:
    """15 of 61 units in one heap: no order comes near, while most counts of the short tail are equal."""
    graph = GRAPHS["contiguity"]()
    heap = set(disk(1)) | set(disk(2)[:8])
    labels = pd.Series(np.where([c in heap for c in CELLS], "hot", "neither"), index=CELLS)
    found = join_counts(labels, graph, permutations=999).set_index("variable")
    assert found.loc["hot", "p_two_sided"] == 2 / 1000
    assert found.loc["hot", "z"] > 4


def test_the_general_g_is_for_values_of_nought_and_more() -> None:
    graph = GRAPHS["contiguity"]()
    assert "general G" not in global_association(field(0) - 5, graph, permutations=9)["statistic"].tolist()


@pytest.mark.parametrize("seed", SEEDS)
def test_the_bivariate_moran_is_that_of_esda(seed: int) -> None:
    graph = GRAPHS["contiguity"]()
    x, y = field(seed), field(seed + 50, name="y")
    row = bivariate_moran(x, y.sample(frac=1, random_state=0), graph, permutations=P, seed=seed).iloc[0]
    np.random.seed(seed)  # noqa: NPY002  (what esda draws from)
    a, b = (v.reindex(graph.unique_ids).to_numpy() for v in (x, y))
    esda = Moran_BV(a, b, graph, permutations=P)
    assert row["value"] == pytest.approx(esda.I, rel=1e-12)
    assert row["p_two_sided"] == two_sided(esda.I, esda.sim)
    assert row["variable"] == "x with neighbours' y"


@pytest.mark.parametrize("seed", SEEDS)
def test_join_counts_are_those_of_esda(seed: int) -> None:
    graph = GRAPHS["contiguity"]()
    labels = pd.Series(np.random.default_rng(seed).choice(["hot", "cold", "neither"], 61), index=CELLS)
    found = join_counts(labels, graph, permutations=P, seed=seed).set_index("variable")
    assert found.index.tolist() == ["cold", "hot", "neither"]
    for label, row in found.iterrows():
        np.random.seed(seed)  # noqa: NPY002  (what esda draws from)
        own = (labels.reindex(graph.unique_ids) == label).to_numpy(int)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # esda sets an index in place, which pandas 3 deprecates
            esda = Join_Counts(own, graph, permutations=P)
        assert row["value"] == esda.bb
        draws = np.asarray(esda.sim_bb, float)
        assert row["p_two_sided"] == pytest.approx(two_sided(float(esda.bb), draws))
        # Of all pairs of units those of the label, times the pairs that touch.
        assert row["expected"] == pytest.approx(esda.J * own.sum() * (own.sum() - 1) / (61 * 60))


@plain_esda
@pytest.mark.parametrize("kind", GRAPHS)
@pytest.mark.parametrize("seed", SEEDS)
def test_local_statistics_are_those_of_esda(seed: int, kind: str) -> None:
    graph = GRAPHS[kind]()
    x, y = field(seed), field(seed + 50, name="y")
    a, b = (v.reindex(graph.unique_ids).to_numpy() for v in (x, y))
    how = {"permutations": P, "seed": seed}
    esda_how = {**how, "keep_simulations": True, "n_jobs": 1}
    rows = graph.transform("r")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        moran, both = Moran_Local(a, rows, **esda_how), Moran_Local_BV(a, b, rows, **esda_how)
        star, without = (G_Local(a, graph, transform="B", star=s, **esda_how) for s in (True, False))
        # These two take no seed but what they draw for one.
        np.random.seed(seed)  # noqa: NPY002
        geary = Geary_Local(connectivity=graph, permutations=P).fit(a)
        np.random.seed(seed)  # noqa: NPY002
        drawn = int(np.random.randint(12345, 12345000))  # noqa: NPY002
    for found, name, stat, draws in (
        (local_moran(x, graph, **how), "moran", moran.Is, moran.rlisas),
        (local_moran_bv(x, y, graph, **how), "bv", both.Is, both.rlisas),
        (local_g(x, graph, **how), "g", star.Gs, star.rGs),
        (local_g(x, graph, star=False, **how), "g", without.Gs, without.rGs),
        (local_geary(x, graph, permutations=P, seed=drawn), "geary", geary.localG, geary.rlocalG),
    ):
        assert found.index.tolist() == CELLS
        found = found.reindex(graph.unique_ids)
        assert found.iloc[:, 0].to_numpy() == pytest.approx(stat, rel=1e-9)
        p = helpers.two_sided(stat, draws)
        assert found[f"{name}_p"].to_numpy() == pytest.approx(p, rel=1e-12)
        assert found[f"{name}_q"].to_numpy() == pytest.approx(adjusted(p), rel=1e-12)
        if name == "g":
            assert found["g_z"].to_numpy() == pytest.approx((stat - draws.mean(axis=1)) / draws.std(axis=1), rel=1e-9)
        if name == "geary":
            assert (found["geary_kind"] == np.where(stat < draws.mean(axis=1), "alike", "unlike")).all()
    for found, quads in (
        (local_moran(x, graph, **how)["moran_quadrant"], moran.q),
        (local_moran_bv(x, y, graph, **how)["bv_quadrant"], both.q),
    ):
        assert found.reindex(graph.unique_ids).tolist() == [["", "HH", "LH", "LL", "HL"][k] for k in quads]


@plain_esda
@pytest.mark.parametrize("seed", SEEDS)
def test_local_join_counts_are_those_of_esda_with_a_seed(seed: int) -> None:
    graph = GRAPHS["contiguity"]()
    labels = pd.Series(np.random.default_rng(seed).choice(["hot", "neither"], 61), index=CELLS)
    own = (labels.reindex(graph.unique_ids) == "hot").to_numpy(float)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        np.random.seed(seed)  # noqa: NPY002
        drawn = int(np.random.randint(12345, 12345000))  # noqa: NPY002
        np.random.seed(seed)  # noqa: NPY002
        esda = Join_Counts_Local(connectivity=graph).fit(own, permutations=P)
    found = local_join_counts(labels, "hot", graph, permutations=P, seed=drawn).reindex(graph.unique_ids)
    assert found["join_count"].tolist() == esda.LJC.tolist()
    p = np.array([(d >= s).sum() + 1 for s, d in zip(esda.LJC, esda.rjoins, strict=True)]) / (P + 1)
    assert found["join_p"].to_numpy() == pytest.approx(np.where(own == 1, p, np.nan), nan_ok=True)
    assert found["join_q"].to_numpy() == pytest.approx(adjusted(np.where(own == 1, p, np.nan)), nan_ok=True)


@pytest.mark.parametrize("seed", SEEDS)
def test_losh_is_its_formula_and_that_of_esda(seed: int) -> None:
    graph = contiguity(pd.Series([*CELLS, FAR]))
    x = field(seed, [*CELLS, FAR])
    found = losh(x, graph)
    assert found.loc[FAR].isna().all()
    inner = contiguity(pd.Series(CELLS)).transform("r")
    w, values = dense(inner), x.reindex(inner.unique_ids).to_numpy()
    square = (values - w @ values) ** 2
    assert found.reindex(inner.unique_ids)["losh_h"].to_numpy() == pytest.approx(w @ square / square.mean(), rel=1e-9)
    assert found.reindex(inner.unique_ids)["losh_p"].to_numpy() == pytest.approx(
        LOSH(inner, "chi-square").fit(values).pval, rel=1e-9
    )


LOCAL = (local_moran, local_g, local_geary)


@pytest.mark.parametrize("local", LOCAL)
def test_unknown_values_and_islands_have_no_number_and_change_no_other(local: Callable[..., pd.DataFrame]) -> None:
    graph = contiguity(pd.Series([*CELLS, FAR]))
    x = field(1, [*CELLS, FAR])
    x.iloc[[3, 17]] = np.nan
    found = local(x, graph, permutations=P)
    known = [c for c in CELLS if c not in (CELLS[3], CELLS[17])]
    numbers = found.select_dtypes("number")
    assert numbers.loc[[CELLS[3], CELLS[17], FAR]].isna().all(axis=None)
    assert numbers.loc[known].notna().all(axis=None)
    # The same as on a graph that never had them, but for the island, which takes part in the mean and in the draws.
    again = local(x.loc[[*known, FAR]], contiguity(pd.Series([*known, FAR])), permutations=P)
    pd.testing.assert_frame_equal(found.loc[known], again.loc[known])


def test_the_order_of_the_values_decides_nothing() -> None:
    graph = GRAPHS["contiguity"]()
    x = field(2)
    shuffled = x.sample(frac=1, random_state=1)
    for local in LOCAL:
        one, two = local(x, graph, permutations=P), local(shuffled, graph, permutations=P)
        assert two.index.tolist() == shuffled.index.tolist()
        pd.testing.assert_frame_equal(one, two.reindex(one.index))
    pd.testing.assert_frame_equal(
        global_association(x, graph, permutations=P), global_association(shuffled, graph, permutations=P)
    )


def test_empty_cells_are_masked_for_what_weighs_people() -> None:
    x = pd.Series([0.0, 3.0, 0.0, 7.0], index=list("pqrs"))
    people = pd.Series([0, 5, 9, 0], index=list("pqrs"))
    assert mask_empty(x, people).to_dict() == pytest.approx({"p": np.nan, "q": 3.0, "r": 0.0, "s": np.nan}, nan_ok=True)
    # The steppe's zeros make a cluster of their own; masked, they do not.
    cells = disk(6)
    lon = np.array([h3.cell_to_latlng(c)[1] for c in cells])
    lived_in = lon > np.quantile(lon, 0.4)
    values = pd.Series(np.where(lived_in, np.random.default_rng(0).lognormal(size=127), 0.0), index=cells, name="lost")
    people = pd.Series(lived_in.astype(int), index=cells)
    graph = contiguity(pd.Series(cells))
    low = {}
    for name, x in (("all", values), ("masked", mask_empty(values, people))):
        found = local_moran(x, graph, permutations=4999)
        low[name] = int(((found["moran_q"] <= 0.05) & (found["moran_quadrant"] == "LL")).sum())
    assert low["all"] > 10
    assert low["masked"] == 0


def test_few_or_equal_units_are_described_not_tested() -> None:
    few = disk(2)  # 19 cells
    graph = contiguity(pd.Series(few))
    x = field(0, few)
    table = global_association(x, graph, permutations=P)
    assert table["p_two_sided"].isna().all()
    assert table["value"].notna().all()
    assert set(table["permutations"]) == {0}
    assert table["note"].str.contains("described, not tested: 19 units").all()
    for local, first in zip(LOCAL, ("moran_i", "g", "geary_c"), strict=True):
        found = local(x, graph, permutations=P)
        assert found[first].notna().all()
        assert found.filter(regex="_[pq]$").isna().all(axis=None)
    same = pd.Series(3.0, index=CELLS, name="x")
    table = global_association(same, GRAPHS["contiguity"](), permutations=P)
    assert table["note"].str.contains("61 units without any difference").all()
    for local in LOCAL:
        assert local(same, GRAPHS["contiguity"](), permutations=P).filter(regex="_[pq]$").isna().all(axis=None)
    nothing = local_moran(same.where(same < 0), GRAPHS["contiguity"]())
    assert nothing.index.tolist() == CELLS
    assert nothing["moran_p"].isna().all()
    assert global_association(same.where(same < 0), GRAPHS["contiguity"]())["value"].isna().all()


def test_raw_potentials_and_strange_units_are_refused() -> None:
    graph = GRAPHS["contiguity"]()
    raw = field(0, name="potential_cross_actual")
    for ask in (
        lambda: global_association(raw, graph),
        lambda: bivariate_moran(field(0), raw, graph),
        lambda: local_moran(raw, graph),
        lambda: local_moran_bv(field(0), raw, graph),
        lambda: local_g(raw, graph),
    ):
        with pytest.raises(NetworkError, match="potential_cross_actual can't be tested"):
            ask()
    with pytest.raises(NetworkError, match="is not in the graph"):
        local_moran(field(0, [*CELLS, FAR]), graph)
    with pytest.raises(NetworkError, match="allowed are median and mean"):
        quadrants(field(0), field(1), cut="mode")


def test_the_bivariate_moran_is_no_answer_to_here() -> None:
    """One cell of much potential and much access among cells of much potential and little.

    The trap of method.md §2d.
    """
    heart = h3.latlng_to_cell(50.0, 60.0, 4)
    ring = h3.grid_ring(heart, 1)
    graph = GRAPHS["contiguity"]()
    rng = np.random.default_rng(0)
    potential = pd.Series(rng.normal(0, 0.1, 61), index=CELLS, name="potential at home")
    access = pd.Series(rng.normal(0, 0.1, 61), index=CELLS, name="access")
    potential[[heart, *ring]] += 5
    access[ring] -= 5
    access[heart] += 5
    around = local_moran_bv(potential, access, graph, permutations=999)
    here = quadrants(potential, access, cut="mean")
    assert around.loc[heart, "bv_quadrant"] == "HL"
    assert around.loc[heart, "bv_p"] < 0.05
    assert here.loc[heart, "quadrant"] == "HH"
    assert set(here.loc[ring, "quadrant"]) == {"HL"}


def test_quadrants_by_hand() -> None:
    x = pd.Series([1.0, 2.0, 3.0, 4.0, np.nan], index=list("pqrst"), name="x")
    y = pd.Series([9.0, 1.0, 8.0, 2.0, 5.0], index=list("pqrst"), name="y")
    assert quadrants(x, y)["quadrant"].tolist() == ["LH", "LL", "HH", "HL", ""]
    assert quadrants(x, y, cut="mean")["quadrant"].tolist() == ["LH", "LL", "HH", "HL", ""]


@pytest.mark.parametrize("seed", SEEDS)
def test_a_planted_hot_stretch_is_found_by_each(seed: int) -> None:
    cells = disk(6)
    graph = contiguity(pd.Series(cells))
    heart = h3.latlng_to_cell(50.0, 60.0, 4)
    inner, hot, near = (set(h3.grid_disk(heart, k)) for k in (1, 2, 3))
    x = field(seed, cells) + np.where([c in hot for c in cells], 6.0, 0.0)
    moran, star = local_moran(x, graph, permutations=7999), local_g(x, graph, permutations=7999)
    marked = set(star.index[(star["g_q"] <= 0.05) & (star["g_z"] > 0)])
    assert inner <= marked <= near
    assert inner <= set(moran.index[(moran["moran_q"] <= 0.05) & (moran["moran_quadrant"] == "HH")]) <= hot
    table = global_association(x, graph, permutations=999).set_index("statistic")
    assert (table["p_two_sided"] <= 0.004).all()
    assert table.loc["Moran's I", "value"] > 0.3 > -1 < table.loc["Geary's C", "value"] < 0.8
    labels = pd.Series(np.where([c in hot for c in cells], "hot", "neither"), index=cells)
    joins = local_join_counts(labels, "hot", graph, permutations=7999)
    assert inner <= set(joins.index[joins["join_q"] <= 0.05]) <= hot
    # Mixed at the rim, alike inside.
    mixed = losh(x, graph)["losh_h"]
    assert (
        mixed.loc[sorted(near - inner)].mean() > 1 > mixed.loc[sorted(set(cells) - set(h3.grid_disk(heart, 4)))].mean()
    )


FIELDS = 20


@pytest.mark.parametrize("local", [local_moran, local_g, local_geary])
def test_fields_without_a_pattern_are_seldom_significant(local: Callable[..., pd.DataFrame]) -> None:
    """Under FDR each field alarms with probability α at the most; of 20, more than 3 do with probability 0.016."""
    cells = disk(3)  # 37
    graph = contiguity(pd.Series(cells))
    alarms = 0
    for k in range(FIELDS):
        found = local(field(1000 + k, cells), graph, permutations=2499, seed=k)
        alarms += bool((found.filter(regex="_q$") <= 0.05).any(axis=None))
    assert alarms <= 3


def test_the_level_of_the_global_tests_holds() -> None:
    """At α = 0.1 of 60 empty fields 13 and more alarm with probability 0.006."""
    graph = GRAPHS["contiguity"]()
    p = pd.concat([global_association(field(2000 + k), graph, permutations=99, seed=k) for k in range(60)])
    for _, own in p.groupby("statistic")["p_two_sided"]:
        assert (own <= 0.1).sum() <= 12
        assert (own > 0.5).sum() >= 15
