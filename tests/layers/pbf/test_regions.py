"""Regions out of boundary relations; bad relations are told of and never closed."""

from __future__ import annotations

from pathlib import Path

import pytest
import shapely

from layers.errors import LayerError
from layers.schema import validate
from layers.sources.pbf.blocks import RELATIONS, block_starts, first_with, read_blobs, read_block
from layers.sources.pbf.blocks import WAYS as WAY_GROUPS
from layers.sources.pbf.read import read_boundaries, read_regions
from tests.layers.pbf.files import Node, Relation, Way, write_pbf

pytest.importorskip("osmium", reason="osmium (pyosmium) is not installed")

# Two squares side by side, a hole in the first, an exclave of the second in it.
CORNERS: list[Node] = [
    (1, 60, 50),
    (2, 61, 50),
    (3, 61, 51),
    (4, 60, 51),
    (5, 62, 50),
    (6, 62, 51),
    (11, 60.4, 50.4),
    (12, 60.6, 50.4),
    (13, 60.6, 50.6),
    (14, 60.4, 50.6),
]
WAYS: list[Way] = [
    (100, [2, 3], {}),
    (101, [3, 4, 1, 2], {}),
    (102, [2, 5, 6, 3], {}),
    (103, [11, 12, 13, 14, 11], {}),
]


def relation(osm_id: int, ways: list[tuple[int, str]], level: int, **tags: str) -> Relation:
    named = {k.replace("__", ":").replace("_2", "-2"): v for k, v in tags.items()}
    members = [("w", way, role) for way, role in ways]
    return osm_id, members, {"type": "boundary", "boundary": "administrative", "admin_level": str(level), **named}


FIRST = relation(
    1,
    [(100, "outer"), (101, "outer"), (103, "inner")],
    4,
    ISO3166_2="RU-AAA",
    name="Первая",
    name__en="First",
    name__kk="Бірінші",
)
SECOND = relation(
    2, [(100, "outer"), (102, "outer"), (103, "outer")], 4, ISO3166_2="KZ-10", name="Second", name__de="Zweite"
)


def test_polygons_with_holes_and_exclaves(tmp_path: Path) -> None:
    got, report = read_regions(
        write_pbf(tmp_path / "a.osm.pbf", CORNERS, WAYS, [FIRST, SECOND]), countries=("RU", "KZ")
    )
    assert got["region"].tolist() == ["KZ-10", "RU-AAA"]
    assert got["country"].tolist() == ["KZ", "RU"]
    assert got["name"].tolist() == ["Second", "First"]
    assert got["name_kk"].tolist() == ["", "Бірінші"]
    assert got["names"].tolist() == ["Zweite", "Бірінші|Первая"]
    assert shapely.area(got.geometry.to_numpy()).tolist() == pytest.approx([1.04, 0.96])
    assert shapely.get_num_geometries(got.geometry.to_numpy()).tolist() == [2, 1]
    assert report["level"] == {"RU": 4, "KZ": 4}
    assert len(validate(got, "regions", "test")) == 2


def test_a_relation_in_pieces_is_assembled_from_several_extracts(tmp_path: Path) -> None:
    # The first file lacks way 101, the second 100 and 103 and some of the nodes.
    one = write_pbf(tmp_path / "one.osm.pbf", CORNERS, [w for w in WAYS if w[0] != 101], [FIRST])
    two = write_pbf(tmp_path / "two.osm.pbf", CORNERS[:4], [WAYS[1]], [FIRST])
    assert read_regions(one)[1]["cut_off"] == ["r1 level 4 First"]
    assert read_regions(one)[0].empty
    got, report = read_regions([one, two])
    assert shapely.area(got.geometry.to_numpy()).tolist() == pytest.approx([0.96])
    assert report["cut_off"] == []


def test_a_file_that_is_not_sorted_gives_the_same(tmp_path: Path) -> None:
    one, two = (
        read_regions(write_pbf(tmp_path / name, CORNERS, WAYS, [FIRST, SECOND], in_order=in_order))
        for name, in_order in (("a.osm.pbf", True), ("b.osm.pbf", False))
    )
    assert one[0].equals(two[0])
    assert {**one[1], "files": []} == {**two[1], "files": []}


def test_regions_of_a_file_of_many_blocks(tmp_path: Path) -> None:
    # 30,000 nodes and 20,000 ways before and behind those of the boundaries: blocks hold 8,000 objects.
    more = [(1000 + i, 20 + i * 1e-4, 40.0) for i in range(30_000)]
    roads: list[Way] = [(i + 1000 * (i >= 50), [1000 + i, 1001 + i], {"highway": "track"}) for i in range(1, 20_000)]
    few = read_regions(write_pbf(tmp_path / "few.osm.pbf", CORNERS, WAYS, [FIRST, SECOND]))[0]
    ways = sorted([w for w in roads if w[0] not in {w[0] for w in WAYS}] + WAYS, key=lambda w: w[0])
    for name, in_order in (("many.osm.pbf", True), ("mixed.osm.pbf", False)):
        path = write_pbf(tmp_path / name, [*CORNERS, *more], ways, [FIRST, SECOND], in_order=in_order)
        starts = block_starts(path)
        assert len(starts) > 8
        assert read_regions(path)[0].equals(few)
    many = tmp_path / "many.osm.pbf"
    held = [{g for g, _, _ in read_block(data).groups} for kind, data in read_blobs(many) if kind == "OSMData"]
    for kind in (WAY_GROUPS, RELATIONS):
        assert first_with(many, block_starts(many), kind) == 1 + next(i for i, g in enumerate(held) if kind in g)


