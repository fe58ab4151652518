"""Connectivity of regions: by hand on drawn borders, and Kansky's indices against networkx."""

from __future__ import annotations

import geopandas as gpd
import networkx as nx
import numpy as np
import pandas as pd
import pytest
import shapely
from scipy.spatial import Delaunay

from analysis.connectivity.kansky import degree_statistics, kansky, single_lines
from analysis.connectivity.regions import (
    facing_pairs,
    lengths_in,
    population_access,
    region_connectivity,
    segment_connectivity,
    supply_of_people,
)
from analysis.units import border_segments
from layers.crs import GEOD, WGS84
from layers.regions import border_line
from network.build import Network
from tests.analysis.helpers import PLAIN, Ends, Places, case, drawn_land, network_of
from tests.borders import Land, edges_of

SEEDS = range(8)
NAN = float("nan")


def measured(land: Land, *, depth_km: float = 80.0) -> tuple[pd.DataFrame, Network]:
    network = network_of(land)
    border = border_line(land.regions, land.countries)
    return region_connectivity(network, network.base.regions, border, depth_km=depth_km), network


ROAD = [(-200.0, 0.0), (200.0, 0.0)]


def test_densities_of_a_straight_road_by_hand() -> None:
    """80 km of road on each side of a border 300 km long; the plain frame is a sphere's, within half a per cent."""
    table, _ = measured(drawn_land(ROAD, [(0, 1)], [(0.0, 0.0)], [(-100.0, 5.0), (100.0, 5.0)]))
    assert table["road_km"].tolist() == pytest.approx([80, 80], rel=0.005)
    assert table["belt_area_km2"].tolist() == pytest.approx([80 * 300] * 2, rel=0.01)
    assert table["area_km2"].tolist() == pytest.approx([300 * 300] * 2, rel=0.02)
    assert table["road_density_km_per_1000km2"].tolist() == pytest.approx([1000 / 300] * 2, rel=0.01)
    assert table["rail_km"].tolist() == [0, 0]
    assert table["rail_density_km_per_1000km2"].tolist() == [0, 0]


def test_the_area_is_that_of_the_ellipsoid() -> None:
    land = drawn_land(ROAD, [(0, 1)], [(0.0, 0.0)], [(-100.0, 5.0), (100.0, 5.0)])
    table, network = measured(land)
    for area, polygon in zip(table["area_km2"], network.base.regions.geometry, strict=True):
        dense = shapely.segmentize(polygon, 0.01)
        true = abs(GEOD.geometry_area_perimeter(dense)[0]) / 1e6
        assert area == pytest.approx(true, rel=1e-4)


def squares() -> gpd.GeoDataFrame:
    boxes = [shapely.box(60, 50, 61, 51), shapely.box(61, 50, 62, 51), shapely.box(70, 50, 71, 51)]
    return gpd.GeoDataFrame({"region": ["p", "q", "r"]}, geometry=boxes, crs=WGS84)


def test_a_line_half_inside_counts_half_its_own_length() -> None:
    """Of lines that a source says are longer than drawn, the part inside is longer too."""
    lines = pd.DataFrame(
        {
            "length_m": [100_000.0, 50_000.0, 7_000.0],
            "geometry": [
                shapely.LineString([(60.5, 50.5), (61, 50.5), (61.5, 50.5)]),
                shapely.LineString([(59.5, 50.2), (60, 50.2), (60.5, 50.2)]),
                shapely.LineString([(61.1, 50.9), (61.2, 50.9)]),
            ],
        }
    )
    assert lengths_in(lines, squares()).tolist() == pytest.approx([75, 57, 0], rel=1e-9)


def test_a_line_that_only_touches_a_region_adds_nothing() -> None:
    lines = pd.DataFrame({"length_m": [9_000.0], "geometry": [shapely.LineString([(59.9, 50.5), (60, 50.5)])]})
    assert lengths_in(lines, squares()).tolist() == pytest.approx([0, 0, 0], abs=1e-9)


def track(t: float, s: list[float]) -> Places:
    return [(x, t) for x in s]


def rails(nodes: Places, ends: Ends) -> Land:
    railways = edges_of(PLAIN, nodes, ends, "railways", kind="main")
    return drawn_land(ROAD, [(0, 1)], [(0.0, 0.0)], [(-100.0, 5.0), (100.0, 5.0)], railways=railways)


def chain(first: int, n: int) -> Ends:
    return [(first + i, first + i + 1) for i in range(n - 1)]


S = [-100.0, -60.0, -20.0, 20.0, 60.0, 100.0]


