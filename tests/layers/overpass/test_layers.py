"""What Overpass answers gives the same layers as an extract of the same data, and the same graph as OSMnx."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import geopandas as gpd
import numpy as np
import osmnx as ox
import pandas as pd
import pytest
import shapely

from layers.errors import LayerError
from layers.sources.overpass import query as overpass_query
from layers.sources.overpass.bounded import osmnx_set
from layers.sources.overpass.query import area_km2, compact_parts, covering
from layers.sources.overpass.server import fetch_network, fetch_regions
from layers.sources.pbf.read import PbfLayers, read_header, read_network, read_regions
from tests.layers.overpass.world import (
    EAST,
    TIMESTAMP,
    WEST,
    World,
    random_world,
    read_world,
    tied_world,
    two_countries,
)

if TYPE_CHECKING:
    from tests.layers.overpass.conftest import Patience
    from tests.layers.overpass.server import Overpass

Serve = Callable[[World], "Overpass"]
FRAMES = ("roads", "railways", "settlements", "posts", "stations")
LIECHTENSTEIN = Path(__file__).resolve().parents[3].parent / "shared" / "data" / "osm" / "liechtenstein-2015.osm.pbf"
shared = pytest.mark.skipif(not LIECHTENSTEIN.is_file(), reason="the shared extracts are not beside the repository")


def plain(frame: gpd.GeoDataFrame) -> pd.DataFrame:
    """Return a frame as texts, numbers and bytes; the numbering of categories is the reader's own."""
    table = pd.DataFrame(frame.drop(columns="geometry")).assign(wkb=shapely.to_wkb(frame.geometry.to_numpy()))
    return table.astype({c: object for c in table if isinstance(table[c].dtype, pd.CategoricalDtype)})


def same(one: PbfLayers, two: PbfLayers, frames: tuple[str, ...] = FRAMES) -> None:
    for name in frames:
        pd.testing.assert_frame_equal(plain(getattr(one, name)), plain(getattr(two, name)), check_exact=True)


def blob(seed: int) -> shapely.Geometry:
    """Return an odd area, with a hole, within the square of the random worlds."""
    chance = np.random.default_rng(seed)
    hull = shapely.convex_hull(shapely.MultiPoint(np.column_stack([9 + chance.random(6), 47 + chance.random(6)])))
    return shapely.difference(hull, shapely.buffer(shapely.centroid(hull), 0.05))


