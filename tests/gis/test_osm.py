"""Studies on OpenStreetMap extracts: the packaged belt written as PBF and read back, and what goes wrong."""

from __future__ import annotations

import json
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely

import gis
from gis.settings import LayerSource
from gis.sources import locate_extracts
from layers.crs import line_lengths_m
from layers.errors import LayerError, StudyError
from network.build import FIELDS
from network.routing import compile_router
from tests.gis.conftest import ROOT, call

if TYPE_CHECKING:
    from network.build import Network

pytest.importorskip("osmium", reason="pyosmium is not installed")

from tests.layers.pbf.files import write_pbf

RAIL = 10_000_000


def ways_of(layer: gpd.GeoDataFrame, first: int, tags: dict[str, str]) -> tuple[dict[int, Any], list[Any]]:
    """Return nodes and ways of a layer of links, node ids moved by `first`."""
    ends = layer[["u", "v"]].to_numpy() + first + 1
    points = {}
    for i, position in ((0, 0), (1, -1)):
        xy = shapely.get_coordinates(shapely.get_point(layer.geometry.to_numpy(), position))
        points.update({int(n): (int(n), float(x), float(y)) for n, (x, y) in zip(ends[:, i], xy, strict=True)})
    ways = [(first + k + 1, [int(u), int(v)], tags) for k, (u, v) in enumerate(ends)]
    return points, ways


@pytest.fixture(scope="module")
def prepared() -> gis.Prepared:
    """Return the packaged ground with lengths as a PBF can tell them: geodesic."""
    # Water goes with the packaged roads; the study of the extract names none.
    ground = replace(gis.prepare(gis.load_study()), water=None)
    for name in ("roads", "railways"):
        layer = ground.layers[name].copy()
        layer["length_m"] = line_lengths_m(layer.geometry.to_numpy())
        # A way of no length is no way; a source may hold two nodes at one place.
        ground.layers[name] = layer[layer["length_m"] > 0].reset_index(drop=True)
    return ground


