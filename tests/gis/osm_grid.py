"""The grid of `tests.gis.grid` as OpenStreetMap has it.

Nodes, ways and relations that a test changes before they are written.
"""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import Any

from tests.gis.grid import LATS, LONS, grid_layers, write_grid
from tests.layers.pbf.files import write_pbf

Place = tuple[float, float]


class OsmGrid:
    """Roads between neighbouring places, with a node of their own at 60° where they cross the line."""

    def __init__(self, cross: tuple[float, ...] = LATS, kind: str = "primary") -> None:
        self.nodes: dict[int, tuple[float, float, dict[str, str]]] = {}
        self.ways: dict[int, tuple[list[int], dict[str, str]]] = {}
        self.relations: list[tuple[int, list[tuple[str, int, str]], dict[str, str]]] = []
        self.at: dict[Place, int] = {}
        for lat in LATS:
            for lon in LONS:
                self.node(lon, lat)
        for lat in LATS:
            for x, y in pairwise(LONS):
                if x < 60 < y and lat in cross:
                    self.way([self.at[x, lat], self.node(60.0, lat), self.at[y, lat]], highway=kind)
                elif not x < 60 < y:
                    self.way([self.at[x, lat], self.at[y, lat]], highway=kind)
        for lon in LONS:
            for y, z in pairwise(LATS):
                self.way([self.at[lon, y], self.at[lon, z]], highway=kind)

    def node(self, lon: float, lat: float, **tags: str) -> int:
        """Add a node and return its id; ``motor_vehicle__conditional`` stands for a colon."""
        number = self.at.get((lon, lat), len(self.nodes) + 1)
        before = self.nodes[number][2] if number in self.nodes else {}
        self.nodes[number] = (lon, lat, {**before, **_tags(tags)})
        self.at[lon, lat] = number
        return number

    def way(self, refs: list[int], **tags: str) -> int:
        """Add a way and return its id."""
        number = 1000 + len(self.ways)
        self.ways[number] = (refs, _tags(tags))
        return number

    def between(self, a: Place, b: Place) -> int:
        """Return the way from one place to another."""
        ends = (self.at[a], self.at[b])
        return next(i for i, (refs, _) in self.ways.items() if (refs[0], refs[-1]) == ends)

    def retag(self, a: Place, b: Place, **tags: str) -> int:
        """Give the way between two places further tags."""
        number = self.between(a, b)
        refs, before = self.ways[number]
        self.ways[number] = (refs, {**before, **_tags(tags)})
        return number

    def through(self, a: Place, b: Place, *middle: int) -> None:
        """Lead the way between two places over further nodes."""
        number = self.between(a, b)
        refs, tags = self.ways[number]
        self.ways[number] = ([refs[0], *middle, refs[-1]], tags)

    def relation(self, *members: tuple[str, int, str], **tags: str) -> None:
        """Add a relation."""
        self.relations.append((len(self.relations) + 1, list(members), _tags(tags)))

    def write(
        self,
        folder: Path,
        *,
        own: tuple[str, ...] = ("regions", "settlements", "checkpoints"),
        name: str = "net.osm.pbf",
        more: str = "",
        **frames: Any,
    ) -> Path:
        """Write the extract and a study whose `own` layers are files; the others are read from the extract."""
        folder.mkdir(parents=True, exist_ok=True)
        nodes = [(i, lon, lat, tags) for i, (lon, lat, tags) in sorted(self.nodes.items())]
        ways = [(i, refs, tags) for i, (refs, tags) in sorted(self.ways.items())]
        write_pbf(folder / name, nodes, ways, self.relations)
        rest = [n for n in grid_layers() if n not in own]
        sources = dict.fromkeys(rest, '"osm"')
        return write_grid(folder, sources=sources, more=f'[osm]\npbf = ["{name}"]\n{more}', **frames)


def _tags(tags: dict[str, str]) -> dict[str, str]:
    return {k.replace("__", ":"): v for k, v in tags.items()}
