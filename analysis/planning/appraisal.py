"""A scenario in the indicators that banks and agencies print, each with its formula and source.

What needs counts of the user's own is a line to fill in.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from network.build import FIELDS
from network.routing import compile_router

if TYPE_CHECKING:
    from analysis.planning.effects import Standing
    from network.build import Network

CPMM = "CAREC Corridor Performance Measurement and Monitoring"
PAIRS = 30
"""Pairs of places with most trips whose ways are measured for speeds."""
TEMPLATES = (
    (
        "TFI2 cost at a post",
        "US$",
        "Σ official and unofficial fees a crossing",
        CPMM,
        "fees by post, direction and vehicle",
    ),
    (
        "TFI3 cost of a corridor section",
        "US$ per 500 km and 20 t",
        "Σ costs of a 20-t truck over 500 km",
        CPMM,
        "operating costs and fees of trucks",
    ),
    (
        "time release by stage",
        "h",
        "arrival to release, by stage and agency",
        "WCO Guide to Measure the Time Required for the Release of Goods, 2018",
        "time stamps of a sample of declarations",
    ),
    (
        "CBTTFI",
        "score",
        "customs procedures, coordination, support facilities, transport rules, by post",
        "ADB, cross-border trade and transport facilitation index, 2025",
        "the questionnaire, filled in by post",
    ),
)
"""Indicators that nothing here can compute: indicator, unit, formula, source, what is needed."""


def appraisal_table(
    before: tuple[Network, Standing], after: tuple[Network, Standing], loads: pd.DataFrame
) -> pd.DataFrame:
    """Return the indicators of two states.

    Parameters
    ----------
    before, after
        Network and state.
    loads
        From `analysis.planning.effects.load_table`, with ``before`` and ``after`` shares.

    Returns
    -------
    ``indicator``, ``before``, ``after``, ``unit``, ``formula``, ``source``, ``needs`` (empty where it is computed):
    waits are those of the network, medians that are mostly assumed, weighted by the trips that choose each post by
    road.
    """
    states = (before, after)
    share = {s: loads[loads["mode"] == "road"].set_index("checkpoint_id")[s] for s in ("before", "after")}
    clear = [_weighted(n, share[s], "wait_min") / 60 for (n, _), s in zip(states, share, strict=True)]
    tail = [_weighted(n, share[s], "wait_p90_min") / 60 for (n, _), s in zip(states, share, strict=True)]
    speed = [_speeds(n, s) for n, s in states]
    rows = [
        (
            "TFI1 time to clear a post by road",
            *clear,
            "h",
            "mean wait over trips through a post (median of each)",
            CPMM,
        ),
        ("TFI1, 90th percentile", *tail, "h", "the same of the 90th percentiles, where they are known", CPMM),
        (
            "planning time index at posts",
            tail[0] / clear[0] if clear[0] else np.nan,
            tail[1] / clear[1] if clear[1] else np.nan,
            "ratio",
            "90th percentile over median; FHWA takes the 95th",
            "FHWA, travel time reliability",
        ),
        (
            "TFI4 speed without delay (SWOD)",
            speed[0][0],
            speed[1][0],
            "km/h",
            "length over moving time of the pairs with most trips",
            CPMM,
        ),
        ("TFI4 speed with delay (SWD)", speed[0][1], speed[1][1], "km/h", "length over moving time and waits", CPMM),
        (
            "share of the border in the trip time",
            1 - speed[0][1] / speed[0][0],
            1 - speed[1][1] / speed[1][0],
            "share",
            "1 − SWD/SWOD, stops at posts alone",
            "derived from CPMM",
        ),
        (
            "potential across",
            *(_potential(s) for _, s in states),
            "person-equivalents",
            "Σ P·f(t), mean over people: its loss by a closure",
            "Rosik et al. 2022, Transport Policy 126",
        ),
    ]
    table = pd.DataFrame(rows, columns=["indicator", "before", "after", "unit", "formula", "source"]).assign(needs="")
    blank = pd.DataFrame(TEMPLATES, columns=["indicator", "unit", "formula", "source", "needs"]).assign(
        before=np.nan, after=np.nan
    )
    return pd.concat([table, blank[table.columns]], ignore_index=True)


def _weighted(network: Network, share: pd.Series, column: str) -> float:
    """Return a column of the checkpoints in a mean over trips, of those where it is known; NaN of none."""
    value = network.checkpoints.set_index("checkpoint_id")[column].astype(float).reindex(share.index)
    known = value.notna() & (share > 0)
    return float((value[known] * share[known]).sum() / share[known].sum()) if known.any() else float("nan")


def _potential(state: Standing) -> float:
    """Return the potential across, mean over people."""
    people = np.concatenate(state.people)
    return float((np.concatenate(state.potential) * people).sum() / people.sum())


def _speeds(network: Network, state: Standing) -> tuple[float, float]:
    """Return km/h without and with waits over the ways by road of the pairs with most people, from side a to b."""
    weight = state.across.people_a[:, None] * state.across.people_b[None] * np.exp2(-state.minutes / 120.0)
    order = np.argsort(-weight, axis=None, kind="stable")[:PAIRS]
    node = network.settlements["node"].to_numpy(np.int64)
    router = compile_router(network, "road")
    km = moving = whole = 0.0
    for i, j in zip(*np.unravel_index(order, weight.shape), strict=True):  # thirty ways
        way = router.path(int(node[state.across.a[i]]), int(node[state.across.b[j]]), FIELDS["actual"])
        if way is not None and weight[i, j] > 0:
            km += weight[i, j] * way.length_m / 1000
            moving += weight[i, j] * way.time_min / 60
            whole += weight[i, j] * (way.time_min + way.wait_min) / 60
    return (km / moving, km / whole) if moving > 0 else (float("nan"), float("nan"))
