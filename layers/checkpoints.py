"""What a checkpoint table means: waits (mostly assumed), hours, and finding a checkpoint by name."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from layers.errors import LayerError, PlaceError
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

_SPAN = re.compile(r"^(\d{1,2}):(\d{2})\s*[-–]\s*(\d{1,2}):(\d{2})$")


def closed_hours(hours: str) -> float:
    """Return how many hours a day a checkpoint is shut; NaN where the text tells no daily hours (``irregular``).

    Examples
    --------
    >>> closed_hours("24/7"), closed_hours("09:00-21:00")
    (0.0, 12.0)
    """
    text = hours.strip()
    if text == "24/7":
        return 0.0
    match = _SPAN.match(text)
    if not match:
        return float("nan")
    begin, end = (int(match[i]) + int(match[i + 1]) / 60 for i in (1, 3))
    return 24.0 - ((end - begin) % 24 or 24.0)


def out_of_hours_wait_min(closed: float) -> float:
    """Return the expected wait for the opening, for arrivals spread evenly over the day: h²/48 hours, in minutes.

    Examples
    --------
    >>> out_of_hours_wait_min(12.0)
    180.0
    """
    return closed**2 / 48 * 60


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
    shut = np.array(others, bool) & (checkpoints["mode"] == "road").to_numpy()
    return checkpoints.assign(open=checkpoints["open"].to_numpy(bool) & ~shut) if shut.any() else checkpoints


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
    checkpoints: gpd.GeoDataFrame, waits: Mapping[str, float] | None = None, *, vehicle: str = "car"
) -> gpd.GeoDataFrame:
    """Return the checkpoints with the wait of one crossing filled in and marked where it is an assumption.

    Parameters
    ----------
    checkpoints
        Layer ``checkpoints``; a ``wait_min`` in the table counts as given, for trucks by road ``wait_truck_min``.
    waits
        Medians in minutes: by ``checkpoint_id`` they stand before the table, by ``mode regime`` or ``mode`` they
        replace `assumed_waits` where the table states nothing.
    vehicle
        Whose wait it is on roads, car or truck. The wait of a car says nothing of a truck's.

    Returns
    -------
    The frame with ``control_wait_min`` (median at the control), ``hours_wait_min`` (expected wait for the opening),
    ``wait_min`` (their sum: what a gate charges once per crossing), ``wait_p90_min``, ``wait_assumed``,
    ``wait_source``.

    Raises
    ------
    LayerError
        `waits` names what no checkpoint has, or another vehicle, or a wait is out of range.
    """
    given = {key: usable_wait_min(value, f"waits.{key}") for key, value in dict(waits or {}).items()}
    assumed = assumed_waits(vehicle)
    frame = checkpoints.copy()
    if vehicle == "truck":
        by_road = frame["mode"] == "road"
        trucks = frame["wait_truck_min"].astype(float) if "wait_truck_min" in frame else np.nan
        frame["wait_min"] = frame["wait_min"].where(~by_road, trucks)
        frame["wait_p90_min"] = frame["wait_p90_min"].where(~by_road)
    kind = frame["mode"] + " " + frame["regime"]
    unknown = sorted(set(given) - set(ASSUMED_WAITS) - set(frame["checkpoint_id"]) - set(kind) - set(frame["mode"]))
    if unknown:
        raise LayerError(
            f"waits for {', '.join(map(repr, unknown))} fit no checkpoint: allowed are {', '.join(ASSUMED_WAITS)}, or a checkpoint_id"
        )
    table = {key: value[0] for key, value in assumed.items()}
    default = kind.map(table).fillna(frame["mode"].map(table)).astype(float)
    tails = {key: value[1] for key, value in assumed.items()}
    p90 = kind.map(tails).fillna(frame["mode"].map(tails))
    stated = frame["wait_min"]
    of = "" if vehicle == "car" else f", {vehicle}"
    general = kind.map(given).fillna(frame["mode"].map(given)).astype(float).where(stated.isna())
    setting = frame["checkpoint_id"].map(given).astype(float).fillna(general)
    frame["wait_assumed"] = stated.isna() & setting.isna()
    frame["control_wait_min"] = setting.fillna(stated).fillna(default)
    frame["wait_source"] = np.select(
        [setting.notna(), stated.notna()],
        ["the study's [waits]", frame["wait_source"].replace("", "the layer checkpoints")],
        "assumption: " + kind.where(kind.isin(table), frame["mode"]) + np.where(frame["mode"] == "road", of, ""),
    )
    # A 90th percentile belongs to its median: the assumed one beside a stated median would be invented, as would the
    # table's own beside a setting of the study.
    tail = frame["wait_p90_min"].where(setting.isna())
    frame["wait_p90_min"] = tail.where(~frame["wait_assumed"], tail.fillna(p90.astype(float)))
    closed = frame["hours"].map(closed_hours).astype(float)
    frame["hours_known"] = closed.notna()
    frame["hours_wait_min"] = closed.map(out_of_hours_wait_min).fillna(0.0)
    frame["wait_min"] = frame["control_wait_min"] + frame["hours_wait_min"]
    return frame


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
    said = "is ambiguous" if hit.any() else "names no checkpoint"
    raise PlaceError(f"{text!r} {said}: allowed is one of {listed}")
