"""Gaps of the data: which are found, which are bridged, and that nothing else changes."""

from __future__ import annotations

from typing import Any

import geopandas as gpd
import networkx as nx
import numpy as np
import pytest
import shapely
from pyproj import Geod

from layers.crs import WGS84, fit_equal_area, project
from network.bridges import BRIDGED, GAP_M, bridge_rail
from network.gaps import FAR_M, FAR_TIMES, JILTED, NEAR, SEEN_M, UNFIT, WET, WIDE, close_gaps, dead_ends, find_gaps
from network.topology import Tables, assemble, components
from tests.borders import PLAIN, checkpoints_of, edges_of, ground_of
from tests.network.test_border import land_of

GEOD = Geod(ellps="WGS84")
CRS = fit_equal_area(shapely.LineString([(58, 49), (62, 51)]))
Places = list[tuple[float, float]]
Ends = list[tuple[int, int]]


def roads(nodes: Places, ends: Ends, side: str | list[str] = "a") -> Tables:
    tables = assemble({"road": edges_of(PLAIN, nodes, ends)}, CRS)
    return Tables(tables.nodes.assign(side=side), tables.links, CRS)


def told(layer: gpd.GeoDataFrame) -> list[tuple[float, str]]:
    """Return gaps in km with what was decided."""
    words = np.where(layer["bridged"], BRIDGED, layer["reason"])
    return sorted(zip(layer["gap_km"].astype(float).round(1), words, strict=True))


def facing(gap: float, round_km: float = 60.0) -> tuple[Places, Ends]:
    """Return two roads whose ends face each other over a gap, and a way round from one to the other."""
    nodes = [(-90.0, 0.0), (-60.0, 0.0), (-60.0 + gap, 0.0), (-30.0, 0.0), (-30.0, round_km), (-90.0, round_km)]
    return nodes, [(0, 1), (2, 3), (3, 4), (4, 5), (5, 0)]


def test_two_facing_ends_are_bridged_by_a_straight_flagged_link() -> None:
    tables = roads(*facing(2.0))
    closed, layer = close_gaps(tables, "road")
    assert told(layer) == [(2.0, BRIDGED)]
    fresh = closed.links[closed.links["bridged"]]
    assert sorted(fresh[["u", "v"]].to_numpy()[0].tolist()) == [1, 2]
    assert fresh["kind"].tolist() == ["trunk"]
    a, b = tables.nodes[["x", "y"]].to_numpy()[[1, 2]]
    assert fresh["length_m"].tolist() == [pytest.approx(GEOD.inv(*a, *b)[2])]
    # The way round: 30 + 60 + 60 + 60 + 28 km.
    assert layer["way_round_km"].tolist() == [pytest.approx(238, rel=0.01)]
    assert closed.links.drop(index=fresh.index)["length_m"].tolist() == tables.links["length_m"].tolist()


@pytest.mark.parametrize(
    ("gap", "round_km", "expected"),
    [
        (2.0, 10.0, [(2.0, BRIDGED)]),  # 30 + 10 + 60 + 10 + 28 = 138 km
        (2.9, 60.0, [(2.9, BRIDGED)]),
        (3.1, 60.0, [(3.1, WIDE)]),
        (8.0, 60.0, [(8.0, WIDE)]),
        (11.0, 60.0, []),
    ],
)
def test_only_narrow_gaps_are_bridged_and_wider_ones_told(
    gap: float, round_km: float, expected: list[tuple[float, str]]
) -> None:
    assert told(close_gaps(roads(*facing(gap, round_km)), "road")[1]) == expected


@pytest.mark.parametrize(("gap", "far"), [(1.0, 54.0), (1.0, 46.0), (8.0, 84.0), (8.0, 76.0)])
def test_a_link_is_across_a_gap_if_it_is_50_km_and_ten_times_the_gap_away(gap: float, far: float) -> None:
    """One road with a bend: from its end round to the place beside it."""
    arm = (far - gap) / 2
    nodes = [(-20.0, 0.0), (-20.0 - arm, 0.0), (-20.0 - arm, gap), (-20.0, gap)]
    found = find_gaps(roads(nodes, [(0, 1), (1, 2), (2, 3)]), "road")
    assert len(found) == (1 if far > max(FAR_M / 1000, FAR_TIMES * gap) else 0)


def across(gap: float = 2.0) -> tuple[Places, Ends]:
    """Return a road that ends beside the middle of another, and a way round."""
    nodes = [(-90.0, 0.0), (-60.0, 0.0), (-60.0 + gap, -40.0), (-60.0 + gap, 40.0), (-90.0, 40.0)]
    return nodes, [(0, 1), (2, 3), (3, 4), (4, 0)]


