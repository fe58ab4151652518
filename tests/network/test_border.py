"""Crossings, gates and what a trip over the line pays."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import geopandas as gpd
import numpy as np
import pytest

from layers.regions import border_line, study_crs, with_sides
from network.build import Network, build_base
from network.routing import compile_router
from tests.borders import PLAIN, Land, checkpoints_of, edges_of, ground_of, network_of, regions_of, settlements_of

LINE = [(0.0, -150.0), (0.0, 150.0)]
Places = Sequence[tuple[float, float]]


def land_of(
    nodes: Places,
    ends: Sequence[tuple[int, int]],
    checkpoints: gpd.GeoDataFrame,
    *,
    line: Places = LINE,
    towns: Places = ((-100.0, 1.0), (100.0, 1.0)),
    railways: gpd.GeoDataFrame | None = None,
    **columns: Any,
) -> Land:
    roads = edges_of(PLAIN, nodes, ends, **columns)
    return Land(
        regions=regions_of(PLAIN, line, ("RU", "KZ")),
        roads=roads,
        railways=roads.iloc[:0] if railways is None else railways,
        checkpoints=checkpoints,
        settlements=settlements_of(PLAIN, towns, ["RU" if s < 0 else "KZ" for s, _ in towns]),
        countries=("RU", "KZ"),
    )


def minutes(network: Network, field: str, origin: int = 0, target: int = 1, mode: Any = "road") -> float:
    nodes = network.settlements["node"].to_numpy()
    return float(compile_router(network, mode).table([nodes[origin]], [nodes[target]], f"{field}_min")[0, 0])


def path(network: Network, field: str, origin: int = 0, target: int = 1) -> Any:
    nodes = network.settlements["node"].to_numpy()
    return compile_router(network, "road").path(nodes[origin], nodes[target], f"{field}_min")


def over_road(*over: float) -> tuple[list[tuple[float, float]], list[tuple[int, int]]]:
    """Return a road along t = 0 from far inside a to far inside b through the places given."""
    nodes = [(s, 0.0) for s in (-110, -100, -60, *over, 60, 100, 110)]
    return nodes, [(i, i + 1) for i in range(len(nodes) - 1)]


POST = [(0.0, 0.0)]


def test_one_road_with_one_checkpoint_pays_one_wait() -> None:
    network = network_of(land_of(*over_road(-20, 20), checkpoints_of(PLAIN, POST, wait_min=45.0)))
    assert len(network.crossings) == 1
    assert network.crossings["status"].tolist() == ["open"]
    assert network.crossings["checkpoints"].tolist() == [("c0",)]
    for origin, target in ((0, 1), (1, 0)):
        free = minutes(network, "borderless", origin, target)
        assert np.isfinite(free)
        assert minutes(network, "open", origin, target) == pytest.approx(free, rel=1e-12)
        assert minutes(network, "actual", origin, target) == pytest.approx(free + 45, rel=1e-12)


def test_a_road_that_weaves_over_the_line_is_one_crossing_and_pays_once() -> None:
    network = network_of(
        land_of(*over_road(-20, -2, 1, -1, 1.2, -0.8, 2, 20), checkpoints_of(PLAIN, POST, wait_min=45.0))
    )
    assert len(network.crossings) == 1
    assert network.base.report["nodes_unwoven"] > 0
    for origin, target in ((0, 1), (1, 0)):
        free = minutes(network, "borderless", origin, target)
        assert minutes(network, "actual", origin, target) == pytest.approx(free + 45, rel=1e-12)
        assert path(network, "actual", origin, target).checkpoints == ("c0",)


def test_a_road_that_dips_into_the_neighbour_and_returns_is_domestic() -> None:
    nodes, ends = over_road(-20, 20)
    nodes += [(-3.0, -60.0), (2.0, -57.0), (-3.0, -54.0), (-60.0, -54.0)]
    ends += [(2, 8), (8, 9), (9, 10), (10, 11)]
    land = land_of(nodes, ends, checkpoints_of(PLAIN, POST, wait_min=45.0), towns=[(-100, 1), (-60, -55)])
    network = network_of(land)
    assert len(network.crossings) == 1
    assert minutes(network, "actual") == minutes(network, "borderless")
    assert path(network, "actual").checkpoints == ()


def test_a_straight_link_that_cuts_the_neighbours_corner_is_no_crossing() -> None:
    # b has a spur of 12 km into a; the link passes right through it, between two places of a.
    spur = [(0.0, -150.0), (0.0, -2.0), (-12.0, 0.0), (0.0, 2.0), (0.0, 150.0)]
    nodes = [(-8.0, -40.0), (-8.0, 40.0), (-100.0, -40.0), (-100.0, 40.0)]
    land = land_of(
        nodes, [(2, 0), (0, 1), (1, 3)], checkpoints_of(PLAIN, [(0, 100)]), line=spur, towns=[(-100, -40), (-100, 40)]
    )
    network = network_of(land)
    assert network.crossings.query("not by_connector").empty
    assert minutes(network, "actual") == minutes(network, "borderless") < np.inf


@pytest.mark.parametrize(("apart", "crossings"), [(0.5, 1), (30.0, 2)])
def test_parallel_carriageways_are_one_crossing_and_far_roads_are_two(apart: float, crossings: int) -> None:
    nodes = [(-100, 0), (-20, 0), (20, 0), (100, 0), (-20, apart), (20, apart)]
    ends = [(0, 1), (1, 2), (2, 3), (0, 4), (4, 5), (5, 3)]
    network = network_of(land_of(nodes, ends, checkpoints_of(PLAIN, POST, wait_min=30.0)))
    assert len(network.crossings) == crossings
    open_links = network.links[network.links["checkpoint_id"] == "c0"]
    # Each carriageway of the crossing has its pair of gates, one per direction.
    assert len(open_links) == 2 * (2 if crossings == 1 else 1)
    assert minutes(network, "actual") == pytest.approx(minutes(network, "open") + 30)


def test_one_way_carriageways_are_used_each_in_its_own_direction() -> None:
    nodes = [(-100, 0), (-20, 0), (20, 0), (100, 0), (-20, 0.5), (20, 0.5)]
    ends = [(0, 1), (1, 2), (2, 3), (3, 5), (5, 4), (4, 0)]
    land = land_of(
        nodes, ends, checkpoints_of(PLAIN, POST, wait_min=30.0), towns=[(-100, 0), (100, 0)], oneway=[True] * 6
    )
    network = network_of(land)
    for origin, target, on_the_northern in ((0, 1, False), (1, 0, True)):
        way = path(network, "actual", origin, target)
        ground = network.links.iloc[way.links].query("kind not in ['gate', 'connector']")
        assert ground["oneway"].all()
        north = network.nodes.loc[ground["v"], "y"].max() > PLAIN.lonlat(0, 0.4)[0, 1]
        assert north == on_the_northern


def test_a_crossing_without_a_checkpoint_is_impassable_but_for_the_borderless() -> None:
    network = network_of(land_of(*over_road(-20, 20), checkpoints_of(PLAIN, [(0, 0)], mode="river")))
    assert network.crossings["status"].tolist() == ["closed"]
    assert minutes(network, "open") == minutes(network, "actual") == np.inf
    assert minutes(network, "borderless") < np.inf
    assert path(network, "actual") is None
    assert network.report["crossings_closed"] == network.crossings["crossing_id"].tolist()


def test_a_closed_checkpoint_is_absent_not_expensive() -> None:
    network = network_of(land_of(*over_road(-20, 20), checkpoints_of(PLAIN, POST, open=False)))
    assert network.crossings["status"].tolist() == ["closed"]
    assert minutes(network, "open") == minutes(network, "actual") == np.inf
    assert minutes(network, "borderless") < np.inf


@pytest.mark.parametrize(("off", "joined"), [(14.0, "crossing"), (16.5, "connector")])
def test_a_road_checkpoint_takes_a_crossing_within_fifteen_kilometres(off: float, joined: str) -> None:
    network = network_of(land_of(*over_road(-20, 20), checkpoints_of(PLAIN, [(0.0, off)])))
    checkpoint = network.checkpoints.iloc[0]
    assert checkpoint["joined_by"] == joined
    if joined == "crossing":
        assert checkpoint["match_km"] == pytest.approx(off, rel=5e-3)
    else:
        assert np.isnan(checkpoint["match_km"])


def test_a_checkpoint_takes_the_nearest_crossing_of_its_own_mode() -> None:
    nodes, ends = over_road(-20, 20)
    nodes += [(-20, 10), (20, 10)]
    ends += [(2, 8), (8, 9), (9, 5)]
    rail = edges_of(PLAIN, [(-100, 3), (-20, 3), (20, 3), (100, 3)], [(0, 1), (1, 2), (2, 3)], "railways")
    posts = checkpoints_of(PLAIN, [(0, 9), (0, 2), (0, 0)], mode=["road", "road", "rail"])
    network = network_of(land_of(nodes, ends, posts, railways=rail))
    crossings = network.crossings.set_index("crossing_id")
    by_id = network.checkpoints.set_index("checkpoint_id")["crossings"].map(lambda ids: ids[0])
    assert sorted(crossings["mode"]) == ["rail", "road", "road"]
    assert crossings.loc[by_id["c2"], "mode"] == "rail"
    assert crossings.geometry.y[by_id["c0"]] > crossings.geometry.y[by_id["c1"]]


def test_the_gate_stands_at_the_line_wherever_the_post_is() -> None:
    network = network_of(land_of(*over_road(-20, 20), checkpoints_of(PLAIN, [(8.0, 1.0)])))
    posts = network.nodes[network.nodes["kind"] == "post"]
    assert sorted(posts["side"]) == ["a", "b"]
    assert posts["x"].to_numpy() == pytest.approx(PLAIN.lonlat(0, 0)[0, 0], abs=0.002)
    domestic = network.links[~network.links["crossing"]]
    side = network.nodes["side"].to_numpy()
    assert (side[domestic["u"]] == side[domestic["v"]]).all()


def test_a_road_without_a_checkpoint_is_split_at_the_line_too() -> None:
    with_post = network_of(land_of(*over_road(-20, 20), checkpoints_of(PLAIN, [(8.0, 1.0)])))
    far = network_of(land_of(*over_road(-20, 20), checkpoints_of(PLAIN, [(0.0, 300.0)])))
    one, other = (n.nodes[n.nodes["kind"] == "post"].sort_values("side") for n in (with_post, far))
    spots = other[["x", "y", "side"]].to_numpy().tolist()
    assert all(spot in spots for spot in one[["x", "y", "side"]].to_numpy().tolist())
    over = far.links[far.links["crossing"] & (far.links["checkpoint_id"] == "")]
    assert over["kind"].tolist() == ["line"]
    assert not over["passable"].any()
    assert (over["borderless_min"] == 0).all()


def test_a_rail_post_with_two_partners_takes_two_crossings() -> None:
    nodes = [(-100, 0), (-30, 0), (30, -20), (100, -20), (30, 20), (100, 20), (-30, 120), (30, 120)]
    ends = [(0, 1), (1, 2), (2, 3), (1, 4), (4, 5), (1, 6), (6, 7)]
    rail = edges_of(PLAIN, nodes, ends, "railways")
    for partners, taken in ((1, 1), (2, 2)):
        posts = checkpoints_of(PLAIN, [(-25.0, 0.0)], mode="rail", partners=partners)
        network = network_of(land_of(*over_road(-20, 20), posts, railways=rail))
        names = network.checkpoints["crossings"][0]
        assert len(names) == taken
        told = network.checkpoints["crossings_km"][0]
        assert len(told) == taken
        assert max(told) == pytest.approx(network.checkpoints["match_km"][0], abs=0.06)
        held = network.crossings[network.crossings["checkpoints"].map(lambda ids: ids == ("c0",))]
        assert sorted(held["crossing_id"]) == sorted(names)
        assert held.geometry.y.max() < PLAIN.lonlat(0, 60)[0, 1]


def test_two_checkpoints_on_one_crossing_are_parallel_gates_never_in_series() -> None:
    posts = checkpoints_of(PLAIN, [(-3.0, 0.2), (4.0, 0.1)], wait_min=[50.0, 20.0])
    network = network_of(land_of(*over_road(-20, 20), posts))
    assert len(network.crossings) == 1
    assert network.crossings["checkpoints"].tolist() == [("c0", "c1")]
    gates = network.links[network.links["kind"] == "gate"]
    ends = {frozenset(pair) for pair in zip(gates["u"], gates["v"], strict=True)}
    assert len(ends) == 1
    assert minutes(network, "actual") == pytest.approx(minutes(network, "open") + 20)
    assert path(network, "actual").checkpoints == ("c1",)


def test_a_domestic_trip_through_a_crossing_less_country_pays_nothing() -> None:
    network = network_of(
        land_of(
            *over_road(-20, 20),
            checkpoints_of(PLAIN, POST, wait_min=45.0),
            towns=[(-100, 1), (-30, 1), (60, 1), (100, -1)],
        )
    )
    for pair in ((0, 1), (2, 3)):
        assert minutes(network, "actual", *pair) == minutes(network, "borderless", *pair) < np.inf


def test_a_foreign_short_cut_pays_a_wait_at_each_crossing() -> None:
    # Two towns of a; the only road between them runs through b, over two checkpoints.
    nodes = [(-100, -60), (-20, -60), (20, -60), (20, 60), (-20, 60), (-100, 60)]
    land = land_of(
        nodes,
        [(i, i + 1) for i in range(5)],
        checkpoints_of(PLAIN, [(0, -60), (0, 60)], wait_min=[10.0, 7.0]),
        towns=[(-100, -60), (-100, 60)],
    )
    network = network_of(land)
    way = path(network, "actual")
    assert way is not None
    assert way.wait_min == 17
    assert way.checkpoints == ("c0", "c1")


def test_links_outside_both_countries_are_left_out_and_counted() -> None:
    nodes, ends = over_road(-20, 20)
    land = land_of([*nodes, (-110.0, -190.0)], [*ends, (0, 8)], checkpoints_of(PLAIN, POST))
    base = ground_of(land).base
    assert base.report["links_outside_both_sides"] == 1
    assert len(base.tables.links) == len(ends)


def test_crossings_are_numbered_from_west_to_east() -> None:
    slanted = [(-30.0, -150.0), (30.0, 150.0)]
    nodes = [(-100, 0), (100, 0), (-99, 40), (99, 40), (-98, -40), (98, -40)]
    land = land_of(nodes, [(2, 3), (0, 2), (0, 1), (0, 4), (4, 5)], checkpoints_of(PLAIN, POST), line=slanted)
    crossings = network_of(land).crossings
    assert crossings["crossing_id"].tolist() == ["road-x001", "road-x002", "road-x003"]
    assert crossings.geometry.x.is_monotonic_increasing


def test_a_finer_line_tells_a_short_trip_abroad_from_a_weaving_road() -> None:
    """Three km beyond the line are a weave where the line may be 5 km off, and three crossings where exact."""
    road = [(-60.0, 0.0), (-2.0, 0.0), (1.5, 0.0), (1.5, 2.0), (-1.5, 2.0), (2.0, 3.0), (60.0, 3.0)]
    regions = regions_of(PLAIN, [(0.0, -150.0), (0.0, 150.0)], ("RU", "KZ"))
    roads = edges_of(PLAIN, road, [(i, i + 1) for i in range(len(road) - 1)])
    border = border_line(regions, ("RU", "KZ"))
    crs = study_crs(border)
    sided = with_sides(regions, ("RU", "KZ"))
    found = {
        t: len(build_base(roads, roads.iloc[:0], sided, border, crs, tolerance_km=t).crossings) for t in (5.0, 0.1)
    }
    assert found == {5.0: 1, 0.1: 3}
