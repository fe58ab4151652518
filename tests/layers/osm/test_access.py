"""Who may pass: lists, keys from the general to the particular, conditions, barriers."""

from __future__ import annotations

import pandas as pd
import pytest

from layers.osm.access import CLOSED, LIMITED, OPEN, access_table, access_to, level_of
from layers.osm.barriers import barrier_access, post_vehicles


@pytest.mark.parametrize(
    ("text", "car"),
    [
        ("yes", OPEN),
        ("designated", OPEN),
        ("permissive", OPEN),
        ("official", OPEN),
        ("no", CLOSED),
        ("military;police", CLOSED),
        ("agricultural;forestry", CLOSED),
        ("forestry;agricultural", CLOSED),
        ("agricultural; forestry", CLOSED),
        ("agricultural|forestry", CLOSED),
        ("emergency;forestry", CLOSED),
        ("bus;taxi", CLOSED),
        ("foot", CLOSED),
        ("restricted", CLOSED),
        ("no;destination", LIMITED),
        ("destination;no", LIMITED),
        ("private;delivery", LIMITED),
        ("private", LIMITED),
        ("permit", LIMITED),
        ("customers", LIMITED),
        ("employees", LIMITED),
        ("Private", LIMITED),
        ("no;yes", OPEN),
        ("agricultural;motorcar", OPEN),
        ("unknown", None),
        ("yse", None),
        ("", None),
        ("yse;no", CLOSED),
    ],
)
def test_each_part_of_a_value_is_read_and_the_most_open_holds(text: str, car: int | None) -> None:
    assert level_of(text, "car") == car


def test_a_word_for_one_vehicle_closes_to_the_other() -> None:
    assert (level_of("hgv", "truck"), level_of("hgv", "car")) == (OPEN, CLOSED)
    assert (level_of("motorcar", "truck"), level_of("motorcar", "car")) == (CLOSED, OPEN)


@pytest.mark.parametrize(
    ("tags", "car", "truck"),
    [
        ({}, OPEN, OPEN),
        ({"access": "no", "motor_vehicle": "yes"}, OPEN, OPEN),
        ({"access": "yes", "vehicle": "no"}, CLOSED, CLOSED),
        ({"vehicle": "no", "motor_vehicle": "destination"}, LIMITED, LIMITED),
        ({"motor_vehicle": "no", "motorcar": "yes"}, OPEN, CLOSED),
        ({"motor_vehicle": "yes", "hgv": "no"}, OPEN, CLOSED),
        ({"hgv": "destination"}, OPEN, LIMITED),
        # A typing error says nothing: the more general tag holds.
        ({"access": "private", "motor_vehicle": "yess"}, LIMITED, LIMITED),
    ],
)
def test_the_particular_tag_stands_before_the_general(tags: dict[str, str], car: int, truck: int) -> None:
    assert (access_to(tags, "car").level, access_to(tags, "truck").level) == (car, truck)


@pytest.mark.parametrize(
    ("tags", "level", "season", "share"),
    [
        ({"motor_vehicle:conditional": "no @ (Nov-Apr)"}, OPEN, "summer", 1.0),
        ({"motor_vehicle:conditional": "no @ (May-Oct)"}, OPEN, "winter", 1.0),
        ({"access:conditional": "no @ (Oct 15-Apr 30)"}, OPEN, "summer", 1.0),
        ({"access": "no", "access:conditional": "yes @ (Jun-Sep)"}, OPEN, "summer", 1.0),
        ({"motor_vehicle": "no", "motor_vehicle:conditional": "yes @ (06:00-22:00)"}, OPEN, "", 2 / 3),
        ({"motor_vehicle:conditional": "no @ (22:00-06:00)"}, OPEN, "", 2 / 3),
        ({"motor_vehicle:conditional": "no @ (22:00-06:00); no @ (12:00-13:00)"}, OPEN, "", 15 / 24),
        ({"access:conditional": "no @ (00:00-24:00)"}, CLOSED, "", 1.0),
        ({"access:conditional": "no @ (07:00-21:00)"}, CLOSED, "", 1.0),
        ({"access:conditional": "no @ (Nov-Apr AND 22:00-06:00)"}, OPEN, "", 1 - 181 / 365 / 3),
        ({"access:conditional": "no @ (Mo-Fr 07:00-09:00,16:00-18:00)"}, OPEN, "", 1 - 5 * 4 / 168),
        ({"access:conditional": "no @ (Apr)"}, OPEN, "", 1 - 30 / 365),
        ({"motor_vehicle:conditional": "destination @ (06:00-22:00)"}, LIMITED, "", 1.0),
        ({"access:conditional": "no @ (Nov-Apr)", "motor_vehicle": "yes"}, OPEN, "", 1.0),
        ({"access": "no", "access:conditional": "yes @ permit"}, LIMITED, "", 1.0),
        ({"motor_vehicle:conditional": "no @ (weight>7.5)"}, OPEN, "", 1.0),
        ({"motor_vehicle:conditional": "no @ snow"}, OPEN, "", 1.0),
    ],
)
def test_conditions_by_season_and_hour(tags: dict[str, str], level: int, season: str, share: float) -> None:
    said = access_to(tags, "car")
    assert (said.level, said.season) == (level, season)
    assert said.level == CLOSED or said.share == pytest.approx(share, abs=1e-3)
    assert said.unread == ()


