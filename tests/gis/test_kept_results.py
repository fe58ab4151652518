"""A run that takes results of an earlier one leaves the very bytes of a run that takes none, whatever was changed."""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import gis
import gis.contents
import gis.kept
import gis.pipeline
import gis.queries.edits
from gis.clock import Clock
from gis.inputs import Fetching
from gis.kept import kept, take_or_build
from gis.kept_results import results_kept
from layers.keeping import kept_as, results
from maps import apart
from network import bank, hierarchy
from tests.gis.grid import grid_layers, write_grid

CHANGES: tuple[tuple[str, str], ...] = (
    ("waits", "south = {minutes}"),
    ("waits", "north = {minutes}"),
    ("analysis", "half_life_min = {minutes}"),
    ("analysis", "seed = {whole}"),
    ("analysis", 'closed_hours = "even"'),
    ("analysis", 'domestic_wait = ["rail"]'),
    ("analysis", "theta_per_min = 0.0{whole}"),
    ("lists", "gap_min = {whole}"),
    ("lists", "openings = 1"),
    ("lists", "city_people = {people}"),
    ("trips", "per_day = {people}"),
    ("trips", "links_closed = {whole}"),
    ("reach", "within_min = [{minutes}]"),
    ("stability", "null_draws = 19"),
    ("stability", 'alternatives = "weights"'),
    ("index", "draws = 10{whole}"),
    ("connectors", "settlement_km = 1{whole}"),
)
"""Settings that a random study changes; what they are changed to is drawn."""
STAMP = ("seconds", "reused")
"""What of a run's own record tells when and how it ran."""


