"""A place joins several links: the nearest, and those near it to which the network leads only by a long way round."""

from __future__ import annotations

import itertools
from dataclasses import replace

import networkx as nx
import numpy as np
import pytest
import shapely

from layers.crs import GEOD, WGS84, project
from layers.sides import SIDES
from network.border import main_components
from network.build import Network
from network.connectors import CONNECTOR_KPH
from network.edits import add_places
from network.joining import DETOUR, ConnectorLimits, join, near_by
from network.kinds import NO_GROUND
from network.routing import compile_router
from tests.borders import (
    PLAIN,
    Land,
    checkpoints_of,
    edges_of,
    ground_of,
    network_of,
    random_network,
    regions_of,
    settlements_of,
)

GAP = [(-60.0, -100.0), (-60.0, -3.0), (-60.0, 3.0), (-60.0, 100.0), (-200.0, 0.0), (60.0, -100.0)]
GAP_ENDS = [(0, 1), (2, 3), (0, 4), (4, 3), (0, 5)]
"""A road with a gap of 6 km in it, round which the network leads 480 km."""


def land_of(towns: list[tuple[float, float]], **columns: object) -> Land:
    return Land(
        regions=regions_of(PLAIN, [(0.0, -150.0), (0.0, 150.0)], ("RU", "KZ")),
        roads=edges_of(PLAIN, GAP, GAP_ENDS, **columns),
        railways=edges_of(PLAIN, GAP, GAP_ENDS[:1], "railways").iloc[:0],
        checkpoints=checkpoints_of(PLAIN, [(0.0, -100.0)], wait_min=[30.0]),
        settlements=settlements_of(PLAIN, [*towns, (-60.0, -100.0), (-60.0, 100.0)], ["RU"] * (len(towns) + 2)),
        countries=("RU", "KZ"),
    )


def metres(*places: tuple[float, float]) -> float:
    xy = PLAIN.lonlat(*np.array(places).T)
    return float(GEOD.inv(*xy[:-1].T, *xy[1:].T)[2].sum())


def test_a_town_in_a_gap_joins_both_roads_and_ways_lead_through_it() -> None:
    network = network_of(land_of([(-60.0, 0.0)]))
    town, south, north = network.settlements["node"]
    links = network.links[(network.links["kind"] == "connector") & (network.links["u"] == town)]
    assert links["length_m"].to_numpy() == pytest.approx(DETOUR * metres((-60, 0), (-60, 3)), rel=1e-3)
    assert len(links) == 2
    way = compile_router(network, "road").path(south, north, "length_m:open")
    assert way is not None
    through = metres((-60, -100), (-60, -3)) + metres((-60, 3), (-60, 100)) + DETOUR * metres((-60, -3), (-60, 3))
    assert way.length_m == pytest.approx(through, rel=1e-4)
    assert set(links.index) <= set(way.links)


def test_where_no_town_stands_the_way_leads_round_but_a_place_there_reaches_both_ends() -> None:
    network = network_of(land_of([]))
    south, north = network.settlements["node"]
    round_m = metres((-60, -100), (-200, 0), (-60, 100))
    router = compile_router(network, "road")
    side = np.array(["a"], dtype=object)
    near = router.attach(PLAIN.lonlat(-60.0, 0.0), side, limit_km=100.0)
    assert near.point.tolist() == [0, 0]
    assert near.connector_km == pytest.approx([metres((-60, 0), (-60, 3)) / 1000], rel=1e-3)
    minutes = router.point_table(near, np.array([south, north]), "open_min")[0]
    links = network.links.set_index("kind").loc["trunk"]
    kph = float(links["length_m"].iloc[0] / links["time_min"].iloc[0] * 60 / 1000)
    leg = (
        metres((-60, 3), (-60, 100)) / 1000 / kph * 60 + DETOUR * metres((-60, 0), (-60, 3)) / 1000 / CONNECTOR_KPH * 60
    )
    assert minutes == pytest.approx([leg, leg], rel=1e-3)
    placed, _ = add_places(network, [tuple(PLAIN.lonlat(-60.0, 0.0)[0])], ["a"])
    way = compile_router(placed, "road").path(south, north, "length_m:open")
    assert way is not None
    assert way.length_m == pytest.approx(round_m, rel=1e-4)


@pytest.mark.parametrize("ratio", [1.0, 3.0, 30.0])
def test_a_link_is_joined_where_the_network_leads_to_it_by_more_than_the_ratio(ratio: float) -> None:
    """By hand: over the place 7.8 km (1.3 × 6), by the network 97 + 344 + 97 km: 69 times that."""
    round_m = 2 * metres((-60, 3), (-60, 100)) + metres((-60, -100), (-200, 0), (-60, 100))
    times = round_m / (DETOUR * metres((-60, -3), (-60, 3)))
    assert 60 < times < 80
    for asked, joined in ((ratio, 2), (times * 0.99, 2), (times * 1.01, 1)):
        network = network_of(land_of([(-60.0, 0.0)]), limits=ConnectorLimits(detour_ratio=asked))
        town = network.settlements["node"][0]
        assert (network.links["u"] == town).sum() == joined


