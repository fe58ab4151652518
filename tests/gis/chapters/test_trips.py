"""Trips, load, fit and closures: what must hold between the numbers of a run."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from analysis.trips.choice import choose_checkpoints
from gis.chapters.connectivity import connectivity_chapter
from gis.chapters.trips import trips_chapter
from network.build import FIELDS
from network.routing import compile_router
from tests.gis.chapters.helpers import CLOSED, COUNTED, NO_CAPACITY, PER_DAY, table, warnings_of

if TYPE_CHECKING:
    from gis.inputs import Prepared
    from gis.measures import Measures
    from network.build import Network


def test_trips_are_neither_lost_nor_made_on_the_way(either: Path) -> None:
    flows, points = table(either, "flows"), table(either, "checkpoints")
    assert flows["flow_share"].between(0, 1 + 1e-6).all()
    for mode in ("road", "rail"):
        # All trips of a mode pass one checkpoint of it, some more than one; none passes a closed one.
        through = points.loc[points["mode"] == mode, "betweenness_share"]
        assert through.sum() > 1 - 1e-6
        assert through.dropna().between(0, 1 + 1e-9).all()
    assert points.loc[points["status"] == "closed", "betweenness_share"].fillna(0).eq(0).all()
    pairs = table(either, "region_flows")
    assert pairs["trips_share"].sum() == pytest.approx(1, abs=1e-6)
    assert set(pairs["region_a"].str[:2]) == {"RU"}
    assert set(pairs["region_b"].str[:2]) == {"KZ"}


def test_shares_of_checkpoints_are_those_of_the_quickest_ways(
    full: Path, ground: tuple[Prepared, Network, Measures]
) -> None:
    _, network, measures = ground
    demand, choice = measures.demand, measures.choice
    assert demand is not None
    assert choice is not None
    router = compile_router(network, "road")
    node = network.settlements["node"].to_numpy()
    a, b = node[demand.a], node[demand.b]
    on = router.positions(a) >= 0, router.positions(b) >= 0
    a, b, trips = a[on[0]], b[on[1]], choice.by_mode("road")[np.ix_(*on)]
    field = FIELDS["actual"]
    whole = router.table(a, b, field)
    gates = network.links[(network.links["kind"] == "gate") & (network.links["mode"] == "road")]
    gates = gates[np.isfinite(gates["actual_min"])]
    to, since = router.table(a, gates["u"].to_numpy(), field), router.table(gates["v"].to_numpy(), b, field)
    wanted = {}
    for name, at in gates.reset_index(drop=True).groupby("checkpoint_id").groups.items():
        minutes = gates["actual_min"].to_numpy()[at]
        over = (to[:, at, None] + minutes[None, :, None] + since[None, at]).min(axis=1)
        used = np.isfinite(whole) & (over <= whole + 1e-9 * np.where(np.isfinite(whole), whole, 0))
        wanted[name] = trips[used].sum() / trips[np.isfinite(whole)].sum()
    points = table(full, "checkpoints").set_index("checkpoint_id")["betweenness_share"]
    told = points[list(wanted)]
    assert told.sum() > 0.99
    np.testing.assert_allclose(told, list(wanted.values()), atol=1e-6)


def test_all_trips_leave_home_and_none_begins_on_the_way(
    full: Path, ground: tuple[Prepared, Network, Measures]
) -> None:
    _, network, _ = ground
    flows = table(full, "flows")
    towns = network.settlements.set_index("node")["side"]
    # Towns hang on connectors alone: what runs over those of a side is every trip, once or more.
    assert not set(flows.loc[flows["kind"] != "connector", ["u", "v"]].stack()) & set(towns.index)
    road = flows[(flows["mode"] == "road") & (flows["kind"] == "connector")]
    left = road.groupby(road["u"].map(towns).fillna(road["v"].map(towns)))["flow_share"].sum()
    assert left["a"] > 1 - 1e-6
    assert left["b"] > 1 - 1e-6


def test_fallbacks_take_over_no_more_than_there_was(either: Path) -> None:
    taken, points = table(either, "fallbacks"), table(either, "checkpoints").set_index("checkpoint_id")
    assert taken["share"].between(0, 1 + 1e-9).all()
    assert (taken.groupby("closed")["share"].sum() <= 1 + 1e-6).all()
    assert (taken["closed"] != taken["fallback"]).all()
    # An empty name is the part that finds no other checkpoint.
    named = taken.dropna(subset=["fallback"])
    assert points.loc[named["fallback"], "status"].ne("closed").all()
    assert (points.loc[named["closed"], "mode"].to_numpy() == points.loc[named["fallback"], "mode"].to_numpy()).all()
    first = named.sort_values("share", ascending=False, kind="stable").drop_duplicates("closed").set_index("closed")
    told = points.loc[first.index]
    assert told["fallback_share"].to_numpy() == pytest.approx(first["share"].to_numpy(), rel=1e-6)


def test_two_closures_cost_what_each_does_and_the_rest(either: Path) -> None:
    pairs, points = table(either, "closures_pairs"), table(either, "checkpoints").set_index("checkpoint_id")
    one, two = points.loc[pairs["closed_1"]].reset_index(), points.loc[pairs["closed_2"]].reset_index()
    np.testing.assert_allclose(pairs["share"], one["share"] + two["share"], atol=1e-7)
    apart = one["unserved_share"] + two["unserved_share"]
    np.testing.assert_allclose(pairs["synergy_unserved_share"], pairs["unserved_share"] - apart, atol=1e-7)
    whole = (pairs["unserved_share"] == 0).to_numpy()
    assert whole.any()
    # Where all trips still find a way, minutes are means over the same trips.
    rest = pairs["criticality_min"] - one["criticality_min"] - two["criticality_min"]
    np.testing.assert_allclose(pairs["synergy_min"][whole], rest[whole], atol=1e-5)
    assert (one["mode"] == pairs["mode"]).all()
    assert (two["mode"] == pairs["mode"]).all()


def test_joint_closures_have_their_fallbacks(either: Path) -> None:
    taken, pairs = table(either, "fallbacks_pairs"), table(either, "closures_pairs")
    keys = ["closed_1", "closed_2"]
    assert taken[keys].drop_duplicates().to_numpy().tolist() == pairs[keys].to_numpy().tolist()
    assert (taken.groupby(keys)["share"].sum() <= 1 + 1e-6).all()
    modes = table(either, "checkpoints").set_index("checkpoint_id")["mode"]
    named = taken.dropna(subset=["fallback"])
    assert (modes[named["closed_1"]].to_numpy() == modes[named["fallback"]].to_numpy()).all()
    assert not (named["fallback"].eq(named["closed_1"]) | named["fallback"].eq(named["closed_2"])).any()


def test_the_load_is_the_days_vehicles(full: Path) -> None:
    load, points = table(full, "load"), table(full, "checkpoints").set_index("checkpoint_id")
    for column in ("flow_per_day", "flow_free_per_day"):
        assert load[column].sum() == pytest.approx(PER_DAY, rel=1e-6)
    assert set(load["checkpoint_id"]) <= set(points.index[(points["mode"] == "road") & (points["status"] != "closed")])
    np.testing.assert_allclose(load["load_factor"], load["flow_per_day"] / load["capacity_per_day"], rtol=1e-7)
    assert load.set_index("checkpoint_id")["load_factor"].isna().to_dict() == {
        i: i == NO_CAPACITY for i in load["checkpoint_id"]
    }
    assert (load["wait_min"] >= load["wait_free_min"]).all()
    assert (load["bottleneck"] == (load["load_factor"] > 0.85)).all()
    assert load["bottleneck"].any()
    drawn = points.loc[load["checkpoint_id"]]
    np.testing.assert_allclose(drawn["flow_per_day"], load["flow_per_day"])
    np.testing.assert_allclose(drawn["load_factor"], load["load_factor"])
    np.testing.assert_allclose(drawn["wait_loaded_min"], load["wait_min"])
    others = points.drop(index=load["checkpoint_id"])
    assert others["flow_per_day"].isna().all()
    rounds = table(full, "load_rounds")
    assert rounds["relative_gap"].iloc[-1] <= 1e-4


def test_a_days_vehicles_run_between_the_regions_by_road(full: Path) -> None:
    assert table(full, "region_flows")["flow_per_day"].sum() == pytest.approx(PER_DAY, rel=1e-6)


def test_without_a_total_nothing_runs_a_day(out: Path) -> None:
    assert table(out, "region_flows")["flow_per_day"].isna().all()
    assert "load_factor" not in table(out, "checkpoints")
    assert not (out / "tables" / "load.csv").exists()


def test_the_fit_is_of_counts_that_the_model_has_flows_for(full: Path) -> None:
    fit, load = table(full, "fit"), table(full, "load").set_index("checkpoint_id")
    modelled = set(COUNTED) & set(load.index)
    assert set(fit["checkpoint_id"]) == modelled
    assert len(modelled) == 3
    assert any(CLOSED in w and "rail-troitsk" in w and "not compared" in w for w in warnings_of(full))
    assert fit.set_index("checkpoint_id")["observed_per_day"].to_dict() == {i: COUNTED[i] for i in fit["checkpoint_id"]}
    # Scaled: the totals agree and the pattern is the model's.
    assert fit["modelled_per_day"].sum() == pytest.approx(fit["observed_per_day"].sum())
    ratio = fit["modelled_per_day"].to_numpy() / load.loc[fit["checkpoint_id"], "flow_per_day"].to_numpy()
    np.testing.assert_allclose(ratio, ratio[0], rtol=1e-6)
    assert table(full, "fit_summary").set_index("measure")["value"]["counts"] == 3


def with_counts(network: Network, counts: dict[str, float]) -> Network:
    """Return the network with other counts."""
    points = network.checkpoints
    seen = points["checkpoint_id"].map(counts).astype(float)
    return dataclasses.replace(network, checkpoints=points.assign(observed_per_day=seen))


def only(**changed: float) -> dict[str, float]:
    """Return what a study's section of trips becomes, without the slow parts."""
    return {"links_closed": 0, "closed_together": 2, **changed}


