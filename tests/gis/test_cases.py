"""What OpenStreetMap's tags do to the ways of travellers, asked at the command line.

The grid as an extract, every figure by hand.

A side of the grid is 21.6 km long (0.3° of longitude) or 22.2 km (0.2° of latitude); a crossing 43.2 km.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import geopandas as gpd
import pandas as pd
import pytest
import shapely

import gis
from tests.gis.conftest import call
from tests.gis.grid import grid_layers
from tests.gis.osm_grid import OsmGrid

pytest.importorskip("osmium", reason="osmium (pyosmium) is not installed")


def way(study: Path, a: str, b: str, *options: str) -> dict[str, Any]:
    """Return the answer of ``borderlink route``, kilometres and minutes among it."""
    done = call("route", a, b, "--study", study.name, "--json", *options, cwd=study.parent)
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return {**found, "km": found["length_m"] / 1000}


def refused(study: Path, a: str, b: str) -> str:
    """Return the message of a route that there is not."""
    done = call("route", a, b, "--study", study.name, cwd=study.parent)
    assert done.returncode != 0
    return done.stderr


def test_the_grid_as_an_extract(tmp_path: Path) -> None:
    found = way(OsmGrid().write(tmp_path), "59.1,49.7", "60.9,49.7")
    assert found["km"] == pytest.approx(129.9, abs=0.2)
    assert found["wait_min"] == 30
    assert found["checkpoint_names"] == ["South"]


@pytest.mark.parametrize("tags", [{"barrier": "gate", "access": "no"}, {"barrier": "block"}, {"barrier": "bollard"}])
def test_a_closed_node_leads_round(tmp_path: Path, tags: dict[str, str]) -> None:
    """The node lies 3.6 km from either place.

    The way round takes the next parallel, two meridians and what is left of the road.
    """
    grid = OsmGrid()
    grid.through((59.1, 49.9), (59.4, 49.9), grid.node(59.25, 49.9, **tags))
    found = way(grid.write(tmp_path), "59.2,49.9", "59.3,49.9")
    assert found["km"] == pytest.approx(7.2 * 2 + 2 * 22.2 + 21.5, abs=0.4)


@pytest.mark.parametrize("kind", ["gate", "lift_gate", "cattle_grid", "toll_booth"])
def test_a_gate_without_access_closes_nothing(tmp_path: Path, kind: str) -> None:
    grid = OsmGrid()
    grid.through((59.1, 49.9), (59.4, 49.9), grid.node(59.25, 49.9, barrier=kind))
    assert way(grid.write(tmp_path), "59.2,49.9", "59.3,49.9")["km"] == pytest.approx(7.2, abs=0.1)


def test_a_border_control_that_is_shut_closes_its_post(tmp_path: Path) -> None:
    """From 49.7 to the post at 50.1 and back: twice two meridians, and the crossing."""
    grid = OsmGrid()
    grid.node(60.0, 49.7, barrier="border_control", access="no", name="Shut")
    grid.node(60.0, 50.1, barrier="border_control", name="Works")
    study = grid.write(tmp_path, own=("regions", "settlements"))
    found = way(study, "59.7,49.7", "60.3,49.7")
    assert found["checkpoint_names"] == ["Works"]
    assert found["km"] == pytest.approx(4 * 22.2 + 43.0, abs=0.3)
    assert way(study, "59.7,49.7", "60.3,49.7", "--network", "borderless")["km"] == pytest.approx(43.3, abs=0.2)


def test_a_post_for_people_on_foot_is_none_for_cars(tmp_path: Path) -> None:
    grid = OsmGrid()
    grid.node(60.0, 49.7, barrier="border_control", access="no", foot="yes", name="Bridge")
    grid.node(60.0, 50.1, barrier="border_control", name="Works")
    assert way(grid.write(tmp_path, own=("regions", "settlements")), "59.7,49.7", "60.3,49.7")["checkpoint_names"] == [
        "Works"
    ]


def test_no_through_traffic_on_a_road_for_those_who_have_business_there(tmp_path: Path) -> None:
    grid = OsmGrid()
    for x, y in ((59.1, 59.4), (59.4, 59.7)):
        grid.retag((x, 49.9), (y, 49.9), motor_vehicle="destination")
    study = grid.write(tmp_path)
    assert way(study, "59.1,49.9", "59.7,49.9")["km"] == pytest.approx(2 * 22.2 + 43.0, abs=0.3)
    assert way(study, "59.1,49.9", "59.25,49.9")["km"] == pytest.approx(10.75, abs=0.1)


@pytest.mark.parametrize(
    ("value", "driven"),
    [
        ("forestry;agricultural", False),
        ("no;destination", True),
        ("bus;taxi", False),
        ("private; delivery", True),
        ("foot", False),
        ("official", True),
    ],
)
def test_each_part_of_a_list_is_read(tmp_path: Path, value: str, driven: bool) -> None:
    grid = OsmGrid()
    grid.retag((59.1, 49.9), (59.4, 49.9), motor_vehicle=value)
    study = grid.write(tmp_path)
    # A place on the road itself, 10.75 km from its ends; no other road is within 10 km.
    if driven:
        assert way(study, "59.1,49.9", "59.25,49.9")["km"] == pytest.approx(10.75, abs=0.1)
    else:
        assert "59.25,49.9 joins no road network" in refused(study, "59.1,49.9", "59.25,49.9")


def test_a_link_without_a_direction_leads_both_ways(tmp_path: Path) -> None:
    grid = OsmGrid()
    grid.way([grid.node(59.25, 49.55), grid.at[59.1, 49.7]], highway="motorway_link")
    study = grid.write(tmp_path)
    assert way(study, "59.25,49.55", "59.1,49.7")["km"] == pytest.approx(19.9, abs=0.1)
    assert way(study, "59.1,49.7", "59.25,49.55")["km"] == pytest.approx(19.9, abs=0.1)


def test_what_is_closed_in_winter_and_what_is_open_by_day(tmp_path: Path) -> None:
    grid = OsmGrid()
    grid.retag((59.1, 49.9), (59.4, 49.9), motor_vehicle__conditional="no @ (Nov-Apr)")
    grid.retag((59.1, 50.1), (59.4, 50.1), motor_vehicle="no", motor_vehicle__conditional="yes @ (06:00-22:00)")
    study = grid.write(tmp_path, more="[speeds]\nprimary = 80\n")
    text = study.read_text(encoding="utf-8")
    found = way(study, "59.1,49.9", "59.4,49.9")
    assert found["km"] == pytest.approx(21.5, abs=0.1)
    # Within its season it is open all day.
    assert found["notes"] == []
    study.write_text(text.replace("[network]", "[network]\nwinter = true"), encoding="utf-8")
    assert way(study, "59.1,49.9", "59.4,49.9")["km"] == pytest.approx(2 * 22.2 + 21.5, abs=0.3)
    found = way(study, "59.1,50.1", "59.4,50.1")
    assert found["km"] == pytest.approx(21.5, abs=0.1)
    # 16 of 24 hours.
    (note,) = found["notes"]
    assert note.startswith("21.5 km of it are open 67 % of the time")


def test_a_departure_by_night_says_that_roads_may_open_on_the_way(tmp_path: Path) -> None:
    grid = OsmGrid()
    grid.retag((59.1, 50.1), (59.4, 50.1), motor_vehicle="no", motor_vehicle__conditional="yes @ (06:00-22:00)")
    study = grid.write(tmp_path)
    by_night = way(study, "59.1,50.1", "59.4,50.1", "--at", "Mon 05:30")
    assert by_night["km"] == pytest.approx(2 * 22.2 + 21.5, abs=0.3)
    assert any("closed all the way" in note for note in by_night["notes"])
    by_day = way(study, "59.1,50.1", "59.4,50.1", "--at", "Mon 12:00")
    assert by_day["km"] == pytest.approx(21.5, abs=0.1)
    assert not any("closed all the way" in note for note in by_day["notes"])


def test_a_post_that_is_open_by_day_says_so(tmp_path: Path) -> None:
    posts = grid_layers()["checkpoints"].assign(hours=["08:00-20:00", "24/7"])
    study = OsmGrid().write(tmp_path, checkpoints=posts)
    (note,) = way(study, "59.7,49.7", "60.3,49.7")["notes"]
    assert note == "South is open 50 % of the week (08:00-20:00)"
    assert way(study, "59.7,50.1", "60.3,50.1")["notes"] == []


@pytest.mark.parametrize("by_relation", [False, True])
def test_a_ferry_whose_piers_are_service_roads(tmp_path: Path, by_relation: bool) -> None:
    grid = OsmGrid(cross=())
    a, p, q, b = (grid.node(lon, 49.9) for lon in (59.98, 59.99, 60.01, 60.02))
    grid.way([grid.at[59.7, 49.9], a], highway="primary")
    grid.way([b, grid.at[60.3, 49.9]], highway="primary")
    grid.way([a, p], highway="service")
    grid.way([q, b], highway="service")
    ferry = grid.way([p, q], **({} if by_relation else {"route": "ferry", "duration": "00:20"}))
    if by_relation:
        grid.relation(("w", ferry, ""), type="route", route="ferry", duration="00:20")
    posts = gpd.GeoDataFrame(
        {"name": ["Ferry"], "mode": "road", "wait_min": 30.0}, geometry=[shapely.Point(60, 49.9)], crs=4326
    )
    found = way(grid.write(tmp_path, checkpoints=posts), "59.7,49.9", "60.3,49.9")
    assert found["km"] == pytest.approx(43.1, abs=0.1)
    # 20.1 km on either side at 75 km/h, 0.7 km of service roads at 20, 20 min on board and 15 at each landing.
    assert found["time_min"] == pytest.approx(2 * 20.1 / 75 * 60 + 2 * 0.72 / 20 * 60 + 20 + 30, abs=1)
    assert found["wait_min"] == 30


def test_a_road_that_is_out_of_use(tmp_path: Path) -> None:
    grid = OsmGrid()
    for y, tags in (
        (49.9, {"disused": "yes"}),
        (50.1, {"impassable": "yes"}),
        (50.3, {"operational_status": "closed"}),
    ):
        grid.retag((59.1, y), (59.4, y), **tags)
    # Only the southernmost parallel is left between 59.1 and 59.4.
    assert way(grid.write(tmp_path), "59.1,50.3", "59.4,50.3")["km"] == pytest.approx(6 * 22.24 + 21.6, abs=0.4)


@pytest.mark.parametrize("name", ["NET.OSM.PBF", "net.osm", "net.osm.gz", "net.osm.bz2", "net.o5m"])
def test_extracts_under_other_names(tmp_path: Path, name: str) -> None:
    import osmium

    study = OsmGrid().write(tmp_path)
    if name.endswith("PBF"):
        (tmp_path / "net.osm.pbf").rename(tmp_path / name)
    elif not name.endswith("o5m"):
        with osmium.SimpleWriter(str(tmp_path / name)) as writer:
            for thing in osmium.FileProcessor(str(tmp_path / "net.osm.pbf")):
                writer.add(thing)
    else:
        pytest.skip("no writer of o5m is at hand")
    study.write_text(study.read_text(encoding="utf-8").replace("net.osm.pbf", name), encoding="utf-8")
    assert way(study, "59.7,49.7", "60.3,49.7")["km"] == pytest.approx(43.3, abs=0.1)


@pytest.mark.parametrize("town", [True, False])
def test_a_forbidden_turn_leads_round_also_where_a_town_stands(tmp_path: Path, town: bool) -> None:
    """Straight on at 59.4: by the parallel north of it, two meridians more.

    Turning round at the next junction is as long.
    """
    grid = OsmGrid()
    one, other = grid.between((59.1, 49.7), (59.4, 49.7)), grid.between((59.4, 49.7), (59.7, 49.7))
    grid.relation(
        ("w", one, "from"),
        ("n", grid.at[59.4, 49.7], "via"),
        ("w", other, "to"),
        type="restriction",
        restriction="no_straight_on",
    )
    frames = {}
    if not town:
        towns = grid_layers()["settlements"]
        frames["settlements"] = towns[towns["name"] != "Town 59.4 49.7"]
    study = grid.write(tmp_path, **frames)
    assert way(study, "59.1,49.7", "59.7,49.7")["km"] == pytest.approx(43.2 + 2 * 22.2, abs=0.3)
    assert way(study, "59.7,49.7", "59.1,49.7")["km"] == pytest.approx(43.2, abs=0.1)
    assert way(study, "59.1,49.7", "59.4,49.7")["km"] == pytest.approx(21.6, abs=0.1)
    assert way(study, "59.4,49.7", "59.1,49.7")["km"] == pytest.approx(21.6, abs=0.1)


def test_a_restriction_of_lorries_is_none_of_cars(tmp_path: Path) -> None:
    grid = OsmGrid()
    one, other = grid.between((59.1, 49.7), (59.4, 49.7)), grid.between((59.4, 49.7), (59.7, 49.7))
    grid.relation(
        ("w", one, "from"),
        ("n", grid.at[59.4, 49.7], "via"),
        ("w", other, "to"),
        type="restriction",
        restriction__hgv="no_straight_on",
    )
    study = grid.write(tmp_path)
    assert way(study, "59.1,49.7", "59.7,49.7")["km"] == pytest.approx(43.2, abs=0.1)
    text = study.read_text(encoding="utf-8")
    study.write_text(text.replace("[network]", '[network]\nvehicle = "truck"'), encoding="utf-8")
    assert way(study, "59.1,49.7", "59.7,49.7")["km"] == pytest.approx(43.2 + 2 * 22.2, abs=0.3)


def test_a_side_without_data_says_so_first(tmp_path: Path) -> None:
    grid = OsmGrid(cross=())
    regions = grid_layers()["regions"]
    regions["country"] = regions["country"].map({"RU": "AR", "KZ": "CL"})
    regions["region"] = ["AR-A", "AR-B", "CL-A", "CL-B"]
    east = {i for i, (lon, _, _) in grid.nodes.items() if lon > 60}
    grid.ways = {i: w for i, w in grid.ways.items() if not set(w[0]) & east}
    for lon in (59.1, 59.4):
        grid.node(lon, 49.7, place="town", name=f"T{lon}", population="5000")
    study = grid.write(tmp_path, own=("regions", "checkpoints"), regions=regions)
    text = study.read_text(encoding="utf-8")
    study.write_text(text.replace('["RU", "KZ"]', '["AR", "CL"]'), encoding="utf-8")
    prepared = gis.prepare(gis.load_study(study))
    assert prepared.warnings[0] == "side CL: 0 settlements, 0.0 km of roads: is its extract missing from [osm] pbf?"
    done = call("run", study.name, cwd=tmp_path)
    assert done.returncode == 0
    assert done.stdout.startswith("side CL: 0 settlements")


def report_of(study: Path) -> tuple[Any, list[str]]:
    """Return the network of a study and the warnings of its ground."""
    prepared = gis.prepare(gis.load_study(study))
    return gis.build(prepared), prepared.warnings


def test_posts_without_a_name_are_called_after_their_road_or_place(tmp_path: Path) -> None:
    grid = OsmGrid()
    for lat in (49.7, 50.1):
        grid.node(60.0, lat, barrier="border_control")
    grid.ways[grid.between((59.7, 49.7), (60.3, 49.7))][1]["ref"] = "M-36"
    network, _ = report_of(grid.write(tmp_path, own=("regions", "settlements")))
    assert sorted(network.checkpoints["name"]) == ["Post near Town 59.7 50.1", "Post on M-36"]


def third_country(tmp_path: Path, *, own_posts: bool) -> Path:
    """Return a study in which side a has a post at a third country in the north.

    The post is 5.6 km from the crossing at 50.1 and 8 km from the line.
    """
    regions = grid_layers()["regions"]
    regions.loc[1, "geometry"] = shapely.box(59, 50, 60, 50.15)
    more = gpd.GeoDataFrame(
        {"region": ["XX-1"], "name": ["X"], "country": ["XX"]}, geometry=[shapely.box(59, 50.15, 60, 50.5)], crs=4326
    )
    regions = gpd.GeoDataFrame(pd.concat([regions, more], ignore_index=True), crs=4326)
    grid = OsmGrid(cross=(50.1,))
    spots = {"Third": (59.9, 50.149), "South": (60.0, 49.7)}
    if own_posts:
        table = {"checkpoint_id": list(spots), "name": list(spots), "mode": "road", "wait_min": 30.0}
        posts = gpd.GeoDataFrame(table, geometry=[shapely.Point(p) for p in spots.values()], crs=4326)
        return grid.write(tmp_path, regions=regions, checkpoints=posts)
    for name, place in spots.items():
        grid.node(*place, barrier="border_control", name=name)
    return grid.write(tmp_path, own=("regions", "settlements"), regions=regions)


@pytest.mark.parametrize("own_posts", [True, False])
def test_the_post_of_a_third_country_opens_no_crossing(tmp_path: Path, own_posts: bool) -> None:
    study = third_country(tmp_path, own_posts=own_posts)
    network, warnings = report_of(study)
    assert network.checkpoints["name"].tolist() == ["South"]
    assert any("other borders" in w and "Third" in w for w in warnings)
    assert network.report["crossings_closed"] == ["road-x001"]
    # South has no road over the line: none is invented.
    assert network.checkpoints["joined_by"].tolist() == ["nothing"]
    assert "no way" in refused(study, "59.7,49.7", "60.3,49.7")


def test_carriageways_that_run_apart_are_both_the_posts(tmp_path: Path) -> None:
    """East goes at 49.7, west 2.2 km north of it; the post stands at the southern one."""
    grid = OsmGrid(cross=())
    there = [grid.at[59.7, 49.7], grid.node(60.0, 49.7), grid.at[60.3, 49.7]]
    back = [grid.at[60.3, 49.7], grid.node(60.01, 49.72), grid.node(59.99, 49.72), grid.at[59.7, 49.7]]
    grid.way(there, highway="primary", oneway="yes")
    grid.way(back, highway="primary", oneway="yes")
    posts = gpd.GeoDataFrame(
        {"checkpoint_id": ["p"], "name": ["P"], "mode": "road", "wait_min": 30.0},
        geometry=[shapely.Point(60, 49.7)],
        crs=4326,
    )
    study = grid.write(tmp_path, checkpoints=posts)
    for a, b in (("59.7,49.7", "60.3,49.7"), ("60.3,49.7", "59.7,49.7")):
        found = way(study, a, b)
        assert (found["checkpoint_names"], found["wait_min"]) == (["P"], 30)
        assert 43 < found["km"] < 44
    grid.ways.popitem()
    network, _ = report_of(grid.write(tmp_path / "one", checkpoints=posts))
    assert network.report["checkpoints_one_way"] == ["p"]


def test_a_crossing_in_a_piece_of_its_own_is_said(tmp_path: Path) -> None:
    grid = OsmGrid(cross=(50.1,))
    grid.way([grid.node(59.98, 49.8), grid.node(60.0, 49.8), grid.node(60.02, 49.8)], highway="primary")
    table = {"checkpoint_id": ["island", "north"], "name": ["I", "N"], "mode": "road", "wait_min": 30.0}
    posts = gpd.GeoDataFrame(table, geometry=[shapely.Point(60, 49.8), shapely.Point(60, 50.1)], crs=4326)
    study = grid.write(tmp_path, checkpoints=posts)
    network, _ = report_of(study)
    assert network.report["crossings_apart"] == ["road-x001"]
    assert network.checkpoints.set_index("checkpoint_id")["joined_by"].to_dict() == {
        "island": "island",
        "north": "crossing",
    }


def test_the_exported_graph_has_the_same_ways_where_turns_are_forbidden(tmp_path: Path) -> None:
    import networkx as nx

    from network.graph import to_graph
    from network.routing import compile_router

    grid = OsmGrid()
    for lon, lat, kind in (
        (59.4, 49.7, "no_straight_on"),
        (60.6, 50.1, "only_straight_on"),
        (59.7, 49.9, "no_straight_on"),
    ):
        west = {59.4: 59.1, 60.6: 60.3, 59.7: 59.4}[lon]
        east = {59.4: 59.7, 60.6: 60.9, 59.7: 60.3}[lon]
        one, other = grid.between((west, lat), (lon, lat)), grid.between((lon, lat), (east, lat))
        grid.relation(
            ("w", one, "from"),
            ("n", grid.at[lon, lat], "via"),
            ("w", other, "to"),
            type="restriction",
            restriction=kind,
        )
    network, _ = report_of(grid.write(tmp_path))
    # Straight on is one turn; only straight on leaves out the other two.
    assert network.report["turns_forbidden"] == 4
    router = compile_router(network)
    nodes = network.settlements["node"].to_numpy()
    graph = to_graph(network)
    for field in ("open_min", "actual_min"):
        found = router.table(nodes, nodes, field)
        for i, node in enumerate(nodes):
            reached = nx.single_source_dijkstra_path_length(graph, int(node), weight=field)
            expected = [reached[int(n)] for n in nodes]
            assert found[i] == pytest.approx(expected, rel=1e-9)
