"""Layers of a user's own, as people have them, from the study to an answer."""

from __future__ import annotations

from typing import TYPE_CHECKING

import geopandas as gpd
import networkx as nx
import numpy as np
import osmnx as ox
import pandas as pd
import pytest
import shapely

from gis import build, load_study, prepare
from gis.assumptions import assumptions
from gis.own import unknown_classes
from gis.queries.route import find_route
from layers.crs import GEOD, WGS84
from layers.errors import LayerError, StudyError
from network.graph import to_graph
from tests.gis.grid import LATS, LONS, grid_layers, grid_lines, grid_roads, write_grid

if TYPE_CHECKING:
    from pathlib import Path

ACROSS_M = GEOD.line_length([59.1, 59.4, 59.7, 60.3, 60.6, 60.9], [49.7] * 6)
"""The way along the southern parallel, by vertices of the roads."""


def test_the_grid_is_what_it_says(tmp_path: Path) -> None:
    found = find_route(write_grid(tmp_path), "59.1,49.7", "60.9,49.7")
    assert found["length_m"] == pytest.approx(ACROSS_M, rel=1e-6)
    assert found["wait_min"] == 30
    assert found["checkpoint_names"] == ["South"]


def test_posts_in_a_russian_spreadsheet_export(tmp_path: Path) -> None:
    study = write_grid(tmp_path, sources={"checkpoints": '"posts.csv"'}, more='[waits]\n"001" = 90\n')
    text = (
        "checkpoint_id;name;mode;Долгота;Широта;wait_min\n001;Пост Южный;road;60,0;49,7;30\n002;NA;road;60,0;50,1;30\n"
    )
    (tmp_path / "posts.csv").write_bytes(text.encode("cp1251"))
    prepared = prepare(load_study(study))
    posts = prepared.layers["checkpoints"]
    assert posts[["checkpoint_id", "name", "control_wait_min"]].to_numpy().tolist() == [
        ["001", "Пост Южный", 90.0],
        ["002", "NA", 30.0],
    ]
    assert any("read as cp1251" in w for w in prepared.warnings)


def test_a_shapefile_of_geofabrik(tmp_path: Path) -> None:
    lines = grid_lines()
    roads = grid_roads(lines, oneway="B", maxspeed=0).rename(columns={"kind": "fclass"})
    roads.loc[0, "oneway"], roads.loc[1, "oneway"], roads.loc[2, "maxspeed"] = "F", "T", 90
    roads.to_file(tmp_path / "gis_osm_roads_free_1.shp", encoding="utf-8")
    source = '{ path = "gis_osm_roads_free_1.shp", columns = { kind = "fclass", maxspeed_kph = "maxspeed" } }'
    study = write_grid(tmp_path, sources={"roads": source})
    layer = prepare(load_study(study)).layers["roads"]
    assert layer["oneway"].tolist() == [True, True, *[False] * (len(lines) - 2)]
    assert layer.geometry[1].coords[0] == (59.7, 49.7)
    assert layer["maxspeed_kph"].dropna().tolist() == [90.0]
    # The second piece of the southern parallel leads west only, so that the way east goes round it.
    assert (
        find_route(study, "59.1,49.7", "59.7,49.7")["length_m"]
        > 1.5 * find_route(study, "59.7,49.7", "59.4,49.7")["length_m"]
    )


def test_classes_that_are_not_known_are_named_with_their_kilometres(tmp_path: Path) -> None:
    kinds = np.where(np.arange(len(grid_lines())) % 2, "Автомагистраль", "Primary")
    study = write_grid(tmp_path, roads=grid_roads(kind=kinds))
    prepared = prepare(load_study(study))
    odd = sum(GEOD.geometry_length(line) for line in grid_lines()[1::2]) / 1000
    (warning,) = [w for w in prepared.warnings if "not known" in w]
    assert f"'автомагистраль' {odd:,.1f} km: 35 km/h is assumed" in warning
    table = assumptions(prepared.study, build(prepared))
    row = table[table["what"].str.contains("автомагистраль")].iloc[0]
    assert (row["value"], row["unit"]) == ("35", "km/h")


def test_a_railway_without_usage_is_no_unknown_class() -> None:
    frame = gpd.GeoDataFrame(
        {"kind": ["rail", "rail", "main", "tram"], "length_m": [1500.0, 1000.0, 9000.0, 400.0]},
        geometry=[shapely.LineString([(0, 0), (1, 0)])] * 4,
        crs=WGS84,
    )
    plain, other = unknown_classes({"railways": frame})
    assert plain == "2.5 km of railways have no known usage: 50 km/h is assumed"
    assert other.startswith("classes of railways that are not known: 'tram' 0.4 km: 50 km/h")


def test_a_map_of_values_in_the_study(tmp_path: Path) -> None:
    kinds = np.where(np.arange(len(grid_lines())) % 2, "Автомагистраль", "Primary")
    source = '{ path = "net.gpkg", values = { kind = { "автомагистраль" = "motorway" } } }'
    grid_roads(kind=kinds).to_file(tmp_path / "net.gpkg")
    prepared = prepare(load_study(write_grid(tmp_path, sources={"roads": source})))
    assert set(prepared.layers["roads"]["kind"]) == {"motorway", "primary"}
    assert not [w for w in prepared.warnings if "not known" in w]


