"""Travel time as a surface: against the network's own times, and by hand."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Any

import geopandas as gpd
import numpy as np
import pytest
import shapely
from affine import Affine
from numpy.typing import NDArray

from analysis.reach import tracks
from analysis.reach.accessibility import Targets
from analysis.reach.decays import exponential
from analysis.reach.surfaces import (
    Surface,
    belt_grid,
    checkpoint_surface,
    city_surface,
    potential_across,
    potential_surface,
    territory_within,
)
from layers.crs import WGS84, project
from layers.errors import LayerError
from layers.regions import border_line
from network.build import FIELDS, Network
from network.connectors import CONNECTOR_KPH, DETOUR
from network.edits import set_open
from network.modes import Mode
from network.routing import compile_router
from network.topology import along
from tests.analysis.helpers import PLAIN, cheapest, drawn_land, network_of, walk
from tests.borders import Land, edges_of, random_land, random_network

CELL_KM = 4.0
WALK = DETOUR / CONNECTOR_KPH * 60
"""Minutes per kilometre over open ground."""
DIRECTIONS = 1 / np.cos(np.arctan(0.5) / 2)
"""Sixteen directions make a way longer than the straight one by this at the most: half the angle between (0, 1) and (1,
2)."""
SEEDS = range(4)


def surface_of(
    land: Land, network: Network, *, mode: Mode = "road", depth_km: float = 80.0, **options: float
) -> Surface:
    border = border_line(land.regions, land.countries)
    size = {"cell_km": CELL_KM, **options}
    return checkpoint_surface(network, compile_router(network, mode), border, depth_km=depth_km, **size)


def centres(surface: Surface) -> NDArray[np.float64]:
    """Return the middle of every cell; the grid stands north up."""
    rows, columns = np.indices(surface.minutes.shape)
    t = surface.transform
    assert (t.b, t.d) == (0, 0)
    return np.stack([t.c + t.a * (columns + 0.5), t.f + t.e * (rows + 0.5)], axis=-1)


def on_the_roads(network: Network, mode: str, side: str) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return places every 200 m along the links of a side, and their minutes to an open post of it by networkx."""
    graph = cheapest(network, mode, "open_min")
    links, sides = network.links, network.nodes["side"].to_numpy()
    gates = links.query("kind == 'gate' and passable and mode == @mode")
    posts = sorted(set(gates["u"][sides[gates["u"]] == side]))
    own = links[
        (links["mode"] == mode)
        & ~links["crossing"]
        & (links["kind"] != "connector")
        & (sides[links["u"]] == side)
        & (sides[links["v"]] == side)
    ]
    reach = dict(zip(graph, walk(graph, list(graph), posts).min(axis=1, initial=np.inf), strict=True))
    xy, minutes = [network.nodes.loc[posts, ["x", "y"]].to_numpy(float)], [np.zeros(len(posts))]
    for link in own.itertuples():
        share = np.linspace(0, 1, 2 + int(link.length_m / 200))
        ahead = reach.get(link.v, np.inf) + (1 - share) * link.time_min
        back = np.inf if link.oneway else reach.get(link.u, np.inf) + share * link.time_min
        xy.append(along(np.repeat(np.array([link.geometry], dtype=object), len(share)), share))
        minutes.append(np.minimum(ahead, back))
    points = project(shapely.points(np.vstack(xy)), WGS84, network.crs)
    return shapely.get_coordinates(points), np.concatenate(minutes)


@pytest.mark.parametrize("seed", SEEDS)
def test_no_cell_is_faster_than_the_best_way_over_ground_and_road(seed: int) -> None:
    land, network = random_land(seed), random_network(seed)
    surface = surface_of(land, network)
    xy, seen = centres(surface), 0
    for side in ("a", "b"):
        polygon = network.base.border.sides[side]
        places, minutes = on_the_roads(network, "road", side)
        reached = np.isfinite(minutes)
        mine = surface.inside & shapely.contains_xy(polygon, xy[..., 0], xy[..., 1]) & np.isfinite(surface.minutes)
        for here, found in zip(xy[mine], surface.minutes[mine], strict=True):
            away = np.hypot(*(places[reached] - here).T) / 1000
            best = (minutes[reached] + away * WALK).min()
            assert found >= best - CELL_KM * WALK
            seen += 1
    assert seen > 200


