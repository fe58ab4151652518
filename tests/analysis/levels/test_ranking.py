"""Ranks over many runs: against the index itself, by hand, and what seeds and orders may not change."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product
from typing import Any

import numpy as np
import pandas as pd
import pytest

from analysis.levels import ranking
from analysis.levels.index import AGGREGATIONS, level_index
from analysis.levels.indicators import NORMALISATIONS, SCHEMES, IndicatorSet
from analysis.levels.quadrants import NAMES, Axes, quadrant_types
from analysis.levels.ranking import DIRICHLET, FACTORS, Choices, rank_regions, rank_sensitivity
from layers.errors import LayerError
from tests.analysis.levels.test_index import random_set, set_of

NAN = float("nan")


def fixed(
    normalisation: Any = "minmax", weights: str = "equal", aggregation: Any = "geometric", **more: Any
) -> Choices:
    return Choices(normalisations=(normalisation,), weights=(weights,), aggregations=(aggregation,), **more)


@pytest.mark.parametrize("options", list(product(NORMALISATIONS, SCHEMES, AGGREGATIONS)), ids="-".join)
def test_one_option_of_everything_is_the_index_itself(options: tuple[Any, str, Any]) -> None:
    chosen = random_set(1, gaps=0.1)
    how, scheme, aggregation = options
    index = level_index(chosen, normalisation=how, weights=scheme, aggregation=aggregation).regions
    found = rank_regions(chosen, fixed(*options), draws=5)
    assert found.table["region"].tolist() == index["region"].tolist()
    ranked = index["rank"].notna().to_numpy()
    for name in ("rank_p5", "rank_median", "rank_p95"):
        np.testing.assert_array_equal(found.table[name][ranked], index["rank"][ranked])
    for name in ("index_p5", "index_median", "index_p95"):
        np.testing.assert_allclose(found.table[name], index["index"], rtol=1e-12)
    assert found.table["runs_ranked"].tolist() == np.where(ranked, 5, 0).tolist()
    assert found.table.loc[~ranked, "rank_median"].isna().all()
    assert (found.runs == ["as given", *options]).all(axis=None)


@pytest.mark.parametrize("seed", range(4))
def test_every_run_is_a_ranking_and_the_interval_holds_the_median(seed: int) -> None:
    chosen = random_set(seed)
    found = rank_regions(chosen, draws=300, seed=seed)
    n = len(chosen.values)
    np.testing.assert_allclose(found.ranks.sum(axis=1), n * (n + 1) / 2)
    t = found.table
    assert (
        (t["rank_p5"] >= 1)
        & (t["rank_p5"] <= t["rank_median"])
        & (t["rank_median"] <= t["rank_p95"])
        & (t["rank_p95"] <= n)
    ).all()
    assert ((t["index_p5"] <= t["index_median"]) & (t["index_median"] <= t["index_p95"])).all()
    # At least nine runs in ten lie within the interval, and no fewer than one in twenty at or beyond each end.
    inside = (found.ranks >= t["rank_p5"].to_numpy()) & (found.ranks <= t["rank_p95"].to_numpy())
    assert (inside.mean(axis=0) >= 0.9).all()
    assert ((found.ranks <= t["rank_p5"].to_numpy()).mean(axis=0) >= 0.05).all()
    assert ((found.ranks >= t["rank_p95"].to_numpy()).mean(axis=0) >= 0.05).all()
    assert set(found.runs["weights"]) == {*SCHEMES, DIRICHLET}


def test_each_run_is_the_index_of_what_it_drew() -> None:
    chosen = random_set(2)
    other = pd.DataFrame({"region": chosen.values.index[::-1], "i0": np.arange(18.0), "name": "x"})
    # What a version does not have is as in the indicators given.
    choices = Choices(versions={"mid": other[["region"]], "high": other}, weights=SCHEMES)
    found = rank_regions(chosen, choices, draws=60)
    changed = IndicatorSet(chosen.values.assign(i0=np.arange(18.0)[::-1]), chosen.about, [])
    for run, drawn in enumerate(found.runs.itertuples(index=False)):
        version = chosen if drawn.version == "mid" else changed
        options: dict[str, Any] = {
            "normalisation": drawn.normalisation,
            "weights": drawn.weights,
            "aggregation": drawn.aggregation,
        }
        np.testing.assert_array_equal(found.ranks[run], level_index(version, **options).regions["rank"])
    assert set(found.runs["version"]) == {"mid", "high"}


def test_seeds(monkeypatch: pytest.MonkeyPatch) -> None:
    chosen = random_set(3)
    one, two, other = (rank_regions(chosen, draws=200, seed=s) for s in (7, 7, 8))
    assert one.ranks.tobytes() == two.ranks.tobytes()
    assert one.table.to_csv() == two.table.to_csv()
    assert one.ranks.tobytes() != other.ranks.tobytes()
    monkeypatch.setattr(ranking, "CHUNK", 1000)
    pieces = rank_regions(chosen, draws=200, seed=7)
    assert pieces.ranks.tobytes() == one.ranks.tobytes()


def test_the_order_of_regions_does_not_matter() -> None:
    chosen = random_set(5)
    order = np.random.default_rng(0).permutation(18)
    other = IndicatorSet(chosen.values.iloc[order], chosen.about, [])
    one, two = (rank_regions(c, draws=200, seed=1).table.set_index("region") for c in (chosen, other))
    columns = ["rank_p5", "rank_median", "rank_p95"]
    pd.testing.assert_frame_equal(one[columns], two.loc[one.index, columns])


@pytest.mark.parametrize("seed", range(3))
def test_who_is_best_in_everything_is_first_in_every_run(seed: int) -> None:
    chosen = random_set(seed)
    ends = chosen.values.max().where(chosen.about["direction"] > 0, chosen.values.min())
    values = chosen.values.copy()
    values.loc["R4"] = ends + chosen.about["direction"] * values.std()
    table = rank_regions(IndicatorSet(values, chosen.about, []), draws=300).table.set_index("region")
    assert table.loc["R4", ["rank_p5", "rank_median", "rank_p95"]].tolist() == [1, 1, 1]


def test_two_versions_that_turn_the_order_round() -> None:
    chosen = set_of({"x": [1.0, 2.0, 3.0]})
    versions = {
        "low": pd.DataFrame({"region": list("ABC"), "x": [1, 2, 3]}),
        "high": pd.DataFrame({"region": list("CBA"), "x": [1, 2, 3]}),
    }
    found = rank_regions(chosen, fixed(versions=versions), draws=400)
    assert found.table["rank_p5"].tolist() == [1, 2, 1]
    assert found.table["rank_p95"].tolist() == [3, 2, 3]
    assert found.runs["version"].value_counts().min() > 100
    share = rank_sensitivity(chosen, fixed(versions=versions)).set_index("region")
    assert share.loc["A", "rank_sd"] == 1
    assert share.loc[["A", "C", "all regions"], "version"].tolist() == [1, 1, 1]
    assert share.loc[["A", "C", "all regions"], [*FACTORS[1:], "interactions"]].eq(0).all(axis=None)
    assert share.loc["B", list(FACTORS)].isna().all()


def test_dirichlet_weights_are_drawn_evenly() -> None:
    """Two indicators that are one each in a region of its own: its index is the weight, uniform between 0 and 1."""
    chosen = set_of({"x": [1.0, 0.0, 0.0], "y": [0.0, 1.0, 0.0]})
    found = rank_regions(chosen, fixed("minmax", DIRICHLET, "arithmetic", winsor=0.0), draws=4000, seed=2)
    t = found.table.set_index("region")
    assert t.loc["A", ["index_p5", "index_median", "index_p95"]].tolist() == pytest.approx([0.05, 0.5, 0.95], abs=0.03)
    assert t.loc[["A", "B"], "rank_p95"].tolist() == [2, 2]
    assert t.loc["C", ["rank_p5", "rank_p95"]].tolist() == [3, 3]
    near = rank_regions(
        chosen, fixed("minmax", DIRICHLET, "arithmetic", winsor=0.0, concentration=400.0), draws=500
    ).table
    assert near["index_p95"].iloc[0] - near["index_p5"].iloc[0] < 0.1


def variances(chosen: IndicatorSet, versions: dict[str, IndicatorSet], weights: Sequence[str]) -> pd.DataFrame:
    """Return first-order shares out of a table of all combinations, by groupby."""
    rows = []
    for v, h, w, a in product(versions, NORMALISATIONS, weights, AGGREGATIONS):
        table = level_index(versions[v], normalisation=h, weights=w, aggregation=a).regions
        rows.append(table[["region", "rank"]].assign(version=v, normalisation=h, weights=w, aggregation=a))
    every = pd.concat(rows)
    total = every.groupby("region")["rank"].var(ddof=0)
    out = {f: every.groupby(["region", f])["rank"].mean().groupby("region").var(ddof=0) / total for f in FACTORS}
    return pd.DataFrame(out).loc[chosen.values.index]


def test_shares_of_variance_are_those_of_all_combinations() -> None:
    chosen = random_set(6, regions=9)
    other = IndicatorSet(chosen.values.assign(i1=chosen.values["i1"] ** 2), chosen.about, [])
    tables = {"mid": chosen.values.reset_index(), "high": other.values.reset_index()}
    found = rank_sensitivity(chosen, Choices(versions=tables, weights=SCHEMES)).set_index("region")
    slow = variances(chosen, {"mid": chosen, "high": other}, SCHEMES)
    np.testing.assert_allclose(found.loc[slow.index, list(FACTORS)], slow, atol=1e-12)
    whole = found.drop(columns="rank_sd").sum(axis=1)
    np.testing.assert_allclose(whole[found["rank_sd"] > 0], 1)
    assert (found["interactions"].dropna() >= 0).all()


def test_random_weights_alone_carry_the_variance() -> None:
    share = rank_sensitivity(random_set(0), fixed("minmax", DIRICHLET), weight_draws=30).set_index("region")
    moved = share[share["rank_sd"] > 0]
    assert len(moved) > 5
    assert moved["weights"].tolist() == pytest.approx([1.0] * len(moved))


AXES = Axes("reach", "loss")


def versions_of(seed: int) -> dict[str, pd.DataFrame]:
    rng = np.random.default_rng(seed)
    frames = [
        pd.DataFrame({"region": [f"R{i}" for i in range(18)], "reach": rng.random(18), "loss": rng.random(18)})
        for _ in "ab"
    ]
    return {"a": frames[0], "b": frames[1].assign(reach=frames[0]["reach"])}


def test_types_of_runs() -> None:
    versions = versions_of(0)
    found = rank_regions(random_set(0), Choices(versions=versions), axes=AXES, draws=200)
    shares = found.types.pivot(index="region", columns="type", values="share_of_runs")
    np.testing.assert_allclose(shares.sum(axis=1), 1)
    parts = found.runs["version"].value_counts(normalize=True)
    types = {v: quadrant_types(t, AXES).set_index("region")["type"] for v, t in versions.items()}
    for region in shares.index:
        for name in NAMES.values():
            assert shares.loc[region, name] == pytest.approx(
                sum(parts[v] * (types[v][region] == name) for v in versions)
            )
    best = found.table.set_index("region")
    assert (best["type_share"] == shares.loc[best.index].max(axis=1)).all()
    assert any(best["type_share"] < 1)


def test_types_along_levels_and_the_index() -> None:
    chosen = random_set(2)
    index = level_index(chosen).regions
    axes = Axes("index", "joint projects", (1, 1))
    table = rank_regions(chosen, fixed(), axes=axes, names={"low-low": "quiet"}, draws=2).table
    right = quadrant_types(index, Axes("index", "joint_projects_score", (1, 1)), names={"low-low": "quiet"})
    assert table["type"].tolist() == right["type"].tolist()
    assert "quiet" in set(table["type"])
    assert (table["type_share"] == 1).all()


def test_an_unknown_axis_makes_no_type() -> None:
    versions = {k: t.assign(reach=t["reach"].where(t["region"] != "R3")) for k, t in versions_of(1).items()}
    found = rank_regions(random_set(0), Choices(versions=versions), axes=AXES, draws=20).table.set_index("region")
    assert found.loc["R3", "type"] == "not assessed"
    assert np.isnan(found.loc["R3", "type_share"])
    assert found.drop(index="R3")["type_share"].notna().all()


@pytest.mark.parametrize(
    ("choices", "options", "told"),
    [
        (Choices(normalisations=()), {}, "normalisation '' is unknown"),
        (Choices(weights=("expert",)), {}, "weights 'expert' is unknown: allowed are equal, entropy, pca, dirichlet"),
        (Choices(concentration=0.0), {}, "a concentration of 0"),
        (Choices(versions={"mid": pd.DataFrame({"x": [1.0]})}), {}, "a version without the column region"),
        (Choices(), {"draws": 0}, "0 draws: allowed is 1 or more"),
        (
            Choices(),
            {"axes": AXES},
            "axis 'reach' of the typology is unknown: allowed are index, transport, joint projects",
        ),
    ],
)
def test_what_does_not_fit(choices: Choices, options: dict[str, Any], told: str) -> None:
    with pytest.raises(LayerError, match=told):
        rank_regions(random_set(0), choices, **options)


def test_nothing_to_rank_by() -> None:
    with pytest.raises(LayerError, match="no indicator differs between the regions"):
        rank_regions(set_of({"x": [1.0, 1.0]}))
