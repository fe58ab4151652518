"""Make a large PBF like a country's: ``python -m benchmarks.make_pbf FOLDER [--factor 4] [--boundaries]``.

``--border 71000 [--places 10000]`` makes an extract over the packaged border instead, with real tags and a study of it
(`benchmarks.border_extract`).

A grid of streets with bends between its corners, in tiles, and buildings' nodes that no road uses: 5 million nodes and
500,000 highway ways times the factor. ``--boundaries`` adds 400 regions as boundary relations, of 840 ways with a
thousand nodes each. The same factor makes the same file. Written by pyosmium; never into the repository.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from time import perf_counter

import numpy as np

ROOT = Path(__file__).resolve().parent.parent
SIDE = 500
"""Corners along a side of a tile; a tile has 2 × SIDE × (SIDE − 1) ways: 499,000, and 1,497 that lie over them."""
BENDS = 4
KINDS = ("residential", "residential", "unclassified", "tertiary", "secondary", "primary", "trunk", "track", "service")
LIMITS = ("60", "90", "RU:urban", "KZ:rural", "40;60", "50 mph")
SURFACES = ("asphalt", "unpaved", "gravel", "concrete")
NAMES = 20_000
REGIONS, EDGE_NODES = 20, 1000
"""Regions along a side of the square of boundaries, and nodes of each way between their corners."""
FAR = 10**9
"""Ids of boundaries begin here, behind all others."""


def main() -> int:
    """Write the file and print where it is."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.make_pbf", description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--factor", type=int, default=1)
    parser.add_argument("--boundaries", action="store_true", help="400 regions as boundary relations too")
    parser.add_argument("--border", type=int, metavar="JUNCTIONS", help="an extract over the packaged border")
    parser.add_argument("--places", type=int, default=0, help="settlements of that extract, villages generated")
    options = parser.parse_args()
    folder = options.folder.resolve()
    if folder == ROOT or ROOT in folder.parents:
        print("the file is large: allowed is a folder outside the repository", file=sys.stderr)
        return 2
    folder.mkdir(parents=True, exist_ok=True)
    start = perf_counter()
    if options.border:
        from benchmarks.border_extract import write_extract

        path = write_extract(folder, options.border, options.places)
        print(f"{path} {path.stat().st_size / 1e6:.0f} MB in {perf_counter() - start:.0f} s")
        return 0
    name = f"{'bounded' if options.boundaries else 'generated'}-x{options.factor}.osm.pbf"
    path = make_pbf(folder / name, options.factor, boundaries=options.boundaries)
    print(f"{path} {path.stat().st_size / 1e6:.0f} MB in {perf_counter() - start:.0f} s")
    return 0


def make_pbf(path: Path, factor: int, *, boundaries: bool = False) -> Path:
    """Write `factor` tiles, and regions over them, and return the path."""
    import osmium

    path.unlink(missing_ok=True)
    header = osmium.io.Header()
    header.set("generator", "borderlink benchmarks")
    header.set("sorting", "Type_then_ID")
    writer = osmium.SimpleWriter(str(path), header=header)
    node = osmium.osm.mutable.Node
    way = osmium.osm.mutable.Way
    per_tile = _tile_nodes(0)[0].shape[0]
    corners, edges = _boundaries(factor) if boundaries else (np.zeros((0, 2)), {})
    with writer:
        for tile in range(factor):
            xy, spare = _tile_nodes(tile)
            first = 1 + tile * (per_tile + len(spare))
            for i, place in enumerate(np.vstack([xy, spare]).tolist()):
                tags = {"highway": "crossing"} if i % 997 == 0 else {}
                writer.add_node(node(id=first + i, version=1, location=tuple(place), tags=tags))
        drawn = np.vstack([corners, *(places for places, _ in edges.values())])
        for i, place in enumerate(drawn.tolist()):
            writer.add_node(node(id=FAR + i, version=1, location=tuple(place)))
        for tile in range(factor):
            spares = len(_tile_nodes(tile)[1])
            first = 1 + tile * (per_tile + spares)
            rng = np.random.default_rng(tile)
            for number, refs in enumerate(_tile_ways(), 1 + tile * 10**7):
                writer.add_way(way(id=number, version=1, nodes=[first + r for r in refs], tags=_tags(rng)))
        for number, (_, refs) in enumerate(edges.values()):
            writer.add_way(way(id=FAR + number, version=1, nodes=[FAR + r for r in refs]))
        for number, (members, tags) in enumerate(_regions(list(edges)) if edges else [], 1):
            around = [("w", FAR + i, "outer") for i in members]
            writer.add_relation(osmium.osm.mutable.Relation(id=number, version=1, members=around, tags=tags))
    return path


Edge = tuple[tuple[int, int], tuple[int, int]]


