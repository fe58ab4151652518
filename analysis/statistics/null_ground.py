"""What all draws of a structural null share and no wait moves: posts at all crossings, and the ways at home to them.

It is kept like any other result: with other waits the draws alone are made again.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import geopandas as gpd
import numpy as np
import pandas as pd

from analysis.reach.accessibility import Targets
from layers.keeping import kept_as
from network.build import FIELDS, Network
from network.costs import THOUSAND, narrow, wide
from network.domestic import BACK_MIN
from network.edits import gate_lines, new_checkpoint
from network.kinds import GATE
from network.overlay import Overlay, build_overlay
from network.routing import compile_router

if TYPE_CHECKING:
    from typing import Any

    from numpy.typing import NDArray

    from analysis.statistics.null_ranks import Null
    from network.modes import Mode
    from network.routing import Points

MOST = 100_000_000
"""Minutes of a ground that is kept, most of them in four bytes."""
PLACE = "place-"
"""Ids of the closed checkpoints that stand where a draw may put one begin with this."""


@dataclass(frozen=True)
class Ground:
    """The crossings of a mode and the ways at home to their posts; build it with `ground_of`.

    Attributes
    ----------
    gates
        Directed arcs of all crossings: ``tail``, ``head`` (positions among the posts), ``crossing_id``.
    back
        Ways out by a crossing and back by it, like ``gates``, with their ``cost``.
    slots
        One row per crossing: ``crossing_id``, ``mode``.
    side
        Of each post.
    points, targets
        Units as they join the network, and the settlements that draw trips.
    to_posts, home, free
        Minutes from points to posts and to targets at home, and to targets with every crossing passable without a wait.
    narrow_between, narrow_from
        Minutes at home between posts, and from posts to targets, as `network.costs.narrow` has their thousandths.
    """

    gates: pd.DataFrame
    back: pd.DataFrame
    slots: pd.DataFrame
    side: NDArray[np.object_]
    points: Points
    targets: Targets
    to_posts: NDArray[np.float64]
    home: NDArray[np.float64]
    free: NDArray[np.float64]
    narrow_between: NDArray[Any]
    narrow_from: NDArray[Any]

    def between(self, posts: NDArray[np.int64]) -> NDArray[np.float64]:
        """Return minutes at home between some posts."""
        return wide(self.narrow_between[np.ix_(posts, posts)]) / THOUSAND

    def from_posts(self, posts: NDArray[np.int64], columns: NDArray[np.int64]) -> NDArray[np.float64]:
        """Return minutes at home from some posts to some targets."""
        return wide(self.narrow_from[np.ix_(posts, columns)]) / THOUSAND


def ground_of(network: Network, units: pd.DataFrame, *, mode: Mode = "road", null: Null = "places") -> Ground:
    """Return what the draws over a network's crossings share: as it is kept where it is small enough.

    Parameters
    ----------
    units
        With ``lon``, ``lat``, ``side``.
    null
        ``places``: all crossings of the mode; ``waits``: those that have a checkpoint.
    """
    posts, towns, n = 2 * len(network.crossings), len(network.settlements), len(units)
    if posts * (posts + towns + n) + 2 * n * towns > MOST:
        return _ground_of(network, units, mode, null)
    links, places = network.links, network.settlements
    known = [
        network.ground,
        links[["passable", FIELDS["borderless"], FIELDS["open"]]],
        network.crossings,
        network.base.border,
        network.limits,
        places[["node", "side", "population"]],
        units[["lon", "lat", "side"]],
        mode,
        null,
    ]
    found: Ground = kept_as("analysis.statistics.null_ground", known, lambda: _ground_of(network, units, mode, null))
    return found


def _ground_of(network: Network, units: pd.DataFrame, mode: Mode, null: Null) -> Ground:
    """Return the same, made now."""
    network = with_all_gates(network, mode) if null == "places" else network
    router = compile_router(network, mode)
    side = units["side"].to_numpy(dtype=object)
    points = router.attach(units[["lon", "lat"]].to_numpy(float), side, limit_km=network.limits.point_km)
    targets = Targets.of(network, router)
    # Known from the run's own measures, before what the overlay wants takes their place.
    free = router.point_table(points, targets.node, FIELDS["borderless"])
    overlay = build_overlay(network, mode, field="borderless")
    arcs, slots = _crossings(network, mode)
    at = {int(n): i for i, n in enumerate(overlay.posts)}
    gates = pd.DataFrame({"tail": arcs["u"].map(at), "head": arcs["v"].map(at), "crossing_id": arcs["crossing_id"]})
    # The points' ends by the positions of the router that knows no crossing.
    u, v = (overlay.home.positions(router.nodes[np.maximum(p, 0)]) for p in (points.u, points.v))
    inside = replace(points, u=np.where(points.u >= 0, u, -1), v=np.where(points.v >= 0, v, -1))
    at_side = network.nodes["side"].to_numpy(dtype=object)[overlay.posts]
    return Ground(
        gates=gates,
        back=_ways_back(overlay, gates, at_side),
        slots=slots,
        side=at_side,
        points=points,
        targets=targets,
        to_posts=overlay.home.point_table(inside, overlay.posts, FIELDS["open"]),
        home=overlay.home.point_table(inside, targets.node, FIELDS["open"]),
        free=free,
        narrow_between=_thousandths(overlay.between),
        narrow_from=_thousandths(overlay.from_posts(targets.node)),
    )


def bare_crossings(network: Network, mode: Mode) -> gpd.GeoDataFrame:
    """Return the crossings of a mode without a checkpoint, open or closed."""
    bare = (network.crossings["checkpoints"].map(len) == 0) & network.crossings["mode"].isin(modes_of(mode))
    return network.crossings[bare]


def with_all_gates(network: Network, mode: Mode = "road") -> Network:
    """Return the network with a closed checkpoint at every crossing of the mode that has none.

    Nothing that is open changes.
    """
    rows = []
    for m, group in bare_crossings(network, mode).groupby("mode", sort=True):  # road and rail
        first = group.geometry.iloc[0]
        row = new_checkpoint(network, first.x, first.y, mode=str(m))
        many = row.loc[row.index.repeat(len(group))].reset_index(drop=True)
        ids = group["crossing_id"].to_numpy(dtype=object)
        many = many.assign(checkpoint_id=PLACE + ids, name="No checkpoint at " + ids, open=False)
        rows.append(many.set_geometry(group.geometry.to_numpy(), crs=row.crs))
    if not rows:
        return network
    every = gpd.GeoDataFrame(pd.concat(rows, ignore_index=True))
    return gate_lines(network, every, every["checkpoint_id"].str.removeprefix(PLACE).tolist())


def least_waits(network: Network, mode: Mode) -> pd.Series:
    """Return the least wait of the open checkpoints of each crossing, by its id; NaN where none is open."""
    gates = _gates(network, mode)
    wait = gates["actual_min"].where(np.isfinite(gates["actual_min"]))
    return wait.groupby(gates["crossing_id"]).min()


def modes_of(mode: Mode) -> tuple[str, ...]:
    """Return the modes of crossings that a router's mode uses."""
    return ("road", "rail") if mode == "any" else (mode,)


