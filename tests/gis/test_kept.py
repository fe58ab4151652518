"""The network that stays in the cache.

The same answers, other waits without a rebuild, nothing trusted that is not as it was written.
"""

from __future__ import annotations

from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import gis.kept
import layers.keeping as known
from gis.clock import Clock
from gis.inputs import Fetching, Prepared, prepare
from gis.kept import clear_kept, kept, key_of, take_or_build
from gis.queries.route import find_route, solve_route
from gis.stages import build
from gis.study import Study, load_study
from layers.errors import NetworkError
from layers.moments import moment_of
from network.build import Network, build_network
from tests.gis.conftest import call
from tests.gis.grid import grid_layers, grid_lines, grid_roads, write_grid


def take(study: Study, cache: Path, **how: Any) -> tuple[Prepared, Network, str]:
    clock = Clock()
    prepared, network = take_or_build(study, fetching=Fetching(cache, keep=True, **how), clock=clock)
    return prepared, network, clock.reused


def same(one: tuple[Prepared, Network], other: tuple[Prepared, Network]) -> None:
    """Check that two grounds and networks are equal in every cell."""
    for name in ("regions", "roads", "railways", "settlements", "checkpoints"):
        pd.testing.assert_frame_equal(one[0].layers[name], other[0].layers[name], check_exact=True)
    for name in ("regions", "border"):
        pd.testing.assert_frame_equal(getattr(one[0], name), getattr(other[0], name), check_exact=True)
    assert one[0].warnings == other[0].warnings
    assert one[0].sources == other[0].sources
    assert one[0].crs == other[0].crs
    for name in ("nodes", "links", "crossings", "checkpoints", "settlements"):
        pd.testing.assert_frame_equal(getattr(one[1], name), getattr(other[1], name), check_exact=True)
    assert one[1].report == other[1].report
    assert one[1].domestic_wait == other[1].domestic_wait


def test_what_is_taken_is_what_was_built(tmp_path: Path) -> None:
    study = load_study(write_grid(tmp_path / "study"))
    *first, reused = take(study, tmp_path / "cache")
    assert reused == ""
    *second, reused = take(study, tmp_path / "cache")
    assert "taken from the cache" in reused
    same((second[0], second[1]), (first[0], first[1]))


def test_the_ground_of_a_kept_network_goes_by_the_key_of_all_that_it_hangs_on(tmp_path: Path) -> None:
    path = write_grid(tmp_path / "study")
    study, cache = load_study(path), tmp_path / "cache"
    built = take(study, cache)[1]
    loaded = take(study, cache)[1]
    path.write_text(path.read_text(encoding="utf-8") + "[waits]\nsouth = 77.0\n", encoding="utf-8")
    waited = take(load_study(path), cache)[1]
    names = [known.key_of(network.ground) for network in (built, loaded, waited)]
    assert len(set(names)) == 1
    # A ground that has a scenario's road is another, as is the same one that is not kept.
    assert known.key_of(replace(loaded.ground)) != names[0]


