"""Very large tables in a file: what is read is what was laid down, and other waits search nothing again."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from layers.keeping import Keeper, keeping
from network import bank, compiling, hierarchy, points, routing, shelf, sweeps
from network.build import DOMESTIC, FIELDS
from network.edits import scale_waits
from network.routing import compile_router
from network.shelf import Shelf
from tests.borders import random_network


@pytest.mark.parametrize("seed", range(6))
def test_rows_and_columns_come_back_in_any_order(seed: int) -> None:
    rng = np.random.default_rng(seed)
    whole = rng.integers(-1, 10**9, (40, 60)).astype(np.int32)
    laid, columns = Shelf(), rng.permutation(60)[:30]
    for some in np.array_split(rng.permutation(40)[:25], 3):
        laid.laid(("a",), some, columns, whole[np.ix_(some, columns)])
    held = np.fromiter(next(iter(laid.tables.values())).row, int)
    for _ in range(5):
        rows, there = rng.choice(held, 9), rng.choice(columns, 12)
        found = laid.taken(("a",), rows, there)
        assert found is not None
        assert np.array_equal(found, whole[np.ix_(rows, there)])
    other = np.setdiff1d(np.arange(40), held)[:1], np.setdiff1d(np.arange(60), columns)[:1]
    assert laid.taken(("a",), other[0], columns) is None
    assert laid.taken(("a",), held, other[1]) is None
    assert laid.taken(("b",), held, columns) is None
    laid.forget()
    assert laid.taken(("a",), held, columns) is None


def test_the_shelf_is_bounded_and_does_without_room(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shelf, "MOST_BYTES", 1000)
    laid, at = Shelf(), np.arange(10)
    table = np.arange(100, dtype=np.int32).reshape(10, 10)
    for k in range(5):
        laid.laid((k,), at, at, table)
        assert sum(rows.size for rows in laid.tables.values()) <= 1000
    assert list(laid.tables) == [(3, at.tobytes()), (4, at.tobytes())]

    def full(**_: object) -> None:
        raise OSError("no space left on device")

    monkeypatch.setattr(shelf, "TemporaryFile", full)
    laid.laid((9,), at, at, table)
    assert not laid.tables


@pytest.mark.parametrize("kept", [True, False])
@pytest.mark.parametrize("seed", range(10))
def test_other_waits_and_the_way_back_search_no_large_table_again(
    seed: int, kept: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of a table that was made stretch by stretch; each number is that of a small network."""
    network = random_network(seed)
    other = scale_waits(network, 0.37)
    rng = np.random.default_rng(seed)
    plain = [compile_router(one, "road") for one in (network, other)]
    n = len(plain[0].nodes)
    ends = plain[0].nodes[rng.choice(n, n // 2, replace=False)]
    lonlat = network.nodes[["x", "y"]].to_numpy(float)[ends]
    at = plain[0].attach(lonlat, network.nodes["side"].to_numpy(dtype=object)[ends], limit_km=20.0)
    wanted = (FIELDS["actual"], DOMESTIC)
    expected = [[(r.point_table(at, ends, f), r.table(ends[:9], ends[3:], f)) for f in wanted] for r in plain]
    for module, name, value in (
        (bank, "LARGE", 10),
        (bank, "PART", 100),
        (hierarchy, "FEW", 1),
        (hierarchy, "SWEPT", 0),
        (sweeps, "MUCH", 0),
        (routing, "MUCH", 0),
    ):
        monkeypatch.setattr(module, name, value)
    runs = [slice(start, start + 5) for start in range(0, len(ends), 5)]
    monkeypatch.setattr(points, "blocks", lambda rows, _: [s for s in runs if s.start < rows])
    monkeypatch.setattr(compiling, "_HELD", {})
    swept: list[tuple[int, int]] = []
    search = sweeps.costs_between
    monkeypatch.setattr(
        sweeps, "costs_between", lambda c, w, a, b, **o: swept.append((len(a), len(b))) or search(c, w, a, b, **o)
    )
    bank.forget()
    with keeping(Keeper(tmp_path / "kept", "salt") if kept else None):
        for k, one in enumerate((network, other)):
            router = compile_router(one, "road")
            before = len(swept)
            for f, (to_points, to_nodes) in zip(wanted, expected[k], strict=True):
                assert np.array_equal(router.point_table(at, ends, f), to_points)
                assert np.array_equal(router.table(ends[:9], ends[3:], f), to_nodes)
            split = all(isinstance(router._banked[f], bank.Split) for f in wanted)
            assert not (k and split) or len(swept) == before
    bank.forget()
