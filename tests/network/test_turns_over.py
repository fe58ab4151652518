"""Turns that are forbidden over a way: by hand, and against a search over chains of roads on random grids."""

from __future__ import annotations

import heapq
from itertools import pairwise

import networkx as nx
import numpy as np
import pandas as pd
import pytest

from network.turns import split_turns
from tests.network.test_turns import reached, tables_of


def over(*rows: tuple[int, int, int, int, int, bool]) -> pd.DataFrame:
    """Return restrictions: from way, node, over way, node, to way, only."""
    table = pd.DataFrame(rows, columns=["from_way", "via", "over", "via_to", "to_way", "only"]).astype({"over": str})
    return table[["via", "from_way", "to_way", "only", "over", "via_to"]]


# Two halves of a dual carriageway, 1→2→3 and 6→5→4, joined by a short road 20 between 2 and 5, from where a side road
# leads on to 7.
HALVES = {
    1: (59.9, 50.0),
    2: (60.0, 50.0),
    3: (60.1, 50.0),
    4: (59.9, 50.01),
    5: (60.0, 50.01),
    6: (60.1, 50.01),
    7: (60.0, 51.5),
    8: (60.3, 50.005),
}
ROADS = [
    (10, 1, 2, True),
    (11, 2, 3, True),
    (20, 2, 5, False),
    (30, 6, 5, True),
    (31, 5, 4, True),
    (40, 5, 7, False),
    (50, 3, 8, True),
    (51, 8, 6, True),
]


def test_turning_round_over_a_short_road_is_forbidden_and_all_else_is_not() -> None:
    whole = tables_of(HALVES, ROADS)
    split, report = split_turns(whole, over((10, 2, 20, 5, 31, False)))
    assert report["turns_not_clear"] == 0
    assert reached(whole, 1, 4) == ["10", "20", "31"]
    # Round by the end of the dual carriageway.
    assert reached(split, 1, 4) == ["10", "11", "50", "51", "30", "31"]
    assert reached(split, 1, 7) == ["10", "20", "40"]
    assert reached(split, 7, 4) == ["40", "31"]
    assert reached(split, 7, 3) == ["40", "20", "11"]
    assert reached(split, 6, 3) == ["30", "20", "11"]
    # The copy of the short road counts once.
    assert split.links.loc[split.links["twin"] >= 0, "length_m"].sum() == pytest.approx(whole.links["length_m"].sum())


def test_only_one_way_on_behind_the_short_road() -> None:
    split, report = split_turns(tables_of(HALVES, ROADS), over((10, 2, 20, 5, 40, True)))
    assert report["turns_not_clear"] == 0
    assert reached(split, 1, 7) == ["10", "20", "40"]
    assert reached(split, 1, 4) == ["10", "11", "50", "51", "30", "31"]


def test_what_cannot_be_followed_is_counted_and_changes_nothing() -> None:
    whole = tables_of(HALVES, ROADS)
    for row in ((10, 2, 99, 5, 31, False), (10, 2, 20, 777, 31, False), (31, 2, 20, 5, 10, False)):
        split, report = split_turns(whole, over(row))
        assert report == {"turns_forbidden": 0, "turns_not_clear": 1}
        assert len(split.links) == len(whole.links)


Ways = list[tuple[int, int, int, bool]]


def shortest(ways: Ways, length: dict[int, float], banned: set[tuple[int, int, int]], a: int, b: int) -> float:
    """Return metres from a to b by a search whose states are the last two roads; nobody turns round."""
    arcs = [(i, u, v) for i, u, v, _ in ways] + [(i, v, u) for i, u, v, one in ways if not one]
    queue: list[tuple[float, int, tuple[int, int, int], int]] = []
    for i, u, v in arcs:
        if u == a:
            heapq.heappush(queue, (length[i], v, (i, u, v), 0))
    done: set[tuple[tuple[int, int, int], int]] = set()
    while queue:
        far, node, arc, last = heapq.heappop(queue)
        if node == b:
            return far
        if (arc, last) in done:
            continue
        done.add((arc, last))
        for i, u, v in arcs:
            if u == node and i != arc[0] and (last, arc[0], i) not in banned:
                heapq.heappush(queue, (far + length[i], v, (i, u, v), arc[0]))
    return float("inf")


@pytest.mark.parametrize("seed", range(8))
def test_random_grids_against_a_search(seed: int) -> None:
    rng = np.random.default_rng(seed)
    size = 4
    places = {
        1 + i * size + j: (60 + 0.05 * i + rng.uniform(0, 0.01), 50 + 0.05 * j + rng.uniform(0, 0.01))
        for i in range(size)
        for j in range(size)
    }
    ways: Ways = []
    for i in range(size):
        for j in range(size):
            here = 1 + i * size + j
            if i + 1 < size:
                ways.append((100 + len(ways), here, here + size, bool(rng.random() < 0.15)))
            if j + 1 < size:
                ways.append((100 + len(ways), here, here + 1, bool(rng.random() < 0.15)))
    tables = tables_of(places, ways)
    length = {int(i): m for i, m in zip(tables.links["osm_ids"], tables.links["length_m"], strict=True)}
    arcs = [(i, u, v) for i, u, v, _ in ways] + [(i, v, u) for i, u, v, one in ways if not one]
    chains = [
        (a, u2, b, v2, c)
        for a, _, v1 in arcs
        for b, u2, v2 in arcs
        for c, u3, _ in arcs
        if v1 == u2 and v2 == u3 and len({a, b, c}) == 3
    ]
    chosen = [chains[k] for k in rng.choice(len(chains), 3, replace=False)]
    split, report = split_turns(tables, over(*((*chain, False) for chain in chosen)))
    assert report["turns_not_clear"] == 0
    banned = {(a, b, c) for a, _, b, _, c in chosen}
    for _ in range(12):
        a, b = rng.choice(list(places), 2, replace=False)
        expected = shortest(ways, length, banned, int(a), int(b))
        try:
            found = [int(way) for way in reached(split, int(a), int(b))]
        except nx.NetworkXNoPath:
            assert expected == np.inf
            continue
        assert not set(zip(found, found[1:], found[2:], strict=False)) & banned
        # Nobody turns round in the search; away from the restrictions one may, so that the network may be shorter.
        turned = any(x == y for x, y in pairwise(found))
        metres = sum(length[way] for way in found)
        assert metres <= expected * (1 + 1e-9)
        assert turned or metres == pytest.approx(expected, rel=1e-9)