def test_parallel_tracks_count_once() -> None:
    one, _ = measured(rails(track(20.0, S), chain(0, 6)))
    two, _ = measured(rails([*track(20.0, S), *track(20.1, S)], [*chain(0, 6), *chain(6, 6), (0, 6), (5, 11)]))
    apart, _ = measured(rails([*track(20.0, S), *track(24.0, S)], [*chain(0, 6), *chain(6, 6), (0, 6), (5, 11)]))
    assert one["rail_km"].tolist() == pytest.approx([80, 80], rel=0.005)
    assert two["rail_km"].tolist() == pytest.approx(one["rail_km"].tolist(), rel=0.005)
    assert apart["rail_km"].tolist() == pytest.approx((2 * one["rail_km"]).tolist(), rel=0.005)


def test_parallel_tracks_count_once_wherever_their_nodes_are() -> None:
    """The second track of a line is cut into pieces of its own, as OpenStreetMap cuts it at bridges and limits."""
    one, _ = measured(rails(track(20.0, S), chain(0, 6)))
    other = [-100.0, -75.0, -40.0, 10.0, 45.0, 80.0, 100.0]
    two, _ = measured(rails([*track(20.0, S), *track(20.1, other)], [*chain(0, 6), *chain(6, 7), (0, 6), (5, 12)]))
    assert two["rail_km"].tolist() == pytest.approx(one["rail_km"].tolist(), rel=0.005)


def test_connectors_and_gates_are_no_roads() -> None:
    """Towns 60 km off the road, and a checkpoint 90 km off."""
    road = [(-200.0, 0.0), (-100.0, 0.0), (100.0, 0.0), (200.0, 0.0)]
    land = drawn_land(road, chain(0, 4), [(0.0, 90.0)], [(-150.0, 60.0), (150.0, -60.0)])
    table, network = measured(land)
    assert network.links["kind"].value_counts()[["connector", "gate"]].tolist() == [4, 2]
    assert table["road_km"].tolist() == pytest.approx([80, 80], rel=0.005)
    lines = single_lines(network, "road")
    assert set(lines["kind"]) == {"trunk"}
    assert lines["length_m"].sum() / 1000 == pytest.approx(400, rel=0.005)


def test_checkpoints_per_100_km_by_hand() -> None:
    posts = [(0.0, 0.0), (0.0, 60.0), (0.0, -60.0)]
    land = drawn_land(
        ROAD, [(0, 1)], posts, [(-100.0, 5.0), (100.0, 5.0)], is_open=[True, False, True], waits=[1.0, 2.0, 3.0]
    )
    table, _ = measured(land)
    line = PLAIN.lonlat([0, 0], [-150, 150])
    km = GEOD.inv(*line[0], *line[1])[2] / 1000
    assert table["border_km"].tolist() == pytest.approx([km, km], rel=1e-6)
    assert table["checkpoints"].tolist() == [3, 3]
    assert table["checkpoints_open"].tolist() == [2, 2]
    assert table["checkpoints_per_100km"].tolist() == pytest.approx([200 / km] * 2, rel=1e-6)


def test_a_region_off_the_border_has_no_checkpoints_per_km() -> None:
    land = drawn_land(ROAD, [(0, 1)], [(0.0, 0.0)], [(-100.0, 5.0), (100.0, 5.0)])
    network = network_of(land)
    border = border_line(land.regions, land.countries)
    far = gpd.GeoDataFrame({"region": ["far"], "side": ["a"]}, geometry=[shapely.box(40, 50, 41, 51)], crs=WGS84)
    table = region_connectivity(
        network, pd.concat([network.base.regions, far], ignore_index=True), border, depth_km=80.0
    )
    row = table.iloc[2]
    assert (row["border_km"], row["checkpoints"], row["road_km"], row["belt_area_km2"]) == (0, 0, 0, 0)
    assert np.isnan(row["checkpoints_per_100km"])
    assert np.isnan(row["road_density_km_per_1000km2"])


def simplified(u: list[int], v: list[int], km: list[float]) -> nx.MultiGraph[int]:
    """Merge degree-2 nodes one by one; a ring of them ends as a node with a loop."""
    graph: nx.MultiGraph[int] = nx.MultiGraph()
    for a, b, length in zip(u, v, km, strict=True):
        graph.add_edge(a, b, km=length)
    while True:
        node = next((n for n in graph if graph.degree(n) == 2 and not graph.has_edge(n, n)), None)
        if node is None:
            return graph
        (_, x, one), (_, y, two) = graph.edges(node, data="km")
        graph.remove_node(node)
        graph.add_edge(x, y, km=one + two)


