"""Forbidden turns: by hand at one junction, and against a search over (road, direction) on random grids."""

from __future__ import annotations

import heapq
from itertools import pairwise

import geopandas as gpd
import networkx as nx
import numpy as np
import pandas as pd
import pytest
import shapely
from scipy.sparse import coo_array
from scipy.sparse.csgraph import dijkstra

from layers.crs import WGS84, fit_equal_area
from network.junctions import once_per_junction
from network.kinds import TURN
from network.topology import Tables, assemble
from network.turns import split_turns

CRS = fit_equal_area(shapely.LineString([(60, 49), (60, 51)]))


def tables_of(places: dict[int, tuple[float, float]], ways: list[tuple[int, int, int, bool]]) -> Tables:
    """Return a road network of ways (id, u, v, one-way) between numbered places."""
    rows = [
        {
            "u": u,
            "v": v,
            "kind": "primary",
            "oneway": one,
            "maxspeed_kph": np.nan,
            "osm_id": i,
            "geometry": shapely.LineString([places[u], places[v]]),
        }
        for i, u, v, one in ways
    ]
    layer = gpd.GeoDataFrame(rows, geometry="geometry", crs=WGS84).assign(length_m=0.0)
    return assemble({"road": layer}, CRS)


def turns_of(*rows: tuple[int, int, int, bool]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=["via", "from_way", "to_way", "only"])


# A cross: 1 west, 2 north, 3 east, 4 south of 5; 2 and 3 are joined by a way round, 6.
CROSS = {1: (59.9, 50.0), 2: (60.0, 50.1), 3: (60.1, 50.0), 4: (60.0, 49.7), 5: (60.0, 50.0), 6: (60.08, 50.08)}
ROADS = [
    (10, 1, 5, False),
    (20, 5, 2, False),
    (30, 5, 3, False),
    (40, 4, 5, False),
    (50, 2, 6, False),
    (60, 6, 3, False),
]


def reached(tables: Tables, a: int, b: int) -> list[str]:
    """Return the ways of the shortest path between two places, by networkx."""
    graph = nx.DiGraph()
    for u, v, one, metres, way in zip(
        *(tables.links[c] for c in ("u", "v", "oneway", "length_m", "osm_ids")), strict=True
    ):
        graph.add_edge(u, v, weight=metres, way=way)
        if not one:
            graph.add_edge(v, u, weight=metres, way=way)
    ref = tables.nodes["ref"]
    # A place that is split is reached by any of its roads.
    graph.add_edges_from((("begin", n) for n in ref[ref == str(a)].index), weight=0.0, way="")
    graph.add_edges_from(((n, "end") for n in ref[ref == str(b)].index), weight=0.0, way="")
    path = nx.shortest_path(graph, "begin", "end", weight="weight")
    return [graph.edges[e]["way"] for e in pairwise(path) if graph.edges[e]["way"]]


def test_a_turn_that_is_forbidden_goes_round() -> None:
    whole = tables_of(CROSS, ROADS)
    split, report = split_turns(whole, turns_of((5, 10, 30, False)))
    assert report == {"turns_forbidden": 1, "turns_not_clear": 0}
    assert reached(whole, 1, 3) == ["10", "30"]
    assert reached(split, 1, 3) == ["10", "20", "50", "60"]
    # Back, and every other turn, is as it was.
    assert reached(split, 3, 1) == ["30", "10"]
    assert reached(split, 4, 3) == ["40", "30"]
    turns = split.links[split.links["kind"] == TURN]
    assert (turns[["length_m", "time_min"]] == 0).all(axis=None)
    # Four two-way roads have eight ends there; of twelve turns one is forbidden. At 2 and at 3, where nobody turns
    # round, two roads have four ends and two turns. Each road counts once.
    assert len(split.nodes) == len(whole.nodes) + 7 + 2 * 3
    assert len(turns) == 11 + 2 * 2
    assert split.links.loc[split.links["twin"] >= 0, "length_m"].sum() == pytest.approx(whole.links["length_m"].sum())


