"""The packaged snapshot and its manifest."""

from __future__ import annotations

import csv
from collections import Counter
from hashlib import sha256
from pathlib import Path

import pyogrio
import pytest
import shapely

from layers.crs import WGS84, fit_equal_area, project
from layers.errors import LayerError
from layers.io import LAYERS, read_layer
from layers.sources.snapshot import SNAPSHOT, read_snapshot, snapshot_manifest

FACTS = Path(__file__).resolve().parents[3] / "shared" / "data" / "facts" / "checkpoints_ru_kz.csv"
MODES = {"road": 30, "rail": 20, "river": 1}


@pytest.mark.parametrize("name", LAYERS)
def test_each_layer_is_the_file_of_the_manifest(name: str) -> None:
    about = snapshot_manifest()["layers"][name]
    content = (SNAPSHOT / about["file"]).read_bytes()
    assert about["sha256"] == sha256(content).hexdigest()
    assert about["bytes"] == len(content)
    for said in ("source", "version", "date", "licence", "rights", "note"):
        assert about[said].strip()
    frame, row = read_layer(name)
    assert len(frame) == about["rows"]
    assert row == {"layer": name, **about}


def test_the_snapshot_is_small() -> None:
    assert sum(p.stat().st_size for p in SNAPSHOT.iterdir()) < 4_000_000
    assert {p.name for p in SNAPSHOT.iterdir()} == {f"{n}.parquet" for n in (*LAYERS, "sea_line", "water")} | {
        "manifest.json"
    }


def test_the_layers_cover_the_belt_of_the_border() -> None:
    for name in ("roads", "railways", "settlements"):
        west, south, east, north = read_layer(name)[0].total_bounds
        assert west < 47
        assert east > 87
        assert south < 47
        assert north > 55


def test_fifty_one_checkpoints_by_mode() -> None:
    frame, _ = read_layer("checkpoints")
    assert Counter(frame["mode"]) == MODES
    assert set(frame.loc[~frame["open"], "mode"]) <= {"rail"}
    assert not frame["region_a"].str.startswith("KZ").any()
    assert frame["region_a"].str.startswith("RU-").all()
    assert frame["region_b"].str.startswith("KZ-").all()


def test_the_regions_of_checkpoints_are_those_of_the_nearest_polygons() -> None:
    posts, regions = (read_layer(n)[0] for n in ("checkpoints", "regions"))
    crs = fit_equal_area(shapely.MultiPoint(posts.geometry.to_numpy()))
    places = project(posts.geometry.to_numpy(), WGS84, crs)
    for side, country in (("a", "RU"), ("b", "KZ")):
        own = regions[regions["country"] == country].reset_index(drop=True)
        away = shapely.distance(places[:, None], project(own.geometry.to_numpy(), WGS84, crs)[None])
        nearest = own["region"].to_numpy(dtype=object)[away.argmin(axis=1)]
        # The polygons are from before June 2022: Abai (KZ-10) lies in East Kazakhstan (KZ-63).
        stated = posts[f"region_{side}"].replace({"KZ-10": "KZ-63"}).to_numpy(dtype=object)
        wrong = posts["checkpoint_id"][nearest != stated]
        assert wrong.tolist() == []


@pytest.mark.shared
def test_the_checkpoints_are_those_of_the_registry() -> None:
    if not FACTS.is_file():
        pytest.skip("the shared table of facts is not beside the repository")
    with FACTS.open(encoding="utf-8", newline="") as file:
        facts = list(csv.DictReader(file))
    assert Counter(f["mode"] for f in facts) == MODES
    ours, _ = read_layer("checkpoints")

    def key(mode: str, name: str, is_open: bool, hours: str, lon: float, lat: float) -> tuple[object, ...]:
        return mode, name, is_open, hours, round(lon, 2), round(lat, 2)

    theirs = [
        key(f["mode"], f["name_ru_side"], f["open"] == "True", f["hours"], float(f["lon"]), float(f["lat"]))
        for f in facts
    ]
    mine = [
        key(mode, name.split(" – ")[0], is_open, hours, p.x, p.y)
        for mode, name, is_open, hours, p in zip(
            ours["mode"], ours["name_ru"], ours["open"], ours["hours"], ours.geometry, strict=True
        )
    ]
    assert sorted(map(str, mine)) == sorted(map(str, theirs))


def test_a_changed_file_is_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for path in SNAPSHOT.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    monkeypatch.setattr("layers.sources.snapshot.SNAPSHOT", tmp_path)
    content = bytearray((tmp_path / "regions.parquet").read_bytes())
    content[len(content) // 2] ^= 1
    (tmp_path / "regions.parquet").write_bytes(content)
    with pytest.raises(LayerError, match="missing or was changed"):
        read_snapshot("regions")
    (tmp_path / "roads.parquet").unlink()
    with pytest.raises(LayerError, match="missing or was changed"):
        read_snapshot("roads")
    assert len(read_snapshot("checkpoints")) == 51


def test_an_unknown_layer_is_refused() -> None:
    with pytest.raises(LayerError, match="no layer 'rivers'"):
        read_snapshot("rivers")
    with pytest.raises(LayerError, match=r"no layer is called 'rivers': allowed are regions"):
        read_layer("rivers")


def test_the_driver_that_reads_geopackages_is_there() -> None:
    assert "GPKG" in pyogrio.list_drivers(write=True)
