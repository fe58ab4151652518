"""Connectivity and reach: what must hold between the numbers of a run."""

from __future__ import annotations

import itertools
import re
import sqlite3
from pathlib import Path
from typing import TYPE_CHECKING

import geopandas as gpd
import numpy as np
import pytest

from network.build import FIELDS
from network.routing import compile_router
from tests.gis.chapters.helpers import CLOSED, NETWORKS, table

if TYPE_CHECKING:
    from gis.inputs import Prepared
    from gis.measures import Measures
    from network.build import Network


def test_what_the_border_adds_is_detour_and_delay(either: Path) -> None:
    pairs = table(either, "border_effect")
    assert len(pairs) > 50
    free, opened, actual = (pairs[f"time_{n}_min"] for n in NETWORKS)
    np.testing.assert_allclose(pairs["extra_min"], pairs["detour_min"] + pairs["delay_min"], atol=1e-5)
    np.testing.assert_allclose(pairs["extra_min"], actual - free, atol=1e-4)
    np.testing.assert_allclose(pairs["border_effect"], actual / free, rtol=1e-7)
    assert (free <= opened + 1e-5).all()
    assert (opened <= actual + 1e-5).all()
    assert pairs["cut_off"].eq(actual.isna()).all()
    # Nobody drives shorter than straight.
    assert (pairs["circuity"].dropna() >= 1 - 1e-9).all()
    assert {"cross"} == set(pairs["kind"])


def test_a_closed_checkpoint_makes_detours(out: Path, full: Path) -> None:
    # Every crossing of the packaged data has an open checkpoint; the other study closes one.
    assert table(out, "border_effect")["detour_min"].max() == pytest.approx(0, abs=1e-6)
    assert table(full, "border_effect")["detour_min"].max() > 1
    ways = table(full, "alternatives")
    assert CLOSED not in set(ways["checkpoint_id"])


def test_every_checkpoint_lies_between_one_pair_of_regions(either: Path) -> None:
    pairs, points = table(either, "region_pairs"), table(either, "checkpoints")
    assert pairs["checkpoints"].sum() == len(points)
    assert pairs["checkpoints_open"].sum() == (points["status"] != "closed").sum()
    for mode in ("road", "rail", "river"):
        shut = (points["status"] == "closed") & (points["mode"] == mode)
        assert pairs[f"{mode}_closed"].sum() == shut.sum()
    parts = [c for c in pairs if re.fullmatch(r"(road|rail|river)_(open|closed)", c)]
    assert pairs[parts].sum(axis=1).eq(pairs["checkpoints"]).all()
    assert not pairs.duplicated(["region_a", "region_b"]).any()
    line = gpd.read_file(either / "border.gpkg", layer="border_line")
    assert pairs["border_km"].sum() == pytest.approx(line["length_km"].sum(), rel=1e-6)
    np.testing.assert_allclose(
        pairs["checkpoints_per_100km"], 100 * pairs["checkpoints_open"] / pairs["border_km"], rtol=1e-6
    )


def test_the_second_way_is_the_second_alternative(either: Path) -> None:
    ways, second = table(either, "alternatives"), table(either, "redundancy")
    keys = ["origin", "destination"]
    assert (ways.groupby(keys)["time_min"].diff().dropna() >= -1e-6).all()
    assert not ways.duplicated([*keys, "checkpoint_id"]).any()
    two = second.merge(ways[ways["rank"] == 2][[*keys, "checkpoint_id", "extra_min"]], on=keys, how="left")
    assert len(two) == len(second) > 3
    assert two["second_checkpoint"].fillna("").eq(two["checkpoint_id"].fillna("")).all()
    np.testing.assert_allclose(two["redundancy_min"], two["extra_min"], atol=1e-6)
    assert (second["redundancy_min"].dropna() >= 0).all()
    # Ways that share no place share no link.
    cuts = table(either, "city_cuts")
    assert (cuts["node_disjoint_paths"] <= cuts["edge_disjoint_paths"]).all()


def test_a_border_never_makes_a_network_more_efficient(either: Path) -> None:
    whole = table(either, "network_efficiency").set_index("network")["global_efficiency_per_min"]
    assert whole["borderless"] >= whole["open"] - 1e-12
    assert whole["open"] >= whole["actual"] - 1e-12
    regions = table(either, "efficiency")
    columns = [regions[f"efficiency_{n}_per_min"] for n in NETWORKS]
    assert (columns[0] >= columns[1] - 1e-12).all()
    assert (columns[1] >= columns[2] - 1e-12).all()


