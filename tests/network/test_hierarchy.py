"""Orders of a hierarchy: one for several fields, kept beside a network, not trusted when a file is not as written."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from scipy.sparse import csr_array

from network import bank, hierarchy, ordering
from network.build import DOMESTIC, FIELDS
from network.costs import settled
from network.hierarchy import Frame
from network.ordering import nodes_in_order
from network.ranges import dearest
from network.routing import Router, compile_router
from tests.borders import random_network

pytest.importorskip("pyroutingkit")


@pytest.fixture(autouse=True)
def large(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let small graphs be large ones, and forget what other tests made."""
    for module, name, value in ((bank, "LARGE", 0), (bank, "SMALL", 0), (hierarchy, "FEW", 1)):
        monkeypatch.setattr(module, name, value)
    monkeypatch.setattr(hierarchy, "_ORDERS", {})
    monkeypatch.setattr(hierarchy, "_METRICS", {})
    monkeypatch.setattr(hierarchy, "_KEEP", [])
    monkeypatch.setattr(ordering, "_RANKS", {})
    bank.forget()


def frame_of(router: Router) -> Frame:
    return Frame(tuple(router.costs.values()), router.network.nodes[["x", "y"]].to_numpy(float)[router.nodes])


@pytest.mark.parametrize("seed", range(6))
def test_the_arcs_of_some_fields_are_those_of_each_and_those_back(seed: int) -> None:
    router = compile_router(random_network(seed), "road")
    fields = list(router.costs.values())
    n = len(router.nodes)
    for some in ([*fields], [*reversed(fields)], [csr_array(fields[0].shape), *fields], fields[:1]):
        frame = Frame(tuple(some), np.arange(2 * n).reshape(n, 2))
        arcs = {(int(u), int(v)) for costs in some for u, v in zip(*costs.tocoo().coords, strict=True)}
        arcs = sorted(arcs | {(v, u) for u, v in arcs})
        used = sorted({u for u, _ in arcs})
        assert np.flatnonzero(frame.at >= 0).tolist() == used
        assert frame.lonlat[:, 0].tolist() == [2 * u for u in used]
        ends = (np.array(used)[part].tolist() for part in np.divmod(frame.keys, len(used)))
        assert list(zip(*ends, strict=True)) == arcs


def test_the_same_roads_with_other_numbers_have_one_order() -> None:
    """And nodes without a road, which nothing reaches but themselves."""
    arcs = np.array([[0, 1], [1, 2], [2, 0], [2, 3]])
    where = np.random.default_rng(0).random((6, 2))
    rows = []
    for number in (np.array([0, 1, 2, 3]), np.array([1, 2, 4, 5])):
        ends = number[arcs]
        costs = csr_array((np.array([7.0, 8, 9, 2]), (ends[:, 0], ends[:, 1])), shape=(6, 6))
        at = np.empty((6, 2))
        at[number] = where[:4]
        frame = Frame((costs,), at)
        both = np.arange(6)
        found = hierarchy.costs_between(costs, frame, both, both)
        np.testing.assert_array_equal(found, bank.dijkstra(costs))
        back = hierarchy.costs_between(costs, frame, both, both, reverse=True)
        np.testing.assert_array_equal(back, bank.dijkstra(costs).T)
        rows.append(frame.digest)
    assert rows[0] == rows[1]
    assert len(hierarchy._ORDERS) == 1