PLANE_ROAD = [(-70.0, -100.0), (-70.0, 0.0), (70.0, 0.0), (70.0, 100.0)]
PLANE = drawn_land(PLANE_ROAD, [(0, 1), (1, 2), (2, 3)], [(0.0, 0.0)], [(-70.0, -90.0), (70.0, 90.0)], waits=[30.0])


def test_every_cell_is_as_near_as_eight_directions_allow() -> None:
    """Sides of a straight border are convex: a straight walk never leaves them."""
    network = network_of(PLANE)
    surface = surface_of(PLANE, network, limit_km=400.0)
    assert np.isfinite(surface.minutes[surface.inside]).all()
    assert np.isnan(surface.minutes[~surface.inside]).all()
    xy = centres(surface)
    for side in ("a", "b"):
        places, minutes = on_the_roads(network, "road", side)
        mine = surface.inside & shapely.contains_xy(network.base.border.sides[side], xy[..., 0], xy[..., 1])
        for here, found in zip(xy[mine], surface.minutes[mine], strict=True):
            away = np.hypot(*(places - here).T) / 1000
            assert found >= (minutes + away * WALK).min() - CELL_KM * WALK
            assert found <= (minutes + away * WALK * DIRECTIONS).min() + CELL_KM * WALK * DIRECTIONS


def at(surface: Surface, s: float, t: float, network: Network) -> float:
    x, y = shapely.get_coordinates(project(shapely.points(PLAIN.lonlat(s, t)), WGS84, network.crs))[0]
    away = np.abs(centres(surface) - [x, y]).max(axis=-1)
    assert away.min() <= CELL_KM * 500
    return float(surface.minutes[np.unravel_index(away.argmin(), away.shape)])


def test_minutes_grow_away_from_the_road() -> None:
    network = network_of(PLANE)
    surface = surface_of(PLANE, network, limit_km=400.0)
    west = [at(surface, -30.0, t, network) for t in range(2, 62, 4)]
    steps = np.diff(west)
    assert (steps > 0).all()
    # Never faster away than by a straight walk of one cell; slanting towards the post saves some of it, as light bends
    # (Snell): no more than
    # the road's speed allows, but for the cell in which a way leaves the road.
    assert (steps <= CELL_KM * WALK * (1 + 1e-9)).all()
    roads = network.links[network.links["kind"].isin(["primary", "trunk", "secondary"])]
    fastest = (roads["time_min"] / roads["length_m"] * 1000).min()
    slanted = np.sqrt(1 - (fastest / WALK) ** 2)
    assert 14 * slanted * CELL_KM * WALK - CELL_KM * WALK < west[-1] - west[0] < 14 * CELL_KM * WALK


def test_the_surface_holds_no_wait() -> None:
    network = network_of(PLANE)
    surface = surface_of(PLANE, network)
    for s in (-1.0, 1.0):
        assert at(surface, s, 0.0, network) <= 2 * CELL_KM * WALK


def test_no_time_crosses_the_border() -> None:
    """A's road runs to the post along the line; beyond the line b's own way is hours longer."""
    nodes = [(-3.0, -100.0), (-3.0, 0.0), (3.0, 0.0), (70.0, 60.0), (70.0, 130.0)]
    land = drawn_land(nodes, [(0, 1), (1, 2), (2, 3), (3, 4)], [(0.0, 0.0)], [nodes[0], nodes[4]])
    network = network_of(land)
    surface = surface_of(land, network, limit_km=400.0)
    straight = 98 * WALK  # b has no road southwards: it walks
    assert at(surface, -4.0, -98.0, network) < 90
    assert at(surface, 4.0, -98.0, network) > straight - 3 * CELL_KM * WALK


