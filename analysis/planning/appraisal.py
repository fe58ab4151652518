"""A border, or a scenario on it, in the indicators that banks and agencies print, each with its formula and source.

What needs counts of the user's own is a line that says so, and a sheet to fill in (`borderlink template appraisal`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pandas as pd
import shapely

from analysis.connectivity.efficiency import MIN_KM, REFERENCE_KPH
from analysis.planning.busiest import BusiestWays, busiest_ways
from layers.crs import WGS84, geodesic_m, project
from network.money import Money, money_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from analysis.planning.benefit import Curve
    from analysis.planning.effects import Standing
    from network.build import Network

CPMM = "CAREC Corridor Performance Measurement and Monitoring"
FHWA = "FHWA, travel time reliability"
ROSIK = "Rosik et al. 2022, Transport Policy 126"
NEAR_KM = 75.0
"""The belt of the JRC's network efficiency."""
SHORT_MIN = 120.0
"""A trip across of so many minutes or less is a short one.

An assumption, for Rosik et al. tell short and long apart.
"""
Z90, Z95 = 1.2815515655446004, 1.6448536269514722


class Indicator(NamedTuple):
    """What an indicator is: its name, unit, formula and source, and what of the user's own it needs."""

    name: str
    unit: str
    formula: str
    source: str
    needs: str = ""


INDICATORS = {
    "tfi1": Indicator(
        "TFI1 time to clear a post by road", "h", "mean wait over trips through a post (median of each)", CPMM
    ),
    "tfi1_p90": Indicator("TFI1, 90th percentile", "h", "the same of the 90th percentiles, where they are known", CPMM),
    "index": Indicator(
        "planning time index at posts",
        "ratio",
        "e^(1.645·σ), σ = ln(90th percentile / median)/1.282: the 95th over the median of a log-normal, mean over "
        "trips",
        FHWA,
    ),
    "variation": Indicator(
        "variation of waits at posts",
        "ratio",
        "√(e^(σ²) − 1): standard deviation over mean of the same log-normal, mean over trips",
        f"{CPMM}, 2010",
    ),
    "tfi2": Indicator(
        "TFI2 cost at a post", "currency", "mean fee over trips through a post by road", CPMM, "fees in [money]"
    ),
    "tfi3": Indicator(
        "TFI3 cost of a corridor section",
        "currency per 500 km",
        "500 · (kilometres, tolls and fees) / km of the ways of the pairs with most trips; of a 20-t truck where the "
        "study's costs are",
        CPMM,
        "per_km in [money]",
    ),
    "swod": Indicator(
        "TFI4 speed without delay (SWOD)", "km/h", "length over moving time of the pairs with most trips", CPMM
    ),
    "swd": Indicator("TFI4 speed with delay (SWD)", "km/h", "length over moving time and waits", CPMM),
    "border": Indicator(
        "share of the border in the trip time", "share", "1 − SWD/SWOD, stops at posts alone", "derived from CPMM"
    ),
    "efficiency": Indicator(
        f"network efficiency across, within {NEAR_KM:g} km of the border",
        "ratio",
        f"Σ (t/t*)·P / Σ P over places across, t* the straight line at {REFERENCE_KPH:g} km/h, pairs of {MIN_KM:g} km "
        "or more, mean over people; 1 is the best there is",
        "Christodoulou & Christidis 2019, Sustainability 11(15) 4000",
    ),
    "potential": Indicator(
        "potential across", "person-equivalents", "Σ P·f(t), mean over people: its loss by a closure", ROSIK
    ),
    "short": Indicator(
        f"potential across, trips of {SHORT_MIN:g} min or less", "person-equivalents", "the same of short trips", ROSIK
    ),
    "long": Indicator(
        f"potential across, trips of more than {SHORT_MIN:g} min", "person-equivalents", "the same of long trips", ROSIK
    ),
    "trs": Indicator(
        "time release by stage",
        "h",
        "arrival to release, by stage and agency",
        "WCO Guide to Measure the Time Required for the Release of Goods, 2018",
        "time stamps of a sample of declarations: trs.csv of borderlink template appraisal",
    ),
    "cbttfi": Indicator(
        "CBTTFI",
        "score",
        "customs procedures, coordination, support facilities, transport rules, by post",
        "ADB, cross-border trade and transport facilitation index, 2025",
        "the questionnaire, filled in by post: cbttfi.csv of borderlink template appraisal",
    ),
}
"""All of them in their order; those that need something are empty without it."""


def appraisal_table(
    before: tuple[Network, Standing],
    after: tuple[Network, Standing],
    loads: pd.DataFrame,
    curve: Curve,
    *,
    money: Money | None = None,
) -> pd.DataFrame:
    """Return the indicators of two states.

    Parameters
    ----------
    before, after
        Network and state.
    loads
        From `analysis.planning.effects.load_table`, with ``before`` and ``after`` shares.
    curve
        Trips by their cost, of both states.
    money
        What moving costs, as the study says it.

    Returns
    -------
    ``indicator``, ``before``, ``after``, ``unit``, ``formula``, ``source``, ``needs`` (empty where it is computed):
    waits are those of the network, medians that are mostly assumed, weighted by the trips that choose each post by
    road.
    """
    road = loads[loads["mode"] == "road"].set_index("checkpoint_id")
    ways = [busiest_ways(*before)]
    ways.append(busiest_ways(*after, like=ways[0]))
    old, new = (
        indicators(network, state, road[name], curve, own, money=money)
        for name, (network, state), own in zip(("before", "after"), (before, after), ways, strict=True)
    )
    return _named({"before": old, "after": new})


