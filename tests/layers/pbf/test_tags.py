"""What tags say: limits, one-way, access, people, hours."""

from __future__ import annotations

import math

import pandas as pd
import pytest

from layers.osm.people import capital_of, parse_population
from layers.osm.tags import (
    current_of,
    is_yes,
    oneway_of,
    parse_duration,
    parse_gauge,
    parse_maxspeed,
    parsed,
    season_of,
    unread_oneways,
)
from layers.osm.turns import restriction_of


@pytest.mark.parametrize(
    ("text", "kph", "source"),
    [
        ("60", 60, "tagged"),
        (" 60 km/h ", 60, "tagged"),
        ("60 mph", 96.56, "tagged"),
        ("60mph", 96.56, "tagged"),
        ("60 км/ч", 60, "tagged"),
        ("60км/ч", 60, "tagged"),
        ("60,5", 60.5, "tagged"),
        ("60;80", 60, "tagged"),
        ("80|60|none", 60, "tagged"),
        ("walk", 5, "tagged"),
        ("10 knots", 18.52, "tagged"),
        ("RU:urban", 60, "implicit"),
        ("RU:rural", 90, "implicit"),
        ("KZ:rural", 110, "implicit"),
        ("kz:Motorway", 140, "implicit"),
        ("RU:living_street", 20, "implicit"),
        ("XX:rural", 90, "implicit"),
        ("DE:zone:30", 30, "implicit"),
        ("DE:zone30", 30, "implicit"),
        ("RU:40", 40, "implicit"),
        ("GB:nsl_single", 96.56, "implicit"),
        ("RU:walk", 5, "implicit"),
    ],
)
def test_a_limit_in_every_usual_form(text: str, kph: float, source: str) -> None:
    assert parse_maxspeed(text) == (kph, source)


@pytest.mark.parametrize(
    "text", ["none", "signals", "variable", "fast", "", "-5", "0", "100000", "RU:", "6O", "DE:motorway"]
)
def test_a_limit_without_a_number_says_nothing(text: str) -> None:
    kph, source = parse_maxspeed(text)
    assert math.isnan(kph)
    assert source == "default"


def test_a_zone_without_a_country_takes_the_given_one() -> None:
    assert parse_maxspeed("rural", "KZ") == (110, "implicit")
    assert parse_maxspeed("rural") == (90, "implicit")


@pytest.mark.parametrize(
    ("oneway", "kind", "junction", "direction"),
    [
        ("yes", "primary", None, 1),
        ("1", "primary", None, 1),
        ("-1", "primary", None, -1),
        ("reverse", "primary", None, -1),
        ("no", "motorway", None, 0),
        (None, "motorway", None, 1),
        (None, "motorway_link", None, 0),
        ("yes", "motorway_link", None, 1),
        (None, "trunk", None, 0),
        (None, "primary", "roundabout", 1),
        ("no", "primary", "roundabout", 0),
        ("reversible", "motorway", None, 0),
        ("alternating", "primary", None, 0),
        ("perhaps", "primary", None, 0),
        ("-1", "motorway", None, -1),
    ],
)
def test_direction_from_tag_class_and_junction(
    oneway: str | None, kind: str, junction: str | None, direction: int
) -> None:
    columns = (pd.Series([v], dtype=object) for v in (oneway, kind, junction))
    assert oneway_of(*columns).tolist() == [direction]


@pytest.mark.parametrize(
    ("text", "people", "date"),
    [
        ("12345", 12345, ""),
        ("12 345", 12345, ""),
        ("12,345", 12345, ""),
        ("12.345", 12345, ""),
        ("12\u00a0345", 12345, ""),
        ("1 234 567", 1234567, ""),
        ("~3000", 3000, ""),
        ("1200 (2021)", 1200, "2021"),
        ("1200 (2021-10-01)", 1200, "2021-10-01"),
        ("500-600", 500, ""),
        ("0", 0, ""),
        ("3 тыс", 0, ""),
        ("1.2 million", 0, ""),
        ("-5", 0, ""),
        ("many", 0, ""),
        ("", 0, ""),
        ("1,5", 0, ""),
        ("99999999999", 0, ""),
    ],
)
def test_people_as_they_are_written(text: str, people: int, date: str) -> None:
    assert parse_population(text) == (people, date)


