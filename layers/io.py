"""One door to every source: a layer by name from the snapshot, a file or a database, validated."""

from __future__ import annotations

from dataclasses import dataclass, field
from hashlib import file_digest
from pathlib import Path
from typing import TYPE_CHECKING, Any

import geopandas as gpd

from layers.cells import legible_columns
from layers.errors import LayerError
from layers.own.columns import understood
from layers.own.nodes import agreeing
from layers.own.shapes import placed, within
from layers.regions import of_countries
from layers.schema import LAYERS as LAYERS
from layers.schema import empty_layer, validate
from layers.secrets import all_masked, masked
from layers.sources.boundary import reading
from layers.sources.files import read_file
from layers.sources.postgis import is_database, read_table
from layers.sources.snapshot import read_snapshot, snapshot_manifest

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    import shapely

SNAPSHOT = "snapshot"
OSM = "osm"
"""A layer out of the study's OpenStreetMap extracts, which `gis.inputs` reads all at once."""
OVERPASS = "overpass"
"""A layer out of extracts that an Overpass server makes when asked."""
NONE = "none"
"""A layer that the study does without: allowed for one of roads and railways."""


@dataclass(frozen=True)
class Source:
    """Where a layer comes from: ``snapshot``, a file or a database, with the table inside it and a column map.

    ``values`` has for a column the file's words and ours: ``{"kind": {"Автомагистраль": "motorway"}}``.
    """

    path: str = SNAPSHOT
    layer: str | None = None
    columns: Mapping[str, str] = field(default_factory=dict)
    rights: str = ""
    values: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    def __repr__(self) -> str:
        return masked(
            f"Source({self.path!r}, layer={self.layer!r}, columns={dict(self.columns)!r}, rights={self.rights!r}, "
            f"values={dict(self.values)!r})"
        )


def describe_file(layer: str, path: Path, rows: int, *, rights: str = "", **known: str) -> dict[str, Any]:
    """Return a row for the table of sources: a file of the user's own, or one that more is known of."""
    row = {
        "source": f"the study's own file {path.name}",
        "version": "",
        "date": "",
        "licence": "as the file's owner says",
        "note": "",
    }
    size = path.stat().st_size
    with path.open("rb") as file:
        digest = file_digest(file, "sha256").hexdigest()
    return {
        "layer": layer,
        **row,
        "rights": masked(rights),
        **{key: masked(text) for key, text in known.items()},
        "file": path.name,
        "rows": rows,
        "bytes": size,
        "sha256": digest,
    }


def read_layer(
    name: str,
    source: Source | None = None,
    *,
    area: shapely.Geometry | None = None,
    countries: Collection[str] | None = None,
) -> tuple[gpd.GeoDataFrame, dict[str, Any]]:
    """Return a validated layer in longitude and latitude, and what is known of its source.

    Parameters
    ----------
    name
        One of `LAYERS`.
    source
        The packaged snapshot where it is None.
    area
        Rows of a file or a database that do not touch it, in longitude and latitude, are left out before anything else
        is looked at.
    countries
        Regions of others, in a file or a database, are left out before they are checked: a map of the world has codes
        that are none.

    Returns
    -------
    The frame as its schema has it; and a row for the table of sources (source, version, date, licence, sha256, rows),
    whose ``notes`` a reader must know.

    Raises
    ------
    LayerError, CRSError
        See `layers.schema.validate`.
    """
    source = source or Source()
    if name not in LAYERS:
        raise LayerError(f"no layer is called {name!r}: allowed are {', '.join(LAYERS)}")
    if source.path == SNAPSHOT:
        about = dict(snapshot_manifest()["layers"][name])
        return validate(read_snapshot(name), name, "packaged snapshot"), {"layer": name, **about}
    if source.path == NONE and name in ("roads", "railways"):
        return empty_layer(name), {"layer": name, "source": "none: the study does without", "rows": 0}
    if is_database(source.path):
        return _from_database(name, source, area, countries)
    path = Path(source.path)
    table, notes = read_file(path, layer=source.layer, columns=source.columns)
    frame, more = _own(table, name, path.name, source, area, countries)
    return frame, {**describe_file(name, path, len(frame), rights=source.rights), "notes": [*notes, *more]}


def _from_database(
    name: str, source: Source, area: shapely.Geometry | None, countries: Collection[str] | None
) -> tuple[gpd.GeoDataFrame, dict[str, Any]]:
    """Return a layer out of PostGIS; the address is told without its password."""
    with reading(masked(source.path)):
        table, known = read_table(source.path, layer=source.layer, columns=source.columns)
    table = legible_columns(table)
    about = {"layer": name, "version": "", "date": "", "licence": "as the table's owner says", "rights": source.rights}
    frame, notes = _own(table, name, str(known["source"]), source, area, countries)
    return frame, {**all_masked({**about, **known}), "notes": notes}


def _own(
    table: gpd.GeoDataFrame,
    name: str,
    where: str,
    source: Source,
    area: shapely.Geometry | None,
    countries: Collection[str] | None,
) -> tuple[gpd.GeoDataFrame, list[str]]:
    """Return a layer of the user's own, validated, and what was understood how."""
    with reading(f"layer {name} ({where})"):
        return _checked(table, name, where, source, area, countries)


def _checked(
    table: gpd.GeoDataFrame,
    name: str,
    where: str,
    source: Source,
    area: shapely.Geometry | None,
    countries: Collection[str] | None,
) -> tuple[gpd.GeoDataFrame, list[str]]:
    """Return the same; what libraries raise is not yet a message."""
    if not isinstance(table, gpd.GeoDataFrame) or table._geometry_column_name is None:
        raise LayerError(
            f"layer {name} has no geometry ({where}): allowed is a layer of points, lines or polygons, or a "
            "table with lon and lat"
        )
    frame, notes = placed(table, name, where)
    if area is not None:
        frame, outside = within(frame, name, area, where)
        notes += outside
    frame, words = understood(frame, name, where, values=source.values)
    if name == "regions" and countries and "country" in frame:
        # One that is not there is told here, while the layer still has all of its countries.
        frame = of_countries(frame, countries)
    if name in ("roads", "railways"):
        frame, nodes = agreeing(frame, name, where)
        words += nodes
    return validate(frame, name, where), [*notes, *words]