def test_a_link_beyond_reach_is_not_joined_and_most_is_the_most() -> None:
    town = (-60.0, 1.5)
    for limits, joined in (
        (ConnectorLimits(), 2),  # 1.5 km and 4.5 km: within 1.5 + 5
        (ConnectorLimits(reach_more_km=2.9), 1),
        (ConnectorLimits(reach_more_km=0.0, reach_ratio=2.9), 1),
        (ConnectorLimits(reach_more_km=0.0, reach_ratio=3.1), 2),
        (ConnectorLimits(most_links=1), 1),
        (ConnectorLimits(candidates=1), 1),
        (ConnectorLimits(settlement_km=4.0), 1),
    ):
        network = network_of(land_of([town]), limits=limits)
        assert (network.links["u"] == network.settlements["node"][0]).sum() == joined


def test_either_direction_counts_and_one_way_roads_keep_theirs() -> None:
    """Two carriageways 200 m apart that meet 97 km away.

    A town between them joins both, and drives each its own way.
    """
    nodes = [(-60.0, -100.0), (-60.0, 100.0), (-60.2, -99.0), (-60.2, 99.0)]
    ends = [(0, 1), (3, 2), (1, 3), (2, 0)]
    land = replace(land_of([(-60.1, 0.0)]), roads=edges_of(PLAIN, nodes, ends, oneway=[True] * 4))
    network = network_of(replace(land, settlements=land.settlements.iloc[:1]))
    town = network.settlements["node"][0]
    assert (network.links["u"] == town).sum() == 2
    router = compile_router(network, "road")
    corners = network.links[network.links["oneway"]].query("kind == 'trunk'")
    ends_of_road = [n for n in np.unique(corners[["u", "v"]]) if network.nodes["kind"][n] == "road"]
    there = router.table([town], ends_of_road, "length_m:open")[0]
    back = router.table(ends_of_road, [town], "length_m:open")[:, 0]
    half = metres((-60, 0), (-60, 100))
    assert np.sort(there)[:2] == pytest.approx([half, half], rel=0.02)
    assert np.sort(back)[:2] == pytest.approx([half, half], rel=0.02)


def test_an_island_joins_nobody_but_a_side_without_a_crossing_keeps_its_roads() -> None:
    nodes = [(-60.0, -100.0), (-60.0, 100.0), (-20.0, 0.0), (-20.0, 10.0), (60.0, -100.0), (60.0, 0.0)]
    land = replace(land_of([(-20.0, 5.0), (70.0, -50.0)]), roads=edges_of(PLAIN, nodes, [(0, 1), (2, 3), (4, 5)]))
    places = settlements_of(PLAIN, [(-20.0, 5.0), (70.0, -50.0), (-30.0, 5.0)], ["RU", "KZ", "RU"])
    tables = network_of(replace(land, settlements=places)).base.tables
    usable = main_components(tables, "road")
    assert sorted(tables.links["length_m"].to_numpy()[~usable].round(-3)) == [10_000.0]


PLAINLY = ConnectorLimits()
LOOSE = ConnectorLimits(reach_ratio=4.0, reach_more_km=40.0, detour_ratio=1.1)


@pytest.mark.parametrize(
    "limits", [LOOSE, replace(LOOSE, most_links=2), replace(LOOSE, detour_ratio=1.6, candidates=4)]
)
@pytest.mark.parametrize("seed", range(4))
def test_random_places_join_what_a_search_by_hand_finds(seed: int, limits: ConnectorLimits) -> None:
    network = random_network(seed)
    rng = np.random.default_rng(seed)
    xy = network.settlements.geometry.get_coordinates().to_numpy() + rng.uniform(-0.1, 0.1, (16, 2))
    side = network.settlements["side"].to_numpy(dtype=object)
    tables = network.base.tables
    usable = main_components(tables, "road")
    found = join(tables, xy, side, usable, network.base.border, 100.0, limits)
    several = 0
    for place in range(len(xy)):
        mine = found[found["place"] == place]
        expected = by_hand(network, xy[place], str(side[place]), usable, limits)
        # By distance alone: which of the links that meet at a junction is joined there makes no difference.
        assert mine["straight_m"].to_numpy() == pytest.approx([m for _, _, m in expected], rel=1e-9, abs=1e-3)
        several += len(mine) > 1
    assert several > 2


def test_what_many_points_found_is_theirs_alone() -> None:
    """Kept answers are those of the same points, things, side and limits: any other question is a new one."""
    network = random_network(5)
    rng = np.random.default_rng(5)
    lines = network.base.tables.projected(np.arange(40))
    spots = shapely.points(shapely.get_coordinates(lines)[rng.integers(80, size=30)] + rng.normal(0, 20_000, (30, 2)))
    asked = list(
        itertools.product((spots, spots[::-1], spots[:25]), (lines, lines[1:]), SIDES, (40.0, 90.0), (LOOSE, PLAINLY))
    )
    for _ in range(2):
        for points, things, side, limit_km, limits in asked:
            found = near_by(points, things, network.base.border, side, limit_km, limits)
            fresh = near_by(points, things, replace(network.base.border), side, limit_km, limits)
            assert [rows.tolist() for rows in found] == [rows.tolist() for rows in fresh]


