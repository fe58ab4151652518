"""Works on the ground equal a network whose layers held them from the start."""

from __future__ import annotations

from dataclasses import replace

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely

from layers.crs import WGS84
from layers.errors import PlaceError
from layers.schema import validate
from network.border import main_components
from network.build import FIELDS, Network
from network.edits import add_checkpoints, new_checkpoint, set_capacity, set_hours, set_wait
from network.works import build_way, built_again, scale_speeds, upgrade_ways
from tests.analysis.helpers import drawn_land, drive_min
from tests.borders import PLAIN, ROUNDED, Land, network_of, random_land, random_network
from tests.network.test_edits import same, times

SEEDS = range(6)


def ends_of(network: Network, seed: int, *, across: bool) -> tuple[list[tuple[float, float]], list[str]]:
    """Return two junctions of the roads' main network, far enough apart, and what the source calls them."""
    tables = network.base.tables
    links = tables.links[main_components(tables, "road") & (tables.links["crossing_id"] == "").to_numpy()]
    nodes = tables.nodes.loc[np.unique(links[["u", "v"]])].query("kind == 'road'")
    rng = np.random.default_rng(seed)
    a, b = (nodes[nodes["side"] == s].sample(frac=1.0, random_state=seed) for s in ("a", "b"))
    two = pd.concat([a.head(1), b.head(1)]) if across else a.head(2) if rng.integers(2) else b.head(2)
    return [(float(x), float(y)) for x, y in two[["x", "y"]].to_numpy()], two["ref"].tolist()


def with_road(land: Land, ends: list[tuple[float, float]], refs: list[str], **columns: object) -> Land:
    """Return the land whose roads have one more, straight between two junctions."""
    row = {"u": [int(refs[0])], "v": [int(refs[1])], "length_m": [0.0], "kind": ["primary"], **columns}
    made = gpd.GeoDataFrame(row, geometry=[shapely.LineString(ends)], crs=WGS84)
    both = pd.concat([land.roads, validate(made, "roads", "test")], ignore_index=True)
    return replace(land, roads=gpd.GeoDataFrame(both, crs=WGS84))


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("across", [False, True])
def test_a_road_equals_a_layer_that_held_it(seed: int, across: bool) -> None:
    land, network = random_land(seed), random_network(seed)
    ends, refs = ends_of(network, seed, across=across)
    try:
        base, told = build_way(network.base, ends)
    except PlaceError as error:
        # A straight way between two places of one side may lead through the neighbour, which is refused.
        assert "on the other side" in str(error)
        return
    edited, whole = built_again(network, base), network_of(with_road(land, ends, refs))
    assert told["kph"] == pytest.approx(75.0) or told["kph"] < 75.0
    for field in FIELDS.values():
        assert same(times(edited, field), times(whole, field))
    if across:
        lon, lat = network.crs and shapely.LineString(ends).interpolate(0.5, normalized=True).coords[0]
        posts = [new_checkpoint(n, lon, lat, wait_min=5.0) for n in (edited, whole)]
        opened = [add_checkpoints(n, p) for n, p in zip((edited, whole), posts, strict=True)]
        for field in FIELDS.values():
            assert same(times(opened[0], field), times(opened[1], field))


@pytest.mark.parametrize("seed", SEEDS)
def test_building_again_on_the_same_ground_changes_nothing(seed: int) -> None:
    network = random_network(seed)
    again = built_again(network, network.base)
    pd.testing.assert_frame_equal(again.links, network.links)
    pd.testing.assert_frame_equal(again.checkpoints, network.checkpoints, check_like=True)


BOX = drawn_land(
    [(-60, -60), (-60, 60), (60, -60), (60, 60)],
    [(0, 1), (2, 3), (0, 2)],
    [(0, -60)],
    [(-60, 60), (60, 60)],
    waits=[30.0],
    kind="trunk",
)
"""A road along each side, joined by one crossing in the south; the towns stand in the north."""


def test_a_road_over_the_line_is_closed_until_a_post_stands_on_it() -> None:
    network = network_of(BOX)
    around = times(network)[0, 1]
    points = [tuple(p) for p in PLAIN.lonlat([-60, 60], [60, 60])]
    base, told = build_way(network.base, points, kph=100.0)
    built = built_again(network, base)
    assert told["length_km"] == pytest.approx(drive_min((-60, 60), (60, 60), kph=60.0), rel=1e-3)
    assert times(built)[0, 1] == pytest.approx(around)
    lon, lat = PLAIN.lonlat(0, 60)[0]
    opened = add_checkpoints(built, new_checkpoint(built, lon, lat, wait_min=10.0))
    assert opened.checkpoints.set_index("checkpoint_id").loc["new-1", "joined_by"] == "crossing"
    assert times(opened)[0, 1] == pytest.approx(drive_min((-60, 60), (60, 60), kph=100.0) + 10, rel=1e-3)


