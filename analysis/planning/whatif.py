"""What closed, re-timed and new checkpoints change, answered in a fraction of a second.

Trees grown once, sums over posts at each answer.

The answer equals that of a network built and measured again, to rounding.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from analysis.planning.sample import standing_people
from analysis.trips.demand import ModeTimes, demand_between, modes_of, places_of
from analysis.trips.shares import shares_of
from layers.errors import NetworkError
from layers.sides import Side
from network.changes import Trees, grow_trees
from network.points import Points
from network.routing import compile_router

if TYPE_CHECKING:
    import geopandas as gpd
    from numpy.typing import NDArray

    from network.build import Network
    from network.routing import Router

KEPT = 25_000_000
"""Pairs of places at the most whose minutes without a border are kept: 200 MB."""
ACROSS: tuple[tuple[Side, Side], ...] = (("a", "b"), ("b", "a"))


@dataclass(frozen=True)
class Standing:
    """A border as it stands, with all that answers to its edits share; build it with `stand`.

    Attributes
    ----------
    cells
        Cells of the belt with ``cell``, ``side``, ``region``, ``population``.
    points
        Cells, then settlements, in the router's positions.
    trees
        By mode; those of `mode` hold cells and settlements, others settlements alone.
    cities
        Rows of the settlements that count as cities.
    fades
        Decay of the potential.
    sampled
        Where not 0, potentials and shares are estimates over a sample of so many places of a side
        (`analysis.planning.sample`), and cells have no potential; minutes are those of all places.
    free
        Minutes without a border, by `sampled` and the side where trips begin, once they were asked for.
    """

    network: Network
    cells: gpd.GeoDataFrame
    points: Points
    trees: Mapping[str, Trees]
    mode: str
    cities: NDArray[np.int64]
    fades: Callable[[NDArray[np.float64]], NDArray[np.float64]]
    half_life_min: float
    theta: float
    sampled: int = 0
    free: dict[tuple[int, Side], NDArray[np.float64]] = field(default_factory=dict, repr=False)


@dataclass(frozen=True)
class Answer:
    """One state of a border: minutes and potentials of cells and settlements, shares of checkpoints.

    ``cells`` and ``settlements`` have ``time_to_checkpoint_min``, ``time_to_city_min`` (waits included, to the nearest
    city across; NaN where there is no way), ``potential_cross_borderless``, ``potential_cross_actual``,
    ``border_loss``. ``checkpoints`` has ``checkpoint_id``, ``name``, ``mode``, ``open``, ``wait_min``, ``share``,
    ``share_of_mode``. ``free`` is the potential of cells, then settlements, without a border.
    """

    cells: pd.DataFrame
    settlements: pd.DataFrame
    checkpoints: pd.DataFrame
    free: NDArray[np.float64]


def stand(
    network: Network,
    router: Router,
    cells: gpd.GeoDataFrame,
    *,
    city_people: float,
    fades: Callable[[NDArray[np.float64]], NDArray[np.float64]],
    half_life_min: float,
    theta: float,
) -> Standing:
    """Return a network with its cells, ready for edits.

    Parameters
    ----------
    router
        Of the mode in which access is measured.
    cells
        With ``lon``, ``lat``, ``side``; they join the network as in every run.
    city_people
        Settlements of so many people are cities.
    """
    table = network.settlements
    node = table["node"].to_numpy(np.int64)
    side = table["side"].to_numpy(dtype=object)
    lonlat = cells[["lon", "lat"]].to_numpy(float)
    ground = router.attach(lonlat, cells["side"].to_numpy(dtype=object), limit_km=network.limits.point_km)
    points = Points.of([ground, Points.at_nodes(router.positions(node), side)])
    trees: dict[str, Trees] = {router.mode: grow_trees(network, router.mode, router, points, node)}
    links = network.links
    for mode in modes_of(network):
        if mode not in trees and ((links["mode"] == mode) & links["crossing"]).any():
            own = compile_router(network, mode)
            homes = Points.at_nodes(own.positions(node), side)
            trees[mode] = grow_trees(network, own.mode, own, homes, node)
    cities = np.flatnonzero((table["population"] >= city_people).to_numpy() & (node >= 0))
    return Standing(network, cells, points, trees, router.mode, cities, fades, half_life_min, theta)


def answer(
    standing: Standing,
    trees: Mapping[str, Trees],
    checkpoints: pd.DataFrame,
    *,
    free: NDArray[np.float64] | None = None,
) -> Answer:
    """Return the state of a border with some trees, those of the standing ones or changed ones.

    Parameters
    ----------
    checkpoints
        ``checkpoint_id``, ``name``, ``mode``, ``open``, ``wait_min``.
    free
        Potential without a border of each point, where it is known.
    """
    own = trees[standing.mode]
    side = standing.network.settlements["side"].to_numpy(dtype=object)
    table = pd.DataFrame({"time_to_checkpoint_min": _known(own.to_checkpoint())})
    table["time_to_city_min"] = _known(_to_city(standing, own, side))
    joined = standing.points.joined
    free = _potential(standing, own, free=True) if free is None else free
    for name, values in (("borderless", free), ("actual", _potential(standing, own, free=False))):
        table[f"potential_cross_{name}"] = np.where(joined, values, np.nan)
    some = table["potential_cross_borderless"].where(table["potential_cross_borderless"] > 0)
    real = table["potential_cross_actual"].where(table["potential_cross_actual"] > 0)
    table["border_loss"] = 1 - real.where(some.isna(), real.fillna(0.0)) / some
    n = len(standing.cells)
    keep = [c for c in ("cell", "side", "region", "population", "near", "lon", "lat") if c in standing.cells]
    cells = pd.DataFrame(standing.cells[keep]).join(table.iloc[:n])
    homes = pd.DataFrame(standing.network.settlements.drop(columns="geometry"))
    settlements = homes.join(table.iloc[n:].reset_index(drop=True))
    return Answer(cells, settlements, _shares(standing, trees, checkpoints), free)


def _to_city(standing: Standing, trees: Trees, side: NDArray[np.object_]) -> NDArray[np.float64]:
    """Return minutes of each point to the nearest city of the other side."""
    out = np.full(len(trees.points), np.inf)
    for own, other in ACROSS:
        there = trees.to_nearest(standing.cities[side[standing.cities] == other])
        rows = trees.points.side == own
        out[rows] = there[rows]
    return out


def _potential(standing: Standing, trees: Trees, *, free: bool) -> NDArray[np.float64]:
    """Return the potential across of each point on one network."""
    table = standing.network.settlements
    side = table["side"].to_numpy(dtype=object)
    people = _people(standing, np.arange(len(table)))
    first = len(standing.cells) if standing.sampled else 0
    placed = trees.overlay.home.positions(table["node"].to_numpy(np.int64)) >= 0
    out = np.zeros(len(trees.points))
    out[:first] = np.nan
    for own, other in ACROSS:
        rows = first + np.flatnonzero(trees.points.side[first:] == own)
        columns = np.flatnonzero((side == other) & (people > 0) & placed)
        if not len(rows) or not len(columns):
            continue
        minutes = _free(standing, trees, own, rows, columns) if free else trees.table(rows, columns)
        out[rows] = standing.fades(minutes) @ people[columns]
    return out


def _free(
    standing: Standing, trees: Trees, own: Side, rows: NDArray[np.int64], columns: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Return minutes without a border from the points of a side: those of the border as it stands are kept.

    Edits of checkpoints change them by roads to a new one alone.
    """
    key = standing.sampled, own
    minutes = standing.free.get(key)
    if minutes is None:
        minutes = standing.trees[standing.mode].table(rows, columns, free=True)
        if minutes.size <= KEPT:
            standing.free[key] = minutes
    return np.minimum(minutes, trees.by_openings(rows, columns)) if trees.opened else minutes


