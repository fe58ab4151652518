"""A ferry in one extract and its way to the roads in another, by small files in either order."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

pytest.importorskip("osmium", reason="osmium (pyosmium) is not installed")

import layers.sources.pbf.across as across
from layers.sources.pbf.read import read_network
from tests.layers.pbf.files import Node, Relation, Way, write_pbf

if TYPE_CHECKING:
    from pathlib import Path

NODES: list[Node] = [(1 + i, 60 + i / 100, 50.0) for i in range(6)]
WEST: Way = (100, [1, 2], {"highway": "primary"})
PIER: Way = (101, [2, 3], {"highway": "service"})
TRACK: Way = (103, [4, 5], {"highway": "track"})
EAST: Way = (104, [5, 6], {"highway": "primary"})
BARE: Way = (102, [3, 4], {})
FERRY: Way = (102, [3, 4], {"route": "ferry"})
ROUTE: Relation = (7, [("w", 102, "")], {"type": "route", "route": "ferry"})
FAR: list[Node] = [(901, 70.0, 50.0), (902, 70.01, 50.0)]

Extract = tuple[list[Node], list[Way], list[Relation]]


def links(folder: Path, *extracts: Extract) -> list[tuple[int, int, int]]:
    """Return way, u and v of the roads, the same whatever the order of the files."""
    paths = [write_pbf(folder / f"{k}.osm.pbf", *extract) for k, extract in enumerate(extracts)]
    found = [
        read_network(files, road_kinds=["primary"]).roads[["osm_id", "u", "v"]].to_numpy().tolist()
        for files in (paths, paths[::-1])
    ]
    assert found[0] == found[1]
    return [tuple(row) for row in found[0]]


WHOLE = [(100, 1, 2), (101, 2, 3), (102, 3, 4), (103, 4, 5), (104, 5, 6)]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        # The relation here, its way there; the road that the pier leads to here.
        ((NODES[:2], [WEST], [ROUTE]), (NODES[1:], [PIER, BARE, TRACK, EAST], [])),
        # The ferry here without its last node, which lies there.
        ((NODES[:3], [WEST, PIER, BARE], [ROUTE]), (NODES[3:], [TRACK, EAST], [])),
        # The ferry alone here, all else there.
        ((NODES[2:4], [FERRY], []), (NODES, [WEST, PIER, TRACK, EAST], [])),
        # Each file with the ferry and one of its ends: as extracts with whole ways are.
        ((NODES[:4], [WEST, PIER, FERRY], []), (NODES[2:], [FERRY, TRACK, EAST], [])),
    ],
)
def test_a_ferry_is_tied_to_the_road_of_the_other_extract(tmp_path: Path, one: Extract, other: Extract) -> None:
    assert links(tmp_path, one, other) == WHOLE


def test_the_pier_leads_through_both_extracts(tmp_path: Path) -> None:
    nodes: list[Node] = [*NODES, (7, 60.005, 50.0)]
    half: Way = (105, [2, 7], {"highway": "service"})
    rest: Way = (106, [7, 3], {"highway": "service"})
    found = links(tmp_path, (nodes, [WEST, half], []), (nodes, [rest, FERRY, TRACK, EAST], []))
    assert [way for way, _, _ in found] == [100, 102, 103, 104, 105, 106]


def test_only_extracts_that_touch_are_read_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[int] = []
    chosen = across._to_read_again

    def counted(seen: np.ndarray, files: list[across.File]) -> list[across.File]:
        out = chosen(seen, files)
        read.append(len(out))
        return out

    monkeypatch.setattr(across, "_to_read_again", counted)
    away: Extract = (FAR, [(900, [901, 902], {"highway": "primary"})], [])
    # A ferry whose far end leads nowhere, far from every other extract: nothing is read again.
    assert links(tmp_path, (NODES[:4], [WEST, PIER, FERRY], []), away)[-1][0] == 900
    assert read == [0, 0]
    links(tmp_path, (NODES[:4], [WEST, PIER, FERRY], []), (NODES[3:], [TRACK, EAST], []), away)
    assert read[2:] == [2, 2]
