"""Load of checkpoints: vehicles a day against capacity, the queues that grow from it, and the choice that avoids them.

Waits are the same in both directions, and so are flows here: a checkpoint's vehicles a day are those of both directions
together, and its capacity must be counted likewise. Directions apart would need a table of waits and one of trips each.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from analysis.trips.choice import THETA_PER_MIN, Choice, logit
from analysis.trips.crossings import share_weights, shared_rows
from layers.errors import NetworkError

if TYPE_CHECKING:
    from numpy.typing import NDArray

BOTTLENECK = 0.85
"""Load factor above which a checkpoint is a candidate for a bottleneck. An assumption."""
A, B = 0.15, 4.0
"""Delay below capacity, after the US Bureau of Public Roads' curve for roads (1964). For booths both are
assumptions."""
PEAK_MIN = 1440.0
"""Minutes over which a queue above capacity grows: the day, for flow and capacity are per day. An assumption: it is
gone by the next morning."""
TOLERANCE = 1e-4
MAX_ROUNDS = 500
SLOWER, FASTER = 1.5, 0.3
"""By how much the divisor of the step grows after a round that made the gap wider, and after one that did not."""
STEEP = 500.0
COLUMNS = [
    "checkpoint_id",
    "flow_free_per_day",
    "flow_per_day",
    "capacity_per_day",
    "load_factor",
    "wait_free_min",
    "wait_min",
    "bottleneck",
]


@dataclass(frozen=True)
class Load:
    """Loads at equilibrium.

    ``checkpoints`` as `equilibrium` returns them; ``rounds``: ``round``, ``step``, ``relative_gap``; ``converged``
    whether the last gap is within the tolerance; ``notes`` a reader must know.
    """

    checkpoints: pd.DataFrame
    rounds: pd.DataFrame
    converged: bool
    notes: tuple[str, ...]


def queue_wait(
    flow_per_day: NDArray[np.float64],
    capacity_per_day: NDArray[np.float64],
    wait_free_min: NDArray[np.float64],
    *,
    a: float = A,
    b: float = B,
    peak_min: float = PEAK_MIN,
) -> NDArray[np.float64]:
    """Return the mean wait at a load, in minutes.

    Below capacity δ(x) = δ⁰·[1 + a·(x/C)^b]; above it δ⁰·(1 + a) + ½·T·(x/C − 1), the mean wait of a deterministic
    queue that starts empty and grows for T minutes (Newell 1982, Applications of Queueing Theory). Continuous at
    x = C, and never falling in x. With an unknown capacity (NaN) the wait stays δ⁰.

    Parameters
    ----------
    a, b
        Assumptions for booths; the curve is one of roads.
    peak_min
        T: how long more arrive than are served.

    Examples
    --------
    >>> flow, capacity = np.array([0.0, 100.0, 200.0, 300.0]), np.array([200.0, 200.0, 200.0, 200.0])
    >>> queue_wait(flow, capacity, np.full(4, 60.0), peak_min=480).round(4).tolist()
    [60.0, 60.5625, 69.0, 189.0]
    """
    known = np.isfinite(capacity_per_day)
    ratio = np.where(known, flow_per_day / np.where(known, capacity_per_day, 1.0), 0.0)
    below, above = np.minimum(ratio, 1.0), np.maximum(ratio - 1.0, 0.0)
    return np.asarray(wait_free_min * (1 + a * below**b) + 0.5 * peak_min * above, float)


def equilibrium(
    choice: Choice,
    wait_min: Mapping[str, float] | pd.Series,
    *,
    total_per_day: float,
    capacity_per_day: Mapping[str, float] | pd.Series | None = None,
    mode: str = "road",
    theta: float = THETA_PER_MIN,
    a: float = A,
    b: float = B,
    peak_min: float = PEAK_MIN,
    tolerance: float = TOLERANCE,
    max_rounds: int = MAX_ROUNDS,
) -> Load:
    """Return the load of each checkpoint where nobody would gain by the waits that the loads make: a logit equilibrium.

    The trips of every pair by the mode, as `choice` has them, choose again among the mode's checkpoints, p ∝
    e^(−θ·(c + δ(x) − δ⁰)), and the waits follow the loads: a stochastic user equilibrium (Sheffi 1985). It is found by
    the method of successive averages, x ← x + (y − x)/β with y the loads that the waits at x call for; β grows by 1.5
    after a round that widens the gap, else by 0.3 (self-regulated: Liu, He & He 2009). The relative gap of a round is
    Σ|y − x| / Σ x.

    Parameters
    ----------
    choice
        From `analysis.trips.demand.choose_checkpoints`, with the free waits in its minutes.
    wait_min
        Free wait δ⁰ by checkpoint, the one in the network.
    total_per_day
        Observed crossings a day by the mode, both directions: for Russia–Kazakhstan by road 15,100 vehicles (5.5
        million in 2023, seanews.ru). Trips over the border hold to it: waits move them, none is given up and none
        goes over to another mode.
    capacity_per_day
        Vehicles a day that a checkpoint can pass, both directions, by checkpoint; a missing one, or NaN, is unknown.
    theta
        As in `choice`.

    Returns
    -------
    ``checkpoints``, a row per checkpoint of the mode: ``flow_free_per_day`` at free waits, ``flow_per_day`` at
    equilibrium, ``capacity_per_day``, ``load_factor`` ρ = x/C (not cut at 1; NaN where the capacity is unknown),
    ``wait_free_min``, ``wait_min``, ``bottleneck`` where ρ > 0.85 (false where it is unknown, too).

    Raises
    ------
    NetworkError
        A total, capacity or wait out of range, a checkpoint without a wait, or a mode without trips.
    """
    ids = [i for i, m in zip(choice.ids, choice.mode, strict=True) if m == mode]
    free = _by_checkpoint(wait_min, ids, "a wait", least=0.0)
    capacity = _by_checkpoint(capacity_per_day if capacity_per_day is not None else {}, ids, "a capacity", least=None)
    if not (np.isfinite(total_per_day) and total_per_day > 0):
        raise NetworkError(f"a total of {total_per_day:g} vehicles a day: allowed is more than 0")
    if np.isnan(free).any():
        lost = [i for i, w in zip(ids, free, strict=True) if np.isnan(w)]
        raise NetworkError(f"no wait is known at {', '.join(lost)}: allowed is 0 or more minutes")
    if not (a >= 0 and b > 0 and peak_min >= 0 and theta > 0):
        raise NetworkError(
            f"a {a:g}, b {b:g}, peak {peak_min:g} min, θ {theta:g}: allowed are 0 or more (b and θ: more than 0)"
        )
    chooser = _Chooser.of(choice, mode, theta, total_per_day)

    def waits(flow: NDArray[np.float64]) -> NDArray[np.float64]:
        return queue_wait(flow, capacity, free, a=a, b=b, peak_min=peak_min)

    start = chooser.flows(np.zeros(len(ids)))
    flow, rounds, divisor, last = start, [], 1.0, np.inf
    for n in range(1, max_rounds + 1):  # each round needs the one before
        wanted = chooser.flows(waits(flow) - free)
        gap = float(np.abs(wanted - flow).sum() / flow.sum())
        rounds.append((n, 1 / divisor, gap))
        if gap <= tolerance:
            break
        flow = flow + (wanted - flow) / divisor
        divisor, last = divisor + (SLOWER if gap >= last else FASTER), gap
    table = pd.DataFrame(
        {
            "checkpoint_id": ids,
            "flow_free_per_day": start,
            "flow_per_day": flow,
            "capacity_per_day": capacity,
            "load_factor": flow / capacity,
            "wait_free_min": free,
            "wait_min": waits(flow),
        }
    )
    table["bottleneck"] = (table["load_factor"] > BOTTLENECK).to_numpy(bool)
    history = pd.DataFrame(rounds, columns=["round", "step", "relative_gap"])
    converged = bool(rounds and rounds[-1][2] <= tolerance)
    return Load(table[COLUMNS], history, converged, _notes(table, history, converged, tolerance))


@dataclass(frozen=True)
class _Chooser:
    """The trips of pairs that have a way by the mode, and the weight of each alternative at free waits.

    ``checkpoint`` is the position of each alternative's among the mode's; ``alone`` are the alternatives that have a
    crossing to themselves, ``several`` those of each crossing that has more; ``own`` and ``beside`` the weights of
    both.
    """

    checkpoint: NDArray[np.int64]
    crossing: NDArray[np.int64]
    alone: NDArray[np.int64]
    several: list[NDArray[np.int64]]
    minutes: NDArray[np.float64]
    own: NDArray[np.float64]
    beside: list[NDArray[np.float64]]
    trips: NDArray[np.float64]
    theta: float

    @classmethod
    def of(cls, choice: Choice, mode: str, theta: float, total: float) -> _Chooser:
        """Return the trips of a mode, scaled to a total."""
        rows = choice.rows_of(mode)
        trips = choice.trips[rows].sum(axis=0)
        if not trips.sum() > 0:
            raise NetworkError(f"no trips by {mode!r}: allowed are {', '.join(sorted(set(choice.mode)))}")
        crossing = choice.crossing[rows]
        several = shared_rows(crossing)
        alone = np.setdiff1d(np.arange(len(rows)), np.concatenate([[], *several]))
        minutes = choice.minutes[rows][:, trips > 0]
        weight = np.exp(-theta * (minutes - minutes.min(axis=0)))
        return cls(
            np.unique(choice.checkpoint[rows], return_inverse=True)[1],
            crossing,
            alone,
            several,
            minutes,
            weight[alone] if several else weight,
            [weight[r] for r in several],
            trips[trips > 0] * (total / trips.sum()),
            theta,
        )

    def flows(self, more: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return vehicles a day by checkpoint where waits are longer by so many minutes each."""
        later = self.theta * (more - more.min())[self.checkpoint]
        if later.max() > STEEP:
            chosen = logit(self.minutes + more[self.checkpoint][:, None], self.theta, self.crossing)
            return np.asarray(np.bincount(self.checkpoint, chosen @ self.trips), float)
        # e^(−θ(c + more)) is a product: two passes over the table in place of an exponential of each number.
        odds = np.exp(-later)
        out = np.zeros(len(odds))
        shared = [
            share_weights(odds[r, None] * w, np.zeros(len(r), np.int64))
            for r, w in zip(self.several, self.beside, strict=True)
        ]
        whole = odds[self.alone] @ self.own
        for part in shared:
            whole += part.sum(axis=0)
        rate = self.trips / whole
        out[self.alone] = odds[self.alone] * (self.own @ rate)
        for rows, part in zip(self.several, shared, strict=True):
            out[rows] = part @ rate
        return np.asarray(np.bincount(self.checkpoint, out), float)