def test_without_an_open_checkpoint_there_is_no_time() -> None:
    network = set_open(network_of(PLANE), ["c0"], False)
    surface = surface_of(PLANE, network)
    assert surface.inside.sum() > 1000
    assert np.isnan(surface.minutes).all()


def test_a_side_without_a_post_stays_empty_even_beside_the_line() -> None:
    """A checkpoint that may be passed from a to b alone: b has roads, but no post to leave by."""
    network = network_of(PLANE)
    links, side = network.links, network.nodes["side"].to_numpy()
    back = (links["kind"] == "gate") & (side[links["u"]] == "b")
    assert back.sum() == 1
    surface = surface_of(PLANE, replace(network, links=links[~back].reset_index(drop=True)), limit_km=400.0)
    xy = centres(surface)
    in_a = shapely.contains_xy(network.base.border.sides["a"], xy[..., 0], xy[..., 1])
    assert np.isfinite(surface.minutes[surface.inside & in_a]).all()
    assert np.isnan(surface.minutes[~in_a]).all()
    assert (surface.inside & ~in_a).sum() > 500
    for t in (0.0, 40.0, -100.0):
        assert np.isfinite(at(surface, -2.5, t, network))
        assert np.isnan(at(surface, 2.5, t, network))


def test_cells_beyond_the_limit_are_empty() -> None:
    network = network_of(PLANE)
    near, far = (surface_of(PLANE, network, limit_km=k) for k in (20.0, 400.0))
    xy = centres(near)
    for side in ("a", "b"):
        places, _ = on_the_roads(network, "road", side)
        mine = near.inside & shapely.contains_xy(network.base.border.sides[side], xy[..., 0], xy[..., 1])
        away = np.array([np.hypot(*(places - here).T).min() for here in xy[mine]]) / 1000
        found = near.minutes[mine]
        assert np.isnan(found[away > 20 + CELL_KM]).all()
        assert np.isfinite(found[away < 20 - CELL_KM]).all()
        assert (away > 20 + CELL_KM).any()
    both = np.isfinite(near.minutes)
    assert near.minutes[both].tolist() == far.minutes[both].tolist()


def test_a_checkpoint_that_no_road_leads_to_is_near_itself() -> None:
    """Seventy kilometres off the roads, joined by connectors: one who stands at it is there."""
    land = drawn_land(PLANE_ROAD, [(0, 1), (1, 2), (2, 3)], [(0.0, 50.0)], [(-70.0, -90.0), (70.0, 90.0)], waits=[30.0])
    network = network_of(land)
    assert network.checkpoints["joined_by"].tolist() == ["connector"]
    surface = surface_of(land, network)
    for s in (-2.0, 2.0):
        assert at(surface, s, 50.0, network) <= 2 * CELL_KM * WALK


def test_by_any_mode_roads_and_railways_count() -> None:
    rails = edges_of(PLAIN, [(-70.0, -100.0), (-5.0, -100.0)], [(0, 1)], "railways")
    land = replace(PLANE, railways=rails)
    network = network_of(land)
    road, every = (surface_of(land, network, mode=m) for m in ("road", "any"))
    known = np.isfinite(road.minutes)
    assert known.any()
    assert np.isfinite(every.minutes[known]).all()
    assert (every.minutes[known] <= road.minutes[known] + 1e-9).all()


def test_the_grid_covers_the_belt_and_no_more() -> None:
    network = network_of(PLANE)
    surface = surface_of(PLANE, network, depth_km=60.0)
    xy = centres(surface)
    line = network.base.border.line
    away = shapely.distance(shapely.points(xy), line) / 1000
    either = shapely.union_all(list(network.base.border.sides.values()))
    land = shapely.contains_xy(either, xy[..., 0], xy[..., 1])
    edge = shapely.distance(shapely.points(xy), shapely.boundary(either)) / 1000
    clear = edge > 0.01
    assert surface.inside[land & clear & (away < 59)].all()
    assert not surface.inside[~land & clear].any()
    assert not surface.inside[away > 60.01].any()
    assert surface.transform.a == -surface.transform.e == CELL_KM * 1000


