"""Structural nulls: a draw equals a network opened that way; ranks are exact; a planted gap is found."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from analysis.reach.accessibility import Targets, potentials, time_to_checkpoint
from analysis.reach.decays import exponential
from analysis.statistics import null_draws, null_ground
from analysis.statistics.null_draws import Placements, indicators, redraw
from analysis.statistics.null_ground import PLACE, with_all_gates
from analysis.statistics.null_ranks import WORSE
from analysis.statistics.nulls import build_placements, segment_ends, structural_null
from analysis.units import border_segments
from layers.errors import NetworkError
from layers.keeping import Keeper, keeping, results
from network.build import Network
from network.edits import set_open, set_wait
from network.modes import Mode
from network.routing import compile_router
from tests.analysis.helpers import PLAIN, case, drawn_land, network_of

SEEDS = range(4)
HALF = exponential(120.0)


def measured(network: Network, units: pd.DataFrame, mode: Mode = "road") -> pd.DataFrame:
    """Return the indicators as a run measures them."""
    router = compile_router(network, mode)
    side = units["side"].to_numpy(dtype=object)
    points = router.attach(units[["lon", "lat"]].to_numpy(float), side, limit_km=network.limits.point_km)
    table = potentials(router, points, Targets.of(network, router))
    table["time_to_checkpoint_min"] = time_to_checkpoint(network, router, points)["time_to_checkpoint_min"]
    return table[list(WORSE)]


def opened(network: Network, placements: Placements, taken: pd.DataFrame) -> Network:
    """Return a network with gates everywhere with the crossings of a draw open alone, edited one by one."""
    gates = network.links[network.links["kind"] == "gate"]
    held = (
        gates[gates["crossing_id"].isin(placements.slots["crossing_id"])]
        .groupby("crossing_id")["checkpoint_id"]
        .first()
    )
    network = set_open(network, network.checkpoints["checkpoint_id"], False)
    network = set_open(network, held[taken["crossing_id"]], True)
    for crossing, wait in zip(taken["crossing_id"], taken["wait_min"], strict=True):
        network = set_wait(network, str(held[crossing]), float(wait))
    return network


def same(found: pd.DataFrame, expected: pd.DataFrame) -> None:
    """Compare indicators; infinity of ours is NaN in a run."""
    found = found[list(WORSE)].replace(np.inf, np.nan)
    assert (found.isna().to_numpy() == expected.isna().to_numpy()).all()
    np.testing.assert_allclose(found.to_numpy(float), expected.to_numpy(float), rtol=1e-9, atol=1e-6)


@pytest.mark.parametrize("many", [False, True])
@pytest.mark.parametrize("mode", ["road", "any"])
@pytest.mark.parametrize("seed", SEEDS)
def test_a_draw_is_a_network_with_its_checkpoints_open(
    seed: int, mode: Mode, many: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of many pairs too, whose pulls are products."""
    monkeypatch.setattr(null_draws, "TABLE", 0 if many else null_draws.TABLE)
    one = case(seed)
    placements = build_placements(one.network, one.cells, mode=mode, fades=HALF)
    assert placements.multiplies == many
    now = placements.slots.dropna()
    assert 0 < len(now) < len(placements.slots)
    whole = with_all_gates(one.network, mode)
    same(indicators(placements, now), measured(whole, one.cells, mode))
    rng = np.random.default_rng(seed)
    for _ in range(2):
        taken = redraw(placements.slots, rng)
        same(indicators(placements, taken), measured(opened(whole, placements, taken), one.cells, mode))


