"""Answers of the interactive page equal networks built again with the edits, and independent measures."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import pandas as pd
import pytest
import shapely

from analysis.planning.whatif import Answer, Standing, answer, stand
from analysis.reach.accessibility import Targets, potentials, settlement_times, time_to_checkpoint
from analysis.reach.decays import exponential
from analysis.trips.choice import choose_checkpoints
from analysis.trips.demand import model_demand
from analysis.trips.shares import shares_of
from analysis.units import h3_cells
from gis.measures import join_points
from gis.queries.edits import Close, Edit, Wait, apply_edits
from gis.queries.new_posts import Open
from gis.queries.standing import Base
from gis.queries.standing import table_of as _table
from gis.queries.whatif import KEPT, edits_key, whatif
from layers.crs import WGS84, project
from layers.errors import NetworkError, PlaceError
from network.build import Network
from network.modes import Mode
from network.openings import joinable_of
from network.routing import compile_router
from tests.borders import ROUNDED, ground_of, network_of, random_land
from tests.gis.test_openings import minutes_across

CITY = 20_000.0
SEEDS = range(8)


@cache
def place(seed: int) -> tuple[Network, Any]:
    land = random_land(seed)
    ground = ground_of(land)
    return network_of(land), h3_cells(ground.regions, ground.border, ground.crs, resolution=4, depth_km=60.0).assign(
        population=1
    )


def standing(network: Network, cells: Any, mode: Mode = "road") -> Standing:
    return stand(
        network,
        compile_router(network, mode),
        cells,
        city_people=CITY,
        fades=exponential(120.0),
        half_life_min=120.0,
        theta=0.02,
    )


@cache
def base(seed: int, mode: Mode = "road") -> Base:
    network, cells = place(seed)
    own = standing(network, cells, mode)
    before = answer(own, own.trees, _table(network))
    regions = pd.DataFrame({"region": sorted(set(network.settlements["region"]) - {""})}).assign(name="x", side="a")
    from gis.queries.standing import regions_of as _regions

    return Base(None, network, own, joinable_of(network), before, regions, _regions(regions, before))  # type: ignore[arg-type]


def random_edits(rng: np.random.Generator, network: Network) -> list[Edit]:
    ids = network.checkpoints["checkpoint_id"].tolist()
    edits: list[Edit] = []
    for _ in range(int(rng.integers(1, 5))):
        kind = rng.integers(3)
        if kind == 0:
            edits.append(Close(str(rng.choice(ids))))
        elif kind == 1:
            direction = str(rng.choice(["both", "both", "a to b", "b to a"]))
            edits.append(Wait(str(rng.choice(ids)), float(rng.integers(0, 200)), direction))
        else:
            line = network.base.border.line
            at = project(
                shapely.line_interpolate_point(shapely.line_merge(line), rng.uniform(0.05, 0.95), normalized=True),
                network.crs,
                WGS84,
            )
            mode = "rail" if rng.random() < 0.2 else "road"
            edits.append(
                Open(
                    round(at.x + rng.normal(0, 0.05), 4),
                    round(at.y + rng.normal(0, 0.05), 4),
                    mode,
                    float(rng.integers(0, 60)),
                )
            )
    return edits


def same(
    one: pd.DataFrame, two: pd.DataFrame, columns: tuple[str, ...], *, rtol: float = 1e-7, atol: float = 1e-7
) -> None:
    for column in columns:
        np.testing.assert_allclose(
            one[column].to_numpy(float), two[column].to_numpy(float), rtol=rtol, atol=atol, err_msg=column
        )


TIMES = (
    "time_to_checkpoint_min",
    "time_to_city_min",
    "potential_cross_borderless",
    "potential_cross_actual",
    "border_loss",
)


def agree(one: Answer, two: Answer, cells: Any = slice(None)) -> None:
    # A network that is built again splits links anew where its new posts join, and shares of a piece on the map are not
    # quite those of the
    # whole on the ellipsoid: cells that join such a link move by a hundredth of a second.
    same(one.cells[cells], two.cells[cells], TIMES, rtol=1e-5, atol=1e-3)
    # The pieces are rounded one by one: one and a half thousandths of a minute for each of two that are split on a way.
    same(one.settlements, two.settlements, TIMES, rtol=2e-5, atol=6 * ROUNDED)
    same(one.checkpoints, two.checkpoints, ("share", "share_of_mode", "wait_min", "open"))


@pytest.mark.parametrize("seed", SEEDS)
def test_a_border_as_it_stands_is_what_a_run_measures(seed: int) -> None:
    network, cells = place(seed)
    router = compile_router(network, "road")
    found = base(seed).before
    points, ground = join_points(
        network, router, cells[["lon", "lat"]].to_numpy(float), cells["side"].to_numpy(dtype=object)
    )
    pull = potentials(router, points, Targets.of(network, router))
    columns = ("potential_cross_borderless", "potential_cross_actual", "border_loss")
    same(found.cells, pull.iloc[: len(cells)], columns)
    same(found.settlements, pull.iloc[len(cells) :], columns)
    same(found.cells, time_to_checkpoint(network, router, ground), ("time_to_checkpoint_min",))
    same(found.settlements, settlement_times(network, router), ("time_to_checkpoint_min",))
    across = minutes_across(network, CITY)
    np.testing.assert_allclose(
        found.settlements["time_to_city_min"], np.where(np.isfinite(across), across, np.nan), rtol=1e-9
    )


@pytest.mark.parametrize("theta", [0.001, 0.02, 0.5, 50.0])
@pytest.mark.parametrize("seed", SEEDS)
def test_shares_alone_are_those_of_the_whole_choice(seed: int, theta: float) -> None:
    try:
        demand = model_demand(place(seed)[0])
    except NetworkError:
        return
    whole = choose_checkpoints(demand, theta=theta).share
    pd.testing.assert_series_equal(shares_of(demand, theta=theta), whole, rtol=1e-9, atol=1e-12, check_names=False)


@pytest.mark.parametrize("draw", range(6))
@pytest.mark.parametrize("seed", SEEDS)
def test_random_edits_equal_a_network_built_with_them(seed: int, draw: int) -> None:
    network, cells = place(seed)
    edits = random_edits(np.random.default_rng([seed, draw]), network)
    try:
        edited, _ = apply_edits(network, edits)
    except PlaceError:
        with pytest.raises(PlaceError):
            whatif(base(seed), edits)
        return
    own = standing(edited, cells)
    found = whatif(base(seed), edits)
    assert not found.rebuilt
    # A bent link that a new post splits offers a cell two pieces in the place of one, and a network that is built again
    # joins it to both.
    # The page leaves cells where they stand.
    joins, was = (np.bincount(s.points.point)[: len(cells)] for s in (own, base(seed).standing))
    assert (joins == was).mean() > 0.9
    agree(found.after, answer(own, own.trees, _table(edited)), joins == was)


@pytest.mark.parametrize("mode", ["any", "rail"])
@pytest.mark.parametrize("seed", range(4))
def test_so_they_do_by_road_and_rail_together_and_by_rail(seed: int, mode: Mode) -> None:
    network, cells = place(seed)
    for draw in range(3):
        edits = random_edits(np.random.default_rng([seed, draw, 7]), network)
        try:
            edited, _ = apply_edits(network, edits)
        except PlaceError:
            continue
        own = standing(edited, cells, mode)
        found = whatif(base(seed, mode), edits)
        joins, was = (np.bincount(s.points.point)[: len(cells)] for s in (own, base(seed, mode).standing))
        agree(found.after, answer(own, own.trees, _table(edited)), joins == was)


@pytest.mark.parametrize("seed", SEEDS)
def test_no_edits_and_edits_undone_give_the_base_back(seed: int) -> None:
    found = whatif(base(seed), [])
    agree(found.after, base(seed).before)
    assert found.settlements.empty
    line = place(seed)[0].base.border.line
    at = project(
        shapely.line_interpolate_point(shapely.line_merge(line), 0.5, normalized=True), place(seed)[0].crs, WGS84
    )
    agree(whatif(base(seed), [Open(at.x, at.y), Close("new-1")]).after, base(seed).before)


def test_answers_are_kept_by_content_and_no_more_than_a_few() -> None:
    edits = [Wait(str(place(0)[0].checkpoints["checkpoint_id"].iloc[0]), 7.0)]
    first = whatif(base(0), edits)
    assert whatif(base(0), list(edits)) is first
    assert edits_key([Close("x")]) != edits_key([Open(1.0, 2.0)]) != edits_key([Open(2.0, 1.0)])
    for minutes in range(KEPT + 5):
        whatif(base(0), [Wait(edits[0].checkpoint, float(minutes))])  # type: ignore[union-attr]
    assert len(base(0).kept) == KEPT


@pytest.mark.parametrize(
    ("edits", "what"),
    [
        ([Close("Atlantis")], "Atlantis"),
        ([Wait("c", -1.0)], "c"),
        ([Open(0.0, 0.0)], "border line"),
        ([Open(0.0, 0.0, "boat")], "allowed is road or rail"),
    ],
)
def test_what_can_not_be_is_refused_by_name(edits: list[Edit], what: str) -> None:
    with pytest.raises(PlaceError, match=what):
        whatif(base(1), edits)
