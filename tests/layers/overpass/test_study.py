"""A study whose layers come from Overpass.

The same ground as from an extract, offline from the cache, each layer one source.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd
import pytest

import gis
from gis.inputs import Fetching
from layers.errors import LayerError, StudyError
from layers.io import LAYERS
from tests.gis.conftest import call
from tests.layers.overpass.test_layers import plain
from tests.layers.overpass.world import EAST, TIMESTAMP, WEST, World, two_countries

if TYPE_CHECKING:
    from tests.layers.overpass.server import Overpass

NETWORK = (
    "\n[network]\ndepth_km = 30\n[analysis]\ndepth_km = 15\nh3_resolution = 6\nsegment_km = 5\nraster_km = "
    "1\npermutations = 99\n"
)
SIDES = f'sides = ["{WEST}", "{EAST}"]\n'


@pytest.fixture
def server(serve: Callable[[World], Overpass]) -> Overpass:
    return serve(two_countries())


def study(folder: Path, osm: str, layers: str = "") -> Path:
    """Write a study and the extract that it may name."""
    two_countries().write(folder / "land.osm.pbf")
    file = folder / "study.toml"
    file.write_text(f"{SIDES}[osm]\n{osm}\n[layers]\n{layers}{NETWORK}", encoding="utf-8")
    return file


def prepare(file: Path, **options: bool) -> gis.Prepared:
    return gis.prepare(gis.load_study(file), fetching=Fetching(file.parent / "cache", **options))


def test_overpass_gives_the_ground_that_an_extract_gives(server: Overpass, tmp_path: Path) -> None:
    wanted = prepare(study(tmp_path, 'pbf = ["land.osm.pbf"]'))
    got = prepare(study(tmp_path, f'overpass = true\noverpass_url = "{server.url}/interpreter/"'))
    for name in LAYERS:
        pd.testing.assert_frame_equal(plain(wanted.layers[name]), plain(got.layers[name]), check_exact=True)
        assert len(got.layers[name]) >= (2 if name != "railways" else 1)
    assert got.detailed
    assert sorted(got.layers["checkpoints"]["name"]) == [
        "Post 1 a – Post 1 b",
        "Post 3 a – Post 3 b",
        "West Station – East Station",
    ]
    # Boundaries; roads, other objects and centres; ways around three towns without a road.
    asked = len(server.queries)
    assert asked == 7
    rows = [s for s in got.sources if s["layer"] in LAYERS]
    assert {s["layer"] for s in rows} == set(LAYERS)
    for row in rows:
        assert row["source"] == f"OpenStreetMap by Overpass {server.url}/interpreter"
        assert (row["date"], row["licence"]) == (TIMESTAMP, "ODbL-1.0")
        assert len(row["note"].removeprefix("query ")) == 32
        assert len(row["sha256"]) == 64
    # Another look needs no server.
    again = prepare(study(tmp_path, f'overpass = true\noverpass_url = "{server.url}"'), offline=True)
    assert again.sources == got.sources
    assert len(server.queries) == asked


def test_the_commands_run_fetch_and_go_offline(server: Overpass, tmp_path: Path) -> None:
    file = study(tmp_path, f'overpass = true\noverpass_url = "{server.url}"')
    cache = ("--cache", tmp_path / "cache")
    done = call("run", file, "--offline", *cache, cwd=tmp_path)
    assert done.returncode == 2
    assert "offline, and the Overpass answer for regions" in done.stderr
    assert server.queries == []
    done = call("fetch", file, *cache, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert [line.split()[0].rpartition("/")[2].rpartition("-")[0] for line in done.stdout.splitlines()] == [
        "regions",
        "roads-railways-settlements-checkpoints",
    ]
    done = call("run", file, "--offline", *cache, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    told = json.loads((tmp_path / "out" / "run.json").read_text(encoding="utf-8"))
    assert {i["source"] for i in told["inputs"]} == {f"OpenStreetMap by Overpass {server.url}/interpreter"}
    assert told["study"]["osm"]["overpass"] is True
    assert (tmp_path / "out" / "map.html").is_file()
    asked = len(server.queries)
    assert asked == 7
    listed = call("cache", "list", *cache, cwd=tmp_path)
    assert f"{server.url}/interpreter/regions-" in listed.stdout
    assert "2 files" in listed.stdout
    call("fetch", file, "--refresh", *cache, cwd=tmp_path)
    assert len(server.queries) == 2 * asked
    assert call("cache", "clear", *cache, cwd=tmp_path).returncode == 0
    assert "0 files" in call("cache", "list", *cache, cwd=tmp_path).stdout


def test_checkpoints_alone_are_refreshed(server: Overpass, tmp_path: Path) -> None:
    # Since the extract was made a post was renamed.
    world = server.world
    world.nodes[6010] = (*world.nodes[6010][:2], {**world.nodes[6010][2], "name": "New name"})
    world.timestamp = "2026-05-05T05:05:05Z"
    old = prepare(study(tmp_path, 'pbf = ["land.osm.pbf"]'))
    got = prepare(study(tmp_path, f'pbf = ["land.osm.pbf"]\noverpass = ["checkpoints"]\noverpass_url = "{server.url}"'))
    for name in set(LAYERS) - {"checkpoints"}:
        pd.testing.assert_frame_equal(plain(old.layers[name]), plain(got.layers[name]))
    names = set(got.layers["checkpoints"]["name"])
    assert names == {"New name – Post 1 b", "Post 3 a – Post 3 b", "West Station – East Station"}
    dates = {s["layer"]: s["date"] for s in got.sources}
    assert dates == {**dict.fromkeys(LAYERS, TIMESTAMP), "checkpoints": "2026-05-05T05:05:05Z"}
    (query,) = server.queries
    assert "border_control" in query
    assert "highway" not in query
    # Beside the packaged layers too, whatever the depth: Russia–Kazakhstan has no post in this world.
    file = tmp_path / "packaged.toml"
    file.write_text(
        f'sides = ["RU", "KZ"]\n[osm]\noverpass = ["checkpoints"]\noverpass_url = "{server.url}"\n', encoding="utf-8"
    )
    ground = prepare(file)
    assert not ground.detailed
    assert len(ground.layers["checkpoints"]) == 51
    assert len(server.queries) < 10


def test_regions_of_an_extract_and_roads_of_overpass(server: Overpass, tmp_path: Path) -> None:
    wanted = prepare(study(tmp_path, 'pbf = ["land.osm.pbf"]'))
    asked = f'overpass = ["roads", "checkpoints"]\noverpass_url = "{server.url}"\npbf = ["land.osm.pbf"]'
    got = prepare(study(tmp_path, asked))
    for name in LAYERS:
        pd.testing.assert_frame_equal(plain(wanted.layers[name]), plain(got.layers[name]))
    assert len(server.queries) == 5


def test_a_belt_too_large_is_refused_before_a_query(server: Overpass, tmp_path: Path) -> None:
    file = study(tmp_path, f'overpass = true\noverpass_url = "{server.url}"\noverpass_area_km2 = 500')
    with pytest.raises(LayerError, match=r"500 km² \(osm.overpass_area_km2\).*pbf"):
        prepare(file)
    assert len(server.queries) == 1  # the regions, without which the belt is unknown


@pytest.mark.parametrize(
    ("osm", "layers", "words"),
    [
        ('overpass = true\npbf = ["land.osm.pbf"]', "", ("osm.pbf", 'osm.overpass = ["checkpoints"]')),
        ('overpass = ["roads"]', 'roads = "snapshot"', ("roads", "one source")),
        ('overpass = ["posts"]', "", ("'posts'", "checkpoints")),
        ("overpass = 1", "", ("true, false",)),
        ('overpass_url = "overpass-api.de"', "", ("https://",)),
        ("overpass_area_km2 = 0", "", ("overpass_area_km2",)),
        ("", 'roads = "overpass"', ('osm.overpass = ["roads"]',)),
        ("overpas = true", "", ("'overpass'",)),
    ],
)
def test_one_source_for_each_layer(tmp_path: Path, osm: str, layers: str, words: tuple[str, ...]) -> None:
    with pytest.raises(StudyError) as error:
        gis.load_study(study(tmp_path, osm, layers))
    assert all(word in str(error.value) for word in words), error.value


def test_named_layers_keep_their_source(tmp_path: Path) -> None:
    loaded = gis.load_study(study(tmp_path, "overpass = true", 'regions = "snapshot"\nrailways = "none"'))
    paths = {n: loaded.source(n).path for n in LAYERS}
    assert paths == {**dict.fromkeys(LAYERS, "overpass"), "regions": "snapshot", "railways": "none"}
    assert loaded.with_analysis(seed=5).layers == loaded.layers
    listed = gis.load_study(study(tmp_path, 'overpass = ["roads"]'))
    assert {n: listed.source(n).path for n in LAYERS} == {**dict.fromkeys(LAYERS, "snapshot"), "roads": "overpass"}
    assert listed.with_analysis(seed=5).layers == listed.layers
    assert not gis.load_study(study(tmp_path, "overpass = []")).osm.overpass
