"""What a scenario changes: for the whole border, by side, region and settlement, and at the checkpoints.

And the wait above which it is worth nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np
import pandas as pd

from analysis.planning.benefit import Benefit, Curve, user_benefit
from analysis.trips.choice import THETA_PER_MIN, logit
from layers.sides import SIDES

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from analysis.planning.across import Across
    from network.build import Network

WITHIN = (60, 120, 240)
LEAST_PCT = 0.1
"""Per cent of change of the potential across from which a place gains or loses. An assumption."""


@dataclass(frozen=True)
class Standing:
    """One state of the border as planners read it, by settlement of either side.

    ``minutes`` between all pairs (a, b); ``city`` minutes to the nearest city across, ``post`` minutes to the nearest
    post, ``reach`` people across within `WITHIN` minutes, ``potential`` across: each for side a and side b.
    """

    across: Across
    minutes: NDArray[np.float64]
    city: tuple[NDArray[np.float64], NDArray[np.float64]]
    city_row: tuple[NDArray[np.int64], NDArray[np.int64]]
    post: tuple[NDArray[np.float64], NDArray[np.float64]]
    potential: tuple[NDArray[np.float64], NDArray[np.float64]]

    @property
    def people(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """People of either side."""
        return self.across.people_a, self.across.people_b


def cities(across: Across, city_people: float) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Return which settlements of either side are cities, of so many people or more."""
    return across.people_a >= city_people, across.people_b >= city_people


def standing(across: Across, curve: Curve, towns: tuple[NDArray[np.bool_], NDArray[np.bool_]]) -> Standing:
    """Return one state.

    Parameters
    ----------
    towns
        From `cities`, of people as they are: a draw of people makes no city of a town.
    """
    minutes = across.minutes
    pull = curve.fades(minutes)
    a, b = minutes[:, towns[1]], minutes.T[:, towns[0]]
    return Standing(
        across,
        minutes,
        (a.min(axis=1, initial=np.inf), b.min(axis=1, initial=np.inf)),
        (_nearest(a, np.flatnonzero(towns[1])), _nearest(b, np.flatnonzero(towns[0]))),
        nearest_post(across),
        (pull @ across.people_b, across.people_a @ pull),
    )


def nearest_post(across: Across) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return minutes from settlements of either side to the nearest open post by road, by rail where no road has one.

    Infinity where none is reached.
    """
    road = across.by("road") or (across.modes[0] if across.modes else None)
    return road.to_post() if road else (np.full(len(across.a), np.inf), np.full(len(across.b), np.inf))


def _nearest(minutes: NDArray[np.float64], columns: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return which column is the nearest, −1 where none is reached."""
    if not minutes.shape[1]:
        return np.full(len(minutes), -1)
    return np.where(np.isfinite(minutes.min(axis=1)), columns[minutes.argmin(axis=1)], -1)


def benefit_between(before: Standing, after: Standing, curve: Curve) -> Benefit:
    """Return what users gain between two states, in minutes times trips; the trips of the state before sum to 1."""
    weight = before.across.people_a[:, None] * before.across.people_b[None]
    total = float((weight * curve.fades(before.minutes)).sum())
    return user_benefit(weight / total if total > 0 else weight, before.minutes, after.minutes, curve)


