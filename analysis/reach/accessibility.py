"""Accessibility: minutes to the nearest checkpoint, potentials in three networks, border loss by detour and by delay.

Trees grow backwards from the targets (settlements, posts), never from the many cells: one tree serves every origin.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from analysis.reach.decays import HALF_LIFE_MIN, SELF_KPH, Decay, decay, exponential, self_time_min
from layers.errors import NetworkError
from layers.sides import SIDES, same_side
from network.build import DOMESTIC, FIELDS, NETWORKS, Network
from network.costs import blocks
from network.kinds import GATE
from network.routing import Points, Router, at_accesses, at_points

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from numpy.typing import NDArray

__all__ = [
    "HALF_LIFE_MIN",
    "Targets",
    "added_minutes",
    "by_network",
    "decay",
    "lost_access",
    "nearest_checkpoint",
    "own_rows",
    "posts",
    "potentials",
    "settlement_times",
    "time_to_checkpoint",
    "touches_frame",
    "travel_times",
    "with_self_times",
]


Nearest = tuple["NDArray[np.float64]", "NDArray[np.object_]"]
"""Minutes of every position to the nearest open checkpoint, and which it is."""


@dataclass(frozen=True)
class Targets:
    """Settlements that draw trips: network node, side and people of each."""

    node: NDArray[np.int64]
    side: NDArray[np.object_]
    people: NDArray[np.float64]

    @classmethod
    def of(cls, network: Network, router: Router) -> Targets:
        """Return the settlements with a known population that the router reaches."""
        table = network.settlements
        use = (table["population"] > 0).to_numpy() & (router.positions(table["node"].to_numpy()) >= 0)
        return cls(
            table["node"].to_numpy(np.int64)[use],
            table["side"].to_numpy(dtype=object)[use],
            table["population"].to_numpy(float)[use],
        )


def travel_times(
    router: Router, points: Points, targets: Targets, *, networks: Sequence[str] = NETWORKS
) -> dict[str, NDArray[np.float64]]:
    """Return minutes from points to settlements on each of the three networks, shape (points, settlements).

    Infinity where there is no way. In ``actual`` a trip between two places of one side that passes through the
    neighbour is charged the waits of the modes that the network's ``domestic_wait`` names (`network.domestic`).

    Parameters
    ----------
    networks
        Those that are wanted.
    """

    def grown(fields: Sequence[str]) -> dict[str, NDArray[np.float64]]:
        if networks[-1] == "actual" and list(fields[-2:]) == [FIELDS["actual"], DOMESTIC]:
            # Of many places a table of its own is several hundred megabytes.
            return router.point_tables(points, targets.node, fields[:-1], own=DOMESTIC)
        return router.point_tables(points, targets.node, fields)

    return by_network(router, points.side, targets.side, grown, networks=networks)


def by_network(
    router: Router,
    origins: NDArray[np.object_],
    ends: NDArray[np.object_],
    grown: Callable[[Sequence[str]], dict[str, NDArray[np.float64]]],
    *,
    networks: Sequence[str] = NETWORKS,
) -> dict[str, NDArray[np.float64]]:
    """Return a table of minutes for each network, domestic trips in ``actual`` at their own cost.

    Equal fields are grown once.

    Parameters
    ----------
    origins, ends
        Sides of the rows and columns.
    grown
        The tables of some cost fields, shape (origins, ends). Where that of domestic trips is not among them, it is in
        the table of ``actual`` already.
    """
    first: dict[str, str] = {}
    for field in [*(FIELDS[name] for name in networks), *([DOMESTIC] if "actual" in networks else [])]:
        first[field] = router.twin(field, list(dict.fromkeys(first.values()))) or field
    tables = grown(list(dict.fromkeys(first.values())))
    out = {name: tables[first[FIELDS[name]]] for name in networks}
    if "actual" in out and first[DOMESTIC] in tables:
        domestic = tables[first[DOMESTIC]]
        if domestic is not out["actual"]:
            abroad = out["actual"]
            alone = not any(table is abroad for name, table in out.items() if name != "actual")
            out["actual"] = abroad if alone else abroad.copy()  # of a large table no second one
            np.copyto(out["actual"], domestic, where=same_side(origins, ends))
    return out


def own_rows(router: Router, points: Points, targets: Targets) -> NDArray[np.int64]:
    """Return for each target the row of the first point that stands at its node, −1 for none.

    Settlements among themselves.
    """
    row = np.full(len(router.nodes) + 1, -1)
    stands = np.flatnonzero((points.u >= 0) & (points.to_u == 0))[::-1]
    row[points.u[stands]] = points.point[stands]
    return row[router.positions(targets.node)]


def with_self_times(
    times: Mapping[str, NDArray[np.float64]],
    points: Points,
    targets: Targets,
    own: NDArray[np.int64],
    area_km2: NDArray[np.float64],
    *,
    kph: float = SELF_KPH,
) -> dict[str, NDArray[np.float64]]:
    """Return the travel times with t_ii = ½·√(A/π)/v minutes between each point and the targets in its own place.

    Parameters
    ----------
    times
        From `travel_times`.
    own
        Per target the row of the point whose settlement or cell it lies in, −1 for none (`own_rows` for settlements).
    area_km2
        Per point; where it is NaN the times stay.

    Raises
    ------
    NetworkError
        Arrays that do not fit, or a target in a place of the other side.
    """
    if own.shape != targets.node.shape or np.shape(area_km2) != (len(points),):
        raise NetworkError(
            f"self-potential of {len(own)} targets and {np.size(area_km2)} areas: "
            f"allowed is a row for each of the {len(targets.node)} targets, an area for each of the "
            f"{len(points)} points"
        )
    inner = self_time_min(area_km2, kph)
    column = np.flatnonzero((own >= 0) & np.isfinite(inner[np.maximum(own, 0)]))
    row = own[column]
    if (points.side[row] != targets.side[column]).any():
        raise NetworkError("self-potential: a target lies in a place of the other side; allowed is one of its own")
    out = {}
    for name, minutes in times.items():
        out[name] = minutes.copy()
        out[name][row, column] = inner[row]
    return out


def potentials(
    router: Router,
    points: Points,
    targets: Targets,
    *,
    half_life_min: float = HALF_LIFE_MIN,
    decay: Decay | None = None,
    times: Mapping[str, NDArray[np.float64]] | None = None,
    own: NDArray[np.int64] | None = None,
    self_area_km2: NDArray[np.float64] | None = None,
    self_kph: float = SELF_KPH,
    known: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """Return each point's potential at home and across the border, and what the border costs it.

    The potential is Hansen's A = Σ P·f(t) in person-equivalents, f(t) = e^(−βt) unless another is given, over
    settlements of the own country (``potential_domestic_<network>``) and of the other (``potential_cross_<network>``).

    Parameters
    ----------
    decay
        Any of `analysis.reach.decays`, in the place of `half_life_min`.
    times
        From `travel_times` (or `analysis.reach.opportunities.logsum_times`), so that no tree is grown again.
    own, self_area_km2, self_kph
        For the self-potential: see `with_self_times`; `own` is `own_rows` where it is not given. Without areas a
        settlement's own people stand at no time, those of a cell at the time of their settlement, and the result
        depends on zoning.
    known
        Potentials of the same points on networks whose times are as they were: the columns that it has stay.

    Returns
    -------
    Per point, NaN where it joins nothing: the six potentials; ``border_loss`` = 1 − A(actual)/A(borderless) across
    the border, which is the sum of ``loss_detour`` = 1 − A(open)/A(borderless) and ``loss_delay`` = (A(open) −
    A(actual))/A(borderless); ``lost_potential`` = A(borderless) − A(actual) in person-equivalents; ``cross_ratio`` =
    A(actual) across the border over the potential at home.
    """
    fades = exponential(half_life_min) if decay is None else decay
    minutes = travel_times(router, points, targets) if times is None else dict(times)
    if self_area_km2 is not None:
        own = own_rows(router, points, targets) if own is None else own
        minutes = with_self_times(minutes, points, targets, own, self_area_km2, kph=self_kph)
    table: dict[str, NDArray[np.float64]] = {}
    home = same_side(points.side, targets.side)
    # Times of several modes may reach what this router's points do not join.
    joined = points.joined | np.isfinite(minutes["borderless"]).any(axis=1)
    for name in NETWORKS:
        columns = [f"potential_{what}_{name}" for what in ("domestic", "cross")]
        if known is not None and known.columns.isin(columns).sum() == len(columns):
            table |= {column: known[column].to_numpy(float) for column in columns}
            continue
        sums = np.empty((2, len(points)))
        for rows in blocks(*home.shape):
            pull = fades(minutes[name][rows]) * targets.people
            for k, mask in enumerate((home[rows], ~home[rows])):
                sums[k, rows] = (pull * mask).sum(axis=1)
        table |= {column: np.where(joined, total, np.nan) for column, total in zip(columns, sums, strict=True)}
    frame = pd.DataFrame(table)
    free, allowed, real = (frame[f"potential_cross_{n}"].where(frame[f"potential_cross_{n}"] > 0) for n in NETWORKS)
    allowed, real = allowed.where(free.isna(), allowed.fillna(0.0)), real.where(free.isna(), real.fillna(0.0))
    frame["border_loss"] = 1 - real / free
    frame["loss_detour"] = 1 - allowed / free
    frame["loss_delay"] = (allowed - real) / free
    frame["lost_potential"] = frame["potential_cross_borderless"] - frame["potential_cross_actual"]
    home_potential = frame["potential_domestic_actual"]
    frame["cross_ratio"] = frame["potential_cross_actual"] / home_potential.where(home_potential > 0)
    return frame


def added_minutes(minutes: Mapping[str, NDArray[np.float64]], what: str) -> pd.DataFrame:
    """Return times on the three networks and what the border adds: detour and delay, which add up to the whole.

    Returns
    -------
    ``<what>_<network>_min``; ``<what>_detour_min`` = open − borderless; ``<what>_delay_min`` = actual − open;
    ``<what>_border_min``, their sum. NaN where there is no way.

    Examples
    --------
    >>> table = {"borderless": np.array([50.0]), "open": np.array([80.0]), "actual": np.array([140.0])}
    >>> added_minutes(table, "time_to_hospital").iloc[0].tolist()
    [50.0, 80.0, 140.0, 30.0, 60.0, 90.0]
    """
    known = [np.where(np.isfinite(minutes[n]), minutes[n], np.nan) for n in NETWORKS]
    detour, delay = known[1] - known[0], known[2] - known[1]
    columns = dict(zip((f"{what}_{n}_min" for n in NETWORKS), known, strict=True))
    added = {f"{what}_detour_min": detour, f"{what}_delay_min": delay, f"{what}_border_min": detour + delay}
    return pd.DataFrame({**columns, **added})


def lost_access(values: Mapping[str, NDArray[np.float64]], what: str) -> pd.DataFrame:
    """Return an accessibility on the three networks and what the border takes: by detour, by delay, and their sum.

    Returns
    -------
    ``<what>_<network>``; ``<what>_lost_detour`` = borderless − open; ``<what>_lost_delay`` = open − actual;
    ``<what>_lost``, their sum; all in the unit of the values.

    Examples
    --------
    >>> table = {"borderless": np.array([900.0]), "open": np.array([600.0]), "actual": np.array([100.0])}
    >>> lost_access(table, "people_within_60min").iloc[0].tolist()
    [900.0, 600.0, 100.0, 300.0, 500.0, 800.0]
    """
    free, allowed, real = (np.asarray(values[n], float) for n in NETWORKS)
    detour, delay = free - allowed, allowed - real
    columns = dict(zip((f"{what}_{n}" for n in NETWORKS), (free, allowed, real), strict=True))
    return pd.DataFrame(
        {**columns, f"{what}_lost_detour": detour, f"{what}_lost_delay": delay, f"{what}_lost": detour + delay}
    )


def posts(network: Network, router: Router, *, only_open: bool = True, leaving: bool = False) -> pd.DataFrame:
    """Return the posts of checkpoints that the router reaches: ``checkpoint_id``, ``side``, ``node``, one row per post.

    They are the nodes that ways to the gate come to; with `leaving` those that ways from the gate begin at, which are
    others where a post joins several links.
    """
    gates = network.links[(network.links["kind"] == GATE)]
    if only_open:
        gates = gates[gates["passable"].astype(bool)]
    end = "v" if leaving else "u"
    table = gates[["checkpoint_id", end]].rename(columns={end: "node"}).drop_duplicates()
    table["side"] = network.nodes["side"].to_numpy(dtype=object)[table["node"].to_numpy()]
    table = table[router.positions(table["node"].to_numpy()) >= 0]
    return table.sort_values(["checkpoint_id", "side", "node"]).reset_index(drop=True)


def nearest_checkpoint(network: Network, router: Router) -> Nearest:
    """Return for each position the minutes to the nearest open checkpoint's post of its own side, and which.

    No wait is in it: the trip ends before the control. Infinity and an empty id where there is none.
    """
    table = posts(network, router)
    minutes = np.full(len(router.nodes), np.inf)
    which = np.full(len(router.nodes), "", dtype=object)
    for side in SIDES:
        own = table[table["side"] == side]
        cost, source = router.nearest(own["node"].to_numpy(), FIELDS["open"])
        own_side = router.side == side
        minutes[own_side] = cost[own_side]
        which[own_side] = np.append(own["checkpoint_id"].to_numpy(dtype=object), "")[source][own_side]
    return minutes, which


def time_to_checkpoint(
    network: Network, router: Router, points: Points, *, nearest: Nearest | None = None
) -> pd.DataFrame:
    """Return per point ``time_to_checkpoint_min`` and ``nearest_checkpoint``; NaN and empty where none is reached.

    Parameters
    ----------
    nearest
        From `nearest_checkpoint`, where it is known.
    """
    minutes, which = nearest or nearest_checkpoint(network, router)
    by_access = at_accesses(points, minutes[None])[0]
    cost = points.least(by_access)
    u, v = np.maximum(points.u, 0), np.maximum(points.v, 0)
    of_access = np.where(minutes[u] + points.to_u <= minutes[v] + points.to_v, which[u], which[v])
    # The first access of the least cost.
    best = np.flatnonzero(by_access == cost[points.point])
    name = np.full(len(points), "", dtype=object)
    name[points.point[best][::-1]] = of_access[best][::-1]
    reached = np.isfinite(cost)
    return pd.DataFrame(
        {
            "time_to_checkpoint_min": np.where(reached, cost, np.nan),
            "nearest_checkpoint": np.where(reached, name, ""),
        }
    )


def settlement_times(network: Network, router: Router, *, nearest: Nearest | None = None) -> pd.DataFrame:
    """Return the same for the settlements of the network, in their order."""
    minutes, which = nearest or nearest_checkpoint(network, router)
    at = router.positions(network.settlements["node"].to_numpy())
    cost = np.where(at >= 0, minutes[np.maximum(at, 0)], np.inf)
    reached = np.isfinite(cost)
    return pd.DataFrame(
        {
            "time_to_checkpoint_min": np.where(reached, cost, np.nan),
            "nearest_checkpoint": np.where(reached, which[np.maximum(at, 0)], ""),
        }
    )


def touches_frame(
    network: Network,
    router: Router,
    points: Points,
    frame_nodes: NDArray[np.bool_],
    *,
    nearest: Nearest | None = None,
) -> NDArray[np.bool_]:
    """Return which points' way to the nearest checkpoint runs by the loaded network's frame, and may be too long.

    Parameters
    ----------
    frame_nodes
        Per network node: it lies at the edge of the belt that was loaded.
    nearest
        From `nearest_checkpoint`, where it is known.
    """
    minutes, _ = nearest or nearest_checkpoint(network, router)
    whole = at_points(points, minutes[None])[:, 0]
    table = posts(network, router)
    inner = np.full(len(router.nodes), np.inf)
    edge = frame_nodes[router.nodes]
    for side in SIDES:
        own = table.loc[(table["side"] == side) & ~frame_nodes[table["node"]], "node"]
        cost, _ = router.nearest(own.to_numpy(), FIELDS["open"], avoiding=edge)
        own_side = router.side == side
        inner[own_side] = cost[own_side]
    within = at_points(points, inner[None])[:, 0]
    return np.asarray(np.isfinite(whole) & ~np.isclose(whole, within), bool)