@pytest.mark.parametrize("layer", ["cells", "settlements"])
def test_people_within_reach_add_up(either: Path, layer: str) -> None:
    rows = table(either, layer)
    reach = table(either, f"reach_{layer}")
    key = reach.columns[0]
    wide = reach.pivot_table(index=key, columns=["there_and_back", "within_min", "network"], values="people")
    assert set(reach[key]) == set(rows[key])
    assert len(wide.columns) >= 4 * 3
    for limit in {c[:2] for c in wide.columns}:
        free, opened, actual = (wide[(*limit, n)] for n in NETWORKS)
        assert (free >= opened).all(), limit
        assert (opened >= actual).all(), limit
    ways = reach[~reach["there_and_back"]]
    for network in NETWORKS:
        limits = sorted(ways["within_min"].unique())
        for less, more in itertools.pairwise(limits):
            assert (wide[(False, less, network)] <= wide[(False, more, network)]).all()
    # There and back within a day asks more than there within its half.
    day = reach.loc[reach["there_and_back"], "within_min"].iloc[0]
    if day in limits:
        assert (wide[(True, day, "actual")] <= wide[(False, day, "actual")]).all()
    city = {part: rows[f"time_to_city_cross_{part}_min"] for part in (*NETWORKS, "detour", "delay", "border")}
    np.testing.assert_allclose(city["border"], city["detour"] + city["delay"], atol=1e-5)
    assert (city["open"].dropna() >= city["borderless"][city["open"].notna()] - 1e-6).all()
    assert (city["actual"].dropna() >= city["open"][city["actual"].notna()] - 1e-6).all()
    assert rows["city_cross_actual"].notna().eq(city["actual"].notna()).all()


def test_mean_reach_is_the_mean_over_inhabitants(either: Path) -> None:
    towns, mean = table(either, "settlements"), table(either, "reach")
    assert set(mean["within_min"]) >= {60, 120, 240}
    reach = table(either, "reach_settlements").merge(towns[["settlement_id", "side", "population"]], on="settlement_id")
    reach = reach[~reach["there_and_back"]]
    for row in mean.itertuples():
        mine = reach[
            (reach["side"] == row.side) & (reach["within_min"] == row.within_min) & (reach["network"] == row.network)
        ].dropna(subset="people")
        found = mine["people"]
        assert row.people == pytest.approx(np.average(found, weights=mine["population"]), rel=1e-6)


def test_the_studys_decay_makes_the_potentials(full: Path, ground: tuple[Prepared, Network, Measures]) -> None:
    _, network, _ = ground
    towns = network.settlements
    router = compile_router(network, "road")
    node = towns["node"].to_numpy()
    joined = router.positions(node) >= 0
    minutes = router.table(node[joined], node[joined], FIELDS["open"])
    fading = np.exp(-(minutes**2) / (2 * 90.0**2))
    side = towns["side"].to_numpy()[joined]
    wanted = (fading * towns["population"].to_numpy(float)[joined] * (side[:, None] != side)).sum(axis=1)
    found = table(full, "settlements")["potential_cross_open"].to_numpy()[joined]
    known = np.isfinite(found)
    assert known.sum() > 100
    np.testing.assert_allclose(found[known], wanted[known], rtol=1e-6, atol=1e-6)


def test_places_of_ones_own(full: Path) -> None:
    layer, supply, served = (table(full, name) for name in ("hospital", "hospital_supply", "hospital_catchments"))
    assert len(layer) == 14
    assert layer["joined"].all()
    for network in NETWORKS:
        # What a person finds, times the persons, is all that is there for whom anybody is in reach of.
        given = (supply[f"hospital_per_1000_people_{network}"] * supply["population"]).sum() / 1000
        reached = served[f"catchment_people_{network}"] > 0
        assert given == pytest.approx(served.loc[reached, "hospital"].sum(), rel=1e-6)
    homes = table(full, "settlements")
    for network in NETWORKS:
        own, anywhere = (homes[f"time_to_hospital_{where}_{network}_min"] for where in ("own", "any"))
        assert (anywhere.dropna() <= own[anywhere.notna()].fillna(np.inf) + 1e-6).all()
    # A hospital stands at each of the largest towns.
    named = homes.set_index(homes["name"].map("Hospital of {}".format))
    here = named.loc[[n for n in layer["place"] if (named.index == n).sum() == 1]]
    assert len(here) > 8
    assert here["time_to_hospital_own_actual_min"].median() < 15
    with sqlite3.connect(full / "border.gpkg") as base:
        rights = [text for (text,) in base.execute("select metadata from gpkg_metadata")]
    assert any("Made up for a test" in text for text in rights)
