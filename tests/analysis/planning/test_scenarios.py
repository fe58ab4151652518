"""A scenario's answer, by hand."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from analysis.planning.scenarios import before_and_after, cell_changes, most_changed, totals
from analysis.reach.accessibility import Targets, potentials, settlement_times
from network.edits import set_open
from network.routing import compile_router
from tests.analysis.helpers import at_settlements, case

NAN = float("nan")


def test_two_states_side_by_side() -> None:
    before = pd.DataFrame({"id": ["p", "q", "r"], "name": ["P", "Q", "R"], "x": [1.0, 2.0, NAN], "y": [5, 6, 7]})
    after = pd.DataFrame({"id": ["q", "p", "new"], "name": ["Q", "P", "New"], "x": [2.5, NAN, 9.0], "y": [6, 5, 8]})
    found = before_and_after(before, after, "id", ("x", "y"), keep=("name",)).set_index("id")
    assert sorted(found.index) == ["new", "p", "q", "r"]
    assert found.loc["q"].tolist() == ["Q", 2.0, 2.5, 0.5, 6.0, 6.0, 0.0]
    assert found.loc["new", "name"] == "New"
    assert np.isnan(found.loc[["p", "r", "new"], "x_change"].astype(float)).all()
    assert found.loc["new", "x_after"] == 9.0
    assert np.isnan(found.loc["new", "x_before"])
    assert found.loc["p", "y_change"] == 0


def cells(potential: list[float], minutes: list[float]) -> pd.DataFrame:
    n = len(potential)
    return pd.DataFrame(
        {
            "cell": [f"h{i}" for i in range(n)],
            "side": ["a", "b"] * (n // 2) + ["a"] * (n % 2),
            "region": "A1",
            "population": [0, 10, 20, 30, 40][:n],
            "time_to_checkpoint_min": minutes,
            "potential_cross_actual": potential,
            "border_loss": [1 - p / 1000 for p in potential],
        }
    )


BEFORE = cells([100.0, 200.0, 300.0, 0.0, 400.0], [10.0, 20.0, 30.0, NAN, 50.0])
AFTER = cells([150.0, 260.0, 270.0, 5.0, 400.0], [5.0, 20.0, 33.0, 40.0, 50.0])


def test_the_change_of_cells() -> None:
    found = cell_changes(BEFORE, AFTER)
    assert found["cell"].tolist() == BEFORE["cell"].tolist()
    assert found["potential_cross_actual_change"].tolist() == [50, 60, -30, 5, 0]
    assert found["potential_change_pct"].tolist() == pytest.approx([50, 30, -10, NAN, 0], nan_ok=True)
    assert found["time_to_checkpoint_min_change"].tolist() == pytest.approx([-5, 0, 3, NAN, 0], nan_ok=True)
    assert found["border_loss_change"].tolist() == pytest.approx([-0.05, -0.06, 0.03, -0.005, 0])
    assert found["population"].tolist() == BEFORE["population"].tolist()


def test_who_gains_and_who_loses_weighted_by_people() -> None:
    found = most_changed(cell_changes(BEFORE, AFTER))
    # h0 is empty and h4 unchanged.
    assert {c: e for c, e in zip(found["cell"], found["effect"], strict=True) if c != "h3"} == {
        "h1": "gain",
        "h2": "loss",
    }
    people = found.set_index("cell")["people_potential_change"]
    assert people["h1"] == 600
    assert people["h2"] == -600


def test_a_cell_that_had_nothing_gains_from_nothing() -> None:
    """There is no per cent of nought, but 30 people who had no potential across the border have one now."""
    found = most_changed(cell_changes(BEFORE, AFTER)).set_index("cell")
    assert found.loc["h3", "people_potential_change"] == 150
    assert found.loc["h3", "effect"] == "gain"


def test_the_first_of_many() -> None:
    n = 9
    before = cells([100.0] * 5, [1.0] * 5)
    table = pd.concat([before.assign(cell=[f"{k}{c}" for c in before["cell"]], population=k) for k in range(1, n)])
    change = np.linspace(-20, 19, len(table))
    after = table.assign(potential_cross_actual=table["potential_cross_actual"] + change)
    found = most_changed(cell_changes(table, after), top=3)
    assert found["effect"].tolist() == ["gain"] * 3 + ["loss"] * 3
    weight = (table["population"] * change).sort_values()
    assert found["people_potential_change"].tolist() == pytest.approx([*weight[::-1][:3], *weight[:3]])


def test_an_unchanged_state_moves_nobody() -> None:
    for seed in range(3):
        one = case(seed)
        measured = potentials(one.router, one.points, one.targets).join(one.cells[["cell", "side", "region"]])
        measured = measured.assign(population=50, time_to_checkpoint_min=1.0)
        again = set_open(one.network, one.network.checkpoints.query("open")["checkpoint_id"], True)
        later = potentials(compile_router(again, "road"), one.points, one.targets).join(
            measured[["cell", "side", "region", "population", "time_to_checkpoint_min"]]
        )
        changes = cell_changes(measured, later)
        assert most_changed(changes).empty
        rounding = later.assign(potential_cross_actual=later["potential_cross_actual"] * (1 + 1e-9))
        assert most_changed(cell_changes(measured, rounding)).empty


def settlements(minutes: list[float], actual: list[float]) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "population": [100, 300, 50, 0],
            "time_to_checkpoint_min": minutes,
            "potential_cross_actual": actual,
            "potential_cross_borderless": [1000.0, 2000.0, 0.0, 9999.0],
        }
    )


def test_totals_by_hand() -> None:
    before = settlements([60.0, 120.5, NAN, 1.0], [500.0, 500.0, 0.0, 9999.0])
    after = settlements([60.0, 40.0, 120.0, 1.0], [500.0, 1000.0, 0.0, 9999.0])
    found = totals(before, after).set_index("measure")
    rows = found[["before", "after"]].to_numpy().tolist()
    assert rows[0] == pytest.approx([(100 * 60 + 300 * 120.5) / 400, (6000 + 12_000 + 6000) / 450])
    assert rows[1] == [100, 400]
    assert rows[2] == [100, 450]
    assert rows[3] == [300, 0]
    assert rows[4] == pytest.approx([200_000 / 450, 350_000 / 450])
    known = found[["known_share_before", "known_share_after"]].to_numpy().tolist()
    assert known[:4] == [[400 / 450, 1.0]] * 4
    assert known[4:] == [[1.0, 1.0]] * 2
    assert rows[5] == pytest.approx([1 - 200_000 / 700_000, 1 - 350_000 / 700_000])
    assert found["change"].to_numpy() == pytest.approx((found["after"] - found["before"]).to_numpy())
    assert found["unit"].tolist() == ["min", "persons", "persons", "persons", "person-equivalents", "share"]


def test_totals_of_nobody_are_no_number() -> None:
    empty = settlements([NAN] * 4, [0.0] * 4).assign(potential_cross_borderless=0.0)
    found = totals(empty, empty).set_index("unit")["before"]
    assert np.isnan(found[["min", "share"]]).all()
    assert (found["persons"] == 0).all()
    nobody = totals(empty.assign(population=0), empty)["before"]
    assert np.isnan(nobody[4])


def test_closing_the_busiest_checkpoint_never_helps_in_total() -> None:
    for seed in range(3):
        one = case(seed)
        states = []
        ids = one.network.checkpoints.query("open and mode == 'road'")["checkpoint_id"].tolist()
        for network in (one.network, set_open(one.network, ids, False)):
            router = compile_router(network, "road")
            pull = potentials(router, at_settlements(network, router), Targets.of(network, router))
            table = pull.join(settlement_times(network, router))
            states.append(table.assign(population=network.settlements["population"].to_numpy()))
        found = totals(*states).set_index("unit")
        assert (found.loc["persons", "after"] == 0).all()
        assert (found.loc["persons", "change"] <= 0).all()
        assert found.loc["person-equivalents", "after"] == 0
        assert found.loc["share", "after"] == 1
        assert np.isnan(found.loc["min", "after"])
