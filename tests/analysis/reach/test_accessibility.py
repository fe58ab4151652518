"""Potentials and times to checkpoints against brute force by networkx, and by hand."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray

from analysis.reach.accessibility import (
    Targets,
    added_minutes,
    decay,
    lost_access,
    nearest_checkpoint,
    own_rows,
    posts,
    potentials,
    settlement_times,
    time_to_checkpoint,
    touches_frame,
    travel_times,
    with_self_times,
)
from analysis.reach.decays import Decay, exponential, gaussian, power, zones
from layers.errors import NetworkError
from network.build import FIELDS, NETWORKS, Network, with_costs
from network.edits import add_places, set_open, set_wait
from network.modes import Mode
from network.routing import Points, compile_router
from tests.analysis.helpers import (
    PLAIN,
    Case,
    at_settlements,
    case,
    cheapest,
    domestic_graph,
    drawn_land,
    drive_min,
    network_of,
    walk,
    with_points,
)
from tests.borders import ROUNDED

SEEDS = range(6)
HALF = 90.0


def rounded(network: Network, half_life: float) -> float:
    """Return by what share a potential may be off.

    Each link of a way half a thousandth of a minute, and ln 2/h of it for each minute.
    """
    return float(np.log(2)) / half_life * ROUNDED * len(network.links)


def brute(one: Case, points: Points, mode: Mode) -> pd.DataFrame:
    """Return the six potentials by a double loop over shortest paths of networkx."""
    towns = one.network.settlements
    minutes = {}
    for name in (*NETWORKS, "domestic"):
        domestic = name == "domestic"
        graph = domestic_graph(one.network, mode) if domestic else cheapest(one.network, mode, FIELDS[name])
        names = with_points(graph, one.router, points)
        minutes[name] = walk(graph, names, towns["node"].tolist())
    rows = []
    for i in range(len(points)):
        row = {f"potential_{what}_{n}": 0.0 for what in ("domestic", "cross") for n in NETWORKS}
        for j, (side, people) in enumerate(zip(towns["side"], towns["population"], strict=True)):
            home = side == points.side[i]
            for n in NETWORKS:
                t = minutes["domestic" if n == "actual" and home else n][i, j]
                if np.isfinite(t):
                    row[f"potential_{'domestic' if home else 'cross'}_{n}"] += people * 0.5 ** (t / HALF)
        rows.append(row if points.joined[i] else dict.fromkeys(row, np.nan))
    return pd.DataFrame(rows)


@pytest.mark.parametrize("seed", SEEDS)
def test_potentials_are_those_of_a_double_loop(seed: int) -> None:
    mode: Mode = "any" if seed % 2 else "road"
    one = case(seed, mode)
    for points in (one.points, at_settlements(one.network, one.router)):
        found = potentials(one.router, points, one.targets, half_life_min=HALF)
        expected = brute(one, points, mode)
        for column in expected:
            assert found[column].to_numpy() == pytest.approx(expected[column].to_numpy(), rel=1e-9, nan_ok=True)
        assert (expected["potential_cross_actual"] > 0).any()


@pytest.mark.parametrize("seed", SEEDS)
def test_a_cell_reaches_what_a_settlement_at_its_centre_would(seed: int) -> None:
    """Cells are never in the graph; the same places built into it give the same minutes."""
    one = case(seed)
    xy = list(zip(one.cells["lon"], one.cells["lat"], strict=True))
    placed, nodes = add_places(one.network, xy, one.cells["side"].tolist())
    router = compile_router(placed, "road")
    for field in FIELDS.values():
        built = router.table(nodes, one.targets.node, field)
        quick = one.router.point_table(one.points, one.targets.node, field)
        assert (np.isinf(built) == np.isinf(quick)).all()
        # What joins a link within a metre of its end takes the end: 0.003 min at 20 km/h.
        assert quick[np.isfinite(quick)] == pytest.approx(built[np.isfinite(built)], abs=0.01)
        assert np.isfinite(quick).any()


@pytest.mark.parametrize("mode", ["road", "any"])
@pytest.mark.parametrize("seed", SEEDS)
def test_the_border_only_ever_costs(seed: int, mode: Mode) -> None:
    one = case(seed, mode)
    found = potentials(one.router, one.points, one.targets)
    for what in ("domestic", "cross"):
        free, allowed, real = (found[f"potential_{what}_{n}"].dropna() for n in NETWORKS)
        assert (real <= allowed * (1 + 1e-12)).all()
        assert (allowed <= free * (1 + 1e-12)).all()
    assert (found["potential_cross_actual"] < found["potential_cross_open"] * 0.999).any()
    assert (found["potential_cross_open"] < found["potential_cross_borderless"] * 0.999).any()


@pytest.mark.parametrize("seed", SEEDS)
def test_the_loss_is_detour_and_delay(seed: int) -> None:
    one = case(seed, "any")
    found = potentials(one.router, one.points, one.targets)
    known = found["potential_cross_borderless"] > 0
    free, allowed, real = (found.loc[known, f"potential_cross_{n}"] for n in NETWORKS)
    loss, detour, delay = (found.loc[known, c] for c in ("border_loss", "loss_detour", "loss_delay"))
    assert known.any()
    assert np.abs(loss - (detour + delay)).max() <= 1e-12
    assert loss.to_numpy() == pytest.approx((1 - real / free).to_numpy(), abs=1e-12)
    assert detour.to_numpy() == pytest.approx((1 - allowed / free).to_numpy(), abs=1e-12)
    assert loss.between(-1e-12, 1).all()
    assert (detour >= -1e-12).all()
    assert (delay >= -1e-12).all()
    assert found["lost_potential"].to_numpy() == pytest.approx(
        (found["potential_cross_borderless"] - found["potential_cross_actual"]).to_numpy(), nan_ok=True
    )
    ratio = found["potential_cross_actual"] / found["potential_domestic_actual"]
    assert found["cross_ratio"].to_numpy() == pytest.approx(ratio.to_numpy(), nan_ok=True)


ANY = [gaussian(80.0), power(1.0, 15.0), zones({60: 1.0, 180: 0.4})]


@pytest.mark.parametrize("fades", ANY)
@pytest.mark.parametrize("seed", range(3))
def test_any_decay_keeps_the_order_and_adds_up(seed: int, fades: Decay) -> None:
    one = case(seed, "any")
    times = travel_times(one.router, one.points, one.targets)
    found = potentials(one.router, one.points, one.targets, decay=fades, times=times)
    home = one.points.side[:, None] == one.targets.side[None]
    for n in NETWORKS:
        expected = [
            sum(p * f for p, f in zip(one.targets.people, row, strict=True))
            for row in np.where(~home, fades(times[n]), 0)
        ]
        known = one.points.joined
        assert found[f"potential_cross_{n}"][known].to_numpy() == pytest.approx(np.array(expected)[known], rel=1e-9)
    free, allowed, real = (found[f"potential_cross_{n}"].dropna() for n in NETWORKS)
    assert (real <= allowed * (1 + 1e-12)).all()
    assert (allowed <= free * (1 + 1e-12)).all()
    lost = found["border_loss"].dropna()
    assert len(lost)
    assert (lost - found["loss_detour"] - found["loss_delay"]).abs().max() <= 1e-12


def test_given_times_change_no_bit() -> None:
    one = case(3)
    times = travel_times(one.router, one.points, one.targets)
    grown = potentials(one.router, one.points, one.targets, half_life_min=HALF)
    for options in ({"half_life_min": HALF}, {"decay": exponential(HALF)}):
        pd.testing.assert_frame_equal(
            potentials(one.router, one.points, one.targets, times=times, **options),  # type: ignore[arg-type]
            grown,
            check_exact=True,
        )


def test_potentials_of_networks_that_are_known_stay() -> None:
    """Other waits alone are weighed again: every bit, and what is known is not looked at."""
    one = case(3)
    router, points, targets = one.router, one.points, one.targets
    times = travel_times(router, points, targets)
    whole = potentials(router, points, targets, times=times)
    slower = times | {"actual": times["actual"] + 7.0}
    expected = potentials(router, points, targets, times=slower)
    known = whole[[c for c in whole if c.endswith(("borderless", "open"))]]
    found = potentials(router, points, targets, times=slower | {"open": times["open"] * np.nan}, known=known)
    pd.testing.assert_frame_equal(found, expected, check_exact=True)


def test_what_the_border_adds_and_takes() -> None:
    inf = float("inf")
    minutes = {
        "borderless": np.array([10.0, 20.0, inf]),
        "open": np.array([15.0, inf, inf]),
        "actual": np.array([75.0, inf, inf]),
    }
    added = added_minutes(minutes, "x")
    nan = float("nan")
    expected = [[10, 15, 75, 5, 60, 65], [20, nan, nan, nan, nan, nan], [nan] * 6]
    assert added.to_numpy() == pytest.approx(np.array(expected), nan_ok=True)
    columns = ["x_borderless_min", "x_open_min", "x_actual_min", "x_detour_min", "x_delay_min", "x_border_min"]
    assert list(added) == columns
    lost = lost_access({"borderless": np.array([9.0]), "open": np.array([7.0]), "actual": np.array([8.0])}, "y")
    assert lost.iloc[0].tolist() == [9, 7, 8, 2, -1, 1]


def cost(times: pd.Series) -> NDArray[np.float64]:
    return times.fillna(np.inf).to_numpy()


@pytest.mark.parametrize("seed", SEEDS)
def test_closing_a_checkpoint_helps_nobody_across(seed: int) -> None:
    one = case(seed)
    before = potentials(one.router, one.points, one.targets)
    near = time_to_checkpoint(one.network, one.router, one.points)["time_to_checkpoint_min"]
    home = settlement_times(one.network, one.router)["time_to_checkpoint_min"]
    cross = [c for c in before if c.startswith("potential_cross")]
    worse = {"potential": False, "time": False}
    ids = one.network.checkpoints.query("open and mode == 'road'")["checkpoint_id"]
    for checkpoint in ids:
        closed = set_open(one.network, [checkpoint], False)
        router = compile_router(closed, "road")
        after = potentials(router, one.points, one.targets)
        assert (after[cross].dropna() <= before[cross].dropna() * (1 + 1e-12)).all(axis=None)
        assert after["potential_cross_borderless"].equals(before["potential_cross_borderless"])
        later = time_to_checkpoint(closed, router, one.points)["time_to_checkpoint_min"]
        assert (cost(later) >= cost(near) * (1 - 1e-12)).all()
        assert (cost(settlement_times(closed, router)["time_to_checkpoint_min"]) >= cost(home) * (1 - 1e-12)).all()
        worse["potential"] |= bool((after["potential_cross_actual"] < before["potential_cross_actual"] * 0.999).any())
        worse["time"] |= bool((cost(later) > cost(near) + 0.1).any())
    assert all(worse.values())


def through_the_neighbour() -> Network:
    """Return two towns of a, joined by a road through b alone; a town in b between them; two checkpoints."""
    nodes = [(-50.0, 100.0), (50.0, 100.0), (50.0, 0.0), (50.0, -100.0), (-50.0, -100.0)]
    land = drawn_land(
        nodes,
        [(0, 1), (1, 2), (2, 3), (3, 4)],
        [(0.0, 100.0), (0.0, -100.0)],
        [nodes[0], nodes[2], nodes[4]],
        waits=[20.0, 40.0],
        population=[1000, 500, 3000],
    )
    return network_of(land)


def test_a_wait_at_home_is_charged_only_where_the_study_says_so() -> None:
    network = through_the_neighbour()
    nodes = [(-50.0, 100.0), (50.0, 100.0), (50.0, 0.0), (50.0, -100.0), (-50.0, -100.0)]
    moving = drive_min(*nodes)
    slow = set_wait(network, "c1", 140.0)
    for table, wait in ((network, 60.0), (slow, 160.0)):
        passed = replace(table, links=with_costs(table.links, ()), domestic_wait=())
        router = compile_router(table, "road")
        points, targets = at_settlements(table, router), Targets.of(table, router)
        free = potentials(compile_router(passed, "road"), points, targets, half_life_min=HALF)
        charged = potentials(router, points, targets, half_life_min=HALF)
        # In transit two controls are passed, and a wait belongs to each.
        by_hand = [1000 + 3000 * 0.5 ** (t / HALF) for t in (moving, moving + wait)]
        off = rounded(table, HALF)
        assert free["potential_domestic_actual"][0] == pytest.approx(by_hand[0], rel=off)
        assert charged["potential_domestic_actual"][0] == pytest.approx(by_hand[1], rel=off)
        assert charged["potential_domestic_open"][0] == pytest.approx(by_hand[0], rel=off)
        assert free["potential_cross_actual"].equals(charged["potential_cross_actual"])
        times = travel_times(router, points, targets)
        near = ROUNDED * len(table.links)
        assert times["actual"][0, 2] == pytest.approx(moving + wait, abs=near)
        assert times["actual"][0, 1] == pytest.approx(drive_min(*nodes[:3]) + 20, abs=near)


@pytest.mark.parametrize("seed", SEEDS)
def test_a_wait_changes_no_potential_at_home_where_none_is_charged_in_transit(seed: int) -> None:
    one = case(seed)
    slow, moved = replace(one.network, links=with_costs(one.network.links, ()), domestic_wait=()), False
    before = potentials(compile_router(slow, "road"), one.points, one.targets)
    for checkpoint in one.network.checkpoints.query("open")["checkpoint_id"]:
        slow = set_wait(slow, checkpoint, 500.0)
    after = potentials(compile_router(slow, "road"), one.points, one.targets)
    for n in NETWORKS:
        assert after[f"potential_domestic_{n}"].equals(before[f"potential_domestic_{n}"])
        moved |= not after[f"potential_cross_{n}"].equals(before[f"potential_cross_{n}"])
    assert moved


def one_road(population: list[int]) -> Network:
    """Return a town on each side of one road, and a checkpoint where half an hour is waited."""
    nodes = [(-60.0, 0.0), (40.0, 0.0)]
    return network_of(drawn_land(nodes, [(0, 1)], [(0.0, 0.0)], nodes, waits=[30.0], population=population))


def test_people_half_a_half_life_away_by_hand() -> None:
    network = one_road([1000, 5000])
    router = compile_router(network, "road")
    moving = drive_min((-60.0, 0.0), (40.0, 0.0))
    points, targets = at_settlements(network, router), Targets.of(network, router)
    found = potentials(router, points, targets, half_life_min=moving + 30)
    off = rounded(network, moving + 30)
    assert found["potential_cross_actual"].tolist() == pytest.approx([2500, 500], rel=off)
    assert found["potential_domestic_actual"].tolist() == pytest.approx([1000, 5000])
    fast = 0.5 ** (moving / (moving + 30))
    assert found["potential_cross_open"].tolist() == pytest.approx([5000 * fast, 1000 * fast], rel=off)
    assert found["border_loss"].tolist() == pytest.approx([1 - 0.5 / fast] * 2, abs=2 * off)
    assert found["loss_detour"].tolist() == pytest.approx([0, 0])
    assert found["lost_potential"].tolist() == pytest.approx([5000 * fast - 2500, 1000 * fast - 500], abs=5000 * off)
    assert found["cross_ratio"].tolist() == pytest.approx([2.5, 0.1], rel=off)


def test_people_of_ones_own_place_by_hand() -> None:
    """A town of 314 km² at 30 km/h.

    Half its radius of 10 km takes ten minutes, on all networks, and nothing across changes.
    """
    network = one_road([1000, 5000])
    router = compile_router(network, "road")
    points, targets = at_settlements(network, router), Targets.of(network, router)
    assert own_rows(router, points, targets).tolist() == [0, 1]
    area = np.array([np.pi * 100, np.nan])
    plain = potentials(router, points, targets, half_life_min=20.0)
    found = potentials(router, points, targets, half_life_min=20.0, self_area_km2=area, self_kph=30.0)
    for n in NETWORKS:
        assert found[f"potential_domestic_{n}"].tolist() == pytest.approx([1000 * 0.5**0.5, 5000])
        assert found[f"potential_cross_{n}"].equals(plain[f"potential_cross_{n}"])
    assert plain["potential_domestic_open"].tolist() == [1000, 5000]


def test_people_of_a_cell_stand_at_its_mean_time() -> None:
    network = one_road([1000, 5000])
    router = compile_router(network, "road")
    spots = np.vstack([PLAIN.lonlat(-50.0, 0.0), PLAIN.lonlat(30.0, 0.0)])
    points = router.attach(spots, np.array(["a", "b"], dtype=object), limit_km=50.0)
    targets = Targets.of(network, router)
    times = travel_times(router, points, targets)
    area = np.array([np.pi * 400, np.pi * 100])
    found = with_self_times(times, points, targets, np.array([0, -1]), area, kph=40.0)
    for n in NETWORKS:
        assert found[n][0, 0] == pytest.approx(15)
        kept = np.ones((2, 2), bool)
        kept[0, 0] = False
        assert (found[n][kept] == times[n][kept]).all()
        assert times[n][0, 0] != found[n][0, 0]  # the table given is left as it was
    with pytest.raises(NetworkError, match="place of the other side"):
        with_self_times(times, points, targets, np.array([1, -1]), area)
    with pytest.raises(NetworkError, match="self-potential of 1 targets and 2 areas"):
        with_self_times(times, points, targets, np.array([1]), area)


def test_without_self_time_the_result_hangs_on_zoning() -> None:
    """Two towns 20 km apart, or the same people as one: without areas the merger alone brings more than with them."""
    apart = [(-60.0, 0.0), (-40.0, 0.0), (40.0, 0.0)]
    two = network_of(drawn_land(apart, [(0, 1), (1, 2)], [(0.0, 0.0)], apart, population=[1000, 1000, 1]))
    one = network_of(drawn_land(apart, [(0, 1), (1, 2)], [(0.0, 0.0)], [apart[0], apart[2]], population=[2000, 1]))
    told = {}
    for name, network in (("two", two), ("one", one)):
        router = compile_router(network, "road")
        points, targets = at_settlements(network, router), Targets.of(network, router)
        size = {"two": 3, "one": 2}[name]
        area = np.full(size, np.nan)
        area[0] = np.pi * (10 if name == "two" else 20) ** 2
        for what, options in (("without", {}), ("with", {"self_area_km2": area, "self_kph": 60.0})):
            told[name, what] = potentials(router, points, targets, half_life_min=20.0, **options)[
                "potential_domestic_open"
            ][0]  # type: ignore[arg-type]
    between, off = 0.5 ** (drive_min(*apart[:2]) / 20), rounded(two, 20)
    assert told["two", "without"] == pytest.approx(1000 + 1000 * between, rel=off)
    assert told["one", "without"] == pytest.approx(2000)
    assert told["two", "with"] == pytest.approx(1000 * 0.5 ** (5 / 20) + 1000 * between, rel=off)
    assert told["one", "with"] == pytest.approx(2000 * 0.5 ** (10 / 20))
    assert abs(told["one", "with"] / told["two", "with"] - 1) < abs(told["one", "without"] / told["two", "without"] - 1)


def test_a_settlement_without_a_known_population_is_nobody() -> None:
    network = one_road([1000, 0])
    router = compile_router(network, "road")
    targets = Targets.of(network, router)
    assert targets.people.tolist() == [1000]
    assert targets.side.tolist() == ["a"]
    found = potentials(router, at_settlements(network, router), targets)
    assert found["potential_cross_borderless"][0] == 0
    assert np.isnan(found["border_loss"][0])
    assert found["potential_cross_actual"][1] > 0
    assert np.isnan(found["cross_ratio"][1])  # nobody at home: no ratio


def test_no_way_is_no_number() -> None:
    network = set_open(one_road([1000, 5000]), ["c0"], False)
    router = compile_router(network, "road")
    lonlat = np.vstack([PLAIN.lonlat(-60.0, 0.0), PLAIN.lonlat(-60.0, 140.0)])
    points = router.attach(lonlat, np.array(["a", "a"], dtype=object), limit_km=50.0)
    assert points.joined.tolist() == [True, False]
    found = potentials(router, points, Targets.of(network, router))
    assert found.iloc[1].isna().all()
    assert found["potential_cross_open"][0] == 0
    assert found["border_loss"][0] == 1
    assert found["loss_detour"][0] == 1
    assert found["loss_delay"][0] == 0
    for table in (time_to_checkpoint(network, router, points), settlement_times(network, router)):
        assert table["time_to_checkpoint_min"].isna().all()
        assert (table["nearest_checkpoint"] == "").all()


def test_decay_halves_and_ends() -> None:
    assert decay(np.array([0.0, 20.0, 60.0, np.inf]), 20.0).tolist() == [1.0, 0.5, 0.125, 0.0]
    for half_life in (0.0, -5.0, float("nan")):
        with pytest.raises(NetworkError, match="allowed is more than 0"):
            decay(np.zeros(1), half_life)


@pytest.mark.parametrize("seed", SEEDS)
def test_the_nearest_checkpoint_is_the_least_of_all_ways_at_home(seed: int) -> None:
    one = case(seed)
    graph = cheapest(one.network, "road", "open_min")
    names = with_points(graph, one.router, one.points)
    gates = one.network.links.query("kind == 'gate' and passable and mode == 'road'")
    ends = gates[["checkpoint_id", "u"]].drop_duplicates()
    side = one.network.nodes["side"].to_numpy()[ends["u"]]
    minutes = walk(graph, [*names, *one.network.settlements["node"]], ends["u"].tolist())
    found = pd.concat(
        [time_to_checkpoint(one.network, one.router, one.points), settlement_times(one.network, one.router)]
    )
    reached = 0
    for row, own, time, which in zip(
        minutes, [*one.points.side, *one.network.settlements["side"]], *(found[c] for c in found), strict=True
    ):
        mine = np.where(side == own, row, np.inf)
        if np.isinf(mine.min()):
            assert np.isnan(time)
            assert which == ""
        else:
            reached += 1
            assert time == pytest.approx(mine.min(), rel=1e-9, abs=1e-9)
            assert mine[(ends["checkpoint_id"] == which).to_numpy()].min() == pytest.approx(time, rel=1e-9, abs=1e-9)
    assert reached > 10
    assert set(posts(one.network, one.router)["checkpoint_id"]) == set(ends["checkpoint_id"])


def test_the_time_to_a_checkpoint_holds_no_wait() -> None:
    network = one_road([1, 1])
    router = compile_router(network, "road")
    nodes = [drive_min((-60.0, 0.0), (0.0, 0.0)), drive_min((0.0, 0.0), (40.0, 0.0))]
    assert settlement_times(network, router)["time_to_checkpoint_min"].tolist() == pytest.approx(nodes, rel=1e-4)
    minutes, which = nearest_checkpoint(network, router)
    own = posts(network, router)
    assert own["side"].tolist() == ["a", "b"]
    assert minutes[router.positions(own["node"].to_numpy())].tolist() == [0, 0]
    assert set(which) == {"c0"}


def test_ways_by_the_frame_are_flagged() -> None:
    """One town's only road to the checkpoint runs by a node at the frame, another's does not."""
    nodes = [(-60.0, 100.0), (-250.0, 50.0), (-60.0, 0.0), (60.0, 0.0), (60.0, 100.0)]
    land = drawn_land(nodes, [(0, 1), (1, 2), (2, 3), (3, 4)], [(0.0, 0.0)], [nodes[0], nodes[3]])
    network = network_of(land)
    router = compile_router(network, "road")
    spots = [(-70.0, 98.0), (-62.0, 0.5), (61.0, 99.0)]
    points = router.attach(
        np.vstack([PLAIN.lonlat(*p) for p in spots]), np.array(["a", "a", "b"], dtype=object), limit_km=50.0
    )
    edge = PLAIN.lonlat(-250.0, 50.0)[0]
    frame = (np.abs(network.nodes[["x", "y"]].to_numpy(float) - edge) < 1e-9).all(axis=1)
    assert frame.sum() == 1
    assert touches_frame(network, router, points, frame).tolist() == [True, False, False]
    assert not touches_frame(network, router, points, np.zeros(len(network.nodes), bool)).any()
