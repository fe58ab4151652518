"""Trips home through the neighbour.

Both posts by road, none by a train in transit, and through a post and back is no crossing.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pytest
import shapely
from scipy.sparse import csr_array

from layers.crs import WGS84
from layers.schema import validate
from network.build import DOMESTIC, FIELDS, Network, with_costs
from network.domestic import _with_arcs, same_costs, waits_at_home_min
from network.edits import scale_waits, set_open, set_wait
from network.joining import ConnectorLimits
from network.routing import compile_router
from network.store import load_network, load_routers, save_network
from tests.analysis.helpers import drawn_land, drive_min
from tests.borders import PLAIN, ROUNDED, Land, checkpoints_of, edges_of, network_of, random_network, settlements_of

SEEDS = range(6)


def enclave(*, railway: bool = False) -> Land:
    """Return a country in the middle of another, and the one way from that one's west to its east."""
    square = np.array([(-50.0, -50.0), (-50.0, 50.0), (50.0, 50.0), (50.0, -50.0)])
    inner, outer = (shapely.Polygon(PLAIN.lonlat(*(k * square).T)) for k in (1, 4))
    table = {"region": ["ZA-1", "LS-1"], "name": ["Around", "Within"], "country": ["ZA", "LS"]}
    regions = gpd.GeoDataFrame(table, geometry=[outer.difference(inner), inner], crs=WGS84)
    way = edges_of(
        PLAIN, [(-100, 0), (-20, 0), (20, 0), (100, 0)], [(0, 1), (1, 2), (2, 3)], "railways" if railway else "roads"
    )
    other = edges_of(PLAIN, [(-120, 150), (-100, 150)], [(0, 1)], "roads" if railway else "railways")
    mode = "rail" if railway else "road"
    return Land(
        regions=validate(regions, "regions", "test"),
        roads=other if railway else way,
        railways=way if railway else other,
        checkpoints=checkpoints_of(PLAIN, [(-50, 0), (50, 0)], mode=[mode] * 2, wait_min=[30.0, 40.0]),
        settlements=settlements_of(PLAIN, [(-100, 0), (100, 0), (20, 0)], ["ZA", "ZA", "LS"], population=[1000] * 3),
        countries=("ZA", "LS"),
    )


def trip(network: Network, mode: Any, field: str = DOMESTIC, origin: int = 0, target: int = 1) -> Any:
    nodes = network.settlements["node"].to_numpy()
    return compile_router(network, mode).path(nodes[origin], nodes[target], field)


@pytest.mark.parametrize("charged", [("road",), (), ("rail",), ("road", "rail")])
@pytest.mark.parametrize("mode", ["road", "rail"])
def test_a_trip_across_an_enclave_waits_at_both_posts_of_the_modes_that_stop(
    mode: str, charged: tuple[str, ...]
) -> None:
    network = network_of(enclave(railway=mode == "rail"), domestic_wait=charged)
    free, way = trip(network, mode, FIELDS["open"]), trip(network, mode)
    assert way.checkpoints == ("c0", "c1")
    assert way.wait_min == (70 if mode in charged else 0)
    assert way.time_min == pytest.approx(free.time_min)
    # Who ends within the enclave waits at the one post, whatever the rule for transit.
    assert trip(network, mode, FIELDS["actual"], 0, 2).wait_min == 30


def test_by_default_roads_wait_and_trains_do_not() -> None:
    assert trip(network_of(enclave()), "road").wait_min == 70
    assert trip(network_of(enclave(railway=True)), "rail").wait_min == 0


AROUND = [(-60.0, 60.0), (20.0, 60.0), (20.0, -60.0), (-60.0, -60.0), (-230.0, 0.0)]


def petropavl(waits: tuple[float, float]) -> Network:
    """Return two towns of a: a straight road runs through b, the own one leads a long way round."""
    ends = [(0, 1), (1, 2), (2, 3), (0, 4), (4, 3)]
    land = drawn_land(AROUND, ends, [(0.0, 60.0), (0.0, -60.0)], [AROUND[0], AROUND[3]], waits=waits)
    return network_of(land)


