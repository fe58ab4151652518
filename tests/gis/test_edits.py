"""Random edits of random borders equal a network built from layers that hold the changes.

Contradictions are refused.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely

from gis.queries.edits import Capacity, Close, Hours, Road, Speeds, Upgrade, Wait, apply_edits
from gis.queries.new_posts import Open
from layers.checkpoints import with_waits
from layers.crs import WGS84
from layers.errors import PlaceError
from network.build import FIELDS, build_network
from network.edits import new_checkpoint
from tests.borders import ground_of, random_land, random_network
from tests.network.test_edits import same, times
from tests.network.test_works import ends_of, with_road

if TYPE_CHECKING:
    from gis.queries.edits import Edit
    from network.build import Network


def random_edits(network: Network, seed: int) -> list[Edit]:
    """Return a closure, waits, an opening near the line, and sometimes a road at home, in any order."""
    rng = np.random.default_rng(seed)
    posts = network.checkpoints.query("mode == 'road' and open and joined_by != 'nothing'")["checkpoint_id"].tolist()
    rng.shuffle(posts)
    line = network.base.border.line
    spot = shapely.line_interpolate_point(shapely.get_geometry(line, 0), rng.uniform(0.2, 0.8), normalized=True)
    place = gpd.GeoSeries([spot], crs=network.crs).to_crs(WGS84).iloc[0]
    edits: list[Edit] = [Wait(p, float(rng.uniform(0, 200))) for p in posts[1:3]]
    edits += [Close(posts[0])] if len(posts) > 1 else []
    edits.append(Open(place.x, place.y, wait_min=float(rng.uniform(0, 60))))
    ends, _ = ends_of(network, seed, across=bool(rng.integers(2)))
    edits.append(Road(tuple(ends), road_class="primary"))
    return [edits[i] for i in rng.permutation(len(edits))]


@pytest.mark.parametrize("seed", range(8))
def test_random_edits_equal_a_full_rebuild(seed: int) -> None:
    land, network = random_land(seed), random_network(seed)
    edits = random_edits(network, seed)
    try:
        edited, notes = apply_edits(network, edits)
    except PlaceError as error:
        assert "on the other side" in str(error)  # a straight road that leads through the neighbour
        edits = [e for e in edits if not isinstance(e, Road)]
        edited, notes = apply_edits(network, edits)
    assert len(notes) == len(edits)
    closed = [e.checkpoint for e in edits if isinstance(e, Close)]
    for road in [e for e in edits if isinstance(e, Road)]:
        nodes = network.base.tables.nodes
        refs = [nodes.loc[np.hypot(nodes["x"] - x, nodes["y"] - y).idxmin(), "ref"] for x, y in road.points]
        land = with_road(land, list(road.points), refs)
    new = next(e for e in edits if isinstance(e, Open))
    table = with_waits(land.checkpoints).assign(base_open=True)
    table["base_open"] = table["open"]
    row = new_checkpoint(network, new.lon, new.lat, wait_min=new.wait_min)
    columns = [c for c in row.columns if c in table]
    table = gpd.GeoDataFrame(pd.concat([table[columns], row[columns]], ignore_index=True), crs=WGS84)
    table.loc[table["checkpoint_id"].isin(closed), "open"] = False
    for e in edits:
        if isinstance(e, Wait):
            table.loc[table["checkpoint_id"] == e.checkpoint, "wait_min"] = e.wait_min
    rebuilt = build_network(ground_of(land).base, table, land.settlements)
    for field in FIELDS.values():
        assert same(times(edited, field), times(rebuilt, field))


@pytest.mark.parametrize("seed", range(3))
def test_to_undo_is_to_leave_out(seed: int) -> None:
    network = random_network(seed)
    links, posts = network.links.copy(), network.checkpoints.copy()
    edits = random_edits(network, seed)
    try:
        apply_edits(network, edits)
    except PlaceError:
        apply_edits(network, [e for e in edits if not isinstance(e, Road)])
    pd.testing.assert_frame_equal(network.links, links)
    pd.testing.assert_frame_equal(network.checkpoints, posts)
    assert apply_edits(network, [])[0] is network


def test_what_contradicts_is_refused_all_at_once_before_anything_is_built() -> None:
    network = random_network(1)
    one, two = network.checkpoints.query("open and mode == 'road'")["checkpoint_id"].tolist()[:2]
    point = network.checkpoints.geometry.iloc[0]
    edits = [
        Close(one),
        Wait(one, 5),
        Wait(two, 5),
        Wait(two, 6, "a to b"),
        Open(point.x, point.y),
        Open(point.x, point.y),
        Close(two),
    ]
    with pytest.raises(PlaceError) as caught:
        apply_edits(network, edits, where=[f"plan.toml, line {i}" for i in range(7)])
    message = str(caught.value)
    assert f"plan.toml, line 1: {one} has an edit 'close' and an edit 'wait'" in message
    assert "(see plan.toml, line 0)" in message
    assert f"plan.toml, line 3: {two} has two edits 'wait'" in message
    assert "plan.toml, line 5: a second new checkpoint by road at one place" in message
    assert f"plan.toml, line 6: {two} has an edit 'wait' and an edit 'close'" in message


def test_names_are_suggested() -> None:
    network = random_network(1)
    with pytest.raises(PlaceError, match=r"'Pots 1' names no checkpoint \(did you mean Post 1"):
        apply_edits(network, [Close("Pots 1")])
    with pytest.raises(PlaceError, match="no region is called 'Atlantis'"):
        apply_edits(network, [Close(region="Atlantis")])


def test_everything_closed_is_refused() -> None:
    network = random_network(1)
    every = [Close(c) for c in network.checkpoints.query("open")["checkpoint_id"]]
    with pytest.raises(PlaceError, match="every checkpoint is closed"):
        apply_edits(network, every)


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        (Open(62, 53, wait_min=-1), "wait_min = -1: allowed are minutes"),
        (Open(62, 53, mode="air"), "mode = 'air': allowed is road or rail"),
        (Open(62, 530), "allowed is longitude"),
        (Open(), "allowed is lon and lat, or the id of a crossing"),
        (Open(62, 53, at="somewhere"), 'allowed is "crossing" or "new road"'),
        (Open(62, 53, hours="at dawn"), "hours = 'at dawn'"),
        (Open(62, 53, regime="secret"), "regime = 'secret'"),
        (Open(62, 53, capacity_per_day=0), "capacity_per_day = 0"),
        (Open(62, 53, at="new road", road_class="boulevard"), "road_class = 'boulevard'"),
        (Wait("Post 0", 5, "out"), "direction = 'out'"),
        (Speeds(), "allowed is a factor or season"),
        (Speeds(0.001), "factor = 0.001"),
        (Upgrade(road_kph=90, polygon=((0, 0), (1, 1), (0, 1), (1, 0))), "does not cross itself"),
        (Road(((60, 50), (60.1, 50)), road_kph=1000), "road_kph = 1000"),
        (Close(), "allowed is a checkpoint or a region"),
    ],
)
def test_values_out_of_range_are_refused(edit: Edit, message: str) -> None:
    with pytest.raises(PlaceError, match=message):
        apply_edits(random_network(1), [edit])


def test_a_new_post_at_a_crossing_or_on_a_new_road() -> None:
    network = random_network(2)
    crossing = network.crossings.query("mode == 'road' and not by_connector").iloc[0]
    at, notes = apply_edits(network, [Open(crossing=crossing["crossing_id"], wait_min=3.0, wait_back_min=9.0)])
    row = at.checkpoints.set_index("checkpoint_id").loc["new-1"]
    assert row["joined_by"] == "crossing"
    assert row["wait_min"] == 6.0
    assert "at a crossing of the network" in notes[0]
    place = crossing.geometry
    own, notes = apply_edits(network, [Open(place.x, place.y, at="new road", road_class="primary")])
    assert own.checkpoints.set_index("checkpoint_id").loc["new-1", "joined_by"] == "connector"
    assert "which the data lack" in notes[0]
    with pytest.raises(PlaceError, match="no crossing is called 'road-x999'"):
        apply_edits(network, [Open(crossing="road-x999")])


def test_hours_capacity_and_a_regions_closure() -> None:
    network = random_network(3)
    post = network.checkpoints.query("open and mode == 'road' and joined_by != 'nothing'")["checkpoint_id"].iloc[0]
    edited, notes = apply_edits(network, [Hours(post, "09:00-21:00"), Capacity(post, 400)])
    row = edited.checkpoints.set_index("checkpoint_id").loc[post]
    assert (row["hours"], row["capacity_per_day"]) == ("09:00-21:00", 400)
    assert len(notes) == 2
    region = network.checkpoints["region_a"].iloc[0]
    with pytest.raises(PlaceError, match="every checkpoint is closed"):
        apply_edits(network, [Close(region=region)])


def test_a_wait_of_another_vehicle_changes_nothing() -> None:
    network = random_network(3)
    post = network.checkpoints.query("open and mode == 'road'")["checkpoint_id"].iloc[0]
    same_network, notes = apply_edits(network, [Wait(post, 500, vehicle="truck")])
    assert notes == []
    assert same(times(same_network), times(network))