@pytest.mark.parametrize("seed", SEEDS)
def test_what_is_added_for_the_draws_is_closed_and_stands_at_every_bare_crossing(seed: int) -> None:
    before, after = case(seed).network, with_all_gates(case(seed).network)
    bare = before.crossings[(before.crossings["checkpoints"].map(len) == 0) & (before.crossings["mode"] == "road")]
    ours = after.checkpoints[after.checkpoints["checkpoint_id"].str.startswith(PLACE)]
    assert sorted(ours["checkpoint_id"].str.removeprefix(PLACE)) == sorted(bare["crossing_id"])
    assert len(bare) > 0
    assert not ours["open"].any()
    assert (ours["crossings"].map(lambda ids: ids[0]) == ours["checkpoint_id"].str.removeprefix(PLACE)).all()
    assert (ours["match_km"] < 0.01).all()
    columns = ["crossing_id", "checkpoint_id", "actual_min"]
    kept = [
        n.links[(n.links["kind"] == "gate") & n.links["passable"]][columns].sort_values(columns).to_numpy().tolist()
        for n in (before, after)
    ]
    assert kept[0] == kept[1]
    assert with_all_gates(after) is after


def test_each_draw_takes_as_many_of_each_mode_and_deals_their_waits() -> None:
    slots = pd.DataFrame(
        {
            "crossing_id": [f"x{i}" for i in range(9)],
            "mode": ["road"] * 6 + ["rail"] * 3,
            "wait_min": [10.0, np.nan, 20.0, np.nan, 30.0, np.nan, np.nan, 75.0, np.nan],
        }
    )
    rng = np.random.default_rng(0)
    drawn = [redraw(slots, rng) for _ in range(1200)]
    for one in drawn[:50]:
        assert one["crossing_id"].is_unique
        assert sorted(one.loc[one["mode"] == "road", "wait_min"]) == [10, 20, 30]
        assert one.loc[one["mode"] == "rail", "wait_min"].tolist() == [75]
        assert (one["mode"] == one["crossing_id"].map(slots.set_index("crossing_id")["mode"])).all()
    every = pd.concat(drawn)
    # 3 of 6, 1 of 3, and each wait at each place alike: within five standard errors of a share of 1,200.
    share = every["crossing_id"].value_counts() / 1200
    assert share[[f"x{i}" for i in range(6)]].to_numpy() == pytest.approx(np.full(6, 1 / 2), abs=0.072)
    assert share[["x6", "x7", "x8"]].to_numpy() == pytest.approx(np.full(3, 1 / 3), abs=0.068)
    ten = every[every["wait_min"] == 10]["crossing_id"].value_counts() / 1200
    assert ten.to_numpy() == pytest.approx(np.full(6, 1 / 6), abs=0.054)
    waits = [redraw(slots, rng, "waits") for _ in range(50)]
    assert all(set(w["crossing_id"]) == {"x0", "x2", "x4", "x7"} for w in waits)
    assert len({tuple(w.sort_values("crossing_id")["wait_min"]) for w in waits}) == 6


T = np.arange(-120, 121, 20)


def ladder(open_at: Sequence[int], *, waits: Sequence[float] | None = None) -> Network:
    """Return a border with a road along it on either side and 13 roads over it, checkpoints at some of them."""
    n = len(T)
    nodes = [(float(s), float(t)) for s in (-40, 40) for t in T]
    ends = (
        [(i, i + 1) for i in range(n - 1)] + [(n + i, n + i + 1) for i in range(n - 1)] + [(i, n + i) for i in range(n)]
    )
    posts = [(0.0, float(T[k])) for k in open_at]
    return network_of(drawn_land(nodes, ends, posts, nodes, waits=list(waits or [30.0] * len(posts))))


def by_the_road() -> pd.DataFrame:
    """Return units beside the road of side a, from south to north."""
    lonlat = PLAIN.lonlat(np.full(len(T), -41.0), T.astype(float))
    return pd.DataFrame({"lon": lonlat[:, 0], "lat": lonlat[:, 1], "side": "a"}, index=[f"t{t}" for t in T])