def test_a_domestic_road_through_the_neighbour_is_left_where_its_posts_cost_more_than_the_way_round() -> None:
    through = drive_min(*AROUND[:4])
    around = drive_min(AROUND[0], AROUND[4], AROUND[3])
    assert through < around
    spare = around - through
    quick, slow = petropavl((0.4 * spare, 0.4 * spare)), petropavl((0.6 * spare, 0.6 * spare))
    assert trip(quick, "road").checkpoints == ("c0", "c1")
    assert trip(quick, "road").wait_min == pytest.approx(0.8 * spare)
    assert trip(slow, "road").checkpoints == ()
    assert trip(slow, "road").time_min == pytest.approx(around, rel=1e-3)
    # Waits edited afterwards count as those of a network built so.
    assert trip(scale_waits(slow, 0.5), "road").checkpoints == ("c0", "c1")
    assert trip(set_wait(quick, "c0", spare), "road").checkpoints == ()
    assert trip(set_open(quick, ["c1"], False), "road").checkpoints == ()


FORK = [(-40.0, 0.0), (-40.0, 0.8), (12.0, 0.4), (60.0, 0.4)]


def fork(*, wait: float = 50.0, own_road: bool = False) -> Network:
    """Return two roads of a that cross side by side, under one checkpoint, and meet 12 km beyond the line."""
    ends = [(0, 2), (1, 2), (2, 3), *([(0, 1)] if own_road else [])]
    land = drawn_land(FORK, ends, [(0.0, 0.4)], [FORK[0], FORK[1], FORK[3]], waits=[wait])
    # Each town on its own road alone: with connectors to both they would be a way at home.
    return network_of(land, limits=ConnectorLimits(most_links=1))


def test_through_a_post_and_back_by_it_is_no_crossing(tmp_path: Path) -> None:
    network = fork()
    assert len(network.crossings) == 1
    way = trip(network, "road")
    assert way.checkpoints == ("c0", "c0")
    assert way.wait_min == 0
    assert way.time_min == pytest.approx(drive_min(FORK[0], FORK[2], FORK[1]), rel=1e-3)
    used = network.links.iloc[way.links]
    assert (used["kind"] == "gate").tolist().count(True) == 2
    assert used["time_min"].sum() == pytest.approx(way.time_min)
    router = compile_router(network, "road")
    nodes = network.settlements["node"].to_numpy()
    assert router.table(nodes[:1], nodes[1:2], DOMESTIC)[0, 0] == pytest.approx(way.time_min, abs=ROUNDED * len(used))
    # Who ends beyond the line waits once.
    assert trip(network, "road", FIELDS["actual"], 0, 2).wait_min == 50
    # A network that was stored finds the same way.
    save_network(network, tmp_path / "stored")
    again = load_routers(tmp_path / "stored")["road"].path(nodes[0], nodes[1], DOMESTIC)
    assert again is not None
    assert (again.checkpoints, again.wait_min, again.time_min) == (way.checkpoints, 0, way.time_min)
    assert load_network(tmp_path / "stored").domestic_wait == ("road",)


def test_who_has_a_road_at_home_does_not_go_through_the_post() -> None:
    assert trip(fork(own_road=True), "road").checkpoints == ()


def test_waits_at_home_count_pairs_of_posts() -> None:
    network = fork()
    gates = network.links.index[network.links["kind"] == "gate"].to_numpy()
    two = petropavl((10.0, 7.0))
    way = trip(two, "road", FIELDS["open"])
    assert way.checkpoints == ("c0", "c1")
    assert waits_at_home_min(network, gates[:2]) == 0
    assert waits_at_home_min(network, gates[:0]) == 0
    assert waits_at_home_min(two, way.links) == 17