def by_hand(
    network: Network, lonlat: np.ndarray, side: str, usable: np.ndarray, limits: ConnectorLimits
) -> list[tuple[int, float, float]]:
    """Return link, share and metres of what a place joins, each way sought by networkx."""
    tables, border = network.base.tables, network.base.border
    of = tables.nodes["side"].to_numpy()
    links = tables.links.assign(row=np.arange(len(tables.links)))[usable]
    own = links[(of[links["u"]] == side) & (of[links["v"]] == side)]
    ground = own[~own["kind"].isin(NO_GROUND)]
    point = project(shapely.Point(lonlat), WGS84, tables.crs)
    near = []
    for link in ground.itertuples():
        line = project(link.geometry, WGS84, tables.crs)
        bridge = shapely.shortest_line(point, line)
        abroad = float(border.abroad_m(np.array([bridge], dtype=object), side)[0])
        if abroad <= border.tolerance_km * 1000 + 2 * shapely.distance(point, border.sides[side]):
            near.append(
                (shapely.distance(point, line), link.row, shapely.line_locate_point(line, point, normalized=True))
            )
    near = [n for n in sorted(near) if n[0] <= 100_000]
    reach = max(limits.reach_ratio * near[0][0], near[0][0] + limits.reach_more_km * 1000) if near else 0.0
    kept: list[tuple[int, float, float]] = []
    spots = []
    for away, row, share in near[: limits.candidates]:
        if away <= reach:
            spots.append((GEOD.inv(*lonlat, *on_line(tables.links["geometry"][row], share))[2], row, share))
    for straight, row, share in sorted(spots):
        walks = [limits.detour_ratio * DETOUR * (straight + k[2]) for k in kept]
        if len(kept) < limits.most_links and all(
            max(way(own, k[:2], (row, share)), way(own, (row, share), k[:2])) > walk
            for k, walk in zip(kept, walks, strict=True)
        ):
            kept.append((row, share, straight))
    return kept


def on_line(line: shapely.LineString, share: float) -> tuple[float, float]:
    """Return longitude and latitude at a share of a line's geodesic length."""
    xy = shapely.get_coordinates(line)
    azimuth, _, steps = GEOD.inv(*xy[:-1].T, *xy[1:].T)
    reach = np.r_[0.0, np.cumsum(steps)]
    at = min(int(np.searchsorted(reach, share * reach[-1], side="right")) - 1, len(steps) - 1)
    return GEOD.fwd(*xy[at], azimuth[at], share * reach[-1] - reach[at])[:2]


def way(links: object, start: tuple[int, float], end: tuple[int, float]) -> float:
    """Return metres from one spot on a link to another over the links, infinity where there is no way."""
    graph: nx.MultiDiGraph[object] = nx.MultiDiGraph()
    for link in links.itertuples():  # type: ignore[attr-defined]
        stops = sorted((share, name) for name, (row, share) in (("start", start), ("end", end)) if row == link.row)
        # As where links are split: within a metre of an end a spot is that end.
        chain = [(0.0, link.u), *stops, (1.0, link.v)]
        for (a, one), (b, two) in itertools.pairwise(chain):
            m = (b - a) * link.length_m
            graph.add_edge(one, two, m=m)
            if not link.oneway or (m <= 1.0 and len(chain) > 2):
                graph.add_edge(two, one, m=m)
    try:
        return float(nx.dijkstra_path_length(graph, "start", "end", weight="m"))
    except nx.NetworkXNoPath:
        return np.inf


def test_the_order_of_the_places_changes_nothing() -> None:
    network = random_network(3)
    tables = ground_of(land_of([])).base.tables
    xy = PLAIN.lonlat(np.linspace(-90, -30, 200), np.linspace(-120, 120, 200))
    side = np.full(200, "a", dtype=object)
    usable = main_components(tables, "road")
    border = ground_of(land_of([])).base.border
    one = join(tables, xy, side, usable, border, 100.0, ConnectorLimits())
    order = np.random.default_rng(0).permutation(200)
    two = join(tables, xy[order], side[order], usable, border, 100.0, ConnectorLimits())
    two = two.assign(place=order[two["place"]]).sort_values(["place", "straight_m", "link"]).reset_index(drop=True)
    assert one["place"].duplicated().any()
    assert one["link"].tolist() == two["link"].tolist()
    assert one["place"].tolist() == two["place"].tolist()
    nobody = join(
        network.base.tables,
        xy[:0],
        side[:0],
        main_components(network.base.tables, "road"),
        border,
        1.0,
        ConnectorLimits(),
    )
    assert nobody.empty