@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("seed", range(4))
def test_searches_from_either_list_give_the_same(seed: int, reverse: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    router = compile_router(random_network(seed), "road")
    rng = np.random.default_rng(seed)
    costs = bank.Graph.of(router.costs[FIELDS["actual"]]).costs
    costs.data += rng.integers(0, 9, costs.nnz)  # other ways back
    frame = frame_of(router)
    trees = bank.dijkstra(costs.T.tocsr() if reverse else costs)
    roots, columns = (rng.permutation(len(router.nodes))[:k] for k in (40, 25))
    monkeypatch.setattr(hierarchy, "LONG", 0)
    for turned in (None, False, True):
        if turned is not None:
            monkeypatch.setattr(hierarchy._Searches, "turned", lambda *_, turned=turned: turned)
        found = hierarchy.costs_between(costs, frame, roots, columns, reverse=reverse)
        assert found is not None
        np.testing.assert_array_equal(found, trees[roots][:, columns])


def test_one_order_serves_all_fields(monkeypatch: pytest.MonkeyPatch) -> None:
    """That of the roads at home is taken from it: what parts all roads parts these."""
    built: list[int] = []
    build = hierarchy._build
    monkeypatch.setattr(hierarchy, "_build", lambda *a: built.append(1) or build(*a))
    # Of a border that no other test compiles: its router would hand on fields chosen for small graphs.
    router = compile_router(random_network(303), "road")
    nodes = router.nodes[::2]
    for field in (*FIELDS.values(), DOMESTIC, "length_m:open"):
        trees = settled(bank.dijkstra(router.costs[field], indices=router.positions(nodes)))
        np.testing.assert_array_equal(router.table(nodes, router.nodes, field), trees, err_msg=field)
        np.testing.assert_array_equal(router.trees(nodes, field), trees, err_msg=field)
    assert sum(built) == 1
    back = settled(bank.dijkstra(router.costs[DOMESTIC].T.tocsr(), indices=router.positions(nodes)))
    np.testing.assert_array_equal(router.trees(nodes, DOMESTIC, reverse=True), back)
    assert [len(nodes_in_order(o)) == o.node_count for o in hierarchy._ORDERS.values()] == [True, True]


@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("seed", range(4))
def test_an_order_of_more_arcs_serves_fewer(seed: int, reverse: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """Some nodes are left without an arc; and where a package saves its orders otherwise, one is made anew."""
    router = compile_router(random_network(seed), "road")
    rng = np.random.default_rng(seed)
    costs = bank.Graph.of(router.costs[FIELDS["borderless"]]).costs.tocoo()
    some = rng.random(costs.nnz) < 0.7
    few = csr_array((costs.data[some], (costs.coords[0][some], costs.coords[1][some])), shape=costs.shape)
    frame = Frame((few,), frame_of(router).where, frame_of(router))
    at = np.arange(len(router.nodes))
    trees = bank.dijkstra(few.T.tocsr() if reverse else few)
    for files in (ordering.FILES, {"another"}):
        monkeypatch.setattr(ordering, "FILES", files)
        hierarchy._ORDERS.clear()
        hierarchy._METRICS.clear()
        ordering._RANKS.clear()
        np.testing.assert_array_equal(hierarchy.costs_between(few, frame, at, at, reverse=reverse), trees)
        monkeypatch.setattr(hierarchy, "TREES", 3 * len(at))
        np.testing.assert_array_equal(hierarchy.whole_trees(few, frame, at[::-1], reverse=reverse), trees[::-1])


@pytest.mark.parametrize("damage", ["", "a byte", "a file", "no list"])
def test_an_order_stays_beside_its_network(tmp_path: Path, damage: str, monkeypatch: pytest.MonkeyPatch) -> None:
    router = compile_router(random_network(4), "road")
    at = np.arange(len(router.nodes))
    graph = bank.Graph.of(router.costs[FIELDS["actual"]], frame_of(router))
    assert graph.frame is not None
    hierarchy.keep_in(tmp_path)
    first = hierarchy.costs_between(graph.costs, graph.frame, at, at)
    (kept,) = tmp_path.iterdir()
    if damage == "a byte":
        data = bytearray((kept / "order").read_bytes())
        data[len(data) // 2] ^= 1
        (kept / "order").write_bytes(bytes(data))
    if damage == "a file":
        (kept / "rank").unlink()
    if damage == "no list":
        (kept / hierarchy.ABOUT).write_text("{}")
    hierarchy._ORDERS.clear()
    hierarchy._METRICS.clear()
    made: list[int] = []
    make = hierarchy._make
    monkeypatch.setattr(hierarchy, "_make", lambda *a: made.append(1) or make(*a))
    again = hierarchy.costs_between(graph.costs, graph.frame, at, at)
    assert first is not None
    np.testing.assert_array_equal(first, again)
    assert len(made) == bool(damage)
    assert [p.name for p in tmp_path.iterdir()] == [kept.name]
    assert hierarchy._is_whole(kept)


def test_an_order_of_another_version_or_one_that_goes_is_made_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What another version of the package wrote might end the process; another process may clear the cache."""
    frame = frame_of(compile_router(random_network(4), "road"))
    hierarchy.keep_in(tmp_path)
    hierarchy._order(hierarchy._package(), frame)
    (first,) = tmp_path.iterdir()
    hierarchy._ORDERS.clear()
    with monkeypatch.context() as patch:
        patch.setattr(hierarchy, "version", lambda _: "99.0")
        hierarchy._order(hierarchy._package(), frame)
    (second,) = set(tmp_path.iterdir()) - {first}
    hierarchy._ORDERS.clear()
    whole = hierarchy._is_whole

    def goes(folder: Path) -> bool:
        found = whole(folder)
        shutil.rmtree(folder)
        return found

    monkeypatch.setattr(hierarchy, "_is_whole", goes)
    assert hierarchy._order(hierarchy._package(), frame).is_built
    assert set(tmp_path.iterdir()) == {first, second}


def test_two_who_write_one_order_at_once_leave_a_whole_one(tmp_path: Path) -> None:
    """Processes of two containers may have one number, and one cache."""

    class Writer:
        def __init__(self, other: Writer | None) -> None:
            self.other = other

        def save(self, place: str) -> None:
            (Path(place) / "head").write_text("head")
            if self.other is not None:
                hierarchy._keep(self.other, tmp_path / "order")
            (Path(place) / "tail").write_text("tail")

    hierarchy._keep(Writer(Writer(None)), tmp_path / "order")
    assert sorted(p.name for p in (tmp_path / "order").iterdir()) == ["head", hierarchy.ABOUT, "tail"]
    assert hierarchy._is_whole(tmp_path / "order")
    assert [p.name for p in tmp_path.iterdir()] == ["order"]


def test_without_room_nothing_is_kept_and_nothing_fails(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    hierarchy.keep_in(tmp_path / "file")
    router = compile_router(random_network(5), "road")
    trees = settled(bank.dijkstra(router.costs[FIELDS["open"]]))
    np.testing.assert_array_equal(router.table(router.nodes, router.nodes, FIELDS["open"]), trees)


def test_rows_are_shared_out_and_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    router = compile_router(random_network(6), "road")
    at = np.arange(len(router.nodes))
    graph = bank.Graph.of(router.costs[FIELDS["actual"]], frame_of(router))
    assert graph.frame is not None
    whole = hierarchy.costs_between(graph.costs, graph.frame, at, at)
    monkeypatch.setattr(hierarchy, "CHUNK", 2 * len(at))
    parts = hierarchy.costs_between(graph.costs, graph.frame, at, at)
    assert whole is not None
    np.testing.assert_array_equal(whole, parts)


@pytest.mark.parametrize("seed", range(12))
def test_ways_of_a_world_are_searched_where_all_arcs_together_cost_more_than_32_bits_hold(seed: int) -> None:
    """Most ways cost less, some more, some nodes lead nowhere, and some are apart."""
    rng = np.random.default_rng(seed)
    n, most = 60, hierarchy.NO_WAY
    tail, head = rng.integers(0, 50, 160), rng.integers(0, 50, 160)
    chain = np.arange(50, 58)  # a road to the rest of 8 links of a third of what 32 bits hold, one way
    tail, head = np.concatenate([tail, [50], chain + 1]), np.concatenate([head, [7], chain])
    cost = np.concatenate([rng.integers(1, most // 200, 161), np.full(8, most // 3)]).astype(float)
    keep = tail != head
    pairs = np.unique(np.stack([tail, head])[:, keep], axis=1, return_index=True)[1]
    costs = csr_array((cost[keep][pairs], (tail[keep][pairs], head[keep][pairs])), shape=(n, n))
    assert dearest(costs) >= most
    frame = Frame((costs,), rng.random((n, 2)))
    at = np.arange(n)
    trees = bank.dijkstra(costs, indices=at)
    assert (trees[np.isfinite(trees)] >= most).any()
    for reverse in (False, True):
        # Back over roads that are turned round, so that the first root is near to the others again.
        there = csr_array(costs.T) if reverse else costs
        found = hierarchy.costs_between(there, Frame((there,), frame.where), at[20:], at, reverse=reverse)
        assert found is not None
        np.testing.assert_array_equal(found, trees[20:])
        # A limit that 32 bits do not hold, below the dearest ways.
        within = hierarchy.costs_between(
            there, Frame((there,), frame.where), at[20:], at, reverse=reverse, limit=1.5 * most
        )
        np.testing.assert_array_equal(within, np.where(trees[20:] > 1.5 * most, np.inf, trees[20:]))
        assert (trees[20:][np.isfinite(trees[20:])] > 1.5 * most).any()
    # From a place that is far from the rest it is not tried.
    assert hierarchy.costs_between(costs, frame, at[58:], at) is None
