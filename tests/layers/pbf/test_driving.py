"""What is read of roads, railways and settlements, all the way to the network."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import geopandas as gpd
import pytest
import shapely

from layers.crs import WGS84
from layers.regions import border_line, clip_to_belt, study_crs, with_sides
from layers.schema import validate
from layers.sources.pbf.read import PbfLayers, read_network
from network.base import Base, build_base
from tests.layers.pbf.files import Node, Way, write_pbf

if TYPE_CHECKING:
    from pathlib import Path

pytest.importorskip("osmium", reason="osmium (pyosmium) is not installed")

# Seven nodes from west to east, 0.1° apart; the border runs between the fourth and the fifth.
LINE: list[Node] = [(1 + i, 60 + i / 10, 50.0) for i in range(7)]
ROAD = {"highway": "primary"}


def regions() -> gpd.GeoDataFrame:
    table = {"region": ["RU-1", "KZ-1"], "name": ["West", "East"], "country": ["RU", "KZ"]}
    halves = [shapely.box(58, 48, 60.35, 52), shapely.box(60.35, 48, 63, 52)]
    return validate(gpd.GeoDataFrame(table, geometry=halves, crs=WGS84), "regions", "test")


def read(tmp_path: Path, ways: list[Way], nodes: list[Node] = LINE) -> PbfLayers:
    return read_network(write_pbf(tmp_path / "a.osm.pbf", nodes, ways), regions=regions())


def base_of(got: PbfLayers, **options: Any) -> Base:
    """Return the base of what was read."""
    border = border_line(regions(), ("RU", "KZ"))
    clipped = clip_to_belt(with_sides(regions(), ("RU", "KZ")), border, 200)
    roads = validate(got.roads, "roads", "test")
    railways = validate(got.railways, "railways", "test") if len(got.railways) else got.railways
    return build_base(roads, railways, clipped, border, study_crs(border), **options)


def by_way(base: Base, column: str) -> dict[str, list[Any]]:
    """Return the values of a column by the way that links were made of."""
    links = base.tables.links
    return {str(k): sorted(set(v)) for k, v in links.groupby("osm_ids")[column]}


@pytest.mark.parametrize("contract", [False, True])
def test_limits_surface_and_toll_of_a_way_reach_its_links(tmp_path: Path, contract: bool) -> None:
    ways: list[Way] = [
        (100, [1, 2], {**ROAD, "maxspeed": "60", "toll": "yes", "surface": "asphalt"}),
        (101, [2, 3, 4], {**ROAD, "maxspeed:type": "RU:rural", "smoothness": "bad"}),
        (102, [4, 5], ROAD),
        (103, [5, 6], {**ROAD, "surface": "gravel"}),
        (104, [6, 7], {**ROAD, "highway": "living_street"}),
        (105, [3, 7], {**ROAD, "highway": "trunk"}),
    ]
    base = base_of(read(tmp_path, ways), contract=contract)
    if contract:
        # Ways 100 is a dead end of its own, 101 is cut by 105; the rest is one chain but for the crossing.
        assert base.tables.links["toll"].sum() == 1
        assert base.tables.links["time_min"].sum() == pytest.approx(
            base_of(read(tmp_path, ways)).tables.links["time_min"].sum()
        )
        return
    assert by_way(base, "speed_kph") == {
        "100": [54],
        "101": [75 * 0.8],
        "102": [75],
        "103": [40],
        "104": [20],
        "105": [85],
    }
    source = by_way(base, "speed_source")
    assert source == {"100": ["tagged"], "101": ["implicit"], **{k: ["default"] for k in ("102", "103", "104", "105")}}
    assert {k for k, v in by_way(base, "toll").items() if v == [True]} == {"100"}
    assert by_way(base, "smoothness")["101"] == ["bad"]


def test_trucks_and_seasons(tmp_path: Path) -> None:
    ways: list[Way] = [
        (100, [1, 2, 3], {**ROAD, "hgv": "no"}),
        (101, [3, 4], {**ROAD, "ice_road": "yes"}),
        (102, [4, 5], ROAD),
        (103, [5, 6], {**ROAD, "seasonal": "summer"}),
        (104, [6, 7], {**ROAD, "motor_vehicle": "no", "hgv": "yes"}),
        (105, [1, 7], {**ROAD, "seasonal": "yes"}),
    ]
    got = read(tmp_path, ways)

    def there(**options: Any) -> set[str]:
        return set(base_of(got, **options).tables.links["osm_ids"])

    assert there() == {"100", "102", "103"}
    assert there(winter=True) == {"100", "101", "102"}
    assert there(vehicle="truck") == {"102", "103", "104"}
    report = base_of(got, vehicle="truck").report
    assert {k: v for k, v in report.items() if k.startswith("roads_")} == {
        "roads_closed_to_trucks": 1,
        "roads_out_of_season": 2,
    }


def test_a_ferrys_duration_is_shared_by_its_pieces(tmp_path: Path) -> None:
    ways: list[Way] = [
        (100, [1, 2], ROAD),
        (101, [2, 3, 4, 6], {"route": "ferry", "duration": "02:00"}),
        (102, [6, 7], ROAD),
        (103, [3, 7], ROAD),
    ]
    got = read(tmp_path, ways)
    ferry = got.roads[got.roads["kind"] == "ferry"]
    assert len(ferry) == 2
    assert ferry["duration_min"].tolist() == pytest.approx([30, 90], rel=1e-5)
    links = base_of(got).tables.links.query("kind == 'ferry'")
    # Both ends of the first piece are landings, and so are both of the second: getting on and off costs 30 minutes.
    assert sorted(links["time_min"]) == pytest.approx([30 + 30, 90 + 30], rel=1e-5)
    assert set(links["speed_source"]) == {"tagged"}
    assert set(links["mode"]) == {"road"}


def test_a_change_of_current_between_two_tracks(tmp_path: Path) -> None:
    wires = {"railway": "rail", "usage": "main", "gauge": "1520", "electrified": "contact_line"}
    ways: list[Way] = [
        (100, [1, 2], ROAD),
        (200, [1, 2, 3], {**wires, "voltage": "3000", "frequency": "0"}),
        (201, [3, 4, 5], {**wires, "voltage": "25000", "frequency": "50"}),
        (202, [5, 6], {"railway": "rail", "usage": "main"}),
    ]
    base = base_of(read(tmp_path, ways))
    links = base.tables.links
    assert by_way(base, "current")["200"] == ["3 kV DC"]
    assert by_way(base, "gauge")["201"] == ["1520"]
    assert links.query("kind == 'change'")["time_min"].tolist() == [45]
    nodes = base.tables.nodes
    assert nodes.loc[nodes["change"] != "", ["ref", "change"]].to_numpy().tolist() == [["3", "current"]] * 2


def test_capitals_and_dates_of_settlements_pass_the_schema(tmp_path: Path) -> None:
    nodes: list[Node] = [
        (
            1,
            60,
            50,
            {"place": "city", "name": "A", "capital": "4", "population": "5000", "population:date": "2021-10-01"},
        ),
        (2, 61, 50, {"place": "village", "name": "B", "admin_centre:6": "yes"}),
        (3, 61.1, 50, {"place": "hamlet", "name": "C", "capital": "no"}),
    ]
    layer = validate(read(tmp_path, [], nodes).settlements, "settlements", "test")
    assert layer["capital"].tolist() == ["4", "6", ""]
    assert layer["population_date"].tolist() == ["2021-10-01", "", ""]


@pytest.mark.parametrize(
    ("tags", "vehicle", "ends"),
    [
        ({"oneway": "yes", "oneway:motor_vehicle": "no"}, "car", (1, 3, False)),
        ({"oneway": "yes", "oneway:hgv": "no"}, "car", (1, 3, True)),
        ({"oneway": "yes", "oneway:hgv": "no"}, "truck", (1, 3, False)),
        ({"oneway:motor_vehicle": "-1"}, "car", (3, 1, True)),
        ({"oneway": "no", "oneway:vehicle": "no", "oneway:motorcar": "yes"}, "car", (1, 3, True)),
        ({"oneway": "yes", "oneway:bicycle": "no"}, "car", (1, 3, True)),
    ],
)
def test_the_direction_of_a_vehicle_goes_before_that_of_all(
    tmp_path: Path, tags: dict[str, str], vehicle: str, ends: tuple[int, int, bool]
) -> None:
    path = write_pbf(tmp_path / "a.osm.pbf", LINE[:3], [(100, [1, 2, 3], ROAD | tags)])
    assert read_network(path, vehicle=vehicle).roads[["u", "v", "oneway"]].to_numpy().tolist() == [list(ends)]


def test_ways_for_rescuers_alone_are_no_roads(tmp_path: Path) -> None:
    gate = {"highway": "service", "service": "emergency_access"}
    ways: list[Way] = [(100, [1, 2], ROAD), (101, [2, 3], gate), (102, [3, 4], {"highway": "service"})]
    got = read_network(write_pbf(tmp_path / "a.osm.pbf", LINE[:4], ways))
    assert got.roads["osm_id"].tolist() == [100, 102]
    assert got.report["left_out"]["roads_emergency_access"] == 1
