"""Which roads there are for a vehicle in a season, in the network that is built."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from layers.checkpoints import with_waits
from layers.errors import NetworkError
from network.base import Base, build_base
from network.build import Network, build_network
from network.routing import compile_router
from network.speeds import WINTER_SHARE
from network.vehicles import usable_roads
from tests.borders import PLAIN, Land, checkpoints_of, edges_of, ground_of, random_land, regions_of, settlements_of

# Two roads over the line: a short one in the middle and a long one round by the north; a road of each side joins them.
PLACES = [(-60.0, 0.0), (60.0, 0.0), (-60.0, 80.0), (60.0, 80.0), (-100.0, 0.0), (100.0, 0.0)]
ENDS = [(4, 0), (0, 1), (1, 5), (0, 2), (2, 3), (3, 1)]
SHORT = 1


def land_of(posts: dict[str, Any] | None = None, **columns: Any) -> Land:
    """Return a land whose short road has what `columns` say, all others nothing."""
    told = {name: [value if i == SHORT else None for i in range(len(ENDS))] for name, value in columns.items()}
    return Land(
        regions=regions_of(PLAIN, [(0.0, -150.0), (0.0, 150.0)], ("RU", "KZ")),
        roads=edges_of(PLAIN, PLACES, ENDS, **told),
        railways=edges_of(PLAIN, [(-110.0, -50.0), (-110.0, 50.0)], [(0, 1)], "railways"),
        checkpoints=checkpoints_of(PLAIN, [(0.0, 0.0), (0.0, 80.0)], wait_min=[20.0, 20.0], **(posts or {})),
        settlements=settlements_of(PLAIN, [(-100.0, 0.0), (100.0, 0.0)], ["RU", "KZ"]),
        countries=("RU", "KZ"),
    )


def base_of(land: Land, **options: Any) -> Base:
    ground = ground_of(land)
    return build_base(land.roads, land.railways, ground.regions, ground.border, ground.crs, **options)


def network_of(land: Land, vehicle: str = "car", **options: Any) -> Network:
    base = base_of(land, vehicle=vehicle, **options)
    return build_network(base, with_waits(land.checkpoints, vehicle=vehicle), land.settlements)


def way(network: Network, field: str = "actual_min") -> tuple[tuple[str, ...], float, float]:
    """Return checkpoints, minutes of moving and of waiting between the two settlements."""
    a, b = network.settlements["node"]
    found = compile_router(network, "road").path(int(a), int(b), field)
    assert found is not None
    return found.checkpoints, found.time_min, found.wait_min


@pytest.mark.parametrize(
    ("columns", "vehicle", "winter", "short", "reason"),
    [
        ({}, "car", False, True, None),
        ({}, "truck", True, True, None),
        ({"truck": False}, "car", False, True, None),
        ({"truck": False}, "truck", False, False, "roads_closed_to_trucks"),
        ({"car": False}, "car", False, False, "roads_closed_to_cars"),
        ({"car": False}, "truck", False, True, None),
        ({"season": "winter"}, "car", False, False, "roads_out_of_season"),
        ({"season": "winter"}, "car", True, True, None),
        ({"season": "summer"}, "car", False, True, None),
        ({"season": "summer"}, "car", True, False, "roads_out_of_season"),
        ({"season": "some"}, "car", False, False, "roads_out_of_season"),
        ({"season": "some"}, "car", True, False, "roads_out_of_season"),
        ({"smoothness": "impassable"}, "car", False, False, "roads_impassable"),
        ({"smoothness": "horrible"}, "car", False, True, None),
    ],
)
def test_a_road_that_is_shut_is_absent_from_all_three_networks(
    columns: dict[str, Any], vehicle: str, winter: bool, short: bool, reason: str | None
) -> None:
    network = network_of(land_of(**columns), vehicle, winter=winter)
    drivable = network.links[(network.links["mode"] == "road") & ~network.links["kind"].isin(["connector", "gate"])]
    whole = edges_of(PLAIN, PLACES, ENDS)["length_m"]
    assert drivable["length_m"].sum() == pytest.approx(whole.sum() - (0 if short else whole[SHORT]), rel=1e-6)
    assert network.base.report.get(reason or "nothing", 0) == (0 if short else 1)
    if "horrible" not in columns.values():
        assert way(network)[0] == (("c0",) if short else ("c1",))


def test_a_truck_takes_its_own_time_and_waits_its_own_wait() -> None:
    land = land_of(posts={"wait_truck_min": [300.0, np.nan]})
    car, truck = (way(network_of(land, v)) for v in ("car", "truck"))
    assert car[0] == ("c0",)
    # 300 minutes in the middle, 240 in the north, 160 km more: at 0.8 × 70 km/h nearly three hours.
    assert truck[0] == ("c0",)
    assert (car[2], truck[2]) == (20, 300)
    assert truck[1] / car[1] == pytest.approx(85 / 56, rel=1e-9)
    assert way(network_of(land_of(posts={"wait_truck_min": [900.0, np.nan]}), "truck"))[0] == ("c1",)


def test_a_post_that_is_not_for_trucks_is_closed_to_them_alone() -> None:
    land = land_of(posts={"vehicles": ["car|bus", ""]})
    assert way(network_of(land))[0] == ("c0",)
    network = network_of(land, "truck")
    assert way(network)[0] == ("c1",)
    assert network.checkpoints["status"].tolist() == ["closed", "open"]
    assert way(network, "borderless_min")[1] == pytest.approx(
        network_of(land).base and way(network_of(land_of(), "truck"))[1]
    )


def test_winter_is_slower_by_its_share() -> None:
    plain, winter = (way(network_of(land_of(), winter=w))[1] for w in (False, True))
    assert winter == pytest.approx(plain / WINTER_SHARE)


def test_the_country_is_the_sources_else_that_of_the_side() -> None:
    def speed(**columns: Any) -> float:
        links = base_of(land_of(kind="living_street", **columns)).tables.links
        return float(links.loc[links["kind"] == "living_street", "speed_kph"].iloc[0])

    # Both sides allow 20; Germany, as a source might say of the road itself, walking speed.
    assert speed() == 20
    assert speed(country="DE") == 7
    german = replace(
        land_of(kind="living_street"),
        regions=regions_of(PLAIN, [(0.0, -150.0), (0.0, 150.0)], ("DE", "PL")),
        countries=("DE", "PL"),
    )
    assert base_of(german).tables.links.query("kind == 'living_street'")["speed_kph"].tolist() == [7]


def test_a_ferry_is_a_road_that_nobody_joins_half_way() -> None:
    land = land_of(kind="ferry", duration_min=120.0)
    river = replace(land, settlements=settlements_of(PLAIN, [(-30.0, 0.0), (100.0, 0.0)], ["RU", "KZ"]))
    network = network_of(river)
    ferry = network.links[network.links["kind"] == "ferry"]
    assert set(ferry["mode"]) == {"road"}
    assert ferry["time_min"].sum() == pytest.approx(120 + 30)
    assert network.settlements["snap_km"][0] == pytest.approx(30, rel=5e-3)


@pytest.mark.parametrize("seed", range(4))
def test_cars_of_a_layer_that_tells_nothing_drive_as_ever(seed: int) -> None:
    land = random_land(seed)
    bare = land.roads.drop(columns=["car", "truck", "season", "smoothness", "toll", "country", "duration_min"])
    assert usable_roads(bare)[0] is bare
    assert usable_roads(land.roads)[2] == {}
    one, two = (base_of(replace(land, roads=roads)).tables.links for roads in (land.roads, bare))
    assert one["time_min"].tolist() == two["time_min"].tolist()
    assert one["speed_source"].tolist() == two["speed_source"].tolist()


@pytest.mark.parametrize("seed", range(3))
def test_what_is_told_of_a_road_stays_with_its_pieces(seed: int) -> None:
    rng = np.random.default_rng(seed)
    land = random_land(seed)
    roads = land.roads.assign(toll=rng.random(len(land.roads)) < 0.5)
    base = base_of(replace(land, roads=roads))
    network = build_network(base, with_waits(land.checkpoints), land.settlements)
    for toll in (False, True):
        links = network.links[
            (network.links["toll"] == toll) & ~network.links["kind"].isin(["connector", "gate", "transfer"])
        ]
        km = links.loc[links["mode"] == "road", "length_m"].sum()
        assert km == pytest.approx(base.tables.links.query(f"mode == 'road' and toll == {toll}")["length_m"].sum())
    assert network.links["toll"].dtype == bool
    assert not network.links[["surface", "smoothness", "gauge", "current"]].isna().any(axis=None)


def test_another_vehicle_is_refused() -> None:
    with pytest.raises(NetworkError, match="vehicle 'bus': allowed is car or truck"):
        usable_roads(land_of().roads, vehicle="bus")
