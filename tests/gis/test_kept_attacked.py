"""A cache that others clear or damage while it is used, and inputs that change beside the file that a study names."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import time
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import rasterio
from affine import Affine

import gis.kept
from analysis.planning.draws import Spread
from gis.clock import Clock
from gis.inputs import Fetching
from gis.kept import ABOUT, clear_kept, kept, key_of, take_or_build
from gis.kept_results import results_kept
from gis.pipeline import run_sites
from gis.queries.siting import Question
from gis.study import load_study
from layers.errors import OutputError
from layers.keeping import kept_as
from layers.sources.download.cache import MARKER, Cache
from tests.gis.grid import grid_layers, write_grid


@pytest.mark.parametrize("stem", ["towns", "towns[1]", "to[w]ns*"])
def test_the_sidecars_of_a_shapefile_count_whatever_it_is_called(stem: str, tmp_path: Path) -> None:
    """Its texts and numbers stand in the .dbf."""
    study = write_grid(tmp_path, sources={"settlements": f'"{stem}.shp"'})
    for name in ("settlements", "towns1"):  # a neighbour that a pattern would take for it
        grid_layers()["settlements"].to_file(tmp_path / f"{name}.shp")
    for file in tmp_path.glob("settlements.*"):
        file.rename(tmp_path / f"{stem}{file.suffix}")
    old = key_of(load_study(study), Fetching(tmp_path / "cache"))
    table = tmp_path / f"{stem}.dbf"
    table.write_bytes(table.read_bytes().replace(b"Town 59.1", b"Dorf 59.1"))
    assert key_of(load_study(study), Fetching(tmp_path / "cache")) != old


def test_what_a_geopackage_has_beside_itself_counts(tmp_path: Path) -> None:
    """QGIS leaves changes in a file beside it while the layer is open, or where it died."""
    study, how = load_study(write_grid(tmp_path / "study")), Fetching(tmp_path / "cache", keep=True)
    ours, theirs = (tmp_path / folder / "settlements.gpkg" for folder in ("study", "theirs"))
    theirs.parent.mkdir()
    shutil.copy(ours, theirs)
    with closing(sqlite3.connect(theirs)) as base:
        base.execute("pragma journal_mode = wal")
        for (name,) in base.execute("select name from sqlite_master where type = 'trigger'").fetchall():
            base.execute(f'drop trigger "{name}"')  # they call functions of GDAL
        base.commit()
        base.execute("pragma wal_checkpoint(truncate)")
        shutil.copy(theirs, ours)
        prepared, _ = take_or_build(study, fetching=how)
        assert prepared.layers["settlements"]["population"].max() == 24_000
        base.execute("update settlements set population = 7 * population")
        base.commit()
        shutil.copy(f"{theirs}-wal", f"{ours}-wal")
    prepared, _ = take_or_build(study, fetching=how)
    assert prepared.layers["settlements"]["population"].max() == 7 * 24_000


def _people(path: Path, people: float) -> None:
    with rasterio.open(
        path,
        "w",
        driver="GTiff",
        width=20,
        height=10,
        count=1,
        dtype="float32",
        crs="EPSG:4326",
        transform=Affine(0.1, 0, 59, 0, -0.1, 50.5),
    ) as raster:
        raster.write(np.full((10, 20), people, "float32"), 1)


@pytest.mark.parametrize("raster", ["people.vrt", "people.tif"])
def test_what_a_raster_is_read_from_counts(raster: str, tmp_path: Path) -> None:
    """A virtual raster names others; values that are none may be named beside a file."""
    study = load_study(write_grid(tmp_path, more=f'[population]\nraster = "{raster}"\n'))
    how = Fetching(tmp_path / "cache")
    assert key_of(study, how), "a raster that is not there is told when it is read"
    _people(tmp_path / "people.tif", 5.0)
    source = '<SimpleSource><SourceFilename relativeToVRT="1">people.tif</SourceFilename></SimpleSource>'
    (tmp_path / "people.vrt").write_text(
        '<VRTDataset rasterXSize="20" rasterYSize="10"><SRS>EPSG:4326</SRS>'
        "<GeoTransform>59, 0.1, 0, 50.5, 0, -0.1</GeoTransform>"
        f'<VRTRasterBand dataType="Float32" band="1">{source}</VRTRasterBand></VRTDataset>'
    )
    old = key_of(study, how)
    assert key_of(study, how) == old
    if raster == "people.vrt":
        _people(tmp_path / "people.tif", 6.0)
    else:
        none = '<PAMRasterBand band="1"><NoDataValue>5</NoDataValue></PAMRasterBand>'
        (tmp_path / "people.tif.aux.xml").write_text(f"<PAMDataset>{none}</PAMDataset>")
    assert key_of(study, how) != old


def test_what_gdal_is_told_by_the_environment_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who sees garbled names sets the encoding of a shapefile that does not say it."""
    study = load_study(write_grid(tmp_path))
    old = key_of(study, Fetching(tmp_path / "cache"))
    monkeypatch.setenv("SHAPE_ENCODING", "CP1251")
    new = key_of(study, Fetching(tmp_path / "cache"))
    assert new != old
    monkeypatch.setenv("PAGER", "less")
    assert key_of(study, Fetching(tmp_path / "cache")) == new


