"""The tables of a run that several chapters are joined into.

Segments, checkpoints, drawn links, by hand and by single ways.
"""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely

import gis.measures as measures
from analysis.reach.accessibility import posts
from gis.settings import Analysis
from layers.crs import points_at
from network.build import FIELDS
from network.routing import compile_router
from tests.borders import ROUNDED, random_network

NAN = float("nan")
SEEDS = range(4)


def test_a_segment_is_as_far_as_its_slower_side_and_unknown_where_one_is() -> None:
    segments = gpd.GeoDataFrame({"segment": [0, 1, 2]}, geometry=[shapely.Point(0, 0)] * 3, crs=4326)
    sides = {
        side: pd.DataFrame(
            {
                "time_to_checkpoint_min": minutes,
                "potential_cross_borderless": [8.0, 0.0, free],
                "potential_cross_open": [6.0, 0.0, NAN],
                "potential_cross_actual": [3.0, 0.0, NAN],
            }
        )
        for side, minutes, free in (("a", [10.0, 70.0, NAN], NAN), ("b", [25.0, 20.0, 5.0], 0.0))
    }
    table = measures._segment_table(segments, sides)
    assert table["time_to_checkpoint_a_min"].tolist()[:2] == [10.0, 70.0]
    assert table["time_to_checkpoint_b_min"].tolist() == [25.0, 20.0, 5.0]
    assert table["time_to_checkpoint_min"].tolist()[:2] == [25.0, 70.0] and np.isnan(table["time_to_checkpoint_min"][2])
    assert table["potential_cross_borderless"].tolist() == [16.0, 0.0, 0.0]
    # Of 16 reached without a border, 4 are lost on detours and 6 by waiting.
    assert table.loc[0, ["border_loss", "loss_detour", "loss_delay"]].tolist() == [0.625, 0.25, 0.375]
    # Who reaches nobody without a border loses no share.
    assert table.loc[1:, ["border_loss", "loss_detour", "loss_delay"]].isna().all(axis=None)


@pytest.mark.parametrize("seed", SEEDS)
def test_shares_are_of_all_trips_and_of_those_of_a_mode_and_none_of_what_is_closed(seed: int) -> None:
    network = random_network(seed)
    demand, choice, _ = measures._demand(network, Analysis())
    table = measures._checkpoint_table(network, demand, choice)
    assert list(table["checkpoint_id"]) == list(network.checkpoints["checkpoint_id"])
    assert (table.loc[~table["open"].astype(bool), "share"] == 0).all()
    if demand is None:
        return
    assert table["share"].sum() == pytest.approx(1.0)
    for _, rows in table.groupby("mode"):
        if rows["share"].sum() > 0:
            assert rows["share_of_mode"].sum() == pytest.approx(1.0)
            known = rows.dropna(subset=["share"])
            assert (known["share_of_mode"] * rows["share"].sum()).to_numpy() == pytest.approx(known["share"].to_numpy())
        else:
            assert rows["share_of_mode"].isna().all()


@pytest.mark.parametrize("seed", SEEDS)
def test_the_city_of_a_checkpoint_is_the_nearest_of_its_side_by_single_ways(
    seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    network = random_network(seed)
    people = network.settlements["population"]
    least = float(people.median())
    monkeypatch.setattr(measures, "CITY_PEOPLE", least)
    found = measures._nearest_cities(network).set_index("checkpoint_id")
    router = compile_router(network, "road")
    stops = posts(network, router, only_open=False).merge(network.checkpoints[["checkpoint_id", "mode"]])
    ways: dict[tuple[str, str], dict[str, float]] = {}
    for stop in stops[stops["mode"] == "road"].itertuples():  # a checkpoint may have several posts on a side
        held = ways.setdefault((stop.checkpoint_id, stop.side), {})
        for city in network.settlements[(people >= least) & (network.settlements["side"] == stop.side)].itertuples():
            way = router.path(city.node, stop.node, FIELDS["open"])
            if way is not None:
                held[city.name] = min(held.get(city.name, np.inf), way.time_min)
    assert any(ways.values())
    for (checkpoint, side), held in ways.items():
        if held:
            nearest = found.loc[checkpoint, f"city_{side}"]
            # A way says its links' own minutes, a table the sum of their rounded costs.
            off = 2 * ROUNDED * len(router.nodes)
            assert held[nearest] == pytest.approx(min(held.values()), abs=off)
            assert found.loc[checkpoint, f"time_from_city_{side}_min"] == pytest.approx(held[nearest], abs=off)
        else:
            assert found.loc[checkpoint, f"city_{side}"] == ""


@pytest.mark.parametrize("seed", SEEDS)
def test_drawn_links_lie_on_a_side_or_cross(seed: int) -> None:
    network = random_network(seed)
    table = measures._edges(network, "road")
    assert not set(table["kind"]) & {"gate", "line", "change", "turn"}
    side = network.nodes["side"].to_numpy(dtype=object)
    for row in table.itertuples():
        assert row.side == (side[row.u] if side[row.u] == side[row.v] else "crosses")


def test_roads_are_drawn_in_five_classes() -> None:
    kinds = pd.Series(["motorway_link", "trunk", "primary_link", "secondary", "track", "ferry", "connector", ""])
    assert list(measures.road_class(kinds)) == [
        "major",
        "major",
        "primary",
        "minor",
        "minor",
        "ferry",
        "connector",
        "minor",
    ]


def test_nodes_by_the_frame_are_those_further_from_the_line_than_the_depth() -> None:
    network = random_network(5)
    away = shapely.distance(points_at(network.nodes[["px", "py"]].to_numpy(float)), network.base.border.line)
    for depth_km in (0.0, *(np.quantile(away, [0.2, 0.5, 0.9]) / 1000 + 1e-3)):
        np.testing.assert_array_equal(measures.frame_nodes(network, depth_km), away > depth_km * 1000)