def test_a_planted_gap_is_found_and_what_is_well_served_is_not() -> None:
    """All four checkpoints stand in the south.

    One of 715 placements is as bad for the northernmost, none is better for the first.
    """
    table, notes = structural_null(ladder([0, 1, 2, 3]), by_the_road(), draws=199)
    assert notes[0] == (
        "the open checkpoints were redrawn among 13 crossings: 4 with an open checkpoint, 0 with a closed one, 9 "
        "with none"
    )
    p = table.pivot(index="unit", columns="indicator", values="p_worse")
    assert set(p.columns) == set(WORSE)
    assert (p.loc[["t120", "t100"]] <= 0.02).all(axis=None)
    assert (p.loc[["t-120", "t-100"]] >= 0.5).all(axis=None)
    two = table.pivot(index="unit", columns="indicator", values="p_two_sided")
    assert (two.loc["t120"] == 2 * p.loc["t120"]).all()
    assert (two <= 1).all(axis=None)
    rows = table[table["unit"] == "t120"].set_index("indicator")
    for name, worse in WORSE.items():
        assert worse * rows.loc[name, "observed"] >= worse * rows.loc[name, "null_median"]
        assert rows.loc[name, "null_p05"] <= rows.loc[name, "null_median"] <= rows.loc[name, "null_p95"]
    # Checkpoints spread evenly serve the border no worse than chance.
    even, _ = structural_null(ladder([1, 4, 8, 11]), by_the_road(), draws=199)
    assert (even["p_worse"] > 0.05).all()


def test_ranks_are_exact_where_the_placement_is_one_of_the_draws() -> None:
    """Each of 25 placements is taken for the observed one in turn.

    At every level no more than its share is called worse.
    """
    from analysis.statistics.null_ranks import ranked as _ranked

    network = ladder([2, 5, 9], waits=[10.0, 20.0, 40.0])
    placements = build_placements(network, by_the_road(), fades=HALF)
    rng = np.random.default_rng(5)
    values = np.array(
        [indicators(placements, redraw(placements.slots, rng))["border_loss"].to_numpy() for _ in range(25)]
    )
    names: list[object] = list(by_the_road().index)
    ranked = [_ranked("border_loss", names, values[k], np.delete(values, k, axis=0), "places") for k in range(25)]
    for column in ("p_worse", "p_two_sided"):
        p = np.array([r[column] for r in ranked])
        for level in (1 / 25, 0.05, 0.1, 0.2, 0.5):
            assert ((p <= level + 1e-12).mean(axis=0) <= level + 1e-12).all()
    worse = np.array([r["p_worse"] for r in ranked])
    for unit in range(len(names)):
        if len(set(values[:, unit].round(9))) == 25:  # without ties every rank comes once
            assert sorted(worse[:, unit]) == pytest.approx((np.arange(25) + 1) / 25)
    assert any(len(set(values[:, u].round(9))) == 25 for u in range(len(names)))


def test_the_whole_is_the_median_by_people() -> None:
    units = by_the_road().assign(population=[0] * 10 + [5, 1, 1])
    table, _ = structural_null(ladder([0, 1, 2, 3]), units, draws=9)
    whole = table[table["unit"] == "all"].set_index("indicator")
    third = table[table["unit"] == "t80"].set_index("indicator")
    assert whole["observed"].tolist() == pytest.approx(third["observed"].tolist())
    assert whole["q_worse"].isna().all()


def test_the_same_seed_gives_the_same_bytes() -> None:
    network, units = ladder([0, 6]), by_the_road()
    one, two, three = (structural_null(network, units, draws=19, seed=s)[0].to_csv() for s in (1, 1, 2))
    assert one == two != three


def test_another_decay_is_heard() -> None:
    """Within an hour counts whole: the drive of 80 km over the line takes 56 min, the wait makes it more."""
    network, units = ladder([6], waits=[30.0]), by_the_road()
    near, _ = structural_null(network, units, draws=9, decay=lambda t: (t <= 60.0) * 1.0)
    seen = near[near["indicator"] == "border_loss"].set_index("unit")["observed"]
    assert seen["t0"] == 1.0
    far, _ = structural_null(network, units, draws=9)
    assert 0 < far[far["indicator"] == "border_loss"].set_index("unit")["observed"]["t0"] < 1