def test_a_post_on_its_own_road_takes_no_crossing_nearby() -> None:
    network = network_of(BOX)
    lon, lat = PLAIN.lonlat(0, -50)[0]
    beside = add_checkpoints(network, new_checkpoint(network, lon, lat, wait_min=0.0))
    own = add_checkpoints(network, new_checkpoint(network, lon, lat, wait_min=0.0, own_road=True, road_kph=90.0))
    joined = [n.checkpoints.set_index("checkpoint_id").loc["new-1", "joined_by"] for n in (beside, own)]
    assert joined == ["crossing", "connector"]
    roads = own.links[(own.links["kind"] == "connector") & (own.links["speed_kph"] == 90.0)]
    assert len(roads) >= 2
    assert roads["time_min"].to_numpy() == pytest.approx(roads["length_m"].to_numpy() / 1500)


def test_speeds_are_scaled_where_the_area_is() -> None:
    network = network_of(BOX)
    free = times(network, "open_min")[0, 1]
    south = drive_min((-60, -60), (60, -60))
    half = shapely.Polygon(PLAIN.lonlat([-61, 0, 0, -61], [-70, -70, -50, -50]))
    slow = built_again(network, scale_speeds(network.base, 0.5, area=half))
    # Of the southern road the western half takes twice as long; some of the western road too (10 km of it).
    more = south / 2 + drive_min((-60, -60), (-60, -50))
    assert times(slow, "open_min")[0, 1] == pytest.approx(free + more, rel=2e-3)
    everywhere = built_again(network, scale_speeds(network.base, 2.0))
    connectors = network.links["kind"].eq("connector") & (network.links["time_min"] > 0)
    # Half of a rounded cost, and the cost of half the minutes rounded: three quarters of a thousandth for each link.
    bound = 1.5 * ROUNDED * len(network.links)
    assert times(everywhere, "open_min")[0, 1] == pytest.approx(free / 2, abs=bound) or connectors.any()


def test_an_upgrade_sets_speed_or_class() -> None:
    network = network_of(BOX)
    area = shapely.Polygon(PLAIN.lonlat([-70, 70, 70, -70], [-70, -70, 70, 70]))
    fast, motorway = (
        built_again(network, upgrade_ways(network.base, area=area, **how))
        for how in ({"kph": 100.0}, {"kind": "motorway"})
    )
    assert times(fast)[0, 1] < times(network)[0, 1]
    roads = fast.base.tables.links
    assert (roads["speed_kph"] - 100).abs().max() < 1e-6
    assert set(roads["speed_source"]) == {"the scenario"}
    assert times(motorway)[0, 1] < times(network)[0, 1]


def test_what_can_not_be_built_is_refused() -> None:
    base = network_of(BOX).base
    at = PLAIN.lonlat
    p = [tuple(x) for x in at([-60, -60, -20, -250], [0, 30, 0, 0])]
    for points, more, message in (
        ([p[0], p[2]], {}, r"km from every road of the data: allowed is 5 km"),
        ([p[0]], {}, "of 1 points: allowed are two"),
        ([p[0], p[0]], {}, "begins and ends at one place"),
        ([p[0], p[1]], {"kph": 300.0}, "at 300 km/h: allowed is 1 to 150"),
        ([p[0], p[1]], {"kind": "boulevard"}, "a class 'boulevard': allowed are"),
        ([p[0], (0.0, 0.0)], {}, "outside the two countries or in the sea"),
        ([p[0], tuple(at(60, 0)[0]), p[1]], {}, "on the other side"),
    ):
        with pytest.raises(PlaceError, match=message):
            build_way(base, points, **more)  # type: ignore[arg-type]
    with pytest.raises(PlaceError, match=r"no road of the data lies there"):
        scale_speeds(base, 0.5, area=shapely.Polygon(at([10, 20, 20], [10, 10, 20])))
    with pytest.raises(PlaceError, match="allowed is a speed or a class"):
        upgrade_ways(base, area=shapely.Polygon(at([10, 20, 20], [10, 10, 20])))
    with pytest.raises(PlaceError, match="no way of the data has the OpenStreetMap id 7"):
        upgrade_ways(base, kph=50.0, osm_ids=[7])


def test_a_wait_of_one_direction() -> None:
    network = network_of(BOX)
    slow = set_wait(network, "c0", 90.0, direction="b to a")
    there, back = times(slow)[0, 1], times(slow)[1, 0]
    assert back - there == pytest.approx(60.0)
    assert there == pytest.approx(times(network)[0, 1])
    assert slow.checkpoints["wait_min"].tolist() == [60.0]
    with pytest.raises(PlaceError, match="allowed are both, a to b, b to a"):
        set_wait(network, "c0", 1.0, direction="out")


def test_hours_and_capacity() -> None:
    network = network_of(BOX)
    day = set_hours(network, "c0", "09:00-21:00", closed_hours="even")
    row = day.checkpoints.iloc[0]
    assert row["hours_open_share"] == 0.5
    assert row["wait_min"] == pytest.approx(30 + row["hours_even_min"])
    assert times(day)[0, 1] == pytest.approx(times(network)[0, 1] + row["hours_even_min"])
    assert same(times(set_hours(day, "c0", "24/7", closed_hours="even")), times(network))
    assert set_capacity(network, "c0", 250.0).checkpoints["capacity_per_day"].tolist() == [250.0]
    for wrong in (lambda: set_hours(network, "c0", "now and then"), lambda: set_capacity(network, "c0", 0.0)):
        with pytest.raises(PlaceError):
            wrong()