class Figured(Protocol):
    """What figures are read from, by settlement of either side: a `Standing`, or a state under a draw."""

    @property
    def people(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """People."""

    @property
    def city(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Minutes to the nearest city across."""

    @property
    def post(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Minutes to the nearest post."""

    @property
    def potential(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Potential across."""


def figures(state: Figured) -> dict[str, float]:
    """Return the figures of the whole border in one state, by the names in `MEASURES`."""
    people = np.concatenate(state.people)
    city, post, potential = (np.concatenate(v) for v in (state.city, state.post, state.potential))
    seen = np.isfinite(city)
    out = {"city_min": float((city[seen] * people[seen]).sum() / people[seen].sum()) if seen.any() else np.nan}
    out |= {f"city_{t}": float(people[city <= t].sum()) for t in WITHIN}
    out |= {f"post_{t}": float(people[post <= t].sum()) for t in WITHIN}
    out["potential"] = float((potential * people).sum() / people.sum())
    return out


MEASURES: dict[str, tuple[str, str]] = {
    "city_min": ("minutes to the nearest city across, mean over people", "min"),
    **{f"city_{t}": (f"people within {t} min of a city across", "persons") for t in WITHIN},
    **{f"post_{t}": (f"people within {t} min of an open post by road", "persons") for t in WITHIN},
    "potential": ("potential across, mean over people", "person-equivalents"),
}
"""The figures of a state: name and unit."""


def gains(benefit: Benefit, *, trips: float | None = None) -> dict[str, float]:
    """Return what users gain per trip that is made before, in minutes, and the trips that are made more.

    Parameters
    ----------
    trips
        Those of before; of all pairs where the benefit is of some alone.
    """
    trips = float(benefit.before.sum()) if trips is None else trips
    return {
        "saved_half": float(benefit.half.sum()) / trips if trips else np.nan,
        "saved_path": float(benefit.path.sum()) / trips if trips else np.nan,
        "saved_new": float(benefit.new.sum()) / trips if trips else np.nan,
        "saved": float(benefit.whole.sum()) / trips if trips else np.nan,
        "induced": float((benefit.after.sum() - benefit.before.sum()) / trips) if trips else np.nan,
    }


def changed(before: Figured, after: Figured, benefit: Benefit, *, trips: float | None = None) -> dict[str, float]:
    """Return what changes between two states: figures and gains by the names in `MEASURES` and `GAINS`.

    Parameters
    ----------
    trips
        See `gains`.
    """
    old, new = figures(before), figures(after)
    return {**{k: new[k] - old[k] for k in old}, **gains(benefit, trips=trips)}


GAINS: dict[str, tuple[str, str]] = {
    "saved": ("benefit of users, by the area under the demand curve", "min per trip of before"),
    "saved_half": ("benefit of users, by the rule of a half (pairs with a way before)", "min per trip of before"),
    "saved_path": ("the same pairs by the area", "min per trip of before"),
    "saved_new": ("pairs without a way before or after, by the area alone", "min per trip of before"),
    "induced": ("trips induced (above 0) or given up (below)", "share of the trips of before"),
}


def effects_table(before: Standing, after: Standing, benefit: Benefit) -> pd.DataFrame:
    """Return the answer for the whole border.

    ``measure``, ``unit``, ``before``, ``after``, ``change``; benefits are changes alone.
    """
    old, new = figures(before), figures(after)
    rows: list[tuple[str, str, str, float, float, float]] = [
        (key, *MEASURES[key], old[key], new[key], new[key] - old[key]) for key in MEASURES
    ]
    rows += [(key, *GAINS[key], np.nan, np.nan, value) for key, value in gains(benefit).items()]
    return pd.DataFrame(rows, columns=["key", "measure", "unit", "before", "after", "change"])


def place_table(network: Network, before: Standing, after: Standing, benefit: Benefit) -> pd.DataFrame:
    """Return what changes at every settlement, those that gain most first.

    Returns
    -------
    ``settlement_id``, ``place``, ``side``, ``region``, ``population``, and before, after and change of ``city_min``
    (minutes to the nearest city across), ``post_min``, ``potential``; ``city_after`` its name;
    ``people_within_<T>_change`` people across within T; ``benefit_share`` of the sum of all gains and losses (half of a
    pair's at either end: an assumption); ``effect`` gain, loss or none.
    """
    towns = network.settlements
    parts = []
    size = float(np.abs(benefit.whole).sum())
    for k, side in enumerate(SIDES):
        rows = before.across.a if k == 0 else before.across.b
        others = before.across.b if k == 0 else before.across.a
        half = benefit.whole.sum(axis=1 - k) / 2
        table = pd.DataFrame(
            {
                "settlement_id": towns["settlement_id"].to_numpy()[rows],
                "place": towns["name"].to_numpy()[rows],
                "side": side,
                "region": towns["region"].to_numpy()[rows],
                "population": before.people[k],
            }
        )
        for name, pair in (
            ("city_min", (before.city[k], after.city[k])),
            ("post_min", (before.post[k], after.post[k])),
            ("potential", (before.potential[k], after.potential[k])),
        ):
            old, new = (np.where(np.isfinite(v), v, np.nan) for v in pair)
            table[f"{name}_before"], table[f"{name}_after"], table[f"{name}_change"] = old, new, new - old
        nearest = after.city_row[k]
        table["city_after"] = np.where(nearest >= 0, towns["name"].to_numpy(dtype=object)[others][nearest], "")
        crowd = before.people[1 - k]
        for t in WITHIN:
            near = [(m if k == 0 else m.T) <= t for m in (before.minutes, after.minutes)]
            table[f"people_within_{t}_change"] = near[1] @ crowd - near[0] @ crowd
        table["benefit_share"] = half / size if size > 0 else 0.0
        moved = 100 * table["potential_change"].abs() >= LEAST_PCT * table["potential_before"].abs().clip(lower=1e-12)
        table["effect"] = np.where(moved, np.where(table["potential_change"] > 0, "gain", "loss"), "none")
        parts.append(table)
    out = pd.concat(parts, ignore_index=True)
    order = np.lexsort((out["settlement_id"].astype(str), -out["benefit_share"].to_numpy(float)))
    return out.iloc[order].reset_index(drop=True)


RULE = "half of a trip's benefit at either end"
"""How benefits are told apart by place and side: an assumption, for nothing knows where a traveller lives."""


def group_table(places: pd.DataFrame, by: Sequence[str]) -> pd.DataFrame:
    """Return who gains and who loses by side, or by side and region.

    People, means over people, and the largest place of either kind.

    Returns
    -------
    The keys; ``people``, ``people_gaining``, ``people_losing`` (by potential across); ``city_min_before`` and
    ``_after`` over those who reach a city in both states; ``potential_change_pct``; ``benefit_share``; ``gains_most``,
    ``loses_most`` by name.
    """
    rows = []
    for key, own in places.groupby(list(by), sort=True):  # regions: dozens
        people = own["population"].to_numpy(float)
        known = own[["city_min_before", "city_min_after"]].notna().all(axis=1).to_numpy()
        mean = [_mean(own[f"city_min_{s}"].to_numpy(float)[known], people[known]) for s in ("before", "after")]
        potential = [float((own[f"potential_{s}"] * people).sum()) for s in ("before", "after")]
        gain, loss = (own[own["effect"] == e] for e in ("gain", "loss"))
        rows.append(
            {
                **dict(zip(by, key, strict=True)),
                "people": people.sum(),
                "people_gaining": gain["population"].sum(),
                "people_losing": loss["population"].sum(),
                "city_min_before": mean[0],
                "city_min_after": mean[1],
                "city_min_change": mean[1] - mean[0],
                "potential_change_pct": 100 * (potential[1] / potential[0] - 1) if potential[0] > 0 else np.nan,
                "benefit_share": own["benefit_share"].sum(),
                "benefit_rule": RULE,
                "gains_most": _most(gain, largest=True),
                "loses_most": _most(loss, largest=False),
            }
        )
    return pd.DataFrame(rows)


def _mean(values: NDArray[np.float64], weight: NDArray[np.float64]) -> float:
    """Return a mean over people, NaN over nobody."""
    return float((values * weight).sum() / weight.sum()) if weight.sum() > 0 else float("nan")


def _most(table: pd.DataFrame, *, largest: bool) -> str:
    """Return the place that gains or loses most, by its benefit."""
    if table.empty:
        return ""
    values = table["benefit_share"].to_numpy(float)
    return str(table["place"].iloc[int(values.argmax() if largest else values.argmin())])


def load_table(before: Standing, after: Standing, benefit: Benefit, *, theta: float = THETA_PER_MIN) -> pd.DataFrame:
    """Return the loads of checkpoints: those diverted from one post to another, and those that are new, apart.

    Diverted are the trips of before that choose otherwise now; induced the trips that are made more (or less), at the
    posts that they choose. A post that takes a place beside another at one crossing makes no trip by itself: crossings
    are what is chosen.

    Returns
    -------
    ``checkpoint_id``, ``mode``, ``before``, ``diverted``, ``induced``, ``after`` in shares of all trips of before.
    """
    parts = []
    for state, all_trips in ((before, (benefit.before,)), (after, (benefit.before, benefit.after))):
        table, minutes = state.across.through()
        share = logit(minutes, theta, table["crossing"].to_numpy(np.int64))
        for trips in all_trips:
            chosen = (share * trips).sum(axis=(1, 2))
            parts.append(table.assign(trips=chosen).groupby(["checkpoint_id", "mode"])["trips"].sum())
    table = pd.concat(parts, axis=1, keys=["before", "moved", "after"]).fillna(0.0)
    total = float(benefit.before.sum())
    table = table / total if total > 0 else table
    table["diverted"], table["induced"] = table["moved"] - table["before"], table["after"] - table["moved"]
    out = table.reset_index()[["checkpoint_id", "mode", "before", "diverted", "induced", "after"]]
    return out.sort_values(["mode", "checkpoint_id"], ignore_index=True)


def worthless_wait(before: Standing, after: Across, checkpoint: str) -> float:
    """Return the wait in minutes, both directions, above which a checkpoint shortens no trip.

    Exact where trips cross once.

    Parameters
    ----------
    before
        The state without the checkpoint, or with it closed.
    after
        Trees of a network in which it is open.
    """
    free = after.changed(waits={checkpoint: 0.0})
    most = -np.inf
    for m in free.modes:
        table, minutes = m.through()
        own = (table["checkpoint_id"] == checkpoint).to_numpy()
        if own.any():
            best = minutes[own].min(axis=0)
            had, has = np.isfinite(before.minutes), np.isfinite(best)
            if (has & ~had).any():
                return float("inf")
            most = max(most, float((before.minutes[has] - best[has]).max(initial=-np.inf)))
    return max(most, 0.0) if np.isfinite(most) else float("nan")