def test_flags() -> None:
    assert [is_yes(t) for t in ("yes", "viaduct", "no", " No ", "")] == [True, True, False, False, False]


def test_each_distinct_text_is_parsed_once() -> None:
    seen = []

    def length(text: str) -> int:
        seen.append(text)
        return len(text)

    assert parsed(pd.Series(["a", "bb", "a", None], dtype=object), length, -1).tolist() == [1, 2, 1, -1]
    assert parsed(pd.Series(["a", "bb", "a", None], dtype="category"), length, -1).tolist() == [1, 2, 1, -1]
    assert sorted(seen) == ["a", "a", "bb", "bb"]


@pytest.mark.parametrize(
    ("text", "frozen", "season"),
    [
        ("no", False, ""),
        ("", False, ""),
        ("winter", False, "winter"),
        ("Summer", False, "summer"),
        ("spring; summer;autumn", False, "summer"),
        ("dry_season", False, "summer"),
        ("yes", False, "some"),
        ("wet_season", False, "some"),
        ("winter;summer", False, ""),
        ("winter;spring", False, "some"),
        ("yes", True, "winter"),
        ("", True, "winter"),
        ("summer", True, "winter"),
    ],
)
def test_seasons(text: str, frozen: bool, season: str) -> None:
    assert season_of(text, frozen) == season


@pytest.mark.parametrize(
    ("text", "minutes"),
    [
        ("00:15", 15),
        ("1:30", 90),
        ("48:00", 2880),
        ("01:30:30", 90.5),
        ("25", 25),
        ("PT2H", 120),
        ("pt1h30m", 90),
        (" 00:05 ", 5),
        ("P0DT0H20M", 20),
        ("P1D", 1440),
        ("PT1.5H", 90),
        ("20 min", 20),
        ("1 h 30 min", 90),
        ("1h", 60),
        ("3 hours", 180),
        ("20-30", 25),
        ("00:20-00:30", 25),
        ("20-30 min", 25),
        ("1,5 h", 90),
        ("1 ч 20 мин", 80),
    ],
)
def test_durations(text: str, minutes: float) -> None:
    assert parse_duration(text) == minutes


@pytest.mark.parametrize("text", ["", "long", "0", "00:00", "1:75", "-5", "PT", "P", "99999", "3 weeks", "²"])
def test_what_is_no_duration_says_nothing(text: str) -> None:
    assert math.isnan(parse_duration(text))


@pytest.mark.parametrize(
    ("electrified", "voltage", "frequency", "label"),
    [
        ("contact_line", "25000", "50", "25 kV 50 Hz"),
        ("contact_line", "3000", "0", "3 kV DC"),
        ("contact_line", "3000", "", "3 kV DC"),
        ("rail", "750", "", "750 V DC"),
        ("contact_line", "15000", "16.67", "15 kV 16.7 Hz"),
        ("yes", "15000", "16.7", "15 kV 16.7 Hz"),
        ("no", "", "", "none"),
        ("no", "25000", "50", "none"),
        ("contact_line", "25000", "", ""),
        ("contact_line", "", "", ""),
        ("yes", "", "50", ""),
        ("", "25000", "50", ""),
        ("contact_line", "3000;25000", "0;50", ""),
        ("contact_line", "nan", "50", ""),
        ("contact_line", "25000", "inf", ""),
        ("contact_line", "-3", "0", ""),
    ],
)
def test_currents(electrified: str, voltage: str, frequency: str, label: str) -> None:
    assert current_of(electrified, voltage, frequency) == label


@pytest.mark.parametrize(
    ("tags", "capital"),
    [
        ({}, ""),
        ({"capital": "yes"}, "yes"),
        ({"capital": "6"}, "6"),
        ({"capital": "no"}, ""),
        ({"capital": "former"}, ""),
        ({"admin_centre:6": "yes", "admin_centre:4": "yes"}, "4"),
        ({"admin_centre:4": "no"}, ""),
        ({"capital": "4", "admin_centre:6": "yes"}, "4"),
    ],
)
def test_capitals(tags: dict[str, str], capital: str) -> None:
    assert capital_of(tags) == capital