@pytest.mark.parametrize("seed", SEEDS)
def test_kansky_is_that_of_a_graph_simplified_by_networkx(seed: int) -> None:
    rng = np.random.default_rng(seed)
    triangles = Delaunay(rng.random((30, 2))).simplices
    pairs = np.unique(np.sort(np.vstack([triangles[:, [0, 1]], triangles[:, [1, 2]], triangles[:, [0, 2]]])), axis=0)
    pairs = pairs[rng.random(len(pairs)) < (0.35, 0.6)[seed % 2]]
    pairs = np.vstack([pairs, pairs[:1], [[50, 51], [51, 52], [52, 50]]])  # a parallel link, and a ring by itself
    pairs = np.where(rng.random(len(pairs))[:, None] < 0.5, pairs, pairs[:, ::-1])
    km = rng.uniform(1, 9, len(pairs))
    found = kansky(pairs[:, 0], pairs[:, 1], km)
    graph = simplified(pairs[:, 0].tolist(), pairs[:, 1].tolist(), km.tolist())
    e, v, p = graph.number_of_edges(), graph.number_of_nodes(), nx.number_connected_components(graph)
    assert len(pairs) > e
    total = sum(length for _, _, length in graph.edges(data="km"))
    expected = {
        "e": e,
        "v": v,
        "p": p,
        "mu": e - v + p,
        "alpha": (e - v + p) / (2 * v - 5),
        "beta": e / v,
        "gamma": e / (3 * (v - 2)),
        "eta_km": total / e,
        "theta_km": total / v,
    }
    assert found == pytest.approx({f"kansky_{k}": x for k, x in expected.items()})


def test_kansky_of_few_nodes_and_of_nothing() -> None:
    chain_of_four = kansky(np.array([0, 1, 2]), np.array([1, 2, 3]), np.array([1.0, 2.0, 3.0]))
    assert (chain_of_four["kansky_e"], chain_of_four["kansky_v"], chain_of_four["kansky_mu"]) == (1, 2, 0)
    assert np.isnan([chain_of_four["kansky_alpha"], chain_of_four["kansky_gamma"]]).all()
    assert (chain_of_four["kansky_beta"], chain_of_four["kansky_eta_km"], chain_of_four["kansky_theta_km"]) == (
        0.5,
        6,
        3,
    )
    nothing = kansky(np.array([], int), np.array([], int), np.array([]))
    assert [nothing[f"kansky_{k}"] for k in ("e", "v", "p", "mu")] == [0, 0, 0, 0]
    assert np.isnan([nothing[f"kansky_{k}"] for k in ("alpha", "beta", "gamma", "eta_km", "theta_km")]).all()


def test_kansky_of_a_region_counts_its_own_roads() -> None:
    """In a: a cross of four arms, of which one leads over the line; in b: the end of that arm."""
    nodes = [(-60.0, 0.0), (-120.0, 0.0), (-60.0, 50.0), (-60.0, -50.0), (60.0, 0.0)]
    land = drawn_land(nodes, [(0, 1), (0, 2), (0, 3), (0, 4)], [(0.0, 0.0)], [(-60.0, 0.0), (60.0, 0.0)])
    table, _ = measured(land, depth_km=200.0)
    assert table["kansky_e"].tolist() == [4, 1]
    assert table["kansky_v"].tolist() == [5, 2]
    assert table["kansky_p"].tolist() == [1, 1]
    assert table["kansky_gamma"].tolist() == pytest.approx([4 / 9, NAN], nan_ok=True)


