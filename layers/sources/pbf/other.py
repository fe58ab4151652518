"""OpenStreetMap files of other formats (XML, packed or not, o5m), made a PBF once, so that one reader stays."""

from __future__ import annotations

import tempfile
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from layers.errors import LayerError

if TYPE_CHECKING:
    from collections.abc import Iterator

FORMATS = {
    ".osm": "osm",
    ".osm.gz": "osm.gz",
    ".osm.bz2": "osm.bz2",
    ".o5m": "o5m",
    ".opl": "opl",
    ".osm.xml": "osm",
}
"""Endings that osmium reads, and what it calls the format."""
EXTRACT_ENDINGS = (".pbf", *FORMATS)
_ORDER = {"n": 0, "w": 1, "r": 2}


def as_pbf(path: Path) -> Path:
    """Return a file as a PBF: itself, or what it is made once in this process, in a folder that goes with it.

    Raises
    ------
    LayerError
        The file is missing or can't be read to its end.
    """
    kind = next((k for ending, k in FORMATS.items() if path.name.casefold().endswith(ending)), "")
    if not kind:
        return path
    if not path.is_file():
        raise LayerError(f"no such file: {path}")
    state = path.stat()
    return _made(path.resolve(), kind, state.st_mtime_ns, state.st_size)


@cache
def _folder() -> tempfile.TemporaryDirectory[str]:
    """Return the folder of this process."""
    return tempfile.TemporaryDirectory(prefix="borderlink-")


@cache
def _made(path: Path, kind: str, _changed: int, _size: int) -> Path:
    """Return the PBF of one state of a file."""
    folder = Path(tempfile.mkdtemp(dir=_folder().name))
    target = folder / f"{path.name}.pbf"
    if not _written(path, kind, target, in_order=True):
        _written(path, kind, target, in_order=False)
    return target


def _written(path: Path, kind: str, target: Path, *, in_order: bool) -> bool:
    """Write a file's objects and return whether they came in the order of types and ids."""
    import osmium

    header = osmium.io.Header()
    header.set("generator", "borderlink")
    if in_order:
        header.set("sorting", "Type_then_ID")
    last, sorted_so_far = (-1, False, 0), True
    with osmium.SimpleWriter(osmium.io.File(str(target), "pbf"), header=header, overwrite=True) as writer:
        for thing in _objects(path, kind):  # osmium hands objects over one by one; both ends of it are compiled
            place = (_ORDER[thing.type_str()], thing.id >= 0, abs(thing.id))
            sorted_so_far &= place > last
            last = place
            writer.add(thing)
    return sorted_so_far


def _objects(path: Path, kind: str) -> Iterator[Any]:
    """Yield the nodes, ways and relations of a file that are there: deleted ones of an editor's file are not."""
    import osmium

    objects: Any = osmium.FileProcessor(osmium.io.File(str(path), kind))
    try:
        for thing in objects:
            if thing.type_str() in _ORDER and thing.visible and not thing.deleted:
                yield thing
    except (RuntimeError, ValueError, osmium.InvalidLocationError) as error:
        raise LayerError(f"{path} can't be read as {kind}: {error}; download or save it again") from None
