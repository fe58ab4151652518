"""Lists of places as `borderlink matrix` takes them: names, a file, or the settlements of the study."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd
import shapely

from gis.inputs import EDGE, Fetching, Prepared, belt_of, prepare
from gis.queries.matrix import minutes_between
from gis.stages import build
from layers.errors import PlaceError
from layers.own.places import read_places
from layers.settlements import Place, find_place

if TYPE_CHECKING:
    from gis.study import Study
    from network.build import Network

ALL = "settlements"
MOST_PAIRS = 25_000_000
"""A table of more rows than this is a mistake: it would take gigabytes."""


def find_matrix(
    study: Study,
    origins: str,
    targets: str,
    *,
    mode: str = "road",
    network: str = "actual",
    km: bool = False,
    name: str = "name",
    fetching: Fetching | None = None,
) -> pd.DataFrame:
    """Return the quickest ways between all places of two lists.

    Parameters
    ----------
    origins, targets
        ``settlements``, a file of places, or names and ``lon,lat`` between semicolons.
    mode, network
        See `network.routing.MODES` and `network.build.NETWORKS`.
    km
        With ``km``, kilometres along the quickest way.
    name
        Column with the names, of files.

    Returns
    -------
    One row per pair, origins first: ``origin``, ``destination``, ``minutes`` (wait included), ``wait_min``, ``checkpoints`` (ids in order, between
    ``|``). NaN and empty where there is no way.

    Raises
    ------
    PlaceError
        A place is unknown, ambiguous or off the two sides; an option is unknown; or there are too many pairs.
    """
    prepared = prepare(study, fetching=fetching)
    built = build(prepared)
    lists = [places_of(text, built, prepared, name) for text in (origins, targets)]
    pairs = len(lists[0]) * len(lists[1])
    if pairs > MOST_PAIRS:
        raise PlaceError(
            f"{len(lists[0]):,} × {len(lists[1]):,} places are {pairs:,} pairs: allowed are {MOST_PAIRS:,}"
        )
    table = minutes_between(built, prepared, *lists, mode=mode, field=network)
    columns = ["origin", "destination", "minutes", "wait_min", "checkpoints"]
    return table.assign(km=table["length_m"] / 1000)[[*columns, "km"] if km else columns]


def places_of(text: str, network: Network, prepared: Prepared, name: str) -> list[Place]:
    """Return the places of a list.

    Raises
    ------
    PlaceError, LayerError
        The list is empty, or its file can't be used.
    """
    if text.strip().casefold() == ALL:
        table = network.settlements
        spots = shapely.get_coordinates(table.geometry.to_numpy())
        names = table["name"].where(~table["name"].duplicated(keep=False), table["name"] + ", " + table["region_name"])
        return [Place(str(n), float(x), float(y), i) for i, (n, (x, y)) in enumerate(zip(names, spots, strict=True))]
    path = Path(text)
    if path.suffix and path.is_file():
        area = belt_of(prepared.border, EDGE * prepared.study.network.depth_km, prepared.crs)
        frame, _ = read_places(path, "places", area=area)
        column = next((c for c in frame.columns if str(c).casefold() == name.casefold()), None)
        if column is None:
            has = ", ".join(str(c) for c in frame.columns if c != "geometry")
            raise PlaceError(f"{path.name} has no column {name!r}: it has {has}; --name says which holds the names")
        spots = shapely.get_coordinates(frame.geometry.to_numpy())
        return [Place(str(n), float(x), float(y)) for n, (x, y) in zip(frame[column], spots, strict=True)]
    names = [part.strip() for part in text.split(";") if part.strip()]
    if not names:
        raise PlaceError(
            f"no place in {text!r}: allowed are names or lon,lat between semicolons, a file of places, or `{ALL}`"
        )
    return [find_place(network.settlements, part) for part in names]
