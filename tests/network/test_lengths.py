"""Lengths of generalised data: what takes a factor, that nothing else does, and the calibration behind it."""

from __future__ import annotations

import itertools
from typing import Any

import networkx as nx
import numpy as np
import pandas as pd
import pytest
import shapely
from pyproj import Geod

from layers.crs import fit_equal_area
from layers.distances import published_distances
from network.base import Base
from network.calibration import calibrate, ways_between
from network.lengths import CORRECTIONS, LONG_M, STRAIGHT, straightened, with_length_factors
from network.topology import Tables, assemble
from tests.borders import PLAIN, Land, checkpoints_of, edges_of, ground_of
from tests.network.test_border import land_of

GEOD = Geod(ellps="WGS84")
CRS = fit_equal_area(shapely.LineString([(58, 49), (62, 51)]))
FACTOR = CORRECTIONS["road"].factor


def land(**columns: Any) -> Land:
    """Return one straight road of 40 km, one of 4 km, and one whose source says that it is longer than it is drawn."""
    nodes = [(-100.0, 0.0), (-60.0, 0.0), (-56.0, 0.0), (-16.0, 0.0), (90.0, 0.0)]
    layer = edges_of(PLAIN, nodes, [(0, 1), (1, 2), (2, 3), (3, 4)])
    longer = layer["length_m"] * [1.0, 1.0, 1.1, 1.0]
    return land_of(
        nodes,
        [(0, 1), (1, 2), (2, 3), (3, 4)],
        checkpoints_of(PLAIN, [(0.0, 0.0)]),
        length_m=longer.to_numpy(),
        **columns,
    )


def bases() -> tuple[Base, Base]:
    here = land()
    return ground_of(here, generalised=("road",), length_factor=False).base, ground_of(here, generalised=("road",)).base


def test_long_straight_links_take_the_factor_and_no_others() -> None:
    plain, longer = (b.tables.links for b in bases())
    assert longer["length_factor"].tolist() == [FACTOR, 1.0, 1.0, FACTOR]
    assert plain["length_factor"].tolist() == [1.0] * 4
    ratio = longer["length_m"].to_numpy() / plain["length_m"].to_numpy()
    assert ratio == pytest.approx([FACTOR, 1, 1, FACTOR])
    assert longer["time_min"].to_numpy() / plain["time_min"].to_numpy() == pytest.approx(ratio)


def test_the_report_says_what_was_done() -> None:
    plain, longer = bases()
    known = CORRECTIONS["road"]
    told = longer.report["road_lengths"]
    assert told["factor"] == FACTOR
    assert told["scatter"] == known.scatter
    assert told["lengthened_links"] == 2
    added = (longer.tables.links["length_m"].sum() - plain.tables.links["length_m"].sum()) / 1000
    assert told["added_km"] == pytest.approx(added, abs=0.05)
    assert plain.report["road_lengths"]["scatter"] == known.scatter_raw > known.scatter
    assert plain.report["road_lengths"]["lengthened_links"] == 0
    assert "rail_lengths" not in longer.report


def test_detailed_data_keep_their_own_lengths() -> None:
    own = ground_of(land()).base
    assert (own.tables.links["length_factor"] == 1).all()
    assert own.tables.links["length_m"].tolist() == bases()[0].tables.links["length_m"].tolist()
    assert "road_lengths" not in own.report


def test_a_gap_is_found_or_not_whatever_the_factor() -> None:
    plain, longer = bases()
    assert plain.gaps.equals(longer.gaps)


def test_straightness_is_by_the_ends_not_by_the_drawing() -> None:
    links = assemble({"road": land().roads}, CRS).links
    a, b = (shapely.get_coordinates(shapely.get_point(links["geometry"].to_numpy(), i)) for i in (0, -1))
    direct = np.array([GEOD.inv(*p, *q)[2] for p, q in zip(a, b, strict=True)])
    expected = (direct > LONG_M) & (links["length_m"].to_numpy() / direct < STRAIGHT)
    assert straightened(links).tolist() == expected.tolist() == [True, False, False, True]
    assert (with_length_factors(links, ())["length_factor"] == 1).all()


# --- calibration


