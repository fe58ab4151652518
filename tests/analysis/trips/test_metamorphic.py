"""What must not change trips and closures: the order of rows, which side is called a, and the unit of population."""

from __future__ import annotations

from dataclasses import replace

import pandas as pd
import pytest

from analysis.closures.checkpoints import close_each, close_pairs, fallbacks, pair_fallbacks
from analysis.connectivity.matched import border_regression, matched_bands
from analysis.connectivity.pairs import largest_places, place_pairs
from analysis.trips.choice import choose_checkpoints
from analysis.trips.demand import model_demand
from network.routing import compile_router
from tests.borders import Land, network_of, random_land

SEEDS = (1, 4)
PEOPLE = ["people_over_30min", "people_over_60min", "people_cut_off"]


def measured(land: Land) -> dict[str, pd.DataFrame]:
    """Return the tables of a land, in an order of their own."""
    network = network_of(land)
    demand = model_demand(network)
    choice = choose_checkpoints(demand)
    alone, both = close_each(demand, choice), close_pairs(demand, choice, top=4)
    # Which of two is named first follows their shares, and two of one crossing have the same.
    names = [sorted(p) for p in both[["closed_1", "closed_2"]].to_numpy().tolist()]
    both[["closed_1", "closed_2"]] = names
    places = largest_places(network.settlements)
    pairs = place_pairs(network.settlements, compile_router(network), places)
    return {
        "alone": alone.drop(columns="fallback").set_index("checkpoint_id").sort_index(),
        "both": both.drop(columns="mode").set_index(["closed_1", "closed_2"]).sort_index(),
        "fallbacks": fallbacks(choice).set_index(["closed", "fallback"]).sort_index(),
        "fallbacks_pairs": pair_fallbacks(choice, both).set_index(["closed_1", "closed_2", "fallback"]).sort_index(),
        "bands": matched_bands(pairs),
        "regression": border_regression(pairs).set_index(["network", "to_km"]),
    }


def without_one_way(seed: int) -> Land:
    """Return a random land without one-way roads, on which a way back is as long as a way there."""
    land = random_land(seed)
    return replace(land, roads=land.roads.assign(oneway=False))


def reversed_rows(land: Land) -> Land:
    """Return the land with the rows of every layer in the opposite order."""
    layers = ("regions", "roads", "railways", "checkpoints", "settlements")
    return replace(land, **{n: getattr(land, n).iloc[::-1].reset_index(drop=True) for n in layers})


def swapped(land: Land) -> Land:
    """Return the land with the other country as side a."""
    return replace(land, countries=land.countries[::-1])


def richer(land: Land) -> Land:
    """Return the land with ten times the people."""
    return replace(land, settlements=land.settlements.assign(population=land.settlements["population"] * 10))


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("change", [reversed_rows, swapped, richer])
def test_nothing_else_changes(seed: int, change: object) -> None:
    land = without_one_way(seed)
    before, after = measured(land), measured(change(land))  # type: ignore[operator]
    for name, table in before.items():
        found = after[name]
        if change is richer and name in ("alone", "both"):
            found = found.assign(**{c: found[c] / 10 for c in PEOPLE})
        pd.testing.assert_frame_equal(found, table, rtol=1e-6, atol=1e-7, check_dtype=False, obj=name)
