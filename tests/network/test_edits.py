"""Changes to a built network equal a network built with the change in its input."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import geopandas as gpd
import networkx as nx
import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray

from layers.checkpoints import with_waits
from layers.errors import BorderlinkError, LayerError, PlaceError
from layers.hours import CLOSED_HOURS, ClosedHours
from network.build import DOMESTIC, FIELDS, Network, build_network
from network.edits import (
    add_checkpoints,
    add_places,
    charge_closed_hours,
    gate_lines,
    new_checkpoint,
    scale_waits,
    set_hours,
    set_open,
    set_wait,
)
from network.graph import to_graph
from network.routing import compile_router
from tests.borders import (
    PLAIN,
    ROUNDED,
    Land,
    checkpoints_of,
    edges_of,
    ground_of,
    joined_nodes,
    network_of,
    random_land,
    random_network,
    regions_of,
    settlements_of,
)
from tests.network.test_routing import weight_of

SEEDS = range(6)


def times(network: Network, field: str = "actual_min") -> NDArray[np.float64]:
    nodes = joined_nodes(network)
    return compile_router(network, "any").table(nodes, nodes, field)


def same(one: NDArray[np.float64], two: NDArray[np.float64], atol: float = 1e-9) -> bool:
    finite = np.isfinite(one)
    return bool((finite == np.isfinite(two)).all() and np.allclose(one[finite], two[finite], rtol=1e-9, atol=atol))


@pytest.mark.parametrize("seed", SEEDS)
def test_closing_never_shortens_a_trip(seed: int) -> None:
    network = random_network(seed)
    before, changed = times(network), False
    for checkpoint in network.checkpoints["checkpoint_id"]:
        after = times(set_open(network, [checkpoint], False))
        assert (after >= before * (1 - 1e-12)).all()
        changed |= bool((after > before).any())
    assert changed


@pytest.mark.parametrize("seed", SEEDS)
def test_closing_and_reopening_changes_nothing(seed: int) -> None:
    network = random_network(seed)
    ids = network.checkpoints.loc[network.checkpoints["open"], "checkpoint_id"].tolist()
    back = set_open(set_open(network, ids, False), ids, True)
    pd.testing.assert_frame_equal(back.links, network.links)
    pd.testing.assert_frame_equal(back.checkpoints, network.checkpoints)
    pd.testing.assert_frame_equal(back.crossings, network.crossings)


@pytest.mark.parametrize("seed", SEEDS)
def test_closing_equals_building_with_the_checkpoint_closed(seed: int) -> None:
    land, network = random_land(seed), random_network(seed)
    ids = land.checkpoints["checkpoint_id"].tolist()[::2]
    # What is closed by an edit stays in the network without a border: its post was open in the study.
    closed = land.checkpoints.assign(
        open=land.checkpoints["open"] & ~land.checkpoints["checkpoint_id"].isin(ids), base_open=land.checkpoints["open"]
    )
    built, edited = network_of(replace(land, checkpoints=closed)), set_open(network, ids, False)
    for field in FIELDS.values():
        assert same(times(built, field), times(edited, field))
    for frame, columns in (("checkpoints", ["open", "status", "class"]), ("crossings", ["crossing_id", "status"])):
        pd.testing.assert_frame_equal(
            pd.DataFrame(getattr(edited, frame)[columns]),
            pd.DataFrame(getattr(built, frame)[columns]),
            check_dtype=False,
        )


@pytest.mark.parametrize("seed", SEEDS)
def test_the_report_follows_a_closure(seed: int) -> None:
    network = random_network(seed)
    edited = set_open(network, network.checkpoints["checkpoint_id"], False)
    closed = edited.crossings.loc[edited.crossings["status"] == "closed", "crossing_id"]
    assert edited.report["crossings_closed"] == sorted(closed)
    assert len(closed) > len(network.report["crossings_closed"])


@pytest.mark.parametrize("seed", SEEDS)
def test_a_wait_equals_building_with_that_wait(seed: int) -> None:
    land, network = random_land(seed), random_network(seed)
    row = network.checkpoints.query("joined_by != 'nothing' and open").iloc[0]
    edited = set_wait(network, row["checkpoint_id"], 7.0 + row["hours_wait_min"])
    built = network_of(land, waits={row["checkpoint_id"]: 7.0})
    for field in FIELDS.values():
        assert same(times(edited, field), times(built, field))
    wait = edited.checkpoints.set_index("checkpoint_id")["wait_min"]
    assert wait[row["checkpoint_id"]] == 7.0 + row["hours_wait_min"]
    others = network.checkpoints.set_index("checkpoint_id")["wait_min"].drop(row["checkpoint_id"])
    assert wait.drop(row["checkpoint_id"]).equals(others)


def test_a_wait_that_is_set_is_no_assumption_any_more() -> None:
    network = random_network(0)
    row = network.checkpoints.query("wait_assumed").iloc[0]
    edited = (
        set_wait(network, row["checkpoint_id"], 5.0).checkpoints.set_index("checkpoint_id").loc[row["checkpoint_id"]]
    )
    assert not edited["wait_assumed"]
    assert not edited["wait_source"].startswith("assumption")
    assert np.isnan(edited["wait_p90_min"])


@pytest.mark.parametrize("wait", [-1.0, float("nan")])
def test_a_wait_below_nothing_is_refused(wait: float) -> None:
    network = random_network(0)
    with pytest.raises(PlaceError, match="from 0 to 10,000"):
        set_wait(network, network.checkpoints["checkpoint_id"][0], wait)
    with pytest.raises(PlaceError, match="from 0 to 10,000"):
        new_checkpoint(network, 0, 0, wait_min=wait)


def test_an_unknown_checkpoint_is_named_with_those_that_are() -> None:
    network = random_network(0)
    for edit in (lambda: set_open(network, ["gone"], False), lambda: set_wait(network, "gone", 1.0)):
        with pytest.raises(PlaceError, match=r"no checkpoint is called 'gone': allowed are rail-"):
            edit()


@pytest.mark.parametrize("seed", SEEDS)
def test_edits_leave_the_network_alone(seed: int) -> None:
    network = random_network(seed)
    links, checkpoints = network.links.copy(), network.checkpoints.copy()
    ids = network.checkpoints["checkpoint_id"].tolist()
    set_open(network, ids, False)
    set_wait(network, ids[0], 1.0)
    xy = network.nodes.loc[joined_nodes(network)[0], ["x", "y"]]
    add_places(network, [(xy["x"] + 0.1, xy["y"])], [network.settlements["side"][0]])
    pd.testing.assert_frame_equal(network.links, links)
    pd.testing.assert_frame_equal(network.checkpoints, checkpoints)


@pytest.mark.parametrize("seed", SEEDS)
def test_waits_and_closures_leave_the_ground_as_it_is(seed: int) -> None:
    network = random_network(seed)
    some = network.checkpoints["checkpoint_id"].iloc[0]
    for edited in (
        set_open(network, [some], False),
        set_wait(network, some, 7.0, direction="a to b"),
        set_hours(network, some, "09:00-21:00", closed_hours="even"),
        scale_waits(network, 2.0),
        charge_closed_hours(network, "even"),
    ):
        assert edited.ground is network.ground
        pd.testing.assert_frame_equal(edited.ground.links, replace(edited).ground.links, check_exact=True)
        assert edited.ground.nodes is edited.nodes


@pytest.mark.parametrize("seed", SEEDS)
def test_adding_equals_having_had_the_checkpoint_from_the_start(seed: int) -> None:
    land, whole = random_land(seed), random_network(seed)
    waits = with_waits(land.checkpoints)
    roads = whole.checkpoints.query("mode == 'road' and joined_by != 'nothing'")["checkpoint_id"].tolist()
    late = waits["checkpoint_id"].isin(roads[::2])
    base = ground_of(land).base
    part = build_network(base, waits[~late].reset_index(drop=True), land.settlements)
    added = add_checkpoints(part, waits[late].reset_index(drop=True))
    for field in FIELDS.values():
        assert same(times(added, field), times(whole, field))
    one, two = (n.checkpoints.set_index("checkpoint_id").sort_index() for n in (added, whole))
    for column in ("joined_by", "crossings", "region_a", "region_b", "open", "wait_min", "wait_assumed"):
        assert one[column].tolist() == two[column].tolist()
    assert (times(added) <= times(part) * (1 + 1e-12)).mean() > 0.5


PLANE = Land(
    regions=regions_of(PLAIN, [(0.0, -150.0), (0.0, 150.0)], ("RU", "KZ")),
    roads=edges_of(PLAIN, [(-60, -140), (-60, 0), (60, 0), (60, -140)], [(0, 1), (1, 2), (2, 3)]),
    railways=edges_of(PLAIN, [(-60, 0), (60, 0)], [(0, 1)], "railways").iloc[:0],
    checkpoints=checkpoints_of(PLAIN, [(0, 0)], wait_min=[30.0]),
    settlements=settlements_of(PLAIN, [(-70, -120), (70, -120)], ["RU", "KZ"]),
    countries=("RU", "KZ"),
)


def test_a_new_checkpoint_shortens_trips_by_a_connector() -> None:
    network = network_of(PLANE)
    lon, lat = PLAIN.lonlat(0, -120)[0]
    row = new_checkpoint(network, lon, lat, wait_min=10.0)
    added = add_checkpoints(network, row)
    new = added.checkpoints.set_index("checkpoint_id").loc["new-1"]
    assert new["joined_by"] == "connector"
    assert (new["open"], new["wait_min"], new["wait_assumed"]) == (True, 10.0, False)
    assert times(added)[0, 1] < times(network)[0, 1]
    a, b = joined_nodes(added)
    way = compile_router(added, "road").path(int(a), int(b), "actual_min")
    assert way is not None
    assert way.checkpoints == ("new-1",)
    assert way.wait_min == 10.0
    assumed = new_checkpoint(network, lon, lat)
    assert assumed["wait_assumed"].tolist() == [True]


def test_a_place_far_from_the_line_is_refused() -> None:
    network = network_of(PLANE)
    with pytest.raises(PlaceError, match=r"would stand 100 km from the border line.*within 60 km"):
        new_checkpoint(network, *PLAIN.lonlat(-100, 0)[0])
    with pytest.raises(PlaceError, match="a new checkpoint by 'air': allowed is road or rail"):
        new_checkpoint(network, *PLAIN.lonlat(0, 0)[0], mode="air")


def test_a_checkpoint_that_finds_no_network_is_refused() -> None:
    network = network_of(PLANE)
    with pytest.raises(PlaceError, match="finds no rail network to join"):
        add_checkpoints(network, new_checkpoint(network, *PLAIN.lonlat(0, 0)[0], mode="rail"))


def test_two_checkpoints_of_one_id_are_refused() -> None:
    network = network_of(PLANE)
    one = add_checkpoints(network, new_checkpoint(network, *PLAIN.lonlat(0, -120)[0]))
    with pytest.raises(BorderlinkError, match="new-1"):
        add_checkpoints(one, new_checkpoint(one, *PLAIN.lonlat(0, -80)[0]))


def test_adding_keeps_how_far_a_checkpoint_may_stand_from_its_crossing() -> None:
    land = replace(PLANE, checkpoints=checkpoints_of(PLAIN, [(0, 10), (0, 0)], wait_min=[30.0, 5.0]))
    waits = with_waits(land.checkpoints)
    base = ground_of(land).base
    whole = build_network(base, waits, land.settlements, road_km=5.0)
    part = build_network(base, waits.iloc[:1], land.settlements, road_km=5.0)
    added = add_checkpoints(part, waits.iloc[1:])
    assert whole.checkpoints["joined_by"].tolist() == ["connector", "crossing"]
    assert added.checkpoints["joined_by"].tolist() == ["connector", "crossing"]


@pytest.mark.parametrize("seed", SEEDS)
def test_further_places_are_joined_as_settlements_are_and_lead_nowhere(seed: int) -> None:
    land, network = random_land(seed), random_network(seed)
    first = land.settlements.iloc[:3]
    part = network_of(replace(land, settlements=land.settlements.iloc[3:].reset_index(drop=True)))
    placed, nodes = add_places(part, [(p.x, p.y) for p in first.geometry], network.settlements["side"].tolist()[:3])
    # A place joins what the settlement joins that stands there.
    for place, town in zip(nodes, network.settlements["node"], strict=False):
        ways = [
            n.links[(n.links["kind"] == "connector") & (n.links["u"] == u)]
            for n, u in ((placed, place), (network, town))
        ]
        assert ways[0]["mode"].tolist() == ways[1]["mode"].tolist()
        assert ways[0]["length_m"].to_numpy() == pytest.approx(ways[1]["length_m"].to_numpy(), rel=1e-3, abs=1.0)
    old = joined_nodes(part)
    for mode in ("road", "rail", "any"):
        before, after = (compile_router(n, mode) for n in (part, placed))
        for field in FIELDS.values():
            # A new place is nobody's short cut, by no mode.
            # Pieces of the links that it splits are rounded on their own: half a thousandth each, twenty at the most.
            assert same(after.table(old, old, field), before.table(old, old, field), atol=0.01)
            everyone = np.concatenate([nodes, old])
            found = after.table(everyone, everyone, field)
            here = after.positions(everyone) >= 0
            rows = [i for i in (0, 1, 2, 6, 10) if here[i]]
            assert same(found[rows], by_networkx(placed, rows, everyone, mode, field))
            for i, j in np.argwhere(np.isfinite(found))[::7]:
                way = after.path(int(everyone[i]), int(everyone[j]), field)
                assert way is not None
                assert placed.links[field].to_numpy()[way.links].sum() == pytest.approx(found[i, j], abs=1e-9)
    which = after.nearest(nodes, "open_min")[1][after.positions(nodes)]
    assert (which[after.positions(nodes) >= 0] == np.flatnonzero(after.positions(nodes) >= 0)).all()
    assert (placed.nodes.loc[nodes, "kind"] == "place").all()


def by_networkx(
    network: Network, rows: Sequence[int], nodes: NDArray[np.int64], mode: str, field: str
) -> NDArray[np.float64]:
    """Return costs from some nodes to all on the exported graph, each way without the other places."""
    graph, weight = to_graph(network), weight_of(mode, field)
    places = set(network.nodes.index[network.nodes["kind"] == "place"])
    out = np.full((len(rows), len(nodes)), np.inf)
    for i, row in enumerate(rows):
        for target in [None, *places]:
            free = graph.subgraph(set(graph) - places | {int(nodes[row]), target})
            if int(nodes[row]) in free:
                found = nx.single_source_dijkstra_path_length(free, int(nodes[row]), weight=weight)
                # A place that is sought may be passed on no other way.
                mine = [n == target if target is not None else n not in places or n == nodes[row] for n in nodes]
                out[i, mine] = [found.get(int(n), np.inf) for n in nodes[mine]]
    out[np.arange(len(rows)), rows] = 0.0
    return out


@pytest.mark.parametrize("wait", [-1.0, float("nan"), float("inf"), 1e6, True])
def test_a_wait_out_of_range_is_refused(wait: float) -> None:
    network = random_network(1)
    with pytest.raises(PlaceError, match="allowed are minutes from 0 to 10,000"):
        set_wait(network, network.checkpoints["checkpoint_id"].iloc[0], wait)


@pytest.mark.parametrize("seed", range(4))
def test_closed_hours_charged_by_an_edit_are_those_of_a_network_built_so(seed: int) -> None:
    land = random_land(seed)
    planned, even = (
        build_network(ground_of(land).base, with_waits(land.checkpoints, closed_hours=rule), land.settlements)
        for rule in CLOSED_HOURS
    )
    cases: list[tuple[Network, ClosedHours, Network]]
    cases = [(planned, "even", even), (even, "planned", planned), (even, "even", even)]
    for network, rule, expected in cases:
        edited = charge_closed_hours(network, rule)
        for column in ("wait_min", "hours_wait_min", "control_wait_min"):
            np.testing.assert_allclose(edited.checkpoints[column], expected.checkpoints[column])
        np.testing.assert_allclose(edited.links["actual_min"], expected.links["actual_min"])
    row = even.checkpoints.loc[even.checkpoints["hours_even_min"] > 0].iloc[0]
    # A wait that somebody set is the whole of it.
    timed = set_wait(even, row["checkpoint_id"], 7.0)
    for rule in CLOSED_HOURS:
        kept = charge_closed_hours(timed, rule).checkpoints.set_index("checkpoint_id")["wait_min"]
        assert kept[row["checkpoint_id"]] == 7.0
    with pytest.raises(LayerError, match="allowed are planned, even"):
        charge_closed_hours(even, "never")  # type: ignore[arg-type]


@pytest.mark.parametrize("seed", SEEDS)
def test_closing_equals_the_layer_without_it(seed: int) -> None:
    """Ground counts up to the line whatever the list of checkpoints says.

    Minutes of open and actual do not hang on it.
    """
    land, network = random_land(seed), random_network(seed)
    moved = False
    for checkpoint in network.checkpoints.loc[network.checkpoints["open"], "checkpoint_id"]:
        rest = land.checkpoints[land.checkpoints["checkpoint_id"] != checkpoint].reset_index(drop=True)
        without, closed = network_of(replace(land, checkpoints=rest)), set_open(network, [checkpoint], False)
        for field in ("open_min", "actual_min"):
            assert same(times(without, field), times(closed, field)), checkpoint
        by_crossing = network.checkpoints.set_index("checkpoint_id")["joined_by"][checkpoint] == "crossing"
        if by_crossing:
            assert same(times(without, "borderless_min"), times(closed, "borderless_min")), checkpoint
            moved = True
    assert moved


@pytest.mark.parametrize("seed", SEEDS)
def test_the_network_without_a_border_does_not_hang_on_what_a_scenario_opens_and_closes(seed: int) -> None:
    network = random_network(seed)
    before = times(network, "borderless_min")
    for checkpoint, is_open in zip(network.checkpoints["checkpoint_id"], network.checkpoints["open"], strict=True):
        if is_open:
            assert same(before, times(set_open(network, [checkpoint], False), "borderless_min"))
        else:
            opened = set_open(network, [checkpoint], True)
            assert (times(opened, "borderless_min") <= times(opened, "open_min") * (1 + 1e-12)).all()
            assert same(before, times(set_open(opened, [checkpoint], False), "borderless_min"))


def test_a_post_on_connectors_that_is_closed_in_the_study_adds_nothing() -> None:
    for seed in SEEDS:
        land, network = random_land(seed), random_network(seed)
        alone = network.checkpoints.query("joined_by == 'connector'")["checkpoint_id"]
        closed = land.checkpoints.assign(open=land.checkpoints["open"] & ~land.checkpoints["checkpoint_id"].isin(alone))
        rest = land.checkpoints[~land.checkpoints["checkpoint_id"].isin(alone)].reset_index(drop=True)
        one, other = network_of(replace(land, checkpoints=closed)), network_of(replace(land, checkpoints=rest))
        for field in FIELDS.values():
            # Such a post splits the roads that it joins: each cost is that of its pieces, rounded one by one.
            bound = 3 * ROUNDED * abs(len(one.links) - len(other.links))
            before, after = times(one, field), times(other, field)
            np.testing.assert_allclose(before, after, rtol=0, atol=bound + 1e-9, err_msg=f"{seed} {field}")


@pytest.mark.parametrize("seed", range(6))
def test_a_gate_at_a_line_is_a_checkpoint_built_there(seed: int) -> None:
    """Every cost between every two nodes: the network with the closed post in its table from the start."""
    network = random_network(seed)
    bare = network.crossings[(network.crossings["checkpoints"].map(len) == 0) & (network.crossings["mode"] == "road")]
    spots = bare.geometry
    rows = gpd.GeoDataFrame(
        pd.concat([new_checkpoint(network, p.x, p.y, number=i) for i, p in enumerate(spots)], ignore_index=True)
    ).assign(open=False)
    quick = gate_lines(network, rows, bare["crossing_id"].tolist())
    built = add_checkpoints(network, rows)
    for is_open in (False, True):
        one, other = ((set_open(n, rows["checkpoint_id"], True) if is_open else n) for n in (quick, built))
        a, b = compile_router(one, "road"), compile_router(other, "road")
        assert (a.nodes == b.nodes).all()
        for field in (*FIELDS.values(), DOMESTIC):
            np.testing.assert_allclose(a.trees(a.nodes, field), b.trees(b.nodes, field), rtol=1e-12, atol=1e-9)
        for column in ("open", "crossings", "status", "class", "wait_min"):
            assert one.checkpoints[column].tolist() == other.checkpoints[column].tolist()
        assert one.crossings[["crossing_id", "status", "checkpoints"]].equals(
            other.crossings[["crossing_id", "status", "checkpoints"]]
        )
