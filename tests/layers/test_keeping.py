"""Results that are kept: what comes back is what was computed, and nothing is taken for another's."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from scipy.sparse import csr_array

from layers.crs import WGS84
from layers.keeping import Keeper, keeping, kept, kept_each, known_as, results
from layers.keeping.tables import pack, unpack
from layers.progress import _Heard
from network.topology import Tables
from tests.borders import random_network

RNG = np.random.default_rng(0)
POINTS = np.array([shapely.Point(1, 2), None, shapely.LineString([(0, 0), (1, 1e-9)]), shapely.Point(1, 2, 3)], object)


def a_frame() -> pd.DataFrame:
    frame = pd.DataFrame(
        {
            "text": ["a", "б", "a"],
            "mixed": pd.Series([None, np.nan, (1, 2)], dtype=object),
            "x": [0.1, np.nan, -np.inf],
            "n": np.array([1, 2, 3], np.int8),
            "yes": [True, False, True],
            "whole": pd.array([1, None, 3], dtype="Int64"),
            "perhaps": pd.array([True, None, False], dtype="boolean"),
            "kind": pd.Categorical(["u", "v", "u"], categories=["v", "u"], ordered=True),
            "day": pd.to_datetime(["2026-01-01", None, "2026-01-03"]),
            "none": ["a", None, "b"],
        }
    )
    frame.insert(1, "text2", frame["text"].astype(object))
    return frame.set_index(pd.MultiIndex.from_tuples([("a", 1), ("a", 2), ("b", 1)], names=["k", None]))


VALUES: list[Any] = [
    None,
    [1, 2.5, "x", True, (None, float("inf"))],
    {"a": {1: [2]}, (1, 2): {3}},
    np.float32(0.1),
    RNG.random((3, 4)),
    RNG.random((3, 4)).T,
    RNG.random((3, 4, 5)).transpose(1, 2, 0)[:, ::2],
    np.empty((0, 3)),
    np.array(["a", "bc"]),
    np.array(["a", "b", "a"], object),
    np.array([["a", None], [1, np.nan]], object),
    np.array(["2026-01-01", "NaT"], "datetime64[s]"),
    POINTS,
    csr_array(np.array([[0.0, 1.0], [2.0, 0.0]])),
    a_frame(),
    pd.DataFrame(),
    pd.DataFrame({"a": []}),
    pd.DataFrame(RNG.random((3, 2)), columns=["a", "a"]),
    pd.DataFrame(RNG.random((3, 2)), columns=pd.MultiIndex.from_product([["u"], ["v", "w"]])),
    pd.Series([1.0, np.nan], index=pd.Index(["p", "q"], name="id"), name="minutes"),
    pd.Series(["p", "q"], dtype="category"),
    pd.RangeIndex(2, 10, 3, name="n"),
    gpd.GeoDataFrame({"name": ["a", "b", "c", "d"]}, geometry=POINTS, crs=WGS84),
    gpd.GeoDataFrame({"name": ["a", "b", "c", "d"], "line": POINTS}, geometry="line", crs="EPSG:3857"),
    gpd.GeoSeries(POINTS, crs=WGS84, name="where"),
    shapely.box(0, 0, 1, 1),
    WGS84,
]


def same(one: Any, other: Any) -> None:
    """Check that two values are alike in type, content and layout: they have the same parcel."""
    assert type(one) is type(other)
    a, b = pack(one), pack(other)
    assert a.tree == b.tree or str(a.tree) == str(b.tree)  # NaN is no equal of itself
    assert a.digest() == b.digest()
    if isinstance(one, gpd.GeoDataFrame):
        assert one.crs == other.crs
        assert one.geometry.name == other.geometry.name
    if isinstance(one, pd.DataFrame):
        pd.testing.assert_frame_equal(pd.DataFrame(one), pd.DataFrame(other), check_exact=True, check_freq=False)
    if isinstance(one, pd.Series):
        pd.testing.assert_series_equal(pd.Series(one), pd.Series(other), check_exact=True)
    if isinstance(one, np.ndarray) and one.dtype != object:
        assert one.dtype == other.dtype
        assert np.array_equal(one, other, equal_nan=one.dtype.kind in "fM")


@pytest.mark.parametrize("value", VALUES, ids=lambda v: type(v).__name__)
def test_a_value_comes_back_as_it_was(value: Any, tmp_path: Path) -> None:
    same(unpack(pack(value)), value)
    results.write(tmp_path / "a.result", pack(value))
    parcel = results.read(tmp_path / "a.result")
    assert parcel is not None
    same(unpack(parcel), value)
    assert [p.name for p in tmp_path.iterdir()] == ["a.result"]


def test_sums_of_rows_are_the_same_to_the_last_bit() -> None:
    """They hang on how a table lies in memory."""
    for table in (RNG.random((500, 37)), RNG.random((37, 500)).T, RNG.random((500, 74))[:, ::2]):
        back = unpack(pack(table))
        assert np.array_equal(back.sum(axis=1), table.sum(axis=1))
        assert np.array_equal(back.sum(axis=0), table.sum(axis=0))


def test_a_network_comes_back() -> None:
    network = random_network(3)
    same(unpack(pack(network)), network)


@pytest.mark.parametrize("value", [lambda: 1, object(), print, _Heard(print, 0, 1), iter([])])
def test_what_is_not_known_is_refused(value: Any) -> None:
    with pytest.raises(TypeError, match="can't be kept"):
        pack([value])


def test_nothing_is_executed_when_a_parcel_is_opened() -> None:
    for name in ("os:system", "subprocess:Popen", "layers.io:Path", "layers.progress:tell"):
        parcel = replace(pack(1), tree=["ours", name, []])
        with pytest.raises((ValueError, AttributeError)):
            unpack(parcel)


CALLS: list[Any] = []


def doubled(table: pd.DataFrame, by: float = 2.0) -> pd.DataFrame:
    CALLS.append(by)
    return table * by


@pytest.fixture
def keeper(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Keeper:
    monkeypatch.setattr(results, "LEAST_S", 0.0)
    CALLS.clear()
    return Keeper(tmp_path / "kept", "salt")


def test_the_same_content_is_computed_once(keeper: Keeper) -> None:
    table = pd.DataFrame({"a": [1.0, 2.0]})
    with keeping(keeper):
        first = kept(doubled, table)
        again = kept(doubled, table.copy())
        kept(doubled, table, by=3.0)
        kept(doubled, table.rename(columns={"a": "b"}))
        kept(doubled, table.astype("float32"))
    pd.testing.assert_frame_equal(first, again)
    assert CALLS == [2.0, 3.0, 2.0, 2.0]
    assert len(keeper.made) == 4
    assert keeper.taken == [], "what was made since is none of earlier"


def looked_at(tables: Tables) -> int:
    CALLS.append(0.0)
    return len(tables.nodes)


def test_what_goes_by_a_name_is_found_by_it_and_not_looked_through(keeper: Keeper) -> None:
    one, two, other = (Tables(pd.DataFrame({"a": values}), pd.DataFrame(), WGS84) for values in ([1.0], [1.0], [2.0]))
    for tables, name in ((one, "first"), (two, "first"), (other, "other")):
        known_as(tables, name)
    with keeping(keeper):
        for tables in (one, two, other, replace(one)):
            kept(looked_at, tables)
        assert len(CALLS) == 3, "named alike, named otherwise, and without a name"
        # What no parcel could hold.
        strange = replace(one, crs=object())
        with pytest.raises(TypeError, match="can't be kept"):
            kept(looked_at, strange)
        known_as(strange, "strange")
        assert kept(looked_at, strange) == 1


def test_without_a_keeper_nothing_is_kept_and_the_answer_is_the_same(keeper: Keeper) -> None:
    table = pd.DataFrame({"a": [1.0, 2.0]})
    alone = kept(doubled, table)
    with keeping(keeper):
        same(kept(doubled, table), alone)
    with keeping(keeper):
        same(kept(doubled, table), alone)
    assert CALLS == [2.0, 2.0]


def test_other_code_or_a_fresh_start_takes_nothing(keeper: Keeper) -> None:
    table = pd.DataFrame({"a": [1.0]})
    for one in (keeper, replace(keeper, salt="other"), replace(keeper, fresh=True, own=set())):
        with keeping(one):
            kept(doubled, table)
    assert len(CALLS) == 3


def test_a_damaged_result_is_not_trusted(keeper: Keeper) -> None:
    table = pd.DataFrame({"a": RNG.random(5)})
    with keeping(keeper):
        whole = kept(doubled, table)
    (file,) = keeper.folder.iterdir()
    data = file.read_bytes()
    places = [*range(0, len(data), 7), len(data) - 1]
    for at in places:
        changed = bytearray(data)
        changed[at] ^= 1
        file.write_bytes(bytes(changed))
        assert results.read(file) is None, at
    for part in (b"", data[:10], data[:-1], data[: len(data) // 2], data + b"\0"):
        file.write_bytes(part)
        with keeping(keeper):
            same(kept(doubled, table), whole)
    assert len(CALLS) == 6


def test_a_folder_is_bounded_and_keeps_what_was_used_last(keeper: Keeper, monkeypatch: pytest.MonkeyPatch) -> None:
    tables = [pd.DataFrame({"a": RNG.random(1000)}) for _ in range(4)]
    with keeping(keeper):
        for n, table in enumerate(tables[:3]):
            kept(doubled, table)
            for file in keeper.folder.iterdir():
                os.utime(file, (file.stat().st_atime, file.stat().st_mtime - 10))
            assert n + 1 == len(list(keeper.folder.iterdir()))
    size = next(keeper.folder.iterdir()).stat().st_size
    monkeypatch.setattr(results, "MOST_BYTES", int(3.5 * size))
    with keeping(keeper):
        kept(doubled, tables[0])  # used again: the second is the oldest now
        kept(doubled, tables[3])
    assert sum(f.stat().st_size for f in keeper.folder.iterdir()) <= 3.5 * size
    CALLS.clear()
    with keeping(keeper):
        for k in (0, 2, 3):
            kept(doubled, tables[k])
    assert CALLS == []


def test_ctrl_c_leaves_whole_results_alone(keeper: Keeper, monkeypatch: pytest.MonkeyPatch) -> None:
    table = pd.DataFrame({"a": [1.0]})

    def stopped(*_: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt), keeping(keeper):
        patch.setattr(Path, "replace", stopped)
        kept(doubled, table)
    assert list(keeper.folder.iterdir()) == []
    with keeping(keeper):
        kept(doubled, table)
    assert len(list(keeper.folder.iterdir())) == 1


@dataclass(frozen=True)
class _NotOurs:
    n: int


def test_a_folder_that_cannot_be_written_costs_no_answer(keeper: Keeper) -> None:
    keeper.folder.write_text("a file")
    with keeping(keeper):
        assert kept(doubled, pd.DataFrame({"a": [1.0]}))["a"].tolist() == [2.0]
    with pytest.raises(TypeError):
        pack(_NotOurs(1))


def test_each_of_some_items_is_kept_by_itself(tmp_path: Path) -> None:
    """Those that are missing are made together, and what is made is what is read."""
    asked: list[list[int]] = []

    def make(some: Any) -> list[Any]:
        asked.append(list(some))
        return [np.arange(n, dtype=float) for n in some]

    def run(items: list[int], content: str = "x", **how: Any) -> Keeper:
        keeper = Keeper(tmp_path / "results", "salt", **how)
        with keeping(keeper):
            found = kept_each("f", content, items, make)
            assert [f.tolist() for f in found] == [list(map(float, range(n))) for n in items]
        return keeper

    assert (run([3, 5]).made, asked) == (["f"], [[3, 5]])
    assert run([5, 3]).taken == ["f"]
    assert run([5, 7, 3]).taken == []
    assert asked == [[3, 5], [7]]
    run([3], "another")
    run([3], fresh=True)
    assert asked == [[3, 5], [7], [3], [3]]
    assert kept_each("f", "x", [], make) == []
    assert len(kept_each("f", "x", [3], make)) == 1
    assert len(asked) == 5
