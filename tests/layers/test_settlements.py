"""Finding a settlement by any of its names."""

from __future__ import annotations

import geopandas as gpd
import pytest
import shapely

from layers.errors import PlaceError
from layers.schema import validate
from layers.settlements import find_place, normalise, parse_lonlat, with_known_people
from tests.borders import PLAIN, settlements_of

ROWS = [
    # name, names, country, population, region, region_name
    ("Oral", "Uralsk|Уральск", "KZ", 230_000, "KZ-27", "West Kazakhstan"),
    ("Petropavl", "Petropavlovsk|Петропавловск", "KZ", 220_000, "KZ-59", "North Kazakhstan"),
    ("Petropavlovsk", "", "RU", 900, "RU-CHE", "Chelyabinsk"),
    ("Pavlovka", "", "RU", 4_000, "RU-SAR", "Saratov"),
    ("Pavlovka", "", "KZ", 2_000, "KZ-55", "Pavlodar"),
    ("Semiglavy Mar", "Семиглавый Мар|Orël", "KZ", 0, "KZ-27", "West Kazakhstan"),
    ("Orenburg", "Оренбург", "RU", 560_000, "RU-ORE", "Orenburg"),
    ("Zelyony", "Зелёный", "RU", 0, "RU-ORE", "Orenburg"),
]


@pytest.fixture(scope="module")
def towns() -> gpd.GeoDataFrame:
    name, names, country, population, region, region_name = (list(c) for c in zip(*ROWS, strict=True))
    frame = settlements_of(
        PLAIN, [(10 * i, 5 * i) for i in range(len(ROWS))], country, name=name, names=names, population=population
    )
    return frame.assign(region=region, region_name=region_name)


@pytest.mark.parametrize(
    ("text", "row"),
    [
        ("Oral", 0),
        ("uralsk", 0),
        ("УРАЛЬСК", 0),
        ("semiglavy-mar", 5),
        ("Семиглавый  мар", 5),
        ("Зеленый", 7),
        ("зелёный", 7),
    ],
)
def test_any_name_finds_the_place(towns: gpd.GeoDataFrame, text: str, row: int) -> None:
    place = find_place(towns, text)
    assert place.row == row
    assert (place.lon, place.lat) == (towns.geometry.x[row], towns.geometry.y[row])
    assert ROWS[row][0] in place.label


def test_folding_is_the_same_for_both_spellings() -> None:
    assert normalise("Усть-Каменогорск") == normalise("усть каменогорск")
    assert normalise("Орёл") == normalise("орел")
    assert normalise("Pavlovka") != normalise("Pavlovo")


def test_namesakes_are_listed_with_their_regions(towns: gpd.GeoDataFrame) -> None:
    with pytest.raises(PlaceError, match=r"'Pavlovka' is ambiguous: .*Saratov.*4,000.*Pavlodar.*2,000.*'name, region'"):
        find_place(towns, "Pavlovka")


def test_a_namesake_ten_times_larger_is_meant(towns: gpd.GeoDataFrame) -> None:
    assert find_place(towns, "Petropavlovsk").row == 1


def test_two_small_namesakes_without_people_stay_ambiguous(towns: gpd.GeoDataFrame) -> None:
    frame = towns.assign(name=["X"] * len(towns), population=[0, 900, *[0] * 6])
    with pytest.raises(PlaceError, match="ambiguous"):
        find_place(frame, "X")


@pytest.mark.parametrize(
    ("text", "row"), [("Pavlovka, Pavlodar", 4), ("Pavlovka, RU-SAR", 3), ("petropavlovsk, chelyabinsk", 2)]
)
def test_the_region_decides(towns: gpd.GeoDataFrame, text: str, row: int) -> None:
    assert find_place(towns, text).row == row


def test_an_unknown_name_suggests_near_spellings(towns: gpd.GeoDataFrame) -> None:
    with pytest.raises(PlaceError, match=r"no settlement named 'Orenbrug'.*did you mean Orenburg\?"):
        find_place(towns, "Orenbrug")
    with pytest.raises(PlaceError, match="no settlement named 'Pavlovka, Moscow'"):
        find_place(towns, "Pavlovka, Moscow")
    with pytest.raises(PlaceError):
        find_place(towns, "")


@pytest.mark.parametrize("text", ["55.1,51.8", " 55.1 , 51.8 ", "55.1;51.8"])
def test_coordinates_are_longitude_first(towns: gpd.GeoDataFrame, text: str) -> None:
    place = find_place(towns, text)
    assert (place.lon, place.lat, place.row) == (55.1, 51.8, None)


def test_coordinates_out_of_range_say_so_and_guess_a_swap() -> None:
    with pytest.raises(PlaceError, match=r"origin '51.8,155.1' is out of range.*swapped"):
        parse_lonlat("51.8,155.1", "origin")
    with pytest.raises(PlaceError, match="out of range") as error:
        parse_lonlat("200,300")
    assert "swapped" not in str(error.value)
    assert parse_lonlat("Orenburg") is None
    assert parse_lonlat("-70.5,-33") == (-70.5, -33.0)


def _places(*rows: tuple[str, str, int, float, float]) -> gpd.GeoDataFrame:
    table = [
        {"settlement_id": i, "name": n, "names": more, "country": "RU", "population": p}
        for i, (n, more, p, _, _) in enumerate(rows, 1)
    ]
    points = [shapely.Point(x, y) for *_, x, y in rows]
    return validate(gpd.GeoDataFrame(table, geometry=points, crs=4326), "settlements", "test")


def test_people_that_one_layer_lacks_come_from_another() -> None:
    """0.01° of latitude is 1.11 km."""
    osm = _places(("Илек", "Ilek", 0, 53.0, 51.5), ("Orsk", "", 200_000, 58.5, 51.2), ("Hamlet", "", 0, 60.0, 52.0))
    known = _places(
        ("Ilek", "", 9000, 53.0, 51.55),  # 5.6 km off: the same
        ("Orsk", "", 1, 58.5, 51.2),  # a number that is there stays
        ("Ilek", "", 77, 53.0, 51.7),  # 22 km off: a namesake of its own
        ("Other", "", 500, 60.0, 52.02),  # 2.2 km from a place of another name: taken for it
        ("Ghost", "", 0, 65.0, 52.0),  # nobody lives there
    )
    filled, counts = with_known_people(osm, known, source="GeoNames")
    assert counts == {"filled": 1, "added": 1}
    assert filled["population"].tolist() == [9000, 200_000, 0, 77]
    assert filled["population_date"].tolist() == ["GeoNames", "", "", "GeoNames"]
    assert filled["settlement_id"].is_unique
    assert filled.geometry.y.iloc[3] == 51.7
    assert with_known_people(osm.iloc[:0], known, source="x")[1] == {"filled": 0, "added": 4}
    assert with_known_people(osm, known.iloc[4:], source="x")[0] is osm
