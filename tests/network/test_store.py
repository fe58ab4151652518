"""A network that was saved and loaded is the network that was built: tables, ways and edits."""

from __future__ import annotations

import json
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pyogrio
import pytest
import shapely

from layers.checkpoints import with_waits
from layers.errors import BorderlinkError, NetworkError, OutputError
from layers.folders import MANIFEST
from network.base import Base, build_base
from network.build import FIELDS, Network, build_network
from network.edits import add_checkpoints, add_places, new_checkpoint, set_open, set_wait
from network.routing import compile_router
from network.store import MARK, load_network, load_routers, save_network
from tests.borders import ground_of, joined_nodes, random_land, random_network

SEEDS = range(6)
FRAMES = ("nodes", "links", "crossings", "checkpoints", "settlements")


def frame_equal(one: pd.DataFrame, two: pd.DataFrame) -> None:
    """Raise where two tables differ in a column, a type, a value or a vertex."""
    assert type(one) is type(two)
    assert list(one.columns) == list(two.columns)
    plain = [pd.DataFrame(t.drop(columns="geometry", errors="ignore")) for t in (one, two)]
    pd.testing.assert_frame_equal(*plain, check_exact=True)
    if "geometry" in one:
        a, b = (np.asarray(t["geometry"], dtype=object) for t in (one, two))
        assert (shapely.is_missing(a) == shapely.is_missing(b)).all()
        assert (shapely.equals_exact(a, b) | shapely.is_missing(a)).all()
    if isinstance(one, gpd.GeoDataFrame):
        assert one.crs == two.crs


def network_equal(one: Network, two: Network) -> None:
    for name in FRAMES:
        frame_equal(getattr(one, name), getattr(two, name))
    for name in ("nodes", "links"):
        frame_equal(getattr(one.base.tables, name), getattr(two.base.tables, name))
    frame_equal(one.base.crossings, two.base.crossings)
    frame_equal(one.base.regions, two.base.regions)
    frame_equal(one.base.gaps, two.base.gaps)
    assert one.crs == two.crs == two.base.tables.crs
    for name in ("limits", "report", "road_km", "rail_km", "domestic_wait"):
        assert getattr(one, name) == getattr(two, name)
    assert one.base.report == two.base.report
    assert one.base.vehicle == two.base.vehicle
    assert (one.base.stations is None) == (two.base.stations is None)
    if one.base.stations is not None and two.base.stations is not None:
        frame_equal(one.base.stations, two.base.stations)
    assert len(one.base.closed_lines) == len(two.base.closed_lines)
    assert all(shapely.equals_exact(a, b) for a, b in zip(one.base.closed_lines, two.base.closed_lines, strict=True))
    a, b = one.base.border, two.base.border
    assert a.tolerance_km == b.tolerance_km
    assert shapely.equals_exact(a.line, b.line)
    assert all(shapely.equals_exact(a.sides[s], b.sides[s]) for s in ("a", "b"))
    assert shapely.is_prepared(b.line)
    assert all(shapely.is_prepared(b.sides[s]) for s in ("a", "b"))


def kept(network: Network, folder: Path, **options: Any) -> Network:
    save_network(network, folder / "network", **options)
    return load_network(folder / "network")


def test_all_that_a_network_has_is_kept() -> None:
    # A field that is added there must be stored here.
    assert [f.name for f in fields(Network)] == [
        "nodes",
        "links",
        "crs",
        "crossings",
        "checkpoints",
        "settlements",
        "base",
        "limits",
        "report",
        "road_km",
        "rail_km",
        "domestic_wait",
    ]
    assert [f.name for f in fields(Base)] == [
        "tables",
        "crossings",
        "regions",
        "border",
        "report",
        "vehicle",
        "stations",
        "closed_lines",
        "gaps",
    ]


@pytest.mark.parametrize("seed", SEEDS)
def test_tables_and_ways_of_random_borders_come_back(seed: int, tmp_path: Path) -> None:
    network = random_network(seed)
    loaded = kept(network, tmp_path)
    network_equal(network, loaded)
    assert repr(loaded) == repr(network)
    routers = load_routers(tmp_path / "network")
    assert set(routers) == {"road", "rail", "any"}
    ends = joined_nodes(network)
    for mode, router in routers.items():
        fresh, again = compile_router(network, mode), compile_router(loaded, mode)
        for key in fresh.costs:
            for other in (router, again):
                assert np.array_equal(fresh.table(ends, ends, key), other.table(ends, ends, key))
                for part in ("indptr", "indices", "data"):
                    assert np.array_equal(getattr(fresh.costs[key], part), getattr(other.costs[key], part))
                assert np.array_equal(fresh._rows[key], other._rows[key])
        for a, b in zip(ends[:6], ends[-6:], strict=True):
            one, two = (r.path(int(a), int(b), FIELDS["actual"]) for r in (fresh, router))
            assert (one is None) == (two is None)
            if one is not None and two is not None:
                assert np.array_equal(one.links, two.links)
                assert one.checkpoints == two.checkpoints
    network_equal(routers["road"].network, network)


