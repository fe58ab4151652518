"""Connectors: capped, reported, never over the border."""

from __future__ import annotations

from dataclasses import replace

import geopandas as gpd
import numpy as np
import pytest
import shapely
from pyproj import Geod

from layers.checkpoints import with_waits
from layers.errors import PlaceError
from network.build import build_network
from network.connectors import CONNECTOR_KPH, nearest_way_km
from network.edits import add_checkpoints, new_checkpoint
from network.joining import DETOUR, ConnectorLimits
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

GEOD = Geod(ellps="WGS84")
LINE = [(0.0, -150.0), (0.0, 150.0)]
ROADS = ([(-60.0, -140.0), (-60.0, 140.0), (40.0, 140.0), (40.0, -140.0)], [(0, 1), (1, 2), (2, 3)])


def land_of(
    towns: list[tuple[float, float]],
    countries: list[str],
    *,
    line: list[tuple[float, float]] = LINE,
    posts: list[tuple[float, float]] | None = None,
) -> Land:
    roads = edges_of(PLAIN, *ROADS)
    rail = edges_of(PLAIN, [(-70.0, -140.0), (-70.0, 0.0)], [(0, 1)], "railways")
    return Land(
        regions=regions_of(PLAIN, line, ("RU", "KZ")),
        roads=roads,
        railways=rail,
        checkpoints=checkpoints_of(PLAIN, posts or [(0.0, 140.0)]),
        settlements=settlements_of(PLAIN, towns, countries),
        countries=("RU", "KZ"),
    )


def nearest_m(place: tuple[float, float], along: float, end: float = 140.0) -> float:
    """Return the geodesic distance of a place to a road along t at s = `along`, by trying every 10 m."""
    (x, y) = PLAIN.lonlat(*place)[0]
    t = np.arange(place[1] - 20, place[1] + 20, 0.01)
    ends = PLAIN.lonlat(along, np.array([-140.0, end]))
    azimuth, _, length = GEOD.inv(*ends[0], *ends[1])
    lon, lat, _ = GEOD.fwd(
        np.full(len(t), ends[0, 0]),
        np.full(len(t), ends[0, 1]),
        np.full(len(t), azimuth),
        (t + 140) / (end + 140) * length,
    )
    return float(np.min(GEOD.inv(np.full(len(t), x), np.full(len(t), y), lon, lat)[2]))


def test_a_settlement_joins_the_nearest_road_and_the_distance_is_reported() -> None:
    towns = [(-100.0, 20.0), (-60.0, 33.0), (70.0, -40.0)]
    network = network_of(land_of(towns, ["RU", "RU", "KZ"]))
    expected = [nearest_m(towns[0], -60) / 1000, 0, nearest_m(towns[2], 40) / 1000]
    assert network.settlements["snap_km"].to_numpy() == pytest.approx(expected, rel=5e-3, abs=0.02)
    links = network.links[(network.links["kind"] == "connector") & (network.links["mode"] == "road")]
    for node, km in zip(network.settlements["node"], network.settlements["snap_km"], strict=True):
        own = links[(links["u"] == node)]
        assert own["length_m"].tolist() == pytest.approx([km * 1000 * DETOUR])
        assert own["time_min"].tolist() == pytest.approx([km * DETOUR / CONNECTOR_KPH * 60])
        assert own["speed_source"].tolist() == ["assumption"]


def test_the_reach_of_a_connector_is_capped() -> None:
    towns = [(-160.5, 0.0), (-159.0, 0.0)]
    network = network_of(land_of(towns, ["RU", "RU"]), limits=ConnectorLimits(settlement_km=100.0))
    snap = network.settlements["snap_km"]
    assert np.isnan(snap[0])
    assert snap[1] == pytest.approx(99, rel=5e-3)
    assert network.report["settlements_beyond_the_road_connector"] == 1
    # How far the road lies from who does not join it is told all the same.
    road = network.settlements["nearest_road_km"]
    assert road[0] == pytest.approx(100.5, rel=5e-3)
    assert road[1] == snap[1]
    far = nearest_way_km(network.tables, "road", PLAIN.lonlat(300.0, 0.0), np.array(["b"], dtype=object))
    assert far == pytest.approx(260, rel=5e-3)
    reached = compile_router(network, "any").table(
        network.settlements["node"], network.settlements["node"], "borderless_min"
    )
    assert np.isinf(reached[0, 1])
    assert np.isinf(reached[1, 0])


def test_a_settlement_by_a_foreign_road_joins_its_own_country() -> None:
    network = network_of(land_of([(-1.0, 0.0), (39.0, 50.0)], ["RU", "RU"]))
    assert network.settlements["snap_km"][0] == pytest.approx(59, rel=5e-3)
    side = network.nodes["side"].to_numpy()
    for link in network.links.query("kind in ['connector', 'transfer']").itertuples():
        assert side[link.u] == side[link.v]