def test_only_one_turn_is_allowed() -> None:
    split, report = split_turns(tables_of(CROSS, ROADS), turns_of((5, 10, 20, True)))
    assert report["turns_forbidden"] == 2
    assert reached(split, 1, 3) == ["10", "20", "50", "60"]
    # Nobody turns round at the next junction, at 2: round by 3 it is 6.1 + 9.0 + 7.2 km, to the next but one and back,
    # to 6, 6.1 + 6.1 + 11.1.
    assert reached(split, 1, 4) == ["10", "20", "50", "60", "30", "40"]
    assert reached(split, 4, 1) == ["40", "10"]


def test_a_dead_end_is_for_turning_round() -> None:
    # Without the way round, 2 and 3 are dead ends.
    split, _ = split_turns(tables_of(CROSS, ROADS[:4]), turns_of((5, 10, 30, False)))
    assert reached(split, 1, 3) == ["10", "20", "20", "30"]
    # A road that leads into 2 alone leaves no other way out of it either.
    into = [*ROADS[:4], (50, 6, 2, True)]
    split, _ = split_turns(tables_of(CROSS, into), turns_of((5, 10, 30, False), (5, 10, 40, False)))
    assert reached(split, 1, 3) == ["10", "20", "20", "30"]


def test_a_restriction_whose_ways_do_not_end_at_its_node_is_counted() -> None:
    # Way 10 leads on over the junction: which part is meant stays open.
    roads = [(10, 1, 5, False), (10, 5, 3, False), (20, 5, 2, False)]
    split, report = split_turns(tables_of(CROSS, roads), turns_of((5, 10, 20, False), (5, 20, 99, False)))
    assert report == {"turns_forbidden": 0, "turns_not_clear": 2}
    assert (split.links["kind"] != TURN).all()


def test_a_place_joins_a_split_junction_by_one_road() -> None:
    split, _ = split_turns(tables_of(CROSS, ROADS), turns_of((5, 10, 30, False)))
    links = split.links
    ref = split.nodes["ref"].to_numpy(dtype=object)
    begins, ends = (ref[links[c]] == "5" for c in ("u", "v"))
    at = np.flatnonzero((links["kind"] != TURN) & (begins | ends))
    near = pd.DataFrame({"place": 0, "link": at, "fraction": np.where(begins[at], 0.0, 1.0), "straight_m": 0.0})
    kept = once_per_junction(split, near)["link"]
    assert links["osm_ids"].iloc[kept].tolist() == ["10", "10"]


# A two-way road from the west, 1, to 5, from where the halves of a dual carriageway lead to the east, 3, and back.
DUAL = {1: (59.9, 50.0), 5: (60.0, 50.0), 3: (60.1, 50.001), 4: (60.1, 49.999), 7: (60.2, 50.0)}
HALVES = [(10, 1, 5, False), (20, 5, 4, True), (30, 3, 5, True), (40, 4, 7, True), (50, 7, 3, True)]


def with_town(tables: Tables, via: str) -> Tables:
    """Return the tables with a node for a town at a junction, and two-way connectors to what it joins there."""
    links = tables.links
    ref = tables.nodes["ref"].to_numpy(dtype=object)
    begins, ends = (ref[links[c]] == via for c in ("u", "v"))
    at = np.flatnonzero((links["kind"] != TURN) & (begins | ends))
    near = pd.DataFrame({"place": 0, "link": at, "fraction": np.where(begins[at], 0.0, 1.0), "straight_m": 0.0})
    kept = once_per_junction(tables, near)
    row = kept["link"].to_numpy()
    node = np.where(kept["fraction"] == 0, links["u"].to_numpy()[row], links["v"].to_numpy()[row])
    town = tables.nodes.iloc[[0]].assign(ref="town")
    nodes = pd.concat([tables.nodes, town], ignore_index=True)
    joint = links.iloc[row].assign(u=len(tables.nodes), v=node, oneway=False, length_m=1.0, osm_ids="", osm_id="")
    return Tables(nodes, pd.concat([links, joint], ignore_index=True), tables.crs)