def test_an_end_joins_the_middle_of_a_link_where_nothing_is_nearer() -> None:
    tables = roads(*across())
    closed, layer = close_gaps(tables, "road")
    assert told(layer) == [(2.0, BRIDGED)]
    assert layer["leads_to"].tolist() == ["middle of a link"]
    assert len(closed.nodes) == 6
    assert closed.links.loc[closed.links["bridged"], ["u", "v"]].to_numpy().tolist() == [[1, 5]]
    assert closed.nodes["side"].tolist() == ["a"] * 6
    whole = closed.links.loc[~closed.links["bridged"], "length_m"].sum()
    assert whole == pytest.approx(tables.links["length_m"].sum(), rel=1e-12)


def test_nothing_joins_the_other_side() -> None:
    nodes, ends = across()
    assert told(close_gaps(roads(nodes, ends, ["a", "a", "b", "b", "a"]), "road")[1]) == []
    # An end on the other side of the link that would be joined is enough.
    assert told(close_gaps(roads(nodes, ends, ["a", "a", "b", "a", "a"]), "road")[1]) == []


def test_no_bridge_over_water() -> None:
    def lake(s: float) -> Any:
        corners = PLAIN.lonlat(np.array([s - 0.5, s + 0.5, s + 0.5, s - 0.5]), np.array([-5.0, -5, 5, 5]))
        return project(shapely.Polygon(corners), WGS84, CRS)

    for shape in (facing(2.0), across()):
        tables = roads(*shape)
        closed, layer = close_gaps(tables, "road", water=lake(-59.0))
        assert told(layer) == [(2.0, WET)]
        assert closed.links.equals(tables.links)
        assert told(close_gaps(tables, "road", water=lake(-50.0))[1]) == [(2.0, BRIDGED)]


def test_two_ends_must_choose_each_other() -> None:
    nodes, ends = facing(2.0)
    # A third end, nearer to the second than the first is; its own road leads far away.
    nodes, ends = [*nodes, (-57.0, 0.5), (-57.0, 30.0)], [*ends, (6, 7)]
    closed, layer = close_gaps(roads(nodes, ends), "road")
    assert (2.0, JILTED) in told(layer)
    assert closed.links["bridged"].sum() == 1
    # The third chose the middle of the second's road.
    assert set(closed.links.loc[closed.links["bridged"], "u"]) == {6}


def test_two_ends_of_one_place_lead_to_a_road_once() -> None:
    nodes, ends = across(2.0)
    nodes, ends = [*nodes, (-59.5, 1.0), (-62.0, 0.0)], [(0, 6), (6, 1), (6, 5), *ends[1:]]
    closed, layer = close_gaps(roads(nodes, ends), "road")
    assert told(layer) == [(1.5, BRIDGED), (2.0, NEAR)]
    assert closed.links["bridged"].sum() == 1


def test_parallel_carriageways_end_as_one_road() -> None:
    nodes, ends = facing(2.0)
    double = roads(nodes, [*ends, (1, 0)])
    assert dead_ends(double, "road").tolist() == [False, True, True, False, False, False]
    assert told(close_gaps(double, "road")[1]) == [(2.0, BRIDGED)]


def test_an_end_where_a_link_was_left_out_is_none() -> None:
    tables = roads(*facing(2.0))
    ends = dead_ends(tables, "road")
    ends[1] = False
    _, layer = close_gaps(tables, "road", ends=ends)
    # The other may still join this node, which now is like any other place of the network.
    assert told(layer) == [(2.0, BRIDGED)]
    assert layer["leads_to"].tolist() == ["junction"]
    ends[2] = False
    assert close_gaps(tables, "road", ends=ends)[1].empty


def test_without_bridges_gaps_are_told_and_the_network_is_as_it_was() -> None:
    tables = roads(*facing(2.0))
    closed, layer = close_gaps(tables, "road", bridge=False)
    assert closed is tables
    assert told(layer) == [(2.0, UNFIT)]


# --- against brute force


def random_roads(seed: int) -> Tables:
    """Return scattered pieces of road, some joined to the next.

    Many ends, beside each other and beside the middle of others.
    """
    rng = np.random.default_rng(seed)
    n = 60
    begin = np.column_stack([rng.uniform(-70, -10, n), rng.uniform(-30, 30, n)])
    turn, long = rng.uniform(0, 2 * np.pi, n), rng.uniform(2, 12, n)
    end = begin + np.column_stack([np.cos(turn), np.sin(turn)]) * long[:, None]
    places = [(float(s), float(t)) for s, t in np.vstack([begin, end])]
    joined = [(n + i, i + 1) for i in range(n - 1) if rng.random() < 0.4]
    return roads(places, [(i, n + i) for i in range(n)] + joined)