def test_roles_of_any_letters_are_no_matter(tmp_path: Path) -> None:
    named = relation(1, [(100, "outer"), (101, "внешний, 1@%"), (103, "inner")], 4, ISO3166_2="RU-AAA", name="First")
    got, report = read_regions(write_pbf(tmp_path / "a.osm.pbf", CORNERS, WAYS, [named]))
    assert shapely.area(got.geometry.to_numpy()).tolist() == pytest.approx([0.96])
    assert report["not_assembled"] == []


@pytest.mark.parametrize("lost", ["way", "node"])
def test_a_relation_that_is_cut_off_is_told_of_and_not_closed(tmp_path: Path, lost: str) -> None:
    nodes = [n for n in CORNERS if lost == "way" or n[0] != 6]
    ways = [w for w in WAYS if lost == "node" or w[0] != 102]
    got, report = read_regions(write_pbf(tmp_path / "a.osm.pbf", nodes, ways, [FIRST, SECOND]), countries=("RU", "KZ"))
    assert got["region"].tolist() == ["RU-AAA"]
    assert report["cut_off"] == ["r2 level 4 Second"]
    assert report["countries_missing"] == ["KZ"]


def test_rings_that_cross_themselves_or_stay_open_are_told_of(tmp_path: Path) -> None:
    ways = [*WAYS, (200, [1, 3, 2, 4, 1], {}), (201, [1, 2, 3], {})]
    crossed = relation(3, [(200, "outer")], 4, ISO3166_2="RU-X", name="Crossed")
    open_ = relation(4, [(201, "outer")], 4, ISO3166_2="RU-Y", name="Open")
    path = write_pbf(tmp_path / "a.osm.pbf", CORNERS, ways, [FIRST, crossed, open_])
    got, report = read_regions(path)
    assert got["region"].tolist() == ["RU-AAA"]
    assert report["not_assembled"] == ["r3 level 4 Crossed", "r4 level 4 Open"]
    again = read_regions(path)
    assert again[1] == report
    assert again[0].equals(got)


def test_a_country_without_regions_is_taken_whole(tmp_path: Path) -> None:
    nation = relation(9, [(100, "outer"), (102, "outer")], 2, ISO3166_1="LI", **{"ISO3166-1": "LI"}, name="Land")
    district = relation(8, [(103, "outer")], 6, name="District")
    got, report = read_regions(write_pbf(tmp_path / "a.osm.pbf", CORNERS, WAYS, [district, nation]))
    assert got[["region", "country", "admin_level"]].to_numpy().tolist() == [["LI", "LI", 2]]
    assert report["boundaries"] == {2: 1, 6: 1}
    assert report["without_code"] == ["r8 level 6 District"]


def test_regions_that_leave_most_of_the_country_out_are_not_taken(tmp_path: Path) -> None:
    nation = relation(9, [(101, "outer"), (102, "outer")], 2, **{"ISO3166-1": "KZ"}, name="Land")
    path = write_pbf(tmp_path / "a.osm.pbf", CORNERS, WAYS, [SECOND, nation])
    got, report = read_regions(path)
    assert report["level"] == {"KZ": 2}
    assert got["region"].tolist() == ["KZ"]
    assert shapely.area(got.geometry.to_numpy()).tolist() == pytest.approx([2.0])


def test_only_the_levels_that_are_asked_for(tmp_path: Path) -> None:
    other = relation(5, [(103, "outer")], 8, name="Town")
    path = write_pbf(tmp_path / "a.osm.pbf", CORNERS, WAYS, [FIRST, other])
    assert read_boundaries(path)[0]["admin_level"].tolist() == [4]
    frame, _ = read_boundaries(path, levels=(4, 8))
    assert frame["admin_level"].tolist() == [4, 8]


def test_of_two_relations_of_one_code_the_larger_stays(tmp_path: Path) -> None:
    small = relation(3, [(103, "outer")], 4, ISO3166_2="RU-AAA", name="Small")
    got, report = read_regions(write_pbf(tmp_path / "a.osm.pbf", CORNERS, WAYS, [FIRST, small]))
    assert got["osm_id"].tolist() == [1]
    assert report["codes_twice"] == ["RU-AAA"]


def test_no_file_is_refused() -> None:
    with pytest.raises(LayerError, match="no PBF"):
        read_regions([])