@pytest.mark.parametrize("back", [False, True])
@pytest.mark.parametrize("first", range(len(HALVES)))
def test_a_town_where_a_dual_carriageway_begins_is_reached_from_both_ends_and_reaches_them(
    back: bool, first: int
) -> None:
    roads = [*HALVES[first:], *HALVES[:first]]  # whatever the order of the roads
    if back:
        roads = [(way, v, u, one) for way, u, v, one in roads]
    out, home = ("30", "20") if back else ("20", "30")
    split, report = split_turns(tables_of(DUAL, roads), turns_of((5, int(home), int(out), False)))
    assert report["turns_forbidden"] == 1
    town = with_town(split, "5")
    index = town.nodes.index[town.nodes["ref"] == "town"][0]
    town.nodes.loc[index, "ref"] = "99"
    assert reached(town, 99, 7)[0] == out
    assert reached(town, 7, 99)[-1] == home
    assert reached(town, 99, 1) == reached(town, 1, 99) == ["10"]


def test_a_town_at_an_interchange_of_one_way_roads_is_reached_and_left_without_a_forbidden_turn() -> None:
    # A half of a motorway from 1 by 5 to 3, a ramp from 4 onto it and one off it to 2; from ramp to ramp none may go.
    roads = [(20, 5, 2, True), (10, 1, 5, True), (30, 5, 3, True), (40, 4, 5, True), (50, 3, 1, True), (60, 2, 4, True)]
    split, _ = split_turns(tables_of(CROSS, roads), turns_of((5, 40, 20, False)))
    town = with_town(split, "5")
    town.nodes.loc[town.nodes["ref"] == "town", "ref"] = "99"
    # It reaches all, and all reach it; nobody drives through it from ramp to ramp.
    for place in (1, 2, 3, 4):
        assert reached(town, 99, place)
        assert reached(town, place, 99)
    assert reached(town, 4, 2) == ["40", "30", "50", "10", "20"]


