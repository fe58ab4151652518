"""Checkpoints of a pair one after the other.

Against `ModeTimes.through`, against networkx with all other gates shut, and by hand.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import networkx as nx
import numpy as np
import pandas as pd
import pytest

from analysis.connectivity.alternatives import checkpoint_alternatives, redundancy, redundancy_of_regions
from analysis.trips.demand import model_demand
from layers.errors import NetworkError
from network.build import Network
from network.edits import set_open
from network.routing import compile_router
from tests.analysis.helpers import case, drawn_land, drive_min, network_of

SEEDS = range(8)


def joined_rows(network: Network, side: str) -> np.ndarray[Any, np.dtype[np.int64]]:
    table = network.settlements
    return np.flatnonzero((table["side"] == side) & table["snap_km"].notna())


@pytest.mark.parametrize("seed", SEEDS)
def test_times_are_those_of_the_flows(seed: int) -> None:
    network = case(seed).network
    demand = model_demand(network)
    road = next(m for m in demand.modes if m.mode == "road")
    ways, by_way = road.through()
    # A checkpoint may hold several crossings: a trip through it goes by the quickest.
    ids = sorted(set(ways["checkpoint_id"]))
    minutes = np.array([by_way[(ways["checkpoint_id"] == c).to_numpy()].min(axis=0) for c in ids])
    found = checkpoint_alternatives(network, demand.a, demand.b, k=99)
    assert len(found) == np.isfinite(minutes).sum()
    table = network.settlements["settlement_id"].to_numpy()
    a, b = (pd.Series(np.arange(len(r)), index=table[r]) for r in (demand.a, demand.b))
    at = [ids.index(c) for c in found["checkpoint_id"]]
    expected = minutes[at, found["origin"].map(a).to_numpy(), found["destination"].map(b).to_numpy()]
    np.testing.assert_allclose(found["time_min"], expected, rtol=1e-12)


@pytest.mark.parametrize("seed", SEEDS)
def test_a_way_is_the_quickest_with_all_other_gates_shut(seed: int) -> None:
    """By networkx: minutes and wait of the way home → post → gate → home, and its length.

    The length is among those of equally quick ways.
    """
    network = case(seed).network
    a, b = joined_rows(network, "a")[:3], joined_rows(network, "b")[:3]
    found = checkpoint_alternatives(network, a, b, k=99)
    assert len(found)
    node = network.settlements.set_index("settlement_id")["node"]
    links = network.links[network.links["mode"] == "road"]
    for _, row in found.iterrows():
        home = links[~links["crossing"]]
        gate = links[(links["checkpoint_id"] == row["checkpoint_id"]) & links["passable"]]
        side = network.nodes["side"].to_numpy()
        graph: nx.MultiDiGraph[Any] = nx.MultiDiGraph()
        for part in (home, gate):
            for link in part.itertuples():
                ends = [(link.u, link.v), *([] if link.oneway else [(link.v, link.u)])]
                for u, v in ends:
                    if link.crossing and side[u] != "a":
                        continue  # once over the line and never back
                    graph.add_edge(u, v, minutes=link.actual_min, wait=link.wait_min, metres=link.length_m)
        s, t = int(node[row["origin"]]), int(node[row["destination"]])
        assert row["time_min"] == pytest.approx(nx.dijkstra_path_length(graph, s, t, weight="minutes"), rel=1e-9)
        path = nx.dijkstra_path(graph, s, t, weight="minutes")
        steps = [min(graph[u][v].values(), key=lambda d: d["minutes"]) for u, v in pairwise(path)]
        assert row["wait_min"] == pytest.approx(sum(d["wait"] for d in steps))
        assert row["length_km"] == pytest.approx(sum(d["metres"] for d in steps) / 1000, rel=1e-9)


@pytest.mark.parametrize("seed", SEEDS)
def test_the_table_is_ordered_and_the_best_is_never_quicker_than_the_network(seed: int) -> None:
    made = case(seed)
    network = made.network
    a, b = joined_rows(network, "a"), joined_rows(network, "b")
    found = checkpoint_alternatives(network, a, b, k=3)
    for _, pair in found.groupby(["origin", "destination"]):
        assert pair["rank"].tolist() == list(range(1, len(pair) + 1))
        assert pair["time_min"].is_monotonic_increasing
        assert pair["checkpoint_id"].is_unique
        assert pair["extra_min"].iloc[0] == 0
        np.testing.assert_allclose(pair["extra_min"], pair["time_min"] - pair["time_min"].iloc[0], atol=1e-9)
    node = network.settlements.set_index("settlement_id")["node"]
    best = found[found["rank"] == 1]
    actual = made.router.table(node[best["origin"]].to_numpy(), node[best["destination"]].to_numpy(), "actual_min")
    assert (best["time_min"].to_numpy() >= np.diag(actual) - 1e-9).all()
    pd.testing.assert_frame_equal(found, checkpoint_alternatives(network, a, b, k=3))


@pytest.mark.parametrize("seed", SEEDS)
def test_the_second_is_the_best_once_the_first_is_closed(seed: int) -> None:
    network = case(seed).network
    a, b = joined_rows(network, "a")[:1], joined_rows(network, "b")[:1]
    found = checkpoint_alternatives(network, a, b, k=99)
    pair = redundancy(found).iloc[0]
    without = checkpoint_alternatives(set_open(network, [pair["best_checkpoint"]], False), a, b, k=99)
    assert without["checkpoint_id"].tolist() == found["checkpoint_id"].tolist()[1:]
    if len(without):
        assert pair["redundancy_min"] == pytest.approx(without["time_min"].iloc[0] - pair["time_min"])
        assert pair["second_checkpoint"] == without["checkpoint_id"].iloc[0]
    else:
        assert np.isnan(pair["redundancy_min"])
        assert pair["second_checkpoint"] == ""


def two_roads(*, is_open: list[bool] | None = None) -> Network:
    nodes = [(-100.0, 0.0), (100.0, 0.0), (-100.0, 60.0), (100.0, 60.0)]
    return network_of(
        drawn_land(
            nodes,
            [(0, 1), (0, 2), (2, 3), (3, 1)],
            [(0.0, 0.0), (0.0, 60.0)],
            [(-100.0, 0.0), (100.0, 0.0)],
            waits=[90.0, 15.0],
            is_open=is_open,
        )
    )


def test_two_roads_by_hand() -> None:
    network = two_roads()
    found = checkpoint_alternatives(network, [0], [1])
    straight, around = drive_min((-100, 0), (100, 0)), drive_min((-100, 0), (-100, 60), (100, 60), (100, 0))
    assert straight + 90 < around + 15
    assert found["checkpoint_id"].tolist() == ["c0", "c1"]
    told = found.set_index("checkpoint_id")
    assert told["time_min"].to_dict() == pytest.approx({"c0": straight + 90, "c1": around + 15}, rel=1e-3)
    assert told["wait_min"].to_dict() == {"c0": 90, "c1": 15}
    assert told["length_km"].to_dict() == pytest.approx({"c0": straight / 60 * 85, "c1": around / 60 * 85}, rel=1e-3)
    pair = redundancy(found).iloc[0]
    assert (pair["alternatives"], pair["second_checkpoint"]) == (2, found["checkpoint_id"].iloc[1])
    assert pair["redundancy_min"] == pytest.approx(abs(straight + 90 - around - 15), rel=1e-2)
    back = checkpoint_alternatives(network, [1], [0])
    np.testing.assert_allclose(back["time_min"], found["time_min"])
    np.testing.assert_allclose(back["length_km"], found["length_km"])


def test_one_checkpoint_alone_has_no_second() -> None:
    pairs = redundancy(checkpoint_alternatives(two_roads(is_open=[False, True]), [0], [1]))
    row = pairs.iloc[0]
    assert (row["alternatives"], row["best_checkpoint"], row["second_checkpoint"]) == (1, "c1", "")
    assert np.isnan(row["redundancy_min"])
    regions = redundancy_of_regions(pairs).iloc[0]
    assert (regions["pairs"], regions["pairs_without_second"], regions["best_checkpoint_share"]) == (1, 1, 1)
    assert np.isnan(regions["redundancy_median_min"])


def test_no_checkpoint_leaves_no_row_and_no_alternative_is_refused() -> None:
    network = two_roads(is_open=[False, False])
    found = checkpoint_alternatives(network, [0], [1])
    assert found.empty
    assert redundancy(found).empty
    assert redundancy_of_regions(redundancy(found)).empty
    assert "time_min" in found
    with pytest.raises(NetworkError, match="1 or more"):
        checkpoint_alternatives(network, [0], [1], k=0)
    assert np.isinf(
        compile_router(network).table(network.settlements["node"][:1], network.settlements["node"][1:], "actual_min")
    )
