"""Isochrones, drawings and the report of a run; the same seed gives the same bytes; railways alone."""

from __future__ import annotations

import dataclasses
import os
import re
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import geopandas as gpd
import numpy as np
import pytest

import gis
from layers.errors import StudyError
from maps.styles.edges import EDGES
from maps.styles.thematic import chapter_styles
from maps.styles.water import with_water
from maps.web.packing import class_index
from maps.web.views import is_constant
from tests.borders import random_land
from tests.gis.chapters.helpers import CHAPTERS, table
from tests.gis.conftest import ROOT
from tests.maps.pages import packed
from tests.maps.test_report import Page

if TYPE_CHECKING:
    from collections.abc import Callable

    from maps.styles.classes import LayerStyle


def test_isochrones_of_a_run_are_nested_and_the_nearer_come_later(full: Path) -> None:
    found = gpd.read_file(full / "border.gpkg", layer="isochrones")
    assert found["minutes"].tolist() == sorted(found["minutes"], reverse=True)
    assert set(found["within"]) == {"60", "120"}
    assert found["place"].nunique() == 3
    assert found["place"].str.startswith("Petukhovo").any()
    for _, rows in found.groupby("place"):
        wide, near = rows.to_crs("+proj=aea +lat_1=49.5 +lat_2=54.5 +lat_0=52 +lon_0=67").geometry
        assert near.difference(wide).area < 1e-3 * near.area
        assert rows["people"].iloc[0] >= rows["people"].iloc[1]
        np.testing.assert_allclose(rows["area_km2"], rows["area_a_km2"] + rows["area_b_km2"])
    # The posts of a checkpoint are its doors: it reaches both sides without a wait.
    gate = found[found["place"].str.startswith("Petukhovo")]
    assert (gate[["area_a_km2", "area_b_km2"]] > 0).all(axis=None)


@cache
def drawings(folder: Path) -> list[tuple[LayerStyle, gpd.GeoDataFrame]]:
    """Return the drawings of a run with the tables of its GeoPackage."""
    listed = gpd.list_layers(folder / "border.gpkg")
    names = listed.loc[listed["geometry_type"].notna(), "name"]
    frames = {name: gpd.read_file(folder / "border.gpkg", layer=name) for name in names}
    styles = chapter_styles(
        frames,
        lost_potential=frames["cells"]["lost_potential"].to_numpy(float),
        minutes=(60, 120),
        types=sorted(frames["regions"]["type"].dropna().unique()),
        places=[("hospital", "")] if "hospital" in frames else [],
        columns={name: list(frame.columns) for name, frame in frames.items()},
    )
    drawn = [*with_water(styles, frames), *(style for style in EDGES if style.layer in frames)]
    return [(style, frames[style.layer]) for style in drawn]


def test_every_layer_of_a_run_is_drawn_and_drawings_differ(either: Path) -> None:
    drawn = drawings(either)
    listed = gpd.list_layers(either / "border.gpkg")
    assert {style.layer for style, _ in drawn} == set(listed.loc[listed["geometry_type"].notna(), "name"])
    keys = [style.key for style, _ in drawn]
    assert len(keys) == len(set(keys))
    assert len({style.title for style, _ in drawn}) == len(drawn)
    config, _ = packed((either / "map.html").read_text(encoding="utf-8"))
    shown = [style["key"] for style in config["styles"]]
    assert [key for key in shown if key != "finding"] == [key for key in keys if key in shown]
    apart = {"places", *(style.layer for style in EDGES)}  # drawn as the finding, and for network tools alone
    left = [(style, frame) for style, frame in drawn if style.key not in shown and style.layer not in apart]
    assert all(is_constant(style, class_index(style, frame)) for style, frame in left if len(frame))


def test_every_drawing_finds_its_columns(either: Path) -> None:
    for style, frame in drawings(either):
        if style.column:
            assert style.column in frame.columns, style.key
        if style.name_column:
            assert style.name_column in frame.columns, style.key
        absent = set(style.fields) - set(frame.columns)
        # What only detailed data tell of their links is shown where it is told.
        # Lengths are corrected where the source straightens, which no railway of it does.
        detailed = (
            {"surface", "toll", "gauge", "current", "osm_ids", "length_factor"}
            if style.key in ("roads", "railways")
            else set()
        )
        assert absent <= detailed, (style.key, absent)