@pytest.mark.parametrize("seed", range(8))
def test_a_town_opens_no_turn_but_turning_round(seed: int) -> None:
    rng = np.random.default_rng(seed)
    arms = int(rng.integers(3, 6))
    angle = 2 * np.pi * np.arange(arms) / arms  # 72° apart and more
    arm = np.column_stack([60 + 0.1556 * np.cos(angle), 50 + 0.1 * np.sin(angle)])  # as long, there, as broad
    places = {5: (60.0, 50.0), **{10 + k: (x, y) for k, (x, y) in enumerate(arm)}}
    roads = []
    for k in range(arms):
        ends = (5, 10 + k) if rng.random() < 0.5 else (10 + k, 5)
        roads.append((100 + k, *ends, bool(rng.random() < 0.5)))
    ins = [w for w, u, v, one in roads if v == 5 or not one]
    outs = [w for w, u, v, one in roads if u == 5 or not one]
    pairs = [(a, b) for a in ins for b in outs if a != b]
    if len(pairs) < 2:
        return
    chosen = rng.permutation(len(pairs))[: max(1, len(pairs) // 3)]
    forbidden = [pairs[k] for k in chosen]
    split, _ = split_turns(tables_of(places, roads), turns_of(*[(5, a, b, False) for a, b in forbidden]))
    town = with_town(split, "5")
    town.nodes.loc[town.nodes["ref"] == "town", "ref"] = "99"
    opened = 0
    for way, other in forbidden:
        begin, end = (10 + w - 100 for w in (way, other))
        try:
            opened += reached(town, begin, end) == [str(way), str(other)]
        except nx.NetworkXNoPath:
            continue
    # The best pair opens none where any opens none: one road in both directions, or one to come and one to leave.
    assert opened == 0 or all(_opened(ins, outs, forbidden, i, o) for i in ins for o in outs)


def _opened(ins: list[int], outs: list[int], forbidden: list[tuple[int, int]], i: int, o: int) -> int:
    """Return how many forbidden turns a town opens that joins the end of one road and the beginning of another."""
    comes = {i} | {a for a in ins if a != o and (a, o) not in forbidden}
    goes = {o} | {b for b in outs if b != i and (i, b) not in forbidden}
    return sum((a, b) in forbidden for a in comes for b in goes)


@pytest.mark.parametrize("seed", range(8))
def test_ways_are_those_of_a_search_over_roads(seed: int) -> None:
    rng = np.random.default_rng(seed)
    size = 4
    places = {
        i * size + j: (60 + i / 10 + rng.uniform(0, 0.03), 50 + j / 10 + rng.uniform(0, 0.03))
        for i in range(size)
        for j in range(size)
    }
    steps = [(n, n + 1) for n in places if n % size < size - 1] + [(n, n + size) for n in places if n + size in places]
    ways = [
        (1000 + k, *(ends if rng.random() < 0.5 else ends[::-1]), bool(rng.random() < 0.3))
        for k, ends in enumerate(steps)
    ]
    whole = tables_of(places, ways)
    rows = []
    for _ in range(12):
        via = int(rng.choice(list(places)))
        at = [w[0] for w in ways if via in w[1:3]]
        one, other = rng.choice(at, 2, replace=False)
        rows.append((via, int(one), int(other), bool(rng.random() < 0.25)))
    split, _ = split_turns(whole, turns_of(*rows))
    forbidden = {(via, a, b) for via, a, b, only in rows if not only}
    alone: dict[tuple[int, int], set[int]] = {}
    for via, a, b, only in rows:
        way_a, way_b = (next(w for w in ways if w[0] == i) for i in (a, b))
        # One cannot turn out of or into a one-way road against it.
        if only and (not way_a[3] or way_a[2] == via) and (not way_b[3] or way_b[1] == via):
            alone.setdefault((via, a), set()).add(b)
    closed = set(split.nodes["ref"][split.nodes["ref"].duplicated()].astype(int))
    metres = dict(zip(whole.links["osm_ids"].astype(int), whole.links["length_m"], strict=True))
    arcs = [(i, u, v) for i, u, v, _ in ways] + [(i, v, u) for i, u, v, one in ways if not one]

    def allowed(here: int, way: int, other: int) -> bool:
        return (here, way, other) not in forbidden and (not alone.get((here, way)) or other in alone[here, way])

    # Nobody turns round where turns are forbidden, nor at the next places that more than one road leads out of.
    restricted = {n for i, _, n in arcs for j, u, _ in arcs if u == n and i != j and not allowed(n, i, j)}
    beside = {n for _, u, v, one in ways if not one and {u, v} & restricted for n in (u, v)}
    assert closed == restricted | {n for n in beside if sum(u == n for _, u, _ in arcs) > 1}

    def search(first: tuple[int, int, int]) -> dict[int, float]:
        """Return metres from the beginning of a road to all places, by Dijkstra over roads and directions."""
        best: dict[tuple[int, int, int], float] = {}
        queue = [(metres[first[0]], first)]
        while queue:
            cost, arc = heapq.heappop(queue)
            if arc in best:
                continue
            best[arc] = cost
            way, _, here = arc
            for nxt in arcs:
                fine = allowed(here, way, nxt[0])
                if nxt[1] == here and fine and (nxt[0] != way or here not in closed):
                    heapq.heappush(queue, (cost + metres[nxt[0]], nxt))
        out: dict[int, float] = {}
        for arc, cost in best.items():
            out[arc[2]] = min(cost, out.get(arc[2], np.inf))
        return out

    links = split.links
    both = ~links["oneway"].to_numpy(bool)
    u, v, length = links["u"].to_numpy(), links["v"].to_numpy(), np.maximum(links["length_m"].to_numpy(float), 1e-9)
    graph = coo_array(
        (np.r_[length, length[both]], (np.r_[u, v[both]], np.r_[v, u[both]])), shape=(len(split.nodes),) * 2
    ).tocsr()
    ref = split.nodes["ref"].astype(int).to_numpy()
    for first in [a for a in arcs if a[1] == 0]:
        row = next(
            k
            for k in range(len(links))
            if links["osm_ids"].iloc[k] == str(first[0]) and ((ref[u[k]] == 0 and ref[v[k]] == first[2]) or both[k])
        )
        end = int(v[row] if ref[v[row]] == first[2] else u[row])
        found = dijkstra(graph, indices=end) + metres[first[0]]
        expected = search(first)
        for place in places:
            assert found[ref == place].min() == pytest.approx(expected.get(place, np.inf), rel=1e-6)


def test_restrictions_whose_node_or_ways_are_in_no_road_change_nothing() -> None:
    tables = tables_of(CROSS, ROADS)
    for turns in (turns_of((424242, 10, 30, False)), turns_of((424242, 10, 30, True), (5, 777, 30, False))):
        split, report = split_turns(tables, turns)
        assert len(split.nodes) == len(tables.nodes)
        assert len(split.links) == len(tables.links)
        assert report["turns_forbidden"] == 0
