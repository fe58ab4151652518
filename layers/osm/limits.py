"""Legal speed limits by country, zone and vehicle: what holds where no sign is mapped."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from layers.errors import LayerError

if TYPE_CHECKING:
    from numpy.typing import NDArray

NAN = float("nan")
VEHICLES = ("car", "truck")

GENERIC_KPH: Mapping[str, float] = {
    "urban": 50.0,
    "rural": 90.0,
    "trunk": 100.0,
    "motorway": 120.0,
    "living_street": 20.0,
    "bicycle_road": 30.0,
    "school": 30.0,
}
"""Limits of a zone whose country has no entry in `LEGAL_KPH`: assumptions, the commonest in the world."""

LEGAL_KPH: Mapping[str, Mapping[str, float]] = {
    "RU": {"urban": 60, "rural": 90, "trunk": 90, "motorway": 110, "living_street": 20},
    "KZ": {"urban": 60, "rural": 110, "trunk": 110, "motorway": 140, "living_street": 20},
    "BY": {"urban": 60, "rural": 90, "trunk": 90, "motorway": 110, "living_street": 20},
    "UA": {"urban": 50, "rural": 90, "trunk": 110, "motorway": 130, "living_street": 20},
    "DE": {"urban": 50, "rural": 100, "motorway": NAN, "living_street": 7},
    "AT": {"urban": 50, "rural": 100, "trunk": 100, "motorway": 130},
    "CH": {"urban": 50, "rural": 80, "trunk": 100, "motorway": 120, "living_street": 20},
    "LI": {"urban": 50, "rural": 80},
    "FR": {"urban": 50, "rural": 80, "trunk": 110, "motorway": 130, "living_street": 20},
    "IT": {"urban": 50, "rural": 90, "trunk": 110, "motorway": 130},
    "CZ": {"urban": 50, "rural": 90, "trunk": 110, "motorway": 130, "living_street": 20},
    "PL": {"urban": 50, "rural": 90, "motorway": 140, "living_street": 20},
    "FI": {"urban": 50, "rural": 80, "motorway": 120, "living_street": 20},
    "GB": {"urban": 48.28, "nsl_single": 96.56, "nsl_dual": 112.65, "motorway": 112.65},
}
"""km/h by country and zone, cars. A zone that is missing here takes `GENERIC_KPH`; NaN says that there is no limit.
Source: the page "Default speed limits" of OpenStreetMap's wiki, as the library osm-legal-default-speeds reads it."""

GENERIC_TRUCK_KPH: Mapping[str, float] = {"rural": 80.0, "trunk": 80.0, "motorway": 80.0}
"""Trucks of a country that has no entry in `LEGAL_TRUCK_KPH`: an assumption, the commonest limit of heavy goods
vehicles."""

LEGAL_TRUCK_KPH: Mapping[str, Mapping[str, float]] = {
    "RU": {"rural": 70, "trunk": 70, "motorway": 90},
    "KZ": {"rural": 70, "trunk": 70},
}
"""km/h by country and zone, heavy goods vehicles (``hgv``). Same source as `LEGAL_KPH`; Kazakhstan lets lighter goods
vehicles drive 90 outside towns, which is not used. A truck never has a higher limit than a car."""

CLASS_ZONE: Mapping[str, str] = {
    "motorway": "motorway",
    "trunk": "trunk",
    **dict.fromkeys(
        ("primary", "secondary", "tertiary", "unclassified", "road", "track", "service", "winter_road"), "rural"
    ),
    "residential": "urban",
    "living_street": "living_street",
}
"""The zone of an untagged road by its class: outside towns, unless the class is one of towns. An assumption, for an
untagged primary road through a town has the town's limit, which nothing in the tags tells."""


def zone_kph(country: str, zone: str, vehicle: str = "car") -> float:
    """Return the legal limit of a zone, NaN where there is none or the zone is unknown.

    Parameters
    ----------
    country
        ISO 3166-1 code; one that is not in the tables, or an empty text, takes the generic limits.
    zone
        Key of `GENERIC_KPH`, or a country's own.
    vehicle
        One of `VEHICLES`.

    Raises
    ------
    LayerError
        Another vehicle.

    Examples
    --------
    >>> zone_kph("KZ", "rural"), zone_kph("KZ", "rural", "truck"), zone_kph("BR", "rural", "truck")
    (110.0, 70.0, 80.0)
    """
    if vehicle not in VEHICLES:
        raise LayerError(f"vehicle {vehicle!r}: allowed is {' or '.join(VEHICLES)}")
    car = LEGAL_KPH.get(country, {}).get(zone, GENERIC_KPH.get(zone, NAN))
    if vehicle == "car":
        return float(car)
    truck = LEGAL_TRUCK_KPH.get(country, {}).get(zone, GENERIC_TRUCK_KPH.get(zone, NAN))
    # fmin: where the one is unknown or unlimited the other holds.
    return float(np.fmin(car, truck))


def class_kph(country: pd.Series, kind: pd.Series, vehicle: str = "car") -> NDArray[np.float64]:
    """Return the legal limit of roads without a mapped one, by country and class; NaN where there is none.

    Parameters
    ----------
    country
        ISO 3166-1 codes, an empty text where unknown.
    kind
        Classes of road, a link road as its class.

    Examples
    --------
    >>> class_kph(pd.Series(["RU", "KZ", ""]), pd.Series(["trunk", "trunk", "lane"])).tolist()
    [90.0, 110.0, nan]
    """
    # A million roads have a few dozen pairs of country and class.
    codes, distinct = pd.factorize(
        country.astype(str).to_numpy(dtype=object) + ":" + kind.astype(str).to_numpy(dtype=object)
    )
    table = [
        zone_kph(land, CLASS_ZONE.get(road, ""), vehicle) for land, _, road in (d.partition(":") for d in distinct)
    ]
    return np.asarray([*table, NAN], float)[codes]