@pytest.mark.parametrize("cell_km", [0.01, 0.0, -1.0])
def test_a_grid_that_cannot_be_is_refused(cell_km: float) -> None:
    with pytest.raises(LayerError, match="km cells: allowed is more than 0"):
        surface_of(PLANE, network_of(PLANE), cell_km=cell_km)


NAN = float("nan")


def test_territory_within_by_hand() -> None:
    """Three rows of four cells of 1 km; the last column is outside, one cell inside is not reached."""
    minutes = np.array([[10.0, 20.0, 30.0, NAN], [60.0, 61.0, NAN, NAN], [5.0, 5.0, 200.0, NAN]])
    inside = np.array([[True, True, True, False]] * 3)
    surface = Surface(minutes, inside, Affine(1000, 0, 0, 0, -1000, 3000))
    boxes = [
        shapely.box(0, 0, 3000, 3000),  # all nine cells, six within the hour
        shapely.box(0, 1000, 2000, 2000),  # 60 and 61 min
        shapely.box(500, 2000, 2000, 3000),  # half of 10, all of 20
        shapely.box(2000, 500, 4000, 2000),  # unreached, half of 200; the rest outside
        shapely.box(1500, 1500, 2500, 2500),  # quarters of 20, 30, 61 and of the unreached
        shapely.box(3000, 0, 4000, 3000),  # outside the belt
    ]
    regions = gpd.GeoDataFrame({"region": list("uvwxyz")}, geometry=boxes, crs="EPSG:3035")
    within = territory_within(surface, regions, 60.0)
    assert within.tolist() == pytest.approx([6 / 9, 0.5, 1, 0, 0.5, NAN], nan_ok=True)
    assert territory_within(surface, regions, 10.0).tolist() == pytest.approx(
        [3 / 9, 0, 0.5 / 1.5, 0, 0, NAN], nan_ok=True
    )


@pytest.mark.parametrize("seed", SEEDS)
def test_surfaces_across_agree_with_the_networks_own_times(seed: int) -> None:
    """At every settlement of the belt, by networkx.

    Within a cell of open ground of its minutes, and of its potential.
    """
    land, network = random_land(seed), random_network(seed)
    router = compile_router(network, "road")
    grid = belt_grid(network, border_line(land.regions, land.countries), depth_km=80.0, cell_km=CELL_KM)
    table, half_life = network.settlements, 120.0
    some = float(table["population"].median())
    targets = Targets.of(network, router)
    city = city_surface(network, router, grid, city_people=some)
    pull = potential_surface(network, router, grid, targets, half_life_min=half_life)
    graph = cheapest(network, "road", "actual_min")
    seen = 0
    for place in table[router.positions(table["node"].to_numpy()) >= 0].itertuples():
        if place.node not in graph:
            continue
        x, y = network.nodes.loc[place.node, ["px", "py"]]
        row, column = int((y - grid.transform.f) / grid.transform.e), int((x - grid.transform.c) / grid.transform.a)
        inside = 0 <= row < grid.inside.shape[0] and 0 <= column < grid.inside.shape[1]
        if not inside or not grid.sides[place.side][row, column]:
            continue
        across = table[(table["side"] != place.side) & table["node"].isin(list(graph))]
        minutes = walk(graph, [place.node], across["node"].tolist())[0]
        cities = minutes[(across["population"] >= some).to_numpy()]
        best = cities.min(initial=np.inf)
        own = (across["population"].to_numpy(float) * 0.5 ** (minutes / half_life)).sum()
        # Connectors are no links of the surface: sixteen directions instead, from the middle of a cell.
        slack = WALK * (DIRECTIONS * CELL_KM + (DIRECTIONS - 1) * place.snap_km)
        if np.isfinite(best):
            assert city.minutes[row, column] <= best + slack
            seen += 1
        if own > 0:
            assert pull.minutes[row, column] >= own * 0.5 ** (slack / half_life)
    known = np.isfinite(pull.minutes)
    assert (pull.minutes[known] <= targets.people.sum()).all()
    assert seen > 3


