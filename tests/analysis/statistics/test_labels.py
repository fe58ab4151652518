"""What a cell is called, by tables made for each rule; and the places that cells make."""

from __future__ import annotations

from typing import Any

import geopandas as gpd
import h3
import numpy as np
import pandas as pd
import pytest
import shapely

from analysis.statistics.labels import (
    DELAY,
    DETOUR,
    GAP,
    GOOD,
    GROWTH,
    NEITHER,
    NO_DATA,
    isolated_outliers,
    label_cells,
    named_places,
    place_stability,
)
from tests.analysis.helpers import disk


def cell(**changes: Any) -> dict[str, Any]:
    """Return a cell that is nothing in particular."""
    out: dict[str, Any] = {
        "cross_ratio": 0.5, "lost_potential": 1234.0, "border_loss": 0.6, "loss_detour": 0.4, "loss_delay": 0.2,
        **{f"{v}_{c}": 0.9 for v in ("ratio", "lost") for c in ("moran_q", "g_q")},
        **{f"{v}_moran_quadrant": "LL" for v in ("ratio", "lost")},
        **{f"{v}_g_z": 0.1 for v in ("ratio", "lost")},
    }  # fmt: skip
    assert set(changes) <= set(out)
    return out | changes


def hot(what: str, q: float = 0.01, z: float = 3.0) -> dict[str, Any]:
    """Return the statistics of a hot cell, itself far above the others."""
    own = {"ratio": ("cross_ratio", 2.0), "lost": ("lost_potential", 5000.0)}[what]
    return {f"{what}_g_q": q, f"{what}_g_z": z, own[0]: own[1]}


RULES = [
    ("nothing", {}, NEITHER, False, False),
    ("G* hot in the ratio", hot("ratio"), GROWTH, True, False),
    ("G* cold in the ratio", hot("ratio", z=-3.0), NEITHER, False, False),
    ("poor among rich", hot("ratio") | {"cross_ratio": 0.1}, NEITHER, False, False),
    ("little lost among those who lose", hot("lost") | {"lost_potential": 9.0}, NEITHER, False, False),
    ("high among high", {"ratio_moran_q": 0.01, "ratio_moran_quadrant": "HH"}, GROWTH, True, False),
    ("low among high", {"ratio_moran_q": 0.01, "ratio_moran_quadrant": "LH"}, NEITHER, False, False),
    ("high among low", {"ratio_moran_q": 0.01, "ratio_moran_quadrant": "HL"}, NEITHER, False, False),
    ("at alpha itself", hot("ratio", 0.05), GROWTH, True, False),
    ("just above alpha", hot("ratio", 0.0501), NEITHER, False, False),
    ("lost, more by detour", hot("lost"), DETOUR, False, True),
    ("lost, more by delay", hot("lost") | {"loss_detour": 0.1, "loss_delay": 0.5}, DELAY, False, True),
    ("lost by moran", {"lost_moran_q": 0.01, "lost_moran_quadrant": "HH"}, DETOUR, False, True),
    ("cold in what is lost", hot("lost", z=-3.0), NEITHER, False, False),
    ("both, growth surer", hot("ratio", 0.01) | hot("lost", 0.02), GROWTH, True, True),
    ("both, bottleneck surer", hot("ratio", 0.02) | hot("lost", 0.01), DETOUR, True, True),
    ("both alike, growth stronger", hot("ratio", z=4.0) | hot("lost", z=3.0), GROWTH, True, True),
    ("both alike, bottleneck stronger", hot("ratio", z=3.0) | hot("lost", z=4.0), DETOUR, True, True),
    (
        "the smaller q of two statistics decides",
        hot("ratio", 0.03) | {"ratio_moran_q": 0.001, "ratio_moran_quadrant": "HH"} | hot("lost", 0.01, z=9.0),
        GROWTH,
        True,
        True,
    ),
    ("no data", {"lost_potential": np.nan, "cross_ratio": np.nan}, NO_DATA, False, False),
    ("never tested", {"ratio_g_q": np.nan, "ratio_g_z": np.nan, "ratio_moran_q": np.nan}, NEITHER, False, False),
]


