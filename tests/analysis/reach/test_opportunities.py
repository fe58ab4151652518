"""Nearest places, people within hours and a day, modes together: against networkx over random borders, and by hand."""

from __future__ import annotations

import warnings
from dataclasses import replace
from itertools import pairwise

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from numpy.typing import NDArray

from analysis.reach import opportunities
from analysis.reach.accessibility import Targets, posts, potentials, travel_times
from analysis.reach.decays import cumulative
from analysis.reach.opportunities import (
    LIMITS_MIN,
    Where,
    logsum_times,
    nearest_place,
    return_times,
    within_a_day,
    within_a_day_and_back,
    within_minutes,
)
from analysis.reach.places import checkpoint_places, cities, join_places, places_report, targets_of
from layers.crs import WGS84, project
from layers.errors import LayerError, NetworkError
from network.build import FIELDS, NETWORKS, Network, with_costs
from network.connectors import CONNECTOR_KPH, DETOUR
from network.edits import add_places, set_open
from network.routing import Points, compile_router
from tests.analysis.helpers import (
    PLAIN,
    Case,
    at_settlements,
    case,
    cheapest,
    domestic_graph,
    drawn_land,
    drive_min,
    network_of,
    walk,
    with_points,
)
from tests.borders import ROUNDED, random_land, shuffled

SEEDS = range(6)
WHERES: tuple[Where, ...] = ("own", "cross", "any")


def layer_at(places: list[tuple[float, float]], **columns: object) -> gpd.GeoDataFrame:
    """Return a layer of places (s, t) in the plain frame."""
    xy = PLAIN.lonlat(*np.asarray(places, float).reshape(-1, 2).T)
    return gpd.GeoDataFrame(columns, geometry=shapely.points(xy), crs=WGS84)


def random_layer(one: Case, seed: int) -> gpd.GeoDataFrame:
    """Return hospitals at the centres of some cells."""
    rng = np.random.default_rng(seed)
    rows = one.cells.iloc[np.sort(rng.permutation(len(one.cells))[:8])]
    beds = rng.integers(1, 500, len(rows)).astype(float)
    points = gpd.points_from_xy(rows["lon"], rows["lat"])
    return gpd.GeoDataFrame({"beds": beds, "label": [f"H{i}" for i in range(len(rows))]}, geometry=points, crs=WGS84)


def by_networkx(network: Network, points: Points, nodes: list[int], side: NDArray[np.object_]) -> dict[str, object]:
    """Return minutes from points to nodes on the three networks by networkx; at home as the network charges transit."""
    router = compile_router(network, "road")
    out = {}
    for name in NETWORKS:
        graph = cheapest(network, "road", FIELDS[name])
        graph.add_nodes_from(nodes)
        out[name] = walk(graph, with_points(graph, router, points), nodes)
    graph = domestic_graph(network, "road")
    graph.add_nodes_from(nodes)
    at_home = walk(graph, with_points(graph, router, points), nodes)
    out["actual"] = np.where(points.side[:, None] == side[None], at_home, out["actual"])
    return out


@pytest.mark.parametrize("seed", SEEDS)
def test_times_to_a_users_places_are_those_of_networkx(seed: int) -> None:
    one = case(seed)
    network, places = join_places(one.network, random_layer(one, seed), name="label", weight="beds")
    router = compile_router(network, "road")
    lonlat = one.cells[["lon", "lat"]].to_numpy(float)
    points = router.attach(lonlat, one.points.side, limit_km=network.limits.point_km)
    times = travel_times(router, points, targets_of(places))
    expected = by_networkx(network, points, places["node"].tolist(), places["side"].to_numpy())
    for where in WHERES:
        found = nearest_place(times, points.side, places, "hospital", where=where)
        home = points.side[:, None] == places["side"].to_numpy()[None]
        mask = {"own": home, "cross": ~home, "any": np.ones_like(home)}[where]
        for name in NETWORKS:
            minutes = np.where(mask, expected[name], np.inf)
            best = minutes.min(axis=1)
            reached = np.isfinite(best)
            told = found[f"time_to_hospital_{where}_{name}_min"]
            assert told[reached].to_numpy() == pytest.approx(best[reached], rel=1e-9)
            assert told[~reached].isna().all()
            names = found[f"hospital_{where}_{name}"]
            assert (names[~reached] == "").all()
            column = {p: k for k, p in enumerate(places["place"])}
            at = [column[p] for p in names[reached]]
            assert minutes[np.flatnonzero(reached), at] == pytest.approx(best[reached], rel=1e-9)
            assert reached.any()


