"""What tags of ways and of their nodes mean, out of small PBF files; every figure by hand."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from layers.errors import LayerError
from layers.sources.pbf.read import PbfLayers, read_network
from layers.sources.pbf.ways import CUT_IDS
from tests.layers.pbf.files import Node, Way, part, pieces_of, write_pbf

pytest.importorskip("osmium", reason="osmium (pyosmium) is not installed")

ROAD = {"highway": "primary"}


def line(count: int, **tagged: dict[str, str]) -> list[Node]:
    """Return nodes 0.01° apart from west to east, ``n3={...}`` with tags."""
    return [(1 + i, 60 + i / 100, 50.0, tagged.get(f"n{1 + i}", {})) for i in range(count)]


def read(tmp_path: Path, nodes: list[Node], ways: list[Way], **options: Any) -> PbfLayers:
    return read_network(write_pbf(tmp_path / "a.osm.pbf", nodes, ways), **options)


@pytest.mark.parametrize(
    "tags",
    [
        {"barrier": "block"},
        {"barrier": "bollard"},
        {"barrier": "Block"},
        {"barrier": "block;bollard"},
        {"barrier": "gate", "access": "no"},
        {"access": "no"},
    ],
)
def test_a_closed_node_parts_the_road(tmp_path: Path, tags: dict[str, str]) -> None:
    got = read(tmp_path, line(5, n3=tags), [(100, [1, 2, 3, 4, 5], ROAD)])
    (_, u1, v1), (_, u2, v2) = pieces_of(got.roads)
    assert (u1, v2) == (1, 5)
    assert v1 >= CUT_IDS
    assert u2 >= CUT_IDS
    assert v1 != u2
    assert got.report["left_out"] == {f"roads_cut_at_{tags.get('access') or tags['barrier'].lower()}": 1}


@pytest.mark.parametrize(
    "tags",
    [
        {"barrier": "gate"},
        {"barrier": "block;gate"},
        {"barrier": "lift_gate"},
        {"barrier": "cattle_grid"},
        {"barrier": "toll_booth"},
        {"barrier": "bollard", "motor_vehicle": "yes"},
    ],
)
def test_a_gate_without_access_closes_nothing(tmp_path: Path, tags: dict[str, str]) -> None:
    got = read(tmp_path, line(5, n3=tags), [(100, [1, 2, 3, 4, 5], ROAD)])
    assert [(u, v) for _, u, v in pieces_of(got.roads) if u >= CUT_IDS or v >= CUT_IDS] == []
    assert set(got.roads["no_through"]) == {""}


def test_a_barrier_stops_the_vehicle_that_it_names(tmp_path: Path) -> None:
    nodes = line(3, n2={"barrier": "gate", "hgv": "no"})
    assert pieces_of(read(tmp_path, nodes, [(100, [1, 2, 3], ROAD)]).roads) == [(100, 1, 3)]
    assert len(read(tmp_path, nodes, [(100, [1, 2, 3], ROAD)], vehicle="truck").roads) == 2


def test_a_barrier_on_a_railway_and_beside_a_road_closes_nothing(tmp_path: Path) -> None:
    nodes = [*line(3, n2={"barrier": "block"}), (9, 60.01, 50.01, {"barrier": "block"})]
    got = read(tmp_path, nodes, [(100, [1, 2, 3], {"railway": "rail"}), (101, [1, 3], ROAD)])
    assert pieces_of(got.railways) == [(100, 1, 3)]
    assert pieces_of(got.roads) == [(101, 1, 3)]


def test_a_barrier_at_a_junction_parts_all_that_meet(tmp_path: Path) -> None:
    nodes = [*line(3, n2={"barrier": "block"}), (9, 60.01, 50.01)]
    got = read(tmp_path, nodes, [(100, [1, 2, 3], ROAD), (101, [2, 9], ROAD)])
    ends = [n for _, u, v in pieces_of(got.roads) for n in (u, v)]
    assert sorted(n for n in ends if n < CUT_IDS) == [1, 3, 9]
    assert len(set(ends)) == 6


def test_a_private_gate_and_one_that_is_shut_in_winter_mark_the_shorter_side(tmp_path: Path) -> None:
    nodes = line(
        8, n3={"barrier": "gate", "access": "private"}, n6={"barrier": "gate", "access:conditional": "no @ (Nov-Apr)"}
    )
    got = read(tmp_path, nodes, [(100, [1, 2, 3], ROAD), (101, [3, 4, 5, 6, 7, 8], ROAD)])
    assert pieces_of(got.roads) == [(100, 1, 3), (101, 3, 6), (101, 6, 8)]
    assert got.roads["no_through"].tolist() == ["car|truck", "", ""]
    assert got.roads["season"].tolist() == ["", "", "summer"]


@pytest.mark.parametrize(
    "tags",
    [
        {"highway": "trunk", "disused": "yes"},
        {"highway": "trunk", "abandoned": "yes"},
        {"highway": "trunk", "construction": "yes"},
        {"highway": "trunk", "proposed": "yes"},
        {"highway": "trunk", "impassable": "yes"},
        {"railway": "rail", "disused": "yes"},
        {"railway": "rail", "abandoned": "yes"},
        {"railway": "rail", "operational_status": "closed"},
        {"railway": "disused"},
        {"highway": "construction", "construction": "trunk"},
        {"disused:highway": "trunk"},
        {"highway": "proposed", "winter_road": "yes"},
    ],
)
def test_what_is_out_of_use_is_left_out(tmp_path: Path, tags: dict[str, str]) -> None:
    got = read(tmp_path, line(2), [(100, [1, 2], tags)])
    assert (len(got.roads), len(got.railways)) == (0, 0)
    counted = (
        any(v == "yes" for v in tags.values()) and tags.get("highway") != "proposed"
    ) or "operational_status" in tags
    assert bool(got.report["left_out"]) == counted


@pytest.mark.parametrize(
    "tags", [{"construction": "minor"}, {"disused": "no"}, {"overtaking": "no"}, {"operational_status": "open"}]
)
def test_work_beside_the_traffic_closes_nothing(tmp_path: Path, tags: dict[str, str]) -> None:
    assert len(read(tmp_path, line(2), [(100, [1, 2], {**ROAD, **tags})]).roads) == 1


@pytest.mark.parametrize(
    ("tags", "kind"),
    [
        ({"highway": "winter_road"}, "winter_road"),
        ({"highway": "ice_road"}, "winter_road"),
        ({"highway": "track", "winter_road": "yes"}, "track"),
        ({"highway": "path", "ice_road": "yes"}, "winter_road"),
        ({"highway": "primary", "winter_road": "yes"}, "primary"),
    ],
)
def test_winter_roads_of_any_class_are_kept_for_winter(tmp_path: Path, tags: dict[str, str], kind: str) -> None:
    (row,) = read(tmp_path, line(2), [(100, [1, 2], tags)], road_kinds=["primary"]).roads.to_dict("records")
    assert (row["kind"], row["season"]) == (kind, "winter")


def test_conditional_access_direction_and_limits(tmp_path: Path) -> None:
    ways: list[Way] = [
        (100, [1, 2], {**ROAD, "motor_vehicle:conditional": "no @ (Nov-Apr)"}),
        (101, [2, 3], {**ROAD, "motor_vehicle": "no", "motor_vehicle:conditional": "yes @ (06:00-22:00)"}),
        (102, [3, 4], {**ROAD, "access:conditional": "no @ (00:00-24:00)"}),
        (103, [4, 5], {**ROAD, "oneway": "yes", "oneway:conditional": "no @ (05:00-23:00)"}),
        (
            104,
            [5, 6],
            {**ROAD, "maxspeed": "90", "maxspeed:conditional": "70 @ (Nov-Apr); 80 @ (weight>3.5); 50 @ wet"},
        ),
        (105, [6, 7], {**ROAD, "oneway:conditional": "yes @ (high tide)"}),
        (106, [7, 8], {**ROAD, "hgv:conditional": "no @ (weight>7.5)"}),
        (107, [8, 9], {**ROAD, "maxspeed:conditional": "60 @ (22:00-06:00)"}),
    ]
    got = read(tmp_path, line(9), ways)
    roads = got.roads.set_index("osm_id")
    assert roads.index.tolist() == [100, 101, 103, 104, 105, 106, 107]
    assert roads.loc[100, "season"] == "summer"
    assert roads.loc[101, "open_share"] == pytest.approx(2 / 3, abs=1e-3)
    assert not roads.loc[103, "oneway"]
    assert roads.loc[104, ["maxspeed_kph", "maxspeed_winter_kph"]].tolist() == [90, 70]
    assert roads.loc[104, "maxspeed_hgv_kph"] == 80
    assert roads.loc[106, ["car", "truck"]].tolist() == [True, False]
    assert np.isnan(roads.loc[107, ["maxspeed_kph", "maxspeed_winter_kph"]].to_numpy(float)).all()
    assert got.report["left_out"] == {
        "roads_access_conditional": 1,
        "roads_oneway_by_hours": 1,
        "roads_open_by_hours": 1,
    }
    assert got.report["unread"] == {"oneway:conditional=yes @ (high tide)": 1}


def test_the_zone_of_a_limit(tmp_path: Path) -> None:
    row = read(tmp_path, line(2), [(100, [1, 2], {**ROAD, "zone:maxspeed": "RU:urban"})]).roads.iloc[0]
    assert (row["maxspeed_kph"], row["speed_source"]) == (60, "implicit")


def test_nobody_is_known_and_not_unreadable(tmp_path: Path) -> None:
    nodes = [
        (1, 60.0, 50.0, {"place": "village", "name": "Gone", "population": "0"}),
        (2, 60.1, 50.0, {"place": "village", "name": "Many", "population": "many"}),
    ]
    assert read(tmp_path, nodes, []).report["left_out"] == {"populations_unreadable": 1}


def test_broad_gauge_is_that_of_the_country(tmp_path: Path) -> None:
    import geopandas as gpd
    import shapely

    regions = gpd.GeoDataFrame(
        {"region": ["IN-1"], "name": ["x"], "country": ["IN"]}, geometry=[shapely.box(59, 49, 61, 51)], crs=4326
    )
    ways: list[Way] = [
        (100, [1, 2], {"railway": "rail", "gauge": "broad"}),
        (101, [2, 3], {"railway": "rail", "gauge": "1,435"}),
    ]
    got = read(tmp_path, line(3), ways, regions=regions)
    assert got.railways["gauge"].tolist() == ["1676", "1435"]
    assert read(tmp_path, line(3), ways).railways["gauge"].tolist() == ["", "1435"]


def test_a_file_with_locations_on_its_ways(tmp_path: Path) -> None:
    import osmium

    nodes = line(5, n3={"barrier": "block"})
    path = write_pbf(
        tmp_path / "plain.osm.pbf", nodes, [(100, [1, 2, 3, 4, 5], ROAD), (101, [2, 4], {"railway": "rail"})]
    )
    target = tmp_path / "located.osm.pbf"
    out = osmium.io.File(str(target), "pbf,locations_on_ways=true")
    header = osmium.io.Header()
    header.set("sorting", "Type_then_ID")
    with osmium.SimpleWriter(out, header=header, overwrite=True) as writer:
        for thing in osmium.FileProcessor(str(path)).with_locations():
            if thing.is_way() or len(thing.tags):
                writer.add(thing)
    for area in (None, __import__("shapely").box(59.99, 49.9, 60.015, 50.1)):
        plain, located = read_network(path, area), read_network(target, area)
        assert pieces_of(located.roads) == pieces_of(plain.roads)
        assert pieces_of(located.railways) == pieces_of(plain.railways)
        assert located.roads.geometry.to_wkt().tolist() == plain.roads.geometry.to_wkt().tolist()


@pytest.mark.parametrize("in_order", [True, False])
def test_negative_ids(tmp_path: Path, in_order: bool) -> None:
    nodes: list[Node] = [(-1, 60.0, 50.0), (-2, 60.01, 50.0), (-30_000_000_000, 60.02, 50.0)]
    ways: list[Way] = [(-5, [-1, -2], ROAD), (7, [-2, -30_000_000_000], ROAD)]
    got = read_network(write_pbf(tmp_path / "a.osm.pbf", nodes, ways, in_order=in_order))
    assert pieces_of(got.roads) == [(-5, -1, -2), (7, -2, -30_000_000_000)]


@pytest.mark.parametrize("name", ["a.osm", "A.OSM", "a.osm.gz", "a.osm.bz2", "a.opl"])
@pytest.mark.parametrize("in_order", [True, False])
def test_other_formats_read_as_pbf(tmp_path: Path, name: str, in_order: bool) -> None:
    import osmium

    from layers.sources.pbf.read import read_header

    nodes, ways = line(4, n3={"place": "town", "name": "Brod"}), [(100, [1, 2, 3], ROAD), (-7, [3, 4], ROAD)]
    path = write_pbf(tmp_path / "a.osm.pbf", nodes, ways, in_order=in_order)
    other = tmp_path / name
    kind = name.casefold().removeprefix("a.")
    with osmium.SimpleWriter(osmium.io.File(str(other), kind), overwrite=True) as writer:
        for thing in osmium.FileProcessor(str(path)):
            writer.add(thing)
    want, got = read_network(path), read_network(other)
    assert pieces_of(got.roads) == pieces_of(want.roads) == [(-7, 3, 4), (100, 1, 3)]
    assert got.settlements["name"].tolist() == ["Brod"]
    assert read_header(other)["program"] == "borderlink"


def test_a_broken_xml_file_is_named(tmp_path: Path) -> None:
    path = tmp_path / "a.osm"
    path.write_text("<osm version='0.6'><node id='1' lat='50'")
    with pytest.raises(LayerError, match=r"a\.osm can't be read"):
        read_network(path)


@pytest.mark.parametrize("packing", ["lz4", "zstd", "none"])
def test_blocks_packed_otherwise(tmp_path: Path, packing: str) -> None:
    import zlib

    import pyarrow as pa

    from layers.sources.pbf.blocks import _blobs, fields

    plain = write_pbf(tmp_path / "a.osm.pbf", line(3), [(100, [1, 2, 3], ROAD)])
    out = b""
    for _, kind, data in _blobs(plain):
        parts = {f: (a, b) for f, _, a, b in fields(data, 0, len(data))}
        raw = zlib.decompress(data[slice(*parts[3])])
        number, codec = {"lz4": (6, "lz4_raw"), "zstd": (7, "zstd"), "none": (1, "")}[packing]
        body = part(number, bytes(pa.Codec(codec).compress(raw, asbytes=True)) if codec else raw)
        body = (part(2, len(raw)) if codec else b"") + body
        head = part(1, kind.encode()) + part(3, len(body))
        out += len(head).to_bytes(4, "big") + head + body
    path = tmp_path / "b.osm.pbf"
    path.write_bytes(out)
    assert pieces_of(read_network(path).roads) == [(100, 1, 3)]
    path.write_bytes(out[:-3])
    with pytest.raises(LayerError, match="truncated or damaged"):
        read_network(path)


def test_short_ways_of_lower_classes_tie_a_ferry_to_the_roads(tmp_path: Path) -> None:
    nodes = [*line(6), (20, 60.01, 50.002), (21, 60.5, 50.0), (22, 60.51, 50.0)]
    ways: list[Way] = [
        (100, [1, 2], ROAD),
        (101, [2, 3], {"highway": "service"}),
        (102, [3, 4], {"route": "ferry"}),
        (103, [4, 5], {"highway": "track"}),
        (104, [5, 6], ROAD),
        (105, [2, 20], {"highway": "service"}),
        (106, [21, 22], {"highway": "service"}),
        (107, [2, 3], {"highway": "service", "access": "no"}),
    ]
    got = read(tmp_path, nodes, ways, road_kinds=["primary"])
    assert got.roads["osm_id"].tolist() == [100, 101, 102, 103, 104]
    assert got.roads["kind"].tolist() == ["primary", "service", "ferry", "track", "primary"]
    assert got.report["tied"] == 2
    assert read(tmp_path, nodes, ways).report["tied"] == 0


def test_a_village_away_from_the_roads_is_tied_to_them(tmp_path: Path) -> None:
    """3 is 1.4 km from the road and half a kilometre from the end of its lane; 21 is a hamlet beside the road."""
    nodes: list[Node] = [
        (1, 60.0, 50.0),
        (2, 60.02, 50.0),
        (5, 60.01, 50.0),
        (6, 60.01, 50.01),
        (7, 60.012, 50.01),
        (3, 60.013, 50.0131, {"place": "village", "name": "V"}),
        (21, 60.001, 50.001, {"place": "hamlet", "name": "H"}),
        (22, 60.002, 50.002),
        (30, 60.5, 50.0),
        (31, 60.51, 50.0),
    ]
    ways: list[Way] = [
        (100, [1, 5, 2], ROAD),
        (101, [5, 6], {"highway": "residential"}),
        (102, [6, 7], {"highway": "track"}),
        (103, [1, 22], {"highway": "service"}),
        (104, [30, 31], {"highway": "residential"}),
    ]
    got = read(tmp_path, nodes, ways, road_kinds=["primary"])
    assert got.roads["osm_id"].unique().tolist() == [100, 101, 102]


def test_a_road_of_a_lower_class_through_a_post_is_kept_to_the_roads_of_both_sides(tmp_path: Path) -> None:
    import geopandas as gpd
    import shapely

    nodes = [*line(7, n4={"barrier": "border_control"}), (20, 60.03, 50.01), (21, 60.03, 50.02)]
    ways: list[Way] = [
        (100, [1, 2], ROAD),
        (101, [2, 3], {"highway": "unclassified"}),
        (102, [3, 4, 5], {"highway": "unclassified"}),
        (103, [5, 6], {"highway": "residential"}),
        (104, [6, 7], ROAD),
        (105, [20, 21], {"highway": "residential"}),
    ]
    assert read(tmp_path, nodes, ways, road_kinds=["primary"]).roads["osm_id"].tolist() == [100, 101, 102, 103, 104]
    plain = [n[:3] for n in nodes]
    assert read(tmp_path, plain, ways, road_kinds=["primary"]).roads["osm_id"].tolist() == [100, 104]
    # A post of another source stands beside the road.
    posts = gpd.GeoDataFrame(geometry=[shapely.Point(60.03, 50.003)], crs=4326)
    assert read(tmp_path, plain, ways, road_kinds=["primary"], posts=posts).roads["osm_id"].tolist() == [
        100,
        101,
        102,
        103,
        104,
    ]


@pytest.mark.parametrize(
    ("tags", "vehicle", "ends"),
    [
        ({"motor_vehicle:backward": "no"}, "car", (1, 3, True)),
        ({"vehicle:forward": "no"}, "car", (3, 1, True)),
        ({"hgv:backward": "no"}, "car", (1, 3, False)),
        ({"hgv:backward": "no"}, "truck", (1, 3, True)),
        ({"motor_vehicle:backward": "no", "motorcar:backward": "yes"}, "car", (1, 3, False)),
        ({"motor_vehicle": "no", "motor_vehicle:forward": "yes", "motorcar": "yes"}, "car", (1, 3, False)),
        # Against its only direction nobody was allowed before.
        ({"oneway": "yes", "motor_vehicle:backward": "no"}, "car", (1, 3, True)),
    ],
)
def test_access_in_one_direction_makes_a_road_one_way(
    tmp_path: Path, tags: dict[str, str], vehicle: str, ends: tuple[int, int, bool]
) -> None:
    path = write_pbf(tmp_path / "a.osm.pbf", line(3), [(100, [1, 2, 3], {"highway": "primary", **tags})])
    got = read_network(path, vehicle=vehicle)
    assert got.roads[["u", "v", "oneway"]].to_numpy().tolist() == [list(ends)]
    by_access = int(ends[2] and "oneway" not in tags)
    assert got.report["left_out"].get("roads_oneway_by_access", 0) == by_access
