"""Make a large PBF like a country's: ``python -m benchmarks.make_pbf FOLDER [--factor 4]``.

A grid of streets with bends between its corners, in tiles, and buildings' nodes that no road uses: 5 million nodes and
500,000 highway ways times the factor. The same factor makes the same file. Written by pyosmium; never into the repository.
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


def main() -> int:
    """Write the file and print where it is."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.make_pbf", description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--factor", type=int, default=1)
    options = parser.parse_args()
    folder = options.folder.resolve()
    if folder == ROOT or ROOT in folder.parents:
        print("the file is large: allowed is a folder outside the repository", file=sys.stderr)
        return 2
    folder.mkdir(parents=True, exist_ok=True)
    start = perf_counter()
    path = make_pbf(folder / f"generated-x{options.factor}.osm.pbf", options.factor)
    print(f"{path} {path.stat().st_size / 1e6:.0f} MB in {perf_counter() - start:.0f} s")
    return 0


def make_pbf(path: Path, factor: int) -> Path:
    """Write `factor` tiles and return the path."""
    import osmium

    path.unlink(missing_ok=True)
    header = osmium.io.Header()
    header.set("generator", "borderlink benchmarks")
    header.set("sorting", "Type_then_ID")
    writer = osmium.SimpleWriter(str(path), header=header)
    node = osmium.osm.mutable.Node
    way = osmium.osm.mutable.Way
    per_tile = _tile_nodes(0)[0].shape[0]
    with writer:
        for tile in range(factor):
            xy, spare = _tile_nodes(tile)
            first = 1 + tile * (per_tile + len(spare))
            for i, place in enumerate(np.vstack([xy, spare]).tolist()):
                tags = {"highway": "crossing"} if i % 997 == 0 else {}
                writer.add_node(node(id=first + i, version=1, location=tuple(place), tags=tags))
        for tile in range(factor):
            spares = len(_tile_nodes(tile)[1])
            first = 1 + tile * (per_tile + spares)
            rng = np.random.default_rng(tile)
            for number, refs in enumerate(_tile_ways(), 1 + tile * 10**7):
                writer.add_way(way(id=number, version=1, nodes=[first + r for r in refs], tags=_tags(rng)))
    return path


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
    """Return the references of a tile's ways: corner, bends, corner; and three roads over the first corners of each row."""
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