def test_weights_decide_by_vehicle() -> None:
    tags = {"hgv:conditional": "no @ (weight>12)", "motor_vehicle:conditional": "no @ (weight > 7.5 t)"}
    assert access_to(tags, "car").level == OPEN
    assert access_to(tags, "truck").level == CLOSED
    assert access_to({"hgv:conditional": "no @ (weight>44)"}, "truck").level == OPEN


def test_what_cannot_be_read_is_kept_with_its_text() -> None:
    said = access_to({"access:conditional": "no @ (full moon); no @ (Nov-Apr)", "motor_vehicle": "yess"}, "car")
    assert said.season == "summer"
    assert said.unread == ("access:conditional=no @ (full moon)", "motor_vehicle=yess")


def test_a_table_of_ways_reads_as_each_way_alone() -> None:
    rows = [
        {"access": "no", "hgv": "yes"},
        {},
        {"access": "destination"},
        {"access": "no", "hgv": "yes"},
        {"motor_vehicle": "hm"},
        {"motor_vehicle:conditional": "no @ (Nov-Apr)"},
    ]
    tags = pd.DataFrame(rows, columns=["access", "motor_vehicle", "hgv", "motor_vehicle:conditional"], dtype=object)
    for frame in (tags, tags.astype("category")):
        for vehicle in ("car", "truck"):
            table = access_table(frame, vehicle)
            each = [access_to(row, vehicle) for row in rows]
            assert table["level"].tolist() == [a.level for a in each]
            assert table["season"].tolist() == [a.season for a in each]
        assert access_table(frame, "car").attrs["unread"] == {"motor_vehicle=hm": 1}


@pytest.mark.parametrize(
    ("tags", "car"),
    [
        *[
            ({"barrier": b}, OPEN)
            for b in ("gate", "lift_gate", "cattle_grid", "toll_booth", "swing_gate", "yes", "border_control")
        ],
        *[({"barrier": b}, CLOSED) for b in ("block", "jersey_barrier", "debris", "bollard")],
        ({"barrier": "bollard", "motor_vehicle": "yes"}, OPEN),
        ({"barrier": "bollard", "access": "permissive"}, OPEN),
        ({"barrier": "gate", "access": "no"}, CLOSED),
        ({"barrier": "gate", "access": "private"}, LIMITED),
        ({"barrier": "gate", "access": "no", "motorcar": "yes"}, OPEN),
        ({"motor_vehicle": "no"}, CLOSED),
        ({"barrier": "border_control", "access": "no"}, OPEN),
    ],
)
def test_what_a_node_closes(tags: dict[str, str], car: int) -> None:
    assert barrier_access(tags, "car").level == car


def test_for_whom_a_post_is() -> None:
    assert post_vehicles({}) == ("car", "truck", "bus")
    assert post_vehicles({"motor_vehicle": "no", "foot": "yes"}) == ("bicycle", "foot")
    assert post_vehicles({"access": "no", "foot": "yes"}) == ("foot",)
    assert post_vehicles({"hgv": "no"}) == ("car", "bus")
    assert post_vehicles({"access": "no"}) == ()
    assert post_vehicles({"access": "private"}) == ()
    assert post_vehicles({"access": "permit"}) == ("car", "truck", "bus")