@pytest.fixture(scope="module")
def study(prepared: gis.Prepared, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a study that reads roads and railways of the packaged belt from a PBF."""
    folder = tmp_path_factory.mktemp("osm")
    roads, road_ways = ways_of(prepared.layers["roads"], 0, {"highway": "trunk"})
    rails, rail_ways = ways_of(prepared.layers["railways"], RAIL, {"railway": "rail", "usage": "main"})
    places = [
        (2 * RAIL + i, float(p.x), float(p.y), {"place": "town", "name": str(n), "population": str(k)})
        for i, (p, n, k) in enumerate(
            zip(*(prepared.layers["settlements"][c] for c in ("geometry", "name", "population")), strict=True)
        )
    ]
    nodes = sorted({**roads, **rails}.values())
    write_pbf(folder / "belt.osm.pbf", [*nodes, *places], [*road_ways, *rail_ways], timestamp="2026-01-01T00:00:00Z")
    text = (
        'sides = ["RU", "KZ"]\n[osm]\npbf = ["belt.osm.pbf"]\n[layers]\nregions = "snapshot"\ncheckpoints = '
        '"snapshot"\n'
    )
    (folder / "study.toml").write_text(
        text + 'settlements = "snapshot"\n[network]\ndepth_km = 600\n[connectors]\nreach_more_km = 5\n',
        encoding="utf-8",
    )
    return folder / "study.toml"


def minutes(network: Network, mode: str, field: str) -> pd.DataFrame:
    """Return minutes between the large settlements of a network."""
    table = network.settlements[network.settlements["population"] >= 50_000]
    node = table["node"].to_numpy()
    names = table["settlement_id"].to_numpy()
    return pd.DataFrame(compile_router(network, mode).table(node, node, FIELDS[field]), names, names)  # type: ignore[arg-type]


def without_bridges(study: gis.Study) -> gis.Study:
    """Return a study that takes its data as they are: what is read is compared, not what is assumed."""
    return study.model_copy(update={"network": study.network.model_copy(update={"bridge_gaps": False})})


def test_the_belt_read_back_from_a_pbf_gives_the_same_times(prepared: gis.Prepared, study: Path) -> None:
    ground = gis.prepare(gis.load_study(study))
    assert ground.detailed
    layers = dict(prepared.layers)
    for name, first in (("roads", 0), ("railways", RAIL)):
        # A way ends at the last node inside the belt; the packaged layer keeps what touches it.
        read = {frozenset(p) for p in (ground.layers[name][["u", "v"]].to_numpy() - first - 1).tolist()}
        mine = [frozenset(p) in read for p in layers[name][["u", "v"]].to_numpy().tolist()]
        layers[name] = layers[name][mine].reset_index(drop=True)
        assert len(ground.layers[name]) == len(layers[name]) > 5000
    # In extracts an end of a road is an end and lengths are OpenStreetMap's own: so they must be on the packaged side
    # too.
    files = {n: LayerSource(path=f"{n}.gpkg") for n in ("roads", "railways")}
    own = without_bridges(prepared.study).model_copy(update={"layers": prepared.study.layers.model_copy(update=files)})
    ours = gis.build(replace(prepared, study=own, layers=layers))
    theirs = gis.build(
        replace(
            ground,
            study=without_bridges(ground.study),
            layers={**ground.layers, "settlements": layers["settlements"]},
        )
    )
    assert theirs.report["links"]["road"] < ours.report["links"]["road"]
    for mode in ("road", "rail"):
        for field in FIELDS:
            one, two = minutes(ours, mode, field), minutes(theirs, mode, field)
            assert np.isfinite(one.to_numpy()).sum() > 1000
            # Where a place joins a link is found in the plane: on a contracted line some metres beside the same spot.
            np.testing.assert_allclose(one, two, rtol=1e-5, atol=0.05)


def test_sources_tell_the_extract_its_hash_and_timestamp(study: Path) -> None:
    ground = gis.prepare(gis.load_study(study))
    roads = next(s for s in ground.sources if s["layer"] == "roads")
    assert "belt.osm.pbf" in roads["source"]
    assert roads["date"].startswith("2026-01-01")
    assert len(roads["sha256"]) == 64
    assert roads["licence"] == "ODbL-1.0"
    told = [w for w in ground.warnings if "OpenStreetMap" in w]
    assert any("ways cut" in w for w in told)


def test_settlements_come_from_places(prepared: gis.Prepared, study: Path, tmp_path: Path) -> None:
    file = study.with_name("places.toml")
    text = study.read_text(encoding="utf-8")
    for layer in ("settlements", "checkpoints"):
        text = text.replace(f'{layer} = "snapshot"\n', "")
    file.write_text(text, encoding="utf-8")
    ground = gis.prepare(gis.load_study(file))
    assert any("51 known facts without a mapped post" in w for w in ground.warnings)
    assert sorted(ground.layers["checkpoints"]["checkpoint_id"]) == sorted(
        prepared.layers["checkpoints"]["checkpoint_id"]
    )
    read = ground.layers["settlements"]
    known = prepared.layers["settlements"]
    # Places of neither country, off a generalised coast or line, are nobody's; no other is lost.
    assert len(known) - 10 <= len(read)
    cities = known[known["population"] >= 200_000].set_index("name")["population"]
    found = read[read["population"] >= 200_000].set_index("name")["population"]
    assert found.reindex(cities.index).tolist() == cities.tolist()


def test_an_extract_without_the_boundaries_asks_for_a_file(study: Path) -> None:
    file = study.with_name("bare.toml")
    file.write_text('sides = ["RU", "KZ"]\n[osm]\npbf = ["belt.osm.pbf"]\n', encoding="utf-8")
    with pytest.raises(LayerError, match="no whole boundary of KZ and RU"):
        gis.prepare(gis.load_study(file))


def test_a_layer_of_extracts_needs_an_extract(tmp_path: Path) -> None:
    file = tmp_path / "s.toml"
    file.write_text('sides = ["RU", "KZ"]\n[layers]\nroads = "osm"\n', encoding="utf-8")
    with pytest.raises(StudyError, match="names no extract"):
        gis.load_study(file)


def test_a_missing_extract_is_named(tmp_path: Path) -> None:
    file = tmp_path / "s.toml"
    file.write_text('sides = ["RU", "KZ"]\n[osm]\npbf = ["nowhere.osm.pbf"]\n', encoding="utf-8")
    done = call("run", file, cwd=tmp_path)
    assert done.returncode == 2
    assert "nowhere.osm.pbf" in done.stderr


def test_an_extract_is_the_one_that_the_study_names(study: Path, tmp_path: Path) -> None:
    text = study.read_text(encoding="utf-8")
    name = gis.load_study(study).osm.pbf[0]
    digest = sha256(Path(name).read_bytes()).hexdigest()
    own = tmp_path / "named.toml"

    def named(value: str, key: str = name) -> Path:
        own.write_text(
            text.replace(
                text[text.index("pbf = ") :].split("\n")[0], f'pbf = [{name!r}]\nsha256 = {{ {key!r} = "{value}" }}'
            ),
            "utf-8",
        )
        return own

    assert locate_extracts(gis.load_study(named(digest.upper())))[0].path == Path(name)
    other = "0" * 64
    with pytest.raises(LayerError, match=f"has the sha256 {digest}, the study names {other}"):
        locate_extracts(gis.load_study(named(other)))
    with pytest.raises(StudyError, match="64 hexadecimal digits"):
        gis.load_study(named("abc"))
    with pytest.raises(StudyError, match=r"which osm\.pbf does not"):
        gis.load_study(named(digest, "other.osm.pbf"))


def test_offline_names_what_is_missing_and_fetch_tells_local_files(study: Path, tmp_path: Path) -> None:
    file = tmp_path / "s.toml"
    file.write_text('sides = ["RU", "KZ"]\n[osm]\npbf = ["kazakhstan"]\n', encoding="utf-8")
    done = call("run", file, "--offline", "--cache", tmp_path / "cache", cwd=tmp_path)
    assert done.returncode == 2
    assert "offline" in done.stderr
    assert not (tmp_path / "out").exists()
    told = call("fetch", study, "--cache", tmp_path / "cache", cwd=tmp_path)
    assert told.returncode == 0
    assert "belt.osm.pbf" in told.stdout
    listed = call("cache", "list", "--cache", tmp_path / "cache", cwd=tmp_path)
    assert "0 files" in listed.stdout


LIECHTENSTEIN = ROOT.parent / "shared" / "data" / "osm" / "liechtenstein-2015.osm.pbf"


@pytest.mark.shared
@pytest.mark.skipif(not LIECHTENSTEIN.exists(), reason="the shared extracts are not beside the repository")
def test_a_real_extract_end_to_end(tmp_path: Path) -> None:
    """Liechtenstein from OpenStreetMap, its eastern neighbour drawn by hand: the extract cuts Austria off."""
    from layers.sources.pbf.read import read_regions

    land = read_regions([LIECHTENSTEIN])[0].geometry.iloc[0]
    around = shapely.difference(shapely.buffer(land, 0.1), land)
    east = shapely.intersection(around, shapely.box(9.53, 47.1, 9.9, 47.5))
    table = {"region": ["LI-0", "AT-8"], "name": ["Liechtenstein", "drawn"], "country": ["LI", "AT"]}
    gpd.GeoDataFrame(table, geometry=[land, east], crs=4326).to_file(tmp_path / "regions.gpkg")
    (tmp_path / "study.toml").write_text(
        f'sides = ["LI", "AT"]\n[osm]\npbf = ["{LIECHTENSTEIN}"]\n[layers]\nregions = "regions.gpkg"\n'
        "[network]\ndepth_km = 30\nline_tolerance_km = 0.2\n[connectors]\nsettlement_km = 3\npoint_km = 3\n"
        "[analysis]\ndepth_km = 12\nh3_resolution = 7\nsegment_km = 2\nraster_km = 0.5\npermutations = 99\n",
        encoding="utf-8",
    )
    done = call("run", "study.toml", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    told = json.loads((tmp_path / "out" / "run.json").read_text(encoding="utf-8"))
    assert told["network"]["links_before_contraction"] > told["network"]["links"]["road"] > 50
    assert told["counts"]["settlements"] == 19
    (roads,) = [i for i in told["inputs"] if i["layer"] == "roads"]
    assert roads["date"].startswith("2015-10-07")
    table = pd.read_csv(tmp_path / "out" / "tables" / "checkpoints.csv")
    assert table["name"].tolist() == ["Schaanwald – Feldkirch"]
    assert (tmp_path / "out" / "map.html").is_file()
