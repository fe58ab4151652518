"""What a checkpoint table means: waits (mostly assumed), hours, and finding a checkpoint by name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from layers.errors import LayerError, PlaceError
from layers.hours import CLOSED_HOURS, ClosedHours, read_hours
from layers.names import suggestion
from layers.osm.limits import VEHICLES
from layers.settlements import normalise

if TYPE_CHECKING:
    import geopandas as gpd

LONGEST_WAIT_MIN = 10_000.0
"""A week: what is longer is closed."""
ASSUMED_WAITS: Mapping[str, tuple[float, float]] = {
    "road multilateral": (60.0, 300.0),
    "road bilateral": (30.0, 150.0),
    "road simplified": (30.0, 150.0),
    "road unknown": (60.0, 300.0),
    "rail": (75.0, 90.0),
    "river": (60.0, 300.0),
}
"""Median and 90th percentile of the wait in minutes, car or passenger train, by mode and regime. Nobody measured them:
assumptions after published single observations (docs/decisions.md), to be replaced by a table of the user's own."""

TRUCK_WAIT = (240.0, 1440.0)
"""The same for trucks at any post by road: assumptions, between CAREC's corridor figures (2 to 9 hours) and news of
queues of days."""

POST_VEHICLES = ("car", "truck", "bus")


def assumed_waits(vehicle: str = "car") -> Mapping[str, tuple[float, float]]:
    """Return median and 90th percentile of the wait in minutes by mode and regime, for cars or trucks.

    Trains and boats wait the same whatever drives on the roads.

    Raises
    ------
    LayerError
        Another vehicle.

    Examples
    --------
    >>> assumed_waits()["road bilateral"], assumed_waits("truck")["road bilateral"]
    ((30.0, 150.0), (240.0, 1440.0))
    """
    if vehicle not in VEHICLES:
        raise LayerError(f"vehicle {vehicle!r}: allowed is {' or '.join(VEHICLES)}")
    if vehicle == "car":
        return ASSUMED_WAITS
    return {key: TRUCK_WAIT if key.startswith("road") else value for key, value in ASSUMED_WAITS.items()}


def open_to(checkpoints: gpd.GeoDataFrame, vehicle: str) -> gpd.GeoDataFrame:
    """Return the checkpoints, those by road that are not for a vehicle as not ``open``.

    Parameters
    ----------
    checkpoints
        Layer ``checkpoints``; ``vehicles`` lists those that may pass (``car|bus``), an empty text is for all.
    vehicle
        One of `POST_VEHICLES`.
    """
    if "vehicles" not in checkpoints:
        return checkpoints
    others = [text != "" and vehicle not in text.split("|") for text in checkpoints["vehicles"]]
    closed = np.array(others, bool) & (checkpoints["mode"] == "road").to_numpy()
    return checkpoints.assign(open=checkpoints["open"].to_numpy(bool) & ~closed) if closed.any() else checkpoints


def usable_wait_min(value: float, where: str) -> float:
    """Return a wait in minutes, or say what is wrong with it: a negative one would make ways that never end.

    Raises
    ------
    LayerError
        Not a number from 0 to `LONGEST_WAIT_MIN`.

    Examples
    --------
    >>> usable_wait_min(30, "waits.road")
    30.0
    """
    if isinstance(value, bool) or not 0 <= value <= LONGEST_WAIT_MIN:
        raise LayerError(f"{where} = {value!r}: allowed are minutes from 0 to {LONGEST_WAIT_MIN:,.0f}")
    return float(value)