@pytest.mark.parametrize("seed", range(6))
def test_the_nearest_far_link_is_what_brute_force_finds(seed: int) -> None:
    tables = random_roads(seed)
    graph = nx.Graph()
    graph.add_weighted_edges_from(tables.links[["u", "v", "length_m"]].itertuples(index=False))
    lines = tables.projected()
    place = shapely.points(tables.nodes[["px", "py"]])
    found = find_gaps(tables, "road")
    seen = {}
    for node in (n for n in graph if graph.degree(n) == 1):
        ways = nx.single_source_dijkstra_path_length(graph, node, weight="weight")
        best = None
        for line, (u, v, m) in zip(lines, tables.links[["u", "v", "length_m"]].itertuples(index=False), strict=True):
            share = shapely.line_locate_point(line, place[node], normalized=True)
            share = round(share) if min(share, 1 - share) * m <= 100 else share
            gap = place[node].distance(line.interpolate(share, normalized=True))
            way = min(ways.get(u, np.inf) + share * m, ways.get(v, np.inf) + (1 - share) * m)
            if gap <= SEEN_M and way > FAR_M and way > FAR_TIMES * gap and (best is None or gap < best[0]):
                best = (gap, way)
        if best:
            seen[node] = best
    pairs = found.loc[found["mutual"], "to_node"].tolist()
    assert sorted([*found["node"], *pairs]) == sorted(seen)
    assert len(seen) > 5
    for row in found.itertuples():
        gap, way = seen[row.node]
        assert row.gap_m == pytest.approx(gap, abs=1e-3)
        assert row.network_m == pytest.approx(way) or (np.isnan(row.network_m) and np.isinf(way))


@pytest.mark.parametrize("seed", range(6))
def test_bridges_shorten_ways_and_nothing_else(seed: int) -> None:
    tables = random_roads(seed)
    closed, layer = close_gaps(tables, "road")
    fresh = closed.links[closed.links["bridged"]]
    assert len(fresh) == layer["bridged"].sum() > 0
    assert (fresh["length_m"] <= GAP_M * 1.01).all()
    old = closed.links[~closed.links["bridged"]]
    assert old["length_m"].sum() == pytest.approx(tables.links["length_m"].sum(), rel=1e-12)
    assert components(old, len(closed.nodes)).max() >= components(closed.links, len(closed.nodes)).max()
    # No end that was bridged is a dead end any more.
    assert not dead_ends(closed, "road")[fresh["u"]].any()


def test_the_order_of_rows_changes_nothing() -> None:
    tables = random_roads(3)
    rng = np.random.default_rng(0)
    links = tables.links.iloc[rng.permutation(len(tables.links))].reset_index(drop=True)
    turn = rng.random(len(links)) < 0.5
    links.loc[turn, ["u", "v"]] = links.loc[turn, ["v", "u"]].to_numpy()
    links.loc[turn, "geometry"] = shapely.reverse(links["geometry"].to_numpy()[turn])
    one, two = (close_gaps(t, "road")[1] for t in (tables, Tables(tables.nodes, links, CRS)))
    columns = ["lon", "lat", "to_lon", "to_lat", "gap_km", "bridged", "reason"]
    one, two = (f[columns].sort_values(["lon", "lat"]).reset_index(drop=True).round(6) for f in (one, two))
    assert one.equals(two)


# --- in the ground of a network


@pytest.mark.parametrize(
    ("options", "bridged"),
    [
        ({}, 0),
        ({"generalised": ("rail",)}, 0),
        ({"generalised": ("road",)}, 1),
        ({"generalised": ("road",), "bridge_gaps": False}, 0),
    ],
)
def test_only_generalised_roads_are_bridged_and_every_gap_is_told(options: dict[str, Any], bridged: int) -> None:
    nodes, ends = facing(2.0)
    nodes, ends = [*nodes, (90.0, 0.0)], [*ends, (3, 6)]
    base = ground_of(land_of(nodes, ends, checkpoints_of(PLAIN, [(0.0, 0.0)])), **options).base
    assert told(base.gaps) == [(2.0, BRIDGED if bridged else UNFIT)]
    assert base.report["road_gaps_bridged"] == bridged == base.tables.links["bridged"].sum()
    assert (base.tables.links["time_min"] > 0).all()


