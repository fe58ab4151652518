"""Speeds and moving times of links by vehicle, season, surface and legal limit, each with the source of its speed."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from layers.errors import NetworkError
from layers.osm.classes import class_of
from layers.osm.limits import VEHICLES, class_kph
from layers.osm.tags import parsed
from network.kinds import FERRY

if TYPE_CHECKING:
    from numpy.typing import NDArray

ROAD_KPH: Mapping[str, float] = {
    "motorway": 100.0,
    "trunk": 85.0,
    "primary": 75.0,
    "secondary": 60.0,
    "tertiary": 50.0,
    "unclassified": 35.0,
    "residential": 35.0,
    "living_street": 20.0,
    "service": 20.0,
    "track": 20.0,
    "winter_road": 30.0,
}
"""Car, km/h by class; a link road is driven like its class. Assumptions between the legal limits outside towns and
observed means (docs/decisions.md)."""

RAIL_KPH: Mapping[str, float] = {"main": 70.0, "branch": 50.0, "industrial": 25.0}
"""Passenger train, km/h by usage: assumptions."""
PLAIN_RAIL = "rail"
"""Kind of a railway whose usage is not known (`layers.osm.lines`)."""

FERRY_KPH = 15.0
FERRY_BOARDING_MIN = 30.0
"""A ferry without a ``duration``: km/h, an assumption; and what getting on and off costs, half of it at each landing:
an assumption."""
FERRY_RANGE_KPH = (1.0, 100.0)
"""A duration that makes a ferry slower or faster than this is a slip of the source; a crossing of up to an hour may be
slower, for it begins and ends with mooring."""

SURFACES: Mapping[str, tuple[float, float]] = {
    **dict.fromkeys(("unpaved", "gravel", "fine_gravel", "compacted", "pebblestone", "rock"), (0.6, 40.0)),
    **dict.fromkeys(("ground", "dirt", "earth", "grass", "woodchips"), (0.5, 30.0)),
    **dict.fromkeys(("sand", "mud", "snow", "ice"), (0.5, 15.0)),
}
"""Share of the speed that is left on a loose surface, and its cap in km/h: assumptions; the caps are OSRM's car profile
or below. A surface that is not named or not here slows nobody."""

SMOOTHNESS: Mapping[str, float] = {"bad": 0.8, "very_bad": 0.5, "horrible": 0.3, "very_horrible": 0.2}
"""Share of the speed that is left on a rough road: assumptions. Surface and smoothness tell of one thing, so that the
smaller share counts and not their product. What is ``impassable`` is left out (`network.vehicles`)."""

TAGGED_SHARE = 0.9
"""A limit that is known for a road is driven at nine tenths of it: an assumption."""

TRUCK_KPH, TRUCK_SHARE = 70.0, 0.8
"""A truck's class speed is a car's, at most 70 km/h, times 0.8: assumptions. On a trunk road that is 56 km/h; CAREC
measured 51 km/h in motion on its Kazakh corridors (CPMM 2022)."""

WINTER_SHARE = 0.8
"""Share of the speed of every road that is left in winter: an assumption."""

OTHER_KPH: Mapping[str, float] = {"road": 35.0, "rail": 50.0}
"""km/h of a class that is in no table: assumptions."""
KNOWN_KPH: Mapping[str, float] = {**ROAD_KPH, FERRY: FERRY_KPH, **RAIL_KPH}


def with_speeds(
    links: pd.DataFrame, *, overrides: Mapping[str, float] | None = None, vehicle: str = "car", winter: bool = False
) -> pd.DataFrame:
    """Return the links with ``speed_kph``, ``speed_source`` and ``time_min`` (moving, without any wait).

    Parameters
    ----------
    links
        With ``mode`` (road or rail), ``kind``, ``length_m``, ``maxspeed_kph`` (NaN where unknown), and what is known of
        ``surface``, ``smoothness``, ``country``, ``maxspeed_hgv_kph``, ``driven_kph``, ``duration_min`` (ferries) and
        ``speed_source`` (``implicit`` where the limit is that of a legal zone which the tags name).
    overrides
        km/h by class of road or usage of rail, of the study's own vehicle; they stand before the defaults, not before a
        mapped limit that is lower.
    vehicle
        Car or truck, on roads alone.
    winter
        Drive all roads at `WINTER_SHARE`.

    Notes
    -----
    A car drives the class's speed, where a limit is mapped min(class, 0.9 × limit). A class speed is one that is
    driven: it is never above the legal limit of its country and class (`layers.osm.limits.class_kph`), and may equal
    it. A truck drives 0.8 × min(class, legal limit of trucks, 70), where a limit is mapped no more than 0.9 of it. Then
    surface, smoothness and winter.

    A speed that the layer itself states as driven (``driven_kph``) stands before all of them but winter; a truck drives
    no faster than it would without.

    ``speed_source`` is ``layer`` (stated as driven), ``tagged`` (posted limit, or a ferry's duration), ``implicit``
    (limit of a zone that the tags name), ``study``, ``default`` (class known) or ``fallback`` (class unknown).

    Raises
    ------
    NetworkError
        A speed that is not between 1 and 400 km/h, a class that is in no table, or another vehicle.
    """
    given = _checked(overrides, vehicle)
    kind = links["kind"].astype(str).str.removesuffix("_link")
    by_class = kind.map({**KNOWN_KPH, **given}).astype(float)
    speed = np.asarray(by_class.fillna(links["mode"].map(OTHER_KPH).astype(float)).to_numpy(float), np.float64)
    by_study = kind.isin(list(given)).to_numpy(bool)
    posted = _limits(links, vehicle, winter=winter) * TAGGED_SHARE
    tagged = np.isfinite(posted)
    on_road = (links["mode"] == "road").to_numpy(bool) & (kind != FERRY).to_numpy(bool)
    speed = _of_class(speed, links, kind, vehicle, own=on_road & ~by_study)
    speed = np.where(tagged, np.fmin(posted, speed), speed)
    timed = np.full(len(links), np.nan)
    if "duration_min" in links:
        timed = _ferry_kph(links, kind)
        speed = np.where(np.isfinite(timed), timed, speed)
    out = links.copy()
    speed, stated = _as_driven(_on_ground(speed, links), links, vehicle)
    out["speed_kph"] = np.where(on_road, speed * WINTER_SHARE, speed) if winter else speed
    of_zone = (links["speed_source"] == "implicit").to_numpy(bool) if "speed_source" in links else ~tagged
    out["speed_source"] = np.select(
        [stated, np.isfinite(timed), tagged & of_zone, tagged, by_study, by_class.notna()],
        ["layer", "tagged", "implicit", "tagged", "study", "default"],
        "fallback",
    )
    out["time_min"] = out["length_m"] / 1000 / out["speed_kph"] * 60
    return _with_boarding(out, (kind == FERRY).to_numpy(bool))


def _checked(overrides: Mapping[str, float] | None, vehicle: str) -> dict[str, float]:
    """Return the speeds of the study, or say what is wrong with them."""
    given = dict(overrides or {})
    wrong = {k: v for k, v in given.items() if not 1 <= v <= 400}
    strange = sorted(set(given) - set(KNOWN_KPH))
    if wrong:
        raise NetworkError(f"speeds {wrong} are out of range: allowed is 1 to 400 km/h")
    if strange:
        raise NetworkError(f"speeds for {', '.join(map(repr, strange))}: allowed classes are {', '.join(KNOWN_KPH)}")
    if vehicle not in VEHICLES:
        raise NetworkError(f"vehicle {vehicle!r}: allowed is {' or '.join(VEHICLES)}")
    return given


def _limits(links: pd.DataFrame, vehicle: str, *, winter: bool = False) -> NDArray[np.float64]:
    """Return the limit mapped for each link itself, that of winter where it has one, NaN where there is none."""
    limit = links["maxspeed_kph"].to_numpy(float)
    if winter and "maxspeed_winter_kph" in links:
        own = links["maxspeed_winter_kph"].to_numpy(float)
        limit = np.where(np.isfinite(own), own, limit)
    if vehicle == "truck" and "maxspeed_hgv_kph" in links:
        limit = np.fmin(limit, links["maxspeed_hgv_kph"].to_numpy(float))
    return limit


def _of_class(
    speed: NDArray[np.float64],
    links: pd.DataFrame,
    kind: pd.Series,
    vehicle: str,
    *,
    own: NDArray[np.bool_],
) -> NDArray[np.float64]:
    """Return the speeds of classes as the law and the vehicle let them be, on roads whose speed is our `own`."""
    speed = speed.copy()
    if "country" in links:
        # A limit for trucks alone does not lift the law for all.
        free = own & np.isnan(links["maxspeed_kph"].to_numpy(float))
        speed[free] = np.fmin(speed[free], class_kph(links["country"][free], kind[free], vehicle))
    if vehicle == "truck":
        speed[own] = TRUCK_SHARE * np.minimum(speed[own], TRUCK_KPH)
    return speed


def _ferry_kph(links: pd.DataFrame, kind: pd.Series) -> NDArray[np.float64]:
    """Return the speed of ferries that tell how long they take, NaN for all else."""
    hours = links["duration_min"].to_numpy(float) / 60
    kph = np.full(len(links), np.nan)
    use = (kind == FERRY).to_numpy(bool) & (hours > 0)
    kph[use] = links["length_m"].to_numpy(float)[use] / 1000 / hours[use]
    low, high = FERRY_RANGE_KPH
    return np.where(((kph >= low) | (hours <= 1)) & (kph <= high), kph, np.nan)


def _on_ground(speed: NDArray[np.float64], links: pd.DataFrame) -> NDArray[np.float64]:
    """Return speeds as surface and smoothness let them be."""
    share: NDArray[Any] = np.ones(len(links))
    cap: NDArray[Any] = np.full(len(links), np.inf)
    if "surface" in links:
        name = _first_of("surface", links)
        share = name.map({k: v[0] for k, v in SURFACES.items()}).astype(float).fillna(1.0).to_numpy(float)
        cap = name.map({k: v[1] for k, v in SURFACES.items()}).astype(float).fillna(np.inf).to_numpy(float)
    if "smoothness" in links:
        rough = _first_of("smoothness", links).map(SMOOTHNESS).astype(float).fillna(1.0).to_numpy(float)
        share = np.minimum(share, rough)
    return np.asarray(np.minimum(speed * share, cap), np.float64)


def _first_of(column: str, links: pd.DataFrame) -> pd.Series:
    """Return a column of tags with the first part of lists, in small letters."""
    return pd.Series(parsed(links[column], partial(class_of, column), ""), index=links.index)


def _as_driven(
    speed: NDArray[np.float64], links: pd.DataFrame, vehicle: str
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Return speeds with those that the layer states as driven, and where it does."""
    if "driven_kph" not in links:
        return speed, np.zeros(len(links), bool)
    driven = links["driven_kph"].to_numpy(float)
    stated = np.isfinite(driven)
    if vehicle == "truck":
        driven = np.where((links["mode"] == "road").to_numpy(bool), np.fmin(driven, speed), driven)
    return np.where(stated, driven, speed), stated


def _with_boarding(links: pd.DataFrame, ferry: NDArray[np.bool_]) -> pd.DataFrame:
    """Return the links with half of the boarding on every end of a ferry that is a landing: a node of other roads."""
    if not ferry.any() or "u" not in links:
        return links
    land = np.unique(links.loc[~ferry, ["u", "v"]].to_numpy())
    landings = np.isin(links["u"].to_numpy(), land).astype(float) + np.isin(links["v"].to_numpy(), land)
    links["time_min"] += np.where(ferry, landings * FERRY_BOARDING_MIN / 2, 0.0)
    return links