@pytest.mark.parametrize(("changes", "label", "growth", "narrow"), [r[1:] for r in RULES], ids=[r[0] for r in RULES])
def test_the_rule(changes: dict[str, Any], label: str, growth: bool, narrow: bool) -> None:
    # Beside other cells, whose labels must not change.
    table = pd.DataFrame([cell(**hot("ratio")), cell(**changes), cell()], index=[4, 2, 7])
    found = label_cells(table)
    assert found.index.tolist() == [4, 2, 7]
    assert found["label"].tolist() == [GROWTH, label, NEITHER]
    assert found["is_growth_point"].tolist() == [True, growth, False]
    assert found["is_bottleneck"].tolist() == [False, narrow, False]
    assert (found["evidence"].iloc[1] == "") == (label in (NEITHER, NO_DATA))


def test_another_alpha_moves_the_cut() -> None:
    table = pd.DataFrame([cell(**hot("ratio", 0.03)), cell(**hot("lost", 0.005))])
    assert label_cells(table, alpha=0.01)["label"].tolist() == [NEITHER, DETOUR]


def test_untested_variables_label_nothing() -> None:
    table = pd.DataFrame([cell(**hot("lost"))])
    bare = table[[c for c in table if not c.startswith("lost_") or c == "lost_potential"]]
    found = label_cells(bare)
    assert found["label"].tolist() == [NEITHER]
    assert found["loss_q"].isna().all()


def test_the_evidence_holds_the_numbers() -> None:
    growth = cell(**(hot("ratio", 0.0123, 3.21) | {"cross_ratio": 1.234}))
    narrow = cell(
        **(
            hot("lost", 0.0042, 2.52)
            | {"lost_potential": 98_765.4, "border_loss": 0.71, "loss_detour": 0.52, "loss_delay": 0.19}
        )
    )
    one, two = label_cells(pd.DataFrame([growth, narrow]))["evidence"]
    for number in ("1.23", "3.2", "0.0123"):
        assert number in one
    for number in ("98,765", "71%", "detour 52%", "delay 19%", "2.5", "0.0042"):
        assert number in two


def cells_of(ids: list[str], label: list[str], **columns: Any) -> gpd.GeoDataFrame:
    centre = [h3.cell_to_latlng(c) for c in ids]
    table = {
        "cell": ids, "label": label, "lon": [c[1] for c in centre], "lat": [c[0] for c in centre],
        "side": "a", "region": "A1", "population": 10, "cross_ratio": 0.5, "lost_potential": 100.0,
        "nearest_checkpoint": "c0", "ratio_q": 0.01, "loss_q": 0.02,
    }  # fmt: skip
    return gpd.GeoDataFrame({**table, **columns}, geometry=shapely.points([c[::-1] for c in centre]), crs="EPSG:4326")


def towns_at(cells: list[str], names: list[str], population: list[int], side: str = "a") -> gpd.GeoDataFrame:
    xy = [h3.cell_to_latlng(c)[::-1] for c in cells]
    return gpd.GeoDataFrame(
        {"name": names, "population": population, "side": side}, geometry=shapely.points(xy), crs="EPSG:4326"
    )


HEART = h3.latlng_to_cell(50.0, 60.0, 4)
RING = sorted(h3.grid_ring(HEART, 1))
FAR = disk(0, lon=70.0)[0]


def test_neighbours_of_one_label_and_side_are_one_place() -> None:
    ids = [HEART, *RING, FAR]
    label = [GROWTH, GROWTH, GROWTH, DELAY, NEITHER, NO_DATA, GROWTH, GROWTH]
    side = ["a", "a", "a", "a", "a", "a", "b", "a"]
    found = named_places(cells_of(ids, label, side=side), towns_at([HEART, FAR], ["Heart", "Far"], [5, 6]))
    # Those of a, that beyond, and that far away.
    growth = found[found["label"] == GROWTH]
    assert sorted(growth["cells"]) == [1, 1, 3]
    assert growth["side"].value_counts().to_dict() == {"a": 2, "b": 1}
    assert found.loc[found["label"] == DELAY, "cells"].tolist() == [1]
    assert len(found) == 4


