"""Roads for those who have business there: no way leads through, every place on them is reached."""

from __future__ import annotations

import networkx as nx
import numpy as np
import pandas as pd
import pytest

from network.through import closed_to_through, open_to_ends


def links(*rows: tuple[int, int, float, bool] | tuple[int, int, float, bool, str]) -> pd.DataFrame:
    """Return links from (u, v, minutes, through[, kind])."""
    return pd.DataFrame(
        [(u, v, m, t, *(k or ["primary"])) for u, v, m, t, *k in rows],
        columns=["u", "v", "time_min", "through", "kind"],
    ).assign(mode="road")


def closed(table: pd.DataFrame) -> list[tuple[int, int]]:
    rows = table[closed_to_through(table)]
    return list(zip(rows["u"].tolist(), rows["v"].tolist(), strict=True))


def test_nothing_is_closed_without_such_roads() -> None:
    table = links((1, 2, 5, True), (2, 3, 5, True))
    assert closed(table) == []
    assert closed(table.drop(columns="through")) == []


def test_a_single_road_between_two_others_is_closed_to_those_who_pass() -> None:
    assert closed(links((1, 2, 5, True), (2, 3, 5, False), (3, 4, 5, True))) == [(2, 3)]


def test_a_dead_end_stays_open() -> None:
    assert closed(links((1, 2, 5, True), (2, 3, 5, False), (3, 4, 5, False))) == []


def test_a_zone_is_shared_out_between_its_entrances_by_minutes() -> None:
    # 1 and 5 are entrances; 2 is 1 min from 1, 3 is 2 min from 1 and 4 from 5.
    table = links(
        (9, 1, 1, True), (1, 2, 1, False), (2, 3, 1, False), (3, 4, 3, False), (4, 5, 1, False), (5, 8, 1, True)
    )
    assert closed(table) == [(3, 4)]


def test_what_hangs_on_a_zone_is_no_entrance() -> None:
    table = links(
        (9, 1, 1, True), (1, 2, 1, False), (2, 3, 1, False), (2, 7, 1, True, "connector"), (2, 6, 0, True, "gate")
    )
    assert closed(table) == []


def test_a_trip_that_ends_in_a_zone_uses_all_of_it() -> None:
    table = links(
        (9, 1, 1, True),
        (1, 2, 1, False),
        (2, 3, 1, False),
        (3, 5, 1, False),
        (5, 8, 1, True),
        (2, 7, 1, True, "connector"),
        (8, 10, 1, False),
        (10, 11, 1, False),
        (11, 9, 1, True),
    )
    opened = open_to_ends(table, [7])
    assert opened["through"].tolist() == [True] * 6 + [False, False, True]
    assert open_to_ends(table, [9])["through"].tolist() == table["through"].tolist()
    assert open_to_ends(table, [2])["through"].tolist() == opened["through"].tolist()


@pytest.mark.parametrize("seed", range(20))
def test_no_way_leads_through_and_every_place_is_reached(seed: int) -> None:
    rng = np.random.default_rng(seed)
    graph = nx.gnm_random_graph(40, 70, seed=seed)
    rows = [(u, v, float(rng.uniform(1, 9)), bool(rng.random() < 0.6)) for u, v in graph.edges]
    table = links(*rows)
    shut = closed_to_through(table)
    own = ~table["through"].to_numpy()
    assert not (shut & ~own).any()
    major = {n for u, v in table.loc[~own, ["u", "v"]].to_numpy().tolist() for n in (u, v)}
    zone = nx.Graph(table.loc[own & ~shut, ["u", "v"]].to_numpy().tolist())
    whole = nx.Graph(table.loc[own, ["u", "v"]].to_numpy().tolist())
    # What is left of a zone touches one entrance, and holds every node that the zone had with an entrance.
    for part in nx.connected_components(zone):
        assert len(part & major) <= 1
    for part in nx.connected_components(whole):
        if part & major:
            for node in part - major:
                assert any(nx.has_path(zone, node, e) for e in part & major if e in zone and node in zone)
