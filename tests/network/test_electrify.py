"""Railways under another current equal a layer that held it; settlements board at a new stop."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pytest
import shapely

from layers.crs import WGS84
from layers.errors import PlaceError
from network.build import build_network
from network.electrify import add_stop, electrify
from network.rail import CURRENT_CHANGE_MIN
from network.works import built_again
from tests.borders import PLAIN, ground_of, random_land, with_waits
from tests.network.test_rail import base_of, minutes

PLACES = [(-100.0, 10.0 * i) for i in range(5)]
ENDS = [(0, 1), (1, 2), (2, 3), (3, 4)]


def box(west: float, south: float, east: float, north: float) -> shapely.Polygon:
    """Return a box of km in degrees."""
    corners = [(west, south), (east, south), (east, north), (west, north)]
    return shapely.Polygon([PLAIN.lonlat(x, y)[0] for x, y in corners])


@pytest.mark.parametrize("seed", range(6))
def test_another_current_equals_a_layer_that_held_it(seed: int) -> None:
    rng = np.random.default_rng(seed)
    kinds = rng.choice(["none", "3 kV DC", "25 kV 50 Hz", ""], 4).tolist()
    base = base_of(PLACES, ENDS, current=kinds)
    # The box holds the second and the third track, and a little of the fourth.
    made = electrify(base, "25 kV 50 Hz", area=box(-105, 9, -95, 32))
    held = base_of(PLACES, ENDS, current=[kinds[0], "25 kV 50 Hz", "25 kV 50 Hz", kinds[3]])
    for v in ("1", "2", "3", "4"):
        assert minutes(made, "0", v) == pytest.approx(minutes(held, "0", v))
    assert len(made.tables.links) == len(held.tables.links)
    assert len(made.tables.nodes) == len(held.tables.nodes)
    blank = ["wait_min", "checkpoint_id", "crossing_id", "passable", "time_min"]
    assert not made.tables.links[blank].isna().any(axis=None)
    # Undone by the same edit with what was there.
    back = electrify(made, "none", area=box(-105, -5, -95, 45))
    assert minutes(back, "0", "4") == pytest.approx(minutes(base_of(PLACES, ENDS), "0", "4"))
    assert not (back.tables.links["kind"] == "change").any()


def test_by_hand_and_what_is_refused() -> None:
    base = base_of(PLACES, ENDS, current=["25 kV 50 Hz", "none", "none", "25 kV 50 Hz"])
    alone = minutes(base_of(PLACES, ENDS), "0", "4")
    assert minutes(base, "0", "4") == pytest.approx(alone + 2 * CURRENT_CHANGE_MIN)
    assert minutes(electrify(base, "25 kV 50 Hz", area=box(-105, -5, -95, 45)), "0", "4") == pytest.approx(alone)
    slow = electrify(base, "3 kV DC", area=box(-105, 9, -95, 31), current_min=5.0)
    assert minutes(slow, "0", "4") == pytest.approx(alone + 10)
    with pytest.raises(PlaceError, match="allowed is a current such as"):
        electrify(base, " ", area=box(-105, 9, -95, 31))
    with pytest.raises(PlaceError, match="no rail of the data lies there"):
        electrify(base, "none", area=box(0, 0, 1, 1))
    with pytest.raises(PlaceError, match="has the OpenStreetMap id 7"):
        electrify(base, "none", osm_ids=[7])
    with pytest.raises(PlaceError, match="for its most part"):
        electrify(base, "none", area=box(-105, 1, -95, 4))


def test_settlements_board_at_a_new_stop() -> None:
    land = random_land(3)
    rails = ground_of(land).base.tables
    line = rails.links[(rails.links["mode"] == "rail").to_numpy()].geometry.iloc[0]
    spots = [shapely.line_interpolate_point(line, f, normalized=True) for f in (0.1, 0.9)]
    some = gpd.GeoDataFrame({"name": ["One"], "kind": ["station"]}, geometry=spots[:1], crs=WGS84)
    base = ground_of(land).base
    network = build_network(base, with_waits(land.checkpoints), land.settlements, stations=some)
    both = gpd.GeoDataFrame({"name": ["One", "Two"], "kind": ["station", "halt"]}, geometry=spots, crs=WGS84)
    held = build_network(base, with_waits(land.checkpoints), land.settlements, stations=both)
    made = built_again(network, add_stop(network.base, spots[1].x, spots[1].y, name="Two"))
    np.testing.assert_allclose(
        made.settlements["station_km"].to_numpy(float), held.settlements["station_km"].to_numpy(float)
    )
    assert len(made.links) == len(held.links)
    with pytest.raises(PlaceError, match="km from the railways of the data: allowed is 1 km"):
        add_stop(network.base, 0.0, 0.0)
    with pytest.raises(PlaceError, match="name no stations"):
        add_stop(base, spots[1].x, spots[1].y)