@pytest.mark.parametrize(
    ("counts", "said"),
    [
        ({"road-mariinsky": 9.0, "road-nikolaevka": 3.0}, "2 checkpoints have counts: 3 or more are needed"),
        ({"road-mariinsky": 0.0, "road-nikolaevka": 0.0, "road-petukhovo": 0.0}, "not compared with counts"),
        ({CLOSED: 9.0}, "not compared: the model has no flow there"),
        ({}, ""),
    ],
)
def test_too_few_counts_are_a_note(
    ground: tuple[Prepared, Network, Measures], counts: dict[str, float], said: str
) -> None:
    prepared, network, measures = ground
    study = prepared.study.model_copy(update={"trips": prepared.study.trips.model_copy(update=only())})
    chapter = trips_chapter(study, with_counts(network, counts), measures)
    assert "fit" not in chapter.tables
    assert said in " ".join(chapter.notes)
    assert ("count" in " ".join(chapter.notes)) == bool(said)


def test_counts_without_a_total_are_held_against_shares(ground: tuple[Prepared, Network, Measures]) -> None:
    prepared, network, measures = ground
    study = prepared.study.model_copy(update={"trips": prepared.study.trips.model_copy(update=only(per_day=0))})
    chapter = trips_chapter(study, network, measures)
    assert "load" not in chapter.tables
    assert set(chapter.tables["fit"]["checkpoint_id"]) == set(COUNTED) - {CLOSED}


