"""Files that are broken end in one clear message; odd objects in a count; both the same twice."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from pandas.testing import assert_frame_equal

from layers.errors import LayerError
from layers.sources.pbf.read import read_header, read_network, read_regions
from tests.layers.pbf.files import blob, block, header_blob, part, pieces_of, write_pbf

pytest.importorskip("osmium", reason="osmium (pyosmium) is not installed")

GOOD = header_blob() + block(
    [(1, 600_000_000, 500_000_000), (2, 600_100_000, 500_000_000)], [(7, [1, 2], {b"highway": b"primary"})]
)
ROAD_TEXTS = part(1, part(1, b"") + part(1, b"highway") + part(1, b"primary"))
BAD = {
    "empty": (b"", "is empty"),
    "html": (b"<!DOCTYPE html><html><body>404 Not Found</body></html>", r"web page \(HTML\)"),
    "html after a blank": (b"\n  <html><head></head></html>", r"web page \(HTML\)"),
    "xml": (b"<?xml version='1.0'?><osm version='0.6'></osm>", "XML"),
    "text": (b"This is no PBF at all, it is a text.", "no OpenStreetMap PBF"),
    "zip": (b"PK\x03\x04" + bytes(60), "no OpenStreetMap PBF"),
    "cut in a block": (GOOD[:-20], "truncated or damaged"),
    "cut in a header": (GOOD[: len(header_blob()) + 9], "truncated or damaged"),
    "cut in a size": (GOOD[: len(header_blob()) + 2], "truncated or damaged"),
    "cut in the first block": (GOOD[:30], "truncated or damaged"),
    "spoilt block": (GOOD[:-30] + bytes(30), "damaged"),
    "history": (header_blob(("OsmSchema-V0.6", "HistoricalInformation")), "HistoricalInformation"),
    "message beyond its end": (header_blob() + blob(b"OSMData", b"\x0a\x7f\x01"), "damaged"),
    "keys without values": (
        header_blob() + blob(b"OSMData", ROAD_TEXTS + part(2, part(3, part(1, 5) + part(2, b"\x01")))),
        "damaged",
    ),
    "bomb": (header_blob() + blob(b"OSMData", bytes(40_000_000)), "unpacks to more|damaged"),
    "unpacked block": (header_blob() + blob(b"OSMData", b"", compress=False)[:-2] + b"\x32\x00", "lz4|damaged"),
}


OSMIUM_PASSES_OVER = ("keys without values", "message beyond its end")
"""Damage in blocks without relations, which the reader of regions has no cause to open."""
CASES = [(read_network, name) for name in BAD] + [(read_regions, n) for n in BAD if n not in OSMIUM_PASSES_OVER]


@pytest.mark.parametrize(("read", "name"), CASES)
def test_a_bad_file_ends_in_a_clear_message(tmp_path: Path, name: str, read: Callable[[Path], object]) -> None:
    content, message = BAD[name]
    path = tmp_path / "bad.osm.pbf"
    path.write_bytes(content)
    said = set()
    for _ in range(2):
        with pytest.raises(LayerError, match=message) as caught:
            read(path)
        said.add(str(caught.value))
    assert len(said) == 1
    assert str(path) in said.pop()


@pytest.mark.parametrize("cut", range(1, len(GOOD), 7))
def test_a_file_cut_anywhere_is_never_taken_as_whole(tmp_path: Path, cut: int) -> None:
    path = tmp_path / "cut.osm.pbf"
    path.write_bytes(GOOD[:cut])
    if cut == len(header_blob()):
        assert read_network(path).roads.empty
        return
    with pytest.raises(LayerError, match=r"truncated or damaged|no OpenStreetMap PBF"):
        read_network(path)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(LayerError, match="no such file"):
        read_network(tmp_path / "none.osm.pbf")
    with pytest.raises(LayerError, match="no PBF"):
        read_network([])


def test_a_file_that_lies_about_its_order(tmp_path: Path) -> None:
    path = tmp_path / "a.osm.pbf"
    ways = block([], [(7, [1, 2], {b"highway": b"primary"})])
    nodes = block([(1, 0, 0), (2, 1, 1)], [])
    path.write_bytes(header_blob(optional=["Sort.Type_then_ID"]) + ways + nodes)
    assert pieces_of(read_network(path).roads) == [(7, 1, 2)]
    path.write_bytes(header_blob() + ways + nodes)
    assert pieces_of(read_network(path).roads) == [(7, 1, 2)]


def test_coordinates_out_of_range_are_left_out_and_counted(tmp_path: Path) -> None:
    path = tmp_path / "a.osm.pbf"
    nodes = [
        (1, 600_000_000, 500_000_000),
        (2, 600_100_000, 500_000_000),
        (3, 1_900_000_000, 0),
        (4, 0, -910_000_000),
        (5, 1 << 40, 0),
    ]
    path.write_bytes(header_blob() + block(nodes, [(7, [1, 2, 3, 4, 5], {b"highway": b"primary"})]))
    first, second = read_network(path), read_network(path)
    assert pieces_of(first.roads) == [(7, 1, 2)]
    assert first.report["left_out"] == {"nodes_out_of_range": 3, "ways_cut": 1}
    assert first.report == second.report
    assert_frame_equal(first.roads, second.roads)


def test_a_tag_of_ten_thousand_letters_is_left_out_and_counted(tmp_path: Path) -> None:
    path = tmp_path / "a.osm.pbf"
    tags = {b"highway": b"primary", b"name": b"x" * 10_000, b"maxspeed": b"60"}
    path.write_bytes(header_blob() + block([(1, 0, 0), (2, 100_000, 0)], [(7, [1, 2], tags)]))
    got = read_network(path)
    assert got.roads["name"].isna().tolist() == [True]
    assert got.roads["maxspeed_kph"].tolist() == [60]
    assert got.report["left_out"] == {"tags_too_long": 1}


def test_letters_that_are_no_utf8_do_not_end_the_run(tmp_path: Path) -> None:
    path = tmp_path / "a.osm.pbf"
    tags = {b"highway": b"primary", b"name": b"ab\xff"}
    path.write_bytes(header_blob() + block([(1, 0, 0), (2, 100_000, 0)], [(7, [1, 2], tags)]))
    assert read_network(path).roads["name"].tolist() == ["ab\ufffd"]


def test_the_header_tells_date_box_and_program(tmp_path: Path) -> None:
    import osmium

    path = write_pbf(tmp_path / "a.osm.pbf", timestamp="2025-11-20T21:20:00Z")
    header = read_header(path)
    assert header["timestamp"] == "2025-11-20T21:20:00Z"
    assert header["program"] == "tests"
    assert header["sorted"]
    boxed = osmium.io.Header()
    boxed.add_box(osmium.osm.Box(-10.5, 20, 30, 40.25))
    with osmium.SimpleWriter(str(tmp_path / "b.osm.pbf"), header=boxed) as writer:
        writer.add_node(osmium.osm.mutable.Node(id=1, location=(1, 1)))
    assert read_header(tmp_path / "b.osm.pbf")["bbox"] == (-10.5, 20, 30, 40.25)