def appraisal_of(
    network: Network, state: Standing, share: pd.Series, curve: Curve, *, money: Money | None = None
) -> pd.DataFrame:
    """Return the indicators of a border as it is: as `appraisal_table`, with ``value`` in the place of two states.

    Parameters
    ----------
    share
        Trips through each checkpoint by road, by its id.
    """
    return _named({"value": indicators(network, state, share, curve, busiest_ways(network, state), money=money)})


def _named(columns: dict[str, dict[str, float]]) -> pd.DataFrame:
    """Return values by key with what each indicator is."""
    table = pd.DataFrame(list(INDICATORS.values()), columns=["indicator", "unit", "formula", "source", "needs"])
    for name, values in columns.items():
        table[name] = [values.get(key, np.nan) for key in INDICATORS]
    known = table[list(columns)].notna().any(axis=1)
    table["needs"] = table["needs"].where(~known, "")
    return table[["indicator", *columns, "unit", "formula", "source", "needs"]]


def indicators(
    network: Network, state: Standing, share: pd.Series, curve: Curve, ways: BusiestWays, *, money: Money | None = None
) -> dict[str, float]:
    """Return the indicators of one state by the keys of `INDICATORS`, those that can be computed.

    NaN where not known.
    """
    posts = network.checkpoints.set_index("checkpoint_id")
    wait, tail = (posts[c].astype(float).reindex(share.index) for c in ("wait_min", "wait_p90_min"))
    sigma = np.log((tail / wait).where((wait > 0) & (tail >= wait))) / Z90
    out = {
        "tfi1": _mean(wait, share) / 60,
        "tfi1_p90": _mean(tail, share) / 60,
        "index": _mean(np.exp(Z95 * sigma), share),
        "variation": _mean(np.sqrt(np.exp(sigma**2) - 1), share),
    }
    swod, swd, cost = _speeds(ways, money)
    out |= {"swod": swod, "swd": swd, "border": 1 - swd / swod}
    if money is not None:
        fees = pd.Series({i: money.fees.get(str(i), money.fees.get("road", np.nan)) for i in share.index}, dtype=float)
        out |= {"tfi2": _mean(fees, share), "tfi3": cost if money.per_km > 0 else np.nan}
    out["efficiency"] = _efficiency(network, state)
    return out | _potentials(state, curve)


def _mean(value: pd.Series, share: pd.Series) -> float:
    """Return a mean over trips, of the posts where a value is known; NaN of none."""
    known = value.notna() & (share > 0)
    return float((value[known] * share[known]).sum() / share[known].sum()) if known.any() else float("nan")


def _potentials(state: Standing, curve: Curve) -> dict[str, float]:
    """Return the potential across, mean over people, and its parts by short and long trips."""
    people = np.concatenate(state.people)
    total = float((np.concatenate(state.potential) * people).sum() / people.sum())
    within = state.minutes <= SHORT_MIN
    # What a pair gives to both of its ends: P·P·f, twice.
    pull = curve.fades(state.minutes)
    weight = state.across.people_a[:, None] * state.across.people_b[None] * pull
    short = 2 * float(weight[within].sum() / people.sum())
    return {"potential": total, "short": short, "long": total - short}


def _efficiency(network: Network, state: Standing) -> float:
    """Return the network efficiency across of the places near the border, mean over people; NaN without a pair."""
    towns = network.settlements
    spots = np.asarray(project(towns.geometry.to_numpy(), WGS84, network.crs), dtype=object)
    near = np.asarray(shapely.dwithin(spots, network.base.border.line, NEAR_KM * 1000), bool)
    x, y = towns.geometry.x.to_numpy(), towns.geometry.y.to_numpy()
    a, b = state.across.a[near[state.across.a]], state.across.b[near[state.across.b]]
    minutes = state.minutes[np.ix_(near[state.across.a], near[state.across.b])]
    if not minutes.size:
        return float("nan")
    straight = np.asarray(geodesic_m(x[a][:, None], y[a][:, None], x[b][None], y[b][None]), float) / 1000
    kept = np.isfinite(minutes) & (straight >= MIN_KM)
    ratio = np.where(kept, minutes, 0.0) / np.where(kept, straight / REFERENCE_KPH * 60, 1.0)
    people = [p[near[r]] for p, r in zip(state.people, (state.across.a, state.across.b), strict=True)]
    values, weights = [], []
    for own, other, table, use in ((people[0], people[1], ratio, kept), (people[1], people[0], ratio.T, kept.T)):
        drawn = use @ other
        values.append(np.divide(table @ other, drawn, out=np.zeros(len(own)), where=drawn > 0))
        weights.append(np.where(drawn > 0, own, 0.0))
    weight = np.concatenate(weights)
    return float((np.concatenate(values) * weight).sum() / weight.sum()) if weight.sum() > 0 else float("nan")


def _speeds(ways: BusiestWays, money: Money | None) -> tuple[float, float, float]:
    """Return km/h without and with waits, and the cost of 500 km, of the ways by road of the pairs with most people."""
    links = ways.network.links
    metres, moving_min, wait_min = (links[c].to_numpy(float) for c in ("length_m", "time_min", "wait_min"))
    spent = money_of(links, money) if money is not None else np.zeros(len(links))
    sums: NDArray[np.float64] = np.zeros(4)
    for pair, rows in ways.rows.items():  # thirty ways
        if rows is None:
            continue
        moving, wait = float(moving_min[rows].sum()), float(wait_min[rows].sum())
        cost = float(spent[rows].sum()) if money is not None else 0.0
        sums += ways.weight[pair] * np.array([metres[rows].sum() / 1000, moving / 60, (moving + wait) / 60, cost])
    km, moving, whole, cost = sums
    return (km / moving, km / whole, 500 * cost / km) if moving > 0 else (np.nan, np.nan, np.nan)