@pytest.mark.parametrize("seed", SEEDS)
def test_the_potential_over_posts_is_that_of_a_tree_per_settlement(seed: int) -> None:
    network = random_network(seed)
    for mode in ("road", "any"):
        router = compile_router(network, mode)
        targets = Targets.of(network, router)
        across = router.side[None] != targets.side[:, None]
        for name, field in FIELDS.items():
            trees = router.trees(targets.node, field, reverse=True)
            by_hand = (across * targets.people[:, None] * 0.5 ** (trees / 90.0)).sum(axis=0)
            found = potential_across(network, router, targets, exponential(90.0), name)
            np.testing.assert_allclose(found, by_hand, rtol=1e-9, atol=1e-9)
            some = np.arange(seed, len(found), 3)
            at_some = potential_across(network, router, targets, exponential(90.0), name, some)
            np.testing.assert_array_equal(at_some, found[some])
    assert by_hand.any()


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("depth_km", [5.0, 30.0])
def test_links_that_are_left_out_by_where_they_begin_run_over_no_cell(
    seed: int, depth_km: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    land, network = random_land(seed), random_network(seed)
    router = compile_router(network, "road")
    grid = belt_grid(network, border_line(land.regions, land.countries), depth_km=depth_km, cell_km=1.0)
    looked_at: list[int] = []
    real = tracks._may_touch

    def may_touch(*given: Any) -> NDArray[np.bool_]:
        looked_at.append(int(real(*given).sum()))
        return real(*given)

    for side, mask in grid.sides.items():
        monkeypatch.setattr(tracks, "_may_touch", may_touch)
        found = tracks.tracks_of(network, router, side, mask, grid.transform)
        monkeypatch.setattr(tracks, "_may_touch", lambda begin, *_: looked_at.append(len(begin)) or begin[:, 0] > -1e99)
        every = tracks.tracks_of(network, router, side, mask, grid.transform)
        assert len(found.cell)
        for part in fields(every):
            np.testing.assert_array_equal(getattr(found, part.name), getattr(every, part.name))
    few, many = sum(looked_at[::2]), sum(looked_at[1::2])
    assert few < many


def test_no_city_and_no_post_leave_nothing_across() -> None:
    network = network_of(PLANE)
    router = compile_router(network, "road")
    border = border_line(PLANE.regions, PLANE.countries)
    grid = belt_grid(network, border, depth_km=80.0, cell_km=CELL_KM)
    assert np.isnan(city_surface(network, router, grid, city_people=1e9).minutes).all()
    closed = set_open(network, network.checkpoints["checkpoint_id"].tolist(), False)
    shut = compile_router(closed, "road")
    assert np.isnan(city_surface(closed, shut, grid, city_people=1).minutes).all()
    assert np.isnan(potential_surface(closed, shut, grid, Targets.of(closed, shut), half_life_min=60.0).minutes).all()


def test_a_wait_lowers_the_potential_by_its_half_lives() -> None:
    """One post, 30 minutes: the open network's potential times 2^(−30/h), everywhere."""
    network = network_of(PLANE)
    router = compile_router(network, "road")
    grid = belt_grid(network, border_line(PLANE.regions, PLANE.countries), depth_km=80.0, cell_km=CELL_KM)
    targets = Targets.of(network, router)
    free, real = (
        potential_surface(network, router, grid, targets, half_life_min=60.0, field=f).minutes
        for f in ("open", "actual")
    )
    known = np.isfinite(free)
    assert known.sum() > 100
    np.testing.assert_allclose(real[known], free[known] * 2**-0.5, rtol=1e-9)