def test_a_place_that_hangs_together_by_a_third_cell() -> None:
    line = h3.grid_path_cells(RING[0], FAR)[:4]
    found = named_places(cells_of([line[i] for i in (0, 3, 1, 2)], [DETOUR] * 4), towns_at([FAR], ["Far"], [5]))
    assert found["cells"].tolist() == [4]


def test_a_place_sums_up_its_cells() -> None:
    table = cells_of(
        [HEART, RING[0]],
        [GROWTH, GROWTH],
        region=["A2", "A1"],
        population=[10, 25],
        cross_ratio=[0.4, 0.6],
        nearest_checkpoint=["c9", ""],
        ratio_q=[0.03, 0.01],
        loss_q=[0.001, 0.002],
    )
    towns = towns_at([HEART, HEART, RING[0], FAR], ["Hamlet", "Town", "Village", "City"], [0, 500, 90, 10**6])
    row = named_places(table, towns).iloc[0]
    assert row["place"] == "Town"
    assert row["regions"] == "A1|A2"
    assert (row["cells"], row["population"], row["checkpoints"]) == (2, 35, "c9")
    assert row["strength"] == pytest.approx(0.5)
    assert row["best_q"] == 0.01
    lost = named_places(table.assign(label=DELAY, lost_potential=[70.0, 30.0]), towns).iloc[0]
    assert lost["strength"] == pytest.approx(100.0)
    assert lost["best_q"] == 0.001


def test_a_place_without_a_town_takes_the_nearest_of_its_side() -> None:
    cells = cells_of([HEART], [GROWTH])
    beyond = h3.grid_path_cells(HEART, FAR)
    here = towns_at([beyond[3], beyond[5]], ["Near", "Large"], [5, 10**6])
    abroad = towns_at([HEART], ["Abroad"], [10**6], side="b")
    towns = pd.concat([here, abroad], ignore_index=True)
    assert named_places(cells, towns)["place"].tolist() == ["Near"]


def test_a_side_where_nobodys_number_is_known_has_a_place_without_a_name() -> None:
    cells = cells_of([HEART], [DELAY])
    found = named_places(cells, towns_at([HEART], ["Abroad"], [10**6], side="b"))
    assert found["place"].tolist() == [""]
    assert found["cells"].tolist() == [1]


def test_places_are_ranked_within_their_label() -> None:
    spots = [disk(0, lon=lon)[0] for lon in (60.0, 65.0, 70.0, 75.0, 80.0)]
    table = cells_of(
        spots,
        [DELAY, GROWTH, DELAY, GROWTH, DELAY],
        cross_ratio=[9.0, 0.2, 9.0, 0.7, 9.0],
        lost_potential=[5.0, 999.0, 50.0, 999.0, 500.0],
    )
    found = named_places(table, towns_at(spots, list("PQRST"), [1] * 5))
    assert found["place"].tolist() == ["T", "R", "P", "S", "Q"]
    assert found["label"].tolist() == [DELAY] * 3 + [GROWTH] * 2


def test_no_labelled_cell_makes_no_place() -> None:
    found = named_places(cells_of([HEART], [NEITHER]), towns_at([HEART], ["Heart"], [5]))
    assert found.empty
    assert "place" in found


def across(cells: list[str], label: list[str], side: list[str], **columns: Any) -> gpd.GeoDataFrame:
    """Return labelled cells of both sides with regions of their own."""
    return cells_of(cells, label, side=side, region=[f"{s.upper()}{i}" for i, s in enumerate(side)], **columns)


