"""Isolated gaps: poor cells among rich ones of their own side, far from any open checkpoint.

Candidates for a scenario, no more.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from analysis.statistics.own_side import own_side_test
from analysis.statistics.permutations import ALPHA, PERMUTATIONS
from analysis.statistics.weights import contiguity

GOOD, GAP = "isolated good crossing", "isolated gap (candidate)"
GAP_MIN = 60.0
"""Minutes to an open checkpoint beyond which a poor cell may be a gap. An assumption."""


def isolated_gaps(
    cells: pd.DataFrame,
    *,
    gap_min: float = GAP_MIN,
    permutations: int = PERMUTATIONS,
    seed: int = 0,
    alpha: float = ALPHA,
) -> pd.DataFrame:
    """Return the cells that stand out from their neighbours on their own side, ranked within their kind.

    With the own value fixed, a unit whose S_i is high though its own value is below its side's mean lies low among
    high: a gap, if it is further than `gap_min` from an open checkpoint. Neighbours across the border are no neighbours
    here: whoever has many of them would be a gap, for the ratio is larger over there. What opening a checkpoint there
    would bring, a scenario says.

    Parameters
    ----------
    cells
        With ``cell``, ``side``, ``region``, ``place``, ``lon``, ``lat``, ``population``, ``time_to_checkpoint_min``,
        ``nearest_checkpoint`` and ``log_ratio`` (log of the potential across over that at home, less its side's mean).

    Returns
    -------
    ``label``, ``rank``, ``place``, ``side``, ``region``, ``cell``, ``lon``, ``lat``, ``population``, ``ratio`` (times
    its side's mean), ``around`` (the same of its neighbours), ``time_to_checkpoint_min``, ``nearest_checkpoint``,
    ``q``.
    """
    known = cells[np.isfinite(cells["log_ratio"].to_numpy(float))].set_index("cell", drop=False)
    columns = ["label", "rank", "place", "side", "region", "cell", "lon", "lat", "population", "ratio", "around"]
    columns += ["time_to_checkpoint_min", "nearest_checkpoint", "q"]
    if known.empty:
        return pd.DataFrame(columns=columns)
    value, side = known["log_ratio"], known["side"]
    touching = contiguity(pd.Series(known["cell"].to_numpy()))
    pairs = touching.adjacency.reset_index()
    same = side.reindex(pairs["focal"]).to_numpy() == side.reindex(pairs["neighbor"]).to_numpy()
    pairs.loc[~same, "weight"] = 0
    graph = type(touching).from_arrays(
        pairs["focal"].to_numpy(), pairs["neighbor"].to_numpy(), pairs["weight"].to_numpy()
    )
    found = own_side_test(value, graph, side, permutations=permutations, seed=seed, alpha=alpha)
    pairs = pairs[pairs["weight"] > 0]
    around = value.reindex(pairs["neighbor"]).groupby(pairs["focal"].to_numpy()).mean().reindex(known.index)
    below = value < value.groupby(side).transform("mean")
    sure = found["q"].fillna(1.0) <= alpha
    low = sure & below & (found["z"] > 0) & (known["time_to_checkpoint_min"] > gap_min)
    high = sure & ~below & (found["z"] < 0)
    table = known.assign(
        label=np.where(low, GAP, GOOD),
        ratio=np.exp(value),
        around=np.exp(around),
        q=found["q"],
        gap=(value - around).abs(),
    )[low | high]
    table = table.sort_values(["label", "q", "gap"], ascending=[True, True, False], kind="stable", ignore_index=True)
    table["rank"] = table.groupby("label").cumcount() + 1
    return pd.DataFrame(table[columns])