def _gates(network: Network, mode: Mode) -> pd.DataFrame:
    """Return the gates that a draw can open: a closed post on assumed connectors is no road over the line."""
    links = network.links
    gates: pd.DataFrame = links[(links["kind"] == GATE) & links["mode"].isin(modes_of(mode))]
    passed: pd.DataFrame = gates[np.isfinite(gates[FIELDS["borderless"]])]
    return passed


def _crossings(network: Network, mode: Mode) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the directed gates, each pair of posts once, and the crossings."""
    gates = _gates(network, mode)
    slots = gates.groupby("crossing_id", sort=True).agg(mode=("mode", "first"))
    arcs = gates.drop_duplicates(["u", "v", "crossing_id"])[["u", "v", "crossing_id"]].reset_index(drop=True)
    return arcs, slots.reset_index()


def _ways_back(overlay: Overlay, gates: pd.DataFrame, side: NDArray[np.object_]) -> pd.DataFrame:
    """Return the arcs from post to post of one side and crossing that are shorter beyond the line than at home."""
    # A turn at a post on connectors follows no road.
    own = gates[~gates["crossing_id"].str.startswith("connector-")]
    own = own.assign(side=side[own["tail"].to_numpy(np.int64)])
    out = own.rename(columns={"head": "over"})
    home = own.assign(side=side[own["head"].to_numpy(np.int64)])[["tail", "head", "crossing_id", "side"]]
    pairs = out.merge(home.rename(columns={"tail": "beyond"}), on=["crossing_id", "side"])
    tail, head, over, beyond = (pairs[c].to_numpy(np.int64) for c in ("tail", "head", "over", "beyond"))
    cost = overlay.between[over, beyond]
    short = (tail != head) & (cost <= BACK_MIN) & (cost < overlay.between[tail, head] - 1e-9)
    return pd.DataFrame(pairs.loc[short, ["tail", "head", "crossing_id"]].assign(cost=cost[short]))


def _thousandths(minutes: NDArray[np.float64]) -> NDArray[Any]:
    """Return minutes as whole thousandths in as few bytes as hold them."""
    return narrow(np.rint(minutes.astype(float, copy=False) * THOUSAND))