@pytest.mark.parametrize("change", [('"built": "20', '"built": "xx'), ('"before": [', '"before": ["no", '), ("{", "[")])
def test_a_record_that_is_not_as_it_was_written_is_not_trusted(change: tuple[str, str], tmp_path: Path) -> None:
    study, how = load_study(write_grid(tmp_path / "study")), Fetching(tmp_path / "cache", keep=True)
    first, _ = take_or_build(study, fetching=how)
    (entry,) = kept(how.cache)
    record = entry.folder / ABOUT
    text = record.read_text(encoding="utf-8")
    assert change[0] in text
    record.write_text(text.replace(*change, 1), encoding="utf-8")
    clock = Clock()
    again, _ = take_or_build(study, fetching=how, clock=clock)
    assert clock.reused == ""
    assert (again.warnings, again.sources) == (first.warnings, first.sources)


def test_a_record_of_other_words_is_no_error(tmp_path: Path) -> None:
    study, how = load_study(write_grid(tmp_path / "study")), Fetching(tmp_path / "cache", keep=True)
    take_or_build(study, fetching=how)
    (entry,) = kept(how.cache)
    for content in ([], {}, {"files": []}, None, {"files": {}, "layers": 1}):
        (entry.folder / ABOUT).write_text(json.dumps(content), encoding="utf-8")
        assert kept(how.cache) == []
        clock = Clock()
        take_or_build(study, fetching=how, clock=clock)
        assert clock.reused == ""


def test_a_cache_of_somebody_else_can_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who may read a file and is not its owner can't set its time of use."""
    study, how = load_study(write_grid(tmp_path / "study")), Fetching(tmp_path / "cache", keep=True)
    take_or_build(study, fetching=how)

    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "utime", refuse)
    clock = Clock()
    take_or_build(study, fetching=how, clock=clock)
    assert clock.reused


