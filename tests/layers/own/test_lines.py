"""Networks that were drawn, not noded: what is found, and what mending makes of it."""

from __future__ import annotations

from typing import Any

import geopandas as gpd
import networkx as nx
import numpy as np
import pytest
import shapely
from pyproj import CRS

from layers.crs import GEOD, WGS84
from layers.own.lines import INSIDE, NEAR, SHARED, TWICE, check_lines, lengths_in_words, lines_in_words, mend_lines
from layers.own.nodes import agreeing
from layers.schema import validate

UTM = CRS.from_epsg(32641)
X, Y = 1 / 71_500, 1 / 111_200
"""A metre in degrees at 60° E, 50° N, within a per cent."""


def lines(*metres: Any, **columns: Any) -> gpd.GeoDataFrame:
    """Return roads drawn in metres east and north of 60° E, 50° N."""
    shapes = [shapely.LineString([(60 + x * X, 50 + y * Y) for x, y in line]) for line in metres]
    return validate(gpd.GeoDataFrame(geometry=shapes, crs=WGS84).assign(**columns), "roads", "test")


def counts(frame: gpd.GeoDataFrame) -> dict[str, int]:
    return {str(k): int(v) for k, v in check_lines(frame, UTM)["what"].value_counts().items()}


def pieces(frame: gpd.GeoDataFrame) -> int:
    return nx.number_connected_components(nx.MultiGraph(frame[["u", "v"]].to_numpy().tolist()))


def test_a_noded_network_is_left_in_peace() -> None:
    frame = lines([(0, 0), (1000, 0)], [(1000, 0), (2000, 0)], [(1000, 0), (1000, 500)])
    assert counts(frame) == {}
    assert lines_in_words(check_lines(frame, UTM), "roads") == []
    mended, _ = mend_lines(frame, "roads", UTM)
    assert mended.drop(columns=["u", "v"]).equals(frame.drop(columns=["u", "v"]))


def test_a_road_that_ends_on_the_inside_of_another() -> None:
    frame = lines([(0, 0), (1000, 0)], [(400, 0), (400, 500)])
    assert counts(frame) == {INSIDE: 1}
    assert pieces(frame) == 2
    mended, notes = mend_lines(frame, "roads", UTM)
    assert (len(mended), pieces(mended)) == (3, 1)
    assert mended["length_m"].sum() == pytest.approx(frame["length_m"].sum(), rel=1e-6)
    assert counts(mended) == {}
    assert "1 ends joined to lines that they touch" in notes[0]


@pytest.mark.parametrize(("gap", "joined"), [(6, True), (14, False)])
def test_a_dead_end_that_falls_short(gap: float, joined: bool) -> None:
    frame = lines([(0, 0), (1000, 0)], [(400, gap), (400, 500)])
    assert counts(frame) == ({NEAR: 1} if joined else {})
    assert pieces(mend_lines(frame, "roads", UTM)[0]) == (1 if joined else 2)
    assert pieces(mend_lines(frame, "roads", UTM, tolerance_m=20)[0]) == 1


def test_two_dead_ends_that_fall_short_of_each_other() -> None:
    frame = lines([(0, 0), (1000, 0)], [(1005, 0), (2000, 0)])
    assert counts(frame) == {NEAR: 2}
    mended, _ = mend_lines(frame, "roads", UTM)
    assert (len(mended), pieces(mended)) == (2, 1)


def test_a_parallel_carriageway_is_no_slip() -> None:
    there, back = [(0, 0), (500, 0), (1000, 0)], [(0, 8), (500, 8), (1000, 8)]
    frame = lines(
        there[:2],
        there[1:],
        back[:2],
        back[1:],
        [(0, 0), (-500, 4)],
        [(0, 8), (-500, 4)],
        [(1000, 0), (1500, 4)],
        [(1000, 8), (1500, 4)],
    )
    assert counts(frame) == {}
    assert len(mend_lines(frame, "roads", UTM)[0]) == len(frame)


def test_a_grid_drawn_as_whole_lines_meets_at_shared_vertices() -> None:
    at = [0, 1000, 2000, 3000]
    frame = lines(*[[(x, y) for x in at] for y in at], *[[(x, y) for y in at] for x in at])
    assert counts(frame)[SHARED] == 4
    mended, _ = mend_lines(frame, "roads", UTM)
    graph = nx.Graph(mended[["u", "v"]].to_numpy().tolist())
    assert nx.is_isomorphic(graph, nx.grid_2d_graph(4, 4))
    assert mended["length_m"].sum() == pytest.approx(frame["length_m"].sum(), rel=1e-9)


