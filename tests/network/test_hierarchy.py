"""Orders of a hierarchy: one for several fields, kept beside a network, not trusted when a file is not as written."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from scipy.sparse import csr_array

from network import bank, hierarchy
from network.build import DOMESTIC, FIELDS
from network.costs import settled
from network.hierarchy import Frame
from network.routing import Router, compile_router
from tests.borders import random_network

pytest.importorskip("pyroutingkit")


@pytest.fixture(autouse=True)
def large(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let small graphs be large ones, and forget what other tests made."""
    for module, name, value in ((bank, "LARGE", 0), (bank, "SMALL", 0), (hierarchy, "FEW", 1)):
        monkeypatch.setattr(module, name, value)
    monkeypatch.setattr(hierarchy, "_ORDERS", {})
    monkeypatch.setattr(hierarchy, "_KEEP", [])
    bank.forget()


def frame_of(router: Router) -> Frame:
    return Frame.of(list(router.costs.values()), router.network.nodes[["x", "y"]].to_numpy(float)[router.nodes])


@pytest.mark.parametrize("seed", range(6))
def test_the_arcs_of_some_fields_are_those_of_each(seed: int) -> None:
    router = compile_router(random_network(seed), "road")
    fields = list(router.costs.values())
    for some in ([*fields], [*reversed(fields)], [csr_array(fields[0].shape), *fields], fields[:1]):
        keys = Frame.of(some, np.zeros((len(router.nodes), 2))).keys
        arcs = sorted({(int(u), int(v)) for costs in some for u, v in zip(*costs.tocoo().coords, strict=True)})
        assert list(zip(*(part.tolist() for part in np.divmod(keys, len(router.nodes))), strict=True)) == arcs


def test_one_order_serves_all_fields() -> None:
    router = compile_router(random_network(3), "road")
    nodes = router.nodes[::2]
    for field in (*FIELDS.values(), DOMESTIC, "length_m:open"):
        np.testing.assert_array_equal(
            router.table(nodes, router.nodes, field), router.trees(nodes, field), err_msg=field
        )
    assert len(hierarchy._ORDERS) == 1


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
    made: list[int] = []
    make = hierarchy._make
    monkeypatch.setattr(hierarchy, "_make", lambda *a: made.append(1) or make(*a))
    again = hierarchy.costs_between(graph.costs, graph.frame, at, at)
    assert first is not None
    np.testing.assert_array_equal(first, again)
    assert len(made) == bool(damage)
    assert [p.name for p in tmp_path.iterdir()] == [kept.name]
    assert hierarchy._is_whole(kept)


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