def _people(standing: Standing, rows: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return the people of each settlement, those whom it stands for where places are sampled; of other rows none."""
    table = standing.network.settlements
    people = np.zeros(len(table))
    people[rows] = table["population"].to_numpy(float)[rows]
    side = table["side"].to_numpy(dtype=object)
    return standing_people(people, side, most=standing.sampled) if standing.sampled else people


def _shares(standing: Standing, trees: Mapping[str, Trees], checkpoints: pd.DataFrame) -> pd.DataFrame:
    """Return the checkpoints with their shares of the modelled trips."""
    network = standing.network
    a, b = places_of(network)
    people = _people(standing, np.concatenate([a, b]))
    a, b = a[people[a] > 0], b[people[b] > 0]
    modes = []
    for mode in modes_of(network):
        t = trees.get(mode)
        if t is None or not np.isfinite(t.overlay.gates["actual"]).any():
            continue
        # What can't be passed joins no crossings to one.
        gates = t.overlay.gates[np.isfinite(t.overlay.gates["actual"])].reset_index(drop=True)
        overlay = replace(t.overlay, gates=gates)
        first = len(t.to_posts) - len(network.settlements)
        to_posts, from_posts = t.to_posts[first + a], t.from_posts[:, b]
        modes.append(ModeTimes(mode, overlay, to_posts, from_posts, overlay.table(to_posts, from_posts)))
    out = checkpoints[["checkpoint_id", "name", "mode", "open", "wait_min"]].reset_index(drop=True)
    try:
        demand = demand_between(a, b, people, tuple(modes), half_life_min=standing.half_life_min)
        share = out["checkpoint_id"].map(shares_of(demand, theta=standing.theta)).astype(float)
    except NetworkError:
        share = pd.Series(np.nan, index=out.index)  # no two places are connected: nobody chooses
    out["share"] = share.where(out["open"].astype(bool), 0.0)
    out["share_of_mode"] = out["share"] / out.groupby("mode")["share"].transform("sum").replace(0.0, np.nan)
    return out


def _known(minutes: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return minutes, NaN where there is no way."""
    return np.where(np.isfinite(minutes), minutes, np.nan)