HOSPITALS = gpd.GeoDataFrame(
    {"name": ["А", "Б"], "beds": [100, 200]}, geometry=shapely.points([(59.4, 49.7), (60.6, 50.1)]), crs=WGS84
)
REACH = '[reach.layers]\nhospital = {{ path = "{}", name = "name", weight = "beds" }}'


@pytest.mark.parametrize(
    "frame",
    [
        HOSPITALS,
        HOSPITALS.set_geometry([shapely.MultiPoint([p]) for p in HOSPITALS.geometry]),
        HOSPITALS.set_geometry(shapely.buffer(HOSPITALS.geometry.to_numpy(), 0.001)),
        HOSPITALS.assign(beds=["100", " 2 00"]),
        HOSPITALS.to_crs(32641),
    ],
    ids=["points", "multipoints", "polygons", "text", "projected"],
)
def test_places_of_ones_own_as_people_have_them(tmp_path: Path, frame: gpd.GeoDataFrame) -> None:
    study = write_grid(tmp_path, more=REACH.format("h.gpkg"))
    frame.to_file(tmp_path / "h.gpkg")
    places = prepare(load_study(study)).places["hospital"]
    assert places["beds"].tolist() == [100, 200]
    assert shapely.get_coordinates(places.geometry) == pytest.approx(
        shapely.get_coordinates(HOSPITALS.geometry), abs=1e-3
    )


def test_places_in_a_spreadsheet_export(tmp_path: Path) -> None:
    study = write_grid(tmp_path, more=REACH.format("h.csv"))
    (tmp_path / "h.csv").write_text("name;beds;lon;lat\nА;1 200,5;59,4;49,7\nNA;200;60,6;50,1\n", encoding="utf-8")
    places = prepare(load_study(study)).places["hospital"]
    assert places["beds"].tolist() == [1200.5, 200]
    assert places["name"].tolist() == ["А", "NA"]


def test_a_place_that_cannot_be_used_is_named_before_the_work(tmp_path: Path) -> None:
    study = write_grid(tmp_path, more=REACH.format("h.csv"))
    head = "name;beds;lon;lat\n"
    for rows, said in (
        ("А;100;59,4;49,7\nБ;;60,6;50,1\n", r"layer hospital \(h.csv\): column 'beds' holds '' \(line 3\)"),
        ("А;-5;59,4;49,7\n", r"'-5' \(line 2\)"),
        ("А;1;0;0\n", "layer hospital has nothing within"),
    ):
        (tmp_path / "h.csv").write_text(head + rows, encoding="utf-8")
        with pytest.raises(LayerError, match=said):
            prepare(load_study(study))
    (tmp_path / "h.csv").write_text("name;lon;lat\nА;59;50\n", encoding="utf-8")
    with pytest.raises(LayerError, match=r"layer hospital \(h.csv\) has no column 'beds': it has name"):
        prepare(load_study(study))


def test_indicators_are_checked_before_the_work(tmp_path: Path) -> None:
    study = write_grid(tmp_path)
    study.write_text(study.read_text().replace("[index]", '[index]\nindicators = "i.csv"'))
    head = "region;indicator;value;unit;year;direction;level\n"
    (tmp_path / "i.csv").write_text(f"{head}RU-1;beds;many;n;2022;1;social services\n", encoding="utf-8")
    with pytest.raises(LayerError, match=r"values that are no numbers 'many' \(line 2\)"):
        prepare(load_study(study))


def test_a_grid_drawn_as_whole_lines_is_said_and_noded_on_request(tmp_path: Path) -> None:
    whole = [shapely.LineString([(x, y) for x in LONS]) for y in LATS]
    whole += [shapely.LineString([(x, y) for y in LATS]) for x in LONS]
    roads = grid_roads(whole)
    told = [w for w in prepare(load_study(write_grid(tmp_path / "a", roads=roads))).warnings if "drawn, not noded" in w]
    # 20 ends lie on a line across, four of them at a corner where both end; the eight vertices inside are shared.
    assert len(told) == 1
    assert "8 × a vertex that lines share inside" in told[0]
    assert "12 × an end on the inside of another line" in told[0]
    assert "mend = true" in told[0]
    study = write_grid(tmp_path / "b", sources={"roads": '{ path = "net.gpkg", mend = true }'})
    roads.to_file(tmp_path / "b" / "net.gpkg")
    prepared = prepare(load_study(study))
    assert any("mended" in w for w in prepared.warnings)
    assert len(prepared.layers["roads"]) == len(grid_lines())
    right = find_route(write_grid(tmp_path / "c"), "59.4,49.7", "60.6,50.1")
    found = find_route(study, "59.4,49.7", "60.6,50.1")
    assert found["length_m"] == pytest.approx(right["length_m"], rel=1e-6)
    assert build(prepared).report["settlements_beyond_the_road_connector"] == 0