@pytest.mark.parametrize("seed", SEEDS)
def test_the_border_only_adds_time_and_it_adds_up(seed: int) -> None:
    one = case(seed)
    places = cities(one.network, people=1000)
    assert (places["weight"] >= 1000).all()
    times = travel_times(one.router, one.points, targets_of(places))
    for where in WHERES:
        found = nearest_place(times, one.points.side, places, "city", where=where)
        free, allowed, real = (found[f"time_to_city_{where}_{n}_min"].fillna(np.inf) for n in NETWORKS)
        assert (free <= allowed).all()
        assert (allowed <= real).all()
        known = np.isfinite(real)
        total, detour, delay = (
            found.loc[known, f"time_to_city_{where}_{c}_min"] for c in ("border", "detour", "delay")
        )
        assert (total == detour + delay).all()
        assert total.to_numpy() == pytest.approx((real - free)[known].to_numpy(), abs=1e-9)
        if where == "own":
            free_transit = replace(one.network, links=with_costs(one.network.links, ()), domestic_wait=())
            free_times = travel_times(compile_router(free_transit, "road"), one.points, targets_of(places))
            own = nearest_place(free_times, one.points.side, places, "city", where=where)
            assert (own.loc[known, "time_to_city_own_delay_min"] == 0).all()  # no wait belongs to transit there
    assert known.any()


@pytest.mark.parametrize("seed", SEEDS)
def test_people_within_hours_are_those_of_a_double_loop(seed: int) -> None:
    one = case(seed)
    times = travel_times(one.router, one.points, one.targets)
    expected = by_networkx(one.network, one.points, one.targets.node.tolist(), one.targets.side)
    for where in WHERES:
        found = within_minutes(times, one.points.side, one.targets, where=where, joined=one.points.joined)
        for limit in LIMITS_MIN:
            for name in NETWORKS:
                told = found[f"people_within_{limit:g}min_{where}_{name}"]
                for i in range(len(one.points)):
                    if not one.points.joined[i]:
                        assert np.isnan(told[i])
                        continue
                    home = one.targets.side == one.points.side[i]
                    use = {"own": home, "cross": ~home, "any": home | True}[where]
                    assert told[i] == one.targets.people[use & (expected[name][i] <= limit)].sum()


@pytest.mark.parametrize("seed", SEEDS)
def test_people_within_hours_fall_apart_exactly(seed: int) -> None:
    one = case(seed)
    there = travel_times(one.router, one.points, one.targets)
    back = return_times(one.router, one.points, one.targets, there)
    hours = within_minutes(there, one.points.side, one.targets, where="any", joined=one.points.joined)
    day = within_a_day(there, back, one.points.side, one.targets, joined=one.points.joined)
    names = [f"people_within_{t:g}min_any" for t in LIMITS_MIN] + ["people_within_a_day_cross"]
    table = pd.concat([hours, day], axis=1).dropna()
    assert len(table)
    assert list(table) == [f"{n}_{c}" for n in names for c in (*NETWORKS, "lost_detour", "lost_delay", "lost")]
    for name in names:
        free, allowed, real = (table[f"{name}_{n}"] for n in NETWORKS)
        assert (real <= allowed).all()
        assert (allowed <= free).all()
        # People are whole numbers: the sum is exact.
        assert (table[f"{name}_lost"] == free - real).all()
        assert (table[f"{name}_lost_detour"] + table[f"{name}_lost_delay"] == table[f"{name}_lost"]).all()
    for short, long in pairwise(names[:4]):
        assert (table[f"{short}_actual"] <= table[f"{long}_actual"]).all()


