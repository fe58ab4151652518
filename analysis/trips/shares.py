"""The shares of checkpoints alone, without a table of all pairs through each of them.

Minutes through a checkpoint are a sum: home to the post, the wait, and home from it. So the weight e^(−θ·minutes) is a
product, and sums over pairs are products of matrices. Equal to `analysis.trips.choice.choose_checkpoints` to rounding,
and some twenty times quicker.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from analysis.trips.choice import THETA_PER_MIN, choose_checkpoints
from analysis.trips.crossings import number_crossings, share_weights

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from analysis.trips.demand import Demand, ModeTimes


def shares_of(demand: Demand, *, theta: float = THETA_PER_MIN) -> pd.Series:
    """Return the share of all modelled demand that each checkpoint carries: `Choice.share` of the same choice.

    Parameters
    ----------
    theta
        Spread of the choice, per minute.
    """
    gates = [_gates(m) for m in demand.modes]
    least_a, least_b = _least(demand, gates)
    weight = np.zeros(demand.trips.shape)
    plain: list[tuple[pd.DataFrame, NDArray[np.float64], NDArray[np.float64]]] = []
    dense: list[tuple[list[str], NDArray[np.float64]]] = []
    for m, table in zip(demand.modes, gates, strict=True):
        alone = table["alone"].to_numpy(bool)
        one = table[alone]
        tail, head = one["tail"].to_numpy(np.int64), one["head"].to_numpy(np.int64)
        there = np.exp(-theta * (m.to_posts[:, tail] - least_a[:, None])) * np.exp(-theta * one["cost"].to_numpy(float))
        back = np.exp(-theta * (m.from_posts[head] - least_b[None]))
        plain.append((one, there, back))
        weight += there @ back
        for _, crossing in table[~alone].groupby("crossing", sort=True):  # crossings with several gates: a few
            ids, odds = _through(m, crossing, theta, least_a, least_b)
            # Of two posts each has its weight but half of what both have; more are rare.
            two = odds - odds.min(axis=0) / 2 if len(ids) == 2 else odds
            shared = two if len(ids) <= 2 else share_weights(odds, np.zeros(len(ids), np.int64))
            dense.append((ids, shared))
            weight += shared.sum(axis=0)
    lost = (weight <= 0) & (demand.trips > 0)
    if lost.any() and (lost & _reached(demand, gates)).any():
        return choose_checkpoints(demand, theta=theta).share  # a spread so narrow that all weights vanish
    per = np.divide(demand.trips, weight, out=np.zeros_like(weight), where=weight > 0)
    held = [i for m in demand.modes for i in sorted(set(m.overlay.gates["checkpoint_id"]) - {""})]
    out = pd.Series(0.0, index=held, dtype=float)
    for one, there, back in plain:
        trips = (there * (per @ back.T)).sum(axis=0)
        out = out.add(pd.Series(trips, index=one["checkpoint_id"]).groupby(level=0).sum().reindex(held, fill_value=0.0))
    for ids, shared in dense:
        out.loc[ids] += (shared * per).sum(axis=(1, 2))
    return out


def _gates(m: ModeTimes) -> pd.DataFrame:
    """Return the gates that lead from side a to side b, with their crossing and whether each is the only one of it."""
    gates = m.overlay.gates.assign(crossing=number_crossings(m.overlay))
    near = np.asarray(np.isfinite(m.to_posts).any(axis=0), bool)
    far = np.asarray(np.isfinite(m.from_posts).any(axis=1), bool)
    leads = near[gates["tail"].to_numpy(np.int64)] & far[gates["head"].to_numpy(np.int64)]
    held = (gates["checkpoint_id"] != "").to_numpy() & np.isfinite(gates["cost"].to_numpy(float))
    table: pd.DataFrame = gates[leads & held].reset_index(drop=True)
    alone = ~table["crossing"].duplicated(keep=False)
    return pd.DataFrame(table.assign(alone=alone))


def _least(demand: Demand, gates: list[pd.DataFrame]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the minutes from each origin to its nearest post and to each target from its nearest: 0 for none."""
    a, b = np.full(len(demand.a), np.inf), np.full(len(demand.b), np.inf)
    for m, table in zip(demand.modes, gates, strict=True):
        a = np.minimum(a, m.to_posts[:, table["tail"].to_numpy(np.int64)].min(axis=1, initial=np.inf))
        b = np.minimum(b, m.from_posts[table["head"].to_numpy(np.int64)].min(axis=0, initial=np.inf))
    return np.where(np.isfinite(a), a, 0.0), np.where(np.isfinite(b), b, 0.0)


def _through(
    m: ModeTimes, gates: pd.DataFrame, theta: float, least_a: NDArray[np.float64], least_b: NDArray[np.float64]
) -> tuple[list[str], NDArray[np.float64]]:
    """Return the checkpoints of one crossing, and the weight of each by its best gate."""
    ids = sorted(set(gates["checkpoint_id"]))
    out = np.zeros((len(ids), *m.minutes.shape))
    for name, tail, head, cost in zip(gates["checkpoint_id"], gates["tail"], gates["head"], gates["cost"], strict=True):
        k = ids.index(name)
        there, back = m.to_posts[:, tail], m.from_posts[head]
        one = np.exp(-theta * (there - least_a + cost))[:, None] * np.exp(-theta * (back - least_b))[None]
        np.maximum(out[k], one, out=out[k])
    return ids, out


def _reached(demand: Demand, gates: list[pd.DataFrame]) -> NDArray[np.bool_]:
    """Return which pairs any gate joins."""
    out = np.zeros(demand.trips.shape, bool)
    for m, table in zip(demand.modes, gates, strict=True):
        tail, head = table["tail"].to_numpy(np.int64), table["head"].to_numpy(np.int64)
        out |= (np.isfinite(m.to_posts[:, tail]).astype(float) @ np.isfinite(m.from_posts[head])) > 0
    return out