@pytest.mark.parametrize("seed", range(12))
def test_the_same_layers_as_from_an_extract(
    serve: Serve, patience: Patience, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    world, area = random_world(seed), blob(seed)
    if seed % 2:
        # In many small pieces, whose objects overlap.
        monkeypatch.setattr(overpass_query, "QUERY_KM2", 900.0)
        monkeypatch.setattr(overpass_query.Question, "query_km2", 900.0)
    server = serve(world)
    entries = fetch_network(area, patience(server))
    assert len(server.queries) == len(set(server.queries))
    assert (len(server.queries) > 8) == bool(seed % 2)
    wanted = read_network(world.write(tmp_path / "world.osm.pbf"), area)
    got = read_network([e.path for e in entries], area)
    same(wanted, got)
    assert all(len(getattr(got, name)) for name in FRAMES)
    header = read_header(entries[0].path)
    assert (header["timestamp"], header["sorted"], header["program"]) == (TIMESTAMP, True, "Overpass API")
    assert patience.left() == sorted(e.path.name for e in entries)


MAIN = ("motorway", "trunk", "primary", "secondary", "tertiary")


@pytest.mark.parametrize("seed", range(12))
def test_ways_of_lower_classes_tie_what_they_tie_in_an_extract(
    serve: Serve, patience: Patience, tmp_path: Path, seed: int
) -> None:
    world, area = tied_world(seed), shapely.box(9, 47, 10, 48)
    chance = np.random.default_rng(seed)
    posts = gpd.GeoDataFrame(
        geometry=shapely.points(9 + chance.random((4, 1)), 47 + chance.random((4, 1)))[:, 0], crs=4326
    )
    server = serve(world)
    (entry,) = fetch_network(
        area, patience(server), road_kinds=MAIN, posts=shapely.get_coordinates(posts.geometry.to_numpy())
    )
    wanted = read_network(world.write(tmp_path / "world.osm.pbf"), area, road_kinds=MAIN, posts=posts)
    got = read_network(entry.path, area, road_kinds=MAIN, posts=posts)
    same(wanted, got)
    assert got.report["tied"] == wanted.report["tied"] > 3
    assert any("service" in query for query in server.queries)


def test_centres_of_units_are_capitals(serve: Serve, patience: Patience, tmp_path: Path) -> None:
    world = two_countries()
    world.nodes[5000][2].clear()
    world.nodes[5000][2].update(place="town", name="Seat")
    world.relations[10][0].append(("n", 5000, "admin_centre"))
    area = shapely.box(9, 47, 10, 47.5)
    wanted = read_network(world.write(tmp_path / "world.osm.pbf"), area)
    for layers in (["settlements"], ["settlements", "roads"]):
        (entry,) = fetch_network(area, patience(serve(world)), layers=layers)
        got = read_network(entry.path, area)
        same(wanted, got, ("settlements",))
        assert dict(zip(got.settlements["name"], got.settlements["capital"], strict=True))["Seat"] == "4"
        # Without the outlines that they stand for.
        assert not {i for i in read_world(entry.path).ways if i < 1000}


def test_restrictions_of_turns_are_the_same(serve: Serve, patience: Patience, tmp_path: Path) -> None:
    world, area = random_world(3), blob(3)
    world.relations[230] = (world.relations[200][0], {"type": "restriction:hgv", "restriction": "no_left_turn"})
    world.relations[231] = (world.relations[201][0], {"type": "restriction", "restriction:hgv": "no_left_turn"})
    (entry,) = fetch_network(area, patience(serve(world)), layers=["roads"])
    for vehicle in ("car", "truck"):
        wanted = read_network(world.write(tmp_path / "world.osm.pbf"), area, vehicle=vehicle).turns
        got = read_network(entry.path, area, vehicle=vehicle).turns
        known = set(read_world(entry.path).relations)
        pd.testing.assert_frame_equal(wanted[wanted["relation"].isin(known)].reset_index(drop=True), got)
        # Those that touch the area are all there.
        inside = {i for i, (x, y, _) in world.nodes.items() if shapely.contains_xy(area, x, y)}
        assert set(wanted.loc[wanted["via"].isin(inside), "relation"]) <= known
        assert len(got) > 3


@pytest.mark.parametrize("layers", [["checkpoints"], ["roads"], ["settlements", "railways"]])
def test_some_layers_alone(serve: Serve, patience: Patience, tmp_path: Path, layers: list[str]) -> None:
    world, area = random_world(5), blob(5)
    frames = {"checkpoints": ("posts", "stations"), "railways": ("railways", "stations")}
    wanted = read_network(world.write(tmp_path / "world.osm.pbf"), area, road_kinds=["primary"])
    entries = fetch_network(area, patience(serve(world)), layers=layers, road_kinds=["primary"])
    got = read_network([e.path for e in entries], area, road_kinds=["primary"])
    for layer in layers:
        same(wanted, got, frames.get(layer, (layer,)))
    if layers == ["checkpoints"]:
        assert len(got.roads) < len(wanted.roads)


def test_regions_are_whole_and_the_same(serve: Serve, patience: Patience, tmp_path: Path) -> None:
    world = two_countries()
    wanted, report = read_regions(world.write(tmp_path / "world.osm.pbf"), countries=(WEST, EAST))
    (entry,) = fetch_regions((WEST, EAST), patience(serve(world)))
    got, told = read_regions(entry.path, countries=(WEST, EAST))
    assert got["region"].tolist() == [f"{EAST}-0", f"{EAST}-1", f"{WEST}-0", f"{WEST}-1"]
    pd.testing.assert_frame_equal(plain(wanted), plain(got))
    assert told["level"] == report["level"]
    assert got.total_bounds.tolist() == [9.0, 47.0, 10.0, 47.5]


def test_an_area_without_anything_is_no_error(serve: Serve, patience: Patience) -> None:
    area = shapely.box(20, 50, 20.1, 50.1)
    entries = fetch_network(area, patience(serve(two_countries())))
    got = read_network([e.path for e in entries], area)
    assert [len(getattr(got, name)) for name in FRAMES] == [0] * 5


@pytest.mark.shared
@shared
@pytest.mark.slow
def test_the_real_liechtenstein(serve: Serve, patience: Patience, tmp_path: Path) -> None:
    server = serve(read_world(LIECHTENSTEIN))
    area = shapely.box(9.45, 47.0, 9.58, 47.3)
    entries = fetch_network(area, patience(server))
    got, wanted = read_network([e.path for e in entries], area), read_network(LIECHTENSTEIN, area)
    same(wanted, got)
    assert len(got.roads) > 5000
    (entry,) = fetch_regions(("LI", "AT"), patience(server))
    regions, wanted_regions = (read_regions(p, countries=("LI", "AT"))[0] for p in (entry.path, LIECHTENSTEIN))
    pd.testing.assert_frame_equal(plain(wanted_regions), plain(regions))
    assert regions["region"].tolist() == ["LI"]
    # Ways of lower classes are asked for around what they tie.
    (main,) = fetch_network(area, patience(server), road_kinds=MAIN[:3])
    got, wanted = (read_network(p, area, road_kinds=MAIN[:3]) for p in (main.path, LIECHTENSTEIN))
    same(wanted, got)
    assert 0 < got.report["tied"] == wanted.report["tied"]
    assert main.size < entries[0].size
    assert {read_header(e.path)["timestamp"] for e in (*entries, entry)} == {"2015-10-07T21:22:03Z"}
    same_edges_as_osmnx(server.url, area, read_network(entries[0].path), tmp_path)


def test_the_same_edges_as_osmnx(serve: Serve, patience: Patience, tmp_path: Path) -> None:
    area = shapely.box(9, 47, 10, 47.5)
    server = serve(two_countries())
    (entry,) = fetch_network(area, patience(server), layers=["roads"])
    same_edges_as_osmnx(server.url, area, read_network(entry.path), tmp_path)


def same_edges_as_osmnx(url: str, area: shapely.Geometry, got: PbfLayers, folder: Path) -> None:
    """See that OSMnx draws the same steps from node to node out of its own answer, and turns the same one-way roads."""
    with osmnx_set(overpass_url=url, cache_folder=folder / "osmnx", overpass_rate_limit=False, doh_url_template=None):
        graph = ox.graph_from_polygon(area, network_type="drive_service", simplify=False, retain_all=True)
    place = {n: (d["x"], d["y"]) for n, d in graph.nodes(data=True)}
    ours = set(got.roads["osm_id"].tolist())
    theirs: dict[int, set[tuple[tuple[float, float], ...]]] = {}
    for u, v, data in graph.edges(data=True):
        if data["osmid"] in ours and u != v:
            theirs.setdefault(data["osmid"], set()).add((place[u], place[v]))
    mine: dict[int, set[tuple[tuple[float, float], ...]]] = {}
    roads = got.roads
    for way, line, oneway in zip(roads["osm_id"], roads.geometry, roads["oneway"], strict=True):
        steps = list(zip(line.coords, line.coords[1:], strict=False))
        mine.setdefault(way, set()).update(steps if oneway else [*steps, *((b, a) for a, b in steps)])
    assert set(mine) >= set(theirs)
    assert len(theirs) >= 15
    # What OSMnx does not take for one-way (a motorway without a tag) it draws both ways.
    implied = {w for w, k in zip(roads["osm_id"], roads["kind"], strict=True) if str(k).startswith("motorway")}
    # OSMnx ends a way at the edge of its area.
    inside = {w for w in theirs if len(mine[w]) == len(theirs[w])}
    assert len(inside) >= 0.9 * len(theirs)
    assert {w: mine[w] for w in inside - implied} == {w: theirs[w] for w in inside - implied}


def test_pieces_cover_the_area_and_nothing_twice() -> None:
    for seed in range(8):
        area = blob(seed)
        pieces = compact_parts(area, 300)
        assert all(area_km2(shapely.convex_hull(p)) <= max(1.5 * area_km2(p), 300) for p in pieces)
        assert sum(shapely.area(p) for p in pieces) == pytest.approx(shapely.area(area), rel=1e-9)
        assert shapely.area(shapely.difference(area, shapely.union_all(pieces))) < 1e-12
        assert shapely.covers(shapely.union_all(covering(area, 0.01)), area)


def test_the_area_of_a_degree_at_the_equator() -> None:
    # 12,308.8 km²: the length of the meridian's and the equator's degree, 110.574 km times 111.320 km.
    assert area_km2(shapely.box(0, 0, 1, 1)) == pytest.approx(110.574 * 111.320, rel=2e-4)
    ring = shapely.difference(shapely.box(0, 0, 1, 1), shapely.box(0.25, 0.25, 0.75, 0.75))
    assert area_km2(ring) == pytest.approx(0.75 * 110.574 * 111.320, rel=2e-4)


def test_large_areas_are_refused_with_the_better_way(serve: Serve, patience: Patience) -> None:
    server = serve(two_countries())
    area = shapely.box(9, 47, 11, 49)
    with pytest.raises(LayerError, match=r"33,\d{3} km².*20,000 km².*pbf"):
        fetch_network(area, patience(server))
    assert server.queries == []
    # Posts alone are few.
    assert len(fetch_network(area, patience(server), layers=["checkpoints"])) == 1


@pytest.mark.parametrize(
    ("options", "word"),
    [
        ({"layers": ["regions"]}, "regions"),
        ({"layers": []}, "none"),
        ({"road_kinds": ["footway"]}, "footway"),
        ({"road_kinds": ['"];out;']}, "out"),
    ],
)
def test_what_can_not_be_asked(serve: Serve, patience: Patience, options: dict[str, list[str]], word: str) -> None:
    server = serve(two_countries())
    with pytest.raises(LayerError, match=word):
        fetch_network(shapely.box(9, 47, 9.1, 47.1), patience(server), **options)
    with pytest.raises(LayerError, match="polygon"):
        fetch_network(shapely.Point(9, 47), patience(server))
    with pytest.raises(LayerError, match="ISO"):
        fetch_regions(["LI|.*"], patience(server))
    assert server.queries == []
