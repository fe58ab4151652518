"""A study's water: read, kept, and drawn; refused where it is none."""

from __future__ import annotations

from typing import TYPE_CHECKING

import geopandas as gpd
import pytest
import shapely

import gis
from gis.inputs import prepare
from gis.stages import build
from gis.study import load_study
from layers.crs import WGS84
from layers.errors import LayerError
from layers.io import Source
from layers.water import read_water, sea_line
from tests.borders import random_land

if TYPE_CHECKING:
    from pathlib import Path

WHOLE = shapely.box(-180, -90, 180, 90)


def study_with(folder: Path, water: gpd.GeoDataFrame | None) -> Path:
    land = random_land(3)
    lines = [f'sides = ["{land.countries[0]}", "{land.countries[1]}"]', "[layers]"]
    for name in ("regions", "roads", "railways", "settlements", "checkpoints"):
        getattr(land, name).to_file(folder / f"{name}.gpkg", layer=name)
        lines.append(f'{name} = "{name}.gpkg"')
    if water is not None:
        water.to_file(folder / "lakes.gpkg", layer="lakes")
        lines.append('water = { path = "lakes.gpkg", rights = "© Lakes" }')
    (folder / "study.toml").write_text("\n".join([*lines, "[analysis]", "permutations = 199"]), encoding="utf-8")
    return folder / "study.toml"


def lake() -> shapely.Geometry:
    """Return a lake of some kilometres around the first settlement, with the settlement on an island."""
    spot = random_land(3).settlements.geometry.iloc[0]
    return shapely.difference(shapely.buffer(spot, 0.06), shapely.buffer(spot, 0.02))


def test_a_lake_around_a_place_leaves_it_without_a_connector(tmp_path: Path) -> None:
    (tmp_path / "dry").mkdir()
    (tmp_path / "wet").mkdir()
    frame = gpd.GeoDataFrame({"name": ["Lake"]}, geometry=[lake()], crs=WGS84)
    dry = prepare(load_study(study_with(tmp_path / "dry", None)))
    wet = prepare(load_study(study_with(tmp_path / "wet", frame)))
    assert dry.water is None
    assert wet.water is not None
    assert len(wet.water) == 1
    row = next(r for r in wet.sources if r["layer"] == "water")
    assert (row["rows"], row["rights"], len(row["sha256"])) == (1, "© Lakes", 64)
    without, within = build(dry).settlements, build(wet).settlements
    assert without["snap_km"].iloc[0] > 2.3  # the road is beyond the island's shore
    assert within["snap_km"].isna().iloc[0]
    assert (within["snap_km"].iloc[1:] == without["snap_km"].iloc[1:]).mean() > 0.5


def test_a_run_draws_its_water(tmp_path: Path) -> None:
    frame = gpd.GeoDataFrame(geometry=[lake()], crs=WGS84)
    result = gis.solve(study_with(tmp_path, frame))
    contents = result.contents("en")
    keys = [style.key for style in contents.styles]
    assert keys.index("water") + 1 == keys.index("regions")
    assert "sea_line" not in keys
    drawn = next(style for style in contents.styles if style.key == "water")
    assert drawn.rights == "© Lakes"
    assert contents.layers["water"]["area_km2"].iloc[0] > 1


def test_the_packaged_water_lies_in_its_belt_and_is_a_square_kilometre_at_least() -> None:
    frame, row = read_water(Source("snapshot"), WHOLE)
    assert row["licence"] == "ODbL-1.0"
    assert len(frame) > 4000
    assert frame.geometry.is_valid.all()
    km2 = frame.to_crs(6933).area / 1e6
    # Rounding to 0.00001° parts three at their narrowest.
    assert (km2 > 0.97).sum() >= len(frame) - 3
    # Chany, Zaysan, Kulunda, the Caspian.
    for lon, lat in ((77.5, 54.8), (84.0, 48.0), (79.6, 53.0), (50.5, 45.5)):
        assert frame.geometry.intersects(shapely.Point(lon, lat)).any(), (lon, lat)


def test_the_part_of_the_line_in_the_sea_is_drawn_apart() -> None:
    line = sea_line(Source("snapshot"))
    assert line is not None
    assert line["length_km"].sum() == pytest.approx(54.3, abs=0.5)
    assert sea_line(Source("own.gpkg")) is None


def test_what_is_no_area_is_no_water(tmp_path: Path) -> None:
    path = tmp_path / "rivers.gpkg"
    gpd.GeoDataFrame(geometry=[shapely.LineString([(60, 50), (61, 51)])], crs=WGS84).to_file(path)
    with pytest.raises(LayerError, match=r"water \(rivers.gpkg\) holds no polygons"):
        read_water(Source(str(path)), WHOLE)
