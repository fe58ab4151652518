"""Pairs of places: by hand, on random borders, and the identities that hold for every pair."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray

from analysis.connectivity.pairs import (
    border_effect,
    border_effect_of_regions,
    distance_bands,
    largest_places,
    matched_border_effect,
    place_pairs,
    region_circuity,
)
from layers.crs import GEOD
from layers.errors import NetworkError
from network.build import FIELDS
from network.routing import compile_router
from tests.analysis.helpers import case, cheapest, drawn_land, drive_min, network_of, walk

SEEDS = range(8)
NAN = float("nan")


def all_places(seed: int) -> NDArray[np.int64]:
    return np.flatnonzero(case(seed).network.settlements["snap_km"].notna())


def pairs_of(seed: int) -> pd.DataFrame:
    made = case(seed)
    return place_pairs(made.network.settlements, made.router, all_places(seed))


@pytest.mark.parametrize("seed", SEEDS)
def test_no_way_is_shorter_than_straight(seed: int) -> None:
    circuity = pairs_of(seed)["circuity"]
    assert circuity.notna().any()
    assert not (circuity < 1 - 1e-9).any()


@pytest.mark.parametrize("seed", SEEDS)
def test_pairs_are_those_of_networkx_and_each_comes_once(seed: int) -> None:
    made, pairs = case(seed), pairs_of(seed)
    rows = all_places(seed)
    assert len(pairs) == len(rows) * (len(rows) - 1) // 2
    assert not pd.DataFrame(np.sort(pairs[["origin", "destination"]])).duplicated().any()
    table = made.network.settlements.set_index("settlement_id")
    for column, end in (("origin", "origin"), ("destination", "destination")):
        assert pairs[f"{end}_region"].tolist() == table.loc[pairs[column], "region"].tolist()
    cross = pairs[pairs["kind"] == "cross"]
    assert set(table.loc[cross["origin"], "side"]) <= {"a"}
    assert set(table.loc[cross["destination"], "side"]) <= {"b"}
    a, b = pairs["origin"].unique(), pairs["destination"].unique()
    for network, field in FIELDS.items():
        graph = cheapest(made.network, "road", field)
        theirs = walk(graph, table.loc[a, "node"].tolist(), table.loc[b, "node"].tolist())
        wide = pd.DataFrame(theirs, index=a, columns=b)
        told = cross if network == "actual" else pairs
        expected = [wide.loc[i, j] for i, j in zip(told["origin"], told["destination"], strict=True)]
        np.testing.assert_allclose(
            told[f"time_{network}_min"].fillna(np.inf), np.asarray(expected, float), rtol=1e-9, atol=1e-12
        )
    xy = table.geometry
    away = GEOD.inv(
        xy.x.loc[pairs["origin"]],
        xy.y.loc[pairs["origin"]],
        xy.x.loc[pairs["destination"]],
        xy.y.loc[pairs["destination"]],
    )[2]
    np.testing.assert_allclose(pairs["geodesic_km"], away / 1000, rtol=1e-9)


@pytest.mark.parametrize("seed", SEEDS)
def test_detour_and_delay_add_up_and_no_border_is_never_slower(seed: int) -> None:
    pairs = pairs_of(seed)
    effect = border_effect(pairs)
    assert len(effect) == (pairs["kind"] == "cross").sum()
    free, real = effect["time_borderless_min"], effect["time_actual_min"]
    known = real.notna()
    assert (effect.loc[known, "detour_min"] >= -1e-9).all()
    assert (effect.loc[known, "delay_min"] >= -1e-9).all()
    np.testing.assert_allclose(
        (effect["detour_min"] + effect["delay_min"])[known], (real - free)[known], rtol=1e-12, atol=1e-9
    )
    assert (effect["extra_min"][known] == (effect["detour_min"] + effect["delay_min"])[known]).all()
    np.testing.assert_allclose(effect["border_effect"][known], (real / free)[known], rtol=1e-12)
    assert (effect["border_effect"][known] >= 1 - 1e-12).all()
    assert effect["cut_off"].tolist() == (free.notna() & real.isna()).tolist()
    summed = border_effect_of_regions(effect)
    assert summed["pairs"].sum() == len(effect)
    assert summed["pairs_cut_off"].sum() == effect["cut_off"].sum()


def test_largest_places_by_region_and_side() -> None:
    towns = pd.DataFrame(
        {
            "side": ["b", "a", "a", "a", "b", "a"],
            "region": ["K", "R", "R", "S", "K", "R"],
            "population": [5, 7, 9, 1, 5, 0],
            "snap_km": [1.0, 1.0, NAN, 1.0, 1.0, 1.0],
        }
    )
    assert largest_places(towns).tolist() == [1, 3, 0, 4]
    assert largest_places(towns, per_region=1).tolist() == [1, 3, 0]
    assert largest_places(towns, per_side=1).tolist() == [1, 0]
    assert largest_places(towns, per_region=1, regions=["S", "K"]).tolist() == [3, 0]
    with pytest.raises(NetworkError, match="1 or more"):
        largest_places(towns, per_region=0)


def pair(kind: str, km: float, free: float, allowed: float, real: float, *, regions: str = "RK") -> dict[str, object]:
    return {
        "origin_region": regions[0],
        "destination_region": regions[1],
        "kind": kind,
        "geodesic_km": km,
        "network_km": 2 * km,
        "circuity": 2.0,
        "time_borderless_min": free,
        "time_open_min": allowed,
        "time_actual_min": real,
    }


def test_bands_set_pairs_across_beside_domestic_ones_by_hand() -> None:
    pairs = pd.DataFrame(
        [
            pair("domestic_a", 60, 60, 60, 60, regions="RR"),
            pair("domestic_a", 80, 160, 160, 160, regions="RR"),
            pair("domestic_b", 50, 150, 150, 150, regions="KK"),
            pair("cross", 90, 180, 360, 720),
            pair("cross", 99, 198, NAN, NAN),
            pair("cross", 100, 1, 1, 1),
            pair("cross", 500, 1, 1, 1),
        ]
    )
    bands = distance_bands(pairs, edges_km=[50, 100, 200]).set_index(["from_km", "kind"])
    near = bands.loc[50]
    assert near.loc["domestic", "pairs"] == 3
    assert near.loc[["domestic_a", "domestic_b", "cross"], "pairs"].tolist() == [2, 1, 2]
    assert near.loc["cross", ["unserved_borderless", "unserved_open", "unserved_actual"]].tolist() == [0, 1, 1]
    assert near["speed_open_kph"].tolist() == pytest.approx([40, 20, 30, 15])
    assert near["slower_actual"].tolist() == pytest.approx([0.75, 1.5, 1, 4])
    assert near.loc["cross", "slower_borderless"] == pytest.approx(1)
    far = bands.loc[100]
    assert (far.loc["cross", "pairs"], far.loc["domestic", "pairs"]) == (1, 0)
    assert np.isnan(far.loc["cross", "slower_open"])
    matched = matched_border_effect(pairs, edges_km=[50, 100, 200]).set_index("network")
    assert matched["pairs"].tolist() == [4, 4, 4]
    assert matched["pairs_without_match"].tolist() == [2, 3, 3]
    assert matched["slower"].tolist() == pytest.approx([1, 2, 4])
    with pytest.raises(NetworkError, match="rising"):
        distance_bands(pairs, edges_km=[50, 50])


def test_circuity_of_regions_by_hand() -> None:
    pairs = pd.DataFrame(
        [
            {**pair("domestic_a", 10, 1, 1, 1, regions="RR"), "circuity": 1.5},
            {**pair("domestic_a", 10, 1, 1, 1, regions="RR"), "circuity": 1.1},
            {**pair("domestic_a", 10, NAN, NAN, NAN, regions="RS"), "circuity": NAN},
            {**pair("cross", 10, 1, 1, 1, regions="SK"), "circuity": 3.0},
            {**pair("cross", 10, 1, NAN, NAN, regions="RK"), "circuity": NAN},
        ]
    )
    table = region_circuity(pairs).set_index("region")
    assert table["within_pairs"].to_dict() == {"K": 0, "R": 2, "S": 0}
    assert table.loc["R", ["within_circuity_mean", "within_circuity_median"]].tolist() == pytest.approx([1.3, 1.3])
    assert table["cross_pairs"].to_dict() == {"K": 2, "R": 1, "S": 1}
    assert table["cross_unserved"].to_dict() == {"K": 1, "R": 1, "S": 0}
    assert table.loc["K", "cross_circuity_mean"] == pytest.approx(3)
    assert np.isnan(table.loc["R", "cross_circuity_mean"])


def test_a_detour_and_a_wait_by_hand() -> None:
    """The straight road has no checkpoint; the way round by the north has, with an hour of wait.

    Domestic trips wait for nobody.
    """
    nodes = [(-100.0, 0.0), (100.0, 0.0), (-100.0, 80.0), (100.0, 80.0)]
    land = drawn_land(
        nodes,
        [(0, 1), (0, 2), (2, 3), (3, 1)],
        [(0.0, 80.0)],
        [(-100.0, 0.0), (100.0, 0.0), (-100.0, 80.0)],
        waits=[60.0],
    )
    network = network_of(land)
    pairs = place_pairs(network.settlements, compile_router(network), [0, 1, 2])
    straight = pairs[(pairs["origin_name"] == "Town 0") & (pairs["kind"] == "cross")]
    row = border_effect(straight).iloc[0]
    assert row["delay_min"] == pytest.approx(60)
    round_about = drive_min((-100, 0), (-100, 80), (100, 80), (100, 0))
    assert row["detour_min"] == pytest.approx(round_about - drive_min((-100, 0), (100, 0)), rel=1e-3)
    assert row["circuity"] == pytest.approx(360 / 200, rel=0.01)
    home = pairs[pairs["kind"] == "domestic_a"].iloc[0]
    assert home["time_actual_min"] == home["time_open_min"] == pytest.approx(80 / 85 * 60, rel=0.01)