@pytest.mark.parametrize("seed", SEEDS)
def test_a_step_potential_is_people_within(seed: int) -> None:
    one = case(seed)
    times = travel_times(one.router, one.points, one.targets)
    pull = potentials(one.router, one.points, one.targets, decay=cumulative(120.0), times=times)
    found = within_minutes(times, one.points.side, one.targets, limits_min=[120], joined=one.points.joined)
    for name in NETWORKS:
        same = found[f"people_within_120min_cross_{name}"].to_numpy()
        assert pull[f"potential_cross_{name}"].to_numpy() == pytest.approx(same, nan_ok=True)


@pytest.mark.parametrize("seed", SEEDS)
def test_closing_a_checkpoint_brings_nobody_nearer(seed: int) -> None:
    one = case(seed)
    side, joined = one.points.side, one.points.joined
    before = within_minutes(travel_times(one.router, one.points, one.targets), side, one.targets, joined=joined)
    real = [c for c in before if c.endswith("_actual") or c.endswith("_open")]
    worse = False
    for checkpoint in one.network.checkpoints.query("open and mode == 'road'")["checkpoint_id"]:
        router = compile_router(set_open(one.network, [checkpoint], False), "road")
        there = travel_times(router, one.points, one.targets)
        after = within_minutes(there, side, one.targets, joined=joined)
        assert (after[real].dropna() <= before[real].dropna()).all(axis=None)
        worse |= bool((after[real].dropna() < before[real].dropna()).any(axis=None))
    assert worse


@pytest.mark.parametrize("seed", [0, 3])
def test_another_order_of_the_ground_changes_nothing(seed: int) -> None:
    tables = []
    for land in (random_land(seed), shuffled(random_land(seed), 7)):
        network = network_of(land)
        router = compile_router(network, "road")
        points, targets = at_settlements(network, router), Targets.of(network, router)
        there = travel_times(router, points, targets)
        back = return_times(router, points, targets, there)
        parts = [
            within_minutes(there, points.side, targets, where="any"),
            within_a_day(there, back, points.side, targets, where="any"),
            nearest_place(
                there,
                points.side,
                pd.DataFrame({"place": targets.people.astype(str), "side": targets.side}),
                "x",
                where="cross",
            ),
        ]
        tables.append(pd.concat(parts, axis=1))
    pd.testing.assert_frame_equal(tables[0], tables[1], rtol=1e-9)


@pytest.mark.parametrize("seed", range(10))
def test_the_way_back_is_that_of_places_built_into_the_network(seed: int) -> None:
    one = case(seed)
    there = travel_times(one.router, one.points, one.targets)
    back = return_times(one.router, one.points, one.targets, there)
    xy = list(zip(one.cells["lon"], one.cells["lat"], strict=True))
    placed, nodes = add_places(one.network, xy, one.cells["side"].tolist())
    home = one.points.side[:, None] == one.targets.side[None]
    expected = {}
    for name in NETWORKS:
        graph = cheapest(placed, "road", FIELDS[name])
        graph.add_nodes_from(nodes)
        expected[name] = walk(graph, one.targets.node.tolist(), nodes).T
    graph = domestic_graph(placed, "road")
    graph.add_nodes_from(nodes)
    expected["actual"] = np.where(home, walk(graph, one.targets.node.tolist(), nodes).T, expected["actual"])
    for name in NETWORKS:
        assert (np.isinf(back[name]) == np.isinf(expected[name])).all()
        reached = np.isfinite(back[name])
        assert back[name][reached] == pytest.approx(expected[name][reached], abs=0.01)
    assert any(not np.allclose(back[n], there[n]) for n in NETWORKS)


