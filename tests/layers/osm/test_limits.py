"""Legal limits by country, zone and vehicle."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest

from layers.errors import LayerError
from layers.osm.limits import CLASS_ZONE, GENERIC_KPH, LEGAL_KPH, VEHICLES, class_kph, zone_kph
from layers.osm.tags import parse_maxspeed


@pytest.mark.parametrize(
    ("country", "zone", "car", "truck"),
    [
        # The traffic rules of both countries, as osm-legal-default-speeds has them.
        ("RU", "rural", 90, 70),
        ("RU", "trunk", 90, 70),
        ("RU", "motorway", 110, 90),
        ("RU", "urban", 60, 60),
        ("KZ", "rural", 110, 70),
        ("KZ", "trunk", 110, 70),
        ("KZ", "motorway", 140, 80),
        ("KZ", "living_street", 20, 20),
        ("BR", "rural", 90, 80),
        ("", "urban", 50, 50),
    ],
)
def test_limits_of_the_two_countries_and_of_any_other(country: str, zone: str, car: float, truck: float) -> None:
    assert [zone_kph(country, zone, vehicle) for vehicle in VEHICLES] == [car, truck]


def test_a_truck_may_never_drive_faster_than_a_car_and_is_limited_where_cars_are_not() -> None:
    for country in (*LEGAL_KPH, "BR", ""):
        for zone in (*GENERIC_KPH, *LEGAL_KPH.get(country, {})):
            car, truck = (zone_kph(country, zone, v) for v in VEHICLES)
            assert math.isnan(car) or truck <= car
    assert math.isnan(zone_kph("DE", "motorway"))
    assert zone_kph("DE", "motorway", "truck") == 80


def test_a_zone_that_is_none_has_no_limit_and_another_vehicle_is_refused() -> None:
    assert math.isnan(zone_kph("RU", "moon"))
    with pytest.raises(LayerError, match="vehicle 'tank': allowed is car or truck"):
        zone_kph("RU", "rural", "tank")


def test_the_limit_of_a_class_is_that_of_its_zone() -> None:
    rows = [(land, road) for land in ("RU", "KZ", "DE", "", "XX") for road in (*CLASS_ZONE, "ferry", "lane")]
    table = pd.DataFrame(rows, columns=["country", "kind"]).sample(frac=1, random_state=1)
    for vehicle in VEHICLES:
        got = class_kph(table["country"], table["kind"], vehicle)
        one_by_one = [
            zone_kph(land, CLASS_ZONE[road], vehicle) if road in CLASS_ZONE else math.nan
            for land, road in table.itertuples(index=False)
        ]
        np.testing.assert_array_equal(got, one_by_one)
    assert len(class_kph(table["country"][:0], table["kind"][:0])) == 0


def test_a_zone_in_a_tag_is_the_same_limit() -> None:
    for country, zones in LEGAL_KPH.items():
        for zone in zones:
            kph, source = parse_maxspeed(f"{country}:{zone}")
            assert source == ("default" if math.isnan(kph) else "implicit")
            np.testing.assert_equal(kph, zone_kph(country, zone))