def with_waits(
    checkpoints: gpd.GeoDataFrame,
    waits: Mapping[str, float] | None = None,
    *,
    vehicle: str = "car",
    closed_hours: ClosedHours = "planned",
) -> gpd.GeoDataFrame:
    """Return the checkpoints with the wait of one crossing filled in and marked where it is an assumption.

    Parameters
    ----------
    checkpoints
        Layer ``checkpoints``; a ``control_wait_min`` in the table counts as given, for trucks by road
        ``wait_truck_min``; where the table marks it ``wait_assumed`` it stays an assumption.
    waits
        Medians in minutes: by ``checkpoint_id`` they stand before the table, by ``mode regime`` or ``mode`` they
        replace `assumed_waits` where the table states nothing.
    vehicle
        Whose wait it is on roads, car or truck. The wait of a car says nothing of a truck's.
    closed_hours
        See `with_hours`.

    Returns
    -------
    The frame with ``control_wait_min`` (median at the control), ``wait_p90_min``, ``wait_assumed``, ``wait_source``,
    and the columns of `with_hours`.

    Raises
    ------
    LayerError
        `waits` names what no checkpoint has, or another vehicle, or a wait is out of range.
    """
    given = {key: usable_wait_min(value, f"waits.{key}") for key, value in dict(waits or {}).items()}
    assumed = assumed_waits(vehicle)
    frame = checkpoints.copy()
    marked = frame["wait_assumed"].astype(bool)
    if vehicle == "truck":
        by_road = frame["mode"] == "road"
        trucks = frame["wait_truck_min"].astype(float) if "wait_truck_min" in frame else np.nan
        frame["control_wait_min"] = frame["control_wait_min"].where(~by_road, trucks)
        frame["wait_p90_min"] = frame["wait_p90_min"].where(~by_road)
        marked = marked & ~by_road
    kind = frame["mode"] + " " + frame["regime"]
    unknown = sorted(set(given) - set(ASSUMED_WAITS) - set(frame["checkpoint_id"]) - set(kind) - set(frame["mode"]))
    if unknown:
        raise LayerError(
            f"waits for {', '.join(map(repr, unknown))} fit no checkpoint: allowed are "
            f"{', '.join(ASSUMED_WAITS)}, or a checkpoint_id"
        )
    table = {key: value[0] for key, value in assumed.items()}
    default = kind.map(table).fillna(frame["mode"].map(table)).astype(float)
    tails = {key: value[1] for key, value in assumed.items()}
    p90 = kind.map(tails).fillna(frame["mode"].map(tails))
    stated = frame["control_wait_min"].where(~marked)
    own = frame["control_wait_min"].where(marked)
    of = "" if vehicle == "car" else f", {vehicle}"
    general = kind.map(given).fillna(frame["mode"].map(given)).astype(float).where(stated.isna())
    setting = frame["checkpoint_id"].map(given).astype(float).fillna(general)
    frame["wait_assumed"] = stated.isna() & setting.isna()
    frame["control_wait_min"] = setting.fillna(stated).fillna(own).fillna(default)
    ours = "assumption: " + kind.where(kind.isin(table), frame["mode"]) + np.where(frame["mode"] == "road", of, "")
    frame["wait_source"] = np.select(
        [setting.notna(), stated.notna(), own.notna()],
        [
            "the study's [waits]",
            frame["wait_source"].replace("", "the layer checkpoints"),
            frame["wait_source"].where(frame["wait_source"] != "", "assumption of the layer checkpoints"),
        ],
        ours,
    )
    # A 90th percentile belongs to its median: the assumed one beside a stated median would be invented, as would the
    # table's own beside a setting of the study.
    tail = frame["wait_p90_min"].where(setting.isna())
    ours_p90 = p90.astype(float).where(own.isna())
    frame["wait_p90_min"] = tail.where(~frame["wait_assumed"], tail.fillna(ours_p90))
    return with_hours(frame, closed_hours)


def with_hours(checkpoints: gpd.GeoDataFrame, closed_hours: ClosedHours) -> gpd.GeoDataFrame:
    """Return the checkpoints with what their opening hours cost, and the wait that a gate charges.

    Parameters
    ----------
    checkpoints
        With ``hours`` and ``control_wait_min``.
    closed_hours
        ``planned``: who travels knows the hours and waits for none; ``even``: arrivals come at any time
        (`layers.hours.read_hours`).

    Returns
    -------
    The frame with ``hours_known``; ``hours_open_share`` of the week and ``hours_even_min``, the mean wait for the
    opening of evenly spread arrivals (NaN where the hours can't be read); ``hours_wait_min``, what is charged of it (0
    for unknown hours); ``wait_min`` = ``control_wait_min`` + ``hours_wait_min``: what a gate charges once per crossing.

    Raises
    ------
    LayerError
        Another rule for closed hours.
    """
    if closed_hours not in CLOSED_HOURS:
        raise LayerError(f"closed hours {closed_hours!r}: allowed are {', '.join(CLOSED_HOURS)}")
    found = [read_hours(text) for text in checkpoints["hours"]]
    even = np.array([h.wait_min for h in found], float)
    charged = np.nan_to_num(even) if closed_hours == "even" else np.zeros(len(even))
    return checkpoints.assign(
        hours_known=[h.known for h in found],
        hours_open_share=np.array([h.open_share for h in found], float),
        hours_even_min=even,
        hours_wait_min=charged,
        wait_min=checkpoints["control_wait_min"].astype(float) + charged,
    )


def find_checkpoint(checkpoints: gpd.GeoDataFrame, text: str) -> str:
    """Return the ``checkpoint_id`` that `text` names: an id, or any name of either post, after the mode where needed.

    ``rail Ozinki`` is the station, ``road Ozinki`` the road post; ``Ozinki`` alone is ambiguous.

    Raises
    ------
    PlaceError
        Unknown or ambiguous; the candidates are listed with their ids.
    """
    wanted = normalise(text)
    ids = checkpoints["checkpoint_id"]
    if text in set(ids):
        return text
    mode, _, rest = wanted.partition(" ")
    of_mode = np.ones(len(checkpoints), bool)
    if mode in set(checkpoints["mode"]) and rest:
        wanted, of_mode = rest, (checkpoints["mode"] == mode).to_numpy()
    names = (
        checkpoints["name"] + "|" + checkpoints["name_ru"] + "|" + checkpoints["names"] + "|" + checkpoints["name_kk"]
    )
    hit = of_mode & np.array([bool(wanted) and wanted in map(normalise, n.split("|")) for n in names], bool)
    if hit.sum() == 1:
        return str(ids[hit].iloc[0])
    shown = checkpoints[hit] if hit.any() else checkpoints
    listed = "; ".join(f"{i} ({n})" for i, n in zip(shown["checkpoint_id"], shown["name"], strict=True))
    every = [n for joined in names for n in joined.split("|") if n]
    reason = "is ambiguous" if hit.any() else f"names no checkpoint{suggestion(text, [*ids, *every])}"
    raise PlaceError(f"{text!r} {reason}: allowed is one of {listed}")