def test_mending_is_a_switch_or_metres(tmp_path: Path) -> None:
    (tmp_path / "study.toml").write_text('sides = ["RU", "KZ"]\n[layers.roads]\npath = "n.gpkg"\nmend = 0\n')
    with pytest.raises(StudyError, match="mend = 0: allowed is true, false, or metres"):
        load_study(tmp_path / "study.toml")


def test_a_map_of_the_world_has_codes_that_are_none(tmp_path: Path) -> None:
    """Regions of other countries, as Natural Earth has them, refuse nothing."""
    regions = grid_layers()["regions"]
    others = regions.assign(country=["-99", "Somaliland", None, "XK"], region=["-99-X01 ~", None, "-99", "-99"])
    world = pd.concat([others.set_geometry(others.translate(20)), regions], ignore_index=True)
    prepared = prepare(load_study(write_grid(tmp_path, regions=world)))
    assert prepared.regions["region"].tolist() == regions["region"].tolist()


def graph_of_the_grid() -> nx.MultiDiGraph[int]:
    """Return the grid as a graph of OSMnx, each street an edge each way."""
    graph: nx.MultiDiGraph[int] = nx.MultiDiGraph(crs="epsg:4326", simplified=True)
    ids: dict[tuple[float, ...], int] = {}
    for k, line in enumerate(grid_lines()):
        ends = [line.coords[0], line.coords[-1]]
        for x, y in ends:
            graph.add_node(ids.setdefault((x, y), len(ids)), x=x, y=y)
        u, v = (ids[end] for end in ends)
        tags = {
            "osmid": 100 + k,
            "highway": "primary",
            "maxspeed": ["60", "90"],
            "oneway": False,
            "length": GEOD.geometry_length(line),
        }
        graph.add_edge(u, v, **tags, reversed=False, geometry=line)
        graph.add_edge(v, u, **tags, reversed=True, geometry=line.reverse())
    return graph


@pytest.mark.parametrize("form", ["drive.graphml", "directed.gpkg", "undirected.gpkg", "mapped"])
def test_roads_from_osmnx(tmp_path: Path, form: str) -> None:
    graph = graph_of_the_grid()
    name = "directed.gpkg" if form == "mapped" else form
    if form == "drive.graphml":
        ox.save_graphml(graph, tmp_path / name)
    else:
        ox.save_graph_geopackage(graph, filepath=tmp_path / name, directed=form != "undirected.gpkg")
    source = f'"{name}"'
    if form == "mapped":
        source = f'{{ path = "{name}", layer = "edges", columns = {{ kind = "highway", length_m = "length" }} }}'
    study = write_grid(tmp_path, sources={"roads": source})
    network = build(prepare(load_study(study)))
    ground = network.links[(network.links["mode"] == "road") & network.links["kind"].isin(["primary"])]
    # 38 streets; the four over the line are split there or at a gate, none stands twice.
    assert ground["length_m"].sum() == pytest.approx(sum(GEOD.geometry_length(g) for g in grid_lines()), rel=1e-6)
    assert not ground["oneway"].any()
    assert find_route(study, "59.1,49.7", "60.9,49.7")["length_m"] == pytest.approx(ACROSS_M, rel=1e-6)
    assert network.report["road_components"] == [len(np.unique(ground[["u", "v"]]))]


def test_the_exported_graph_is_one_for_osmnx(tmp_path: Path) -> None:
    study = write_grid(tmp_path)
    graph = to_graph(build(prepare(load_study(study))))
    nodes, edges = ox.convert.graph_to_gdfs(graph)
    assert len(nodes) == len(graph)
    assert len(edges) == graph.number_of_edges()
    again = ox.convert.graph_from_gdfs(nodes, edges, graph_attrs=graph.graph)
    assert sorted(again.edges(keys=True)) == sorted(graph.edges(keys=True))
    start, goal = (ox.distance.nearest_nodes(graph, x, 49.7) for x in (59.1, 60.9))
    way = ox.routing.shortest_path(graph, start, goal, weight="actual_min")
    assert way is not None
    minutes = nx.path_weight(graph, way, "actual_min")
    found = find_route(study, "59.1,49.7", "60.9,49.7")
    # The graph holds whole thousandths of each edge, the way its own minutes: half a thousandth an edge.
    assert minutes == pytest.approx(found["time_min"] + found["wait_min"], abs=0.0005 * len(way))
    assert nx.get_node_attributes(graph, "street_count") == ox.stats.count_streets_per_node(graph)
    stats = ox.stats.basic_stats(ox.project_graph(graph))
    assert stats["n"] == len(graph)
    assert stats["m"] == graph.number_of_edges()
    _, axes = ox.plot.plot_graph(graph, show=False, close=True)
    assert len(axes.collections) == 2
    ox.save_graphml(graph, tmp_path / "graph.graphml")
    assert len(ox.load_graphml(tmp_path / "graph.graphml")) == len(graph)