@pytest.fixture(autouse=True)
def everything_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep what takes no time too, and let a small graph be a large one."""
    monkeypatch.setattr(results, "LEAST_S", 0.0)
    monkeypatch.setattr(bank, "LARGE", 10)
    monkeypatch.setattr(hierarchy, "FEW", 1)


def digests(folder: Path) -> dict[str, str]:
    """Return a digest of every file that a run left, without what tells when it ran."""
    out = {}
    for path in sorted(p for p in folder.rglob("*") if p.is_file() and not p.name.startswith(".")):
        data = path.read_bytes()
        if path.name in ("run.json", "scenario.json"):
            content = json.loads(data)
            data = json.dumps({k: v for k, v in content.items() if k not in STAMP}).encode()
        out[str(path.relative_to(folder))] = hashlib.sha256(data).hexdigest()
    return out


def changed(path: Path, changes: list[str]) -> Path:
    """Write a study beside another with settings in parts that it has, or not yet."""
    text = path.read_text(encoding="utf-8")
    for change in changes:
        part, line = change.split(": ", 1)
        key = line.split(" = ")[0]
        head = f"[{part}]\n"
        before, found, after = text.partition(head)
        if not found:
            text = f"{text}{head}{line}\n"
            continue
        body, bracket, rest = after.partition("\n[")
        body = "\n".join(row for row in body.split("\n") if not row.startswith(f"{key} ="))
        text = f"{before}{head}{line}\n{body}{bracket}{rest}"
    out = path.with_name(f"other-{hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()[:8]}.toml")
    out.write_text(text, encoding="utf-8")
    return out


def drawn(rng: np.random.Generator) -> list[str]:
    """Return one to three random changes."""
    picked = rng.choice(len(CHANGES), size=rng.integers(1, 4), replace=False)
    minutes, whole, people = (int(rng.integers(*ends)) for ends in ((5, 200), (1, 10), (1, 20)))
    values = {"minutes": minutes, "whole": whole, "people": people * 1000}
    return [f"{CHANGES[k][0]}: {CHANGES[k][1].format(**values)}" for k in picked]


def run(study: Path, out: Path, cache: Path, **how: Any) -> tuple[dict[str, str], dict[str, Any]]:
    """Run a study and return the digests of its files and its record."""
    record = gis.run(study, out=out, fetching=Fetching(cache, keep=True, **how))
    return digests(out), record


def taken(record: dict[str, Any]) -> tuple[int, int]:
    """Return how many results a run took, of how many."""
    found = re.search(r"(\d+) of (\d+)$", record["reused"])
    return (int(found[1]), int(found[2])) if found else (0, 0)


def test_cold_reused_and_fresh_runs_are_the_same_also_after_a_wait_was_changed_and_back(tmp_path: Path) -> None:
    study, cache = write_grid(tmp_path / "study"), tmp_path / "cache"
    other = changed(study, ["waits: south = 77"])
    first, record = run(study, tmp_path / "first", cache)
    assert taken(record) == (0, 0)
    again, record = run(study, tmp_path / "again", cache)
    assert again == first
    assert taken(record)[0] == taken(record)[1] > 10
    moved, record = run(other, tmp_path / "moved", cache)
    assert 0 < taken(record)[0] < taken(record)[1]
    assert moved != first
    back, record = run(study, tmp_path / "back", cache)
    assert back == first
    assert taken(record)[0] == taken(record)[1]
    assert run(other, tmp_path / "moved fresh", cache, fresh=True)[0] == moved
    fresh, record = run(study, tmp_path / "fresh", cache, fresh=True)
    assert fresh == first
    assert record["reused"] == ""
    bare = gis.run(study, out=tmp_path / "bare")
    assert bare["reused"] == ""
    assert digests(tmp_path / "bare") == first


@pytest.mark.parametrize("seed", [1, *(pytest.param(k, marks=pytest.mark.slow) for k in (2, 3, 4))])
def test_after_any_changes_a_run_is_the_fresh_one(seed: int, tmp_path: Path) -> None:
    """One cache for all of them: each run may take what any before it left."""
    rng = np.random.default_rng(seed)
    base, cache = write_grid(tmp_path / "study"), tmp_path / "cache"
    run(base, tmp_path / "base", cache)
    for k in range(2):
        changes = drawn(rng)
        study = changed(base, changes)
        reused, _ = run(study, tmp_path / f"reused{k}", cache)
        fresh, _ = run(study, tmp_path / f"fresh{k}", tmp_path / "other cache", fresh=True)
        assert reused == fresh, changes


def test_a_scenario_takes_what_a_run_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    study, cache = write_grid(tmp_path / "study"), tmp_path / "cache"
    monkeypatch.setattr(apart, "MOST_LINES", 10)
    drawn: list[str] = []
    real = gis.contents.kept_as

    def kept_and_seen(name: str, content: Any, make: Any) -> Any:
        return real(name, content, lambda: (drawn.append(name), make())[1])

    monkeypatch.setattr(gis.contents, "kept_as", kept_and_seen)
    run(study, tmp_path / "run", cache)
    assert len(drawn) > 2
    found = {}
    for name, how in (("reused", {}), ("again", {}), ("fresh", {"fresh": True})):
        drawn.clear()
        record = gis.run_scenario(
            study, [gis.Close("south")], out=tmp_path / name, fetching=Fetching(cache, keep=True, **how)
        )
        found[name] = digests(tmp_path / name)
        assert (taken(record)[0] > 0) == (name != "fresh")
        assert bool(drawn) == (name == "fresh")  # roads are packed and written by the run alone
    assert found["reused"] == found["fresh"] == found["again"]


EDITS: tuple[tuple[gis.queries.edits.Edit, ...], ...] = (
    (gis.Wait("north", 3.0),),
    (gis.Wait("south", 250.0, direction="a to b"), gis.Close("north")),
    (gis.Open(60.0, 49.9, wait_min=5.0),),
    (gis.Open(60.0, 49.9), gis.Close("new-1")),
    (gis.Open(60.0, 49.9, wait_min=5.0), gis.Close("South"), gis.Wait("North", 0.0)),
)


@pytest.mark.parametrize("edits", EDITS[:2] + tuple(pytest.param(e, marks=pytest.mark.slow) for e in EDITS[2:]))
def test_scenarios_take_the_border_as_it_is_and_leave_the_bytes_of_a_fresh_one(
    edits: tuple[gis.queries.edits.Edit, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    study, cache = write_grid(tmp_path / "study", more="[lists]\ncity_people = 5000\n"), tmp_path / "cache"
    other = changed(study, ["waits: south = 77"])
    measured: list[Any] = []
    real = gis.pipeline.measure

    def measure(prepared: Any, network: Any) -> Any:
        measured.append(network)
        return real(prepared, network)

    monkeypatch.setattr(gis.pipeline, "measure", measure)
    run(study, tmp_path / "run", cache)
    found, times = {}, {}
    for name, of, how in (
        ("reused", study, {}),
        ("other", other, {}),  # nobody has run it: a wait is another, and all that hangs on it
        ("other again", other, {}),
        ("fresh", study, {"fresh": True}),
        ("other fresh", other, {"fresh": True}),
    ):
        measured.clear()
        gis.run_scenario(of, edits, out=tmp_path / name, fetching=Fetching(cache, keep=True, **how))
        found[name], times[name] = digests(tmp_path / name), len(measured)
    assert found["reused"] == found["fresh"]
    assert found["other"] == found["other again"] == found["other fresh"]
    assert found["other"] != found["reused"]
    assert times["reused"] == times["other again"] == 1
    assert times["fresh"] == times["other"] in (1, 2)


@pytest.mark.slow
def test_other_layers_take_nothing_of_the_old_ones(tmp_path: Path) -> None:
    study, cache = write_grid(tmp_path / "study"), tmp_path / "cache"
    first, _ = run(study, tmp_path / "first", cache)
    towns = grid_layers()["settlements"]
    towns["population"] = towns["population"].to_numpy()[::-1]
    towns.to_file(study.parent / "settlements.gpkg", driver="GPKG")
    reused, _ = run(study, tmp_path / "reused", cache)
    assert reused == run(study, tmp_path / "fresh", cache, fresh=True)[0]
    assert reused != first


@pytest.mark.slow
def test_results_are_part_of_their_network_in_the_cache(tmp_path: Path) -> None:
    study, cache = write_grid(tmp_path / "study"), tmp_path / "cache"
    run(study, tmp_path / "first", cache)
    (entry,) = kept(cache)
    files = list((entry.folder / "results").iterdir())
    assert files
    assert entry.size > sum(f.stat().st_size for f in files)
    for file in files:
        file.write_bytes(file.read_bytes()[:-1] + b"\1")
    first = digests(tmp_path / "first")
    again, record = run(study, tmp_path / "again", cache)
    assert again == first
    assert taken(record) == (0, 0)


def test_networks_and_their_results_are_bounded_together(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cache, clock = tmp_path / "cache", Clock()
    for k in (60, 61):
        clock = Clock()
        study = gis.load_study(write_grid(tmp_path / str(k), more=f"[speeds]\nprimary = {k}"))
        take_or_build(study, fetching=Fetching(cache, keep=True), clock=clock)
    monkeypatch.setattr(gis.kept, "MOST_BYTES", sum(e.size for e in kept(cache)) + 100_000)
    with results_kept(clock):
        kept_as("a large one", [], lambda: np.zeros(20_000))
    (entry,) = kept(cache)
    assert entry.folder == clock.kept_in
    assert len(list((entry.folder / "results").iterdir())) == 1


def test_ctrl_c_leaves_the_cache_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    study, cache = write_grid(tmp_path / "study"), tmp_path / "cache"
    written: list[Path] = []
    real = results.write

    def write(path: Path, parcel: Any) -> None:
        real(path, parcel)
        written.append(path)
        if len(written) == 7:
            raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(results, "write", write)
        run(study, tmp_path / "stopped", cache)
    assert all(results.read(path) is not None for path in written)
    assert not [p for p in written[0].parent.iterdir() if p.suffix != results.ENDING]
    on, record = run(study, tmp_path / "on", cache)
    assert taken(record)[0] >= 6
    assert on == run(study, tmp_path / "fresh", tmp_path / "other cache", fresh=True)[0]