def test_a_cache_that_may_only_be_read_is_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its network, the results beside it, and nothing is written; without one the network is built once."""
    study, how, clock = load_study(write_grid(tmp_path / "study")), Fetching(tmp_path / "cache", keep=True), Clock()
    take_or_build(study, fetching=how, clock=clock)
    with results_kept(clock):
        kept_as("one", [], lambda: 1, least_s=0.0)
    before = {p: p.read_bytes() for p in sorted(how.cache.rglob("*")) if p.is_file()} if how.cache else {}

    def refuse(*_: object, **__: object) -> None:
        raise OutputError("the cache can't be written")

    monkeypatch.setattr(Cache, "lock", refuse)
    monkeypatch.setattr(gis.kept.shutil, "rmtree", lambda *_, **__: None)
    assert clear_kept(how.cache) == 0, "nothing is freed"
    clock = Clock()
    take_or_build(study, fetching=how, clock=clock)
    assert clock.reused
    with results_kept(clock):
        assert kept_as("one", [], lambda: 2, least_s=0.0) == 1
    assert {p: p.read_bytes() for p in sorted(tmp_path.joinpath("cache").rglob("*")) if p.is_file()} == before
    made, real = [], gis.kept._made
    monkeypatch.setattr(gis.kept, "_made", lambda *a: made.append(1) or real(*a))
    take_or_build(study, fetching=Fetching(tmp_path / "other", keep=True))
    assert made == [1]
    assert not (tmp_path / "other").exists()


def test_what_cannot_be_read_is_a_message_and_no_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    study, how = load_study(write_grid(tmp_path / "study")), Fetching(tmp_path / "cache", keep=True)
    take_or_build(study, fetching=how)
    is_file, opened = Path.is_file, Path.open

    def hidden(path: Path) -> bool:
        if path.name == ABOUT:
            raise PermissionError(13, "Permission denied", str(path))
        return is_file(path)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "is_file", hidden)
        clock = Clock()
        take_or_build(study, fetching=how, clock=clock)
        assert clock.reused == ""

    def refuse(path: Path, *args: Any, **options: Any) -> Any:
        if path.name == "settlements.gpkg":
            raise PermissionError(13, "Permission denied", str(path))
        return opened(path, *args, **options)

    monkeypatch.setattr(Path, "open", refuse)
    assert len(key_of(study, how)) == 32


def test_a_network_that_is_cleared_while_it_is_used_is_used_on(tmp_path: Path) -> None:
    study, how = load_study(write_grid(tmp_path / "study")), Fetching(tmp_path / "cache", keep=True)
    built, _ = take_or_build(study, fetching=how)
    prepared, _ = take_or_build(study, fetching=how)
    assert clear_kept(how.cache) > 0
    roads = prepared.layers.copy()["roads"]
    pd.testing.assert_frame_equal(roads, built.layers["roads"], check_exact=True)
    assert "railways" in dict(prepared.layers, railways=prepared.layers["railways"])
    with pytest.raises(KeyError):
        prepared.layers["water"]


def test_what_is_cleared_while_a_run_goes_on_stays_cleared(tmp_path: Path) -> None:
    study, how, clock = load_study(write_grid(tmp_path / "study")), Fetching(tmp_path / "cache", keep=True), Clock()
    take_or_build(study, fetching=how, clock=clock)
    with results_kept(clock):
        assert kept_as("one", [], lambda: 1, least_s=0.0) == 1
        clear_kept(how.cache)
        assert kept_as("two", [], lambda: 2, least_s=0.0) == 2
        assert kept_as("one", [], lambda: 3, least_s=0.0) == 3, "the first one is gone"
    assert not any((tmp_path / "cache" / "networks").iterdir()), "nobody would count it or clear it"


def test_what_a_killed_process_left_is_cleared_with_time(tmp_path: Path) -> None:
    study, how = load_study(write_grid(tmp_path / "study")), Fetching(tmp_path / "cache", keep=True)
    left, at_work = (tmp_path / "cache" / "networks" / f".{'a' * 32}.{n}" for n in (11, 12))
    for folder in (left, at_work):
        (folder / "network").mkdir(parents=True)
        (folder / "network" / "links.parquet").write_bytes(b"x" * 100)
    (tmp_path / "cache" / MARKER).write_text("ours")
    old = time.time() - 2 * 86_400
    os.utime(left, (old, old))
    take_or_build(study, fetching=how)
    assert not left.exists()
    assert at_work.exists()


def test_a_search_for_sites_takes_the_kept_network_and_finds_the_same(tmp_path: Path) -> None:
    study, how = load_study(write_grid(tmp_path / "study")), Fetching(tmp_path / "cache", keep=True)
    take_or_build(study, fetching=how)
    question = Question(count=1, kinds=("crossing",), spread=Spread(draws=2, seed=1))
    found = {}
    for name, fresh in (("kept", False), ("fresh", True)):
        record = run_sites(study, question, out=tmp_path / name, fetching=replace(how, fresh=fresh))
        assert bool(record["reused"]) != fresh
        files = sorted(p for p in (tmp_path / name).rglob("*") if p.is_file() and not p.name.startswith("."))
        found[name] = {str(p.relative_to(tmp_path / name)): p.read_bytes() for p in files if p.suffix != ".json"}
    assert found["kept"] == found["fresh"]
