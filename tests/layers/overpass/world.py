"""OpenStreetMap objects in memory: read from a PBF, or drawn as two small countries with everything a study needs."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from random import Random

from tests.layers.pbf.files import Tags, write_pbf

TIMESTAMP = "2026-01-02T03:04:05Z"


@dataclass
class World:
    """Nodes, ways and relations by id, as tests/pbf/files.py writes them."""

    nodes: dict[int, tuple[float, float, Tags]] = field(default_factory=dict)
    ways: dict[int, tuple[list[int], Tags]] = field(default_factory=dict)
    relations: dict[int, tuple[list[tuple[str, int, str]], Tags]] = field(default_factory=dict)
    timestamp: str = TIMESTAMP

    def write(self, path: Path) -> Path:
        """Write the world as an extract."""
        return write_pbf(
            path,
            [(i, x, y, tags) for i, (x, y, tags) in sorted(self.nodes.items())],
            [(i, refs, tags) for i, (refs, tags) in sorted(self.ways.items())],
            [(i, members, tags) for i, (members, tags) in sorted(self.relations.items())],
            timestamp=self.timestamp,
        )


def read_world(path: Path) -> World:
    """Read an extract with pyosmium: another reader than the one that is tested."""
    import osmium

    world = World(timestamp=osmium.io.Reader(str(path)).header().get("osmosis_replication_timestamp"))
    for thing in osmium.FileProcessor(str(path)):
        tags = dict(thing.tags)
        if thing.is_node():
            world.nodes[thing.id] = (thing.location.lon, thing.location.lat, tags)
        elif thing.is_way():
            world.ways[thing.id] = ([n.ref for n in thing.nodes], tags)
        else:
            world.relations[thing.id] = ([(m.type, m.ref, m.role) for m in thing.members], tags)
    return world


def random_world(seed: int) -> World:
    """Return a chance handful of everything that is asked for, and of what is not, in a square of a degree."""
    chance = Random(seed)
    tags: list[Tags] = [
        {"highway": "primary"},
        {"highway": "primary", "oneway": "yes"},
        {"highway": "tertiary", "oneway": "-1"},
        {"highway": "motorway", "maxspeed": "110"},
        {"highway": "track"},
        {"highway": "footway"},
        {"building": "yes"},
        {"highway": "secondary", "access": "private"},
        {"highway": "trunk_link", "surface": 'as "phalt" & <co>'},
        {"route": "ferry"},
        {"railway": "rail", "usage": "main"},
        {"railway": "rail", "service": "siding"},
        {"railway": "tram"},
        {"railway": "rail", "highway": "primary"},
        {"railway": "station", "name": "Как"},
    ]
    marks: list[Tags] = [
        {},
        {},
        {},
        {},
        {},
        {"place": "town", "name": "Tøwn", "population": "1 200"},
        {"place": "suburb", "name": "S"},
        {"barrier": "border_control", "name": "P"},
        {"disused:barrier": "border_control"},
        {"amenity": "customs"},
        {"government": "customs", "name": "C"},
        {"railway": "halt", "name": "H"},
        {"railway": "border"},
        {"barrier": "gate"},
    ]
    world = World()
    for i in range(1, 300):
        world.nodes[i] = (round(9 + chance.random(), 7), round(47 + chance.random(), 7), dict(chance.choice(marks)))
    for i in range(1, 160):
        refs = chance.sample(range(1, 310), chance.randint(2, 5))  # some of the nodes are in no extract
        world.ways[i] = (refs, dict(chance.choice(tags)))
    for i in range(160, 180):
        ring = chance.sample(range(1, 300), 4)
        world.ways[i] = ([*ring, ring[0]], {"barrier": "border_control", "name": f"Area {i}"})
    for i in range(180, 190):
        ring = chance.sample(range(1, 300), 4)
        world.ways[i] = ([*ring, ring[0]], {})
        world.relations[i] = (
            [("w", i, "outer")],
            {"type": "multipolygon", "government": "border_control", "name": f"Whole {i}"},
        )
    for i in range(190, 200):
        world.ways[i] = (chance.sample(range(1, 300), 3), {})
        world.relations[i] = ([("w", i, "")], {"type": "route", "route": "ferry"})
    for i in range(200, 230):
        one, other = chance.sample(range(1, 160), 2)
        via = chance.choice(world.ways[one][0])
        world.relations[i] = (
            [("w", one, "from"), ("n", via, "via"), ("w", other, "to")],
            {"type": "restriction", "restriction": "no_u_turn"},
        )
    return world


def tied_world(seed: int) -> World:
    """Return two main roads in a square of a degree, and lanes that join places to them or to nothing.

    Lanes have many lengths; places are villages, ferries and posts.
    """
    chance = Random(seed)
    world = World()

    def node(x: float, y: float, **tags: str) -> int:
        number = 1 + len(world.nodes)
        world.nodes[number] = (round(x, 7), round(y, 7), tags)
        return number

    rows = [[node(9 + 0.01 * i, y) for i in range(101)] for y in (47.2, 47.75)]
    for row in rows:
        world.ways[1 + len(world.ways)] = (row, {"highway": "secondary"})
    for i in range(40):
        # A lane wanders off from a main road, or from nowhere.
        x, y = 9 + chance.random(), 47 + chance.random()
        start = chance.choice(rows[chance.randint(0, 1)]) if chance.random() < 0.7 else node(x, y)
        refs = [start]
        x, y, _ = world.nodes[start]
        for _ in range(chance.choice([1, 3, 10])):
            x, y = x + chance.uniform(-0.02, 0.02), y + chance.uniform(-0.02, 0.02)
            refs.append(node(x, y))
        world.ways[1 + len(world.ways)] = (refs, {"highway": chance.choice(["service", "residential"])})
        if i % 4 == 0:
            # Another way back, longer or shorter.
            other = chance.choice(rows[chance.randint(0, 1)])
            world.ways[1 + len(world.ways)] = ([refs[-1], node(x, y + 0.03), other], {"highway": "service"})
        what = chance.choice(["village", "ferry", "post", "station", "", "beside"])
        if what == "village":
            node(x + 0.004, y, place="village", name=f"V{i}")
        elif what == "station":
            node(x, y + 0.004, railway="halt", name=f"S{i}")
        elif what == "ferry":
            world.ways[1 + len(world.ways)] = ([refs[-1], node(x + 0.05, y)], {"route": "ferry"})
        elif what == "post":
            world.nodes[chance.choice(refs[1:])][2].update(barrier="border_control", name=f"P{i}")
        elif what == "beside":
            node(x + 0.003, y, barrier="border_control", name=f"B{i}")
    return world


WEST, EAST = "LI", "AT"


def two_countries() -> World:
    """Return two countries of two regions, a grid of roads, a railway, towns and posts beside 9.5° east."""
    world = World()
    lon, lat = [9.0, 9.5, 10.0], [47.0, 47.25, 47.5]
    corner = {(i, j): 1 + 3 * i + j for i in range(3) for j in range(3)}
    for (i, j), number in corner.items():
        world.nodes[number] = (lon[i], lat[j], {})
    edge: dict[tuple[int, int], int] = {}

    def side(*path: tuple[int, int]) -> list[tuple[str, int, str]]:
        members = []
        for a, b in pairwise(path):
            pair = tuple(sorted((corner[a], corner[b])))
            if pair not in edge:
                edge[pair] = 100 + len(edge)
                world.ways[edge[pair]] = ([*pair], {"boundary": "administrative"})
            members.append(("w", edge[pair], "outer"))
        return members

    both = {"type": "boundary", "boundary": "administrative"}
    for k, country in enumerate((WEST, EAST)):
        around = side((k, 0), (k + 1, 0), (k + 1, 1), (k + 1, 2), (k, 2), (k, 1), (k, 0))
        own = {"admin_level": "2", "name": f"Country {country}"}
        # Mapped in either way.
        own["ISO3166-1" if k else "ISO3166-1:alpha2"] = country
        world.relations[1 + k] = (around, {**both, **own})
        for j in range(2):
            part = side((k, j), (k + 1, j), (k + 1, j + 1), (k, j + 1), (k, j))
            own = {"admin_level": "4", "ISO3166-2": f"{country}-{j}", "name": f"Region {country} {j}"}
            world.relations[10 + 2 * k + j] = (part, {**both, **own})
    _roads(world)
    return world


def _roads(world: World) -> None:
    """Add a grid of roads, of which two cross the border with posts, a railway, and a town at each second crossing."""
    columns, rows = [9.1 + 0.1 * i for i in range(9)], [47.05 + 0.1 * j for j in range(5)]

    def node(i: int, j: int) -> int:
        return 1000 + 10 * i + j

    for i, x in enumerate(columns):
        for j, y in enumerate(rows):
            world.nodes[node(i, j)] = (round(x, 7), round(y, 7), {})
            if (i + j) % 2 == 0:
                town = {"place": "town", "name": f"Town {i}{j}", "population": str(1000 * (1 + i + j))}
                world.nodes[5000 + 10 * i + j] = (round(x + 0.001, 7), round(y + 0.001, 7), town)
    for j in range(5):
        world.ways[2000 + j] = ([node(i, j) for i in range(9)], {"highway": "primary" if j % 2 else "secondary"})
        if j % 2 == 0:
            # Only the rows with posts pass the border.
            world.ways[2000 + j] = ([node(i, j) for i in range(4)], {"highway": "secondary"})
            world.ways[2010 + j] = ([node(i, j) for i in range(5, 9)], {"highway": "secondary", "maxspeed": "80"})
    for i in range(9):
        if i != 4:
            world.ways[2100 + i] = ([node(i, j) for j in range(5)], {"highway": "tertiary"})
    for j in (1, 3):
        for k, x in enumerate((9.49, 9.51)):
            post = {"barrier": "border_control", "name": f"Post {j} {'ab'[k]}", "opening_hours": "24/7"}
            number = 6000 + 10 * j + k
            world.nodes[number] = (x, round(47.05 + 0.1 * j, 7), post)
        # One way to each post and one between them.
        row, a, b = world.ways[2000 + j][0], 6000 + 10 * j, 6001 + 10 * j
        for k, refs in enumerate(([*row[:4], a], [a, row[4], b], [b, *row[5:]])):
            world.ways[2000 + j + 10 * k] = (refs, {"highway": "primary"})
    world.nodes[7000] = (9.3, 47.25, {"railway": "station", "name": "West Station"})
    world.nodes[7001] = (9.5, 47.25, {"railway": "border"})
    world.nodes[7002] = (9.7, 47.25, {"railway": "station", "name": "East Station"})
    world.ways[3000] = ([7000, 7001, 7002], {"railway": "rail", "usage": "main"})
