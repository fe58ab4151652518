"""A trip that begins at an hour: posts that are closed when one comes are waited for, waits are those of the hour."""

from __future__ import annotations

import heapq
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import numpy as np

from layers.moments import until_open_min
from network.build import FIELDS, Network, with_costs
from network.kinds import GATE
from network.routing import Router, compile_router

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from layers.waits import Observed


@dataclass(frozen=True)
class Timed:
    """A way by the clock.

    Its links, minutes, and at each post when one comes, the wait until it opens and that at the control.
    """

    links: list[int]
    minutes: float
    opening_min: float
    control_min: float
    posts: list[tuple[str, datetime, float, float]] = field(default_factory=list)
    unread: list[str] = field(default_factory=list)


def quickest_at(
    network: Network,
    origin: int,
    target: int,
    departure: datetime,
    *,
    mode: str = "road",
    countries: tuple[str, ...] = (),
    home: bool = False,
    observed: Observed | None = None,
) -> Timed | None:
    """Return the way that arrives first, or None.

    Parameters
    ----------
    origin, target
        Network nodes.
    home
        Both lie on one side: modes that charge no wait to trips home do not wait.
    observed
        Waits by hour, where there are any.

    Notes
    -----
    Who comes later never passes sooner, as long as the wait at the control does not fall faster than the clock runs:
    the search by arrival is exact then. Between posts the way is the quickest on the ground.
    """
    links = network.links
    gates = np.flatnonzero((links["kind"] == GATE).to_numpy() & np.isfinite(links[FIELDS["open"]].to_numpy(float)))
    closed = links.assign(passable=links["passable"].to_numpy(bool) & (links["kind"] != GATE).to_numpy())
    router = compile_router(replace(network, links=with_costs(closed, network.domestic_wait)), mode)
    u_of, v_of = (links[c].to_numpy(np.int64) for c in ("u", "v"))
    both = ~links["oneway"].to_numpy(bool)
    moving = links["time_min"].to_numpy(float)
    names = links["checkpoint_id"].to_numpy(dtype=object)
    arcs = [(int(u_of[g]), int(v_of[g]), int(g)) for g in gates]
    arcs += [(v, u, g) for u, v, g in arcs if both[g]]
    arcs = [(u, v, g) for u, v, g in arcs if (router.positions([u, v]) >= 0).all()]
    side = network.nodes["side"].to_numpy(dtype=object)
    wait = _waits(network, side, departure, countries, home, observed)
    best: dict[int, float] = {origin: 0.0}
    before: dict[int, tuple[int, int, float, float]] = {}
    queue = [(0.0, origin)]
    tails = [u for u, _, _ in arcs]
    unread: dict[str, None] = {}
    done: set[int] = set()
    arrival, last = np.inf, -1
    while queue:
        now, node = heapq.heappop(queue)
        if node in done or now >= arrival:
            continue
        done.add(node)
        ends = np.asarray([*tails, target], np.int64)
        at = router.positions(ends)
        tree = router.trees([node], FIELDS["open"])[0]
        cost = np.where(at >= 0, tree[np.maximum(at, 0)], np.inf)
        if now + cost[-1] < arrival:
            arrival, last = now + float(cost[-1]), node
        for (u, v, g), way in zip(arcs, cost[:-1], strict=True):  # posts: dozens
            if not np.isfinite(way) or v in done:
                continue
            opening, control = wait(g, u, now + float(way))
            if opening != opening:
                unread[str(names[g])] = None
                opening = 0.0
            there = now + float(way) + opening + control + float(moving[g])
            if there < best.get(v, np.inf):
                best[v] = there
                before[v] = (node, g, opening, control)
                heapq.heappush(queue, (there, v))
    if not np.isfinite(arrival):
        return None
    return _told(network, router, before, best, (last, target), arrival, departure, list(unread))


def _waits(
    network: Network,
    side: NDArray[np.object_],
    departure: datetime,
    countries: tuple[str, ...],
    home: bool,
    observed: Observed | None,
) -> Callable[[int, int, float], tuple[float, float]]:
    """Return a function of gate, end `u` and minutes that gives the wait until opening and at the control."""
    modes, names = (network.links[c].to_numpy(dtype=object) for c in ("mode", "checkpoint_id"))
    posts = network.checkpoints.set_index("checkpoint_id")

    def wait(gate: int, u: int, minutes: float) -> tuple[float, float]:
        if home and str(modes[gate]) not in network.domestic_wait:
            return 0.0, 0.0
        post = posts.loc[str(names[gate])]
        at = departure + timedelta(minutes=minutes)
        opening = until_open_min(str(post["hours"]), at, countries)
        control = float(post["control_wait_min"])
        if observed is not None and str(modes[gate]) == "road":
            passed = at + timedelta(minutes=opening if np.isfinite(opening) else 0.0)
            seen = observed.wait_min(str(post.name), "ab" if side[u] == "a" else "ba", passed)
            control = seen if seen == seen else control
        return opening, control

    return wait


def _told(
    network: Network,
    router: Router,
    before: dict[int, tuple[int, int, float, float]],
    best: dict[int, float],
    leg: tuple[int, int],
    arrival: float,
    departure: datetime,
    unread: list[str],
) -> Timed:
    """Return the way, found backwards from its last leg."""
    links = network.links
    u_of, v_of = (links[c].to_numpy(np.int64) for c in ("u", "v"))
    moving, names = links["time_min"].to_numpy(float), links["checkpoint_id"].to_numpy(dtype=object)
    node = leg[0]
    legs: list[tuple[int, int, int]] = [(*leg, -1)]
    posts: list[tuple[str, datetime, float, float]] = []
    while node in before:  # a post each
        start, gate, opening, control = before[node]
        reached = best[node] - opening - control - float(moving[gate])
        posts.append((str(names[gate]), departure + timedelta(minutes=reached), opening, control))
        legs.append((start, int(u_of[gate] if v_of[gate] == node else v_of[gate]), gate))
        node = start
    rows: list[int] = []
    for start, end, gate in reversed(legs):
        found = router.path(start, end, FIELDS["open"]) if start != end else None
        rows += [] if found is None else found.links.tolist()
        rows += [gate] if gate >= 0 else []
    posts.reverse()
    return Timed(rows, arrival, sum(p[2] for p in posts), sum(p[3] for p in posts), posts, unread)