def test_access_weighted_by_people_by_hand() -> None:
    towns = pd.DataFrame(
        {
            "region": ["p", "p", "p", "q", "q", "elsewhere"],
            "population": [100, 300, 600, 50, 0, 10**6],
            "time_to_checkpoint_min": [60.0, 120.0, NAN, 121.0, 1.0, 5.0],
            "potential_cross_borderless": [1000.0, 2000.0, NAN, 0.0, 5.0, 7.0],
            "potential_cross_open": [800.0, 1500.0, NAN, 0.0, 5.0, 7.0],
            "potential_cross_actual": [500.0, 1200.0, NAN, 0.0, 5.0, 7.0],
            "potential_domestic_actual": [2000.0, 4000.0, NAN, 10.0, 5.0, 7.0],
        }
    )
    found = population_access(towns, pd.Series(["q", "p", "nobody"]))
    p, q, none = found.iloc[1], found.iloc[0], found.iloc[2]
    assert p["population"] == 1000
    assert p["time_to_checkpoint_min"] == pytest.approx((100 * 60 + 300 * 120) / 400)
    assert p["population_within_60min"] == pytest.approx(0.1)
    assert p["population_within_120min"] == pytest.approx(0.4)
    assert p["people_without_checkpoint"] == 600
    assert p["time_to_checkpoint_known_share"] == p["potential_known_share"] == pytest.approx(0.4)
    # Nothing known is not far: of 600 people it is neither within nor beyond.
    assert (p["population_beyond_60min"], p["population_beyond_120min"]) == (pytest.approx(0.3), 0)
    assert (q["population_within_120min"], q["population_beyond_120min"]) == (0, 1)
    free, allowed, real = 700_000, 530_000, 410_000
    assert p["potential_cross_borderless"] == pytest.approx(free / 400)
    assert p["potential_cross_actual"] == pytest.approx(real / 400)
    assert p["border_loss"] == pytest.approx(1 - real / free)
    assert p["loss_detour"] == pytest.approx(1 - allowed / free)
    assert p["loss_delay"] == pytest.approx((allowed - real) / free)
    assert p["border_loss"] == pytest.approx(p["loss_detour"] + p["loss_delay"], abs=1e-12)
    assert p["cross_ratio"] == pytest.approx(real / 1_400_000)
    assert (q["population"], q["people_without_checkpoint"], q["population_within_120min"]) == (50, 0, 0)
    assert q["time_to_checkpoint_min"] == 121
    assert np.isnan(q["border_loss"])
    assert (none["population"], none["people_without_checkpoint"]) == (0, 0)
    assert none.drop(["population", "people_without_checkpoint"]).isna().all()


@pytest.mark.parametrize("seed", SEEDS)
def test_degrees_are_those_of_a_graph_simplified_by_networkx(seed: int) -> None:
    rng = np.random.default_rng(50 + seed)
    triangles = Delaunay(rng.random((30, 2))).simplices
    pairs = np.unique(np.sort(np.vstack([triangles[:, [0, 1]], triangles[:, [1, 2]], triangles[:, [0, 2]]])), axis=0)
    pairs = pairs[rng.random(len(pairs)) < 0.5]
    graph = simplified(pairs[:, 0].tolist(), pairs[:, 1].tolist(), [1.0] * len(pairs))
    degree = np.array([d for _, d in graph.degree()])
    assert degree_statistics(pairs[:, 0], pairs[:, 1]) == pytest.approx(
        {
            "degree_mean": 2 * graph.number_of_edges() / graph.number_of_nodes(),
            "degree_max": degree.max(),
            "dead_ends_share": np.mean(degree == 1),
            "crossroads_share": np.mean(degree >= 4),
        }
    )
    assert np.isnan(list(degree_statistics(np.array([], int), np.array([], int)).values())).all()


def test_engel_and_goltz_by_hand_and_their_units() -> None:
    """Ten times the area and a tenth of the people: Engel's number stays, the densities do not."""
    table = pd.DataFrame(
        {"belt_area_km2": [1e4, 1e5, 5e3], "road_km": [200.0, 200.0, 7.0], "rail_km": [0.0, 50.0, 3.0]}
    )
    towns = pd.DataFrame({"region": ["p"] * 4 + ["q"], "population": [10_000] * 4 + [4_000]})
    found = supply_of_people(table, pd.Series(["p", "q", "nobody"]), towns)
    assert found["settlements"].tolist() == [4, 1, 0]
    assert found["settlements_population"].tolist() == [40_000, 4_000, 0]
    assert found["road_km_per_10000people"].tolist() == pytest.approx([50, 500, NAN], nan_ok=True)
    engel = found["road_engel_km_per_sqrt_100km2_10000people"]
    assert engel.tolist() == pytest.approx([10, 10, NAN], nan_ok=True)
    density = 1000 * table["road_km"] / table["belt_area_km2"]
    per_person = found["road_km_per_10000people"]
    # L/√(SP) is the mean of both densities by multiplication: per 100 km² and per 10,000 people.
    assert engel[:2].tolist() == pytest.approx(np.sqrt(density / 10 * per_person)[:2].tolist())
    assert found["road_goltz"].tolist() == pytest.approx([1, 200 / np.sqrt(1e5), NAN], nan_ok=True)
    assert found["rail_goltz"].tolist() == pytest.approx([0, 50 / np.sqrt(1e5), NAN], nan_ok=True)