def test_other_waits_and_measures_take_the_same_network(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write_grid(tmp_path / "study")
    take(load_study(path), tmp_path / "cache")
    settings = '[analysis]\nclosed_hours = "even"\ndomestic_wait = ["rail"]\nhalf_life_min = 77'
    text = path.read_text(encoding="utf-8").replace("[analysis]", settings)
    path.write_text(text + "[waits]\nsouth = 7.0\n[lists]\ngap_min = 20\n", encoding="utf-8")
    study = load_study(path)
    prepared = prepare(study)
    fresh = prepared, build(prepared)
    monkeypatch.setattr(gis.kept, "build", lambda _: pytest.fail("the network was built again"))
    *found, reused = take(study, tmp_path / "cache")
    assert reused
    same((found[0], found[1]), fresh)
    assert set(found[1].links.loc[found[1].links["checkpoint_id"] == "south", "wait_min"]) == {7.0}


@pytest.mark.parametrize("change", ["roads", "settlements", "a connector", "the class of a road"])
def test_what_the_network_hangs_on_makes_another(tmp_path: Path, change: str) -> None:
    path = write_grid(tmp_path / "study")
    old = key_of(load_study(path), Fetching(tmp_path / "cache"))
    assert key_of(load_study(path), Fetching(tmp_path / "cache")) == old
    layers = {
        "roads": grid_roads(grid_lines()[:-1]),
        "the class of a road": grid_roads().assign(kind="secondary"),
        "settlements": grid_layers()["settlements"].assign(population=5),
    }
    if change == "a connector":
        path.write_text(
            path.read_text(encoding="utf-8").replace("settlement_km = 10", "settlement_km = 11"), encoding="utf-8"
        )
    else:
        name = "settlements" if change == "settlements" else "roads"
        layers[change].to_file(path.parent / f"{name}.gpkg", driver="GPKG")
    assert key_of(load_study(path), Fetching(tmp_path / "cache")) != old


def test_the_command_line_and_outputs_change_no_network(tmp_path: Path) -> None:
    study, how = load_study(write_grid(tmp_path / "study")), Fetching(tmp_path / "cache")
    for other in (study.with_analysis(permutations=199), study.with_csv("excel"), study.with_graph("gpkg")):
        assert other.connectors.model_fields_set == study.connectors.model_fields_set
        assert key_of(other, how) == key_of(study, how)


def test_a_file_that_is_not_as_it_was_written_is_not_trusted(tmp_path: Path) -> None:
    study = load_study(write_grid(tmp_path / "study"))
    *whole, _ = take(study, tmp_path / "cache")
    for name in (
        "network/links.parquet",
        "network/network.json",
        "layer_settlements.parquet",
        "layer_roads.parquet",
        "kept.json",
    ):
        (entry,) = kept(tmp_path / "cache")
        file = entry.folder / name
        data = bytearray(file.read_bytes())
        data[len(data) // 2] ^= 1
        file.write_bytes(bytes(data))
        *again, reused = take(study, tmp_path / "cache")
        assert reused == "", name
        same((again[0], again[1]), (whole[0], whole[1]))


def test_all_that_layers_are_prepared_to_is_kept() -> None:
    """Whoever adds a field to `Prepared` must have `gis.kept` write and read it."""
    assert {f.name for f in fields(Prepared)} == {
        "study",
        "layers",
        "regions",
        "water",
        "border",
        "crs",
        "sources",
        "warnings",
        "population",
        "stations",
        "turns",
        "detailed",
        "places",
        "observed",
        "counts",
    }


def test_fresh_takes_nothing_and_answers_alike(tmp_path: Path) -> None:
    study = load_study(write_grid(tmp_path / "study"))
    take(study, tmp_path / "cache")
    *found, reused = take(study, tmp_path / "cache", fresh=True)
    assert reused == ""
    *again, reused = take(study, tmp_path / "cache")
    assert reused
    same((found[0], found[1]), (again[0], again[1]))


def test_a_cache_that_cannot_be_written_costs_no_answer(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    study = load_study(write_grid(tmp_path / "study"))
    _, network, reused = take(study, tmp_path / "file")
    assert (len(network.checkpoints), reused) == (2, "")


def test_the_cache_is_bounded_and_keeps_what_was_used_last(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cache = tmp_path / "cache"
    studies = [load_study(write_grid(tmp_path / str(i), more=f"[speeds]\nprimary = {60 + i}")) for i in range(3)]
    for study in studies[:2]:
        take(study, cache)
    sizes = [entry.size for entry in kept(cache)]
    assert len(sizes) == 2
    assert take(studies[0], cache)[2]
    monkeypatch.setattr(gis.kept, "MOST_BYTES", int(2.5 * max(sizes)))
    take(studies[2], cache)
    assert take(studies[0], cache)[2], "used after the second one: it stays"
    assert not take(studies[1], cache)[2]


def test_commands_say_what_they_took_and_the_cache_is_listed_and_cleared(tmp_path: Path) -> None:
    study, cache = write_grid(tmp_path / "study"), tmp_path / "cache"
    ask = ("route", "Town 59.1 49.7", "Town 60.9 50.3", "--study", study, "--cache", cache, "--json")
    first = call(*ask, cwd=tmp_path)
    assert first.returncode == 0, first.stderr
    assert call(*ask, cwd=tmp_path).stdout == call(*ask, "--fresh", cwd=tmp_path).stdout == first.stdout
    listed = call("cache", "list", "--cache", cache, cwd=tmp_path).stdout
    assert "network of RU–KZ" in listed and "1 networks" in listed
    change = call("scenario", study, "--close", "south", "--cache", cache, "--out", "out", cwd=tmp_path)
    assert change.returncode == 0, change.stderr
    assert "taken from the cache" in change.stdout
    assert "MB freed" in call("cache", "clear", "--cache", cache, cwd=tmp_path).stdout
    assert kept(cache) == []
    assert clear_kept(cache) == 0


@pytest.mark.parametrize("ends", [("Town 59.1 49.7", "Town 60.9 50.3"), ("Town 59.1 49.7", "60.85,50.2")])
def test_ways_over_a_kept_network_are_those_of_the_one_that_was_built(ends: tuple[str, str], tmp_path: Path) -> None:
    """Of a kept network a way between settlements reads neither ground nor the lines of other links."""
    more = "[money]\nvalue_of_time_per_h = 9\nper_km = 0.1\n"
    study, cache = load_study(write_grid(tmp_path / "study", more=more)), tmp_path / "cache"
    take(study, cache)
    for way in (
        {},
        {"network": "open"},
        {"network": "borderless", "by": "length"},
        {"by": "cost"},
        {"at": "Mon 08:00"},
    ):
        ours = solve_route(study, *ends, **way, fetching=Fetching(cache, keep=True))
        built = solve_route(study, *ends, **way)
        assert ours.as_dict() == built.as_dict()
        assert ours.links is not None
        assert built.links is not None
        pd.testing.assert_frame_equal(pd.DataFrame(ours.links), pd.DataFrame(built.links), check_exact=True)
    home = ends[0], "Town 59.7 50.3"
    assert find_route(study, *home, fetching=Fetching(cache, keep=True)) == find_route(study, *home)


def test_a_network_for_ways_alone_builds_nothing(tmp_path: Path) -> None:
    study, cache = load_study(write_grid(tmp_path / "study")), tmp_path / "cache"
    take(study, cache)
    _, network = take_or_build(study, fetching=Fetching(cache, keep=True), lean=True)
    with pytest.raises(NetworkError, match="for ways alone"):
        build_network(network.base, network.checkpoints, network.settlements)
    with pytest.raises(KeyError, match="geometry"):
        network.links["geometry"]


def test_a_departure_takes_the_kept_network(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    study, cache = load_study(write_grid(tmp_path / "study")), tmp_path / "cache"
    towns = "Town 59.1 49.7", "Town 60.9 50.3"
    plain = find_route(study, *towns, at="Mon 08:00")
    take(study, cache)
    monkeypatch.setattr(gis.kept, "build", lambda _: pytest.fail("the network was built again"))
    for hour in ("Mon 08:00", "Sun 03:30"):
        found = find_route(study, *towns, at=hour, fetching=Fetching(cache, keep=True))
        assert found["total_min"] == plain["total_min"]
        assert found["checkpoints"] == plain["checkpoints"]


def test_the_hour_makes_another_network_of_openstreetmap_alone(tmp_path: Path) -> None:
    """Its roads alone have conditions; what a file says holds at any hour."""
    how = Fetching(tmp_path / "cache")
    study = load_study(write_grid(tmp_path / "study"))
    assert key_of(study, how, moment_of("Mon 08:00")) == key_of(study, how)
    extract = tmp_path / "border.osm.pbf"
    extract.write_bytes(b"an extract")
    mapped = load_study(write_grid(tmp_path / "mapped", sources={"roads": '"osm"'}, more=f'[osm]\npbf = ["{extract}"]'))
    keys = [key_of(mapped, how, moment_of(t) if t else None) for t in ("", "Mon 08:00", "Mon 08:20", "Mon 09:00")]
    assert keys[1] == keys[2], "conditions are read by the half hour"
    assert len(set(keys)) == 3


@pytest.mark.slow
def test_kept_and_fresh_runs_leave_the_same_bytes(tmp_path: Path) -> None:
    """Every table, after another wait too.

    Nothing but the stamp of a run tells which of them took the network from the cache.
    """
    path, cache = write_grid(tmp_path / "study"), tmp_path / "cache"
    other = path.with_name("other.toml")
    other.write_text(path.read_text(encoding="utf-8") + "[waits]\nsouth = 7.0\n", encoding="utf-8")

    def tables(study: Path, name: str, *more: str) -> dict[str, bytes]:
        done = call("run", study, "--cache", cache, "--out", tmp_path / name, *more, cwd=tmp_path)
        assert done.returncode == 0, done.stderr
        assert ("taken from the cache" in done.stdout) == (not more)
        return {p.name: p.read_bytes() for p in sorted((tmp_path / name / "tables").iterdir())}

    first = tables(path, "first", "--fresh")
    assert len(first) > 10
    assert tables(path, "second") == first
    slower = tables(other, "third")
    assert slower != first
    assert tables(other, "fourth", "--fresh") == slower