def test_a_connector_through_a_bay_of_the_neighbour_is_refused_for_a_longer_one() -> None:
    # b reaches 40 km into a between the town and the road west of it.
    bay = [
        (0.0, -150.0),
        (0.0, -30.0),
        (-50.0, -30.0),
        (-50.0, 30.0),
        (-30.0, 30.0),
        (-30.0, -10.0),
        (0.0, -10.0),
        (0.0, 150.0),
    ]
    town = (-22.0, 20.0)
    pieces = [(-60.0, float(t)) for t in range(-140, 141, 10)]
    roads = edges_of(PLAIN, pieces, [(i, i + 1) for i in range(len(pieces) - 1)])
    network = network_of(replace(land_of([town, (60.0, 0.0)], ["RU", "KZ"], line=bay), roads=roads))
    # Straight to the west it would be 38 km, half of them abroad.
    assert network.settlements["snap_km"][0] > 39
    node = network.settlements["node"][0]
    connector = network.links[(network.links["kind"] == "connector") & (network.links["u"] == node)]["geometry"].iloc[0]
    abroad = shapely.intersection(connector, network.base.regions.query("side == 'b'").geometry.iloc[0])
    assert GEOD.geometry_length(abroad) <= 5_000


@pytest.mark.parametrize("seed", range(6))
def test_no_connector_leaves_its_side_and_none_is_longer_than_its_limit(seed: int) -> None:
    network = random_network(seed)
    side = network.nodes["side"].to_numpy()
    links = network.links[network.links["kind"].isin(["connector", "transfer"])]
    assert len(links) > 0
    assert (side[links["u"]] == side[links["v"]]).all()
    assert not links["crossing"].any()
    xy = network.nodes[["x", "y"]].to_numpy(float)
    straight = GEOD.inv(*xy[links["u"]].T, *xy[links["v"]].T)[2] / 1000
    assert links["length_m"].to_numpy() == pytest.approx(straight * 1000 * DETOUR)
    assert straight.max() <= network.limits.checkpoint_km
    assert (network.settlements["snap_km"].dropna() <= network.limits.settlement_km).all()


def test_a_checkpoint_off_the_network_is_joined_on_both_sides() -> None:
    post = (2.0, 10.0)
    network = network_of(land_of([(-100.0, 0.0), (80.0, 0.0)], ["RU", "KZ"], posts=[post]))
    row = network.checkpoints.iloc[0]
    assert row["joined_by"] == "connector"
    assert row["connector_a_km"] == pytest.approx(nearest_m(post, -60) / 1000, rel=5e-3)
    assert row["connector_b_km"] == pytest.approx(nearest_m(post, 40) / 1000, rel=5e-3)
    crossing = network.crossings[network.crossings["checkpoints"].map(lambda ids: ids == ("c0",))]
    assert crossing["by_connector"].tolist() == [True]
    assert crossing["status"].tolist() == ["open"]
    a, b = network.settlements["node"]
    for origin, target in ((a, b), (b, a)):
        way = compile_router(network, "road").path(origin, target, "actual_min")
        assert way is not None
        assert way.checkpoints == ("c0",)
        assert way.wait_min == row["wait_min"]


def test_a_checkpoint_out_of_reach_is_joined_by_nothing_and_reported() -> None:
    land = land_of([(-100.0, 0.0), (80.0, 0.0)], ["RU", "KZ"], posts=[(0.0, 0.0)])
    network = network_of(land, limits=ConnectorLimits(checkpoint_km=50.0))
    row = network.checkpoints.iloc[0]
    assert row["joined_by"] == "nothing"
    assert np.isnan(row["connector_a_km"])
    assert row["connector_b_km"] == pytest.approx(40, rel=5e-3)
    assert network.report["checkpoints_without_network"] == ["c0"]


def test_anchors_lie_on_the_road_and_cost_it_nothing() -> None:
    towns = [(-100.0, t) for t in (-80.0, 10.0, 70.0)]
    network = network_of(land_of(towns, ["RU"] * 3))
    anchors = network.nodes[network.nodes["kind"] == "anchor"]
    assert len(anchors) == 3
    ground = network.links[(network.links["mode"] == "road") & (network.links["kind"] == "trunk")]
    source = edges_of(PLAIN, *ROADS)
    assert ground["length_m"].sum() == pytest.approx(source["length_m"].sum(), rel=1e-9)


def test_a_settlement_by_the_railway_has_a_station_and_a_transfer_that_cost_boarding() -> None:
    network = network_of(land_of([(-72.0, -60.0), (-100.0, -60.0)], ["RU", "RU"]))
    stations = network.settlements["station_km"]
    assert stations[0] == pytest.approx(nearest_m((-72.0, -60.0), -70.0, 0.0) / 1000, rel=5e-3)
    assert np.isnan(stations[1])
    node, boarding = network.settlements["node"][0], network.limits.boarding_min
    rail = network.links.query("mode == 'rail' and kind == 'connector'")
    assert rail["u"].tolist() == [node]
    assert rail["time_min"].tolist() == pytest.approx([boarding + stations[0] * DETOUR / CONNECTOR_KPH * 60])
    transfer = network.links.query("mode == 'transfer'")
    assert len(transfer) == 1
    assert transfer["time_min"].iloc[0] > 2 * boarding