@pytest.mark.parametrize("seed", SEEDS)
def test_edits_after_loading_are_edits_before_saving(seed: int, tmp_path: Path) -> None:
    network = random_network(seed)
    loaded = kept(network, tmp_path, routers=())
    ids = network.checkpoints["checkpoint_id"].tolist()
    line = shapely.line_interpolate_point(network.base.border.line, 0.4, normalized=True)
    lon, lat = gpd.GeoSeries([line], crs=network.crs).to_crs(4326).get_coordinates().iloc[0]
    row = new_checkpoint(network, lon, lat)
    towns = network.settlements
    for edit in (
        lambda n: set_open(n, ids[::2], False),
        lambda n: set_wait(n, ids[0], 7.0),
        lambda n: add_checkpoints(n, row),
        lambda n: add_checkpoints(set_open(n, ids[:1], False), row),
        lambda n: add_places(n, [(towns.geometry.x[0], towns.geometry.y[0])], [towns["side"][0]])[0],
    ):
        results = []
        for start in (network, loaded):
            try:
                results.append(edit(start))
            except BorderlinkError as error:  # a place that joins nothing must do so on both
                results.append(str(error))
        if isinstance(results[0], str):
            assert results[0] == results[1]
        else:
            network_equal(*results)
    network_equal(set_open(network, ids[:1], False), kept(set_open(network, ids[:1], False), tmp_path))


def test_the_packaged_border_comes_back(packaged: Network, tmp_path: Path) -> None:
    loaded = kept(packaged, tmp_path)
    network_equal(packaged, loaded)
    ends = joined_nodes(packaged)[:40]
    router = load_routers(tmp_path / "network")["any"]
    for key in FIELDS.values():
        assert np.array_equal(compile_router(packaged, "any").table(ends, ends, key), router.table(ends, ends, key))


def test_a_contracted_network_with_ids_stations_and_shut_roads_comes_back(tmp_path: Path) -> None:
    land = random_land(2, nodes=60)
    roads = land.roads.assign(
        osm_id=np.arange(len(land.roads)) + 5_000_000_000, truck=np.arange(len(land.roads)) % 5 > 0
    )
    ground = ground_of(land)
    stations = gpd.GeoDataFrame({"name": ["A"]}, geometry=shapely.get_point(land.railways.geometry[:1], 0), crs=4326)
    base = build_base(
        roads,
        land.railways,
        ground.regions,
        ground.border,
        ground.crs,
        contract=True,
        vehicle="truck",
        stations=stations,
    )
    network = build_network(base, with_waits(land.checkpoints), land.settlements)
    assert network.links["osm_ids"].str.contains("|", regex=False).any()
    assert base.stations is not None
    assert base.closed_lines
    network_equal(network, kept(network, tmp_path))


