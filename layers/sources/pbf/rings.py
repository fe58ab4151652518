"""Boundaries of relations: their ways assembled to areas."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import shapely

from layers.sources.pbf.objects import E7, Nodes

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from numpy.typing import NDArray


@dataclass(frozen=True)
class Relation:
    """A boundary relation: its tags and its member ways."""

    tags: dict[str, str]
    ways: tuple[tuple[int, str], ...]


def at_hand(
    relations: Mapping[int, Relation], ways: Mapping[int, NDArray[np.int64]], places: Nodes
) -> dict[int, Relation]:
    """Return the relations of which every way and every node of those is at hand."""
    known = {way for way, refs in ways.items() if bool(np.all(places.find(refs) >= 0))}
    return {i: r for i, r in relations.items() if r.ways and all(way in known for way, _ in r.ways)}


def assembled(
    relations: Mapping[int, Relation], ways: Mapping[int, NDArray[np.int64]], places: Nodes
) -> dict[int, shapely.Geometry]:
    """Return the polygons of relations; those that osmium's assembler refuses are missing.

    The parts of all files are written into one small file for it, so that a boundary that runs through several
    extracts is assembled as if from one.
    """
    import osmium

    out: dict[int, shapely.Geometry] = {}
    if not relations:
        return out
    factory = osmium.geom.WKBFactory()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "boundaries.osm.opl"
        path.write_text("\n".join(opl(relations, ways, places)) + "\n", encoding="utf-8")
        only_areas = osmium.filter.EntityFilter(osmium.osm.AREA)
        areas: Iterator[Any] = iter(osmium.FileProcessor(str(path)).with_areas().with_filter(only_areas))
        for thing in areas:
            if not thing.from_way():
                try:
                    polygon = shapely.from_wkb(factory.create_multipolygon(thing))
                except RuntimeError:  # osmium found no rings
                    continue
                if shapely.is_valid(polygon) and not polygon.is_empty:
                    out[thing.orig_id()] = polygon
    return out


def opl(relations: Mapping[int, Relation], ways: Mapping[int, NDArray[np.int64]], places: Nodes) -> Iterator[str]:
    """Yield relations, their ways and nodes as lines of OPL, which osmium reads.

    Https://osmcode.org/opl-file-format/.
    """
    used = sorted({way for r in relations.values() for way, _ in r.ways})
    used_nodes = places.only(np.concatenate([ways[way] for way in used]))
    degrees = (used_nodes.lon / E7).tolist(), (used_nodes.lat / E7).tolist()
    for ref, lon, lat in zip(used_nodes.ids.tolist(), *degrees, strict=True):  # of boundaries only
        yield f"n{ref} v1 x{lon:.7f} y{lat:.7f}"
    for way in used:
        yield f"w{way} v1 N" + ",".join(f"n{ref}" for ref in ways[way].tolist())
    for i in sorted(relations):
        members = (f"w{way}@{''.join(map(escaped, role))}" for way, role in relations[i].ways)
        yield f"r{i} v1 Ttype=boundary M" + ",".join(members)


def escaped(letter: str) -> str:
    """Return a letter of a role as OPL has it."""
    return letter if letter.isascii() and letter.isalnum() else f"%{ord(letter):x}%"