def three_roads(**options: object) -> Network:
    """Three roads over the line at 0, 0.1 (the other carriageway) and 60 km.

    The last has no checkpoint; one post is off the roads.
    """
    nodes = [(s, t) for t in (0.0, 0.1, 60.0) for s in (-100.0, -5.0, 5.0, 100.0)]
    ends = [(4 * k + i, 4 * k + i + 1) for k in range(3) for i in range(3)]
    land = drawn_land(
        nodes,
        [*ends, (0, 4), (0, 8), (3, 7), (3, 11)],
        [(0.0, 0.0), (0.0, -110.0), (0.0, 110.0)],
        [(-100.0, 5.0), (100.0, 5.0)],
        is_open=[True, True, False],
        **options,
    )
    return network_of(land)


def test_a_pair_of_regions_by_hand() -> None:
    network = three_roads()
    border = network_border(network)
    row = facing_pairs(network, border).iloc[0]
    km = float(border["length_km"].sum())
    assert row["border_km"] == pytest.approx(km)
    assert (row["checkpoints"], row["checkpoints_open"], row["road_open"], row["road_closed"]) == (3, 2, 2, 1)
    assert (row["rail_open"], row["river_open"]) == (0, 0)
    assert row["checkpoints_per_100km"] == pytest.approx(200 / km)
    assert (row["crossings"], row["crossings_open"]) == (2, 1)
    assert (row["road_links_across"], row["rail_links_across"]) == (2, 0), "two carriageways are one link"


def network_border(network: Network) -> gpd.GeoDataFrame:
    return border_line(network.base.regions, ("RU", "KZ"))


def test_segments_by_hand() -> None:
    """The border is 300 km long, from −150 to 150 km: posts at 0, −110 (open) and 110 (closed)."""
    network = three_roads()
    segments = border_segments(network_border(network), length_km=50.0)
    table = segment_connectivity(network, segments)
    assert table["checkpoints"].sum() == 3
    lat = segments["lat"].to_numpy()
    order = np.argsort(lat)
    found = table.iloc[order]
    assert found["road_closed"].tolist() == [0, 0, 0, 0, 0, 1]
    assert found["road_open"].to_numpy()[[0, 1, 4, 5]].tolist() == [1, 0, 0, 0]
    assert found["crossings"].sum() == 2
    middle = [-125, -75, -25, 25, 75, 125]
    expected = [min(abs(t), abs(t + 110)) for t in middle]
    assert found["open_road_checkpoint_km"].tolist() == pytest.approx(expected, abs=1.0)


@pytest.mark.parametrize("seed", SEEDS)
def test_each_checkpoint_and_crossing_counts_once_whatever_the_pieces(seed: int) -> None:
    made = case(seed)
    network = made.network
    pairs = facing_pairs(network, made.border)
    pieces = segment_connectivity(network, border_segments(made.border, length_km=40.0))
    real = network.crossings[~network.crossings["by_connector"].astype(bool)]
    for table in (pairs, pieces):
        assert table["checkpoints"].sum() == len(network.checkpoints)
        assert table["checkpoints_open"].sum() == network.checkpoints["open"].sum()
        modes = table[[f"{m}_{s}" for m in ("road", "rail", "river") for s in ("open", "closed")]].to_numpy()
        assert modes.sum(axis=1).tolist() == table["checkpoints"].tolist()
        assert table["crossings"].sum() == len(real)
        assert table["crossings_open"].sum() == (real["status"] == "open").sum()
    columns = ["road_links_across", "rail_links_across"]
    assert pairs[columns].sum().tolist() == pieces[columns].sum().tolist()
    assert 1 <= pairs["rail_links_across"].sum() <= 2
    assert pieces["border_km"].sum() == pytest.approx(pairs["border_km"].sum(), rel=1e-3)


@pytest.mark.filterwarnings("ignore")  # momepy's own, not ours
def test_kansky_agrees_with_momepy_on_a_connected_graph_without_chains() -> None:
    """momepy's meshedness, gamma and edge–node ratio of a radius that takes all in.

    They are (e − v + 1)/(2v − 5), e/(3(v − 2)) and e/v.
    """
    momepy = pytest.importorskip("momepy", reason="momepy is not installed")
    graph = nx.wheel_graph(9)
    graph.add_edges_from([(0, 20), (1, 21)])  # two dead ends
    ends = np.array(graph.edges)
    found = kansky(ends[:, 0], ends[:, 1], np.ones(len(ends)))
    whole = 10 * graph.number_of_nodes()
    for ours, name in (("alpha", "meshedness"), ("gamma", "gamma"), ("beta", "edge_node_ratio")):
        told = getattr(momepy, name)(graph, radius=whole, verbose=False)
        assert found[f"kansky_{ours}"] == pytest.approx(next(iter(nx.get_node_attributes(told, name).values())))