@pytest.mark.parametrize(("seed", "charged"), list(product(SEEDS, [("road",), (), ("road", "rail"), ("rail",)])))
def test_the_field_lies_between_open_and_actual_and_is_one_of_them_where_all_or_none_wait(
    seed: int, charged: tuple[str, ...]
) -> None:
    network = random_network(seed)
    network = replace(network, links=with_costs(network.links, charged), domestic_wait=charged)
    nodes = network.settlements["node"].to_numpy()
    for mode in ("road", "rail", "any"):
        router = compile_router(network, mode)
        free, real, home = (router.table(nodes, nodes, f) for f in (FIELDS["open"], FIELDS["actual"], DOMESTIC))
        assert (free <= home + 1e-9).all()
        assert (home <= real + 1e-9).all()
        waiting = {"road", "rail"} if mode == "any" else {mode}
        if not waiting & set(charged):
            assert router.twin(DOMESTIC, [FIELDS["open"]])
        elif waiting <= set(charged) and not router._back:
            assert router.twin(DOMESTIC, [FIELDS["actual"]])


@pytest.mark.parametrize("seed", [*SEEDS, 9])
def test_the_way_of_a_domestic_trip_takes_what_its_field_says(seed: int) -> None:
    """In border 9 towns are reached through a post on connectors and back by it.

    That is no road, and both waits are on the way too.
    """
    network = random_network(seed)
    router = compile_router(network, "road")
    towns = network.settlements[network.settlements["snap_km"].notna()]
    for _, own in towns.groupby("side"):
        nodes = own["node"].to_numpy()
        minutes = router.table(nodes, nodes, DOMESTIC)
        for i, j in product(range(len(nodes)), repeat=2):
            way = router.path(nodes[i], nodes[j], DOMESTIC)
            assert (way is None) == np.isinf(minutes[i, j])
            if way is not None:
                # Minutes of a way are its links' own, those of a table their rounded costs.
                assert way.time_min + way.wait_min == pytest.approx(minutes[i, j], abs=ROUNDED * len(way.links) + 1e-9)


@pytest.mark.parametrize("seed", SEEDS)
def test_equal_fields_are_known_in_a_stored_network_too(seed: int, tmp_path: Path) -> None:
    network = random_network(seed)
    save_network(network, tmp_path / "stored")
    for mode, loaded in load_routers(tmp_path / "stored").items():
        built = compile_router(network, mode)  # type: ignore[arg-type]
        for one, two in product([*FIELDS.values(), DOMESTIC], repeat=2):
            assert same_costs(built.costs[one], built.costs[two]) == same_costs(loaded.costs[one], loaded.costs[two])


@pytest.mark.parametrize("seed", range(30))
def test_further_arcs_are_those_of_a_table_sorted_anew(seed: int) -> None:
    rng = np.random.default_rng(seed)
    n, old, new = 9, int(rng.integers(0, 40)), int(rng.integers(1, 20))
    key = np.sort(rng.choice(n * n, old, replace=False))
    tail, head = np.divmod(key, n)
    indptr = np.searchsorted(tail, np.arange(n + 1)).astype(np.int32)
    graph = csr_array((rng.integers(1, 4, old) * 1.0, head.astype(np.int32), indptr), shape=(n, n))
    rows = rng.permutation(old)
    more = rng.integers(n, size=(2, new))
    cost = rng.integers(0, 5, new) * 1.0
    found, used = _with_arcs(graph, rows, *more, cost, old)
    cheapest: dict[tuple[int, int], tuple[float, int]] = {}
    for u, v, c, row in [
        *zip(tail, head, graph.data, rows, strict=True),
        *zip(*more, cost, old + np.arange(new), strict=True),
    ]:
        cheapest[int(u), int(v)] = min(cheapest.get((int(u), int(v)), (np.inf, 0)), (float(c), int(row)))
    arcs = sorted(cheapest)
    u = np.repeat(np.arange(n), np.diff(found.indptr))
    assert list(zip(u.tolist(), found.indices.tolist(), strict=True)) == arcs
    assert list(zip(found.data.tolist(), used.tolist(), strict=True)) == [cheapest[arc] for arc in arcs]
