"""What a project holds beside its layers.

Themes, bookmarks, forms, map tips, a sheet to print and an atlas, as real QGIS reads them.
"""

import json
import subprocess
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyproj
import pytest

from maps.contents import Contents
from maps.qgis.forms import FIRST, alias, form_elements, map_tip
from maps.qgis.layout import fitted
from maps.qgis.project import write_geopackage, write_project
from maps.qgis.scales import range_of
from maps.qgis.themes import themes_of
from maps.qgis.views import stable_id
from maps.styles.layers import run_styles, scenario_styles
from tests.maps import frames as synthetic

STYLES = run_styles()
BY_KEY = {style.key: style for style in STYLES}
ALBERS = pyproj.CRS.from_wkt(pyproj.CRS.from_user_input(synthetic.CRS).to_wkt())
PRINT = Path(__file__).parents[1] / "clients" / "print_project.py"


def test_a_theme_is_there_where_its_own_layer_is():
    themes = themes_of([s.key for s in STYLES])
    assert list(themes) == ["Finding", "Bottlenecks", "Access", "Network"]
    assert themes["Access"][-1] == "regions"
    assert "cells_time" in themes["Access"]
    assert "cells" not in themes["Access"]
    assert list(themes_of([s.key for s in scenario_styles()])) == [
        "Scenario",
        "Scenario: access before",
        "Scenario: access after",
    ]
    assert themes_of(["roads"]) == {}


def test_every_column_of_a_form_stands_once():
    columns = [str(c) for c in synthetic.cells() if c != "geometry"]
    form = next(e for e in form_elements(BY_KEY["cells"], columns) if e.tag == "attributeEditorForm")
    fields = [f.get("name") for f in form.iter("attributeEditorField")]
    assert sorted(fields) == sorted(columns)
    first = form.find("attributeEditorContainer")
    assert first.get("name") == FIRST
    assert [f.get("name") for f in first] == [c for c in BY_KEY["cells"].fields if c in columns]


def test_an_alias_has_its_unit():
    assert alias(BY_KEY["cells"], "population") == BY_KEY["cells"].fields["population"]
    assert alias(BY_KEY["roads"], "speed_kph").endswith("(km/h)")
    assert alias(BY_KEY["roads"], "nobody_knows") == ""


def test_a_map_tip_quotes_what_would_end_it():
    assert "''" in map_tip(BY_KEY["checkpoints"], []) or "'" not in map_tip(BY_KEY["checkpoints"], [])
    tip = map_tip(replace(BY_KEY["roads"], fields={"x": "it's <b>"}), ["x"])
    assert "it''s &lt;b&gt;" in tip


@pytest.mark.parametrize("box", [(0, 0, 400, 190), (0, 0, 192, 160)])
@pytest.mark.parametrize("extent", [(-1e6, -2e5, 1e6, 3e5), (0, 0, 10, 5000)])
def test_an_extent_gets_the_proportions_of_the_paper_and_holds_what_it_held(extent, box):
    west, south, east, north = fitted(extent, box)
    assert (east - west) / (north - south) == pytest.approx(box[2] / box[3])
    assert west <= extent[0] <= extent[2] <= east
    assert south <= extent[1] <= extent[3] <= north


def test_ids_hang_on_words_alone():
    assert stable_id("a", "b") == stable_id("a", "b") != stable_id("a", "c")


def test_a_state_of_a_scenario_has_the_scales_of_its_table():
    after = next(s for s in scenario_styles() if s.key == "checkpoints_after")
    assert range_of(after) == range_of(BY_KEY["checkpoints"])


@pytest.fixture(scope="module")
def printed(tmp_path_factory):
    """Return what QGIS says of a project of made-up tables, and the folder of its pictures."""
    folder, frames = tmp_path_factory.mktemp("sheet"), synthetic.tables()
    contents = Contents(
        title="Россия – Қазақстан",
        subtitle="as [% made up %]",
        layers=frames,
        styles=STYLES,
        crs=ALBERS,
        findings=["One."],
    )
    write_geopackage(folder / "border.gpkg", contents)
    write_project(folder / "border.qgz", contents, extent=(-1_400_000.0, -600_000.0, 1_500_000.0, 700_000.0))
    done = subprocess.run(
        ["/usr/bin/python3", str(PRINT), str(folder / "border.qgz"), str(folder)],
        capture_output=True,
        text=True,
        timeout=180,
    )
    if done.returncode == 77 or not Path("/usr/bin/python3").exists():
        pytest.skip("no PyQGIS (Debian: python3-qgis qgis-providers)")
    facts = json.loads(done.stdout)
    assert done.returncode == 0, facts["problems"]
    return facts, folder, frames


@pytest.mark.qgis
class TestInQgis:
    def test_themes_and_bookmarks(self, printed):
        facts, _, frames = printed
        assert set(facts["themes"]) == set(themes_of([s.key for s in STYLES]))
        names = {s.title for s in STYLES if s.key in themes_of([s.key for s in STYLES])["Finding"]}
        assert set(facts["themes"]["Finding"]) == names
        assert ["Border", "Россия – Қазақстан"] in facts["bookmarks"]
        assert {n for g, n in facts["bookmarks"] if g == "Regions"} == set(frames["regions"]["name"])

    def test_what_is_printed(self, printed):
        facts, folder, frames = printed
        sheet, atlas = facts["layouts"]["Map of the border"], facts["layouts"]["Atlas of the regions"]
        for items in (sheet["items"], atlas["items"]):
            assert {"title", "map", "legend", "scale bar", "sources"} <= set(items)
        assert atlas["pages"] == sorted(frames["regions"]["name"])
        assert atlas["pages"][0] in atlas["texts"]
        assert any("OpenStreetMap" in text and "ODbL-1.0" in text for text in atlas["texts"])
        assert {p.name for p in folder.glob("*.png")} == {"sheet.png", "atlas-0.png", "atlas-1.png", "atlas-2.png"}

    def test_pictures_are_of_something(self, printed):
        from matplotlib.image import imread

        _, folder, _ = printed
        for name in ("sheet.png", "atlas-0.png"):
            picture = imread(folder / name)[:, :, :3]
            assert len(np.unique((picture * 255).astype(int).reshape(-1, 3), axis=0)) > 50

    def test_forms_tables_and_tips(self, printed):
        facts, _, frames = printed
        cells = facts["layers"][BY_KEY["cells"].title]
        assert sorted(c for tab in cells["tabs"].values() for c in tab) == sorted(
            c for c in frames["cells"] if c != "geometry"
        )
        assert next(iter(cells["tabs"])) == FIRST
        assert cells["shown"] == [c for c in BY_KEY["cells"].fields if c in frames["cells"]]
        assert cells["abstract"]
        checkpoint = facts["layers"]["Checkpoints"]
        assert f"<b>{frames['checkpoints']['name'].iloc[0]}</b>" in checkpoint["tip"]
        assert "[%" not in checkpoint["tip"]

    def test_scales(self, printed):
        facts, _, _ = printed
        assert facts["layers"]["Crossings"]["scale"] == range_of(BY_KEY["crossings"]).drawn
        assert facts["layers"]["Roads"]["scale"] == 0
