"""Known facts of the packaged Russia–Kazakhstan border."""

from __future__ import annotations

import numpy as np
import pytest
import shapely

from layers.crs import GEOD
from layers.settlements import find_place
from network.build import Network
from network.routing import Path, compile_router


def way(network: Network, origin: str, target: str, field: str) -> Path:
    nodes = [int(network.settlements["node"][find_place(network.settlements, name).row]) for name in (origin, target)]
    found = compile_router(network, "road").path(nodes[0], nodes[1], field)
    assert found is not None
    return found


def test_thirty_road_checkpoints_twelve_by_connector(packaged: Network) -> None:
    roads = packaged.checkpoints.query("mode == 'road'")
    assert len(roads) == 30
    assert roads["joined_by"].value_counts().to_dict() == {"crossing": 18, "connector": 12}


def test_all_distances_are_reported(packaged: Network) -> None:
    posts = packaged.checkpoints
    crossing, connector = (posts[posts["joined_by"] == by] for by in ("crossing", "connector"))
    assert crossing["match_km"].notna().all()
    assert (crossing.loc[crossing["mode"] == "road", "match_km"] <= 15).all()
    assert connector[["connector_a_km", "connector_b_km"]].notna().all(axis=None)
    assert (connector[["connector_a_km", "connector_b_km"]] <= packaged.limits.checkpoint_km).all(axis=None)
    assert crossing[["connector_a_km", "connector_b_km"]].isna().all(axis=None)


def test_closed_points_are_closed_and_the_river_point_is_on_no_network(packaged: Network) -> None:
    posts = packaged.checkpoints.set_index("checkpoint_id")
    shut = posts[~posts["open"]]
    assert len(shut) > 0
    assert set(shut["mode"]) == {"rail"}
    assert (shut["status"] == "closed").all()
    gates = packaged.links[packaged.links["checkpoint_id"].isin(shut.index)]
    assert np.isinf(gates["open_min"]).all()
    assert np.isfinite(gates["borderless_min"]).all()
    river = posts[posts["mode"] == "river"]
    assert river["joined_by"].tolist() == ["nothing"]
    assert set(river.index) <= set(packaged.report["checkpoints_without_network"])


def test_orenburg_to_aktobe_passes_one_checkpoint(packaged: Network) -> None:
    trip = way(packaged, "Orenburg", "Aktobe", "actual_min")
    assert len(trip.checkpoints) == 1
    checkpoint = packaged.checkpoints.set_index("checkpoint_id").loc[trip.checkpoints[0]]
    assert trip.wait_min == checkpoint["wait_min"] > 0
    assert checkpoint["region_a"] == "RU-ORE"
    assert checkpoint["region_b"] == "KZ-15"
    geodesic = GEOD.inv(55.10, 51.77, 57.17, 50.28)[2]
    assert geodesic < trip.length_m < 1.4 * geodesic


def test_kurgan_to_omsk_runs_through_petropavl_where_no_border_is(packaged: Network) -> None:
    trip = way(packaged, "Kurgan", "Omsk", "borderless_min")
    used = packaged.links.iloc[trip.links]
    nodes = packaged.nodes.loc[np.unique(used[["u", "v"]])]
    home = packaged.base.regions.set_index("region").geometry["KZ-59"]
    assert shapely.contains_xy(home, nodes["x"], nodes["y"]).any()
    assert used["crossing"].sum() >= 2
    border = way(packaged, "Kurgan", "Omsk", "actual_min")
    assert border.time_min + border.wait_min > trip.time_min


def test_every_open_road_checkpoint_is_used_by_its_neighbours(packaged: Network) -> None:
    gates = packaged.links.query("kind == 'gate' and mode == 'road'")
    assert set(gates["checkpoint_id"]) == set(packaged.checkpoints.query("mode == 'road'")["checkpoint_id"])
    router = compile_router(packaged, "road")
    main = np.isfinite(router.trees([int(packaged.settlements["node"].iloc[0])], "open_min")[0])
    assert main[router.positions(np.unique(gates[["u", "v"]]))].all()


@pytest.mark.parametrize("mode", ["road", "rail"])
def test_actual_is_never_faster_than_borderless(packaged: Network, mode: str) -> None:
    router = compile_router(packaged, mode)  # type: ignore[arg-type]
    nodes = packaged.settlements["node"].to_numpy()[:: max(1, len(packaged.settlements) // 60)]
    free, opened, actual = (router.table(nodes, nodes, f) for f in ("borderless_min", "open_min", "actual_min"))
    assert (free <= opened * (1 + 1e-12)).all()
    assert (opened <= actual * (1 + 1e-12)).all()


def test_no_trip_is_straighter_than_straight(packaged: Network) -> None:
    router = compile_router(packaged, "road")
    nodes = router.nodes[:: len(router.nodes) // 120]
    ways = router.table(nodes, nodes, "length_m:borderless")
    i, j = np.nonzero(np.isfinite(ways))
    xy = packaged.nodes[["x", "y"]].to_numpy(float)[nodes]
    # Lengths are whole thousandths of a metre: half of one a link, and no way has 2,000 links.
    assert (ways[i, j] >= GEOD.inv(*xy[i].T, *xy[j].T)[2] * (1 - 1e-9) - 1.0).all()