def test_a_bridge_without_a_common_vertex_is_left_alone() -> None:
    frame = lines([(0, 0), (1000, 0)], [(400, -500), (400, 500)])
    assert counts(frame) == {}
    assert pieces(mend_lines(frame, "roads", UTM)[0]) == 2


@pytest.mark.parametrize(("oneway", "right"), [([False, False], False), ([True, True], False), ([True, False], False)])
def test_a_street_drawn_there_and_back_stands_once(oneway: list[bool], right: bool) -> None:
    frame = lines([(0, 0), (500, 100), (1000, 0)], [(1000, 0), (500, 100), (0, 0)], oneway=oneway)
    assert counts(frame) == {TWICE: 1}
    mended, _ = mend_lines(frame, "roads", UTM)
    assert mended["oneway"].tolist() == [right]


def test_the_same_one_way_street_twice_stays_one_way() -> None:
    frame = lines([(0, 0), (1000, 0)], [(0, 0), (1000, 0)], oneway=True)
    assert mend_lines(frame, "roads", UTM)[0]["oneway"].tolist() == [True]


def test_stated_lengths_are_shared_out_by_the_drawing() -> None:
    frame = lines([(0, 0), (1000, 0)], [(400, 0), (400, 500)], length_m=[1200.0, 600.0])
    mended, _ = mend_lines(frame, "roads", UTM)
    assert sorted(mended["length_m"]) == pytest.approx([480, 600, 720], rel=1e-3)


def test_random_drawings_hang_together_as_their_noded_selves() -> None:
    """Random roads cut at random shares, whole lines again: mending finds the pieces that were there."""
    rng = np.random.default_rng(5)
    for _ in range(10):
        spine = [(0, 0), *[(1000 * (i + 1), rng.uniform(-200, 200)) for i in range(5)]]
        line = shapely.LineString(spine)
        feet = [line.interpolate(share, normalized=True) for share in rng.uniform(0.05, 0.95, 4)]
        roads = [spine] + [[(p.x, p.y), (p.x, p.y + rng.choice([-900, 900]))] for p in feet]
        mended, _ = mend_lines(lines(*roads), "roads", UTM)
        assert (pieces(mended), len(mended)) == (1, 9)
        assert counts(mended) == {}


def test_lengths_in_another_unit_are_said() -> None:
    frame = lines([(0, 0), (1000, 0)], [(1000, 0), (2000, 0)])
    assert lengths_in_words(frame, "roads") == []
    (said,) = lengths_in_words(frame.assign(length_m=frame["length_m"] / 1000), "roads")
    assert "0.001 times" in said
    assert "another unit" in said


RAW = {"u": [1, 2, 3], "v": [2, 3, 4]}


def raw(*turned: int, **columns: Any) -> gpd.GeoDataFrame:
    """Return a chain of three links with node numbers, some of them drawn from v to u."""
    shapes = [shapely.LineString([(60 + i, 50), (60.5 + i, 50.1), (61 + i, 50)]) for i in range(3)]
    shapes = [s.reverse() if i in turned else s for i, s in enumerate(shapes)]
    return gpd.GeoDataFrame({**RAW, **columns}, geometry=shapes, crs=WGS84)


@pytest.mark.parametrize("turned", [(), (0,), (1,), (2,), (0, 2), (1, 2)])
def test_the_direction_of_a_drawing_moves_no_node(turned: tuple[int, ...]) -> None:
    frame, notes = agreeing(raw(*turned), "roads", "f")
    place = {1: 60, 2: 61, 3: 62, 4: 63}
    for row in frame.itertuples():
        assert (row.geometry.coords[0][0], row.geometry.coords[-1][0]) == (place[row.u], place[row.v])
    assert len(notes) == (1 if turned else 0)


def test_numbers_that_do_not_fit_the_lines_are_not_used() -> None:
    frame, notes = agreeing(raw(u=[1, 1, 1], v=[2, 2, 2]), "roads", "f")
    assert "u" not in frame
    assert "do not fit the ends of the lines" in notes[0]
    assert "u" not in agreeing(raw(u=[1, None, 3]), "roads", "f")[0]


def test_nodes_may_have_names() -> None:
    frame, _ = agreeing(raw(1, u=["a", "b", "c"], v=["b", "c", "d"]), "roads", "f")
    known = validate(frame, "roads", "f")
    assert len(np.unique(known[["u", "v"]])) == 4
    assert GEOD.geometry_length(known.geometry[0]) == pytest.approx(known["length_m"][0])