def test_classes_cover_all_values(either: Path) -> None:
    for style, frame in drawings(either):
        if style.kind == "single":
            continue
        values = frame[style.column].dropna()
        if style.kind == "categorized":
            assert set(values.astype(str)) <= {c.value for c in style.classes}, style.key
            continue
        inside = sum(((values >= c.lower) & (values < c.upper)).astype(int) for c in style.classes)
        assert (inside == 1).all(), (style.key, values[inside != 1].tolist())


def test_the_report_holds_every_chapter_and_its_tables(either: Path) -> None:
    page = Page((either / "report.html").read_text(encoding="utf-8"))
    # A border without ranked places has no chapter on them.
    chapters = {k: v for k, v in CHAPTERS.items() if k != "places" or "places" in page.ids}
    assert [h for h in page.headings if h in CHAPTERS.values()] == list(chapters.values())
    assert set(chapters) <= set(page.ids)
    assert {f"#{key}" for key in chapters} <= set(page.links)
    assert len(page.ids) == len(set(page.ids))
    facing = page.table("Regions that face each other, longest border first")
    pairs = table(either, "region_pairs")
    assert facing["Border (km)"].str.replace(",", "").astype(float).tolist() == pytest.approx(
        pairs["border_km"].head(10).tolist(), abs=0.6
    )
    names = table(either, "checkpoints").set_index("checkpoint_id")["name"]
    # Ids are for machines: people read names.
    text = (either / "report.html").read_text(encoding="utf-8")
    tables = "".join(re.findall(r"<td.*?</td>", text))
    shown = [i for i in names.index if f">{i}<" in tables]
    assert not shown


def test_the_same_seed_gives_the_same_bytes(study_folder: Path, full: Path) -> None:
    env = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONHASHSEED": "12345"}
    script = "import gis; gis.run('study.toml', out='again')"
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=study_folder, env=env, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    names = sorted(p.name for p in (full / "tables").iterdir())
    assert len(names) > 40
    again = study_folder / "again"
    assert names == sorted(p.name for p in (again / "tables").iterdir())
    for name in [*(f"tables/{n}" for n in names), "map.html", "border.gpkg"]:
        assert (full / name).read_bytes() == (again / name).read_bytes(), name


def test_no_table_of_a_run_can_be_the_name_of_a_layer(out: Path, full: Path, tmp_path: Path) -> None:
    names = {p.stem for folder in (out, full) for p in (folder / "tables").iterdir()}
    names |= set(gpd.list_layers(full / "border.gpkg")["name"])
    config, _ = packed((full / "map.html").read_text(encoding="utf-8"))
    names |= {style["key"] for style in config["styles"]}
    own = {n for n in names if n.startswith("hospital")}
    assert len(own) == 4
    file = tmp_path / "s.toml"
    for name in names - own:
        file.write_text(f'sides = ["RU", "KZ"]\n[reach.layers]\n{name} = "x.gpkg"\n', encoding="utf-8")
        with pytest.raises(StudyError, match="can't name a layer"):
            gis.load_study(file)


@pytest.mark.parametrize("seed", [13])
def test_a_border_with_railways_alone_runs(study_of: Callable[..., Path], tmp_path: Path, seed: int) -> None:
    more = '[analysis]\nmode = "rail"\nh3_resolution = 5\nraster_km = 10\npermutations = 99\n[trips]\nper_day = 100\n'
    land = random_land(seed)
    land = dataclasses.replace(
        land, settlements=land.settlements.assign(population=land.settlements["population"] + 1000)
    )
    file = study_of(land, layers={"roads": "none"}, more=more)
    told = gis.run(file, out=tmp_path / "out")
    assert any("no roads" in w for w in told["warnings"])
    assert any("no trips across the border could be modelled" in w for w in told["warnings"])