def star(seed: int) -> tuple[Tables, pd.DataFrame]:
    """Return a random network of links, and distances in which the straight ones are 1.08 times as long."""
    rng = np.random.default_rng(seed)
    places = np.column_stack([rng.uniform(-100, -5, 30), rng.uniform(-90, 90, 30)])
    chain = [(i, i + 1) for i in range(29)] + [(int(a), int(b)) for a, b in rng.integers(0, 30, (25, 2)) if a != b]
    layer = edges_of(PLAIN, [(float(s), float(t)) for s, t in places], chain)
    bent = rng.random(len(layer)) < 0.5
    layer = layer.assign(length_m=layer["length_m"] * np.where(bent, 1.2, 1.0))
    tables = assemble({"road": layer}, CRS)
    tables = Tables(tables.nodes.assign(side="a"), tables.links, CRS)
    graph = nx.MultiGraph()
    true = tables.links["length_m"] * np.where(straightened(tables.links), 1.08, 1.0)
    for u, v, m, t in zip(tables.links["u"], tables.links["v"], tables.links["length_m"], true, strict=True):
        graph.add_edge(u, v, m=m, t=t)
    xy = tables.nodes[["x", "y"]].to_numpy()
    rows = []
    for a, b in (rng.choice(30, 2, replace=False) for _ in range(12)):
        way = nx.shortest_path(graph, a, b, weight="m")
        km = sum(min(graph[p][q].values(), key=lambda d: d["m"])["t"] for p, q in itertools.pairwise(way)) / 1000
        rows.append(
            {
                "mode": "road",
                "km": km,
                "origin_lon": xy[a, 0],
                "origin_lat": xy[a, 1],
                "destination_lon": xy[b, 0],
                "destination_lat": xy[b, 1],
            }
        )
    return tables, pd.DataFrame(rows)


@pytest.mark.parametrize("seed", range(4))
def test_the_calibration_finds_the_factor_that_made_the_distances(seed: int) -> None:
    tables, published = star(seed)
    found = calibrate(tables, published, "road")
    assert found.ways["used"].sum() >= 8
    assert found.factor == pytest.approx(1.08, abs=1e-6)
    assert found.scatter == pytest.approx(0.0, abs=1e-6)
    assert found.scatter_raw > 0.01


def test_ways_are_those_of_networkx() -> None:
    tables, published = star(7)
    graph = nx.Graph()
    for u, v, m in tables.links[["u", "v", "length_m"]].itertuples(index=False):
        graph.add_edge(u, v, weight=min(m, graph.get_edge_data(u, v, {"weight": np.inf})["weight"]))
    xy = tables.nodes[["x", "y"]].to_numpy()
    found = ways_between(tables, published, "road")
    for row in found.itertuples():
        a, b = (
            int(np.hypot(*(xy - [x, y]).T).argmin())
            for x, y in ((row.origin_lon, row.origin_lat), (row.destination_lon, row.destination_lat))
        )
        assert row.network_km == pytest.approx(nx.shortest_path_length(graph, a, b, weight="weight") / 1000, abs=1e-3)


def test_rows_that_can_not_be_true_are_left_out_and_say_why() -> None:
    tables, published = star(1)
    published.loc[0, "km"] *= 0.3
    published.loc[1, "km"] *= 1.5
    published.loc[2, ["origin_lon"]] -= 3
    ways = calibrate(tables, published, "road").ways
    assert not ways.loc[:2, "used"].any()
    assert (ways.loc[:2, "why_not"] != "").all()


def test_every_published_row_has_a_source_and_stands_between_named_places() -> None:
    table = published_distances()
    assert (table["mode"] == "road").sum() >= 12
    assert table["url"].str.startswith("http").all()
    for column in ("source", "retrieved", "origin", "destination", "read_as", "road"):
        assert (table[column] != "").all(), column
    assert (table["km"] > 0).all()
    assert not table.duplicated(["mode", "origin", "destination"]).any()


def test_the_constants_are_what_the_packaged_data_give(packaged_land: Land) -> None:
    base = ground_of(packaged_land, generalised=("road", "rail"), length_factor=False).base
    for mode, known in CORRECTIONS.items():
        found = calibrate(base.tables, published_distances(), mode)
        assert int(found.ways["used"].sum()) == known.ways
        assert found.factor == pytest.approx(known.factor, abs=5e-4)
        assert (found.scatter, found.scatter_raw) == pytest.approx((known.scatter, known.scatter_raw), abs=2e-4)
        assert known.scatter <= known.scatter_raw
