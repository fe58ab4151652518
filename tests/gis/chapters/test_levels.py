"""The index of regions, their ranks, types and groups: what must hold between the numbers of a run."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path
from typing import TYPE_CHECKING

import geopandas as gpd
import numpy as np
import pytest

from gis.chapters.levels import levels_chapter
from gis.settings import Types
from tests.gis.chapters.helpers import LEVELS, NAMES, legend, table, warnings_of

if TYPE_CHECKING:
    from gis.inputs import Prepared
    from gis.measures import Measures
    from network.build import Network


def test_the_index_lies_between_0_and_1(either: Path) -> None:
    index = table(either, "index")
    assert index["index"].dropna().between(0, 1).all()
    for level in LEVELS:
        assert index[f"{level}_score"].dropna().between(0, 1).all()
        off = index[f"{level}_status"] == "not assessed"
        assert index.loc[off, f"{level}_score"].isna().all()
        assert index.loc[~off, f"{level}_score"].notna().all()
        named = index["levels_assessed"].fillna("").str.contains(level.replace("_", " "))
        assert named.eq(~off).all()
    ranked = index.dropna(subset=["rank"]).sort_values("rank")
    assert (ranked["index"].diff().dropna() <= 1e-12).all()


def test_levels_without_data_are_not_assessed(out: Path, full: Path) -> None:
    packaged = table(out, "index")
    assert (packaged["levels_assessed"] == "transport").all()
    assert (packaged["joint_projects_status"] == "not assessed").all()
    assert "not assessed" in (out / "report.html").read_text(encoding="utf-8")
    assert any("joint projects and social services: not assessed" in w for w in warnings_of(out))
    index = table(full, "index").set_index("region")
    # Aktobe has no road over the line in this window, but its own projects and services.
    assert index.loc["KZ-15", "transport_status"] == "not assessed"
    assert index.loc["KZ-15", "joint_projects_status"] == "assessed"
    assert np.isnan(index.loc["KZ-15", "rank"])
    report = (full / "report.html").read_text(encoding="utf-8")
    assert not re.search(r"\bnan\b", report, re.IGNORECASE)


def test_the_interval_of_a_rank_holds_its_median(either: Path) -> None:
    ranks = table(either, "ranks")
    known = ranks.dropna(subset=["rank_median"])
    assert len(known) >= 6
    assert (known["rank_p5"] <= known["rank_median"]).all()
    assert (known["rank_median"] <= known["rank_p95"]).all()
    assert known["rank_p5"].min() >= 1
    assert known["rank_p95"].max() <= len(ranks)
    assert ranks["type_share"].dropna().between(0, 1).all()
    shares = table(either, "type_shares")
    told = shares.dropna().groupby("region")["share_of_runs"].sum()
    np.testing.assert_allclose(told, 1, atol=1e-9)
    layer = table(either, "regions").set_index("region")
    np.testing.assert_allclose(layer.loc[ranks["region"], "rank_median"], ranks["rank_median"])


def test_a_type_follows_from_its_two_axes(either: Path) -> None:
    types, regions = table(either, "types"), table(either, "regions").set_index("region")
    rows = types.dropna(subset=["potential", "permeability"])
    np.testing.assert_allclose(rows["potential"], regions.loc[rows["region"], "potential_cross_borderless"], rtol=1e-7)
    np.testing.assert_allclose(rows["permeability"], regions.loc[rows["region"], "border_loss"], rtol=1e-7)
    assert rows["potential_cut"].iloc[0] == pytest.approx(rows["potential"].median(), rel=1e-7)
    # Nine digits of a CSV leave a value on the cut on either side of it.
    much = (rows["potential"] >= rows["potential_cut"] * (1 - 1e-8)).map({True: "high", False: "low"})
    lets = (rows["permeability"] <= rows["permeability_cut"] * (1 + 1e-8)).map({True: "high", False: "low"})
    assert (much + "-" + lets).tolist() == rows["quadrant"].tolist()


def test_types_bear_the_names_of_the_study(full: Path) -> None:
    types = table(full, "types").set_index("region")
    wanted = types["quadrant"].map(NAMES).fillna("not assessed")
    assert types["type"].to_dict() == wanted.to_dict()
    assert len(set(wanted)) > 2
    regions = table(full, "regions").set_index("region")
    assert regions.loc[types.index, "type"].to_dict() == wanted.to_dict()
    layer = gpd.read_file(full / "border.gpkg", layer="regions").set_index("region")
    assert layer.loc[types.index, "type"].to_dict() == wanted.to_dict()
    page = (full / "map.html").read_text(encoding="utf-8")
    assert {c["label"] for c in legend(page, "regions_type")} == set(wanted)
    for text in (page, (full / "report.html").read_text(encoding="utf-8")):
        assert '<b id="harm">' not in text


def test_groups_bear_the_names_of_the_study(full: Path) -> None:
    groups = table(full, "groups")
    assert set(groups.loc[groups["group"] == 1, "name"]) == {"first of all"}
    assert set(groups.loc[groups["group"] == 2, "name"]) == {"type 2"}
    assert set(groups["contiguity"]) == {"open checkpoints", "plain"}
    assert set(groups["method"]) == {"skater", "ward"}
    assert (groups.dropna(subset=["group"]).groupby(["contiguity", "method"])["group"].nunique() == 3).all()
    assert not groups.duplicated(["contiguity", "method", "region"]).any()


def test_few_regions_are_not_ranked(ground: tuple[Prepared, Network, Measures]) -> None:
    prepared, network, measures = ground
    few = dataclasses.replace(measures, regions=measures.regions.iloc[:3].reset_index(drop=True))
    chapter = levels_chapter(prepared, network, few)
    assert not chapter.tables
    assert "too few for an index" in chapter.notes[0]


def test_a_type_has_one_colour_in_the_map_and_the_report(full: Path) -> None:
    classes = legend((full / "map.html").read_text(encoding="utf-8"), "regions_type")
    colors = {c["label"]: c["color"] for c in classes}
    assert len(set(colors.values())) == len(colors)
    report = (full / "report.html").read_text(encoding="utf-8")
    (svg,) = re.findall(r'<svg[^>]*aria-labelledby="quadrants-title".*?</svg>', report, re.S)
    drawn = set(table(full, "types").dropna(subset=["potential", "permeability"])["type"])
    for name, color in colors.items():
        assert (color in svg) == (name in drawn), name


def test_all_settings_of_types_reach_them(ground: tuple[Prepared, Network, Measures]) -> None:
    prepared, network, measures = ground
    types = Types(
        potential="population",
        permeability="rank_of_none",
        directions=(-1, 1),
        cuts={"potential": 1e6, "permeability": 2.0},
    )
    regions = measures.regions.assign(rank_of_none=np.arange(len(measures.regions), dtype=float))
    index = prepared.study.index.model_copy(update={"indicators": ""})
    study = prepared.study.model_copy(update={"types": types, "index": index})
    moved = dataclasses.replace(prepared, study=study)
    table = levels_chapter(moved, network, dataclasses.replace(measures, regions=regions)).tables["types"]
    assert (table["potential_cut"] == 1e6).all()
    few = np.where(regions["population"] <= 1e6, "high", "low")
    late = np.where(regions["rank_of_none"] >= 2, "high", "low")
    assert table["quadrant"].tolist() == [f"{a}-{b}" for a, b in zip(few, late, strict=True)]