def test_no_trips_is_a_note(ground: tuple[Prepared, Network, Measures]) -> None:
    prepared, network, measures = ground
    chapter = trips_chapter(prepared.study, network, dataclasses.replace(measures, demand=None, choice=None))
    assert not chapter.tables
    assert "no trips" in chapter.notes[0]


def test_trips_by_rail_alone_load_no_road(ground: tuple[Prepared, Network, Measures]) -> None:
    prepared, network, measures = ground
    demand = measures.demand
    assert demand is not None
    by_rail = dataclasses.replace(demand, modes=tuple(m for m in demand.modes if m.mode == "rail"))
    rails = dataclasses.replace(
        measures,
        demand=by_rail,
        choice=choose_checkpoints(by_rail),
    )
    study = prepared.study.model_copy(update={"trips": prepared.study.trips.model_copy(update=only())})
    chapter = trips_chapter(study, network, rails)
    assert "load" not in chapter.tables
    assert any("no modelled trip goes by road" in note for note in chapter.notes)
    assert chapter.tables["region_flows"]["flow_per_day"].isna().all()
    assert set(chapter.layers["flows"]["mode"]) == {"rail"}


def test_no_roads_is_a_note(ground: tuple[Prepared, Network, Measures]) -> None:
    prepared, network, measures = ground
    rails = dataclasses.replace(network, links=network.links[network.links["mode"] != "road"])
    chapter = connectivity_chapter(prepared.study, rails, measures, prepared.border)
    assert not chapter.tables
    assert "no roads" in chapter.notes[0]