def _boundaries(factor: int) -> tuple[np.ndarray, dict[Edge, tuple[np.ndarray, list[int]]]]:
    """Return the corners of a square of regions over the tiles, and of each edge its inner places.

    References of the edges come with them.
    """
    wide, high = 2.2 * min(factor, 16), 2.2 * ((factor - 1) // 16 + 1)
    line = np.arange(REGIONS + 1) / REGIONS
    corners = np.column_stack([c.ravel() for c in np.meshgrid(40 + wide * line, 48 + high * line, indexing="ij")])
    share = (np.arange(1, EDGE_NODES + 1) / (EDGE_NODES + 1))[:, None]
    out: dict[Edge, tuple[np.ndarray, list[int]]] = {}
    for i in range(REGIONS + 1):
        for j in range(REGIONS + 1):
            for k, m in ((i + 1, j), (i, j + 1)):
                if max(k, m) > REGIONS:
                    continue
                a, b = (REGIONS + 1) * i + j, (REGIONS + 1) * k + m
                places = corners[a] * (1 - share) + corners[b] * share
                first = len(corners) + len(out) * EDGE_NODES
                out[(i, j), (k, m)] = places, [a, *range(first, first + EDGE_NODES), b]
    return corners, out


def _regions(edges: list[Edge]) -> list[tuple[list[int], dict[str, str]]]:
    """Return the edges around each region, by number, and its tags: half of them Russia's, half Kazakhstan's."""
    number = {edge: i for i, edge in enumerate(edges)}
    out = []
    for i in range(REGIONS):
        for j in range(REGIONS):
            a, b, c, d = (i, j), (i + 1, j), (i + 1, j + 1), (i, j + 1)
            code = f"{'RU' if i < REGIONS // 2 else 'KZ'}-{i:02d}{j:02d}"
            tags = {
                "type": "boundary",
                "boundary": "administrative",
                "admin_level": "4",
                "ISO3166-2": code,
                "name": code,
            }
            out.append(([number[e] for e in ((a, b), (b, c), (d, c), (a, d))], tags))
    return out


def _tile_nodes(tile: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the corners and bends of a tile's streets, and places that no street uses."""
    rng = np.random.default_rng(1000 + tile)
    west, south = 40 + 2.2 * (tile % 16), 48 + 2.2 * (tile // 16)
    line = np.linspace(0, 2, SIDE)
    corners = np.column_stack([c.ravel() for c in np.meshgrid(west + line, south + line)])
    corners = corners + rng.normal(0, 2e-4, corners.shape)
    grid = corners.reshape(SIDE, SIDE, 2)
    share = (np.arange(1, BENDS + 1) / (BENDS + 1))[None, None, :, None]
    bends = []
    for a, b in ((grid[:, :-1], grid[:, 1:]), (grid[:-1], grid[1:])):
        between = a[:, :, None] * (1 - share) + b[:, :, None] * share
        bends.append((between + rng.normal(0, 1e-4, between.shape)).reshape(-1, 2))
    spare = np.column_stack([west + rng.uniform(0, 2, 2_760_000), south + rng.uniform(0, 2, 2_760_000)])
    return np.vstack([corners, *bends]), spare


def _tile_ways() -> list[list[int]]:
    """Return the references of a tile's ways.

    Corner, bends, corner; and three roads over the first corners of each row.
    """
    corner = np.arange(SIDE * SIDE).reshape(SIDE, SIDE)
    ends = [(corner[:, :-1], corner[:, 1:]), (corner[:-1], corner[1:])]
    first = SIDE * SIDE
    out = []
    for a, b in ends:
        count = a.size
        middle = first + np.arange(count * BENDS).reshape(count, BENDS)
        out += np.column_stack([a.ravel(), middle, b.ravel()]).tolist()
        first += count * BENDS
    out += [corner[i : i + 2].ravel().tolist()[: SIDE // 10] for i in range(0, SIDE - 1)] * 3
    return out


def _tags(rng: np.random.Generator) -> dict[str, str]:
    """Return the tags of a road; about a third has a limit, a name or a surface."""
    draw = rng.integers(0, 1 << 30, 6).tolist()
    tags = {"highway": KINDS[draw[0] % len(KINDS)]}
    if draw[1] % 3 == 0:
        tags["maxspeed"] = LIMITS[draw[1] // 3 % len(LIMITS)]
    if draw[2] % 3 == 0:
        tags["surface"] = SURFACES[draw[2] // 3 % len(SURFACES)]
    if draw[3] % 2 == 0:
        tags["name"] = f"Street {draw[3] // 2 % NAMES}"
    if draw[4] % 12 == 0:
        tags["oneway"] = "-1" if draw[4] % 5 == 0 else "yes"
    return tags


if __name__ == "__main__":
    sys.exit(main())
