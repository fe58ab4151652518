"""Places, their stability, chance and association: what must hold between the numbers of a run."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from tests.gis.chapters.helpers import table, warnings_of


def test_lists_are_ranked_and_hold_their_ranges(either: Path) -> None:
    cells = table(either, "cells").set_index("cell")
    for name, effect, column in (("growth", "growth{}", "growth"), ("bottlenecks", "excess{}_min", "excess_min")):
        rows = table(either, name)
        low, high, least, most = (rows[effect.format(f"_{w}")] for w in ("low", "high", "least", "most"))
        value = rows[effect.format("")]
        np.testing.assert_allclose(value, cells.loc[rows["cell"], column], rtol=1e-6)
        assert (least <= low + 1e-9).all() and (low <= high + 1e-9).all() and (high <= most + 1e-9).all()
        assert value.between(least - 1e-9, most + 1e-9).all()
        assert (rows["rank_low"] <= rows["rank_high"]).all()
        assert (rows["steady"] == (rows["leading_share"] >= 0.9)).all()
        assert (rows["flag"] == cells.loc[rows["cell"], f"{name.rstrip('s')}_flag"].to_numpy()).all()
        assert (rows["place"] == cells.loc[rows["cell"], "place"].to_numpy()).all()
    growth, narrow = table(either, "growth"), table(either, "bottlenecks")
    assert growth["growth"].is_monotonic_decreasing and (growth["growth"] > 1).all()
    assert narrow["person_minutes"].is_monotonic_decreasing and (narrow["excess_low_min"] > 0).all()
    assert (narrow["excess_sd"] >= 1.64).all()
    # A place is advised one thing.
    both = set(growth["cell"]) & set(narrow["cell"])
    said = [dict(zip(t["cell"], t["advice"], strict=True)) for t in (growth, narrow)]
    assert all(said[0][c] == said[1][c] for c in both)


def test_definitions_count_what_they_pass(either: Path) -> None:
    rows = table(either, "growth_definitions")
    names = ["passes_time", "passes_contiguity", "passes_ratio", "passes_segment"]
    assert (rows["passes"] == rows[names].sum(axis=1)).all()
    assert (rows["population"] > 0).all()


def test_gaps_are_far_and_poor_beside_their_own_side(either: Path) -> None:
    found = table(either, "outliers")
    gaps = found[found["label"] == "isolated gap (candidate)"]
    assert (gaps["time_to_checkpoint_min"] > 60).all()
    assert (gaps["ratio"] < 1).all()
    assert (found["q"] <= 0.05).all()


def test_stability_is_a_share(either: Path) -> None:
    told = table(either, "stability")
    assert set(told["alternative"]) == {"contiguity", "6 nearest neighbours", "network time without wait"}
    assert (told["kept"] <= told["units"]).all()
    some = told[told["units"] > 0]
    np.testing.assert_allclose(some["kept_share"], some["kept"] / some["units"], rtol=1e-7)
    cells = table(either, "cells")
    assert cells["stability"].dropna().between(0, 1).all()
    # A cell without an effect has nothing to keep.
    assert cells.loc[cells["growth"].isna(), "stability"].isna().all()
    # Each cell is asked as often as there are alternatives, so that its share is a number of thirds.
    thirds = cells["stability"].dropna() * 3
    np.testing.assert_allclose(thirds, thirds.round(), atol=1e-6)


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