def stations_of(places: list[tuple[float, float]], **columns: object) -> gpd.GeoDataFrame:
    return gpd.GeoDataFrame(columns, geometry=shapely.points(PLAIN.lonlat(*np.array(places, float).T)), crs="EPSG:4326")


def test_a_settlement_boards_at_the_nearest_station_where_stations_are_known() -> None:
    # The railway runs along s = −70 from t = −140 to 0; the second station is 300 m beside it, the third on no track.
    stations = stations_of([(-70.0, -65.0), (-69.7, -20.0), (-78.0, -100.0)], kind=["station", "halt", "station"])
    towns = [(-72.0, -60.0), (-75.0, -18.0), (-78.0, -100.5), (-70.0, -45.0)]
    land = land_of(towns, ["RU"] * 4)
    network = build_network(ground_of(land).base, with_waits(land.checkpoints), land.settlements, stations=stations)
    km = network.settlements["station_km"].to_numpy()
    xy = [PLAIN.lonlat(*p)[0] for p in ((-72.0, -60.0), (-70.0, -65.0), (-75.0, -18.0), (-70.0, -20.0))]
    assert km[0] == pytest.approx(GEOD.inv(*xy[0], *xy[1])[2] / 1000, rel=1e-3)
    assert km[1] == pytest.approx(GEOD.inv(*xy[2], *xy[3])[2] / 1000, rel=5e-3)
    # A station away from the track is none, and a town on the track without one within 10 km has none.
    assert np.isnan(km[2:]).all()
    rail = network.links.query("mode == 'rail' and kind == 'connector'")
    assert rail["u"].tolist() == network.settlements["node"].tolist()[:2]
    assert rail["time_min"].tolist() == pytest.approx(
        network.limits.boarding_min + km[:2] * DETOUR / CONNECTOR_KPH * 60
    )
    assumed = network_of(land).settlements["station_km"]
    assert assumed.notna().tolist() == [True, True, True, True]


def test_a_station_across_the_border_serves_nobody_on_this_side() -> None:
    rail = edges_of(PLAIN, [(-100.0, 0.0), (-6.0, 0.0), (8.0, 0.0), (100.0, 0.0)], [(0, 1), (1, 2), (2, 3)], "railways")
    land = replace(land_of([(-9.0, 1.0), (12.0, 1.0)], ["RU", "KZ"]), railways=rail)
    stations = stations_of([(10.0, 0.0)])
    limits = ConnectorLimits(station_km=50.0)
    network = build_network(
        ground_of(land).base, with_waits(land.checkpoints), land.settlements, stations=stations, limits=limits
    )
    assert network.settlements["station_km"].notna().tolist() == [False, True]


def test_a_source_that_names_no_stop_leaves_the_assumption() -> None:
    land = land_of([(-72.0, -60.0)], ["RU"])
    for stations in (stations_of([(0.0, 0.0)], kind=["border"]), stations_of([(0.0, 0.0)]).iloc[:0]):
        base = replace(ground_of(land).base)
        network = build_network(base, with_waits(land.checkpoints), land.settlements, stations=stations)
        assert network.base.stations is None
        assert network.settlements["station_km"].notna().all()


def test_stations_of_the_base_outlive_a_rebuild() -> None:
    stations = stations_of([(-70.0, -65.0)], kind=["station"])
    land = land_of([(-72.0, -60.0), (-70.0, -20.0)], ["RU", "RU"])
    network = build_network(ground_of(land).base, with_waits(land.checkpoints), land.settlements, stations=stations)
    again = add_checkpoints(network, new_checkpoint(network, *PLAIN.lonlat(0.0, 20.0)[0]))
    assert again.settlements["station_km"].tolist() == pytest.approx(
        network.settlements["station_km"].tolist(), nan_ok=True
    )
    assert again.settlements["station_km"].notna().tolist() == [True, False]


def test_a_checkpoint_far_from_the_roads_is_not_modelled_but_keeps_its_distances() -> None:
    # 62 km from the road of a, 38 km from that of b.
    land = land_of([(-100.0, 0.0), (80.0, 0.0)], ["RU", "KZ"], posts=[(2.0, 10.0)])
    network = network_of(land, limits=ConnectorLimits(checkpoint_modelled_km=50.0))
    row = network.checkpoints.iloc[0]
    assert row["joined_by"] == "not modelled"
    assert row["connector_a_km"] == pytest.approx(nearest_m((2.0, 10.0), -60) / 1000, rel=5e-3)
    assert row["connector_b_km"] == pytest.approx(nearest_m((2.0, 10.0), 40) / 1000, rel=5e-3)
    assert network.report["checkpoints_not_modelled"] == ["c0"]
    assert network.report["checkpoints_without_network"] == []
    assert not (network.links["kind"] == "gate").any()
    with pytest.raises(
        PlaceError, match=r"stands 60 km from the roads of the data.*not modelled.*checkpoint_modelled_km"
    ):
        add_checkpoints(network, new_checkpoint(network, *PLAIN.lonlat(0.0, 20.0)[0]))
