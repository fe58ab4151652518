"""The built network: what holds on every border."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import networkx as nx
import numpy as np
import osmnx
import pytest
import shapely
from numpy.typing import NDArray
from pyproj import Geod

from layers.errors import NetworkError
from network.build import FIELDS, Network, build_base
from network.graph import to_graph
from network.routing import compile_router
from tests.borders import (
    PLAIN,
    ROUNDED,
    Land,
    edges_of,
    ground_of,
    joined_nodes,
    network_of,
    random_land,
    random_network,
    settlements_of,
    shuffled,
)

GEOD = Geod(ellps="WGS84")
SEEDS = range(12)


def times(network: Network, field: str, mode: str = "any") -> NDArray[np.float64]:
    nodes = joined_nodes(network)
    return compile_router(network, mode).table(nodes, nodes, field)  # type: ignore[arg-type]


@pytest.mark.parametrize("seed", SEEDS)
def test_no_network_is_faster_than_one_with_fewer_hindrances(seed: int) -> None:
    network = random_network(seed)
    nodes = np.unique(network.links[["u", "v"]])
    for mode in ("road", "rail", "any"):
        router = compile_router(network, mode)  # type: ignore[arg-type]
        free, opened, actual = (router.table(nodes, nodes, FIELDS[n]) for n in ("borderless", "open", "actual"))
        assert (free <= opened * (1 + 1e-12)).all()
        assert (opened <= actual * (1 + 1e-12)).all()
        assert np.isfinite(free).sum() > len(nodes)


@pytest.mark.parametrize("seed", SEEDS)
def test_no_way_is_shorter_than_the_geodesic(seed: int) -> None:
    network = random_network(seed)
    router = compile_router(network, "any")
    xy = network.nodes[["x", "y"]].to_numpy(float)[router.nodes]
    ways = router.table(router.nodes, router.nodes, "length_m:borderless")
    i, j = np.nonzero(np.isfinite(ways))
    straight = GEOD.inv(*xy[i].T, *xy[j].T)[2]
    # A way has fewer links than there are nodes, each rounded to a millimetre.
    assert (ways[i, j] >= straight * (1 - 1e-9) - ROUNDED * len(router.nodes)).all()


def test_no_way_is_shorter_than_the_geodesic_where_the_source_measured_short() -> None:
    land = random_land(0)
    bow = shapely.LineString(PLAIN.lonlat([-90, -60, -30], [0, 60, 0]))
    roads = edges_of(PLAIN, [(-90, 0), (-30, 0), (30, 0)], [(0, 1), (1, 2)])
    roads = roads.set_geometry([bow, roads.geometry[1]], crs=roads.crs)
    ground = ground_of(
        replace(land, regions=_plain_regions(), roads=roads, railways=roads.iloc[:0], countries=("RU", "KZ"))
    )
    links = ground.base.tables.links
    # The drawn line is no longer than the road: a length that says so is taken for a slip of the source.
    assert links["length_m"][0] >= GEOD.geometry_length(bow) * (1 - 1e-9)


def _plain_regions() -> object:
    from tests.borders import regions_of

    return regions_of(PLAIN, [(0.0, -150.0), (0.0, 150.0)], ("RU", "KZ"))


@pytest.mark.parametrize("seed", SEEDS)
def test_the_order_and_the_numbers_of_the_source_change_no_time(seed: int) -> None:
    network, other = random_network(seed), network_of(shuffled(random_land(seed), seed + 1))
    for field in FIELDS.values():
        for mode in ("road", "rail", "any"):
            one, two = times(network, field, mode), times(other, field, mode)
            assert (np.isfinite(one) == np.isfinite(two)).all()
            assert two[np.isfinite(two)] == pytest.approx(one[np.isfinite(one)], rel=1e-9, abs=1e-9)
    for column in ("joined_by", "match_km", "connector_a_km", "crossings"):
        before, after = (n.checkpoints.set_index("checkpoint_id")[column].sort_index() for n in (network, other))
        assert before.index.equals(after.index)
        if column in ("joined_by", "crossings"):
            assert before.tolist() == after.tolist()
        else:
            assert after.to_numpy() == pytest.approx(before.to_numpy(), nan_ok=True, rel=1e-7)


@pytest.mark.parametrize("seed", SEEDS)
def test_the_cost_fields_are_one_link_three_times(seed: int) -> None:
    links = random_network(seed).links
    for name in ("open", "actual"):
        assert (links[FIELDS[name]] >= links["borderless_min"]).all()
    # Only a post on assumed connectors that is closed in the study is no road even without a border.
    absent = ~np.isfinite(links["borderless_min"])
    assert (absent == ~links["base_open"]).all()
    assert (links.loc[absent, "kind"] == "gate").all()
    shut = ~np.isfinite(links["open_min"])
    assert (shut == ~links["passable"]).all()
    assert (shut == np.isinf(links["actual_min"])).all()
    assert links.loc[shut, "crossing"].all()
    # A wait belongs to a gate alone.
    waits = links["actual_min"][~shut] - links["open_min"][~shut]
    assert (waits[links["kind"][~shut] != "gate"] == 0).all()
    assert (links.loc[links["kind"] == "gate", "length_m"] == 0).all()


@pytest.mark.parametrize("seed", SEEDS)
def test_only_links_over_the_line_are_crossings(seed: int) -> None:
    network = random_network(seed)
    side = network.nodes["side"].to_numpy()
    over = side[network.links["u"]] != side[network.links["v"]]
    assert (over == network.links["crossing"]).all()
    assert set(network.links.loc[over, "crossing_id"]) == set(network.crossings["crossing_id"])
    # Who holds a checkpoint of the table's has an open gate or none at all.
    gates = network.links[network.links["kind"] == "gate"]
    is_open = network.checkpoints.set_index("checkpoint_id")["open"]
    assert (gates["passable"].to_numpy() == is_open.loc[gates["checkpoint_id"]].to_numpy()).all()


@pytest.mark.parametrize("seed", SEEDS)
def test_kilometres_of_the_source_are_all_there(seed: int) -> None:
    land, network = random_land(seed), random_network(seed)
    for mode, layer in (("road", land.roads), ("rail", land.railways)):
        ground = network.links[(network.links["mode"] == mode) & ~network.links["kind"].isin(["gate", "connector"])]
        assert ground["length_m"].sum() == pytest.approx(layer["length_m"].sum(), rel=1e-9)


def test_a_border_without_railways_checkpoints_or_crossings_builds() -> None:
    land = random_land(1)
    bare = replace(land, railways=land.railways.iloc[:0], checkpoints=land.checkpoints.iloc[:0])
    network = network_of(bare)
    assert len(network.checkpoints) == 0
    assert (network.crossings["status"] == "closed").all()
    side = network.settlements["side"].to_numpy()
    across = times(network, "actual_min", "road")[np.ix_(side == "a", side == "b")]
    assert np.isinf(across).all()
    inland = ground_of(land)
    nodes = inland.base.tables.nodes
    domestic = land.roads[
        (
            nodes["side"].to_numpy()[inland.base.tables.links["u"]]
            == nodes["side"].to_numpy()[inland.base.tables.links["v"]]
        )[: len(land.roads)]
    ].reset_index(drop=True)
    network = network_of(replace(bare, roads=domestic))
    assert len(network.crossings) == 0
    assert np.isinf(times(network, "borderless_min", "road")[np.ix_(side == "a", side == "b")]).all()


def test_a_network_of_railways_alone_builds() -> None:
    land = random_land(4)
    network = network_of(replace(land, roads=land.roads.iloc[:0]))
    assert set(network.links["mode"]) == {"rail"}
    assert network.settlements["snap_km"].isna().all()


def test_nothing_on_the_two_sides_is_no_network() -> None:
    ground = ground_of(random_land(1))
    far = edges_of(PLAIN, [(0, 0), (10, 0)], [(0, 1)])
    far = far.set_geometry([shapely.LineString([(179, 80), (179.5, 80)])], crs=far.crs)
    with pytest.raises(NetworkError, match="network is empty"):
        build_base(far, far.iloc[:0], ground.regions, ground.border, ground.crs)


def test_a_settlement_of_a_third_country_is_left_out_and_one_over_the_line_counts_to_its_own() -> None:
    land = Land(
        regions=_plain_regions(),  # type: ignore[arg-type]
        roads=edges_of(PLAIN, [(-60, 0), (60, 0)], [(0, 1)]),
        railways=edges_of(PLAIN, [(-60, 0), (60, 0)], [(0, 1)], "railways").iloc[:0],
        checkpoints=random_land(0).checkpoints.iloc[:0],
        settlements=settlements_of(PLAIN, [(-50, 0), (2, 0), (50, 0)], ["MN", "RU", "KZ"]),
        countries=("RU", "KZ"),
    )
    network = network_of(
        replace(land, roads=edges_of(PLAIN, [(-60, 0), (-20, 0), (20, 0), (60, 0)], [(0, 1), (1, 2), (2, 3)]))
    )
    assert network.settlements["side"].tolist() == ["a", "b"]
    assert network.settlements["region"].tolist() == ["RU-1", "KZ-1"]
    assert network.settlements["region_name"].tolist() == ["Region of RU", "Region of KZ"]


def test_the_repr_tells_what_is_there() -> None:
    network = random_network(0)
    said = repr(network)
    assert f"{len(network.nodes):,} nodes" in said
    assert "components" in said
    assert f"{len(network.checkpoints)} checkpoints" in said


# --- the graph


@pytest.mark.parametrize("seed", [0, 3])
def test_osmnx_takes_the_graph(seed: int) -> None:
    network = random_network(seed)
    graph = to_graph(network)
    assert isinstance(graph, nx.MultiDiGraph)
    nodes, edges = osmnx.graph_to_gdfs(graph)
    back = (~network.links["oneway"]).sum()
    assert len(edges) == len(network.links) + back
    assert len(nodes) == len(np.unique(network.links[["u", "v"]]))
    rebuilt = osmnx.graph_from_gdfs(nodes, edges)
    assert set(rebuilt.edges(keys=True)) == set(graph.edges(keys=True))


@pytest.mark.parametrize("seed", [0, 3])
def test_edges_of_the_graph_are_the_links_in_both_directions(seed: int) -> None:
    network = random_network(seed)
    graph = to_graph(network)
    for u, v, data in graph.edges(data=True):
        link = network.links.iloc[data["osmid"]]
        assert (u, v) == ((link["v"], link["u"]) if data["reversed"] else (link["u"], link["v"]))
        assert not (data["reversed"] and link["oneway"])
        assert data["length"] == link["length_m"]
        assert data["travel_time"] == link["time_min"] * 60
        for field in FIELDS.values():
            assert data[field] == link[field]
        assert not any(value is None or value != value for value in data.values())
        if "geometry" in data:
            first, last = (data["geometry"].coords[i] for i in (0, -1))
            assert first == pytest.approx((graph.nodes[u]["x"], graph.nodes[u]["y"]), abs=1e-7)
            assert last == pytest.approx((graph.nodes[v]["x"], graph.nodes[v]["y"]), abs=1e-7)


def test_graphml_brings_the_cost_fields_back(tmp_path: Path) -> None:
    graph = to_graph(random_network(3))
    path = tmp_path / "border.graphml"
    osmnx.save_graphml(graph, path)
    dtypes = dict.fromkeys([*FIELDS.values(), "length_m", "time_min", "wait_min"], float)
    loaded = osmnx.load_graphml(path, edge_dtypes=dtypes)
    assert set(loaded.nodes) == set(graph.nodes)
    seen = set()
    for u, v, key, data in graph.edges(keys=True, data=True):
        for field in FIELDS.values():
            assert loaded.edges[u, v, key][field] == data[field]
            seen.add(np.isfinite(data[field]))
        assert loaded.edges[u, v, key]["checkpoint_id"] == data["checkpoint_id"]
    assert seen == {True, False}