# --- railways


def rails(nodes: list[tuple[float, float]], ends: list[tuple[int, int]]) -> Tables:
    layer = edges_of(PLAIN, nodes, ends, "railways", kind="branch")
    tables = assemble({"rail": layer}, CRS)
    return bridge_rail(tables)


def test_a_short_gap_in_a_straight_railway_is_bridged_and_flagged() -> None:
    tables = rails([(-60, 0), (-30, 0), (-28, 0), (-5, 0)], [(0, 1), (2, 3)])
    bridge = tables.links[tables.links["bridged"]]
    assert bridge[["u", "v"]].to_numpy().tolist() == [[1, 2]]
    assert bridge["kind"].tolist() == ["branch"]
    a, b = tables.nodes[["x", "y"]].to_numpy()[[1, 2]]
    assert bridge["length_m"].tolist() == [pytest.approx(GEOD.inv(*a, *b)[2])]
    assert components(tables.links, len(tables.nodes)).max() == 0


@pytest.mark.parametrize(
    ("nodes", "ends"),
    [
        ([(-60, 0), (-30, 0), (-26, 0), (-5, 0)], [(0, 1), (2, 3)]),
        ([(-60, 0), (-30, 0), (-30, 2), (-30, 40)], [(0, 1), (2, 3)]),
        ([(-60, 0), (-30, 0), (-29, 0), (-60, 9)], [(0, 1), (2, 3)]),
        ([(-60, 0), (-30, 0), (-28, 0), (-5, 0), (-30, 50)], [(0, 1), (2, 3), (0, 4), (4, 3)]),
    ],
    ids=["4 km apart", "round a corner", "back to back", "one component"],
)
def test_other_gaps_stay(nodes: list[tuple[float, float]], ends: list[tuple[int, int]]) -> None:
    assert not rails(nodes, ends).links["bridged"].any()


def test_a_very_short_gap_is_bridged_within_one_component_too() -> None:
    nodes = [(-60, 0), (-30, 0), (-29.6, 0), (-5, 0), (-30, 50)]
    tables = rails(nodes, [(0, 1), (2, 3), (0, 4), (4, 3)])
    assert tables.links.loc[tables.links["bridged"], ["u", "v"]].to_numpy().tolist() == [[1, 2]]


@pytest.mark.parametrize(("aside", "bridges"), [(0.2, 1), (0.4, 0)])
def test_ends_that_all_but_touch_may_lie_side_by_side(aside: float, bridges: int) -> None:
    tables = rails([(-60, 0), (-30, 0), (-30, aside), (-5, aside)], [(0, 1), (2, 3)])
    assert tables.links["bridged"].sum() == bridges


def test_each_dead_end_takes_its_nearest_partner_only() -> None:
    nodes = [(-60, 0), (-30, 0), (-28, 0.0), (-5, 0), (-27.5, 0.6), (-5, 5)]
    tables = rails(nodes, [(0, 1), (2, 3), (4, 5)])
    assert tables.links.loc[tables.links["bridged"], ["u", "v"]].to_numpy().tolist() == [[1, 2]]


def test_roads_are_not_bridged_as_railways() -> None:
    layer = edges_of(PLAIN, [(-60, 0), (-30, 0), (-28, 0), (-5, 0)], [(0, 1), (2, 3)])
    assert not bridge_rail(assemble({"road": layer}, CRS)).links["bridged"].any()


@pytest.mark.parametrize("contract", [False, True])
def test_a_chain_is_no_gap_for_one_that_is_in_it(contract: bool) -> None:
    nodes = [(-90.0, 0.0), (-80.0, 1.0), (-60.0, 0.0), (-58.0, 0.0), (-40.0, 1.0), (-20.0, 0.0)]
    tracks = edges_of(PLAIN, nodes, [(0, 1), (1, 2), (3, 4), (4, 5)], "railways", kind="main")
    land = land_of([(-90.0, 0.0), (90.0, 0.0)], [(0, 1)], checkpoints_of(PLAIN, [(0.0, 0.0)]), railways=tracks)
    base = ground_of(land, contract=contract).base
    rail = base.tables.links[base.tables.links["mode"] == "rail"]
    assert sorted(rail.loc[rail["bridged"], "length_m"] / 1000) == [pytest.approx(2.0, abs=0.01)]
    assert told(base.gaps[base.gaps["mode"] == "rail"]) == [(2.0, BRIDGED)]
    assert len(rail) == (3 if contract else 5)
    assert (~rail["bridged"]).sum() == (2 if contract else 4)
