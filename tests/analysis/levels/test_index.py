"""Indicators and the index of levels.

By hand, against scipy and scikit-learn, against a slow twin, and what must never change it.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray
from scipy import stats
from sklearn.decomposition import PCA

from analysis.connectivity.regions import region_connectivity
from analysis.levels.index import AGGREGATIONS, FLOOR, aggregate, level_index, ranks
from analysis.levels.indicators import (
    NORMALISATIONS,
    SCHEMES,
    TRANSPORT,
    IndicatorSet,
    collect_indicators,
    entropy_weights,
    indicator_weights,
    informative,
    normalise,
    pca_weights,
    winsorised,
)
from layers.errors import LayerError
from layers.indicators import LEVELS
from layers.regions import border_line
from tests.borders import random_land, random_network

NAN = float("nan")
SEEDS = range(4)


def set_of(values: dict[str, list[float]], **about: list[Any]) -> IndicatorSet:
    """Return indicators of regions A, B…; all of transport and the more the better unless said otherwise."""
    table = pd.DataFrame(values)
    table.index = pd.Index([chr(65 + i) for i in range(len(table))], name="region")
    columns = {"level": ["transport"] * len(values), "direction": [1] * len(values), "unit": [""] * len(values)}
    columns |= {"low": [NAN] * len(values), "high": [NAN] * len(values)}
    return IndicatorSet(table, pd.DataFrame({**columns, **about}, index=list(values)), [])


def random_set(seed: int, *, regions: int = 18, gaps: float = 0.0) -> IndicatorSet:
    rng = np.random.default_rng(seed)
    m = 9
    x = rng.lognormal(1, 1, (regions, m)) * 10.0 ** rng.integers(-3, 4, m)
    x[rng.random(x.shape) < gaps] = NAN
    found = set_of(
        {f"i{k}": x[:, k].tolist() for k in range(m)},
        level=[LEVELS[k % 3] for k in range(m)],
        direction=rng.choice([1, -1], m).tolist(),
    )
    found.values.index = pd.Index([f"R{i}" for i in range(regions)], name="region")
    return found


def test_an_index_by_hand() -> None:
    """Transport: densities 0, 5, 10 and losses 0.8, 0.6, 0; projects 20, 10, 0."""
    chosen = set_of(
        {"density": [0.0, 5.0, 10.0], "loss": [0.8, 0.6, 0.0], "projects": [20.0, 10.0, 0.0]},
        level=["transport", "transport", "joint projects"],
        direction=[1, -1, 1],
    )
    found = level_index(chosen, winsor=0.0)
    table = found.regions.set_index("region")
    # Loss: 0, 0.25, 1. Transport: means 0, 0.375, 1. Projects: 1, 0.5, 0.
    assert table["transport_score"].tolist() == pytest.approx([0, 0.375, 1])
    assert table["joint_projects_score"].tolist() == pytest.approx([1, 0.5, 0])
    assert table["index"].tolist() == pytest.approx([math.sqrt(FLOOR), math.sqrt(0.375 * 0.5), math.sqrt(FLOOR)])
    assert table["rank"].tolist() == [2.5, 1.0, 2.5]
    assert table["social_services_status"].tolist() == ["not assessed"] * 3
    assert table["levels_assessed"].tolist() == ["transport, joint projects"] * 3
    assert found.notes == ["social services: not assessed; the index is of transport and joint projects alone"]
    mean = level_index(
        chosen, winsor=0.0, aggregation="arithmetic", level_weights={"transport": 3, "joint projects": 1}
    )
    assert mean.regions["index"].tolist() == pytest.approx([0.25, 0.75 * 0.375 + 0.25 * 0.5, 0.75])
    own = level_index(chosen, winsor=0.0, weights={"density": 1, "loss": 3, "projects": 1}).regions
    assert own["transport_score"].tolist() == pytest.approx([0, 0.25 * 0.5 + 0.75 * 0.25, 1])


def slow_scores(chosen: IndicatorSet, how: str, winsor: float) -> dict[str, list[float]]:
    """Return normalised indicators, number by number."""
    out = {}
    for name in chosen.values:
        x = chosen.values[name].tolist()
        known = np.array([v for v in x if v == v])
        low, high = np.quantile(known, winsor), np.quantile(known, 1 - winsor)
        cut = [min(max(v, low), high) for v in known]
        ranked = dict(zip(known, stats.rankdata(known), strict=True))
        column = []
        for v in x:
            if v != v:
                column.append(NAN)
                continue
            c = min(max(v, low), high)
            score = {
                "minmax": (c - min(cut)) / (max(cut) - min(cut)),
                "z": min(max(0.5 + (c - np.mean(cut)) / np.std(cut) / 6, 0), 1),
                "rank": (ranked[v] - 0.5) / len(known),
            }[how]
            column.append(score if chosen.about.at[name, "direction"] == 1 else 1 - score)
        out[name] = column
    return out


def slow_index(chosen: IndicatorSet, how: str, scheme: str, aggregation: str, winsor: float) -> list[float]:
    """Return the index, region by region: sums as they stand in the handbook."""
    score = slow_scores(chosen, how, winsor)
    about = chosen.about
    weight: dict[str, float] = {}
    for level in LEVELS:
        names = [n for n in about.index if about.at[n, "level"] == level]
        raw = dict.fromkeys(names, 1.0)
        if scheme == "entropy":
            for n in names:
                p = np.array([v for v in score[n] if v == v])
                raw[n] = 1 - stats.entropy(p) / math.log(len(p))
        if scheme == "pca":
            x = np.array([score[n] for n in names]).T
            x = x[np.isfinite(x).all(axis=1)]
            axis = PCA().fit((x - x.mean(axis=0)) / x.std(axis=0)).components_[0]
            axis = axis if axis.sum() > 0 else -axis
            raw = {n: max(a, 0.0) for n, a in zip(names, axis, strict=True)}
        weight |= {n: v / sum(raw.values()) for n, v in raw.items()}
    out = []
    for r in range(len(chosen.values)):
        levels = []
        for level in LEVELS:
            mine = {n: score[n][r] for n in score if about.at[n, "level"] == level and score[n][r] == score[n][r]}
            have = sum(weight[n] for n in mine)
            if have >= 0.5:
                levels.append(sum(weight[n] * v for n, v in mine.items()) / have)
        if aggregation == "geometric":
            out.append(math.prod(max(s, FLOOR) for s in levels) ** (1 / len(levels)) if levels else NAN)
        else:
            out.append(sum(levels) / len(levels) if levels else NAN)
    return out


@pytest.mark.parametrize("aggregation", AGGREGATIONS)
@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("how", NORMALISATIONS)
def test_against_a_slow_twin(how: Any, scheme: str, aggregation: Any) -> None:
    for seed, gaps in ((0, 0.0), (1, 0.15), (2, 0.1)):
        chosen = random_set(seed, regions=40, gaps=gaps)
        found = level_index(chosen, normalisation=how, weights=scheme, aggregation=aggregation, winsor=0.05).regions
        slow = slow_index(chosen, how, scheme, aggregation, 0.05)
        np.testing.assert_allclose(found["index"], slow, rtol=1e-9)
        ranked = found["rank"].notna()
        np.testing.assert_array_equal(found.loc[ranked, "rank"], stats.rankdata(-np.round(np.array(slow)[ranked], 12)))


@pytest.mark.parametrize("seed", SEEDS)
def test_the_order_of_regions_and_indicators_does_not_matter(seed: int) -> None:
    chosen = random_set(seed, gaps=0.05)
    rng = np.random.default_rng(seed)
    rows, columns = rng.permutation(len(chosen.values)), rng.permutation(len(chosen.about))
    other = IndicatorSet(chosen.values.iloc[rows, columns], chosen.about.iloc[columns], [])
    for scheme in SCHEMES:
        one = level_index(chosen, weights=scheme).regions.set_index("region")
        two = level_index(other, weights=scheme).regions.set_index("region").loc[one.index]
        np.testing.assert_allclose(one["index"], two["index"], rtol=1e-9)
        np.testing.assert_array_equal(one["rank"], two["rank"])


@pytest.mark.parametrize("how", NORMALISATIONS)
@pytest.mark.parametrize("seed", SEEDS)
def test_units_do_not_matter(seed: int, how: Any) -> None:
    """Another unit, another zero, or the same thing told the other way round leave the index as it is."""
    chosen = random_set(seed, gaps=0.05)
    values, about = chosen.values.copy(), chosen.about.copy()
    values["i0"] = values["i0"] * 1609.344 + 12
    values["i4"], about.loc["i4", "direction"] = -values["i4"], -about.at["i4", "direction"]
    for scheme in SCHEMES:
        one, two = (
            level_index(c, normalisation=how, weights=scheme).regions for c in (chosen, IndicatorSet(values, about, []))
        )
        np.testing.assert_allclose(one["index"], two["index"], rtol=1e-8)


@pytest.mark.parametrize("aggregation", AGGREGATIONS)
@pytest.mark.parametrize("how", NORMALISATIONS)
@pytest.mark.parametrize("seed", SEEDS)
def test_who_is_better_in_everything_stands_above(seed: int, how: Any, aggregation: Any) -> None:
    chosen = random_set(seed)
    values = chosen.values.copy()
    step = values.std() * chosen.about["direction"]
    values.loc["R1"] = values.loc["R0"] + 0.3 * step
    for scheme in SCHEMES:
        options: dict[str, Any] = {"normalisation": how, "weights": scheme, "aggregation": aggregation}
        index = level_index(IndicatorSet(values, chosen.about, []), **options).regions.set_index("region")["index"]
        assert index["R1"] >= index["R0"]
        # One more indicator in which it is no worse does not turn them round.
        more = values.assign(extra=np.arange(len(values), dtype=float))
        row = pd.DataFrame({"level": "transport", "direction": 1, "unit": "", "low": NAN, "high": NAN}, index=["extra"])
        index = level_index(IndicatorSet(more, pd.concat([chosen.about, row]), []), **options).regions.set_index(
            "region"
        )["index"]
        assert index["R1"] >= index["R0"]


def test_winsorising_is_a_cut_at_quantiles() -> None:
    x = np.random.default_rng(0).normal(size=200)
    cut = winsorised(pd.DataFrame({"x": np.append(x, NAN)}), 0.025)["x"].to_numpy()
    np.testing.assert_allclose(cut[:-1], np.clip(x, *np.percentile(x, [2.5, 97.5])))
    assert np.isnan(cut[-1])
    # Off the ends nothing moves; at this length scipy's count of the cut ones is the same.
    assert (cut[:-1] != x).sum() == (stats.mstats.winsorize(x, limits=0.025) != x).sum()


def test_goalposts_make_a_score_that_hangs_on_no_other_region() -> None:
    chosen = set_of({"x": [2.0, 4.0, 30.0]}, low=[0.0], high=[10.0], direction=[-1])
    assert normalise(chosen.values, chosen.about)["x"].tolist() == pytest.approx([0.8, 0.6, 0.0])
    fewer = chosen.values.iloc[:2]
    assert normalise(fewer, chosen.about)["x"].tolist() == pytest.approx([0.8, 0.6])
    same = set_of({"x": [4.0, 4.0]}, low=[0.0], high=[10.0])
    assert level_index(same).regions["transport_score"].tolist() == [0.4, 0.4]
    told = level_index(chosen).indicators.iloc[0]
    assert (told["low"], told["high"]) == (0, 10)


def test_what_is_the_same_everywhere_or_known_nowhere_is_dropped_and_told() -> None:
    chosen = set_of({"x": [1.0, 2.0, 3.0], "flat": [7.0] * 3, "gone": [NAN] * 3, "once": [NAN, 4.0, NAN]})
    found = level_index(chosen)
    assert found.indicators.set_index("indicator")["weight"].to_dict() == {
        "x": 1.0,
        "flat": 0.0,
        "gone": 0.0,
        "once": 0.0,
    }
    assert found.indicators["regions_known"].tolist() == [3, 3, 0, 1]
    assert [n.split()[1] for n in found.notes if "dropped" in n] == ["flat", "gone", "once"]
    without = level_index(set_of({"x": [1.0, 2.0, 3.0]}))
    assert found.regions["index"].tolist() == without.regions["index"].tolist()
    rounding = set_of({"x": [0.1 + 0.2, 0.3, 0.3]})
    assert informative(rounding).about.empty
    with pytest.raises(LayerError, match="no indicator differs between the regions: indicator x is the same"):
        level_index(rounding)


def test_a_flat_column_is_in_the_middle_of_every_scale() -> None:
    chosen = set_of({"x": [1.0, 1.0, NAN], "y": [1.0, 2.0, 3.0]}, direction=[-1, 1])
    for how in NORMALISATIONS:
        score = normalise(chosen.values, chosen.about, normalisation=how)
        assert score["x"].tolist()[:2] == [0.5, 0.5]
        assert np.isnan(score["x"].iloc[2])
        assert score["y"].is_monotonic_increasing


def test_what_is_not_known_is_told_and_never_filled() -> None:
    chosen = set_of(
        {"x": [0.0, 1.0, 0.5], "y": [0.0, 1.0, NAN], "z": [NAN, 0.0, 1.0], "p": [NAN, 2.0, 4.0]},
        level=["transport", "transport", "transport", "joint projects"],
    )
    found = level_index(chosen, winsor=0.0)
    table = found.regions
    assert table["transport_known_share"].tolist() == pytest.approx([2 / 3, 1, 2 / 3])
    assert table["transport_status"].tolist() == ["in part", "assessed", "in part"]
    assert table["transport_score"].tolist() == pytest.approx([0.0, 2 / 3, 0.75])
    assert table["joint_projects_status"].tolist() == ["not assessed", "assessed", "assessed"]
    assert table["levels_assessed"].tolist() == ["transport", *["transport, joint projects"] * 2]
    # A has an index of its one level, and no rank beside indices of two.
    assert table["index"].iloc[0] == pytest.approx(FLOOR)
    assert np.isnan(table["rank"].iloc[0])
    assert sorted(table["rank"].iloc[1:]) == [1, 2]
    assert "not ranked, for a level is not assessed there: A" in found.notes
    strict = level_index(chosen, least_known=0.7).regions
    assert strict["transport_status"].tolist() == ["not assessed", "assessed", "not assessed"]
    assert strict["levels_assessed"].iloc[0] == ""
    assert np.isnan(strict["index"].iloc[0])


def test_levels_without_a_table_are_not_assessed() -> None:
    found = level_index(random_set(0))
    alone = IndicatorSet(random_set(0).values[["i0", "i3"]], random_set(0).about.loc[["i0", "i3"]], [])
    one = level_index(alone)
    assert set(found.regions["levels_assessed"]) == {"transport, joint projects, social services"}
    assert set(one.regions["levels_assessed"]) == {"transport"}
    assert one.regions["joint_projects_score"].isna().all()
    assert "joint projects and social services: not assessed; the index is of transport alone" in one.notes
    np.testing.assert_allclose(one.regions["index"], np.maximum(one.regions["transport_score"], FLOOR))


@pytest.mark.parametrize("seed", SEEDS)
def test_entropy_weights_are_shannons(seed: int) -> None:
    rng = np.random.default_rng(seed)
    x = rng.random((15, 4)) ** rng.integers(1, 6, 4)
    x[rng.random(x.shape) < 0.2] = 0.0
    spread = 1 - stats.entropy(x, axis=0) / np.log(15)
    np.testing.assert_allclose(entropy_weights(x), spread / spread.sum(), rtol=1e-12)


def test_entropy_with_zeros_and_nothing_to_tell() -> None:
    one_only = np.array([[1.0, 0.5, 0.0], [0.0, 0.5, 0.0], [0.0, 0.5, 0.0]])
    assert entropy_weights(one_only).tolist() == pytest.approx([1.0, 0.0, 0.0], abs=1e-12)
    assert entropy_weights(np.full((3, 2), 0.5)).tolist() == [0.5, 0.5]
    assert entropy_weights(np.array([[0.3, NAN], [0.9, 1.0]])).tolist() == [1.0, 0.0]


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("n", [5, 30])
def test_pca_weights_are_the_first_components(seed: int, n: int) -> None:
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, 1)) + rng.normal(size=(n, 6))
    weight, explained, note = pca_weights(np.vstack([x, np.full(6, NAN)]))
    twin = PCA().fit((x - x.mean(axis=0)) / x.std(axis=0))
    axis = twin.components_[0] * np.sign(twin.components_[0].sum())
    np.testing.assert_allclose(weight, np.maximum(axis, 0) / np.maximum(axis, 0).sum(), atol=1e-10)
    assert explained == pytest.approx(twin.explained_variance_ratio_[0])
    assert ("unsteady" in note) == (n < 6)


def test_pca_never_turns_a_direction_round() -> None:
    rng = np.random.default_rng(1)
    common = rng.normal(size=50)
    x = np.column_stack([common, common + 0.1 * rng.normal(size=50), -common + 0.1 * rng.normal(size=50)])
    weight, explained, note = pca_weights(x)
    assert weight[2] == 0
    assert (weight[:2] > 0.4).all()
    assert explained > 0.9
    assert "1 of 3 indicators run against" in note


OPPOSED = np.array([[0.0, 1.0], [0.4, 0.5], [1.0, 0.0], [0.2, 0.9]])
NO_AXIS = [
    ("two that cancel out", OPPOSED),
    ("no correlation", np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])),
    ("too few", np.array([[0.1, 0.2], [0.3, 0.9]])),
    ("flat where all is known", np.array([[0.5, 0.2], [0.5, 0.9], [0.5, 0.4], [0.9, NAN]])),
]


@pytest.mark.parametrize("score", [n[1] for n in NO_AXIS], ids=[n[0] for n in NO_AXIS])
def test_equal_weights_where_there_is_no_common_direction(score: NDArray[np.float64]) -> None:
    weight, explained, note = pca_weights(score)
    assert weight.tolist() == [0.5, 0.5]
    assert np.isnan(explained)
    assert "equal weights instead of PCA" in note
    assert pca_weights(score[:, :1])[:2] == (pytest.approx(np.ones(1)), 1.0)


def test_the_share_explained_is_reported_by_level() -> None:
    found = level_index(random_set(3), weights="pca")
    assert set(found.explained) == set(LEVELS)
    assert found.indicators.groupby("level")["weight"].sum().tolist() == pytest.approx([1, 1, 1])
    assert level_index(random_set(3)).explained == {}


def test_one_zero_does_not_make_everything_zero() -> None:
    scores = np.array([[0.0, 1.0], [0.0, 0.5], [0.5, 0.5]])
    half = np.array([0.5, 0.5])
    found = aggregate(scores, half)
    assert found.tolist() == pytest.approx([0.1, math.sqrt(0.005), 0.5])
    assert aggregate(scores, half, floor=0.04)[0] == pytest.approx(0.2)
    assert aggregate(scores, half, "arithmetic").tolist() == pytest.approx([0.5, 0.25, 0.5])


def test_ranks_tie_within_rounding() -> None:
    index = np.array([0.1 + 0.2, 0.3, 0.9, NAN])
    assert ranks(index, np.isfinite(index))[:3].tolist() == [2.5, 2.5, 1.0]


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"normalisation": "log"}, "normalisation 'log' is unknown: allowed are minmax, z, rank"),
        ({"weights": "expert"}, "weights 'expert' is unknown: allowed are equal, entropy, pca"),
        ({"aggregation": "max"}, "aggregation 'max' is unknown: allowed are geometric, arithmetic"),
        ({"weights": {"i0": 1.0}}, "weights of transport: allowed are numbers of 0 or more"),
        ({"weights": {f"i{k}": -1.0 for k in range(9)}}, "weights of transport"),
        ({"level_weights": {"transport": 1.0}}, "weights of levels"),
        ({"level_weights": dict.fromkeys(LEVELS, 0.0)}, "weights of levels"),
    ],
)
def test_options_that_do_not_fit(options: dict[str, Any], told: str) -> None:
    with pytest.raises(LayerError, match=told):
        level_index(random_set(0), **options)


def test_weights_sum_to_one_in_each_level() -> None:
    chosen = random_set(4, gaps=0.1)
    score = normalise(chosen.values, chosen.about)
    for scheme in (*SCHEMES, {f"i{k}": float(k) for k in range(9)}):
        weight, _, _ = indicator_weights(score, chosen.about, scheme)
        assert weight.groupby(chosen.about["level"]).sum().tolist() == pytest.approx([1, 1, 1])


def user_table(*rows: tuple[str, str, str, int, float]) -> pd.DataFrame:
    table = pd.DataFrame(rows, columns=["region", "indicator", "level", "direction", "value"])
    return table.assign(unit="", year=2022, source="")


def test_computed_columns_and_the_users_table_stand_side_by_side() -> None:
    regions = pd.DataFrame(
        {"region": ["A", "B"], "border_loss": [0.3, np.inf], "checkpoints_per_100km": [1, 2], "name": ["a", "b"]}
    )
    table = user_table(
        ("B", "beds", "social services", 1, 80.0),
        ("Q", "beds", "social services", 1, 1.0),
        ("A", "deaths", "social services", -1, 4.0),
    )
    found = collect_indicators(regions, table, goalposts={"beds": (0, 100)})
    assert found.values.index.tolist() == ["A", "B"]
    assert found.values.columns.tolist() == ["checkpoints_per_100km", "border_loss", "beds", "deaths"]
    np.testing.assert_array_equal(found.values.to_numpy(), [[1, 0.3, NAN, 4], [2, NAN, 80, NAN]])
    assert found.about["direction"].tolist() == [1, -1, 1, -1]
    assert found.about.loc["beds", ["low", "high"]].tolist() == [0, 100]
    assert "Q has 1 rows in the table of indicators, but is no region of the run: left out" in found.notes
    assert sum("was not computed" in n for n in found.notes) == len(TRANSPORT) - 2


@pytest.mark.parametrize(
    ("regions", "options", "told"),
    [
        ({"region": ["A"]}, {}, "no indicator to make an index of"),
        ({"region": ["A"], "border_loss": [1.0]}, {"goalposts": {"border_loss": (1, 0)}}, "goalposts of border_loss"),
        ({"region": ["A"], "border_loss": [1.0]}, {"goalposts": {"beds": (0, 1)}}, "goalposts of beds"),
        (
            {"region": ["A"], "border_loss": [1.0]},
            {"table": user_table(("A", "border_loss", "transport", 1, 1.0))},
            "border_loss, which are computed",
        ),
    ],
)
def test_indicators_that_do_not_fit(regions: dict[str, Any], options: dict[str, Any], told: str) -> None:
    with pytest.raises(LayerError, match=told):
        collect_indicators(pd.DataFrame(regions), **options)


def test_regions_of_random_borders() -> None:
    """The table of connectivity of several borders put together.

    What is ranked best has the best of what was measured.
    """
    tables = []
    for seed in range(3):
        land, network = random_land(seed), random_network(seed)
        regions, border = network.base.regions, border_line(land.regions, land.countries)
        measured = region_connectivity(network, regions, border, depth_km=80.0)
        tables.append(measured.assign(region=[f"{seed}-{r}" for r in regions["region"]]))
    table = pd.concat(tables, ignore_index=True)
    own = {"checkpoints_per_100km": (1, "per 100 km"), "road_density_km_per_1000km2": (1, "km per 1000 km²")}
    found = level_index(collect_indicators(table, transport=own), winsor=0.0).regions
    assert found["region"].tolist() == table["region"].tolist()
    assert found["transport_status"].eq("assessed").all()
    parts = [(table[c] - table[c].min()) / (table[c].max() - table[c].min()) for c in own]
    np.testing.assert_allclose(found["transport_score"], (parts[0] + parts[1]) / 2, atol=1e-12)
    assert found.loc[found["rank"].idxmin(), "region"] == table.loc[(parts[0] + parts[1]).idxmax(), "region"]