def test_where_every_crossing_is_open_the_null_can_not_be_drawn_and_waits_may_be_dealt() -> None:
    waits = list(np.linspace(10, 200, 13))
    network = ladder(range(13), waits=waits)
    table, notes = structural_null(network, by_the_road(), draws=19)
    assert table.empty
    assert "p_worse" in table
    assert "every crossing of a mode with open checkpoints holds one" in notes[0]
    dealt, notes = structural_null(network, by_the_road(), null="waits", draws=199)
    assert notes[0] == "the null of waits leaves the checkpoints where they are"
    assert set(dealt["indicator"]) == set(WORSE) - {"time_to_checkpoint_min"}
    loss = dealt[dealt["indicator"] == "border_loss"].set_index("unit")["p_worse"]
    # Short waits in the south, long ones in the north.
    assert loss["t120"] < 0.15 < 0.85 < loss["t-120"]
    alike, notes = structural_null(ladder(range(13)), by_the_road(), null="waits", draws=19)
    assert alike.empty
    assert "have the same wait" in notes[0]


def test_where_nothing_is_open_there_is_nothing_to_redraw() -> None:
    network = ladder([0, 1])
    shut = set_open(network, network.checkpoints["checkpoint_id"], False)
    table, notes = structural_null(shut, by_the_road(), draws=9)
    assert table.empty
    assert "no crossing has an open checkpoint" in notes[0]


def test_few_ways_and_few_draws_are_told() -> None:
    _, notes = structural_null(ladder(range(12)), by_the_road(), draws=99)
    assert "only 13 ways to place them" in notes[1]
    assert "use 260 or more" in notes[2]
    _, notes = structural_null(ladder([0, 1, 2, 3]), by_the_road(), draws=300)
    assert len(notes) == 1


def test_units_that_join_nothing_have_no_row() -> None:
    units = by_the_road()
    units.loc["far"] = [*PLAIN.lonlat(-400.0, 0.0)[0], "a"]
    table, _ = structural_null(ladder([0, 5]), units, draws=5)
    assert set(table["unit"]) == {*by_the_road().index, "all"}


def test_segments_have_two_ends() -> None:
    segments = border_segments(case(0).border, length_km=50.0)
    ends = segment_ends(segments)
    assert ends["side"].tolist() == ["a"] * len(segments) + ["b"] * len(segments)
    assert ends["segment_id"].tolist() == segments["segment_id"].tolist() * 2
    table, _ = structural_null(case(0).network, ends, draws=3)
    assert set(table["unit"]) <= {*range(len(ends)), "all"}


def test_wrong_draws_are_refused() -> None:
    for wrong in ({"draws": 0}, {"null": "chance"}):
        with pytest.raises(NetworkError, match="allowed are 1 or more of 'places' or 'waits'"):
            structural_null(case(0).network, case(0).cells, **wrong)  # type: ignore[arg-type]


def test_other_waits_draw_over_the_ground_that_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same table as without, and nothing is searched again; another place of a checkpoint is another ground."""
    one, two = ladder([0, 6], waits=[10.0, 50.0]), ladder([0, 6], waits=[10.0, 80.0])
    monkeypatch.setattr(results, "LEAST_S", 0.0)
    expected = [structural_null(network, by_the_road(), draws=19) for network in (one, two)]
    with keeping(Keeper(tmp_path / "results", "")):
        found = [structural_null(one, by_the_road(), draws=19)]
        with monkeypatch.context() as context:
            context.setattr(null_ground, "build_overlay", None)
            found.append(structural_null(two, by_the_road(), draws=19))
            with pytest.raises(TypeError):
                structural_null(ladder([0, 7], waits=[10.0, 50.0]), by_the_road(), draws=19)
    for (table, notes), (other, others) in zip(expected, found, strict=True):
        pd.testing.assert_frame_equal(table, other, check_exact=True)
        assert notes == others
    assert not expected[0][0].equals(expected[1][0])
