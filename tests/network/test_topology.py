"""Splitting and contracting: nothing is lost, nothing invented."""

from __future__ import annotations

from collections import Counter

import networkx as nx
import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from pyproj import Geod

from layers.crs import fit_equal_area
from layers.errors import NetworkError
from network.simplify import contract
from network.speeds import with_speeds
from network.topology import Tables, assemble, components, split_links
from tests.borders import PLAIN, edges_of, random_land

GEOD = Geod(ellps="WGS84")
CRS = fit_equal_area(shapely.LineString([(58, 49), (62, 51)]))


def tables_of(*layers: object, modes: tuple[str, ...] = ("road",)) -> Tables:
    tables = assemble(dict(zip(modes, layers, strict=True)), CRS)  # type: ignore[arg-type]
    return Tables(tables.nodes, with_speeds(tables.links), CRS)


@pytest.fixture(scope="module")
def roads() -> Tables:
    return tables_of(random_land(3).roads)


# --- assemble


def test_nodes_lie_at_the_ends_of_their_links(roads: Tables) -> None:
    xy = roads.nodes[["x", "y"]].to_numpy()
    lines = roads.links["geometry"].to_numpy()
    for column, position in (("u", 0), ("v", -1)):
        ends = shapely.get_coordinates(shapely.get_point(lines, position))
        assert ends == pytest.approx(xy[roads.links[column]], abs=1e-12)


def test_no_road_is_straighter_than_straight() -> None:
    layer = edges_of(PLAIN, [(-50, 0), (-20, 0), (10, 30)], [(0, 1), (1, 2)])
    short = layer.assign(length_m=[layer["length_m"][0] * 0.99, layer["length_m"][1] * 1.2])
    lengths = tables_of(short).links["length_m"].to_numpy()
    assert lengths == pytest.approx([layer["length_m"][0], layer["length_m"][1] * 1.2])


def test_modes_keep_their_own_nodes() -> None:
    layer = edges_of(PLAIN, [(-50, 0), (-20, 0)], [(0, 1)])
    rail = edges_of(PLAIN, [(-50, 0), (-20, 0)], [(0, 1)], "railways")
    tables = assemble({"road": layer, "rail": rail}, CRS)
    assert len(tables.nodes) == 4
    assert components(tables.links, 4).tolist().count(0) == 2


def test_loops_are_dropped_and_nothing_is_no_network() -> None:
    layer = edges_of(PLAIN, [(-50, 0), (-20, 0)], [(0, 1), (1, 1)])
    assert len(assemble({"road": layer}, CRS).links) == 1
    with pytest.raises(NetworkError, match="empty"):
        assemble({"road": layer.iloc[:0]}, CRS)


# --- split_links


def test_a_split_shares_out_kilometres_and_minutes(roads: Tables) -> None:
    rng = np.random.default_rng(5)
    rows = rng.choice(len(roads.links), 25)  # some links several times
    fractions = rng.uniform(0.05, 0.95, 25)
    split, node = split_links(roads, rows, fractions, "anchor")
    for column in ("length_m", "time_min"):
        assert split.links[column].sum() == pytest.approx(roads.links[column].sum(), rel=1e-12)
    graph = nx.MultiDiGraph()
    graph.add_edges_from(
        (u, v, {"length_m": m, "time_min": t})
        for u, v, m, t in zip(*(split.links[c] for c in ("u", "v", "length_m", "time_min")), strict=True)
    )
    fresh = set(range(len(roads.nodes), len(split.nodes)))
    assert set(node) <= fresh
    for row, fraction, place in zip(rows, fractions, node, strict=True):
        link = roads.links.iloc[row]
        for column in ("length_m", "time_min"):
            # Back along new nodes alone until the link's own beginning.
            walked, at = 0.0, place
            while at in fresh:
                ((before, _, data),) = graph.in_edges(at, data=True)
                walked, at = walked + data[column], before
            assert at == link["u"]
            assert walked == pytest.approx(fraction * link[column], abs=2e-3)
    assert (split.nodes.loc[sorted(fresh), "kind"] == "anchor").all()


def test_the_new_node_lies_on_the_geodesic() -> None:
    tables = tables_of(edges_of(PLAIN, [(-90, -40), (-10, 60)], [(0, 1)]))
    split, (node,) = split_links(tables, np.array([0]), np.array([0.3]), "post")
    (x1, y1), (x2, y2) = tables.nodes[["x", "y"]].to_numpy()
    azimuth, _, length = GEOD.inv(x1, y1, x2, y2)
    expected = GEOD.fwd(x1, y1, azimuth, 0.3 * length)[:2]
    assert split.nodes.loc[node, ["x", "y"]].to_numpy(float) == pytest.approx(expected, abs=1e-8)


def test_a_bent_link_is_cut_at_its_share_and_keeps_its_bend() -> None:
    layer = edges_of(PLAIN, [(-90, 0), (-10, 0)], [(0, 1)])
    bent = shapely.LineString([layer.geometry[0].coords[0], (59.3, 50.6), layer.geometry[0].coords[1]])
    length = GEOD.geometry_length(bent)
    tables = tables_of(layer.set_geometry([bent]).assign(length_m=2 * length))
    split, _ = split_links(tables, np.array([0, 0]), np.array([0.75, 0.25]), "post")
    pieces = split.links
    assert pieces["length_m"].to_numpy() == pytest.approx(np.array([0.25, 0.5, 0.25]) * 2 * length, abs=2e-3)
    drawn = [GEOD.geometry_length(g) for g in pieces["geometry"]]
    assert drawn == pytest.approx(np.array([0.25, 0.5, 0.25]) * length, abs=2e-3)
    assert (59.3, 50.6) in pieces["geometry"][1].coords
    for i in (0, 1):
        assert pieces["geometry"][i].coords[-1] == pieces["geometry"][i + 1].coords[0]


