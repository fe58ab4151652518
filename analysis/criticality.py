"""What a checkpoint is worth: the cost of closing it, who is cut off, and what takes over."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from analysis.flows import Choice, Demand

if TYPE_CHECKING:
    from numpy.typing import NDArray


def close_each(demand: Demand, choice: Choice) -> pd.DataFrame:
    """Return what each single closure does to the modelled trips of the checkpoint's own mode.

    Returns
    -------
    Per checkpoint of the choice: ``share`` of all modelled demand; ``criticality_min`` = Σ T·(c⁻ᵏ − c) / Σ T over the
    trips that still find a way by that mode (Jenelius, Petersen & Mattsson 2006); ``unserved_share``, the part of the
    mode's trips that find none; ``extra_users_min``, the mean extra minutes of those who used it; ``fallback`` and
    ``fallback_share``, the checkpoint that takes most of its trips and how much of them.
    """
    share = choice.share
    rows = []
    by_mode = {m.mode: m for m in demand.modes}
    for k, (checkpoint, mode) in enumerate(zip(choice.ids, choice.mode, strict=True)):
        times = by_mode[mode]
        # Trees are shared: only the small graph of posts changes.
        closed = times.overlay.table(times.to_posts, times.from_posts, [checkpoint])
        before = times.minutes
        served = np.isfinite(before)
        still = served & np.isfinite(closed)
        trips = demand.trips
        weight = trips[still].sum()
        extra = np.where(still, closed - np.where(still, before, 0.0), 0.0)
        users = np.where(still, choice.trips[k], 0.0)
        rows.append(
            {
                "checkpoint_id": checkpoint,
                "share": share.iloc[k],
                "criticality_min": _ratio((trips * extra).sum(), weight),
                "unserved_share": _ratio(trips[served & ~still].sum(), trips[served].sum()),
                "extra_users_min": _ratio((users * extra).sum(), users.sum()),
                **_fallback(choice, k),
            }
        )
    return pd.DataFrame(rows, columns=COLUMNS)


COLUMNS = [
    "checkpoint_id", "share", "criticality_min", "unserved_share", "extra_users_min", "fallback", "fallback_share",
]  # fmt: skip


def _fallback(choice: Choice, k: int) -> dict[str, object]:
    """Return the checkpoint that takes over most of k's trips when it closes, and its share of them.

    In a logit the others keep their odds among themselves: k's trips of a pair spread over them in proportion to what
    each had.
    """
    mine: NDArray[np.float64] = choice.trips[k]
    # Summed anew, not as the whole less k: where k carries all but a rounding error the difference would be noise.
    rest = choice.trips[:k].sum(axis=0) + choice.trips[k + 1 :].sum(axis=0)
    passed_on = np.divide(mine, rest, out=np.zeros_like(mine), where=rest > 0)
    taken = np.tensordot(choice.trips, passed_on, axes=2)
    taken[k] = 0.0
    if not taken.max() > 0:
        return {"fallback": "", "fallback_share": np.nan}
    best = int(np.argmax(taken))
    return {"fallback": choice.ids[best], "fallback_share": float(taken[best] / mine.sum())}


def _ratio(part: float, whole: float) -> float:
    """Return a share, NaN where there is nothing to share."""
    return float(part / whole) if whole > 0 else float("nan")
