"""The real extracts of Liechtenstein (2015) and Monaco, where they are at hand."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import networkx as nx
import pytest
import shapely

from layers.crs import line_lengths_m
from layers.osm.classes import ROAD_KINDS
from layers.schema import validate
from layers.sources.pbf.read import read_boundaries, read_header, read_network, read_regions
from layers.sources.pbf.regions import country_area_km2
from layers.sources.pbf.ways import CUT_IDS

osmium = pytest.importorskip("osmium", reason="osmium (pyosmium) is not installed")

EXTRACTS = Path(__file__).resolve().parents[3].parent / "shared" / "data" / "osm"
LIECHTENSTEIN, MONACO = EXTRACTS / "liechtenstein-2015.osm.pbf", EXTRACTS / "monaco.osm.pbf"
pytestmark = [
    pytest.mark.shared,
    pytest.mark.skipif(
        not LIECHTENSTEIN.is_file() or not MONACO.is_file(), reason="the shared extracts are not beside the repository"
    ),
]


def test_headers() -> None:
    header = read_header(LIECHTENSTEIN)
    assert header["timestamp"] == "2015-10-07T21:22:03Z"
    assert header["bbox"] == (9.471078, 47.04774, 9.636217, 47.27128)
    assert read_header(MONACO)["sorted"]


def test_the_country_has_its_known_area() -> None:
    regions, report = read_regions(LIECHTENSTEIN, countries=("LI", "AT"))
    assert regions[["region", "country", "name_de"]].to_numpy().tolist() == [["LI", "LI", "Liechtenstein"]]
    assert country_area_km2(regions, "LI") == pytest.approx(160.5, rel=0.01)
    assert report["countries_missing"] == ["AT"]
    assert "r16239 level 2 Austria" in report["cut_off"]
    districts = read_boundaries(LIECHTENSTEIN)[0].query("admin_level == 6")
    assert districts["country"].tolist() == ["LI", "LI"]
    whole = shapely.union_all(districts.geometry.to_numpy())
    assert shapely.area(shapely.symmetric_difference(whole, regions.geometry.iloc[0])) < 0.01 * shapely.area(whole)
    assert len(validate(regions, "regions", "test")) == 1


def test_a_coast_that_is_cut_off_gives_no_country() -> None:
    regions, report = read_regions(MONACO)
    assert regions.empty
    assert "r1124039 level 2 Monaco" in report["cut_off"]


def test_posts_railway_and_places_of_liechtenstein() -> None:
    got = read_network(LIECHTENSTEIN)
    assert got.posts[["osm_id", "name"]].to_numpy().tolist() == [
        [3256854622, "Feldkirch"],
        [3256854623, "Feldkirch"],
        [3256854624, "Schaanwald"],
    ]
    assert (got.posts["what"] == "border_control").all()
    # The line Feldkirch–Buchs: 9 km in the country, single track, and the ends of its ways beyond.
    main = got.railways[got.railways["kind"] == "main"]
    assert 9.0 < main["length_m"].sum() / 1000 < 10.5
    assert set(main["gauge"]) == {"1435"}
    assert set(got.stations["name"]) >= {"Schaan-Vaduz", "Nendeln"}
    assert "Vaduz" in set(got.settlements["name"]) | set("|".join(got.settlements["names"]).split("|"))


@pytest.mark.parametrize("path", [LIECHTENSTEIN, MONACO])
def test_pieces_are_those_that_osmium_and_networkx_find(path: Path) -> None:
    got = read_network(path).roads
    places, count, ways, wanted, closed = {}, {}, [], set(got["osm_id"]), set()
    for thing in osmium.FileProcessor(str(path)):
        if thing.is_node():
            places[thing.id] = (thing.location.lon, thing.location.lat)
            said = next(
                (thing.tags[k] for k in ("motorcar", "motor_vehicle", "vehicle", "access") if k in thing.tags), ""
            )
            stops = thing.tags.get("barrier") in ("bollard", "block", "cycle_barrier", "jersey_barrier", "debris")
            if said in ("no", "private", "destination", "permit", "customers") or (stops and said == ""):
                count[thing.id] = 2
            if said == "no" or (stops and said == ""):
                closed.add(thing.id)
        elif thing.is_way() and thing.id in wanted:
            assert thing.tags.get("highway") in ROAD_KINDS or thing.tags.get("route") == "ferry"
            ways.append([n.ref for n in thing.nodes])
    for refs in ways:
        for ref in refs:
            count[ref] = count.get(ref, 0) + 1
    pieces = []
    for refs in ways:
        start = 0
        for i in range(1, len(refs)):
            if i == len(refs) - 1 or count[refs[i]] > 1:
                pieces.append(refs[start : i + 1])
                start = i
    met = Counter(ref for piece in pieces for ref in (piece[0], piece[-1]))
    graph = nx.MultiGraph()
    for number, piece in enumerate(pieces):
        # Where several meet at a closed node each ends by itself.
        ends = [(r, number, k) if r in closed and met[r] > 1 else r for k, r in enumerate((piece[0], piece[-1]))]
        graph.add_edge(*ends, m=float(line_lengths_m([shapely.LineString([places[r] for r in piece])])[0]))
    assert len(got) == graph.number_of_edges()
    assert (set(got["u"]) | set(got["v"])) - {n for n in {*got["u"], *got["v"]} if n >= CUT_IDS} == (
        {n for n in graph if not isinstance(n, tuple)}
    )
    assert got["length_m"].sum() == pytest.approx(graph.size("m"), rel=1e-7)
    assert nx.number_connected_components(nx.MultiGraph(list(zip(got["u"], got["v"], strict=True)))) == (
        nx.number_connected_components(graph)
    )