@pytest.mark.parametrize(
    ("text", "gauge"),
    [
        ("1520", "1520"),
        ("1520 mm", "1520"),
        ("1,520", "1520"),
        ("1435;1520", "1435;1520"),
        ("1520/1435", "1520;1435"),
        ("standard", "1435"),
        ("Standard gauge", "1435"),
        ("1.435 m", "1435"),
        ("4 ft 8 1/2 in", "1435"),
        ("broad", "broad"),
        ("narrow", ""),
        ("wide", ""),
        ("", ""),
    ],
)
def test_gauges_as_they_are_written(text: str, gauge: str) -> None:
    assert parse_gauge(text) == gauge


@pytest.mark.parametrize(
    ("oneway", "junction", "direction"),
    [
        ("\u22121", None, -1),
        (" Yes ", None, 1),
        ("-1 ", "roundabout", -1),
        (None, "Roundabout", 1),
        (None, " circular", 1),
        (None, "mini_roundabout", 0),
        ("one way", None, 0),
        ("one way", "roundabout", 1),
    ],
)
def test_directions_in_odd_spellings(oneway: str | None, junction: str | None, direction: int) -> None:
    columns = (pd.Series([text], dtype=object) for text in (oneway, "primary", junction))
    assert oneway_of(*columns).tolist() == [direction]


def test_directions_that_no_rule_reads_are_counted() -> None:
    given = pd.Series(["yes", "one way", None, "one way", "\u22121", "alternating", "2"], dtype=object)
    assert unread_oneways(given) == {"2": 1, "one way": 2}
    assert unread_oneways(given.astype("category")) == {"2": 1, "one way": 2}


@pytest.mark.parametrize(
    ("text", "people"),
    [
        ("12345.0", 12345),
        ("50 000 чел.", 50_000),
        ("50000 people", 50_000),
        ("5 000 жителей", 5000),
        ("12 тыс.", 0),
        ("12 тыс. чел.", 0),
        ("1.2 mln", 0),
        ("12 families", 0),
    ],
)
def test_people_with_a_word_behind(text: str, people: int) -> None:
    assert parse_population(text)[0] == people


@pytest.mark.parametrize(
    ("text", "minutes"), [("1h20", 80), ("01:20h", 80), ("1:20 h", 80), ("1ч20", 80), ("0:20", 20)]
)
def test_hours_between_digits(text: str, minutes: float) -> None:
    assert parse_duration(text) == minutes


@pytest.mark.parametrize(("text", "gauge"), [("1520.0", "1520"), ("4 ft 8½ in", "1435"), ("1520; 1435", "1520;1435")])
def test_gauges_in_odd_spellings(text: str, gauge: str) -> None:
    assert parse_gauge(text) == gauge


@pytest.mark.parametrize(("text", "capital"), [("4;6", "4"), ("6; 4", "4"), ("Yes;4", "yes"), ("12;no", "")])
def test_capitals_of_several(text: str, capital: str) -> None:
    assert capital_of({"capital": text}) == capital


@pytest.mark.parametrize(
    ("tags", "car", "truck"),
    [
        ({"restriction": "No_Left_Turn"}, "no", "no"),
        ({"restriction": " only_straight_on "}, "only", "only"),
        ({"restriction": "no_left_turn", "except": "Motorcar, bus"}, "", "no"),
        ({"restriction": "no_left_turn", "except": "bus|hgv"}, "no", ""),
        ({"restriction": "no_left_turn", "hour_on": "07:00", "hour_off": "09:00"}, "", ""),
    ],
)
def test_restrictions_in_odd_spellings(tags: dict[str, str], car: str, truck: str) -> None:
    assert [restriction_of({"type": "restriction", **tags}, v)[0] for v in ("car", "truck")] == [car, truck]