def test_without_one_way_roads_no_tree_is_grown() -> None:
    network = one_road()
    router = compile_router(network, "road")
    points, targets = at_settlements(network, router), Targets.of(network, router)
    there = travel_times(router, points, targets)
    back = return_times(router, points, targets, there)
    assert all(np.array_equal(back[n], there[n]) for n in NETWORKS)
    assert back["borderless"] is there["borderless"]


@pytest.mark.parametrize("seed", range(4))
def test_in_blocks_of_few_pairs_people_are_the_same(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    one = case(seed)
    there = travel_times(one.router, one.points, one.targets)
    back = return_times(one.router, one.points, one.targets, there)

    def tables() -> list[pd.DataFrame]:
        side, places = one.points.side, one.targets
        return [
            within_minutes(there, side, places, where="any"),
            within_a_day(there, back, side, places),
            within_a_day_and_back(one.router, one.points, places, there),
        ]

    whole = tables()
    pd.testing.assert_frame_equal(whole[1], whole[2])
    monkeypatch.setattr(
        opportunities, "blocks", lambda rows, _: (slice(i, min(i + 3, rows)) for i in range(0, rows, 3))
    )
    for found, expected in zip(tables(), whole, strict=True):
        pd.testing.assert_frame_equal(found, expected, rtol=1e-12)


def test_a_day_among_places_where_nobody_lives() -> None:
    one = case(0)
    nobody = Targets(np.zeros(0, np.int64), np.zeros(0, object), np.zeros(0))
    there = travel_times(one.router, one.points, nobody)
    found = within_a_day_and_back(one.router, one.points, nobody, there, joined=one.points.joined)
    assert (found["people_within_a_day_cross_actual"][one.points.joined] == 0).all()


TOWNS = [(-60.0, 0.0), (40.0, 0.0)]


def one_road(**columns: object) -> Network:
    """Return a town on each side of one road, and a checkpoint where half an hour is waited."""
    land = drawn_land(TOWNS, [(0, 1)], [(0.0, 0.0)], TOWNS, waits=[30.0], population=[1000, 5000], **columns)
    return network_of(land)


def test_both_waits_count_within_a_day() -> None:
    """Half an hour into b, three hours back: the day must hold both."""
    network = one_road()
    links = network.links.copy()
    side = network.nodes["side"].to_numpy()
    links.loc[(links["kind"] == "gate") & (side[links["u"]] == "b"), "wait_min"] = 180.0
    network = replace(network, links=with_costs(links))
    router = compile_router(network, "road")
    points, targets = at_settlements(network, router), Targets.of(network, router)
    there = travel_times(router, points, targets)
    back = return_times(router, points, targets, there)
    moving = drive_min(*TOWNS)
    off = ROUNDED * len(network.links)
    assert there["actual"][0, 1] == pytest.approx(moving + 30, abs=off)
    assert back["actual"][0, 1] == pytest.approx(moving + 180, abs=off)
    both = moving + (30 + 180) / 2
    for limit, people in ((both + 0.01, 5000), (both - 0.01, 0)):
        found = within_a_day(there, back, points.side, targets, one_way_min=limit)
        assert found["people_within_a_day_cross_actual"].tolist() == [people, 1000 if people else 0]
        assert found["people_within_a_day_cross_open"].tolist() == [5000, 1000]
        assert found["people_within_a_day_cross_lost_delay"][0] == 5000 - people
        assert found["people_within_a_day_cross_lost_detour"][0] == 0


def test_people_within_by_hand() -> None:
    network = one_road()
    router = compile_router(network, "road")
    points, targets = at_settlements(network, router), Targets.of(network, router)
    times = travel_times(router, points, targets)
    moving = drive_min(*TOWNS)
    limits = [moving - 0.01, moving + 0.01, moving + 30.01]
    found = within_minutes(times, points.side, targets, limits_min=limits, where="any", what="souls")
    told = [found[f"souls_within_{t:g}min_any_{n}"].tolist() for t in limits for n in ("open", "actual")]
    alone, all_of_them = [1000, 5000], [6000, 6000]
    assert told == [alone, alone, all_of_them, alone, all_of_them, all_of_them]


def off_the_road_km(places: list[tuple[float, float]], network: Network) -> NDArray[np.float64]:
    """Return how far places (s, t) lie off the one road in the projection, where it is drawn straight."""
    ends, spots = (project(shapely.points(PLAIN.lonlat(*np.array(p).T)), WGS84, network.crs) for p in (TOWNS, places))
    return np.asarray(shapely.distance(shapely.LineString(ends), spots)) / 1000


def test_a_place_beside_the_same_link_is_reached_straight() -> None:
    """A link of 100 km: from kilometre 40 west to a clinic at 10 west it is 30 km, whatever its ends are."""
    network = one_road()
    layer = layer_at([(-10.0, 0.0), (20.0, 0.0)], name=["Clinic", "Abroad"])
    placed, places = join_places(network, layer, name="name")
    assert places["joined"].all()
    assert places["side"].tolist() == ["a", "b"]
    assert places["connector_km"].to_numpy() == pytest.approx(
        off_the_road_km([(-10.0, 0.0), (20.0, 0.0)], placed), abs=0.01
    )
    router = compile_router(placed, "road")
    points = router.attach(PLAIN.lonlat(-40.0, 0.0), np.array(["a"], dtype=object), limit_km=10.0)
    times = travel_times(router, points, targets_of(places))
    own = nearest_place(times, points.side, places, "clinic", where="own").iloc[0]
    cross = nearest_place(times, points.side, places, "clinic", where="cross").iloc[0]
    # Beside the road, which the projection bends by a few hundred metres: from it and back to it at a connector's
    # speed.
    beside = off_the_road_km([(-40.0, 0.0), (-10.0, 0.0), (20.0, 0.0)], placed) * DETOUR / CONNECTOR_KPH * 60
    by_hand = drive_min((-40.0, 0.0), (-10.0, 0.0)) + beside[0] + beside[1]
    assert own["time_to_clinic_own_actual_min"] == pytest.approx(by_hand, abs=0.02)
    by_hand = drive_min((-40.0, 0.0), (20.0, 0.0)) + beside[0] + beside[2]
    assert cross["time_to_clinic_cross_open_min"] == pytest.approx(by_hand, abs=0.02)
    assert cross["time_to_clinic_cross_delay_min"] == pytest.approx(30)
    assert cross["time_to_clinic_cross_detour_min"] == 0
    assert (own["clinic_own_actual"], cross["clinic_cross_actual"]) == ("Clinic", "Abroad")


def test_places_that_join_nothing_are_counted() -> None:
    network = one_road()
    spots = [(-40.0, 1.0), (-40.0, 140.0), (30.0, 2.0), (-2000.0, 0.0)]
    placed, places = join_places(network, layer_at(spots))
    assert places["joined"].tolist() == [True, False, True, False]
    assert places["side"].tolist() == ["a", "a", "b", ""]
    assert places["place"].tolist() == ["0", "1", "2", "3"]
    assert places["weight"].tolist() == [1, 1, 1, 1]
    near = off_the_road_km([spots[0], spots[2]], placed)
    assert places["connector_km"][[0, 2]].to_numpy() == pytest.approx(near, rel=0.005)
    assert places["connector_km"][[1, 3]].isna().all()
    report = places_report(places).set_index("side")
    assert report["places"].to_dict() == {"": 1, "a": 2, "b": 1}
    assert report["not_joined"].to_dict() == {"": 1, "a": 1, "b": 0}
    assert report["connector_max_km"].to_numpy() == pytest.approx([np.nan, *near], rel=0.005, nan_ok=True)
    router = compile_router(placed, "road")
    points = at_settlements(placed, router)
    times = travel_times(router, points, targets_of(places))
    assert np.isinf(times["borderless"][:, [1, 3]]).all()
    assert np.isfinite(times["borderless"][:, [0, 2]]).all()


def test_a_stated_side_wins_and_a_place_of_no_country_is_nowhere_across() -> None:
    placed, places = join_places(one_road(), layer_at([(1.0, 5.0), (30.0, 1.0)], side=["a", ""]))
    assert places["side"].tolist() == ["a", ""]
    router = compile_router(placed, "road")
    post = router.network.nodes["side"].to_numpy()
    assert post[places["node"][0]] == "a"
    assert places["joined"].tolist() == [True, False]
    minutes = {n: np.array([[5.0, 1.0]]) for n in NETWORKS}
    found = nearest_place(minutes, np.array(["b"], dtype=object), places, "x", where="cross")
    assert found["x_cross_open"].tolist() == ["0"]


def test_a_layer_in_any_crs() -> None:
    network, layer = one_road(), layer_at([(-10.0, 3.0)])
    _, places = join_places(network, layer)
    _, again = join_places(network, layer.to_crs(3857))
    assert again["connector_km"][0] == pytest.approx(places["connector_km"][0], abs=1e-6)


def test_a_layer_that_cannot_be_used_says_all_that_is_wrong() -> None:
    network = one_road()
    good = layer_at([(-10.0, 3.0), (10.0, 3.0)], beds=[1.0, -1.0], side=["a", "north"])
    with pytest.raises(LayerError, match=r"no column 'n' for the name.*'beds' is negative.*side is not a, b"):
        join_places(network, good, name="n", weight="beds")
    with pytest.raises(LayerError, match="has no CRS"):
        join_places(network, good.drop(columns="side").set_crs(None, allow_override=True))
    area = gpd.GeoSeries([shapely.box(59, 49, 60, 50)] * 2, crs=WGS84)
    with pytest.raises(LayerError, match="Polygon: allowed is Point"):
        join_places(network, good.drop(columns="side").set_geometry(area))


def test_posts_as_places_share_a_capacity() -> None:
    one = case(2)
    table = one.network.checkpoints.assign(cap=np.arange(len(one.network.checkpoints)) * 10.0)
    network = replace(one.network, checkpoints=table)
    found = checkpoint_places(network, one.router, weight="cap")
    expected = posts(network, one.router)
    assert found["node"].tolist() == expected["node"].tolist()
    for side in ("a", "b"):
        whole = found[found["side"] == side].groupby("place")["weight"].sum()
        assert whole.to_numpy() == pytest.approx(table.set_index("checkpoint_id")["cap"].loc[whole.index].to_numpy())
    assert (checkpoint_places(network, one.router)["weight"] == 1).all()
    with pytest.raises(LayerError, match="no column 'size'"):
        checkpoint_places(network, one.router, weight="size")


def test_no_place_at_all_is_no_time() -> None:
    none = pd.DataFrame({"place": [], "side": []}, dtype=object)
    times = {n: np.empty((2, 0)) for n in NETWORKS}
    found = nearest_place(times, np.array(["a", "b"], dtype=object), none, "x")
    assert found["time_to_x_any_actual_min"].isna().all()
    assert (found["x_any_actual"] == "").all()


def test_what_makes_no_sense_is_refused() -> None:
    times = {n: np.ones((1, 1)) for n in NETWORKS}
    side, target = np.array(["a"], dtype=object), Targets(np.zeros(1, int), np.array(["b"], dtype=object), np.ones(1))
    with pytest.raises(NetworkError, match="a limit of -1 min: allowed"):
        within_minutes(times, side, target, limits_min=[60, -1])
    with pytest.raises(NetworkError, match="a day's way of 0 min: allowed"):
        within_a_day(times, times, side, target, one_way_min=0)
    with pytest.raises(NetworkError, match="'abroad': allowed are own, cross, any"):
        within_minutes(times, side, target, where="abroad")  # type: ignore[arg-type]
    with pytest.raises(NetworkError, match="λ of 0 per minute: allowed"):
        logsum_times({"road": times}, per_min=0)
    with pytest.raises(NetworkError, match="0 modes"):
        logsum_times({})
    with pytest.raises(NetworkError, match="allowed is one shape"):
        logsum_times({"road": times, "rail": {n: np.ones((2, 1)) for n in NETWORKS}})


def test_the_logsum_by_hand() -> None:
    """Two modes of an hour are worth ln 2 / λ less; one alone is itself; near by it would be negative."""
    road = {n: np.array([[60.0, 60.0, np.inf, 3.0, 30.0]]) for n in NETWORKS}
    rail = {n: np.array([[60.0, np.inf, np.inf, 3.0, 50.0]]) for n in NETWORKS}
    found = logsum_times({"road": road, "rail": rail}, per_min=0.05)["actual"][0]
    apart = -20 * np.log(np.exp(-1.5) + np.exp(-2.5))
    assert found.tolist() == pytest.approx([60 - 20 * np.log(2), 60, np.inf, 0, apart])
    # The trap: it is below the faster mode.
    assert found[4] < 30


@pytest.mark.parametrize("seed", SEEDS)
def test_the_logsum_lies_between_its_bounds_and_keeps_the_order(seed: int) -> None:
    rng = np.random.default_rng(seed)
    modes = {}
    for mode in ("road", "rail", "river"):
        free = rng.uniform(0, 500, (20, 30))
        allowed = free + rng.exponential(30, free.shape)
        real = np.where(rng.random(free.shape) < 0.2, np.inf, allowed + rng.exponential(90, free.shape))
        modes[mode] = {"borderless": free, "open": allowed, "actual": real}
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = logsum_times(modes, per_min=0.08)
        sharp = logsum_times(modes, per_min=50.0)
    for name in NETWORKS:
        best = np.min([m[name] for m in modes.values()], axis=0)
        assert (np.isinf(found[name]) == np.isinf(best)).all()
        known = np.isfinite(best)
        assert (found[name][known] <= best[known] + 1e-9).all()
        assert (found[name][known] >= np.maximum(best[known] - np.log(3) / 0.08, 0) - 1e-9).all()
        assert sharp[name][known] == pytest.approx(best[known], abs=np.log(3) / 50 + 1e-9)
    assert (found["borderless"] <= found["open"] + 1e-9).all()
    assert (found["open"] <= found["actual"] + 1e-9).all()


def test_road_and_rail_together_feed_every_measure() -> None:
    one = case(1)
    rail = compile_router(one.network, "rail")
    lonlat = one.cells[["lon", "lat"]].to_numpy(float)
    by_rail = rail.attach(lonlat, one.points.side, limit_km=60.0)
    road = travel_times(one.router, one.points, one.targets)
    both = logsum_times({"road": road, "rail": travel_times(rail, by_rail, one.targets)})
    alone = potentials(one.router, one.points, one.targets, times=road)
    found = potentials(one.router, one.points, one.targets, times=both)
    known = alone["potential_cross_borderless"].notna()
    assert (
        found.loc[known, "potential_cross_borderless"] >= alone.loc[known, "potential_cross_borderless"] * (1 - 1e-12)
    ).all()
    border = found[found["potential_cross_borderless"] > 0]
    assert (border["border_loss"] - border["loss_detour"] - border["loss_delay"]).abs().max() < 1e-12
    assert (within_minutes(both, one.points.side, one.targets).dropna() >= 0).all(axis=None)
