"""Places, their stability, chance and association: what must hold between the numbers of a run."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from tests.gis.chapters.helpers import table, warnings_of

if TYPE_CHECKING:
    pass


def test_places_face_regions_of_the_other_side(out: Path) -> None:
    places = table(out, "places")
    assert len(places) > 3
    for row in places.itertuples():
        own, other = {"a": ("RU-", "KZ-"), "b": ("KZ-", "RU-")}[row.side]
        assert all(code.startswith(own) for code in row.regions.split("|"))
        assert all(code.startswith(other) for code in row.facing.split("|"))
    cells = table(out, "cells")
    counted = places.groupby("label")["cells"].sum()
    assert counted.to_dict() == cells.loc[cells["label"].isin(counted.index), "label"].value_counts().to_dict()
    points = table(out, "checkpoints").set_index("checkpoint_id")["name"]
    for row in places.itertuples():
        assert [points[i] for i in row.checkpoints.split("|")] == row.checkpoint_names.split("|")


def test_outliers_differ_from_their_neighbours(out: Path) -> None:
    found, cells = table(out, "outliers"), table(out, "cells").set_index("cell")
    assert len(found) >= 1
    local = table(out, "local_statistics").query("variable == 'ratio' and statistic == 'moran'").set_index("cell")
    here = local.loc[found["cell"]]
    quadrant = found["label"].map({"isolated gap (candidate)": "LH", "isolated good crossing": "HL"})
    assert here["class"].tolist() == quadrant.tolist()
    assert (here["q"] <= 0.05).all()
    low = (quadrant == "LH").to_numpy()
    assert ((found["cross_ratio"] < found["around"]) == low).all()
    all_of_them = local[(local["q"] <= 0.05) & local["class"].isin(["LH", "HL"])]
    assert set(all_of_them.index) <= set(cells.index)
    assert set(found["cell"]) == set(all_of_them.index)


def test_stability_is_a_share(either: Path) -> None:
    told = table(either, "stability")
    assert set(told["alternative"]) == {"6 nearest neighbours", "network time with wait", "network time without wait"}
    assert (told["kept"] <= told["units"]).all()
    some = told[told["units"] > 0]
    np.testing.assert_allclose(some["kept_share"], some["kept"] / some["units"], rtol=1e-7)
    cells = table(either, "cells")
    assert cells["stability"].dropna().between(0, 1).all()
    # A cell that was not tested has no label to keep.
    assert cells.loc[cells["label"] == "no data", "stability"].isna().all()
    # Each cell is asked as often as there are alternatives, so that its share is a number of thirds.
    thirds = cells["stability"].dropna() * 3
    np.testing.assert_allclose(thirds, thirds.round(), atol=1e-6)
    places = table(either, "places")
    assert places["stability"].dropna().between(0, 1).all()


def test_chance_placements_are_held_against_what_is_there(full: Path) -> None:
    null, cells = table(full, "structural_null"), table(full, "cells").set_index("cell")
    assert (null["draws"] == 19).all()
    units = null[null["unit"] != "all"]
    # A cell that joins nothing has no place among the draws, though a gate of chance may stand beside it.
    assert set(units["unit"]) == set(cells.index[cells["potential_cross_borderless"].notna()])
    for name, rows in units.groupby("indicator"):
        # Near the border they may differ: a draw may open what nobody may pass.
        same = np.isclose(rows["observed"], cells.loc[rows["unit"], str(name)], rtol=1e-6, equal_nan=True)
        assert same.mean() > 0.7, name
    known = null.dropna(subset=["null_p05", "null_p95"])
    assert (known["null_p05"] <= known["null_median"] + 1e-9).all()
    assert (known["null_median"] <= known["null_p95"] + 1e-9).all()
    # 19 draws and the observed one: no p is below 1 in 20.
    assert null["p_worse"].dropna().between(1 / 20 - 1e-12, 1).all()


def test_a_null_that_can_not_be_drawn_says_so(out: Path) -> None:
    assert table(out, "structural_null").empty
    assert any("the structural null can't be drawn" in w for w in warnings_of(out))


def test_association_is_told_with_its_p(either: Path) -> None:
    rows = table(either, "association")
    assert {"Moran's I", "Geary's C"} <= set(rows["statistic"])
    assert rows["p_two_sided"].dropna().between(0, 1).all()
    tested = rows[~rows["note"].str.contains("not tested")]
    assert len(tested) > 5
    assert set(tested["permutations"]) == {999 if either.parent.name.startswith("packaged") else 99}
    assert tested["p_two_sided"].notna().all()
    assert rows.drop(index=tested.index)["p_two_sided"].isna().all()