def test_a_place_faces_the_regions_of_the_nearest_cells_on_the_other_side() -> None:
    row = [h3.latlng_to_cell(50.0, 60.0 + 1.5 * k, 4) for k in range(5)]
    table = across(row, [GROWTH, NEITHER, NEITHER, NEITHER, DELAY], ["a", "a", "b", "b", "a"])
    found = named_places(table, towns_at(row[:1], ["T"], [5])).set_index("label")
    assert found.loc[GROWTH, "facing"] == "B2"
    assert found.loc[DELAY, "facing"] == "B3"
    alone = across(row[:2], [GROWTH, NEITHER], ["a", "a"])
    assert named_places(alone, towns_at(row[:1], ["T"], [5]))["facing"].tolist() == [""]


def test_names_of_checkpoints_and_stability_come_where_they_are_asked_for() -> None:
    ring = [HEART, *sorted(h3.grid_ring(HEART, 1))[:2]]
    table = cells_of(ring, [GROWTH] * 3, nearest_checkpoint=["c2", "c1", ""])
    towns = towns_at([HEART], ["T"], [5])
    assert not {"checkpoint_names", "stability"} & set(named_places(table, towns))
    other = {
        "kept by two": pd.Series([GROWTH, GROWTH, NEITHER], index=ring),
        "kept by one of two": pd.Series([GROWTH, NEITHER, NO_DATA], index=ring),
        "lost": pd.Series([GROWTH, NEITHER, NEITHER], index=ring),
        "unknown": pd.Series([NO_DATA, NO_DATA], index=ring[:2]),
    }
    found = named_places(table, towns, checkpoint_names={"c1": "First"}, alternatives=other).iloc[0]
    assert found["checkpoints"] == "c1|c2"
    assert found["checkpoint_names"] == "First|c2"
    assert found["stability"] == pytest.approx(2 / 3)
    assert np.isnan(place_stability(table, {"unknown": other["unknown"]}))


def test_isolated_outliers_are_ranked_with_their_neighbours() -> None:
    spots = [h3.latlng_to_cell(lat, 60.0, 4) for lat in (40.0, 45.0, 50.0, 55.0, 60.0)]
    rings = [sorted(h3.grid_ring(c, 1)) for c in spots]
    cells = [*spots, *(c for ring in rings for c in ring)]
    n = len(cells) - 5
    table = cells_of(
        cells,
        [NEITHER] * len(cells),
        cross_ratio=[0.1, 0.2, 3.0, 0.3, 4.0] + [2.0] * 12 + [0.4] * 6 + [2.0] * 6 + [0.5] * 6,
        ratio_moran_q=[0.02, 0.02, 0.03, 0.2, 0.01] + [0.001] * n,
        ratio_moran_quadrant=["LH", "LH", "HL", "LH", "HL"] + ["HH"] * n,
    )
    found = isolated_outliers(table, towns_at(spots, list("PQRST"), [5] * 5), checkpoint_names={"c0": "Post"})
    assert found["place"].tolist() == ["P", "Q", "T", "R"]
    assert found["label"].tolist() == [GAP] * 2 + [GOOD] * 2
    assert found["rank"].tolist() == [1, 2, 1, 2]
    assert found["cell"].tolist() == [spots[k] for k in (0, 1, 4, 2)]
    assert found["around"].tolist() == pytest.approx([2.0, 2.0, 0.5, 0.4])
    assert found["best_q"].tolist() == [0.02, 0.02, 0.01, 0.03]
    assert found["checkpoint_names"].tolist() == ["Post"] * 4
    assert isolated_outliers(table, towns_at(spots, list("PQRST"), [5] * 5), alpha=0.015)["place"].tolist() == ["T"]


def test_without_a_test_there_is_no_outlier() -> None:
    found = isolated_outliers(cells_of([HEART], [NEITHER]), towns_at([HEART], ["T"], [5]))
    assert found.empty
    assert {"label", "rank", "cell", "best_q"} <= set(found)