def _by_checkpoint(
    values: Mapping[str, float] | pd.Series, ids: list[str], what: str, *, least: float | None
) -> NDArray[np.float64]:
    """Return values in the order of the checkpoints, NaN for a missing one."""
    known = dict(values.items())
    out = np.array([float(known.get(i, np.nan)) for i in ids])
    wrong = out[out < least] if least is not None else out[out <= 0]
    if len(wrong) or np.isinf(out).any():
        allowed = "0 or more" if least is not None else "more than 0, or NaN where it is unknown"
        raise NetworkError(f"{what} of {(wrong.tolist() or [np.inf])[0]:g}: allowed is {allowed}")
    return out


def _notes(table: pd.DataFrame, rounds: pd.DataFrame, converged: bool, tolerance: float) -> tuple[str, ...]:
    """Return what a reader must know."""
    notes = []
    unknown = table.loc[table["capacity_per_day"].isna(), "checkpoint_id"]
    if len(unknown) == len(table):
        notes.append("no capacity is known: loads are flows without a load factor, and waits stay as they are")
    elif len(unknown):
        notes.append(
            f"no capacity is known of {len(unknown)} of {len(table)} checkpoints: they take any flow without a "
            "longer wait"
        )
    if not converged:
        gap = rounds["relative_gap"].iloc[-1] if len(rounds) else np.nan
        notes.append(
            f"choice and waits did not settle in {len(rounds)} rounds: relative gap {gap:.2g}, sought {tolerance:g}"
        )
    over = table.loc[table["load_factor"] > 1, "checkpoint_id"]
    if len(over):
        notes.append(
            f"more vehicles than capacity at {', '.join(over)}: waits there are those of a queue that grows all day"
        )
    return tuple(notes)