def content(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_the_same_network_gives_the_same_bytes(tmp_path: Path) -> None:
    network = random_network(1)
    save_network(network, tmp_path / "one")
    save_network(network, tmp_path / "two")
    save_network(load_network(tmp_path / "one"), tmp_path / "three")
    assert content(tmp_path / "one") == content(tmp_path / "two") == content(tmp_path / "three")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["one", "three", "two"]


def test_what_the_ground_and_the_network_share_is_written_once(tmp_path: Path) -> None:
    network = random_network(1)
    save_network(network, tmp_path / "one")
    rest = pd.read_parquet(tmp_path / "one" / "base_links.parquet")
    split = len(network.base.tables.links) - len(rest)
    assert 0 < len(rest) < split
    assert pd.read_parquet(tmp_path / "one" / "base_nodes.parquet").empty
    # A network whose tables are copies is larger on disk and the same all the same.
    copied = network.links.assign(geometry=shapely.from_wkb(shapely.to_wkb(network.links["geometry"].to_numpy())))
    network_equal(network, kept(replace(network, links=copied), tmp_path))


def test_other_tools_read_the_tables(tmp_path: Path) -> None:
    network = random_network(0)
    save_network(network, tmp_path / "one")
    about = json.loads((tmp_path / "one" / MARK).read_text(encoding="utf-8"))
    assert (about["format"], about["version"]) == ("borderlink network", 3)
    frame = gpd.read_parquet(tmp_path / "one" / "links.parquet")
    assert frame.crs == "EPSG:4326"
    assert len(frame) == len(network.links)
    if "Parquet" in pyogrio.list_drivers():
        assert len(pyogrio.read_dataframe(tmp_path / "one" / "links.parquet")) == len(network.links)


# --- what is refused


def test_a_router_of_another_network_is_refused(tmp_path: Path) -> None:
    other = compile_router(random_network(1))
    with pytest.raises(NetworkError, match="another network"):
        save_network(random_network(0), tmp_path / "one", routers=[other])
    assert not (tmp_path / "one").exists()


def test_a_folder_that_is_no_network_is_refused(tmp_path: Path) -> None:
    for folder in (tmp_path / "none", tmp_path):
        with pytest.raises(NetworkError, match=r"holds no network \(network.json is missing\)"):
            load_network(folder)
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(OutputError, match="holds other things than networks"):
        save_network(random_network(0), tmp_path)
    assert [p.name for p in tmp_path.iterdir()] == ["mine.txt"]
    with pytest.raises(OutputError, match="is a file"):
        save_network(random_network(0), tmp_path / "mine.txt")


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("saved") / "network"
    save_network(random_network(0), folder)
    return folder


def copy_of(saved: Path, folder: Path) -> Path:
    folder.mkdir()
    for path in saved.iterdir():
        (folder / path.name).write_bytes(path.read_bytes())
    return folder


def test_every_missing_or_damaged_file_is_told_of(saved: Path, tmp_path: Path) -> None:
    for i, name in enumerate(sorted(p.name for p in saved.iterdir())):
        if name in (MARK, MANIFEST):
            continue
        lacking = copy_of(saved, tmp_path / f"lacking-{i}")
        (lacking / name).unlink()
        cut = copy_of(saved, tmp_path / f"cut-{i}")
        (cut / name).write_bytes((cut / name).read_bytes()[:-40])
        flipped = copy_of(saved, tmp_path / f"flipped-{i}")
        data = bytearray((flipped / name).read_bytes())
        data[len(data) // 2] ^= 16
        (flipped / name).write_bytes(data)
        for folder, said in ((lacking, f"lacks {name}"), (cut, f"{name} is damaged"), (flipped, f"{name} is damaged")):
            for action in (load_network, load_routers):
                with pytest.raises(NetworkError, match=said):
                    action(folder)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"version": 1, "borderlink": "0.0"}, r"of format 1, written by borderlink 0\.0: allowed is format 3"),
        ({"version": 0}, "of format 0"),
        ({"version": "new"}, "can't be read"),
        ({"format": "something"}, "of another format"),
        ({"crs": {"type": "nonsense"}}, "can't be read"),
        ({"limits": {"far_km": 3}}, "can't be read"),
        ({"files": {}}, "can't be read"),
        ({"files": None}, "can't be read"),
        ({"routers": ["boat"]}, "can't be read"),
    ],
)
def test_a_small_file_that_says_something_else_is_refused(
    saved: Path, tmp_path: Path, change: dict[str, Any], said: str
) -> None:
    folder = copy_of(saved, tmp_path / "changed")
    about = json.loads((folder / MARK).read_text(encoding="utf-8"))
    (folder / MARK).write_text(json.dumps({**about, **change}), encoding="utf-8")
    with pytest.raises(NetworkError, match=said):
        load_routers(folder)


@pytest.mark.parametrize("text", ["", "{", "[]", "null", '{"format": 3}', "\xff\xfe"])
def test_a_small_file_that_is_no_json_is_refused(saved: Path, tmp_path: Path, text: str) -> None:
    folder = copy_of(saved, tmp_path / "changed")
    (folder / MARK).write_bytes(text.encode("latin-1"))
    with pytest.raises(NetworkError, match=r"network\.json can't be read"):
        load_network(folder)


def test_a_failed_save_leaves_the_old_network(saved: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = copy_of(saved, tmp_path / "old")
    before = content(folder)

    def full(*_: Any, **__: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(np, "savez", full)
    with pytest.raises(OSError, match="No space left"):
        save_network(random_network(1), folder)
    assert content(folder) == before
    assert [p.name for p in tmp_path.iterdir()] == ["old"]


def test_a_border_without_checkpoints_or_crossings_comes_back(tmp_path: Path) -> None:
    land = random_land(4)
    lonely = build_network(ground_of(land).base, with_waits(land.checkpoints).iloc[:0], land.settlements)
    network_equal(lonely, kept(lonely, tmp_path))