def test_places_at_an_end_take_the_node_there_and_places_at_one_spot_share_one() -> None:
    tables = tables_of(edges_of(PLAIN, [(-90, 0), (-10, 0)], [(0, 1)]))
    fractions = np.array([0.0, 1.0, 0.5, 0.5, 1e-7, 1 - 1e-7])
    split, node = split_links(tables, np.zeros(6, int), fractions, "anchor")
    assert node.tolist() == [0, 1, 2, 2, 0, 1]
    assert len(split.links) == 2
    same, node = split_links(tables, np.array([0, 0]), np.array([0.0, 1.0]), "anchor")
    assert same is tables
    assert node.tolist() == [0, 1]


def test_the_pieces_keep_direction_class_and_speed() -> None:
    layer = edges_of(
        PLAIN,
        [(-90, 0), (-10, 0), (0, 9)],
        [(0, 1), (1, 2)],
        kind="primary",
        oneway=[True, False],
        maxspeed_kph=[70.0, np.nan],
    )
    tables = tables_of(layer)
    split, _ = split_links(tables, np.array([0, 0]), np.array([0.2, 0.6]), "anchor")
    pieces = split.links[split.links["oneway"]]
    assert len(pieces) == 3
    assert set(pieces["speed_kph"]) == {tables.links["speed_kph"][0]}
    assert set(pieces["kind"]) == {"primary"}


def test_the_order_of_places_does_not_matter(roads: Tables) -> None:
    rng = np.random.default_rng(6)
    rows, fractions = rng.choice(len(roads.links), 12), rng.random(12)
    turn = rng.permutation(12)
    one, node = split_links(roads, rows, fractions, "anchor")
    two, turned = split_links(roads, rows[turn], fractions[turn], "anchor")
    assert one.links.equals(two.links)
    assert node[turn].tolist() == turned.tolist()


# --- contract


def slow_contract(
    u: list[int], v: list[int], length: list[int], keep: list[bool]
) -> tuple[Counter[tuple[int, int, int]], list[int]]:
    """Merge one degree-2 node after the other.

    Return links by ends, and the lengths of rings that hold no node to keep.
    """
    graph = nx.MultiGraph()
    graph.add_edges_from((a, b, {"length": m}) for a, b, m in zip(u, v, length, strict=True))
    rings = []
    while True:
        for node in list(graph):
            if keep[node] or graph.degree(node) != 2:
                continue
            edges = list(graph.edges(node, data=True))
            total = sum(d["length"] for _, _, d in edges)
            others = [b for _, b, _ in edges]
            graph.remove_node(node)
            if others == [node]:
                rings.append(total)
            else:
                graph.add_edge(*others, length=total)
            break
        else:
            break
    found = Counter((min(a, b), max(a, b), d["length"]) for a, b, d in graph.edges(data=True))
    return found, sorted(rings)


@settings(max_examples=150, deadline=None, derandomize=True)
@given(
    st.integers(2, 9).flatmap(
        lambda n: st.tuples(
            st.lists(
                st.tuples(st.integers(0, n - 1), st.integers(0, n - 1), st.integers(1, 50)), min_size=1, max_size=14
            ),
            st.lists(st.booleans(), min_size=n, max_size=n),
        )
    )
)
def test_contraction_equals_the_slow_way(drawn: tuple[list[tuple[int, int, int]], list[bool]]) -> None:
    links, keep = drawn
    u, v, length = (list(c) for c in zip(*links, strict=True))
    out = contract(np.array(u), np.array(v), np.array(length, float), np.array(keep))
    expected, rings = slow_contract(u, v, length, keep)
    plain = out[~out["ring"]]
    found = Counter(
        (min(a, b), max(a, b), int(m)) for a, b, m in zip(plain["u"], plain["v"], plain["length"], strict=True)
    )
    assert found == expected
    assert sorted(out.loc[out["ring"], "length"].astype(int)) == rings
    assert out["length"].sum() == sum(length)
    chain: NDArray[np.int64] = out.attrs["chain_of"]
    assert np.bincount(chain, length, minlength=len(out)).tolist() == out["length"].tolist()


def test_parallel_links_stay_parallel_and_a_ring_stays_a_ring() -> None:
    u, v = np.array([0, 0, 2, 3, 4]), np.array([1, 1, 3, 4, 2])
    out = contract(u, v, np.array([1.0, 2, 3, 4, 5]), np.array([True, True, False, False, False]))
    assert sorted(out.loc[~out["ring"], "length"]) == [1, 2]
    assert out.loc[out["ring"], "length"].tolist() == [12]


def test_the_largest_component_is_numbered_first() -> None:
    tables = tables_of(edges_of(PLAIN, [(s, 0.0) for s in range(-60, -10, 10)], [(0, 1), (2, 3), (3, 4)]))
    assert components(tables.links, 5).tolist() == [1, 1, 0, 0, 0]
